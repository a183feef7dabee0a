//! What the versions of `__manifest` note of merges: for those whose commits nobody recorded, and for commits that go with their
//! branches.
//!
//! The commits of a branch go with it. What was merged of it stays, and which commits that had in common with others must stay
//! known as well: otherwise a later merge of those others would start at too old a common commit, and could bring deleted rows
//! back. So a merge notes the commits that it brings, other than main's, which never go.
//!
//! A merge that only takes states over moves no table, so no sidecar can announce it (docs/decisions/0008): if its process dies
//! between the publish and the commit row, the branch shows it and its history does not, and a later merge would start at too old a
//! common commit. So the version of `__manifest` that shows a merge says so in a note, and whoever records the next commit of the
//! branch records that one first.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::commit::Commit;
use super::commit_graph::{CommitGraph, LostCommits};
use super::lineage::read_newest;
use super::record::{NewCommit, find_merge, record_next};
use crate::clock::Clock;
use crate::error::{ErrorKind, Result};
use crate::id::{BranchName, CommitId};
use crate::manifest;
use crate::storage::{MERGE, Origin, Storage, Table, names};

/// Commits that one note names, at most.
const BROUGHT: usize = 10_000;

/// What a version of `__manifest` says of the merge that it shows.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// The commit that was merged.
    merged: String,
    /// Who merged it.
    actor: Option<Arc<str>>,
    /// Commits that came with it, and their parents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    brings: Vec<(String, Vec<String>)>,
}

/// A commit that is merged into a branch, and what comes with it.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub(crate) commit: CommitId,
    /// The commits that the branch does not descend from yet, main's left out, with their parents; the nearest ones of very many.
    pub(crate) brings: Vec<(CommitId, Vec<CommitId>)>,
}

impl Merged {
    /// What comes with `commit` into the branch whose head is `target`.
    pub(crate) fn of(history: &CommitGraph, commit: CommitId, target: CommitId, lost: &LostCommits) -> Self {
        let known = history.distances(target, lost);
        let can_go = |id: CommitId| history.get(id).is_none_or(|commit| !commit.branch.is_main());
        let mut brings: Vec<(u32, CommitId)> = history
            .distances(commit, lost)
            .into_iter()
            .filter(|(id, _)| !known.contains_key(id) && can_go(*id))
            .map(|(id, distance)| (distance, id))
            .collect();
        brings.sort_unstable();
        brings.truncate(BROUGHT);
        let brings = brings.into_iter().map(|(_, id)| (id, history.parents_over(id, lost)));
        Self { commit, brings: brings.filter(|(_, parents)| !parents.is_empty()).collect() }
    }

    /// What is to be noted of it.
    pub(crate) fn note(&self, actor: Option<Arc<str>>) -> String {
        let texts = |ids: &[CommitId]| ids.iter().map(ToString::to_string).collect();
        let brings = self.brings.iter().map(|(id, parents)| (id.to_string(), texts(parents))).collect();
        let note = Note { merged: self.commit.to_string(), actor, brings };
        serde_json::to_string(&note).expect("texts can be written")
    }
}

/// The commits that came with a merge, as its version noted them; nothing if it did not, or is not there any more.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(crate) async fn brought_by(storage: &Storage, commit: &Commit) -> Result<LostCommits> {
    let version = commit.manifest_version.get();
    let shown = match manifest::open(storage, &commit.branch, Some(version)).await {
        Ok(shown) => shown,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(LostCommits::new()),
        Err(error) => return Err(error),
    };
    let origins = shown.origins(version.saturating_sub(1)).await?;
    let notes = origins.iter().filter_map(note);
    let of_commit = |note: &Note| commit.merged_parent.is_some_and(|merged| merged.to_string() == note.merged);
    let parsed = |(id, parents): (String, Vec<String>)| {
        let parents: Result<Vec<CommitId>, _> = parents.iter().map(|parent| parent.parse()).collect();
        Some((id.parse().ok()?, parents.ok()?))
    };
    Ok(notes.filter(of_commit).flat_map(|note| note.brings).filter_map(parsed).collect())
}

fn note(origin: &Origin) -> Option<Note> {
    serde_json::from_str(origin.notes.get(MERGE)?).ok()
}

/// The merge that a version shows, if it does; what cannot be read says nothing.
fn noted(origin: &Origin) -> Option<(CommitId, Option<Arc<str>>)> {
    let Note { merged, actor, .. } = note(origin)?;
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
    let Some((recorded, _, _)) = read_newest(&commits).await? else { return Ok(commits) };
    if recorded.get() >= upto {
        return Ok(commits);
    }
    let mut commits = commits;
    let shown = manifest::open(storage, branch, Some(upto)).await?;
    for origin in shown.origins(recorded.get()).await? {
        let Some((merged, actor)) = noted(&origin) else { continue };
        if Some(merged) == own || find_merge(&commits, merged).await? {
            continue;
        }
        let (id, branch, version) = (clock.next_id(), branch.clone(), origin.version);
        let new = NewCommit { id, branch, version, merged: Some(merged), actor };
        let commit = record_next(storage, clock, &commits, new).await?;
        commits = storage.open(names::COMMITS, commit.branch.stored(), None).await?;
    }
    Ok(commits)
}
