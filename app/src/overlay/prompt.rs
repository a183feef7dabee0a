//! One line to type: names, paths, positions, and the terms of search and filter.

use crossterm::event::{Event, KeyCode};
use ratatui::layout::Rect;
use stratigraph_widgets::width::wrap;
use tui_input::Input;
use tui_input::backend::crossterm::to_input_request;

use crate::action::{Action, Global, TermKind};
use crate::keymap::Key;
use crate::matcher::Matcher;
use crate::overlay::{Overlay, Step, centered, lower};
use crate::screen::first_line;
use crate::state::Counter;
use crate::theme::Role;
use crate::view::Canvas;

/// A line to type that ends in an action.
#[derive(Debug, Clone)]
pub struct Prompt {
    title: String,
    hint: String,
    input: Input,
    check: fn(&str) -> Result<(), String>,
    submit: fn(String) -> Action,
    refused: Option<String>,
    is_sql: bool,
    /// Former inputs, oldest first, and the one on view; the up and down keys step through them.
    former: Vec<String>,
    recalled: usize,
}

impl PartialEq for Prompt {
    fn eq(&self, other: &Self) -> bool {
        // Functions have no equality that means anything; the text decides.
        self.title == other.title && self.hint == other.hint && self.input.value() == other.input.value()
    }
}

impl Prompt {
    /// A prompt with a starting text; `submit` makes the action of what was typed.
    #[must_use]
    pub fn new(title: impl Into<String>, text: impl Into<String>, submit: fn(String) -> Action) -> Self {
        let (title, input) = (title.into(), Input::new(text.into()));
        Self {
            title,
            hint: String::new(),
            input,
            check: |_| Ok(()),
            submit,
            refused: None,
            is_sql: false,
            former: Vec::new(),
            recalled: 0,
        }
    }

    /// With former inputs, oldest first, that the up and down keys bring back.
    #[must_use]
    pub fn recall(mut self, former: Vec<String>) -> Self {
        self.recalled = former.len();
        self.former = former;
        self
    }

    /// With a line that says what can be typed.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// For a text in SQL, whose comments end with their lines when it is pasted.
    #[must_use]
    pub fn sql(mut self) -> Self {
        self.is_sql = true;
        self
    }

    pub(super) fn is_sql(&self) -> bool {
        self.is_sql
    }

    /// With the reason why what was typed before is refused; it stays until the next key.
    #[must_use]
    pub fn refused(mut self, reason: impl Into<String>) -> Self {
        self.refused = Some(reason.into());
        self
    }

    /// With a rule; what it refuses is shown and stays to be edited.
    #[must_use]
    pub fn check(mut self, check: fn(&str) -> Result<(), String>) -> Self {
        self.check = check;
        self
    }

    fn step(&mut self, to: usize) {
        if let Some(text) = self.former.get(to) {
            self.recalled = to;
            self.input = Input::new(text.clone());
        }
    }

    pub(super) fn key(&mut self, key: Key) -> Step {
        match key.bare() {
            Some(KeyCode::Up) => {
                self.step(self.recalled.saturating_sub(1));
                Step::Stay
            }
            Some(KeyCode::Down) => {
                self.step(self.recalled + 1);
                Step::Stay
            }
            Some(KeyCode::Esc) => Step::Close,
            Some(KeyCode::Enter) => match (self.check)(self.input.value()) {
                Ok(()) => Step::Finish((self.submit)(self.input.value().to_owned())),
                Err(reason) => {
                    self.refused = Some(reason);
                    Step::Stay
                }
            },
            _ => {
                self.refused = None;
                type_key(&mut self.input, key);
                Step::Stay
            }
        }
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_, '_>) {
        let (note, role) = match &self.refused {
            Some(reason) => (reason, Role::Error),
            None => (&self.hint, Role::Dim),
        };
        let wide = 76.min(area.width);
        let lines = wrap(note, usize::from(wide.saturating_sub(2)).max(1)).len().max(1);
        let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(3);
        let inner = canvas.overlay(centered(area, wide, height), &self.title);
        let (line, rest) = first_line(inner);
        draw_input(&self.input, "> ", line, canvas);
        canvas.paragraph(rest, [(note.clone(), role)]);
    }
}

