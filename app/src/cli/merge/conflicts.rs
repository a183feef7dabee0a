//! Conflicts for people: which row, what is wrong, and its values in the three states.

use stratigraph_engine::merge::{Conflict, ConflictDetail, ConflictKind, MergePlan, ThreeRows};
use stratigraph_engine::{Graph, Row, Value};
use stratigraph_widgets::width::width;

use super::found::Found;
use super::given::Given;
use crate::cli::diff::shown;
use crate::cli::error::CliError;
use crate::cli::output::{Cell, Out};
use crate::cli::text_table::{Align, TextTable};
use crate::theme::Role;

/// Column that tells rows apart.
const ID: &str = "id";
/// Most conflicts that are shown with their rows.
const SHOWN: usize = 100;

/// Prints the open conflicts.
pub(super) async fn print(graph: &Graph, found: &Found, given: &Given, out: &mut Out) -> Result<(), CliError> {
    let shown = &found.open[..found.open.len().min(SHOWN)];
    for (conflict, rows) in shown.iter().zip(graph.rows_of_conflicts(&found.plan, shown).await?) {
        out.line("")?;
        print_headline(&found.plan, conflict, &rows, given, out)?;
        match (&conflict.detail, rows.first()) {
            (ConflictDetail::Row { columns, .. }, Some(row)) => {
                let changed: Vec<&str> = columns.iter().map(String::as_str).collect();
                print_cells(&among(&changed, &[], row), row, out)?;
            }
            (ConflictDetail::Value { column, .. }, Some(row)) => print_cells(&[column], row, out)?,
            // It is about two rows, of which one may go.
            (ConflictDetail::Unique { columns, .. }, _) => {
                for row in &rows {
                    out.line(&out.cell(Role::Title, &format!("  {}", row.id)).painted)?;
                    print_cells(&among(&all_columns(row), columns, row), row, out)?;
                }
            }
            (ConflictDetail::Cardinality { .. }, _) => print_edges(&rows, out)?,
            (ConflictDetail::Row { .. } | ConflictDetail::Orphan { .. } | ConflictDetail::Value { .. }, _) => {}
        }
    }
    match found.open.len().checked_sub(SHOWN) {
        None | Some(0) => Ok(()),
        Some(more) => {
            out.line("")?;
            out.line(&out.cell(Role::Dim, &format!("and {more} more")).painted)
        }
    }
}

/// `node:Project  DivergentUpdate  atlas  differs in budget`.
fn print_headline(
    plan: &MergePlan,
    conflict: &Conflict,
    rows: &[ThreeRows],
    given: &Given,
    out: &mut Out,
) -> Result<(), CliError> {
    let key = &conflict.key;
    let mut reason = reason(plan, conflict, rows);
    if let Some(decision) = conflict.caused_by {
        reason.push_str(&format!(", because of {}", given.name(decision)));
    }
    let parts = [
        out.cell(Role::Text, &key.table.to_string()),
        out.cell(Role::Changed, &key.kind.to_string()),
        out.cell(Role::Title, &key.id),
        out.cell(Role::Text, &reason),
    ];
    out.line(&parts.map(|part| part.painted).join("  "))
}

/// What is wrong, in a line.
pub(super) fn reason(plan: &MergePlan, conflict: &Conflict, rows: &[ThreeRows]) -> String {
    let deleted = |by, from| format!("{by} deleted it, {from} changed it");
    match (conflict.key.kind, rows.first()) {
        (ConflictKind::DeleteVsUpdate, Some(ThreeRows { source: None, .. })) => deleted(plan.source(), plan.target()),
        (ConflictKind::DeleteVsUpdate, Some(_)) => deleted(plan.target(), plan.source()),
        (
            ConflictKind::DeleteVsUpdate
            | ConflictKind::DivergentInsert
            | ConflictKind::DivergentUpdate
            | ConflictKind::OrphanEdge
            | ConflictKind::UniqueViolation
            | ConflictKind::CardinalityViolation
            | ConflictKind::ValueConstraintViolation,
            _,
        ) => conflict.detail.to_string(),
    }
}

/// Some columns of a row in the three states.
fn print_cells(columns: &[&str], row: &ThreeRows, out: &mut Out) -> Result<(), CliError> {
    let titles = ["  column", "base", "source", "target"];
    let mut table = TextTable::new(&titles.map(|title| (title, Align::Left)));
    for column in columns {
        let value = |side: &Option<Row>| {
            let painted = match side.as_ref().and_then(|row| row.get(column)) {
                Some(value) => shown(out, value),
                None => out.theme().symbols().missing.to_owned(),
            };
            let columns = width(&painted);
            Cell::painted(painted, columns)
        };
        let name = out.cell(Role::Text, &format!("  {column}"));
        table.row(vec![name, value(&row.base), value(&row.source), value(&row.target)]);
    }
    table.write(out)
}

/// The columns of a row in any state, in their order, without the id.
fn all_columns(row: &ThreeRows) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    for row in [&row.base, &row.source, &row.target].into_iter().flatten() {
        for column in row.columns().iter().filter(|column| ***column != *ID) {
            if !columns.contains(&&**column) {
                columns.push(column);
            }
        }
    }
    columns
}

/// Those that are named, and those that changed.
fn among<'c>(columns: &[&'c str], named: &[String], row: &ThreeRows) -> Vec<&'c str> {
    let is_named = |column: &str| named.iter().any(|named| named == column);
    columns.iter().filter(|column| is_named(column) || is_changed(column, row)).copied().collect()
}

/// Whether a side that has the row has another value than the base; without a base, any value.
fn is_changed(column: &str, row: &ThreeRows) -> bool {
    let value = |side: &Option<Row>| side.as_ref().map(|row| row.get(column).cloned().unwrap_or(Value::Null));
    let base = value(&row.base).unwrap_or(Value::Null);
    [&row.source, &row.target].into_iter().filter_map(value).any(|value| value != base)
}

/// The edges of the node, so that a decision can name them.
fn print_edges(rows: &[ThreeRows], out: &mut Out) -> Result<(), CliError> {
    let titles = ["  edge", "base", "source", "target"];
    let mut table = TextTable::new(&titles.map(|title| (title, Align::Left)));
    for row in rows {
        let is_there = |side: &Option<Row>| match side {
            Some(edge) => {
                let end = |end| edge.get(end).map(Value::to_string).unwrap_or_default();
                out.cell(Role::Text, &format!("{}{}{}", end("src"), out.theme().arrow(), end("dst")))
            }
            None => out.cell(Role::Dim, out.theme().symbols().missing),
        };
        let id = out.cell(Role::Text, &format!("  {}", row.id));
        table.row(vec![id, is_there(&row.base), is_there(&row.source), is_there(&row.target)]);
    }
    table.write(out)
}
