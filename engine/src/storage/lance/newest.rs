//! Which version of a lineage is the newest, without listing all of them.
//!
//! A file system lists a folder in no order, so Lance reads the names of all versions whenever it opens the newest one, and a
//! lineage with a thousand versions is opened some ten times for each write. What was the newest version still is if it is the
//! same file, there is no next one, and the folder was not changed. That there is no next one is not enough: a clean-up keeps
//! versions that branches refer to, and so leaves gaps. That the folder was not changed is not enough either: its time is no
//! finer than the system's clock.
//!
//! Stores that list in order have the newest version first and need none of this.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::stream::BoxStream;
use lance_io::local::to_local_path;
use lance_io::object_store::ObjectStore;
use lance_table::format::{IndexMetadata, Manifest, Transaction};
use lance_table::io::commit::{CommitError, CommitHandler, ManifestLocation, ManifestNamingScheme, ManifestWriter};
use object_store::ObjectStoreExt;
use object_store::path::Path;

/// Commits as the store's own handler does, and remembers what is newest.
#[derive(Debug)]
pub(super) struct NewestVersions {
    commits: Arc<dyn CommitHandler>,
    known: Mutex<HashMap<Path, Known>>,
}

/// What was the newest version when its folder had a time of change.
#[derive(Debug, Clone)]
struct Known {
    newest: ManifestLocation,
    changed: SystemTime,
}

impl NewestVersions {
    pub(super) fn new(commits: Arc<dyn CommitHandler>) -> Self {
        Self { commits, known: Mutex::default() }
    }

    fn remember(&self, lineage: &Path, newest: &ManifestLocation, changed: Option<SystemTime>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match changed {
            // Without a tag, a version cannot be told from one of the same number that took its place.
            Some(changed) if newest.e_tag.is_some() => {
                known.insert(lineage.clone(), Known { newest: newest.clone(), changed });
            }
            Some(_) | None => drop(known.remove(lineage)),
        }
    }

    fn known(&self, lineage: &Path) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(lineage).cloned()
    }
}

