//! The JSON records of a load (graph-format §13): a stream of values separated by any white space, read in large pieces.
//!
//! A piece is parsed in place, so that a record costs no copy of its texts. What is no JSON is given to `serde_json` once more,
//! which says why and where.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use serde_json::Value;

use super::json::{Fault, Fields, Json, Scanner};
use crate::error::Result;

/// What some programs begin a text with.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Bytes of a piece; a record that is larger makes it grow.
const PIECE: usize = 1 << 20;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record<'t> {
    pub(super) kind: Kind<'t>,
    /// Its properties and perhaps its id, names that come twice included.
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
        if number == 0 && pieces.pass_mark() {
            continue;
        }
        let (bytes, text) = pieces.unread();
        let mut scanner = Scanner::new(text);
        let mut read = 0;
        loop {
            match scanner.next_value() {
                Ok(Some(value)) => {
                    number += 1;
                    let size_bytes = scanner.position() - read;
                    let record = record(value, size_bytes).map_err(|what| pieces.at_line(read, &what));
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

/// The record that a value is. `type` wins over `edge` (graph-format §13).
///
/// # Errors
/// Why it is none.
fn record(value: Json<'_>, size_bytes: usize) -> Result<Record<'_>, String> {
    let fields = match value {
        Json::Object(fields) => fields,
        Json::List(_) => return Err("records follow one another, without a list around them".to_owned()),
        other => return Err(format!("a record is an object with `type` or `edge`, not {}", kind_of(&other))),
    };
    let [mut node, mut edge, mut from, mut to, mut data] = [const { None }; 5];
    for (name, value) in fields {
        let field = match &*name {
            "type" => &mut node,
            "edge" => &mut edge,
            "from" => &mut from,
            "to" => &mut to,
            "data" => &mut data,
            _ => return Err(format!("it has a field `{name}`: properties and `id` belong into `data`")),
        };
        if field.replace(value).is_some() {
            return Err(format!("it has `{name}` twice"));
        }
    }
    let data = match data {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Object(data)) => data,
        Some(other) => return Err(format!("its `data` must be an object, not {}", kind_of(&other))),
    };
    let kind = match (type_name("type", node)?, type_name("edge", edge)?) {
        (Some(name), _) => Kind::Node(name),
        (None, Some(name)) => Kind::Edge { name, from: from.unwrap_or(Json::Null), to: to.unwrap_or(Json::Null) },
        (None, None) => return Err("it has neither `type` nor `edge`".to_owned()),
    };
    Ok(Record { kind, data, size_bytes })
}

/// The name of a type, if there is one.
fn type_name<'t>(field: &str, value: Option<Json<'t>>) -> Result<Option<Cow<'t, str>>, String> {
    match value {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(name)) => Ok(Some(name)),
        Some(other) => Err(format!("its `{field}` must be the name of a type, not {}", kind_of(&other))),
    }
}

/// What a value is; it may be too long to be shown.
fn kind_of(value: &Json<'_>) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::Text(_) => "a text",
        Json::List(_) => "a list",
        Json::Object(_) => "an object",
    }
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

    /// Passes the byte order mark, if that is what the input begins with.
    fn pass_mark(&mut self) -> bool {
        let is_marked = (self.lines, self.column) == (0, 0) && self.buffer[..self.filled].starts_with(BYTE_ORDER_MARK);
        if is_marked {
            self.pass(BYTE_ORDER_MARK.len());
        }
        is_marked
    }

    /// Lines before a byte of the buffer, and bytes before it in its line.
    fn line_at(&self, at: usize) -> (usize, usize) {
        let before = &self.buffer[..at];
        match before.iter().rposition(|&byte| byte == b'\n') {
            None => (self.lines, self.column + at),
            Some(last) => (self.lines + before.split(|&byte| byte == b'\n').count() - 1, at - last - 1),
        }
    }

    /// What is wrong with the record that starts at a byte of the buffer, or at white space before it.
    fn at_line(&self, at: usize, what: &str) -> String {
        let space = self.buffer[at..self.filled].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let (lines, _) = self.line_at(at + space);
        format!("{what} (line {})", lines + 1)
    }

    /// Why there is no JSON at a byte of the buffer, by line and column of the input.
    fn reason(&self, at: usize) -> String {
        let rest = &self.buffer[at..self.filled];
        let value = serde_json::Deserializer::from_slice(rest).into_iter::<Value>().next();
        let Some(Err(error)) = value else { return format!("it is no JSON; {NOTHING_MORE}") };
        let (lines, column) = self.line_at(at);
        let column = if error.line() == 1 { column + error.column() } else { error.column() };
        let told = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = match told.strip_suffix(&place).unwrap_or(&told) {
            "expected ident" | "expected value" => "there is no JSON value",
            _ if error.is_eof() => return "the input ends in the middle of this record".to_owned(),
            what => what,
        };
        format!("{what} at line {} column {column}; {NOTHING_MORE}", lines + error.line())
    }
}

