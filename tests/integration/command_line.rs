//! The commands, run as processes without a terminal, against what the reference says.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder::digest;

pub(crate) fn run(arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    Ok(command.args(arguments).env_remove("NO_COLOR").output()?)
}

/// Runs a command that must succeed and returns its standard output.
pub(crate) fn text(arguments: &[&str]) -> Result<String> {
    let output = run(arguments)?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

pub(crate) fn lines(arguments: &[&str]) -> Result<Vec<Value>> {
    text(arguments)?.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn team() -> Result<String> {
    Ok(Fixture::Team.path()?.to_string_lossy().into_owned())
}

fn branches() -> Result<Vec<String>> {
    let expected = Fixture::Team.expected_json("branches")?;
    Ok(expected["branches"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|name| Some(name.as_str()?.to_owned()))
        .collect())
}

#[test]
fn the_log_holds_exactly_the_commits_of_the_reference() -> Result<()> {
    let mut expected: Vec<Value> = Vec::new();
    for branch in branches()? {
        for commit in Fixture::Team.expected_json(&format!("commits-{branch}"))?["commits"].as_array().expect("a list")
        {
            let parents: Vec<&Value> = ["parent_commit_id", "merged_parent_commit_id"]
                .map(|key| &commit[key])
                .into_iter()
                .filter(|id| !id.is_null())
                .collect();
            expected.push(json!({
                "id": commit["graph_commit_id"],
                "parents": parents,
                "branch": commit["manifest_branch"].as_str().unwrap_or("main"),
                "manifest_version": commit["manifest_version"],
                "actor": commit["actor_id"],
                "created_at_micros": commit["created_at"],
            }));
        }
    }
    expected.sort_by_key(|commit| commit["id"].to_string());
    expected.dedup();
    let mut found = lines(&["log", &team()?, "--json"])?;
    let newest_first: Vec<i64> = found.iter().filter_map(|commit| commit["created_at_micros"].as_i64()).collect();
    assert!(newest_first.is_sorted_by(|a, b| a >= b));
    let heads: Vec<Value> =
        found.iter().flat_map(|commit| commit["heads"].as_array().cloned().unwrap_or_default()).collect();
    assert_eq!(heads.len(), 4, "every branch's head is on its commit: {heads:?}");
    for commit in &mut found {
        let commit = commit.as_object_mut().expect("an object");
        assert!(commit.remove("summary").is_some_and(|summary| summary.is_string()));
        commit.remove("heads");
    }
    found.sort_by_key(|commit| commit["id"].to_string());
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn branches_and_tables_equal_the_reference() -> Result<()> {
    let mut names: Vec<String> = lines(&["branches", &team()?, "--json"])?
        .iter()
        .filter_map(|line| Some(line["name"].as_str()?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names, branches()?);
    for branch in names {
        let expected = Fixture::Team.expected_json(&format!("snapshot-{branch}"))?;
        let expected: Vec<Value> = expected["tables"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|table| {
                json!({
                    "table": table["table_key"],
                    "version": table["table_version"],
                    "branch": table["table_branch"],
                    "rows": table["row_count"],
                })
            })
            .collect();
        let mut found = lines(&["tables", &team()?, "--at", &branch, "--json"])?;
        for table in &mut found {
            let table = table.as_object_mut().expect("an object");
            assert!(table.remove("head").is_some_and(|head| head.is_u64()));
            table.remove("drift").context("drift is said")?;
        }
        assert_eq!(found, expected, "{branch}");
    }
    Ok(())
}

/// A record of the reference's export as `read` prints it: `src` and `dst` are columns like any other.
fn as_row(record: &Value) -> (String, Value) {
    let mut row = record["data"].as_object().expect("data").clone();
    match record["edge"].as_str() {
        Some(edge) => {
            row.insert("src".into(), record["from"].clone());
            row.insert("dst".into(), record["to"].clone());
            (format!("edge:{edge}"), row.into())
        }
        None => (format!("node:{}", record["type"].as_str().expect("a type")), row.into()),
    }
}

fn read(table: &str, at: &str) -> Result<Vec<Value>> {
    lines(&["read", &team()?, table, "--at", at, "--format", "jsonl"])
}

#[test]
fn every_table_at_every_branch_reads_as_the_reference_exports_it() -> Result<()> {
    for branch in branches()? {
        let mut expected: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
        for record in Fixture::Team.expected_export(&branch)? {
            let (table, row) = as_row(&record);
            expected.entry(table).or_default().push(row);
        }
        assert_eq!(expected.len(), 5);
        for (table, rows) in expected {
            assert_eq!(read(&table, &branch)?, rows, "{table} at {branch}");
        }
    }
    Ok(())
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter_map(|row| row["id"].as_str()).collect()
}

#[test]
fn time_travel_shows_each_commit_of_main_as_it_was() -> Result<()> {
    let team_of = [
        ("01M7Y2AKA125T5VJJZZ1M5RCKN", vec![]),
        ("01M7Y2AKCYY3TSSZQ5XMPW4170", vec!["Ada", "Grace", "Linus"]),
        ("01M7Y2AKPDTNYYHG7WARYN1CMG", vec!["Ada", "Grace", "Linus"]),
        ("01M7Y2AKRVGYG487HA8048ZDAE", vec!["Ada", "Grace", "Linus", "Margaret"]),
        ("01M7Y2AM00KG79BDBHYZDT7XSR", vec!["Ada", "Grace", "Linus", "Margaret"]),
        ("01M7Y2AM237AFN5JAYP9F7AWY5", vec!["Ada", "Grace", "Linus", "Margaret"]),
        ("01M7Y2AM4A3R9G8AARTRFP1ZND", vec!["Ada", "Grace", "Margaret"]),
    ];
    for (commit, expected) in team_of {
        assert_eq!(ids(&read("node:Person", commit)?), expected, "{commit}");
    }
    Ok(())
}

#[test]
fn the_history_of_a_row_names_the_commits_that_changed_it() -> Result<()> {
    let commits = lines(&["history", &team()?, "node:Person", "Linus", "--json"])?;
    let found: Vec<&str> =
        commits.iter().filter_map(|commit| commit["commit"].as_str().or_else(|| commit["id"].as_str())).collect();
    // Deleted last; the merge of feature/hiring left him as he was; main's own change came before it.
    assert_eq!(found.first(), Some(&"01M7Y2AM4A3R9G8AARTRFP1ZND"), "{commits:?}");
    assert_eq!(found.last(), Some(&"01M7Y2AKCYY3TSSZQ5XMPW4170"), "{commits:?}");
    Ok(())
}

#[test]
fn sql_answers_at_any_commit() -> Result<()> {
    let sql =
        r#"select p.title, count(*) as people from "WorksOn" w join "Project" p on w.dst = p.id group by 1 order by 1"#;
    let at = |commit: &str| lines(&["sql", &team()?, sql, "--at", commit, "--json"]);
    let row = |title: &str, people: u64| json!({"title": title, "people": people});
    assert_eq!(at("01M7Y2AM4A3R9G8AARTRFP1ZND")?, [row("Atlas 2", 2)]);
    assert_eq!(at("01M7Y2AKCYY3TSSZQ5XMPW4170")?, [row("Atlas", 1), row("Borealis", 1)]);
    Ok(())
}

#[test]
fn a_diff_names_row_operation_and_changed_columns() -> Result<()> {
    let (from, to) = ("01M7Y2AM237AFN5JAYP9F7AWY5", "01M7Y2AM4A3R9G8AARTRFP1ZND");
    let found: Vec<(String, String, String)> = lines(&["diff", &team()?, from, to, "--json"])?
        .iter()
        .map(|change| {
            let field = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
            (field("table"), field("id"), field("op"))
        })
        .collect();
    let change = |table: &str, id: &str, op: &str| (table.to_owned(), id.to_owned(), op.to_owned());
    assert_eq!(found, [change("edge:WorksOn", "w2", "deleted"), change("node:Person", "Linus", "deleted")]);
    // What the merge of feature/hiring brought to main, row by row.
    let merged = lines(&["diff", &team()?, "01M7Y2AKPDTNYYHG7WARYN1CMG", "01M7Y2AKRVGYG487HA8048ZDAE", "--json"])?;
    let inserted: Vec<&str> =
        merged.iter().filter(|change| change["op"] == "inserted").filter_map(|change| change["id"].as_str()).collect();
    assert_eq!(inserted, ["w3", "Margaret"]);
    Ok(())
}

#[test]
fn a_commit_is_shown_by_any_position_it_is_at() -> Result<()> {
    let team = team()?;
    let shown = |position: &str| lines(&["show", &team, position, "--json"]);
    let id = |position: &str| Ok::<_, anyhow::Error>(shown(position)?[0]["id"].as_str().unwrap_or_default().to_owned());
    for (position, expected) in [
        ("main", "01M7Y2AM4A3R9G8AARTRFP1ZND"),
        ("FP1ZND", "01M7Y2AM4A3R9G8AARTRFP1ZND"),
        ("v9", "01M7Y2AM4A3R9G8AARTRFP1ZND"),
        ("v7", "01M7Y2AM00KG79BDBHYZDT7XSR"),
        ("budget@v6", "01M7Y2AM68DRM4A36QAV1WMJEC"),
        ("budget", "01M7Y2AM68DRM4A36QAV1WMJEC"),
        ("2026-11-21T03:27:46Z", "01M7Y2AKRVGYG487HA8048ZDAE"),
    ] {
        assert_eq!(id(position)?, expected, "{position}");
    }
    // No row of the commit dataset names version 2.
    let output = run(&["show", &team, "v2"])?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("main@v2 was published by no commit"), "{errors}");
    Ok(())
}

#[test]
fn text_for_another_program_holds_whole_values() -> Result<()> {
    let team = team()?;
    let long = "x".repeat(300);
    let query = format!("select id, '{long}' as note from \"Person\" order by id");
    let expected = format!("id        note\nAda       {long}\nGrace     {long}\nMargaret  {long}\n");
    assert_eq!(text(&["sql", &team, &query])?, expected);
    let plan = text(&["sql", &team, "explain select id from \"Person\" where age > 30"])?;
    assert!(plan.lines().any(|line| line.trim_start().starts_with("LanceRead: ")), "{plan}");
    assert!(!plan.contains('…') && !plan.contains("\\n"), "{plan}");
    Ok(())
}

#[test]
fn an_interrupted_write_is_shown_with_its_record_and_where_it_stands() -> Result<()> {
    let graph = Fixture::LoadCrash.path()?.to_string_lossy().into_owned();
    let sentence = "all tables reached their planned versions; only the publication is missing";
    let found = lines(&["recovery", "show", &graph, "B534F", "--json"])?;
    let facts = &found[0];
    assert_eq!((&facts["writer"], &facts["conclusion"]), (&json!("Load"), &json!(sentence)));
    let standings: Vec<&Value> =
        facts["tables"].as_array().context("tables")?.iter().map(|table| &table["standing"]).collect();
    assert_eq!(standings, ["moved_as_planned", "moved_as_planned"]);
    let file = Fixture::LoadCrash.path()?.join("__recovery/01M7Y249A1EHFH4MJGAECB534F.json");
    assert_eq!(facts["record"], serde_json::from_str::<Value>(&std::fs::read_to_string(file)?)?);
    let shown = text(&["recovery", "show", &graph, "B534F"])?;
    assert!(shown.contains(sentence) && shown.contains("writer     Load\n"), "{shown}");
    assert!(shown.contains("node:Person         5        6       5     6  moved as planned\n"), "{shown}");
    Ok(())
}

#[test]
fn wrong_requests_have_their_exit_code_and_say_what_to_do() -> Result<()> {
    let team = team()?;
    let cases: [(&[&str], i32, &str); 9] = [
        (&["log", "/no/such/graph"], 3, "/no/such/graph"),
        (&["tables", &team, "--at", "nowhere"], 3, "feature/hiring"),
        (&["tables", &team, "--at", "main@v99"], 3, "newest is 9"),
        (&["show", &team, "N"], 2, "fits 2 commits"),
        (&["read", &team, "Nobody"], 3, "node:Person"),
        (&["read", &team, "Person", "--where", "agee > 3"], 2, "agee"),
        (&["sql", &team, "select * from Nobody"], 2, "Nobody"),
        (&["sql", &team, "drop table \"Person\""], 2, "DROP is refused"),
        (&["log", "s3://bucket/graph"], 2, "s3"),
    ];
    for (arguments, code, part) in cases {
        let output = run(arguments)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
    Ok(())
}

#[test]
fn without_a_terminal_the_workbench_suggests_a_command() -> Result<()> {
    let output = run(&["open", &team()?])?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("stratigraph log"), "{errors}");
    Ok(())
}

#[test]
fn the_commands_leave_the_graph_as_it_was() -> Result<()> {
    let (path, team) = (Fixture::Team.path()?, team()?);
    let before = digest(&path)?;
    for arguments in [
        &["log", &team, "--graph"][..],
        &["show", &team, "48ZDAE"],
        &["branches", &team],
        &["tables", &team],
        &["read", &team, "Person", "--format", "csv"],
        &["diff", &team, "main", "budget"],
        &["history", &team, "Person", "Ada"],
        &["sql", &team, "select count(*) from \"Person\""],
        &["schema", &team],
        &["recovery", "list", &team],
        &["audit", &team],
    ] {
        text(arguments)?;
    }
    assert!(digest(&path)? == before, "the graph changed");
    Ok(())
}

/// Bash is asked what it would offer; the scripts of the other shells are looked at.
#[test]
fn shells_complete_commands_and_flags() -> Result<()> {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = text(&["completions", shell])?;
        ensure!(["quarantine", "write-decisions", "completions"].iter().all(|word| script.contains(word)), "{shell}");
    }
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("stratigraph.bash");
    std::fs::write(&script, text(&["completions", "bash"])?)?;
    for (line, offered) in [("stratigraph recovery qu", "quarantine"), ("stratigraph merge --prev", "--preview")] {
        let words: Vec<&str> = line.split(' ').collect();
        let (before, last) = (words[words.len() - 2], words[words.len() - 1]);
        let ask = format!(
            "source '{}'; COMP_WORDS=({line}); COMP_CWORD={}; _stratigraph stratigraph {last} {before}; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.len() - 1,
        );
        let asked = Command::new("bash").args(["--norc", "--noprofile", "-c", &ask]).output()?;
        assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), offered, "{line}");
    }
    let refused = run(&["completions", "tcsh"])?;
    assert_eq!(refused.status.code(), Some(2));
    Ok(())
}

