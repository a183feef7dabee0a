//! What can be chosen for a conflict, which choices settle which kind, and what a choice makes of the rows.
//!
//! | JSON | choice |
//! |---|---|
//! | `"source"`, `"target"`, `"base"` | the row as it is there, or no row if there is none |
//! | `"cells"` | each cell from the side that changed it |
//! | `{"cells": {"age": "target", "city": {"value": "Oslo"}}}` | these cells so, the others from the side that changed them since every last common commit |
//! | `"drop"` | no row |
//! | `"keep"`, `"delete"` | the row that one side changed and the other deleted |
//! | `"restore"` | the node that an edge needs |
//! | `{"keep": "alice"}` | one of two rows with equal values, and not the other |
//! | `{"drop": ["e1"], "restore": ["e2"]}` | edges of a node that has too many or too few |

mod form;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::chosen::RowChoice;
use super::conflict::{Conflict, ConflictDetail, ConflictKind, Side};
use crate::id::TableKey;

pub(super) use form::spaced;

/// Column that tells rows apart: no choice changes it.
const ID: &str = "id";
/// Stands in examples where a person writes a value.
const ANY_VALUE: &str = "<value>";
/// Stands in examples where a person writes the id of an edge.
const ANY_EDGE: &str = "<id of an edge>";

/// How a conflict is settled. `Display` is its JSON on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The row as it is there; no row if there is none.
    Take(Side),
    /// Each cell from the side that changed it. Only where no column was changed by both sides differently.
    MergeCells,
    /// By column where the cell comes from; cells of other columns come from the side that changed them since every last
    /// common commit, from target if none did; if these do not agree, the column must be named.
    Cells(BTreeMap<String, CellChoice>),
    /// Neither side's row; of an orphaned edge, the edge goes.
    Drop,
    /// The changed row stays, although the other side deleted it.
    Keep,
    /// The row goes, although the other side changed it.
    Delete,
    /// The node that the edge needs comes back from the side that has it.
    RestoreEnd,
    /// Of two rows with equal values the one with this id stays, and the other goes.
    KeepRow(String),
    /// Edges of the node that go or come back, by id.
    Edges {
        /// These go.
        drop: Vec<String>,
        /// These come back from the side that has them.
        restore: Vec<String>,
    },
}

/// Where one cell of a row comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellChoice {
    /// From the row as it is there.
    From(Side),
    /// A value that a person wrote, in the form in which loads take it.
    Value(Value),
}

/// Why a choice does not settle a conflict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It is for conflicts of other kinds.
    #[error("it is no choice for {kind}")]
    Kind {
        /// Kind of the conflict.
        kind: ConflictKind,
    },
    /// Merging cells would lose a change.
    #[error("a column was changed by both sides differently")]
    BothChanged,
    /// Both sides added the row.
    #[error("the last common commit has no such row")]
    NoBase,
    /// The object of cells is empty.
    #[error("it names no column")]
    NoColumn,
    /// Another id would make it another row.
    #[error("the column `id` cannot be changed")]
    Id,
    /// The row to keep is not part of the conflict.
    #[error("`{id}` is neither `{own}` nor `{other}`")]
    OtherRow {
        /// Row that was to be kept.
        id: String,
        /// Row of the conflict.
        own: String,
        /// The row with the same values.
        other: String,
    },
    /// Both lists of edges are empty.
    #[error("it names no edge")]
    NoEdge,
    /// An edge cannot go and come back.
    #[error("the edge `{edge}` is named twice")]
    EdgeTwice {
        /// Id of the edge.
        edge: String,
    },
}

impl Choice {
    /// Checks that the choice can settle the conflict, as far as this can be said without its rows.
    ///
    /// Whether the columns and edges exist and the values are of the right type is not looked at.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub fn fits(&self, conflict: &Conflict) -> Result<(), Unfit> {
        let kind = conflict.key.kind;
        if !self.is_for(kind) {
            return Err(Unfit::Kind { kind });
        }
        match self {
            Self::Take(side) => from_side_fits(*side, kind),
            Self::MergeCells => match &conflict.detail {
                ConflictDetail::Row { is_cell_mergeable: false, .. } => Err(Unfit::BothChanged),
                ConflictDetail::Row { is_cell_mergeable: true, .. }
                | ConflictDetail::Orphan { .. }
                | ConflictDetail::Unique { .. }
                | ConflictDetail::Cardinality { .. }
                | ConflictDetail::Value { .. } => Ok(()),
            },
            Self::Cells(cells) => cells_fit(cells, kind),
            Self::KeepRow(id) => row_fits(id, conflict),
            Self::Edges { drop, restore } => edges_fit(drop, restore),
            Self::Drop | Self::Keep | Self::Delete | Self::RestoreEnd => Ok(()),
        }
    }

    /// Returns choices that fit the conflict, for a person to pick one: objects are examples with columns and ids of the
    /// conflict, and `<…>` where a value is to be written. Never empty.
    #[must_use]
    pub fn fitting(conflict: &Conflict) -> Vec<Self> {
        let mut choices = vec![Self::Keep, Self::Delete];
        choices.extend([Side::Source, Side::Target, Side::Base].map(Self::Take));
        choices.push(Self::MergeCells);
        choices.extend(examples(conflict));
        choices.extend([Self::RestoreEnd, Self::Drop]);
        choices.retain(|choice| choice.fits(conflict).is_ok());
        choices
    }

    /// Which choices there are for which kind (tui-design §5.4).
    fn is_for(&self, kind: ConflictKind) -> bool {
        match kind {
            ConflictKind::DivergentInsert | ConflictKind::DivergentUpdate => {
                matches!(self, Self::Take(_) | Self::MergeCells | Self::Cells(_) | Self::Drop)
            }
            ConflictKind::DeleteVsUpdate => matches!(self, Self::Keep | Self::Delete | Self::Take(_)),
            ConflictKind::OrphanEdge => matches!(self, Self::Drop | Self::RestoreEnd),
            ConflictKind::UniqueViolation => {
                matches!(self, Self::KeepRow(_) | Self::Cells(_) | Self::Take(_) | Self::Drop)
            }
            ConflictKind::CardinalityViolation => matches!(self, Self::Edges { .. }),
            ConflictKind::ValueConstraintViolation => matches!(self, Self::Cells(_) | Self::Take(_) | Self::Drop),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&spaced(self))
    }
}

