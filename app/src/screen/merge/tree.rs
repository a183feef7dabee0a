//! The conflicts as a tree: by table, then by kind, then one by one; and the choices that hold for nothing any more. Pure.

use std::collections::BTreeSet;

use stratigraph_engine::TableKey;
use stratigraph_engine::merge::{Conflict, ConflictDetail, ConflictKey, ConflictKind};

use super::deciding::{Deciding, Standing};
use super::words;
use crate::action::Motion;
use crate::cursor::Cursor;
use crate::matcher::Matcher;

/// Which row of the tree, in every state of the decisions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Name {
    /// All conflicts of a table.
    Table(TableKey),
    /// All conflicts of a kind in a table.
    Kind(TableKey, ConflictKind),
    /// One conflict: its key, and its place among those of the same key.
    Conflict(ConflictKey, usize),
    /// The choices that hold for nothing.
    Stale,
    /// One of them, by the index of the decision.
    StaleChoice(usize),
}

impl Name {
    /// Groups that the row is in.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Table(_) | Self::Stale => 0,
            Self::Kind(..) | Self::StaleChoice(_) => 1,
            Self::Conflict(..) => 2,
        }
    }
}

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Which it is.
    pub(super) name: Name,
    /// Place of the conflict in [`Tree::conflicts`]; of a group, of its first conflict.
    pub(super) conflict: usize,
    /// Conflicts in a group that are open, and all of them.
    pub(super) counts: (usize, usize),
}

/// The tree with its cursor.
#[derive(Debug, Default)]
pub(super) struct Tree {
    conflicts: Vec<Conflict>,
    standings: Vec<Standing>,
    nodes: Vec<Node>,
    closed: BTreeSet<Name>,
    /// Conflicts that were marked.
    marks: BTreeSet<Name>,
    former_marks: Vec<BTreeSet<Name>>,
    filter: Option<Matcher>,
    pub(super) cursor: Cursor,
    /// Conflicts that the filter leaves.
    left: usize,
}

impl Tree {
    /// Shows these decisions; the cursor stays on its row, or goes to what is in its place.
    pub(super) fn show(&mut self, deciding: &Deciding, height: usize) {
        self.conflicts = deciding.conflicts();
        self.standings = self.conflicts.iter().map(|conflict| deciding.standing(conflict)).collect();
        self.arrange(deciding, height);
    }

    fn arrange(&mut self, deciding: &Deciding, height: usize) {
        let selected = self.name().cloned();
        self.build(deciding);
        let row = match selected {
            Some(name) => match self.nodes.iter().position(|node| node.name == name) {
                Some(row) => row,
                None => self.cursor.row,
            },
            None => self.nodes.iter().position(|node| matches!(node.name, Name::Conflict(..))).unwrap_or(0),
        };
        self.cursor.select(row, self.nodes.len(), height);
    }

    fn build(&mut self, deciding: &Deciding) {
        self.nodes.clear();
        self.left = 0;
        let mut same_key = 0;
        let (mut table, mut kind): (Option<usize>, Option<usize>) = (None, None);
        for at in 0..self.conflicts.len() {
            let key = self.conflicts[at].key.clone();
            same_key = if at > 0 && self.conflicts[at - 1].key == key { same_key + 1 } else { 0 };
            if !self.fits(&self.conflicts[at]) {
                continue;
            }
            self.left += 1;
            let is_open = self.is_open(at);
            let of_table = Name::Table(key.table.clone());
            if table.is_none_or(|row| self.nodes[row].name != of_table) {
                table = Some(self.nodes.len());
                kind = None;
                self.nodes.push(Node { name: of_table.clone(), conflict: at, counts: (0, 0) });
            }
            self.count(table, is_open);
            if self.closed.contains(&of_table) {
                continue;
            }
            let of_kind = Name::Kind(key.table.clone(), key.kind);
            if kind.is_none_or(|row| self.nodes[row].name != of_kind) {
                kind = Some(self.nodes.len());
                self.nodes.push(Node { name: of_kind.clone(), conflict: at, counts: (0, 0) });
            }
            self.count(kind, is_open);
            if !self.closed.contains(&of_kind) {
                let counts = (usize::from(is_open), 1);
                self.nodes.push(Node { name: Name::Conflict(key, same_key), conflict: at, counts });
            }
        }
        let stale = &deciding.check().stale;
        if !stale.is_empty() && self.filter.is_none() {
            self.nodes.push(Node { name: Name::Stale, conflict: 0, counts: (0, stale.len()) });
            if !self.closed.contains(&Name::Stale) {
                let choices = stale.iter().map(|stale| Name::StaleChoice(stale.decision));
                self.nodes.extend(choices.map(|name| Node { name, conflict: 0, counts: (0, 1) }));
            }
        }
    }

    fn count(&mut self, group: Option<usize>, is_open: bool) {
        if let Some(row) = group {
            self.nodes[row].counts.0 += usize::from(is_open);
            self.nodes[row].counts.1 += 1;
        }
    }

