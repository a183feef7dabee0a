//! Movements, clicks and the keys that each pane answers in its own way.

use super::action::Action;
use super::diff::Diff;
use super::request::Request;
use super::update::PAGE;
use super::{COMMITS, DETAILS, History, ROWS, TABLES};
use crate::action::{Availability, Motion};
use crate::cursor;
use crate::screen::{Answer, PaneId, ScreenRequest, Spot, Verb};
use crate::state::{Context, Shared};

impl History {
    /// Moves in a pane.
    pub(super) fn moved(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        let height = cx.shared.pane_height(pane);
        match pane {
            COMMITS => {
                let (height, width) = (self.list_height(cx.shared), cx.shared.pane_width(COMMITS));
                let before = self.list.cursor().row;
                let answer = self.list.motion(motion, height, width);
                self.release(cx);
                if self.list.cursor().row != before {
                    self.details.offset = 0;
                    self.look_around(cx);
                }
                answer
            }
            DETAILS => self.scroll_details(motion, height, cx.shared),
            TABLES => self.diff.as_mut().map_or(Answer::Done, |diff| diff.move_tree(motion, height)),
            ROWS => {
                let answer = self.diff.as_mut().map_or(Answer::Done, |diff| diff.move_rows(motion, height));
                self.read_page(cx);
                answer
            }
            _ => Answer::Done,
        }
    }

    fn scroll_details(&mut self, motion: Motion, height: usize, shared: &Shared) -> Answer {
        let lines = self.detail_lines(shared, shared.pane_width(DETAILS)).len();
        let last = lines.saturating_sub(height);
        let offset = self.details.offset.min(last);
        self.details.offset = cursor::moved(offset, motion, last, height);
        Answer::when(self.details.offset != offset, "all of it is on view there")
    }

    fn read_page(&mut self, cx: &mut Context<'_>) {
        let wanted = self.diff.as_ref().and_then(|diff| diff.wanted_page(cx.shared.pane_height(ROWS)));
        if let Some(request) = wanted.filter(|_| !cx.reading(PAGE)) {
            let subject = self.diff.as_ref().map_or_else(String::new, |diff| self.target_text(&diff.target, cx.shared));
            cx.peek(PAGE, subject, ScreenRequest::History(Request::Diff(request)));
        }
    }

    /// Something was clicked.
    pub(super) fn pointed(&mut self, pane: PaneId, spot: Spot, cx: &mut Context<'_>) -> Answer {
        let Spot::Row(row) = spot else { return Answer::Done };
        let height = cx.shared.pane_height(pane);
        match (pane, &mut self.diff) {
            (COMMITS, _) => self.go_to_row(Some(row), cx),
            (TABLES, Some(diff)) => diff.select_node(row, height),
            (ROWS, Some(diff)) => diff.select_line(row, height),
            _ => {}
        }
        Answer::Done
    }

    /// Whether a pane can do something.
    pub(super) fn can(&self, pane: PaneId, verb: Verb) -> Availability {
        match (pane, verb) {
            (_, Verb::Refresh) => Availability::Ready,
            (COMMITS, Verb::Enter) => Availability::when(self.list.len() > 0, "there is no commit on view"),
            (DETAILS, Verb::Enter) => self.can_diff(),
            (COMMITS, Verb::Mark) => Availability::when(self.list.commit().is_some(), "unfold these commits first (o)"),
            (COMMITS, Verb::Undo) => Availability::when(self.list.marks.can_undo(), "nothing to undo"),
            (COMMITS, Verb::NextMatch | Verb::PreviousMatch) => {
                Availability::when(!self.list.found.rows.is_empty(), "nothing matches")
            }
            (COMMITS, Verb::NextDifference | Verb::PreviousDifference) => {
                let some = self.list.log().is_some_and(|log| log.problems().broken_commits().next().is_some());
                Availability::when(some, "no commit has a problem; d shows the row changes")
            }
            (DETAILS | TABLES | ROWS, Verb::Back)
            | (TABLES | ROWS, Verb::Enter | Verb::NextDifference | Verb::PreviousDifference) => Availability::Ready,
            (COMMITS, Verb::Back) => Availability::no("nothing to go back from"),
            (_, Verb::Mark | Verb::Undo) => Availability::no("nothing to mark in this pane"),
            _ => Availability::no("not in this pane"),
        }
    }

    /// Does what each pane does in its own way.
    pub(super) fn verb(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        match (pane, verb) {
            (_, Verb::Refresh) => self.refresh(cx),
            (COMMITS, Verb::Enter) if self.list.commit().is_none() => self.update(Action::Fold, cx),
            (COMMITS, Verb::Enter) => cx.focus(DETAILS),
            (DETAILS, Verb::Enter) => self.update(Action::Diff, cx),
            (DETAILS, Verb::Back) => cx.focus(COMMITS),
            (COMMITS, Verb::Mark) => return self.list.mark(),
            (COMMITS, Verb::Undo) => return self.list.marks.undo(),
            (COMMITS, Verb::NextMatch | Verb::PreviousMatch) => {
                let row = self.list.cursor().row;
                let found = &self.list.found;
                let to = if verb == Verb::NextMatch { found.next(row) } else { found.previous(row) };
                self.go_to_row(to, cx);
            }
            (COMMITS, Verb::NextDifference | Verb::PreviousDifference) => {
                let to = self.list.next_problem(verb == Verb::NextDifference);
                if to.is_none() {
                    return Answer::Nothing("no more commits with a problem there".to_owned());
                }
                self.go_to_row(to, cx);
            }
            (TABLES, Verb::Enter) => {
                if !self.diff.as_mut().is_some_and(Diff::toggle) {
                    cx.focus(ROWS);
                }
            }
            (ROWS, Verb::Enter) => return self.open_record(cx),
            (ROWS, Verb::Back) => cx.focus(TABLES),
            (TABLES, Verb::Back) => self.close_diff(cx),
            (TABLES | ROWS, Verb::NextDifference | Verb::PreviousDifference) => {
                let height = cx.shared.pane_height(ROWS);
                let forward = verb == Verb::NextDifference;
                let answer = self.diff.as_mut().map_or(Answer::Done, |diff| diff.next_difference(forward, height));
                self.read_page(cx);
                return answer;
            }
            _ => return Answer::Nothing("not in this pane".to_owned()),
        }
        Answer::Done
    }

    fn refresh(&mut self, cx: &mut Context<'_>) {
        if self.diff.is_some() {
            self.read_diff(cx);
        } else {
            self.details.forget();
            self.read_history(cx);
            self.look_around(cx);
        }
    }

    pub(super) fn go_to_row(&mut self, row: Option<usize>, cx: &mut Context<'_>) {
        if let Some(row) = row {
            self.seeking = false;
            self.list.select_row(row, self.list_height(cx.shared));
            self.release(cx);
            self.details.offset = 0;
            self.look_around(cx);
        }
    }
}
