//! The table of `engine-behaviour.md` §6.8: every pair of operations, against a model of rows in maps.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use stratigraph_engine::OpenMode;
use stratigraph_engine::merge::{Choice, Conflict, ConflictDetail, ConflictKind, MergeOutcome, MergePlan, Side};
use stratigraph_tests::graph::TestGraph;
use stratigraph_tests::reader::GraphFiles;

use super::{carry_out, is_commit_of, is_refused, is_up_to_date, mutate, none, only, plan, put, text};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nedge Knows: Person -> Person\n";

/// As it is specified, without the remarks.
const TABLE: &str = "\
| source \\ target | noop | addNode | removeNode | addEdge | removeEdge | setProperty |
|---|---|---|---|---|---|---|
| noop | UpToDate | UpToDate | UpToDate | UpToDate | UpToDate | UpToDate |
| addNode | FF | ✗DivergentInsert(Eve) | Merged | Merged | Merged | Merged |
| removeNode | FF | Merged | Merged | ✗OrphanEdge | Merged | ✗DeleteVsUpdate(Alice) |
| addEdge | FF | Merged | ✗OrphanEdge | Merged | Merged | Merged |
| removeEdge | FF | Merged | Merged | Merged | Merged | Merged |
| setProperty | FF | Merged | ✗DeleteVsUpdate(Alice) | Merged | Merged | ✗DivergentUpdate(Alice) |
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Noop,
    AddNode,
    RemoveNode,
    AddEdge,
    RemoveEdge,
    SetProperty,
}

const OPS: [(Op, &str); 6] = [
    (Op::Noop, "noop"),
    (Op::AddNode, "addNode"),
    (Op::RemoveNode, "removeNode"),
    (Op::AddEdge, "addEdge"),
    (Op::RemoveEdge, "removeEdge"),
    (Op::SetProperty, "setProperty"),
];

/// People by name; edges by who made them, because their ids are made up by the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    people: BTreeMap<&'static str, Option<i64>>,
    edges: BTreeMap<&'static str, (&'static str, &'static str)>,
}

impl Model {
    fn base() -> Self {
        let people = [("Alice", Some(30)), ("Bob", None), ("Carol", None), ("Dan", None)];
        Self { people: people.into(), edges: [("base", ("Bob", "Carol"))].into() }
    }

    /// What an operation makes of it; sides use different values and make edges of their own.
    fn after(&self, op: Op, side: &'static str) -> Self {
        let mut after = self.clone();
        let number = i64::from(side == "source");
        match op {
            Op::Noop => {}
            Op::AddNode => drop(after.people.insert("Eve", Some(40 + number))),
            Op::RemoveNode => drop(after.people.remove("Alice")),
            Op::AddEdge => drop(after.edges.insert(side, ("Alice", "Carol"))),
            Op::RemoveEdge => drop(after.edges.remove("base")),
            Op::SetProperty => drop(after.people.insert("Alice", Some(60 + number))),
        }
        after
    }

    /// Every row from the side that changed it.
    fn merged(base: &Self, source: &Self, target: &Self) -> Self {
        Self {
            people: three_way(&base.people, &source.people, &target.people),
            edges: three_way(&base.edges, &source.edges, &target.edges),
        }
    }

    /// Ages by name, ends of edges in order: what can be read from a graph.
    fn rows(&self) -> Rows {
        let people = self.people.iter().map(|(name, age)| ((*name).to_owned(), *age)).collect();
        let mut edges: Vec<(String, String)> =
            self.edges.values().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        edges.sort();
        (people, edges)
    }
}

type Rows = (Vec<(String, Option<i64>)>, Vec<(String, String)>);

fn three_way<V: Clone + PartialEq>(
    base: &BTreeMap<&'static str, V>,
    source: &BTreeMap<&'static str, V>,
    target: &BTreeMap<&'static str, V>,
) -> BTreeMap<&'static str, V> {
    let keys = base.keys().chain(source.keys()).chain(target.keys());
    let row = |key: &&'static str| {
        let changed = source.get(key) != base.get(key);
        let side = if changed { source.get(key) } else { target.get(key) };
        side.map(|value| (*key, value.clone()))
    };
    keys.filter_map(row).collect()
}

