//! Files that hold the rows of one table in columns → blocks of rows.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray, StringBuilder, new_null_array};
use arrow::compute::filter_record_batch;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::block::{BLOCK_BYTES, BLOCK_ROWS, Block, Found, Outlet, Places, Tally, batch};
use super::header::Header;
use super::input::{TableFile, TableFormat};
use super::key;
use super::messages::Messages;
use crate::clock::Clock;
use crate::constraint::Place;
use crate::error::Result;
use crate::schema::Catalog;

/// Rows as a file has them.
struct Opened {
    format: TableFormat,
    schema: SchemaRef,
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
}

/// Reads a file. What is wrong with it as a whole stands at record 0.
///
/// # Errors
/// If nobody takes the rows, or the load is cancelled.
pub(super) fn read_table<'c>(
    catalog: &'c Catalog,
    input: u32,
    file: TableFile,
    clock: &dyn Clock,
    outlet: &Outlet<'c>,
    tally: &mut Tally<'_>,
) -> Result<()> {
    let whole = Place { input, record: 0 };
    let opened = Header::table(catalog, &file.table).and_then(|table| Ok((table, open(file.file)?)));
    let (table, opened) = match opened {
        Ok(opened) => opened,
        Err(reason) => return outlet.problem(whole, reason),
    };
    let header = match Header::find(table, &opened.schema) {
        Ok(header) => header,
        Err(reasons) => {
            return reasons
                .into_iter()
                .try_for_each(|reason| outlet.problem(whole, format!("{}: {reason}", table.name())));
        }
    };
    outlet.send(Found::Table(table))?;
    let mut next = Place { input, record: 1 };
    let Opened { format, mut batches, .. } = opened;
    while let Some(rows) = caught(|| batches.next().transpose()).transpose() {
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => return outlet.problem(next, unreadable(format, &error)),
        };
        for rows in parts(&rows) {
            if let Some(block) = block(&header, &rows, next, clock, outlet)? {
                outlet.send(Found::Rows(block))?;
            }
            next.record += rows.num_rows() as u64;
            tally.add(rows.num_rows())?;
        }
    }
    Ok(())
}

fn open(mut file: File) -> Result<Opened, String> {
    let mut start = Vec::new();
    let read = (&mut file).take(TableFormat::MARK_BYTES as u64).read_to_end(&mut start);
    read.and_then(|_| file.rewind()).map_err(|error| format!("it cannot be read: {error}"))?;
    let format = TableFormat::of(&start).ok_or("it is neither Parquet nor Arrow IPC")?;
    let opened = caught(|| match format {
        TableFormat::Parquet => open_parquet(file),
        TableFormat::ArrowFile => Messages::of_file(file).map(|batches| arrow(format, batches)),
        TableFormat::ArrowStream => Messages::of_stream(file).map(|batches| arrow(format, batches)),
    });
    opened.map_err(|error| unreadable(format, &error))
}

fn arrow(format: TableFormat, batches: Messages) -> Opened {
    Opened { format, schema: batches.schema(), batches: Box::new(batches) }
}

/// What a reader gives. Some panic where the bytes of a file are wrong, which is a fault of the file.
fn caught<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    // The reader is not used any more after an error, so it does not matter what state it is left in.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ArrowError::ParseError("its bytes contradict each other".to_owned())))
}

fn open_parquet(file: File) -> Result<Opened, ArrowError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let groups = builder.metadata().row_groups();
    let total_bytes: i64 = groups.iter().map(parquet::file::metadata::RowGroupMetaData::total_byte_size).sum();
    let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let batch_rows = rows_of_a_block(rows, usize::try_from(total_bytes).unwrap_or(usize::MAX));
    let schema = builder.schema().clone();
    let batches = builder.with_batch_size(batch_rows).build()?;
    Ok(Opened { format: TableFormat::Parquet, schema, batches: Box::new(batches) })
}

fn unreadable(format: TableFormat, error: &ArrowError) -> String {
    format!("it cannot be read as {format}: {error}")
}

/// How many rows of that size make a block.
fn rows_of_a_block(rows: usize, size_bytes: usize) -> usize {
    let average = size_bytes.checked_div(rows).unwrap_or(0);
    BLOCK_BYTES.checked_div(average).unwrap_or(BLOCK_ROWS).clamp(1, BLOCK_ROWS)
}

/// A batch in parts of the size of a block.
fn parts(rows: &RecordBatch) -> impl Iterator<Item = RecordBatch> + '_ {
    let step = rows_of_a_block(rows.num_rows(), rows.get_array_memory_size());
    let starts = (0..rows.num_rows()).step_by(step);
    starts.map(move |start| rows.slice(start, step.min(rows.num_rows() - start)))
}

