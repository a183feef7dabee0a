//! Why a query was refused or failed.

use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::sql::TableReference;
use datafusion::sql::sqlparser::parser::ParserError;

use super::missing::{self, Missing};
use super::unsupported::{self, Unsupported};
use crate::error::ErrorKind;
use crate::history::Snapshot;
use crate::storage::{Stopped, StorageError, TooDeep, uncomputed_in};

/// Why a query gives no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The statement is not a query.
    #[error("{statement} is refused: only queries (SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW) can run here")]
    ReadOnly {
        /// Its first word.
        statement: String,
    },
    /// Two columns of the result have one name, so that a record of it would lose one.
    #[error("two columns of the result are called `{column}`: give one of them another name with AS")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// The query has a part that the query engine would get wrong.
    #[error("{what}")]
    Unsupported {
        /// The part.
        what: Unsupported,
    },
    /// The result would have rows without a column.
    #[error("the result has no column: name some after SELECT, or * for all")]
    NoColumn,
    /// The query names a table that the snapshot does not have.
    #[error("there is no table {missing}; the tables are {}{}", tables.join(", "), missing.hint())]
    UnknownTable {
        /// The name, and where it stands.
        missing: Missing,
        /// The tables there are.
        tables: Vec<String>,
    },
    /// The query names a column that its tables do not have.
    #[error("there is no column {missing}; there are {}{}", columns.join(", "), missing.hint())]
    UnknownColumn {
        /// The name, and where it stands.
        missing: Missing,
        /// The columns that can stand there.
        columns: Vec<String>,
    },
    /// The text is not SQL, or not a query that can be planned.
    #[error("cannot run this query")]
    Plan {
        /// What is wrong.
        #[source]
        source: Box<DataFusionError>,
    },
    /// A table of the query cannot be read.
    #[error("a table of the query cannot be read")]
    Table {
        /// Of which kind the failure is.
        kind: ErrorKind,
        /// Why.
        #[source]
        source: Box<DataFusionError>,
    },
    /// The query needs more memory than it may have, even with spilling.
    #[error("the query needs more than {} MiB of memory: filter or group earlier, or raise the limit", memory_bytes >> 20)]
    Memory {
        /// The limit.
        memory_bytes: usize,
        /// What ran out.
        #[source]
        source: Box<DataFusionError>,
    },
    /// A value could not be computed: a cast, a division by zero.
    #[error("the query failed")]
    Run {
        /// Why.
        #[source]
        source: Box<DataFusionError>,
    },
    /// The query engine could not be set up.
    #[error("cannot start the query engine: check the folder for temporary files")]
    Setup {
        /// Why.
        #[source]
        source: Box<DataFusionError>,
    },
}

impl QueryError {
    pub(super) fn setup(source: DataFusionError) -> Self {
        Self::Setup { source: Box::new(source) }
    }

    /// A table that the query reads is damaged.
    pub(super) fn damaged(damage: StorageError) -> Self {
        Self::Table { kind: damage.kind(), source: Box::new(DataFusionError::External(Box::new(damage))) }
    }

    /// An error met before the first row, in a query that names these tables.
    pub(super) fn planning(
        state: &SessionState,
        snapshot: &Snapshot,
        (sql, named): (&str, &[TableReference]),
        source: DataFusionError,
    ) -> Self {
        let source = Box::new(source);
        if let Some(kind) = storage_kind(&source) {
            return Self::Table { kind, source };
        }
        if let Some(bug) = bug_of_the_engine(&source) {
            return Self::Plan { source: Box::new(bug) };
        }
        if let DataFusionError::SQL(cause, _) = source.find_root()
            && **cause == ParserError::RecursionLimitExceeded
        {
            return Self::Unsupported { what: Unsupported::TooDeep(TooDeep::Nested) };
        }
        if let Some(missing) = missing::table(state, snapshot, named, sql) {
            return Self::UnknownTable { missing, tables: snapshot.entries.keys().map(ToString::to_string).collect() };
        }
        if let DataFusionError::NotImplemented(text) = source.find_root()
            && let Some(what) = unsupported::absent(text)
        {
            return Self::Unsupported { what };
        }
        match missing::column(&source, sql) {
            Some((missing, columns)) if !columns.is_empty() => Self::UnknownColumn { missing, columns },
            Some(_) | None => Self::Plan { source },
        }
    }

