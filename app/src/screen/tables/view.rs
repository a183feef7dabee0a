//! Drawing of the screen: the content pane and what all its views have in common.

mod drill;
mod list;
mod table;

pub(super) use table::{columns, grid_columns};

use ratatui::layout::Rect;
use stratigraph_engine::ErrorKind;
use stratigraph_widgets::width::{escape, wrap};

use super::action::Action;
use super::request::Tab;
use super::rows::Sorting;
use super::{Drill, ROWS, Tables, is_reading, kind, slot};
use crate::action::{Action as Any, TermKind};
use crate::message::{Failure, next_step};
use crate::screen::{ScreenId, first_line};
use crate::state::{Arrangement, Shared};
use crate::theme::Role;
use crate::view::{Canvas, Target, grouped};

/// Lines an error takes at most.
const ERROR_LINES: usize = 4;

impl Tables {
    /// Draws the panes that are on view.
    pub(super) fn draw(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        self.draw_types(shared, panes, canvas);
        let title = self.title(canvas);
        let pane = self.content();
        let Some(inner) = canvas.pane(panes, pane, &title) else { return };
        let focused = panes.focus == pane;
        match self.drills.last() {
            None => self.draw_tab(shared, focused, inner, canvas),
            Some(Drill::Record(view)) => drill::record(view, focused, inner, canvas),
            Some(Drill::RowHistory(view)) => drill::row_history(view, shared, focused, inner, canvas),
            Some(Drill::Compare(view)) => drill::compare(view, self, focused, inner, canvas),
            Some(Drill::Sql(view)) => drill::sql(view, shared, focused, inner, canvas),
        }
    }

    fn title(&self, canvas: &Canvas<'_, '_>) -> String {
        let (dot, arrow) = (canvas.theme().dot(), canvas.theme().arrow());
        match self.drills.last() {
            Some(Drill::Record(view)) => {
                let id = view.row.get("id").map(|id| escape(&id.to_string()).into_owned()).unwrap_or_default();
                match &view.table {
                    Some(table) => format!("{table} {id}"),
                    None => "row of the query".to_owned(),
                }
            }
            Some(Drill::RowHistory(view)) => {
                format!("{} {}{dot}history on {}", view.table, escape(&view.id), view.branch)
            }
            Some(Drill::Compare(view)) => {
                let from = view.other.as_deref().map_or_else(|| view.asked.clone(), position_word);
                let to = self.opened.as_ref().map(position_word).unwrap_or_default();
                format!("{}{dot}{from}{arrow}{to}", view.table)
            }
            Some(Drill::Sql(_)) => "SQL".to_owned(),
            None => match &self.table {
                Some(table) => match self.types.row(table) {
                    Some(row) => format!("{table}{dot}{}", row.version()),
                    None => table.to_string(),
                },
                None => "no table".to_owned(),
            },
        }
    }

    fn draw_tab(&self, shared: &Shared, focused: bool, inner: Rect, canvas: &mut Canvas<'_, '_>) {
        let (tabs, rest) = first_line(inner);
        self.draw_tabs(tabs, canvas);
        let (rest, note) = last_line(rest);
        let (grid, error, reading) = match self.tab {
            Tab::Rows => {
                let reading = is_reading(shared, slot(ROWS, kind::PAGE)) || is_reading(shared, slot(ROWS, kind::SORT));
                (&self.rows.grid, self.rows.error.as_ref(), reading)
            }
            Tab::Schema | Tab::Indices | Tab::Versions => {
                let reading = is_reading(shared, slot(super::TYPES, kind::LIST));
                (&self.list.grid, self.list.error.as_ref(), reading)
            }
        };
        let rest = match error {
            Some(failure) => draw_error(failure, !grid.rows().is_empty(), rest, canvas),
            None => rest,
        };
        let pane = self.content();
        let search = shared.terms.matcher(ScreenId::Tables, pane, TermKind::Search);
        let more = self.tab == Tab::Rows && self.rows.more && self.rows.sorting == Sorting::ById;
        if !grid.columns().is_empty() {
            table::grid(grid, &table::Look { pane, focused, search, more }, rest, canvas);
        }
        let text = if self.table.is_none() && self.opened.is_some() {
            "no table at this position".to_owned()
        } else {
            self.note(shared, reading, canvas)
        };
        canvas.line(note, text, Role::Dim);
    }

    fn draw_tabs(&self, area: Rect, canvas: &mut Canvas<'_, '_>) {
        let mut rest = area;
        for tab in Tab::ALL {
            let piece = if tab == self.tab {
                (format!("[{}]", tab.title()), Role::Title)
            } else {
                (format!(" {} ", tab.title()), Role::Dim)
            };
            let used = canvas.pieces(rest, &[piece]);
            canvas.hit(Rect { width: used, ..rest }, Target::Action(Any::Tables(Action::Show(tab))));
            rest = Rect { x: rest.x + used, width: rest.width - used, ..rest };
        }
    }

