//! Which tables differ, and how each is compared.

use futures::{StreamExt, TryStreamExt};

use super::emit::{Compared, Emitter};
use super::lineage::shared_version;
use super::{ComparedStream, Detail, DiffFilter, DiffStream, RowOp, Way, delta, walk};
use crate::error::Result;
use crate::history::Snapshot;
use crate::manifest::{self, TableChange, TableEntry};
use crate::progress::Progress;
use crate::storage::{LineageRef, Storage, StorageError, Table};
use crate::stream::{Sender, generate};

/// Streams the changes from one snapshot to another. Tables pinned at the same version and lineage are never opened.
pub(crate) fn diff(
    storage: &Storage,
    from: &Snapshot,
    to: &Snapshot,
    filter: DiffFilter,
    progress: &Progress,
) -> DiffStream {
    let tables = manifest::changes(&from.entries, &to.entries);
    table_changes(storage, tables, filter, None, progress)
}

/// Streams the row changes of tables. `way` forces one way of comparing where it is possible: benchmarks and tests hold the
/// two against each other; none takes the cheaper one.
///
/// # Errors
/// In the stream: [`StorageError`], [`crate::Error::Cancelled`].
#[must_use]
pub fn table_changes(
    storage: &Storage,
    tables: Vec<TableChange>,
    filter: DiffFilter,
    way: Option<Way>,
    progress: &Progress,
) -> DiffStream {
    compared(storage, tables, filter, way, Detail::All, progress).map_ok(Into::into).boxed()
}

/// As [`table_changes`], with where the rows are, and as much of them as is asked for.
pub(crate) fn compared(
    storage: &Storage,
    tables: Vec<TableChange>,
    filter: DiffFilter,
    way: Option<Way>,
    detail: Detail,
    progress: &Progress,
) -> ComparedStream {
    let (storage, progress) = (storage.clone(), progress.clone());
    generate(move |sender| async move {
        let tables: Vec<TableChange> = tables.into_iter().filter(|table| filter.wants_table(&table.key)).collect();
        let total = tables.len() as u64;
        for (done, table) in (0..).zip(&tables) {
            progress.check()?;
            progress.advance(done, Some(total), "tables");
            one_table(&storage, table, &filter, (way, detail), &sender, &progress).await?;
        }
        progress.advance(total, Some(total), "tables");
        Ok(())
    })
}

async fn one_table(
    storage: &Storage,
    change: &TableChange,
    filter: &DiffFilter,
    (way, detail): (Option<Way>, Detail),
    sender: &Sender<Compared>,
    progress: &Progress,
) -> Result<()> {
    let mut emitter = Emitter::new(sender, filter, change.key.clone());
    let unwanted = match (&change.from, &change.to) {
        (Some(_), Some(_)) => false,
        (Some(_), None) => !filter.wants_op(RowOp::Deleted),
        (None, Some(_)) => !filter.wants_op(RowOp::Inserted),
        (None, None) => true,
    };
    if unwanted {
        return emitter.finish(Way::Walk).await;
    }
    let (from, to) = (open(storage, change.from.as_ref()).await?, open(storage, change.to.as_ref()).await?);
    if way != Some(Way::Walk)
        && let (Some(old), Some(new), Some(from), Some(to)) = (&change.from, &change.to, &from, &to)
        && let Some(shared) = shared_history(storage, old, new).await
        && let Some(changed) = delta::candidates(from, to, shared, progress).await?
    {
        changed.send(from, to, detail, &mut emitter, progress).await?;
        return emitter.finish(Way::Delta).await;
    }
    walk::walk(from.as_ref(), to.as_ref(), &mut emitter, progress).await?;
    emitter.finish(Way::Walk).await
}

async fn open(storage: &Storage, entry: Option<&TableEntry>) -> Result<Option<Table>, StorageError> {
    let Some(entry) = entry else { return Ok(None) };
    entry.open(storage).await.map(Some)
}

/// Lineages that cannot be read prove nothing; the walk then answers.
async fn shared_history(storage: &Storage, from: &TableEntry, to: &TableEntry) -> Option<u64> {
    let mut lineages: Vec<LineageRef> = Vec::new();
    for entry in [from, to] {
        let mut next = entry.stored_lineage().map(str::to_owned);
        while let Some(name) = next.take().filter(|name| !lineages.iter().any(|known| known.name == *name)) {
            let found = storage.read_ref(&from.path, &name).await.ok()??;
            if found.unreadable.is_some() {
                return None;
            }
            next.clone_from(&found.parent);
            lineages.push(found);
        }
    }
    shared_version(from, to, &lineages)
}
