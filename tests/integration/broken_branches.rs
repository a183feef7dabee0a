//! Branches that cannot be read: each is one line that says so, can be deleted, and costs nobody else anything.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{BranchName, ErrorKind, OpenMode, Progress};
use stratigraph_tests::folder;
use stratigraph_tests::graph::{TestGraph, branch};

use crate::command_line::{lines, run, text};

const SCHEMA: &str = "node Person { name: String @key }\n";

fn person(name: &str) -> String {
    format!(r#"{{"type":"Person","data":{{"name":"{name}"}}}}"#)
}

/// Three branches off main, each with a row of its own.
async fn base() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("base")).await?;
    for name in ["a", "b", "c/d"] {
        made.branch(name, "main").await?;
        made.load(LoadMode::Append, name, &person(&format!("of {name}"))).await?;
    }
    Ok(made)
}

/// Every path below a folder.
fn paths(root: &Path) -> Result<Vec<PathBuf>> {
    Ok(folder::digest(root)?.into_keys().collect())
}

fn rows(uri: &str, at: &str) -> Result<usize> {
    Ok(text(&["export", uri, "--at", at])?.lines().count())
}

type Damage = fn(&Path) -> std::io::Result<()>;

/// What can happen to branch `b`, and words of the reason.
const DAMAGES: [(&str, Damage, &str); 6] = [
    ("no versions", |root| fs::remove_dir_all(root.join("__manifest/tree/b/_versions")), "its manifest cannot be read"),
    ("no manifest", |root| fs::remove_dir_all(root.join("__manifest/tree/b")), "its manifest cannot be read"),
    ("no commits", |root| fs::remove_dir_all(root.join("_graph_commits.lance/tree/b")), "its commits cannot be read"),
    (
        "no rows of the manifest",
        |root| fs::remove_dir_all(root.join("__manifest/tree/b/data")),
        "its tables cannot be read",
    ),
    (
        "a reference of other words",
        |root| fs::write(root.join("__manifest/_refs/branches/b.json"), "{\"a\": 1}"),
        "reference",
    ),
    ("an empty reference", |root| fs::write(root.join("__manifest/_refs/branches/b.json"), ""), "reference"),
];

