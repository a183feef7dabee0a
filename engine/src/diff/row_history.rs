//! Which commits changed one row, and how.
//!
//! The walk follows first parents from the head of a branch. Versions of a table never decrease along that chain, so two
//! commits that pin the same state have nothing in between. From each state the walk therefore leaps back, doubling its steps,
//! and closes in on the commit that moved the table; the row is looked up at those commits alone.

use futures::stream::BoxStream;

use super::RowOp;
use super::compare::compare;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::history::{At, Commit};
use crate::id::{BranchName, TableKey};
use crate::manifest::TableEntry;
use crate::progress::Progress;
use crate::read::{self, Blobs};
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
        let history = graph.history(&progress).await?;
        let head = graph.resolve(&At::Branch(branch)).await?.commit;
        let chain: Vec<Commit> = head.map(|head| history.first_parents(head).cloned().collect()).unwrap_or_default();
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
    known: Option<(TableEntry, Vec<Row>)>,
}

/// The table as one commit pins it.
enum State {
    /// The entry; none if the commit has no such table.
    Known(Option<TableEntry>),
    /// The commit's state cannot be read any more.
    Gone(String),
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
            at = self.last_with(newer.as_ref(), at, progress).await? + 1;
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

    /// The last position from `start` on that still pins `entry`. Leaps only while the table exists: it could have been
    /// dropped and made again.
    async fn last_with(&self, entry: Option<&TableEntry>, start: usize, progress: &Progress) -> Result<usize> {
        let (mut same, mut step) = (start, 1);
        let mut different = loop {
            progress.check()?;
            if same == self.chain.len() {
                return Ok(same);
            }
            let probe = (same + step).min(self.chain.len());
            if !self.state(probe).await?.is(entry) {
                break probe;
            }
            same = probe;
            step = if entry.is_some() { step * 2 } else { 1 };
        };
        while different - same > 1 {
            progress.check()?;
            let middle = usize::midpoint(same, different);
            if self.state(middle).await?.is(entry) {
                same = middle;
            } else {
                different = middle;
            }
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
        for change in compare(before, after) {
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

    async fn rows(&mut self, entry: Option<&TableEntry>) -> Result<Vec<Row>> {
        let Some(entry) = entry else { return Ok(Vec::new()) };
        if let Some((_, rows)) = self.known.as_ref().filter(|(known, _)| known.same_state(entry)) {
            return Ok(rows.clone());
        }
        let table = self.graph.open_table(entry).await?;
        let rows = read::entity(&table, &self.id, Blobs::Digested).await?;
        self.known = Some((entry.clone(), rows.clone()));
        Ok(rows)
    }

    async fn end(&self, index: usize, reason: String, sender: &Sender<RowHistoryItem>) -> Result<()> {
        let Some(commit) = self.chain.get(index) else { return Ok(()) };
        sender.send(RowHistoryItem::Ended { commit: commit.clone(), reason }).await
    }
}

fn gone(error: Error) -> Result<String> {
    if error.kind() == ErrorKind::NotFound { Ok(error.to_string()) } else { Err(error) }
}
