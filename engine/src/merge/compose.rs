//! Rows that decisions make of cells, composed in bounded batches wherever they are read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_empty_array};
use arrow::compute::{concat_batches, interleave};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use super::conflict::Side;
use super::delta::RowStep;
use super::error::MergeError;
use super::picked::conform;
use crate::error::Result;
use crate::id::TableKey;
use crate::schema::TableType;
use crate::storage::{ID, StorageError, Table};
use crate::value::Value;

/// Rows composed at once, if their types do not tell that fewer are enough.
const CHUNK: usize = 512;
/// Rows with blobs that are composed at once: how large they are is not known before they are read.
const CHUNK_WITH_BLOBS: usize = 4;

/// The states that cells come from, by their place in [`Composed::tables`]; further last common commits follow.
pub(super) const SIDES: [Side; 3] = [Side::Base, Side::Source, Side::Target];

/// Where a cell comes from that a decision names.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    From(Side),
    /// A value that a person wrote, as an array of one row.
    Written(ArrayRef),
}

/// A row that a decision makes of cells.
#[derive(Debug, Clone)]
pub(super) struct CellRow {
    pub(super) id: String,
    pub(super) step: RowStep,
    /// The address in each of [`Composed::tables`].
    pub(super) at: Vec<Option<u64>>,
    /// Cells that are named, by column.
    pub(super) cells: BTreeMap<String, Cell>,
    /// Where the other cells come from; none is the side that changed them.
    pub(super) rest: Option<Side>,
    /// The decision, from 0.
    pub(super) decision: usize,
}

/// All rows of a table that decisions make of cells. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Composed {
    table_key: TableKey,
    /// Base, source and target, and the table in further last common commits; none where it is not there.
    tables: Arc<[Option<Table>]>,
    /// The columns of the table. What a rule requires is told as a conflict and not refused here.
    schema: SchemaRef,
    rows: Arc<[CellRow]>,
}

impl Composed {
    pub(super) fn new(
        kind: TableType<'_>,
        by_side: &BTreeMap<Side, Table>,
        other_bases: Vec<Option<Table>>,
        rows: Vec<CellRow>,
    ) -> Self {
        let sides = SIDES.iter().map(|side| by_side.get(side).cloned());
        let fields = kind.arrow_schema();
        let fields = fields.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        Self {
            table_key: kind.key(),
            tables: sides.chain(other_bases).collect(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            rows: rows.into(),
        }
    }

    pub(super) fn rows(&self) -> &[CellRow] {
        &self.rows
    }

    /// Composes every row once, to see whether it can be done.
    ///
    /// # Errors
    /// [`MergeError::Value`] for a cell that cannot be; storage errors.
    pub(super) async fn check(&self) -> Result<()> {
        let mut batches = self.batches(&[RowStep::Append, RowStep::Update], &self.schema);
        while batches.try_next().await?.is_some() {}
        Ok(())
    }

    /// Composes the rows that take one of these steps, in columns among those of the table.
    ///
    /// # Errors
    /// In the stream: as [`Self::check`].
    pub(super) fn batches(
        &self,
        steps: &'static [RowStep],
        schema: &SchemaRef,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let wanted: Vec<usize> = (0..self.rows.len()).filter(|row| steps.contains(&self.rows[*row].step)).collect();
        let chunks: Vec<Vec<usize>> = wanted.chunks(self.at_once(schema)).map(<[usize]>::to_vec).collect();
        let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let columns = Arc::new(Schema::new(fields));
        let composed = self.clone();
        let compose = move |chunk: Vec<usize>| {
            let (composed, columns) = (composed.clone(), columns.clone());
            async move { composed.chunk(&chunk, &columns).await }
        };
        futures::stream::iter(chunks).then(compose).boxed()
    }

    fn at_once(&self, schema: &SchemaRef) -> usize {
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let of_table = |table: &Table| match table.blob_columns(&names).is_empty() {
            true => table.rows_at_once(&names).min(CHUNK),
            false => CHUNK_WITH_BLOBS,
        };
        self.tables.iter().flatten().map(of_table).min().unwrap_or(CHUNK)
    }

    async fn chunk(&self, rows: &[usize], columns: &SchemaRef) -> Result<RecordBatch> {
        let rows: Vec<&CellRow> = rows.iter().map(|row| &self.rows[*row]).collect();
        let mut states = Vec::with_capacity(self.tables.len());
        for (place, table) in self.tables.iter().enumerate() {
            let addresses: Vec<u64> = rows.iter().filter_map(|row| row.at[place]).collect();
            states.push(match table {
                Some(table) if !addresses.is_empty() => State::read(table, addresses, columns).await?,
                Some(_) | None => State::default(),
            });
        }
        let mut composed = Vec::with_capacity(columns.fields().len());
        for (at, field) in columns.fields().iter().enumerate() {
            let mut column = Cells::of(field.name(), &new_empty_array(field.data_type()), &states, at);
            for row in &rows {
                column.add(row).map_err(|reason| self.wrong(row, field.name(), reason))?;
            }
            let column = column.finish().map_err(|error| self.wrong(rows[0], field.name(), error.to_string()))?;
            composed.push(column);
        }
        RecordBatch::try_new(columns.clone(), composed)
            .map_err(|error| self.wrong(rows[0], ID, error.to_string()).into())
    }

    fn wrong(&self, row: &CellRow, column: &str, reason: String) -> MergeError {
        MergeError::Value {
            number: row.decision + 1,
            table_key: self.table_key.clone(),
            id: row.id.clone(),
            column: column.to_owned(),
            reason,
        }
    }
}

/// Rows of one state.
#[derive(Default)]
struct State {
    rows: Option<RecordBatch>,
    by_id: HashMap<String, usize>,
}

impl State {
    async fn read(table: &Table, addresses: Vec<u64>, columns: &SchemaRef) -> Result<Self> {
        let mut names: Vec<String> = columns.fields().iter().map(|field| field.name().clone()).collect();
        // The id tells which row it is.
        if !names.iter().any(|name| name == ID) {
            names.push(ID.to_owned());
        }
        let mut picked = table.pick(Box::pin(futures::stream::iter([Ok(addresses)])), &names);
        let (mut batches, mut by_id) = (Vec::new(), HashMap::new());
        while let Some(batch) = picked.try_next().await? {
            for id in batch[ID].as_string::<i32>().iter().flatten() {
                by_id.insert(id.to_owned(), by_id.len());
            }
            let known: Vec<usize> = (0..columns.fields().len()).collect();
            let batch = batch.project(&known).expect("the wanted columns come first");
            batches.push(conform(&batch, columns, table.uri())?);
        }
        let too_large = |error: ArrowError| StorageError::Table {
            path: table.uri().to_owned(),
            corrupt: false,
            source: format!("its rows cannot be put together: {error}").into(),
        };
        Ok(Self { rows: Some(concat_batches(columns, &batches).map_err(too_large)?), by_id })
    }
}

/// One column of composed rows.
struct Cells<'s> {
    name: &'s str,
    states: &'s [State],
    /// The column in every state, then what was written.
    arrays: Vec<ArrayRef>,
    /// Where each row's cell is in the arrays.
    picked: Vec<(usize, usize)>,
}

