//! The screen's actions: going along edges, folding, and opening the row diff or the tables at a commit.

use stratigraph_engine::{At, CommitId};

use super::action::Action;
use super::chart::Folding;
use super::diff::{self, Diff, Target};
use super::jump::resolve;
use super::request::{Request, Same};
use super::update::{DIFF, JUMP, LIST_SPLIT, LOAD, PAGE, TREE_SPLIT};
use super::{COMMITS, History, INLINE, ROWS, TABLES};
use crate::action::{self as actions, TermKind};
use crate::overlay::{Item, Menu, Overlay, Page, Prompt};
use crate::screen::{ScreenId, ScreenRequest, tables};
use crate::state::{Context, Shared};
use crate::theme::Role;

impl History {
    /// Performs an action.
    pub fn update(&mut self, action: Action, cx: &mut Context<'_>) {
        match action {
            Action::Diff => self.open_or_turn_diff(cx),
            Action::Compare => {
                if let (Some(from), Some(to)) = (self.list.counterpart(), self.list.commit().map(|commit| commit.id)) {
                    self.open_diff(Target::chosen(from, to), cx);
                }
            }
            Action::Swap => {
                if let Some(target) = self.diff.as_ref().and_then(|diff| diff.target.swapped()) {
                    self.open_diff(target, cx);
                }
            }
            Action::TimeTravel => self.time_travel(cx),
            Action::RowHistory => self.row_history(cx),
            Action::Parent => self.ask_step(Step::Parent, cx),
            Action::Child => self.ask_step(Step::Child, cx),
            Action::AskJump => cx.open(Overlay::Prompt(jump_prompt(""))),
            Action::Jump(text) => self.jump(text.trim(), cx),
            Action::Select(id) => self.select(id, cx),
            Action::Between(from, to) => self.open_diff(Target::chosen(from, to), cx),
            Action::Fold => self.fold(cx),
            Action::FoldAll => {
                let closed = self.list.folding.as_ref().is_some_and(|folding| folding.closed);
                self.list.folding = Some(Folding::all(!closed));
                self.arrange(cx);
            }
            Action::Ancestry => {
                self.list.ancestry = self.list.ancestry.next();
                self.relate(cx);
            }
            Action::AskMerge => self.ask_merge(cx),
            Action::MergeOf(source) => self.ask_target(&source, cx),
            Action::Merge { source, target } => Self::merge(source, target, cx),
            Action::Problems => self.list_problems(cx),
        }
    }

    fn jump(&mut self, text: &str, cx: &mut Context<'_>) {
        text.clone_into(&mut self.sought);
        match self.list.log().cloned() {
            None => cx.shared.notice = Some("the history is not read yet".to_owned()),
            Some(log) if log.len() <= INLINE => self.jumped(resolve(log.graph(), text), cx),
            Some(log) => {
                cx.peek(JUMP, text, ScreenRequest::History(Request::Find(Same(log), text.to_owned())));
            }
        }
    }

    /// The commit to go to is known, or there is none: then the text is there to be changed, unless something else is open by now.
    pub(super) fn jumped(&mut self, found: Result<CommitId, String>, cx: &mut Context<'_>) {
        match found {
            Ok(id) => self.select(id, cx),
            Err(reason) if cx.shared.overlays.is_empty() => {
                cx.open(Overlay::Prompt(jump_prompt(&self.sought).refused(reason)));
            }
            Err(reason) => cx.shared.notice = Some(reason),
        }
    }

    /// Shows on the Tables screen which commits changed the selected row; the rows there are those of the commit looked at.
    fn row_history(&self, cx: &mut Context<'_>) {
        let Some((diff, change)) = self.diff.as_ref().and_then(|diff| Some((diff, diff.table()?.rows.selected()?)))
        else {
            return;
        };
        let (at, table, id) = (At::Commit(diff.target.to), change.table.clone(), change.id.clone());
        cx.then(actions::Action::Tables(tables::Action::RowHistoryAt(at, table, id)));
        cx.show(ScreenId::Tables);
    }

