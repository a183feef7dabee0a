//! Rows of the three states by their ids.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;

use super::conflict::{Side, ThreeRows};
use super::past::{NoPastRow, PastRows};
use super::picked::text_set;
use crate::diff::located_rows;
use crate::error::Result;
use crate::id::TableKey;
use crate::manifest::TableEntry;
use crate::storage::{Condition, ID, ROW_ADDRESS, Storage, Table};

/// Column of an edge with the node that it leaves.
const SRC: &str = "src";
/// Rows fetched at once.
const CHUNK: usize = 512;

/// One table in the three states; none where it is not there.
#[derive(Debug, Clone)]
pub(super) struct ThreeTables {
    by_side: BTreeMap<Side, Table>,
    /// If the last common commit is told row by row.
    past: Option<PastRows>,
}

/// The place of a row of the last common commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BaseRow {
    /// In the table of this side; none if that does not have it.
    On(Side),
    /// No state or merge tells it.
    Untold,
}

/// A table as one of the states has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stand<'t> {
    /// This version.
    Entry(&'t TableEntry),
    /// Rows of it that were put together from several versions.
    Rows(&'t PastRows),
}

impl ThreeTables {
    pub(super) async fn open(storage: &Storage, stands: [(Side, Option<Stand<'_>>); 3]) -> Result<Self> {
        let (mut by_side, mut past) = (BTreeMap::new(), None);
        for (side, stand) in stands {
            match stand {
                Some(Stand::Entry(entry)) => drop(by_side.insert(side, open(storage, entry).await?)),
                Some(Stand::Rows(rows)) => {
                    by_side.extend(rows.table().map(|table| (side, table.clone())));
                    past = Some(rows.clone());
                }
                None => {}
            }
        }
        Ok(Self { by_side, past })
    }

    pub(super) fn by_side(&self) -> &BTreeMap<Side, Table> {
        &self.by_side
    }

    pub(super) fn into_tables(self) -> BTreeMap<Side, Table> {
        self.by_side
    }

    /// Finds the row with an id as the last common commit had it.
    pub(super) fn base_row(&self, located: &Located, id: &str) -> BaseRow {
        match &self.past {
            Some(past) if located.address(Side::Base, id).is_none() => match past.missing(id) {
                NoPastRow::Absent => BaseRow::On(Side::Base),
                NoPastRow::AsNow => BaseRow::On(Side::Target),
                NoPastRow::Untold => BaseRow::Untold,
            },
            Some(_) | None => BaseRow::On(Side::Base),
        }
    }

    /// Where the rows with some ids are on every side.
    pub(super) async fn locate(&self, ids: &HashSet<String>) -> Result<Located> {
        let mut located = Located::default();
        for (&side, table) in &self.by_side {
            located.0.insert(side, addresses(table, ids).await?);
        }
        Ok(located)
    }

    /// The ids of the edges that some nodes have on any side, by node; of a table of edges.
    pub(super) async fn edges(&self, nodes: &HashSet<String>) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for table in self.by_side.values() {
            let condition = Condition::AnyOneOf { columns: vec![SRC.to_owned()], values: text_set(nodes.clone()) };
            let mut batches = table.matching(&[ID.to_owned(), SRC.to_owned()], &[condition]).await?;
            while let Some(batch) = batches.try_next().await? {
                let (ids, nodes) = (batch[ID].as_string::<i32>(), batch[SRC].as_string::<i32>());
                for (id, node) in ids.iter().flatten().zip(nodes.iter().flatten()) {
                    found.entry(node.to_owned()).or_default().insert(id.to_owned());
                }
            }
        }
        Ok(found)
    }

    /// The rows with some ids; blobs have digests.
    pub(super) async fn rows(&self, key: &TableKey, ids: &[String]) -> Result<Vec<ThreeRows>> {
        let located = self.locate(&ids.iter().cloned().collect()).await?;
        let mut rows = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let mut of_side = BTreeMap::new();
            for (&side, table) in &self.by_side {
                let addresses: Vec<u64> = chunk.iter().filter_map(|id| located.address(side, id)).collect();
                of_side.insert(side, located_rows(table, &addresses).await?);
            }
            for id in chunk {
                let row = |side| Some(of_side.get(&side)?.get(id)?.first()?.row.clone());
                let base = match self.base_row(&located, id) {
                    BaseRow::On(side) => row(side),
                    BaseRow::Untold => None,
                };
                let (source, target) = (row(Side::Source), row(Side::Target));
                rows.push(ThreeRows { table: key.clone(), id: id.clone(), base, source, target });
            }
        }
        Ok(rows)
    }
}

/// Addresses of rows, by side and by their ids.
#[derive(Debug, Default)]
pub(super) struct Located(BTreeMap<Side, HashMap<String, u64>>);

impl Located {
    pub(super) fn address(&self, side: Side, id: &str) -> Option<u64> {
        self.0.get(&side)?.get(id).copied()
    }
}

pub(super) async fn open(storage: &Storage, entry: &TableEntry) -> Result<Table> {
    Ok(entry.open(storage).await?)
}

/// The addresses of the rows with some ids.
pub(super) async fn addresses(table: &Table, ids: &HashSet<String>) -> Result<HashMap<String, u64>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let condition = Condition::AnyOneOf { columns: vec![ID.to_owned()], values: text_set(ids.clone()) };
    let mut batches = table.matching(&[ID.to_owned(), ROW_ADDRESS.to_owned()], &[condition]).await?;
    let mut found = HashMap::new();
    while let Some(batch) = batches.try_next().await? {
        let (ids, rows) = (batch[ID].as_string::<i32>(), batch[ROW_ADDRESS].as_primitive::<UInt64Type>());
        found.extend(ids.iter().flatten().map(str::to_owned).zip(rows.values().iter().copied()));
    }
    Ok(found)
}

/// The ids of the rows that keep a condition in SQL, among some.
///
/// # Errors
/// [`crate::read::ReadError::Filter`] if it is no condition over the table's columns.
pub(super) async fn that_keep(table: &Table, filter: &str, among: &HashSet<String>) -> Result<HashSet<String>> {
    let options = crate::read::ReadOptions {
        columns: Some(vec![ID.to_owned()]),
        filter: Some(filter.to_owned()),
        ..crate::read::ReadOptions::default()
    };
    let mut batches = crate::read::rows(table, &options).await?;
    let mut kept = HashSet::new();
    while let Some(batch) = batches.try_next().await? {
        let ids = batch[ID].as_string::<i32>();
        kept.extend(ids.iter().flatten().filter(|id| among.contains(*id)).map(str::to_owned));
    }
    Ok(kept)
}
