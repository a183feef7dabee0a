//! Mutations: what is stored afterwards, what is refused, and that a refusal leaves everything as it was.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::mutate::{MutateRequest, Mutated};
use stratigraph_engine::{At, Blobs, BranchName, Error, ErrorKind, Graph, OpenMode, Progress, ReadOptions, Row};
use stratigraph_tests::folder;
use stratigraph_tests::graph::{ACTOR, TestGraph, branch};

mod refusals;
mod together;

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n  mail: String? @unique\n  nickName: String?\n  \
    joined: DateTime?\n  @range(age, 0..150)\n  @check(name, \"^[A-Za-z0-9 ']+$\")\n}\n\
    node Note {\n  body: String\n  face: Vector(2)?\n  file: Blob?\n  stars: I32?\n}\n\
    node Team {\n  name: String @key\n}\n\
    edge Knows: Person -> Person @card(0..2) {\n  since: Date?\n}\n\
    edge MemberOf: Person -> Team @card(1..2)\n\
    edge About: Note -> Person\n";

const PEOPLE: &str = r#"{"type":"Person","data":{"name":"Ada","age":36,"mail":"ada@x","nickName":"countess"}}
{"type":"Person","data":{"name":"Grace","age":40}}
{"type":"Person","data":{"name":"Linus","age":28}}
{"type":"Note","data":{"id":"n1","body":"first","face":[1,0.5],"file":"base64:aGk=","stars":1}}
{"type":"Note","data":{"id":"n2","body":"second","face":[0,1],"file":"OUTSIDE","stars":2}}
{"type":"Note","data":{"id":"n3","body":"third","file":"base64:","stars":3}}
{"edge":"Knows","from":"Ada","to":"Grace","data":{"id":"k1"}}
{"edge":"Knows","from":"Grace","to":"Linus","data":{"id":"k2"}}
{"edge":"Knows","from":"Linus","to":"Ada","data":{"id":"k3"}}
{"edge":"About","from":"n1","to":"Ada","data":{"id":"a1"}}
"#;

/// A file that a note refers to.
fn outside(made: &TestGraph) -> PathBuf {
    made.path().with_file_name("outside.txt")
}

fn reference(made: &TestGraph) -> String {
    format!("file://{}", outside(made).display())
}

async fn people() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    std::fs::write(outside(&made), "not in the graph")?;
    made.load(LoadMode::Append, "main", &PEOPLE.replace("OUTSIDE", &reference(&made))).await?;
    Ok(made)
}

async fn run(graph: &Graph, to: &str, body: &str, params: Value) -> Result<Mutated, Error> {
    let Value::Object(params) = params else { panic!("parameters are an object") };
    let text = if body.starts_with("query") { body.to_owned() } else { format!("query q() {{\n{body}\n}}") };
    let request = MutateRequest { branch: branch(to), actor: Some(ACTOR.into()), text, name: None, params };
    Box::pin(graph.mutate(request, &Progress::none())).await
}

/// Carries statements without parameters out on main; the numbers of affected nodes and edges.
async fn mutate(graph: &Graph, body: &str) -> Result<(u64, u64), Error> {
    let mutated = run(graph, "main", body, json!({})).await?;
    Ok((mutated.affected_nodes, mutated.affected_edges))
}

async fn rows(graph: &Graph, of: &str, table: &str) -> Result<Vec<Value>> {
    let snapshot = graph.snapshot(&At::Branch(branch(of))).await?;
    let key = snapshot.table(table)?.key.clone();
    let options = ReadOptions { blobs: Blobs::Bytes, ..ReadOptions::default() };
    let mut batches = graph.read(&snapshot, &key, &options).await?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let columns = Row::columns_of(&batch);
        rows.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row).to_json()));
    }
    Ok(rows)
}

/// One column of all rows, in the order of the ids.
async fn column(graph: &Graph, table: &str, name: &str) -> Result<Vec<Value>> {
    Ok(rows(graph, "main", table).await?.iter().map(|row| row[name].clone()).collect())
}

async fn commits(graph: &Graph) -> Result<usize> {
    Ok(graph.history(&Progress::none()).await?.commits().len())
}

