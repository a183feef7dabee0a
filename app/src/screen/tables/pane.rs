//! How the screen answers the frame: panes, movements, verbs, terms.

use stratigraph_engine::At;
use stratigraph_widgets::data_table::{GUTTER_WIDTH, TableLayout};

use super::copy;
use super::record::RecordView;
use super::request::{Order, Request, Source};
use super::{COMPARE, Drill, RECORD, ROW_HISTORY, ROWS, SQL, TYPES, Tables, body_height, focus, kind, position, slot};
use crate::action::{Availability, Motion, TermKind};
use crate::export::Content;
use crate::job::Slot;
use crate::message::Failure;
use crate::screen::{
    Answer, CopyChoice, PaneId, PaneSpec, Place, Screen, ScreenId, ScreenRequest, Spot, TermUse, Verb,
};
use crate::state::{Arrangement, Context, Counter, Frame, Shared};
use crate::view::Canvas;

/// Share of the list of types at first, percent.
const SPLIT: u16 = 38;

impl Screen for Tables {
    fn id(&self) -> ScreenId {
        ScreenId::Tables
    }

    fn panes(&self) -> Vec<PaneSpec> {
        vec![PaneSpec::main(TYPES), PaneSpec::detail(self.content())]
    }

    fn view(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        self.draw(shared, panes, canvas);
    }

    fn place(&self, shared: &Shared) -> Option<Place> {
        let opening = self.opening.as_ref().map(|opening| &opening.at);
        let opened = self.opened.as_ref()?;
        let again = opening.filter(|at| **at != opened.at);
        Some(position::place(opened, again, shared.theme, shared.config.time.value))
    }

    fn shown(&mut self, cx: &mut Context<'_>) {
        let frame = Frame { focus: TYPES, split: SPLIT, ..cx.shared.frame(ScreenId::Tables) };
        cx.shared.frames.entry(ScreenId::Tables).or_insert(frame);
        self.read_missing(cx);
    }

    fn heads_moved(&mut self, cx: &mut Context<'_>) {
        self.remember_heads(cx.shared);
        // A read that nobody waits for would be cancelled by leaving the screen; it is made when the screen is shown.
        if cx.shared.screen == ScreenId::Tables {
            self.follow_heads(cx);
        }
    }

    fn shows_failure(&self, slot: Slot) -> bool {
        match slot.kind {
            kind::OPEN => self.opened.is_none() || self.opening.as_ref().is_some_and(|opening| opening.typed.is_some()),
            kind::HEADS => false,
            _ => true,
        }
    }

    fn failed(&mut self, slot: Slot, failure: &Failure, cx: &mut Context<'_>) {
        self.read_failed(slot, failure, cx);
    }

    fn finished(&mut self, slot: Slot, cx: &mut Context<'_>) {
        self.read_finished(slot);
        if slot.kind == kind::PAGE {
            // One page may not fill the pane, or the cursor ran ahead of it.
            if slot.pane == COMPARE { self.compare_more(cx) } else { self.load_more(cx) }
        }
    }

    fn cancelled(&mut self, slot: Slot, _cx: &mut Context<'_>) {
        self.read_cancelled(slot);
    }

    fn motion(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        let moved = self.moved(pane, motion, cx);
        let edge = match motion {
            Motion::Left | Motion::LeftEnd if pane == TYPES => "nothing to fold here",
            Motion::Right | Motion::RightEnd if pane == TYPES => "nothing to unfold here",
            Motion::Left | Motion::LeftEnd => "no column further left",
            Motion::Right | Motion::RightEnd => "no column further right",
            Motion::Up | Motion::First | Motion::HalfUp | Motion::PageUp => "this is the first row",
            Motion::Down | Motion::Last | Motion::HalfDown | Motion::PageDown => "this is the last row",
        };
        Answer::when(moved, edge)
    }

    fn point(&mut self, pane: PaneId, spot: Spot, cx: &mut Context<'_>) -> Answer {
        match spot {
            Spot::Row(row) => self.select(pane, row, cx),
            Spot::Header(column) => self.sort_by_header(pane, column),
        }
    }

    fn supports(&self, pane: PaneId, verb: Verb, _shared: &Shared) -> Availability {
        self.can(pane, verb)
    }

    fn perform(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        match verb {
            Verb::Enter => self.go_in(pane, cx),
            Verb::Back => self.back(cx),
            Verb::Refresh => self.refresh(cx),
            Verb::NextDifference => self.jump(true, cx),
            Verb::PreviousDifference => self.jump(false, cx),
            Verb::NextMatch => self.find(pane, true, false, cx),
            Verb::PreviousMatch => self.find(pane, false, false, cx),
            Verb::Mark | Verb::Undo => Answer::Nothing("nothing to mark on this screen".to_owned()),
        }
    }

