//! How the state changes: going from step to step.

use std::sync::Arc;

use stratigraph_engine::merge::Choice;
use stratigraph_engine::{BranchName, ErrorKind};

use super::action::Action;
use super::choose::End;
use super::request::{Pair, Request};
use super::tables::TableLine;
use super::{
    BETWEEN, BETWEEN_SLOT, BRANCHES_SLOT, CONFLICTS, Ending, Merge, PREVIEW_SLOT, RELATED, RESULT, ROW, SOURCE,
    SUMMARY, Step, TABLES, TARGET, focus, is_reading, words,
};
use crate::action::TermKind;
use crate::matcher::Matcher;
use crate::screen::{Answer, PaneId, ScreenId, ScreenRequest};
use crate::state::Context;
use crate::writing::Mode;

impl Merge {
    /// Performs an action.
    pub fn update(&mut self, action: Action, cx: &mut Context<'_>) {
        match action {
            Action::Choose { source, target } => self.choose_pair(source, target, cx),
            Action::Swap => {
                self.choose.swap();
                self.look_between(cx);
            }
            Action::Take(side) => self.take(side, cx),
            Action::TakeCells => self.decide_selected(&Choice::MergeCells, cx),
            Action::Drop => self.drop_selected(cx),
            Action::Edit => self.ask_value(None, cx),
            Action::Write(text) => self.write_value(text, cx),
            Action::Decide(choice) => self.decide_selected(&choice, cx),
            Action::Clear => self.clear(cx),
            Action::AskRepeat(reach) => self.ask_repeat(reach, cx),
            Action::Repeat { reach, over_hand } => self.repeat(reach, over_hand, cx),
            Action::AskMerge => self.ask_merge(cx),
            Action::Confirmed => cx.to_write(crate::action::Action::Merge(Action::Run)),
            Action::Run => self.run_merge(cx),
            Action::ShowCommit => self.show_commit(cx),
            Action::AskDelete => self.ask_delete(cx),
            Action::DeleteConfirmed => cx.to_write(crate::action::Action::Merge(Action::DeleteNow)),
            Action::DeleteNow => self.delete_source(cx),
        }
    }

    /// Another screen wants these branches merged. What is under way for the same ones stays.
    fn choose_pair(&mut self, source: BranchName, target: BranchName, cx: &mut Context<'_>) {
        if matches!(self.ending, Ending::Running) {
            cx.shared.notice = Some("a merge is under way: wait for its end".to_owned());
            return;
        }
        let wanted = Pair { source, target };
        if matches!(self.step, Step::Preview | Step::Resolve) && self.pair().as_ref() == Some(&wanted) {
            return;
        }
        self.choose.put(wanted.source, wanted.target);
        self.go(Step::Choose, cx);
        focus(cx, TARGET);
        self.look_between(cx);
    }

    /// Starts what is missing.
    pub(super) fn start(&mut self, cx: &mut Context<'_>) {
        if cx.shared.graph_info().is_none() {
            return;
        }
        if self.choose.branches.is_none() || self.step == Step::Choose {
            Self::read_branches(cx);
        }
        let stopped = self.refused.as_ref().is_some_and(|failure| failure.kind == ErrorKind::Cancelled);
        match self.step {
            Step::Choose | Step::Result => {}
            Step::Preview | Step::Resolve => {
                if self.preview.is_none() && (self.refused.is_none() || stopped) && !is_reading(cx.shared, PREVIEW_SLOT)
                {
                    self.read_preview(cx);
                }
                self.check_if_needed(cx);
                self.follow(cx);
            }
        }
    }

    pub(super) fn read_branches(cx: &mut Context<'_>) {
        if !is_reading(cx.shared, BRANCHES_SLOT) {
            cx.peek(BRANCHES_SLOT, "heads", ScreenRequest::Merge(Request::Branches));
        }
    }

    /// Finds what lies between the chosen branches.
    pub(super) fn look_between(&mut self, cx: &mut Context<'_>) {
        let can_be_merged = cx.shared.graph_info().is_some() && self.choose.problem().is_none();
        let Some(pair) = self.choose.pair().filter(|_| can_be_merged) else { return };
        let subject = subject(&pair, cx);
        cx.peek(BETWEEN_SLOT, subject, ScreenRequest::Merge(Request::Between(pair)));
    }

