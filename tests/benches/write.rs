//! Many small commits: what a write costs must not grow with the number of writes before it.

#![expect(clippy::print_stdout, reason = "a thousand commits are measured once, so the numbers are printed here")]

use std::io::Cursor;
use std::time::{Duration, Instant};

use criterion::Criterion;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::{BranchName, CreateOptions, Graph, OpenMode, Progress};
use tokio::runtime::Runtime;

const COMMITS: usize = 1_000;
const ACTORS: usize = 8;

/// Eight tables without keys and one with a key.
fn schema() -> String {
    let unkeyed = (0..ACTORS).map(|table| format!("node Event{table} {{\n    text: String\n}}\n"));
    unkeyed.chain(["node Person {\n    name: String @key\n}\n".to_owned()]).collect()
}

async fn create(folder: &std::path::Path) -> Graph {
    let uri = folder.join("graph").to_string_lossy().into_owned();
    Graph::create(&uri, &schema(), &CreateOptions::default()).await.expect("a new graph");
    Graph::open(&uri, OpenMode::ReadWrite).await.expect("it opens")
}

async fn write_row(graph: &Graph, record: String) {
    let input = Input { name: "row".into(), reader: Box::new(Cursor::new(record.into_bytes())) };
    let request = LoadRequest {
        mode: LoadMode::Append,
        branch: BranchName::main(),
        actor: Some("bench".into()),
        inputs: vec![input],
    };
    let loaded = graph.load(request, &Progress::none()).await.expect("a row is written");
    assert!(loaded.written.is_some());
}

fn event(table: usize, number: usize) -> String {
    format!("{{\"type\":\"Event{table}\",\"data\":{{\"text\":\"number {number}\"}}}}")
}

fn person(number: usize) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"person {number}\"}}}}")
}

/// Commits on a graph of their own before any are measured: after a pause the disk is slow, which would hide what grows.
async fn warm_up(record: &impl Fn(usize) -> String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let graph = create(folder.path()).await;
    for number in 0..COMMITS / 4 {
        write_row(&graph, record(number)).await;
    }
}

/// One actor after the other row; the time of each hundred.
async fn one_actor(record: impl Fn(usize) -> String) -> Vec<Duration> {
    warm_up(&record).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let graph = create(folder.path()).await;
    let mut hundreds = Vec::new();
    for hundred in 0..COMMITS / 100 {
        let start = Instant::now();
        for number in 0..100 {
            write_row(&graph, record(hundred * 100 + number)).await;
        }
        hundreds.push(start.elapsed());
    }
    hundreds
}

/// Eight actors at once, each on the table it is given.
async fn eight_actors(table: impl Fn(usize) -> usize) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let graph = create(folder.path()).await;
    let start = Instant::now();
    let actors = (0..ACTORS).map(|actor| {
        let (graph, table) = (graph.clone(), table(actor));
        tokio::spawn(async move {
            for number in 0..COMMITS / 10 / ACTORS {
                write_row(&graph, event(table, number)).await;
            }
        })
    });
    for actor in actors.collect::<Vec<_>>() {
        actor.await.expect("every write succeeds");
    }
    start.elapsed()
}

/// Mean times of opening a graph of some commits and no interrupted writes, for reading and for writing.
async fn opening() -> [Duration; 2] {
    const OPENINGS: u32 = 200;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let graph = create(folder.path()).await;
    for number in 0..COMMITS / 10 {
        write_row(&graph, person(number)).await;
    }
    drop(graph);
    let uri = folder.path().join("graph").to_string_lossy().into_owned();
    let mut times = [Duration::ZERO; 2];
    for _ in 0..OPENINGS {
        for (time, mode) in times.iter_mut().zip([OpenMode::ReadOnly, OpenMode::ReadWrite]) {
            let start = Instant::now();
            Graph::open(&uri, mode).await.expect("it opens");
            *time += start.elapsed();
        }
    }
    times.map(|time| time / OPENINGS)
}

fn report(name: &str, hundreds: &[Duration]) {
    let (first, last) = (hundreds[0].as_secs_f64(), hundreds[hundreds.len() - 1].as_secs_f64());
    let total: Duration = hundreds.iter().sum();
    println!(
        "{name}: first hundred {first:.2} s, last hundred {last:.2} s, ratio {:.2}, {:.1} commits/s",
        last / first,
        COMMITS as f64 / total.as_secs_f64()
    );
}

/// Prints the times; a thousand commits are measured once.
pub(crate) fn commits(_: &mut Criterion) {
    const UNKEYED: &str = "write/one actor, rows without a key";
    const KEYED: &str = "write/one actor, rows with a key";
    const EIGHT_TABLES: &str = "write/8 actors on 8 tables";
    const ONE_TABLE: &str = "write/8 actors on one table";
    const OPENING: &str = "write/opening";
    let runtime = Runtime::new().expect("a runtime starts");
    if crate::is_asked(UNKEYED) {
        report(UNKEYED, &runtime.block_on(one_actor(|number| event(0, number))));
    }
    if crate::is_asked(KEYED) {
        report(KEYED, &runtime.block_on(one_actor(person)));
    }
    let rate = |time: Duration| (COMMITS / 10 / ACTORS * ACTORS) as f64 / time.as_secs_f64();
    if crate::is_asked(EIGHT_TABLES) {
        println!("{EIGHT_TABLES}: {:.1} commits/s", rate(runtime.block_on(eight_actors(|actor| actor))));
    }
    if crate::is_asked(ONE_TABLE) {
        println!("{ONE_TABLE}: {:.1} commits/s", rate(runtime.block_on(eight_actors(|_| 0))));
    }
    if crate::is_asked(OPENING) {
        let [reading, writing] = runtime.block_on(opening());
        let ratio = writing.as_secs_f64() / reading.as_secs_f64();
        println!("{OPENING}: {reading:.1?} for reading, {writing:.1?} for writing, ratio {ratio:.2}");
    }
}
