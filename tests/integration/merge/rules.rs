//! Rules of the schema that only the two sides together break (M-05): the right kind, ids and numbers, and nothing where
//! they do not.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use lance::dataset::WriteMode;
use serde_json::{Value, json};
use stratigraph_engine::merge::{Conflict, ConflictDetail, ConflictKind, MergeOutcome, MergeWay};
use stratigraph_engine::{Graph, OpenMode};
use stratigraph_tests::graph::{TestGraph, branch};
use stratigraph_tests::writer::{self, GraphWriter, Publish};

use super::{carry_out, expected, found, is_refused, is_up_to_date, merge, mutate, none, plan, put, ways};

const SCHEMA: &str = "node Person {\n  name: String @key\n  mail: String? @unique\n  first: String?\n  last: String?\n  \
    @unique(first, last)\n}\nedge Likes: Person -> Person @card(0..2)\nedge Mentors: Person -> Person @card(2..3)\n";

fn person(data: &Value) -> String {
    format!("{}\n", json!({"type": "Person", "data": data}))
}

fn edge(table: &str, id: &str, from: &str, to: &str) -> String {
    format!("{{\"edge\":\"{table}\",\"from\":\"{from}\",\"to\":\"{to}\",\"data\":{{\"id\":\"{id}\"}}}}\n")
}

async fn base() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    let people = ["P1", "P2", "P3", "P4"].map(|name| person(&json!({"name": name, "mail": name}))).concat();
    let edges = edge("Likes", "l1", "P1", "P2")
        + &edge("Mentors", "m1", "P1", "P2")
        + &edge("Mentors", "m2", "P1", "P3")
        + &edge("Mentors", "m3", "P1", "P4");
    put(&made, "main", &(people + &edges)).await?;
    made.branch("work", "main").await?;
    Ok(made)
}

/// The only conflict of work into main; the merge is refused for it.
async fn conflict(made: &TestGraph) -> Result<Conflict> {
    let plan = plan(&made.graph, "work", "main").await?;
    assert_eq!(plan.outcome(), MergeOutcome::Merged);
    let [conflict] = plan.conflicts() else { anyhow::bail!("{:#?}", plan.conflicts()) };
    is_refused(made, &plan, &none(&plan), 1).await?;
    Ok(conflict.clone())
}

fn unique(columns: &[&str], other: &str) -> ConflictDetail {
    ConflictDetail::Unique { columns: columns.iter().map(ToString::to_string).collect(), other: other.to_owned() }
}

#[tokio::test]
async fn values_that_both_sides_give_out_are_a_conflict_of_the_source_s_row() -> Result<()> {
    let cases = [
        // Both add a row.
        (json!({"name": "B", "mail": "x"}), json!({"name": "A", "mail": "x"}), "A", unique(&["mail"], "B")),
        // The source changes a row, and the target another.
        (json!({"name": "P2", "mail": "x"}), json!({"name": "P1", "mail": "x"}), "P1", unique(&["mail"], "P2")),
        (
            json!({"name": "B", "first": "Ada", "last": "L"}),
            json!({"name": "A", "first": "Ada", "last": "L"}),
            "A",
            unique(&["first", "last"], "B"),
        ),
    ];
    for (on_main, on_work, id, detail) in cases {
        let made = base().await?;
        put(&made, "main", &person(&on_main)).await?;
        put(&made, "work", &person(&on_work)).await?;
        let conflict = conflict(&made).await?;
        let key = (conflict.key.kind, conflict.key.table.to_string(), conflict.key.id.clone());
        assert_eq!(vec![key], expected(&[(ConflictKind::UniqueViolation, "node:Person", id)]));
        assert_eq!((conflict.detail, conflict.caused_by), (detail, None));
    }
    Ok(())
}

