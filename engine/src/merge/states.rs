//! Which three states a merge is about.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::MergeOutcome;
use super::conflict::MergeHeads;
use super::error::MergeError;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::history::{
    At, Commit, CommitGraph, HistoryError, HistoryProblem, LostCommits, Snapshot, branch_refs, brought_by,
};
use crate::id::{BranchName, CommitId};
use crate::progress::Progress;
use crate::storage::names;

/// The states of both branches and of their last common commits.
#[derive(Debug)]
pub(super) struct States {
    pub(super) outcome: MergeOutcome,
    pub(super) heads: MergeHeads,
    /// Further last common commits: the histories were merged crosswise.
    pub(super) other_bases: Vec<CommitId>,
    pub(super) source: Snapshot,
    pub(super) target: Snapshot,
    /// The first is that of [`MergeHeads::base`].
    pub(super) bases: Vec<Snapshot>,
    /// The commits of all branches.
    pub(super) history: Arc<CommitGraph>,
    /// Commits whose rows went with their branches, as merges noted them.
    pub(super) lost: LostCommits,
    /// Commits of which nothing is known but that one side descends from them: the sides may have more in common than the base.
    pub(super) unknown: Vec<CommitId>,
    /// The branches that the target was branched off, which cannot be deleted before it.
    pub(super) ancestors: BTreeSet<BranchName>,
}

/// Finds the states of a merge. If there is nothing to merge, no base is read.
pub(super) async fn find(graph: &Graph, source: &BranchName, target: &BranchName) -> Result<States> {
    if source == target {
        return Err(MergeError::SameBranch { branch: source.clone() }.into());
    }
    // The branches' tables first, their commits after: a state is never newer than the head it is taken for.
    let target_state = graph.snapshot(&At::Branch(target.clone())).await?;
    let source_state = graph.snapshot(&At::Branch(source.clone())).await?;
    let history = graph.history(&Progress::none()).await?;
    check_whole(&history, [source, target])?;
    let (source_head, target_head) = (head(&history, source)?, head(&history, target)?);
    let (bases, lost, unknown) = bases(graph, &history, source_head, target_head).await?;
    let Some((&base, others)) = bases.split_first() else {
        return Err(MergeError::Unrelated { source_branch: source.clone(), target: target.clone() }.into());
    };
    let outcome = if base == source_head {
        MergeOutcome::AlreadyUpToDate
    } else if base == target_head {
        MergeOutcome::FastForward
    } else {
        MergeOutcome::Merged
    };
    let mut base_states = Vec::with_capacity(bases.len());
    if outcome != MergeOutcome::AlreadyUpToDate {
        for id in &bases {
            base_states.push(base_state(graph, &history, *id).await?);
        }
    }
    Ok(States {
        outcome,
        heads: MergeHeads { source: source_head, target: target_head, base },
        other_bases: others.to_vec(),
        source: source_state,
        target: target_state,
        bases: base_states,
        ancestors: ancestors(graph, target).await?,
        history,
        lost,
        unknown,
    })
}

/// A history of which a part cannot be read now would make the last common commit too old.
fn check_whole(history: &CommitGraph, of: [&BranchName; 2]) -> Result<(), MergeError> {
    match history.problems().iter().find(|problem| problem.hides_commits()) {
        Some(problem) => {
            let (source_branch, target) = (of[0].clone(), of[1].clone());
            Err(MergeError::HistoryHidden { source_branch, target, reason: problem.to_string() })
        }
        None => Ok(()),
    }
}