/// The file of a version as it is now; none if there is none.
async fn find(store: &ObjectStore, path: Path) -> lance_core::Result<Option<ManifestLocation>> {
    match store.inner.head(&path).await {
        Ok(found) => ManifestLocation::try_from(found).map(Some),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// When a version of a lineage was last added or removed; none where that cannot be told.
fn changed(store: &ObjectStore, lineage: &Path) -> Option<SystemTime> {
    if store.list_is_lexically_ordered || !store.is_local() {
        return None;
    }
    std::fs::metadata(to_local_path(&lineage.clone().join("_versions"))).ok()?.modified().ok()
}

/// Whether a version is still there, and no next one.
async fn is_last(store: &ObjectStore, lineage: &Path, version: &ManifestLocation) -> lance_core::Result<bool> {
    let found = find(store, version.path.clone()).await?;
    if found.is_none_or(|found| found.e_tag != version.e_tag) {
        return Ok(false);
    }
    let next = version.naming_scheme.manifest_path(lineage, version.version + 1);
    Ok(find(store, next).await?.is_none())
}

#[async_trait::async_trait]
impl CommitHandler for NewestVersions {
    fn is_version_not_found_definitive(&self) -> bool {
        self.commits.is_version_not_found_definitive()
    }

    fn propagate_commit_error_after_success(&self) -> bool {
        self.commits.propagate_commit_error_after_success()
    }

    async fn resolve_latest_location(
        &self,
        lineage: &Path,
        store: &ObjectStore,
    ) -> lance_core::Result<ManifestLocation> {
        let changed = changed(store, lineage);
        if let Some(Known { newest, changed: then }) = self.known(lineage)
            && changed == Some(then)
            && is_last(store, lineage, &newest).await?
        {
            return Ok(newest);
        }
        let newest = self.commits.resolve_latest_location(lineage, store).await?;
        self.remember(lineage, &newest, changed);
        Ok(newest)
    }

    async fn resolve_version_location(
        &self,
        lineage: &Path,
        version: u64,
        store: &dyn object_store::ObjectStore,
    ) -> lance_core::Result<ManifestLocation> {
        self.commits.resolve_version_location(lineage, version, store).await
    }

    async fn version_exists(
        &self,
        lineage: &Path,
        version: u64,
        store: &dyn object_store::ObjectStore,
        naming: ManifestNamingScheme,
    ) -> lance_core::Result<bool> {
        self.commits.version_exists(lineage, version, store, naming).await
    }

    fn list_manifest_locations<'a>(
        &self,
        lineage: &Path,
        store: &'a ObjectStore,
        sorted_descending: bool,
    ) -> BoxStream<'a, lance_core::Result<ManifestLocation>> {
        self.commits.list_manifest_locations(lineage, store, sorted_descending)
    }

    fn list_manifest_locations_since<'a>(
        &self,
        lineage: &Path,
        store: &'a ObjectStore,
        since_version: u64,
    ) -> BoxStream<'a, lance_core::Result<ManifestLocation>> {
        self.commits.list_manifest_locations_since(lineage, store, since_version)
    }

    async fn commit(
        &self,
        manifest: &mut Manifest,
        indices: Option<Vec<IndexMetadata>>,
        lineage: &Path,
        store: &ObjectStore,
        writer: ManifestWriter,
        naming: ManifestNamingScheme,
        transaction: Option<Transaction>,
    ) -> Result<ManifestLocation, CommitError> {
        let committed = self.commits.commit(manifest, indices, lineage, store, writer, naming, transaction).await?;
        self.remember(lineage, &committed, changed(store, lineage));
        Ok(committed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};

    use crate::storage::{Rows, Storage, Table};

    fn row(id: &str) -> Rows {
        let ids: ArrayRef = Arc::new(StringArray::from(vec![id]));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        Rows::batches(batch.schema(), vec![batch])
    }

    async fn add(table: &Table, id: &str) -> Table {
        table.stage_append(row(id)).await.unwrap().commit().await.unwrap()
    }

    async fn newest(storage: &Storage, lineage: Option<&str>) -> (u64, u64, u64) {
        let head = storage.head("t", lineage).await.unwrap();
        let table = storage.open("t", lineage, None).await.unwrap();
        (head, table.version(), table.count(None).await.unwrap())
    }

    #[tokio::test]
    async fn versions_that_others_commit_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let uri = folder.path().to_string_lossy();
        let ours = Storage::create(&uri).unwrap();
        ours.create_table("t", row("a")).await.unwrap();
        assert_eq!(newest(&ours, None).await, (1, 1, 1));

        let theirs = Storage::connect(&uri).unwrap();
        let table = add(&theirs.open("t", None, None).await.unwrap(), "b").await;
        let table = add(&table, "c").await;
        assert_eq!(newest(&ours, None).await, (3, 3, 3));
        let ours_now = add(&ours.open("t", None, None).await.unwrap(), "d").await;
        assert_eq!((ours_now.version(), newest(&theirs, None).await), (4, (4, 4, 4)));
        assert_eq!(add(&table, "e").await.version(), 5, "a commit on an older version lands after the newest");
        assert_eq!(newest(&ours, None).await, (5, 5, 5));
    }

    #[tokio::test]
    async fn a_clean_up_that_leaves_gaps_is_seen_through() {
        let folder = tempfile::tempdir().unwrap();
        let uri = folder.path().to_string_lossy();
        let ours = Storage::create(&uri).unwrap();
        ours.create_table("t", row("a")).await.unwrap();
        add(&ours.open("t", None, None).await.unwrap(), "b").await;
        assert_eq!(newest(&ours, None).await, (2, 2, 2));

        let theirs = Storage::connect(&uri).unwrap();
        let mut table = theirs.open("t", None, None).await.unwrap();
        for id in ["c", "d", "e"] {
            table = add(&table, id).await;
        }
        // A branch that starts at the second version keeps it, as Lance's clean-up does.
        for version in [3_u64, 4] {
            let file = folder.path().join(format!("t/_versions/{:020}.manifest", u64::MAX - version));
            std::fs::remove_file(file).unwrap();
        }
        assert_eq!(newest(&ours, None).await, (5, 5, 5));
        let ours_now = add(&ours.open("t", None, None).await.unwrap(), "f").await;
        assert_eq!((ours_now.version(), newest(&theirs, None).await), (6, (6, 6, 6)));
    }

    #[tokio::test]
    async fn a_lineage_that_took_the_place_of_another_is_told_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let uri = folder.path().to_string_lossy();
        let ours = Storage::create(&uri).unwrap();
        let main = ours.create_table("t", row("a")).await.unwrap();
        let fork = ours.fork("t", None, 1, "x").await.unwrap();
        add(&add(&fork, "b").await, "c").await;
        assert_eq!(newest(&ours, Some("x")).await, (3, 3, 3));

        let theirs = Storage::connect(&uri).unwrap();
        theirs.delete_lineage("t", "x").await.unwrap();
        assert!(ours.head("t", Some("x")).await.is_err());
        theirs.fork("t", None, 1, "x").await.unwrap();
        assert_eq!(newest(&ours, Some("x")).await, (1, 1, 1), "it has fewer versions");

        add(&main, "d").await;
        theirs.delete_lineage("t", "x").await.unwrap();
        theirs.fork("t", None, 2, "x").await.unwrap();
        assert_eq!(newest(&ours, Some("x")).await, (2, 2, 2), "it has more");
        theirs.delete_lineage("t", "x").await.unwrap();
        add(&theirs.fork("t", None, 1, "x").await.unwrap(), "e").await;
        let fork = ours.open("t", Some("x"), None).await.unwrap();
        let files: Vec<String> = fork.fragment_files().into_iter().map(|(_, file)| file).collect();
        let theirs = theirs.open("t", Some("x"), None).await.unwrap().fragment_files();
        assert_eq!(files, theirs.into_iter().map(|(_, file)| file).collect::<Vec<_>>(), "it has as many");
    }
}
