//! What is drawn of the history: filter and folds applied, lanes laid out.
//!
//! [`Chart::new`] is pure and takes time in proportion to the history; for large ones it runs on a worker thread. The screen
//! shares the result and builds only the visible rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use stratigraph_engine::CommitId;
use stratigraph_widgets::commit_dag::filter::filter;
use stratigraph_widgets::commit_dag::fold::{Fold, Folds};
use stratigraph_widgets::commit_dag::{Children, Layout, NodeSet, RowItem, Rows};
use stratigraph_widgets::width::width;

use super::cost::look;
use super::filter::Filter;
use super::log::{CommitLog, Extent};
use crate::matcher::fits_glob;

/// Widest label column worth reserving; longer labels are cut.
const LABELS: usize = 24;
/// Widest actor column.
const ACTORS: usize = 14;

/// Which folds are closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folding {
    /// Whether folds are closed unless they are listed.
    pub closed: bool,
    /// Top commits of the folds for which the opposite holds.
    pub exceptions: BTreeSet<CommitId>,
}

impl Folding {
    /// All folds closed, or all open.
    #[must_use]
    pub fn all(closed: bool) -> Self {
        Self { closed, exceptions: BTreeSet::new() }
    }

    /// Whether the fold with this top commit is open.
    #[must_use]
    pub fn is_open(&self, top: CommitId) -> bool {
        self.closed == self.exceptions.contains(&top)
    }

    /// Opens a closed fold and closes an open one.
    pub fn toggle(&mut self, top: CommitId) {
        if !self.exceptions.remove(&top) {
            self.exceptions.insert(top);
        }
    }
}

/// What is wanted of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartSpec {
    /// The filter as typed.
    pub filter: String,
    /// The moment from which the filter counts back.
    pub now_micros: i64,
    /// Globs of the branches whose history is wanted.
    pub branches: Vec<String>,
    /// Which folds are closed.
    pub folding: Folding,
}

/// A history laid out as a [`ChartSpec`] wants it.
#[derive(Debug)]
pub struct Chart {
    log: Arc<CommitLog>,
    spec: ChartSpec,
    problems: Vec<String>,
    layout: Layout,
    children: Children,
    /// Rows of commits that lack a parent, from the top.
    broken: Vec<usize>,
    folds: Folds,
    /// Row of each commit before folding, by node.
    unfolded: Rows,
    label_width: usize,
    actor_width: usize,
}

impl Chart {
    /// Applies filter and folds and lays the rows out. O(commits × lanes).
    #[must_use]
    pub fn new(log: Arc<CommitLog>, spec: ChartSpec) -> Self {
        let terms = Filter::new(&spec.filter, spec.now_micros);
        let wanted = wanted_branches(&log, &spec.branches);
        let summaries = log.summaries();
        let shown = |node: u32| {
            wanted.as_ref().is_none_or(|wanted| wanted.contains(node))
                && log.commit(node).is_some_and(|commit| terms.accepts(&log, &summaries, commit))
        };
        let all = terms.is_empty() && wanted.is_none();
        let unfolded = if all { Rows::all(log.dag(), log.order()) } else { filter(log.dag(), log.order(), shown) };
        let labeled = |node: u32| log.commit(node).is_some_and(|commit| !log.labels(commit.id).is_empty());
        // Labels are not known before all is read; a fold that opens by itself later would move everything.
        let keep = |node: u32| log.extent() == Extent::Partial || labeled(node);
        let folds = Folds::find(&unfolded, keep);
        let is_open = |top: u32| log.commit(top).is_none_or(|commit| spec.folding.is_open(commit.id));
        let rows = if folds.all().is_empty() { unfolded.clone() } else { folds.apply(&unfolded, is_open) };
        let children = Children::of(&rows);
        let layout = Layout::new(rows, log.main_chain());
        let broken = broken_rows(&log, layout.rows());
        let (label_width, actor_width) = widths(&log);
        let problems = terms.problems().to_vec();
        Self { log, spec, problems, layout, children, broken, folds, unfolded, label_width, actor_width }
    }

    /// The commits behind it.
    #[must_use]
    pub fn log(&self) -> &Arc<CommitLog> {
        &self.log
    }

    /// What was wanted.
    #[must_use]
    pub fn spec(&self) -> &ChartSpec {
        &self.spec
    }

    /// What was not understood in the filter.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Lanes and rows.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.rows().len()
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Commits that the filter leaves, folded ones included.
    #[must_use]
    pub fn commits_shown(&self) -> usize {
        self.unfolded.len()
    }

    /// What stands in a row.
    #[must_use]
    pub fn item(&self, row: usize) -> Option<RowItem> {
        look(1);
        self.layout.rows().item(u32::try_from(row).ok()?)
    }

    /// The commit of a row; of a fold its topmost.
    #[must_use]
    pub fn id_at(&self, row: usize) -> Option<CommitId> {
        let node = self.item(row)?.node();
        self.log.commit(node).map(|commit| commit.id)
    }

