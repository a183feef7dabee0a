//! What the actions do, and what becomes of what arrives.

use std::path::{Path, PathBuf};

use stratigraph_engine::CommitId;
use stratigraph_engine::recovery::RecoveryPlan;
use stratigraph_engine::schema::StagedSchema;
use stratigraph_widgets::width::escape;

use super::action::Action;
use super::observed::{Entry, Observed};
use super::outcome::{Outcome, waits};
use super::request::{Observation, Reply, Request};
use super::{
    AUDIT, DRIFT, HEAL, INSPECT, Key, LIST, OBSERVE, OUTCOME, QUARANTINE, READ_AUDIT, RECORD, Recovery, SWEEP, Show,
    dialog,
};
use crate::action::{Action as Any, Global};
use crate::effect::Effect;
use crate::job::Slot;
use crate::message::{Failure, Level};
use crate::overlay::{Overlay, Page, Prompt};
use crate::screen::{PaneId, ScreenId, ScreenRequest, history};
use crate::state::{Context, Frame, Shared};
use crate::theme::Role;
use crate::writing::Mode;

impl Recovery {
    /// Performs an action.
    pub fn update(&mut self, action: Action, cx: &mut Context<'_>) {
        match action {
            Action::Audit => self.turn(cx),
            Action::Raw => self.raw(cx),
            Action::Sweep => self.ask_sweep(cx),
            Action::SweepNow(plan) => {
                self.agreed = Some(plan.recovery.clone());
                start(cx, SWEEP, Request::Sweep(plan));
            }
            Action::Heal => {
                let question = self.observed.as_ref().and_then(|seen| dialog::heal(seen, cx.shared.now.utc_micros));
                if let Some(question) = question {
                    cx.open(Overlay::Confirm(question));
                }
            }
            Action::HealNow(plan) => {
                self.agreed = Some((*plan).clone());
                start(cx, HEAL, Request::Heal(plan));
            }
            Action::Quarantine => self.ask_quarantine(cx),
            Action::QuarantineTo(target) => self.confirm_quarantine(target.trim(), cx),
            Action::QuarantineNow(id, text, target) => {
                let target = PathBuf::from(target);
                start(cx, QUARANTINE, Request::Quarantine { id, text, target });
            }
            Action::Commit => match self.commit(cx.shared) {
                Ok(commit) => {
                    cx.show(ScreenId::History);
                    cx.then(Any::History(history::Action::Select(commit)));
                }
                Err(reason) => cx.shared.notice = Some(reason),
            },
        }
    }

