//! What the versions of `__manifest` note of merges: for those whose commits nobody recorded, and for commits that go with their
//! branches.
//!
//! The commits of a branch go with it. What was merged of it stays, and which commits that had in common with others must stay
//! known as well: otherwise a later merge of those others would start at too old a common commit, and could bring deleted rows
//! back. So a merge notes the commits that it brings, other than main's, which never go. It also notes what its own rows do not tell of
//! the merged head's: with that, the merge and the states that it started from hold every row of the merged head, which can be a last
//! common state after its branch is gone.
//!
//! A merge that only takes states over moves no table, so no sidecar can announce it (docs/decisions/0008): if its process dies
//! between the publish and the commit row, the branch shows it and its history does not, and a later merge would start at too old a
//! common commit. So the version of `__manifest` that shows a merge says so in a note, and whoever records the next commit of the
//! branch records that one first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::commit::Commit;
use super::commit_graph::{CommitGraph, LostCommits};
use super::lineage::read_newest;
use super::record::{NewCommit, find_merge, record_next};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{BranchName, CommitId, TableKey};
use crate::manifest;
use crate::storage::{Condition, MERGE, Origin, Storage, Table, TextSet, WRITTEN_IN, names};

/// Commits that one note names, at most.
const BROUGHT: usize = 10_000;
/// Rows of one table that a note names, at most.
pub(crate) const MOST_NAMED: usize = 1_000;

/// What a version of `__manifest` says of the merge that it shows.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// The commit that was merged.
    merged: String,
    /// Who merged it.
    actor: Option<Arc<str>>,
    /// Commits that came with it, and their parents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    brings: Vec<(String, Vec<String>)>,
    /// How the rows of the merged head can be told; none in notes of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows: Option<RowsNote>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RowsNote {
    /// The head that the merge was made on.
    onto: String,
    /// The last common commits.
    bases: Vec<String>,
    /// By table, where there is something to tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tables: BTreeMap<String, TableNote>,
}

/// What the rows of a merge do not tell of those of the merged head, in one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableNote {
    /// Both heads had the same rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) same: bool,
    /// Rows that both sides had changed alike, by id.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) alike: BTreeSet<String>,
    /// Rows that a decision settled, by id: they say nothing of the merged head's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) decided: BTreeSet<String>,
    /// There were more of them than a note names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unclear: bool,
}

impl TableNote {
    /// The note, or that there is too much to note.
    pub(crate) fn within_bounds(self) -> Self {
        if self.alike.len() + self.decided.len() <= MOST_NAMED {
            return self;
        }
        Self { unclear: true, alike: BTreeSet::new(), decided: BTreeSet::new(), ..self }
    }
}

/// A commit that is merged into a branch, and what comes with it.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub(crate) commit: CommitId,
    /// The head that it is merged into.
    pub(crate) onto: CommitId,
    /// The last common commits.
    pub(crate) bases: Vec<CommitId>,
    /// The commits that the branch does not descend from yet, main's left out, with their parents; the nearest ones of very many.
    pub(crate) brings: Vec<(CommitId, Vec<CommitId>)>,
    /// By table, where there is something to tell.
    pub(crate) tables: BTreeMap<TableKey, TableNote>,
}

/// What a version says of how the rows of a head that was merged can be told.
#[derive(Debug, Default)]
pub(crate) struct MergeNote {
    /// The commits that came with it, with their parents.
    pub(crate) brings: LostCommits,
    pub(crate) rows: Option<MergedRows>,
}

/// The states that hold the rows of a merged head, besides the merge itself.
#[derive(Debug)]
pub(crate) struct MergedRows {
    pub(crate) onto: CommitId,
    pub(crate) bases: Vec<CommitId>,
    pub(crate) tables: BTreeMap<TableKey, TableNote>,
}

impl Merged {
    /// What comes with `commit` into the branch whose head is `onto`.
    pub(crate) fn of(history: &CommitGraph, commit: CommitId, onto: CommitId, lost: &LostCommits) -> Self {
        let known = history.distances(onto, lost);
        let can_go = |id: CommitId| history.get(id).is_none_or(|commit| !commit.branch.is_main());
        let mut brings: Vec<(u32, CommitId)> = history
            .distances(commit, lost)
            .into_iter()
            .filter(|(id, _)| !known.contains_key(id) && can_go(*id))
            .map(|(id, distance)| (distance, id))
            .collect();
        brings.sort_unstable();
        brings.truncate(BROUGHT);
        let brings = brings.into_iter().map(|(_, id)| (id, history.parents_over(id, lost)));
        let brings = brings.filter(|(_, parents)| !parents.is_empty()).collect();
        Self { commit, onto, bases: Vec::new(), brings, tables: BTreeMap::new() }
    }

