//! Carrying a merge out: exactly what was planned and decided, on exactly the states it was planned for.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;

use super::check::{self, Checked};
use super::classify::{Adopt, Placement};
use super::decision::MergeDecisions;
use super::delta::RowStep;
use super::error::MergeError;
use super::picked::TableRows;
use super::plan::{MergePlan, placed};
use super::states::moved;
use super::{MergeOutcome, MergeWay};
use crate::error::Result;
use crate::fail;
use crate::graph::Graph;
use crate::history::{Merged, TableNote};
use crate::id::TableKey;
use crate::progress::Progress;
use crate::recovery::{self, WriterKind};
use crate::write::{
    Adoption, Change, Effect, Gate, Step, WriteError, WritePlan, Writer, complete_history, plan_and_run,
};

/// Merges as planned and decided.
pub(crate) async fn merge(
    graph: &Graph,
    writer: &Writer,
    plan: &MergePlan,
    decisions: &MergeDecisions,
    actor: Option<Arc<str>>,
    progress: &Progress,
) -> Result<super::Merged> {
    check::check_is_of(graph, plan)?;
    let outcome = plan.outcome();
    if outcome == MergeOutcome::AlreadyUpToDate {
        check_unmoved(graph, plan).await?;
        return Ok(super::Merged { outcome, written: None, tables: Vec::new() });
    }
    recovery::heal(writer).await?;
    check_unmoved(graph, plan).await?;
    complete_histories(writer, plan).await?;
    let checked = Box::pin(check::apply(graph, plan, decisions, progress)).await?;
    if !checked.check.open.is_empty() {
        return Err(MergeError::Undecided { open: checked.check.open.len() }.into());
    }
    let gates = gates(plan, &checked);
    let to_write = || {
        let (actor, checked) = (actor.clone(), &checked);
        async move {
            check_unmoved(graph, plan).await?;
            write_plan(plan, &checked.rows, actor).await
        }
        .boxed()
    };
    let written = Box::pin(plan_and_run(writer, plan.target(), &gates, progress, to_write)).await?;
    let tables = checked.check.tables.into_iter().filter(|table| table.way != MergeWay::Untouched).collect();
    Ok(super::Merged { outcome, written, tables })
}

/// A merge that is shown and not recorded would make the last common commit too old.
async fn complete_histories(writer: &Writer, plan: &MergePlan) -> Result<()> {
    let branches = [plan.source(), plan.target()];
    let _held = writer.gates.acquire(branches.map(|branch| Gate::Publish(branch.clone()))).await;
    let _alone = writer.gates.soon_alone().await.ok_or(WriteError::Excluded)?;
    for branch in branches {
        complete_history(writer, branch).await?;
    }
    Ok(())
}

/// Refuses if a branch is not what it was when the merge was planned.
async fn check_unmoved(graph: &Graph, plan: &MergePlan) -> Result<()> {
    let what = moved(graph, &plan.inner.states).await?;
    if what.is_empty() { Ok(()) } else { Err(MergeError::Moved { what }.into()) }
}

/// The tables that are written or taken over, and those that the checks rely on.
fn gates(plan: &MergePlan, checked: &Checked) -> Vec<Gate> {
    let branch = plan.target();
    let tables = checked.rows.keys().chain(&checked.relied_on).chain(&plan.inner.relied_on);
    let tables = tables.map(|key| Gate::Table(key.clone(), branch.clone()));
    tables.chain([Gate::Merge(branch.clone())]).collect()
}

async fn write_plan(
    plan: &MergePlan,
    rows: &BTreeMap<TableKey, TableRows>,
    actor: Option<Arc<str>>,
) -> Result<WritePlan> {
    let states = &plan.inner.states;
    let (mut effects, mut adoptions) = (Vec::new(), Vec::new());
    for (key, rows) in rows {
        let table = states.target.entries[key].clone();
        let planned = plan.inner.changes.get(key).map_or(Placement::Adopt(Adopt::Delta), |change| change.placement);
        match placed(planned, &rows.settled) {
            Placement::Adopt(Adopt::Pointer | Adopt::Fork) => {
                adoptions.push(Adoption { table, state: states.source.entries[key].clone() });
            }
            placement @ (Placement::Adopt(Adopt::Delta) | Placement::ThreeWay | Placement::Untouched) => {
                let steps = steps(rows, placement == Placement::ThreeWay).await?;
                if !steps.is_empty() {
                    effects.push(Effect { table, steps });
                }
            }
        }
    }
    Ok(WritePlan {
        kind: WriterKind::BranchMerge,
        branch: plan.target().clone(),
        actor,
        effects,
        adoptions,
        merged: Some(noted(plan, rows)),
    })
}

/// What is noted of the merge, so that it can stand for the merged head when that is gone.
fn noted(plan: &MergePlan, rows: &BTreeMap<TableKey, TableRows>) -> Merged {
    let states = &plan.inner.states;
    let mut merged = Merged::of(&states.history, states.heads.source, states.heads.target, &states.lost);
    merged.bases = std::iter::once(states.heads.base).chain(states.other_bases.iter().copied()).collect();
    for (key, target) in &states.target.entries {
        let note = if states.source.entries[key].same_state(target) {
            TableNote { same: !states.bases.has_version(key, target), ..TableNote::default() }
        } else {
            let alike = plan.inner.changes.get(key).map(|change| change.alike.clone()).unwrap_or_default();
            let settled = rows.get(key).map(|rows| rows.settled.ids.iter().cloned().collect());
            TableNote { alike, decided: settled.unwrap_or_default(), ..TableNote::default() }
        };
        if note != TableNote::default() {
            merged.tables.insert(key.clone(), note.within_bounds());
        }
    }
    merged
}

/// New rows first, then changed ones, then deletions (engine-behaviour §6.6); what there is nothing of is left out.
async fn steps(rows: &TableRows, is_rewrite: bool) -> Result<Vec<Step>> {
    let counts = rows.counts().await?;
    let mut steps = Vec::new();
    if counts.appends > 0 {
        let then = (!is_rewrite).then_some(fail::BRANCH_MERGE_ADOPT_AFTER_APPEND_PRE_UPSERT);
        steps.push(Step { change: Change::Append(rows.source(RowStep::Append)), then });
    }
    if counts.updates > 0 {
        let at = rows.replaced(RowStep::Update).await?;
        let change = Change::Update { rows: rows.source(RowStep::Update), at };
        let then = if is_rewrite {
            fail::BRANCH_MERGE_REWRITE_AFTER_MERGE_PRE_DELETE
        } else {
            fail::BRANCH_MERGE_ADOPT_AFTER_UPSERT_PRE_DELETE
        };
        steps.push(Step { change, then: Some(then) });
    }
    if counts.deletes > 0 {
        let change = Change::DeleteAt(rows.replaced(RowStep::Delete).await?);
        steps.push(Step { change, then: is_rewrite.then_some(fail::BRANCH_MERGE_REWRITE_AFTER_DELETE_PRE_INDEX) });
    }
    Ok(steps)
}
