//! A table beside itself at another position: same columns, rows joined by id, changed cells marked.
//!
//! Rows that are equal come from the pages of the position being read; the differences come from the engine's diff, which
//! does not depend on how many pages were loaded. Differences below the loaded pages follow after a gap, so that jumping
//! from difference to difference never has to read the rows in between.

mod columns;

use std::sync::Arc;

use stratigraph_engine::diff::{RowChange, RowOp};
use stratigraph_engine::{Row, TableKey, Value};
use stratigraph_widgets::data_table::RowMark;

use super::grid::Grid;
use super::request::{Opened, Page};
use super::row_history::Progress;
use crate::action::Motion;
use crate::rows::Counts;
use columns::Columns;

/// A comparison on view.
#[derive(Debug)]
pub(super) struct CompareView {
    /// The table.
    pub(super) table: TableKey,
    /// The other position as it was asked for.
    pub(super) asked: String,
    /// The other position, once found.
    pub(super) other: Option<Box<Opened>>,
    /// Rows of the position being read, in order of id, and the cursor.
    pub(super) grid: Grid,
    /// Whether there are rows after those in memory.
    pub(super) more: bool,
    /// Differences in order of id.
    pub(super) changes: Vec<RowChange>,
    /// Whether there are more differences than are kept.
    pub(super) cut: bool,
    /// How far the differences are.
    pub(super) progress: Progress,
    columns: Columns,
    counts: Counts,
    lines: Vec<Line>,
    /// The line that stands for rows that are not loaded.
    gap: Option<usize>,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// A row that is equal on both sides (index into the rows).
    Same(usize),
    /// A row that only the other position has (index into the differences).
    Deleted(usize),
    /// A row that the other position does not have.
    Inserted(usize),
    /// An updated row as the other position has it.
    Before(usize),
    /// The same as the position being read has it; below its `Before`.
    After(usize),
    /// Rows that are not loaded.
    Gap,
}

impl CompareView {
    /// A comparison that is about to be made.
    pub(super) fn new(table: TableKey, asked: String) -> Self {
        Self {
            table,
            asked,
            other: None,
            grid: Grid::default(),
            more: true,
            changes: Vec::new(),
            cut: false,
            progress: Progress::Reading,
            columns: Columns::default(),
            counts: Counts::default(),
            lines: vec![Line::Gap],
            gap: Some(0),
        }
    }

    /// Takes a page of rows.
    pub(super) fn take_page(&mut self, page: Page) {
        let state = self.grid.state;
        if self.grid.columns().is_empty() {
            self.grid = Grid::new(page.columns.iter().cloned());
        }
        self.grid.push(page.rows);
        self.grid.state = state;
        self.columns.follow(&self.grid);
        self.more = page.more;
        self.rebuild();
    }

    /// Takes differences.
    pub(super) fn take_changes(&mut self, changes: Vec<RowChange>) {
        for change in changes {
            for row in [&change.before, &change.after].into_iter().flatten() {
                self.columns.add(row);
            }
            self.counts.add(change.op);
            self.changes.push(change);
        }
        self.rebuild();
    }

    /// All lines from top to bottom.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The id after which the next page starts, if the cursor comes near a gap.
    pub(super) fn next_page(&self, height: usize) -> Option<String> {
        let gap = self.gap?;
        let near = self.grid.state.row <= gap && self.grid.state.row + height.max(1) >= gap;
        let last = self.grid.rows().last()?.get("id")?.as_text()?;
        (near && self.more).then(|| last.to_owned())
    }

