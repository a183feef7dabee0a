//! What a merge would do, without writing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::bases::{Place, RowOrigin, same};
use super::classify::{Adopt, Placement, classify};
use super::conflict::{Conflict, ConflictDetail, ConflictKey, MergeHeads, Side};
use super::delta::Delta;
use super::error::MergeError;
use super::lookup::{Stand, ThreeTables, open};
use super::past::PastRows;
use super::picked::{Settled, TableRows};
use super::rows::{Changes, Ends, Past, Selected, digest, fingerprint, select};
use super::states::{self, States};
use super::validate::{self, Found, Target};
use super::{MergeOutcome, MergeWay, TableMerge};
use crate::diff::{Detail, DiffFilter, Way, compared};
use crate::error::Result;
use crate::graph::Graph;
use crate::id::{BranchName, CommitId, TableKey};
use crate::manifest::{ChangeKind, TableChange, TableEntry};
use crate::progress::Progress;
use crate::storage::Storage;

/// A merge as it would be done. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MergePlan {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) uri: String,
    pub(super) states: States,
    /// Tables of which rows may have to be written, by key.
    pub(super) changes: BTreeMap<TableKey, Change>,
    tables: Vec<TableMerge>,
    /// Conflicts with rules come after those of rows of the same table and kind order.
    conflicts: Vec<Conflict>,
    pub(super) relied_on: BTreeSet<TableKey>,
}

/// One table that changes.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) placement: Placement,
    pub(super) delta: Delta,
    way: Way,
    /// Rows that both sides changed alike; more than a note names are not all there.
    pub(super) alike: BTreeSet<String>,
    /// The rows of the last common commit that conflicts are about, if it is told row by row.
    past: Option<PastRows>,
}

impl MergePlan {
    /// The branch that is merged.
    #[must_use]
    pub fn source(&self) -> &BranchName {
        &self.inner.states.source.branch
    }

    /// The branch that is merged into.
    #[must_use]
    pub fn target(&self) -> &BranchName {
        &self.inner.states.target.branch
    }

    /// What the merge comes to.
    #[must_use]
    pub fn outcome(&self) -> MergeOutcome {
        self.inner.states.outcome
    }

    /// The heads, and the last common commit.
    #[must_use]
    pub fn heads(&self) -> MergeHeads {
        self.inner.states.heads
    }

    /// Further last common commits, if the histories were merged crosswise. A row is taken over without asking only if all of them
    /// agree on it.
    #[must_use]
    pub fn other_bases(&self) -> &[CommitId] {
        &self.inner.states.other_bases
    }

    /// Commits that one side merged and that went with their branches, and of which no merge noted what they descend from. The sides
    /// may have more in common than the last common commit that is known: a row that one side deleted since may come back.
    #[must_use]
    pub fn unknown_commits(&self) -> &[CommitId] {
        &self.inner.states.unknown
    }

    /// Every table of the graph, in order of keys. Rows with conflicts are counted as staying as they are on the target.
    #[must_use]
    pub fn tables(&self) -> &[TableMerge] {
        &self.inner.tables
    }

    /// Everything that has to be decided, in order of table, kind and id.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.inner.conflicts
    }

    /// The states of a table.
    pub(super) fn entries(&self, key: &TableKey) -> [(Side, Option<Stand<'_>>); 3] {
        let states = &self.inner.states;
        let base = match states.bases.places(key).into_iter().next() {
            Some(Place::Entry(entry)) => entry.map(Stand::Entry),
            Some(Place::Rows(_)) => {
                let past = self.inner.changes.get(key).and_then(|change| change.past.as_ref());
                past.map(Stand::Rows)
            }
            None => None,
        };
        let (source, target) = (states.source.entries.get(key), states.target.entries.get(key));
        [(Side::Base, base), (Side::Source, source.map(Stand::Entry)), (Side::Target, target.map(Stand::Entry))]
    }

    /// The states of a table in the last common commits but the first, where they differ from it; none where it was not there, and
    /// where they are told row by row.
    pub(super) fn other_base_entries(&self, key: &TableKey) -> Vec<Option<&TableEntry>> {
        let places = self.inner.states.bases.places(key);
        let is_told = matches!(places.first(), Some(Place::Rows(_)));
        let mut entries = places.into_iter().map(|place| place.whole().flatten());
        let first = entries.next().flatten();
        entries.filter(|entry| is_told || !same(first, *entry)).collect()
    }

    /// The rows of the tables as the merge would write them, with what was decided about some.
    pub(super) async fn rows(
        &self,
        graph: &Graph,
        mut settled: BTreeMap<TableKey, Settled>,
    ) -> Result<BTreeMap<TableKey, TableRows>> {
        let mut keys: HashSet<TableKey> = self.inner.changes.keys().cloned().collect();
        keys.extend(settled.keys().cloned());
        let mut tables = BTreeMap::new();
        for key in keys {
            let settled = settled.remove(&key).unwrap_or_default();
            let sides = ThreeTables::open(graph.storage(), self.entries(&key)).await?;
            let kind = graph.schema().catalog().table(&key).expect("a table of the schema");
            let delta = match self.inner.changes.get(&key) {
                Some(change) => change.delta.clone(),
                None => Delta::none()?,
            };
            let rows = TableRows {
                tables: Arc::new(sides.into_tables()),
                schema: Arc::new(kind.arrow_schema()),
                delta,
                settled: Arc::new(settled),
            };
            tables.insert(key, rows);
        }
        Ok(tables)
    }

    /// What happens to every table if these rows are written and these conflicts are open.
    pub(super) async fn summary(
        &self,
        rows: &BTreeMap<TableKey, TableRows>,
        open: &[Conflict],
    ) -> Result<Vec<TableMerge>> {
        let inner = &self.inner;
        summary(&inner.states, &inner.changes, rows, open).await
    }
}

