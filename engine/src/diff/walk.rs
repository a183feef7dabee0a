//! The ordered walk: both sides read by id and merged.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::UInt64Type;
use futures::{StreamExt, TryStreamExt};

use super::emit::{Emitter, Located};
use crate::error::Result;
use crate::progress::Progress;
use crate::read::{Blobs, RowStream};
use crate::storage::{ID, ROW_ADDRESS, Sorted, Table};
use crate::value::Row;

/// Rows between two reports.
const REPORT_ROWS: u64 = 8192;

/// Compares all rows of both sides; a missing side has none.
pub(super) async fn walk(
    from: Option<&Table>,
    to: Option<&Table>,
    emitter: &mut Emitter<'_>,
    progress: &Progress,
) -> Result<()> {
    let (mut from, mut to) = (Side::open(from).await?, Side::open(to).await?);
    let mut done = 0;
    loop {
        let order = match (from.id().await?, to.id().await?) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => before.cmp(after),
        };
        let next = if order == Ordering::Greater { &to } else { &from };
        let id = next.current().expect("the side that is not at its end has a row").to_owned();
        let before = if order == Ordering::Greater { Vec::new() } else { from.group(&id).await? };
        let after = if order == Ordering::Less { Vec::new() } else { to.group(&id).await? };
        done += before.len().max(after.len()) as u64;
        if done % REPORT_ROWS == 0 {
            progress.check()?;
            progress.advance(done, None, "rows");
        }
        emitter.rows(&id, before, after).await?;
    }
}

/// One side, at its next row.
struct Side {
    batches: Option<RowStream>,
    batch: Option<Batch>,
}

struct Batch {
    rows: RecordBatch,
    ids: StringArray,
    addresses: UInt64Array,
    columns: Arc<[Arc<str>]>,
    next: usize,
}

impl Side {
    async fn open(table: Option<&Table>) -> Result<Self> {
        let Some(table) = table else { return Ok(Self { batches: None, batch: None }) };
        let mut columns: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
        columns.push(ROW_ADDRESS.to_owned());
        let batches = table.sorted(&Sorted { columns, blobs: Blobs::Digested, ..Sorted::default() }).await?;
        Ok(Self { batches: Some(batches.map_err(Into::into).boxed()), batch: None })
    }

    /// The id of the next row, after reading a batch if need be.
    async fn id(&mut self) -> Result<Option<&str>> {
        while self.current().is_none() {
            let Some(batches) = &mut self.batches else { return Ok(None) };
            match batches.try_next().await? {
                Some(mut rows) => {
                    let ids = rows[ID].as_string::<i32>().clone();
                    let addresses = rows.remove_column(rows.num_columns() - 1).as_primitive::<UInt64Type>().clone();
                    self.batch = Some(Batch { columns: Row::columns_of(&rows), ids, addresses, rows, next: 0 });
                }
                None => self.batches = None,
            }
        }
        Ok(self.current())
    }

    fn current(&self) -> Option<&str> {
        self.batch.as_ref().filter(|batch| batch.next < batch.ids.len()).map(|batch| batch.ids.value(batch.next))
    }

    /// Takes all rows with an id.
    async fn group(&mut self, id: &str) -> Result<Vec<Located>> {
        let mut rows = Vec::with_capacity(1);
        while self.id().await? == Some(id) {
            if let Some(batch) = &mut self.batch {
                let row = Row::from_batch(&batch.columns, &batch.rows, batch.next);
                rows.push(Located { row, address: batch.addresses.value(batch.next) });
                batch.next += 1;
            }
        }
        Ok(rows)
    }
}
