//! Rows that replace others, without a join.
//!
//! The new rows are added, the rows with their keys are deleted, and both become one transaction of the kind that a merge-insert
//! makes. A merge-insert holds all new rows in memory and refuses blobs that are references to somewhere outside the graph.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use lance::dataset::transaction::{Operation, UpdateMode};
use lance::dataset::{DeleteBuilder, WriteMode};
use lance_core::datatypes::Schema as LanceSchema;
use lance_table::format::Fragment;

use super::delete::TextSet;
use super::{FEW, Rows, StagedChange, Table};
use crate::storage::StorageError;

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
        self.check_deletions(self.dataset().fragments()).await?;
        let delete = DeleteBuilder::from_expr(self.dataset().clone(), set.condition(key));
        let deleted = delete.execute_uncommitted().await.map_err(|cause| self.error(cause))?;
        let Operation::Delete { updated_fragments, deleted_fragment_ids, predicate: _ } = deleted.transaction.operation
        else {
            unreachable!("BUG: a deletion was staged");
        };
        let added = change.transaction.operation;
        change.transaction.operation =
            replacing(added, updated_fragments, deleted_fragment_ids, self.dataset().schema());
        if let Some(affected) = deleted.affected_rows {
            change.commit = change.commit.with_affected_rows(affected);
        }
        Ok(change)
    }
}

/// Makes rows that are added take the place of rows that are deleted: one transaction, as a merge-insert has it.
pub(super) fn replacing(
    added: Operation,
    updated: Vec<Fragment>,
    removed: Vec<u64>,
    schema: &LanceSchema,
) -> Operation {
    let Operation::Append { fragments } = added else { unreachable!("BUG: {added} was staged and not an append") };
    Operation::Update {
        removed_fragment_ids: removed,
        updated_fragments: updated,
        new_fragments: fragments,
        fields_modified: Vec::new(),
        compacted_sstables: Vec::new(),
        // All of them may have changed, so that no index is taken to cover the new files.
        fields_for_preserving_frag_bitmap: super::field_ids(schema),
        update_mode: Some(UpdateMode::RewriteRows),
        inserted_rows_filter: None,
        updated_fragment_offsets: None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
    use futures::TryStreamExt;
    use lance::index::DatasetIndexExt;
    use lance_index::IndexType;
    use lance_index::scalar::ScalarIndexParams;

    use super::*;
    use crate::storage::{Scan, Storage};

    fn rows(ids: &[&str], value: i32) -> Rows {
        let ids: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
        let values: ArrayRef = Arc::new(Int32Array::from(vec![value; ids.len()]));
        let batch = RecordBatch::try_from_iter([("id", ids), ("value", values)]).unwrap();
        Rows::batches(batch.schema(), vec![batch])
    }

    async fn values(table: &Table, id: &str) -> Vec<i32> {
        let scan = Scan { filter: Some(format!("id = '{id}'")), ..Scan::default() };
        let batches: Vec<RecordBatch> = table.scan(&scan).await.unwrap().try_collect().await.unwrap();
        let value =
            |batch: &RecordBatch| batch["value"].as_primitive::<arrow::datatypes::Int32Type>().values().to_vec();
        batches.iter().flat_map(value).collect()
    }

    #[tokio::test]
    async fn an_index_does_not_hide_the_rows_that_come_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(&folder.path().to_string_lossy()).unwrap();
        let table = storage.create_table("docs", rows(&["a", "b"], 1)).await.unwrap();
        let mut dataset = table.dataset().as_ref().clone();
        let params = ScalarIndexParams::default();
        dataset.create_index(&["id"], IndexType::BTree, None, &params, true).await.unwrap();

        let table =
            table.committed(dataset).stage_replace("id", rows(&["b", "c"], 2)).await.unwrap().commit().await.unwrap();
        for (id, value) in [("a", 1), ("b", 2), ("c", 2)] {
            assert_eq!(values(&table, id).await, [value], "{id}");
        }
        let table = table.stage_replace("id", rows(&["c", "d"], 3)).await.unwrap().commit().await.unwrap();
        for (id, value) in [("a", 1), ("b", 2), ("c", 3), ("d", 3)] {
            assert_eq!(values(&table, id).await, [value], "{id}");
        }
    }
}
