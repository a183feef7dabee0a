//! What the screen asks of a worker thread, and what comes back.

use std::sync::Arc;

use futures::StreamExt;
use futures::channel::mpsc;
use stratigraph_engine::{Commit, CommitGraph, CommitId, Error, Graph, HistoryBatch, TableChange};

use super::ancestry::{Ancestry, Related};
use super::chart::{Chart, ChartSpec};
use super::diff;
use super::jump::resolve;
use super::log::CommitLog;
use super::search::{Found, find};
use crate::effect;
use crate::message::Failure;
use crate::summary::RECOVERY_ACTOR;
use crate::tasks::{TaskContext, blocking};

/// A value shared with a worker; equal if it is the same one.
#[derive(Debug)]
pub struct Same<T>(pub Arc<T>);

impl<T> Clone for Same<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What is shown while the history is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {
    /// The commits read so far, again and again.
    SoFar,
    /// Nothing: a whole history is on view already and worth more.
    Nothing,
}

/// Something large that is drawn no more.
#[derive(Debug, Clone, PartialEq)]
pub enum Former {
    /// A history as it was laid out.
    Chart(Same<Chart>),
    /// A history.
    Log(Same<CommitLog>),
}

impl Former {
    /// The history it holds.
    pub(super) fn log(&self) -> &Arc<CommitLog> {
        match self {
            Self::Chart(chart) => chart.0.log(),
            Self::Log(log) => &log.0,
        }
    }
}

/// What a worker does for the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Read the history and lay it out.
    Load(ChartSpec, Preview),
    /// Lay the history out in another way.
    Arrange(Same<CommitLog>, ChartSpec),
    /// Find the rows that match a term.
    Search(Same<Chart>, String),
    /// Find the commit a text means.
    Find(Same<CommitLog>, String),
    /// Count the commits that the second history has and the first one has not.
    Count(Same<CommitLog>, Same<CommitLog>),
    /// Free what is drawn no more: for a million commits that takes longer than a frame.
    Release(Vec<Former>),
    /// Find the commits to highlight.
    Relate(Same<CommitLog>, Ancestry, CommitId),
    /// Read what a commit changed since its first parent.
    Details {
        /// The commit.
        commit: Commit,
        /// Its first parent; none for a first commit.
        parent: Option<Commit>,
    },
    /// Read which rows changed.
    Diff(diff::Request),
}

/// What a worker delivers.
#[derive(Debug)]
pub enum Reply {
    /// The commits read so far.
    Partial(Arc<Chart>),
    /// The whole history.
    Loaded(Arc<Chart>),
    /// The history laid out in another way.
    Arranged(Arc<Chart>),
    /// The rows that match.
    Found(Found),
    /// The commit a text means, or why there is none.
    Jumped(Result<CommitId, String>),
    /// How many commits arrived until there was this history.
    Counted(Arc<CommitLog>, usize),
    /// The commits to highlight.
    Related(Related),
    /// What a commit changed, or why that is not known.
    Details(CommitId, Result<Facts, Failure>),
    /// Something about row changes.
    Diff(diff::Reply),
}

/// What the two manifests of a commit and its first parent say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Tables that differ, in key order.
    pub changes: Vec<TableChange>,
    /// Number of tables that are the same.
    pub unchanged: usize,
}

/// Carries out a request.
///
/// # Errors
/// Whatever the engine reports. What concerns one pane alone is delivered there instead.
pub async fn run(request: Request, cx: TaskContext) -> stratigraph_engine::Result<()> {
    match request {
        Request::Load(spec, preview) => load(spec, preview, &cx).await,
        Request::Arrange(log, spec) => {
            let chart = blocking(move || Chart::new(log.0, spec)).await?;
            deliver(&cx, Reply::Arranged(Arc::new(chart))).await;
            Ok(())
        }
        Request::Search(chart, term) => {
            let found = blocking(move || find(&chart.0, &term)).await?;
            deliver(&cx, Reply::Found(found)).await;
            Ok(())
        }
        Request::Find(log, text) => {
            let found = blocking(move || resolve(log.0.graph(), &text)).await?;
            deliver(&cx, Reply::Jumped(found)).await;
            Ok(())
        }
        Request::Count(before, after) => {
            let now = Arc::clone(&after.0);
            let count = blocking(move || after.0.count_since(&before.0)).await?;
            deliver(&cx, Reply::Counted(now, count)).await;
            Ok(())
        }
        Request::Release(former) => blocking(move || drop(former)).await,
        Request::Relate(log, ancestry, id) => {
            let related = blocking(move || Related::new(&log.0, ancestry, id)).await?;
            deliver(&cx, Reply::Related(related)).await;
            Ok(())
        }
        Request::Details { commit, parent } => {
            let facts = facts(&cx.graph()?, &commit, parent.as_ref()).await;
            deliver(&cx, Reply::Details(commit.id, facts.map_err(Failure::from))).await;
            Ok(())
        }
        Request::Diff(request) => diff::run(request, &cx).await,
    }
}

