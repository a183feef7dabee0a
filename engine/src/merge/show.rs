//! The rows of conflicts, for people to look at.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use futures::TryStreamExt;

use super::conflict::{Conflict, ConflictDetail, ThreeRows};
use super::lookup::ThreeTables;
use super::plan::MergePlan;
use crate::error::Result;
use crate::graph::Graph;
use crate::id::TableKey;
use crate::storage::{Condition, ID, TextSet};

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
        ConflictDetail::Cardinality { .. } => edges_of(graph, plan, table, id).await?.iter().map(of_table).collect(),
    })
}

/// The edges that a node has on either side.
async fn edges_of(graph: &Graph, plan: &MergePlan, key: &TableKey, src: &str) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    let tables = ThreeTables::open(graph.storage(), plan.entries(key)).await?.into_tables();
    for table in tables.values() {
        let values = TextSet::of([src.to_owned()].into_iter());
        let condition = Condition::AnyOneOf { columns: vec!["src".to_owned()], values };
        let mut batches = table.matching(&[ID.to_owned()], &[condition]).await?;
        while let Some(batch) = batches.try_next().await? {
            found.extend(batch[ID].as_string::<i32>().iter().flatten().map(str::to_owned));
        }
    }
    Ok(found.into_iter().take(EDGES).collect())
}
