//! Which version of a lineage is the newest, without listing all of them.
//!
//! A file system lists a folder in no order, so Lance reads the names of all versions whenever it opens the newest one, and a
//! lineage with a thousand versions is opened some ten times for each write. Versions are numbered without gaps, and only old
//! ones are ever removed: a version that is still the file it was is the newest as long as there is no next one. Each lineage
//! is listed once; from then on two look-ups tell.
//!
//! Stores that list in order have the newest version first and need none of this.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::BoxStream;
use lance_io::object_store::ObjectStore;
use lance_table::format::{IndexMetadata, Manifest, Transaction};
use lance_table::io::commit::{CommitError, CommitHandler, ManifestLocation, ManifestNamingScheme, ManifestWriter};
use object_store::ObjectStoreExt;
use object_store::path::Path;

/// Commits as the store's own handler does, and remembers what is newest.
#[derive(Debug)]
pub(super) struct Newest {
    commits: Arc<dyn CommitHandler>,
    known: Mutex<HashMap<Path, ManifestLocation>>,
}

impl Newest {
    pub(super) fn new(commits: Arc<dyn CommitHandler>) -> Self {
        Self { commits, known: Mutex::default() }
    }

    fn remember(&self, lineage: &Path, newest: &ManifestLocation) {
        // Without a tag, a version cannot be told from one of the same number that took its place.
        if newest.e_tag.is_some() {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(lineage.clone(), newest.clone());
        }
    }

    fn forget(&self, lineage: &Path) -> Option<ManifestLocation> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(lineage)
    }

    fn known(&self, lineage: &Path) -> Option<ManifestLocation> {
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

/// The newest of the versions from one on that is there for sure.
async fn last_from(
    store: &ObjectStore,
    lineage: &Path,
    mut newest: ManifestLocation,
) -> lance_core::Result<ManifestLocation> {
    while let Some(next) = find(store, newest.naming_scheme.manifest_path(lineage, newest.version + 1)).await? {
        newest = next;
    }
    Ok(newest)
}

#[async_trait::async_trait]
impl CommitHandler for Newest {
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
        let known = if store.list_is_lexically_ordered { None } else { self.known(lineage) };
        if let Some(known) = known
            && let Some(found) = find(store, known.path.clone()).await?
            && found.e_tag == known.e_tag
        {
            let newest = last_from(store, lineage, found).await?;
            self.remember(lineage, &newest);
            return Ok(newest);
        }
        self.forget(lineage);
        let newest = self.commits.resolve_latest_location(lineage, store).await?;
        self.remember(lineage, &newest);
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
        // The tag lets the next reader take the version from memory; what is committed is committed without one as well.
        let Ok(Some(found)) = find(store, committed.path.clone()).await else { return Ok(committed) };
        self.remember(lineage, &found);
        Ok(found)
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
