//! Which row of a list is selected, and which rows are on view.

use std::ops::Range;

use crate::action::Motion;

/// Where a motion leads from a place between 0 and `last` when `height` lines are on view. Sideways it leads nowhere.
#[must_use]
pub fn moved(from: usize, motion: Motion, last: usize, height: usize) -> usize {
    let page = height.max(1);
    let half = (page / 2).max(1);
    let to = match motion {
        Motion::Down => from + 1,
        Motion::Up => from.saturating_sub(1),
        Motion::First => 0,
        Motion::Last => last,
        Motion::HalfDown => from + half,
        Motion::HalfUp => from.saturating_sub(half),
        Motion::PageDown => from + page,
        Motion::PageUp => from.saturating_sub(page),
        Motion::Left | Motion::Right | Motion::LeftEnd | Motion::RightEnd => from,
    };
    to.min(last)
}

/// Selected row and first row on view of a list whose rows are counted from 0.
///
/// The offset is a wish: [`Cursor::window`] moves it so that the selection is on view and the last page is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected row.
    pub row: usize,
    /// The first row on view.
    pub offset: usize,
}

impl Cursor {
    /// Moves up or down in a list of `len` rows of which `height` are on view. False if the motion leads nowhere or
    /// sideways.
    pub fn motion(&mut self, motion: Motion, len: usize, height: usize) -> bool {
        if matches!(motion, Motion::Left | Motion::Right | Motion::LeftEnd | Motion::RightEnd) {
            return false;
        }
        let last = len.saturating_sub(1);
        let row = moved(self.row, motion, last, height);
        let moved = row != self.row && len > 0;
        self.select(row, len, height);
        moved
    }

    /// Selects a row (the last one if there are fewer) and brings it on view.
    pub fn select(&mut self, row: usize, len: usize, height: usize) {
        self.row = row.min(len.saturating_sub(1));
        self.offset = self.window(len, height).start;
    }

    /// Rows on view in `height` lines; contains the selected row unless there is no room or no row.
    #[must_use]
    pub fn window(&self, len: usize, height: usize) -> Range<usize> {
        let row = self.row.min(len.saturating_sub(1));
        let lowest = (row + 1).saturating_sub(height);
        let start = self.offset.clamp(lowest, row.max(lowest)).min(len.saturating_sub(height));
        start..(start + height).min(len)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_and_ends() {
        let mut cursor = Cursor::default();
        assert!(cursor.motion(Motion::PageDown, 100, 10));
        assert_eq!((cursor.row, cursor.window(100, 10)), (10, 1..11));
        assert!(cursor.motion(Motion::Last, 100, 10));
        assert_eq!((cursor.row, cursor.window(100, 10)), (99, 90..100));
        assert!(!cursor.motion(Motion::Down, 100, 10));
        assert!(!cursor.motion(Motion::Right, 100, 10));
        assert!(cursor.motion(Motion::First, 100, 10));
        assert_eq!(cursor.window(100, 10), 0..10);
    }

    proptest! {
        #[test]
        fn the_selection_is_always_on_view(row in 0usize..50, offset in 0usize..80, len in 0usize..50, height in 0usize..60) {
            let window = Cursor { row, offset }.window(len, height);
            prop_assert!(window.end <= len && window.len() == height.min(len));
            if len > 0 && height > 0 {
                prop_assert!(window.contains(&row.min(len - 1)));
            }
        }
    }
}
