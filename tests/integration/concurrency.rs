//! The table of `engine-behaviour.md` §5.7 for loads: several tasks, two handles, several processes, futures that are dropped.
//! No row is lost and no graph is wedged.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::{BranchName, ErrorKind, OpenMode, Progress};
use stratigraph_tests::graph::{TestGraph, load};
use stratigraph_tests::reader::GraphFiles;

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nnode A { x: String @key }\nnode B { x: String @key }\n\
    node C { x: String @key }\nedge Knows: Person -> Person\n";

fn person(name: &str, age: usize) -> String {
    format!(r#"{{"type":"Person","data":{{"name":"{name}","age":{age}}}}}"#)
}

fn pair(name: &str) -> String {
    format!(
        "{}\n{{\"edge\":\"Knows\",\"from\":\"{name}\",\"to\":\"{name}\",\"data\":{{\"id\":\"{name}\"}}}}",
        person(name, 1)
    )
}

/// Main is one line of commits, one for each version.
async fn one_line(made: &TestGraph, commits: usize) -> Result<()> {
    let history = made.graph.history(&Progress::none()).await?;
    let head = history.heads()[&BranchName::main()];
    ensure!(history.first_parents(head).count() == commits, "{} commits", history.first_parents(head).count());
    ensure!(history.problems().is_empty(), "{:?}", history.problems());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_different_tables_and_handles_all_succeed() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let mut tasks = Vec::new();
    for number in 0..12 {
        // Every other one through a handle of its own.
        let graph = if number % 2 == 0 { made.graph.clone() } else { made.open(OpenMode::ReadWrite).await? };
        let table = ["A", "B", "C"][number % 3];
        let record = format!(r#"{{"type":"{table}","data":{{"x":"{number}"}}}}"#);
        tasks.push(tokio::spawn(async move { load(&graph, LoadMode::Append, "main", &record).await }));
    }
    for task in tasks {
        task.await??;
    }
    let files = made.files().await?;
    for table in ["A", "B", "C"] {
        assert_eq!(files.ids("main", &format!("node:{table}")).await?.len(), 4, "{table}");
    }
    one_line(&made, 13).await
}

#[tokio::test]
async fn a_handle_that_is_behind_writes_on_top_of_what_is_there() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let (one, two) = (made.open(OpenMode::ReadWrite).await?, made.open(OpenMode::ReadWrite).await?);
    one.history(&Progress::none()).await?;
    load(&two, LoadMode::Append, "main", &person("Ada", 1)).await?;
    // Appending, replacing and overwriting: each sees the row that it did not know of.
    load(&one, LoadMode::Append, "main", &person("Grace", 1)).await?;
    load(&two, LoadMode::Merge, "main", &person("Grace", 2)).await?;
    let error = load(&one, LoadMode::Append, "main", &person("Grace", 3)).await.unwrap_err();
    assert!(error.to_string().contains("the id `Grace` is stored already"), "{error}");
    load(&one, LoadMode::Merge, "main", &person("Grace", 4)).await?;
    let files = made.files().await?;
    let ages: Vec<_> = files.rows("main", "node:Person").await?.iter().map(|row| row["age"].as_u64()).collect();
    assert_eq!(ages, [Some(1), Some(4)]);
    one_line(&made, 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_one_row_come_one_after_another_and_the_last_one_stays() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada", 99)).await?;
    let mut tasks = Vec::new();
    for age in 0..8 {
        let graph = made.open(OpenMode::ReadWrite).await?;
        tasks.push(tokio::spawn(async move {
            let version = load(&graph, LoadMode::Merge, "main", &person("Ada", age)).await?;
            anyhow::Ok((version.context("it changes something")?, age))
        }));
    }
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await??);
    }
    let (_, last) = done.iter().max().context("there were writers")?;
    let versions: BTreeSet<u64> = done.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions.len(), 8, "each has a version of its own: {done:?}");
    let files = made.files().await?;
    let rows = files.rows("main", "node:Person").await?;
    assert_eq!((rows.len(), rows[0]["age"].as_u64()), (1, Some(*last as u64)));
    one_line(&made, 10).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_future_is_dropped_is_whole_or_gone() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.branch("work", "main").await?;
    let start = std::time::Instant::now();
    made.load(LoadMode::Append, "work", &pair("first")).await?;
    let longest = start.elapsed();
    let mut acknowledged = BTreeSet::from(["first".to_owned()]);
    let mut dropped = 0;
    for number in 0..30_u32 {
        let name = format!("p{number:02}");
        let moment = longest.mul_f64(f64::from(number) / 25.0);
        match tokio::time::timeout(moment, made.load(LoadMode::Append, "work", &pair(&name))).await {
            Ok(Ok(_)) => drop(acknowledged.insert(name)),
            // One that was dropped half-way has to be rolled back, which only an opening may do.
            Ok(Err(error)) => {
                ensure!(error.to_string().contains("reopen"), "{name}: {error}");
                drop(made.open(OpenMode::ReadWrite).await?);
                made.load(LoadMode::Append, "work", &pair(&name)).await.with_context(|| name.clone())?;
                acknowledged.insert(name);
            }
            Err(_) => dropped += 1,
        }
    }
    assert!(dropped > 5, "only {dropped} futures were dropped");
    // The next write goes on, on the same handle or on a new one.
    if let Err(error) = made.load(LoadMode::Append, "work", &pair("next")).await {
        ensure!(error.to_string().contains("reopen"), "{error}");
        drop(made.open(OpenMode::ReadWrite).await?);
        made.load(LoadMode::Append, "work", &pair("next")).await?;
    }
    drop(made.open(OpenMode::ReadWrite).await?);
    let files = made.files().await?;
    let people: BTreeSet<String> = files.ids("work", "node:Person").await?.into_iter().collect();
    assert_eq!(people, files.ids("work", "edge:Knows").await?.into_iter().collect());
    assert!(people.is_superset(&acknowledged) && people.contains("next"), "{people:?} without {acknowledged:?}");
    Ok(())
}