    /// The row of a commit or of the fold that holds it; `None` if it is filtered out.
    #[must_use]
    pub fn row_of(&self, id: CommitId) -> Option<usize> {
        self.layout.rows().row_of(self.log.node(id)?).map(|row| row as usize)
    }

    /// The row of a commit; of one that is filtered out, that of the next older one on view. The last row if none is older.
    #[must_use]
    pub fn nearest_row(&self, id: CommitId) -> usize {
        if let Some(row) = self.row_of(id) {
            return row;
        }
        // Commits are numbered from the newest on, and unfolded rows stand in that order.
        let from = self.log.node(id).unwrap_or(0);
        let older = self.unfolded.item(self.unfolded.partition_point(|item| item.node() < from));
        let row = older.and_then(|item| self.layout.rows().row_of(item.node()));
        row.map_or(self.len().saturating_sub(1), |row| row as usize)
    }

    /// The fold a commit belongs to, open or not.
    #[must_use]
    pub fn fold_of(&self, id: CommitId) -> Option<Fold> {
        let row = self.unfolded.row_of(self.log.node(id)?)?;
        self.folds.fold_at(row)
    }

    /// Number of folds, open or not.
    #[must_use]
    pub fn fold_count(&self) -> usize {
        self.folds.all().len()
    }

    /// Rows of the parents of a row, first parent first; `None` for one that is not in the history.
    #[must_use]
    pub fn parent_rows(&self, row: usize) -> Vec<Option<usize>> {
        look(1);
        let edges = u32::try_from(row).map(|row| self.layout.rows().edges(row)).unwrap_or_default();
        edges.iter().map(|edge| edge.row().map(|row| row as usize)).collect()
    }

    /// Rows of the children of a row, nearest first.
    pub fn child_rows(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        look(1);
        let children = u32::try_from(row).map(|row| self.children.of_row(row)).unwrap_or_default();
        children.iter().map(|child| *child as usize)
    }

    /// The next row from `row` in a direction, `row` itself left out, whose commit lacks a parent.
    #[must_use]
    pub fn next_broken(&self, row: usize, forward: bool) -> Option<usize> {
        let above = self.broken.partition_point(|broken| *broken < row);
        let next = if forward {
            self.broken[above..].iter().find(|broken| **broken > row)
        } else {
            self.broken[..above].last()
        };
        next.copied()
    }

    /// Columns the labels want.
    #[must_use]
    pub fn label_width(&self) -> usize {
        self.label_width
    }

    /// Columns the actors want.
    #[must_use]
    pub fn actor_width(&self) -> usize {
        self.actor_width
    }

    /// Heap size of layout and rows in bytes, without the commits themselves.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let lists = self.layout.size_bytes() + self.unfolded.size_bytes() + self.children.size_bytes();
        lists + self.unfolded.len() * 4 + self.log.dag().size_bytes()
    }
}

/// Rows of commits that lack a parent, from the top. Such commits never fold.
fn broken_rows(log: &CommitLog, rows: &Rows) -> Vec<usize> {
    let nodes = log.problems().broken_commits().filter_map(|id| log.node(id));
    let mut broken: Vec<usize> = nodes.filter_map(|node| rows.row_of(node)).map(|row| row as usize).collect();
    broken.sort_unstable();
    broken
}

/// Commits in the history of the branches that fit one of the globs; `None` if that is all of them.
fn wanted_branches(log: &CommitLog, globs: &[String]) -> Option<NodeSet> {
    if log.extent() == Extent::Partial || globs.iter().any(|glob| glob == "*") {
        return None;
    }
    let mut wanted = NodeSet::new(log.len());
    let heads = log.graph().heads().iter().filter(|(name, _)| globs.iter().any(|glob| fits_glob(glob, name.as_str())));
    let mut open: Vec<u32> = heads.filter_map(|(_, id)| log.node(*id)).collect();
    while let Some(node) = open.pop() {
        if log.commit(node).is_some() && wanted.insert(node) {
            open.extend_from_slice(log.dag().parents(node));
        }
    }
    Some(wanted)
}

/// Columns for labels and actors, as wide as the widest, within limits.
fn widths(log: &CommitLog) -> (usize, usize) {
    let label = |names: &[stratigraph_engine::BranchName]| {
        let more = if names.len() > 1 { format!("+{}", names.len() - 1).len() } else { 0 };
        names.first().map_or(0, |name| width(name.as_str()) + 2 + more)
    };
    let labels = log.all_labels().map(label).max().unwrap_or(0);
    let actors = log.commits().iter().filter_map(|commit| commit.actor.as_deref()).map(width).max().unwrap_or(0);
    (labels.min(LABELS), actors.min(ACTORS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_is_open_if_listed_or_if_all_are() {
        let (one, two) = (CommitId::from_u128(1), CommitId::from_u128(2));
        let mut folding = Folding::all(true);
        folding.toggle(one);
        assert!(folding.is_open(one) && !folding.is_open(two));
        folding.toggle(one);
        assert!(!folding.is_open(one));
        assert!(Folding::all(false).is_open(two));
    }
}
