//! `log`: the commits of all branches, newest first.

use std::collections::BTreeSet;
use std::sync::Arc;

use stratigraph_engine::history::{HistoryError, Recent};
use stratigraph_engine::recovery::AuditRow;
use stratigraph_engine::schema::TableType;
use stratigraph_engine::{BranchName, Commit, CommitGraph, Error, Graph, Progress, TableKey};

use super::commit::{CommitFacts, arrow, moment};
use super::draw::draw;
use super::error::{CliError, note};
use super::open_graph;
use super::output::{Cell, LineBuilder, Out};
use super::since::parse_since;
use super::words::quoted;
use crate::summary::{RECOVERY_ACTOR, Summaries};
use crate::theme::Role;

/// Arguments of `log`.
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// Draw the commit graph at the left
    #[arg(long)]
    graph: bool,
    /// Only commits of this branch: its own and those it inherited from the branch it was made from
    #[arg(long, value_name = "BRANCH")]
    branch: Option<BranchName>,
    /// Only commits made by this actor
    #[arg(long)]
    actor: Option<String>,
    /// Only commits that changed this table (node:Person, or Person)
    #[arg(long)]
    table: Option<String>,
    /// Only commits at or after this time: RFC 3339, a day, or how long ago (90s, 15m, 3h, 2d, 1w)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// At most this many commits
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    limit: Option<usize>,
}

/// What a commit must satisfy to be listed.
#[derive(Debug, Default)]
struct Filter {
    actor: Option<String>,
    table: Option<TableKey>,
    since_micros: Option<i64>,
}

impl Filter {
    fn lets_through(&self, history: &CommitGraph, commit: &Commit) -> bool {
        self.actor.as_ref().is_none_or(|actor| commit.actor.as_deref() == Some(actor))
            && self.since_micros.is_none_or(|since| commit.created_at_micros >= since)
            && self
                .table
                .as_ref()
                .is_none_or(|table| history.changed_tables(commit).is_some_and(|tables| tables.contains(table)))
    }
}

/// Prints the commits.
pub(super) async fn run(args: LogArgs, out: &mut Out, now_micros: i64) -> Result<(), CliError> {
    let since_micros = args.since.as_deref().map(|text| parse_since(text, now_micros)).transpose()?;
    let graph = open_graph(&args.uri).await?;
    let recent = Recent {
        branch: args.branch.clone(),
        // Other filters are applied to commits that are read already.
        limit: args.limit.filter(|_| args.actor.is_none() && args.table.is_none()),
        since_micros,
    };
    let history = read_commits(&graph, &recent).await?;
    let asked = asked(&args);
    let audit = read_audit(&graph, &history).await;
    let filter = Filter {
        table: args.table.as_deref().map(|name| find_table(&graph, &history, name)).transpose()?,
        actor: args.actor,
        since_micros,
    };
    let commits = history.commits();
    let visible = |row: usize| filter.lets_through(&history, &commits[row]);
    let limit = args.limit.unwrap_or(usize::MAX);
    let rows: Vec<(usize, Cell)> = if args.graph && !out.is_json() {
        draw(out, &history, &visible, limit)
    } else {
        (0..commits.len()).filter(|&row| visible(row)).take(limit).map(|row| (row, Cell::default())).collect()
    };
    if rows.is_empty() && limit > 0 && !out.is_json() {
        note(&nothing(&asked));
    }
    print(out, &history, &Summaries::new(&history, &audit), &rows)
}

/// Says that nothing is listed and what to try.
fn nothing(asked: &[String]) -> String {
    match asked {
        [] => "the graph has no commit".to_owned(),
        [only] => format!("no commit matches {only}: leave it out to see all"),
        several => format!("no commit matches {}: leave one of them out to see more", several.join(" ")),
    }
}

/// The filters as they were given.
fn asked(args: &LogArgs) -> Vec<String> {
    let branch = args.branch.as_ref().map(BranchName::as_str);
    let filters = [("branch", branch), ("actor", args.actor.as_deref()), ("table", args.table.as_deref())];
    let filters = filters.into_iter().chain([("since", args.since.as_deref())]);
    let given = filters.filter_map(|(name, value)| Some(format!("--{name} {}", quoted(value?))));
    given.collect()
}

