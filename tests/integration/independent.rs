//! What a second reader, which knows the format from its description alone, makes of the reference's graphs and of ours.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{Graph, OpenMode};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use stratigraph_tests::graph::{ACTOR, TestGraph, branch};
use stratigraph_tests::reader::{BranchFiles, GraphFiles, Rule, broken_rules};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n  seen: DateTime?\n  face: Vector(2)?\n  tags: [String]?\n  \
    photo: Blob?\n}\nnode Note {\n  body: String\n}\nedge Knows: Person -> Person {\n  since: Date?\n}\n";

const FIRST: &str = r#"{"type":"Person","data":{"name":"Ada","age":36,"seen":"2026-01-05T09:30:00","face":[0.5,-1.0],"tags":["x",null],"photo":"base64:aGkA"}}
{"type":"Person","data":{"name":"Grace","photo":"base64:"}}
{"type":"Note","data":{"id":"n1","body":""}}
{"edge":"Knows","from":"Ada","to":"Grace","data":{"id":"k1","since":"2026-05-02"}}
"#;

fn commits(graph: &GraphFiles, branch: &BranchFiles) -> Vec<Value> {
    let with_actor = |row: &stratigraph_tests::reader::Row| {
        let mut row = row.clone();
        let actor = graph.actors.get(row["graph_commit_id"].as_str().unwrap_or_default());
        row.insert("actor_id".to_owned(), json!(actor));
        Value::Object(row)
    };
    branch.commits.iter().map(with_actor).collect()
}

fn snapshot(name: &str, branch: &BranchFiles) -> Value {
    let table = |(key, table): (&String, &stratigraph_tests::reader::Pinned)| {
        json!({
            "table_key": key, "table_path": table.path, "table_version": table.version,
            "table_branch": table.lineage, "row_count": table.rows,
        })
    };
    json!({
        "branch": name, "manifest_version": branch.version,
        "tables": branch.tables.iter().map(table).collect::<Vec<_>>(),
    })
}

/// Everything that the reference says of a branch.
async fn agrees_with_the_reference(fixture: Fixture, graph: &GraphFiles, name: &str) -> Result<()> {
    let branch = graph.branch(name)?;
    ensure!(snapshot(name, branch) == fixture.expected_json(&format!("snapshot-{name}"))?, "{name}: {branch:?}");
    let expected = fixture.expected_json(&format!("commits-{name}"))?;
    let expected = expected["commits"].as_array().context("a list")?;
    let found = commits(graph, branch);
    if graph.sidecars.is_empty() && graph.audit.is_empty() {
        ensure!(found == *expected, "{name}: {found:#?}");
    }
    let (found, expected) = (graph.export(name).await?, fixture.expected_export(name)?);
    ensure!(found.len() == expected.len(), "{name}: {} records, not {}", found.len(), expected.len());
    let different = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    ensure!(different.is_none(), "{name}: {different:?}");
    Ok(())
}

#[tokio::test]
async fn the_reader_reads_the_reference_as_the_reference_does() -> Result<()> {
    let team = GraphFiles::read(&Fixture::Team.path()?).await?;
    let names: Vec<&String> = team.branches.keys().collect();
    assert_eq!(json!({"branches": names}), Fixture::Team.expected_json("branches")?);
    for name in team.branches.keys() {
        agrees_with_the_reference(Fixture::Team, &team, name).await?;
    }
    // The rules are no stricter than the reference, which leaves a head past its pin here.
    let broken = broken_rules(&team).await?;
    assert!(matches!(&broken[..], [(Rule::Head, what)] if what.contains("edges/602a25a3bd0b455b")), "{broken:#?}");

    let crashed = GraphFiles::read(&Fixture::LoadCrash.path()?).await?;
    agrees_with_the_reference(Fixture::LoadCrash, &crashed, "side").await?;
    let broken: Vec<Rule> = broken_rules(&crashed).await?.into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(broken, [Rule::Head, Rule::Head, Rule::Leftover]);
    Ok(())
}

