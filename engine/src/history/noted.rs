//! Merges that a branch shows and whose commits nobody recorded.
//!
//! A merge that only takes states over moves no table, so no sidecar can announce it (docs/decisions/0008): if its process dies
//! between the publish and the commit row, the branch shows it and its history does not, and a later merge would start at too old a
//! common commit. So the version of `__manifest` that shows a merge says so in a note, and whoever records the next commit of the
//! branch records that one first.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::commit::Commit;
use super::files::read_newest;
use super::record::{find_merge, record_commit};
use crate::clock::Clock;
use crate::error::Result;
use crate::id::{BranchName, CommitId, ManifestVersion};
use crate::manifest;
use crate::storage::{MERGE, Origin, Storage, Table, names};

/// What a version of `__manifest` says of the merge that it shows.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// The commit that was merged.
    merged: String,
    /// Who merged it.
    actor: Option<Arc<str>>,
}

/// What is to be noted of the merge of a commit.
pub(crate) fn merge_note(merged: CommitId, actor: Option<Arc<str>>) -> String {
    serde_json::to_string(&Note { merged: merged.to_string(), actor }).expect("texts can be written")
}

/// The merge that a version shows, if it does; what cannot be read says nothing.
fn noted(origin: &Origin) -> Option<(CommitId, Option<Arc<str>>)> {
    let Note { merged, actor } = serde_json::from_str(origin.notes.get(MERGE)?).ok()?;
    Some((merged.parse().ok()?, actor))
}

/// Records the merges that a branch shows without a commit, up to a version, except that of `own`, which the caller records.
/// `commits` is the branch's lineage at its head, and comes back as it is then. The gate of publishing must be held.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(crate) async fn record_noted(
    storage: &Storage,
    clock: &dyn Clock,
    (branch, commits): (&BranchName, Table),
    upto: u64,
    own: Option<CommitId>,
) -> Result<Table> {
    let Some((recorded, _, head)) = read_newest(&commits).await? else { return Ok(commits) };
    if recorded.get() >= upto {
        return Ok(commits);
    }
    let (mut commits, mut head) = (commits, head);
    let shown = manifest::open(storage, branch, Some(upto)).await?;
    for origin in shown.origins(recorded.get()).await? {
        let Some((merged, actor)) = noted(&origin) else { continue };
        if Some(merged) == own || find_merge(&commits, merged).await? {
            continue;
        }
        let commit = Commit {
            id: clock.next_id(),
            parent: Some(head),
            merged_parent: Some(merged),
            branch: branch.clone(),
            manifest_version: ManifestVersion::new(origin.version),
            created_at_micros: clock.now_micros(),
            actor,
        };
        record_commit(storage, &commits, &commit).await?;
        commits = storage.open(names::COMMITS, branch.stored(), None).await?;
        head = commit.id;
    }
    Ok(commits)
}
