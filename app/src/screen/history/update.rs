//! How the state of the screen changes.

use std::sync::Arc;

use stratigraph_engine::CommitId;

use super::action::Action;
use super::ancestry::{Ancestry, Related};
use super::chart::{Chart, ChartSpec, Folding};
use super::commits::Grown;
use super::diff::{self, Diff, Target};
use super::log::Extent;
use super::request::{Reply, Request, Same};
use super::search::{Found, find};
use super::{COMMITS, DETAILS, History, INLINE, Load, ROWS, TABLES};
use crate::action::{self as actions, Availability, Motion, TermKind};
use crate::job::Slot;
use crate::overlay::{Item, Menu, Overlay, Page, Prompt};
use crate::screen::{Answer, PaneId, ScreenId, ScreenRequest, Spot, Verb};
use crate::state::{Context, Counter, Shared};
use crate::theme::Role;

const fn slot(pane: PaneId, kind: &'static str) -> Slot {
    Slot { screen: ScreenId::History, pane, kind }
}

/// Reading the history.
pub(super) const LOAD: Slot = slot(COMMITS, "history");
const ARRANGE: Slot = slot(COMMITS, "layout");
const SEARCH: Slot = slot(COMMITS, "search");
const RELATE: Slot = slot(COMMITS, "ancestry");
const FACTS: Slot = slot(DETAILS, "details");
/// Reading row changes.
pub(super) const DIFF: Slot = slot(ROWS, "row diff");
const PAGE: Slot = slot(ROWS, "row page");

/// Share of the list's side and of the tree's side, percent.
const LIST_SPLIT: u16 = 58;
const TREE_SPLIT: u16 = 30;

impl History {
    /// Reads what is missing or out of date.
    pub(super) fn start(&mut self, cx: &mut Context<'_>) {
        if cx.shared.graph_info().is_none() {
            return;
        }
        if self.load == Load::Never {
            self.list.folding = Some(Folding::all(cx.shared.config.fold.value));
            let frame = cx.shared.frame(ScreenId::History);
            let frame = crate::state::Frame { split: LIST_SPLIT, ..frame };
            cx.shared.frames.entry(ScreenId::History).or_insert(frame);
        }
        let current = self.load == Load::Ready && !self.stale;
        if !current && !(cx.reading(LOAD) && !self.stale) {
            self.read_history(cx);
        }
        self.look_around(cx);
        if let Some(diff) = &self.diff
            && diff.tables.is_none()
            && !cx.reading(DIFF)
        {
            self.read_diff(cx);
        }
    }

    fn read_history(&mut self, cx: &mut Context<'_>) {
        let request = ScreenRequest::History(Request::Load(self.spec(cx.shared)));
        let name = cx.shared.graph_info().map_or_else(String::new, |info| info.name.clone());
        self.stale = false;
        if self.list.log().is_none_or(|log| log.extent() == Extent::Partial) {
            cx.read(LOAD, name, request);
        } else {
            cx.peek(LOAD, name, request);
        }
        self.load = Load::Reading;
    }

    /// What is wanted of the history.
    fn spec(&self, shared: &Shared) -> ChartSpec {
        let filter = shared.terms.of(ScreenId::History, COMMITS, TermKind::Filter);
        ChartSpec {
            filter: filter.map(|term| term.text.clone()).unwrap_or_default(),
            now_micros: self.filtered_at_micros,
            branches: shared.config.branches.value.clone(),
            folding: self.list.folding.clone().unwrap_or_else(|| Folding::all(shared.config.fold.value)),
        }
    }

    /// Lays the history out anew.
    fn arrange(&mut self, cx: &mut Context<'_>) {
        let Some(log) = self.list.log().cloned() else { return };
        let spec = self.spec(cx.shared);
        if log.commits().len() <= INLINE {
            self.put(Arc::new(Chart::new(log, spec)), Grown::No, cx);
        } else {
            let request = ScreenRequest::History(Request::Arrange(Same(log), spec));
            cx.peek(ARRANGE, "commits", request);
        }
    }

    /// Draws another chart. One that was made for other wishes than the present ones is made again.
    fn put(&mut self, chart: Arc<Chart>, grown: Grown, cx: &mut Context<'_>) {
        let current = *chart.spec() == self.spec(cx.shared);
        self.list.put(chart, grown, self.list_height(cx.shared));
        if !current {
            return self.arrange(cx);
        }
        self.search(cx);
        self.look_around(cx);
    }

    /// Rows of the list on view.
    pub(super) fn list_height(&self, shared: &Shared) -> usize {
        shared.pane_height(COMMITS).saturating_sub(self.notes().len()).max(1)
    }

