//! The commits that changed one row, newest first, each with its cells.

use stratigraph_engine::diff::{RowHistoryItem, RowOp, RowVersion};
use stratigraph_engine::{CommitId, Row, TableKey, Value};

use crate::cursor::Cursor;
use crate::message::Failure;

/// How far a read that streams is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Progress {
    /// More may arrive.
    #[default]
    Reading,
    /// Everything arrived.
    Done,
    /// It was stopped; what arrived stays.
    Stopped,
    /// It failed; what arrived stays.
    Failed(Failure),
}

/// The history of a row on view.
#[derive(Debug)]
pub(super) struct HistoryView {
    /// Table of the row.
    pub(super) table: TableKey,
    /// The row.
    pub(super) id: String,
    /// The branch whose history is walked.
    pub(super) branch: String,
    /// What was found, newest first, with short ids.
    pub(super) items: Vec<(String, RowHistoryItem)>,
    /// How far it is.
    pub(super) progress: Progress,
    /// The selected line.
    pub(super) cursor: Cursor,
}

/// A line of the view.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum HistoryLine<'a> {
    /// A commit that changed the row.
    Commit(&'a str, &'a RowVersion),
    /// A cell: name, value before, value after.
    Cell(&'a str, Option<&'a Value>, Option<&'a Value>),
    /// Older commits cannot be told.
    Ended(&'a str, &'a str),
}

impl HistoryView {
    /// A history that is about to be read.
    pub(super) fn new(table: TableKey, id: String, branch: String) -> Self {
        Self { table, id, branch, items: Vec::new(), progress: Progress::Reading, cursor: Cursor::default() }
    }

    /// All lines from top to bottom.
    pub(super) fn lines(&self) -> Vec<HistoryLine<'_>> {
        let mut lines = Vec::new();
        for (short_id, item) in &self.items {
            match item {
                RowHistoryItem::Changed(version) => {
                    lines.push(HistoryLine::Commit(short_id, version));
                    lines.extend(cells(version));
                }
                RowHistoryItem::Ended { reason, .. } => lines.push(HistoryLine::Ended(short_id, reason)),
            }
        }
        lines
    }

    /// Number of commits found.
    pub(super) fn commits(&self) -> usize {
        self.items.iter().filter(|(_, item)| matches!(item, RowHistoryItem::Changed(_))).count()
    }

    /// The commit of the selected line.
    pub(super) fn commit(&self) -> Option<CommitId> {
        let lines = self.lines();
        lines.iter().take(self.cursor.row + 1).rev().find_map(|line| match line {
            HistoryLine::Commit(_, version) => Some(version.commit.id),
            HistoryLine::Cell(..) | HistoryLine::Ended(..) => None,
        })
    }

    /// The line of the next commit, or of the former one.
    pub(super) fn neighbor(&self, forward: bool) -> Option<usize> {
        let lines = self.lines();
        let mut commits =
            lines.iter().enumerate().filter(|(_, line)| matches!(line, HistoryLine::Commit(..))).map(|(at, _)| at);
        if forward {
            commits.find(|&at| at > self.cursor.row)
        } else {
            commits.take_while(|&at| at < self.cursor.row).last()
        }
    }
}

/// Changed cells of an update; the cells with a value of a row that came or went.
fn cells(version: &RowVersion) -> Vec<HistoryLine<'_>> {
    fn get<'r>(row: Option<&'r Row>, name: &str) -> Option<&'r Value> {
        row.and_then(|row| row.get(name))
    }
    match version.op {
        RowOp::Updated => version
            .columns
            .iter()
            .map(|name| HistoryLine::Cell(name, get(version.before.as_ref(), name), get(version.after.as_ref(), name)))
            .collect(),
        RowOp::Inserted => {
            filled(version.after.as_ref()).map(|(name, value)| HistoryLine::Cell(name, None, Some(value))).collect()
        }
        RowOp::Deleted => {
            filled(version.before.as_ref()).map(|(name, value)| HistoryLine::Cell(name, Some(value), None)).collect()
        }
    }
}

fn filled(row: Option<&Row>) -> impl Iterator<Item = (&str, &Value)> {
    row.into_iter().flat_map(Row::iter).filter(|(name, value)| *name != "id" && !value.is_null())
}
