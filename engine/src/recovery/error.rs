//! Why a recovery record could not be read.

use crate::error::ErrorKind;

/// Why a sidecar or the audit could not be read.
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
            Self::AmbiguousSidecar { .. } => ErrorKind::Invalid,
            Self::AuditColumn { .. } => ErrorKind::Corrupt,
        }
    }
}
