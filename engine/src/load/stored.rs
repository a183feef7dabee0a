//! Rules that the rows of a load keep or break together with the rows that are stored.
//!
//! | rule | looked at |
//! |---|---|
//! | an id is there once | the stored ids of a table that is appended to |
//! | an edge has both of its nodes | the stored ids of node types that are not overwritten; the edges that an overwritten node type leaves |
//! | `@unique` | the stored values of the columns, except in rows that are replaced |
//! | `@card` | the stored edges of the nodes whose edges change |
//!
//! Each is one pass over a few columns, in batches.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use futures::TryStreamExt;

use super::LoadMode;
use super::intake::{Digest, Digests, End, Intake, TableRows};
use super::problem::{Place, Problems};
use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::manifest::TableEntry;
use crate::progress::Progress;
use crate::schema::{Cardinality, Catalog, Constraint, EdgeType, TableType};
use crate::storage::{ID, Scan, Storage};
use crate::value::Value;

/// Ids that are asked for one by one; more are looked for in a pass over all.
const FEW: usize = 500;

type Entries = BTreeMap<TableKey, TableEntry>;

/// Checks everything that a single row cannot tell.
pub(super) async fn check(
    storage: &Storage,
    catalog: &Catalog,
    mode: LoadMode,
    entries: &Entries,
    intake: &Intake,
    inputs: &[String],
    progress: &Progress,
) -> Result<()> {
    let mut checker = Checker { storage, catalog, mode, entries, progress, problems: Problems::default() };
    for (key, rows) in &intake.tables {
        if mode == LoadMode::Append && rows.has_given_ids {
            checker.ids_are_new(key, rows, &intake.digests).await?;
        }
    }
    checker.ends_exist(intake).await?;
    if mode == LoadMode::Overwrite {
        checker.left_edges_keep_their_nodes(intake).await?;
    }
    for (key, rows) in &intake.tables {
        let table = catalog.table(key).expect("the rows were read by this catalog");
        checker.values_are_unique(table, key, rows, &intake.digests).await?;
        if let TableType::Edge(edge) = table
            && edge.cardinality != Cardinality::ANY
        {
            checker.edges_are_not_too_many(edge, key, rows, &intake.digests).await?;
        }
    }
    checker.problems.check(inputs)?;
    Ok(())
}

struct Checker<'c> {
    storage: &'c Storage,
    catalog: &'c Catalog,
    mode: LoadMode,
    entries: &'c Entries,
    progress: &'c Progress,
    problems: Problems,
}

