//! Branches that start at a commit: they are what the commit was, and go their own way from there.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures::TryStreamExt;
use serde_json::{Value, json};
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::write::StopAt;
use stratigraph_engine::{
    At, BranchName, CommitId, CreateOptions, Error, ErrorKind, Graph, OpenMode, Progress, ReadOptions, Snapshot,
};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;

use crate::command_line::{lines, run, text};

const SOURCE: &str = "node Person { name: String @key }\nnode Note { body: String @key }\n";

struct Scene {
    root: tempfile::TempDir,
    uri: String,
    graph: Graph,
}

impl Scene {
    async fn new() -> Result<Self> {
        let root = tempfile::tempdir()?;
        let uri = root.path().join("g").to_string_lossy().into_owned();
        Graph::create(&uri, SOURCE, &CreateOptions::default()).await?;
        let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
        Ok(Self { root, uri, graph })
    }

    async fn load(&self, branch: &str, kind: &str, id: &str) -> Result<CommitId> {
        let loaded = self.graph.load(request(branch, kind, id)?, &Progress::none()).await?;
        Ok(loaded.written.context("something was written")?.commit)
    }

    async fn people(&self, at: &At) -> Result<Vec<String>> {
        people(&self.graph, &self.graph.snapshot(at).await?).await
    }
}

fn request(branch: &str, kind: &str, id: &str) -> Result<LoadRequest> {
    let key = if kind == "Person" { "name" } else { "body" };
    let text = format!("{}\n", json!({"type": kind, "data": {key: id}}));
    let input = Input { name: "test".to_owned(), reader: Box::new(std::io::Cursor::new(text)) };
    Ok(LoadRequest { mode: LoadMode::Append, branch: branch.parse()?, actor: None, inputs: vec![input] })
}

async fn people(graph: &Graph, snapshot: &Snapshot) -> Result<Vec<String>> {
    let key = snapshot.table("Person")?.key.clone();
    let mut rows = graph.read(snapshot, &key, &ReadOptions::default()).await?;
    let mut found = Vec::new();
    while let Some(batch) = rows.try_next().await? {
        let ids = batch.column_by_name("id").context("ids")?;
        let ids = ids.as_any().downcast_ref::<arrow::array::StringArray>().context("texts")?;
        found.extend(ids.iter().flatten().map(str::to_owned));
    }
    Ok(found)
}

fn branch(name: &str) -> BranchName {
    name.parse().expect("a name")
}

/// Every commit a branch sees, newest first.
async fn line(graph: &Graph, name: &str) -> Result<Vec<CommitId>> {
    let history = graph.history(&Progress::none()).await?;
    Ok(history.first_parents(history.heads()[&branch(name)]).map(|commit| commit.id).collect())
}

#[tokio::test]
async fn a_branch_that_starts_at_any_commit_is_what_the_commit_was() -> Result<()> {
    let scene = Scene::new().await?;
    let mut commits = vec![scene.graph.history(&Progress::none()).await?.heads()[&BranchName::main()]];
    for number in 0..6 {
        commits.push(scene.load("main", if number % 3 == 2 { "Note" } else { "Person" }, &format!("p{number}")).await?);
    }
    scene.graph.create_branch(&branch("side"), &BranchName::main()).await?;
    for number in 0..3 {
        commits.push(scene.load("side", "Person", &format!("s{number}")).await?);
    }
    for (number, &commit) in commits.iter().enumerate() {
        let name = branch(&format!("from-{number}"));
        scene.graph.create_branch_at(&name, &At::Commit(commit)).await?;
        let then = scene.graph.snapshot(&At::Commit(commit)).await?;
        let now = scene.graph.snapshot(&At::Branch(name.clone())).await?;
        assert_eq!((&now.entries, now.commit, now.version), (&then.entries, Some(commit), then.version), "{number}");
        let expected: Vec<CommitId> = commits[..=number].iter().rev().copied().collect();
        assert_eq!(line(&scene.graph, name.as_str()).await?, expected, "{number}");
    }
    assert_eq!(scene.graph.history(&Progress::none()).await?.problems(), []);
    Ok(())
}

