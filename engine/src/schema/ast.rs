//! What a schema source says, before any rule is applied.
//!
//! The tree keeps the order of the source and the byte offset (`at`) of everything a later rule may complain about.
//! Numbers stay text: whether one fits is a rule of the catalog, not of the grammar.

use super::types::ScalarType;

/// A whole source: declarations by kind, each in source order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SchemaFile {
    pub(super) interfaces: Vec<InterfaceDecl>,
    pub(super) nodes: Vec<NodeDecl>,
    pub(super) edges: Vec<EdgeDecl>,
}

/// A name or other piece of text with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) at: usize,
    pub(super) text: String,
}

/// `interface Name { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InterfaceDecl {
    pub(super) name: Name,
    pub(super) properties: Vec<PropertyDecl>,
}

/// `node Name … implements … { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeDecl {
    pub(super) name: Name,
    pub(super) annotations: Vec<AnnotationDecl>,
    pub(super) implements: Vec<Name>,
    pub(super) block: Block,
}

/// `edge Name: From -> To … { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EdgeDecl {
    pub(super) name: Name,
    pub(super) from: Name,
    pub(super) to: Name,
    pub(super) card: Option<CardDecl>,
    pub(super) annotations: Vec<AnnotationDecl>,
    pub(super) block: Block,
}

/// What stands between the braces of a node or edge type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Block {
    pub(super) properties: Vec<PropertyDecl>,
    pub(super) constraints: Vec<BodyDecl>,
}

/// `@card(min..max)`, bounds as digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CardDecl {
    pub(super) min: Name,
    pub(super) max: Option<Name>,
}

/// `name: type @…`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PropertyDecl {
    pub(super) name: Name,
    pub(super) kind: TypeExpr,
    pub(super) nullable: bool,
    pub(super) annotations: Vec<AnnotationDecl>,
}

/// The written type without its question mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TypeExpr {
    /// `[String]`
    List(ScalarType),
    /// `enum(a, b)`
    Enum(Vec<String>),
    /// `Vector(4)`, dimension as digits
    Vector(Name),
    /// `String`
    Base(ScalarType),
}

/// `@key(a, b)` and the like inside the braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BodyDecl {
    pub(super) at: usize,
    pub(super) kind: BodyKind,
    pub(super) args: Vec<Arg>,
}

/// The five constraints a body may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyKind {
    Key,
    Unique,
    Index,
    Range,
    Check,
}

impl BodyKind {
    /// All kinds, in the order the grammar tries them.
    pub(super) const ALL: [Self; 5] = [Self::Key, Self::Unique, Self::Index, Self::Range, Self::Check];

    /// The word after the `@`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Unique => "unique",
            Self::Index => "index",
            Self::Range => "range",
            Self::Check => "check",
        }
    }
}

/// One argument of a body constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arg {
    pub(super) at: usize,
    pub(super) value: ArgValue,
}

/// What an argument can be, in the order the grammar tries them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ArgValue {
    Range(RangeExpr),
    Literal(Literal),
    Ident(String),
}

/// A numeric range, bounds as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RangeExpr {
    /// `a..b` or `a..`
    From { min: Name, max: Option<Name> },
    /// `..b`
    UpTo(Name),
}

/// A literal value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    /// Decoded text of a quoted string.
    Text(String),
    /// A number or `true`/`false`, as written.
    Bare(String),
}

impl Literal {
    /// The value as annotations keep it: decoded text, numbers and booleans as written.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Bare(text) => text,
        }
    }
}

/// `@name`, `@name(value)` or `@name(value, word = literal)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnnotationDecl {
    /// Offset of the `@`.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) value: Option<Name>,
    pub(super) kwargs: Vec<(Name, String)>,
}
