//! Which table versions form one version of the graph.
//!
//! `__manifest` is an append-only list of rows; its state at a version is a fold of all rows that version sees
//! (graph-format §4). **Rule:** readers see a table only through an entry of this fold, never through a table's head.

mod change;
mod entry;
mod error;
mod fold;
mod log;
mod migrate;
mod publish;
mod row;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use change::{ChangeKind, TableChange, changes};
pub use entry::TableEntry;
pub use error::ManifestError;
pub use log::ChangeLog;
pub use migrate::Migration;
pub use publish::PublishError;

pub(crate) use log::{read_log_since, read_written};
pub(crate) use migrate::{is_legacy, migrate, plan_migration};
pub(crate) use publish::{Publication, TableUpdate, publish};
pub(crate) use shown::has_shown;

use crate::error::Result;
use crate::id::{BranchName, ManifestVersion, TableKey};
use crate::storage::{Rows, Storage, Table, names};
use fold::Fold;

/// Schema metadata key of the format stamp.
const STAMP_KEY: &str = "omnigraph:internal_schema_version";
/// Configuration key that marks the dataset as a catalog of tables.
const NAMESPACE_MARKER: &str = "table_version_management";
/// Format of graphs written by OmniGraph 0.4.1 – 0.6.1.
const OLDEST_STAMP: u32 = 2;
/// Format of graphs written by OmniGraph 0.6.2 – 0.7.2.
const NEWEST_STAMP: u32 = 3;

/// Makes `__manifest` with the first version of every table.
pub(crate) async fn create(storage: &Storage, tables: &[TableUpdate]) -> Result<ManifestVersion> {
    let batch = row::encode(&publish::first_rows(tables));
    let created = storage.create_table(names::MANIFEST, Rows::batches(batch.schema(), vec![batch])).await?;
    let stamp = NEWEST_STAMP.to_string();
    let stamped = created.with_config(NAMESPACE_MARKER, "true").await?.with_schema_metadata(STAMP_KEY, &stamp).await?;
    Ok(ManifestVersion::new(stamped.version()))
}

/// Opens `__manifest` on a branch, at a version or at its head.
pub(crate) async fn open(storage: &Storage, branch: &BranchName, version: Option<u64>) -> Result<Table> {
    Ok(storage.open(names::MANIFEST, branch.stored(), version).await?)
}

/// The format stamp of a manifest; 1 if there is none, as the format says.
#[must_use]
pub(crate) fn stamp(manifest: &Table) -> u32 {
    manifest.schema_metadata().get(STAMP_KEY).and_then(|stamp| stamp.parse().ok()).unwrap_or(1)
}

/// Whether a manifest is of the format that is written here.
pub(crate) fn is_newest(manifest: &Table) -> bool {
    stamp(manifest) == NEWEST_STAMP
}

/// Accepts the formats this program reads.
///
/// # Errors
/// [`ManifestError::Stamp`] naming the stamp and the releases that write it.
pub(crate) fn check_stamp(stamp: u32) -> Result<(), ManifestError> {
    if (OLDEST_STAMP..=NEWEST_STAMP).contains(&stamp) { Ok(()) } else { Err(ManifestError::Stamp { stamp }) }
}

/// Accepts an older version of a graph that was itself accepted: versions from before its stamp have none.
///
/// # Errors
/// [`ManifestError::Stamp`] for a format newer than those read here.
pub(crate) fn check_old_stamp(stamp: u32) -> Result<(), ManifestError> {
    if stamp <= NEWEST_STAMP { Ok(()) } else { Err(ManifestError::Stamp { stamp }) }
}

/// Reads the state of the graph from an opened manifest: every visible table by key.
pub(crate) async fn read_state(manifest: &Table) -> Result<BTreeMap<TableKey, TableEntry>> {
    Ok(Fold::clone(&*read_fold(manifest).await?).finish(ManifestVersion::new(manifest.version()))?)
}

/// As [`read_state`], of a branch as it is now.
pub(crate) async fn read_branch(storage: &Storage, branch: &BranchName) -> Result<BTreeMap<TableKey, TableEntry>> {
    read_state(&open(storage, branch, None).await?).await
}

async fn read_fold(manifest: &Table) -> Result<Arc<Fold>> {
    manifest.summary(&Fold::default()).await
}
