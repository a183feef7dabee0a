//! Merges through the public API: what is previewed, what is decided, what is stored afterwards.
//!
//! | file | scenarios of `engine-behaviour.md` §6.9 |
//! |---|---|
//! | `truth_table` | M-01 |
//! | `scenarios` | M-02, M-03, M-15, M-16, M-17, CG-05, CG-06 |
//! | `placement` | M-04, and where the rows of a target are |
//! | `rules` | M-05 |
//! | `files` | M-06 |
//! | `effort` | M-07, M-08, M-13 |
//! | `together` | M-09, M-10 |
//! | `bases` | histories that were merged crosswise, or whose common commit is gone |
//! | `gone` | a last common commit that went with its branch: as if it had not |
//! | `crosswise` | cells of rows whose last common commits do not agree |
//! | `decisions` | what is made of a conflict, by kind and choice |
//! | `team` | the reference's own graph |
//! | `ways` | random histories: both ways of comparing |

mod bases;
mod crosswise;
mod decisions;
mod effort;
mod files;
mod gone;
mod placement;
mod rules;
mod scenarios;
mod team;
mod together;
mod truth_table;
mod ways;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use serde_json::{Map, Value};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::{
    Choice, Conflict, ConflictKind, Decision, MergeDecisions, MergeError, MergeOutcome, MergePlan, MergeWay, Merged,
};
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{At, Blobs, Error, Graph, Progress, ReadOptions};
use stratigraph_tests::graph::{ACTOR, TestGraph, branch};
use stratigraph_tests::reader::{GraphFiles, Row};

/// Who merges.
const MERGER: &str = "act-mia";

async fn plan(graph: &Graph, source: &str, target: &str) -> Result<MergePlan, Error> {
    Box::pin(graph.merge_plan(&branch(source), &branch(target), &Progress::none())).await
}

fn none(plan: &MergePlan) -> MergeDecisions {
    MergeDecisions::none(plan.source(), plan.target(), plan.heads())
}

fn decided(plan: &MergePlan, decisions: Vec<Decision>) -> MergeDecisions {
    MergeDecisions { decisions, ..none(plan) }
}

/// Decides the only conflict of a plan by hand.
fn only(plan: &MergePlan, choice: Choice) -> Result<MergeDecisions> {
    let [conflict] = plan.conflicts() else { anyhow::bail!("not one conflict: {:#?}", plan.conflicts()) };
    Ok(decided(plan, vec![Decision::by_hand(conflict, Some(choice))]))
}

async fn carry_out(graph: &Graph, plan: &MergePlan, decisions: &MergeDecisions) -> Result<Merged, Error> {
    Box::pin(graph.merge(plan, decisions, Some(MERGER.into()), &Progress::none())).await
}

/// Plans and merges what needs no decision.
pub(crate) async fn merge(graph: &Graph, source: &str, target: &str) -> Result<Merged, Error> {
    let plan = plan(graph, source, target).await?;
    carry_out(graph, &plan, &none(&plan)).await
}

/// Kind, table and id of each conflict.
fn found(conflicts: &[Conflict]) -> Vec<(ConflictKind, String, String)> {
    conflicts.iter().map(|it| (it.key.kind, it.key.table.to_string(), it.key.id.clone())).collect()
}

fn expected(conflicts: &[(ConflictKind, &str, &str)]) -> Vec<(ConflictKind, String, String)> {
    conflicts.iter().map(|(kind, table, id)| (*kind, (*table).to_owned(), (*id).to_owned())).collect()
}

/// Carries out statements without parameters.
async fn mutate(graph: &Graph, on: &str, body: &str) -> Result<()> {
    let text = format!("query q() {{ {body} }}");
    let request = MutateRequest { branch: branch(on), actor: Some(ACTOR.into()), text, name: None, params: Map::new() };
    let mutated = Box::pin(graph.mutate(request, &Progress::none())).await?;
    ensure!(mutated.written.is_some(), "nothing matched: {body}");
    Ok(())
}