/// After what is no JSON it cannot be told where the next record begins.
const NOTHING_MORE: &str = "what comes after it was not read";

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
        let text = "{\"type\":\"A\"} {\n \"edge\": \"B\",\n \"from\": \"x\", \"to\": \"y\",\n \"data\": {\"id\": \"e\"}\n}{\"data\":null,\"type\":\"C\"}\n";
        let expected = [(1, Ok("A {}")), (2, Ok("\"x\" B \"y\" {\"id\":\"e\"}")), (3, Ok("C {}"))];
        assert_eq!(read(text), expected.map(|(number, told)| (number, told.map(str::to_owned))));
        assert_eq!(read(" \n"), []);
        assert_eq!(read(""), []);
        assert_eq!(read("\u{feff}{\"type\":\"A\"}"), [(1, Ok("A {}".to_owned()))], "a byte order mark is passed over");
    }

    #[test]
    fn what_is_no_record_is_told_and_the_rest_goes_on() {
        for (text, expected) in [
            ("{}", "it has neither `type` nor `edge` (line 2)"),
            ("{\"type\":1}", "its `type` must be the name of a type, not a number (line 2)"),
            ("{\"type\":\"A\",\"data\":[]}", "its `data` must be an object, not a list (line 2)"),
            ("{\"type\":\"A\",\n\"type\":\"A\"}", "it has `type` twice (line 2)"),
            ("\n{\"type\":\"A\",\"id\":\"x\"}", "it has a field `id`: properties and `id` belong into `data` (line 3)"),
            ("[]", "records follow one another, without a list around them (line 2)"),
            ("7", "a record is an object with `type` or `edge`, not a number (line 2)"),
        ] {
            let found = read(format!("{{\"type\":\"A\"}}\n{text}\n{{\"type\":\"B\"}}"));
            assert_eq!(found[1], (2, Err(expected.to_owned())), "{text}");
            assert_eq!(found[2], (3, Ok("B {}".to_owned())), "{text}");
        }
    }

    #[test]
    fn nothing_is_read_after_what_is_no_json() {
        for (text, expected) in [
            ("{\"type\":nul}\n{\"type\":\"B\"}", "there is no JSON value at line 2 column 12"),
            ("  ]", "there is no JSON value at line 2 column 3"),
            (
                "{\"type\":\"\u{1}\"}",
                "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 10",
            ),
        ] {
            let text = format!("{{\"type\":\"A\"}}\n{text}");
            let found = read(&text);
            let told = format!("{expected}; {NOTHING_MORE}");
            assert_eq!((found.len(), reason(&found)), (2, (2, told.as_str())), "{text}");
        }
        let found = read("{\"type\":\"A\"}\n{\"type\":\n");
        assert_eq!((found.len(), reason(&found)), (2, (2, "the input ends in the middle of this record")));
        let found = read(b"{\"type\":\"A\"}\n{\"type\":\"\xff\"}\n{\"type\":\"B\"}");
        let told = format!("invalid unicode code point at line 2 column 10; {NOTHING_MORE}");
        assert_eq!((found.len(), reason(&found)), (2, (2, told.as_str())));
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
        assert!(reason(&found).1.starts_with("there is no JSON value at line 3003 column 11"), "{:?}", reason(&found));
    }
}
