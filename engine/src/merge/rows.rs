//! Which row of one table is selected: the truth table of a three-way merge (engine-behaviour §6.3), over the rows that changed.
//!
//! Rows that no side changed since the last common commit are the same on both, so only changed ones are looked at: two streams of
//! changes, base → source and base → target, are joined by id. Where the histories were merged crosswise there are several last
//! common commits; a row is then selected only if all of them select the same one, and its cells can be merged only if all of them
//! tell alike who changed which. What a conflict shows besides is told against the first of them, as everywhere. Where a last common
//! commit went with its branch, several states together tell what its rows were (`bases`).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use super::bases::{RowOrigin, is_equal as same_row, same as same_version};
use super::conflict::{Conflict, ConflictDetail, ConflictKey, ConflictKind, Side};
use super::delta::{Delta, DeltaWriter, Entry, RowStep};
use super::error::MergeError;
use crate::diff::{Changed, Compared, ComparedStream, RowOp, Way, changed_columns, located_rows};
use crate::error::Result;
use crate::history::MOST_NAMED;
use crate::id::TableKey;
use crate::manifest::TableEntry;
use crate::progress::Progress;
use crate::storage::{ID, Table};
use crate::value::Row;

/// Rows added on both sides that are fetched at once.
const CHUNK: usize = 512;

/// The changes of both sides since one last common commit.
pub(super) struct Changes {
    pub(super) source: ComparedStream,
    /// None if the target changed nothing.
    pub(super) target: Option<ComparedStream>,
}

/// The tables of both sides, for rows that were not read whole.
pub(super) struct Ends<'t> {
    pub(super) source: &'t Table,
    pub(super) target: &'t Table,
}

/// What the states stand for that rows are compared with.
#[derive(Clone, Copy)]
pub(super) enum Past<'s> {
    /// Each for one last common commit.
    Common,
    /// All together for the last common commits: each of these tells its rows from what they are in the states, which are these
    /// versions of the table.
    Told { versions: &'s [Option<&'s TableEntry>], commits: &'s [RowOrigin<'s>] },
}

/// The rows of a last common commit that is not one version of the table, as far as a side or a state has another one. A row that is in
/// none of these is what the target has.
#[derive(Debug, Default)]
pub(super) struct PastSelection {
    /// The states that have the rows, and their addresses there.
    pub(super) rows: Vec<(usize, u64)>,
    /// Ids of rows that it does not have.
    pub(super) absent: HashSet<String>,
    /// Ids of rows of which nothing can be told.
    pub(super) untold: HashSet<String>,
}

/// What becomes of a table.
pub(super) struct Selected {
    pub(super) delta: Delta,
    pub(super) conflicts: Vec<Conflict>,
    /// Rows that both sides changed alike; more than a note names are not all there.
    pub(super) alike: BTreeSet<String>,
    /// The rows of the first last common commit, if it is told row by row.
    pub(super) past: PastSelection,
    /// The costliest way in which rows were compared.
    pub(super) way: Way,
}

/// A row that both sides changed, none where it is not there.
struct Clash {
    /// In each last common commit, the one that is shown first.
    bases: Vec<Option<Row>>,
    source: Place,
    target: Place,
}

/// What became of a row on both sides since one last common commit; none if it did not change.
type Pair = (Option<Box<Changed>>, Option<Box<Changed>>);

/// Which row is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    Target,
    Source,
    Clash,
}

