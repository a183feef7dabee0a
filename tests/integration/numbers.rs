//! Values at the edges of their types: what is one value to a rule, what is a change, and what an export brings back.

use std::fs;
use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use futures::TryStreamExt;
use lance::dataset::WriteMode;
use serde_json::json;
use stratigraph_engine::diff::{DiffFilter, DiffItem};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{At, Error, Graph, OpenMode, Progress, SqlOptions};
use stratigraph_tests::graph::{TestGraph, branch};
use stratigraph_tests::writer::{self, GraphWriter, Publish};

use crate::command_line::{run, text};
use crate::long_queries::rows_of;

const SCHEMA: &str = "node Reading { name: String @key  value: F64? @unique  small: F32?  place: String?  @unique(small, place) }\n\
    node Step { size: F64 @key }\n";

fn reading(name: &str, value: &str) -> String {
    format!("{{\"type\":\"Reading\",\"data\":{{\"name\":\"{name}\",\"value\":{value}}}}}\n")
}

async fn mutate(made: &TestGraph, on: &str, body: &str) -> Result<(), Error> {
    let text = format!("query q() {{ {body} }}");
    let request =
        MutateRequest { branch: branch(on), actor: None, text, name: None, params: serde_json::Map::default() };
    Box::pin(made.graph.mutate(request, &Progress::none())).await.map(drop)
}

#[tokio::test]
async fn the_two_zeros_are_one_value_to_every_rule_and_writer() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let broken = |error: Error| {
        let text = error.to_string();
        assert!(text.contains("@unique(value) is broken: there is another [0.0]"), "{text}");
    };
    broken(made.load(LoadMode::Append, "main", &(reading("a", "0.0") + &reading("b", "-0.0"))).await.unwrap_err());
    made.load(LoadMode::Append, "main", &reading("a", "-0.0")).await?;
    for mode in [LoadMode::Append, LoadMode::Merge] {
        broken(made.load(mode, "main", &reading("b", "0")).await.unwrap_err());
    }
    broken(mutate(&made, "main", "insert Reading { name: \"b\", value: 0 }").await.unwrap_err());
    // The same row may change its zero.
    made.load(LoadMode::Merge, "main", &reading("a", "0.0")).await?;
    mutate(&made, "main", "insert Reading { name: \"c\", small: -0.0, place: \"x\" }").await?;
    let error = mutate(&made, "main", "insert Reading { name: \"d\", small: 0.0, place: \"x\" }").await.unwrap_err();
    assert!(error.to_string().contains("@unique(place, small)"), "{error}");
    mutate(&made, "main", "insert Step { size: -0.0 }").await?;
    let error = mutate(&made, "main", "insert Step { size: 0.0 }").await.unwrap_err();
    assert!(error.to_string().contains("@key(size) is broken"), "{error}");
    // Both sides of a merge give out one of them.
    made.branch("work", "main").await?;
    mutate(&made, "main", "update Reading set { value: 5.0 } where name = \"a\"").await?;
    mutate(&made, "main", "insert Reading { name: \"m\", value: 0.0 }").await?;
    mutate(&made, "work", "update Reading set { value: 6.0 } where name = \"a\"").await?;
    mutate(&made, "work", "insert Reading { name: \"w\", value: -0.0 }").await?;
    let plan = Box::pin(made.graph.merge_plan(&branch("work"), &branch("main"), &Progress::none())).await?;
    let found: Vec<String> = plan.conflicts().iter().map(|it| format!("{} {}", it.key.kind, it.key.id)).collect();
    assert_eq!(found, ["DivergentUpdate a", "UniqueViolation w"]);
    Ok(())
}

