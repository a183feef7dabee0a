//! A plan with decisions: what they settle, what is left open, what they break.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::TableMerge;
use super::cause::Causes;
use super::choice::Choice;
use super::chosen::{ChosenRows, Decided, RowChoice, chosen_rows};
use super::conditions::Conditions;
use super::conflict::{Conflict, ConflictDetail, ConflictKey};
use super::decision::{Assigned, MergeDecisions, StaleDecision, assign, idle};
use super::error::MergeError;
use super::lookup::{ThreeTables, open};
use super::picked::{Settled, TableRows};
use super::plan::{MergePlan, mark, validate_rows};
use super::settle::settle;
use super::validate::Found;
use crate::error::Result;
use crate::graph::Graph;
use crate::id::TableKey;
use crate::progress::Progress;

/// What decisions make of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeCheck {
    /// What is still to be decided, in order of table, kind and id; what a decision caused names it.
    pub open: Vec<Conflict>,
    /// What is decided, with the index of the decision that holds.
    pub decided: Vec<(Conflict, usize)>,
    /// Decisions that hold for nothing any more.
    pub stale: Vec<StaleDecision>,
    /// Decisions that do nothing, although no row changed: rules without a conflict that they could settle, and decisions of which a
    /// later one about the same conflict took the place.
    pub idle: Vec<StaleDecision>,
    /// Every table, with the decisions carried out.
    pub tables: Vec<TableMerge>,
}

/// A plan with decisions, ready to be carried out if nothing is open.
pub(super) struct Checked {
    pub(super) check: MergeCheck,
    pub(super) rows: BTreeMap<TableKey, TableRows>,
    pub(super) relied_on: BTreeSet<TableKey>,
}

/// Checks decisions against a plan. Nothing is written.
pub(crate) async fn check(
    graph: &Graph,
    plan: &MergePlan,
    decisions: &MergeDecisions,
    progress: &Progress,
) -> Result<MergeCheck> {
    Ok(Box::pin(apply(graph, plan, decisions, progress)).await?.check)
}

/// Applies decisions to a plan, until they give rise to no more conflicts. Conflicts are told apart by what is wrong with which rows,
/// and decisions choose among finitely many rows, so this ends.
pub(super) async fn apply(
    graph: &Graph,
    plan: &MergePlan,
    decisions: &MergeDecisions,
    progress: &Progress,
) -> Result<Checked> {
    check_is_of(graph, plan)?;
    decisions.check_branches(plan.source(), plan.target()).map_err(MergeError::from)?;
    let mut known: Vec<Conflict> = plan.conflicts().to_vec();
    let mut conditions = Conditions::default();
    let mut asked = 0;
    loop {
        progress.check()?;
        progress.message(format!("{} conflicts", known.len()));
        conditions.ask(graph, plan, &known[asked..], decisions).await?;
        asked = known.len();
        let keeps = |rule: usize, conflict: &Conflict| conditions.keeps(rule, conflict);
        let assigned = assign(&known, decisions, &keeps).map_err(MergeError::from)?;
        check_edges(graph, plan, &known, &assigned, decisions).await?;
        let chosen = chosen_rows(decided(&known, &assigned, decisions));
        let rows = plan.rows(graph, settled(graph, plan, &chosen).await?).await?;
        let Found { conflicts: broken, relied_on } = if chosen.is_empty() {
            let with_rules = plan.conflicts().iter().filter(|conflict| !conflict.key.kind.is_of_a_row());
            Found { conflicts: with_rules.cloned().collect(), relied_on: plan.inner.relied_on.clone() }
        } else {
            validate_rows(graph, plan, &rows, &undecided(&known, &assigned), progress).await?
        };
        let before: HashSet<(&ConflictKey, &ConflictDetail)> =
            known.iter().map(|conflict| (&conflict.key, &conflict.detail)).collect();
        let mut new: Vec<Conflict> =
            broken.iter().filter(|conflict| !before.contains(&(&conflict.key, &conflict.detail))).cloned().collect();
        mark(graph, plan, &mut new).await?;
        let causes = Causes::new(&chosen, &known);
        for conflict in &mut new {
            conflict.caused_by = causes.of(conflict);
        }
        if new.is_empty() {
            let has_table = |table: &TableKey| graph.schema().catalog().table(table).is_some();
            let idle = idle(&known, decisions, &assigned, &has_table, &keeps);
            let check = MergeCheck { idle, ..report(plan, &known, &broken, assigned, &causes, &rows).await? };
            return Ok(Checked { check, rows, relied_on });
        }
        known.extend(new);
    }
}

/// Refuses plans of other graphs.
pub(super) fn check_is_of(graph: &Graph, plan: &MergePlan) -> Result<(), MergeError> {
    if plan.inner.uri == graph.uri() {
        return Ok(());
    }
    Err(MergeError::OtherGraph { planned: plan.inner.uri.clone(), actual: graph.uri().to_owned() })
}

