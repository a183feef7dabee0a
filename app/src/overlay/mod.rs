//! What lies over the screen: menus, help, palette, inputs, questions. A stack; the top one gets the key first.
//!
//! An overlay takes a copy of what it shows when it is opened and ends in an [`Action`]; it never sees the state.

mod comments;
mod confirm;
mod foot;
mod help;
mod info;
mod legend;
mod menu;
mod page;
mod palette;
mod prompt;
#[cfg(test)]
mod tests;

pub use confirm::Confirm;
pub use help::help;
pub use info::{info, messages};
pub use menu::{Item, Menu};
pub use page::Page;
pub use palette::Palette;
pub use prompt::{Prompt, TermPrompt};

use ratatui::layout::Rect;

use crate::action::Action;
use crate::keymap::Key;
use crate::state::State;
use crate::view::Canvas;

/// Something over the screen.
#[expect(clippy::large_enum_variant, reason = "a few lie over each other at most")]
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// A list to choose from: help, copy menu, export, questions with several answers.
    Choose(Menu),
    /// The command palette.
    Palette(Palette),
    /// A line to type.
    Prompt(Prompt),
    /// The line of a search or filter.
    Term(TermPrompt),
    /// A question before something is written or lost.
    Confirm(Confirm),
    /// Text to read.
    Page(Page),
}

/// What an overlay makes of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It stays.
    Stay,
    /// It stays and this happens.
    Meanwhile(Action),
    /// It goes.
    Close,
    /// It goes and this happens.
    Finish(Action),
    /// It gives way to another one and this happens.
    Become(Box<Overlay>, Action),
}

impl Overlay {
    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Step {
        match self {
            Self::Choose(menu) => menu.key(key),
            Self::Palette(palette) => palette.key(key),
            Self::Prompt(prompt) => prompt.key(key),
            Self::Term(prompt) => prompt.key(key),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Page(page) => page.key(key),
        }
    }

    /// Takes pasted text where there is a line to type. What separates words there separates them on the line.
    pub fn paste(&mut self, text: &str) -> Step {
        let text = if self.takes_sql() { comments::closed(text) } else { text.into() };
        let mut step = Step::Stay;
        for letter in on_one_line(&text) {
            step = self.key(Key::plain(crossterm::event::KeyCode::Char(letter)));
            if !matches!(step, Step::Stay | Step::Meanwhile(_)) || !self.types() {
                break;
            }
        }
        step
    }

    fn takes_sql(&self) -> bool {
        match self {
            Self::Prompt(prompt) => prompt.is_sql(),
            Self::Term(term) => term.expression.is_some(),
            Self::Choose(_) | Self::Palette(_) | Self::Confirm(_) | Self::Page(_) => false,
        }
    }

    /// Whether letters are typed into it.
    #[must_use]
    pub fn types(&self) -> bool {
        match self {
            Self::Choose(menu) => menu.filters(),
            Self::Palette(_) | Self::Prompt(_) | Self::Term(_) => true,
            Self::Confirm(confirm) => confirm.types(),
            Self::Page(_) => false,
        }
    }

    /// Takes a click on its row with this index.
    pub fn click(&mut self, index: usize) -> Step {
        match self {
            Self::Choose(menu) => menu.click(index),
            Self::Palette(palette) => palette.click(index),
            Self::Confirm(confirm) => confirm.click(index),
            Self::Prompt(_) | Self::Term(_) | Self::Page(_) => Step::Stay,
        }
    }
}

/// The letters of a text on one line: line breaks and tabs are blanks, other control characters are left out.
fn on_one_line(text: &str) -> impl Iterator<Item = char> {
    let mut former = None;
    text.chars().filter_map(move |letter| match (former.replace(letter), letter) {
        (Some('\r'), '\n') => None,
        (_, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') => Some(' '),
        (_, letter) => Some(letter).filter(|letter| !letter.is_control()),
    })
}

/// Draws all overlays, the top one last.
pub(crate) fn draw(state: &State, area: Rect, canvas: &mut Canvas<'_, '_>) {
    for overlay in &state.shared.overlays {
        match overlay {
            Overlay::Choose(menu) => menu.draw(area, canvas),
            Overlay::Palette(palette) => palette.draw(area, canvas),
            Overlay::Prompt(prompt) => prompt.draw(area, canvas),
            Overlay::Term(prompt) => {
                let counter = state.screen().counter(state.focus(), prompt.kind, &state.shared);
                prompt.draw(counter, area, canvas);
            }
            Overlay::Confirm(confirm) => confirm.draw(area, canvas),
            Overlay::Page(page) => page.draw(area, canvas),
        }
    }
}

/// A rectangle of at most `width` × `height` in the middle of `area`.
fn centered(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// The lines at the lower end of `area` where inputs are: above the hint line.
fn lower(area: Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    Rect { y: area.bottom() - height, height, ..area }
}
