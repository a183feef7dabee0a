//! What the user can ask for on this screen, and its part of the registry.

use stratigraph_engine::{At, TableKey};

use super::position;
use super::request::{Order, Tab};
use crate::action::{self, Availability, Row, Scope};
use crate::screen::ScreenId;
use crate::state::State;

/// What the user can ask for on this screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Read at a position. Other screens send this, then show the screen.
    GoTo(At),
    /// Read at the position that a text means, relative to the branch being read.
    GoToText(String),
    /// Read a table at a position, with the row of this id selected if it is there.
    GoToTable(At, TableKey, Option<String>),
    /// Read a position and show the history of a row there, on the position's branch. The row may be gone at the position.
    RowHistoryAt(At, TableKey, String),
    /// Ask for a position to read at.
    AskPosition,
    /// Return to the position before.
    Return,
    /// Show a tab.
    Show(Tab),
    /// Show the next tab.
    NextTab,
    /// Show the tab before.
    PreviousTab,
    /// Ask which columns to show.
    AskColumns,
    /// Show or hide a column.
    ToggleColumn(String),
    /// Show all columns.
    ShowAllColumns,
    /// Ask how to sort.
    AskSort,
    /// Sort.
    Sort(Sort),
    /// Count the rows that the filter lets through.
    Count,
    /// Show the history of the selected row.
    RowHistory,
    /// Ask for a position to compare with.
    AskCompare,
    /// Compare with the position that a text means.
    Compare(String),
    /// Ask for a query.
    AskSql,
    /// Run a query.
    Sql(String),
}

/// What to sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    /// Nothing: rows in order of id, page by page.
    ById,
    /// The rows in memory, at once.
    Loaded(Order),
    /// All rows of the table; the first of them are shown.
    All(Order),
}

/// Its rows of the registry.
#[must_use]
pub fn rows() -> Vec<Row> {
    let scope = Scope::Screen(ScreenId::Tables);
    let row = |name, description, action| Row::new(name, description, scope, action::Action::Tables(action));
    vec![
        row("tables.at", "read at a branch, commit, version or time", Action::AskPosition)
            .keys(&["@"])
            .hint("position")
            .available(|state| ready(state.screens.tables.can_read())),
        row("tables.return", "return to the position before", Action::Return)
            .keys(&["g p"])
            .available(|state| ready(state.screens.tables.can_return())),
        row("tables.next-tab", "next tab: rows, schema, indices, versions", Action::NextTab)
            .keys(&["t"])
            .hint("tab")
            .available(|state| ready(state.screens.tables.can_tab())),
        row("tables.previous-tab", "tab before", Action::PreviousTab)
            .keys(&["b"])
            .available(|state| ready(state.screens.tables.can_tab())),
        row("tables.rows", "rows of the table", Action::Show(Tab::Rows)).keys(&["g r"]).available(has_table),
        row("tables.schema", "columns of the table", Action::Show(Tab::Schema)).keys(&["g s"]).available(has_table),
        row("tables.indices", "indices of the table", Action::Show(Tab::Indices)).keys(&["g i"]).available(has_table),
        row("tables.versions", "versions of the table and what made them", Action::Show(Tab::Versions))
            .keys(&["g v"])
            .available(has_table),
        row("tables.compare", "compare with another position", Action::AskCompare)
            .keys(&["c"])
            .hint("compare")
            .available(has_table),
        row("tables.sql", "run SQL over the tables at this position", Action::AskSql)
            .keys(&[";"])
            .hint("sql")
            .available(|state| ready(state.screens.tables.can_read())),
        row("tables.row-history", "history of this row: the commits that changed it", Action::RowHistory)
            .keys(&["L"])
            .hint("row history")
            .available(|state| ready(state.screens.tables.can_row_history(state.focus()))),
        row("tables.sort", "sort: what is loaded, or the whole table", Action::AskSort)
            .keys(&["s"])
            .hint("sort")
            .available(|state| ready(state.screens.tables.can_sort(state.focus()))),
        row("tables.columns", "choose columns", Action::AskColumns)
            .keys(&["o"])
            .hint("columns")
            .available(|state| ready(state.screens.tables.can_choose(state.focus()))),
        row("tables.count", "count the rows, with the filter", Action::Count)
            .keys(&["#"])
            .available(|state| ready(state.screens.tables.can_count(state.focus()))),
        Row::with_argument("tables.go", "read at this position", scope, "POSITION", |text| {
            position::check(text).map(|()| action::Action::Tables(Action::GoToText(text.to_owned())))
        }),
    ]
}

/// Ready, or the reason why not.
fn ready(possible: Result<(), &'static str>) -> Availability {
    possible.map_or_else(Availability::no, |()| Availability::Ready)
}

fn has_table(state: &State) -> Availability {
    ready(state.screens.tables.can_show())
}
