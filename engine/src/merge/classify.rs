//! What happens to a table as a whole, from its three entries alone (engine-behaviour §6.2). Pure.

use std::collections::BTreeSet;

use crate::id::BranchName;
use crate::manifest::TableEntry;

/// How a table comes to its merged state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    /// The target has it already.
    Untouched,
    /// Only the source changed it: the target takes over what the source has.
    Adopt(Adopt),
    /// Both sides changed it: row by row.
    ThreeWay,
}

/// How the state of the source becomes the target's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adopt {
    /// The target points to the version of the main lineage that the source sees.
    Pointer,
    /// The target gets a lineage of its own that starts as the source's.
    Fork,
    /// What the source changed is written to the target's lineage.
    Delta,
}

/// Classifies a table; `bases` has its entry in every last common commit.
///
/// The target never points to a lineage of the source, because it must outlive that branch. A version that is not greater than
/// the target's would stay hidden (graph-format §7.1), so such a state is written as a delta, too. A branch never leaves a lineage of
/// its own for a pointer: other branches and its own earlier versions read it, and its next write would have to take its place.
/// A lineage forks off that of another branch only if that is one of the `ancestors`, the branches that the target was branched
/// off: others can be deleted before it, and then their lineage would be left in the way of a new branch of the same name.
pub(super) fn classify(
    bases: &[Option<&TableEntry>],
    source: &TableEntry,
    target: &TableEntry,
    branch: &BranchName,
    ancestors: &BTreeSet<BranchName>,
) -> Placement {
    let same = |a: Option<&TableEntry>, b: &TableEntry| a.is_some_and(|a| a.same_state(b));
    if source.same_state(target) || bases.iter().all(|base| same(*base, source)) {
        return Placement::Untouched;
    }
    if !bases.iter().all(|base| same(*base, target)) {
        return Placement::ThreeWay;
    }
    let is_newer = source.version > target.version;
    let owns = target.lineage.as_ref() == Some(branch);
    Placement::Adopt(match &source.lineage {
        None if is_newer && !owns => Adopt::Pointer,
        Some(lineage) if is_newer && !branch.is_main() && !owns && ancestors.contains(lineage) => Adopt::Fork,
        None | Some(_) => Adopt::Delta,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TableVersion;

    fn entry(lineage: Option<&str>, version: u64) -> TableEntry {
        TableEntry {
            key: "node:A".parse().unwrap(),
            path: "nodes/a".into(),
            version: TableVersion::new(version),
            lineage: lineage.map(|name| BranchName::from_stored(Some(name))),
            rows: 0,
        }
    }

    #[test]
    fn the_table_of_the_specification() {
        let of = |base: (Option<&str>, u64), source: (Option<&str>, u64), target: (Option<&str>, u64), branch: &str| {
            let (base, source, target) = (entry(base.0, base.1), entry(source.0, source.1), entry(target.0, target.1));
            let branch = if branch == "main" { BranchName::main() } else { BranchName::from_stored(Some(branch)) };
            classify(
                &[Some(&base)],
                &source,
                &target,
                &branch,
                &["main", "s"].map(|name| BranchName::from_stored(Some(name))).into(),
            )
        };
        let (pointer, fork, delta) =
            (Placement::Adopt(Adopt::Pointer), Placement::Adopt(Adopt::Fork), Placement::Adopt(Adopt::Delta));
        assert_eq!(of((None, 3), (None, 5), (None, 5), "main"), Placement::Untouched, "both have the same");
        assert_eq!(of((None, 3), (None, 3), (None, 5), "main"), Placement::Untouched, "the source changed nothing");
        assert_eq!(of((None, 3), (None, 5), (None, 3), "main"), pointer);
        assert_eq!(of((None, 3), (None, 5), (None, 3), "t"), pointer);
        assert_eq!(of((None, 3), (Some("s"), 4), (None, 3), "main"), delta);
        assert_eq!(of((None, 3), (Some("s"), 4), (None, 3), "t"), fork);
        assert_eq!(of((None, 3), (Some("x"), 4), (None, 3), "t"), delta, "x can be deleted before t");
        assert_eq!(of((Some("t"), 4), (Some("s"), 6), (Some("t"), 4), "t"), delta, "the target has a lineage");
        assert_eq!(of((Some("t"), 4), (None, 9), (Some("t"), 4), "t"), delta, "the target does not leave its lineage");
        assert_eq!(of((Some("t"), 9), (None, 6), (Some("t"), 9), "t"), delta, "an older version would stay hidden");
        assert_eq!(of((None, 3), (Some("s"), 4), (None, 4), "main"), Placement::ThreeWay);
    }

    #[test]
    fn several_bases_are_one_only_if_they_agree() {
        let (old, new) = (entry(None, 3), entry(None, 5));
        let source = entry(Some("s"), 6);
        let of = |bases: &[Option<&TableEntry>]| classify(bases, &source, &new, &BranchName::main(), &BTreeSet::new());
        assert_eq!(of(&[Some(&new), Some(&new)]), Placement::Adopt(Adopt::Delta));
        assert_eq!(of(&[Some(&old), Some(&new)]), Placement::ThreeWay);
        assert_eq!(of(&[None]), Placement::ThreeWay);
    }
}
