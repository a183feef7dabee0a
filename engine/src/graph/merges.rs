//! Merging branches.

use std::sync::Arc;

use futures::FutureExt;

use super::Graph;
use crate::diff::Way;
use crate::error::Result;
use crate::id::BranchName;
use crate::merge::{self, Conflict, MergeCheck, MergeDecisions, MergePlan, Merged, Stranded, ThreeRows};
use crate::progress::Progress;

impl Graph {
    /// What merging a branch into another would do. Nothing is written; the graph may be open for reading.
    ///
    /// # Errors
    /// [`crate::merge::MergeError`], [`crate::history::HistoryError::UnknownBranch`], [`crate::storage::StorageError`].
    pub async fn merge_plan(&self, source: &BranchName, target: &BranchName, progress: &Progress) -> Result<MergePlan> {
        merge::plan(self, source, target, None, progress).boxed().await
    }

    /// As [`Graph::merge_plan`], with one way of comparing rows where it is possible: tests and benchmarks hold the two against
    /// each other.
    ///
    /// # Errors
    /// As [`Graph::merge_plan`].
    pub async fn merge_plan_by(
        &self,
        source: &BranchName,
        target: &BranchName,
        way: Way,
        progress: &Progress,
    ) -> Result<MergePlan> {
        merge::plan(self, source, target, Some(way), progress).boxed().await
    }

    /// What decisions make of a plan: what they settle, what is left open, what they break. Nothing is written.
    ///
    /// # Errors
    /// [`crate::merge::DecisionError`] for decisions of another merge or such that cannot settle their conflict,
    /// [`crate::merge::MergeError::Value`], [`crate::merge::MergeError::Filter`], [`crate::storage::StorageError`].
    pub async fn merge_check(
        &self,
        plan: &MergePlan,
        decisions: &MergeDecisions,
        progress: &Progress,
    ) -> Result<MergeCheck> {
        merge::check(self, plan, decisions, progress).boxed().await
    }

    /// The rows of a conflict in the three states: its own first, then the node of an orphaned edge or the row with equal values.
    /// Of a number of edges, the edges of the node, a hundred at most.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`].
    pub async fn conflict_rows(&self, plan: &MergePlan, conflict: &Conflict) -> Result<Vec<ThreeRows>> {
        let mut rows = self.rows_of_conflicts(plan, std::slice::from_ref(conflict)).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// As [`Graph::conflict_rows`] for each of some conflicts, at the price of one look-up for each table: ask for pages.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`].
    pub async fn rows_of_conflicts(&self, plan: &MergePlan, conflicts: &[Conflict]) -> Result<Vec<Vec<ThreeRows>>> {
        merge::conflict_rows(self, plan, conflicts).boxed().await
    }

    /// The merges that become impossible, or start at an older commit, when a branch is deleted: its commits go with it, and some may be
    /// the last ones that two others have in common. Mostly a merge holds the rows of such a commit, and then nothing is lost.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`].
    pub async fn stranded_by(&self, branch: &BranchName) -> Result<Vec<Stranded>> {
        merge::stranded(self, branch).boxed().await
    }

    /// Merges as planned and decided: all of it, or nothing.
    ///
    /// # Errors
    /// [`crate::merge::MergeError::Moved`] if one of the branches is not what it was, [`crate::merge::MergeError::Undecided`], as
    /// [`Graph::merge_check`] and [`Graph::load`]; nothing is stored unless the error says that the write was interrupted.
    pub async fn merge(
        &self,
        plan: &MergePlan,
        decisions: &MergeDecisions,
        actor: Option<Arc<str>>,
        progress: &Progress,
    ) -> Result<Merged> {
        let writer = self.ready_writer().await?;
        merge::merge(self, writer, plan, decisions, actor, progress).boxed().await
    }
}
