//! Carrying statements out on the versions that were pinned at the start: what they make is kept aside, and each statement
//! sees what the former ones made. Nothing of the graph moves.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{filter_record_batch, take};
use arrow_schema::{ArrowError, Schema};
use futures::TryStreamExt;

use super::bind::{BoundDeed, BoundStep};
use super::check::touches;
use super::filter::Filter;
use super::pending::PendingRows;
use super::problem::MutateError;
use crate::clock::Clock;
use crate::constraint::{Breach, DeletedIds, Digest, Digests, End, Place, Problems, RowRules, Violation};
use crate::error::Result;
use crate::fail::fail_point;
use crate::id::{BranchName, TableKey, TableKind};
use crate::manifest::TableEntry;
use crate::progress::Progress;
use crate::schema::{Catalog, EdgeType, TableType};
use crate::storage::{Condition, ID, Storage, Table, TextSet};
use crate::write::WriteError;

/// What the statements are carried out on, and what they have made so far.
pub(super) struct Work<'w> {
    pub(super) storage: &'w Storage,
    pub(super) catalog: &'w Catalog,
    pub(super) branch: &'w BranchName,
    /// The tables as they were at the start.
    pub(super) pinned: &'w BTreeMap<TableKey, TableEntry>,
    pub(super) clock: &'w dyn Clock,
    pub(super) progress: &'w Progress,
    pub(super) made: Made,
}

/// What statements have made.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) rows: BTreeMap<TableKey, PendingRows>,
    pub(super) deleted: BTreeMap<TableKey, DeletedIds>,
    /// Per node type, the nodes that the new edges need.
    pub(super) ends: BTreeMap<String, HashMap<Digest, End>>,
    /// Tables whose rows decided what was made: another version of them could have meant something else.
    pub(super) decisive: BTreeSet<TableKey>,
    /// Node types whose deleted nodes have lost their edges.
    pub(super) cascaded: HashSet<String>,
    pub(super) digests: Digests,
    pub(super) problems: Problems,
    pub(super) affected_nodes: u64,
    pub(super) affected_edges: u64,
}

