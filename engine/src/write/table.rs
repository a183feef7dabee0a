//! One table on its way: staged, then committed step by step.

use std::collections::BTreeMap;

use super::drift::{check_unclaimed, settle_drift};
use super::error::WriteError;
use super::fork::{Forked, clear_way, fork};
use super::plan::{Adoption, Change, Effect, Step};
use super::run::Writer;
use crate::error::{Error, Result};
use crate::fail::fail_point;
use crate::id::{BranchName, TableKey};
use crate::manifest::{TableEntry, TableUpdate};
use crate::storage::{ID, OPERATION_ID, StagedChange, Table};

/// A table, what happens to it, and the first of that staged.
pub(super) struct Target {
    /// The table as the branch shows it now.
    pub(super) table: TableEntry,
    /// Lineage the commits land on.
    pub(super) lineage: Option<BranchName>,
    steps: Vec<Step>,
    /// The first step; none if the lineage has to be made first.
    staged: Option<StagedChange>,
}

impl Target {
    /// The version it is to have; of a write in several commits, the first of them.
    pub(super) fn planned(&self) -> u64 {
        self.table.version.get() + 1
    }
}

/// The table as the branch shows it, if that is what the plan was made for.
///
/// # Errors
/// [`WriteError::TableGone`], [`WriteError::Stale`].
pub(super) fn as_planned(
    branch: &BranchName,
    current: &BTreeMap<TableKey, TableEntry>,
    planned: &TableEntry,
) -> Result<TableEntry, WriteError> {
    let Some(table) = current.get(&planned.key).cloned() else {
        return Err(WriteError::TableGone { branch: branch.clone(), table_key: planned.key.clone() });
    };
    if !table.same_state(planned) {
        let (expected, actual) = (planned.version.get(), table.version.get());
        return Err(WriteError::Stale { table_key: table.key, expected, actual });
    }
    Ok(table)
}

/// Stages the first step of an effect, where the branch has a lineage of the table.
pub(super) async fn stage(
    writer: &Writer,
    branch: &BranchName,
    current: &BTreeMap<TableKey, TableEntry>,
    effect: Effect,
) -> Result<Target> {
    let Effect { table: planned, steps } = effect;
    let table = as_planned(branch, current, &planned)?;
    let lineage = (!branch.is_main()).then(|| branch.clone());
    if table.lineage != lineage {
        check_unclaimed(writer, branch, &table).await?;
        clear_way(&writer.storage, branch, &table).await?;
        return Ok(Target { table, lineage, steps, staged: None });
    }
    let needs_places = steps.iter().any(|step| step.change.needs_places());
    let table = Box::pin(settle_drift(writer, branch, table, needs_places)).await?;
    let opened = writer.storage.open(&table.path, table.stored_lineage(), Some(table.version.get())).await?;
    let first = steps.first().expect("BUG: an effect has a step");
    let staged = stage_change(&opened, &first.change).await?;
    Ok(Target { table, lineage, steps, staged: Some(staged) })
}

async fn stage_change(table: &Table, change: &Change) -> Result<StagedChange> {
    Ok(match change {
        Change::Append(rows) => table.stage_append(rows.to_rows()).await?,
        Change::Upsert(rows) => table.stage_upsert(ID, rows.to_rows()).await?,
        Change::Update { rows, at } => table.stage_update_at(rows.to_rows(), at).await?,
        Change::Overwrite(rows) => table.stage_overwrite(rows.to_rows()).await?,
        Change::Delete(ids) => table.stage_delete(ID, ids).await?,
        Change::DeleteAt(rows) => table.stage_delete_at(rows).await?,
    })
}

/// Why a table was not committed, and whether it moved all the same.
pub(super) struct Failed {
    pub(super) moved: bool,
    pub(super) error: Error,
}

fn unmoved(error: impl Into<Error>) -> Failed {
    Failed { moved: false, error: error.into() }
}

fn moved(error: impl Into<Error>) -> Failed {
    Failed { moved: true, error: error.into() }
}

/// The fail points of a commit, as functions: their errors have to be told from those of a table that moved.
fn before_commit() -> Result<()> {
    fail_point!(crate::fail::WRITE_BEFORE_TABLE_COMMIT);
    Ok(())
}

fn before_first_commit() -> Result<()> {
    fail_point!(crate::fail::FORK_BEFORE_FIRST_COMMIT);
    Ok(())
}

fn after_step(step: &Step) -> Result<()> {
    if let Some(point) = step.then {
        tracing::trace!(point, "a commit of a table is done");
        fail_point!(point);
    }
    Ok(())
}

/// Commits a table's steps in order for an operation, making the branch's own lineage first if there is none.
pub(super) async fn commit(
    writer: &Writer,
    branch: &BranchName,
    target: Target,
    operation_id: &str,
) -> Result<TableUpdate, Failed> {
    let first = target.planned();
    let Target { table, lineage, steps, mut staged } = target;
    let mut committed: Option<Table> = None;
    for (planned, step) in (first..).zip(&steps) {
        before_commit().map_err(|error| Failed { moved: committed.is_some(), error })?;
        let next = match (staged.take(), &committed) {
            (Some(staged), _) => staged,
            (None, Some(table)) => stage_change(table, &step.change).await.map_err(moved)?,
            (None, None) => {
                let Forked(opened) = fork(&writer.storage, branch, &table).await.map_err(unmoved)?;
                before_first_commit().map_err(unmoved)?;
                stage_change(&opened, &step.change).await.map_err(unmoved)?
            }
        };
        let table_now = next.noting(OPERATION_ID, operation_id).commit().await.map_err(moved)?;
        if table_now.version() != planned {
            let (table_key, landed) = (table.key, table_now.version());
            return Err(moved(WriteError::Landed { table_key, planned, landed }));
        }
        committed = Some(table_now);
        after_step(step).map_err(moved)?;
    }
    let committed = committed.expect("BUG: an effect has a step");
    let rows = committed.count(None).await.map_err(moved)?;
    let stored = lineage.as_ref().and_then(BranchName::stored);
    let file = writer.storage.version_file(&table.path, stored, committed.version()).await.map_err(moved)?;
    Ok(TableUpdate { key: table.key, version: committed.version(), lineage, rows, file })
}

/// Prepares the taking over of a state: nothing the branch shows changes, a lineage it gets starts as the state it comes from.
pub(super) async fn adopt(writer: &Writer, branch: &BranchName, adoption: &Adoption) -> Result<TableUpdate> {
    let state = &adoption.state;
    let lineage = state.lineage.as_ref().map(|_| branch.clone());
    if lineage.is_some() {
        fork(&writer.storage, branch, state).await?;
    }
    let stored = lineage.as_ref().and_then(BranchName::stored);
    let file = writer.storage.version_file(&state.path, stored, state.version.get()).await?;
    Ok(TableUpdate { key: state.key.clone(), version: state.version.get(), lineage, rows: state.rows, file })
}
