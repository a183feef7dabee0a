//! `export`: the rows of a graph as JSON lines that `load` takes back (graph-format §13).

use futures::TryStreamExt;
use serde_json::{Map, Value as Json};
use stratigraph_engine::read::Blobs;
use stratigraph_engine::{Error, Graph, ReadOptions, Row, Snapshot, TableKey, TableKind};

use super::error::CliError;
use super::output::Out;
use super::{open_graph, position};

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    #[command(flatten)]
    at: position::AtArg,
    /// Only this table: node:Person, or Person where that is unambiguous
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
}

/// Prints the records: tables in the order of their keys, rows by id.
pub(super) async fn run(args: ExportArgs, out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(&args.uri).await?;
    let snapshot = graph.snapshot(&args.at.parse()?).await?;
    if let Some(name) = &args.table {
        let key = snapshot.table(name).map_err(Error::from)?.key.clone();
        return export_table(&graph, &snapshot, &key, out).await;
    }
    for key in snapshot.entries.keys() {
        export_table(&graph, &snapshot, key, out).await?;
    }
    Ok(())
}

async fn export_table(graph: &Graph, snapshot: &Snapshot, key: &TableKey, out: &mut Out) -> Result<(), CliError> {
    let options = ReadOptions { blobs: Blobs::Bytes, ..ReadOptions::default() };
    let mut rows = graph.read(snapshot, key, &options).await?;
    while let Some(batch) = rows.try_next().await? {
        let columns = Row::columns_of(&batch);
        (0..batch.num_rows()).try_for_each(|row| out.json(&record(key, &Row::from_batch(&columns, &batch, row))))?;
    }
    Ok(())
}

/// The record of a row: what an edge connects stands beside its data.
fn record(key: &TableKey, row: &Row) -> Json {
    let mut record = Map::new();
    let cell = |column: &str| row.get(column).map_or(Json::Null, stratigraph_engine::Value::to_json);
    let ends: &[&str] = match key.kind {
        TableKind::Node => {
            record.insert("type".to_owned(), (*key.name).into());
            &[]
        }
        TableKind::Edge => {
            record.insert("edge".to_owned(), (*key.name).into());
            record.insert("from".to_owned(), cell("src"));
            record.insert("to".to_owned(), cell("dst"));
            &["src", "dst"]
        }
    };
    let data = row.iter().filter(|(column, _)| !ends.contains(column));
    let data: Map<String, Json> = data.map(|(column, value)| (column.to_owned(), value.to_json())).collect();
    record.insert("data".to_owned(), data.into());
    record.into()
}
