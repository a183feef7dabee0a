//! A branch that was deleted and made again, and the record of a write to the former one.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::recovery::Decision;
use stratigraph_engine::write::StopAt;
use stratigraph_engine::{At, Graph, OpenMode, Progress};
use stratigraph_tests::graph::{ACTOR, TestGraph, branch};
use stratigraph_tests::reader::GraphFiles;

const SCHEMA: &str = "node Person { name: String @key }\nnode Note { body: String }\n";

fn person(name: &str) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\"}}}}\n")
}

fn note(id: &str) -> String {
    format!("{{\"type\":\"Note\",\"data\":{{\"id\":\"{id}\",\"body\":\"\"}}}}\n")
}

/// A load to a branch that stops after a step; its sidecar's name.
async fn interrupt(graph: &Graph, to: &str, records: &str, stop_at: StopAt) -> Result<String> {
    let input = Input { name: "data.jsonl".to_owned(), reader: Box::new(std::io::Cursor::new(records.to_owned())) };
    let request =
        LoadRequest { mode: LoadMode::Append, branch: branch(to), actor: Some(ACTOR.into()), inputs: vec![input] };
    Box::pin(graph.rehearse_load(request, stop_at, &Progress::none())).await?.context("there were records")
}

struct Scene {
    made: TestGraph,
    /// The former branch's sidecar: its name and what it holds.
    sidecar: Option<(String, String)>,
}

impl Scene {
    async fn new() -> Result<Self> {
        let made = TestGraph::new(SCHEMA).await?;
        made.load(LoadMode::Append, "main", &(person("base") + &note("base"))).await?;
        made.branch("work", "main").await?;
        Ok(Self { made, sidecar: None })
    }

    async fn load(&self, to: &str, records: &str) -> Result<()> {
        self.made.load(LoadMode::Append, to, records).await?;
        Ok(())
    }

    /// Interrupts a write to the branch, deletes the branch and makes it again after something else was done.
    async fn again(&mut self, records: &str, stop_at: StopAt, meanwhile: &[String]) -> Result<()> {
        let id = interrupt(&self.made.graph, "work", records, stop_at).await?;
        let file = self.made.path().join(format!("__recovery/{id}.json"));
        let text = fs::read_to_string(&file)?;
        fs::remove_file(&file)?;
        self.made.graph.delete_branch(&branch("work")).await?;
        for records in meanwhile {
            self.load("main", records).await?;
        }
        self.made.branch("work", "main").await?;
        self.sidecar = Some((id, text));
        Ok(())
    }

    /// Puts the record back and opens the graph for writing: what is decided, as planned and as done.
    async fn recovered(&self) -> Result<Decision> {
        let (id, text) = self.sidecar.as_ref().context("there is one")?;
        fs::write(self.made.path().join(format!("__recovery/{id}.json")), text)?;
        let shown = self.rows().await?;
        let plan = self.made.open(OpenMode::ReadOnly).await?.recovery_plan().await?;
        let [step] = &plan.steps[..] else { anyhow::bail!("{plan:?}") };
        drop(self.made.open(OpenMode::ReadWrite).await?);
        let audit = self.made.graph.audit().await?;
        let kinds: Vec<&str> = audit.iter().map(|row| row.recovery_kind.as_str()).collect();
        let expected = if step.decision == Decision::OrphanedBranch { "OrphanedBranchDiscarded" } else { "RolledBack" };
        ensure!(kinds == [expected] && audit[0].outcomes.is_empty(), "{audit:?} for {step:?}");
        ensure!(self.rows().await? == shown, "what is shown changed");
        // Nothing stands in the way of what comes next.
        self.load("work", &(person("next") + &note("next"))).await?;
        self.made.files().await?;
        Ok(step.decision)
    }

    async fn rows(&self) -> Result<Vec<Value>> {
        let files = Box::pin(GraphFiles::read(&self.made.path())).await?;
        Ok([files.export("main").await?, files.export("work").await?].concat())
    }
}

