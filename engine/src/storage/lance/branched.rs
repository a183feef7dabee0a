//! References of lineages: one small file for each, beside the table (graph-format §8.2).
//!
//! Lance reads all of them to answer about one, and fails if one of them cannot be read. Here each is read for itself, so that one
//! that is damaged costs its own lineage and no other.

use std::io;
use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt};
use lance::dataset::refs::{BranchContents, TagContents};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::damage::damaged;
use super::{LineageRef, UnreadableRef};
use crate::storage::{Location, StorageError};

/// References read at the same time.
const PARALLEL_READS: usize = 16;

/// The references of one table.
pub(super) struct Refs<'l> {
    location: &'l Location,
    table: &'l str,
}

impl<'l> Refs<'l> {
    pub(super) fn new(location: &'l Location, table: &'l str) -> Self {
        Self { location, table }
    }

    fn store(&self) -> &dyn ObjectStore {
        self.location.store()
    }

    fn file(&self, name: &str) -> Path {
        Path::from(format!("{}/_refs/branches", self.table)).join(format!("{name}.json"))
    }

    /// Returns the names, sorted. Costs one listing.
    pub(super) async fn names(&self) -> Result<Vec<String>, StorageError> {
        let mut names = self.names_in("branches").await?;
        names.sort();
        Ok(names)
    }

    async fn names_in(&self, kind: &str) -> Result<Vec<String>, StorageError> {
        let folder = Path::from(format!("{}/_refs/{kind}", self.table));
        let listed = self.store().list_with_delimiter(Some(&folder)).await.map_err(read_error(&folder))?;
        let name = |path: &Path| {
            let stem = path.filename()?.strip_suffix(".json")?;
            // What is no encoded name is no reference: a staged one has another ending, too.
            Path::from_url_path(stem).ok().map(|name| name.to_string())
        };
        Ok(listed.objects.iter().filter_map(|object| name(&object.location)).collect())
    }

    /// Reads all references, sorted by name. One that is deleted meanwhile is left out.
    pub(super) async fn list(&self) -> Result<Vec<LineageRef>, StorageError> {
        let names = self.names().await?;
        let reads = futures::stream::iter(names).map(|name| async move { self.read(&name).await });
        let found: Vec<Option<LineageRef>> = reads.buffered(PARALLEL_READS).collect().await;
        Ok(found.into_iter().flatten().collect())
    }

    /// Reads the reference of a lineage; none if there is none.
    pub(super) async fn read(&self, name: &str) -> Option<LineageRef> {
        let file = self.file(name);
        let bytes = match self.store().get(&file).await {
            Ok(object) => object.bytes().await,
            Err(object_store::Error::NotFound { .. }) => return None,
            Err(error) => Err(error),
        };
        let contents = match &bytes {
            Ok(bytes) => serde_json::from_slice::<BranchContents>(bytes).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let name = name.to_owned();
        Some(match contents {
            Ok(BranchContents { parent_branch: parent, parent_version, create_at, .. }) => {
                LineageRef { name, parent, parent_version, created_at_seconds: create_at, unreadable: None }
            }
            Err(reason) => LineageRef {
                name,
                parent: None,
                parent_version: 0,
                created_at_seconds: 0,
                unreadable: Some(UnreadableRef { file: file.to_string(), reason }),
            },
        })
    }

    /// Refuses a reference that is there and holds something else.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] naming its file.
    pub(super) async fn check(&self, name: &str) -> Result<(), StorageError> {
        match self.read(name).await.and_then(|found| found.unreadable) {
            Some(UnreadableRef { file, reason }) => {
                Err(damaged(format!("{}/{file}", self.location.uri()), reason.into()))
            }
            None => Ok(()),
        }
    }

    /// Whether there is a lineage of this name, or what one left.
    pub(super) async fn has_lineage(&self, name: &str) -> Result<bool, StorageError> {
        Ok(self.has_reference(name).await? || self.has_versions(name).await?)
    }

    async fn has_reference(&self, name: &str) -> Result<bool, StorageError> {
        let file = self.file(name);
        match self.store().head(&file).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(read_error(&file)(source)),
        }
    }

    async fn has_versions(&self, name: &str) -> Result<bool, StorageError> {
        // The names of folders are not encoded.
        let folder = super::version_file::object_path(&format!("{}/tree/{name}/_versions", self.table));
        let first = self.store().list(Some(&folder)).try_next().await;
        first.map(|file| file.is_some()).map_err(read_error(&folder))
    }

    /// Whether somebody gave a version of the lineage a name, which keeps Lance from deleting it.
    pub(super) async fn is_tagged(&self, name: &str) -> Result<bool, StorageError> {
        for tag in self.names_in("tags").await? {
            let file = Path::from(format!("{}/_refs/tags", self.table)).join(format!("{tag}.json"));
            let read = self.store().get(&file).await.map_err(read_error(&file))?;
            let bytes = read.bytes().await.map_err(read_error(&file))?;
            let contents = serde_json::from_slice::<TagContents>(&bytes);
            if contents.is_ok_and(|tag| tag.branch.as_deref() == Some(name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes a lineage, whatever is left of it: its reference first, because that is what makes it one.
    pub(super) async fn remove(&self, name: &str) -> Result<(), StorageError> {
        let file = self.file(name);
        match self.store().delete(&file).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(StorageError::Write { path: file.to_string(), source }),
        }
        self.remove_files(name, &self.names().await?).await
    }

    /// Removes what an attempt left that failed before the reference was made.
    pub(super) async fn remove_half_made(&self, name: &str) -> Result<(), StorageError> {
        let names = self.names().await?;
        if names.iter().any(|made| made == name) { Ok(()) } else { self.remove_files(name, &names).await }
    }

    async fn remove_files(&self, name: &str, others: &[String]) -> Result<(), StorageError> {
        let Some(folder) = own_folder(name, others) else { return Ok(()) };
        let folder = format!("{}/tree/{folder}", self.table);
        let path: PathBuf = self.location.root().join(&folder);
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(path)).await;
        match removed.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let source = object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(error) };
                Err(StorageError::Write { path: folder, source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn read_error(place: &Path) -> impl Fn(object_store::Error) -> StorageError + use<> {
    let path = place.to_string();
    move |source| StorageError::Read { path: path.clone(), source }
}

/// The uppermost folder that no other lineage has files in; none if one is below the lineage itself.
fn own_folder(name: &str, others: &[String]) -> Option<String> {
    let segments: Vec<&str> = name.split('/').collect();
    let shared = |other: &String| other.split('/').zip(&segments).take_while(|(a, b)| a == *b).count();
    let others = others.iter().filter(|other| *other != name);
    let shared = others.map(shared).max().unwrap_or(0);
    (shared < segments.len()).then(|| segments[..=shared].join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_others_use_stay() {
        let folder = |name: &str, others: &[&str]| {
            own_folder(name, &others.iter().map(|&other| other.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(folder("a", &["b"]).as_deref(), Some("a"));
        assert_eq!(folder("a/b/c", &[]).as_deref(), Some("a"));
        assert_eq!(folder("a/b/c", &["a/x", "ab"]).as_deref(), Some("a/b"));
        assert_eq!(folder("a/b/c", &["a/b/d", "a/x"]).as_deref(), Some("a/b/c"));
        assert_eq!(folder("a/b", &["a"]).as_deref(), Some("a/b"));
        assert_eq!(folder("a/b", &["a/b/c"]), None, "it would take the other one's files");
    }
}
