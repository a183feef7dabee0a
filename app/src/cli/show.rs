//! `show`: one commit and the tables it changed.

use serde::Serialize;
use stratigraph_engine::history::HistoryError;
use stratigraph_engine::{
    At, BranchName, ChangeKind, Commit, CommitGraph, CommitId, Error, Graph, Position, TableChange, TableEntry,
    TableKey, TableVersion,
};

use super::commit::{CommitFacts, arrow, moment};
use super::error::CliError;
use super::log::{note_problems, read_audit};
use super::output::{Cell, Out};
use super::text_table::{Align, TextTable};
use super::{open_graph, position};
use crate::summary::Summaries;
use crate::theme::Role;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// The commit of a position: commit id or its end, branch, v7 or feature@v7, or a time
    #[arg(value_name = "POSITION")]
    at: String,
}

/// A commit with its changes against its first parent.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    commit: CommitFacts<'a>,
    changes: Vec<ChangeFacts<'a>>,
}

/// One changed table, with the field names of the JSON output.
#[derive(Debug, Serialize)]
struct ChangeFacts<'a> {
    table: &'a TableKey,
    from_version: Option<TableVersion>,
    to_version: Option<TableVersion>,
    /// Lineage that holds the newer version; null for main's.
    branch: Option<&'a BranchName>,
    from_rows: Option<u64>,
    to_rows: Option<u64>,
    change: ChangeKind,
}

impl<'a> From<&'a TableChange> for ChangeFacts<'a> {
    fn from(change: &'a TableChange) -> Self {
        let (from, to) = (change.from.as_ref(), change.to.as_ref());
        Self {
            table: &change.key,
            from_version: from.map(|entry| entry.version),
            to_version: to.map(|entry| entry.version),
            branch: to.or(from).and_then(|entry| entry.lineage.as_ref()),
            from_rows: from.map(|entry| entry.rows),
            to_rows: to.map(|entry| entry.rows),
            change: change.kind,
        }
    }
}

/// Prints the commit.
pub(super) async fn run(args: ShowArgs, out: &mut Out) -> Result<(), CliError> {
    let at = position::parse(&args.at)?;
    let graph = open_graph(&args.uri).await?;
    let id = find_commit(&graph, &at).await?;
    let history = graph.history_about(id).await?;
    note_problems(&history);
    let commit = history.get(id).expect("BUG: what there is to say about a commit has the commit");
    let audit = read_audit(&graph, &history).await;
    let changes = graph.commit_changes(commit, 0).await?;
    let facts = CommitFacts::new(&history, &Summaries::new(&history, &audit), arrow(out), commit);
    if out.is_json() {
        return out.json(&Shown { commit: facts, changes: changes.iter().map(ChangeFacts::from).collect() });
    }
    print_facts(out, &history, commit, &facts)?;
    print_changes(out, &changes)
}

/// Finds the commit of a position: the one that published it, or the head of a branch whose newest version no commit published.
async fn find_commit(graph: &Graph, at: &At) -> Result<CommitId, CliError> {
    match graph.resolve(at).await {
        // It has no position any more, and is still in the history.
        Err(Error::History(HistoryError::BranchGone { id, .. })) => {
            Ok(id.parse().expect("BUG: the id of a commit was printed"))
        }
        Ok(Position { commit: Some(id), .. }) => Ok(id),
        Ok(position) => {
            let head = match position.is_head {
                true => graph.head_commit(&position.branch).await?,
                false => None,
            };
            head.ok_or(CliError::NoCommit { branch: position.branch, version: position.version })
        }
        Err(error) => Err(error.into()),
    }
}

fn print_facts(out: &mut Out, history: &CommitGraph, commit: &Commit, facts: &CommitFacts<'_>) -> Result<(), CliError> {
    let headline = facts.headline(out);
    out.line(&headline.painted)?;
    let described = |parent| {
        let branch =
            history.get(parent).map_or_else(|| "on no branch any more".to_owned(), |found| found.branch.to_string());
        format!("{parent}  {branch}")
    };
    let facts = [
        ("id", Some(commit.id.to_string())),
        ("parent", commit.parent.map(described)),
        ("merged", commit.merged_parent.map(described)),
        ("branch", Some(commit.branch.to_string())),
        ("manifest", Some(commit.manifest_version.to_string())),
        ("actor", commit.actor.as_deref().map(str::to_owned)),
        ("time", Some(moment(commit.created_at_micros))),
    ];
    let mut table = TextTable::new(&[("", Align::Left); 2]);
    for (name, value) in facts {
        if let Some(value) = value {
            table.row(vec![out.cell(Role::Dim, name), out.cell(Role::Text, &value)]);
        }
    }
    table.write(out)
}

fn print_changes(out: &mut Out, changes: &[TableChange]) -> Result<(), CliError> {
    out.line("")?;
    if changes.is_empty() {
        return out.line("changes no table");
    }
    let mut table = TextTable::new(&[
        ("table", Align::Left),
        ("change", Align::Left),
        ("version", Align::Right),
        ("rows", Align::Right),
        ("lineage", Align::Left),
    ]);
    for change in changes {
        let (kind, role) = match change.kind {
            ChangeKind::Added => ("added", Role::Added),
            ChangeKind::Removed => ("removed", Role::Removed),
            ChangeKind::Changed => ("changed", Role::Changed),
        };
        let lineage = change.to.as_ref().and_then(|entry| entry.lineage.as_ref()).map(BranchName::as_str);
        table.row(vec![
            out.cell(Role::Text, &change.key.to_string()),
            out.cell(role, kind),
            step(out, change, |entry| entry.version.to_string()),
            step(out, change, |entry| entry.rows.to_string()),
            out.cell(Role::Text, lineage.unwrap_or("main")),
        ]);
    }
    table.write(out)
}

/// `12 → 14`; one number where the table is new or gone.
fn step(out: &Out, change: &TableChange, of: fn(&TableEntry) -> String) -> Cell {
    let sides: Vec<String> = change.from.iter().chain(&change.to).map(of).collect();
    out.cell(Role::Text, &sides.join(out.theme().arrow()))
}
