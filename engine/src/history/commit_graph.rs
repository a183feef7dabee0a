//! The commits of all branches as one graph. Pure.

use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::fmt;

use super::error::chain;
use super::{Commit, HistoryError};
use crate::error::{Error, ErrorKind};
use crate::id::{BranchName, CommitId, ManifestVersion, TableKey};
use crate::manifest::ChangeLog;

/// Shortest end of an id worth printing; the first ten characters are time and look alike.
const SHORT_ID: usize = 6;
/// Candidates listed when an end fits several ids.
const CANDIDATES: usize = 5;

/// The parents of commits whose rows went with their branches, as far as they are known.
pub(crate) type LostCommits = HashMap<CommitId, Vec<CommitId>>;

/// Something in the history that is not as it should be. None of these keeps the rest from being read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HistoryProblem {
    /// A parent that no branch holds (its branch was deleted).
    DanglingParent {
        /// The commit.
        commit: CommitId,
        /// The parent that is missing.
        parent: CommitId,
    },
    /// The graph moved without a commit (a writer stopped between publishing and recording).
    Unrecorded {
        /// The branch.
        branch: BranchName,
        /// The version that changed tables but has no commit.
        version: ManifestVersion,
    },
    /// A whole dataset of the history is absent.
    MissingDataset {
        /// Its folder.
        name: &'static str,
    },
    /// A branch's commits could not be read.
    UnreadableBranch {
        /// The branch.
        branch: BranchName,
        /// Of which kind the failure is.
        kind: ErrorKind,
        /// Why.
        reason: String,
    },
    /// The actors could not be read.
    UnreadableActors {
        /// Why.
        reason: String,
    },
    /// A commit row whose ids are not ULIDs.
    UnreadableCommit {
        /// The id as stored.
        id: String,
    },
}

impl HistoryProblem {
    pub(super) fn unreadable_branch(branch: BranchName, error: &Error) -> Self {
        Self::UnreadableBranch { branch, kind: error.kind(), reason: chain(error) }
    }

    /// The same of another branch, which needs what could not be read as well.
    pub(super) fn of(&self, branch: &BranchName) -> Self {
        match self.clone() {
            Self::UnreadableBranch { kind, reason, .. } => {
                Self::UnreadableBranch { branch: branch.clone(), kind, reason }
            }
            other => other,
        }
    }

    /// Of which kind the failure is of whoever needs what the problem hides.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnreadableBranch { kind, .. } => *kind,
            Self::UnreadableActors { .. } => ErrorKind::Unavailable,
            Self::DanglingParent { .. }
            | Self::Unrecorded { .. }
            | Self::MissingDataset { .. }
            | Self::UnreadableCommit { .. } => ErrorKind::Corrupt,
        }
    }

    /// Whether commits may be there that were not read.
    #[must_use]
    pub fn hides_commits(&self) -> bool {
        match self {
            Self::MissingDataset { .. } | Self::UnreadableBranch { .. } | Self::UnreadableCommit { .. } => true,
            Self::DanglingParent { .. } | Self::Unrecorded { .. } | Self::UnreadableActors { .. } => false,
        }
    }
}

impl fmt::Display for HistoryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DanglingParent { commit, parent } => {
                write!(f, "commit {commit}: its parent {parent} is on no branch any more")
            }
            Self::Unrecorded { branch, version } => {
                write!(f, "branch {branch}: version {version} changed tables but has no commit row")
            }
            Self::MissingDataset { name } => write!(f, "{name} is missing: that part of the history is unknown"),
            Self::UnreadableBranch { branch, reason, .. } => {
                write!(f, "branch {branch}: its commits cannot be read: {reason}")
            }
            Self::UnreadableActors { reason } => write!(f, "the actors cannot be read: {reason}"),
            Self::UnreadableCommit { id } => {
                write!(f, "commit row `{id}` has an id that is not a ULID; it is left out")
            }
        }
    }
}

/// All commits of all branches, newest first in topological order: no parent stands before its child.
#[derive(Debug, Clone, Default)]
pub struct CommitGraph {
    commits: Vec<Commit>,
    /// Rows by id.
    by_id: Vec<u32>,
    heads: BTreeMap<BranchName, CommitId>,
    problems: Vec<HistoryProblem>,
    changes: BTreeMap<BranchName, ChangeLog>,
    /// Rows by id printed backwards: neighbors share the longest ends.
    by_end: Vec<u32>,
}

