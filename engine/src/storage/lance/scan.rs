//! Reading the rows of a table in bounded batches.

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use lance::dataset::scanner::ColumnOrdering;

use super::Table;
use crate::storage::StorageError;

/// Rows, batch by batch.
pub type RowStream = BoxStream<'static, Result<RecordBatch, StorageError>>;

/// Rows in one batch unless asked otherwise.
pub(crate) const BATCH_ROWS: usize = 8192;

/// What to read of a table.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Columns, in this order; all if none.
    pub columns: Option<Vec<String>>,
    /// Condition over the columns, evaluated inside the scan.
    pub filter: Option<String>,
    /// Ascending by this column; storage order if none.
    pub order_by: Option<String>,
    /// At most this many rows.
    pub limit: Option<u64>,
    /// Rows per batch; [`BATCH_ROWS`] if none.
    pub batch_rows: Option<usize>,
    /// Only the fragments at these positions of [`Table::fragment_files`]; all if none.
    pub fragments: Option<Vec<usize>>,
}

impl Table {
    /// Reads rows as `scan` says. The batches have the columns asked for; an empty table yields no batch.
    ///
    /// # Errors
    /// [`StorageError::Request`] for an unknown column or a filter that is not an expression, [`StorageError::Table`]
    /// otherwise, either at once or in the stream.
    pub async fn scan(&self, scan: &Scan) -> Result<RowStream, StorageError> {
        self.fenced_rows(self.scanned(scan)).await
    }

    async fn scanned(&self, scan: &Scan) -> Result<RowStream, StorageError> {
        let fragments = scan.fragments.as_ref().map(|positions| {
            let fragments = self.dataset().fragments();
            positions.iter().filter_map(|&position| fragments.get(position).cloned()).collect()
        });
        let mut scanner = self.scanner(fragments).await?;
        let error = |cause| self.error(cause);
        if let Some(columns) = &scan.columns {
            scanner.project(columns).map_err(error)?;
        }
        if let Some(filter) = &scan.filter {
            scanner.filter_expr(self.condition(filter)?);
        }
        if let Some(column) = &scan.order_by {
            let ordering = ColumnOrdering::asc_nulls_last(column.clone());
            scanner.order_by(Some(vec![ordering])).map_err(error)?;
        }
        let limit = scan.limit.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
        scanner.limit(limit, None).map_err(error)?;
        scanner.batch_size(scan.batch_rows.unwrap_or(BATCH_ROWS));
        let (table, filter) = (self.clone(), scan.filter.clone());
        let rows = scanner.try_into_stream().await.map_err(error)?;
        Ok(rows.map_err(move |cause| table.row_error(cause, filter.as_deref())).boxed())
    }
}