    fn term_use(&self, pane: PaneId, kind: TermKind) -> TermUse {
        match kind {
            TermKind::Search if [RECORD, ROW_HISTORY, COMPARE].contains(&pane) => {
                TermUse::No("nothing to search here, search the rows")
            }
            TermKind::Search if pane == TYPES => TermUse::No("nothing to search here, f filters the types"),
            TermKind::Search => TermUse::Text,
            TermKind::Filter if pane == TYPES => TermUse::Text,
            TermKind::Filter if pane == ROWS => TermUse::Expression("SQL condition, like age > 30"),
            TermKind::Filter => TermUse::No("only rows and types can be filtered"),
        }
    }

    fn term_changed(&mut self, pane: PaneId, kind: TermKind, cx: &mut Context<'_>) {
        match kind {
            TermKind::Filter if pane == ROWS => {
                let text = cx.shared.terms.of(ScreenId::Tables, ROWS, kind).map(|term| term.text.trim().to_owned());
                self.load(text.filter(|text| !text.is_empty()), cx);
            }
            TermKind::Filter => self.types.cursor.row = 0,
            TermKind::Search => {
                self.find(pane, true, true, cx);
            }
        }
    }

    fn counter(&self, pane: PaneId, kind: TermKind, shared: &Shared) -> Option<Counter> {
        let matcher = shared.terms.matcher(ScreenId::Tables, pane, kind)?;
        let (this, of) = match kind {
            TermKind::Filter => self.types.counts(Some(matcher)),
            TermKind::Search => self.grid(pane)?.matching(matcher),
        };
        Some(Counter { this, of })
    }

    fn copies(&self, pane: PaneId, shared: &Shared) -> Vec<CopyChoice> {
        copy::choices(self, pane, shared)
    }

    fn export(&self, pane: PaneId, _shared: &Shared) -> Option<Content> {
        copy::content(self, pane)
    }

    fn command_line(&self, shared: &Shared) -> Option<String> {
        copy::command_line(self, shared)
    }
}

