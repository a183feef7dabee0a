//! Conditions mean what they mean after the `WHERE` of a query, wherever one is written.

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use serde_json::Value;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::{Choice, Decision, MergeDecisions, Rule, Side};
use stratigraph_engine::{At, ErrorKind, Progress, ReadOptions, Row, RowStream, SqlOptions};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::graph::{TestGraph, branch};

use crate::command_line::{lines, run};

const SCHEMA: &str = "node Person {\n  name: String @key\n  full_name: String?\n  someAge: I32?\n  small: U32?\n  long: I64?\n  big: U64?\n  \
    single: F32?\n  double: F64?\n  day: Date?\n  at: DateTime?\n  role: enum(admin, guest)?\n  tags: [String]?\n  flag: Bool?\n  \
    photo: Blob?\n  face: Vector(2)?\n}\nedge Knows: Person -> Person { from: Date?  to: I32? }\n";

const ROWS: &str = r#"
{"type":"Person","data":{"name":"name","full_name":"x","someAge":1,"small":4294967295,"long":-1,"big":18446744073709551615,"single":0.1,"double":-0.0,"day":"2026-05-02","at":"2026-05-02T09:14:03.5","role":"admin","tags":["a","b"],"flag":true,"photo":"base64:aGk=","face":[0,1]}}
{"type":"Person","data":{"name":"Ada","full_name":"name","someAge":-7,"small":0,"long":9223372036854775807,"big":0,"single":-0.0,"double":0.0,"day":"1815-12-10","at":"1815-12-10","role":"guest","tags":[],"flag":false}}
{"type":"Person","data":{"name":"x","full_name":"it's \"x\"","someAge":2147483647,"small":7,"long":3000000000,"big":3000000000,"single":1.5,"double":1e300,"day":20575,"at":"2200-01-01T00:00:00"}}
{"type":"Person","data":{"name":"empty"}}
{"edge":"Knows","from":"Ada","to":"x","data":{"id":"k1","from":"2026-05-02"}}
{"edge":"Knows","from":"x","to":"Ada","data":{"id":"k2"}}
"#;

/// Conditions on people, and who keeps them where that can be told without the query engine.
const CONDITIONS: &[(&str, Option<&[&str]>)] = &[
    ("\"name\" = 'x'", Some(&["x"])),
    ("name = 'x'", Some(&["x"])),
    ("`name` = 'x'", Some(&["x"])),
    ("'x' = \"name\"", Some(&["x"])),
    ("\"full_name\" = \"name\"", Some(&[])),
    ("full_name = 'name'", Some(&["Ada"])),
    ("full_name = 'it''s \"x\"'", Some(&["x"])),
    ("\"someAge\" > 0", Some(&["name", "x"])),
    ("someAge < 3000000000", Some(&["Ada", "name", "x"])),
    ("someAge <= 2147483647.5", Some(&["Ada", "name", "x"])),
    ("small = 4294967295", Some(&["name"])),
    ("small > -1", Some(&["Ada", "name", "x"])),
    ("long = 9223372036854775807", Some(&["Ada"])),
    ("big = 18446744073709551615", Some(&["name"])),
    ("big = long", Some(&["x"])),
    ("long > someAge", Some(&["Ada", "x"])),
    ("double = 0", Some(&["Ada", "name"])),
    ("double = -0.0", Some(&["Ada", "name"])),
    ("double < 0 or single < 0", Some(&[])),
    ("single = 0", Some(&["Ada"])),
    ("single in (0, 1.5)", Some(&["Ada", "x"])),
    ("double between 0 and 1", Some(&["Ada", "name"])),
    ("(double is distinct from 0) and double is not null", Some(&["x"])),
    ("double = single * 0", Some(&["Ada", "name"])),
    ("double < single * 0 or double + 0 < double", Some(&[])),
    ("single in (double, 7)", Some(&["Ada"])),
    ("0 between double and single", Some(&["Ada", "name"])),
    ("case double when 0 then true when 1e300 then name = 'x' end", Some(&["Ada", "name", "x"])),
    ("day = '2026-05-02'", Some(&["name", "x"])),
    ("day < date '1900-01-01'", Some(&["Ada"])),
    ("day between '1800-01-01' and '1900-01-01'", Some(&["Ada"])),
    ("at = '2026-05-02T09:14:03.5'", Some(&["name"])),
    ("at > '2026-01-01'", Some(&["name", "x"])),
    ("at < now()", None),
    ("at = timestamp '2026-05-02 09:14:03.5'", Some(&["name"])),
    ("at = day", None),
    ("role = 'admin'", Some(&["name"])),
    ("role in ('admin', 'guest') and not flag", Some(&["Ada"])),
    ("flag", Some(&["name"])),
    ("flag is not true", Some(&["Ada", "empty", "x"])),
    ("array_has(tags, 'a')", Some(&["name"])),
    ("'b' = any(tags)", Some(&["name"])),
    ("cardinality(tags) = 0", None),
    ("photo is not null", Some(&["name"])),
    ("face is null", Some(&["Ada", "empty", "x"])),
    ("name like '%m%' and length(name) > 4", Some(&["empty"])),
    ("name ~ '^[a-z]$'", Some(&["x"])),
    ("upper(name) = 'ADA' or coalesce(someAge, 0) = 1", Some(&["Ada", "name"])),
    ("case when someAge > 1 then true else name = 'empty' end", Some(&["empty", "x"])),
    ("null", Some(&[])),
    ("true", Some(&["Ada", "empty", "name", "x"])),
    ("id = name", Some(&["Ada", "empty", "name", "x"])),
];

