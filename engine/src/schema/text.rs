//! How types, constraints and annotations read in a `.pg` source, and the summary a tree view is built from.
//!
//! Everything displayed here parses back to the same value, with two exceptions: the quirk that `..b` is stored as a
//! lower bound shows as `b..`, and a float so large that it prints with an exponent is no number of the language.

use std::fmt;

use super::catalog::Catalog;
use super::ids::DeclarationKind;
use super::ir::{EdgeType, InterfaceType, NodeType, Property};
use super::types::{Annotation, Bound, Cardinality, Constraint, PropertyType, ScalarType};

/// One declaration as text, for screens and listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeSummary {
    /// Kind of the declaration.
    pub kind: DeclarationKind,
    /// Declared name.
    pub name: String,
    /// What follows the name: `implements A, B`, or `Person -> Project @card(0..1)`; empty if nothing does.
    pub detail: String,
    /// Annotations of the type, without leading spaces.
    pub annotations: Vec<String>,
    /// Properties in column order.
    pub properties: Vec<PropertySummary>,
    /// All constraints in canonical order, those written on properties included.
    pub constraints: Vec<String>,
}

/// One property as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertySummary {
    /// Name of the property.
    pub name: String,
    /// Its type as in a source, for example `Vector(4)?`.
    pub type_text: String,
    /// Its annotations as in a source.
    pub annotations: Vec<String>,
}

impl Catalog {
    /// Returns every declaration as text: interfaces, then nodes, then edges, each by name.
    #[must_use]
    pub fn summaries(&self) -> Vec<TypeSummary> {
        let interfaces = self.interfaces().iter().map(TypeSummary::from);
        let nodes = self.nodes().iter().map(TypeSummary::from);
        interfaces.chain(nodes).chain(self.edges().iter().map(TypeSummary::from)).collect()
    }
}

impl From<&InterfaceType> for TypeSummary {
    fn from(interface: &InterfaceType) -> Self {
        Self {
            kind: DeclarationKind::Interface,
            name: interface.name.clone(),
            detail: String::new(),
            annotations: Vec::new(),
            properties: interface.properties.iter().map(PropertySummary::from).collect(),
            constraints: Vec::new(),
        }
    }
}

impl From<&NodeType> for TypeSummary {
    fn from(node: &NodeType) -> Self {
        let detail = match node.implements.as_slice() {
            [] => String::new(),
            interfaces => format!("implements {}", interfaces.join(", ")),
        };
        Self {
            kind: DeclarationKind::Node,
            name: node.name.clone(),
            detail,
            annotations: texts(&node.annotations),
            properties: node.properties.iter().map(PropertySummary::from).collect(),
            constraints: texts(&node.constraints),
        }
    }
}

impl From<&EdgeType> for TypeSummary {
    fn from(edge: &EdgeType) -> Self {
        let ends = format!("{} -> {}", edge.from_type, edge.to_type);
        let detail = if edge.cardinality == Cardinality::ANY { ends } else { format!("{ends} {}", edge.cardinality) };
        Self {
            kind: DeclarationKind::Edge,
            name: edge.name.clone(),
            detail,
            annotations: texts(&edge.annotations),
            properties: edge.properties.iter().map(PropertySummary::from).collect(),
            constraints: texts(&edge.constraints),
        }
    }
}

impl From<&Property> for PropertySummary {
    fn from(property: &Property) -> Self {
        Self {
            name: property.name.clone(),
            type_text: property.prop_type.to_string(),
            annotations: texts(&property.annotations),
        }
    }
}

fn texts<T: fmt::Display>(values: &[T]) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(dimension) => write!(f, "Vector({dimension})"),
            Self::String
            | Self::Bool
            | Self::I32
            | Self::I64
            | Self::U32
            | Self::U64
            | Self::F32
            | Self::F64
            | Self::Date
            | Self::DateTime
            | Self::Blob => write!(f, "{self:?}"),
        }
    }
}

