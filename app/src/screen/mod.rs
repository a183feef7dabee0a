//! The screens, and the one place where a screen is registered.
//!
//! A screen is a module with a state struct that implements [`Screen`], an `Action` enum, a `Request` enum (what its
//! jobs do), a `Reply` enum (what they deliver), `rows()` (its part of the registry) and `run()` (carries out a request).
//!
//! # How to …
//!
//! **add a pane**: a `const X: PaneId`, returned by [`Screen::panes`] (in tab order; the list may depend on the state), and
//! drawn in [`Screen::view`]: `if let Some(inner) = canvas.pane(panes, X, title) { … }`. `canvas.pane` draws border and
//! title and makes the area known to the mouse and to `shared.pane_height(X)`. Make each row clickable with
//! `canvas.hit(area, Target::Row { pane: X, index })`; the click arrives in [`Screen::point`].
//!
//! **add an action**: a variant of the screen's `Action`, a [`Row`] in `rows()` (name `screen.word`, description, keys,
//! hint, `available` with the reason why not), and a `match` arm in the screen's `update(&mut self, action, cx)`. Keys
//! that every pane has (`enter`, `space`, `u`, `r`, `]`, `n` …) are no new actions: they arrive as [`Verb`] in
//! [`Screen::perform`] if [`Screen::supports`] says so; movements arrive in [`Screen::motion`]. `esc` arrives as
//! [`Verb::Back`] after search and filter of the pane are gone.
//!
//! **read something**: a variant of the screen's `Request` and an arm in its `run(request, cx)`, an `async fn` on a worker
//! thread. From update: `cx.read(Slot { screen, pane, kind: "row diff" }, subject, ScreenRequest::History(request))`, or
//! `cx.peek` for small reads that follow the cursor. `run` uses `cx.graph()`, `cx.progress()` (pass it to the engine, which
//! makes it cancellable) and delivers with `cx.reply(Reply::…).await`, as often as it likes, in bounded pieces; an `Err`
//! becomes a failed job and a toast and reaches [`Screen::failed`]. Replies of a replaced or cancelled read never arrive;
//! the arm in [`Screens::reply`] hands the others to the screen's `reply(&mut self, slot, reply, cx)`.
//!
//! **go to another screen**: `cx.then(Action::Tables(tables::Action::…)); cx.show(ScreenId::Tables)`.
//!
//! **ask**: `cx.open(Overlay::Prompt(..))`, `Overlay::Confirm`, `Overlay::Choose`: each carries the action it ends in.
//!
//! **search and filter**: say [`TermUse::Text`] in [`Screen::term_use`] for the pane; the frame keeps the term, compiles it
//! and calls [`Screen::term_changed`] on each key. Use `cx.matcher(screen, pane, kind)` (view:
//! `shared.terms.matcher(..)`) and return the counter in [`Screen::counter`]. [`TermUse::Expression`] is for filters that the
//! engine runs: called on `enter` only, the text is in `shared.terms.of(..)`.
//!
//! **copy and export**: return [`CopyChoice`]s in [`Screen::copies`] and an [`Content`] in [`Screen::export`].
//!
//! **selection and scrolling**: [`crate::cursor::Cursor`] holds selected row and offset, and turns motions into moves.

pub mod branches;
pub mod history;
pub mod jobs;
pub mod merge;
pub mod recovery;
pub mod tables;

use std::fmt;

use ratatui::layout::Rect;

use crate::action::{Action, Availability, Motion, Row, TermKind};
use crate::effect::Reply;
use crate::export::Content;
use crate::job::Slot;
use crate::message::Failure;
use crate::state::{Arrangement, Context, Counter, Shared};
use crate::tasks::TaskContext;
use crate::view::Canvas;

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScreenId {
    /// What changed, when, by whom.
    History,
    /// Which branches there are.
    Branches,
    /// What a table holds, now or then.
    Tables,
    /// What merging a branch would do.
    Merge,
    /// What was interrupted.
    Recovery,
    /// What the program is doing.
    Jobs,
}

