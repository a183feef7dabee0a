//! What can be wrong with a manifest.

use crate::error::ErrorKind;
use crate::id::ManifestVersion;

/// Why a manifest does not describe a graph this program reads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The format is not one of those read here.
    #[error("the graph has internal schema {stamp}, written by {}; formats 2 and 3 (OmniGraph 0.4.1 – 0.7.2) can be opened", writer(*.stamp))]
    Stamp {
        /// The stamp found; 1 if there was none.
        stamp: u32,
    },
    /// A column is missing or of another type.
    #[error("the manifest has no usable column `{column}`: expected {expected}")]
    Column {
        /// Name of the column.
        column: &'static str,
        /// The Arrow type it should have.
        expected: &'static str,
    },
    /// A row lacks a value its kind requires.
    #[error("the {object_type} row of {table_key} in the manifest has no {column}")]
    Value {
        /// Kind of the row.
        object_type: String,
        /// Table it speaks of.
        table_key: String,
        /// The column that is null.
        column: &'static str,
    },
    /// A table key is not `node:Type` or `edge:Type`.
    #[error("the manifest names a table `{table_key}`, which is neither node:Type nor edge:Type")]
    Key {
        /// The key found.
        table_key: String,
    },
    /// A version row speaks of a table that is not registered.
    #[error("manifest version {version} lists a version of {table_key} but does not register that table")]
    Unregistered {
        /// Manifest version read.
        version: ManifestVersion,
        /// The table.
        table_key: String,
    },
}

fn writer(stamp: u32) -> &'static str {
    match stamp {
        1 => "OmniGraph 0.3.1 or older (it has no stamp)",
        4 => "OmniGraph 0.8",
        5 => "an unreleased OmniGraph",
        6 => "OmniGraph 0.9 or 0.10",
        _ => "a release newer than this program knows",
    }
}

impl ManifestError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Stamp { .. } => ErrorKind::Invalid,
            Self::Column { .. } | Self::Value { .. } | Self::Key { .. } | Self::Unregistered { .. } => {
                ErrorKind::Corrupt
            }
        }
    }
}
