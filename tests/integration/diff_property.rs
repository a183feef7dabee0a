//! The two ways of comparing a table against each other and against a model, over random histories.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{Int64Array, RecordBatch, RecordBatchIterator, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::optimize::{CompactionOptions, compact_files};
use lance::dataset::{MergeInsertBuilder, WhenMatched, WhenNotMatched, WriteMode, WriteParams};
use proptest::prelude::*;
use stratigraph_engine::diff::{DiffFilter, DiffItem, RowChange, RowOp, Way, table_changes};
use stratigraph_engine::manifest::{ChangeKind, TableChange, TableEntry};
use stratigraph_engine::storage::Storage;
use stratigraph_engine::{BranchName, Progress, TableKey, TableVersion, Value};

/// Rows of a state: id and value, repeated rows included.
type Rows = Vec<(String, Option<i64>)>;

const FOLDER: &str = "nodes/t";

#[derive(Debug, Clone)]
enum Step {
    /// Adds rows without looking whether the id exists.
    Append(Rows),
    /// Updates by id, inserts the rest.
    Merge(Rows),
    Delete(Vec<String>),
    /// Deletes rows and appends them again, unchanged.
    Reinsert(Vec<String>),
    Overwrite(Rows),
    Compact,
    /// Goes back to one of the lineage's own earlier states.
    Restore(prop::sample::Index),
    /// Starts a lineage at one of the states so far and goes on there.
    Fork(prop::sample::Index),
    /// Goes on with one of the lineages.
    Switch(prop::sample::Index),
}

/// One committed state of a lineage and what it must hold.
#[derive(Debug, Clone)]
struct State {
    lineage: Option<String>,
    version: u64,
    rows: Rows,
}

struct World {
    root: tempfile::TempDir,
    states: Vec<State>,
    heads: Vec<(Option<String>, Rows)>,
    current: usize,
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new("someValue", DataType::Int64, true)]))
}

fn batch(rows: &Rows) -> RecordBatch {
    let ids = StringArray::from_iter_values(rows.iter().map(|(id, _)| id));
    let values = rows.iter().map(|(_, value)| *value).collect::<Int64Array>();
    RecordBatch::try_new(schema(), vec![Arc::new(ids), Arc::new(values)]).expect("columns of one length")
}

fn reader(rows: &Rows) -> RecordBatchIterator<std::vec::IntoIter<Result<RecordBatch, arrow::error::ArrowError>>> {
    RecordBatchIterator::new(vec![Ok(batch(rows))].into_iter(), schema())
}

fn params(mode: WriteMode) -> WriteParams {
    WriteParams { mode, enable_stable_row_ids: true, max_rows_per_file: 4, ..WriteParams::default() }
}

impl World {
    async fn new(rows: Rows) -> Result<Self> {
        let mut world =
            Self { root: tempfile::tempdir()?, states: Vec::new(), heads: vec![(None, rows.clone())], current: 0 };
        let uri = world.uri(None);
        let dataset = Dataset::write(reader(&rows), &uri, Some(params(WriteMode::Create))).await?;
        world.states.push(State { lineage: None, version: dataset.version_id(), rows });
        Ok(world)
    }

    fn uri(&self, lineage: Option<&str>) -> String {
        let table = self.root.path().join(FOLDER);
        let folder = lineage.map_or_else(|| table.clone(), |name| table.join("tree").join(name));
        folder.to_string_lossy().into_owned()
    }

    async fn open(&self) -> Result<Dataset> {
        Ok(Dataset::open(&self.uri(self.heads[self.current].0.as_deref())).await?)
    }

    fn record(&mut self, version: u64, rows: Rows) {
        let lineage = self.heads[self.current].0.clone();
        self.heads[self.current].1.clone_from(&rows);
        self.states.push(State { lineage, version, rows });
    }

    async fn apply(&mut self, step: &Step) -> Result<()> {
        let rows = self.heads[self.current].1.clone();
        match step {
            Step::Append(new) => self.append(new, [rows, new.clone()].concat()).await,
            Step::Merge(new) => self.merge(new, rows).await,
            Step::Delete(ids) => {
                let kept = rows.into_iter().filter(|(id, _)| !ids.contains(id)).collect();
                self.delete(ids, kept).await
            }
            Step::Reinsert(ids) => {
                let (again, kept): (Rows, Rows) = rows.into_iter().partition(|(id, _)| ids.contains(id));
                self.delete(ids, kept.clone()).await?;
                self.append(&again, [kept, again.clone()].concat()).await
            }
            Step::Overwrite(new) => {
                let uri = self.uri(self.heads[self.current].0.as_deref());
                let dataset = Dataset::write(reader(new), &uri, Some(params(WriteMode::Overwrite))).await?;
                self.record(dataset.version_id(), new.clone());
                Ok(())
            }
            Step::Compact => {
                let mut dataset = self.open().await?;
                let options = CompactionOptions { target_rows_per_fragment: 100, ..CompactionOptions::default() };
                compact_files(&mut dataset, options, None).await?;
                self.record(dataset.version_id(), rows);
                Ok(())
            }
            Step::Restore(index) => self.restore(*index).await,
            Step::Fork(index) => self.fork(*index).await,
            Step::Switch(index) => {
                self.current = index.index(self.heads.len());
                Ok(())
            }
        }
    }

