//! Rows by their addresses, as many as there are, a bounded number at a time.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};

use super::Table;
use super::blob::{self, Blobs};
use super::scan::RowStream;
use super::sorted::{keep, row_bytes};
use crate::error::{Error, Result};
use crate::storage::StorageError;

/// Bytes that one batch of rows should have at most, as far as its types tell.
const BATCH_BYTES: usize = 1 << 20;
/// Rows of one batch.
const BATCH_ROWS: usize = 4096;

impl Table {
    /// Rows of these columns that should be in memory at once, as far as their types tell; at least one.
    pub(crate) fn rows_at_once(&self, columns: &[String]) -> usize {
        (BATCH_BYTES / row_bytes(&self.schema(), columns)).clamp(1, BATCH_ROWS)
    }

    /// Reads some columns of the rows at these addresses. Blobs come as bytes, or as references to what is outside.
    ///
    /// # Errors
    /// In the stream: those of the addresses, [`StorageError::RowsMissed`] if one is not there, [`StorageError::Table`].
    pub(crate) fn pick(
        &self,
        addresses: BoxStream<'static, Result<Vec<u64>>>,
        columns: &[String],
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let rows = self.rows_at_once(columns);
        let chunks = move |addresses: Vec<u64>| {
            let chunks: Vec<Result<Vec<u64>>> = addresses.chunks(rows).map(|chunk| Ok(chunk.to_vec())).collect();
            futures::stream::iter(chunks)
        };
        let (table, wanted): (Self, Arc<[String]>) = (self.clone(), columns.into());
        let read = move |addresses: Vec<u64>| {
            let (table, wanted) = (table.clone(), wanted.clone());
            async move { Ok(table.fenced_rows(table.picked(&addresses, &wanted).boxed()).await?.map_err(Error::from)) }
        };
        addresses.map_ok(chunks).try_flatten().and_then(read).try_flatten().boxed()
    }

    async fn picked(&self, addresses: &[u64], columns: &Arc<[String]>) -> Result<RowStream, StorageError> {
        let batch = self.take(addresses, columns, Blobs::Described).await?;
        let (expected, found) = (addresses.len() as u64, batch.num_rows() as u64);
        if expected != found {
            return Err(StorageError::RowsMissed { path: self.uri().to_owned(), expected, found });
        }
        let blobs = self.blob_columns(columns);
        let batches = futures::stream::iter([Ok(batch)]).boxed();
        let batches = if blobs.is_empty() { batches } else { blob::with_content(self, batches, blobs, Blobs::Bytes) };
        let columns = columns.clone();
        Ok(batches.map_ok(move |batch| keep(&batch, &columns)).boxed())
    }
}
