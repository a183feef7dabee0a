//! Rows as a table, JSON lines or CSV, batch by batch: nothing is held but the batch at hand.

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use stratigraph_engine::read::Blobs;
use stratigraph_engine::value::{Row, Value};
use stratigraph_widgets::width::{Align, escape, truncate, width};

use super::error::CliError;
use super::output::{Cell, LineBuilder, Out};
use crate::theme::Role;

/// Widest cell of a table before columns are made to fit the line.
const WIDEST_CELL: usize = 40;
/// No column is made narrower than this to fit the line.
const NARROWEST_CELL: usize = 6;

/// How rows are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum RowFormat {
    /// Aligned columns; long cells are cut
    #[default]
    Table,
    /// One JSON object a line, values as an export of the graph has them
    Jsonl,
    /// Comma-separated values with a header line (RFC 4180)
    Csv,
}

impl RowFormat {
    /// How blob columns must be read: only whole formats need the bytes.
    pub(super) fn blobs(self) -> Blobs {
        match self {
            Self::Table => Blobs::Described,
            Self::Jsonl | Self::Csv => Blobs::Bytes,
        }
    }
}

/// Writes rows of one schema.
pub(super) struct RowWriter<'o> {
    out: &'o mut Out,
    format: RowFormat,
    columns: Vec<(String, Align)>,
    /// Known once the first batch was seen.
    widths: Option<Vec<usize>>,
}

impl<'o> RowWriter<'o> {
    /// A writer for the columns of a schema, or for those of them that are `asked` for.
    pub(super) fn new(out: &'o mut Out, format: RowFormat, schema: &Schema, asked: Option<&[String]>) -> Self {
        let format = if out.is_json() { RowFormat::Jsonl } else { format };
        let fields = schema.fields().iter();
        let all: Vec<(String, Align)> = fields.map(|field| (field.name().clone(), align(field.data_type()))).collect();
        let find = |name: &String| all.iter().find(|(column, _)| column == name).cloned();
        let columns = asked.map_or_else(|| all.clone(), |asked| asked.iter().filter_map(find).collect());
        Self { out, format, columns, widths: None }
    }

    /// Writes the rows of a batch, and before the first one the header.
    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<(), CliError> {
        match self.format {
            RowFormat::Jsonl => {
                let names = Row::columns_of(batch);
                (0..batch.num_rows()).try_for_each(|row| self.out.json(&Row::from_batch(&names, batch, row).to_json()))
            }
            RowFormat::Csv => {
                self.csv_header()?;
                (0..batch.num_rows())
                    .try_for_each(|row| self.out.verbatim(&csv_line(cells(batch, row).map(|cell| csv(&cell)))))
            }
            RowFormat::Table => self.table_rows(batch),
        }
    }

    /// Ends the answer: one without rows still has its header.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        match self.format {
            RowFormat::Jsonl => Ok(()),
            RowFormat::Csv => self.csv_header(),
            RowFormat::Table if self.widths.is_some() => Ok(()),
            RowFormat::Table => self.table_header(&[]),
        }
    }

    fn csv_header(&mut self) -> Result<(), CliError> {
        if self.widths.is_some() {
            return Ok(());
        }
        self.widths = Some(Vec::new());
        let line = csv_line(self.columns.iter().map(|(name, _)| csv_text(name)));
        self.out.verbatim(&line)
    }

    fn table_rows(&mut self, batch: &RecordBatch) -> Result<(), CliError> {
        let rows: Vec<Vec<String>> =
            (0..batch.num_rows()).map(|row| cells(batch, row).map(|cell| self.shown(&cell)).collect()).collect();
        if self.widths.is_none() {
            self.table_header(&rows)?;
        }
        let widths = self.widths.clone().unwrap_or_default();
        rows.into_iter().try_for_each(|row| {
            let cells: Vec<Cell> =
                row.iter().zip(&widths).map(|(text, &width)| self.cut(Role::Text, text, width)).collect();
            self.table_line(&cells, &widths)
        })
    }

    /// Settles the widths by the rows of the first batch and writes the titles.
    fn table_header(&mut self, first: &[Vec<String>]) -> Result<(), CliError> {
        let widest = |column: usize| first.iter().map(|row| width(&row[column])).max().unwrap_or(0);
        let natural = self.columns.iter().enumerate();
        let natural =
            natural.map(|(column, (name, _))| width(&escape(name)).max(widest(column)).min(WIDEST_CELL)).collect();
        let widths = fit(natural, self.out.columns());
        let titles: Vec<Cell> = self
            .columns
            .iter()
            .zip(&widths)
            .map(|((name, _), &width)| self.cut(Role::Dim, &escape(name), width))
            .collect();
        self.table_line(&titles, &widths)?;
        self.widths = Some(widths);
        Ok(())
    }

    fn table_line(&mut self, cells: &[Cell], widths: &[usize]) -> Result<(), CliError> {
        let mut line = LineBuilder::default();
        for ((cell, &width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            line.push(cell, width, *align == Align::Right);
        }
        self.out.line(&line.finish())
    }

    fn cut(&self, role: Role, escaped: &str, width: usize) -> Cell {
        self.out.cell(role, &truncate(escaped, width, self.out.theme().symbols().ellipsis))
    }

    /// Null and the empty text have signs of their own.
    fn shown(&self, value: &Value) -> String {
        let symbols = self.out.theme().symbols();
        match value {
            Value::Null => symbols.null.to_owned(),
            value => match value.to_string() {
                text if text.is_empty() => symbols.empty.to_owned(),
                text => escape(&text).into_owned(),
            },
        }
    }
}

fn cells(batch: &RecordBatch, row: usize) -> impl Iterator<Item = Value> {
    batch.columns().iter().map(move |column| Value::from_array(column.as_ref(), row))
}

fn align(kind: &arrow::datatypes::DataType) -> Align {
    if kind.is_numeric() { Align::Right } else { Align::Left }
}

/// Narrows the widest columns until the line fits, or no column can be narrowed any more.
fn fit(mut widths: Vec<usize>, line: usize) -> Vec<usize> {
    let gaps = widths.len().saturating_sub(1) * 2;
    while widths.iter().sum::<usize>() + gaps > line {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST_CELL => *widest -= 1,
            Some(_) | None => break,
        }
    }
    widths
}

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

/// Null is nothing, the empty text is `""`; lists, vectors and blobs are as in JSON, dates as people write them.
fn csv(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Value::List(_) | Value::Vector(_) => csv_text(&value.to_json().to_string()),
        Value::Blob(_) => match value.to_json() {
            serde_json::Value::String(text) => csv_text(&text),
            other => csv_text(&other.to_string()),
        },
        value => csv_text(&value.to_string()),
    }
}

fn csv_text(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