/// What is refused, and what the last cause of it says.
const REFUSED: &[(&str, &str)] = &[
    ("name similar to 'A%'", "use LIKE"),
    ("not (name not similar to 'A%')", "use LIKE"),
    ("abs(long) over (order by long) = 1", "OVER after"),
    ("abs(distinct long) = 1", "DISTINCT in"),
    ("abs(long) filter (where long > 1) = 1", "FILTER after"),
    ("name = \"x\"", "there is no column `x`; double quotes are for columns, and a text has single ones: 'x'"),
    ("\"Name\" = 'x'", "there is no column `Name`; did you mean name?"),
    ("someage = 1", "there is no column `someage`; did you mean someAge?"),
    ("_rowid = 0", "there is no column `_rowid`"),
    ("someAge = 'old'", "column someAge: "),
    ("day > 'yesterday'", "column day: "),
    ("tags = 1", "column tags: "),
    ("face > 3", "column face: "),
    ("photo = 'x'", "column photo: "),
    ("someAge", "it is Int32, neither true nor false: compare it with something"),
    ("max(someAge) = 1", "the aggregate function max cannot be in a condition, which is about one row by itself"),
    ("name in (select 'x')", "a query cannot be in a condition, which is about one row by itself"),
    ("someAge = 1 order by name", "the condition ends before `order`; nothing can follow it"),
    ("cast(name as int) = 1", "column name: Cannot cast string"),
    ("1 / (someAge - 1) = 1", "column someAge: Divide by zero"),
];

async fn people() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", ROWS).await?;
    Ok(made)
}

async fn ids(rows: RowStream) -> Result<Vec<String>, stratigraph_engine::Error> {
    let batches: Vec<_> = rows.try_collect().await?;
    let ids = batches.iter().flat_map(|batch| {
        let columns = Row::columns_of(batch);
        (0..batch.num_rows()).map(move |row| Row::from_batch(&columns, batch, row))
    });
    Ok(ids.map(|row| row.get("id").map(ToString::to_string).unwrap_or_default()).collect())
}

