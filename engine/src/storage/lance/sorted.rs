//! Rows in order of their id, or of another column, in bounded memory.
//!
//! With a limit the scan keeps only the first keys while it runs and fetches the other columns of those rows at the end.
//! Without one all columns are sorted together, and what does not fit into [`SORT_MEMORY_BYTES`] spills to the system's
//! folder for temporary files, never into the graph.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow_schema::{DataType, SchemaRef, SortOptions};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::{StreamExt, TryStreamExt};
use lance::dataset::scanner::ColumnOrdering;

use super::Table;
use super::blob::{self, Blobs};
use super::cause::said;
use super::scan::{BATCH_ROWS, RowStream};
use super::table::ROW_ADDRESS;
use crate::storage::StorageError;

/// Column that identifies a row.
pub(crate) const ID: &str = "id";
/// What a sort may hold before it spills.
const SORT_MEMORY_BYTES: usize = 192 << 20;
/// Kept free for merging spilled runs.
const SORT_RESERVATION_BYTES: usize = 24 << 20;
/// Limits up to this are kept in memory as keys only.
const TOP_ROWS: u64 = 100_000;
/// Aim for batches no larger than this.
const BATCH_BYTES: usize = 16 << 20;

/// The order of rows: by a column, nulls last in either direction; rows of equal value ascending by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: String,
    /// Largest first.
    pub descending: bool,
}

/// Which rows to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sorted<'a> {
    /// Columns, in this order.
    pub(crate) columns: Vec<String>,
    /// Condition over the columns.
    pub(crate) filter: Option<&'a str>,
    /// Only rows whose id is greater.
    pub(crate) after: Option<&'a str>,
    /// In which order; ascending by id if none.
    pub(crate) order: Option<&'a Order>,
    /// At most this many rows.
    pub(crate) limit: Option<u64>,
    /// Rows per batch.
    pub(crate) batch_rows: Option<usize>,
    /// How blob columns are read.
    pub(crate) blobs: Blobs,
}

impl Table {
    /// Reads rows in order; rows of equal id keep no particular order. The batches have the columns asked for.
    ///
    /// # Errors
    /// [`StorageError::Request`] for a filter that is not an expression over the columns, [`StorageError::NoIds`],
    /// [`StorageError::Table`] otherwise.
    pub(crate) async fn sorted(&self, request: &Sorted<'_>) -> Result<RowStream, StorageError> {
        self.fenced_rows(self.in_order(request)).await
    }

    async fn in_order(&self, request: &Sorted<'_>) -> Result<RowStream, StorageError> {
        let error = |cause| self.error(cause);
        self.require_ids()?;
        let blobs = self.blob_columns(&request.columns);
        let want_content = request.blobs != Blobs::Described && !blobs.is_empty();
        let batch_rows = self.batch_rows(request);
        let keys = keys(request.order);
        let mut scanner = self.scanner(None).await?;
        scanner.project(&read_columns(request, &keys, want_content)).map_err(error)?;
        if let Some(filter) = self.restriction(request)? {
            scanner.filter_expr(filter);
        }
        let top = request.limit.filter(|&rows| rows <= TOP_ROWS);
        if let Some(rows) = top {
            scanner.order_by(Some(keys.clone())).map_err(error)?;
            scanner.limit(i64::try_from(rows).ok(), None).map_err(error)?;
        }
        scanner.batch_size(batch_rows);
        let plan = scanner.create_plan().await.map_err(|cause| self.request_error(cause))?;
        if request.limit == Some(0) {
            // A sort that keeps no row is refused by the query engine; the request itself was checked by making the plan.
            return Ok(futures::stream::empty().boxed());
        }
        let plan = if top.is_some() { plan } else { in_order(plan, &keys, request.limit) };
        let rows = execute(&plan, batch_rows).map_err(|cause| self.error(cause.into()))?;
        let (table, filter) = (self.clone(), request.filter.map(str::to_owned));
        let rows = rows.map_err(move |cause| table.row_error(cause.into(), filter.as_deref()));
        let rows =
            if want_content { blob::with_content(self, rows.boxed(), blobs, request.blobs) } else { rows.boxed() };
        let wanted: Vec<String> = request.columns.clone();
        Ok(rows.map_ok(move |batch| keep(&batch, &wanted)).boxed())
    }

    fn batch_rows(&self, request: &Sorted<'_>) -> usize {
        let asked = request.batch_rows.unwrap_or(BATCH_ROWS).max(1);
        asked.min((BATCH_BYTES / row_bytes(&self.schema(), &request.columns)).max(1))
    }

    /// What rows have to keep; none if all are wanted.
    fn restriction(&self, request: &Sorted<'_>) -> Result<Option<Expr>, StorageError> {
        let written = request.filter.map(|text| self.condition(text)).transpose()?;
        let after = request.after.map(|after| ident(ID).gt(lit(after)));
        Ok([written, after].into_iter().flatten().reduce(Expr::and))
    }

