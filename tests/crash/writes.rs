//! Writes that fail at every step, and what becomes of them: all tables moved or none did, whatever is done next.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use fail::FailScenario;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::recovery::AuditRow;
use stratigraph_engine::{At, BranchName, CreateOptions, Error, Graph, OpenMode, Progress, fail as points};
use stratigraph_tests::folder;
use stratigraph_tests::reader::{GraphFiles, broken_rules};
use tokio::runtime::Runtime;

use crate::alone::alone;

const SOURCE: &str = "node Person { name: String @key  age: I32? }\nedge Knows: Person -> Person\n";
const BASE: &str = r#"{"type":"Person","data":{"name":"Ada"}} {"edge":"Knows","from":"Ada","to":"Ada","data":{"id":"base"}}
    {"type":"Person","data":{"name":"Old"}} {"edge":"Knows","from":"Old","to":"Ada","data":{"id":"old"}}"#;
/// What fails: two tables, to be moved together.
const WRITE: &str =
    r#"{"type":"Person","data":{"name":"Grace"}} {"edge":"Knows","from":"Grace","to":"Ada","data":{"id":"new"}}"#;
/// The same by statements, and a row that changes with them.
const CHANGE: &str = r#"query change() {
    update Person set { age: 1 } where name = "Ada"
    insert Person { name: "Grace" }
    insert Knows { from: "Grace" to: "Ada" }
}"#;
/// Two tables that lose rows together.
const REMOVE: &str = r#"query remove() { delete Person where name = "Old" }"#;
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

async fn mutate(graph: &Graph, branch: &BranchName, text: &str) -> Result<(), Error> {
    let (branch, actor, text) = (branch.clone(), Some("act-dana".into()), text.to_owned());
    let request = MutateRequest { branch, actor, text, name: None, params: serde_json::Map::new() };
    graph.mutate(request, &Progress::none()).await.map(drop)
}

/// The write that fails.
#[derive(Debug, Clone, Copy)]
enum Failing {
    Load,
    Change,
    Remove,
}

impl Failing {
    async fn run(self, graph: &Graph, branch: &BranchName) -> Result<(), Error> {
        match self {
            Self::Load => load(graph, branch, WRITE).await,
            Self::Change => mutate(graph, branch, CHANGE).await,
            Self::Remove => mutate(graph, branch, REMOVE).await,
        }
    }

    /// Whether a branch that shows this shows the write.
    fn is_in(self, shown: &[&str]) -> bool {
        match self {
            Self::Load | Self::Change => shown.contains(&"write"),
            Self::Remove => !shown.contains(&"old"),
        }
    }
}

/// Which nodes a branch shows, each with its edge; an error if it shows half of a write.
async fn shown(graph: &Graph, branch: &BranchName) -> Result<Vec<&'static str>> {
    let snapshot = graph.snapshot(&At::Branch(branch.clone())).await?;
    let (person, knows) = (snapshot.table("Person")?.key.clone(), snapshot.table("Knows")?.key.clone());
    let mut found = Vec::new();
    for (name, node) in [("base", "Ada"), ("old", "Old"), ("write", "Grace"), ("next", "Linus")] {
        let nodes = graph.count(&snapshot, &person, Some(&format!("id = '{node}'"))).await?;
        let edges = graph.count(&snapshot, &knows, Some(&format!("src = '{node}'"))).await?;
        ensure!(nodes == edges && nodes <= 1, "{name}: {nodes} nodes and {edges} edges");
        if nodes == 1 {
            found.push(name);
        }
    }
    let changed = graph.count(&snapshot, &person, Some("age = 1")).await?;
    ensure!(changed == 0 || found.contains(&"write"), "a row is changed and the others are not written");
    Ok(found)
}

/// After an opening for writing: pins and heads agree, nothing is pending, every version has its commit.
pub(crate) async fn settled(graph: &Graph) -> Result<()> {
    for branch in graph.branches().await? {
        let own = (!branch.name.is_main()).then(|| branch.name.clone());
        let snapshot = graph.snapshot(&At::Branch(branch.name)).await?;
        // The lineage of another branch goes on without this one.
        let statuses = graph.table_status(&snapshot).await.into_iter().filter(|status| status.entry.lineage == own);
        for status in statuses {
            ensure!(status.drift() == Some(0), "{} has drift {:?}", status.entry.key, status.drift());
        }
    }
    ensure!(graph.sidecars().await?.is_empty(), "sidecars are left");
    let history = graph.history(&Progress::none()).await?;
    ensure!(history.problems().is_empty(), "{:?}", history.problems());
    Ok(())
}

