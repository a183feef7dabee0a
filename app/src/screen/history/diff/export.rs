//! The changes as rows of a file: one line a change, cells as JSON. They are made while the file is written.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt;
use serde_json::{Map, Value as Json};
use stratigraph_engine::diff::RowChange;
use stratigraph_engine::{Row, RowStream};

use super::Diff;
use super::filter::word;
use super::rows::Left;
use crate::export::{Content, Made, Produce, Source};
use crate::rows::plain_json;

/// Changes in one batch.
const BATCH: usize = 500;

/// The changes that were loaded and left by the filters at one moment, table by table. Making it costs nothing per change.
#[derive(Debug)]
struct Changes {
    tables: Vec<Left>,
}

impl Diff {
    /// All changes loaded and left by the filters, table by table; `None` if there are none.
    pub(in super::super) fn export(&self, name: String) -> Option<Content> {
        let left = self.tables_left().map(|table| table.rows.all_left());
        let tables: Vec<Left> = left.filter(|left| left.len() > 0).collect();
        if tables.is_empty() {
            return None;
        }
        Some(Content::Read { name, source: Source::Made(Made::new(Arc::new(Changes { tables }))) })
    }
}

impl Produce for Changes {
    /// Columns, all text that may be null: table, id, op, before and after (JSON objects), columns (names of the changed ones,
    /// separated by commas).
    fn rows(self: Arc<Self>) -> (SchemaRef, RowStream) {
        let schema = schema();
        let of_batches = Arc::clone(&schema);
        let batches = self.tables.clone().into_iter().flat_map(move |table| {
            let schema = Arc::clone(&of_batches);
            (0..table.len()).step_by(BATCH).map(move |first| Ok(batch(&table, &schema, first)))
        });
        (schema, futures::stream::iter(batches).boxed())
    }
}

fn schema() -> SchemaRef {
    let names = ["table", "id", "op", "before", "after", "columns"];
    let fields = names.map(|name| Field::new(name, DataType::Utf8, true));
    Arc::new(Schema::new(fields.to_vec()))
}

fn batch(table: &Left, schema: &SchemaRef, first: usize) -> RecordBatch {
    let changes: Vec<&RowChange> = table.changes().skip(first).take(BATCH).collect();
    let text = |of: &dyn Fn(&RowChange) -> Option<String>| -> ArrayRef {
        Arc::new(changes.iter().map(|change| of(change)).collect::<StringArray>())
    };
    let json = |row: &Option<Row>| row.as_ref().map(row_text);
    let columns = vec![
        text(&|change| Some(change.table.to_string())),
        text(&|change| Some(change.id.clone())),
        text(&|change| Some(word(change.op).to_owned())),
        text(&|change| json(&change.before)),
        text(&|change| json(&change.after)),
        text(&|change| Some(change.columns.join(","))),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns).expect("the columns are those of the schema")
}

/// A row as a JSON object for people: dates are `2024-02-01`.
fn row_text(row: &Row) -> String {
    let object: Map<String, Json> = row.iter().map(|(name, value)| (name.to_owned(), plain_json(value))).collect();
    Json::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use arrow::array::Date32Array;

    use super::*;

    #[test]
    fn rows_in_a_cell_have_dates_as_people_write_them() {
        let columns: [(&str, ArrayRef); 2] = [
            ("id", Arc::new(StringArray::from(vec!["Ada"]))),
            ("joined", Arc::new(Date32Array::from(vec![Some(19_754)]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let row = Row::from_batch(&Row::columns_of(&batch), &batch, 0);
        assert_eq!(row_text(&row), r#"{"id":"Ada","joined":"2024-02-01"}"#);
    }
}
