//! Comments of pasted SQL, whose lines become one.

use std::borrow::Cow;

/// Turns comments that a line break ends into ones with an end of their own, so that they take in no more where the lines are one:
/// `a -- b`, line break, `c` is `a /* b */ c`.
pub(super) fn closed(sql: &str) -> Cow<'_, str> {
    if !sql.contains("--") {
        return sql.into();
    }
    let mut closed = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' if ends_with_escape_mark(&closed) => escaped(rest),
            '\'' | '"' | '`' => quoted(rest, first),
            '$' => dollar_quoted(rest).unwrap_or(1),
            '/' if rest.starts_with("/*") => commented(rest),
            '-' if rest.starts_with("--") => {
                let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
                let words = rest[2..length].trim().replace("*/", "* /").replace("/*", "/ *");
                closed.push_str(&format!("/* {words} */"));
                rest = &rest[length..];
                continue;
            }
            _ => first.len_utf8(),
        };
        closed.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    closed.into()
}

/// Returns the length of what begins with a quote, up to the next one. A quote that is written twice ends one text and begins another.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// Returns whether a text ends with the `E` that gives the quoted text after it escapes: `E'it\'s'`.
fn ends_with_escape_mark(text: &str) -> bool {
    let mut letters = text.chars().rev();
    letters.next().is_some_and(|letter| matches!(letter, 'E' | 'e'))
        && !letters.next().is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Returns the length of what begins with a quote and may have others after a backslash.
fn escaped(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.char_indices().skip(1).find(|&(_, letter)| {
        let ends = letter == '\'' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// Returns the length of a text between two equal marks, `$$ … $$` or `$a$ … $a$`; none if it begins with no mark.
fn dollar_quoted(text: &str) -> Option<usize> {
    let end = text[1..].find('$')? + 2;
    let mark = &text[..end];
    let is_mark = mark[1..end - 1].chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    is_mark.then(|| text[end..].find(mark).map_or(text.len(), |at| end + at + end))
}

/// Returns the length of a comment with an end of its own; comments may be inside one another.
fn commented(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_end_where_their_lines_ended() {
        for (pasted, expected) in [
            ("select a -- b\nfrom t", "select a /* b */\nfrom t"),
            ("a --\r\nb -- c", "a /*  */\r\nb /* c */"),
            ("a = '-- x' -- y\nb", "a = '-- x' /* y */\nb"),
            ("a = 'it''s -- x'\n-- y", "a = 'it''s -- x'\n/* y */"),
            ("\"a--b\" = `c--d`\n", "\"a--b\" = `c--d`\n"),
            ("/* -- /* a */ */ 1 -- b\n2", "/* -- /* a */ */ 1 /* b */\n2"),
            ("1 -- a */ b /* c\n2", "1 /* a * / b / * c */\n2"),
            ("'öpen -- ü", "'öpen -- ü"),
            ("/* öpen -- ü", "/* öpen -- ü"),
            ("a - -b -- ü", "a - -b /* ü */"),
            (r"E'it\'s -- x' -- y", r"E'it\'s -- x' /* y */"),
            (r"e'a\\' -- y", r"e'a\\' /* y */"),
            (r"name'a\' -- y", r"name'a\' /* y */"),
            ("$$ -- a $$ -- y", "$$ -- a $$ /* y */"),
            ("$a$ -- $$ $a$ -- y", "$a$ -- $$ $a$ /* y */"),
            ("$1 = 2 -- y", "$1 = 2 /* y */"),
        ] {
            assert_eq!(closed(pasted), expected);
        }
    }
}
