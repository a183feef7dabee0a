//! What each command costs, as one process from start to end, on graphs of many branches and commits: files opened, milliseconds.
//!
//! `fleet/` prints a table for every shape of graph. The time is the median of [`RUNS`] runs after one that is not counted, the files are
//! those of the last run. Writing the graphs takes minutes: those in the folder that [`KEPT`] names are kept for the next time.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use criterion::Criterion;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{CommitGraph, CreateOptions, Graph, OpenMode, Progress};
use stratigraph_tests::graph::{branch, load};
use stratigraph_tests::opened::Opened;
use tokio::runtime::Runtime;

/// Branches beside main, and commits over all branches.
const SHAPES: [(usize, usize); 6] = [(1, 100), (1, 1_000), (1, 10_000), (100, 1_000), (100, 10_000), (1_000, 10_000)];
const RUNS: usize = 5;
const PAGE_BYTES: usize = 4096;
/// Variable of the environment that names a folder for the graphs.
const KEPT: &str = "STRATIGRAPH_FLEET";

const SCHEMA: &str = "node Person { name: String @key  age: I32? }\nnode Project { title: String @key }\n\
    edge WorksOn: Person -> Project\n";

fn person(number: usize) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"person {number}\",\"age\":{}}}}}\n", number % 90)
}

/// Writes a line of a table.
fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Finds or makes the graph of a shape in a folder, and returns its place.
async fn fleet(folder: &Path, branches: usize, commits: usize) -> Result<PathBuf> {
    let root = folder.join(format!("{branches}x{commits}"));
    let whole = root.with_extension("done");
    if !whole.exists() {
        // A run that was stopped left a part of it.
        if root.exists() {
            std::fs::remove_dir_all(&root)?;
        }
        write(&root, branches, commits).await?;
        std::fs::write(whole, "")?;
    }
    Ok(root)
}

