//! Branches of the graph: the lineages of `__manifest`.

use futures::{StreamExt, TryStreamExt};

use super::CommitGraph;
use crate::error::Result;
use crate::id::{BranchName, CommitId, ManifestVersion, TableKey};
use crate::manifest;
use crate::storage::{LineageRef, Storage, names};

/// Branches read at the same time.
const PARALLEL_READS: usize = 8;

/// One branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its name.
    pub name: BranchName,
    /// Its newest version.
    pub manifest_version: ManifestVersion,
    /// Its newest commit; none if its commits cannot be read.
    pub head: Option<CommitId>,
    /// Branch it was made from; none for main.
    pub parent: Option<BranchName>,
    /// Version of the parent it was made at; none for main.
    pub forked_at: Option<ManifestVersion>,
    /// When it was made, microseconds since the epoch; none for main.
    pub created_at_micros: Option<i64>,
    /// Tables whose current version the branch itself holds, in key order. All of them for main's own lineage.
    pub owned_tables: Vec<TableKey>,
}

/// The public branches with their references: main first, the others by name.
pub(crate) async fn branch_refs(storage: &Storage) -> Result<Vec<(BranchName, Option<LineageRef>)>> {
    let mut lineages = storage.lineages(names::MANIFEST).await?;
    lineages.retain(|lineage| lineage.name.trim_start_matches('/') != names::SCHEMA_APPLY_LOCK);
    if lineages.iter().any(|lineage| manifest::is_legacy(&lineage.name))
        && !manifest::is_newest(&manifest::open(storage, &BranchName::main(), None).await?)
    {
        lineages.retain(|lineage| !manifest::is_legacy(&lineage.name));
    }
    let named = lineages.into_iter().map(|lineage| (BranchName::from_stored(Some(&lineage.name)), Some(lineage)));
    Ok(std::iter::once((BranchName::main(), None)).chain(named).collect())
}

/// Lists the public branches without reading a reference: main first, the others by name, each with what tells it from another one
/// that had its name before.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(crate) async fn list_branch_refs(storage: &Storage) -> Result<Vec<(BranchName, Option<String>)>> {
    let mut refs = storage.list_refs(names::MANIFEST).await?;
    refs.retain(|found| found.name.trim_start_matches('/') != names::SCHEMA_APPLY_LOCK);
    if refs.iter().any(|found| manifest::is_legacy(&found.name))
        && !manifest::is_newest(&manifest::open(storage, &BranchName::main(), None).await?)
    {
        refs.retain(|found| !manifest::is_legacy(&found.name));
    }
    let named = refs.into_iter().map(|found| (BranchName::from_stored(Some(&found.name)), found.e_tag));
    Ok(std::iter::once((BranchName::main(), None)).chain(named).collect())
}

/// Reads every branch; heads come from `history`.
pub(crate) async fn list_branches(storage: &Storage, history: &CommitGraph) -> Result<Vec<Branch>> {
    let refs = branch_refs(storage).await?;
    let branches = futures::stream::iter(refs).map(|(name, lineage)| read_branch(storage, history, name, lineage));
    branches.buffered(PARALLEL_READS).try_collect().await
}

async fn read_branch(
    storage: &Storage,
    history: &CommitGraph,
    name: BranchName,
    lineage: Option<LineageRef>,
) -> Result<Branch> {
    let state = manifest::open(storage, &name, None).await?;
    let entries = manifest::read_state(&state).await?;
    let owned =
        entries.into_values().filter(|entry| entry.lineage.as_ref().map_or(name.is_main(), |held| *held == name));
    Ok(Branch {
        manifest_version: ManifestVersion::new(state.version()),
        head: history.heads().get(&name).copied(),
        parent: lineage.as_ref().map(|lineage| BranchName::from_stored(lineage.parent.as_deref())),
        forked_at: lineage.as_ref().map(|lineage| ManifestVersion::new(lineage.parent_version)),
        created_at_micros: lineage
            .and_then(|lineage| i64::try_from(lineage.created_at_seconds).ok())
            .map(|seconds| seconds.saturating_mul(1_000_000)),
        owned_tables: owned.map(|entry| entry.key).collect(),
        name,
    })
}
