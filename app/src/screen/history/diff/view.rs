//! Drawing of the two panes of a row diff.

use std::borrow::Cow;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::StatefulWidget;
use stratigraph_engine::diff::RowChange;
use stratigraph_engine::{Row, TableKind};
use stratigraph_widgets::data_table::{CellKind, CellText, Column, GUTTER_WIDTH, Hit, TableLayout};
use stratigraph_widgets::diff_table::{DiffRow, DiffTable};
use stratigraph_widgets::tree::{self, TreeRow, TreeState, TreeStyle};
use stratigraph_widgets::width::escape;

use super::rows::{TableRows, changed, op};
use super::tree::Node;
use super::{Diff, Stage, Table};
use crate::screen::PaneId;
use crate::theme::Role;
use crate::view::cell::cell;
use crate::view::{Canvas, Target, grouped};

/// What stands where nothing else can.
fn message(canvas: &mut Canvas<'_, '_>, area: Rect, text: &str, role: Role) {
    let lines = stratigraph_widgets::width::wrap(text, usize::from(area.width).max(1));
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        canvas.line(Rect { y, height: 1, ..area }, line, role);
    }
}

impl Diff {
    /// Draws the tree of tables.
    pub(in super::super) fn draw_tree(&self, pane: PaneId, area: Rect, focused: bool, canvas: &mut Canvas<'_, '_>) {
        if let Some(failure) = &self.failure {
            return message(canvas, area, &failure.sentence(), Role::Error);
        }
        let Some(tables) = &self.tables else {
            return message(canvas, area, "comparing the manifests", Role::Dim);
        };
        if tables.is_empty() {
            return message(canvas, area, "no table differs", Role::Dim);
        }
        let nodes = self.nodes();
        if nodes.is_empty() {
            return message(canvas, area, "no table fits the filter", Role::Dim);
        }
        let rows = nodes.iter().map(|node| self.tree_row(node, canvas)).collect();
        // The keys of a map differ, so siblings do.
        let Ok(items) = tree::items(rows) else { return };
        let row = self.cursor.row.min(nodes.len() - 1);
        let mut state = TreeState::default();
        for kind in [TableKind::Node, TableKind::Edge].into_iter().filter(|kind| !self.is_closed(*kind)) {
            state.open(vec![kind_name(kind).to_owned()]);
        }
        state.select(path(&nodes[row]));
        let selected = canvas.style(if focused { Role::Selected } else { Role::SelectedElsewhere });
        let style = TreeStyle { base: canvas.style(Role::Text), selected };
        let symbols = canvas.theme().symbols();
        // Fails only for equal siblings, which the map excludes.
        let _ = tree::render(&items, area, canvas.buffer(), &mut state, symbols, style);
        // The tree scrolls only as far as the selection needs.
        let first = (row + 1).saturating_sub(usize::from(area.height));
        for (index, y) in (first..nodes.len()).zip(area.y..area.bottom()) {
            canvas.hit(Rect { y, height: 1, ..area }, Target::Row { pane, index });
            if index == row && focused {
                canvas.cursor(area.x, y);
            }
        }
    }

    fn tree_row(&self, node: &Node, canvas: &Canvas<'_, '_>) -> TreeRow<'static, String> {
        match node {
            Node::Kind(kind) => {
                TreeRow { depth: 0, id: kind_name(*kind).to_owned(), text: Line::raw(kind_name(*kind).to_owned()) }
            }
            Node::Table(key) => {
                let table = self.tables.as_ref().and_then(|tables| tables.get(key));
                let mut spans = vec![Span::raw(escape(&key.name).into_owned())];
                spans.extend(table.into_iter().flat_map(|table| counts(table, canvas)));
                TreeRow { depth: 1, id: key.to_string(), text: Line::from(spans) }
            }
        }
    }

    /// Draws the rows of the table shown.
    pub(in super::super) fn draw_rows(&self, pane: PaneId, area: Rect, focused: bool, canvas: &mut Canvas<'_, '_>) {
        let Some(table) = self.table() else {
            let text =
                if self.tables.as_ref().is_some_and(|tables| !tables.is_empty()) { "choose a table" } else { "" };
            return message(canvas, area, text, Role::Dim);
        };
        if table.rows.lines() == 0 {
            let (text, role) = empty_text(table);
            return message(canvas, area, &text, role);
        }
        draw_table(&table.rows, pane, area, focused, canvas);
    }
}

