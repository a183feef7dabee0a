//! Where the tables of an interrupted write stand now.

use super::Sidecar;
use crate::error::{Error, Result};
use crate::id::{BranchName, TableKey, TableVersion};
use crate::manifest;
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
    let entries = match branch_exists {
        true => manifest::read_state(&manifest::open(storage, &branch, None).await?).await?,
        false => std::collections::BTreeMap::new(),
    };
    let mut tables = Vec::with_capacity(sidecar.tables.len());
    for pin in &sidecar.tables {
        let entry = pin.table_key.parse::<TableKey>().ok().and_then(|key| entries.get(&key));
        let path = entry.map_or_else(|| relative(storage, &pin.table_path), |entry| entry.path.to_string());
        let head = storage.head(&path, pin.table_branch.as_deref()).await;
        tables.push(PinObservation {
            table_key: pin.table_key.clone(),
            expected: TableVersion::new(pin.expected_version),
            planned: TableVersion::new(pin.post_commit_pin),
            pinned: entry.map(|entry| entry.version),
            head: head.map(TableVersion::new).map_err(Error::from),
        });
    }
    Ok(SidecarObservation { branch_exists, tables })
}

/// The last two segments of a full table path are its folder under the root, wherever the graph was when it was written.
pub(super) fn relative(storage: &Storage, table_path: &str) -> String {
    let root = format!("{}/", storage.location().uri());
    let below = table_path.strip_prefix(&root).filter(|path| !path.contains("..")).map(str::to_owned);
    below.unwrap_or_else(|| {
        let segments: Vec<&str> = table_path.trim_end_matches('/').rsplitn(3, '/').take(2).collect();
        segments.into_iter().rev().collect::<Vec<_>>().join("/")
    })
}