    /// Previews the chosen branches.
    pub(super) fn begin_preview(&mut self, cx: &mut Context<'_>) -> Answer {
        let pair = match (self.choose.pair(), self.choose.problem()) {
            (Some(pair), None) => pair,
            (_, problem) => return Answer::Nothing(problem.unwrap_or_default()),
        };
        if self.preview.as_ref().is_none_or(|preview| preview.pair != pair) || matches!(self.ending, Ending::Done(_)) {
            self.forget();
        }
        self.asked = Some(pair);
        self.go(Step::Preview, cx);
        focus(cx, TABLES);
        self.read_preview(cx);
        Answer::Done
    }

    /// Forgets the former preview; what was chosen is kept in its draft.
    fn forget(&mut self) {
        (self.preview, self.deciding, self.refused, self.unchecked) = (None, None, None, None);
        (self.tree, self.row) = Default::default();
        (self.tables, self.summary, self.unfolded) = Default::default();
        (self.editing, self.deleted) = (None, None);
        self.steps.clear();
        self.ending = Ending::None;
    }

    /// Makes the preview, again if there is one. What was decided is carried over.
    pub(super) fn read_preview(&mut self, cx: &mut Context<'_>) {
        let Some(pair) = self.asked.clone() else { return };
        self.refused = None;
        self.asked_at = Arc::clone(&cx.shared.heads);
        let look_ahead = cx.shared.writing.mode == Mode::ReadOnly;
        let subject = subject(&pair, cx);
        cx.read(PREVIEW_SLOT, subject, ScreenRequest::Merge(Request::Preview { pair, look_ahead }));
    }

    /// Goes to a step; the panes of the others are kept as they are.
    pub(super) fn go(&mut self, step: Step, cx: &mut Context<'_>) {
        self.step = step;
        let pane = match step {
            Step::Choose => SOURCE,
            Step::Preview => TABLES,
            Step::Resolve => CONFLICTS,
            Step::Result => RESULT,
        };
        focus(cx, pane);
    }

    /// Goes back one step.
    pub(super) fn back(&mut self, pane: PaneId, cx: &mut Context<'_>) -> Answer {
        match self.step {
            Step::Choose => return Answer::Nothing("nothing to go back to".to_owned()),
            Step::Preview => {
                cx.cancel(PREVIEW_SLOT);
                self.go(Step::Choose, cx);
                self.start(cx);
            }
            Step::Resolve if pane == ROW || pane == RELATED => focus(cx, CONFLICTS),
            Step::Resolve => self.go(Step::Preview, cx),
            Step::Result => match self.ending {
                Ending::Running => return Answer::Nothing("the merge is under way (x asks it to stop)".to_owned()),
                Ending::Done(_) => {
                    self.go(Step::Choose, cx);
                    self.start(cx);
                }
                Ending::None | Ending::Moved(_) | Ending::Failed(..) | Ending::Cancelled => self.go(Step::Preview, cx),
            },
        }
        Answer::Done
    }

    /// Goes in: from branch to branch, from the branches to the preview, from there to the conflicts.
    pub(super) fn enter(&mut self, pane: PaneId, cx: &mut Context<'_>) -> Answer {
        match pane {
            SOURCE => {
                focus(cx, TARGET);
                Answer::Done
            }
            TARGET | BETWEEN => self.begin_preview(cx),
            TABLES | SUMMARY => self.enter_table(pane, cx),
            CONFLICTS if self.toggle_group(cx) => Answer::Done,
            CONFLICTS | ROW => self.list_choices(cx),
            RESULT => {
                self.show_commit(cx);
                Answer::Done
            }
            _ => Answer::Nothing("there is nothing further in".to_owned()),
        }
    }

    fn toggle_group(&mut self, cx: &Context<'_>) -> bool {
        let height = cx.shared.pane_height(CONFLICTS);
        let Some(deciding) = &self.deciding else { return false };
        self.tree.toggle(deciding, height)
    }