/// Every table's head is its pin, no sidecar is left, and the format is kept.
async fn settled(made: &TestGraph) -> Result<()> {
    for branch in made.graph.branches().await? {
        let snapshot = made.graph.snapshot(&At::Branch(branch.name)).await?;
        for status in made.graph.table_status(&snapshot).await {
            ensure!(status.drift() == Some(0), "{} has drifted", status.entry.key);
        }
    }
    ensure!(made.graph.sidecars().await?.is_empty(), "a sidecar is left");
    made.files().await.map(drop)
}

/// The message of a mutation that is refused and stores nothing.
async fn refused(made: &TestGraph, body: &str) -> Result<String> {
    let before: Vec<_> = folder::digest(&made.path())?.into_keys().collect();
    let error = mutate(&made.graph, body).await.err().ok_or_else(|| anyhow::anyhow!("not refused: {body}"))?;
    ensure!(error.kind() == ErrorKind::Invalid, "{error}");
    let after: Vec<_> = folder::digest(&made.path())?.into_keys().collect();
    ensure!(before == after, "something was written by {body}");
    Ok(error.to_string())
}

#[tokio::test]
async fn statements_are_one_version_and_an_edge_finds_a_node_of_the_same_mutation() -> Result<()> {
    let made = people().await?;
    let query = "query hire($name: String, $team: String, $at: DateTime) {\n  insert Team { name: $team }\n  \
        insert Person { name: $name, age: 85, joined: $at }\n  insert MemberOf { from: $name, to: $team }\n}";
    let params = json!({"name": "Barbara", "team": "Core", "at": "2026-05-02T09:14:03Z"});
    let mutated = run(&made.graph, "main", query, params).await?;
    assert_eq!((mutated.affected_nodes, mutated.affected_edges), (2, 1));
    let written = mutated.written.expect("rows were written");
    let tables: Vec<(String, u64, u64)> =
        written.tables.iter().map(|table| (table.key.to_string(), table.version, table.rows)).collect();
    assert_eq!(tables, [("edge:MemberOf".into(), 2, 1), ("node:Person".into(), 3, 4), ("node:Team".into(), 2, 1)]);
    let history = made.graph.history(&Progress::none()).await?;
    assert_eq!(history.commits().len(), 3);
    let head = &history.commits()[0];
    assert_eq!((head.id, head.actor.as_deref()), (written.commit, Some(ACTOR)));
    let barbara = &rows(&made.graph, "main", "Person").await?[1];
    assert_eq!(
        (barbara["id"].as_str(), barbara["age"].as_i64(), barbara["joined"].as_str()),
        (Some("Barbara"), Some(85), Some("2026-05-02T09:14:03"))
    );
    let edge = &rows(&made.graph, "main", "MemberOf").await?[0];
    assert_eq!((edge["src"].as_str(), edge["dst"].as_str()), (Some("Barbara"), Some("Core")));
    assert_eq!(edge["id"].as_str().map(str::len), Some(26), "an edge gets an id of its own");
    settled(&made).await
}

#[tokio::test]
async fn inserting_a_key_that_is_stored_replaces_the_whole_node() -> Result<()> {
    let made = people().await?;
    assert_eq!(mutate(&made.graph, "insert Person { name: \"Ada\" age: 37 }").await?, (1, 0));
    let ada = &rows(&made.graph, "main", "Person").await?[0];
    assert_eq!((ada["age"].as_i64(), &ada["mail"]), (Some(37), &Value::Null), "what is not given is gone");
    assert_eq!(rows(&made.graph, "main", "Person").await?.len(), 3);
    // Its value may be taken by another one now, and by one only.
    mutate(&made.graph, "insert Person { name: \"Other\" mail: \"ada@x\" }").await?;
    let message = refused(&made, "insert Person { name: \"Third\" mail: \"ada@x\" }").await?;
    assert!(
        message.contains("@unique(mail) is broken: there is another [\"ada@x\"], as in the stored row `Other`"),
        "{message}"
    );
    settled(&made).await
}

