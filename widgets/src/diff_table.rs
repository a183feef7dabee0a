//! Row changes: inserted, updated, deleted, with before over after.
//!
//! An inserted or deleted row takes one line (`+`, `-`), an updated one two: the row before (`~`) over the row after, tied to
//! it by a sign, with the changed cells marked in both. Drawing, movement and hit-testing are those of [`crate::data_table`];
//! its rows are the *lines* counted here.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::StatefulWidget;

use crate::data_table::{CellText, Column, DataTable, Row, RowMark, TableState, TableStyle};
use crate::symbol::Symbols;

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiffOp {
    /// The row is new.
    Inserted,
    /// The row has other values.
    Updated,
    /// The row is gone.
    Deleted,
}

impl DiffOp {
    /// Returns the number of lines the change takes.
    #[must_use]
    pub fn lines(self) -> usize {
        match self {
            Self::Inserted | Self::Deleted => 1,
            Self::Updated => 2,
        }
    }
}

/// A changed row: cells in the order of the columns, `changed` set on the cells that differ (on either side or both).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffRow<'a> {
    /// What happened.
    pub op: DiffOp,
    /// The row before; ignored for an inserted row.
    pub before: &'a [CellText<'a>],
    /// The row after; ignored for a deleted row.
    pub after: &'a [CellText<'a>],
}

/// A place in the table: line and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, counted over all changes.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Which lines belong to which change; grows as changes stream in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffLines {
    /// First line after each change.
    ends: Vec<usize>,
}

impl DiffLines {
    /// Appends a change.
    pub fn push(&mut self, op: DiffOp) {
        self.ends.push(self.len() + op.lines());
    }

    /// Returns the number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Returns whether there is no change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the first line of a change; beyond the last change the number of lines.
    #[must_use]
    pub fn first_line(&self, change: usize) -> usize {
        match change.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(self.len()),
        }
    }

    /// Returns the change a line belongs to; `None` below the last.
    #[must_use]
    pub fn change_at(&self, line: usize) -> Option<usize> {
        let change = self.ends.partition_point(|&end| end <= line);
        (change < self.ends.len()).then_some(change)
    }

    /// Returns the changes of which a line is in `lines`: what the caller must hand to the widget.
    #[must_use]
    pub fn changes_in(&self, lines: &Range<usize>) -> Range<usize> {
        let start = self.ends.partition_point(|&end| end <= lines.start);
        if lines.is_empty() {
            return start..start;
        }
        let end = self.change_at(lines.end - 1).map_or(self.ends.len(), |last| last + 1);
        start..end.max(start)
    }
}

impl FromIterator<DiffOp> for DiffLines {
    fn from_iter<I: IntoIterator<Item = DiffOp>>(ops: I) -> Self {
        let mut lines = Self::default();
        ops.into_iter().for_each(|op| lines.push(op));
        lines
    }
}

/// Lists where the differences are, from top to bottom; `rows` start at `first_line`.
///
/// An updated row has one position per changed cell, on the line of the row after. An inserted or deleted row has one position,
/// in column 0.
pub fn differences<'r>(rows: &'r [DiffRow<'r>], first_line: usize) -> impl Iterator<Item = Position> + 'r {
    let starts = rows.iter().scan(first_line, |line, row| {
        let start = *line;
        *line += row.op.lines();
        Some((start, row))
    });
    starts.flat_map(|(start, row)| {
        let columns: Vec<usize> = match row.op {
            DiffOp::Inserted | DiffOp::Deleted => vec![0],
            DiffOp::Updated => (0..row.before.len().max(row.after.len())).filter(|&at| is_changed(row, at)).collect(),
        };
        let line = start + row.op.lines() - 1;
        columns.into_iter().map(move |column| Position { line, column })
    })
}

/// Finds the first difference after `from`; `None` if there is none below in these rows.
#[must_use]
pub fn next_difference(rows: &[DiffRow<'_>], first_line: usize, from: Position) -> Option<Position> {
    differences(rows, first_line).find(|&position| position > from)
}

/// Finds the last difference before `from`; `None` if there is none above in these rows.
#[must_use]
pub fn previous_difference(rows: &[DiffRow<'_>], first_line: usize, from: Position) -> Option<Position> {
    differences(rows, first_line).take_while(|&position| position < from).last()
}

fn is_changed(row: &DiffRow<'_>, column: usize) -> bool {
    [row.before, row.after].iter().any(|cells| cells.get(column).is_some_and(|cell| cell.changed))
}

/// The widget: columns and the visible changes, the first of which starts at line `first_line`.
#[derive(Debug, Clone, Copy)]
pub struct DiffTable<'a> {
    /// All columns.
    pub columns: &'a [Column<'a>],
    /// The visible changes ([`DiffLines::changes_in`]).
    pub rows: &'a [DiffRow<'a>],
    /// First line of the first of them; at most the state's offset.
    pub first_line: usize,
    /// Signs.
    pub symbols: &'a Symbols,
    /// Looks.
    pub style: &'a TableStyle,
}