impl ScreenId {
    /// All screens in the order of the title line.
    pub const ALL: [Self; 6] = [Self::History, Self::Branches, Self::Tables, Self::Merge, Self::Recovery, Self::Jobs];

    /// Name in the configuration and in action names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Branches => "branches",
            Self::Tables => "tables",
            Self::Merge => "merge",
            Self::Recovery => "recovery",
            Self::Jobs => "jobs",
        }
    }

    /// Name in the title line.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::History => "History",
            Self::Branches => "Branches",
            Self::Tables => "Tables",
            Self::Merge => "Merge",
            Self::Recovery => "Recovery",
            Self::Jobs => "Jobs",
        }
    }

    /// The digit that shows it. Digits stay with their screens when others are added in between.
    #[must_use]
    pub fn digit(self) -> &'static str {
        match self {
            Self::History => "1",
            Self::Branches => "2",
            Self::Tables => "3",
            Self::Merge => "4",
            Self::Recovery => "5",
            Self::Jobs => "6",
        }
    }
}

/// Name of a pane, unique within its screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaneId(pub &'static str);

impl fmt::Display for PaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// On which side of the split a pane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Left or above.
    Main,
    /// Right or below.
    Detail,
}

/// A pane as the layout needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaneSpec {
    /// Its name.
    pub id: PaneId,
    /// Its side.
    pub side: Side,
    /// Its share of the side's height, relative to the other panes there.
    pub weight: u16,
}

impl PaneSpec {
    /// A pane on the left or above, weight 1.
    #[must_use]
    pub fn main(id: PaneId) -> Self {
        Self { id, side: Side::Main, weight: 1 }
    }

    /// A pane on the right or below, weight 1.
    #[must_use]
    pub fn detail(id: PaneId) -> Self {
        Self { id, side: Side::Detail, weight: 1 }
    }

    /// The same with another weight.
    #[must_use]
    pub fn weight(self, weight: u16) -> Self {
        Self { weight, ..self }
    }
}

/// What each pane does in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Go into the selected thing (`enter`, second click).
    Enter,
    /// Go back out of it (`esc`, after search and filter are dropped).
    Back,
    /// Mark the selected row.
    Mark,
    /// Undo the last mark, choice or filter.
    Undo,
    /// Read again.
    Refresh,
    /// Next difference or problem.
    NextDifference,
    /// Former difference or problem.
    PreviousDifference,
    /// Next match of the search.
    NextMatch,
    /// Former match of the search.
    PreviousMatch,
}

/// How a pane uses the search or filter term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermUse {
    /// Not at all, because …
    No(&'static str),
    /// As text, matched here on each key.
    Text,
    /// As an expression for the engine, on enter. The words say what to type: `SQL condition`.
    Expression(&'static str),
}

/// What a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Something moved or was started.
    Done,
    /// Nothing, because …
    Nothing(String),
}

impl Answer {
    /// Done if `condition` holds, else nothing because of `reason`.
    #[must_use]
    pub fn when(condition: bool, reason: &str) -> Self {
        if condition { Self::Done } else { Self::Nothing(reason.to_owned()) }
    }
}

/// What was clicked in a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The row with this index into the pane's rows.
    Row(usize),
    /// The header of this column.
    Header(usize),
}

/// One line of the copy menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyChoice {
    /// What it is: `short id`.
    pub label: String,
    /// The text that is copied.
    pub text: String,
}

/// From where the screen reads, for the position line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `main @ E5QXRC = head · 2026-05-02 09:14:03Z · manifest 41`
    pub text: String,
    /// Whether it is a branch head; if not the line is reversed.
    pub is_head: bool,
}

/// What the frame needs from a screen. See the [module documentation](self) for how the parts work together.
pub trait Screen: fmt::Debug {
    /// Which screen it is.
    fn id(&self) -> ScreenId;

