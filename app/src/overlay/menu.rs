//! A list to choose from, filterable if it is long.

use crossterm::event::KeyCode;
use frizbee::{Config, Matcher};
use ratatui::layout::Rect;
use stratigraph_widgets::width::{Align, fit, width};
use tui_input::Input;

use crate::action::{Action, Motion};
use crate::cursor::Cursor;
use crate::keymap::Key;
use crate::overlay::prompt::{draw_input, type_key};
use crate::overlay::{Step, centered, foot};
use crate::screen::first_line;
use crate::theme::Role;
use crate::view::{Canvas, Target};

/// One line of a menu.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Left column: a key or a short name.
    pub label: String,
    /// What it is or does.
    pub text: String,
    /// What choosing it does; `None` is a heading, or with a label an explanation; `Some(Err(reason))` cannot be chosen now.
    pub action: Option<Result<Action, String>>,
}

/// A menu.
#[derive(Debug, Clone, PartialEq)]
pub struct Menu {
    title: String,
    items: Vec<Item>,
    /// What is said after each line where there is room; none if the menu has no such words.
    asides: Vec<String>,
    /// Typed filter; `None` for short menus, which are moved in with letters.
    filter: Option<String>,
    shown: Vec<usize>,
    cursor: Cursor,
    refused: Option<String>,
    note: &'static str,
}

impl Item {
    fn is_heading(&self) -> bool {
        self.action.is_none() && self.label.is_empty()
    }
}

