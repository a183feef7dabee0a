//! Which rows lead to a row: the edges of a list the other way round.
//!
//! Rows know their parents. Going from a commit to its children without this would look at every row above it.

use super::dag::as_u32;
use super::rows::Rows;

/// The children of every row of one list; 4 bytes a row and 4 an edge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Children {
    /// Start of each row's children in `children`; they end where those of the next row start.
    starts: Vec<u32>,
    children: Vec<u32>,
}

impl Children {
    /// Turns the edges of `rows` round. O(rows + edges).
    #[must_use]
    pub fn of(rows: &Rows) -> Self {
        let mut starts = vec![0_u32; rows.len()];
        for (_, parent) in edges(rows) {
            starts[parent as usize] += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        // Each start is the end of its range now and moves down as the range is filled: the topmost child comes last.
        let mut children = vec![0; total as usize];
        for (child, parent) in edges(rows) {
            starts[parent as usize] -= 1;
            children[starts[parent as usize] as usize] = child;
        }
        Self { starts, children }
    }

    /// Returns the rows with an edge to `row`, nearest first; empty below the last row.
    #[must_use]
    pub fn of_row(&self, row: u32) -> &[u32] {
        let at = row as usize;
        let Some(&start) = self.starts.get(at) else { return &[] };
        let end = self.starts.get(at + 1).map_or(self.children.len(), |&end| end as usize);
        &self.children[start as usize..end]
    }

    /// Returns the heap size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        (self.starts.capacity() + self.children.capacity()) * 4
    }
}

/// Every edge as (child row, parent row), top row first; edges that lead outside are left out.
fn edges(rows: &Rows) -> impl Iterator<Item = (u32, u32)> {
    (0..as_u32(rows.len()))
        .flat_map(|child| rows.edges(child).iter().filter_map(move |edge| edge.row().map(|parent| (child, parent))))
}

#[cfg(test)]
mod tests {
    use super::super::dag::{Dag, EXTERNAL};
    use super::super::order::topological;
    use super::super::synthetic::{Shape, history};
    use super::*;

    #[test]
    fn children_are_listed_nearest_first() {
        let mut dag = Dag::new();
        let root = dag.push(0, &[]);
        let left = dag.push(1, &[root, EXTERNAL]);
        let right = dag.push(2, &[root]);
        dag.push(3, &[left, right, root]);
        let children = Children::of(&Rows::all(&dag, &topological(&dag, |node| node)));
        let found: Vec<&[u32]> = (0..5).map(|row| children.of_row(row)).collect();
        let none: &[u32] = &[];
        assert_eq!(found, [none, &[0], &[0], &[2, 1, 0], none]);
    }

    #[test]
    fn children_are_what_a_look_at_every_row_finds() {
        let made = history(Shape { commits: 400, branches: 7, merge_percent: 30, seed: 3 });
        let rows = Rows::all(&made.dag, &topological(&made.dag, |node| node));
        let children = Children::of(&rows);
        for row in 0..as_u32(rows.len()) {
            let leads_here = |above: &u32| rows.edges(*above).iter().any(|edge| edge.row() == Some(row));
            let expected: Vec<u32> = (0..row).rev().filter(leads_here).collect();
            assert_eq!(children.of_row(row), expected, "row {row}");
        }
    }

    #[test]
    fn an_empty_list_has_no_children() {
        assert!(Children::of(&Rows::default()).of_row(0).is_empty());
    }
}
