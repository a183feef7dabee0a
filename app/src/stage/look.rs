//! A drawn screen as text.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use stratigraph_widgets::width::width;

use crate::theme::{Depth, GlyphSet};

/// The looks that are compared, with the names of their snapshots.
pub(crate) const LOOKS: [(&str, Depth, GlyphSet); 3] = [
    ("color", Depth::Named, GlyphSet::Unicode),
    ("no_color", Depth::None, GlyphSet::Unicode),
    ("ascii", Depth::None, GlyphSet::Ascii),
];

fn lines(buffer: &Buffer) -> impl Iterator<Item = String> {
    let line = |y: u16| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(move |y| line(y).trim_end().to_owned())
}

/// The text without styles.
pub(crate) fn text(buffer: &Buffer) -> String {
    lines(buffer).collect::<Vec<_>>().join("\n")
}

/// The text as a terminal shows it: a wide sign stands in two cells, the second of which has nothing of its own.
pub(crate) fn shown(buffer: &Buffer) -> String {
    let line = |y: u16| {
        let (mut line, mut x) = (String::new(), 0);
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(width(symbol)).unwrap_or(1).max(1);
        }
        line.trim_end().to_owned()
    };
    (0..buffer.area.height).map(line).collect::<Vec<_>>().join("\n")
}

/// The words of a text, without the breaks of lines and borders.
pub(crate) fn words(picture: &str) -> String {
    picture.replace(['│', '─', '┌', '┐', '└', '┘'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text, and below each line that has styles a line with a letter a cell: r reversed, b bold, u underlined, d dim, a
/// capital where there is a color too, c for a color alone.
pub(crate) fn dump(buffer: &Buffer) -> String {
    let mut dump = String::new();
    for (y, line) in (0..).zip(lines(buffer)) {
        let styles: String = (0..buffer.area.width).map(|x| sign(&buffer[(x, y)])).collect();
        writeln!(dump, "{line}").expect("a string");
        if !styles.trim().is_empty() {
            writeln!(dump, "~{}", styles.trim_end()).expect("a string");
        }
    }
    dump
}

fn sign(cell: &Cell) -> char {
    let signs = [(Modifier::REVERSED, 'r'), (Modifier::BOLD, 'b'), (Modifier::UNDERLINED, 'u'), (Modifier::DIM, 'd')];
    let found = signs.iter().find(|(modifier, _)| cell.modifier.contains(*modifier)).map(|(_, sign)| *sign);
    let colored = cell.fg != Color::Reset || cell.bg != Color::Reset;
    match (found, colored) {
        (Some(sign), true) => sign.to_ascii_uppercase(),
        (Some(sign), false) => sign,
        (None, true) => 'c',
        (None, false) => ' ',
    }
}
