//! `log`: the commits of all branches, newest first.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use stratigraph_engine::history::HistoryError;
use stratigraph_engine::recovery::AuditRow;
use stratigraph_engine::schema::TableType;
use stratigraph_engine::{At, BranchName, Commit, CommitGraph, CommitId, Error, Graph, Progress, TableKey};

use super::commit::{CommitFacts, arrow, moment};
use super::draw::draw;
use super::error::{CliError, note};
use super::open_graph;
use super::output::{Cell, Out};
use super::since::parse_since;
use super::text_table::{Align, TextTable};
use crate::summary::Summaries;
use crate::theme::Role;

/// Arguments of `log`.
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// Draw the commit graph at the left
    #[arg(long)]
    graph: bool,
    /// Only commits that the head of this branch descends from
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
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// What a commit must satisfy to be listed.
#[derive(Debug, Default)]
struct Filter {
    reachable: Option<HashSet<CommitId>>,
    actor: Option<String>,
    table: Option<TableKey>,
    since_micros: Option<i64>,
}

impl Filter {
    fn lets_through(&self, history: &CommitGraph, commit: &Commit) -> bool {
        self.reachable.as_ref().is_none_or(|reachable| reachable.contains(&commit.id))
            && self.actor.as_ref().is_none_or(|actor| commit.actor.as_deref() == Some(actor))
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
    let history = read_history(&graph).await?;
    let audit = read_audit(&graph).await;
    let filter = Filter {
        reachable: match &args.branch {
            Some(branch) => Some(reachable(&graph, &history, branch).await?),
            None => None,
        },
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
    print(out, &history, &Summaries::new(&history, &audit), rows)
}

/// Reads the history; what is wrong with it goes to standard error.
pub(super) async fn read_history(graph: &Graph) -> Result<Arc<CommitGraph>, CliError> {
    let history = graph.history(&Progress::none()).await?;
    for problem in history.problems() {
        note(&problem.to_string());
    }
    Ok(history)
}

/// Reads the audit; one that cannot be read costs the summaries of recoveries, nothing else.
pub(super) async fn read_audit(graph: &Graph) -> Vec<AuditRow> {
    graph.audit().await.unwrap_or_else(|error| {
        note(&format!("the recovery audit cannot be read: {error}"));
        Vec::new()
    })
}

fn print(
    out: &mut Out,
    history: &CommitGraph,
    summaries: &Summaries<'_>,
    rows: Vec<(usize, Cell)>,
) -> Result<(), CliError> {
    let arrow = arrow(out);
    let mut table = TextTable::new(&[("", Align::Left); 5]);
    for (row, graph) in rows {
        let commit = &history.commits()[row];
        let facts = CommitFacts::new(history, summaries, arrow, commit);
        if out.is_json() {
            out.json(&facts)?;
            continue;
        }
        let id = out.cell(Role::Changed, &history.short_id(commit.id));
        let time = out.cell(Role::Dim, &moment(commit.created_at_micros));
        let actor = out.cell(Role::Text, facts.actor.unwrap_or_default());
        table.row(vec![graph, id, time, actor, facts.headline(out)]);
    }
    table.write(out)
}

/// The commits a branch's head descends from, itself included.
async fn reachable(graph: &Graph, history: &CommitGraph, branch: &BranchName) -> Result<HashSet<CommitId>, CliError> {
    if let Some(head) = history.heads().get(branch) {
        return Ok(history.ancestors(*head));
    }
    // A branch whose commits cannot be read is one of the history's problems; one that does not exist is an error.
    graph.resolve(&At::Branch(branch.clone())).await?;
    Ok(HashSet::new())
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
