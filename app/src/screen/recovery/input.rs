//! The rows of the lists; movements, searches, and what each pane does in its own way.

use stratigraph_engine::schema::StagedSchema;
use stratigraph_widgets::width::escape;

use super::drift::Standing;
use super::observed::{Entry, Observed};
use super::picker::{Item, count, filtered};
use super::words::{Line, Style, drift_words, inspect, inspect_drift, notes, prediction, writer};
use super::{AUDIT, INSPECT, Key, LIST, OUTCOME, RECORD, Recovery, Show, audit};
use crate::action::{Availability, Motion, TermKind};
use crate::cursor;
use crate::matcher::Matcher;
use crate::screen::{Answer, PaneId, ScreenId, Verb};
use crate::state::{Context, Counter, Frame, Shared};
use crate::theme::Role;

fn term(shared: &Shared, pane: PaneId, kind: TermKind) -> Option<&Matcher> {
    shared.terms.matcher(ScreenId::Recovery, pane, kind)
}

impl Recovery {
    /// The rows of the list that its filter leaves, with what there is to say besides.
    pub(super) fn items(&self, shared: &Shared) -> Vec<Item<Key>> {
        self.items_in(&Self::style(LIST, shared), shared)
    }

    /// The same, written in this way.
    pub(super) fn items_in(&self, style: &Style, shared: &Shared) -> Vec<Item<Key>> {
        let filter = term(shared, LIST, TermKind::Filter);
        let mut items = self.news(style);
        items.extend(self.pending_items(shared));
        items.extend(self.drift_items(style));
        let mut items = filtered(items, filter);
        if filter.is_some() && count(&items) == 0 {
            items.push(Item::note("nothing matches the filter", Role::Dim));
        }
        items
    }

    /// What there is to say before the interrupted writes.
    fn news(&self, style: &Style) -> Vec<Item<Key>> {
        let mut items = Vec::new();
        if let Some(failure) = &self.refused {
            items.push(Item::told(&format!("! could not look: {}", failure.sentence()), Role::Error, style));
        }
        let Some(observed) = &self.observed else { return items };
        for gone in &observed.gone {
            items.push(Item::note(format!("~ {} is gone since then", observed.short(gone)), Role::Changed));
        }
        let pending = match &observed.pending {
            Ok(pending) => pending,
            Err(failure) => {
                items.push(Item::told(&format!("! no prediction: {}", failure.sentence()), Role::Error, style));
                return items;
            }
        };
        if let Some(migration) = &pending.migration {
            let text = format!("writing brings the format from {} to {}", migration.from, migration.to);
            items.push(Item::note(text, Role::Warning));
        }
        let staged = match pending.recovery.staged_schema {
            StagedSchema::None => return items,
            StagedSchema::Promote => "its files are put in place",
            StagedSchema::Discard => "its files are removed",
        };
        items.push(Item::told(&format!("a schema change was interrupted: {staged}"), Role::Warning, style));
        items
    }

    fn pending_items(&self, shared: &Shared) -> Vec<Item<Key>> {
        let Some(observed) = &self.observed else {
            let looking = Item::note("looking for interrupted writes", Role::Dim);
            return if self.refused.is_none() { vec![looking] } else { Vec::new() };
        };
        if observed.entries.is_empty() {
            return vec![Item::note("no interrupted write is pending", Role::Good)];
        }
        let item = |entry: &Entry| Item::row(Key::Sidecar(entry.id.clone()), listed(entry, observed, shared));
        observed.entries.iter().map(item).collect()
    }

    fn drift_items(&self, style: &Style) -> Vec<Item<Key>> {
        let found = match &self.drift {
            None => return vec![Item::note("looking for tables past their pins", Role::Dim)],
            Some(Err(failure)) => {
                let text = format!("! could not look for drift: {}", failure.sentence());
                return vec![Item::told(&text, Role::Error, style)];
            }
            Some(Ok(found)) if found.is_empty() => {
                return vec![Item::note("no table drifted without a sidecar", Role::Dim)];
            }
            Some(Ok(found)) => found,
        };
        let mut items = vec![Item::note("Drifted without a sidecar", Role::Title)];
        items.extend(found.iter().map(|drifted| {
            let first = format!("{} on {}", drifted.entry.key, drifted.branch);
            let mut second = vec![(format!("  {}", drift_words(drifted)), Role::Warning)];
            if let Standing::Past { operations, .. } = &drifted.standing {
                let names: Vec<&str> = operations.iter().filter_map(|of| of.operation.as_deref()).collect();
                second.push((format!(": {}", escape(&names.join(", "))), Role::Dim));
            }
            let key = Key::Drift((drifted.branch.clone(), drifted.entry.key.clone()));
            Item::row(key, vec![vec![(escape(&first).into_owned(), Role::Text)], second])
        }));
        items
    }

