//! What the conditions of rules say of conflicts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::conflict::{Conflict, Side};
use super::decision::{MergeDecisions, Scope};
use super::error::MergeError;
use super::lookup::{ThreeTables, open, that_keep};
use super::plan::MergePlan;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::id::TableKey;
use crate::read::{ReadError, filter_columns};
use crate::storage::Table;

/// The ids that keep the condition of each rule, by its index and table.
#[derive(Debug, Default)]
pub(super) struct Conditions(HashMap<(usize, TableKey), HashSet<String>>);

impl Conditions {
    /// Whether the row of a conflict that was asked about keeps the condition of the rule at that index.
    pub(super) fn keeps(&self, rule: usize, conflict: &Conflict) -> bool {
        self.0.get(&(rule, conflict.key.table.clone())).is_some_and(|ids| ids.contains(&conflict.key.id))
    }

    /// Asks all rules with a condition about more conflicts.
    ///
    /// # Errors
    /// [`MergeError::Filter`] for what is no condition; storage errors.
    pub(super) async fn ask(
        &mut self,
        graph: &Graph,
        plan: &MergePlan,
        conflicts: &[Conflict],
        decisions: &MergeDecisions,
    ) -> Result<()> {
        for (index, decision) in decisions.decisions.iter().enumerate() {
            let Scope::Rule(rule) = &decision.on else { continue };
            let Some(filter) = &rule.filter else { continue };
            let mut ids: BTreeMap<&TableKey, HashSet<String>> = BTreeMap::new();
            for conflict in conflicts.iter().filter(|conflict| rule.names(&conflict.key)) {
                ids.entry(&conflict.key.table).or_default().insert(conflict.key.id.clone());
            }
            for (key, ids) in ids {
                if rule.table.is_none() && is_of_others(graph, plan, key, filter).await? {
                    continue;
                }
                let found = keep(graph, plan, key, filter, &ids).await.map_err(|error| MergeError::Filter {
                    number: index + 1,
                    table_key: key.clone(),
                    filter: filter.clone(),
                    source: Box::new(error),
                })?;
                self.0.entry((index, key.clone())).or_default().extend(found);
            }
        }
        Ok(())
    }
}

/// Whether a condition is over columns of other tables: one of them has them all, and this one lacks some.
async fn is_of_others(graph: &Graph, plan: &MergePlan, key: &TableKey, filter: &str) -> Result<bool> {
    let entries = &plan.inner.states.target.entries;
    let Some(entry) = entries.get(key) else { return Ok(false) };
    let table = open(graph.storage(), entry).await?;
    if columns(&table, filter)?.is_some() {
        return Ok(false);
    }
    let schema = table.schema();
    let lacks = |names: &BTreeSet<String>| names.iter().any(|name| schema.column_with_name(name).is_none());
    for entry in entries.values() {
        let other = open(graph.storage(), entry).await?;
        if columns(&other, filter)?.is_some_and(|names| lacks(&names)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The columns that a condition is about; none if it cannot be used on the table.
fn columns(table: &Table, filter: &str) -> Result<Option<BTreeSet<String>>> {
    match filter_columns(table, filter) {
        Ok(columns) => Ok(Some(columns)),
        Err(Error::Read(ReadError::Filter { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The rows that keep a condition on the source; where the source has none, on the target.
async fn keep(
    graph: &Graph,
    plan: &MergePlan,
    key: &TableKey,
    filter: &str,
    ids: &HashSet<String>,
) -> Result<HashSet<String>> {
    let tables = ThreeTables::open(graph.storage(), plan.entries(key)).await?;
    let located = tables.locate(ids).await?;
    let tables = tables.into_tables();
    let mut kept = HashSet::new();
    for side in [Side::Source, Side::Target] {
        let Some(table) = tables.get(&side) else { continue };
        let on_side = that_keep(table, filter, ids).await?;
        let counts = |id: &String| side == Side::Source || located.address(Side::Source, id).is_none();
        kept.extend(on_side.into_iter().filter(counts));
    }
    Ok(kept)
}