    fn enter_table(&mut self, pane: PaneId, cx: &mut Context<'_>) -> Answer {
        let lines = self.table_lines();
        let line = lines.get(self.tables.row).copied();
        if pane == TABLES && line == Some(TableLine::Fold) {
            self.unfolded = !self.unfolded;
            return Answer::Done;
        }
        if self.tree.conflicts().is_empty() {
            let text = match self.preview {
                Some(_) if !self.moved(cx.shared).is_empty() => words::AGAIN,
                Some(_) => "there is no conflict to decide",
                None => "the preview is not made yet",
            };
            return Answer::Nothing(text.to_owned());
        }
        self.go(Step::Resolve, cx);
        let table = line.and_then(|line| self.table_at(line)).map(|table| table.key.clone());
        let height = cx.shared.pane_height(CONFLICTS);
        if let (Some(table), Some(deciding)) = (table, &self.deciding) {
            let is_there = self.tree.conflict().is_some_and(|conflict| conflict.key.table == table);
            if pane == TABLES && !is_there {
                self.tree.go_to_table(&table, deciding, height);
            }
        }
        self.follow(cx);
        Answer::Done
    }

    /// Reads again what the step shows.
    pub(super) fn refresh(&mut self, cx: &mut Context<'_>) -> Answer {
        match (self.step, &self.ending) {
            (Step::Choose, _) => {
                Self::read_branches(cx);
                self.look_between(cx);
            }
            (Step::Preview | Step::Resolve, _) => self.read_preview(cx),
            (Step::Result, Ending::Running) => return Answer::Nothing("the merge is under way".to_owned()),
            (Step::Result, Ending::Done(_)) => return Answer::Nothing("the merge is done, esc goes back".to_owned()),
            (Step::Result, Ending::None | Ending::Moved(_) | Ending::Failed(..) | Ending::Cancelled) => {
                self.ending = Ending::None;
                self.go(Step::Preview, cx);
                self.read_preview(cx);
            }
        }
        Answer::Done
    }

    /// Heads moved: the lists are read again; a preview stays what it is, and says so.
    pub(super) fn look_again(&mut self, cx: &mut Context<'_>) {
        for heads in [&mut self.asked_at, &mut self.seen].into_iter().filter(|heads| heads.is_empty()) {
            *heads = Arc::clone(&cx.shared.former_heads);
        }
        if cx.shared.screen != ScreenId::Merge {
            self.choose.branches = None;
        } else if self.step == Step::Choose {
            Self::read_branches(cx);
        }
    }

    /// A search or filter changed.
    pub(super) fn term(&mut self, pane: PaneId, kind: TermKind, cx: &mut Context<'_>) {
        let matcher = cx.matcher(ScreenId::Merge, pane, kind).cloned();
        match (pane, kind) {
            (CONFLICTS, TermKind::Filter) => {
                let height = cx.shared.pane_height(CONFLICTS);
                if let Some(deciding) = &self.deciding {
                    self.tree.filter(matcher, deciding, height);
                }
                self.follow(cx);
            }
            (CONFLICTS, TermKind::Search) => {
                if let Some(matcher) = matcher {
                    self.find(&matcher, true, true, cx);
                }
            }
            (SOURCE | TARGET, TermKind::Filter) => {
                let end = if pane == SOURCE { End::Source } else { End::Target };
                let row = self.choose.row(end, matcher.as_ref());
                if self.choose.select(end, row, matcher.as_ref()) {
                    self.look_between(cx);
                }
            }
            _ => {}
        }
    }

    /// Goes to the next or former match.
    pub(super) fn find(&mut self, matcher: &Matcher, forward: bool, stay: bool, cx: &mut Context<'_>) -> bool {
        let height = cx.shared.pane_height(CONFLICTS);
        let Some(deciding) = &self.deciding else { return false };
        let found = self.tree.find(matcher, forward, stay, deciding, height);
        self.follow(cx);
        found
    }
}

/// `people → main`
pub(super) fn subject(pair: &Pair, cx: &Context<'_>) -> String {
    format!("{}{}{}", pair.source, cx.shared.theme.arrow(), pair.target)
}
