//! References of lineages: one small file for each, beside the table (graph-format §8.2).
//!
//! Lance reads all of them to answer about one, and fails if one of them cannot be read. Here each is read for itself, so that one
//! that is damaged costs its own lineage and no other.

use std::ffi::OsString;
use std::io;
use std::path::{Path as FilePath, PathBuf};

use futures::{StreamExt, TryStreamExt};
use lance::dataset::refs::{BranchContents, TagContents};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::damage::damaged;
use super::refs::ListedRef;
use super::{LineageRef, UnreadableRef};
use crate::storage::{Location, StorageError};

/// The folder of the versions of a lineage, which every lineage has.
const VERSIONS: &str = "_versions";

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

    /// Lists the references, sorted by name. Costs one listing.
    pub(super) async fn listed(&self) -> Result<Vec<ListedRef>, StorageError> {
        self.listed_in("branches").await
    }

    async fn listed_in(&self, kind: &str) -> Result<Vec<ListedRef>, StorageError> {
        let folder = Path::from(format!("{}/_refs/{kind}", self.table));
        let listed = self.store().list_with_delimiter(Some(&folder)).await.map_err(read_error(&folder))?;
        let reference = |file: ObjectMeta| {
            let stem = file.location.filename()?.strip_suffix(".json")?;
            // What is no encoded name is no reference: a staged one has another ending, too.
            let name = Path::from_url_path(stem).ok()?.to_string();
            Some(ListedRef { name, e_tag: file.e_tag })
        };
        let mut listed: Vec<ListedRef> = listed.objects.into_iter().filter_map(reference).collect();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    /// Reads all references, sorted by name. One that is deleted meanwhile is left out.
    pub(super) async fn list(&self) -> Result<Vec<LineageRef>, StorageError> {
        let listed = futures::stream::iter(self.listed().await?);
        let reads = listed.map(|listed| async move { self.read(&listed.name).await });
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
        let folder = super::version_file::object_path(&format!("{}/tree/{name}/{VERSIONS}", self.table));
        let first = self.store().list(Some(&folder)).try_next().await;
        first.map(|file| file.is_some()).map_err(read_error(&folder))
    }

    /// Whether somebody gave a version of the lineage a name, which keeps Lance from deleting it.
    pub(super) async fn is_tagged(&self, name: &str) -> Result<bool, StorageError> {
        for ListedRef { name: tag, .. } in self.listed_in("tags").await? {
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
        self.remove_files(name).await
    }

    /// Removes what an attempt left that failed before the reference was made.
    pub(super) async fn remove_half_made(&self, name: &str) -> Result<(), StorageError> {
        if self.has_reference(name).await? { Ok(()) } else { self.remove_files(name).await }
    }

    async fn remove_files(&self, name: &str) -> Result<(), StorageError> {
        let tree = format!("{}/tree", self.table);
        let (root, own) = (self.location.root().join(&tree), name.to_owned());
        let removed = tokio::task::spawn_blocking(move || remove_folder(&root, &own)).await;
        removed.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
            let source = object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(error) };
            StorageError::Write { path: format!("{tree}/{name}"), source }
        })
    }
}

fn read_error(place: &Path) -> impl Fn(object_store::Error) -> StorageError + use<> {
    let path = place.to_string();
    move |source| StorageError::Read { path: path.clone(), source }
}

/// Removes the files of a lineage, then its folder and those above it that are empty. Folders of other lineages stay, wherever they are:
/// one that is just being made has a folder before it has a reference.
fn remove_folder(tree: &FilePath, name: &str) -> io::Result<()> {
    // What begins with a slash would be taken for a place outside.
    let name = name.trim_start_matches('/');
    match remove_own(&tree.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let above = name.rmatch_indices('/').map(|(end, _)| end);
    for end in std::iter::once(name.len()).chain(above) {
        match std::fs::remove_dir(tree.join(&name[..end])) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => break,
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Removes the folders that Lance keeps in the folder of one lineage, whose loose files are not its own: they are rows of another
/// lineage if this one is called `team/data`.
fn remove_own(folder: &FilePath) -> io::Result<()> {
    for (name, path) in folders_in(folder)? {
        let is_own = name == "data" || name.as_encoded_bytes().starts_with(b"_");
        if is_own && !holds_lineage(&path)? {
            match std::fs::remove_dir_all(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

fn holds_lineage(folder: &FilePath) -> io::Result<bool> {
    for (name, path) in folders_in(folder)? {
        if name == VERSIONS || holds_lineage(&path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn folders_in(folder: &FilePath) -> io::Result<Vec<(OsString, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push((entry.file_name(), entry.path()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(tree: &FilePath, names: &[&str]) {
        for name in names {
            std::fs::create_dir_all(tree.join(name).join(VERSIONS)).unwrap();
            std::fs::create_dir_all(tree.join(name).join("data")).unwrap();
            std::fs::write(tree.join(name).join("data/rows"), "rows").unwrap();
        }
    }

    #[test]
    fn folders_that_others_use_stay() {
        for (name, others, left) in [
            ("a", &["b"][..], &["b"][..]),
            ("a/b/c", &[], &[]),
            ("a/b/c", &["a/x", "ab"], &["a", "a/x", "ab"]),
            ("a/b/c", &["a/b/d"], &["a", "a/b", "a/b/d"]),
            ("a/b", &["a"], &["a"]),
            ("a", &["a/b"], &["a", "a/b"]),
            ("a", &["a/_b", "a/b/c"], &["a", "a/_b", "a/b", "a/b/c"]),
            ("a", &["a/data/x", "a/_b/c"], &["a", "a/data", "a/data/x", "a/_b", "a/_b/c"]),
            ("a/data", &["a"], &["a", "a/data"]),
        ] {
            let tree = tempfile::tempdir().unwrap();
            folders(tree.path(), others);
            folders(tree.path(), &[name]);
            remove_folder(tree.path(), name).unwrap();
            let is_there = |path: &&str| tree.path().join(path).exists();
            assert!(
                others.iter().all(|other| tree.path().join(other).join("data/rows").exists()),
                "{name}, {others:?}"
            );
            assert!(left.iter().all(is_there), "{name} beside {others:?}");
            let names = ["a", "a/b", "a/b/c"];
            assert!(names.iter().filter(|name| !left.contains(name)).all(|name| !is_there(name)), "{name}, {others:?}");
            assert!(!is_there(&&*format!("{name}/{VERSIONS}")), "{name}, {others:?}");
            assert!(tree.path().exists());
        }
    }

    #[tokio::test]
    async fn what_has_no_reference_yet_is_not_removed_with_its_neighbor() {
        let root = tempfile::tempdir().unwrap();
        let location = Location::parse(&root.path().to_string_lossy()).unwrap();
        let tree = root.path().join("t/tree");
        folders(&tree, &["team/a", "team/b"]);
        Refs::new(&location, "t").remove("team/a").await.unwrap();
        assert!(tree.join("team/b/_versions").exists() && !tree.join("team/a").exists());
        folders(&tree, &["team"]);
        Refs::new(&location, "t").remove("team").await.unwrap();
        assert!(tree.join("team/b/_versions").exists() && !tree.join("team/_versions").exists());
        Refs::new(&location, "t").remove("team/b").await.unwrap();
        assert!(tree.exists() && !tree.join("team").exists());
    }
}