#[tokio::test]
async fn what_we_recover_reads_as_what_the_reference_recovered() -> Result<()> {
    let copy = tempfile::tempdir()?;
    folder::copy(&Fixture::LoadCrash.path()?, copy.path())?;
    drop(Graph::open(&copy.path().to_string_lossy(), OpenMode::ReadWrite).await?);
    let graph = GraphFiles::read(copy.path()).await?;
    agrees_with_the_reference(Fixture::LoadCrash, &graph, "main").await?;
    let expected = Fixture::LoadCrash.expected_json("commits-main")?;
    let expected = expected["commits"].as_array().context("a list")?;
    let found = commits(&graph, graph.branch("main")?);
    let fact = |commit: &Value, is_new: bool| {
        let mut commit = commit.clone();
        if is_new {
            // An id and a time of its own; everything else is the reference's.
            commit["graph_commit_id"] = Value::Null;
            commit["created_at"] = Value::Null;
        }
        commit
    };
    let facts = |commits: &[Value]| -> Vec<Value> {
        commits.iter().enumerate().map(|(place, commit)| fact(commit, place + 1 == commits.len())).collect()
    };
    assert_eq!(facts(&found), facts(expected));
    assert!(graph.sidecars.is_empty());
    let [audit] = &graph.audit[..] else { panic!("{:?}", graph.audit) };
    assert_eq!(audit["graph_commit_id"], found.last().context("a head")?["graph_commit_id"]);
    // The order of the tables is that of the sidecar.
    let outcomes = r#"[{"table_key":"node:Person","from_version":5,"to_version":6},{"table_key":"edge:Knows","from_version":1,"to_version":2}]"#;
    assert_eq!(audit["per_table_outcomes_json"], outcomes);
    Ok(())
}

fn is_broken(broken: &[(Rule, String)], rule: Rule) -> bool {
    broken.iter().any(|(found, _)| *found == rule)
}

/// A rule that nothing can break proves nothing.
#[tokio::test]
async fn the_rules_notice_what_breaks_them() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", FIRST).await?;
    let good = made.files().await?;
    let change = |change: fn(&mut BranchFiles)| {
        let mut graph = good.clone();
        graph.branches.values_mut().for_each(change);
        graph
    };
    let cases = [
        (Rule::Dataset, change(|branch| branch.stamp = 2)),
        (Rule::ManifestRow, change(|branch| drop(branch.manifest[0].insert("table_branch".into(), json!("main"))))),
        (
            Rule::ManifestRow,
            change(|branch| {
                for row in &mut branch.manifest {
                    let text =
                        row["metadata"].as_str().map(|text| text.replace("\"manifest_size\":", "\"manifest_size\":1"));
                    row.insert("metadata".into(), json!(text));
                }
            }),
        ),
        (Rule::Rows, change(|branch| branch.tables.values_mut().for_each(|table| table.rows += 1))),
        (Rule::Head, change(|branch| branch.tables.values_mut().for_each(|table| table.version = 1))),
        (Rule::Commit, change(|branch| drop(branch.commits.pop()))),
    ];
    for (rule, graph) in cases {
        assert!(is_broken(&broken_rules(&graph).await?, rule), "{rule:?}");
    }
    let mut schema = good.clone();
    schema.ir["nodes"][1]["properties"][0]["prop_type"]["scalar"] = json!("I64");
    assert!(is_broken(&broken_rules(&schema).await?, Rule::Dataset), "another type of a column");
    std::fs::write(made.path().join("_schema.pg.staging"), "")?;
    assert!(is_broken(&broken_rules(&good).await?, Rule::Leftover));
    Ok(())
}

#[tokio::test]
async fn every_load_mode_reads_back_as_it_was_loaded() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    assert_eq!(made.files().await?.export("main").await?, Vec::<Value>::new());
    assert_eq!(made.load(LoadMode::Append, "main", FIRST).await?, Some(4));
    let first = [
        r#"{"edge":"Knows","from":"Ada","to":"Grace","data":{"id":"k1","since":20575}}"#,
        r#"{"type":"Note","data":{"id":"n1","body":""}}"#,
        r#"{"type":"Person","data":{"id":"Ada","age":36,"face":[0.5,-1.0],"name":"Ada","photo":"base64:aGkA","seen":"2026-01-05T09:30:00","tags":["x",null]}}"#,
        r#"{"type":"Person","data":{"id":"Grace","age":null,"face":null,"name":"Grace","photo":"base64:","seen":null,"tags":null}}"#,
    ];
    let parsed =
        |lines: &[&str]| lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<Vec<Value>, _>>();
    assert_eq!(made.files().await?.export("main").await?, parsed(&first)?);

    made.load(
        LoadMode::Merge,
        "main",
        r#"{"type":"Person","data":{"name":"Grace","age":7}} {"type":"Person","data":{"name":"Linus"}}"#,
    )
    .await?;
    let graph = made.files().await?;
    let ages: Vec<Value> = graph.rows("main", "node:Person").await?.iter().map(|row| row["age"].clone()).collect();
    assert_eq!(ages, [json!(36), json!(7), Value::Null]);

    made.load(LoadMode::Overwrite, "main", r#"{"type":"Note","data":{"id":"n2","body":"2"}}"#).await?;
    let graph = made.files().await?;
    assert_eq!(graph.ids("main", "node:Note").await?, ["n2"]);
    assert_eq!(graph.ids("main", "node:Person").await?, ["Ada", "Grace", "Linus"], "other tables stay");
    let pins: Vec<(&str, u64)> =
        graph.branch("main")?.tables.iter().map(|(key, table)| (key.as_str(), table.version)).collect();
    assert_eq!(pins, [("edge:Knows", 2), ("node:Note", 3), ("node:Person", 3)]);
    let facts: Vec<(u64, Option<&String>)> = graph
        .branch("main")?
        .commits
        .iter()
        .map(|row| {
            let id = row["graph_commit_id"].as_str().unwrap_or_default();
            (row["manifest_version"].as_u64().unwrap_or_default(), graph.actors.get(id))
        })
        .collect();
    let actor = ACTOR.to_owned();
    assert_eq!(facts, [(3, None), (4, Some(&actor)), (5, Some(&actor)), (6, Some(&actor))]);
    Ok(())
}

