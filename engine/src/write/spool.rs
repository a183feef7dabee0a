//! Rows on their way into a table, in a temporary file of the system: as many as there are, in little memory.
//!
//! The files have no name, so that not even a process that is killed leaves one.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::error::{Error, ErrorKind, Result};

/// Bytes that are read at once.
const PIECE: usize = 1 << 16;

/// Why rows could not be kept in a temporary file.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep rows in a temporary file in {}: {reason}; is there room in it?", std::env::temp_dir().display())]
pub struct SpoolError {
    reason: String,
}

impl SpoolError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }
}

impl From<ArrowError> for SpoolError {
    fn from(error: ArrowError) -> Self {
        Self { reason: error.to_string() }
    }
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        Self { reason: error.to_string() }
    }
}

/// A file of rows that is being written. Dropping it removes the file.
pub(crate) struct SpoolWriter {
    schema: SchemaRef,
    writer: StreamWriter<BufWriter<File>>,
    rows: u64,
}

/// A file of rows, complete. Dropping the last clone and the last stream of it removes the file.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    file: Arc<Mutex<File>>,
    schema: SchemaRef,
    rows: u64,
    /// Rows that are passed over, ascending.
    left_out: Arc<[u64]>,
}

impl SpoolWriter {
    /// Starts a file.
    pub(crate) fn create(schema: SchemaRef) -> Result<Self, SpoolError> {
        let writer = StreamWriter::try_new_buffered(tempfile::tempfile()?, &schema)?;
        Ok(Self { schema, writer, rows: 0 })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), SpoolError> {
        self.rows += batch.num_rows() as u64;
        Ok(self.writer.write(batch)?)
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<Spool, SpoolError> {
        let Self { schema, writer, rows } = self;
        let file = writer.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spool { file: Arc::new(Mutex::new(file)), schema, rows, left_out: Arc::default() })
    }
}

/// Reads a file from the start, whoever else reads it.
struct FromStart {
    file: Arc<Mutex<File>>,
    position: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.position))?;
        let read = file.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Spool {
    /// Number of rows, those that are left out included.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The same rows without some, told by their positions.
    pub(crate) fn without(mut self, mut rows: Vec<u64>) -> Self {
        rows.sort_unstable();
        self.left_out = rows.into();
        self
    }

    /// Its columns.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Reads the rows, from the start.
    pub(crate) fn batches(&self) -> BoxStream<'static, Result<RecordBatch>> {
        let bytes = BufReader::with_capacity(PIECE, FromStart { file: self.file.clone(), position: 0 });
        let reader = match StreamReader::try_new(bytes, None) {
            Ok(reader) => reader,
            Err(error) => return futures::stream::iter([Err(failed(error))]).boxed(),
        };
        let left_out = self.left_out.clone();
        let mut end = 0;
        let mut kept = move |batch: RecordBatch| {
            let start = end;
            end += batch.num_rows() as u64;
            without(&batch, start, &left_out)
        };
        futures::stream::iter(reader.map(move |batch| batch.and_then(&mut kept).map_err(failed))).boxed()
    }
}

fn failed(error: ArrowError) -> Error {
    SpoolError::from(error).into()
}

/// The batch without the rows at some positions; its first row is at `start`.
fn without(batch: &RecordBatch, start: u64, left_out: &[u64]) -> Result<RecordBatch, ArrowError> {
    let end = start + batch.num_rows() as u64;
    let first = left_out.partition_point(|&row| row < start);
    let mut dropped = left_out[first..].iter().take_while(|&&row| row < end).peekable();
    if dropped.peek().is_none() {
        return Ok(batch.clone());
    }
    let mut keep = vec![true; batch.num_rows()];
    for &row in dropped {
        keep[usize::try_from(row - start).expect("a position in the batch")] = false;
    }
    filter_record_batch(batch, &BooleanArray::from(keep))
}
