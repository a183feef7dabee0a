//! The History screen: what changed, when, by whom, on which branch.
//!
//! Two views. The **list** shows the commits of all branches with their graph, and the details of the selected one. The **row
//! diff** shows which rows differ between two commits, table by table.
//!
//! | file | answers |
//! |---|---|
//! | `log`, `problems` | the commits, numbered and in order, with labels and colors; what is wrong with them |
//! | `chart`, `filter`, `search`, `ancestry` | what is drawn of them: filtered, folded, laid out, marked, highlighted |
//! | `cost` | how much of them is looked at, in tests |
//! | `jump` | which commit a text means |
//! | `commits`, `details`, `diff` | the state of each pane |
//! | `list_view`, `view` | drawing |
//! | `action`, `input`, `navigate`, `update` | what can be asked for, and how the state changes |
//! | `request` | what worker threads do |
//! | `copy`, `export`, `merge` | ways out: clipboard, files, command lines; the Merge screen |
//!
//! **Rule:** laying out, filtering, searching, counting and freeing cost time in proportion to the history. Up to [`INLINE`] commits they
//! are done at once, beyond that on a worker thread; never while drawing. Whatever may be the last to hold a history, a late reply
//! included, goes through `History::release`.

mod action;
pub mod ancestry;
pub mod chart;
mod commits;
mod copy;
mod cost;
mod details;
pub mod diff;
mod export;
mod filter;
mod input;
mod jump;
mod list_view;
pub mod log;
mod merge;
mod navigate;
mod problems;
mod request;
pub mod search;
#[cfg(test)]
mod tests;
mod update;
mod view;

pub use action::{Action, rows};
pub use request::{Former, Preview, Reply, Request, Same, run};

use stratigraph_engine::CommitId;

use crate::action::{Availability, Motion, TermKind};
use crate::export::Content;
use crate::job::Slot;
use crate::message::Failure;
use crate::screen::{Answer, CopyChoice, PaneId, PaneSpec, Place, Screen, ScreenId, Spot, TermUse, Verb};
use crate::state::{Arrangement, Context, Counter, Shared};
use crate::view::Canvas;
use commits::Commits;
use details::Details;
use diff::Diff;

/// The commits of all branches.
pub const COMMITS: PaneId = PaneId("commits");
/// The selected commit.
pub const DETAILS: PaneId = PaneId("details");
/// The tables that differ.
pub const TABLES: PaneId = PaneId("changed tables");
/// The rows that differ.
pub const ROWS: PaneId = PaneId("changed rows");

/// Histories up to this many commits are laid out without asking a worker.
const INLINE: usize = 5_000;

/// Histories of more branches than this, if as many commits are laid out, ask a worker: each row costs as much as it has lanes.
const INLINE_BRANCHES: usize = 100;

/// How far the reading of the history is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Load {
    /// Not asked for.
    #[default]
    Never,
    /// Under way.
    Reading,
    /// All of it is there.
    Ready,
    /// It could not be read; what was there before is still shown.
    Failed(Failure),
    /// Reading was stopped.
    Stopped,
}

/// State of the History screen.
#[derive(Debug, Default)]
pub struct History {
    load: Load,
    /// Heads moved while nobody looked.
    stale: bool,
    list: Commits,
    details: Details,
    /// The row diff, while it is open.
    diff: Option<Diff>,
    /// Split of the view that is not on screen, percent.
    other_split: Option<u16>,
    /// What was looked for last.
    sought: String,
    /// The moment from which the filter counts back.
    filtered_at_micros: i64,
    /// The search was just typed: the cursor goes to its next match as soon as the matches are known, unless it is moved before.
    seeking: bool,
    /// The commit to go to as soon as it was read, unless the cursor is moved before.
    awaited: Option<CommitId>,
}

impl Screen for History {
    fn id(&self) -> ScreenId {
        ScreenId::History
    }

    fn panes(&self) -> Vec<PaneSpec> {
        match self.diff {
            None => vec![PaneSpec::main(COMMITS), PaneSpec::detail(DETAILS)],
            Some(_) => vec![PaneSpec::main(TABLES), PaneSpec::detail(ROWS)],
        }
    }

    fn view(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        self.draw(shared, panes, canvas);
    }

    fn place(&self, shared: &Shared) -> Option<Place> {
        self.position(shared)
    }

    fn shown(&mut self, cx: &mut Context<'_>) {
        self.seeking = false;
        self.start(cx);
    }

    fn heads_moved(&mut self, cx: &mut Context<'_>) {
        self.stale = true;
        if cx.shared.screen == ScreenId::History {
            self.start(cx);
        }
    }

    fn failed(&mut self, slot: Slot, failure: &Failure, _cx: &mut Context<'_>) {
        if slot.kind == update::LOAD.kind {
            self.load = Load::Failed(failure.clone());
            self.awaited = None;
        }
        self.seeking &= slot.kind != update::SEARCH.kind;
        if let (true, Some(diff)) = (slot.kind == update::DIFF.kind, &mut self.diff) {
            diff.failure = Some(failure.clone());
        }
    }

    fn cancelled(&mut self, slot: Slot, _cx: &mut Context<'_>) {
        if slot.kind == update::LOAD.kind {
            self.load = Load::Stopped;
            self.awaited = None;
        }
        self.seeking &= slot.kind != update::SEARCH.kind;
        if let (true, Some(diff)) = (slot.kind == update::DIFF.kind, &mut self.diff) {
            diff.stopped();
        }
    }

    fn motion(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        (self.seeking, self.awaited) = (false, None);
        self.moved(pane, motion, cx)
    }

    fn point(&mut self, pane: PaneId, spot: Spot, cx: &mut Context<'_>) -> Answer {
        self.pointed(pane, spot, cx)
    }

    fn supports(&self, pane: PaneId, verb: Verb, _shared: &Shared) -> Availability {
        self.can(pane, verb)
    }

    fn perform(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        self.verb(pane, verb, cx)
    }

    fn term_use(&self, pane: PaneId, kind: TermKind) -> TermUse {
        match (pane, kind) {
            (COMMITS, _) | (TABLES | ROWS, TermKind::Filter) => TermUse::Text,
            (TABLES | ROWS, TermKind::Search) => TermUse::No("no search here, f filters"),
            _ => TermUse::No("nothing to search or filter in this pane"),
        }
    }

    fn term_changed(&mut self, pane: PaneId, kind: TermKind, cx: &mut Context<'_>) {
        self.term(pane, kind, cx);
    }

    fn counter(&self, pane: PaneId, kind: TermKind, _shared: &Shared) -> Option<Counter> {
        self.count(pane, kind)
    }

    fn copies(&self, pane: PaneId, shared: &Shared) -> Vec<CopyChoice> {
        self.copy_choices(pane, shared)
    }

    fn export(&self, pane: PaneId, _shared: &Shared) -> Option<Content> {
        self.content(pane)
    }

    fn command_line(&self, shared: &Shared) -> Option<String> {
        self.command(shared)
    }
}
