//! A program without tasks, for the tests of the screens: events go in, what it asks for is kept, and the test answers.
//!
//! A screen's tests say `type Stage = crate::stage::Stage<Branches>` and add what only they need in an `impl` of that type.

mod look;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use stratigraph_engine::{BranchHead, ManifestVersion};

use crate::action::Action;
use crate::config::Config;
use crate::effect::{self, Effect, GraphInfo, Start};
use crate::event::{Event, Now};
use crate::job::{JobStatus, JobUpdate, Lifetime};
use crate::keymap::parse_keys;
use crate::message::Failure;
use crate::run::new_state;
use crate::screen::{ScreenId, ScreenRequest, branches, merge, recovery, tables};
use crate::state::State;
use crate::theme::{ColorChoice, Surroundings, Theme};
use crate::update::{handle, open_graph, update};
use crate::view::view;
use crate::writing::Mode;

pub(crate) use look::{LOOKS, dump, words};

/// 2026-05-02 09:14:03 UTC.
pub(crate) const NOW: Now = Now { utc_micros: 1_777_713_243_000_000, elapsed: Duration::from_secs(9) };

/// The head of a branch that was never made again, at a version.
pub(crate) fn seen(version: u64) -> BranchHead {
    life(version, "")
}

/// The head of one of the branches that had a name one after the other.
pub(crate) fn life(version: u64, identity: &str) -> BranchHead {
    BranchHead { version: ManifestVersion::new(version), identity: identity.to_owned() }
}

/// The ids of some interrupted writes.
pub(crate) fn interrupted(count: usize) -> BTreeSet<String> {
    (1..=count).map(|number| format!("w{number}")).collect()
}

/// A screen that can be staged.
pub(crate) trait Staged {
    /// Which it is.
    const ID: ScreenId;
    /// What its user asks for.
    type Action;
    /// What its jobs do.
    type Request;
    /// What they deliver.
    type Reply: Debug;

    fn action(action: Self::Action) -> Action;
    fn request(request: &ScreenRequest) -> Option<&Self::Request>;
    fn reply(reply: Self::Reply) -> effect::Reply;
}

macro_rules! staged {
    ($($module:ident $screen:ident)*) => {$(
        impl Staged for $module::$screen {
            const ID: ScreenId = ScreenId::$screen;
            type Action = $module::Action;
            type Request = $module::Request;
            type Reply = $module::Reply;

            fn action(action: Self::Action) -> Action {
                Action::$screen(action)
            }

            fn request(request: &ScreenRequest) -> Option<&Self::Request> {
                if let ScreenRequest::$screen(request) = request { Some(request) } else { None }
            }

            fn reply(reply: Self::Reply) -> effect::Reply {
                effect::Reply::$screen(reply)
            }
        }
    )*};
}

staged!(branches Branches  merge Merge  recovery Recovery  tables Tables);

/// The program on a screen.
pub(crate) struct Stage<S> {
    pub(crate) state: State,
    /// The jobs asked for and not answered yet, oldest first.
    pub(crate) starts: Vec<Start>,
    /// What else was asked for, oldest first.
    pub(crate) effects: Vec<Effect>,
    screen: PhantomData<S>,
}

impl<S: Staged> Stage<S> {
    /// A terminal of this size and the graph just opened for reading, the History screen on view.
    pub(crate) fn open(columns: u16, rows: u16) -> Self {
        let around = Surroundings { locale: Some("C.UTF-8".to_owned()), ..Surroundings::default() };
        let mut config = Config::default();
        config.color.value = ColorChoice::Always;
        let new = new_state("/data/crm".to_owned(), config, around, (columns, rows), NOW);
        let mut stage = Self { state: new, starts: Vec::new(), effects: Vec::new(), screen: PhantomData };
        let effects = open_graph(&mut stage.state);
        stage.take(effects);
        let start = stage.starts.remove(0);
        stage.opened(&start, Mode::ReadOnly);
        stage.starts.clear();
        stage
    }

    /// Brings the screen on view.
    pub(crate) fn enter(&mut self) {
        self.keys(S::ID.digit());
    }

