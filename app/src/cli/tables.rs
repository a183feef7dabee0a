//! `tables`: the tables of a position, their versions, rows and drift.

use serde::Serialize;
use stratigraph_engine::{At, BranchName, TableKey, TableStatus, TableVersion};

use super::error::{CliError, note};
use super::output::Out;
use super::text_table::{Align, TextTable};
use super::{open_graph, position};
use crate::theme::Role;

/// Arguments of `tables`.
#[derive(Debug, clap::Args)]
pub(super) struct TablesArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    #[command(flatten)]
    at: position::AtArg,
}

/// One table, with the field names of the JSON output.
#[derive(Debug, Serialize)]
struct TableFacts<'a> {
    table: &'a TableKey,
    version: TableVersion,
    /// Lineage that holds the version; null for main's.
    branch: Option<&'a BranchName>,
    rows: u64,
    /// Newest version of that lineage; null if it cannot be read.
    head: Option<TableVersion>,
    /// How far the head is past the pin; null where the pin is not the newest of that lineage's branch.
    drift: Option<u64>,
}

/// Prints the tables in key order.
pub(super) async fn run(args: TablesArgs, out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(&args.uri).await?;
    let at: At = args.at.parse()?;
    let position = graph.resolve(&at).await?;
    let snapshot = graph.snapshot(&At::Version { branch: position.branch, version: position.version }).await?;
    let statuses = graph.table_status(&snapshot).await;
    let newest_of = position.is_head.then_some(&snapshot.branch);
    let facts: Vec<TableFacts<'_>> = statuses.iter().map(|status| facts(status, newest_of)).collect();
    for status in &statuses {
        if let Err(error) = &status.head {
            note(&format!("{}: its head cannot be read: {error}", status.entry.key));
        }
    }
    if out.is_json() { facts.iter().try_for_each(|table| out.json(table)) } else { print(out, &facts) }
}

/// `newest_of` is the branch whose newest version is looked at, if it is one.
///
/// Drift is the distance of a lineage's head from the pin of the branch that writes that lineage. An older pin, and the pin
/// a branch inherited from its parent, are behind the head without anything being wrong.
fn facts<'a>(status: &'a TableStatus, newest_of: Option<&BranchName>) -> TableFacts<'a> {
    let entry = &status.entry;
    let writes = |branch: &BranchName| entry.lineage.as_ref().map_or(branch.is_main(), |lineage| lineage == branch);
    TableFacts {
        table: &entry.key,
        version: entry.version,
        branch: entry.lineage.as_ref(),
        rows: entry.rows,
        head: status.head.as_ref().ok().copied(),
        drift: newest_of.filter(|branch| writes(branch)).and_then(|_| status.drift()),
    }
}

fn print(out: &mut Out, tables: &[TableFacts<'_>]) -> Result<(), CliError> {
    let mut text = TextTable::new(&[
        ("table", Align::Left),
        ("version", Align::Right),
        ("lineage", Align::Left),
        ("rows", Align::Right),
        ("head", Align::Right),
        ("drift", Align::Right),
    ]);
    for table in tables {
        let drift_role = if table.drift.is_some_and(|drift| drift > 0) { Role::Warning } else { Role::Text };
        let number = |role, value: Option<String>| out.cell(role, &value.unwrap_or_else(|| "-".to_owned()));
        text.row(vec![
            out.cell(Role::Text, &table.table.to_string()),
            out.cell(Role::Text, &table.version.to_string()),
            out.cell(Role::Text, table.branch.map_or("main", BranchName::as_str)),
            out.cell(Role::Text, &table.rows.to_string()),
            number(Role::Text, table.head.map(|head| head.to_string())),
            number(drift_role, table.drift.map(|drift| drift.to_string())),
        ]);
    }
    text.write(out)
}
