//! Reading which rows changed, on a worker thread.
//!
//! One walk over the changed tables counts everything and delivers the first page of each table; further pages of one table
//! are read when someone gets there, so that memory follows what was looked at. A table that cannot be read costs only itself.

use std::collections::BTreeSet;

use futures::{Stream, StreamExt};
use stratigraph_engine::diff::{DiffFilter, DiffItem, RowChange};
use stratigraph_engine::{At, CommitId, Error, ErrorKind, Graph, ManifestVersion, Snapshot, TableChange, TableKey};

use super::super::request::{Reply as ScreenReply, deliver};
use super::Target;
use crate::message::Failure;
use crate::rows::Counts;
use crate::tasks::TaskContext;

/// Rows delivered at a time.
pub(super) const PAGE: usize = 500;
/// Counts are reported at least after so many rows that are only counted.
const COUNTED: u64 = 5000;

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// All tables: counts, and the first page of each.
    All(Target),
    /// A further page of one table.
    Page {
        /// What is compared.
        target: Target,
        /// The table.
        table: TableKey,
        /// Changes known already.
        skip: usize,
    },
}

/// What is delivered; each part names what it belongs to.
#[derive(Debug)]
pub enum Reply {
    /// The tables that differ, in key order.
    Tables(Target, Vec<TableChange>),
    /// Changes of one table in order of id, from `skip` on, and what was counted so far.
    Rows {
        /// What is compared.
        target: Target,
        /// The table.
        table: TableKey,
        /// Place of the first of the changes.
        skip: usize,
        /// The changes.
        changes: Vec<RowChange>,
        /// Counted so far, if this walk counts.
        counts: Option<Counts>,
    },
    /// A table was read to its end.
    Done(Target, TableKey),
    /// A table could not be read.
    Failed(Target, TableKey, Failure),
}

/// The graph before its first commit: nothing.
#[must_use]
pub(in super::super) fn nothing(beside: &Snapshot) -> Snapshot {
    let (branch, version) = (beside.branch.clone(), ManifestVersion::new(0));
    Snapshot { branch, version, commit: None, entries: std::collections::BTreeMap::new() }
}

/// Carries out a request.
pub(in super::super) async fn run(request: Request, cx: &TaskContext) -> stratigraph_engine::Result<()> {
    match request {
        Request::All(target) => all(&target, cx).await,
        Request::Page { target, table, skip } => {
            let sides = Sides::read(&cx.graph()?, &target).await?;
            let walk = Walk { target: &target, table: &table, skip, rest: Rest::Left };
            walk.run(&sides, cx).await
        }
    }
}

async fn all(target: &Target, cx: &TaskContext) -> stratigraph_engine::Result<()> {
    let graph = &cx.graph()?;
    let sides = Sides::read(graph, target).await?;
    let tables = sides.tables(graph);
    let keys: Vec<TableKey> = tables.iter().map(|change| change.key.clone()).collect();
    send(cx, Reply::Tables(target.clone(), tables)).await;
    for (done, table) in (0u64..).zip(&keys) {
        cx.progress().advance(done, Some(keys.len() as u64), "tables");
        let walk = Walk { target, table, skip: 0, rest: Rest::Counted };
        match walk.run(&sides, cx).await {
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            Err(error) => send(cx, Reply::Failed(target.clone(), table.clone(), Failure::from(error))).await,
            Ok(()) => {}
        }
    }
    cx.progress().advance(keys.len() as u64, Some(keys.len() as u64), "tables");
    Ok(())
}

async fn send(cx: &TaskContext, reply: Reply) {
    deliver(cx, ScreenReply::Diff(reply)).await;
}

/// The snapshots that are compared.
struct Sides {
    from: Snapshot,
    to: Snapshot,
    /// The other parent, if only what differs from both counts.
    other: Option<Snapshot>,
}

impl Sides {
    async fn read(graph: &Graph, target: &Target) -> stratigraph_engine::Result<Self> {
        let at = |id: CommitId| async move { graph.snapshot(&At::Commit(id)).await };
        let to = at(target.to).await?;
        let from = match target.from {
            Some(from) => at(from).await?,
            None => nothing(&to),
        };
        let other = match target.other() {
            Some(other) => Some(at(other).await?),
            None => None,
        };
        Ok(Self { from, to, other })
    }