    /// Its panes in tab order; never empty. The first has the focus at the start.
    fn panes(&self) -> Vec<PaneSpec>;

    /// Draws the panes that `panes` has an area for.
    fn view(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>);

    /// From where it reads; `None` shows the graph alone.
    fn place(&self, _shared: &Shared) -> Option<Place> {
        None
    }

    /// What is pending, for the title line: `:1`.
    fn badge(&self, _shared: &Shared) -> Option<String> {
        None
    }

    /// It was brought on view, or the graph was opened while it is. Start what is missing.
    fn shown(&mut self, _cx: &mut Context<'_>) {}

    /// Branch heads moved (`cx.shared.heads` is new). Called on every screen, on view or not; never while paused.
    fn heads_moved(&mut self, _cx: &mut Context<'_>) {}

    /// Whether the screen shows the failure of this read in the pane concerned; then no toast does, and the message is in the
    /// message history only.
    fn shows_failure(&self, _slot: Slot) -> bool {
        false
    }

    /// A read of this screen failed; the message is on screen already, unless [`Screen::shows_failure`].
    fn failed(&mut self, _slot: Slot, _failure: &Failure, _cx: &mut Context<'_>) {}

    /// A read of this screen ended well; all its replies have arrived.
    fn finished(&mut self, _slot: Slot, _cx: &mut Context<'_>) {}

    /// A read of this screen was cancelled (by hand, or by leaving the screen).
    fn cancelled(&mut self, _slot: Slot, _cx: &mut Context<'_>) {}

    /// Moves in a pane.
    fn motion(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer;

    /// Something in a pane was clicked: select it (a second click arrives as [`Verb::Enter`]).
    fn point(&mut self, pane: PaneId, spot: Spot, cx: &mut Context<'_>) -> Answer;

    /// Whether a pane can do something now.
    fn supports(&self, pane: PaneId, verb: Verb, shared: &Shared) -> Availability;

    /// Does it.
    fn perform(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer;

    /// How a pane uses a term.
    fn term_use(&self, _pane: PaneId, kind: TermKind) -> TermUse {
        match kind {
            TermKind::Search => TermUse::No("nothing to search in this pane"),
            TermKind::Filter => TermUse::No("nothing to filter in this pane"),
        }
    }

    /// The term of a pane changed; `cx.matcher(..)` has the new one, or none.
    fn term_changed(&mut self, _pane: PaneId, _kind: TermKind, _cx: &mut Context<'_>) {}

    /// How many rows the term leaves or marks.
    fn counter(&self, _pane: PaneId, _kind: TermKind, _shared: &Shared) -> Option<Counter> {
        None
    }

    /// What can be copied from a pane now.
    fn copies(&self, _pane: PaneId, _shared: &Shared) -> Vec<CopyChoice> {
        Vec::new()
    }

    /// What a pane shows, to be written to a file; `None` if there is nothing to export.
    fn export(&self, _pane: PaneId, _shared: &Shared) -> Option<Content> {
        None
    }

    /// The command line that shows the same, without the program's name: `log URI --graph`.
    fn command_line(&self, _shared: &Shared) -> Option<String> {
        None
    }
}

/// All screens with their states.
#[derive(Debug, Default)]
pub struct Screens {
    /// History.
    pub history: history::History,
    /// Branches.
    pub branches: branches::Branches,
    /// Tables.
    pub tables: tables::Tables,
    /// Merge.
    pub merge: merge::Merge,
    /// Recovery.
    pub recovery: recovery::Recovery,
    /// Jobs.
    pub jobs: jobs::JobsScreen,
}

impl Screens {
    /// A screen.
    #[must_use]
    pub fn get(&self, id: ScreenId) -> &dyn Screen {
        match id {
            ScreenId::History => &self.history,
            ScreenId::Branches => &self.branches,
            ScreenId::Tables => &self.tables,
            ScreenId::Merge => &self.merge,
            ScreenId::Recovery => &self.recovery,
            ScreenId::Jobs => &self.jobs,
        }
    }

    /// A screen, to be changed.
    pub fn get_mut(&mut self, id: ScreenId) -> &mut dyn Screen {
        match id {
            ScreenId::History => &mut self.history,
            ScreenId::Branches => &mut self.branches,
            ScreenId::Tables => &mut self.tables,
            ScreenId::Merge => &mut self.merge,
            ScreenId::Recovery => &mut self.recovery,
            ScreenId::Jobs => &mut self.jobs,
        }
    }

    /// Hands a screen's reply to it; the frame's own replies are none of a screen's.
    pub fn reply(&mut self, slot: Slot, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::History(reply) => self.history.reply(slot, reply, cx),
            Reply::Branches(reply) => self.branches.reply(slot, reply, cx),
            Reply::Tables(reply) => self.tables.reply(slot, reply, cx),
            Reply::Merge(reply) => self.merge.reply(slot, reply, cx),
            Reply::Recovery(reply) => self.recovery.reply(slot, reply, cx),
            Reply::Opened(..) | Reply::Pending(_) | Reply::Exported(_) | Reply::Exists(_) => {}
        }
    }

    /// Takes a reply that came too late to count: what is large in it is freed by a worker.
    pub fn discard(&mut self, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::History(reply) => self.history.discard(reply, cx),
            Reply::Branches(_)
            | Reply::Tables(_)
            | Reply::Merge(_)
            | Reply::Recovery(_)
            | Reply::Opened(..)
            | Reply::Pending(_)
            | Reply::Exported(_)
            | Reply::Exists(_) => {}
        }
    }
}

/// The registry rows of all screens.
#[must_use]
pub fn rows() -> Vec<Row> {
    [history::rows(), branches::rows(), tables::rows(), merge::rows(), recovery::rows(), jobs::rows()].concat()
}

/// Performs a screen's action.
pub fn update(screens: &mut Screens, action: Action, cx: &mut Context<'_>) {
    match action {
        Action::History(action) => screens.history.update(action, cx),
        Action::Branches(action) => screens.branches.update(action, cx),
        Action::Tables(action) => screens.tables.update(action, cx),
        Action::Merge(action) => screens.merge.update(action, cx),
        Action::Recovery(action) => screens.recovery.update(action, cx),
        Action::Jobs(action) => screens.jobs.update(action, cx),
        Action::Global(_) => unreachable!("BUG: global actions are performed by the frame"),
    }
}

/// Carries out a screen's request on a worker thread.
///
/// # Errors
/// Whatever the engine reports.
pub async fn run(request: ScreenRequest, cx: TaskContext) -> Result<(), Failure> {
    match request {
        ScreenRequest::History(request) => history::run(request, cx).await.map_err(Failure::from),
        ScreenRequest::Branches(request) => branches::run(request, cx).await,
        ScreenRequest::Tables(request) => tables::run(request, cx).await,
        ScreenRequest::Merge(request) => merge::run(request, cx).await,
        ScreenRequest::Recovery(request) => recovery::run(request, cx).await,
    }
}

/// A request of one of the screens.
#[derive(Debug, Clone, PartialEq)]
pub enum ScreenRequest {
    /// Of History.
    History(history::Request),
    /// Of Branches.
    Branches(branches::Request),
    /// Of Tables.
    Tables(tables::Request),
    /// Of Merge.
    Merge(merge::Request),
    /// Of Recovery.
    Recovery(recovery::Request),
}

/// Splits an area into a first line and the rest: titles and headers inside a pane.
#[must_use]
pub fn first_line(area: Rect) -> (Rect, Rect) {
    let height = area.height.min(1);
    let rest = Rect { y: area.y + height, height: area.height - height, ..area };
    (Rect { height, ..area }, rest)
}
