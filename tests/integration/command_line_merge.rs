//! `merge` run as a process without a terminal: previews, decisions, what it makes, and what it refuses.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::write::StopAt;
use stratigraph_engine::{BranchName, Graph, OpenMode, Progress};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder::digest;

use crate::command_line::{lines, run, text};
use crate::command_line_terminal::on_a_terminal;

const SCHEMA: &str =
    "node Person {\n  name: String @key\n  age: I32?\n  city: String?\n}\nedge Knows: Person -> Person\n";
const PEOPLE: &str = r#"{"type":"Person","data":{"name":"Ada","age":36,"city":"Oslo"}}
{"type":"Person","data":{"name":"Grace","age":50,"city":"Oslo"}}
{"type":"Person","data":{"name":"Linus","age":28}}
{"edge":"Knows","from":"Ada","to":"Grace","data":{"id":"k1"}}
"#;

/// A graph with the branch `review`, which was made from main and is equal to it.
pub(crate) struct Stage {
    root: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Result<Self> {
        let stage = Self { root: tempfile::tempdir()? };
        let (schema, people) = (stage.file("s.pg", SCHEMA)?, stage.file("people.jsonl", PEOPLE)?);
        text(&["init", &stage.graph(), "--schema", &schema])?;
        text(&["load", &stage.graph(), "--data", &people, "--mode", "append"])?;
        text(&["branch", "create", &stage.graph(), "review"])?;
        Ok(stage)
    }

