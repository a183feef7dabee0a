//! Rows of one table at one version, ordered by id or by another column.
//!
//! | function | answers |
//! |---|---|
//! | [`rows`] | which rows there are: projection, filter, cursor, limit |
//! | [`count`] | how many of them |
//! | [`entity`] | the row with one id |
//!
//! Pages are read with a cursor, not an offset: the id of the last row seen is the next page's [`ReadOptions::after`]. Rows in
//! another order have no pages: a limit gives the first of them.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use arrow_schema::SchemaRef;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::error::{ErrorKind, Result};
use crate::excerpt::start_of;
use crate::storage::{ID, Sorted, StorageError, Table, WRITTEN_IN};
use crate::value::Row;

pub use crate::storage::{Blobs, Order, is_blob};

/// Rows in bounded batches; all have the same columns, an empty result has no batch.
pub type RowStream = BoxStream<'static, Result<RecordBatch>>;

/// What to read of a table. The default is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Columns, in this order; none is all, in the table's order.
    pub columns: Option<Vec<String>>,
    /// Condition over all columns of the table, as after the `WHERE` of a query; names are exact.
    pub filter: Option<String>,
    /// Cursor: only rows whose id is greater, in byte order.
    pub after: Option<String>,
    /// At most this many rows.
    pub limit: Option<u64>,
    /// In which order; ascending by id if none.
    pub order: Option<Order>,
    /// Rows per batch at most; batches of wide rows are smaller.
    pub batch_rows: Option<usize>,
    /// How blob columns are read.
    pub blobs: Blobs,
}

/// Why rows cannot be read as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A column was asked for that the table does not have.
    #[error("there is no column `{column}`; the table has {}", available.join(", "))]
    UnknownColumn {
        /// The column asked for.
        column: String,
        /// The columns there are.
        available: Vec<String>,
    },
    /// Rows cannot be put in order of this column.
    #[error("cannot sort by `{column}`: blobs have no order")]
    Unordered {
        /// The column.
        column: String,
    },
    /// The filter is not an expression over the table's columns.
    #[error("cannot use the filter `{}`; the table has {}", start_of(filter), available.join(", "))]
    Filter {
        /// The filter as given.
        filter: String,
        /// The columns there are.
        available: Vec<String>,
        /// What is wrong with it.
        #[source]
        source: Box<StorageError>,
    },
}

impl ReadError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownColumn { .. } | Self::Unordered { .. } | Self::Filter { .. } => ErrorKind::Invalid,
        }
    }
}

/// Reads rows ascending by id unless asked otherwise, in bounded memory however large the table is.
///
/// Columns: as asked, else all in the table's order. A blob column is a struct, in one of two shapes that
/// [`crate::Value::from_array`] both understands.
///
/// # Errors
/// [`ReadError`] for an unknown column, one that has no order, or a bad filter, [`StorageError`] if the table cannot be read, at once or in the stream.
pub async fn rows(table: &Table, options: &ReadOptions) -> Result<RowStream> {
    if let Some(order) = &options.order {
        check_order(table, order)?;
    }
    let request = Sorted {
        columns: columns(&table.schema(), options.columns.as_deref())?,
        filter: options.filter.as_deref(),
        after: options.after.as_deref(),
        order: options.order.as_ref(),
        limit: options.limit,
        batch_rows: options.batch_rows,
        blobs: options.blobs,
    };
    let blamed = |cause| blame_filter(table, options.filter.as_deref(), cause);
    let rows = table.sorted(&request).await.map_err(blamed)?;
    let (table, filter) = (table.clone(), options.filter.clone());
    Ok(rows.map_err(move |cause| blame_filter(&table, filter.as_deref(), cause)).boxed())
}

/// Counts the rows that a filter lets through; all if there is none.
///
/// # Errors
/// As [`rows`].
pub async fn count(table: &Table, filter: Option<&str>) -> Result<u64> {
    table.count(filter).await.map_err(|cause| blame_filter(table, filter, cause))
}

/// The columns of a table that a filter is about; no row is read.
///
/// # Errors
/// [`ReadError::Filter`] if it is not an expression over the table's columns.
pub(crate) fn filter_columns(table: &Table, filter: &str) -> Result<BTreeSet<String>> {
    table.filter_columns(filter).map_err(|cause| blame_filter(table, Some(filter), cause))
}

/// Finds the rows with one id. More than one means that the table breaks the rule that ids are unique.
///
/// # Errors
/// [`StorageError`].
pub async fn entity(table: &Table, id: &str, blobs: Blobs) -> Result<Vec<Row>> {
    let mut batches = table.with_id(id, &names(&table.schema()), blobs).await?;
    let mut found = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let columns = Row::columns_of(&batch);
        found.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row)));
    }
    Ok(found)
}

/// As [`entity`], with the version of the table's lineage that wrote the row; none if there is not exactly one, or if the table does
/// not record it.
///
/// # Errors
/// [`StorageError`].
pub(crate) async fn entity_written(table: &Table, id: &str, blobs: Blobs) -> Result<(Vec<Row>, Option<u64>)> {
    let names = names(&table.schema());
    let columns: Vec<String> = names.iter().cloned().chain([WRITTEN_IN.to_owned()]).collect();
    let mut batches = table.with_id(id, &columns, blobs).await?;
    let (mut found, mut written) = (Vec::new(), None);
    while let Some(batch) = batches.try_next().await? {
        let versions = batch.column_by_name(WRITTEN_IN).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        written = versions.and_then(arrow::compute::max);
        let rows = batch.project(&(0..names.len()).collect::<Vec<_>>()).expect("the batch has the columns asked for");
        let columns = Row::columns_of(&rows);
        found.extend((0..rows.num_rows()).map(|row| Row::from_batch(&columns, &rows, row)));
    }
    let written = written.filter(|_| found.len() == 1);
    Ok((found, written))
}

fn columns(schema: &SchemaRef, asked: Option<&[String]>) -> Result<Vec<String>, ReadError> {
    let available = names(schema);
    let Some(asked) = asked else { return Ok(available) };
    match asked.iter().find(|column| !available.contains(column)) {
        Some(column) => Err(ReadError::UnknownColumn { column: column.clone(), available }),
        None if asked.is_empty() => Ok(vec![ID.to_owned()]),
        None => Ok(asked.to_vec()),
    }
}

fn check_order(table: &Table, Order { column, .. }: &Order) -> Result<(), ReadError> {
    let asked = columns(&table.schema(), Some(std::slice::from_ref(column)))?;
    match table.blob_columns(&asked).pop() {
        Some(column) => Err(ReadError::Unordered { column }),
        None => Ok(()),
    }
}

fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// A refused request is the filter's fault if there is one: the columns were checked before.
fn blame_filter(table: &Table, filter: Option<&str>, cause: StorageError) -> crate::Error {
    match (filter, cause) {
        (Some(filter), source @ StorageError::Request { .. }) => {
            ReadError::Filter { filter: filter.to_owned(), available: names(&table.schema()), source: Box::new(source) }
                .into()
        }
        (_, cause) => cause.into(),
    }
}
