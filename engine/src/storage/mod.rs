//! Where bytes are: locations, small control objects and versioned tables.
//!
//! Everything above this module speaks of tables, versions, lineages and Arrow batches; only `storage::lance` names Lance.

mod control;
mod error;
mod lance;
mod location;

use std::sync::Arc;

pub use error::StorageError;
pub use lance::{
    Blobs, IndexInfo, LineageRef, Order, ROW_ADDRESS, RowStream, Scan, Table, TooDeep, UnreadableRef, VersionInfo,
    is_blob, is_fenced,
};
pub(crate) use lance::{
    Candidates, Compare, Condition, ID, KEY_COLUMN, KeptVersions, ListedRef, Live, Look, MERGE, OPERATION_ID, Origin,
    Rows, Sameness, Sorted, StagedChange, Stopped, Summary, TextSet, VersionFile, WRITTEN_IN, compare_zeros_as_one,
    fenced, fenced_stream, flatten, is_nested_too_deeply, misread, sorted_with_one_zero, sql_reader, terms_of,
    too_many_terms, uncomputed_in, with_exact_arithmetic, with_one_zero, with_room_for,
};
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

    /// As [`Storage::connect`], making the root if there is none.
    ///
    /// # Errors
    /// As [`Storage::connect`]; [`StorageError::MakeRoot`].
    pub(crate) fn create(uri: &str) -> Result<Self, StorageError> {
        Ok(Self { location: Location::create(uri)?, tables: Arc::new(Tables::new()) })
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
        Box::pin(self.tables.open(&self.location, path, lineage, version)).await
    }

    /// Newest version of a table on a lineage, without reading its content.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub async fn head(&self, path: &str, lineage: Option<&str>) -> Result<u64, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_HEAD);
        Box::pin(self.tables.head(&self.location, path, lineage)).await
    }

    /// Makes a table with these columns and rows, as version 1.
    ///
    /// # Errors
    /// [`StorageError::Table`], also if there is a table already.
    pub(crate) async fn create_table(&self, path: &str, rows: Rows) -> Result<Table, StorageError> {
        Box::pin(self.tables.create(&self.location, path, rows)).await
    }

    /// Branches a lineage off inside a table; its first version has the same number as the one it starts at.
    ///
    /// # Errors
    /// [`StorageError::LineageExists`], else as [`Storage::open`]. After another error nothing of it is left.
    pub(crate) async fn fork(
        &self,
        path: &str,
        from: Option<&str>,
        version: u64,
        name: &str,
    ) -> Result<Table, StorageError> {
        let forked = Box::pin(self.tables.fork(&self.location, path, from, version, name)).await?;
        storage_fail_point!(crate::fail::STORAGE_AFTER_FORK);
        Ok(forked)
    }

    /// Deletes a lineage of a table, or what is left of one. None is no error.
    ///
    /// # Errors
    /// [`StorageError::LineageInUse`], else as [`Storage::open`].
    pub(crate) async fn delete_lineage(&self, path: &str, name: &str) -> Result<(), StorageError> {
        self.tables.delete_lineage(&self.location, path, name).await
    }

    /// The file that describes a version of a table.
    ///
    /// # Errors
    /// [`StorageError::Read`] if there is none.
    pub(crate) async fn version_file(
        &self,
        path: &str,
        lineage: Option<&str>,
        version: u64,
    ) -> Result<VersionFile, StorageError> {
        lance::version_file(&self.location, path, lineage, version).await
    }

    /// Whether a table has a version on its main lineage, however it reads.
    ///
    /// # Errors
    /// [`StorageError::Read`] if its folder cannot be listed.
    pub(crate) async fn has_version(&self, path: &str) -> Result<bool, StorageError> {
        lance::has_version(&self.location, path).await
    }

    /// The lineages branched off inside a table, sorted by name; neither the main one nor those whose reference cannot be read are
    /// listed.
    ///
    /// # Errors
    /// [`StorageError::Read`] if they cannot be listed.
    pub async fn lineages(&self, path: &str) -> Result<Vec<LineageRef>, StorageError> {
        let mut lineages = self.lineage_refs(path).await?;
        lineages.retain(|lineage| lineage.unreadable.is_none());
        Ok(lineages)
    }

    /// As [`Storage::lineages`], with those of which nothing but the name can be read.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn lineage_refs(&self, path: &str) -> Result<Vec<LineageRef>, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_LINEAGES);
        self.tables.lineages(&self.location, path).await
    }

    /// Lists the references of a table's lineages, sorted by name, without reading one.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    pub(crate) async fn list_refs(&self, path: &str) -> Result<Vec<ListedRef>, StorageError> {
        lance::list_refs(&self.location, path).await
    }

    /// Reads the reference of one lineage; none if there is no lineage of that name. One that is damaged says so.
    ///
    /// # Errors
    /// [`StorageError::Injected`] alone.
    pub(crate) async fn read_ref(&self, path: &str, name: &str) -> Result<Option<LineageRef>, StorageError> {
        lance::read_ref(&self.location, path, name).await
    }

    /// Returns the oldest and the newest version of each lineage (none: the main one), in their order; none where no version can be
    /// found. Costs one look at each folder of versions, and one listing of each that may have changed since it was listed.
    pub(crate) async fn kept_versions(&self, path: &str, lineages: Vec<Option<String>>) -> Vec<Option<KeptVersions>> {
        self.tables.kept_versions(&self.location, path, lineages).await
    }

    /// Whether a table has a lineage of this name, or what one left.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    pub(crate) async fn has_lineage(&self, path: &str, name: &str) -> Result<bool, StorageError> {
        self.tables.has_lineage(&self.location, path, name).await
    }
}