#[tokio::test]
async fn a_statement_sees_what_the_former_ones_made() -> Result<()> {
    let made = people().await?;
    // Inserted, then updated; moved out of a condition and not found by it again; found by its new value.
    let body = "insert Person { name: \"Barbara\" age: 36 }\n\
        update Person set { age: 50 nickName: \"old\" } where age = 36\n\
        update Person set { mail: \"none\" } where age = 36\n\
        update Person set { mail: \"b@x\" } where age = 50 and name != \"Ada\"\n\
        update Person set { age: 51 } where nickName = \"old\"";
    assert_eq!(mutate(&made.graph, body).await?, (1 + 2 + 1 + 2, 0));
    assert_eq!(column(&made.graph, "Person", "age").await?, [json!(51), json!(51), json!(40), json!(28)]);
    assert_eq!(column(&made.graph, "Person", "mail").await?, [json!("ada@x"), json!("b@x"), Value::Null, Value::Null]);
    assert_eq!(commits(&made.graph).await?, 3);
    let snapshot = made.graph.snapshot(&At::Branch(BranchName::main())).await?;
    assert_eq!(snapshot.table("Person")?.version.get(), 3, "one commit of the table");
    settled(&made).await
}

#[tokio::test]
async fn an_update_leaves_all_other_columns_as_they_are() -> Result<()> {
    let made = people().await?;
    let before = rows(&made.graph, "main", "Note").await?;
    assert_eq!(mutate(&made.graph, "update Note set { stars: 5 } where stars >= 2").await?, (2, 0));
    assert_eq!(mutate(&made.graph, "update Note set { body: \"new\" } where id = \"n3\"").await?, (1, 0));
    let mut expected = before.clone();
    for (row, stars) in [(1, 5), (2, 5)] {
        expected[row]["stars"] = json!(stars);
    }
    expected[2]["body"] = json!("new");
    assert_eq!(rows(&made.graph, "main", "Note").await?, expected);
    assert_eq!(before[0]["file"], json!("base64:aGk="));
    assert_eq!((&before[1]["file"], &before[2]["file"]), (&json!(reference(&made)), &json!("base64:")));
    // What is referred to need not be there.
    std::fs::remove_file(outside(&made))?;
    mutate(&made.graph, "update Note set { stars: 6 } where id = \"n2\"").await?;
    assert_eq!(rows(&made.graph, "main", "Note").await?[1]["file"], json!(reference(&made)));
    // A load that replaces such rows does it in the same way.
    let note = format!(
        "{{\"type\":\"Note\",\"data\":{{\"id\":\"n2\",\"body\":\"again\",\"face\":[0,1],\"file\":\"{}\"}}}}",
        reference(&made)
    );
    made.load(LoadMode::Merge, "main", &note).await?;
    let again = rows(&made.graph, "main", "Note").await?;
    assert_eq!((again.len(), &again[1]["body"], &again[1]["file"]), (3, &json!("again"), &json!(reference(&made))));
    // Blobs and vectors can be set too, and taken away.
    mutate(&made.graph, "update Note set { file: \"base64:eW8=\" face: [0.5, 0.5] } where body = \"first\"").await?;
    mutate(&made.graph, "update Note set { file: null face: null } where body = \"again\"").await?;
    let after = rows(&made.graph, "main", "Note").await?;
    assert_eq!((&after[0]["file"], &after[0]["face"]), (&json!("base64:eW8="), &json!([0.5, 0.5])));
    assert_eq!((&after[1]["file"], &after[1]["face"]), (&Value::Null, &Value::Null));
    settled(&made).await
}

