//! Every writer comes to the same verdict on the same state before and after, and that of a model, for every rule of a schema.
//!
//! A case is a state that keeps the rules and one to make of it, which may break some. Loads of every mode, a mutation and a merge
//! try it, each on a branch of its own, as far as they have a way to say it.

mod model;
mod text;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Cursor;

use anyhow::{Context, Result, bail, ensure};
use futures::TryStreamExt;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Map, Value};
use stratigraph_engine::load::{Input, LoadMode, LoadRequest, TableFile};
use stratigraph_engine::merge::MergeDecisions;
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{At, Error, ErrorKind, Progress, ReadOptions};
use stratigraph_tests::graph::{TestGraph, branch};

use model::{Case, Id, State, TABLES, Table, any_case, broken, difference};
use text::{mismatch, record, statements};

/// Each is a run of its own.
const SEEDS: [u64; 3] = [1, 7, 2026];
/// Cases of one run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 16;

/// How a state is made of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Writer {
    Append,
    MergeLoad,
    /// The tables that differ.
    Overwrite,
    OverwriteAll,
    Mutation,
    Merge,
}

const WRITERS: [Writer; 6] =
    [Writer::Append, Writer::MergeLoad, Writer::Overwrite, Writer::OverwriteAll, Writer::Mutation, Writer::Merge];

/// How often each writer took and refused a change, and how often each rule was broken.
#[derive(Debug, Default)]
struct Tally {
    /// Refused, and taken.
    verdicts: BTreeMap<Writer, [u32; 2]>,
    rules: BTreeMap<&'static str, u32>,
}

struct World {
    made: TestGraph,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Result<Self> {
        Ok(Self { made: TestGraph::new(model::SCHEMA).await?, folder: tempfile::tempdir()? })
    }

    async fn load(&self, mode: LoadMode, on: &str, rows: &[(Id, &model::Row)], empty: &[Table]) -> Result<(), Error> {
        let records: String = rows.iter().map(|(id, row)| record(*id, row)).collect();
        let mut inputs = Vec::new();
        if !records.is_empty() {
            inputs.push(Input { name: "records".to_owned(), reader: Box::new(Cursor::new(records)) });
        }
        for table in empty {
            let file = table.empty_file(self.folder.path()).expect("a file can be written");
            let reader = Box::new(TableFile::new(table.name(), file));
            inputs.push(Input { name: table.name().to_owned(), reader });
        }
        let request = LoadRequest { mode, branch: branch(on), actor: None, inputs };
        Box::pin(self.made.graph.load(request, &Progress::none())).await.map(drop)
    }

    /// Replaces all rows of some tables.
    async fn overwrite(&self, on: &str, state: &State, tables: &[Table]) -> Result<(), Error> {
        let rows: Vec<_> = state.iter().filter(|(id, _)| tables.contains(&id.0)).map(|(id, row)| (*id, row)).collect();
        let is_empty = |table: &Table| !rows.iter().any(|(id, _)| id.0 == *table);
        let empty: Vec<Table> = tables.iter().copied().filter(is_empty).collect();
        self.load(LoadMode::Overwrite, on, &rows, &empty).await
    }

    async fn mutate(&self, on: &str, body: &str) -> Result<(), Error> {
        let text = format!("query q() {{\n{body}\n}}");
        let request = MutateRequest { branch: branch(on), actor: None, text, name: None, params: Map::new() };
        Box::pin(self.made.graph.mutate(request, &Progress::none())).await.map(drop)
    }

    /// Whether a branch was merged; if not, its conflicts are the reason.
    async fn merge(&self, source: &str, target: &str) -> Result<bool, Error> {
        let (source, target) = (branch(source), branch(target));
        let plan = Box::pin(self.made.graph.merge_plan(&source, &target, &Progress::none())).await?;
        if !plan.conflicts().is_empty() {
            return Ok(false);
        }
        let decisions = MergeDecisions::none(&source, &target, plan.heads());
        Box::pin(self.made.graph.merge(&plan, &decisions, None, &Progress::none())).await.map(|_| true)
    }

