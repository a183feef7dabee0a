//! Record batches in each form.

use std::fs::File;
use std::io::{BufWriter, Write};

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use stratigraph_engine::value::Value;
use stratigraph_engine::{ErrorKind, Progress};

use crate::export::Format;
use crate::message::Failure;

/// Batches one after the other, all of the same schema.
type Batches<'a> = &'a mut dyn Iterator<Item = Result<RecordBatch, Failure>>;

/// Writes all batches and returns the number of rows; `total` is that number if it is known before.
pub(super) fn write(
    batches: Batches<'_>,
    total: Option<u64>,
    format: Format,
    file: File,
    progress: &Progress,
) -> Result<u64, Failure> {
    match format {
        Format::Parquet => parquet(batches, total, file, progress),
        Format::Csv => text(batches, total, file, progress, csv_header, csv_row),
        Format::JsonLines => text(batches, total, file, progress, |_| String::new(), json_row),
        Format::Markdown => text(batches, total, file, progress, markdown_header, markdown_row),
    }
}

fn text(
    batches: Batches<'_>,
    total: Option<u64>,
    file: File,
    progress: &Progress,
    header: fn(&RecordBatch) -> String,
    line: fn(&RecordBatch, usize) -> String,
) -> Result<u64, Failure> {
    let mut out = BufWriter::new(file);
    let failed = |error: std::io::Error| Failure::of(ErrorKind::Unavailable, &error).during("cannot write the file");
    let mut done = 0;
    for (index, batch) in batches.enumerate() {
        let batch = &batch?;
        progress.check()?;
        if index == 0 {
            out.write_all(header(batch).as_bytes()).map_err(failed)?;
        }
        for row in 0..batch.num_rows() {
            out.write_all(line(batch, row).as_bytes()).map_err(failed)?;
        }
        done += batch.num_rows() as u64;
        progress.advance(done, total, "rows");
    }
    out.flush().map_err(failed)?;
    Ok(done)
}

fn parquet(batches: Batches<'_>, total: Option<u64>, file: File, progress: &Progress) -> Result<u64, Failure> {
    let failed = |error: parquet::errors::ParquetError| {
        Failure::of(ErrorKind::Unavailable, &error).during("cannot write the file")
    };
    let Some(first) = batches.next().transpose()? else {
        return Err(Failure::new(ErrorKind::Invalid, "there are no rows to write"));
    };
    let mut writer = ArrowWriter::try_new(file, first.schema(), None).map_err(failed)?;
    let mut done = 0;
    for batch in std::iter::once(Ok(first)).chain(batches) {
        let batch = &batch?;
        progress.check()?;
        writer.write(batch).map_err(failed)?;
        done += batch.num_rows() as u64;
        progress.advance(done, total, "rows");
    }
    writer.close().map_err(failed)?;
    Ok(done)
}

fn names(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| field.name().clone()).collect()
}

fn json_row(batch: &RecordBatch, row: usize) -> String {
    let mut object = serde_json::Map::new();
    for (name, column) in names(batch).into_iter().zip(batch.columns()) {
        object.insert(name, Value::from_array(column.as_ref(), row).to_json());
    }
    format!("{}\n", serde_json::Value::Object(object))
}

fn csv_header(batch: &RecordBatch) -> String {
    csv_line(names(batch).iter().map(|name| csv_cell(name)))
}

fn csv_row(batch: &RecordBatch, row: usize) -> String {
    csv_line(cells(batch, row))
}

/// A null is an empty cell, an empty text is `""`.
fn cells(batch: &RecordBatch, row: usize) -> impl Iterator<Item = String> {
    batch.columns().iter().map(move |column| match Value::from_array(column.as_ref(), row) {
        Value::Null => String::new(),
        Value::Text(text) if text.is_empty() => "\"\"".to_owned(),
        value => csv_cell(&value.to_string()),
    })
}

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

/// A cell in quotes if it needs them (RFC 4180).
pub(crate) fn csv_cell(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn markdown_header(batch: &RecordBatch) -> String {
    let names = names(batch);
    let rule = vec!["---"; names.len()].join(" | ");
    format!("| {} |\n| {rule} |\n", names.iter().map(|name| markdown_cell(name)).collect::<Vec<_>>().join(" | "))
}

fn markdown_row(batch: &RecordBatch, row: usize) -> String {
    let cells = batch.columns().iter().map(|column| match Value::from_array(column.as_ref(), row) {
        Value::Null => "*null*".to_owned(),
        value => markdown_cell(&value.to_string()),
    });
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

fn markdown_cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', "<br>")
}
