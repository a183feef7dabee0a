//! Rows that go or are replaced, told by their addresses: no column is read to find them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use lance::dataset::WriteMode;
use lance::dataset::fragment::FileFragment;
use lance::dataset::transaction::{Operation, Transaction};
use lance_core::utils::deletion::DeletionVector;
use lance_table::format::Fragment;

use super::replace::replacing;
use super::{Rows, StagedChange, Table};
use crate::storage::StorageError;
use crate::storage::lance::changed::same_rows;

/// Which rows of a table are live, asked by their addresses. Each list of deletions is read once.
pub(crate) struct Live<'t> {
    table: &'t Table,
    deleted: HashMap<u64, Arc<DeletionVector>>,
}

impl<'t> Live<'t> {
    pub(crate) fn of(table: &'t Table) -> Self {
        Self { table, deleted: HashMap::new() }
    }

    /// Whether there is a row at an address.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub(crate) async fn has(&mut self, row: u64) -> Result<bool, StorageError> {
        let (fragment, offset) = (row >> 32, offset(row));
        if let Entry::Vacant(slot) = self.deleted.entry(fragment) {
            let dataset = self.table.dataset();
            let Some(found) = dataset.fragments().iter().find(|it| it.id == fragment) else { return Ok(false) };
            slot.insert(self.table.fenced(self.table.deleted(found)).await?);
        }
        Ok(!self.deleted.get(&fragment).is_some_and(|deleted| deleted.contains(offset)))
    }
}

fn offset(row: u64) -> u32 {
    u32::try_from(row & u64::from(u32::MAX)).expect("32 bits")
}

/// What a deletion makes of the fragments that it is about.
struct Deletion {
    updated: Vec<Fragment>,
    removed: Vec<u64>,
}

impl Table {
    /// The fragments that hold the same rows at the same addresses here and there, deletions aside.
    pub(crate) fn shared_fragments(&self, other: &Self) -> HashSet<u64> {
        let here: BTreeMap<u64, &Fragment> = self.dataset().fragments().iter().map(|it| (it.id, it)).collect();
        let shared =
            other.dataset().fragments().iter().filter(|it| here.get(&it.id).is_some_and(|own| same_rows(own, it)));
        shared.map(|fragment| fragment.id).collect()
    }

    /// Stages the deletion of the rows at these addresses.
    ///
    /// # Errors
    /// [`StorageError::RowsMissed`] if one is not there any more, or there twice; [`StorageError::Table`].
    pub(crate) async fn stage_delete_at(&self, rows: &[u64]) -> Result<StagedChange, StorageError> {
        let Deletion { updated, removed } = self.deletion(rows).await?;
        let operation = Operation::Delete {
            updated_fragments: updated,
            deleted_fragment_ids: removed,
            predicate: format!("{} rows by address", rows.len()),
        };
        Ok(StagedChange::new(self, Transaction::new(self.version(), operation, None)))
    }

    /// Stages rows that take the place of those at these addresses.
    ///
    /// # Errors
    /// As [`Table::stage_delete_at`] and [`Table::stage_append`].
    pub(crate) async fn stage_update_at(&self, rows: Rows, replaced: &[u64]) -> Result<StagedChange, StorageError> {
        let mut change = self.stage_insert(rows, WriteMode::Append).await?;
        let Deletion { updated, removed } = self.deletion(replaced).await?;
        let added = change.transaction.operation;
        change.transaction.operation = replacing(added, updated, removed, self.dataset().schema());
        Ok(change)
    }

    async fn deletion(&self, rows: &[u64]) -> Result<Deletion, StorageError> {
        self.fenced(self.deletion_of(rows)).await
    }

    async fn deletion_of(&self, rows: &[u64]) -> Result<Deletion, StorageError> {
        let mut offsets: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for row in rows {
            offsets.entry(row >> 32).or_default().push(offset(*row));
        }
        let missed = |found: u64| {
            let (path, expected) = (self.uri().to_owned(), rows.len() as u64);
            StorageError::RowsMissed { path, expected, found }
        };
        let (mut updated, mut removed, mut found) = (Vec::new(), Vec::new(), 0);
        for fragment in self.dataset().fragments().iter() {
            let Some(offsets) = offsets.remove(&fragment.id) else { continue };
            self.check_deletions(std::slice::from_ref(fragment)).await?;
            let live = fragment.num_rows().unwrap_or(0) as u64;
            let file = FileFragment::new(self.dataset().clone(), fragment.clone());
            let rest = file.extend_deletions(offsets).await.map_err(|cause| self.error(cause))?;
            if let Some(rest) = rest {
                found += live - rest.metadata().num_rows().unwrap_or(0) as u64;
                updated.push(rest.metadata().clone());
            } else {
                found += live;
                removed.push(fragment.id);
            }
        }
        if found == rows.len() as u64 { Ok(Deletion { updated, removed }) } else { Err(missed(found)) }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch, StringArray};
    use futures::TryStreamExt;

