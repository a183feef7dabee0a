//! `mutate` run as a process without a terminal: what it prints, where, and how it ends.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use anyhow::Result;
use serde_json::{Value, json};

use crate::command_line::{lines, run, text};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nedge Knows: Person -> Person\n";
const PEOPLE: &str = r#"{"type":"Person","data":{"name":"Ada","age":36}}
{"type":"Person","data":{"name":"Grace"}}
{"edge":"Knows","from":"Ada","to":"Grace","data":{"id":"k1"}}
"#;
const QUERIES: &str = "query hire($name: String, $friend: String, $age: I32?) {\n  insert Person { name: $name, age: $age }\n  \
    insert Knows { from: $friend, to: $name }\n}\n\nquery leave($name: String) {\n  delete Person where name = $name\n}\n";

struct Stage {
    root: tempfile::TempDir,
}

impl Stage {
    fn new() -> Result<Self> {
        let stage = Self { root: tempfile::tempdir()? };
        for (name, content) in [("s.pg", SCHEMA), ("people.jsonl", PEOPLE), ("people.gq", QUERIES)] {
            fs::write(stage.root.path().join(name), content)?;
        }
        text(&["init", &stage.path("g"), "--schema", &stage.path("s.pg")])?;
        text(&["load", &stage.path("g"), "--data", &stage.path("people.jsonl"), "--mode", "append"])?;
        Ok(stage)
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_string_lossy().into_owned()
    }

    fn mutate(&self, arguments: &[&str]) -> Result<Output> {
        run(&[&["mutate", &self.path("g")], arguments].concat())
    }

    fn query(&self, name: &str, params: &str, arguments: &[&str]) -> Result<Output> {
        self.mutate(&[&["--query", &self.path("people.gq"), "--name", name, "--params", params], arguments].concat())
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_mutation_prints_the_commit_it_made_and_what_it_affected() -> Result<()> {
    let stage = Stage::new()?;
    let graph = stage.path("g");
    let hire = r#"{"name": "Linus", "friend": "Ada", "age": 28}"#;
    let output = stage.query("hire", hire, &["--actor", "act-dana", "--json"])?;
    assert_eq!(errors(&output), format!("note: writing to {graph}, branch main, actor act-dana\n"));
    let made: Value = serde_json::from_slice(&output.stdout)?;
    let commit = lines(&["log", &graph, "--limit", "1", "--json"])?.remove(0);
    assert_eq!(commit["actor"], json!("act-dana"));
    let table = |table: &str, rows: u64| json!({"table": table, "version": 3, "rows": rows, "records": 1});
    assert_eq!(
        made,
        json!({
            "commit": commit["id"], "branch": "main", "manifest_version": 5,
            "tables": [table("edge:Knows", 2), table("node:Person", 3)], "affected_nodes": 1, "affected_edges": 1,
        })
    );
    let output = stage.query("leave", r#"{"name": "Ada"}"#, &[])?;
    let printed = String::from_utf8(output.stdout)?;
    let printed: Vec<&str> = printed.lines().collect();
    assert!(printed[0].starts_with("commit ") && printed[0].ends_with(" is main@v6"), "{printed:?}");
    assert_eq!(
        printed[1..],
        [
            "table        version  rows  records",
            "edge:Knows         4     0        2",
            "node:Person        4     2        1",
            "1 node and 2 edges affected"
        ]
    );
    let nothing = stage.query("leave", r#"{"name": "Nobody"}"#, &[])?;
    assert_eq!(
        String::from_utf8(nothing.stdout)?,
        "there was nothing to write: no commit was made\n0 nodes and 0 edges affected\n"
    );
    Ok(())
}

#[test]
fn a_text_may_be_an_argument_or_standard_input_and_a_branch_is_changed_alone() -> Result<()> {
    let stage = Stage::new()?;
    let graph = stage.path("g");
    text(&["branch", "create", &graph, "review"])?;
    let output = stage.mutate(&[
        "-e",
        "query q() { update Person set { age: 37 } where name = \"Ada\" }",
        "--branch",
        "review",
    ])?;
    assert!(output.status.success(), "{}", errors(&output));
    let mut child = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"))
        .args(["mutate", &graph, "--query", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(b"query q() { update Person set { age: 1 } where name = \"Grace\" }")?;
    assert!(child.wait()?.success());
    let ages = |at: &str| text(&["read", &graph, "Person", "--at", at, "--columns", "age", "--format", "csv"]);
    assert_eq!(ages("main")?, "age\n36\n1\n");
    assert_eq!(ages("review")?, "age\n37\n\n");
    Ok(())
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_the_exit_code_of_its_kind() -> Result<()> {
    let stage = Stage::new()?;
    let note = format!("note: writing to {}, branch main, no actor\n", stage.path("g"));
    for (arguments, code, message) in [
        (
            vec!["-e", "query q() {\n\tupdate Person set { aeg: 37 } where name = \"Ada\"\n}"],
            2,
            format!(
                "{note}error: cannot read the text after -e: line 2, column 22: Person has no property aeg; did you mean age?\n    \
                 2 |     update Person set {{ aeg: 37 }} where name = \"Ada\"\n      |                         ^\n"
            ),
        ),
        (
            vec!["-e", "query q($n: String) { delete Person where name = $n }", "--params", "{\"n\": 1}"],
            2,
            format!("{note}error: parameter $n: a text is expected, not 1\n"),
        ),
        (
            vec!["-e", "query q() { insert Knows { from: \"Ada\", to: \"Eve\" } }"],
            2,
            format!(
                "{note}error: nothing was changed:\n    statement 1 (line 1: insert Knows): Knows: dst `Eve` not found in Person\n"
            ),
        ),
        (
            vec!["-e", "query q() { delete Person where age = 1 }", "--params", "[1]"],
            2,
            "error: --params takes a JSON object like {\"name\": \"Ada\"}: invalid type: sequence, expected a map at line 1 \
             column 0\n"
                .to_owned(),
        ),
    ] {
        let output = stage.mutate(&arguments)?;
        assert_eq!((output.status.code(), errors(&output)), (Some(code), message), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
    let missing = stage.mutate(&["--query", "nowhere.gq"])?;
    assert_eq!(missing.status.code(), Some(3), "{}", errors(&missing));
    let both = stage.mutate(&["--query", "a.gq", "-e", "query q() { }"])?;
    assert_eq!(both.status.code(), Some(2), "{}", errors(&both));
    Ok(())
}
