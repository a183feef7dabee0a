//! Which three states a merge is about.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::MergeOutcome;
use super::bases::Bases;
use super::conflict::MergeHeads;
use super::error::MergeError;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::history::{
    At, Commit, CommitGraph, HistoryProblem, LostCommits, Snapshot, branch_names, merge_note, read_lineages,
};
use crate::id::{BranchName, CommitId};
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
    pub(super) bases: Bases,
    /// The commits of the branches that the merge is about.
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
    let Common { history, heads: (source_head, target_head), bases, mut lost, unknown } =
        common(graph, source, target).await?;
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
    let base_states = match outcome {
        MergeOutcome::AlreadyUpToDate => Bases::default(),
        MergeOutcome::FastForward | MergeOutcome::Merged => Bases::find(graph, &history, &mut lost, &bases).await?,
    };
    Ok(States {
        outcome,
        heads: MergeHeads { source: source_head, target: target_head, base },
        other_bases: others.to_vec(),
        source: source_state,
        target: target_state,
        bases: base_states,
        ancestors: ancestors(graph, target).await?,
        history: Arc::new(history),
        lost,
        unknown,
    })
}

/// What two branches have in common.
struct Common {
    history: CommitGraph,
    heads: (CommitId, CommitId),
    bases: Vec<CommitId>,
    lost: LostCommits,
    unknown: Vec<CommitId>,
}

/// Finds it from the commits of the two; those of main, and at last those of all branches, are read only if a commit that matters is on
/// neither of them, and no merge noted what is to be known of it.
async fn common(graph: &Graph, source: &BranchName, target: &BranchName) -> Result<Common> {
    let mut branches = vec![source.clone(), target.clone()];
    let mut history = read_lineages(graph.storage(), &branches).await;
    check_whole(&history, [source, target])?;
    for wider in [Wider::Main, Wider::All, Wider::Nothing] {
        let heads = (head(&history, source)?, head(&history, target)?);
        let (bases, lost, unknown) = bases(graph, &history, heads.0, heads.1).await?;
        let is_known = !bases.is_empty() && unknown.is_empty() && bases.iter().all(|base| history.get(*base).is_some());
        match wider {
            Wider::Main if !is_known => branches.push(BranchName::main()),
            Wider::All if !is_known => branches = branch_names(graph.storage()).await?,
            Wider::Nothing if !is_known => {
                check_reachable(&history, [source, target])?;
                return Ok(Common { history, heads, bases, lost, unknown });
            }
            Wider::Main | Wider::All | Wider::Nothing => return Ok(Common { history, heads, bases, lost, unknown }),
        }
        branches.sort();
        branches.dedup();
        history = read_lineages(graph.storage(), &branches).await;
        check_whole(&history, [source, target])?;
    }
    unreachable!("BUG: the last round returns")
}

/// Which commits are read next.
#[derive(Clone, Copy)]
enum Wider {
    Main,
    All,
    Nothing,
}

/// Where something is not known, a branch that cannot be reached just now may know it. One that is damaged does not come back.
fn check_reachable(history: &CommitGraph, of: [&BranchName; 2]) -> Result<(), MergeError> {
    let is_out_of_reach = |problem: &&HistoryProblem| {
        let is_branch = matches!(problem, HistoryProblem::UnreadableBranch { .. });
        is_branch && !problem.kind().is_lasting()
    };
    history.problems().iter().find(is_out_of_reach).map_or(Ok(()), |problem| Err(hidden(of, problem)))
}

fn hidden([source, target]: [&BranchName; 2], problem: &HistoryProblem) -> MergeError {
    let (source_branch, target) = (source.clone(), target.clone());
    MergeError::HistoryHidden { source_branch, target, kind: problem.kind(), reason: problem.to_string() }
}

/// A history of which a part cannot be read now would make the last common commit too old. What another branch has that cannot be read
/// is as if that branch were gone.
fn check_whole(history: &CommitGraph, of: [&BranchName; 2]) -> Result<(), MergeError> {
    let is_in_the_way = |problem: &&HistoryProblem| match problem {
        HistoryProblem::UnreadableBranch { branch, .. } => of.contains(&branch),
        problem => problem.hides_commits(),
    };
    match history.problems().iter().find(is_in_the_way) {
        Some(problem) => Err(hidden(of, problem)),
        None => Ok(()),
    }
}

/// The last common commits, what is known of commits that went with their branches, and those of which nothing is known.
pub(super) async fn bases(
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
        let before = |base: &CommitId| {
            let mut ancestors = history.distances(*base, &lost);
            ancestors.remove(base);
            ancestors.into_keys()
        };
        let older: BTreeSet<CommitId> = bases.iter().flat_map(before).collect();
        let sides = [source, target].map(|head| history.distances(head, &lost));
        let newer: BTreeSet<CommitId> = sides.iter().flat_map(HashMap::keys).copied().collect();
        // What the last common commits descend from is common, whatever is known of it. Of what they themselves descend from nothing
        // may be missing, or an older one would seem to be a last common commit as well.
        let is_unknown = |id: &CommitId| !older.contains(id) && history.get(*id).is_none() && !lost.contains_key(id);
        let unknown: Vec<CommitId> = newer.iter().filter(|id| is_unknown(id)).copied().collect();
        let merges = newer.iter().filter_map(|id| history.get(*id));
        let of_unknown = |merge: &&Commit| merge.merged_parent.is_some_and(|merged| unknown.contains(&merged));
        let open: Vec<&Commit> = merges.filter(of_unknown).filter(|merge| asked.insert(merge.id)).collect();
        if open.is_empty() {
            return Ok((bases, lost, unknown));
        }
        for merge in open {
            lost.extend(merge_note(graph.storage(), merge).await?.brings);
        }
    }
}

/// The branches that a branch was branched off, one from the other.
async fn ancestors(graph: &Graph, branch: &BranchName) -> Result<BTreeSet<BranchName>> {
    let mut found = BTreeSet::new();
    let mut name = branch.clone();
    while let Some(stored) = name.stored() {
        let Some(lineage) = graph.storage().read_ref(names::MANIFEST, stored).await? else { break };
        if lineage.unreadable.is_some() {
            break;
        }
        name = BranchName::from_stored(lineage.parent.as_deref());
        if !found.insert(name.clone()) {
            break;
        }
    }
    Ok(found)
}

fn head(history: &CommitGraph, branch: &BranchName) -> Result<CommitId, MergeError> {
    history.heads().get(branch).copied().ok_or_else(|| MergeError::NoCommit { branch: branch.clone() })
}

/// What of the states of a plan is not so any more; nothing if they are what they were.
pub(super) async fn moved(graph: &Graph, states: &States) -> Result<Vec<(BranchName, CommitId, Option<CommitId>)>> {
    let branches = [states.source.branch.clone(), states.target.branch.clone()];
    let history = read_lineages(graph.storage(), &branches).await;
    let existing = branch_names(graph.storage()).await?;
    let mut moved = Vec::new();
    for (was, state) in [(states.heads.source, &states.source), (states.heads.target, &states.target)] {
        let is_there = existing.contains(&state.branch);
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
