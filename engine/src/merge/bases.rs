//! The states of last common commits, and what stands for one that went with its branch.
//!
//! A merge that took a head over holds its rows: together with the state that it was made on, with its own last common commit, and with
//! what it noted (`history::noted`), every row of the merged head can be told without its branch. A row that the merge changed is the
//! merged head's; one that it left as it was is the target's if both sides had changed it alike, and else that of the last common commit
//! which this merge had, because the merged head did not change it. That one may be gone in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::error::MergeError;
use crate::diff::changed_columns;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::history::{
    Commit, CommitGraph, HistoryError, LostCommits, MergedRows, Snapshot, TableNote, merge_note, read_lineages,
};
use crate::id::{CommitId, TableKey};
use crate::manifest::TableEntry;
use crate::value::Row;

/// Merges that stand for a lost commit, at most: one is enough unless decisions settled rows in it.
const WITNESSES: usize = 4;
/// Lost commits that are told by one another, at most.
const DEEPEST: usize = 32;

/// The last common commits of a merge.
#[derive(Debug, Default)]
pub(super) struct Bases {
    /// States that are read to tell the rows of all of them.
    states: Vec<Snapshot>,
    /// One for each of them.
    origins: Vec<Origin>,
}

/// Where the rows of a commit are.
#[derive(Debug, Clone)]
enum Origin {
    /// In a state that can be read.
    State(usize),
    /// In merges that took it over; one is enough.
    Merged(Vec<Witness>),
}

/// A merge that took over a commit whose own state is gone.
#[derive(Debug, Clone)]
struct Witness {
    base: Box<Origin>,
    /// The state that the merge was planned on.
    onto: usize,
    /// The state before it: writes to other tables may have come in between.
    before: usize,
    /// The state that it made.
    made: usize,
    tables: Arc<BTreeMap<TableKey, TableNote>>,
}

/// Where the rows of one table are, as some last common commit had them.
#[derive(Debug)]
pub(super) enum Place<'s> {
    /// All in this version; none if the table was not there.
    Entry(Option<&'s TableEntry>),
    /// Each for itself.
    Rows(RowOrigin<'s>),
}

/// Tells where a row is, from what it is in some versions of its table.
#[derive(Debug)]
pub(super) enum RowOrigin<'s> {
    /// As in this version; none if the table was not there.
    In(Option<&'s TableEntry>),
    /// As a merge has it, or those that it was made of.
    Merged { base: Box<Self>, before: Option<&'s TableEntry>, made: Option<&'s TableEntry>, note: &'s TableNote },
    /// As the first of them that can tell.
    First(Vec<Self>),
}

impl<'s> Place<'s> {
    /// The one version that has all rows; nothing if there is none such.
    #[expect(clippy::option_option, reason = "a table that was not there is an answer")]
    pub(super) fn whole(&self) -> Option<Option<&'s TableEntry>> {
        match self {
            Self::Entry(entry) => Some(*entry),
            Self::Rows(_) => None,
        }
    }

    pub(super) fn into_origin(self) -> RowOrigin<'s> {
        match self {
            Self::Entry(entry) => RowOrigin::In(entry),
            Self::Rows(origin) => origin,
        }
    }
}

impl Bases {
    /// Finds the states of these commits, or what stands for them.
    ///
    /// # Errors
    /// [`MergeError::BaseLost`] or [`MergeError::BaseGone`] for one that can neither be read nor be told; storage errors.
    pub(super) async fn find(
        graph: &Graph,
        history: &CommitGraph,
        lost: &mut LostCommits,
        ids: &[CommitId],
    ) -> Result<Self> {
        let mut finder = Finder { graph, history, lost, states: Vec::new(), untold: BTreeSet::new() };
        let mut origins = Vec::with_capacity(ids.len());
        for id in ids {
            origins.push(finder.origin(*id, 0).await?);
        }
        Ok(Self { states: finder.states, origins })
    }

