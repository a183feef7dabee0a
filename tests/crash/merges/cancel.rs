//! Merges that are told to stop: nothing of them is there, or all of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use stratigraph_engine::progress::CancellationToken;
use stratigraph_engine::{BranchName, Error, Graph, ManifestVersion, OpenMode, Progress, ProgressEvent};
use stratigraph_tests::folder;
use stratigraph_tests::graph::ACTOR;

use super::scene::{Scene, Shape};
use crate::alone::run;
use crate::small::{content, merge, undecided};
use crate::writes::settled;

type HeadVersions = BTreeMap<BranchName, ManifestVersion>;

/// What became of a merge that was told to stop.
struct Stopped {
    /// Whether it wrote a commit.
    merged: Result<bool, Error>,
    /// Whether it reported often enough to be told.
    was_told: bool,
    /// Whether it was told before the point of no return.
    could_stop: bool,
}

/// Merges, and tells the merge to stop when it reports for the n-th time.
async fn stopped(graph: &Graph, scene: &Scene, at: usize) -> Result<Stopped> {
    let plan = graph.merge_plan(&scene.source, &scene.target, &Progress::none()).await?;
    let token = CancellationToken::new();
    let reports: Arc<Mutex<Vec<bool>>> = Arc::default();
    let (seen, to_cancel) = (reports.clone(), token.clone());
    let sink = move |event| {
        let mut seen = seen.lock().expect("nobody panics with it");
        seen.push(matches!(event, ProgressEvent::Phase { cancellable: false, .. }));
        if seen.len() == at + 1 {
            to_cancel.cancel();
        }
    };
    let progress = Progress::new(sink, token.clone());
    let merged = graph.merge(&plan, &undecided(&plan), Some(ACTOR.into()), &progress).await;
    let reports = reports.lock().expect("nobody panics with it");
    Ok(Stopped {
        merged: merged.map(|merged| merged.written.is_some()),
        was_told: token.is_cancelled(),
        could_stop: !reports.iter().take(at + 1).any(|is_bound| *is_bound),
    })
}

/// Nothing of the merge is there: no sidecar, no version of a branch or of a table.
async fn check_untouched(scene: &Scene, graph: &Graph, heads: &HeadVersions) -> Result<()> {
    ensure!(scene.sidecar()?.is_none(), "a sidecar is left");
    ensure!(*heads == graph.head_versions().await?, "a branch moved");
    for (branch, before) in &scene.before {
        ensure!(content(graph, branch).await? == *before, "{branch} changed");
    }
    settled(graph).await
}

#[test]
fn a_merge_that_is_told_to_stop_stops_before_its_first_commit_or_goes_on_to_its_end() -> Result<()> {
    run(async || {
        for shape in Shape::ALL {
            let scene = Scene::new(shape).await?;
            let (mut at, mut early) = (0, 0);
            loop {
                scene.put_back()?;
                let graph = scene.open(OpenMode::ReadWrite).await?;
                let heads = graph.head_versions().await?;
                let Stopped { merged, was_told, could_stop } = stopped(&graph, &scene, at).await?;
                let named = || format!("{shape:?}, told at report {at}");
                match merged {
                    Err(Error::Cancelled) => {
                        ensure!(could_stop, "{}: it stopped past the point of no return", named());
                        check_untouched(&scene, &graph, &heads).await.with_context(named)?;
                        merge(&graph, &scene.source, &scene.target).await.with_context(named)?;
                        early += 1;
                    }
                    Err(error) => return Err(anyhow::Error::new(error).context(named())),
                    Ok(written) => ensure!(written, "{}", named()),
                }
                ensure!(content(&graph, &scene.target).await? == scene.after, "{}", named());
                settled(&graph).await.with_context(named)?;
                if !was_told {
                    break;
                }
                at += 1;
            }
            ensure!(early > 0, "{shape:?} cannot be stopped");
        }
        Ok(())
    })
}

#[test]
fn a_preview_that_is_told_to_stop_leaves_the_graph_as_it_was() -> Result<()> {
    run(async || {
        let scene = Scene::new(Shape::ThreeWay).await?;
        let before = folder::digest(&scene.path())?;
        let graph = scene.open(OpenMode::ReadOnly).await?;
        let token = CancellationToken::new();
        token.cancel();
        let planned = graph.merge_plan(&scene.source, &scene.target, &Progress::new(drop, token)).await;
        ensure!(matches!(planned, Err(Error::Cancelled)), "{planned:?}");
        ensure!(folder::digest(&scene.path())? == before, "planning wrote something");
        // And one that is not told to stop does not write either.
        let plan = graph.merge_plan(&scene.source, &scene.target, &Progress::none()).await?;
        ensure!(plan.conflicts().is_empty(), "{:?}", plan.conflicts());
        ensure!(folder::digest(&scene.path())? == before, "planning wrote something");
        Ok(())
    })
}