/// How a table is written: what the plan says, unless decisions changed rows of a state that would be taken over as it is.
pub(super) fn placed(placement: Placement, settled: &Settled) -> Placement {
    match placement {
        Placement::Adopt(Adopt::Pointer | Adopt::Fork) if !settled.ids.is_empty() => Placement::Adopt(Adopt::Delta),
        placement => placement,
    }
}

/// Plans a merge. `way` forces how rows are compared; none takes the cheaper one.
pub(crate) async fn plan(
    graph: &Graph,
    source: &BranchName,
    target: &BranchName,
    way: Option<Way>,
    progress: &Progress,
) -> Result<MergePlan> {
    progress.phase(1, 3, "find the last common commit");
    let states = states::find(graph, source, target).await?;
    progress.phase(2, 3, "compare the rows");
    let mut changes = BTreeMap::new();
    let mut conflicts = Vec::new();
    if states.outcome != MergeOutcome::AlreadyUpToDate {
        check_tables(&states)?;
        for key in states.target.entries.keys() {
            progress.check()?;
            progress.message(key.to_string());
            if let Some((change, found)) = Box::pin(compare(graph, &states, key, way, progress)).await? {
                changes.insert(key.clone(), change);
                conflicts.extend(found);
            }
        }
    }
    let inner = Inner {
        uri: graph.uri().to_owned(),
        states,
        changes,
        tables: Vec::new(),
        conflicts,
        relied_on: BTreeSet::new(),
    };
    progress.phase(3, 3, "check the rules");
    Box::pin(with_rules(graph, MergePlan { inner: Arc::new(inner) }, progress)).await
}

/// Every table is on both sides.
fn check_tables(states: &States) -> Result<(), MergeError> {
    let (source, target) = (&states.source, &states.target);
    for (state, other) in [(source, target), (target, source)] {
        if let Some(table_key) = state.entries.keys().find(|key| !other.entries.contains_key(key)) {
            return Err(MergeError::MissingTable { branch: other.branch.clone(), table_key: table_key.clone() });
        }
    }
    Ok(())
}

/// Compares a table; none if the target has what it should have.
async fn compare(
    graph: &Graph,
    states: &States,
    key: &TableKey,
    way: Option<Way>,
    progress: &Progress,
) -> Result<Option<(Change, Vec<Conflict>)>> {
    let (source, target) = (&states.source.entries[key], &states.target.entries[key]);
    let places = states.bases.places(key);
    let Some(mut bases) = places.iter().map(Place::whole).collect::<Option<Vec<Option<&TableEntry>>>>() else {
        return compare_told(graph, (source, target), key, places, way, progress).await;
    };
    let placement = classify(&bases, source, target, &states.target.branch, &states.ancestors);
    if placement == Placement::Untouched {
        return Ok(None);
    }
    bases.dedup_by(|a, b| same(*a, *b));
    // With several bases rows are told apart that are on one side only.
    let detail = if bases.len() == 1 { Detail::BothSides } else { Detail::All };
    let sides = Sides { storage: graph.storage(), key, source, target, way, detail, progress };
    let Selected { delta, conflicts, way, alike, past: _ } = sides.select(&bases, Past::Common).await?;
    Ok(Some((Change { placement, delta, way, alike, past: None }, conflicts)))
}

