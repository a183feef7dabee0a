//! The acceptance scenarios of `engine-behaviour.md` that exist by now, and where each is tested; below, those that fit nowhere
//! else. `i` is `tests/integration`, `c` is `tests/crash`.
//!
//! | scenario | tested by |
//! |---|---|
//! | OPEN-01 | `i/create.rs` a_new_graph_has_every_object_of_the_format, `i/golden.rs` |
//! | OPEN-02 | `i/create.rs` a_graph_is_never_made_over_another |
//! | OPEN-03 | `i/create.rs` left_over_schema_files_are_taken_over_by_force_alone |
//! | OPEN-04 | `c/creation.rs` a_graph_that_was_not_made_can_be_made; killed instead: `i/effects.rs` |
//! | OPEN-05 | `i/bad_input.rs` what_is_no_graph_is_refused_by_name, `i/opening.rs` for writing |
//! | OPEN-06 | `i/bad_input.rs` without_both_compiled_files_only_a_graph_without_branches_opens, `i/opening.rs` for writing |
//! | OPEN-07 | `i/opening.rs` the_schema_files_are_locked_together_for_opening, a_handle_notices…, `i/schema_files.rs` |
//! | OPEN-08 | `i/read_only.rs`, `i/opening.rs` leftovers_of_a_schema_change…, `i/schema_files.rs` |
//! | OPEN-09 | with schema changes |
//! | OPEN-10, OPEN-11 | `i/opening.rs` a_handle_sees_what_another_one_commits_and_a_snapshot_does_not |
//! | OPEN-12 | with probes of storage |
//! | BR-01 | `i/branching.rs` an_edge_forks_the_edges_alone…, `i/independent.rs` branches_are_made_forked_and_deleted… |
//! | BR-02 | the same |
//! | BR-03 | `i/independent.rs`, `i/branching.rs` branches_made_at_once… |
//! | BR-04 | `i/branching.rs` reserved_names_are_refused_and_old_ones_are_ordinary |
//! | BR-05 | `i/load.rs` branches…, `i/independent.rs` |
//! | BR-06 | not yet |
//! | BR-07, BR-08, BR-09, BR-11 | `c/creation.rs` what_a_deleted_branch_leaves_is_taken_away_by_the_next_of_its_name |
//! | BR-10 | `i/branching.rs` first_writes_to_a_branch_race_and_none_is_lost |
//! | BR-12 | `c/creation.rs` a_branch_that_was_not_made_does_not_exist |
//! | BR-13 | `c/writes.rs` (`fork.before_first_commit`), `i/concurrency.rs` a_write_whose_future_is_dropped_is_whole_or_gone |
//! | BR-14 | `i/mutate.rs` |
//! | BR-15 | `i/branching.rs` branches_made_at_once_each_start_at_their_own_parent ; ABA: a_branch_that_was_deleted_and_made_again… (merge: with merges) |
//! | CG-01 | `i/load.rs` a_load_is_one_version_and_one_commit, `i/independent.rs` every_load_mode… |
//! | CG-02 | `i/concurrency.rs` a_handle_that_is_behind_writes_on_top_of_what_is_there |
//! | CG-04 | `c/writes.rs` (`graph_publish.*`): after recovery every version has its commit |
//! | CG-03, CG-05, CG-06 | with merges |
//! | W-01 to W-04, W-09, W-10, W-12 | `i/mutate.rs`; for loads: `i/load.rs`, and W-10 below |
//! | W-05 | `i/load.rs` every_rule_is_checked_before_anything_moves, below |
//! | W-06, W-07, W-08, W-13 | below |
//! | W-11 | `i/bad_input_page.rs` (a drifted table), `c/deferred.rs`; below for every mode |
//! | W-14 | `i/effects.rs`, `i/guard.rs`, `i/opening.rs` versions_that_are_pinned_stay…; below for overwrite |
//! | §5.7 | `i/concurrency.rs`, `i/load.rs`, `c/killed.rs` processes_that_load_at_once_all_succeed |
//! | R-01 | `i/opening.rs` a_clean_opening_for_writing_leaves_no_trace |
//! | R-02 | `c/control.rs` a_text_that_is_no_sidecar_blocks_writing_and_is_kept |
//! | R-03 | `i/recovery.rs` a_write_that_is_not_complete_is_rolled_back…, `c/recoveries.rs` |
//! | R-04 | `c/deferred.rs` every_mode_on_every_branch_is_rolled_forward_and_written_on, `i/recovery.rs` |
//! | R-05 | `c/writes.rs` (then: write again) |
//! | R-06 | `c/deferred.rs` sidecars_of_one_table_are_taken_in_order… |
//! | R-07 | `c/writes.rs` and `c/deferred.rs` (on main, on a branch) |
//! | R-08 | `c/deferred.rs` what_must_be_rolled_back_waits_for_an_opening… |
//! | R-09 | `c/deferred.rs` a_sidecar_of_another_branch_does_not_explain_a_table_that_moved |
//! | R-10 | `c/deferred.rs` a_sidecar_of_a_branch_that_is_gone…, `c/recoveries.rs` |
//! | R-11 | `c/control.rs`, one test for each fault |
//! | R-12 | deletes are staged: no such window |
//! | R-13 | `c/control.rs` each_format_and_writer_keeps_its_own_rules |
//! | R-14, R-15, R-16 | with maintenance and schema changes |

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{ErrorKind, OpenMode};
use stratigraph_tests::graph::TestGraph;
use stratigraph_tests::reader::{GraphFiles, open};

