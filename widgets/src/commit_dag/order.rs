//! In which order the commits are drawn.
//!
//! The corrected time of a commit is the larger of its own time and one microsecond after the corrected time of its newest
//! parent. Rows descend by corrected time, then by the caller's id. Plain time order would put a parent above its child
//! wherever clocks disagree; the corrected time cannot, because it strictly grows from parent to child.
//!
//! A cycle (damaged storage) is cut where the walk meets it: the walk never hangs, and [`super::Rows`] treats the parents that
//! would be above their child as external.

use super::dag::{Dag, as_u32};

/// The commits from the top row to the bottom row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    nodes: Vec<u32>,
}

impl Order {
    /// Returns the nodes, top row first.
    #[must_use]
    pub fn nodes(&self) -> &[u32] {
        &self.nodes
    }
}

/// Orders the commits: newest corrected time first, then the largest `id` first, a parent never above its child.
///
/// `id` gives the tie-break of a node, usually the commit's 128-bit id. O(n log n), no recursion.
#[must_use]
pub fn topological<K: Ord>(dag: &Dag, id: impl Fn(u32) -> K) -> Order {
    let corrected = corrected_times(dag);
    let mut keyed: Vec<(i64, K, u32)> =
        (0..as_u32(dag.len())).map(|node| (corrected[node as usize], id(node), node)).collect();
    keyed.sort_unstable_by(|left, right| right.cmp(left));
    Order { nodes: keyed.into_iter().map(|(_, _, node)| node).collect() }
}

/// Returns the corrected time of each node, microseconds UTC.
///
/// Depth-first with an explicit stack, so that a chain of a million commits needs no call stack.
#[must_use]
pub fn corrected_times(dag: &Dag) -> Vec<i64> {
    let mut times: Vec<i64> = (0..as_u32(dag.len())).map(|node| dag.time_micros(node)).collect();
    let mut visited = vec![false; dag.len()];
    let mut stack: Vec<(u32, usize)> = Vec::new();
    for start in 0..as_u32(dag.len()) {
        if !std::mem::replace(&mut visited[start as usize], true) {
            stack.push((start, 0));
        }
        while let Some((node, next)) = stack.last_mut() {
            let node = *node as usize;
            if let Some(&parent) = dag.parents(as_u32(node)).get(*next) {
                *next += 1;
                let parent = parent as usize;
                if parent < dag.len() && !std::mem::replace(&mut visited[parent], true) {
                    stack.push((as_u32(parent), 0));
                }
                continue;
            }
            let after_parents = dag.parents(as_u32(node)).iter().filter_map(|&parent| times.get(parent as usize)).max();
            times[node] = times[node].max(after_parents.map_or(i64::MIN, |time| time.saturating_add(1)));
            stack.pop();
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_descend_by_id() {
        let mut dag = Dag::new();
        for _ in 0..3 {
            dag.push(7, &[]);
        }
        let ids = [20_u128, 30, 10];
        assert_eq!(topological(&dag, |node| ids[node as usize]).nodes(), [1, 0, 2]);
    }

    #[test]
    fn a_parent_from_the_future_stays_below_its_child() {
        let mut dag = Dag::new();
        dag.push(1_000, &[]);
        dag.push(10, &[0]);
        dag.push(500, &[]);
        assert_eq!(corrected_times(&dag), [1_000, 1_001, 500]);
        assert_eq!(topological(&dag, |node| node).nodes(), [1, 0, 2]);
    }

    #[test]
    fn a_child_pushed_before_its_parent_is_above_it() {
        let mut dag = Dag::new();
        dag.push(5, &[1]);
        dag.push(5, &[2]);
        dag.push(5, &[]);
        assert_eq!(topological(&dag, |node| node).nodes(), [0, 1, 2]);
    }

    #[test]
    fn a_cycle_ends() {
        let mut dag = Dag::new();
        dag.push(1, &[1]);
        dag.push(2, &[0, 1]);
        assert_eq!(topological(&dag, |node| node).nodes().len(), 2);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let mut dag = Dag::new();
        dag.push(0, &[]);
        for node in 1..300_000 {
            dag.push(0, &[node - 1]);
        }
        let order = topological(&dag, |node| node);
        assert_eq!(order.nodes().first(), Some(&299_999));
        assert_eq!(order.nodes().last(), Some(&0));
    }
}
