//! Everything that can be wrong with a schema source, as facts.
//!
//! A message is one line, names the thing and the cause, and ends with what to do. Text that comes from a string literal of
//! the source is escaped, because it may hold line breaks and control characters.

use super::ids::DeclarationKind;
use crate::excerpt::Placed;

/// One problem in a schema source, with its place.
pub type SchemaError = Placed<SchemaProblem>;

/// What is wrong at one place of a schema source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaProblem {
    /// The grammar allows something else here.
    #[error("expected {}, found {found}{}", join_or(expected), hint.map(|hint| format!("; {hint}")).unwrap_or_default())]
    Unexpected {
        /// The word or character that stands there, quoted.
        found: String,
        /// What could stand there.
        expected: Vec<String>,
        /// Advice for a known mistake.
        hint: Option<&'static str>,
    },
    /// A `/*` without `*/`.
    #[error("this comment is never closed; end it with `*/`")]
    UnclosedComment,
    /// A quote without its partner.
    #[error("this string is never closed; end it with `\"`")]
    UnclosedString,
    /// A backslash before a character that has no escape.
    #[error("`\\{}` is no escape; use \\\" \\\\ \\n \\r or \\t, and double the backslash of a pattern", escape.escape_debug())]
    UnknownEscape {
        /// The character after the backslash.
        escape: char,
    },
    /// Two declarations of one kind and name.
    #[error("{kind} type {name} is declared twice; rename or remove this one (the first is in line {first_line})")]
    DuplicateType {
        /// Kind of both.
        kind: DeclarationKind,
        /// Name of both.
        name: String,
        /// Line of the first.
        first_line: usize,
    },
    /// Two different declarations whose names have the same hash.
    #[error("{second} has the same id {id} as {first}; rename one of them")]
    TypeIdCollision {
        /// Kind and name of the earlier declaration.
        first: String,
        /// Kind and name of this one.
        second: String,
        /// The shared id.
        id: u32,
    },
    /// Two edge types whose names differ in case only.
    #[error("edge type {name} differs from {first} in case only; edge names are compared ignoring case, rename one")]
    DuplicateEdgeName {
        /// This name.
        name: String,
        /// The earlier name.
        first: String,
    },
    /// Two properties of one name in one type.
    #[error("property {property} of {owner} is declared twice; remove this one (the first is in line {first_line})")]
    DuplicateProperty {
        /// The type.
        owner: String,
        /// The name.
        property: String,
        /// Line of the first.
        first_line: usize,
    },
    /// Two properties of one type whose names have the same hash.
    #[error("property {second} of {owner} has the same id {id} as {first}; rename one of them")]
    PropertyIdCollision {
        /// The type.
        owner: String,
        /// The earlier property.
        first: String,
        /// This property.
        second: String,
        /// The shared id.
        id: u32,
    },
    /// A property named like a column every table has.
    #[error("property {property} of {owner} has the name of a built-in column; rename it ({taken} are taken)")]
    ReservedProperty {
        /// The type.
        owner: String,
        /// The name.
        property: String,
        /// All names of this kind.
        taken: &'static str,
    },
    /// An edge that starts or ends at something that is no node type.
    #[error("edge type {edge} refers to {name}, which is no node type of this schema; declare it or correct the name")]
    UnknownEndpoint {
        /// The edge type.
        edge: String,
        /// The name of the missing node type.
        name: String,
    },
    /// `implements` with something that is no interface.
    #[error("node type {node} implements {name}, which is no interface of this schema; declare it or correct the name")]
    UnknownInterface {
        /// The node type.
        node: String,
        /// The name of the missing interface.
        name: String,
    },
    /// A property that an interface declares with another type.
    #[error(
        "property {property} of {node} is {actual}, but interface {interface} declares {declared}; use the same type"
    )]
    InterfaceMismatch {
        /// The node type.
        node: String,
        /// The interface.
        interface: String,
        /// The property.
        property: String,
        /// Type in the node.
        actual: String,
        /// Type in the interface.
        declared: String,
    },
    /// A vector without or with too many dimensions.
    #[error("a vector cannot have {digits} dimensions; use 1 to 2147483647")]
    VectorDimension {
        /// The number as written.
        digits: String,
    },
    /// A list of blobs, which tables cannot hold (graph-format §5).
    #[error("property {property} is a list of blobs, which tables cannot hold; use edges to nodes with one Blob each")]
    BlobList {
        /// The property.
        property: String,
    },
    /// A number that does not fit its type.
    #[error("number {text} is out of range; use {allowed}")]
    NumberRange {
        /// The number as written.
        text: String,
        /// What fits.
        allowed: &'static str,
    },
    /// `@card` with a minimum above its maximum.
    #[error("@card of {edge} has minimum {min} above maximum {max}; swap or correct them")]
    CardOrder {
        /// The edge type.
        edge: String,
        /// The minimum.
        min: u32,
        /// The maximum.
        max: u32,
    },
    /// An annotation that may stand once only.
    #[error("@{annotation} is given twice on {place}; keep one")]
    RepeatedAnnotation {
        /// Its name.
        annotation: &'static str,
        /// What carries it.
        place: String,
    },
    /// A constraint or annotation on something it does not apply to.
    #[error("@{annotation} cannot be put on {place}; it is for {allowed}")]
    Misplaced {
        /// Its name.
        annotation: &'static str,
        /// What carries it.
        place: String,
        /// What may carry it.
        allowed: &'static str,
    },
    /// A constraint or annotation on a property of a type it does not support.
    #[error("@{annotation} cannot use {property}, whose type is {actual}; it needs {needed}")]
    UnsupportedType {
        /// Its name.
        annotation: &'static str,
        /// The property.
        property: String,
        /// Type of the property.
        actual: String,
        /// What would do.
        needed: &'static str,
    },
    /// A second key of one node type.
    #[error("node type {node} has a second @key; keep one, or name all key properties in one @key(a, b)")]
    SecondKey {
        /// The node type.
        node: String,
    },
    /// A constraint or annotation that names a property the type does not have.
    #[error("@{annotation} refers to {property:?}, which {owner} does not have; declare it or correct the name")]
    UnknownProperty {
        /// Name of the constraint or annotation.
        annotation: &'static str,
        /// The missing property.
        property: String,
        /// The type.
        owner: String,
    },
    /// A constraint or annotation with other arguments than it takes.
    #[error("@{annotation} has the wrong arguments; write {form}")]
    WrongArguments {
        /// Its name.
        annotation: &'static str,
        /// How it is written.
        form: &'static str,
    },
    /// A pattern that is no regular expression.
    #[error("the pattern of @check({property}) is no regular expression: {reason}; correct it")]
    BadPattern {
        /// The property.
        property: String,
        /// What the `regex` crate says, on one line.
        reason: String,
    },
    /// A `@description` or `@instruction` without text.
    #[error("@{annotation} of {place} has no text; write @{annotation}(\"…\") or remove it")]
    BlankText {
        /// Its name.
        annotation: &'static str,
        /// What carries it.
        place: String,
    },
}

/// `a`, `a or b`, `a, b or c`.
fn join_or(items: &[String]) -> String {
    match items {
        [] => "something else".to_owned(),
        [only] => only.clone(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}
