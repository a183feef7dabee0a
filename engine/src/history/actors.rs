//! Who made which commit: the rows of `_graph_commit_actors.lance` (graph-format §9).
//!
//! The dataset has one lineage for all branches. The last row of a commit counts.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Commit;
use super::commit::decode_actors;
use super::seen::SeenFiles;
use crate::error::Result;
use crate::id::CommitId;
use crate::storage::{Storage, Summary, Table, names};

/// Files read in the first step when only the newest rows are wanted; each further step reads twice as many.
const FIRST_FILES: usize = 8;
/// Rows of commits older than every wanted one, in a row, that end a search: writers append theirs in almost the order of the times in
/// their ids.
const OVERTAKEN: usize = 16;

/// The rows of one file: commit, actor.
#[derive(Debug, Clone, Default)]
struct ActorRows(Vec<(CommitId, Arc<str>)>);

impl Summary for ActorRows {
    fn columns(&self) -> Vec<&str> {
        vec!["graph_commit_id", "actor_id"]
    }

    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.extend(decode_actors(batch)?);
        Ok(())
    }

    fn merge(&mut self, _: usize, file: Option<&Self>) {
        if let Some(file) = file {
            self.0.extend_from_slice(&file.0);
        }
    }
}

/// Actors that were not known before, and what was read by now.
#[derive(Debug, Default)]
pub(super) struct NewActors {
    pub(super) of: HashMap<CommitId, Arc<str>>,
    pub(super) files: SeenFiles,
}

/// Reads the actors of all files that were not seen before; of all files if those that were seen are no longer there.
///
/// # Errors
/// [`super::HistoryError::Column`], [`crate::storage::StorageError`].
pub(super) async fn read_new_actors(storage: &Storage, seen: &SeenFiles) -> Result<NewActors> {
    let table = storage.open(names::ACTORS, None, None).await?;
    let files = table.fragment_files();
    let unread = seen.unread(&files);
    let mut of = HashMap::new();
    let mut known: HashMap<Arc<str>, Arc<str>> = HashMap::new();
    for (_, rows) in table.read_files(&ActorRows::default(), unread.collect()).await? {
        for (commit, actor) in rows.0 {
            of.insert(commit, known.entry(actor.clone()).or_insert(actor).clone());
        }
    }
    Ok(NewActors { of, files: SeenFiles::of(&files) })
}

/// Fills in who made some commits, reading back from the newest file no further than they reach.
///
/// # Errors
/// [`super::HistoryError::Column`], [`crate::storage::StorageError`].
pub(crate) async fn fill_in_actors(storage: &Storage, commits: &mut [Commit]) -> Result<()> {
    let Some(oldest) = commits.iter().map(|commit| commit.id.created_at_micros()).min() else { return Ok(()) };
    let table = storage.open(names::ACTORS, None, None).await?;
    let mut missing: HashMap<CommitId, usize> =
        commits.iter().enumerate().map(|(at, commit)| (commit.id, at)).collect();
    let (mut unread, mut step, mut older) = (table.fragment_files().len(), FIRST_FILES, 0);
    while unread > 0 && !missing.is_empty() && older < OVERTAKEN {
        let start = unread.saturating_sub(step);
        for (commit, actor) in read_back(&table, start..unread).await? {
            older = if commit.created_at_micros() < oldest { older + 1 } else { 0 };
            if let Some(at) = missing.remove(&commit) {
                commits[at].actor = Some(actor);
            }
        }
        (unread, step) = (start, step * 2);
    }
    Ok(())
}

/// The rows of some files, the last one first.
async fn read_back(table: &Table, files: std::ops::Range<usize>) -> Result<Vec<(CommitId, Arc<str>)>> {
    let files = table.file_summaries_at(&ActorRows::default(), &files.collect::<Vec<_>>()).await?;
    Ok(files.iter().rev().flat_map(|file| file.0.iter().rev().cloned()).collect())
}
