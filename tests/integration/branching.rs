//! Branches one after another and at the same time (scenarios BR-01 to BR-05, BR-10, BR-15).

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use arrow::array::AsArray;
use futures::TryStreamExt;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{At, BranchName, ErrorKind, Graph, OpenMode, ReadOptions};
use stratigraph_tests::graph::{TestGraph, branch, load};
use stratigraph_tests::reader::branch_names;

const SCHEMA: &str = "node Person { name: String @key }\nedge Knows: Person -> Person\n";
const PERSON: &str = "nodes/40d76f1f51639ec0";
const KNOWS: &str = "edges/602a25a3bd0b455b";

fn person(name: &str) -> String {
    format!(r#"{{"type":"Person","data":{{"name":"{name}"}}}}"#)
}

async fn base() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("base")).await?;
    Ok(made)
}

/// People of every branch.
async fn people(made: &TestGraph) -> Result<BTreeMap<String, Vec<String>>> {
    let files = made.files().await?;
    let mut found = BTreeMap::new();
    for name in files.branches.keys() {
        found.insert(name.clone(), files.ids(name, "node:Person").await?);
    }
    Ok(found)
}

fn expected(branches: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let texts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    branches.iter().map(|(branch, names)| ((*branch).to_owned(), texts(names))).collect()
}

