//! What a table holds, now or then.
//!
//! Left the node and edge types, right what is known of the selected one: rows, schema, indices, versions. From there one goes
//! into a record, a row's history, a comparison or the result of a query; each of these is a pane of its own in the same place,
//! so it has its own search and its own keys, and `esc` leads back.
//!
//! | file | answers |
//! |---|---|
//! | `action`, `update` | what can be asked for, and what it does |
//! | `request`, `run`, `reply` | what is read, how, and what arrives |
//! | `position` | positions as typed and as shown, and the way back |
//! | `types` | the list on the left |
//! | `grid`, `rows`, `schema_list` | rows with columns: cursor, sorting, search; pages of a table |
//! | `record`, `row_history`, `compare`, `sql` | what one can go into |
//! | `copy` | what can be copied and exported |
//! | `view` | drawing |

mod action;
mod compare;
mod copy;
mod grid;
mod pane;
mod position;
mod record;
mod reply;
mod request;
mod row_history;
mod rows;
mod run;
mod schema_list;
mod sql;
#[cfg(test)]
mod tests;
mod types;
mod update;
mod view;

pub use action::{Action, Sort, rows};
pub use request::{Heads, Opened, Order, Page, Reply, Request, Source, Tab};
pub use run::run;

use std::collections::BTreeMap;
use std::sync::Arc;

use stratigraph_engine::{At, TableKey};

use crate::event::Heads as BranchHeads;
use crate::job::{JobStatus, Slot};
use crate::message::Failure;
use crate::screen::{PaneId, ScreenId};
use crate::state::{Context, Shared};
use grid::Grid;
use position::Station;

/// The types.
pub const TYPES: PaneId = PaneId("types");
/// Rows of the table.
pub const ROWS: PaneId = PaneId("rows");
/// Columns of the table.
pub const SCHEMA: PaneId = PaneId("schema");
/// Indices of the table.
pub const INDICES: PaneId = PaneId("indices");
/// Versions of the table.
pub const VERSIONS: PaneId = PaneId("versions");
/// One row.
pub const RECORD: PaneId = PaneId("record");
/// History of one row.
pub const ROW_HISTORY: PaneId = PaneId("row history");
/// The table at two positions.
pub const COMPARE: PaneId = PaneId("compare");
/// Result of a query.
pub const SQL: PaneId = PaneId("sql");

/// Lines of a content pane that are not rows: tabs or subtitle, header, note.
const FURNITURE: usize = 3;

/// A tab other than the rows.
#[derive(Debug, Default)]
struct ListView {
    /// The table and tab it shows; `None` while nothing was read.
    of: Option<(TableKey, Tab)>,
    grid: Grid,
    error: Option<Failure>,
}

/// What one went into, above the tabs.
#[derive(Debug)]
enum Drill {
    Record(record::RecordView),
    RowHistory(row_history::HistoryView),
    Compare(compare::CompareView),
    Sql(sql::SqlView),
}

impl Drill {
    fn pane(&self) -> PaneId {
        match self {
            Self::Record(_) => RECORD,
            Self::RowHistory(_) => ROW_HISTORY,
            Self::Compare(_) => COMPARE,
            Self::Sql(_) => SQL,
        }
    }
}

/// A position on its way.
#[derive(Debug, Clone, PartialEq)]
struct Opening {
    at: At,
    /// The heads that were seen when it was asked for.
    heads: Arc<BranchHeads>,
    /// What to show there.
    wish: Option<Station>,
    /// Where to return to later; `None` if the same position is read again, or on the way back.
    from: Option<Station>,
    /// Whether rows are read again even if the table did not move.
    reload: bool,
    /// The row whose history is shown as soon as the position is read.
    history_of: Option<(TableKey, String)>,
    /// What was typed for it; what means nothing is asked for again.
    typed: Option<String>,
}

