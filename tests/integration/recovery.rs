//! Interrupted writes: what a plan says, what recovery does, and that both agree with the reference.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;
use stratigraph_engine::clock::SystemClock;
use stratigraph_engine::recovery::{Classification, Decision};
use stratigraph_engine::{At, BranchName, Graph, OpenMode, Progress};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;

const OPERATION: &str = "01M7Y249A1EHFH4MJGAECB534F";

fn expected(name: &str) -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/load-crash.expected").join(name);
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

/// A copy of the crashed graph. Its main branch is whole in the copy; the other branch still reads the original.
fn crashed() -> Result<tempfile::TempDir> {
    let copy = tempfile::tempdir()?;
    folder::copy(&Fixture::LoadCrash.path()?, copy.path())?;
    Ok(copy)
}

async fn open(root: &Path, mode: OpenMode) -> Result<Graph> {
    Ok(Graph::open(&root.to_string_lossy(), mode).await?)
}

/// Pins of main as the expected files write them.
async fn pins(graph: &Graph) -> Result<Vec<(String, u64, u64)>> {
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    Ok(snapshot.entries.values().map(|entry| (entry.key.to_string(), entry.version.get(), entry.rows)).collect())
}

fn expected_pins() -> Result<Vec<(String, u64, u64)>> {
    let snapshot = expected("snapshot-main.json")?;
    let number = |value: &Value| value.as_u64().expect("a number");
    let pin = |table: &Value| {
        let key = table["table_key"].as_str().expect("a key").to_owned();
        (key, number(&table["table_version"]), number(&table["row_count"]))
    };
    Ok(snapshot["tables"].as_array().expect("a list").iter().map(pin).collect())
}

#[tokio::test]
async fn the_plan_says_what_opening_for_writing_would_do_and_writes_nothing() -> Result<()> {
    let copy = crashed()?;
    let before = folder::digest(copy.path())?;
    let graph = open(copy.path(), OpenMode::ReadOnly).await?;
    let pending = graph.pending().await?;
    assert_eq!(pending.migration, None);
    let [step] = &pending.recovery.steps[..] else { panic!("one sidecar: {pending:?}") };
    assert_eq!((step.id.as_str(), step.decision), (OPERATION, Decision::RollForward));
    let tables: Vec<(&str, u64, u64, Classification)> = step
        .tables
        .iter()
        .map(|table| (table.table_key.as_str(), table.pinned, table.head, table.classification))
        .collect();
    let past = Classification::RolledPastExpected;
    assert_eq!(tables, [("node:Person", 5, 6, past), ("edge:Knows", 1, 2, past)]);
    assert!(folder::digest(copy.path())? == before, "planning changed the graph");
    Ok(())
}

