//! The JSON records of a load (graph-format §13): a stream of values separated by any white space, read in large pieces.
//!
//! A piece is parsed in place, so that a record costs no copy of its texts. What is no record is given to `serde_json` once
//! more, which says why and where.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::json::{Fault, Fields, Json, Scanner};
use crate::error::Result;

/// Bytes of a piece; a record that is larger makes it grow.
const PIECE: usize = 1 << 20;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record<'t> {
    pub(super) kind: Kind<'t>,
    /// Its properties and perhaps its id, names that come twice included: the last one counts.
    pub(super) data: Fields<'t>,
    /// Bytes of its text.
    pub(super) size_bytes: usize,
}

/// What a record is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'t> {
    /// A node of a type.
    Node(Cow<'t, str>),
    /// An edge of a type, with the nodes it connects.
    Edge { name: Cow<'t, str>, from: Json<'t>, to: Json<'t> },
}

/// Calls `see` with every record of an input and its number, from 1. After what is no JSON nothing more can be read.
///
/// # Errors
/// Those of `see`.
pub(super) fn each_record<R: Read>(
    input: R,
    mut see: impl FnMut(u64, Result<Record<'_>, String>) -> Result<()>,
) -> Result<()> {
    let mut pieces = Pieces::new(input);
    let mut number = 0;
    loop {
        if let Err(error) = pieces.fill() {
            return see(number + 1, Err(error.to_string()));
        }
        let (bytes, text) = pieces.unread();
        let mut scanner = Scanner::new(text);
        let mut read = 0;
        loop {
            match scanner.next_value() {
                Ok(Some(value)) => {
                    number += 1;
                    let size_bytes = scanner.position() - read;
                    let record = record(value, size_bytes).ok_or_else(|| pieces.reason(read));
                    see(number, record)?;
                    read = scanner.position();
                }
                Ok(None) if bytes.len() == text.len() => {
                    read = bytes.len();
                    break;
                }
                Ok(None) | Err(Fault::End) if !pieces.is_last() && !pieces.is_broken() => break,
                Ok(None) | Err(Fault::End | Fault::Broken) => return see(number + 1, Err(pieces.reason(read))),
            }
        }
        if pieces.is_last() {
            return Ok(());
        }
        pieces.pass(read);
    }
}

/// The record that a value is; none if it has not its form.
fn record(value: Json<'_>, size_bytes: usize) -> Option<Record<'_>> {
    let Json::Object(fields) = value else { return None };
    let [mut node, mut edge, mut from, mut to, mut data] = [const { None }; 5];
    for (name, value) in fields {
        let field = match &*name {
            "type" => &mut node,
            "edge" => &mut edge,
            "from" => &mut from,
            "to" => &mut to,
            "data" => &mut data,
            _ => continue,
        };
        if field.replace(value).is_some() {
            return None;
        }
    }
    let data = match data {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Object(data)) => data,
        Some(Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_)) => return None,
    };
    let kind = match (name(node).ok()?, name(edge).ok()?) {
        (Some(name), _) => Kind::Node(name),
        (None, Some(name)) => Kind::Edge { name, from: from.unwrap_or(Json::Null), to: to.unwrap_or(Json::Null) },
        (None, None) => return None,
    };
    Some(Record { kind, data, size_bytes })
}

/// The name of a type, if there is one; an error if it is no text.
fn name(value: Option<Json<'_>>) -> Result<Option<Cow<'_, str>>, ()> {
    match value {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(name)) => Ok(Some(name)),
        Some(Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_)) => Err(()),
    }
}

/// The keys of a record, to be told what is wrong with them. `type` wins over `edge`.
#[derive(Deserialize)]
struct Keys {
    #[serde(rename = "type")]
    node: Option<String>,
    edge: Option<String>,
    #[serde(default, rename = "from")]
    _from: Value,
    #[serde(default, rename = "to")]
    _to: Value,
    #[serde(rename = "data")]
    _data: Option<Map<String, Value>>,
}

/// An input in pieces, each of which begins with a record.
struct Pieces<R> {
    input: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were read from the input.
    filled: usize,
    /// Bytes of them, from the start, that are text.
    valid: usize,
    is_last: bool,
    /// Lines before the buffer, and bytes of the line that it starts in.
    lines: usize,
    column: usize,
}

impl<R: Read> Pieces<R> {
    fn new(input: R) -> Self {
        Self { input, buffer: vec![0; PIECE], filled: 0, valid: 0, is_last: false, lines: 0, column: 0 }
    }

