//! The pass that gives every commit a lane and every edge its line.
//!
//! The state is a vector "lane → parent it waits for". One [`Lanes::step`] per row, from the top, applies these rules:
//!
//! 1. Commits of the default branch's first-parent chain are always in lane 0, and nothing else is.
//! 2. Any other commit takes the leftmost lane that waits for it, else the leftmost free lane from 1 on (from 0 without a
//!    default branch). All other lanes waiting for the commit end in its row.
//! 3. First parent: if a lane further left already waits for it, this commit's lane joins the nearest such lane here and ends;
//!    otherwise the lane goes on, waiting for the parent.
//! 4. Any further parent joins the nearest lane waiting for it (the left one of two equally near), else opens the leftmost free
//!    lane to the right.
//! 5. A freed lane stays empty for one row, so that nothing looks like its continuation. Lanes never slide sideways.
//!
//! Three cases the rules leave open are decided so that the drawing stays lossless:
//!
//! - A line of left-out commits and a direct line never share a lane: joining asks for the same kind.
//! - In a filtered list the nearest parent of a chain commit may lie beside the chain, or further down than the next commit of
//!   the chain. Lane 0 then ends, and the parent is treated as a further parent, so that lane 0 holds nothing but the chain.
//! - A parent outside the list gets a lane of its own, which ends in the next row.

use super::dag::EXTERNAL;
use super::rows::{Edge, Rows};

/// The lane is free.
const FREE: u32 = u32::MAX;
/// The lane was freed in the row before and stays empty in this one.
const RESTING: u32 = u32::MAX - 1;

/// The lanes between two rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lanes {
    /// What each lane waits for: [`Edge`] bits, [`FREE`] or [`RESTING`].
    pub(super) waits: Vec<u32>,
    /// Number of the edge that joined the lane last; means nothing in a free lane.
    pub(super) last_edge: Vec<u32>,
    /// Lanes that are resting.
    resting: Vec<u32>,
}

/// What one row does to the lanes, besides passing them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Lane of the commit.
    pub(super) lane: u32,
    /// A line comes from above into the commit's own lane.
    pub(super) above: bool,
    /// A line leaves the commit downwards in its own lane.
    pub(super) below: bool,
    /// Lanes that end in the commit.
    pub(super) ended: Vec<u32>,
    /// Lanes opened by the commit, with the edge.
    pub(super) started: Vec<(u32, u32)>,
    /// Lanes the commit's edges join, with the edge.
    pub(super) joined: Vec<(u32, u32)>,
}

impl Step {
    fn clear(&mut self) {
        self.ended.clear();
        self.started.clear();
        self.joined.clear();
        (self.above, self.below) = (false, false);
    }
}

/// Which lanes commits may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserve {
    /// Lane 0 is like any other.
    Nothing,
    /// Lane 0 is kept for the default branch.
    LaneZero,
}

impl Lanes {
    /// Restores the lanes a checkpoint keeps.
    pub(super) fn restore(waits: &[u32], last_edge: &[u32]) -> Self {
        let resting = (0u32..).zip(waits).filter(|&(_, &wait)| wait == RESTING).map(|(lane, _)| lane).collect();
        Self { waits: waits.to_vec(), last_edge: last_edge.to_vec(), resting }
    }

    /// The edge a lane waits with, if a line is in it.
    pub(super) fn line(&self, lane: usize) -> Option<Edge> {
        self.waits.get(lane).copied().filter(|&wait| is_line(wait)).map(Edge::from_bits)
    }

    /// Moves the lanes over `row` and says in `step` what happened there.
    ///
    /// `joined_before[e]` becomes the edge that was last in the lane when edge `e` joined it, or `u32::MAX` if `e` opened it.
    pub(super) fn step(
        &mut self,
        rows: &Rows,
        row: u32,
        reserve: Reserve,
        is_chain: &dyn Fn(u32) -> bool,
        joined_before: &mut dyn FnMut(u32, u32),
        step: &mut Step,
    ) {
        step.clear();
        let rested = std::mem::take(&mut self.resting);
        self.end_external();
        let pinned = reserve == Reserve::LaneZero && is_chain(row);
        let from = usize::from(reserve == Reserve::LaneZero);
        self.take_lane(row, pinned, from, step);
        self.lead_to_parents(rows, row, pinned.then_some(is_chain), from, joined_before, step);
        for lane in rested {
            if self.waits[lane as usize] == RESTING && !self.resting.contains(&lane) {
                self.waits[lane as usize] = FREE;
            }
        }
        while self.waits.last() == Some(&FREE) {
            self.waits.pop();
            self.last_edge.pop();
        }
    }

    /// Rule 5 for lines that lead outside: they end in the first row below their child.
    fn end_external(&mut self) {
        for lane in 0..self.waits.len() {
            if self.waits[lane] == EXTERNAL {
                self.free(lane);
            }
        }
    }

