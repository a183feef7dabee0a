//! Rows with named columns that are moved in, searched, sorted and copied: the rows of a table, the result of a query, and
//! the lists of the other tabs alike.

use std::collections::BTreeSet;
use std::sync::Arc;

use stratigraph_engine::{Row, Value};
use stratigraph_widgets::data_table::{CellKind, Sort, TableState};
use stratigraph_widgets::width::{escape, width};

use crate::action::Motion;
use crate::matcher::Matcher;
use crate::rows::TextForm;
use crate::view::cell::{cell, compare};

/// A column is no wider at first; its longer texts are cut.
const WIDEST: usize = 32;
/// Room for the sign of a kind of nothing, in either set of signs.
const NARROWEST: usize = 6;

/// Rows in memory and the place of the cursor in them.
#[derive(Debug, Default)]
pub(super) struct Grid {
    columns: Vec<Arc<str>>,
    rows: Vec<Row>,
    widths: Vec<usize>,
    numeric: Vec<bool>,
    hidden: BTreeSet<Arc<str>>,
    /// Cursor; its column counts the shown columns only.
    pub(super) state: TableState,
    /// The column the loaded rows are sorted by, and whether descending.
    sort: Option<(usize, bool)>,
}

impl Grid {
    /// An empty grid with these columns.
    pub(super) fn new(columns: impl IntoIterator<Item = Arc<str>>) -> Self {
        let columns: Vec<Arc<str>> = columns.into_iter().collect();
        let widths = columns.iter().map(|name| width(&escape(name)).clamp(3, WIDEST)).collect();
        let numeric = vec![false; columns.len()];
        Self { columns, widths, numeric, ..Self::default() }
    }

    /// A grid of a list that was computed here.
    pub(super) fn of(columns: &[&str], rows: Vec<Vec<Value>>) -> Self {
        let names: Arc<[Arc<str>]> = columns.iter().map(|&name| Arc::from(name)).collect();
        let mut grid = Self::new(names.iter().cloned());
        grid.push(rows.into_iter().map(|values| Row::new(names.clone(), values)).collect());
        grid
    }

    /// Adds rows below; they have the grid's columns.
    pub(super) fn push(&mut self, rows: Vec<Row>) {
        let first = self.rows.is_empty();
        for row in &rows {
            for (at, value) in row.values().iter().enumerate().take(self.columns.len()) {
                let (text, kind) = cell(value);
                let needed = match kind {
                    CellKind::Text | CellKind::Number => width(&escape(&text)),
                    CellKind::Null | CellKind::Empty | CellKind::Missing | CellKind::NotLoaded => NARROWEST,
                };
                self.widths[at] = self.widths[at].max(needed.min(WIDEST));
                self.numeric[at] |= kind == CellKind::Number;
            }
        }
        self.rows.extend(rows);
        if first {
            self.settle();
        }
    }

