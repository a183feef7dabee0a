//! Whether an interrupted merge was also to take states over, which no sidecar tells.
//!
//! A merge pins the tables that it writes to. Others it may take over by changing what the branch points to. This program never confirms
//! such a merge, OmniGraph does, and publishing only what is pinned would record a merge whose other tables are missing for ever
//! (docs/decisions/0008). So before a merge of another program is rolled forward, its three states are compared once more.

use std::collections::BTreeMap;

use super::Sidecar;
use super::TableStanding;
use crate::error::{ErrorKind, Result};
use crate::history::{CommitGraph, read_history};
use crate::id::{CommitId, TableKey};
use crate::manifest::{self, TableEntry};
use crate::storage::{OPERATION_ID, Storage};

type Entries = BTreeMap<TableKey, TableEntry>;

/// Whether tables that are not pinned were to be taken over, or that cannot be told. `target` is what the branch shows.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(super) async fn takes_over(
    storage: &Storage,
    sidecar: &Sidecar,
    tables: &[TableStanding],
    target: &Entries,
) -> Result<bool> {
    let Some(source) = sidecar.merge_source_commit_id.as_deref().and_then(|id| id.parse::<CommitId>().ok()) else {
        return Ok(true);
    };
    if is_ours(storage, sidecar, tables).await? {
        return Ok(false);
    }
    let history = read_history(storage).await?;
    let Some(&head) = history.heads().get(&sidecar.branch()) else { return Ok(true) };
    let Some(source_state) = state_of(storage, &history, source).await? else { return Ok(true) };
    let bases = history.merge_bases(source, head);
    if bases.is_empty() {
        return Ok(true);
    }
    for base in bases {
        let Some(base_state) = state_of(storage, &history, base).await? else { return Ok(true) };
        let is_pinned = |key: &TableKey| tables.iter().any(|table| table.table_key == key.to_string());
        let same = |a: Option<&TableEntry>, b: Option<&TableEntry>| match (a, b) {
            (Some(a), Some(b)) => a.same_state(b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let is_adopted = |key: &&TableKey| {
            let (base, source) = (base_state.get(*key), source_state.get(*key));
            !is_pinned(key) && !same(base, source) && same(base, target.get(*key))
        };
        if source_state.keys().any(|key| is_adopted(&key)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether this program made what is pinned.
async fn is_ours(storage: &Storage, sidecar: &Sidecar, tables: &[TableStanding]) -> Result<bool> {
    for table in tables {
        let head = storage.open(&table.path, table.lineage.as_deref(), Some(table.head)).await?;
        let origins = head.origins(table.expected).await?;
        let mut marks = origins.iter().filter_map(|origin| origin.notes.get(OPERATION_ID));
        if marks.any(|id| *id == sidecar.operation_id) {
            return Ok(true);
        }
    }
    Ok(tables.is_empty())
}

/// What a commit shows; none if it, or its branch, is gone.
async fn state_of(storage: &Storage, history: &CommitGraph, id: CommitId) -> Result<Option<Entries>> {
    let Some(commit) = history.get(id) else { return Ok(None) };
    let version = commit.manifest_version.get();
    match manifest::open(storage, &commit.branch, Some(version)).await {
        Ok(shown) => Ok(Some(manifest::read_state(&shown).await?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
