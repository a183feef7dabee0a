//! Parts of a history, and histories that are brought up to date, equal what a fresh handle reads as a whole.

use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result};
use stratigraph_engine::clock::SetClock;
use stratigraph_engine::history::Recent;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{BranchName, Commit, CommitGraph, Graph, HistoryBatch, OpenMode, Progress, TableKey};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::graph::{TestGraph, branch, load};

use crate::merge::merge;

const SCHEMA: &str = "node Person { name: String @key  age: I32? }\nnode Project { title: String @key }\n";

/// A commit with everything a list shows of it.
type Shown = (Commit, Option<Vec<TableKey>>, Vec<BranchName>);

fn shown(history: &CommitGraph, commit: &Commit) -> Shown {
    let heads = history.heads_at(commit.id).into_iter().cloned().collect();
    (commit.clone(), history.changed_tables(commit).map(<[TableKey]>::to_vec), heads)
}

fn all_shown(history: &CommitGraph) -> Vec<Shown> {
    history.commits().iter().map(|commit| shown(history, commit)).collect()
}

async fn fresh(uri: &str) -> Result<Graph> {
    Ok(Box::pin(Graph::open(uri, OpenMode::ReadOnly)).await?)
}

async fn whole(uri: &str) -> Result<Arc<CommitGraph>> {
    Ok(fresh(uri).await?.history(&Progress::none()).await?)
}

/// The newest commits, of all branches and of each, and what is said about single ones, are those of the whole history.
async fn parts_agree(uri: &str) -> Result<()> {
    let history = whole(uri).await?;
    for limit in [0, 1, 2, 3, 7, history.commits().len()] {
        let recent = Recent { limit: Some(limit), ..Recent::default() };
        let part = fresh(uri).await?.recent_history(&recent, &Progress::none()).await?;
        let expected: Vec<Shown> = all_shown(&history).into_iter().take(limit).collect();
        let found: Vec<Shown> = all_shown(&part).into_iter().take(limit).collect();
        assert_eq!(found, expected, "the newest {limit}");
        assert_eq!(part.heads(), history.heads());
        assert!(part.problems().is_empty(), "{:?}", part.problems());
    }
    for (name, head) in history.heads() {
        let recent = Recent { branch: Some(name.clone()), ..Recent::default() };
        let part = fresh(uri).await?.recent_history(&recent, &Progress::none()).await?;
        let chain: Vec<&Commit> = history.first_parents(*head).collect();
        assert_eq!(part.commits().iter().collect::<Vec<_>>(), chain, "all of {name}");
        for commit in part.commits() {
            assert_eq!(part.changed_tables(commit), history.changed_tables(commit), "{name}");
        }
        let limited = Recent { limit: Some(2), ..recent };
        let part = fresh(uri).await?.recent_history(&limited, &Progress::none()).await?;
        assert_eq!(part.commits().iter().take(2).collect::<Vec<_>>(), chain[..chain.len().min(2)], "the end of {name}");
        assert_eq!(fresh(uri).await?.head_commit(name).await?, Some(*head));
    }
    let graph = fresh(uri).await?;
    for commit in history.commits() {
        let about = graph.history_about(commit.id).await?;
        let found = about.get(commit.id).context("it is about this commit")?;
        assert_eq!(shown(&about, found), shown(&history, commit));
        let end = history.short_id(commit.id);
        assert_eq!(graph.resolve(&end.parse()?).await?.commit, Some(commit.id), "{end}");
    }
    Ok(())
}

#[tokio::test]
async fn parts_of_a_history_of_the_reference_are_those_of_the_whole() -> Result<()> {
    parts_agree(&Fixture::Team.path()?.to_string_lossy()).await
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides
    }
}