const SCHEMA: &str = "node Person {\n  name: String @key\n  birthYear: I32?\n  homeTown: String?\n  nickName: String? @unique\n  \
    @unique(birthYear, homeTown)\n  @range(birthYear, 1900..2100)\n}\nnode Note { body: String }\n\
    edge Knows: Person -> Person @card(0..2) { weight: I32? }\nedge Mentors: Person -> Person @card(2..3)\n";

fn edge(table: &str, id: &str, from: &str, to: &str) -> String {
    format!("{{\"edge\":\"{table}\",\"from\":\"{from}\",\"to\":\"{to}\",\"data\":{{\"id\":\"{id}\"}}}}\n")
}

fn person(data: &Value) -> String {
    format!("{}\n", json!({"type": "Person", "data": data}))
}

async fn base() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    let people = ["Ada", "Bea", "Cai"].map(|name| person(&json!({"name": name}))).concat();
    made.load(LoadMode::Append, "main", &people).await?;
    Ok(made)
}

async fn refused(made: &TestGraph, how: LoadMode, records: &str) -> Result<String> {
    let error = made.load(how, "main", records).await.err();
    let error = error.ok_or_else(|| anyhow::anyhow!("it was not refused: {records}"))?;
    anyhow::ensure!(error.kind() == ErrorKind::Invalid, "{error}");
    Ok(error.to_string())
}

#[tokio::test]
async fn edges_are_counted_by_id_whatever_the_load_says_twice() -> Result<()> {
    let made = base().await?;
    // At least two, at most three: counted for nodes that have any.
    let message = refused(&made, LoadMode::Append, &edge("Mentors", "m1", "Ada", "Bea")).await?;
    assert!(message.contains("`Ada` has 1 edge (min 2)") || message.contains("`Ada` has 1 edges (min 2)"), "{message}");
    made.load(LoadMode::Append, "main", &(edge("Mentors", "m1", "Ada", "Bea") + &edge("Mentors", "m2", "Ada", "Cai")))
        .await?;
    // Knows: two at most. The same edges again, and one of them twice in the load, are still two.
    let two = edge("Knows", "k1", "Ada", "Bea") + &edge("Knows", "k2", "Ada", "Cai");
    made.load(LoadMode::Append, "main", &two).await?;
    made.load(LoadMode::Merge, "main", &(two.clone() + &edge("Knows", "k2", "Ada", "Ada"))).await?;
    let message = refused(&made, LoadMode::Merge, &edge("Knows", "k3", "Ada", "Bea")).await?;
    assert!(message.contains("has 3 edges (max 2)"), "{message}");
    // An edge that moves leaves its place: then there is room, and the node it left has one less.
    made.load(LoadMode::Merge, "main", &(edge("Knows", "k1", "Bea", "Ada") + &edge("Knows", "k3", "Ada", "Bea")))
        .await?;
    let message = refused(&made, LoadMode::Merge, &edge("Mentors", "m2", "Bea", "Cai")).await?;
    assert!(message.contains("(min 2)"), "a moved edge counts for the node it leaves: {message}");
    let files = made.files().await?;
    let ends: Vec<(Value, Value)> = files
        .rows("main", "edge:Knows")
        .await?
        .into_iter()
        .map(|row| (row["src"].clone(), row["dst"].clone()))
        .collect();
    assert_eq!(ends, [(json!("Bea"), json!("Ada")), (json!("Ada"), json!("Ada")), (json!("Ada"), json!("Bea"))]);
    Ok(())
}

