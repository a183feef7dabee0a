//! The list of node and edge types with their pins, heads and properties: what the left pane shows, and moving in it.

use std::collections::BTreeSet;

use stratigraph_engine::schema::TypeSummary;
use stratigraph_engine::{TableEntry, TableKey, TableKind};

use super::request::{Heads, Opened};
use super::schema_list::is_type;
use crate::action::Motion;
use crate::cursor::Cursor;
use crate::matcher::Matcher;
use crate::view::grouped;

/// What a row of the list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// The heading of all node or edge types, with their number.
    Group(TableKind, usize),
    /// A type.
    Type(Box<TypeRow>),
    /// Something about the type above: a fact, a property, a constraint.
    Detail {
        /// The type.
        table: TableKey,
        /// Its name, or what kind of fact it is.
        name: String,
        /// Type text or content.
        text: String,
    },
}

/// A type with what the manifest and the folder of its table say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeRow {
    /// The table as the position pins it.
    pub(super) entry: TableEntry,
    /// Newest version of the lineage, if it is known.
    pub(super) head: Option<Result<u64, String>>,
    /// Whether the position is the head of the branch whose lineage holds the table: only there a head past the pin is drift.
    /// A table that a branch inherits stays where it was while its own branch moves on.
    pub(super) at_head: bool,
}

impl TypeRow {
    /// Pin and head in words: `v12`, `v12 drift 1` (the head is past the pin), `v12 of 15` (an older position).
    pub(super) fn version(&self) -> String {
        let pin = self.entry.version.get();
        match &self.head {
            Some(Ok(head)) if *head > pin && self.at_head => format!("v{pin} drift {}", head - pin),
            Some(Ok(head)) if *head > pin => format!("v{pin} of {head}"),
            Some(Ok(_)) | None => format!("v{pin}"),
            Some(Err(_)) => format!("v{pin} head ?"),
        }
    }

    /// Whether the head is past the pin of a branch head, or could not be read.
    pub(super) fn is_odd(&self) -> bool {
        match &self.head {
            Some(Ok(head)) => self.at_head && *head > self.entry.version.get(),
            Some(Err(_)) => true,
            None => false,
        }
    }

    /// Name of the lineage that holds the version.
    pub(super) fn lineage(&self) -> String {
        self.entry.lineage.as_ref().map_or_else(|| "main".to_owned(), ToString::to_string)
    }
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Depth in the tree, from 0.
    pub(super) depth: usize,
    /// Unique name of the row.
    pub(super) id: String,
    /// Content.
    pub(super) node: Node,
}

/// The list and the place in it.
#[derive(Debug, Default)]
pub(super) struct Types {
    tables: Vec<(TypeRow, Option<TypeSummary>)>,
    /// Types whose details are shown.
    opened: BTreeSet<String>,
    /// Groups whose types are hidden.
    closed: BTreeSet<String>,
    /// Where the selection is.
    pub(super) cursor: Cursor,
}

impl Types {
    /// Takes the tables of a position. The selected row stays selected if it is there again.
    pub(super) fn show(&mut self, opened: &Opened, filter: Option<&Matcher>) {
        let selected = self.selected(filter).map(|entry| entry.id);
        let summary = |key: &TableKey| opened.types.iter().find(|summary| is_type(summary, key)).cloned();
        let branch = &opened.snapshot.branch;
        let is_own = |entry: &TableEntry| entry.lineage.as_ref().map_or(branch.is_main(), |lineage| lineage == branch);
        let row =
            |entry: &TableEntry| TypeRow { entry: entry.clone(), head: None, at_head: opened.is_head && is_own(entry) };
        let entries = opened.snapshot.entries.values();
        self.tables = entries.map(|entry| (row(entry), summary(&entry.key))).collect();
        // Nodes first: they are what edges refer to.
        self.tables.sort_by_key(|(row, _)| kind_order(row.entry.key.kind));
        if let Some(id) = selected {
            self.select_id(&id, filter);
        }
    }

    /// Takes the newest versions.
    pub(super) fn take_heads(&mut self, mut heads: Heads) {
        for (row, _) in &mut self.tables {
            row.head = heads.remove(&row.entry.key);
        }
    }

