//! Row changes between two commits: which tables differ on the left, their rows on the right.
//!
//! `run` reads on a worker thread, `rows` holds one table's changes and its cells, `tree` the tables, `view` draws.

mod export;
mod filter;
mod rows;
mod run;
mod tree;
mod view;

use std::collections::BTreeMap;

use stratigraph_engine::{Commit, CommitId, TableChange, TableKey, TableKind};

pub(super) use filter::word;
pub use run::{Reply, Request};
pub(super) use run::{nothing, run};

use crate::action::Motion;
use crate::cursor::Cursor;
use crate::message::Failure;
use crate::rows::Counts;
use crate::screen::Answer;
use filter::RowFilter;
use rows::TableRows;
use tree::Node;

/// Which two states are compared, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The first parent of the commit.
    FirstParent,
    /// The merged parent.
    SecondParent,
    /// The first parent, but only rows that differ from the merged parent as well.
    BothParents(CommitId),
    /// Any other commit.
    Chosen,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The older side; `None` is the empty graph before the first commit.
    pub from: Option<CommitId>,
    /// The newer side.
    pub to: CommitId,
    /// Why these two.
    pub against: Against,
}

impl Target {
    /// A commit and its first parent.
    #[must_use]
    pub fn first_parent(commit: &Commit) -> Self {
        Self { from: commit.parent, to: commit.id, against: Against::FirstParent }
    }

    /// Any two commits.
    #[must_use]
    pub fn chosen(from: CommitId, to: CommitId) -> Self {
        Self { from: Some(from), to, against: Against::Chosen }
    }

    /// What the next `d` compares: second parent, what the merge itself decided, first parent. `None` for what is no merge.
    #[must_use]
    pub fn next(&self, commit: &Commit) -> Option<Self> {
        let merged = commit.merged_parent?;
        let (from, against) = match self.against {
            Against::FirstParent => (Some(merged), Against::SecondParent),
            Against::SecondParent => (commit.parent, Against::BothParents(merged)),
            Against::BothParents(_) => (commit.parent, Against::FirstParent),
            Against::Chosen => return None,
        };
        Some(Self { from, against, ..self.clone() })
    }

    /// The other direction; only of chosen commits.
    #[must_use]
    pub fn swapped(&self) -> Option<Self> {
        match (self.against, self.from) {
            (Against::Chosen, Some(from)) => Some(Self::chosen(self.to, from)),
            _ => None,
        }
    }

    /// All commits that are compared.
    pub fn commits(&self) -> impl Iterator<Item = CommitId> {
        self.from.into_iter().chain(self.other()).chain([self.to])
    }

    /// The other parent, if rows must differ from it too.
    #[must_use]
    pub fn other(&self) -> Option<CommitId> {
        match self.against {
            Against::BothParents(other) => Some(other),
            Against::FirstParent | Against::SecondParent | Against::Chosen => None,
        }
    }
}

/// How far the reading of a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not begun, or under way.
    Reading,
    /// All changes are counted.
    Counted,
    /// It could not be read.
    Failed(Failure),
    /// Reading was stopped.
    Stopped,
}

/// One table that differs.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) change: TableChange,
    pub(super) stage: Stage,
    pub(super) counts: Counts,
    pub(super) rows: TableRows,
}

/// The state of both panes.
#[derive(Debug)]
pub(super) struct Diff {
    pub(super) target: Target,
    /// Tables by key; `None` until the manifests are compared.
    pub(super) tables: Option<BTreeMap<TableKey, Table>>,
    /// Kinds that are folded in the tree.
    closed: Vec<TableKind>,
    pub(super) cursor: Cursor,
    /// Table whose rows are shown.
    pub(super) shown: Option<TableKey>,
    /// Tables left by the filter of the tree, as text.
    table_filter: Option<crate::matcher::Matcher>,
    row_filter: RowFilter,
    /// Why nothing can be shown.
    pub(super) failure: Option<Failure>,
}

