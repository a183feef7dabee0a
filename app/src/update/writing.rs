//! Opening for writing and back: who writes, what opening does first, and what was wanted after it.

use stratigraph_engine::graph::Pending;

use crate::action::{Action, Global};
use crate::effect::{Effect, Request};
use crate::job::Slot;
use crate::message::Level;
use crate::overlay::{Confirm, Overlay, Prompt};
use crate::recovery::why;
use crate::screen::{PaneId, ScreenId};
use crate::state::{Context, State};
use crate::writing::{Mode, discards, first_steps, refusal};

/// Letters of an operation that tell it from others.
const SHORT: usize = 6;

fn slot(kind: &'static str) -> Slot {
    Slot { screen: ScreenId::Jobs, pane: PaneId("graph"), kind }
}

/// Performs an action once everything is there that a write needs.
pub(super) fn to_write(state: &mut State, then: Option<Action>, effects: &mut Vec<Effect>, next: &mut Vec<Action>) {
    let shared = &mut state.shared;
    if shared.graph_info().is_none() {
        shared.notice = Some("the graph is not open".to_owned());
        return;
    }
    if let Some(job) = shared.jobs.write() {
        shared.notice = Some(format!("one write at a time: {} {} is under way", job.slot.kind, job.subject));
        return;
    }
    shared.writing.then = then;
    if shared.writing.actor.is_none() {
        shared.overlays.push(Overlay::Prompt(ask_actor()));
        return;
    }
    match shared.writing.mode {
        Mode::Write => next.extend(shared.writing.then.take()),
        Mode::ReadOnly => {
            let subject = shared.uri.clone();
            let mut cx = Context { shared, effects, next };
            cx.work(slot("look at what writing needs"), subject, Request::LookAhead);
        }
    }
}

fn ask_actor() -> Prompt {
    Prompt::new("Who writes?", "", |text| Action::Global(Global::Actor(text.trim().to_owned())))
        .hint("your name in the history, for this session; `open --actor` or the setting write.actor say it for good")
        .check(|text| if text.trim().is_empty() { Err("type a name".to_owned()) } else { Ok(()) })
}

/// It is known who writes.
pub(super) fn actor(state: &mut State, name: String, effects: &mut Vec<Effect>, next: &mut Vec<Action>) {
    state.shared.writing.actor = Some(name);
    let then = state.shared.writing.then.take();
    to_write(state, then, effects, next);
}

/// It is known what opening does first: it is told and asked about.
pub(super) fn looked_ahead(state: &mut State, pending: &Pending) {
    let shared = &mut state.shared;
    if let Some(step) = refusal(&pending.recovery) {
        shared.writing.then = None;
        let text = format!("the graph cannot be opened for writing: {} ({})", why(step), step.id);
        shared.messages.say(shared.now, Level::Error, text);
        return;
    }
    let actor = shared.writing.actor.clone().unwrap_or_default();
    let mut plan = first_steps(pending, SHORT);
    plan.push(format!("After that you write as {actor}. `:read-only` leaves."));
    let open = Action::Global(Global::OpenFor(Mode::Write));
    let question = Confirm::new("Open the graph for writing?", plan, "Open", open);
    let name = shared.graph_info().map(|info| info.name.clone()).unwrap_or_default();
    let question = if discards(pending) { question.typed(name) } else { question };
    shared.overlays.push(Overlay::Confirm(question));
}

/// Opens the graph in a mode, in place of the handle there is.
pub(super) fn open(state: &mut State, mode: Mode, effects: &mut Vec<Effect>, next: &mut Vec<Action>) {
    let shared = &mut state.shared;
    if mode == Mode::ReadOnly && shared.jobs.write().is_some() {
        shared.notice = Some("a write is under way: wait for its end".to_owned());
        return;
    }
    let (subject, uri) = (shared.uri.clone(), shared.location.clone());
    let kind = match mode {
        Mode::ReadOnly => "open for reading",
        Mode::Write => "open for writing",
    };
    Context { shared, effects, next }.work(slot(kind), subject, Request::Open { uri, mode });
}

/// The graph is open in a mode: what was wanted goes on.
pub(super) fn opened(state: &mut State, mode: Mode) -> Option<Action> {
    let shared = &mut state.shared;
    let before = std::mem::replace(&mut shared.writing.mode, mode);
    if before != mode {
        let text = match mode {
            Mode::ReadOnly => "open for reading only",
            Mode::Write => "open for writing",
        };
        shared.messages.say(shared.now, Level::Info, text);
    }
    match mode {
        Mode::ReadOnly => None,
        Mode::Write => shared.writing.then.take(),
    }
}
