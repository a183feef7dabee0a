//! A small graph of people who know each other: its schema, what its branches show, and how tests write to it.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use futures::TryStreamExt;
use serde_json::{Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::{MergeDecisions, MergePlan, Merged};
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{At, BranchName, Error, Graph, Progress, ReadOptions, Row};
use stratigraph_tests::graph::{ACTOR, load};

pub(crate) const SOURCE: &str =
    "node Person { name: String @key  age: I32? }\nedge Knows: Person -> Person { weight: I32? }\n";

/// An edge: from, to, weight.
pub(crate) type Edge = (String, String, Option<i64>);

/// Rows of one branch: people by name, edges by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Content {
    pub(crate) people: BTreeMap<String, Option<i64>>,
    pub(crate) edges: BTreeMap<String, Edge>,
}

impl Content {
    pub(crate) fn person(&mut self, name: &str, age: i64) {
        self.people.insert(name.to_owned(), Some(age));
    }

    pub(crate) fn edge(&mut self, id: &str, from: &str, to: &str, weight: i64) {
        self.edges.insert(id.to_owned(), (from.to_owned(), to.to_owned(), Some(weight)));
    }

    /// Removes a person with all edges.
    pub(crate) fn without(&mut self, name: &str) {
        self.people.remove(name);
        self.edges.retain(|_, (from, to, _)| from != name && to != name);
    }

    /// All of it as records of a load.
    pub(crate) fn records(&self) -> String {
        let people =
            self.people.iter().map(|(name, age)| json!({"type": "Person", "data": {"name": name, "age": age}}));
        let edges = self.edges.iter().map(|(id, (from, to, weight))| {
            json!({"edge": "Knows", "from": from, "to": to, "data": {"id": id, "weight": weight}})
        });
        people.chain(edges).map(|record| record.to_string()).collect::<Vec<_>>().join("\n")
    }
}

/// Reads a table of a snapshot, and checks its number of rows.
async fn rows(graph: &Graph, at: &At, table: &str) -> Result<Vec<Value>> {
    let snapshot = graph.snapshot(at).await?;
    let entry = snapshot.table(table)?;
    let mut batches = graph.read(&snapshot, &entry.key, &ReadOptions::default()).await?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let columns = Row::columns_of(&batch);
        rows.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row).to_json()));
    }
    ensure!(
        entry.rows == rows.len() as u64,
        "{table} at {at:?}: {} rows are recorded, {} are there",
        entry.rows,
        rows.len()
    );
    Ok(rows)
}

/// What a position shows.
pub(crate) async fn content_at(graph: &Graph, at: &At) -> Result<Content> {
    let string = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let people = rows(graph, at, "Person").await?;
    let edges = rows(graph, at, "Knows").await?;
    let found = Content {
        people: people.iter().map(|row| (string(row, "id"), row["age"].as_i64())).collect(),
        edges: edges
            .iter()
            .map(|row| (string(row, "id"), (string(row, "src"), string(row, "dst"), row["weight"].as_i64())))
            .collect(),
    };
    ensure!(found.people.len() == people.len() && found.edges.len() == edges.len(), "an id is there twice at {at:?}");
    Ok(found)
}

/// What a branch shows.
pub(crate) async fn content(graph: &Graph, branch: &BranchName) -> Result<Content> {
    content_at(graph, &At::Branch(branch.clone())).await
}

/// Adds rows to a branch, or changes those that are there.
pub(crate) async fn put(graph: &Graph, branch: &BranchName, rows: &Content) -> Result<(), Error> {
    load(graph, LoadMode::Merge, branch.as_str(), &rows.records()).await.map(drop)
}

/// Runs statements on a branch.
pub(crate) async fn mutate(graph: &Graph, branch: &BranchName, statements: &str) -> Result<(), Error> {
    let text = format!("query change() {{ {statements} }}");
    let (branch, actor, params) = (branch.clone(), Some(ACTOR.into()), serde_json::Map::new());
    graph.mutate(MutateRequest { branch, actor, text, name: None, params }, &Progress::none()).await.map(drop)
}

/// No decisions for a plan.
pub(crate) fn undecided(plan: &MergePlan) -> MergeDecisions {
    MergeDecisions::none(plan.source(), plan.target(), plan.heads())
}

/// Plans a merge and carries it out without decisions.
pub(crate) async fn merge(graph: &Graph, source: &BranchName, target: &BranchName) -> Result<Merged, Error> {
    let plan = graph.merge_plan(source, target, &Progress::none()).await?;
    graph.merge(&plan, &undecided(&plan), Some(ACTOR.into()), &Progress::none()).await
}