#[tokio::test]
async fn a_condition_selects_the_rows_that_the_same_query_selects() -> Result<()> {
    let made = people().await?;
    let graph = &made.graph;
    let main = graph.snapshot(&At::Branch(branch("main"))).await?;
    let person = main.table("Person")?.key.clone();
    for (condition, expected) in CONDITIONS {
        let query = format!("select id from \"Person\" where {condition} order by id");
        let queried = graph.sql(&main, &query, SqlOptions::default()).await.with_context(|| query.clone())?;
        let queried = ids(queried.batches).await.with_context(|| query.clone())?;
        for limit in [None, Some(100)] {
            let filter = Some((*condition).to_owned());
            let options = ReadOptions { filter, limit, columns: Some(vec!["id".into()]), ..ReadOptions::default() };
            let read = graph.read(&main, &person, &options).await.with_context(|| query.clone())?;
            assert_eq!(ids(read).await?, queried, "{condition}");
        }
        assert_eq!(graph.count(&main, &person, Some(condition)).await?, queried.len() as u64, "{condition}");
        if let Some(expected) = expected {
            assert_eq!(queried, *expected, "{condition}");
        }
    }
    let knows = main.table("Knows")?.key.clone();
    for (condition, expected) in
        [("\"from\" = '2026-05-02'", ["k1"]), ("\"from\" is null", ["k2"]), ("dst = 'x'", ["k1"])]
    {
        let options = ReadOptions { filter: Some(condition.to_owned()), ..ReadOptions::default() };
        assert_eq!(ids(graph.read(&main, &knows, &options).await?).await?, expected, "{condition}");
    }
    Ok(())
}

