//! Whether the three schema files of a graph agree.
//!
//! The source, the compiled schema and the record of the accepted schema all stand for one hash. If they do not, somebody
//! changed one of them by hand or a schema change was cut short, and nothing that relies on the types may go on. The hash is
//! over the compiled form, so comments and whitespace of the source are free.

use std::fmt;

use super::catalog::Catalog;
use super::ir::{IR_VERSION, SchemaIr};
use super::problem::SchemaError;
use super::state::{SCHEMA_IDENTITY_VERSION, STATE_FORMAT_VERSION, SchemaState};
use crate::error::ErrorKind;

/// The three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContractFile {
    /// `_schema.pg`
    Source,
    /// `_schema.ir.json`
    Ir,
    /// `__schema_state.json`
    State,
}

impl ContractFile {
    /// Returns the name of the file below the graph root.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "_schema.pg",
            Self::Ir => "_schema.ir.json",
            Self::State => "__schema_state.json",
        }
    }
}

impl fmt::Display for ContractFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the accepted schema comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContractOrigin {
    /// All three files exist and agree.
    Recorded,
    /// Only the source exists; the other two were derived in memory.
    Derived,
}

/// Why the schema files of a graph cannot be relied on.
///
/// Except for [`Self::Source`] every message starts by saying that schema evolution is locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContractError {
    /// The source has a mistake.
    #[error("cannot read the schema in _schema.pg: {rendered}")]
    Source {
        /// The mistake.
        error: SchemaError,
        /// The mistake with its line and a caret under its column, as [`SchemaError::render`] shows it.
        rendered: String,
    },
    /// One of the two derived files is missing.
    #[error("{LOCKED}: {missing} is missing although {present} exists; restore it from a backup of this graph")]
    Missing {
        /// The missing file.
        missing: ContractFile,
        /// The file that exists.
        present: ContractFile,
    },
    /// A file is no JSON or not of its shape.
    #[error("{LOCKED}: {file} is unreadable; restore it from a backup of this graph")]
    Unreadable {
        /// The file.
        file: ContractFile,
        /// What is wrong with it, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A file was written in a version we do not know.
    #[error(
        "{LOCKED}: {file} has {key} {found}, only {supported} is supported; open the graph with the program that wrote it"
    )]
    UnsupportedVersion {
        /// The file.
        file: ContractFile,
        /// The key that holds the version.
        key: &'static str,
        /// Its value.
        found: u32,
        /// The value we know.
        supported: u32,
    },
    /// The compiled schema is not the one that was accepted.
    #[error(
        "{LOCKED}: _schema.ir.json does not match the hash in __schema_state.json \
         (compiled {ir_hash}, recorded {state_hash}); restore both files from one backup"
    )]
    IrDiffersFromState {
        /// Hash of the compiled schema.
        ir_hash: String,
        /// Hash in the record.
        state_hash: String,
    },
    /// The source was changed without applying the change.
    #[error(
        "{LOCKED}: _schema.pg does not match the accepted schema \
         (source {source_hash}, accepted {accepted_hash}); restore it, or apply the change as a schema change"
    )]
    SourceDiffersFromAccepted {
        /// Hash of the source.
        source_hash: String,
        /// Hash of the accepted schema.
        accepted_hash: String,
    },
    /// A schema change was interrupted, and nothing tells whether it was published.
    #[error(
        "{LOCKED}: a schema change was interrupted and left files that end in .staging, and the tables do not tell whether it was \
         published; if they have the new columns, rename each of these files over the one it stands for, else delete them"
    )]
    Unsettled,
}

impl ContractError {
    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreadable { .. } => ErrorKind::Corrupt,
            Self::Source { .. }
            | Self::Missing { .. }
            | Self::UnsupportedVersion { .. }
            | Self::IrDiffersFromState { .. }
            | Self::SourceDiffersFromAccepted { .. }
            | Self::Unsettled => ErrorKind::Conflict,
        }
    }
}

const LOCKED: &str = "schema evolution is locked and needs manual coordination";

/// A schema whose files agree.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaContract {
    source: String,
    catalog: Catalog,
    hash: String,
    origin: ContractOrigin,
}

impl SchemaContract {
    /// Checks the texts of the three files; `None` stands for a file that does not exist.
    ///
    /// With neither compiled schema nor record both are derived from the source. A caller that wants to write them has to
    /// make sure first that no branch besides main exists.
    ///
    /// # Errors
    /// [`ContractError::Source`] if the source does not parse, else the first disagreement found: a missing or unreadable
    /// file, an unknown version, compiled schema against record, source against accepted schema.
    pub fn check(source: &str, ir_json: Option<&str>, state_json: Option<&str>) -> Result<Self, ContractError> {
        let catalog =
            Catalog::parse(source).map_err(|error| ContractError::Source { rendered: error.render(source), error })?;
        let hash = catalog.ir().hash();
        let origin = match (ir_json, state_json) {
            (None, None) => ContractOrigin::Derived,
            (Some(_), None) => return Err(missing(ContractFile::State, ContractFile::Ir)),
            (None, Some(_)) => return Err(missing(ContractFile::Ir, ContractFile::State)),
            (Some(ir), Some(state)) => {
                let accepted = accepted_hash(ir, state)?;
                if hash != accepted {
                    let (source_hash, accepted_hash) = (hash, accepted);
                    return Err(ContractError::SourceDiffersFromAccepted { source_hash, accepted_hash });
                }
                ContractOrigin::Recorded
            }
        };
        Ok(Self { source: source.to_owned(), catalog, hash, origin })
    }

    /// Returns the text of `_schema.pg`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the checked schema.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns the compiled schema.
    #[must_use]
    pub fn ir(&self) -> &SchemaIr {
        self.catalog.ir()
    }

    /// Returns the hash all three files stand for.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns the record that accepts this schema.
    #[must_use]
    pub fn state(&self) -> SchemaState {
        SchemaState::accepting(self.ir())
    }

    /// Returns whether the accepted schema was recorded or derived.
    #[must_use]
    pub fn origin(&self) -> ContractOrigin {
        self.origin
    }
}

/// The hash that compiled schema and record agree on.
fn accepted_hash(ir_json: &str, state_json: &str) -> Result<String, ContractError> {
    let unreadable = |file| move |source| ContractError::Unreadable { file, source };
    let state = SchemaState::from_json(state_json).map_err(unreadable(ContractFile::State))?;
    check_version(ContractFile::State, "format_version", state.format_version, STATE_FORMAT_VERSION)?;
    let (identity, key) = (state.schema_identity_version, "schema_identity_version");
    check_version(ContractFile::State, key, identity, SCHEMA_IDENTITY_VERSION)?;
    let ir = SchemaIr::from_json(ir_json).map_err(unreadable(ContractFile::Ir))?;
    check_version(ContractFile::Ir, "ir_version", ir.ir_version, IR_VERSION)?;
    let ir_hash = ir.hash();
    if ir_hash != state.schema_ir_hash {
        return Err(ContractError::IrDiffersFromState { ir_hash, state_hash: state.schema_ir_hash });
    }
    Ok(ir_hash)
}

fn check_version(file: ContractFile, key: &'static str, found: u32, supported: u32) -> Result<(), ContractError> {
    if found == supported {
        return Ok(());
    }
    Err(ContractError::UnsupportedVersion { file, key, found, supported })
}

fn missing(missing: ContractFile, present: ContractFile) -> ContractError {
    ContractError::Missing { missing, present }
}

#[cfg(test)]
mod tests;
