//! Whether a table is as its branch shows it, and why not.

use std::cmp::Ordering;

use super::error::WriteError;
use super::run::Writer;
use crate::error::{ErrorKind, Result};
use crate::id::{BranchName, TableKey};
use crate::manifest::{self, TableEntry};
use crate::recovery::{self, Pin, SidecarFile};

/// A table whose head is not its pin must not be written to: what is past the pin would become visible with it.
pub(super) async fn check_drift(writer: &Writer, branch: &BranchName, table: &TableEntry) -> Result<()> {
    if head_of(writer, table).await? == table.version.get() {
        return Ok(());
    }
    let busy = || WriteError::Busy { table_key: table.key.clone() };
    // The head may have moved with a publish that came after the pin was read.
    let current = manifest::read_state(&manifest::open(&writer.storage, branch, None).await?).await?;
    if current.get(&table.key) != Some(table) {
        return Err(busy().into());
    }
    let (head, pinned) = (head_of(writer, table).await?, table.version.get());
    let table_key = table.key.clone();
    match head.cmp(&pinned) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(WriteError::HeadBehindPin { table_key, pinned, head }.into()),
        Ordering::Greater => Err(drift(writer, branch, table, head).await.into()),
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

/// Why a head is past its pin, and what to do about it.
async fn drift(writer: &Writer, branch: &BranchName, table: &TableEntry, head: u64) -> WriteError {
    let table_key = table.key.clone();
    let sidecars = match recovery::list_sidecars(&writer.storage).await {
        Ok(sidecars) => sidecars,
        Err(error) => return WriteError::UnclearDrift { table_key, reason: error.to_string() },
    };
    match pinned_by(&sidecars, branch, &table_key) {
        Some(sidecar) => WriteError::CoveredDrift { table_key, sidecar },
        None => WriteError::UncoveredDrift { table_key, pinned: table.version.get(), head },
    }
}