/// Checks that what decisions say of edges is said of edges that one of their nodes has on some side, or that another decision gives
/// it: others are none of the conflict.
async fn check_edges(
    graph: &Graph,
    plan: &MergePlan,
    known: &[Conflict],
    assigned: &Assigned,
    decisions: &MergeDecisions,
) -> Result<()> {
    let mut nodes: BTreeMap<(&TableKey, usize), HashSet<String>> = BTreeMap::new();
    let mut written: HashSet<(&TableKey, &str)> = HashSet::new();
    for (conflict, decision) in known.iter().zip(&assigned.chosen) {
        let Some(decision) = *decision else { continue };
        let key = &conflict.key;
        match &decisions.decisions[decision].choice {
            Some(Choice::Edges { .. }) => {
                nodes.entry((&key.table, decision)).or_default().insert(key.id.clone());
            }
            Some(Choice::Cells(_)) => drop(written.insert((&key.table, &key.id))),
            Some(_) | None => {}
        }
    }
    for ((key, decision), nodes) in nodes {
        let Some(Choice::Edges { drop, restore }) = &decisions.decisions[decision].choice else { continue };
        let tables = ThreeTables::open(graph.storage(), plan.entries(key)).await?;
        let edges: BTreeSet<String> = tables.edges(&nodes).await?.into_values().flatten().collect();
        let is_theirs = |edge: &&String| edges.contains(*edge) || written.contains(&(key, edge.as_str()));
        if let Some(edge) = drop.iter().chain(restore).find(|edge| !is_theirs(edge)) {
            let nodes: BTreeSet<String> = nodes.into_iter().collect();
            return Err(MergeError::OtherEdge {
                number: decision + 1,
                table_key: key.clone(),
                edge: edge.clone(),
                nodes: nodes.into_iter().collect(),
                edges: edges.into_iter().collect(),
            }
            .into());
        }
    }
    Ok(())
}

/// The conflicts that a decision says something of.
fn decided<'d>(known: &'d [Conflict], assigned: &Assigned, decisions: &'d MergeDecisions) -> Vec<Decided<'d>> {
    let conflicts = known.iter().zip(&assigned.chosen);
    let decided = conflicts.filter_map(|(conflict, decision)| {
        let index = (*decision)?;
        Some((conflict, index, &decisions.decisions[index]))
    });
    decided.collect()
}

async fn settled(graph: &Graph, plan: &MergePlan, chosen: &ChosenRows) -> Result<BTreeMap<TableKey, Settled>> {
    let mut settled = BTreeMap::new();
    for (key, chosen) in chosen {
        let tables = ThreeTables::open(graph.storage(), plan.entries(key)).await?;
        let kind = graph.schema().catalog().table(key).expect("a table of the schema");
        let mut other_bases = Vec::new();
        let has_cells = chosen.values().any(|chosen| matches!(chosen.row, RowChoice::Cells(_)));
        for entry in plan.other_base_entries(key).into_iter().filter(|_| has_cells) {
            other_bases.push(match entry {
                Some(entry) => Some(open(graph.storage(), entry).await?),
                None => None,
            });
        }
        settled.insert(key.clone(), settle(kind, &tables, other_bases, chosen).await?);
    }
    Ok(settled)
}

/// Rows that both sides changed and nobody decided.
fn undecided(known: &[Conflict], assigned: &Assigned) -> HashSet<(TableKey, String)> {
    let open = known
        .iter()
        .zip(&assigned.chosen)
        .filter(|(conflict, decision)| decision.is_none() && conflict.key.kind.is_of_a_row());
    open.map(|(conflict, _)| (conflict.key.table.clone(), conflict.key.id.clone())).collect()
}

/// Tells what is decided and what is open.
async fn report(
    plan: &MergePlan,
    known: &[Conflict],
    broken: &[Conflict],
    assigned: Assigned,
    causes: &Causes<'_>,
    rows: &BTreeMap<TableKey, TableRows>,
) -> Result<MergeCheck> {
    let still: HashSet<(&ConflictKey, &ConflictDetail)> =
        broken.iter().map(|conflict| (&conflict.key, &conflict.detail)).collect();
    let (mut open, mut decided) = (Vec::new(), Vec::new());
    for (conflict, decision) in known.iter().zip(&assigned.chosen) {
        let is_broken = still.contains(&(&conflict.key, &conflict.detail));
        match decision {
            // It may be decided with another one of the same rows, or not as the rule has it.
            Some(_) if is_broken => {
                let caused_by = conflict.caused_by.or_else(|| causes.of(conflict));
                open.push(Conflict { caused_by, ..conflict.clone() });
            }
            Some(decision) => decided.push((conflict.clone(), *decision)),
            None if is_broken || conflict.key.kind.is_of_a_row() => open.push(conflict.clone()),
            // Another decision settled it.
            None => {}
        }
    }
    open.sort_by(|a, b| a.key.cmp(&b.key));
    let mut stale = assigned.stale;
    stale.extend(assigned.unmatched);
    stale.sort_by_key(|stale| stale.decision);
    let tables = plan.summary(rows, &open).await?;
    Ok(MergeCheck { open, decided, stale, idle: Vec::new(), tables })
}
