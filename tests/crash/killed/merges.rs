//! Loads and merges of branches in processes of their own that are killed at random moments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use stratigraph_engine::{At, CommitId, CreateOptions, Graph, OpenMode, Progress};
use stratigraph_tests::folder;
use tokio::runtime::Runtime;

use super::{KILLS, KILLS_VARIABLE, SOURCE, ids_at, kill, random, write_records};
use crate::alone::alone;
use crate::writes::settled;

const BRANCHES: [&str; 3] = ["main", "left", "right"];

/// One thing that a process does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Load(usize),
    Merge { from: usize, into: usize },
}

fn any_deed(seed: &mut u64) -> Deed {
    let mut below = |limit: u64| usize::try_from(random(seed) % limit).expect("a small number");
    let into = below(3);
    if below(5) < 2 { Deed::Load(into) } else { Deed::Merge { from: (into + 1 + below(2)) % 3, into } }
}

fn start(graph: &Path, number: u32, deed: Deed) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    match deed {
        Deed::Load(branch) => {
            let data = write_records(graph, number)?;
            command.arg("load").arg(graph).arg("--data").arg(data);
            command.args(["--mode", "append", "--branch", BRANCHES[branch]]);
        }
        Deed::Merge { from, into } => {
            command.arg("merge").arg(graph).args([BRANCHES[from], "--into", BRANCHES[into]]);
        }
    }
    command.args(["--actor", "act-dana"]);
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

/// How long it takes if nobody kills it.
fn undisturbed(graph: &Path, number: u32, deed: Deed) -> Result<Duration> {
    let start_of_run = Instant::now();
    let ended = start(graph, number, deed)?.wait_with_output()?;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(start_of_run.elapsed())
}

/// What was acknowledged: the loads that each branch must show.
#[derive(Debug, Default)]
struct Acknowledged {
    loads: [BTreeSet<String>; 3],
    merges: usize,
}

impl Acknowledged {
    fn add(&mut self, number: u32, deed: Deed) {
        match deed {
            Deed::Load(branch) => drop(self.loads[branch].insert(format!("{number:04}"))),
            Deed::Merge { from, into } => {
                let of_source = self.loads[from].clone();
                self.loads[into].extend(of_source);
                self.merges += 1;
            }
        }
    }
}

/// Checks every commit of every branch: nodes and edges are of the same loads, and a merge has all that its two parents have.
async fn check_history(graph: &Graph) -> Result<usize> {
    let history = graph.history(&Progress::none()).await?;
    ensure!(history.problems().is_empty(), "{:?}", history.problems());
    let mut shown: BTreeMap<CommitId, BTreeSet<String>> = BTreeMap::new();
    let mut merges = 0;
    for commit in history.commits().iter().rev() {
        let at = At::Commit(commit.id);
        let people: BTreeSet<String> = ids_at(graph, &at, "Person").await?.into_iter().collect();
        let edges: BTreeSet<String> = ids_at(graph, &at, "Knows").await?.into_iter().collect();
        ensure!(people == edges, "half a write at {commit:?}: {people:?} and {edges:?}");
        if let Some(merged) = commit.merged_parent {
            let of = |id| shown.get(&id).with_context(|| format!("{commit:?} has an unknown parent"));
            let mut both: BTreeSet<String> = of(merged)?.clone();
            both.extend(of(commit.parent.context("a merge has two parents")?)?.iter().cloned());
            ensure!(people == both, "a merge that is not whole: {commit:?}");
            merges += 1;
        }
        shown.insert(commit.id, people);
    }
    Ok(merges)
}

#[test]
#[expect(clippy::print_stderr, reason = "the seed and the summary of the run, for whoever asks for the output")]
fn killed_merges_are_whole_or_gone_and_acknowledged_ones_are_there() -> Result<()> {
    alone(|| {
        let _scenario = fail::FailScenario::setup();
        let kills = std::env::var(KILLS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
        let mut seed = super::new_seed();
        eprintln!("seed {seed}");
        let root = tempfile::tempdir()?;
        let path = root.path().join("g");
        killed_merges(&path, kills, &mut seed)
            .inspect_err(|_| eprintln!("the graph is left at {}", root.keep().display()))
    })
}

#[expect(clippy::print_stderr, reason = "the summary of the run")]
fn killed_merges(path: &Path, kills: u32, seed: &mut u64) -> Result<()> {
    let uri = path.to_string_lossy().into_owned();
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        Graph::create(&uri, SOURCE, &CreateOptions::default()).await?;
        let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
        // One is branched off the other, so that states are taken over both ways.
        for branches in BRANCHES.windows(2) {
            graph.create_branch(&branches[1].parse()?, &branches[0].parse()?).await?;
        }
        anyhow::Ok(())
    })?;

    let mut acknowledged = Acknowledged::default();
    let first = [Deed::Load(1), Deed::Merge { from: 1, into: 0 }];
    let mut lives = [Duration::ZERO; 2];
    for (number, deed) in (0..).zip(first) {
        lives[usize::from(matches!(deed, Deed::Merge { .. }))] = undisturbed(path, number, deed)?;
        acknowledged.add(number, deed);
    }
    let mut interrupted = 0;
    for number in 2..kills + 2 {
        let deed = any_deed(seed);
        let life = lives[usize::from(matches!(deed, Deed::Merge { .. }))];
        let ended = kill(start(path, number, deed)?, path, life, seed)?;
        if ended.status.success() {
            acknowledged.add(number, deed);
        } else {
            let told = String::from_utf8_lossy(&ended.stderr);
            let shown = String::from_utf8_lossy(&ended.stdout);
            ensure!(ended.status.code().is_none(), "{deed:?} was refused: {told}\n{shown}");
            interrupted += 1;
        }
    }
    ensure!(interrupted > 0, "every process was faster than its kill");

    runtime.block_on(async {
        let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
        // Files that were being written when a process was killed are left: whoever only lists files finds them.
        settled(&graph).await?;
        for (branch, loads) in BRANCHES.iter().zip(&acknowledged.loads) {
            let people = ids_at(&graph, &At::Branch(branch.parse()?), "Person").await?;
            ensure!(loads.iter().all(|id| people.contains(id)), "{branch} lost some of {loads:?}: {people:?}");
        }
        let merges = check_history(&graph).await?;
        let audit = graph.audit().await?;
        ensure!(audit.len() <= interrupted, "{} recoveries of {interrupted} kills", audit.len());
        eprintln!(
            "{kills} kills: {interrupted} interrupted, {} recovered, {} merges acknowledged, {merges} are there",
            audit.len(),
            acknowledged.merges,
        );
        let before = folder::digest(path)?;
        drop(Graph::open(&uri, OpenMode::ReadWrite).await?);
        ensure!(folder::digest(path)? == before, "a second recovery did something");
        Ok(())
    })
}