impl Menu {
    /// A menu that is moved in with `j` and `k`.
    #[must_use]
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        let shown = (0..items.len()).collect();
        let row = items.iter().position(|item| item.action.is_some()).unwrap_or(0);
        let cursor = Cursor { row, offset: 0 };
        let (title, asides, note) = (title.into(), Vec::new(), "enter choose  esc close");
        Self { title, items, asides, filter: None, shown, cursor, refused: None, note }
    }

    /// A menu in which typing filters.
    #[must_use]
    pub fn filterable(title: impl Into<String>, items: Vec<Item>) -> Self {
        Self { filter: Some(String::new()), ..Self::new(title, items) }
    }

    /// With other words for what the keys do.
    #[must_use]
    pub fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    /// With words after each line, the first for the first. They are cut first, and typing finds them too.
    #[must_use]
    pub fn asides(mut self, asides: Vec<String>) -> Self {
        self.asides = asides;
        self
    }

    fn aside(&self, index: usize) -> &str {
        self.asides.get(index).map_or("", String::as_str)
    }

    /// The whole text of a line.
    fn whole(&self, index: usize) -> String {
        let (text, aside) = (&self.items[index].text, self.aside(index));
        if aside.is_empty() { text.clone() } else { format!("{text}  {aside}") }
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// With this row chosen at first.
    #[must_use]
    pub fn at(mut self, row: usize) -> Self {
        self.cursor.row = row.min(self.items.len().saturating_sub(1));
        self
    }

    /// Whether typing filters.
    #[must_use]
    pub fn filters(&self) -> bool {
        self.filter.is_some()
    }

    /// Items shown now, in order.
    pub fn shown(&self) -> impl Iterator<Item = &Item> {
        self.shown.iter().map(|index| &self.items[*index])
    }

    /// The chosen item.
    #[must_use]
    pub fn chosen(&self) -> Option<&Item> {
        self.shown.get(self.cursor.row).map(|index| &self.items[*index])
    }

    pub(super) fn key(&mut self, key: Key) -> Step {
        self.refused = None;
        if let Some(motion) = menu_motion(key, self.filters()).or_else(|| ends(key)) {
            self.cursor.motion(motion, self.shown.len(), 10);
            return Step::Stay;
        }
        match key.bare() {
            Some(KeyCode::Esc) => return self.escape(),
            Some(KeyCode::Enter) => return self.choose(),
            Some(KeyCode::Char('q')) if !self.filters() => return Step::Close,
            Some(KeyCode::Char(letter)) if !self.filters() => return self.choose_by(letter),
            _ => {}
        }
        if let Some(filter) = &mut self.filter {
            let mut input = Input::new(filter.clone());
            type_key(&mut input, key);
            input.value().clone_into(filter);
            self.apply_filter();
        }
        Step::Stay
    }

    fn escape(&mut self) -> Step {
        match &mut self.filter {
            Some(filter) if !filter.is_empty() => {
                filter.clear();
                self.apply_filter();
                Step::Stay
            }
            Some(_) | None => Step::Close,
        }
    }

    fn choose(&mut self) -> Step {
        match self.chosen().and_then(|item| item.action.clone()) {
            Some(Ok(action)) => Step::Finish(action),
            Some(Err(reason)) => {
                self.refused = Some(reason);
                Step::Stay
            }
            None => Step::Stay,
        }
    }

    /// Chooses the line that a key of the screen below stands before.
    fn choose_by(&mut self, letter: char) -> Step {
        let is_it = |item: &Item| item.action.is_some() && item.label.chars().eq([letter]);
        let Some(row) = self.shown().position(is_it) else { return Step::Stay };
        self.cursor.row = row;
        self.choose()
    }

    pub(super) fn click(&mut self, index: usize) -> Step {
        if self.cursor.row == index {
            return self.choose();
        }
        self.cursor.row = index.min(self.shown.len().saturating_sub(1));
        Step::Stay
    }

    fn apply_filter(&mut self) {
        self.cursor = Cursor::default();
        let needle = self.filter.clone().unwrap_or_default();
        self.shown = if needle.is_empty() {
            (0..self.items.len()).collect()
        } else {
            let text = |index: usize| format!("{} {}", self.items[index].label, self.whole(index));
            let texts: Vec<String> = (0..self.items.len()).map(text).collect();
            let rank = fuzzy(&needle, &texts);
            rank.into_iter().filter(|index| !self.items[*index].is_heading()).collect()
        };
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_, '_>) {
        let labels = self.items.iter().filter(|item| !item.is_heading()).map(|item| width(&item.label)).max();
        let labels = labels.unwrap_or(0).min(24).min(usize::from(area.width / 3));
        let wholes: Vec<String> = (0..self.items.len()).map(|index| self.whole(index)).collect();
        let texts = wholes.iter().map(|text| width(text)).max().unwrap_or(0);
        let wide = (labels + texts + 7).max(width(&self.title) + 6).clamp(30, 100).min(usize::from(area.width));
        let columns = wide.saturating_sub(2);
        let lines = self.items.iter().zip(&wholes).filter(|(item, _)| !item.is_heading());
        let choices = lines.map(|(_, whole)| whole.as_str());
        let room = columns.saturating_sub(labels + 3);
        let text_lines = foot::text_lines(choices, room, columns);
        let extra = if self.filters() { 5 } else { 4 } + text_lines;
        let size = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let inner = canvas.overlay(centered(area, size(wide), size(self.items.len() + extra)), &self.title);
        let (mut list, text, note) = foot::split(inner, text_lines);
        if let Some(filter) = &self.filter {
            let (line, rest) = first_line(list);
            draw_input(&Input::new(filter.clone()), "> ", line, canvas);
            list = rest;
        }
        self.draw_items(labels, room, list, canvas);
        let cut = |index: &&usize| !self.items[**index].is_heading() && width(&wholes[**index]) > room;
        let chosen = self.shown.get(self.cursor.row).filter(cut).map_or("", |index| wholes[*index].as_str());
        let reason = self.chosen().and_then(|item| item.action.clone()?.err());
        let role = if self.refused.is_some() { Role::Warning } else { Role::Dim };
        let keys = if self.shown.is_empty() { "nothing fits what is typed" } else { self.note };
        let said = self.refused.clone().or(reason).unwrap_or_else(|| keys.to_owned());
        foot::draw((text, note), chosen, (said, role), canvas);
    }

    fn draw_items(&self, labels: usize, room: usize, list: Rect, canvas: &mut Canvas<'_, '_>) {
        let window = self.cursor.window(self.shown.len(), usize::from(list.height));
        for (row, y) in window.zip(list.y..list.bottom()) {
            let item = &self.items[self.shown[row]];
            let line = Rect { y, height: 1, ..list };
            let aside = Some(self.aside(self.shown[row])).filter(|aside| width(&item.text) + 2 + width(aside) <= room);
            draw_item(item, aside.unwrap_or(""), labels, line, canvas);
            canvas.hit(line, Target::OverlayRow(row));
            if row == self.cursor.row {
                let style = canvas.style(Role::Selected);
                canvas.buffer().set_style(line, style);
                if !self.filters() {
                    canvas.cursor(line.x, line.y);
                }
            }
        }
    }
}