/// As [`compare`], where a last common commit is told row by row from several versions of the table.
async fn compare_told(
    graph: &Graph,
    (source, target): (&TableEntry, &TableEntry),
    key: &TableKey,
    places: Vec<Place<'_>>,
    way: Option<Way>,
    progress: &Progress,
) -> Result<Option<(Change, Vec<Conflict>)>> {
    if source.same_state(target) {
        return Ok(None);
    }
    let commits: Vec<RowOrigin<'_>> = places.into_iter().map(Place::into_origin).collect();
    let mut versions: Vec<Option<&TableEntry>> = Vec::new();
    for entry in commits.iter().flat_map(RowOrigin::entries) {
        if !versions.iter().any(|version| same(*version, entry)) {
            versions.push(entry);
        }
    }
    let sides = Sides { storage: graph.storage(), key, source, target, way, detail: Detail::All, progress };
    let past = Past::Told { versions: &versions, commits: &commits };
    let Selected { delta, conflicts, way, alike, past } = sides.select(&versions, past).await?;
    let kind = graph.schema().catalog().table(key).expect("a table of the schema");
    let past = Some(PastRows::read(graph.storage(), kind, &versions, past).await?);
    Ok(Some((Change { placement: Placement::ThreeWay, delta, way, alike, past }, conflicts)))
}

/// One table on both sides, and how its rows are compared with those of states of the past.
struct Sides<'c> {
    storage: &'c Storage,
    key: &'c TableKey,
    source: &'c TableEntry,
    target: &'c TableEntry,
    way: Option<Way>,
    detail: Detail,
    progress: &'c Progress,
}

impl Sides<'_> {
    async fn select(&self, versions: &[Option<&TableEntry>], past: Past<'_>) -> Result<Selected> {
        let since = |version: Option<&TableEntry>, to: &TableEntry| {
            let change = TableChange {
                key: self.key.clone(),
                kind: if version.is_some() { ChangeKind::Changed } else { ChangeKind::Added },
                from: version.cloned(),
                to: Some(to.clone()),
            };
            compared(self.storage, vec![change], DiffFilter::default(), self.way, self.detail, self.progress)
        };
        let changes = versions.iter().map(|version| Changes {
            source: since(*version, self.source),
            target: (!version.is_some_and(|version| version.same_state(self.target)))
                .then(|| since(*version, self.target)),
        });
        let changes = changes.collect();
        let (source, target) = (open(self.storage, self.source).await?, open(self.storage, self.target).await?);
        let ends = Ends { source: &source, target: &target };
        select(self.key, changes, past, &ends, self.progress).await
    }
}

/// Adds the conflicts with rules, and counts.
async fn with_rules(graph: &Graph, plan: MergePlan, progress: &Progress) -> Result<MergePlan> {
    let rows = plan.rows(graph, BTreeMap::new()).await?;
    let undecided = plan.conflicts().iter().map(|it| (it.key.table.clone(), it.key.id.clone())).collect();
    let Found { conflicts: mut broken, relied_on } = validate_rows(graph, &plan, &rows, &undecided, progress).await?;
    mark(graph, &plan, &mut broken).await?;
    let mut conflicts = plan.conflicts().to_vec();
    conflicts.extend(broken);
    conflicts.sort_by(|a, b| a.key.cmp(&b.key));
    let tables = plan.summary(&rows, &conflicts).await?;
    let mut inner = Arc::into_inner(plan.inner).expect("nobody else has the plan yet");
    inner.tables = tables;
    inner.conflicts = conflicts;
    inner.relied_on = relied_on;
    Ok(MergePlan { inner: Arc::new(inner) })
}

/// What rules say of the target with these rows written to it.
pub(super) async fn validate_rows(
    graph: &Graph,
    plan: &MergePlan,
    rows: &BTreeMap<TableKey, TableRows>,
    undecided: &HashSet<(TableKey, String)>,
    progress: &Progress,
) -> Result<Found> {
    let target = Target {
        storage: graph.storage(),
        catalog: graph.schema().catalog(),
        entries: &plan.inner.states.target.entries,
    };
    validate::validate(&target, rows, undecided, progress).await
}

/// Gives conflicts with rules the fingerprints of their rows and of what is wrong with them. Conflicts of one key that are found at
/// once have one fingerprint, so that a decision about some of them does not hold for another one that comes later.
pub(super) async fn mark(graph: &Graph, plan: &MergePlan, conflicts: &mut [Conflict]) -> Result<()> {
    let prints = Prints::of(graph, plan, conflicts).await?;
    let mut of_key: HashMap<ConflictKey, Vec<String>> = HashMap::new();
    for conflict in conflicts.iter() {
        of_key.entry(conflict.key.clone()).or_default().push(prints.own(conflict));
    }
    for conflict in conflicts {
        let of_all = of_key.get_mut(&conflict.key).expect("every conflict has a print");
        of_all.sort_unstable();
        conflict.rows = match of_all.as_slice() {
            [only] => only.clone(),
            several => digest(&several.join("\n")),
        };
    }
    Ok(())
}

/// Fingerprints of all rows that conflicts are about.
struct Prints {
    /// By table and id.
    rows: HashMap<(TableKey, String), String>,
    /// The edges of nodes that have too many or too few, by table and node.
    edges: BTreeMap<TableKey, BTreeMap<String, BTreeSet<String>>>,
}

