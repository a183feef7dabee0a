//! The handle: one graph, opened. Every operation of the engine starts here.

mod branch_start;
mod branches;
mod create;
mod merges;
mod reads;
mod resolve;
mod writes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use branches::{BranchError, check_new_branch};
pub use create::{CreateError, CreateOptions};
pub use writes::Pending;

use crate::clock::SystemClock;
use crate::error::{ErrorKind, Result};
use crate::history::{
    self, Branch, Commit, CommitGraph, HistoryBatch, LoadedHistory, Recent, Snapshot, TableStatus, branch_names,
    branch_refs, list_branch_refs, list_branches, load_history, read_about, read_branch, read_recent, read_stamp,
};
use crate::id::{BranchName, CommitId, ManifestVersion, TableVersion};
use crate::manifest::{self, TableChange, TableEntry};
use crate::progress::Progress;
use crate::recovery::{self, AuditRow, RecoveryError, Sidecar, SidecarFile, SidecarObservation};
use crate::schema::{ContractTexts, SchemaContract};
use crate::storage::{IndexInfo, KeptVersions, Storage, StorageError, Table, VersionInfo, names};
use crate::write::Writer;

/// How a graph is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenMode {
    /// Nothing is written, not even what is missing.
    ReadOnly,
    /// The format is brought up to date and interrupted writes are recovered first; then the graph can be written to.
    ReadWrite,
}

/// An opened graph. Cheap to clone; clones share caches.
#[derive(Debug, Clone)]
pub struct Graph {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    storage: Storage,
    schema: SchemaContract,
    /// The files that the schema was read from.
    texts: ContractTexts,
    stamp: u32,
    /// What writing needs; none if the graph was opened for reading.
    writer: Option<Writer>,
    /// The last history read, which is the graph's as long as its stamp is.
    history: Mutex<Option<Arc<LoadedHistory>>>,
}

/// The newest version of a branch, and which branch of its name it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BranchHead {
    /// Its newest version.
    pub version: ManifestVersion,
    /// Tells it from every other branch that had or gets its name; empty for main, which is made once.
    pub identity: String,
}

/// Why a folder is not a graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder has none of a graph's files.
    #[error("{path} is not a graph: it has no {missing}; give the folder that holds _schema.pg and __manifest")]
    NotAGraph {
        /// The folder.
        path: String,
        /// What was looked for.
        missing: &'static str,
    },
    /// The graph was opened for reading.
    #[error("{path} is open for reading only: open it for writing")]
    ReadOnly {
        /// The folder.
        path: String,
    },
    /// The schema is another one than when the graph was opened.
    #[error("the schema of {path} was changed since it was opened: open it again")]
    SchemaChanged {
        /// The folder.
        path: String,
    },
    /// The schema record must be derived, which is impossible once branches exist.
    #[error(
        "{path} has branches but neither {} nor {}: restore them from a backup",
        names::SCHEMA_IR,
        names::SCHEMA_STATE
    )]
    Underivable {
        /// The folder.
        path: String,
    },
}

impl OpenError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAGraph { .. } => ErrorKind::NotFound,
            Self::Underivable { .. } | Self::SchemaChanged { .. } => ErrorKind::Conflict,
            Self::ReadOnly { .. } => ErrorKind::Invalid,
        }
    }
}

impl Graph {
    /// Opens the graph at a path or `file://` URI.
    ///
    /// Reads the schema files and the manifest's metadata, no history and no rows.
    ///
    /// # Errors
    /// [`OpenError::NotAGraph`], [`crate::manifest::ManifestError::Stamp`] for a format not read here,
    /// [`crate::schema::ContractError`] if the schema files disagree, [`StorageError`] if they cannot be read.
    pub async fn open(uri: &str, mode: OpenMode) -> Result<Self> {
        let storage = Storage::connect(uri)?;
        match mode {
            OpenMode::ReadOnly => Self::open_as_it_is(storage, None).await,
            OpenMode::ReadWrite => Box::pin(Self::open_for_writing(storage, Arc::new(SystemClock::default()))).await,
        }
    }