/// Reads the commits that may be listed, all or the newest ones; what is wrong with them goes to standard error.
async fn read_commits(graph: &Graph, recent: &Recent) -> Result<Arc<CommitGraph>, CliError> {
    if *recent == Recent::default() {
        return read_history(graph).await;
    }
    let history = graph.recent_history(recent, &Progress::none()).await?;
    note_problems(&history);
    Ok(Arc::new(history))
}

/// Reads the history; what is wrong with it goes to standard error.
pub(super) async fn read_history(graph: &Graph) -> Result<Arc<CommitGraph>, CliError> {
    let history = graph.history(&Progress::none()).await?;
    note_problems(&history);
    Ok(history)
}

/// Writes what is wrong with a history to standard error.
pub(super) fn note_problems(history: &CommitGraph) {
    for problem in history.problems() {
        note(&problem.to_string());
    }
}

/// Reads the audit if a recovery is among the commits; one that cannot be read costs the summaries of recoveries, nothing else.
pub(super) async fn read_audit(graph: &Graph, history: &CommitGraph) -> Vec<AuditRow> {
    if !history.commits().iter().any(|commit| commit.actor.as_deref() == Some(RECOVERY_ACTOR)) {
        return Vec::new();
    }
    graph.audit().await.unwrap_or_else(|error| {
        note(&format!("the recovery audit cannot be read: {error}"));
        Vec::new()
    })
}

/// Writes the commits one by one; of the lines only the widths of their columns are known before.
fn print(
    out: &mut Out,
    history: &CommitGraph,
    summaries: &Summaries<'_>,
    rows: &[(usize, Cell)],
) -> Result<(), CliError> {
    let commit = |row: usize| &history.commits()[row];
    let facts = |out: &Out, row| CommitFacts::new(history, summaries, arrow(out), commit(row));
    if out.is_json() {
        return rows.iter().try_for_each(|(row, _)| out.json(&facts(out, *row)));
    }
    let graph_width = rows.iter().map(|(_, graph)| graph.columns).max().unwrap_or(0);
    let mut widths = [0; 3];
    for (row, _) in rows {
        let cells = leading(out, history, commit(*row));
        widths = std::array::from_fn(|at| widths[at].max(cells[at].columns));
    }
    for (row, graph) in rows {
        let mut line = LineBuilder::default();
        let cells = leading(out, history, commit(*row));
        let columns = [(graph, graph_width)].into_iter().chain(cells.iter().zip(widths));
        columns.filter(|(_, width)| *width > 0).for_each(|(cell, width)| line.push(cell, width, false));
        line.push(&facts(out, *row).headline(out), 0, false);
        out.line(&line.finish())?;
    }
    Ok(())
}

/// Id, time and actor: what is aligned in columns.
fn leading(out: &Out, history: &CommitGraph, commit: &Commit) -> [Cell; 3] {
    [
        out.cell(Role::Changed, &history.short_id(commit.id)),
        out.cell(Role::Dim, &moment(commit.created_at_micros)),
        out.cell(Role::Text, commit.actor.as_deref().unwrap_or_default()),
    ]
}

/// Finds a table by key or unambiguous name among those any commit changed and those the schema declares.
fn find_table(graph: &Graph, history: &CommitGraph, name: &str) -> Result<TableKey, CliError> {
    let declared = graph.schema().catalog().tables().map(TableType::key);
    let changed = history.commits().iter().filter_map(|commit| history.changed_tables(commit)).flatten().cloned();
    let known: BTreeSet<TableKey> = declared.chain(changed).collect();
    let fitting: Vec<&TableKey> = match name.parse::<TableKey>() {
        Ok(key) => known.get(&key).into_iter().collect(),
        Err(_) => known.iter().filter(|key| &*key.name == name).collect(),
    };
    let error = match fitting.as_slice() {
        [only] => return Ok((*only).clone()),
        [] => HistoryError::UnknownTable {
            name: name.to_owned(),
            position: "any commit".to_owned(),
            known: known.iter().map(ToString::to_string).collect(),
        },
        _ => HistoryError::AmbiguousTable { name: name.to_owned() },
    };
    Err(Error::from(error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_told_as_they_are_typed() {
        let args = LogArgs {
            uri: "/g".to_owned(),
            graph: false,
            branch: None,
            actor: Some("no body".to_owned()),
            table: Some("Person".to_owned()),
            since: None,
            limit: None,
        };
        assert_eq!(asked(&args), ["--actor 'no body'", "--table Person"]);
    }
}