impl Diff {
    /// Nothing is read yet.
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            tables: None,
            closed: Vec::new(),
            cursor: Cursor::default(),
            shown: None,
            table_filter: None,
            row_filter: RowFilter::default(),
            failure: None,
        }
    }

    /// Takes a part of what was read. Parts of another comparison are ignored.
    pub(super) fn reply(&mut self, reply: Reply) {
        match reply {
            Reply::Tables(target, tables) if target == self.target => self.put_tables(tables),
            Reply::Rows { target, table, skip, changes, counts } if target == self.target => {
                let filter = &self.row_filter;
                if let Some(table) = self.tables.as_mut().and_then(|tables| tables.get_mut(&table)) {
                    table.counts = counts.unwrap_or(table.counts);
                    table.rows.append(skip, changes, filter);
                }
            }
            Reply::Done(target, key) if target == self.target => self.stage(&key, Stage::Counted),
            Reply::Failed(target, key, failure) if target == self.target => self.stage(&key, Stage::Failed(failure)),
            Reply::Tables(..) | Reply::Rows { .. } | Reply::Done(..) | Reply::Failed(..) => {}
        }
    }

    fn put_tables(&mut self, changes: Vec<TableChange>) {
        let table = |change: TableChange| {
            let table = Table { stage: Stage::Reading, counts: Counts::default(), rows: TableRows::default(), change };
            (table.change.key.clone(), table)
        };
        self.tables = Some(changes.into_iter().map(table).collect());
        self.cursor = Cursor { row: 1, offset: 0 };
        self.follow();
    }

    fn stage(&mut self, key: &TableKey, stage: Stage) {
        if let Some(table) = self.tables.as_mut().and_then(|tables| tables.get_mut(key)) {
            table.stage = stage;
        }
    }

    /// Reading was stopped: what is unfinished says so.
    pub(super) fn stopped(&mut self) {
        for table in self.tables.iter_mut().flat_map(BTreeMap::values_mut) {
            if table.stage == Stage::Reading {
                table.stage = Stage::Stopped;
            }
        }
    }

    /// The rows shown follow the tree's cursor.
    fn follow(&mut self) {
        if let Some(Node::Table(key)) = self.nodes().get(self.cursor.row) {
            self.shown = Some(key.clone());
        }
    }

    /// The table whose rows are shown.
    pub(super) fn table(&self) -> Option<&Table> {
        self.tables.as_ref()?.get(self.shown.as_ref()?)
    }

    fn table_mut(&mut self) -> Option<&mut Table> {
        self.tables.as_mut()?.get_mut(self.shown.as_ref()?)
    }

    /// Moves in the tree.
    pub(super) fn move_tree(&mut self, motion: Motion, height: usize) -> Answer {
        let len = self.nodes().len();
        match motion {
            Motion::Left | Motion::Right => return self.fold(motion == Motion::Left),
            _ => {}
        }
        let moved = self.cursor.motion(motion, len, height);
        self.follow();
        Answer::when(moved, "no more tables")
    }

    /// Selects a row of the tree.
    pub(super) fn select_node(&mut self, row: usize, height: usize) {
        self.cursor.select(row, self.nodes().len(), height);
        self.follow();
    }

    /// Closes or opens the kind under the cursor.
    fn fold(&mut self, close: bool) -> Answer {
        let nodes = self.nodes();
        let kind = match nodes.get(self.cursor.row) {
            Some(Node::Kind(kind)) => *kind,
            Some(Node::Table(key)) if close => key.kind,
            Some(Node::Table(_)) | None => {
                return Answer::Nothing("nothing to open here, enter goes to the rows".to_owned());
            }
        };
        let open = !self.closed.contains(&kind);
        if open != close {
            return Answer::Nothing(if close { "it is closed" } else { "it is open" }.to_owned());
        }
        if close {
            self.closed.push(kind);
        } else {
            self.closed.retain(|closed| *closed != kind);
        }
        let row = self.nodes().iter().position(|node| *node == Node::Kind(kind));
        self.cursor.row = row.unwrap_or(0);
        Answer::Done
    }

    /// Opens or closes the kind under the cursor; `false` on a table.
    pub(super) fn toggle(&mut self) -> bool {
        match self.nodes().get(self.cursor.row) {
            Some(Node::Kind(kind)) => {
                let close = !self.closed.contains(kind);
                self.fold(close);
                true
            }
            Some(Node::Table(_)) | None => false,
        }
    }

    /// Selects a line of the rows.
    pub(super) fn select_line(&mut self, line: usize, height: usize) {
        if let Some(table) = self.table_mut() {
            table.rows.select_line(line, height);
        }
    }

    /// Moves among the rows.
    pub(super) fn move_rows(&mut self, motion: Motion, height: usize) -> Answer {
        let Some(table) = self.table_mut() else { return Answer::Nothing("no table is selected".to_owned()) };
        let moved = table.rows.motion(motion, height);
        let more = table.is_partial();
        Answer::when(moved, if more { "the rows below are being read" } else { "no more changes there" })
    }

    /// Goes to the next changed cell, in this table or the next one that has rows.
    pub(super) fn next_difference(&mut self, forward: bool, height: usize) -> Answer {
        if let Some(table) = self.table_mut() {
            if table.rows.next_difference(forward, height) {
                return Answer::Done;
            }
            if forward && table.is_partial() {
                return Answer::Nothing("the changes below are being read".to_owned());
            }
        }
        let nodes = self.nodes();
        let with_rows = |row: &usize| matches!(&nodes[*row], Node::Table(key) if self.has_rows(key));
        let row = if forward {
            (self.cursor.row + 1..nodes.len()).find(with_rows)
        } else {
            (0..self.cursor.row.min(nodes.len())).rev().find(with_rows)
        };
        let Some(row) = row else { return Answer::Nothing("no more changes there".to_owned()) };
        self.cursor.row = row;
        self.follow();
        if let Some(table) = self.table_mut() {
            table.rows.go_to_end(forward, height);
        }
        Answer::Done
    }

    fn has_rows(&self, key: &TableKey) -> bool {
        self.tables.as_ref().and_then(|tables| tables.get(key)).is_some_and(|table| table.rows.lines() > 0)
    }

    /// The page to read next: the cursor is near the end of what is there, and there is more.
    pub(super) fn wanted_page(&self, height: usize) -> Option<Request> {
        let table = self.table()?;
        let near = table.rows.lines_below() <= height.max(run::PAGE / 10);
        (near && table.is_partial()).then(|| Request::Page {
            target: self.target.clone(),
            table: table.change.key.clone(),
            skip: table.rows.len(),
        })
    }

    /// Filters tables (in the tree) or rows.
    pub(super) fn filter_tables(&mut self, matcher: Option<crate::matcher::Matcher>) {
        self.table_filter = matcher;
        let nodes = self.nodes();
        let row = self.shown.as_ref().and_then(|key| nodes.iter().position(|node| *node == Node::Table(key.clone())));
        let first = nodes.iter().position(|node| matches!(node, Node::Table(_)));
        self.cursor.row = row.or(first).unwrap_or(0);
        self.follow();
    }

    /// Filters rows.
    pub(super) fn filter_rows(&mut self, text: &str) {
        self.row_filter = RowFilter::new(text);
        for table in self.tables.iter_mut().flat_map(BTreeMap::values_mut) {
            table.rows.refilter(&self.row_filter);
        }
    }

    /// Tables left by the filter, of how many.
    pub(super) fn table_counter(&self) -> (usize, usize) {
        let all = self.tables.as_ref().map_or(0, BTreeMap::len);
        (self.tables_left().count(), all)
    }
}

impl Table {
    /// Whether changes were counted that are not loaded.
    pub(super) fn is_partial(&self) -> bool {
        self.counts.total() > self.rows.len() as u64
    }
}