    /// The rows of the audit that its filter leaves.
    pub(super) fn audit_items(&self, shared: &Shared) -> Vec<Item<audit::Key>> {
        self.audit.items(term(shared, AUDIT, TermKind::Filter), &Self::style(AUDIT, shared))
    }

    /// The lines of the pane with the details.
    pub(super) fn details(&self, style: &Style, shared: &Shared) -> Vec<Line> {
        match self.show {
            Show::Pending => {
                let items = self.items(shared);
                match (self.picker.key(&items), &self.observed) {
                    (Some(Key::Sidecar(id)), Some(observed)) => {
                        let entry = observed.entries.iter().find(|entry| entry.id == *id);
                        entry.map(|entry| inspect(entry, observed, style)).unwrap_or_default()
                    }
                    (Some(Key::Drift((branch, key))), _) => {
                        let mut found = self.drift.iter().flatten().flatten();
                        let drifted = found.find(|one| one.branch == *branch && one.entry.key == *key);
                        drifted.map(|drifted| inspect_drift(drifted, style)).unwrap_or_default()
                    }
                    (Some(Key::Sidecar(_)) | None, _) => Vec::new(),
                }
            }
            Show::Audit => {
                let row = self.audit.selected(&self.audit_items(shared));
                row.map(|row| audit::record(row, style)).unwrap_or_default()
            }
            Show::Outcome => Vec::new(),
        }
    }

    /// How the lines of a pane are written.
    pub(super) fn style(pane: PaneId, shared: &Shared) -> Style {
        Style {
            theme: shared.theme,
            columns: shared.pane_width(pane),
            now_micros: shared.now.utc_micros,
            time: shared.config.time.value,
        }
    }

    /// Moves in a pane.
    pub(super) fn moved_in(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        let (shared, height) = (&*cx.shared, cx.shared.pane_height(pane));
        let moved = match pane {
            LIST => {
                let items = self.items(shared);
                self.picker.motion(motion, &items, height)
            }
            AUDIT => {
                let items = self.audit_items(shared);
                self.audit.picker.motion(motion, &items, height)
            }
            OUTCOME => self.outcome.as_mut().is_some_and(|outcome| {
                let items = outcome.items(&Self::style(OUTCOME, shared));
                outcome.picker.motion(motion, &items, height)
            }),
            _ => return self.scroll(pane, motion, shared),
        };
        if moved {
            self.offset = 0;
        }
        Answer::when(moved, "nothing more there")
    }

    fn scroll(&mut self, pane: PaneId, motion: Motion, shared: &Shared) -> Answer {
        let height = shared.pane_height(pane);
        let last = self.details(&Self::style(pane, shared), shared).len().saturating_sub(height);
        let before = self.offset.min(last);
        self.offset = cursor::moved(before, motion, last, height);
        Answer::when(self.offset != before, "all of it is on view there")
    }

    /// Selects a row.
    pub(super) fn select(&mut self, pane: PaneId, row: usize, shared: &Shared) -> Answer {
        let height = shared.pane_height(pane);
        match pane {
            LIST => {
                let items = self.items(shared);
                self.picker.select(row, &items, height);
            }
            AUDIT => {
                let items = self.audit_items(shared);
                self.audit.picker.select(row, &items, height);
            }
            OUTCOME => {
                if let Some(outcome) = &mut self.outcome {
                    let items = outcome.items(&Self::style(OUTCOME, shared));
                    outcome.picker.select(row, &items, height);
                }
            }
            _ => return Answer::Nothing("nothing to select here".to_owned()),
        }
        self.offset = 0;
        Answer::Done
    }

    /// Whether a pane can do something now.
    pub(super) fn can(&self, pane: PaneId, verb: Verb, shared: &Shared) -> Availability {
        match verb {
            Verb::Refresh => Availability::Ready,
            Verb::Enter => {
                let some = match pane {
                    LIST => count(&self.items(shared)) > 0,
                    AUDIT => count(&self.audit_items(shared)) > 0,
                    _ => return Availability::no("nothing to open here"),
                };
                Availability::when(some, "nothing is selected")
            }
            Verb::Back if pane == LIST => Availability::no("nothing to go back from (q leaves the screen)"),
            Verb::Back => Availability::Ready,
            Verb::NextMatch | Verb::PreviousMatch => {
                Availability::when(matches!(pane, LIST | AUDIT), "search works in the lists")
            }
            Verb::Mark => Availability::no("nothing to mark here: a sweep takes all, in their order"),
            Verb::Undo => Availability::no("nothing to undo"),
            Verb::NextDifference | Verb::PreviousDifference => {
                Availability::when(pane == LIST && self.has_problem(), "nothing here needs a person")
            }
        }
    }

