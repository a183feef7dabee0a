//! The changes as rows of a file: one line a change, cells as JSON.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use stratigraph_engine::Row;

use super::filter::word;
use super::{Diff, Table};
use crate::export::Content;

impl Diff {
    /// All changes loaded and left by the filters, table by table.
    pub(in super::super) fn export(&self, name: String) -> Option<Content> {
        let tables: Vec<&Table> = self.tables_left().collect();
        let changes = || tables.iter().flat_map(|table| table.rows.changes());
        let json = |row: &Option<Row>| row.as_ref().map(|row| row.to_json().to_string());
        let columns: [(&str, StringArray); 6] = [
            ("table", changes().map(|change| Some(change.table.to_string())).collect()),
            ("id", changes().map(|change| Some(change.id.clone())).collect()),
            ("op", changes().map(|change| Some(word(change.op))).collect()),
            ("before", changes().map(|change| json(&change.before)).collect()),
            ("after", changes().map(|change| json(&change.after)).collect()),
            ("columns", changes().map(|change| Some(change.columns.join(","))).collect()),
        ];
        let arrays = columns.into_iter().map(|(name, array)| (name, Arc::new(array) as ArrayRef, true));
        let batch = RecordBatch::try_from_iter_with_nullable(arrays).ok()?;
        (batch.num_rows() > 0).then(|| Content::Rows { name, batches: Arc::new([batch]) })
    }
}