impl<'s> Cells<'s> {
    fn of(name: &'s str, none: &ArrayRef, states: &'s [State], at: usize) -> Self {
        let column = |state: &State| state.rows.as_ref().map_or_else(|| none.clone(), |rows| rows.column(at).clone());
        Self { name, states, arrays: states.iter().map(column).collect(), picked: Vec::new() }
    }

    fn add(&mut self, row: &CellRow) -> Result<(), String> {
        let cell = match row.cells.get(self.name) {
            Some(Cell::From(side)) => {
                self.cell(place(*side), row).ok_or_else(|| format!("{} has no such row", name(*side)))?
            }
            Some(Cell::Written(value)) => {
                self.arrays.push(value.clone());
                (self.arrays.len() - 1, 0)
            }
            None => match row.rest.and_then(|side| self.cell(place(side), row)) {
                Some(cell) => cell,
                None => self.unnamed(row)?,
            },
        };
        self.picked.push(cell);
        Ok(())
    }

    fn cell(&self, state: usize, row: &CellRow) -> Option<(usize, usize)> {
        row.at[state]?;
        Some((state, *self.states[state].by_id.get(&row.id)?))
    }

    /// The cell of the side that changed it since every last common commit; of the target if none did, or of the only side that
    /// has the row.
    fn unnamed(&self, row: &CellRow) -> Result<(usize, usize), String> {
        let cell = |state| self.cell(state, row);
        let (source, target) = match (cell(place(Side::Source)), cell(place(Side::Target))) {
            (Some(source), Some(target)) => (source, target),
            (Some(one), None) | (None, Some(one)) => return Ok(one),
            (None, None) => return cell(place(Side::Base)).ok_or_else(|| "no side has the row".to_owned()),
        };
        let value = |(array, row): (usize, usize)| Value::from_array(&self.arrays[array], row);
        let (from_source, from_target) = (value(source), value(target));
        if from_source == from_target {
            return Ok(target);
        }
        let bases: Vec<usize> =
            (0..self.states.len()).filter(|state| ![Side::Source, Side::Target].map(place).contains(state)).collect();
        let was = |side: &Value| bases.iter().all(|base| cell(*base).map(value).as_ref() == Some(side));
        match (was(&from_source), was(&from_target)) {
            (true, _) => Ok(target),
            (false, true) => Ok(source),
            (false, false) if bases.len() > 1 => {
                Err("the last common commits do not all tell which side changed it: say which one it is".to_owned())
            }
            (false, false) => Err("both sides have another value: say which one it is".to_owned()),
        }
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        let arrays: Vec<&dyn Array> = self.arrays.iter().map(AsRef::as_ref).collect();
        interleave(&arrays, &self.picked)
    }
}

/// The place of a side in [`Composed::tables`].
fn place(side: Side) -> usize {
    SIDES.iter().position(|it| *it == side).expect("one of three")
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Base => "the last common commit",
        Side::Source => "the source",
        Side::Target => "the target",
    }
}
