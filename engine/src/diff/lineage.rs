//! How much history two versions of a table share. Pure.

use crate::manifest::TableEntry;
use crate::storage::LineageRef;

/// The last version that belongs to the history of both entries; none if they have no common physical ancestor, or none
/// that the lineages prove.
///
/// Both entries must name the same folder.
pub(super) fn shared_version(from: &TableEntry, to: &TableEntry, lineages: &[LineageRef]) -> Option<u64> {
    if from.path != to.path {
        return None;
    }
    let from = history(from, lineages)?;
    let to = history(to, lineages)?;
    let common = |(name, version): &(Option<&str>, u64)| {
        let (_, other) = to.iter().find(|(other, _)| other == name)?;
        Some(*version.min(other))
    };
    from.iter().find_map(common)
}

/// The lineages an entry's history runs through, newest first, each with the last version of it that belongs to it.
fn history<'a>(entry: &'a TableEntry, lineages: &'a [LineageRef]) -> Option<Vec<(Option<&'a str>, u64)>> {
    let mut steps = vec![(entry.stored_lineage(), entry.version.get())];
    while let Some((Some(name), version)) = steps.last().copied() {
        let lineage = lineages.iter().find(|lineage| lineage.name == name)?;
        // A lineage of the same name that starts later is not the one the entry meant; longer chains are cycles.
        if lineage.parent_version > version || steps.len() > lineages.len() {
            return None;
        }
        steps.push((lineage.parent.as_deref(), lineage.parent_version));
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BranchName, TableVersion};

    fn entry(lineage: Option<&str>, version: u64) -> TableEntry {
        TableEntry {
            key: "node:A".parse().unwrap(),
            path: "nodes/a".into(),
            version: TableVersion::new(version),
            lineage: lineage.map(|name| BranchName::from_stored(Some(name))),
            rows: 0,
        }
    }

    fn lineage(name: &str, parent: Option<&str>, parent_version: u64) -> LineageRef {
        LineageRef {
            name: name.into(),
            parent: parent.map(Into::into),
            parent_version,
            created_at_seconds: 0,
            unreadable: None,
        }
    }

    #[test]
    fn the_shared_version_is_where_the_histories_part() {
        let lineages = [lineage("a", None, 5), lineage("b", Some("a"), 7), lineage("c", None, 3)];
        let shared = |from: (Option<&str>, u64), to: (Option<&str>, u64)| {
            shared_version(&entry(from.0, from.1), &entry(to.0, to.1), &lineages)
        };
        assert_eq!(shared((None, 9), (None, 4)), Some(4), "one lineage: the older one");
        assert_eq!(shared((None, 9), (Some("a"), 8)), Some(5), "main went on after the fork");
        assert_eq!(shared((None, 4), (Some("a"), 8)), Some(4), "main before the fork");
        assert_eq!(shared((Some("b"), 9), (Some("a"), 6)), Some(6));
        assert_eq!(shared((Some("b"), 9), (Some("c"), 9)), Some(3));
        assert_eq!(shared((Some("a"), 4), (None, 9)), None, "the fork is younger than the entry");
        assert_eq!(shared((Some("gone"), 4), (None, 9)), None);
    }

    #[test]
    fn a_cycle_or_another_folder_shares_nothing() {
        let lineages = [lineage("a", Some("b"), 1), lineage("b", Some("a"), 1)];
        assert_eq!(shared_version(&entry(Some("a"), 4), &entry(None, 9), &lineages), None);
        let other = TableEntry { path: "nodes/b".into(), ..entry(None, 9) };
        assert_eq!(shared_version(&entry(None, 4), &other, &[]), None);
    }
}
