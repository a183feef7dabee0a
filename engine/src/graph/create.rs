//! Making a graph.
//!
//! The schema source is written first, and only if there is none: whoever wrote it owns the place. What fails after that is
//! undone by removing the schema files again; what was written of the datasets holds nothing and is taken away by the next
//! attempt. Once the history exists the graph is finished and nothing removes it any more.

use std::sync::Arc;

use super::{Graph, OpenMode};
use crate::clock::{Clock, SystemClock};
use crate::error::{ErrorKind, Result};
use crate::fail::fail_point;
use crate::history::{Commit, create_history};
use crate::id::{BranchName, CommitId};
use crate::manifest::{self, TableUpdate};
use crate::schema::{SchemaContract, TableType};
use crate::storage::{Rows, Storage, StorageError, names};

/// The files that make a folder a graph's, in the order they are written.
const SCHEMA_FILES: [&str; 3] = [names::SCHEMA_SOURCE, names::SCHEMA_IR, names::SCHEMA_STATE];

/// How a graph is made.
#[derive(Debug, Clone)]
pub struct CreateOptions {
    /// Whether to go on where an earlier attempt left schema files. A folder that holds a graph is refused all the same.
    pub force: bool,
    /// Where time and ids come from.
    pub clock: Arc<dyn Clock>,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self { force: false, clock: Arc::new(SystemClock::default()) }
    }
}

/// Why no graph was made. Nothing of what was there is changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The schema has no types, so nothing could ever be stored.
    #[error("the schema describes no node type: add one, such as `node Person {{ name: String @key }}`")]
    NoTypes,
    /// There is a graph already.
    #[error("{uri} is a graph already: choose another folder")]
    AlreadyInitialized {
        /// Root of the graph.
        uri: String,
    },
    /// Schema files without a graph: another program makes it, or an attempt failed.
    #[error("{uri} has {file} but no graph: if no other program is making it right now, repeat this with --force")]
    Unfinished {
        /// The folder.
        uri: String,
        /// The file found.
        file: &'static str,
    },
    /// There is data without a graph.
    #[error(
        "{uri} holds data in {dataset} that belongs to no graph: choose another folder, or restore the graph's files"
    )]
    Leftover {
        /// The folder.
        uri: String,
        /// The dataset with something in it.
        dataset: String,
    },
}

impl CreateError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoTypes => ErrorKind::Invalid,
            Self::AlreadyInitialized { .. } | Self::Unfinished { .. } | Self::Leftover { .. } => ErrorKind::Conflict,
        }
    }
}

impl Graph {
    /// Makes a graph with a schema and no rows, at a path or `file://` URI; the folder is made if there is none.
    ///
    /// # Errors
    /// [`crate::schema::ContractError::Source`] for a schema that is none, before anything is touched; [`CreateError`];
    /// [`StorageError`], after which the place can be used again.
    pub async fn create(uri: &str, source: &str, options: &CreateOptions) -> Result<Self> {
        let schema = SchemaContract::check(source, None, None)?;
        if schema.catalog().tables().next().is_none() {
            return Err(CreateError::NoTypes.into());
        }
        let storage = Storage::create(uri)?;
        let root = storage.location().uri().to_owned();
        check_free(&storage, &root, options.force).await?;
        claim(&storage, &root, source, options.force).await?;
        let genesis = match write_datasets(&storage, &schema, &*options.clock).await {
            Ok(genesis) => genesis,
            Err(error) => {
                if !storage.any_below(names::COMMITS).await.unwrap_or(true) {
                    unclaim(&storage).await;
                }
                return Err(error);
            }
        };
        tracing::info!("made {root} with commit {genesis}");
        Self::open(uri, OpenMode::ReadOnly).await
    }
}

