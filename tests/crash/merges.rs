//! Merges that fail at every step: all of the merge is there with its commit of two parents, or nothing is, whatever is done next.

mod cancel;
mod scene;
mod windows;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::{MergeOutcome, MergeWay};
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::recovery::AuditRow;
use stratigraph_engine::{At, Commit, Graph, OpenMode, Progress, TableEntry, fail as points};
use stratigraph_tests::folder;
use stratigraph_tests::graph::{ACTOR, TestGraph, branch};

use crate::alone::{alone, run};
use crate::small::{Content, content, content_at, merge, put};
use crate::writes::{settled, settled_and_conforming};
use scene::{Scene, Shape};

const RECOVERY: &str = "omnigraph:recovery";

/// Every point that a merge may pass.
fn merge_points() -> Vec<&'static str> {
    let of_others = points::MUTATION_POST_FINALIZE_PRE_PUBLISHER;
    points::WRITE.into_iter().filter(|&point| point != of_others).chain(points::MERGE).collect()
}

/// What is done after the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Reopen,
    WriteAgain,
    MergeAgain,
    /// Reopen, and again, because the first recovery stops at this point.
    RecoverTwice(&'static str),
}

const THENS: [Then; 3] = [Then::Reopen, Then::WriteAgain, Then::MergeAgain];

/// How often the merge passes each point when nothing fails.
async fn passes(scene: &Scene) -> Result<BTreeMap<&'static str, usize>> {
    scene.put_back()?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    let counts = Arc::new(Mutex::new(BTreeMap::new()));
    for point in merge_points() {
        let counts = counts.clone();
        let count = move || *counts.lock().expect("nobody panics with it").entry(point).or_default() += 1;
        fail::cfg_callback(point, count).expect("a valid action");
    }
    let merged = merge(&graph, &scene.source, &scene.target).await;
    merge_points().into_iter().for_each(fail::remove);
    let merged = merged.with_context(|| format!("{:?}", scene.shape))?;
    ensure!(merged.outcome == scene.shape.outcome(), "{:?}: {:?}", scene.shape, merged.outcome);
    let [of_nodes, of_edges] = scene.shape.ways();
    let found: Vec<MergeWay> = merged.tables.iter().map(|table| table.way).collect();
    let expected = [of_edges, of_nodes].into_iter().filter(|way| *way != MergeWay::Untouched);
    ensure!(expected.eq(found.iter().copied()), "{:?}: {found:?}", scene.shape);
    ensure!(content(&graph, &scene.target).await? == scene.after, "{:?} is merged wrongly", scene.shape);
    settled_and_conforming(&graph).await?;
    drop(graph);
    Ok(Arc::into_inner(counts).context("nobody counts any more")?.into_inner()?)
}

/// Checks the sidecar of a merge (M-13): it pins the tables that move, on the target, and all or none are confirmed.
fn check_sidecar(scene: &Scene, sidecar: &Value) -> Result<()> {
    let target = scene.target.stored();
    let same = |field: &str, value: Value| {
        ensure!(sidecar[field] == value, "{field} is {}, not {value}", sidecar[field]);
        Ok(())
    };
    same("schema_version", 2.into())?;
    same("writer_kind", "BranchMerge".into())?;
    same("branch", target.into())?;
    same("actor_id", ACTOR.into())?;
    same("merge_source_commit_id", scene.source_head.to_string().into())?;
    let pins = sidecar["tables"].as_array().context("a list")?;
    let mut keys: Vec<&str> = pins.iter().filter_map(|pin| pin["table_key"].as_str()).collect();
    keys.sort_unstable();
    ensure!(keys == scene.shape.moving(), "{keys:?} are pinned");
    ensure!(pins.iter().all(|pin| pin["table_branch"].as_str() == target), "{pins:?}");
    let expected = |pin: &Value| pin["expected_version"].as_u64().zip(pin["post_commit_pin"].as_u64());
    ensure!(pins.iter().all(|pin| expected(pin).is_some_and(|(from, to)| to == from + 1)), "{pins:?}");
    let confirmed = pins.iter().filter(|pin| pin["confirmed_version"].is_u64()).count();
    ensure!(confirmed == 0 || (confirmed == pins.len() && !scene.shape.is_mixed()), "{pins:?}");
    Ok(())
}

