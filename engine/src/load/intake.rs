//! Reading the inputs of a load once: every row is checked for itself and kept in a temporary file of its table.
//!
//! One thread reads and makes blocks of rows, another one checks and keeps them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use arrow::array::{AsArray, RecordBatch};
use arrow_schema::SchemaRef;

use super::LoadMode;
use super::block::{Block, Found, Outlet};
use super::input::Input;
use super::problem::{LoadError, refuse};
use super::reader::read_inputs;
use crate::clock::Clock;
use crate::constraint::{Breach, Digest, Digests, End, Place, Problems, RowRules, TableRows, Violation};
use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::progress::Progress;
use crate::schema::{Catalog, EdgeType, TableType};
use crate::storage::ID;
use crate::write::SpoolWriter;

/// Blocks that may wait between the two threads.
const WAITING: usize = 2;

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Intake {
    pub(super) tables: BTreeMap<TableKey, TableRows>,
    /// Per node type, the nodes that the edges need and that were not read before them.
    pub(super) ends: BTreeMap<String, HashMap<Digest, End>>,
    pub(super) digests: Digests,
}

/// Reads all inputs. Blocks: it parses text and writes temporary files.
pub(super) fn read(
    catalog: &Catalog,
    mode: LoadMode,
    inputs: Vec<Input>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Intake> {
    let names: Vec<String> = inputs.iter().map(|input| input.name.clone()).collect();
    let mut taker = Taker {
        mode,
        problems: Problems::default(),
        tables: BTreeMap::new(),
        ends: BTreeMap::new(),
        digests: Digests::default(),
    };
    std::thread::scope(|scope| {
        let (sender, found) = sync_channel(WAITING);
        let reader = scope.spawn(move || read_inputs(catalog, inputs, clock, &Outlet(sender), progress));
        found.into_iter().try_for_each(|found| taker.take(found))?;
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    taker.finish(&names)
}

struct Taker {
    mode: LoadMode,
    problems: Problems,
    tables: BTreeMap<TableKey, Filling>,
    ends: BTreeMap<String, HashMap<Digest, End>>,
    digests: Digests,
}

impl Taker {
    fn take(&mut self, found: Found<'_>) -> Result<()> {
        match found {
            Found::Problem(place, reason) => {
                self.problems.at(place, reason);
                Ok(())
            }
            // Without rows a table is part of an overwrite, and of nothing else.
            Found::Table(table) if self.mode == LoadMode::Overwrite => filling(&mut self.tables, table).map(drop),
            Found::Table(_) => Ok(()),
            Found::Rows(block) => self.rows(&block),
        }
    }

    fn rows(&mut self, block: &Block<'_>) -> Result<()> {
        if let TableType::Edge(edge) = block.table {
            self.need(edge, block);
        }
        let filling = filling(&mut self.tables, block.table)?;
        filling.note_ids(block, self.mode, &self.digests, &mut self.problems);
        filling.write(block, &mut self.problems)
    }

    /// Notes the nodes that edges need.
    fn need(&mut self, edge: &EdgeType, block: &Block<'_>) {
        let name: Arc<str> = edge.name.as_str().into();
        for (role, node) in [("src", &edge.from_type), ("dst", &edge.to_type)] {
            let known = self.tables.get(&TableKey::new(TableKind::Node, node)).map(|filling| &filling.ids);
            let needed = self.ends.entry(node.clone()).or_default();
            for (row, text) in block.rows[role].as_string::<i32>().iter().flatten().enumerate() {
                let digest = self.digests.of(text);
                if known.is_some_and(|ids| ids.contains_key(&digest)) {
                    continue;
                }
                let end = || End { id: text.into(), place: block.places.at(row), edge: name.clone(), role };
                needed.entry(digest).or_insert_with(end);
            }
        }
    }

    fn finish(mut self, names: &[String]) -> Result<Intake> {
        let mut tables = BTreeMap::new();
        for (key, filling) in self.tables {
            tables.insert(key, filling.finish()?);
        }
        refuse(&mut self.problems, names)?;
        Ok(Intake { tables, ends: self.ends, digests: self.digests })
    }
}

fn filling<'t>(tables: &'t mut BTreeMap<TableKey, Filling>, table: TableType<'_>) -> Result<&'t mut Filling> {
    Ok(match tables.entry(table.key()) {
        Entry::Occupied(filling) => filling.into_mut(),
        Entry::Vacant(place) => place.insert(Filling::new(table)?),
    })
}

/// A table that is being filled.
struct Filling {
    schema: SchemaRef,
    rules: RowRules,
    spool: SpoolWriter,
    rows: u64,
    ids: HashMap<Digest, (u64, Place)>,
    replaced: Vec<u64>,
    has_given_ids: bool,
}

impl Filling {
    fn new(table: TableType<'_>) -> Result<Self> {
        let schema = Arc::new(table.arrow_schema());
        let rules = RowRules::of_typed(table).map_err(|reason| LoadError::Rule { reason })?;
        Ok(Self {
            spool: SpoolWriter::create(schema.clone())?,
            schema,
            rules,
            rows: 0,
            ids: HashMap::new(),
            replaced: Vec::new(),
            has_given_ids: false,
        })
    }

    /// Notes the ids of a block. Of equal ones the last row counts, where that is allowed.
    fn note_ids(&mut self, block: &Block<'_>, mode: LoadMode, digests: &Digests, problems: &mut Problems) {
        self.has_given_ids |= block.has_given_ids;
        let keyed = match block.table {
            TableType::Node(node) => node.key_property().is_some(),
            TableType::Edge(_) => false,
        };
        for (row, id) in block.rows[ID].as_string::<i32>().iter().flatten().enumerate() {
            let place = block.places.at(row);
            if let Some((earlier, _)) = self.ids.insert(digests.of(id), (self.rows + row as u64, place)) {
                if keyed || mode != LoadMode::Merge {
                    let reason = || format!("{}: the id `{id}` is there twice", block.table.name());
                    problems.add(Some(place), || Violation::Input(reason()));
                }
                self.replaced.push(earlier);
            }
        }
        self.rows += block.rows.num_rows() as u64;
    }

    fn write(&mut self, block: &Block<'_>, problems: &mut Problems) -> Result<()> {
        let breaches = self.rules.breaches(&block.rows);
        // A block with a row that breaks a rule may lack a required value, and will not be needed.
        if breaches.is_empty() {
            let batch = RecordBatch::try_new(self.schema.clone(), block.rows.columns().to_vec());
            let batch = batch.map_err(|error| LoadError::Reading { reason: error.to_string() })?;
            self.spool.write(&batch)?;
        }
        for Breach { row, property, reason } in breaches {
            let violation = || Violation::Value { table: block.table.key(), id: None, property, reason };
            problems.add(Some(block.places.at(row)), violation);
        }
        Ok(())
    }

    fn finish(self) -> Result<TableRows> {
        Ok(TableRows {
            spool: self.spool.finish()?,
            ids: self.ids,
            replaced: self.replaced,
            has_given_ids: self.has_given_ids,
        })
    }
}
