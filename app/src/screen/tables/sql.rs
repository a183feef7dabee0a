//! The result of a query, and the statements typed so far.

use super::grid::Grid;
use super::request::Page;
use super::row_history::Progress;

/// A result on view.
#[derive(Debug)]
pub(super) struct SqlView {
    /// The statement.
    pub(super) statement: String,
    /// Rows so far.
    pub(super) grid: Grid,
    /// Whether the result has more rows than are shown.
    pub(super) cut: bool,
    /// How far it is.
    pub(super) progress: Progress,
}

impl SqlView {
    /// A query that is about to run.
    pub(super) fn new(statement: String) -> Self {
        Self { statement, grid: Grid::default(), cut: true, progress: Progress::Reading }
    }

    /// Takes rows; the first piece tells the columns.
    pub(super) fn take(&mut self, page: Page) {
        if self.grid.columns().is_empty() {
            self.grid = Grid::new(page.columns.iter().cloned());
        }
        self.grid.push(page.rows);
        self.cut = page.more;
    }
}

/// Remembers a statement as the newest one.
pub(super) fn remember(statements: &mut Vec<String>, statement: &str) {
    statements.retain(|former| former != statement);
    statements.push(statement.to_owned());
}