    /// Forgets the rows; columns and the place sideways stay.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.sort = None;
        self.state.row = 0;
        self.state.offset = 0;
    }

    /// Rows in memory, in the order shown.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Names of all columns.
    pub(super) fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    /// Indices of the columns on view.
    pub(super) fn shown(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|&at| !self.hidden.contains(&self.columns[at])).collect()
    }

    /// Names of the columns on view, if some are hidden.
    pub(super) fn chosen(&self) -> Option<Vec<String>> {
        (!self.hidden.is_empty()).then(|| self.shown().iter().map(|&at| self.columns[at].to_string()).collect())
    }

    /// Width of a column in cells.
    pub(super) fn width(&self, column: usize) -> usize {
        self.widths[column]
    }

    /// Whether a column holds numbers.
    pub(super) fn is_numeric(&self, column: usize) -> bool {
        self.numeric[column]
    }

    /// Shows a column or hides it; the last one stays. False if nothing changed.
    pub(super) fn toggle(&mut self, column: &str) -> bool {
        let Some(name) = self.columns.iter().find(|name| &***name == column).cloned() else { return false };
        if !self.hidden.remove(&name) {
            if self.shown().len() <= 1 {
                return false;
            }
            self.hidden.insert(name);
        }
        self.settle();
        true
    }

    /// Shows all columns.
    pub(super) fn show_all(&mut self) {
        self.hidden.clear();
    }

    /// Names of hidden columns.
    pub(super) fn hidden(&self) -> &BTreeSet<Arc<str>> {
        &self.hidden
    }

    /// Takes over from the grid shown before, as far as both have it: hidden columns, column, and the row with the same id.
    pub(super) fn follow(&mut self, before: &Self) {
        self.hidden = before.hidden.iter().filter(|name| self.columns.contains(name)).cloned().collect();
        self.state.column = before.state.column;
        self.state.column_offset = before.state.column_offset;
        if let Some(id) = before.id().map(str::to_owned) {
            let offset = before.state.row - before.state.offset.min(before.state.row);
            self.select_id(&id);
            self.state.offset = self.state.row.saturating_sub(offset);
        }
        self.settle();
    }

    /// The selected row.
    pub(super) fn row(&self) -> Option<&Row> {
        self.rows.get(self.state.row)
    }

    /// The id of the selected row, if the rows have ids.
    pub(super) fn id(&self) -> Option<&str> {
        self.row()?.get("id")?.as_text()
    }

    /// The selected column.
    pub(super) fn column(&self) -> Option<usize> {
        self.shown().get(self.state.column).copied()
    }

    /// The selected cell.
    pub(super) fn value(&self) -> Option<&Value> {
        self.row()?.values().get(self.column()?)
    }

    /// Selects the row with an id. False if it is not in memory.
    pub(super) fn select_id(&mut self, id: &str) -> bool {
        let at = self.rows.iter().position(|row| row.get("id").and_then(Value::as_text) == Some(id));
        if let Some(at) = at {
            self.state.row = at;
        }
        at.is_some()
    }

    /// Moves; false if the motion leads nowhere.
    pub(super) fn motion(&mut self, motion: Motion, height: usize) -> bool {
        let columns = self.shown().len();
        self.state.step(motion.into(), self.rows.len(), columns, height)
    }

    /// Puts the cursor back into the rows and columns there are.
    pub(super) fn settle(&mut self) {
        let columns = self.shown().len();
        self.state.row = self.state.row.min(self.rows.len().saturating_sub(1));
        self.state.column = self.state.column.min(columns.saturating_sub(1));
    }

    /// Whether a read of all rows by a column gives the order that [`Grid::sort_by`] gives: not for blobs, which have none
    /// there, and not for lists and vectors, which are compared as texts here.
    pub(super) fn is_plain(&self, column: &str) -> bool {
        let mut values = self.rows.iter().filter_map(|row| row.get(column));
        !values.any(|value| matches!(value, Value::List(_) | Value::Vector(_) | Value::Blob(_)))
    }

    /// Sorts the rows in memory by a column (index over all columns); rows of equal value by id, as a read does. The selected
    /// row stays selected.
    pub(super) fn sort_by(&mut self, column: usize, descending: bool) {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        let value = |row: usize| self.rows[row].values().get(column).unwrap_or(&Value::Null);
        let id = |row: usize| self.rows[row].get("id").and_then(Value::as_text);
        order.sort_by(|&a, &b| compare(value(a), value(b), descending).then_with(|| id(a).cmp(&id(b))));
        self.state.row = order.iter().position(|&row| row == self.state.row).unwrap_or(0);
        let mut rows: Vec<Option<Row>> = std::mem::take(&mut self.rows).into_iter().map(Some).collect();
        self.rows = order.into_iter().filter_map(|row| rows[row].take()).collect();
        self.sort = Some((column, descending));
    }

    /// Says that the rows came sorted by a column.
    pub(super) fn came_sorted(&mut self, column: &str, descending: bool) {
        let at = self.columns.iter().position(|name| &**name == column);
        self.sort = at.map(|at| (at, descending));
    }

    /// The column the rows are sorted by, and whether descending.
    pub(super) fn sorted(&self) -> Option<(usize, bool)> {
        self.sort
    }

    /// The sort as the widget shows it: by position among the columns on view.
    pub(super) fn sort_sign(&self) -> Option<Sort> {
        let (column, descending) = self.sort?;
        let at = self.shown().iter().position(|&shown| shown == column)?;
        Some(if descending { Sort::Descending(at) } else { Sort::Ascending(at) })
    }

    /// Number of matching rows, and the position of the selected row among them (from 1; 0 if it is none).
    pub(super) fn matching(&self, matcher: &Matcher) -> (usize, usize) {
        let shown = self.shown();
        let hits: Vec<usize> = (0..self.rows.len()).filter(|&at| matches(&self.rows[at], &shown, matcher)).collect();
        let this = hits.iter().position(|&at| at == self.state.row).map_or(0, |at| at + 1);
        (this, hits.len())
    }

    /// Moves to the next matching row, or the former one, round the end. `here` counts the selected row itself.
    pub(super) fn find(&mut self, matcher: &Matcher, forward: bool, here: bool, height: usize) -> bool {
        let len = self.rows.len();
        let shown = self.shown();
        let start = self.state.row;
        let nearest = usize::from(!here);
        let mut steps = (nearest..len + nearest).map(|step| {
            let step = step % len.max(1);
            if forward { (start + step) % len.max(1) } else { (start + len - step) % len.max(1) }
        });
        let hit = steps.find(|&at| at < len && matches(&self.rows[at], &shown, matcher));
        if let Some(at) = hit {
            self.state.row = at;
            self.state.settle(len, shown.len(), height);
        }
        hit.is_some()
    }

    /// The rows in memory as CSV with a header, shown columns only.
    pub(super) fn csv(&self) -> String {
        let shown = self.shown();
        let mut text = TextForm::Csv.header(shown.iter().map(|&at| &*self.columns[at]));
        for row in &self.rows {
            let cell = |&at: &usize| (&*self.columns[at], row.values().get(at).unwrap_or(&Value::Null));
            text.push_str(&TextForm::Csv.line(shown.iter().map(cell)));
        }
        text
    }
}

