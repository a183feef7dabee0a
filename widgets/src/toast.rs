//! Short messages in the bottom right corner, or in the top right one where they would cover the row in use.
//!
//! At most [`MAX_TOASTS`] at once, newest at the bottom, wrapped. They take at most half of the rows and never all columns of
//! the area they lie over; where not even one row can be spared nothing is drawn and the caller's message line has to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};

use crate::symbol::Symbols;
use crate::width::{self, Align};

/// Toasts on screen at once.
pub const MAX_TOASTS: usize = 3;
/// Widest toast in columns, the bar at its left included.
const MAX_WIDTH: u16 = 60;

/// How serious a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something went as wished.
    Info,
    /// Something needs a look.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    fn sign(self) -> &'static str {
        match self {
            Self::Info => "i",
            Self::Warning => "!",
            Self::Error => "E",
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// Seriousness.
    pub level: Level,
    /// Text; need not be escaped.
    pub text: String,
    /// Ticks until it goes; `None` stays until dismissed.
    pub ticks_left: Option<u32>,
}

/// The messages on screen, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToastStack {
    toasts: Vec<Toast>,
}

impl ToastStack {
    /// Adds a message. With [`MAX_TOASTS`] on screen the oldest one of the least serious goes.
    pub fn push(&mut self, toast: Toast) {
        self.toasts.push(toast);
        if self.toasts.len() > MAX_TOASTS {
            let least = (0..self.toasts.len() - 1).min_by_key(|&at| self.toasts[at].level).unwrap_or(0);
            self.toasts.remove(least);
        }
    }

    /// Lets a tick pass; returns whether a message went.
    pub fn tick(&mut self) -> bool {
        let before = self.toasts.len();
        for toast in &mut self.toasts {
            toast.ticks_left = toast.ticks_left.map(|left| left.saturating_sub(1));
        }
        self.toasts.retain(|toast| toast.ticks_left != Some(0));
        self.toasts.len() != before
    }

    /// Removes the newest message; returns it.
    pub fn dismiss(&mut self) -> Option<Toast> {
        self.toasts.pop()
    }

    /// Returns the messages, oldest first.
    #[must_use]
    pub fn toasts(&self) -> &[Toast] {
        &self.toasts
    }
}

/// How messages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToastStyle {
    /// Information.
    pub info: Style,
    /// Warnings.
    pub warning: Style,
    /// Errors.
    pub error: Style,
}

impl ToastStyle {
    /// Returns a style without colors: reversed, errors bold too.
    #[must_use]
    pub fn no_color() -> Self {
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        Self { info: reversed, warning: reversed, error: reversed.add_modifier(Modifier::BOLD) }
    }
}

/// The widget; its area is the body of the screen.
#[derive(Debug, Clone, Copy)]
pub struct Toasts<'a> {
    /// The messages.
    pub stack: &'a ToastStack,
    /// Signs.
    pub symbols: &'a Symbols,
    /// Looks.
    pub style: &'a ToastStyle,
    /// Row of the screen that is not covered, if there is one: where it stands too low, the messages lie at the upper edge.
    pub keep: Option<u16>,
}

impl Widget for &Toasts<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let columns = MAX_WIDTH.min(area.width.saturating_sub(area.width / 8 + 1));
        if columns < 6 {
            return;
        }
        let blocks = self.blocks(columns, area.height / 2);
        let total: u16 = blocks.iter().map(|(_, lines)| rows(lines)).sum();
        let lowest = area.bottom() - total;
        let mut y = if self.keep.is_some_and(|row| row >= lowest) { area.y } else { lowest };
        for (style, lines) in blocks.iter().rev() {
            let place = Rect::new(area.right() - columns, y, columns, rows(lines));
            Clear.render(place, buffer);
            for (y, line) in (place.y..place.bottom()).zip(lines) {
                buffer.set_stringn(place.x, y, line, usize::from(columns), *style);
            }
            y = place.bottom();
        }
    }
}

fn rows(lines: &[String]) -> u16 {
    u16::try_from(lines.len()).unwrap_or(u16::MAX)
}

