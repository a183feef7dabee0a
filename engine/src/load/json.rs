//! JSON text → values that borrow from it. Numbers keep their digits, so that nothing of them is lost before their type is known.
//!
//! It accepts what RFC 8259 does, with one rule more: nothing is nested deeper than [`DEPTH`]. It says where text is no JSON,
//! not why: [`super::record`] asks a parser that knows how to say it.

use std::borrow::Cow;
use std::fmt;

/// How deep values may be nested.
const DEPTH: u8 = 128;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json<'t> {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(&'t str),
    Text(Cow<'t, str>),
    List(Vec<Json<'t>>),
    Object(Fields<'t>),
}

/// The fields of an object in the order of the text, names that come twice included.
pub(super) type Fields<'t> = Vec<(Cow<'t, str>, Json<'t>)>;

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The text ends too early; more of it may make it whole.
    End,
    /// The text is no JSON, whatever follows.
    Broken,
}

/// Reads values from a text, one after the other.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Json<'t> {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Json<'t>]> {
        match self {
            Self::List(items) => Some(items),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Object(_) => None,
        }
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => quoted(f, text),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "[" } else { "," })?;
                }
                f.write_str(if items.is_empty() { "[]" } else { "]" })
            }
            Self::Object(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "," })?;
                    quoted(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str(&serde_json::Value::from(text).to_string())
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Bytes that were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Reads the next value; none if there is only white space.
    pub(super) fn next_value(&mut self) -> Result<Option<Json<'t>>, Fault> {
        self.pass_space();
        if self.peek().is_none() { Ok(None) } else { self.value(0).map(Some) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn pass_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The next byte that is no white space.
    fn token(&mut self) -> Result<u8, Fault> {
        self.pass_space();
        let token = self.peek().ok_or(Fault::End)?;
        self.at += 1;
        Ok(token)
    }

    fn value(&mut self, depth: u8) -> Result<Json<'t>, Fault> {
        if depth == DEPTH {
            return Err(Fault::Broken);
        }
        match self.token()? {
            b'"' => self.text().map(Json::Text),
            b'{' => self.object(depth).map(Json::Object),
            b'[' => self.list(depth).map(Json::List),
            b'n' => self.word("ull", Json::Null),
            b't' => self.word("rue", Json::Bool(true)),
            b'f' => self.word("alse", Json::Bool(false)),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(Fault::Broken),
        }
    }

    fn object(&mut self, depth: u8) -> Result<Fields<'t>, Fault> {
        let mut fields = Vec::new();
        loop {
            match self.token()? {
                b'}' if fields.is_empty() => return Ok(fields),
                b'"' => {}
                _ => return Err(Fault::Broken),
            }
            let name = self.text()?;
            if self.token()? != b':' {
                return Err(Fault::Broken);
            }
            fields.push((name, self.value(depth + 1)?));
            match self.token()? {
                b'}' => return Ok(fields),
                b',' => {}
                _ => return Err(Fault::Broken),
            }
            // A comma needs a field after it.
            self.pass_space();
            if self.peek().ok_or(Fault::End)? != b'"' {
                return Err(Fault::Broken);
            }
        }
    }

    fn list(&mut self, depth: u8) -> Result<Vec<Json<'t>>, Fault> {
        let mut items = Vec::new();
        self.pass_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.token()? {
                b']' => return Ok(items),
                b',' => {}
                _ => return Err(Fault::Broken),
            }
        }
    }

    /// What follows the first letter of a word.
    fn word(&mut self, rest: &str, value: Json<'t>) -> Result<Json<'t>, Fault> {
        let found = &self.text.as_bytes()[self.at..];
        if found.starts_with(rest.as_bytes()) {
            self.at += rest.len();
            return Ok(value);
        }
        Err(if rest.as_bytes().starts_with(found) { Fault::End } else { Fault::Broken })
    }

    /// What follows the first character of a number. One at the end of the text may go on.
    fn number(&mut self) -> Result<Json<'t>, Fault> {
        self.at -= 1;
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits()?;
        let leads_with_zero = self.text.as_bytes()[self.at - whole] == b'0';
        if leads_with_zero && whole > 1 {
            return Err(Fault::Broken);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        match self.peek() {
            None => Err(Fault::End),
            Some(_) => Ok(Json::Number(&self.text[start..self.at])),
        }
    }

    /// Passes digits, at least one, and counts them.
    fn digits(&mut self) -> Result<usize, Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        match self.at - start {
            0 => Err(if self.peek().is_none() { Fault::End } else { Fault::Broken }),
            count => Ok(count),
        }
    }

    /// What follows the first quote of a text.
    fn text(&mut self) -> Result<Cow<'t, str>, Fault> {
        let plain = self.plain()?;
        if self.text.as_bytes()[self.at] == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        while self.text.as_bytes()[self.at] != b'"' {
            self.at += 1;
            text.push(self.escaped()?);
            text.push_str(self.plain()?);
        }
        self.at += 1;
        Ok(Cow::Owned(text))
    }

    /// Characters up to a quote or a backslash.
    fn plain(&mut self) -> Result<&'t str, Fault> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let length = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ').ok_or(Fault::End)?;
        self.at += length;
        if rest[length] < b' ' { Err(Fault::Broken) } else { Ok(&self.text[start..self.at]) }
    }

    /// What follows a backslash.
    fn escaped(&mut self) -> Result<char, Fault> {
        let letter = self.peek().ok_or(Fault::End)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                if !(0xD800..0xDC00).contains(&unit) {
                    return char::from_u32(unit).ok_or(Fault::Broken);
                }
                for expected in *b"\\u" {
                    if self.peek().ok_or(Fault::End)? != expected {
                        return Err(Fault::Broken);
                    }
                    self.at += 1;
                }
                let low = self.unit()?;
                if !(0xDC00..0xE000).contains(&low) {
                    return Err(Fault::Broken);
                }
                char::from_u32(0x1_0000 + ((unit - 0xD800) << 10 | (low - 0xDC00))).ok_or(Fault::Broken)?
            }
            _ => return Err(Fault::Broken),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Fault> {
        (0..4).try_fold(0, |unit, _| {
            let digit = char::from(self.peek().ok_or(Fault::End)?).to_digit(16).ok_or(Fault::Broken)?;
            self.at += 1;
            Ok(unit << 4 | digit)
        })
    }
}

#[cfg(test)]
mod tests;
