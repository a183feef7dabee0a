//! Tokens of the schema language, and the place of the furthest failure.
//!
//! [`Scanner`] is the state of a PEG parser over characters: there is no token list, because what a character run means
//! depends on what the grammar tries at that place (`true` at the start of a name, `1.` in `1..2`). Every `token` call
//! first skips whitespace and comments; a call that returns `None` has not moved. Inside a token nothing is skipped.
//!
//! Of all attempts the one that got furthest is the one the author meant, so its expectations make the error message.

use super::ast::{Literal, Name};
use super::problem::{SchemaError, SchemaProblem};

/// Longest piece of source quoted in a message, in characters.
const FOUND_CHARS: usize = 24;

/// Something that was opened and never closed; it ends every hope of parsing.
#[derive(Debug, Clone, Copy)]
enum Unclosed {
    Comment(usize),
    Text(usize),
}

/// Position in a source, with what was expected at the furthest place reached.
pub(super) struct Scanner<'s> {
    source: &'s str,
    at: usize,
    furthest: usize,
    expected: Vec<&'static str>,
    hint: Option<(usize, &'static str)>,
    unclosed: Option<Unclosed>,
    bad_escape: Option<(usize, char)>,
}

impl<'s> Scanner<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { source, at: 0, furthest: 0, expected: Vec::new(), hint: None, unclosed: None, bad_escape: None }
    }

    /// Runs `rule`; if it does not match, the position is as before.
    pub(super) fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let start = self.at;
        let result = rule(self);
        if result.is_none() {
            self.at = start;
        }
        result
    }

    /// Matches `rule` as often as it does.
    pub(super) fn repeat<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Option<T>) -> Vec<T> {
        std::iter::from_fn(|| self.attempt(&mut rule)).collect()
    }

    /// Matches `first { "," next }`.
    pub(super) fn comma_list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = vec![self.attempt(&mut item)?];
        items.extend(self.repeat(|s| {
            s.literal(",")?;
            item(s)
        }));
        Some(items)
    }

    /// Offset of the next token.
    pub(super) fn next_offset(&mut self) -> usize {
        let start = self.at;
        self.skip();
        std::mem::replace(&mut self.at, start)
    }

    /// Matches a quoted terminal; it may be glued to what follows.
    pub(super) fn literal(&mut self, text: &'static str) -> Option<usize> {
        self.token(text, |rest| rest.starts_with(text).then_some(text.len())).map(|name| name.at)
    }

    /// Tells whether `first` and then `second` come next, without moving and without expecting them.
    pub(super) fn follows(&mut self, first: &str, second: &str) -> bool {
        let start = self.at;
        self.skip();
        let mut found = self.source[self.at..].starts_with(first);
        if found {
            self.at += first.len();
            self.skip();
            found = self.source[self.at..].starts_with(second);
        }
        self.at = start;
        found
    }

    /// Matches the first of `words` that fits; like a literal it may be glued to what follows.
    pub(super) fn one_of(&mut self, expected: &'static str, words: &[&str]) -> Option<Name> {
        self.token(expected, |rest| words.iter().find(|word| rest.starts_with(**word)).map(|word| word.len()))
    }

    /// Matches a name that starts with a capital letter.
    pub(super) fn type_name(&mut self) -> Option<Name> {
        self.token("a type name (it starts with a capital letter)", |rest| {
            word(rest, |first| first.is_ascii_uppercase(), is_word)
        })
    }

    /// Matches a name that starts with a small letter or an underscore.
    pub(super) fn ident(&mut self, expected: &'static str) -> Option<Name> {
        self.token(expected, |rest| word(rest, |first| first.is_ascii_lowercase() || first == '_', is_word))
    }

    /// Matches one enum value.
    pub(super) fn enum_value(&mut self) -> Option<Name> {
        let value = |c: char| is_word(c) || c == '-';
        self.token("an enum value (letters, digits, `_` and `-`)", |rest| word(rest, value, value))
    }

    /// Matches digits.
    pub(super) fn digits(&mut self) -> Option<Name> {
        self.token("a whole number", digits)
    }

    /// Matches an optionally negative, optionally fractional number.
    pub(super) fn signed_number(&mut self) -> Option<Name> {
        self.token("a number", |rest| {
            let sign = usize::from(rest.starts_with('-'));
            let whole = sign + digits(&rest[sign..])?;
            Some(whole + fraction(&rest[whole..]).unwrap_or(0))
        })
    }

    /// Matches a string, number or boolean literal. `true` and `false` match at the start of a longer word too.
    pub(super) fn value(&mut self) -> Option<(usize, Literal)> {
        if let Some((at, text)) = self.text() {
            return Some((at, Literal::Text(text)));
        }
        self.token("a value (string, number, true or false)", |rest| {
            let number = digits(rest).map(|whole| whole + fraction(&rest[whole..]).unwrap_or(0));
            let word = ["true", "false"].into_iter().find(|word| rest.starts_with(word)).map(str::len);
            number.or(word)
        })
        .map(|name| (name.at, Literal::Bare(name.text)))
    }

    /// Matches the end of the source.
    pub(super) fn end(&mut self) -> Option<()> {
        self.token("the end of the file", |rest| rest.is_empty().then_some(0)).map(|_| ())
    }

    /// Remembers advice for the case that the parse gets no further than it is now, or than `at` if that is further.
    pub(super) fn advise(&mut self, at: usize, hint: &'static str) {
        self.hint = Some((self.furthest.max(at), hint));
    }

    /// Turns the outcome of the whole parse into a result.
    pub(super) fn finish<T>(self, parsed: Option<T>) -> Result<T, SchemaError> {
        let (at, problem) = match (parsed, self.unclosed, self.bad_escape) {
            (Some(value), _, None) => return Ok(value),
            (Some(_), _, Some((at, escape))) => (at, SchemaProblem::UnknownEscape { escape }),
            (None, Some(Unclosed::Comment(at)), _) => (at, SchemaProblem::UnclosedComment),
            (None, Some(Unclosed::Text(at)), _) => (at, SchemaProblem::UnclosedString),
            (None, None, _) => (self.furthest, self.unexpected()),
        };
        Err(SchemaError::at(self.source, at, problem))
    }

    fn unexpected(&self) -> SchemaProblem {
        let hint = self.hint.filter(|(at, _)| *at == self.furthest).map(|(_, hint)| hint);
        SchemaProblem::Unexpected {
            found: found(&self.source[self.furthest..]),
            expected: self.expected.iter().map(|what| describe(what)).collect(),
            hint,
        }
    }

    /// Matches a quoted string and decodes its escapes.
    fn text(&mut self) -> Option<(usize, String)> {
        let at = self.next_offset();
        let rest = &self.source[at..];
        if !rest.starts_with('"') {
            return None;
        }
        let Some(length) = quoted(rest) else {
            self.unclosed = self.unclosed.or(Some(Unclosed::Text(at)));
            return None;
        };
        let text = self.decode(at + 1, &rest[1..length - 1]);
        self.at = at + length;
        Some((at, text))
    }

    fn decode(&mut self, at: usize, raw: &str) -> String {
        let mut text = String::with_capacity(raw.len());
        let mut characters = raw.char_indices();
        while let Some((offset, character)) = characters.next() {
            if character != '\\' {
                text.push(character);
                continue;
            }
            let escape = characters.next().map_or('\\', |(_, escape)| escape);
            match unescape(escape) {
                Some(decoded) => text.push(decoded),
                None => self.bad_escape = self.bad_escape.or(Some((at + offset, escape))),
            }
        }
        text
    }

    /// Skips whitespace and comments, then matches as many bytes as `length` says.
    fn token(&mut self, expected: &'static str, length: impl FnOnce(&str) -> Option<usize>) -> Option<Name> {
        let start = self.at;
        self.skip();
        let (at, rest) = (self.at, &self.source[self.at..]);
        if let Some(length) = length(rest) {
            self.at += length;
            return Some(Name { at, text: rest[..length].to_owned() });
        }
        self.at = start;
        self.missed(at, expected);
        None
    }

    fn missed(&mut self, at: usize, expected: &'static str) {
        if at > self.furthest {
            self.furthest = at;
            self.expected.clear();
        }
        if at == self.furthest && !self.expected.contains(&expected) {
            self.expected.push(expected);
        }
    }

    fn skip(&mut self) {
        loop {
            let rest = &self.source[self.at..];
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            match blank + comment(&rest[blank..]) {
                0 => break,
                length => self.at += length,
            }
        }
        if self.source[self.at..].starts_with("/*") {
            self.unclosed = self.unclosed.or(Some(Unclosed::Comment(self.at)));
        }
    }
}

