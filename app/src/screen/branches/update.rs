//! How the state of the screen changes.

use std::collections::HashSet;

use stratigraph_engine::{At, BranchName, ErrorKind};

use super::action::Action;
use super::create;
use super::details::{self, Standing};
use super::list::Way;
use super::request::{Facts, HeadPair, Loaded, Pending, Reply, Request};
use super::{Branches, DETAILS, LIST, Load, list_view};
use crate::action::{Action as Any, Motion, TermKind};
use crate::cursor;
use crate::job::Slot;
use crate::message::Failure;
use crate::overlay::Overlay;
use crate::screen::{Answer, PaneId, ScreenId, ScreenRequest, Verb, history, merge, tables};
use crate::state::{Context, Counter, Frame, Shared};

const fn slot(pane: PaneId, kind: &'static str) -> Slot {
    Slot { screen: ScreenId::Branches, pane, kind }
}

const LOAD: Slot = slot(LIST, "branches");
const PENDING: Slot = slot(LIST, "interrupted writes");
const COUNT: Slot = slot(LIST, "ahead and behind");
const READ: Slot = slot(DETAILS, "branch");
/// Finding where a new branch starts.
pub(super) const FIND: Slot = slot(LIST, "start of a branch");
/// Finding what deleting a branch loses.
pub(super) const LOSS: Slot = slot(LIST, "what is lost");
const CREATE: Slot = slot(LIST, "make branch");
const DELETE: Slot = slot(LIST, "delete branch");

/// Share of the list at first, percent.
const SPLIT: u16 = 58;

impl Branches {
    /// Performs an action.
    pub fn update(&mut self, action: Action, cx: &mut Context<'_>) {
        match action {
            Action::GoToHead => self.go_to_head(cx),
            Action::ReadHere => {
                if let Ok(name) = self.name() {
                    cx.then(Any::Tables(tables::Action::GoTo(At::Branch(name))));
                    cx.show(ScreenId::Tables);
                }
            }
            Action::Compare => {
                if let Ok((from, to)) = self.comparison() {
                    cx.show(ScreenId::History);
                    cx.then(Any::History(history::Action::Between(from, to)));
                }
            }
            Action::AskMerge => self.ask_merge(cx),
            Action::Merge { source, target } => {
                cx.then(Any::Merge(merge::Action::Choose { source, target }));
                cx.show(ScreenId::Merge);
            }
            Action::AskCreate => {
                if let Ok(name) = self.name() {
                    cx.open(Overlay::Prompt(create::prompt(&name, "")));
                }
            }
            Action::Create(text) => self.create(&text, cx),
            Action::CreateNow(new) => {
                let name = new.name.to_string();
                cx.write(CREATE, name, ScreenRequest::Branches(Request::Create(new)));
            }
            Action::AskDelete => self.ask_delete(cx),
            Action::DeleteNow(doomed) => {
                let name = doomed.name.to_string();
                cx.write(DELETE, name, ScreenRequest::Branches(Request::Delete(doomed)));
            }
            Action::Select(name) => {
                self.list.want(name, self.list_height(cx.shared));
                self.look_around(cx);
            }
        }
    }

    fn go_to_head(&self, cx: &mut Context<'_>) {
        if let Ok(head) = self.head() {
            cx.show(ScreenId::History);
            cx.then(Any::History(history::Action::Select(head)));
        }
    }

    /// Reads what is missing or out of date.
    pub(super) fn start(&mut self, cx: &mut Context<'_>) {
        if cx.shared.graph_info().is_none() {
            return;
        }
        if self.load == Load::Never {
            let frame = Frame { split: SPLIT, ..cx.shared.frame(ScreenId::Branches) };
            cx.shared.frames.entry(ScreenId::Branches).or_insert(frame);
        }
        // What leaving the screen stopped is asked for again.
        self.is_counting = true;
        let current = self.load == Load::Ready && !self.stale;
        if !current && !cx.reading(LOAD) {
            self.read(cx);
        }
        self.look_around(cx);
    }

    fn read(&mut self, cx: &mut Context<'_>) {
        let name = cx.shared.graph_info().map_or_else(String::new, |info| info.name.clone());
        let request = ScreenRequest::Branches(Request::Load);
        (self.stale, self.recount) = (false, false);
        if self.list.branches().is_empty() {
            cx.read(LOAD, name, request);
        } else {
            cx.peek(LOAD, name, request);
        }
        self.load = Load::Reading;
    }