/// Refuses a place that has a graph, or schema files without one.
async fn check_free(storage: &Storage, root: &str, force: bool) -> Result<()> {
    let mut found = None;
    for file in SCHEMA_FILES {
        if storage.read_text(file).await?.is_some() {
            found = found.or(Some(file));
        }
    }
    match found {
        _ if storage.any_below(names::COMMITS).await? => {
            Err(CreateError::AlreadyInitialized { uri: root.to_owned() }.into())
        }
        Some(file) if !force => Err(CreateError::Unfinished { uri: root.to_owned(), file }.into()),
        Some(_) | None => Ok(()),
    }
}

async fn claim(storage: &Storage, root: &str, source: &str, force: bool) -> Result<()> {
    if force {
        return Ok(storage.write_text(names::SCHEMA_SOURCE, source).await?);
    }
    if storage.create_text(names::SCHEMA_SOURCE, source).await? {
        return Ok(());
    }
    Err(CreateError::Unfinished { uri: root.to_owned(), file: names::SCHEMA_SOURCE }.into())
}

/// The error that led here is the one to tell: another one on the way out is for the log.
async fn unclaim(storage: &Storage) {
    for file in SCHEMA_FILES {
        if let Err(error) = storage.delete_text(file).await {
            tracing::warn!("cannot remove {file} after a failed attempt: {error}");
        }
    }
}

/// Everything after the claim. The history comes last: with it the graph is finished.
async fn write_datasets(storage: &Storage, schema: &SchemaContract, clock: &dyn Clock) -> Result<CommitId> {
    fail_point!(crate::fail::INIT_AFTER_SCHEMA_PG_WRITTEN);
    storage.write_text(names::SCHEMA_IR, &schema.ir().to_pretty_json()).await?;
    storage.write_text(names::SCHEMA_STATE, &schema.state().to_pretty_json()).await?;
    fail_point!(crate::fail::INIT_AFTER_SCHEMA_CONTRACT_WRITTEN);
    remove_leftovers(storage).await?;
    let mut updates = Vec::new();
    for table in schema.catalog().tables() {
        updates.push(create_table(storage, table).await?);
    }
    let version = manifest::create(storage, &updates).await?;
    fail_point!(crate::fail::INIT_AFTER_COORDINATOR_INIT);
    let genesis = Commit {
        id: clock.next_id(),
        parent: None,
        merged_parent: None,
        branch: BranchName::main(),
        manifest_version: version,
        created_at_micros: clock.now_micros(),
        actor: None,
    };
    create_history(storage, &genesis).await?;
    Ok(genesis.id)
}

async fn create_table(storage: &Storage, table: TableType<'_>) -> Result<TableUpdate> {
    let (path, schema) = (table.dir_name(), Arc::new(table.arrow_schema()));
    let created = storage.create_table(&path, Rows::batches(schema, Vec::new())).await?;
    let file = storage.version_file(&path, None, created.version()).await?;
    Ok(TableUpdate { key: table.key(), version: created.version(), lineage: None, rows: 0, file })
}

/// Takes away what a failed attempt left, after making sure that it holds nothing.
async fn remove_leftovers(storage: &Storage) -> Result<()> {
    let mut leftovers = vec![names::MANIFEST.to_owned(), names::ACTORS.to_owned()];
    for kind in ["nodes", "edges"] {
        for folder in storage.list_folders(kind).await? {
            let path = format!("{kind}/{folder}");
            if !is_untouched(storage, &path).await? {
                let uri = storage.location().uri().to_owned();
                return Err(CreateError::Leftover { uri, dataset: path }.into());
            }
            leftovers.push(path);
        }
    }
    for path in leftovers {
        storage.delete_below(&path).await?;
    }
    Ok(())
}

/// Whether a table is as it was made: its first version, without a row.
async fn is_untouched(storage: &Storage, path: &str) -> Result<bool> {
    match storage.open(path, None, None).await {
        Ok(table) => {
            Ok(table.version() == 1 && table.count(None).await? == 0 && storage.lineages(path).await?.is_empty())
        }
        // Files without a version: the attempt was interrupted before it made one.
        Err(StorageError::TableMissing { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