#[tokio::test]
async fn unique_tuples_are_compared_as_tuples_and_nulls_are_free() -> Result<()> {
    let made = base().await?;
    let place =
        |name: &str, year: Value, town: Value| person(&json!({"name": name, "birthYear": year, "homeTown": town}));
    let free = [
        place("P1", json!(1990), json!("Rom")),
        place("P2", json!(1990), json!("Oslo")),
        place("P3", json!(1991), json!("Rom")),
        place("P4", json!(1990), Value::Null),
        place("P5", json!(1990), Value::Null),
        place("P6", Value::Null, json!("Rom")),
        place("P7", Value::Null, json!("Rom")),
    ];
    made.load(LoadMode::Append, "main", &free.concat()).await?;
    for (mode, name) in [(LoadMode::Append, "Q"), (LoadMode::Merge, "P4")] {
        let message = refused(&made, mode, &place(name, json!(1990), json!("Rom"))).await?;
        assert!(message.contains("@unique(birthYear, homeTown)") && message.contains("`P1`"), "{message}");
    }
    // A tuple that its row gives up in the same load is free.
    made.load(
        LoadMode::Merge,
        "main",
        &(place("P1", json!(1990), json!("Bern")) + &place("P4", json!(1990), json!("Rom"))),
    )
    .await?;
    let twice = place("R1", json!(2000), json!("Rom")) + &place("R2", json!(2000), json!("Rom"));
    assert!(refused(&made, LoadMode::Append, &twice).await?.contains("@unique(birthYear, homeTown)"));
    made.load(LoadMode::Append, "main", &person(&json!({"name": "N1", "nickName": "neo"}))).await?;
    assert!(
        refused(&made, LoadMode::Append, &person(&json!({"name": "N2", "nickName": "neo"})))
            .await?
            .contains("nickName")
    );
    made.files().await.map(drop)
}

#[tokio::test]
async fn merges_of_the_same_rows_succeed_again_and_again() -> Result<()> {
    let made = base().await?;
    for round in 0..6 {
        let rows = ["Ada", "Bea", "New"].map(|name| person(&json!({"name": name, "birthYear": 1950 + round}))).concat();
        // Two people of one year in one town would be two of one tuple.
        made.load(LoadMode::Merge, "main", &rows).await?;
    }
    let files = made.files().await?;
    let years: Vec<Value> =
        files.rows("main", "node:Person").await?.iter().map(|row| row["birthYear"].clone()).collect();
    assert_eq!(years, [json!(1955), json!(1955), Value::Null, json!(1955)]);
    assert_eq!(files.branch("main")?.tables["node:Person"].version, 8, "one version for each write");
    Ok(())
}

#[tokio::test]
async fn thousands_of_rows_are_one_version() -> Result<()> {
    let made = base().await?;
    let records: String = (0..20_000)
        .map(|number| {
            person(&json!({"name": format!("p{number:05}")}))
                + &edge("Knows", &format!("e{number}"), &format!("p{number:05}"), "Ada")
        })
        .collect();
    assert_eq!(made.load(LoadMode::Append, "main", &records).await?, Some(5));
    let files = made.files().await?;
    let tables = &files.branch("main")?.tables;
    assert_eq!((tables["node:Person"].rows, tables["edge:Knows"].rows), (20_003, 20_000));
    let graph = made.open(OpenMode::ReadOnly).await?;
    let snapshot = graph.snapshot(&"main".parse()?).await?;
    let key = snapshot.table("Knows")?.key.clone();
    assert_eq!(graph.count(&snapshot, &key, Some("src = 'p12345'")).await?, 1);
    Ok(())
}

#[tokio::test]
async fn no_write_folds_in_what_the_graph_does_not_show() -> Result<()> {
    for mode in [LoadMode::Append, LoadMode::Merge, LoadMode::Overwrite] {
        let made = base().await?;
        let before = GraphFiles::read(&made.path()).await?;
        open(&made.path().join("nodes/40d76f1f51639ec0"), None).await?.delete("name = 'Ada'").await?;
        let error = made.load(mode, "main", &person(&json!({"name": "Eve"}))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        let after = GraphFiles::read(&made.path()).await?;
        assert_eq!(after.branch("main")?.manifest, before.branch("main")?.manifest);
        assert_eq!(after.ids("main", "node:Person").await?, ["Ada", "Bea", "Cai"]);
        assert!(after.sidecars.is_empty(), "refused before anything was recorded: {:?}", after.sidecars);
        // Unrelated tables go on.
        made.load(mode, "main", r#"{"type":"Note","data":{"body":"x"}}"#).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_overwrite_replaces_every_fragment_and_keeps_stable_row_ids() -> Result<()> {
    let made = base().await?;
    let path = made.path().join("nodes/6686fcc6d2c8f0bd");
    let note = |id: &str| format!(r#"{{"type":"Note","data":{{"id":"{id}","body":""}}}}"#);
    for id in ["a", "b"] {
        made.load(LoadMode::Append, "main", &note(id)).await?;
    }
    let files = |dataset: &lance::Dataset| -> Vec<String> {
        dataset
            .get_fragments()
            .iter()
            .flat_map(|fragment| fragment.metadata().files.clone())
            .map(|file| file.path)
            .collect()
    };
    let before = files(&open(&path, None).await?);
    made.load(LoadMode::Overwrite, "main", &note("c")).await?;
    let table = open(&path, None).await?;
    assert_eq!((before.len(), files(&table).len()), (2, 1));
    assert!(files(&table).iter().all(|file| !before.contains(file)));
    assert!(table.manifest().uses_stable_row_ids());
    assert_eq!(made.files().await?.ids("main", "node:Note").await?, ["c"]);
    Ok(())
}
