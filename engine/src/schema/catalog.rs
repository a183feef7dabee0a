//! The typed schema: what types a graph has, by name, with every rule of the language checked.
//!
//! A [`Catalog`] only comes from a source that keeps all rules, and is in canonical order: types by name, properties by name
//! (which is the column order), constraints and annotations as the compiled form wants them. Two catalogs are therefore
//! equal exactly when their schemas are.
//!
//! `lower` turns the syntax tree into records, `names` has the rules between declarations, `property` those of one property,
//! `constraint` those of the constraints of a type.

mod constraint;
mod lower;
mod names;
mod property;

use crate::id::{TableKey, TableKind};

use super::ast::PropertyDecl;
use super::ids::{DeclarationKind, table_dir_name};
use super::ir::{EdgeType, InterfaceType, NodeType, Property, SchemaIr};
use super::parse::parse;
use super::problem::{SchemaError, SchemaProblem};
use super::types::{Annotation, Constraint};

/// A checked schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    ir: SchemaIr,
}

/// A type that has a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TableType<'c> {
    /// A node type.
    Node(&'c NodeType),
    /// An edge type.
    Edge(&'c EdgeType),
}

impl Catalog {
    /// Parses and checks a schema source.
    ///
    /// # Errors
    /// The first violation of the grammar, else the first violation of a rule, with its place.
    pub fn parse(source: &str) -> Result<Self, SchemaError> {
        let file = parse(source)?;
        let ir = lower::lower(source, &file).map_err(|fault| SchemaError::at(source, fault.at, fault.problem))?;
        Ok(Self { ir })
    }

    /// Returns the compiled form.
    #[must_use]
    pub fn ir(&self) -> &SchemaIr {
        &self.ir
    }

    /// Returns the interfaces by name.
    #[must_use]
    pub fn interfaces(&self) -> &[InterfaceType] {
        &self.ir.interfaces
    }

    /// Returns the node types by name.
    #[must_use]
    pub fn nodes(&self) -> &[NodeType] {
        &self.ir.nodes
    }

    /// Returns the edge types by name.
    #[must_use]
    pub fn edges(&self) -> &[EdgeType] {
        &self.ir.edges
    }

    /// Finds a node type by its exact name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&NodeType> {
        self.nodes().iter().find(|node| node.name == name)
    }

    /// Finds an edge type by its exact name.
    #[must_use]
    pub fn edge(&self, name: &str) -> Option<&EdgeType> {
        self.edges().iter().find(|edge| edge.name == name)
    }

    /// Finds an edge type ignoring case, as load records name them; there is at most one.
    #[must_use]
    pub fn edge_ignoring_case(&self, name: &str) -> Option<&EdgeType> {
        self.edges().iter().find(|edge| edge.name.eq_ignore_ascii_case(name))
    }

    /// Returns all types that have a table, in the order of their table keys: edges, then nodes, each by name.
    pub fn tables(&self) -> impl Iterator<Item = TableType<'_>> {
        self.edges().iter().map(TableType::Edge).chain(self.nodes().iter().map(TableType::Node))
    }

    /// Finds a type by its table key.
    #[must_use]
    pub fn table(&self, key: &TableKey) -> Option<TableType<'_>> {
        match key.kind {
            TableKind::Node => self.node(&key.name).map(TableType::Node),
            TableKind::Edge => self.edge(&key.name).map(TableType::Edge),
        }
    }
}

impl<'c> TableType<'c> {
    /// Returns whether the type is a node or an edge type.
    #[must_use]
    pub fn kind(self) -> TableKind {
        match self {
            Self::Node(_) => TableKind::Node,
            Self::Edge(_) => TableKind::Edge,
        }
    }

    /// Returns the declared name.
    #[must_use]
    pub fn name(self) -> &'c str {
        match self {
            Self::Node(node) => &node.name,
            Self::Edge(edge) => &edge.name,
        }
    }

    /// Returns the table key, `node:Person`.
    #[must_use]
    pub fn key(self) -> TableKey {
        TableKey::new(self.kind(), self.name())
    }

    /// Returns the path a new table of this type gets below the graph root.
    #[must_use]
    pub fn dir_name(self) -> String {
        table_dir_name(self.kind(), self.name())
    }

    /// Returns the properties in column order.
    #[must_use]
    pub fn properties(self) -> &'c [Property] {
        match self {
            Self::Node(node) => &node.properties,
            Self::Edge(edge) => &edge.properties,
        }
    }

    /// Returns the constraints in canonical order.
    #[must_use]
    pub fn constraints(self) -> &'c [Constraint] {
        match self {
            Self::Node(node) => &node.constraints,
            Self::Edge(edge) => &edge.constraints,
        }
    }

    /// Returns the annotations of the type by name and value.
    #[must_use]
    pub fn annotations(self) -> &'c [Annotation] {
        match self {
            Self::Node(node) => &node.annotations,
            Self::Edge(edge) => &edge.annotations,
        }
    }
}

impl NodeType {
    /// Returns the property whose value is the `id` of a row, the first key column; `None` if the type has no key.
    #[must_use]
    pub fn key_property(&self) -> Option<&str> {
        self.constraints.iter().find_map(|constraint| match constraint {
            Constraint::Key(columns) => columns.first().map(String::as_str),
            Constraint::Unique(_) | Constraint::Index(_) | Constraint::Range { .. } | Constraint::Check { .. } => None,
        })
    }
}

/// A broken rule with the byte offset of what broke it.
#[derive(Debug)]
struct Fault {
    at: usize,
    problem: Box<SchemaProblem>,
}

impl Fault {
    fn new(at: usize, problem: SchemaProblem) -> Self {
        Self { at, problem: Box::new(problem) }
    }
}

/// The type whose parts are being checked.
#[derive(Debug, Clone, Copy)]
struct Owner<'f> {
    kind: DeclarationKind,
    name: &'f str,
}

impl Owner<'_> {
    /// How messages name the type.
    fn describe(self) -> String {
        format!("{} type {}", self.kind, self.name)
    }

    /// How messages name a property of the type.
    fn describe_property(self, property: &str) -> String {
        format!("property {property} of {} type {}", self.kind, self.name)
    }
}

/// A property as written and as compiled; the former has the places.
struct Member<'f> {
    decl: &'f PropertyDecl,
    property: Property,
}

#[cfg(test)]
mod tests;
