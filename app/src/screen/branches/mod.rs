//! The Branches screen: which branches there are, how they stand to main, and what is done with them.
//!
//! Left the branches, main first; right what is known of the selected one. From here one goes to a head in the history, to the
//! tables as they are there, and to a comparison of two heads; branches are made and deleted.
//!
//! | file | answers |
//! |---|---|
//! | `list`, `details` | the state of each pane |
//! | `walk` | how far two heads are apart, and which commits only one branch stores |
//! | `ask`, `create`, `delete` | what is asked before a branch is merged, made or deleted |
//! | `list_view`, `view` | drawing |
//! | `action`, `update` | what can be asked for, and how the state changes |
//! | `request`, `run` | what worker threads do |
//! | `copy` | ways out: clipboard, files, command lines |
//!
//! **Rule:** the screen keeps no history, which may have a million commits; what it needs of one is worked out on a worker thread.

mod action;
mod ask;
mod copy;
mod create;
mod delete;
mod details;
mod list;
mod list_view;
mod request;
mod run;
#[cfg(test)]
mod tests;
mod update;
mod view;

pub use action::{Action, rows};
pub use request::{Details, DetailsKey, Facts, HeadPair, Loaded, NewBranch, Pending, Reply, Request};
pub use run::run;

use std::collections::{BTreeMap, HashMap};

use stratigraph_engine::BranchName;

use crate::action::{Availability, Motion, TermKind};
use crate::export::Content;
use crate::job::Slot;
use crate::message::Failure;
use crate::moved::Moved;
use crate::screen::{Answer, CopyChoice, PaneId, PaneSpec, Place, Screen, ScreenId, Spot, TermUse, Verb};
use crate::state::{Arrangement, Context, Counter, Shared};
use crate::view::Canvas;
use crate::walk::Divergence;
use action::ready;
use details::Shelf;
use list::List;

/// The branches.
pub const LIST: PaneId = PaneId("branches");
/// The selected branch.
pub const DETAILS: PaneId = PaneId("branch");

/// How far the reading of the branches is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Load {
    /// Not asked for.
    #[default]
    Never,
    /// Under way.
    Reading,
    /// They are there.
    Ready,
    /// They could not be read; what was there before is still shown.
    Failed(Failure),
    /// Reading was stopped.
    Stopped,
}

/// State of the Branches screen.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that changes apart from the others")]
pub struct Branches {
    load: Load,
    /// Heads moved since the branches were asked for.
    stale: bool,
    list: List,
    /// How wide the columns of the list are; see [`Branches::measure`].
    widths: list_view::Widths,
    /// Whether there may be heads of which nobody counted how far they are apart from main's.
    is_counting: bool,
    shelf: Shelf,
    /// How far heads are apart, by pair of heads; none if that cannot be told.
    apart: HashMap<HeadPair, Option<Divergence>>,
    /// Counting failed: what is not known stays so until the branches are read again.
    uncounted: bool,
    /// The number of interrupted writes changed since they were read.
    recount: bool,
    /// Interrupted writes on branches that are gone.
    gone: BTreeMap<BranchName, usize>,
    /// Interrupted writes whose record cannot be read.
    unreadable: usize,
    /// Branches that read files of another folder.
    moved: Option<Moved>,
}

impl Screen for Branches {
    fn id(&self) -> ScreenId {
        ScreenId::Branches
    }

    fn panes(&self) -> Vec<PaneSpec> {
        vec![PaneSpec::main(LIST), PaneSpec::detail(DETAILS)]
    }

    fn view(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        self.draw(shared, panes, canvas);
    }

    fn place(&self, shared: &Shared) -> Option<Place> {
        self.position(shared)
    }

    fn shown(&mut self, cx: &mut Context<'_>) {
        self.start(cx);
    }

    fn heads_moved(&mut self, cx: &mut Context<'_>) {
        self.stale = true;
        // A read that nobody waits for would be cancelled by leaving the screen; it is made when the screen is shown.
        if cx.shared.screen == ScreenId::Branches {
            self.start(cx);
        }
    }

    fn shows_failure(&self, slot: Slot) -> bool {
        self.tells_failure(slot)
    }

    fn failed(&mut self, slot: Slot, failure: &Failure, cx: &mut Context<'_>) {
        self.job_failed(slot, failure, cx);
    }

    fn finished(&mut self, slot: Slot, cx: &mut Context<'_>) {
        self.job_finished(slot, cx);
    }

    fn cancelled(&mut self, slot: Slot, cx: &mut Context<'_>) {
        self.job_cancelled(slot, cx);
    }

    fn motion(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        self.moved(pane, motion, cx)
    }

    fn point(&mut self, pane: PaneId, spot: Spot, cx: &mut Context<'_>) -> Answer {
        match (pane, spot) {
            (LIST, Spot::Row(row)) => {
                self.go_to_row(Some(row), cx);
                Answer::Done
            }
            _ => Answer::Nothing("nothing to select here".to_owned()),
        }
    }

    fn supports(&self, pane: PaneId, verb: Verb, _shared: &Shared) -> Availability {
        match (pane, verb) {
            (_, Verb::Refresh) | (DETAILS, Verb::Back) => Availability::Ready,
            (_, Verb::Enter) => ready(self.head()),
            (LIST, Verb::Mark) => ready(self.name()),
            (LIST, Verb::Undo) => Availability::when(self.list.marks.can_undo(), "nothing to undo"),
            (LIST, Verb::NextMatch | Verb::PreviousMatch) => Availability::Ready,
            (LIST, Verb::Back) => Availability::no("nothing to go back from"),
            (_, Verb::Mark | Verb::Undo) => Availability::no("mark branches in the list"),
            (_, Verb::NextDifference | Verb::PreviousDifference) => Availability::no("c compares two heads"),
            (_, Verb::Back | Verb::NextMatch | Verb::PreviousMatch) => Availability::no("not in this pane"),
        }
    }

    fn perform(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        self.verb(pane, verb, cx)
    }

    fn term_use(&self, pane: PaneId, _kind: TermKind) -> TermUse {
        if pane == LIST { TermUse::Text } else { TermUse::No("search and filter the list of branches") }
    }

    fn term_changed(&mut self, pane: PaneId, kind: TermKind, cx: &mut Context<'_>) {
        self.term(pane, kind, cx);
    }

    fn counter(&self, pane: PaneId, kind: TermKind, shared: &Shared) -> Option<Counter> {
        self.count(pane, kind, shared)
    }

    fn copies(&self, _pane: PaneId, _shared: &Shared) -> Vec<CopyChoice> {
        self.copy_choices()
    }

    fn export(&self, _pane: PaneId, _shared: &Shared) -> Option<Content> {
        self.content()
    }

    fn command_line(&self, shared: &Shared) -> Option<String> {
        self.command(shared)
    }
}