    /// Shows the tables as the selected commit left them; from the row diff, the table and row that are looked at.
    fn time_travel(&mut self, cx: &mut Context<'_>) {
        let action = match &self.diff {
            None => self.list.commit().map(|commit| tables::Action::GoTo(At::Commit(commit.id))),
            Some(diff) => {
                let at = At::Commit(diff.target.to);
                let row = diff.table().and_then(|table| table.rows.selected()).map(|change| change.id.clone());
                Some(match diff.shown.clone() {
                    Some(table) => tables::Action::GoToTable(at, table, row),
                    None => tables::Action::GoTo(at),
                })
            }
        };
        if let Some(action) = action {
            cx.then(actions::Action::Tables(action));
            cx.show(ScreenId::Tables);
        }
    }

    fn fold(&mut self, cx: &mut Context<'_>) {
        let fold = self.list.id().zip(self.list.chart()).and_then(|(id, chart)| chart.fold_of(id));
        let top = fold.and_then(|fold| self.list.log()?.commit(fold.top).map(|commit| commit.id));
        if let (Some(top), Some(folding)) = (top, &mut self.list.folding) {
            folding.toggle(top);
            self.list.want(top);
            self.arrange(cx);
        }
    }

    fn list_problems(&mut self, cx: &mut Context<'_>) {
        let problems = self.list.log().map(|log| log.problems().all()).unwrap_or_default();
        let lines = problems.iter().map(|problem| (format!("! {problem}"), Role::Warning)).collect();
        cx.open(Overlay::Page(Page::new("Problems of the history", lines)));
    }

    /// Goes to a commit: opens the fold that hides it, or says that the filter does.
    fn select(&mut self, id: CommitId, cx: &mut Context<'_>) {
        if !self.knows(id) {
            return self.await_commit(id, cx);
        }
        if self.diff.is_some() {
            self.close_diff(cx);
        }
        let hidden = self.list.chart().is_some_and(|chart| {
            let folded = chart.fold_of(id).and_then(|fold| chart.log().commit(fold.top)).map(|top| top.id);
            folded.is_some_and(|top| !chart.spec().folding.is_open(top))
        });
        self.list.want(id);
        if hidden {
            let top = self.list.chart().and_then(|chart| chart.log().commit(chart.fold_of(id)?.top)).map(|top| top.id);
            if let (Some(top), Some(folding)) = (top, &mut self.list.folding) {
                folding.toggle(top);
            }
            self.arrange(cx);
            return;
        }
        if let Some(row) = self.list.chart().and_then(|chart| chart.row_of(id)) {
            self.go_to_row(Some(row), cx);
        } else {
            let short = self.list.log().map_or_else(String::new, |log| log.graph().short_id(id));
            cx.shared.notice = Some(format!("the filter hides {short}; esc takes the filter off"));
        }
        cx.focus(COMMITS);
    }

    fn knows(&self, id: CommitId) -> bool {
        self.list.log().is_some_and(|log| log.node(id).is_some())
    }

    /// Reads the history for a commit that another screen knows already.
    fn await_commit(&mut self, id: CommitId, cx: &mut Context<'_>) {
        self.awaited = Some(id);
        if !cx.reading(LOAD) {
            self.read_history(cx);
        }
        cx.shared.notice = Some("the history is read again for that commit".to_owned());
    }

    /// The history is read: goes to the commit that was waited for.
    pub(super) fn go_to_awaited(&mut self, cx: &mut Context<'_>) {
        match self.awaited.take() {
            Some(id) if self.knows(id) => self.select(id, cx),
            Some(id) => cx.shared.notice = Some(format!("no commit {id} in the history")),
            None => {}
        }
    }

