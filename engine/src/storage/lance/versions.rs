//! The versions a table still has, and what made each.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};

use lance::dataset::VersionTransaction;
use lance::dataset::transaction::{Operation, Transaction};

use super::Table;
use super::cause::{Read, said};
use super::damage::{absolute, damaged};
use super::fence::whole;
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

/// What made one version, as far as is asked when something was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Lance version.
    pub(crate) version: u64,
    /// The version whose content it has again, if it is a restore.
    pub(crate) restored: Option<u64>,
    /// What was noted with it ([`super::StagedChange::noting`]).
    pub(crate) notes: HashMap<String, String>,
}

impl Table {
    /// What made the retained versions of this lineage after `after`, up to the one that is open, oldest first. Versions whose
    /// record is gone are left out.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub(crate) async fn origins(&self, after: u64) -> Result<Vec<Origin>, StorageError> {
        let made = records(self, after).await?.into_iter().map(|(version, transaction)| Origin {
            version,
            restored: match transaction.operation {
                Operation::Restore { version } => Some(version),
                _ => None,
            },
            notes: transaction.transaction_properties.map(|notes| (*notes).clone()).unwrap_or_default(),
        });
        Ok(made.collect())
    }

    async fn records_after(&self, after: u64) -> Result<Vec<(u64, Transaction)>, StorageError> {
        let kept = self.dataset().version_refs().await.map_err(|cause| self.error(cause))?;
        let wanted = kept.into_iter().map(|kept| kept.version).filter(|&at| after < at && at <= self.version());
        let found: Vec<Option<(u64, Transaction)>> = futures::stream::iter(wanted)
            .map(|version| async move {
                let record = self.record(version).await?;
                Ok(record.transaction.map(|transaction| (version, transaction)))
            })
            .buffered(PARALLEL_READS)
            .try_collect()
            .await?;
        let mut found: Vec<(u64, Transaction)> = found.into_iter().flatten().collect();
        found.sort_by_key(|(version, _)| *version);
        Ok(found)
    }

    /// What is recorded of a version of this lineage.
    async fn record(&self, version: u64) -> Result<VersionTransaction, StorageError> {
        let read = whole(self.dataset().read_version_transaction(version)).await;
        read.map_err(|cause| match Read::of(&cause.to_string()) {
            Read::OutOfReach => self.error(cause),
            Read::Missing | Read::Wrong => damaged(self.version_file(version), said(&cause)),
        })
    }

    /// Full path of the file of a version of this lineage.
    fn version_file(&self, version: u64) -> String {
        let lineage = self.dataset().branch_location().path;
        let naming = self.dataset().manifest_location().naming_scheme;
        absolute(naming.manifest_path(&lineage, version).as_ref())
    }

    /// The retained versions of this lineage, newest first, at most `limit`, with the operation that made each.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub async fn versions(&self, limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
        self.fenced(self.newest_versions(limit)).await
    }

    async fn newest_versions(&self, limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
        let head = self.dataset();
        let kept = head.version_refs().await.map_err(|cause| self.error(cause))?;
        let newest = kept.into_iter().rev().take(limit).map(|kept| kept.version);
        futures::stream::iter(newest)
            .map(|version| async move {
                let record = self.record(version).await?;
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

/// The records of the retained versions after `after`, up to the one that is open, oldest first. Those that are gone are left out.
pub(super) async fn records(table: &Table, after: u64) -> Result<Vec<(u64, Transaction)>, StorageError> {
    table.fenced(table.records_after(after)).await
}
