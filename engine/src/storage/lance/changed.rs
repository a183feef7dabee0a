//! Which rows can differ between two versions of a table, without reading a column.
//!
//! A row that was not touched keeps its stable row id and the version it was last written in, wherever compaction moves it.
//! So on a history that both versions share, the pair of both numbers names one content: rows whose pair is found on both
//! sides are equal, all others are candidates. Fragments that both versions hold in the same files contribute only the rows
//! that exactly one of them has deleted, which makes the cost follow the change.
//!
//! **Rule:** numbers above the last version that both sides share are private to a side, because two lineages hand out the
//! same ones independently. Whatever is not provable this way is [`Candidates::Unknown`], never guessed.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use lance::dataset::rowids::{RowVersionKind, load_row_id_sequence, load_row_version_sequence};
use lance::dataset::{ProjectionRequest, TakeBuilder};
use lance_core::utils::deletion::DeletionVector;
use lance_table::format::{DeletionFile, Fragment};
use lance_table::rowids::RowIdSequence;
use lance_table::rowids::version::RowDatasetVersionSequence;

use super::Table;
use super::blob::{self, Blobs};
use crate::storage::StorageError;

/// Rows of rewritten fragments that are held in memory to be matched.
const MATCHED_ROWS: usize = 4_000_000;

/// Rows that can differ, by their addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// All other rows are equal on both sides.
    Known {
        /// Rows of the older side.
        from: Vec<u64>,
        /// Rows of the newer side.
        to: Vec<u64>,
    },
    /// It cannot be told; the reason, for the log.
    Unknown(&'static str),
}

/// A row's identity, the version it was last written in, and its address.
type Written = (u64, u64, u64);

/// What a fragment of one side offers: all live rows, or the live ones among some offsets.
struct Part<'a> {
    fragment: &'a Fragment,
    only: Option<Vec<u32>>,
}

impl Table {
    /// Finds the rows that can differ from this version to `to`. `shared` is the last version that both sides' histories have
    /// in common, as [`crate::diff`] proves it from the lineages.
    ///
    /// # Errors
    /// [`StorageError::NoIds`], [`StorageError::Table`].
    pub(crate) async fn changed_rows(&self, to: &Self, shared: u64, limit: usize) -> Result<Candidates, StorageError> {
        self.fenced(self.candidates(to, shared, limit)).await
    }

    async fn candidates(&self, to: &Self, shared: u64, limit: usize) -> Result<Candidates, StorageError> {
        self.require_ids()?;
        to.require_ids()?;
        if !(self.dataset().manifest().uses_stable_row_ids() && to.dataset().manifest().uses_stable_row_ids()) {
            return Ok(Candidates::Unknown("the table has no stable row ids"));
        }
        let (from_parts, to_parts) = self.differing_parts(to).await?;
        let rows = |parts: &[Part]| parts.iter().map(Part::rows).sum::<usize>();
        if rows(&from_parts) > MATCHED_ROWS || rows(&to_parts) > MATCHED_ROWS {
            return Ok(Candidates::Unknown("most of the table was rewritten"));
        }
        let written = (self.fenced(self.written(&from_parts)).await?, to.fenced(to.written(&to_parts)).await?);
        let (Some(from), Some(to)) = written else {
            return Ok(Candidates::Unknown("row versions are not recorded"));
        };
        let (from, to) = unmatched(from, to, shared);
        Ok(if from.len() + to.len() > limit {
            Candidates::Unknown("too many rows changed")
        } else {
            Candidates::Known { from, to }
        })
    }

