//! Queries and conditions of thousands of parts: answered, or refused, and never the end of the process.

use anyhow::{Context, Result};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use serde_json::Value;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::query::SqlOptions;
use stratigraph_engine::{At, Error, ErrorKind, ReadOptions, Row};
use stratigraph_tests::graph::{TestGraph, branch};

const SCHEMA: &str = "node Person { name: String @key  age: I64? }\n";

/// Ten people, aged 0 to 9.
pub(crate) async fn people() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    let row = |age: i64| format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"p{age}\",\"age\":{age}}}}}\n");
    made.load(LoadMode::Append, "main", &(0..10).map(row).collect::<String>()).await?;
    Ok(made)
}

/// The one number that a query answers.
pub(crate) async fn number(made: &TestGraph, sql: &str) -> Result<i64, Error> {
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let result = made.graph.sql(&main, sql, SqlOptions::default()).await?;
    let batches: Vec<_> = result.batches.try_collect().await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).expect("a row");
    Ok(batch.column(0).as_primitive::<Int64Type>().value(0))
}

/// The rows that a query gives on main, as JSON.
pub(crate) async fn rows_of(made: &TestGraph, sql: &str) -> Result<Value, Error> {
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let result = made.graph.sql(&main, sql, SqlOptions::default()).await?;
    let batches: Vec<_> = result.batches.try_collect().await?;
    let rows = batches.iter().flat_map(|batch| {
        let columns = Row::columns_of(batch);
        (0..batch.num_rows()).map(move |row| Row::from_batch(&columns, batch, row).to_json())
    });
    Ok(Value::Array(rows.collect()))
}

/// `age = 5 or age = 6 or …`
fn chain(op: &str, term: impl Fn(usize) -> String, length: usize) -> String {
    (5..5 + length).map(term).collect::<Vec<_>>().join(op)
}