impl CommitGraph {
    /// Orders commits and checks that every parent is there. Duplicated ids count once.
    #[must_use]
    pub fn new(commits: Vec<Commit>, heads: BTreeMap<BranchName, CommitId>, mut problems: Vec<HistoryProblem>) -> Self {
        let commits = topological(commits);
        let (by_id, by_end) = (rows_by(&commits, |id| id), rows_by(&commits, reversed_id));
        let mut graph = Self { commits, by_id, heads, problems: Vec::new(), changes: BTreeMap::new(), by_end };
        for commit in &graph.commits {
            let missing = commit.parents().filter(|parent| graph.position(*parent).is_none());
            problems.extend(missing.map(|parent| HistoryProblem::DanglingParent { commit: commit.id, parent }));
        }
        graph.problems = problems;
        graph
    }

    /// A part of a history: parents that are not among the commits are no problem.
    #[must_use]
    pub(crate) fn part(
        commits: Vec<Commit>,
        heads: BTreeMap<BranchName, CommitId>,
        problems: Vec<HistoryProblem>,
    ) -> Self {
        let mut part = Self::new(commits, heads, Vec::new());
        part.problems = problems;
        part
    }

    /// Adds what each branch's versions changed.
    #[must_use]
    pub(crate) fn with_changes(self, changes: BTreeMap<BranchName, ChangeLog>) -> Self {
        Self { changes, ..self }
    }

    /// Returns what the versions of a branch changed, as far as the branch itself published them.
    pub(crate) fn change_log(&self, branch: &BranchName) -> Option<&ChangeLog> {
        self.changes.get(branch)
    }

    /// Adds further problems.
    pub(crate) fn add_problems(&mut self, problems: Vec<HistoryProblem>) {
        self.problems.extend(problems);
    }

    /// Returns the versions that changed tables and that no commit records, each with the branch that published it.
    pub(crate) fn unrecorded_versions(&self) -> Vec<(BranchName, ManifestVersion)> {
        // Without any commit the missing dataset is the problem, not each version.
        let Some(first) = self.commits.iter().map(|commit| commit.manifest_version).min() else { return Vec::new() };
        let recorded: HashSet<(&BranchName, ManifestVersion)> =
            self.commits.iter().map(|commit| (&commit.branch, commit.manifest_version)).collect();
        let mut unrecorded = BTreeMap::new();
        for (branch, log) in &self.changes {
            let missing = log.versions().filter(|version| *version > first && !recorded.contains(&(branch, *version)));
            let missing: Vec<ManifestVersion> = missing.collect();
            if missing.is_empty() {
                continue;
            }
            // Its files may hold versions that it inherited and rewrote; the gap belongs to the branch that published it, listed first.
            let inherited = self.recorded_versions(branch);
            for version in missing.into_iter().filter(|version| !inherited.contains(version)) {
                unrecorded.entry((version, log.tables(version).to_vec())).or_insert_with(|| branch.clone());
            }
        }
        unrecorded.into_iter().map(|((version, _), branch)| (branch, version)).collect()
    }

    /// Versions that a commit of the branch, or of one it was made from, records.
    fn recorded_versions(&self, branch: &BranchName) -> HashSet<ManifestVersion> {
        let head = self.heads.get(branch).copied();
        let chain = head.into_iter().flat_map(|head| self.first_parents(head));
        chain.map(|commit| commit.manifest_version).collect()
    }

    /// Tables a commit changed, from one scan of its branch's manifest; none if its branch is gone or was not read.
    ///
    /// A summary for lists: the exact changes come from the two manifests ([`crate::manifest::changes`]).
    #[must_use]
    pub fn changed_tables(&self, commit: &Commit) -> Option<&[TableKey]> {
        self.changes.get(&commit.branch).map(|log| log.tables(commit.manifest_version))
    }

    /// The commits, newest first.
    #[must_use]
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// The commit with this id.
    #[must_use]
    pub fn get(&self, id: CommitId) -> Option<&Commit> {
        self.position(id).map(|row| &self.commits[row])
    }

    /// Row of a commit in [`CommitGraph::commits`].
    #[must_use]
    pub fn position(&self, id: CommitId) -> Option<usize> {
        let place = self.by_id.binary_search_by_key(&id, |&row| self.commits[row as usize].id);
        place.ok().map(|place| self.by_id[place] as usize)
    }

    /// Head commit of every branch that has one.
    #[must_use]
    pub fn heads(&self) -> &BTreeMap<BranchName, CommitId> {
        &self.heads
    }

    /// Branches whose head is this commit, `main` first, then by name.
    #[must_use]
    pub fn heads_at(&self, id: CommitId) -> Vec<&BranchName> {
        let mut names: Vec<&BranchName> =
            self.heads.iter().filter(|(_, head)| **head == id).map(|(name, _)| name).collect();
        names.sort_by_key(|name| (!name.is_main(), name.as_str()));
        names
    }