    async fn append(&mut self, new: &Rows, rows: Rows) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let mut dataset = self.open().await?;
        dataset.append(reader(new), Some(params(WriteMode::Append))).await?;
        self.record(dataset.version_id(), rows);
        Ok(())
    }

    /// Merges only where ids are unique: a merge into repeated ids is refused by every writer of graphs.
    async fn merge(&mut self, new: &Rows, rows: Rows) -> Result<()> {
        let unique: BTreeSet<&String> = rows.iter().map(|(id, _)| id).collect();
        if unique.len() != rows.len() || new.is_empty() {
            return Ok(());
        }
        let new: BTreeMap<String, Option<i64>> = new.iter().cloned().collect();
        let source: Rows = new.clone().into_iter().collect();
        let mut builder = MergeInsertBuilder::try_new(Arc::new(self.open().await?), vec!["id".to_owned()])?;
        builder.when_matched(WhenMatched::UpdateAll).when_not_matched(WhenNotMatched::InsertAll);
        let (dataset, _) = builder.try_build()?.execute_reader(reader(&source)).await?;
        let mut merged: BTreeMap<String, Option<i64>> = rows.into_iter().collect();
        merged.extend(new);
        self.record(dataset.version_id(), merged.into_iter().collect());
        Ok(())
    }

    async fn delete(&mut self, ids: &[String], kept: Rows) -> Result<()> {
        let list: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
        let mut dataset = self.open().await?;
        dataset.delete(&format!("id IN ({})", list.join(", "))).await?;
        self.record(dataset.version_id(), kept);
        Ok(())
    }

    async fn restore(&mut self, index: prop::sample::Index) -> Result<()> {
        let lineage = self.heads[self.current].0.clone();
        let own: Vec<State> = self.states.iter().filter(|state| state.lineage == lineage).cloned().collect();
        if own.is_empty() {
            return Ok(());
        }
        let target = &own[index.index(own.len())];
        let mut dataset = self.open().await?.checkout_version(target.version).await?;
        dataset.restore().await?;
        self.record(dataset.version_id(), target.rows.clone());
        Ok(())
    }

    async fn fork(&mut self, index: prop::sample::Index) -> Result<()> {
        let origin = self.states[index.index(self.states.len())].clone();
        let name = format!("b{}", self.heads.len());
        let mut dataset = Dataset::open(&self.uri(origin.lineage.as_deref())).await?;
        dataset.create_branch(&name, origin.version, None).await?;
        self.heads.push((Some(name.clone()), origin.rows.clone()));
        self.current = self.heads.len() - 1;
        self.states.push(State { lineage: Some(name), ..origin });
        Ok(())
    }
}

fn entry(state: &State) -> TableEntry {
    TableEntry {
        key: "node:T".parse::<TableKey>().expect("a key"),
        path: FOLDER.into(),
        version: TableVersion::new(state.version),
        lineage: state.lineage.as_deref().map(|name| BranchName::from_stored(Some(name))),
        rows: state.rows.len() as u64,
    }
}

async fn changes(world: &World, from: &State, to: &State, way: Option<Way>) -> Result<(Vec<RowChange>, Way)> {
    let storage = Storage::connect(&world.root.path().to_string_lossy())?;
    let (from, to) = (entry(from), entry(to));
    let change = TableChange { key: from.key.clone(), kind: ChangeKind::Changed, from: Some(from), to: Some(to) };
    let items = table_changes(&storage, vec![change], DiffFilter::default(), way, &Progress::none());
    let items: Vec<DiffItem> = items.try_collect().await?;
    let mut rows = Vec::new();
    let mut taken = None;
    for item in items {
        match item {
            DiffItem::Row(change) => rows.push(*change),
            DiffItem::Table(totals) => {
                let count = |op| rows.iter().filter(|change: &&RowChange| change.op == op).count() as u64;
                assert_eq!(totals.inserted, count(RowOp::Inserted));
                assert_eq!(totals.updated, count(RowOp::Updated));
                assert_eq!(totals.deleted, count(RowOp::Deleted));
                taken = Some(totals.way);
            }
        }
    }
    Ok((rows, taken.expect("every table has totals")))
}

/// How often each row is lost and gained, per id, from the states alone.
type Balance = BTreeMap<(String, Option<i64>), i64>;

