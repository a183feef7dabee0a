//! Interrupted writes that cannot be settled at once, several of them, and what they stand in the way of (scenarios R-04, R-06
//! to R-10).

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use stratigraph_engine::clock::{Clock, SetClock, SystemClock};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{At, Error, ErrorKind, Graph, OpenMode, fail as points};
use stratigraph_tests::graph::{ACTOR, TestGraph, load};
use stratigraph_tests::reader::{GraphFiles, open, operations};

use crate::alone::run;

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nnode Note { body: String }\n";
const PERSON: &str = "nodes/40d76f1f51639ec0";

fn person(name: &str) -> String {
    format!(r#"{{"type":"Person","data":{{"name":"{name}"}}}}"#)
}

async fn base() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("base")).await?;
    Ok(made)
}

/// A load that moves its table and is not published; its sidecar.
async fn interrupted(
    graph: &Graph,
    path: &std::path::Path,
    mode: LoadMode,
    branch: &str,
    text: &str,
) -> Result<PathBuf> {
    fail::cfg(points::MUTATION_POST_FINALIZE_PRE_PUBLISHER, "return").expect("a valid action");
    let failed = load(graph, mode, branch, text).await;
    fail::remove(points::MUTATION_POST_FINALIZE_PRE_PUBLISHER);
    ensure!(failed.is_err(), "it was not interrupted");
    let newest = fs::read_dir(path.join("__recovery"))?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    newest.into_iter().max().context("it leaves a sidecar")
}

/// Makes a sidecar one of a write that is not complete: nobody may publish it.
fn make_incomplete(sidecar: &std::path::Path) -> Result<()> {
    let text = fs::read_to_string(sidecar)?;
    let changed = text.replace("\"post_commit_pin\": 3", "\"post_commit_pin\": 9");
    ensure!(changed != text, "{text}");
    Ok(fs::write(sidecar, changed)?)
}

async fn people(made: &TestGraph, branch: &str) -> Result<Vec<String>> {
    Box::pin(GraphFiles::read(&made.path())).await?.ids(branch, "node:Person").await
}

async fn audit(made: &TestGraph) -> Result<Vec<(String, Option<String>)>> {
    let text = |row: &stratigraph_tests::reader::Row, column: &str| row[column].as_str().map(str::to_owned);
    let rows = made.files().await?.audit;
    Ok(rows
        .iter()
        .map(|row| (text(row, "recovery_kind").unwrap_or_default(), text(row, "recovery_for_actor")))
        .collect())
}

fn forward() -> (String, Option<String>) {
    ("RolledForward".to_owned(), Some(ACTOR.to_owned()))
}

#[test]
fn every_mode_on_every_branch_is_rolled_forward_and_written_on() -> Result<()> {
    run(async || {
        for branch in ["main", "work"] {
            for mode in [LoadMode::Append, LoadMode::Merge, LoadMode::Overwrite] {
                let made = base().await?;
                if branch == "work" {
                    made.branch("work", "main").await?;
                }
                interrupted(&made.graph, &made.path(), mode, branch, &person("new")).await?;
                let graph = made.open(OpenMode::ReadWrite).await?;
                let named = format!("{mode:?} on {branch}");
                assert_eq!(audit(&made).await.context(named.clone())?, [forward()], "{named}");
                let expected: &[&str] = if mode == LoadMode::Overwrite { &["new"] } else { &["base", "new"] };
                assert_eq!(people(&made, branch).await?, expected, "{named}");
                load(&graph, LoadMode::Merge, branch, &person("new")).await?;
                assert_eq!(people(&made, branch).await?, expected, "{named}");
            }
        }
        Ok(())
    })
}

#[test]
fn sidecars_of_one_table_are_taken_in_order_each_on_the_result_of_the_former() -> Result<()> {
    run(async || {
        let made = base().await?;
        // The first one is published and not settled, the second one is neither. A clock that is ahead names the first so that it is
        // taken after the other one, and found settled by what stands on top of it.
        let ahead = SetClock::new(SystemClock::default().now_micros() + 86_400_000_000, 7);
        let early = Box::pin(Graph::open_with_clock(&made.uri(), Arc::new(ahead))).await?;
        fail::cfg(points::RECOVERY_SIDECAR_DELETE, "return").expect("a valid action");
        load(&early, LoadMode::Append, "main", &person("first")).await?;
        fail::remove(points::RECOVERY_SIDECAR_DELETE);
        let first = fs::read_dir(made.path().join("__recovery"))?.next().context("it is left")??.path();
        let text = fs::read_to_string(&first)?;
        fs::remove_file(&first)?;
        interrupted(&made.graph, &made.path(), LoadMode::Append, "main", &person("second")).await?;
        fs::remove_dir_all(made.path().join("_graph_commit_recoveries.lance")).ok();
        let second = fs::read_dir(made.path().join("__recovery"))?.next().context("it is left")??.path();
        ensure!(first.file_name() > second.file_name(), "the clock was not ahead");
        fs::write(&first, text)?;
        drop(made.open(OpenMode::ReadWrite).await?);
        assert_eq!(audit(&made).await?, [forward(), forward()]);
        assert_eq!(people(&made, "main").await?, ["base", "first", "second"]);
        let table = operations(&open(&made.path().join(PERSON), None).await?).await?;
        assert!(table.iter().all(|(_, operation)| operation != "Restore"), "a needless restore: {table:?}");
        Ok(())
    })
}

/// The advice of a refusal.
async fn refused(graph: &Graph, branch: &str) -> Result<Error> {
    load(graph, LoadMode::Append, branch, &person("next")).await.err().context("it is refused")
}

