//! Drawing of what one went into: a record, a row's history, a comparison, the result of a query.

use ratatui::layout::Rect;
use stratigraph_engine::Value;
use stratigraph_engine::diff::{RowOp, RowVersion};
use stratigraph_widgets::data_table::{CellKind, CellText};
use stratigraph_widgets::width::{Align, escape, fit, width};

use super::super::compare::{CompareView, is_changed, mark};
use super::super::record::RecordView;
use super::super::row_history::{HistoryLine, HistoryView, Progress};
use super::super::sql::SqlView;
use super::super::{COMPARE, RECORD, ROW_HISTORY, SQL, Tables};
use super::table::{Drawn, Look, Picture, columns, grid, table};
use super::{draw_error, last_line};
use crate::action::TermKind;
use crate::screen::{PaneId, ScreenId, first_line};
use crate::state::Shared;
use crate::theme::Role;
use crate::view::cell::cell;
use crate::view::{Canvas, Target, grouped, moment};

/// Draws a record: names at the left, values wrapped at the right.
pub(super) fn record(view: &RecordView, focused: bool, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let (body, note) = last_line(area);
    let lines = view.lines(usize::from(body.width));
    let names = view.name_width(usize::from(body.width));
    let symbols = canvas.theme().symbols();
    let window = view.cursor.window(lines.len(), usize::from(body.height));
    for (at, y) in window.zip(body.y..body.bottom()) {
        let line = &lines[at];
        let name = if line.first { &view.row.columns()[line.field] } else { "" };
        let sign = if at == view.cursor.row { symbols.cursor } else { " " };
        let name = fit(&escape(name), names.saturating_sub(1), Align::Left, symbols.ellipsis);
        let cell = CellText { text: &line.text, kind: line.kind, changed: false };
        // The text was escaped before it was wrapped; only the signs of nothing are left to choose.
        let (text, role) = match line.kind {
            CellKind::Text | CellKind::Number => (line.text.clone(), Role::Text),
            CellKind::Null | CellKind::Empty | CellKind::Missing | CellKind::NotLoaded => {
                (format!("{} {}", cell.shown(symbols), word(line.kind)), Role::Dim)
            }
        };
        let row = Rect { y, height: 1, ..body };
        canvas.pieces(row, &[(format!("{sign}{name} "), Role::Title), (text, role)]);
        selectable(RECORD, at, at == view.cursor.row, focused, row, canvas);
    }
    let reading = if view.reading { format!("reading blobs{}", symbols.ellipsis) } else { String::new() };
    let fields = format!("{} columns", view.row.columns().len());
    let parts = [fields, reading].into_iter().filter(|part| !part.is_empty());
    canvas.line(note, parts.collect::<Vec<_>>().join(canvas.theme().dot()), Role::Dim);
}

fn word(kind: CellKind) -> &'static str {
    match kind {
        CellKind::Null => "null",
        CellKind::Empty => "empty text",
        CellKind::Missing => "no such column",
        CellKind::NotLoaded => "not loaded",
        CellKind::Text | CellKind::Number => "",
    }
}

fn selectable(pane: PaneId, index: usize, selected: bool, focused: bool, row: Rect, canvas: &mut Canvas<'_, '_>) {
    canvas.hit(row, Target::Row { pane, index });
    if selected {
        canvas.select(row, focused);
    }
}

/// Draws the commits that changed a row.
pub(super) fn row_history(view: &HistoryView, shared: &Shared, focused: bool, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let (body, note) = last_line(area);
    let body = match &view.progress {
        Progress::Failed(failure) => draw_error(failure, false, body, canvas),
        Progress::Reading | Progress::Done | Progress::Stopped => body,
    };
    let lines = view.lines();
    let names = lines.iter().filter_map(|line| match line {
        HistoryLine::Cell(name, ..) => Some(width(&escape(name))),
        HistoryLine::Commit(..) | HistoryLine::Ended(..) => None,
    });
    let names = names.max().unwrap_or(0).min(20);
    let window = view.cursor.window(lines.len(), usize::from(body.height));
    for (at, y) in window.zip(body.y..body.bottom()) {
        let row = Rect { y, height: 1, ..body };
        let sign = if at == view.cursor.row { canvas.theme().symbols().cursor } else { " " };
        let mut pieces = vec![(sign.to_owned(), Role::Text)];
        pieces.extend(match &lines[at] {
            HistoryLine::Commit(short_id, version) => commit_pieces(short_id, version, shared),
            HistoryLine::Cell(name, before, after) => cell_pieces(name, names, *before, *after, canvas),
            HistoryLine::Ended(short_id, reason) => {
                vec![(format!("! unknown at {short_id} and before: {}", escape(reason)), Role::Warning)]
            }
        });
        canvas.pieces(row, &pieces);
        selectable(ROW_HISTORY, at, at == view.cursor.row, focused, row, canvas);
    }
    let found = match view.commits() {
        1 => "1 commit changed this row".to_owned(),
        commits => format!("{} commits changed this row", grouped(commits as u64)),
    };
    let text = [found, progress_word(&view.progress, canvas)].join("");
    canvas.line(note, text, Role::Dim);
}

/// What the note adds about a read that streams.
fn progress_word(progress: &Progress, canvas: &Canvas<'_, '_>) -> String {
    let dot = canvas.theme().dot();
    match progress {
        Progress::Reading => format!("{dot}reading{}", canvas.theme().symbols().ellipsis),
        Progress::Done => String::new(),
        Progress::Stopped => format!("{dot}stopped, not complete"),
        Progress::Failed(_) => format!("{dot}not complete"),
    }
}