fn from_side_fits(side: Side, kind: ConflictKind) -> Result<(), Unfit> {
    match (side, kind) {
        (Side::Base, ConflictKind::DivergentInsert) => Err(Unfit::NoBase),
        (Side::Base | Side::Source | Side::Target, _) => Ok(()),
    }
}

fn cells_fit(cells: &BTreeMap<String, CellChoice>, kind: ConflictKind) -> Result<(), Unfit> {
    if cells.is_empty() {
        return Err(Unfit::NoColumn);
    }
    if cells.contains_key(ID) {
        return Err(Unfit::Id);
    }
    cells.values().try_for_each(|cell| match cell {
        CellChoice::From(side) => from_side_fits(*side, kind),
        CellChoice::Value(_) => Ok(()),
    })
}

fn row_fits(id: &str, conflict: &Conflict) -> Result<(), Unfit> {
    let own = &conflict.key.id;
    match &conflict.detail {
        ConflictDetail::Unique { other, .. } if id != own && id != other => {
            Err(Unfit::OtherRow { id: id.to_owned(), own: own.clone(), other: other.clone() })
        }
        ConflictDetail::Unique { .. }
        | ConflictDetail::Row { .. }
        | ConflictDetail::Orphan { .. }
        | ConflictDetail::Cardinality { .. }
        | ConflictDetail::Value { .. } => Ok(()),
    }
}

fn edges_fit(drop: &[String], restore: &[String]) -> Result<(), Unfit> {
    let mut edges: Vec<&String> = drop.iter().chain(restore).collect();
    if edges.is_empty() {
        return Err(Unfit::NoEdge);
    }
    edges.sort();
    match edges.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Unfit::EdgeTwice { edge: pair[0].clone() }),
        None => Ok(()),
    }
}

/// The choices that are written as objects, with names of the conflict.
fn examples(conflict: &Conflict) -> Vec<Choice> {
    let written = |column: &String| (column.clone(), CellChoice::Value(Value::from(ANY_VALUE)));
    match &conflict.detail {
        ConflictDetail::Row { columns, is_cell_mergeable: _ } => {
            let sides = [Side::Target, Side::Source].map(CellChoice::From);
            // All of them, so that none is missing which both sides changed.
            let columns = columns.iter().filter(|column| *column != ID);
            vec![Choice::Cells(columns.cloned().zip(sides.into_iter().cycle()).collect())]
        }
        ConflictDetail::Orphan { .. } => Vec::new(),
        ConflictDetail::Unique { columns, other } => vec![
            Choice::KeepRow(conflict.key.id.clone()),
            Choice::KeepRow(other.clone()),
            Choice::Cells(columns.iter().take(1).map(written).collect()),
        ],
        ConflictDetail::Cardinality { count, min, max: _ } => {
            let edge = vec![ANY_EDGE.to_owned()];
            vec![match *count < u64::from(*min) {
                true => Choice::Edges { drop: Vec::new(), restore: edge },
                false => Choice::Edges { drop: edge, restore: Vec::new() },
            }]
        }
        ConflictDetail::Value { column, reason: _ } => vec![Choice::Cells([written(column)].into())],
    }
}

/// Returns table and id of every row that the choice decides, and what becomes of it. For a choice that fits the conflict.
///
/// An edge whose node is restored stays as it is and is not named.
pub(crate) fn effects(conflict: &Conflict, choice: &Choice) -> Vec<(TableKey, String, RowChoice)> {
    let own = &conflict.key;
    let row = |id: &String, what| (own.table.clone(), id.clone(), what);
    match choice {
        Choice::Take(side) => vec![row(&own.id, RowChoice::From(*side))],
        Choice::MergeCells => vec![row(&own.id, RowChoice::Cells(BTreeMap::new()))],
        Choice::Cells(cells) => vec![row(&own.id, RowChoice::Cells(cells.clone()))],
        Choice::Drop | Choice::Delete => vec![row(&own.id, RowChoice::Absent)],
        // Exactly one side has the row.
        Choice::Keep => vec![row(&own.id, RowChoice::Restored)],
        Choice::RestoreEnd => match &conflict.detail {
            ConflictDetail::Orphan { node, end, .. } => vec![(node.clone(), end.clone(), RowChoice::Restored)],
            ConflictDetail::Row { .. }
            | ConflictDetail::Unique { .. }
            | ConflictDetail::Cardinality { .. }
            | ConflictDetail::Value { .. } => Vec::new(),
        },
        Choice::KeepRow(id) => match &conflict.detail {
            ConflictDetail::Unique { other, .. } if *id == own.id => vec![row(other, RowChoice::Absent)],
            ConflictDetail::Unique { .. }
            | ConflictDetail::Row { .. }
            | ConflictDetail::Orphan { .. }
            | ConflictDetail::Cardinality { .. }
            | ConflictDetail::Value { .. } => vec![row(&own.id, RowChoice::Absent)],
        },
        Choice::Edges { drop, restore } => {
            let gone = drop.iter().map(|id| row(id, RowChoice::Absent));
            gone.chain(restore.iter().map(|id| row(id, RowChoice::Restored))).collect()
        }
    }
}