    /// Lets a writer try; none if it has no way to say it.
    async fn attempt(&self, writer: Writer, on: &str, case: &Case) -> Result<Option<bool>> {
        let Case { base, before, source, after } = case;
        let changes = difference(before, after);
        let is_gone = changes.values().any(|(_, gone)| !gone.is_empty());
        let written: Vec<_> = changes.values().flat_map(|(written, _)| written).map(|id| (*id, &after[id])).collect();
        let done = match writer {
            Writer::Append if is_gone || written.iter().any(|(id, _)| before.contains_key(id)) => return Ok(None),
            Writer::MergeLoad if is_gone => return Ok(None),
            Writer::Append => self.load(LoadMode::Append, on, &written, &[]).await,
            Writer::MergeLoad => self.load(LoadMode::Merge, on, &written, &[]).await,
            Writer::Overwrite => {
                let tables: Vec<Table> = changes.keys().copied().collect();
                self.overwrite(on, after, &tables).await
            }
            Writer::OverwriteAll => self.overwrite(on, after, &TABLES).await,
            Writer::Mutation => match statements(before, after) {
                Some(body) => self.mutate(on, &body).await,
                None => return Ok(None),
            },
            Writer::Merge if !broken(base, source).is_empty() => return Ok(None),
            Writer::Merge => {
                let from = format!("{on}-source");
                self.made.branch(&from, "main").await?;
                let tables: Vec<Table> = difference(base, source).into_keys().collect();
                self.overwrite(&from, source, &tables).await.context("the source keeps the rules")?;
                return self.merge(&from, on).await.map(Some).context("the merge");
            }
        };
        match done {
            Ok(()) => Ok(Some(true)),
            Err(error) if error.kind() == ErrorKind::Invalid => Ok(Some(false)),
            Err(error) => Err(error.into()),
        }
    }

    async fn rows(&self, on: &str) -> Result<BTreeMap<Table, Vec<Value>>> {
        let graph = &self.made.graph;
        let snapshot = graph.snapshot(&At::Branch(branch(on))).await?;
        let mut tables = BTreeMap::new();
        for table in TABLES {
            let key = snapshot.table(table.name())?.key.clone();
            let batches: Vec<_> = graph.read(&snapshot, &key, &ReadOptions::default()).await?.try_collect().await?;
            let rows = batches.iter().flat_map(|batch| {
                let columns = stratigraph_engine::Row::columns_of(batch);
                (0..batch.num_rows())
                    .map(move |row| stratigraph_engine::Row::from_batch(&columns, batch, row).to_json())
            });
            tables.insert(table, rows.collect());
        }
        Ok(tables)
    }
}

async fn run(case: &Case, tally: &RefCell<Tally>) -> Result<()> {
    let Case { base, before, after, .. } = case;
    if before == after {
        return Ok(());
    }
    let world = World::new().await?;
    if !base.is_empty() {
        let rows: Vec<_> = base.iter().map(|(id, row)| (*id, row)).collect();
        world.load(LoadMode::Append, "main", &rows, &[]).await.context("the base keeps the rules")?;
    }
    world.made.branch("target", "main").await?;
    let tables: Vec<Table> = difference(base, before).into_keys().collect();
    if !tables.is_empty() {
        world.overwrite("target", before, &tables).await.context("the target keeps the rules")?;
    }
    let reasons = broken(before, after);
    for rule in reasons.iter().map(|(rule, _)| *rule).collect::<std::collections::BTreeSet<_>>() {
        *tally.borrow_mut().rules.entry(rule).or_default() += 1;
    }
    for writer in WRITERS {
        let on = format!("{writer:?}");
        world.made.branch(&on, "target").await?;
        let Some(taken) = world.attempt(writer, &on, case).await.with_context(|| on.clone())? else { continue };
        tally.borrow_mut().verdicts.entry(writer).or_default()[usize::from(taken)] += 1;
        ensure!(taken == reasons.is_empty(), "{on}: taken {taken}, and broken is {reasons:?}");
        let expected = if taken { after } else { before };
        if let Some(wrong) = mismatch(&world.rows(&on).await?, expected) {
            bail!("{on}: {wrong}");
        }
    }
    Ok(())
}

#[test]
#[expect(clippy::print_stderr, reason = "the summary of the run, for whoever asks for the output")]
fn all_writers_come_to_the_verdict_of_the_model() {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let tally = RefCell::new(Tally::default());
    for seed in SEEDS {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config { cases, max_shrink_iters: 100, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let checked = runner.run(&any_case(), |case| {
            let done = runtime.block_on(Box::pin(run(&case, &tally)));
            done.map_err(|error| TestCaseError::fail(format!("{error:#}")))
        });
        checked.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    let tally = tally.into_inner();
    eprintln!("{} x {cases} cases: {tally:?}", SEEDS.len());
    if cases >= CASES {
        for writer in WRITERS {
            let verdicts = tally.verdicts.get(&writer).copied().unwrap_or_default();
            assert!(verdicts.iter().all(|count| *count > 0), "{writer:?} refused and took {verdicts:?}");
        }
        for rule in ["card", "end", "unique", "check", "enum", "range", "required"] {
            assert!(tally.rules.contains_key(rule), "{rule} was never broken");
        }
    }
}
