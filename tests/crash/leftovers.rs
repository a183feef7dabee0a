//! What an interrupted write left, and what was there before it, are told apart: no row of one comes with the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use stratigraph_engine::merge::MergeOutcome;
use stratigraph_engine::{BranchName, Graph, OpenMode, Progress, fail as points};
use stratigraph_tests::graph::TestGraph;
use stratigraph_tests::reader::{GraphFiles, open};

use crate::alone::run;
use crate::small::{Content, SOURCE, content, merge, put};
use crate::writes::settled;

const PERSON: &str = "nodes/40d76f1f51639ec0";

fn one(name: &str) -> Content {
    let mut rows = Content::default();
    rows.person(name, 1);
    rows
}

/// A person and an edge to it: two tables.
fn linked(name: &str) -> Content {
    let mut rows = one(name);
    rows.edge(name, name, name, 1);
    rows
}

async fn names(graph: &Graph, branch: &str) -> Result<Vec<String>> {
    Ok(content(graph, &branch.parse()?).await?.people.into_keys().collect())
}

/// Makes a lineage of the table of people at the head of main, as nobody reads it: a write that stopped, or a branch that is gone.
async fn leave_lineage(path: &Path, name: &str) -> Result<()> {
    let mut table = open(&path.join(PERSON), None).await?;
    let head = table.version().version;
    table.create_branch(name, head, None).await?;
    Ok(())
}

/// Main has gone on since `work` was branched off, so a lineage at its head has the very version that a write to `work` plans.
async fn ahead() -> Result<(TestGraph, BranchName)> {
    let made = TestGraph::new(SOURCE).await?;
    put(&made.graph, &BranchName::main(), &one("base")).await?;
    made.branch("work", "main").await?;
    put(&made.graph, &BranchName::main(), &one("of main")).await?;
    Ok((made, "work".parse()?))
}

#[test]
fn a_lineage_that_was_there_before_is_not_taken_for_what_a_write_made() -> Result<()> {
    run(async || {
        for pass in 0..2 {
            for is_late in [false, true] {
                let (made, work) = ahead().await?;
                if !is_late {
                    leave_lineage(&made.path(), "work").await?;
                }
                fail::cfg(points::WRITE_BEFORE_TABLE_COMMIT, &format!("{pass}*off->return")).expect("a valid action");
                fail::cfg(points::RECOVERY_SIDECAR_DELETE, "return").expect("a valid action");
                let written = put(&made.graph, &work, &linked("new")).await;
                [points::WRITE_BEFORE_TABLE_COMMIT, points::RECOVERY_SIDECAR_DELETE].into_iter().for_each(fail::remove);
                ensure!(written.is_err(), "it was to stop");
                if is_late {
                    leave_lineage(&made.path(), "work").await?;
                }
                let graph = made.open(OpenMode::ReadWrite).await?;
                let shown = names(&graph, "work").await?;
                ensure!(shown == ["base"], "pass {pass}, late {is_late}: {shown:?}");
                put(&graph, &work, &linked("new")).await?;
                ensure!(names(&graph, "work").await? == ["base", "new"]);
                ensure!(names(&graph, "main").await? == ["base", "of main"]);
                settled(&graph).await?;
                Box::pin(GraphFiles::read(&made.path())).await?;
            }
        }
        Ok(())
    })
}

#[test]
fn what_was_interrupted_on_a_branch_that_is_gone_is_not_taken_for_a_write_to_a_new_one() -> Result<()> {
    run(async || {
        for settles_late in [false, true] {
            let (made, work) = ahead().await?;
            made.branch("from", "main").await?;
            let from: BranchName = "from".parse()?;
            put(&made.graph, &from, &one("of from")).await?;
            put(&made.graph, &work, &one("of work")).await?;
            // The new branch starts beyond all versions of the old one.
            for person in ["two", "three", "four"] {
                put(&made.graph, &BranchName::main(), &one(person)).await?;
            }
            fail::cfg(points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT, "return").expect("a valid action");
            let merged = merge(&made.graph, &from, &work).await;
            fail::remove(points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT);
            ensure!(merged.is_err(), "it was to stop");
            if settles_late {
                fail::cfg(points::RECOVERY_SIDECAR_LIST, "return").expect("a valid action");
            }
            let deleted = made.graph.delete_branch(&work).await;
            fail::remove(points::RECOVERY_SIDECAR_LIST);
            deleted?;
            made.branch("work", "main").await?;
            put(&made.graph, &work, &one("of the new one")).await?;

            let history = made.graph.history(&Progress::none()).await?;
            let is_merge = history.commits().iter().any(|commit| commit.merged_parent.is_some());
            ensure!(!is_merge, "the merge into the old branch is recorded on the new one");
            let kinds: Vec<String> = made.graph.audit().await?.into_iter().map(|row| row.recovery_kind).collect();
            ensure!(kinds == ["OrphanedBranchDiscarded"], "{kinds:?}");
            let merged = merge(&made.graph, &from, &work).await?;
            ensure!(merged.outcome == MergeOutcome::Merged, "{merged:?}");
            ensure!(names(&made.graph, "work").await?.contains(&"of from".to_owned()));
        }
        Ok(())
    })
}

/// Where the sidecar of another process is hidden until the lists are counted.
static HIDDEN: Mutex<Option<(PathBuf, PathBuf)>> = Mutex::new(None);
static LISTS: AtomicUsize = AtomicUsize::new(0);

/// While another process is at work nothing is healed. What it leaves when it dies is healed before the next write all the same.
#[test]
fn what_another_process_leaves_after_the_healing_is_healed_before_the_write() -> Result<()> {
    run(async || {
        let made = TestGraph::new(SOURCE).await?;
        let main = BranchName::main();
        put(&made.graph, &main, &one("base")).await?;
        fail::cfg(points::WRITE_BEFORE_TABLE_COMMIT, "return").expect("a valid action");
        fail::cfg(points::RECOVERY_SIDECAR_DELETE, "return").expect("a valid action");
        put(&made.graph, &main, &one("lost")).await.err().context("it was to stop")?;
        [points::WRITE_BEFORE_TABLE_COMMIT, points::RECOVERY_SIDECAR_DELETE].into_iter().for_each(fail::remove);
        let sidecar = fs::read_dir(made.path().join("__recovery"))?.next().context("it left a sidecar")??.path();
        let hidden = made.path().with_file_name("hidden.json");
        fs::rename(&sidecar, &hidden)?;
        *HIDDEN.lock().expect("nobody panics with it") = Some((hidden, sidecar));
        let appear = || {
            // The first list is that of healing.
            if LISTS.fetch_add(1, Ordering::Relaxed) == 1
                && let Some((hidden, sidecar)) = HIDDEN.lock().expect("nobody panics with it").take()
            {
                fs::rename(hidden, sidecar).expect("it is there");
            }
        };
        fail::cfg_callback(points::RECOVERY_SIDECAR_LIST, appear).expect("a valid action");
        let written = put(&made.graph, &main, &one("next")).await;
        fail::remove(points::RECOVERY_SIDECAR_LIST);
        written?;
        ensure!(names(&made.graph, "main").await? == ["base", "next"]);
        let audit = made.graph.audit().await?;
        ensure!(audit.len() == 1 && audit[0].recovery_kind == "RolledBack", "a load that never was: {audit:?}");
        settled(&made.graph).await
    })
}