/// The line of a search or filter, at the lower edge so that the rows stay visible.
#[derive(Debug, Clone)]
pub struct TermPrompt {
    /// Which of the two.
    pub kind: TermKind,
    /// `None` matches each key at once; `Some` waits for enter and says what to type.
    pub expression: Option<&'static str>,
    input: Input,
}

impl PartialEq for TermPrompt {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.expression == other.expression && self.input.value() == other.input.value()
    }
}

impl TermPrompt {
    /// A term line with a starting text.
    #[must_use]
    pub fn new(kind: TermKind, expression: Option<&'static str>, text: impl Into<String>) -> Self {
        Self { kind, expression, input: Input::new(text.into()) }
    }

    pub(super) fn key(&mut self, key: Key) -> Step {
        let text = || self.input.value().to_owned();
        match key.bare() {
            Some(KeyCode::Esc) => Step::Finish(Action::Global(Global::TermDropped(self.kind))),
            Some(KeyCode::Enter) => Step::Finish(Action::Global(Global::TermDone(self.kind, text()))),
            Some(KeyCode::Tab) if self.expression.is_none() => {
                let other = match self.kind {
                    TermKind::Search => TermKind::Filter,
                    TermKind::Filter => TermKind::Search,
                };
                let overlay = Overlay::Term(Self { kind: other, ..self.clone() });
                let turned = Action::Global(Global::TermTurned { from: self.kind, to: other, text: text() });
                Step::Become(Box::new(overlay), turned)
            }
            _ => {
                let changed = type_key(&mut self.input, key);
                let text = self.input.value().to_owned();
                let live = changed && self.expression.is_none();
                if live { Step::Meanwhile(Action::Global(Global::TermChanged(self.kind, text))) } else { Step::Stay }
            }
        }
    }

    pub(super) fn draw(&self, counter: Option<Counter>, area: Rect, canvas: &mut Canvas<'_, '_>) {
        let line = lower(area, 1);
        canvas.render(ratatui::widgets::Clear, line);
        let sign = match self.kind {
            TermKind::Search => " / ",
            TermKind::Filter => " f ",
        };
        let state = match (Matcher::new(self.input.value()), self.expression) {
            (_, Some(syntax)) => (syntax.to_owned(), Role::Dim),
            (Err(error), None) => (error.to_string(), Role::Error),
            (Ok(None), None) => ("! inverts  /re/ expression  tab search or filter".to_owned(), Role::Dim),
            (Ok(Some(_)), None) => (counter.map(counter_text).unwrap_or_default(), Role::Text),
        };
        let right = u16::try_from(stratigraph_widgets::width::width(&state.0)).unwrap_or(u16::MAX);
        let right = right.saturating_add(1).min(line.width / 2);
        let left = Rect { width: line.width - right, ..line };
        draw_input(&self.input, sign, left, canvas);
        canvas.line(Rect { x: left.right(), width: right, ..line }, state.0, state.1);
    }
}

fn counter_text(counter: Counter) -> String {
    format!("{} of {}", counter.this, counter.of)
}

/// Types a key into a line. True if the text changed.
pub(super) fn type_key(input: &mut Input, key: Key) -> bool {
    let request = to_input_request(&Event::Key(key.event()));
    request.and_then(|request| input.handle(request)).is_some_and(|changed| changed.value)
}

/// Draws a line of input with the terminal's cursor in it.
pub(super) fn draw_input(input: &Input, sign: &str, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let used = canvas.pieces(area, &[(sign.to_owned(), Role::Key)]);
    let rest = Rect { x: area.x + used, width: area.width - used, ..area };
    let columns = usize::from(rest.width);
    let scroll = input.visual_scroll(columns.saturating_sub(1));
    let text: String = skip_columns(input.value(), scroll);
    canvas.line(rest, text, Role::Text);
    let column = u16::try_from(input.visual_cursor().saturating_sub(scroll)).unwrap_or(u16::MAX);
    if rest.width > 0 && rest.height > 0 {
        canvas.cursor(rest.x + column.min(rest.width - 1), rest.y);
    }
}

fn skip_columns(text: &str, columns: usize) -> String {
    let mut skipped = 0;
    let rest = text.chars().skip_while(|letter| {
        let skip = skipped < columns;
        skipped += unicode_width::UnicodeWidthChar::width(*letter).unwrap_or(0);
        skip
    });
    rest.collect()
}
