//! The commits of the `team` fixture as plain values, and a state to press keys in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Style;
use stratigraph_engine::diff::{RowChange, RowOp};
use stratigraph_engine::{
    BranchName, ChangeKind, Commit, CommitGraph, CommitId, ManifestVersion, Row, TableChange, TableEntry, TableKey,
    TableVersion, Value,
};

use crate::config::Config;
use crate::effect::{self, Effect, GraphInfo, Request, Start};
use crate::event::{Event, Now};
use crate::keymap::parse_keys;
use crate::message::Failure;
use crate::rows::Counts;
use crate::run::new_state;
use crate::screen::ScreenRequest;
use crate::screen::history::chart::Chart;
use crate::screen::history::diff::{self, Target};
use crate::screen::history::log::CommitLog;
use crate::screen::history::request::Facts;
use crate::screen::history::{self, Reply};
use crate::state::State;
use crate::theme::Surroundings;
use crate::update::{handle, open_graph};

type TeamCommit = (&'static str, &'static str, u64, &'static [&'static str], Option<&'static str>, i64);

/// id, branch, version, parents, actor, time: as `commits-*.json` of the fixture give them.
const TEAM: [TeamCommit; 11] = [
    ("01M7Y2AKA125T5VJJZZ1M5RCKN", "main", 3, &[], None, 1_795_231_665_473_563),
    (
        "01M7Y2AKCYY3TSSZQ5XMPW4170",
        "main",
        4,
        &["01M7Y2AKA125T5VJJZZ1M5RCKN"],
        Some("act-alice"),
        1_795_231_665_566_793,
    ),
    (
        "01M7Y2AKJ5MM1PVSC9T809NZ43",
        "feature/hiring",
        5,
        &["01M7Y2AKCYY3TSSZQ5XMPW4170"],
        Some("act-alice"),
        1_795_231_665_733_765,
    ),
    (
        "01M7Y2AKMMJJWTHK3WRA2T3BM2",
        "budget",
        5,
        &["01M7Y2AKCYY3TSSZQ5XMPW4170"],
        Some("act-bob"),
        1_795_231_665_812_587,
    ),
    (
        "01M7Y2AKPDTNYYHG7WARYN1CMG",
        "main",
        5,
        &["01M7Y2AKCYY3TSSZQ5XMPW4170"],
        Some("act-carol"),
        1_795_231_665_869_562,
    ),
    (
        "01M7Y2AKRVGYG487HA8048ZDAE",
        "main",
        6,
        &["01M7Y2AKPDTNYYHG7WARYN1CMG", "01M7Y2AKJ5MM1PVSC9T809NZ43"],
        Some("act-carol"),
        1_795_231_665_947_365,
    ),
    (
        "01M7Y2AKWH8XRWGA8QCW0KZXRN",
        "experiment/vectors",
        7,
        &["01M7Y2AKRVGYG487HA8048ZDAE"],
        Some("act-dave"),
        1_795_231_666_065_807,
    ),
    (
        "01M7Y2AM00KG79BDBHYZDT7XSR",
        "main",
        7,
        &["01M7Y2AKRVGYG487HA8048ZDAE", "01M7Y2AKWH8XRWGA8QCW0KZXRN"],
        Some("act-dave"),
        1_795_231_666_176_314,
    ),
    ("01M7Y2AM237AFN5JAYP9F7AWY5", "main", 8, &["01M7Y2AM00KG79BDBHYZDT7XSR"], Some("act-erin"), 1_795_231_666_243_028),
    ("01M7Y2AM4A3R9G8AARTRFP1ZND", "main", 9, &["01M7Y2AM237AFN5JAYP9F7AWY5"], Some("act-erin"), 1_795_231_666_314_634),
    (
        "01M7Y2AM68DRM4A36QAV1WMJEC",
        "budget",
        6,
        &["01M7Y2AKMMJJWTHK3WRA2T3BM2"],
        Some("act-bob"),
        1_795_231_666_376_528,
    ),
];

