//! Whether a table is as its branch shows it, why not, and what is done about it.

use std::cmp::Ordering;

use super::error::WriteError;
use super::gate::Gate;
use super::run::{Writer, refuse_during_schema_apply};
use crate::error::{ErrorKind, Result};
use crate::id::{BranchName, TableKey};
use crate::manifest::{self, TableEntry};
use crate::recovery::{self, Pin, Recovered, RecoveryError, SidecarFile};
use crate::storage::{Sameness, StorageError};

/// The table to write to, whose head is its pin. What is past the pin would become visible with the write: where that changes no row,
/// the branch is made to show it first; else the write is refused.
///
/// `needs_places` says that the write tells rows by where they are.
///
/// # Errors
/// [`WriteError::CoveredDrift`], [`WriteError::UncoveredDrift`], [`WriteError::UnclearDrift`], [`WriteError::HeadBehindPin`];
/// [`WriteError::Busy`] if the write has to be planned anew.
pub(super) async fn settle_drift(
    writer: &Writer,
    branch: &BranchName,
    table: TableEntry,
    needs_places: bool,
) -> Result<TableEntry> {
    if head_of(writer, &table).await? == table.version.get() {
        return Ok(table);
    }
    let busy = || WriteError::Busy { table_key: table.key.clone() };
    // The head may have moved with a publish that came after the pin was read.
    let current = manifest::read_branch(&writer.storage, branch).await?;
    if current.get(&table.key) != Some(&table) {
        return Err(busy().into());
    }
    let (head, pinned) = (head_of(writer, &table).await?, table.version.get());
    let table_key = table.key.clone();
    match head.cmp(&pinned) {
        Ordering::Equal => return Ok(table),
        Ordering::Less => return Err(WriteError::HeadBehindPin { table_key, pinned, head }.into()),
        Ordering::Greater => {}
    }
    check_uncovered(writer, branch, &table_key).await?;
    let is_rearranged = match past_pin(writer, &table, head).await? {
        Sameness::Same { is_rearranged } => is_rearranged,
        Sameness::Differs { version, operation } => {
            let root = writer.storage.location().uri().into();
            let branch = branch.clone();
            let made_by = operation.unwrap_or_else(|| "a commit whose record is gone".to_owned()).into();
            return Err(WriteError::UncoveredDrift { root, branch, table_key, pinned, head, version, made_by }.into());
        }
    };
    recovery::publish_head(writer, branch, &table, head).await?;
    let shown = manifest::read_branch(&writer.storage, branch).await?.remove(&table_key);
    match shown {
        Some(shown) if shown.version.get() == head && !(is_rearranged && needs_places) => Ok(shown),
        Some(_) | None => Err(busy().into()),
    }
}

/// Whether what is past the pin of a table changes a row. A head with other columns, or another number of rows, has others.
async fn past_pin(writer: &Writer, table: &TableEntry, head: u64) -> Result<Sameness> {
    let (pinned, lineage) = (table.version.get(), table.stored_lineage());
    let differs = || Sameness::Differs { version: pinned + 1, operation: None };
    let looked = async {
        let newest = writer.storage.open(&table.path, lineage, Some(head)).await?;
        let sameness = newest.sameness(pinned).await?;
        if let Sameness::Differs { .. } = sameness {
            return Ok(sameness);
        }
        let shown = writer.storage.open(&table.path, lineage, Some(pinned)).await?;
        let has_same = shown.schema() == newest.schema() && shown.count(None).await? == newest.count(None).await?;
        Ok::<_, StorageError>(if has_same { sameness } else { differs() })
    };
    match looked.await {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => Ok(differs()),
        looked => Ok(looked?),
    }
}

/// A lineage that an interrupted write made is that write's until it is settled, although the branch does not name it: taking its
/// place would make recovery believe that the write was published.
pub(super) async fn check_unclaimed(writer: &Writer, branch: &BranchName, table: &TableEntry) -> Result<()> {
    let Some(lineage) = branch.stored() else { return Ok(()) };
    let mut sidecars = recovery::list_sidecars(&writer.storage).await?;
    sidecars.retain(|file| !writer.gates.is_live(&file.id));
    let Some(operation_id) = pinned_by(&sidecars, branch, &table.key) else { return Ok(()) };
    match writer.storage.head(&table.path, Some(lineage)).await {
        Ok(_) => Err(WriteError::CoveredDrift { table_key: table.key.clone(), sidecar: operation_id }.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The operation of an interrupted write that names a table of a branch.
fn pinned_by(sidecars: &[SidecarFile], branch: &BranchName, key: &TableKey) -> Option<String> {
    let key = key.to_string();
    let names_it = |pin: &Pin| pin.table_key == key && pin.table_branch.as_deref() == branch.stored();
    let mut readable = sidecars.iter().filter_map(SidecarFile::readable);
    let found = readable.find(|sidecar| sidecar.tables.iter().any(names_it));
    found.map(|sidecar| sidecar.operation_id.clone())
}

async fn head_of(writer: &Writer, table: &TableEntry) -> Result<u64> {
    Ok(writer.storage.head(&table.path, table.stored_lineage()).await?)
}

/// Discards what is past the pin of a table that a branch holds; none if nothing is.
///
/// # Errors
/// [`WriteError::TableGone`], [`WriteError::CoveredDrift`], [`WriteError::UnclearDrift`], [`WriteError::HeadBehindPin`];
/// [`RecoveryError::NotAlone`].
pub(crate) async fn discard_drift(writer: &Writer, branch: &BranchName, key: &TableKey) -> Result<Option<Recovered>> {
    let _held = writer.gates.acquire([Gate::Table(key.clone(), branch.clone())]).await;
    let _alone = writer.gates.soon_alone().await.ok_or(RecoveryError::NotAlone)?;
    refuse_during_schema_apply(&writer.storage, "restoring a table").await?;
    let table_key = key.clone();
    let Some(table) = manifest::read_branch(&writer.storage, branch).await?.remove(key) else {
        return Err(WriteError::TableGone { branch: branch.clone(), table_key }.into());
    };
    // What another branch holds may rightly be past this one's pin.
    if table.stored_lineage() != branch.stored() {
        return Ok(None);
    }
    let (head, pinned) = (head_of(writer, &table).await?, table.version.get());
    match head.cmp(&pinned) {
        Ordering::Equal => Ok(None),
        Ordering::Less => Err(WriteError::HeadBehindPin { table_key, pinned, head }.into()),
        Ordering::Greater => {
            check_uncovered(writer, branch, key).await?;
            recovery::discard_head(writer, branch, &table, head).await.map(Some)
        }
    }
}

/// Refuses if a sidecar says whose the versions past a pin are, or that cannot be told.
async fn check_uncovered(writer: &Writer, branch: &BranchName, key: &TableKey) -> Result<(), WriteError> {
    let table_key = key.clone();
    let sidecars = match recovery::list_sidecars(&writer.storage).await {
        Ok(sidecars) => sidecars,
        Err(error) => return Err(WriteError::UnclearDrift { table_key, reason: error.to_string() }),
    };
    match pinned_by(&sidecars, branch, key) {
        Some(sidecar) => Err(WriteError::CoveredDrift { table_key, sidecar }),
        None => Ok(()),
    }
}