    async fn open_as_it_is(storage: Storage, writer: Option<Writer>) -> Result<Self> {
        let texts = recovery::accepted_texts(&storage).await?;
        check_has_source(&storage, &texts)?;
        check_has_manifest(&storage).await?;
        let stamp = manifest::stamp(&manifest::open(&storage, &BranchName::main(), None).await?);
        manifest::check_stamp(stamp)?;
        Self::assemble(storage, texts, stamp, writer).await
    }

    /// A graph whose manifest has a format that is known, with these schema files.
    async fn assemble(storage: Storage, texts: ContractTexts, stamp: u32, writer: Option<Writer>) -> Result<Self> {
        let schema = read_schema(&storage, &texts).await?;
        Ok(Self { inner: Arc::new(Inner { storage, schema, texts, stamp, writer, history: Mutex::default() }) })
    }

    /// The normalized root.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.storage().location().uri()
    }

    /// Last segment of the root, for titles.
    #[must_use]
    pub fn name(&self) -> &str {
        self.storage().location().name()
    }

    /// The accepted schema.
    #[must_use]
    pub fn schema(&self) -> &SchemaContract {
        &self.inner.schema
    }

    /// The internal schema stamp: 2 or 3.
    #[must_use]
    pub fn stamp(&self) -> u32 {
        self.inner.stamp
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    /// The branches: main first, the others by name. One that cannot be read is told as broken, and costs no other.
    ///
    /// # Errors
    /// [`StorageError`] if the branches cannot be listed.
    pub async fn branches(&self) -> Result<Vec<Branch>> {
        list_branches(self.storage()).await
    }

    /// One branch, as [`Graph::branches`] tells it. Reads nothing of the others.
    ///
    /// # Errors
    /// [`crate::history::HistoryError::UnknownBranch`].
    pub async fn branch(&self, name: &BranchName) -> Result<Branch> {
        read_branch(self.storage(), name).await
    }

    /// The names of the branches: main first, the others sorted. Costs one listing.
    ///
    /// # Errors
    /// [`StorageError`] if the branches cannot be listed.
    pub async fn branch_list(&self) -> Result<Vec<BranchName>> {
        branch_names(self.storage()).await
    }

    /// Returns the newest version of every branch, without reading a row: the cheap way to see that something moved. It costs one
    /// listing of the branches, and on a disk one look at the folder of each and a listing of those that changed. A branch that has no
    /// readable version is left out.
    ///
    /// # Errors
    /// [`StorageError`] if the branches cannot be listed.
    pub async fn head_versions(&self) -> Result<BTreeMap<BranchName, ManifestVersion>> {
        Ok(self.branch_heads().await?.into_iter().map(|(branch, head)| (branch, head.version)).collect())
    }

    /// Returns what [`Graph::head_versions`] does, with what tells each branch from another one of its name: one that was deleted and
    /// made again may have the same versions. It costs as much.
    ///
    /// # Errors
    /// [`StorageError`] if the branches cannot be listed.
    pub async fn branch_heads(&self) -> Result<BTreeMap<BranchName, BranchHead>> {
        let refs = list_branch_refs(self.storage()).await?;
        let stored = refs.iter().map(|(name, _)| name.stored().map(str::to_owned)).collect();
        let versions = self.storage().kept_versions(names::MANIFEST, stored).await;
        let head = |((name, identity), kept): ((BranchName, Option<String>), Option<KeptVersions>)| {
            let version = ManifestVersion::new(kept?.newest);
            Some((name, BranchHead { version, identity: identity.unwrap_or_default() }))
        };
        Ok(refs.into_iter().zip(versions).filter_map(head).collect())
    }

    /// The commits of all branches. Read again only if a dataset it depends on moved.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`], [`StorageError`] if the branches cannot be listed. Everything else that is missing or
    /// wrong is a [`crate::HistoryProblem`] of the result.
    pub async fn history(&self, progress: &Progress) -> Result<Arc<CommitGraph>> {
        self.stream_history(progress, |_| ()).await
    }

    /// As [`Graph::history`]; `sink` sees the commits while they are read, newest files first, and nothing if they were
    /// known already.
    ///
    /// # Errors
    /// As [`Graph::history`].
    pub async fn stream_history(
        &self,
        progress: &Progress,
        sink: impl FnMut(HistoryBatch) + Send,
    ) -> Result<Arc<CommitGraph>> {
        let stamp = read_stamp(self.storage()).await?;
        let known = self.known_history();
        if let Some(known) = known.as_ref().filter(|known| known.is_current(&stamp)) {
            return Ok(known.graph.clone());
        }
        let loaded = load_history(self.storage(), stamp, known, progress, sink).await?;
        let graph = loaded.graph.clone();
        *self.inner.history.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(loaded));
        Ok(graph)
    }

    /// Reads the newest part of the history: as many commits as are asked for, and no more files than that takes. A history that was
    /// read before is not looked at.
    ///
    /// # Errors
    /// [`crate::history::HistoryError::UnknownBranch`]; else as [`Graph::history`].
    pub async fn recent_history(&self, recent: &Recent, progress: &Progress) -> Result<CommitGraph> {
        if let Some(branch) = &recent.branch {
            self.check_branch(branch).await?;
        }
        read_recent(self.storage(), recent, progress).await
    }

    /// Reads what there is to say about one commit: its row with its actor, its parents, what it changed, and the heads that it is. No
    /// other commit is in the result.
    ///
    /// # Errors
    /// [`crate::history::HistoryError::UnknownCommit`]; a storage error if the commits cannot be read.
    pub async fn history_about(&self, id: CommitId) -> Result<CommitGraph> {
        read_about(self.storage(), id).await
    }

    fn known_history(&self) -> Option<Arc<LoadedHistory>> {
        self.inner.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tables that differ from `from` to `to`, in key order, from the manifests alone.
    #[must_use]
    pub fn changes(&self, from: &Snapshot, to: &Snapshot) -> Vec<TableChange> {
        manifest::changes(&from.entries, &to.entries)
    }

    /// What a commit changed against one of its parents: 0 the first, 1 the merged one. The first commit is compared with an
    /// empty graph.
    ///
    /// # Errors
    /// [`crate::history::HistoryError`] if the commit, or that parent, cannot be read (any more).
    pub async fn commit_changes(&self, commit: &Commit, parent: usize) -> Result<Vec<TableChange>> {
        let to = self.snapshot_of(commit).await?;
        let from = match commit.parents().nth(parent) {
            Some(parent) => self.snapshot(&history::At::Commit(parent)).await?.entries,
            None => BTreeMap::new(),
        };
        Ok(manifest::changes(&from, &to.entries))
    }

    /// Every table of a snapshot beside the head of the lineage that holds it. A head that cannot be read is an error of that
    /// table only.
    pub async fn table_status(&self, snapshot: &Snapshot) -> Vec<TableStatus> {
        let heads = snapshot.entries.values().map(|entry| async move {
            let head = self.storage().head(&entry.path, entry.stored_lineage()).await;
            TableStatus { entry: entry.clone(), head: head.map(TableVersion::new).map_err(Into::into) }
        });
        futures::future::join_all(heads).await
    }

    /// Opens a table at exactly the pinned version.
    ///
    /// # Errors
    /// [`StorageError::VersionGone`] naming the oldest version kept, or another [`StorageError`].
    pub async fn open_table(&self, entry: &TableEntry) -> Result<Table, StorageError> {
        entry.open(self.storage()).await
    }

    /// The retained versions of the lineage that holds a table, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn table_versions(&self, entry: &TableEntry, limit: usize) -> Result<Vec<VersionInfo>> {
        let table = self.storage().open(&entry.path, entry.stored_lineage(), None).await?;
        Ok(table.versions(limit).await?)
    }

    /// The indices of a table at its pinned version.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn table_indices(&self, entry: &TableEntry) -> Result<Vec<IndexInfo>> {
        Ok(self.open_table(entry).await?.indices().await?)
    }

    /// The columns of a table at its pinned version.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn table_schema(&self, entry: &TableEntry) -> Result<arrow_schema::SchemaRef> {
        Ok(self.open_table(entry).await?.schema())
    }

    /// The sidecars of interrupted writes, in the order a sweep takes them. Unreadable ones are listed as such.
    ///
    /// # Errors
    /// [`StorageError::Read`] if the folder cannot be listed.
    pub async fn sidecars(&self) -> Result<Vec<SidecarFile>> {
        recovery::list_sidecars(self.storage()).await
    }

    /// The sidecar whose operation id is or ends with a text.
    ///
    /// # Errors
    /// [`RecoveryError::UnknownSidecar`], [`RecoveryError::AmbiguousSidecar`].
    pub async fn sidecar(&self, text: &str) -> Result<SidecarFile> {
        let sidecars = self.sidecars().await?;
        let ids = |files: &[SidecarFile]| files.iter().map(|file| file.id.clone()).collect::<Vec<_>>();
        let known = ids(&sidecars);
        let suffix = text.to_ascii_uppercase();
        let mut fitting: Vec<SidecarFile> = sidecars
            .into_iter()
            .filter(|file| file.id == text || (!suffix.is_empty() && file.id.ends_with(&suffix)))
            .collect();
        match (fitting.pop(), fitting.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                fitting.push(last);
                Err(RecoveryError::AmbiguousSidecar { text: text.to_owned(), candidates: ids(&fitting) }.into())
            }
            (None, _) => Err(RecoveryError::UnknownSidecar { text: text.to_owned(), known }.into()),
        }
    }

    /// Pin and head of every table a sidecar names, as they are now.
    ///
    /// # Errors
    /// [`StorageError`] if the branches or the branch's manifest cannot be read.
    pub async fn observe(&self, sidecar: &Sidecar) -> Result<SidecarObservation> {
        let branches: Vec<BranchName> = branch_refs(self.storage()).await?.into_iter().map(|(name, _)| name).collect();
        recovery::observe(self.storage(), &branches, sidecar).await
    }

    /// What was done about interrupted writes, newest first.
    ///
    /// # Errors
    /// [`StorageError`], [`RecoveryError::AuditColumn`].
    pub async fn audit(&self) -> Result<Vec<AuditRow>> {
        recovery::read_audit(self.storage()).await
    }
}

