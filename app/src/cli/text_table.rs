//! Aligned columns of text for answers that are known whole.
//!
//! On a terminal whose line is too short the widest column of words is broken into lines; nothing is cut.

use super::error::CliError;
use super::output::{Cell, LineBuilder, Out};
use crate::theme::Role;

pub(super) use stratigraph_widgets::width::Align;

/// A column of words is not made narrower than this.
const NARROWEST_WORDS: usize = 12;

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
        let mut widths: Vec<usize> = shown.iter().map(|&column| widest(column).max(titles[column].columns)).collect();
        let is_words = |at: usize| {
            let column = shown[at];
            self.columns[column].1 == Align::Left && self.rows.iter().all(|row| row[column].is_breakable())
        };
        let longest_word =
            |at: usize| self.rows.iter().map(|row| row[shown[at]].longest_word()).max().unwrap_or_default();
        if let Some(line) = out.columns() {
            fit(&mut widths, line, is_words, longest_word);
        }
        let has_titles = titles.iter().any(|title| title.columns > 0);
        for row in has_titles.then_some(&titles).into_iter().chain(&self.rows) {
            let cells: Vec<Vec<Cell>> =
                shown.iter().zip(&widths).map(|(&column, &width)| out.broken(&row[column], width)).collect();
            let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
            for at in 0..lines {
                let mut line = LineBuilder::default();
                for ((cell, &width), &column) in cells.iter().zip(&widths).zip(&shown) {
                    let cell = cell.get(at).cloned().unwrap_or_default();
                    line.push(&cell, width, self.columns[column].1 == Align::Right);
                }
                out.line(&line.finish())?;
            }
        }
        Ok(())
    }
}

/// Narrows the widest column of words so that the line fits, unless too little would be left of it to hold every word.
fn fit(widths: &mut [usize], line: usize, is_words: impl Fn(usize) -> bool, longest_word: impl Fn(usize) -> usize) {
    let taken = widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * 2;
    let Some(widest) = (0..widths.len()).filter(|at| is_words(*at)).max_by_key(|at| widths[*at]) else { return };
    let left = widths[widest].saturating_sub(taken.saturating_sub(line));
    if left >= longest_word(widest).max(NARROWEST_WORDS) {
        widths[widest] = left;
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

    fn written(line: Option<usize>) -> String {
        let shared = Shared::default();
        let mut out = Out::plain(shared.clone()).with_columns(line);
        let mut table = TextTable::new(&[("table", Align::Left), ("head", Align::Right), ("action", Align::Left)]);
        for (name, action) in [("node:Person", "restore version 20 as version 22"), ("edge:Knows", "nothing")] {
            table.row(vec![out.cell(Role::Text, name), out.cell(Role::Text, "21"), out.cell(Role::Text, action)]);
        }
        table.write(&mut out).unwrap();
        out.flush().unwrap();
        shared.text()
    }

    #[test]
    fn words_that_do_not_fit_the_line_of_a_terminal_go_on_below() {
        let whole = "table        head  action
node:Person    21  restore version 20 as version 22
edge:Knows     21  nothing
";
        assert_eq!((written(None).as_str(), written(Some(51)).as_str()), (whole, whole));
        let broken = "table        head  action
node:Person    21  restore version 20
                   as version 22
edge:Knows     21  nothing
";
        assert_eq!(written(Some(39)), broken);
        assert_eq!(written(Some(20)), whole, "too little would be left");
    }

    #[test]
    fn no_word_is_broken() {
        let written = |line| {
            let shared = Shared::default();
            let mut out = Out::plain(shared.clone()).with_columns(Some(line));
            let mut table = TextTable::new(&[("", Align::Left), ("", Align::Left)]);
            table.row(vec![out.cell(Role::Text, "main"), out.cell(Role::Text, "edge:MemberOf, node:Office")]);
            table.write(&mut out).unwrap();
            out.flush().unwrap();
            shared.text()
        };
        assert_eq!(written(20), "main  edge:MemberOf,\n      node:Office\n");
        assert_eq!(written(19), "main  edge:MemberOf, node:Office\n");
    }
}