/// Loads records, replacing those that are there.
async fn put(made: &TestGraph, on: &str, records: &str) -> Result<()> {
    let version = made.load(LoadMode::Merge, on, records).await?;
    version.map(drop).with_context(|| format!("nothing to load: {records}"))
}

/// A record of a person.
fn person(name: &str, age: i64) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\",\"age\":{age}}}}}\n")
}

/// The tables that change: how, and with how many appends, upserts and deletes.
fn ways(plan: &MergePlan) -> Vec<(String, MergeWay, [u64; 3])> {
    let changed = plan.tables().iter().filter(|table| table.way != MergeWay::Untouched);
    changed.map(|it| (it.key.to_string(), it.way, [it.appends, it.upserts, it.deletes])).collect()
}

/// The rows of a table as the engine reads them, by id.
async fn rows_at(graph: &Graph, at: &At, table: &str) -> Result<Vec<Value>> {
    let snapshot = graph.snapshot(at).await?;
    let key = snapshot.table(table)?.key.clone();
    let options = ReadOptions { blobs: Blobs::Bytes, ..ReadOptions::default() };
    let mut batches = graph.read(&snapshot, &key, &options).await?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let columns = stratigraph_engine::Row::columns_of(&batch);
        rows.extend(
            (0..batch.num_rows()).map(|row| stratigraph_engine::Row::from_batch(&columns, &batch, row).to_json()),
        );
    }
    Ok(rows)
}

fn text(row: &Row, column: &str) -> String {
    row[column].as_str().unwrap_or_default().to_owned()
}

/// Ids and one column of a table of a branch.
async fn column(files: &GraphFiles, of: &str, table: &str, column: &str) -> Result<Vec<(String, Value)>> {
    let rows = files.rows(of, table).await?;
    Ok(rows.iter().map(|row| (text(row, "id"), row[column].clone())).collect())
}

/// The head of a branch is a commit of the merge that was planned, by the one who merged.
fn is_commit_of(files: &GraphFiles, plan: &MergePlan) -> Result<()> {
    let head = files.branch(plan.target().as_str())?.head()?;
    let heads = plan.heads();
    let parents = (text(head, "parent_commit_id"), text(head, "merged_parent_commit_id"));
    ensure!(parents == (heads.target.to_string(), heads.source.to_string()), "parents of {head:?}");
    let actor = files.actors.get(&text(head, "graph_commit_id"));
    ensure!(actor.map(String::as_str) == Some(MERGER), "actor {actor:?}");
    Ok(())
}

/// Merging again does nothing.
async fn is_up_to_date(made: &TestGraph, source: &str, target: &str) -> Result<()> {
    let before = stratigraph_tests::folder::digest(&made.path())?;
    let again = plan(&made.graph, source, target).await?;
    ensure!(again.outcome() == MergeOutcome::AlreadyUpToDate, "{}", again.outcome());
    ensure!(again.conflicts().is_empty());
    let merged = carry_out(&made.graph, &again, &none(&again)).await?;
    ensure!((merged.outcome, &merged.written) == (MergeOutcome::AlreadyUpToDate, &None), "{merged:?}");
    ensure!(stratigraph_tests::folder::digest(&made.path())? == before, "something was written");
    Ok(())
}

/// A merge is refused for open conflicts, and not a byte changes.
async fn is_refused(made: &TestGraph, plan: &MergePlan, decisions: &MergeDecisions, open: usize) -> Result<()> {
    let before = stratigraph_tests::folder::digest(&made.path())?;
    match carry_out(&made.graph, plan, decisions).await {
        Err(Error::Merge(MergeError::Undecided { open: found })) => ensure!(found == open, "{found} are open"),
        other => anyhow::bail!("not refused: {other:?}"),
    }
    ensure!(stratigraph_tests::folder::digest(&made.path())? == before, "something was written");
    Ok(())
}