    /// What is to be noted of it.
    pub(crate) fn note(&self, actor: Option<Arc<str>>) -> String {
        let texts = |ids: &[CommitId]| ids.iter().map(ToString::to_string).collect();
        let brings = self.brings.iter().map(|(id, parents)| (id.to_string(), texts(parents))).collect();
        let tables = self.tables.iter().map(|(key, note)| (key.to_string(), note.clone())).collect();
        let rows = RowsNote { onto: self.onto.to_string(), bases: texts(&self.bases), tables };
        let note = Note { merged: self.commit.to_string(), actor, brings, rows: Some(rows) };
        serde_json::to_string(&note).expect("texts can be written")
    }
}

/// Reads the note of a merge from the version that shows it, or from the one that records it if it changed nothing. Returns an empty note
/// if there is none, or if the version is not there any more.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(crate) async fn merge_note(storage: &Storage, commit: &Commit) -> Result<MergeNote> {
    let version = commit.manifest_version.get();
    let shown = manifest::open(storage, &commit.branch, Some(version)).await;
    let mut found = note_at(shown, commit).await?;
    // That it has the version of its parent does not tell such a merge: files may have been put together in between.
    if found.is_none()
        && let Some(version) = recorded_in(storage, commit).await?
    {
        let recorded = storage.open(names::COMMITS, commit.branch.stored(), Some(version)).await;
        found = note_at(recorded.map_err(Error::from), commit).await?;
    }
    let Some(note) = found else { return Ok(MergeNote::default()) };
    let brings = note.brings.into_iter().filter_map(|(id, parents)| Some((id.parse().ok()?, parsed(&parents)?)));
    Ok(MergeNote { brings: brings.collect(), rows: note.rows.and_then(RowsNote::parsed) })
}

/// Reads what a version notes of a merge; nothing if it is not there any more.
async fn note_at(version: Result<Table>, merge: &Commit) -> Result<Option<Note>> {
    let version = match version {
        Ok(version) => version,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let origins = version.origins(version.version().saturating_sub(1)).await?;
    let is_of_merge = |note: &Note| merge.merged_parent.is_some_and(|merged| merged.to_string() == note.merged);
    Ok(origins.iter().filter_map(note).find(is_of_merge))
}

/// Finds the version of its branch's commits that appended the row of a commit.
async fn recorded_in(storage: &Storage, commit: &Commit) -> Result<Option<u64>> {
    let commits = match storage.open(names::COMMITS, commit.branch.stored(), None).await {
        Ok(commits) => commits,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // A set of texts, because that remembers which files have which ids for the next merge that is looked for.
    let (column, id) = ("graph_commit_id".to_owned(), TextSet::of(std::iter::once(commit.id.to_string())));
    let is_row = Condition::AnyOneOf { columns: vec![column.clone()], values: id };
    let mut rows = commits.matching(&[column, WRITTEN_IN.to_owned()], &[is_row]).await?;
    let mut version = None;
    while let Some(batch) = rows.try_next().await? {
        let written = batch.column_by_name(WRITTEN_IN).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        version = version.or(written.and_then(arrow::compute::max));
    }
    Ok(version)
}

/// All of some ids; none if one cannot be read.
fn parsed(ids: &[String]) -> Option<Vec<CommitId>> {
    ids.iter().map(|id| id.parse().ok()).collect()
}

impl RowsNote {
    /// What is noted; none if a part of it cannot be read.
    fn parsed(self) -> Option<MergedRows> {
        let tables = self.tables.into_iter().map(|(key, note)| Some((key.parse().ok()?, note)));
        let tables = tables.collect::<Option<_>>()?;
        Some(MergedRows { onto: self.onto.parse().ok()?, bases: parsed(&self.bases)?, tables })
    }
}

fn note(origin: &Origin) -> Option<Note> {
    serde_json::from_str(origin.notes.get(MERGE)?).ok()
}

/// The merge that a version shows, if it does; what cannot be read says nothing.
fn noted(origin: &Origin) -> Option<(CommitId, Option<Arc<str>>)> {
    let Note { merged, actor, .. } = note(origin)?;
    Some((merged.parse().ok()?, actor))
}

/// Records the merges that a branch shows without a commit, up to a version, except that of `own`, which the caller records.
/// `commits` is the branch's lineage at its head, and comes back as it is then. The gate of publishing must be held.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(crate) async fn record_noted(
    storage: &Storage,
    clock: &dyn Clock,
    (branch, commits): (&BranchName, Table),
    upto: u64,
    own: Option<CommitId>,
) -> Result<Table> {
    let Some((recorded, _, _)) = read_newest(&commits).await? else { return Ok(commits) };
    if recorded.get() >= upto {
        return Ok(commits);
    }
    let mut commits = commits;
    let shown = manifest::open(storage, branch, Some(upto)).await?;
    for origin in shown.origins(recorded.get()).await? {
        let Some((merged, actor)) = noted(&origin) else { continue };
        if Some(merged) == own || find_merge(&commits, merged).await? {
            continue;
        }
        let (id, branch, version) = (clock.next_id(), branch.clone(), origin.version);
        let new = NewCommit { id, branch, version, merged: Some(merged), actor, note: None };
        let commit = record_next(storage, clock, &commits, new).await?;
        commits = storage.open(names::COMMITS, commit.branch.stored(), None).await?;
    }
    Ok(commits)
}
