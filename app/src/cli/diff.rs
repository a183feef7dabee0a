//! `diff`: the rows that differ between two positions.

use futures::TryStreamExt;
use serde::Serialize;
use stratigraph_engine::diff::{DiffFilter, DiffItem, RowChange, RowOp, TableDiff};
use stratigraph_engine::{Error, Progress, Row, Snapshot, TableKey, Value};
use stratigraph_widgets::width::{escape, truncate};

use super::error::CliError;
use super::output::Out;
use super::{open_graph, position};
use crate::theme::Role;

/// Widest cell on a terminal.
const WIDEST_CELL: usize = 40;

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// The older position: branch, commit id or its end, v7 or feature@v7, or a time
    from: String,
    /// The newer position
    to: String,
    /// Only this table (node:Person, or Person)
    #[arg(long)]
    table: Option<String>,
    /// Only rows to which this happened; several separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    op: Vec<Op>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Op {
    Inserted,
    Updated,
    Deleted,
}

impl From<Op> for RowOp {
    fn from(op: Op) -> Self {
        match op {
            Op::Inserted => Self::Inserted,
            Op::Updated => Self::Updated,
            Op::Deleted => Self::Deleted,
        }
    }
}

/// One changed row, with the field names of the JSON output.
#[derive(Debug, Serialize)]
struct ChangeFacts<'a> {
    table: &'a TableKey,
    id: &'a str,
    op: RowOp,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
    columns: &'a [String],
}

/// Prints the changes in order of table, then id.
pub(super) async fn run(args: DiffArgs, out: &mut Out) -> Result<(), CliError> {
    let (from, to) = (position::parse(&args.from)?, position::parse(&args.to)?);
    let graph = open_graph(&args.uri).await?;
    let (from, to) = (graph.snapshot(&from).await?, graph.snapshot(&to).await?);
    let tables = args.table.as_deref().map(|name| find_table(&from, &to, name)).transpose()?;
    let ops = args.op.into_iter().map(RowOp::from).collect();
    let filter = DiffFilter { tables: tables.into_iter().collect(), ops, ..DiffFilter::default() };
    let mut items = graph.diff(&from, &to, filter, &Progress::none());
    let mut heading = None;
    while let Some(item) = items.try_next().await? {
        match item {
            DiffItem::Row(change) if out.is_json() => out.json(&facts(&change))?,
            DiffItem::Row(change) => {
                if heading.as_ref() != Some(&change.table) {
                    let title = out.cell(Role::Title, &change.table.to_string());
                    out.line(&title.painted)?;
                    heading = Some(change.table.clone());
                }
                let line = change_line(
                    out,
                    &change.id,
                    change.op,
                    change.before.as_ref(),
                    change.after.as_ref(),
                    &change.columns,
                );
                out.line(&line)?;
            }
            DiffItem::Table(totals) if !out.is_json() && heading.as_ref() == Some(&totals.table) => {
                let line = out.cell(Role::Dim, &totals_text(&totals));
                out.line(&format!("  {}", line.painted))?;
            }
            DiffItem::Table(_) => {}
        }
    }
    if heading.is_none() && !out.is_json() { out.line("no row differs") } else { Ok(()) }
}

/// A table that either side has; the newer side first.
fn find_table(from: &Snapshot, to: &Snapshot, name: &str) -> Result<TableKey, CliError> {
    let entry = to.table(name).or_else(|error| from.table(name).map_err(|_| error));
    Ok(entry.map_err(Error::from)?.key.clone())
}

fn facts(change: &RowChange) -> ChangeFacts<'_> {
    ChangeFacts {
        table: &change.table,
        id: &change.id,
        op: change.op,
        before: change.before.as_ref().map(Row::to_json),
        after: change.after.as_ref().map(Row::to_json),
        columns: &change.columns,
    }
}

