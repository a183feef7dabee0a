//! A task about one branch opens as many files, whatever other branches there are.
//!
//! The actors of all branches are in one lineage (graph-format §9), in the order of their commits. Who made a commit is found by reading
//! back to it, past the commits of other branches, so their files are counted apart: writers keep them few. And only the reference of a
//! branch says which branch it was made from, so a deletion must read those of all.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::TryStreamExt;
use stratigraph_engine::history::Recent;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::MergeDecisions;
use stratigraph_engine::{At, CommitId, Graph, OpenMode, Progress};
use stratigraph_tests::graph::{TestGraph, branch, load};
use stratigraph_tests::opened::Opened;

const SCHEMA: &str = "node Person { name: String @key  age: I32? }\nnode Project { title: String @key }\n\
    edge WorksOn: Person -> Project\n";

fn person(name: &str) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\",\"age\":7}}}}\n")
}

/// A graph with a branch to work on, and with as many other branches, each with a commit of its own, as asked.
async fn fleet(others: usize) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    for number in 0..3 {
        made.load(LoadMode::Merge, "main", &person(&format!("first {number}"))).await?;
    }
    made.branch("work", "main").await?;
    made.load(LoadMode::Merge, "work", &person("worker")).await?;
    for number in 0..others {
        let name = format!("agent/{number}");
        made.branch(&name, "main").await?;
        made.load(LoadMode::Merge, &name, &person(&name)).await?;
    }
    Ok(made)
}

/// How many files each task opens, as a process of its own would do it.
async fn opened(made: &TestGraph) -> Result<BTreeMap<&'static str, usize>> {
    let head = made.graph.resolve(&At::Branch(branch("main"))).await?.commit.context("main has a commit")?;
    let mut counts = BTreeMap::new();
    let mut watched = Opened::watch(&made.path())?;
    let mut count = |task, watched: &mut Opened| -> Result<()> {
        let mut files = watched.take()?;
        let is_in = |file: &PathBuf, folder: &str| file.components().any(|part| part.as_os_str() == folder);
        files.retain(|file| !is_in(file, "_graph_commit_actors.lance"));
        files.retain(|file| task != "delete a branch" || !is_in(file, "_refs"));
        counts.insert(task, files.len());
        Ok(())
    };
    let read = || async { Box::pin(Graph::open(&made.uri(), OpenMode::ReadOnly)).await };
    let write = || async { Box::pin(Graph::open(&made.uri(), OpenMode::ReadWrite)).await };

    for (task, at) in [
        ("read main", At::Branch(branch("main"))),
        ("read a branch", "work".parse()?),
        ("read a commit", At::Commit(head)),
        ("read a version", "work@v4".parse()?),
        ("read a time", "work@2100-01-01".parse()?),
    ] {
        let graph = read().await?;
        let snapshot = graph.snapshot(&at).await.with_context(|| task)?;
        graph.count(&snapshot, &"node:Person".parse()?, None).await?;
        count(task, &mut watched)?;
    }
    for limit in [None, Some(2)] {
        let recent = Recent { branch: Some(branch("work")), limit, ..Recent::default() };
        let log = read().await?.recent_history(&recent, &Progress::none()).await?;
        assert!(log.problems().is_empty(), "{:?}", log.problems());
        count(if limit.is_some() { "log of a branch, limited" } else { "log of a branch" }, &mut watched)?;
    }
    read().await?.history_about(head).await?;
    count("show a commit", &mut watched)?;
    let graph = read().await?;
    graph.table_status(&graph.snapshot(&At::Branch(branch("work"))).await?).await;
    count("tables of a branch", &mut watched)?;
    let graph = read().await?;
    let rows = graph.row_history(&"node:Person".parse()?, "worker", &branch("work"), &Progress::none());
    assert_eq!(rows.try_collect::<Vec<_>>().await?.len(), 1);
    count("history of a row", &mut watched)?;
    let graph = write().await?;
    count("open for writing", &mut watched)?;
    load(&graph, LoadMode::Merge, "work", &person("one more")).await?;
    count("load a row", &mut watched)?;
    let plan = read().await?.merge_plan(&branch("work"), &branch("main"), &Progress::none()).await?;
    assert_eq!(plan.conflicts().len(), 0);
    count("preview a merge", &mut watched)?;
    let graph = write().await?;
    let plan = graph.merge_plan(&branch("work"), &branch("main"), &Progress::none()).await?;
    let decisions = MergeDecisions::none(plan.source(), plan.target(), plan.heads());
    graph.merge(&plan, &decisions, None, &Progress::none()).await?;
    count("merge", &mut watched)?;
    Box::pin(write().await?.create_branch(&branch("fresh"), &branch("main"))).await?;
    count("create a branch", &mut watched)?;
    Box::pin(write().await?.delete_branch(&branch("fresh"))).await?;
    count("delete a branch", &mut watched)?;
    Ok(counts)
}

