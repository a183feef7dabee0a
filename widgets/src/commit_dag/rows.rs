//! The list that is drawn: what stands in each row, and the edges between rows.
//!
//! The layout knows only [`Rows`]. The whole history, a filtered one and a folded one differ in how the list was made
//! ([`Rows::all`], [`super::filter`], [`super::fold`]), never in how it is laid out.
//!
//! **Invariant:** an edge leads to a row further down, or is [`EXTERNAL`].

use super::dag::{Dag, EXTERNAL, as_u32};
use super::order::Order;

/// What stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowItem {
    /// A commit, by node number.
    Commit(u32),
    /// Several commits folded into one row.
    Fold {
        /// Node number of the topmost folded commit; it identifies the fold.
        top: u32,
        /// How many commits are folded.
        count: u32,
        /// What kind of history is folded.
        kind: FoldKind,
    },
}

/// What kind of history a fold row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FoldKind {
    /// A straight run of commits.
    Run,
    /// A side branch that was merged.
    Side,
}

impl RowItem {
    /// Returns the commit of the row, or the topmost commit of the fold.
    #[must_use]
    pub fn node(self) -> u32 {
        match self {
            Self::Commit(node) | Self::Fold { top: node, .. } => node,
        }
    }
}

/// An edge to a parent row, or to something outside the list; solid or elided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge(u32);

const ELIDED: u32 = 0x8000_0000;

impl Edge {
    /// The edge to a parent that is not in the list.
    pub const OUTSIDE: Self = Self(EXTERNAL);

    /// Returns a direct edge to the parent in `row`.
    #[must_use]
    pub fn direct(row: u32) -> Self {
        Self(row & !ELIDED)
    }

    /// Returns an edge that leaves out commits between child and `row`.
    #[must_use]
    pub fn elided(row: u32) -> Self {
        Self(row | ELIDED)
    }

    /// Returns the parent's row; `None` if the parent is not in the list.
    #[must_use]
    pub fn row(self) -> Option<u32> {
        Some(self.0 & !ELIDED).filter(|&row| row != EXTERNAL)
    }

    /// Returns whether commits between child and parent are left out.
    #[must_use]
    pub fn is_elided(self) -> bool {
        self.0 & ELIDED != 0
    }

    pub(super) fn bits(self) -> u32 {
        self.0
    }

    pub(super) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The row without the mark, [`EXTERNAL`] included.
    pub(super) fn target(self) -> u32 {
        self.0 & !ELIDED
    }
}

const NO_ROW: u32 = u32::MAX;

/// The rows to draw, top first, with their edges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    items: Vec<RowItem>,
    ends: Vec<u32>,
    edges: Vec<Edge>,
    /// Row of each node; of a folded node the row of its fold.
    row_of: Vec<u32>,
}

impl Rows {
    /// Lists every commit with every edge.
    #[must_use]
    pub fn all(dag: &Dag, order: &Order) -> Self {
        let mut rows = Self::with_nodes(dag.len());
        for (row, &node) in order.nodes().iter().enumerate() {
            rows.row_of[node as usize] = as_u32(row);
        }
        for &node in order.nodes() {
            let parents = dag.parents(node).iter();
            let edges =
                parents.map(|&parent| rows.row_of(parent).map_or(Edge::OUTSIDE, Edge::direct)).collect::<Vec<_>>();
            rows.push(RowItem::Commit(node), &edges);
        }
        rows
    }

    /// Starts an empty list for a history of `nodes` commits.
    pub(super) fn with_nodes(nodes: usize) -> Self {
        Self { row_of: vec![NO_ROW; nodes], ..Self::default() }
    }

    /// Appends a row; an edge that does not lead further down becomes external.
    pub(super) fn push(&mut self, item: RowItem, edges: &[Edge]) {
        let row = as_u32(self.items.len());
        let down = |edge: &Edge| {
            if edge.target() > row { *edge } else { Edge::OUTSIDE }
        };
        self.edges.extend(edges.iter().map(down));
        self.items.push(item);
        self.ends.push(as_u32(self.edges.len()));
    }

    /// Notes in which row a node is found.
    pub(super) fn place(&mut self, node: u32, row: u32) {
        if let Some(place) = self.row_of.get_mut(node as usize) {
            *place = row;
        }
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// Returns what stands in a row; `None` below the last.
    #[must_use]
    pub fn item(&self, row: u32) -> Option<RowItem> {
        self.items.get(row as usize).copied()
    }

    /// Returns the first row for which `above` does not hold. It must hold for a number of rows from the top and for no other.
    #[must_use]
    pub fn partition_point(&self, above: impl Fn(RowItem) -> bool) -> u32 {
        as_u32(self.items.partition_point(|item| above(*item)))
    }

    /// Returns the edges of a row to its parents, first parent first; empty below the last row.
    #[must_use]
    pub fn edges(&self, row: u32) -> &[Edge] {
        if row as usize >= self.ends.len() {
            return &[];
        }
        &self.edges[self.first_edge(row) as usize..self.ends[row as usize] as usize]
    }

    /// Returns the row of a commit, or of the fold that holds it; `None` if it is filtered out.
    #[must_use]
    pub fn row_of(&self, node: u32) -> Option<u32> {
        self.row_of.get(node as usize).copied().filter(|&row| row != NO_ROW)
    }

    /// Number of the first edge of a row, counted over all rows.
    pub(super) fn first_edge(&self, row: u32) -> u32 {
        if row == 0 { 0 } else { self.ends[row as usize - 1] }
    }

    /// The row an edge starts from, by edge number.
    pub(super) fn child_of(&self, edge: u32) -> u32 {
        as_u32(self.ends.partition_point(|&end| end <= edge))
    }

    /// Number of commits in the history the list was made from.
    pub(super) fn node_count(&self) -> usize {
        self.row_of.len()
    }

    /// Returns the heap size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.items.capacity() * size_of::<RowItem>()
            + (self.ends.capacity() + self.edges.capacity() + self.row_of.capacity()) * 4
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::topological;
    use super::*;

    #[test]
    fn rows_name_their_parents_by_row() {
        let mut dag = Dag::new();
        dag.push(0, &[]);
        dag.push(1, &[0, EXTERNAL]);
        let rows = Rows::all(&dag, &topological(&dag, |node| node));
        assert_eq!(rows.item(0), Some(RowItem::Commit(1)));
        assert_eq!(rows.edges(0), [Edge::direct(1), Edge::OUTSIDE]);
        assert_eq!(rows.row_of(0), Some(1));
        assert_eq!((rows.child_of(0), rows.child_of(1)), (0, 0));
        assert_eq!(rows.edges(9), []);
    }

    #[test]
    fn an_edge_of_a_cycle_is_external() {
        let mut dag = Dag::new();
        dag.push(0, &[1]);
        dag.push(1, &[0]);
        let rows = Rows::all(&dag, &topological(&dag, |node| node));
        assert_eq!(rows.edges(0), [Edge::direct(1)]);
        assert_eq!(rows.edges(1), [Edge::OUTSIDE]);
    }
}
