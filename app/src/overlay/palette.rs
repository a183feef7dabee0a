//! The command palette: every action by its name, fuzzy, with arguments and with history.

use crossterm::event::KeyCode;
use ratatui::layout::Rect;
use stratigraph_widgets::width::{Align, fit, width};
use tui_input::Input;

use crate::action::{Availability, Run};
use crate::cursor::Cursor;
use crate::keymap::Key;
use crate::overlay::menu::{fuzzy, menu_motion};
use crate::overlay::prompt::{draw_input, type_key};
use crate::overlay::{Step, centered, foot};
use crate::screen::first_line;
use crate::state::State;
use crate::theme::Role;
use crate::view::{Canvas, Target};

/// One command.
#[derive(Debug, Clone)]
struct Entry {
    name: &'static str,
    description: &'static str,
    key: String,
    run: Run,
    available: Availability,
}

/// The palette.
#[derive(Debug, Clone)]
pub struct Palette {
    entries: Vec<Entry>,
    shown: Vec<usize>,
    input: Input,
    cursor: Cursor,
    /// Former inputs, oldest first, and how far one has gone back in them.
    history: Vec<String>,
    back: usize,
    refused: Option<String>,
}

impl PartialEq for Palette {
    fn eq(&self, other: &Self) -> bool {
        self.input.value() == other.input.value() && self.cursor == other.cursor && self.shown == other.shown
    }
}

impl Palette {
    /// A palette of everything the registry has, as possible as it is right now. What is possible comes first.
    #[must_use]
    pub fn new(state: &State) -> Self {
        let shared = &state.shared;
        let mut entries: Vec<Entry> = Vec::with_capacity(shared.registry.len());
        for (index, row) in shared.registry.iter().enumerate() {
            let key = shared.keymap.key_text(index).unwrap_or_default();
            let available = state.available(row);
            entries.push(Entry { name: row.name, description: row.description, key, run: row.run.clone(), available });
        }
        entries.sort_by_key(|entry| entry.available != Availability::Ready);
        let shown = (0..entries.len()).collect();
        let history = shared.palette_history.clone();
        let (input, cursor) = (Input::default(), Cursor::default());
        Self { entries, shown, input, cursor, history, back: 0, refused: None }
    }