/// Makes a graph whose commits, each of one row, are spread evenly over its branches.
async fn write(root: &Path, branches: usize, commits: usize) -> Result<()> {
    let uri = root.to_string_lossy();
    Box::pin(Graph::create(&uri, SCHEMA, &CreateOptions::default())).await?;
    let main = Box::pin(Graph::open(&uri, OpenMode::ReadWrite)).await?;
    let each = commits / (branches + 1);
    for number in 0..each {
        load(&main, LoadMode::Append, "main", &person(number)).await?;
    }
    for of in 0..branches {
        let name = format!("agent/{of}");
        Box::pin(main.create_branch(&branch(&name), &branch("main"))).await?;
        // A handle of its own, as an agent has.
        let graph = Box::pin(Graph::open(&uri, OpenMode::ReadWrite)).await?;
        for number in 0..each {
            load(&graph, LoadMode::Append, &name, &person(1_000_000 * (of + 1) + number)).await?;
        }
    }
    Ok(())
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

fn run(root: &Path, command: &[&str], arguments: &[&str]) -> Result<Duration> {
    let start = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    process.args(command).arg(root).args(arguments).stdout(Stdio::null()).stdin(Stdio::null());
    let output = process.output()?;
    ensure!(output.status.success(), "{command:?} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Measures one command. One that makes something is followed by the one that takes it away, so each is run once a round.
fn measure(root: &Path, asked: &Asked, undo: Option<&Asked>, again: Option<&Asked>) -> Result<(usize, Duration)> {
    let (mut times, mut opened) = (Vec::new(), 0);
    for round in 0..=RUNS {
        if let Some(before) = again {
            run(root, before.command, before.arguments)?;
        }
        let mut watched = Opened::watch(root)?;
        let time = run(root, asked.command, asked.arguments)?;
        opened = watched.take()?.len();
        if round > 0 {
            times.push(time);
        }
        if let Some(after) = undo {
            run(root, after.command, after.arguments)?;
        }
    }
    Ok((opened, median(times)))
}

fn load_a_row(root: &Path) -> Result<(usize, Duration)> {
    let file = root.with_extension("jsonl");
    let (mut times, mut opened) = (Vec::new(), 0);
    for round in 0..=RUNS {
        // Another row than those of earlier runs on the same graph.
        let key = tempfile::NamedTempFile::new()?.path().to_string_lossy().into_owned();
        std::fs::write(&file, format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{key}\",\"age\":7}}}}\n"))?;
        let mut watched = Opened::watch(root)?;
        let data = file.to_str().context("the path is text")?;
        let time = run(root, &["load"], &["--data", data, "--mode", "append"])?;
        opened = watched.take()?.len();
        if round > 0 {
            times.push(time);
        }
    }
    Ok((opened, median(times)))
}

fn print(root: &Path, runtime: &Runtime, branches: usize, commits: usize) -> Result<()> {
    say(&format!("\n{branches} branches, {commits} commits\n| command | files | ms |\n|---|---|---|"))?;
    let row = |name: &str, (files, time): (usize, Duration)| {
        say(&format!("| {name} | {files} | {:.0} |", time.as_secs_f64() * 1000.0))
    };
    let [create, delete] = [&ASKED[10], &ASKED[11]];
    // A run that was stopped may have left the branch.
    drop(run(root, delete.command, delete.arguments));
    for asked in &ASKED[..10] {
        row(asked.name, measure(root, asked, None, None)?)?;
    }
    row(create.name, measure(root, create, Some(delete), None)?)?;
    row(delete.name, measure(root, delete, None, Some(create))?)?;
    row("load of a row", load_a_row(root)?)?;
    let (first, all, bytes) = runtime.block_on(history(root))?;
    let [first, all] = [first, all].map(|time| time.as_secs_f64() * 1e3);
    say(&format!("History: first commits {first:.0} ms, all {all:.0} ms, {bytes} B a commit"))
}

/// Bytes of one commit in memory, as copies of the history make the process grow.
fn bytes_a_commit(history: &CommitGraph) -> Result<usize> {
    let commits = history.commits().len().max(1);
    let copies = 1_000_000 / commits + 1;
    let before = resident_pages()?;
    let grown = vec![history.clone(); copies];
    let pages = resident_pages()?.saturating_sub(before);
    drop(grown);
    Ok(pages * PAGE_BYTES / copies / commits)
}

fn resident_pages() -> Result<usize> {
    let counts = std::fs::read_to_string("/proc/self/statm")?;
    Ok(counts.split_whitespace().nth(1).context("the second count")?.parse()?)
}

/// Time until the first commits and all commits of the whole history are there, on a handle just opened, and what one of them takes.
async fn history(root: &Path) -> Result<(Duration, Duration, usize)> {
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let start = Instant::now();
        let graph = Box::pin(Graph::open(&root.to_string_lossy(), OpenMode::ReadOnly)).await?;
        let mut first = None;
        let note_first = |batch: stratigraph_engine::HistoryBatch| {
            first = first.or_else(|| (!batch.commits.is_empty()).then(|| start.elapsed()));
        };
        let read = graph.stream_history(&Progress::none(), note_first).await?;
        ensure!(read.problems().is_empty());
        times.push((first.context("there are commits")?, start.elapsed()));
        // Later the process grows less, because it has memory left from before.
        if bytes == 0 {
            bytes = bytes_a_commit(&read)?;
        }
    }
    let first = median(times.iter().map(|(first, _)| *first).collect());
    let all = median(times.iter().map(|(_, all)| *all).collect());
    Ok((first, all, bytes))
}

/// Prints the table of every shape that is asked for.
pub(crate) fn commands(_: &mut Criterion) {
    // The graphs take minutes to write: they are made only when asked for by name.
    if !std::env::args().any(|argument| argument.starts_with("fleet")) {
        return;
    }
    let runtime = Runtime::new().expect("a runtime starts");
    let temporary = tempfile::tempdir().expect("a folder for the graphs");
    let folder = std::env::var_os(KEPT).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    for (branches, commits) in SHAPES {
        if crate::is_asked(&format!("fleet/{branches} branches, {commits} commits")) {
            let root = runtime.block_on(fleet(&folder, branches, commits)).expect("the graph is written");
            print(&root, &runtime, branches, commits).expect("the commands run");
        }
    }
}
