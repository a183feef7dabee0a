//! A merge writes what changed and nothing else: which commits it makes on a table (M-07), which rows it touches (M-08), what
//! its sidecar names (M-13).

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use serde_json::{Value, json};
use stratigraph_engine::diff::Way;
use stratigraph_engine::merge::{MergeOutcome, MergeWay};
use stratigraph_engine::{At, Graph, OpenMode};
use stratigraph_tests::graph::{TestGraph, branch};
use stratigraph_tests::reader::{GraphFiles, operations};

use super::{carry_out, is_up_to_date, merge, mutate, none, person, plan, put, text, ways};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nnode Face {\n  of: String @key\n  points: Vector(8)\n}\n\
    edge Knows: Person -> Person\n";

/// What made the versions of a table of a branch after one of them, oldest first: by the engine, and by the independent reader.
async fn commits_since(made: &TestGraph, of: &str, table: &str, version: u64) -> Result<Vec<String>> {
    let snapshot = made.graph.snapshot(&At::Branch(branch(of))).await?;
    let mut told: Vec<(u64, String)> = made
        .graph
        .table_versions(snapshot.table(table)?, 1000)
        .await?
        .into_iter()
        .map(|version| (version.version, version.operation.unwrap_or_default()))
        .collect();
    told.reverse();
    let files = GraphFiles::read(&made.path()).await?;
    let pinned = &files.branch(of)?.tables[table];
    let mut stored = operations(&files.open(pinned).await?).await?;
    stored.retain(|(number, _)| *number > version);
    told.retain(|(number, _)| *number > version);
    ensure!(told == stored, "the engine tells {told:?}, stored is {stored:?}");
    ensure!(told.last().is_none_or(|(newest, _)| *newest == pinned.version), "the last one is shown");
    Ok(told.into_iter().map(|(_, operation)| operation).collect())
}

async fn version(made: &TestGraph, of: &str, table: &str) -> Result<u64> {
    Ok(GraphFiles::read(&made.path()).await?.branch(of)?.tables[table].version)
}

fn face(number: usize) -> String {
    let points: Vec<f64> = (0..8).map(|at| f64::from(u32::try_from((number + at) % 17).unwrap_or(1)) + 0.5).collect();
    format!("{}\n", json!({"type": "Face", "data": {"of": format!("f{number:05}"), "points": points}}))
}

#[tokio::test]
async fn rows_that_are_only_added_are_only_appended() -> Result<()> {
    const BEFORE: usize = 100;
    const ADDED: usize = 9000;
    for target in ["main", "release"] {
        let made = TestGraph::new(SCHEMA).await?;
        put(&made, "main", &(0..BEFORE).map(face).collect::<String>()).await?;
        made.branch("release", "main").await?;
        if target == "release" {
            // With a lineage of its own, that is written to.
            put(&made, target, &face(BEFORE)).await?;
        }
        made.branch("work", target).await?;
        // In two loads, so that the branch has them in more files than one.
        let middle = BEFORE + ADDED / 2;
        put(&made, "work", &(BEFORE + 1..middle).map(face).collect::<String>()).await?;
        put(&made, "work", &(middle..=BEFORE + ADDED).map(face).collect::<String>()).await?;
        let planned = plan(&made.graph, "work", target).await?;
        assert_eq!(planned.outcome(), MergeOutcome::FastForward);
        assert_eq!(ways(&planned), [("node:Face".to_owned(), MergeWay::Delta, [ADDED as u64, 0, 0])]);
        let compared: Vec<Option<Way>> = planned.tables().iter().map(|table| table.compared).collect();
        assert_eq!(compared, [None, Some(Way::Delta), None], "metadata is enough, and other tables are not looked at");
        let before = version(&made, target, "node:Face").await?;
        carry_out(&made.graph, &planned, &none(&planned)).await?;
        assert_eq!(commits_since(&made, target, "node:Face", before).await?, ["Append"], "{target}");
        let files = made.files().await?;
        let (of_target, of_work) = (files.rows(target, "node:Face").await?, files.rows("work", "node:Face").await?);
        assert!(of_target == of_work, "every row");
        assert!(
            made.graph
                .table_indices(made.graph.snapshot(&At::Branch(branch(target))).await?.table("Face")?)
                .await?
                .is_empty()
        );
    }
    Ok(())
}

