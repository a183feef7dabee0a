//! Folding uninteresting history into single rows.
//!
//! Two kinds. A **side branch**: the commits reached from a merge's further parent and from nowhere else become one row, with
//! the parents outside of it as its parents. A **run**: at least [`MIN_RUN`] commits in a straight line, each the only child
//! of the next, become one row. Commits that `keep` names (labeled, selected, marked) are never folded, nor are commits with a
//! parent outside the list.
//!
//! [`Folds::find`] finds all folds once; [`Folds::apply`] makes the list, leaving open the folds the user opened.
//!
//! A fold stands where its topmost commit stood. All its lines come in through that commit and its parents lie below its lowest
//! commit, so a parent still is never above its child.

use super::dag::as_u32;
use super::rows::{Edge, FoldKind, RowItem, Rows};

/// Commits a straight run must have to be folded.
pub const MIN_RUN: usize = 4;

const NO_FOLD: u32 = u32::MAX;

/// Some commits that fold into one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Node number of the topmost commit; it identifies the fold.
    pub top: u32,
    /// How many commits fold.
    pub count: u32,
    /// What kind of history it is.
    pub kind: FoldKind,
}

/// All folds of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    folds: Vec<Fold>,
    /// Per row of the list: which fold it is in.
    fold_of: Vec<u32>,
}

impl Folds {
    /// Finds the folds of `rows`, which must not be folded already. `keep` names the commits that always stay visible, and
    /// should hold for the default branch's head and all other labeled commits. O(rows + edges).
    #[must_use]
    pub fn find(rows: &Rows, keep: impl Fn(u32) -> bool) -> Self {
        let mut search = Search::new(rows, keep);
        for row in 0..as_u32(rows.len()) {
            search.side_branches(row);
        }
        for row in 0..as_u32(rows.len()) {
            search.run(row);
        }
        Self { folds: search.folds, fold_of: search.fold_of }
    }

    /// Returns the folds in no particular order.
    #[must_use]
    pub fn all(&self) -> &[Fold] {
        &self.folds
    }

    /// Returns the fold a row of the unfolded list belongs to, open or not.
    #[must_use]
    pub fn fold_at(&self, row: u32) -> Option<Fold> {
        let fold = *self.fold_of.get(row as usize)?;
        self.folds.get(fold as usize).copied()
    }

    /// Makes the folded list; `is_open` says by its top commit whether a fold stays unfolded.
    #[must_use]
    pub fn apply(&self, rows: &Rows, is_open: impl Fn(u32) -> bool) -> Rows {
        let closed: Vec<bool> = self.folds.iter().map(|fold| !is_open(fold.top)).collect();
        let fold_at =
            |row: u32| self.fold_of.get(row as usize).copied().filter(|&fold| closed.get(fold as usize) == Some(&true));
        let mut new_row = vec![0_u32; rows.len()];
        let mut row_of_fold = vec![NO_FOLD; self.folds.len()];
        let mut edges_of_fold: Vec<Vec<Edge>> = vec![Vec::new(); self.folds.len()];
        let mut next = 0;
        for row in 0..as_u32(rows.len()) {
            let fold = fold_at(row);
            let known = fold.map_or(NO_FOLD, |fold| row_of_fold[fold as usize]);
            new_row[row as usize] = if known == NO_FOLD { next } else { known };
            next += u32::from(known == NO_FOLD);
            if let Some(fold) = fold {
                row_of_fold[fold as usize] = new_row[row as usize];
                edges_of_fold[fold as usize]
                    .extend(rows.edges(row).iter().filter(|edge| edge.row().and_then(fold_at) != Some(fold)));
            }
        }
        let mut folded = Rows::with_nodes(rows.node_count());
        for row in 0..as_u32(rows.len()) {
            let Some(item) = rows.item(row) else { break };
            let at = new_row[row as usize];
            folded.place(item.node(), at);
            if (at as usize) < folded.len() {
                continue;
            }
            match fold_at(row).map(|fold| (self.folds[fold as usize], &edges_of_fold[fold as usize])) {
                None => folded.push(item, &moved(rows.edges(row), &new_row)),
                Some((Fold { top, count, kind }, edges)) => {
                    folded.push(RowItem::Fold { top, count, kind }, &moved(edges, &new_row));
                }
            }
        }
        folded
    }
}

