//! Rows on their way from the reader to the file of their table.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use arrow::array::{ArrayRef, RecordBatch};
use arrow_schema::{Schema, SchemaRef};

use super::problem::LoadError;
use crate::constraint::Place;
use crate::error::Result;
use crate::progress::Progress;
use crate::schema::TableType;

/// Rows of a block at most, and about how many bytes.
pub(super) const BLOCK_ROWS: usize = 8192;
pub(super) const BLOCK_BYTES: usize = 8 << 20;

/// Rows of one table, in the order of the input.
pub(super) struct Block<'c> {
    pub(super) table: TableType<'c>,
    /// `id`, for an edge `src` and `dst`, then the properties; each may have nulls.
    pub(super) rows: RecordBatch,
    pub(super) places: Places,
    /// Whether some ids were given and not made.
    pub(super) has_given_ids: bool,
}

/// What a reader finds.
pub(super) enum Found<'c> {
    /// Rows.
    Rows(Block<'c>),
    /// An input is rows of a table, of which there may be none.
    Table(TableType<'c>),
    /// Something is wrong.
    Problem(Place, String),
}

/// Where a reader puts what it finds.
pub(super) struct Outlet<'c>(pub(super) SyncSender<Found<'c>>);

impl<'c> Outlet<'c> {
    /// Hands on what was found; waits while there is much of it.
    ///
    /// # Errors
    /// If nobody takes it any more. The reason is known there, so this error is seen by nobody.
    pub(super) fn send(&self, found: Found<'c>) -> Result<()> {
        let gone = |_| LoadError::Reading { reason: "nobody takes the rows".to_owned() };
        Ok(self.0.send(found).map_err(gone)?)
    }

    pub(super) fn problem(&self, place: Place, reason: impl Into<String>) -> Result<()> {
        self.send(Found::Problem(place, reason.into()))
    }
}

/// How many records were read.
pub(super) struct Tally<'p> {
    progress: &'p Progress,
    done: u64,
    told: u64,
}

impl<'p> Tally<'p> {
    pub(super) fn new(progress: &'p Progress) -> Self {
        Self { progress, done: 0, told: 0 }
    }

    /// Counts records.
    ///
    /// # Errors
    /// If the load is cancelled.
    pub(super) fn add(&mut self, records: usize) -> Result<()> {
        self.done += records as u64;
        if self.done - self.told >= BLOCK_ROWS as u64 {
            self.told = self.done;
            self.progress.check()?;
            self.progress.advance(self.done, None, "records");
        }
        Ok(())
    }

    pub(super) fn finish(self) {
        self.progress.advance(self.done, Some(self.done), "records");
    }
}

/// The columns of a table, allowed to be null until it is known that they are not.
pub(super) fn nullable(table: TableType<'_>) -> SchemaRef {
    let schema = table.arrow_schema();
    let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

/// A batch of the columns of a table.
pub(super) fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(schema.clone(), columns).expect("the columns are those of the schema")
}

/// Where rows come from; rows that follow each other in an input take no room.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// First row and place of every run.
    runs: Vec<(usize, Place)>,
    rows: usize,
}

impl Places {
    /// Adds the place of the next row.
    pub(super) fn push(&mut self, place: Place) {
        let goes_on = self.runs.last().is_some_and(|&(row, first)| {
            first.input == place.input && first.record + (self.rows - row) as u64 == place.record
        });
        if !goes_on {
            self.runs.push((self.rows, place));
        }
        self.rows += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Where a row comes from.
    pub(super) fn at(&self, row: usize) -> Place {
        let run = self.runs.partition_point(|&(first, _)| first <= row) - 1;
        let (first, Place { input, record }) = self.runs[run];
        Place { input, record: record + (row - first) as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_were_added() {
        let mut places = Places::default();
        let added: Vec<Place> = [(0, 1), (0, 2), (0, 4), (1, 5), (1, 6), (1, 7), (0, 8)]
            .map(|(input, record)| Place { input, record })
            .into();
        for &place in &added {
            places.push(place);
        }
        assert_eq!((0..places.len()).map(|row| places.at(row)).collect::<Vec<_>>(), added);
        assert_eq!(places.runs.len(), 4);
    }
}
