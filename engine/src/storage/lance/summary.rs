//! What was derived from the rows of a table, remembered.
//!
//! Data files never change, and every commit adds a few. A question whose answer is merged from one summary per file therefore
//! costs the files that are new, however long the history is. Lineages share files and so their summaries. A file with deletions
//! is another file for this purpose.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use lance::dataset::fragment::{FileFragment, FragReadConfig};
use lance_core::datatypes::Schema;
use lance_table::format::Fragment;

use super::Table;
use crate::error::Result;

/// Files that are read at the same time, and rows of a batch of them.
const PARALLEL_READS: usize = 8;
const BATCH_ROWS: u32 = 8192;

/// Summaries that are remembered of files, and of lineages, at most: then it begins anew.
const MOST_SUMMARIES: usize = 1 << 16;

/// Something that is computed of rows, whatever their order. The value to begin with says of which columns.
pub(crate) trait Summary: Clone + Send + Sync + 'static {
    /// Columns it needs.
    fn columns(&self) -> Vec<&str>;

    /// Whether a file is read, by its number of rows and that of the files before it that are read, and by nothing else: a
    /// summary that grows and one that is made anew must read the same.
    fn reads(&self, _rows: Option<usize>, _rows_before: usize) -> bool {
        true
    }

    /// Returns whether the batches have [`WRITTEN_IN`] as well.
    fn wants_versions(&self) -> bool {
        false
    }

    /// Takes rows of one file in.
    ///
    /// # Errors
    /// What makes the rows unreadable.
    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Takes in the summary of the file at a position; none if it is not read.
    fn merge(&mut self, position: usize, file: Option<&Self>);
}

/// Column of the version of the lineage in which a row was last written.
pub(crate) const WRITTEN_IN: &str = "_row_last_updated_at_version";

/// A kind of summary, its columns, and the file or the lineage it is of.
type Key = (TypeId, String, String);

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
    number: u64,
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

impl Summaries {
    /// Forgets a lineage; its files may belong to others as well.
    pub(super) fn forget(&self, uri: &str) {
        self.lineages.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, _, of), _| of != uri);
    }
}

impl std::fmt::Debug for Summaries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Summaries").finish_non_exhaustive()
    }
}

fn key<S: Summary>(summary: &S, of: &str) -> Key {
    (TypeId::of::<S>(), summary.columns().join(","), of.to_owned())
}

fn get<T: Any + Send + Sync>(known: &Known, key: &Key) -> Option<Arc<T>> {
    known.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.clone().downcast::<T>().ok()
}

fn take<T: Any + Send + Sync>(known: &Known, key: &Key) -> Option<Arc<T>> {
    known.lock().unwrap_or_else(PoisonError::into_inner).remove(key)?.downcast::<T>().ok()
}

