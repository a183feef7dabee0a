//! Batches into a file of each form.

use std::fs::File;
use std::io::{BufWriter, Write};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use stratigraph_engine::{ErrorKind, Progress, Row};

use crate::export::Format;
use crate::message::Failure;
use crate::rows::{TextForm, readable, readable_schema};

/// What a Parquet row group may hold before it is written out.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Batches one after the other, all of the same schema.
pub(super) type Batches<'a> = &'a mut dyn Iterator<Item = Result<RecordBatch, Failure>>;

/// Writes all batches and returns the number of rows; `total` is that number if it is known before.
///
/// `schema` names the columns where there are no rows.
pub(super) fn write(
    schema: &SchemaRef,
    batches: Batches<'_>,
    total: Option<u64>,
    format: Format,
    file: File,
    progress: &Progress,
) -> Result<u64, Failure> {
    match format {
        Format::Parquet => parquet(schema, batches, total, file, progress),
        Format::Csv => text(TextForm::Csv, schema, batches, total, file, progress),
        Format::JsonLines => text(TextForm::JsonLines, schema, batches, total, file, progress),
        Format::Markdown => text(TextForm::Markdown, schema, batches, total, file, progress),
    }
}

fn text(
    form: TextForm,
    schema: &SchemaRef,
    batches: Batches<'_>,
    total: Option<u64>,
    file: File,
    progress: &Progress,
) -> Result<u64, Failure> {
    let mut out = BufWriter::new(file);
    let failed = |error: std::io::Error| Failure::of(ErrorKind::Unavailable, &error).during("cannot write the file");
    let header = form.header(schema.fields().iter().map(|field| field.name().as_str()));
    out.write_all(header.as_bytes()).map_err(failed)?;
    let mut done = 0;
    for batch in batches {
        let batch = &batch?;
        progress.check()?;
        let names = Row::columns_of(batch);
        for row in 0..batch.num_rows() {
            let line = form.line(Row::from_batch(&names, batch, row).iter());
            out.write_all(line.as_bytes()).map_err(failed)?;
        }
        done += batch.num_rows() as u64;
        progress.advance(done, total, "rows");
    }
    out.flush().map_err(failed)?;
    Ok(done)
}

fn parquet(
    schema: &SchemaRef,
    batches: Batches<'_>,
    total: Option<u64>,
    file: File,
    progress: &Progress,
) -> Result<u64, Failure> {
    let failed = |error: parquet::errors::ParquetError| {
        Failure::of(ErrorKind::Unavailable, &error).during("cannot write the file")
    };
    let unfit = |error: arrow::error::ArrowError| {
        Failure::of(ErrorKind::Internal, &error).during("the rows do not have the columns of the file")
    };
    let first = batches.next().transpose()?;
    let schema = readable_schema(&first.as_ref().map_or_else(|| schema.clone(), RecordBatch::schema));
    let properties = WriterProperties::builder().set_max_row_group_bytes(Some(ROW_GROUP_BYTES)).build();
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(failed)?;
    let mut done = 0;
    for batch in first.map(Ok).into_iter().chain(batches) {
        let batch = &batch?;
        progress.check()?;
        writer.write(&readable(batch, &schema).map_err(unfit)?).map_err(failed)?;
        done += batch.num_rows() as u64;
        progress.advance(done, total, "rows");
    }
    writer.close().map_err(failed)?;
    Ok(done)
}
