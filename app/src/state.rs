//! Everything the program knows, as plain data.
//!
//! [`State`] = [`Shared`] (what the frame and all screens use) + [`Screens`]. A screen's own update gets the shared part
//! through a [`Context`], which collects the effects it asks for.

mod context;
mod place;
mod term;

pub use context::Context;
pub use place::{Arrangement, PaneRect, SizeClass, arrange};
pub use term::{Counter, Term, Terms};

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::action::{Availability, Row, Scope};
use crate::config::Config;
use crate::effect::GraphInfo;
use crate::event::{Heads, Now};
use crate::job::{JobId, Jobs, Slot};
use crate::keymap::{Key, Keymap};
use crate::message::{Failure, Messages};
use crate::overlay::Overlay;
use crate::screen::{PaneId, Screen, ScreenId, Screens};
use crate::theme::Theme;
use crate::view::Regions;
use crate::writing::Writing;

/// Whether the graph is open yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphState {
    /// A job is opening it.
    Opening,
    /// It is open.
    Open(GraphInfo),
    /// It could not be opened.
    Failed(Failure),
}

/// A started key sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The keys so far.
    pub keys: Vec<Key>,
    /// When the last of them was pressed.
    pub since: Duration,
}

/// How the panes of one screen are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The pane that has the focus.
    pub focus: PaneId,
    /// Whether it has the whole body.
    pub zoomed: bool,
    /// Whether the other arrangement of the size class is chosen.
    pub turned: bool,
    /// Share of the first part, percent.
    pub split: u16,
}

/// What the program does about quitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quitting {
    /// Nothing.
    No,
    /// Ends when the last job is over.
    WhenIdle,
}

/// What the frame and all screens share.
#[derive(Debug)]
pub struct Shared {
    /// When the present event arrived.
    pub now: Now,
    /// Size of the terminal, columns and rows.
    pub size: (u16, u16),
    /// Location of the graph as it may be shown.
    pub uri: String,
    /// Its location as it was given: may hold secrets, never shown.
    pub location: String,
    /// Whether it is open.
    pub graph: GraphState,
    /// The merged settings.
    pub config: Rc<Config>,
    /// Styles and glyphs.
    pub theme: Theme,
    /// All actions.
    pub registry: Rc<[Row]>,
    /// All keys.
    pub keymap: Rc<Keymap>,
    /// The screen on view.
    pub screen: ScreenId,
    /// Screens one came from, oldest first.
    pub trail: Vec<ScreenId>,
    /// Arrangement of each screen's panes.
    pub frames: HashMap<ScreenId, Frame>,
    /// Overlays; the last one gets the keys.
    pub overlays: Vec<Overlay>,
    /// Search and filter terms of all panes.
    pub terms: Terms,
    /// All jobs.
    pub jobs: Jobs,
    /// The job whose replies count, by slot.
    pub latest: HashMap<Slot, JobId>,
    /// Messages and toasts.
    pub messages: Messages,
    /// Why the last key did nothing; until the next key.
    pub notice: Option<String>,
    /// A started key sequence.
    pub pending: Option<Pending>,
    /// Newest state of each branch, as last seen. Who reads a branch keeps what was seen when that was asked for.
    pub heads: Arc<Heads>,
    /// What was seen of them before that.
    pub former_heads: Arc<Heads>,
    /// What is known about writing.
    pub writing: Writing,
    /// The interrupted writes that are pending, by their ids; `None` until they were looked for.
    pub interrupted: Option<BTreeSet<String>>,
    /// Whether live updates are frozen.
    pub paused: bool,
    /// Whether the job strip is shown.
    pub strip: bool,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// What was drawn where, last time.
    pub regions: Regions,
    /// The text that was handed to the terminal's clipboard last, as messages tell it.
    pub copied: Option<String>,
    /// What was clicked last.
    pub clicked: Option<(PaneId, crate::screen::Spot)>,
    /// The environment's say about colors and glyphs.
    pub around: crate::theme::Surroundings,
    /// Former inputs of the command palette, oldest first.
    pub palette_history: Vec<String>,
    /// Log file of this run.
    pub log_path: Option<std::path::PathBuf>,
    /// What to do about quitting.
    pub quitting: Quitting,
    /// The export that is being prepared: its content, and its form once chosen.
    pub export: Option<(crate::export::Content, crate::export::Format)>,
}

