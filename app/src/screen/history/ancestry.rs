//! Which commits are highlighted together with the selected one.

use std::sync::Arc;

use stratigraph_engine::{BranchName, CommitId};
use stratigraph_widgets::commit_dag::{Emphasis, NodeSet};

use super::log::CommitLog;

/// What is highlighted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ancestry {
    /// Nothing.
    #[default]
    Off,
    /// All that the selected commit descends from.
    Ancestors,
    /// What it does not share with main: everything after the merge base with main's head.
    SinceMain,
}

impl Ancestry {
    /// The next one in the cycle.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Off => Self::Ancestors,
            Self::Ancestors => Self::SinceMain,
            Self::SinceMain => Self::Off,
        }
    }

    /// What the title says.
    #[must_use]
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Ancestors => Some("ancestors"),
            Self::SinceMain => Some("since main"),
        }
    }
}

/// The highlighted commits, by their numbers in one log; in another one the same numbers mean other commits.
#[derive(Debug, Clone, Default)]
pub struct Related {
    /// What they belong to; `None` if nothing is highlighted.
    of: Option<(Arc<CommitLog>, Ancestry, CommitId)>,
    nodes: NodeSet,
}

impl Related {
    /// Finds them. O(commits).
    #[must_use]
    pub fn new(log: &Arc<CommitLog>, ancestry: Ancestry, id: CommitId) -> Self {
        let Some(node) = log.node(id) else { return Self::default() };
        let nodes = match ancestry {
            Ancestry::Off => return Self::default(),
            Ancestry::Ancestors => log.dag().ancestors(node),
            Ancestry::SinceMain => since_main(log, node, id),
        };
        Self { of: Some((Arc::clone(log), ancestry, id)), nodes }
    }

    /// The log whose numbers they are; `None` if nothing is highlighted.
    #[must_use]
    pub fn log(&self) -> Option<&Arc<CommitLog>> {
        self.of.as_ref().map(|(log, ..)| log)
    }

    /// Whether they are what is to be highlighted with a commit of this very log.
    #[must_use]
    pub fn is_of(&self, log: &Arc<CommitLog>, ancestry: Ancestry, id: CommitId) -> bool {
        let same = |(own, how, which): &(Arc<CommitLog>, Ancestry, CommitId)| {
            Arc::ptr_eq(own, log) && (*how, *which) == (ancestry, id)
        };
        self.of.as_ref().is_some_and(same)
    }

    /// How a commit is drawn.
    #[must_use]
    pub fn emphasis(&self, node: u32) -> Emphasis {
        match (&self.of, self.nodes.contains(node)) {
            (None, _) => Emphasis::Normal,
            (Some(_), true) => Emphasis::Strong,
            (Some(_), false) => Emphasis::Dim,
        }
    }
}

/// Ancestors of `node` that are none of the merge base; the base itself and `node` belong to it.
fn since_main(log: &CommitLog, node: u32, id: CommitId) -> NodeSet {
    let main = log.graph().heads().get(&BranchName::main());
    let base = main.and_then(|head| log.graph().merge_base(id, *head)).and_then(|base| log.node(base));
    let all = log.dag().ancestors(node);
    let Some(base) = base else { return all };
    let shared = log.dag().ancestors(base);
    let own = (0..log.len() as u32).filter(|node| all.contains(*node) && !shared.contains(*node));
    own.chain([base, node]).collect()
}