    /// Where the rows of a table are, for each last common commit.
    pub(super) fn places(&self, key: &TableKey) -> Vec<Place<'_>> {
        self.origins.iter().map(|origin| self.place(origin, key)).collect()
    }

    /// Whether all last common commits had this version of a table.
    pub(super) fn has_version(&self, key: &TableKey, version: &TableEntry) -> bool {
        let has = |place: &Place<'_>| matches!(place, Place::Entry(Some(entry)) if entry.same_state(version));
        self.places(key).iter().all(has)
    }

    fn entry(&self, state: usize, key: &TableKey) -> Option<&TableEntry> {
        self.states[state].entries.get(key)
    }

    fn place<'s>(&'s self, origin: &'s Origin, key: &TableKey) -> Place<'s> {
        let witnesses = match origin {
            Origin::State(state) => return Place::Entry(self.entry(*state, key)),
            Origin::Merged(witnesses) => witnesses,
        };
        let mut told = Vec::new();
        for witness in witnesses {
            match self.seen_by(witness, key) {
                whole @ Place::Entry(_) => return whole,
                Place::Rows(origin) => told.push(origin),
            }
        }
        Place::Rows(RowOrigin::First(told))
    }

    /// What a merge tells of a table of the head that it took over.
    fn seen_by<'s>(&'s self, witness: &'s Witness, key: &TableKey) -> Place<'s> {
        static NOTHING: TableNote =
            TableNote { same: false, alike: BTreeSet::new(), decided: BTreeSet::new(), unclear: false };
        let note = witness.tables.get(key).unwrap_or(&NOTHING);
        if note.same {
            return Place::Entry(self.entry(witness.onto, key));
        }
        let (before, made) = (self.entry(witness.before, key), self.entry(witness.made, key));
        let base = self.place(&witness.base, key);
        let is_told_whole = !note.unclear && note.decided.is_empty();
        match base {
            // The merged head changed nothing that the merge did not find changed alike.
            Place::Entry(base) if is_told_whole && same(before, made) && note.alike.is_empty() => Place::Entry(base),
            // The merge took over whatever the merged head had.
            Place::Entry(base) if is_told_whole && same(before, base) => Place::Entry(made),
            base => {
                let base = Box::new(base.into_origin());
                Place::Rows(RowOrigin::Merged { base, before, made, note })
            }
        }
    }
}

/// Whether two states have the same version of a table, or both none.
pub(super) fn same(a: Option<&TableEntry>, b: Option<&TableEntry>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same_state(b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

impl<'s> RowOrigin<'s> {
    /// The versions that are asked, as often as they occur.
    pub(super) fn entries(&self) -> Vec<Option<&'s TableEntry>> {
        match self {
            Self::In(entry) => vec![*entry],
            Self::Merged { base, before, made, note: _ } => {
                let mut entries = base.entries();
                entries.extend([*before, *made]);
                entries
            }
            Self::First(origins) => origins.iter().flat_map(Self::entries).collect(),
        }
    }

    /// The version that has the row as it was, by what the row is in each of them; none if that cannot be told. A version without the
    /// row may be the answer.
    #[expect(clippy::option_option, reason = "a table that was not there is an answer")]
    pub(super) fn of<'r>(
        &self,
        id: &str,
        row: &impl Fn(Option<&TableEntry>) -> Option<&'r Row>,
    ) -> Option<Option<&'s TableEntry>> {
        match self {
            Self::In(entry) => Some(*entry),
            Self::First(origins) => origins.iter().find_map(|origin| origin.of(id, row)),
            Self::Merged { base, before, made, note } => {
                if note.unclear || note.decided.contains(id) {
                    return None;
                }
                // What both sides changed alike, the merge left as it was.
                if note.alike.contains(id) || !is_equal(row(*before), row(*made)) {
                    return Some(*made);
                }
                base.of(id, row)
            }
        }
    }
}