/// This process and others, all writing and opening for writing: recovery of one must not touch what another has in flight.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_write_and_open_at_once_lose_nothing() -> Result<()> {
    const WRITERS: u32 = 3;
    const ROUNDS: u32 = 3;
    let made = TestGraph::new(SCHEMA).await?;
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut children = Vec::new();
        for number in 0..WRITERS {
            let name = format!("other{round}{number}");
            let data = made.path().with_file_name(format!("{name}.jsonl"));
            std::fs::write(&data, pair(&name))?;
            let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
            command.args(["load", &made.uri(), "--data", &data.to_string_lossy(), "--mode", "append"]);
            children.push((name, command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?));
        }
        for number in 0..4 {
            let name = format!("own{round}{number}");
            made.load(LoadMode::Append, "main", &pair(&name)).await.with_context(|| name.clone())?;
            acknowledged.insert(name);
            drop(made.open(OpenMode::ReadWrite).await?);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for (name, child) in children {
            let ended = child.wait_with_output()?;
            ensure!(ended.status.success(), "{name}: {}", String::from_utf8_lossy(&ended.stderr));
            acknowledged.insert(name);
        }
    }
    let files = GraphFiles::read(&made.path()).await?;
    let people: BTreeSet<String> = files.ids("main", "node:Person").await?.into_iter().collect();
    assert_eq!(people, acknowledged);
    assert!(files.audit.is_empty(), "nothing was interrupted: {:?}", files.audit);
    made.files().await?;
    one_line(&made, 1 + acknowledged.len()).await
}

/// Readers of every kind, in this process and another one, never see one table of a write without the other.
#[tokio::test(flavor = "multi_thread")]
async fn readers_never_see_half_of_a_write() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let root = made.path();
    let looking = made.open(OpenMode::ReadOnly).await?;
    let watcher = tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        while seen.last().is_none_or(|&rows| rows < 16) {
            let snapshot = looking.snapshot(&"main".parse()?).await?;
            let (nodes, edges) = (snapshot.table("Person")?, snapshot.table("Knows")?);
            let people = looking.count(&snapshot, &nodes.key, None).await?;
            let knows = looking.count(&snapshot, &edges.key, None).await?;
            ensure!(
                people == knows && people == nodes.rows,
                "{people} people and {knows} edges at {}",
                snapshot.version
            );
            let files = GraphFiles::read(&root).await?;
            let ids = files.ids("main", "node:Person").await?;
            ensure!(ids == files.ids("main", "edge:Knows").await?, "{ids:?}");
            seen.insert(people);
        }
        anyhow::Ok(seen)
    });
    for number in 0..16 {
        made.load(LoadMode::Append, "main", &pair(&format!("p{number:02}"))).await?;
    }
    let seen = watcher.await??;
    assert!(seen.len() > 2, "it looked while others wrote: {seen:?}");
    Ok(())
}

/// Records that are not there before something else has happened.
struct After(Option<std::sync::mpsc::Receiver<()>>, std::io::Cursor<String>);

impl std::io::Read for After {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if let Some(first) = self.0.take() {
            first.recv().map_err(std::io::Error::other)?;
        }
        self.1.read(into)
    }
}

/// A load whose records come only when `done` is told.
fn slow(mode: LoadMode, records: String) -> (LoadRequest, std::sync::mpsc::Sender<()>) {
    let (done, first) = std::sync::mpsc::channel();
    let input = Input { name: "slow".to_owned(), reader: Box::new(After(Some(first), std::io::Cursor::new(records))) };
    (LoadRequest { mode, branch: BranchName::main(), actor: None, inputs: vec![input] }, done)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwrite_does_not_replace_rows_that_came_after_it_was_asked_for() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada", 1)).await?;
    for (mode, refused) in [(LoadMode::Overwrite, true), (LoadMode::Merge, false)] {
        let (request, done) = slow(mode, person("Eve", 2));
        let graph = made.graph.clone();
        let load_slowly = tokio::spawn(async move { graph.load(request, &Progress::none()).await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        made.load(LoadMode::Merge, "main", &person("Bob", 3)).await?;
        done.send(())?;
        let outcome = load_slowly.await?;
        match outcome {
            Err(error) => ensure!(refused && error.kind() == ErrorKind::Conflict, "{mode:?}: {error}"),
            Ok(_) => ensure!(!refused, "{mode:?} replaced a row it did not know of"),
        }
        let people = made.files().await?.ids("main", "node:Person").await?;
        assert_eq!(people, if refused { vec!["Ada", "Bob"] } else { vec!["Ada", "Bob", "Eve"] });
    }
    Ok(())
}