#[tokio::test]
async fn a_zero_that_becomes_the_other_is_a_change_in_diffs_and_merges() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &(reading("a", "0.0") + &reading("b", "1"))).await?;
    made.branch("work", "main").await?;
    made.load(LoadMode::Merge, "work", &reading("a", "-0.0")).await?;
    made.load(LoadMode::Merge, "main", &reading("b", "2")).await?;
    let (from, to) = (branch("main"), branch("work"));
    let plan = Box::pin(made.graph.merge_plan(&to, &from, &Progress::none())).await?;
    ensure!(plan.conflicts().is_empty(), "{:?}", plan.conflicts());
    let decisions = stratigraph_engine::merge::MergeDecisions::none(&to, &from, plan.heads());
    let before = made.graph.snapshot(&At::Branch(from.clone())).await?;
    Box::pin(made.graph.merge(&plan, &decisions, None, &Progress::none())).await?;
    let after = made.graph.snapshot(&At::Branch(from)).await?;
    let items: Vec<DiffItem> =
        made.graph.diff(&before, &after, DiffFilter::default(), &Progress::none()).try_collect().await?;
    let changed: Vec<(String, String)> = items
        .into_iter()
        .filter_map(|item| match item {
            DiffItem::Row(change) => Some((change.id, change.after.map(|row| row.to_json()["value"].to_string())?)),
            DiffItem::Table(_) => None,
        })
        .collect();
    assert_eq!(changed, [("a".to_owned(), "-0.0".to_owned())]);
    Ok(())
}

/// What is loaded, exported and loaded again is the same export; dates without a whole year are refused.
#[test]
fn what_a_load_takes_an_export_gives_back() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let name = |file: &str| folder.path().join(file).to_string_lossy().into_owned();
    let schema = "node Moment { name: String @key  at: DateTime?  times: [DateTime]?  day: Date?  whole: I64?  natural: U32?  x: F64?  \
        y: F32? }\nnode Instant { at: DateTime @key }\nedge Then: Instant -> Instant\n";
    fs::write(name("schema.pg"), schema)?;
    for graph in ["g", "copy"] {
        text(&["init", &name(graph), "--schema", &name("schema.pg")])?;
    }
    let times = [
        i64::MAX,
        i64::MIN,
        8_210_266_876_799_999,
        8_210_266_876_800_000,
        -8_334_601_228_800_000,
        -8_334_601_228_800_001,
        253_402_300_800_000,
        -62_167_219_200_001,
        0,
        -1,
        1,
    ];
    let mut records = String::new();
    for (number, millis) in times.into_iter().enumerate() {
        records += &format!(
            "{{\"type\":\"Moment\",\"data\":{{\"name\":\"m{number}\",\"at\":{millis},\"times\":[{millis},null]}}}}\n\
             {{\"type\":\"Instant\",\"data\":{{\"at\":{millis}}}}}\n"
        );
    }
    for (number, day) in [i32::MAX, i32::MIN, 2_932_897, -719_529].into_iter().enumerate() {
        records += &format!("{{\"type\":\"Moment\",\"data\":{{\"name\":\"d{number}\",\"day\":{day}}}}}\n");
    }
    records += "{\"edge\":\"Then\",\"from\":\"9223372036854775807 ms\",\"to\":\"1970-01-01T00:00:00\",\"data\":{\"id\":\"t\"}}\n\
        {\"type\":\"Moment\",\"data\":{\"name\":\"zero\",\"whole\":-0,\"natural\":-0,\"day\":-0,\"at\":-0,\"x\":-0,\"y\":-0.0}}\n\
        {\"type\":\"Moment\",\"data\":{\"name\":\"year\",\"at\":\"+12026-01-01T00:00:00\",\"day\":\"-0044-03-15\"}}\n";
    fs::write(name("data.jsonl"), records)?;
    text(&["load", &name("g"), "--data", &name("data.jsonl"), "--mode", "append"])?;
    let exported = text(&["export", &name("g")])?;
    ensure!(!exported.contains("\"at\":\"9"), "{exported}");
    ensure!(exported.contains(r#""x":-0.0"#) && exported.contains(r#""whole":0"#), "{exported}");
    fs::write(name("export.jsonl"), &exported)?;
    text(&["load", &name("copy"), "--data", &name("export.jsonl"), "--mode", "append"])?;
    assert_eq!(text(&["export", &name("copy")])?, exported);
    for wrong in
        ["\"at\":\"24-01-01\"", "\"at\":\"24-01-01T00:00:00\"", "\"day\":\"24-01-01\"", "\"day\":\"224-01-01\""]
    {
        fs::write(name("wrong.jsonl"), format!("{{\"type\":\"Moment\",\"data\":{{\"name\":\"w\",{wrong}}}}}\n"))?;
        let output = run(&["load", &name("g"), "--data", &name("wrong.jsonl"), "--mode", "merge"])?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(2) && said.contains("is expected, not"), "{wrong}: {said}");
    }
    Ok(())
}