#[test]
fn what_must_be_rolled_back_waits_for_an_opening_and_stops_only_its_own_table() -> Result<()> {
    run(async || {
        let made = base().await?;
        let sidecar = interrupted(&made.graph, &made.path(), LoadMode::Append, "main", &person("half")).await?;
        make_incomplete(&sidecar)?;
        let error = refused(&made.graph, "main").await?;
        assert_eq!(error.kind(), ErrorKind::RecoveryNeeded, "{error}");
        let text = error.to_string();
        assert!(text.contains("requires rollback") && text.contains("reopen") && !text.contains("repair"), "{text}");
        load(&made.graph, LoadMode::Append, "main", r#"{"type":"Note","data":{"id":"n","body":""}}"#).await?;
        assert!(sidecar.exists(), "it waits");
        drop(made.open(OpenMode::ReadWrite).await?);
        assert_eq!(audit(&made).await?, [("RolledBack".to_owned(), Some(ACTOR.to_owned()))]);
        made.load(LoadMode::Append, "main", &person("next")).await?;
        assert_eq!(people(&made, "main").await?, ["base", "next"]);
        let files = made.files().await?;
        assert_eq!(files.ids("main", "node:Note").await?, ["n"]);
        Ok(())
    })
}

#[test]
fn a_sidecar_of_another_branch_does_not_explain_a_table_that_moved() -> Result<()> {
    run(async || {
        let made = base().await?;
        made.branch("work", "main").await?;
        made.load(LoadMode::Append, "work", &person("of work")).await?;
        let sidecar = interrupted(&made.graph, &made.path(), LoadMode::Append, "work", &person("half")).await?;
        let text = fs::read_to_string(&sidecar)?;
        fs::write(&sidecar, text.replace("\"post_commit_pin\": 4", "\"post_commit_pin\": 9"))?;
        // A move of main's lineage that nothing explains.
        let mut table = open(&made.path().join(PERSON), None).await?;
        table.delete("name = 'base'").await?;
        let error = refused(&made.graph, "main").await?;
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(!error.to_string().contains("reopen"), "{error}");
        let error = refused(&made.graph, "work").await?;
        assert_eq!(error.kind(), ErrorKind::RecoveryNeeded, "{error}");
        // Whose it is cannot be told: both ways out are named. The first lists are those of healing.
        fail::cfg(points::RECOVERY_SIDECAR_LIST, "3*off->return").expect("a valid action");
        let error = refused(&made.graph, "main").await?.to_string();
        fail::remove(points::RECOVERY_SIDECAR_LIST);
        assert!(error.contains("cannot be told") && error.contains("reopen"), "{error}");
        assert_eq!(people(&made, "main").await?, ["base"]);
        drop(made.open(OpenMode::ReadWrite).await?);
        assert_eq!(people(&made, "work").await?, ["base", "of work"]);
        Ok(())
    })
}

#[test]
fn a_sidecar_of_a_branch_that_is_gone_stops_nothing_and_is_audited_once() -> Result<()> {
    run(async || {
        for by_opening in [false, true] {
            let made = base().await?;
            made.branch("work", "main").await?;
            let sidecar = interrupted(&made.graph, &made.path(), LoadMode::Append, "work", &person("half")).await?;
            let text = fs::read_to_string(&sidecar)?;
            fs::remove_file(&sidecar)?;
            made.graph.delete_branch(&"work".parse()?).await?;
            fs::write(&sidecar, &text)?;
            if by_opening {
                drop(made.open(OpenMode::ReadWrite).await?);
            } else {
                made.load(LoadMode::Append, "main", &person("next")).await?;
            }
            let discarded = ("OrphanedBranchDiscarded".to_owned(), Some(ACTOR.to_owned()));
            let rows = Box::pin(GraphFiles::read(&made.path())).await?.audit;
            assert_eq!((rows.len(), rows[0]["recovery_kind"].as_str()), (1, Some(discarded.0.as_str())));
            assert_eq!(
                (rows[0]["recovery_for_actor"].as_str(), &rows[0]["per_table_outcomes_json"]),
                (Some(ACTOR), &"[]".into())
            );
            assert!(!sidecar.exists());
            // The name can be used again, and what the write left is no part of it.
            made.branch("work", "main").await?;
            made.load(LoadMode::Append, "work", &person("again")).await?;
            let expected: &[&str] = if by_opening { &["again", "base"] } else { &["again", "base", "next"] };
            assert_eq!(people(&made, "work").await?, expected);
            made.files().await?;
        }
        Ok(())
    })
}

/// Rows that everybody sees and no commit has yet were not agreed to be lost with the commits of the branch.
#[test]
fn a_branch_with_published_rows_and_no_commit_of_them_is_not_deleted_as_it_was() -> Result<()> {
    run(async || {
        let made = base().await?;
        made.branch("work", "main").await?;
        let work = "work".parse()?;
        let shown = made.graph.resolve(&At::Branch("work".parse()?)).await?.commit;
        fail::cfg(points::GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT, "return").expect("a valid action");
        let failed = load(&made.graph, LoadMode::Append, "work", &person("seen")).await;
        fail::remove(points::GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT);
        ensure!(failed.is_err(), "it was not interrupted");
        assert_eq!(people(&made, "work").await?, ["base", "seen"]);
        let error = made.graph.delete_branch_at(&work, shown).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        let healed = made.open(OpenMode::ReadWrite).await?;
        assert_eq!(people(&made, "work").await?, ["base", "seen"]);
        let error = healed.delete_branch_at(&work, shown).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        let now = healed.resolve(&At::Branch("work".parse()?)).await?.commit;
        healed.delete_branch_at(&work, now).await?;
        Ok(())
    })
}
