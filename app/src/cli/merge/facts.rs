//! A plan as JSON lines: the plan itself, then the tables, the decisions that are not used, and the open conflicts.

use serde::Serialize;
use serde_json::Value as Json;
use stratigraph_engine::diff::Way;
use stratigraph_engine::merge::{
    Conflict, ConflictDetail, ConflictKind, MergeOutcome, MergeWay, TableMerge, ThreeRows,
};
use stratigraph_engine::{BranchName, CommitId, Graph, Row, TableKey};

use super::conflicts::reason;
use super::found::Found;
use super::given::Given;
use crate::cli::error::CliError;
use crate::cli::output::Out;

/// Conflicts whose rows are read together.
const PAGE: usize = 500;

/// The first line.
#[derive(Serialize)]
struct PlanFacts<'a> {
    outcome: MergeOutcome,
    base: CommitId,
    source_head: CommitId,
    target_head: CommitId,
    source: &'a BranchName,
    target: &'a BranchName,
    /// Further last common commits.
    other_bases: &'a [CommitId],
    /// Commits of one side of which it is not known what they have in common with the other.
    unknown_commits: &'a [CommitId],
    /// Conflicts that are open, and that decisions settle.
    open: usize,
    decided: usize,
    /// Decisions that are not used because rows changed, and because they do nothing.
    stale: usize,
    idle: usize,
}

/// One table; also what was done to it.
#[derive(Serialize)]
pub(super) struct TableFacts<'a> {
    table: &'a TableKey,
    change: MergeWay,
    appends: u64,
    upserts: u64,
    deletes: u64,
    conflicts: u64,
    /// `walk` if every row was compared; null if no row was.
    compared: Option<Way>,
}

/// A decision that is not used because rows changed.
#[derive(Serialize)]
struct StaleFacts<'a> {
    stale: String,
    reason: &'a str,
}

/// A decision that does nothing.
#[derive(Serialize)]
struct IdleFacts<'a> {
    idle: String,
    reason: &'a str,
}

/// One open conflict. Rows that a state does not have are null.
#[derive(Serialize)]
struct ConflictFacts<'a> {
    table: &'a TableKey,
    kind: ConflictKind,
    id: &'a str,
    reason: String,
    /// Columns that differ, or that the rule is about.
    columns: &'a [String],
    cell_mergeable: bool,
    /// The decision without which it would not be there.
    caused_by: Option<String>,
    base: Option<Json>,
    source: Option<Json>,
    target: Option<Json>,
    /// Rows of other ids that it is about.
    related: Vec<RelatedFacts<'a>>,
}

/// A row that a conflict is about besides its own.
#[derive(Serialize)]
struct RelatedFacts<'a> {
    table: &'a TableKey,
    id: &'a str,
    base: Option<Json>,
    source: Option<Json>,
    target: Option<Json>,
}

impl<'a> TableFacts<'a> {
    pub(super) fn new(table: &'a TableMerge) -> Self {
        Self {
            table: &table.key,
            change: table.way,
            appends: table.appends,
            upserts: table.upserts,
            deletes: table.deletes,
            conflicts: table.conflicts,
            compared: table.compared,
        }
    }
}

/// Prints the plan.
pub(super) async fn print(graph: &Graph, found: &Found, given: &Given, out: &mut Out) -> Result<(), CliError> {
    out.json(&plan_facts(found))?;
    found.tables.iter().try_for_each(|table| out.json(&TableFacts::new(table)))?;
    for stale in &found.stale {
        out.json(&StaleFacts { stale: given.name(stale.decision), reason: &stale.reason })?;
    }
    for idle in &found.idle {
        out.json(&IdleFacts { idle: given.name(idle.decision), reason: &idle.reason })?;
    }
    for page in found.open.chunks(PAGE) {
        let rows = graph.rows_of_conflicts(&found.plan, page).await?;
        page.iter()
            .zip(&rows)
            .try_for_each(|(conflict, rows)| out.json(&conflict_facts(found, conflict, rows, given)))?;
    }
    Ok(())
}

fn plan_facts(found: &Found) -> PlanFacts<'_> {
    let heads = found.plan.heads();
    PlanFacts {
        outcome: found.plan.outcome(),
        base: heads.base,
        source_head: heads.source,
        target_head: heads.target,
        source: found.plan.source(),
        target: found.plan.target(),
        other_bases: found.plan.other_bases(),
        unknown_commits: found.plan.unknown_commits(),
        open: found.open.len(),
        decided: found.decided,
        stale: found.stale.len(),
        idle: found.idle.len(),
    }
}

fn conflict_facts<'a>(
    found: &Found,
    conflict: &'a Conflict,
    rows: &'a [ThreeRows],
    given: &Given,
) -> ConflictFacts<'a> {
    let key = &conflict.key;
    // The node of a cardinality has no row in the table of its edges.
    let is_own = |row: &&ThreeRows| row.table == key.table && row.id == key.id;
    let own = rows.iter().find(is_own);
    let json = |side: Option<&Row>| side.map(Row::to_json);
    let related = |row: &'a ThreeRows| RelatedFacts {
        table: &row.table,
        id: &row.id,
        base: json(row.base.as_ref()),
        source: json(row.source.as_ref()),
        target: json(row.target.as_ref()),
    };
    ConflictFacts {
        table: &key.table,
        kind: key.kind,
        id: &key.id,
        reason: reason(&found.plan, conflict, rows),
        columns: columns(&conflict.detail),
        cell_mergeable: is_cell_mergeable(&conflict.detail),
        caused_by: conflict.caused_by.map(|decision| given.name(decision)),
        base: json(own.and_then(|own| own.base.as_ref())),
        source: json(own.and_then(|own| own.source.as_ref())),
        target: json(own.and_then(|own| own.target.as_ref())),
        related: rows.iter().filter(|row| !is_own(row)).map(related).collect(),
    }
}

fn columns(detail: &ConflictDetail) -> &[String] {
    match detail {
        ConflictDetail::Row { columns, .. } | ConflictDetail::Unique { columns, .. } => columns,
        ConflictDetail::Orphan { role, .. } => std::slice::from_ref(role),
        ConflictDetail::Value { column, .. } => std::slice::from_ref(column),
        ConflictDetail::Cardinality { .. } => &[],
    }
}

fn is_cell_mergeable(detail: &ConflictDetail) -> bool {
    match detail {
        ConflictDetail::Row { is_cell_mergeable, .. } => *is_cell_mergeable,
        ConflictDetail::Orphan { .. }
        | ConflictDetail::Unique { .. }
        | ConflictDetail::Cardinality { .. }
        | ConflictDetail::Value { .. } => false,
    }
}
