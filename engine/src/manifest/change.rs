//! What differs between two versions of the graph, from the manifests alone.

use std::collections::{BTreeMap, BTreeSet};

use super::TableEntry;
use crate::id::TableKey;

/// How a table differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The table is only in the newer state.
    Added,
    /// The table is only in the older state.
    Removed,
    /// Another version or lineage is pinned.
    Changed,
}

/// One table that differs between two states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableChange {
    /// Which table.
    pub key: TableKey,
    /// How it differs.
    pub kind: ChangeKind,
    /// The older state; none if added.
    pub from: Option<TableEntry>,
    /// The newer state; none if removed.
    pub to: Option<TableEntry>,
}

/// The tables that differ from `from` to `to`, in key order. No table is opened.
#[must_use]
pub fn changes(from: &BTreeMap<TableKey, TableEntry>, to: &BTreeMap<TableKey, TableEntry>) -> Vec<TableChange> {
    let keys: BTreeSet<&TableKey> = from.keys().chain(to.keys()).collect();
    keys.into_iter().filter_map(|key| change(from.get(key), to.get(key))).collect()
}

fn change(from: Option<&TableEntry>, to: Option<&TableEntry>) -> Option<TableChange> {
    let (kind, key) = match (from, to) {
        (Some(from), Some(to)) if from.same_state(to) => return None,
        (Some(from), Some(_)) => (ChangeKind::Changed, &from.key),
        (Some(from), None) => (ChangeKind::Removed, &from.key),
        (None, Some(to)) => (ChangeKind::Added, &to.key),
        (None, None) => return None,
    };
    Some(TableChange { key: key.clone(), kind, from: from.cloned(), to: to.cloned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BranchName, TableVersion};

    fn state(entries: &[(&str, u64, Option<&str>)]) -> BTreeMap<TableKey, TableEntry> {
        let entry = |&(key, version, lineage): &(&str, u64, Option<&str>)| {
            let key: TableKey = key.parse().unwrap();
            let lineage = lineage.map(|name| BranchName::from_stored(Some(name)));
            let entry = TableEntry {
                key: key.clone(),
                path: "p".into(),
                version: TableVersion::new(version),
                lineage,
                rows: 0,
            };
            (key, entry)
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn equal_tables_are_left_out_and_each_difference_is_named() {
        let from = state(&[("node:A", 1, None), ("node:B", 1, None), ("node:C", 2, None), ("node:D", 3, None)]);
        let to = state(&[("node:A", 1, None), ("node:B", 2, None), ("node:C", 2, Some("x")), ("node:E", 1, None)]);
        let found: Vec<(String, ChangeKind)> =
            changes(&from, &to).into_iter().map(|change| (change.key.to_string(), change.kind)).collect();
        let expected = [
            ("node:B", ChangeKind::Changed),
            ("node:C", ChangeKind::Changed),
            ("node:D", ChangeKind::Removed),
            ("node:E", ChangeKind::Added),
        ];
        assert_eq!(found, expected.map(|(key, kind)| (key.to_owned(), kind)));
    }
}
