//! The commits of all branches as the screen draws them: numbered, in order, with labels and colors.
//!
//! A commit's number (node) is its row in [`CommitGraph::commits`]. Everything here is made once, on a worker thread, and
//! shared; drawing only looks things up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use stratigraph_engine::recovery::AuditRow;
use stratigraph_engine::{BranchName, Commit, CommitGraph, CommitId};
use stratigraph_widgets::commit_dag::{Dag, EXTERNAL, NodeSet, Order, order};

use super::cost::look;
use super::problems::Problems;
use crate::natural;
use crate::summary::{Summaries, Summary};

/// Colors of the lanes; 0 is kept for main.
pub(super) const PALETTE: usize = 8;

/// Whether all commits are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// More commits are being read: labels, actors and what commits changed are not known yet.
    Partial,
    /// The history is complete.
    Complete,
}

/// What there was before a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before<'a> {
    /// Nothing: it is a first commit.
    Nothing,
    /// Its first parent.
    Parent(&'a Commit),
    /// Something that nobody can read any more: no branch holds its first parent.
    Gone(CommitId),
}

/// A history, ready to be laid out.
#[derive(Debug)]
pub struct CommitLog {
    graph: Arc<CommitGraph>,
    audit: Vec<AuditRow>,
    extent: Extent,
    dag: Dag,
    order: Order,
    labels: HashMap<CommitId, Vec<BranchName>>,
    colors: HashMap<BranchName, u16>,
    problems: Problems,
    /// Newest commit of main, whose first parents take lane 0.
    main: Option<u32>,
}

impl CommitLog {
    /// Numbers and orders the commits of a complete history; `audit` is what recoveries left behind.
    #[must_use]
    pub fn new(graph: Arc<CommitGraph>, audit: Vec<AuditRow>) -> Self {
        Self::build(graph, audit, Extent::Complete)
    }

    /// The same with the commits read so far.
    #[must_use]
    pub fn partial(commits: Vec<Commit>) -> Self {
        let graph = CommitGraph::new(commits, BTreeMap::new(), Vec::new());
        Self::build(Arc::new(graph), Vec::new(), Extent::Partial)
    }

    fn build(graph: Arc<CommitGraph>, audit: Vec<AuditRow>, extent: Extent) -> Self {
        let mut dag = Dag::with_capacity(graph.commits().len());
        for commit in graph.commits() {
            let parents: Vec<u32> = commit.parents().map(|parent| node_of(&graph, parent)).collect();
            dag.push(commit.created_at_micros, &parents);
        }
        let order = order::topological(&dag, |node| graph.commits()[node as usize].id);
        let mut labels: HashMap<CommitId, Vec<BranchName>> = HashMap::new();
        for (name, id) in graph.heads() {
            labels.entry(*id).or_default().push(name.clone());
        }
        for names in labels.values_mut() {
            names.sort_by(natural::branches);
        }
        let main = main_head(&graph);
        let colors = colors(&graph);
        let problems = match extent {
            // Nothing is missing for sure before all of it was read.
            Extent::Partial => Problems::default(),
            Extent::Complete => Problems::new(graph.problems()),
        };
        Self { graph, audit, extent, dag, order, labels, colors, problems, main }
    }

    /// The engine's view of the same commits.
    #[must_use]
    pub fn graph(&self) -> &CommitGraph {
        &self.graph
    }

    /// The commits, newest first; a commit's index is its node.
    #[must_use]
    pub fn commits(&self) -> &[Commit] {
        look(self.len());
        self.graph.commits()
    }

