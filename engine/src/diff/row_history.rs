//! Which commits changed one row, and how.
//!
//! The walk follows first parents from the head of a branch. Versions of a table never decrease along that chain, and every row
//! says in which version of its lineage it was last written: commits that pin that version or a later one have the same row. From each
//! state the walk therefore leaps back, as far as if every commit had moved the table by one version, and from there closes in on the
//! commit that wrote the row; the row is looked up at those commits alone. Where there is no row, it closes in on the commit that moved
//! the table.
//!
//! A restored version repeats rows that were written before it. That hides nothing, because a restore takes back versions that no commit
//! published.

use std::collections::HashMap;

use futures::stream::BoxStream;

use super::RowOp;
use super::compare::compare;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::history::{Commit, HistoryError, Lineage, fill_in_actors};
use crate::id::{BranchName, CommitId, TableKey};
use crate::manifest::TableEntry;
use crate::progress::Progress;
use crate::read::{self, Blobs};
use crate::storage::Storage;
use crate::stream::{Sender, generate};
use crate::value::Row;

/// One commit that changed the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowVersion {
    /// The commit.
    pub commit: Commit,
    /// What it did to the row.
    pub op: RowOp,
    /// The row in its first parent; none if inserted.
    pub before: Option<Row>,
    /// The row as the commit left it; none if deleted.
    pub after: Option<Row>,
    /// Columns whose cells differ; empty unless updated.
    pub columns: Vec<String>,
}

/// One item of a row's history, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowHistoryItem {
    /// A commit that changed the row.
    Changed(Box<RowVersion>),
    /// Older states cannot be read any more: the history ends here, unfinished. Always the last item.
    Ended {
        /// The oldest commit whose change could not be told.
        commit: Commit,
        /// Why.
        reason: String,
    },
}

/// Changes of one row, as they are found.
pub type RowHistoryStream = BoxStream<'static, Result<RowHistoryItem>>;

/// Streams the history of a row on a branch.
pub(crate) fn row_history(
    graph: &Graph,
    table: TableKey,
    id: String,
    branch: BranchName,
    progress: &Progress,
) -> RowHistoryStream {
    let (graph, progress) = (graph.clone(), progress.clone());
    generate(move |sender| async move {
        graph.check_branch(&branch).await?;
        let chain = first_parents(graph.storage(), &branch).await?;
        Walk { graph, table, id, chain, known: None }.run(&sender, &progress).await
    })
}

struct Walk {
    graph: Graph,
    table: TableKey,
    id: String,
    /// Newest first.
    chain: Vec<Commit>,
    /// The rows last looked up: the older side of one change is the newer side of the next.
    known: Option<(TableEntry, Written)>,
}

/// The rows with the id at one version of the table.
#[derive(Debug, Clone, Default)]
struct Written {
    rows: Vec<Row>,
    /// Version of the lineage that wrote the row; none if there is not exactly one, or if the version is not recorded.
    version: Option<u64>,
}

/// The commits of a branch from its head on along first parents, newest first. The newest version may have no commit yet: the head is then
/// the last one that has.
async fn first_parents(storage: &Storage, branch: &BranchName) -> Result<Vec<Commit>> {
    let mut lineage = Lineage::open(storage, branch).await?;
    lineage.read_all().await?;
    let head = lineage.head().await?.ok_or_else(|| HistoryError::NoHead { branch: branch.clone() })?.id;
    let by_id: HashMap<CommitId, &Commit> = lineage.commits().iter().map(|commit| (commit.id, commit)).collect();
    let parent = |commit: &&Commit| commit.parent.and_then(|parent| by_id.get(&parent).copied());
    let mut chain: Vec<Commit> = std::iter::successors(by_id.get(&head).copied(), parent)
        // No chain is longer than the history; a stored cycle ends there instead of never.
        .take(by_id.len())
        .cloned()
        .collect();
    // Without its actors the history of a row is still right.
    if let Err(error) = fill_in_actors(storage, &mut chain).await {
        tracing::warn!("the actors cannot be read: {error}");
    }
    Ok(chain)
}

/// The table as one commit pins it.
enum State {
    /// The entry; none if the commit has no such table.
    Known(Option<TableEntry>),
    /// The commit's state cannot be read any more.
    Gone(String),
}

/// How far one leap goes.
#[derive(Debug, Clone, Copy)]
enum Steps {
    /// So many commits, then one, then twice as many each time.
    Doubling(usize),
    /// One commit.
    One,
}

impl State {
    fn is(&self, other: Option<&TableEntry>) -> bool {
        match (self, other) {
            (Self::Known(Some(entry)), Some(other)) => entry.same_state(other),
            (Self::Known(None), None) => true,
            (Self::Known(_) | Self::Gone(_), _) => false,
        }
    }
}

impl Walk {
    async fn run(mut self, sender: &Sender<RowHistoryItem>, progress: &Progress) -> Result<()> {
        let total = self.chain.len() as u64;
        let mut at = 0;
        let mut state = self.state(at).await?;
        while at < self.chain.len() {
            progress.check()?;
            progress.advance(at as u64, Some(total), "commits");
            let newer = match &state {
                State::Known(entry) => entry.clone(),
                State::Gone(reason) => return self.end(at.saturating_sub(1), reason.clone(), sender).await,
            };
            at = self.last_unchanged(newer.as_ref(), at, progress).await? + 1;
            if at > self.chain.len() {
                break;
            }
            state = self.state(at).await?;
            if let State::Known(older) = &state
                && let Some(reason) = self.compare(at - 1, older.as_ref(), newer.as_ref(), sender).await?
            {
                return self.end(at - 1, reason, sender).await;
            }
        }
        match state {
            State::Gone(reason) if at >= self.chain.len() => {
                self.end(self.chain.len().saturating_sub(1), reason, sender).await
            }
            State::Gone(_) | State::Known(_) => Ok(()),
        }
    }