    /// Both branches change Ada's age, review deletes Linus whom main changes, Grace is changed in different columns, and
    /// review has Eve.
    fn in_conflict() -> Result<Self> {
        let stage = Self::new()?;
        for (branch, statement) in [
            ("main", r#"update Person set { age: 37 } where name = "Ada""#),
            ("main", r#"update Person set { age: 51 } where name = "Grace""#),
            ("main", r#"update Person set { city: "Helsinki" } where name = "Linus""#),
            ("review", r#"update Person set { age: 38 } where name = "Ada""#),
            ("review", r#"update Person set { city: "Bergen" } where name = "Grace""#),
            ("review", r#"delete Person where name = "Linus""#),
            ("review", r#"insert Person { name: "Eve", age: 1 }"#),
        ] {
            stage.change(branch, statement)?;
        }
        Ok(stage)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn graph(&self) -> String {
        self.path("g")
    }

    fn file(&self, name: &str, content: &str) -> Result<String> {
        fs::write(self.root.path().join(name), content)?;
        Ok(self.path(name))
    }

    pub(crate) fn change(&self, branch: &str, statement: &str) -> Result<()> {
        text(&["mutate", &self.graph(), "-e", &format!("query q() {{ {statement} }}"), "--branch", branch]).map(drop)
    }

    pub(crate) fn merge(&self, arguments: &[&str]) -> Result<Output> {
        run(&[&["merge", &self.graph(), "review", "--into", "main"], arguments].concat())
    }

    /// The lines of a merge, which must end with this code.
    pub(crate) fn merged(&self, code: i32, arguments: &[&str]) -> Result<Vec<Value>> {
        let output = self.merge(&[arguments, &["--json"]].concat())?;
        ensure!(output.status.code() == Some(code), "{:?}: {}", output.status, errors(&output));
        printed(&output).lines().map(|line| serde_json::from_str(line).context(line.to_owned())).collect()
    }

    /// A preview's lines.
    pub(crate) fn preview(&self, code: i32, arguments: &[&str]) -> Result<Vec<Value>> {
        self.merged(code, &[&["--preview"], arguments].concat())
    }

    pub(crate) fn people(&self) -> Result<String> {
        text(&["read", &self.graph(), "Person", "--columns", "name,age,city", "--format", "csv"])
    }

    pub(crate) fn head(&self, branch: &str) -> Result<Value> {
        let commits = lines(&["log", &self.graph(), "--branch", branch, "--limit", "1", "--json"])?;
        commits.into_iter().next().context("there is a commit")
    }

    /// Writes the open conflicts to a file, decides them, and returns its name.
    fn decide(&self, choices: &[(&str, Value)]) -> Result<String> {
        let file = self.path("decisions.json");
        let written = self.merged(2, &["--write-decisions", &file])?;
        assert_eq!(written.last(), Some(&json!({"decisions": file, "undecided": 3})));
        let mut decisions: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        for decision in decisions["decisions"].as_array_mut().context("decisions")? {
            let id = decision["conflict"]["id"].as_str().context("the id of a row")?.to_owned();
            assert_eq!(decision["choice"], Value::Null, "{id} is not decided yet");
            if let Some((_, choice)) = choices.iter().find(|(of, _)| *of == id) {
                decision["choice"] = choice.clone();
            }
        }
        fs::write(&file, decisions.to_string())?;
        Ok(file)
    }
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Kinds and ids of the conflicts among the lines of a plan.
fn conflicts(plan: &[Value]) -> Vec<(&str, &str)> {
    plan.iter().filter_map(|line| Some((line["kind"].as_str()?, line["id"].as_str()?))).collect()
}

#[test]
fn a_preview_says_what_is_merged_and_writes_nothing() -> Result<()> {
    let stage = Stage::new()?;
    let base = stage.head("main")?;
    stage.change("review", r#"insert Person { name: "Eve", age: 1 }"#)?;
    let before = digest(stage.root.path())?;
    let output = stage.merge(&["--preview"])?;
    assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
    let shown = printed(&output);
    let shown: Vec<&str> = shown.lines().collect();
    assert!(shown[0].starts_with("fast forward: review (") && shown[0].contains(") → main ("), "{shown:?}");
    assert!(shown[0].contains("), last common commit "), "{shown:?}");
    assert_eq!(
        shown[1..],
        [
            "",
            "table        change  appends  upserts  deletes",
            "node:Person  delta         1        0        0",
            "1 table unchanged"
        ]
    );
    let plan = stage.preview(0, &[])?;
    assert_eq!(
        plan[0],
        json!({
            "outcome": "fast_forward", "base": base["id"], "source_head": stage.head("review")?["id"],
            "target_head": base["id"], "source": "review", "target": "main", "other_bases": [], "unknown_commits": [],
            "open": 0, "decided": 0, "stale": 0, "idle": 0,
        })
    );
    let table = |table: &str, change: &str, appends: u64, compared: Value| {
        json!({
            "table": table, "change": change, "appends": appends, "upserts": 0, "deletes": 0, "conflicts": 0,
            "compared": compared,
        })
    };
    let tables = [table("edge:Knows", "untouched", 0, Value::Null), table("node:Person", "delta", 1, json!("delta"))];
    assert_eq!(plan[1..], tables);
    assert!(digest(stage.root.path())? == before, "a preview writes nothing");
    Ok(())
}

#[test]
fn a_preview_shows_every_conflict_with_its_three_values() -> Result<()> {
    let stage = Stage::in_conflict()?;
    let before = digest(stage.root.path())?;
    let output = stage.merge(&["--preview"])?;
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    let file = "or with --decisions FILE, which --write-decisions FILE prepares\n";
    assert_eq!(errors(&output), format!("note: decide with --take source, target or cells, {file}"));
    let shown = printed(&output);
    let (sentence, rest) = shown.split_once('\n').context("lines")?;
    assert!(sentence.starts_with("merge: review ("), "{sentence}");
    assert_eq!(
        rest,
        "
table        change   appends  upserts  deletes  conflicts
node:Person  rewrite        1        0        0          3
1 table unchanged

node:Person  DivergentUpdate  Ada  differs in age
  column  base  source  target
  age     36    38      37

node:Person  DivergentUpdate  Grace  differs in age, city (cells can be merged)
  column  base  source  target
  age     50    50      51
  city    Oslo  Bergen  Oslo

node:Person  DeleteVsUpdate  Linus  review deleted it, main changed it
  column  base  source  target
  city    ∅     ╌       Helsinki

3 conflicts are open
"
    );
    let plan = stage.preview(2, &[])?;
    assert_eq!((&plan[0]["outcome"], &plan[0]["open"]), (&json!("merged"), &json!(3)));
    let expected = [("DivergentUpdate", "Ada"), ("DivergentUpdate", "Grace"), ("DeleteVsUpdate", "Linus")];
    assert_eq!(conflicts(&plan), expected);
    let person = |name: &str, age: u8, city: Value| json!({"id": name, "name": name, "age": age, "city": city});
    assert_eq!(
        plan[4],
        json!({
            "table": "node:Person", "kind": "DivergentUpdate", "id": "Grace",
            "reason": "differs in age, city (cells can be merged)", "columns": ["age", "city"], "cell_mergeable": true,
            "caused_by": null, "base": person("Grace", 50, json!("Oslo")), "source": person("Grace", 50, json!("Bergen")),
            "target": person("Grace", 51, json!("Oslo")), "related": [],
        })
    );
    assert_eq!((&plan[5]["source"], &plan[5]["target"]["city"]), (&Value::Null, &json!("Helsinki")));
    assert!(digest(stage.root.path())? == before, "a preview writes nothing");
    Ok(())
}

#[test]
fn a_merge_with_open_conflicts_writes_nothing_and_shows_them() -> Result<()> {
    let stage = Stage::in_conflict()?;
    let preview = printed(&stage.merge(&["--preview"])?);
    let before = digest(stage.root.path())?;
    for arguments in [&[][..], &["--take", "cells"], &["--delete-source"]] {
        let output = stage.merge(arguments)?;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let open = if arguments.contains(&"cells") { 2 } else { 3 };
        let said = errors(&output);
        assert!(
            said.contains(&format!("error: nothing was merged: {open} conflicts are open\n  next: decide")),
            "{said}"
        );
        let words = if arguments.contains(&"cells") { "source or target" } else { "source, target or cells" };
        assert!(said.contains(&format!("decide with --take {words}, or with --decisions")), "{said}");
        assert!(arguments.contains(&"cells") || printed(&output) == preview, "{}", printed(&output));
        assert!(digest(stage.root.path())? == before, "{arguments:?} changed the graph");
    }
    Ok(())
}

#[test]
fn decided_conflicts_are_merged_as_decided_and_merging_again_does_nothing() -> Result<()> {
    let stage = Stage::in_conflict()?;
    let graph = stage.graph();
    let (source, target) = (stage.head("review")?, stage.head("main")?);
    let choices = [("Ada", json!("source")), ("Grace", json!("cells")), ("Linus", json!("keep"))];
    let file = stage.decide(&choices)?;
    let plan = stage.preview(0, &["--decisions", &file])?;
    assert_eq!((&plan[0]["open"], &plan[0]["decided"], &plan[0]["stale"]), (&json!(0), &json!(3), &json!(0)));
    let output = stage.merge(&["--decisions", &file, "--actor", "act-dana", "--json"])?;
    assert_eq!(errors(&output), format!("note: writing to {graph}, branch main, actor act-dana\n"));
    let made: Value = serde_json::from_slice(&output.stdout)?;
    let commit = stage.head("main")?;
    assert_eq!(commit["parents"], json!([target["id"], source["id"]]));
    assert_eq!((&commit["id"], &commit["actor"]), (&made["commit"], &json!("act-dana")));
    assert_eq!(
        (&made["outcome"], &made["branch"], &made["source_deleted"]),
        (&json!("merged"), &json!("main"), &json!(false))
    );
    assert_eq!((&made["source_head"], &made["target_head"]), (&source["id"], &target["id"]));
    assert_eq!((&made["tables"][0]["table"], &made["tables"][0]["rows"]), (&json!("node:Person"), &json!(4)));
    assert_eq!(made["tables"].as_array().map(Vec::len), Some(1));
    let change = &made["changes"][0];
    assert_eq!((&change["appends"], &change["upserts"], &change["deletes"]), (&json!(1), &json!(2), &json!(0)));
    assert_eq!(stage.people()?, "name,age,city\nAda,38,Oslo\nEve,1,\nGrace,51,Bergen\nLinus,28,Helsinki\n");

    let again = stage.merge(&[])?;
    assert_eq!(again.status.code(), Some(0), "{}", errors(&again));
    assert_eq!(printed(&again), "already up to date: main has every commit of review\n");
    assert_eq!(stage.head("main")?, commit);
    let again = stage.merged(0, &[])?;
    assert_eq!((&again[0]["outcome"], &again[0]["commit"]), (&json!("already_up_to_date"), &Value::Null));
    Ok(())
}

#[test]
fn one_rule_settles_what_the_file_leaves_open() -> Result<()> {
    for (take, expected) in [
        ("source", "name,age,city\nAda,40,Oslo\nEve,1,\nGrace,50,Bergen\n"),
        ("target", "name,age,city\nAda,40,Oslo\nEve,1,\nGrace,51,Oslo\nLinus,28,Helsinki\n"),
    ] {
        let stage = Stage::in_conflict()?;
        let file = stage.decide(&[("Ada", json!({"cells": {"age": {"value": 40}}}))])?;
        let output = stage.merge(&["--decisions", &file, "--take", take])?;
        assert!(output.status.success(), "{}", errors(&output));
        let shown = printed(&output);
        assert!(shown.starts_with("commit ") && shown.contains("\nmerge: review → main\n"), "{shown}");
        assert_eq!(stage.people()?, expected, "{take}");
    }
    let stage = Stage::in_conflict()?;
    let plan = stage.preview(2, &["--take", "cells"])?;
    assert_eq!(conflicts(&plan), [("DivergentUpdate", "Ada"), ("DeleteVsUpdate", "Linus")]);
    assert_eq!(plan[0]["decided"], json!(1));
    Ok(())
}

#[test]
fn what_a_decision_breaks_is_said_with_its_name() -> Result<()> {
    let stage = Stage::in_conflict()?;
    stage.change("main", r#"insert Knows { from: "Ada", to: "Linus" }"#)?;
    let plan = stage.preview(2, &["--take", "source"])?;
    let orphan = plan.last().context("a conflict")?;
    assert_eq!((&orphan["kind"], &orphan["caused_by"]), (&json!("OrphanEdge"), &json!("--take source")));
    assert_eq!((&orphan["table"], &orphan["columns"]), (&json!("edge:Knows"), &json!(["dst"])));
    assert_eq!(orphan["related"][0]["id"], json!("Linus"));
    let file = stage.decide(&[("Linus", json!("delete"))])?;
    let output = stage.merge(&["--preview", "--take", "target", "--decisions", &file])?;
    let shown = printed(&output);
    assert!(shown.contains(&format!("its dst `Linus` is not in Person, because of decision 3 of {file}\n")), "{shown}");
    Ok(())
}

#[test]
fn a_decision_that_does_not_fit_is_named_by_its_number_in_the_file() -> Result<()> {
    let stage = Stage::in_conflict()?;
    for (choice, reason) in [
        (json!("keep"), "decision 1 cannot settle the DivergentUpdate of node:Person `Ada` with \"keep\""),
        (json!({"cells": {"height": "source"}}), "decision 1: node:Person `Ada`, height: there is no such column"),
        (json!({"cells": {"age": {"value": "old"}}}), "decision 1: node:Person `Ada`, age: "),
    ] {
        let file = stage.path("decisions.json");
        stage.merge(&["--write-decisions", &file, "--yes"])?;
        let text = fs::read_to_string(&file)?.replacen("\"choice\": null", &format!("\"choice\": {choice}"), 1);
        fs::write(&file, text)?;
        for arguments in [&[][..], &["--take", "target"], &["--take", "target", "--preview"]] {
            let output = stage.merge(&[arguments, &["--decisions", &file]].concat())?;
            assert_eq!(output.status.code(), Some(2), "{choice}, {arguments:?}");
            assert!(errors(&output).contains(reason), "{}", errors(&output));
        }
    }
    Ok(())
}

#[test]
fn decisions_about_rows_that_changed_since_are_stale_and_the_others_hold() -> Result<()> {
    let stage = Stage::in_conflict()?;
    let choices = [("Ada", json!("source")), ("Grace", json!("cells")), ("Linus", json!("keep"))];
    let file = stage.decide(&choices)?;
    stage.change("main", r#"update Person set { age: 39 } where name = "Ada""#)?;
    let plan = stage.preview(2, &["--decisions", &file])?;
    assert_eq!((&plan[0]["open"], &plan[0]["decided"], &plan[0]["stale"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!(plan[3]["stale"], json!(format!("decision 1 of {file}")));
    assert_eq!(conflicts(&plan), [("DivergentUpdate", "Ada")]);
    let output = stage.merge(&["--decisions", &file])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        printed(&output).contains(&format!("decisions that are not used\n  decision 1 of {file}: ")),
        "{}",
        printed(&output)
    );

    // The file is brought up to date: what holds stays decided.
    let renewed = stage.path("renewed.json");
    stage.merged(2, &["--decisions", &file, "--write-decisions", &renewed])?;
    let content: Value = serde_json::from_str(&fs::read_to_string(&renewed)?)?;
    let undecided = content["decisions"].as_array().context("decisions")?.iter().filter(|one| one["choice"].is_null());
    assert_eq!(undecided.map(|one| &one["conflict"]["id"]).collect::<Vec<_>>(), ["Ada"]);
    let output = stage.merge(&["--decisions", &renewed, "--take", "target"])?;
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(stage.people()?, "name,age,city\nAda,39,Oslo\nEve,1,\nGrace,51,Bergen\nLinus,28,Helsinki\n");
    Ok(())
}

#[test]
fn decisions_that_do_nothing_are_said() -> Result<()> {
    let stage = Stage::in_conflict()?;
    let rule = |rule: Value, choice: &str| json!({"rule": rule, "choice": choice});
    let choices = [("Ada", json!("source")), ("Grace", json!("cells")), ("Linus", json!("keep"))];
    let file = stage.decide(&choices)?;
    let mut content: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    let decisions = content["decisions"].as_array_mut().context("decisions")?;
    decisions.push(json!({"conflict": decisions[0]["conflict"], "choice": "target"}));
    decisions.push(rule(json!({"table": "node:Persona"}), "source"));
    decisions.push(rule(json!({"where": "age > 1000"}), "source"));
    fs::write(&file, content.to_string())?;
    let nothing = "no conflict is as it describes";
    let unused =
        [(1, "a later decision is about the same conflict"), (5, "there is no table node:Persona"), (6, nothing)];
    // `--take` may find nothing left to decide.
    let plan = stage.preview(0, &["--decisions", &file, "--take", "source"])?;
    let told: Vec<&Value> = plan.iter().filter(|line| line["idle"].is_string()).collect();
    let expected =
        unused.map(|(number, reason)| json!({"idle": format!("decision {number} of {file}"), "reason": reason}));
    assert_eq!((told, &plan[0]["idle"]), (expected.iter().collect(), &json!(3)));
    let merged = stage.merge(&["--decisions", &file])?;
    for (number, reason) in unused {
        let told = format!("note: decision {number} of {file} is not used: {reason}\n");
        assert!(merged.status.success() && errors(&merged).contains(&told), "{told}: {}", errors(&merged));
    }
    assert_eq!(stage.people()?, "name,age,city\nAda,37,Oslo\nEve,1,\nGrace,51,Bergen\nLinus,28,Helsinki\n");
    Ok(())
}

/// Another program writes to the target after the merge was planned: it is planned again, with the new rows.
#[test]
fn a_merge_is_planned_again_if_a_branch_moves_meanwhile() -> Result<()> {
    for (take, statement, code) in [
        (None, r#"insert Person { name: "Zoe", age: 3 }"#, 0),
        // Decisions hold for rows that are the same.
        (None, r#"update Person set { age: 90 } where name = "Ada""#, 2),
        // A rule was not given for what was not there.
        (Some("source"), r#"update Person set { age: 90 } where name = "Ada""#, 4),
    ] {
        let stage = Stage::in_conflict()?;
        let mut choices = vec![("Grace", json!("cells")), ("Linus", json!("keep"))];
        choices.extend(take.is_none().then(|| ("Ada", json!("source"))));
        let file = stage.decide(&choices)?;
        let hold = stage.file("hold", "")?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
        command.args(["merge", &stage.graph(), "review", "--into", "main", "--decisions", &file]);
        command.args(take.iter().flat_map(|take| ["--take", take]));
        // Sidecars are listed before and while the graph is opened, and when the planned merge begins.
        command.env("STRATIGRAPH_HOLD", format!("recovery.sidecar_list*3={hold}"));
        let merging = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let reached = stage.root.path().join("hold.reached");
        let deadline = Instant::now() + Duration::from_mins(2);
        while !reached.exists() {
            ensure!(Instant::now() < deadline, "it does not begin to merge");
            std::thread::sleep(Duration::from_millis(10));
        }
        stage.change("main", statement)?;
        let before = stage.people()?;
        fs::remove_file(&hold)?;
        let output = merging.wait_with_output()?;
        assert_eq!(output.status.code(), Some(code), "{}{}", printed(&output), errors(&output));
        let again = "note: a branch moved while the merge was planned: it is planned again\n";
        assert!(errors(&output).contains(again), "{}", errors(&output));
        if code == 0 {
            assert_eq!(
                stage.people()?,
                "name,age,city\nAda,38,Oslo\nEve,1,\nGrace,51,Bergen\nLinus,28,Helsinki\nZoe,3,\n"
            );
        } else {
            let told = if code == 2 { printed(&output) } else { errors(&output) };
            let expected = if code == 2 { "node:Person  DivergentUpdate  Ada" } else { "main moved from commit " };
            assert!(told.contains(expected), "{told}");
            assert_eq!(stage.people()?, before, "nothing was merged");
        }
        assert_eq!(fs::read_dir(stage.root.path().join("g/__recovery"))?.count(), 0, "no sidecar is left");
    }
    Ok(())
}

#[test]
fn a_file_of_decisions_is_replaced_after_a_yes() -> Result<()> {
    let stage = Stage::in_conflict()?;
    let file = stage.file("decisions.json", "mine")?;
    let refused = stage.merge(&["--write-decisions", &file])?;
    assert_eq!((refused.status.code(), fs::read_to_string(&file)?.as_str()), (Some(2), "mine"));
    assert!(errors(&refused).contains(&format!("replace {file}?")), "{}", errors(&refused));
    let output = stage.merge(&["--write-decisions", &file, "--yes"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        printed(&output).ends_with(&format!("\nwrote {file} with 3 conflicts to decide\n")),
        "{}",
        printed(&output)
    );
    assert_ne!(fs::read_to_string(&file)?, "mine");
    Ok(())
}

#[test]
fn on_a_terminal_it_asks_and_shows_how_far_it_is() -> Result<()> {
    let stage = Stage::new()?;
    stage.change("review", r#"insert Person { name: "Eve", age: 1 }"#)?;
    let graph = stage.graph();
    let arguments = ["merge", &graph, "review", "--into", "main", "--delete-source"];
    let before = stage.people()?;
    let (code, drawn) = on_a_terminal(&arguments, "n")?;
    assert_eq!((code, stage.people()?), (130, before), "{drawn}");
    assert!(drawn.contains("and delete branch review? [y/N]") && drawn.contains("nothing was changed"), "{drawn}");
    let (code, drawn) = on_a_terminal(&arguments, "y")?;
    assert_eq!(code, 0, "{drawn}");
    for part in ["2/3 compare the rows", "publish", "is main@v5", "deleted branch review which was at commit"] {
        assert!(drawn.contains(part), "{part}: {drawn:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_opening_for_writing_recovers_first() -> Result<()> {
    let stage = Stage::new()?;
    stage.change("review", r#"insert Person { name: "Eve", age: 1 }"#)?;
    let graph = Graph::open(&stage.graph(), OpenMode::ReadWrite).await?;
    let reader = Box::new(&br#"{"type":"Person","data":{"name":"Barbara"}}"#[..]);
    let inputs = vec![Input { name: "test".to_owned(), reader }];
    let request = LoadRequest { mode: LoadMode::Append, branch: BranchName::main(), actor: None, inputs };
    graph.rehearse_load(request, StopAt::Applied, &Progress::none()).await?.context("it was interrupted")?;
    let preview = stage.merge(&["--preview"])?;
    assert_eq!(
        errors(&preview),
        "note: opening for writing recovers 1 write first, and the merge is planned after that: see `recovery plan`\n"
    );
    assert!(printed(&preview).starts_with("fast forward: "), "{}", printed(&preview));
    let output = stage.merge(&[])?;
    assert!(errors(&output).starts_with("note: an interrupted write is settled first: "), "{}", errors(&output));
    assert!(printed(&output).contains("\nmerge: review → main\n"), "{}", printed(&output));
    assert_eq!(stage.people()?, "name,age,city\nAda,36,Oslo\nBarbara,,\nEve,1,\nGrace,50,Oslo\nLinus,28,\n");
    Ok(())
}

#[test]
fn a_wrong_request_is_refused_with_what_to_change() -> Result<()> {
    let stage = Stage::in_conflict()?;
    let graph = stage.graph();
    let broken = stage.file("broken.json", "{\n  \"source\": 1\n}")?;
    let missing = stage.path("nowhere.json");
    for (arguments, code, parts) in [
        (vec!["reveiw", "--into", "main"], 3, vec!["reveiw", "did you mean review?"]),
        (vec!["review", "--into", "mian"], 3, vec!["mian", "did you mean main?"]),
        (vec!["main", "--into", "main"], 2, vec!["cannot merge main into itself"]),
        (
            vec!["review", "--into", "main", "--decisions", &missing],
            3,
            vec!["cannot read ", "nowhere.json", "next: check the path"],
        ),
        (vec!["review", "--into", "main", "--decisions", &broken], 2, vec!["broken.json", "line 2", "column "]),
        (vec!["review", "--into", "main", "--preview", "--delete-source"], 2, vec!["cannot be used with"]),
        (vec!["review"], 2, vec!["--into <TARGET>"]),
    ] {
        for preview in [&[][..], &["--preview"]] {
            if !preview.is_empty() && arguments.contains(&"--preview") {
                continue;
            }
            let output = run(&[&["merge", &graph], arguments.as_slice(), preview].concat())?;
            let said = errors(&output);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
            assert!(parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
        }
    }
    Ok(())
}

#[test]
fn the_conflicts_of_a_graph_of_the_reference_are_found() -> Result<()> {
    let team = Fixture::Team.path()?.to_string_lossy().into_owned();
    let output = run(&["merge", &team, "budget", "--into", "main", "--preview", "--json"])?;
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    let plan: Vec<Value> = printed(&output).lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(conflicts(&plan), [("DeleteVsUpdate", "Linus"), ("DivergentUpdate", "atlas")]);
    Ok(())
}
