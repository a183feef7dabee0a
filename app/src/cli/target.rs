//! What a command that writes does before it writes: it opens the graph, says what it writes to, and asks.

use std::io::{self, BufRead, IsTerminal, Write};

use stratigraph_engine::graph::Pending;
use stratigraph_engine::manifest::Migration;
use stratigraph_engine::recovery::RecoveryStep;
use stratigraph_engine::schema::StagedSchema;
use stratigraph_engine::{BranchName, Error, Graph, OpenMode};
use stratigraph_widgets::width::escape;

use super::error::{CliError, note};
use super::open_graph;
use super::work::Work;
use crate::recovery::{done_words, writer_words};

/// Reads a branch's name.
pub(super) fn branch_name(text: &str) -> Result<BranchName, CliError> {
    text.parse().map_err(|error| Error::from(error).into())
}

/// Says where a write goes and in whose name.
pub(super) fn echo(uri: &str, branch: &BranchName, actor: Option<&str>) {
    let actor = actor.map_or_else(|| "no actor".to_owned(), |actor| format!("actor {actor}"));
    note(&format!("writing to {uri}, branch {branch}, {actor}"));
}

/// Opens a graph for writing, and says what is brought up to date or settled by that.
pub(super) async fn open_to_write(uri: &str, work: &Work) -> Result<Graph, CliError> {
    let Pending { migration, recovery } = open_graph(uri).await?.pending().await?;
    announce_migration(migration.as_ref());
    announce_schema(recovery.staged_schema);
    for step in recovery.steps.iter().filter(|step| step.decision.settles()) {
        note(&format!("an interrupted write is settled first: {}", settled(step)));
    }
    Ok(Box::pin(work.writing(Graph::open(uri, OpenMode::ReadWrite))).await?)
}

/// Says that a graph's format is brought up to date.
pub(super) fn announce_migration(migration: Option<&Migration>) {
    if let Some(Migration { from, to, .. }) = migration {
        note(&format!("writing brings the graph from format {from} to {to}"));
    }
}

/// Says what is done about the files of an interrupted schema change.
pub(super) fn announce_schema(staged: StagedSchema) {
    match staged {
        StagedSchema::None => {}
        StagedSchema::Promote => note("a schema change was interrupted: writing puts its files in place"),
        StagedSchema::Discard => {
            note("a schema change was interrupted before it was published: writing removes its files");
        }
    }
}

fn settled(step: &RecoveryStep) -> String {
    format!("{}, {}: {}", step.id, writer_words(step), done_words(step.decision))
}

/// Asks on the terminal; without one the answer must have been given before, as `--yes`.
pub(super) async fn confirm(question: String, yes: bool) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(CliError::NobodyToAsk { question });
    }
    // Waiting for a person must not keep the interrupt from being seen.
    let asked = tokio::task::spawn_blocking(move || ask(&question)).await;
    if asked.map_err(io::Error::other)?? { Ok(()) } else { Err(CliError::Declined) }
}

fn ask(question: &str) -> io::Result<bool> {
    write!(io::stderr().lock(), "{} [y/N] ", escape(question))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
