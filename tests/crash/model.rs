//! Random histories of loads, mutations, branches, failures and recoveries against a small model: same rows on every branch.

mod mutation;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fail::FailScenario;
use futures::TryStreamExt;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{
    At, BranchName, CreateOptions, Error, ErrorKind, Graph, OpenMode, Progress, ReadOptions, Row, fail as points,
};
use stratigraph_tests::reader::{GraphFiles, broken_rules};
use tokio::runtime::Runtime;

const SOURCE: &str = "node Person { name: String @key  age: I32? }\nedge Knows: Person -> Person { weight: I32? }\n";
/// Histories of one run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 24;
const NAMES: u8 = 6;
const BRANCHES: [&str; 4] = ["main", "a", "b/c", "d"];

/// Rows of one branch: people by name, edges by id.
#[derive(Debug, Clone, Default, PartialEq)]
struct Content {
    people: BTreeMap<String, Option<i64>>,
    edges: BTreeMap<String, (String, String, Option<i64>)>,
}

#[derive(Debug, Clone)]
enum Step {
    Load {
        branch: usize,
        mode: LoadMode,
        people: Vec<(u8, Option<i8>)>,
        edges: Vec<(u8, u8, u8, Option<i8>)>,
        fails: Option<usize>,
    },
    Mutate {
        branch: usize,
        deeds: Vec<mutation::Deed>,
        fails: Option<usize>,
    },
    Branch {
        name: usize,
        from: usize,
    },
    Delete {
        name: usize,
    },
    Reopen,
}

fn any_step() -> impl Strategy<Value = Step> {
    let mode = prop_oneof![3 => Just(LoadMode::Merge), 2 => Just(LoadMode::Append), 1 => Just(LoadMode::Overwrite)];
    let people = proptest::collection::vec((0..NAMES, any::<Option<i8>>()), 0..4);
    let edges = proptest::collection::vec((0..8_u8, 0..NAMES, 0..NAMES, any::<Option<i8>>()), 0..3);
    let fails = proptest::option::weighted(0.35, 0..points::WRITE.len());
    let load = (0..BRANCHES.len(), mode, people, edges, fails)
        .prop_map(|(branch, mode, people, edges, fails)| Step::Load { branch, mode, people, edges, fails });
    let fails = proptest::option::weighted(0.35, 0..points::WRITE.len() + points::MUTATION.len());
    let deeds = proptest::collection::vec(mutation::any_deed(), 1..4);
    let mutate =
        (0..BRANCHES.len(), deeds, fails).prop_map(|(branch, deeds, fails)| Step::Mutate { branch, deeds, fails });
    prop_oneof![
        5 => load,
        5 => mutate,
        2 => (1..BRANCHES.len(), 0..BRANCHES.len()).prop_map(|(name, from)| Step::Branch { name, from }),
        1 => (1..BRANCHES.len()).prop_map(|name| Step::Delete { name }),
        1 => Just(Step::Reopen),
    ]
}

fn name(number: u8) -> String {
    format!("p{number}")
}

/// What a load makes of the content of its branch; none if it must be refused.
fn loaded(
    before: &Content,
    mode: LoadMode,
    people: &[(u8, Option<i8>)],
    edges: &[(u8, u8, u8, Option<i8>)],
) -> Option<Content> {
    let mut after = before.clone();
    if mode == LoadMode::Overwrite {
        if !people.is_empty() {
            after.people.clear();
        }
        if !edges.is_empty() {
            after.edges.clear();
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for &(number, age) in people {
        let known = mode == LoadMode::Append && before.people.contains_key(&name(number));
        if known || !seen.insert(number) {
            return None;
        }
        after.people.insert(name(number), age.map(i64::from));
    }
    let mut seen = std::collections::BTreeSet::new();
    for &(id, from, to, weight) in edges {
        let id = format!("e{id}");
        let known = mode == LoadMode::Append && before.edges.contains_key(&id);
        if known || (!seen.insert(id.clone()) && mode != LoadMode::Merge) {
            return None;
        }
        after.edges.insert(id, (name(from), name(to), weight.map(i64::from)));
    }
    let exists = |id: &String| after.people.contains_key(id);
    // An edge that a later one of the same load replaces needs its nodes, too.
    let needed = edges.iter().all(|&(_, from, to, _)| exists(&name(from)) && exists(&name(to)));
    (needed && after.edges.values().all(|(from, to, _)| exists(from) && exists(to))).then_some(after)
}

fn text(people: &[(u8, Option<i8>)], edges: &[(u8, u8, u8, Option<i8>)]) -> String {
    let people =
        people.iter().map(|&(number, age)| json!({"type": "Person", "data": {"name": name(number), "age": age}}));
    let edges = edges.iter().map(|&(id, from, to, weight)| {
        json!({"edge": "Knows", "from": name(from), "to": name(to), "data": {"id": format!("e{id}"), "weight": weight}})
    });
    people.chain(edges).map(|record| record.to_string()).collect::<Vec<_>>().join("\n")
}

async fn rows(graph: &Graph, branch: &BranchName, table: &str) -> Result<Vec<Value>> {
    let snapshot = graph.snapshot(&At::Branch(branch.clone())).await?;
    let entry = snapshot.table(table)?;
    let mut batches = graph.read(&snapshot, &entry.key, &ReadOptions::default()).await?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let columns = Row::columns_of(&batch);
        rows.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row).to_json()));
    }
    ensure!(
        entry.rows == rows.len() as u64,
        "{table} on {branch}: {} rows are recorded, {} are there",
        entry.rows,
        rows.len()
    );
    Ok(rows)
}

