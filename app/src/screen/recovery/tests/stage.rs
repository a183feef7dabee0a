//! A program without tasks: events go in, what it asks for is kept, and the test answers.

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::super::request::{Reply, Request};
use crate::config::Config;
use crate::effect::{self, Effect, GraphInfo, Start};
use crate::event::{Event, Now};
use crate::job::{JobStatus, JobUpdate, Lifetime};
use crate::keymap::parse_keys;
use crate::message::Failure;
use crate::run::new_state;
use crate::screen::{ScreenId, ScreenRequest};
use crate::state::State;
use crate::theme::{ColorChoice, Depth, GlyphSet, Surroundings, Theme};
use crate::update::{handle, open_graph};
use crate::view::view;
use crate::writing::Mode;

/// 2026-05-02 09:14:03 UTC.
pub(super) const NOW: Now = Now { utc_micros: 1_777_713_243_000_000, elapsed: Duration::from_secs(9) };

/// The program on the Recovery screen.
pub(super) struct Stage {
    pub(super) state: State,
    pub(super) starts: Vec<Start>,
    /// Looks at the branch heads that were asked for.
    pub(super) checks: usize,
}

impl Stage {
    /// A terminal of this size, the graph just opened, the first look asked for.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let around = Surroundings { locale: Some("C.UTF-8".to_owned()), ..Surroundings::default() };
        let mut config = Config::default();
        config.color.value = ColorChoice::Always;
        let new = new_state("/data/crm".to_owned(), config, around, (columns, rows), NOW);
        let mut stage = Self { state: new, starts: Vec::new(), checks: 0 };
        let effects = open_graph(&mut stage.state);
        stage.take(effects);
        stage.opened(Mode::ReadOnly);
        stage.starts.clear();
        stage.keys("5");
        stage
    }

    /// Ends the opening of the graph.
    pub(super) fn opened(&mut self, mode: Mode) {
        let start = self.starts.remove(0);
        let info = GraphInfo { name: "crm".to_owned(), uri: "/data/crm".to_owned(), stamp: 3 };
        self.event(Event::Reply(start.id, effect::Reply::Opened(info, mode)));
        self.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)));
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
            effect::Request::Screen(ScreenRequest::Recovery(request)) => Some(request),
            _ => None,
        }
    }

    /// Whether the newest request of a kind is a write.
    pub(super) fn is_write(&self, kind: &str) -> bool {
        self.starts.iter().rev().find(|start| start.slot.kind == kind).is_some_and(|of| of.lifetime == Lifetime::Write)
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
            self.event(Event::Reply(start.id, effect::Reply::Recovery(reply)));
        }
        self.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)));
    }

    /// Lets the newest request of a kind fail, after these replies.
    pub(super) fn fail(&mut self, kind: &str, replies: Vec<Reply>, failure: Failure) {
        let start = self.newest(kind);
        for reply in replies {
            self.event(Event::Reply(start.id, effect::Reply::Recovery(reply)));
        }
        self.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Failed(failure))));
    }

    /// What is on screen, without styles.
    pub(super) fn picture(&self) -> String {
        text(&self.buffer())
    }

    /// The bottom line.
    pub(super) fn bottom(&self) -> String {
        self.picture().lines().last().unwrap_or_default().trim().to_owned()
    }

    /// The messages on screen.
    pub(super) fn toasts(&self) -> Vec<String> {
        self.state.shared.messages.toasts().map(|toast| toast.text.clone()).collect()
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

    /// Whether a screen is on view.
    pub(super) fn is_on(&self, screen: ScreenId) -> bool {
        self.state.shared.screen == screen
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