    /// Reads rows by address, in no particular order, with the columns named and that of addresses.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub(crate) async fn take(
        &self,
        rows: &[u64],
        columns: &[String],
        blobs: Blobs,
    ) -> Result<RecordBatch, StorageError> {
        self.fenced(self.taken(rows, columns, blobs)).await
    }

    async fn taken(&self, rows: &[u64], columns: &[String], blobs: Blobs) -> Result<RecordBatch, StorageError> {
        let error = |cause| self.error(cause);
        let names = columns.iter().map(String::as_str);
        let projection = ProjectionRequest::from_columns(names, self.dataset().schema());
        let projection = Arc::new(projection.into_projection_plan(self.dataset().clone()).map_err(error)?);
        let take = TakeBuilder::try_new_from_addresses(self.dataset().clone(), rows.to_vec(), projection);
        let batch = take.map_err(error)?.with_row_address(true).execute().await.map_err(error)?;
        blob::read_columns(self, batch, &self.blob_columns(columns), blobs).await
    }

    async fn differing_parts<'a>(&'a self, to: &'a Self) -> Result<(Vec<Part<'a>>, Vec<Part<'a>>), StorageError> {
        let mut older: HashMap<u64, &Fragment> = self.dataset().fragments().iter().map(|f| (f.id, f)).collect();
        let (mut from_parts, mut to_parts) = (Vec::new(), Vec::new());
        for after in to.dataset().fragments().iter() {
            match older.remove(&after.id) {
                Some(before) if same_rows(before, after) => {
                    if !same_deletions(before.deletion_file.as_ref(), after.deletion_file.as_ref()) {
                        let gone = self.fenced(self.deleted(before)).await?;
                        let back = to.fenced(to.deleted(after)).await?;
                        from_parts.push(Part { fragment: before, only: Some(gained(&gone, &back)) });
                        to_parts.push(Part { fragment: after, only: Some(gained(&back, &gone)) });
                    }
                }
                Some(before) => {
                    from_parts.push(Part { fragment: before, only: None });
                    to_parts.push(Part { fragment: after, only: None });
                }
                None => to_parts.push(Part { fragment: after, only: None }),
            }
        }
        from_parts.extend(older.into_values().map(|fragment| Part { fragment, only: None }));
        Ok((from_parts, to_parts))
    }

    /// Identity and version of every row of the parts; none if a fragment does not record them.
    async fn written(&self, parts: &[Part<'_>]) -> Result<Option<Vec<Written>>, StorageError> {
        let error = |cause| self.error(cause);
        let mut rows = Vec::new();
        for part in parts {
            if part.fragment.row_id_meta.is_none() {
                return Ok(None);
            }
            let ids = load_row_id_sequence(self.dataset(), part.fragment).await.map_err(error)?;
            let kind = RowVersionKind::LastUpdatedAt;
            let versions = load_row_version_sequence(self.dataset(), part.fragment, kind).await.map_err(error)?;
            let Some(versions) = versions.filter(|versions| versions.len() == ids.len()) else { return Ok(None) };
            let first = part.fragment.id << 32;
            if let Some(offsets) = &part.only {
                rows.extend(at_offsets(&ids, &versions, offsets, first));
            } else {
                let deleted = self.deleted(part.fragment).await?;
                let live = |offset: usize| !u32::try_from(offset).is_ok_and(|offset| deleted.contains(offset));
                let all = ids.iter().zip(versions.versions()).zip(first..).map(|((id, version), at)| (id, version, at));
                rows.extend(all.enumerate().filter(|(offset, _)| live(*offset)).map(|(_, row)| row));
            }
        }
        Ok(Some(rows))
    }
}

impl Part<'_> {
    fn rows(&self) -> usize {
        self.only.as_ref().map_or_else(|| self.fragment.physical_rows.unwrap_or(usize::MAX / 2), Vec::len)
    }
}

/// Whether two fragments hold the same rows with the same content, deletions aside. File names are random, so equal names are
/// the same file even where one side reaches it through another base.
pub(super) fn same_rows(before: &Fragment, after: &Fragment) -> bool {
    let same_files = before.files.len() == after.files.len()
        && before
            .files
            .iter()
            .zip(&after.files)
            .all(|(a, b)| a.path == b.path && a.fields == b.fields && a.column_indices == b.column_indices);
    same_files
        && before.row_id_meta == after.row_id_meta
        && before.last_updated_at_version_meta == after.last_updated_at_version_meta
}

