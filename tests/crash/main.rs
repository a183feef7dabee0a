//! Storage that fails: at every fail point, in every operation, the answer is one clear error and nothing is written.

mod alone;
mod control;
mod creation;
mod deferred;
mod drift;
mod killed;
mod leftovers;
mod merges;
mod migration;
mod model;
mod recoveries;
mod small;
mod tidy;
mod writes;

use std::collections::BTreeSet;

use anyhow::Result;
use fail::FailScenario;
use stratigraph_engine::{At, BranchName, Error, ErrorKind, Graph, HistoryProblem, OpenMode, Progress, fail as points};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder::digest;

async fn open() -> Result<Graph, Error> {
    let path = Fixture::LoadCrash.path().expect("the fixture unpacks");
    Graph::open(&path.to_string_lossy(), OpenMode::ReadOnly).await
}

fn injected(error: &Error, point: &str) -> bool {
    error.kind() == ErrorKind::Unavailable && error.to_string() == format!("injected failpoint triggered: {point}")
}

/// Everything that can be asked of an opened graph, each with its name.
async fn ask(graph: &Graph) -> Vec<(&'static str, Result<(), Error>)> {
    let head = At::Branch(BranchName::main());
    let snapshot = graph.snapshot(&head).await;
    let mut answers = vec![
        ("history", graph.history(&Progress::none()).await.map(drop)),
        ("branches", graph.branches().await.map(drop)),
        ("heads", graph.head_versions().await.map(drop)),
        ("sidecars", graph.sidecars().await.map(drop)),
        ("audit", graph.audit().await.map(drop)),
    ];
    if let Ok(snapshot) = &snapshot {
        for entry in snapshot.entries.values() {
            answers.push(("versions", graph.table_versions(entry, 10).await.map(drop)));
            answers.push(("schema", graph.table_schema(entry).await.map(drop)));
        }
        for status in graph.table_status(snapshot).await {
            answers.push(("status", status.head.map(drop)));
        }
    }
    answers.push(("snapshot", snapshot.map(drop)));
    answers
}

#[test]
fn every_failure_of_storage_is_one_clear_error_and_nothing_is_written() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = tokio::runtime::Runtime::new()?;
    let path = Fixture::LoadCrash.path()?;
    let before = digest(&path)?;
    let mut seen = BTreeSet::new();
    for point in points::STORAGE {
        let graph = runtime.block_on(open())?;
        fail::cfg(point, "return").expect("a valid action");
        for (name, answer) in runtime.block_on(ask(&graph)) {
            if let Err(error) = answer {
                assert!(injected(&error, point), "{name} at {point}: {error}");
                seen.insert(point);
            }
        }
        if let Err(error) = runtime.block_on(open()) {
            assert!(injected(&error, point), "open at {point}: {error}");
            seen.insert(point);
        }
        fail::remove(point);
        // The failure is over: the same handle answers everything.
        for (name, answer) in runtime.block_on(ask(&graph)) {
            answer.map_err(|error| anyhow::anyhow!("{name} after {point}: {error}"))?;
        }
    }
    assert_eq!(seen, points::STORAGE.into(), "a fail point that no operation passes proves nothing");
    assert!(digest(&path)? == before, "the graph changed");
    scenario.teardown();
    Ok(())
}

#[test]
fn a_history_whose_commits_fail_to_open_is_reported_not_fatal() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = tokio::runtime::Runtime::new()?;
    let graph = runtime.block_on(open())?;
    // The list of branches is read; after it, every table fails to open.
    fail::cfg(points::STORAGE_OPEN, "return").expect("a valid action");
    let history = runtime.block_on(graph.history(&Progress::none()))?;
    assert!(history.commits().is_empty());
    let unreadable = |problem: &HistoryProblem| matches!(problem, HistoryProblem::UnreadableBranch { .. });
    assert!(history.problems().iter().any(unreadable), "{:?}", history.problems());
    scenario.teardown();
    Ok(())
}
