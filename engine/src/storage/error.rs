//! What can go wrong in storage, and of which kind it is.

use crate::error::ErrorKind;

/// A boxed cause from a library below.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why stored objects could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The location's scheme is not one this program reads.
    #[error("cannot open {uri}: `{scheme}://` locations are not supported, give a folder or a file:// URI")]
    UnsupportedScheme {
        /// The location as given.
        uri: String,
        /// Its scheme.
        scheme: String,
    },
    /// The root is not a directory that can be entered.
    #[error("no folder at {path}: check the path of the graph")]
    RootMissing {
        /// The root looked for.
        path: String,
        /// Why, if the system said so.
        #[source]
        source: Option<Cause>,
    },
    /// A test made storage fail here.
    #[error("injected failpoint triggered: {point}")]
    Injected {
        /// Name of the fail point.
        point: &'static str,
    },
    /// A control object could not be read or listed.
    #[error("cannot read {path}")]
    Read {
        /// Path relative to the root.
        path: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
    /// A control object could not be written or deleted.
    #[error("cannot write {path}")]
    Write {
        /// Path relative to the root.
        path: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
    /// A graph is to be made where a file is.
    #[error("{path} is a file: give a folder for the graph, one that does not exist yet or is empty")]
    RootIsFile {
        /// The file.
        path: String,
    },
    /// The root of a new graph could not be made.
    #[error("cannot make the folder {path}")]
    MakeRoot {
        /// The root.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is a lineage of this name already, or what one left.
    #[error("{path} has a lineage {name} already")]
    LineageExists {
        /// Full path of the table.
        path: String,
        /// The name.
        name: String,
    },
    /// A lineage that others descend from cannot be deleted.
    #[error("lineage {name} of {path} cannot be deleted: others branch off it")]
    LineageInUse {
        /// Full path of the table.
        path: String,
        /// The name.
        name: String,
    },
    /// Another column than the one needed identifies the rows, and Lance does not let that be changed.
    #[error("{path} is keyed by {found}, not by {column}: it was not written by OmniGraph")]
    KeyColumn {
        /// Full path of the table.
        path: String,
        /// The column that identifies rows.
        found: String,
        /// The column that should.
        column: &'static str,
    },
    /// Another commit to the same table came first and touches the same rows.
    #[error("another write to {path} came first")]
    Contended {
        /// Full path of the lineage.
        path: String,
        /// What collided.
        #[source]
        source: Cause,
    },
    /// A control object is not text.
    #[error("{path} is not UTF-8 text")]
    NotText {
        /// Path relative to the root.
        path: String,
    },
    /// There is no table at this place.
    #[error("no table at {path}")]
    TableMissing {
        /// Full path of the lineage looked for.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The table exists, this version of it does not any more.
    #[error("version {version} of {path} is no longer retained{}", oldest_kept(*.oldest))]
    VersionGone {
        /// Full path of the lineage.
        path: String,
        /// The version asked for.
        version: u64,
        /// The oldest one that can still be read, if any could be listed.
        oldest: Option<u64>,
    },
    /// The table has no ids to order and compare its rows by.
    #[error(
        "table {path} has no text column `id`, so it is no table of a graph: check what the manifest says about it"
    )]
    NoIds {
        /// Full path of the lineage.
        path: String,
    },
    /// The request names something the table does not have, or the filter is not an expression.
    #[error("cannot read {path} as asked")]
    Request {
        /// Full path of the lineage.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The files of a branch could not be read where they were when it was made (graph-format §8.2).
    #[error(
        "cannot read {path}: its branch was made when the table was {base}, and looks for its files there; put the graph \
         back there"
    )]
    Moved {
        /// Full path of the lineage.
        path: String,
        /// Where the table was.
        base: String,
        /// Why the files could not be read.
        #[source]
        source: Cause,
    },
    /// Not as many rows were found as a change is about.
    #[error(
        "{found} rows of table {path} have the ids of {expected} rows to change: ids are not unique there; delete all but one row of each id"
    )]
    RowsMissed {
        /// Full path of the lineage.
        path: String,
        /// How many rows the change is about.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A stored file breaks the format, or is not there although another one names it.
    #[error("{what} is {}", if *.missing { "missing" } else { "damaged" })]
    Damaged {
        /// Full path of the file; if it is not known which, the version of the table.
        what: String,
        /// Whether there is no such file.
        missing: bool,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// A table could not be read.
    #[error("cannot read or write table {path}")]
    Table {
        /// Full path of the lineage.
        path: String,
        /// Whether the bytes themselves are wrong, as opposed to out of reach.
        corrupt: bool,
        /// Why.
        #[source]
        source: Cause,
    },
}

fn oldest_kept(oldest: Option<u64>) -> String {
    oldest.map_or_else(String::new, |oldest| format!(", the oldest kept is {oldest}"))
}

impl StorageError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnsupportedScheme { .. } | Self::RootIsFile { .. } | Self::Request { .. } => ErrorKind::Invalid,
            Self::RootMissing { .. } | Self::TableMissing { .. } | Self::VersionGone { .. } | Self::Moved { .. } => {
                ErrorKind::NotFound
            }
            Self::Read { source: object_store::Error::NotFound { .. }, .. } => ErrorKind::NotFound,
            Self::Contended { .. } | Self::LineageExists { .. } | Self::LineageInUse { .. } => ErrorKind::Conflict,
            Self::Read { .. }
            | Self::Write { .. }
            | Self::MakeRoot { .. }
            | Self::Injected { .. }
            | Self::Table { corrupt: false, .. } => ErrorKind::Unavailable,
            Self::NotText { .. }
            | Self::NoIds { .. }
            | Self::RowsMissed { .. }
            | Self::KeyColumn { .. }
            | Self::Damaged { .. }
            | Self::Table { corrupt: true, .. } => ErrorKind::Corrupt,
        }
    }
}
