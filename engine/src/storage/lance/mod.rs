//! Tables as Lance datasets. This folder is the only place that names Lance.

mod arithmetic;
mod blob;
mod branched;
mod cause;
mod chains;
mod changed;
mod condition;
mod damage;
mod deletions;
mod fence;
mod hint;
mod kept;
mod matching;
mod memory;
mod nesting;
mod newest;
mod pick;
mod provider;
mod prune;
mod refs;
mod sameness;
mod scan;
mod sorted;
mod sound;
mod stage;
mod summary;
mod table;
mod time_parts;
mod version_file;
mod versions;
mod zeros;

use std::sync::Arc;

use lance::Dataset;
use lance::dataset::builder::DatasetBuilder;
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use lance::session::Session;
use lance_table::io::commit::commit_handler_from_url;
use tokio::sync::OnceCell;

use super::{Location, StorageError};
use branched::Refs;
use cause::{Read, is_missing, said, table_error};
use damage::{absolute, damaged};
use fence::whole;
use kept::VersionFolders;
use memory::Memory;
use newest::NewestVersions;
use sound::Checked;

pub(crate) use arithmetic::with_exact_arithmetic;
pub use blob::{Blobs, is_blob};
pub(crate) use cause::uncomputed_in;
pub use chains::TooDeep;
pub(crate) use chains::{flatten, terms_of, too_many_terms, with_room_for};
pub(crate) use changed::Candidates;
pub(crate) use condition::{misread, sql_reader};
pub(crate) use damage::Look;
pub use fence::is_fenced;
pub(crate) use fence::{Stopped, fenced, fenced_stream};
pub(crate) use kept::KeptVersions;
pub(crate) use matching::{Compare, Condition};
pub(crate) use nesting::is_nested_too_deeply;
pub(crate) use refs::ListedRef;
pub(super) use refs::{list_refs, read_ref};
pub(crate) use sameness::Sameness;
pub use scan::{RowStream, Scan};
pub use sorted::Order;
pub(crate) use sorted::{ID, Sorted};
pub(crate) use stage::{KEY_COLUMN, Live, MERGE, OPERATION_ID, Rows, StagedChange, TextSet};
pub(crate) use summary::{Summary, WRITTEN_IN};
pub use table::{IndexInfo, ROW_ADDRESS, Table};
pub(crate) use version_file::{VersionFile, has_version, version_file};
pub(crate) use versions::Origin;
pub use versions::VersionInfo;
pub(crate) use zeros::{compare_zeros_as_one, sorted_with_one_zero, with_one_zero};

/// Bytes of file metadata kept between reads.
const METADATA_CACHE_BYTES: usize = 64 << 20;
/// Bytes of index pages kept between reads.
const INDEX_CACHE_BYTES: usize = 64 << 20;

/// A reference that is there and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRef {
    /// Its file, relative to the root of the graph.
    pub file: String,
    /// Why.
    pub reason: String,
}

impl std::fmt::Display for UnreadableRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "its reference {} cannot be read: {}", self.file, self.reason)
    }
}

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
    /// Why nothing but the name is known; none if the reference can be read.
    pub unreadable: Option<UnreadableRef>,
}