fn insert<T: Any + Send + Sync>(known: &Known, key: Key, value: Arc<T>) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST_SUMMARIES && !known.contains_key(&key) {
        known.clear();
    }
    known.insert(key, value);
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
    /// Returns the summaries of the files at some positions of [`Table::fragment_files`], in the order of the positions. Only files that
    /// were never asked about are read.
    ///
    /// # Errors
    /// As [`Table::summary`].
    pub(crate) async fn file_summaries_at<S: Summary>(&self, nothing: &S, positions: &[usize]) -> Result<Vec<Arc<S>>> {
        let files = &self.known_summaries().files;
        let file = |position: usize| key(nothing, &file_key(&self.dataset().fragments()[position]));
        let known = |&position: &usize| Some((position, get::<S>(files, &file(position))?));
        // Held from here on: whoever remembers another file meanwhile may make the memory begin anew.
        let mut found: HashMap<usize, Arc<S>> = positions.iter().filter_map(known).collect();
        let unread = positions.iter().copied().filter(|position| !found.contains_key(position)).collect();
        for (position, summary) in self.summarize(nothing, unread).await? {
            let summary = Arc::new(summary);
            insert(files, file(position), summary.clone());
            found.insert(position, summary);
        }
        Ok(positions.iter().filter_map(|position| found.get(position).cloned()).collect())
    }

    /// Summarizes the files at some positions without remembering anything of them.
    ///
    /// # Errors
    /// As [`Table::summary`].
    pub(crate) async fn read_files<S: Summary>(&self, nothing: &S, positions: Vec<usize>) -> Result<Vec<(usize, S)>> {
        self.summarize(nothing, positions).await
    }

    /// The summary of all rows. Only files that were never asked about are read.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`] if a file cannot be read, and what the summary says of its rows.
    pub(crate) async fn summary<S: Summary>(&self, nothing: &S) -> Result<Arc<S>> {
        let lineages = &self.known_summaries().lineages;
        let key = key(nothing, self.uri());
        let fragments = self.dataset().fragments();
        // Taken away, so that it can grow in place: a copy would cost what the whole history has.
        let known = take::<Version<S>>(lineages, &key);
        let (known, newer) = match known {
            Some(known) if known.number > self.version() => (None, Some(known)),
            known => (known, None),
        };
        let (start, mut summary) = match known {
            Some(known) if known.is_prefix_of(fragments) => match Arc::try_unwrap(known) {
                Ok(known) => (known.fragments.len(), known.summary),
                Err(known) => (known.fragments.len(), known.summary.clone()),
            },
            _ => (0, Arc::new(nothing.clone())),
        };
        if start < fragments.len() {
            let files = self.file_summaries(nothing, start).await?;
            let grown = Arc::make_mut(&mut summary);
            for (position, file) in (start..).zip(&files) {
                grown.merge(position, file.as_deref());
            }
        }
        let version = Version { number: self.version(), fragments: fragments.clone(), summary: summary.clone() };
        insert(lineages, key, newer.unwrap_or_else(|| Arc::new(version)));
        Ok(summary)
    }

    /// One summary for each file from a position on, in storage order; none for a file that is not to be read.
    async fn file_summaries<S: Summary>(&self, nothing: &S, start: usize) -> Result<Vec<Option<Arc<S>>>> {
        let files = &self.known_summaries().files;
        let fragments = self.dataset().fragments();
        let mut rows_read = 0;
        let mut summaries: Vec<Option<Arc<S>>> = vec![None; fragments.len() - start];
        let mut unread = Vec::new();
        for (position, fragment) in fragments.iter().enumerate() {
            let rows = fragment.physical_rows;
            if !nothing.reads(rows, rows_read) {
                continue;
            }
            rows_read += rows.unwrap_or(0);
            if position >= start {
                summaries[position - start] = get(files, &key(nothing, &file_key(fragment)));
                if summaries[position - start].is_none() {
                    unread.push(position);
                }
            }
        }
        for (position, summary) in self.summarize(nothing, unread).await? {
            let summary = Arc::new(summary);
            insert(files, key(nothing, &file_key(&fragments[position])), summary.clone());
            summaries[position - start] = Some(summary);
        }
        Ok(summaries)
    }

    /// Reads the files at these positions. They are opened one by one: a scan would look at the list of all files.
    async fn summarize<S: Summary>(&self, nothing: &S, positions: Vec<usize>) -> Result<Vec<(usize, S)>> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let columns = self.dataset().schema().project(&nothing.columns()).map_err(|cause| self.error(cause))?;
        let read = positions.into_iter().map(|at| self.fenced(self.summarize_file(nothing, at, &columns)));
        futures::stream::iter(read).buffered(PARALLEL_READS).try_collect().await
    }

    async fn summarize_file<S: Summary>(&self, nothing: &S, at: usize, columns: &Schema) -> Result<(usize, S)> {
        let error = |cause| self.error(cause);
        let fragment = &self.dataset().fragments()[at];
        self.check_deletions(std::slice::from_ref(fragment)).await?;
        let file = FileFragment::new(self.dataset().clone(), fragment.clone());
        let config = FragReadConfig::default().with_row_last_updated_at_version(nothing.wants_versions());
        let reader = file.open(columns, config).await.map_err(error)?;
        let mut batches = reader.read_all(BATCH_ROWS).await.map_err(error)?;
        let mut summary = nothing.clone();
        while let Some(batch) = batches.next().await {
            summary.add_rows(&batch.await.map_err(error)?)?;
        }
        Ok((at, summary))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};

    use super::*;
    use crate::error::ErrorKind;
    use crate::storage::{Rows, Storage};

    /// How many rows there are.
    #[derive(Debug, Clone, PartialEq)]
    struct Count(usize);

    impl Summary for Count {
        fn columns(&self) -> Vec<&str> {
            vec!["id"]
        }

        fn add_rows(&mut self, batch: &RecordBatch) -> Result<()> {
            self.0 += batch.num_rows();
            Ok(())
        }

        fn merge(&mut self, _: usize, file: Option<&Self>) {
            self.0 += file.map_or(0, |file| file.0);
        }
    }

    fn row(id: &str) -> Rows {
        let ids: ArrayRef = Arc::new(StringArray::from(vec![id]));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        Rows::batches(batch.schema(), vec![batch])
    }

    /// What reads the file asks for nothing that could be wrong.
    #[tokio::test]
    async fn a_damaged_file_is_never_taken_for_a_wrong_request() {
        let folder = tempfile::tempdir().unwrap();
        let uri = folder.path().to_string_lossy().into_owned();
        let table = Storage::create(&uri).unwrap().create_table("t", row("a")).await.unwrap();
        let file = table.data_file(&table.dataset().fragments()[0].files[0]);
        let written = std::fs::read(&file).unwrap();
        let mut damaged = 0;
        for byte in 0..written.len() {
            let mut bytes = written.clone();
            bytes[byte] ^= 1 << 4;
            std::fs::write(&file, bytes).unwrap();
            // A connection of its own has read nothing before.
            let table = Storage::connect(&uri).unwrap().open("t", None, None).await.unwrap();
            match table.file_summaries_at(&Count(0), &[0]).await {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {byte}: {error}");
                    damaged += 1;
                }
            }
        }
        assert!(damaged > 0);
    }

    #[tokio::test]
    async fn a_memory_that_begins_anew_meanwhile_takes_no_file_from_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(&folder.path().to_string_lossy()).unwrap();
        let table = storage.create_table("t", row("a")).await.unwrap();
        let table = table.stage_append(row("b")).await.unwrap().commit().await.unwrap();
        assert_eq!(table.file_summaries_at(&Count(0), &[0]).await.unwrap().len(), 1);
        let files = &table.known_summaries().files;
        for number in 1..MOST_SUMMARIES {
            insert(files, key(&Count(0), &number.to_string()), Arc::new(Count(0)));
        }
        let found = table.file_summaries_at(&Count(0), &[0, 1]).await.unwrap();
        assert_eq!(found, [Arc::new(Count(1)), Arc::new(Count(1))]);
        assert_eq!(files.lock().unwrap().len(), 1, "the memory began anew");
    }
}
