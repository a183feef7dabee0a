//! `recovery`: interrupted writes, where their tables stand, and what is done about them.
//!
//! | file | answers |
//! |---|---|
//! | `recovery.rs` | `list` and `show`: what a sidecar says, and where its tables stand |
//! | `recovery/standing.rs` | where a table stands, in words |
//! | `recovery/decision.rs` | a decision in words: why, and what it does to each table |
//! | `recovery/plan.rs` | `plan`: what a recovery would do |
//! | `recovery/run.rs` | `run`: the plan, the question, and what was done |
//! | `recovery/quarantine.rs` | `quarantine`: a sidecar that nobody settles is moved out |
//! | `recovery/restore.rs` | `restore`: what is past a pin without a sidecar is discarded |

mod plan;
mod quarantine;
mod restore;
mod run;
mod standing;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value as Json;
use stratigraph_engine::recovery::{RecoveryStep, Sidecar, SidecarFile, SidecarState, WriterKind};
use stratigraph_engine::{BranchName, Graph, TableVersion};

use super::commit::moment;
use super::error::{CliError, note};
use super::open_graph;
use super::output::Out;
use super::text_table::{Align, TextTable};
use super::work::Work;
use crate::message::chain;
use crate::recovery::why;
use crate::theme::Role;

use standing::{Standing, conclusion};