#[tokio::test]
async fn each_kind_of_change_is_one_commit_in_order() -> Result<()> {
    type Change = (&'static [&'static str], &'static [&'static str]);
    let changes: [Change; 5] = [
        (&["add"], &["Append"]),
        (&["change"], &["Update"]),
        (&["remove"], &["Delete"]),
        (&["add", "change", "remove"], &["Append", "Update", "Delete"]),
        (&["remove", "add"], &["Append", "Delete"]),
    ];
    for both_sides in [false, true] {
        for (changes, expected) in changes {
            let made = TestGraph::new(SCHEMA).await?;
            put(&made, "main", &["Ada", "Bea", "Cai", "Dan"].map(|name| person(name, 1)).concat()).await?;
            made.branch("work", "main").await?;
            for change in changes {
                match *change {
                    "add" => put(&made, "work", &(person("Eve", 5) + &person("Fay", 6))).await?,
                    "change" => mutate(&made.graph, "work", "update Person set { age: 2 } where name < \"C\"").await?,
                    _ => mutate(&made.graph, "work", "delete Person where name = \"Cai\"").await?,
                }
            }
            if both_sides {
                mutate(&made.graph, "main", "update Person set { age: 9 } where name = \"Dan\"").await?;
            }
            let before = version(&made, "main", "node:Person").await?;
            merge(&made.graph, "work", "main").await?;
            assert_eq!(
                commits_since(&made, "main", "node:Person", before).await?,
                expected,
                "{changes:?} {both_sides}"
            );
            assert_eq!(version(&made, "main", "edge:Knows").await?, 1, "no other table moved");
            made.files().await?;
        }
    }
    Ok(())
}

/// The version of its table in which each row was last written.
async fn last_written(files: &GraphFiles, of: &str, table: &str) -> Result<BTreeMap<String, u64>> {
    let dataset = files.open(&files.branch(of)?.tables[table]).await?;
    let mut scan = dataset.scan();
    scan.project(&["id", "_row_last_updated_at_version"])?;
    let batches: Vec<RecordBatch> = scan.try_into_stream().await?.try_collect().await?;
    let rows = batches.iter().flat_map(|batch| {
        let ids = batch["id"].as_string::<i32>();
        let versions = batch["_row_last_updated_at_version"].as_primitive::<UInt64Type>();
        ids.iter().flatten().map(str::to_owned).zip(versions.values().iter().copied()).collect::<Vec<_>>()
    });
    Ok(rows.collect())
}

#[tokio::test]
async fn only_changed_rows_are_written_again() -> Result<()> {
    const PEOPLE: usize = 2000;
    for both_sides in [false, true] {
        let made = TestGraph::new(SCHEMA).await?;
        let name = |number: usize| format!("p{number:04}");
        put(&made, "main", &(0..PEOPLE).map(|number| person(&name(number), 1)).collect::<String>()).await?;
        made.branch("work", "main").await?;
        put(&made, "work", &(person("p0100", 2) + &person("p1900", 2) + &person("new", 2))).await?;
        mutate(&made.graph, "work", "delete Person where name = \"p0050\"").await?;
        // Changed and changed back is not changed.
        put(&made, "work", &person("p0200", 2)).await?;
        put(&made, "work", &person("p0200", 1)).await?;
        if both_sides {
            put(&made, "main", &person("p0300", 3)).await?;
            // The same on both sides is not written either.
            put(&made, "work", &person("p0400", 4)).await?;
            put(&made, "main", &person("p0400", 4)).await?;
        }
        let before = last_written(&made.files().await?, "main", "node:Person").await?;
        merge(&made.graph, "work", "main").await?;
        let after = last_written(&made.files().await?, "main", "node:Person").await?;
        let newer: Vec<&str> =
            after.iter().filter(|(id, version)| before.get(*id) != Some(version)).map(|(id, _)| id.as_str()).collect();
        assert_eq!(newer, ["new", "p0100", "p1900"]);
        assert!(after["p0100"] > before["p0100"] && !after.contains_key("p0050") && after.len() == PEOPLE);
        is_up_to_date(&made, "work", "main").await?;
    }
    Ok(())
}