    /// Takes what a job delivers.
    pub fn reply(&mut self, _slot: Slot, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::Observed(seen) => self.observed(*seen, cx),
            Reply::Drift(found) => self.drift = Some(Ok(found)),
            Reply::Audit(rows) => {
                self.audit.failure = None;
                self.audit.rows = Some(rows);
            }
            Reply::Outdated(seen) => {
                self.observed(*seen, cx);
                self.show(Show::Pending, LIST, cx.shared);
                let text =
                    "nothing more was done: what is pending is not as it was agreed to; the changes are marked with ~";
                cx.say(Level::Warning, text);
            }
            Reply::Swept(done, failure) => {
                let now = cx.shared.now.utc_micros;
                let plan = self.taken();
                self.came_out(Outcome::of_sweep(&plan, &done, failure, now), cx);
            }
            Reply::Healed(audit, left) => {
                let now = cx.shared.now.utc_micros;
                let plan = self.taken();
                self.came_out(Outcome::of_heal(&plan, &audit, &left, now), cx);
                self.audit.rows = Some(audit);
            }
            Reply::Quarantined(id, target) => {
                let text =
                    format!("moved the sidecar {id} to {}; recovery does not know of it any more", target.display());
                cx.say(Level::Info, text);
            }
        }
    }

    /// The watch found other sidecars than before.
    pub fn counted(&self, cx: &mut Context<'_>) {
        if cx.shared.screen == ScreenId::Recovery && cx.shared.jobs.write().is_none() {
            Self::observe(cx);
        }
    }

    /// Looks at everything that may have changed since it was on view.
    pub(super) fn look(&mut self, cx: &mut Context<'_>) {
        Self::observe(cx);
        if (self.drift.is_none() || self.drift_due) && !cx.reading(DRIFT) {
            self.look_for_drift(cx);
        }
        if self.show == Show::Audit {
            Self::read_audit(cx);
        }
    }

    /// Looks at the sidecars.
    fn observe(cx: &mut Context<'_>) {
        let subject = cx.shared.uri.clone();
        cx.peek(OBSERVE, subject, ScreenRequest::Recovery(Request::Observe));
    }

    fn look_for_drift(&mut self, cx: &mut Context<'_>) {
        self.drift_due = false;
        let subject = cx.shared.uri.clone();
        cx.peek(DRIFT, subject, ScreenRequest::Recovery(Request::Drift));
    }

    fn read_audit(cx: &mut Context<'_>) {
        let subject = cx.shared.uri.clone();
        cx.peek(READ_AUDIT, subject, ScreenRequest::Recovery(Request::Audit));
    }

    /// Looks at everything again, without the marks of a plan that was out of date.
    pub(super) fn refresh(&mut self, cx: &mut Context<'_>) {
        if cx.shared.jobs.write().is_none() {
            self.agreed = None;
        }
        self.drift_due = true;
        self.look(cx);
    }

    /// Branches moved: what is pinned, too.
    pub(super) fn moved(&mut self, cx: &mut Context<'_>) {
        self.drift_due = true;
        if cx.shared.screen == ScreenId::Recovery && cx.shared.jobs.write().is_none() {
            self.look(cx);
        }
    }

    fn observed(&mut self, seen: Observation, cx: &mut Context<'_>) {
        self.refused = None;
        let now = cx.shared.now.utc_micros;
        let before = self.selected_id(cx.shared);
        let observed = Observed::new(seen, self.agreed.as_ref(), now);
        cx.shared.interrupted = Some(observed.entries.iter().map(|entry| entry.id.clone()).collect());
        self.observed = Some(observed);
        if before != self.selected_id(cx.shared) {
            self.offset = 0;
        }
    }

    /// The plan that was carried out.
    fn taken(&mut self) -> RecoveryPlan {
        let nothing = RecoveryPlan { staged_schema: StagedSchema::None, steps: Vec::new() };
        self.agreed.take().unwrap_or(nothing)
    }

    fn selected_id(&self, shared: &Shared) -> Option<Key> {
        self.picker.key(&self.items(shared)).cloned()
    }

    /// A look or a write failed.
    pub(super) fn job_failed(&mut self, slot: Slot, failure: &Failure, cx: &mut Context<'_>) {
        match slot {
            OBSERVE => self.refused = Some(failure.clone()),
            DRIFT => self.drift = Some(Err(failure.clone())),
            READ_AUDIT => self.audit.failure = Some(failure.clone()),
            _ => self.written(slot, cx),
        }
    }

    /// A write is over, however it ended: everything is looked at again, here and on the other screens.
    pub(super) fn written(&mut self, slot: Slot, cx: &mut Context<'_>) {
        if ![SWEEP, HEAL, QUARANTINE].contains(&slot) {
            return;
        }
        self.drift_due = true;
        cx.effects.push(Effect::CheckHeads);
        if cx.shared.screen == ScreenId::Recovery {
            self.look(cx);
        }
    }

    /// Predictions are put beside what was done.
    fn came_out(&mut self, outcome: Outcome, cx: &mut Context<'_>) {
        let (what, settled, all) = (outcome.what, outcome.settled(), outcome.rows.len());
        if outcome.differs() {
            cx.say(
                Level::Error,
                format!("the {what} did not do what was predicted: please report it, with its export (e)"),
            );
        } else if outcome.failure.is_none() {
            cx.say(Level::Info, format!("{what}: {settled} of {all} interrupted writes settled, as predicted"));
        }
        self.outcome = Some(outcome);
        self.show(Show::Outcome, OUTCOME, cx.shared);
        let pending = self.observed.as_ref().and_then(|seen| seen.pending.as_ref().ok());
        let is_other_graph = pending.is_some_and(|pending| {
            what == "sweep" && (pending.migration.is_some() || pending.recovery.staged_schema != StagedSchema::None)
        });
        if is_other_graph {
            // The format or the schema is another one now.
            cx.then(Any::Global(Global::OpenFor(cx.shared.writing.mode)));
        }
    }

    /// Shows something, with this pane in focus, whichever screen is on view.
    pub(super) fn show(&mut self, show: Show, focus: PaneId, shared: &mut Shared) {
        self.show = show;
        self.offset = 0;
        let frame = shared.frame(ScreenId::Recovery);
        shared.frames.insert(ScreenId::Recovery, Frame { focus, zoomed: false, ..frame });
    }

    fn turn(&mut self, cx: &mut Context<'_>) {
        match self.show {
            Show::Audit => self.show(Show::Pending, LIST, cx.shared),
            Show::Pending | Show::Outcome => {
                self.show(Show::Audit, AUDIT, cx.shared);
                Self::read_audit(cx);
            }
        }
    }

    /// The selected interrupted write.
    pub(super) fn entry(&self, shared: &Shared) -> Option<&Entry> {
        match self.selected_id(shared)? {
            Key::Sidecar(id) => self.observed.as_ref()?.entries.iter().find(|entry| entry.id == id),
            Key::Drift(_) => None,
        }
    }

    fn raw(&self, cx: &mut Context<'_>) {
        let Some(entry) = self.entry(cx.shared) else { return };
        let lines = entry.text().lines().map(|line| (escape(line).into_owned(), Role::Text)).collect();
        cx.open(Overlay::Page(Page::new(format!("__recovery/{}.json", entry.id), lines)));
    }

    fn ask_sweep(&self, cx: &mut Context<'_>) {
        let Some(observed) = &self.observed else { return };
        let Ok(pending) = &observed.pending else { return };
        let question = dialog::sweep(observed, pending, &name(cx.shared), cx.shared.now.utc_micros);
        cx.open(Overlay::Confirm(question));
    }

    fn ask_quarantine(&mut self, cx: &mut Context<'_>) {
        let Some(id) = self.entry(cx.shared).map(|entry| entry.id.clone()) else { return };
        let text = format!("{}.{id}.json", folder(cx.shared));
        self.quarantined = Some(id);
        cx.open(Overlay::Prompt(where_to(text)));
    }

    /// The question is about what is there now, which may not be there any more.
    fn confirm_quarantine(&mut self, target: &str, cx: &mut Context<'_>) {
        let Some(id) = self.quarantined.take() else { return };
        if Path::new(target).starts_with(folder(cx.shared)) {
            let reason = format!("{target} is inside the graph: give a path outside of it");
            self.quarantined = Some(id);
            cx.open(Overlay::Prompt(where_to(target.to_owned()).refused(reason)));
            return;
        }
        let entries = self.observed.iter().flat_map(|seen| &seen.entries);
        match entries.into_iter().find(|entry| entry.id == id) {
            Some(entry) => cx.open(Overlay::Confirm(dialog::quarantine(entry, target, &name(cx.shared)))),
            None => cx.shared.notice = Some(format!("{id} is gone: nothing is to be moved")),
        }
    }

    /// Whether what is pending can be settled.
    pub(super) fn can_sweep(&self, shared: &Shared) -> Result<(), String> {
        no_write(shared)?;
        let observed = self.pending_view()?;
        let pending = observed.pending.as_ref().map_err(|_| "nothing can be predicted; r looks again".to_owned())?;
        let is_staged = pending.recovery.staged_schema != StagedSchema::None;
        let steps = &pending.recovery.steps;
        match steps.first() {
            _ if is_staged => Ok(()),
            None => Err("nothing is pending".to_owned()),
            Some(first) if !steps.iter().any(|step| step.decision.settles()) => {
                Err(format!("{} cannot be settled: see what can be done", observed.short(&first.id)))
            }
            Some(_) => Ok(()),
        }
    }

    /// Whether something can be settled while writing.
    pub(super) fn can_heal(&self, shared: &Shared) -> Result<(), String> {
        if shared.writing.mode == Mode::ReadOnly {
            return Err("healing needs the graph open for writing; S settles all of it".to_owned());
        }
        no_write(shared)?;
        let observed = self.pending_view()?;
        let plan = observed.plan().ok_or("nothing can be predicted; r looks again")?;
        match plan.steps.iter().any(|step| !waits(step.decision)) {
            true => Ok(()),
            false => Err("nothing is pending that needs no restore".to_owned()),
        }
    }

    /// Whether the selected file can be moved out of the graph.
    pub(super) fn can_quarantine(&self, shared: &Shared) -> Result<(), String> {
        no_write(shared)?;
        let observed = self.pending_view()?;
        let entry = self.entry(shared).ok_or("no interrupted write is selected")?;
        match entry.is_refused() || observed.pending.is_err() {
            true => Ok(()),
            false => Err("only for what blocks; this one is settled by S".to_owned()),
        }
    }

    /// Whether the selected file can be shown.
    pub(super) fn can_show_raw(&self, shared: &Shared) -> Result<(), String> {
        self.pending_view()?;
        let entry = self.entry(shared).ok_or("no interrupted write is selected")?;
        match entry.text().is_empty() {
            false => Ok(()),
            true => Err("the file is empty, or no text".to_owned()),
        }
    }

    fn pending_view(&self) -> Result<&Observed, String> {
        match self.show {
            Show::Pending => self.observed.as_ref().ok_or_else(|| "nothing was seen yet; r looks again".to_owned()),
            Show::Audit | Show::Outcome => Err("only where the interrupted writes are listed (esc)".to_owned()),
        }
    }

    /// The commit that records the selected recovery.
    pub(super) fn commit(&self, shared: &Shared) -> Result<CommitId, String> {
        let stored = match self.show {
            Show::Pending => return Err("only for what was recovered (a)".to_owned()),
            Show::Audit => self.audit.selected(&self.audit_items(shared)).map(|row| row.graph_commit_id.clone()),
            Show::Outcome => {
                let outcome = self.outcome.as_ref();
                outcome.and_then(|outcome| outcome.selected(&Self::style(OUTCOME, shared))?.commit.clone())
            }
        };
        let stored = stored.ok_or("no commit records it")?;
        stored.parse().map_err(|_| format!("{stored} is no commit id"))
    }

    /// The pane to which `esc` returns.
    pub(super) fn back(&mut self, pane: PaneId, cx: &mut Context<'_>) {
        match pane {
            INSPECT => self.show(Show::Pending, LIST, cx.shared),
            RECORD => self.show(Show::Audit, AUDIT, cx.shared),
            AUDIT | OUTCOME => self.show(Show::Pending, LIST, cx.shared),
            _ => {}
        }
    }
}

