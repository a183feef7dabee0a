//! What is wrong with a mutation: its text, its parameters, the rows it makes.

use std::fmt;

use crate::constraint::{Found, Place, Problems, Violation};
use crate::error::ErrorKind;
use crate::excerpt::Placed;
use crate::id::TableKey;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MutateError {
    /// The text is no mutation of this graph.
    #[error(transparent)]
    Text(#[from] TextError),
    /// No query was named, and the text has more than one.
    #[error("the text has several queries, name one of them: {}", names.join(", "))]
    Unnamed {
        /// The queries there are.
        names: Vec<String>,
    },
    /// The named query is not in the text.
    #[error("there is no query {name}; the text has {}", listed(names))]
    UnknownQuery {
        /// The name asked for.
        name: String,
        /// The queries there are.
        names: Vec<String>,
    },
    /// A parameter that is needed was not given.
    #[error("parameter ${name} is missing: {query} needs a {kind}")]
    MissingParameter {
        /// The query.
        query: String,
        /// The parameter, without the `$`.
        name: String,
        /// Its type.
        kind: String,
    },
    /// A parameter was given that the query does not have.
    #[error("{query} has no parameter ${name}{}", near.as_ref().map_or_else(|| has(declared), |near| format!("; did you mean ${near}?")))]
    UnknownParameter {
        /// The query.
        query: String,
        /// The parameter, without the `$`.
        name: String,
        /// The one that was probably meant.
        near: Option<String>,
        /// Those there are.
        declared: Vec<String>,
    },
    /// The value of a parameter does not fit its type, or the property it is for.
    #[error("parameter ${name}: {reason}")]
    Parameter {
        /// The parameter, without the `$`.
        name: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// One table would need two commits.
    #[error(
        "{table_key} would be written by {writes} and lose rows by {deletes}: a table changes in one way per mutation, so make two \
         of it"
    )]
    TwoWays {
        /// The table.
        table_key: TableKey,
        /// The statement that inserts or updates.
        writes: String,
        /// The statement that deletes.
        deletes: String,
    },
    /// The rows break rules of the schema.
    #[error("{}", told(problems, *more))]
    Problems {
        /// The first of them, in the order of the statements.
        problems: Vec<MutateProblem>,
        /// How many there are besides.
        more: u64,
    },
    /// The accepted schema has a rule that this program cannot apply.
    #[error("the schema has a rule that cannot be applied: {reason}")]
    Rule {
        /// Which, and why.
        reason: String,
    },
    /// Stored rows have other columns than the schema says.
    #[error("the stored rows are not as the schema says")]
    Unfitting {
        /// What does not fit.
        #[source]
        source: arrow_schema::ArrowError,
    },
}

impl MutateError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Text(_)
            | Self::Unnamed { .. }
            | Self::UnknownQuery { .. }
            | Self::MissingParameter { .. }
            | Self::UnknownParameter { .. }
            | Self::Parameter { .. }
            | Self::TwoWays { .. }
            | Self::Problems { .. } => ErrorKind::Invalid,
            Self::Rule { .. } => ErrorKind::Conflict,
            Self::Unfitting { .. } => ErrorKind::Corrupt,
        }
    }
}

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutateProblem {
    /// The statement that makes it, as `statement 2 (line 3: update Person)`; empty for what no single statement does.
    pub statement: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for MutateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.statement.is_empty() {
            return f.write_str(&self.reason);
        }
        write!(f, "{}: {}", self.statement, self.reason)
    }
}

/// Refuses rows in which something was found; `statements` are as [`MutateProblem::statement`] names them.
///
/// # Errors
/// [`MutateError::Problems`] if there was anything.
pub(super) fn refuse(problems: &mut Problems, statements: &[String]) -> Result<(), MutateError> {
    let Some(Found { problems, more }) = problems.take() else { return Ok(()) };
    let statement = |place: Place| {
        let index = usize::try_from(place.record).ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| statements.get(index)).cloned().unwrap_or_default()
    };
    let problem = |(place, violation): (Option<Place>, Violation)| MutateProblem {
        statement: place.map(statement).unwrap_or_default(),
        reason: violation.to_string(),
    };
    Err(MutateError::Problems { problems: problems.into_iter().map(problem).collect(), more })
}

fn told(problems: &[MutateProblem], more: u64) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let rest = if more > 0 { format!("\nand {more} more problems") } else { String::new() };
    format!("nothing was changed:\n{}{rest}", lines.join("\n"))
}