    /// Everything that orders or compares rows needs their ids.
    pub(super) fn require_ids(&self) -> Result<(), StorageError> {
        match self.schema().field_with_name(ID) {
            Ok(field) if *field.data_type() == DataType::Utf8 => Ok(()),
            Ok(_) | Err(_) => Err(StorageError::NoIds { path: self.uri().to_owned() }),
        }
    }

    /// Those of the columns that hold blobs.
    pub(crate) fn blob_columns(&self, columns: &[String]) -> Vec<String> {
        let is_blob =
            |name: &&String| self.dataset().schema().field(name).is_some_and(lance::datatypes::Field::is_blob);
        columns.iter().filter(is_blob).cloned().collect()
    }

    /// Lance reports a bad expression as several kinds of error; while a plan is made all of them speak of the request.
    pub(super) fn request_error(&self, cause: lance::Error) -> StorageError {
        match cause {
            cause @ (lance::Error::IO { .. } | lance::Error::CorruptFile { .. } | lance::Error::NotFound { .. }) => {
                self.error(cause)
            }
            cause => StorageError::Request { path: self.uri().to_owned(), source: said(&cause) },
        }
    }
}

/// What is compared, the first difference decides.
fn keys(order: Option<&Order>) -> Vec<ColumnOrdering> {
    let by_id = ColumnOrdering::asc_nulls_last(ID.to_owned());
    let Some(Order { column, descending }) = order else { return vec![by_id] };
    let column = ColumnOrdering { ascending: !descending, nulls_first: false, column_name: column.clone() };
    if column.column_name == ID { vec![column] } else { vec![column, by_id] }
}

/// The columns asked for, then what is needed to sort them and to find their content.
fn read_columns<'a>(request: &'a Sorted<'_>, keys: &'a [ColumnOrdering], want_content: bool) -> Vec<&'a str> {
    let mut read: Vec<&str> = request.columns.iter().map(String::as_str).collect();
    let keys = keys.iter().map(|key| key.column_name.as_str());
    for column in keys.chain(want_content.then_some(ROW_ADDRESS)) {
        if !read.contains(&column) {
            read.push(column);
        }
    }
    read
}

fn in_order(plan: Arc<dyn ExecutionPlan>, keys: &[ColumnOrdering], limit: Option<u64>) -> Arc<dyn ExecutionPlan> {
    let schema = plan.schema();
    let key = |key: &ColumnOrdering| {
        let index = schema.index_of(&key.column_name).expect("what is sorted by is always projected");
        let options = SortOptions { descending: !key.ascending, nulls_first: key.nulls_first };
        PhysicalSortExpr::new(Arc::new(Column::new(&key.column_name, index)), options)
    };
    let ordering = LexOrdering::new(keys.iter().map(key)).expect("there is a key");
    let plan = coalesced(plan);
    let fetch = limit.and_then(|rows| usize::try_from(rows).ok());
    Arc::new(SortExec::new(ordering, plan).with_fetch(fetch))
}

fn coalesced(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    if plan.properties().partitioning.partition_count() > 1 {
        Arc::new(CoalescePartitionsExec::new(plan))
    } else {
        plan
    }
}

/// Runs a plan of one partition in bounded memory, on a task of its own: a sort of many rows is one step that takes long, and who
/// drops the stream does not wait for it.
fn execute(
    plan: &Arc<dyn ExecutionPlan>,
    batch_rows: usize,
) -> datafusion::error::Result<datafusion::physical_plan::SendableRecordBatchStream> {
    let runtime =
        RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(SORT_MEMORY_BYTES))).build_arc()?;
    let config = SessionConfig::new()
        .with_batch_size(batch_rows)
        .with_target_partitions(1)
        .with_sort_spill_reservation_bytes(SORT_RESERVATION_BYTES);
    let context = SessionContext::new_with_config_rt(config, runtime);
    let mut rows = plan.execute(0, context.task_ctx())?;
    let mut beside = RecordBatchReceiverStream::builder(plan.schema(), 1);
    let sender = beside.tx();
    beside.spawn(async move {
        while let Some(batch) = rows.next().await {
            let is_last = batch.is_err();
            if sender.send(batch).await.is_err() || is_last {
                break;
            }
        }
        Ok(())
    });
    Ok(beside.build())
}

/// Bytes of one row that its types alone tell; vectors are what makes rows wide.
pub(super) fn row_bytes(schema: &SchemaRef, columns: &[String]) -> usize {
    let width = |kind: &DataType| match kind {
        DataType::FixedSizeList(item, length) => {
            usize::try_from(*length).unwrap_or(0) * item.data_type().primitive_width().unwrap_or(8)
        }
        other => other.primitive_width().unwrap_or(64),
    };
    let columns = columns.iter().filter_map(|name| schema.field_with_name(name).ok());
    columns.map(|field| width(field.data_type())).sum::<usize>().max(1)
}

pub(super) fn keep(batch: &RecordBatch, columns: &[String]) -> RecordBatch {
    let indices: Vec<usize> = columns.iter().filter_map(|name| batch.schema_ref().index_of(name).ok()).collect();
    batch.project(&indices).expect("indices of the batch's own schema")
}
