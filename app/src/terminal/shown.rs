//! What stands in each row of the terminal, so that a row can be written whole.

use ratatui::buffer::{Cell, CellWidth};
use stratigraph_widgets::width::is_disputed;

/// A cell with its column and row.
pub(super) type Placed<'c> = (u16, u16, &'c Cell);

/// The rows as they were written since the terminal was cleared.
#[derive(Debug, Default)]
pub(super) struct Shown {
    rows: Vec<Row>,
}

/// One row; what was never written is blank.
#[derive(Debug, Default)]
struct Row {
    cells: Vec<Cell>,
    has_disputed: bool,
}

impl Shown {
    /// The terminal was cleared.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// Whether a row has a cluster of which terminals disagree how wide it is.
    pub(super) fn has_disputed(&self, y: u16) -> bool {
        self.rows.get(usize::from(y)).is_some_and(|row| row.has_disputed)
    }

    /// Takes a cell that is written.
    pub(super) fn put(&mut self, (x, y, cell): Placed<'_>) {
        let (x, y) = (usize::from(x), usize::from(y));
        if self.rows.len() <= y {
            self.rows.resize_with(y + 1, Row::default);
        }
        let row = &mut self.rows[y];
        let end = x + columns(cell);
        if row.cells.len() < end {
            row.cells.resize(end, Cell::EMPTY);
        }
        // A wide one covers what stood beside it.
        row.cells[x..end].fill(blank(cell));
        row.cells[x] = cell.clone();
    }

    /// The cells of a row from left to right, without those that wide ones cover.
    pub(super) fn row(&mut self, y: u16) -> Vec<(u16, Cell)> {
        let Some(row) = self.rows.get_mut(usize::from(y)) else { return Vec::new() };
        let mut shown = Vec::with_capacity(row.cells.len());
        let (mut x, mut rest) = (0_u16, row.cells.as_slice());
        while let Some(cell) = rest.first() {
            shown.push((x, cell.clone()));
            let wide = columns(cell).min(rest.len());
            rest = &rest[wide..];
            x = x.saturating_add(u16::try_from(wide).unwrap_or(u16::MAX));
        }
        row.has_disputed = shown.iter().any(|(_, cell)| is_disputed(cell.symbol()));
        shown
    }
}

/// Columns that a cell takes by our own count.
pub(super) fn columns(cell: &Cell) -> usize {
    usize::from(cell.cell_width().max(1))
}

/// A blank that looks like a cell.
pub(super) fn blank(like: &Cell) -> Cell {
    let mut blank = like.clone();
    blank.set_symbol(" ");
    blank
}