    fn is_open(&self, at: usize) -> bool {
        matches!(self.standings[at], Standing::Open | Standing::Partly)
    }

    fn fits(&self, conflict: &Conflict) -> bool {
        self.filter.as_ref().is_none_or(|matcher| fits(matcher, conflict))
    }

    /// Hides what does not fit.
    pub(super) fn filter(&mut self, matcher: Option<Matcher>, deciding: &Deciding, height: usize) {
        self.filter = matcher;
        self.arrange(deciding, height);
    }

    /// The rows.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All conflicts.
    pub(super) fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// How the conflict at this place stands.
    pub(super) fn standing(&self, at: usize) -> Standing {
        self.standings.get(at).copied().unwrap_or(Standing::Open)
    }

    /// Conflicts that the filter leaves.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// The row under the cursor.
    pub(super) fn node(&self) -> Option<&Node> {
        self.nodes.get(self.cursor.row)
    }

    /// The name of the row under the cursor.
    pub(super) fn name(&self) -> Option<&Name> {
        self.node().map(|node| &node.name)
    }

    /// The conflict under the cursor.
    pub(super) fn conflict(&self) -> Option<&Conflict> {
        let node = self.node().filter(|node| matches!(node.name, Name::Conflict(..)))?;
        self.conflicts.get(node.conflict)
    }

    /// Whether a group is closed.
    pub(super) fn is_closed(&self, name: &Name) -> bool {
        self.closed.contains(name)
    }

    /// Whether a conflict is marked.
    pub(super) fn is_marked(&self, name: &Name) -> bool {
        self.marks.contains(name)
    }

    /// Opens or closes the group under the cursor. False if it is no group.
    pub(super) fn toggle(&mut self, deciding: &Deciding, height: usize) -> bool {
        let Some(name) = self.name().cloned() else { return false };
        if matches!(name, Name::Conflict(..) | Name::StaleChoice(_)) {
            return false;
        }
        if !self.closed.remove(&name) {
            self.closed.insert(name);
        }
        self.arrange(deciding, height);
        true
    }

    /// Moves the cursor; sideways opens and closes groups.
    pub(super) fn motion(&mut self, motion: Motion, deciding: &Deciding, height: usize) -> bool {
        let group = self.name().filter(|name| !matches!(name, Name::Conflict(..) | Name::StaleChoice(_))).cloned();
        match (motion, group) {
            (Motion::Right, Some(name)) if self.closed.contains(&name) => self.toggle(deciding, height),
            (Motion::Left, Some(name)) if !self.closed.contains(&name) && !matches!(name, Name::Kind(..)) => {
                self.toggle(deciding, height)
            }
            (Motion::Left, _) => self.leave_group(height),
            _ => self.cursor.motion(motion, self.nodes.len(), height),
        }
    }

    /// Goes to the group that the row is in.
    fn leave_group(&mut self, height: usize) -> bool {
        let above = self.groups_of(self.cursor.row).last().copied();
        above.map(|row| self.cursor.select(row, self.nodes.len(), height)).is_some()
    }

    /// The groups that a row is in, the outermost first.
    pub(super) fn groups_of(&self, row: usize) -> Vec<usize> {
        let mut groups = Vec::new();
        let mut depth = self.nodes.get(row).map_or(0, |node| node.name.depth());
        for at in (0..row.min(self.nodes.len())).rev() {
            if depth == 0 {
                break;
            }
            if self.nodes[at].name.depth() < depth {
                depth = self.nodes[at].name.depth();
                groups.push(at);
            }
        }
        groups.reverse();
        groups
    }

    /// Goes to the next or former open conflict, around the end; opens what hides it. False if none is open.
    pub(super) fn next_open(&mut self, forward: bool, deciding: &Deciding, height: usize) -> bool {
        let at = self.node().map(|node| (node.conflict, matches!(node.name, Name::Conflict(..))));
        let (here, is_conflict) = at.unwrap_or((0, false));
        let count = self.conflicts.len();
        let order: Vec<usize> = if forward {
            (usize::from(is_conflict)..=count).map(|step| (here + step) % count.max(1)).collect()
        } else {
            (1..=count).map(|step| (here + count - step) % count.max(1)).collect()
        };
        let found = order.into_iter().find(|at| *at < count && self.is_open(*at) && self.fits(&self.conflicts[*at]));
        found.is_some_and(|at| self.go_to(at, deciding, height))
    }

    /// Goes to the next or former conflict that a search fits.
    pub(super) fn find(
        &mut self,
        matcher: &Matcher,
        forward: bool,
        stay: bool,
        deciding: &Deciding,
        height: usize,
    ) -> bool {
        let here = self.node().map_or(0, |node| node.conflict);
        let count = self.conflicts.len();
        let first = usize::from(!stay);
        let mut order = (first..=count).map(|step| {
            let there = if forward { here + step } else { here + count - step % count.max(1) };
            there % count.max(1)
        });
        let fit = |at: &usize| {
            let conflict = self.conflicts.get(*at);
            conflict.is_some_and(|conflict| self.fits(conflict) && fits(matcher, conflict))
        };
        let found = order.find(fit);
        found.is_some_and(|at| self.go_to(at, deciding, height))
    }