/// Stops a merge after its tables and before its commit, and looks at what it left. Where a table is taken over, which no pin can
/// say, the merge is rolled back; otherwise it is completed.
#[tokio::test]
async fn every_pin_of_a_sidecar_names_the_target() -> Result<()> {
    for (target, takes_over) in [("main", false), ("release", false), ("release", true)] {
        let made = TestGraph::new(SCHEMA).await?;
        put(&made, "main", &(person("Ada", 1) + &person("Bea", 1) + &face(1))).await?;
        made.branch("work", "main").await?;
        made.branch("release", "work").await?;
        put(&made, "work", &(person("Cai", 1) + &face(2) + &edge("k", "Cai"))).await?;
        put(&made, target, &(person("Dan", 1) + &face(3))).await?;
        if !takes_over {
            put(&made, target, &edge("own", "Dan")).await?;
        }
        let planned = plan(&made.graph, "work", target).await?;
        let is_written = |way: &MergeWay| matches!(way, MergeWay::Delta | MergeWay::Rewrite);
        let (written, taken): (Vec<_>, Vec<_>) = ways(&planned).into_iter().partition(|(_, way, _)| is_written(way));
        assert_eq!(taken.len(), usize::from(takes_over), "{taken:?}");
        let before = GraphFiles::read(&made.path()).await?;
        stop(&made, target)?;
        let files = GraphFiles::read(&made.path()).await?;
        let [text_of] = &files.sidecars.values().collect::<Vec<_>>()[..] else { panic!("{:?}", files.sidecars) };
        let sidecar: Value = serde_json::from_str(text_of)?;
        let name = if target == "main" { Value::Null } else { json!(target) };
        assert_eq!((&sidecar["branch"], &sidecar["writer_kind"]), (&name, &json!("BranchMerge")));
        assert_eq!(sidecar["schema_version"], 2);
        assert_eq!(sidecar["merge_source_commit_id"], planned.heads().source.to_string());
        let pins = sidecar["tables"].as_array().context("pins")?;
        let keys: Vec<&str> = pins.iter().filter_map(|pin| pin["table_key"].as_str()).collect();
        assert_eq!(
            keys,
            written.iter().map(|(key, ..)| key.as_str()).collect::<Vec<_>>(),
            "the tables whose heads move"
        );
        for pin in pins {
            assert_eq!(pin.get("table_branch").unwrap_or(&Value::Null), &name, "{pin}");
            let table = &files.branch(target)?.tables[pin["table_key"].as_str().context("a key")?];
            assert_eq!(pin["expected_version"], table.version, "{pin}");
            assert_eq!(pin["post_commit_pin"], table.version + 1, "{pin}");
            let confirmed = (!takes_over).then_some(table.version + 1);
            assert_eq!(pin.get("confirmed_version").and_then(Value::as_u64), confirmed, "{pin}");
        }
        let again = Graph::open(&made.uri(), OpenMode::ReadWrite).await?;
        if takes_over {
            // The lineage that was forked is still there; the next attempt takes its place.
            let files = GraphFiles::read(&made.path()).await?;
            assert_eq!(
                files.ids(target, "node:Person").await?,
                before.ids(target, "node:Person").await?,
                "rolled back"
            );
            merge(&again, "work", target).await?;
        }
        assert_eq!(plan(&again, "work", target).await?.outcome(), MergeOutcome::AlreadyUpToDate);
        let files = made.files().await?;
        assert_eq!(files.ids(target, "node:Person").await?, ["Ada", "Bea", "Cai", "Dan"]);
        let head = files.branch(target)?.head()?;
        assert_eq!(text(head, "merged_parent_commit_id"), planned.heads().source.to_string());
    }
    Ok(())
}

fn edge(id: &str, from: &str) -> String {
    format!("{{\"edge\":\"Knows\",\"from\":\"{from}\",\"to\":\"Ada\",\"data\":{{\"id\":\"{id}\"}}}}\n")
}

/// Merges work in a process that dies before the manifest is published.
fn stop(made: &TestGraph, target: &str) -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    command.args(["merge", &made.uri(), "work", "--into", target]);
    let output = command.env("FAILPOINTS", "branch_merge.post_phase_b_pre_manifest_commit=panic").output()?;
    ensure!(!output.status.success(), "the point was not passed: {output:?}");
    Ok(())
}
