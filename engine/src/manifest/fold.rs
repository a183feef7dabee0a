//! Rows → state: the fold of graph-format §4.4. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use arrow::array::RecordBatch;

use super::row::{self, NewRow, Row};
use super::{ManifestError, TableEntry};
use crate::error::Result;
use crate::id::{BranchName, ManifestVersion, TableKey, TableVersion};
use crate::storage::Summary;

/// The greatest version of a table.
#[derive(Debug, Clone)]
pub(super) struct Newest {
    pub(super) version: u64,
    pub(super) lineage: Option<String>,
    pub(super) rows: u64,
}

/// What the rows seen so far say. The order of rows does not matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Fold {
    paths: BTreeMap<String, String>,
    newest: BTreeMap<String, Newest>,
    tombstones: BTreeMap<String, u64>,
}

impl Fold {
    /// Takes one row in. Per table the greatest version wins, whatever lineage holds it.
    pub(super) fn add(&mut self, row: Row) {
        match row {
            Row::Table { key, path } => {
                self.paths.insert(key, path);
            }
            Row::Version { key, version, lineage, rows } => self.add_version(key, Newest { version, lineage, rows }),
            Row::Tombstone { key, version } => self.add_tombstone(key, version),
        }
    }

    fn add_version(&mut self, key: String, candidate: Newest) {
        match self.newest.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(candidate);
            }
            Entry::Occupied(mut slot) if slot.get().version < candidate.version => {
                slot.insert(candidate);
            }
            Entry::Occupied(_) => {}
        }
    }

    fn add_tombstone(&mut self, key: String, version: u64) {
        let highest = self.tombstones.entry(key).or_default();
        *highest = version.max(*highest);
    }

    /// Folder of a registered table.
    pub(super) fn path(&self, key: &TableKey) -> Option<&str> {
        self.paths.get(&key.to_string()).map(String::as_str)
    }

    /// Greatest version of a table, visible or not.
    pub(super) fn newest(&self, key: &TableKey) -> Option<&Newest> {
        self.newest.get(&key.to_string())
    }

    /// What a publish expects of a table: its visible version, else the tombstone's, else 0.
    pub(super) fn visible_version(&self, key: &TableKey) -> u64 {
        let key = key.to_string();
        let newest = self.newest.get(&key).map_or(0, |newest| newest.version);
        newest.max(self.tombstones.get(&key).copied().unwrap_or(0))
    }

    /// Whether no row with the id of this one can be there.
    pub(super) fn is_new(&self, row: &NewRow) -> bool {
        match row {
            NewRow::Table { key, .. } => self.path(key).is_none(),
            NewRow::Version(update) => self.newest(&update.key).is_none_or(|newest| newest.version < update.version),
            NewRow::Tombstone { key, version } => {
                self.tombstones.get(&key.to_string()).is_none_or(|known| known < version)
            }
        }
    }

    /// The visible tables.
    ///
    /// # Errors
    /// [`ManifestError::Unregistered`] for a version without a table, [`ManifestError::Key`] for a malformed key.
    pub(super) fn finish(mut self, version: ManifestVersion) -> Result<BTreeMap<TableKey, TableEntry>, ManifestError> {
        let tombstones = self.tombstones;
        let visible = self
            .newest
            .into_iter()
            .filter(|(key, newest)| tombstones.get(key).is_none_or(|&tombstone| tombstone < newest.version));
        visible
            .map(|(table_key, newest)| {
                let Some(path) = self.paths.remove(&table_key) else {
                    return Err(ManifestError::Unregistered { version, table_key });
                };
                let Ok(key) = table_key.parse::<TableKey>() else {
                    return Err(ManifestError::Key { table_key });
                };
                let entry = TableEntry {
                    key: key.clone(),
                    path: path.into(),
                    version: TableVersion::new(newest.version),
                    lineage: newest.lineage.as_deref().map(|name| BranchName::from_stored(Some(name))),
                    rows: newest.rows,
                };
                Ok((key, entry))
            })
            .collect()
    }
}

impl Summary for Fold {
    fn columns(&self) -> Vec<&str> {
        row::COLUMNS.to_vec()
    }

    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        for row in row::decode(batch)? {
            self.add(row);
        }
        Ok(())
    }

    fn merge(&mut self, _: usize, file: Option<&Self>) {
        let Some(other) = file else { return };
        for (key, path) in &other.paths {
            self.paths.insert(key.clone(), path.clone());
        }
        for (key, newest) in &other.newest {
            self.add_version(key.clone(), newest.clone());
        }
        for (key, &version) in &other.tombstones {
            self.add_tombstone(key.clone(), version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(key: &str) -> Row {
        Row::Table { key: key.into(), path: "nodes/x".into() }
    }

    fn version(key: &str, version: u64, lineage: Option<&str>, rows: u64) -> Row {
        Row::Version { key: key.into(), version, lineage: lineage.map(Into::into), rows }
    }

    fn fold(rows: Vec<Row>) -> Result<BTreeMap<TableKey, TableEntry>, ManifestError> {
        let mut fold = Fold::default();
        for row in rows {
            fold.add(row);
        }
        fold.finish(ManifestVersion::new(9))
    }

    #[test]
    fn the_greatest_version_wins_whatever_its_lineage_and_order() {
        let state =
            fold(vec![version("node:A", 5, Some("b"), 7), table("node:A"), version("node:A", 4, None, 3)]).unwrap();
        let entry = &state[&"node:A".parse().unwrap()];
        assert_eq!((entry.version.get(), entry.rows, entry.stored_lineage()), (5, 7, Some("b")));
    }

    #[test]
    fn a_tombstone_hides_versions_up_to_its_own() {
        let dropped = |tombstone| {
            let rows = vec![
                table("node:A"),
                version("node:A", 4, None, 3),
                Row::Tombstone { key: "node:A".into(), version: tombstone },
            ];
            fold(rows).unwrap().is_empty()
        };
        assert!(dropped(5) && dropped(4));
        assert!(!dropped(3));
    }

    #[test]
    fn a_version_of_an_unregistered_table_is_an_error() {
        let error = fold(vec![version("node:A", 1, None, 0)]).unwrap_err();
        assert!(matches!(&error, ManifestError::Unregistered { table_key, .. } if table_key == "node:A"));
        let error = fold(vec![table("A"), version("A", 1, None, 0)]).unwrap_err();
        assert!(matches!(&error, ManifestError::Key { table_key } if table_key == "A"));
    }
}
