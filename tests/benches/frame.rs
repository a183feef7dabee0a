//! From a key to the frame that answers it, on the History screen with as many commits as the sample has, with 100 k, and with 1,000
//! branches that run side by side.

#![expect(clippy::print_stdout, reason = "percentiles are no result of criterion's")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use stratigraph::config::Config;
use stratigraph::effect::{Effect, GraphInfo, Reply, Request};
use stratigraph::event::{Event, Now};
use stratigraph::job::JobId;
use stratigraph::run::new_state;
use stratigraph::screen::history::chart::{Chart, ChartSpec};
use stratigraph::screen::history::log::CommitLog;
use stratigraph::screen::{ScreenRequest, history};
use stratigraph::state::State;
use stratigraph::theme::Surroundings;
use stratigraph::update::{handle, open_graph};
use stratigraph::view::view;
use stratigraph_engine::{BranchName, Commit, CommitGraph, CommitId, ManifestVersion};
use stratigraph_widgets::commit_dag::synthetic::{Shape, history as synthetic};

use crate::merge;

/// Commits and branches: as in the sample, and as in a large graph.
const HISTORIES: [(u32, u32); 2] = [(300, 8), (100_000, 30)];
/// Branches of a fleet, and commits of each.
const FLEET: (u32, u32) = (1_000, 10);
const SIZE: (u16, u16) = (120, 30);
/// Between two events of a key that is held down.
const REPEAT: Duration = Duration::from_millis(10);
const NOW: Now = Now { utc_micros: 200_000_000_000, elapsed: Duration::from_mins(1) };
/// A walk over the list that never reaches its end.
const KEYS: [char; 8] = ['j', 'j', 'j', 'k', 'l', 'h', 'j', 'G'];

fn commit_id(number: u32) -> CommitId {
    // Spread over all bits, so that ends of ids differ as real ones do.
    CommitId::from_u128(u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) >> 1)
}

fn graph(commits: u32, branches: u32) -> CommitGraph {
    let history = synthetic(Shape { commits, branches, merge_percent: 20, seed: 7 });
    let mut branches = BTreeMap::new();
    for (number, &head) in history.heads.iter().enumerate() {
        let name =
            if number == 0 { BranchName::main() } else { BranchName::from_stored(Some(&format!("work/{number}"))) };
        branches.insert(name, commit_id(head));
    }
    let commits = (0..commits).map(|number| {
        let mut parents = history.dag.parents(number).iter().map(|&parent| commit_id(parent));
        Commit {
            id: commit_id(number),
            parent: parents.next(),
            merged_parent: parents.next(),
            branch: BranchName::main(),
            manifest_version: ManifestVersion::new(u64::from(number) + 3),
            created_at_micros: history.dag.time_micros(number),
            actor: Some("bench".into()),
        }
    });
    CommitGraph::new(commits.collect(), branches, Vec::new())
}

/// A commit of main for each branch that starts there; then each branch, in turn, with commits of its own.
fn fleet((branches, own): (u32, u32)) -> CommitGraph {
    let agent = |number: u32| BranchName::from_stored(Some(&format!("agent/{number}")));
    let commit = |number: u32, branch: BranchName, parent: Option<CommitId>| Commit {
        id: commit_id(number),
        parent,
        merged_parent: None,
        branch,
        manifest_version: ManifestVersion::new(u64::from(number) + 3),
        created_at_micros: i64::from(number) * 1_000_000,
        actor: Some("bench".into()),
    };
    let on_main = |number: u32| commit(number, BranchName::main(), number.checked_sub(1).map(commit_id));
    let mut commits: Vec<Commit> = (0..branches).map(on_main).collect();
    let mut heads: Vec<CommitId> = (0..branches).map(commit_id).collect();
    for turn in 1..=own {
        for (number, head) in (0..branches).zip(&mut heads) {
            let next = turn * branches + number;
            commits.push(commit(next, agent(number), Some(*head)));
            *head = commit_id(next);
        }
    }
    let mut branches: BTreeMap<BranchName, CommitId> = (0..branches).map(agent).zip(heads).collect();
    branches.insert(BranchName::main(), commit_id(FLEET.0 - 1));
    CommitGraph::new(commits, branches, Vec::new())
}