/// The schema of a graph that is only looked at: where a schema change is being put in place, what it becomes.
async fn read_schema(storage: &Storage, texts: &ContractTexts) -> Result<SchemaContract> {
    let error = match check_schema(storage, texts).await {
        Err(error @ crate::Error::Schema(_)) => error,
        checked => return checked,
    };
    let staged = recovery::staged_texts(storage).await?;
    if staged.is_empty() { Err(error) } else { staged.over(texts).check().map_err(|_| error) }
}

async fn check_schema(storage: &Storage, texts: &ContractTexts) -> Result<SchemaContract> {
    if texts.ir.is_none() && texts.state.is_none() && branch_refs(storage).await?.len() > 1 {
        return Err(OpenError::Underivable { path: storage.location().uri().to_owned() }.into());
    }
    Ok(texts.check()?)
}

fn check_has_source(storage: &Storage, texts: &ContractTexts) -> Result<(), OpenError> {
    if texts.source.is_some() {
        return Ok(());
    }
    Err(OpenError::NotAGraph { path: storage.location().uri().to_owned(), missing: names::SCHEMA_SOURCE })
}

async fn check_has_manifest(storage: &Storage) -> Result<()> {
    if storage.has_version(names::MANIFEST).await? {
        return Ok(());
    }
    Err(OpenError::NotAGraph { path: storage.location().uri().to_owned(), missing: names::MANIFEST }.into())
}
