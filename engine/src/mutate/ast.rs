//! The syntax tree of a query file. Places are byte offsets into its text.

/// A word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) at: usize,
    pub(super) text: String,
    /// Whether it stood in backticks: then it means a property, also where the language has a word that is spelled so.
    pub(super) is_quoted: bool,
}

/// All queries of a file, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct File {
    pub(super) queries: Vec<Query>,
}

/// One query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub(super) name: Name,
    pub(super) params: Vec<Param>,
    pub(super) body: Body,
}

/// What a query does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    /// It reads: only its first word was looked at.
    Reads { at: usize },
    /// It writes.
    Writes(Vec<Statement>),
}

/// A declared parameter, without the `$`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Param {
    pub(super) name: Name,
    pub(super) kind: TypeExpr,
}

/// A type as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TypeExpr {
    /// Name of the type, or of the items of a list.
    pub(super) base: Name,
    /// The number in `Vector(N)`.
    pub(super) length: Option<Name>,
    pub(super) list: bool,
    pub(super) nullable: bool,
}

/// One statement, from its first word on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) at: usize,
    pub(super) table: Name,
    pub(super) action: Action,
}

/// What a statement does to its table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Insert { cells: Vec<Assignment> },
    Update { cells: Vec<Assignment>, filter: Vec<Comparison> },
    Delete { filter: Vec<Comparison> },
}

/// `name: value`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    pub(super) name: Name,
    pub(super) value: Value,
}

/// `name op value`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparison {
    pub(super) name: Name,
    pub(super) op: Op,
    pub(super) op_at: usize,
    pub(super) value: Value,
}

/// How a property is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Part of the language, but not where rows are changed.
    Contains,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) at: usize,
    pub(super) kind: ValueKind,
}

/// What stands for a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ValueKind {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    /// `date("…")`
    Date(String),
    /// `datetime("…")`
    DateTime(String),
    /// `now()`
    Now,
    List(Vec<Value>),
    /// A parameter, without the `$`.
    Param(String),
}
