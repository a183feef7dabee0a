//! What the screen's jobs do and deliver.

use std::collections::BTreeMap;
use std::sync::Arc;

use stratigraph_engine::diff::{RowChange, RowHistoryItem};
use stratigraph_engine::schema::TypeSummary;
use stratigraph_engine::{At, BranchName, Row, Snapshot, TableKey, Value};

pub use stratigraph_engine::Order;

/// Rows of one page.
pub(super) const PAGE_ROWS: u64 = 200;
/// Rows a sort of the whole table, or a query, brings to the screen at most.
pub(super) const RESULT_ROWS: u64 = 1000;
/// Differences a comparison brings to the screen at most.
pub(super) const COMPARE_ROWS: usize = 5000;
/// Versions listed at most.
pub(super) const LISTED_VERSIONS: usize = 500;

/// What a job does. Reads name the snapshot they read, so that their answer cannot belong to another position.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Find a position and read its snapshot.
    Open(At),
    /// Find the newest version of every table.
    Heads(Arc<Snapshot>),
    /// Read a page of rows in order of id.
    Page(Source, Option<String>),
    /// Read the first rows in another order.
    Sorted(Source, Order),
    /// Count rows.
    Count(Source),
    /// Read what a tab other than the rows shows.
    List(Source, Tab),
    /// Read one row with the digests of its blobs.
    Record(Source, String),
    /// Find the commits of a branch that changed a row.
    RowHistory(Source, BranchName, String),
    /// Compare a table with the same table at another position.
    Compare(Source, At),
    /// Run a query.
    Sql(Arc<Snapshot>, String),
}

/// Which rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Where.
    pub snapshot: Arc<Snapshot>,
    /// Of which table.
    pub table: TableKey,
    /// Only those that fulfil this SQL condition.
    pub filter: Option<String>,
}

/// What the content pane shows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Tab {
    /// Its rows.
    #[default]
    Rows,
    /// Its columns.
    Schema,
    /// Its indices.
    Indices,
    /// Its retained versions.
    Versions,
}

impl Tab {
    /// All tabs from left to right.
    pub const ALL: [Self; 4] = [Self::Rows, Self::Schema, Self::Indices, Self::Versions];

    /// The word in the line of tabs.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Rows => "Rows",
            Self::Schema => "Schema",
            Self::Indices => "Indices",
            Self::Versions => "Versions",
        }
    }
}

/// A position that was found, with what is known about it and its tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// How it was asked for.
    pub at: At,
    /// What it holds.
    pub snapshot: Arc<Snapshot>,
    /// Whether it is the newest version of its branch.
    pub is_head: bool,
    /// Shortest unique end of the commit's id.
    pub short_id: Option<String>,
    /// When the commit was made, microseconds since 1970 UTC.
    pub created_at_micros: Option<i64>,
    /// The types of the accepted schema.
    pub types: Arc<[TypeSummary]>,
}

/// Some rows of a table or a result.
#[derive(Debug)]
pub struct Page {
    /// Names of the columns.
    pub columns: Arc<[Arc<str>]>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether they are the first ones of an answer and replace what was there.
    pub first: bool,
    /// Whether there are more.
    pub more: bool,
}

/// The newest version of each table, or why it could not be found.
pub type Heads = BTreeMap<TableKey, Result<u64, String>>;

/// What a job delivers.
#[derive(Debug)]
pub enum Reply {
    /// A position.
    Opened(Box<Opened>),
    /// Newest versions.
    Heads(Heads),
    /// Rows of a table.
    Page(Page),
    /// The first rows in another order.
    Sorted(Page, Order),
    /// A number of rows.
    Counted(u64),
    /// A list: its columns and its lines.
    List(Tab, Vec<&'static str>, Vec<Vec<Value>>),
    /// One row.
    Record(Box<Row>),
    /// Commits that changed a row, each with its short id.
    RowHistory(Vec<(String, RowHistoryItem)>),
    /// The other position of a comparison.
    CompareWith(Box<Opened>),
    /// Differences.
    Compared(Vec<RowChange>),
    /// There are more differences than are kept.
    CompareCut,
    /// Rows of a query; the first page tells the columns even if there are no rows.
    Sql(Page),
}
