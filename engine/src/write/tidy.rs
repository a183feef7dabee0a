//! Keeping the internal tables in few files.
//!
//! Every commit adds a file of a row or two to `__manifest`, `_graph_commits.lance` and `_graph_commit_actors.lance`, and every
//! version of a table lists all of its files: after thousands of commits a write would do little but write such lists.
//! OmniGraph 0.7.2 compacts them when it is asked to `optimize`: in place, on main, without a commit of the graph and without a sidecar
//! (graph-format §7.5). Here the writer that reaches the next hundred of versions of a branch does it, on that branch.

use super::gate::{Gate, Gates};
use crate::error::Result;
use crate::fail::fail_point;
use crate::id::{BranchName, ManifestVersion};
use crate::storage::{Storage, names};

/// Versions of a lineage after which its files are counted.
const EVERY: u64 = 100;
/// Small files that are left alone, at most.
const MOST_SMALL_FILES: usize = EVERY as usize / 2;

/// Compacts the internal tables of a branch if it is time to, after a write whose outcome does not depend on it. The caller still holds
/// the lease of that write, so no other process of ours writes meanwhile.
///
/// The actors of all branches are in one lineage, which is compacted with main's, and also counts for itself.
pub(super) async fn tidy(storage: &Storage, gates: &Gates, branch: &BranchName, version: ManifestVersion) {
    if version.get().is_multiple_of(EVERY) {
        let _publishing = gates.acquire([Gate::Publish(branch.clone())]).await;
        for path in [names::MANIFEST, names::COMMITS] {
            compact_or_warn(storage, path, branch.stored()).await;
        }
    }
    let is_time_for_actors = match branch.is_main() && version.get().is_multiple_of(EVERY) {
        true => true,
        false => storage.head(names::ACTORS, None).await.is_ok_and(|version| version.is_multiple_of(EVERY)),
    };
    if is_time_for_actors {
        compact_or_warn(storage, names::ACTORS, None).await;
    }
}

async fn compact_or_warn(storage: &Storage, path: &str, lineage: Option<&str>) {
    if let Err(error) = compact(storage, path, lineage).await {
        tracing::warn!("the files of {path} stay as many as they are: {error}");
    }
}

async fn compact(storage: &Storage, path: &str, lineage: Option<&str>) -> Result<()> {
    let table = storage.open(path, lineage, None).await?;
    if table.small_files() > MOST_SMALL_FILES && !table.cleans_up() {
        fail_point!(crate::fail::TIDY_BEFORE_COMPACTION);
        table.compact().await?;
    }
    Ok(())
}
