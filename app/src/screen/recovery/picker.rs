//! A list whose rows take one or more lines: what is selected, what is on view, and how it is drawn.

use ratatui::layout::Rect;

use super::words::{Line, Style};
use crate::action::Motion;
use crate::cursor::Cursor;
use crate::matcher::Matcher;
use crate::screen::PaneId;
use crate::theme::Role;
use crate::view::{Canvas, Target};

/// One row of a list, or lines between rows.
#[derive(Debug)]
pub(super) struct Item<K> {
    /// What it is; none for lines that cannot be selected.
    pub(super) key: Option<K>,
    /// Its lines; never empty. A row's lines are set in by the sign of the selection.
    pub(super) lines: Vec<Line>,
}

impl<K> Item<K> {
    /// A row.
    pub(super) fn row(key: K, lines: Vec<Line>) -> Self {
        Self { key: Some(key), lines }
    }

    /// A line between rows.
    pub(super) fn note(text: impl Into<String>, role: Role) -> Self {
        Self { key: None, lines: vec![vec![(text.into(), role)]] }
    }

    /// A text between rows, in as many lines as it takes.
    pub(super) fn told(text: &str, role: Role, style: &Style) -> Self {
        Self { key: None, lines: style.text(text, role) }
    }

    /// What search and filter look at.
    pub(super) fn text(&self) -> String {
        let pieces = self.lines.iter().flatten().map(|(text, _)| text.as_str());
        pieces.collect::<Vec<_>>().join(" ")
    }
}

/// Leaves the rows that a filter accepts, and the notes.
pub(super) fn filtered<K>(mut items: Vec<Item<K>>, filter: Option<&Matcher>) -> Vec<Item<K>> {
    items.retain(|item| item.key.is_none() || filter.is_none_or(|filter| filter.accepts(&item.text())));
    items
}

/// Number of rows.
pub(super) fn count<K>(items: &[Item<K>]) -> usize {
    items.iter().filter(|item| item.key.is_some()).count()
}

/// What is selected, by what it is, and the first line on view.
#[derive(Debug)]
pub(super) struct Picker<K> {
    selected: Option<K>,
    /// Where it was; there stays the selection if it goes.
    row: usize,
    offset: usize,
}

impl<K> Default for Picker<K> {
    fn default() -> Self {
        Self { selected: None, row: 0, offset: 0 }
    }
}

impl<K: Clone + PartialEq> Picker<K> {
    /// The selected row, counted from 0 without the notes.
    pub(super) fn row(&self, items: &[Item<K>]) -> usize {
        let mut keys = items.iter().filter_map(|item| item.key.as_ref());
        let found = self.selected.as_ref().and_then(|selected| keys.position(|key| key == selected));
        found.unwrap_or(self.row).min(count(items).saturating_sub(1))
    }

