//! What keeps two branches from being merged without a decision.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{CommitId, TableKey};
use crate::value::Row;

/// One of the two branches of a merge, or the state both come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The state of the last common commit.
    Base,
    /// The branch that is merged.
    Source,
    /// The branch that is merged into.
    Target,
}

/// The states a plan was made for, and a decision for a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MergeHeads {
    /// Head of the branch that is merged.
    pub source: CommitId,
    /// Head of the branch that is merged into.
    pub target: CommitId,
    /// Their last common commit.
    pub base: CommitId,
}

/// Kinds of conflicts (engine-behaviour §6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConflictKind {
    /// Both sides added the id with different content.
    DivergentInsert,
    /// Both sides changed the row differently.
    DivergentUpdate,
    /// One side deleted the row, the other changed it.
    DeleteVsUpdate,
    /// An edge would have lost a node.
    OrphanEdge,
    /// Two rows would have equal values in unique columns.
    UniqueViolation,
    /// A node would have too many or too few edges of a type.
    CardinalityViolation,
    /// A row would break a rule on its own values.
    ValueConstraintViolation,
}

impl ConflictKind {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::DivergentInsert,
        Self::DivergentUpdate,
        Self::DeleteVsUpdate,
        Self::OrphanEdge,
        Self::UniqueViolation,
        Self::CardinalityViolation,
        Self::ValueConstraintViolation,
    ];

    /// Whether it is about one row that both sides changed, and not about a rule.
    #[must_use]
    pub fn is_of_a_row(self) -> bool {
        match self {
            Self::DivergentInsert | Self::DivergentUpdate | Self::DeleteVsUpdate => true,
            Self::OrphanEdge | Self::UniqueViolation | Self::CardinalityViolation | Self::ValueConstraintViolation => {
                false
            }
        }
    }
}

/// As the reference spells it.
impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DivergentInsert => "DivergentInsert",
            Self::DivergentUpdate => "DivergentUpdate",
            Self::DeleteVsUpdate => "DeleteVsUpdate",
            Self::OrphanEdge => "OrphanEdge",
            Self::UniqueViolation => "UniqueViolation",
            Self::CardinalityViolation => "CardinalityViolation",
            Self::ValueConstraintViolation => "ValueConstraintViolation",
        })
    }
}

/// Which conflict: the same in every plan of the same states.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConflictKey {
    /// Table of the row.
    pub table: TableKey,
    /// What is wrong.
    pub kind: ConflictKind,
    /// Id of the row; of a cardinality, the node whose edges they are.
    pub id: String,
}

/// One conflict, without its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Which it is.
    pub key: ConflictKey,
    /// What there is besides.
    pub detail: ConflictDetail,
    /// Stands for the rows of the three states: a decision made for the same rows holds for this conflict, too.
    pub rows: String,
    /// Index of the decision without which it would not be there; none if it is the branches' own.
    pub caused_by: Option<usize>,
}

/// What a conflict of one kind or another is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConflictDetail {
    /// A row that both sides changed.
    Row {
        /// Columns in which the sides differ. If only one side has the row, those that it changed since the last common commit, or
        /// that hold a value if that has no such row.
        columns: Vec<String>,
        /// Whether no column was changed by both sides differently: taking each cell from the side that changed it settles it.
        is_cell_mergeable: bool,
    },
    /// An edge that would have lost a node.
    Orphan {
        /// `src` or `dst`.
        role: String,
        /// Table of the node.
        node: TableKey,
        /// Id of the node.
        end: String,
    },
    /// Two rows of equal values.
    Unique {
        /// The columns.
        columns: Vec<String>,
        /// Id of the other row.
        other: String,
    },
    /// Too many or too few edges.
    Cardinality {
        /// How many there would be.
        count: u64,
        /// Least number allowed.
        min: u32,
        /// Greatest number allowed; none is any.
        max: Option<u32>,
    },
    /// A value that breaks a rule.
    Value {
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// One line for people, to be read after the conflict's table, kind and id.
impl fmt::Display for ConflictDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { columns, is_cell_mergeable } => {
                let mergeable = if *is_cell_mergeable { " (cells can be merged)" } else { "" };
                write!(f, "differs in {}{mergeable}", columns.join(", "))
            }
            Self::Orphan { role, node, end } => write!(f, "its {role} `{end}` is not in {}", node.name),
            Self::Unique { columns, other } => write!(f, "same {} as `{other}`", columns.join(", ")),
            Self::Cardinality { count, min, max } => match max {
                Some(max) => write!(f, "{count} edges, allowed are {min} to {max}"),
                None => write!(f, "{count} edges, at least {min} are needed"),
            },
            Self::Value { column: _, reason } => f.write_str(reason),
        }
    }
}

/// A row of a conflict in the three states; none where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreeRows {
    /// Table of the row.
    pub table: TableKey,
    /// Its id.
    pub id: String,
    /// In the last common commit.
    pub base: Option<Row>,
    /// On the branch that is merged.
    pub source: Option<Row>,
    /// On the branch that is merged into.
    pub target: Option<Row>,
}
