//! What the conditions of rules say of conflicts.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::conflict::{Conflict, Side};
use super::decision::{MergeDecisions, Rule, Scope};
use super::error::MergeError;
use super::lookup::{ThreeTables, open, that_keep};
use super::plan::MergePlan;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::id::TableKey;
use crate::read::{ReadError, check_filter};

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
                let found = match keep(graph, plan, key, filter, &ids).await {
                    Err(Error::Read(ReadError::Filter { .. })) if is_of_others(graph, plan, rule, filter).await? => {
                        HashSet::new()
                    }
                    found => found.map_err(|error| MergeError::Filter {
                        number: index + 1,
                        table_key: key.clone(),
                        filter: filter.clone(),
                        source: Box::new(error),
                    })?,
                };
                self.0.entry((index, key.clone())).or_default().extend(found);
            }
        }
        Ok(())
    }
}

/// Whether a rule that names no table has a condition over the columns of some table: it is not about the others.
async fn is_of_others(graph: &Graph, plan: &MergePlan, rule: &Rule, filter: &str) -> Result<bool> {
    if rule.table.is_some() {
        return Ok(false);
    }
    for entry in plan.inner.states.target.entries.values() {
        if check_filter(&open(graph.storage(), entry).await?, filter).is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
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
