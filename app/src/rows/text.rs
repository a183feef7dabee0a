//! Rows as lines of text.
//!
//! | form | null | empty text | lists, vectors | blobs | dates |
//! |---|---|---|---|---|---|
//! | CSV | empty cell | `""` | JSON | URI, else `base64:…` | as people write them |
//! | JSON lines | `null` | `""` | JSON | URI, else `base64:…` | integer days, as an export of the graph |
//! | Markdown | `*null*` | empty cell | JSON | URI, else size | as people write them |
//!
//! CSV and JSON lines hold everything; a blob whose bytes were not read is its size there too, as JSON.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};
use stratigraph_engine::Value;

/// How a row becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextForm {
    /// Comma-separated values with a header line (RFC 4180, line feeds).
    Csv,
    /// One JSON object a line; no header.
    JsonLines,
    /// A Markdown table.
    Markdown,
}

impl TextForm {
    /// What comes before the first row, with its line feeds.
    pub(crate) fn header<'a>(self, names: impl IntoIterator<Item = &'a str>) -> String {
        let names = names.into_iter();
        match self {
            Self::Csv => csv_line(names.map(|name| quoted(name).into_owned())),
            Self::JsonLines => String::new(),
            Self::Markdown => {
                let names: Vec<String> = names.map(escaped).collect();
                let rule = vec!["---"; names.len()].join(" | ");
                format!("| {} |\n| {rule} |\n", names.join(" | "))
            }
        }
    }

    /// One row, with its line feed.
    pub(crate) fn line<'a>(self, cells: impl IntoIterator<Item = (&'a str, &'a Value)>) -> String {
        let cells = cells.into_iter();
        match self {
            Self::Csv => csv_line(cells.map(|(_, value)| csv_cell(value))),
            Self::JsonLines => {
                let object: Map<String, Json> = cells.map(|(name, value)| (name.to_owned(), value.to_json())).collect();
                format!("{}\n", Json::Object(object))
            }
            Self::Markdown => {
                let cells: Vec<String> = cells.map(|(_, value)| markdown_cell(value)).collect();
                format!("| {} |\n", cells.join(" | "))
            }
        }
    }
}

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) if text.is_empty() => "\"\"".to_owned(),
        value => quoted(&plain(value)).into_owned(),
    }
}

fn markdown_cell(value: &Value) -> String {
    match value {
        Value::Null => "*null*".to_owned(),
        Value::Blob(blob) => escaped(&blob.to_string()),
        value => escaped(&plain(value)),
    }
}

/// A value as JSON for people: as an export of the graph has it, but dates as people write them.
pub(crate) fn plain_json(value: &Value) -> Json {
    match value {
        Value::Date(_) => Json::from(value.to_string()),
        Value::List(items) => items.iter().map(plain_json).collect(),
        value => value.to_json(),
    }
}

/// What a cell says, without the marks of any form.
fn plain(value: &Value) -> String {
    match value {
        Value::List(_) | Value::Vector(_) => plain_json(value).to_string(),
        Value::Blob(_) => match value.to_json() {
            Json::String(text) => text,
            other => other.to_string(),
        },
        value => value.to_string(),
    }
}

/// In quotes if CSV needs them.
fn quoted(text: &str) -> Cow<'_, str> {
    if text.contains(['"', ',', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

/// Without what would end a cell of a Markdown table.
fn escaped(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\\', "\\\\").replace('|', "\\|");
    text.replace(['\n', '\r'], "<br>")
}

#[cfg(test)]
mod tests {
    use stratigraph_engine::value::Blob;

    use super::*;

    fn line(form: TextForm, value: &Value) -> String {
        form.line([("a", value)]).trim_end_matches('\n').to_owned()
    }

    #[test]
    fn every_kind_of_value_has_its_text_in_every_form() {
        let list = Value::List([Value::from("a|b"), Value::Null].into());
        let dates = Value::List([Value::Date(19_754)].into());
        let cases: [(Value, &str, &str, &str); 14] = [
            (Value::Null, "", r#"{"a":null}"#, "| *null* |"),
            (Value::from(""), "\"\"", r#"{"a":""}"#, "|  |"),
            (Value::from("a,b"), "\"a,b\"", r#"{"a":"a,b"}"#, "| a,b |"),
            (Value::from("say \"x\""), "\"say \"\"x\"\"\"", r#"{"a":"say \"x\""}"#, "| say \"x\" |"),
            (Value::from("a\\\r\nb"), "\"a\\\r\nb\"", r#"{"a":"a\\\r\nb"}"#, "| a\\\\<br>b |"),
            (Value::Int(-3), "-3", r#"{"a":-3}"#, "| -3 |"),
            (Value::Float(0.5), "0.5", r#"{"a":0.5}"#, "| 0.5 |"),
            (Value::Date(19_754), "2024-02-01", r#"{"a":19754}"#, "| 2024-02-01 |"),
            (list, r#""[""a|b"",null]""#, r#"{"a":["a|b",null]}"#, r#"| ["a\|b",null] |"#),
            (dates, r#""[""2024-02-01""]""#, r#"{"a":[19754]}"#, r#"| ["2024-02-01"] |"#),
            (Value::Vector([0.5, 2.0].into()), "\"[0.5,2.0]\"", r#"{"a":[0.5,2.0]}"#, "| [0.5,2.0] |"),
            (Value::Blob(Blob::from_bytes(b"hi")), "base64:aGk=", r#"{"a":"base64:aGk="}"#, "| 2 bytes |"),
            (Value::Blob(Blob::external("s3://b/k")), "s3://b/k", r#"{"a":"s3://b/k"}"#, "| s3://b/k |"),
            (Value::Blob(Blob::stored(2)), r#""{""size_bytes"":2}""#, r#"{"a":{"size_bytes":2}}"#, "| 2 bytes |"),
        ];
        for (value, csv, json, markdown) in cases {
            assert_eq!(line(TextForm::Csv, &value), csv);
            assert_eq!(line(TextForm::JsonLines, &value), json);
            assert_eq!(line(TextForm::Markdown, &value), markdown);
        }
    }

    #[test]
    fn names_are_escaped_like_cells() {
        assert_eq!(TextForm::Csv.header(["id", "a,b"]), "id,\"a,b\"\n");
        assert_eq!(TextForm::Markdown.header(["id", "a|b"]), "| id | a\\|b |\n| --- | --- |\n");
        assert_eq!(TextForm::JsonLines.header(["id"]), "");
    }
}
