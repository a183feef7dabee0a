//! A program without tasks: events go in, what it asks for is kept, and the test answers.

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use stratigraph_engine::{Branch, BranchName, Commit, CommitId, ManifestVersion, TableEntry, TableKey, TableVersion};

use super::super::request::{Brief, Told};
use super::super::{Action, Details, DetailsKey, Divergence, Facts, HeadPair, Loaded, Reply, Request};
use crate::config::Config;
use crate::effect::{self, Effect, GraphInfo, Start};
use crate::event::{Event, Heads, Now};
use crate::job::{JobStatus, JobUpdate, Lifetime};
use crate::keymap::parse_keys;
use crate::message::Failure;
use crate::run::new_state;
use crate::screen::{ScreenId, ScreenRequest};
use crate::state::State;
use crate::summary::Summary;
use crate::theme::{ColorChoice, Depth, GlyphSet, Surroundings, Theme};
use crate::update::{handle, open_graph, update};
use crate::view::view;
use crate::writing::Mode;

/// 2026-05-02 09:14:03 UTC.
const NOW: Now = Now { utc_micros: 1_777_713_243_000_000, elapsed: Duration::from_secs(9) };
const MINUTE: i64 = 60_000_000;

/// The program on the Branches screen.
pub(super) struct Stage {
    pub(super) state: State,
    pub(super) starts: Vec<Start>,
    pub(super) checks: usize,
}

