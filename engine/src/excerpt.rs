//! A problem at a place in a source text: its line and column, and the line drawn with a caret under it.

use std::fmt;

/// Columns a tab advances to when a source line is shown.
const TAB_STOP: usize = 4;
/// Characters shown on each side of the caret; longer lines are cut.
const CONTEXT_CHARS: usize = 60;

/// One problem in a text, with its place. `Display` is a single line; [`Placed::render`] adds the line of the text with a caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<P> {
    line: usize,
    column: usize,
    problem: Box<P>,
}

impl<P: fmt::Display> Placed<P> {
    /// Places a problem at the byte offset `at` of `source`; an offset past the end means the end.
    pub(crate) fn at(source: &str, at: usize, problem: impl Into<Box<P>>) -> Self {
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
    pub fn problem(&self) -> &P {
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

impl<P: fmt::Display> fmt::Display for Placed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)
    }
}

impl<P: fmt::Debug + fmt::Display> std::error::Error for Placed<P> {}

/// The start of a text for a message about all of it: a text that a program made may be very long.
pub(crate) fn start_of(text: &str) -> String {
    match text.char_indices().nth(2 * CONTEXT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The source line and a caret under the column, as two lines without a trailing newline; both counted from 1.
fn drawn(source: &str, line: usize, column: usize) -> String {
    let text = source.split('\n').nth(line - 1).unwrap_or("");
    let text = text.strip_suffix('\r').unwrap_or(text);
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    let (shown, cells) = excerpt(text, column - 1);
    format!("{number} | {shown}\n{gutter} | {}^", " ".repeat(cells))
}

/// Line and column, both from 1, of a byte offset.
pub(crate) fn position(source: &str, at: usize) -> (usize, usize) {
    let before = &source[..source.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The part of a line around the character `caret`, and the cells in front of that character.
fn excerpt(text: &str, caret: usize) -> (String, usize) {
    let start = caret.saturating_sub(CONTEXT_CHARS);
    let mut shown = String::new();
    let mut cells = 0;
    let mut caret_cells = None;
    for (index, character) in text.chars().enumerate().skip(start).take(2 * CONTEXT_CHARS) {
        if index == caret {
            caret_cells = Some(cells);
        }
        cells += push_visible(&mut shown, character, cells);
    }
    (shown, caret_cells.unwrap_or(cells))
}

/// Appends a character in a form that is safe on a terminal and returns the cells it takes.
fn push_visible(shown: &mut String, character: char, cells: usize) -> usize {
    if character == '\t' {
        let width = TAB_STOP - cells % TAB_STOP;
        shown.push_str(&" ".repeat(width));
        return width;
    }
    let visible = if character.is_control() { '\u{fffd}' } else { character };
    shown.push(visible);
    cell_width(visible)
}

/// Cells of a character: the wide blocks of UAX 11 count two, combining marks none.
fn cell_width(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xa960..=0xa97f
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source: &str, at: usize) -> Placed<&'static str> {
        Placed::at(source, at, "this is wrong")
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