    /// Asks for what belongs to the branches on view: how far they are apart from main, and details of the selected one.
    fn look_around(&mut self, cx: &mut Context<'_>) {
        let pairs = if self.is_counting && !cx.reading(COUNT) { self.uncounted_pairs() } else { Vec::new() };
        self.is_counting &= cx.reading(COUNT) || !pairs.is_empty();
        if !pairs.is_empty() {
            let subject = format!("{} branches", pairs.len());
            cx.peek(COUNT, subject, ScreenRequest::Branches(Request::Count(pairs)));
        }
        if self.recount && self.load == Load::Ready {
            self.recount = false;
            cx.peek(PENDING, "interrupted writes", ScreenRequest::Branches(Request::Pending));
        }
        let whole = self.list.selected().filter(|facts| facts.branch.broken.is_none());
        let key = whole.map(|facts| details::key(&facts.branch));
        let under_way = self.shelf.asked.clone().filter(|_| cx.reading(READ));
        if let Some(key) = key.filter(|key| self.shelf.of(key).is_none() && under_way.as_ref() != Some(key)) {
            let subject = key.branch.to_string();
            self.shelf.asked = Some(key.clone());
            cx.peek(READ, subject, ScreenRequest::Branches(Request::Details(key)));
        }
    }

    /// The interrupted writes are others than before.
    pub fn counted(&mut self, cx: &mut Context<'_>) {
        self.recount = true;
        if cx.shared.screen == ScreenId::Branches {
            self.start(cx);
        }
    }

    fn put_pending(&mut self, pending: Pending) {
        self.gone = self.list.put_pending(pending.on);
        self.unreadable = pending.unreadable;
        self.measure();
    }

    /// Measures the columns of the list: what they are made of, or which rows there are, changed.
    fn measure(&mut self) {
        self.widths = list_view::Widths::of(self);
    }

    /// Pairs of heads that nobody counted yet.
    fn uncounted_pairs(&self) -> Vec<HeadPair> {
        if self.uncounted {
            return Vec::new();
        }
        let pairs = self.list.branches().iter().filter_map(|facts| self.pair(facts));
        let mut pairs: Vec<HeadPair> = pairs.filter(|pair| !self.apart.contains_key(pair)).collect();
        pairs.dedup();
        pairs
    }

    /// The head of a branch that is not main, and that of main.
    fn pair(&self, facts: &Facts) -> Option<HeadPair> {
        let main = self.list.find(&BranchName::main())?.branch.head?;
        facts.branch.head.filter(|_| !facts.branch.name.is_main()).map(|head| (head, main))
    }

    /// How a branch stands to main.
    pub(super) fn standing(&self, facts: &Facts) -> Standing {
        if facts.branch.name.is_main() {
            return Standing::Main;
        }
        match self.pair(facts).map(|pair| self.apart.get(&pair)) {
            Some(Some(Some(divergence))) => Standing::Known(*divergence),
            Some(None) if !self.uncounted => Standing::Counting,
            Some(Some(None) | None) | None => Standing::Unknown,
        }
    }

    /// Rows of the list on view, below its header.
    pub(super) fn list_height(&self, shared: &Shared) -> usize {
        shared.pane_height(LIST).saturating_sub(1 + self.notes().len()).max(1)
    }

