//! The tree of changed tables: nodes and edges, with counts.

use stratigraph_engine::{TableKey, TableKind};

use super::{Diff, Table};

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// All tables of a kind.
    Kind(TableKind),
    /// One table.
    Table(TableKey),
}

impl Diff {
    /// Tables left by the filter, in key order.
    pub(super) fn tables_left(&self) -> impl Iterator<Item = &Table> {
        let fits = |table: &&Table| {
            let name = table.change.key.to_string();
            self.table_filter.as_ref().is_none_or(|matcher| matcher.accepts(&name))
        };
        self.tables.iter().flat_map(|tables| tables.values()).filter(fits)
    }

    /// The rows of the tree: node types first.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for kind in [TableKind::Node, TableKind::Edge] {
            let keys: Vec<&TableKey> =
                self.tables_left().map(|table| &table.change.key).filter(|key| key.kind == kind).collect();
            if keys.is_empty() {
                continue;
            }
            nodes.push(Node::Kind(kind));
            if !self.closed.contains(&kind) {
                nodes.extend(keys.into_iter().cloned().map(Node::Table));
            }
        }
        nodes
    }

    /// Whether the tables of a kind are hidden.
    pub(super) fn is_closed(&self, kind: TableKind) -> bool {
        self.closed.contains(&kind)
    }
}
