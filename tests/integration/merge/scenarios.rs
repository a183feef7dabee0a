//! What a merge gives its target: edges that can be followed, rows that outlive the source, commits even where no row moves
//! (M-02, M-03, M-16, M-17, CG-05, CG-06).

use anyhow::{Context, Result};
use futures::TryStreamExt;
use serde_json::{Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::{Choice, ConflictKind, MergeError, MergeOutcome, MergeWay, Side};
use stratigraph_engine::{At, Error, ErrorKind, ManifestVersion, OpenMode, Progress, SqlOptions};
use stratigraph_tests::folder::digest;
use stratigraph_tests::graph::{TestGraph, branch};

use super::{
    carry_out, column, expected, found, is_commit_of, is_up_to_date, merge, mutate, none, only, person, plan, put,
    rows_at, ways,
};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n  city: String?\n}\nnode Note {\n  body: String\n}\nedge Knows: Person -> Person\n";

fn edge(id: &str, from: &str, to: &str) -> String {
    format!("{{\"edge\":\"Knows\",\"from\":\"{from}\",\"to\":\"{to}\",\"data\":{{\"id\":\"{id}\"}}}}\n")
}

/// Ada, Bea and Cai on main.
async fn people() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &(person("Ada", 1) + &person("Bea", 2) + &person("Cai", 3))).await?;
    Ok(made)
}

async fn ages(made: &TestGraph, of: &str) -> Result<Vec<(String, Value)>> {
    column(&made.files().await?, of, "node:Person", "age").await
}

fn of(ages: &[(&str, i64)]) -> Vec<(String, Value)> {
    ages.iter().map(|(name, age)| ((*name).to_owned(), json!(age))).collect()
}

#[tokio::test]
async fn merged_edges_are_followed_right_after_the_merge() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    put(&made, "main", &edge("k1", "Ada", "Bea")).await?;
    put(&made, "work", &(person("Dan", 4) + &edge("k2", "Bea", "Dan") + &edge("k3", "Dan", "Ada"))).await?;
    // The handle has looked at main before, and so has another one.
    let reader = made.open(OpenMode::ReadOnly).await?;
    for graph in [&made.graph, &reader] {
        assert_eq!(rows_at(graph, &At::Branch(branch("main")), "Knows").await?.len(), 1);
    }
    merge(&made.graph, "work", "main").await?;
    for graph in [&made.graph, &reader] {
        let snapshot = graph.snapshot(&At::Branch(branch("main"))).await?;
        let text = "SELECT p.name, p.age FROM \"Knows\" a JOIN \"Knows\" b ON a.dst = b.src JOIN \"Person\" p ON p.id = b.dst \
                    WHERE a.src = 'Ada'";
        let result = graph.sql(&snapshot, text, SqlOptions::default()).await?;
        let batches: Vec<_> = result.batches.try_collect().await?;
        let found: Vec<Value> = batches
            .iter()
            .flat_map(|batch| {
                let columns = stratigraph_engine::Row::columns_of(batch);
                (0..batch.num_rows())
                    .map(move |row| stratigraph_engine::Row::from_batch(&columns, batch, row).to_json())
            })
            .collect();
        assert_eq!(found, [json!({"name": "Dan", "age": 4})], "Ada knows Bea on main, Bea knows Dan by the merge");
    }
    is_up_to_date(&made, "work", "main").await
}

#[tokio::test]
async fn identical_changes_on_both_sides_are_no_conflict() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    for side in ["main", "work"] {
        mutate(&made.graph, side, "update Person set { age: 9, city: \"Oslo\" } where name = \"Ada\"").await?;
        mutate(&made.graph, side, "delete Person where name = \"Cai\"").await?;
        put(&made, side, &(person("Dan", 4) + &edge("k1", "Ada", "Dan"))).await?;
    }
    let before = made.files().await?;
    let plan = plan(&made.graph, "work", "main").await?;
    assert_eq!((plan.outcome(), plan.conflicts()), (MergeOutcome::Merged, &[][..]));
    assert_eq!(ways(&plan), [], "the target has it all");
    let merged = carry_out(&made.graph, &plan, &none(&plan)).await?;
    assert!(merged.written.is_some() && merged.tables.is_empty(), "{merged:?}");
    let files = made.files().await?;
    assert_eq!(files.branch("main")?.tables, before.branch("main")?.tables, "no table moved");
    is_commit_of(&files, &plan)?;
    is_up_to_date(&made, "work", "main").await?;
    assert_eq!(ages(&made, "main").await?, of(&[("Ada", 9), ("Bea", 2), ("Dan", 4)]));
    Ok(())
}