/// Whether two states have the same row, or both none.
pub(super) fn is_equal(a: Option<&Row>, b: Option<&Row>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => changed_columns(a, b).is_empty(),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

struct Finder<'f> {
    graph: &'f Graph,
    history: &'f CommitGraph,
    lost: &'f mut LostCommits,
    states: Vec<Snapshot>,
    /// Commits that can neither be read nor be told.
    untold: BTreeSet<CommitId>,
}

impl Finder<'_> {
    fn origin(&mut self, id: CommitId, depth: usize) -> BoxFuture<'_, Result<Origin>> {
        async move {
            let error = match self.state(id).await {
                Ok(state) => return Ok(Origin::State(state)),
                Err(error) => error,
            };
            // A commit that would be told by itself is not told.
            if depth < DEEPEST && self.untold.insert(id) {
                let most = if depth == 0 { WITNESSES } else { 1 };
                let witnesses = self.witnesses(id, most, depth).await?;
                if !witnesses.is_empty() {
                    self.untold.remove(&id);
                    return Ok(Origin::Merged(witnesses));
                }
            }
            Err(error)
        }
        .boxed()
    }

    /// The place of a commit's own state.
    async fn state(&mut self, id: CommitId) -> Result<usize> {
        if let Some(known) = self.states.iter().position(|state| state.commit == Some(id)) {
            return Ok(known);
        }
        self.states.push(own_state(self.graph, self.history, id).await?);
        Ok(self.states.len() - 1)
    }

    async fn witnesses(&mut self, id: CommitId, most: usize, depth: usize) -> Result<Vec<Witness>> {
        let mut found = Vec::new();
        let merges = self.history.commits().iter().filter(|commit| commit.merged_parent == Some(id));
        for merge in merges.cloned().collect::<Vec<Commit>>() {
            let note = merge_note(self.graph.storage(), &merge).await?;
            self.lost.extend(note.brings);
            if let Some(rows) = note.rows {
                found.extend(self.witness(&merge, rows, depth).await);
            }
            if found.len() >= most {
                break;
            }
        }
        Ok(found)
    }

    /// What a merge tells; nothing if a state that it needs is gone as well.
    async fn witness(&mut self, merge: &Commit, rows: MergedRows, depth: usize) -> Option<Witness> {
        let made = self.state(merge.id).await.ok()?;
        let before = self.state(merge.parent?).await.ok()?;
        let onto = self.state(rows.onto).await.ok()?;
        // Where a row is as it was and was not changed alike, all of them agree on it.
        let base = Box::new(self.origin(*rows.bases.first()?, depth + 1).await.ok()?);
        Some(Witness { base, onto, before, made, tables: Arc::new(rows.tables) })
    }
}

/// The state of a commit that is recorded, on a branch that is there.
async fn own_state(graph: &Graph, history: &CommitGraph, id: CommitId) -> Result<Snapshot> {
    let Some(commit) = history.get(id) else { return Err(MergeError::BaseLost { commit: id }.into()) };
    let gone = |error: Error| -> Error {
        let (commit, branch) = (commit.id, commit.branch.clone());
        MergeError::BaseGone { commit, branch, source: Box::new(error) }.into()
    };
    let own;
    let of_branch = if commit.branch.is_main() || history.heads().contains_key(&commit.branch) {
        history
    } else {
        own = read_lineages(graph.storage(), std::slice::from_ref(&commit.branch)).await;
        &own
    };
    check_same_branch(of_branch, commit).map_err(|error| gone(error.into()))?;
    graph.snapshot_of(commit).await.map_err(gone)
}

/// A branch that was deleted and made again has other versions under the same numbers, and does not come from the commits of the
/// former one. Times tell nothing: they are those of the writers' clocks.
fn check_same_branch(history: &CommitGraph, commit: &Commit) -> Result<(), HistoryError> {
    let head = history.heads().get(&commit.branch);
    if commit.branch.is_main() || head.is_some_and(|head| history.first_parents(*head).any(|of| of.id == commit.id)) {
        return Ok(());
    }
    Err(HistoryError::BranchGone { id: commit.id.to_string(), branch: commit.branch.to_string() })
}
