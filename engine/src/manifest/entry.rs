//! One table as one version of the graph sees it.

use std::sync::Arc;

use crate::id::{BranchName, TableKey, TableVersion};

/// A table pinned by a manifest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// Which table.
    pub key: TableKey,
    /// Its folder, relative to the root of the graph.
    pub path: Arc<str>,
    /// The pinned version.
    pub version: TableVersion,
    /// Lineage of the table that holds the version; none is its main lineage.
    pub lineage: Option<BranchName>,
    /// Live rows of that version.
    pub rows: u64,
}

impl TableEntry {
    /// Whether both entries are the same physical state, so that nothing can differ between them.
    #[must_use]
    pub fn same_state(&self, other: &Self) -> bool {
        self.path == other.path && self.version == other.version && self.lineage == other.lineage
    }

    /// The lineage as the storage has it.
    #[must_use]
    pub fn stored_lineage(&self) -> Option<&str> {
        self.lineage.as_ref().map(BranchName::as_str)
    }
}