#[tokio::test]
async fn a_task_about_one_branch_opens_as_many_files_whatever_else_there_is() -> Result<()> {
    let (alone, among_others) = (fleet(0).await?, fleet(24).await?);
    assert_eq!(opened(&among_others).await?, opened(&alone).await?);
    Ok(())
}

/// The newest commits, and how many files a process opens that asks for them.
async fn last_commits(made: &TestGraph, limit: Option<usize>) -> Result<(Vec<CommitId>, usize)> {
    let recent = Recent { branch: Some(branch("main")), limit, ..Recent::default() };
    let mut watched = Opened::watch(&made.path())?;
    let log = made.open(OpenMode::ReadOnly).await?.recent_history(&recent, &Progress::none()).await?;
    let ids = log.commits().iter().take(limit.unwrap_or(usize::MAX)).map(|commit| commit.id);
    Ok((ids.collect(), watched.take()?.len()))
}

#[tokio::test]
async fn the_last_commits_are_read_from_the_newest_files() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let write = async |numbers: Range<u32>| -> Result<()> {
        for number in numbers {
            made.load(LoadMode::Merge, "main", &person(&format!("number {number}"))).await?;
        }
        Ok(())
    };
    write(0..20).await?;
    let (_, of_few) = last_commits(&made, Some(3)).await?;
    let (_, few) = last_commits(&made, None).await?;
    write(20..50).await?;
    let (newest, of_many) = last_commits(&made, Some(3)).await?;
    let (all, many) = last_commits(&made, None).await?;
    assert_eq!(newest, all[..3]);
    assert_eq!(of_many, of_few);
    assert!(many >= few + 30, "each commit has a file: {few}, {many}");
    Ok(())
}

#[tokio::test]
async fn who_watches_all_branches_lists_them_once_and_opens_what_moved() -> Result<()> {
    let made = fleet(24).await?;
    let graph = Box::pin(made.open(OpenMode::ReadOnly)).await?;
    let look = async || -> Result<usize> {
        graph.history(&Progress::none()).await?;
        Ok(graph.branch_heads().await?.len())
    };
    // A folder is listed until the time of its last change is old enough to be told from a later one.
    for _ in 0..2 {
        assert_eq!(look().await?, 26);
        tokio::time::sleep(Duration::from_millis(2_100)).await;
    }
    look().await?;

    let mut watched = Opened::watch(&made.path())?;
    look().await?;
    let references = made.path().join("__manifest/_refs/branches");
    assert_eq!(watched.take_listed()?, BTreeSet::from([references.clone()]));
    assert_eq!(watched.take()?, BTreeSet::new());

    let before = graph.branch_heads().await?;
    made.load(LoadMode::Merge, "agent/7", &person("moved")).await?;
    watched.take_listed()?;
    let after = graph.branch_heads().await?;
    let moved = after.iter().filter(|(name, head)| before.get(*name) != Some(head));
    assert_eq!(moved.map(|(name, _)| name.to_string()).collect::<Vec<_>>(), ["agent/7"]);
    let versions = made.path().join("__manifest/tree/agent/7/_versions");
    assert_eq!(watched.take_listed()?, BTreeSet::from([references, versions]));
    Ok(())
}