/// Length of the comment at the start of `rest`, 0 without one or when a block comment is not closed.
fn comment(rest: &str) -> usize {
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if let Some(inside) = rest.strip_prefix("/*") {
        inside.find("*/").map_or(0, |end| end + 4)
    } else {
        0
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn word(rest: &str, first: impl Fn(char) -> bool, next: impl Fn(char) -> bool) -> Option<usize> {
    rest.starts_with(first).then(|| 1 + rest[1..].find(|c| !next(c)).unwrap_or(rest.len() - 1))
}

fn digits(rest: &str) -> Option<usize> {
    word(rest, |c| c.is_ascii_digit(), |c| c.is_ascii_digit())
}

fn fraction(rest: &str) -> Option<usize> {
    rest.strip_prefix('.').and_then(digits).map(|length| length + 1)
}

/// Length of a quoted string with its quotes, `None` if it is not closed.
fn quoted(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (offset, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

fn unescape(escape: char) -> Option<char> {
    match escape {
        '"' | '\\' => Some(escape),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    }
}

/// Puts a terminal into back quotes; descriptions stay as they are.
fn describe(expected: &str) -> String {
    let is_description = expected.starts_with("a ") || expected.starts_with("an ") || expected.starts_with("the ");
    if is_description { expected.to_owned() } else { format!("`{expected}`") }
}

/// The word or character at the start of `rest`, fit for one line of a message.
fn found(rest: &str) -> String {
    let Some(first) = rest.chars().next() else {
        return "the end of the file".to_owned();
    };
    let text: String = if is_word(first) {
        rest.chars().take_while(|c| is_word(*c)).take(FOUND_CHARS).collect()
    } else {
        first.to_string()
    };
    format!("`{}`", text.escape_debug())
}
