//! How the state of the screen changes.

use std::sync::Arc;

use super::ancestry::{Ancestry, Related};
use super::chart::{Chart, ChartSpec, Folding};
use super::commits::Grown;
use super::diff::Diff;
use super::log::{Before, CommitLog, Extent};
use super::request::{Former, Preview, Reply, Request, Same};
use super::search::{Found, find};
use super::{COMMITS, DETAILS, History, INLINE, INLINE_BRANCHES, Load, ROWS, TABLES};
use crate::action::TermKind;
use crate::job::Slot;
use crate::screen::{PaneId, ScreenId, ScreenRequest};
use crate::state::{Context, Counter, Shared};

const fn slot(pane: PaneId, kind: &'static str) -> Slot {
    Slot { screen: ScreenId::History, pane, kind }
}

/// Reading the history.
pub(super) const LOAD: Slot = slot(COMMITS, "history");
const ARRANGE: Slot = slot(COMMITS, "layout");
/// Searching.
pub(super) const SEARCH: Slot = slot(COMMITS, "search");
/// Finding the commit to go to.
pub(super) const JUMP: Slot = slot(COMMITS, "go to");
const COUNT: Slot = slot(COMMITS, "new commits");
const RELEASE: Slot = slot(COMMITS, "former history");
const RELATE: Slot = slot(COMMITS, "ancestry");
const FACTS: Slot = slot(DETAILS, "details");
/// Reading row changes.
pub(super) const DIFF: Slot = slot(ROWS, "row diff");
/// Reading a further page of row changes.
pub(super) const PAGE: Slot = slot(ROWS, "row page");

