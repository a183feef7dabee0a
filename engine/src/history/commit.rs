//! One graph commit, and its rows in storage (graph-format §9).

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{TimestampMicrosecondType, UInt64Type};

use super::HistoryError;
use crate::id::{BranchName, CommitId, ManifestVersion};
use crate::storage::names;

/// A published change of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its identity.
    pub id: CommitId,
    /// The head it was made on; none for the first commit.
    pub parent: Option<CommitId>,
    /// The head that was merged in; none unless it is a merge.
    pub merged_parent: Option<CommitId>,
    /// Branch that published it.
    pub branch: BranchName,
    /// Version of the graph on that branch.
    pub manifest_version: ManifestVersion,
    /// When it was recorded, microseconds since the epoch, UTC.
    pub created_at_micros: i64,
    /// Who made it, if said.
    pub actor: Option<Arc<str>>,
}

impl Commit {
    /// Its parents, first parent first.
    pub fn parents(&self) -> impl Iterator<Item = CommitId> + use<> {
        self.parent.into_iter().chain(self.merged_parent)
    }

    /// Returns its place among the commits of one branch: the greatest is the head (graph-format §9).
    pub(crate) fn head_order(&self) -> HeadOrder {
        (self.manifest_version, self.created_at_micros, self.id)
    }
}

/// Version, time in microseconds and id of a commit: the greatest is the head.
pub(crate) type HeadOrder = (ManifestVersion, i64, CommitId);

/// The columns of a commit row that a reader needs.
pub(super) const COMMIT_COLUMNS: [&str; 6] = [
    "graph_commit_id",
    "manifest_branch",
    "manifest_version",
    "parent_commit_id",
    "merged_parent_commit_id",
    "created_at",
];

/// A row whose ids are not ULIDs.
#[derive(Debug, Clone)]
pub(super) struct UnreadableRow {
    /// The commit's id as stored.
    pub(super) id: String,
    /// The version it records.
    pub(super) version: ManifestVersion,
}

/// Decodes each row of a batch of `_graph_commits.lance`; actors are joined later.
pub(super) fn decode_commits(batch: &RecordBatch) -> Result<Vec<Result<Commit, UnreadableRow>>, HistoryError> {
    let column = |column, expected| HistoryError::Column { dataset: names::COMMITS, column, expected };
    let ids = text(batch, names::COMMITS, "graph_commit_id")?;
    let branches = text(batch, names::COMMITS, "manifest_branch")?;
    let parents = text(batch, names::COMMITS, "parent_commit_id")?;
    let merged = text(batch, names::COMMITS, "merged_parent_commit_id")?;
    let versions = batch
        .column_by_name("manifest_version")
        .and_then(|array| array.as_primitive_opt::<UInt64Type>())
        .ok_or_else(|| column("manifest_version", "UInt64"))?;
    let times = times(batch, names::COMMITS)?;
    let decode = |row: usize| {
        let link = |array: &StringArray| array.is_valid(row).then(|| array.value(row).parse()).transpose();
        let manifest_version = ManifestVersion::new(versions.value(row));
        if let (Ok(id), Ok(parent), Ok(merged_parent)) = (ids.value(row).parse(), link(parents), link(merged)) {
            let branch = BranchName::from_stored(branches.is_valid(row).then(|| branches.value(row)));
            let created_at_micros = times.value(row);
            Ok(Commit { id, parent, merged_parent, branch, manifest_version, created_at_micros, actor: None })
        } else {
            Err(UnreadableRow { id: ids.value(row).to_owned(), version: manifest_version })
        }
    };
    Ok((0..batch.num_rows()).map(decode).collect())
}

/// Decodes rows of `_graph_commit_actors.lance`: commit, actor.
pub(super) fn decode_actors(batch: &RecordBatch) -> Result<Vec<(CommitId, Arc<str>)>, HistoryError> {
    let ids = text(batch, names::ACTORS, "graph_commit_id")?;
    let actors = text(batch, names::ACTORS, "actor_id")?;
    let rows = (0..batch.num_rows()).filter_map(|row| Some((ids.value(row).parse().ok()?, actors.value(row).into())));
    Ok(rows.collect())
}

/// A text column of a commit dataset.
pub(crate) fn text<'a>(
    batch: &'a RecordBatch,
    dataset: &'static str,
    column: &'static str,
) -> Result<&'a StringArray, HistoryError> {
    let array = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>());
    array.ok_or(HistoryError::Column { dataset, column, expected: "Utf8" })
}

/// The `created_at` column of a commit dataset, microseconds.
pub(crate) fn times<'a>(
    batch: &'a RecordBatch,
    dataset: &'static str,
) -> Result<&'a TimestampMicrosecondArray, HistoryError> {
    let array =
        batch.column_by_name("created_at").and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
    array.ok_or(HistoryError::Column { dataset, column: "created_at", expected: "Timestamp(Microsecond)" })
}