/// The rows as a block, without those that have no right id or ends; none if that leaves nothing.
fn block<'c>(
    header: &Header<'c>,
    rows: &RecordBatch,
    first: Place,
    clock: &dyn Clock,
    outlet: &Outlet<'c>,
) -> Result<Option<Block<'c>>> {
    let table = header.table;
    let place = |row: usize| Place { record: first.record + row as u64, ..first };
    let mut refused = Refused { reasons: Vec::new(), kept: vec![true; rows.num_rows()] };
    let columns = columns(header, rows, clock, &mut refused);
    let Refused { reasons, kept } = refused;
    for (row, reason) in reasons {
        outlet.problem(place(row), format!("{}: {reason}", table.name()))?;
    }
    let (columns, has_given_ids) = match columns {
        Ok(columns) => columns,
        Err(reason) => {
            outlet.problem(first, format!("{}: {reason}", table.name()))?;
            return Ok(None);
        }
    };
    let mut places = Places::default();
    for row in (0..rows.num_rows()).filter(|&row| kept[row]) {
        places.push(place(row));
    }
    if places.len() == 0 {
        return Ok(None);
    }
    let mut rows = batch(&header.schema, columns);
    if kept.contains(&false) {
        rows = filter_record_batch(&rows, &BooleanArray::from(kept)).expect("there is a flag for every row");
    }
    Ok(Some(Block { table, rows, places, has_given_ids }))
}

/// What is wrong with rows, and which are rows all the same.
struct Refused {
    reasons: Vec<(usize, String)>,
    kept: Vec<bool>,
}

impl Refused {
    fn row(&mut self, row: usize, reason: String) {
        self.kept[row] = false;
        self.reasons.push((row, reason));
    }
}

/// The columns of the table, and whether some ids were given.
///
/// # Errors
/// What is wrong with a column as a whole.
fn columns(
    header: &Header<'_>,
    rows: &RecordBatch,
    clock: &dyn Clock,
    refused: &mut Refused,
) -> Result<(Vec<ArrayRef>, bool), String> {
    let properties = properties(header, rows, &mut refused.reasons)?;
    let (ids, has_given_ids) = ids(header, rows, &properties, clock, refused)?;
    let mut columns: Vec<ArrayRef> = vec![Arc::new(ids)];
    for end in &header.ends {
        let ends = end.texts(rows)?;
        for row in (0..ends.len()).filter(|&row| ends.is_null(row)) {
            refused.row(row, format!("{} must be the id of a node, not null", end.name));
        }
        columns.push(Arc::new(ends));
    }
    columns.extend(properties);
    Ok((columns, has_given_ids))
}

fn properties(
    header: &Header<'_>,
    rows: &RecordBatch,
    reasons: &mut Vec<(usize, String)>,
) -> Result<Vec<ArrayRef>, String> {
    let properties = header.table.properties().iter().zip(&header.properties);
    let converted = properties.map(|(property, column)| {
        let name = &property.name;
        let Some((at, conversion)) = column else {
            return Ok(new_null_array(property.arrow_field().data_type(), rows.num_rows()));
        };
        let mut tell = |row, reason| reasons.push((row, format!("{name}: {reason}")));
        conversion.apply(rows.column(*at), &mut tell).map_err(|error| format!("{name}: {error}"))
    });
    converted.collect()
}

/// The ids of the rows, and whether some of them were given.
fn ids(
    header: &Header<'_>,
    rows: &RecordBatch,
    properties: &[ArrayRef],
    clock: &dyn Clock,
    refused: &mut Refused,
) -> Result<(StringArray, bool), String> {
    let given = header.id.as_ref().map(|id| id.texts(rows)).transpose()?;
    let key = header.key.map(|(at, name)| (&properties[at], &header.table.properties()[at].prop_type, name));
    let mut ids = StringBuilder::new();
    let mut has_given_ids = key.is_some();
    for row in 0..rows.num_rows() {
        let given = given.as_ref().filter(|given| given.is_valid(row)).map(|given| given.value(row));
        let id = match &key {
            _ if given == Some("") => Err("id must be a text that is not empty, not \"\"".to_owned()),
            None => Ok(given.map(Cow::Borrowed)),
            Some((keys, _, name)) if keys.is_null(row) => Err(format!("{name} is required: it is the key")),
            Some((keys, kind, name)) => match (key::id_text(keys, row), given) {
                (text, None) => Ok(Some(text)),
                (text, Some(given)) if text == given => Ok(Some(text)),
                (_, Some(given)) if key::stands_for(kind, given, &keys.slice(row, 1)) => Ok(Some(given.into())),
                (_, Some(_)) => Err(format!("its id is not its key {name}")),
            },
        };
        has_given_ids |= given.is_some();
        match id {
            Ok(Some(id)) => ids.append_value(id),
            Ok(None) => ids.append_value(clock.next_id().to_string()),
            Err(reason) => {
                ids.append_value("");
                refused.row(row, reason);
            }
        }
    }
    Ok((ids.finish(), has_given_ids))
}
