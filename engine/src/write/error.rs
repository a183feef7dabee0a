//! Why a write was refused or did not get to its end.

use crate::error::ErrorKind;
use crate::id::{BranchName, TableKey};
use crate::recovery::quoted;

/// Why a write did not happen. Unless it says otherwise, nothing of it is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A table's head is past its pin, and a sidecar says whose.
    #[error(
        "{table_key} holds an interrupted write that requires rollback (sidecar {sidecar}): reopen the graph for writing, \
         which recovers it, then repeat this; if it is still there then, `recovery plan` says why"
    )]
    CoveredDrift {
        /// The table.
        table_key: TableKey,
        /// Operation of the sidecar.
        sidecar: String,
    },
    /// A lineage is in the way that another branch reads.
    #[error(
        "{branch} cannot get its own {table_key}: branch {reader} still reads an earlier one of that name; write to {table_key} on a new branch, or delete {reader} first"
    )]
    ForkInUse {
        /// The table.
        table_key: TableKey,
        /// The branch that writes.
        branch: BranchName,
        /// The branch that reads what is there.
        reader: BranchName,
    },
    /// The table was published while it was looked at.
    #[error("another program wrote to {table_key} meanwhile: retry")]
    Busy {
        /// The table.
        table_key: TableKey,
    },
    /// A table's head is past its pin, no sidecar says whose that is, and it may change rows.
    #[error(
        "the head of {table_key} is version {head}, the graph shows {pinned}, and no sidecar explains it; version {version}, made by \
         {made_by}, may hold other rows, so it is not taken over: `stratigraph recovery restore {} {table_key}{}` discards what \
         is past version {pinned}; or write to it on a new branch, which starts at what the graph shows",
        quoted(.root), on_branch(.branch)
    )]
    UncoveredDrift {
        /// Root of the graph.
        root: Box<str>,
        /// The branch.
        branch: BranchName,
        /// The table.
        table_key: TableKey,
        /// Version the branch pins.
        pinned: u64,
        /// Newest version of the lineage.
        head: u64,
        /// The first version whose rows may differ.
        version: u64,
        /// What made that.
        made_by: Box<str>,
    },
    /// A table's head is past its pin, and the sidecars cannot be listed.
    #[error(
        "the head of {table_key} is past what the graph shows, and why cannot be told ({reason}): reopen the graph for \
         writing once storage answers; until then, write to it on a new branch"
    )]
    UnclearDrift {
        /// The table.
        table_key: TableKey,
        /// Why the sidecars could not be listed.
        reason: String,
    },
    /// A table lost versions.
    #[error(
        "the head of {table_key} is version {head}, before version {pinned} that the graph shows: restore it from a backup"
    )]
    HeadBehindPin {
        /// The table.
        table_key: TableKey,
        /// Version the branch pins.
        pinned: u64,
        /// Newest version of the lineage.
        head: u64,
    },
    /// The table was changed since the write was planned.
    #[error("stale view of {table_key}: expected version {expected}, the branch has {actual}; read it again and retry")]
    Stale {
        /// The table.
        table_key: TableKey,
        /// Version the write was planned for.
        expected: u64,
        /// Version the branch pins.
        actual: u64,
    },
    /// The table is not part of the branch any more.
    #[error("{branch} has no table {table_key}: its schema changed meanwhile; open the graph again")]
    TableGone {
        /// The branch.
        branch: BranchName,
        /// The table.
        table_key: TableKey,
    },
    /// The branch has no commits, so none could be recorded on it.
    #[error("branch `{branch}` was made only halfway, and has no commits: delete it and make it again")]
    HalfMade {
        /// The branch.
        branch: BranchName,
    },
    /// Another writer just made the branch's own lineage of the table.
    #[error("another write to {table_key} on {branch} came first; retry")]
    ForkRaced {
        /// The table.
        table_key: TableKey,
        /// The branch.
        branch: BranchName,
    },
    /// What is left of a lineage could not be told from one in use.
    #[error(
        "{table_key} has a lineage {branch} whose owner could not be verified, because the branch could not be read ({reason}): \
         retry once storage answers"
    )]
    ForkUnclear {
        /// The table.
        table_key: TableKey,
        /// The branch.
        branch: BranchName,
        /// Why the branch could not be read.
        reason: String,
    },
    /// Another program writes to the graph, or recovers it.
    #[error("another program is writing to this graph: retry when it is done")]
    Excluded,
    /// The schema is being changed.
    #[error("{operation} is unavailable while a schema apply is in progress")]
    SchemaApply {
        /// What was asked for.
        operation: &'static str,
    },
    /// Tables were moved and the rest failed. The record of it is kept: the next write or opening settles it.
    #[error(
        "the write was interrupted after it moved tables; operation {operation_id} is settled by the next write or opening"
    )]
    Interrupted {
        /// The sidecar's operation.
        operation_id: String,
        /// What went wrong.
        #[source]
        source: Box<crate::Error>,
    },
    /// A rehearsal stopped where it was told to.
    #[error("the rehearsed write stopped on purpose; operation {operation_id} is interrupted")]
    Rehearsed {
        /// The sidecar's operation.
        operation_id: String,
    },
    /// A commit landed at another version than the one planned.
    #[error("BUG: {table_key} was committed as version {landed} instead of {planned}")]
    Landed {
        /// The table.
        table_key: TableKey,
        /// The version planned.
        planned: u64,
        /// The version it became.
        landed: u64,
    },
}

fn on_branch(branch: &BranchName) -> String {
    if branch.is_main() { String::new() } else { format!(" --branch {}", quoted(branch.as_str())) }
}

impl WriteError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ForkInUse { .. } => ErrorKind::Conflict,
            Self::CoveredDrift { .. } | Self::Rehearsed { .. } => ErrorKind::RecoveryNeeded,
            Self::Busy { .. }
            | Self::UncoveredDrift { .. }
            | Self::UnclearDrift { .. }
            | Self::Stale { .. }
            | Self::TableGone { .. }
            | Self::HalfMade { .. }
            | Self::ForkRaced { .. }
            | Self::ForkUnclear { .. }
            | Self::Excluded
            | Self::SchemaApply { .. } => ErrorKind::Conflict,
            Self::HeadBehindPin { .. } => ErrorKind::Corrupt,
            Self::Interrupted { source, .. } => source.kind(),
            Self::Landed { .. } => ErrorKind::Internal,
        }
    }
}
