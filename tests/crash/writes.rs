//! Writes that fail at every step, and what becomes of them: all tables moved or none did, whatever is done next.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use fail::FailScenario;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::{At, BranchName, CreateOptions, Error, Graph, OpenMode, Progress, fail as points};
use stratigraph_tests::folder;
use tokio::runtime::Runtime;

const SOURCE: &str = "node Person { name: String @key }\nedge Knows: Person -> Person\n";
const BASE: &str =
    r#"{"type":"Person","data":{"name":"Ada"}} {"edge":"Knows","from":"Ada","to":"Ada","data":{"id":"base"}}"#;
/// What fails: two tables, to be moved together.
const WRITE: &str =
    r#"{"type":"Person","data":{"name":"Grace"}} {"edge":"Knows","from":"Grace","to":"Ada","data":{"id":"new"}}"#;
const NEXT: &str =
    r#"{"type":"Person","data":{"name":"Linus"}} {"edge":"Knows","from":"Linus","to":"Ada","data":{"id":"next"}}"#;

/// A graph with a branch, in a folder of its own.
struct Scene {
    _root: tempfile::TempDir,
    path: PathBuf,
    branch: BranchName,
}

impl Scene {
    async fn new(branch: &str) -> Result<Self> {
        let root = tempfile::tempdir()?;
        let path = root.path().join("g");
        Graph::create(&path.to_string_lossy(), SOURCE, &CreateOptions::default()).await?;
        let scene = Self { _root: root, path, branch: branch.parse()? };
        let graph = scene.open(OpenMode::ReadWrite).await?;
        load(&graph, &BranchName::main(), BASE).await?;
        if !scene.branch.is_main() {
            graph.create_branch(&scene.branch, &BranchName::main()).await?;
        }
        Ok(scene)
    }

    async fn open(&self, mode: OpenMode) -> Result<Graph, Error> {
        Graph::open(&self.path.to_string_lossy(), mode).await
    }
}

async fn load(graph: &Graph, branch: &BranchName, text: &'static str) -> Result<(), Error> {
    let input = Input { name: "test".to_owned(), reader: Box::new(text.as_bytes()) };
    let actor = Some("act-dana".into());
    let request = LoadRequest { mode: LoadMode::Append, branch: branch.clone(), actor, inputs: vec![input] };
    graph.load(request, &Progress::none()).await.map(drop)
}

/// Which of the three loads a branch shows; an error if it shows half of one.
async fn shown(graph: &Graph, branch: &BranchName) -> Result<Vec<&'static str>> {
    let snapshot = graph.snapshot(&At::Branch(branch.clone())).await?;
    let (person, knows) = (snapshot.table("Person")?.key.clone(), snapshot.table("Knows")?.key.clone());
    let mut found = Vec::new();
    for (name, node, edge) in [("base", "Ada", "base"), ("write", "Grace", "new"), ("next", "Linus", "next")] {
        let nodes = graph.count(&snapshot, &person, Some(&format!("id = '{node}'"))).await?;
        let edges = graph.count(&snapshot, &knows, Some(&format!("id = '{edge}'"))).await?;
        ensure!(nodes == edges && nodes <= 1, "{name}: {nodes} nodes and {edges} edges");
        if nodes == 1 {
            found.push(name);
        }
    }
    Ok(found)
}

/// After an opening for writing: pins and heads agree, nothing is pending, every version has its commit.
async fn settled(graph: &Graph) -> Result<()> {
    for branch in graph.branches().await? {
        let snapshot = graph.snapshot(&At::Branch(branch.name)).await?;
        for status in graph.table_status(&snapshot).await {
            ensure!(status.drift() == Some(0), "{} has drift {:?}", status.entry.key, status.drift());
        }
    }
    ensure!(graph.sidecars().await?.is_empty(), "sidecars are left");
    let history = graph.history(&Progress::none()).await?;
    ensure!(history.problems().is_empty(), "{:?}", history.problems());
    Ok(())
}

/// What is done after the failure.
#[derive(Debug, Clone, Copy)]
enum Then {
    Look,
    Reopen,
    WriteAgain,
}