/// Commits of the target that merge what was to be merged, oldest first.
async fn merges(graph: &Graph, scene: &Scene) -> Result<Vec<Commit>> {
    let history = graph.history(&Progress::none()).await?;
    let of_merge = |commit: &&Commit| commit.merged_parent == Some(scene.source_head) && commit.branch == scene.target;
    let mut found: Vec<Commit> = history.commits().iter().filter(of_merge).cloned().collect();
    found.reverse();
    Ok(found)
}

/// What is stored right after the failure, as anybody sees it who only looks.
async fn look(scene: &Scene, acknowledged: bool) -> Result<()> {
    let digest = folder::digest(&scene.path())?;
    let graph = scene.open(OpenMode::ReadOnly).await?;
    for (branch, before) in &scene.before {
        let shown = content(&graph, branch).await?;
        let is_merged = *branch == scene.target && shown == scene.after;
        ensure!(is_merged || shown == *before, "{branch} shows half of the merge: {shown:?}");
        ensure!(!acknowledged || *branch != scene.target || is_merged, "an acknowledged merge is not shown");
    }
    let sidecar = scene.sidecar()?;
    sidecar.iter().try_for_each(|sidecar| check_sidecar(scene, sidecar))?;
    let snapshot = graph.snapshot(&At::Branch(scene.target.clone())).await?;
    let mut drifted = graph.table_status(&snapshot).await;
    drifted.retain(|status| status.drift().is_some_and(|drift| drift > 0) && owned(scene, &status.entry));
    ensure!(drifted.is_empty() || sidecar.is_some(), "nothing explains {drifted:?}");
    ensure!(folder::digest(&scene.path())? == digest, "looking changed the graph");
    Ok(())
}

/// Whether the target's own lineage is the one a pin names: main's moves on under branches that point to it.
fn owned(scene: &Scene, entry: &TableEntry) -> bool {
    entry.lineage == (!scene.target.is_main()).then(|| scene.target.clone())
}

/// The row that is written after the failure.
fn next() -> Content {
    let mut next = Content::default();
    next.person("Linus", 1);
    next.edge("next", "Linus", "Ada", 1);
    next
}

fn with_next(content: &Content) -> Content {
    let mut content = content.clone();
    content.people.extend(next().people);
    content.edges.extend(next().edges);
    content
}

/// Does something on the handle that saw the failure; if it has to be opened anew first, the error says so.
async fn go_on(scene: &Scene, graph: Graph, then: Then) -> Result<()> {
    match then {
        Then::Reopen => Ok(()),
        Then::RecoverTwice(point) => {
            drop(graph);
            fail::cfg(point, "return").expect("a valid action");
            let opened = scene.open(OpenMode::ReadWrite).await;
            fail::remove(point);
            ensure!(opened.is_err(), "the recovery does not pass {point}");
            Ok(())
        }
        Then::WriteAgain => {
            let again = put(&graph, &scene.target, &next()).await;
            let shown = content(&graph, &scene.target).await?;
            ensure!(again.is_ok() == shown.people.contains_key("Linus"), "{again:?} but {shown:?}");
            let Err(error) = again else { return Ok(()) };
            ensure!(error.to_string().contains("reopen"), "{error}");
            drop(graph);
            let graph = scene.open(OpenMode::ReadWrite).await?;
            put(&graph, &scene.target, &next()).await.context("after reopening")
        }
        Then::MergeAgain => {
            let Err(error) = merge(&graph, &scene.source, &scene.target).await else { return Ok(()) };
            let text = error.to_string();
            let graph = if text.contains("reopen") {
                drop(graph);
                scene.open(OpenMode::ReadWrite).await?
            } else {
                ensure!(text.contains("preview it again"), "{error}");
                graph
            };
            merge(&graph, &scene.source, &scene.target).await.map(drop).with_context(|| format!("after: {text}"))
        }
    }
}