impl Tables {
    fn moved(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> bool {
        let height = body_height(cx.shared, pane);
        if pane == TYPES {
            let height = cx.shared.pane_height(TYPES).saturating_sub(1).max(1);
            let filter = cx.matcher(ScreenId::Tables, TYPES, TermKind::Filter);
            let moved = self.types.motion(motion, height, filter);
            self.follow_selection(cx);
            return moved;
        }
        let width = cx.shared.pane_width(pane);
        let moved = match self.drills.last_mut() {
            Some(Drill::Record(view)) => view.cursor.motion(motion, view.lines(width).len(), height + 1),
            Some(Drill::RowHistory(view)) => view.cursor.motion(motion, view.lines().len(), height + 1),
            Some(Drill::Compare(view)) => view.motion(motion, height),
            Some(Drill::Sql(_)) | None => self.grid_mut(pane).is_some_and(|grid| grid.motion(motion, height)),
        };
        self.settle_columns(pane, width);
        self.more(pane, cx);
        moved
    }

    /// Keeps the selected column on view.
    fn settle_columns(&mut self, pane: PaneId, width: usize) {
        let area = ratatui::layout::Rect::new(0, 0, u16::try_from(width).unwrap_or(u16::MAX), 2);
        if let Some(Drill::Compare(view)) = self.drills.last_mut() {
            let mut state = view.grid.state;
            let columns = super::view::columns(view.columns(), view.widths());
            drop(TableLayout::new(area, &columns, GUTTER_WIDTH, &mut state));
            view.grid.state = state;
        } else if let Some(grid) = self.grid_mut(pane) {
            let mut state = grid.state;
            drop(TableLayout::new(area, &super::view::grid_columns(grid), GUTTER_WIDTH, &mut state));
            grid.state = state;
        }
    }

    /// Reads more if the cursor came near the end of what is loaded.
    fn more(&mut self, pane: PaneId, cx: &mut Context<'_>) {
        if pane == ROWS {
            self.load_more(cx);
        } else if pane == COMPARE {
            self.compare_more(cx);
        }
    }

    fn select(&mut self, pane: PaneId, row: usize, cx: &mut Context<'_>) -> Answer {
        if pane == TYPES {
            let before = self.types.cursor.row;
            self.types.cursor.row = row;
            self.follow_selection(cx);
            return Answer::when(before != row, "selected already");
        }
        let height = body_height(cx.shared, pane);
        match self.drills.last_mut() {
            Some(Drill::Record(view)) => view.cursor.row = row,
            Some(Drill::RowHistory(view)) => view.cursor.row = row,
            Some(Drill::Compare(view)) => view.grid.state.row = row.min(view.lines().len().saturating_sub(1)),
            Some(Drill::Sql(_)) | None => {
                if let Some(grid) = self.grid_mut(pane) {
                    let (rows, columns) = (grid.rows().len(), grid.shown().len());
                    grid.state.row = row;
                    grid.state.settle(rows, columns, height);
                }
            }
        }
        self.more(pane, cx);
        Answer::Done
    }

    /// A click on a header sorts what is loaded, a second one the other way round.
    fn sort_by_header(&mut self, pane: PaneId, column: usize) -> Answer {
        let Some(grid) = self.grid_mut(pane) else {
            return Answer::Nothing("this table cannot be sorted".to_owned());
        };
        let Some(column) = grid.shown().get(column).copied() else {
            return Answer::Nothing("no column here".to_owned());
        };
        let descending = grid.sorted() == Some((column, false));
        let order = Order { column: grid.columns()[column].to_string(), descending };
        grid.sort_by(column, descending);
        if pane == ROWS {
            self.rows.sorting = super::rows::Sorting::Loaded(order);
        }
        Answer::Done
    }

    fn can(&self, pane: PaneId, verb: Verb) -> Availability {
        match verb {
            Verb::Enter if pane == TYPES => Availability::when(self.opened.is_some(), "no position is read yet"),
            Verb::Enter => self.can_go_in(pane),
            Verb::Back if self.drills.is_empty() && self.trail.is_empty() => Availability::no("nothing to go back to"),
            Verb::Back | Verb::Refresh => Availability::Ready,
            Verb::NextDifference | Verb::PreviousDifference => {
                let jumps = matches!(self.drills.last(), Some(Drill::Compare(_) | Drill::RowHistory(_)));
                Availability::when(jumps && pane == self.content(), "no differences here, c compares")
            }
            Verb::NextMatch | Verb::PreviousMatch => {
                Availability::when(self.grid(pane).is_some(), "nothing to search in this pane")
            }
            Verb::Mark => Availability::no("nothing to mark on this screen"),
            Verb::Undo => Availability::no("nothing to undo on this screen"),
        }
    }

    fn can_go_in(&self, pane: PaneId) -> Availability {
        match self.drills.last() {
            None if pane == ROWS => Availability::when(self.rows.grid.row().is_some(), "no row is selected"),
            Some(Drill::Sql(view)) if pane == SQL => {
                Availability::when(view.grid.row().is_some(), "no row is selected")
            }
            Some(Drill::RowHistory(view)) => Availability::when(view.commit().is_some(), "no commit is selected"),
            Some(Drill::Compare(view)) => Availability::when(view.id().is_some(), "these rows are not loaded"),
            Some(Drill::Record(_) | Drill::Sql(_)) | None => Availability::no("there is nothing further in"),
        }
    }

    fn go_in(&mut self, pane: PaneId, cx: &mut Context<'_>) -> Answer {
        if pane == TYPES {
            let filter = cx.matcher(ScreenId::Tables, TYPES, TermKind::Filter);
            if !self.types.toggle_group(filter) {
                self.follow_selection(cx);
                focus(cx, self.content());
            }
            return Answer::Done;
        }
        match self.drills.last() {
            Some(Drill::RowHistory(view)) => {
                if let Some(commit) = view.commit() {
                    let (table, id) = (view.table.clone(), view.id.clone());
                    self.update(super::Action::GoToTable(At::Commit(commit), table, Some(id)), cx);
                }
            }
            Some(Drill::Compare(view)) => {
                let line = view.lines().get(view.grid.state.row).copied();
                let row = line.and_then(|line| view.row(line).0).cloned();
                if let Some(row) = row {
                    let table = view.table.clone();
                    self.show_record(RecordView::new(Some(table), row), Read::Nothing, cx);
                }
            }
            Some(Drill::Sql(view)) => {
                if let Some(row) = view.grid.row().cloned() {
                    self.show_record(RecordView::new(None, row), Read::Nothing, cx);
                }
            }
            Some(Drill::Record(_)) => {}
            None => {
                if let Some(row) = self.rows.grid.row().cloned() {
                    self.show_record(RecordView::new(self.table.clone(), row), Read::Digests, cx);
                }
            }
        }
        Answer::Done
    }

    fn show_record(&mut self, mut view: RecordView, read: Read, cx: &mut Context<'_>) {
        let id = view.row.get("id").and_then(|id| id.as_text()).map(str::to_owned);
        let wanted = match read {
            Read::Digests if view.wants_digests() => id.zip(self.source(None)),
            Read::Digests | Read::Nothing => None,
        };
        view.reading = wanted.is_some();
        self.enter(Drill::Record(view), cx);
        if let Some((id, source)) = wanted {
            let subject = format!("{} {id}", source.table);
            let request = Request::Record(Source { filter: None, ..source }, id);
            cx.peek(slot(RECORD, kind::RECORD), subject, ScreenRequest::Tables(request));
        }
    }

    fn back(&mut self, cx: &mut Context<'_>) -> Answer {
        if !self.leave_drill(cx) {
            self.go_back(cx);
        }
        Answer::Done
    }

    fn refresh(&mut self, cx: &mut Context<'_>) -> Answer {
        match self.drills.last() {
            Some(Drill::Sql(view)) => {
                let statement = view.statement.clone();
                self.run_sql(statement, cx);
            }
            Some(Drill::Compare(view)) => {
                let asked = view.asked.clone();
                self.compare(&asked, cx);
            }
            Some(Drill::Record(_) | Drill::RowHistory(_)) | None => {
                self.read_again(true, cx);
            }
        }
        Answer::Done
    }

    fn jump(&mut self, forward: bool, cx: &mut Context<'_>) -> Answer {
        let height = body_height(cx.shared, self.content());
        let moved = match self.drills.last_mut() {
            Some(Drill::Compare(view)) => view.jump(forward, height),
            Some(Drill::RowHistory(view)) => view.neighbor(forward).map(|line| view.cursor.row = line).is_some(),
            Some(Drill::Record(_) | Drill::Sql(_)) | None => false,
        };
        let pane = self.content();
        self.settle_columns(pane, cx.shared.pane_width(pane));
        self.more(pane, cx);
        Answer::when(moved, if forward { "no further difference" } else { "no difference before" })
    }

    fn find(&mut self, pane: PaneId, forward: bool, here: bool, cx: &mut Context<'_>) -> Answer {
        let height = body_height(cx.shared, pane);
        let Some(matcher) = cx.matcher(ScreenId::Tables, pane, TermKind::Search) else {
            return Answer::Nothing("no search in this pane, start one with /".to_owned());
        };
        let found = self.grid_mut(pane).is_some_and(|grid| grid.find(matcher, forward, here, height));
        Answer::when(found, "no match in what is loaded")
    }
}

/// Whether a record needs another look at the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// For the digests of blobs.
    Digests,
    /// No.
    Nothing,
}