/// Two hours after the last commit.
pub(in crate::screen::history) const NOW: Now =
    Now { utc_micros: 1_795_238_866_376_528, elapsed: Duration::from_mins(1) };

pub(super) fn id(text: &str) -> CommitId {
    text.parse().unwrap()
}

pub(in crate::screen::history) fn commits() -> Vec<Commit> {
    let commit =
        |(name, branch, version, parents, actor, time): (&str, &str, u64, &[&str], Option<&str>, i64)| Commit {
            id: id(name),
            parent: parents.first().map(|parent| id(parent)),
            merged_parent: parents.get(1).map(|parent| id(parent)),
            branch: BranchName::from_stored(Some(branch)),
            manifest_version: ManifestVersion::new(version),
            created_at_micros: time,
            actor: actor.map(Into::into),
        };
    TEAM.into_iter().map(commit).collect()
}

/// A history of these commits; the newest of each branch is its head.
pub(in crate::screen::history) fn log(commits: Vec<Commit>) -> Arc<CommitLog> {
    let mut heads: BTreeMap<BranchName, (ManifestVersion, CommitId)> = BTreeMap::new();
    for commit in &commits {
        let head = heads.entry(commit.branch.clone()).or_insert((commit.manifest_version, commit.id));
        *head = (*head).max((commit.manifest_version, commit.id));
    }
    let heads = heads.into_iter().map(|(name, (_, id))| (name, id)).collect();
    Arc::new(CommitLog::new(Arc::new(CommitGraph::new(commits, heads, Vec::new())), Vec::new()))
}

pub(super) fn key(text: &str) -> TableKey {
    text.parse().unwrap()
}

pub(super) fn entry(table: &str, version: u64, rows: u64, lineage: Option<&str>) -> TableEntry {
    let lineage = lineage.map(|name| BranchName::from_stored(Some(name)));
    TableEntry { key: key(table), path: table.into(), version: TableVersion::new(version), lineage, rows }
}

pub(super) fn change(from: TableEntry, to: TableEntry) -> TableChange {
    TableChange { key: to.key.clone(), kind: ChangeKind::Changed, from: Some(from), to: Some(to) }
}

/// The last commit of main, as `snapshot-main.json` and its predecessor say.
pub(super) fn last_facts() -> Facts {
    let changes = vec![
        change(entry("edge:WorksOn", 6, 5, None), entry("edge:WorksOn", 7, 4, None)),
        change(entry("node:Person", 6, 7, None), entry("node:Person", 7, 6, None)),
    ];
    Facts { changes, unchanged: 3 }
}

pub(super) fn row(cells: &[(&str, Value)]) -> Row {
    let names = cells.iter().map(|(name, _)| Arc::from(*name)).collect();
    Row::new(names, cells.iter().map(|(_, value)| value.clone()).collect())
}

/// A change of a person: id, age before and after.
pub(super) fn person(name: &str, before: Option<i64>, after: Option<i64>) -> RowChange {
    let side =
        |age: Option<i64>| age.map(|age| row(&[("name", name.into()), ("age", Value::Int(age)), ("id", name.into())]));
    let (op, columns) = match (before, after) {
        (None, _) => (RowOp::Inserted, Vec::new()),
        (_, None) => (RowOp::Deleted, Vec::new()),
        (Some(_), Some(_)) => (RowOp::Updated, vec!["age".to_owned()]),
    };
    let (before, after) = (side(before), side(after));
    RowChange { table: key("node:Person"), id: name.to_owned(), op, before, after, columns }
}

/// A state with the graph open, and what it asked for.
pub(super) struct Bench {
    pub(super) state: State,
    pub(super) asked: Vec<Start>,
}