/// Commits that a branch got after it was looked at were not agreed to be lost.
#[tokio::test]
async fn a_branch_that_moved_since_it_was_looked_at_is_not_deleted() -> Result<()> {
    let scene = Scene::new().await?;
    let first = scene.load("main", "Person", "Ada").await?;
    let work = branch("work");
    scene.graph.create_branch(&work, &BranchName::main()).await?;
    let second = scene.load("work", "Person", "Grace").await?;
    for shown in [Some(first), None] {
        let error = scene.graph.delete_branch_at(&work, shown).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let place = shown.map_or_else(|| "no known commit".to_owned(), |id| format!("commit {id}"));
        let told =
            format!("cannot delete branch `work`: it was at {place}, it is at commit {second}; look at it again");
        assert_eq!(error.to_string(), told);
        assert_eq!(scene.people(&At::Branch(work.clone())).await?, ["Ada", "Grace"]);
    }
    scene.graph.delete_branch_at(&work, Some(second)).await?;
    assert_eq!(scene.graph.branches().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn such_a_branch_is_written_to_and_deleted_like_any_other() -> Result<()> {
    let scene = Scene::new().await?;
    scene.load("main", "Person", "Ada").await?;
    let second = scene.load("main", "Person", "Grace").await?;
    scene.load("main", "Person", "Linus").await?;
    let old = branch("old");
    scene.graph.create_branch_at(&old, &At::Commit(second)).await?;
    let third = scene.load("old", "Person", "Barbara").await?;
    assert_eq!(scene.people(&At::Branch(old.clone())).await?, ["Ada", "Barbara", "Grace"]);
    assert_eq!(scene.people(&At::Branch(BranchName::main())).await?, ["Ada", "Grace", "Linus"]);
    assert_eq!(line(&scene.graph, "old").await?[..2], [third, second]);
    // Opening for writing finds nothing to settle.
    let again = Graph::open(&scene.uri, OpenMode::ReadWrite).await?;
    assert_eq!(line(&again, "old").await?[..2], [third, second]);
    // A branch on that branch, at the commit where it began and at its own.
    scene.graph.create_branch_at(&branch("older"), &"old@v5".parse()?).await?;
    assert_eq!(line(&scene.graph, "older").await?[0], second);
    let error = scene.graph.delete_branch(&BranchName::main()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for name in [branch("older"), old] {
        scene.graph.delete_branch(&name).await?;
    }
    assert_eq!(scene.graph.branches().await?.len(), 1);
    scene.graph.create_branch_at(&branch("old"), &At::Commit(second)).await?;
    assert_eq!(scene.people(&At::Branch(branch("old"))).await?, ["Ada", "Grace"]);
    Ok(())
}

#[tokio::test]
async fn commits_of_recovery_share_a_version_and_are_told_apart() -> Result<()> {
    let scene = Scene::new().await?;
    let first = scene.load("main", "Person", "Ada").await?;
    // Discarded: a commit is recorded, and the state stays at the version of the commit before.
    scene.graph.rehearse_load(request("main", "Person", "Grace")?, StopAt::Armed, &Progress::none()).await?;
    let last = scene.load("main", "Person", "Linus").await?;
    let [newest, discard, oldest] = line(&scene.graph, "main").await?[..3] else { panic!("three commits") };
    assert_eq!((newest, oldest), (last, first));
    for (name, commit, versions) in [("a", first, 4), ("b", discard, 4), ("c", last, 5)] {
        scene.graph.create_branch_at(&branch(name), &At::Commit(commit)).await?;
        let snapshot = scene.graph.snapshot(&At::Branch(branch(name))).await?;
        assert_eq!((line(&scene.graph, name).await?[0], snapshot.version.get()), (commit, versions));
    }
    Ok(())
}

#[tokio::test]
async fn what_has_no_commit_starts_no_branch() -> Result<()> {
    let scene = Scene::new().await?;
    scene.load("main", "Person", "Ada").await?;
    let before = folder::digest(scene.root.path())?;
    let refused = async |at: &str| -> Result<Error> {
        let error = scene.graph.create_branch_at(&branch("new"), &at.parse()?).await.err();
        error.with_context(|| format!("{at} was accepted"))
    };
    let early = refused("main@v2").await?;
    assert!(early.to_string().contains("no commit published it"), "{early}");
    assert_eq!(early.kind(), ErrorKind::Conflict);
    assert_eq!(refused("main@v99").await?.kind(), ErrorKind::NotFound);
    assert_eq!(refused("nowhere").await?.kind(), ErrorKind::NotFound);
    assert_eq!(refused("01M7YPHM9VRSS32AG3TR3H9X6X").await?.kind(), ErrorKind::NotFound);
    assert!(folder::digest(scene.root.path())? == before, "a refusal changed the graph");
    Ok(())
}

/// The fixture's branches lead to its own folder, so its commits on main are branched off in a copy.
#[tokio::test]
async fn commits_of_the_reference_start_branches() -> Result<()> {
    let copy = tempfile::tempdir()?;
    folder::copy(&Fixture::Team.path()?, copy.path())?;
    let uri = copy.path().to_string_lossy().into_owned();
    let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
    let commits = line(&graph, "main").await?;
    let mut exports = BTreeMap::new();
    for (number, &commit) in commits.iter().enumerate() {
        let id = commit.to_string();
        exports.insert(format!("at-{number}"), text(&["export", &uri, "--at", &id])?);
        let made =
            lines(&["branch", "create", &uri, &format!("at-{number}"), "--from", &id[16..], "--json"])?.remove(0);
        assert_eq!((&made["head"], &made["parent"]), (&json!(id), &json!("main")));
    }
    for (name, expected) in exports {
        assert!(text(&["export", &uri, "--at", &name])? == expected, "{name}");
    }
    Ok(())
}

#[test]
fn the_command_says_where_a_branch_starts() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = root.path().join("g").to_string_lossy().into_owned();
    let schema = root.path().join("s.pg");
    std::fs::write(&schema, SOURCE)?;
    let genesis = lines(&["init", &uri, "--schema", &schema.to_string_lossy(), "--json"])?.remove(0);
    let data = root.path().join("d.jsonl");
    std::fs::write(&data, "{\"type\":\"Person\",\"data\":{\"name\":\"Ada\"}}\n")?;
    let data = data.to_string_lossy();
    text(&["load", &uri, "--data", &data, "--mode", "append"])?;
    let made = lines(&["branch", "create", &uri, "empty", "--from", "main@v3", "--json"])?.remove(0);
    let expected = json!({
        "branch": "empty", "done": "created", "parent": "main", "head": genesis["commit"], "manifest_version": 3,
    });
    assert_eq!(made, expected);
    assert_eq!(text(&["export", &uri, "--at", "empty"])?, "");
    let refused = run(&["branch", "create", &uri, "more", "--from", "main@v1"])?;
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no commit published it"));
    let none: Vec<Value> =
        lines(&["branches", &uri, "--json"])?.into_iter().filter(|one| one["name"] == "more").collect();
    assert!(none.is_empty());
    Ok(())
}