    /// Tables that differ; from both parents, if that is asked.
    fn tables(&self, graph: &Graph) -> Vec<TableChange> {
        let mut tables = graph.changes(&self.from, &self.to);
        if let Some(other) = &self.other {
            let differing: BTreeSet<TableKey> =
                graph.changes(other, &self.to).into_iter().map(|change| change.key).collect();
            tables.retain(|change| differing.contains(&change.key));
        }
        tables
    }
}

/// What happens after the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It is counted.
    Counted,
    /// It is left unread.
    Left,
}

/// One walk over one table.
struct Walk<'a> {
    target: &'a Target,
    table: &'a TableKey,
    skip: usize,
    rest: Rest,
}

impl Walk<'_> {
    async fn run(&self, sides: &Sides, cx: &TaskContext) -> stratigraph_engine::Result<()> {
        let filter = || DiffFilter { tables: vec![self.table.clone()], ..DiffFilter::default() };
        let (graph, progress) = (&cx.graph()?, cx.progress());
        let first = rows(graph.diff(&sides.from, &sides.to, filter(), progress));
        match &sides.other {
            None => self.page(first, cx).await,
            Some(other) => self.page(in_both(first, rows(graph.diff(other, &sides.to, filter(), progress))), cx).await,
        }
    }

    async fn page(
        &self,
        changes: impl Stream<Item = stratigraph_engine::Result<RowChange>>,
        cx: &TaskContext,
    ) -> stratigraph_engine::Result<()> {
        let mut changes = std::pin::pin!(changes);
        let (mut page, mut counts, mut at) = (Vec::new(), Counts::default(), 0);
        while let Some(change) = changes.next().await {
            let change = change?;
            counts.add(change.op);
            if at >= self.skip && at < self.skip + PAGE {
                page.push(change);
            }
            at += 1;
            let full = at == self.skip + PAGE;
            if full && self.rest == Rest::Left {
                self.rows(page, None, cx).await;
                return Ok(());
            }
            if full || (self.rest == Rest::Counted && counts.total() % COUNTED == 0) {
                self.rows(std::mem::take(&mut page), Some(counts), cx).await;
            }
        }
        let counts = (self.rest == Rest::Counted).then_some(counts);
        self.rows(page, counts, cx).await;
        if self.rest == Rest::Counted {
            send(cx, Reply::Done(self.target.clone(), self.table.clone())).await;
        }
        Ok(())
    }

    async fn rows(&self, changes: Vec<RowChange>, counts: Option<Counts>, cx: &TaskContext) {
        let (target, table) = (self.target.clone(), self.table.clone());
        send(cx, Reply::Rows { target, table, skip: self.skip, changes, counts }).await;
    }
}

/// The rows of a diff, without the totals.
fn rows(
    items: impl Stream<Item = stratigraph_engine::Result<DiffItem>>,
) -> impl Stream<Item = stratigraph_engine::Result<RowChange>> {
    items.filter_map(async |item| match item {
        Ok(DiffItem::Row(change)) => Some(Ok(*change)),
        Ok(DiffItem::Table(_)) => None,
        Err(error) => Some(Err(error)),
    })
}

/// Changes whose row is in both streams, as the first one tells them; both are in order of id.
pub(super) fn in_both(
    first: impl Stream<Item = stratigraph_engine::Result<RowChange>>,
    second: impl Stream<Item = stratigraph_engine::Result<RowChange>>,
) -> impl Stream<Item = stratigraph_engine::Result<RowChange>> {
    let pair = (Box::pin(first), Box::pin(second), None::<RowChange>);
    futures::stream::try_unfold(pair, async |(mut first, mut second, mut waiting)| {
        while let Some(change) = first.next().await.transpose()? {
            while waiting.as_ref().is_none_or(|other: &RowChange| other.id < change.id) {
                match second.next().await.transpose()? {
                    Some(other) => waiting = Some(other),
                    None => return Ok::<_, Error>(None),
                }
            }
            if waiting.as_ref().is_some_and(|other| other.id == change.id) {
                return Ok(Some((change, (first, second, waiting))));
            }
        }
        Ok(None)
    })
}