    /// Merges rows and differences by id. The line under the cursor stays under it.
    fn rebuild(&mut self) {
        let selected = self.lines.get(self.grid.state.row).copied();
        let selected_id = selected.and_then(|line| self.line_id(line)).map(str::to_owned);
        let rows = self.grid.rows();
        let mut lines = Vec::with_capacity(rows.len() + self.changes.len());
        let mut changes = self.changes.iter().enumerate().peekable();
        for (at, row) in rows.iter().enumerate() {
            let id = row.get("id").and_then(Value::as_text).unwrap_or("");
            while let Some((index, change)) = changes.next_if(|(_, change)| *change.id < *id) {
                push_change(&mut lines, index, change.op);
            }
            match changes.next_if(|(_, change)| *change.id == *id) {
                Some((index, change)) => push_change(&mut lines, index, change.op),
                None => lines.push(Line::Same(at)),
            }
        }
        let gap = self.more.then_some(lines.len());
        lines.extend(gap.map(|_| Line::Gap));
        for (index, change) in changes {
            push_change(&mut lines, index, change.op);
        }
        (self.lines, self.gap) = (lines, gap);
        if let Some(id) = selected_id
            && let Some(at) = self.lines.iter().position(|line| self.line_id(*line) == Some(&id))
        {
            self.grid.state.row = at;
        }
    }

    fn line_id(&self, line: Line) -> Option<&str> {
        match line {
            Line::Same(at) => self.grid.rows().get(at)?.get("id")?.as_text(),
            Line::Deleted(at) | Line::Inserted(at) | Line::Before(at) | Line::After(at) => {
                self.changes.get(at).map(|change| change.id.as_str())
            }
            Line::Gap => None,
        }
    }

    /// Id of the row under the cursor.
    pub(super) fn id(&self) -> Option<&str> {
        self.line_id(*self.lines.get(self.grid.state.row)?)
    }

    /// The row a line shows, and its change.
    pub(super) fn row(&self, line: Line) -> (Option<&Row>, Option<&RowChange>) {
        let change = |at: usize| self.changes.get(at);
        match line {
            Line::Same(at) => (self.grid.rows().get(at), None),
            Line::Deleted(at) | Line::Before(at) => (change(at).and_then(|change| change.before.as_ref()), change(at)),
            Line::Inserted(at) | Line::After(at) => (change(at).and_then(|change| change.after.as_ref()), change(at)),
            Line::Gap => (None, None),
        }
    }

    /// Names of the columns: those of the rows, then those that only differences have.
    pub(super) fn columns(&self) -> &[Arc<str>] {
        self.columns.names()
    }

    /// Per column: width in cells, and whether it holds numbers.
    pub(super) fn widths(&self) -> &[(usize, bool)] {
        self.columns.widths()
    }

    /// Moves; false if the motion leads nowhere.
    pub(super) fn motion(&mut self, motion: Motion, height: usize) -> bool {
        let (lines, columns) = (self.lines.len(), self.columns().len());
        self.grid.state.step(motion.into(), lines, columns, height)
    }

    /// Goes to the next changed cell, inserted or deleted row; or to the former one.
    pub(super) fn jump(&mut self, forward: bool, height: usize) -> bool {
        let here = (self.grid.state.row, self.grid.state.column);
        let places = |at: usize| self.places(at);
        let next = if forward {
            (here.0..self.lines.len()).flat_map(places).find(|place| *place > here)
        } else {
            let upto = self.lines.len().min(here.0 + 1);
            (0..upto).rev().flat_map(|at| places(at).into_iter().rev()).find(|place| *place < here)
        };
        if let Some((row, column)) = next {
            self.grid.state.row = row;
            self.grid.state.column = column;
            self.grid.state.settle(self.lines.len(), self.columns().len(), height);
        }
        next.is_some()
    }

    /// Places to jump to in a line, from left to right: every changed cell, or the first one of a row of one side.
    fn places(&self, at: usize) -> Vec<(usize, usize)> {
        let columns = match self.lines[at] {
            Line::Inserted(_) | Line::Deleted(_) => vec![0],
            Line::After(change) => {
                let changed = |name: &str| self.changes[change].columns.iter().any(|column| column == name);
                (0..self.columns().len()).filter(|&column| changed(&self.columns()[column])).collect()
            }
            Line::Same(_) | Line::Before(_) | Line::Gap => Vec::new(),
        };
        columns.into_iter().map(|column| (at, column)).collect()
    }

    /// Inserted, updated and deleted rows so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }
}