impl Stage {
    /// A terminal of this size, the graph just opened, the branches asked for.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let around = Surroundings { locale: Some("C.UTF-8".to_owned()), ..Surroundings::default() };
        let mut config = Config::default();
        config.color.value = ColorChoice::Always;
        let new = new_state("/data/crm".to_owned(), config, around, (columns, rows), NOW);
        let mut stage = Self { state: new, starts: Vec::new(), checks: 0 };
        let effects = open_graph(&mut stage.state);
        stage.take(effects);
        let start = stage.starts.remove(0);
        stage.opened(start.id, Mode::ReadOnly);
        stage.event(Event::Heads(Ok(heads(41))));
        stage.starts.clear();
        stage.keys("2");
        stage
    }

    /// The same with the branches read, the selected one's details read and everything counted.
    pub(super) fn ready(columns: u16, rows: u16) -> Self {
        Self::with(columns, rows, loaded())
    }

    /// The same with these branches.
    pub(super) fn with(columns: u16, rows: u16, loaded: Loaded) -> Self {
        let mut stage = Self::new(columns, rows);
        stage.answer("branches", vec![Reply::Loaded(Box::new(loaded))]);
        stage.details();
        stage.count();
        stage
    }

    /// The same, open for writing by dana.
    pub(super) fn writing(columns: u16, rows: u16) -> Self {
        let mut stage = Self::ready(columns, rows);
        stage.state.shared.writing.mode = Mode::Write;
        stage.state.shared.writing.actor = Some("dana".to_owned());
        stage
    }

    fn opened(&mut self, job: crate::job::JobId, mode: Mode) {
        let info = GraphInfo { name: "crm".to_owned(), uri: "/data/crm".to_owned(), stamp: 3 };
        self.event(Event::Reply(job, effect::Reply::Opened(info, mode)));
        self.event(Event::Job(job, JobUpdate::Ended(JobStatus::Succeeded)));
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(start) => self.starts.push(start),
                Effect::CheckHeads => self.checks += 1,
                _ => {}
            }
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        let effects = handle(&mut self.state, event, NOW);
        self.take(effects);
        let (columns, rows) = self.state.shared.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
        terminal
            .draw(|frame| {
                let regions = view(&self.state, frame);
                self.state.shared.regions = regions;
            })
            .expect("drawn");
    }

    pub(super) fn act(&mut self, action: Action) {
        let effects = update(&mut self.state, crate::action::Action::Branches(action));
        self.take(effects);
    }

    /// Presses keys, separated by spaces.
    pub(super) fn keys(&mut self, keys: &str) {
        for key in parse_keys(keys).expect("known keys") {
            self.event(Event::Key(key.event()));
        }
    }

    /// Types text.
    pub(super) fn text(&mut self, text: &str) {
        self.event(Event::Paste(text.to_owned()));
    }

    /// The newest request of a kind that was not answered yet.
    pub(super) fn asked(&self, kind: &str) -> Option<&Request> {
        let start = self.starts.iter().rev().find(|start| start.slot.kind == kind)?;
        match &start.request {
            effect::Request::Screen(ScreenRequest::Branches(request)) => Some(request),
            _ => None,
        }
    }

    /// Whether a job of this kind was asked for that writes.
    pub(super) fn writes(&self, kind: &str) -> bool {
        self.starts.iter().any(|start| start.slot.kind == kind && start.lifetime == Lifetime::Write)
    }

    fn newest(&mut self, kind: &str) -> Start {
        let at = self.starts.iter().rposition(|start| start.slot.kind == kind);
        let start = self.starts.remove(at.unwrap_or_else(|| panic!("nothing of kind {kind} was asked for")));
        self.event(Event::Job(start.id, JobUpdate::Started));
        start
    }

    /// Answers the newest request of a kind and ends its job.
    pub(super) fn answer(&mut self, kind: &str, replies: Vec<Reply>) {
        let start = self.newest(kind);
        for reply in replies {
            self.event(Event::Reply(start.id, effect::Reply::Branches(reply)));
        }
        self.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)));
    }

    /// Lets the newest request of a kind end so.
    pub(super) fn end(&mut self, kind: &str, status: JobStatus) {
        let start = self.newest(kind);
        self.event(Event::Job(start.id, JobUpdate::Ended(status)));
    }

    /// Lets the newest request of a kind fail.
    pub(super) fn fail(&mut self, kind: &str, failure: Failure) {
        self.end(kind, JobStatus::Failed(failure));
    }

    /// Answers the request for details.
    pub(super) fn details(&mut self) {
        let Some(Request::Details(key)) = self.asked("branch").cloned() else { return };
        let details = details(&key);
        self.answer("branch", vec![Reply::Details(key, Box::new(details))]);
    }

    /// Answers the request for what is ahead and behind.
    pub(super) fn count(&mut self) {
        let Some(Request::Count(pairs)) = self.asked("ahead and behind").cloned() else { return };
        let known = |(at, pair): (usize, HeadPair)| (pair, Some(Divergence { ahead: at + 1, behind: 12 * at }));
        let counted = pairs.into_iter().enumerate().map(known).collect();
        self.answer("ahead and behind", vec![Reply::Counted(counted)]);
    }

    /// What is on screen, without styles.
    pub(super) fn picture(&self) -> String {
        text(&self.buffer())
    }

    /// The name of the selected branch.
    pub(super) fn selected(&self) -> String {
        let facts = self.state.screens.branches.list.selected();
        facts.map_or_else(String::new, |facts| facts.branch.name.to_string())
    }

    fn buffer(&self) -> Buffer {
        let (columns, rows) = self.state.shared.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
        terminal.draw(|frame| drop(view(&self.state, frame))).expect("drawn");
        terminal.backend().buffer().clone()
    }

    /// Compares the screen with its snapshots in three looks.
    pub(super) fn snapshot(&mut self, name: &str) {
        let (columns, rows) = self.state.shared.size;
        let looks = [
            ("colour", Depth::Named, GlyphSet::Unicode),
            ("no_colour", Depth::None, GlyphSet::Unicode),
            ("ascii", Depth::None, GlyphSet::Ascii),
        ];
        for (look, depth, glyphs) in looks {
            self.state.shared.theme = Theme { depth, glyphs, ..self.state.shared.theme };
            insta::assert_snapshot!(format!("{name}_{columns}x{rows}_{look}"), dump(&self.buffer()));
        }
    }

    /// Whether the Branches screen is on view.
    pub(super) fn is_here(&self) -> bool {
        self.state.shared.screen == ScreenId::Branches
    }
}