/// Renames the rows edges lead to; a direct and an elided edge to the same row become one direct edge.
fn moved(edges: &[Edge], new_row: &[u32]) -> Vec<Edge> {
    let mut moved: Vec<Edge> = Vec::with_capacity(edges.len());
    for edge in edges {
        let Some(row) = edge.row() else {
            moved.push(Edge::OUTSIDE);
            continue;
        };
        let to = new_row[row as usize];
        match moved.iter_mut().find(|known| known.row() == Some(to)) {
            Some(known) if !edge.is_elided() => *known = Edge::direct(to),
            Some(_) => (),
            None => moved.push(if edge.is_elided() { Edge::elided(to) } else { Edge::direct(to) }),
        }
    }
    moved
}

struct Search<'a> {
    rows: &'a Rows,
    foldable: Vec<bool>,
    children: Vec<u32>,
    /// The child of a row that has exactly one.
    child: Vec<u32>,
    /// Children already absorbed into the side branch under search.
    absorbed: Vec<u32>,
    folds: Vec<Fold>,
    fold_of: Vec<u32>,
}

impl<'a> Search<'a> {
    fn new(rows: &'a Rows, keep: impl Fn(u32) -> bool) -> Self {
        let mut children = vec![0_u32; rows.len()];
        let mut child = vec![0_u32; rows.len()];
        let mut foldable = Vec::with_capacity(rows.len());
        for row in 0..as_u32(rows.len()) {
            let edges = rows.edges(row);
            let item = rows.item(row).expect("the row is in the list");
            foldable.push(
                matches!(item, RowItem::Commit(node) if !keep(node)) && edges.iter().all(|edge| edge.row().is_some()),
            );
            for parent in edges.iter().filter_map(|edge| edge.row()) {
                children[parent as usize] += 1;
                child[parent as usize] = row;
            }
        }
        let (absorbed, fold_of) = (vec![0; rows.len()], vec![NO_FOLD; rows.len()]);
        Self { rows, foldable, children, child, absorbed, folds: Vec::new(), fold_of }
    }

    fn is_open_for_folding(&self, row: u32) -> bool {
        self.foldable[row as usize] && self.fold_of[row as usize] == NO_FOLD
    }

    /// Folds the side branches that `merge` took in; one inside a larger one is absorbed by it.
    fn side_branches(&mut self, merge: u32) {
        if self.fold_of[merge as usize] != NO_FOLD {
            return;
        }
        for edge in self.rows.edges(merge).iter().skip(1) {
            let Some(top) = edge.row() else { continue };
            if self.children[top as usize] == 1 && self.is_open_for_folding(top) {
                let members = self.dominated_by(top);
                if members.len() > 1 {
                    self.add(FoldKind::Side, &members);
                }
            }
        }
    }

    /// The commits all of whose lines from above come through `top`, by growing: a commit whose every child is in, is in.
    fn dominated_by(&mut self, top: u32) -> Vec<u32> {
        let (mut members, mut touched, mut at) = (vec![top], Vec::new(), 0);
        while let Some(&row) = members.get(at) {
            at += 1;
            for parent in self.rows.edges(row).iter().filter_map(|edge| edge.row()) {
                self.absorbed[parent as usize] += 1;
                touched.push(parent);
                if self.absorbed[parent as usize] == self.children[parent as usize] && self.is_open_for_folding(parent)
                {
                    members.push(parent);
                }
            }
        }
        for row in touched {
            self.absorbed[row as usize] = 0;
        }
        members
    }

    /// Folds the straight run that starts at `row`, if it is long enough.
    fn run(&mut self, row: u32) {
        if !self.in_run(row) || self.continues_a_run(row) {
            return;
        }
        let mut members = vec![row];
        let mut last = row;
        while let [edge] = self.rows.edges(last)
            && let Some(parent) =
                edge.row().filter(|&parent| self.children[parent as usize] == 1 && self.in_run(parent))
        {
            members.push(parent);
            last = parent;
        }
        if members.len() >= MIN_RUN {
            self.add(FoldKind::Run, &members);
        }
    }

    fn in_run(&self, row: u32) -> bool {
        self.is_open_for_folding(row) && self.rows.edges(row).len() == 1
    }

    fn continues_a_run(&self, row: u32) -> bool {
        self.children[row as usize] == 1 && self.in_run(self.child[row as usize])
    }

    fn add(&mut self, kind: FoldKind, members: &[u32]) {
        let top = self.rows.item(members[0]).map_or(0, RowItem::node);
        let fold = as_u32(self.folds.len());
        for &row in members {
            self.fold_of[row as usize] = fold;
        }
        self.folds.push(Fold { top, count: as_u32(members.len()), kind });
    }
}
