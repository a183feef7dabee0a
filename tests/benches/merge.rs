//! Merging: what it costs must follow the change and not the table.

#![expect(clippy::print_stdout, reason = "whole merges are measured a few times, so the numbers are printed here")]

use std::io::Cursor;
use std::time::{Duration, Instant};

use criterion::Criterion;
use futures::TryStreamExt;
use stratigraph_engine::diff::{DiffFilter, Way, table_changes};
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::manifest::changes;
use stratigraph_engine::merge::{MergeDecisions, MergeOutcome};
use stratigraph_engine::storage::Storage;
use stratigraph_engine::{At, BranchName, CreateOptions, Graph, OpenMode, Progress};
use tokio::runtime::Runtime;

const SCHEMA: &str = "node Item {\n    sku: String @key\n    title: String\n    stock: I64\n    price: F64\n}\n";
const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const CHANGED: usize = 100;
const RUNS: usize = 7;

fn item(number: usize, stock: usize) -> String {
    format!(
        "{{\"type\":\"Item\",\"data\":{{\"sku\":\"item-{number:07}\",\"title\":\"lot {number}\",\"stock\":{stock},\"price\":1.5}}}}\n"
    )
}

async fn load(graph: &Graph, branch: &BranchName, records: String) {
    let input = Input { name: "items".into(), reader: Box::new(Cursor::new(records.into_bytes())) };
    let (branch, actor) = (branch.clone(), Some("bench".into()));
    let request = LoadRequest { mode: LoadMode::Merge, branch, actor, inputs: vec![input] };
    graph.load(request, &Progress::none()).await.expect("items are loaded");
}

async fn create(folder: &std::path::Path, rows: usize) -> Graph {
    let uri = folder.join("graph").to_string_lossy().into_owned();
    Graph::create(&uri, SCHEMA, &CreateOptions::default()).await.expect("a new graph");
    let graph = Graph::open(&uri, OpenMode::ReadWrite).await.expect("it opens");
    load(&graph, &BranchName::main(), (0..rows).map(|number| item(number, 0)).collect()).await;
    graph
}

/// A branch with changed and new rows beside other changes on main; the numbers spread over the table.
async fn part(graph: &Graph, rows: usize, run: usize) -> BranchName {
    let branch: BranchName = format!("run-{run}").parse().expect("a name");
    graph.create_branch(&branch, &BranchName::main()).await.expect("a branch");
    let stride = rows / CHANGED;
    let changed = (0..CHANGED).map(|at| item(at * stride + run, run + 1));
    let new = (0..CHANGED).map(|at| item(rows + run * CHANGED + at, 1));
    load(graph, &branch, changed.chain(new).collect()).await;
    let others = (0..CHANGED).map(|at| item(at * stride + stride / 2 + run, run + 1));
    load(graph, &BranchName::main(), others.collect()).await;
    branch
}

struct Times {
    plan: Duration,
    merge: Duration,
}

async fn merge(graph: &Graph, branch: &BranchName, way: Option<Way>) -> Times {
    let (main, progress) = (BranchName::main(), Progress::none());
    let start = Instant::now();
    let plan = match way {
        Some(way) => graph.merge_plan_by(branch, &main, way, &progress).await,
        None => graph.merge_plan(branch, &main, &progress).await,
    };
    let plan = plan.expect("it is planned");
    let planned = start.elapsed();
    assert_eq!((plan.outcome(), plan.conflicts().len()), (MergeOutcome::Merged, 0));
    let counts: Vec<(u64, u64)> = plan.tables().iter().map(|table| (table.appends, table.upserts)).collect();
    assert_eq!(counts, [(CHANGED as u64, CHANGED as u64)]);
    let nothing = MergeDecisions::none(branch, &main, plan.heads());
    let start = Instant::now();
    graph.merge(&plan, &nothing, Some("bench".into()), &progress).await.expect("it is merged");
    Times { plan: planned, merge: start.elapsed() }
}

/// Does something on this thread while others plan merges and compare rows, both by reading the whole of a table.
pub(crate) fn while_busy<T>(work: impl FnOnce() -> T) -> T {
    let runtime = Runtime::new().expect("a runtime starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (graph, branch) = runtime.block_on(async {
        let graph = create(folder.path(), SIZES[1]).await;
        let branch = part(&graph, SIZES[1], 0).await;
        (graph, branch)
    });
    let (merging, comparing) = (graph.clone(), graph);
    let other = branch.clone();
    let storage = Storage::connect(comparing.uri()).expect("it is there");
    let merges = runtime.spawn(async move {
        loop {
            let main = BranchName::main();
            // The end of the measurement cuts it off.
            let Ok(plan) = merging.merge_plan_by(&branch, &main, Way::Walk, &Progress::none()).await else { break };
            assert_eq!(plan.outcome(), MergeOutcome::Merged);
        }
    });
    let differences = runtime.spawn(async move {
        loop {
            let Ok(from) = comparing.snapshot(&At::Branch(BranchName::main())).await else { break };
            let Ok(to) = comparing.snapshot(&At::Branch(other.clone())).await else { break };
            let tables = changes(&from.entries, &to.entries);
            let way = Some(Way::Walk);
            let items = table_changes(&storage, tables, DiffFilter::default(), way, &Progress::none());
            let Ok(items) = items.try_collect::<Vec<_>>().await else { break };
            assert!(items.len() > CHANGED);
        }
    });
    let done = work();
    assert!(!merges.is_finished() && !differences.is_finished(), "they ran all the time");
    runtime.shutdown_background();
    done
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn sizes() {
    let mut totals = Vec::new();
    for rows in SIZES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let graph = create(folder.path(), rows).await;
        let mut times = Vec::new();
        for run in 0..RUNS {
            let branch = part(&graph, rows, run).await;
            times.push(merge(&graph, &branch, None).await);
        }
        let (plan, merged) =
            (median(times.iter().map(|it| it.plan).collect()), median(times.iter().map(|it| it.merge).collect()));
        let total = median(times.iter().map(|it| it.plan + it.merge).collect());
        totals.push(total);
        println!("merge/{rows} rows: plan {plan:.1?}, merge {merged:.1?}, both {total:.1?}, median of {RUNS}");
        if rows == SIZES[2] {
            let branch = part(&graph, rows, RUNS).await;
            let walked = merge(&graph, &branch, Some(Way::Walk)).await;
            let faster = walked.plan.as_secs_f64() / plan.as_secs_f64();
            println!("merge/{rows} rows by the ordered walk: plan {:.1?}, {faster:.0} times as long", walked.plan);
        }
    }
    let ratio = totals[2].as_secs_f64() / totals[0].as_secs_f64();
    println!("merge/1 M rows against 10 k: {ratio:.2}");
}

/// Prints the times; every merge is a different one, so none can be repeated.
pub(crate) fn merges(_: &mut Criterion) {
    if crate::is_asked("merge/") {
        Runtime::new().expect("a runtime starts").block_on(sizes());
    }
}
