//! Rows as aligned columns whose widths are chosen by the first rows.
//!
//! A longer value that comes later widens its column from there on, on a terminal as far as the line has room; there the rest
//! of it is cut, and columns that have no room at all are left out, so that a line never wraps. Elsewhere nothing is cut.

use stratigraph_widgets::width::{Align, escape, truncate, width};

use super::super::error::{CliError, note};
use super::super::output::{LineBuilder, Out};
use crate::theme::Role;

/// Rows that are held back to choose the widths by, however many batches they come in.
const SAMPLE_ROWS: usize = 100;
/// No column is made narrower than this to fit the line.
const NARROWEST_CELL: usize = 6;
/// Columns are padded to no more than this: one long value must not push the others away for good.
const WIDEST_PADDING: usize = 60;

/// Columns being written.
pub(super) struct Table {
    columns: Vec<(String, Align)>,
    /// The first rows, until the widths are chosen.
    held: Vec<Vec<String>>,
    /// Widths of the columns that are printed: the first ones, or all.
    widths: Vec<usize>,
    /// Whether the widths are chosen and the titles written.
    begun: bool,
}

impl Table {
    pub(super) fn new(columns: Vec<(String, Align)>) -> Self {
        Self { columns, held: Vec::new(), widths: Vec::new(), begun: false }
    }

    /// Adds a row of escaped cells, one for each column.
    pub(super) fn row(&mut self, out: &mut Out, cells: Vec<String>) -> Result<(), CliError> {
        if self.begun {
            return self.line(out, Role::Text, &cells);
        }
        self.held.push(cells);
        if self.held.len() == SAMPLE_ROWS { self.begin(out) } else { Ok(()) }
    }

    /// Writes what is held back; titles alone if there was no row.
    pub(super) fn finish(mut self, out: &mut Out) -> Result<(), CliError> {
        if !self.begun {
            self.begin(out)?;
        }
        let (all, shown) = (self.columns.len(), self.widths.len());
        if shown < all {
            out.flush()?;
            note(&format!(
                "{} of {all} columns have no room in this line; --format csv or jsonl prints all",
                all - shown
            ));
        }
        Ok(())
    }

    /// Chooses the widths by the rows held back and writes those.
    fn begin(&mut self, out: &mut Out) -> Result<(), CliError> {
        let held = std::mem::take(&mut self.held);
        let titles: Vec<String> = self.columns.iter().map(|(name, _)| escape(name).into_owned()).collect();
        let rows = || std::iter::once(&titles).chain(&held);
        let widest = |column: usize| rows().map(|row| width(&row[column])).max().unwrap_or(0);
        let natural: Vec<usize> = (0..self.columns.len()).map(widest).collect();
        self.widths = match out.columns() {
            Some(line) => fit(natural, line),
            None => natural,
        };
        self.begun = true;
        self.line(out, Role::Dim, &titles)?;
        held.iter().try_for_each(|row| self.line(out, Role::Text, row))
    }

    fn line(&mut self, out: &mut Out, role: Role, row: &[String]) -> Result<(), CliError> {
        grow(&mut self.widths, row, out.columns());
        let mut line = LineBuilder::default();
        for ((text, &columns), (_, align)) in row.iter().zip(&self.widths).zip(&self.columns) {
            let text = match out.columns() {
                Some(_) => truncate(text, columns, out.theme().symbols().ellipsis),
                None => text.into(),
            };
            line.push(&out.cell(role, &text), columns.min(WIDEST_PADDING), *align == Align::Right);
        }
        out.line(&line.finish())
    }
}

/// Widens columns for cells that are longer than any before, as far as the line has room.
fn grow(widths: &mut [usize], row: &[String], line: Option<usize>) {
    let mut rest = line.map_or(usize::MAX, |line| line.saturating_sub(taken(widths)));
    for (columns, text) in widths.iter_mut().zip(row) {
        let more = width(text).saturating_sub(*columns).min(rest);
        *columns += more;
        rest -= more;
    }
}

/// Columns of the line that a row takes.
fn taken(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * 2
}

/// Narrows the widest columns until the line fits; if no column can be narrowed any more, leaves the last ones out, but not all.
fn fit(mut widths: Vec<usize>, line: usize) -> Vec<usize> {
    // No column needs more than the line, and values may be megabytes long.
    for width in &mut widths {
        *width = (*width).min(line.max(NARROWEST_CELL));
    }
    while taken(&widths) > line {
        let several = widths.len() > 1;
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST_CELL => *widest -= 1,
            Some(_) if several => drop(widths.pop()),
            Some(_) | None => break,
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::super::super::text_table::tests::Shared;
    use super::*;

    fn written(line: Option<usize>, names: &[&str]) -> Vec<String> {
        let shared = Shared::default();
        let mut out = Out::plain(shared.clone()).with_columns(line);
        let mut table = Table::new(vec![("id".to_owned(), Align::Right), ("name".to_owned(), Align::Left)]);
        for (id, name) in names.iter().enumerate() {
            table.row(&mut out, vec![id.to_string(), (*name).to_owned()]).unwrap();
        }
        table.finish(&mut out).unwrap();
        out.flush().unwrap();
        shared.text().lines().map(str::to_owned).collect()
    }

    #[test]
    fn without_a_terminal_no_value_is_cut_wherever_it_comes() {
        let long = "x".repeat(500);
        let mut names = vec!["a"; SAMPLE_ROWS];
        names.extend([long.as_str(), "b"]);
        let lines = written(None, &names);
        assert_eq!(lines[..2], ["id  name", " 0  a"]);
        assert_eq!(lines[SAMPLE_ROWS + 1], format!("100  {long}"));
        assert_eq!(lines[SAMPLE_ROWS + 2], "101  b", "a column that grew stays grown");
    }

    #[test]
    fn a_terminal_cuts_only_what_its_line_has_no_room_for() {
        let mut names = vec!["a"; SAMPLE_ROWS];
        names.push("much longer than those before");
        assert_eq!(written(Some(20), &names)[SAMPLE_ROWS + 1], "100  much longer th…");
        assert_eq!(written(Some(80), &names)[SAMPLE_ROWS + 1], "100  much longer than those before");
    }

    #[test]
    fn wide_columns_shrink_until_the_line_fits() {
        assert_eq!(fit(vec![10, 40, 40], 80), [10, 33, 33]);
        assert_eq!(fit(vec![10, 10], 80), [10, 10]);
        assert_eq!(fit(vec![40; 20], 80), [6; 10], "the others have no room");
        assert_eq!(fit(vec![40; 2], 3), [6]);
        assert_eq!(fit(vec![4, 5_000_000], 80), [4, 74]);
    }
}
