//! The table of tables: what the merge does to each, with those that stay as they are folded. Pure.

use stratigraph_engine::merge::{MergeWay, TableMerge};

use super::Merge;

/// A row of the table of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableLine {
    /// The table at this place.
    Table(usize),
    /// The tables that stay as they are.
    Fold,
}

impl Merge {
    /// Tables as the merge leaves them, with what was decided.
    pub(super) fn merged_tables(&self) -> &[TableMerge] {
        self.deciding.as_ref().map_or(&[], |deciding| &deciding.check().tables)
    }

    /// The rows of the table of tables: those that change, a fold, and on demand what it hides.
    pub(super) fn table_lines(&self) -> Vec<TableLine> {
        let is_changed = |at: &usize| is_changed(&self.merged_tables()[*at]);
        let all = 0..self.merged_tables().len();
        let (changed, others): (Vec<usize>, Vec<usize>) = all.partition(is_changed);
        let mut lines: Vec<TableLine> = changed.into_iter().map(TableLine::Table).collect();
        if !others.is_empty() {
            lines.push(TableLine::Fold);
            if self.unfolded {
                lines.extend(others.into_iter().map(TableLine::Table));
            }
        }
        lines
    }

    pub(super) fn table_at(&self, line: TableLine) -> Option<&TableMerge> {
        match line {
            TableLine::Table(at) => self.merged_tables().get(at),
            TableLine::Fold => None,
        }
    }
}

/// Whether something happens to a table, or is to be decided.
pub(super) fn is_changed(table: &TableMerge) -> bool {
    table.way != MergeWay::Untouched || table.conflicts > 0
}
