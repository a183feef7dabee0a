//! `read`: rows of a table at a position, ordered by id.

use futures::TryStreamExt;
use stratigraph_engine::{Error, ReadOptions};

use super::error::CliError;
use super::output::Out;
use super::rows::{FormatArg, RowWriter};
use super::{open_graph, position};

/// Arguments of `read`.
#[derive(Debug, clap::Args)]
pub(super) struct ReadArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// node:Person, or Person where that is unambiguous
    table: String,
    #[command(flatten)]
    at: position::AtArg,
    /// SQL condition over the columns of the table
    #[arg(long = "where", value_name = "SQL")]
    condition: Option<String>,
    /// Columns to print, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    columns: Option<Vec<String>>,
    /// At most this many rows
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    limit: Option<u64>,
    #[command(flatten)]
    format: FormatArg,
}

/// Prints the rows.
pub(super) async fn run(args: ReadArgs, out: &mut Out) -> Result<(), CliError> {
    check(&args)?;
    let format = args.format.resolve(out)?;
    let graph = open_graph(&args.uri).await?;
    let snapshot = graph.snapshot(&args.at.parse()?).await?;
    let entry = snapshot.table(&args.table).map_err(Error::from)?;
    let schema = graph.table_schema(entry).await?;
    let options = ReadOptions {
        columns: args.columns.clone(),
        filter: args.condition,
        limit: args.limit,
        blobs: format.blobs(),
        ..ReadOptions::default()
    };
    let mut rows = graph.read(&snapshot, &entry.key, &options).await?;
    let mut writer = RowWriter::new(out, format, &schema, args.columns.as_deref());
    while let Some(batch) = rows.try_next().await? {
        writer.batch(&batch)?;
    }
    writer.finish()
}

/// Refuses what the shell lets through by accident: an empty variable, a column named again.
fn check(args: &ReadArgs) -> Result<(), CliError> {
    if args.condition.as_ref().is_some_and(|condition| condition.trim().is_empty()) {
        return Err(CliError::EmptyCondition);
    }
    let columns = args.columns.as_deref().unwrap_or_default();
    match columns.iter().enumerate().find(|(at, column)| columns[..*at].contains(column)) {
        Some((_, column)) => Err(CliError::RepeatedColumn { column: column.clone() }),
        None => Ok(()),
    }
}
