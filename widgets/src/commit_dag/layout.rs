//! Lanes for a whole list, kept as checkpoints, and windows replayed from them.
//!
//! [`Layout::new`] runs the pass of [`super::lanes`] once and keeps the lanes at every 256th row. [`Layout::window`] replays at
//! most 255 rows above the window and builds cells for the visible rows only. A list that grew at the top is laid out anew:
//! the pass takes a fraction of a second for a million commits, and row numbers in checkpoints stay plain.

use std::ops::Range;

use super::cells::{self, GraphRow, Paint};
use super::dag::NodeSet;
use super::lanes::{Lanes, Reserve, Step};
use super::rows::Rows;

/// Rows between two checkpoints.
pub const CHECKPOINT_ROWS: u32 = 256;

/// A list of rows with its lanes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    rows: Rows,
    chain: NodeSet,
    lanes: usize,
    checkpoints: Vec<Checkpoint>,
    joined_before: Vec<u32>,
}

/// The lanes before a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Checkpoint {
    waits: Box<[u32]>,
    last_edge: Box<[u32]>,
}

impl Layout {
    /// Lays out the list.
    ///
    /// `chain` is the first-parent chain of the default branch ([`super::Dag::first_parent_chain`]); empty if there is none. If
    /// no commit of it is in the list, lane 0 is like any other. O(rows × lanes).
    #[must_use]
    pub fn new(rows: Rows, chain: NodeSet) -> Self {
        let mut layout =
            Self { joined_before: vec![u32::MAX; rows.edge_count()], rows, chain, lanes: 0, checkpoints: Vec::new() };
        layout.drop_chain_outside_the_list();
        let mut joined_before = std::mem::take(&mut layout.joined_before);
        let (mut lanes, mut step) = (Lanes::default(), Step::default());
        for row in 0..super::dag::as_u32(layout.rows.len()) {
            if row % CHECKPOINT_ROWS == 0 {
                let (waits, last_edge) = (lanes.waits.clone().into(), lanes.last_edge.clone().into());
                layout.checkpoints.push(Checkpoint { waits, last_edge });
            }
            let mut note = |edge: u32, before: u32| joined_before[edge as usize] = before;
            layout.step(row, &mut lanes, &mut note, &mut step);
            layout.lanes = layout.lanes.max(lanes.waits.len());
        }
        layout.joined_before = joined_before;
        layout
    }

    /// Returns the rows that were laid out.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Returns the largest number of lanes any row needs.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Returns whether lane 0 is kept for the default branch.
    #[must_use]
    pub fn has_chain(&self) -> bool {
        !self.chain.is_empty()
    }

    /// Builds the graph column of the rows in `range`, clipped to the list.
    ///
    /// The same rows come out whatever window asks for them.
    #[must_use]
    pub fn window(&self, range: Range<u32>, paint: &Paint<'_>) -> Vec<GraphRow> {
        self.window_of(range, 0..self.lanes, paint)
    }

    /// As [`Layout::window`]; lines that pass in lanes other than `lanes` are there, without color and emphasis, so that what a
    /// window costs does not grow with the lanes that nobody sees.
    #[must_use]
    pub fn window_of(&self, range: Range<u32>, lanes: Range<usize>, paint: &Paint<'_>) -> Vec<GraphRow> {
        let end = range.end.min(super::dag::as_u32(self.rows.len()));
        let Some(checkpoint) =
            self.checkpoints.get((range.start / CHECKPOINT_ROWS) as usize).filter(|_| range.start < end)
        else {
            return Vec::new();
        };
        let seen = lanes;
        let mut lanes = Lanes::restore(&checkpoint.waits, &checkpoint.last_edge);
        let mut step = Step::default();
        let mut graph = Vec::with_capacity((end - range.start) as usize);
        for row in range.start / CHECKPOINT_ROWS * CHECKPOINT_ROWS..end {
            let before = (row >= range.start).then(|| lanes.clone());
            self.step(row, &mut lanes, &mut |_, _| (), &mut step);
            if let Some(before) = before {
                graph.push(cells::build(self, paint, row, (&before, &seen), &step));
            }
        }
        graph
    }

