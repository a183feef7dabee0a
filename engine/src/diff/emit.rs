//! Compared rows → items of the stream, counted.

use super::compare::compare;
use super::{DiffFilter, DiffItem, RowChange, RowOp, TableDiff, Way};
use crate::error::Result;
use crate::id::TableKey;
use crate::stream::Sender;
use crate::value::Row;

/// Sends the changes of one table.
pub(super) struct Emitter<'a> {
    sender: &'a Sender<DiffItem>,
    filter: &'a DiffFilter,
    table: TableKey,
    counts: [u64; 3],
}

impl<'a> Emitter<'a> {
    pub(super) fn new(sender: &'a Sender<DiffItem>, filter: &'a DiffFilter, table: TableKey) -> Self {
        Self { sender, filter, table, counts: [0; 3] }
    }

    /// Takes all rows that carry one id.
    pub(super) async fn rows(&mut self, id: &str, before: Vec<Row>, after: Vec<Row>) -> Result<()> {
        for change in compare(before, after) {
            if !self.filter.wants_op(change.op) {
                continue;
            }
            self.counts[change.op as usize] += 1;
            let (table, id) = (self.table.clone(), id.to_owned());
            let change = RowChange {
                table,
                id,
                op: change.op,
                before: change.before,
                after: change.after,
                columns: change.columns,
            };
            self.sender.send(DiffItem::Row(Box::new(change))).await?;
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
        self.sender.send(DiffItem::Table(totals)).await
    }
}