    /// What is wrong with the history.
    #[must_use]
    pub fn problems(&self) -> &[HistoryProblem] {
        &self.problems
    }

    /// Finds a commit by its whole id or by a unique end of it, in either case.
    ///
    /// # Errors
    /// [`HistoryError::UnknownCommit`] or [`HistoryError::AmbiguousCommit`].
    pub fn resolve_id(&self, text: &str) -> Result<CommitId, HistoryError> {
        let suffix = text.to_ascii_uppercase();
        let key: Vec<u8> = suffix.bytes().rev().collect();
        let start = self.by_end.partition_point(|&row| self.reversed_at(row).as_slice() < key.as_slice());
        let count = self.by_end[start..].partition_point(|&row| self.reversed_at(row).starts_with(&key));
        let found = &self.by_end[start..start + count];
        match found {
            _ if suffix.is_empty() => Err(HistoryError::UnknownCommit { text: text.to_owned() }),
            [] => Err(HistoryError::UnknownCommit { text: text.to_owned() }),
            [only] => Ok(self.commits[*only as usize].id),
            several => Err(HistoryError::AmbiguousCommit {
                suffix,
                count,
                candidates: several
                    .iter()
                    .take(CANDIDATES)
                    .map(|&row| self.commits[row as usize].id.to_string())
                    .collect(),
            }),
        }
    }

    /// Shortest unique end of an id, at least six characters.
    #[must_use]
    pub fn short_id(&self, id: CommitId) -> String {
        let key = reversed_id(id);
        let place = self.by_end.partition_point(|&row| self.reversed_at(row) < key);
        let end = |row: &u32| self.reversed_at(*row);
        let shared = |other: Option<[u8; 26]>| {
            let other = other.filter(|other| *other != key);
            other.map_or(0, |other| key.iter().zip(&other).take_while(|(a, b)| a == b).count())
        };
        let before = shared(place.checked_sub(1).and_then(|place| self.by_end.get(place)).map(end));
        let after = shared(self.by_end[place..].iter().map(end).find(|other| *other != key));
        let length = (before.max(after) + 1).clamp(SHORT_ID, key.len());
        let text = id.to_string();
        text[text.len() - length..].to_owned()
    }

    fn reversed_at(&self, row: u32) -> [u8; 26] {
        reversed_id(self.commits[row as usize].id)
    }

    /// The commit and all it descends from, over every parent.
    #[must_use]
    pub fn ancestors(&self, id: CommitId) -> HashSet<CommitId> {
        let mut seen = HashSet::new();
        let mut open = vec![id];
        while let Some(commit) = open.pop().and_then(|id| self.get(id)) {
            if seen.insert(commit.id) {
                open.extend(commit.parents().filter(|parent| self.position(*parent).is_some()));
            }
        }
        seen
    }

    /// Commits that have this one as a parent, newest first.
    #[must_use]
    pub fn children(&self, id: CommitId) -> Vec<CommitId> {
        let row = self.position(id).unwrap_or(0);
        let newer = self.commits[..row].iter();
        newer.filter(|commit| commit.parents().any(|parent| parent == id)).map(|commit| commit.id).collect()
    }

    /// The base that two commits are merged on: the first of [`CommitGraph::merge_bases`].
    #[must_use]
    pub fn merge_base(&self, left: CommitId, right: CommitId) -> Option<CommitId> {
        self.merge_bases(left, right).first().copied()
    }

    /// The common ancestors of two commits that are no ancestor of another one, nearest first: smallest sum of distances, then
    /// the greater manifest version. More than one if the histories were merged crosswise; none if they are unrelated. One that was
    /// made on a branch that is gone has no row any more: it is named all the same, because no older one can stand for it.
    ///
    /// Source: graph-format §9, breadth-first distances over both parent links. The reference takes the nearest of all common
    /// ancestors, which differs where a merge makes the way to an older one the shorter one.
    #[must_use]
    pub fn merge_bases(&self, left: CommitId, right: CommitId) -> Vec<CommitId> {
        self.merge_bases_over(left, right, &LostCommits::new())
    }

