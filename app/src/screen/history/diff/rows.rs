//! The changed rows of one table: cells as text, columns, filter and cursor.

use std::sync::Arc;

use stratigraph_engine::diff::{RowChange, RowOp};
use stratigraph_engine::{Row, Value};
use stratigraph_widgets::data_table::TableState;
use stratigraph_widgets::diff_table::{DiffLines, DiffOp, Position};
use stratigraph_widgets::width::{Align, escape, width};

use super::filter::RowFilter;
use crate::action::Motion;
use crate::view::cell::cell;

/// Widest column; longer values are cut, the record shows them whole.
const WIDEST: usize = 32;

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: Arc<str>,
    pub(super) width: u16,
    pub(super) align: Align,
}

/// The changes of a table that a filter left at one moment, shared with the table.
#[derive(Debug, Clone)]
pub(super) struct Left {
    changes: Arc<Vec<RowChange>>,
    left: Arc<Vec<usize>>,
}

impl Left {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    /// The changes, in order of id.
    pub(super) fn changes(&self) -> impl Iterator<Item = &RowChange> {
        self.left.iter().map(|index| &self.changes[*index])
    }
}

/// Changes in order of id, of which a filter leaves some.
#[derive(Debug, Default)]
pub(in super::super) struct TableRows {
    /// Shared with exports, for which they are copied when more are added.
    changes: Arc<Vec<RowChange>>,
    columns: Vec<Column>,
    /// Changes left by the filter.
    left: Arc<Vec<usize>>,
    lines: DiffLines,
    state: TableState,
}

impl TableRows {
    /// Adds changes that follow the ones that are there; others are ignored.
    pub(super) fn append(&mut self, skip: usize, changes: Vec<RowChange>, filter: &RowFilter) {
        if skip != self.changes.len() {
            return;
        }
        for change in changes {
            for row in [&change.before, &change.after].into_iter().flatten() {
                self.widen(row);
            }
            Arc::make_mut(&mut self.changes).push(change);
            self.admit(self.changes.len() - 1, filter);
        }
    }

    fn admit(&mut self, index: usize, filter: &RowFilter) {
        let change = &self.changes[index];
        if filter.accepts(change) {
            Arc::make_mut(&mut self.left).push(index);
            self.lines.push(op(change.op));
        }
    }

    /// Notes the columns of a row: the id first, then both ends of an edge, then the others as they come.
    fn widen(&mut self, row: &Row) {
        for (name, value) in row.iter() {
            // One more for the sign of a changed cell.
            let wide = width(&escape(&cell(value).0)).clamp(1, WIDEST) + 1;
            let number = matches!(value, Value::Int(_) | Value::UInt(_) | Value::Float(_));
            if let Some(column) = self.columns.iter_mut().find(|column| &*column.name == name) {
                column.width = column.width.max(wide as u16);
                if number {
                    column.align = Align::Right;
                }
            } else {
                let wide = wide.max(width(name).min(WIDEST)) as u16;
                let align = if number { Align::Right } else { Align::Left };
                self.columns.push(Column { name: name.into(), width: wide, align });
            }
        }
        self.columns
            .sort_by_key(|column| ["id", "src", "dst"].iter().position(|first| **first == *column.name).unwrap_or(3));
    }

    /// Applies another filter; the cursor stays on its change if it is left.
    pub(super) fn refilter(&mut self, filter: &RowFilter) {
        let selected = self.selected_index();
        (self.left, self.lines) = (Arc::default(), DiffLines::default());
        for index in 0..self.changes.len() {
            self.admit(index, filter);
        }
        let at = selected.map_or(0, |index| self.left.partition_point(|left| *left < index));
        self.state.row = self.lines.first_line(at);
        self.settle(1);
    }

