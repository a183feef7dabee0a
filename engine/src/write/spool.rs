//! Rows on their way into a table, in a temporary file of the system: as many as there are, in little memory.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::Rows;

/// Why rows could not be kept in a temporary file.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot keep rows in the temporary file {path}: {reason}; is there room in the system's folder for such files?"
)]
pub struct SpoolError {
    path: String,
    reason: String,
}

impl SpoolError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }
}

/// A file of rows that is being written. Dropping it removes the file.
pub(crate) struct SpoolWriter {
    file: TemporaryFile,
    schema: SchemaRef,
    writer: StreamWriter<BufWriter<File>>,
    rows: u64,
}

/// A file of rows, complete. Dropping the last clone removes the file.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    file: Arc<TemporaryFile>,
    schema: SchemaRef,
    rows: u64,
    /// Rows that are passed over, ascending.
    left_out: Arc<[u64]>,
}

#[derive(Debug)]
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!("cannot remove the temporary file {}: {error}", self.0.display());
        }
    }
}

impl SpoolWriter {
    /// Starts a file in `folder`, called `name`.
    pub(crate) fn create(folder: &Path, name: &str, schema: SchemaRef) -> Result<Self, SpoolError> {
        let path = folder.join(name);
        let failed = |reason: String| SpoolError { path: path.display().to_string(), reason };
        let file = File::create_new(&path).map_err(|error| failed(error.to_string()))?;
        let kept = TemporaryFile(path.clone());
        let writer = StreamWriter::try_new_buffered(file, &schema).map_err(|error| failed(error.to_string()))?;
        Ok(Self { file: kept, schema, writer, rows: 0 })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), SpoolError> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|error| self.file.failed(&error))
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<Spool, SpoolError> {
        self.writer.finish().map_err(|error| self.file.failed(&error))?;
        Ok(Spool { file: Arc::new(self.file), schema: self.schema, rows: self.rows, left_out: Arc::default() })
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

    /// The rows, to be written.
    pub(crate) fn to_rows(&self) -> Rows {
        Rows::stream(self.schema.clone(), self.batches())
    }

    /// Reads the rows, from the start. The file must outlive the stream.
    pub(crate) fn batches(&self) -> BoxStream<'static, Result<RecordBatch>> {
        let file = &self.file;
        let opened = File::open(&file.0)
            .map_err(|error| SpoolError { path: file.0.display().to_string(), reason: error.to_string() });
        let reader = opened.and_then(|opened| {
            StreamReader::try_new(BufReader::new(opened), None).map_err(|error| file.failed(&error))
        });
        let path = file.0.display().to_string();
        let left_out = self.left_out.clone();
        match reader {
            Ok(reader) => {
                let failed =
                    move |error: ArrowError| Error::from(SpoolError { path: path.clone(), reason: error.to_string() });
                let mut end = 0;
                let mut kept = move |batch: RecordBatch| {
                    let start = end;
                    end += batch.num_rows() as u64;
                    without(&batch, start, &left_out)
                };
                futures::stream::iter(reader.map(move |batch| batch.and_then(&mut kept).map_err(&failed))).boxed()
            }
            Err(error) => futures::stream::iter([Err(error.into())]).boxed(),
        }
    }
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

impl TemporaryFile {
    fn failed(&self, error: &ArrowError) -> SpoolError {
        SpoolError { path: self.0.display().to_string(), reason: error.to_string() }
    }
}
