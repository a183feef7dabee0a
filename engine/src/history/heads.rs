//! Which branches have a commit as their head, without opening the branches that cannot.
//!
//! A commit row was appended in some version of its lineage. A branch ends with that row only if the newest version of its own lineage is
//! that one or a later one, and older than any version that appended a greater row: versions keep their numbers when a branch is made. A row
//! that was overtaken is appended later and is no greater one. And a branch that inherited the row ends with it only as long as it has no
//! other version than the one it was made with.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use futures::StreamExt;

use super::branch::list_branch_refs;
use super::commit::{COMMIT_COLUMNS, HeadOrder, decode_commits};
use super::lineage::Lineage;
use super::{Commit, HistoryError};
use crate::error::Result;
use crate::id::BranchName;
use crate::storage::{KeptVersions, Storage, Summary, WRITTEN_IN, names};

/// Branches read at the same time.
const PARALLEL_BRANCHES: usize = 8;

/// Commits of a file with the version of the lineage that appended each.
#[derive(Debug, Clone, Default)]
struct Appended(Vec<(HeadOrder, u64)>);

impl Summary for Appended {
    fn columns(&self) -> Vec<&str> {
        COMMIT_COLUMNS.to_vec()
    }

    fn wants_versions(&self) -> bool {
        true
    }

    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        let versions = batch.column_by_name(WRITTEN_IN).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        let dataset = names::COMMITS;
        let versions = versions.ok_or(HistoryError::Column { dataset, column: WRITTEN_IN, expected: "UInt64" })?;
        let rows = decode_commits(batch)?.into_iter().zip(versions.values());
        self.0.extend(rows.filter_map(|(row, version)| Some((row.ok()?.head_order(), *version))));
        Ok(())
    }

    fn merge(&mut self, _: usize, file: Option<&Self>) {
        self.0.extend(file.into_iter().flat_map(|file| file.0.iter().copied()));
    }
}

/// Returns the branches whose head a commit is, main first, then by name.
///
/// # Errors
/// A storage error if the branches cannot be listed or the commits of its own branch cannot be read.
pub(crate) async fn heads_at(storage: &Storage, commit: &Commit) -> Result<Vec<BranchName>> {
    let commits = storage.open(names::COMMITS, commit.branch.stored(), None).await?;
    let positions: Vec<usize> = (0..commits.fragment_files().len()).collect();
    let mut appended = Vec::new();
    // From the newest file back: mostly it is among the newest commits.
    for group in positions.rchunks(8) {
        let files = commits.file_summaries_at(&Appended::default(), group).await?;
        appended.extend(files.iter().flat_map(|file| file.0.iter().copied()));
        if appended.iter().any(|(row, _)| *row == commit.head_order()) {
            break;
        }
    }
    let Some(since) = appended.iter().find(|(row, _)| *row == commit.head_order()).map(|(_, version)| *version) else {
        return Ok(Vec::new());
    };
    let greater = appended.iter().filter(|(row, _)| *row > commit.head_order());
    let next = greater.map(|(_, version)| *version).min();
    let refs = list_branch_refs(storage).await?;
    let stored = refs.iter().map(|(name, _)| name.stored().map(str::to_owned)).collect();
    let kept = storage.kept_versions(names::COMMITS, stored).await;
    let is_candidate = |(name, _): &(BranchName, _), KeptVersions { oldest, newest }| {
        newest >= since && next.is_none_or(|next| newest < next) && (*name == commit.branch || oldest == newest)
    };
    let candidates =
        refs.into_iter().zip(kept).filter(|(name, kept)| kept.is_some_and(|kept| is_candidate(name, kept)));
    let looks = candidates.map(|((name, _), _)| async move {
        let head = async { Lineage::open(storage, &name).await?.head().await };
        let head: Result<_> = head.await;
        // A branch that cannot be read has no known head.
        head.is_ok_and(|head| head.is_some_and(|head| head.id == commit.id)).then_some(name)
    });
    let found: Vec<Option<BranchName>> = futures::stream::iter(looks).buffered(PARALLEL_BRANCHES).collect().await;
    Ok(found.into_iter().flatten().collect())
}