#[tokio::test]
async fn thousands_of_terms_are_answered() -> Result<()> {
    let made = people().await?;
    for length in [190, 20_000] {
        let any = chain(" or ", |age| format!("age = {age}"), length);
        let none = chain(" and ", |age| format!("age <> {age}"), length);
        let mut queries = vec![
            format!("select count(*) from Person where {any}"),
            format!("with p as (select age from Person where {any}) select count(*) from p"),
            format!("select count(*) filter (where {any}) from Person"),
            format!("select count(*) from Person where name in (select name from Person where {any})"),
        ];
        if length < 200 {
            queries.push(format!("select count(*) from Person where {none}"));
            queries.push(format!("select count(*) from Person where not ({any})"));
            queries.push(format!("select count(*) from (select age from Person where {none}) p where not ({any})"));
            queries.push(format!("select sum(case when {none} then 1 else 0 end) from Person"));
        }
        for query in queries {
            let found = number(&made, &query).await.with_context(|| format!("{length}: {query:.80}"))?;
            assert_eq!(found, 5, "{length}: {query:.80}");
        }
        let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
        for condition in [&any, &none] {
            let found = made.graph.count(&main, &"node:Person".parse()?, Some(condition)).await?;
            assert_eq!(found, 5, "{condition:.80}");
        }
        let error = number(&made, &format!("select count(*) from Persn where {any}")).await.unwrap_err();
        assert!(error.to_string().contains("did you mean Person?"), "{error:.200}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_nested_deeper_than_the_parser_goes_is_refused_as_that() -> Result<()> {
    let made = people().await?;
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let key = "node:Person".parse()?;
    for (start, end, deepest) in [
        ("(", ")", 40),
        ("abs(", ")", 40),
        ("abs((", "))", 20),
        ("not not ", "", 20),
        ("case when true then ", " end", 40),
        ("- ", "", 40),
        ("- (", ")", 20),
        ("1 + (", ")", 20),
        ("1 + abs(", ")", 20),
        ("not (", ")", 20),
        ("not (true and ", ")", 14),
    ] {
        for length in [deepest, deepest + deepest / 2, 2 * deepest, 2_000] {
            let nested = |inner: &str| format!("{}{inner}{}", start.repeat(length), end.repeat(length));
            let value = if start.starts_with("not") { "true" } else { "1" };
            let found = number(&made, &format!("select count({}) from Person", nested(value))).await;
            let value = if value == "1" { "(age)" } else { "(age > 3)" };
            let condition = format!("({}) is not null", nested(value));
            let filtered = made.graph.count(&main, &key, Some(&condition)).await;
            if length == deepest {
                let found = found.with_context(|| format!("{start} {length}"))?;
                assert_eq!((found, filtered?), (10, 10), "{start}");
                continue;
            }
            for error in [found.err(), filtered.err()] {
                let error = error.context("it is nested too deeply")?;
                assert_eq!(error.kind(), ErrorKind::Invalid, "{start} {length}");
                let said = format!("{:#}", anyhow::Error::from(error));
                assert!(said.contains("can be inside one another"), "{start} {length}: {said:.300}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_pattern_that_cannot_be_used_is_a_fault_of_the_request() -> Result<()> {
    let made = people().await?;
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let large = "((a{1000}){1000}){1000}";
    for (condition, told) in [
        (format!("name ~ '{large}'"), "is too large"),
        (format!("regexp_like(name, '{large}' || name)"), "is too large"),
        ("name like repeat('%a', 200000)".to_owned(), "is too large"),
        ("name ~ ('(' || name)".to_owned(), "unclosed group"),
        ("regexp_replace(name, '(', 'x') = 'x'".to_owned(), "unclosed group"),
    ] {
        let counted = number(&made, &format!("select count(*) from Person where {condition}")).await.err();
        let selected = number(&made, &format!("select count({condition}) from Person")).await.err();
        let options = ReadOptions { filter: Some(condition.clone()), ..ReadOptions::default() };
        let read = match made.graph.read(&main, &"node:Person".parse()?, &options).await {
            Ok(mut rows) => rows.try_next().await.err(),
            Err(error) => Some(error),
        };
        for error in [counted, selected, read] {
            let error = error.with_context(|| format!("{condition} is refused"))?;
            assert_eq!(error.kind(), ErrorKind::Invalid, "{condition}: {error}");
            let said = format!("{:#}", anyhow::Error::from(error));
            assert!(said.contains(told) && !said.contains(".rs"), "{condition}: {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn other_long_chains_are_answered_up_to_a_length_and_refused_beyond() -> Result<()> {
    let made = people().await?;
    let sum = |length: usize| format!("select 0{} from Person limit 1", " + 1".repeat(length));
    let text = |length: usize| format!("select count(*) from Person where name{} <> ''", " || 'x'".repeat(length));
    let unions = |length: usize| {
        format!("select count(*) from ({})", chain(" union all ", |_| "select * from Person".into(), length + 1))
    };
    let casts = |length: usize| format!("select count(age{}) from Person", "::bigint".repeat(length));
    let joins = |length: usize| {
        let joined = (0..length).map(|number| format!(" join Person p{number} on p.name = p{number}.name"));
        let joined = joined.collect::<Vec<_>>().concat();
        format!("select count(*) from Person p{joined}")
    };
    let terms =
        |length: usize| format!("select * from Person where {}", chain(" and ", |_| "age = 1".into(), 5 * length));
    assert_eq!(number(&made, &sum(90)).await?, 90);
    assert_eq!(number(&made, &text(90)).await?, 10);
    assert_eq!(number(&made, &unions(90)).await?, 910);
    assert_eq!(number(&made, &casts(90)).await?, 10);
    assert_eq!(number(&made, &joins(30)).await?, 10);
    let intersections = |length: usize| format!("select 1 union select 1{}", " intersect select 1".repeat(length));
    let nested = |length: usize| joins(length).replacen("from ", "from (", 1) + ")";
    let subscripts = |length: usize| format!("select name{} from Person", "['a']".repeat(length));
    let negated = |length: usize| {
        format!("select * from Person where not ({})", chain(" or ", |age| format!("name like '%{age}'"), 5 * length))
    };
    let tables = |length: usize| {
        let next = (1..length).map(|number| format!(", t{number} as (select * from t{})", number - 1));
        let next = next.collect::<Vec<_>>().concat();
        format!("with t0 as (select 1 x){next} select * from t{}", length - 1)
    };
    let within = |length: usize| {
        let read = |number: usize, table: &str| {
            let terms = chain(" and ", |age| format!("age <> {}", age + 100 * number), 100);
            format!("t{number} as (select age from {table} where {terms})")
        };
        let next = (1..length).map(|number| read(number, &format!("t{}", number - 1)));
        let tables = std::iter::once(read(0, "Person")).chain(next).collect::<Vec<_>>().join(", ");
        format!("with {tables} select count(*) from t{}", length - 1)
    };
    let computed = |length: usize| {
        let more = " + 1".repeat(25);
        let inner = format!("select age{more} as age from (").repeat(length - 1);
        format!("select max(age) from ({inner}select age{more} as age from Person{})", ")".repeat(length - 1))
    };
    let unpivoted = |length: usize| format!("select * from Person{}", " unpivot(a for b in (c))".repeat(length));
    assert_eq!(number(&made, &tables(90)).await?, 1);
    assert_eq!(number(&made, &within(3)).await?, 5);
    assert_eq!(number(&made, &computed(5)).await?, 9 + 5 * 25);
    for query in [within(4), within(90), computed(6), computed(15)] {
        let error = number(&made, &query).await.expect_err("it is too deep");
        assert!(error.to_string().contains("of the tables inside it"), "{error:.200}");
    }
    for (name, query) in [
        ("sum", &sum as &dyn Fn(usize) -> String),
        ("text", &text),
        ("unions", &unions),
        ("casts", &casts),
        ("joins", &joins),
        ("terms", &terms),
        ("intersections", &intersections),
        ("nested", &nested),
        ("subscripts", &subscripts),
        ("negated", &negated),
        ("tables", &tables),
        ("unpivoted", &unpivoted),
    ] {
        for length in [110, 2_000, 30_000] {
            let error = number(&made, &query(length)).await.expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name}: {error:.200}");
            assert!(error.to_string().starts_with("more than "), "{name} {length}: {error:.200}");
        }
    }
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let options = ReadOptions { filter: Some(format!("age{} > 3", " + 1".repeat(30_000))), ..ReadOptions::default() };
    let error = made.graph.read(&main, &"node:Person".parse()?, &options).await.err().context("it is too deep")?;
    let said = format!("{:#}", anyhow::Error::from(error));
    assert!(said.contains("in a row cannot be used") && said.len() < 600, "{said:.600}");
    let error = number(&made, &format!("{}select 1", "explain verbose ".repeat(20_000))).await.unwrap_err();
    assert!(error.to_string().starts_with("EXPLAIN of an EXPLAIN cannot be used"), "{error}");
    // The end of a text that is no query has the same depth.
    let error = number(&made, &format!("select 1{} from", " + 1".repeat(30_000))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    Ok(())
}
