//! The rows of conflicts, for people to look at.

use std::collections::{BTreeMap, BTreeSet};

use super::conflict::{Conflict, ConflictDetail, ThreeRows};
use super::lookup::ThreeTables;
use super::plan::MergePlan;
use crate::error::Result;
use crate::graph::Graph;
use crate::id::TableKey;

/// Edges of a node that are shown with a conflict about their number.
const EDGES: usize = 100;

/// The rows of some conflicts, each its own first, then those it is about besides. Rows of one table are looked for together.
pub(crate) async fn conflict_rows(
    graph: &Graph,
    plan: &MergePlan,
    conflicts: &[Conflict],
) -> Result<Vec<Vec<ThreeRows>>> {
    let mut wanted = Vec::with_capacity(conflicts.len());
    for conflict in conflicts {
        wanted.push(wanted_rows(graph, plan, conflict).await?);
    }
    let mut ids: BTreeMap<TableKey, BTreeSet<String>> = BTreeMap::new();
    for (key, id) in wanted.iter().flatten() {
        ids.entry(key.clone()).or_default().insert(id.clone());
    }
    let mut found: BTreeMap<(TableKey, String), ThreeRows> = BTreeMap::new();
    for (key, ids) in ids {
        let tables = ThreeTables::open(graph.storage(), plan.entries(&key)).await?;
        let ids: Vec<String> = ids.into_iter().collect();
        let rows = tables.rows(&key, &ids).await?;
        found.extend(rows.into_iter().map(|rows| ((key.clone(), rows.id.clone()), rows)));
    }
    Ok(wanted.into_iter().map(|of_one| of_one.iter().filter_map(|row| found.get(row).cloned()).collect()).collect())
}

/// Table and id of every row that a conflict is about.
async fn wanted_rows(graph: &Graph, plan: &MergePlan, conflict: &Conflict) -> Result<Vec<(TableKey, String)>> {
    let (table, id) = (&conflict.key.table, &conflict.key.id);
    let of_table = |id: &String| (table.clone(), id.clone());
    Ok(match &conflict.detail {
        ConflictDetail::Row { .. } | ConflictDetail::Value { .. } => vec![of_table(id)],
        ConflictDetail::Orphan { node, end, .. } => vec![of_table(id), (node.clone(), end.clone())],
        ConflictDetail::Unique { other, .. } => vec![of_table(id), of_table(other)],
        ConflictDetail::Cardinality { .. } => {
            let tables = ThreeTables::open(graph.storage(), plan.entries(table)).await?;
            let edges = tables.edges(&[id.clone()].into()).await?;
            edges.values().flatten().take(EDGES).map(of_table).collect()
        }
    })
}