    /// As [`CommitGraph::merge_bases`], where the parents of some commits without a row are known.
    pub(crate) fn merge_bases_over(&self, left: CommitId, right: CommitId, lost: &LostCommits) -> Vec<CommitId> {
        let (left, right) = (self.distances(left, lost), self.distances(right, lost));
        let common: HashMap<CommitId, u32> =
            left.iter().filter_map(|(id, near)| Some((*id, near + right.get(id)?))).collect();
        let older: HashSet<CommitId> = common.keys().flat_map(|id| self.parents_over(*id, lost)).collect();
        let mut bases: Vec<(CommitId, u32)> = common.into_iter().filter(|(id, _)| !older.contains(id)).collect();
        bases.sort_by_key(|&(id, sum)| {
            let version = self.get(id).map_or(0, |commit| commit.manifest_version.get());
            (sum, std::cmp::Reverse((version, id)))
        });
        bases.into_iter().map(|(id, _)| id).collect()
    }

    /// The parents of a commit; none of one that nothing is known of.
    pub(crate) fn parents_over(&self, id: CommitId, lost: &LostCommits) -> Vec<CommitId> {
        match self.get(id) {
            Some(commit) => commit.parents().collect(),
            None => lost.get(&id).cloned().unwrap_or_default(),
        }
    }

    /// How far a commit, all that it descends from, and what that names without a row, are away.
    pub(crate) fn distances(&self, from: CommitId, lost: &LostCommits) -> HashMap<CommitId, u32> {
        let mut distances = HashMap::new();
        let mut open = VecDeque::from([(from, 0)]);
        while let Some((id, distance)) = open.pop_front() {
            if let std::collections::hash_map::Entry::Vacant(slot) = distances.entry(id) {
                slot.insert(distance);
                open.extend(self.parents_over(id, lost).into_iter().map(|parent| (parent, distance + 1)));
            }
        }
        distances
    }

    /// First-parent chain from a commit, newest first, itself included.
    pub fn first_parents(&self, from: CommitId) -> impl Iterator<Item = &Commit> + '_ {
        let parent = |commit: &&Commit| commit.parent.and_then(|parent| self.get(parent));
        // No chain is longer than the history; a stored cycle ends there instead of never.
        std::iter::successors(self.get(from), parent).take(self.commits.len())
    }
}

