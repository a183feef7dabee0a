//! A program without tasks: events go in, what it asks for is kept, and the test answers.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use stratigraph_engine::schema::Catalog;
use stratigraph_engine::{
    At, BranchName, CommitId, ManifestVersion, Row, Snapshot, TableEntry, TableKey, TableVersion, Value,
};

use super::super::request::{Opened, Page, Reply, Request};
use crate::config::Config;
use crate::effect::{self, Effect, GraphInfo, Start};
use crate::event::{Event, Now};
use crate::job::{JobStatus, JobUpdate};
use crate::keymap::parse_keys;
use crate::message::Failure;
use crate::run::new_state;
use crate::screen::{ScreenId, ScreenRequest};
use crate::state::State;
use crate::theme::{ColorChoice, Depth, GlyphSet, Surroundings, Theme};
use crate::update::{handle, open_graph, update};
use crate::view::view;

/// The schema of the tests' graph.
const SOURCE: &str = "
node Person { name: String @key  age: I32?  note: String? }
node Project { title: String  vec: Vector(2)? }
edge WorksOn: Person -> Project { role: String? }
";

const NOW: Now = Now { utc_micros: 1_777_713_243_000_000, elapsed: Duration::from_secs(9) };

/// The program on the Tables screen.
pub(super) struct Stage {
    pub(super) state: State,
    pub(super) starts: Vec<Start>,
    pub(super) cancelled: usize,
}

impl Stage {
    /// A terminal of this size, the graph just opened, the first position asked for.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let around = Surroundings { locale: Some("C.UTF-8".to_owned()), ..Surroundings::default() };
        let mut config = Config::default();
        config.color.value = ColorChoice::Always;
        let new = new_state("/data/crm".to_owned(), config, around, (columns, rows), NOW);
        let mut stage = Self { state: new, starts: Vec::new(), cancelled: 0 };
        let effects = open_graph(&mut stage.state);
        stage.take(effects);
        let start = stage.starts.remove(0);
        let info = GraphInfo { name: "crm".to_owned(), uri: "/data/crm".to_owned(), stamp: 3 };
        stage.event(Event::Reply(start.id, effect::Reply::Opened(info, crate::writing::Mode::ReadOnly)));
        stage.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)));
        stage.starts.clear();
        stage.keys("3");
        stage
    }

    /// The same with the head of main read and the rows of the first type there.
    pub(super) fn ready(columns: u16, rows: u16) -> Self {
        let mut stage = Self::new(columns, rows);
        stage.answer("position", vec![Reply::Opened(Box::new(opened("main", true)))]);
        stage.answer("table heads", vec![Reply::Heads(heads())]);
        stage.answer("rows", vec![Reply::Page(people())]);
        stage
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(start) => self.starts.push(start),
                Effect::Cancel(_) => self.cancelled += 1,
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

    pub(super) fn act(&mut self, action: super::super::Action) {
        let effects = update(&mut self.state, crate::action::Action::Tables(action));
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
            effect::Request::Screen(ScreenRequest::Tables(request)) => Some(request),
            _ => None,
        }
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
            self.event(Event::Reply(start.id, effect::Reply::Tables(reply)));
        }
        self.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)));
    }

    /// Lets the newest request of a kind fail.
    pub(super) fn fail(&mut self, kind: &str, failure: Failure) {
        let start = self.newest(kind);
        self.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Failed(failure))));
    }

    /// What is on screen, without styles.
    pub(super) fn picture(&self) -> String {
        text(&self.buffer())
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

    /// Resizes the terminal.
    pub(super) fn resize(&mut self, columns: u16, rows: u16) {
        self.event(Event::Resize(columns, rows));
    }

    /// Whether the Tables screen is on view.
    pub(super) fn is_here(&self) -> bool {
        self.state.shared.screen == ScreenId::Tables
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

pub(super) fn key(text: &str) -> TableKey {
    text.parse().expect("a table key")
}

/// A position with three tables: the head of a branch, or its commit before.
pub(super) fn opened(at: &str, is_head: bool) -> Opened {
    let at: At = at.parse().expect("a position");
    let version = if is_head { 9 } else { 4 };
    let entry = |name: &str, table_version: u64, rows: u64, lineage: Option<&str>| {
        let entry = TableEntry {
            key: key(name),
            path: "nodes/0".into(),
            version: TableVersion::new(table_version),
            lineage: lineage.map(|name| name.parse().expect("a branch")),
            rows,
        };
        (entry.key.clone(), entry)
    };
    let entries = [
        entry("node:Person", version - 2, 3, None),
        entry("node:Project", 5, 1_204_311, Some("feature/hiring")),
        entry("edge:WorksOn", 7, 2, None),
    ];
    let commit: CommitId = "01M7Y249A1EHFH4MJGAECB534F".parse().expect("an id");
    let snapshot = Snapshot {
        branch: BranchName::main(),
        version: ManifestVersion::new(version),
        commit: Some(commit),
        entries: entries.into(),
    };
    let catalog = Catalog::parse(SOURCE).expect("a schema");
    Opened {
        at,
        snapshot: Arc::new(snapshot),
        is_head,
        short_id: Some("CB534F".to_owned()),
        created_at_micros: Some(1_777_713_243_000_000),
        types: catalog.summaries().into(),
    }
}

/// Heads of the three tables: one is past its pin, one cannot be read.
pub(super) fn heads() -> super::super::Heads {
    let unreadable = Err("no table at nodes/0".to_owned());
    [(key("node:Person"), Ok(7)), (key("edge:WorksOn"), Ok(8)), (key("node:Project"), unreadable)].into()
}

/// A page of rows with all kinds of nothing, wide signs and control characters.
pub(super) fn people() -> Page {
    page(
        &["id", "age", "note"],
        vec![
            vec!["Ada".into(), Value::Int(36), Value::Null],
            vec!["Zoe".into(), Value::Null, "a\u{1b}[31m b\u{202e}c and a text that is too long for its column".into()],
            vec!["李小龍".into(), Value::Int(7), "".into()],
        ],
        false,
    )
}

pub(super) fn page(columns: &[&str], rows: Vec<Vec<Value>>, more: bool) -> Page {
    let columns: Arc<[Arc<str>]> = columns.iter().map(|&name| Arc::from(name)).collect();
    let rows = rows.into_iter().map(|values| Row::new(columns.clone(), values)).collect();
    Page { columns, rows, first: true, more }
}