/// What the audit says is what happened.
async fn check_audit(scene: &Scene, graph: &Graph, was_merged: bool) -> Result<Vec<AuditRow>> {
    let audit = graph.audit().await?;
    ensure!(audit.len() <= 1, "{audit:?}");
    let history = graph.history(&Progress::none()).await?;
    for row in &audit {
        let kind = if was_merged { "RolledForward" } else { "RolledBack" };
        ensure!(row.recovery_kind == kind, "{audit:?}");
        ensure!(row.recovery_for_actor.as_deref() == Some(ACTOR) && row.sidecar_writer_kind == "BranchMerge");
        let mut keys: Vec<&str> = row.outcomes.iter().map(|outcome| outcome.table_key.as_str()).collect();
        keys.sort_unstable();
        let moving = scene.shape.moving();
        ensure!(if was_merged { keys == moving } else { keys.iter().all(|key| moving.contains(key)) }, "{audit:?}");
        let is_forward = |from: u64, to: u64| if was_merged { from < to } else { from > to };
        ensure!(row.outcomes.iter().all(|outcome| is_forward(outcome.from_version, outcome.to_version)), "{audit:?}");
        let commit = history.get(row.graph_commit_id.parse()?).context("the recovery has its commit")?;
        ensure!(commit.actor.as_deref() == Some(RECOVERY) && commit.branch == scene.target, "{commit:?}");
    }
    Ok(audit)
}

/// One failure and what follows.
async fn one(scene: &Scene, point: &str, pass: usize, then: Then) -> Result<()> {
    scene.put_back()?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    fail::cfg(point, &format!("{pass}*off->return")).expect("a valid action");
    let merged = merge(&graph, &scene.source, &scene.target).await;
    fail::remove(point);
    let acknowledged = merged.is_ok();
    // A merge that moved no head says after publishing that it did, for a recovery that may have to record its commit.
    let is_said_late = point == points::RECOVERY_SIDECAR_WRITE && scene.shape.moving().is_empty();
    ensure!(acknowledged == (is_said_late || point == points::RECOVERY_SIDECAR_DELETE), "{merged:?}");
    look(scene, acknowledged).await?;
    go_on(scene, graph, then).await?;

    // Whatever was done: opening once more ends with a settled graph.
    let graph = scene.open(OpenMode::ReadWrite).await?;
    match then {
        Then::Reopen | Then::RecoverTwice(_) => settled_and_conforming(&graph).await?,
        Then::WriteAgain | Then::MergeAgain => settled(&graph).await?,
    }
    let commits = merges(&graph, scene).await?;
    ensure!(commits.len() <= 1, "merged {} times: {commits:?}", commits.len());
    let shown = content(&graph, &scene.target).await?;
    let (merged, unmerged) = match then {
        Then::WriteAgain => (with_next(&scene.after), with_next(&scene.before[&scene.target])),
        Then::Reopen | Then::RecoverTwice(_) | Then::MergeAgain => {
            (scene.after.clone(), scene.before[&scene.target].clone())
        }
    };
    let is_merged = commits.len() == 1;
    ensure!(shown == if is_merged { merged.clone() } else { unmerged }, "merged: {is_merged}, but {shown:?}");
    ensure!(is_merged || (!acknowledged && then != Then::MergeAgain), "the merge is lost");
    for commit in &commits {
        ensure!(content_at(&graph, &At::Commit(commit.id)).await? == scene.after, "{commit:?}");
    }
    // A merge that was repeated was not there before.
    let was_merged = commits.first().is_some_and(|commit| then != Then::MergeAgain || !is_repeated(scene, commit));
    check_audit(scene, &graph, was_merged).await?;

    let plan = graph.merge_plan(&scene.source, &scene.target, &Progress::none()).await?;
    ensure!((plan.outcome() == MergeOutcome::AlreadyUpToDate) == is_merged, "{:?}", plan.outcome());
    merge(&graph, &scene.source, &scene.target).await.context("merging at last")?;
    ensure!(content(&graph, &scene.target).await? == merged, "merged at last, it is something else");
    ensure!(merges(&graph, scene).await?.len() == 1);
    let again = merge(&graph, &scene.source, &scene.target).await?;
    ensure!(again.outcome == MergeOutcome::AlreadyUpToDate && again.written.is_none(), "{again:?}");
    for (branch, before) in scene.before.iter().filter(|(branch, _)| **branch != scene.target) {
        ensure!(content(&graph, branch).await? == *before, "{branch} is not what it was");
    }
    drop(graph);
    let before = folder::digest(&scene.path())?;
    drop(scene.open(OpenMode::ReadWrite).await?);
    ensure!(folder::digest(&scene.path())? == before, "there was something left to do");
    Ok(())
}

/// Whether a merge was made on top of something that was done after the failure.
fn is_repeated(scene: &Scene, commit: &Commit) -> bool {
    commit.actor.as_deref() != Some(RECOVERY) && commit.parent != Some(scene.target_head)
}

