//! A place in a source text: its line and column, and the line drawn with a caret under it.

/// Columns a tab advances to when a source line is shown.
const TAB_STOP: usize = 4;
/// Characters shown on each side of the caret; longer lines are cut.
const CONTEXT_CHARS: usize = 60;

/// The source line and a caret under the column, as two lines without a trailing newline; both counted from 1.
///
/// Tabs become spaces, control characters a replacement mark, and a wide character counts two cells, so that the caret stands
/// under the right place. Lines longer than about 120 characters are cut around the caret. With another text than the one the
/// place was found in the caret may point at nothing, but nothing fails.
pub(crate) fn drawn(source: &str, line: usize, column: usize) -> String {
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
