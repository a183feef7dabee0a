//! All inputs of a load → blocks of rows.

use std::collections::HashMap;
use std::io::Read;

use super::block::{Found, Outlet, Tally};
use super::columnar::read_table;
use super::input::{Content, Input};
use super::json::Json;
use super::record::{Kind, Record, each_record};
use super::rows::Rows;
use crate::clock::Clock;
use crate::constraint::Place;
use crate::error::Result;
use crate::progress::Progress;
use crate::schema::{Catalog, TableType};

/// Reads the inputs one after the other and hands on what is in them. Blocks.
///
/// # Errors
/// If nobody takes it, or the load is cancelled.
pub(super) fn read_inputs<'c>(
    catalog: &'c Catalog,
    inputs: Vec<Input>,
    clock: &dyn Clock,
    outlet: &Outlet<'c>,
    progress: &Progress,
) -> Result<()> {
    let mut tally = Tally::new(progress);
    let mut records =
        Records { catalog, clock, outlet, tables: Vec::new(), nodes: HashMap::new(), edges: HashMap::new() };
    for (number, input) in (0..).zip(inputs) {
        match input.reader.content() {
            Content::Records(text) => records.read(number, text, &mut tally)?,
            Content::Table(file) => {
                // Rows of one table stay in the order of the inputs.
                records.hand_on()?;
                read_table(catalog, number, file, clock, outlet, &mut tally)?;
            }
        }
    }
    records.hand_on()?;
    tally.finish();
    Ok(())
}

/// JSON records on their way into rows of their tables.
struct Records<'c, 'r> {
    catalog: &'c Catalog,
    clock: &'r dyn Clock,
    outlet: &'r Outlet<'c>,
    tables: Vec<Rows<'c>>,
    /// Positions of the tables by the names that records use.
    nodes: HashMap<String, usize>,
    edges: HashMap<String, usize>,
}

impl Records<'_, '_> {
    fn read(&mut self, input: u32, text: impl Read, tally: &mut Tally<'_>) -> Result<()> {
        each_record(text, |number, record| {
            let place = Place { input, record: number };
            match record {
                Ok(record) => self.record(place, &record)?,
                Err(reason) => self.outlet.problem(place, reason)?,
            }
            tally.add(1)
        })
    }

    fn record(&mut self, place: Place, record: &Record<'_>) -> Result<()> {
        let (table, ends) = match &record.kind {
            Kind::Node(name) => (self.node(name), [&Json::Null; 2]),
            Kind::Edge { name, from, to } => (self.edge(name), [from, to]),
        };
        let table = match table {
            Ok(table) => table,
            Err(reason) => return self.outlet.problem(place, reason),
        };
        let rows = &mut self.tables[table];
        let name = rows.table().name();
        let mut problems = Vec::new();
        let pushed = rows.push(place, ends, &record.data, self.clock, |reason| problems.push(reason));
        for reason in problems.into_iter().chain(pushed.err()) {
            self.outlet.problem(place, format!("{name}: {reason}"))?;
        }
        if rows.count(record.size_bytes)
            && let Some(block) = rows.take()
        {
            self.outlet.send(Found::Rows(block))?;
        }
        Ok(())
    }

    fn node(&mut self, name: &str) -> Result<usize, String> {
        if let Some(&table) = self.nodes.get(name) {
            return Ok(table);
        }
        let node = self.catalog.node(name).ok_or_else(|| format!("there is no node type {name}"))?;
        self.nodes.insert(name.to_owned(), self.tables.len());
        self.tables.push(Rows::new(TableType::Node(node)));
        Ok(self.tables.len() - 1)
    }

    fn edge(&mut self, name: &str) -> Result<usize, String> {
        if let Some(&table) = self.edges.get(name) {
            return Ok(table);
        }
        let edge = self.catalog.edge_ignoring_case(name).ok_or_else(|| format!("there is no edge type {name}"))?;
        let known = self.edges.get(&edge.name).copied();
        let table = known.unwrap_or(self.tables.len());
        if known.is_none() {
            self.edges.insert(edge.name.clone(), table);
            self.tables.push(Rows::new(TableType::Edge(edge)));
        }
        self.edges.insert(name.to_owned(), table);
        Ok(table)
    }

    /// Hands on the rows that wait for more.
    fn hand_on(&mut self) -> Result<()> {
        for block in self.tables.iter_mut().filter_map(Rows::take) {
            self.outlet.send(Found::Rows(block))?;
        }
        Ok(())
    }
}
