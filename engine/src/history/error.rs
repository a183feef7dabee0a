//! Why a commit, branch, table or position could not be found.

use crate::error::ErrorKind;
use crate::id::BranchName;

/// Why something could not be resolved in the history.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The commits are gone, and there are branches that need them.
    #[error(
        "the graph has lost the commits of all branches (_graph_commits.lance), and what `{branch}` holds cannot be told without \
         them: restore that folder from a backup, or export the branches and load them into a new graph"
    )]
    Lost {
        /// A branch.
        branch: BranchName,
    },
    /// No branch of that name.
    #[error("no branch `{name}`; there are: {}", .known.join(", "))]
    UnknownBranch {
        /// The name asked for.
        name: String,
        /// The branches that exist.
        known: Vec<String>,
    },
    /// The branch is there and cannot be read.
    #[error(
        "branch `{branch}` is broken: {reason}; other branches are not concerned, and it can be deleted if nobody needs what it holds"
    )]
    BrokenBranch {
        /// The branch.
        branch: String,
        /// Why, as its listing has it.
        reason: String,
    },
    /// Neither a branch nor the end of a commit's id.
    #[error("no branch `{name}`, and no commit whose id ends so; the branches are: {}", .known.join(", "))]
    UnknownName {
        /// The name asked for.
        name: String,
        /// The branches that exist.
        known: Vec<String>,
    },
    /// No commit whose id is or ends with the text.
    #[error("no commit whose id is or ends with `{text}`; `log` lists the commits there are")]
    UnknownCommit {
        /// The text asked for.
        text: String,
    },
    /// Several commits' ids end with the text.
    #[error("`{suffix}` fits {count} commits ({}); give more of the id's end", .candidates.join(", "))]
    AmbiguousCommit {
        /// The text asked for.
        suffix: String,
        /// How many ids end with it.
        count: usize,
        /// Some of those ids.
        candidates: Vec<String>,
    },
    /// Neither a branch, a commit, a version nor a time.
    #[error(
        "`{text}` is not a position: give a branch, a commit id or its end, v<N> or branch@v<N>, or a time like 2026-05-02T09:14:03Z"
    )]
    Position {
        /// The text asked for.
        text: String,
    },
    /// The commit is on a branch that was deleted.
    #[error("commit {id} is on branch `{branch}`, which was deleted: its state is no longer readable")]
    BranchGone {
        /// The commit.
        id: String,
        /// Its branch.
        branch: String,
    },
    /// The branch never had, or no longer has, this version.
    #[error("branch `{branch}` has no version {version}; its newest is {newest}")]
    UnknownVersion {
        /// The branch.
        branch: String,
        /// The version asked for.
        version: u64,
        /// The newest it has.
        newest: u64,
    },
    /// The branch has no newest commit.
    #[error("branch `{branch}` has no newest commit that can be read, so what its commits changed cannot be told")]
    NoHead {
        /// The branch.
        branch: BranchName,
    },
    /// No commit of the branch is that old.
    #[error("branch `{branch}` has no commit at or before {time}")]
    BeforeHistory {
        /// The branch.
        branch: String,
        /// The time asked for.
        time: String,
    },
    /// The snapshot has no such table.
    #[error("no table `{name}` at {position}; there are: {}", .known.join(", "))]
    UnknownTable {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        position: String,
        /// The tables that exist there.
        known: Vec<String>,
    },
    /// A node type and an edge type share the name.
    #[error("`{name}` is both a node and an edge type: write node:{name} or edge:{name}")]
    AmbiguousTable {
        /// The name asked for.
        name: String,
    },
    /// A column of a commit dataset is missing or of another type.
    #[error("{dataset} has no usable column `{column}`: expected {expected}")]
    Column {
        /// The dataset.
        dataset: &'static str,
        /// The column.
        column: &'static str,
        /// The Arrow type it should have.
        expected: &'static str,
    },
}

impl HistoryError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownBranch { .. }
            | Self::UnknownName { .. }
            | Self::UnknownCommit { .. }
            | Self::BranchGone { .. }
            | Self::UnknownVersion { .. }
            | Self::BeforeHistory { .. }
            | Self::UnknownTable { .. } => ErrorKind::NotFound,
            Self::AmbiguousCommit { .. } | Self::Position { .. } | Self::AmbiguousTable { .. } => ErrorKind::Invalid,
            Self::BrokenBranch { .. } | Self::Column { .. } | Self::Lost { .. } | Self::NoHead { .. } => {
                ErrorKind::Corrupt
            }
        }
    }
}

/// Returns the messages of an error and of its causes as one text.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
