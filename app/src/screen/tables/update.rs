//! What the actions of the screen do.

use std::sync::Arc;

use stratigraph_engine::{At, TableKey};

use super::action::{Action, Sort};
use super::compare::CompareView;
use super::position::{self, Station};
use super::request::{Order, RESULT_ROWS, Request, Tab};
use super::row_history::HistoryView;
use super::rows::Sorting;
use super::sql::{self, SqlView};
use super::{COMPARE, Drill, Opening, ROW_HISTORY, ROWS, SQL, TYPES, Tables, focus, kind, slot};
use crate::action::{Action as Any, TermKind};
use crate::message::{Failure, Level};
use crate::overlay::{Item, Menu, Overlay, Prompt};
use crate::screen::{PaneId, ScreenId, ScreenRequest};
use crate::state::Context;
use crate::view::grouped;

impl Tables {
    /// Performs an action.
    pub fn update(&mut self, action: Action, cx: &mut Context<'_>) {
        match action {
            Action::GoTo(at) => self.go_to(at, None, cx),
            Action::GoToText(text) => match position::relative(&text, &self.branch()) {
                Some(at) => {
                    self.go_to(at, None, cx);
                    if let Some(opening) = &mut self.opening {
                        opening.typed = Some(text);
                    }
                }
                None => cx.say(Level::Warning, format!("`{text}` is not a position: {}", position::HINT)),
            },
            Action::GoToTable(at, table, row) => self.go_to(at, Some((table, row)), cx),
            Action::RowHistoryAt(at, table, id) => {
                self.go_to(at, Some((table.clone(), Some(id.clone()))), cx);
                if let Some(opening) = &mut self.opening {
                    opening.history_of = Some((table, id));
                }
            }
            Action::AskPosition => self.ask_position(cx),
            Action::Return => self.go_back(cx),
            Action::Show(tab) => self.show_tab(tab, cx),
            Action::NextTab => self.step_tab(1, cx),
            Action::PreviousTab => self.step_tab(Tab::ALL.len() - 1, cx),
            Action::AskColumns => self.ask_columns(0, cx),
            Action::ToggleColumn(column) => self.toggle_column(&column, cx),
            Action::ShowAllColumns => {
                let pane = self.content();
                if let Some(grid) = self.grid_mut(pane) {
                    grid.show_all();
                }
            }
            Action::AskSort => self.ask_sort(cx),
            Action::Sort(sort) => self.sort(sort, cx),
            Action::Count => self.count(cx),
            Action::RowHistory => self.row_history(cx),
            Action::AskCompare => self.ask_compare(cx),
            Action::Compare(text) => self.compare(&text, cx),
            Action::AskSql => self.ask_sql(cx),
            Action::Sql(statement) => self.run_sql(statement, cx),
        }
    }

    fn branch(&self) -> stratigraph_engine::BranchName {
        self.opened.as_ref().map_or_else(stratigraph_engine::BranchName::main, |opened| opened.snapshot.branch.clone())
    }

    /// Reads another position and remembers this one.
    fn go_to(&mut self, at: At, table: Option<(TableKey, Option<String>)>, cx: &mut Context<'_>) {
        let from = self.station();
        let wish = match (from.clone(), table) {
            (Some(station), None) => Some(station),
            (station, Some((table, row))) => Some(Station {
                at: at.clone(),
                tab: station.as_ref().map_or(Tab::Rows, |station| station.tab),
                row,
                filter: None,
                table: Some(table),
            }),
            (None, None) => None,
        };
        let heads = Arc::clone(&cx.shared.heads);
        self.open(Opening { at, heads, wish, from, reload: false, history_of: None, typed: None }, cx);
    }

    pub(super) fn go_back(&mut self, cx: &mut Context<'_>) {
        if let Some(station) = self.trail.pop() {
            self.open(
                Opening {
                    at: station.at.clone(),
                    heads: Arc::clone(&cx.shared.heads),
                    wish: Some(station),
                    from: None,
                    reload: false,
                    history_of: None,
                    typed: None,
                },
                cx,
            );
        }
    }

