//! Rows of the commit list that match a search.

use super::chart::Chart;
use super::filter::mentions;
use crate::matcher::Matcher;
use stratigraph_widgets::commit_dag::RowItem;

/// Matching rows of one chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The term.
    pub term: String,
    /// Rows that match, from top to bottom.
    pub rows: Vec<usize>,
}

impl Found {
    /// The first match below `row`, from the top again after the last.
    #[must_use]
    pub fn next(&self, row: usize) -> Option<usize> {
        let at = self.rows.partition_point(|found| *found <= row);
        self.rows.get(at).or(self.rows.first()).copied()
    }

    /// The last match above `row`, from the bottom again after the first.
    #[must_use]
    pub fn previous(&self, row: usize) -> Option<usize> {
        let at = self.rows.partition_point(|found| *found < row);
        at.checked_sub(1).and_then(|at| self.rows.get(at)).or(self.rows.last()).copied()
    }

    /// Place of `row` among the matches, from 1; 0 if it is none.
    #[must_use]
    pub fn place(&self, row: usize) -> usize {
        self.rows.binary_search(&row).map_or(0, |at| at + 1)
    }
}

/// Finds the rows whose summary, labels, actor or whole id match. Folded commits do not count.
#[must_use]
pub(super) fn find(chart: &Chart, term: &str) -> Found {
    let mut found = Found { term: term.to_owned(), rows: Vec::new() };
    let Ok(Some(matcher)) = Matcher::new(term) else { return found };
    let log = chart.log();
    let summaries = log.summaries();
    let fits = |row: &usize| match chart.item(*row) {
        Some(RowItem::Commit(node)) => {
            log.commit(node).is_some_and(|commit| mentions(&matcher, log, &summaries, commit))
        }
        Some(RowItem::Fold { .. }) | None => false,
    };
    found.rows = (0..chart.len()).filter(fits).collect();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_visited_round_and_round() {
        let found = Found { term: "x".into(), rows: vec![2, 5] };
        assert_eq!([0, 2, 4, 5, 9].map(|row| found.next(row)), [Some(2), Some(5), Some(5), Some(2), Some(2)]);
        assert_eq!([0, 2, 4, 5, 9].map(|row| found.previous(row)), [Some(5), Some(5), Some(2), Some(2), Some(5)]);
        assert_eq!([2, 5, 3].map(|row| found.place(row)), [1, 2, 0]);
        assert_eq!(Found::default().next(0), None);
    }
}