fn text(buffer: &Buffer) -> String {
    let line = |y: u16| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| line(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The text, and below each line that has styles a line with a letter a cell: r reversed, b bold, u underlined, d dim, a
/// capital where there is a colour too, c for a colour alone.
fn dump(buffer: &Buffer) -> String {
    let mut dump = String::new();
    for (y, line) in (0..).zip(text(buffer).lines()) {
        let styles: String = (0..buffer.area.width).map(|x| sign(&buffer[(x, y)])).collect();
        writeln!(dump, "{line}").expect("a string");
        if !styles.trim().is_empty() {
            writeln!(dump, "~{}", styles.trim_end()).expect("a string");
        }
    }
    dump
}

fn sign(cell: &ratatui::buffer::Cell) -> char {
    let signs = [(Modifier::REVERSED, 'r'), (Modifier::BOLD, 'b'), (Modifier::UNDERLINED, 'u'), (Modifier::DIM, 'd')];
    let found = signs.iter().find(|(modifier, _)| cell.modifier.contains(*modifier)).map(|(_, sign)| *sign);
    let coloured = cell.fg != Color::Reset || cell.bg != Color::Reset;
    match (found, coloured) {
        (Some(sign), true) => sign.to_ascii_uppercase(),
        (Some(sign), false) => sign,
        (None, true) => 'c',
        (None, false) => ' ',
    }
}

pub(super) fn branch(name: &str) -> BranchName {
    BranchName::from_stored(Some(name))
}

fn key(text: &str) -> TableKey {
    text.parse().expect("a table key")
}

/// A commit whose id ends with `end`, made `minutes` ago.
pub(super) fn brief(end: &str, on: &str, version: u64, minutes: i64) -> Brief {
    let id: CommitId = format!("01M7Y249A1EHFH4MJGAE{end}").parse().expect("an id");
    let commit = Commit {
        id,
        parent: None,
        merged_parent: None,
        branch: branch(on),
        manifest_version: ManifestVersion::new(version),
        created_at_micros: NOW.utc_micros - minutes * MINUTE,
        actor: Some(if on == "main" { "dana" } else { "act-李小龍" }.into()),
    };
    Brief { commit, short_id: end.to_owned() }
}

/// A branch made from main at version 30, with its head.
pub(super) fn facts(name: &str, head: Option<Brief>, version: u64, tables: &[&str]) -> Facts {
    let is_main = name == "main";
    let fork = brief("9GZ6N2", "main", 30, 3000);
    let branch = Branch {
        name: branch(name),
        manifest_version: ManifestVersion::new(version),
        head: head.as_ref().map(|head| head.commit.id),
        parent: (!is_main).then(BranchName::main),
        forked_at: (!is_main).then(|| ManifestVersion::new(30)),
        created_at_micros: (!is_main).then_some(NOW.utc_micros - 2900 * MINUTE),
        owned_tables: tables.iter().map(|table| key(table)).collect(),
    };
    Facts { branch, head, fork: (!is_main).then_some(fork), pending: 0 }
}

/// main, a branch with interrupted writes, one made from that, and one whose commits cannot be read.
pub(super) fn loaded() -> Loaded {
    let all = ["edge:WorksOn", "node:Person", "node:Project"];
    let mut child = facts("reorg/trial", Some(brief("CP5G0X", "reorg/trial", 69, 300)), 69, &["node:Person"]);
    child.branch.parent = Some(branch("reorg"));
    let hiring = facts("hiring", Some(brief("R22CH4", "hiring", 54, 125)), 54, &["edge:WorksOn", "node:Person"]);
    Loaded {
        branches: vec![
            facts("main", Some(brief("E5QXRC", "main", 41, 2)), 41, &all),
            Facts { pending: 2, ..hiring },
            facts("old", None, 33, &[]),
            facts("reorg", Some(brief("16BPKA", "reorg", 71, 45)), 71, &["node:Person"]),
            child,
        ],
        gone: [(branch("trial/badges"), 1)].into(),
        unreadable: 0,
    }
}

/// Names that are long, wide or odd.
pub(super) fn odd_names() -> Loaded {
    let names = [
        "main",
        "a-branch-with-a-name-that-is-much-longer-than-any-column-of-the-list-can-be/and-goes-on",
        "功能分支/人事部门的招聘计划和预算",
        "esc\u{1b}[31m\u{202e}ape",
    ];
    let ends = ["E5QXRC", "R22CH4", "16BPKA", "CP5G0X"];
    let all =
        names.iter().zip(ends).map(|(name, end)| facts(name, Some(brief(end, name, 71, 45)), 71, &["node:Person"]));
    Loaded { branches: all.collect(), ..Loaded::default() }
}

fn details(of: &DetailsKey) -> Details {
    let entry = |table: &str, version: u64, rows: u64| TableEntry {
        key: key(table),
        path: "nodes/0".into(),
        version: TableVersion::new(version),
        lineage: None,
        rows,
    };
    let recent = |end: &str, minutes: i64, summary: Summary| Told {
        brief: brief(end, of.branch.as_str(), of.version.get(), minutes),
        summary,
    };
    let merge = Summary::Merge { from: "hiring".to_owned(), into: BranchName::main() };
    Details {
        owned: vec![entry("edge:WorksOn", 12, 1_204_311), entry("node:Person", 7, 3)],
        read_from: [(BranchName::main(), 3), (branch("budget"), 1)].into(),
        recent: vec![
            recent("TQ2M91", 45, Summary::Tables(vec![key("node:Person"), key("edge:WorksOn")])),
            recent("6HX9F2", 180, merge),
            recent("7RW3N1", 7200, Summary::Nothing),
        ],
    }
}

/// Heads as the watch sees them, main at this version.
pub(super) fn heads(main: u64) -> Heads {
    [(BranchName::main(), ManifestVersion::new(main)), (branch("hiring"), ManifestVersion::new(54))].into()
}