    /// Does what each pane does in its own way.
    pub(super) fn verb(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        match verb {
            Verb::Refresh => self.refresh(cx),
            Verb::Enter => {
                let frame = cx.shared.frame(ScreenId::Recovery);
                let focus = if pane == AUDIT { RECORD } else { INSPECT };
                cx.shared.frames.insert(ScreenId::Recovery, Frame { focus, zoomed: true, ..frame });
            }
            Verb::Back => self.back(pane, cx),
            Verb::NextMatch | Verb::PreviousMatch => return self.next_match(pane, verb == Verb::NextMatch, cx),
            Verb::NextDifference | Verb::PreviousDifference => {
                return self.next_problem(verb == Verb::NextDifference, cx);
            }
            Verb::Mark | Verb::Undo => return Answer::Nothing("nothing to do here".to_owned()),
        }
        Answer::Done
    }

    fn next_match(&mut self, pane: PaneId, forward: bool, cx: &mut Context<'_>) -> Answer {
        let shared = &*cx.shared;
        let height = shared.pane_height(pane);
        let Some(search) = term(shared, pane, TermKind::Search) else {
            return Answer::Nothing("no search".to_owned());
        };
        let found = if pane == AUDIT {
            let items = self.audit_items(shared);
            self.audit.picker.next_match(search, forward, &items, height)
        } else {
            let items = self.items(shared);
            self.picker.next_match(search, forward, &items, height)
        };
        Answer::when(found, "no match")
    }

    fn has_problem(&self) -> bool {
        let drifted = self.drift.iter().flatten().any(|found| !found.is_empty());
        drifted || self.observed.iter().flat_map(|seen| &seen.entries).any(Entry::is_refused)
    }

    /// To the next row that nobody settles without a person.
    fn next_problem(&mut self, forward: bool, cx: &mut Context<'_>) -> Answer {
        let items = self.items(cx.shared);
        let entries = || self.observed.iter().flat_map(|seen| &seen.entries);
        let is_problem = |key: &Key| match key {
            Key::Sidecar(id) => entries().any(|entry| entry.id == *id && entry.is_refused()),
            Key::Drift(_) => true,
        };
        let problems: Vec<usize> = items
            .iter()
            .filter_map(|item| item.key.as_ref())
            .enumerate()
            .filter(|(_, key)| is_problem(key))
            .map(|(row, _)| row)
            .collect();
        let row = self.picker.row(&items);
        let found = match forward {
            true => problems.iter().find(|problem| **problem > row).copied(),
            false => problems.iter().rev().find(|problem| **problem < row).copied(),
        };
        match found {
            Some(row) => {
                self.picker.select(row, &items, cx.shared.pane_height(LIST));
                self.offset = 0;
                Answer::Done
            }
            None => Answer::Nothing("nothing more there needs a person".to_owned()),
        }
    }

    /// How many rows a term leaves or marks.
    pub(super) fn count(&self, pane: PaneId, kind: TermKind, shared: &Shared) -> Option<Counter> {
        let matcher = term(shared, pane, kind)?;
        let (texts, row, all) = match pane {
            LIST => {
                let items = self.items(shared);
                let all = self.observed.as_ref().map_or(0, |seen| seen.entries.len())
                    + self.drift.iter().flatten().map(Vec::len).sum::<usize>();
                (texts(&items), self.picker.row(&items), all)
            }
            AUDIT => {
                let items = self.audit_items(shared);
                let all = self.audit.rows.as_ref().map_or(0, Vec::len);
                (texts(&items), self.audit.picker.row(&items), all)
            }
            _ => return None,
        };
        let found: Vec<bool> = texts.iter().map(|text| matcher.accepts(text)).collect();
        Some(match kind {
            TermKind::Filter => Counter { this: texts.len(), of: all },
            TermKind::Search => {
                let this = match found.get(row) {
                    Some(true) => found[..=row].iter().filter(|hit| **hit).count(),
                    Some(false) | None => 0,
                };
                Counter { this, of: found.iter().filter(|hit| **hit).count() }
            }
        })
    }
}

/// The lines of an interrupted write in the list.
fn listed(entry: &Entry, observed: &Observed, shared: &Shared) -> Vec<Line> {
    let now = shared.now.utc_micros;
    let ago = entry.started_micros().map_or_else(|| "   ?".to_owned(), |at| crate::view::age(at, now));
    let (mark, role) = if entry.is_young(now) { ("! ", Role::Warning) } else { ("  ", Role::Text) };
    let first = vec![
        (format!("{}  ", escape(observed.short(&entry.id))), Role::Text),
        (ago, Role::Dim),
        (mark.to_owned(), role),
        (escape(&writer(entry)).into_owned(), Role::Text),
    ];
    let (words, role) = prediction(entry);
    let mut second = vec![("  ".to_owned(), Role::Text), (words.to_owned(), role)];
    for note in notes(entry, observed, now) {
        second.push((shared.theme.dot().to_owned(), Role::Dim));
        second.push(note);
    }
    vec![first, second]
}

fn texts<K>(items: &[Item<K>]) -> Vec<String> {
    items.iter().filter(|item| item.key.is_some()).map(Item::text).collect()
}