#[test]
fn manual_pages_have_every_command_and_exit_code() -> Result<()> {
    let page = text(&["man"])?;
    ensure!(page.contains(".TH stratigraph 1"), "{page}");
    for section in ["NAME", "SYNOPSIS", "OPTIONS", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES"] {
        ensure!(page.contains(&format!(".SH {section}\n")), "{section}: {page}");
    }
    ensure!(page.contains("recovery needed") && page.contains("stratigraph\\-merge(1)"), "{page}");
    let folder = tempfile::tempdir()?;
    let pages = folder.path().join("share/man1");
    assert_eq!(text(&["man", &pages.to_string_lossy()])?, "");
    let help = text(&["help"])?;
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).map_while(|line| line.split_whitespace().next());
    for command in commands.filter(|command| *command != "help") {
        let page =
            std::fs::read_to_string(pages.join(format!("stratigraph-{command}.1"))).context(command.to_owned())?;
        ensure!(page.contains("SYNOPSIS"), "{command}: {page}");
    }
    ensure!(pages.join("stratigraph.1").exists() && pages.join("stratigraph-recovery-run.1").exists());
    let file = pages.join("stratigraph.1").join("below");
    let refused = run(&["man", &file.to_string_lossy()])?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(6) && said.contains("cannot write") && said.contains("you may write to"),
        "{said}"
    );
    Ok(())
}