/// Selects the rows of a table; `changes` has an item for each state of the past.
pub(super) async fn select(
    key: &TableKey,
    changes: Vec<Changes>,
    past: Past<'_>,
    ends: &Ends<'_>,
    progress: &Progress,
) -> Result<Selected> {
    let mut lanes: Vec<(Lane, Option<Lane>)> =
        changes.into_iter().map(|it| (Lane::new(it.source), it.target.map(Lane::new))).collect();
    let mut selection = Selection::new(key.clone(), past, lanes.len())?;
    let mut done = 0;
    while let Some(id) = next_id(&mut lanes).await? {
        let mut pairs = Vec::with_capacity(lanes.len());
        for (source, target) in &mut lanes {
            let target = match target {
                Some(lane) => lane.take(&id).await?,
                None => None,
            };
            pairs.push((source.take(&id).await?, target));
        }
        selection.add(id, pairs, ends).await?;
        done += 1;
        if done % 8192 == 0 {
            progress.check()?;
            progress.advance(done, None, "rows");
        }
    }
    let mut both = lanes.into_iter().flat_map(|(source, target)| [Some(source), target]).flatten();
    let walked = both.any(|lane| lane.way == Some(Way::Walk));
    selection.finish(if walked { Way::Walk } else { Way::Delta }, ends).await
}

/// The least id that any side has next.
async fn next_id(lanes: &mut [(Lane, Option<Lane>)]) -> Result<Option<String>> {
    let mut least: Option<String> = None;
    for (source, target) in lanes {
        for lane in [Some(source), target.as_mut()].into_iter().flatten() {
            if let Some(id) = lane.id().await?
                && least.as_deref().is_none_or(|least| id < least)
            {
                least = Some(id.to_owned());
            }
        }
    }
    Ok(least)
}

/// One stream of changes, at its next one.
struct Lane {
    items: ComparedStream,
    next: Option<Box<Changed>>,
    way: Option<Way>,
}

impl Lane {
    fn new(items: ComparedStream) -> Self {
        Self { items, next: None, way: None }
    }

    async fn id(&mut self) -> Result<Option<&str>> {
        while self.next.is_none() && self.way.is_none() {
            match self.items.try_next().await? {
                Some(Compared::Row(changed)) => self.next = Some(changed),
                Some(Compared::Table(totals)) => self.way = Some(totals.way),
                None => self.way = Some(Way::Delta),
            }
        }
        Ok(self.next.as_ref().map(|changed| changed.id.as_str()))
    }

    /// The change of a row, if this is the next one.
    async fn take(&mut self, id: &str) -> Result<Option<Box<Changed>>> {
        if self.id().await? != Some(id) {
            return Ok(None);
        }
        let taken = self.next.take();
        let repeated =
            |changed: &Changed| MergeError::RepeatedId { table_key: changed.table.clone(), id: id.to_owned() };
        if let Some(changed) = &taken
            && (changed.is_repeated || self.id().await? == Some(id))
        {
            return Err(repeated(changed).into());
        }
        Ok(taken)
    }
}

struct Selection<'s> {
    table: TableKey,
    past: Past<'s>,
    has_one_base: bool,
    delta: DeltaWriter,
    conflicts: Vec<Conflict>,
    alike: BTreeSet<String>,
    past_rows: PastSelection,
    /// Rows that both sides added, with where they are: they are compared when there are some.
    added: Vec<(String, [u64; 2])>,
}

impl PastSelection {
    /// Adds what tells a row: a state and how the sides differ from it; none if nothing tells it.
    fn add(&mut self, id: &str, told: Option<(usize, &Pair)>) {
        match told {
            None => drop(self.untold.insert(id.to_owned())),
            // Both sides have the row of the state.
            Some((_, (None, None))) => {}
            Some((at, pair)) => match place_before(pair) {
                Some((_, address)) => self.rows.push((at, address)),
                None => drop(self.absent.insert(id.to_owned())),
            },
        }
    }
}

impl<'s> Selection<'s> {
    fn new(table: TableKey, past: Past<'s>, states: usize) -> Result<Self> {
        let has_one_base = states == 1 && matches!(past, Past::Common);
        Ok(Self {
            table,
            past,
            has_one_base,
            delta: DeltaWriter::create()?,
            conflicts: Vec::new(),
            alike: BTreeSet::new(),
            past_rows: PastSelection::default(),
            added: Vec::new(),
        })
    }