fn commit_pieces(short_id: &str, version: &RowVersion, shared: &Shared) -> Vec<(String, Role)> {
    let (op, role) = match version.op {
        RowOp::Inserted => ("+ inserted", Role::Added),
        RowOp::Updated => ("~ updated ", Role::Changed),
        RowOp::Deleted => ("- deleted ", Role::Removed),
    };
    let commit = &version.commit;
    let mut pieces = vec![
        (format!("{short_id} "), Role::Title),
        (format!("{op} "), role),
        (format!("{} ", moment(commit.created_at_micros, shared.config.time.value)), Role::Text),
        (format!("[{}] ", commit.branch), Role::Text),
    ];
    pieces.extend(commit.actor.as_ref().map(|actor| (format!("by {}", escape(actor)), Role::Text)));
    pieces
}

fn cell_pieces(
    name: &str,
    names: usize,
    before: Option<&Value>,
    after: Option<&Value>,
    canvas: &Canvas<'_, '_>,
) -> Vec<(String, Role)> {
    let symbols = canvas.theme().symbols();
    let shown = |value: &Value| {
        let (text, kind) = cell(value);
        CellText { text: &text, kind, changed: false }.shown(symbols).into_owned()
    };
    let name = fit(&escape(name), names, Align::Left, symbols.ellipsis);
    let mut pieces = vec![(format!("    {name} "), Role::Dim)];
    match (before, after) {
        (Some(before), Some(after)) => {
            pieces.push((shown(before), Role::Removed));
            pieces.push((canvas.theme().arrow().to_owned(), Role::Dim));
            pieces.push((shown(after), Role::Added));
        }
        (Some(only), None) | (None, Some(only)) => pieces.push((shown(only), Role::Text)),
        (None, None) => pieces.push((symbols.missing.to_owned(), Role::Dim)),
    }
    pieces
}

/// Draws a comparison.
pub(super) fn compare(view: &CompareView, tables: &Tables, focused: bool, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let (head, rest) = first_line(area);
    let (body, note) = last_line(rest);
    let counts = view.counts();
    let pieces = [
        (format!("+{} ", grouped(counts.inserted)), Role::Added),
        (format!("~{} ", grouped(counts.updated)), Role::Changed),
        (format!("-{} ", grouped(counts.deleted)), Role::Removed),
        (if view.cut { "first differences only".to_owned() } else { String::new() }, Role::Warning),
    ];
    if !matches!(view.progress, Progress::Failed(_)) {
        canvas.pieces(head, &pieces);
    }
    let body = match &view.progress {
        Progress::Failed(failure) => draw_error(failure, false, body, canvas),
        Progress::Reading | Progress::Done | Progress::Stopped => body,
    };
    let names = view.columns();
    let mut state = view.grid.state;
    let total = view.lines().len();
    let height = usize::from(body.height.saturating_sub(1));
    state.settle(total, names.len(), height);
    let rows = state.visible(total, height).map(|at| {
        let line = view.lines()[at];
        let (row, change) = view.row(line);
        let cells = row
            .map(|row| names.iter().map(|name| Drawn::of(row.get(name), is_changed(change, name))).collect::<Vec<_>>());
        (mark(line), cells.unwrap_or_default())
    });
    let picture = Picture { rows: rows.collect(), sort: None };
    let look = Look { pane: COMPARE, focused, search: None, more: false };
    if !names.is_empty() {
        table(&picture, &columns(names, view.widths()), state, &look, body, canvas);
    }
    let what = match (view.changes.is_empty(), &view.progress) {
        (true, Progress::Done) => "no differences",
        (true, Progress::Failed(_)) => "no differences known",
        (true, Progress::Reading | Progress::Stopped) => "no differences yet",
        (false, _) => "] and [ jump between differences",
    };
    let rows = tables.total().map_or_else(String::new, |total| format!(", {} rows here", grouped(total)));
    canvas.line(note, format!("{what}{rows}{}", progress_word(&view.progress, canvas)), Role::Dim);
}

/// Draws the result of a query.
pub(super) fn sql(view: &SqlView, shared: &Shared, focused: bool, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let (head, rest) = first_line(area);
    canvas.line(head, escape(&view.statement), Role::Text);
    let (body, note) = last_line(rest);
    let body = match &view.progress {
        Progress::Failed(failure) => draw_error(failure, false, body, canvas),
        Progress::Reading | Progress::Done | Progress::Stopped => body,
    };
    let search = shared.terms.matcher(ScreenId::Tables, SQL, TermKind::Search);
    if !view.grid.columns().is_empty() {
        grid(&view.grid, &Look { pane: SQL, focused, search, more: false }, body, canvas);
    }
    let rows = view.grid.rows().len() as u64;
    let position = match (rows, &view.progress) {
        (0, Progress::Failed(_)) => {
            canvas.line(note, "failed: ; edits the query, r runs it again", Role::Dim);
            return;
        }
        (0, Progress::Reading | Progress::Done | Progress::Stopped) => "no rows".to_owned(),
        (rows, _) => format!("row {} of {}", grouped(view.grid.state.row as u64 + 1), grouped(rows)),
    };
    let cut = if view.cut && view.progress == Progress::Done { ", there are more: e exports all" } else { "" };
    canvas.line(note, format!("{position}{cut}{}", progress_word(&view.progress, canvas)), Role::Dim);
}
