//! Rows as a table, JSON lines or CSV, batch by batch: nothing is held but the batch at hand.

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use stratigraph_engine::read::Blobs;
use stratigraph_engine::value::{Row, Value};
use stratigraph_widgets::width::{Align, escape, truncate, width};

use super::error::CliError;
use super::output::{Cell, LineBuilder, Out};
use crate::rows::TextForm;
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
    /// Widths of a table, known once the first batch was seen.
    widths: Option<Vec<usize>>,
    /// Whether the header of the other formats is written.
    begun: bool,
}

impl<'o> RowWriter<'o> {
    /// A writer for the columns of a schema, or for those of them that are `asked` for.
    pub(super) fn new(out: &'o mut Out, format: RowFormat, schema: &Schema, asked: Option<&[String]>) -> Self {
        let format = if out.is_json() { RowFormat::Jsonl } else { format };
        let fields = schema.fields().iter();
        let all: Vec<(String, Align)> = fields.map(|field| (field.name().clone(), align(field.data_type()))).collect();
        let find = |name: &String| all.iter().find(|(column, _)| column == name).cloned();
        let columns = asked.map_or_else(|| all.clone(), |asked| asked.iter().filter_map(find).collect());
        Self { out, format, columns, widths: None, begun: false }
    }

    /// Writes the rows of a batch, and before the first one the header.
    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<(), CliError> {
        match self.format {
            RowFormat::Jsonl => self.lines(TextForm::JsonLines, batch),
            RowFormat::Csv => self.lines(TextForm::Csv, batch),
            RowFormat::Table => self.table_rows(batch),
        }
    }

    /// Ends the answer: one without rows still has its header.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        match self.format {
            RowFormat::Jsonl => self.header(TextForm::JsonLines),
            RowFormat::Csv => self.header(TextForm::Csv),
            RowFormat::Table if self.widths.is_some() => Ok(()),
            RowFormat::Table => self.table_header(&[]),
        }
    }

    fn lines(&mut self, form: TextForm, batch: &RecordBatch) -> Result<(), CliError> {
        self.header(form)?;
        let names = Row::columns_of(batch);
        (0..batch.num_rows()).try_for_each(|row| {
            let line = form.line(Row::from_batch(&names, batch, row).iter());
            self.out.verbatim(&line)
        })
    }

    fn header(&mut self, form: TextForm) -> Result<(), CliError> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let header = form.header(self.columns.iter().map(|(name, _)| name.as_str()));
        self.out.verbatim(&header)
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

#[cfg(test)]
mod tests;
