//! What decisions make of the rows of one table.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};

use super::choice::CellChoice;
use super::chosen::{ChosenRow, RowChoice};
use super::compose::{Cell, CellRow, Composed, SIDES};
use super::conflict::Side;
use super::delta::{Entry, RowStep};
use super::error::MergeError;
use super::lookup::{BaseRow, ThreeTables, addresses};
use super::picked::Settled;
use crate::error::Result;
use crate::id::TableKey;
use crate::load;
use crate::schema::{Catalog, TableType};
use crate::storage::{ID, Table};

/// Where a restored row is looked for, in this order.
const RESTORED_FROM: [Side; 3] = [Side::Source, Side::Target, Side::Base];

/// Settles rows of a table by their ids. `other_bases` are its states in the last common commits but the first, where they differ
/// from it; none where it was not there.
///
/// # Errors
/// [`MergeError::Value`] for a cell that cannot be; storage errors.
pub(super) async fn settle(
    kind: TableType<'_>,
    tables: &ThreeTables,
    other_bases: Vec<Option<Table>>,
    chosen: &BTreeMap<String, ChosenRow>,
) -> Result<Settled> {
    let ids: HashSet<String> = chosen.keys().cloned().collect();
    let located = tables.locate(&ids).await?;
    let with_cells = chosen.iter().filter(|(_, chosen)| matches!(chosen.row, RowChoice::Cells(_)));
    let with_cells: HashSet<String> = with_cells.map(|(id, _)| id.clone()).collect();
    let mut in_other_bases = Vec::with_capacity(other_bases.len());
    for table in &other_bases {
        in_other_bases.push(match table {
            Some(table) => addresses(table, &with_cells).await?,
            None => HashMap::new(),
        });
    }
    let mut entries = Vec::new();
    let mut composed = Vec::new();
    for (id, chosen) in chosen {
        let in_target = located.address(Side::Target, id).is_some();
        let coming = if in_target { RowStep::Update } else { RowStep::Append };
        let from = |side| located.address(side, id).map(|row| (side, row));
        // Where a side's row is.
        let on = |side: Side| match (side, tables.base_row(&located, id)) {
            (Side::Base, BaseRow::On(side)) => Ok(side),
            (Side::Base, BaseRow::Untold) => {
                let (number, table_key, id) = (chosen.decision + 1, kind.key(), id.clone());
                Err(MergeError::UntoldRow { number, table_key, id })
            }
            (side, _) => Ok(side),
        };
        let row = match &chosen.row {
            RowChoice::From(side) => from(on(*side)?),
            RowChoice::Absent => None,
            RowChoice::Restored => RESTORED_FROM.into_iter().find_map(from),
            RowChoice::Cells(cells) => {
                let at_sides = SIDES.map(|side| located.address(side, id));
                let at_others = in_other_bases.iter().map(|addresses| addresses.get(id).copied());
                let at = at_sides.into_iter().chain(at_others).collect();
                let mut cells = named(kind, id, cells, chosen.decision)?;
                for cell in cells.values_mut() {
                    if let Cell::From(side) = cell {
                        *side = on(*side)?;
                    }
                }
                let (rest, decision) = (chosen.rest.map(on).transpose()?, chosen.decision);
                composed.push(CellRow { id: id.clone(), step: coming, at, cells, rest, decision });
                continue;
            }
        };
        match row {
            Some((Side::Target, _)) => {}
            Some(from) => entries.push(Entry { id: id.clone(), step: coming, from, before: None }),
            None if in_target => {
                entries.push(Entry { id: id.clone(), step: RowStep::Delete, from: (Side::Target, 0), before: None });
            }
            None => {}
        }
    }
    let composed = Composed::new(kind, tables.by_side(), other_bases, composed);
    composed.check().await?;
    Ok(Settled { ids: Arc::new(ids), entries, composed: Some(composed) })
}

/// The cells of a row that a decision names.
fn named(
    kind: TableType<'_>,
    id: &str,
    cells: &BTreeMap<String, CellChoice>,
    decision: usize,
) -> Result<BTreeMap<String, Cell>, MergeError> {
    let schema = kind.arrow_schema();
    let mut named = BTreeMap::new();
    for (column, choice) in cells {
        let cell = if schema.column_with_name(column).is_none() {
            let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            Err(format!("there is no such column; {} has {}", kind.name(), known.join(", ")))
        } else {
            match choice {
                CellChoice::From(side) => Ok(Cell::From(*side)),
                CellChoice::Value(value) => written(kind, column, value).map(Cell::Written),
            }
        };
        let wrong = |reason| MergeError::Value {
            number: decision + 1,
            table_key: kind.key(),
            id: id.to_owned(),
            column: column.clone(),
            reason,
        };
        named.insert(column.clone(), cell.map_err(wrong)?);
    }
    Ok(named)
}

/// Checks that a value can stand in a column of a table, as [`CellChoice::Value`].
///
/// # Errors
/// What is wrong with it, to be read after the name of the column.
pub fn check_cell(catalog: &Catalog, table: &TableKey, column: &str, value: &serde_json::Value) -> Result<(), String> {
    let kind = catalog.table(table).ok_or_else(|| format!("there is no table {table}"))?;
    written(kind, column, value).map(drop)
}

/// The cell of a value that a person wrote.
fn written(kind: TableType<'_>, column: &str, value: &serde_json::Value) -> Result<ArrayRef, String> {
    let key = match kind {
        TableType::Node(node) => node.key_property(),
        TableType::Edge(_) => None,
    };
    if column == ID || key == Some(column) {
        return Err(
            "it makes the row's id, which cannot be changed: drop the row, and insert another one after the merge"
                .to_owned(),
        );
    }
    if let Some(property) = kind.properties().iter().find(|property| property.name == column) {
        return load::cell(&property.prop_type, value);
    }
    match value {
        serde_json::Value::String(text) => Ok(Arc::new(StringArray::from(vec![text.as_str()]))),
        _ => Err(format!("{value} is no id: write it as text")),
    }
}
