//! `history`: the commits of a branch that changed one row.

use futures::TryStreamExt;
use serde::Serialize;
use stratigraph_engine::diff::{RowHistoryItem, RowOp, RowVersion};
use stratigraph_engine::history::Recent;
use stratigraph_engine::recovery::AuditRow;
use stratigraph_engine::{
    At, BranchName, Commit, CommitGraph, CommitId, Error, Graph, ManifestVersion, Progress, Row, TableKey,
};

use super::commit::{arrow, moment};
use super::diff::change_line;
use super::error::{CliError, note};
use super::log::read_audit;
use super::open_graph;
use super::output::Out;
use crate::summary::{Summaries, Summary};
use crate::theme::Role;

/// Arguments of `history`.
#[derive(Debug, clap::Args)]
pub(super) struct HistoryArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// node:Person, or Person where that is unambiguous
    table: String,
    /// Id of the row
    id: String,
    /// Branch whose commits are followed, first parents only
    #[arg(long, default_value = "main")]
    branch: BranchName,
}

/// One change of the row, with the field names of the JSON output.
#[derive(Debug, Serialize)]
struct VersionFacts<'a> {
    commit: CommitId,
    branch: &'a BranchName,
    manifest_version: ManifestVersion,
    actor: Option<&'a str>,
    created_at_micros: i64,
    summary: String,
    op: RowOp,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
    columns: &'a [String],
}

/// Prints the changes, newest first.
pub(super) async fn run(args: HistoryArgs, out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(&args.uri).await?;
    let table = find_table(&graph, &args.branch, &args.table).await?;
    let recent = Recent { branch: Some(args.branch.clone()), ..Recent::default() };
    let history = graph.recent_history(&recent, &Progress::none()).await?;
    let audit = read_audit(&graph, &history).await;
    let mut items = graph.row_history(&table, &args.id, &args.branch, &Progress::none());
    let mut found = false;
    while let Some(item) = items.try_next().await? {
        match item {
            RowHistoryItem::Changed(version) => {
                found = true;
                let summary = summary(&graph, &history, &audit, &version.commit).await?.text(arrow(out));
                if out.is_json() {
                    out.json(&facts(&version, summary))?;
                } else {
                    print(out, &history.short_id(version.commit.id), &version, &args.id, &summary)?;
                }
            }
            RowHistoryItem::Ended { commit, reason } => {
                found = true;
                note(&format!("the history ends at commit {}: {reason}", commit.id));
            }
        }
    }
    if found { Ok(()) } else { Err(CliError::UnknownRow { id: args.id, table, branch: args.branch }) }
}

/// Returns what a commit did; of a merge with the branch of what was merged, which may have its commits to itself.
async fn summary(
    graph: &Graph,
    history: &CommitGraph,
    audit: &[AuditRow],
    commit: &Commit,
) -> Result<Summary, CliError> {
    match commit.merged_parent {
        Some(merged) if history.get(merged).is_none() => {
            Ok(Summaries::new(&graph.history_about(commit.id).await?, audit).of(commit))
        }
        Some(_) | None => Ok(Summaries::new(history, audit).of(commit)),
    }
}

/// A table of the branch's head; one that was dropped since must be given by its whole key.
async fn find_table(graph: &Graph, branch: &BranchName, name: &str) -> Result<TableKey, CliError> {
    let snapshot = graph.snapshot(&At::Branch(branch.clone())).await?;
    match (snapshot.table(name), name.parse()) {
        (Ok(entry), _) => Ok(entry.key.clone()),
        (Err(_), Ok(key)) => Ok(key),
        (Err(error), Err(_)) => Err(Error::from(error).into()),
    }
}

fn facts(version: &RowVersion, summary: String) -> VersionFacts<'_> {
    VersionFacts {
        commit: version.commit.id,
        branch: &version.commit.branch,
        manifest_version: version.commit.manifest_version,
        actor: version.commit.actor.as_deref(),
        created_at_micros: version.commit.created_at_micros,
        summary,
        op: version.op,
        before: version.before.as_ref().map(Row::to_json),
        after: version.after.as_ref().map(Row::to_json),
        columns: &version.columns,
    }
}

fn print(out: &mut Out, short_id: &str, version: &RowVersion, row: &str, summary: &str) -> Result<(), CliError> {
    let id = out.cell(Role::Changed, short_id);
    let time = out.cell(Role::Dim, &moment(version.commit.created_at_micros));
    let words = match version.commit.actor.as_deref() {
        Some(actor) => format!("{actor}  {summary}"),
        None => summary.to_owned(),
    };
    let words = out.cell(Role::Text, &words);
    out.line(&format!("{}  {}  {}", id.painted, time.painted, words.painted))?;
    let change = change_line(out, row, version.op, version.before.as_ref(), version.after.as_ref(), &version.columns);
    out.line(&format!("  {change}"))
}