/// Nothing that is no number can come in, whatever a file holds.
#[tokio::test]
async fn what_is_no_number_is_refused_by_every_way_in() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    for text in ["NaN", "\"NaN\"", "1e400", "Infinity"] {
        ensure!(made.load(LoadMode::Append, "main", &reading("a", text)).await.is_err(), "{text}");
        let body = format!("insert Reading {{ name: \"a\", value: {text} }}");
        ensure!(mutate(&made, "main", &body).await.is_err(), "{text}");
    }
    Ok(())
}

/// A graph in which another program stored these values.
async fn stored(root: &std::path::Path, values: &[(&str, f64)]) -> Result<Graph> {
    const SOURCE: &str = "node Reading {\n  name: String @key\n  value: F64? @unique\n  note: String?\n}\n";
    let schema = Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("value", DataType::Float64, true),
        Field::new("note", DataType::Utf8, true),
    ]);
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(values.iter().map(|(name, _)| name)));
    let numbers = Arc::new(Float64Array::from_iter_values(values.iter().map(|(_, value)| *value)));
    let notes = Arc::new(StringArray::from(vec![None::<&str>; values.len()]));
    let batch = RecordBatch::try_new(Arc::new(schema), vec![names.clone(), names, numbers, notes])?;
    let mut made = GraphWriter::create(root, SOURCE, &[("node:Reading", batch.schema())]).await?;
    let version = writer::write(&made.table("node:Reading"), batch, WriteMode::Append).await?.version().version;
    let rows = values.len() as u64;
    let published = made.publish(&[Publish { key: "node:Reading".into(), version, lineage: None, rows }]).await?;
    made.commit(published, None).await?;
    Ok(Box::pin(Graph::open(&root.to_string_lossy(), OpenMode::ReadWrite)).await?)
}

/// Every NaN is one value, greater than all numbers, whatever its bits are.
#[tokio::test]
async fn what_is_no_number_and_is_stored_is_one_value_everywhere() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let graph = stored(&folder.path().join("g"), &[("a", f64::NAN), ("b", 1.0)]).await?;
    let note = async |on: &str, name: &str| {
        let text = format!("query q() {{ update Reading set {{ note: \"{on}\" }} where name = \"{name}\" }}");
        let params = serde_json::Map::default();
        let request = MutateRequest { branch: branch(on), actor: None, text, name: None, params };
        Box::pin(graph.mutate(request, &Progress::none())).await.map(drop)
    };
    let main = graph.snapshot(&At::Branch(branch("main"))).await?;
    let readings = "node:Reading".parse()?;
    for (condition, rows) in [("value > 1e308", 1), ("isnan(value)", 1), ("value = value", 2), ("value < 1e308", 1)] {
        assert_eq!(graph.count(&main, &readings, Some(condition)).await?, rows, "{condition}");
        let query = format!("select name from Reading where {condition}");
        let found: Vec<_> = graph.sql(&main, &query, SqlOptions::default()).await?.batches.try_collect().await?;
        assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>() as u64, rows, "{query}");
    }
    graph.create_branch(&branch("work"), &branch("main")).await?;
    note("work", "a").await?;
    note("main", "b").await?;
    let work = graph.snapshot(&At::Branch(branch("work"))).await?;
    let items = graph.diff(&main, &work, DiffFilter::default(), &Progress::none());
    let items: Vec<DiffItem> = items.try_collect().await?;
    let columns = items.iter().find_map(|item| match item {
        DiffItem::Row(change) => Some(change.columns.clone()),
        DiffItem::Table(_) => None,
    });
    assert_eq!(columns, Some(vec!["note".to_owned()]), "{items:?}");
    let plan = Box::pin(graph.merge_plan(&branch("work"), &branch("main"), &Progress::none())).await?;
    ensure!(plan.conflicts().is_empty(), "{:?}", plan.conflicts());
    let decisions = stratigraph_engine::merge::MergeDecisions::none(plan.source(), plan.target(), plan.heads());
    Box::pin(graph.merge(&plan, &decisions, None, &Progress::none())).await?;
    let main = graph.snapshot(&At::Branch(branch("main"))).await?;
    assert_eq!(graph.count(&main, &readings, Some("isnan(value) and note = 'work'")).await?, 1);

    let other = stored(&folder.path().join("twice"), &[("a", f64::NAN), ("c", -f64::NAN)]).await?;
    let text = "query q() { update Reading set { note: \"x\" } where name = \"a\" }".to_owned();
    let params = serde_json::Map::default();
    let request = MutateRequest { branch: branch("main"), actor: None, text, name: None, params };
    let error = Box::pin(other.mutate(request, &Progress::none())).await.unwrap_err();
    assert!(error.to_string().contains("@unique(value) is broken"), "{error}");
    Ok(())
}

