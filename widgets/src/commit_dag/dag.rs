//! What the graph is made of: nodes with a time and parents.
//!
//! The caller numbers its commits `0..n` in any order and keeps the map from its own ids to these numbers. Node numbers are
//! 32 bits and times 64, so a history of a million commits costs about 20 bytes a commit here.

/// A parent that is not in the list: missing from storage, or not loaded yet.
///
/// It is drawn as a line that ends in `~` one row below the child.
pub const EXTERNAL: u32 = 0x7FFF_FFFF;

/// Commits as node numbers: times in microseconds and parents, first parent first.
///
/// Append-only. A commit may name a parent that is pushed later; parents that never come must be given as [`EXTERNAL`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dag {
    times: Vec<i64>,
    /// End of each node's parents in `parents`.
    ends: Vec<u32>,
    parents: Vec<u32>,
}

impl Dag {
    /// Returns a history without commits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a history without commits that has room for `nodes`.
    #[must_use]
    pub fn with_capacity(nodes: usize) -> Self {
        Self {
            times: Vec::with_capacity(nodes),
            ends: Vec::with_capacity(nodes),
            parents: Vec::with_capacity(nodes + nodes / 4),
        }
    }

    /// Appends a commit and returns its node number.
    ///
    /// `time_micros` is the commit's own time (UTC). A parent named twice counts once; [`EXTERNAL`] may be repeated.
    pub fn push(&mut self, time_micros: i64, parents: &[u32]) -> u32 {
        let node = self.len();
        let start = self.parents.len();
        for &parent in parents {
            if parent >= EXTERNAL || !self.parents[start..].contains(&parent) {
                self.parents.push(parent.min(EXTERNAL));
            }
        }
        self.times.push(time_micros);
        self.ends.push(as_u32(self.parents.len()));
        as_u32(node)
    }

    /// Returns the number of commits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Returns whether there is no commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Returns the commit's own time, microseconds UTC.
    #[must_use]
    pub fn time_micros(&self, node: u32) -> i64 {
        self.times[node as usize]
    }

    /// Returns the parents of a commit, first parent first.
    ///
    /// A number that names no commit (beyond [`Dag::len`]) means the same as [`EXTERNAL`].
    #[must_use]
    pub fn parents(&self, node: u32) -> &[u32] {
        let at = node as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.parents[start..self.ends[at] as usize]
    }

    /// Returns the commits reached from `head` by first parents, `head` included.
    ///
    /// This is what lane 0 is kept for when `head` is the default branch. Ends at a root, an external parent or a cycle.
    #[must_use]
    pub fn first_parent_chain(&self, head: u32) -> NodeSet {
        let mut chain = NodeSet::new(self.len());
        let mut next = Some(head);
        while let Some(node) = next.filter(|&n| (n as usize) < self.len() && chain.insert(n)) {
            next = self.parents(node).first().copied();
        }
        chain
    }

    /// Returns the ancestors of `head`, `head` included: what the ancestry highlight makes bold.
    #[must_use]
    pub fn ancestors(&self, head: u32) -> NodeSet {
        let mut seen = NodeSet::new(self.len());
        let mut open = vec![head];
        while let Some(node) = open.pop() {
            if (node as usize) < self.len() && seen.insert(node) {
                open.extend_from_slice(self.parents(node));
            }
        }
        seen
    }

    /// Returns the heap size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.times.capacity() * 8 + (self.ends.capacity() + self.parents.capacity()) * 4
    }
}

/// A set of node numbers, one bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSet {
    words: Vec<u64>,
    count: usize,
}

impl NodeSet {
    /// Returns an empty set for nodes below `nodes`.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self { words: vec![0; nodes.div_ceil(64)], count: 0 }
    }

    /// Adds a node; returns whether it was new. The set grows when the node is beyond its size.
    pub fn insert(&mut self, node: u32) -> bool {
        let (word, bit) = (node as usize / 64, 1 << (node % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(new);
        new
    }

    /// Returns whether the node is in the set.
    #[must_use]
    pub fn contains(&self, node: u32) -> bool {
        self.words.get(node as usize / 64).is_some_and(|word| word >> (node % 64) & 1 == 1)
    }

    /// Returns the number of nodes in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the heap size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.words.capacity() * 8
    }
}

impl FromIterator<u32> for NodeSet {
    fn from_iter<I: IntoIterator<Item = u32>>(nodes: I) -> Self {
        let mut set = Self::default();
        for node in nodes {
            set.insert(node);
        }
        set
    }
}

/// Narrows a count of nodes or edges.
pub(super) fn as_u32(value: usize) -> u32 {
    u32::try_from(value).expect("a history has fewer than 2^31 commits and 2^32 edges")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_kept_in_order_and_once() {
        let mut dag = Dag::new();
        dag.push(0, &[]);
        dag.push(1, &[]);
        let merge = dag.push(2, &[1, 0, 1, EXTERNAL, EXTERNAL]);
        assert_eq!(dag.parents(merge), [1, 0, EXTERNAL, EXTERNAL]);
        assert_eq!(dag.parents(0), [0_u32; 0]);
    }

    #[test]
    fn chain_stops_at_a_missing_parent_and_at_a_cycle() {
        let mut dag = Dag::new();
        dag.push(0, &[EXTERNAL]);
        dag.push(1, &[0]);
        dag.push(2, &[3]);
        dag.push(3, &[2]);
        assert_eq!(dag.first_parent_chain(1).len(), 2);
        assert_eq!(dag.first_parent_chain(3).len(), 2);
        assert_eq!(dag.ancestors(1), [0, 1].into_iter().collect());
    }
}