/// State of the screen.
#[derive(Debug, Default)]
pub struct Tables {
    opened: Option<Opened>,
    opening: Option<Opening>,
    /// The heads that were seen when the position on view was asked for.
    seen: Arc<BranchHeads>,
    /// Why the last position could not be read.
    refused: Option<Failure>,
    trail: Vec<Station>,
    types: types::Types,
    table: Option<TableKey>,
    tab: Tab,
    rows: rows::RowsView,
    list: ListView,
    drills: Vec<Drill>,
    /// Conditions of the tables that are not on view.
    filters: BTreeMap<TableKey, String>,
    statements: Vec<String>,
}

impl Tables {
    /// The pane on the right.
    fn content(&self) -> PaneId {
        match (self.drills.last(), self.tab) {
            (Some(drill), _) => drill.pane(),
            (None, Tab::Rows) => ROWS,
            (None, Tab::Schema) => SCHEMA,
            (None, Tab::Indices) => INDICES,
            (None, Tab::Versions) => VERSIONS,
        }
    }

    /// The grid of a pane, if it has one.
    fn grid(&self, pane: PaneId) -> Option<&Grid> {
        match self.drills.last() {
            Some(Drill::Sql(view)) if pane == SQL => Some(&view.grid),
            None if pane == ROWS => Some(&self.rows.grid),
            None if pane == self.content() => Some(&self.list.grid),
            Some(_) | None => None,
        }
    }

    fn grid_mut(&mut self, pane: PaneId) -> Option<&mut Grid> {
        let content = self.content();
        match self.drills.last_mut() {
            Some(Drill::Sql(view)) if pane == SQL => Some(&mut view.grid),
            None if pane == ROWS => Some(&mut self.rows.grid),
            None if pane == content => Some(&mut self.list.grid),
            Some(_) | None => None,
        }
    }

    /// Where one is, to be restored later.
    fn station(&self) -> Option<Station> {
        let opened = self.opened.as_ref()?;
        Some(Station {
            at: opened.at.clone(),
            table: self.table.clone(),
            tab: self.tab,
            row: self.rows.grid.id().map(str::to_owned),
            filter: self.rows.filter.clone(),
        })
    }

    /// The rows a read of the present table is about.
    fn source(&self, filter: Option<String>) -> Option<Source> {
        let (opened, table) = (self.opened.as_ref()?, self.table.clone()?);
        opened.snapshot.entries.contains_key(&table).then(|| Source {
            snapshot: opened.snapshot.clone(),
            table,
            filter,
        })
    }

    /// Rows of the present table by the manifest.
    fn total(&self) -> Option<u64> {
        let (opened, table) = (self.opened.as_ref()?, self.table.as_ref()?);
        opened.snapshot.entries.get(table).map(|entry| entry.rows)
    }
}

/// The place of a read.
fn slot(pane: PaneId, kind: &'static str) -> Slot {
    Slot { screen: ScreenId::Tables, pane, kind }
}

/// Whether a read is under way.
fn is_reading(shared: &Shared, slot: Slot) -> bool {
    let job = shared.latest.get(&slot).and_then(|id| shared.jobs.find(*id));
    job.is_some_and(|job| matches!(job.status, JobStatus::Queued | JobStatus::Running))
}

/// Rows of a content pane that are on view.
fn body_height(shared: &Shared, pane: PaneId) -> usize {
    shared.pane_height(pane).saturating_sub(FURNITURE).max(1)
}

/// Gives a pane of this screen the focus, whichever screen is on view.
fn focus(cx: &mut Context<'_>, pane: PaneId) {
    let frame = cx.shared.frame(ScreenId::Tables);
    cx.shared.frames.insert(ScreenId::Tables, crate::state::Frame { focus: pane, ..frame });
}

/// Kinds of reads.
mod kind {
    pub(super) const OPEN: &str = "position";
    pub(super) const HEADS: &str = "table heads";
    pub(super) const PAGE: &str = "rows";
    pub(super) const SORT: &str = "sort";
    pub(super) const COUNT: &str = "count";
    pub(super) const LIST: &str = "list";
    pub(super) const RECORD: &str = "record";
    pub(super) const ROW_HISTORY: &str = "row history";
    pub(super) const COMPARE: &str = "compare";
    pub(super) const SQL: &str = "sql";
}
