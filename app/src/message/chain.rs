//! The causes of an error as people read them.
//!
//! Libraries label their messages with the part of them that spoke, quote statements they made up, and say again what their
//! cause says. What is left here is the cause itself; kinds of errors never depend on it.

use std::error::Error;

use stratigraph_engine::storage::StorageError;

/// What libraries put before a message.
const LABELS: [&str; 12] = [
    "Arrow error: ",
    "Cast error: ",
    "Error applying filter expression to batch: ",
    "Error during planning: ",
    "Error parsing function: ",
    "Execution error: ",
    "External error: ",
    "Invalid user input: ",
    "Query Execution error: ",
    "SQL error: ",
    "Schema error: ",
    "sql parser error: ",
];
/// Before a rule of the optimizer passes on what it met.
const CAUSED: &str = "\ncaused by\n";
/// Before and after a wrong function call is called a defect of the library.
const BLAMED: (&str, &str) = ("\nThis issue was likely caused by a bug", "datafusion/issues. ");
/// A condition is read as part of a statement nobody wrote; after it comes why it cannot be, and where in that statement.
const READ: [(&str, &str); 2] =
    [("Error parsing statement: ", " (sql parser error: "), ("Error tokenizing statement: ", " (")];
const PLACE: &str = " at Line: ";
/// A condition is repeated before the reason that it does not fit the columns.
const RESOLVED: (&str, &str) = ("Error resolving filter expression ", ": Invalid user input: ");
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
        let repeated = messages.last().is_some_and(|last| last.contains(text.trim_end_matches('.')));
        if !repeated && !is_blank(cause) {
            messages.push(text);
        }
    }
    messages
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
    while let Some(rest) = LABELS.iter().find_map(|label| text.strip_prefix(label)) {
        text = rest;
    }
    if text == said {
        return said.to_owned();
    }
    for (before, after) in READ {
        if let Some((_, reason)) = text.strip_prefix(before).and_then(|rest| rest.rsplit_once(after)) {
            let reason = reason.strip_suffix(')').unwrap_or(reason);
            text = reason.split_once(PLACE).map_or(reason, |(reason, _)| reason);
        }
    }
    if let Some((_, reason)) = text.strip_prefix(RESOLVED.0).and_then(|rest| rest.rsplit_once(RESOLVED.1)) {
        text = reason;
    }
    let text = unwrapped(text).unwrap_or_else(|| text.to_owned());
    let lines: Vec<&str> = text.trim_end_matches('.').lines().map(str::trim).collect();
    lines.join("\n").replace(CATALOG, "")
}

fn without_blame(text: &str) -> &str {
    let Some((before, after)) = text.split_once(BLAMED.0) else { return text };
    after.split_once(BLAMED.1).map_or(before, |(_, reason)| reason)
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

    #[test]
    fn labels_and_made_up_statements_are_left_out() {
        for (said, read) in [
            (
                "Invalid user input: Schema error: No field named agee. Did you mean 'age'?.",
                "No field named agee. Did you mean 'age'?",
            ),
            (
                "Invalid user input: Error parsing statement: SELECT 1 FROM t WHERE (a (sql parser error: Expected: ), found: EOF)",
                "Expected: ), found: EOF",
            ),
            (
                "Invalid user input: Error resolving filter expression a > 'x': Invalid user input: no such literal",
                "no such literal",
            ),
            (
                "Invalid user input: Error tokenizing statement: SELECT 1 FROM t WHERE ' (Unterminated string at Line: 1, Column: 23)",
                "Unterminated string",
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
        for (filter, cause) in
            [("age >", "Expected: an expression, found: EOF"), ("agee > 3", "No field named agee. Did you mean 'age'?")]
        {
            let options = ReadOptions { filter: Some(filter.to_owned()), ..ReadOptions::default() };
            let error = graph.read(&main, &person, &options).await.err().expect("refused");
            let table = "the table has id, age, joined, name, role";
            assert_eq!(chain(&error), [format!("cannot use the filter `{filter}`; {table}"), cause.to_owned()]);
        }
        for (query, cause) in [
            ("selec", "Expected: an SQL statement, found: selec at Line: 1, Column: 1"),
            ("select * from Nobody", "table 'Nobody' not found"),
        ] {
            let error = graph.sql(&main, query, SqlOptions::default()).await.expect_err("refused");
            let tables = "edge:Knows, edge:WorksOn, node:Note, node:Person, node:Project";
            assert_eq!(chain(&error), [format!("cannot run this query; the tables are {tables}"), cause.to_owned()]);
        }
    }
}