/// One failure and what follows. Tells whether the point was passed.
async fn one(branch: &str, point: &str, action: &str, then: Then) -> Result<bool> {
    let scene = Scene::new(branch).await?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    fail::cfg(point, action).expect("a valid action");
    let written = load(&graph, &scene.branch, WRITE).await;
    fail::remove(point);
    let acknowledged = written.is_ok();
    match then {
        Then::Look => {
            let before = folder::digest(&scene.path)?;
            let seen = shown(&scene.open(OpenMode::ReadOnly).await?, &scene.branch).await?;
            ensure!(!acknowledged || seen.contains(&"write"), "an acknowledged write is not shown");
            ensure!(folder::digest(&scene.path)? == before, "looking changed the graph");
        }
        Then::Reopen => {
            drop(graph);
            let graph = scene.open(OpenMode::ReadWrite).await?;
            let seen = shown(&graph, &scene.branch).await?;
            ensure!(seen.contains(&"base") && (!acknowledged || seen.contains(&"write")), "{seen:?}");
            settled(&graph).await?;
        }
        Then::WriteAgain => {
            let again = load(&graph, &scene.branch, NEXT).await;
            let seen = shown(&graph, &scene.branch).await?;
            ensure!(again.is_ok() == seen.contains(&"next"), "{again:?} but {seen:?}");
            if let Err(error) = again {
                ensure!(error.to_string().contains("reopen"), "{error}");
                drop(graph);
                let graph = scene.open(OpenMode::ReadWrite).await?;
                load(&graph, &scene.branch, NEXT).await.context("after reopening")?;
            }
        }
    }
    // Whatever was done: opening once more ends with a settled graph, and opening again changes nothing.
    let graph = scene.open(OpenMode::ReadWrite).await?;
    settled(&graph).await?;
    let seen = shown(&graph, &scene.branch).await?;
    ensure!(!acknowledged || seen.contains(&"write"), "an acknowledged write is lost: {seen:?}");
    let audit = graph.audit().await?;
    ensure!(audit.len() <= 1, "{audit:?}");
    ensure!(audit.iter().all(|row| row.recovery_for_actor.as_deref() == Some("act-dana")), "{audit:?}");
    let before = folder::digest(&scene.path)?;
    drop(scene.open(OpenMode::ReadWrite).await?);
    ensure!(folder::digest(&scene.path)? == before, "there was something left to do");
    Ok(!acknowledged || !audit.is_empty())
}

fn matrix(branches: &[&str], failures: &[(&str, String)], thens: &[Then]) -> Result<usize> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new()?;
    let mut passed = std::collections::BTreeMap::<&str, bool>::new();
    let mut runs = 0;
    for branch in branches {
        for (point, action) in failures {
            for &then in thens {
                let result = runtime.block_on(one(branch, point, action, then));
                let hit = result.with_context(|| format!("{point} {action} on {branch}, then {then:?}"))?;
                *passed.entry(point).or_default() |= hit;
                runs += 1;
            }
        }
    }
    scenario.teardown();
    let never: Vec<&str> = passed.into_iter().filter(|(_, hit)| !hit).map(|(point, _)| point).collect();
    ensure!(never.is_empty(), "points that no write passes prove nothing: {never:?}");
    Ok(runs)
}

#[test]
fn a_write_that_fails_anywhere_is_whole_or_gone() -> Result<()> {
    let mut failures: Vec<(&str, String)> = points::WRITE.iter().map(|&point| (point, "return".to_owned())).collect();
    // The second table, after the first one moved.
    failures.push((points::WRITE_BEFORE_TABLE_COMMIT, "1*off->return".to_owned()));
    assert_eq!(matrix(&["main", "work"], &failures, &[Then::Look, Then::Reopen, Then::WriteAgain])?, 48);
    Ok(())
}

#[test]
fn storage_that_fails_at_any_call_leaves_a_write_whole_or_gone() -> Result<()> {
    let failures: Vec<(&str, String)> =
        [(points::STORAGE_OPEN, 12), (points::STORAGE_HEAD, 2), (points::STORAGE_LINEAGES, 3)]
            .into_iter()
            .flat_map(|(point, calls)| (0..calls).map(move |earlier| (point, format!("{earlier}*off->return"))))
            .collect();
    matrix(&["main", "work"], &failures, &[Then::Reopen, Then::WriteAgain]).map(drop)
}
