//! The causes of an error as people read them.
//!
//! Libraries label their messages with the part of them that spoke, quote statements they made up, and say again what their
//! cause says. What is left here is the cause itself; kinds of errors never depend on it.

use std::error::Error;

use stratigraph_engine::storage::StorageError;

/// What libraries put before a message.
const LABELS: [&str; 14] = [
    "Arrow error: ",
    "Cast error: ",
    "Error applying filter expression to batch: ",
    "Error during planning: ",
    "Error parsing function: ",
    "Execution error: ",
    "External error: ",
    "Invalid user input: ",
    "Not supported: ",
    "Query Execution error: ",
    "SQL error: ",
    "Schema error: ",
    "This feature is not implemented: ",
    "sql parser error: ",
];
/// Before a rule of the optimizer passes on what it met.
const CAUSED: &str = "\ncaused by\n";
/// Before and after a wrong function call is called a defect of the library.
const BLAMED: (&str, &str) = ("\nThis issue was likely caused by a bug", "datafusion/issues. ");
/// Before an expression that the library has no plan for, written out as the structures it keeps it in.
const UNPLANNED: &str = "Physical plan does not support logical expression ";
/// Before the columns of a table with those that the library keeps for itself.
const VALID: &str = ". Valid fields are ";
/// In the names that the library gives to queries inside others when it makes joins of them.
const JOINED: [&str; 2] = ["__correlated_sq_", "__scalar_sq_"];
/// In the message about two columns of one name in what the library makes.
const NAMED_TWICE: &str = "require unique expression names";
/// After the name of a table that several WITHs define.
const DEFINED_TWICE: &str = " specified more than once";
/// Where queries find types that need no schema before their name.
const CATALOG: &str = "graph.types.";

/// The message of an error and those of its causes, outermost first; never empty. What is said twice is listed once.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut messages = vec![plain(&error.to_string())];
    let mut next = error.source();
    while let Some(cause) = next {
        next = cause.source();
        let text = plain(&cause.to_string());
        let repeated =
            messages.last().is_some_and(|last| one_line(last).contains(one_line(&text).trim_end_matches('.')));
        if !repeated && !is_blank(cause) {
            messages.push(text);
        }
    }
    messages
}

