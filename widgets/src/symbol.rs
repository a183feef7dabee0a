//! The signs of all widgets, in Unicode and in ASCII.
//!
//! No meaning hangs on color, so every state has a sign of its own: null, empty, missing and not loaded are four different
//! ones in either set.

use ratatui::symbols::border;

use crate::commit_dag::{self, Glyphs};

/// One complete set of signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbols {
    /// Borders of panes.
    pub border: border::Set<'static>,
    /// Signs of the commit graph.
    pub graph: &'static Glyphs,
    /// Marks the selected row.
    pub cursor: &'static str,
    /// Marks a row the user marked.
    pub mark: &'static str,
    /// Marks what ended well.
    pub good: &'static str,
    /// Marks a changed cell.
    pub changed: &'static str,
    /// Ties a row to the one above it.
    pub tie: &'static str,
    /// Stands for text that was cut off.
    pub ellipsis: &'static str,
    /// Pictures of the spinner, one per tick.
    pub spinner: &'static [&'static str],
    /// Done part of a progress bar.
    pub bar_full: char,
    /// Open part of a progress bar.
    pub bar_empty: char,
    /// A null value.
    pub null: &'static str,
    /// An empty string.
    pub empty: &'static str,
    /// The column does not exist in this row's version.
    pub missing: &'static str,
    /// The value is not loaded yet.
    pub not_loaded: &'static str,
    /// A tree node that can be opened.
    pub closed: &'static str,
    /// An open tree node.
    pub open: &'static str,
    /// A tree node without children.
    pub leaf: &'static str,
    /// Sorted from the smallest to the largest.
    pub ascending: &'static str,
    /// Sorted from the largest to the smallest.
    pub descending: &'static str,
    /// There is more to the left.
    pub more_left: &'static str,
    /// There is more to the right.
    pub more_right: &'static str,
    /// Between two columns of a table.
    pub separator: &'static str,
}

/// Signs for terminals that draw Unicode one column wide.
pub const UNICODE: Symbols = Symbols {
    border: border::PLAIN,
    graph: &commit_dag::UNICODE,
    cursor: "▸",
    mark: "✓",
    good: "✓",
    changed: "•",
    tie: "╰",
    ellipsis: "…",
    spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
    bar_full: '█',
    bar_empty: '░',
    null: "∅",
    empty: "␣",
    missing: "╌",
    not_loaded: "⋯",
    closed: "▸ ",
    open: "▾ ",
    leaf: "  ",
    ascending: "▲",
    descending: "▼",
    more_left: "‹",
    more_right: "›",
    separator: "│",
};

/// Seven-bit signs only.
pub const ASCII: Symbols = Symbols {
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
    graph: &commit_dag::ASCII,
    cursor: ">",
    mark: "x",
    good: "+",
    changed: "*",
    tie: "`",
    ellipsis: "...",
    spinner: &["|", "/", "-", "\\"],
    bar_full: '#',
    bar_empty: '.',
    null: "(null)",
    empty: "\"\"",
    missing: "--",
    not_loaded: "..",
    closed: "+ ",
    open: "- ",
    leaf: "  ",
    ascending: "^",
    descending: "v",
    more_left: "<",
    more_right: ">",
    separator: "|",
};

impl Symbols {
    /// Returns the spinner's picture for a tick; it repeats.
    #[must_use]
    pub fn spin(&self, tick: usize) -> &'static str {
        self.spinner.get(tick % self.spinner.len().max(1)).copied().unwrap_or("")
    }

    /// Returns a bar of `width` columns; it is full only if `done` reached `total`, and empty if the total is 0.
    #[must_use]
    pub fn bar(&self, done: u64, total: u64, width: usize) -> String {
        let share = u128::from(done.min(total)) * (width as u128) / u128::from(total.max(1));
        let full = usize::try_from(share).unwrap_or(width).min(width);
        let signs = std::iter::repeat_n(self.bar_full, full);
        signs.chain(std::iter::repeat_n(self.bar_empty, width - full)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::width::width;

    #[test]
    fn four_kinds_of_nothing_differ() {
        for set in [UNICODE, ASCII] {
            let mut signs = [set.null, set.empty, set.missing, set.not_loaded];
            signs.sort_unstable();
            assert!(signs.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }

    #[test]
    fn signs_of_a_set_have_equal_widths_where_they_stand_for_each_other() {
        for set in [UNICODE, ASCII] {
            assert_eq!((width(set.cursor), width(set.mark), width(set.good), width(set.changed)), (1, 1, 1, 1));
            assert_eq!((width(set.closed), width(set.open), width(set.leaf)), (2, 2, 2));
            assert!(set.spinner.iter().all(|sign| width(sign) == 1));
        }
        assert!([ASCII.null, ASCII.empty, ASCII.ellipsis, ASCII.more_left].iter().all(|sign| sign.is_ascii()));
    }

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        assert_eq!(ASCII.bar(999, 1000, 10), "#########.");
        assert_eq!(ASCII.bar(1000, 1000, 10), "##########");
        assert_eq!(ASCII.bar(u64::MAX, 0, 3), "...");
        assert_eq!((ASCII.spin(0), ASCII.spin(5)), ("|", "/"));
    }
}
