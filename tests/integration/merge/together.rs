//! Merges beside writes and beside other merges (M-09, M-10): nothing is lost, and what is refused succeeds when tried again.

use anyhow::{Result, ensure};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::{MergeError, MergeOutcome};
use stratigraph_engine::{Error, ErrorKind, Graph, OpenMode, Progress};
use stratigraph_tests::graph::{TestGraph, branch, load};

use super::{column, is_up_to_date, merge, person, put, text};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nnode Note {\n  title: String @key\n}\nedge Knows: Person -> Person\n";

async fn people(branches: &[&str]) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &person("Ada", 1)).await?;
    for name in branches {
        made.branch(name, "main").await?;
        put(&made, name, &(person(name, 1) + &edge(name))).await?;
    }
    Ok(made)
}

fn edge(name: &str) -> String {
    format!("{{\"edge\":\"Knows\",\"from\":\"{name}\",\"to\":\"Ada\",\"data\":{{\"id\":\"{name}\"}}}}\n")
}

async fn names(made: &TestGraph, of: &str) -> Result<Vec<String>> {
    let files = made.files().await?;
    let people = column(&files, of, "node:Person", "age").await?;
    let edges = files.ids(of, "edge:Knows").await?;
    let names: Vec<String> = people.into_iter().map(|(name, _)| name).collect();
    ensure!(edges.iter().all(|edge| names.contains(edge)), "each edge came with its node");
    Ok(names)
}

/// Merges, again and again as long as somebody else came first.
async fn merge_at_last(graph: &Graph, source: &str, target: &str) -> Result<u32> {
    for refused in 0..50 {
        match merge(graph, source, target).await {
            Ok(_) => return Ok(refused),
            Err(error) => ensure!(error.kind() == ErrorKind::Conflict, "{error}"),
        }
    }
    anyhow::bail!("{source} into {target} never came first")
}

/// One history without a gap: each version of the branch has a commit on top of the one before.
async fn one_line(made: &TestGraph, of: &str, merges: usize) -> Result<()> {
    let history = made.graph.history(&Progress::none()).await?;
    ensure!(history.problems().is_empty(), "{:?}", history.problems());
    let head = history.heads()[&branch(of)];
    let found = history.first_parents(head).filter(|commit| commit.merged_parent.is_some()).count();
    ensure!(found == merges, "{found} merges");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_and_loads_into_its_target_both_come_through() -> Result<()> {
    for other_handle in [false, true] {
        let (mut refused, mut clean) = (0, 0);
        for round in 0..3 {
            let made = people(&["work"]).await?;
            let loader = if other_handle { made.open(OpenMode::ReadWrite).await? } else { made.graph.clone() };
            let start = std::sync::Arc::new(tokio::sync::Barrier::new(2));
            let waiting = start.clone();
            let loads = tokio::spawn(async move {
                waiting.wait().await;
                for number in 0..3 {
                    // A little later in each round, so that it meets the merge at another step.
                    tokio::time::sleep(std::time::Duration::from_millis(round * 40)).await;
                    let name = format!("new{number}");
                    load(&loader, LoadMode::Append, "main", &(person(&name, 2) + &edge(&name))).await?;
                }
                Ok::<_, Error>(())
            });
            start.wait().await;
            match merge(&made.graph, "work", "main").await {
                Ok(merged) => {
                    clean += 1;
                    assert!(matches!(merged.outcome, MergeOutcome::Merged | MergeOutcome::FastForward));
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                    assert!(matches!(error, Error::Merge(MergeError::Moved { .. })), "{error}");
                }
            }
            loads.await??;
            merge_at_last(&made.graph, "work", "main").await?;
            assert_eq!(names(&made, "main").await?, ["Ada", "new0", "new1", "new2", "work"], "no row is lost");
            one_line(&made, "main", 1).await?;
            is_up_to_date(&made, "work", "main").await?;
        }
        assert_eq!(refused + clean, 3);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_to_different_targets_run_at_once_and_land_where_they_were_sent() -> Result<()> {
    for other_handle in [false, true] {
        for _ in 0..2 {
            let made = people(&["one", "two", "left", "right"]).await?;
            let second = if other_handle { made.open(OpenMode::ReadWrite).await? } else { made.graph.clone() };
            let first = made.graph.clone();
            let left = tokio::spawn(async move { merge(&first, "one", "left").await });
            let right = tokio::spawn(async move { merge(&second, "two", "right").await });
            left.await??;
            right.await??;
            for (of, expected) in [
                ("left", vec!["Ada", "left", "one"]),
                ("right", vec!["Ada", "right", "two"]),
                ("main", vec!["Ada"]),
                ("one", vec!["Ada", "one"]),
                ("two", vec!["Ada", "two"]),
            ] {
                assert_eq!(names(&made, of).await?, expected, "{of}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_goes_to_several_targets_at_once() -> Result<()> {
    let made = people(&["source", "a", "b", "c"]).await?;
    let tasks: Vec<_> = ["a", "b", "c", "main"]
        .map(|target| {
            let graph = made.graph.clone();
            tokio::spawn(async move { merge(&graph, "source", target).await })
        })
        .into();
    for task in tasks {
        task.await??;
    }
    for target in ["a", "b", "c"] {
        assert_eq!(names(&made, target).await?, ["Ada", target, "source"]);
        is_up_to_date(&made, "source", target).await?;
    }
    assert_eq!(names(&made, "main").await?, ["Ada", "source"]);
    made.graph.delete_branch(&branch("source")).await?;
    assert_eq!(names(&made, "b").await?, ["Ada", "b", "source"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_sources_come_into_main_one_after_another() -> Result<()> {
    for other_handle in [false, true] {
        let sources = ["s0", "s1", "s2", "s3"];
        let made = people(&sources).await?;
        let mut tasks = Vec::new();
        for source in sources {
            let graph = if other_handle { made.open(OpenMode::ReadWrite).await? } else { made.graph.clone() };
            tasks.push(tokio::spawn(async move { merge_at_last(&graph, source, "main").await }));
        }
        for task in tasks {
            task.await??;
        }
        assert_eq!(names(&made, "main").await?, ["Ada", "s0", "s1", "s2", "s3"]);
        one_line(&made, "main", 4).await?;
        let files = made.files().await?;
        let merged: std::collections::BTreeSet<String> = files
            .branch("main")?
            .commits
            .iter()
            .map(|commit| text(commit, "merged_parent_commit_id"))
            .filter(|id| !id.is_empty())
            .collect();
        assert_eq!(merged.len(), 4, "each source once");
    }
    Ok(())
}

/// Both directions at once: whoever is second sees the other's commit, or is refused and tried again.
#[tokio::test(flavor = "multi_thread")]
async fn two_branches_are_merged_into_each_other_at_once() -> Result<()> {
    for _ in 0..2 {
        let made = people(&["left", "right"]).await?;
        let tasks = [("left", "right"), ("right", "left")].map(|(source, target)| {
            let graph = made.graph.clone();
            tokio::spawn(async move { merge_at_last(&graph, source, target).await })
        });
        for task in tasks {
            task.await??;
        }
        for side in ["left", "right"] {
            assert_eq!(names(&made, side).await?, ["Ada", "left", "right"], "{side}");
        }
        merge_at_last(&made.graph, "left", "main").await?;
        merge_at_last(&made.graph, "right", "main").await?;
        assert_eq!(names(&made, "main").await?, ["Ada", "left", "right"]);
    }
    Ok(())
}
