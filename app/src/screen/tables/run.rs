//! Carries out the screen's requests on a worker thread.

use std::sync::Arc;

use futures::TryStreamExt;
use stratigraph_engine::diff::{DiffFilter, DiffItem, RowHistoryItem};
use stratigraph_engine::query::SqlOptions;
use stratigraph_engine::storage::StorageError;
use stratigraph_engine::value::Row;
use stratigraph_engine::{At, Blobs, BranchName, Error, Graph, Order, ReadOptions, RowStream, TableKey, Value};

use super::request::{
    COMPARE_ROWS, LISTED_VERSIONS, Opened, PAGE_ROWS, Page, RESULT_ROWS, Reply, Request, Source, Tab,
};
use super::schema_list;
use crate::effect;
use crate::message::Failure;
use crate::tasks::TaskContext;

/// Items delivered at once.
const BATCH: usize = 250;

/// Carries out a request.
///
/// # Errors
/// What the engine reports; a version that is gone is told in terms of the table.
pub async fn run(request: Request, cx: TaskContext) -> Result<(), Failure> {
    let table = table_of(&request).cloned();
    let result = match request {
        Request::Open(at) => open(at, &cx).await,
        Request::Heads(snapshot) => {
            let heads = cx.graph()?.table_status(&snapshot).await.into_iter().map(|status| {
                let head = status.head.map(stratigraph_engine::TableVersion::get).map_err(|error| error.to_string());
                (status.entry.key, head)
            });
            deliver(&cx, Reply::Heads(heads.collect())).await
        }
        Request::Page(source, after) => page(source, after, &cx).await,
        Request::Sorted(source, order) => sorted(source, order, &cx).await,
        Request::Count(source) => count(source, &cx).await,
        Request::List(source, tab) => list(source, tab, &cx).await,
        Request::Record(source, id) => record(source, &id, &cx).await,
        Request::RowHistory(source, branch, id) => row_history(&source.table, &id, &branch, &cx).await,
        Request::Compare(source, at) => compare(source, at, &cx).await,
        Request::Sql(snapshot, statement) => {
            let options = SqlOptions { limit: Some(RESULT_ROWS + 1), ..SqlOptions::default() };
            let result = cx.graph()?.sql(&snapshot, &statement, options).await?;
            let columns = result.schema.fields().iter().map(|field| Arc::from(field.name().as_str())).collect();
            first_rows(columns, result.batches, &cx, Reply::Sql).await
        }
    };
    result.map_err(|error| failure(&error, table.as_ref()))
}

fn table_of(request: &Request) -> Option<&TableKey> {
    match request {
        Request::Open(_) | Request::Heads(_) | Request::Sql(..) => None,
        Request::Page(source, _)
        | Request::Sorted(source, _)
        | Request::Count(source)
        | Request::List(source, _)
        | Request::Record(source, _)
        | Request::RowHistory(source, ..)
        | Request::Compare(source, _) => Some(&source.table),
    }
}

/// The error as the pane tells it: storage names a folder, the operator thinks in tables.
fn failure(error: &Error, table: Option<&TableKey>) -> Failure {
    match (error, table) {
        (Error::Storage(StorageError::VersionGone { version, oldest, .. }), Some(table)) => {
            let kept = oldest.map_or_else(String::new, |oldest| format!(", the oldest kept is {oldest}"));
            Failure::new(error.kind(), format!("version {version} of {table} is no longer retained{kept}"))
        }
        _ => Failure::from(error),
    }
}

async fn deliver(cx: &TaskContext, reply: Reply) -> Result<(), Error> {
    cx.reply(effect::Reply::Tables(reply)).await;
    Ok(())
}

async fn open(at: At, cx: &TaskContext) -> Result<(), Error> {
    let opened = opened(at, cx).await?;
    deliver(cx, Reply::Opened(Box::new(opened))).await
}

async fn opened(at: At, cx: &TaskContext) -> Result<Opened, Error> {
    let graph = &cx.graph()?;
    let is_head = graph.resolve(&at).await?.is_head;
    let snapshot = graph.snapshot(&at).await?;
    let history = graph.history(cx.progress()).await?;
    let commit = snapshot.commit.and_then(|id| history.get(id));
    Ok(Opened {
        at,
        is_head,
        short_id: snapshot.commit.map(|id| history.short_id(id)),
        created_at_micros: commit.map(|commit| commit.created_at_micros),
        types: graph.schema().catalog().summaries().into(),
        snapshot: Arc::new(snapshot),
    })
}

async fn page(source: Source, after: Option<String>, cx: &TaskContext) -> Result<(), Error> {
    let graph = &cx.graph()?;
    let first = after.is_none();
    let options =
        ReadOptions { filter: source.filter.clone(), after, limit: Some(PAGE_ROWS), ..ReadOptions::default() };
    let mut columns = None;
    let mut rows = Vec::new();
    let mut batches = graph.read(&source.snapshot, &source.table, &options).await?;
    while let Some(batch) = batches.try_next().await? {
        let columns = columns.get_or_insert_with(|| Row::columns_of(&batch));
        rows.extend((0..batch.num_rows()).map(|row| Row::from_batch(columns, &batch, row)));
    }
    let columns = match columns {
        Some(columns) => columns,
        None => table_columns(graph, &source).await?,
    };
    let more = rows.len() as u64 == PAGE_ROWS;
    deliver(cx, Reply::Page(Page { columns, rows, first, more })).await
}

async fn table_columns(graph: &Graph, source: &Source) -> Result<Arc<[Arc<str>]>, Error> {
    let entry = source.snapshot.table(&source.table.to_string())?;
    let schema = graph.table_schema(entry).await?;
    Ok(schema.fields().iter().map(|field| Arc::from(field.name().as_str())).collect())
}