/// One problem in the text of a query, with its place.
pub type TextError = Placed<TextProblem>;

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextProblem {
    /// Something else should stand here.
    #[error("{expected} is expected here, not {found}")]
    Unexpected {
        /// What should stand here.
        expected: String,
        /// What does.
        found: String,
    },
    /// A comment has no end.
    #[error("this comment is not closed: `*/` is missing")]
    UnclosedComment,
    /// A text has no end.
    #[error("this text is not closed: `\"` is missing")]
    UnclosedText,
    /// An escape that does not exist.
    #[error("`\\{escape}` is no escape: there are `\\\"`, `\\\\`, `\\n`, `\\r` and `\\t`")]
    UnknownEscape {
        /// The character after the backslash.
        escape: char,
    },
    /// A `$` without a name.
    #[error("`$` is the start of a parameter: its name must follow")]
    BareDollar,
    /// Something else is compared as the language has it.
    #[error("`{found}` is no comparison: {advice}")]
    Comparison {
        /// What stands here.
        found: String,
        /// What to write.
        advice: &'static str,
    },
    /// The query reads.
    #[error("{query} is a query that reads: a mutation inserts, updates or deletes")]
    Reads {
        /// The query.
        query: String,
    },
    /// Two of a kind have the same name.
    #[error("{what} {name} is there twice")]
    Twice {
        /// What they are: query, parameter, property.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A parameter's type does not exist.
    #[error("there is no type {name}: a parameter is String, Bool, I32, I64, U32, U64, F32, F64, Date, DateTime, Blob, Vector(N) or a list like [I32], each with ? if it may be null{}", meant(near.as_deref()))]
    UnknownParameterType {
        /// The name.
        name: String,
        /// The type that was probably meant.
        near: Option<String>,
    },
    /// A parameter is used that was not declared.
    #[error("parameter ${name} is not declared{}", near.as_ref().map_or_else(String::new, |near| format!("; did you mean ${near}?")))]
    UndeclaredParameter {
        /// The parameter, without the `$`.
        name: String,
        /// The one that was probably meant.
        near: Option<String>,
    },
    /// There is no such type.
    #[error("there is no type {name}{}", meant(near.as_deref()))]
    UnknownType {
        /// The name.
        name: String,
        /// The type that was probably meant.
        near: Option<String>,
    },
    /// The type has no such property.
    #[error("{table} has no property {name}{}", near.as_ref().map_or_else(|| has(known), |near| format!("; did you mean {near}?")))]
    UnknownProperty {
        /// The type.
        table: String,
        /// The name.
        name: String,
        /// The property that was probably meant.
        near: Option<String>,
        /// Those there are.
        known: Vec<String>,
    },
    /// A property without which there is no row.
    #[error("{table} needs {}", missing.join(", "))]
    Missing {
        /// The type.
        table: String,
        /// What is not given.
        missing: Vec<String>,
    },
    /// A value does not fit.
    #[error("{property}: {reason}")]
    Value {
        /// The property.
        property: String,
        /// Why.
        reason: String,
    },
    /// A property that is part of what identifies a row.
    #[error(
        "{property} is the key of {table} and cannot be changed: delete the node and insert it again, in two mutations"
    )]
    Key {
        /// The type.
        table: String,
        /// The property.
        property: String,
    },
    /// Only the graph makes ids.
    #[error("the id of a {table} is {origin} and cannot be set")]
    Id {
        /// The type.
        table: String,
        /// Where it comes from.
        origin: String,
    },
    /// Edges have no update.
    #[error(
        "{table} is an edge type, and only nodes can be updated: delete the edge and insert it again, in two mutations"
    )]
    EdgeUpdate {
        /// The type.
        table: String,
    },
    /// A comparison of the language that rows are not changed by.
    #[error("`contains` cannot choose the rows of a mutation: compare a property with =, !=, <, <=, > or >=")]
    Contains,
    /// Two things have no order, or cannot be compared at all.
    #[error("{property} is {kind}: {reason}")]
    Incomparable {
        /// The property.
        property: String,
        /// Its type.
        kind: String,
        /// What can be done with it.
        reason: &'static str,
    },
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

fn has(names: &[String]) -> String {
    if names.is_empty() { "; it has none".to_owned() } else { format!("; it has {}", names.join(", ")) }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