    async fn add(&mut self, id: String, mut pairs: Vec<Pair>, ends: &Ends<'_>) -> Result<()> {
        if let Past::Told { versions, commits } = self.past {
            return self.add_told(id, &pairs, versions, commits);
        }
        if let [(source, target)] = pairs.as_mut_slice() {
            return match (source.take(), target.take()) {
                (None, _) => Ok(()),
                (Some(source), None) => self.take_source(&id, &source),
                (Some(source), Some(target)) => self.both(id, *source, *target, ends).await,
            };
        }
        let picks: Vec<Pick> =
            pairs.iter().map(|(source, target)| pick(source.as_deref(), target.as_deref())).collect();
        let Some((source, target)) = sides(&pairs) else { return Ok(()) };
        if is_equal(source.as_ref(), target.as_ref()) {
            if pairs[0].0.is_some() {
                self.changed_alike(id);
            }
            return Ok(());
        }
        if picks.iter().all(|pick| *pick == Pick::Target) {
            return Ok(());
        }
        if picks.iter().all(|pick| *pick == Pick::Source) {
            let change = pairs.into_iter().find_map(|(source, _)| source).expect("a source is picked where it changed");
            return self.take_source(&id, &change);
        }
        let bases = pairs.iter().map(|(source, target)| before(source.as_deref(), target.as_deref())).collect();
        self.clash(id, &Clash { bases, source, target });
        Ok(())
    }

