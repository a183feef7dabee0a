//! The newest part of a history: as many commits as a list shows, without reading the rest.
//!
//! Branches are read back from their newest files until no unread row can belong to the part.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;

use super::actors::fill_in_actors;
use super::branch::list_branch_refs;
use super::error::chain;
use super::find::locate_commit;
use super::heads::heads_at;
use super::lineage::Lineage;
use super::load::spawned;
use super::unrecorded::still_unrecorded;
use super::{Commit, CommitGraph, HistoryError, HistoryProblem};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{BranchName, CommitId, ManifestVersion};
use crate::manifest::{self, ChangeLog};
use crate::progress::Progress;
use crate::storage::{Storage, names};

/// Branches read at the same time.
const PARALLEL_BRANCHES: usize = 16;

/// Which commits of a history are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent {
    /// Only those that this branch sees: its own and those it inherited. All branches if none.
    pub branch: Option<BranchName>,
    /// At most so many, the newest ones.
    pub limit: Option<usize>,
    /// Only those at or after this time, in microseconds since the epoch.
    pub since_micros: Option<i64>,
}

/// Reads the newest commits, with their actors, what they changed, and the heads of the branches that were read.
///
/// The result may hold further, older commits; the newest ones that were asked for are complete and in the order of the whole history.
///
/// # Errors
/// [`crate::Error::Cancelled`], a storage error if the branches cannot be listed. Everything else that is missing or wrong, a branch that
/// does not exist included, is a problem of the result.
pub(crate) async fn read_recent(storage: &Storage, recent: &Recent, progress: &Progress) -> Result<CommitGraph> {
    let branches = match &recent.branch {
        Some(branch) => vec![branch.clone()],
        None => list_branch_refs(storage).await?.into_iter().map(|(name, _)| name).collect(),
    };
    let mut part = Part::default();
    // Main first: the others find what they share with it in memory.
    let (main, others): (Vec<_>, Vec<_>) = branches.into_iter().partition(BranchName::is_main);
    for branches in [main, others] {
        part.open(storage, branches, progress).await?;
    }
    while part.read_back(part.reach(recent)).await? {
        progress.check()?;
    }
    // A merge is shown with the branch of what was merged, whichever branch has it.
    if recent.branch.is_none() {
        while let Some(time) = part.oldest_missing_merged(recent) {
            progress.check()?;
            if !part.read_back(time).await? {
                break;
            }
        }
    }
    part.finish(storage, recent).await
}

/// What is read so far.
#[derive(Debug, Default)]
struct Part {
    lineages: Vec<(BranchName, Lineage)>,
    heads: BTreeMap<BranchName, CommitId>,
    problems: Vec<HistoryProblem>,
}

impl Part {
    /// Opens branches and finds their heads.
    async fn open(&mut self, storage: &Storage, branches: Vec<BranchName>, progress: &Progress) -> Result<()> {
        let opened = branches.into_iter().map(|branch| {
            let (storage, name) = (storage.clone(), branch.clone());
            let opened = spawned(async move {
                let mut lineage = Lineage::open(&storage, &name).await?.in_small_steps();
                let head = lineage.head().await?;
                Ok((lineage, head))
            });
            async move { (branch, opened.await) }
        });
        let mut opened = std::pin::pin!(futures::stream::iter(opened.collect::<Vec<_>>()).buffered(PARALLEL_BRANCHES));
        while let Some((branch, opened)) = opened.next().await {
            progress.check()?;
            match opened {
                Ok((lineage, head)) => {
                    self.heads.extend(head.map(|head| (branch.clone(), head.id)));
                    self.lineages.push((branch, lineage));
                }
                Err(error) if error.kind() == ErrorKind::NotFound && branch.is_main() => {
                    self.problems.push(HistoryProblem::MissingDataset { name: names::COMMITS });
                }
                Err(error) => self.problems.push(HistoryProblem::unreadable_branch(branch, &error)),
            }
        }
        Ok(())
    }

    /// Reads on where unread rows may be as new as a time; false if there is no such branch.
    async fn read_back(&mut self, reach: i64) -> Result<bool> {
        let mut has_read = false;
        for (branch, lineage) in &mut self.lineages {
            if lineage.reaches_behind(reach) {
                continue;
            }
            match lineage.read_back().await {
                Ok(read) => has_read |= read,
                Err(error) => {
                    self.problems.push(HistoryProblem::unreadable_branch(branch.clone(), &error));
                    lineage.give_up();
                }
            }
        }
        Ok(has_read)
    }

    /// Returns the time from which on all commits must be read, as far as is known by now.
    fn reach(&self, recent: &Recent) -> i64 {
        let since = recent.since_micros.unwrap_or(i64::MIN);
        let Some(limit) = recent.limit else { return since };
        let mut times: BTreeSet<(i64, CommitId)> = BTreeSet::new();
        for commit in self.lineages.iter().flat_map(|(_, lineage)| lineage.commits()) {
            times.insert((commit.created_at_micros, commit.id));
            if times.len() > limit {
                times.pop_first();
            }
        }
        match times.first() {
            Some((oldest, _)) if times.len() == limit => since.max(*oldest),
            Some(_) | None if limit == 0 => i64::MAX,
            Some(_) | None => since,
        }
    }

