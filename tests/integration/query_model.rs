//! Random conditions of queries against a model with three truth values: the same rows, or a refusal.

use std::cell::Cell;

use anyhow::{Result, ensure};
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use futures::TryStreamExt;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::query::SqlOptions;
use stratigraph_engine::{At, Error, ErrorKind};
use stratigraph_tests::graph::{TestGraph, branch};
use tokio::runtime::Runtime;

/// Graphs of one run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 6;
/// Queries of each graph.
const QUERIES: usize = 80;
const SCHEMA: &str = "node A { name: String @key  x: I64?  y: I64? }\nnode B { name: String @key  x: I64?  y: I64? }\n";

/// `x` and `y`.
type Row = [Option<i64>; 2];

/// A value over the rows of `A p`, and inside another query of `B q`.
#[derive(Debug, Clone)]
enum Value {
    Outer(usize),
    Inner(usize),
    Number(i64),
    Null,
    Plus(Box<Value>),
    NullIf(Box<Value>, i64),
    Coalesce(Box<Value>, i64),
}

#[derive(Debug, Clone)]
enum Condition {
    Compare(Value, &'static str, Value),
    IsNull(Value),
    InList(Value, Vec<Option<i64>>),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    /// Whether a value is among those of the rows of `B q` that meet a condition.
    InQuery(Value, Value, Box<Condition>),
    Exists(Box<Condition>),
    /// Compares the number of rows that meet a condition.
    Count(Box<Condition>, &'static str, i64),
}

#[derive(Debug, Clone)]
enum Query {
    Where(Condition),
    /// A condition on the rows that meet another one.
    Within(Condition, Condition),
    /// Whether a condition is true, as a value.
    Case(Condition),
}

/// The rows that a value or a condition is about.
#[derive(Clone, Copy)]
struct Scope<'r> {
    outer: &'r Row,
    inner: Option<&'r Row>,
    /// All rows of `B`.
    others: &'r [Row],
}

impl Value {
    fn sql(&self) -> String {
        let name = |column: &usize| if *column == 0 { "x" } else { "y" };
        match self {
            Self::Outer(column) => format!("p.{}", name(column)),
            Self::Inner(column) => format!("q.{}", name(column)),
            Self::Number(number) => number.to_string(),
            Self::Null => "cast(null as bigint)".to_owned(),
            Self::Plus(value) => format!("({} + 1)", value.sql()),
            Self::NullIf(value, number) => format!("nullif({}, {number})", value.sql()),
            Self::Coalesce(value, number) => format!("coalesce({}, {number})", value.sql()),
        }
    }

    fn of(&self, scope: Scope<'_>) -> Option<i64> {
        match self {
            Self::Outer(column) => scope.outer[*column],
            Self::Inner(column) => scope.inner.expect("it is inside a query")[*column],
            Self::Number(number) => Some(*number),
            Self::Null => None,
            Self::Plus(value) => value.of(scope).map(|value| value + 1),
            Self::NullIf(value, number) => value.of(scope).filter(|value| value != number),
            Self::Coalesce(value, number) => value.of(scope).or(Some(*number)),
        }
    }
}

fn compared(left: Option<i64>, operator: &str, right: Option<i64>) -> Option<bool> {
    let (left, right) = (left?, right?);
    Some(match operator {
        "=" => left == right,
        "<>" => left != right,
        "<" => left < right,
        _ => left >= right,
    })
}

/// Whether one is true, else whether one is unknown.
fn any(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut found = Some(false);
    for answer in answers {
        match answer {
            Some(true) => return answer,
            Some(false) => {}
            None => found = None,
        }
    }
    found
}

impl Condition {
    fn sql(&self) -> String {
        match self {
            Self::Compare(left, operator, right) => format!("{} {operator} {}", left.sql(), right.sql()),
            Self::IsNull(value) => format!("{} is null", value.sql()),
            Self::InList(value, list) => {
                let list = list.iter().map(|value| value.map_or_else(|| "null".to_owned(), |value| value.to_string()));
                format!("{} in ({})", value.sql(), list.collect::<Vec<_>>().join(", "))
            }
            Self::Not(inner) => match inner.as_ref() {
                Self::InQuery(value, picked, given) => {
                    format!("{} not in (select {} from B q where {})", value.sql(), picked.sql(), given.sql())
                }
                inner => format!("not ({})", inner.sql()),
            },
            Self::And(left, right) => format!("({}) and ({})", left.sql(), right.sql()),
            Self::Or(left, right) => format!("({}) or ({})", left.sql(), right.sql()),
            Self::InQuery(value, picked, given) => {
                format!("{} in (select {} from B q where {})", value.sql(), picked.sql(), given.sql())
            }
            Self::Exists(given) => format!("exists (select 1 from B q where {})", given.sql()),
            Self::Count(given, operator, number) => {
                format!("(select count(*) from B q where {}) {operator} {number}", given.sql())
            }
        }
    }