/// Null is not empty, and not what it says.
#[tokio::test]
async fn rows_are_compared_by_type_and_not_by_text() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    for (side, city) in [("main", json!("")), ("work", json!("null"))] {
        let row = json!({"type": "Person", "data": {"name": "Dan", "city": city}});
        let none = json!({"type": "Person", "data": {"name": "Eve", "city": if side == "main" { Value::Null } else { json!("") }}});
        put(&made, side, &format!("{row}\n{none}")).await?;
    }
    let plan = plan(&made.graph, "work", "main").await?;
    let ids: Vec<&str> = plan.conflicts().iter().map(|conflict| conflict.key.id.as_str()).collect();
    assert_eq!(ids, ["Dan", "Eve"]);
    Ok(())
}

/// Equal by arithmetic, and two values all the same: the sign of a zero is carried over, and divergent signs are a conflict.
#[tokio::test]
async fn the_sign_of_a_zero_is_a_change() -> Result<()> {
    let made = TestGraph::new("node Gauge {\n  name: String @key\n  level: F64\n}\n").await?;
    let gauge =
        |name: &str, level: f64| format!("{}\n", json!({"type": "Gauge", "data": {"name": name, "level": level}}));
    put(&made, "main", &(gauge("east", 0.0) + &gauge("north", 1.0) + &gauge("west", -0.0))).await?;
    made.branch("work", "main").await?;
    put(&made, "work", &(gauge("east", -0.0) + &gauge("north", -0.0) + &gauge("west", 0.0))).await?;
    put(&made, "main", &gauge("north", 0.0)).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    assert_eq!(found(planned.conflicts()), expected(&[(ConflictKind::DivergentUpdate, "node:Gauge", "north")]));
    carry_out(&made.graph, &planned, &only(&planned, Choice::Take(Side::Source))?).await?;
    let levels = column(&made.files().await?, "main", "node:Gauge", "level").await?;
    let levels: Vec<String> = levels.iter().map(|(id, level)| format!("{id} {level}")).collect();
    assert_eq!(levels, ["east -0.0", "north -0.0", "west 0.0"]);
    Ok(())
}

