//! Records that no writer can have left: each is refused by name, the others are planned and settled, and moving it out frees the
//! graph.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stratigraph_engine::clock::{Clock, SystemClock};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::recovery::Decision;
use stratigraph_engine::{Error, ErrorKind, Graph, OpenMode, Progress};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use stratigraph_tests::graph::{TestGraph, load};

use crate::command_line::{lines, run, text};

/// The reference's killed load: it is rolled forward.
const SOUND: &str = "01M7Y249A1EHFH4MJGAECB534F";
/// Of a record that is put beside it.
const OTHER: &str = "01M7Y249A1EHFH4MJGAECB5A4F";
const PERSON: &str = r#"{"type":"Person","data":{"name":"next"}}"#;

fn sidecar(root: &Path, id: &str) -> PathBuf {
    root.join(format!("__recovery/{id}.json"))
}

/// A copy of the crashed graph.
fn crashed() -> Result<tempfile::TempDir> {
    let copy = tempfile::tempdir()?;
    folder::copy(&Fixture::LoadCrash.path()?, copy.path())?;
    Ok(copy)
}

/// The record of the killed load under another id.
fn record(root: &Path) -> Result<Value> {
    let mut record: Value = serde_json::from_str(&fs::read_to_string(sidecar(root, SOUND))?)?;
    record["operation_id"] = OTHER.into();
    Ok(record)
}

/// One field of it changed, by JSON pointer.
fn with(mut record: Value, pointer: &str, value: Value) -> Vec<u8> {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer has a slash");
    record.pointer_mut(parent).expect("the record has it")[field] = value;
    record.to_string().into_bytes()
}

/// All messages of an error.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

async fn open(root: &Path, mode: OpenMode) -> Result<Graph, Error> {
    Box::pin(Graph::open(&root.to_string_lossy(), mode)).await
}

