//! The windows that the specification names: what a merge that stops there becomes, row by row.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stratigraph_engine::merge::MergeOutcome;
use stratigraph_engine::{BranchName, ErrorKind, OpenMode, Progress, fail as points};
use stratigraph_tests::graph::{ACTOR, TestGraph};

use super::scene::{Scene, Shape};
use super::{RECOVERY, merges, with_next};
use crate::alone::run;
use crate::small::{Content, SOURCE, content, merge, mutate, put};
use crate::writes::settled_and_conforming;

fn people(all: &[(&str, i64)]) -> Content {
    let mut content = Content::default();
    for (name, age) in all {
        content.person(name, *age);
    }
    content
}

/// Merges while a pass of a point fails.
async fn interrupted(
    graph: &stratigraph_engine::Graph,
    (source, target): (&BranchName, &BranchName),
    (point, pass): (&str, usize),
) -> Result<stratigraph_engine::Error> {
    fail::cfg(point, &format!("{pass}*off->return")).expect("a valid action");
    let merged = merge(graph, source, target).await;
    fail::remove(point);
    merged.err().with_context(|| format!("{point} was not passed"))
}

/// M-11.
#[test]
fn a_mixed_delta_that_stops_between_its_commits_is_rolled_back_and_can_be_repeated() -> Result<()> {
    run(async || {
        let windows = [
            (points::BRANCH_MERGE_ADOPT_AFTER_APPEND_PRE_UPSERT, false),
            (points::BRANCH_MERGE_ADOPT_AFTER_UPSERT_PRE_DELETE, false),
            (points::BRANCH_MERGE_REWRITE_AFTER_MERGE_PRE_DELETE, true),
            (points::BRANCH_MERGE_REWRITE_AFTER_DELETE_PRE_INDEX, true),
        ];
        for (window, both_changed) in windows {
            let made = TestGraph::new(SOURCE).await?;
            let (main, feature): (_, BranchName) = (BranchName::main(), "feature".parse()?);
            put(&made.graph, &main, &people(&[("alice", 30), ("carol", 40), ("dave", 50)])).await?;
            made.branch("feature", "main").await?;
            put(&made.graph, &feature, &people(&[("bob", 20), ("carol", 41)])).await?;
            mutate(&made.graph, &feature, "delete Person where name = \"dave\"").await?;
            let (mut before, mut after) = (
                people(&[("alice", 30), ("carol", 40), ("dave", 50)]),
                people(&[("alice", 30), ("bob", 20), ("carol", 41)]),
            );
            if both_changed {
                put(&made.graph, &main, &people(&[("zoe", 60)])).await?;
                before.person("zoe", 60);
                after.person("zoe", 60);
            }
            let error = interrupted(&made.graph, (&feature, &main), (window, 0)).await?;
            assert!(error.to_string().contains("reopen") || std::error::Error::source(&error).is_some(), "{error}");
            let graph = made.open(OpenMode::ReadWrite).await?;
            assert_eq!(content(&graph, &main).await?, before, "{window}");
            assert_eq!(graph.audit().await?[0].recovery_kind, "RolledBack");
            merge(&graph, &feature, &main).await?;
            assert_eq!(content(&graph, &main).await?, after, "{window}");
            settled_and_conforming(&graph).await?;
        }
        Ok(())
    })
}

/// What comes first after an interrupted merge.
#[derive(Debug, Clone, Copy)]
enum First {
    Opening,
    Write,
    Merge,
}

/// M-12.
#[test]
fn a_confirmed_merge_is_finished_by_whoever_comes_first() -> Result<()> {
    run(async || {
        for shape in [Shape::FastForward, Shape::Sibling, Shape::ThreeWay, Shape::OwnLineages, Shape::NewLineages] {
            let scene = Scene::new(shape).await?;
            for first in [First::Opening, First::Write, First::Merge] {
                scene.put_back()?;
                let graph = scene.open(OpenMode::ReadWrite).await?;
                let branches = (&scene.source, &scene.target);
                let point = (points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT, 0);
                interrupted(&graph, branches, point).await?;
                let sidecar = scene.sidecar()?.context("it leaves a sidecar")?;
                let pins = sidecar["tables"].as_array().context("a list")?;
                assert!(pins.iter().all(|pin| pin["confirmed_version"].is_u64()), "{pins:?}");
                let mut expected = scene.after.clone();
                let graph = match first {
                    First::Opening => scene.open(OpenMode::ReadWrite).await?,
                    First::Write => {
                        expected = with_next(&expected);
                        put(&graph, &scene.target, &super::next()).await?;
                        graph
                    }
                    First::Merge => {
                        // It finds the merge finished, which is not what it was planned for.
                        let error = merge(&graph, &scene.source, &scene.target).await.unwrap_err();
                        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                        graph
                    }
                };
                let named = format!("{shape:?}, then {first:?}");
                assert_eq!(content(&graph, &scene.target).await?, expected, "{named}");
                settled_and_conforming(&graph).await.context(named.clone())?;
                let commits = merges(&graph, &scene).await?;
                assert_eq!(commits.len(), 1, "{named}: {commits:?}");
                let commit = &commits[0];
                assert_eq!((commit.actor.as_deref(), commit.parent), (Some(RECOVERY), Some(scene.target_head)));
                assert_eq!(graph.audit().await?[0].recovery_for_actor.as_deref(), Some(ACTOR));
                let again = merge(&graph, &scene.source, &scene.target).await?;
                assert_eq!((again.outcome, again.written), (MergeOutcome::AlreadyUpToDate, None), "{named}");
            }
        }
        Ok(())
    })
}

