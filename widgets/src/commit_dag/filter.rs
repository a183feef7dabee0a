//! Hiding commits while the graph stays true.
//!
//! The effective parents of a visible commit are its visible parents, and for each hidden parent the nearest visible ancestors
//! behind it, leaving out those that another effective parent already implies. Edges that leave out commits are elided and
//! drawn dotted. Direct edges are always kept. A line from a hidden commit to one outside the list is dropped.
//!
//! One pass from the bottom row: a hidden commit's nearest visible ancestors follow from those of its parents, and a hidden
//! commit with one parent shares its parent's set. Source: history simplification with parent rewriting, `git log` manual.

use std::collections::BTreeSet;
use std::ops::Range;

use super::dag::{Dag, NodeSet, as_u32};
use super::order::Order;
use super::rows::{Edge, RowItem, Rows};

/// Rows one search for implied parents may visit. Beyond it an implied edge may stay: still true, only superfluous.
const SEARCH_LIMIT: usize = 20_000;

/// Lists the commits for which `visible` holds, with their effective parents.
#[must_use]
pub fn filter(dag: &Dag, order: &Order, visible: impl Fn(u32) -> bool) -> Rows {
    let mut pass = Pass::new(dag, order);
    for (position, &node) in order.nodes().iter().enumerate().rev() {
        pass.visit(dag, position, node, visible(node));
    }
    pass.finish(dag, order)
}

/// The pass works on positions in the order: a parent has a larger position than its child.
struct Pass {
    position_of: Vec<u32>,
    /// Per position: the nearest visible ancestors of a hidden commit, or the effective parents of a visible one.
    found: Vec<Range<usize>>,
    shown: NodeSet,
    arena: Vec<Edge>,
}

impl Pass {
    fn new(dag: &Dag, order: &Order) -> Self {
        let mut position_of = vec![0; dag.len()];
        for (position, &node) in order.nodes().iter().enumerate() {
            position_of[node as usize] = as_u32(position);
        }
        let found = vec![0..0; dag.len()];
        Self { position_of, found, shown: NodeSet::new(dag.len()), arena: Vec::new() }
    }

    fn visit(&mut self, dag: &Dag, position: usize, node: u32, visible: bool) {
        if visible {
            self.shown.insert(as_u32(position));
        }
        let parents = dag.parents(node);
        let below = |parent: u32| self.position_of.get(parent as usize).copied().filter(|&at| at as usize > position);
        if let ([parent], false) = (parents, visible) {
            match below(*parent) {
                Some(at) if !self.shown.contains(at) => {
                    self.found[position] = self.found[at as usize].clone();
                    return;
                }
                Some(_) | None => (),
            }
        }
        let mut edges = Vec::new();
        for &parent in parents {
            match below(parent) {
                None if visible => edges.push(Edge::OUTSIDE),
                None => (),
                Some(at) if self.shown.contains(at) => {
                    edges.push(if visible { Edge::direct(at) } else { Edge::elided(at) });
                }
                Some(at) => edges.extend(&self.arena[self.found[at as usize].clone()]),
            }
        }
        let edges = self.without_implied(edges);
        let start = self.arena.len();
        self.arena.extend(edges);
        self.found[position] = start..self.arena.len();
    }

    /// Drops second mentions, and elided edges to ancestors of another edge's parent.
    fn without_implied(&self, edges: Vec<Edge>) -> Vec<Edge> {
        let mut kept: Vec<Edge> = Vec::with_capacity(edges.len());
        let direct: Vec<u32> = edges.iter().filter(|edge| !edge.is_elided()).map(|edge| edge.target()).collect();
        for edge in edges {
            if !edge.is_elided() || !(kept.contains(&edge) || direct.contains(&edge.target())) {
                kept.push(edge);
            }
        }
        if kept.len() > 1 && kept.iter().any(|edge| edge.is_elided()) {
            let implied = self.implied(&kept);
            kept.retain(|edge| !edge.is_elided() || !implied.contains(&edge.target()));
        }
        kept
    }

    /// Which of the parents are ancestors of another one: a walk down the visible rows, newest first, no deeper than the lowest.
    fn implied(&self, edges: &[Edge]) -> BTreeSet<u32> {
        let targets: BTreeSet<u32> = edges.iter().filter_map(|edge| edge.row()).collect();
        let lowest = targets.last().copied().unwrap_or(0);
        let parents_of = |at: u32| self.arena[self.found[at as usize].clone()].iter().filter_map(|edge| edge.row());
        let mut open: BTreeSet<u32> =
            targets.iter().flat_map(|&at| parents_of(at)).filter(|&at| at <= lowest).collect();
        let mut implied = BTreeSet::new();
        for _ in 0..SEARCH_LIMIT {
            let Some(at) = open.pop_first() else { break };
            if targets.contains(&at) {
                implied.insert(at);
            }
            open.extend(parents_of(at).filter(|&next| next <= lowest));
        }
        implied
    }

    fn finish(self, dag: &Dag, order: &Order) -> Rows {
        let mut rows = Rows::with_nodes(dag.len());
        let mut row_of = vec![0; dag.len()];
        let shown = || (0..as_u32(dag.len())).filter(|&at| self.shown.contains(at));
        for (row, at) in (0u32..).zip(shown()) {
            row_of[at as usize] = row;
        }
        for at in shown() {
            let to_row = |edge: &Edge| match edge.row() {
                None => Edge::OUTSIDE,
                Some(to) if edge.is_elided() => Edge::elided(row_of[to as usize]),
                Some(to) => Edge::direct(row_of[to as usize]),
            };
            let edges: Vec<Edge> = self.arena[self.found[at as usize].clone()].iter().map(to_row).collect();
            let node = order.nodes()[at as usize];
            rows.place(node, row_of[at as usize]);
            rows.push(RowItem::Commit(node), &edges);
        }
        rows
    }
}
