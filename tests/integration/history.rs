//! Histories that are not as they should be are read as far as they go, and say what is missing.

use std::fs;
use std::sync::Arc;

use anyhow::Result;
use arrow::datatypes::{DataType, Field, Schema};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{At, BranchName, Graph, HistoryProblem, ManifestVersion, OpenMode, Progress};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use stratigraph_tests::graph::TestGraph;
use stratigraph_tests::writer::{GraphWriter, Publish, commit_id};

const SOURCE: &str = "node Person { name: String @key }";

async fn writer(root: &std::path::Path) -> Result<GraphWriter> {
    let columns = vec![Field::new("id", DataType::Utf8, false), Field::new("name", DataType::Utf8, false)];
    GraphWriter::create(root, SOURCE, &[("node:Person", Arc::new(Schema::new(columns)))]).await
}

fn person(version: u64) -> [Publish; 1] {
    [Publish { key: "node:Person".into(), version, lineage: None, rows: 0 }]
}

async fn open(root: &std::path::Path) -> Result<Graph> {
    Ok(Graph::open(&root.to_string_lossy(), OpenMode::ReadOnly).await?)
}

#[tokio::test]
async fn a_version_without_a_commit_is_reported_and_still_readable() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut writer = writer(folder.path()).await?;
    let recorded = writer.publish(&person(2)).await?;
    writer.commit(recorded, Some("dana")).await?;
    let unrecorded = writer.publish(&person(3)).await?;
    let last = writer.publish(&person(4)).await?;
    writer.commit(last, None).await?;

    let graph = open(folder.path()).await?;
    let history = graph.history(&Progress::none()).await?;
    let version = ManifestVersion::new(unrecorded);
    assert_eq!(history.problems(), [HistoryProblem::Unrecorded { branch: BranchName::main(), version }]);
    let actors: Vec<Option<&str>> = history.commits().iter().map(|commit| commit.actor.as_deref()).collect();
    assert_eq!(actors, [None, Some("dana"), None]);
    let snapshot = graph.snapshot(&At::Version { branch: BranchName::main(), version }).await?;
    assert_eq!((snapshot.commit, snapshot.table("Person")?.version.get()), (None, 3));
    Ok(())
}

#[tokio::test]
async fn missing_commit_and_actor_datasets_are_reported_not_fatal() -> Result<()> {
    let folder = tempfile::tempdir()?;
    writer(folder.path()).await?;
    fs::remove_dir_all(folder.path().join("_graph_commit_actors.lance"))?;
    let missing = |name| HistoryProblem::MissingDataset { name };
    let graph = open(folder.path()).await?;
    assert_eq!(graph.history(&Progress::none()).await?.problems(), [missing("_graph_commit_actors.lance")]);
    fs::remove_dir_all(folder.path().join("_graph_commits.lance"))?;
    let graph = open(folder.path()).await?;
    let history = graph.history(&Progress::none()).await?;
    assert!(history.commits().is_empty());
    let problems = [missing("_graph_commits.lance"), missing("_graph_commit_actors.lance")];
    assert_eq!(history.problems()[..2], problems);
    assert_eq!(graph.snapshot(&At::Branch(BranchName::main())).await?.entries.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_deleted_branch_leaves_a_dangling_parent_and_a_clear_message() -> Result<()> {
    let folder = tempfile::tempdir()?;
    folder::copy(&Fixture::Team.path()?, folder.path())?;
    for dataset in ["__manifest", "_graph_commits.lance"] {
        fs::remove_file(folder.path().join(dataset).join("_refs/branches/feature%2Fhiring.json"))?;
    }
    let graph = open(folder.path()).await?;
    let history = graph.history(&Progress::none()).await?;
    let (commit, parent) = ("01M7Y2AKRVGYG487HA8048ZDAE".parse()?, "01M7Y2AKJ5MM1PVSC9T809NZ43".parse()?);
    assert_eq!(history.problems(), [HistoryProblem::DanglingParent { commit, parent }]);
    assert_eq!(history.commits().len(), 10);
    Ok(())
}

#[tokio::test]
async fn a_branch_whose_own_commits_cannot_be_read_has_no_head_rather_than_an_older_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    folder::copy(&Fixture::Team.path()?, folder.path())?;
    for file in fs::read_dir(folder.path().join("_graph_commits.lance/tree/budget/data"))? {
        fs::write(file?.path(), "damaged")?;
    }
    let graph = open(folder.path()).await?;
    let history = graph.history(&Progress::none()).await?;
    let budget: BranchName = "budget".parse()?;
    assert_eq!(history.heads().get(&budget), None);
    let unreadable = |problem: &HistoryProblem| matches!(problem, HistoryProblem::UnreadableBranch { branch, .. } if *branch == budget);
    assert!(history.problems().iter().any(unreadable), "{:?}", history.problems());
    assert_eq!(history.heads().len(), 3);
    Ok(())
}

#[tokio::test]
async fn commits_stream_newest_first_and_once_each() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut writer = writer(folder.path()).await?;
    for number in 2..80 {
        let version = writer.publish(&person(number)).await?;
        writer.commit(version, None).await?;
    }
    let graph = open(folder.path()).await?;
    let mut seen = Vec::new();
    let history = graph
        .stream_history(&Progress::none(), |batch| {
            seen.extend(batch.commits.into_iter().map(|commit| commit.id.to_string()));
        })
        .await?;
    assert_eq!(history.commits().len(), 79);
    let newest_first: Vec<String> = (0..79).rev().map(commit_id).collect();
    assert_eq!(seen, newest_first);
    // Nothing moved: the second answer comes from memory, not from storage.
    let again = graph.stream_history(&Progress::none(), |_| panic!("read again")).await?;
    assert!(Arc::ptr_eq(&history, &again));
    Ok(())
}