#[tokio::test]
async fn branches_are_made_forked_and_deleted_as_the_format_says() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", FIRST).await?;
    made.branch("feature/x", "main").await?;
    let graph = made.files().await?;
    let (main, work) = (graph.branch("main")?, graph.branch("feature/x")?);
    assert_eq!(
        (work.version, &work.tables, &work.commits),
        (main.version, &main.tables, &main.commits),
        "nothing is written"
    );
    let reference = work.reference.as_ref().context("a branch has a reference")?;
    assert_eq!((&reference["parentBranch"], &reference["parentVersion"]), (&Value::Null, &json!(4)));

    // Only the table that is written is forked; its version numbers go on from the pin.
    made.load(LoadMode::Append, "feature/x", r#"{"type":"Person","data":{"name":"Linus"}}"#).await?;
    made.load(LoadMode::Append, "main", r#"{"type":"Person","data":{"name":"Margaret"}}"#).await?;
    made.branch("child", "feature/x").await?;
    let graph = made.files().await?;
    let pin = |branch: &str, key: &str| -> Result<(Option<String>, u64)> {
        let table = &graph.branch(branch)?.tables[key];
        Ok((table.lineage.clone(), table.version))
    };
    assert_eq!(pin("feature/x", "node:Person")?, (Some("feature/x".to_owned()), 3));
    assert_eq!(pin("feature/x", "node:Note")?, (None, 2));
    assert_eq!(pin("main", "node:Person")?, (None, 3));
    assert_eq!(pin("child", "node:Person")?, (Some("feature/x".to_owned()), 3), "an ancestor holds it");
    assert_eq!(graph.ids("feature/x", "node:Person").await?, ["Ada", "Grace", "Linus"]);
    assert_eq!(graph.ids("child", "node:Person").await?, ["Ada", "Grace", "Linus"]);
    assert_eq!(graph.ids("main", "node:Person").await?, ["Ada", "Grace", "Margaret"]);
    let head = graph.branch("feature/x")?.head()?;
    assert_eq!((&head["manifest_branch"], &head["manifest_version"]), (&json!("feature/x"), &json!(5)));
    let reference = graph.branch("child")?.reference.clone().context("a branch has a reference")?;
    assert_eq!((&reference["parentBranch"], &reference["parentVersion"]), (&json!("feature/x"), &json!(5)));

    made.load(LoadMode::Merge, "child", r#"{"type":"Person","data":{"name":"Linus","age":3}}"#).await?;
    let graph = made.files().await?;
    assert_eq!(graph.branch("child")?.tables["node:Person"].lineage.as_deref(), Some("child"));
    assert_eq!(graph.rows("feature/x", "node:Person").await?[2]["age"], Value::Null);

    made.graph.delete_branch(&branch("child")).await?;
    made.graph.delete_branch(&branch("feature/x")).await?;
    let graph = made.files().await?;
    assert_eq!(graph.branches.keys().collect::<Vec<_>>(), ["main"]);
    for (dataset, name) in
        [("__manifest", "child"), ("_graph_commits.lance", "feature"), ("nodes/40d76f1f51639ec0", "child")]
    {
        assert!(!Path::new(&made.uri()).join(dataset).join("tree").join(name).exists(), "{dataset} {name}");
    }
    Ok(())
}