    /// The graph is open in a mode.
    pub(crate) fn opened(&mut self, start: &Start, mode: Mode) {
        let info = GraphInfo { name: "crm".to_owned(), uri: "/data/crm".to_owned(), stamp: 3 };
        self.event(Event::Reply(start.id, effect::Reply::Opened(info, mode)));
        self.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)));
    }

    /// Changes to writing, by dana.
    pub(crate) fn write(&mut self) {
        self.state.shared.writing.mode = Mode::Write;
        self.state.shared.writing.actor = Some("dana".to_owned());
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(start) => self.starts.push(start),
                other => self.effects.push(other),
            }
        }
    }

    /// Lets something happen, and draws.
    pub(crate) fn event(&mut self, event: Event) {
        let effects = handle(&mut self.state, event, NOW);
        self.take(effects);
        let mut terminal = self.terminal();
        terminal
            .draw(|frame| {
                let regions = view(&self.state, frame);
                self.state.shared.regions = regions;
            })
            .expect("drawn");
    }

    /// Asks for an action of the screen, as another screen or a menu does.
    pub(crate) fn act(&mut self, action: S::Action) {
        let effects = update(&mut self.state, S::action(action));
        self.take(effects);
    }

    /// Presses keys, separated by spaces.
    pub(crate) fn keys(&mut self, keys: &str) {
        for key in parse_keys(keys).expect("known keys") {
            self.event(Event::Key(key.event()));
        }
    }

    /// Types text.
    pub(crate) fn text(&mut self, text: &str) {
        self.event(Event::Paste(text.to_owned()));
    }

    /// Resizes the terminal.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.event(Event::Resize(columns, rows));
    }

    fn job(&self, kind: &str) -> Option<&Start> {
        self.starts.iter().rev().find(|start| start.slot.kind == kind)
    }

    /// The newest request of a kind that was not answered yet.
    pub(crate) fn asked(&self, kind: &str) -> Option<&S::Request> {
        match &self.job(kind)?.request {
            effect::Request::Screen(request) => S::request(request),
            _ => None,
        }
    }

    /// Whether the newest request of a kind is a write.
    pub(crate) fn is_write(&self, kind: &str) -> bool {
        self.job(kind).is_some_and(|start| start.lifetime == Lifetime::Write)
    }

    /// How often the branch heads were to be looked at.
    pub(crate) fn checks(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::CheckHeads)).count()
    }

    /// How many jobs were to be stopped.
    pub(crate) fn cancelled(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::Cancel(_))).count()
    }

    /// Starts the newest request of a kind.
    pub(crate) fn newest(&mut self, kind: &str) -> Start {
        let at = self.starts.iter().rposition(|start| start.slot.kind == kind);
        let start = self.starts.remove(at.unwrap_or_else(|| panic!("nothing of kind {kind} was asked for")));
        self.event(Event::Job(start.id, JobUpdate::Started));
        start
    }

    /// Answers the newest request of a kind and ends its job so.
    pub(crate) fn end(&mut self, kind: &str, replies: Vec<S::Reply>, status: JobStatus) {
        let start = self.newest(kind);
        for reply in replies {
            self.event(Event::Reply(start.id, S::reply(reply)));
        }
        self.event(Event::Job(start.id, JobUpdate::Ended(status)));
    }

    /// Answers the newest request of a kind, whose job ends well.
    pub(crate) fn answer(&mut self, kind: &str, replies: Vec<S::Reply>) {
        self.end(kind, replies, JobStatus::Succeeded);
    }

    /// Lets the newest request of a kind fail.
    pub(crate) fn fail(&mut self, kind: &str, failure: Failure) {
        self.end(kind, Vec::new(), JobStatus::Failed(failure));
    }

    /// Ends all jobs as cancelled, as the program asks for when the screen is left.
    pub(crate) fn cancel_all(&mut self) {
        let jobs: Vec<_> = self.state.shared.jobs.active().map(|job| job.id).collect();
        for id in jobs {
            self.event(Event::Job(id, JobUpdate::Ended(JobStatus::Cancelled)));
        }
    }

    /// Whether the screen is on view.
    pub(crate) fn is_here(&self) -> bool {
        self.is_on(S::ID)
    }

    /// Whether a screen is on view.
    pub(crate) fn is_on(&self, screen: ScreenId) -> bool {
        self.state.shared.screen == screen
    }

    /// The messages on screen.
    pub(crate) fn toasts(&self) -> Vec<String> {
        self.state.shared.messages.toasts().map(|toast| toast.text.clone()).collect()
    }

    fn terminal(&self) -> Terminal<TestBackend> {
        let (columns, rows) = self.state.shared.size;
        Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal")
    }

    fn buffer(&self) -> Buffer {
        let mut terminal = self.terminal();
        terminal.draw(|frame| drop(view(&self.state, frame))).expect("drawn");
        terminal.backend().buffer().clone()
    }

    /// What is on screen, without styles.
    pub(crate) fn picture(&self) -> String {
        look::text(&self.buffer())
    }

    /// The screen for a page of the documentation: nothing is under way and no message lies over it.
    pub(crate) fn shown(&mut self) -> String {
        self.cancel_all();
        self.state.shared.messages.dismiss();
        look::shown(&self.buffer())
    }

    /// The words on screen, without the breaks of lines and borders.
    pub(crate) fn words(&self) -> String {
        words(&self.picture())
    }

    /// The screen in three looks, with names for their snapshots. A snapshot is compared where its tests are, because its file
    /// is named after that module.
    pub(crate) fn looks(&mut self, name: &str, mut compare: impl FnMut(String, String)) {
        let (columns, rows) = self.state.shared.size;
        for (look, depth, glyphs) in LOOKS {
            self.state.shared.theme = Theme { depth, glyphs, ..self.state.shared.theme };
            compare(format!("{name}_{columns}x{rows}_{look}"), dump(&self.buffer()));
        }
    }
}
