//! Long histories: the internal tables stay in few files, and nothing else changes by that.

use std::collections::BTreeSet;

use anyhow::Result;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{CommitId, OpenMode, Progress};
use stratigraph_tests::graph::{TestGraph, branch, load};
use stratigraph_tests::reader::{self, GraphFiles};

const SCHEMA: &str = "node Event { name: String @key }\n";
const INTERNAL: [&str; 3] = ["__manifest", "_graph_commits.lance", "_graph_commit_actors.lance"];

fn event(number: u64) -> String {
    format!(r#"{{"type":"Event","data":{{"name":"{number}"}}}}"#)
}

async fn files(files: &GraphFiles, path: &str, lineage: Option<&str>) -> Result<usize> {
    Ok(reader::open(&files.root.join(path), lineage).await?.fragments().len())
}

/// The commits of a branch, newest first, with the version each shows.
async fn line(made: &TestGraph, of: &str) -> Result<Vec<(String, u64)>> {
    let graph = made.open(OpenMode::ReadOnly).await?;
    let history = graph.history(&Progress::none()).await?;
    assert!(history.problems().is_empty(), "{:?}", history.problems());
    let commits = history.first_parents(history.heads()[&branch(of)]);
    Ok(commits.map(|commit| (commit.id.to_string(), commit.manifest_version.get())).collect())
}

#[tokio::test]
async fn a_hundred_commits_are_put_together_and_read_as_before() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let mut last = 0;
    let mut number = 0;
    while last < 99 {
        last = made.load(LoadMode::Append, "main", &event(number)).await?.unwrap();
        number += 1;
        if last == 40 {
            made.branch("side", "main").await?;
            made.load(LoadMode::Append, "side", &event(1_000)).await?;
        }
    }
    let (main, side) = (line(&made, "main").await?, line(&made, "side").await?);
    let before = made.files().await?;
    assert!(files(&before, "__manifest", None).await? > 90);

    let hundredth = made.load(LoadMode::Append, "main", &event(number)).await?;
    assert_eq!(hundredth, Some(100));
    let after = made.files().await?;
    for path in INTERNAL {
        assert_eq!(files(&after, path, None).await?, 1, "{path}");
    }
    assert_eq!(after.branches["main"].tables, {
        let mut tables = before.branches["main"].tables.clone();
        let pin = &after.branches["main"].tables["node:Event"];
        assert_eq!(pin.rows, number + 1);
        tables.insert("node:Event".to_owned(), pin.clone());
        tables
    });
    let rows = |of: &GraphFiles| -> BTreeSet<String> {
        of.branches["main"].manifest.iter().chain(&of.branches["main"].commits).map(|row| format!("{row:?}")).collect()
    };
    assert!(rows(&after).is_superset(&rows(&before)), "no row is lost or changed");
    assert_eq!(rows(&after).len(), rows(&before).len() + 2, "one version of the table and one commit are new");
    assert_eq!(after.branches["side"].manifest, before.branches["side"].manifest);
    assert_eq!(line(&made, "main").await?[1..], main);
    assert_eq!(line(&made, "side").await?, side);

    // The versions that the files were put together in show what the hundredth commit shows.
    let graph = made.open(OpenMode::ReadOnly).await?;
    let newest = graph.head_versions().await?[&branch("main")];
    assert!(newest.get() > 100, "files were put together");
    let head: CommitId = line(&made, "main").await?[0].0.parse()?;
    for at in ["main".to_owned(), head.to_string(), format!("main@v{newest}")] {
        let position = graph.resolve(&at.parse()?).await?;
        assert_eq!((position.commit, position.is_head), (Some(head), true), "{at}");
    }
    assert!(!graph.resolve(&"main@v99".parse()?).await?.is_head);
    made.graph.create_branch_at(&branch("there"), &format!("main@v{newest}").parse()?).await?;

    // A handle that saw none of it goes on, and so does a branch from before.
    for number in 2_000..2_002 {
        load(&made.graph, LoadMode::Append, "main", &event(number)).await?;
        load(&made.graph, LoadMode::Append, "side", &event(number)).await?;
    }
    made.branch("late", "main").await?;
    made.load(LoadMode::Append, "late", &event(3_000)).await?;
    let graph = made.open(OpenMode::ReadWrite).await?;
    load(&graph, LoadMode::Merge, "main", &event(0)).await?;
    let end = made.files().await?;
    assert_eq!(reader::broken_rules(&end).await?, []);
    assert_eq!(end.ids("main", "node:Event").await?.len() as u64, number + 3);
    assert_eq!(end.ids("late", "node:Event").await?.len() as u64, number + 4);
    assert_eq!(end.ids("side", "node:Event").await?.len(), 37 + 3, "the versions 4 to 40, and three of its own");
    assert_eq!(line(&made, "main").await?.len(), main.len() + 4);
    assert_eq!(line(&made, "side").await?.len(), side.len() + 2);
    assert_eq!(line(&made, "there").await?, line(&made, "main").await?[3..]);
    Ok(())
}

#[tokio::test]
async fn a_branch_is_put_together_as_main_is_and_so_are_the_actors_of_those_who_write_to_branches() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &event(0)).await?;
    made.branch("side", "main").await?;
    let (mut last, mut number) = (0, 1);
    while last < 99 {
        last = made.load(LoadMode::Append, "side", &event(number)).await?.unwrap();
        number += 1;
    }
    let (main, side, before) = (line(&made, "main").await?, line(&made, "side").await?, made.files().await?);
    assert!(files(&before, "__manifest", Some("side")).await? > 90);

    assert_eq!(made.load(LoadMode::Append, "side", &event(number)).await?, Some(100));
    let after = made.files().await?;
    for path in ["__manifest", "_graph_commits.lance"] {
        assert_eq!(files(&after, path, Some("side")).await?, 1, "{path}");
        assert_eq!(files(&after, path, None).await?, files(&before, path, None).await?, "{path} of main");
    }
    let rows = |of: &GraphFiles| -> BTreeSet<String> {
        of.branches["side"].manifest.iter().chain(&of.branches["side"].commits).map(|row| format!("{row:?}")).collect()
    };
    assert!(rows(&after).is_superset(&rows(&before)), "no row is lost or changed");
    assert_eq!(rows(&after).len(), rows(&before).len() + 2, "one version of the table and one commit are new");
    assert_eq!(line(&made, "side").await?[1..], side);
    assert_eq!(line(&made, "main").await?, main);

    for more in 1..=5 {
        made.load(LoadMode::Append, "side", &event(number + more)).await?;
    }
    let actors = files(&made.files().await?, "_graph_commit_actors.lance", None).await?;
    assert!(actors <= 6, "{actors} files");
    Ok(())
}