#[tokio::test]
async fn distinct_tuples_nulls_and_values_that_were_given_up_are_free() -> Result<()> {
    let made = base().await?;
    let on_main = [
        json!({"name": "A", "first": "Ada", "last": "L"}),
        json!({"name": "B", "first": "Ada"}),
        json!({"name": "C", "last": "L"}),
        json!({"name": "P1", "mail": "other"}),
    ];
    let on_work = [
        json!({"name": "D", "first": "Ada", "last": "M"}),
        json!({"name": "E", "first": "Eva", "last": "L"}),
        json!({"name": "F", "first": "Ada"}),
        json!({"name": "G", "last": "L"}),
        // The separator of a joined text does not make one tuple of two.
        json!({"name": "H", "first": "Ada\u{1f}L", "last": ""}),
        json!({"name": "I", "first": "Ada", "last": "\u{1f}L"}),
    ];
    put(&made, "main", &on_main.map(|data| person(&data)).concat()).await?;
    put(&made, "work", &on_work.map(|data| person(&data)).concat()).await?;
    // Two rows of the source exchange their values, which main leaves alone.
    mutate(&made.graph, "work", "update Person set { mail: \"free\" } where name = \"P3\"").await?;
    mutate(&made.graph, "work", "update Person set { mail: \"P3\" } where name = \"P4\"").await?;
    mutate(&made.graph, "work", "update Person set { mail: \"P4\" } where name = \"P3\"").await?;
    merge(&made.graph, "work", "main").await?;
    let mails = super::column(&made.files().await?, "main", "node:Person", "mail").await?;
    let mails: Vec<(&str, Value)> =
        mails.iter().filter(|(id, _)| id.starts_with('P')).map(|(id, mail)| (id.as_str(), mail.clone())).collect();
    assert_eq!(mails, [("P1", json!("other")), ("P2", json!("P2")), ("P3", json!("P4")), ("P4", json!("P3"))]);
    is_up_to_date(&made, "work", "main").await
}

#[tokio::test]
async fn edges_that_are_too_many_or_too_few_together_are_a_conflict_of_their_node() -> Result<()> {
    let made = base().await?;
    put(&made, "main", &edge("Likes", "l2", "P1", "P3")).await?;
    put(&made, "work", &edge("Likes", "l3", "P1", "P4")).await?;
    let too_many = conflict(&made).await?;
    let key = (too_many.key.kind, too_many.key.table.to_string(), too_many.key.id.clone());
    assert_eq!(vec![key], expected(&[(ConflictKind::CardinalityViolation, "edge:Likes", "P1")]));
    assert_eq!(too_many.detail, ConflictDetail::Cardinality { count: 3, min: 0, max: Some(2) });
    let planned = plan(&made.graph, "work", "main").await?;
    let edges = made.graph.conflict_rows(&planned, &too_many).await?;
    let there = |edge: &stratigraph_engine::merge::ThreeRows| {
        (edge.id.clone(), edge.base.is_some(), edge.source.is_some(), edge.target.is_some())
    };
    let of = |id: &str, base, source, target| (id.to_owned(), base, source, target);
    let expected_rows = [of("l1", true, true, true), of("l2", false, false, true), of("l3", false, true, false)];
    assert_eq!(edges.iter().map(there).collect::<Vec<_>>(), expected_rows);

    let made = base().await?;
    mutate(&made.graph, "main", "delete Mentors where to = \"P2\"").await?;
    mutate(&made.graph, "work", "delete Mentors where to = \"P3\"").await?;
    let too_few = conflict(&made).await?;
    let key = (too_few.key.kind, too_few.key.table.to_string(), too_few.key.id.clone());
    assert_eq!(vec![key], expected(&[(ConflictKind::CardinalityViolation, "edge:Mentors", "P1")]));
    assert_eq!(too_few.detail, ConflictDetail::Cardinality { count: 1, min: 2, max: Some(3) });
    Ok(())
}

/// An edge that moves leaves one node and comes to another; edges of the same id count once.
#[tokio::test]
async fn edges_are_counted_as_they_are_after_the_merge() -> Result<()> {
    let made = base().await?;
    put(&made, "main", &edge("Likes", "l2", "P1", "P3")).await?;
    put(&made, "work", &(edge("Likes", "l1", "P2", "P1") + &edge("Likes", "l3", "P1", "P4"))).await?;
    merge(&made.graph, "work", "main").await?;
    let sources = super::column(&made.files().await?, "main", "edge:Likes", "src").await?;
    let sources: Vec<(&str, &str)> =
        sources.iter().map(|(id, src)| (id.as_str(), src.as_str().unwrap_or(""))).collect();
    assert_eq!(sources, [("l1", "P2"), ("l2", "P1"), ("l3", "P1")]);

    let made = base().await?;
    for side in ["main", "work"] {
        put(&made, side, &(edge("Likes", "l2", "P1", "P3"))).await?;
    }
    assert_eq!(merge(&made.graph, "work", "main").await?.outcome, MergeOutcome::Merged);

    // A move by one side fills the node up for the other.
    let made = base().await?;
    put(&made, "main", &(edge("Likes", "k1", "P2", "P1") + &edge("Likes", "k2", "P2", "P3"))).await?;
    put(&made, "work", &edge("Likes", "l1", "P2", "P4")).await?;
    let conflict = conflict(&made).await?;
    assert_eq!(conflict.key.id, "P2");
    assert_eq!(conflict.detail, ConflictDetail::Cardinality { count: 3, min: 0, max: Some(2) });
    Ok(())
}

