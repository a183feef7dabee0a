//! The rules of a schema, applied to a change before anything of it is written. One evaluator for all writers.
//!
//! | file | answers |
//! |---|---|
//! | `row` | which rules a single row breaks: required values, ranges, patterns, enums |
//! | `change`, `deleted` | what a writer wants to do, as far as rules are concerned |
//! | `ids`, `ends`, `lost`, `unique`, `cardinality` | which rules the rows break together with those that are stored |
//! | `violation`, `problem` | what was found: one broken rule, all of them |
//!
//! | rule | looked at |
//! |---|---|
//! | an id is there once | the stored ids of a table that is added to |
//! | an edge has both of its nodes | the stored ids of the nodes that new edges need; the stored edges of nodes that go |
//! | `@unique` | the stored values of the columns, except in rows that go |
//! | `@card` | the stored edges of the nodes whose edges change |
//!
//! Each is one pass over a few columns, in batches, or a look-up if it is about few rows. What is checked is the state after
//! the whole change: rows that are replaced or deleted by it do not count.

mod cardinality;
mod change;
mod deleted;
mod ends;
mod ids;
mod lost;
mod problem;
mod row;
mod unique;
mod violation;

pub(crate) use change::{Digest, Digests, End, Ends, GraphChange, Place, Stored, TableChange, TableRows};
pub(crate) use deleted::DeletedIds;
pub(crate) use problem::{Found, Problems};
pub(crate) use row::{Breach, RowRules, not_one_of};
pub(crate) use violation::{OtherRow, Violation};

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use futures::TryStreamExt;

use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::manifest::TableEntry;
use crate::progress::Progress;
use crate::schema::{Cardinality, Catalog, EdgeType, TableType};
use crate::storage::{Condition, Storage};

/// What is asked for one by one; more is looked for in a pass over all.
const FEW: usize = 500;

/// The state that a change is checked against.
pub(crate) struct Committed<'s> {
    /// Where the tables are.
    pub(crate) storage: &'s Storage,
    /// The tables of the branch.
    pub(crate) entries: &'s BTreeMap<TableKey, TableEntry>,
    /// Told between batches.
    pub(crate) progress: &'s Progress,
}

impl Committed<'_> {
    /// Calls `see` with every batch of some columns of a stored table.
    async fn each(
        &self,
        key: &TableKey,
        columns: &[&str],
        filter: Option<Condition>,
        mut see: impl FnMut(&RecordBatch),
    ) -> Result<()> {
        let Some(entry) = self.entries.get(key) else { return Ok(()) };
        let table = entry.open(self.storage).await?;
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let mut batches = table.matching(&columns, filter.as_slice()).await?;
        while let Some(batch) = batches.try_next().await? {
            self.progress.check()?;
            see(&batch);
        }
        Ok(())
    }
}

/// Finds what a change breaks that no single row can tell.
///
/// # Errors
/// [`crate::storage::StorageError`] if stored rows cannot be read, [`crate::write::SpoolError`] if the new ones cannot.
pub(crate) async fn check(
    committed: &Committed<'_>,
    catalog: &Catalog,
    change: &GraphChange<'_>,
    problems: &mut Problems,
) -> Result<()> {
    for (key, table) in &change.tables {
        ids::are_new(committed, key, table, change.digests, problems).await?;
    }
    ends::exist(committed, catalog, change, problems).await?;
    lost::ends(committed, catalog, change, problems).await?;
    for (key, table) in &change.tables {
        let kind = catalog.table(key).expect("a change is made with the catalog");
        unique::values(committed, kind, table, change.digests, problems).await?;
        if let TableType::Edge(edge) = kind
            && edge.cardinality != Cardinality::ANY
        {
            cardinality::edges(committed, edge, change, problems).await?;
        }
    }
    Ok(())
}

/// The tables that the checks of a change rely on, besides those that it changes.
pub(crate) fn relied_on(catalog: &Catalog, change: &GraphChange<'_>) -> BTreeSet<TableKey> {
    let ends = ends::needed(catalog, change).into_iter().map(|node| TableKey::new(TableKind::Node, node));
    let left = catalog.edges().iter().filter(|edge| loses_nodes(edge, change));
    let left = left.map(|edge| TableKey::new(TableKind::Edge, &edge.name));
    ends.chain(left).filter(|key| !change.tables.contains_key(key)).collect()
}

/// Whether nodes go that edges of a type may need.
fn loses_nodes(edge: &EdgeType, change: &GraphChange<'_>) -> bool {
    [&edge.from_type, &edge.to_type].into_iter().any(|node| change.lost_nodes(node).is_some())
}

#[cfg(test)]
mod tests;
