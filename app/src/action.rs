//! What the user can ask for.
//!
//! Each screen has its own enum of actions; [`Action`] joins them with the global ones. A [`Row`] of the registry gives
//! an action its one name, description, default keys and the rule that says whether it is possible right now. Keymap,
//! help, palette, hints, configuration and mouse all read the same rows.

use std::borrow::Cow;
use std::path::PathBuf;

use stratigraph_widgets::data_table::Movement;

use crate::export;
use crate::job::JobId;
use crate::overlay::Overlay;
use crate::screen::{PaneId, ScreenId, Verb, branches, history, jobs, merge, recovery, tables};
use crate::state::State;
use crate::writing::Mode;

/// Anything the user can ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Works on every screen.
    Global(Global),
    /// Works on the History screen.
    History(history::Action),
    /// Works on the Branches screen.
    Branches(branches::Action),
    /// Works on the Tables screen.
    Tables(tables::Action),
    /// Works on the Merge screen.
    Merge(merge::Action),
    /// Works on the Recovery screen.
    Recovery(recovery::Action),
    /// Works on the Jobs screen.
    Jobs(jobs::Action),
}

/// A movement inside the focused pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// One column to the left.
    Left,
    /// One column to the right.
    Right,
    /// To the first column.
    LeftEnd,
    /// To the last column.
    RightEnd,
}

/// The same in the words of the table widgets.
impl From<Motion> for Movement {
    fn from(motion: Motion) -> Self {
        match motion {
            Motion::Down => Self::Down,
            Motion::Up => Self::Up,
            Motion::First => Self::First,
            Motion::Last => Self::Last,
            Motion::HalfDown => Self::HalfPageDown,
            Motion::HalfUp => Self::HalfPageUp,
            Motion::PageDown => Self::PageDown,
            Motion::PageUp => Self::PageUp,
            Motion::Left => Self::Left,
            Motion::Right => Self::Right,
            Motion::LeftEnd => Self::FirstColumn,
            Motion::RightEnd => Self::LastColumn,
        }
    }
}

/// Which of the two term inputs is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TermKind {
    /// Marks matches and keeps everything.
    Search,
    /// Hides what does not match.
    Filter,
}

/// A setting that `:set` changes while the program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name: `time`.
    pub name: String,
    /// Its new value: `local`.
    pub value: String,
}

/// Actions that work everywhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Global {
    /// Move in the focused pane.
    Move(Motion),
    /// Something each pane does in its own way.
    Do(Verb),
    /// Go back: drops, in turn, search, filter, and what the pane drilled into.
    Back,
    /// Open the input of a search or filter.
    EditTerm(TermKind),
    /// Open the input of a filter with the last filter in it.
    EditLastFilter,
    /// The term in the input changed.
    TermChanged(TermKind, String),
    /// The term is as wanted.
    TermDone(TermKind, String),
    /// The term is used as the other kind from now on.
    TermTurned {
        /// What it was.
        from: TermKind,
        /// What it is.
        to: TermKind,
        /// The term.
        text: String,
    },
    /// Forget the term of the focused pane.
    TermDropped(TermKind),
    /// Show a screen.
    Show(ScreenId),
    /// Focus the next pane.
    NextPane,
    /// Focus the former pane.
    PreviousPane,
    /// Focus this pane.
    Focus(PaneId),
    /// Give the focused pane the whole body, and back.
    Zoom,
    /// Other arrangement of the panes.
    Arrange,
    /// Give the first pane this much more (percent; negative for less).
    Split(i16),
    /// Open the help.
    Help,
    /// Open the command palette.
    Palette,
    /// Keep what was typed into the palette.
    Typed(String),
    /// Open the message history.
    Messages,
    /// Open the page of facts about the program and the graph.
    Info,
    /// Open the copy menu.
    CopyMenu,
    /// Copy this text.
    Copy(String),
    /// Ask where to write the text that is too long for the clipboard.
    CopyToFile(String),
    /// Ask for form and path of an export.
    ExportMenu,
    /// Ask for the path of an export in this form.
    ExportPath(export::Format),
    /// Write the export that is being prepared to this path.
    ExportTo(String),
    /// Write it although the file exists.
    ExportOver(PathBuf),
    /// Stop or restart live updates.
    Pause,
    /// Show or hide the job strip.
    Strip,
    /// Cancel the newest job of the strip.
    CancelJob,
    /// Cancel this job.
    Cancel(JobId),
    /// Take the toasts off the screen.
    Dismiss,
    /// Change a setting.
    Set(Setting),
    /// Capture the mouse, or stop it.
    Mouse,
    /// Draw everything again.
    Redraw,
    /// Stop the process until it is continued.
    Suspend,
    /// Leave the screen; at the home screen, quit.
    Leave,
    /// Quit; asks if jobs run.
    Quit,
    /// Ask whether to quit.
    AskQuit,
    /// Do not quit, and do not wait for it either.
    Stay,
    /// Quit as soon as no job runs any more.
    QuitWhenIdle,
    /// Cancel all jobs and quit.
    QuitNow,
    /// Open the graph for writing.
    Write,
    /// Perform an action that writes, once the graph is open for writing and it is known who writes.
    ToWrite(Box<Action>),
    /// This is who writes.
    Actor(String),
    /// Open the graph in this mode.
    OpenFor(Mode),
    /// Open an overlay.
    Open(Box<Overlay>),
}

