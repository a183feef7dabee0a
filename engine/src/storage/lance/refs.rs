//! The references of a table's lineages (graph-format §8.2), without opening the table.
//!
//! Lance reads the content of every reference to answer about one. A graph may have thousands of branches, so a question about one of
//! them reads that one's file, and a question about names reads the listing alone.

use super::LineageRef;
use super::branched::Refs;
use crate::fail::storage_fail_point;
use crate::storage::{Location, StorageError};

/// A reference as its folder lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedRef {
    /// Name of the lineage.
    pub(crate) name: String,
    /// Changes when the reference is written anew, as when its lineage is deleted and made again.
    pub(crate) e_tag: Option<String>,
}

/// Lists the references of a table, sorted by name, in one listing.
///
/// # Errors
/// [`StorageError::Read`].
pub(in crate::storage) async fn list_refs(location: &Location, path: &str) -> Result<Vec<ListedRef>, StorageError> {
    storage_fail_point!(crate::fail::STORAGE_LINEAGES);
    Refs::new(location, path).listed().await
}

/// Reads one reference; none if there is no lineage of that name. One that is damaged says so.
///
/// # Errors
/// [`StorageError::Injected`] alone.
pub(in crate::storage) async fn read_ref(
    location: &Location,
    path: &str,
    name: &str,
) -> Result<Option<LineageRef>, StorageError> {
    storage_fail_point!(crate::fail::STORAGE_LINEAGES);
    Ok(Refs::new(location, path).read(name).await)
}
