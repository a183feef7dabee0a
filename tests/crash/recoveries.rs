//! Recovery that fails itself: repeated, it ends as if it had not, with one audit row.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use fail::FailScenario;
use stratigraph_engine::clock::SystemClock;
use stratigraph_engine::{At, BranchName, Graph, OpenMode, Progress, fail as points};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use tokio::runtime::Runtime;

const SIDECAR: &str = "__recovery/01M7Y249A1EHFH4MJGAECB534F.json";

/// How a sidecar is changed before it is recovered.
type Change = fn(String) -> String;

/// A copy of the killed load with its sidecar changed.
fn crashed(change: impl Fn(String) -> String) -> Result<(tempfile::TempDir, PathBuf)> {
    let root = tempfile::tempdir()?;
    let path = root.path().join("g");
    folder::copy(&Fixture::LoadCrash.path()?, &path)?;
    let text = std::fs::read_to_string(path.join(SIDECAR))?;
    std::fs::write(path.join(SIDECAR), change(text))?;
    Ok((root, path))
}

async fn people(graph: &Graph) -> Result<u64> {
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    let key = snapshot.table("Person")?.key.clone();
    Ok(graph.count(&snapshot, &key, None).await?)
}

/// Opens for writing while a point fails, then again; tells the kind of the one audit row and the number of people.
async fn recovered(path: &std::path::Path, point: &str) -> Result<(String, u64)> {
    let uri = path.to_string_lossy().into_owned();
    fail::cfg(point, "return").expect("a valid action");
    let failed = Graph::open(&uri, OpenMode::ReadWrite).await;
    fail::remove(point);
    ensure!(failed.is_err(), "{point} was not passed");
    ensure!(path.join(SIDECAR).exists(), "the sidecar is gone after {point}");
    let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
    ensure!(!path.join(SIDECAR).exists(), "the sidecar is left");
    let audit = graph.audit().await?;
    ensure!(audit.len() == 1, "{audit:?}");
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    for status in graph.table_status(&snapshot).await {
        // The write to a branch that is gone is made up: its tables are main's, which nobody may restore for it.
        let is_orphan = audit[0].recovery_kind == "OrphanedBranchDiscarded";
        ensure!(is_orphan || status.drift() == Some(0), "{} has drift", status.entry.key);
    }
    ensure!(audit[0].recovery_for_actor.as_deref() == Some("act-l"), "{audit:?}");
    Ok((audit[0].recovery_kind.clone(), people(&graph).await?))
}

#[test]
fn recovery_can_be_repeated_from_every_step() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new()?;
    let forward = |text: String| text;
    let back = |text: String| text.replace("\"post_commit_pin\": 6", "\"post_commit_pin\": 7");
    let orphan = |text: String| text.replace("\"branch\": null", "\"branch\": \"gone\"");
    let cases: [(Change, &str, &str, u64); 11] = [
        (forward, points::RECOVERY_BEFORE_ROLL_FORWARD_PUBLISH, "RolledForward", 50_000),
        (forward, points::RECOVERY_BEFORE_RECORD, "RolledForward", 50_000),
        (forward, points::RECOVERY_RECORD_AUDIT, "RolledForward", 50_000),
        (forward, points::RECOVERY_SIDECAR_DELETE, "RolledForward", 50_000),
        (back, points::RECOVERY_AFTER_RESTORE, "RolledBack", 20_000),
        (back, points::RECOVERY_BEFORE_RECORD, "RolledBack", 20_000),
        (back, points::RECOVERY_SIDECAR_DELETE, "RolledBack", 20_000),
        (orphan, points::RECOVERY_ORPHAN_DISCARD_AUDIT_APPEND, "OrphanedBranchDiscarded", 20_000),
        (orphan, points::RECOVERY_SIDECAR_DELETE, "OrphanedBranchDiscarded", 20_000),
        (forward, points::RECOVERY_SIDECAR_LIST, "RolledForward", 50_000),
        (back, points::RECOVERY_SIDECAR_LIST, "RolledBack", 20_000),
    ];
    for (change, point, kind, rows) in cases {
        let (_root, path) = crashed(change)?;
        let found = runtime.block_on(recovered(&path, point)).with_context(|| format!("{kind} with {point}"))?;
        assert_eq!(found, (kind.to_owned(), rows), "{point}");
    }
    scenario.teardown();
    Ok(())
}

#[test]
fn a_plan_that_is_carried_out_in_two_attempts_audits_once() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new()?;
    let (_root, path) = crashed(|text| text)?;
    runtime.block_on(async {
        let graph = Graph::open(&path.to_string_lossy(), OpenMode::ReadOnly).await?;
        let clock = Arc::new(SystemClock::default());
        fail::cfg(points::RECOVERY_RECORD_AUDIT, "return").expect("a valid action");
        let plan = graph.recovery_plan().await?;
        graph.recover(&plan, clock.clone(), &Progress::none()).await.unwrap_err();
        fail::remove(points::RECOVERY_RECORD_AUDIT);
        // The first attempt published: what is left is another plan.
        graph.recover(&plan, clock.clone(), &Progress::none()).await.unwrap_err();
        let plan = graph.recovery_plan().await?;
        graph.recover(&plan, clock, &Progress::none()).await?;
        assert_eq!(graph.audit().await?.len(), 1);
        assert_eq!(people(&graph).await?, 50_000);
        anyhow::Ok(())
    })?;
    scenario.teardown();
    Ok(())
}
