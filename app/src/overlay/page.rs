//! Text to read: messages, facts.

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::cursor::Cursor;
use crate::keymap::Key;
use crate::overlay::menu::{menu_motion, with_note};
use crate::overlay::{Step, centered};
use crate::theme::Role;
use crate::view::Canvas;

/// A page of lines; long ones are wrapped.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    title: String,
    lines: Vec<(String, Role)>,
    cursor: Cursor,
}

impl Page {
    /// A page.
    #[must_use]
    pub fn new(title: impl Into<String>, lines: Vec<(String, Role)>) -> Self {
        Self { title: title.into(), lines, cursor: Cursor::default() }
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> &[(String, Role)] {
        &self.lines
    }

    pub(super) fn key(&mut self, key: Key) -> Step {
        if let Some(motion) = menu_motion(key, false) {
            self.cursor.motion(motion, self.lines.len(), 10);
            return Step::Stay;
        }
        match key.bare() {
            Some(KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q')) => Step::Close,
            _ => Step::Stay,
        }
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_, '_>) {
        let height = u16::try_from(self.lines.len()).unwrap_or(u16::MAX).saturating_add(8);
        let inner = canvas.overlay(centered(area, 100, height), &self.title);
        let (text, note) = with_note(inner);
        // Drawing starts at the line chosen, so that a page of any length costs one screen.
        canvas.paragraph(text, self.lines.iter().skip(self.cursor.row).cloned());
        canvas.line(note, "j k move  esc close", Role::Dim);
    }
}