/// Arguments of `recovery`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum RecoveryCommand {
    /// List the interrupted writes
    List {
        /// Folder or file:// URI of the graph
        uri: String,
    },
    /// Show one interrupted write with its record
    Show {
        /// Folder or file:// URI of the graph
        uri: String,
        /// Operation id, or a unique end of it
        id: String,
    },
    /// Show what a recovery would do about each interrupted write, and why
    Plan {
        /// Folder or file:// URI of the graph
        uri: String,
    },
    /// Make the plan, show it, and carry exactly that out
    Run {
        /// Folder or file:// URI of the graph
        uri: String,
        /// Do not ask before tables are rolled back
        #[arg(long)]
        yes: bool,
    },
    /// Move the record of an interrupted write that nobody settles out of the graph
    Quarantine {
        /// Folder or file:// URI of the graph
        uri: String,
        /// Operation id, or a unique end of it; for other files their name without .json
        id: String,
        /// File to make, or a folder; outside of the graph [default: a file of the same name in the current folder]
        target: Option<PathBuf>,
    },
    /// Discard what is past the version that a branch shows of a table, where no record says whose it is
    Restore {
        /// Folder or file:// URI of the graph
        uri: String,
        /// Type name, or node:Name or edge:Name
        table: String,
        /// Branch that holds the table
        #[arg(long, default_value = "main")]
        branch: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// One sidecar, with the field names of the JSON output. What an unreadable one would say is null.
#[derive(Debug, Default, Serialize)]
struct SidecarFacts {
    operation_id: String,
    /// `readable`, `refused` (readable, and recovery does not act on it), `newer` or `unreadable`.
    state: &'static str,
    /// The reason for which it is not readable or recovery refuses it.
    reason: Option<String>,
    writer: Option<WriterKind>,
    branch: Option<BranchName>,
    actor: Option<String>,
    started_at_micros: Option<i64>,
    tables: Vec<PinFacts>,
    /// Where the write stands, for people.
    conclusion: Option<String>,
    /// The file as it is; its text if that is no JSON.
    record: Json,
}

/// One pinned table of a sidecar.
#[derive(Debug, Serialize)]
struct PinFacts {
    table: String,
    expected: TableVersion,
    planned: TableVersion,
    /// Null if the branch or the table is not there.
    pinned: Option<TableVersion>,
    /// Null if it cannot be read.
    head: Option<TableVersion>,
    /// Null if the branch is not there.
    standing: Option<Standing>,
}

/// Prints interrupted writes, in the order a recovery takes them, or what is done about them.
pub(super) async fn run(command: RecoveryCommand, out: &mut Out, work: &Work, now_micros: i64) -> Result<(), CliError> {
    match command {
        RecoveryCommand::List { uri } => list(&uri, out).await,
        RecoveryCommand::Show { uri, id } => show(&uri, &id, out).await,
        RecoveryCommand::Plan { uri } => plan::run(&uri, out, now_micros).await,
        RecoveryCommand::Run { uri, yes } => run::run(&uri, yes, out, work, now_micros).await,
        RecoveryCommand::Quarantine { uri, id, target } => quarantine::run(&uri, &id, target, out, work).await,
        RecoveryCommand::Restore { uri, table, branch, yes } => {
            restore::run(&uri, &table, &branch, yes, out, work).await
        }
    }
}

async fn list(uri: &str, out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(uri).await?;
    let mut found = Vec::new();
    let plan = plan_if_possible(&graph).await;
    for file in graph.sidecars().await? {
        found.push(observe(&graph, &file, &plan).await?);
    }
    if out.is_json() {
        return found.iter().try_for_each(|sidecar| out.json(sidecar));
    }
    if found.is_empty() {
        return out.line("no interrupted write");
    }
    let columns = ["operation", "writer", "branch", "actor", "started", "tables"];
    let mut table = TextTable::new(&columns.map(|title| (title, Align::Left)));
    for sidecar in &found {
        let text = |value: Option<&str>| out.cell(Role::Text, value.unwrap_or_default());
        let tables: Vec<&str> = sidecar.tables.iter().map(|pin| pin.table.as_str()).collect();
        let tables = sidecar.reason.clone().unwrap_or_else(|| tables.join(", "));
        table.row(vec![
            out.cell(Role::Changed, &sidecar.operation_id),
            out.cell(Role::Text, &sidecar.writer.map_or_else(|| sidecar.state.to_owned(), |writer| writer.to_string())),
            text(sidecar.branch.as_ref().map(BranchName::as_str)),
            text(sidecar.actor.as_deref()),
            out.cell(Role::Dim, &sidecar.started_at_micros.map(moment).unwrap_or_default()),
            text(Some(&tables)),
        ]);
    }
    table.write(out)
}

async fn show(uri: &str, id: &str, out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(uri).await?;
    let file = graph.sidecar(id).await?;
    let facts = observe(&graph, &file, &plan_if_possible(&graph).await).await?;
    if out.is_json() {
        return out.json(&facts);
    }
    print_facts(out, &facts)?;
    if !facts.tables.is_empty() {
        out.line("")?;
        print_pins(out, &facts.tables)?;
    }
    if let Some(conclusion) = &facts.conclusion {
        out.line("")?;
        out.line(&out.cell(Role::Title, conclusion).painted)?;
    }
    out.line("")?;
    file.text.lines().try_for_each(|line| {
        let line = out.cell(Role::Text, line);
        out.line(&line.painted)
    })
}

fn print_facts(out: &mut Out, facts: &SidecarFacts) -> Result<(), CliError> {
    let mut table = TextTable::new(&[("", Align::Left); 2]);
    let rows = [
        ("operation", Some(facts.operation_id.clone())),
        ("state", Some(facts.state.to_owned())),
        ("reason", facts.reason.clone()),
        ("writer", facts.writer.map(|writer| writer.to_string())),
        ("branch", facts.branch.as_ref().map(ToString::to_string)),
        ("actor", facts.actor.clone()),
        ("started", facts.started_at_micros.map(moment)),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            table.row(vec![out.cell(Role::Dim, name), out.cell(Role::Text, &value)]);
        }
    }
    table.write(out)
}