pub(super) async fn deliver(cx: &TaskContext, reply: Reply) {
    cx.reply(effect::Reply::History(reply)).await;
}

/// Reads the history and lays it out.
async fn load(spec: ChartSpec, preview: Preview, cx: &TaskContext) -> stratigraph_engine::Result<()> {
    let graph = &cx.graph()?;
    let history = match preview {
        Preview::SoFar => read_showing(graph, &spec, cx).await?,
        Preview::Nothing => graph.history(cx.progress()).await?,
    };
    let audit = audit(graph, &history, cx).await;
    let chart = blocking(move || Chart::new(Arc::new(CommitLog::new(history, audit)), spec)).await?;
    deliver(cx, Reply::Loaded(Arc::new(chart))).await;
    Ok(())
}

/// Reads the history, showing what is there whenever it has doubled, so that all layouts together cost twice the last one.
async fn read_showing(
    graph: &Graph,
    spec: &ChartSpec,
    cx: &TaskContext,
) -> stratigraph_engine::Result<Arc<CommitGraph>> {
    let (sender, mut batches) = mpsc::unbounded::<HistoryBatch>();
    let read = async {
        let sink = |batch| {
            // The receiver lives as long as this function.
            drop(sender.unbounded_send(batch));
        };
        let history = graph.stream_history(cx.progress(), sink).await;
        sender.close_channel();
        history
    };
    let show = async {
        let (mut commits, mut shown): (Vec<Commit>, usize) = (Vec::new(), 0);
        while let Some(batch) = batches.next().await {
            commits.extend(batch.commits);
            if commits.len() >= (shown * 2).max(1) {
                shown = commits.len();
                let (so_far, spec) = (commits.clone(), spec.clone());
                let chart = blocking(move || Chart::new(Arc::new(CommitLog::partial(so_far)), spec)).await?;
                deliver(cx, Reply::Partial(Arc::new(chart))).await;
            }
        }
        Ok::<(), Error>(())
    };
    let (history, shown) = futures::join!(read, show);
    shown?;
    history
}

/// What recoveries did, if there were any. An unreadable audit costs only their summaries.
async fn audit(graph: &Graph, history: &CommitGraph, cx: &TaskContext) -> Vec<stratigraph_engine::recovery::AuditRow> {
    let recovered = |commit: &Commit| commit.actor.as_deref() == Some(RECOVERY_ACTOR);
    if !history.commits().iter().any(recovered) {
        return Vec::new();
    }
    match graph.audit().await {
        Ok(rows) => rows,
        Err(error) => {
            cx.progress().message(format!("recoveries cannot be described: {error}"));
            Vec::new()
        }
    }
}

/// Not [`Graph::commit_changes`]: both commits are known here, so that nothing but their manifests is read, side by side; and
/// the tables that did not change are counted.
async fn facts(graph: &Graph, commit: &Commit, parent: Option<&Commit>) -> stratigraph_engine::Result<Facts> {
    let before = async {
        match parent {
            Some(parent) => graph.snapshot_of(parent).await.map(Some),
            None => Ok(None),
        }
    };
    let (to, from) = futures::try_join!(graph.snapshot_of(commit), before)?;
    let changes = graph.changes(&from.unwrap_or_else(|| diff::nothing(&to)), &to);
    let there = changes.iter().filter(|change| change.to.is_some()).count();
    Ok(Facts { unchanged: to.entries.len() - there, changes })
}