    fn holds(&self, scope: Scope<'_>) -> Option<bool> {
        let rows_of = |given: &Self| -> Vec<Scope<'_>> {
            let each = scope.others.iter().map(|row| Scope { inner: Some(row), ..scope });
            each.filter(|scope| given.holds(*scope) == Some(true)).collect()
        };
        match self {
            Self::Compare(left, operator, right) => compared(left.of(scope), operator, right.of(scope)),
            Self::IsNull(value) => Some(value.of(scope).is_none()),
            Self::InList(value, list) => any(list.iter().map(|other| compared(value.of(scope), "=", *other))),
            Self::Not(inner) => inner.holds(scope).map(|answer| !answer),
            Self::And(left, right) => {
                any([left, right].into_iter().map(|part| part.holds(scope).map(|answer| !answer))).map(|answer| !answer)
            }
            Self::Or(left, right) => any([left, right].into_iter().map(|part| part.holds(scope))),
            Self::InQuery(value, picked, given) => {
                any(rows_of(given).into_iter().map(|row| compared(value.of(scope), "=", picked.of(row))))
            }
            Self::Exists(given) => Some(!rows_of(given).is_empty()),
            Self::Count(given, operator, number) => {
                compared(i64::try_from(rows_of(given).len()).ok(), operator, Some(*number))
            }
        }
    }
}

impl Query {
    fn sql(&self) -> String {
        match self {
            Self::Where(condition) => format!("select p.name from A p where {}", condition.sql()),
            Self::Within(first, then) => {
                format!("select p.name from (select * from A p where {}) p where {}", first.sql(), then.sql())
            }
            Self::Case(condition) => {
                format!("select p.name from A p where case when {} then true else false end", condition.sql())
            }
        }
    }

    fn selects(&self, scope: Scope<'_>) -> bool {
        let holds = |condition: &Condition| condition.holds(scope) == Some(true);
        match self {
            Self::Where(condition) | Self::Case(condition) => holds(condition),
            Self::Within(first, then) => holds(first) && holds(then),
        }
    }
}

fn any_value(is_inside: bool) -> BoxedStrategy<Value> {
    let column = match is_inside {
        true => prop_oneof![3 => (0..2_usize).prop_map(Value::Inner), 1 => (0..2_usize).prop_map(Value::Outer)].boxed(),
        false => (0..2_usize).prop_map(Value::Outer).boxed(),
    };
    let function = (column.clone(), 0..4_i64, 0..3).prop_map(|(value, number, which)| match which {
        0 => Value::Plus(Box::new(value)),
        1 => Value::NullIf(Box::new(value), number),
        _ => Value::Coalesce(Box::new(value), number),
    });
    prop_oneof![8 => column, 2 => (0..4_i64).prop_map(Value::Number), 1 => Just(Value::Null), 3 => function].boxed()
}

fn any_operator() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("="), 1 => Just("<>"), 1 => Just("<"), 1 => Just(">=")]
}

