//! Reading the commits of all branches.
//!
//! Every branch has a lineage of `_graph_commits.lance` that inherits its parent's rows, so each file of rows is read once and
//! remembered by name. Files are appended in time order; they are read from the newest on, so that a screen can show the top of
//! a long history at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::TryStreamExt;

use super::commit::decode_actors;
use super::files::CommitFiles;
use super::{Commit, CommitGraph, HistoryProblem, branch_refs};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{BranchName, CommitId};
use crate::manifest::{self, ChangeLog};
use crate::progress::Progress;
use crate::storage::{LineageRef, Scan, Storage, Table, names};

/// Files of rows read in one go: small for the first, so that the top of the history shows early.
const FIRST_FILES: usize = 32;
/// Files of rows read in one go after the first.
const FILES: usize = 512;

/// Commits as they are read, newest first inside a branch; actors are not joined yet.
#[derive(Debug, Clone)]
pub struct HistoryBatch {
    /// The commits of this batch, each delivered once.
    pub commits: Vec<Commit>,
}

/// Heads of all datasets a loaded history depends on; equal stamps mean an equal history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryStamp {
    /// The branches with what makes each of them this one: a branch deleted and made again may have the same versions.
    branches: Vec<(BranchName, Option<LineageRef>)>,
    heads: BTreeMap<String, Option<u64>>,
}

/// Reads the stamp of the history as it is now, without reading rows.
pub(crate) async fn history_stamp(storage: &Storage) -> Result<HistoryStamp> {
    let branches = branch_refs(storage).await?;
    let mut heads = BTreeMap::new();
    for (branch, _) in &branches {
        for path in [names::MANIFEST, names::COMMITS] {
            heads.insert(format!("{path}@{branch}"), storage.head(path, branch.stored()).await.ok());
        }
    }
    heads.insert(names::ACTORS.to_owned(), storage.head(names::ACTORS, None).await.ok());
    Ok(HistoryStamp { branches, heads })
}

/// Reads commits, actors and per-version changes of every branch; `sink` sees the commits as they come.
///
/// Whatever is missing or unreadable becomes a [`HistoryProblem`]; only being cancelled, or an unreadable list of branches, is
/// an error.
pub(crate) async fn load_history(
    storage: &Storage,
    progress: &Progress,
    mut sink: impl FnMut(HistoryBatch) + Send,
) -> Result<CommitGraph> {
    let branches: Vec<BranchName> = branch_refs(storage).await?.into_iter().map(|(name, _)| name).collect();
    progress.phase(1, 3, "read commits");
    let mut loader = Loader::default();
    for branch in &branches {
        loader.read_branch(storage, branch, progress, &mut sink).await?;
    }
    progress.phase(2, 3, "read actors");
    loader.read_actors(storage, progress).await?;
    progress.phase(3, 3, "read changes");
    let mut changes = BTreeMap::new();
    for branch in &branches {
        progress.check()?;
        match read_changes(storage, branch).await {
            Ok(log) => {
                changes.insert(branch.clone(), log);
            }
            Err(error) => loader.unreadable(branch, &error),
        }
    }
    Ok(CommitGraph::new(loader.commits, loader.heads, loader.problems).with_changes(changes))
}

async fn read_changes(storage: &Storage, branch: &BranchName) -> Result<ChangeLog> {
    manifest::read_log(&manifest::open(storage, branch, None).await?).await
}

#[derive(Default)]
struct Loader {
    commits: Vec<Commit>,
    heads: BTreeMap<BranchName, CommitId>,
    problems: Vec<HistoryProblem>,
    files: CommitFiles,
}

impl Loader {
    async fn read_branch(
        &mut self,
        storage: &Storage,
        branch: &BranchName,
        progress: &Progress,
        sink: &mut (impl FnMut(HistoryBatch) + Send),
    ) -> Result<()> {
        let table = match storage.open(names::COMMITS, branch.stored(), None).await {
            Ok(table) => table,
            Err(error) if branch.is_main() && error.kind() == ErrorKind::NotFound => {
                self.problems.push(HistoryProblem::MissingDataset { name: names::COMMITS });
                return Ok(());
            }
            Err(error) => {
                self.unreadable(branch, &error.into());
                return Ok(());
            }
        };
        if let Err(error) = self.read_files(&table, progress, sink).await {
            if error.kind() == ErrorKind::Cancelled {
                return Err(error);
            }
            self.unreadable(branch, &error);
            return Ok(());
        }
        if let Some(head) = self.files.head(&table) {
            self.heads.insert(branch.clone(), head);
        }
        Ok(())
    }

    async fn read_files(
        &mut self,
        table: &Table,
        progress: &Progress,
        sink: &mut (impl FnMut(HistoryBatch) + Send),
    ) -> Result<()> {
        let files = table.fragment_files();
        let mut unread = self.files.unread(&files);
        let mut group = FIRST_FILES;
        while !unread.is_empty() {
            progress.check()?;
            let newest = unread.split_off(unread.len().saturating_sub(group));
            let rows = self.files.read(table, &files, &newest).await?;
            self.problems.extend(rows.problems);
            self.commits.extend(rows.commits.iter().cloned());
            sink(HistoryBatch { commits: rows.commits });
            progress.advance(self.commits.len() as u64, None, "commits");
            group = FILES;
        }
        Ok(())
    }

    async fn read_actors(&mut self, storage: &Storage, progress: &Progress) -> Result<()> {
        match actors(storage, progress).await {
            Ok(actors) => {
                for commit in &mut self.commits {
                    commit.actor = actors.get(&commit.id).cloned();
                }
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.problems.push(HistoryProblem::MissingDataset { name: names::ACTORS });
            }
            Err(error) => self.problems.push(HistoryProblem::UnreadableActors { reason: chain(&error) }),
        }
        Ok(())
    }

    fn unreadable(&mut self, branch: &BranchName, error: &Error) {
        self.problems.push(HistoryProblem::UnreadableBranch { branch: branch.clone(), reason: chain(error) });
    }
}

/// Commit → actor; the last row of a commit wins.
async fn actors(storage: &Storage, progress: &Progress) -> Result<HashMap<CommitId, Arc<str>>> {
    let table = storage.open(names::ACTORS, None, None).await?;
    let mut batches = table.scan(&Scan::default()).await?;
    let mut actors = HashMap::new();
    let mut known: HashMap<Arc<str>, Arc<str>> = HashMap::new();
    while let Some(batch) = batches.try_next().await? {
        progress.check()?;
        for (commit, actor) in decode_actors(&batch)? {
            actors.insert(commit, known.entry(actor.clone()).or_insert(actor).clone());
        }
    }
    Ok(actors)
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