    /// Returns the heap size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let checkpoints = self.checkpoints.iter().map(|kept| size_of::<Checkpoint>() + kept.waits.len() * 8);
        self.rows.size_bytes()
            + self.chain.size_bytes()
            + self.joined_before.capacity() * 4
            + checkpoints.sum::<usize>()
    }

    /// The edge that was last in the lane when `edge` joined it.
    pub(super) fn joined_before(&self, edge: u32) -> Option<u32> {
        self.joined_before.get(edge as usize).copied().filter(|&before| before != u32::MAX)
    }

    fn step(&self, row: u32, lanes: &mut Lanes, note: &mut dyn FnMut(u32, u32), step: &mut Step) {
        let reserve = if self.chain.is_empty() { Reserve::Nothing } else { Reserve::LaneZero };
        let is_chain = |row: u32| self.rows.item(row).is_some_and(|item| self.chain.contains(item.node()));
        lanes.step(&self.rows, row, reserve, &is_chain, note, step);
    }

    fn drop_chain_outside_the_list(&mut self) {
        let rows = 0..super::dag::as_u32(self.rows.len());
        let shown = rows.filter_map(|row| self.rows.item(row)).any(|item| self.chain.contains(item.node()));
        if !shown {
            self.chain = NodeSet::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::cells::Emphasis;
    use super::super::glyph::UNICODE;
    use super::super::order::topological;
    use super::super::synthetic::{Shape, history};
    use super::*;

    #[test]
    fn a_window_looks_at_its_own_lines_only() {
        let made = history(Shape { commits: 100_000, branches: 30, merge_percent: 20, seed: 7 });
        let rows = Rows::all(&made.dag, &topological(&made.dag, |node| node));
        let layout = Layout::new(rows, made.dag.first_parent_chain(made.heads[0]));
        let looked = Cell::new(0);
        let color = |_| {
            looked.set(looked.get() + 1);
            None
        };
        let paint = Paint { glyphs: &UNICODE, color: &color, emphasis: &|_| Emphasis::Normal };
        let window = layout.window(60_000..60_030, &paint);
        let lines: usize = window.iter().map(|row| row.cells.iter().filter(|cell| cell.glyph != ' ').count()).sum();
        assert_eq!(window.len(), 30);
        assert!(looked.get() <= lines * 8, "{} looks for {lines} cells", looked.get());
    }

    #[test]
    fn lanes_that_nobody_sees_are_counted_and_not_looked_at() {
        let (lanes, own) = (1_000, 8);
        let mut dag = super::super::Dag::new();
        let root = dag.push(0, &[]);
        let mut main = root;
        // A fork from main for each branch, so that no two of them share a lane, and their commits in turn.
        let mut heads: Vec<u32> = Vec::new();
        for branch in 0..lanes {
            main = dag.push(1 + branch, &[main]);
            heads.push(main);
        }
        for turn in 0..own {
            for head in &mut heads {
                *head = dag.push(2_000 + turn, &[*head]);
            }
        }
        let rows = Rows::all(&dag, &topological(&dag, |node| node));
        let layout = Layout::new(rows, dag.first_parent_chain(main));
        let looked = Cell::new(0_usize);
        let color = |_| {
            looked.set(looked.get() + 1);
            None
        };
        let paint = Paint { glyphs: &UNICODE, color: &color, emphasis: &|_| Emphasis::Normal };
        let top = layout.rows().len() as u32 / 2;
        let all = layout.window(top..top + 30, &paint);
        looked.set(0);
        let seen = layout.window_of(top..top + 30, 10..20, &paint);
        assert!(looked.get() <= 30 * 10 * 8, "{} looks", looked.get());
        assert!(layout.lanes() > 900 && all[0].lanes() > 900, "{} lanes", layout.lanes());
        let signs = |rows: &[GraphRow]| rows.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(signs(&seen), signs(&all));
    }
}