/// Every failure of a merge of one shape.
fn matrix(shape: Shape) -> Result<usize> {
    let mut runs = 0;
    run(async || {
        let scene = Scene::new(shape).await?;
        let passes = passes(&scene).await?;
        ensure!(passes == shape.passes(), "the points are passed {passes:?} times");
        for (point, count) in passes {
            for (pass, then) in (0..count).flat_map(|pass| THENS.map(|then| (pass, then))) {
                let result = one(&scene, point, pass, then).await;
                result.with_context(|| format!("{shape:?}: {point} at pass {pass}, then {then:?}"))?;
                runs += 1;
            }
        }
        Ok(())
    })?;
    Ok(runs)
}

#[test]
fn a_fast_forward_that_fails_anywhere_is_whole_or_gone() -> Result<()> {
    alone(|| {
        assert_eq!(matrix(Shape::FastForward)? + matrix(Shape::Sibling)? + matrix(Shape::OwnLineages)?, 150);
        Ok(())
    })
}

#[test]
fn a_three_way_merge_that_fails_anywhere_is_whole_or_gone() -> Result<()> {
    alone(|| {
        assert_eq!(matrix(Shape::ThreeWay)? + matrix(Shape::NewLineages)?, 102);
        Ok(())
    })
}

#[test]
fn a_merge_that_takes_states_over_and_fails_anywhere_is_whole_or_gone() -> Result<()> {
    alone(|| {
        assert_eq!(matrix(Shape::Pointer)? + matrix(Shape::Fork)? + matrix(Shape::NetZero)?, 39);
        Ok(())
    })
}

#[test]
fn a_mixed_merge_that_fails_anywhere_is_whole_or_gone() -> Result<()> {
    alone(|| {
        assert_eq!(matrix(Shape::PointerAndRewrite)? + matrix(Shape::ForkAndRewrite)?, 60);
        Ok(())
    })
}

/// Where a merge stops so that recovery has something to do, and the points which that passes.
fn stops(shape: Shape) -> Vec<(&'static str, usize, Vec<&'static str>)> {
    let ending = [points::RECOVERY_BEFORE_RECORD, points::RECOVERY_RECORD_AUDIT, points::RECOVERY_SIDECAR_DELETE];
    let with = |first: &'static str| -> Vec<&'static str> { std::iter::once(first).chain(ending).collect() };
    let (back, forward) = (with(points::RECOVERY_AFTER_RESTORE), with(points::RECOVERY_BEFORE_ROLL_FORWARD_PUBLISH));
    let published = points::GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT;
    if shape.moving().is_empty() {
        return vec![(published, 0, forward)];
    }
    let complete = points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT;
    vec![
        (points::WRITE_BEFORE_TABLE_COMMIT, 1, back.clone()),
        (complete, 0, if shape.is_mixed() { back } else { forward }),
        (published, 0, ending.to_vec()),
    ]
}

#[test]
fn a_recovery_of_a_merge_that_stops_ends_as_if_it_had_not() -> Result<()> {
    run(async || {
        let mut runs = 0;
        for shape in [Shape::FastForward, Shape::NewLineages, Shape::Pointer, Shape::ForkAndRewrite] {
            let scene = Scene::new(shape).await?;
            for (point, pass, of_recovery) in stops(shape) {
                for then in of_recovery.into_iter().map(Then::RecoverTwice) {
                    let result = one(&scene, point, pass, then).await;
                    result.with_context(|| format!("{shape:?}: {point} at pass {pass}, then {then:?}"))?;
                    runs += 1;
                }
            }
        }
        assert_eq!(runs, 3 * 11 + 4);
        Ok(())
    })
}