/// Conditions without queries in them.
fn any_plain(is_inside: bool) -> BoxedStrategy<Condition> {
    let value = || any_value(is_inside);
    let list = proptest::collection::vec(proptest::option::weighted(0.9, 0..4_i64), 1..4);
    let leaf = prop_oneof![
        4 => (value(), any_operator(), value()).prop_map(|(left, operator, right)| Condition::Compare(left, operator, right)),
        1 => value().prop_map(Condition::IsNull),
        1 => (value(), list).prop_map(|(value, list)| Condition::InList(value, list)),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| connected(&inner)).boxed()
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let given = || any_plain(true).prop_map(Box::new);
    let leaf = prop_oneof![
        2 => any_plain(false),
        4 => (any_value(false), any_value(true), given()).prop_map(|(value, picked, given)| Condition::InQuery(value, picked, given)),
        2 => given().prop_map(Condition::Exists),
        1 => (given(), any_operator(), 0..3_i64).prop_map(|(given, operator, number)| Condition::Count(given, operator, number)),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| connected(&inner))
}

fn connected(inner: &BoxedStrategy<Condition>) -> impl Strategy<Value = Condition> + use<> {
    let inner = || inner.clone().prop_map(Box::new);
    prop_oneof![
        2 => inner().prop_map(Condition::Not),
        2 => (inner(), inner()).prop_map(|(left, right)| Condition::And(left, right)),
        1 => (inner(), inner()).prop_map(|(left, right)| Condition::Or(left, right)),
    ]
}

fn any_query() -> impl Strategy<Value = Query> {
    prop_oneof![
        6 => any_condition().prop_map(Query::Where),
        2 => (any_condition(), any_condition()).prop_map(|(first, then)| Query::Within(first, then)),
        1 => any_condition().prop_map(Query::Case),
    ]
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let value = || proptest::option::weighted(0.8, 0..4_i64);
    proptest::collection::vec([value(), value()], 0..9)
}

async fn made(tables: [&[Row]; 2]) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    let mut records = String::new();
    for (table, rows) in ["A", "B"].into_iter().zip(tables) {
        for (number, [x, y]) in rows.iter().enumerate() {
            let data = serde_json::json!({"name": format!("{number}"), "x": x, "y": y});
            records += &format!("{}\n", serde_json::json!({"type": table, "data": data}));
        }
    }
    if !records.is_empty() {
        made.load(LoadMode::Append, "main", &records).await?;
    }
    Ok(made)
}

/// The names that a query answers, in order.
async fn names(made: &TestGraph, sql: &str) -> Result<Vec<String>, Error> {
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let result = made.graph.sql(&main, sql, SqlOptions::default()).await?;
    let batches: Vec<_> = result.batches.try_collect().await?;
    let mut names = Vec::new();
    for batch in batches {
        let column = cast(batch.column(0), &DataType::Utf8).expect("names are texts");
        names.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Returns how many of the queries were answered.
async fn check(tables: [&[Row]; 2], queries: &[Query]) -> Result<usize> {
    let made = made(tables).await?;
    let mut answered = 0;
    for query in queries {
        let sql = query.sql();
        let rows = tables[0].iter().enumerate();
        let selected = rows.filter(|(_, row)| query.selects(Scope { outer: row, inner: None, others: tables[1] }));
        let mut expected: Vec<String> = selected.map(|(number, _)| number.to_string()).collect();
        expected.sort();
        match names(&made, &sql).await {
            Ok(found) => {
                ensure!(found == expected, "{found:?} instead of {expected:?}: {sql}\n{tables:?}");
                answered += 1;
            }
            Err(error) => ensure!(error.kind() == ErrorKind::Invalid, "{sql}: {error:?}"),
        }
    }
    Ok(answered)
}

#[test]
fn random_conditions_select_the_rows_of_the_model_or_are_refused() -> Result<()> {
    let runtime = Runtime::new()?;
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    let config = Config { cases, max_shrink_iters: 400, failure_persistence: None, ..Config::default() };
    let (asked, answered) = (Cell::new(0), Cell::new(0));
    let queries = proptest::collection::vec(any_query(), 1..QUERIES * 2);
    TestRunner::new(config)
        .run(&(any_rows(), any_rows(), queries), |(first, second, queries)| {
            let found = runtime.block_on(check([&first, &second], &queries));
            asked.set(asked.get() + queries.len());
            answered.set(answered.get() + found.map_err(|error| TestCaseError::fail(format!("{error:#}")))?);
            Ok(())
        })
        .map_err(|failure| anyhow::anyhow!("{failure}"))?;
    ensure!(2 * answered.get() > asked.get(), "{} of {} queries were answered", answered.get(), asked.get());
    Ok(())
}