/// Whether actions are possible, or why not.
impl Tables {
    pub(super) fn can_read(&self) -> Result<(), &'static str> {
        self.opened.as_ref().map(|_| ()).ok_or("no position is read yet")
    }

    pub(super) fn can_return(&self) -> Result<(), &'static str> {
        if self.trail.is_empty() { Err("there is no position to return to") } else { Ok(()) }
    }

    pub(super) fn can_show(&self) -> Result<(), &'static str> {
        self.table.as_ref().map(|_| ()).ok_or("no table is selected")
    }

    pub(super) fn can_tab(&self) -> Result<(), &'static str> {
        self.can_show()?;
        if self.drills.is_empty() { Ok(()) } else { Err("esc goes back to the tabs") }
    }

    pub(super) fn can_row_history(&self, pane: PaneId) -> Result<(), &'static str> {
        let here = [ROWS, RECORD, COMPARE].contains(&pane);
        if here && self.selected_row().is_some() { Ok(()) } else { Err("select a row of a table first") }
    }

    pub(super) fn can_sort(&self, pane: PaneId) -> Result<(), &'static str> {
        let some = self.grid(pane).is_some_and(|grid| !grid.rows().is_empty());
        if some { Ok(()) } else { Err("there are no rows to sort in this pane") }
    }

    pub(super) fn can_choose(&self, pane: PaneId) -> Result<(), &'static str> {
        let some = self.grid(pane).is_some_and(|grid| !grid.columns().is_empty());
        if some { Ok(()) } else { Err("there are no columns to choose in this pane") }
    }

    pub(super) fn can_count(&self, pane: PaneId) -> Result<(), &'static str> {
        self.can_show()?;
        if pane == ROWS { Ok(()) } else { Err("only the rows of a table are counted") }
    }
}