    /// Reads the same position again; a branch may have moved. `reload` reads the rows again even if they did not.
    pub(super) fn read_again(&mut self, reload: bool, cx: &mut Context<'_>) {
        let at = match (&self.opening, &self.opened) {
            (Some(opening), _) => opening.at.clone(),
            (None, Some(opened)) => opened.at.clone(),
            (None, None) => At::Branch(stratigraph_engine::BranchName::main()),
        };
        let wish = self.station();
        let heads = Arc::clone(&cx.shared.heads);
        self.open(Opening { at, heads, wish, from: None, reload, history_of: None, typed: None }, cx);
    }

    fn open(&mut self, opening: Opening, cx: &mut Context<'_>) {
        self.refused = None;
        let request = Request::Open(opening.at.clone());
        cx.peek(slot(TYPES, kind::OPEN), opening.at.to_string(), ScreenRequest::Tables(request));
        self.opening = Some(opening);
    }

    fn ask_position(&self, cx: &mut Context<'_>) {
        cx.open(Overlay::Prompt(position::prompt(&self.branch(), "")));
    }

    /// Asks again for a position that means nothing, with what was typed and why.
    pub(super) fn ask_position_again(&self, typed: &str, failure: &Failure, cx: &mut Context<'_>) {
        if cx.shared.screen == ScreenId::Tables && cx.shared.overlays.is_empty() {
            let prompt = position::prompt(&self.branch(), typed).refused(position::refusal(failure));
            cx.open(Overlay::Prompt(prompt));
        } else {
            cx.say(Level::Warning, position::refusal(failure));
        }
    }

    /// Shows the table whose row is selected on the left, with the condition it had.
    pub(super) fn follow_selection(&mut self, cx: &mut Context<'_>) {
        let filter = cx.matcher(ScreenId::Tables, TYPES, TermKind::Filter);
        let Some(table) = self.types.table(filter) else { return };
        if self.table.as_ref() != Some(&table) || !self.drills.is_empty() {
            self.show_table(table, cx);
        }
    }

    /// Shows a table; what one went into is left.
    pub(super) fn show_table(&mut self, table: TableKey, cx: &mut Context<'_>) {
        if let (Some(before), Some(filter)) = (self.table.take(), self.rows.wanted.take()) {
            self.filters.insert(before, filter);
        }
        let filter = self.filters.remove(&table);
        cx.shared.terms.put(ScreenId::Tables, ROWS, TermKind::Filter, filter.as_deref().unwrap_or(""));
        cx.shared.terms.drop_term(ScreenId::Tables, ROWS, TermKind::Search);
        self.table = Some(table);
        self.leave_drills(cx);
        self.rows.seek = None;
        self.load(filter, cx);
    }

    /// Reads what the tab on view shows, from the start.
    pub(super) fn load(&mut self, filter: Option<String>, cx: &mut Context<'_>) {
        for kind in [kind::PAGE, kind::SORT, kind::COUNT] {
            cx.cancel(slot(ROWS, kind));
        }
        let Some(source) = self.source(filter.clone()) else { return };
        self.rows.start(&source.table, filter);
        if self.tab == Tab::Rows {
            let subject = source.table.to_string();
            cx.peek(slot(ROWS, kind::PAGE), subject, ScreenRequest::Tables(Request::Page(source, None)));
        } else {
            self.load_list(cx);
        }
    }

    fn load_list(&mut self, cx: &mut Context<'_>) {
        let Some(source) = self.source(None) else { return };
        self.list = super::ListView { of: Some((source.table.clone(), self.tab)), ..super::ListView::default() };
        let subject = format!("{} of {}", self.tab.title().to_lowercase(), source.table);
        let request = ScreenRequest::Tables(Request::List(source, self.tab));
        cx.peek(slot(TYPES, kind::LIST), subject, request);
    }