impl Prints {
    async fn of(graph: &Graph, plan: &MergePlan, conflicts: &[Conflict]) -> Result<Self> {
        let (mut ids, mut nodes): (HashMap<TableKey, BTreeSet<String>>, BTreeMap<TableKey, HashSet<String>>) =
            Default::default();
        for Conflict { key, detail, .. } in conflicts {
            if let ConflictDetail::Cardinality { .. } = detail {
                nodes.entry(key.table.clone()).or_default().insert(key.id.clone());
                continue;
            }
            ids.entry(key.table.clone()).or_default().insert(key.id.clone());
            match detail {
                ConflictDetail::Unique { other, .. } => {
                    ids.entry(key.table.clone()).or_default().insert(other.clone());
                }
                ConflictDetail::Orphan { node, end, .. } => {
                    ids.entry(node.clone()).or_default().insert(end.clone());
                }
                ConflictDetail::Row { .. } | ConflictDetail::Value { .. } | ConflictDetail::Cardinality { .. } => {}
            }
        }
        let mut edges = BTreeMap::new();
        for (key, nodes) in nodes {
            let of_nodes = ThreeTables::open(graph.storage(), plan.entries(&key)).await?.edges(&nodes).await?;
            ids.entry(key.clone()).or_default().extend(of_nodes.values().flatten().cloned());
            edges.insert(key, of_nodes);
        }
        let mut rows = HashMap::new();
        for (key, ids) in ids {
            let tables = ThreeTables::open(graph.storage(), plan.entries(&key)).await?;
            for row in tables.rows(&key, &Vec::from_iter(ids)).await? {
                let print = fingerprint([row.base.as_ref(), row.source.as_ref(), row.target.as_ref()]);
                rows.insert((row.table, row.id), print);
            }
        }
        Ok(Self { rows, edges })
    }

    /// The fingerprint of a conflict as if it were the only one of its key: of every row that a decision about it may write or
    /// take away.
    fn own(&self, conflict: &Conflict) -> String {
        let key = &conflict.key;
        let row = |table: &TableKey, id: &str| {
            self.rows.get(&(table.clone(), id.to_owned())).map(String::as_str).unwrap_or_default()
        };
        match &conflict.detail {
            ConflictDetail::Cardinality { count, .. } => {
                let edges = self.edges.get(&key.table).and_then(|nodes| nodes.get(&key.id)).into_iter().flatten();
                let prints = edges.map(|edge| format!("{edge} {}", row(&key.table, edge)));
                digest(&std::iter::once(format!("{count} edges")).chain(prints).collect::<Vec<_>>().join("\n"))
            }
            ConflictDetail::Unique { other, .. } => row(&key.table, &key.id).to_owned() + row(&key.table, other),
            ConflictDetail::Orphan { role, node, end } => {
                digest(&[row(&key.table, &key.id), role, &node.to_string(), end, row(node, end)].join("\n"))
            }
            ConflictDetail::Row { .. } | ConflictDetail::Value { .. } => row(&key.table, &key.id).to_owned(),
        }
    }
}

async fn summary(
    states: &States,
    changes: &BTreeMap<TableKey, Change>,
    rows: &BTreeMap<TableKey, TableRows>,
    open: &[Conflict],
) -> Result<Vec<TableMerge>> {
    let mut tables = Vec::with_capacity(states.target.entries.len());
    for key in states.target.entries.keys() {
        let change = changes.get(key);
        let (counts, settled) = match rows.get(key) {
            Some(rows) => (rows.counts().await?, Some(&rows.settled)),
            None => (super::delta::Counts::default(), None),
        };
        let conflicts = open.iter().filter(|conflict| conflict.key.table == *key).count() as u64;
        let placement = change.map_or(Placement::Adopt(Adopt::Delta), |change| match settled {
            Some(settled) => placed(change.placement, settled),
            None => change.placement,
        });
        let way = match placement {
            Placement::Adopt(Adopt::Pointer) => MergeWay::Pointer,
            Placement::Adopt(Adopt::Fork) => MergeWay::Fork,
            Placement::ThreeWay if counts.total() > 0 || conflicts > 0 => MergeWay::Rewrite,
            Placement::Adopt(Adopt::Delta) if counts.total() > 0 => MergeWay::Delta,
            Placement::Untouched | Placement::ThreeWay | Placement::Adopt(Adopt::Delta) => MergeWay::Untouched,
        };
        tables.push(TableMerge {
            key: key.clone(),
            way,
            appends: counts.appends,
            upserts: counts.updates,
            deletes: counts.deletes,
            compared: change.map(|change| change.way),
            conflicts,
        });
    }
    Ok(tables)
}