#[tokio::test]
async fn a_killed_load_is_recovered_as_the_reference_recovers_it() -> Result<()> {
    let copy = crashed()?;
    let graph = open(copy.path(), OpenMode::ReadOnly).await?;
    let plan = graph.recovery_plan().await?;
    let done = graph.recover(&plan, Arc::new(SystemClock::default()), &Progress::none()).await?;
    assert_eq!(done.iter().map(|one| one.decision).collect::<Vec<_>>(), [Decision::RollForward]);

    let graph = open(copy.path(), OpenMode::ReadOnly).await?;
    assert_eq!(pins(&graph).await?, expected_pins()?);
    let history = graph.history(&Progress::none()).await?;
    let commits = expected("commits-main.json")?;
    let commits = commits["commits"].as_array().expect("a list");
    let head = history.get(history.heads()[&BranchName::main()]).expect("the head is a commit");
    let last = commits.last().expect("there are commits");
    assert_eq!(head.actor.as_deref(), last["actor_id"].as_str());
    assert_eq!(head.manifest_version.get(), last["manifest_version"].as_u64().expect("a number"));
    assert_eq!(head.parent.map(|id| id.to_string()).as_deref(), last["parent_commit_id"].as_str());
    assert_eq!(history.first_parents(head.id).count(), commits.len());

    let audit = graph.audit().await?;
    let [row] = &audit[..] else { panic!("one audit row: {audit:?}") };
    assert_eq!((row.recovery_kind.as_str(), row.operation_id.as_str()), ("RolledForward", OPERATION));
    assert_eq!((row.recovery_for_actor.as_deref(), row.sidecar_writer_kind.as_str()), (Some("act-l"), "Load"));
    assert_eq!(row.graph_commit_id, head.id.to_string());
    let outcomes: Vec<(u64, u64)> = row.outcomes.iter().map(|table| (table.from_version, table.to_version)).collect();
    assert_eq!(outcomes, [(5, 6), (1, 2)]);
    assert!(graph.sidecars().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn opening_for_writing_recovers_once() -> Result<()> {
    let copy = crashed()?;
    drop(open(copy.path(), OpenMode::ReadWrite).await?);
    let graph = open(copy.path(), OpenMode::ReadWrite).await?;
    assert_eq!(pins(&graph).await?, expected_pins()?);
    assert_eq!(graph.audit().await?.len(), 1);
    let before = folder::digest(copy.path())?;
    drop(open(copy.path(), OpenMode::ReadWrite).await?);
    assert!(folder::digest(copy.path())? == before, "there was nothing left to do");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_is_out_of_date_is_refused() -> Result<()> {
    let copy = crashed()?;
    let graph = open(copy.path(), OpenMode::ReadOnly).await?;
    let plan = graph.recovery_plan().await?;
    let file = copy.path().join("__recovery").join(format!("{OPERATION}.json"));
    let text = fs::read_to_string(&file)?;
    fs::write(&file, text.replace("\"post_commit_pin\": 6", "\"post_commit_pin\": 7"))?;
    let before = folder::digest(copy.path())?;
    let error = graph.recover(&plan, Arc::new(SystemClock::default()), &Progress::none()).await.unwrap_err();
    assert!(error.to_string().contains("changed since the plan was made"), "{error}");
    assert!(folder::digest(copy.path())? == before, "nothing was done");
    Ok(())
}

#[tokio::test]
async fn a_write_that_is_not_complete_is_rolled_back_and_pin_and_head_agree() -> Result<()> {
    let copy = crashed()?;
    let file = copy.path().join("__recovery").join(format!("{OPERATION}.json"));
    let text = fs::read_to_string(&file)?;
    fs::write(&file, text.replace("\"post_commit_pin\": 6", "\"post_commit_pin\": 7"))?;
    let before = pins(&open(copy.path(), OpenMode::ReadOnly).await?).await?;
    let graph = open(copy.path(), OpenMode::ReadWrite).await?;
    let after = pins(&graph).await?;
    let rows = |pins: &[(String, u64, u64)]| pins.iter().map(|(_, _, rows)| *rows).collect::<Vec<_>>();
    assert_eq!(rows(&after), rows(&before), "the rows are those of before the write");
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    for status in graph.table_status(&snapshot).await {
        assert_eq!(status.drift(), Some(0), "{}", status.entry.key);
    }
    let audit = graph.audit().await?;
    let [row] = &audit[..] else { panic!("one audit row: {audit:?}") };
    assert_eq!(row.recovery_kind, "RolledBack");
    assert!(row.outcomes.iter().all(|table| table.from_version > table.to_version), "{row:?}");
    Ok(())
}

#[tokio::test]
async fn a_sidecar_that_cannot_be_read_blocks_writing_and_not_reading() -> Result<()> {
    for text in ["{", r#"{"schema_version": 9}"#] {
        let copy = crashed()?;
        let file = copy.path().join("__recovery").join(format!("{OPERATION}.json"));
        fs::write(&file, text)?;
        let error = open(copy.path(), OpenMode::ReadWrite).await.unwrap_err();
        assert!(error.to_string().contains(OPERATION), "{error}");
        assert_eq!(fs::read_to_string(&file)?, text, "the file is kept");
        assert!(!pins(&open(copy.path(), OpenMode::ReadOnly).await?).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_sidecar_that_is_moved_out_blocks_no_more_and_its_tables_stay_past_their_pins() -> Result<()> {
    let copy = crashed()?;
    let elsewhere = tempfile::tempdir()?;
    let (file, kept) = (format!("__recovery/{OPERATION}.json"), elsewhere.path().join("kept.json"));
    let file = copy.path().join(file);
    fs::write(&file, "{")?;
    let graph = open(copy.path(), OpenMode::ReadOnly).await?;
    graph.quarantine_sidecar(OPERATION, &kept).await?;
    assert_eq!((fs::read_to_string(&kept)?.as_str(), file.exists()), ("{", false));
    assert!(graph.sidecars().await?.is_empty() && graph.audit().await?.is_empty(), "nothing is recorded");

    let graph = open(copy.path(), OpenMode::ReadWrite).await?;
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    let status = graph.table_status(&snapshot).await;
    let drifted: Vec<String> =
        status.iter().filter(|table| table.drift() == Some(1)).map(|table| table.entry.key.to_string()).collect();
    assert_eq!(drifted, ["edge:Knows", "node:Person"]);
    Ok(())
}