    /// Reads the next page if the cursor comes near the end of what is loaded.
    pub(super) fn load_more(&mut self, cx: &mut Context<'_>) {
        let height = super::body_height(cx.shared, ROWS);
        if super::is_reading(cx.shared, slot(ROWS, kind::PAGE)) {
            return;
        }
        if let Some(after) = self.rows.next_page(height)
            && let Some(source) = self.source(self.rows.filter.clone())
        {
            let subject = format!("{} after {after}", source.table);
            cx.peek(slot(ROWS, kind::PAGE), subject, ScreenRequest::Tables(Request::Page(source, Some(after))));
        }
    }

    fn show_tab(&mut self, tab: Tab, cx: &mut Context<'_>) {
        let focused = self.has_focus(cx);
        self.leave_drills(cx);
        if self.tab != tab {
            self.tab = tab;
            match tab {
                Tab::Rows if self.rows.is_unread() => self.load(self.rows.wanted.clone(), cx),
                Tab::Rows => {}
                Tab::Schema | Tab::Indices | Tab::Versions => self.load_list(cx),
            }
        }
        self.keep_focus(focused, cx);
    }

    fn step_tab(&mut self, step: usize, cx: &mut Context<'_>) {
        let at = Tab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        self.show_tab(Tab::ALL[(at + step) % Tab::ALL.len()], cx);
    }

    /// Whether the right pane has the focus.
    fn has_focus(&self, cx: &Context<'_>) -> bool {
        cx.shared.frame(ScreenId::Tables).focus == self.content()
    }

    /// Moves the focus with the content if it was there.
    fn keep_focus(&self, focused: bool, cx: &mut Context<'_>) {
        if focused {
            focus(cx, self.content());
        }
    }

    /// Goes into something on the right.
    pub(super) fn enter(&mut self, drill: Drill, cx: &mut Context<'_>) {
        let pane = drill.pane();
        for kind in [TermKind::Search, TermKind::Filter] {
            cx.shared.terms.drop_term(ScreenId::Tables, pane, kind);
        }
        self.drills.push(drill);
        focus(cx, pane);
    }

    /// Leaves what one went into last; its reads end.
    pub(super) fn leave_drill(&mut self, cx: &mut Context<'_>) -> bool {
        let focused = self.has_focus(cx);
        let Some(drill) = self.drills.pop() else { return false };
        cancel_drill(drill.pane(), cx);
        self.keep_focus(focused, cx);
        true
    }

    pub(super) fn leave_drills(&mut self, cx: &mut Context<'_>) {
        while self.leave_drill(cx) {}
    }

    /// The menu of columns; stays on the line `row` when it opens again after a choice.
    fn ask_columns(&self, row: usize, cx: &mut Context<'_>) {
        let Some(grid) = self.grid(self.content()) else { return };
        let mark = |name: &str| if grid.hidden().contains(name) { "[ ]" } else { "[x]" };
        let mut items: Vec<Item> = grid
            .columns()
            .iter()
            .map(|name| Item {
                label: mark(name).to_owned(),
                text: name.to_string(),
                action: Some(Ok(Any::Tables(Action::ToggleColumn(name.to_string())))),
            })
            .collect();
        items.push(Item {
            label: "all".to_owned(),
            text: "show all columns".to_owned(),
            action: Some(Ok(Any::Tables(Action::ShowAllColumns))),
        });
        cx.open(Overlay::Choose(Menu::new("Columns (enter shows or hides, esc closes)", items).at(row)));
    }

    fn toggle_column(&mut self, column: &str, cx: &mut Context<'_>) {
        let pane = self.content();
        let Some(grid) = self.grid_mut(pane) else { return };
        let row = grid.columns().iter().position(|name| &**name == column).unwrap_or(0);
        if !grid.toggle(column) {
            cx.shared.notice = Some("one column stays on view".to_owned());
        }
        self.ask_columns(row, cx);
    }

