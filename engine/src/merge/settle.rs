//! What decisions make of the rows of one table.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{Schema, SchemaRef};
use futures::TryStreamExt;

use super::choice::{CellChoice, RowChoice};
use super::conflict::Side;
use super::delta::{Entry, RowStep};
use super::error::MergeError;
use super::lookup::{Located, ThreeTables};
use super::picked::{Edited, Settled};
use crate::error::Result;
use crate::load;
use crate::schema::TableType;
use crate::storage::ID;
use crate::value::Value;

/// Where a restored row is looked for, in this order.
const RESTORED_FROM: [Side; 3] = [Side::Source, Side::Target, Side::Base];

/// What is chosen for a row, and the decision that chose it, from 0.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) row: RowChoice,
    /// Where cells come from that [`RowChoice::Cells`] does not name; none is the side that changed them.
    pub(super) rest: Option<Side>,
    pub(super) decision: usize,
}

impl Chosen {
    /// Adds a later choice about the same row: cells are changed in what was chosen before, everything else replaces it.
    pub(super) fn then(&mut self, later: Self) {
        match (&mut self.row, later.row) {
            (RowChoice::Cells(cells), RowChoice::Cells(more)) => cells.extend(more),
            (RowChoice::From(side), RowChoice::Cells(cells)) => {
                self.rest = Some(*side);
                self.row = RowChoice::Cells(cells);
            }
            (row, later_row) => {
                *row = later_row;
                self.rest = None;
            }
        }
        self.decision = later.decision;
    }
}

/// Settles rows of a table by their ids.
///
/// # Errors
/// [`MergeError::Value`] for a cell that cannot be; storage errors.
pub(super) async fn settle(
    kind: TableType<'_>,
    tables: &ThreeTables,
    chosen: &BTreeMap<String, Chosen>,
) -> Result<Settled> {
    let ids: HashSet<String> = chosen.keys().cloned().collect();
    let located = tables.locate(&ids).await?;
    let mut entries = Vec::new();
    let mut edited = Vec::new();
    let has_cells = |chosen: &Chosen| matches!(chosen.row, RowChoice::Cells(_));
    let with_cells: Vec<&str> =
        chosen.iter().filter(|(_, chosen)| has_cells(chosen)).map(|(id, _)| id.as_str()).collect();
    let sides = Sides::read(kind, tables, &located, &with_cells).await?;
    for (id, chosen) in chosen {
        let in_target = located.address(Side::Target, id).is_some();
        let coming = if in_target { RowStep::Update } else { RowStep::Append };
        let from = |side| located.address(side, id).map(|row| (side, row));
        let row = match &chosen.row {
            RowChoice::From(side) => from(*side),
            RowChoice::Absent => None,
            RowChoice::Restored => RESTORED_FROM.into_iter().find_map(from),
            RowChoice::Cells(cells) => {
                let row = sides.compose(kind, id, (cells, chosen.rest), chosen.decision)?;
                edited.push(Edited { id: id.clone(), step: coming, row });
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
    Ok(Settled { ids: Arc::new(ids), entries, edited })
}

/// Rows of all sides, whole, each as a batch of one row.
struct Sides {
    rows: HashMap<(Side, String), RecordBatch>,
    schema: SchemaRef,
}

impl Sides {
    async fn read(kind: TableType<'_>, tables: &ThreeTables, located: &Located, ids: &[&str]) -> Result<Self> {
        // What a rule requires is told as a conflict and not refused here.
        let fields = kind
            .arrow_schema()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect::<Vec<_>>();
        let schema = Arc::new(Schema::new(fields));
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut rows = HashMap::new();
        for (side, table) in tables.clone().into_tables() {
            let there: Vec<(&str, u64)> = ids.iter().filter_map(|id| Some((*id, located.address(side, id)?))).collect();
            let addresses = futures::stream::iter([Ok(there.iter().map(|(_, row)| *row).collect())]);
            let mut batches = table.pick(Box::pin(addresses), &columns);
            while let Some(batch) = batches.try_next().await? {
                for row in 0..batch.num_rows() {
                    let Value::Text(id) = Value::from_array(&batch[ID], row) else { continue };
                    rows.insert((side, id.to_string()), batch.slice(row, 1));
                }
            }
        }
        Ok(Self { rows, schema })
    }

    fn row(&self, side: Side, id: &str) -> Option<&RecordBatch> {
        self.rows.get(&(side, id.to_owned()))
    }

    /// Makes a row of cells; those that are not named come from the side that changed them.
    fn compose(
        &self,
        kind: TableType<'_>,
        id: &str,
        (cells, rest): (&BTreeMap<String, CellChoice>, Option<Side>),
        decision: usize,
    ) -> Result<RecordBatch, MergeError> {
        let wrong = |column: &str, reason: String| MergeError::Value {
            number: decision + 1,
            table_key: kind.key(),
            id: id.to_owned(),
            column: column.to_owned(),
            reason,
        };
        if let Some(unknown) = cells.keys().find(|name| self.schema.column_with_name(name).is_none()) {
            let known: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
            return Err(wrong(unknown, format!("there is no such column; {} has {}", kind.name(), known.join(", "))));
        }
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (at, field) in self.schema.fields().iter().enumerate() {
            let cell = |side| self.row(side, id).map(|row| row.column(at).clone());
            let column = match cells.get(field.name()) {
                Some(CellChoice::From(side)) => {
                    cell(*side).ok_or_else(|| wrong(field.name(), format!("{} has no such row", name(*side))))
                }
                Some(CellChoice::Value(value)) => {
                    written(kind, field.name(), value).map_err(|why| wrong(field.name(), why))
                }
                None => rest.and_then(cell).map_or_else(|| unnamed(cell), Ok).map_err(|why| wrong(field.name(), why)),
            };
            columns.push(column?);
        }
        RecordBatch::try_new(self.schema.clone(), columns).map_err(|error| wrong(ID, error.to_string()))
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Base => "the last common commit",
        Side::Source => "the source",
        Side::Target => "the target",
    }
}

/// The cell of the side that changed it; of the target if none did, or of the only side that has the row.
fn unnamed(cell: impl Fn(Side) -> Option<ArrayRef>) -> Result<ArrayRef, String> {
    let (base, source, target) = (cell(Side::Base), cell(Side::Source), cell(Side::Target));
    let value = |array: &ArrayRef| Value::from_array(array, 0);
    match (source, target) {
        (None, None) => base.ok_or_else(|| "no side has the row".to_owned()),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (Some(source), Some(target)) if value(&source) == value(&target) => Ok(target),
        (Some(source), Some(target)) => match base.as_ref().map(value) {
            Some(base) if value(&source) == base => Ok(target),
            Some(base) if value(&target) == base => Ok(source),
            Some(_) | None => Err("both sides have another value: say which one it is".to_owned()),
        },
    }
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
