//! The file that describes one version of a table, as the manifest of a graph records it (graph-format §4.3).

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use crate::storage::{Location, StorageError};

/// Digits of a name that counts down.
const NEWER_DIGITS: usize = 20;

/// Where the file of a version is and how to tell that it is the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionFile {
    /// Absolute path without the leading slash.
    pub(crate) path: String,
    /// Its size.
    pub(crate) size_bytes: u64,
    /// What the store calls this content.
    pub(crate) e_tag: Option<String>,
    /// `V2`, or `V1` in old tables.
    pub(crate) naming: &'static str,
}

/// Looks the file of a version up.
///
/// # Errors
/// [`StorageError::Read`] if there is none.
pub(crate) async fn version_file(
    location: &Location,
    path: &str,
    lineage: Option<&str>,
    version: u64,
) -> Result<VersionFile, StorageError> {
    let folder = folder(path, lineage);
    let newer = newer_name(&folder, version);
    let older = format!("{folder}/{version}.manifest");
    let store = location.store();
    let described = |path: String, naming, meta: ObjectMeta| VersionFile {
        path: format!("{}/{path}", location.uri()).trim_start_matches('/').to_owned(),
        size_bytes: meta.size,
        e_tag: meta.e_tag,
        naming,
    };
    match store.head(&object_path(&newer)).await {
        Ok(meta) => Ok(described(newer, "V2", meta)),
        Err(object_store::Error::NotFound { .. }) => match store.head(&object_path(&older)).await {
            Ok(meta) => Ok(described(older, "V1", meta)),
            Err(source) => Err(StorageError::Read { path: newer, source }),
        },
        Err(source) => Err(StorageError::Read { path: newer, source }),
    }
}

/// Whether a table has a version. Files of an attempt to make it do not count.
///
/// # Errors
/// [`StorageError::Read`] if its folder cannot be listed.
pub(crate) async fn has_version(location: &Location, path: &str) -> Result<bool, StorageError> {
    let folder = folder(path, None);
    // Unless versions were cleaned up the first one is there, and asking for it costs less than a list.
    if location.store().head(&object_path(&newer_name(&folder, 1))).await.is_ok() {
        return Ok(true);
    }
    let mut files = location.store().list(Some(&object_path(&folder)));
    let failed = |source| StorageError::Read { path: folder.clone(), source };
    while let Some(file) = files.try_next().await.map_err(failed)? {
        if file.location.extension() == Some("manifest") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A path in the store, whose folders are called as their lineages are: nothing of a name is encoded.
pub(super) fn object_path(text: &str) -> Path {
    Path::parse(text).unwrap_or_else(|_| Path::from(text))
}

/// Full path of the file of a version, or of the newest one, if there is one.
pub(super) async fn find(
    location: &Location,
    path: &str,
    lineage: Option<&str>,
    version: Option<u64>,
) -> Option<String> {
    if let Some(version) = version {
        return version_file(location, path, lineage, version).await.ok().map(|file| format!("/{}", file.path));
    }
    let files = location.store().list(Some(&object_path(&folder(path, lineage))));
    let files: Vec<ObjectMeta> = files.try_collect().await.ok()?;
    let newest = files.iter().filter_map(|file| Some((number(file.location.filename()?)?, &file.location))).max();
    newest.map(|(_, file)| format!("{}/{file}", location.uri()))
}

/// The version that a file is named after.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".manifest")?;
    let number: u64 = digits.parse().ok()?;
    Some(if digits.len() == NEWER_DIGITS { u64::MAX - number } else { number })
}

fn newer_name(folder: &str, version: u64) -> String {
    format!("{folder}/{:0NEWER_DIGITS$}.manifest", u64::MAX - version)
}

fn folder(path: &str, lineage: Option<&str>) -> String {
    match lineage {
        None => format!("{path}/_versions"),
        Some(lineage) => format!("{path}/tree/{lineage}/_versions"),
    }
}