/// Another program confirms what it wrote to, whether or not it was to take over other tables besides, and marks nothing.
#[test]
fn a_merge_of_another_program_is_finished_only_if_nothing_was_to_be_taken_over_besides() -> Result<()> {
    run(async || {
        for shape in [Shape::FastForward, Shape::ThreeWay, Shape::PointerAndRewrite, Shape::ForkAndRewrite] {
            let scene = Scene::new(shape).await?;
            scene.put_back()?;
            let graph = scene.open(OpenMode::ReadWrite).await?;
            fail::cfg(points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT, "return").expect("a valid action");
            let merged = merge(&graph, &scene.source, &scene.target).await;
            fail::remove(points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT);
            drop(graph);
            let mut sidecar = scene.sidecar()?.with_context(|| format!("it was to stop: {merged:?}"))?;
            let old = sidecar["operation_id"].as_str().context("an id")?.to_owned();
            let last = if old.ends_with('0') { '1' } else { '0' };
            let new = format!("{}{last}", &old[..old.len() - 1]);
            sidecar["operation_id"] = new.as_str().into();
            for pin in sidecar["tables"].as_array_mut().context("a list")? {
                // Appended, replaced, deleted: three commits.
                let confirmed = pin["expected_version"].as_u64().context("a version")? + 3;
                pin["confirmed_version"] = confirmed.into();
            }
            let folder = scene.path().join("__recovery");
            fs::remove_file(folder.join(format!("{old}.json")))?;
            fs::write(folder.join(format!("{new}.json")), sidecar.to_string())?;

            let graph = scene.open(OpenMode::ReadWrite).await?;
            let shown = content(&graph, &scene.target).await?;
            let is_finished = merges(&graph, &scene).await?.len() == 1;
            ensure!(is_finished != shape.is_mixed(), "{shape:?}: finished: {is_finished}");
            ensure!(shown == if is_finished { scene.after.clone() } else { scene.before[&scene.target].clone() });
            merge(&graph, &scene.source, &scene.target).await?;
            ensure!(content(&graph, &scene.target).await? == scene.after, "{shape:?}");
            settled_and_conforming(&graph).await?;
        }
        Ok(())
    })
}

/// Others can write to the tables of a merge that never got to them, if they do not look at its sidecar.
#[test]
fn a_merge_that_wrote_nothing_is_not_taken_for_done_because_others_wrote() -> Result<()> {
    run(async || {
        for shape in [Shape::FastForward, Shape::ThreeWay, Shape::PointerAndRewrite] {
            let scene = Scene::new(shape).await?;
            scene.put_back()?;
            let graph = scene.open(OpenMode::ReadWrite).await?;
            fail::cfg(points::WRITE_BEFORE_TABLE_COMMIT, "return").expect("a valid action");
            fail::cfg(points::RECOVERY_SIDECAR_DELETE, "return").expect("a valid action");
            let merged = merge(&graph, &scene.source, &scene.target).await;
            [points::WRITE_BEFORE_TABLE_COMMIT, points::RECOVERY_SIDECAR_DELETE].into_iter().for_each(fail::remove);
            ensure!(merged.is_err() && scene.sidecar()?.is_some(), "{merged:?}");
            let (sidecars, hidden) = (scene.path().join("__recovery"), scene.path().with_file_name("hidden"));
            fs::rename(&sidecars, &hidden)?;
            put(&graph, &scene.target, &next()).await?;
            drop(graph);
            fs::remove_dir_all(&sidecars)?;
            fs::rename(&hidden, &sidecars)?;

            let graph = scene.open(OpenMode::ReadWrite).await?;
            ensure!(content(&graph, &scene.target).await? == with_next(&scene.before[&scene.target]));
            ensure!(merges(&graph, &scene).await?.is_empty(), "{shape:?}: the merge is lost");
            let audit = graph.audit().await?;
            ensure!(audit.len() == 1 && audit[0].recovery_kind == "RolledBack", "{audit:?}");
            merge(&graph, &scene.source, &scene.target).await?;
            ensure!(content(&graph, &scene.target).await? == with_next(&scene.after));
        }
        Ok(())
    })
}

/// What is done about a merge that moved no head and left no record: its process died right after publishing.
#[derive(Debug, Clone, Copy)]
enum Next {
    Write,
    Merge,
    /// A write that stops and is recovered.
    Recover,
}

#[test]
fn a_merge_that_moved_no_head_is_recorded_by_whoever_writes_next() -> Result<()> {
    run(async || {
        for shape in [Shape::Pointer, Shape::Fork] {
            let scene = Scene::new(shape).await?;
            for next_deed in [Next::Write, Next::Merge, Next::Recover] {
                let result = unrecorded(&scene, next_deed).await;
                result.with_context(|| format!("{shape:?}, then {next_deed:?}"))?;
            }
        }
        Ok(())
    })
}

