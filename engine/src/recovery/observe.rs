//! Where the tables of an interrupted write stand now.

use std::collections::BTreeMap;

use super::Sidecar;
use crate::error::{Error, Result};
use crate::id::{BranchName, TableKey, TableVersion};
use crate::manifest;
use crate::schema::table_dir_name;
use crate::storage::Storage;

/// One pinned table of a sidecar, observed.
#[derive(Debug)]
pub struct PinObservation {
    /// The table, as the sidecar names it.
    pub table_key: String,
    /// Version pinned before the write.
    pub expected: TableVersion,
    /// Version the write planned to reach.
    pub planned: TableVersion,
    /// Version the branch pins now; none if the branch or the table is not there.
    pub pinned: Option<TableVersion>,
    /// Newest version of the lineage the write lands on.
    pub head: Result<TableVersion, Error>,
}

/// All pinned tables of a sidecar, observed together.
#[derive(Debug)]
pub struct SidecarObservation {
    /// Whether the branch of the write still exists.
    pub branch_exists: bool,
    /// The error if the branch is there and cannot be read; then no table has a pin here.
    pub branch_error: Option<Error>,
    /// Its tables, in the sidecar's order.
    pub tables: Vec<PinObservation>,
}

/// Observes pin and head of every table a sidecar names. `branches` are those that exist.
pub(crate) async fn observe(
    storage: &Storage,
    branches: &[BranchName],
    sidecar: &Sidecar,
) -> Result<SidecarObservation> {
    let branch = sidecar.branch();
    let branch_exists = branches.contains(&branch);
    let read = async { manifest::read_state(&manifest::open(storage, &branch, None).await?).await };
    let (entries, branch_error) = match branch_exists {
        true => match read.await {
            Ok(entries) => (entries, None),
            Err(error) if error.kind().is_lasting() => (BTreeMap::new(), Some(error)),
            Err(error) => return Err(error),
        },
        false => (BTreeMap::new(), None),
    };
    let mut tables = Vec::with_capacity(sidecar.tables.len());
    for pin in &sidecar.tables {
        let key = pin.table_key.parse::<TableKey>();
        let entry = key.as_ref().ok().and_then(|key| entries.get(key));
        // What the record says of paths is not relied on: they may lead anywhere.
        let path = match entry {
            Some(entry) => Ok(entry.path.to_string()),
            None => key.map(|key| table_dir_name(key.kind, &key.name)).map_err(Error::from),
        };
        let head = match path {
            Ok(path) => storage.head(&path, pin.table_branch.as_deref()).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        tables.push(PinObservation {
            table_key: pin.table_key.clone(),
            expected: TableVersion::new(pin.expected_version),
            planned: TableVersion::new(pin.post_commit_pin),
            pinned: entry.map(|entry| entry.version),
            head: head.map(TableVersion::new),
        });
    }
    Ok(SidecarObservation { branch_exists, branch_error, tables })
}
