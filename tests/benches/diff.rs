//! A hundred changed rows among a million: the delta path against the ordered walk.

#![expect(clippy::print_stdout, reason = "the longest of some times is no result of criterion's")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Int64Array, RecordBatch, RecordBatchIterator, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use criterion::Criterion;
use futures::TryStreamExt;
use lance::dataset::WriteMode;
use lance::dataset::write::merge_insert::{MergeInsertBuilder, WhenMatched, WhenNotMatched};
use stratigraph_engine::diff::{DiffFilter, DiffItem, Way, table_changes};
use stratigraph_engine::manifest::changes;
use stratigraph_engine::storage::Storage;
use stratigraph_engine::{Graph, OpenMode, Progress, Snapshot};
use stratigraph_tests::writer::{GraphWriter, Publish, write};
use tokio::runtime::Runtime;

const ROWS: i64 = 1_000_000;
const CHANGED: i64 = 100;
/// How often a walk is stopped, each time a little later, and the latest.
const STOPS: u32 = 40;
const LONGEST_WAIT: Duration = Duration::from_secs(3);
const KEY: &str = "node:Person";

fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("age", DataType::Int64, true),
        Field::new("name", DataType::Utf8, false),
    ]))
}

fn people(numbers: &(impl Iterator<Item = i64> + Clone), older: i64) -> RecordBatch {
    let names = || Arc::new(numbers.clone().map(|number| Some(format!("person-{number:07}"))).collect::<StringArray>());
    let ages = Arc::new(numbers.clone().map(|number| Some(number % 90 + older)).collect::<Int64Array>());
    RecordBatch::try_new(columns(), vec![names(), ages, names()]).expect("the columns fit")
}

/// A graph with a million people, of whom a hundred all over the table get older in the last version.
async fn write_graph(root: &std::path::Path) -> anyhow::Result<()> {
    let source = "node Person { name: String @key  age: I64? }";
    let mut writer = GraphWriter::create(root, source, &[(KEY, columns())]).await?;
    let publish = |version| [Publish { key: KEY.into(), version, lineage: None, rows: ROWS.unsigned_abs() }];
    let table = write(&writer.table(KEY), people(&(0..ROWS), 0), WriteMode::Append).await?;
    let version = writer.publish(&publish(table.version().version)).await?;
    writer.commit(version, None).await?;
    let changed = people(&(0..CHANGED).map(|number| number * (ROWS / CHANGED)), 1);
    let mut merge = MergeInsertBuilder::try_new(Arc::new(table), vec!["id".into()])?;
    merge.when_matched(WhenMatched::UpdateAll).when_not_matched(WhenNotMatched::InsertAll).skip_auto_cleanup(true);
    let (table, _) = merge.try_build()?.execute_reader(RecordBatchIterator::new([Ok(changed)], columns())).await?;
    let version = writer.publish(&publish(table.version().version)).await?;
    writer.commit(version, None).await?;
    Ok(())
}

async fn count(storage: &Storage, from: &Snapshot, to: &Snapshot, way: Way) -> usize {
    let tables = changes(&from.entries, &to.entries);
    let items = table_changes(storage, tables, DiffFilter::default(), Some(way), &Progress::none());
    let rows = items.try_filter(|item| std::future::ready(matches!(item, DiffItem::Row(_))));
    rows.try_fold(0, |rows, _| std::future::ready(Ok(rows + 1))).await.expect("both versions read")
}

/// The time until the first row that differs is there.
async fn first(storage: &Storage, from: &Snapshot, to: &Snapshot, way: Way) {
    let tables = changes(&from.entries, &to.entries);
    let items = table_changes(storage, tables, DiffFilter::default(), Some(way), &Progress::none());
    let mut rows = std::pin::pin!(items.try_filter(|item| std::future::ready(matches!(item, DiffItem::Row(_)))));
    rows.try_next().await.expect("both versions read").expect("some row differs");
}

/// The longest time until a walk that is stopped at any moment is gone, dropped at its next await as the jobs of the
/// workbench are.
async fn stopped(storage: &Storage, from: &Snapshot, to: &Snapshot) -> Duration {
    let start = Instant::now();
    count(storage, from, to, Way::Walk).await;
    // A walk takes seconds or half of one, by the build: well before its end, and not for minutes in all.
    let between = (start.elapsed() * 3 / 4).min(LONGEST_WAIT) / STOPS;
    let mut longest = Duration::ZERO;
    for round in 1..=STOPS {
        let (storage, from, to) = (storage.clone(), from.clone(), to.clone());
        let job = tokio::spawn(async move { count(&storage, &from, &to, Way::Walk).await });
        tokio::time::sleep(between * round).await;
        let start = Instant::now();
        job.abort();
        assert!(job.await.is_err_and(|error| error.is_cancelled()), "it was at work");
        longest = longest.max(start.elapsed());
    }
    longest
}

/// Both ways over the same two snapshots.
pub(crate) fn changed_rows(criterion: &mut Criterion) {
    if !crate::is_asked("diff/") {
        return;
    }
    let runtime = Runtime::new().expect("a runtime starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    runtime.block_on(write_graph(folder.path())).expect("the graph is written");
    let root = folder.path().to_string_lossy().into_owned();
    let storage = Storage::connect(&root).expect("the folder is there");
    let graph = runtime.block_on(Graph::open(&root, OpenMode::ReadOnly)).expect("it is a graph");
    let at = |text: &str| runtime.block_on(graph.snapshot(&text.parse().expect("a position"))).expect("it exists");
    let (from, to) = (at("v4"), at("v5"));
    for (name, way) in [("delta", Way::Delta), ("ordered walk", Way::Walk)] {
        assert_eq!(runtime.block_on(count(&storage, &from, &to, way)), usize::try_from(CHANGED).expect("small"));
        criterion.bench_function(&format!("diff/100 of 1 M rows, {name}"), |bencher| {
            bencher.to_async(&runtime).iter(|| count(&storage, &from, &to, way));
        });
        criterion.bench_function(&format!("diff/first of 100 among 1 M rows, {name}"), |bencher| {
            bencher.to_async(&runtime).iter(|| first(&storage, &from, &to, way));
        });
    }
    let longest = runtime.block_on(stopped(&storage, &from, &to));
    println!("diff/an ordered walk stopped at {STOPS} moments: gone after {longest:.1?} at most");
}
