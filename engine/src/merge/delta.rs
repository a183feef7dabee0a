//! What a merge does to one table: which rows come, change and go. Ids and places of rows, not the rows themselves.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder, UInt8Builder, UInt64Builder};
use arrow::datatypes::{UInt8Type, UInt64Type};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use super::conflict::Side;
use crate::error::Result;
use crate::write::{Spool, SpoolError, SpoolWriter};

/// Entries written at once.
const BATCH: usize = 8192;

/// What happens to a row of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowStep {
    /// It comes: the target has no row with its id.
    Append,
    /// It takes the place of the one with its id.
    Update,
    /// It goes.
    Delete,
}

/// One row that comes, changes or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) step: RowStep,
    /// Where the new row is: on which side, and its address in the table there. Meaningless for a row that goes.
    pub(super) from: (Side, u64),
    /// Address in the last common commit of the row that it replaces or that goes, if it was found there.
    pub(super) before: Option<u64>,
}

/// How many rows come, change and go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) appends: u64,
    pub(super) updates: u64,
    pub(super) deletes: u64,
}

impl Counts {
    pub(super) fn add(&mut self, step: RowStep) {
        *self.of(step) += 1;
    }

    pub(super) fn remove(&mut self, step: RowStep) {
        *self.of(step) -= 1;
    }

    fn of(&mut self, step: RowStep) -> &mut u64 {
        match step {
            RowStep::Append => &mut self.appends,
            RowStep::Update => &mut self.updates,
            RowStep::Delete => &mut self.deletes,
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.appends + self.updates + self.deletes
    }
}

/// The entries of one table, in a temporary file. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Delta {
    spool: Spool,
    pub(super) counts: Counts,
}

/// Entries on their way into a [`Delta`].
pub(super) struct DeltaWriter {
    file: SpoolWriter,
    ids: StringBuilder,
    steps: UInt8Builder,
    sides: UInt8Builder,
    rows: UInt64Builder,
    before: UInt64Builder,
    waiting: usize,
    counts: Counts,
}

fn schema() -> SchemaRef {
    let field = |name, kind| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        field("id", DataType::Utf8),
        field("step", DataType::UInt8),
        field("side", DataType::UInt8),
        field("row", DataType::UInt64),
        Field::new("before", DataType::UInt64, true),
    ]))
}

impl DeltaWriter {
    pub(super) fn create() -> Result<Self, SpoolError> {
        Ok(Self {
            file: SpoolWriter::create(schema())?,
            ids: StringBuilder::new(),
            steps: UInt8Builder::new(),
            sides: UInt8Builder::new(),
            rows: UInt64Builder::new(),
            before: UInt64Builder::new(),
            waiting: 0,
            counts: Counts::default(),
        })
    }

    pub(super) fn push(&mut self, entry: &Entry) -> Result<(), SpoolError> {
        let (side, row) = entry.from;
        self.ids.append_value(&entry.id);
        self.steps.append_value(entry.step as u8);
        self.sides.append_value(side as u8);
        self.rows.append_value(row);
        self.before.append_option(entry.before);
        self.counts.add(entry.step);
        self.waiting += 1;
        if self.waiting >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), SpoolError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.ids.finish()),
            Arc::new(self.steps.finish()),
            Arc::new(self.sides.finish()),
            Arc::new(self.rows.finish()),
            Arc::new(self.before.finish()),
        ];
        self.waiting = 0;
        self.file.write(&RecordBatch::try_new(schema(), columns).expect("the columns are those of the schema"))
    }

    pub(super) fn finish(mut self) -> Result<Delta, SpoolError> {
        if self.waiting > 0 {
            self.flush()?;
        }
        Ok(Delta { spool: self.file.finish()?, counts: self.counts })
    }
}

impl Delta {
    /// Nothing comes, changes or goes.
    pub(super) fn none() -> Result<Self, SpoolError> {
        DeltaWriter::create()?.finish()
    }

    /// Reads the entries, some thousands at a time.
    pub(super) fn entries(&self) -> BoxStream<'static, Result<Vec<Entry>>> {
        self.spool.batches().map_ok(|batch| entries(&batch)).boxed()
    }

    /// As [`Delta::entries`], without those of some ids.
    pub(super) fn entries_without(&self, ids: Arc<HashSet<String>>) -> BoxStream<'static, Result<Vec<Entry>>> {
        let kept = move |mut entries: Vec<Entry>| {
            entries.retain(|entry| !ids.contains(&entry.id));
            entries
        };
        self.entries().map_ok(kept).boxed()
    }
}

fn entries(batch: &RecordBatch) -> Vec<Entry> {
    let ids = batch["id"].as_string::<i32>();
    let (steps, sides) = (batch["step"].as_primitive::<UInt8Type>(), batch["side"].as_primitive::<UInt8Type>());
    let rows = batch["row"].as_primitive::<UInt64Type>();
    let before = batch["before"].as_primitive::<UInt64Type>();
    let entry = |at: usize| Entry {
        id: ids.value(at).to_owned(),
        step: match steps.value(at) {
            0 => RowStep::Append,
            1 => RowStep::Update,
            _ => RowStep::Delete,
        },
        from: (
            match sides.value(at) {
                0 => Side::Base,
                1 => Side::Source,
                _ => Side::Target,
            },
            rows.value(at),
        ),
        before: before.is_valid(at).then(|| before.value(at)),
    };
    (0..batch.num_rows()).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn entries_are_read_as_they_were_written() {
        let mut writer = DeltaWriter::create().unwrap();
        let mut expected = Vec::new();
        for number in 0..20_000_u64 {
            let step = [RowStep::Append, RowStep::Update, RowStep::Delete][(number % 3) as usize];
            let side = [Side::Base, Side::Source, Side::Target][(number % 7 % 3) as usize];
            let before = (number % 5 > 0).then_some(number + 1);
            expected.push(Entry { id: number.to_string(), step, from: (side, number), before });
            writer.push(&expected[expected.len() - 1]).unwrap();
        }
        let delta = writer.finish().unwrap();
        assert_eq!((delta.counts.appends, delta.counts.updates, delta.counts.deletes), (6667, 6667, 6666));
        let read: Vec<Vec<Entry>> = delta.entries().try_collect().await.unwrap();
        assert_eq!(read.concat(), expected);
        let left_out = Arc::new((0..19_999_u64).map(|number| number.to_string()).collect());
        let left: Vec<Vec<Entry>> = delta.entries_without(left_out).try_collect().await.unwrap();
        assert_eq!(left.concat(), expected[19_999..]);
    }
}
