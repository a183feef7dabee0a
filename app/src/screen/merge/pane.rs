//! What the frame asks of the screen: panes, movements, verbs, terms.

use super::choose::End;
use super::{
    BETWEEN, CONFLICTS, Ending, MERGE_SLOT, Merge, PREVIEW_SLOT, RELATED, RESULT, ROW, SOURCE, SUMMARY, Step, TABLES,
    TARGET, copy, view,
};
use crate::action::{Availability, Motion, TermKind};
use crate::export::Content;
use crate::job::Slot;
use crate::message::Failure;
use crate::screen::{Answer, CopyChoice, PaneId, PaneSpec, Place, Screen, ScreenId, Spot, TermUse, Verb};
use crate::state::{Arrangement, Context, Counter, Shared};
use crate::view::Canvas;

/// Lines of a list of branches that are no branches.
const LIST_HEAD: usize = 1;

impl Screen for Merge {
    fn id(&self) -> ScreenId {
        ScreenId::Merge
    }

    fn panes(&self) -> Vec<PaneSpec> {
        match self.step {
            Step::Choose => vec![PaneSpec::main(SOURCE), PaneSpec::main(TARGET), PaneSpec::detail(BETWEEN)],
            Step::Preview => vec![PaneSpec::main(TABLES), PaneSpec::detail(SUMMARY)],
            Step::Resolve => {
                let mut panes = vec![PaneSpec::main(CONFLICTS), PaneSpec::detail(ROW).weight(3)];
                if self.has_related() {
                    panes.push(PaneSpec::detail(RELATED).weight(2));
                }
                panes
            }
            Step::Result => vec![PaneSpec::main(RESULT)],
        }
    }

    fn view(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        view::draw(self, shared, panes, canvas);
    }

    fn place(&self, shared: &Shared) -> Option<Place> {
        Some(view::place(self, shared))
    }

    fn badge(&self, _shared: &Shared) -> Option<String> {
        let open = self.deciding.as_ref().map_or(0, |deciding| deciding.check().open.len());
        (self.step == Step::Resolve && open > 0).then(|| format!("!{open}"))
    }

    fn shown(&mut self, cx: &mut Context<'_>) {
        self.start(cx);
    }

    fn heads_moved(&mut self, cx: &mut Context<'_>) {
        self.look_again(cx);
    }

    fn shows_failure(&self, slot: Slot) -> bool {
        slot == PREVIEW_SLOT || slot == MERGE_SLOT
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
        let moved = self.moved_in(pane, motion, cx);
        let edge = match motion {
            Motion::Left | Motion::LeftEnd | Motion::Right | Motion::RightEnd => "nothing to the side here",
            Motion::Up | Motion::First | Motion::HalfUp | Motion::PageUp => "this is the first row",
            Motion::Down | Motion::Last | Motion::HalfDown | Motion::PageDown => "this is the last row",
        };
        Answer::when(moved, edge)
    }

    fn point(&mut self, pane: PaneId, spot: Spot, cx: &mut Context<'_>) -> Answer {
        match spot {
            Spot::Row(row) => self.pointed(pane, row, cx),
            Spot::Header(_) => Answer::Nothing("nothing to sort here".to_owned()),
        }
    }

    fn supports(&self, pane: PaneId, verb: Verb, shared: &Shared) -> Availability {
        self.can(pane, verb, shared)
    }

    fn perform(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        match verb {
            Verb::Enter => self.enter(pane, cx),
            Verb::Back => self.back(pane, cx),
            Verb::Refresh => self.refresh(cx),
            Verb::Mark => self.mark(),
            Verb::Undo => self.undo(cx),
            Verb::NextDifference => self.next_open(true, cx),
            Verb::PreviousDifference => self.next_open(false, cx),
            Verb::NextMatch | Verb::PreviousMatch => {
                let Some(matcher) = cx.matcher(ScreenId::Merge, CONFLICTS, TermKind::Search).cloned() else {
                    return Answer::Nothing("no search in this pane, start one with /".to_owned());
                };
                Answer::when(self.find(&matcher, verb == Verb::NextMatch, false, cx), "no conflict matches")
            }
        }
    }

    fn term_use(&self, pane: PaneId, kind: TermKind) -> TermUse {
        match (pane, kind) {
            (CONFLICTS, _) | (SOURCE | TARGET, TermKind::Filter) => TermUse::Text,
            (SOURCE | TARGET, TermKind::Search) => TermUse::No("nothing to search here, f filters the branches"),
            _ => TermUse::No("nothing to search or filter in this pane"),
        }
    }

    fn term_changed(&mut self, pane: PaneId, kind: TermKind, cx: &mut Context<'_>) {
        self.term(pane, kind, cx);
    }

    fn counter(&self, pane: PaneId, kind: TermKind, shared: &Shared) -> Option<Counter> {
        let matcher = shared.terms.matcher(ScreenId::Merge, pane, kind)?;
        let (this, of) = match (pane, kind) {
            (CONFLICTS, TermKind::Search) => self.tree.matching(matcher),
            (CONFLICTS, TermKind::Filter) => (self.tree.left(), self.tree.conflicts().len()),
            _ => (self.choose.left(Some(matcher)).len(), self.choose.left(None).len()),
        };
        Some(Counter { this, of })
    }

    fn copies(&self, pane: PaneId, _shared: &Shared) -> Vec<CopyChoice> {
        copy::choices(self, pane)
    }

    fn export(&self, pane: PaneId, _shared: &Shared) -> Option<Content> {
        copy::content(self, pane)
    }

    fn command_line(&self, shared: &Shared) -> Option<String> {
        copy::command_line(self, shared)
    }
}

