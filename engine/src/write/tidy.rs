//! Keeping the internal tables in few files.
//!
//! Every commit adds a file of a row or two to `__manifest`, `_graph_commits.lance` and `_graph_commit_actors.lance`, and every
//! version of a table lists all of its files: after thousands of commits a write would do little but write such lists.
//! OmniGraph 0.7.2 puts the files together when it is asked to `optimize`: in place, on main, without a commit of the graph
//! and without a sidecar (graph-format §7.5). Here the writer does that reaches the next hundred of versions.

use super::gate::{Gate, Gates};
use crate::error::Result;
use crate::fail::fail_point;
use crate::id::{BranchName, ManifestVersion};
use crate::storage::{Storage, names};

/// Versions of the graph after which it is looked whether there is anything to do.
const EVERY: u64 = 100;
/// Small files that are left alone, at most.
const MOST_SMALL_FILES: usize = EVERY as usize / 2;

/// Does so if it is time to, after a write whose outcome does not depend on it. The caller still holds the lease of that write,
/// so no other process of ours writes meanwhile.
pub(super) async fn tidy(storage: &Storage, gates: &Gates, branch: &BranchName, version: ManifestVersion) {
    if !branch.is_main() || !version.get().is_multiple_of(EVERY) {
        return;
    }
    let _publishing = gates.acquire([Gate::Publish(branch.clone())]).await;
    for path in [names::MANIFEST, names::COMMITS, names::ACTORS] {
        if let Err(error) = compact(storage, path).await {
            tracing::warn!("the files of {path} stay as many as they are: {error}");
        }
    }
}

async fn compact(storage: &Storage, path: &str) -> Result<()> {
    let table = storage.open(path, None, None).await?;
    if table.small_files() > MOST_SMALL_FILES && !table.cleans_up() {
        fail_point!(crate::fail::TIDY_BEFORE_COMPACTION);
        table.compact().await?;
    }
    Ok(())
}