/// A text without its line breaks and indentation: a cause is often the same text, set in further.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether an error says no more than that its cause concerns a folder, which who asked for the table does not know.
fn is_blank(error: &(dyn Error + 'static)) -> bool {
    let boxed = error.downcast_ref::<Box<StorageError>>().map(|error| &**error);
    matches!(error.downcast_ref().or(boxed), Some(StorageError::Request { .. }))
}

fn plain(said: &str) -> String {
    let said = said.trim();
    let whole = said.rsplit_once(CAUSED).map_or(said, |(_, cause)| cause);
    let mut text = without_blame(whole);
    if is_about_a_join(text) {
        return "a query in a condition cannot be used here, as the query engine makes no join of it: give it a name in a WITH, or join its \
                tables"
            .to_owned();
    }
    while let Some(rest) = LABELS.iter().find_map(|label| text.strip_prefix(label)) {
        text = rest;
    }
    if text == said {
        return said.to_owned();
    }
    if let Some(expression) = text.strip_prefix(UNPLANNED) {
        return unplanned(expression);
    }
    if let Some(name) = text.strip_prefix("WITH query name ").and_then(|rest| rest.strip_suffix(DEFINED_TWICE)) {
        return format!("two WITHs, one inside the other or the same, define {name}: give one another name");
    }
    let text = unwrapped(text).unwrap_or_else(|| text.to_owned());
    // The message before names the columns of the table, and only those that people have made.
    let text = text.split_once(VALID).map_or(text.as_str(), |(before, _)| before);
    let lines: Vec<&str> = text.trim_end_matches('.').lines().map(str::trim).collect();
    lines.join("\n").replace(CATALOG, "")
}

/// Returns whether a message is about a query that the library tried to make a join of.
fn is_about_a_join(text: &str) -> bool {
    let about = match text.split_once(VALID) {
        Some((_, columns)) => columns,
        None if text.contains(NAMED_TWICE) => text,
        None => return false,
    };
    JOINED.iter().any(|name| about.contains(name))
}

fn without_blame(text: &str) -> &str {
    let Some((before, after)) = text.split_once(BLAMED.0) else { return text };
    after.split_once(BLAMED.1).map_or(before, |(_, reason)| reason)
}

/// What an expression without a plan is: its kind, and the function if it calls one.
fn unplanned(expression: &str) -> String {
    let (kind, inside) = expression.split_once('(').unwrap_or((expression, ""));
    let what = match kind {
        "AggregateFunction" => "the aggregate function",
        "WindowFunction" => "the window function",
        "Exists" | "InSubquery" => {
            return "EXISTS and IN over a query can be used in conditions only, and without ORDER BY, LIMIT and UNION where it names columns \
                    of the outer one; elsewhere, count its rows: `(select count(*) …) > 0`"
                .to_owned();
        }
        "ScalarSubquery" => {
            return "a query that gives one value can compare columns of the outer one only with `=`, and have no ORDER BY, LIMIT or UNION then: \
                    join them instead"
                .to_owned();
        }
        "OuterReferenceColumn" => {
            return "the inner query cannot use the columns of the outer one here: join them".to_owned();
        }
        _ => return format!("an expression of the kind {} cannot be used here", snake_case(kind).replace('_', " ")),
    };
    let name = inside.split_once("UDF { inner: ").map(|(_, function)| snake_case(function)).unwrap_or_default();
    format!("{what} {name} cannot be used here")
}

/// The first word as queries spell it: `ArrayAgg { …` → `array_agg`.
fn snake_case(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// The text inside `ParserError("…")`.
fn unwrapped(text: &str) -> Option<String> {
    let inner = text.strip_prefix("ParserError(\"").or_else(|| text.strip_prefix("TokenizerError(\""))?;
    Some(inner.strip_suffix("\")")?.replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use stratigraph_engine::{ReadOptions, SqlOptions};

    use super::*;
    use crate::cli::sample;

    const JOIN: &str = "a query in a condition cannot be used here, as the query engine makes no join of it: give it a name in a WITH, or join its tables";

    #[test]
    fn labels_and_made_up_statements_are_left_out() {
        for (said, read) in [
            (
                "Invalid user input: Schema error: No field named agee. Did you mean 'age'?.",
                "No field named agee. Did you mean 'age'?",
            ),
            ("Optimizer rule 'x' failed\ncaused by\nArrow error: Cast error: Cannot cast 'x'", "Cannot cast 'x'"),
            (
                "Internal error: no signature.\nThis issue was likely caused by a bug in it. See /datafusion/issues. No function\n\tsum(Int64)",
                "No function\nsum(Int64)",
            ),
            (r#"SQL error: ParserError("Expected: \"x\", found: y")"#, r#"Expected: "x", found: y"#),
            ("Error during planning: table 'graph.types.Nobody' not found", "table 'Nobody' not found"),
            ("no folder at /data/.", "no folder at /data/."),
        ] {
            assert_eq!(plain(said), read);
        }
    }

    #[tokio::test]
    async fn wrong_requests_have_one_cause() {
        let graph = sample().await;
        let main = graph.snapshot(&"main".parse().expect("a branch")).await.expect("it is there");
        let person = "node:Person".parse().expect("a table");
        for (filter, cause) in [
            ("age >", "Expected: an expression, found: EOF"),
            ("agee > 3", "there is no column `agee`; did you mean age?"),
            ("xyzzy > 3", "there is no column `xyzzy`"),
            (
                "name = \"Ada\"",
                "there is no column `Ada`; double quotes are for columns, and a text has single ones: 'Ada'",
            ),
            ("age = 'old'", "column age: Cannot cast string 'old' to value of Int32 type"),
            ("sum(age) > 3", "the aggregate function sum cannot be in a condition, which is about one row by itself"),
            (
                "avg(age) over () > 1",
                "the window function avg cannot be in a condition, which is about one row by itself",
            ),
            ("exists (select 1)", "a query cannot be in a condition, which is about one row by itself"),
        ] {
            let options = ReadOptions { filter: Some(filter.to_owned()), ..ReadOptions::default() };
            let error = graph.read(&main, &person, &options).await.err().expect("refused");
            let table = "the table has id, age, joined, name, role";
            assert_eq!(chain(&error), [format!("cannot use the filter `{filter}`; {table}"), cause.to_owned()]);
        }
        for (query, cause) in [
            ("selec", "Expected: an SQL statement, found: selec at Line: 1, Column: 1"),
            ("select sum(sum(age)) from Person", "the aggregate function sum cannot be used here"),
            (
                "select (select count(*) from Person q where q.name <> p.name) from Person p",
                "a query that gives one value can compare columns of the outer one only with `=`, and have no ORDER BY, LIMIT or UNION then: \
                 join them instead",
            ),
            (
                "with a as (select 1 as x) select * from (with a as (select 2 as x) select * from a) b",
                "two WITHs, one inside the other or the same, define \"a\": give one another name",
            ),
            (
                "select name from Person where id in (select id from Person union select name from Person) or name = 'x'",
                JOIN,
            ),
            (
                "select 1 from Person p where exists (select 1 from Person q where exists (select 1 from Person r where r.id = p.id))",
                JOIN,
            ),
            ("select * from Person where regexp_like(name, '(')", "regex parse error:\n(\n^\nerror: unclosed group"),
        ] {
            let error = graph.sql(&main, query, SqlOptions::default()).await.expect_err("refused");
            assert_eq!(chain(&error), ["cannot run this query", cause]);
        }
    }

    #[tokio::test]
    async fn names_that_a_query_gets_wrong_are_told_with_their_place() {
        let graph = sample().await;
        let main = graph.snapshot(&"main".parse().expect("a branch")).await.expect("it is there");
        let tables = "the tables are edge:Knows, edge:WorksOn, node:Note, node:Person, node:Project";
        let there = "there are id, age, joined, name, role";
        for (query, told) in [
            ("select * from Nobody", format!("no table `Nobody` (line 1, column 15); {tables}")),
            ("select *\nfrom person", format!("no table `person` (line 2, column 6); {tables}; did you mean Person?")),
            (
                "select 1 from edge.\"Person\"",
                format!("no table `Person` (line 1, column 21); {tables}; did you mean Person?"),
            ),
            ("select agee from Person", format!("no column `agee` (line 1, column 8); {there}; did you mean age?")),
            ("select \"__scalar_sq_1\" from Person", format!("no column `__scalar_sq_1` (line 1, column 9); {there}")),
            ("select p.x from Person p", format!("no column `x` (line 1, column 10); {there}")),
        ] {
            let error = graph.sql(&main, query, SqlOptions::default()).await.expect_err("refused");
            assert_eq!(chain(&error), [format!("there is {told}")]);
        }
        for query in ["with Nobody as (select 1 as a) select a from Nobody", "select * from generate_series(1, 3)"] {
            assert!(graph.sql(&main, query, SqlOptions::default()).await.is_ok(), "{query}");
        }
    }
}