/// Share of the list's side, percent.
pub(super) const LIST_SPLIT: u16 = 58;
/// Share of the tree's side, percent.
pub(super) const TREE_SPLIT: u16 = 30;

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
        if !current && !cx.reading(LOAD) {
            self.read_history(cx);
        }
        self.catch_up(cx);
        self.count_new(cx);
        self.look_around(cx);
        if let Some(diff) = &self.diff
            && diff.tables.is_none()
            && !cx.reading(DIFF)
        {
            self.read_diff(cx);
        }
    }

    /// Lays out and searches what is not as it is wanted: leaving the screen cancels both.
    fn catch_up(&mut self, cx: &mut Context<'_>) {
        let Some(chart) = self.list.chart() else { return };
        if *chart.spec() != self.spec(cx.shared) {
            if !cx.reading(ARRANGE) {
                self.arrange(cx);
            }
        } else if search_term(cx.shared) != self.list.found.term && !cx.reading(SEARCH) {
            self.search(cx);
        }
    }

    pub(super) fn read_history(&mut self, cx: &mut Context<'_>) {
        let spec = self.spec(cx.shared);
        let request = |preview| ScreenRequest::History(Request::Load(spec, preview));
        let name = cx.shared.graph_info().map_or_else(String::new, |info| info.name.clone());
        self.stale = false;
        if self.is_whole() {
            cx.peek(LOAD, name, request(Preview::Nothing));
        } else {
            cx.read(LOAD, name, request(Preview::SoFar));
        }
        self.load = Load::Reading;
    }

    /// Whether a whole history is on view, be it out of date.
    fn is_whole(&self) -> bool {
        self.list.log().is_some_and(|log| log.extent() == Extent::Complete)
    }

    /// Whether it is this history that is on view.
    fn is_on_view(&self, log: &Arc<CommitLog>) -> bool {
        self.list.log().is_some_and(|shown| Arc::ptr_eq(shown, log))
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
    pub(super) fn arrange(&mut self, cx: &mut Context<'_>) {
        let Some(log) = self.list.log().cloned() else { return };
        let spec = self.spec(cx.shared);
        if is_small(&log) {
            self.put(Arc::new(Chart::new(log, spec)), Grown::No, cx);
        } else {
            let request = ScreenRequest::History(Request::Arrange(Same(log), spec));
            cx.peek(ARRANGE, "commits", request);
        }
    }

    /// Draws another chart. One that was made for other wishes than the present ones is made again.
    fn put(&mut self, chart: Arc<Chart>, grown: Grown, cx: &mut Context<'_>) {
        let current = *chart.spec() == self.spec(cx.shared);
        // Rows that are still being searched are those of the former chart.
        cx.cancel(SEARCH);
        self.list.put(chart, grown, self.list_height(cx.shared));
        self.release(cx);
        if !current {
            return self.arrange(cx);
        }
        self.search(cx);
        self.count_new(cx);
        self.look_around(cx);
    }

    /// Lets a worker free what is needed no more, if that takes time.
    pub(super) fn release(&mut self, cx: &mut Context<'_>) {
        let mut former = self.list.take_former();
        former.retain(|former| former.log().len() > INLINE);
        if !former.is_empty() {
            cx.peek(RELEASE, "commits", ScreenRequest::History(Request::Release(former)));
        }
    }

    /// A reply that nobody waits for any more.
    pub fn discard(&mut self, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::Partial(chart) | Reply::Loaded(chart) | Reply::Arranged(chart) => {
                self.list.discard(Former::Chart(Same(chart)));
            }
            Reply::Counted(log, _) => self.list.discard(Former::Log(Same(log))),
            Reply::Related(related) => {
                if let Some(log) = related.log() {
                    self.list.discard(Former::Log(Same(Arc::clone(log))));
                }
            }
            Reply::Found(_) | Reply::Jumped(_) | Reply::Details(..) | Reply::Diff(_) => {}
        }
        self.release(cx);
    }

    /// Counts the commits that arrived above the cursor.
    fn count_new(&mut self, cx: &mut Context<'_>) {
        let Some((before, after)) = self.list.uncounted() else { return };
        if after.len() <= INLINE {
            let count = after.count_since(&before);
            self.list.counted(count);
            self.release(cx);
        } else {
            cx.peek(COUNT, "commits", ScreenRequest::History(Request::Count(Same(before), Same(after))));
        }
    }

    /// Rows of the list on view.
    pub(super) fn list_height(&self, shared: &Shared) -> usize {
        shared.pane_height(COMMITS).saturating_sub(self.notes().len()).max(1)
    }

    /// Takes what a worker delivers.
    pub fn reply(&mut self, _slot: Slot, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            // A whole history is worth more than a part of a newer one.
            Reply::Partial(chart) if !self.is_whole() => self.put(chart, Grown::Top, cx),
            Reply::Loaded(chart) => {
                self.load = Load::Ready;
                self.details.forget();
                self.put(chart, Grown::Top, cx);
                if !self.stale {
                    self.go_to_awaited(cx);
                }
                // A head that moves while the history is read must not start the reading over: it might never end.
                if self.stale {
                    self.read_history(cx);
                }
            }
            Reply::Arranged(chart) if self.is_on_view(chart.log()) => self.put(chart, Grown::No, cx),
            Reply::Found(found) => self.take_found(found, cx),
            Reply::Jumped(found) => self.jumped(found, cx),
            Reply::Counted(until, commits) if self.is_on_view(&until) => {
                self.list.counted(commits);
                self.release(cx);
            }
            Reply::Related(related) if self.is_wanted(&related) => self.list.related = related,
            late @ (Reply::Partial(_) | Reply::Arranged(_) | Reply::Counted(..) | Reply::Related(_)) => {
                self.discard(late, cx);
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
    pub(super) fn look_around(&mut self, cx: &mut Context<'_>) {
        if let Some(request) = self.wanted_details() {
            let subject = self.list.id().map_or_else(String::new, |id| id.to_string());
            cx.peek(FACTS, subject, ScreenRequest::History(request));
        }
        self.relate(cx);
    }

    /// The request for what the selected commit changed; none if it is known, or cannot be known.
    fn wanted_details(&self) -> Option<Request> {
        let log = self.list.log().filter(|log| log.extent() == Extent::Complete)?;
        let commit = self.list.commit().filter(|commit| self.details.of(commit.id).is_none())?;
        let parent = match log.before(commit) {
            Before::Nothing => None,
            Before::Parent(parent) => Some(parent.clone()),
            Before::Gone(_) => return None,
        };
        Some(Request::Details { commit: commit.clone(), parent })
    }

    /// Whether these are the commits to highlight with the selected one.
    fn is_wanted(&self, related: &Related) -> bool {
        let selected = self.list.log().zip(self.list.id());
        selected.is_some_and(|(log, id)| related.is_of(log, self.list.ancestry, id))
    }

    pub(super) fn relate(&mut self, cx: &mut Context<'_>) {
        let (Some(log), Some(id)) = (self.list.log().cloned(), self.list.id()) else { return };
        let ancestry = self.list.ancestry;
        if ancestry == Ancestry::Off {
            self.list.related = Related::default();
        } else if log.len() <= INLINE {
            self.list.related = Related::new(&log, ancestry, id);
        } else if !self.list.related.is_of(&log, ancestry, id) {
            let request = ScreenRequest::History(Request::Relate(Same(log), ancestry, id));
            cx.peek(RELATE, "commits", request);
        }
    }

    /// Finds the matches of the search in what is drawn.
    fn search(&mut self, cx: &mut Context<'_>) {
        let term = search_term(cx.shared);
        let Some(chart) = self.list.chart().cloned().filter(|_| !term.is_empty()) else {
            cx.cancel(SEARCH);
            return self.take_found(Found::default(), cx);
        };
        if chart.len() <= INLINE {
            self.take_found(find(&chart, &term), cx);
        } else {
            cx.peek(SEARCH, term.clone(), ScreenRequest::History(Request::Search(Same(chart), term)));
        }
    }

    /// The matches are known. After typing the cursor goes to the next one, unless it is on one.
    fn take_found(&mut self, found: Found, cx: &mut Context<'_>) {
        self.list.found = found;
        let row = self.list.cursor().row;
        if std::mem::take(&mut self.seeking) && self.list.found.place(row) == 0 {
            self.go_to_row(self.list.found.next(row), cx);
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
                self.seeking = true;
                self.search(cx);
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
                chart.map(|chart| Counter { this: chart.commits_shown(), of: chart.log().len() })
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
}

/// Whether laying out a history takes so little that nobody waits for it.
fn is_small(log: &CommitLog) -> bool {
    let branches = log.graph().heads().len();
    log.len() <= INLINE && log.len() * branches <= INLINE * INLINE_BRANCHES
}

/// What is searched; empty if nothing is.
fn search_term(shared: &Shared) -> String {
    let term = shared.terms.of(ScreenId::History, COMMITS, TermKind::Search);
    term.map(|term| term.text.clone()).unwrap_or_default()
}