    /// As [`Selection::add`], where the last common commits are told by the states.
    fn add_told(
        &mut self,
        id: String,
        pairs: &[Pair],
        versions: &[Option<&TableEntry>],
        commits: &[RowOrigin<'_>],
    ) -> Result<()> {
        let (source, target) = both_sides(pairs);
        let of_states: Vec<Place> = pairs.iter().map(place_before).collect();
        let is_same = is_equal(source.as_ref(), target.as_ref());
        let state = |entry: Option<&TableEntry>| versions.iter().position(|version| same_version(*version, entry));
        let row = |entry: Option<&TableEntry>| {
            let at = state(entry).expect("BUG: a version that tells rows is not compared");
            // Where no side differs from the state, both have its row.
            let pair = &pairs[at];
            let place = if pair.0.is_none() && pair.1.is_none() { &source } else { &of_states[at] };
            place.as_ref().map(|(row, _)| row)
        };
        let told: Option<Vec<Option<&TableEntry>>> = commits.iter().map(|commit| commit.of(&id, &row)).collect();
        let bases: Option<Vec<Option<&Row>>> = told.as_ref().map(|told| told.iter().map(|it| row(*it)).collect());
        self.past_rows.add(&id, told.as_ref().and_then(|told| state(told[0])).map(|at| (at, &pairs[at])));
        let (new, old) = (source.as_ref().map(|(row, _)| row), target.as_ref().map(|(row, _)| row));
        let all_are =
            |side: Option<&Row>| bases.as_ref().is_some_and(|bases| bases.iter().all(|base| same_row(*base, side)));
        if is_same {
            if !bases.as_ref().is_some_and(|bases| same_row(bases[0], new)) {
                self.changed_alike(id);
            }
            return Ok(());
        }
        if all_are(new) {
            return Ok(());
        }
        if all_are(old) {
            let step = match (&source, &target) {
                (None, _) => RowStep::Delete,
                (Some(_), None) => RowStep::Append,
                (Some(_), Some(_)) => RowStep::Update,
            };
            let from = source.as_ref().map_or(0, |(_, address)| *address);
            return Ok(self.delta.push(&Entry { id, step, from: (Side::Source, from), before: None })?);
        }
        // Where it cannot be told what the row was, either side may have changed it.
        let bases = bases.unwrap_or_else(|| vec![new, old]).into_iter().map(Option::<&Row>::cloned).collect();
        self.clash(id, &Clash { bases, source, target });
        Ok(())
    }

    fn changed_alike(&mut self, id: String) {
        if self.alike.len() <= MOST_NAMED {
            self.alike.insert(id);
        }
    }

    /// Only the source changed the row.
    fn take_source(&mut self, id: &str, change: &Changed) -> Result<()> {
        let from = change.after.as_ref().map_or(0, |after| after.address);
        let step = match change.op {
            RowOp::Inserted => RowStep::Append,
            RowOp::Updated => RowStep::Update,
            RowOp::Deleted => RowStep::Delete,
        };
        let before = change.before.as_ref().filter(|_| self.has_one_base).map(|before| before.address);
        Ok(self.delta.push(&Entry { id: id.to_owned(), step, from: (Side::Source, from), before })?)
    }

    async fn both(&mut self, id: String, source: Changed, target: Changed, ends: &Ends<'_>) -> Result<()> {
        if let (RowOp::Inserted, RowOp::Inserted, Some(new), Some(other)) =
            (source.op, target.op, &source.after, &target.after)
        {
            self.added.push((id, [new.address, other.address]));
            return if self.added.len() < CHUNK { Ok(()) } else { self.compare_added(ends).await };
        }
        let base = before(Some(&source), Some(&target));
        let (source, target) = (after(source), after(target));
        if is_equal(source.as_ref(), target.as_ref()) {
            self.changed_alike(id);
        } else {
            self.clash(id, &Clash { bases: vec![base], source, target });
        }
        Ok(())
    }

    async fn compare_added(&mut self, ends: &Ends<'_>) -> Result<()> {
        let added = std::mem::take(&mut self.added);
        let ids = |side: usize| added.iter().map(|(_, rows)| rows[side]).collect::<Vec<u64>>();
        let mut sources = located_rows(ends.source, &ids(0)).await?;
        let mut targets = located_rows(ends.target, &ids(1)).await?;
        for (id, _) in added {
            let one = |rows: &mut BTreeMap<String, Vec<crate::diff::Located>>| {
                rows.remove(&id).and_then(|mut rows| rows.pop()).map(|found| (found.row, found.address))
            };
            let (source, target) = (one(&mut sources), one(&mut targets));
            if is_equal(source.as_ref(), target.as_ref()) {
                self.changed_alike(id);
            } else {
                self.clash(id, &Clash { bases: vec![None], source, target });
            }
        }
        Ok(())
    }

    fn clash(&mut self, id: String, clash: &Clash) {
        let Clash { bases, source, target } = clash;
        let base = bases.first().and_then(Option::as_ref);
        let (source, target) = (source.as_ref().map(|(row, _)| row), target.as_ref().map(|(row, _)| row));
        let kind = match (base, source, target) {
            (_, None, _) | (_, _, None) => ConflictKind::DeleteVsUpdate,
            (None, Some(_), Some(_)) => ConflictKind::DivergentInsert,
            (Some(_), Some(_), Some(_)) => ConflictKind::DivergentUpdate,
        };
        let (columns, is_cell_mergeable) = cells(bases, source, target);
        let rows = fingerprint([base, source, target]);
        let key = ConflictKey { table: self.table.clone(), kind, id };
        let detail = ConflictDetail::Row { columns, is_cell_mergeable };
        self.conflicts.push(Conflict { key, detail, rows, caused_by: None });
    }

    async fn finish(mut self, way: Way, ends: &Ends<'_>) -> Result<Selected> {
        self.compare_added(ends).await?;
        self.conflicts.sort_by(|a, b| a.key.cmp(&b.key));
        let Self { delta, conflicts, alike, past_rows: past, .. } = self;
        Ok(Selected { delta: delta.finish()?, conflicts, alike, past, way })
    }
}

/// Which row one base selects.
fn pick(source: Option<&Changed>, target: Option<&Changed>) -> Pick {
    match (source, target) {
        (None, _) => Pick::Target,
        (Some(_), None) => Pick::Source,
        (Some(source), Some(target)) => {
            let row = |changed: &Changed| changed.after.as_ref().map(|after| (after.row.clone(), after.address));
            if is_equal(row(source).as_ref(), row(target).as_ref()) { Pick::Target } else { Pick::Clash }
        }
    }
}

type Place = Option<(Row, u64)>;

/// The row of both sides as some base has them compared; none if the source is nowhere different from a base.
fn sides(pairs: &[Pair]) -> Option<(Place, Place)> {
    let of = |changed: &Changed| changed.after.as_ref().map(|after| (after.row.clone(), after.address));
    let was = |changed: &Changed| changed.before.as_ref().map(|before| (before.row.clone(), before.address));
    let source = pairs.iter().find_map(|(source, _)| source.as_deref())?;
    // Where the target does not differ from a base from which the source differs, it has that base's row.
    let target = pairs.iter().find_map(|(_, target)| target.as_deref()).map_or_else(|| was(source), of);
    Some((of(source), target))
}

/// The row of both sides, where at least one of them differs from a state.
fn both_sides(pairs: &[Pair]) -> (Place, Place) {
    let of = |changed: &Changed| changed.after.as_ref().map(|after| (after.row.clone(), after.address));
    let was = |changed: &Changed| changed.before.as_ref().map(|before| (before.row.clone(), before.address));
    let source = pairs.iter().find_map(|(source, _)| source.as_deref());
    let target = pairs.iter().find_map(|(_, target)| target.as_deref());
    // A side that differs from no state has the row that the other one differs from.
    match (source, target) {
        (Some(source), Some(target)) => (of(source), of(target)),
        (Some(source), None) => (of(source), was(source)),
        (None, Some(target)) => (was(target), of(target)),
        (None, None) => (None, None),
    }
}

/// The row of a state from which at least one side differs, with its address there.
fn place_before((source, target): &Pair) -> Place {
    let changed = source.as_deref().or(target.as_deref())?;
    changed.before.as_ref().map(|before| (before.row.clone(), before.address))
}

/// The row of a base from which at least one side differs.
fn before(source: Option<&Changed>, target: Option<&Changed>) -> Option<Row> {
    // A row that only one side has may be read in part; that of an update is whole.
    let whole = |changed: &&Changed| changed.op == RowOp::Updated;
    let both = || [source, target].into_iter().flatten();
    let changed = both().find(whole).or_else(|| both().next())?;
    changed.before.as_ref().map(|before| before.row.clone())
}

fn after(changed: Changed) -> Option<(Row, u64)> {
    changed.after.map(|after| (after.row, after.address))
}

fn is_equal(source: Option<&(Row, u64)>, target: Option<&(Row, u64)>) -> bool {
    match (source, target) {
        (None, None) => true,
        (Some((source, _)), Some((target, _))) => changed_columns(source, target).is_empty(),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Columns in which the sides differ, and whether all bases say of each that one side changed it, and the same one. Where only one
/// side has the row, the columns that it changed in the first base's; where that base has none, those that hold a value.
fn cells(bases: &[Option<Row>], source: Option<&Row>, target: Option<&Row>) -> (Vec<String>, bool) {
    let (Some(source), Some(target)) = (source, target) else {
        let Some(row) = source.or(target) else { return (Vec::new(), false) };
        let none = Row::new(Arc::new([]), Vec::new());
        let base = bases.first().and_then(Option::as_ref).unwrap_or(&none);
        let changed = changed_columns(base, row).into_iter().filter(|column| column != ID);
        return (changed.collect(), false);
    };
    let differing = changed_columns(target, source);
    let changers: Option<Vec<Changers>> =
        bases.iter().map(|base| Some(changers(base.as_ref()?, source, target, &differing))).collect();
    let is_cell_mergeable = changers.is_some_and(|told| {
        told.iter().flatten().all(|by| *by != (true, true)) && told.windows(2).all(|pair| pair[0] == pair[1])
    });
    (differing, is_cell_mergeable)
}

/// By column whether the source and whether the target changed it.
type Changers = Vec<(bool, bool)>;

fn changers(base: &Row, source: &Row, target: &Row, columns: &[String]) -> Changers {
    let (by_source, by_target) = (changed_columns(base, source), changed_columns(base, target));
    columns.iter().map(|column| (by_source.contains(column), by_target.contains(column))).collect()
}

/// Stands for the content of a row in three states.
pub(super) fn fingerprint(rows: [Option<&Row>; 3]) -> String {
    let text = |row: Option<&Row>| row.map_or_else(|| "-".to_owned(), |row| row.to_json().to_string());
    digest(&rows.map(text).join("\n"))
}

/// Stands for a text, in 16 characters.
pub(super) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    let (first, _) = digest.split_first_chunk::<8>().expect("a digest has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn row(cells: &[(&str, i64)]) -> Row {
        let columns = cells.iter().map(|(name, _)| Arc::from(*name)).collect();
        Row::new(columns, cells.iter().map(|(_, value)| Value::Int(*value)).collect())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn cells_can_be_merged_if_no_column_was_changed_by_both_differently() {
        let base = [Some(row(&[("a", 1), ("b", 1), ("c", 1)]))];
        let source = row(&[("a", 2), ("b", 1), ("c", 5)]);
        let target = row(&[("a", 1), ("b", 3), ("c", 5)]);
        assert_eq!(cells(&base, Some(&source), Some(&target)), (names(&["a", "b"]), true));
        let target = row(&[("a", 3), ("b", 1), ("c", 1)]);
        assert_eq!(cells(&base, Some(&source), Some(&target)), (names(&["a", "c"]), false));
        assert_eq!(cells(&[None], Some(&source), Some(&target)), (names(&["a", "c"]), false), "what was not there");
        assert_eq!(cells(&base, Some(&source), None), (names(&["a", "c"]), false), "a row that is gone");
        assert_eq!(cells(&[None], Some(&source), None), (names(&["a", "b", "c"]), false), "all that it holds");
    }

    #[test]
    fn cells_can_be_merged_if_all_bases_say_alike_who_changed_which() {
        let base = |a, b| Some(row(&[("a", a), ("b", b), ("c", a)]));
        let (source, target) = (row(&[("a", 1), ("b", 9), ("c", 4)]), row(&[("a", 2), ("b", 0), ("c", 4)]));
        let told = |bases: &[Option<Row>]| cells(bases, Some(&source), Some(&target));
        assert_eq!(told(&[base(1, 0)]), (names(&["a", "b"]), true));
        assert_eq!(told(&[base(2, 0)]), (names(&["a", "b"]), true));
        assert_eq!(told(&[base(1, 0), base(2, 0)]), (names(&["a", "b"]), false));
        assert_eq!(told(&[base(2, 0), base(1, 0)]), (names(&["a", "b"]), false));
        assert_eq!(told(&[base(2, 0), base(2, 9)]), (names(&["a", "b"]), false));
        assert_eq!(told(&[base(1, 0), base(3, 0)]), (names(&["a", "b"]), false), "one says both did");
        assert_eq!(told(&[base(1, 0), None]), (names(&["a", "b"]), false), "one lacks the row");
        assert_eq!(told(&[base(1, 0), base(1, 0)]), (names(&["a", "b"]), true));
    }

    #[test]
    fn fingerprints_tell_rows_and_sides_apart() {
        let (one, other) = (row(&[("a", 1)]), row(&[("a", 2)]));
        let all = [[Some(&one), None, None], [None, Some(&one), None], [Some(&other), None, None], [None, None, None]];
        let mut prints: Vec<String> = all.map(fingerprint).to_vec();
        assert!(prints.iter().all(|print| print.len() == 16));
        prints.sort();
        prints.dedup();
        assert_eq!(prints.len(), 4);
    }
}