#[tokio::test]
async fn an_edge_forks_the_edges_alone_and_siblings_see_nothing_of_each_other() -> Result<()> {
    let made = base().await?;
    for name in ["one", "two"] {
        made.branch(name, "main").await?;
    }
    made.load(LoadMode::Append, "one", r#"{"edge":"Knows","from":"base","to":"base","data":{"id":"e1"}}"#).await?;
    made.load(LoadMode::Append, "two", &person("only two")).await?;
    assert_eq!(branch_names(&made.path().join(KNOWS))?, ["one"]);
    assert_eq!(branch_names(&made.path().join(PERSON))?, ["two"]);
    let files = made.files().await?;
    for (name, edges) in [("main", 0), ("one", 1), ("two", 0)] {
        assert_eq!(files.rows(name, "edge:Knows").await?.len(), edges, "{name}");
    }
    let found = expected(&[("main", &["base"]), ("one", &["base"]), ("two", &["base", "only two"])]);
    assert_eq!(people(&made).await?, found);
    Ok(())
}

/// Lance writes a reference beside its name first: a writer that is killed there leaves a file that nobody must take for a branch.
#[tokio::test]
async fn what_a_killed_writer_left_of_a_reference_is_no_branch() -> Result<()> {
    let made = base().await?;
    made.branch("other", "main").await?;
    for dataset in ["__manifest", "_graph_commits.lance"] {
        let references = made.path().join(dataset).join("_refs/branches");
        fs::write(references.join("work.json.tmp.537a8c7bdd6a4a8e9e7b75c6ae40cea8"), "{")?;
    }
    let names = async || -> Result<Vec<String>> {
        let branches = made.open(OpenMode::ReadOnly).await?.branches().await?;
        Ok(branches.iter().map(|branch| branch.name.to_string()).collect())
    };
    assert_eq!(names().await?, ["main", "other"]);
    made.branch("work", "main").await?;
    made.load(LoadMode::Append, "work", &person("in work")).await?;
    assert_eq!(names().await?, ["main", "other", "work"]);
    made.graph.delete_branch(&"work".parse()?).await?;
    assert_eq!(names().await?, ["main", "other"]);
    assert_eq!(people(&made).await?, expected(&[("main", &["base"]), ("other", &["base"])]));
    Ok(())
}

#[tokio::test]
async fn reserved_names_are_refused_and_old_ones_are_ordinary() -> Result<()> {
    let made = base().await?;
    for text in ["", " ", "a//b", "/a", "a/", "a..b", "a.lock", "a b", "main"] {
        let name = text.parse::<BranchName>();
        let refused = match name {
            Ok(name) => made.graph.create_branch(&name, &BranchName::main()).await.map_err(|error| error.kind()),
            Err(_) => Err(ErrorKind::Invalid),
        };
        assert_eq!(refused, Err(ErrorKind::Invalid), "`{text}`");
    }
    let error = made.branch("__schema_apply_lock__", "main").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let error = made.graph.delete_branch(&BranchName::main()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let error = made.graph.delete_branch(&branch("__schema_apply_lock__")).await.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
    made.branch("__run__x", "main").await?;
    made.load(LoadMode::Append, "__run__x", &person("x")).await?;
    assert_eq!(
        people(&made).await?,
        expected(&[("__run__x", &["base", "x"]), ("main", &["base"])]),
        "and no other branch"
    );
    // It survives being opened for writing: only graphs of format 2 have it swept away.
    drop(made.open(OpenMode::ReadWrite).await?);
    assert_eq!(people(&made).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_schema_change_in_progress_stops_writes_and_is_not_shown() -> Result<()> {
    let made = base().await?;
    made.branch("work", "main").await?;
    let mut manifest = stratigraph_tests::reader::open(&made.path().join("__manifest"), None).await?;
    let version = manifest.version().version;
    manifest.create_branch("__schema_apply_lock__", version, None).await?;
    let refused = [
        made.load(LoadMode::Append, "main", &person("x")).await.map(drop),
        made.branch("other", "main").await,
        made.graph.delete_branch(&branch("work")).await,
    ];
    for error in refused.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("unavailable while a schema apply is in progress"), "{error}");
    }
    let names: Vec<String> = made.graph.branches().await?.into_iter().map(|branch| branch.name.to_string()).collect();
    assert_eq!(names, ["main", "work"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_made_at_once_each_start_at_their_own_parent() -> Result<()> {
    let made = base().await?;
    made.branch("parent", "main").await?;
    made.load(LoadMode::Append, "parent", &person("of parent")).await?;
    let others = [made.open(OpenMode::ReadWrite).await?, made.open(OpenMode::ReadWrite).await?];
    for round in 0..4 {
        let (left, right) = (branch(&format!("left{round}")), branch(&format!("right{round}")));
        let (main, parent) = (BranchName::main(), branch("parent"));
        let (one, two) = tokio::join!(others[0].create_branch(&left, &main), others[1].create_branch(&right, &parent));
        one?;
        two?;
    }
    for (name, names) in people(&made).await? {
        let inherits = name == "parent" || name.starts_with("right");
        assert_eq!(names.len(), if inherits { 2 } else { 1 }, "{name}: {names:?}");
    }
    // Deleting two, making one and writing to main, all at the same time.
    let (left, right, new, main) = (branch("left0"), branch("right0"), branch("new"), BranchName::main());
    let addition = person("later");
    let (a, b, c, d) = tokio::join!(
        others[0].delete_branch(&left),
        others[1].delete_branch(&right),
        made.graph.create_branch(&new, &main),
        load(&others[0], LoadMode::Append, "main", &addition),
    );
    a?;
    b?;
    c?;
    d?;
    let found = people(&made).await?;
    assert!(!found.contains_key("left0") && !found.contains_key("right0") && found.contains_key("new"));
    assert_eq!((found.len(), found["main"].len()), (9, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn first_writes_to_a_branch_race_and_none_is_lost() -> Result<()> {
    let made = base().await?;
    made.branch("work", "main").await?;
    let mut handles = Vec::new();
    for number in 0..6 {
        let graph = made.open(OpenMode::ReadWrite).await?;
        handles.push(tokio::spawn(async move {
            load(&graph, LoadMode::Append, "work", &person(&format!("p{number}"))).await
        }));
    }
    for handle in handles {
        handle.await??;
    }
    // Other processes at the same time, on another fresh branch.
    made.branch("far", "main").await?;
    let mut children = Vec::new();
    for number in 0..3 {
        let data = made.path().with_file_name(format!("{number}.jsonl"));
        std::fs::write(&data, person(&format!("p{number}")))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
        command.args(["load", &made.uri(), "--data", &data.to_string_lossy(), "--mode", "append", "--branch", "far"]);
        children.push(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
    }
    for child in children {
        let ended = child.wait_with_output()?;
        ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let found = people(&made).await?;
    assert_eq!((found["work"].len(), found["far"].len(), found["main"].len()), (7, 4, 1), "{found:?}");
    Ok(())
}

/// A branch that another process deletes and makes again has the same version numbers and other files: nothing that this
/// process remembers of the old one may be shown or built upon.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_was_deleted_and_made_again_elsewhere_is_another_one() -> Result<()> {
    let made = base().await?;
    let reading = made.open(OpenMode::ReadOnly).await?;
    let data = made.path().with_file_name("again.jsonl");
    let other = |arguments: &[&str]| -> Result<()> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
        let output = command.args(arguments).stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    made.branch("work", "main").await?;
    for round in 0..3 {
        // What this process writes and remembers.
        made.load(LoadMode::Append, "work", &person(&format!("mine{round}"))).await?;
        shown(&made.graph, "work").await?;
        let old = shown(&reading, "work").await?;
        assert!(old.contains(&format!("mine{round}")), "{old:?}");
        // As many versions, by another process, with other rows.
        std::fs::write(&data, person(&format!("theirs{round}")))?;
        other(&["branch", "delete", &made.uri(), "work", "--yes"])?;
        other(&["branch", "create", &made.uri(), "work"])?;
        other(&["load", &made.uri(), "--data", &data.to_string_lossy(), "--mode", "append", "--branch", "work"])?;
        let expected = ["base".to_owned(), format!("theirs{round}")];
        for graph in [&made.graph, &reading] {
            assert_eq!(shown(graph, "work").await?, expected, "round {round}");
        }
        made.load(LoadMode::Append, "work", &person("on top")).await?;
        assert_eq!(people(&made).await?["work"].len(), 3, "round {round}");
        made.graph.delete_branch(&branch("work")).await?;
        made.branch("work", "main").await?;
    }
    Ok(())
}

/// Ids that a handle reads on a branch.
async fn shown(graph: &Graph, name: &str) -> Result<Vec<String>> {
    let snapshot = graph.snapshot(&At::Branch(branch(name))).await?;
    let key = snapshot.table("Person")?.key.clone();
    let mut batches = graph.read(&snapshot, &key, &ReadOptions::default()).await?;
    let mut ids = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        ids.extend(batch["id"].as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(ids)
}
