//! What was derived from the rows of a file, remembered.
//!
//! Data files never change, and every commit adds a few. A question whose answer is put together from one summary per file
//! therefore costs the files that are new, however long the history is. Lineages share files and so their summaries. A file with
//! deletions is another file for this purpose.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use lance_table::format::Fragment;

use super::table::ROW_ADDRESS;
use super::{Scan, Table};
use crate::error::Result;

/// Something that is computed of the rows of one file.
pub(crate) trait Summary: Default + Send + Sync + 'static {
    /// Columns it needs.
    const COLUMNS: &'static [&'static str];

    /// Takes rows of the file in; there may be more columns than were asked for.
    ///
    /// # Errors
    /// What makes the rows unreadable.
    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()>;
}

/// A kind of summary, and the file it is of.
type Key = (TypeId, String);

/// The summaries of the tables of one graph.
#[derive(Default)]
pub(super) struct Summaries {
    known: Mutex<HashMap<Key, Arc<dyn Any + Send + Sync>>>,
}

impl std::fmt::Debug for Summaries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Summaries").finish_non_exhaustive()
    }
}

impl Summaries {
    fn get<S: Summary>(&self, file: &str) -> Option<Arc<S>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let summary = known.get(&(TypeId::of::<S>(), file.to_owned()))?;
        summary.clone().downcast::<S>().ok()
    }

    fn insert<S: Summary>(&self, file: String, summary: Arc<S>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert((TypeId::of::<S>(), file), summary);
    }
}

/// What the rows of a fragment are told by.
fn file_key(fragment: &Fragment) -> String {
    let mut key = fragment.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>().join("+");
    if let Some(deleted) = &fragment.deletion_file {
        key.push_str(&format!("-{}.{}", deleted.read_version, deleted.id));
    }
    if !fragment.overlays.is_empty() {
        key.push_str(&format!("-{:?}", fragment.overlays));
    }
    key
}

impl Table {
    /// One summary for each file of rows, in storage order. Only files that were never asked about are read.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`] if a file cannot be read, and what the summary says of its rows.
    pub(crate) async fn summaries<S: Summary>(&self) -> Result<Vec<Arc<S>>> {
        let fragments = self.dataset().fragments();
        let keys: Vec<String> = fragments.iter().map(file_key).collect();
        let mut summaries: Vec<Option<Arc<S>>> = keys.iter().map(|key| self.known_summaries().get(key)).collect();
        let unread: Vec<usize> = (0..keys.len()).filter(|&at| summaries[at].is_none()).collect();
        if !unread.is_empty() {
            for (at, summary) in self.summarize::<S>(unread).await? {
                let summary = Arc::new(summary);
                self.known_summaries().insert(keys[at].clone(), summary.clone());
                summaries[at] = Some(summary);
            }
        }
        Ok(summaries.into_iter().flatten().collect())
    }

    /// Reads the files at these positions.
    async fn summarize<S: Summary>(&self, positions: Vec<usize>) -> Result<Vec<(usize, S)>> {
        let fragments = self.dataset().fragments();
        let mut read: HashMap<u64, (usize, S)> =
            positions.iter().map(|&at| (fragments[at].id, (at, S::default()))).collect();
        let columns = S::COLUMNS.iter().copied().chain([ROW_ADDRESS]).map(str::to_owned).collect();
        let scan = Scan { columns: Some(columns), fragments: Some(positions), ..Scan::default() };
        let mut batches = self.scan(&scan).await?;
        while let Some(batch) = batches.try_next().await? {
            for (fragment, rows) in by_fragment(&batch) {
                let (_, summary) = read.get_mut(&fragment).expect("only these fragments are scanned");
                summary.add_rows(&rows)?;
            }
        }
        Ok(read.into_values().collect())
    }
}

/// The runs of rows of a batch that are of one fragment.
fn by_fragment(batch: &RecordBatch) -> Vec<(u64, RecordBatch)> {
    let addresses = batch[ROW_ADDRESS].as_primitive::<UInt64Type>().values();
    let mut start = 0;
    addresses
        .chunk_by(|a, b| a >> 32 == b >> 32)
        .map(|run| {
            let rows = batch.slice(start, run.len());
            start += run.len();
            (run[0] >> 32, rows)
        })
        .collect()
}
