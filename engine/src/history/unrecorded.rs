//! Versions that changed tables and that no commit records: some are merely about to be recorded.
//!
//! A writer publishes a version, then appends its commit row, then deletes its sidecar. A history that is read in between shows the
//! version without the row. So a version without a commit is looked at once more: first for a sidecar of its branch, then for the row.
//! A writer that had neither at these two moments, in this order, did not finish.

use std::time::Duration;

use super::HistoryProblem;
use super::lineage::Lineage;
use super::load::UnrecordedVersions;
use crate::error::Result;
use crate::id::{BranchName, ManifestVersion};
use crate::storage::{Storage, names};

/// How often, and how long apart, a branch's newest version is looked at: a merge that moves no table publishes before it has a sidecar.
const LOOKS: usize = 3;
const PAUSE: Duration = Duration::from_millis(30);

/// Returns as problems those versions that still have no commit and that no pending sidecar explains.
pub(super) async fn still_unrecorded(storage: &Storage, mut versions: UnrecordedVersions) -> Vec<HistoryProblem> {
    for look in 0..LOOKS {
        if versions.is_empty() {
            break;
        }
        if look > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let pending = pending_branches(storage).await;
        let mut open = Vec::new();
        for (branch, version) in versions {
            if !pending.contains(&branch) && !is_recorded(storage, &branch, version).await {
                open.push((branch, version));
            }
        }
        versions = open;
    }
    versions.into_iter().map(|(branch, version)| HistoryProblem::Unrecorded { branch, version }).collect()
}

/// The branches that pending sidecars name. One that cannot be read names none: it is reported by recovery.
async fn pending_branches(storage: &Storage) -> Vec<BranchName> {
    let files = storage.list_files(names::SIDECARS).await.unwrap_or_default();
    let mut branches = Vec::new();
    for file in files.iter().filter(|file| file.as_encoded_bytes().ends_with(b".json")) {
        let bytes = storage.read_file(names::SIDECARS, file).await.ok().flatten();
        let sidecar = bytes.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        let branch =
            sidecar.map(|sidecar| BranchName::from_stored(sidecar.get("branch").and_then(|name| name.as_str())));
        branches.extend(branch);
    }
    branches
}

async fn is_recorded(storage: &Storage, branch: &BranchName, version: ManifestVersion) -> bool {
    let newest = async {
        let mut lineage = Lineage::open(storage, branch).await?;
        lineage.newest_until(version).await
    };
    let newest: Result<_> = newest.await;
    newest.is_ok_and(|commit| commit.is_some_and(|commit| commit.manifest_version == version))
}
