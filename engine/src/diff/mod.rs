//! Row changes between two snapshots, and the history of one row.
//!
//! | file | answers |
//! |---|---|
//! | `run` | which tables differ, in which order, and how each is compared |
//! | `lineage` | how much physical history both sides of a table share |
//! | `delta` | the changed rows, where they can be told from metadata: the cost follows the change |
//! | `walk` | the changed rows, by reading both sides in order of id: always possible, the cost follows the table |
//! | `compare` | what changed between the rows of one id |
//! | `row_history` | which commits changed one row |
//!
//! **Rule:** both ways give the same changes in the same order; which one was taken shows in [`TableDiff::way`] only. Rows that
//! were rewritten without a difference are no change.

mod compare;
mod delta;
mod emit;
mod lineage;
mod row_history;
mod run;
mod walk;

use futures::stream::BoxStream;

use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::value::Row;

pub use row_history::{RowHistoryItem, RowHistoryStream, RowVersion};
pub use run::table_changes;

pub(crate) use compare::changed_columns;
pub(crate) use delta::rows as located_rows;
pub(crate) use emit::{Changed, Compared, Located};
pub(crate) use row_history::row_history;
pub(crate) use run::{compared, diff};

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOp {
    /// The row is only in the newer state.
    Inserted,
    /// Cells differ.
    Updated,
    /// The row is only in the older state.
    Deleted,
}

/// One changed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// Its table.
    pub table: TableKey,
    /// Its id.
    pub id: String,
    /// What happened.
    pub op: RowOp,
    /// The row in the older state; none if inserted. Blobs have size and digest, not bytes.
    pub before: Option<Row>,
    /// The row in the newer state; none if deleted.
    pub after: Option<Row>,
    /// Columns whose cells differ; empty unless updated.
    pub columns: Vec<String>,
}

/// How a table was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Changed rows were told from row versions and deletions.
    Delta,
    /// All rows of both sides were read.
    Walk,
}

/// Totals of one table, sent after its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDiff {
    /// Which table.
    pub table: TableKey,
    /// Rows only in the newer state.
    pub inserted: u64,
    /// Rows whose cells differ.
    pub updated: u64,
    /// Rows only in the older state.
    pub deleted: u64,
    /// How they were found.
    pub way: Way,
}

/// One item of a diff, in order of table, then id; a table's totals come last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffItem {
    /// A changed row.
    Row(Box<RowChange>),
    /// The table is done. Totals count only the operations asked for.
    Table(TableDiff),
}

/// Changes, as they are found.
pub type DiffStream = BoxStream<'static, Result<DiffItem>>;

/// As [`DiffStream`], with where the rows are.
pub(crate) type ComparedStream = BoxStream<'static, Result<Compared>>;

/// How much of the rows is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All rows whole.
    All,
    /// Rows that are on one side only may have no cell but the id.
    BothSides,
}

/// Which changes are wanted. The default is all; each list that is not empty must contain the change's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffFilter {
    /// Tables.
    pub tables: Vec<TableKey>,
    /// Nodes or edges only.
    pub kind: Option<TableKind>,
    /// Type names.
    pub types: Vec<String>,
    /// Operations.
    pub ops: Vec<RowOp>,
}

impl DiffFilter {
    fn wants_table(&self, key: &TableKey) -> bool {
        (self.tables.is_empty() || self.tables.contains(key))
            && self.kind.is_none_or(|kind| kind == key.kind)
            && (self.types.is_empty() || self.types.iter().any(|name| **name == *key.name))
    }

    fn wants_op(&self, op: RowOp) -> bool {
        self.ops.is_empty() || self.ops.contains(&op)
    }
}
