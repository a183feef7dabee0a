//! Opening, looking and being looked at while others write (scenarios OPEN-05 to OPEN-11, R-01).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{At, BranchName, ErrorKind, Graph, OpenMode};
use stratigraph_tests::folder;
use stratigraph_tests::graph::{TestGraph, load};
use stratigraph_tests::reader::open;

const SCHEMA: &str = "node Person { name: String @key }\nedge Knows: Person -> Person\n";

fn person(name: &str) -> String {
    format!(r#"{{"type":"Person","data":{{"name":"{name}"}}}}"#)
}

async fn people(graph: &Graph) -> Result<u64> {
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    let key = snapshot.table("Person")?.key.clone();
    Ok(graph.count(&snapshot, &key, None).await?)
}

#[tokio::test]
async fn what_is_no_graph_is_not_opened_for_writing_either() -> Result<()> {
    let empty = tempfile::tempdir()?;
    for path in [empty.path(), Path::new("/no/such/folder")] {
        let error = Graph::open(&path.to_string_lossy(), OpenMode::ReadWrite).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }
    assert_eq!(fs::read_dir(empty.path())?.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_clean_opening_for_writing_leaves_no_trace() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada")).await?;
    fs::remove_dir_all(made.path().join("__recovery"))?;
    let before = folder::digest(&made.path())?;
    drop(made.open(OpenMode::ReadWrite).await?);
    assert!(folder::digest(&made.path())? == before);
    Ok(())
}

#[tokio::test]
async fn leftovers_of_a_schema_change_are_not_touched_by_looking() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada")).await?;
    for name in ["_schema.pg.staging", "_schema.ir.json.staging", "__schema_state.json.staging"] {
        fs::copy(made.path().join(name.trim_end_matches(".staging")), made.path().join(name))?;
    }
    let before = folder::digest(&made.path())?;
    let graph = made.open(OpenMode::ReadOnly).await?;
    assert_eq!(people(&graph).await?, 1);
    assert!(folder::digest(&made.path())? == before);
    Ok(())
}

#[tokio::test]
async fn a_handle_sees_what_another_one_commits_and_a_snapshot_does_not() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let (writing, looking) = (made.open(OpenMode::ReadWrite).await?, made.open(OpenMode::ReadOnly).await?);
    load(&made.graph, LoadMode::Append, "main", &person("Ada")).await?;
    for graph in [&made.graph, &writing, &looking] {
        assert_eq!(people(graph).await?, 1);
    }
    let old = looking.snapshot(&"main".parse()?).await?;
    load(&writing, LoadMode::Append, "main", &person("Grace")).await?;
    let key = old.table("Person")?.key.clone();
    assert_eq!((people(&looking).await?, looking.count(&old, &key, None).await?), (2, 1));
    assert_eq!(looking.head_versions().await?[&BranchName::main()].get(), 5);
    let head = looking.history(&stratigraph_engine::Progress::none()).await?.heads()[&BranchName::main()];
    assert_eq!(looking.snapshot(&At::Commit(head)).await?.version.get(), 5);
    Ok(())
}

#[tokio::test]
async fn the_schema_files_are_locked_together_for_opening() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    fs::write(made.path().join("_schema.pg"), format!("// the same\n\n{SCHEMA}"))?;
    drop(made.open(OpenMode::ReadWrite).await?);
    fs::write(made.path().join("_schema.pg"), SCHEMA.replace("name", "title"))?;
    let error = made.open(OpenMode::ReadWrite).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    fs::write(made.path().join("_schema.pg"), SCHEMA)?;
    fs::remove_file(made.path().join("__schema_state.json"))?;
    let error = made.open(OpenMode::ReadWrite).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(!made.path().join("__schema_state.json").exists());
    Ok(())
}