/// What SQL brings together by value; Arrow's bits would tell the zeros apart.
#[tokio::test]
async fn the_two_zeros_are_one_number_in_every_part_of_a_query() -> Result<()> {
    let made = TestGraph::new("node Point { key: String @key  x: F64?  y: F32? }\n").await?;
    let point = |key: &str, x: &str, y: &str| {
        format!("{{\"type\":\"Point\",\"data\":{{\"key\":\"{key}\",\"x\":{x},\"y\":{y}}}}}\n")
    };
    let rows = point("a", "-0.0", "0.0") + &point("b", "0.0", "-0.0") + &point("c", "2", "-2");
    made.load(LoadMode::Append, "main", &rows).await?;
    let cases = [
        ("select count(*) as n from Point where x = y", json!([{"n": 2}])),
        (
            "select key, x = y as same, x < y as less from Point order by key",
            json!([
                {"key": "a", "same": true, "less": false},
                {"key": "b", "same": true, "less": false},
                {"key": "c", "same": false, "less": false},
            ]),
        ),
        (
            "select x = 0 as zero, count(*) as n from Point group by x = 0 order by n",
            json!([
                {"zero": false, "n": 1}, {"zero": true, "n": 2},
            ]),
        ),
        ("select x, count(*) as n from Point group by x order by x", json!([{"x": 0.0, "n": 2}, {"x": 2.0, "n": 1}])),
        ("select x, y, count(*) as n from Point group by x, y having y >= 0", json!([{"x": 0.0, "y": 0.0, "n": 2}])),
        ("select distinct x from Point order by x", json!([{"x": 0.0}, {"x": 2.0}])),
        ("select distinct x, abs(y) as y from Point order by x", json!([{"x": 0.0, "y": 0.0}, {"x": 2.0, "y": 2.0}])),
        ("select count(distinct x) as n, sum(x) as s from Point", json!([{"n": 2, "s": 2.0}])),
        (
            "select a.key as a, b.key as b from Point a join Point b on a.x = b.y order by 1, 2",
            json!([
                {"a": "a", "b": "a"}, {"a": "a", "b": "b"}, {"a": "b", "b": "a"}, {"a": "b", "b": "b"},
            ]),
        ),
        ("select count(*) as n from Point a join Point b using (x)", json!([{"n": 5}])),
        ("select key from Point where x in (select y from Point) order by key", json!([{"key": "a"}, {"key": "b"}])),
        ("select key from Point where x not in (select y from Point)", json!([{"key": "c"}])),
        ("select x from Point intersect select cast(y as double) from Point", json!([{"x": 0.0}])),
        ("select x from Point except select cast(y as double) from Point", json!([{"x": 2.0}])),
        ("select x from Point where x = 0 union select cast(y as double) from Point where y = 0", json!([{"x": 0.0}])),
        (
            "select case x when 0 then 'zero' else 'other' end as kind from Point order by key",
            json!([
                {"kind": "zero"}, {"kind": "zero"}, {"kind": "other"},
            ]),
        ),
        (
            "select key, count(*) over (partition by x) as n from Point order by key",
            json!([
                {"key": "a", "n": 2}, {"key": "b", "n": 2}, {"key": "c", "n": 1},
            ]),
        ),
        (
            "select p.key from Point p where exists (select 1 from Point q where q.y = p.x and q.key <> p.key) order by 1",
            json!([{"key": "a"}, {"key": "b"}]),
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(rows_of(&made, query).await?, expected, "{query}");
    }
    // A value that is only shown is the stored one.
    let shown = text(&["sql", &made.uri(), "select x, y from Point order by key limit 2", "--json"])?;
    assert_eq!(shown, "{\"x\":-0.0,\"y\":0.0}\n{\"x\":0.0,\"y\":-0.0}\n");
    Ok(())
}