/// The only changes are undone before the merge: in the same table, and with another one changed on the target.
#[tokio::test]
async fn a_branch_whose_changes_cancel_out_merges_as_a_commit_alone() -> Result<()> {
    for target_moves in [false, true] {
        let made = people().await?;
        made.branch("work", "main").await?;
        put(&made, "work", &(person("Dan", 4) + &edge("k1", "Dan", "Ada"))).await?;
        mutate(&made.graph, "work", "update Person set { age: 7 } where name = \"Ada\"").await?;
        mutate(&made.graph, "work", "delete Person where name = \"Dan\"").await?;
        mutate(&made.graph, "work", "update Person set { age: 1 } where name = \"Ada\"").await?;
        if target_moves {
            put(&made, "main", &person("Eve", 5)).await?;
        }
        let before = made.files().await?;
        let plan = plan(&made.graph, "work", "main").await?;
        let outcome = if target_moves { MergeOutcome::Merged } else { MergeOutcome::FastForward };
        assert_eq!((plan.outcome(), plan.conflicts(), ways(&plan)), (outcome, &[][..], vec![]));
        carry_out(&made.graph, &plan, &none(&plan)).await?;
        let files = made.files().await?;
        assert_eq!(files.branch("main")?.tables, before.branch("main")?.tables, "no table moved");
        assert_eq!(files.branch("main")?.version, before.branch("main")?.version);
        is_commit_of(&files, &plan)?;
        is_up_to_date(&made, "work", "main").await?;
        // And the graph is written to as before.
        put(&made, "main", &person("Fay", 6)).await?;
        put(&made, "work", &person("Gus", 7)).await?;
        merge(&made.graph, "work", "main").await?;
        let names: Vec<String> = ages(&made, "main").await?.into_iter().map(|(name, _)| name).collect();
        let expected: &[&str] = if target_moves {
            &["Ada", "Bea", "Cai", "Eve", "Fay", "Gus"]
        } else {
            &["Ada", "Bea", "Cai", "Fay", "Gus"]
        };
        assert_eq!(names, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_branch_that_goes_on_is_merged_from_where_it_was_merged_before() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    put(&made, "work", &person("Dan", 4)).await?;
    let first = plan(&made.graph, "work", "main").await?;
    carry_out(&made.graph, &first, &none(&first)).await?;
    // What main changes of a merged row stays, because the branch did not change it since.
    mutate(&made.graph, "main", "update Person set { age: 44 } where name = \"Dan\"").await?;
    put(&made, "work", &person("Eve", 5)).await?;
    let second = plan(&made.graph, "work", "main").await?;
    assert_eq!(second.heads().base, first.heads().source);
    carry_out(&made.graph, &second, &none(&second)).await?;
    assert_eq!(ages(&made, "main").await?, of(&[("Ada", 1), ("Bea", 2), ("Cai", 3), ("Dan", 44), ("Eve", 5)]));
    Ok(())
}

#[tokio::test]
async fn branches_cut_at_different_versions_merge_one_after_another_and_time_travel_shows_each_step() -> Result<()> {
    let made = people().await?;
    made.branch("one", "main").await?;
    put(&made, "main", &person("Main1", 10)).await?;
    made.branch("two", "main").await?;
    put(&made, "one", &(person("One", 11) + &edge("k1", "One", "Ada"))).await?;
    put(&made, "two", &(person("Two", 12) + &edge("k2", "Two", "Main1"))).await?;
    mutate(&made.graph, "two", "update Person set { age: 20 } where name = \"Bea\"").await?;
    let mut steps = vec![(made.files().await?.branch("main")?.version, vec!["Ada", "Bea", "Cai", "Main1"], vec![])];
    let mut step = async |names: &[&'static str], edges: &[&'static str]| -> Result<()> {
        steps.push((made.files().await?.branch("main")?.version, names.to_vec(), edges.to_vec()));
        Ok(())
    };
    let first = plan(&made.graph, "one", "main").await?;
    carry_out(&made.graph, &first, &none(&first)).await?;
    step(&["Ada", "Bea", "Cai", "Main1", "One"], &["k1"]).await?;
    mutate(&made.graph, "main", "update Person set { age: 30 } where name = \"Cai\"").await?;
    put(&made, "main", &person("Main2", 13)).await?;
    step(&["Ada", "Bea", "Cai", "Main1", "Main2", "One"], &["k1"]).await?;
    let second = plan(&made.graph, "two", "main").await?;
    assert_ne!(second.heads().base, first.heads().base, "each was cut at a version of its own");
    carry_out(&made.graph, &second, &none(&second)).await?;
    step(&["Ada", "Bea", "Cai", "Main1", "Main2", "One", "Two"], &["k1", "k2"]).await?;
    let expected = [("Ada", 1), ("Bea", 20), ("Cai", 30), ("Main1", 10), ("Main2", 13), ("One", 11), ("Two", 12)];
    assert_eq!(ages(&made, "main").await?, of(&expected));
    let reopened = made.open(OpenMode::ReadOnly).await?;
    for (version, names, edges) in steps {
        let at = At::Version { branch: branch("main"), version: ManifestVersion::new(version) };
        for graph in [&made.graph, &reopened] {
            let ids = |rows: Vec<Value>| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
            assert_eq!(ids(rows_at(graph, &at, "Person").await?), names, "version {version}");
            assert_eq!(ids(rows_at(graph, &at, "Knows").await?), edges, "version {version}");
            // Each edge is followed in the state of that time.
            let snapshot = graph.snapshot(&at).await?;
            let text =
                "SELECT k.id FROM \"Knows\" k JOIN \"Person\" s ON s.id = k.src JOIN \"Person\" d ON d.id = k.dst";
            let batches: Vec<_> =
                graph.sql(&snapshot, text, SqlOptions::default()).await?.batches.try_collect().await?;
            let joined: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
            assert_eq!(joined, edges.len(), "version {version}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn life_goes_on_after_a_merge() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    put(&made, "work", &person("Dan", 4)).await?;
    mutate(&made.graph, "work", "update Person set { city: \"Oslo\" } where name = \"Ada\"").await?;
    mutate(&made.graph, "main", "update Person set { city: \"Rom\" } where name = \"Bea\"").await?;
    put(&made, "main", r#"{"type":"Note","data":{"id":"n1","body":"x"}}"#).await?;
    let before = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    merge(&made.graph, "work", "main").await?;
    let merge_commit = made.graph.snapshot(&At::Branch(branch("main"))).await?.commit.context("a commit")?;
    let cities = async |at: &At| -> Result<Vec<Value>> {
        Ok(rows_at(&made.graph, at, "Person").await?.iter().map(|row| row["city"].clone()).collect())
    };
    let was = At::Version { branch: branch("main"), version: before.version };
    assert_eq!(cities(&was).await?, [Value::Null, json!("Rom"), Value::Null]);
    // An update that needs the state it was made for, then everything again through a handle that knows nothing.
    mutate(&made.graph, "main", "update Person set { age: 5 } where city = \"Oslo\"").await?;
    let again = made.open(OpenMode::ReadWrite).await?;
    mutate(&again, "main", "delete Person where name = \"Cai\"").await?;
    mutate(&again, "work", "update Person set { age: 50 } where name = \"Dan\"").await?;
    merge(&again, "work", "main").await?;
    assert_eq!(cities(&At::Commit(merge_commit)).await?, [json!("Oslo"), json!("Rom"), Value::Null, Value::Null]);
    assert_eq!(ages(&made, "main").await?, of(&[("Ada", 5), ("Bea", 2), ("Dan", 50)]));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_by_name() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    put(&made, "work", &person("Dan", 4)).await?;
    let before = digest(&made.path())?;
    let same = plan(&made.graph, "work", "work").await.unwrap_err();
    assert!(matches!(&same, Error::Merge(MergeError::SameBranch { branch }) if branch.as_str() == "work"), "{same}");
    for (source, target) in [("nowhere", "main"), ("main", "nowhere")] {
        let error = plan(&made.graph, source, target).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
    let reader = made.open(OpenMode::ReadOnly).await?;
    let planned = plan(&reader, "work", "main").await?;
    let error = carry_out(&reader, &planned, &none(&planned)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    // Another graph is not this one, however alike they are.
    let other = people().await?;
    let error = carry_out(&other.graph, &planned, &none(&planned)).await.unwrap_err();
    assert!(matches!(error, Error::Merge(MergeError::OtherGraph { .. })), "{error}");
    let cancelled = Progress::new(|_| (), {
        let token = stratigraph_engine::progress::CancellationToken::new();
        token.cancel();
        token
    });
    let error = made.graph.merge(&planned, &none(&planned), None, &cancelled).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(digest(&made.path())? == before, "nothing was written");
    Ok(())
}

/// A merge is one line on a screen whatever it is made of: its tables are told with what was done to them.
#[tokio::test]
async fn what_is_planned_is_what_is_reported() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    put(&made, "work", &(person("Dan", 4) + &edge("k1", "Dan", "Ada"))).await?;
    mutate(&made.graph, "work", "update Person set { age: 7 } where name = \"Ada\"").await?;
    mutate(&made.graph, "work", "delete Person where name = \"Cai\"").await?;
    made.load(LoadMode::Append, "main", &person("Eve", 5)).await?;
    let plan = plan(&made.graph, "work", "main").await?;
    let expected = [("edge:Knows", MergeWay::Delta, [1, 0, 0]), ("node:Person", MergeWay::Rewrite, [1, 1, 1])];
    assert_eq!(ways(&plan), expected.map(|(key, way, counts)| (key.to_owned(), way, counts)));
    let keys: Vec<String> = plan.tables().iter().map(|table| table.key.to_string()).collect();
    assert_eq!(keys, ["edge:Knows", "node:Note", "node:Person"], "every table");
    let merged = carry_out(&made.graph, &plan, &none(&plan)).await?;
    let moved: Vec<_> = plan.tables().iter().filter(|table| table.way != MergeWay::Untouched).cloned().collect();
    assert_eq!(merged.tables, moved);
    let written = merged.written.context("a commit")?;
    let rows: Vec<(String, u64)> = written.tables.iter().map(|table| (table.key.to_string(), table.rows)).collect();
    assert_eq!(rows, [("edge:Knows".to_owned(), 1), ("node:Person".to_owned(), 4)]);
    Ok(())
}
