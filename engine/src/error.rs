//! The one error type of the engine's surface, and the kinds a caller acts on.

use crate::graph::{BranchError, CreateError, OpenError};
use crate::history::HistoryError;
use crate::id::IdError;
use crate::load::LoadError;
use crate::manifest::{ManifestError, PublishError};
use crate::merge::MergeError;
use crate::mutate::MutateError;
use crate::query::QueryError;
use crate::read::ReadError;
use crate::recovery::RecoveryError;
use crate::schema::ContractError;
use crate::storage::StorageError;
use crate::write::{SpoolError, WriteError};

/// Result of an engine operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error. Exit codes, toasts and hints depend on this and never on the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The named thing does not exist (any more): check the name, or list what there is.
    NotFound,
    /// The request itself is wrong: change it.
    Invalid,
    /// The graph's state does not allow it now: look at the state, then try again.
    Conflict,
    /// An interrupted write must be recovered first.
    RecoveryNeeded,
    /// Storage could not be reached or refused: try again later.
    Unavailable,
    /// What is stored breaks the format: keep a copy and have it looked at.
    Corrupt,
    /// The caller asked to stop.
    Cancelled,
    /// A defect of this program: report it.
    Internal,
}

impl ErrorKind {
    /// Returns whether what was asked for is gone or damaged, so that trying again cannot help.
    pub(crate) fn is_lasting(self) -> bool {
        matches!(self, Self::NotFound | Self::Corrupt)
    }
}

/// Everything that can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The location is not a graph.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No graph was made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A branch was not made or deleted.
    #[error(transparent)]
    Branch(#[from] BranchError),
    /// A test made the operation fail here.
    #[error("injected failpoint triggered: {0}")]
    Injected(&'static str),
    /// Reading or listing stored objects failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The manifest does not describe a graph.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// New table versions could not be made visible.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A write was refused or interrupted.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Nothing was loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Branches were not merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// Nothing was changed.
    #[error(transparent)]
    Mutate(#[from] MutateError),
    /// Rows could not be kept until they are written.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A commit, branch or position could not be resolved.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Rows were asked for that a table cannot give.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A query was refused or failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A recovery record could not be read.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The schema files disagree or cannot be read.
    #[error(transparent)]
    Schema(#[from] ContractError),
    /// A name is malformed.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The operation was asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Open(error) => error.kind(),
            Self::Create(error) => error.kind(),
            Self::Branch(error) => error.kind(),
            Self::Injected(_) => ErrorKind::Unavailable,
            Self::Storage(error) => error.kind(),
            Self::Manifest(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Write(error) => error.kind(),
            Self::Spool(error) => error.kind(),
            Self::Load(error) => error.kind(),
            Self::Merge(error) => error.kind(),
            Self::Mutate(error) => error.kind(),
            Self::History(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Query(error) => error.kind(),
            Self::Recovery(error) => error.kind(),
            Self::Schema(error) => error.kind(),
            Self::Id(_) => ErrorKind::Invalid,
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }
}
