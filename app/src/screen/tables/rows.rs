//! The rows of one table at one position: pages, filter, sorting, count. Plain state; reads are asked for by the caller.

use stratigraph_engine::TableKey;

use super::grid::Grid;
use super::request::{Order, Page};
use crate::message::Failure;

/// In which order the rows in memory are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Sorting {
    /// By id, as they are read; more are read at the end.
    #[default]
    ById,
    /// By a column, only what was loaded.
    Loaded(Order),
    /// By a column over the whole table; the first rows of it.
    All(Order),
}

/// Rows, and how far they are read.
#[derive(Debug, Default)]
pub(super) struct RowsView {
    /// What is in memory.
    pub(super) grid: Grid,
    /// The table in memory.
    pub(super) table: Option<TableKey>,
    /// The condition the rows in memory fulfil.
    pub(super) filter: Option<String>,
    /// The condition asked for last; differs while it is read or if it was refused.
    pub(super) wanted: Option<String>,
    /// Whether there are rows after those in memory.
    pub(super) more: bool,
    /// Order of the rows in memory.
    pub(super) sorting: Sorting,
    /// Why the last read failed; the rows in memory are of the read before.
    pub(super) error: Option<Failure>,
    /// Rows that fulfil the condition, once counted.
    pub(super) counted: Option<u64>,
    /// Whether the first page is still to come.
    unread: bool,
    /// Row to select when the page arrives.
    pub(super) seek: Option<String>,
}

impl RowsView {
    /// Prepares for the first page of a table under a condition. Rows of another table leave at once.
    pub(super) fn start(&mut self, table: &TableKey, filter: Option<String>) {
        if self.table.as_ref() != Some(table) {
            *self = Self { table: Some(table.clone()), ..Self::default() };
        }
        self.wanted = filter;
        self.unread = true;
        self.error = None;
    }

    /// The rows belong to another position: they leave, the columns on view stay. `row` is selected again if it is there.
    pub(super) fn leave_position(&mut self, row: Option<String>) {
        self.grid.clear();
        self.seek = row;
        self.unread = true;
        self.more = false;
        self.counted = None;
        self.sorting = Sorting::ById;
    }

    /// Whether the rows asked for last have not arrived yet.
    pub(super) fn is_unread(&self) -> bool {
        self.unread
    }

    /// Whether nothing was read yet.
    pub(super) fn is_blank(&self) -> bool {
        self.grid.columns().is_empty()
    }

    /// Takes a page.
    pub(super) fn take_page(&mut self, page: Page) {
        if page.first {
            self.replace(&page);
            self.sorting = Sorting::ById;
        }
        self.error = None;
        self.more = page.more;
        self.grid.push(page.rows);
        if let Some(id) = self.seek.take() {
            self.grid.select_id(&id);
        }
    }

    fn replace(&mut self, page: &Page) {
        if self.filter != self.wanted {
            self.counted = None;
        }
        self.filter = self.wanted.clone();
        let mut grid = Grid::new(page.columns.iter().cloned());
        std::mem::swap(&mut self.grid, &mut grid);
        let selected = grid.id().map(str::to_owned);
        self.grid.follow(&grid);
        self.seek = self.seek.take().or(selected);
        self.unread = false;
    }

    /// Takes rows in another order.
    pub(super) fn take_sorted(&mut self, page: Page, order: Order) {
        if page.first {
            self.replace(&page);
            self.seek = None;
            self.grid.state.row = 0;
            self.grid.state.offset = 0;
        }
        self.grid.push(page.rows);
        self.grid.came_sorted(&order.column, order.descending);
        self.sorting = Sorting::All(order);
        self.more = page.more;
        self.error = None;
    }

    /// The order of all rows that is the one on view; none if that is by id, or if no read gives it.
    pub(super) fn order(&self) -> Option<&Order> {
        match &self.sorting {
            Sorting::ById => None,
            Sorting::Loaded(order) => (!self.more && self.grid.is_plain(&order.column)).then_some(order),
            Sorting::All(order) => Some(order),
        }
    }

    /// The last read failed.
    pub(super) fn fail(&mut self, failure: &Failure) {
        self.error = Some(failure.clone());
        self.unread = false;
    }

    /// The id after which the next page starts, if there is one and the cursor comes near the end.
    pub(super) fn next_page(&self, height: usize) -> Option<String> {
        let near = self.grid.state.row + height.max(1) >= self.grid.rows().len();
        let goes_on = self.more && near && self.sorting == Sorting::ById && self.error.is_none();
        let last = self.grid.rows().last()?.get("id")?.as_text()?;
        goes_on.then(|| last.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stratigraph_engine::{ErrorKind, Row, Value};

    use super::*;

    fn page(ids: &[&str], more: bool) -> Page {
        let columns: Arc<[Arc<str>]> = [Arc::from("id")].into();
        let rows = ids.iter().map(|&id| Row::new(columns.clone(), vec![Value::from(id)])).collect();
        Page { columns, rows, first: true, more }
    }

    fn person() -> TableKey {
        "node:Person".parse().expect("valid")
    }

    #[test]
    fn pages_go_on_after_the_last_id() {
        let mut view = RowsView::default();
        view.start(&person(), None);
        view.take_page(page(&["a", "b"], true));
        assert_eq!(view.next_page(10), Some("b".to_owned()));
        view.take_page(Page { first: false, ..page(&["c"], false) });
        assert_eq!(view.grid.rows().len(), 3);
        assert_eq!(view.next_page(10), None);
    }

    #[test]
    fn a_refused_filter_keeps_the_rows_before() {
        let mut view = RowsView::default();
        view.start(&person(), None);
        view.take_page(page(&["a", "b"], false));
        view.start(&person(), Some("agee > 3".to_owned()));
        view.fail(&Failure::new(ErrorKind::Invalid, "no column agee"));
        assert_eq!((view.grid.rows().len(), view.filter.as_deref()), (2, None));
        assert_eq!(view.error.as_ref().map(Failure::summary), Some("no column agee"));
        view.start(&person(), Some("age > 3".to_owned()));
        view.take_page(page(&["b"], false));
        assert_eq!((view.grid.rows().len(), view.filter.as_deref(), view.error), (1, Some("age > 3"), None));
    }

    #[test]
    fn reading_again_keeps_the_row_and_another_table_starts_empty() {
        let mut view = RowsView::default();
        view.start(&person(), None);
        view.take_page(page(&["a", "b"], false));
        view.grid.select_id("b");
        view.start(&person(), None);
        view.take_page(page(&["a", "ab", "b"], false));
        assert_eq!(view.grid.id(), Some("b"));
        view.start(&"node:Task".parse().expect("valid"), None);
        assert!(view.is_blank());
    }

    #[test]
    fn sorted_rows_do_not_page() {
        let mut view = RowsView::default();
        view.start(&person(), None);
        view.take_page(page(&["a"], true));
        let order = Order { column: "id".to_owned(), descending: true };
        view.take_sorted(page(&[], true), order.clone());
        view.take_sorted(Page { first: false, ..page(&["z", "y"], true) }, order.clone());
        assert_eq!((view.grid.rows().len(), view.next_page(10)), (2, None));
        assert_eq!(view.sorting, Sorting::All(order));
    }
}
