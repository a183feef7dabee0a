//! The compiled schema: what `_schema.ir.json` holds and what the hash of a schema is taken over.
//!
//! Fields serialize in the order they are declared, and that order is part of the format. A value built from a source is
//! canonical (everything that has no order of its own is sorted by bytes); a value read from a file is kept as it stands,
//! so that its hash tells whether the file is what it claims to be.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalog::Catalog;
use super::types::{Annotation, Bound, Cardinality, Constraint, PropertyType};

/// The only version of the compiled form there is.
pub const IR_VERSION: u32 = 1;

/// A compiled schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaIr {
    /// [`IR_VERSION`].
    pub ir_version: u32,
    /// Interfaces by name.
    pub interfaces: Vec<InterfaceType>,
    /// Node types by name.
    pub nodes: Vec<NodeType>,
    /// Edge types by name.
    pub edges: Vec<EdgeType>,
}

/// A set of properties that node types can promise to have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InterfaceType {
    /// Declared name.
    pub name: String,
    /// Id that follows from the name.
    pub type_id: u32,
    /// Properties by name.
    pub properties: Vec<Property>,
}

/// A declared node type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeType {
    /// Declared name.
    pub name: String,
    /// Id that follows from the name.
    pub type_id: u32,
    /// Annotations by name and value.
    pub annotations: Vec<Annotation>,
    /// Names of the interfaces, sorted.
    pub implements: Vec<String>,
    /// Properties by name, those of the interfaces included; this is the column order after `id`.
    pub properties: Vec<Property>,
    /// Constraints in canonical order, those written on properties included.
    pub constraints: Vec<Constraint>,
}

/// A declared edge type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeType {
    /// Declared name; unique ignoring case.
    pub name: String,
    /// Id that follows from the name.
    pub type_id: u32,
    /// Node type of `src`.
    pub from_type: String,
    /// Node type of `dst`.
    pub to_type: String,
    /// How many edges may leave one node.
    pub cardinality: Cardinality,
    /// Annotations by name and value.
    pub annotations: Vec<Annotation>,
    /// Properties by name; this is the column order after `id`, `src` and `dst`.
    pub properties: Vec<Property>,
    /// Constraints in canonical order, those written on properties included.
    pub constraints: Vec<Constraint>,
}

/// A property of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Property {
    /// Declared name, also the name of the column.
    pub name: String,
    /// Id that follows from kind, owner and name.
    pub prop_id: u32,
    /// Its type.
    pub prop_type: PropertyType,
    /// Annotations by name and value.
    pub annotations: Vec<Annotation>,
}

impl SchemaIr {
    /// Returns the compiled form of a catalog.
    #[must_use]
    pub fn from_catalog(catalog: &Catalog) -> Self {
        catalog.ir().clone()
    }

    /// Reads the text of a `_schema.ir.json`; unknown keys are dropped, nothing is reordered.
    ///
    /// # Errors
    /// The JSON error, with its place, if the text is not JSON or not of this shape.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns the JSON without whitespace, which is what [`Self::hash`] is taken over.
    #[must_use]
    pub fn to_compact_json(&self) -> String {
        serde_json::to_string(self).expect("plain structs with string keys always serialize")
    }

    /// Returns the text of `_schema.ir.json`: indented by two spaces, no newline at the end.
    #[must_use]
    pub fn to_pretty_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain structs with string keys always serialize")
    }

    /// Returns `sha256:` and 64 lower-case hex digits, the identity of the schema.
    #[must_use]
    pub fn hash(&self) -> String {
        format!("sha256:{:x}", Sha256::digest(self.to_compact_json()))
    }
}

/// Brings the parts of a type into canonical order.
pub(super) fn canonicalise(properties: &mut [Property], constraints: &mut [Constraint]) {
    properties.sort_by(|a, b| a.name.cmp(&b.name));
    for property in properties {
        canonicalise_annotations(&mut property.annotations);
    }
    for constraint in constraints.iter_mut() {
        match constraint {
            Constraint::Key(columns) | Constraint::Unique(columns) | Constraint::Index(columns) => columns.sort(),
            Constraint::Range { .. } | Constraint::Check { .. } => {}
        }
    }
    constraints.sort_by_cached_key(sort_key);
}

/// By name, then value; an absent value comes first.
pub(super) fn canonicalise_annotations(annotations: &mut [Annotation]) {
    annotations.sort_by(|a, b| match a.name.cmp(&b.name) {
        Ordering::Equal => a.value.cmp(&b.value),
        order @ (Ordering::Less | Ordering::Greater) => order,
    });
}

/// The text that constraints are ordered by. Bounds appear as a debug print would show them, because the order of two
/// ranges on one property follows from that text.
fn sort_key(constraint: &Constraint) -> String {
    match constraint {
        Constraint::Key(columns) => format!("key:{}", columns.join(",")),
        Constraint::Unique(columns) => format!("unique:{}", columns.join(",")),
        Constraint::Index(columns) => format!("index:{}", columns.join(",")),
        Constraint::Range { property, min, max } => format!("range:{property}:{}:{}", bound_key(*min), bound_key(*max)),
        Constraint::Check { property, pattern } => format!("check:{property}:{pattern}"),
    }
}

fn bound_key(bound: Option<Bound>) -> String {
    match bound {
        None => "None".to_owned(),
        Some(Bound::Integer(value)) => format!("Some(Integer({value}))"),
        Some(Bound::Float(value)) => format!("Some(Float({value:?}))"),
    }
}

#[cfg(test)]
mod tests;
