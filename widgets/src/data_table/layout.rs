//! Which columns of a table are on screen and where; what lies under a point.

use ratatui::layout::Rect;

use super::state::TableState;
use crate::width::Align;

/// A column as the caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column<'a> {
    /// Title in the header.
    pub title: &'a str,
    /// Wished width in screen columns, at least 1.
    pub width: u16,
    /// Side to which text keeps.
    pub align: Align,
}

/// The column a table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Smallest first, by this column.
    Ascending(usize),
    /// Largest first, by this column.
    Descending(usize),
}

/// What lies under a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// The title of a column.
    Header {
        /// Column, over the whole table.
        column: usize,
    },
    /// A cell; rows are counted over the whole table and may lie beyond its end.
    Cell {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
    },
}

/// A column on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Column, over the whole table.
    pub column: usize,
    /// Left edge on screen.
    pub x: u16,
    /// Width on screen; the last one may be cut.
    pub width: u16,
}

/// The geometry of a table in an area: gutter of `gutter` columns, sticky first column, then the scrolled ones; one header row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLayout {
    /// The area all of it lies in.
    pub area: Rect,
    /// Visible columns from left to right.
    pub slots: Vec<Slot>,
    /// Whether columns are hidden between the first one and the others.
    pub hidden_left: bool,
    /// Whether columns are hidden at the right, or the last one is cut.
    pub hidden_right: bool,
    offset: usize,
}

impl TableLayout {
    /// Lays out the table as the widget does with `gutter` [`super::GUTTER_WIDTH`], and moves `state.column_offset` so that the selected column is on screen.
    #[must_use]
    pub fn new(area: Rect, columns: &[Column<'_>], gutter: u16, state: &mut TableState) -> Self {
        state.column_offset = state.column_offset.max(1);
        if state.column > 0 {
            state.column_offset = state.column_offset.min(state.column);
        }
        let mut layout = Self::at(area, columns, gutter, state.column_offset, state.offset);
        while state.column_offset < state.column && !layout.shows_whole(state.column, columns) {
            state.column_offset += 1;
            layout = Self::at(area, columns, gutter, state.column_offset, state.offset);
        }
        layout
    }

    fn at(area: Rect, columns: &[Column<'_>], gutter: u16, column_offset: usize, offset: usize) -> Self {
        let order = (0..columns.len().min(1)).chain(column_offset.max(1)..columns.len());
        let mut slots = Vec::new();
        let mut x = area.x.saturating_add(gutter.min(area.width.saturating_sub(1)));
        let mut hidden_right = false;
        for column in order {
            let left = area.right().saturating_sub(x);
            if left == 0 {
                hidden_right = true;
                break;
            }
            let wished = columns[column].width.max(1);
            // The sticky column leaves room for at least a part of another one.
            let most = if column == 0 && columns.len() > 1 && area.width >= 12 { area.width / 2 } else { left };
            let width = wished.min(most).min(left);
            hidden_right |= width < wished && column > 0;
            slots.push(Slot { column, x, width });
            x = x.saturating_add(width).saturating_add(1);
        }
        Self { area, slots, hidden_left: column_offset > 1, hidden_right, offset }
    }

    fn shows_whole(&self, column: usize, columns: &[Column<'_>]) -> bool {
        self.slots.iter().any(|slot| slot.column == column && slot.width >= columns[column].width.max(1))
    }

    /// Returns the number of data rows that fit below the header.
    #[must_use]
    pub fn height(&self) -> usize {
        usize::from(self.area.height.saturating_sub(1))
    }

    /// Returns what lies under a point of the screen.
    #[must_use]
    pub fn hit(&self, x: u16, y: u16) -> Option<Hit> {
        if !self.area.contains((x, y).into()) {
            return None;
        }
        let slot = self.slots.iter().rev().find(|slot| slot.x <= x).or(self.slots.first())?;
        let column = slot.column;
        Some(match y - self.area.y {
            0 => Hit::Header { column },
            below => Hit::Cell { row: self.offset + usize::from(below) - 1, column },
        })
    }
}