async fn unrecorded(scene: &Scene, next_deed: Next) -> Result<()> {
    scene.put_back()?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    let window = [points::RECOVERY_SIDECAR_WRITE, points::GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT];
    for point in window {
        fail::cfg(point, "return").expect("a valid action");
    }
    let merged = merge(&graph, &scene.source, &scene.target).await;
    window.into_iter().for_each(fail::remove);
    ensure!(merged.is_err() && scene.sidecar()?.is_none(), "{merged:?}");
    drop(graph);
    let mut graph = scene.open(OpenMode::ReadWrite).await?;
    ensure!(merges(&graph, scene).await?.is_empty(), "the window is gone, and with it this test");
    let expected = match next_deed {
        Next::Write => {
            put(&graph, &scene.target, &next()).await?;
            with_next(&scene.after)
        }
        Next::Merge => {
            // The plan was made on a history that lacks the merge.
            let outdated = merge(&graph, &scene.source, &scene.target).await.err().context("it is outdated")?;
            ensure!(outdated.to_string().contains("preview it again"), "{outdated}");
            let again = merge(&graph, &scene.source, &scene.target).await?;
            ensure!(again.outcome == MergeOutcome::AlreadyUpToDate, "{again:?}");
            scene.after.clone()
        }
        Next::Recover => {
            fail::cfg(points::MUTATION_POST_FINALIZE_PRE_PUBLISHER, "return").expect("a valid action");
            let written = put(&graph, &scene.target, &next()).await;
            fail::remove(points::MUTATION_POST_FINALIZE_PRE_PUBLISHER);
            ensure!(written.is_err(), "it was to stop");
            drop(graph);
            graph = scene.open(OpenMode::ReadWrite).await?;
            with_next(&scene.after)
        }
    };
    settled_and_conforming(&graph).await?;
    ensure!(content(&graph, &scene.target).await? == expected);
    let commits = merges(&graph, scene).await?;
    ensure!(commits.len() == 1, "{commits:?}");
    ensure!(commits[0].parent == Some(scene.target_head) && commits[0].actor.as_deref() == Some(ACTOR), "{commits:?}");
    ensure!(content_at(&graph, &At::Commit(commits[0].id)).await? == scene.after);
    let plan = graph.merge_plan(&scene.source, &scene.target, &Progress::none()).await?;
    ensure!(plan.outcome() == MergeOutcome::AlreadyUpToDate, "{:?}", plan.outcome());
    Ok(())
}

#[test]
fn every_point_of_a_merge_is_passed_by_one_of_these() {
    let passed: Vec<&str> = Shape::ALL.into_iter().flat_map(|shape| shape.passes().into_keys()).collect();
    assert!(merge_points().iter().all(|point| passed.contains(point)), "a point that no merge passes proves nothing");
}

/// What is to be known of a merge once its source is gone is in its sidecar as well.
#[test]
fn a_merge_that_recovery_finishes_tells_what_it_brings() -> Result<()> {
    run(async || {
        let made = TestGraph::new("node Person { name: String @key  age: I32? }\n").await?;
        let put = async |on: &str, name: &str| made.load(LoadMode::Merge, on, &person(name)).await;
        let merge = async |source: &str, target: &str| merge(&made.graph, &branch(source), &branch(target)).await;
        put("main", "Ada").await?;
        made.branch("dev", "main").await?;
        made.branch("fix", "main").await?;
        put("fix", "Gone").await?;
        merge("fix", "dev").await?;
        put("fix", "Late").await?;
        put("main", "Own").await?;
        fail::cfg(points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT, "return").expect("a valid action");
        let stopped = merge("fix", "main").await;
        fail::remove(points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT);
        ensure!(stopped.is_err(), "it was to stop: {stopped:?}");
        made.open(OpenMode::ReadWrite).await?;
        ensure!(made.graph.audit().await?.iter().any(|row| row.recovery_kind == "RolledForward"), "it is finished");
        made.graph.delete_branch(&branch("fix")).await?;
        let delete = "query q() { delete Person where name = \"Gone\" }".to_owned();
        let (on, params) = (branch("main"), serde_json::Map::new());
        let request = MutateRequest { branch: on, actor: None, text: delete, name: None, params };
        Box::pin(made.graph.mutate(request, &Progress::none())).await?;
        put("dev", "Dev").await?;
        let planned = made.graph.merge_plan(&branch("dev"), &branch("main"), &Progress::none()).await?;
        ensure!(planned.unknown_commits().is_empty(), "{:?}", planned.unknown_commits());
        merge("dev", "main").await?;
        let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
        let gone = made.graph.count(&main, &"node:Person".parse()?, Some("name = 'Gone'")).await?;
        ensure!(gone == 0, "a deleted row came back");
        Ok(())
    })
}

fn person(name: &str) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\",\"age\":1}}}}\n")
}
