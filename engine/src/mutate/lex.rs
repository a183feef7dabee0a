//! Text → tokens of the query language.

use super::problem::{TextError, TextProblem};

/// One token and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: TokenKind,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A letter or `_`, then letters, digits and `_`.
    Word(String),
    /// A word in backticks.
    Quoted(String),
    /// A word after `$`.
    Variable(String),
    /// What the quotes hold, decoded.
    Text(String),
    /// As it is written.
    Number(String),
    /// A mark of the language, or any other character.
    Mark(String),
    /// The end of the text.
    End,
}

/// Marks of two characters; all others are one.
const LONG_MARKS: [&str; 6] = ["==", "!=", "<=", ">=", "->", "<-"];

/// Splits a text; the last token is its end.
///
/// # Errors
/// A text or comment that is not closed, an escape that does not exist.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, TextError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += blank(source, at)?;
        let rest = &source[at..];
        let Some(first) = rest.chars().next() else {
            tokens.push(Token { at, kind: TokenKind::End });
            return Ok(tokens);
        };
        let (length, kind) = match first {
            '"' => text(source, at)?,
            '$' => {
                let length = word(&rest[1..]);
                if length == 0 {
                    return Err(TextError::at(source, at, TextProblem::BareDollar));
                }
                (length + 1, TokenKind::Variable(rest[1..=length].to_owned()))
            }
            '`' if quoted(rest).is_some() => {
                let word = quoted(rest).unwrap_or_default();
                (word.len() + 2, TokenKind::Quoted(word.to_owned()))
            }
            _ if word(rest) > 0 => (word(rest), TokenKind::Word(rest[..word(rest)].to_owned())),
            _ if number(rest) > 0 => (number(rest), TokenKind::Number(rest[..number(rest)].to_owned())),
            _ => {
                let long = LONG_MARKS.into_iter().find(|mark| rest.starts_with(mark));
                let length = long.map_or(first.len_utf8(), str::len);
                (length, TokenKind::Mark(rest[..length].to_owned()))
            }
        };
        tokens.push(Token { at, kind });
        at += length;
    }
}

/// Length of white space and comments.
fn blank(source: &str, start: usize) -> Result<usize, TextError> {
    let mut at = start;
    loop {
        let rest = &source[at..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(inside) = rest.strip_prefix("/*") {
            inside.find("*/").ok_or_else(|| TextError::at(source, at, TextProblem::UnclosedComment))? + 4
        } else {
            rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()
        };
        if length == 0 {
            return Ok(at - start);
        }
        at += length;
    }
}

/// Length of the word that starts here, 0 if none does.
fn word(rest: &str) -> usize {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !rest.starts_with(is_first) {
        return 0;
    }
    rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())
}

/// The word in the backticks that start here; none if there is no such word.
fn quoted(rest: &str) -> Option<&str> {
    let inside = rest.strip_prefix('`')?;
    let word = &inside[..word(inside)];
    (!word.is_empty() && inside[word.len()..].starts_with('`')).then_some(word)
}

/// Length of the number that starts here, 0 if none does.
fn number(rest: &str) -> usize {
    let sign = usize::from(rest.starts_with('-'));
    let whole = digits(&rest[sign..]);
    if whole == 0 {
        return 0;
    }
    let mut length = sign + whole;
    if let Some(fraction) = rest[length..].strip_prefix('.').map(digits).filter(|&digits| digits > 0) {
        length += 1 + fraction;
    }
    if let Some(power) = rest[length..].strip_prefix(['e', 'E']) {
        let sign = usize::from(power.starts_with(['+', '-']));
        let digits = digits(&power[sign..]);
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    length
}

fn digits(rest: &str) -> usize {
    rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
}

/// Reads a quoted text that starts at `at`: its length with the quotes, and what it says.
fn text(source: &str, at: usize) -> Result<(usize, TokenKind), TextError> {
    let mut decoded = String::new();
    let mut characters = source[at + 1..].char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => return Ok((offset + 2, TokenKind::Text(decoded))),
            '\\' => {
                let Some((_, escape)) = characters.next() else { break };
                decoded.push(match escape {
                    '"' | '\\' => escape,
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    escape => {
                        return Err(TextError::at(source, at + 1 + offset, TextProblem::UnknownEscape { escape }));
                    }
                });
            }
            other => decoded.push(other),
        }
    }
    Err(TextError::at(source, at, TextProblem::UnclosedText))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<TokenKind> {
        tokens(source).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn a_text_is_split_into_tokens() {
        use TokenKind::{End, Mark, Number, Quoted, Text, Variable, Word};
        let mark = |mark: &str| Mark(mark.to_owned());
        assert_eq!(
            kinds("a_1 $b: \"x\\\"\\n\" >=-1.5e3 // c\n/* d */ ==]ä"),
            [
                Word("a_1".into()),
                Variable("b".into()),
                mark(":"),
                Text("x\"\n".into()),
                mark(">="),
                Number("-1.5e3".into()),
                mark("=="),
                mark("]"),
                mark("ä"),
                End
            ]
        );
        assert_eq!(kinds("`to`=`to"), [Quoted("to".into()), mark("="), mark("`"), Word("to".into()), End]);
        assert_eq!(kinds("``a`"), [mark("`"), Quoted("a".into()), End]);
        assert_eq!(
            kinds("1.x 2e"),
            [Number("1".into()), mark("."), Word("x".into()), Number("2".into()), Word("e".into()), End]
        );
    }

    #[test]
    fn what_is_not_closed_is_told_where_it_was_opened() {
        for (source, column) in [("a \"b", 3), ("a /* b", 3), ("a \"b\\", 3), ("\"\\q\"", 2), ("a $ b", 3)] {
            assert_eq!(tokens(source).unwrap_err().column(), column, "{source}");
        }
    }
}
