//! The commit rows of one branch, read from the newest file back.
//!
//! A branch's lineage of `_graph_commits.lance` holds the rows it inherited and its own, in the order in which they were appended. Most
//! questions are about its newest rows, so files are read back from the newest one until the answer is certain.
//!
//! Rows are appended shortly after their version is published, by writers that may overtake each other: a row may stand before one of an
//! older version. An answer is certain once [`OVERTAKEN`] rows in a row, the oldest ones read, are all older than it. A row that recovery
//! appends late stands after newer ones, which hides nothing.

use arrow::array::RecordBatch;

use super::Commit;
use super::commit::{COMMIT_COLUMNS, HeadOrder, UnreadableRow, decode_commits};
use crate::error::Result;
use crate::id::{BranchName, CommitId, ManifestVersion};
use crate::storage::{Storage, Summary, Table, names};

/// Files read in the first step; each further step reads twice as many.
const FIRST_FILES: usize = 8;
/// Writers that may overtake a row while it is appended.
const OVERTAKEN: usize = 3;

/// The rows of one file, in storage order.
#[derive(Debug, Clone, Default)]
pub(super) struct CommitRows {
    pub(super) commits: Vec<Commit>,
    pub(super) unreadable: Vec<UnreadableRow>,
}

/// The greatest of some rows, in the order that makes a row the head.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Greatest {
    commit: Option<HeadOrder>,
    /// Version of a row whose ids cannot be read.
    unreadable: Option<ManifestVersion>,
}

impl Greatest {
    pub(super) fn of(commits: &[Commit], unreadable: &[UnreadableRow]) -> Self {
        Self {
            commit: commits.iter().map(Commit::head_order).max(),
            unreadable: unreadable.iter().map(|row| row.version).max(),
        }
    }

    pub(super) fn join(self, other: Self) -> Self {
        Self { commit: self.commit.max(other.commit), unreadable: self.unreadable.max(other.unreadable) }
    }

    /// Returns the head; none if a row that cannot be read may be greater.
    pub(super) fn head(self) -> Option<HeadOrder> {
        let head = self.commit?;
        self.unreadable.is_none_or(|unreadable| unreadable < head.0).then_some(head)
    }
}

impl CommitRows {
    pub(super) fn greatest(&self) -> Greatest {
        Greatest::of(&self.commits, &self.unreadable)
    }
}

impl Summary for CommitRows {
    fn columns(&self) -> Vec<&str> {
        COMMIT_COLUMNS.to_vec()
    }

    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        for row in decode_commits(batch)? {
            match row {
                Ok(commit) => self.commits.push(commit),
                Err(row) => self.unreadable.push(row),
            }
        }
        Ok(())
    }

    fn merge(&mut self, _: usize, file: Option<&Self>) {
        if let Some(file) = file {
            self.commits.extend_from_slice(&file.commits);
            self.unreadable.extend_from_slice(&file.unreadable);
        }
    }
}

/// The commit rows of one branch at one version of its lineage, as far as they were read.
#[derive(Debug)]
pub(crate) struct Lineage {
    table: Table,
    /// Files before this position are not read yet.
    unread: usize,
    step: usize,
    /// Newest file first, and inside a file from its end.
    commits: Vec<Commit>,
    unreadable: Vec<UnreadableRow>,
}

impl Lineage {
    /// Opens the commits of a branch. No row is read yet.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`].
    pub(crate) async fn open(storage: &Storage, branch: &BranchName) -> Result<Self> {
        Ok(Self::of(storage.open(names::COMMITS, branch.stored(), None).await?))
    }

    /// Wraps commits that are open already.
    pub(crate) fn of(table: Table) -> Self {
        let unread = table.fragment_files().len();
        Self { table, unread, step: FIRST_FILES, commits: Vec::new(), unreadable: Vec::new() }
    }

    /// Reads as few files as a head takes in the first step: for answers about many branches.
    pub(super) fn in_small_steps(self) -> Self {
        Self { step: OVERTAKEN + 1, ..self }
    }

    /// Returns whether every row that was recorded at or after a time, in microseconds since the epoch, is read.
    pub(super) fn reaches_behind(&self, micros: i64) -> bool {
        let oldest = self.commits.iter().rev().take(OVERTAKEN);
        let is_older = |row: &Commit| row.created_at_micros < micros;
        self.is_whole() || (self.commits.len() > OVERTAKEN && oldest.into_iter().all(is_older))
    }

    /// Takes what is read for all there is: the rest cannot be read.
    pub(super) fn give_up(&mut self) {
        self.unread = 0;
    }

