//! The versions a table still has, and what made each.

use futures::{StreamExt, TryStreamExt};

use super::Table;
use crate::storage::StorageError;

/// Version records read at the same time.
const PARALLEL_READS: usize = 8;

/// One retained version of a table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct VersionInfo {
    /// Lance version.
    pub version: u64,
    /// When it was committed, microseconds since the epoch.
    pub committed_at_micros: i64,
    /// What made it (`Append`, `Update`, `Delete`, `CreateIndex` …); none if the record is gone.
    pub operation: Option<String>,
}

impl Table {
    /// The retained versions of this lineage, newest first, at most `limit`, with the operation that made each.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub async fn versions(&self, limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
        let head = self.dataset();
        let kept = head.version_refs().await.map_err(|cause| self.error(cause))?;
        let newest = kept.into_iter().rev().take(limit).map(|kept| kept.version);
        futures::stream::iter(newest)
            .map(|version| async move {
                let record = head.read_version_transaction(version).await.map_err(|cause| self.error(cause))?;
                Ok(VersionInfo {
                    version,
                    committed_at_micros: record.timestamp.timestamp_micros(),
                    operation: record.transaction.map(|transaction| transaction.operation.name().to_owned()),
                })
            })
            .buffered(PARALLEL_READS)
            .try_collect()
            .await
    }
}
