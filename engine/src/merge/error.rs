//! Why branches cannot be merged.

use super::decision::DecisionError;
use crate::error::{Error, ErrorKind};
use crate::id::{BranchName, CommitId, TableKey};

/// Most ids that a message lists.
const SHOWN: usize = 8;

/// Why a merge was refused. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A branch cannot be merged into itself.
    #[error("cannot merge {branch} into itself: name two branches")]
    SameBranch {
        /// The branch.
        branch: BranchName,
    },
    /// A branch whose history cannot be read.
    #[error("branch {branch} has no commit: its history is lost or half-made, so there is nothing to merge by")]
    NoCommit {
        /// The branch.
        branch: BranchName,
    },
    /// A part of the history cannot be read: an older common commit would be taken for the last one.
    #[error("cannot merge {source_branch} into {target} while a part of the history cannot be read: {reason}")]
    HistoryHidden {
        /// The branch to be merged.
        source_branch: BranchName,
        /// The branch to merge into.
        target: BranchName,
        /// Of which kind the failure is.
        kind: ErrorKind,
        /// What cannot be read.
        reason: String,
    },
    /// A decision takes a row of the last common commit of which nothing is known.
    #[error(
        "decision {number} takes the row `{id}` of {table_key} as the last common commit had it, which went with its branch and which no \
         merge tells: choose a side, or give its cells"
    )]
    UntoldRow {
        /// The decision, counted from 1.
        number: usize,
        /// The table.
        table_key: TableKey,
        /// The row.
        id: String,
    },
    /// Two histories without a common commit.
    #[error(
        "{source_branch} and {target} have no common commit: there is nothing to merge by; export one and load it into the other"
    )]
    Unrelated {
        /// The branch to be merged.
        source_branch: BranchName,
        /// The branch to merge into.
        target: BranchName,
    },
    /// The state both sides come from cannot be read any more.
    #[error(
        "cannot merge: their last common commit {commit} of branch {branch} cannot be read any more; export the changed rows and load them"
    )]
    BaseGone {
        /// The commit.
        commit: CommitId,
        /// Its branch.
        branch: BranchName,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// The state both sides come from went with the branch it was made on.
    #[error(
        "cannot merge: their last common commit {commit} was made on a branch that was deleted or cannot be read, and no merge holds all \
         of its rows; export the changed rows and load them"
    )]
    BaseLost {
        /// The commit.
        commit: CommitId,
    },
    /// A table that only one side has.
    #[error("cannot merge: {branch} has no table {table_key}; open the graph again, its schema may have changed")]
    MissingTable {
        /// The branch that lacks it.
        branch: BranchName,
        /// The table.
        table_key: TableKey,
    },
    /// An id that several rows of one table have, which makes it unclear which of them is meant.
    #[error(
        "cannot merge: several rows of {table_key} have the id `{id}`; delete all but one of them on the branch that has them"
    )]
    RepeatedId {
        /// The table.
        table_key: TableKey,
        /// The id.
        id: String,
    },
    /// The branches are not what they were when the merge was previewed.
    #[error("cannot merge: {}; preview it again", moved(.what))]
    Moved {
        /// Each of the two that moved: the branch, where it was, where it is.
        what: Vec<(BranchName, CommitId, Option<CommitId>)>,
    },
    /// The plan is of another graph, or of this one opened with another schema.
    #[error("cannot merge: the plan was made for {planned}, this is {actual}; preview it again")]
    OtherGraph {
        /// Graph of the plan.
        planned: String,
        /// This one.
        actual: String,
    },
    /// Conflicts that nobody decided.
    #[error("cannot merge: {open} {} undecided; preview the merge, decide them, and merge with the decisions", if *open == 1 { "conflict is" } else { "conflicts are" })]
    Undecided {
        /// How many.
        open: usize,
    },
    /// Decisions that do not fit the merge.
    #[error(transparent)]
    Decisions(#[from] DecisionError),
    /// A value of a decision that no cell of the column can have.
    #[error("decision {number}: {table_key} `{id}`, {column}: {reason}")]
    Value {
        /// The decision, from 1.
        number: usize,
        /// Table of the row.
        table_key: TableKey,
        /// Its id.
        id: String,
        /// The column.
        column: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// A decision about the number of a node's edges that names an edge of another node, or none.
    #[error("decision {number}: the edge {table_key} `{edge}` is not one of {}, which has {}", few(.nodes), few(.edges))]
    OtherEdge {
        /// The decision, from 1.
        number: usize,
        /// Table of the edge.
        table_key: TableKey,
        /// The edge that was named.
        edge: String,
        /// The node, or the nodes that a rule describes.
        nodes: Vec<String>,
        /// The edges that these have on any side.
        edges: Vec<String>,
    },
    /// The condition of a rule cannot be applied to a table.
    #[error("decision {number}: cannot use the condition `{filter}` on {table_key}")]
    Filter {
        /// The decision, from 1.
        number: usize,
        /// The table.
        table_key: TableKey,
        /// The condition.
        filter: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// The accepted schema has a rule that this program cannot apply.
    #[error("the schema has a rule that cannot be applied: {reason}")]
    Rule {
        /// Which, and why.
        reason: String,
    },
}

/// The first of some ids.
fn few(ids: &[String]) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = ids.iter().take(SHOWN).map(|id| format!("`{id}`")).collect();
    match ids.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn moved(what: &[(BranchName, CommitId, Option<CommitId>)]) -> String {
    let one = |(branch, was, is): &(BranchName, CommitId, Option<CommitId>)| match is {
        Some(is) if is == was => format!("{branch} shows another version than commit {was} did"),
        Some(is) => format!("{branch} moved from commit {was} to {is}"),
        None => format!("{branch}, which was at commit {was}, is gone"),
    };
    what.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl MergeError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UntoldRow { .. }
            | Self::SameBranch { .. }
            | Self::Value { .. }
            | Self::OtherEdge { .. }
            | Self::Filter { .. } => ErrorKind::Invalid,
            // The branch is there, and what it should have is not.
            Self::HistoryHidden { kind: ErrorKind::NotFound, .. } => ErrorKind::Corrupt,
            Self::HistoryHidden { kind, .. } => *kind,
            Self::NoCommit { .. } | Self::BaseGone { .. } => ErrorKind::NotFound,
            Self::Unrelated { .. }
            | Self::BaseLost { .. }
            | Self::MissingTable { .. }
            | Self::RepeatedId { .. }
            | Self::Moved { .. }
            | Self::OtherGraph { .. }
            | Self::Undecided { .. }
            | Self::Rule { .. } => ErrorKind::Conflict,
            Self::Decisions(error) => error.kind(),
        }
    }
}
