//! Commits, branches and positions in time.

mod actors;
mod at;
mod branch;
mod commit;
mod commit_graph;
mod error;
mod find;
mod heads;
mod lineage;
mod lineages;
mod load;
mod noted;
mod recent;
mod record;
mod seen;
mod snapshot;
mod stamp;
mod unrecorded;

pub(crate) use at::time_text;
pub use at::{At, Position, parse_time};
pub use branch::Branch;
pub use commit::Commit;
pub use commit_graph::{CommitGraph, HistoryProblem};
pub use error::HistoryError;
pub use load::HistoryBatch;
pub use recent::Recent;
pub use snapshot::{Snapshot, TableStatus};

pub(crate) use actors::fill_in_actors;
pub(crate) use branch::{
    branch_names, branch_refs, descendants, list_branch_refs, list_branches, read_branch, remains_of_branches,
};
pub(crate) use commit_graph::LostCommits;
pub(crate) use find::{locate_commit, locate_commit_by_end};
pub(crate) use lineage::{Lineage, read_head, read_newest};
pub(crate) use lineages::read_lineages;
pub(crate) use load::{LoadedHistory, load_history, read_history};
pub(crate) use noted::{MOST_NAMED, Merged, MergedRows, TableNote, merge_note, record_noted};
pub(crate) use recent::{read_about, read_recent};
pub(crate) use record::{NewCommit, create_history, find_commit, find_merge, is_lost, record_next, restart_history};
pub(crate) use stamp::read_stamp;
