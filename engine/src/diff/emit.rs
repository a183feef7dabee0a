//! Compared rows → items of the stream, counted.

use std::borrow::Borrow;

use super::compare::compare;
use super::{DiffFilter, DiffItem, RowChange, RowOp, TableDiff, Way};
use crate::error::Result;
use crate::id::TableKey;
use crate::stream::Sender;
use crate::value::Row;

/// A row, and its address in the version of the table that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) row: Row,
    pub(crate) address: u64,
}

impl Borrow<Row> for Located {
    fn borrow(&self) -> &Row {
        &self.row
    }
}

/// A changed row and where it is on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) table: TableKey,
    pub(crate) id: String,
    pub(crate) op: RowOp,
    pub(crate) before: Option<Located>,
    pub(crate) after: Option<Located>,
    pub(crate) columns: Vec<String>,
    /// Several rows of one side have the id, which breaks the rule that ids are unique.
    pub(crate) is_repeated: bool,
}

/// One item of a comparison: a [`DiffItem`] that knows where the rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compared {
    Row(Box<Changed>),
    Table(TableDiff),
}

impl From<Compared> for DiffItem {
    fn from(item: Compared) -> Self {
        match item {
            Compared::Row(changed) => {
                let Changed { table, id, op, before, after, columns, is_repeated: _ } = *changed;
                let (before, after) = (before.map(|before| before.row), after.map(|after| after.row));
                Self::Row(Box::new(RowChange { table, id, op, before, after, columns }))
            }
            Compared::Table(totals) => Self::Table(totals),
        }
    }
}

/// Sends the changes of one table.
pub(super) struct Emitter<'a> {
    sender: &'a Sender<Compared>,
    filter: &'a DiffFilter,
    table: TableKey,
    counts: [u64; 3],
}

impl<'a> Emitter<'a> {
    pub(super) fn new(sender: &'a Sender<Compared>, filter: &'a DiffFilter, table: TableKey) -> Self {
        Self { sender, filter, table, counts: [0; 3] }
    }

    /// Takes all rows that carry one id.
    pub(super) async fn rows(&mut self, id: &str, before: Vec<Located>, after: Vec<Located>) -> Result<()> {
        let is_repeated = before.len() > 1 || after.len() > 1;
        for change in compare(before, after) {
            if !self.filter.wants_op(change.op) {
                continue;
            }
            self.counts[change.op as usize] += 1;
            let changed = Changed {
                table: self.table.clone(),
                id: id.to_owned(),
                op: change.op,
                before: change.before,
                after: change.after,
                columns: change.columns,
                is_repeated,
            };
            self.sender.send(Compared::Row(Box::new(changed))).await?;
        }
        Ok(())
    }

    /// Ends the table.
    pub(super) async fn finish(self, way: Way) -> Result<()> {
        let count = |op: RowOp| self.counts[op as usize];
        let totals = TableDiff {
            inserted: count(RowOp::Inserted),
            updated: count(RowOp::Updated),
            deleted: count(RowOp::Deleted),
            way,
            table: self.table.clone(),
        };
        self.sender.send(Compared::Table(totals)).await
    }
}