impl Bench {
    /// The graph is open; the history is being asked for.
    pub(super) fn opened(size: (u16, u16), around: Surroundings, config: Config) -> Self {
        let mut state = new_state("/data/team".to_owned(), config, around, size, NOW);
        let mut asked = starts(open_graph(&mut state));
        let opening = asked.pop().expect("opening is a job");
        let info = GraphInfo { name: "team".to_owned(), uri: "/data/team".to_owned(), stamp: 3 };
        let effects = handle(
            &mut state,
            Event::Reply(opening.id, effect::Reply::Opened(info, crate::writing::Mode::ReadOnly)),
            NOW,
        );
        let mut bench = Self { state, asked: starts(effects) };
        let end = crate::job::JobUpdate::Ended(crate::job::JobStatus::Succeeded);
        bench.event(Event::Job(opening.id, end));
        bench
    }

    /// The `team` history is read.
    pub(super) fn team(size: (u16, u16)) -> Self {
        Self::team_in(size, unicode())
    }

    pub(super) fn team_in(size: (u16, u16), around: Surroundings) -> Self {
        let mut bench = Self::opened(size, around, Config::default());
        bench.load(commits());
        bench.facts();
        bench.draw();
        bench
    }

    /// The row diff of the last commit of main: three people changed.
    pub(super) fn with_rows(size: (u16, u16)) -> Self {
        let mut bench = Self::team(size);
        bench.press("j d");
        bench.tables(vec![change(entry("node:Person", 6, 7, None), entry("node:Person", 7, 6, None))]);
        let people = vec![person("ann", Some(30), Some(31)), person("bob", None, Some(5)), person("cy", Some(9), None)];
        bench.rows("node:Person", people);
        bench.done("node:Person");
        bench.draw();
        bench
    }

    /// The row diff under way.
    fn comparing(&self) -> (crate::job::JobId, Target) {
        let target = self.newest(|request| match request {
            history::Request::Diff(diff::Request::All(target)) => Some(target.clone()),
            _ => None,
        });
        target.expect("a row diff was asked for")
    }

    /// These tables differ.
    pub(super) fn tables(&mut self, changes: Vec<TableChange>) {
        let (job, target) = self.comparing();
        self.reply(job, Reply::Diff(diff::Reply::Tables(target, changes)));
    }

    /// The first rows of a table that differ, all of them counted.
    pub(super) fn rows(&mut self, table: &str, changes: Vec<RowChange>) {
        let (job, target) = self.comparing();
        let mut counts = Counts::default();
        for change in &changes {
            counts.add(change.op);
        }
        let rows = diff::Reply::Rows { target, table: key(table), skip: 0, changes, counts: Some(counts) };
        self.reply(job, Reply::Diff(rows));
    }

    /// A table was read to its end.
    pub(super) fn done(&mut self, table: &str) {
        let (job, target) = self.comparing();
        self.reply(job, Reply::Diff(diff::Reply::Done(target, key(table))));
    }

    /// A table could not be read.
    pub(super) fn unreadable(&mut self, table: &str, failure: Failure) {
        let (job, target) = self.comparing();
        self.reply(job, Reply::Diff(diff::Reply::Failed(target, key(table), failure)));
    }

    /// Answers the newest request for the history.
    pub(super) fn load(&mut self, commits: Vec<Commit>) {
        self.load_log(&log(commits));
    }

    /// Answers the newest request for the history, whose commits are numbered already.
    pub(super) fn load_log(&mut self, log: &Arc<CommitLog>) {
        let wanted = self.newest(|request| match request {
            history::Request::Load(spec, _) => Some(spec.clone()),
            _ => None,
        });
        let (start, spec) = wanted.expect("the history was asked for");
        let chart = Arc::new(Chart::new(Arc::clone(log), spec));
        self.reply(start, Reply::Loaded(chart));
        let end = crate::job::JobUpdate::Ended(crate::job::JobStatus::Succeeded);
        self.event(Event::Job(start, end));
    }

    /// Answers the newest request for details.
    pub(super) fn facts(&mut self) {
        let wanted = self.newest(|request| match request {
            history::Request::Details { commit, .. } => Some(commit.id),
            _ => None,
        });
        if let Some((start, id)) = wanted {
            self.reply(start, Reply::Details(id, Ok(last_facts())));
        }
    }

