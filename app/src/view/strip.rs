//! The job strip above the hints, and the toasts over the body.

use ratatui::layout::Rect;
use stratigraph_widgets::job_list::{JobRow, JobState, job_line};
use stratigraph_widgets::toast::{Level as ToastLevel, Toast, ToastStack, ToastStyle, Toasts};

use crate::event::Now;
use crate::job::{Job, JobStatus};
use crate::message::{Level, Message};
use crate::state::{Shared, SizeClass, State};
use crate::theme::Role;
use crate::view::Canvas;

/// Jobs in the strip.
const SHOWN: usize = 2;
/// Younger jobs are not shown: most reads end before anyone could read the line.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(300);

fn in_strip(state: &State) -> Vec<&Job> {
    let now = state.shared.now.elapsed;
    let old = |job: &&Job| now.saturating_sub(job.asked.elapsed) >= PATIENCE;
    state.shared.jobs.active().filter(old).take(SHOWN).collect()
}

/// Lines the strip takes now.
pub(super) fn lines(state: &State, class: SizeClass) -> usize {
    let room = if class == SizeClass::Single { 1 } else { SHOWN };
    if state.shared.strip { in_strip(state).len().min(room) } else { 0 }
}

/// Draws the strip.
pub(super) fn draw(state: &State, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let symbols = canvas.theme().symbols();
    let cancel = state.shared.registry.iter().position(|row| row.name == "jobs.cancel-newest");
    let key = cancel.and_then(|row| state.shared.keymap.key_text(row));
    for (job, y) in in_strip(state).into_iter().zip(area.y..area.bottom()) {
        let line = job_line(&job_row(job, state.shared.now), symbols, spin(&state.shared));
        // Past the point of no return the key only explains, and a second time it does nothing.
        let can_stop = y == area.y && !job.is_past_return() && job.status != JobStatus::Cancelling;
        let hint = key.as_ref().filter(|_| can_stop).map(|key| format!("   {key} cancel"));
        let line = format!(" {line}{}", hint.unwrap_or_default());
        canvas.line(Rect { y, height: 1, ..area }, line, Role::Text);
    }
}

/// Picture of the spinner: five a second, or none with reduced motion.
pub(crate) fn spin(shared: &Shared) -> Option<usize> {
    let fifths = shared.now.elapsed.as_millis() / 200;
    shared.theme.motion.then(|| usize::try_from(fifths % 1000).unwrap_or(0))
}

/// A job as the job widgets draw it.
pub(crate) fn job_row(job: &Job, now: Now) -> JobRow<'_> {
    let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let whole = |number: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is positive and shown whole"
        )]
        let whole = number.max(0.0) as u64;
        whole
    };
    JobRow {
        name: job.slot.kind,
        subject: &job.subject,
        phase: job.phases.last().map(|phase| (small(phase.index), small(phase.count), phase.name.as_str())),
        done: job.amount.as_ref().map_or(0, |amount| amount.done),
        total: job.amount.as_ref().and_then(|amount| amount.total),
        unit: job.amount.as_ref().map_or("", |amount| amount.unit.as_str()),
        rate: job.rate(now).map(whole),
        elapsed_seconds: job.duration(now).as_secs(),
        left_seconds: job.estimate(now).map(|left| left.as_secs()),
        state: match job.status {
            JobStatus::Queued => JobState::Queued,
            JobStatus::Running => JobState::Running,
            JobStatus::Cancelling => JobState::Cancelling,
            JobStatus::Succeeded => JobState::Succeeded,
            JobStatus::Failed(_) => JobState::Failed,
            JobStatus::Cancelled => JobState::Cancelled,
        },
    }
}

/// Draws the toasts over the lower right of `body`, or over the upper right where the cursor is below.
pub(super) fn toasts(state: &State, body: Rect, canvas: &mut Canvas<'_, '_>) {
    let mut stack = ToastStack::default();
    for message in state.shared.messages.toasts() {
        let level = match message.level {
            Level::Info => ToastLevel::Info,
            Level::Warning => ToastLevel::Warning,
            Level::Error => ToastLevel::Error,
        };
        stack.push(Toast { level, text: text(message), ticks_left: None });
    }
    let style = ToastStyle {
        info: canvas.style(Role::Selected),
        warning: canvas.style(Role::Selected).patch(canvas.style(Role::Warning)),
        error: canvas.style(Role::Selected).patch(canvas.style(Role::Error)),
    };
    let symbols = canvas.theme().symbols();
    let keep = canvas.cursor_row();
    canvas.render(&Toasts { stack: &stack, symbols, style: &style, keep }, body);
}

fn text(message: &Message) -> String {
    let mut text = message.text.clone();
    for cause in &message.causes {
        text.push_str(": ");
        text.push_str(cause);
    }
    if let Some(next) = message.next {
        text.push_str(" (");
        text.push_str(next);
        text.push(')');
    }
    text
}