    /// Number of types, and of those that a filter leaves.
    pub(super) fn counts(&self, filter: Option<&Matcher>) -> (usize, usize) {
        let left = self.tables.iter().filter(|(row, summary)| accepts(filter, row, summary.as_ref())).count();
        (left, self.tables.len())
    }

    /// The rows on view from top to bottom; a filter leaves the types it accepts, by name or by the name of a property.
    pub(super) fn entries(&self, filter: Option<&Matcher>) -> Vec<Entry> {
        let mut entries = Vec::new();
        for kind in [TableKind::Node, TableKind::Edge] {
            let group = group_id(kind);
            let of_kind: Vec<_> = self
                .tables
                .iter()
                .filter(|(row, summary)| row.entry.key.kind == kind && accepts(filter, row, summary.as_ref()))
                .collect();
            if of_kind.is_empty() {
                continue;
            }
            let is_closed = self.closed.contains(group);
            entries.push(Entry { depth: 0, id: group.to_owned(), node: Node::Group(kind, of_kind.len()) });
            for (row, summary) in of_kind.into_iter().filter(|_| !is_closed) {
                let id = row.entry.key.to_string();
                let is_open = self.opened.contains(&id);
                entries.push(Entry { depth: 1, id, node: Node::Type(Box::new(row.clone())) });
                if is_open {
                    entries.extend(details(row, summary.as_ref()));
                }
            }
        }
        entries
    }

    /// Whether a row is folded open.
    pub(super) fn is_open(&self, entry: &Entry) -> bool {
        match entry.node {
            Node::Group(..) => !self.closed.contains(&entry.id),
            Node::Type(_) => self.opened.contains(&entry.id),
            Node::Detail { .. } => false,
        }
    }

    /// The selected row.
    pub(super) fn selected(&self, filter: Option<&Matcher>) -> Option<Entry> {
        self.entries(filter).into_iter().nth(self.cursor.row)
    }

    /// The table of the selected row: of the type, or of the detail's type.
    pub(super) fn table(&self, filter: Option<&Matcher>) -> Option<TableKey> {
        match self.selected(filter)?.node {
            Node::Group(..) => None,
            Node::Type(row) => Some(row.entry.key),
            Node::Detail { table, .. } => Some(table),
        }
    }

    /// The first table of the list.
    pub(super) fn first(&self) -> Option<TableKey> {
        self.tables.first().map(|(row, _)| row.entry.key.clone())
    }

    /// The row of a table.
    pub(super) fn row(&self, table: &TableKey) -> Option<&TypeRow> {
        self.tables.iter().map(|(row, _)| row).find(|row| row.entry.key == *table)
    }

    /// Selects a table's row.
    pub(super) fn select(&mut self, table: &TableKey, filter: Option<&Matcher>) {
        self.closed.remove(group_id(table.kind));
        self.select_id(&table.to_string(), filter);
    }

    fn select_id(&mut self, id: &str, filter: Option<&Matcher>) {
        let entries = self.entries(filter);
        if let Some(row) = entries.iter().position(|entry| entry.id == id) {
            self.cursor.row = row;
        }
    }

    /// Moves; left and right fold. False if nothing moved.
    pub(super) fn motion(&mut self, motion: Motion, height: usize, filter: Option<&Matcher>) -> bool {
        let entries = self.entries(filter);
        match motion {
            Motion::Left | Motion::LeftEnd => self.fold(&entries),
            Motion::Right | Motion::RightEnd => self.unfold(&entries),
            Motion::Down
            | Motion::Up
            | Motion::First
            | Motion::Last
            | Motion::HalfDown
            | Motion::HalfUp
            | Motion::PageDown
            | Motion::PageUp => self.cursor.motion(motion, entries.len(), height),
        }
    }

    /// Folds the selected row, or goes to the row it is part of.
    fn fold(&mut self, entries: &[Entry]) -> bool {
        let Some(entry) = entries.get(self.cursor.row) else { return false };
        if self.is_open(entry) {
            return self.set_open(entry, false);
        }
        let parent = entries[..self.cursor.row].iter().rposition(|above| above.depth < entry.depth);
        parent.map(|row| self.cursor.row = row).is_some()
    }

