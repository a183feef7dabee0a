//! Which texts are meant: terms of search and filter (smart case, `!` inverts, `/re/` is an expression, `*` makes a glob of a term for
//! names), and globs of names.

use regex::{Regex, RegexBuilder};

/// A compiled term.
#[derive(Debug, Clone)]
pub struct Matcher {
    regex: Regex,
    /// For names, which have no blanks: the term without those around it, or the whole name if the term is a glob. None if that asks for
    /// nothing.
    name: Option<Regex>,
    is_glob: bool,
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
        let is_glob = expression.is_none() && text.contains('*');
        let name = match expression {
            Some(expression) => expression.to_owned(),
            None if text.trim().is_empty() => String::new(),
            None if is_glob => format!("^{}$", regex::escape(text.trim()).replace(r"\*", ".*")),
            None => regex::escape(text.trim()),
        };
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(!has_capital(text, expression.is_some()))
                .dot_matches_new_line(expression.is_none())
                .size_limit(1 << 20)
                .build()
                .map_err(|error| MatcherError::Expression { reason: last_line(&error.to_string()) })
        };
        let name = (!name.is_empty()).then(|| compile(&name)).transpose()?;
        Ok(Some(Self { regex: compile(&pattern)?, name, is_glob, inverted }))
    }

    /// Whether the term is a glob for names: it has a `*` and is no expression.
    #[must_use]
    pub fn is_glob(&self) -> bool {
        self.is_glob
    }

    /// Whether a name is wanted: a glob (`agent/*`) has to fit all of it, any other term a part.
    #[must_use]
    pub fn accepts_name(&self, name: &str) -> bool {
        self.accepts_any_name([name])
    }

    /// Returns whether any of these names or ids is wanted, by the rule of [`Matcher::accepts_name`]; an inverted term accepts when none
    /// fits.
    pub fn accepts_any_name<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> bool {
        let Some(wanted) = &self.name else { return true };
        names.into_iter().any(|name| wanted.is_match(name)) != self.inverted
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

    /// As [`Matcher::accepts_any`], where a glob may also fit one of the names.
    pub fn accepts_any_or_name<'a>(
        &self,
        texts: impl IntoIterator<Item = &'a str>,
        names: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        let is_named = || {
            self.is_glob && self.name.as_ref().is_some_and(|wanted| names.into_iter().any(|name| wanted.is_match(name)))
        };
        (texts.into_iter().any(|text| self.regex.is_match(text)) || is_named()) != self.inverted
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
    fn a_term_with_a_star_is_a_glob_for_names() {
        let cases = [
            ("agent/*", "agent/7", true),
            ("agent/*", "Agent/7", true),
            ("Agent/*", "agent/7", false),
            ("agent/*", "old/agent/7", false),
            ("*/7", "agent/7", true),
            ("*/7", "agent/71", false),
            ("*gen*", "agent/7", true),
            ("a.*", "agent", false),
            ("a.*", "a.gent", true),
            ("!agent/*", "agent/7", false),
            ("!agent/*", "main", true),
            ("agent/", "old/agent/7", true),
            ("/agent.*7/", "old/agent/7", true),
            ("*", "main", true),
            ("agent/* ", "agent/7", true),
            ("! agent/* ", "agent/7", false),
            ("gent ", "agent/7", true),
            (" ", "main", true),
            ("! ", "main", true),
        ];
        holds(&cases, |term, name| Matcher::new(term).expect("valid").expect("not empty").accepts_name(name));
        let plain = Matcher::new("a*b").expect("valid").expect("not empty");
        assert!(plain.accepts("xa*bx") && !plain.accepts("axb"), "in other texts a star is a star");
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