/// Opens tables and shares their caches.
pub(super) struct Tables {
    session: Arc<Session>,
    memory: Arc<Memory>,
    versions: OnceCell<Arc<NewestVersions>>,
    checked: Checked,
    folders: VersionFolders,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl Tables {
    pub(super) fn new() -> Self {
        let session = Session::new(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES, Arc::default());
        Self {
            session: Arc::new(session),
            memory: Arc::default(),
            versions: OnceCell::new(),
            checked: Checked::default(),
            folders: VersionFolders::default(),
        }
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
            Ok(dataset) => {
                self.checked.check(&dataset, lineage, version).await?;
                Ok(self.table(dataset, uri))
            }
            Err(cause) => Err(self.open_error(location, (path, lineage, version), cause).await),
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
            && let Ok(head) = whole(handle.latest_version_id()).await
        {
            return Ok(head);
        }
        match self.load_newest(&uri).await {
            Ok(dataset) => {
                let head = dataset.version_id();
                self.memory.handles.keep(&uri, dataset);
                Ok(head)
            }
            Err(cause) => Err(self.open_error(location, (path, lineage, None), cause).await),
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
        let refs = Refs::new(location, path);
        if let Some(from) = from {
            refs.check(from).await?;
        }
        let exists = || StorageError::LineageExists { path: location.table_uri(path, None), name: name.to_owned() };
        // Lance makes the folder before the reference: either may be there already.
        if refs.has_lineage(name).await? {
            return Err(exists());
        }
        let mut dataset = source.dataset().as_ref().clone();
        match whole(dataset.create_branch(name, version, None)).await {
            // What Lance gives has caches of its own.
            Ok(_) => match self.load(&uri, None).await {
                Ok(fork) => Ok(self.table(fork, uri)),
                Err(cause) => Err(table_error(&uri, cause)),
            },
            // Another program makes the same lineage: what is there is its own.
            Err(lance::Error::RefConflict { .. } | lance::Error::DatasetAlreadyExists { .. }) => Err(exists()),
            Err(cause) => {
                if let Err(error) = refs.remove_half_made(name).await {
                    tracing::warn!("cannot take back the half-made lineage {name} of {path}: {error}");
                }
                Err(source.error(cause))
            }
        }
    }

    pub(super) async fn delete_lineage(&self, location: &Location, path: &str, name: &str) -> Result<(), StorageError> {
        let refs = Refs::new(location, path);
        self.memory.forget(&location.table_uri(path, Some(name)));
        let is_read = self.is_read(location, path, name, &refs.list().await?).await?;
        if is_read || refs.is_tagged(name).await? {
            let path = location.table_uri(path, None);
            return Err(StorageError::LineageInUse { path, name: name.to_owned() });
        }
        refs.remove(name).await
    }

    /// Whether a lineage branched off this one. One whose reference cannot be read tells it by the files that it reads; one of which
    /// nothing can be read just now may read any.
    async fn is_read(
        &self,
        location: &Location,
        path: &str,
        name: &str,
        lineages: &[LineageRef],
    ) -> Result<bool, StorageError> {
        let uri = location.table_uri(path, Some(name));
        for other in lineages.iter().filter(|other| other.name != name) {
            let reads = match &other.unreadable {
                None => other.parent.as_deref() == Some(name),
                Some(_) => match self.open(location, path, Some(&other.name), None).await {
                    Ok(table) => table.bases().contains(uri.as_str()),
                    Err(error) if error.kind().is_lasting() => false,
                    Err(error) => return Err(error),
                },
            };
            if reads {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn lineages(&self, location: &Location, path: &str) -> Result<Vec<LineageRef>, StorageError> {
        Refs::new(location, path).list().await
    }

    pub(super) async fn kept_versions(
        &self,
        location: &Location,
        path: &str,
        lineages: Vec<Option<String>>,
    ) -> Vec<Option<KeptVersions>> {
        self.folders.kept(location, path, lineages).await
    }

    pub(super) async fn has_lineage(&self, location: &Location, path: &str, name: &str) -> Result<bool, StorageError> {
        Refs::new(location, path).has_lineage(name).await
    }

    async fn load_newest(&self, uri: &str) -> Result<Dataset, lance::Error> {
        if let Some(mut handle) = self.memory.handles.get(uri) {
            if whole(handle.checkout_latest()).await.is_ok() {
                return Ok(handle);
            }
            // Loading afresh tells a lineage that was deleted meanwhile from one that cannot be read.
            self.memory.handles.forget(uri);
        }
        let newest = self.load(uri, None).await?;
        let Some(written) = hint::newer_than(&newest, uri).await else { return Ok(newest) };
        // Another may have committed meanwhile.
        let newest = self.load(uri, None).await?;
        if newest.version_id() < written { Err(hint::lost(&newest, written)) } else { Ok(newest) }
    }

    async fn load(&self, uri: &str, version: Option<u64>) -> Result<Dataset, lance::Error> {
        let versions = self.versions(uri).await?;
        let builder = DatasetBuilder::from_uri(uri).with_session(self.session.clone()).with_commit_handler(versions);
        let builder = match version {
            Some(version) => builder.with_version(version),
            None => builder,
        };
        whole(builder.load()).await
    }

    /// Tells a version whose file is damaged from one that was cleaned up, and both from a table that is not there.
    async fn open_error(
        &self,
        location: &Location,
        (path, lineage, version): (&str, Option<&str>, Option<u64>),
        cause: lance::Error,
    ) -> StorageError {
        let uri = location.table_uri(path, lineage);
        let source = said(&cause);
        let is_kept = matches!(cause, lance::Error::NotSupported { .. });
        if is_kept || Read::of(&source.to_string()) == Read::OutOfReach {
            return table_error(&uri, cause);
        }
        if let lance::Error::CorruptFile { path, .. } = &cause {
            return damaged(absolute(path.as_ref()), source);
        }
        // A branch that is being deleted still has files when its newest one is gone.
        let is_gone = is_missing(&cause);
        if !(is_gone && version.is_none())
            && let Some(file) = version_file::find(location, path, lineage, version).await
        {
            return StorageError::Damaged { what: file, missing: false, source };
        }
        if !is_gone {
            return damaged(uri, source);
        }
        let (Some(version), Ok(head)) = (version, self.load(&uri, None).await) else {
            return StorageError::TableMissing { path: uri, source };
        };
        let oldest = head.version_refs().await.ok().and_then(|versions| versions.first().map(|kept| kept.version));
        StorageError::VersionGone { path: uri, version, oldest }
    }
}