    fn unfold(&mut self, entries: &[Entry]) -> bool {
        let Some(entry) = entries.get(self.cursor.row) else { return false };
        !self.is_open(entry) && self.set_open(entry, true)
    }

    fn set_open(&mut self, entry: &Entry, open: bool) -> bool {
        match (&entry.node, open) {
            (Node::Group(..), true) => self.closed.remove(&entry.id),
            (Node::Group(..), false) => self.closed.insert(entry.id.clone()),
            (Node::Type(_), true) => self.opened.insert(entry.id.clone()),
            (Node::Type(_), false) => self.opened.remove(&entry.id),
            (Node::Detail { .. }, _) => false,
        }
    }

    /// Folds or unfolds a group; false if the selected row is none.
    pub(super) fn toggle_group(&mut self, filter: Option<&Matcher>) -> bool {
        match self.selected(filter) {
            Some(entry) if matches!(entry.node, Node::Group(..)) => {
                let open = !self.is_open(&entry);
                self.set_open(&entry, open)
            }
            Some(_) | None => false,
        }
    }
}

fn kind_order(kind: TableKind) -> u8 {
    match kind {
        TableKind::Node => 0,
        TableKind::Edge => 1,
    }
}

fn group_id(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Node => "nodes",
        TableKind::Edge => "edges",
    }
}

fn accepts(filter: Option<&Matcher>, row: &TypeRow, summary: Option<&TypeSummary>) -> bool {
    let properties = summary.into_iter().flat_map(|summary| &summary.properties);
    let mut texts: Vec<&str> = properties.map(|property| property.name.as_str()).collect();
    let key = row.entry.key.to_string();
    texts.push(&key);
    filter.is_none_or(|filter| filter.accepts_any(texts))
}

fn details(row: &TypeRow, summary: Option<&TypeSummary>) -> Vec<Entry> {
    let key = &row.entry.key;
    let mut lines: Vec<(String, String)> = Vec::new();
    let head = match &row.head {
        Some(Ok(head)) => format!("v{head}"),
        Some(Err(reason)) => format!("unknown: {reason}"),
        None => "not read yet".to_owned(),
    };
    lines.push(("pin".to_owned(), format!("v{} of lineage {}", row.entry.version, row.lineage())));
    lines.push(("head".to_owned(), if row.is_odd() { format!("{head}, the pin is behind: drift") } else { head }));
    lines.push(("rows".to_owned(), grouped(row.entry.rows)));
    if let Some(summary) = summary {
        let detail = std::iter::once(&summary.detail).chain(&summary.annotations).filter(|text| !text.is_empty());
        lines.extend(detail.map(|text| ("type".to_owned(), text.clone())));
        lines.extend(summary.properties.iter().map(|property| {
            let words = std::iter::once(&property.type_text).chain(&property.annotations);
            (property.name.clone(), words.map(String::as_str).collect::<Vec<_>>().join(" "))
        }));
        lines.extend(summary.constraints.iter().map(|text| ("rule".to_owned(), text.clone())));
    }
    let entry = |(at, (name, text)): (usize, (String, String))| Entry {
        depth: 2,
        id: format!("{key}#{at}"),
        node: Node::Detail { table: key.clone(), name, text },
    };
    lines.into_iter().enumerate().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use stratigraph_engine::TableVersion;

    use super::*;

    fn version(at_head: bool, head: Option<Result<u64, String>>) -> String {
        let entry = TableEntry {
            key: "node:Person".parse().expect("valid"),
            path: "nodes/0".into(),
            version: TableVersion::new(5),
            lineage: None,
            rows: 0,
        };
        TypeRow { entry, head, at_head }.version()
    }

    #[test]
    fn a_head_past_the_pin_is_drift_only_at_the_head_of_its_own_branch() {
        assert_eq!(version(true, Some(Ok(6))), "v5 drift 1");
        assert_eq!(version(false, Some(Ok(6))), "v5 of 6");
        assert_eq!(version(true, Some(Ok(5))), "v5");
        assert_eq!(version(true, None), "v5");
        assert_eq!(version(true, Some(Err("no table".to_owned()))), "v5 head ?");
    }
}