#[tokio::test]
async fn a_pin_before_the_expected_one_says_that_the_write_was_to_another_branch() -> Result<()> {
    for stop_at in [StopAt::Armed, StopAt::FirstTable, StopAt::Applied, StopAt::Published] {
        let mut scene = Scene::new().await?;
        for name in ["a", "b"] {
            scene.load("work", &(person(name) + &note(name))).await?;
        }
        scene.again(&(person("old") + &note("old")), stop_at, &[]).await?;
        assert_eq!(scene.recovered().await?, Decision::OrphanedBranch, "{stop_at:?}");
    }
    Ok(())
}

#[tokio::test]
async fn one_pin_before_its_expected_one_disproves_the_others_that_are_past() -> Result<()> {
    let mut scene = Scene::new().await?;
    for name in ["a", "b", "c"] {
        scene.load("work", &note(name)).await?;
    }
    let meanwhile = ["x", "y", "z"].map(person);
    scene.again(&(person("old") + &note("old")), StopAt::Applied, &meanwhile).await?;
    assert_eq!(scene.recovered().await?, Decision::OrphanedBranch);
    Ok(())
}

#[tokio::test]
async fn pins_of_another_lineage_that_are_past_say_nothing_of_the_write() -> Result<()> {
    let mut scene = Scene::new().await?;
    let meanwhile = ["x", "y"].map(|name| person(name) + &note(name));
    scene.again(&(person("old") + &note("old")), StopAt::Armed, &meanwhile).await?;
    let found = scene.recovered().await?;
    assert!(matches!(found, Decision::Discard | Decision::OrphanedBranch), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_new_branch_that_got_as_far_does_not_have_the_write_for_that() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.again(&(person("old") + &note("old")), StopAt::Applied, &[]).await?;
    scene.load("work", &(person("new") + &note("new"))).await?;
    scene.load("work", &(person("newer") + &note("newer"))).await?;
    let found = scene.recovered().await?;
    assert!(matches!(found, Decision::Discard | Decision::OrphanedBranch), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_lineage_that_is_older_than_the_branch_is_left_from_the_former_one() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.again(&(person("old") + &note("old")), StopAt::Applied, &[]).await?;
    // The deletion did not get to the lineages of the tables, which no manifest names.
    for table in ["nodes/40d76f1f51639ec0", "nodes/6686fcc6d2c8f0bd"] {
        let reference = scene.made.path().join(table).join("_refs/branches/work.json");
        let mut text: Value = serde_json::from_str(&fs::read_to_string(&reference)?)?;
        let made = text["createAt"].as_u64().context("it has a time")?;
        text["createAt"] = (made - 3600).into();
        fs::write(&reference, text.to_string())?;
    }
    let found = scene.recovered().await?;
    assert!(matches!(found, Decision::Discard | Decision::OrphanedBranch), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_write_to_the_branch_that_is_there_is_settled_as_ever() -> Result<()> {
    for (stop_at, expected) in [
        (StopAt::Armed, Decision::Discard),
        (StopAt::FirstTable, Decision::RollBack),
        (StopAt::Applied, Decision::RollForward),
        (StopAt::Published, Decision::StaleAfterSuccess),
    ] {
        for first in [true, false] {
            let scene = Scene::new().await?;
            if !first {
                scene.load("work", &(person("a") + &note("a"))).await?;
            }
            interrupt(&scene.made.graph, "work", &(person("b") + &note("b")), stop_at).await?;
            let plan = scene.made.open(OpenMode::ReadOnly).await?.recovery_plan().await?;
            assert_eq!(plan.steps[0].decision, expected, "{stop_at:?}, first: {first}");
            let graph = scene.made.open(OpenMode::ReadWrite).await?;
            let work = graph.snapshot(&At::Branch(branch("work"))).await?;
            let shows = matches!(stop_at, StopAt::Applied | StopAt::Published);
            let expected = 1 + u64::from(!first) + u64::from(shows);
            assert_eq!(work.table("Person")?.rows, expected, "{stop_at:?}, first: {first}");
        }
    }
    Ok(())
}