fn print_pins(out: &mut Out, pins: &[PinFacts]) -> Result<(), CliError> {
    let right = |title| (title, Align::Right);
    let mut table = TextTable::new(&[
        ("table", Align::Left),
        right("expected"),
        right("planned"),
        right("pinned"),
        right("head"),
        ("standing", Align::Left),
    ]);
    for pin in pins {
        let version = |version: Option<TableVersion>| {
            out.cell(Role::Text, &version.map_or_else(|| "-".to_owned(), |version| version.to_string()))
        };
        table.row(vec![
            out.cell(Role::Text, &pin.table),
            version(Some(pin.expected)),
            version(Some(pin.planned)),
            version(pin.pinned),
            version(pin.head),
            out.cell(Role::Text, pin.standing.map_or("", Standing::words)),
        ]);
    }
    table.write(out)
}

/// Plans the recovery. Returns no step if that fails: the records can be looked at all the same.
async fn plan_if_possible(graph: &Graph) -> Vec<RecoveryStep> {
    match graph.recovery_plan().await {
        Ok(plan) => plan.steps,
        Err(error) => {
            note(&format!("what recovery would do cannot be planned: {}", chain(&error).join(": ")));
            Vec::new()
        }
    }
}

/// What a sidecar says, with pin and head of its tables as they are now.
async fn observe(graph: &Graph, file: &SidecarFile, plan: &[RecoveryStep]) -> Result<SidecarFacts, CliError> {
    let record = serde_json::from_str(&file.text).unwrap_or_else(|_| Json::from(file.text.as_str()));
    let refused = plan.iter().find(|step| step.id == file.id && !step.decision.settles());
    let reason = refused.map(why);
    let facts = SidecarFacts { operation_id: file.id.clone(), record, reason, ..SidecarFacts::default() };
    match &file.state {
        SidecarState::Readable(sidecar) if facts.reason.is_some() => {
            let facts = observe_tables(graph, sidecar, facts).await?;
            Ok(SidecarFacts { state: "refused", conclusion: None, ..facts })
        }
        SidecarState::Readable(sidecar) => observe_tables(graph, sidecar, facts).await,
        SidecarState::Newer { schema_version } => {
            let reason = facts.reason.unwrap_or_else(|| format!("it has format {schema_version}"));
            Ok(SidecarFacts { state: "newer", reason: Some(reason), ..facts })
        }
        SidecarState::Unreadable { reason } => {
            let reason = facts.reason.unwrap_or_else(|| reason.clone());
            Ok(SidecarFacts { state: "unreadable", reason: Some(reason), ..facts })
        }
    }
}

async fn observe_tables(graph: &Graph, sidecar: &Sidecar, facts: SidecarFacts) -> Result<SidecarFacts, CliError> {
    let seen = graph.observe(sidecar).await?;
    if let Some(error) = &seen.branch_error {
        note(&format!("branch {} cannot be read: {error}", sidecar.branch()));
    }
    let standing = |(pin, table)| match seen.branch_error {
        Some(_) => Standing::Unknown,
        None => Standing::of(sidecar, pin, table),
    };
    let standings: Vec<Standing> = sidecar.tables.iter().zip(&seen.tables).map(standing).collect();
    let conclusion = match seen.branch_exists {
        true => conclusion(sidecar.writer_kind, &standings),
        false => format!("branch {} does not exist, so no version is pinned to compare with", sidecar.branch()),
    };
    let tables = seen.tables.into_iter().zip(standings).map(|(pin, standing)| {
        // Where the branch is gone its lineages are gone, too.
        if let Err(error) = &pin.head
            && seen.branch_exists
        {
            note(&format!("{}: its head cannot be read: {error}", pin.table_key));
        }
        PinFacts {
            table: pin.table_key,
            expected: pin.expected,
            planned: pin.planned,
            pinned: pin.pinned,
            head: pin.head.ok(),
            standing: seen.branch_exists.then_some(standing),
        }
    });
    Ok(SidecarFacts {
        state: "readable",
        writer: Some(sidecar.writer_kind),
        branch: Some(sidecar.branch()),
        actor: sidecar.actor_id.clone(),
        started_at_micros: sidecar.started_at_micros(),
        tables: tables.collect(),
        conclusion: Some(conclusion),
        ..facts
    })
}