    /// Rules 1 and 2.
    fn take_lane(&mut self, row: u32, pinned: bool, from: usize, step: &mut Step) {
        let waiting = self.waits.iter().position(|&wait| is_line(wait) && wait & EXTERNAL == row);
        let lane = match waiting {
            _ if pinned => {
                self.grow(1);
                0
            }
            Some(lane) => lane,
            None => self.free_lane(from),
        };
        step.lane = narrow(lane);
        step.above = waiting == Some(lane);
        for other in waiting.unwrap_or(self.waits.len())..self.waits.len() {
            if other != lane && is_line(self.waits[other]) && self.waits[other] & EXTERNAL == row {
                self.free(other);
                step.ended.push(narrow(other));
            }
        }
    }

    /// Rules 3 and 4. `chain` is given for commits of the default branch's chain.
    fn lead_to_parents(
        &mut self,
        rows: &Rows,
        row: u32,
        chain: Option<&dyn Fn(u32) -> bool>,
        from: usize,
        joined_before: &mut dyn FnMut(u32, u32),
        step: &mut Step,
    ) {
        let lane = step.lane as usize;
        self.waits[lane] = RESTING;
        let own = own_edge(rows, row, chain);
        for (edge_number, (index, &edge)) in (rows.first_edge(row)..).zip(rows.edges(row).iter().enumerate()) {
            let joins = if own == Some(index) {
                self.nearest(edge, lane, 0..lane)
            } else {
                self.nearest(edge, lane, 0..self.waits.len())
            };
            if let Some(other) = joins {
                joined_before(edge_number, self.last_edge[other]);
                self.last_edge[other] = edge_number;
                step.joined.push((narrow(other), edge_number));
                continue;
            }
            joined_before(edge_number, u32::MAX);
            let opened = if own == Some(index) { lane } else { self.free_lane(from.max(lane + 1)) };
            self.waits[opened] = edge.bits();
            self.last_edge[opened] = edge_number;
            if opened == lane {
                step.below = true;
            } else {
                step.started.push((narrow(opened), edge_number));
            }
        }
        if !step.below {
            self.free(lane);
        }
    }

    /// The lane nearest to `lane` that waits with the same kind of line for the same parent; lines to outside are never shared.
    fn nearest(&self, edge: Edge, lane: usize, among: std::ops::Range<usize>) -> Option<usize> {
        if edge == Edge::OUTSIDE {
            return None;
        }
        among
            .filter(|&other| self.waits[other] == edge.bits() && other != lane)
            .min_by_key(|&other| other.abs_diff(lane))
    }

    fn free_lane(&mut self, from: usize) -> usize {
        let free = (from..self.waits.len()).find(|&lane| self.waits[lane] == FREE);
        let lane = free.unwrap_or(self.waits.len().max(from));
        self.grow(lane + 1);
        lane
    }

    fn grow(&mut self, lanes: usize) {
        if self.waits.len() < lanes {
            self.waits.resize(lanes, FREE);
            self.last_edge.resize(lanes, u32::MAX);
        }
    }

    fn free(&mut self, lane: usize) {
        self.waits[lane] = RESTING;
        self.last_edge[lane] = u32::MAX;
        self.resting.push(narrow(lane));
    }
}

/// Which of the row's edges may go on in the commit's own lane: the first, or on the default branch's chain the one to the next
/// commit of the chain, which stands in lane 0 whether it is a parent or not.
///
/// Where a chain ends in a parent outside the list, that line ends in the next row, unless a commit of the chain stands there.
fn own_edge(rows: &Rows, row: u32, chain: Option<&dyn Fn(u32) -> bool>) -> Option<usize> {
    let edges = rows.edges(row);
    let Some(is_chain) = chain else { return (!edges.is_empty()).then_some(0) };
    let last = edges.iter().filter_map(|edge| edge.row()).max().unwrap_or(row);
    let next = (row + 1..=last).find(|&row| is_chain(row));
    let to_chain = next.and_then(|next| edges.iter().position(|edge| edge.row() == Some(next)));
    let leads_outside = edges.first().is_some_and(|edge| *edge == Edge::OUTSIDE);
    to_chain.or_else(|| (leads_outside && !is_chain(row + 1)).then_some(0))
}

fn is_line(wait: u32) -> bool {
    wait < RESTING
}

fn narrow(lane: usize) -> u32 {
    super::dag::as_u32(lane)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restore_finds_the_resting_lanes() {
        let lanes = Lanes::restore(&[3, RESTING, FREE], &[0, u32::MAX, u32::MAX]);
        assert_eq!(lanes.resting, [1]);
        assert_eq!(lanes.line(0), Some(Edge::direct(3)));
        assert_eq!((lanes.line(1), lanes.line(2), lanes.line(7)), (None, None, None));
    }
}
