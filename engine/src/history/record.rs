//! Recording commits: rows of `_graph_commits.lance` and of `_graph_commit_actors.lance` (graph-format §9).

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::lineage::read_newest;
use super::{Commit, HistoryError, branch_refs};
use crate::clock::Clock;
use crate::error::Result;
use crate::id::{BranchName, CommitId, ManifestVersion};
use crate::manifest;
use crate::storage::{MERGE, Rows, Storage, Table, names};

/// Makes both datasets, with the commit that all others descend from.
///
/// # Errors
/// [`crate::storage::StorageError`], also if there is a dataset of commits already.
pub(crate) async fn create_history(storage: &Storage, genesis: &Commit) -> Result<()> {
    if !storage.has_version(names::ACTORS).await? {
        storage.create_table(names::ACTORS, rows(actor_rows(&[]))).await?;
    }
    storage.create_table(names::COMMITS, rows(commit_row(genesis))).await?;
    Ok(())
}

/// Whether the graph lost the commits of all its branches.
pub(crate) async fn is_lost(storage: &Storage) -> Result<bool> {
    Ok(!storage.has_version(names::COMMITS).await?)
}

/// Begins the history of a graph that lost it anew, with a first commit at the present version of main (graph-format §9).
/// Nobody else may write meanwhile. Branches cannot be given theirs: what they have not merged would belong to no commit.
///
/// # Errors
/// [`HistoryError::Lost`] if there are branches; [`StorageError`].
pub(crate) async fn restart_history(storage: &Storage, clock: &dyn Clock) -> Result<()> {
    if !is_lost(storage).await? {
        return Ok(());
    }
    let branches = branch_refs(storage).await?;
    if let Some((branch, _)) = branches.iter().find(|(name, _)| !name.is_main()) {
        return Err(HistoryError::Lost { branch: branch.clone() }.into());
    }
    let main = BranchName::main();
    let genesis = Commit {
        id: clock.next_id(),
        parent: None,
        merged_parent: None,
        manifest_version: ManifestVersion::new(manifest::open(storage, &main, None).await?.version()),
        branch: main,
        created_at_micros: clock.now_micros(),
        actor: None,
    };
    create_history(storage, &genesis).await
}

/// What a commit says besides its place in the history.
pub(crate) struct NewCommit {
    pub(crate) id: CommitId,
    pub(crate) branch: BranchName,
    /// The version of the branch that shows it.
    pub(crate) version: u64,
    pub(crate) merged: Option<CommitId>,
    pub(crate) actor: Option<Arc<str>>,
    /// What is to be known of the merge, where no version of the branch shows it because it changed nothing.
    pub(crate) note: Option<String>,
}

/// Records the next commit of a branch, on its lineage of the commits at its head. The gate of publishing must be held.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(crate) async fn record_next(
    storage: &Storage,
    clock: &dyn Clock,
    commits: &Table,
    new: NewCommit,
) -> Result<Commit> {
    let version = ManifestVersion::new(new.version);
    let head = read_newest(commits).await?;
    // Clocks disagree, and no commit is older than its parent. One that changes no table has the version of the one before it, and then
    // its time makes it the head.
    let after_head = head.map_or(i64::MIN, |(_, micros, _)| micros.saturating_add(1));
    let commit = Commit {
        id: new.id,
        parent: head.map(|(_, _, id)| id),
        merged_parent: new.merged,
        branch: new.branch,
        manifest_version: version,
        created_at_micros: clock.now_micros().max(after_head),
        actor: new.actor,
    };
    record_commit(storage, commits, &commit, new.note.as_deref()).await?;
    Ok(commit)
}

/// Records a commit on the lineage of its branch, opened at its head, then who made it.
///
/// # Errors
/// [`crate::storage::StorageError`].
async fn record_commit(storage: &Storage, commits: &Table, commit: &Commit, note: Option<&str>) -> Result<()> {
    append(commits, commit_row(commit), note).await?;
    record_actor(storage, commit).await
}

/// Records who made a commit, if it is known.
async fn record_actor(storage: &Storage, commit: &Commit) -> Result<()> {
    let Some(actor) = &commit.actor else { return Ok(()) };
    let actors = storage.open(names::ACTORS, None, None).await?;
    append(&actors, actor_rows(&[(commit.id, actor, commit.created_at_micros)]), None).await
}

async fn append(table: &Table, row: RecordBatch, note: Option<&str>) -> Result<()> {
    let staged = table.stage_append(rows(row)).await?;
    let staged = match note {
        Some(note) => staged.noting(MERGE, note),
        None => staged,
    };
    staged.commit().await?;
    Ok(())
}

fn rows(batch: RecordBatch) -> Rows {
    Rows::batches(batch.schema(), vec![batch])
}

fn commit_row(commit: &Commit) -> RecordBatch {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    let schema = Schema::new(vec![
        text("graph_commit_id", false),
        text("manifest_branch", true),
        Field::new("manifest_version", DataType::UInt64, false),
        text("parent_commit_id", true),
        text("merged_parent_commit_id", true),
        created_at(),
    ]);
    let id = |id: Option<CommitId>| -> ArrayRef { Arc::new(StringArray::from(vec![id.map(|id| id.to_string())])) };
    let columns = vec![
        id(Some(commit.id)),
        Arc::new(StringArray::from(vec![BranchName::stored(&commit.branch)])),
        Arc::new(UInt64Array::from(vec![commit.manifest_version.get()])),
        id(commit.parent),
        id(commit.merged_parent),
        Arc::new(TimestampMicrosecondArray::from(vec![commit.created_at_micros])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("the columns are those of the schema")
}

fn actor_rows(rows: &[(CommitId, &str, i64)]) -> RecordBatch {
    let text = |name| Field::new(name, DataType::Utf8, false);
    let schema = Schema::new(vec![text("graph_commit_id"), text("actor_id"), created_at()]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(id, _, _)| id.to_string()))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, actor, _)| actor))),
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|(_, _, micros)| *micros))),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("the columns are those of the schema")
}

fn created_at() -> Field {
    Field::new("created_at", DataType::Timestamp(TimeUnit::Microsecond, None), false)
}

/// Whether a branch sees a commit row with this id.
pub(crate) async fn find_commit(commits: &Table, id: CommitId) -> Result<bool> {
    Ok(commits.count(Some(&format!("graph_commit_id = '{id}'"))).await? > 0)
}

/// Whether a branch sees a commit that merged this one.
pub(crate) async fn find_merge(commits: &Table, of: CommitId) -> Result<bool> {
    Ok(commits.count(Some(&format!("merged_parent_commit_id = '{of}'"))).await? > 0)
}