    /// An error met while rows are computed.
    pub(super) fn running(memory_bytes: usize, source: DataFusionError) -> Self {
        let source = Box::new(source);
        // A condition that Lance computes fails there as one of the query engine's own does.
        if let Some(reason) = uncomputed_in(&source.find_root().to_string()) {
            return Self::Run { source: Box::new(DataFusionError::Execution(reason)) };
        }
        if let Some(bug) = bug_of_the_engine(&source) {
            return Self::Run { source: Box::new(bug) };
        }
        match source.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::Memory { memory_bytes, source },
            DataFusionError::External(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
                Self::Table { kind: storage_kind(&source).unwrap_or(ErrorKind::Unavailable), source }
            }
            _ => Self::Run { source },
        }
    }

    /// The error if no table that the query reads is damaged: then a function that gave up did so for what it was asked.
    pub(super) fn of_the_query(self) -> Self {
        let Self::Table { source, .. } = &self else { return self };
        let reason = match source.find_root() {
            DataFusionError::External(cause) => match cause.downcast_ref::<Stopped>() {
                Some(stopped) => Some(stopped.reason().to_owned()),
                None => panicked(&cause.to_string()),
            },
            cause => panicked(&cause.to_string()),
        };
        match reason {
            Some(reason) => {
                let reason = DataFusionError::Execution(format!("a function cannot compute this: {reason}"));
                Self::Run { source: Box::new(reason) }
            }
            None => self,
        }
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ReadOnly { .. }
            | Self::DuplicateColumn { .. }
            | Self::Unsupported { .. }
            | Self::NoColumn
            | Self::UnknownTable { .. }
            | Self::UnknownColumn { .. }
            | Self::Plan { .. }
            | Self::Memory { .. }
            | Self::Run { .. } => ErrorKind::Invalid,
            Self::Table { kind, .. } => *kind,
            Self::Setup { .. } => ErrorKind::Unavailable,
        }
    }
}

/// With what the query engine says that one of its parts made a plan that another one cannot run.
const UNFIT_PLAN: [&str; 2] = ["does not satisfy order requirements", "does not satisfy distribution requirements"];

/// The error that the query engine takes for a bug of its own, as something that a person can act on; none if it is another one.
fn bug_of_the_engine(error: &DataFusionError) -> Option<DataFusionError> {
    let reason = match error.find_root() {
        DataFusionError::Internal(reason) => reason.as_str(),
        DataFusionError::Plan(reason) if UNFIT_PLAN.iter().any(|said| reason.contains(said)) => {
            "it made a plan that it cannot run"
        }
        _ => return None,
    };
    let reason = reason.lines().next().unwrap_or_default().trim_end_matches('.');
    Some(DataFusionError::Execution(format!(
        "the query engine failed because of a bug of its own: {reason}; write the query in another way, or as several"
    )))
}

/// With what a runtime tells that a task of the query gave up.
const PANICKED: &str = "panicked with message ";

/// Takes the reason out of a text that tells that a task of the query gave up.
fn panicked(text: &str) -> Option<String> {
    let (_, reason) = text.split_once(PANICKED)?;
    let reason = reason.strip_prefix('"').and_then(|rest| rest.split('"').next()).unwrap_or(reason);
    Some(reason.to_owned())
}

fn storage_kind(error: &DataFusionError) -> Option<ErrorKind> {
    let DataFusionError::External(cause) = error.find_root() else { return None };
    if cause.is::<Stopped>() {
        return Some(ErrorKind::Corrupt);
    }
    cause.downcast_ref::<StorageError>().map(StorageError::kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_of_the_query_engine_is_said_to_be_one() {
        let internal = DataFusionError::Internal("schemas differ.\nThis was likely caused by a bug".to_owned());
        let unfit = DataFusionError::Plan("Plan: [\"X\"] does not satisfy order requirements: [a]".to_owned());
        for (error, reason) in
            [(internal.context("while planning"), "schemas differ"), (unfit, "it made a plan that it cannot run")]
        {
            let error = QueryError::running(1, error);
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let QueryError::Run { source } = error else { panic!("{error}") };
            let expected = format!(
                "Execution error: the query engine failed because of a bug of its own: {reason}; write the query in another way, or as several"
            );
            assert_eq!(source.to_string(), expected);
        }
        let other = DataFusionError::Plan("there is no function foo".to_owned());
        assert!(bug_of_the_engine(&other).is_none());
    }
}
