//! The first step: two lists of branches, and what lies between the two that are chosen. Pure.

use stratigraph_engine::BranchName;

use super::request::{Between, BranchLine, Pair};
use crate::action::Motion;
use crate::cursor::Cursor;
use crate::matcher::Matcher;
use crate::natural;

/// One of the two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// What is merged.
    Source,
    /// What it is merged into.
    Target,
}

/// The branches and the two of them that are chosen: those the cursors are on.
#[derive(Debug, Default)]
pub(super) struct Choose {
    /// None until they were read.
    pub(super) branches: Option<Vec<BranchLine>>,
    source: Option<BranchName>,
    target: Option<BranchName>,
    cursors: [Cursor; 2],
    /// What lies between the chosen ones, once it is known.
    pub(super) between: Option<Between>,
}

impl Choose {
    /// The branches are known: names stay chosen if they are there, else the first ones that make sense are.
    pub(super) fn take(&mut self, mut branches: Vec<BranchLine>) {
        branches.sort_by(|left, right| natural::branches(&left.name, &right.name));
        let there = |name: &BranchName| branches.iter().any(|branch| branch.name == *name);
        let mut whole = branches.iter().filter(|branch| branch.broken.is_none()).map(|branch| &branch.name);
        self.target = self.target.take().filter(there).or_else(|| whole.clone().next().cloned());
        let target = self.target.clone();
        let other = || whole.find(|name| Some(*name) != target.as_ref()).cloned();
        self.source = self.source.take().filter(there).or_else(other);
        self.branches = Some(branches);
    }

    /// The branches that a filter leaves.
    pub(super) fn left(&self, filter: Option<&Matcher>) -> Vec<&BranchLine> {
        let fits = |branch: &&BranchLine| filter.is_none_or(|matcher| matcher.accepts_name(branch.name.as_str()));
        self.branches.iter().flatten().filter(fits).collect()
    }

    /// The chosen branch of a list.
    pub(super) fn chosen(&self, end: End) -> Option<&BranchName> {
        match end {
            End::Source => self.source.as_ref(),
            End::Target => self.target.as_ref(),
        }
    }

    /// Both, if they are chosen and not the same.
    pub(super) fn pair(&self) -> Option<Pair> {
        let (source, target) = (self.source.clone()?, self.target.clone()?);
        (source != target).then_some(Pair { source, target })
    }

    /// Returns why what is chosen cannot be merged; none if it can.
    pub(super) fn problem(&self) -> Option<String> {
        if self.source.is_none() || self.target.is_none() {
            return Some("there is no other branch that can be read".to_owned());
        }
        if self.source == self.target {
            return Some("a branch cannot be merged into itself: choose two".to_owned());
        }
        self.broken().next().map(|(name, _)| format!("branch {name} is broken: choose another one"))
    }

    /// The chosen branches that cannot be read, and why.
    pub(super) fn broken(&self) -> impl Iterator<Item = (&BranchName, &str)> {
        let chosen = [self.source.as_ref(), self.target.as_ref()].into_iter().flatten();
        let lines = chosen.filter_map(|name| self.branches.iter().flatten().find(|branch| branch.name == *name));
        lines.filter_map(|branch| Some((&branch.name, branch.broken.as_deref()?)))
    }

    /// Chooses both.
    pub(super) fn put(&mut self, source: BranchName, target: BranchName) {
        (self.source, self.target) = (Some(source), Some(target));
    }

    /// Exchanges them.
    pub(super) fn swap(&mut self) {
        std::mem::swap(&mut self.source, &mut self.target);
    }

    /// Row of the chosen branch among those that are left.
    pub(super) fn row(&self, end: End, filter: Option<&Matcher>) -> usize {
        let chosen = self.chosen(end);
        self.left(filter).iter().position(|branch| Some(&branch.name) == chosen).unwrap_or(0)
    }

    /// First row on view.
    pub(super) fn cursor(&self, end: End, filter: Option<&Matcher>) -> Cursor {
        Cursor { row: self.row(end, filter), offset: self.cursors[end as usize].offset }
    }

    /// Moves the choice in a list.
    pub(super) fn motion(&mut self, end: End, motion: Motion, height: usize, filter: Option<&Matcher>) -> bool {
        let mut cursor = self.cursor(end, filter);
        let moved = cursor.motion(motion, self.left(filter).len(), height);
        self.cursors[end as usize] = cursor;
        moved && self.select(end, cursor.row, filter)
    }

    /// Chooses the branch in a row. False if it was chosen already, or there is none.
    pub(super) fn select(&mut self, end: End, row: usize, filter: Option<&Matcher>) -> bool {
        let Some(name) = self.left(filter).get(row).map(|branch| branch.name.clone()) else { return false };
        let slot = match end {
            End::Source => &mut self.source,
            End::Target => &mut self.target,
        };
        slot.replace(name.clone()) != Some(name)
    }

    /// What lies between the chosen ones, if that is what is known.
    pub(super) fn known(&self) -> Option<&Between> {
        self.between.as_ref().filter(|between| Some(&between.pair) == self.pair().as_ref())
    }
}
