//! How many rows changed, and how.

use stratigraph_engine::diff::RowOp;

/// Changed rows by operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows only in the newer state.
    pub inserted: u64,
    /// Rows whose cells differ.
    pub updated: u64,
    /// Rows only in the older state.
    pub deleted: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, op: RowOp) {
        match op {
            RowOp::Inserted => self.inserted += 1,
            RowOp::Updated => self.updated += 1,
            RowOp::Deleted => self.deleted += 1,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}