    /// Number of commits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.commits().len()
    }

    /// Whether there is no commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The commit with this number.
    #[must_use]
    pub fn commit(&self, node: u32) -> Option<&Commit> {
        look(1);
        self.graph.commits().get(node as usize)
    }

    /// The number of a commit.
    #[must_use]
    pub fn node(&self, id: CommitId) -> Option<u32> {
        look(1);
        self.graph.position(id).and_then(|row| u32::try_from(row).ok())
    }

    /// Number of commits that an earlier history does not have. O(commits).
    #[must_use]
    pub fn count_since(&self, before: &Self) -> usize {
        self.commits().iter().filter(|commit| before.node(commit.id).is_none()).count()
    }

    /// What a commit is compared with to know what it did.
    #[must_use]
    pub fn before(&self, commit: &Commit) -> Before<'_> {
        match commit.parent.map(|parent| self.graph.get(parent).ok_or(parent)) {
            None => Before::Nothing,
            Some(Ok(parent)) => Before::Parent(parent),
            Some(Err(gone)) => Before::Gone(gone),
        }
    }

    /// Whether all commits are there.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Parents by number.
    #[must_use]
    pub fn dag(&self) -> &Dag {
        look(self.len());
        &self.dag
    }

    /// The order of the rows.
    #[must_use]
    pub fn order(&self) -> &Order {
        look(self.len());
        &self.order
    }

    /// The commits that lane 0 is kept for.
    #[must_use]
    pub fn main_chain(&self) -> NodeSet {
        look(self.len());
        self.main.map_or_else(NodeSet::default, |head| self.dag.first_parent_chain(head))
    }

    /// Branches whose head is this commit, main first, then in natural order.
    #[must_use]
    pub fn labels(&self, id: CommitId) -> &[BranchName] {
        self.labels.get(&id).map_or(&[], Vec::as_slice)
    }

    /// All sets of labels, in no particular order.
    pub fn all_labels(&self) -> impl Iterator<Item = &[BranchName]> {
        look(self.labels.len());
        self.labels.values().map(Vec::as_slice)
    }

    /// Palette index of a branch; 0 is main.
    #[must_use]
    pub fn color(&self, branch: &BranchName) -> u16 {
        self.colors.get(branch).copied().unwrap_or_else(|| wished_color(branch))
    }

    /// Says what the commits did.
    #[must_use]
    pub fn summaries(&self) -> Summaries<'_> {
        Summaries::new(&self.graph, &self.audit)
    }

    /// The words for a commit; `None` as long as they are not known.
    #[must_use]
    pub fn summary(&self, summaries: &Summaries<'_>, commit: &Commit) -> Option<Summary> {
        let summary = summaries.of(commit);
        match (self.extent, &summary) {
            (Extent::Partial, Summary::Unknown) => None,
            (Extent::Partial | Extent::Complete, _) => Some(summary),
        }
    }

    /// What is wrong with the history; nothing is said before all of it was read.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }
}

fn node_of(graph: &CommitGraph, id: CommitId) -> u32 {
    graph.position(id).and_then(|row| u32::try_from(row).ok()).unwrap_or(EXTERNAL)
}

/// The head of main; while reading, the newest commit that main published so far.
fn main_head(graph: &CommitGraph) -> Option<u32> {
    let head = graph.heads().get(&BranchName::main()).copied();
    let newest = || graph.commits().iter().filter(|commit| commit.branch.is_main()).max_by_key(|c| c.manifest_version);
    let head = head.or_else(|| newest().map(|commit| commit.id))?;
    Some(node_of(graph, head)).filter(|node| *node != EXTERNAL)
}

/// A color for each branch with a head: by its name, but never that of the branch whose head stands next above.
fn colors(graph: &CommitGraph) -> HashMap<BranchName, u16> {
    let mut heads: Vec<(usize, &BranchName)> =
        graph.heads().iter().filter_map(|(name, id)| Some((graph.position(*id)?, name))).collect();
    heads.sort_unstable();
    let (mut colors, mut last) = (HashMap::new(), 0);
    for (_, name) in heads.into_iter().filter(|(_, name)| !name.is_main()) {
        let wished = wished_color(name);
        let color = if wished == last { 1 + wished % palette_without_main() } else { wished };
        last = color;
        colors.insert(name.clone(), color);
    }
    colors
}

fn palette_without_main() -> u16 {
    PALETTE as u16 - 1
}

/// FNV-1a of the name: the same color on every machine and in every version.
fn wished_color(branch: &BranchName) -> u16 {
    if branch.is_main() {
        return 0;
    }
    let hash = branch
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    1 + (hash % u64::from(palette_without_main())) as u16
}
