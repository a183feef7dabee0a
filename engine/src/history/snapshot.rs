//! The graph as one version shows it.

use std::collections::BTreeMap;

use super::HistoryError;
use crate::error::Error;
use crate::id::{BranchName, CommitId, ManifestVersion, TableKey, TableKind, TableVersion};
use crate::manifest::TableEntry;

/// A read-only view at one version of one branch. Plain data: it stays valid whatever is written later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The branch.
    pub branch: BranchName,
    /// Its version.
    pub version: ManifestVersion,
    /// The commit that published it; none if no commit row records it.
    pub commit: Option<CommitId>,
    /// The visible tables.
    pub entries: BTreeMap<TableKey, TableEntry>,
}

impl Snapshot {
    /// Finds a table by key (`node:Person`) or, where it is unambiguous, by type name (`Person`).
    ///
    /// # Errors
    /// [`HistoryError::UnknownTable`] listing the tables there are, [`HistoryError::AmbiguousTable`].
    pub fn table(&self, name: &str) -> Result<&TableEntry, HistoryError> {
        let by_key = name.parse::<TableKey>().ok().and_then(|key| self.entries.get(&key));
        if let Some(entry) = by_key {
            return Ok(entry);
        }
        let of_kind = |kind| self.entries.get(&TableKey::new(kind, name));
        match (of_kind(TableKind::Node), of_kind(TableKind::Edge)) {
            (Some(entry), None) | (None, Some(entry)) => Ok(entry),
            (Some(_), Some(_)) => Err(HistoryError::AmbiguousTable { name: name.to_owned() }),
            (None, None) => Err(HistoryError::UnknownTable {
                name: name.to_owned(),
                position: format!("{}@v{}", self.branch, self.version),
                known: self.entries.keys().map(ToString::to_string).collect(),
            }),
        }
    }
}

/// A pinned table beside its head.
#[derive(Debug)]
pub struct TableStatus {
    /// The table as the snapshot pins it.
    pub entry: TableEntry,
    /// Newest version of the lineage that holds the pin.
    pub head: Result<TableVersion, Error>,
}

impl TableStatus {
    /// How many versions the head is past the pin of a branch's newest snapshot; none if the head is unknown.
    ///
    /// For an older snapshot this is merely its age, not drift.
    #[must_use]
    pub fn drift(&self) -> Option<u64> {
        self.head.as_ref().ok().map(|head| head.get().saturating_sub(self.entry.version.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(keys: &[&str]) -> Snapshot {
        let entry = |key: &&str| {
            let key: TableKey = key.parse().unwrap();
            let version = TableVersion::new(1);
            (key.clone(), TableEntry { key, path: "p".into(), version, lineage: None, rows: 0 })
        };
        let entries = keys.iter().map(entry).collect();
        Snapshot { branch: BranchName::main(), version: ManifestVersion::new(3), commit: None, entries }
    }

    #[test]
    fn tables_are_found_by_key_or_unambiguous_name() {
        let snapshot = snapshot(&["node:Person", "node:Link", "edge:Link"]);
        assert_eq!(snapshot.table("Person").unwrap().key.to_string(), "node:Person");
        assert_eq!(snapshot.table("edge:Link").unwrap().key.to_string(), "edge:Link");
        assert!(matches!(snapshot.table("Link"), Err(HistoryError::AmbiguousTable { .. })));
        let error = snapshot.table("person").unwrap_err();
        assert!(error.to_string().contains("node:Person"), "{error}");
    }
}
