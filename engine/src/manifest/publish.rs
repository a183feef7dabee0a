//! Making new table versions visible: one merge-insert into `__manifest` for all tables of an operation (graph-format §7.1).
//! Rows that are all new are committed as the insert that such a merge comes to, without reading the manifest again.
//!
//! What is asked for is checked against the state of the branch before every attempt. Only contention on the very rows
//! that are written is tried again; a state that is not the expected one is the caller's to settle.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Fold;
use super::migrate::upgrade;
use super::read_fold;
use super::row::{KEY, NewRow, encode};
use crate::error::{ErrorKind, Result};
use crate::id::{BranchName, ManifestVersion, TableKey};
use crate::schema::table_dir_name;
use crate::storage::{MERGE, Rows, Storage, StorageError, VersionFile};

/// Attempts in all.
const ATTEMPTS: usize = 6;

/// One table version to make visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableUpdate {
    /// The table.
    pub(crate) key: TableKey,
    /// Its version.
    pub(crate) version: u64,
    /// Lineage that holds it; none for the main one.
    pub(crate) lineage: Option<BranchName>,
    /// Rows it has.
    pub(crate) rows: u64,
    /// The file that describes it.
    pub(crate) file: VersionFile,
}

/// What one publish changes, and what must hold for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Publication {
    /// Tables to register, with their folders under the root.
    pub(crate) registrations: Vec<(TableKey, String)>,
    /// Versions to make visible.
    pub(crate) updates: Vec<TableUpdate>,
    /// Tables to hide, with the version up to which.
    pub(crate) tombstones: Vec<(TableKey, u64)>,
    /// Versions that must be visible now: 0 for an unknown table, the tombstone's for a hidden one.
    pub(crate) expected: BTreeMap<TableKey, u64>,
    /// Kept with the version: the merge that it shows.
    pub(crate) merge: Option<String>,
}

/// Why a publish was refused. Nothing was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Someone else published a version of the table.
    #[error("stale view of {table_key}: expected version {expected}, the branch has {actual}; read it again and retry")]
    Stale {
        /// The table.
        table_key: TableKey,
        /// The version the write was based on.
        expected: u64,
        /// The version that is visible.
        actual: u64,
    },
    /// Others kept publishing the same rows.
    #[error("{branch} is being published by others: gave up after {attempts} attempts; retry")]
    Contended {
        /// The branch.
        branch: BranchName,
        /// Attempts made.
        attempts: usize,
    },
    /// A version of a table that is not registered.
    #[error("BUG: a version of {table_key} is published, which is not registered")]
    Unregistered {
        /// The table.
        table_key: TableKey,
    },
    /// A table is registered at another folder.
    #[error("{table_key} is registered at {registered}, not at {path}")]
    Moved {
        /// The table.
        table_key: TableKey,
        /// Where it is registered.
        registered: String,
        /// Where it should be registered.
        path: String,
    },
    /// A version that would be invisible, or is there already with another content.
    #[error("version {version} of {table_key} cannot be published: the branch has version {newest}")]
    NotNewer {
        /// The table.
        table_key: TableKey,
        /// The version.
        version: u64,
        /// The greatest version the branch ever had.
        newest: u64,
    },
}

impl PublishError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Stale { .. } | Self::Contended { .. } | Self::Moved { .. } => ErrorKind::Conflict,
            Self::Unregistered { .. } | Self::NotNewer { .. } => ErrorKind::Internal,
        }
    }
}

/// Publishes on a branch and returns the version that shows it; the present one if there is nothing to change.
///
/// # Errors
/// [`PublishError`]; [`StorageError`] if the manifest cannot be read or written.
pub(crate) async fn publish(
    storage: &Storage,
    branch: &BranchName,
    publication: &Publication,
) -> Result<ManifestVersion> {
    for _ in 0..ATTEMPTS {
        let manifest = upgrade(super::open(storage, branch, None).await?).await?;
        let fold = read_fold(&manifest).await?;
        let rows = rows(&fold, publication)?;
        if rows.is_empty() {
            return Ok(ManifestVersion::new(manifest.version()));
        }
        let batch = encode(&rows);
        let staged = if rows.iter().all(|row| fold.is_new(row)) {
            manifest.stage_insert_keyed(KEY, batch).await?
        } else {
            manifest.stage_upsert(KEY, Rows::batches(batch.schema(), vec![batch])).await?
        };
        let staged = match &publication.merge {
            Some(merge) => staged.noting(MERGE, merge),
            None => staged,
        };
        match staged.commit().await {
            Ok(published) => return Ok(ManifestVersion::new(published.version())),
            Err(StorageError::Contended { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(PublishError::Contended { branch: branch.clone(), attempts: ATTEMPTS }.into())
}

/// The rows to write, if everything holds that must.
fn rows(fold: &Fold, publication: &Publication) -> Result<Vec<NewRow>, PublishError> {
    for (key, &expected) in &publication.expected {
        let actual = fold.visible_version(key);
        if actual != expected {
            return Err(PublishError::Stale { table_key: key.clone(), expected, actual });
        }
    }
    let mut rows = Vec::new();
    let mut registered: BTreeSet<&TableKey> = BTreeSet::new();
    for (key, path) in &publication.registrations {
        registered.insert(key);
        match fold.path(key) {
            Some(known) if known == path => {}
            Some(known) => {
                let (table_key, registered) = (key.clone(), known.to_owned());
                return Err(PublishError::Moved { table_key, registered, path: path.clone() });
            }
            None => rows.push(NewRow::Table { key: key.clone(), path: path.clone() }),
        }
    }
    let known = |key: &TableKey| registered.contains(key) || fold.path(key).is_some();
    for update in &publication.updates {
        if !known(&update.key) {
            return Err(PublishError::Unregistered { table_key: update.key.clone() });
        }
        if is_news(fold, update)? {
            rows.push(NewRow::Version(update.clone()));
        }
    }
    for (key, version) in &publication.tombstones {
        if !known(key) {
            return Err(PublishError::Unregistered { table_key: key.clone() });
        }
        rows.push(NewRow::Tombstone { key: key.clone(), version: *version });
    }
    Ok(rows)
}

/// Whether a version row has to be written. The same version again is a change of its holder if it has as many rows, and
/// nothing at all if the holder is the same, too.
fn is_news(fold: &Fold, update: &TableUpdate) -> Result<bool, PublishError> {
    let Some(newest) = fold.newest(&update.key) else { return Ok(true) };
    if update.version > newest.version {
        return Ok(true);
    }
    let same_content = update.version == newest.version && update.rows == newest.rows;
    if !same_content {
        let (table_key, version) = (update.key.clone(), update.version);
        return Err(PublishError::NotNewer { table_key, version, newest: newest.version });
    }
    Ok(newest.lineage.as_deref() != update.lineage.as_ref().and_then(BranchName::stored))
}

/// The rows of a manifest in which every table is new.
pub(super) fn first_rows(tables: &[TableUpdate]) -> Vec<NewRow> {
    let registration = |table: &TableUpdate| {
        let path = table_dir_name(table.key.kind, &table.key.name);
        NewRow::Table { key: table.key.clone(), path }
    };
    tables.iter().map(registration).chain(tables.iter().cloned().map(NewRow::Version)).collect()
}