/// A record that cannot be right: the name of its file, what it holds, and what is said of it.
type Case = (Vec<u8>, Vec<u8>, &'static str);

fn cases(root: &Path) -> Result<Vec<Case>> {
    let of = || record(root);
    let name = || format!("{OTHER}.json").into_bytes();
    let outside = Fixture::Team.path()?.join("nodes/282049f502eac1de");
    let knows = root.join("edges/602a25a3bd0b455b");
    let twice = json!([of()?["tables"][0], of()?["tables"][0]]);
    let added = json!([{ "table_key": "node:Ghost", "table_path": "nodes/0" }]);
    let fields: [(&str, Value, &str); 18] = [
        ("/tables/0/table_key", "node:Ghost".into(), "node:Ghost"),
        ("/tables/1/table_key", "Knows".into(), "it names Knows"),
        ("/tables/0/expected_version", 0.into(), "expects version 0"),
        ("/tables/0/expected_version", 999.into(), "plans 6, which no write does"),
        ("/tables/0/expected_version", u64::MAX.into(), "which no write does"),
        ("/tables/0/expected_version", (-1).into(), "cannot be read"),
        ("/tables/0/post_commit_pin", 0.into(), "plans 0"),
        ("/tables/0/table_path", outside.display().to_string().into(), "nodes/282049f502eac1de"),
        ("/tables/0/table_path", knows.display().to_string().into(), "edges/602a25a3bd0b455b"),
        ("/tables/0/table_path", format!("{}/../nodes/40d76f1f51639ec0", root.display()).into(), "/../"),
        ("/tables/0/table_branch", "side".into(), "on side"),
        ("/tables", twice, "node:Person twice"),
        ("/tables", Value::Null, "cannot be read"),
        ("/merge_source_commit_id", "no commit".into(), "names a merged commit"),
        ("/additional_registrations", added, "adds or drops tables"),
        ("/writer_kind", "Vacuum".into(), "cannot be read"),
        ("/schema_version", 0.into(), "format 0"),
        ("/schema_version", 9.into(), "format 9"),
    ];
    let mut cases = Vec::new();
    for (pointer, value, expected) in fields {
        cases.push((name(), with(of()?, pointer, value), expected));
    }
    let mut beyond = of()?;
    beyond["tables"][0]["expected_version"] = 999.into();
    beyond["tables"][0]["post_commit_pin"] = 1000.into();
    cases.push((name(), beyond.to_string().into_bytes(), "expects version 999 of node:Person"));
    for broken in [&b"{"[..], b"", b"[]", b"\xff\xfe{", b"{\"schema_version\": 2}"] {
        cases.push((name(), broken.to_vec(), "cannot be read"));
    }
    let copy = fs::read(sidecar(root, SOUND))?;
    cases.push((b"copy.json".to_vec(), copy.clone(), "under another name"));
    cases.push((b"01M7Y249A1EHFH4MJGAECB534F (1).json".to_vec(), copy.clone(), "under another name"));
    cases.push((b"copy~#?.json".to_vec(), copy.clone(), "under another name"));
    cases.push((b"caf\xe9.json".to_vec(), copy, "is not UTF-8"));
    Ok(cases)
}

#[tokio::test]
async fn each_is_refused_by_name_the_others_are_settled_and_moving_it_out_frees_the_graph() -> Result<()> {
    let count = cases(crashed()?.path())?.len();
    for number in 0..count {
        let copy = crashed()?;
        let root = copy.path();
        let (name, held, expected) = cases(root)?.swap_remove(number);
        let file = root.join("__recovery").join(OsStr::from_bytes(&name));
        fs::write(&file, &held)?;
        let named = format!("{}, {expected}", file.display());
        Box::pin(one_is_refused(root, (&file, &held), expected)).await.context(named)?;
    }
    Ok(())
}

async fn one_is_refused(root: &Path, (file, held): (&Path, &[u8]), expected: &str) -> Result<()> {
    let before = folder::digest(root)?;
    let graph = open(root, OpenMode::ReadOnly).await?;
    let plan = graph.recovery_plan().await?;
    ensure!(folder::digest(root)? == before, "planning changed the graph");
    ensure!(plan.steps.len() == 2, "{plan:?}");
    let (refused, others): (Vec<_>, Vec<_>) = plan.steps.iter().partition(|step| step.id != SOUND);
    ensure!(others[0].decision == Decision::RollForward, "{others:?}");
    let reason = refused[0].blocked.clone().context("it is not refused")?;
    ensure!(refused[0].decision == Decision::Refuse && reason.contains(expected), "{reason}");
    let id = refused[0].id.clone();
    // What it says of its tables is looked at without going where its paths lead.
    for file in graph.sidecars().await? {
        if let Some(sidecar) = file.readable() {
            graph.observe(sidecar).await?;
        }
    }
    let uri = root.to_string_lossy();
    let listed = lines(&["recovery", "list", &uri, "--json"])?;
    let listed = listed.iter().find(|listed| listed["operation_id"] == json!(id)).context("it is listed")?;
    ensure!(listed["state"] != "readable" && listed["conclusion"].is_null(), "{listed}");
    ensure!(listed["reason"].as_str().is_some_and(|said| said.contains(expected)), "{listed}");
    let error = open(root, OpenMode::ReadWrite).await.err().context("it is opened for writing")?;
    let (kind, text) = (error.kind(), told(&error));
    let command = "`stratigraph recovery quarantine ";
    ensure!(kind == ErrorKind::RecoveryNeeded && text.contains(&format!("__recovery/{id}.json")), "{kind:?}: {text}");
    ensure!(text.contains(expected) && text.contains(command), "{text}");
    ensure!(!sidecar(root, SOUND).exists() && fs::read(file)? == held, "the other one is settled, this one stays");
    ensure!(graph.audit().await?.len() == 1, "one audit row");
    let plan = graph.recovery_plan().await?;
    let again = graph.recover(&plan, Arc::new(SystemClock::default()), &Progress::none()).await;
    let error = again.expect_err("the one that stays is refused again");
    ensure!(error.kind() == ErrorKind::RecoveryNeeded, "{error}");
    let elsewhere = tempfile::tempdir()?;
    let kept = elsewhere.path().join("kept.json");
    graph.quarantine_sidecar(&id, &kept).await?;
    ensure!(fs::read(&kept)? == held && !file.exists(), "it is moved as it is");
    let graph = open(root, OpenMode::ReadWrite).await?;
    load(&graph, LoadMode::Append, "main", PERSON).await?;
    ensure!(graph.audit().await?.len() == 1, "nothing is recorded of what was moved out");
    Ok(())
}

#[tokio::test]
async fn a_handle_that_is_open_refuses_to_write_by_name_too() -> Result<()> {
    let made = TestGraph::new("node Person { name: String @key }\nnode Note { body: String }\n").await?;
    fs::create_dir_all(made.path().join("__recovery"))?;
    let path = made.path().join("nodes/40d76f1f51639ec0").display().to_string();
    let ghost = json!({
        "schema_version": 2, "operation_id": OTHER, "started_at": "1795231458625990", "branch": null, "actor_id": null,
        "writer_kind": "Load",
        "tables": [{ "table_key": "node:Ghost", "table_path": path, "expected_version": 5, "post_commit_pin": 6 }],
    });
    let file = sidecar(&made.path(), OTHER);
    fs::write(&file, ghost.to_string())?;
    let before = folder::digest(&made.path())?;
    let failures = [
        made.load(LoadMode::Append, "main", PERSON).await.err(),
        made.branch("work", "main").await.err(),
        made.graph.refresh().await.err(),
    ];
    for error in failures {
        let text = told(&error.context("it is blocked")?);
        assert!(text.contains(OTHER) && text.contains("node:Ghost") && text.contains("recovery quarantine"), "{text}");
    }
    assert!(folder::digest(&made.path())? == before, "nothing was written");
    let elsewhere = tempfile::tempdir()?;
    made.graph.quarantine_sidecar(OTHER, &elsewhere.path().join("kept.json")).await?;
    made.load(LoadMode::Append, "main", PERSON).await?;
    Ok(())
}

#[tokio::test]
async fn a_branch_that_cannot_be_read_keeps_its_record_and_nothing_else() -> Result<()> {
    for (lost, is_foreseen) in [("__manifest", true), ("_graph_commits.lance", false)] {
        Box::pin(one_branch_waits(lost, is_foreseen)).await.context(lost)?;
    }
    Ok(())
}

async fn one_branch_waits(lost: &str, is_foreseen: bool) -> Result<()> {
    let copy = crashed()?;
    let root = copy.path();
    let mut of_side = record(root)?;
    of_side["branch"] = "side".into();
    for table in of_side["tables"].as_array_mut().context("tables")? {
        table["table_branch"] = "side".into();
    }
    fs::write(sidecar(root, OTHER), of_side.to_string())?;
    fs::remove_dir_all(root.join(lost).join("tree/side/_versions"))?;
    let graph = open(root, OpenMode::ReadOnly).await?;
    let plan = graph.recovery_plan().await?;
    let step = plan.steps.iter().find(|step| step.id == OTHER).context("it is planned")?;
    if is_foreseen {
        assert_eq!(step.decision, Decision::Wait);
        assert!(step.blocked.as_ref().is_some_and(|reason| reason.contains("cannot be looked at")), "{step:?}");
    }
    // Nor to look at the others.
    let uri = root.to_string_lossy();
    let listed = lines(&["recovery", "list", &uri, "--json"])?;
    assert!([OTHER, SOUND].iter().all(|id| listed.iter().any(|it| it["operation_id"] == *id)), "{listed:?}");
    text(&["recovery", "show", &uri, OTHER])?;
    // What is the matter with one branch is no reason not to write to another.
    let graph = open(root, OpenMode::ReadWrite).await?;
    load(&graph, LoadMode::Append, "main", PERSON).await?;
    assert!(sidecar(root, OTHER).exists() && !sidecar(root, SOUND).exists());
    let plan = graph.recovery_plan().await?;
    let error = graph.recover(&plan, Arc::new(SystemClock::default()), &Progress::none()).await;
    let error = error.expect_err("one cannot be settled");
    assert!(error.kind() == ErrorKind::RecoveryNeeded && told(&error).contains(OTHER), "{error}");
    assert!(told(&error).contains("writing elsewhere goes on"), "{error}");
    Ok(())
}

/// What a command says on standard error.
fn errors(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_copy_of_a_roll_back_is_foreseen_or_refused_and_the_run_gets_to_its_end() -> Result<()> {
    for (name, own_id) in [(OTHER, true), (OTHER, false), ("zz copy", false), ("00 copy", false)] {
        let copy = crashed()?;
        let (root, graph) = (copy.path(), copy.path().to_string_lossy().into_owned());
        let text_of =
            fs::read_to_string(sidecar(root, SOUND))?.replace("\"post_commit_pin\": 6", "\"post_commit_pin\": 7");
        fs::write(sidecar(root, SOUND), &text_of)?;
        let copied = if own_id { text_of.replace(SOUND, OTHER) } else { text_of };
        fs::write(sidecar(root, name), copied)?;
        let planned: Vec<Value> =
            lines(&["recovery", "plan", &graph, "--json"])?.into_iter().map(|step| step["decision"].clone()).collect();
        let ran = run(&["recovery", "run", &graph, "--yes", "--json"])?;
        let done: Vec<Value> = String::from_utf8(ran.stdout.clone())?
            .lines()
            .map(|line| Ok(serde_json::from_str::<Value>(line)?["decision"].clone()))
            .collect::<Result<_>>()?;
        if own_id {
            assert_eq!(planned, [json!("roll_back"), json!("stale_after_roll_back")]);
            assert_eq!((ran.status.code(), done), (Some(0), planned), "{}", errors(&ran));
            continue;
        }
        assert!(planned.contains(&json!("roll_back")) && planned.contains(&json!("refuse")), "{planned:?}");
        assert_eq!((ran.status.code(), done), (Some(5), vec![json!("roll_back")]), "{}", errors(&ran));
        assert!(errors(&ran).contains(&format!("__recovery/{name}.json blocks writing")), "{}", errors(&ran));
        assert!(sidecar(root, name).exists() && !sidecar(root, SOUND).exists());
    }
    Ok(())
}

#[test]
fn the_command_line_names_the_file_and_the_command_that_frees_the_graph() -> Result<()> {
    let copy = crashed()?;
    let (root, graph) = (copy.path(), copy.path().to_string_lossy().into_owned());
    let ghost = with(record(root)?, "/tables/0/table_key", "node:Ghost".into());
    fs::write(sidecar(root, OTHER), &ghost)?;
    let shown = text(&["recovery", "plan", &graph])?;
    assert!(shown.contains("it names node:Ghost, which main does not have"), "{shown}");
    let data = root.with_extension("jsonl");
    fs::write(&data, PERSON)?;
    let data = data.to_string_lossy().into_owned();
    let load = ["load", &graph, "--data", &data, "--mode", "append"];
    let output = run(&load)?;
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(5), "{said}");
    let command = format!("`stratigraph recovery quarantine {graph} {OTHER}` moves it out of the graph");
    assert!(said.contains(&command), "{said}");
    let elsewhere = tempfile::tempdir()?;
    let folder = elsewhere.path().to_string_lossy().into_owned();
    let inside = run(&["recovery", "quarantine", &graph, OTHER, &format!("{graph}/kept.json")])?;
    assert_eq!(inside.status.code(), Some(2), "{}", errors(&inside));
    let moved = text(&["recovery", "quarantine", &graph, "B5A4F", &folder])?;
    let target = elsewhere.path().join(format!("{OTHER}.json"));
    assert_eq!(moved, format!("{OTHER}  moved to {}\n", target.display()));
    assert_eq!(fs::read(&target)?, ghost);
    let output = run(&load)?;
    fs::remove_file(&data)?;
    assert!(output.status.success(), "{}", errors(&output));
    Ok(())
}

#[test]
fn moving_a_copy_out_says_which_file_recovery_goes_by() -> Result<()> {
    let copy = crashed()?;
    let (root, graph) = (copy.path(), copy.path().to_string_lossy().into_owned());
    fs::copy(sidecar(root, SOUND), sidecar(root, OTHER))?;
    let elsewhere = tempfile::tempdir()?;
    let output = run(&["recovery", "quarantine", &graph, OTHER, &elsewhere.path().to_string_lossy()])?;
    let said = errors(&output);
    assert!(
        output.status.success() && said.contains(&format!("by __recovery/{SOUND}.json, if that is there")),
        "{said}"
    );
    assert!(!said.contains("does not know"), "{said}");
    Ok(())
}

#[test]
fn what_may_belong_to_a_live_writer_is_marked_in_the_plan() -> Result<()> {
    let copy = crashed()?;
    let (root, graph) = (copy.path(), copy.path().to_string_lossy().into_owned());
    let marks = || -> Result<Vec<Value>> {
        let steps = lines(&["recovery", "plan", &graph, "--json"])?;
        Ok(steps.into_iter().map(|step| step["may_be_live"].clone()).collect())
    };
    let mut sound: Value = serde_json::from_str(&fs::read_to_string(sidecar(root, SOUND))?)?;
    sound["started_at"] = "1750310400123456".into();
    fs::write(sidecar(root, SOUND), sound.to_string())?;
    let old = text(&["recovery", "plan", &graph])?;
    assert!(marks()? == [json!(false)] && !old.contains("live writer"), "{old}");
    let now = SystemClock::default().now_micros();
    fs::write(sidecar(root, OTHER), with(record(root)?, "/started_at", now.to_string().into()))?;
    let shown = text(&["recovery", "plan", &graph])?;
    assert_eq!(marks()?, [json!(false), json!(true)]);
    let marked: Vec<&str> = shown.lines().filter(|line| line.contains("! may belong to a live writer")).collect();
    assert!(matches!(&marked[..], [line] if line.starts_with(OTHER)), "{shown}");
    Ok(())
}
