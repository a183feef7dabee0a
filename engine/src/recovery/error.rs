//! Why a recovery record could not be read, settled or moved.

use std::io;
use std::path::PathBuf;

use super::Recovered;
use crate::error::ErrorKind;

/// Why a sidecar or the audit could not be read, or a sidecar not be settled or moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// No sidecar whose operation id is or ends with the text.
    #[error("no sidecar `{text}`; pending are: {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    UnknownSidecar {
        /// The id asked for.
        text: String,
        /// The ids there are.
        known: Vec<String>,
    },
    /// Several sidecars' ids end with the text.
    #[error("`{text}` fits several sidecars ({}); give more of the id", .candidates.join(", "))]
    AmbiguousSidecar {
        /// The text asked for.
        text: String,
        /// The ids it fits.
        candidates: Vec<String>,
    },
    /// A sidecar blocks all writing until a person has looked at it.
    #[error("sidecar {id} blocks writing: {reason}; move the file out of __recovery once you know what it was")]
    Blocked {
        /// Name of the file without `.json`.
        id: String,
        /// What is the matter with it.
        reason: String,
    },
    /// A table lost versions that the graph shows.
    #[error(
        "sidecar {id} cannot be settled: the head of {table_key} is version {head}, before version {pinned} that the graph shows, an invariant violation; refusing to act, operator review is needed"
    )]
    InvariantViolation {
        /// Name of the sidecar's file without `.json`.
        id: String,
        /// The table.
        table_key: String,
        /// Version the branch pins.
        pinned: u64,
        /// Newest version of the lineage.
        head: u64,
    },
    /// What was observed is not what the plan was made for.
    #[error("sidecar {id} changed since the plan was made: {what}; make the plan again")]
    PlanOutdated {
        /// Name of the sidecar's file without `.json`.
        id: String,
        /// What is different.
        what: String,
    },
    /// Some interrupted writes were settled, then one could not be.
    #[error("{} of the interrupted writes {} settled, the next one is not", .done.len(), if .done.len() == 1 { "is" } else { "are" })]
    Incomplete {
        /// What was done.
        done: Vec<Recovered>,
        /// What is the matter with the next one.
        #[source]
        source: Box<crate::Error>,
    },
    /// Another process writes to the graph, so nothing may be restored.
    #[error("another program is writing to this graph: recovery needs it alone; stop the other program or retry")]
    NotAlone,
    /// This process works on the operation.
    #[error("sidecar {id} belongs to a write of this program that is under way: wait for its end")]
    AtWork {
        /// Name of the sidecar's file without `.json`.
        id: String,
    },
    /// A sidecar is to be moved to where the graph is.
    #[error("{} is inside the graph: give a path outside of it", .path.display())]
    QuarantineInside {
        /// The path.
        path: PathBuf,
    },
    /// A sidecar could not be copied to where it is to be moved; it stays where it is.
    #[error("sidecar {id} stays where it is: it cannot be copied to {}", .path.display())]
    Quarantine {
        /// Name of the sidecar's file without `.json`.
        id: String,
        /// Where it was to be moved.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The audit dataset lacks a column.
    #[error("the recovery audit has no usable column `{column}`")]
    AuditColumn {
        /// The column.
        column: &'static str,
    },
}

impl RecoveryError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownSidecar { .. } => ErrorKind::NotFound,
            Self::AmbiguousSidecar { .. } | Self::QuarantineInside { .. } => ErrorKind::Invalid,
            // A name that is taken, or a folder that is not there: another path helps.
            Self::Quarantine { source, .. } => match source.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    ErrorKind::Invalid
                }
                _ => ErrorKind::Unavailable,
            },
            Self::AuditColumn { .. } | Self::InvariantViolation { .. } => ErrorKind::Corrupt,
            Self::Blocked { .. } => ErrorKind::RecoveryNeeded,
            Self::PlanOutdated { .. } | Self::NotAlone | Self::AtWork { .. } => ErrorKind::Conflict,
            Self::Incomplete { source, .. } => source.kind(),
        }
    }
}
