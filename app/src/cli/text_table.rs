//! Aligned columns of text for answers that are known whole.

use super::error::CliError;
use super::output::{Cell, LineBuilder, Out};
use crate::theme::Role;

pub(super) use stratigraph_widgets::width::Align;

/// Columns with titles and the rows under them.
pub(super) struct TextTable {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl TextTable {
    /// A table without rows. A title that is empty everywhere gives a table without a line of titles.
    pub(super) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with one cell for each column.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "BUG: a row needs one cell for each column");
        self.rows.push(cells);
    }

    /// Writes titles and rows; nothing if there is no row. Columns that are empty in every row are left out.
    pub(super) fn write(self, out: &mut Out) -> Result<(), CliError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let titles: Vec<Cell> = self.columns.iter().map(|(title, _)| out.cell(Role::Dim, title)).collect();
        let widest = |column: usize| self.rows.iter().map(|row| row[column].columns).max().unwrap_or(0);
        let shown: Vec<usize> = (0..self.columns.len()).filter(|&column| widest(column) > 0).collect();
        let widths: Vec<usize> = shown.iter().map(|&column| widest(column).max(titles[column].columns)).collect();
        let has_titles = titles.iter().any(|title| title.columns > 0);
        for row in has_titles.then_some(&titles).into_iter().chain(&self.rows) {
            let mut line = LineBuilder::default();
            for (&column, &width) in shown.iter().zip(&widths) {
                line.push(&row[column], width, self.columns[column].1 == Align::Right);
            }
            out.line(&line.finish())?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A writer whose content can be looked at.
    #[derive(Clone, Default)]
    pub(in crate::cli) struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        pub(in crate::cli) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn columns_align_and_empty_ones_vanish() {
        let shared = Shared::default();
        let mut out = Out::plain(shared.clone());
        let mut table = TextTable::new(&[("name", Align::Left), ("gone", Align::Left), ("rows", Align::Right)]);
        for (name, rows) in [("日本", "7"), ("abcdef", "12345")] {
            let cells = vec![out.cell(Role::Text, name), Cell::default(), out.cell(Role::Text, rows)];
            table.row(cells);
        }
        table.write(&mut out).unwrap();
        out.flush().unwrap();
        assert_eq!(shared.text(), "name     rows\n日本        7\nabcdef  12345\n");
    }
}
