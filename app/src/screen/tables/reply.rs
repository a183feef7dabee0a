//! What happens when something that was read arrives, or does not.

use std::sync::Arc;

use stratigraph_engine::{At, BranchName, ErrorKind};

use super::grid::Grid;
use super::position::Station;
use super::request::{Opened, Reply, Request, Tab};
use super::row_history::Progress;
use super::{COMPARE, Drill, ROWS, TYPES, Tables, kind, slot};
use crate::action::TermKind;
use crate::event::is_remade;
use crate::job::Slot;
use crate::message::{Failure, Level};
use crate::screen::{ScreenId, ScreenRequest};
use crate::state::{Context, Shared};

/// Places one can return to.
const TRAIL: usize = 100;

impl Tables {
    /// Takes a reply.
    pub fn reply(&mut self, slot: Slot, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::Opened(opened) => self.take_position(*opened, cx),
            Reply::Heads(heads) => self.types.take_heads(heads),
            Reply::Page(page) if slot.pane == COMPARE => {
                if let Some(Drill::Compare(view)) = self.drills.last_mut() {
                    view.take_page(page);
                }
            }
            Reply::Page(page) => self.rows.take_page(page),
            Reply::Sorted(page, order) => self.rows.take_sorted(page, order),
            Reply::Counted(rows) => self.rows.counted = Some(rows),
            Reply::List(tab, columns, lines) => {
                if self.list.of.as_ref().is_some_and(|(_, of)| *of == tab) {
                    self.list.grid = Grid::of(&columns, lines);
                }
            }
            other => self.take_drill_reply(other),
        }
    }

    fn take_drill_reply(&mut self, reply: Reply) {
        match (self.drills.last_mut(), reply) {
            (Some(Drill::Record(view)), Reply::Record(row)) => {
                view.reading = false;
                view.row = *row;
            }
            (Some(Drill::RowHistory(view)), Reply::RowHistory(items)) => view.items.extend(items),
            (Some(Drill::Compare(view)), Reply::CompareWith(other)) => view.other = Some(other),
            (Some(Drill::Compare(view)), Reply::Compared(changes)) => view.take_changes(changes),
            (Some(Drill::Compare(view)), Reply::CompareCut) => view.cut = true,
            (Some(Drill::Sql(view)), Reply::Sql(page)) => view.take(page),
            // It belongs to something that was left; its job is being cancelled.
            (_, _) => {}
        }
    }

    fn take_position(&mut self, opened: Opened, cx: &mut Context<'_>) {
        let opening = self.opening.take();
        let reload = opening.as_ref().is_some_and(|opening| opening.reload);
        let seen = opening.as_ref().map(|opening| Arc::clone(&opening.heads)).unwrap_or_default();
        let remade = is_remade(&self.seen, &seen, &opened.snapshot.branch);
        self.seen = seen;
        let history_of = opening.as_ref().and_then(|opening| opening.history_of.clone());
        let (wish, from) = opening.map_or((None, None), |opening| (opening.wish, opening.from));
        let elsewhere = wish.as_ref().is_some_and(|wish| !self.shows(wish));
        let again = self.opened.as_ref().is_some_and(|before| before.at == opened.at) && !elsewhere;
        if let Some(from) = from.filter(|from| from.at != opened.at) {
            self.trail.push(from);
            let surplus = self.trail.len().saturating_sub(TRAIL);
            self.trail.drain(..surplus);
        }
        // Versions of a branch that was made again tell nothing of those before.
        let unmoved = again && self.same_table(&opened) && !reload && !remade;
        let filter = cx.matcher(ScreenId::Tables, TYPES, TermKind::Filter);
        self.types.show(&opened, filter);
        let wanted = wish.as_ref().and_then(|wish| wish.table.clone()).or_else(|| self.table.clone());
        let table = wanted.clone().filter(|table| opened.snapshot.entries.contains_key(table));
        let table = table.or_else(|| self.types.first());
        let snapshot = opened.snapshot.clone();
        self.opened = Some(opened);
        if let (Some(wanted), Some(table)) = (&wanted, &table)
            && wanted != table
        {
            cx.say(Level::Warning, format!("there is no {wanted} at this position, showing {table}"));
        }
        if let Some(table) = &table {
            let filter = cx.matcher(ScreenId::Tables, TYPES, TermKind::Filter);
            self.types.select(table, filter);
        }
        cx.peek(slot(TYPES, kind::HEADS), "heads of all tables", ScreenRequest::Tables(Request::Heads(snapshot)));
        if again {
            self.refresh_content(unmoved, cx);
        } else {
            let same_table = wanted == table;
            self.table = table;
            self.tab = wish.as_ref().map_or(self.tab, |wish| wish.tab);
            let row = wish.as_ref().filter(|_| same_table).and_then(|wish| wish.row.clone());
            self.rows.leave_position(row);
            let filter = wish.filter(|_| same_table).and_then(|wish| wish.filter);
            cx.shared.terms.put(ScreenId::Tables, ROWS, TermKind::Filter, filter.as_deref().unwrap_or(""));
            self.load(filter, cx);
            self.restart_drills(cx);
        }
        if let Some((table, id)) = history_of {
            self.history_of(table, id, cx);
        }
        if self.is_remade(cx.shared) {
            self.follow_heads(cx);
        }
    }

    /// Whether the branch of the position on view is another one by now.
    fn is_remade(&self, shared: &Shared) -> bool {
        self.opened.as_ref().is_some_and(|opened| is_remade(&self.seen, &shared.heads, &opened.snapshot.branch))
    }

    /// Remembers the heads before the present ones for what was asked for before there were any.
    pub(super) fn remember_heads(&mut self, shared: &Shared) {
        let asked = self.opening.iter_mut().map(|opening| &mut opening.heads);
        for heads in asked.chain([&mut self.seen]).filter(|heads| heads.is_empty()) {
            *heads = Arc::clone(&shared.former_heads);
        }
    }

    /// Whether a wish is fulfilled by the table and row on view.
    fn shows(&self, wish: &Station) -> bool {
        let row = wish.row.is_none() || wish.row.as_deref() == self.rows.grid.id();
        row && (wish.table.is_none() || wish.table == self.table)
    }

    /// Whether the table on view is in the new position what it was before.
    fn same_table(&self, opened: &Opened) -> bool {
        let (Some(before), Some(table)) = (&self.opened, &self.table) else { return false };
        match (before.snapshot.entries.get(table), opened.snapshot.entries.get(table)) {
            (Some(before), Some(now)) => before.same_state(now),
            (_, _) => false,
        }
    }

    /// The same branch was looked at again: rows that moved are read again, a comparison is made again.
    fn refresh_content(&mut self, unmoved: bool, cx: &mut Context<'_>) {
        if unmoved {
            return;
        }
        self.load(self.rows.wanted.clone(), cx);
        if let Some(Drill::Compare(view)) = self.drills.last() {
            let asked = view.asked.clone();
            self.compare(&asked, cx);
        }
    }

    /// At another position a query runs again; everything else one went into belongs to the position before.
    fn restart_drills(&mut self, cx: &mut Context<'_>) {
        let statement = self.drills.iter().rev().find_map(|drill| match drill {
            Drill::Sql(view) => Some(view.statement.clone()),
            Drill::Record(_) | Drill::RowHistory(_) | Drill::Compare(_) => None,
        });
        self.leave_drills(cx);
        if let Some(statement) = statement {
            self.run_sql(statement, cx);
        }
    }

    /// A read failed: the pane concerned says so, the others go on.
    pub(super) fn read_failed(&mut self, slot: Slot, failure: &Failure, cx: &mut Context<'_>) {
        match slot.kind {
            kind::OPEN => {
                let typed = self.opening.take().and_then(|opening| opening.typed);
                self.refused = Some(failure.clone());
                if let Some(typed) = typed {
                    self.ask_position_again(&typed, failure, cx);
                }
            }
            kind::LIST => self.list.error = Some(failure.clone()),
            kind::PAGE | kind::SORT | kind::COUNT if slot.pane == ROWS => self.rows.fail(failure),
            _ => self.end_drill(Progress::Failed(failure.clone())),
        }
    }

    /// A read ended well.
    pub(super) fn read_finished(&mut self, slot: Slot) {
        if matches!(slot.kind, kind::ROW_HISTORY | kind::COMPARE | kind::SQL) {
            self.end_drill(Progress::Done);
        }
    }

    /// A read was stopped, by hand or because the screen was left.
    pub(super) fn read_cancelled(&mut self, slot: Slot) {
        let stopped = || Failure::new(ErrorKind::Cancelled, "reading was stopped, press r to read again");
        match slot.kind {
            kind::OPEN => {
                self.opening = None;
                self.refused = Some(stopped());
            }
            kind::LIST => self.list.error = Some(stopped()),
            kind::PAGE if slot.pane == ROWS && self.rows.grid.rows().is_empty() => self.rows.fail(&stopped()),
            kind::ROW_HISTORY | kind::COMPARE | kind::SQL => self.end_drill(Progress::Stopped),
            _ => {}
        }
    }

    fn end_drill(&mut self, progress: Progress) {
        match self.drills.last_mut() {
            Some(Drill::RowHistory(view)) => view.progress = progress,
            Some(Drill::Compare(view)) => view.progress = progress,
            Some(Drill::Sql(view)) => view.progress = progress,
            Some(Drill::Record(view)) => view.reading = false,
            None => {}
        }
    }

    /// Branch heads moved: a head that is read is read again, and what was a head may be one no longer.
    pub(super) fn follow_heads(&mut self, cx: &mut Context<'_>) {
        let remade = self.is_remade(cx.shared);
        let Some(opened) = &mut self.opened else { return };
        let newest = cx.shared.heads.get(&opened.snapshot.branch).map(|head| head.version);
        let unmoved = newest.is_none_or(|newest| newest == opened.snapshot.version && !remade);
        if unmoved || self.opening.is_some() {
            return;
        }
        let follows = match &opened.at {
            At::Branch(_) => true,
            At::Name { name, .. } => name.parse::<BranchName>().is_ok_and(|name| name == opened.snapshot.branch),
            // Another branch of that name has other versions and times.
            At::Version { .. } | At::Time { .. } => remade,
            At::Commit(_) => false,
        };
        if follows {
            self.read_again(false, cx);
        } else {
            opened.is_head = false;
        }
    }

    /// The screen came on view: what is missing is read.
    pub(super) fn read_missing(&mut self, cx: &mut Context<'_>) {
        if super::is_reading(cx.shared, slot(TYPES, kind::OPEN)) {
            return;
        }
        match &self.opened {
            None => self.read_again(true, cx),
            Some(opened) => {
                let newest = cx.shared.heads.get(&opened.snapshot.branch);
                let moved = newest.is_some_and(|newest| newest.version != opened.snapshot.version);
                if (moved && opened.is_head) || self.is_remade(cx.shared) {
                    self.follow_heads(cx);
                } else if self.rows.is_unread() && self.tab == Tab::Rows {
                    self.load(self.rows.wanted.clone(), cx);
                }
            }
        }
    }
}