impl StatefulWidget for &DiffTable<'_> {
    type State = TableState;

    fn render(self, area: Rect, buffer: &mut Buffer, state: &mut TableState) {
        let marked: Vec<[Vec<CellText<'_>>; 2]> = self.rows.iter().map(with_marks).collect();
        let lines = self.rows.iter().zip(&marked).flat_map(|(row, [before, after])| {
            let (first, second) = match row.op {
                DiffOp::Inserted => (Row { mark: RowMark::Inserted, cells: after }, None),
                DiffOp::Deleted => (Row { mark: RowMark::Deleted, cells: before }, None),
                DiffOp::Updated => {
                    (Row { mark: RowMark::Updated, cells: before }, Some(Row { mark: RowMark::After, cells: after }))
                }
            };
            std::iter::once(first).chain(second)
        });
        let hidden = state.offset.saturating_sub(self.first_line);
        let lines: Vec<Row<'_>> = lines.skip(hidden).take(usize::from(area.height)).collect();
        let (columns, symbols, style) = (self.columns, self.symbols, self.style);
        (&DataTable { columns, rows: &lines, sort: None, symbols, style }).render(area, buffer, state);
    }
}

/// Both sides of a change, with a cell marked on both sides if either says it changed; whole new or gone rows carry no marks.
fn with_marks<'a>(row: &DiffRow<'a>) -> [Vec<CellText<'a>>; 2] {
    let marked = |cells: &[CellText<'a>]| {
        let cells = cells.iter().enumerate();
        cells
            .map(|(at, cell)| CellText { changed: row.op == DiffOp::Updated && is_changed(row, at), ..*cell })
            .collect()
    };
    [marked(row.before), marked(row.after)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_table::CellKind;
    use crate::symbol;
    use crate::width::Align;

    const COLUMNS: [Column<'static>; 2] =
        [Column { title: "id", width: 6, align: Align::Left }, Column { title: "age", width: 5, align: Align::Right }];

    fn with_rows(test: impl Fn(&[DiffRow<'_>])) {
        let alice = [CellText::text("alice"), CellText::number("30")];
        let older = [CellText::text("alice"), CellText::number("31").changed()];
        let bob = [CellText::text("bob"), CellText::nothing(CellKind::Null)];
        test(&[
            DiffRow { op: DiffOp::Inserted, before: &[], after: &bob },
            DiffRow { op: DiffOp::Updated, before: &alice, after: &older },
            DiffRow { op: DiffOp::Deleted, before: &bob, after: &[] },
        ]);
    }

    fn draw(rows: &[DiffRow<'_>], first_line: usize, size: (u16, u16), state: &mut TableState) -> Vec<String> {
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        let style = TableStyle::no_color();
        let table = DiffTable { columns: &COLUMNS, rows, first_line, symbols: &symbol::ASCII, style: &style };
        (&table).render(area, &mut buffer, state);
        let line = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..size.1).map(line).collect()
    }

    #[test]
    fn before_stands_over_after() {
        with_rows(|rows| {
            let text = draw(rows, 0, (14, 5), &mut TableState::default());
            assert_eq!(
                text,
                ["  id       age", ">+bob    (n...", " ~alice    *30", " `alice    *31", " -bob    (n...",]
            );
        });
    }

    #[test]
    fn a_table_may_start_between_before_and_after() {
        with_rows(|rows| {
            let lines: DiffLines = rows.iter().map(|row| row.op).collect();
            let mut state = TableState { row: 2, offset: 2, ..TableState::default() };
            let changes = lines.changes_in(&state.visible(lines.len(), 2));
            assert_eq!(changes, 1..3);
            let text = draw(&rows[changes], lines.first_line(1), (8, 3), &mut state);
            assert_eq!(text[1..], [">`alice", " -bob"]);
        });
    }

    #[test]
    fn lines_and_changes_agree() {
        let lines: DiffLines = [DiffOp::Updated, DiffOp::Inserted, DiffOp::Updated].into_iter().collect();
        assert_eq!(lines.len(), 5);
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(|line| lines.change_at(line)),
            [Some(0), Some(0), Some(1), Some(2), Some(2), None]
        );
        assert_eq!([0, 1, 2, 9].map(|change| lines.first_line(change)), [0, 2, 3, 5]);
        assert_eq!(
            (lines.changes_in(&(1..3)), lines.changes_in(&(3..3)), lines.changes_in(&(4..99))),
            (0..2, 2..2, 2..3)
        );
        assert_eq!(DiffLines::default().changes_in(&(0..10)), 0..0);
    }

    #[test]
    fn jumps_go_from_difference_to_difference() {
        with_rows(|rows| {
            let found: Vec<(usize, usize)> = differences(rows, 10).map(|at| (at.line, at.column)).collect();
            assert_eq!(found, [(10, 0), (12, 1), (13, 0)]);
            let at = |line, column| Position { line, column };
            assert_eq!(next_difference(rows, 10, at(10, 0)), Some(at(12, 1)));
            assert_eq!(next_difference(rows, 10, at(13, 0)), None);
            assert_eq!(previous_difference(rows, 10, at(12, 1)), Some(at(10, 0)));
            assert_eq!(previous_difference(rows, 10, at(10, 0)), None);
        });
    }

    #[test]
    fn every_size_is_drawn() {
        with_rows(|rows| {
            for (width, height) in [(0, 0), (1, 1), (1, 4), (3, 2), (40, 1)] {
                draw(rows, 0, (width, height), &mut TableState::default());
            }
        });
    }
}
