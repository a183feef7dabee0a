//! Where in a schema source something is wrong, and how to show it.
//!
//! [`SchemaError`] is one problem at one place. Its `Display` is always a single line; [`SchemaError::render`] adds the
//! source line with a caret under the column, for terminals and panes.

use std::fmt;

use super::problem::SchemaProblem;
use crate::excerpt::{drawn, position};

/// One problem in a schema source, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    line: usize,
    column: usize,
    problem: Box<SchemaProblem>,
}

impl SchemaError {
    /// Places `problem` at the byte offset `at` of `source`; an offset past the end means the end.
    pub(super) fn at(source: &str, at: usize, problem: impl Into<Box<SchemaProblem>>) -> Self {
        let (line, column) = position(source, at);
        Self { line, column, problem: problem.into() }
    }

    /// Returns the line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters (not bytes, not cells), counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn problem(&self) -> &SchemaProblem {
        &self.problem
    }

    /// Returns the message, the source line and a caret under the column, as three lines without a trailing newline.
    ///
    /// Tabs become spaces, control characters a replacement mark, and a wide character counts two cells, so that the caret
    /// stands under the right place. Lines longer than about 120 characters are cut around the caret. `source` should be
    /// the text that was parsed; with another text the caret may point at nothing, but nothing fails.
    #[must_use]
    pub fn render(&self, source: &str) -> String {
        format!("{self}\n{}", drawn(source, self.line, self.column))
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)
    }
}

impl std::error::Error for SchemaError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source: &str, at: usize) -> SchemaError {
        SchemaError::at(source, at, SchemaProblem::UnclosedString)
    }

    fn place(source: &str, at: usize) -> (usize, usize) {
        let error = error(source, at);
        (error.line(), error.column())
    }

    fn drawing(source: &str, at: usize) -> Vec<String> {
        error(source, at).render(source).lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(place("ab\ncd", 0), (1, 1));
        assert_eq!(place("ab\ncd", 2), (1, 3));
        assert_eq!(place("ab\ncd", 3), (2, 1));
        assert_eq!(place("äöü x", 7), (1, 5));
        assert_eq!(place("ab\r\ncd\n", 7), (3, 1));
        assert_eq!(place("", 0), (1, 1));
    }

    #[test]
    fn an_offset_outside_or_inside_a_character_is_harmless() {
        assert_eq!(place("ab", 99), (1, 3));
        assert_eq!(place("äb", 1), (1, 1));
    }

    #[test]
    fn the_caret_stands_under_the_column() {
        assert_eq!(drawing("node A\n  x: Foo\n", 12), ["2 |   x: Foo", "  |      ^"]);
    }

    #[test]
    fn tabs_become_spaces_and_wide_characters_take_two_cells() {
        assert_eq!(drawing("\tx: Foo", 4), ["1 |     x: Foo", "  |        ^"]);
        assert_eq!(drawing("ab\tx", 3), ["1 | ab  x", "  |     ^"]);
        assert_eq!(drawing("// 漢字 x", 10), ["1 | // 漢字 x", "  |         ^"]);
        assert_eq!(drawing("e\u{301}x", 3), ["1 | e\u{301}x", "  |  ^"]);
    }

    #[test]
    fn carriage_returns_and_escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(drawing("ab\r\ncd", 2), ["1 | ab", "  |   ^"]);
        assert_eq!(drawing("\u{1b}[2Jx", 4), ["1 | \u{fffd}[2Jx", "  |     ^"]);
    }

    #[test]
    fn long_lines_are_cut_around_the_caret() {
        let source = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let lines = drawing(&source, 500);
        assert_eq!(lines[0], format!("1 | {}!{}", "a".repeat(60), "b".repeat(59)));
        assert_eq!(lines[1], format!("  | {}^", " ".repeat(60)));
    }

    #[test]
    fn rendering_with_another_source_does_not_fail() {
        let error = error("a\nb\nc\nd", 6);
        assert_eq!(error.render("x").lines().skip(1).collect::<Vec<_>>(), ["4 | ", "  | ^"]);
    }
}