#[tokio::test]
async fn a_broken_branch_is_one_line_and_costs_nobody_else_anything() -> Result<()> {
    for (what, damage, reason) in DAMAGES {
        let made = base().await?;
        let (root, uri) = (made.path(), made.uri());
        damage(&root).with_context(|| what.to_owned())?;
        let listed = lines(&["branches", &uri, "--json"])?;
        let broken = |of: &[Value]| -> Vec<(String, bool)> {
            of.iter().map(|it| (it["name"].as_str().unwrap_or_default().to_owned(), it["broken"].is_string())).collect()
        };
        let expected = [("main", false), ("a", false), ("b", true), ("c/d", false)];
        let expected = expected.map(|(name, broken)| (name.to_owned(), broken));
        assert_eq!(broken(&listed), expected, "{what}");
        let told = text(&["branches", &uri])?;
        let marked: Vec<&str> = told.lines().filter(|line| line.contains(reason) && line.starts_with("b ")).collect();
        ensure!(marked.len() == 1, "{what}: {told}");

        // Whoever asks for it is told the same.
        let is_whole = reason != "its manifest cannot be read";
        let data = made.path().with_file_name("data.jsonl");
        fs::write(&data, person("later"))?;
        let data = data.to_string_lossy();
        for asked in [
            &["tables", &uri, "--at", "b"][..],
            &["merge", &uri, "b", "--into", "main", "--preview"],
            &["branch", "create", &uri, "from-b", "--from", "b"],
            &["load", &uri, "--data", &data, "--mode", "append", "--branch", "from-b", "--from", "b"],
        ] {
            let output = run(asked)?;
            let (code, errors) = (output.status.code(), String::from_utf8(output.stderr)?);
            ensure!(code == Some(7) || is_whole && code == Some(0), "{what}: {asked:?}: {code:?} {errors}");
            ensure!(is_whole || errors.contains("branch `b` is broken") && errors.contains(reason), "{what}: {errors}");
        }

        // Where only its commits cannot be read it may have been made.
        run(&["branch", "delete", &uri, "from-b", "--yes"])?;

        // A handle that was open before sees the same.
        assert!(made.graph.head_versions().await?.len() >= 3, "{what}");
        let names: Vec<String> = made.graph.branches().await?.into_iter().map(|it| it.name.to_string()).collect();
        assert_eq!(names.len(), expected.len(), "{what}");
        made.graph.history(&Progress::none()).await?;

        // Reading, making, writing, merging and deleting others.
        assert_eq!((rows(&uri, "main")?, rows(&uri, "a")?), (1, 2), "{what}");
        text(&["branch", "create", &uri, "new"])?;
        text(&["load", &uri, "--data", &data, "--mode", "append", "--branch", "newer", "--from", "main"])?;
        text(&["merge", &uri, "a", "--into", "main"])?;
        text(&["merge", &uri, "newer", "--into", "main", "--delete-source", "--yes"])?;
        text(&["branch", "delete", &uri, "c/d", "--yes"])?;
        assert_eq!(rows(&uri, "main")?, 3, "{what}");

        // It goes, and the next one of its name is clean.
        text(&["branch", "delete", &uri, "b", "--yes"]).with_context(|| what.to_owned())?;
        let is_of_it = |path: &PathBuf| path.ends_with("b") || path.ends_with("b.json");
        let left: Vec<PathBuf> = paths(&root)?.into_iter().filter(is_of_it).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "{what}");
        text(&["branch", "create", &uri, "b"])?;
        text(&["load", &uri, "--data", &data, "--mode", "merge", "--branch", "b"])?;
        assert_eq!(rows(&uri, "b")?, 3, "{what}");
        made.open(OpenMode::ReadWrite).await?;
        made.files().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_broken_branch_is_deleted_by_an_open_handle_that_showed_no_head() -> Result<()> {
    let made = base().await?;
    fs::remove_dir_all(made.path().join("__manifest/tree/b/_versions"))?;
    let found = made.graph.branch(&branch("b")).await?;
    assert!(found.broken.is_some() && found.manifest_version.is_none());
    // Its commits can be read all the same: what is shown is what is there.
    made.graph.delete_branch_at(&branch("b"), None).await?;
    let error = made.graph.branch(&branch("b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("main, a, c/d"), "{error}");
    Ok(())
}

/// A branch whose reference cannot be read still needs the files of the one it was made from.
#[tokio::test]
async fn what_a_damaged_branch_reads_is_not_deleted_under_it() -> Result<()> {
    let made = base().await?;
    made.branch("b2", "b").await?;
    fs::write(made.path().join("__manifest/_refs/branches/b2.json"), "?")?;
    let error = made.graph.delete_branch(&branch("b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(rows(&made.uri(), "b2")?, 2);
    made.graph.delete_branch(&branch("b2")).await?;
    made.graph.delete_branch(&branch("b")).await?;
    Ok(())
}

/// A link to itself stands for a file that the system refuses to read just now: it may come back.
#[tokio::test]
async fn nothing_is_deleted_under_a_branch_that_is_only_out_of_reach() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("base")).await?;
    made.branch("parent", "main").await?;
    made.load(LoadMode::Append, "parent", &person("of parent")).await?;
    made.branch("child", "parent").await?;
    let root = made.path();
    let newest = fs::read_dir(root.join("__manifest/tree/child/_versions"))?
        .map(|file| Ok(file?.path()))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "manifest"))
        .min()
        .context("a version")?;
    let away = root.with_extension("away");
    fs::create_dir(&away)?;
    let hidden = [root.join("__manifest/_refs/branches/child.json"), newest];
    for (number, file) in hidden.iter().enumerate() {
        fs::rename(file, away.join(number.to_string()))?;
        symlink(file, file)?;
    }
    let graph = made.open(OpenMode::ReadWrite).await?;
    let error = graph.delete_branch(&branch("parent")).await.expect_err("child may read it");
    ensure!(error.kind() == ErrorKind::Unavailable, "{error}");
    for (number, file) in hidden.iter().enumerate() {
        fs::remove_file(file)?;
        fs::rename(away.join(number.to_string()), file)?;
    }
    assert_eq!(rows(&made.uri(), "child")?, 2);
    Ok(())
}

#[tokio::test]
async fn a_moved_graph_is_said_to_be_so_once_with_what_follows() -> Result<()> {
    let made = base().await?;
    let (old, new) = (made.path(), made.path().with_file_name("moved"));
    fs::rename(&old, &new)?;
    let uri = new.to_string_lossy().into_owned();
    let output = run(&["branches", &uri])?;
    let told = String::from_utf8(output.stderr)?;
    ensure!(output.status.success(), "{told}");
    assert_eq!(told.matches(&*old.to_string_lossy()).count(), 2, "the place, and that a link there would do: {told}");
    assert_eq!(told.matches("was moved or copied").count(), 1, "{told}");
    assert!(told.contains("3 branches read files") && told.contains("main can"), "{told}");
    let listed = lines(&["branches", &uri, "--json"])?;
    assert_eq!(listed.iter().filter(|line| line["broken"].is_string()).count(), 3, "{listed:#?}");
    // Main goes on, and so do branches that are made here.
    assert_eq!(rows(&uri, "main")?, 1);
    text(&["branch", "create", &uri, "new"])?;
    let data = new.with_file_name("data.jsonl");
    fs::write(&data, person("later"))?;
    let data = data.to_string_lossy();
    text(&["load", &uri, "--data", &data, "--mode", "append", "--branch", "newer", "--from", "main"])?;
    text(&["merge", &uri, "newer", "--into", "main"])?;
    assert_eq!(rows(&uri, "main")?, 2);
    // A link at the old place makes the branches whole again.
    std::os::unix::fs::symlink(&new, &old)?;
    let again = run(&["branches", &uri, "--json"])?;
    assert_eq!(String::from_utf8(again.stderr)?, "", "the link leads here");
    assert!(!String::from_utf8(again.stdout)?.contains("broken"));
    assert_eq!(rows(&uri, "a")?, 2);
    fs::remove_file(&old)?;
    for name in ["a", "b", "c/d"] {
        text(&["branch", "delete", &uri, name, "--yes"])?;
    }
    let output = run(&["branches", &uri])?;
    assert_eq!(String::from_utf8(output.stderr)?, "", "nothing is left that reads the old place");
    Ok(())
}

#[tokio::test]
async fn a_copy_says_that_its_branches_read_the_original() -> Result<()> {
    let made = base().await?;
    let copy = made.path().with_file_name("copy");
    folder::copy(&made.path(), &copy)?;
    let uri = copy.to_string_lossy().into_owned();
    let output = run(&["branches", &uri, "--json"])?;
    let told = String::from_utf8(output.stderr)?;
    assert_eq!(told.matches("was moved or copied").count(), 1, "{told}");
    assert!(told.contains("break when that folder goes"), "{told}");
    assert!(!String::from_utf8(output.stdout)?.contains("broken"), "they can be read");
    assert_eq!(String::from_utf8(run(&["branches", &made.uri()])?.stderr)?, "", "the original is where it was");
    Ok(())
}

#[tokio::test]
async fn names_that_do_not_fit_are_refused_before_anything_is_made() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("base")).await?;
    let before = folder::digest(&made.path())?;
    let long =
        ["a".repeat(212), "功".repeat(15), "é".repeat(22), format!("{}/b", "a".repeat(206)), "x/".repeat(35) + "yy"];
    for name in &long {
        let output = run(&["branch", "create", &made.uri(), name])?;
        let told = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{name}: {told}");
        assert!(told.contains("is too long") && told.contains("211 bytes") || told.contains("at most 211"), "{told}");
    }
    assert!(folder::digest(&made.path())? == before, "a refusal wrote");
    for name in
        ["a".repeat(211), "功".repeat(14), "é".repeat(21), format!("{}/b", "a".repeat(205)), "x/".repeat(35) + "y"]
    {
        made.branch(&name, "main").await.with_context(|| name.clone())?;
        made.load(LoadMode::Append, &name, &person("new")).await.with_context(|| name.clone())?;
        made.files().await?;
        assert_eq!(rows(&made.uri(), &name)?, 2, "{name}");
        made.graph.delete_branch(&branch(&name)).await?;
        let left = paths(&made.path())?;
        let first = name.split('/').next().unwrap_or_default();
        assert!(!left.iter().any(|path| path.ends_with(first)), "{name}: {left:?}");
    }
    Ok(())
}