    fn ask_sort(&self, cx: &mut Context<'_>) {
        let pane = self.content();
        let Some(grid) = self.grid(pane) else { return };
        let Some(column) = grid.column().map(|at| grid.columns()[at].to_string()) else { return };
        let loaded = grid.rows().len();
        let item = |label: String, text: &str, sort| Item {
            label,
            text: text.to_owned(),
            action: Some(Ok(Any::Tables(Action::Sort(sort)))),
        };
        let order = |descending| Order { column: column.clone(), descending };
        let these = format!("these {}", grouped(loaded as u64));
        let mut items = vec![
            item(these.clone(), "ascending, at once", Sort::Loaded(order(false))),
            item(these, "descending, at once", Sort::Loaded(order(true))),
        ];
        if pane == ROWS {
            let all = match (&self.rows.filter, self.rows.counted, self.total()) {
                (None, _, Some(total)) => format!("all {}", grouped(total)),
                (Some(_), Some(matching), _) => format!("all {}", grouped(matching)),
                (Some(_), None, _) | (None, _, None) => "all matching".to_owned(),
            };
            let first = |order: &str| format!("{order}, a job; the first {} are shown", grouped(RESULT_ROWS));
            items.push(item(all.clone(), &first("ascending"), Sort::All(order(false))));
            items.push(item(all, &first("descending"), Sort::All(order(true))));
            items.push(item("by id".to_owned(), "not sorted, page by page", Sort::ById));
        }
        cx.open(Overlay::Choose(Menu::new(format!("Sort by {column}"), items)));
    }

    pub(super) fn sort(&mut self, sort: Sort, cx: &mut Context<'_>) {
        let pane = self.content();
        match sort {
            Sort::ById => self.load(self.rows.wanted.clone(), cx),
            Sort::Loaded(order) => {
                let Some(grid) = self.grid_mut(pane) else { return };
                if let Some(column) = grid.columns().iter().position(|name| **name == *order.column) {
                    grid.sort_by(column, order.descending);
                }
                if pane == ROWS {
                    cx.cancel(slot(ROWS, kind::PAGE));
                    self.rows.sorting = Sorting::Loaded(order);
                }
            }
            Sort::All(order) => {
                let Some(source) = self.source(self.rows.filter.clone()) else { return };
                cx.cancel(slot(ROWS, kind::PAGE));
                let subject = format!("{} by {}", source.table, order.column);
                let request = Request::Sorted(source, order);
                cx.read(slot(ROWS, kind::SORT), subject, ScreenRequest::Tables(request));
            }
        }
    }

    fn count(&mut self, cx: &mut Context<'_>) {
        let Some(source) = self.source(self.rows.filter.clone()) else { return };
        self.rows.counted = None;
        let subject = match &source.filter {
            Some(filter) => format!("{} where {filter}", source.table),
            None => source.table.to_string(),
        };
        cx.read(slot(ROWS, kind::COUNT), subject, ScreenRequest::Tables(Request::Count(source)));
    }

    /// Table and id of the row the cursor is on, wherever it is.
    pub(super) fn selected_row(&self) -> Option<(TableKey, String)> {
        match self.drills.last() {
            None => Some((self.table.clone()?, self.rows.grid.id()?.to_owned())),
            Some(Drill::Record(view)) => Some((view.table.clone()?, view.row.get("id")?.as_text()?.to_owned())),
            Some(Drill::Compare(view)) => Some((view.table.clone(), view.id()?.to_owned())),
            Some(Drill::RowHistory(_) | Drill::Sql(_)) => None,
        }
    }

    fn row_history(&mut self, cx: &mut Context<'_>) {
        if let Some((table, id)) = self.selected_row() {
            self.history_of(table, id, cx);
        }
    }

