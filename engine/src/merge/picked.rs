//! The rows that a merge writes to one table, read where they are.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use super::compose::{CellRow, Composed};
use super::conflict::Side;
use super::delta::{Counts, Delta, Entry, RowStep};
use super::lookup::addresses;
use crate::error::Result;
use crate::storage::{Live, Rows, StorageError, Table, TextSet};
use crate::write::RowSource;

/// Ids that are listed one by one; more are a set.
const FEW: usize = 500;

/// What decisions make of single rows of a table; it goes before what the delta says of them.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The rows that are settled, whether or not anything is done about them.
    pub(super) ids: Arc<HashSet<String>>,
    /// Rows of one of the sides that come or change, and rows that go.
    pub(super) entries: Vec<Entry>,
    /// Rows made of cells.
    pub(super) composed: Option<Composed>,
}

impl Settled {
    /// Rows made of cells.
    pub(super) fn cell_rows(&self) -> &[CellRow] {
        self.composed.as_ref().map(Composed::rows).unwrap_or_default()
    }
}

/// Everything a merge does to one table. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct TableRows {
    /// The table on each side that has rows which are taken.
    pub(super) tables: Arc<BTreeMap<Side, Table>>,
    /// Columns of the table, as the schema has them.
    pub(super) schema: SchemaRef,
    pub(super) delta: Delta,
    pub(super) settled: Arc<Settled>,
}

impl TableRows {
    /// Reads what happens to each row.
    pub(super) fn entries(&self) -> BoxStream<'static, Result<Vec<Entry>>> {
        let settled = futures::stream::iter([Ok(self.settled.entries.clone())]);
        let delta = if self.settled.ids.is_empty() {
            self.delta.entries()
        } else {
            self.delta.entries_without(self.settled.ids.clone())
        };
        delta.chain(settled).boxed()
    }

    /// How many rows come, change and go.
    pub(super) async fn counts(&self) -> Result<Counts> {
        let mut counts = self.delta.counts;
        if !self.settled.ids.is_empty() {
            let mut entries = self.delta.entries();
            while let Some(entries) = entries.try_next().await? {
                let settled = entries.iter().filter(|entry| self.settled.ids.contains(&entry.id));
                settled.for_each(|entry| counts.remove(entry.step));
            }
        }
        self.settled.entries.iter().for_each(|entry| counts.add(entry.step));
        self.settled.cell_rows().iter().for_each(|row| counts.add(row.step));
        Ok(counts)
    }

    /// Reads the rows that take one of these steps, as batches of a schema whose columns are among those of the table.
    ///
    /// # Errors
    /// In the stream: [`StorageError::Table`] if rows are not of that schema; those of the entries and of reading.
    pub(super) fn rows(
        &self,
        steps: &'static [RowStep],
        schema: &SchemaRef,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let picked = |(&side, table): (&Side, &Table)| {
            let of_side = move |entries: Vec<Entry>| -> Vec<u64> {
                let picked = entries.iter().filter(|entry| steps.contains(&entry.step) && entry.from.0 == side);
                picked.map(|entry| entry.from.1).collect()
            };
            let (path, schema) = (table.uri().to_owned(), schema.clone());
            let picked = table.pick(self.entries().map_ok(of_side).boxed(), &columns);
            picked.map(move |batch| Ok(conform(&batch?, &schema, &path)?)).boxed()
        };
        let picked: Vec<_> = self.tables.iter().map(picked).collect();
        let path = self.tables.get(&Side::Target).map(Table::uri).unwrap_or_default().to_owned();
        let schema = schema.clone();
        let composed = self.settled.composed.as_ref().map(|composed| composed.batches(steps, &schema));
        let composed = futures::stream::iter(composed).flatten();
        let composed = composed.map(move |batch| Ok(conform(&batch?, &schema, &path)?));
        futures::stream::iter(picked).flatten().chain(composed).boxed()
    }

    /// The addresses in the target of the rows that are replaced or go. Where the target has a file of the last common commit, a
    /// row that is live in it is at the same address; the others are looked for by their ids.
    pub(super) async fn replaced(&self, step: RowStep) -> Result<Vec<u64>> {
        let Some(target) = self.tables.get(&Side::Target) else { return Ok(Vec::new()) };
        let shared = self.tables.get(&Side::Base).map(|base| base.shared_fragments(target)).unwrap_or_default();
        let (mut found, mut unknown, mut live) = (Vec::new(), HashSet::new(), Live::of(target));
        let mut entries = self.entries();
        while let Some(entries) = entries.try_next().await? {
            for entry in entries.into_iter().filter(|entry| entry.step == step) {
                match entry.before.filter(|before| shared.contains(&(before >> 32))) {
                    Some(before) if live.has(before).await? => found.push(before),
                    Some(_) | None => drop(unknown.insert(entry.id)),
                }
            }
        }
        let composed = self.settled.cell_rows().iter().filter(|row| row.step == step);
        unknown.extend(composed.map(|row| row.id.clone()));
        found.extend(addresses(target, &unknown).await?.into_values());
        Ok(found)
    }

    /// The rows that take a step, to be written.
    pub(super) fn source(&self, step: RowStep) -> Box<dyn RowSource> {
        Box::new(OneStep { rows: self.clone(), step })
    }
}

/// A set of ids that can be asked for one by one if they are few.
pub(super) fn text_set(ids: HashSet<String>) -> TextSet {
    let few = (ids.len() <= FEW).then(|| ids.iter().cloned().collect());
    TextSet::new(few, move |id| ids.contains(id))
}

/// The columns of a batch under a schema: what a table stores may be of another one than the graph's.
pub(super) fn conform(batch: &RecordBatch, schema: &SchemaRef, path: &str) -> Result<RecordBatch, StorageError> {
    let other_schema = |error: ArrowError| StorageError::Table {
        path: path.to_owned(),
        corrupt: true,
        source: format!("its rows are not of the graph's schema: {error}").into(),
    };
    RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).map_err(other_schema)
}

#[derive(Debug)]
struct OneStep {
    rows: TableRows,
    step: RowStep,
}

impl RowSource for OneStep {
    fn to_rows(&self) -> Rows {
        let steps: &'static [RowStep] = match self.step {
            RowStep::Append => &[RowStep::Append],
            RowStep::Update => &[RowStep::Update],
            RowStep::Delete => &[],
        };
        Rows::stream(self.rows.schema.clone(), self.rows.rows(steps, &self.rows.schema))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int32Array, Int64Array};
    use arrow_schema::{DataType, Field, Schema};

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn rows_of_another_schema_are_told_with_their_table() {
        let schema = Arc::new(Schema::new(vec![Field::new("age", DataType::Int32, false)]));
        let batch = |ages: ArrayRef| RecordBatch::try_from_iter_with_nullable([("age", ages, true)]).unwrap();
        let conformed = conform(&batch(Arc::new(Int32Array::from(vec![1]))), &schema, "/g/nodes/a").unwrap();
        assert_eq!(conformed.schema(), schema);
        let others: [ArrayRef; 2] = [Arc::new(Int64Array::from(vec![1])), Arc::new(Int32Array::from(vec![None]))];
        for ages in others {
            let error = conform(&batch(ages), &schema, "/g/nodes/a").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(error.to_string(), "cannot read or write table /g/nodes/a");
            assert!(cause.starts_with("its rows are not of the graph's schema: "), "{cause}");
        }
    }
}