async fn sorted(source: Source, order: Order, cx: &TaskContext) -> Result<(), Error> {
    let graph = &cx.graph()?;
    let columns = table_columns(graph, &source).await?;
    let options = ReadOptions {
        filter: source.filter.clone(),
        order: Some(order.clone()),
        limit: Some(RESULT_ROWS + 1),
        ..ReadOptions::default()
    };
    let batches = graph.read(&source.snapshot, &source.table, &options).await?;
    first_rows(columns, batches, cx, |page| Reply::Sorted(page, order.clone())).await
}

/// Delivers at most [`RESULT_ROWS`] rows in pieces. The columns always arrive, even without rows.
async fn first_rows(
    columns: Arc<[Arc<str>]>,
    mut batches: RowStream,
    cx: &TaskContext,
    reply: impl Fn(Page) -> Reply,
) -> Result<(), Error> {
    deliver(cx, reply(Page { columns: columns.clone(), rows: Vec::new(), first: true, more: true })).await?;
    let mut left = usize::try_from(RESULT_ROWS).unwrap_or(usize::MAX);
    let mut done = 0;
    while let Some(batch) = batches.try_next().await? {
        cx.progress().check()?;
        let kept = batch.num_rows().min(left);
        let rows: Vec<Row> = (0..kept).map(|row| Row::from_batch(&columns, &batch, row)).collect();
        left -= kept;
        done += kept as u64;
        cx.progress().advance(done, None, "rows");
        let cut = kept < batch.num_rows();
        deliver(cx, reply(Page { columns: columns.clone(), rows, first: false, more: true })).await?;
        if cut {
            return Ok(());
        }
    }
    deliver(cx, reply(Page { columns, rows: Vec::new(), first: false, more: false })).await
}

async fn count(source: Source, cx: &TaskContext) -> Result<(), Error> {
    let rows = cx.graph()?.count(&source.snapshot, &source.table, source.filter.as_deref()).await?;
    deliver(cx, Reply::Counted(rows)).await
}

async fn list(source: Source, tab: Tab, cx: &TaskContext) -> Result<(), Error> {
    let graph = &cx.graph()?;
    let entry = source.snapshot.table(&source.table.to_string())?;
    let (columns, lines) = match tab {
        Tab::Rows => return Ok(()),
        Tab::Schema => {
            let schema = graph.table_schema(entry).await?;
            let types = graph.schema().catalog().summaries();
            let known = types.iter().find(|known| schema_list::is_type(known, &source.table));
            (schema_list::COLUMNS.to_vec(), schema_list::lines(&schema, known))
        }
        Tab::Indices => {
            let lines = graph.table_indices(entry).await?.into_iter().map(|index| {
                let columns = index.columns.join(", ");
                vec![
                    Value::from(index.name.as_str()),
                    Value::from(index.kind.as_str()),
                    Value::from(columns.as_str()),
                    Value::UInt(index.rows),
                ]
            });
            (vec!["index", "kind", "columns", "rows covered"], lines.collect())
        }
        Tab::Versions => {
            let pinned = entry.version.get();
            let lines = graph.table_versions(entry, LISTED_VERSIONS).await?.into_iter().map(|version| {
                let here = if version.version == pinned { Value::from("read here") } else { Value::from(" ") };
                vec![
                    Value::UInt(version.version),
                    version.operation.as_deref().map_or(Value::Null, Value::from),
                    Value::DateTime(version.committed_at_micros / 1000),
                    here,
                ]
            });
            (vec!["version", "operation", "committed (UTC)", "pin"], lines.collect())
        }
    };
    deliver(cx, Reply::List(tab, columns, lines)).await
}

async fn record(source: Source, id: &str, cx: &TaskContext) -> Result<(), Error> {
    let row = cx.graph()?.entity(&source.snapshot, &source.table, id, Blobs::Digested).await?;
    let Some(row) = row else { return Ok(()) };
    deliver(cx, Reply::Record(Box::new(row))).await
}

async fn row_history(table: &TableKey, id: &str, branch: &BranchName, cx: &TaskContext) -> Result<(), Error> {
    let graph = &cx.graph()?;
    let history = graph.history(cx.progress()).await?;
    let mut items = graph.row_history(table, id, branch, cx.progress());
    while let Some(item) = items.try_next().await? {
        let commit = match &item {
            RowHistoryItem::Changed(version) => &version.commit,
            RowHistoryItem::Ended { commit, .. } => commit,
        };
        let short_id = history.short_id(commit.id);
        deliver(cx, Reply::RowHistory(vec![(short_id, item)])).await?;
    }
    Ok(())
}

async fn compare(source: Source, at: At, cx: &TaskContext) -> Result<(), Error> {
    let other = opened(at, cx).await?;
    let from = other.snapshot.clone();
    deliver(cx, Reply::CompareWith(Box::new(other))).await?;
    let filter = DiffFilter { tables: vec![source.table.clone()], ..DiffFilter::default() };
    let mut items = cx.graph()?.diff(&from, &source.snapshot, filter, cx.progress());
    let mut waiting = Vec::new();
    let mut done = 0;
    while let Some(item) = items.try_next().await? {
        let DiffItem::Row(change) = item else { continue };
        if done == COMPARE_ROWS {
            deliver(cx, Reply::Compared(waiting)).await?;
            return deliver(cx, Reply::CompareCut).await;
        }
        waiting.push(*change);
        done += 1;
        if waiting.len() == BATCH {
            cx.progress().advance(done as u64, None, "differences");
            deliver(cx, Reply::Compared(std::mem::take(&mut waiting))).await?;
        }
    }
    deliver(cx, Reply::Compared(waiting)).await
}
