//! The list of branches: what is selected, marked and hidden, and how it moves.

use std::collections::{BTreeMap, HashSet};

use stratigraph_engine::BranchName;

use super::request::Facts;
use crate::action::Motion;
use crate::cursor::Cursor;
use crate::marks::Marks;
use crate::matcher::Matcher;
use crate::natural;
use crate::screen::Answer;

/// The list.
#[derive(Debug, Default)]
pub(super) struct List {
    branches: Vec<Facts>,
    /// Which of them the filter leaves, from top to bottom.
    shown: Vec<usize>,
    cursor: Cursor,
    /// Branch the user chose last; while a filter hides it the cursor stands elsewhere.
    wanted: Option<BranchName>,
    /// Branch to go to as soon as it is there.
    awaited: Option<BranchName>,
    pub(super) marks: Marks<BranchName>,
}

impl List {
    /// All branches: main first, the others in natural order.
    pub(super) fn branches(&self) -> &[Facts] {
        &self.branches
    }

    /// Those on view, from top to bottom.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Facts> {
        self.shown.iter().map(|at| &self.branches[*at])
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    /// The cursor.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The branch in a row.
    pub(super) fn row(&self, row: usize) -> Option<&Facts> {
        self.shown.get(row).map(|at| &self.branches[*at])
    }

    /// The selected branch.
    pub(super) fn selected(&self) -> Option<&Facts> {
        self.row(self.cursor.row)
    }

    /// The branch of this name.
    pub(super) fn find(&self, name: &BranchName) -> Option<&Facts> {
        self.branches.iter().find(|facts| facts.branch.name == *name)
    }

    /// What the selected branch is compared with: the last marked one that is another, or main.
    pub(super) fn counterpart(&self) -> Option<&Facts> {
        let selected = &self.selected()?.branch.name;
        let marked = self.marks.other_than(selected).and_then(|mark| self.find(mark));
        marked.or_else(|| self.find(&BranchName::main())).filter(|facts| facts.branch.name != *selected)
    }

    /// Shows other facts from now on. The cursor stays on its branch; where that is gone, in its row.
    pub(super) fn put(&mut self, mut branches: Vec<Facts>, filter: Option<&Matcher>, height: usize) {
        branches.sort_by(|left, right| natural::branches(&left.branch.name, &right.branch.name));
        self.branches = branches;
        let names: HashSet<&BranchName> = self.branches.iter().map(|facts| &facts.branch.name).collect();
        let gone = |name: &BranchName| !names.contains(name);
        self.marks.retain(|name| !gone(name));
        if self.wanted.as_ref().is_some_and(gone) {
            self.wanted = None;
        }
        if self.awaited.as_ref().is_some_and(|name| !gone(name)) {
            self.wanted = self.awaited.take();
        }
        self.filter(filter, height);
        self.wanted = self.wanted.take().or_else(|| self.selected().map(|facts| facts.branch.name.clone()));
    }

    /// Says how many interrupted writes are on each branch, and returns those on none of them.
    pub(super) fn put_pending(&mut self, mut on: BTreeMap<BranchName, usize>) -> BTreeMap<BranchName, usize> {
        for facts in &mut self.branches {
            facts.pending = on.remove(&facts.branch.name).unwrap_or(0);
        }
        on
    }

    /// Hides what the filter does not let through.
    pub(super) fn filter(&mut self, filter: Option<&Matcher>, height: usize) {
        let before = self.cursor.row;
        let fits = |facts: &Facts| filter.is_none_or(|filter| mentions(filter, facts));
        self.shown = (0..self.branches.len()).filter(|at| fits(&self.branches[*at])).collect();
        let wanted = self.wanted.as_ref();
        let row = self.shown.iter().position(|at| Some(&self.branches[*at].branch.name) == wanted);
        let row = row.unwrap_or(before);
        self.cursor.offset = (self.cursor.offset + row).saturating_sub(before);
        self.cursor.select(row, self.shown.len(), height);
    }

    /// Goes to a branch, now or as soon as it is on view.
    pub(super) fn want(&mut self, name: BranchName, height: usize) {
        let row = self.shown().position(|facts| facts.branch.name == name);
        match row {
            Some(row) => self.select_row(row, height),
            None => self.awaited = Some(name),
        }
    }

    /// Moves the cursor.
    pub(super) fn motion(&mut self, motion: Motion, height: usize) -> Answer {
        if matches!(motion, Motion::Left | Motion::Right | Motion::LeftEnd | Motion::RightEnd) {
            return Answer::Nothing("all columns that fit are on view".to_owned());
        }
        let moved = self.cursor.motion(motion, self.len(), height);
        self.chosen();
        Answer::when(moved, if self.len() == 0 { "there is no branch" } else { "no more branches" })
    }

    /// Selects a row.
    pub(super) fn select_row(&mut self, row: usize, height: usize) {
        self.cursor.select(row, self.len(), height);
        self.chosen();
    }

    /// The branch under the cursor is the one the user wants.
    fn chosen(&mut self) {
        let name = self.selected().map(|facts| facts.branch.name.clone());
        self.wanted = name.or(self.wanted.take());
        self.awaited = None;
    }

    /// The next row, in this direction and round the end, that a search matches. `here` may be the answer if asked so.
    pub(super) fn next_match(&self, search: &Matcher, way: Way) -> Option<usize> {
        let (at, rows) = (self.cursor.row, self.len());
        let step = |count: usize| match way {
            Way::Onward { here } => at + count + usize::from(!here),
            Way::Back => at + rows.saturating_sub(count + 1),
        };
        (0..rows).map(|count| step(count) % rows).find(|row| self.matches(search, *row))
    }

    fn matches(&self, search: &Matcher, row: usize) -> bool {
        self.row(row).is_some_and(|facts| mentions(search, facts))
    }

    /// The rows a search matches, and the place of the cursor among them, from 1; 0 if it is none.
    pub(super) fn place(&self, search: &Matcher) -> (usize, usize) {
        let rows: Vec<usize> = (0..self.len()).filter(|row| self.matches(search, *row)).collect();
        (rows.iter().position(|row| *row == self.cursor.row).map_or(0, |at| at + 1), rows.len())
    }

    /// Marks the selected branch, or takes the mark away.
    pub(super) fn mark(&mut self) -> Answer {
        let Some(name) = self.selected().map(|facts| facts.branch.name.clone()) else {
            return Answer::Nothing("there is no branch".to_owned());
        };
        self.marks.toggle(name);
        Answer::Done
    }
}

/// Where to look for the next match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Downwards, from the cursor's own row or from the one below it.
    Onward {
        /// Whether the cursor's own row counts.
        here: bool,
    },
    /// Upwards.
    Back,
}

/// Whether the name, the branch it was made from, the head's whole id or its actor match; a glob is about the name alone.
fn mentions(matcher: &Matcher, facts: &Facts) -> bool {
    if matcher.is_glob() {
        return matcher.accepts_name(facts.branch.name.as_str());
    }
    let id = facts.branch.head.map(|head| head.to_string());
    let actor = facts.head.as_ref().and_then(|head| head.commit.actor.as_deref());
    let parent = facts.branch.parent.as_ref().map(BranchName::as_str);
    let texts = [Some(facts.branch.name.as_str()), parent, id.as_deref(), actor];
    matcher.accepts_any_name(texts.into_iter().flatten())
}