#[tokio::test]
async fn every_comparison_chooses_the_same_rows_stored_or_new() -> Result<()> {
    let made = TestGraph::new(
        "node Thing { name: String @key camelCase: I32? big: U64? part: F32? real: F64? day: Date? at: DateTime? on: Bool? order: String? mark: I32? }",
    )
    .await?;
    let things = [
        json!({"name": "a", "camelCase": 1, "big": u64::MAX, "part": 0.1, "real": 0.1, "day": "2026-01-01", "at": "2026-01-01T00:00:00.001Z", "on": true, "order": "it's"}),
        json!({"name": "b", "camelCase": 2, "big": 1, "part": 0.2, "real": -0.5, "day": "2026-02-01", "at": "2026-01-01T00:00:00Z", "on": false, "order": "\"\\"}),
        json!({"name": "c"}),
    ];
    // All three are inserted by one query, so that they are new to its other statements.
    let kinds = [
        ("name", "String"),
        ("camelCase", "I32?"),
        ("big", "U64?"),
        ("part", "F32?"),
        ("real", "F64?"),
        ("day", "Date?"),
        ("at", "DateTime?"),
        ("on", "Bool?"),
        ("order", "String?"),
    ];
    let (mut declared, mut inserts, mut params) = (Vec::new(), String::new(), Map::new());
    for (number, thing) in things.iter().enumerate() {
        declared.extend(kinds.map(|(name, kind)| format!("${name}{number}: {kind}")));
        let cells = kinds.map(|(name, _)| format!("{name}: ${name}{number}"));
        inserts += &format!("insert Thing {{ {} }}\n", cells.join(", "));
        params.extend(kinds.map(|(name, _)| (format!("{name}{number}"), thing[name].clone())));
    }
    let insert = format!("query i({}) {{\n{inserts}", declared.join(", "));
    let params = Value::Object(params);
    let cases = [
        ("camelCase = 1", "a"),
        ("camelCase != 1", "b"),
        ("camelCase > 1", "b"),
        ("camelCase = null", "c"),
        ("camelCase != null", "ab"),
        ("big = 18446744073709551615", "a"),
        ("big < 18446744073709551615", "b"),
        ("part = 0.1", "a"),
        ("part <= 0.1", "a"),
        ("real = 0.1", "a"),
        ("real < 0", "b"),
        ("day >= date(\"2026-02-01\")", "b"),
        ("at = datetime(\"2026-01-01T00:00:00.001Z\")", "a"),
        ("at <= datetime(\"2026-01-01T00:00:00Z\")", "b"),
        ("at < now()", "ab"),
        ("on = true", "a"),
        ("on != true", "b"),
        ("order = \"it's\"", "a"),
        ("order = \"\\\"\\\\\"", "b"),
        ("name > \"a\" and camelCase = null", "c"),
        ("name >= \"a\"", "abc"),
        ("name < \"a\"", ""),
    ];
    run(&made.graph, "main", &format!("{insert}}}"), params.clone()).await?;
    let marked = |mark: i64| {
        let graph = made.graph.clone();
        async move {
            let rows = rows(&graph, "main", "Thing").await?;
            let names = rows
                .iter()
                .filter(|row| row["mark"] == mark)
                .map(|row| row["id"].as_str().unwrap_or_default().to_owned());
            anyhow::Ok(names.collect::<String>())
        }
    };
    for (number, (condition, expected)) in (1_i64..).zip(cases) {
        mutate(&made.graph, &format!("update Thing set {{ mark: {number} }} where {condition}")).await?;
        assert_eq!(marked(number).await?, expected, "stored: {condition}");
        let text = format!("{insert}update Thing set {{ mark: {} }} where {condition}\n}}", 1000 + number);
        let mutated = run(&made.graph, "main", &text, params.clone()).await?;
        assert_eq!(marked(1000 + number).await?, expected, "new: {condition}");
        assert_eq!(mutated.affected_nodes, 3 + expected.len() as u64, "{condition}");
    }
    settled(&made).await
}

#[tokio::test]
async fn nodes_go_with_their_edges_and_each_edge_counts_once() -> Result<()> {
    let made = people().await?;
    assert_eq!(mutate(&made.graph, "delete Person where name = \"Ada\"").await?, (1, 3));
    assert_eq!(column(&made.graph, "Person", "id").await?, [json!("Grace"), json!("Linus")]);
    assert_eq!(column(&made.graph, "Knows", "id").await?, [json!("k2")]);
    assert!(column(&made.graph, "About", "id").await?.is_empty());
    assert_eq!(column(&made.graph, "Note", "id").await?.len(), 3);
    // Tables without a matching edge are left alone.
    let snapshot = made.graph.snapshot(&At::Branch(BranchName::main())).await?;
    assert_eq!((snapshot.table("MemberOf")?.version.get(), snapshot.table("Knows")?.version.get()), (1, 3));
    // An edge, the node it leads to, and the same node again: nothing is counted twice.
    let body =
        "delete Knows where from = \"Grace\"\ndelete Person where name = \"Linus\"\ndelete Person where age < 100";
    assert_eq!(mutate(&made.graph, body).await?, (2, 1));
    assert!(column(&made.graph, "Person", "id").await?.is_empty());
    settled(&made).await?;
    // The nodes can be made again.
    assert_eq!(mutate(&made.graph, "insert Person { name: \"Ada\" }").await?, (1, 0));
    settled(&made).await
}

