//! Selection and scrolling of a table, without a screen.
//!
//! Rows and columns are numbered over the whole table, from 0. The selection is kept in the table and in view by
//! [`TableState::settle`], which the caller runs when the data or the height changes.

use std::ops::Range;

/// Where the user is in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableState {
    /// Selected row; 0 in an empty table.
    pub row: usize,
    /// Selected column.
    pub column: usize,
    /// First visible row.
    pub offset: usize,
    /// First visible column besides the sticky first one, from 1 on; 0 means the same as 1.
    pub column_offset: usize,
}

/// A step of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Movement {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One column to the left.
    Left,
    /// One column to the right.
    Right,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// The first column.
    FirstColumn,
    /// The last column.
    LastColumn,
    /// Half a screen up.
    HalfPageUp,
    /// Half a screen down.
    HalfPageDown,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
}

impl TableState {
    /// Moves the selection in a table of `rows` × `columns` of which `height` rows are visible; returns whether it moved.
    pub fn step(&mut self, movement: Movement, rows: usize, columns: usize, height: usize) -> bool {
        let before = (self.row, self.column);
        let (page, half) = (height.max(1), (height / 2).max(1));
        match movement {
            Movement::Up => self.row = self.row.saturating_sub(1),
            Movement::Down => self.row = self.row.saturating_add(1),
            Movement::Left => self.column = self.column.saturating_sub(1),
            Movement::Right => self.column = self.column.saturating_add(1),
            Movement::First => self.row = 0,
            Movement::Last => self.row = usize::MAX,
            Movement::FirstColumn => self.column = 0,
            Movement::LastColumn => self.column = usize::MAX,
            Movement::HalfPageUp => self.row = self.row.saturating_sub(half),
            Movement::HalfPageDown => self.row = self.row.saturating_add(half),
            Movement::PageUp => self.row = self.row.saturating_sub(page),
            Movement::PageDown => self.row = self.row.saturating_add(page),
        }
        self.settle(rows, columns, height);
        before != (self.row, self.column)
    }

    /// Brings the selection into the table and the visible rows around the selection.
    pub fn settle(&mut self, rows: usize, columns: usize, height: usize) {
        self.row = self.row.min(rows.saturating_sub(1));
        self.column = self.column.min(columns.saturating_sub(1));
        self.column_offset = self.column_offset.min(columns.saturating_sub(1));
        self.offset = self.offset.min(rows.saturating_sub(height.max(1))).min(self.row);
        self.offset = self.offset.max((self.row + 1).saturating_sub(height.max(1)));
    }

    /// Returns the rows that are visible in `height` rows: what the caller must hand to the widget.
    #[must_use]
    pub fn visible(&self, rows: usize, height: usize) -> Range<usize> {
        let start = self.offset.min(rows);
        start..start.saturating_add(height).min(rows)
    }

    /// Scrolls by `rows_down` without leaving the table; the selection follows only when it would leave the screen.
    pub fn scroll(&mut self, rows_down: isize, rows: usize, height: usize) {
        let last = rows.saturating_sub(height.max(1));
        self.offset = self.offset.saturating_add_signed(rows_down).min(last);
        let bottom = self.offset.saturating_add(height.max(1) - 1).min(rows.saturating_sub(1));
        self.row = self.row.clamp(self.offset.min(bottom), bottom);
    }
}