    /// Fills the buffer from the input.
    fn fill(&mut self) -> std::io::Result<()> {
        while self.filled < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.is_last = true;
                    break;
                }
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let checked = std::str::from_utf8(&self.buffer[..self.filled]);
        self.valid = checked.map_or_else(|error| error.valid_up_to(), str::len);
        Ok(())
    }

    /// What is in the buffer: all of it, and as far as it is text.
    fn unread(&self) -> (&[u8], &str) {
        let text = std::str::from_utf8(&self.buffer[..self.valid]).expect("it was just checked");
        (&self.buffer[..self.filled], text)
    }

    fn is_last(&self) -> bool {
        self.is_last
    }

    /// Whether there are bytes that are no text, not just the start of a character.
    fn is_broken(&self) -> bool {
        let rest = std::str::from_utf8(&self.buffer[self.valid..self.filled]);
        rest.is_err_and(|error| error.error_len().is_some())
    }

    /// Passes bytes that are read. If none were, the buffer gets larger.
    fn pass(&mut self, read: usize) {
        if read == 0 && self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        (self.lines, self.column) = self.line_at(read);
        self.buffer.copy_within(read..self.filled, 0);
        self.filled -= read;
    }

    /// Lines before a byte of the buffer, and bytes before it in its line.
    fn line_at(&self, at: usize) -> (usize, usize) {
        let before = &self.buffer[..at];
        match before.iter().rposition(|&byte| byte == b'\n') {
            None => (self.lines, self.column + at),
            Some(last) => (self.lines + before.split(|&byte| byte == b'\n').count() - 1, at - last - 1),
        }
    }

    /// What is wrong with the record at a byte of the buffer, by line and column of the input.
    fn reason(&self, at: usize) -> String {
        let rest = &self.buffer[at..self.filled];
        let keys = serde_json::Deserializer::from_slice(rest).into_iter::<Keys>().next();
        let error = match keys {
            Some(Err(error)) => error,
            Some(Ok(Keys { node: None, edge: None, .. })) => return "it has neither `type` nor `edge`".to_owned(),
            Some(Ok(_)) | None => return "it is no JSON record".to_owned(),
        };
        let (lines, column) = self.line_at(at);
        let told = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let Some(what) = told.strip_suffix(&place) else { return told };
        let column = if error.line() == 1 { column + error.column() } else { error.column() };
        format!("{what} at line {} column {column}", lines + error.line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Vec<(u64, Result<String, String>)> {
        let mut found = Vec::new();
        let see = |number, record: Result<Record<'_>, String>| {
            let told = record.map(|Record { kind, data, .. }| match kind {
                Kind::Node(name) => format!("{name} {}", Json::Object(data)),
                Kind::Edge { name, from, to } => format!("{from} {name} {to} {}", Json::Object(data)),
            });
            found.push((number, told));
            Ok(())
        };
        each_record(text.as_ref(), see).expect("nothing fails");
        found
    }

    fn reason(found: &[(u64, Result<String, String>)]) -> (u64, &str) {
        let (number, Err(reason)) = found.last().expect("something was read") else { panic!("{found:?}") };
        (*number, reason)
    }

    #[test]
    fn records_may_be_on_one_line_or_on_many() {
        let text = "{\"type\":\"A\"} {\n \"edge\": \"B\",\n \"from\": \"x\", \"to\": \"y\",\n \"data\": {\"id\": \"e\"}\n}{\"data\":null,\"type\":\"C\",\"more\":1}\n";
        let expected = [(1, Ok("A {}")), (2, Ok("\"x\" B \"y\" {\"id\":\"e\"}")), (3, Ok("C {}"))];
        assert_eq!(read(text), expected.map(|(number, told)| (number, told.map(str::to_owned))));
        assert_eq!(read(" \n"), []);
        assert_eq!(read(""), []);
    }

    #[test]
    fn what_is_no_record_is_told_and_the_rest_goes_on() {
        for (text, expected) in [
            ("{}", "it has neither `type` nor `edge`"),
            ("{\"type\":1}", "invalid type: integer `1`, expected a string at line 2 column 9"),
            ("{\"type\":\"A\",\"data\":[]}", "invalid type: sequence, expected a map at line 2 column 19"),
            ("{\"type\":\"A\",\"type\":\"A\"}", "duplicate field `type` at line 2 column 18"),
            ("[]", "invalid length 0, expected struct Keys with 5 elements at line 2 column 2"),
        ] {
            let found = read(format!("{{\"type\":\"A\"}}\n{text}\n{{\"type\":\"B\"}}"));
            assert_eq!(found[1], (2, Err(expected.to_owned())), "{text}");
            assert_eq!(found[2], (3, Ok("B {}".to_owned())), "{text}");
        }
    }

    #[test]
    fn nothing_is_read_after_what_is_no_json() {
        for (text, expected) in [
            ("{\"type\":\n", "EOF while parsing a value at line 3 column 0"),
            ("{\"type\":nul}\n{\"type\":\"B\"}", "expected ident at line 2 column 12"),
            ("  ]", "expected value at line 2 column 3"),
            (
                "{\"type\":\"\u{1}\"}",
                "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 10",
            ),
        ] {
            let text = format!("{{\"type\":\"A\"}}\n{text}");
            let found = read(&text);
            assert_eq!((found.len(), reason(&found)), (2, (2, expected)), "{text}");
        }
        let found = read(b"{\"type\":\"A\"}\n{\"type\":\"\xff\"}\n{\"type\":\"B\"}");
        assert_eq!((found.len(), reason(&found)), (2, (2, "invalid unicode code point at line 2 column 10")));
        assert_eq!(read(b"{\"type\":\"A\"}\xc3").len(), 2, "half a character is no white space");
    }

    #[test]
    fn records_are_whole_however_the_input_is_cut() {
        let long = "é".repeat(3 * PIECE / 4);
        let mut text = String::new();
        for number in 0..3000 {
            let filler = "x".repeat(number % 700);
            text += &format!("{{\"type\":\"A\",\"data\":{{\"id\":\"é{number}{filler}\"}}}}\n");
        }
        text += &format!("{{\"type\":\"{long}\"}}\n\n  {{\"type\":}}");
        let found = read(&text);
        assert_eq!(found.len(), 3002);
        for (index, (number, told)) in found[..3000].iter().enumerate() {
            let expected = format!("A {{\"id\":\"é{index}{}\"}}", "x".repeat(index % 700));
            assert_eq!((*number, told.as_ref()), (index as u64 + 1, Ok(&expected)));
        }
        assert_eq!(found[3000].1, Ok(format!("{long} {{}}")));
        assert_eq!(reason(&found), (3002, "expected value at line 3003 column 11"));
    }
}
