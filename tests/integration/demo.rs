//! The sample graph: the same in every run, and everything in it that is promised.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::command_line::{lines, run, text};

/// A sample that goes away at the end of the tests.
struct Made {
    _root: tempfile::TempDir,
    path: String,
}

type Once = OnceLock<Result<Made, String>>;

/// A sample that nobody writes to; it is copied for that.
pub(crate) fn sample() -> Result<&'static str> {
    static MADE: Once = OnceLock::new();
    made_once(&MADE, "tidal")
}

/// Another one. What is asked of one may change the other.
fn other_sample() -> Result<&'static str> {
    static MADE: Once = OnceLock::new();
    made_once(&MADE, "deeper/right")
}

fn made_once(once: &'static Once, name: &str) -> Result<&'static str> {
    let made = once.get_or_init(|| make(name).map_err(|error| format!("{error:#}")));
    made.as_ref().map(|made| made.path.as_str()).map_err(|error| anyhow::anyhow!("{error}"))
}

fn make(name: &str) -> Result<Made> {
    let root = tempfile::tempdir()?;
    let path = root.path().join(name).to_string_lossy().into_owned();
    let output = run(&["demo", &path, "--keep", "--json"])?;
    ensure!(output.status.success(), "the sample was not made at {path}");
    let printed: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(printed, json!({"path": path}));
    Ok(Made { _root: root, path })
}

fn branches(graph: &str) -> Result<Vec<String>> {
    let names = lines(&["branches", graph, "--json"])?;
    names.iter().map(|branch| Ok(branch["name"].as_str().context("a name")?.to_owned())).collect()
}

#[test]
fn two_runs_give_the_same_graph_and_its_interrupted_writes_are_recovered() -> Result<()> {
    let (left, right) = std::thread::scope(|scope| {
        let other = scope.spawn(other_sample);
        (sample(), other.join().expect("what panics fails its own test"))
    });
    let (left, right) = (left?, right?);
    are_equal(left, right)?;
    // Nobody else asks this one anything.
    recovers(right)
}

fn are_equal(left: &str, right: &str) -> Result<()> {
    for question in [&["log", "--json"][..], &["audit", "--json"], &["recovery", "list"], &["recovery", "plan"]] {
        let ask = |graph: &str| {
            let words: Vec<&str> = question.iter().copied().filter(|word| !word.starts_with("--")).collect();
            text(&[&words[..], &[graph], &question[words.len()..]].concat())
        };
        assert_eq!(ask(left)?, ask(right)?, "{question:?}");
    }
    for branch in branches(left)? {
        let export = text(&["export", left, "--at", &branch])?;
        assert!(export.lines().count() > 400, "{branch}");
        assert!(export == text(&["export", right, "--at", &branch])?, "{branch} differs");
    }
    Ok(())
}

fn recovers(graph: &str) -> Result<()> {
    let documents =
        |at: &str| -> Result<usize> { Ok(lines(&["read", graph, "Document", "--at", at, "--json"])?.len()) };
    let people = || -> Result<usize> { Ok(lines(&["read", graph, "Person", "--at", "hiring/q4", "--json"])?.len()) };
    let (before, hired) = (documents("main")?, people()?);
    let done = lines(&["recovery", "run", graph, "--yes", "--json"])?;
    assert_eq!(done.len(), 3);
    assert_eq!((documents("main")?, people()?), (before + 1, hired));
    assert_eq!(text(&["recovery", "list", graph])?, "no interrupted write\n");
    assert_eq!(lines(&["audit", graph, "--json"])?.len(), 6);
    for branch in branches(graph)? {
        for table in lines(&["tables", graph, "--at", &branch, "--json"])? {
            assert!(matches!(table["drift"].as_u64(), None | Some(0)), "{branch}: {table}");
        }
    }
    assert_eq!(run(&["log", graph])?.stderr, b"");
    // A folder that holds something is somebody's.
    let again = run(&["demo", graph, "--keep"])?;
    assert_eq!(again.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"));
    Ok(())
}

#[test]
fn the_sample_holds_what_it_promises() -> Result<()> {
    let graph = sample()?;
    let log = run(&["log", graph, "--json"])?;
    assert_eq!(String::from_utf8_lossy(&log.stderr), "", "nothing of the history is missing");
    let commits = lines(&["log", graph, "--json"])?;
    assert!((290..=310).contains(&commits.len()), "{} commits", commits.len());
    let actors: BTreeSet<&str> = commits.iter().filter_map(|commit| commit["actor"].as_str()).collect();
    assert_eq!(actors.len(), 13, "a dozen and the recovery: {actors:?}");
    let expected = [
        "main",
        "budget/2027",
        "docs/style-guide",
        "experiment/embeddings",
        "hiring/q4",
        "project/tidewater",
        "reorg/platform",
        "reorg/platform-trial",
    ];
    assert_eq!(branches(graph)?, expected);
    let times: Vec<i64> = commits.iter().filter_map(|commit| commit["created_at_micros"].as_i64()).collect();
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "newest first");
    assert_eq!((times[times.len() - 1], times.len()), (1_791_792_000_000_000, commits.len()));

    let audit = lines(&["audit", graph, "--json"])?;
    let kinds: Vec<&str> = audit.iter().filter_map(|row| row["recovery_kind"].as_str()).collect();
    assert_eq!(kinds, ["OrphanedBranchDiscarded", "RolledBack", "RolledForward"]);
    let decisions: Vec<Value> =
        lines(&["recovery", "plan", graph, "--json"])?.into_iter().map(|step| step["decision"].clone()).collect();
    assert_eq!(decisions, ["discard", "roll_forward", "roll_back"]);
    Ok(())
}

/// How a row differs from what it was where a branch began.
fn change(graph: &str, since: &str, branch: &str, table: &str, id: &str) -> Result<Value> {
    let changes = lines(&["diff", graph, since, branch, "--table", table, "--json"])?;
    changes.into_iter().find(|change| change["id"] == id).with_context(|| format!("{id} on {branch}"))
}

#[test]
fn two_branches_cannot_be_merged_without_a_decision() -> Result<()> {
    let graph = sample()?;
    let forked = |branch: &str| -> Result<String> {
        let found = lines(&["branches", graph, "--json"])?.into_iter().find(|found| found["name"] == branch);
        Ok(format!("main@v{}", found.context("the branch")?["forked_at"]))
    };
    let base = forked("budget/2027")?;
    let ours = change(graph, &base, "main", "Project", "tidewater")?;
    let theirs = change(graph, &base, "budget/2027", "Project", "tidewater")?;
    assert_eq!((&ours["columns"], &theirs["columns"]), (&json!(["budget"]), &json!(["budget"])));
    assert_eq!((&ours["after"]["budget"], &theirs["after"]["budget"]), (&json!(480_000.0), &json!(395_000.0)));

    let base = forked("docs/style-guide")?;
    let ours = change(graph, &base, "main", "Document", "travel-guide")?;
    let theirs = change(graph, &base, "docs/style-guide", "Document", "travel-guide")?;
    assert_eq!((&ours["op"], &theirs["op"]), (&json!("updated"), &json!("deleted")));
    Ok(())
}

#[test]
fn without_a_terminal_nothing_is_made() -> Result<()> {
    let root = tempfile::tempdir()?;
    let graph = root.path().join("sample");
    let output = run(&["demo", &graph.to_string_lossy()])?;
    assert_eq!(output.status.code(), Some(6));
    let hint = format!("`stratigraph demo {} --keep`", graph.display());
    assert!(String::from_utf8_lossy(&output.stderr).contains(&hint));
    assert!(!graph.exists());
    let file = root.path().join("file");
    fs::write(&file, "kept")?;
    let output = run(&["demo", &file.to_string_lossy(), "--keep"])?;
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(fs::read_to_string(Path::new(&file))?, "kept");
    Ok(())
}