/// Draws the changes on view and makes their lines clickable.
fn draw_table(rows: &TableRows, pane: PaneId, area: Rect, focused: bool, canvas: &mut Canvas<'_, '_>) {
    let titles: Vec<String> = rows.columns().iter().map(|column| column.name.to_string()).collect();
    let columns: Vec<Column<'_>> = rows
        .columns()
        .iter()
        .zip(&titles)
        .map(|(column, title)| Column { title, width: column.width, align: column.align })
        .collect();
    let mut state = rows.state();
    state.settle(rows.lines(), columns.len(), usize::from(area.height.saturating_sub(1)));
    let visible = rows.diff_lines().changes_in(&state.visible(rows.lines(), usize::from(area.height)));
    let first_line = rows.diff_lines().first_line(visible.start);
    let changes: Vec<&RowChange> = visible.filter_map(|at| rows.change(at)).collect();
    let cells: Vec<[Vec<Cell<'_>>; 2]> = changes.iter().map(|change| sides(change, &titles)).collect();
    let texts: Vec<[Vec<CellText<'_>>; 2]> =
        changes.iter().zip(&cells).map(|(change, cells)| marked(change, cells, &titles)).collect();
    let sides = changes.iter().zip(&texts);
    let diff: Vec<DiffRow<'_>> =
        sides.map(|(change, [before, after])| DiffRow { op: op(change.op), before, after }).collect();
    let (style, symbols) = (canvas.table_style(focused), canvas.theme().symbols());
    let widget = DiffTable { columns: &columns, rows: &diff, first_line, symbols, style: &style };
    (&widget).render(area, canvas.buffer(), &mut state);
    let layout = TableLayout::new(area, &columns, GUTTER_WIDTH, &mut state);
    for y in area.y..area.bottom() {
        let Some(Hit::Cell { row, .. }) = layout.hit(area.x, y) else { continue };
        if row < rows.lines() {
            canvas.hit(Rect { y, height: 1, ..area }, Target::Row { pane, index: row });
        }
        if focused && row == state.row {
            canvas.cursor(area.x, y);
        }
    }
}

fn kind_name(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Node => "nodes",
        TableKind::Edge => "edges",
    }
}

fn path(node: &Node) -> Vec<String> {
    match node {
        Node::Kind(kind) => vec![kind_name(*kind).to_owned()],
        Node::Table(key) => vec![kind_name(key.kind).to_owned(), key.to_string()],
    }
}

/// Counts behind a table's name: `+2 ~1`, and how far they are.
fn counts(table: &Table, canvas: &Canvas<'_, '_>) -> Vec<Span<'static>> {
    let span = |text: String, role| Span::styled(text, canvas.style(role));
    let counts = table.counts;
    let parts = [
        ("+", counts.inserted, Role::Added),
        ("~", counts.updated, Role::Changed),
        ("-", counts.deleted, Role::Removed),
    ];
    let mut spans: Vec<Span<'static>> = parts
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(sign, count, role)| span(format!(" {sign}{}", grouped(count)), role))
        .collect();
    match &table.stage {
        Stage::Reading => spans.push(span(format!(" {}", canvas.theme().symbols().ellipsis), Role::Dim)),
        Stage::Counted if counts.total() == 0 => spans.push(span(" no row differs".to_owned(), Role::Dim)),
        Stage::Counted => {}
        Stage::Failed(_) => spans.push(span(" ! unreadable".to_owned(), Role::Error)),
        Stage::Stopped => spans.push(span(" stopped".to_owned(), Role::Warning)),
    }
    spans
}

fn empty_text(table: &Table) -> (String, Role) {
    match &table.stage {
        Stage::Failed(failure) => (failure.sentence(), Role::Error),
        _ if table.rows.len() > 0 => {
            ("no change fits the filter; words: op: id: column: or text".to_owned(), Role::Dim)
        }
        Stage::Reading => ("reading".to_owned(), Role::Dim),
        Stage::Counted => ("the table has another version, but no row differs".to_owned(), Role::Dim),
        Stage::Stopped => ("reading was stopped, r reads again".to_owned(), Role::Warning),
    }
}

/// Text and kind of a cell.
type Cell<'a> = (Cow<'a, str>, CellKind);

/// Cells of both sides in the order of the columns.
fn sides<'a>(change: &'a RowChange, titles: &[String]) -> [Vec<Cell<'a>>; 2] {
    let side = |row: &'a Option<Row>| {
        let value = |title: &String| row.as_ref().and_then(|row| row.get(title));
        titles.iter().map(|title| value(title).map_or((Cow::Borrowed(""), CellKind::Missing), cell)).collect()
    };
    [side(&change.before), side(&change.after)]
}

fn marked<'a>(
    change: &RowChange,
    [before, after]: &'a [Vec<Cell<'_>>; 2],
    titles: &[String],
) -> [Vec<CellText<'a>>; 2] {
    let shown = |((text, kind), title): (&'a Cell<'_>, &String)| CellText {
        text,
        kind: *kind,
        changed: changed(change, title),
    };
    [before, after].map(|cells| cells.iter().zip(titles).map(shown).collect())
}
