//! JSON records of one table → blocks of rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow_schema::SchemaRef;

use super::block::{BLOCK_BYTES, BLOCK_ROWS, Block, Places, batch, nullable};
use super::column::Column;
use super::json::{Fields, Json};
use super::key;
use crate::clock::Clock;
use crate::constraint::Place;
use crate::schema::TableType;

/// Rows of one table that are being gathered.
pub(super) struct Rows<'c> {
    table: TableType<'c>,
    schema: SchemaRef,
    ids: StringBuilder,
    ends: Vec<StringBuilder>,
    columns: Vec<Column>,
    /// Where a property stands among the columns.
    by_name: HashMap<&'c str, usize>,
    /// Which of them is the key.
    key: Option<usize>,
    /// Per column, which field of the record is its cell; kept for its memory.
    cells: Vec<Option<usize>>,
    places: Places,
    size_bytes: usize,
    has_given_ids: bool,
}

impl<'c> Rows<'c> {
    pub(super) fn new(table: TableType<'c>) -> Self {
        let properties = table.properties();
        let by_name: HashMap<&str, usize> =
            properties.iter().enumerate().map(|(at, property)| (property.name.as_str(), at)).collect();
        let (key, ends) = match table {
            TableType::Node(node) => (node.key_property().map(|key| by_name[key]), 0),
            TableType::Edge(_) => (None, 2),
        };
        Self {
            table,
            schema: nullable(table),
            ids: StringBuilder::new(),
            ends: std::iter::repeat_with(StringBuilder::new).take(ends).collect(),
            columns: properties.iter().map(|property| Column::new(&property.prop_type)).collect(),
            cells: vec![None; properties.len()],
            by_name,
            key,
            places: Places::default(),
            size_bytes: 0,
            has_given_ids: false,
        }
    }

    pub(super) fn table(&self) -> TableType<'c> {
        self.table
    }

    /// Adds the row of a record. What is wrong with single cells is told to `problem`, and they are null.
    ///
    /// # Errors
    /// Why there is no row: its id or the nodes of an edge are not right.
    pub(super) fn push(
        &mut self,
        place: Place,
        ends: [&Json<'_>; 2],
        data: &Fields<'_>,
        clock: &dyn Clock,
        mut problem: impl FnMut(String),
    ) -> Result<(), String> {
        let mut wrong = Vec::new();
        let given = self.find_cells(data, &mut wrong);
        let given = given_id(given.map(|at| &data[at].1))?;
        let id = match self.key {
            None => given.map(Cow::Borrowed),
            Some(key) => Some(self.key_id(key, data, given)?),
        };
        let [from, to] = ends;
        let roles = ["from", "to"].into_iter().zip([from, to]).take(self.ends.len());
        let ends = roles.map(|(role, end)| end_id(role, end)).collect::<Result<Vec<_>, _>>()?;
        self.has_given_ids |= id.is_some();
        match id {
            Some(id) => self.ids.append_value(id),
            None => self.ids.append_value(clock.next_id().to_string()),
        }
        for (column, end) in self.ends.iter_mut().zip(ends) {
            column.append_value(end);
        }
        for ((column, cell), property) in self.columns.iter_mut().zip(&self.cells).zip(self.table.properties()) {
            match cell {
                Some(at) => {
                    if let Err(reason) = column.push(&data[*at].1) {
                        problem(format!("{}: {reason}", property.name));
                    }
                }
                None => column.push_null(),
            }
        }
        wrong.into_iter().for_each(problem);
        self.places.push(place);
        Ok(())
    }

    /// Finds the cells of a record, and its id. Fields that are no properties, or come twice, are told.
    fn find_cells(&mut self, data: &Fields<'_>, wrong: &mut Vec<String>) -> Option<usize> {
        self.cells.fill(None);
        let properties = self.table.properties();
        let (mut id, mut next) = (None, 0);
        for (at, (name, _)) in data.iter().enumerate() {
            // Records mostly have their fields in the order of the columns.
            let found = if properties.get(next).is_some_and(|property| property.name == *name) {
                Some(next)
            } else {
                self.by_name.get(&**name).copied()
            };
            let cell = match found {
                Some(column) => {
                    next = column + 1;
                    &mut self.cells[column]
                }
                None if name == "id" => &mut id,
                None => {
                    wrong.push(format!("it has no property {name}"));
                    continue;
                }
            };
            if cell.replace(at).is_some() {
                wrong.push(format!("it has {name} twice"));
            }
        }
        id
    }

    /// The id of a row is its key.
    fn key_id<'d>(&self, key: usize, data: &'d Fields<'_>, given: Option<&'d str>) -> Result<Cow<'d, str>, String> {
        let property = &self.table.properties()[key];
        key::id_of(&property.name, &property.prop_type, self.cells[key].map(|at| &data[at].1), given)
    }

    /// Counts the bytes of a record; whether the block is full.
    pub(super) fn count(&mut self, size_bytes: usize) -> bool {
        self.size_bytes += size_bytes;
        self.places.len() >= BLOCK_ROWS || self.size_bytes >= BLOCK_BYTES
    }

    /// Takes the rows; none if there are none.
    pub(super) fn take(&mut self) -> Option<Block<'c>> {
        let places = std::mem::take(&mut self.places);
        self.size_bytes = 0;
        if places.len() == 0 {
            return None;
        }
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.ids.finish())];
        columns.extend(self.ends.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.extend(self.columns.iter_mut().map(Column::finish));
        let has_given_ids = std::mem::take(&mut self.has_given_ids);
        Some(Block { table: self.table, rows: batch(&self.schema, columns), places, has_given_ids })
    }
}

fn given_id<'d>(id: Option<&'d Json<'_>>) -> Result<Option<&'d str>, String> {
    match id {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(id)) if !id.is_empty() => Ok(Some(id)),
        Some(other) => Err(format!("id must be a text that is not empty, not {other}")),
    }
}

fn end_id<'d>(role: &str, end: &'d Json<'_>) -> Result<&'d str, String> {
    end.as_text().ok_or_else(|| format!("{role} must be the id of a node, not {end}"))
}