/// The rows in the order of a key of their ids.
fn rows_by<K: Ord>(commits: &[Commit], key: impl Fn(CommitId) -> K) -> Vec<u32> {
    let mut rows: Vec<(K, u32)> = commits.iter().map(|commit| key(commit.id)).zip(0..).collect();
    rows.sort_unstable();
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The digits of an id from its end on: Crockford's base 32, five bits each.
fn reversed_id(id: CommitId) -> [u8; 26] {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let number = id.as_u128();
    std::array::from_fn(|place| DIGITS[(number >> (5 * place)) as usize & 31])
}

/// Descending by corrected time, then by id; corrected time = max(own, corrected time of the parents + 1 µs), so that clocks
/// that disagree never put a parent above its child.
fn topological(mut commits: Vec<Commit>) -> Vec<Commit> {
    commits.sort_by_key(|commit| commit.id);
    commits.dedup_by_key(|commit| commit.id);
    let index: HashMap<CommitId, usize> = commits.iter().enumerate().map(|(row, commit)| (commit.id, row)).collect();
    let corrected = corrected_times(&commits, &index);
    let mut order: BinaryHeap<(i64, CommitId, usize)> =
        commits.iter().enumerate().map(|(row, commit)| (corrected[row], commit.id, row)).collect();
    let mut slots: Vec<Option<Commit>> = commits.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(slots.len());
    while let Some((_, _, row)) = order.pop() {
        sorted.extend(slots[row].take());
    }
    sorted
}

fn corrected_times(commits: &[Commit], index: &HashMap<CommitId, usize>) -> Vec<i64> {
    let parents = |row: usize| commits[row].parents().filter_map(|parent| index.get(&parent).copied());
    let mut children = vec![Vec::new(); commits.len()];
    let mut waiting = vec![0usize; commits.len()];
    for (row, waiting) in waiting.iter_mut().enumerate() {
        for parent in parents(row) {
            children[parent].push(row);
            *waiting += 1;
        }
    }
    let mut corrected: Vec<i64> = commits.iter().map(|commit| commit.created_at_micros).collect();
    let mut ready: Vec<usize> = (0..commits.len()).filter(|&row| waiting[row] == 0).collect();
    while let Some(row) = ready.pop() {
        for &child in &children[row] {
            corrected[child] = corrected[child].max(corrected[row].saturating_add(1));
            waiting[child] -= 1;
            if waiting[child] == 0 {
                ready.push(child);
            }
        }
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> CommitId {
        CommitId::from_u128(number)
    }

    fn commit(number: u128, time: i64, parents: &[u128]) -> Commit {
        Commit {
            id: id(number),
            parent: parents.first().copied().map(id),
            merged_parent: parents.get(1).copied().map(id),
            branch: BranchName::main(),
            manifest_version: ManifestVersion::new(u64::try_from(number).unwrap()),
            created_at_micros: time,
            actor: None,
        }
    }

    fn graph(commits: Vec<Commit>) -> CommitGraph {
        CommitGraph::new(commits, BTreeMap::new(), Vec::new())
    }

    fn order(graph: &CommitGraph) -> Vec<u128> {
        graph.commits().iter().map(|commit| commit.id.as_u128()).collect()
    }

    #[test]
    fn a_parent_never_stands_above_its_child_even_with_skewed_clocks() {
        let graph = graph(vec![commit(1, 900, &[]), commit(2, 100, &[1]), commit(3, 50, &[2]), commit(4, 500, &[1])]);
        assert_eq!(order(&graph), [3, 4, 2, 1]);
    }

    #[test]
    fn missing_parents_are_reported_and_the_rest_is_kept() {
        let graph = graph(vec![commit(2, 1, &[1]), commit(3, 2, &[2, 9])]);
        assert_eq!(order(&graph), [3, 2]);
        let missing = |commit, parent| HistoryProblem::DanglingParent { commit: id(commit), parent: id(parent) };
        assert_eq!(graph.problems(), [missing(3, 9), missing(2, 1)]);
    }

    #[test]
    fn ids_are_printed_backwards_digit_by_digit() {
        for text in ["01M7Y2AKA125T5VJJZZ1M5RCKN", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "00000000000000000000000000"] {
            let id: CommitId = text.parse().unwrap();
            let reversed: Vec<u8> = text.bytes().rev().collect();
            assert_eq!(reversed_id(id).as_slice(), reversed);
        }
    }

    #[test]
    fn ends_of_ids_resolve_only_if_unique() {
        let commits = ["01M7Y2AKA125T5VJJZZ1M5RCKN", "01M7Y2AKCYY3TSSZQ5XMPW4170", "01M7Y2AM68DRM4A36QAVM5RCKN"];
        let commits = commits.map(|text| commit(0, 0, &[]).with_id(text));
        let graph = graph(commits.to_vec());
        assert_eq!(graph.resolve_id("4170").unwrap().to_string(), "01M7Y2AKCYY3TSSZQ5XMPW4170");
        assert_eq!(graph.resolve_id("xmpw4170").unwrap().to_string(), "01M7Y2AKCYY3TSSZQ5XMPW4170");
        let whole = "01M7Y2AKA125T5VJJZZ1M5RCKN";
        assert_eq!(graph.resolve_id(whole).unwrap().to_string(), whole);
        assert!(matches!(graph.resolve_id("M5RCKN"), Err(HistoryError::AmbiguousCommit { count: 2, .. })));
        assert!(matches!(graph.resolve_id("QQQQ"), Err(HistoryError::UnknownCommit { .. })));
        assert!(matches!(graph.resolve_id(""), Err(HistoryError::UnknownCommit { .. })));
        assert_eq!(graph.short_id("01M7Y2AKCYY3TSSZQ5XMPW4170".parse().unwrap()), "PW4170");
        assert_eq!(graph.short_id(whole.parse().unwrap()), "1M5RCKN");
    }

    impl Commit {
        fn with_id(mut self, text: &str) -> Self {
            self.id = text.parse().unwrap();
            self
        }
    }

    #[test]
    fn the_merge_base_is_the_nearest_common_ancestor() {
        let graph = graph(vec![
            commit(1, 1, &[]),
            commit(2, 2, &[1]),
            commit(3, 3, &[2]),
            commit(4, 4, &[2]),
            commit(5, 5, &[3, 4]),
            commit(6, 6, &[4]),
            commit(7, 7, &[]),
        ]);
        assert_eq!(graph.merge_base(id(5), id(6)), Some(id(4)));
        assert_eq!(graph.merge_base(id(3), id(4)), Some(id(2)));
        assert_eq!(graph.merge_base(id(3), id(7)), None);
        assert_eq!(graph.children(id(2)), [id(4), id(3)]);
        assert_eq!(graph.ancestors(id(5)).len(), 5);
    }

    #[test]
    fn a_cycle_in_the_stored_parents_does_not_hang() {
        let graph = graph(vec![commit(1, 1, &[2]), commit(2, 2, &[1])]);
        assert_eq!(graph.commits().len(), 2);
        assert_eq!(graph.ancestors(id(1)).len(), 2);
    }
}
