//! Files of commit rows, each read once.
//!
//! Lineages of `_graph_commits.lance` share the files of their ancestors, and a file never changes; so what was read of a file is
//! remembered by its name, and the head of a branch costs the files that are new.

use std::collections::HashMap;

use arrow::array::{AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;

use super::commit::{COMMIT_COLUMNS, decode_commits};
use super::{Commit, HistoryError, HistoryProblem};
use crate::error::Result;
use crate::id::{CommitId, ManifestVersion};
use crate::storage::{ROW_ADDRESS, Scan, Summary, Table, names};

/// Version, time and id of a commit: the greatest is the head.
pub(crate) type HeadOrder = (ManifestVersion, i64, CommitId);

/// What is greatest in some rows.
#[derive(Debug, Clone, Copy, Default)]
struct Newest {
    commit: Option<HeadOrder>,
    /// Version of a row whose ids cannot be read.
    unreadable: Option<ManifestVersion>,
}

impl Newest {
    fn add(&mut self, commit: &Commit) {
        self.commit = self.commit.max(Some(commit.head_order()));
    }

    fn add_unreadable(&mut self, version: ManifestVersion) {
        self.unreadable = self.unreadable.max(Some(version));
    }

    fn join(&mut self, other: &Self) {
        self.commit = self.commit.max(other.commit);
        self.unreadable = self.unreadable.max(other.unreadable);
    }

    /// The greatest commit; unknown if a row that cannot be read may be greater.
    fn head(self) -> Option<HeadOrder> {
        let head = self.commit?;
        self.unreadable.is_none_or(|unreadable| unreadable < head.0).then_some(head)
    }
}

impl Summary for Newest {
    fn columns(&self) -> Vec<&str> {
        COMMIT_COLUMNS.to_vec()
    }

    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        let decoded = decode_commits(batch)?;
        decoded.commits.iter().for_each(|(_, commit)| self.add(commit));
        decoded.unreadable.iter().for_each(|(_, row)| self.add_unreadable(row.version));
        Ok(())
    }

    fn merge(&mut self, _: usize, file: Option<&Self>) {
        if let Some(file) = file {
            self.join(file);
        }
    }
}

/// The head of a lineage of commits, opened at its newest version. Only files that are new are read.
///
/// # Errors
/// [`HistoryError::Column`], or a storage error.
pub(crate) async fn read_head(commits: &Table) -> Result<Option<CommitId>> {
    Ok(read_newest(commits).await?.map(|(_, _, id)| id))
}

/// As [`read_head`], with the version and the time, in microseconds, that make it the head.
pub(crate) async fn read_newest(commits: &Table) -> Result<Option<HeadOrder>> {
    Ok(commits.summary(&Newest::default()).await?.head())
}

/// What is known of the files read so far.
#[derive(Debug, Default)]
pub(super) struct CommitFiles {
    files: HashMap<String, Newest>,
}

/// The rows of some files.
pub(super) struct ReadRows {
    /// The commits, newest first.
    pub(super) commits: Vec<Commit>,
    /// Rows that are none.
    pub(super) problems: Vec<HistoryProblem>,
}

impl CommitFiles {
    /// Positions of the files of a lineage that were not read yet, in storage order.
    pub(super) fn unread(&self, files: &[(u64, String)]) -> Vec<usize> {
        (0..files.len()).filter(|&at| !self.files.contains_key(&files[at].1)).collect()
    }

    /// The greatest commit a lineage sees, of the files read so far.
    pub(super) fn head(&self, table: &Table) -> Option<CommitId> {
        let files = table.fragment_files();
        let mut newest = Newest::default();
        for known in files.iter().filter_map(|(_, file)| self.files.get(file)) {
            newest.join(known);
        }
        newest.head().map(|(_, _, id)| id)
    }

    /// Reads the files at these positions.
    pub(super) async fn read(
        &mut self,
        table: &Table,
        files: &[(u64, String)],
        positions: &[usize],
    ) -> Result<ReadRows> {
        let columns = COMMIT_COLUMNS.iter().copied().chain([ROW_ADDRESS]).map(str::to_owned).collect();
        let scan = Scan { columns: Some(columns), fragments: Some(positions.to_vec()), ..Scan::default() };
        let names: HashMap<u64, &str> = positions.iter().map(|&at| (files[at].0, files[at].1.as_str())).collect();
        let mut newest: HashMap<String, Newest> =
            names.values().map(|&name| (name.to_owned(), Newest::default())).collect();
        let mut batches = table.scan(&scan).await?;
        let mut rows = ReadRows { commits: Vec::new(), problems: Vec::new() };
        while let Some(batch) = batches.try_next().await? {
            let decoded = decode_commits(&batch)?;
            let addresses = row_addresses(&batch)?;
            let file = |row: usize| names.get(&(addresses.value(row) >> 32)).copied().unwrap_or_default();
            for (row, unreadable) in decoded.unreadable {
                if let Some(newest) = newest.get_mut(file(row)) {
                    newest.add_unreadable(unreadable.version);
                }
                rows.problems.push(HistoryProblem::UnreadableCommit { id: unreadable.id });
            }
            for (row, commit) in decoded.commits {
                if let Some(newest) = newest.get_mut(file(row)) {
                    newest.add(&commit);
                }
                rows.commits.push(commit);
            }
        }
        self.files.extend(newest);
        rows.commits.sort_by_key(|commit| std::cmp::Reverse(commit.head_order()));
        Ok(rows)
    }
}

fn row_addresses(batch: &RecordBatch) -> Result<&UInt64Array, HistoryError> {
    let column = batch.column_by_name(ROW_ADDRESS).and_then(|array| array.as_primitive_opt::<UInt64Type>());
    column.ok_or(HistoryError::Column { dataset: names::COMMITS, column: ROW_ADDRESS, expected: "UInt64" })
}