    /// Returns the commits read so far, newest file first.
    pub(crate) fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// Returns the rows read so far whose ids are not ULIDs.
    pub(super) fn unreadable(&self) -> &[UnreadableRow] {
        &self.unreadable
    }

    /// Returns whether every row is read.
    pub(crate) fn is_whole(&self) -> bool {
        self.unread == 0
    }

    /// Reads the next older files; false if there are none.
    ///
    /// # Errors
    /// [`super::HistoryError::Column`], [`crate::storage::StorageError`].
    pub(crate) async fn read_back(&mut self) -> Result<bool> {
        if self.is_whole() {
            return Ok(false);
        }
        let start = self.unread.saturating_sub(self.step);
        let positions: Vec<usize> = (start..self.unread).collect();
        let files = self.table.file_summaries_at(&CommitRows::default(), &positions).await?;
        for file in files.iter().rev() {
            self.commits.extend(file.commits.iter().rev().cloned());
            self.unreadable.extend_from_slice(&file.unreadable);
        }
        (self.unread, self.step) = (start, self.step * 2);
        Ok(true)
    }

    /// Reads everything.
    ///
    /// # Errors
    /// As [`Lineage::read_back`].
    pub(crate) async fn read_all(&mut self) -> Result<()> {
        while self.read_back().await? {}
        Ok(())
    }

    /// Returns whether every row of this version or a newer one is read.
    fn holds_from(&self, version: ManifestVersion) -> bool {
        let oldest = self.commits.iter().rev().take(OVERTAKEN);
        self.is_whole()
            || (self.commits.len() > OVERTAKEN && oldest.into_iter().all(|row| row.manifest_version < version))
    }

    /// Returns the greatest of the rows that `is_wanted` picks, in the order that makes a row the head.
    async fn greatest(&mut self, is_wanted: impl Fn(&Commit) -> bool) -> Result<Option<Commit>> {
        loop {
            let greatest = self.commits.iter().filter(|row| is_wanted(row)).max_by_key(|row| row.head_order());
            let is_certain = greatest.is_some_and(|row| self.holds_from(row.manifest_version));
            if is_certain || self.is_whole() {
                return Ok(greatest.cloned());
            }
            self.read_back().await?;
        }
    }

    /// Returns the head; none if there is no row, or if a row that cannot be read may be greater.
    ///
    /// # Errors
    /// As [`Lineage::read_back`].
    pub(crate) async fn head(&mut self) -> Result<Option<Commit>> {
        let head = self.greatest(|_| true).await?;
        let known = Greatest::of(&self.commits, &self.unreadable).head();
        Ok(head.filter(|_| known.is_some()))
    }

    /// Returns the newest commit of this version or an older one. Merges that change nothing repeat a version: the newest counts.
    ///
    /// # Errors
    /// As [`Lineage::read_back`].
    pub(crate) async fn newest_until(&mut self, version: ManifestVersion) -> Result<Option<Commit>> {
        self.greatest(|row| row.manifest_version <= version).await
    }

    /// Returns the newest commit that was recorded at or before a time, in microseconds since the epoch.
    ///
    /// # Errors
    /// As [`Lineage::read_back`].
    pub(crate) async fn newest_at(&mut self, micros: i64) -> Result<Option<Commit>> {
        self.greatest(|row| row.created_at_micros <= micros).await
    }

    /// Returns the commit with an id; none if the branch does not see it.
    ///
    /// # Errors
    /// As [`Lineage::read_back`].
    pub(crate) async fn find(&mut self, id: CommitId) -> Result<Option<Commit>> {
        let mut searched = 0;
        loop {
            if let Some(found) = self.commits[searched..].iter().find(|row| row.id == id) {
                return Ok(Some(found.clone()));
            }
            searched = self.commits.len();
            if !self.read_back().await? {
                return Ok(None);
            }
        }
    }
}

/// Returns the head of a lineage of commits, opened at some version.
///
/// # Errors
/// As [`Lineage::read_back`].
pub(crate) async fn read_head(commits: &Table) -> Result<Option<CommitId>> {
    Ok(read_newest(commits).await?.map(|(_, _, id)| id))
}

/// As [`read_head`], with the version and the time, in microseconds, that make it the head.
///
/// # Errors
/// As [`Lineage::read_back`].
pub(crate) async fn read_newest(commits: &Table) -> Result<Option<HeadOrder>> {
    Ok(Lineage::of(commits.clone()).in_small_steps().head().await?.map(|head| head.head_order()))
}
