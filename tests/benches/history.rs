//! Opening a graph whose commits lie in 2,500 one-row files, and one of 100,000 commits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, Field, Schema};
use criterion::Criterion;
use stratigraph_engine::{Graph, OpenMode, Progress};
use stratigraph_tests::writer::{GraphWriter, Publish};
use tokio::runtime::Runtime;

/// What the commits of a graph lie in: how many, and how many to a file.
type Files = [(u64, usize)];
/// Nobody ever put them together.
const SMALL: &Files = &[(2_500, 1)];
/// As they are where writers put them together every hundred versions.
const MANY: &Files = &[(99_900, 100_000), (100, 1)];

async fn write(root: &std::path::Path, files: &Files) -> anyhow::Result<()> {
    let columns = vec![Field::new("id", DataType::Utf8, false), Field::new("name", DataType::Utf8, false)];
    let schema = Arc::new(Schema::new(columns));
    let mut writer = GraphWriter::create(root, "node Person { name: String @key }", &[("node:Person", schema)]).await?;
    let version = writer.publish(&[Publish { key: "node:Person".into(), version: 2, lineage: None, rows: 0 }]).await?;
    for (commits, in_file) in files {
        writer.commits(*commits, *in_file, version, "bench").await?;
    }
    Ok(())
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
    if !crate::is_asked("history/") {
        return;
    }
    let runtime = Runtime::new().expect("a runtime starts");
    for (name, files) in [("2,500 commits in as many files", SMALL), ("100 k commits", MANY)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        runtime.block_on(write(folder.path(), files)).expect("the graph is written");
        let root = folder.path().to_string_lossy().into_owned();
        criterion.bench_function(&format!("history/open, {name}"), |bencher| {
            bencher.to_async(&runtime).iter(|| open(&root));
        });
        criterion.bench_function(&format!("history/first commits, {name}"), |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| runtime.block_on(first_commits(&root))).sum());
        });
        criterion.bench_function(&format!("history/all commits, {name}"), |bencher| {
            bencher.to_async(&runtime).iter(|| async {
                open(&root).await.history(&Progress::none()).await.expect("the history reads").commits().len()
            });
        });
    }
}