impl fmt::Display for PropertyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.enum_values {
            Some(values) => write!(f, "enum({})", values.join(", "))?,
            None if self.list => write!(f, "[{}]", self.scalar)?,
            None => write!(f, "{}", self.scalar)?,
        }
        f.write_str(if self.nullable { "?" } else { "" })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(columns) => write!(f, "@key({})", columns.join(", ")),
            Self::Unique(columns) => write!(f, "@unique({})", columns.join(", ")),
            Self::Index(columns) => write!(f, "@index({})", columns.join(", ")),
            Self::Range { property, min, max } => {
                let text = |bound: &Option<Bound>| bound.map_or_else(String::new, |bound| bound.to_string());
                write!(f, "@range({property}, {}..{})", text(min), text(max))
            }
            Self::Check { property, pattern } => write!(f, "@check({property}, {})", Quoted(pattern)),
        }
    }
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.name)?;
        let Some(value) = &self.value else {
            return Ok(());
        };
        write!(f, "({}", Quoted(value))?;
        for (word, value) in &self.kwargs {
            write!(f, ", {word}={}", Quoted(value))?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Cardinality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.max.map_or_else(String::new, |max| max.to_string());
        write!(f, "@card({}..{max})", self.min)
    }
}

/// A string literal of the language, with its escapes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const CONTACTS: &str = include_str!("testdata/contacts.pg");

    fn contacts() -> Vec<TypeSummary> {
        Catalog::parse(CONTACTS).expect("the worked example is valid").summaries()
    }

    #[test]
    fn a_node_lists_columns_types_and_constraints_as_written() {
        let summaries = contacts();
        let person = summaries.iter().find(|summary| summary.name == "Person").expect("Person is declared");
        let columns: Vec<String> = person.properties.iter().map(|p| format!("{}: {}", p.name, p.type_text)).collect();
        assert_eq!(
            columns,
            [
                "age: I32?",
                "avatar: Blob?",
                "bio: String?",
                "bio_vec: Vector(4)?",
                "email: String?",
                "joined: Date",
                "name: String",
                "score: F64?",
                "seen_at: DateTime?",
                "slug: String",
                "status: enum(active, on-hold, retired)",
                "tags: [String]?",
            ]
        );
        assert_eq!(person.detail, "implements Named");
        assert_eq!(person.annotations, [r#"@description("A human being")"#, r#"@instruction("Prefer slug lookups")"#]);
        assert_eq!(person.properties[3].annotations, [r#"@embed("bio", model="text-embed-3")"#, "@index"]);
        assert_eq!(
            person.constraints,
            [
                r#"@check(slug, "^[a-z0-9-]+$")"#,
                "@index(bio_vec)",
                "@index(name)",
                "@index(status)",
                "@key(slug)",
                "@range(age, 0..200)",
                "@unique(email)",
                "@unique(joined, name)",
            ]
        );
    }

    #[test]
    fn summaries_come_by_kind_and_name_with_their_detail() {
        let lines: Vec<String> =
            contacts().iter().map(|s| format!("{} {} {}", s.kind, s.name, s.detail).trim_end().to_owned()).collect();
        assert_eq!(
            lines,
            [
                "interface Named",
                "node Company",
                "node Person implements Named",
                "edge Knows Person -> Person",
                "edge WorksAt Person -> Company @card(0..1)",
            ]
        );
    }

    #[test]
    fn bounds_and_strings_keep_their_exact_form() {
        let range = |min, max| Constraint::Range { property: "p".to_owned(), min, max }.to_string();
        assert_eq!(range(Some(Bound::Integer(-3)), Some(Bound::Float(2.0))), "@range(p, -3..2.0)");
        assert_eq!(range(Some(Bound::Float(0.5)), None), "@range(p, 0.5..)");
        let annotation =
            Annotation { name: "note".to_owned(), value: Some("a \"b\"\\\n\t\r".to_owned()), kwargs: BTreeMap::new() };
        assert_eq!(annotation.to_string(), r#"@note("a \"b\"\\\n\t\r")"#);
    }
}
