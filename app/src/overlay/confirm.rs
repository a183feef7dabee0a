//! A question before something is written or lost.
//!
//! Two tiers: what writes asks `y`/`n` with Cancel chosen at first; what discards work asks to type a word. What can be
//! taken back inside the tool is not asked about at all.

use crossterm::event::KeyCode;
use ratatui::layout::Rect;
use stratigraph_widgets::width::wrap_line;
use tui_input::Input;
use unicode_normalization::UnicodeNormalization as _;

use crate::action::Action;
use crate::keymap::Key;
use crate::overlay::menu::with_note;
use crate::overlay::prompt::{draw_input, type_key};
use crate::overlay::{Step, centered};
use crate::screen::first_line;
use crate::theme::Role;
use crate::view::{Canvas, Target};

/// A question.
#[derive(Debug, Clone)]
pub struct Confirm {
    title: String,
    plan: Vec<String>,
    yes: Action,
    verb: &'static str,
    chosen: bool,
    word: Option<(String, Input)>,
    /// Whether another word was sent.
    refused: bool,
    /// First line of the plan on view, where it does not fit.
    offset: usize,
}

/// Columns of the plan on the smallest terminal that shows most of a question.
const NARROW: usize = 38;
/// Lines that a page key moves.
const PAGE: usize = 5;

impl PartialEq for Confirm {
    fn eq(&self, other: &Self) -> bool {
        let typed =
            |confirm: &Self| confirm.word.as_ref().map(|(word, input)| (word.clone(), input.value().to_owned()));
        self.title == other.title && self.plan == other.plan && self.yes == other.yes && typed(self) == typed(other)
    }
}

impl Confirm {
    /// A question with the plan as text; `verb` is the word on the button that agrees.
    #[must_use]
    pub fn new(title: impl Into<String>, plan: Vec<String>, verb: &'static str, yes: Action) -> Self {
        Self { title: title.into(), plan, yes, verb, chosen: false, word: None, refused: false, offset: 0 }
    }

    /// The same, agreed to only by typing `word`.
    #[must_use]
    pub fn typed(mut self, word: impl Into<String>) -> Self {
        self.word = Some((word.into(), Input::default()));
        self
    }

    pub(super) fn types(&self) -> bool {
        self.word.is_some()
    }

    /// Moves in a plan that is longer than the terminal is high. How high that is is not known here; drawing stops at the end.
    fn scroll(&mut self, key: Key) -> bool {
        let last = self.plan.iter().map(|line| wrap_line(line, NARROW).len()).sum::<usize>();
        self.offset = match key.bare() {
            Some(KeyCode::Down) => self.offset + 1,
            Some(KeyCode::Up) => self.offset.saturating_sub(1),
            Some(KeyCode::PageDown) => self.offset + PAGE,
            Some(KeyCode::PageUp) => self.offset.saturating_sub(PAGE),
            _ => return false,
        }
        .min(last);
        true
    }

    pub(super) fn key(&mut self, key: Key) -> Step {
        if self.scroll(key) {
            return Step::Stay;
        }
        if let Some((word, input)) = &mut self.word {
            return match key.bare() {
                Some(KeyCode::Esc) => Step::Close,
                Some(KeyCode::Enter) if is_same(input.value(), word) => Step::Finish(self.yes.clone()),
                Some(KeyCode::Enter) => {
                    self.refused = !input.value().is_empty();
                    Step::Stay
                }
                _ => {
                    self.refused = false;
                    type_key(input, key);
                    Step::Stay
                }
            };
        }
        match key.bare() {
            Some(KeyCode::Char('y')) => Step::Finish(self.yes.clone()),
            Some(KeyCode::Enter) if self.chosen => Step::Finish(self.yes.clone()),
            Some(KeyCode::Char('n' | 'q') | KeyCode::Esc | KeyCode::Enter) => Step::Close,
            Some(KeyCode::Left | KeyCode::Right | KeyCode::Tab | KeyCode::BackTab | KeyCode::Char('h' | 'l')) => {
                self.chosen = !self.chosen;
                Step::Stay
            }
            _ => Step::Stay,
        }
    }

    pub(super) fn click(&mut self, index: usize) -> Step {
        match (self.word.is_some(), index) {
            (false, 1) => Step::Finish(self.yes.clone()),
            (_, 0) => Step::Close,
            _ => Step::Stay,
        }
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_, '_>) {
        let wide = 72.min(area.width);
        let columns = usize::from(wide.saturating_sub(2)).max(1);
        let lines: Vec<String> = self.plan.iter().flat_map(|line| wrap_line(line, columns)).collect();
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4);
        let inner = canvas.overlay(centered(area, wide, height), &self.title);
        let (body, buttons) = with_note(inner);
        draw_plan(&lines, self.offset, body, canvas);
        match &self.word {
            Some((word, input)) => {
                let asked = if self.refused { "that is not it, " } else { "" };
                draw_input(input, &format!("{asked}type {word} to agree: "), first_line(buttons).0, canvas);
            }
            None => self.draw_buttons(buttons, canvas),
        }
    }

    fn draw_buttons(&self, line: Rect, canvas: &mut Canvas<'_, '_>) {
        let mut rest = line;
        for (index, (text, chosen)) in [("n Cancel", !self.chosen), (self.verb, self.chosen)].into_iter().enumerate() {
            let key = if index == 0 { "" } else { "y " };
            let text = if chosen { format!("[{key}{text}]") } else { format!(" {key}{text} ") };
            let role = if chosen { Role::Selected } else { Role::Text };
            let used = canvas.pieces(rest, &[(text, role)]);
            canvas.hit(Rect { width: used, ..rest }, Target::OverlayRow(index));
            let step = used.saturating_add(2).min(rest.width);
            rest = Rect { x: rest.x + step, width: rest.width - step, ..rest };
        }
    }
}

/// Whether what was typed is the word: a letter with its mark may be typed as one sign or as two, and blanks around it are pasted
/// easily.
fn is_same(typed: &str, word: &str) -> bool {
    typed.trim().nfc().eq(word.trim().nfc())
}

/// Draws the lines of a plan from one of them on; where they do not fit, the last line says how many are not on view.
fn draw_plan(lines: &[String], offset: usize, body: Rect, canvas: &mut Canvas<'_, '_>) {
    let fits = lines.len() <= usize::from(body.height);
    let room = usize::from(body.height).saturating_sub(usize::from(!fits));
    let first = offset.min(lines.len().saturating_sub(room));
    for (line, y) in lines.iter().skip(first).take(room).zip(body.y..body.bottom()) {
        canvas.line(Rect { y, height: 1, ..body }, line, Role::Text);
    }
    if !fits {
        let below = lines.len() - first - room.min(lines.len() - first);
        let note = match (first, below) {
            (0, _) => format!("{below} more lines: down"),
            (_, 0) => format!("{first} more lines: up"),
            (_, _) => format!("{first} more lines: up, {below} more: down"),
        };
        let last = Rect { y: body.y + body.height.saturating_sub(1), height: body.height.min(1), ..body };
        canvas.line(last, note, Role::Key);
    }
}
