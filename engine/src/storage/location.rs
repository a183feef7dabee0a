//! URI → object store and root; the names of every directory and file of a graph.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use super::StorageError;

/// Names under the root of a graph (graph-format §1).
pub mod names {
    /// Source of the accepted schema.
    pub const SCHEMA_SOURCE: &str = "_schema.pg";
    /// Canonical form of the accepted schema.
    pub const SCHEMA_IR: &str = "_schema.ir.json";
    /// Hash record of the accepted schema.
    pub const SCHEMA_STATE: &str = "__schema_state.json";
    /// Catalog and publish log; its lineages are the branches of the graph.
    pub const MANIFEST: &str = "__manifest";
    /// Commit rows.
    pub const COMMITS: &str = "_graph_commits.lance";
    /// Commit → actor.
    pub const ACTORS: &str = "_graph_commit_actors.lance";
    /// Audit of recoveries.
    pub const RECOVERIES: &str = "_graph_commit_recoveries.lance";
    /// Sidecars of interrupted writes.
    pub const SIDECARS: &str = "__recovery";
    /// Branch that exists only while a schema is applied; never shown.
    pub const SCHEMA_APPLY_LOCK: &str = "__schema_apply_lock__";
}

/// Root of one graph. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Location {
    uri: Arc<str>,
    root: Arc<Path>,
    store: Arc<dyn ObjectStore>,
}

impl Location {
    /// Normalizes a path or `file://` URI to an absolute root, as graph-format §1 says.
    ///
    /// # Errors
    /// [`StorageError::UnsupportedScheme`] for any other scheme, [`StorageError::RootMissing`] if there is no such directory.
    pub fn parse(uri: &str) -> Result<Self, StorageError> {
        let root = local_path(uri)?;
        let missing = |source| StorageError::RootMissing { path: root.display().to_string(), source };
        if !root.is_dir() {
            return Err(missing(None));
        }
        let store = LocalFileSystem::new_with_prefix(&root).map_err(|source| missing(Some(Box::new(source))))?;
        Ok(Self { uri: root.display().to_string().into(), root: root.into(), store: Arc::new(store) })
    }

    /// As [`Location::parse`], making the folder if there is none.
    ///
    /// # Errors
    /// As [`Location::parse`]; [`StorageError::RootIsFile`], [`StorageError::MakeRoot`].
    pub(super) fn create(uri: &str) -> Result<Self, StorageError> {
        let root = local_path(uri)?;
        std::fs::create_dir_all(&root).map_err(|source| {
            let path = root.display().to_string();
            if root.is_file() { StorageError::RootIsFile { path } } else { StorageError::MakeRoot { path, source } }
        })?;
        Self::parse(uri)
    }

    /// The root as a path of the file system.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The normalized root: an absolute path without a trailing slash.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Last segment of the root, for titles.
    #[must_use]
    pub fn name(&self) -> &str {
        self.root.file_name().and_then(|name| name.to_str()).unwrap_or(&self.uri)
    }

    /// Full URI of a table's lineage: `<root>/<path>`, or `<root>/<path>/tree/<lineage>` for a branched one.
    #[must_use]
    pub fn table_uri(&self, path: &str, lineage: Option<&str>) -> String {
        match lineage {
            None => format!("{}/{path}", self.uri),
            Some(lineage) => format!("{}/{path}/tree/{lineage}", self.uri),
        }
    }

    /// Store whose root is the graph's root.
    pub(super) fn store(&self) -> &dyn ObjectStore {
        self.store.as_ref()
    }
}

fn local_path(uri: &str) -> Result<PathBuf, StorageError> {
    let unsupported = |scheme: &str| StorageError::UnsupportedScheme { uri: uri.to_owned(), scheme: scheme.to_owned() };
    let path = if uri.starts_with("file://") {
        url::Url::parse(uri).ok().and_then(|url| url.to_file_path().ok()).ok_or_else(|| unsupported("file"))?
    } else if let Some((scheme, _)) = uri.split_once("://") {
        return Err(unsupported(scheme));
    } else {
        PathBuf::from(uri)
    };
    let absolute = std::path::absolute(&path)
        .map_err(|source| StorageError::RootMissing { path: uri.to_owned(), source: Some(Box::new(source)) })?;
    Ok(fold_dots(&absolute))
}

/// Folds `.` and `..` lexically, as the reference does, and drops a trailing slash.
fn fold_dots(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut folded = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                folded.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => folded.push(component),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_normalize_to_one_root() {
        for (uri, root) in [("/a/b/", "/a/b"), ("/a/./b/../c", "/a/c"), ("file:///a/b%20c/", "/a/b c")] {
            assert_eq!(local_path(uri).unwrap(), PathBuf::from(root), "{uri}");
        }
        assert!(local_path("relative/x").unwrap().is_absolute());
    }

    #[test]
    fn other_schemes_are_refused_by_name() {
        let error = Location::parse("s3://bucket/graph").unwrap_err();
        assert!(matches!(&error, StorageError::UnsupportedScheme { scheme, .. } if scheme == "s3"), "{error}");
    }

    #[test]
    fn a_missing_root_is_said_to_be_missing() {
        let error = Location::parse("/no/such/folder").unwrap_err();
        assert!(matches!(error, StorageError::RootMissing { .. }), "{error}");
    }
}
