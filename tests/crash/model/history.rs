//! The commits of the model: what each of them shows, and which are the last that two branches have in common.

use std::collections::{BTreeMap, BTreeSet};

use stratigraph_engine::{BranchName, CommitId};

use crate::small::Content;

/// A commit that was the head of a branch after some step.
#[derive(Debug)]
struct Node {
    parents: Vec<CommitId>,
    branch: BranchName,
    content: Content,
    /// It went with its branch.
    gone: bool,
}

/// The commits of all branches. Ids are the engine's, and mean nothing here.
#[derive(Debug, Default)]
pub(super) struct History {
    nodes: BTreeMap<CommitId, Node>,
    heads: BTreeMap<BranchName, CommitId>,
}

impl History {
    pub(super) fn head(&self, branch: &BranchName) -> Option<CommitId> {
        self.heads.get(branch).copied()
    }

    /// A branch moves on to a new commit.
    pub(super) fn add(&mut self, branch: &BranchName, id: CommitId, merged: Option<CommitId>, content: &Content) {
        let parents = self.head(branch).into_iter().chain(merged).collect();
        self.nodes.insert(id, Node { parents, branch: branch.clone(), content: content.clone(), gone: false });
        self.heads.insert(branch.clone(), id);
    }

    /// A branch starts where another one is.
    pub(super) fn branch(&mut self, name: &BranchName, from: &BranchName) {
        let head = self.heads[from];
        self.heads.insert(name.clone(), head);
    }

    /// A branch is gone. What its commits were is not forgotten here.
    pub(super) fn delete(&mut self, name: &BranchName) {
        self.heads.remove(name);
        self.nodes.values_mut().filter(|node| node.branch == *name).for_each(|node| node.gone = true);
    }

    /// Whether a commit went with its branch.
    pub(super) fn is_gone(&self, id: CommitId) -> bool {
        self.nodes.get(&id).is_none_or(|node| node.gone)
    }

    /// A commit and all that it follows.
    pub(super) fn ancestors(&self, of: CommitId) -> BTreeSet<CommitId> {
        let mut seen = BTreeSet::new();
        let mut open = vec![of];
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(self.nodes.get(&id).into_iter().flat_map(|node| &node.parents));
            }
        }
        seen
    }

    /// The common commits of two that no other common one follows.
    pub(super) fn bases(&self, left: CommitId, right: CommitId) -> BTreeMap<CommitId, &Content> {
        let (left, right) = (self.ancestors(left), self.ancestors(right));
        let common: BTreeSet<CommitId> = left.intersection(&right).copied().collect();
        let is_followed = |id: CommitId| common.iter().any(|&other| other != id && self.ancestors(other).contains(&id));
        let last = common.iter().copied().filter(|&id| !is_followed(id));
        last.map(|id| (id, &self.nodes[&id].content)).collect()
    }
}