    /// Takes what a worker delivers.
    pub fn reply(&mut self, _slot: Slot, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::Partial(chart) => {
                // While reading again the complete old history is worth more than a part of the new one.
                if self.list.log().is_none_or(|log| log.extent() == Extent::Partial) {
                    self.put(chart, Grown::No, cx);
                }
            }
            Reply::Loaded(chart) => {
                let before = self.list.log().is_some_and(|log| log.extent() == Extent::Complete);
                self.load = Load::Ready;
                self.details.forget();
                self.put(chart, if before { Grown::Top } else { Grown::No }, cx);
            }
            Reply::Arranged(chart) => {
                if self.list.log().is_some_and(|log| Arc::ptr_eq(log, chart.log())) {
                    self.put(chart, Grown::No, cx);
                }
            }
            Reply::Found(found) => self.list.found = found,
            Reply::Related(related) => {
                if related.of == self.list.id().map(|id| (self.list.ancestry, id)) {
                    self.list.related = related;
                }
            }
            Reply::Details(id, facts) => self.details.keep(id, facts),
            Reply::Diff(reply) => {
                if let Some(diff) = &mut self.diff {
                    diff.reply(reply);
                }
            }
        }
    }

    /// Asks for what belongs to the selected commit: its details, and the commits to highlight.
    fn look_around(&mut self, cx: &mut Context<'_>) {
        let complete = self.list.log().is_some_and(|log| log.extent() == Extent::Complete);
        if let Some(commit) = self.list.commit().filter(|_| complete)
            && self.details.of(commit.id).is_none()
        {
            let (commit, subject) = (commit.clone(), commit.id.to_string());
            cx.peek(FACTS, subject, ScreenRequest::History(Request::Details(commit)));
        }
        self.relate(cx);
    }

    fn relate(&mut self, cx: &mut Context<'_>) {
        let (Some(log), Some(id)) = (self.list.log().cloned(), self.list.id()) else { return };
        let ancestry = self.list.ancestry;
        if ancestry == Ancestry::Off {
            self.list.related = Related::default();
        } else if log.commits().len() <= INLINE {
            self.list.related = Related::new(&log, ancestry, id);
        } else if self.list.related.of != Some((ancestry, id)) {
            let request = ScreenRequest::History(Request::Relate(Same(log), ancestry, id));
            cx.peek(RELATE, "commits", request);
        }
    }

    /// Finds the matches of the search in what is drawn.
    fn search(&mut self, cx: &mut Context<'_>) {
        let term = cx.shared.terms.of(ScreenId::History, COMMITS, TermKind::Search).map(|term| term.text.clone());
        let (Some(term), Some(chart)) = (term, self.list.chart().cloned()) else {
            self.list.found = Found::default();
            return;
        };
        if chart.len() <= INLINE {
            self.list.found = find(&chart, &term);
        } else {
            cx.peek(SEARCH, term.clone(), ScreenRequest::History(Request::Search(Same(chart), term)));
        }
    }

    /// A search or filter term changed.
    pub(super) fn term(&mut self, pane: PaneId, kind: TermKind, cx: &mut Context<'_>) {
        match (pane, kind) {
            (COMMITS, TermKind::Filter) => {
                self.filtered_at_micros = cx.shared.now.utc_micros;
                self.arrange(cx);
            }
            (COMMITS, TermKind::Search) => {
                self.search(cx);
                let row = self.list.cursor().row;
                let matches = self.list.found.place(row) > 0;
                if let Some(next) = self.list.found.next(row).filter(|_| !matches) {
                    self.list.select_row(next, self.list_height(cx.shared));
                    self.look_around(cx);
                }
            }
            (TABLES, TermKind::Filter) => {
                let matcher = cx.matcher(ScreenId::History, TABLES, kind).cloned();
                if let Some(diff) = &mut self.diff {
                    diff.filter_tables(matcher);
                }
            }
            (ROWS, TermKind::Filter) => {
                let text = cx.shared.terms.of(ScreenId::History, ROWS, kind).map(|term| term.text.clone());
                if let Some(diff) = &mut self.diff {
                    diff.filter_rows(&text.unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    /// How many rows a term leaves or marks.
    pub(super) fn count(&self, pane: PaneId, kind: TermKind) -> Option<Counter> {
        let chart = self.list.chart();
        match (pane, kind) {
            (COMMITS, TermKind::Filter) => {
                chart.map(|chart| Counter { this: chart.commits_shown(), of: chart.log().commits().len() })
            }
            (COMMITS, TermKind::Search) => {
                let found = &self.list.found;
                Some(Counter { this: found.place(self.list.cursor().row), of: found.rows.len() })
            }
            (TABLES, TermKind::Filter) => {
                self.diff.as_ref().map(Diff::table_counter).map(|(this, of)| Counter { this, of })
            }
            (ROWS, TermKind::Filter) => {
                let rows = &self.diff.as_ref()?.table()?.rows;
                Some(Counter { this: rows.left(), of: rows.len() })
            }
            _ => None,
        }
    }

    /// Moves in a pane.
    pub(super) fn moved(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        let height = cx.shared.pane_height(pane);
        match pane {
            COMMITS => {
                let (height, width) = (self.list_height(cx.shared), cx.shared.pane_width(COMMITS));
                let before = self.list.cursor().row;
                let answer = self.list.motion(motion, height, width);
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
        let (page, half) = (height.max(1), (height / 2).max(1));
        let to = match motion {
            Motion::Down => offset + 1,
            Motion::Up => offset.saturating_sub(1),
            Motion::First => 0,
            Motion::Last => last,
            Motion::HalfDown => offset + half,
            Motion::HalfUp => offset.saturating_sub(half),
            Motion::PageDown => offset + page,
            Motion::PageUp => offset.saturating_sub(page),
            Motion::Left | Motion::Right | Motion::LeftEnd | Motion::RightEnd => offset,
        };
        self.details.offset = to.min(last);
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
            (COMMITS, _) => {
                self.list.select_row(row, self.list_height(cx.shared));
                self.details.offset = 0;
                self.look_around(cx);
            }
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
            (DETAILS, Verb::Enter) => Availability::when(self.list.commit().is_some(), "there is no commit selected"),
            (COMMITS, Verb::Mark) => Availability::when(self.list.commit().is_some(), "unfold these commits first (o)"),
            (COMMITS, Verb::Undo) => Availability::when(self.list.can_undo(), "nothing to undo"),
            (COMMITS, Verb::NextMatch | Verb::PreviousMatch) => {
                Availability::when(!self.list.found.rows.is_empty(), "nothing matches")
            }
            (COMMITS, Verb::NextDifference | Verb::PreviousDifference) => {
                let some = self.list.log().is_some_and(|log| !log.problems().is_empty());
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
            (COMMITS, Verb::Undo) => return self.list.undo(),
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

    fn go_to_row(&mut self, row: Option<usize>, cx: &mut Context<'_>) {
        if let Some(row) = row {
            self.list.select_row(row, self.list_height(cx.shared));
            self.details.offset = 0;
            self.look_around(cx);
        }
    }

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
            Action::Parent => self.ask_step(Step::Parent, cx),
            Action::Child => self.ask_step(Step::Child, cx),
            Action::AskJump => {
                let submit = |text| actions::Action::History(Action::Jump(text));
                let prompt =
                    Prompt::new("Go to", "", submit).hint("branch, commit id or its end, branch@v7, or a time");
                cx.open(Overlay::Prompt(prompt));
            }
            Action::Jump(text) => match self.list.resolve(text.trim()) {
                Ok(id) => self.select(id, cx),
                Err(reason) => cx.shared.notice = Some(reason),
            },
            Action::Select(id) => self.select(id, cx),
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
            Action::Problems => self.list_problems(cx),
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
        let problems = self.list.log().map(|log| log.problems()).unwrap_or_default();
        let lines = problems.iter().map(|problem| (format!("! {problem}"), Role::Warning)).collect();
        cx.open(Overlay::Page(Page::new("Problems of the history", lines)));
    }

    /// Goes to a commit: opens the fold that hides it, or says that the filter does.
    fn select(&mut self, id: CommitId, cx: &mut Context<'_>) {
        if self.list.log().is_none_or(|log| log.node(id).is_none()) {
            cx.shared.notice = Some(format!("no commit {id} in the history"));
            return;
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
        match self.list.chart().and_then(|chart| chart.row_of(id)) {
            Some(row) => self.go_to_row(Some(row), cx),
            None => {
                let short = self.list.log().map_or_else(String::new, |log| log.graph().short_id(id));
                cx.shared.notice = Some(format!("the filter hides {short}; esc takes the filter off"));
            }
        }
        cx.focus(COMMITS);
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
            Step::Child => (chart.child_rows(row), "no commit is based on this one"),
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
        if self.diff.is_none() {
            self.swap_split(TREE_SPLIT, cx);
        }
        self.diff = Some(Diff::new(target));
        self.read_diff(cx);
        cx.focus(TABLES);
    }

    fn read_diff(&mut self, cx: &mut Context<'_>) {
        let Some(target) = self.diff.as_ref().map(|diff| diff.target.clone()) else { return };
        cx.cancel(PAGE);
        self.diff = Some(Diff::new(target.clone()));
        for pane in [TABLES, ROWS] {
            self.term(pane, TermKind::Filter, cx);
        }
        let subject = self.target_text(&target, cx.shared);
        cx.read(DIFF, subject, ScreenRequest::History(Request::Diff(diff::Request::All(target))));
    }

    fn close_diff(&mut self, cx: &mut Context<'_>) {
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

/// Along which way of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Parent,
    Child,
}
