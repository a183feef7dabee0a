//! Loads in processes of their own that are killed at random moments.

mod merges;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use stratigraph_engine::{At, BranchName, CreateOptions, Graph, OpenMode, Progress};
use stratigraph_tests::folder;
use tokio::runtime::Runtime;

use crate::alone::alone;

const SOURCE: &str = "node Person { name: String @key }\nedge Knows: Person -> Person\n";
/// Kills of one run, unless the variable says otherwise.
const KILLS: u32 = 20;
const KILLS_VARIABLE: &str = "STRATIGRAPH_KILLS";

/// Writes a file with one person and one edge.
fn write_records(graph: &Path, number: u32) -> Result<PathBuf> {
    let data = graph.with_file_name(format!("{number}.jsonl"));
    let person = format!(r#"{{"type":"Person","data":{{"name":"p{number:04}"}}}}"#);
    let edge =
        format!(r#"{{"edge":"Knows","from":"p{number:04}","to":"p{number:04}","data":{{"id":"e{number:04}"}}}}"#);
    std::fs::write(&data, format!("{person}\n{edge}\n"))?;
    Ok(data)
}

/// Starts a load of one person and one edge.
fn load(graph: &Path, number: u32) -> Result<Child> {
    let data = write_records(graph, number)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    command.arg("load").arg(graph).arg("--data").arg(&data).args(["--mode", "append", "--actor", "act-dana"]);
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
}

/// Kills a process at a random moment of its life, or of the time in which a sidecar is there: of a write that is at work, or of one
/// that is being recovered. `life` is how long it takes if nobody kills it.
fn kill(mut child: Child, graph: &Path, life: Duration, seed: &mut u64) -> Result<Output> {
    let part = |seed: &mut u64| -> Result<f64> { Ok(f64::from(u32::try_from(random(seed) % 1000)?) / 1000.0) };
    let moment = if random(seed).is_multiple_of(2) {
        // Writes get slower while there is something to recover: the moments reach past the end of an undisturbed one.
        life.mul_f64(0.4 + 1.4 * part(seed)?)
    } else {
        while !has_sidecar(graph) && child.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        life.mul_f64(part(seed)?.powi(2))
    };
    std::thread::sleep(moment.max(Duration::from_micros(100)));
    child.kill()?;
    Ok(child.wait_with_output()?)
}

fn has_sidecar(graph: &Path) -> bool {
    let files = std::fs::read_dir(graph.join("__recovery")).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.path().extension().is_some_and(|extension| extension == "json"))
}

/// Different in each run: where the kills fall is not to be the same ones always.
pub(crate) fn new_seed() -> u64 {
    u64::from(std::process::id()) << 20
        | u64::from(std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.subsec_nanos()) | 1)
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

async fn ids(graph: &Graph, table: &str) -> Result<Vec<String>> {
    ids_at(graph, &At::Branch(BranchName::main()), table).await
}

async fn ids_at(graph: &Graph, at: &At, table: &str) -> Result<Vec<String>> {
    use futures::TryStreamExt;
    let snapshot = graph.snapshot(at).await?;
    let key = snapshot.table(table)?.key.clone();
    let mut batches = graph.read(&snapshot, &key, &stratigraph_engine::ReadOptions::default()).await?;
    let mut found = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let ids = arrow::array::AsArray::as_string::<i32>(&batch["id"]).clone();
        found.extend(ids.iter().flatten().map(|id| id[1..].to_owned()));
    }
    Ok(found)
}

#[test]
#[expect(clippy::print_stderr, reason = "the seed and the summary of the run, for whoever asks for the output")]
fn killed_loads_are_whole_or_gone_and_acknowledged_ones_are_there() -> Result<()> {
    alone(|| {
        // Fail points are of the whole process: nothing of this one may fail.
        let _scenario = fail::FailScenario::setup();
        let kills = std::env::var(KILLS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
        let mut seed = new_seed();
        eprintln!("seed {seed}");
        let root = tempfile::tempdir()?;
        let path = root.path().join("g");
        let runtime = Runtime::new()?;
        runtime.block_on(Graph::create(&path.to_string_lossy(), SOURCE, &CreateOptions::default()))?;

        let start = Instant::now();
        let whole = load(&path, 0)?.wait_with_output()?;
        ensure!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
        let life = start.elapsed();
        let mut acknowledged = vec!["0000".to_owned()];
        let mut interrupted = 0;
        for number in 1..=kills {
            let ended = kill(load(&path, number)?, &path, life, &mut seed)?;
            if ended.status.success() {
                acknowledged.push(format!("{number:04}"));
            } else {
                interrupted += 1;
            }
        }
        ensure!(interrupted > 0, "every load was faster than its kill");

        runtime.block_on(async {
            let graph = Graph::open(&path.to_string_lossy(), OpenMode::ReadWrite).await?;
            let (people, edges) = (ids(&graph, "Person").await?, ids(&graph, "Knows").await?);
            ensure!(people == edges, "half a load: {people:?} and {edges:?}");
            ensure!(acknowledged.iter().all(|id| people.contains(id)), "lost: {acknowledged:?} of {people:?}");
            let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
            for status in graph.table_status(&snapshot).await {
                ensure!(status.drift() == Some(0), "{} has drift", status.entry.key);
            }
            ensure!(graph.history(&Progress::none()).await?.problems().is_empty());
            let audit = graph.audit().await?;
            ensure!(audit.len() <= interrupted, "{} recoveries of {interrupted} kills", audit.len());
            eprintln!(
                "{kills} kills: {} acknowledged, {interrupted} interrupted, {} recovered, {} loads are there",
                acknowledged.len(),
                audit.len(),
                people.len()
            );
            let before = folder::digest(&path)?;
            drop(Graph::open(&path.to_string_lossy(), OpenMode::ReadWrite).await?);
            ensure!(folder::digest(&path)? == before, "a second recovery did something");
            Ok(())
        })
    })
}

#[test]
fn processes_that_load_at_once_all_succeed() -> Result<()> {
    alone(|| {
        const PROCESSES: u32 = 4;
        let _scenario = fail::FailScenario::setup();
        let root = tempfile::tempdir()?;
        let path = root.path().join("g");
        let runtime = Runtime::new()?;
        runtime.block_on(Graph::create(&path.to_string_lossy(), SOURCE, &CreateOptions::default()))?;
        for round in 0..3 {
            let children =
                (0..PROCESSES).map(|number| load(&path, round * PROCESSES + number)).collect::<Result<Vec<_>>>()?;
            for child in children {
                let ended = child.wait_with_output()?;
                ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            }
        }
        runtime.block_on(async {
            let graph = Graph::open(&path.to_string_lossy(), OpenMode::ReadWrite).await?;
            let (people, edges) = (ids(&graph, "Person").await?, ids(&graph, "Knows").await?);
            ensure!(people == edges && people.len() == 12, "{people:?} and {edges:?}");
            let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
            for status in graph.table_status(&snapshot).await {
                ensure!(status.drift() == Some(0), "{} has drift", status.entry.key);
            }
            Ok(())
        })
    })
}