    /// Takes what a job delivers.
    pub fn reply(&mut self, _slot: Slot, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::Loaded(loaded) => self.loaded(*loaded, cx),
            Reply::Counted(pairs) => {
                self.apart.extend(pairs);
                self.measure();
            }
            Reply::Details(key, details) => self.shelf.keep(key, Ok(*details)),
            Reply::Found(text, found) => self.found(&text, found.map(|new| *new), cx),
            Reply::Loss(loss) => Self::ask_to_lose(&loss, cx),
            Reply::Created(new) => self.created(&new, cx),
            Reply::Deleted(doomed) => Self::deleted(&doomed, cx),
            Reply::Pending(pending) => self.put_pending(pending),
        }
    }

    fn loaded(&mut self, loaded: Loaded, cx: &mut Context<'_>) {
        self.load = Load::Ready;
        self.uncounted = false;
        (self.gone, self.unreadable, self.moved) = (loaded.gone, loaded.unreadable, loaded.moved);
        let height = self.list_height(cx.shared);
        let filter = cx.matcher(ScreenId::Branches, LIST, TermKind::Filter);
        self.list.put(loaded.branches, filter, height);
        self.shelf.tidy(self.list.branches());
        let heads: HashSet<HeadPair> = self.list.branches().iter().filter_map(|facts| self.pair(facts)).collect();
        self.apart.retain(|pair, known| known.is_some() && heads.contains(pair));
        self.is_counting = true;
        self.measure();
        // A head that moves while they are read must not start the reading over: it might never end.
        if self.stale {
            self.read(cx);
        }
        self.look_around(cx);
    }

    /// Whether the pane tells of a failure itself.
    pub(super) fn tells_failure(&self, slot: Slot) -> bool {
        slot == READ || (slot == LOAD && self.list.branches().is_empty())
    }

    /// A job failed.
    pub(super) fn job_failed(&mut self, slot: Slot, failure: &Failure, cx: &mut Context<'_>) {
        if slot == LOAD {
            self.load = Load::Failed(failure.clone());
        } else if slot == COUNT {
            self.uncounted = true;
        } else if slot == READ {
            self.shelf.give_up(failure.clone());
        } else if slot == CREATE || slot == DELETE {
            self.written(cx);
        }
    }

    /// A job ended well.
    pub(super) fn job_finished(&mut self, slot: Slot, cx: &mut Context<'_>) {
        if slot == CREATE || slot == DELETE {
            self.written(cx);
        } else if slot == COUNT {
            // Heads may have moved while it worked.
            self.is_counting = true;
            self.look_around(cx);
        }
    }

    /// A job was stopped.
    pub(super) fn job_cancelled(&mut self, slot: Slot, cx: &mut Context<'_>) {
        // Leaving the screen stops its reads as well; they are asked for again when it is shown.
        let by_hand = cx.shared.screen == ScreenId::Branches;
        if slot == LOAD {
            self.load = Load::Stopped;
        } else if slot == COUNT {
            self.uncounted |= by_hand;
        } else if slot == READ && by_hand {
            self.shelf.give_up(Failure::new(ErrorKind::Cancelled, "reading was stopped, r reads again"));
        } else if slot == CREATE || slot == DELETE {
            self.written(cx);
        }
    }

    /// Moves in a pane.
    pub(super) fn moved(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        if pane == DETAILS {
            return self.scroll(motion, cx.shared);
        }
        let before = self.list.cursor().row;
        let answer = self.list.motion(motion, self.list_height(cx.shared));
        if self.list.cursor().row != before {
            self.moved_on(cx);
        }
        answer
    }

    fn scroll(&mut self, motion: Motion, shared: &Shared) -> Answer {
        let (height, width) = (shared.pane_height(DETAILS), shared.pane_width(DETAILS));
        let last = self.detail_lines(shared, width).len().saturating_sub(height);
        let offset = self.shelf.offset.min(last);
        self.shelf.offset = cursor::moved(offset, motion, last, height);
        Answer::when(self.shelf.offset != offset, "all of it is on view there")
    }

    /// Selects a row.
    pub(super) fn go_to_row(&mut self, row: Option<usize>, cx: &mut Context<'_>) {
        if let Some(row) = row {
            self.list.select_row(row, self.list_height(cx.shared));
            self.moved_on(cx);
        }
    }

    /// Another branch is selected: a question about the former one is not asked any more.
    fn moved_on(&mut self, cx: &mut Context<'_>) {
        cx.cancel(LOSS);
        cx.cancel(FIND);
        self.shelf.offset = 0;
        self.look_around(cx);
    }

    /// Does what each pane does in its own way.
    pub(super) fn verb(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        match (pane, verb) {
            (_, Verb::Enter) => self.go_to_head(cx),
            (_, Verb::Refresh) => {
                self.shelf.tidy(self.list.branches());
                self.read(cx);
                self.look_around(cx);
            }
            (DETAILS, Verb::Back) => cx.focus(LIST),
            (LIST, Verb::Mark) => return self.list.mark(),
            (LIST, Verb::Undo) => return self.list.marks.undo(),
            (LIST, Verb::NextMatch) => return self.seek(Way::Onward { here: false }, cx),
            (LIST, Verb::PreviousMatch) => return self.seek(Way::Back, cx),
            _ => return Answer::Nothing("not in this pane".to_owned()),
        }
        Answer::Done
    }

    fn seek(&mut self, way: Way, cx: &mut Context<'_>) -> Answer {
        let search = cx.matcher(ScreenId::Branches, LIST, TermKind::Search);
        let row = search.and_then(|search| self.list.next_match(search, way));
        self.go_to_row(row, cx);
        Answer::when(row.is_some(), "no branch matches")
    }

    /// A search or filter term changed.
    pub(super) fn term(&mut self, pane: PaneId, kind: TermKind, cx: &mut Context<'_>) {
        match (pane, kind) {
            (LIST, TermKind::Filter) => {
                let height = self.list_height(cx.shared);
                self.list.filter(cx.matcher(ScreenId::Branches, LIST, kind), height);
                self.measure();
                self.shelf.offset = 0;
                self.look_around(cx);
            }
            (LIST, TermKind::Search) => {
                // A term that matches nothing is told by the counter.
                let _found = self.seek(Way::Onward { here: true }, cx);
            }
            _ => {}
        }
    }

    /// How many rows a term leaves or marks.
    pub(super) fn count(&self, pane: PaneId, kind: TermKind, shared: &Shared) -> Option<Counter> {
        match (pane, kind) {
            (LIST, TermKind::Filter) => Some(Counter { this: self.list.len(), of: self.list.branches().len() }),
            (LIST, TermKind::Search) => {
                let search = shared.terms.matcher(ScreenId::Branches, LIST, kind)?;
                let (this, of) = self.list.place(search);
                Some(Counter { this, of })
            }
            _ => None,
        }
    }
}