/// As [`settled`], and what is stored breaks no rule of the format.
pub(crate) async fn settled_and_conforming(graph: &Graph) -> Result<()> {
    settled(graph).await?;
    // Forks of writes that failed may be left: the next write to the table takes them away.
    let files = Box::pin(GraphFiles::read(Path::new(graph.uri()))).await?;
    let mut broken = Box::pin(broken_rules(&files)).await?;
    broken.retain(|(_, what)| !what.contains("belongs to nobody"));
    ensure!(broken.is_empty(), "{broken:#?}");
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
async fn one(failing: Failing, branch: &str, point: &str, action: &str, then: Then) -> Result<bool> {
    let scene = Scene::new(branch).await?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    fail::cfg(point, action).expect("a valid action");
    let written = failing.run(&graph, &scene.branch).await;
    fail::remove(point);
    let acknowledged = written.is_ok();
    match then {
        Then::Look => {
            let before = folder::digest(&scene.path)?;
            let seen = shown(&scene.open(OpenMode::ReadOnly).await?, &scene.branch).await?;
            ensure!(!acknowledged || failing.is_in(&seen), "an acknowledged write is not shown");
            ensure!(folder::digest(&scene.path)? == before, "looking changed the graph");
        }
        Then::Reopen => {
            drop(graph);
            let graph = scene.open(OpenMode::ReadWrite).await?;
            let seen = shown(&graph, &scene.branch).await?;
            ensure!(seen.contains(&"base") && (!acknowledged || failing.is_in(&seen)), "{seen:?}");
            settled_and_conforming(&graph).await?;
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
    settled_and_conforming(&graph).await?;
    let seen = shown(&graph, &scene.branch).await?;
    ensure!(!acknowledged || failing.is_in(&seen), "an acknowledged write is lost: {seen:?}");
    let audit = graph.audit().await?;
    ensure!(audit.len() <= 1, "{audit:?}");
    ensure!(audit.iter().all(|row| row.recovery_for_actor.as_deref() == Some("act-dana")), "{audit:?}");
    let was_written = |row: &AuditRow| row.recovery_kind == "RolledForward";
    ensure!(audit.iter().all(|row| was_written(row) == failing.is_in(&seen)), "{seen:?}, but {audit:?}");
    let before = folder::digest(&scene.path)?;
    drop(scene.open(OpenMode::ReadWrite).await?);
    ensure!(folder::digest(&scene.path)? == before, "there was something left to do");
    Ok(!acknowledged || !audit.is_empty())
}

fn matrix(failing: Failing, branches: &[&str], failures: &[(&str, String)], thens: &[Then]) -> Result<usize> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new()?;
    let mut passed = std::collections::BTreeMap::<&str, bool>::new();
    let mut runs = 0;
    for branch in branches {
        for (point, action) in failures {
            for &then in thens {
                let result = runtime.block_on(one(failing, branch, point, action, then));
                let hit =
                    result.with_context(|| format!("{failing:?}: {point} {action} on {branch}, then {then:?}"))?;
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
fn a_mutation_that_fails_anywhere_is_whole_or_gone() -> Result<()> {
    alone(|| {
        let thens = [Then::Look, Then::Reopen, Then::WriteAgain];
        let mut failures = every_point();
        assert_eq!(matrix(Failing::Change, &["main", "work"], &failures, &thens)?, 48);
        failures.extend(points::MUTATION.iter().map(|&point| (point, "return".to_owned())));
        assert_eq!(matrix(Failing::Remove, &["main", "work"], &failures, &thens)?, 54);
        Ok(())
    })
}

fn every_point() -> Vec<(&'static str, String)> {
    let mut failures: Vec<(&str, String)> = points::WRITE.iter().map(|&point| (point, "return".to_owned())).collect();
    // The second table, after the first one moved.
    failures.push((points::WRITE_BEFORE_TABLE_COMMIT, "1*off->return".to_owned()));
    failures
}

#[test]
fn a_write_that_fails_anywhere_is_whole_or_gone() -> Result<()> {
    alone(|| {
        let thens = [Then::Look, Then::Reopen, Then::WriteAgain];
        assert_eq!(matrix(Failing::Load, &["main", "work"], &every_point(), &thens)?, 48);
        Ok(())
    })
}

#[test]
fn storage_that_fails_at_any_call_leaves_a_write_whole_or_gone() -> Result<()> {
    let failures: Vec<(&str, String)> =
        [(points::STORAGE_OPEN, 12), (points::STORAGE_HEAD, 2), (points::STORAGE_LINEAGES, 3)]
            .into_iter()
            .flat_map(|(point, calls)| (0..calls).map(move |earlier| (point, format!("{earlier}*off->return"))))
            .collect();
    alone(|| {
        matrix(Failing::Load, &["main", "work"], &failures, &[Then::Reopen, Then::WriteAgain])?;
        matrix(Failing::Remove, &["main"], &failures, &[Then::Reopen]).map(drop)
    })
}
