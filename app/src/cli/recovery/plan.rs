//! `recovery plan`: what a recovery would do about each interrupted write, table by table. Nothing is written.

use serde::Serialize;
use stratigraph_engine::BranchName;
use stratigraph_engine::graph::Pending;
use stratigraph_engine::recovery::{
    Classification, Decision, RecoveryPlan, RecoveryStep, Sidecar, TableStanding, WriterKind,
};

use crate::cli::commit::moment;
use crate::cli::error::CliError;
use crate::cli::open_graph;
use crate::cli::output::Out;
use crate::cli::target::{announce_migration, announce_schema};
use crate::cli::text_table::{Align, TextTable};
use crate::recovery::{
    MAY_BE_LIVE, action, classification_words, decision_words, is_young, started_micros, then, why, writer_words,
};
use crate::theme::Role;

/// One step, with the field names of the JSON output. What an unreadable record would say is null.
#[derive(Debug, Serialize)]
struct StepFacts<'a> {
    operation_id: &'a str,
    decision: Decision,
    why: String,
    writer: Option<WriterKind>,
    branch: Option<BranchName>,
    actor: Option<&'a str>,
    started_at_micros: Option<i64>,
    /// Returns whether it started so lately that its writer may be at work.
    may_be_live: bool,
    tables: Vec<TableFacts<'a>>,
    /// What is done besides the tables.
    then: &'static str,
}

/// One table of a step.
#[derive(Debug, Serialize)]
struct TableFacts<'a> {
    table: &'a str,
    /// Lineage that holds the versions; null for main's.
    branch: Option<&'a str>,
    expected: u64,
    planned: u64,
    pinned: u64,
    head: u64,
    classification: Classification,
    /// What is done to it.
    action: String,
}

/// Prints the plan.
pub(super) async fn run(uri: &str, out: &mut Out, now_micros: i64) -> Result<(), CliError> {
    let Pending { migration, recovery } = open_graph(uri).await?.pending().await?;
    announce_migration(migration.as_ref());
    announce_schema(recovery.staged_schema);
    if out.is_json() {
        return recovery.steps.iter().try_for_each(|step| out.json(&facts(step, now_micros)));
    }
    print(&recovery, out, now_micros)
}

/// Prints a plan for people.
pub(super) fn print(plan: &RecoveryPlan, out: &mut Out, now_micros: i64) -> Result<(), CliError> {
    if plan.steps.is_empty() {
        return out.line("no interrupted write");
    }
    for (number, step) in plan.steps.iter().enumerate() {
        if number > 0 {
            out.line("")?;
        }
        print_step(step, out, now_micros)?;
    }
    Ok(())
}

fn print_step(step: &RecoveryStep, out: &mut Out, now_micros: i64) -> Result<(), CliError> {
    let id = out.cell(Role::Changed, &step.id).painted;
    let words = out.cell(Role::Title, decision_words(step.decision)).painted;
    let live = if may_be_live(step, now_micros) {
        format!("  {}", out.cell(Role::Warning, &format!("! {MAY_BE_LIVE}")).painted)
    } else {
        String::new()
    };
    out.line(&format!("{id}  {words}{live}"))?;
    let started = step.sidecar.as_ref().and_then(Sidecar::started_at_micros);
    let started = started.map(|micros| format!(", {}", moment(micros))).unwrap_or_default();
    for (title, text) in [("write", writer_words(step) + &started), ("why", why(step)), ("then", then(step).to_owned())]
    {
        let title = out.cell(Role::Dim, &format!("{title:<5}")).painted;
        let text = out.cell(Role::Text, &text).painted;
        out.line(&format!("  {title}  {text}"))?;
    }
    print_tables(step, out)
}

fn may_be_live(step: &RecoveryStep, now_micros: i64) -> bool {
    is_young(started_micros(step.sidecar.as_ref(), &step.id), now_micros)
}

fn print_tables(step: &RecoveryStep, out: &mut Out) -> Result<(), CliError> {
    let right = |title| (title, Align::Right);
    let mut table = TextTable::new(&[
        ("  table", Align::Left),
        right("pinned"),
        right("head"),
        ("classification", Align::Left),
        ("action", Align::Left),
    ]);
    for standing in &step.tables {
        let text = |text: &str| out.cell(Role::Text, text);
        table.row(vec![
            text(&format!("  {}", standing.table_key)),
            text(&standing.pinned.to_string()),
            text(&standing.head.to_string()),
            text(classification_words(standing.classification)),
            text(&action(step.decision, standing)),
        ]);
    }
    table.write(out)
}

fn facts(step: &RecoveryStep, now_micros: i64) -> StepFacts<'_> {
    let sidecar = step.sidecar.as_ref();
    StepFacts {
        operation_id: &step.id,
        decision: step.decision,
        why: why(step),
        writer: sidecar.map(|sidecar| sidecar.writer_kind),
        branch: sidecar.map(Sidecar::branch),
        actor: sidecar.and_then(|sidecar| sidecar.actor_id.as_deref()),
        started_at_micros: sidecar.and_then(Sidecar::started_at_micros),
        may_be_live: may_be_live(step, now_micros),
        tables: step.tables.iter().map(|table| table_facts(step.decision, table)).collect(),
        then: then(step),
    }
}

fn table_facts(decision: Decision, table: &TableStanding) -> TableFacts<'_> {
    TableFacts {
        table: &table.table_key,
        branch: table.lineage.as_deref(),
        expected: table.expected,
        planned: table.planned,
        pinned: table.pinned,
        head: table.head,
        classification: table.classification,
        action: action(decision, table),
    }
}