fn statement(op: Op, side: &str) -> Option<String> {
    let number = u8::from(side == "source");
    Some(match op {
        Op::Noop => return None,
        Op::AddNode => format!("insert Person {{ name: \"Eve\", age: {} }}", 40 + number),
        Op::RemoveNode => "delete Person where name = \"Alice\"".to_owned(),
        Op::AddEdge => "insert Knows { from: \"Alice\", to: \"Carol\" }".to_owned(),
        Op::RemoveEdge => "delete Knows where from = \"Bob\"".to_owned(),
        Op::SetProperty => format!("update Person set {{ age: {} }} where name = \"Alice\"", 60 + number),
    })
}

async fn rows(files: &GraphFiles, of: &str) -> Result<Rows> {
    let people = files.rows(of, "node:Person").await?;
    let mut edges: Vec<(String, String)> =
        files.rows(of, "edge:Knows").await?.iter().map(|row| (text(row, "src"), text(row, "dst"))).collect();
    edges.sort();
    Ok((people.iter().map(|row| (text(row, "id"), row["age"].as_i64())).collect(), edges))
}

/// One cell: two operations on two branches, one of which may be main.
struct Cell {
    made: TestGraph,
    ends: (&'static str, &'static str),
    ops: (Op, Op),
}

impl Cell {
    async fn new(ends: (&'static str, &'static str), ops: (Op, Op)) -> Result<Self> {
        let made = TestGraph::new(SCHEMA).await?;
        let people = r#"{"type":"Person","data":{"name":"Alice","age":30}} {"type":"Person","data":{"name":"Bob"}}
            {"type":"Person","data":{"name":"Carol"}} {"type":"Person","data":{"name":"Dan"}}
            {"edge":"Knows","from":"Bob","to":"Carol","data":{"id":"base"}}"#;
        put(&made, "main", people).await?;
        for name in [ends.0, ends.1] {
            if name != "main" {
                made.branch(name, "main").await?;
            }
        }
        for (on, op, side) in [(ends.0, ops.0, "source"), (ends.1, ops.1, "target")] {
            if let Some(statement) = statement(op, side) {
                mutate(&made.graph, on, &statement).await?;
            }
        }
        Ok(Self { made, ends, ops })
    }

    /// What the cell says, after everything about it is checked.
    async fn checked(&self) -> Result<String> {
        let reader = self.made.open(OpenMode::ReadOnly).await?;
        let plan = plan(&reader, self.ends.0, self.ends.1).await?;
        let base = Model::base();
        let (source, target) = (base.after(self.ops.0, "source"), base.after(self.ops.1, "target"));
        let files = GraphFiles::read(&self.made.path()).await?;
        for (of, model) in [(self.ends.0, &source), (self.ends.1, &target)] {
            ensure!(rows(&files, of).await? == model.rows(), "{of} before the merge");
        }
        let mut merged = Model::merged(&base, &source, &target);
        let (cell, decisions) = match plan.conflicts() {
            [] if plan.outcome() == MergeOutcome::AlreadyUpToDate => {
                is_up_to_date(&self.made, self.ends.0, self.ends.1).await?;
                return Ok("UpToDate".to_owned());
            }
            [] => {
                let is_fast = plan.outcome() == MergeOutcome::FastForward;
                (if is_fast { "FF" } else { "Merged" }.to_owned(), none(&plan))
            }
            [conflict] => {
                ensure!(plan.outcome() == MergeOutcome::Merged, "{}", plan.outcome());
                is_refused(&self.made, &plan, &none(&plan), 1).await?;
                let choice = self.decide(conflict, &mut merged, &files).await?;
                let cell = match conflict.key.kind {
                    ConflictKind::OrphanEdge => "✗OrphanEdge".to_owned(),
                    kind => format!("✗{kind}({})", conflict.key.id),
                };
                (cell, only(&plan, choice)?)
            }
            more => anyhow::bail!("{} conflicts: {more:#?}", more.len()),
        };
        self.merged(&plan, &decisions, &merged).await?;
        Ok(cell)
    }

