//! Which texts are meant: terms of search and filter (smart case, `!` inverts, `/re/` is an expression), and globs of names.

use regex::{Regex, RegexBuilder};

/// A compiled term.
#[derive(Debug, Clone)]
pub struct Matcher {
    regex: Regex,
    inverted: bool,
}

/// Why a term was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// The text between the slashes is no regular expression.
    #[error("not an expression: {reason}")]
    Expression {
        /// Last line of the parser's message.
        reason: String,
    },
}

impl Matcher {
    /// Compiles a term. `None` for an empty one (also `!` and `//`): it asks for nothing.
    ///
    /// A term without capitals matches any case. `/re/` is a regular expression; everything else is literal text.
    ///
    /// # Errors
    /// [`MatcherError::Expression`] if the text between slashes is no expression.
    pub fn new(term: &str) -> Result<Option<Self>, MatcherError> {
        let (inverted, text) = term.strip_prefix('!').map_or((false, term), |rest| (true, rest));
        let expression = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let pattern = expression.map_or_else(|| regex::escape(text), str::to_owned);
        if pattern.is_empty() {
            return Ok(None);
        }
        let regex = RegexBuilder::new(&pattern)
            .case_insensitive(!has_capital(text, expression.is_some()))
            .size_limit(1 << 20)
            .build()
            .map_err(|error| MatcherError::Expression { reason: last_line(&error.to_string()) })?;
        Ok(Some(Self { regex, inverted }))
    }

    /// Whether `text` is wanted.
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        self.regex.is_match(text) != self.inverted
    }

    /// Whether any of the texts matches; an inverted term accepts when none does.
    pub fn accepts_any<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        texts.into_iter().any(|text| self.regex.is_match(text)) != self.inverted
    }

    /// Byte ranges to mark in `text`; none for an inverted term.
    #[must_use]
    pub fn ranges(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        if self.inverted {
            return Vec::new();
        }
        self.regex.find_iter(text).map(|found| found.range()).filter(|range| !range.is_empty()).collect()
    }
}

/// Whether a name fits a glob in which `*` stands for any letters.
#[must_use]
pub fn fits_glob(glob: &str, name: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else { return glob == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

/// Whether the term has a capital that is meant: `\S` in an expression is not.
fn has_capital(text: &str, expression: bool) -> bool {
    let mut escaped = false;
    text.chars().any(|letter| {
        let counts = !(expression && escaped);
        escaped = letter == '\\' && !escaped;
        counts && letter.is_uppercase()
    })
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case is a pattern, a text, and whether they fit.
    fn holds(cases: &[(&str, &str, bool)], fits: impl Fn(&str, &str) -> bool) {
        for (pattern, text, expected) in cases {
            assert_eq!(fits(pattern, text), *expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn terms_mean_what_the_rules_say() {
        let cases = [
            ("ann", "Ann", true),
            ("Ann", "ann", false),
            ("Ann", "Joann Ann", true),
            ("!ann", "Ann", false),
            ("!ann", "bob", true),
            ("a.c", "abc", false),
            ("/a.c/", "ABC", true),
            ("/A.c/", "abc", false),
            (r"/^\S+$/", "abc", true),
            (r"/^\S+$/", "a b", false),
            ("!/^a/", "ba", true),
            ("/", "a/b", true),
            ("/a", "x/A", true),
        ];
        holds(&cases, |term, text| Matcher::new(term).expect("valid").expect("not empty").accepts(text));
    }

    #[test]
    fn globs_fit_whole_names() {
        let cases = [
            ("main", "main", true),
            ("main", "maintenance", false),
            ("feature/*", "feature/x", true),
            ("feature/*", "old/feature/x", false),
            ("*x*z", "axyz", true),
            ("*x*z", "axzy", false),
            ("a*a", "a", false),
        ];
        holds(&cases, fits_glob);
    }

    #[test]
    fn empty_terms_ask_for_nothing_and_broken_expressions_are_refused() {
        for term in ["", "!", "//", "!//"] {
            assert!(Matcher::new(term).expect("valid").is_none(), "{term:?}");
        }
        assert!(Matcher::new("/(/").expect_err("open group").to_string().contains("unclosed group"));
    }

    #[test]
    fn marks_are_byte_ranges_of_the_matches() {
        let matcher = Matcher::new("ä").expect("valid").expect("not empty");
        assert_eq!(matcher.ranges("Äxä"), [0..2, 3..5]);
        assert!(Matcher::new("!ä").expect("valid").expect("not empty").ranges("Äxä").is_empty());
        assert!(Matcher::new("/x*/").expect("valid").expect("not empty").ranges("abc").is_empty());
    }
}
