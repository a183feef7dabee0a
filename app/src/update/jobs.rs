//! What jobs report and deliver.

use stratigraph_engine::ErrorKind;

use crate::action::{Action, Global};
use crate::effect::{Effect, Reply, Request};
use crate::job::{Job, JobId, JobStatus, JobUpdate, Slot};
use crate::message::{Failure, Level};
use crate::overlay::{Confirm, Overlay};
use crate::screen::{PaneId, ScreenId};
use crate::state::{Context, GraphState, Quitting, State};
use crate::update::{update, with_screens, writing};
use crate::writing::Mode;

/// A job reports: the list is brought up to date, and its screen hears of its end.
pub(super) fn job(state: &mut State, id: JobId, update: JobUpdate) -> Vec<Effect> {
    let now = state.shared.now;
    let Some(job) = state.shared.jobs.apply(id, update, now) else { return Vec::new() };
    let mut effects = if job.status.is_over() { ended(state, &job) } else { Vec::new() };
    if state.shared.quitting == Quitting::WhenIdle && running(state) == 0 {
        effects.push(Effect::Quit);
    }
    effects
}

/// Jobs that quitting would cut off.
pub(super) fn running(state: &State) -> usize {
    state.shared.jobs.active().filter(|job| job.lifetime != crate::job::Lifetime::Screen).count()
}

/// Asks a job to stop, or says why it will not.
pub(super) fn cancel(state: &mut State, id: JobId, effects: &mut Vec<Effect>) {
    let shared = &mut state.shared;
    if shared.jobs.find(id).is_some_and(Job::is_past_return) {
        shared.notice = Some("past the point of no return: it goes on to its end".to_owned());
    } else if shared.jobs.cancelling(id) {
        effects.push(Effect::Cancel(id));
    }
}

fn ended(state: &mut State, job: &Job) -> Vec<Effect> {
    let newest = state.shared.latest.get(&job.slot) == Some(&job.id);
    if newest {
        state.shared.latest.remove(&job.slot);
    }
    if let JobStatus::Failed(failure) = &job.status {
        tracing::error!(job = job.slot.kind, subject = job.subject, "failed: {}", failure.sentence());
        let now = state.shared.now;
        let named = failure.clone().during(format!("{} {} failed", job.slot.kind, job.subject));
        let shown = newest && state.screens.get(job.slot.screen).shows_failure(job.slot);
        if shown {
            state.shared.messages.record(now, &named);
        } else {
            state.shared.messages.fail(now, &named);
        }
    }
    if job.slot.kind == OPEN {
        open_ended(state, &job.status);
        return Vec::new();
    }
    if !newest {
        return Vec::new();
    }
    let (slot, status) = (job.slot, job.status.clone());
    with_screens(state, |screens, cx| {
        let screen = screens.get_mut(slot.screen);
        match &status {
            JobStatus::Succeeded => screen.finished(slot, cx),
            JobStatus::Failed(failure) => screen.failed(slot, failure, cx),
            JobStatus::Cancelled => screen.cancelled(slot, cx),
            JobStatus::Queued | JobStatus::Running | JobStatus::Cancelling => {}
        }
    })
}

/// Starts the job that opens the graph.
pub fn open_graph(state: &mut State) -> Vec<Effect> {
    let (mut effects, mut next) = (Vec::new(), Vec::new());
    let slot = Slot { screen: ScreenId::Jobs, pane: PaneId("graph"), kind: OPEN };
    let (subject, uri) = (state.shared.uri.clone(), state.shared.location.clone());
    state.shared.graph = GraphState::Opening;
    let mut cx = Context { shared: &mut state.shared, effects: &mut effects, next: &mut next };
    cx.work(slot, subject, Request::Open { uri, mode: Mode::ReadOnly });
    effects
}

/// Name of the job that opens the graph.
const OPEN: &str = "open graph";

fn open_ended(state: &mut State, status: &JobStatus) {
    let failure = match status {
        JobStatus::Failed(failure) => failure.clone(),
        JobStatus::Cancelled => Failure::new(ErrorKind::Cancelled, "opening was cancelled, press r to try again"),
        JobStatus::Succeeded | JobStatus::Queued | JobStatus::Running | JobStatus::Cancelling => return,
    };
    state.shared.graph = GraphState::Failed(failure);
}

/// A job delivers: only the newest job of a slot counts.
pub(super) fn reply(state: &mut State, id: JobId, reply: Reply) -> Vec<Effect> {
    let slot = state.shared.jobs.find(id).map(|job| job.slot);
    let Some(slot) = slot.filter(|slot| state.shared.latest.get(slot) == Some(&id)) else {
        return with_screens(state, |screens, cx| screens.discard(reply, cx));
    };
    match reply {
        Reply::Pending(pending) => {
            writing::looked_ahead(state, &pending);
            Vec::new()
        }
        Reply::Opened(info, mode) => {
            state.shared.graph = GraphState::Open(info);
            let seconds = state.shared.config.refresh_seconds.value;
            let mut effects = vec![Effect::WatchHeads(seconds)];
            if seconds == 0 {
                effects.push(Effect::CheckHeads);
            }
            if let Some(then) = writing::opened(state, mode) {
                effects.extend(update(state, then));
            }
            effects.extend(show(state, state.shared.screen));
            effects
        }
        Reply::Exported(written) => {
            let rows = written.rows.map_or(String::new(), |rows| format!("{} rows, ", crate::view::grouped(rows)));
            let size = crate::clipboard::size_text(usize::try_from(written.size_bytes).unwrap_or(usize::MAX));
            let text = format!("wrote {} ({rows}{size})", written.path.display());
            let now = state.shared.now;
            state.shared.messages.say(now, Level::Info, text);
            Vec::new()
        }
        Reply::Exists(path) => {
            // It wrote nothing: what is written after the answer is a job of its own.
            state.shared.jobs.hush(id);
            let plan = vec![format!("{} exists.", path.display()), "Its content would be lost.".to_owned()];
            let yes = Action::Global(Global::ExportOver(path));
            let question = Confirm::new("Replace the file?", plan, "Replace", yes);
            state.shared.overlays.push(Overlay::Confirm(question));
            Vec::new()
        }
        reply @ (Reply::History(_) | Reply::Branches(_) | Reply::Tables(_) | Reply::Merge(_) | Reply::Recovery(_)) => {
            with_screens(state, |screens, cx| screens.reply(slot, reply, cx))
        }
    }
}

/// Tells a screen that it is on view and the graph is open.
pub(super) fn show(state: &mut State, screen: ScreenId) -> Vec<Effect> {
    if state.shared.graph_info().is_none() && screen != ScreenId::Jobs {
        return Vec::new();
    }
    with_screens(state, |screens, cx| screens.get_mut(screen).shown(cx))
}