    /// Settles a conflict, and says in the model what comes out.
    async fn decide(&self, conflict: &Conflict, merged: &mut Model, files: &GraphFiles) -> Result<Choice> {
        let table = conflict.key.table.to_string();
        if conflict.key.kind != ConflictKind::OrphanEdge {
            ensure!(table == "node:Person", "{table}");
            let ConflictDetail::Row { .. } = conflict.detail else { anyhow::bail!("{:?}", conflict.detail) };
        }
        let source = Model::base().after(self.ops.0, "source");
        Ok(match conflict.key.kind {
            ConflictKind::DivergentInsert | ConflictKind::DivergentUpdate => {
                let row = if self.ops.0 == Op::AddNode { "Eve" } else { "Alice" };
                merged.people.insert(row, source.people[row]);
                Choice::Take(Side::Source)
            }
            ConflictKind::DeleteVsUpdate => {
                let number = if self.ops.0 == Op::SetProperty { 61 } else { 60 };
                merged.people.insert("Alice", Some(number));
                Choice::Keep
            }
            ConflictKind::OrphanEdge => {
                let side = if self.ops.0 == Op::AddEdge { self.ends.0 } else { self.ends.1 };
                let edges = files.rows(side, "edge:Knows").await?;
                let edge = edges.iter().find(|row| row["src"] == "Alice").context("Alice knows Carol")?;
                ensure!((&*table, &conflict.key.id) == ("edge:Knows", &text(edge, "id")), "{:?}", conflict.key);
                let (role, node, end) = ("src".to_owned(), "node:Person".parse()?, "Alice".to_owned());
                ensure!(conflict.detail == ConflictDetail::Orphan { role, node, end }, "{:?}", conflict.detail);
                if self.ops.0 == Op::AddEdge {
                    merged.edges.remove("source");
                    Choice::Drop
                } else {
                    merged.people.insert("Alice", Some(30));
                    Choice::RestoreEnd
                }
            }
            kind => anyhow::bail!("no cell has a {kind}"),
        })
    }

    async fn merged(
        &self,
        plan: &MergePlan,
        decisions: &stratigraph_engine::merge::MergeDecisions,
        expected: &Model,
    ) -> Result<()> {
        let (source, target) = self.ends;
        let before = GraphFiles::read(&self.made.path()).await?;
        let merged = carry_out(&self.made.graph, plan, decisions).await?;
        ensure!(merged.outcome == plan.outcome() && merged.written.is_some(), "{merged:?}");
        let files = self.made.files().await?;
        let found = rows(&files, target).await?;
        ensure!(found == expected.rows(), "merged: {found:?}, expected {:?}", expected.rows());
        is_commit_of(&files, plan)?;
        // Without a row to write there is a commit all the same, of the version that is there.
        let moved = u64::from(expected.rows() != rows(&before, target).await?);
        ensure!(files.branch(target)?.version == before.branch(target)?.version + moved, "one version");
        ensure!(files.branch(target)?.commits.len() > before.branch(target)?.commits.len(), "a commit");
        ensure!(rows(&files, source).await? == rows(&before, source).await?, "the source stays");
        ensure!(files.branch(source)?.version == before.branch(source)?.version, "the source stays");
        is_up_to_date(&self.made, source, target).await
    }
}

#[expect(clippy::print_stdout, reason = "the table is shown to those who ask for it")]
async fn is_the_table(ends: (&'static str, &'static str)) -> Result<()> {
    let pairs = OPS.iter().flat_map(|(source, _)| OPS.iter().map(move |(target, _)| (*source, *target)));
    let cell = |ops: (Op, Op)| async move {
        let cell = async { Cell::new(ends, ops).await?.checked().await };
        Box::pin(cell).await.with_context(|| format!("{ends:?} {ops:?}"))
    };
    let cells: Vec<String> = futures::stream::iter(pairs.map(cell)).buffered(4).try_collect().await?;
    let names: Vec<&str> = OPS.iter().map(|(_, name)| *name).collect();
    let mut table = format!("| source \\ target | {} |\n|---|---|---|---|---|---|---|\n", names.join(" | "));
    for (name, row) in names.iter().zip(cells.chunks(6)) {
        table.push_str(&format!("| {name} | {} |\n", row.join(" | ")));
    }
    println!("{} into {}:\n{table}", ends.0, ends.1);
    assert_eq!(table, TABLE);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_operations_merges_into_main_as_the_table_says() -> Result<()> {
    is_the_table(("review", "main")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_operations_merges_from_main_as_the_table_says() -> Result<()> {
    is_the_table(("main", "review")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_operations_merges_between_branches_as_the_table_says() -> Result<()> {
    is_the_table(("review", "release")).await
}