impl Shared {
    /// Arrangement of the panes of `screen`.
    #[must_use]
    pub fn frame(&self, screen: ScreenId) -> Frame {
        self.frames.get(&screen).copied().unwrap_or(Frame {
            focus: PaneId(""),
            zoomed: false,
            turned: false,
            split: 50,
        })
    }

    /// Rows of content the pane had when it was last drawn; those of the screen before that, so that a list which is not on view
    /// yet is not scrolled as if it had one row.
    #[must_use]
    pub fn pane_height(&self, pane: PaneId) -> usize {
        let height = self.regions.pane(pane).map_or(self.size.1, |area| area.height);
        usize::from(height).max(1)
    }

    /// Columns of content the pane had when it was last drawn; 1 before that.
    #[must_use]
    pub fn pane_width(&self, pane: PaneId) -> usize {
        self.regions.pane(pane).map_or(1, |area| usize::from(area.width).max(1))
    }

    /// Facts about the graph, once it is open.
    #[must_use]
    pub fn graph_info(&self) -> Option<&GraphInfo> {
        match &self.graph {
            GraphState::Open(info) => Some(info),
            GraphState::Opening | GraphState::Failed(_) => None,
        }
    }
}

/// Everything the program knows.
#[derive(Debug)]
pub struct State {
    /// What the frame and all screens share.
    pub shared: Shared,
    /// The screens.
    pub screens: Screens,
}

impl State {
    /// A state before anything is known: the History screen, default settings and keys.
    #[must_use]
    pub fn new(
        location: String,
        around: crate::theme::Surroundings,
        size: (u16, u16),
        now: Now,
        rows: Vec<Row>,
    ) -> Self {
        let keymap = Rc::new(Keymap::new(&rows, &[]));
        let shared = Shared {
            now,
            size,
            uri: crate::logging::mask_secrets(&location),
            location,
            graph: GraphState::Opening,
            config: Rc::new(Config::default()),
            theme: Theme::default(),
            registry: rows.into(),
            keymap,
            screen: ScreenId::History,
            trail: Vec::new(),
            frames: HashMap::new(),
            overlays: Vec::new(),
            terms: Terms::default(),
            jobs: Jobs::default(),
            latest: HashMap::new(),
            messages: Messages::default(),
            notice: None,
            pending: None,
            heads: Arc::default(),
            former_heads: Arc::default(),
            writing: Writing::default(),
            interrupted: None,
            paused: false,
            strip: true,
            mouse: true,
            regions: Regions::default(),
            copied: None,
            clicked: None,
            around,
            palette_history: Vec::new(),
            log_path: None,
            quitting: Quitting::No,
            export: None,
        };
        Self { shared, screens: Screens::default() }
    }

    /// The screen on view.
    #[must_use]
    pub fn screen(&self) -> &dyn Screen {
        self.screens.get(self.shared.screen)
    }

    /// The pane that has the focus: the one chosen, or the first that the screen has now.
    #[must_use]
    pub fn focus(&self) -> PaneId {
        let wanted = self.shared.frame(self.shared.screen).focus;
        let panes = self.screen().panes();
        let known = panes.iter().any(|pane| pane.id == wanted);
        if known { wanted } else { panes.first().map_or(PaneId(""), |pane| pane.id) }
    }

    /// Scopes in which a key is looked up, narrowest first.
    #[must_use]
    pub fn scopes(&self) -> [Scope; 3] {
        let screen = self.shared.screen;
        [Scope::Pane(screen, self.focus()), Scope::Screen(screen), Scope::Global]
    }

    /// Whether the action of a registry row can be asked for here and now.
    #[must_use]
    pub fn available(&self, row: &Row) -> Availability {
        match row.scope {
            Scope::Screen(screen) | Scope::Pane(screen, _) if screen != self.shared.screen => {
                Availability::no(format!("only on the {} screen", screen.title()))
            }
            Scope::Pane(_, pane) if pane != self.focus() => Availability::no(format!("only in the {pane} pane")),
            Scope::Global | Scope::Screen(_) | Scope::Pane(..) => (row.available)(self),
        }
    }

    /// Whether something on screen depends on time passing.
    #[must_use]
    pub fn ticks(&self) -> bool {
        let shared = &self.shared;
        shared.messages.fading() || shared.pending.is_some() || shared.jobs.active().next().is_some()
    }
}