    use super::*;
    use crate::storage::{ROW_ADDRESS, Scan, Storage};

    fn rows(ids: &[&str], value: i32) -> Rows {
        let ids: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
        let values: ArrayRef = Arc::new(Int32Array::from(vec![value; ids.len()]));
        let batch = RecordBatch::try_from_iter([("id", ids), ("value", values)]).unwrap();
        Rows::batches(batch.schema(), vec![batch])
    }

    /// Id, value and address of every row.
    async fn all(table: &Table) -> Vec<(String, i32, u64)> {
        let columns = ["id", "value", ROW_ADDRESS].map(str::to_owned).to_vec();
        let scan = Scan { columns: Some(columns), ..Scan::default() };
        let batches: Vec<RecordBatch> = table.scan(&scan).await.unwrap().try_collect().await.unwrap();
        let mut found = Vec::new();
        for batch in &batches {
            let (ids, values) =
                (batch["id"].as_string::<i32>(), batch["value"].as_primitive::<arrow::datatypes::Int32Type>());
            let at = batch[ROW_ADDRESS].as_primitive::<arrow::datatypes::UInt64Type>();
            found
                .extend((0..batch.num_rows()).map(|row| (ids.value(row).to_owned(), values.value(row), at.value(row))));
        }
        found.sort();
        found
    }

    fn values(all: &[(String, i32, u64)]) -> Vec<(&str, i32)> {
        all.iter().map(|(id, value, _)| (id.as_str(), *value)).collect()
    }

    fn at(all: &[(String, i32, u64)], ids: &[&str]) -> Vec<u64> {
        all.iter().filter(|(id, ..)| ids.contains(&id.as_str())).map(|(.., at)| *at).collect()
    }

    #[tokio::test]
    async fn rows_are_found_by_their_addresses_in_every_file() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(&folder.path().to_string_lossy()).unwrap();
        let first = storage.create_table("t", rows(&["a", "b", "c"], 1)).await.unwrap();
        let table = first.stage_append(rows(&["d", "e"], 1)).await.unwrap().commit().await.unwrap();
        let before = all(&table).await;
        let table = table.stage_update_at(rows(&["b", "e"], 2), &at(&before, &["b", "e"])).await.unwrap();
        let table = table.commit().await.unwrap();
        assert_eq!(values(&all(&table).await), [("a", 1), ("b", 2), ("c", 1), ("d", 1), ("e", 2)]);
        assert_eq!(first.shared_fragments(&table), HashSet::from([0]), "deletions aside");

        let before = all(&table).await;
        let table = table.stage_delete_at(&at(&before, &["a", "c", "d"])).await.unwrap().commit().await.unwrap();
        assert_eq!(values(&all(&table).await), [("b", 2), ("e", 2)], "whole files go, too");
    }

    #[tokio::test]
    async fn a_row_that_is_gone_or_named_twice_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(&folder.path().to_string_lossy()).unwrap();
        let table = storage.create_table("t", rows(&["a", "b", "c"], 1)).await.unwrap();
        let before = all(&table).await;
        let gone = at(&before, &["a"]);
        let table = table.stage_delete_at(&gone).await.unwrap().commit().await.unwrap();
        let mut live = Live::of(&table);
        assert!(!live.has(gone[0]).await.unwrap() && live.has(at(&before, &["b"])[0]).await.unwrap());
        assert!(!live.has(7 << 32).await.unwrap());
        for wrong in [gone.clone(), at(&before, &["b"]).repeat(2), vec![7 << 32]] {
            let staged = table.stage_delete_at(&wrong).await.map(drop);
            assert!(matches!(staged, Err(StorageError::RowsMissed { .. })), "{wrong:?}");
        }
    }
}
