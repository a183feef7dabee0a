//! Opening a graph whose commits lie in 2,500 one-row files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, Field, Schema};
use criterion::Criterion;
use stratigraph_engine::{Graph, OpenMode, Progress};
use stratigraph_tests::writer::{GraphWriter, Publish};
use tokio::runtime::Runtime;

const COMMITS: u64 = 2_500;

async fn write(root: &std::path::Path) -> anyhow::Result<()> {
    let columns = vec![Field::new("id", DataType::Utf8, false), Field::new("name", DataType::Utf8, false)];
    let schema = Arc::new(Schema::new(columns));
    let mut writer = GraphWriter::create(root, "node Person { name: String @key }", &[("node:Person", schema)]).await?;
    let version = writer.publish(&[Publish { key: "node:Person".into(), version: 2, lineage: None, rows: 0 }]).await?;
    writer.commits(COMMITS, version, "bench").await
}

async fn open(root: &str) -> Graph {
    Graph::open(root, OpenMode::ReadOnly).await.expect("the graph was just written")
}

/// Time until the first commits are there.
async fn first_commits(root: &str) -> Duration {
    let start = Instant::now();
    let graph = open(root).await;
    let mut first = None;
    let history = graph.stream_history(&Progress::none(), |_| first = first.or_else(|| Some(start.elapsed()))).await;
    history.expect("the history reads");
    first.expect("there are commits")
}

/// Open alone, first commits, whole history.
pub(crate) fn opening(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    runtime.block_on(write(folder.path())).expect("the graph is written");
    let root = folder.path().to_string_lossy().into_owned();
    criterion.bench_function("history/open with 2,500 commit files", |bencher| {
        bencher.to_async(&runtime).iter(|| open(&root));
    });
    criterion.bench_function("history/first commits of 2,500 files", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| runtime.block_on(first_commits(&root))).sum());
    });
    criterion.bench_function("history/all commits of 2,500 files", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            open(&root).await.history(&Progress::none()).await.expect("the history reads").commits().len()
        });
    });
}