    pub(super) fn newest<T>(&self, pick: impl Fn(&history::Request) -> Option<T>) -> Option<(crate::job::JobId, T)> {
        self.requests().rev().find_map(|(id, request)| Some((id, pick(request)?)))
    }

    /// What the screen asked for, oldest first.
    pub(super) fn requests(&self) -> impl DoubleEndedIterator<Item = (crate::job::JobId, &history::Request)> {
        self.asked.iter().filter_map(|start| match &start.request {
            Request::Screen(ScreenRequest::History(request)) => Some((start.id, request)),
            _ => None,
        })
    }

    pub(super) fn reply(&mut self, id: crate::job::JobId, reply: Reply) {
        self.event(Event::Reply(id, effect::Reply::History(reply)));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.event_at(event, NOW);
    }

    pub(super) fn event_at(&mut self, event: Event, now: Now) {
        let effects = handle(&mut self.state, event, now);
        self.asked.extend(starts(effects));
    }

    /// Presses keys and draws, so that heights are known.
    pub(super) fn press(&mut self, keys: &str) {
        for key in parse_keys(keys).expect("known keys") {
            self.event(Event::Key(key.event()));
        }
        self.draw();
    }

    /// Types text into what is open.
    pub(super) fn type_text(&mut self, text: &str) {
        self.event(Event::Paste(text.to_owned()));
        self.draw();
    }

    /// Draws and returns the lines.
    pub(super) fn draw(&mut self) -> Vec<String> {
        self.paint().0
    }

    fn paint(&mut self) -> (Vec<String>, Vec<String>) {
        let (columns, rows) = self.state.shared.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
        let mut regions = crate::view::Regions::default();
        terminal.draw(|frame| regions = crate::view::view(&self.state, frame)).expect("drawing in memory");
        self.state.shared.regions = regions;
        let buffer = terminal.backend().buffer();
        let lines = (0..rows).map(|y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>());
        let styles = (0..rows).flat_map(|y| {
            let mut runs: Vec<(u16, u16, Style)> = Vec::new();
            for x in 0..columns {
                let style = buffer[(x, y)].style();
                match runs.last_mut() {
                    Some((_, end, last)) if *last == style => *end = x,
                    _ => runs.push((x, x, style)),
                }
            }
            let plain = |style: &Style| {
                let blank = |color| matches!(color, None | Some(ratatui::style::Color::Reset));
                blank(style.fg) && blank(style.bg) && style.add_modifier.is_empty()
            };
            let runs = runs.into_iter().filter(|(_, _, style)| !plain(style)).map(move |(start, end, style)| {
                let color = |color: Option<ratatui::style::Color>| color.filter(|c| *c != ratatui::style::Color::Reset);
                let fg = color(style.fg).map_or_else(String::new, |color| format!(" {color}"));
                let bg = color(style.bg).map_or_else(String::new, |color| format!(" on {color}"));
                let more = style.add_modifier;
                let more = if more.is_empty() { String::new() } else { format!(" {more:?}") };
                format!("{y}:{start}-{end}{fg}{bg}{more}")
            });
            runs.collect::<Vec<_>>()
        });
        (lines.collect(), styles.collect())
    }

    /// Text and styles of the whole screen.
    pub(super) fn picture(&mut self) -> String {
        let (lines, styles) = self.paint();
        format!("{}\n--- styles\n{}", lines.join("\n"), styles.join("\n"))
    }
}

pub(super) fn starts(effects: Vec<Effect>) -> Vec<Start> {
    let start = |effect| if let Effect::Start(start) = effect { Some(start) } else { None };
    effects.into_iter().filter_map(start).collect()
}

pub(super) fn unicode() -> Surroundings {
    Surroundings {
        locale: Some("C.UTF-8".to_owned()),
        term: Some("xterm-256color".to_owned()),
        ..Surroundings::default()
    }
}
