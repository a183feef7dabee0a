//! `recovery run`: makes the plan, shows it, asks where tables are rolled back, and carries exactly that plan out.

use std::sync::Arc;

use serde::Serialize;
use stratigraph_engine::clock::SystemClock;
use stratigraph_engine::graph::Pending;
use stratigraph_engine::recovery::{Decision, Recovered, RecoveryError, RecoveryPlan, TableOutcome};
use stratigraph_engine::schema::StagedSchema;
use stratigraph_engine::{BranchName, CommitId, Error, Graph, ManifestVersion};

use super::plan;
use crate::cli::error::{CliError, note};
use crate::cli::meter::Meter;
use crate::cli::open_graph;
use crate::cli::output::Out;
use crate::cli::target::{announce_migration, announce_schema, confirm};
use crate::cli::work::Work;
use crate::recovery::{done_words, outcome_words};
use crate::theme::Role;

/// What was done about one interrupted write, with the field names of the JSON output.
#[derive(Debug, Serialize)]
struct Settled<'a> {
    operation_id: &'a str,
    decision: Decision,
    /// The commit that records it.
    commit: CommitId,
    /// Null if the commit cannot be found again.
    branch: Option<&'a BranchName>,
    manifest_version: Option<ManifestVersion>,
    outcomes: &'a [TableOutcome],
}

/// Settles all interrupted writes and prints what was done. The plan goes to standard error.
pub(super) async fn run(uri: &str, yes: bool, out: &mut Out, work: &Work, now_micros: i64) -> Result<(), CliError> {
    let graph = open_graph(uri).await?;
    let Pending { migration, recovery: plan } = graph.pending().await?;
    if plan.steps.is_empty() && plan.staged_schema == StagedSchema::None {
        return if out.is_json() { Ok(()) } else { out.line("no interrupted write") };
    }
    announce_migration(migration.as_ref());
    announce_schema(plan.staged_schema);
    let mut beside = out.beside();
    plan::print(&plan, &mut beside, now_micros)?;
    beside.flush()?;
    let settled = plan.steps.iter().filter(|step| step.decision.settles()).count();
    let rolled_back = plan.steps.iter().filter(|step| step.decision == Decision::RollBack).count();
    if rolled_back > 0 {
        let question =
            format!("settle {} interrupted writes of {}, rolling {rolled_back} of them back?", settled, graph.uri());
        confirm(question, yes).await?;
    }
    note(&format!("writing to {}, actor omnigraph:recovery", graph.uri()));
    match carry_out(&graph, &plan, work).await {
        // The steps before the one that failed stay done.
        Err(Error::Recovery(RecoveryError::Incomplete { done, source })) => {
            print(uri, &done, out).await?;
            out.flush()?;
            Err((*source).into())
        }
        done => print(uri, &done?, out).await,
    }
}

async fn carry_out(graph: &Graph, plan: &RecoveryPlan, work: &Work) -> Result<Vec<Recovered>, Error> {
    let meter = Meter::new("recover", None);
    let progress = work.progress(move |event| meter.report(&event));
    Box::pin(work.writing(graph.recover(plan, Arc::new(SystemClock::default()), &progress))).await
}

async fn print(uri: &str, done: &[Recovered], out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(uri).await?;
    for one in done {
        // What was settled is settled, also if its commit cannot be read.
        let commit = graph.commit(one.commit).await.ok();
        if out.is_json() {
            out.json(&Settled {
                operation_id: &one.operation_id,
                decision: one.decision,
                commit: one.commit,
                branch: commit.as_ref().map(|commit| &commit.branch),
                manifest_version: commit.as_ref().map(|commit| commit.manifest_version),
                outcomes: &one.outcomes,
            })?;
            continue;
        }
        let id = out.cell(Role::Changed, &one.operation_id).painted;
        let commit = out.cell(Role::Changed, &one.commit.to_string()).painted;
        out.line(&format!("{id}  {}, recorded by commit {commit}", done_words(one.decision)))?;
        for TableOutcome { table_key, from_version, to_version } in &one.outcomes {
            let outcome = outcome_words(one.decision, *from_version, *to_version);
            let outcome = out.cell(Role::Text, &format!("  {table_key}  {outcome}")).painted;
            out.line(&outcome)?;
        }
    }
    Ok(())
}