struct Screen {
    state: State,
    terminal: Terminal<TestBackend>,
}

impl Screen {
    fn event(&mut self, event: Event) -> Vec<Effect> {
        handle(&mut self.state, event, NOW)
    }

    fn draw(&mut self) {
        let state = &self.state;
        let mut regions = None;
        self.terminal.draw(|frame| regions = Some(view(state, frame))).expect("drawing in memory");
        self.state.shared.regions = regions.expect("drawn once");
    }

    /// Handles a key and draws the answer.
    fn press(&mut self, key: char) -> Duration {
        let start = Instant::now();
        self.event(Event::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)));
        self.draw();
        start.elapsed()
    }
}

fn wanted(effects: Vec<Effect>) -> Option<(JobId, ChartSpec)> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Start(start) => match start.request {
            Request::Screen(ScreenRequest::History(history::Request::Load(spec, _))) => Some((start.id, spec)),
            _ => None,
        },
        _ => None,
    })
}

/// The workbench with the whole history read.
fn loaded(graph: CommitGraph) -> Screen {
    let state = new_state("/data/bench".to_owned(), Config::default(), Surroundings::default(), SIZE, NOW);
    let mut screen =
        Screen { state, terminal: Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal in memory") };
    let opening = open_graph(&mut screen.state).into_iter().find_map(|effect| match effect {
        Effect::Start(start) => Some(start.id),
        _ => None,
    });
    let info = GraphInfo { name: "bench".to_owned(), uri: "/data/bench".to_owned(), stamp: 3 };
    let effects = screen.event(Event::Reply(
        opening.expect("opening is a job"),
        Reply::Opened(info, stratigraph::writing::Mode::ReadOnly),
    ));
    let (job, spec) = wanted(effects).expect("the history is asked for");
    let chart = Chart::new(Arc::new(CommitLog::new(Arc::new(graph), Vec::new())), spec);
    screen.event(Event::Reply(job, Reply::History(history::Reply::Loaded(Arc::new(chart)))));
    screen.draw();
    screen
}

/// The first frame, and the frame after a key: its mean, and its 99th percentile against the budget.
pub(crate) fn key_to_frame(criterion: &mut Criterion) {
    if !crate::is_asked("frame/") {
        return;
    }
    criterion.bench_function("frame/first, before any data", |bencher| {
        bencher.iter(|| {
            let state = new_state("/data/bench".to_owned(), Config::default(), Surroundings::default(), SIZE, NOW);
            let terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal in memory");
            Screen { state, terminal }.draw();
        });
    });
    let histories = HISTORIES.map(|(commits, branches)| (format!("{commits} commits"), graph(commits, branches)));
    for (of, graph) in histories.into_iter().chain([(format!("{} branches", FLEET.0), fleet(FLEET))]) {
        let mut screen = loaded(graph);
        let mut keys = KEYS.iter().cycle();
        let name = format!("frame/key to frame, {of}");
        println!("{name}: 99th percentile {:?}", slowest(&mut screen, &mut keys));
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| screen.press(*keys.next().expect("endless")));
        });
        let name = format!("{name}, a merge and a row diff at work");
        merge::while_busy(|| {
            println!("{name}: 99th percentile {:?}", slowest(&mut screen, &mut keys));
            criterion.bench_function(&name, |bencher| {
                bencher.iter(|| screen.press(*keys.next().expect("endless")));
            });
        });
    }
}

/// The time in which all but a hundredth of the keys are answered, pressed as fast as a held key repeats.
fn slowest<'k>(screen: &mut Screen, keys: &mut impl Iterator<Item = &'k char>) -> Duration {
    let answer = |_| {
        std::thread::sleep(REPEAT);
        screen.press(*keys.next().expect("endless"))
    };
    let mut times: Vec<Duration> = (0..1_000).map(answer).collect();
    times.sort();
    times[times.len() * 99 / 100]
}
