//! What a history depends on, read without opening a table: equal stamps mean an equal history.

use std::collections::BTreeMap;

use super::branch::list_branch_refs;
use crate::error::Result;
use crate::id::BranchName;
use crate::storage::{KeptVersions, Storage, names};

/// The branches of a graph with their newest versions, and the newest version of the actors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryStamp {
    pub(crate) branches: BTreeMap<BranchName, BranchStamp>,
    actors: Option<u64>,
}

/// One branch at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BranchStamp {
    /// Tells a branch from another one that had its name before; none for main.
    pub(crate) identity: Option<String>,
    /// Newest version of its manifest; none if it has none.
    manifest: Option<u64>,
    commits: Option<u64>,
}

/// Reads the stamp: one listing of the references, and one look at the versions of each dataset it depends on.
///
/// # Errors
/// [`crate::storage::StorageError`] if the references cannot be listed.
pub(crate) async fn read_stamp(storage: &Storage) -> Result<HistoryStamp> {
    let refs = list_branch_refs(storage).await?;
    let stored: Vec<Option<String>> = refs.iter().map(|(name, _)| name.stored().map(str::to_owned)).collect();
    let (manifests, commits, actors) = futures::join!(
        storage.kept_versions(names::MANIFEST, stored.clone()),
        storage.kept_versions(names::COMMITS, stored),
        storage.kept_versions(names::ACTORS, vec![None]),
    );
    let branches = refs.into_iter().zip(manifests.into_iter().zip(commits));
    let newest = |kept: Option<KeptVersions>| kept.map(|kept| kept.newest);
    let branch = |((name, identity), (manifest, commits))| {
        (name, BranchStamp { identity, manifest: newest(manifest), commits: newest(commits) })
    };
    Ok(HistoryStamp { branches: branches.map(branch).collect(), actors: newest(actors.into_iter().flatten().next()) })
}
