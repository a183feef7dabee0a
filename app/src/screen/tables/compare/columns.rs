//! The columns of a comparison, kept up to date while rows and differences arrive, so that drawing measures nothing.

use std::sync::Arc;

use stratigraph_engine::Row;
use stratigraph_widgets::data_table::CellKind;
use stratigraph_widgets::width::{escape, width};

use super::super::grid::Grid;
use crate::view::cell::cell;

/// A column is no wider than this in a comparison.
const WIDEST: usize = 28;
/// A column is no narrower.
const NARROWEST: usize = 3;

/// Columns in order: those of the rows being read, then those that only differences have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    names: Vec<Arc<str>>,
    /// Per name: cells, and whether it holds numbers.
    widths: Vec<(usize, bool)>,
}

impl Columns {
    /// Names in order.
    pub(super) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Per name: width in cells, and whether the column holds numbers.
    pub(super) fn widths(&self) -> &[(usize, bool)] {
        &self.widths
    }

    /// Takes over the columns of the rows being read: they lead, and are at least as wide as in the grid.
    pub(super) fn follow(&mut self, grid: &Grid) {
        if !self.names.starts_with(grid.columns()) {
            let others = std::mem::take(self);
            for name in grid.columns() {
                self.widen(name, 0, false);
            }
            for (name, (wide, numeric)) in others.names.iter().zip(others.widths) {
                self.widen(name, wide, numeric);
            }
        }
        for (at, name) in grid.columns().iter().enumerate() {
            self.widen(name, grid.width(at), grid.is_numeric(at));
        }
    }

    /// Makes room for one side of a difference.
    pub(super) fn add(&mut self, row: &Row) {
        for (name, value) in row.columns().iter().zip(row.values()) {
            let (text, kind) = cell(value);
            // The mark of a changed cell takes a column.
            self.widen(name, width(&escape(&text)) + 1, kind == CellKind::Number);
        }
    }

    fn widen(&mut self, name: &Arc<str>, wide: usize, numeric: bool) {
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.clone());
            self.widths.push((width(&escape(name)).clamp(NARROWEST, WIDEST), false));
            self.names.len() - 1
        });
        let (widest, is_number) = &mut self.widths[at];
        *widest = wide.clamp(*widest, WIDEST);
        *is_number |= numeric;
    }
}

#[cfg(test)]
mod tests {
    use stratigraph_engine::Value;

    use super::*;

    fn row(cells: &[(&str, Value)]) -> Row {
        let names = cells.iter().map(|(name, _)| Arc::from(*name)).collect();
        Row::new(names, cells.iter().map(|(_, value)| value.clone()).collect())
    }

    fn grid() -> Grid {
        Grid::of(&["id", "age"], vec![vec!["ann".into(), Value::Int(31)]])
    }

    fn shown(columns: &Columns) -> Vec<(&str, usize, bool)> {
        let pairs = columns.names().iter().zip(columns.widths());
        pairs.map(|(name, &(wide, numeric))| (&**name, wide, numeric)).collect()
    }

    #[test]
    fn columns_are_the_same_whichever_side_comes_first() {
        let difference = row(&[("old", "x".repeat(99).as_str().into()), ("age", Value::Int(100)), ("id", "b".into())]);
        let (mut early, mut late) = (Columns::default(), Columns::default());
        early.add(&difference);
        early.follow(&grid());
        late.follow(&grid());
        late.add(&difference);
        assert_eq!(shown(&late), [("id", 3, false), ("age", 4, true), ("old", WIDEST, false)]);
        assert_eq!(early, late);
    }

    #[test]
    fn columns_grow_with_the_grid() {
        let (mut columns, mut grid) = (Columns::default(), grid());
        columns.follow(&grid);
        grid.push(vec![row(&[("id", "somebody".into()), ("age", Value::Null)])]);
        columns.follow(&grid);
        assert_eq!(shown(&columns), [("id", 8, false), ("age", grid.width(1), true)]);
    }
}
