//! What the screen's jobs do and deliver.

use std::sync::Arc;

use stratigraph_engine::merge::{
    Conflict, MergeCheck, MergeDecisions, MergeHeads, MergeOutcome, MergePlan, Merged, TableMerge, ThreeRows,
};
use stratigraph_engine::schema::{Catalog, TypeSummary};
use stratigraph_engine::{BranchName, CommitId, ManifestVersion, TableKey};

use super::draft::{DraftKey, Kept};

/// Which branch is merged into which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The branch that is merged.
    pub source: BranchName,
    /// The branch that is merged into.
    pub target: BranchName,
}

/// The engine's plan of a merge as a value that can be compared: equal plans are for equal heads.
#[derive(Debug, Clone)]
pub struct Plan {
    heads: MergeHeads,
    /// Tests of the screen's rules have none.
    plan: Option<MergePlan>,
}

impl Plan {
    /// A plan.
    #[must_use]
    pub fn new(plan: MergePlan) -> Self {
        Self { heads: plan.heads(), plan: Some(plan) }
    }

    /// A plan that cannot be carried out.
    #[cfg(test)]
    pub(super) fn imagined(heads: MergeHeads) -> Self {
        Self { heads, plan: None }
    }

    /// The engine's plan; none in tests without an engine.
    #[must_use]
    pub fn engine(&self) -> Option<&MergePlan> {
        self.plan.as_ref()
    }
}

impl PartialEq for Plan {
    fn eq(&self, other: &Self) -> bool {
        self.heads == other.heads
    }
}

/// What a job does.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// List the branches.
    Branches,
    /// Find what lies between two branches.
    Between(Pair),
    /// Find what a merge would do.
    Preview {
        /// Of which branches.
        pair: Pair,
        /// Whether to find out what opening the graph for writing does first.
        look_ahead: bool,
    },
    /// Apply decisions to a plan.
    Check(Plan, Arc<MergeDecisions>),
    /// Read the rows of a conflict.
    Rows(Plan, Box<Conflict>),
    /// Keep decisions for later, or forget them if there are none.
    Keep(DraftKey, Arc<MergeDecisions>),
    /// Merge.
    Merge {
        /// As planned.
        plan: Plan,
        /// As decided.
        decisions: Arc<MergeDecisions>,
        /// By whom.
        actor: Option<Arc<str>>,
        /// The draft that is needed no more afterwards.
        draft: DraftKey,
    },
    /// Delete the branch that was merged, if it is still where it was.
    DeleteSource(BranchName, CommitId),
}

/// A branch to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchLine {
    /// Its name.
    pub name: BranchName,
    /// Short id of its head; none if its commits cannot be read.
    pub head: Option<String>,
    /// When its head was made, microseconds since 1970 UTC.
    pub created_at_micros: Option<i64>,
    /// Who made it.
    pub actor: Option<Arc<str>>,
    /// Why it cannot be read; none if it can.
    pub broken: Option<String>,
}

/// One end of what lies between two branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Short id of the head.
    pub head: String,
    /// Commits that the other side does not have.
    pub own: usize,
    /// When the head was made, microseconds since 1970 UTC.
    pub created_at_micros: i64,
}

/// What lies between two branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    /// Of which branches.
    pub pair: Pair,
    /// The side that is merged.
    pub source: End,
    /// The side that is merged into.
    pub target: End,
    /// Short ids of the last common commits with their times; the first is merged by. None if the histories are unrelated.
    pub bases: Vec<(String, i64)>,
}

/// A merge as it would be done, with everything the screen says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The engine's plan.
    pub plan: Plan,
    /// Which branches.
    pub pair: Pair,
    /// What it comes to.
    pub outcome: MergeOutcome,
    /// What it is bound to.
    pub heads: MergeHeads,
    /// Short ids of source head, target head and last common commit.
    pub short: [String; 3],
    /// Short ids of further last common commits.
    pub other_bases: Vec<String>,
    /// Short ids of commits of one side of which it is not known what they have in common with the other.
    pub unknown: Vec<String>,
    /// Manifest versions of source and target.
    pub versions: [ManifestVersion; 2],
    /// Every table, those that stay as they are too.
    pub tables: Vec<TableMerge>,
    /// What has to be decided.
    pub conflicts: Vec<Conflict>,
    /// What opening the graph for writing does first, a line each.
    pub first: Vec<String>,
    /// End of the id of an interrupted write that keeps the graph from being opened for writing.
    pub blocked_by: Option<String>,
    /// The types of the accepted schema.
    pub types: Arc<[TypeSummary]>,
    /// The accepted schema, for values that are written.
    pub catalog: Arc<Catalog>,
    /// Where decisions about it are kept.
    pub draft: DraftKey,
    /// The decisions that were kept.
    pub kept: Option<Kept>,
    /// Why kept decisions could not be read.
    pub kept_failure: Option<String>,
}

/// A merge that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What it did.
    pub merged: Merged,
    /// Short id of the commit.
    pub short: Option<String>,
    /// Versions of the target's tables before.
    pub before: Vec<(TableKey, u64)>,
}

/// What was seen of the graph after a merge failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Head of the target; an error text if it cannot be read.
    pub head: Result<Option<CommitId>, String>,
    /// Number of sidecars; an error text if they cannot be listed.
    pub sidecars: Result<usize, String>,
}

/// What a job delivers.
#[derive(Debug)]
pub enum Reply {
    /// The branches.
    Branches(Vec<BranchLine>),
    /// What lies between two of them.
    Between(Box<Between>),
    /// What a merge would do.
    Preview(Box<Preview>),
    /// What decisions make of it.
    Checked(Arc<MergeDecisions>, Box<MergeCheck>),
    /// A decision has a value that the cell cannot have.
    Refused {
        /// The decisions that were checked.
        of: Arc<MergeDecisions>,
        /// Index of the decision.
        decision: usize,
        /// The column.
        column: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// The rows of a conflict: its own first.
    Rows(Box<Conflict>, Vec<ThreeRows>),
    /// The merge is done.
    Merged(Box<Done>),
    /// Nothing was merged: branches are not where they were. A line each.
    Moved(Vec<String>),
    /// How the graph is after a merge failed.
    Observed(Observed),
    /// The source branch is deleted.
    Deleted(BranchName),
}