#[tokio::test]
async fn a_branch_named_like_a_version_is_the_branch() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut writer = writer(folder.path()).await?;
    let first = writer.publish(&person(2)).await?;
    writer.commit(first, None).await?;
    let graph = open(folder.path()).await?;
    for name in ["v2", "2026-05-02"] {
        writer.branch(name).await?;
        assert_eq!(graph.resolve(&name.parse()?).await?.branch.as_str(), name);
        let version = graph.resolve(&"main@v2".parse()?).await?;
        assert_eq!((version.branch, version.version.get()), (BranchName::main(), 2));
    }
    let version = graph.resolve(&"v3".parse()?).await?;
    assert_eq!((version.branch, version.version.get()), (BranchName::main(), 3), "no branch is called v3");
    Ok(())
}

#[tokio::test]
async fn a_branch_that_was_deleted_and_made_again_is_read_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut writer = writer(folder.path()).await?;
    let graph = open(folder.path()).await?;
    writer.branch("work").await?;
    let before = graph.history(&Progress::none()).await?;

    writer.delete_branch("work").await?;
    let error = graph.resolve(&"work".parse()?).await.unwrap_err();
    assert!(error.to_string().contains("no branch") && error.to_string().contains("work"), "{error}");
    let at = At::Branch("work".parse()?);
    let error = graph.resolve(&at).await.unwrap_err();
    assert!(error.to_string().contains("no branch `work`"), "{error}");

    let version = writer.publish(&person(2)).await?;
    let head = writer.commit(version, None).await?;
    writer.branch("work").await?;
    let after = graph.history(&Progress::none()).await?;
    assert_ne!(before.heads()[&"work".parse()?].to_string(), head);
    assert_eq!(after.heads()[&"work".parse()?].to_string(), head);
    assert_eq!(graph.resolve(&at).await?.commit.map(|id| id.to_string()), Some(head));
    Ok(())
}

#[tokio::test]
async fn a_branch_made_again_elsewhere_is_another_one_though_its_versions_are_equal() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut writer = writer(folder.path()).await?;
    let graph = open(folder.path()).await?;
    let mut heads = Vec::new();
    for branch in ["a", "b"] {
        writer.branch(branch).await?;
        heads.push(writer.commit_on(branch).await?);
    }
    let mut seen = Vec::new();
    for parent in ["a", "b"] {
        writer.branch_off(Some(parent), "work").await?;
        let versions = graph.head_versions().await?;
        let history = graph.history(&Progress::none()).await?;
        seen.push((versions, history.heads()[&"work".parse()?].to_string(), graph.branch_heads().await?));
        writer.delete_branch("work").await?;
    }
    assert_eq!(seen[0].0, seen[1].0, "the numbers do not tell the two apart");
    let [first, second] = [&seen[0].2, &seen[1].2].map(|looks| looks[&"work".parse().unwrap()].clone());
    assert!(first.version == second.version && first.identity != second.identity, "{first:?}, {second:?}");
    assert_eq!(seen[0].2[&BranchName::main()], seen[1].2[&BranchName::main()]);
    assert_eq!(seen.into_iter().map(|(_, head, _)| head).collect::<Vec<_>>(), heads);
    Ok(())
}

/// Deleted, made again at the same place and written to once, all within the second that times tell: the numbers are the same again.
#[tokio::test]
async fn a_branch_made_again_in_the_same_second_is_another_one() -> Result<()> {
    const SCHEMA: &str = "node Person { name: String @key }";
    let made = TestGraph::new(SCHEMA).await?;
    let looking = made.open(OpenMode::ReadOnly).await?;
    let mut seen = Vec::new();
    for number in 0..4 {
        made.branch("work", "main").await?;
        let person = format!(r#"{{"type":"Person","data":{{"name":"p{number}"}}}}"#);
        made.load(LoadMode::Append, "work", &person).await?;
        let head = looking.branch_heads().await?[&"work".parse()?].clone();
        let history = looking.history(&Progress::none()).await?;
        let commit = history.heads()[&"work".parse()?];
        let files = made.files().await?;
        assert_eq!(files.ids("work", "node:Person").await?, [format!("p{number}")]);
        seen.push((head, commit));
        made.graph.delete_branch(&"work".parse()?).await?;
    }
    for (at, (head, commit)) in seen.iter().enumerate() {
        for (other, other_commit) in &seen[..at] {
            assert_eq!(head.version, other.version);
            assert!(head.identity != other.identity && commit != other_commit, "{head:?}, {other:?}");
        }
    }
    Ok(())
}
