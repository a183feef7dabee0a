//! A branch's own lineage of a table, made when the branch first writes to it.

use super::error::WriteError;
use crate::error::{ErrorKind, Result};
use crate::fail::fail_point;
use crate::history::{branch_refs, descendants};
use crate::id::{BranchName, TableKey};
use crate::manifest::{self, TableEntry};
use crate::storage::{Storage, StorageError, Table};

/// A lineage that was just made, at the version it starts with.
pub(super) struct Forked(pub(super) Table);

/// Whose a lineage is that was found in the way.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// The branch: another writer made it first.
    Branch,
    /// Another branch reads it, which branched off when it was there or took it over.
    Reader(BranchName),
    /// Nobody: a write was interrupted, or its branch was deleted.
    Nobody,
}

/// Branches the table off for `branch`. The gate of the lineage must be held, and the way be clear.
pub(super) async fn fork(storage: &Storage, branch: &BranchName, table: &TableEntry) -> Result<Forked> {
    let (from, version) = (table.stored_lineage(), table.version.get());
    match storage.fork(&table.path, from, version, branch.as_str()).await {
        Err(StorageError::LineageExists { .. }) => Err(raced(branch, table).into()),
        made => Ok(Forked(made?)),
    }
}

/// Takes a lineage away that is where the branch's own is to be made and that nobody reads. This is done before a sidecar names
/// the table: recovery would take such a lineage for what the write made.
pub(super) async fn clear_way(storage: &Storage, branch: &BranchName, table: &TableEntry) -> Result<()> {
    match storage.head(&table.path, branch.stored()).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        // One that cannot be read is in the way as well.
        Ok(_) | Err(_) => {}
    }
    fail_point!(crate::fail::FORK_BEFORE_CLASSIFY);
    match owner(storage, branch, &table.key).await {
        Ok(Owner::Branch) => Err(raced(branch, table).into()),
        Ok(Owner::Reader(reader)) => {
            let (table_key, branch) = (table.key.clone(), branch.clone());
            Err(WriteError::ForkInUse { table_key, branch, reader }.into())
        }
        Ok(Owner::Nobody) => {
            fail_point!(crate::fail::FORK_BEFORE_RECLAIM);
            Ok(storage.delete_lineage(&table.path, branch.as_str()).await?)
        }
        Err(error) => {
            let (table_key, branch, reason) = (table.key.clone(), branch.clone(), error.to_string());
            Err(WriteError::ForkUnclear { table_key, branch, reason }.into())
        }
    }
}

fn raced(branch: &BranchName, table: &TableEntry) -> WriteError {
    WriteError::ForkRaced { table_key: table.key.clone(), branch: branch.clone() }
}

/// What the manifest says: a lineage that it does not name is garbage, whatever is in it.
async fn owner(storage: &Storage, branch: &BranchName, key: &TableKey) -> Result<Owner> {
    fail_point!(crate::fail::CLASSIFY_FRESH_READ);
    let refs = branch_refs(storage).await?;
    // A branch reads lineages of those that it descends from, and of no others.
    let mut readers = descendants(branch, &refs);
    readers.extend(refs.iter().map(|(name, _)| name).filter(|name| *name == branch).cloned());
    for (name, lineage) in &refs {
        let is_unclear = lineage.as_ref().is_some_and(|lineage| lineage.unreadable.is_some());
        if is_unclear && name != branch {
            match manifest::read_branch(storage, name).await {
                Ok(_) => readers.push(name.clone()),
                Err(error) if error.kind().is_lasting() => {}
                Err(error) => return Err(error),
            }
        }
    }
    for name in readers {
        let entries = manifest::read_branch(storage, &name).await?;
        if entries.get(key).is_some_and(|entry| entry.lineage.as_ref() == Some(branch)) {
            return Ok(if name == *branch { Owner::Branch } else { Owner::Reader(name) });
        }
    }
    Ok(Owner::Nobody)
}