    /// The table as commit `index` of the chain pins it; past the chain's end is the empty graph before the first commit.
    async fn state(&self, index: usize) -> Result<State> {
        let Some(commit) = self.chain.get(index) else {
            return Ok(match self.chain.last().and_then(|oldest| oldest.parent) {
                Some(parent) => State::Gone(format!("its parent {parent} is not recorded")),
                None => State::Known(None),
            });
        };
        match self.graph.snapshot_of(commit).await {
            Ok(snapshot) => Ok(State::Known(snapshot.entries.get(&self.table).cloned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Gone(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Returns the last position from `start` on whose commit has the row as `entry` has it, as far as versions prove it.
    async fn last_unchanged(&mut self, entry: Option<&TableEntry>, start: usize, progress: &Progress) -> Result<usize> {
        let written = match self.rows(entry).await {
            Ok(written) => written.version,
            // The comparison says so of the commit that it is about.
            Err(error) => gone(error).map(|_| None)?,
        };
        if let Some(entry) = entry
            && let Some(version) = written
        {
            let since = version.max(self.first_version(entry).await?);
            let is_same = |state: &State| match state {
                State::Known(Some(older)) => {
                    older.path == entry.path && older.lineage == entry.lineage && older.version.get() >= since
                }
                State::Known(None) | State::Gone(_) => false,
            };
            let versions = usize::try_from(entry.version.get().saturating_sub(since)).unwrap_or(usize::MAX);
            return self.last_where(is_same, Steps::Doubling(versions.max(1)), start, progress).await;
        }
        // A table that is not there could have been dropped and made again in between.
        let steps = if entry.is_some() { Steps::Doubling(1) } else { Steps::One };
        self.last_where(|state| state.is(entry), steps, start, progress).await
    }

    /// The version that the lineage of an entry starts at: an older one of that name had smaller versions.
    async fn first_version(&self, entry: &TableEntry) -> Result<u64> {
        let Some(lineage) = entry.stored_lineage() else { return Ok(0) };
        let found = self.graph.storage().read_ref(&entry.path, lineage).await?;
        Ok(found.map_or(entry.version.get(), |found| found.parent_version))
    }

    /// Returns the last position from `start` on where something holds that holds at `start`, and once it ends does not come back.
    async fn last_where(
        &self,
        holds: impl Fn(&State) -> bool,
        steps: Steps,
        start: usize,
        progress: &Progress,
    ) -> Result<usize> {
        let (first, is_doubling) = match steps {
            Steps::Doubling(first) => (first, true),
            Steps::One => (1, false),
        };
        let (mut same, mut step, mut next) = (start, first, 1);
        let mut different = loop {
            progress.check()?;
            if same == self.chain.len() {
                return Ok(same);
            }
            let probe = same.saturating_add(step).min(self.chain.len());
            if !holds(&self.state(probe).await?) {
                break probe;
            }
            same = probe;
            step = next;
            next = if is_doubling { next * 2 } else { 1 };
        };
        // A first leap that was too long was hardly too long, so the end is looked for backwards from where it led.
        let mut back = 1;
        while different - same > 1 {
            progress.check()?;
            let middle = different.saturating_sub(back).max(usize::midpoint(same, different));
            if holds(&self.state(middle).await?) {
                same = middle;
            } else {
                different = middle;
            }
            back *= 2;
        }
        Ok(same)
    }

    /// Sends what commit `index` did to the row; gives a reason if a version is not retained any more.
    async fn compare(
        &mut self,
        index: usize,
        older: Option<&TableEntry>,
        newer: Option<&TableEntry>,
        sender: &Sender<RowHistoryItem>,
    ) -> Result<Option<String>> {
        let sides = async { Ok((self.rows(newer).await?, self.rows(older).await?)) };
        let (after, before) = match sides.await {
            Ok(sides) => sides,
            Err(error) => return gone(error).map(Some),
        };
        for change in compare(before.rows, after.rows) {
            let version = RowVersion {
                commit: self.chain[index].clone(),
                op: change.op,
                before: change.before,
                after: change.after,
                columns: change.columns,
            };
            sender.send(RowHistoryItem::Changed(Box::new(version))).await?;
        }
        Ok(None)
    }

    async fn rows(&mut self, entry: Option<&TableEntry>) -> Result<Written> {
        let Some(entry) = entry else { return Ok(Written::default()) };
        if let Some((_, written)) = self.known.as_ref().filter(|(known, _)| known.same_state(entry)) {
            return Ok(written.clone());
        }
        let table = self.graph.open_table(entry).await?;
        let (rows, version) = read::entity_written(&table, &self.id, Blobs::Digested).await?;
        let written = Written { rows, version };
        self.known = Some((entry.clone(), written.clone()));
        Ok(written)
    }

    async fn end(&self, index: usize, reason: String, sender: &Sender<RowHistoryItem>) -> Result<()> {
        let Some(commit) = self.chain.get(index) else { return Ok(()) };
        sender.send(RowHistoryItem::Ended { commit: commit.clone(), reason }).await
    }
}

fn gone(error: Error) -> Result<String> {
    if error.kind() == ErrorKind::NotFound { Ok(error.to_string()) } else { Err(error) }
}