/// As an interrupted deletion leaves it.
#[tokio::test]
async fn a_branch_without_its_reference_is_gone_and_its_commits_are_told() -> Result<()> {
    let made = base().await?;
    let uri = made.uri();
    fs::remove_file(made.path().join("__manifest/_refs/branches/b.json"))?;
    let errors = |arguments: &[&str]| -> Result<String> {
        let output = run(arguments)?;
        let errors = String::from_utf8(output.stderr)?;
        ensure!(output.status.success(), "{arguments:?}: {errors}");
        Ok(errors)
    };
    let told = errors(&["branches", &uri])?;
    assert!(told.contains("the commits of `b` are still stored") && told.lines().count() == 1, "{told}");
    let other = errors(&["branch", "create", &uri, "other"])?;
    assert!(!other.contains("still stored"), "{other}");
    let told = errors(&["branch", "create", &uri, "b"])?;
    assert!(told.contains("the commits of an earlier branch `b` were still stored; they were removed"), "{told}");
    assert_eq!(rows(&uri, "b")?, rows(&uri, "main")?);
    assert_eq!(errors(&["branches", &uri])?, "");
    Ok(())
}

/// Whatever keeps a reference from being written, it is told as what it is, and nothing of the branch stays.
#[tokio::test]
async fn a_branch_that_cannot_be_made_leaves_nothing_and_says_why() -> Result<()> {
    for dataset in ["__manifest", "_graph_commits.lance"] {
        let made = TestGraph::new(SCHEMA).await?;
        made.load(LoadMode::Append, "main", &person("base")).await?;
        let refs = made.path().join(dataset).join("_refs");
        fs::create_dir_all(&refs)?;
        fs::write(refs.join("branches"), "in the way")?;
        let before: Vec<PathBuf> = paths(&made.path())?.into_iter().filter(|path| path.is_file()).collect();
        let error = made.branch("work", "main").await.unwrap_err();
        let told = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ");
        assert_ne!(error.kind(), ErrorKind::Internal, "{told}");
        assert!(!told.contains("already"), "{told}");
        let after: Vec<PathBuf> = paths(&made.path())?.into_iter().filter(|path| path.is_file()).collect();
        assert_eq!(after, before, "{dataset}");
        fs::remove_file(refs.join("branches"))?;
        made.branch("work", "main").await?;
        made.files().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_refusal_names_the_whole_chain_in_the_order_to_delete() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("base")).await?;
    let names: Vec<String> = (1..=10).map(|number| format!("c{number}")).collect();
    let mut from = "main".to_owned();
    for name in &names {
        made.branch(name, &from).await?;
        from.clone_from(name);
    }
    let order: Vec<String> = names.iter().skip(1).rev().map(|name| format!("`{name}`")).collect();
    for arguments in [
        &["branch", "delete", &made.uri(), "c1", "--yes"][..],
        &["merge", &made.uri(), "c1", "--into", "main", "--delete-source", "--yes"],
    ] {
        let output = run(arguments)?;
        let told = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(4), "{told}");
        assert!(told.contains(&order.join(", ")), "{told}");
    }
    for name in names.iter().rev() {
        made.graph.delete_branch(&branch(name)).await?;
    }
    assert_eq!(made.graph.branch_list().await?, [BranchName::main()]);
    Ok(())
}

/// Several programs make the branch that they load into: one of them does, and all load.
#[tokio::test]
async fn loads_that_make_the_same_branch_at_once_all_load_into_it() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("base")).await?;
    for round in 0..3 {
        let name = format!("x{round}");
        let mut children = Vec::new();
        for number in 0..4 {
            let data = made.path().with_file_name(format!("{number}.jsonl"));
            fs::write(&data, person(&format!("p{number}")))?;
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
            command.args(["load", &made.uri(), "--data", &data.to_string_lossy(), "--mode", "append"]);
            command.args(["--branch", &name, "--from", "main"]);
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
            children.push(command.spawn()?);
        }
        for child in children {
            let ended = child.wait_with_output()?;
            ensure!(ended.status.success(), "{round}: {}", String::from_utf8_lossy(&ended.stderr));
        }
        assert_eq!((rows(&made.uri(), &name)?, rows(&made.uri(), "main")?), (5, 1), "{round}");
    }
    Ok(())
}