    /// The line below the rows: where the cursor is and what is not on view.
    fn note(&self, shared: &Shared, reading: bool, canvas: &Canvas<'_, '_>) -> String {
        let mut parts: Vec<String> = Vec::new();
        let grid = if self.tab == Tab::Rows { &self.rows.grid } else { &self.list.grid };
        let loaded = grid.rows().len();
        if self.tab == Tab::Rows {
            parts.extend(self.rows_note(shared));
        } else if loaded > 0 {
            parts.push(format!("{} of {}", grid.state.row + 1, grouped(loaded as u64)));
        } else if !reading && self.list.error.is_none() && self.list.of.is_some() {
            parts.push(format!("no {}", self.tab.title().to_lowercase()));
        }
        match grid.hidden().len() {
            0 => {}
            1 => parts.push("1 column hidden".to_owned()),
            hidden => parts.push(format!("{hidden} columns hidden")),
        }
        if reading {
            parts.push(format!("reading{}", canvas.theme().symbols().ellipsis));
        }
        parts.join(canvas.theme().dot())
    }

    fn rows_note(&self, shared: &Shared) -> Vec<String> {
        let rows = &self.rows;
        let loaded = rows.grid.rows().len() as u64;
        let is_counting = is_reading(shared, slot(ROWS, kind::COUNT));
        let whole = match (&rows.filter, rows.counted) {
            (_, Some(counted)) => Some(counted),
            (None, None) => self.total(),
            (Some(_), None) => (!rows.more && rows.sorting == Sorting::ById).then_some(loaded),
        };
        let matching = if rows.filter.is_some() { " matching" } else { "" };
        let mut parts = Vec::new();
        if loaded > 0 {
            let row = grouped(rows.grid.state.row as u64 + 1);
            parts.push(match whole {
                Some(whole) => format!("row {row} of {}{matching}", grouped(whole)),
                None => format!("row {row} of {}+{matching}, # counts", grouped(loaded)),
            });
            if whole.is_some_and(|whole| whole > loaded) {
                parts.push(format!("{} loaded", grouped(loaded)));
            }
        } else if !rows.is_blank() && rows.error.is_none() && !is_reading(shared, slot(ROWS, kind::PAGE)) {
            parts.push(if rows.filter.is_some() {
                "no row matches the filter".to_owned()
            } else {
                "no rows".to_owned()
            });
        }
        if rows.counted.is_some() {
            parts.push("counted".to_owned());
        }
        if is_counting {
            parts.push("counting".to_owned());
        }
        parts.extend(self.sort_note(loaded));
        parts
    }

    fn sort_note(&self, loaded: u64) -> Option<String> {
        let (column, descending) = self.rows.grid.sorted()?;
        let name = &self.rows.grid.columns()[column];
        let down = if descending { " descending" } else { "" };
        match &self.rows.sorting {
            Sorting::ById => None,
            Sorting::Loaded(_) => Some(format!("these {} sorted by {name}{down}", grouped(loaded))),
            Sorting::All(_) if self.rows.more => Some(format!("first {} of all by {name}{down}", grouped(loaded))),
            Sorting::All(_) => Some(format!("all sorted by {name}{down}")),
        }
    }
}

/// A position in few letters.
fn position_word(opened: &super::Opened) -> String {
    let version = || format!("{}@v{}", opened.snapshot.branch, opened.snapshot.version);
    match &opened.short_id {
        Some(id) if opened.is_head => format!("{} {id}", opened.snapshot.branch),
        Some(id) => id.clone(),
        None => version(),
    }
}

/// The area without its last line, and that line.
fn last_line(area: Rect) -> (Rect, Rect) {
    let height = area.height.min(1);
    let rest = Rect { height: area.height - height, ..area };
    (rest, Rect { y: rest.bottom(), height, ..area })
}

/// What failed, the innermost cause and the next step; the whole chain is in the message history.
fn pane_text(failure: &Failure) -> String {
    let mut text = failure.summary().to_owned();
    if let [_, .., cause] = failure.chain.as_slice() {
        text = format!("{text}: {cause}");
    }
    match (failure.kind, next_step(failure.kind)) {
        // What is wrong with the request, or what is not there, was said; the general advice for it is no news.
        (ErrorKind::Invalid | ErrorKind::NotFound, _) | (_, None) => text,
        (_, Some(step)) => format!("{text} ({step})"),
    }
}

/// Writes why something could not be read, and returns the area below it.
fn draw_error(failure: &Failure, rows_stay: bool, area: Rect, canvas: &mut Canvas<'_, '_>) -> Rect {
    let mut text = escape(&pane_text(failure)).into_owned();
    if rows_stay {
        text.push_str("; below are the rows before");
    }
    let lines = wrap(&text, usize::from(area.width.saturating_sub(2)));
    let most = if rows_stay { ERROR_LINES } else { usize::from(area.height) };
    let mut rest = area;
    let total = lines.len();
    for (index, line) in lines.into_iter().take(most).enumerate() {
        let (now, below) = first_line(rest);
        let sign = if index == 0 { "! " } else { "  " };
        let cut = index + 1 == most && total > most;
        let ellipsis = if cut { canvas.theme().symbols().ellipsis } else { "" };
        canvas.line(now, format!("{sign}{line}{ellipsis}"), Role::Error);
        rest = below;
    }
    rest
}