    /// Shows the history of a row, which the position on view need not have.
    pub(super) fn history_of(&mut self, table: TableKey, id: String, cx: &mut Context<'_>) {
        let Some(snapshot) = self.opened.as_ref().map(|opened| opened.snapshot.clone()) else { return };
        let branch = self.branch();
        let subject = format!("{table} {id} on {branch}");
        let source = super::Source { snapshot, table: table.clone(), filter: None };
        let request = Request::RowHistory(source, branch.clone(), id.clone());
        self.enter(Drill::RowHistory(HistoryView::new(table, id, branch.to_string())), cx);
        cx.read(slot(ROW_HISTORY, kind::ROW_HISTORY), subject, ScreenRequest::Tables(request));
    }

    fn ask_compare(&self, cx: &mut Context<'_>) {
        let Some(table) = &self.table else { return };
        let prompt = Prompt::new(format!("Compare {table} with"), "", |text| Any::Tables(Action::Compare(text)))
            .hint(position::HINT)
            .check(position::check);
        cx.open(Overlay::Prompt(prompt));
    }

    pub(super) fn compare(&mut self, text: &str, cx: &mut Context<'_>) {
        let (Some(at), Some(source)) = (position::relative(text, &self.branch()), self.source(None)) else { return };
        self.leave_drills(cx);
        let subject = format!("{} with {at}", source.table);
        self.enter(Drill::Compare(CompareView::new(source.table.clone(), at.to_string())), cx);
        let rows = ScreenRequest::Tables(Request::Page(source.clone(), None));
        cx.peek(slot(COMPARE, kind::PAGE), source.table.to_string(), rows);
        cx.read(slot(COMPARE, kind::COMPARE), subject, ScreenRequest::Tables(Request::Compare(source, at)));
    }

    /// Reads the next page below a comparison if the cursor comes near the gap.
    pub(super) fn compare_more(&mut self, cx: &mut Context<'_>) {
        let height = super::body_height(cx.shared, COMPARE);
        let Some(Drill::Compare(view)) = self.drills.last() else { return };
        if super::is_reading(cx.shared, slot(COMPARE, kind::PAGE)) {
            return;
        }
        if let (Some(after), Some(source)) = (view.next_page(height), self.source(None)) {
            let subject = source.table.to_string();
            cx.peek(slot(COMPARE, kind::PAGE), subject, ScreenRequest::Tables(Request::Page(source, Some(after))));
        }
    }

    fn ask_sql(&self, cx: &mut Context<'_>) {
        let text = match self.drills.last() {
            Some(Drill::Sql(view)) => view.statement.clone(),
            Some(Drill::Record(_) | Drill::RowHistory(_) | Drill::Compare(_)) | None => String::new(),
        };
        let prompt = Prompt::new("SQL at this position", text, |text| Any::Tables(Action::Sql(text)))
            .sql()
            .hint("like: select * from \"Person\" where age > 30; up and down: former statements")
            .check(|text| if text.trim().is_empty() { Err("type a query".to_owned()) } else { Ok(()) })
            .recall(self.statements.clone());
        cx.open(Overlay::Prompt(prompt));
    }

    pub(super) fn run_sql(&mut self, statement: String, cx: &mut Context<'_>) {
        let Some(snapshot) = self.opened.as_ref().map(|opened| opened.snapshot.clone()) else { return };
        sql::remember(&mut self.statements, &statement);
        while matches!(self.drills.last(), Some(Drill::Sql(_) | Drill::Record(_))) {
            self.leave_drill(cx);
        }
        self.enter(Drill::Sql(SqlView::new(statement.clone())), cx);
        let request = Request::Sql(snapshot, statement.clone());
        cx.read(slot(SQL, kind::SQL), statement, ScreenRequest::Tables(request));
    }
}

/// Ends the reads of what one went into.
fn cancel_drill(pane: PaneId, cx: &mut Context<'_>) {
    for kind in [kind::PAGE, kind::ROW_HISTORY, kind::COMPARE, kind::SQL, kind::RECORD] {
        cx.cancel(slot(pane, kind));
    }
}