fn draw_item(item: &Item, aside: &str, labels: usize, line: Rect, canvas: &mut Canvas<'_, '_>) {
    let ellipsis = canvas.theme().symbols().ellipsis;
    if item.is_heading() {
        canvas.line(line, &item.text, Role::Title);
        return;
    }
    let disabled = item.action.as_ref().is_some_and(Result::is_err);
    let mark = if disabled { "-" } else { " " };
    let label = format!("{mark} {} ", fit(&item.label, labels, Align::Left, ellipsis));
    let role = if disabled { Role::Dim } else { Role::Text };
    canvas.pieces(line, &[(label, Role::Key), (item.text.clone(), role), (format!("  {aside}"), role)]);
}

/// The area without its last line, and that line for a note.
pub(super) fn with_note(inner: Rect) -> (Rect, Rect) {
    let note = inner.height.min(1);
    let list = Rect { height: inner.height - note, ..inner };
    (list, Rect { y: inner.y + list.height, height: note, ..inner })
}

/// Moves of a menu: arrows and pages, `ctrl-n` and `ctrl-p`; letters only where typing does not filter.
pub(super) fn menu_motion(key: Key, types: bool) -> Option<Motion> {
    match (key.bare(), key.ctrl_letter()) {
        (Some(KeyCode::Down), _) | (None, Some('n')) => Some(Motion::Down),
        (Some(KeyCode::Up), _) | (None, Some('p')) => Some(Motion::Up),
        (Some(KeyCode::PageDown), _) => Some(Motion::PageDown),
        (Some(KeyCode::PageUp), _) => Some(Motion::PageUp),
        (Some(KeyCode::Char('j')), _) if !types => Some(Motion::Down),
        (Some(KeyCode::Char('k')), _) if !types => Some(Motion::Up),
        (Some(KeyCode::Char('g') | KeyCode::Home), _) if !types => Some(Motion::First),
        (Some(KeyCode::Char('G') | KeyCode::End), _) if !types => Some(Motion::Last),
        _ => None,
    }
}

/// The ends of a list in which typing filters: its line is typed at the end only, so these keys are free.
fn ends(key: Key) -> Option<Motion> {
    match key.bare() {
        Some(KeyCode::Home) => Some(Motion::First),
        Some(KeyCode::End) => Some(Motion::Last),
        _ => None,
    }
}

/// Score of a letter that fits, by the matcher's own scale: the letter and its case.
const LETTER: usize = 16;

/// Indices of the texts that `needle` fits fuzzily, best first.
///
/// Letters that are strewn over a sentence are no match: gaps may cost a quarter of the score of the word in one piece.
pub(super) fn fuzzy(needle: &str, texts: &[String]) -> Vec<usize> {
    let mut matcher = Matcher::new(needle, &Config::default());
    let least = needle.chars().count() * LETTER * 3 / 4;
    let found = matcher.match_list(texts).into_iter().filter(|found| usize::from(found.score) >= least);
    found.filter_map(|found| usize::try_from(found.index).ok()).collect()
}