impl Work<'_> {
    /// Carries out one statement; `number` counts from 1.
    pub(super) async fn step(&mut self, number: u64, step: &BoundStep<'_>) -> Result<()> {
        let place = Place { input: 0, record: number };
        self.progress.check()?;
        let affected = match &step.deed {
            BoundDeed::Insert { id, ends, cells } => {
                self.insert(place, step.table, id.as_deref(), ends.as_ref(), cells)?;
                1
            }
            BoundDeed::Update { cells, filter } => self.update(place, step.table, cells, filter).await?,
            BoundDeed::Delete { filter } => self.delete(place, step.table, filter).await?,
        };
        match step.table.kind() {
            TableKind::Node => self.made.affected_nodes += affected,
            TableKind::Edge => self.made.affected_edges += affected,
        }
        Ok(())
    }

    fn insert(
        &mut self,
        place: Place,
        table: TableType<'_>,
        key: Option<&str>,
        ends: Option<&[String; 2]>,
        cells: &[ArrayRef],
    ) -> Result<()> {
        let id = key.map_or_else(|| self.clock.next_id().to_string(), str::to_owned);
        let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
        let mut columns = vec![text(&id)];
        if let (TableType::Edge(edge), Some(ends)) = (table, ends) {
            columns.extend(ends.iter().map(|end| text(end)));
            self.need(place, edge, ends);
        }
        columns.extend(cells.iter().cloned());
        if let Some(batch) = self.fitting(place, table, columns)? {
            let (rows, digests) = self.rows(table);
            rows.replaces |= key.is_some();
            rows.push(batch, place, &digests)?;
        }
        Ok(())
    }

    /// Notes the nodes that an edge needs.
    fn need(&mut self, place: Place, edge: &EdgeType, ends: &[String; 2]) {
        for ((role, id), node) in ["src", "dst"].into_iter().zip(ends).zip([&edge.from_type, &edge.to_type]) {
            let end = || End { id: id.as_str().into(), place, edge: edge.name.as_str().into(), role };
            let needed = self.made.ends.entry(node.clone()).or_default();
            needed.entry(self.made.digests.of(id)).or_insert_with(end);
        }
    }

    /// Rows that keep the rules of their type; none if one does not, which is noted.
    fn fitting(&mut self, place: Place, table: TableType<'_>, columns: Vec<ArrayRef>) -> Result<Option<RecordBatch>> {
        let schema = table.arrow_schema();
        let nullable: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(nullable)), columns).map_err(unfitting)?;
        let rules = RowRules::of(table).map_err(|reason| MutateError::Rule { reason })?;
        let breaches = rules.breaches(&batch);
        if breaches.is_empty() {
            return Ok(Some(RecordBatch::try_new(Arc::new(schema), batch.columns().to_vec()).map_err(unfitting)?));
        }
        let ids = batch[ID].as_string::<i32>();
        for Breach { row, property, reason } in breaches {
            let id = Some(ids.value(row).into());
            self.made.problems.add(Some(place), || Violation::Value { table: table.key(), id, property, reason });
        }
        Ok(None)
    }

    fn rows(&mut self, table: TableType<'_>) -> (&mut PendingRows, Digests) {
        let new = || PendingRows::new(Arc::new(table.arrow_schema()));
        (self.made.rows.entry(table.key()).or_insert_with(new), self.made.digests.clone())
    }

    async fn update(
        &mut self,
        place: Place,
        table: TableType<'_>,
        cells: &[(usize, ArrayRef)],
        filter: &Filter,
    ) -> Result<u64> {
        let schema = table.arrow_schema();
        let mut affected = 0;
        // Rows of earlier statements first: they hide the stored rows with the same ids.
        if let Some(rows) = self.made.rows.get(&table.key()) {
            let mut batches = rows.now();
            while let Some(batch) = batches.try_next().await? {
                let kept = filter.keep(&batch).map_err(unfitting)?;
                let matched = filter_record_batch(&batch, &kept).map_err(unfitting)?;
                affected += self.replace(place, table, cells, &matched)?;
            }
        }
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut batches = self.open(&table.key()).await?.matching(&columns, &filter.conditions()).await?;
        while let Some(batch) = batches.try_next().await? {
            self.progress.check()?;
            let rows = self.made.rows.get(&table.key());
            let is_last =
                |id: Option<&str>| id.is_some_and(|id| rows.is_none_or(|rows| !rows.has(self.made.digests.of(id))));
            let kept: BooleanArray = batch[ID].as_string::<i32>().iter().map(|id| Some(is_last(id))).collect();
            let matched = filter_record_batch(&batch, &kept).map_err(unfitting)?;
            affected += self.replace(place, table, cells, &matched)?;
            self.progress.advance(affected, None, "rows");
        }
        if affected > 0 {
            self.made.decisive.insert(table.key());
        }
        Ok(affected)
    }

    /// Adds rows again with new cells; returns how many.
    fn replace(
        &mut self,
        place: Place,
        table: TableType<'_>,
        cells: &[(usize, ArrayRef)],
        matched: &RecordBatch,
    ) -> Result<u64> {
        if matched.num_rows() == 0 {
            return Ok(0);
        }
        let mut columns = matched.columns().to_vec();
        let built_in = columns.len() - table.properties().len();
        let all_from_the_first = UInt32Array::from(vec![0; matched.num_rows()]);
        for (property, cell) in cells {
            columns[built_in + property] = take(cell, &all_from_the_first, None).map_err(unfitting)?;
        }
        if let Some(batch) = self.fitting(place, table, columns)? {
            let (rows, digests) = self.rows(table);
            rows.replaces = true;
            rows.push(batch, place, &digests)?;
        }
        Ok(matched.num_rows() as u64)
    }

    async fn delete(&mut self, place: Place, table: TableType<'_>, filter: &Filter) -> Result<u64> {
        let key = table.key();
        let mut found = DeletedIds::default();
        let mut batches = self.open(&key).await?.matching(&[ID.to_owned()], &filter.conditions()).await?;
        while let Some(batch) = batches.try_next().await? {
            self.progress.check()?;
            let before = self.made.deleted.get(&key);
            for id in batch[ID].as_string::<i32>().iter().flatten() {
                if before.is_none_or(|before| !before.has(self.made.digests.of(id))) {
                    found.add(id, place, &self.made.digests);
                }
            }
            self.progress.advance(found.len() as u64, None, "rows");
        }
        if found.is_empty() {
            return Ok(0);
        }
        let affected = found.len() as u64;
        self.made.decisive.insert(key.clone());
        self.made.deleted.entry(key).or_default().extend(&found);
        if let TableType::Node(node) = table {
            let set = Arc::new(found).set(&self.made.digests);
            for edge in self.catalog.edges().iter().filter(|edge| touches(edge, table)) {
                self.cascade(place, edge, &node.name, &set).await?;
            }
            self.made.cascaded.insert(node.name.clone());
            fail_point!(crate::fail::MUTATION_DELETE_NODE_PRE_PRIMARY_DELETE);
        }
        Ok(affected)
    }

    /// Deletes the edges of nodes that go.
    async fn cascade(&mut self, place: Place, edge: &EdgeType, node: &str, nodes: &TextSet) -> Result<()> {
        let key = TableKey::new(TableKind::Edge, &edge.name);
        // An edge that is made meanwhile may need one of the nodes.
        self.made.decisive.insert(key.clone());
        let ends = [("src", &edge.from_type), ("dst", &edge.to_type)];
        let columns = ends.into_iter().filter(|(_, of)| *of == node).map(|(column, _)| column.to_owned()).collect();
        let condition = Condition::AnyOneOf { columns, values: nodes.clone() };
        let mut batches = self.open(&key).await?.matching(&[ID.to_owned()], &[condition]).await?;
        while let Some(batch) = batches.try_next().await? {
            self.progress.check()?;
            let deleted = self.made.deleted.entry(key.clone()).or_default();
            for id in batch[ID].as_string::<i32>().iter().flatten() {
                self.made.affected_edges += u64::from(deleted.add(id, place, &self.made.digests));
            }
        }
        Ok(())
    }

    async fn open(&self, key: &TableKey) -> Result<Table> {
        let Some(entry) = self.pinned.get(key) else {
            let (branch, table_key) = (self.branch.clone(), key.clone());
            return Err(WriteError::TableGone { branch, table_key }.into());
        };
        Ok(entry.open(self.storage).await?)
    }
}

fn unfitting(source: ArrowError) -> MutateError {
    MutateError::Unfitting { source }
}
