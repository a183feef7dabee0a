//! Drawing of a grid: the visible rows, the search marks, and what can be clicked.

use std::sync::Arc;

use ratatui::layout::Rect;
use ratatui::widgets::StatefulWidget;
use stratigraph_widgets::data_table::{
    CellKind, CellText, Column, DataTable, GUTTER_WIDTH, Row, RowMark, Sort, TableLayout, TableState,
};
use stratigraph_widgets::width::Align;

use super::super::grid::Grid;
use crate::matcher::Matcher;
use crate::screen::PaneId;
use crate::theme::Role;
use crate::view::cell::cell;
use crate::view::{Canvas, Target};

/// Circumstances of a grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    /// Its pane.
    pub(super) pane: PaneId,
    /// Whether the pane has the focus.
    pub(super) focused: bool,
    /// What is searched for.
    pub(super) search: Option<&'a Matcher>,
    /// Whether there are rows after the last one: they show as not loaded.
    pub(super) more: bool,
}

/// A cell whose text was made for drawing.
pub(super) struct Drawn {
    /// Its text.
    pub(super) text: String,
    /// What it holds.
    pub(super) kind: CellKind,
    /// Whether it is marked as changed.
    pub(super) changed: bool,
}

impl Drawn {
    /// A cell of a value; none is a column that the row does not have.
    pub(super) fn of(value: Option<&stratigraph_engine::Value>, changed: bool) -> Self {
        let (text, kind) = value.map_or((std::borrow::Cow::Borrowed(""), CellKind::Missing), cell);
        Self { text: text.into_owned(), kind, changed }
    }

    fn widget(&self) -> CellText<'_> {
        CellText { text: &self.text, kind: self.kind, changed: self.changed }
    }
}

/// Visible rows, made for drawing.
pub(super) struct Picture {
    /// Cells of each visible row; none for rows that are not loaded.
    pub(super) rows: Vec<(RowMark, Vec<Drawn>)>,
    /// The column the rows are sorted by.
    pub(super) sort: Option<Sort>,
}

/// The widget's columns.
pub(in super::super) fn columns<'a>(names: &'a [Arc<str>], widths: &[(usize, bool)]) -> Vec<Column<'a>> {
    let column = |(name, (width, numeric)): (&'a Arc<str>, &(usize, bool))| Column {
        title: name,
        width: u16::try_from(*width).unwrap_or(u16::MAX),
        align: if *numeric { Align::Right } else { Align::Left },
    };
    names.iter().zip(widths).map(column).collect()
}

/// The widget's columns of a grid.
pub(in super::super) fn grid_columns(grid: &Grid) -> Vec<Column<'_>> {
    let shown = grid.shown();
    let column = |at: usize| Column {
        title: &grid.columns()[at],
        width: u16::try_from(grid.width(at)).unwrap_or(u16::MAX),
        align: if grid.is_numeric(at) { Align::Right } else { Align::Left },
    };
    shown.into_iter().map(column).collect()
}

/// Draws a grid.
pub(super) fn grid(grid: &Grid, look: &Look<'_>, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let shown = grid.shown();
    let total = grid.rows().len() + usize::from(look.more);
    let mut state = grid.state;
    let height = usize::from(area.height.saturating_sub(1));
    state.settle(total, shown.len(), height);
    let visible = state.visible(total, height);
    let rows = visible.map(|at| match grid.rows().get(at) {
        Some(row) => {
            let cells = shown.iter().map(|&column| Drawn::of(row.values().get(column), false));
            (RowMark::None, cells.collect())
        }
        None => (RowMark::None, Vec::new()),
    });
    let picture = Picture { rows: rows.collect(), sort: grid.sort_sign() };
    table(&picture, &grid_columns(grid), state, look, area, canvas);
}

/// Draws rows with their marks and makes them clickable.
pub(super) fn table(
    picture: &Picture,
    columns: &[Column<'_>],
    mut state: TableState,
    look: &Look<'_>,
    area: Rect,
    canvas: &mut Canvas<'_, '_>,
) {
    if area.is_empty() {
        return;
    }
    let theme = canvas.theme();
    let cells: Vec<Vec<CellText<'_>>> =
        picture.rows.iter().map(|(_, cells)| cells.iter().map(Drawn::widget).collect()).collect();
    let rows: Vec<Row<'_>> =
        picture.rows.iter().zip(&cells).map(|((mark, _), cells)| Row { mark: *mark, cells }).collect();
    let style = canvas.table_style(look.focused);
    let widget = DataTable { columns, rows: &rows, sort: picture.sort, symbols: theme.symbols(), style: &style };
    (&widget).render(area, canvas.buffer(), &mut state);
    let layout = TableLayout::new(area, columns, GUTTER_WIDTH, &mut state);
    for slot in &layout.slots {
        let header = Rect { x: slot.x, y: area.y, width: slot.width, height: 1 };
        canvas.hit(header, Target::Header { pane: look.pane, column: slot.column });
    }
    for (index, (_, cells)) in picture.rows.iter().enumerate() {
        let y = area.y + 1 + u16::try_from(index).unwrap_or(u16::MAX);
        let line = Rect { y, height: 1, ..area };
        canvas.hit(line, Target::Row { pane: look.pane, index: state.offset + index });
        if let Some(search) = look.search {
            mark_matches(search, cells, &layout, y, canvas);
        }
        if look.focused && state.offset + index == state.row {
            let slot = layout.slots.iter().find(|slot| slot.column == state.column);
            canvas.cursor(slot.map_or(area.x, |slot| slot.x), y);
        }
    }
}

fn mark_matches(search: &Matcher, cells: &[Drawn], layout: &TableLayout, y: u16, canvas: &mut Canvas<'_, '_>) {
    let style = canvas.style(Role::Match);
    for slot in &layout.slots {
        if cells.get(slot.column).is_some_and(|cell| !search.ranges(&cell.text).is_empty()) {
            canvas.buffer().set_style(Rect { x: slot.x, y, width: slot.width, height: 1 }, style);
        }
    }
}
