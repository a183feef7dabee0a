//! The rows of a whole table in the order of a column.
//!
//! The query engine sorts, in bounded memory. It sees references and sizes of blobs only, so where their bytes are wanted it
//! sorts the ids alone, and the rows are read by id, a piece at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::Schema;
use futures::{StreamExt, TryStreamExt};
use stratigraph_engine::schema::BLOB_EXTENSION_NAME;
use stratigraph_engine::{
    Blobs, Error, Graph, ReadOptions, RowStream, Snapshot, SqlOptions, TableKey, TableKind, Value,
};

/// Rows read at once by their ids.
const PIECE_ROWS: usize = 1024;
/// Bytes of blobs read at once, unless a single row has more.
const PIECE_BYTES: u64 = 16 << 20;
const ID: &str = "id";

/// An order other than by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: String,
    /// Largest first.
    pub descending: bool,
}

/// The query that sorts a table. Rows of equal value come in order of id, so the answer is always the same.
pub(crate) fn statement(table: &TableKey, filter: Option<&str>, order: &Order, columns: Option<&[String]>) -> String {
    let condition = filter.map_or_else(String::new, |filter| format!(" WHERE ({filter})"));
    let direction = if order.descending { "DESC" } else { "ASC" };
    let chosen = columns.map(|names| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "));
    let chosen = chosen.unwrap_or_else(|| "*".to_owned());
    let (table, column) = (sql_name(table), quoted(&order.column));
    format!("SELECT {chosen} FROM {table}{condition} ORDER BY {column} {direction} NULLS LAST, \"{ID}\"")
}

/// A table as a query names it, unambiguous even if a node and an edge type share the name.
fn sql_name(table: &TableKey) -> String {
    let kind = match table.kind {
        TableKind::Node => "node",
        TableKind::Edge => "edge",
    };
    format!("{kind}.{}", quoted(&table.name))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names of the columns that hold blobs.
pub(crate) fn blob_columns(schema: &Schema) -> impl Iterator<Item = &str> {
    let is_blob = |name: &String| name == BLOB_EXTENSION_NAME;
    let blobs = schema.fields().iter().filter(move |field| field.metadata().values().any(is_blob));
    blobs.map(|field| field.name().as_str())
}

/// Reads the rows of a table in an order, with the columns, the filter and the blobs that `options` ask for.
///
/// # Errors
/// As [`Graph::sql`] and [`Graph::read`], at once or in the stream.
pub(crate) async fn read(
    graph: &Graph,
    snapshot: &Arc<Snapshot>,
    table: &TableKey,
    options: &ReadOptions,
    order: &Order,
) -> Result<RowStream, Error> {
    let schema = graph.table_schema(snapshot.table(&table.to_string())?).await?;
    let wanted = options.columns.clone().unwrap_or_else(|| names(&schema));
    let blobs: Vec<&str> = blob_columns(&schema).filter(|name| wanted.iter().any(|column| column == name)).collect();
    if blobs.is_empty() || options.blobs == Blobs::Described {
        let statement = statement(table, options.filter.as_deref(), order, Some(&wanted));
        return Ok(graph.sql(snapshot, &statement, SqlOptions::default()).await?.batches);
    }
    let listed: Vec<String> = [ID].into_iter().chain(blobs).map(str::to_owned).collect();
    let statement = statement(table, options.filter.as_deref(), order, Some(&listed));
    let listed = graph.sql(snapshot, &statement, SqlOptions::default()).await?.batches;
    let by_id = ById { graph: graph.clone(), snapshot: snapshot.clone(), table: table.clone(), wanted };
    Ok(by_id.rows(listed))
}

fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// One row to read: its id, and the bytes of its blobs.
type Listed = (Arc<str>, u64);

/// Reads whole rows for a list of ids.
struct ById {
    graph: Graph,
    snapshot: Arc<Snapshot>,
    table: TableKey,
    /// Columns, in this order.
    wanted: Vec<String>,
}

impl ById {
    /// The rows in the order of `listed`, whose first column is the id and whose others are descriptors of blobs.
    fn rows(self, listed: RowStream) -> RowStream {
        let step = async |(by_id, mut listed, mut waiting): (Self, RowStream, VecDeque<Listed>)| {
            while waiting.len() < PIECE_ROWS {
                let Some(batch) = listed.try_next().await? else { break };
                waiting.extend((0..batch.num_rows()).map(|row| listed_row(&batch, row)));
            }
            let ids = next_piece(&mut waiting);
            if ids.is_empty() {
                return Ok(None);
            }
            let batch = by_id.piece(&ids).await?;
            Ok(Some((batch, (by_id, listed, waiting))))
        };
        futures::stream::try_unfold((self, listed, VecDeque::new()), step).boxed()
    }

    async fn piece(&self, ids: &[Arc<str>]) -> Result<RecordBatch, Error> {
        let mut columns = self.wanted.clone();
        if !columns.iter().any(|column| column == ID) {
            columns.push(ID.to_owned());
        }
        let options = ReadOptions {
            columns: Some(columns),
            filter: Some(one_of(ids)),
            blobs: Blobs::Bytes,
            ..ReadOptions::default()
        };
        let batches = self.graph.read(&self.snapshot, &self.table, &options).await?;
        let batches: Vec<RecordBatch> = batches.try_collect().await?;
        let kept: Vec<usize> = (0..self.wanted.len()).collect();
        Ok(in_order_of(&batches, ids).project(&kept).expect("the wanted columns come first"))
    }
}

fn listed_row(batch: &RecordBatch, row: usize) -> Listed {
    let id = match Value::from_array(batch.column(0), row) {
        Value::Text(id) => id,
        other => other.to_string().into(),
    };
    let size = |value: Value| match value {
        Value::Blob(blob) => blob.size_bytes().unwrap_or(0),
        _ => 0,
    };
    let bytes = batch.columns()[1..].iter().map(|column| size(Value::from_array(column, row))).sum();
    (id, bytes)
}

/// Takes the ids that are read together, at least one if there is any.
fn next_piece(waiting: &mut VecDeque<Listed>) -> Vec<Arc<str>> {
    let mut ids = Vec::new();
    let mut total = 0_u64;
    while let Some((_, bytes)) = waiting.front()
        && ids.len() < PIECE_ROWS
    {
        total = total.saturating_add(*bytes);
        if total > PIECE_BYTES && !ids.is_empty() {
            break;
        }
        ids.extend(waiting.pop_front().map(|(id, _)| id));
    }
    ids
}

fn one_of(ids: &[Arc<str>]) -> String {
    let literals: Vec<String> = ids.iter().map(|id| format!("'{}'", id.replace('\'', "''"))).collect();
    format!("{ID} IN ({})", literals.join(", "))
}

/// The rows of `batches` in the order of their ids in `ids`. Of rows that share an id each is taken once.
fn in_order_of(batches: &[RecordBatch], ids: &[Arc<str>]) -> RecordBatch {
    let mut places: HashMap<String, VecDeque<(usize, usize)>> = HashMap::new();
    for (at, batch) in batches.iter().enumerate() {
        let column = batch.column_by_name(ID).expect("the id is always read");
        for row in 0..batch.num_rows() {
            places.entry(Value::from_array(column, row).to_string()).or_default().push_back((at, row));
        }
    }
    let place = |id: &Arc<str>| places.get_mut(&**id).and_then(VecDeque::pop_front);
    let order: Vec<(usize, usize)> = ids.iter().filter_map(place).collect();
    assert_eq!(order.len(), ids.len(), "BUG: a version that is read lost rows");
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    interleave_record_batch(&batches, &order).expect("all batches of a read have its columns")
}

#[cfg(test)]
mod tests;
