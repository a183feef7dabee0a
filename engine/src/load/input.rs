//! What a load reads: JSON records, or files that hold the rows of one table in columns.

use std::fs::File;
use std::io::Read;

/// One input.
pub struct Input {
    /// Name for messages.
    pub name: String,
    /// Where its records come from: anything that can be read is JSON records one after the other, a [`TableFile`] is rows of
    /// one table.
    pub reader: Box<dyn Source>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where records come from.
pub trait Source: Send {
    /// The content, from the start.
    fn content(self: Box<Self>) -> Content;
}

/// What an input consists of.
pub enum Content {
    /// JSON records, separated by any white space.
    Records(Box<dyn Read + Send>),
    /// Rows of one table.
    Table(TableFile),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Records(_) => f.debug_struct("Records").finish_non_exhaustive(),
            Self::Table(file) => f.debug_tuple("Table").field(file).finish(),
        }
    }
}

impl<R: Read + Send + 'static> Source for R {
    fn content(self: Box<Self>) -> Content {
        Content::Records(self)
    }
}

/// A file with rows of one table: Parquet, or Arrow IPC as a file or as a stream, which its first bytes tell.
///
/// Its columns are found by name: the properties, `id`, and for an edge `src` and `dst`, or `from` and `to` where these are no
/// properties. A column that is not there is null in every row.
#[derive(Debug)]
pub struct TableFile {
    pub(super) table: String,
    pub(super) file: File,
}

impl TableFile {
    /// A file with rows of `table`: the name of a type, or `node:` or `edge:` and the name.
    #[must_use]
    pub fn new(table: impl Into<String>, file: File) -> Self {
        Self { table: table.into(), file }
    }

    /// The table as it was named.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl Source for TableFile {
    fn content(self: Box<Self>) -> Content {
        Content::Table(*self)
    }
}

/// How a file holds the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, the file format (also called Feather 2).
    ArrowFile,
    /// Arrow IPC, the stream format.
    ArrowStream,
}

impl TableFormat {
    /// Bytes at the start of a file that tell its format.
    pub const MARK_BYTES: usize = 8;

    /// The format of a file that begins with these bytes; none if it is none of these formats.
    #[must_use]
    pub fn of(start: &[u8]) -> Option<Self> {
        if start.starts_with(b"PAR1") {
            Some(Self::Parquet)
        } else if start.starts_with(b"ARROW1") {
            Some(Self::ArrowFile)
        } else if start.starts_with(&[0xff; 4]) {
            Some(Self::ArrowStream)
        } else {
            None
        }
    }
}

impl std::fmt::Display for TableFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Parquet => "Parquet",
            Self::ArrowFile => "an Arrow file",
            Self::ArrowStream => "an Arrow stream",
        })
    }
}
