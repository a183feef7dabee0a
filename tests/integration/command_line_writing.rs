//! The commands that write, run as processes without a terminal: what they make, refuse and say.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder::{self, digest};

use crate::command_line::{lines, run, text};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n  @range(age, 0..150)\n}\n\
    edge Knows: Person -> Person {\n  since: Date?\n}\n";

const PEOPLE: &str = r#"{"type":"Person","data":{"name":"Ada","age":36}}
{"type":"Person","data":{"name":"Grace"}}
{"edge":"Knows","from":"Ada","to":"Grace","data":{"id":"e1","since":"2026-05-02"}}
"#;

/// A folder with a graph, and files to load beside it.
struct Stage {
    root: tempfile::TempDir,
}

impl Stage {
    fn new(schema: &str) -> Result<Self> {
        let stage = Self { root: tempfile::tempdir()? };
        let schema = stage.file("schema.pg", schema)?;
        text(&["init", &stage.graph(), "--schema", &schema])?;
        Ok(stage)
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_string_lossy().into_owned()
    }

    fn graph(&self) -> String {
        self.path("g")
    }

    fn file(&self, name: &str, content: &str) -> Result<String> {
        fs::write(self.root.path().join(name), content)?;
        Ok(self.path(name))
    }

    fn load(&self, data: &str, arguments: &[&str]) -> Result<Output> {
        let file = self.file("data.jsonl", data)?;
        run(&[&["load", &self.graph(), "--data", &file], arguments].concat())
    }