#[tokio::test]
async fn what_matches_nothing_makes_no_commit() -> Result<()> {
    let made = people().await?;
    let before = folder::digest(&made.path())?;
    for body in [
        "delete Person where name = \"Nobody\"",
        "delete Knows where from = \"Nobody\"",
        "update Person set { age: 1 } where name = \"Nobody\"",
        "delete Team where name != \"x\"\ndelete Note where stars > 9",
    ] {
        let mutated = run(&made.graph, "main", body, json!({})).await?;
        assert_eq!((mutated.written, mutated.affected_nodes, mutated.affected_edges), (None, 0, 0), "{body}");
    }
    assert!(folder::digest(&made.path())? == before, "something was written");
    // A branch is not even branched off in the tables.
    made.branch("work", "main").await?;
    run(&made.graph, "work", "delete Person where name = \"Nobody\"", json!({})).await?;
    assert!(made.graph.branches().await?.iter().all(|branch| branch.owned_tables.is_empty() || branch.name.is_main()));
    settled(&made).await
}

#[tokio::test]
async fn branches_are_changed_alone() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    let body = "delete Person where name = \"Ada\"";
    let mutated = run(&made.graph, "work", body, json!({})).await?;
    assert_eq!((mutated.affected_nodes, mutated.affected_edges), (1, 3));
    run(&made.graph, "work", "update Note set { stars: 9 } where id = \"n1\"", json!({})).await?;
    assert_eq!(rows(&made.graph, "work", "Person").await?.len(), 2);
    assert_eq!(rows(&made.graph, "main", "Person").await?.len(), 3);
    assert_eq!(rows(&made.graph, "main", "Knows").await?.len(), 3);
    let work = made.graph.branches().await?.into_iter().find(|branch| !branch.name.is_main()).expect("it was made");
    let owned: Vec<String> = work.owned_tables.iter().map(ToString::to_string).collect();
    assert_eq!(owned, ["edge:About", "edge:Knows", "node:Note", "node:Person"]);
    let error = run(&made.graph, "nowhere", body, json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let reader = made.open(OpenMode::ReadOnly).await?;
    let error = run(&reader, "main", body, json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    settled(&made).await
}

#[tokio::test]
async fn tens_of_thousands_of_rows_are_changed_and_deleted() -> Result<()> {
    const PEOPLE: usize = 30_000;
    let made = TestGraph::new(SCHEMA).await?;
    let mut records = String::new();
    records.extend((0..PEOPLE).map(|number| {
        format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"p{number:05}\",\"age\":{}}}}}\n", number % 100)
    }));
    records.extend((0..PEOPLE).map(|number| {
        format!(
            "{{\"edge\":\"Knows\",\"from\":\"p{number:05}\",\"to\":\"p{:05}\",\"data\":{{\"id\":\"k{number}\"}}}}\n",
            (number + 1) % PEOPLE
        )
    }));
    made.load(LoadMode::Append, "main", &records).await?;
    assert_eq!(mutate(&made.graph, "update Person set { nickName: \"young\" } where age < 50").await?, (15_000, 0));
    // Each run of fifty is taken away: its fifty edges from, and one edge to it.
    let expected = (15_000, 15_000 + 300);
    assert_eq!(mutate(&made.graph, "delete Person where nickName = \"young\"").await?, expected);
    let snapshot = made.graph.snapshot(&At::Branch(BranchName::main())).await?;
    assert_eq!((snapshot.table("Person")?.rows, snapshot.table("Knows")?.rows), (15_000, 15_000 - 300));
    settled(&made).await?;
    assert_eq!(mutate(&made.graph, "delete Person where name != \"\"").await?, (15_000, 14_700));
    let snapshot = made.graph.snapshot(&At::Branch(BranchName::main())).await?;
    assert_eq!((snapshot.table("Person")?.rows, snapshot.table("Knows")?.rows), (0, 0));
    settled(&made).await
}
