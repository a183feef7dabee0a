//! `audit`: what was done about interrupted writes.

use stratigraph_engine::recovery::AuditRow;

use super::commit::moment;
use super::error::CliError;
use super::open_graph;
use super::output::Out;
use super::text_table::{Align, TextTable};
use crate::recovery::tail;
use crate::theme::Role;

/// Letters of an operation that tell it from others.
const SHORT: usize = 6;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub(super) struct AuditArgs {
    /// Folder or file:// URI of the graph
    uri: String,
}

/// Prints the recoveries, newest first.
pub(super) async fn run(args: AuditArgs, out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(&args.uri).await?;
    let rows = graph.audit().await?;
    if out.is_json() {
        return rows.iter().try_for_each(|row| out.json(row));
    }
    if rows.is_empty() {
        return out.line("nothing was ever recovered");
    }
    let columns = ["time", "outcome", "writer", "for", "operation", "tables"];
    let mut table = TextTable::new(&columns.map(|title| (title, Align::Left)));
    for row in &rows {
        table.row(vec![
            out.cell(Role::Dim, &moment(row.created_at_micros)),
            out.cell(Role::Text, &row.recovery_kind),
            out.cell(Role::Text, &row.sidecar_writer_kind),
            out.cell(Role::Text, row.recovery_for_actor.as_deref().unwrap_or_default()),
            out.cell(Role::Changed, tail(&row.operation_id, SHORT)),
            out.cell(Role::Text, &outcomes(row, out.theme().arrow())),
        ]);
    }
    table.write(out)
}

fn outcomes(row: &AuditRow, arrow: &str) -> String {
    let outcome = row.outcomes.iter();
    let outcome = outcome.map(|table| format!("{} {}{arrow}{}", table.table_key, table.from_version, table.to_version));
    outcome.collect::<Vec<_>>().join(", ")
}