fn expected(from: &State, to: &State) -> Balance {
    let mut balance = Balance::new();
    for row in &to.rows {
        *balance.entry(row.clone()).or_default() += 1;
    }
    for row in &from.rows {
        *balance.entry(row.clone()).or_default() -= 1;
    }
    balance.retain(|_, count| *count != 0);
    balance
}

fn found(changes: &[RowChange]) -> Balance {
    let mut balance = Balance::new();
    for change in changes {
        for (row, sign) in [(&change.before, -1), (&change.after, 1)] {
            let Some(row) = row else { continue };
            let value = match row.get("someValue") {
                Some(Value::Int(value)) => Some(*value),
                Some(Value::Null) => None,
                other => panic!("unexpected cell {other:?}"),
            };
            assert_eq!(row.get("id").and_then(Value::as_text), Some(change.id.as_str()));
            *balance.entry((change.id.clone(), value)).or_default() += sign;
        }
    }
    balance.retain(|_, count| *count != 0);
    balance
}

async fn check(world: &World, from: &State, to: &State, deltas: &mut usize) -> Result<()> {
    let (walked, way) = changes(world, from, to, Some(Way::Walk)).await?;
    assert_eq!(way, Way::Walk);
    assert!(walked.is_sorted_by_key(|change| change.id.clone()), "ordered by id");
    assert_eq!(found(&walked), expected(from, to), "walk, {from:?} to {to:?}");
    let mut updates = walked.iter().filter(|change| change.op == RowOp::Updated);
    assert!(updates.all(|change| change.columns == ["someValue"]));
    let (fast, way) = changes(world, from, to, None).await?;
    assert_eq!(fast, walked, "{way:?} against the walk, {from:?} to {to:?}");
    *deltas += usize::from(way == Way::Delta);
    Ok(())
}

async fn run(first: Rows, steps: Vec<Step>, pairs: Vec<(prop::sample::Index, prop::sample::Index)>) -> Result<usize> {
    let mut world = World::new(first).await?;
    for step in &steps {
        world.apply(step).await?;
    }
    let mut deltas = 0;
    for (from, to) in pairs {
        let (from, to) = (from.index(world.states.len()), to.index(world.states.len()));
        check(&world, &world.states[from], &world.states[to], &mut deltas).await?;
    }
    Ok(deltas)
}

fn id() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "d", "e", "f", "é"]).prop_map(str::to_owned)
}

fn rows(size: std::ops::Range<usize>) -> impl Strategy<Value = Rows> {
    prop::collection::vec((id(), prop::option::of(0_i64..3)), size)
}

fn unique_rows() -> impl Strategy<Value = Rows> {
    prop::collection::btree_map(id(), prop::option::of(0_i64..3), 1..6).prop_map(|rows| rows.into_iter().collect())
}

fn step() -> impl Strategy<Value = Step> {
    let ids = || prop::collection::vec(id(), 1..4);
    prop_oneof![
        2 => rows(1..3).prop_map(Step::Append),
        4 => unique_rows().prop_map(Step::Merge),
        3 => ids().prop_map(Step::Delete),
        1 => ids().prop_map(Step::Reinsert),
        1 => unique_rows().prop_map(Step::Overwrite),
        2 => Just(Step::Compact),
        1 => any::<prop::sample::Index>().prop_map(Step::Restore),
        2 => any::<prop::sample::Index>().prop_map(Step::Fork),
        1 => any::<prop::sample::Index>().prop_map(Step::Switch),
    ]
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_and_the_model_agree(
        first in unique_rows(),
        steps in prop::collection::vec(step(), 1..9),
        pairs in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 4..7),
    ) {
        block_on(run(first, steps, pairs)).unwrap();
    }
}

/// The delta must not quietly fall back to the walk where metadata is enough.
#[test]
fn shared_histories_are_compared_by_delta() -> Result<()> {
    block_on(async {
        let rows = |ids: &[&str], value| ids.iter().map(|id| ((*id).to_owned(), Some(value))).collect::<Rows>();
        let mut world = World::new(rows(&["a", "b", "c", "d", "e"], 0)).await?;
        for step in [Step::Merge(rows(&["b", "f"], 1)), Step::Delete(vec!["d".into()]), Step::Compact] {
            world.apply(&step).await?;
        }
        let mut dataset = Dataset::open(&world.uri(None)).await?;
        let fork = world.states[1].clone();
        dataset.create_branch("side", fork.version, None).await?;
        world.heads.push((Some("side".into()), fork.rows.clone()));
        world.states.push(State { lineage: Some("side".into()), ..fork });
        world.current = 1;
        world.apply(&Step::Merge(rows(&["a"], 2))).await?;
        let mut deltas = 0;
        for from in &world.states {
            for to in &world.states {
                check(&world, from, to, &mut deltas).await?;
            }
        }
        assert_eq!(deltas, world.states.len().pow(2), "all pairs share a history");
        Ok(())
    })
}