impl Checker<'_> {
    /// Calls `see` with every batch of some columns of a stored table.
    async fn stored(
        &self,
        key: &TableKey,
        columns: &[&str],
        filter: Option<String>,
        mut see: impl FnMut(&RecordBatch),
    ) -> Result<()> {
        let Some(entry) = self.entries.get(key) else { return Ok(()) };
        let table = self.storage.open(&entry.path, entry.stored_lineage(), Some(entry.version.get())).await?;
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        let mut batches = table.scan(&Scan { columns: Some(columns), filter, ..Scan::default() }).await?;
        while let Some(batch) = batches.try_next().await? {
            self.progress.check()?;
            see(&batch);
        }
        Ok(())
    }

    async fn ids_are_new(&mut self, key: &TableKey, rows: &TableRows, digests: &Digests) -> Result<()> {
        let mut taken: Vec<(Place, String)> = Vec::new();
        self.stored(key, &[ID], None, |batch| {
            for id in batch[ID].as_string::<i32>().iter().flatten() {
                if let Some((_, place)) = rows.ids.get(&digests.of(id)) {
                    taken.push((*place, id.to_owned()));
                }
            }
        })
        .await?;
        for (place, id) in taken {
            self.problems.at(
                place,
                format!("{}: the id `{id}` is stored already: load with mode merge to replace it", key.name),
            );
        }
        Ok(())
    }

    async fn ends_exist(&mut self, intake: &Intake) -> Result<()> {
        for (node, ends) in &intake.ends {
            let mut wanted: HashMap<Digest, &End> = ends.iter().map(|(digest, end)| (*digest, end)).collect();
            let key = TableKey::new(TableKind::Node, node);
            let loaded = intake.tables.get(&key);
            wanted.retain(|digest, _| loaded.is_none_or(|rows| !rows.ids.contains_key(digest)));
            if !(self.mode == LoadMode::Overwrite && loaded.is_some()) {
                self.find(&key, &mut wanted, &intake.digests).await?;
            }
            for end in wanted.into_values() {
                self.problems.at(end.place, format!("{}: {} `{}` not found in {node}", end.edge, end.role, end.id));
            }
        }
        Ok(())
    }

    /// Removes what is stored from what is wanted.
    async fn find(&self, key: &TableKey, wanted: &mut HashMap<Digest, &End>, digests: &Digests) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let few = (wanted.len() <= FEW).then(|| {
            let ids: Vec<String> = wanted.values().map(|end| format!("'{}'", end.id.replace('\'', "''"))).collect();
            format!("{ID} IN ({})", ids.join(", "))
        });
        self.stored(key, &[ID], few, |batch| {
            for id in batch[ID].as_string::<i32>().iter().flatten() {
                wanted.remove(&digests.of(id));
            }
        })
        .await
    }

    /// Nodes that are overwritten may be needed by edges that are not.
    async fn left_edges_keep_their_nodes(&mut self, intake: &Intake) -> Result<()> {
        for edge in self.catalog.edges() {
            let key = TableKey::new(TableKind::Edge, &edge.name);
            if intake.tables.contains_key(&key) {
                continue;
            }
            for (column, node) in [("src", &edge.from_type), ("dst", &edge.to_type)] {
                let Some(nodes) = intake.tables.get(&TableKey::new(TableKind::Node, node)) else { continue };
                let mut lost: Vec<String> = Vec::new();
                self.stored(&key, &[ID, column], None, |batch| {
                    let (ids, ends) = (batch[ID].as_string::<i32>(), batch[column].as_string::<i32>());
                    for (id, end) in ids.iter().zip(ends.iter()) {
                        if let (Some(id), Some(end)) = (id, end)
                            && !nodes.ids.contains_key(&intake.digests.of(end))
                        {
                            lost.push(format!("{}: the stored edge `{id}` would lose its {column} `{end}`, which is not among the new {node}", edge.name));
                        }
                    }
                })
                .await?;
                for reason in lost {
                    self.problems.of_the_whole(reason);
                }
            }
        }
        Ok(())
    }

    async fn values_are_unique(
        &mut self,
        table: TableType<'_>,
        key: &TableKey,
        rows: &TableRows,
        digests: &Digests,
    ) -> Result<()> {
        for constraint in table.constraints() {
            let columns = match constraint {
                Constraint::Unique(columns) => columns,
                // One key column is the id itself, which is unique anyway.
                Constraint::Key(columns) if columns.len() > 1 => columns,
                Constraint::Key(_) | Constraint::Index(_) | Constraint::Range { .. } | Constraint::Check { .. } => {
                    continue;
                }
            };
            self.tuples_are_unique(key, columns, rows, digests).await?;
        }
        Ok(())
    }

    async fn tuples_are_unique(
        &mut self,
        key: &TableKey,
        columns: &[String],
        rows: &TableRows,
        digests: &Digests,
    ) -> Result<()> {
        let names: Vec<&str> = std::iter::once(ID).chain(columns.iter().map(String::as_str)).collect();
        let mut seen: HashMap<Digest, Place> = HashMap::new();
        let mut twice: Vec<(Place, String)> = Vec::new();
        let mut batches = rows.spool.batches();
        while let Some(batch) = batches.try_next().await? {
            self.progress.check()?;
            each_tuple(&batch, columns, |id, tuple| {
                let place = rows.ids.get(&digests.of(id)).map_or(Place { input: 0, record: 0 }, |(_, place)| *place);
                if seen.insert(digests.of(&tuple), place).is_some_and(|other| other != place) {
                    twice.push((place, tuple));
                }
            });
        }
        if self.mode != LoadMode::Overwrite {
            self.stored(key, &names, None, |batch| {
                each_tuple(batch, columns, |id, tuple| {
                    let replaced = self.mode == LoadMode::Merge && rows.ids.contains_key(&digests.of(id));
                    if !replaced && let Some(&place) = seen.get(&digests.of(&tuple)) {
                        twice.push((place, format!("{tuple}, as in the stored row `{id}`")));
                    }
                });
            })
            .await?;
        }
        for (place, tuple) in twice {
            self.problems.at(
                place,
                format!("{}: @unique({}) is broken: there is another {tuple}", key.name, columns.join(", ")),
            );
        }
        Ok(())
    }

    /// Edges of every node whose edges change: those loaded, and those stored that are not replaced.
    async fn edges_are_not_too_many(
        &mut self,
        edge: &EdgeType,
        key: &TableKey,
        rows: &TableRows,
        digests: &Digests,
    ) -> Result<()> {
        let mut counts: HashMap<Digest, (Box<str>, u32, Option<Place>)> = HashMap::new();
        let replaced: HashSet<u64> = rows.replaced.iter().copied().collect();
        let mut batches = rows.spool.batches();
        let mut row = 0;
        while let Some(batch) = batches.try_next().await? {
            let (ids, sources) = (batch[ID].as_string::<i32>(), batch["src"].as_string::<i32>());
            for (id, src) in ids.iter().flatten().zip(sources.iter().flatten()) {
                if !replaced.contains(&row) {
                    let place = rows.ids.get(&digests.of(id)).map(|(_, place)| *place);
                    counts.entry(digests.of(src)).or_insert_with(|| (src.into(), 0, place)).1 += 1;
                }
                row += 1;
            }
        }
        if self.mode == LoadMode::Merge {
            // A node that an edge is moved away from has one edge less.
            self.stored(key, &[ID, "src"], None, |batch| {
                let (ids, sources) = (batch[ID].as_string::<i32>(), batch["src"].as_string::<i32>());
                for (id, src) in ids.iter().flatten().zip(sources.iter().flatten()) {
                    if let Some((_, place)) = rows.ids.get(&digests.of(id)) {
                        counts.entry(digests.of(src)).or_insert_with(|| (src.into(), 0, Some(*place)));
                    }
                }
            })
            .await?;
        }
        if self.mode != LoadMode::Overwrite {
            self.stored(key, &[ID, "src"], None, |batch| {
                let (ids, sources) = (batch[ID].as_string::<i32>(), batch["src"].as_string::<i32>());
                for (id, src) in ids.iter().flatten().zip(sources.iter().flatten()) {
                    if !rows.ids.contains_key(&digests.of(id))
                        && let Some((_, count, _)) = counts.get_mut(&digests.of(src))
                    {
                        *count += 1;
                    }
                }
            })
            .await?;
        }
        let Cardinality { min, max } = edge.cardinality;
        for (src, count, place) in counts.into_values() {
            let fault = match max {
                Some(max) if count > max => format!("max {max}"),
                _ if count < min => format!("min {min}"),
                _ => continue,
            };
            let reason = format!("{}: @card violation: `{src}` has {count} edges ({fault})", edge.name);
            match place {
                Some(place) => self.problems.at(place, reason),
                None => self.problems.of_the_whole(reason),
            }
        }
        Ok(())
    }
}

/// Calls `see` with the id and the values of every row in which none of the columns is null.
fn each_tuple(batch: &RecordBatch, columns: &[String], mut see: impl FnMut(&str, String)) {
    let ids = batch[ID].as_string::<i32>();
    let arrays: Vec<&ArrayRef> = columns.iter().filter_map(|column| batch.column_by_name(column)).collect();
    for row in 0..batch.num_rows() {
        if arrays.iter().all(|array| array.is_valid(row)) {
            // JSON keeps the borders between values, whatever is in them.
            let values: Vec<serde_json::Value> =
                arrays.iter().map(|array| Value::from_array(array, row).to_json()).collect();
            see(ids.value(row), serde_json::Value::Array(values).to_string());
        }
    }
}