    /// Returns the time of the oldest commit that one of the part merged and that is not read yet, as its id has it.
    fn oldest_missing_merged(&self, recent: &Recent) -> Option<i64> {
        let reach = self.reach(recent);
        let commits = || self.lineages.iter().flat_map(|(_, lineage)| lineage.commits());
        let known: BTreeSet<CommitId> = commits().map(|commit| commit.id).collect();
        let shown = commits().filter(|commit| commit.created_at_micros >= reach);
        let missing = shown.filter_map(|commit| commit.merged_parent).filter(|merged| !known.contains(merged));
        missing.map(CommitId::created_at_micros).min()
    }

    async fn finish(mut self, storage: &Storage, recent: &Recent) -> Result<CommitGraph> {
        for (_, lineage) in &self.lineages {
            let unreadable = lineage.unreadable().iter().map(|row| row.id.clone());
            self.problems.extend(unreadable.map(|id| HistoryProblem::UnreadableCommit { id }));
        }
        let mut seen = BTreeSet::new();
        let rows = self.lineages.iter().flat_map(|(_, lineage)| lineage.commits());
        let commits: Vec<Commit> = rows.filter(|commit| seen.insert(commit.id)).cloned().collect();
        // In the order of the whole history, of which the first ones are shown.
        let ordered = CommitGraph::part(commits, self.heads.clone(), Vec::new());
        let limit = recent.limit.unwrap_or(usize::MAX);
        let since = recent.since_micros.unwrap_or(i64::MIN);
        let mut commits = ordered.commits().to_vec();
        let shown = commits.iter().filter(|commit| commit.created_at_micros >= since).take(limit);
        let shown: BTreeSet<CommitId> = shown.map(|commit| commit.id).collect();
        commits.sort_by_key(|commit| !shown.contains(&commit.id));
        if let Err(error) = fill_in_actors(storage, &mut commits[..shown.len()]).await {
            self.problems.push(unreadable_actors(&error));
        }
        let changes = read_changes(storage, &commits[..shown.len()], &mut self.problems).await;
        self.problems.dedup();
        let mut graph = CommitGraph::part(commits, self.heads, self.problems).with_changes(changes);
        let unrecorded = still_unrecorded(storage, graph.unrecorded_versions()).await;
        graph.add_problems(unrecorded);
        Ok(graph)
    }
}

/// Reads what the branches of some commits changed since the oldest of them.
async fn read_changes(
    storage: &Storage,
    shown: &[Commit],
    problems: &mut Vec<HistoryProblem>,
) -> BTreeMap<BranchName, ChangeLog> {
    let mut oldest: BTreeMap<BranchName, ManifestVersion> = BTreeMap::new();
    for commit in shown {
        let version = oldest.entry(commit.branch.clone()).or_insert(commit.manifest_version);
        *version = commit.manifest_version.min(*version);
    }
    let reads = oldest.into_iter().map(|(branch, version)| {
        let (storage, name) = (storage.clone(), branch.clone());
        let read = spawned(async move { manifest::read_log_since(&storage, &name, version).await });
        async move { (branch, read.await) }
    });
    let mut reads = std::pin::pin!(futures::stream::iter(reads.collect::<Vec<_>>()).buffered(PARALLEL_BRANCHES));
    let mut changes = BTreeMap::new();
    while let Some((branch, read)) = reads.next().await {
        match read {
            Ok(log) => drop(changes.insert(branch, log)),
            Err(error) => problems.push(HistoryProblem::unreadable_branch(branch, &error)),
        }
    }
    changes
}

/// Reads what there is to say about one commit: its row with its actor, its parents, what it changed, and the heads that it is.
///
/// # Errors
/// [`HistoryError::UnknownCommit`]; a storage error if the commits cannot be read.
pub(crate) async fn read_about(storage: &Storage, id: CommitId) -> Result<CommitGraph> {
    let unknown = || HistoryError::UnknownCommit { text: id.to_string() };
    let mut commit = [locate_commit(storage, id).await?.ok_or_else(unknown)?];
    let mut problems = Vec::new();
    if let Err(error) = fill_in_actors(storage, &mut commit).await {
        problems.push(unreadable_actors(&error));
    }
    let mut changes = read_changes(storage, &commit, &mut problems).await;
    // Its branch may be gone, and then what it changed is not known.
    if !list_branch_refs(storage).await?.iter().any(|(name, _)| *name == commit[0].branch) {
        (changes, problems) = (BTreeMap::new(), Vec::new());
    }
    let heads = heads_at(storage, &commit[0]).await?.into_iter().map(|name| (name, id)).collect();
    let mut commits = commit.to_vec();
    for parent in commit[0].parents() {
        commits.extend(locate_commit(storage, parent).await?);
    }
    Ok(CommitGraph::part(commits, heads, problems).with_changes(changes))
}

pub(super) fn unreadable_actors(error: &Error) -> HistoryProblem {
    match error.kind() {
        ErrorKind::NotFound => HistoryProblem::MissingDataset { name: names::ACTORS },
        _ => HistoryProblem::UnreadableActors { reason: chain(error) },
    }
}