impl Merge {
    /// Whether the selected conflict is about other rows besides its own.
    pub(super) fn has_related(&self) -> bool {
        use stratigraph_engine::merge::ConflictDetail;
        self.tree.conflict().is_some_and(|conflict| {
            matches!(conflict.detail, ConflictDetail::Orphan { .. } | ConflictDetail::Unique { .. })
        })
    }

    fn moved_in(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> bool {
        let height = cx.shared.pane_height(pane);
        match pane {
            SOURCE | TARGET => {
                let end = if pane == SOURCE { End::Source } else { End::Target };
                let filter = cx.matcher(ScreenId::Merge, pane, TermKind::Filter).cloned();
                let moved = self.choose.motion(end, motion, height.saturating_sub(LIST_HEAD), filter.as_ref());
                if moved {
                    self.look_between(cx);
                }
                moved
            }
            TABLES => {
                let lines = self.table_lines().len();
                self.tables.motion(motion, lines, height.saturating_sub(LIST_HEAD))
            }
            SUMMARY => {
                let lines = view::summary_lines(self, cx.shared).len();
                scroll(&mut self.summary, motion, lines, height)
            }
            CONFLICTS => {
                let Some(deciding) = &self.deciding else { return false };
                let moved = self.tree.motion(motion, deciding, height.saturating_sub(LIST_HEAD));
                self.follow(cx);
                moved
            }
            ROW => {
                let lines = self.lines().len();
                let height = height.saturating_sub(view::ROW_FURNITURE).max(1);
                self.row.cursor.motion(motion, lines, height)
            }
            RELATED => {
                let lines = view::related_lines(self, cx.shared.theme).len();
                scroll(&mut self.row.related, motion, lines, height)
            }
            _ => {
                let lines = view::result_lines(self, cx.shared).len();
                scroll(&mut self.result, motion, lines, height)
            }
        }
    }

    fn pointed(&mut self, pane: PaneId, row: usize, cx: &mut Context<'_>) -> Answer {
        let height = cx.shared.pane_height(pane);
        match pane {
            SOURCE | TARGET => {
                let end = if pane == SOURCE { End::Source } else { End::Target };
                let filter = cx.matcher(ScreenId::Merge, pane, TermKind::Filter).cloned();
                if self.choose.select(end, row, filter.as_ref()) {
                    self.look_between(cx);
                }
            }
            TABLES => {
                let lines = self.table_lines().len();
                self.tables.select(row, lines, height.saturating_sub(LIST_HEAD));
            }
            CONFLICTS => {
                let rows = self.tree.nodes().len();
                self.tree.cursor.select(row, rows, height.saturating_sub(LIST_HEAD));
                self.follow(cx);
            }
            ROW => {
                let lines = self.lines().len();
                self.row.cursor.select(row, lines, height.saturating_sub(view::ROW_FURNITURE).max(1));
            }
            _ => return Answer::Nothing("nothing to select here".to_owned()),
        }
        Answer::Done
    }

    fn can(&self, pane: PaneId, verb: Verb, shared: &Shared) -> Availability {
        let resolving = |reason| Availability::when(self.step == Step::Resolve, reason);
        match verb {
            Verb::Enter => self.can_enter(pane),
            Verb::Back => match (self.step, &self.ending) {
                (Step::Choose, _) => Availability::no("nothing to go back to"),
                (Step::Result, Ending::Running) => Availability::no("the merge is under way (x asks it to stop)"),
                (Step::Preview | Step::Resolve | Step::Result, _) => Availability::Ready,
            },
            Verb::Refresh => match (self.step, &self.ending) {
                (Step::Result, Ending::Running | Ending::Done(_)) => Availability::no("nothing to read again here"),
                (Step::Choose | Step::Preview | Step::Resolve | Step::Result, _) => Availability::Ready,
            },
            Verb::Mark => match pane {
                CONFLICTS => resolving("nothing to mark here"),
                _ => Availability::no("marks are set in the list of conflicts"),
            },
            Verb::Undo => match self.step {
                Step::Resolve => Availability::when(!self.steps.is_empty(), "nothing to undo"),
                Step::Choose | Step::Preview | Step::Result => Availability::no("nothing to undo here"),
            },
            Verb::NextDifference | Verb::PreviousDifference => resolving("no conflicts here, enter goes to them"),
            Verb::NextMatch | Verb::PreviousMatch => {
                let some = shared.terms.matcher(ScreenId::Merge, CONFLICTS, TermKind::Search).is_some();
                Availability::when(some && pane == CONFLICTS, "no search in this pane, start one with /")
            }
        }
    }

    fn can_enter(&self, pane: PaneId) -> Availability {
        match pane {
            SOURCE | TARGET | BETWEEN if self.choose.branches.is_none() => {
                Availability::no("the branches are being read")
            }
            SOURCE => Availability::Ready,
            TARGET | BETWEEN => self.choose.problem().map_or(Availability::Ready, Availability::no),
            TABLES | SUMMARY => Availability::when(self.preview.is_some(), "the preview is not made yet"),
            CONFLICTS => Availability::when(self.tree.node().is_some(), "there is no conflict"),
            ROW => Availability::when(self.tree.conflict().is_some(), "select a conflict first"),
            RESULT => {
                let commit = matches!(&self.ending, Ending::Done(done) if done.merged.written.is_some());
                Availability::when(commit, "no commit was made")
            }
            _ => Availability::no("there is nothing further in"),
        }
    }
}

/// Scrolls text: the cursor's row is the first line on view.
fn scroll(cursor: &mut crate::cursor::Cursor, motion: Motion, lines: usize, height: usize) -> bool {
    let last = lines.saturating_sub(height);
    let before = cursor.row;
    cursor.motion(motion, last + 1, height);
    cursor.row = cursor.row.min(last);
    cursor.row != before
}
