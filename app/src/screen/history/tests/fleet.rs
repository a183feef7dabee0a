//! A thousand branches: what a key costs, and how many labels and lanes there are to see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stratigraph_engine::{BranchName, Commit, CommitGraph, CommitId, ManifestVersion};

use super::fixture::Bench;
use super::large::{bench, id};
use crate::screen::history::chart::Chart;
use crate::screen::history::log::CommitLog;
use crate::screen::history::{Reply, Request};

const BRANCHES: u32 = 1_000;
/// What a key may take until it is answered on screen.
const BUDGET: Duration = Duration::from_millis(16);
/// How often a key is tried: the machine may be busy.
const TRIES: usize = 12;

fn agent(number: u32) -> BranchName {
    BranchName::from_stored(Some(&format!("agent/{number}")))
}

fn commit(number: u32, branch: BranchName, parent: Option<CommitId>) -> Commit {
    Commit {
        id: id(number),
        parent,
        merged_parent: None,
        branch,
        manifest_version: ManifestVersion::new(u64::from(number) + 3),
        created_at_micros: i64::from(number) * 1_000_000,
        actor: Some("fleet".into()),
    }
}

fn log(commits: Vec<Commit>, heads: BTreeMap<BranchName, CommitId>) -> Arc<CommitLog> {
    Arc::new(CommitLog::new(Arc::new(CommitGraph::new(commits, heads, Vec::new())), Vec::new()))
}

/// main with a commit for each branch that starts there; then each branch, in turn, with commits of its own.
fn apart(own: u32) -> Arc<CommitLog> {
    let mut commits = Vec::new();
    let mut heads = BTreeMap::from([(BranchName::main(), id(BRANCHES))]);
    for number in 1..=BRANCHES {
        commits.push(commit(number, BranchName::main(), (number > 1).then(|| id(number - 1))));
        heads.insert(agent(number), id(number));
    }
    let mut next = BRANCHES;
    for _ in 0..own {
        for branch in 1..=BRANCHES {
            next += 1;
            let head = heads.get_mut(&agent(branch)).unwrap();
            commits.push(commit(next, agent(branch), Some(*head)));
            *head = id(next);
        }
    }
    log(commits, heads)
}

/// A short main; all branches were just made at its head.
fn just_made() -> Arc<CommitLog> {
    let commits = (1..=5).map(|number| commit(number, BranchName::main(), (number > 1).then(|| id(number - 1))));
    let heads = (1..=BRANCHES).map(|number| (agent(number), id(5))).chain([(BranchName::main(), id(5))]);
    log(commits.collect(), heads.collect())
}

/// The shortest time in which keys are answered, each time with a frame.
fn shortest(bench: &mut Bench, keys: &str) -> Duration {
    let answered = |_| {
        let start = Instant::now();
        bench.press(keys);
        start.elapsed()
    };
    (0..TRIES).map(answered).min().unwrap()
}

#[test]
fn a_key_is_answered_in_time_whatever_the_number_of_lanes() {
    for own in [1, 4, 9] {
        let mut bench = bench(&apart(own));
        assert!(bench.state.screens.history.list.chart().unwrap().layout().lanes() > 900);
        for keys in ["j", "k", "ctrl-d", "ctrl-u", "l", "h", "]"] {
            let took = shortest(&mut bench, keys);
            assert!(took <= BUDGET, "{keys} took {took:?} with {own} commits of each branch");
        }
    }
}

#[test]
fn a_letter_of_a_filter_is_answered_in_time() {
    let mut bench = bench(&apart(3));
    bench.press("f");
    for keys in ["7", "backspace"] {
        let took = shortest(&mut bench, keys);
        assert!(took <= BUDGET, "{keys} took {took:?}");
    }
    bench.press("esc f");
    bench.type_text("agent/99*");
    let wanted = bench.newest(|request| match request {
        Request::Arrange(log, spec) => Some((Arc::clone(&log.0), spec.clone())),
        _ => None,
    });
    let (job, (log, spec)) = wanted.expect("so many lanes are left to a worker");
    bench.reply(job, Reply::Arranged(Arc::new(Chart::new(log, spec))));
    let chart = bench.state.screens.history.list.chart().unwrap();
    // 99 and 990 to 999 with their own commits, and those of main that they start at: they have the labels of none.
    assert_eq!((chart.commits_shown(), chart.log().len()), (11 * 3, 4 * BRANCHES as usize));
}

#[test]
fn lanes_beyond_the_width_are_counted() {
    let mut bench = bench(&apart(2));
    let picture = bench.draw().join("\n");
    // Each head opens a lane: what does not fit is counted, a row further down one more.
    for hidden in ["│ ○   ", "│+1   ", "│+2   ", "│+15  "] {
        assert!(picture.contains(hidden), "{hidden}: {picture}");
    }
    for _ in 0..40 {
        bench.press("ctrl-d");
    }
    let picture = bench.draw().join("\n");
    assert!(picture.lines().any(|line| line.contains("│+4")), "{picture}");
}

#[test]
fn a_commit_with_a_thousand_heads_names_some_and_counts_the_others() {
    let mut bench = bench(&just_made());
    let took = shortest(&mut bench, "j k");
    assert!(took <= 2 * BUDGET, "two keys took {took:?}");
    let picture = bench.draw().join("\n");
    assert!(picture.contains("[main]+1000"), "{picture}");
    assert!(picture.contains("head of agent/1, agent/2, agent/3,"), "{picture}");
    let more = picture.lines().any(|line| line.contains(" and 9") && line.contains("more"));
    assert!(more, "{picture}");
    // Merging asks which of them, then into which other one.
    bench.press("m");
    let picture = bench.draw().join("\n");
    assert!(picture.contains("Merge which branch"), "{picture}");
    bench.type_text("agent/37");
    bench.press("enter");
    let picture = bench.draw().join("\n");
    assert!(picture.contains("Merge this branch into") && picture.contains("agent/37"), "{picture}");
}
