//! Bringing a manifest from format 2 to 3 (graph-format §4.5, §8.7). Every step is found done if it was done before, so that
//! several programs may open a graph at once.

use super::{NEWEST_STAMP, STAMP_KEY, check_stamp, open, row, stamp};
use crate::error::{Error, Result};
use crate::id::BranchName;
use crate::storage::{Storage, StorageError, Table, names};

/// Staging branches of OmniGraph 0.3 and older begin so; a leading slash does not count.
const LEGACY_BRANCH_PREFIX: &str = "__run__";

/// Attempts in all.
const ATTEMPTS: usize = 20;

/// What opening a graph for writing has to bring up to date.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Migration {
    /// The format found.
    pub from: u32,
    /// The format it becomes.
    pub to: u32,
    /// Staging branches of old releases, which are removed.
    pub legacy_branches: Vec<String>,
}

/// What has to be done; none if the graph is up to date.
pub(crate) async fn plan_migration(storage: &Storage) -> Result<Option<Migration>> {
    plan(storage, &open(storage, &BranchName::main(), None).await?).await
}

async fn plan(storage: &Storage, manifest: &Table) -> Result<Option<Migration>> {
    let found = stamp(manifest);
    check_stamp(found)?;
    if found == NEWEST_STAMP {
        return Ok(None);
    }
    let lineages = storage.lineages(names::MANIFEST).await?.into_iter().map(|lineage| lineage.name);
    let legacy_branches = lineages.filter(|name| is_legacy(name)).collect();
    Ok(Some(Migration { from: found, to: NEWEST_STAMP, legacy_branches }))
}

/// Does it, and gives main's manifest, whose format then is the newest one. The stamp comes last. If another program does the
/// same at the same moment, what is left is done.
pub(crate) async fn migrate(storage: &Storage) -> Result<Table> {
    for _ in 1..ATTEMPTS {
        match migrate_once(storage).await {
            Err(Error::Storage(StorageError::Contended { .. })) => {}
            migrated => return migrated,
        }
    }
    migrate_once(storage).await
}

async fn migrate_once(storage: &Storage) -> Result<Table> {
    let manifest = open(storage, &BranchName::main(), None).await?;
    let Some(migration) = plan(storage, &manifest).await? else { return Ok(manifest) };
    for name in &migration.legacy_branches {
        storage.delete_lineage(names::MANIFEST, name).await?;
    }
    let manifest = upgrade(open(storage, &BranchName::main(), None).await?).await?;
    tracing::info!("brought the graph from format {} to {}", migration.from, migration.to);
    Ok(manifest)
}

/// Brings one lineage of the manifest to the newest format.
pub(super) async fn upgrade(manifest: Table) -> Result<Table> {
    check_stamp(stamp(&manifest))?;
    if stamp(&manifest) == NEWEST_STAMP {
        return Ok(manifest);
    }
    let keyed = manifest.with_key_column(row::KEY).await?;
    Ok(keyed.with_schema_metadata(STAMP_KEY, &NEWEST_STAMP.to_string()).await?)
}

/// Whether a lineage is a staging branch, in a manifest of format 2. In format 3 the names are ordinary.
pub(crate) fn is_legacy(name: &str) -> bool {
    name.trim_start_matches('/').starts_with(LEGACY_BRANCH_PREFIX)
}
