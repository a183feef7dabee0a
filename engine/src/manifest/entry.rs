//! One table as one version of the graph sees it.

use std::sync::Arc;

use crate::id::{BranchName, TableKey, TableVersion};
use crate::storage::{Storage, StorageError, Table};

/// A table pinned by a manifest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// Which table.
    pub key: TableKey,
    /// Its folder, relative to the root of the graph.
    pub path: Arc<str>,
    /// The pinned version.
    pub version: TableVersion,
    /// Lineage of the table that holds the version; none is its main lineage.
    pub lineage: Option<BranchName>,
    /// Live rows of that version.
    pub rows: u64,
}

impl TableEntry {
    /// Whether both entries are the same physical state, so that nothing can differ between them.
    #[must_use]
    pub fn same_state(&self, other: &Self) -> bool {
        self.path == other.path && self.version == other.version && self.lineage == other.lineage
    }

    /// Opens the table at exactly the pinned version.
    ///
    /// # Errors
    /// As [`Storage::open`]; [`StorageError::Damaged`] if that version has other rows than were published.
    pub(crate) async fn open(&self, storage: &Storage) -> Result<Table, StorageError> {
        let table = storage.open(&self.path, self.stored_lineage(), Some(self.version.get())).await?;
        table.holding(self.rows)
    }

    /// The lineage as the storage has it.
    #[must_use]
    pub fn stored_lineage(&self) -> Option<&str> {
        self.lineage.as_ref().map(BranchName::as_str)
    }
}