impl Toasts<'_> {
    /// The messages that have room in so many rows, newest first, with their looks.
    fn blocks(&self, columns: u16, rows_left: u16) -> Vec<(Style, Vec<String>)> {
        let mut rows_left = usize::from(rows_left);
        let mut blocks = Vec::new();
        for toast in self.stack.toasts.iter().rev() {
            if rows_left == 0 {
                break;
            }
            let style = match toast.level {
                Level::Info => self.style.info,
                Level::Warning => self.style.warning,
                Level::Error => self.style.error,
            };
            let lines = self.lines(toast, usize::from(columns), rows_left);
            rows_left -= lines.len().min(rows_left);
            blocks.push((style, lines));
        }
        blocks
    }

    /// The lines of a message, each exactly `columns` wide; what does not fit into `rows` is cut with an ellipsis.
    fn lines(&self, toast: &Toast, columns: usize, rows: usize) -> Vec<String> {
        let room = columns - 4;
        let mut lines = width::wrap(&width::escape(&toast.text), room);
        if lines.len() > rows {
            lines.truncate(rows);
            if let Some(last) = lines.last_mut() {
                let kept = width::head(last, room.saturating_sub(width::width(self.symbols.ellipsis)));
                *last = format!("{kept}{}", self.symbols.ellipsis);
            }
        }
        let signs = std::iter::once(toast.level.sign()).chain(std::iter::repeat(" "));
        let line = |(sign, text): (&str, String)| {
            format!(" {sign} {} ", width::fit(&text, room, Align::Left, self.symbols.ellipsis))
        };
        signs.zip(lines).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol;

    fn toast(level: Level, text: &str, ticks_left: Option<u32>) -> Toast {
        Toast { level, text: text.to_owned(), ticks_left }
    }

    fn draw(stack: &ToastStack, width: u16, height: u16) -> Vec<String> {
        draw_beside(stack, width, height, None)
    }

    fn draw_beside(stack: &ToastStack, width: u16, height: u16, keep: Option<u16>) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::filled(area, ratatui::buffer::Cell::new("."));
        let style = ToastStyle::no_color();
        (&Toasts { stack, symbols: &symbol::ASCII, style: &style, keep }).render(area, &mut buffer);
        (0..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol()).collect()).collect()
    }

    #[test]
    fn newest_is_lowest_and_text_wraps() {
        let mut stack = ToastStack::default();
        stack.push(toast(Level::Info, "copied", Some(5)));
        stack.push(toast(Level::Error, "cannot read node:Price", None));
        insta::assert_snapshot!(draw(&stack, 20, 6).join("\n"), @r"
        ....................
        ....................
        ....................
        ... i copied        
        ... E cannot read   
        ...   node:Price    
        ");
    }

    #[test]
    fn long_text_is_cut_and_half_of_the_rows_stay() {
        let mut stack = ToastStack::default();
        stack.push(toast(Level::Warning, &"word ".repeat(40), None));
        let lines = draw(&stack, 20, 4);
        assert_eq!(lines[..2], ["....................", "...................."]);
        assert!(lines[3].trim_end().ends_with("..."), "{lines:?}");
        for (width, height) in [(0, 0), (1, 1), (5, 9), (7, 1), (300, 2)] {
            let lines = draw(&stack, width, height);
            assert!(height == 0 || width == 0 || lines[0].contains('.'));
        }
    }

    #[test]
    fn the_row_in_use_is_never_covered() {
        let mut stack = ToastStack::default();
        for text in ["copied", &"word ".repeat(40), "read"] {
            stack.push(toast(Level::Info, text, None));
            for height in 1..12 {
                for row in 0..height {
                    let lines = draw_beside(&stack, 20, height, Some(row));
                    assert_eq!(lines[usize::from(row)], ".".repeat(20), "row {row} of {height}: {lines:?}");
                    assert_eq!(lines.concat().contains(' '), height > 1, "{height}: {lines:?}");
                }
            }
        }
    }

    #[test]
    fn the_least_serious_goes_first() {
        let mut stack = ToastStack::default();
        for (level, text) in [(Level::Error, "a"), (Level::Info, "b"), (Level::Warning, "c"), (Level::Info, "d")] {
            stack.push(toast(level, text, Some(2)));
        }
        let texts: Vec<&str> = stack.toasts().iter().map(|toast| toast.text.as_str()).collect();
        assert_eq!(texts, ["a", "c", "d"]);
        assert!(!stack.tick());
        assert!(stack.tick());
        assert_eq!(stack.dismiss(), None);
    }
}
