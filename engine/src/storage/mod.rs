//! Where bytes are: locations, small control objects and versioned tables.
//!
//! Everything above this module speaks of tables, versions, lineages and Arrow batches; only `storage::lance` names Lance.

mod control;
mod error;
mod lance;
mod location;

use std::sync::Arc;

pub use error::StorageError;
pub use lance::{Blobs, IndexInfo, LineageRef, Order, ROW_ADDRESS, RowStream, Scan, Table, VersionInfo, is_blob};
pub(crate) use lance::{Candidates, ID, ROW_ID, Sorted};
pub use location::{Location, names};

use lance::Tables;

use crate::fail::storage_fail_point;

/// All storage of one graph: its control objects and its tables. Cloning shares caches.
#[derive(Debug, Clone)]
pub struct Storage {
    location: Location,
    tables: Arc<Tables>,
}

impl Storage {
    /// Connects to the root of a graph. Reads nothing but the root directory's existence.
    ///
    /// # Errors
    /// [`StorageError::UnsupportedScheme`] or [`StorageError::RootMissing`].
    pub fn connect(uri: &str) -> Result<Self, StorageError> {
        Ok(Self { location: Location::parse(uri)?, tables: Arc::new(Tables::new()) })
    }

    /// Where the graph is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Opens a table at `path` (relative to the root) on a lineage, at a version or at its head.
    ///
    /// # Errors
    /// [`StorageError::TableMissing`], [`StorageError::VersionGone`] naming the oldest version kept, or
    /// [`StorageError::Table`].
    pub async fn open(&self, path: &str, lineage: Option<&str>, version: Option<u64>) -> Result<Table, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_OPEN);
        self.tables.open(&self.location, path, lineage, version).await
    }

    /// Newest version of a table on a lineage, without reading its content.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub async fn head(&self, path: &str, lineage: Option<&str>) -> Result<u64, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_HEAD);
        self.tables.head(&self.location, path, lineage).await
    }

    /// The lineages branched off inside a table, sorted by name; the main lineage is not listed.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub async fn lineages(&self, path: &str) -> Result<Vec<LineageRef>, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_LINEAGES);
        self.tables.lineages(&self.location, path).await
    }
}