fn totals_text(totals: &TableDiff) -> String {
    format!("{} inserted, {} updated, {} deleted", totals.inserted, totals.updated, totals.deleted)
}

/// `~ Linus  age: 41 → 42`; inserted and deleted rows show all cells but nulls and the id.
pub(super) fn change_line(
    out: &Out,
    id: &str,
    op: RowOp,
    before: Option<&Row>,
    after: Option<&Row>,
    columns: &[String],
) -> String {
    let (sign, role) = match op {
        RowOp::Inserted => ("+", Role::Added),
        RowOp::Updated => ("~", Role::Changed),
        RowOp::Deleted => ("-", Role::Removed),
    };
    let cells: Vec<String> = match op {
        RowOp::Updated => columns.iter().map(|column| changed_cell(out, column, before, after)).collect(),
        RowOp::Inserted | RowOp::Deleted => after.or(before).map_or_else(Vec::new, |row| present_cells(out, row)),
    };
    let head = out.cell(role, &format!("{sign} {id}"));
    format!("{}  {}", head.painted, cells.join(", "))
}

fn changed_cell(out: &Out, column: &str, before: Option<&Row>, after: Option<&Row>) -> String {
    let side = |row: Option<&Row>| match row.and_then(|row| row.get(column)) {
        Some(value) => shown(out, value),
        None => out.theme().symbols().missing.to_owned(),
    };
    format!("{}: {}{}{}", escape(column), side(before), out.theme().arrow(), side(after))
}

fn present_cells(out: &Out, row: &Row) -> Vec<String> {
    let present = row.iter().filter(|(column, value)| *column != "id" && !value.is_null());
    present.map(|(column, value)| format!("{}: {}", escape(column), shown(out, value))).collect()
}

/// A value in one line; cut on a terminal.
pub(super) fn shown(out: &Out, value: &Value) -> String {
    let symbols = out.theme().symbols();
    match value {
        Value::Null => symbols.null.to_owned(),
        value => match value.to_string() {
            text if text.is_empty() => symbols.empty.to_owned(),
            text if out.columns().is_some() => truncate(&escape(&text), WIDEST_CELL, symbols.ellipsis).into_owned(),
            text => escape(&text).into_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn row(cells: &[(&str, Value)]) -> Row {
        let names: Arc<[Arc<str>]> = cells.iter().map(|(name, _)| Arc::from(*name)).collect();
        Row::new(names, cells.iter().map(|(_, value)| value.clone()).collect())
    }

    #[test]
    fn lines_show_what_happened_without_color() {
        let out = Out::plain(std::io::sink());
        let before = row(&[("id", "L\u{1b}".into()), ("age", Value::Int(41)), ("role", Value::Null)]);
        let after = row(&[("id", "L\u{1b}".into()), ("age", Value::Int(42)), ("note", "".into())]);
        let columns = ["age", "note", "role"].map(str::to_owned);
        let line = |op, before, after| change_line(&out, "L\u{1b}", op, before, after, &columns);
        assert_eq!(
            line(RowOp::Updated, Some(&before), Some(&after)),
            "~ L\\u{1b}  age: 41 → 42, note: ╌ → ␣, role: ∅ → ╌"
        );
        assert_eq!(line(RowOp::Inserted, None, Some(&after)), "+ L\\u{1b}  age: 42, note: ␣");
        assert_eq!(line(RowOp::Deleted, Some(&before), None), "- L\\u{1b}  age: 41");
    }

    #[test]
    fn values_are_cut_on_a_terminal_only() {
        let long = "x".repeat(100);
        let after = row(&[("note", long.as_str().into())]);
        let line = |columns| {
            let out = Out::plain(std::io::sink()).with_columns(columns);
            change_line(&out, "a", RowOp::Inserted, None, Some(&after), &[])
        };
        assert_eq!(line(None), format!("+ a  note: {long}"));
        assert_eq!(line(Some(200)), format!("+ a  note: {}…", "x".repeat(39)));
    }
}