fn name(shared: &Shared) -> String {
    shared.graph_info().map(|info| info.name.clone()).unwrap_or_default()
}

fn no_write(shared: &Shared) -> Result<(), String> {
    match shared.jobs.write() {
        Some(job) => Err(format!("one write at a time: {} {} is under way", job.slot.kind, job.subject)),
        None => Ok(()),
    }
}

/// Starts a write. None of these needs the graph open for writing: opening it would settle everything without a plan.
fn start(cx: &mut Context<'_>, slot: Slot, request: Request) {
    match no_write(cx.shared) {
        Ok(()) => {
            let subject = cx.shared.uri.clone();
            cx.write(slot, subject, ScreenRequest::Recovery(request));
        }
        Err(reason) => cx.shared.notice = Some(reason),
    }
}

/// The folder of the graph.
fn folder(shared: &Shared) -> String {
    let uri = shared.graph_info().map(|info| info.uri.as_str()).unwrap_or_default();
    uri.strip_prefix("file://").unwrap_or(uri).trim_end_matches('/').to_owned()
}

/// Asks where a file is to be moved.
fn where_to(text: String) -> Prompt {
    let prompt = Prompt::new("Move the file to", text, |text| Any::Recovery(Action::QuarantineTo(text)));
    let prompt = prompt.hint("a file outside of the graph that does not exist yet; you are asked once more");
    prompt.check(|text| if text.trim().is_empty() { Err("type a path".to_owned()) } else { Ok(()) })
}