async fn content(graph: &Graph, branch: &BranchName) -> Result<Content> {
    let string = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let people = rows(graph, branch, "Person").await?;
    let edges = rows(graph, branch, "Knows").await?;
    let found = Content {
        people: people.iter().map(|row| (string(row, "id"), row["age"].as_i64())).collect(),
        edges: edges
            .iter()
            .map(|row| (string(row, "id"), (string(row, "src"), string(row, "dst"), row["weight"].as_i64())))
            .collect(),
    };
    ensure!(found.people.len() == people.len() && found.edges.len() == edges.len(), "an id is there twice on {branch}");
    Ok(found)
}

struct World {
    uri: String,
    graph: Graph,
    model: BTreeMap<BranchName, Content>,
    /// A write that failed: its branch shows this once it is recovered, or what it showed before.
    open: Option<(BranchName, Content)>,
}

impl World {
    async fn new(root: &Path) -> Result<Self> {
        let uri = root.join("g").to_string_lossy().into_owned();
        Graph::create(&uri, SOURCE, &CreateOptions::default()).await?;
        let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
        Ok(Self { uri, graph, model: BTreeMap::from([(BranchName::main(), Content::default())]), open: None })
    }

    async fn reopen(&mut self) -> Result<()> {
        self.graph = Graph::open(&self.uri, OpenMode::ReadWrite).await?;
        ensure!(self.graph.sidecars().await?.is_empty(), "sidecars are left");
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Reopen => self.reopen().await?,
            Step::Branch { name, from } => {
                let (name, from): (BranchName, BranchName) = (BRANCHES[*name].parse()?, BRANCHES[*from].parse()?);
                let wanted = self.model.get(&from).filter(|_| !self.model.contains_key(&name)).cloned();
                let made = self.graph.create_branch(&name, &from).await;
                ensure!(made.is_ok() == wanted.is_some(), "{made:?}");
                self.model.extend(wanted.map(|content| (name, content)));
            }
            Step::Delete { name } => {
                let name: BranchName = BRANCHES[*name].parse()?;
                match self.graph.delete_branch(&name).await {
                    Ok(()) => ensure!(self.model.remove(&name).is_some(), "{name} was not there"),
                    Err(error) => match error.kind() {
                        ErrorKind::NotFound => ensure!(!self.model.contains_key(&name), "{error}"),
                        ErrorKind::Conflict => ensure!(error.to_string().contains("depends on it"), "{error}"),
                        _ => return Err(error.into()),
                    },
                }
            }
            Step::Load { branch, mode, people, edges, fails } => {
                let branch: BranchName = BRANCHES[*branch].parse()?;
                let point = fails.map(|number| points::WRITE[number]);
                self.load(&branch, *mode, people, edges, point).await?;
            }
            Step::Mutate { branch, deeds, fails } => {
                let branch: BranchName = BRANCHES[*branch].parse()?;
                let all: Vec<&str> = points::WRITE.into_iter().chain(points::MUTATION).collect();
                self.mutate(&branch, deeds, fails.map(|number| all[number])).await?;
            }
        }
        self.compare().await
    }

    async fn load(
        &mut self,
        branch: &BranchName,
        mode: LoadMode,
        people: &[(u8, Option<i8>)],
        edges: &[(u8, u8, u8, Option<i8>)],
        point: Option<&str>,
    ) -> Result<()> {
        let wanted = self.model.get(branch).and_then(|before| loaded(before, mode, people, edges));
        let input = Input { name: "random".to_owned(), reader: Box::new(std::io::Cursor::new(text(people, edges))) };
        let request = LoadRequest { mode, branch: branch.clone(), actor: None, inputs: vec![input] };
        if let Some(point) = point {
            fail::cfg(point, "return").expect("a valid action");
        }
        let result = self.graph.load(request, &Progress::none()).await.map(drop);
        self.done(branch, result, wanted, point).await
    }

    async fn mutate(&mut self, branch: &BranchName, deeds: &[mutation::Deed], point: Option<&str>) -> Result<()> {
        let wanted = self.model.get(branch).and_then(|before| mutation::mutated(before, deeds));
        let (text, params) = (mutation::text(deeds), serde_json::Map::new());
        let request = MutateRequest { branch: branch.clone(), actor: None, text, name: None, params };
        if let Some(point) = point {
            fail::cfg(point, "return").expect("a valid action");
        }
        let result = self.graph.mutate(request, &Progress::none()).await.map(drop);
        self.done(branch, result, wanted, point).await
    }

    /// Takes over what a write did, or had to refuse, or may have done before it failed.
    async fn done(
        &mut self,
        branch: &BranchName,
        result: Result<(), Error>,
        wanted: Option<Content>,
        point: Option<&str>,
    ) -> Result<()> {
        if let Some(point) = point {
            fail::remove(point);
        }
        match (result, wanted) {
            (Ok(()), Some(after)) => {
                let found = content(&self.graph, branch).await?;
                self.model.insert(branch.clone(), mutation::with_found_ids(after, &found));
            }
            (Ok(()), None) => anyhow::bail!("a write was taken that had to be refused"),
            (Err(_), Some(after)) if point.is_some() => {
                self.open = Some((branch.clone(), after));
                self.reopen().await?;
            }
            (Err(error), Some(_)) => return Err(error.into()),
            (Err(_), None) => {}
        }
        Ok(())
    }

    /// What is stored in the end keeps the format. Forks of writes that failed may be left: the next use of the name takes
    /// them away.
    async fn conforms(&mut self) -> Result<()> {
        self.reopen().await?;
        let files = Box::pin(GraphFiles::read(Path::new(&self.uri))).await?;
        let mut broken = Box::pin(broken_rules(&files)).await?;
        broken.retain(|(_, what)| !what.contains("belongs to nobody"));
        ensure!(broken.is_empty(), "{broken:#?}");
        Ok(())
    }

    async fn compare(&mut self) -> Result<()> {
        if let Some((branch, after)) = self.open.take() {
            let found = content(&self.graph, &branch).await?;
            let after = mutation::with_found_ids(after, &found);
            ensure!(found == after || found == self.model[&branch], "half a write on {branch}: {found:?}");
            self.model.insert(branch, found);
        }
        let branches: Vec<BranchName> = self.graph.branches().await?.into_iter().map(|branch| branch.name).collect();
        let mut expected: Vec<&BranchName> = self.model.keys().collect();
        expected.sort_by_key(|name| (!name.is_main(), name.as_str()));
        ensure!(branches.iter().collect::<Vec<_>>() == expected, "{branches:?} instead of {expected:?}");
        for (branch, expected) in &self.model {
            let found = content(&self.graph, branch).await?;
            ensure!(found == *expected, "{branch}: {found:?} instead of {expected:?}");
        }
        Ok(())
    }
}

#[test]
fn random_histories_with_failures_agree_with_the_model() {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new().expect("a runtime starts");
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let histories = proptest::collection::vec(any_step(), 1..14);
    let checked = TestRunner::new(config).run(&histories, |steps| {
        for point in points::WRITE.into_iter().chain(points::MUTATION) {
            fail::remove(point);
        }
        let root = tempfile::tempdir().expect("a temporary folder");
        let result: Result<()> = runtime.block_on(async {
            let mut world = World::new(root.path()).await?;
            for (number, step) in steps.iter().enumerate() {
                world.step(step).await.with_context(|| format!("step {number}: {step:?}"))?;
            }
            world.conforms().await
        });
        result.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    scenario.teardown();
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}
