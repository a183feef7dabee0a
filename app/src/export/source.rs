//! Rows that are read or made while they are written.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use stratigraph_engine::read::is_blob;
use stratigraph_engine::{Blobs, Graph, ReadOptions, RowStream, Snapshot, SqlOptions, TableKey};

use crate::message::Failure;

/// Rows of the graph that were not read yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Rows of a table.
    Table {
        /// Where.
        snapshot: Arc<Snapshot>,
        /// Which table.
        table: TableKey,
        /// Which rows and columns, in which order; how blobs are read follows from the form of the file.
        options: ReadOptions,
        /// In what the file will differ from what is on view.
        remark: Option<&'static str>,
    },
    /// Rows of what is in memory.
    Made(Made),
    /// Rows of a query. Blobs are references and sizes.
    Query {
        /// Where.
        snapshot: Arc<Snapshot>,
        /// The query.
        statement: String,
    },
}

/// Something in memory that becomes rows while they are written, not before.
pub trait Produce: Debug + Send + Sync {
    /// The columns, and the rows in bounded batches that have them.
    fn rows(self: Arc<Self>) -> (SchemaRef, RowStream);
}

/// Rows that are made while they are written; equal if they are made from the same thing.
#[derive(Debug, Clone)]
pub struct Made(Arc<dyn Produce>);

impl Made {
    /// Rows made from `from`.
    #[must_use]
    pub fn new(from: Arc<impl Produce + 'static>) -> Self {
        Self(from)
    }

    /// The columns and the rows.
    #[must_use]
    pub fn rows(&self) -> (SchemaRef, RowStream) {
        Arc::clone(&self.0).rows()
    }
}

impl PartialEq for Made {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Rows on their way.
pub(super) struct Rows {
    /// Names and types of the columns; what is known of them before the first row.
    pub(super) schema: SchemaRef,
    /// The rows.
    pub(super) batches: RowStream,
}

impl Source {
    /// Starts reading.
    pub(super) async fn open(&self, graph: &Graph, blobs: Blobs) -> Result<Rows, Failure> {
        match self {
            Self::Table { snapshot, table, options, remark: _ } => {
                let declared = graph.table_schema(snapshot.table(&table.to_string()).map_err(failure)?).await?;
                let options = ReadOptions { blobs, ..options.clone() };
                let batches = graph.read(snapshot, table, &options).await?;
                Ok(Rows { schema: schema_of_read(&declared, options.columns.as_deref()), batches })
            }
            Self::Made(made) => {
                let (schema, batches) = made.rows();
                Ok(Rows { schema, batches })
            }
            Self::Query { snapshot, statement } => {
                let result = graph.sql(snapshot, statement, SqlOptions::default()).await?;
                Ok(Rows { schema: result.schema, batches: result.batches })
            }
        }
    }
}

fn failure(error: stratigraph_engine::history::HistoryError) -> Failure {
    stratigraph_engine::Error::from(error).into()
}

/// The columns asked for, blobs as a read gives them.
fn schema_of_read(declared: &Schema, asked: Option<&[String]>) -> SchemaRef {
    let field = |field: &Field| if is_blob(field) { blob_field(field.name()) } else { field.clone() };
    let fields: Fields = match asked {
        None => declared.fields().iter().map(|declared| field(declared)).collect(),
        Some(names) => names.iter().filter_map(|name| declared.field_with_name(name).ok()).map(field).collect(),
    };
    Arc::new(Schema::new(fields))
}

fn blob_field(name: &str) -> Field {
    let parts = vec![Field::new("data", DataType::LargeBinary, true), Field::new("uri", DataType::Utf8, true)];
    Field::new(name, DataType::Struct(parts.into()), true)
}

#[cfg(test)]
mod tests {
    use stratigraph_engine::schema::BLOB_EXTENSION_NAME;

    use super::*;

    #[test]
    fn columns_are_as_asked_and_blobs_as_they_are_read() {
        let marked = [("ARROW:extension:name".to_owned(), BLOB_EXTENSION_NAME.to_owned())].into();
        let stored = Field::new("file", DataType::LargeBinary, true).with_metadata(marked);
        let declared = Schema::new(vec![Field::new("id", DataType::Utf8, false), stored]);
        let id = Field::new("id", DataType::Utf8, false);
        assert_eq!(*schema_of_read(&declared, None), Schema::new(vec![id.clone(), blob_field("file")]));
        let asked = ["file".to_owned(), "id".to_owned()];
        assert_eq!(*schema_of_read(&declared, Some(&asked)), Schema::new(vec![blob_field("file"), id]));
        let marked = [("lance-encoding:blob".to_owned(), "true".to_owned())].into();
        let older = Schema::new(vec![Field::new("file", DataType::LargeBinary, true).with_metadata(marked)]);
        assert_eq!(*schema_of_read(&older, None), Schema::new(vec![blob_field("file")]), "the mark before that one");
    }
}