fn push_change(lines: &mut Vec<Line>, index: usize, op: RowOp) {
    match op {
        RowOp::Inserted => lines.push(Line::Inserted(index)),
        RowOp::Deleted => lines.push(Line::Deleted(index)),
        RowOp::Updated => lines.extend([Line::Before(index), Line::After(index)]),
    }
}

/// The sign in front of a line.
pub(super) fn mark(line: Line) -> RowMark {
    match line {
        Line::Same(_) | Line::Gap => RowMark::None,
        Line::Deleted(_) => RowMark::Deleted,
        Line::Inserted(_) => RowMark::Inserted,
        Line::Before(_) => RowMark::Updated,
        Line::After(_) => RowMark::After,
    }
}

/// Whether a column of a line is marked as changed.
pub(super) fn is_changed(change: Option<&RowChange>, column: &str) -> bool {
    change.is_some_and(|change| change.op == RowOp::Updated && change.columns.iter().any(|name| name == column))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, age: i64) -> Row {
        Row::new(["id", "age"].map(Arc::from).into(), vec![id.into(), Value::Int(age)])
    }

    fn change(id: &str, op: RowOp) -> RowChange {
        let (before, after) = (row(id, 1), row(id, 2));
        let table = "node:Person".parse().expect("valid");
        let columns = if op == RowOp::Updated { vec!["age".to_owned()] } else { Vec::new() };
        RowChange { table, id: id.to_owned(), op, before: Some(before), after: Some(after), columns }
    }

    fn view(more: bool) -> CompareView {
        let mut view = CompareView::new("node:Person".parse().expect("valid"), "main".to_owned());
        let columns = ["id", "age"].map(Arc::from).into();
        view.take_page(Page { columns, rows: ["a", "b", "d"].map(|id| row(id, 2)).into(), first: true, more });
        view
    }

    #[test]
    fn rows_join_by_id_and_the_rest_follows_a_gap() {
        let mut compare = view(true);
        compare.take_changes(vec![
            change("b", RowOp::Updated),
            change("c", RowOp::Deleted),
            change("d", RowOp::Inserted),
            change("x", RowOp::Updated),
        ]);
        let expected = [
            Line::Same(0),
            Line::Before(0),
            Line::After(0),
            Line::Deleted(1),
            Line::Inserted(2),
            Line::Gap,
            Line::Before(3),
            Line::After(3),
        ];
        assert_eq!(compare.lines(), expected);
        assert_eq!(compare.counts(), Counts { inserted: 1, updated: 2, deleted: 1 });
    }

    #[test]
    fn jumps_visit_every_difference_and_come_back() {
        let mut compare = view(false);
        compare.take_changes(vec![change("b", RowOp::Updated), change("c", RowOp::Deleted)]);
        let mut seen = Vec::new();
        while compare.jump(true, 5) {
            seen.push((compare.grid.state.row, compare.grid.state.column));
        }
        assert_eq!(seen, [(2, 1), (3, 0)]);
        assert!(compare.jump(false, 5));
        assert_eq!((compare.grid.state.row, compare.grid.state.column), (2, 1));
        assert!(!compare.jump(false, 5));
    }

    #[test]
    fn the_cursor_keeps_its_row_while_differences_arrive() {
        let mut compare = view(false);
        compare.grid.state.row = 2;
        assert_eq!(compare.id(), Some("d"));
        compare.take_changes(vec![change("a", RowOp::Updated)]);
        assert_eq!((compare.id(), compare.grid.state.row), (Some("d"), 3));
    }

    #[test]
    fn a_column_of_one_side_is_a_column() {
        let mut compare = view(false);
        let mut extra = change("c", RowOp::Deleted);
        extra.before = Some(Row::new(["id", "old"].map(Arc::from).into(), vec!["c".into(), Value::Null]));
        compare.take_changes(vec![extra]);
        let columns: Vec<String> = compare.columns().iter().map(ToString::to_string).collect();
        assert_eq!(columns, ["id", "age", "old"]);
    }
}
