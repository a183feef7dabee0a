//! Tables as Lance datasets. This folder is the only place that names Lance.

mod blob;
mod cause;
mod changed;
mod condition;
mod matching;
mod memory;
mod newest;
mod pick;
mod provider;
mod prune;
mod refs;
mod scan;
mod sorted;
mod stage;
mod summary;
mod table;
mod version_file;
mod versions;

use std::collections::HashMap;
use std::sync::Arc;

use lance::Dataset;
use lance::dataset::builder::DatasetBuilder;
use lance::dataset::refs::BranchContents;
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use lance::session::Session;
use lance_table::io::commit::commit_handler_from_url;
use tokio::sync::OnceCell;

use super::{Location, StorageError};
use cause::{is_missing, said, table_error};
use memory::Memory;
use newest::NewestVersions;

pub use blob::{Blobs, is_blob};
pub(crate) use changed::Candidates;
pub(crate) use matching::{Compare, Condition};
pub(crate) use refs::{KeptVersions, ListedRef};
pub(super) use refs::{kept_versions, list_refs, read_ref};
pub use scan::{RowStream, Scan};
pub use sorted::Order;
pub(crate) use sorted::{ID, Sorted};
pub(crate) use stage::{KEY_COLUMN, Live, MERGE, OPERATION_ID, Rows, StagedChange, TextSet};
pub(crate) use summary::{Summary, WRITTEN_IN};
pub use table::{IndexInfo, ROW_ADDRESS, Table};
pub(crate) use version_file::{VersionFile, has_version, version_file};
pub(crate) use versions::Origin;
pub use versions::VersionInfo;

/// Bytes of file metadata kept between reads.
const METADATA_CACHE_BYTES: usize = 64 << 20;
/// Bytes of index pages kept between reads.
const INDEX_CACHE_BYTES: usize = 64 << 20;

/// How often references are listed while others delete some.
const LISTINGS: usize = 20;

/// A lineage branched off inside a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineageRef {
    /// Name of the lineage.
    pub name: String,
    /// Lineage it was branched from; none for the main one.
    pub parent: Option<String>,
    /// Version of the parent it starts at.
    pub parent_version: u64,
    /// When it was made, seconds since the epoch.
    pub created_at_seconds: u64,
}

/// Opens tables and shares their caches.
pub(super) struct Tables {
    session: Arc<Session>,
    memory: Arc<Memory>,
    versions: OnceCell<Arc<NewestVersions>>,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

/// The references of a dataset. They are listed, then read: one that is deleted in between is no longer there when they are
/// listed again.
async fn list_branches(dataset: &Dataset) -> Result<HashMap<String, BranchContents>, lance::Error> {
    for _ in 1..LISTINGS {
        match dataset.list_branches().await {
            Err(cause) if is_missing(&cause) => {}
            listed => return listed,
        }
    }
    dataset.list_branches().await
}

impl Tables {
    pub(super) fn new() -> Self {
        let session = Session::new(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES, Arc::default());
        Self { session: Arc::new(session), memory: Arc::default(), versions: OnceCell::new() }
    }

    /// How commits are made and found; all tables of a graph are in one store.
    async fn versions(&self, uri: &str) -> Result<Arc<NewestVersions>, lance::Error> {
        let made = self.versions.get_or_try_init(|| async {
            let commits = commit_handler_from_url(uri, &None).await?;
            Ok::<_, lance::Error>(Arc::new(NewestVersions::new(commits)))
        });
        made.await.cloned()
    }

    fn table(&self, dataset: Dataset, uri: String) -> Table {
        Table::new(dataset, uri, self.memory.clone())
    }

    pub(super) async fn open(
        &self,
        location: &Location,
        path: &str,
        lineage: Option<&str>,
        version: Option<u64>,
    ) -> Result<Table, StorageError> {
        let uri = location.table_uri(path, lineage);
        // Mostly it is the newest version that is asked for by its number, and that one is at hand.
        let newest = self.load_newest(&uri).await;
        let opened = match version {
            Some(version) if !newest.as_ref().is_ok_and(|newest| newest.version_id() == version) => {
                self.load(&uri, Some(version)).await
            }
            _ => newest,
        };
        match opened {
            Ok(dataset) => Ok(self.table(dataset, uri)),
            Err(cause) => Err(self.open_error(uri, version, cause).await),
        }
    }

