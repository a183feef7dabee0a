//! Merges that become impossible when a branch is deleted.

use std::collections::BTreeSet;

use super::bases::Bases;
use super::states::bases;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::history::{CommitGraph, LostCommits, branch_refs, merge_note, read_lineages};
use crate::id::{BranchName, CommitId};
use crate::storage::names;

/// Branches of which every pair is looked at, at most.
const MOST: usize = 64;

/// Two branches that cannot be merged any more, in either direction, once a third one is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranded {
    /// The two, in order of their names.
    pub branches: [BranchName; 2],
    /// Their last common commit, which goes with the branch that is deleted.
    pub base: CommitId,
}

/// Finds the pairs of branches whose last common commit this one alone holds, where no merge holds its rows. The commits of branches
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
    let others = others(graph, name).await?;
    // As it will be: without the rows of this branch.
    let history = read_lineages(storage, &others).await;
    let heads = heads_over(graph, &history, &lost).await?;
    let mut found = Vec::new();
    for (at, (left, left_head)) in heads.iter().enumerate() {
        for (right, right_head) in &heads[at + 1..] {
            let (bases, mut known, _) = bases(graph, &history, *left_head, *right_head).await?;
            let Some(base) = bases.iter().find(|base| lost.contains(base)) else { continue };
            let are_merged = bases.contains(left_head) || bases.contains(right_head);
            match Bases::find(graph, &history, &mut known, &bases).await {
                Err(Error::Merge(error)) if error.kind() == ErrorKind::NotFound && !are_merged => {
                    let mut branches = [left.clone(), right.clone()];
                    branches.sort();
                    found.push(Stranded { branches, base: *base });
                }
                told => drop(told?),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The branches that descend from some commits that went.
async fn heads_over(
    graph: &Graph,
    history: &CommitGraph,
    lost: &BTreeSet<CommitId>,
) -> Result<Vec<(BranchName, CommitId)>> {
    let mut known = LostCommits::new();
    let is_gone = |id: CommitId| history.get(id).is_none();
    for merge in history.commits().iter().filter(|commit| commit.merged_parent.is_some_and(is_gone)) {
        known.extend(merge_note(graph.storage(), merge).await?.brings);
    }
    let descends = |head: CommitId| history.distances(head, &known).keys().any(|id| lost.contains(id));
    let heads = history.heads().iter().filter(|(_, head)| descends(**head));
    Ok(heads.take(MOST).map(|(name, head)| (name.clone(), *head)).collect())
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