    /// Names shown now, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.shown.iter().map(|index| self.entries[*index].name)
    }

    /// What was typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        self.input.value()
    }

    pub(super) fn key(&mut self, key: Key) -> Step {
        self.refused = None;
        let at_history = self.input.value().is_empty() || self.back > 0;
        match (key.bare(), key.ctrl_letter()) {
            (Some(KeyCode::Esc), _) => return Step::Close,
            (Some(KeyCode::Enter), _) => return self.choose(),
            (Some(KeyCode::Tab), _) => return self.complete(),
            (Some(KeyCode::Up), _) if at_history && self.cursor.row == 0 => return self.recall(self.back + 1),
            (Some(KeyCode::Down), _) if self.back > 0 => return self.recall(self.back - 1),
            _ => {}
        }
        if let Some(motion) = menu_motion(key, true) {
            self.cursor.motion(motion, self.shown.len(), 10);
        } else if type_key(&mut self.input, key) {
            self.back = 0;
            self.narrow();
        }
        Step::Stay
    }

    pub(super) fn click(&mut self, index: usize) -> Step {
        if self.cursor.row == index {
            return self.choose();
        }
        self.cursor.row = index.min(self.shown.len().saturating_sub(1));
        Step::Stay
    }

    fn recall(&mut self, back: usize) -> Step {
        if back <= self.history.len() {
            self.back = back;
            let text = back.checked_sub(1).map(|back| self.history[self.history.len() - 1 - back].clone());
            self.input = Input::new(text.unwrap_or_default());
            self.narrow();
        }
        Step::Stay
    }

    /// Writes the chosen name into the line, ready for its argument.
    fn complete(&mut self) -> Step {
        if let Some(entry) = self.shown.get(self.cursor.row).map(|index| &self.entries[*index]) {
            self.input = Input::new(format!("{} ", entry.name));
            self.narrow();
        }
        Step::Stay
    }

    fn parts(&self) -> (&str, &str) {
        let text = self.input.value().trim_start();
        text.split_once(' ').map_or((text, ""), |(name, argument)| (name, argument.trim()))
    }

    fn narrow(&mut self) {
        let exact = |entry: &Entry, name: &str| {
            entry.name == name || entry.name.rsplit_once('.').is_some_and(|(_, word)| word == name)
        };
        let (name, argument) = self.parts();
        let named: Vec<usize> = (0..self.entries.len()).filter(|index| exact(&self.entries[*index], name)).collect();
        let takes = |index: &usize| matches!(self.entries[*index].run, Run::Argument { .. });
        let shown = if name.is_empty() {
            (0..self.entries.len()).collect()
        } else if !argument.is_empty() && named.iter().any(takes) {
            named.into_iter().filter(takes).collect()
        } else {
            let texts: Vec<String> =
                self.entries.iter().map(|entry| format!("{} {}", entry.name, entry.description)).collect();
            let rest = fuzzy(self.input.value().trim(), &texts);
            let first = named.clone();
            first.into_iter().chain(rest.into_iter().filter(|index| !named.contains(index))).collect()
        };
        self.shown = shown;
        self.cursor = Cursor::default();
    }

    fn choose(&mut self) -> Step {
        let Some(index) = self.shown.get(self.cursor.row).copied() else {
            self.refused = Some("no action has such a name".to_owned());
            return Step::Stay;
        };
        let entry = &self.entries[index];
        let argument = self.parts().1;
        let action = match (&entry.available, &entry.run) {
            (Availability::Disabled(reason), _) => Err(format!("{}: {reason}", entry.name)),
            (Availability::Ready, Run::Plain(action)) => Ok(action.clone()),
            (Availability::Ready, Run::Argument { syntax, .. }) if argument.is_empty() => {
                let refused = format!("{} needs {syntax}", entry.name);
                self.complete();
                Err(refused)
            }
            (Availability::Ready, Run::Argument { parse, .. }) => parse(argument),
        };
        match action {
            Ok(action) => Step::Finish(action),
            Err(reason) => {
                self.refused = Some(reason);
                Step::Stay
            }
        }
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_, '_>) {
        let height = if area.height < 18 { area.height } else { (area.height - 4).min(20) };
        let inner = canvas.overlay(centered(area, 90, height), "Commands");
        let columns = Columns::of(usize::from(inner.width));
        let texts = self.entries.iter().map(|entry| entry.description);
        let text_lines = foot::text_lines(texts, columns.description, usize::from(inner.width));
        let (list, text, note) = foot::split(inner, text_lines);
        let (line, list) = first_line(list);
        let window = self.cursor.window(self.shown.len(), usize::from(list.height));
        for (row, y) in window.zip(list.y..list.bottom()) {
            let entry = &self.entries[self.shown[row]];
            let line = Rect { y, height: 1, ..list };
            draw_entry(entry, columns, line, canvas);
            canvas.hit(line, Target::OverlayRow(row));
            if row == self.cursor.row {
                let style = canvas.style(Role::Selected);
                canvas.buffer().set_style(line, style);
            }
        }
        let chosen = self.shown.get(self.cursor.row).map(|index| &self.entries[*index]);
        let note_text = match (&self.refused, chosen.map(|entry| &entry.available)) {
            (Some(reason), _) => (reason.clone(), Role::Warning),
            (None, Some(Availability::Disabled(reason))) => (reason.to_string(), Role::Dim),
            (None, None) => ("no action has such a name".to_owned(), Role::Warning),
            (None, Some(Availability::Ready)) => {
                ("enter run  tab complete  up former inputs  esc close".to_owned(), Role::Dim)
            }
        };
        let cut = chosen.map(|entry| entry.description).filter(|text| width(text) > columns.description);
        foot::draw((text, note), cut.unwrap_or_default(), note_text, canvas);
        draw_input(&self.input, ":", line, canvas);
    }
}

/// Columns of a line of the palette.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: usize,
    key: usize,
    /// 0 where there is no room: then the description of the chosen line stands below the list alone.
    description: usize,
}

impl Columns {
    fn of(width: usize) -> Self {
        if width < 64 {
            return Self { name: width.saturating_sub(11), key: 10, description: 0 };
        }
        Self { name: 30, key: 10, description: width - 42 }
    }
}

fn draw_entry(entry: &Entry, columns: Columns, line: Rect, canvas: &mut Canvas<'_, '_>) {
    let ellipsis = canvas.theme().symbols().ellipsis;
    let syntax = match &entry.run {
        Run::Plain(_) => String::new(),
        Run::Argument { syntax, .. } => format!(" {syntax}"),
    };
    let ready = entry.available == Availability::Ready;
    let role = if ready { Role::Text } else { Role::Dim };
    let mark = if ready { " " } else { "-" };
    let name = fit(&format!("{mark} {}{syntax}", entry.name), columns.name, Align::Left, ellipsis);
    let key = fit(&entry.key, columns.key, Align::Left, ellipsis);
    let mut pieces = vec![(name, role), (format!(" {key}"), Role::Key)];
    if columns.description > 0 {
        pieces.push((format!(" {}", entry.description), role));
    }
    canvas.pieces(line, &pieces);
}
