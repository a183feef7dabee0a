//! Rows as a table, JSON lines or CSV, batch by batch: nothing is held but the batch at hand and a table's first rows.

mod table;

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use clap::ValueEnum;
use stratigraph_engine::read::Blobs;
use stratigraph_engine::value::{Row, Value};
use stratigraph_widgets::symbol::Symbols;
use stratigraph_widgets::width::{Align, escape};

use super::error::CliError;
use super::output::Out;
use crate::rows::TextForm;
use crate::theme::Role;
use table::Table;

/// How rows are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum RowFormat {
    /// Aligned columns; cells are cut to fit a terminal, and only there
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

/// `--format`.
#[derive(Debug, clap::Args)]
pub(super) struct FormatArg {
    /// How rows are printed; --json is the same as jsonl [default: table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<RowFormat>,
}

impl FormatArg {
    /// The format asked for. JSON lines may be asked for twice, but no second format beside them.
    pub(super) fn resolve(&self, out: &Out) -> Result<RowFormat, CliError> {
        match (out.is_json(), self.format) {
            (false, format) => Ok(format.unwrap_or_default()),
            (true, None | Some(RowFormat::Jsonl)) => Ok(RowFormat::Jsonl),
            (true, Some(other @ (RowFormat::Table | RowFormat::Csv))) => {
                let name = other.to_possible_value().expect("every format can be asked for");
                Err(CliError::TwoFormats { format: name.get_name().to_owned() })
            }
        }
    }
}

/// Writes rows of one schema.
pub(super) struct RowWriter<'o> {
    out: &'o mut Out,
    columns: Vec<(String, Align)>,
    layout: Layout,
}

/// What the rows of a schema look like in a format.
enum Layout {
    /// One line a row, after a header.
    Lines {
        form: TextForm,
        begun: bool,
    },
    Table(Table),
    /// The answer to EXPLAIN: a plan is read line by line and never cut.
    Plans,
}

impl Layout {
    fn new(format: RowFormat, columns: &[(String, Align)]) -> Self {
        match format {
            RowFormat::Jsonl => Self::Lines { form: TextForm::JsonLines, begun: false },
            RowFormat::Csv => Self::Lines { form: TextForm::Csv, begun: false },
            RowFormat::Table if columns.iter().map(|(name, _)| name).eq(["plan_type", "plan"]) => Self::Plans,
            RowFormat::Table => Self::Table(Table::new(columns.to_vec())),
        }
    }
}

impl<'o> RowWriter<'o> {
    /// A writer for the columns of a schema, or for those of them that are `asked` for.
    pub(super) fn new(out: &'o mut Out, format: RowFormat, schema: &Schema, asked: Option<&[String]>) -> Self {
        let fields = schema.fields().iter();
        let all: Vec<(String, Align)> = fields.map(|field| (field.name().clone(), align(field.data_type()))).collect();
        let find = |name: &String| all.iter().find(|(column, _)| column == name).cloned();
        let columns = asked.map_or_else(|| all.clone(), |asked| asked.iter().filter_map(find).collect());
        let layout = Layout::new(format, &columns);
        Self { out, columns, layout }
    }

    /// Writes the rows of a batch, and before the first one the header.
    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<(), CliError> {
        let mut rows = 0..batch.num_rows();
        let symbols = self.out.theme().symbols();
        match &mut self.layout {
            Layout::Lines { form, begun } => {
                header(self.out, *form, begun, &self.columns)?;
                let names = Row::columns_of(batch);
                rows.try_for_each(|row| self.out.verbatim(&form.line(Row::from_batch(&names, batch, row).iter())))
            }
            Layout::Table(table) => rows.try_for_each(|row| {
                let cells = cells(batch, row).map(|cell| shown(&cell, symbols)).collect();
                table.row(self.out, cells)
            }),
            Layout::Plans => rows.try_for_each(|row| {
                let cells: Vec<String> = cells(batch, row).map(|cell| cell.to_string()).collect();
                cells.iter().zip([Role::Title, Role::Text]).try_for_each(|(cell, role)| paragraph(self.out, role, cell))
            }),
        }
    }

    /// Ends the answer: one without rows still has its header.
    pub(super) fn finish(self) -> Result<(), CliError> {
        match self.layout {
            Layout::Lines { form, mut begun } => header(self.out, form, &mut begun, &self.columns),
            Layout::Table(table) => table.finish(self.out),
            Layout::Plans => Ok(()),
        }
    }
}

/// Writes the header of a form, once.
fn header(out: &mut Out, form: TextForm, begun: &mut bool, columns: &[(String, Align)]) -> Result<(), CliError> {
    if std::mem::replace(begun, true) {
        return Ok(());
    }
    out.verbatim(&form.header(columns.iter().map(|(name, _)| name.as_str())))
}

/// Writes every line of a text as a line.
fn paragraph(out: &mut Out, role: Role, text: &str) -> Result<(), CliError> {
    text.lines().try_for_each(|line| {
        let line = out.cell(role, line);
        out.line(&line.painted)
    })
}

/// Null and the empty text have signs of their own.
fn shown(value: &Value, symbols: &Symbols) -> String {
    match value {
        Value::Null => symbols.null.to_owned(),
        value => match value.to_string() {
            text if text.is_empty() => symbols.empty.to_owned(),
            text => escape(&text).into_owned(),
        },
    }
}

fn cells(batch: &RecordBatch, row: usize) -> impl Iterator<Item = Value> {
    batch.columns().iter().map(move |column| Value::from_array(column.as_ref(), row))
}

fn align(kind: &arrow::datatypes::DataType) -> Align {
    if kind.is_numeric() { Align::Right } else { Align::Left }
}

#[cfg(test)]
mod tests;
