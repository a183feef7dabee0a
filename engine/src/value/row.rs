//! One row, copied out of its batch.

use std::sync::Arc;

use arrow::array::RecordBatch;
use serde_json::{Map, Value as Json};

use super::Value;

/// The cells of one row and the names of their columns, in the order they were read.
///
/// Rows of one read share the names; the cells are copies, so that keeping a row does not keep its batch alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    columns: Arc<[Arc<str>]>,
    values: Box<[Value]>,
}

impl Row {
    /// Makes a row from names and cells.
    ///
    /// # Panics
    /// If there are not as many cells as names.
    #[must_use]
    pub fn new(columns: Arc<[Arc<str>]>, values: Vec<Value>) -> Self {
        assert_eq!(columns.len(), values.len(), "BUG: a row needs one cell for each column");
        Self { columns, values: values.into() }
    }

    /// The names of a batch's columns, to be shared by its rows.
    #[must_use]
    pub fn columns_of(batch: &RecordBatch) -> Arc<[Arc<str>]> {
        batch.schema_ref().fields().iter().map(|field| Arc::from(field.name().as_str())).collect()
    }

    /// Copies row `row` of a batch whose columns are named `columns`.
    ///
    /// # Panics
    /// If the batch has no such row or another number of columns.
    #[must_use]
    pub fn from_batch(columns: &Arc<[Arc<str>]>, batch: &RecordBatch, row: usize) -> Self {
        Self::new(columns.clone(), batch.columns().iter().map(|array| Value::from_array(array, row)).collect())
    }

    /// Names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    /// Cells, in the order of the columns.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The cell of a column; none if the row has no such column.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Value> {
        let index = self.columns.iter().position(|name| &**name == column)?;
        self.values.get(index)
    }

    /// Names and cells, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.columns.iter().map(|name| &**name).zip(self.values.iter())
    }

    /// The row as a JSON object with the columns in order.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::Object(self.iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect::<Map<_, _>>())
    }
}
