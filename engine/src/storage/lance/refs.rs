//! The references of a table's lineages (graph-format §8.2), without opening the table.
//!
//! Lance reads the content of every reference to answer about one. A graph may have thousands of branches, so a question about one of
//! them reads that one's file, and a question about names reads the listing alone.

use std::path::Path as FilePath;

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

/// The versions of a lineage that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeptVersions {
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
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

/// Returns the oldest and the newest version of each lineage, in the order of the names, from one listing of its folder of versions;
/// none where there is no version.
pub(in crate::storage) async fn kept_versions(
    location: &Location,
    path: &str,
    names: Vec<Option<String>>,
) -> Vec<Option<KeptVersions>> {
    let folders = names.iter().map(|name| match name {
        None => location.root().join(path).join("_versions"),
        Some(name) => location.root().join(path).join("tree").join(name).join("_versions"),
    });
    let folders: Vec<_> = folders.collect();
    let read = tokio::task::spawn_blocking(move || folders.iter().map(|folder| kept_in(folder)).collect());
    // A listing that panicked or was stopped with the runtime has found nothing.
    read.await.unwrap_or_else(|_| vec![None; names.len()])
}

fn kept_in(folder: &FilePath) -> Option<KeptVersions> {
    let files = std::fs::read_dir(folder).ok()?;
    let versions = files.filter_map(|file| version_of(file.ok()?.file_name().to_str()?));
    versions.fold(None, |kept, version| {
        let KeptVersions { oldest, newest } = kept.unwrap_or(KeptVersions { oldest: version, newest: version });
        Some(KeptVersions { oldest: version.min(oldest), newest: version.max(newest) })
    })
}

/// Returns the version that a file describes: `<2^64 - 1 - version>.manifest`, or `<version>.manifest` in old tables.
fn version_of(file: &str) -> Option<u64> {
    let stem = file.strip_suffix(".manifest")?;
    let number: u64 = stem.parse().ok()?;
    if stem.len() == 20 { Some(u64::MAX - number) } else { Some(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_version_files_are_read() {
        assert_eq!(version_of("18446744073709551611.manifest"), Some(4));
        assert_eq!(version_of("4.manifest"), Some(4));
        assert_eq!(version_of("latest_version_hint.json"), None);
        assert_eq!(version_of("18446744073709551611.manifest.tmp"), None);
    }
}
