//! A rule that a change breaks, with everything that is known of it; as text it reads as loads and mutations tell it.

use std::fmt;
use std::sync::Arc;

use crate::id::TableKey;
use crate::schema::Cardinality;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    /// What is no row at all, or is there twice in what a writer was given: no rule of a schema, and told as it is.
    Input(String),
    /// An added row has the id of a stored one.
    StoredId { table: TableKey, id: Box<str> },
    /// A new edge needs a node that will not be there.
    MissingEnd {
        edge: TableKey,
        /// Known only with [`Ends::InRows`](super::Ends::InRows).
        edge_id: Option<Box<str>>,
        /// `src` or `dst`.
        role: &'static str,
        node: TableKey,
        end: Box<str>,
    },
    /// A stored edge stays and its node goes.
    LostEnd {
        edge: TableKey,
        edge_id: Box<str>,
        /// `src` or `dst`.
        role: &'static str,
        node: TableKey,
        end: Box<str>,
        loss: Loss,
    },
    /// A new row has the same values as another row.
    Unique {
        table: TableKey,
        /// `unique` or `key`.
        rule: &'static str,
        columns: Arc<[String]>,
        /// The values as a JSON list.
        values: String,
        id: Box<str>,
        other: OtherRow,
    },
    /// A node would have too many or too few edges.
    Cardinality { edge: TableKey, src: Box<str>, edges: u32, allowed: Cardinality },
    /// A row breaks a rule about its own values.
    Value {
        table: TableKey,
        /// None where the place of the row tells which it is.
        id: Option<Box<str>>,
        property: String,
        /// What is wrong, naming the property.
        reason: String,
    },
}

/// How a node goes that an edge needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is deleted.
    Deleted,
    /// All nodes of its type are replaced, and it is not among the new ones.
    NotAmongNew,
}

/// The row that has the same values already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OtherRow {
    /// An earlier one of the new rows.
    New(Box<str>),
    /// A stored one that stays.
    Stored(Box<str>),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(reason) => f.write_str(reason),
            Self::StoredId { table, id } => {
                write!(f, "{}: the id `{id}` is stored already: load with mode merge to replace it", table.name)
            }
            Self::MissingEnd { edge, edge_id: _, role, node, end } => {
                write!(f, "{}: {role} `{end}` not found in {}", edge.name, node.name)
            }
            Self::LostEnd { edge, edge_id, role, node, end, loss } => {
                let (edge, node) = (&edge.name, &node.name);
                write!(f, "{edge}: the stored edge `{edge_id}` would lose its {role} `{end}`, which is {loss} {node}")
            }
            Self::Unique { table, rule, columns, values, id, other } => {
                let broken = format!("@{rule}({}) is broken: there is another {values}", columns.join(", "));
                match other {
                    OtherRow::New(_) => write!(f, "{} `{id}`: {broken}", table.name),
                    OtherRow::Stored(other) => write!(f, "{}: {broken}, as in the stored row `{other}`", table.name),
                }
            }
            Self::Cardinality { edge, src, edges, allowed } => {
                let fault = Fault { edges: *edges, allowed: *allowed };
                write!(f, "{}: @card violation: `{src}` has {edges} edges ({fault})", edge.name)
            }
            Self::Value { table, id: Some(id), property: _, reason } => write!(f, "{} `{id}`: {reason}", table.name),
            Self::Value { table, id: None, property: _, reason } => write!(f, "{}: {reason}", table.name),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "deleted from",
            Self::NotAmongNew => "not among the new",
        })
    }
}

/// The number that a number of edges should have kept to.
struct Fault {
    edges: u32,
    allowed: Cardinality,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.allowed.max {
            Some(max) if self.edges > max => write!(f, "max {max}"),
            Some(_) | None => write!(f, "min {}", self.allowed.min),
        }
    }
}
