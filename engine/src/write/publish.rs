//! Making all tables of a write visible at once, and recording the commit.

use super::run::{Facts, Writer};
use crate::error::{Error, Result};
use crate::fail::fail_point;
use crate::history::{Commit, NewCommit, read_head, record_next, record_noted};
use crate::id::{BranchName, ManifestVersion};
use crate::manifest::{self, Publication, PublishError};
use crate::storage::{Storage, Table, names};

/// A write that the branch shows.
pub(super) enum Shown {
    /// By this version; its commit is to be recorded.
    At(ManifestVersion),
    /// Another program took it for an interrupted write, and finished it by this commit.
    Finished(Commit),
}

/// Makes all tables visible at once. The gate of publishing must be held.
pub(super) async fn publish(writer: &Writer, plan: &Facts, publication: &Publication) -> Result<Shown> {
    if plan.merged.is_some() {
        fail_point!(crate::fail::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT);
    } else {
        fail_point!(crate::fail::MUTATION_POST_FINALIZE_PRE_PUBLISHER);
    }
    match manifest::publish(&writer.storage, &plan.branch, publication).await {
        Ok(version) => Ok(Shown::At(version)),
        Err(stale @ Error::Publish(PublishError::Stale { .. })) => {
            healed(writer, plan, publication).await?.map(Shown::Finished).ok_or(stale)
        }
        Err(error) => Err(error),
    }
}

/// Records the commit of a write that the branch shows, with a note of a merge that changed nothing. The gate of publishing must be held since before that.
pub(super) async fn record(writer: &Writer, plan: &Facts, shown: Shown, note: Option<String>) -> Result<Commit> {
    let version = match shown {
        Shown::At(version) => version,
        Shown::Finished(commit) => return Ok(commit),
    };
    fail_point!(crate::fail::GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT);
    let commits = open_commits(&writer.storage, &plan.branch).await?;
    let merged = plan.merged.as_ref().map(|merged| merged.commit);
    // A merge without a change shows nothing of its own: the present version may be another's.
    let upto = if plan.merged.is_some() { version.get() } else { version.get() - 1 };
    let on = (&plan.branch, commits);
    let commits = record_noted(&writer.storage, writer.clock.as_ref(), on, upto, merged).await?;
    fail_point!(crate::fail::GRAPH_PUBLISH_BEFORE_COMMIT_APPEND);
    let new = NewCommit {
        id: writer.clock.next_id(),
        branch: plan.branch.clone(),
        version: version.get(),
        merged,
        actor: plan.actor.clone(),
        note,
    };
    record_next(&writer.storage, writer.clock.as_ref(), &commits, new).await
}

/// Records merges that a branch shows without a commit, before its history is relied on. Its gate of publishing must be held, and
/// no other process be at work: it may be about to record the merge.
pub(crate) async fn complete_history(writer: &Writer, branch: &BranchName) -> Result<()> {
    let version = manifest::open(&writer.storage, branch, None).await?.version();
    let commits = open_commits(&writer.storage, branch).await?;
    record_noted(&writer.storage, writer.clock.as_ref(), (branch, commits), version, None).await?;
    Ok(())
}

/// The commits a branch sees.
pub(crate) async fn open_commits(storage: &Storage, branch: &BranchName) -> Result<Table> {
    Ok(storage.open(names::COMMITS, branch.stored(), None).await?)
}

async fn is_published(writer: &Writer, plan: &Facts, publication: &Publication) -> Result<bool> {
    let current = manifest::read_state(&manifest::open(&writer.storage, &plan.branch, None).await?).await?;
    Ok(publication.updates.iter().all(|update| {
        let entry = current.get(&update.key);
        entry.is_some_and(|entry| entry.version.get() == update.version && entry.lineage == update.lineage)
    }))
}

/// The commit by which another program finished this write; none if the write is not published.
async fn healed(writer: &Writer, plan: &Facts, publication: &Publication) -> Result<Option<Commit>> {
    if !is_published(writer, plan, publication).await? {
        return Ok(None);
    }
    let id = read_head(&open_commits(&writer.storage, &plan.branch).await?).await?;
    let version = manifest::open(&writer.storage, &plan.branch, None).await?.version();
    Ok(id.map(|id| Commit {
        id,
        parent: None,
        merged_parent: plan.merged.as_ref().map(|merged| merged.commit),
        branch: plan.branch.clone(),
        manifest_version: ManifestVersion::new(version),
        created_at_micros: writer.clock.now_micros(),
        actor: plan.actor.clone(),
    }))
}
