//! What was derived from the rows of a table, remembered.
//!
//! Data files never change, and every commit adds a few. A question whose answer is merged from one summary per file therefore
//! costs the files that are new, however long the history is. Lineages share files and so their summaries. A file with deletions
//! is another file for this purpose.

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

/// Something that is computed of rows, whatever their order.
pub(crate) trait Summary: Clone + Default + Send + Sync + 'static {
    /// Columns it needs.
    const COLUMNS: &'static [&'static str];

    /// Takes rows of the file in; there may be more columns than were asked for.
    ///
    /// # Errors
    /// What makes the rows unreadable.
    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Takes in what is known of other rows.
    fn merge(&mut self, other: &Self);
}

/// A kind of summary, and the file or the lineage it is of.
type Key = (TypeId, String);

/// What is remembered.
type Known = Mutex<HashMap<Key, Arc<dyn Any + Send + Sync>>>;

/// The summaries of the tables of one graph.
#[derive(Default)]
pub(super) struct Summaries {
    files: Known,
    /// The newest version of each lineage that was asked about: most versions only add to it.
    lineages: Known,
}

/// The summary of one version of a lineage.
struct Version<S> {
    fragments: Arc<Vec<Fragment>>,
    summary: Arc<S>,
}

impl<S> Version<S> {
    /// Whether the version has all of these files, unchanged, and then perhaps others.
    fn is_prefix_of(&self, fragments: &[Fragment]) -> bool {
        let known = self.fragments.iter().zip(fragments);
        self.fragments.len() <= fragments.len() && known.into_iter().all(|(a, b)| same_rows(a, b))
    }
}

fn same_rows(a: &Fragment, b: &Fragment) -> bool {
    let deletions = |fragment: &Fragment| fragment.deletion_file.as_ref().map(|file| (file.read_version, file.id));
    let paths = a.files.iter().zip(&b.files);
    a.id == b.id
        && a.files.len() == b.files.len()
        && paths.into_iter().all(|(a, b)| a.path == b.path)
        && deletions(a) == deletions(b)
        && a.overlays == b.overlays
}

impl std::fmt::Debug for Summaries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Summaries").finish_non_exhaustive()
    }
}

fn get<S: Summary, T: Any + Send + Sync>(known: &Known, of: &str) -> Option<Arc<T>> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.get(&(TypeId::of::<S>(), of.to_owned()))?.clone().downcast::<T>().ok()
}

fn insert<S: Summary, T: Any + Send + Sync>(known: &Known, of: String, value: Arc<T>) {
    known.lock().unwrap_or_else(PoisonError::into_inner).insert((TypeId::of::<S>(), of), value);
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
    /// The summary of all rows. Only files that were never asked about are read.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`] if a file cannot be read, and what the summary says of its rows.
    pub(crate) async fn summary<S: Summary>(&self) -> Result<Arc<S>> {
        let memory = self.known_summaries();
        let fragments = self.dataset().fragments();
        let known = get::<S, Version<S>>(&memory.lineages, self.uri());
        let known = known.filter(|known| known.is_prefix_of(fragments));
        let (start, mut summary) = match &known {
            Some(known) if known.fragments.len() == fragments.len() => return Ok(known.summary.clone()),
            Some(known) => (known.fragments.len(), S::clone(&known.summary)),
            None => (0, S::default()),
        };
        for file in self.file_summaries::<S>(start).await? {
            summary.merge(&file);
        }
        let version = Version { fragments: fragments.clone(), summary: Arc::new(summary) };
        let summary = version.summary.clone();
        insert::<S, Version<S>>(&memory.lineages, self.uri().to_owned(), Arc::new(version));
        Ok(summary)
    }

    /// One summary for each file from a position on, in storage order.
    async fn file_summaries<S: Summary>(&self, start: usize) -> Result<Vec<Arc<S>>> {
        let memory = self.known_summaries();
        let keys: Vec<String> = self.dataset().fragments()[start..].iter().map(file_key).collect();
        let mut summaries: Vec<Option<Arc<S>>> = keys.iter().map(|key| get::<S, S>(&memory.files, key)).collect();
        let unread: Vec<usize> = (0..keys.len()).filter(|&at| summaries[at].is_none()).map(|at| start + at).collect();
        if !unread.is_empty() {
            for (position, summary) in self.summarize::<S>(unread).await? {
                let (at, summary) = (position - start, Arc::new(summary));
                insert::<S, S>(&memory.files, keys[at].clone(), summary.clone());
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