fn same_deletions(before: Option<&DeletionFile>, after: Option<&DeletionFile>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.id == b.id && a.read_version == b.read_version && a.num_deleted_rows == b.num_deleted_rows
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Offsets that are live here and deleted there, ascending.
fn gained(here: &DeletionVector, there: &DeletionVector) -> Vec<u32> {
    there.to_sorted_iter().filter(|&offset| !here.contains(offset)).collect()
}

/// The rows at sorted offsets of a fragment whose first row has this address. Costs the offsets and the runs of versions before them,
/// and not the rows of the fragment.
fn at_offsets(ids: &RowIdSequence, versions: &RowDatasetVersionSequence, offsets: &[u32], first: u64) -> Vec<Written> {
    let mut runs = versions.runs.iter();
    let (mut end, mut version) = (0, 0);
    let ids = ids.select(offsets.iter().map(|&offset| offset as usize));
    let written = offsets.iter().zip(ids).map(|(&offset, id)| {
        while end <= offset as usize
            && let Some(run) = runs.next()
        {
            (end, version) = (end + run.len(), run.version());
        }
        (id, version, first + u64::from(offset))
    });
    written.collect()
}

/// Addresses of the rows of both sides that are not proven equal.
fn unmatched(from: Vec<Written>, to: Vec<Written>, shared: u64) -> (Vec<u64>, Vec<u64>) {
    let mut older: HashMap<u64, (u64, u64)> = from.into_iter().map(|(row, version, at)| (row, (version, at))).collect();
    let mut newer = Vec::new();
    for (row, version, at) in to {
        if version <= shared && older.get(&row).is_some_and(|(written, _)| *written == version) {
            older.remove(&row);
        } else {
            newer.push(at);
        }
    }
    let mut older: Vec<u64> = older.into_values().map(|(_, at)| at).collect();
    older.sort_unstable();
    newer.sort_unstable();
    (older, newer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_written_in_the_shared_past_match() {
        let from = vec![(1, 2, 10), (2, 2, 20), (3, 5, 30), (4, 2, 40)];
        let to = vec![(1, 2, 11), (2, 5, 21), (3, 5, 31), (9, 6, 91)];
        assert_eq!(unmatched(from.clone(), to.clone(), 4), (vec![20, 30, 40], vec![21, 31, 91]));
        assert_eq!(
            unmatched(from, to, 5),
            (vec![20, 40], vec![21, 91]),
            "one lineage: version 5 is the same on both sides"
        );
    }

    #[test]
    fn deletions_are_told_apart_by_direction() {
        let none = DeletionVector::NoDeletions;
        let some: DeletionVector = [3_u32, 1].into_iter().collect();
        assert_eq!(gained(&none, &some), [1, 3]);
        assert_eq!(gained(&some, &none), Vec::<u32>::new());
    }

    #[test]
    fn rows_at_offsets_have_their_ids_and_versions() {
        let ids = RowIdSequence::from(&[10_u64, 11, 12, 40, 41, 7][..]);
        let versions = RowDatasetVersionSequence::from_versions(&[1, 1, 2, 2, 3, 9]);
        let all = [(10, 1, 100), (11, 1, 101), (12, 2, 102), (40, 2, 103), (41, 3, 104), (7, 9, 105)];
        for chosen in 0_u32..64 {
            let offsets: Vec<u32> = (0..6).filter(|offset| chosen & (1 << offset) != 0).collect();
            let expected: Vec<Written> = offsets.iter().map(|&offset| all[offset as usize]).collect();
            assert_eq!(at_offsets(&ids, &versions, &offsets, 100), expected, "{offsets:?}");
        }
    }
}
