//! Rows that replace others in a table with blobs.
//!
//! A merge-insert refuses a blob that is a reference to somewhere outside the graph. So the new rows are added, the rows with
//! their keys are deleted, and both become one transaction of the kind that a merge-insert makes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use lance::dataset::transaction::{Operation, UpdateMode};
use lance::dataset::{DeleteBuilder, WriteMode};

use super::delete::TextSet;
use super::{Rows, StagedChange, Table};
use crate::storage::StorageError;

/// Keys that are listed one by one; more are a set.
const FEW: usize = 500;

impl Table {
    /// Whether a column holds blobs.
    pub(super) fn has_blobs(&self) -> bool {
        self.dataset().schema().fields.iter().any(lance::datatypes::Field::is_blob)
    }

    /// Stages rows that replace those with an equal value in the text column `key`, or are added.
    ///
    /// # Errors
    /// As [`Table::stage_append`].
    pub(super) async fn stage_replace(&self, key: &str, rows: Rows) -> Result<StagedChange, StorageError> {
        let seen = Arc::new(Mutex::new(HashSet::<String>::new()));
        let (column, adding) = (key.to_owned(), seen.clone());
        let rows = rows.into_stream();
        let schema = rows.schema();
        let rows = rows.inspect(move |batch| {
            let keys = batch.as_ref().ok().and_then(|batch| batch.column_by_name(&column)?.as_string_opt::<i32>());
            let mut seen = adding.lock().unwrap_or_else(PoisonError::into_inner);
            seen.extend(keys.into_iter().flatten().flatten().map(str::to_owned));
        });
        let rows = Rows { stream: Box::pin(RecordBatchStreamAdapter::new(schema, rows)) };
        let mut change = self.stage_insert(rows, WriteMode::Append).await?;
        let keys = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        let few = (keys.len() <= FEW).then(|| keys.iter().cloned().collect());
        let set = TextSet::new(few, move |text| keys.contains(text));
        let delete = DeleteBuilder::from_expr(self.dataset().clone(), set.condition(key));
        let deleted = delete.execute_uncommitted().await.map_err(|cause| self.error(cause))?;
        match (change.transaction.operation, deleted.transaction.operation) {
            (
                Operation::Append { fragments },
                Operation::Delete { updated_fragments, deleted_fragment_ids, predicate: _ },
            ) => {
                change.transaction.operation = Operation::Update {
                    removed_fragment_ids: deleted_fragment_ids,
                    updated_fragments,
                    new_fragments: fragments,
                    fields_modified: Vec::new(),
                    compacted_sstables: Vec::new(),
                    // The rows get new row ids, so no index covers them before it is told of them.
                    fields_for_preserving_frag_bitmap: Vec::new(),
                    update_mode: Some(UpdateMode::RewriteRows),
                    inserted_rows_filter: None,
                    updated_fragment_offsets: None,
                };
            }
            (added, deleted) => unreachable!("BUG: {added} and {deleted} were staged"),
        }
        if let Some(affected) = deleted.affected_rows {
            change.commit = change.commit.with_affected_rows(affected);
        }
        Ok(change)
    }
}