    /// Goes along an edge of the graph as it is drawn; asks which if there are several.
    fn ask_step(&mut self, step: Step, cx: &mut Context<'_>) {
        let Some(chart) = self.list.chart().cloned() else { return };
        let row = self.list.cursor().row;
        let (rows, none) = match step {
            Step::Parent => {
                let parents = chart.parent_rows(row);
                let outside = parents.contains(&None);
                let rows: Vec<usize> = parents.into_iter().flatten().collect();
                (rows, if outside { "its parent is not in the history" } else { "this is the first commit" })
            }
            Step::Child => (chart.child_rows(row).collect(), "no commit is based on this one"),
        };
        match rows.as_slice() {
            [] => cx.shared.notice = Some(none.to_owned()),
            [only] => self.go_to_row(Some(*only), cx),
            several => {
                let ids = several.iter().filter_map(|row| chart.id_at(*row));
                let items = ids.map(|id| self.choice(id, cx.shared)).collect();
                let title = match step {
                    Step::Parent => "To which parent?",
                    Step::Child => "To which child?",
                };
                cx.open(Overlay::Choose(Menu::new(title, items)));
            }
        }
    }

    fn choice(&self, id: CommitId, shared: &Shared) -> Item {
        let (label, text) = self.list.log().map_or_else(Default::default, |log| {
            let summary = log.graph().get(id).and_then(|commit| log.summary(&log.summaries(), commit));
            (log.graph().short_id(id), summary.map_or_else(String::new, |summary| summary.text(shared.theme.arrow())))
        });
        Item { label, text, action: Some(Ok(actions::Action::History(Action::Select(id)))) }
    }

    fn open_or_turn_diff(&mut self, cx: &mut Context<'_>) {
        let target = match &self.diff {
            None => self.list.commit().map(Target::first_parent),
            Some(diff) => {
                let commit = self.list.log().and_then(|log| log.graph().get(diff.target.to));
                commit.and_then(|commit| diff.target.next(commit))
            }
        };
        if let Some(target) = target {
            self.open_diff(target, cx);
        }
    }

    fn open_diff(&mut self, target: Target, cx: &mut Context<'_>) {
        // Going to a commit closes the row diff, so one that is asked for later must not be closed by a late answer.
        cx.cancel(JUMP);
        if self.diff.is_none() {
            self.swap_split(TREE_SPLIT, cx);
        }
        self.diff = Some(Diff::new(target));
        self.read_diff(cx);
        cx.focus(TABLES);
    }

    pub(super) fn read_diff(&mut self, cx: &mut Context<'_>) {
        let Some(target) = self.diff.as_ref().map(|diff| diff.target.clone()) else { return };
        cx.cancel(PAGE);
        self.diff = Some(Diff::new(target.clone()));
        for pane in [TABLES, ROWS] {
            self.term(pane, TermKind::Filter, cx);
        }
        let subject = self.target_text(&target, cx.shared);
        cx.read(DIFF, subject, ScreenRequest::History(Request::Diff(diff::Request::All(target))));
    }

    pub(super) fn close_diff(&mut self, cx: &mut Context<'_>) {
        cx.cancel(DIFF);
        cx.cancel(PAGE);
        self.diff = None;
        self.swap_split(LIST_SPLIT, cx);
        cx.focus(COMMITS);
        self.look_around(cx);
    }

    /// Exchanges the split of this view with the remembered one of the other.
    fn swap_split(&mut self, default: u16, cx: &mut Context<'_>) {
        let frame = cx.shared.frame(ScreenId::History);
        let split = self.other_split.replace(frame.split).unwrap_or(default);
        cx.shared.frames.insert(ScreenId::History, crate::state::Frame { split, ..frame });
    }
}

fn jump_prompt(text: &str) -> Prompt {
    let submit = |text| actions::Action::History(Action::Jump(text));
    Prompt::new("Go to", text, submit).hint("branch, commit id or its end, branch@v7, or a time")
}

/// Along which way of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Parent,
    Child,
}
