//! How two heads stand to each other, and what deleting a branch loses. Pure walks over the commits.

use std::collections::{BTreeMap, HashSet};

use stratigraph_engine::{BranchName, Commit, CommitGraph, CommitId};

/// How many commits each of two heads has that the other has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Divergence {
    /// Commits of the first alone.
    pub ahead: usize,
    /// Commits of the second alone.
    pub behind: usize,
}

/// From which of the two heads a commit was reached.
const OURS: u8 = 1;
const THEIRS: u8 = 2;

/// Counts the commits that only one of two heads descends from, over every parent; none if a head is not in the history.
///
/// Costs what lies between the heads, not the whole history: commits are taken newest first, so that all ways to one are known
/// when its turn comes, and the walk ends where only common ones are left.
pub(crate) fn divergence(history: &CommitGraph, ours: CommitId, theirs: CommitId) -> Option<Divergence> {
    let mut open: BTreeMap<usize, u8> = BTreeMap::new();
    for (head, side) in [(ours, OURS), (theirs, THEIRS)] {
        *open.entry(history.position(head)?).or_default() |= side;
    }
    let mut lone: usize = open.values().map(|sides| lone_one(*sides)).sum();
    let mut found = Divergence::default();
    while lone > 0
        && let Some((row, sides)) = open.pop_first()
    {
        lone -= lone_one(sides);
        match sides {
            OURS => found.ahead += 1,
            THEIRS => found.behind += 1,
            _ => {}
        }
        let parents = history.commits()[row].parents().filter_map(|parent| history.position(parent));
        // A stored cycle leads back up; it ends there.
        for parent in parents.filter(|parent| *parent > row) {
            let known = open.entry(parent).or_default();
            lone -= lone_one(*known);
            *known |= sides;
            lone += lone_one(*known);
        }
    }
    Some(found)
}

/// 1 for a commit that was reached from one side alone.
fn lone_one(sides: u8) -> usize {
    usize::from(sides == OURS || sides == THEIRS)
}

/// The commits that are stored on this branch alone, newest first: deleting it loses them, merged or not.
///
/// A branch stores the chain of its first parents (graph-format §8.2); what was merged into another branch is only named there.
pub(crate) fn only_on<'a>(history: &'a CommitGraph, branch: &BranchName) -> Vec<&'a Commit> {
    let mut kept: HashSet<CommitId> = HashSet::new();
    for head in history.heads().iter().filter(|(name, _)| *name != branch).map(|(_, head)| *head) {
        // What is kept already has its whole chain kept.
        let news = history.first_parents(head).take_while(|commit| kept.insert(commit.id));
        news.for_each(drop);
    }
    let head = history.heads().get(branch).copied();
    let chain = head.into_iter().flat_map(|head| history.first_parents(head));
    chain.take_while(|commit| !kept.contains(&commit.id)).collect()
}

/// How many commits outside of `lost` name one of them as the parent they merged.
pub(crate) fn merges_of(history: &CommitGraph, lost: &[&Commit]) -> usize {
    let lost: HashSet<CommitId> = lost.iter().map(|commit| commit.id).collect();
    let merges = |commit: &&Commit| commit.merged_parent.is_some_and(|parent| lost.contains(&parent));
    history.commits().iter().filter(merges).filter(|commit| !lost.contains(&commit.id)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stratigraph_engine::ManifestVersion;

    use super::*;

    fn id(number: u128) -> CommitId {
        CommitId::from_u128(number)
    }

    fn commit(number: u128, branch: &str, parents: &[u128]) -> Commit {
        Commit {
            id: id(number),
            parent: parents.first().copied().map(id),
            merged_parent: parents.get(1).copied().map(id),
            branch: BranchName::from_stored(Some(branch)),
            manifest_version: ManifestVersion::new(3),
            created_at_micros: i64::try_from(number).expect("small"),
            actor: None,
        }
    }

    fn history(commits: Vec<Commit>, heads: &[(&str, u128)]) -> CommitGraph {
        let heads = heads.iter().map(|(name, head)| (BranchName::from_stored(Some(name)), id(*head)));
        CommitGraph::new(commits, heads.collect(), Vec::new())
    }

    /// main 1─2─5─6, work 2─3─4, and 6 merges 4.
    fn merged() -> CommitGraph {
        let commits = vec![
            commit(1, "main", &[]),
            commit(2, "main", &[1]),
            commit(3, "work", &[2]),
            commit(4, "work", &[3]),
            commit(5, "main", &[2]),
            commit(6, "main", &[5, 4]),
        ];
        history(commits, &[("main", 6), ("work", 4)])
    }

    fn numbers(commits: &[&Commit]) -> Vec<u128> {
        commits.iter().map(|commit| commit.id.as_u128()).collect()
    }

    #[test]
    fn merged_commits_are_not_ahead_but_are_lost_with_their_branch() {
        let history = merged();
        let work: BranchName = "work".parse().expect("valid");
        assert_eq!(divergence(&history, id(4), id(6)), Some(Divergence { ahead: 0, behind: 2 }));
        assert_eq!(divergence(&history, id(4), id(5)), Some(Divergence { ahead: 2, behind: 1 }));
        let lost = only_on(&history, &work);
        assert_eq!(numbers(&lost), [4, 3]);
        assert_eq!(merges_of(&history, &lost), 1);
    }

    #[test]
    fn a_branch_without_commits_of_its_own_loses_nothing() {
        let history = history(vec![commit(1, "main", &[]), commit(2, "main", &[1])], &[("main", 2), ("new", 1)]);
        assert!(only_on(&history, &"new".parse().expect("valid")).is_empty());
        assert!(only_on(&history, &"unknown".parse().expect("valid")).is_empty());
        assert_eq!(divergence(&history, id(1), id(2)), Some(Divergence { ahead: 0, behind: 1 }));
        assert_eq!(divergence(&history, id(9), id(2)), None);
    }

    #[test]
    fn a_stored_cycle_does_not_hang() {
        let history = history(vec![commit(1, "main", &[2]), commit(2, "main", &[1])], &[("main", 1), ("x", 2)]);
        assert!(divergence(&history, id(1), id(2)).is_some());
        assert!(only_on(&history, &"x".parse().expect("valid")).is_empty());
    }

    proptest! {
        /// Parents are any older commits, a few of them missing; clocks are skewed.
        #[test]
        fn counts_are_those_of_the_two_sets_of_ancestors(
            parents in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(any::<prop::sample::Index>()), 0i64..40), 2..40),
            picks in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        ) {
            let count = parents.len();
            let commits = parents.into_iter().enumerate().map(|(at, (first, second, time))| {
                let number = at as u128 + 1;
                let pick = |index: prop::sample::Index| index.index(at + 1) as u128;
                // 0 is no commit: a parent that is gone.
                let named: Vec<u128> = [Some(first), second].into_iter().flatten().map(pick).collect();
                Commit { created_at_micros: time, ..commit(number, "main", &named) }
            });
            let history = history(commits.collect(), &[]);
            let (ours, theirs) = (id(picks.0.index(count) as u128 + 1), id(picks.1.index(count) as u128 + 1));
            let (left, right) = (history.ancestors(ours), history.ancestors(theirs));
            let expected = Divergence { ahead: left.difference(&right).count(), behind: right.difference(&left).count() };
            prop_assert_eq!(divergence(&history, ours, theirs), Some(expected));
        }
    }
}