/// Whether a row matches a search: any of its shown cells does.
fn matches(row: &Row, shown: &[usize], matcher: &Matcher) -> bool {
    let texts: Vec<_> = shown.iter().filter_map(|&at| row.values().get(at)).map(|value| cell(value).0).collect();
    matcher.accepts_any(texts.iter().map(AsRef::as_ref))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Grid {
        let row = |id: &str, age: Option<i64>| vec![Value::from(id), age.map_or(Value::Null, Value::Int)];
        Grid::of(&["id", "age"], vec![row("ann", Some(31)), row("bob", None), row("cy", Some(9))])
    }

    fn ids(grid: &Grid) -> Vec<&str> {
        grid.rows().iter().filter_map(|row| row.get("id")?.as_text()).collect()
    }

    #[test]
    fn sorting_keeps_the_selected_row_selected() {
        let mut grid = people();
        assert!(grid.select_id("cy"));
        grid.sort_by(1, true);
        assert_eq!(ids(&grid), ["ann", "cy", "bob"]);
        assert_eq!(grid.id(), Some("cy"));
        grid.sort_by(1, false);
        assert_eq!(ids(&grid), ["cy", "ann", "bob"]);
        assert_eq!(grid.sort_sign(), Some(Sort::Ascending(1)));
    }

    #[test]
    fn rows_of_equal_value_come_by_id_whatever_the_order_before() {
        let row = |id: &str, age: i64| vec![Value::from(id), Value::Int(age)];
        let mut grid = Grid::of(&["id", "age"], vec![row("c", 1), row("a", 1), row("b", 2)]);
        grid.sort_by(0, true);
        grid.sort_by(1, true);
        assert_eq!(ids(&grid), ["b", "a", "c"]);
    }

    #[test]
    fn hidden_columns_leave_the_copy_and_the_last_one_stays() {
        let mut grid = people();
        assert!(grid.toggle("id"));
        assert_eq!(grid.csv(), "age\n31\n\n9\n");
        assert_eq!(grid.chosen(), Some(vec!["age".to_owned()]));
        assert!(!grid.toggle("age"), "the last column stays");
        assert!(grid.toggle("id"));
        assert_eq!(grid.chosen(), None);
    }

    #[test]
    fn search_goes_round_and_counts() {
        let mut grid = people();
        let matcher = Matcher::new("/n|y/").unwrap().unwrap();
        assert_eq!(grid.matching(&matcher), (1, 2));
        assert!(grid.find(&matcher, true, false, 2));
        assert_eq!(grid.id(), Some("cy"));
        assert!(grid.find(&matcher, true, false, 2));
        assert_eq!(grid.id(), Some("ann"));
        assert!(grid.find(&matcher, false, false, 2));
        assert_eq!(grid.id(), Some("cy"));
        let none = Matcher::new("zzz").unwrap().unwrap();
        assert!(!grid.find(&none, true, true, 2));
        assert!(!Grid::default().find(&none, false, true, 2));
    }

    #[test]
    fn a_new_page_follows_the_row_not_the_number() {
        let mut before = people();
        before.select_id("cy");
        before.toggle("age");
        let mut after = Grid::of(&["id", "age"], vec![vec!["aa".into(), Value::Null], vec!["cy".into(), Value::Null]]);
        after.follow(&before);
        assert_eq!((after.id(), after.shown()), (Some("cy"), vec![0]));
    }
}