#[tokio::test]
async fn conflicts_of_all_tables_and_kinds_come_together_in_order() -> Result<()> {
    let made = base().await?;
    let on = |side: &str| {
        [
            person(&json!({"name": "P2", "mail": format!("of {side}")})),
            person(&json!({"name": "New", "first": side})),
            person(&json!({"name": format!("U{side}"), "mail": "same"})),
        ]
        .concat()
    };
    put(&made, "main", &(on("main") + &edge("Likes", "l2", "P1", "P3"))).await?;
    put(&made, "work", &(on("work") + &edge("Likes", "l3", "P1", "P4") + &edge("Likes", "o1", "P2", "P3"))).await?;
    mutate(&made.graph, "main", "delete Person where name = \"P3\"").await?;
    put(&made, "work", &person(&json!({"name": "P3", "mail": "still there"}))).await?;
    let plan = plan(&made.graph, "work", "main").await?;
    // Whether o1 has its node depends on P3, which is undecided; l2 went with P3.
    let conflicts = [
        (ConflictKind::DivergentInsert, "node:Person", "New"),
        (ConflictKind::DivergentUpdate, "node:Person", "P2"),
        (ConflictKind::DeleteVsUpdate, "node:Person", "P3"),
        (ConflictKind::UniqueViolation, "node:Person", "Uwork"),
    ];
    assert_eq!(found(plan.conflicts()), expected(&conflicts));
    let of_tables: Vec<(String, u64)> = plan
        .tables()
        .iter()
        .filter(|table| table.conflicts > 0)
        .map(|table| (table.key.to_string(), table.conflicts))
        .collect();
    assert_eq!(of_tables, [("node:Person".to_owned(), 4)]);
    is_refused(&made, &plan, &none(&plan), 4).await
}

fn task(rows: &[(&str, &str)]) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("state", DataType::Utf8, true),
    ]);
    let ids = Arc::new(StringArray::from_iter_values(rows.iter().map(|(id, _)| id)));
    let states = Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, state)| state)));
    RecordBatch::try_new(Arc::new(schema), vec![ids.clone(), ids, states]).expect("a batch")
}

/// Another program stored a value that the schema does not have: a merge that only switches a pointer looks at it, too.
#[tokio::test]
async fn a_table_that_is_taken_over_is_checked_as_well() -> Result<()> {
    const SOURCE: &str = "node Task {\n  name: String @key\n  state: enum(open, done)?\n}\n";
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("g");
    let first = task(&[("t1", "open")]);
    let mut made = GraphWriter::create(&root, SOURCE, &[("node:Task", first.schema())]).await?;
    let write = async |made: &mut GraphWriter, batch: RecordBatch, rows: u64| -> Result<()> {
        let version = writer::write(&made.table("node:Task"), batch, WriteMode::Append).await?.version().version;
        let published = made.publish(&[Publish { key: "node:Task".into(), version, lineage: None, rows }]).await?;
        made.commit(published, None).await.map(drop)
    };
    write(&mut made, first, 1).await?;
    let graph = Graph::open(&root.to_string_lossy(), OpenMode::ReadWrite).await?;
    graph.create_branch(&branch("work"), &branch("main")).await?;
    write(&mut made, task(&[("t2", "done"), ("t3", "lost")]), 3).await?;
    let plan = plan(&graph, "main", "work").await?;
    assert_eq!(plan.outcome(), MergeOutcome::FastForward);
    assert_eq!(
        found(plan.conflicts()),
        expected(&[(ConflictKind::ValueConstraintViolation, "node:Task", "t3")]),
        "of the rows that come, the one that breaks the rule"
    );
    let ConflictDetail::Value { column, .. } = &plan.conflicts()[0].detail else { panic!("{:?}", plan.conflicts()) };
    assert_eq!(column, "state");
    let refused = carry_out(&graph, &plan, &none(&plan)).await.unwrap_err();
    assert!(refused.to_string().contains("1 conflict is undecided"), "{refused}");
    let decisions = super::only(&plan, stratigraph_engine::merge::Choice::Drop)?;
    let merged = carry_out(&graph, &plan, &decisions).await?;
    // Without one of its rows, main's version is no longer what the branch shows.
    assert_eq!(merged.tables.iter().map(|table| table.way).collect::<Vec<_>>(), [MergeWay::Delta]);
    let files = stratigraph_tests::reader::GraphFiles::read(&root).await?;
    assert_eq!(files.ids("work", "node:Task").await?, ["t1", "t2"]);
    assert_eq!(ways(&super::plan(&graph, "main", "work").await?), []);
    Ok(())
}