/// W-14: a graph of an old release tells Lance to clean up after every commit. None of ours may do it.
#[tokio::test]
async fn versions_that_are_pinned_stay_whatever_the_dataset_says_about_cleaning_up() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let datasets = ["nodes/40d76f1f51639ec0", "__manifest", "_graph_commits.lance", "_graph_commit_actors.lance"];
    for dataset in datasets {
        let mut dataset = open(&made.path().join(dataset), None).await?;
        let cleanup = [("lance.auto_cleanup.interval", "1"), ("lance.auto_cleanup.older_than", "0s")];
        dataset.update_config(cleanup).await?;
    }
    // The setting is a version of its own, which the graph has to show before anyone may write to the table.
    let table = open(&made.path().join(datasets[0]), None).await?;
    assert_eq!(table.version().version, 2);
    let drifted = made.load(LoadMode::Append, "main", &person("p0")).await.unwrap_err();
    assert_eq!(drifted.kind(), ErrorKind::Conflict, "{drifted}");
    made.branch("work", "main").await?;
    for number in 0..4 {
        made.load(LoadMode::Merge, "work", &person(&format!("p{number}"))).await?;
    }
    for dataset in &datasets[1..3] {
        let lineage = open(&made.path().join(dataset), Some("work")).await?;
        let kept: Vec<u64> = lineage.versions().await?.into_iter().map(|version| version.version).collect();
        assert!(kept.windows(2).all(|pair| pair[0] + 1 == pair[1]) && kept.len() == 5, "{dataset}: {kept:?}");
    }
    let graph = made.open(OpenMode::ReadOnly).await?;
    let history = graph.history(&stratigraph_engine::Progress::none()).await?;
    for commit in history.commits() {
        let snapshot = graph.snapshot(&At::Commit(commit.id)).await?;
        let key = snapshot.table("Person")?.key.clone();
        graph.count(&snapshot, &key, None).await.with_context(|| commit.id.to_string())?;
    }
    assert_eq!(history.commits().len(), 5);
    Ok(())
}

#[tokio::test]
async fn missing_schema_files_are_made_by_opening_for_writing() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let files = ["_schema.ir.json", "__schema_state.json"].map(|name| made.path().join(name));
    let texts = files.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    files.iter().try_for_each(fs::remove_file)?;
    drop(made.open(OpenMode::ReadWrite).await?);
    assert_eq!(files.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?, texts);
    Ok(())
}

#[tokio::test]
async fn a_handle_notices_that_the_schema_was_changed() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada")).await?;
    fs::write(made.path().join("_schema.pg"), format!("// the same\n{SCHEMA}"))?;
    made.load(LoadMode::Append, "main", &person("Bob")).await?;
    fs::write(made.path().join("_schema.pg"), "node Person { name: String @key  age: I32? }\n")?;
    let error = made.load(LoadMode::Append, "main", &person("Eve")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_history_that_was_removed_begins_again_on_main() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada")).await?;
    fs::remove_dir_all(made.path().join("_graph_commits.lance"))?;
    // Files of an attempt that did not come to a version.
    fs::create_dir_all(made.path().join("_graph_commits.lance/data"))?;
    fs::write(made.path().join("_graph_commits.lance/data/left.lance"), "left")?;

    let graph = made.open(OpenMode::ReadWrite).await?;
    load(&graph, LoadMode::Append, "main", &person("Bob")).await?;
    graph.create_branch(&"later".parse()?, &BranchName::main()).await?;
    load(&graph, LoadMode::Append, "later", &person("Eve")).await?;
    assert_eq!(people(&graph).await?, 2);
    let history = graph.history(&stratigraph_engine::Progress::none()).await?;
    assert_eq!(history.commits().len(), 3, "the new first commit and one for each load");
    let roots = history.commits().iter().filter(|commit| commit.parent.is_none()).count();
    assert_eq!((roots, history.problems().len()), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_history_that_branches_need_is_not_made_up() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada")).await?;
    made.open(OpenMode::ReadWrite).await?.create_branch(&"work".parse()?, &BranchName::main()).await?;
    fs::remove_dir_all(made.path().join("_graph_commits.lance"))?;
    let before = folder::digest(&made.path())?;
    let error = made.open(OpenMode::ReadWrite).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("restore that folder"), "{error}");
    assert!(folder::digest(&made.path())? == before, "nothing was written");
    assert_eq!(people(&made.open(OpenMode::ReadOnly).await?).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_branch_without_commits_is_refused_before_its_tables_move() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada")).await?;
    let graph = made.open(OpenMode::ReadWrite).await?;
    graph.create_branch(&"work".parse()?, &BranchName::main()).await?;
    fs::remove_dir_all(made.path().join("_graph_commits.lance/tree/work"))?;
    fs::remove_file(made.path().join("_graph_commits.lance/_refs/branches/work.json"))?;
    let graph = made.open(OpenMode::ReadWrite).await?;
    let error = load(&graph, LoadMode::Append, "work", &person("Eve")).await.unwrap_err();
    assert!(error.to_string().contains("delete it and make it again"), "{error}");
    assert!(!made.path().join("__recovery").exists() || fs::read_dir(made.path().join("__recovery"))?.count() == 0);
    graph.delete_branch(&"work".parse()?).await?;
    graph.create_branch(&"work".parse()?, &BranchName::main()).await?;
    load(&graph, LoadMode::Append, "work", &person("Eve")).await?;
    Ok(())
}