#[tokio::test]
async fn a_condition_that_cannot_be_is_refused_by_its_column() -> Result<()> {
    let made = people().await?;
    let graph = &made.graph;
    let main = graph.snapshot(&At::Branch(branch("main"))).await?;
    let person = main.table("Person")?.key.clone();
    for (condition, cause) in REFUSED {
        for limit in [None, Some(100)] {
            let options = ReadOptions { filter: Some((*condition).to_owned()), limit, ..ReadOptions::default() };
            let read = match graph.read(&main, &person, &options).await {
                Ok(rows) => ids(rows).await.err(),
                Err(error) => Some(error),
            };
            let counted = graph.count(&main, &person, Some(condition)).await.err();
            for error in [read, counted] {
                let error = error.with_context(|| format!("{condition} is taken"))?;
                assert_eq!(error.kind(), ErrorKind::Invalid, "{condition}: {error:?}");
                let said = stratigraph::message::chain(&error);
                assert!(
                    said[0].starts_with(&format!("cannot use the filter `{condition}`; the table has id, ")),
                    "{said:?}"
                );
                let last = said.last().map(String::as_str).unwrap_or_default();
                assert!(last.contains(cause), "{condition}: {said:?}");
                assert!(!last.contains(".rs"), "{condition}: {said:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn rules_of_decisions_read_conditions_as_queries_do() -> Result<()> {
    let made =
        TestGraph::new("node Person { name: String @key  age: I32? }\nnode Note { key: String @key  text: String? }\n")
            .await?;
    let load = async |on: &str, age: i32| {
        let people: String = ["x", "name", "Ada"]
            .map(|name| format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\",\"age\":{age}}}}}\n"))
            .concat();
        made.load(LoadMode::Merge, on, &people).await
    };
    load("main", 1).await?;
    made.branch("work", "main").await?;
    load("main", 2).await?;
    load("work", 3).await?;
    let plan = Box::pin(made.graph.merge_plan(&branch("work"), &branch("main"), &Progress::none())).await?;
    let decided = async |filter: &str| -> Result<Vec<String>> {
        let rule = Rule { filter: Some(filter.to_owned()), ..Rule::default() };
        let decisions = vec![Decision::by_rule(rule, Choice::Take(Side::Source))];
        let decisions =
            MergeDecisions { decisions, ..MergeDecisions::none(plan.source(), plan.target(), plan.heads()) };
        let checked = Box::pin(made.graph.merge_check(&plan, &decisions, &Progress::none())).await?;
        Ok(checked.decided.into_iter().map(|(conflict, _)| conflict.key.id).collect())
    };
    assert_eq!(decided("\"name\" = 'x'").await?, ["x"]);
    assert_eq!(decided("\"age\" < 3000000000 and name <> 'x'").await?, ["Ada", "name"]);
    let error = decided("name = \"x\"").await.expect_err("a text has single quotes");
    ensure!(format!("{error:#}").contains("double quotes are for columns"), "{error:#}");
    Ok(())
}

#[tokio::test]
async fn zeros_are_one_number_in_every_condition_of_a_mutation() -> Result<()> {
    let made = TestGraph::new("node Point { key: String @key  x: F64?  y: F32? }\n").await?;
    let mutate = async |text: &str| -> Result<u64> {
        let text = format!("query q() {{ {text} }}");
        let request = stratigraph_engine::mutate::MutateRequest {
            branch: branch("main"),
            actor: None,
            text,
            name: None,
            params: serde_json::Map::default(),
        };
        Ok(Box::pin(made.graph.mutate(request, &Progress::none())).await?.affected_nodes)
    };
    let insert = "insert Point { key: \"a\", x: -0.0, y: 0.0 } insert Point { key: \"b\", x: 0.0, y: -0.0 }";
    for (condition, rows) in
        [("x = 0.0", 2), ("x = -0.0 and y = 0", 2), ("x < 0", 0), ("x >= 0 and y <= -0.0", 2), ("y != 0", 0)]
    {
        // First on rows that the same mutation makes, then on stored ones.
        let update = format!("update Point set {{ x: 0.0, y: 0.0 }} where {condition}");
        assert_eq!(mutate(&format!("{insert} {update}")).await?, 2 + rows, "{condition}");
        mutate(insert).await?;
        assert_eq!(mutate(&update).await?, rows, "{condition}");
        assert_eq!(mutate(&format!("delete Point where x = {}", if rows > 0 { "-0.0" } else { "0" })).await?, 2);
    }
    Ok(())
}

/// The values of a property in the order of the ids.
async fn values(made: &TestGraph, table: &str, property: &str) -> Result<Vec<Value>> {
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let key = main.table(table)?.key.clone();
    let batches: Vec<_> = made.graph.read(&main, &key, &ReadOptions::default()).await?.try_collect().await?;
    let rows = batches.iter().flat_map(|batch| {
        let columns = Row::columns_of(batch);
        (0..batch.num_rows()).map(move |row| Row::from_batch(&columns, batch, row).to_json())
    });
    Ok(rows.map(|row| row[property].clone()).collect())
}

#[tokio::test]
async fn properties_called_like_an_end_can_be_said_in_mutations() -> Result<()> {
    let made = people().await?;
    let mutate = async |text: &str| -> Result<u64> {
        let text = format!("query q() {{ {text} }}");
        let request = stratigraph_engine::mutate::MutateRequest {
            branch: branch("main"),
            actor: None,
            text,
            name: None,
            params: serde_json::Map::default(),
        };
        Ok(Box::pin(made.graph.mutate(request, &Progress::none())).await?.affected_edges)
    };
    assert_eq!(mutate("delete Knows where `from` = date(\"2026-05-02\") and from = \"x\"").await?, 0);
    assert_eq!(mutate("delete Knows where `from` = date(\"2026-05-02\") and from = \"Ada\"").await?, 1);
    assert_eq!(mutate("insert Knows { from: \"Ada\", to: \"Ada\", `from`: date(\"1970-01-02\") }").await?, 1);
    let mut from = values(&made, "Knows", "from").await?;
    from.sort_by_key(Value::is_null);
    assert_eq!(from, [Value::from(1), Value::Null]);
    assert_eq!(mutate("insert Knows { from: \"Ada\", to: \"x\", `to`: 7 }").await?, 1);
    assert_eq!(mutate("delete Knows where `to` = 7 and to = \"Ada\"").await?, 0);
    assert_eq!(mutate("delete Knows where `to` = 7 and to = \"x\"").await?, 1);
    Ok(())
}

#[test]
fn the_command_takes_a_name_in_double_quotes_as_a_column() -> Result<()> {
    let team = Fixture::Team.path()?.to_string_lossy().into_owned();
    let people = |condition| lines(&["read", &team, "Person", "--columns", "name", "--where", condition, "--json"]);
    assert_eq!(people("\"name\" = 'Ada'")?, people("name = 'Ada'")?);
    assert_eq!(people("\"name\" = 'Ada'")?.len(), 1);
    let error = run(&["read", &team, "Person", "--where", "name = \"Ada\""])?;
    let said = String::from_utf8_lossy(&error.stderr).into_owned();
    assert!(error.status.code() == Some(2) && said.contains("there is no column `Ada`"), "{said}");
    Ok(())
}
