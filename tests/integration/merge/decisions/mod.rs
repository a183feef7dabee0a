//! Decisions: what each choice makes of each kind of conflict, what is refused, and what becomes of decisions when heads move.

mod keys;
mod moved;
mod rounds;
mod rows;
mod rules;

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::merge::{Choice, MergeCheck, MergeDecisions, MergePlan};
use stratigraph_engine::{Error, Progress};
use stratigraph_tests::graph::TestGraph;

use super::{carry_out, is_commit_of, is_up_to_date, only, plan, put};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n  city: String?\n  mail: String? @unique\n  \
    state: enum(open, done)?\n  born: Date?\n  face: Vector(2)?\n  tags: [String]?\n  file: Blob?\n  @range(age, 0..150)\n}\n\
    node Note {\n  body: String\n  stars: I32?\n}\n\
    edge Knows: Person -> Person {\n  since: Date?\n}\nedge Likes: Person -> Person @card(0..2)\n\
    edge Mentors: Person -> Person @card(2..3)\n";

fn node(data: &Value) -> String {
    format!("{}\n", json!({"type": "Person", "data": data}))
}

fn edge(table: &str, id: &str, from: &str, to: &str) -> String {
    format!("{{\"edge\":\"{table}\",\"from\":\"{from}\",\"to\":\"{to}\",\"data\":{{\"id\":\"{id}\"}}}}\n")
}

/// A graph with the branch `work`; what is on main before it is cut, and on each side after.
async fn stage(before: &str, on_work: &str, on_main: &str) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", before).await?;
    made.branch("work", "main").await?;
    for (side, records) in [("work", on_work), ("main", on_main)] {
        if !records.is_empty() {
            put(&made, side, records).await?;
        }
    }
    Ok(made)
}

async fn check(made: &TestGraph, plan: &MergePlan, decisions: &MergeDecisions) -> Result<MergeCheck, Error> {
    Box::pin(made.graph.merge_check(plan, decisions, &Progress::none())).await
}

/// Merges work into main with one decision about the only conflict, which settles it, and reads a table.
async fn settled(made: &TestGraph, choice: Choice, table: &str) -> Result<Vec<stratigraph_tests::reader::Row>> {
    let plan = plan(&made.graph, "work", "main").await?;
    let decisions = only(&plan, choice)?;
    merged(made, &plan, &decisions).await?;
    made.files().await?.rows("main", table).await
}

/// Merges with decisions that leave nothing open: what was checked is what is done.
async fn merged(made: &TestGraph, plan: &MergePlan, decisions: &MergeDecisions) -> Result<()> {
    let before = stratigraph_tests::folder::digest(&made.path())?;
    let checked = check(made, plan, decisions).await?;
    anyhow::ensure!(checked.open.is_empty() && checked.stale.is_empty(), "{checked:#?}");
    anyhow::ensure!(stratigraph_tests::folder::digest(&made.path())? == before, "the check wrote something");
    let merged = carry_out(&made.graph, plan, decisions).await?;
    let untouched = stratigraph_engine::merge::MergeWay::Untouched;
    let expected: Vec<_> = checked.tables.iter().filter(|table| table.way != untouched).cloned().collect();
    anyhow::ensure!(merged.tables == expected, "{:?}, checked {expected:?}", merged.tables);
    is_commit_of(&stratigraph_tests::reader::GraphFiles::read(&made.path()).await?, plan)?;
    is_up_to_date(made, "work", "main").await
}