    pub(super) async fn create(&self, location: &Location, path: &str, rows: Rows) -> Result<Table, StorageError> {
        let uri = location.table_uri(path, None);
        let versions = self.versions(&uri).await.map_err(|cause| table_error(&uri, cause))?;
        let params = WriteParams {
            session: Some(self.session.clone()),
            commit_handler: Some(versions),
            ..stage::params(WriteMode::Create)
        };
        let created = InsertBuilder::new(uri.as_str()).with_params(&params).execute_stream(rows.into_stream()).await;
        created.map(|dataset| self.table(dataset, uri.clone())).map_err(|cause| table_error(&uri, cause))
    }

    pub(super) async fn head(
        &self,
        location: &Location,
        path: &str,
        lineage: Option<&str>,
    ) -> Result<u64, StorageError> {
        let uri = location.table_uri(path, lineage);
        if let Some(handle) = self.memory.handles.get(&uri)
            && let Ok(head) = handle.latest_version_id().await
        {
            return Ok(head);
        }
        match self.load_newest(&uri).await {
            Ok(dataset) => {
                let head = dataset.version_id();
                self.memory.handles.keep(&uri, dataset);
                Ok(head)
            }
            Err(cause) => Err(self.open_error(uri, None, cause).await),
        }
    }

    pub(super) async fn fork(
        &self,
        location: &Location,
        path: &str,
        from: Option<&str>,
        version: u64,
        name: &str,
    ) -> Result<Table, StorageError> {
        let source = self.open(location, path, from, Some(version)).await?;
        let uri = location.table_uri(path, Some(name));
        let mut dataset = source.dataset().as_ref().clone();
        match dataset.create_branch(name, version, None).await {
            // What Lance gives has caches of its own.
            Ok(_) => match self.load(&uri, None).await {
                Ok(fork) => Ok(self.table(fork, uri)),
                Err(cause) => Err(table_error(&uri, cause)),
            },
            // Lance makes the folder before the reference: either may be there already.
            Err(_) if self.load(&uri, None).await.is_ok() => {
                Err(StorageError::LineageExists { path: location.table_uri(path, None), name: name.to_owned() })
            }
            Err(cause) => Err(source.error(cause)),
        }
    }

    pub(super) async fn delete_lineage(&self, location: &Location, path: &str, name: &str) -> Result<(), StorageError> {
        let table = self.open(location, path, None, None).await?;
        let mut dataset = table.dataset().as_ref().clone();
        self.memory.forget(&location.table_uri(path, Some(name)));
        match dataset.force_delete_branch(name).await {
            Ok(()) | Err(lance::Error::RefNotFound { .. } | lance::Error::NotFound { .. }) => Ok(()),
            Err(lance::Error::RefConflict { .. }) => {
                Err(StorageError::LineageInUse { path: table.uri().to_owned(), name: name.to_owned() })
            }
            Err(cause) => Err(table.error(cause)),
        }
    }

    pub(super) async fn lineages(&self, location: &Location, path: &str) -> Result<Vec<LineageRef>, StorageError> {
        let uri = location.table_uri(path, None);
        let table = self.open(location, path, None, None).await?;
        let refs = list_branches(table.dataset()).await.map_err(|cause| table_error(&uri, cause))?;
        let mut lineages: Vec<LineageRef> = refs
            .into_iter()
            .map(|(name, contents)| LineageRef {
                name,
                parent: contents.parent_branch,
                parent_version: contents.parent_version,
                created_at_seconds: contents.create_at,
            })
            .collect();
        lineages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(lineages)
    }

    async fn load_newest(&self, uri: &str) -> Result<Dataset, lance::Error> {
        if let Some(mut handle) = self.memory.handles.get(uri) {
            if handle.checkout_latest().await.is_ok() {
                return Ok(handle);
            }
            // Loading afresh tells a lineage that was deleted meanwhile from one that cannot be read.
            self.memory.handles.forget(uri);
        }
        self.load(uri, None).await
    }

    async fn load(&self, uri: &str, version: Option<u64>) -> Result<Dataset, lance::Error> {
        let versions = self.versions(uri).await?;
        let builder = DatasetBuilder::from_uri(uri).with_session(self.session.clone()).with_commit_handler(versions);
        match version {
            Some(version) => builder.with_version(version),
            None => builder,
        }
        .load()
        .await
    }

    /// Tells a version that was cleaned up from a table that is not there.
    async fn open_error(&self, uri: String, version: Option<u64>, cause: lance::Error) -> StorageError {
        if !is_missing(&cause) {
            return table_error(&uri, cause);
        }
        let (Some(version), Ok(head)) = (version, self.load(&uri, None).await) else {
            return StorageError::TableMissing { path: uri, source: said(&cause) };
        };
        let oldest = head.version_refs().await.ok().and_then(|versions| versions.first().map(|kept| kept.version));
        StorageError::VersionGone { path: uri, version, oldest }
    }
}