/// The last common commits, what is known of commits that went with their branches, and those of which nothing is known.
async fn bases(
    graph: &Graph,
    history: &CommitGraph,
    source: CommitId,
    target: CommitId,
) -> Result<(Vec<CommitId>, LostCommits, Vec<CommitId>)> {
    let (mut lost, mut asked) = (LostCommits::new(), BTreeSet::new());
    let is_lost = |problem: &HistoryProblem| matches!(problem, HistoryProblem::DanglingParent { .. });
    if !history.problems().iter().any(is_lost) {
        return Ok((history.merge_bases_over(source, target, &lost), lost, Vec::new()));
    }
    loop {
        let bases = history.merge_bases_over(source, target, &lost);
        let older: BTreeSet<CommitId> =
            bases.iter().flat_map(|base| history.distances(*base, &lost).into_keys()).collect();
        let sides = [source, target].map(|head| history.distances(head, &lost));
        let newer: BTreeSet<CommitId> = sides.iter().flat_map(HashMap::keys).copied().collect();
        // What the last common commits descend from is common, whatever is known of it.
        let is_unknown = |id: &CommitId| !older.contains(id) && history.get(*id).is_none() && !lost.contains_key(id);
        let unknown: Vec<CommitId> = newer.iter().filter(|id| is_unknown(id)).copied().collect();
        let merges = newer.iter().filter_map(|id| history.get(*id));
        let of_unknown = |merge: &&Commit| merge.merged_parent.is_some_and(|merged| unknown.contains(&merged));
        let open: Vec<&Commit> = merges.filter(of_unknown).filter(|merge| asked.insert(merge.id)).collect();
        if open.is_empty() {
            return Ok((bases, lost, unknown));
        }
        for merge in open {
            lost.extend(brought_by(graph.storage(), merge).await?);
        }
    }
}

/// The branches that a branch was branched off, one from the other.
async fn ancestors(graph: &Graph, branch: &BranchName) -> Result<BTreeSet<BranchName>> {
    let mut found = BTreeSet::new();
    if branch.is_main() {
        return Ok(found);
    }
    let lineages = graph.storage().lineages(names::MANIFEST).await?;
    let mut name = Some(branch.as_str().to_owned());
    while let Some(lineage) = lineages.iter().find(|lineage| Some(&lineage.name) == name.as_ref()) {
        name.clone_from(&lineage.parent);
        if !found.insert(BranchName::from_stored(name.as_deref())) {
            break;
        }
    }
    Ok(found)
}

fn head(history: &CommitGraph, branch: &BranchName) -> Result<CommitId, MergeError> {
    history.heads().get(branch).copied().ok_or_else(|| MergeError::NoCommit { branch: branch.clone() })
}

async fn base_state(graph: &Graph, history: &CommitGraph, id: CommitId) -> Result<Snapshot> {
    let Some(commit) = history.get(id) else { return Err(MergeError::BaseLost { commit: id }.into()) };
    let gone = |error: Error| -> Error {
        let (commit, branch) = (commit.id, commit.branch.clone());
        MergeError::BaseGone { commit, branch, source: Box::new(error) }.into()
    };
    check_same_branch(history, commit).map_err(|error| gone(error.into()))?;
    graph.snapshot_of(commit).await.map_err(gone)
}

/// A branch that was deleted and made again has other versions under the same numbers, and does not come from the commits of the
/// former one. Times tell nothing: they are those of the writers' clocks.
fn check_same_branch(history: &CommitGraph, commit: &Commit) -> Result<(), HistoryError> {
    let head = history.heads().get(&commit.branch);
    if commit.branch.is_main() || head.is_some_and(|head| history.first_parents(*head).any(|of| of.id == commit.id)) {
        return Ok(());
    }
    Err(HistoryError::BranchGone { id: commit.id.to_string(), branch: commit.branch.to_string() })
}

/// What of the states of a plan is not so any more; nothing if they are what they were.
pub(super) async fn moved(graph: &Graph, states: &States) -> Result<Vec<(BranchName, CommitId, Option<CommitId>)>> {
    let history = graph.history(&Progress::none()).await?;
    let refs = branch_refs(graph.storage()).await?;
    let mut moved = Vec::new();
    for (was, state) in [(states.heads.source, &states.source), (states.heads.target, &states.target)] {
        let is_there = refs.iter().any(|(name, _)| *name == state.branch);
        let now = if is_there { history.heads().get(&state.branch).copied() } else { None };
        let same_version = || async {
            let newest = graph.snapshot(&At::Branch(state.branch.clone())).await?;
            Ok::<_, Error>(newest.entries == state.entries)
        };
        if now != Some(was) || !same_version().await? {
            moved.push((state.branch.clone(), was, now));
        }
    }
    Ok(moved)
}
