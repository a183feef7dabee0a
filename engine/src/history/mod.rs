//! Commits, branches and positions in time.

mod at;
mod branch;
mod commit;
mod commit_graph;
mod error;
mod files;
mod load;
mod noted;
mod record;
mod snapshot;

pub(crate) use at::time_text;
pub use at::{At, Position, parse_time};
pub use branch::Branch;
pub use commit::Commit;
pub use commit_graph::{CommitGraph, HistoryProblem};
pub use error::HistoryError;
pub use load::HistoryBatch;
pub use snapshot::{Snapshot, TableStatus};

pub(crate) use branch::{branch_refs, list_branches};
pub(crate) use commit_graph::LostCommits;
pub(crate) use files::read_head;
pub(crate) use load::{HistoryStamp, history_stamp, load_history};
pub(crate) use noted::{Merged, brought_by, record_noted};
pub(crate) use record::{NewCommit, create_history, find_commit, find_merge, is_lost, record_next, restart_history};