/// M-14, and the same of the second time the sidecar is written.
#[test]
fn a_sidecar_that_cannot_be_written_stops_the_merge() -> Result<()> {
    run(async || {
        for shape in [Shape::FastForward, Shape::ThreeWay, Shape::NewLineages] {
            let scene = Scene::new(shape).await?;
            let graph = scene.open(OpenMode::ReadWrite).await?;
            let heads = graph.head_versions().await?;
            let branches = (&scene.source, &scene.target);
            let error = interrupted(&graph, branches, (points::RECOVERY_SIDECAR_WRITE, 0)).await?;
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert_eq!(scene.sidecar()?, None);
            assert_eq!(graph.head_versions().await?, heads);
            settled_and_conforming(&graph).await?;

            interrupted(&graph, branches, (points::RECOVERY_SIDECAR_WRITE, 1)).await?;
            let graph = scene.open(OpenMode::ReadWrite).await?;
            assert_eq!(content(&graph, &scene.target).await?, scene.before[&scene.target]);
            assert_eq!(graph.audit().await?[0].recovery_kind, "RolledBack", "nobody knows whether it was complete");
            merge(&graph, &scene.source, &scene.target).await?;
            assert_eq!(content(&graph, &scene.target).await?, scene.after);
            settled_and_conforming(&graph).await?;
        }
        Ok(())
    })
}

/// Makes a sidecar one of the first format, which knew no confirmation.
fn make_old(scene: &Scene) -> Result<()> {
    let folder = scene.path().join("__recovery");
    let path = fs::read_dir(folder)?.next().context("it leaves a sidecar")??.path();
    let mut sidecar: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
    sidecar["schema_version"] = json!(1);
    for pin in sidecar["tables"].as_array_mut().context("a list")? {
        pin.as_object_mut().context("an object")?.remove("confirmed_version");
    }
    Ok(fs::write(path, serde_json::to_string_pretty(&sidecar)?)?)
}

/// R-13 and §7.3: such a merge is published as far as it got if all of its tables moved, because nothing tells a complete one
/// from another.
#[test]
fn a_merge_of_the_first_format_is_judged_by_its_tables_alone() -> Result<()> {
    run(async || {
        let scene = Scene::new(Shape::FastForward).await?;
        let before = &scene.before[&scene.target];
        let mut without_deletion = scene.after.clone();
        without_deletion.people.extend(before.people.get_key_value("Dan").map(|(name, age)| (name.clone(), *age)));
        let commit = points::WRITE_BEFORE_TABLE_COMMIT;
        let cases = [
            ((points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT, 0), &scene.after, "RolledForward"),
            // The edges have their three commits, the nodes none; then all but the last.
            ((commit, 3), before, "RolledBack"),
            ((commit, 5), &without_deletion, "RolledForward"),
        ];
        for ((point, pass), expected, kind) in cases {
            scene.put_back()?;
            let graph = scene.open(OpenMode::ReadWrite).await?;
            interrupted(&graph, (&scene.source, &scene.target), (point, pass)).await?;
            make_old(&scene)?;
            drop(graph);
            let graph = scene.open(OpenMode::ReadWrite).await?;
            assert_eq!(content(&graph, &scene.target).await?, *expected, "{point} {pass}");
            assert_eq!(graph.audit().await?[0].recovery_kind, kind, "{point} {pass}");
            settled_and_conforming(&graph).await?;
            let merged = merges(&graph, &scene).await?;
            assert_eq!(merged.len(), usize::from(kind == "RolledForward"), "{point} {pass}: {merged:?}");
            let plan = graph.merge_plan(&scene.source, &scene.target, &Progress::none()).await?;
            ensure!((plan.outcome() == MergeOutcome::AlreadyUpToDate) == (kind == "RolledForward"));
        }
        Ok(())
    })
}
