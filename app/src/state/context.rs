//! What a screen's update may do besides changing its own state.

use crate::action::{Action, Global, TermKind};
use crate::effect::{Effect, Request, Start};
use crate::job::{Job, JobId, JobStatus, Lifetime, Slot, Trace};
use crate::matcher::Matcher;
use crate::message::{Failure, Level};
use crate::overlay::Overlay;
use crate::screen::{PaneId, ScreenId, ScreenRequest};
use crate::state::Shared;

/// The shared state, and a collector of effects and of actions to perform next.
#[derive(Debug)]
pub struct Context<'a> {
    /// What the frame and all screens share.
    pub shared: &'a mut Shared,
    /// Effects asked for so far, in order.
    pub effects: &'a mut Vec<Effect>,
    /// Actions to perform after this one, in order.
    pub next: &'a mut Vec<Action>,
}

impl Context<'_> {
    /// Starts a read for a pane. It replaces the read of the same slot, whose replies are ignored from now on, and is
    /// cancelled when the user leaves the screen.
    pub fn read(&mut self, slot: Slot, subject: impl Into<String>, request: ScreenRequest) -> JobId {
        let request = Request::Screen(request);
        self.start(slot, subject.into(), Lifetime::Screen, Trace::Kept, request)
    }

    /// Like [`Context::read`], for small reads that follow the cursor: no trace in the job list unless it fails.
    pub fn peek(&mut self, slot: Slot, subject: impl Into<String>, request: ScreenRequest) -> JobId {
        let request = Request::Screen(request);
        self.start(slot, subject.into(), Lifetime::Screen, Trace::Quiet, request)
    }

    /// Starts work that goes on when the user leaves the screen, and that is asked about on quitting.
    pub fn work(&mut self, slot: Slot, subject: impl Into<String>, request: Request) -> JobId {
        self.start(slot, subject.into(), Lifetime::Program, Trace::Kept, request)
    }

    /// Starts a write. The graph must be open for writing, and no other write under way: ask with [`Context::to_write`].
    pub fn write(&mut self, slot: Slot, subject: impl Into<String>, request: ScreenRequest) -> JobId {
        self.start(slot, subject.into(), Lifetime::Write, Trace::Kept, Request::Screen(request))
    }

    /// Performs an action that starts a write as soon as the graph is open for writing and it is known who writes. What is missing
    /// is asked for first; if that is refused the action is not performed.
    pub fn to_write(&mut self, action: Action) {
        self.then(Action::Global(Global::ToWrite(Box::new(action))));
    }

    fn start(&mut self, slot: Slot, subject: String, lifetime: Lifetime, trace: Trace, request: Request) -> JobId {
        let id = self.shared.jobs.next_id();
        self.shared.jobs.add(Job {
            id,
            slot,
            subject,
            lifetime,
            trace,
            asked: self.shared.now,
            started: None,
            ended: None,
            phases: Vec::new(),
            amount: None,
            messages: Vec::new(),
            status: JobStatus::Queued,
        });
        self.shared.latest.insert(slot, id);
        self.effects.push(Effect::Start(Start { id, slot, lifetime, request }));
        id
    }

    /// A read without a screen's request, for tests of the frame.
    #[cfg(test)]
    pub(crate) fn start_test_read(&mut self, slot: Slot) -> JobId {
        let request = Request::Open { uri: String::new(), mode: crate::writing::Mode::ReadOnly };
        self.start(slot, String::new(), Lifetime::Screen, Trace::Kept, request)
    }

    /// Cancels the read of a slot, if one is under way, and ignores its replies.
    pub fn cancel(&mut self, slot: Slot) {
        if let Some(id) = self.shared.latest.remove(&slot)
            && self.shared.jobs.cancelling(id)
        {
            self.effects.push(Effect::Cancel(id));
        }
    }

    /// Whether the read of a slot is under way. One that was asked to stop is not: it may deliver no more.
    #[must_use]
    pub fn reading(&self, slot: Slot) -> bool {
        let job = self.shared.latest.get(&slot).and_then(|id| self.shared.jobs.find(*id));
        job.is_some_and(|job| matches!(job.status, JobStatus::Queued | JobStatus::Running))
    }

    /// Shows a message as a toast and keeps it in the history.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        let now = self.shared.now;
        self.shared.messages.say(now, level, text);
    }

    /// Reports a failure.
    pub fn fail(&mut self, failure: &Failure) {
        let now = self.shared.now;
        self.shared.messages.fail(now, failure);
    }

    /// Puts an overlay on top.
    pub fn open(&mut self, overlay: Overlay) {
        self.shared.overlays.push(overlay);
    }

    /// Performs an action after the present one: the way from one screen to another.
    pub fn then(&mut self, action: Action) {
        self.next.push(action);
    }

    /// Shows a screen after the present action.
    pub fn show(&mut self, screen: ScreenId) {
        self.then(Action::Global(Global::Show(screen)));
    }

    /// Focuses a pane of the present screen.
    pub fn focus(&mut self, pane: PaneId) {
        let screen = self.shared.screen;
        let frame = super::Frame { focus: pane, ..self.shared.frame(screen) };
        self.shared.frames.insert(screen, frame);
    }

    /// The compiled term in force in a pane of `screen`.
    #[must_use]
    pub fn matcher(&self, screen: ScreenId, pane: PaneId, kind: TermKind) -> Option<&Matcher> {
        self.shared.terms.matcher(screen, pane, kind)
    }
}
