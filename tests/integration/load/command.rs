//! `load` of files with rows of one table, as a command.

use std::fs;

use anyhow::Result;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use serde_json::json;

use super::tables::{Format, batch, texts, write};
use crate::command_line::{lines, run, text};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nedge Knows: Person -> Person\n";

#[test]
fn files_of_rows_are_told_by_their_content_and_their_type_by_their_name() -> Result<()> {
    let root = tempfile::tempdir()?;
    let path = |name: &str| root.path().join(name).to_string_lossy().into_owned();
    fs::write(path("schema.pg"), SCHEMA)?;
    let graph = path("g");
    text(&["init", &graph, "--schema", &path("schema.pg")])?;

    let ages: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![Some(36), None]));
    write(
        root.path().join("Person.parquet").as_path(),
        Format::Parquet,
        &[batch([("name", texts(["Ada", "Grace"])), ("age", ages)])],
    )?;
    let edges = batch([("id", texts(["k1"])), ("from", texts(["Ada"])), ("to", texts(["Grace"]))]);
    write(root.path().join("edges").as_path(), Format::ArrowStream, &[edges])?;
    fs::write(path("more.jsonl"), r#"{"type":"Person","data":{"name":"Linus"}}"#)?;
    let knows = format!("Knows={}", path("edges"));
    let made = lines(&[
        "load",
        &graph,
        "--data",
        &path("Person.parquet"),
        &knows,
        &path("more.jsonl"),
        "--mode",
        "append",
        "--json",
    ])?;
    let tables: Vec<(&str, u64)> = made[0]["tables"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|table| (table["table"].as_str().unwrap_or_default(), table["records"].as_u64().unwrap_or_default()))
        .collect();
    assert_eq!(tables, [("edge:Knows", 1), ("node:Person", 3)]);
    let exported = lines(&["export", &graph])?;
    assert_eq!(exported[0], json!({"edge": "Knows", "from": "Ada", "to": "Grace", "data": {"id": "k1"}}));
    assert_eq!(exported[1], json!({"type": "Person", "data": {"id": "Ada", "name": "Ada", "age": 36}}));
    assert_eq!(exported.len(), 4);

    let before = text(&["log", &graph])?;
    let names: ArrayRef = std::sync::Arc::new(StringArray::from(vec!["Eve"]));
    write(root.path().join("People.parquet").as_path(), Format::Parquet, &[batch([("name", names)])])?;
    fs::write(path("Person.arrow"), "")?;
    for (data, expected) in [
        (
            path("People.parquet"),
            "People.parquet: there is no type People: a file of rows is called like its type, or given as TYPE=FILE",
        ),
        (path("Person.arrow"), "Person.arrow: it is neither Parquet nor Arrow IPC"),
        (format!("Person={}", path("more.jsonl")), "more.jsonl: it is neither Parquet nor Arrow IPC"),
        ("Person=-".to_owned(), "standard input is read as JSON lines"),
        (format!("Knows={}", path("Person.parquet")), "Person.parquet: Knows: it has no property name"),
    ] {
        let output = run(&["load", &graph, "--data", &data, "--mode", "append"])?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(expected), "{data}: {errors}");
    }
    let output = run(&["load", &graph, "--data", &format!("Person={}", path("nothing.parquet")), "--mode", "append"])?;
    assert_eq!(output.status.code(), Some(3), "a file that is not there");
    assert_eq!(text(&["log", &graph])?, before, "nothing was stored");
    Ok(())
}
