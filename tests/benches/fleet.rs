//! What each command costs, as one process from start to end, on graphs of many branches and commits: files opened, milliseconds.
//!
//! `fleet/` prints a table for every shape of graph. The time is the median of [`RUNS`] runs after one that is not counted, the files are
//! those of the last run.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use criterion::Criterion;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{Graph, OpenMode, Progress};
use stratigraph_tests::graph::{TestGraph, load};
use stratigraph_tests::opened::Opened;
use tokio::runtime::Runtime;

/// Branches beside main, and commits over all branches.
const SHAPES: [(usize, usize); 6] = [(1, 100), (1, 1_000), (1, 10_000), (100, 1_000), (100, 10_000), (1_000, 10_000)];
const RUNS: usize = 5;

const SCHEMA: &str = "node Person { name: String @key  age: I32? }\nnode Project { title: String @key }\n\
    edge WorksOn: Person -> Project\n";

fn person(number: usize) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"person {number}\",\"age\":{}}}}}\n", number % 90)
}

/// Writes a line of a table.
fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Makes a graph whose commits, each of one row, are spread evenly over its branches.
async fn fleet(branches: usize, commits: usize) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    let each = commits / (branches + 1);
    for number in 0..each {
        made.load(LoadMode::Append, "main", &person(number)).await?;
    }
    for of in 0..branches {
        let name = format!("agent/{of}");
        made.branch(&name, "main").await?;
        // A handle of its own, as an agent has.
        let graph = Box::pin(Graph::open(&made.uri(), OpenMode::ReadWrite)).await?;
        for number in 0..each {
            load(&graph, LoadMode::Append, &name, &person(1_000_000 * (of + 1) + number)).await?;
        }
    }
    Ok(made)
}

/// One command: what it is called in the table, and its arguments after the graph's place.
struct Asked {
    name: &'static str,
    command: &'static [&'static str],
    arguments: &'static [&'static str],
}

const ASKED: [Asked; 12] = [
    Asked { name: "read --limit 5", command: &["read"], arguments: &["Person", "--limit", "5"] },
    Asked { name: "read on a branch", command: &["read"], arguments: &["Person", "--limit", "5", "--at", "agent/0"] },
    Asked { name: "tables", command: &["tables"], arguments: &[] },
    Asked { name: "show main", command: &["show"], arguments: &["main"] },
    Asked { name: "log --branch main", command: &["log"], arguments: &["--branch", "main"] },
    Asked { name: "log --limit 20", command: &["log"], arguments: &["--limit", "20"] },
    Asked { name: "log", command: &["log"], arguments: &[] },
    Asked { name: "branches", command: &["branches"], arguments: &[] },
    Asked { name: "history of a row", command: &["history"], arguments: &["Person", "person 0"] },
    Asked { name: "merge --preview", command: &["merge"], arguments: &["agent/0", "--into", "main", "--preview"] },
    Asked { name: "branch create", command: &["branch", "create"], arguments: &["fresh"] },
    Asked { name: "branch delete", command: &["branch", "delete"], arguments: &["fresh", "--yes"] },
];

fn run(made: &TestGraph, command: &[&str], arguments: &[&str]) -> Result<Duration> {
    let start = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    process.args(command).arg(made.uri()).args(arguments).stdout(Stdio::null()).stdin(Stdio::null());
    let output = process.output()?;
    ensure!(output.status.success(), "{command:?} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Measures one command. One that makes something is followed by the one that takes it away, so each is run once a round.
fn measure(made: &TestGraph, asked: &Asked, undo: Option<&Asked>, again: Option<&Asked>) -> Result<(usize, Duration)> {
    let (mut times, mut opened) = (Vec::new(), 0);
    for round in 0..=RUNS {
        if let Some(before) = again {
            run(made, before.command, before.arguments)?;
        }
        let mut watched = Opened::watch(&made.path())?;
        let time = run(made, asked.command, asked.arguments)?;
        opened = watched.take()?.len();
        if round > 0 {
            times.push(time);
        }
        if let Some(after) = undo {
            run(made, after.command, after.arguments)?;
        }
    }
    Ok((opened, median(times)))
}

fn load_a_row(made: &TestGraph) -> Result<(usize, Duration)> {
    let file = made.path().with_extension("jsonl");
    let (mut times, mut opened) = (Vec::new(), 0);
    for round in 0..=RUNS {
        std::fs::write(&file, person(2_000_000_000 + round))?;
        let mut watched = Opened::watch(&made.path())?;
        let data = file.to_str().context("the path is text")?;
        let time = run(made, &["load"], &["--data", data, "--mode", "append"])?;
        opened = watched.take()?.len();
        if round > 0 {
            times.push(time);
        }
    }
    Ok((opened, median(times)))
}

fn print(made: &TestGraph, runtime: &Runtime, branches: usize, commits: usize) -> Result<()> {
    say(&format!("\n{branches} branches, {commits} commits\n| command | files | ms |\n|---|---|---|"))?;
    let row = |name: &str, (files, time): (usize, Duration)| {
        say(&format!("| {name} | {files} | {:.0} |", time.as_secs_f64() * 1000.0))
    };
    let [create, delete] = [&ASKED[10], &ASKED[11]];
    for asked in &ASKED[..10] {
        row(asked.name, measure(made, asked, None, None)?)?;
    }
    row(create.name, measure(made, create, Some(delete), None)?)?;
    row(delete.name, measure(made, delete, None, Some(create))?)?;
    row("load of a row", load_a_row(made)?)?;
    let (first, all) = runtime.block_on(history(made))?;
    say(&format!("History: first commits {:.0} ms, all {:.0} ms", first.as_secs_f64() * 1e3, all.as_secs_f64() * 1e3))
}

/// Time until the first commits and all commits of the whole history are there, on a handle just opened.
async fn history(made: &TestGraph) -> Result<(Duration, Duration)> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        let graph = Box::pin(made.open(OpenMode::ReadOnly)).await?;
        let mut first = None;
        let note_first = |batch: stratigraph_engine::HistoryBatch| {
            first = first.or_else(|| (!batch.commits.is_empty()).then(|| start.elapsed()));
        };
        let read = graph.stream_history(&Progress::none(), note_first).await?;
        ensure!(read.problems().is_empty());
        times.push((first.context("there are commits")?, start.elapsed()));
    }
    Ok((median(times.iter().map(|(first, _)| *first).collect()), median(times.iter().map(|(_, all)| *all).collect())))
}

/// Prints the table of every shape that is asked for.
pub(crate) fn commands(_: &mut Criterion) {
    // The graphs take minutes to write: they are made only when asked for by name.
    if !std::env::args().any(|argument| argument.starts_with("fleet")) {
        return;
    }
    let runtime = Runtime::new().expect("a runtime starts");
    for (branches, commits) in SHAPES {
        if crate::is_asked(&format!("fleet/{branches} branches, {commits} commits")) {
            let made = runtime.block_on(fleet(branches, commits)).expect("the graph is written");
            print(&made, &runtime, branches, commits).expect("the commands run");
        }
    }
}
