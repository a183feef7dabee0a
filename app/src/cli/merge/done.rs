//! The commit that a merge made, and the end of the source branch.

use std::collections::BTreeMap;

use serde::Serialize;
use stratigraph_engine::graph::BranchError;
use stratigraph_engine::merge::{MergeOutcome, MergePlan, Merged, TableMerge};
use stratigraph_engine::{BranchName, CommitId, Error, Graph};

use super::facts::TableFacts;
use super::found::Found;
use super::text::print_tables;
use crate::cli::branch::warn_of_stranded;
use crate::cli::error::CliError;
use crate::cli::made::Made;
use crate::cli::output::Out;
use crate::cli::work::Work;
use crate::theme::Role;

/// What a merge made, with the field names of the JSON output.
#[derive(Serialize)]
struct MadeByMerge<'a> {
    outcome: MergeOutcome,
    #[serde(flatten)]
    made: Made,
    source: &'a BranchName,
    base: CommitId,
    source_head: CommitId,
    /// The head before the merge.
    target_head: CommitId,
    /// What was done to the tables that are not as before.
    changes: Vec<TableFacts<'a>>,
    source_deleted: bool,
}

/// Deletes the branch that was merged. Commits that it got after the plan are not merged, so it stays with them.
pub(super) async fn delete_source(graph: &Graph, plan: &MergePlan, work: &Work) -> Result<(), CliError> {
    let branch = plan.source();
    warn_of_stranded(graph, &graph.branch(branch).await?).await;
    let deleting = Box::pin(graph.delete_branch_at(branch, Some(plan.heads().source)));
    match Box::pin(work.writing(deleting)).await {
        Err(Error::Branch(BranchError::Moved { name, .. })) => Err(CliError::SourceMoved { branch: name }),
        done => Ok(done?),
    }
}

/// Prints the commit; then fails if the source branch could not be deleted.
pub(super) fn print(
    found: &Found,
    merged: Merged,
    deleted: Option<Result<(), CliError>>,
    out: &mut Out,
) -> Result<(), CliError> {
    let (plan, heads) = (&found.plan, found.plan.heads());
    let outcome = merged.outcome;
    let mut made = Made::written(plan.target().clone(), merged.written, &BTreeMap::new());
    // Rows of a merge are no records of an input.
    made.tables.iter_mut().for_each(|table| table.records = None);
    let answer = MadeByMerge {
        outcome,
        made,
        source: plan.source(),
        base: heads.base,
        source_head: heads.source,
        target_head: heads.target,
        changes: merged.tables.iter().map(TableFacts::new).collect(),
        source_deleted: matches!(deleted, Some(Ok(()))),
    };
    if out.is_json() {
        out.json(&answer)?;
    } else {
        print_text(&answer, &merged.tables, out)?;
    }
    out.flush()?;
    deleted.unwrap_or(Ok(()))
}

fn print_text(answer: &MadeByMerge<'_>, tables: &[TableMerge], out: &mut Out) -> Result<(), CliError> {
    let (source, target) = (answer.source, &answer.made.branch);
    match answer.outcome {
        outcome @ MergeOutcome::AlreadyUpToDate => {
            out.line(&format!("{outcome}: {target} has every commit of {source}"))?;
        }
        outcome @ (MergeOutcome::FastForward | MergeOutcome::Merged) => {
            answer.made.print(out)?;
            let arrow = out.theme().arrow();
            out.line("")?;
            out.line(&format!("{outcome}: {source}{arrow}{target}"))?;
            print_tables(tables, out)?;
        }
    }
    if answer.source_deleted {
        let head = out.cell(Role::Changed, &answer.source_head.to_string()).painted;
        out.line(&format!("deleted branch {source} which was at commit {head}"))?;
    }
    Ok(())
}