    /// Loads what must be accepted; the commit that was made.
    fn loaded(&self, data: &str, arguments: &[&str]) -> Result<Value> {
        let output = self.load(data, &[arguments, &["--json"]].concat())?;
        ensure!(output.status.success(), "{}", errors(&output));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn export(&self, at: &str) -> Result<String> {
        text(&["export", &self.graph(), "--at", at])
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The text that the reference exports.
fn expected_export(fixture: Fixture, branch: &str) -> Result<String> {
    let records = fixture.expected_export(branch)?;
    Ok(records.iter().map(|record| format!("{record}\n")).collect::<Vec<_>>().concat())
}

/// The newest commit that `log` shows of a branch.
fn head(graph: &str, branch: &str) -> Result<Value> {
    let commits = lines(&["log", graph, "--branch", branch, "--limit", "1", "--json"])?;
    commits.into_iter().next().context("there is a commit")
}

#[test]
fn a_new_graph_is_loaded_and_each_command_prints_the_commit_it_made() -> Result<()> {
    let root = tempfile::tempdir()?;
    let (graph, schema) = (root.path().join("deep/g"), root.path().join("s.pg"));
    fs::write(&schema, SCHEMA)?;
    let (graph, schema) = (graph.to_string_lossy(), schema.to_string_lossy());
    let made = lines(&["init", &graph, "--schema", &schema, "--json"])?.remove(0);
    let genesis = head(&graph, "main")?;
    let empty = |table: &str| json!({"table": table, "version": 1, "rows": 0});
    assert_eq!(
        made,
        json!({
            "commit": genesis["id"], "branch": "main", "manifest_version": 3,
            "tables": [empty("edge:Knows"), empty("node:Person")],
        })
    );

    let data = root.path().join("people.jsonl");
    fs::write(&data, PEOPLE)?;
    let data = data.to_string_lossy();
    let output = run(&["load", &graph, "--data", &data, "--mode", "append", "--actor", "act-dana", "--json"])?;
    assert_eq!(errors(&output), format!("note: writing to {graph}, branch main, actor act-dana\n"));
    let made: Value = serde_json::from_slice(&output.stdout)?;
    let commit = head(&graph, "main")?;
    assert_eq!((&commit["actor"], &commit["parents"][0]), (&json!("act-dana"), &genesis["id"]));
    assert_eq!(
        made,
        json!({
            "commit": commit["id"], "branch": "main", "manifest_version": 4,
            "tables": [
                {"table": "edge:Knows", "version": 2, "rows": 1, "records": 1},
                {"table": "node:Person", "version": 2, "rows": 2, "records": 2},
            ],
        })
    );
    let expected = r#"{"edge":"Knows","from":"Ada","to":"Grace","data":{"id":"e1","since":20575}}
{"type":"Person","data":{"id":"Ada","age":36,"name":"Ada"}}
{"type":"Person","data":{"id":"Grace","age":null,"name":"Grace"}}
"#;
    assert_eq!(text(&["export", &graph])?, expected);
    assert_eq!(
        text(&["export", &graph, "--table", "Knows"])?,
        expected.lines().next().unwrap_or_default().to_owned() + "\n"
    );
    assert_eq!(text(&["export", &graph, "--at", "v3"])?, "", "before the load");
    Ok(())
}

#[test]
fn an_export_is_what_the_reference_exports_and_loads_into_an_equal_graph() -> Result<()> {
    let team = Fixture::Team.path()?.to_string_lossy().into_owned();
    for branch in ["main", "budget", "feature/hiring", "experiment/vectors"] {
        let expected = expected_export(Fixture::Team, branch)?;
        assert!(!expected.is_empty());
        assert_eq!(text(&["export", &team, "--at", branch])?, expected, "{branch}");
        let stage = Stage::new(&text(&["schema", &team])?)?;
        stage.loaded(&expected, &["--mode", "overwrite"])?;
        assert_eq!(stage.export("main")?, expected, "{branch}, loaded again");
    }
    Ok(())
}

#[test]
fn every_type_of_value_comes_back_as_it_was_exported() -> Result<()> {
    let schema = "node T {\n  b: Bool?\n  d: Date?\n  f: F64?\n  g: F32?\n  i: I64?\n  k: String @key\n  l: [I32]?\n  \
        m: DateTime?\n  o: Blob?\n  s: String?\n  t: [String]?\n  u: U64?\n  v: Vector(2)?\n  x: enum(no, yes)?\n}\n";
    let rows = [
        r#"{"type":"T","data":{"k":"full","b":false,"d":"1969-12-31","f":0.1,"g":0.1,"i":-9223372036854775808,"l":[1,null,-2147483648],"m":"2026-05-02T09:14:03.250","o":"base64:aGkA","s":"","t":["","a\"b\n日"],"u":18446744073709551615,"v":[0.1,-2.0],"x":"yes"}}"#,
        r#"{"type":"T","data":{"k":"empty"}}"#,
        r#"{"type":"T","data":{"k":"edges","b":true,"d":0,"f":1e300,"l":[],"m":0,"o":"base64:","t":[],"u":0,"i":0}}"#,
    ];
    let (one, two) = (Stage::new(schema)?, Stage::new(schema)?);
    one.loaded(&rows.join("\n"), &["--mode", "append"])?;
    let exported = one.export("main")?;
    let records: Vec<Value> = exported.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let full = &records[2]["data"];
    for (column, value) in [
        ("id", json!("full")),
        ("d", json!(-1)),
        ("i", json!(i64::MIN)),
        ("u", json!(u64::MAX)),
        ("l", json!([1, null, i32::MIN])),
        ("o", json!("base64:aGkA")),
        ("s", json!("")),
        ("m", json!("2026-05-02T09:14:03.250")),
        ("g", json!(f64::from(0.1_f32))),
    ] {
        assert_eq!(full[column], value, "{column}");
    }
    assert_eq!(
        records[1]["data"].as_object().map(|data| data.values().filter(|value| value.is_null()).count()),
        Some(13)
    );
    two.loaded(&exported, &["--mode", "overwrite"])?;
    assert_eq!(two.export("main")?, exported);
    Ok(())
}

/// Starts a load that reads standard input.
fn load_of_standard_input(graph: &str, arguments: &[&str]) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    command.args(["load", graph, "--data", "-"]).args(arguments);
    Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

#[test]
fn standard_input_goes_into_a_branch_that_is_made_first() -> Result<()> {
    let stage = Stage::new(SCHEMA)?;
    stage.loaded(PEOPLE, &["--mode", "append"])?;
    let mut child = load_of_standard_input(&stage.graph(), &["--mode", "merge", "--branch", "work", "--from", "main"])?;
    child.stdin.take().context("it is piped")?.write_all(br#"{"type":"Person","data":{"name":"Ada","age":37}}"#)?;
    let output = child.wait_with_output()?;
    assert!(output.status.success(), "{}", errors(&output));
    assert!(errors(&output).contains("made branch work from main"), "{}", errors(&output));
    assert!(stage.export("work")?.contains(r#""age":37"#));
    assert!(stage.export("main")?.contains(r#""age":36"#));
    let again = stage.load(PEOPLE, &["--mode", "merge", "--branch", "work", "--from", "main"])?;
    assert!(again.status.success() && !errors(&again).contains("made branch"), "{}", errors(&again));
    Ok(())
}

#[test]
fn an_interrupted_load_leaves_nothing() -> Result<()> {
    let stage = Stage::new(SCHEMA)?;
    let before = digest(Path::new(&stage.graph()))?;
    let mut child = load_of_standard_input(&stage.graph(), &["--mode", "append"])?;
    let mut input = child.stdin.take().context("it is piped")?;
    // More than a pipe holds: when all of it is written, the load is reading.
    for number in 0..20_000 {
        writeln!(input, r#"{{"type":"Person","data":{{"name":"person number {number}"}}}}"#)?;
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status()?.success());
    let mut said = BufReader::new(child.stderr.take().context("it is piped")?);
    let mut line = String::new();
    while !line.contains("stopping as soon as nothing is left half-done") {
        line.clear();
        ensure!(said.read_line(&mut line)? > 0, "it ended without a word");
    }
    drop(input);
    let mut rest = String::new();
    said.read_to_string(&mut rest)?;
    assert_eq!((child.wait()?.code(), rest.as_str()), (Some(130), "error: cancelled\n"));
    assert!(digest(Path::new(&stage.graph()))?.keys().eq(before.keys()), "something was written");
    assert_eq!(stage.export("main")?, "");
    Ok(())
}

#[test]
fn branches_are_made_listed_and_deleted() -> Result<()> {
    let stage = Stage::new(SCHEMA)?;
    let graph = stage.graph();
    let commit = stage.loaded(PEOPLE, &["--mode", "append"])?;
    let made = lines(&["branch", "create", &graph, "work", "--json"])?.remove(0);
    let expected = |done: &str| {
        json!({
            "branch": "work", "done": done, "parent": "main", "head": commit["commit"],
            "manifest_version": made["manifest_version"],
        })
    };
    assert_eq!(made, expected("created"));
    assert_eq!(text(&["branch", "list", &graph])?, text(&["branches", &graph])?);
    text(&["branch", "create", &graph, "child", "--from", "work"])?;

    let cases: [(&[&str], i32, &str); 8] = [
        (&["create", &graph, "work"], 4, "`work` exists already"),
        (&["create", &graph, "work/1"], 2, "would share a folder"),
        (&["create", &graph, "a b"], 2, "not a branch name"),
        (&["create", &graph, "new", "--from", "nowhere"], 3, "the branches are: main, child, work"),
        (&["delete", &graph, "nowhere", "--yes"], 3, "there are: main, child, work"),
        (&["delete", &graph, "main", "--yes"], 2, "cannot delete branch main: every graph has it"),
        (&["delete", &graph, "work", "--yes"], 4, "`child` still depends on it"),
        (&["delete", &graph, "child"], 2, "repeat this with --yes"),
    ];
    let names = || -> Result<Vec<Value>> {
        Ok(lines(&["branch", "list", &graph, "--json"])?.iter().map(|branch| branch["name"].clone()).collect())
    };
    for (arguments, code, part) in cases {
        let output = run(&[&["branch"], arguments].concat())?;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", errors(&output));
        assert!(errors(&output).contains(part), "{arguments:?}: {}", errors(&output));
        assert_eq!(names()?, ["main", "child", "work"], "{arguments:?}");
    }
    text(&["branch", "delete", &graph, "child", "--yes"])?;
    assert_eq!(lines(&["branch", "delete", &graph, "work", "--yes", "--json"])?, [expected("deleted")]);
    assert_eq!(names()?, ["main"]);
    Ok(())
}

#[test]
fn wrong_input_is_refused_with_its_exit_code_and_nothing_is_written() -> Result<()> {
    let stage = Stage::new(SCHEMA)?;
    let graph = stage.graph();
    stage.loaded(PEOPLE, &["--mode", "append"])?;
    let bad_schema = stage.file("bad.pg", "node Person { name: Text }")?;
    let (schema, data) = (stage.path("schema.pg"), stage.file("more.jsonl", PEOPLE)?);
    let (elsewhere, missing) = (stage.path("elsewhere"), stage.path("missing.jsonl"));
    let before = digest(Path::new(&graph))?;
    let cases: [(&[&str], i32, &str); 11] = [
        (&["init", &graph, "--schema", &schema], 4, "is a graph already"),
        (&["init", &graph, "--schema", &schema, "--force"], 4, "is a graph already"),
        (&["init", &elsewhere, "--schema", &bad_schema], 2, "bad.pg: line 1, column 21"),
        (&["init", &elsewhere, "--schema", &missing], 3, "missing.jsonl"),
        (&["load", &elsewhere, "--data", &data, "--mode", "append"], 3, "elsewhere"),
        (&["load", &graph, "--data", &missing, "--mode", "append"], 3, "missing.jsonl"),
        (&["load", &graph, "--data", &elsewhere, &graph, "--mode", "append"], 3, "elsewhere"),
        (&["load", &graph, "--data", &graph, "--mode", "append"], 6, "is a directory"),
        (&["load", &graph, "--data", "-", "-", "--mode", "append"], 2, "once only"),
        (&["load", &graph, "--data", &data, "--mode", "append", "--branch", "nowhere"], 3, "there are: main"),
        (&["load", &graph, "--data", &data, "--mode", "append"], 2, "the id `Ada` is stored already"),
    ];
    for (arguments, code, part) in cases {
        let output = run(arguments)?;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", errors(&output));
        assert!(errors(&output).contains(part), "{arguments:?}: {}", errors(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(digest(Path::new(&graph))? == before, "{arguments:?} changed the graph");
        assert!(!fs::exists(&elsewhere)?, "{arguments:?}");
    }
    Ok(())
}

#[test]
fn problems_are_told_one_a_line() -> Result<()> {
    let stage = Stage::new(SCHEMA)?;
    let people: Vec<String> = (0..130)
        .map(|number| format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"p{number}\",\"age\":151}}}}\n"))
        .collect();
    let output = stage.load(&people.concat(), &["--mode", "append"])?;
    let said = errors(&output);
    let problems: Vec<&str> =
        said.lines().filter(|line| line.starts_with("    ") && line.contains(", record ")).collect();
    assert_eq!(problems.len(), 100, "{said}");
    assert!(problems[99].ends_with("record 100: Person: age: 151 is more than 150"), "{}", problems[99]);
    assert_eq!(said.lines().last(), Some("    and 30 more problems"));
    assert!(!said.contains('\u{1b}'), "nothing is drawn without a terminal");
    Ok(())
}

const OPERATION: &str = "01M7Y249A1EHFH4MJGAECB534F";

/// A copy of the crashed graph, and its path. If `broken`, one table is not as its record says.
fn crashed(broken: bool) -> Result<(tempfile::TempDir, String)> {
    let copy = tempfile::tempdir()?;
    folder::copy(&Fixture::LoadCrash.path()?, copy.path())?;
    if broken {
        let file = copy.path().join("__recovery").join(format!("{OPERATION}.json"));
        let record = fs::read_to_string(&file)?;
        let other = record.replace("\"post_commit_pin\": 6", "\"post_commit_pin\": 7");
        ensure!(record != other, "the record names the planned version");
        fs::write(&file, other)?;
    }
    let path = copy.path().to_string_lossy().into_owned();
    Ok((copy, path))
}

#[test]
fn a_killed_load_is_planned_and_then_recovered_as_the_reference_does_it() -> Result<()> {
    let (copy, graph) = crashed(false)?;
    let before = digest(copy.path())?;
    let plan = lines(&["recovery", "plan", &graph, "--json"])?;
    let table = |table: &str, pinned: u64| {
        json!({
            "table": table, "branch": null, "expected": pinned, "planned": pinned + 1, "pinned": pinned,
            "head": pinned + 1, "classification": "rolled_past_expected",
            "action": format!("publish version {}", pinned + 1),
        })
    };
    assert_eq!((&plan[0]["operation_id"], &plan[0]["decision"]), (&json!(OPERATION), &json!("roll_forward")));
    assert_eq!(plan[0]["tables"], json!([table("node:Person", 5), table("edge:Knows", 1)]));
    let shown = text(&["recovery", "plan", &graph])?;
    assert!(shown.starts_with(&format!("{OPERATION}  roll forward\n  write  Load on main by act-l, ")), "{shown}");
    assert!(shown.ends_with("edge:Knows        1     2  moved as planned  publish version 2\n"), "{shown}");
    assert!(digest(copy.path())? == before, "planning changed the graph");

    let output = run(&["recovery", "run", &graph, "--json"])?;
    assert!(output.status.success() && errors(&output).starts_with(&shown), "{}", errors(&output));
    let done: Value = serde_json::from_slice(&output.stdout)?;
    let commit = head(&graph, "main")?;
    let outcome = |table: &str, from: u64| json!({"table_key": table, "from_version": from, "to_version": from + 1});
    assert_eq!(
        done,
        json!({
            "operation_id": OPERATION, "decision": "roll_forward", "commit": commit["id"], "branch": "main",
            "manifest_version": commit["manifest_version"],
            "outcomes": [outcome("node:Person", 5), outcome("edge:Knows", 1)],
        })
    );
    assert_eq!(commit["actor"], "omnigraph:recovery");
    let expected = expected_export(Fixture::LoadCrash, "main")?;
    assert_eq!(text(&["export", &graph])?, expected);
    assert_eq!(lines(&["audit", &graph, "--json"])?.len(), 1);
    assert_eq!(text(&["recovery", "plan", &graph])?, "no interrupted write\n");
    assert_eq!(text(&["recovery", "run", &graph])?, "no interrupted write\n");
    Ok(())
}

#[test]
fn a_roll_back_needs_a_yes() -> Result<()> {
    let (copy, graph) = crashed(true)?;
    let rows = text(&["export", &graph])?;
    let before = digest(copy.path())?;
    let refused = run(&["recovery", "run", &graph])?;
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
    let said = errors(&refused);
    assert!(said.contains("restore version 5 as version 7, publish that"), "{said}");
    assert!(
        said.contains("settle 1 interrupted writes of ")
            && said.contains("rolling 1 of them back")
            && said.contains("--yes"),
        "{said}"
    );
    assert!(digest(copy.path())? == before, "nothing was done");
    let done = text(&["recovery", "run", &graph, "--yes"])?;
    assert!(done.starts_with(&format!("{OPERATION}  rolled back, recorded by commit ")), "{done}");
    assert!(done.contains("  node:Person  back to the rows of version 5; version 6 is discarded\n"), "{done}");
    assert_eq!(text(&["export", &graph])?, rows, "the rows are those of before the write");
    let heads = lines(&["tables", &graph, "--json"])?;
    assert!(heads.iter().all(|table| table["drift"] == 0), "{heads:?}");
    Ok(())
}

#[test]
fn a_write_says_what_it_settles_first() -> Result<()> {
    let (_copy, graph) = crashed(false)?;
    let output = run(&["branch", "create", &graph, "work"])?;
    let settled =
        format!("note: an interrupted write is settled first: {OPERATION}, Load on main by act-l: rolled forward\n");
    assert!(output.status.success() && errors(&output).starts_with(&settled), "{}", errors(&output));
    Ok(())
}

#[test]
fn a_record_that_cannot_be_read_blocks_writing_and_is_planned_as_such() -> Result<()> {
    let (copy, graph) = crashed(false)?;
    fs::write(copy.path().join("__recovery").join(format!("{OPERATION}.json")), "{")?;
    let plan = lines(&["recovery", "plan", &graph, "--json"])?;
    assert_eq!((&plan[0]["decision"], &plan[0]["writer"]), (&json!("refuse"), &Value::Null));
    let before = digest(copy.path())?;
    for arguments in [&["recovery", "run", &graph][..], &["branch", "create", &graph, "work"]] {
        let output = run(arguments)?;
        assert_eq!(output.status.code(), Some(5), "{}", errors(&output));
        assert!(
            errors(&output).contains("blocks writing") && errors(&output).contains(OPERATION),
            "{}",
            errors(&output)
        );
        assert!(digest(copy.path())? == before, "{arguments:?} changed the graph");
    }
    Ok(())
}