async fn step(made: &TestGraph, dice: &mut Dice, number: usize) -> Result<()> {
    let branches: Vec<BranchName> = made.graph.head_versions().await?.into_keys().collect();
    let one = branches[dice.roll(branches.len())].clone();
    match dice.roll(8) {
        0 | 1 => {
            // Also names that were there before.
            let name = format!("b{}", dice.roll(4));
            if !branches.contains(&branch(&name)) {
                made.branch(&name, one.as_str()).await?;
            }
        }
        2 if !one.is_main() => {
            let has_child = made.graph.branches().await?.iter().any(|found| found.parent.as_ref() == Some(&one));
            if !has_child {
                Box::pin(made.graph.delete_branch(&one)).await?;
            }
        }
        3 if !one.is_main() => {
            // A merge may be refused, where the last common commit went with its branch.
            drop(merge(&made.graph, one.as_str(), "main").await);
        }
        _ => {
            let record = match dice.roll(2) {
                0 => format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"p{number}\"}}}}\n"),
                _ => format!("{{\"type\":\"Project\",\"data\":{{\"title\":\"t{number}\"}}}}\n"),
            };
            made.load(LoadMode::Merge, one.as_str(), &record).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_history_that_is_brought_up_to_date_is_that_of_a_fresh_handle() -> Result<()> {
    for seed in [1, 2, 3] {
        let made = TestGraph::new(SCHEMA).await?;
        let mut dice = Dice(seed);
        let looking = made.open(OpenMode::ReadOnly).await?;
        for number in 0..25 {
            step(&made, &mut dice, number).await.with_context(|| format!("seed {seed}, step {number}"))?;
            let (kept, read) = (looking.history(&Progress::none()).await?, whole(&made.uri()).await?);
            assert_eq!(all_shown(&kept), all_shown(&read), "seed {seed}, step {number}");
            assert_eq!(kept.heads(), read.heads(), "seed {seed}, step {number}");
            assert_eq!(kept.problems(), read.problems(), "seed {seed}, step {number}");
        }
        parts_agree(&made.uri()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_is_read_beside_a_writer_has_no_gap() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let uri = made.uri();
    let reading = tokio::spawn(async move {
        let mut most = 0;
        while most <= 60 {
            let (history, recent) = (whole(&uri).await?, Recent { limit: Some(3), ..Recent::default() });
            anyhow::ensure!(history.problems().is_empty(), "{:?}", history.problems());
            let part = fresh(&uri).await?.recent_history(&recent, &Progress::none()).await?;
            anyhow::ensure!(part.problems().is_empty(), "{:?}", part.problems());
            most = history.commits().len();
        }
        anyhow::Ok(())
    });
    for number in 0..60 {
        made.load(LoadMode::Append, "main", &format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"p{number}\"}}}}\n"))
            .await?;
    }
    reading.await??;
    Ok(())
}

/// The command beside a process that writes: what it has read so far is whole, whenever it looks.
#[test]
fn log_beside_a_process_that_writes_claims_no_gap() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (graph, schema, data) = (path("g"), path("s.pg"), path("d.jsonl"));
    std::fs::write(&schema, SCHEMA)?;
    crate::command_line::text(&["init", &graph, "--schema", &schema])?;
    std::fs::write(&data, named("p"))?;
    let load = || {
        let load = ["load", &graph, "--data", &data, "--mode", "merge", "--actor", "dana"];
        Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"))
            .args(load)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    };
    let mut writers = (load()?, 1);
    while writers.1 < 20 || writers.0.try_wait()?.is_none() {
        if writers.0.try_wait()?.is_some() {
            writers = (load()?, writers.1 + 1);
        }
        for arguments in [&["log", &graph][..], &["log", &graph, "--branch", "main"], &["log", &graph, "--limit", "3"]]
        {
            let output = crate::command_line::run(arguments)?;
            anyhow::ensure!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
        }
    }
    assert_eq!(crate::command_line::lines(&["log", &graph, "--json"])?.len(), 21);
    Ok(())
}

fn named(name: &str) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\"}}}}\n")
}

/// Lets another program write, and waits for it.
fn meanwhile<F: Future<Output = Result<()>>>(work: impl FnOnce() -> F + Send) {
    let carry_out = || tokio::runtime::Runtime::new()?.block_on(work());
    std::thread::scope(|scope| scope.spawn(carry_out).join()).expect("it ends").expect("it is done");
}

#[tokio::test]
async fn a_commit_whose_actor_was_read_before_it_has_its_actor() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &named("first")).await?;
    let looking = made.open(OpenMode::ReadOnly).await?;
    let mut looks = 0;
    // Main is read by now, the actors are not.
    let write = |_| {
        looks += 1;
        if looks == 1 {
            meanwhile(|| async { Ok(load(&made.graph, LoadMode::Append, "main", &named("second")).await.map(drop)?) });
        }
    };
    let before = looking.stream_history(&Progress::none(), write).await?;
    let (kept, read) = (looking.history(&Progress::none()).await?, whole(&made.uri()).await?);
    assert_eq!((before.commits().len(), kept.commits().len()), (2, 3));
    assert_eq!(all_shown(&kept), all_shown(&read));
    assert!(kept.commits()[0].actor.is_some());
    Ok(())
}

#[tokio::test]
async fn what_a_branch_merged_while_it_was_read_is_no_gap() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &named("first")).await?;
    made.branch("work", "main").await?;
    made.load(LoadMode::Append, "work", &named("worker")).await?;
    let looking = made.open(OpenMode::ReadOnly).await?;
    let mut shown = Vec::new();
    // Main is read by now, the branch is not.
    let write = |batch: HistoryBatch| {
        if shown.is_empty() {
            meanwhile(|| async {
                load(&made.graph, LoadMode::Append, "main", &named("second")).await?;
                Ok(merge(&made.graph, "main", "work").await.map(drop)?)
            });
        }
        shown.extend(batch.commits.into_iter().map(|commit| commit.id));
    };
    let history = looking.stream_history(&Progress::none(), write).await?;
    assert_eq!(history.problems(), []);
    assert_eq!(all_shown(&history), all_shown(&*whole(&made.uri()).await?));
    assert_eq!(shown.len(), history.commits().len(), "each is shown once");
    Ok(())
}

#[tokio::test]
async fn a_commit_is_younger_than_its_parent_whatever_the_clock_says() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let clock = Arc::new(SetClock::new(1_577_836_800_000_000, 1));
    let late = Graph::open_with_clock(&made.uri(), clock).await?;
    load(&late, LoadMode::Append, "main", &named("first")).await?;
    load(&late, LoadMode::Append, "main", &named("second")).await?;
    let history = whole(&made.uri()).await?;
    let times: Vec<i64> = history.commits().iter().map(|commit| commit.created_at_micros).collect();
    assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "{times:?}");
    Ok(())
}