    /// The number of the match under the cursor, and how many there are.
    pub(super) fn matching(&self, matcher: &Matcher) -> (usize, usize) {
        let here = self.node().filter(|node| matches!(node.name, Name::Conflict(..))).map(|node| node.conflict);
        let fit = |(_, conflict): &(usize, &Conflict)| self.fits(conflict) && fits(matcher, conflict);
        let found: Vec<usize> = self.conflicts.iter().enumerate().filter(fit).map(|(at, _)| at).collect();
        let this = found.iter().position(|at| Some(*at) == here).map_or(0, |at| at + 1);
        (this, found.len())
    }

    /// Goes to a conflict by its place; opens what hides it.
    pub(super) fn go_to(&mut self, at: usize, deciding: &Deciding, height: usize) -> bool {
        let Some(key) = self.conflicts.get(at).map(|conflict| conflict.key.clone()) else { return false };
        let hidden = self.closed.remove(&Name::Table(key.table.clone()))
            | self.closed.remove(&Name::Kind(key.table.clone(), key.kind));
        if hidden {
            self.build(deciding);
        }
        let is = |node: &Node| node.conflict == at && matches!(node.name, Name::Conflict(..));
        let row = self.nodes.iter().position(is);
        row.map(|row| self.cursor.select(row, self.nodes.len(), height)).is_some()
    }

    /// Goes to the first conflict of a table.
    pub(super) fn go_to_table(&mut self, table: &TableKey, deciding: &Deciding, height: usize) -> bool {
        let at = self.conflicts.iter().position(|conflict| conflict.key.table == *table);
        at.is_some_and(|at| self.go_to(at, deciding, height))
    }

    /// Marks the conflict under the cursor, or the whole group; marks that are all there go.
    pub(super) fn mark(&mut self) -> bool {
        let Some(node) = self.node() else { return false };
        let names: BTreeSet<Name> = match &node.name {
            name @ Name::Conflict(..) => [name.clone()].into(),
            Name::Table(table) => self.names(|conflict| conflict.key.table == *table),
            Name::Kind(table, kind) => {
                self.names(|conflict| conflict.key.table == *table && conflict.key.kind == *kind)
            }
            Name::Stale | Name::StaleChoice(_) => return false,
        };
        self.former_marks.push(self.marks.clone());
        if names.is_subset(&self.marks) {
            self.marks.retain(|name| !names.contains(name));
        } else {
            self.marks.extend(names);
        }
        true
    }

    /// Takes the last mark back.
    pub(super) fn unmark(&mut self) -> bool {
        self.former_marks.pop().map(|marks| self.marks = marks).is_some()
    }

    fn names(&self, wanted: impl Fn(&Conflict) -> bool) -> BTreeSet<Name> {
        let mut names = BTreeSet::new();
        let mut same_key = 0;
        for (at, conflict) in self.conflicts.iter().enumerate() {
            same_key = if at > 0 && self.conflicts[at - 1].key == conflict.key { same_key + 1 } else { 0 };
            if self.fits(conflict) && wanted(conflict) {
                names.insert(Name::Conflict(conflict.key.clone(), same_key));
            }
        }
        names
    }

    /// The conflicts that are marked; those of one key are marked together.
    pub(super) fn marked(&self) -> Vec<&Conflict> {
        let keys: BTreeSet<&ConflictKey> = self
            .marks
            .iter()
            .filter_map(|name| match name {
                Name::Conflict(key, _) => Some(key),
                Name::Table(_) | Name::Kind(..) | Name::Stale | Name::StaleChoice(_) => None,
            })
            .collect();
        self.conflicts.iter().filter(|conflict| keys.contains(&conflict.key)).collect()
    }

    /// The conflicts that the filter leaves.
    pub(super) fn filtered(&self) -> Vec<&Conflict> {
        self.conflicts.iter().filter(|conflict| self.fits(conflict)).collect()
    }
}

/// Whether a term is about a conflict: its table, kind, id or detail.
pub(super) fn fits(matcher: &Matcher, conflict: &Conflict) -> bool {
    let key = &conflict.key;
    let detail = match &conflict.detail {
        ConflictDetail::Row { columns, .. } => columns.join(" "),
        detail @ (ConflictDetail::Orphan { .. }
        | ConflictDetail::Unique { .. }
        | ConflictDetail::Cardinality { .. }
        | ConflictDetail::Value { .. }) => detail.to_string(),
    };
    let (table, kind) = (key.table.to_string(), key.kind.to_string());
    matcher.accepts_any([table.as_str(), kind.as_str(), words::kind(key.kind), key.id.as_str(), detail.as_str()])
}
