//! `sql`: a query over the tables of a position.

use futures::TryStreamExt;
use stratigraph_engine::query::SqlOptions;

use super::error::CliError;
use super::output::Out;
use super::rows::{FormatArg, RowWriter};
use super::{open_graph, position};

/// Arguments of `sql`.
#[derive(Debug, clap::Args)]
pub(super) struct SqlArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    #[arg(help = "A query; every node and edge type is a table under its own name, like \"WorksOn\"")]
    query: String,
    #[command(flatten)]
    at: position::AtArg,
    /// At most this many rows
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    limit: Option<u64>,
    #[command(flatten)]
    format: FormatArg,
}

/// Prints the result.
pub(super) async fn run(args: SqlArgs, out: &mut Out) -> Result<(), CliError> {
    let format = args.format.resolve(out)?;
    let graph = open_graph(&args.uri).await?;
    let snapshot = graph.snapshot(&args.at.parse()?).await?;
    let options = SqlOptions { limit: args.limit, ..SqlOptions::default() };
    let mut result = graph.sql(&snapshot, &args.query, options).await?;
    let mut writer = RowWriter::new(out, format, &result.schema, None);
    while let Some(batch) = result.batches.try_next().await? {
        writer.batch(&batch)?;
    }
    writer.finish()
}