    /// Changes loaded.
    pub(in super::super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Changes left by the filter.
    pub(in super::super) fn left(&self) -> usize {
        self.left.len()
    }

    /// Lines of the changes left.
    pub(super) fn lines(&self) -> usize {
        self.lines.len()
    }

    /// Lines below the cursor.
    pub(super) fn lines_below(&self) -> usize {
        self.lines.len().saturating_sub(self.state.row + 1)
    }

    /// Which lines belong to which change.
    pub(super) fn diff_lines(&self) -> &DiffLines {
        &self.lines
    }

    /// Columns with their widths.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Cursor and scroll.
    pub(super) fn state(&self) -> TableState {
        self.state
    }

    /// Place of the selected change among those left, from 1; 0 if there is none.
    pub(in super::super) fn place(&self) -> usize {
        self.lines.change_at(self.state.row).map_or(0, |change| change + 1)
    }

    /// A change left by the filter.
    pub(super) fn change(&self, at: usize) -> Option<&RowChange> {
        self.changes.get(*self.left.get(at)?)
    }

    /// All changes left by the filter as they are now. O(1).
    pub(super) fn all_left(&self) -> Left {
        Left { changes: Arc::clone(&self.changes), left: Arc::clone(&self.left) }
    }

    fn selected_index(&self) -> Option<usize> {
        self.left.get(self.lines.change_at(self.state.row)?).copied()
    }

    /// The selected change.
    pub(in super::super) fn selected(&self) -> Option<&RowChange> {
        self.changes.get(self.selected_index()?)
    }

    /// The selected cell as text: of the older row on its line, of the newer one on all others.
    pub(in super::super) fn selected_cell(&self) -> Option<(Arc<str>, String)> {
        let change = self.selected()?;
        let column = self.columns.get(self.state.column)?;
        let upper = change.op == RowOp::Updated
            && self.lines.change_at(self.state.row + 1) == self.lines.change_at(self.state.row);
        let row = if upper { change.before.as_ref() } else { change.after.as_ref().or(change.before.as_ref()) };
        Some((column.name.clone(), row?.get(&column.name)?.to_string()))
    }

    fn settle(&mut self, height: usize) {
        self.state.settle(self.lines.len(), self.columns.len(), height);
    }

    /// Moves the cursor in a pane of `height` lines, header included. False if it did not move.
    pub(super) fn motion(&mut self, motion: Motion, height: usize) -> bool {
        let (rows, columns) = (self.lines.len(), self.columns.len());
        self.state.step(motion.into(), rows, columns, height.saturating_sub(1))
    }

    /// Selects a line.
    pub(super) fn select_line(&mut self, line: usize, height: usize) {
        self.state.row = line;
        self.settle(height.saturating_sub(1));
    }

    /// Selects the first or last change.
    pub(super) fn go_to_end(&mut self, first: bool, height: usize) {
        let at = if first { 0 } else { self.left.len().saturating_sub(1) };
        let end = if first { self.positions(at).first().copied() } else { self.positions(at).last().copied() };
        if let Some(position) = end {
            self.go(position, height);
        }
    }

    /// Goes to the next or former changed cell. False if there is none.
    pub(super) fn next_difference(&mut self, forward: bool, height: usize) -> bool {
        let here = Position { line: self.state.row, column: self.state.column };
        let Some(at) = self.lines.change_at(self.state.row) else { return false };
        let found = if forward {
            (at..self.left.len()).find_map(|at| self.positions(at).into_iter().find(|place| *place > here))
        } else {
            (0..=at).rev().find_map(|at| self.positions(at).into_iter().rev().find(|place| *place < here))
        };
        found.map(|position| self.go(position, height)).is_some()
    }

    fn go(&mut self, position: Position, height: usize) {
        (self.state.row, self.state.column) = (position.line, position.column);
        self.settle(height.saturating_sub(1));
    }

    /// Changed cells of a change: each of an updated row, the first of another.
    fn positions(&self, at: usize) -> Vec<Position> {
        let Some(change) = self.change(at) else { return Vec::new() };
        let line = self.lines.first_line(at) + op(change.op).lines() - 1;
        let columns: Vec<usize> = match change.op {
            RowOp::Inserted | RowOp::Deleted => vec![0],
            RowOp::Updated => (0..self.columns.len()).filter(|at| changed(change, &self.columns[*at].name)).collect(),
        };
        columns.into_iter().map(|column| Position { line, column }).collect()
    }
}

/// Whether a column of an updated row differs.
pub(super) fn changed(change: &RowChange, column: &str) -> bool {
    change.columns.iter().any(|name| name == column)
}

/// The operation as the widget has it.
pub(super) fn op(op: RowOp) -> DiffOp {
    match op {
        RowOp::Inserted => DiffOp::Inserted,
        RowOp::Updated => DiffOp::Updated,
        RowOp::Deleted => DiffOp::Deleted,
    }
}