/// Where an action can be asked for; narrower scopes win when a key is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// On every screen.
    Global,
    /// On one screen.
    Screen(ScreenId),
    /// In one pane of a screen.
    Pane(ScreenId, PaneId),
}

impl Scope {
    /// Name of the section under `keys` in the configuration: `global` or the screen.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Screen(screen) | Self::Pane(screen, _) => screen.name(),
        }
    }
}

/// Whether an action is possible right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It is.
    Ready,
    /// It is not, because …
    Disabled(Cow<'static, str>),
}

impl Availability {
    /// Not possible, because …
    pub fn no(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Disabled(reason.into())
    }

    /// Possible if `condition` holds, else not because of `reason`.
    #[must_use]
    pub fn when(condition: bool, reason: &'static str) -> Self {
        if condition { Self::Ready } else { Self::no(reason) }
    }
}

/// How a registry row becomes an action.
#[expect(clippy::large_enum_variant, reason = "there is one for each row of the registry, made once")]
#[derive(Debug, Clone)]
pub enum Run {
    /// It is this action.
    Plain(Action),
    /// It needs an argument; the palette asks for it.
    Argument {
        /// What to type: `NAME VALUE`.
        syntax: &'static str,
        /// Reads the argument, or says what is wrong with it.
        parse: fn(&str) -> Result<Action, String>,
    },
}

/// One row of the action registry.
#[derive(Debug, Clone)]
pub struct Row {
    /// The one name: `history.diff`.
    pub name: &'static str,
    /// What it does, in a few words.
    pub description: &'static str,
    /// Where it works.
    pub scope: Scope,
    /// Keys, unless the configuration says otherwise.
    pub keys: &'static [&'static str],
    /// Word for the line of key hints; `None` keeps it out of that line.
    pub hint: Option<&'static str>,
    /// The action.
    pub run: Run,
    /// Whether it is possible now, or why not.
    pub available: fn(&State) -> Availability,
}

impl Row {
    /// A row for an action without argument, possible always, without key and hint.
    #[must_use]
    pub fn new(name: &'static str, description: &'static str, scope: Scope, action: Action) -> Self {
        Self {
            name,
            description,
            scope,
            keys: &[],
            hint: None,
            run: Run::Plain(action),
            available: |_| Availability::Ready,
        }
    }

    /// A row for an action that the palette asks an argument for.
    #[must_use]
    pub fn with_argument(
        name: &'static str,
        description: &'static str,
        scope: Scope,
        syntax: &'static str,
        parse: fn(&str) -> Result<Action, String>,
    ) -> Self {
        let run = Run::Argument { syntax, parse };
        Self { name, description, scope, keys: &[], hint: None, run, available: |_| Availability::Ready }
    }

    /// With default keys; each is a sequence as [`crate::keymap::parse_keys`] reads it.
    #[must_use]
    pub fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.keys = keys;
        self
    }

    /// With a word in the line of key hints.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// With a rule that says when it is possible.
    #[must_use]
    pub fn available(mut self, available: fn(&State) -> Availability) -> Self {
        self.available = available;
        self
    }

    /// The action, if it needs no argument.
    #[must_use]
    pub fn plain(&self) -> Option<&Action> {
        match &self.run {
            Run::Plain(action) => Some(action),
            Run::Argument { .. } => None,
        }
    }
}
