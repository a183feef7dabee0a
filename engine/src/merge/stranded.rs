//! Merges that become impossible, or start at an older commit, when a branch is deleted.

use std::collections::BTreeSet;

use super::bases::Bases;
use super::error::MergeError;
use super::states::bases;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::history::{CommitGraph, HistoryProblem, LostCommits, branch_refs, merge_note, read_lineages};
use crate::id::{BranchName, CommitId};
use crate::storage::names;

/// Branches of which every pair is looked at, at most.
const MOST: usize = 64;

/// Two branches whose merges start elsewhere, or nowhere, once a third branch is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranded {
    /// The two, in order of their names.
    pub branches: [BranchName; 2],
    /// Their last common commit now, one of them if there are several: it goes with the branch that is deleted, or only that
    /// branch's commits tell that both have it.
    pub base: CommitId,
    /// The older commit that a merge of them would start from instead, as if what happened since were news: rows that one of them
    /// deleted can come back. None if they cannot be merged any more, in either direction.
    pub older: Option<CommitId>,
}

/// Finds the pairs of branches whose last common commit this one alone knows, where no merge tells of it. The commits of branches
/// without a write of their own are not read: they are those of the branches that they were made from.
pub(crate) async fn stranded(graph: &Graph, name: &BranchName) -> Result<Vec<Stranded>> {
    let storage = graph.storage();
    let own = read_lineages(storage, std::slice::from_ref(name)).await;
    let head = own.heads().get(name).copied();
    let chain = head.into_iter().flat_map(|head| own.first_parents(head));
    let lost: BTreeSet<CommitId> = chain.take_while(|commit| commit.branch == *name).map(|commit| commit.id).collect();
    if lost.is_empty() {
        return Ok(Vec::new());
    }
    let mut branches = others(graph, name).await?;
    branches.push(name.clone());
    let today = read_lineages(storage, &branches).await;
    let history = without(&today, name, &lost);
    let mut found = Vec::new();
    let heads = heads_over(graph, &today, name, &lost).await?;
    for (at, left) in heads.iter().enumerate() {
        for right in heads[at + 1..].iter().filter(|right| left.descends || right.descends) {
            let (before, ..) = bases(graph, &today, left.head, right.head).await?;
            let older = match start(graph, &history, (left.head, right.head), (&before, &lost)).await? {
                Start::AsBefore => continue,
                Start::Older(older) => Some(older),
                Start::Nowhere => None,
            };
            let Some(&base) = before.iter().find(|base| lost.contains(base)).or(before.first()) else { continue };
            let mut branches = [left.branch.clone(), right.branch.clone()];
            branches.sort();
            found.push(Stranded { branches, base, older });
        }
    }
    found.sort();
    Ok(found)
}

/// The history as it is once a branch is deleted, with whose commits it goes.
fn without(history: &CommitGraph, name: &BranchName, lost: &BTreeSet<CommitId>) -> CommitGraph {
    let commits = history.commits().iter().filter(|commit| !lost.contains(&commit.id)).cloned().collect();
    let mut heads = history.heads().clone();
    heads.remove(name);
    // Parents that are missing are found again, with those that are missing only then.
    let is_other = |problem: &&HistoryProblem| !matches!(problem, HistoryProblem::DanglingParent { .. });
    CommitGraph::new(commits, heads, history.problems().iter().filter(is_other).cloned().collect())
}

/// The head of another branch.
struct Other {
    branch: BranchName,
    head: CommitId,
    /// It descends from a commit that goes.
    descends: bool,
}

/// The heads of the other branches, first those that descend from some commits of a branch; none if no head does.
async fn heads_over(
    graph: &Graph,
    history: &CommitGraph,
    of: &BranchName,
    commits: &BTreeSet<CommitId>,
) -> Result<Vec<Other>> {
    let mut known = LostCommits::new();
    let is_gone = |id: CommitId| history.get(id).is_none();
    for merge in history.commits().iter().filter(|commit| commit.merged_parent.is_some_and(is_gone)) {
        known.extend(merge_note(graph.storage(), merge).await?.brings);
    }
    let descends = |head: CommitId| history.distances(head, &known).keys().any(|id| commits.contains(id));
    let others = history.heads().iter().filter(|(name, _)| *name != of);
    let others = others.map(|(name, head)| Other { branch: name.clone(), head: *head, descends: descends(*head) });
    let mut others: Vec<Other> = others.collect();
    others.sort_by_key(|other| !other.descends);
    others.truncate(if others.first().is_some_and(|other| other.descends) { MOST } else { 0 });
    Ok(others)
}

/// Where a merge starts once the branch is gone.
enum Start {
    AsBefore,
    Older(CommitId),
    Nowhere,
}

async fn start(
    graph: &Graph,
    history: &CommitGraph,
    (left, right): (CommitId, CommitId),
    (before, lost): (&[CommitId], &BTreeSet<CommitId>),
) -> Result<Start> {
    let (after, mut known, _) = bases(graph, history, left, right).await?;
    let is_same = after.iter().collect::<BTreeSet<_>>() == before.iter().collect();
    if is_same && !after.iter().any(|base| lost.contains(base)) {
        return Ok(Start::AsBefore);
    }
    let Some(&first) = after.first() else { return Ok(Start::Nowhere) };
    match Bases::find(graph, history, &mut known, &after).await {
        Err(Error::Merge(MergeError::BaseLost { .. } | MergeError::BaseGone { .. })) => Ok(Start::Nowhere),
        Err(error) => Err(error),
        Ok(_) if is_same => Ok(Start::AsBefore),
        Ok(_) => Ok(Start::Older(first)),
    }
}

/// The other branches that were written to since they were made.
async fn others(graph: &Graph, name: &BranchName) -> Result<Vec<BranchName>> {
    let mut found = Vec::new();
    for (other, lineage) in branch_refs(graph.storage()).await? {
        if other == *name {
            continue;
        }
        let is_as_made = match lineage.filter(|lineage| lineage.unreadable.is_none()) {
            Some(made) => {
                let next = graph.storage().version_file(names::MANIFEST, other.stored(), made.parent_version + 1).await;
                next.is_err()
            }
            None => false,
        };
        if !is_as_made {
            found.push(other);
        }
    }
    Ok(found)
}