    /// What is selected.
    pub(super) fn key<'a>(&self, items: &'a [Item<K>]) -> Option<&'a K> {
        items.iter().filter_map(|item| item.key.as_ref()).nth(self.row(items))
    }

    /// Selects a row, or the last one, and brings it on view.
    pub(super) fn select(&mut self, row: usize, items: &[Item<K>], height: usize) {
        self.row = row.min(count(items).saturating_sub(1));
        self.selected = items.iter().filter_map(|item| item.key.clone()).nth(self.row);
        self.offset = self.start(items, height);
    }

    /// Moves; false if that leads nowhere.
    pub(super) fn motion(&mut self, motion: Motion, items: &[Item<K>], height: usize) -> bool {
        let lines: usize = items.iter().map(|item| item.lines.len()).sum();
        let each = (lines / items.len().max(1)).max(1);
        let mut cursor = Cursor { row: self.row(items), offset: 0 };
        let moved = cursor.motion(motion, count(items), (height / each).max(1));
        self.select(cursor.row, items, height);
        moved
    }

    /// The next row that a search accepts, from the other end after the last.
    pub(super) fn next_match(&mut self, search: &Matcher, forward: bool, items: &[Item<K>], height: usize) -> bool {
        let rows: Vec<&Item<K>> = items.iter().filter(|item| item.key.is_some()).collect();
        let (len, row) = (rows.len(), self.row(items));
        let at = |step: usize| if forward { (row + step) % len } else { (row + len - step) % len };
        let found = (1..=len).map(at).find(|row| search.accepts(&rows[*row].text()));
        if let Some(row) = found {
            self.select(row, items, height);
        }
        found.is_some()
    }

    /// The first line on view: as little as needed from where it was.
    fn start(&self, items: &[Item<K>], height: usize) -> usize {
        let (row, mut line, mut seen) = (self.row(items), 0, 0);
        let (mut first, mut last) = (0, 0);
        for item in items {
            if item.key.is_some() {
                if seen == row {
                    (first, last) = (line, line + item.lines.len());
                }
                seen += 1;
            }
            line += item.lines.len();
        }
        // What stands above the first row is seen with it.
        let first = if row == 0 { 0 } else { first };
        let lowest = last.saturating_sub(height);
        self.offset.clamp(lowest.min(first), first.max(lowest)).max(lowest).min(line.saturating_sub(height))
    }

    /// Draws the lines on view.
    pub(super) fn draw(
        &self,
        pane: PaneId,
        items: &[Item<K>],
        search: Option<&Matcher>,
        focused: bool,
        inner: Rect,
        canvas: &mut Canvas<'_, '_>,
    ) {
        let (selected, mut row, mut skip) = (self.row(items), 0, self.start(items, usize::from(inner.height)));
        let mut free = inner.y..inner.bottom();
        let sign = canvas.theme().symbols().cursor;
        for item in items {
            let found = item.key.is_some() && search.is_some_and(|search| search.accepts(&item.text()));
            let is_selected = item.key.is_some() && row == selected;
            for (number, pieces) in item.lines.iter().enumerate() {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let Some(y) = free.next() else { return };
                let line = Rect { y, height: 1, ..inner };
                let mut pieces = pieces.clone();
                if item.key.is_some() {
                    let mark = if is_selected && number == 0 { sign } else { " " };
                    pieces.insert(0, (mark.to_owned(), Role::Text));
                    canvas.hit(line, Target::Row { pane, index: row });
                }
                if found && number == 0 {
                    for (_, role) in &mut pieces {
                        *role = Role::Match;
                    }
                }
                canvas.pieces(line, &pieces);
                if is_selected && number == 0 {
                    canvas.select(line, focused);
                }
            }
            row += usize::from(item.key.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(sizes: &[usize]) -> Vec<Item<usize>> {
        let line = || vec![("x".to_owned(), Role::Text)];
        let rows = sizes.iter().enumerate().map(|(key, size)| Item::row(key, (0..*size).map(|_| line()).collect()));
        std::iter::once(Item::note("above", Role::Dim)).chain(rows).collect()
    }

    #[test]
    fn the_selected_row_is_on_view_as_far_as_it_fits() {
        let items = items(&[2, 2, 1, 3, 2]);
        let firsts = [1, 3, 5, 6, 9];
        for height in 1..12 {
            let mut picker = Picker::default();
            for row in [4, 0, 3, 1, 2, 4] {
                picker.select(row, &items, height);
                let start = picker.start(&items, height);
                let whole = items.iter().filter(|item| item.key.is_some()).nth(row).unwrap().lines.len();
                assert!(start + height >= firsts[row] + whole.min(height), "row {row} of height {height}: {start}");
                assert!(height < whole || start <= firsts[row], "row {row} of height {height}: {start}");
            }
        }
    }

    #[test]
    fn the_selection_follows_what_it_is_and_stays_where_that_was() {
        let mut picker = Picker::default();
        picker.select(2, &items(&[1, 1, 1]), 9);
        let mut other = items(&[1, 1, 1]);
        other.remove(1);
        assert_eq!(picker.key(&other), Some(&2), "one before it is gone");
        other.pop();
        assert_eq!(picker.key(&other), Some(&1), "it is gone itself");
        other.pop();
        assert_eq!(picker.key(&other), None);
    }
}
