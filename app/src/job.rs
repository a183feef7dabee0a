//! Background operations as the user sees them.
//!
//! [`Jobs`] is a plain list that job updates are applied to; it starts and stops nothing.
//! ```text
//! queued → running → succeeded | failed | cancelled
//!             └→ cancelling → cancelled | succeeded (too late)
//! ```

use std::time::Duration;

use stratigraph_engine::ProgressEvent;

use crate::event::Now;
use crate::message::Failure;
use crate::screen::{PaneId, ScreenId};

/// Number of a job; later jobs have higher numbers, so it is the generation of a request as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct JobId(pub u64);

/// The place a read belongs to: at most one job runs and one waits per slot, newer ones replace older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// Screen that asked.
    pub screen: ScreenId,
    /// Pane that shows the answer.
    pub pane: PaneId,
    /// What is read, as the job list names it: `row diff`.
    pub kind: &'static str,
}

/// What happens to a job when the user leaves the screen it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// A read for one screen: cancelled on leaving it.
    Screen,
    /// Goes on until it ends or is cancelled by hand; asked about on quitting.
    Program,
    /// As [`Lifetime::Program`], and changes the graph: one at a time, never replaced, and cancelled only where that leaves
    /// nothing behind.
    Write,
}

/// Whether a successful job stays in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Stays until the program ends.
    Kept,
    /// Leaves no trace unless it fails: small reads that follow the cursor.
    Quiet,
}

/// State of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStatus {
    /// Waits for its slot.
    Queued,
    /// Works.
    Running,
    /// Was asked to stop.
    Cancelling,
    /// Ended well.
    Succeeded,
    /// Ended with an error or a panic.
    Failed(Failure),
    /// Stopped on request.
    Cancelled,
}

impl JobStatus {
    /// Whether nothing more will happen to the job.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Cancelling => false,
            Self::Succeeded | Self::Failed(_) | Self::Cancelled => true,
        }
    }

    /// The state as one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a task tells about its job.
#[derive(Debug)]
pub enum JobUpdate {
    /// It left the queue.
    Started,
    /// It reports progress.
    Progress(ProgressEvent),
    /// It ended with this status.
    Ended(JobStatus),
}

/// One phase of a job with the moment it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Position among the phases, from 1.
    pub index: usize,
    /// Number of phases.
    pub count: usize,
    /// What is done in it.
    pub name: String,
    /// Whether cancelling leaves nothing behind while it lasts.
    pub cancellable: bool,
    /// When it began.
    pub began: Now,
}

/// How far a phase is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// Units finished.
    pub done: u64,
    /// Units in all, if known.
    pub total: Option<u64>,
    /// Name of the unit: `rows`.
    pub unit: String,
}

/// One background operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Where it belongs.
    pub slot: Slot,
    /// What it works on: `E5QXRC · node:Price`.
    pub subject: String,
    /// What leaving the screen does to it.
    pub lifetime: Lifetime,
    /// Whether it stays in the list.
    pub trace: Trace,
    /// When it was asked for.
    pub asked: Now,
    /// When it left the queue.
    pub started: Option<Now>,
    /// When it ended.
    pub ended: Option<Now>,
    /// Its phases so far, in order.
    pub phases: Vec<Phase>,
    /// How far the newest phase is.
    pub amount: Option<Amount>,
    /// What it said, with times.
    pub messages: Vec<(Now, String)>,
    /// Its state.
    pub status: JobStatus,
}

impl Job {
    /// Whether cancelling it now would leave something behind, so that it goes on to its end.
    #[must_use]
    pub fn is_past_return(&self) -> bool {
        self.lifetime == Lifetime::Write && self.phases.last().is_some_and(|phase| !phase.cancellable)
    }

    /// Time it has worked so far, or took in all.
    #[must_use]
    pub fn duration(&self, now: Now) -> Duration {
        let end = self.ended.unwrap_or(now).elapsed;
        self.started.map_or(Duration::ZERO, |start| end.saturating_sub(start.elapsed))
    }

    /// Units per second over the newest phase, after a second of work.
    #[must_use]
    pub fn rate(&self, now: Now) -> Option<f64> {
        let amount = self.amount.as_ref()?;
        let began = self.phases.last().map(|phase| phase.began).or(self.started)?;
        let seconds = self.ended.unwrap_or(now).elapsed.saturating_sub(began.elapsed).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate is shown with three digits")]
        let done = amount.done as f64;
        (seconds >= 1.0).then(|| done / seconds)
    }

    /// Time left at the present rate; only after five seconds of work and with a known total.
    #[must_use]
    pub fn estimate(&self, now: Now) -> Option<Duration> {
        let amount = self.amount.as_ref()?;
        let left = amount.total?.saturating_sub(amount.done);
        let rate = self.rate(now).filter(|rate| *rate > 0.0)?;
        #[expect(clippy::cast_precision_loss, reason = "an estimate is shown in seconds")]
        let seconds = left as f64 / rate;
        (self.status == JobStatus::Running && self.duration(now) >= Duration::from_secs(5))
            .then(|| Duration::try_from_secs_f64(seconds).ok())
            .flatten()
    }
}

/// All jobs of this run of the program, oldest first.
#[derive(Debug, Default)]
pub struct Jobs {
    list: Vec<Job>,
    last: JobId,
}

impl Jobs {
    /// Number for the next job.
    pub fn next_id(&mut self) -> JobId {
        self.last.0 += 1;
        self.last
    }

    /// Adds a job that was just asked for.
    pub fn add(&mut self, job: Job) {
        self.list.push(job);
    }

    /// Finds a job.
    #[must_use]
    pub fn find(&self, id: JobId) -> Option<&Job> {
        self.list.iter().rev().find(|job| job.id == id)
    }

    /// Running first, then newest first.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Job> {
        let mut jobs: Vec<&Job> = self.list.iter().collect();
        jobs.sort_by_key(|job| (job.status.is_over(), std::cmp::Reverse(job.id)));
        jobs
    }

    /// The write that is under way, if one is.
    #[must_use]
    pub fn write(&self) -> Option<&Job> {
        self.active().find(|job| job.lifetime == Lifetime::Write)
    }

    /// Jobs that are not over, newest first.
    pub fn active(&self) -> impl Iterator<Item = &Job> {
        self.list.iter().rev().filter(|job| !job.status.is_over())
    }

    /// Applies what a task told. Returns the job as it is afterwards, unless it is unknown or was over already.
    pub fn apply(&mut self, id: JobId, update: JobUpdate, now: Now) -> Option<Job> {
        let job = self.list.iter_mut().rev().find(|job| job.id == id && !job.status.is_over())?;
        match update {
            JobUpdate::Started => {
                job.started = Some(now);
                if job.status == JobStatus::Queued {
                    job.status = JobStatus::Running;
                }
            }
            JobUpdate::Progress(event) => apply_progress(job, event, now),
            JobUpdate::Ended(status) => {
                job.ended = Some(now);
                job.status = status;
            }
        }
        let after = job.clone();
        let traceless = matches!(after.status, JobStatus::Succeeded | JobStatus::Cancelled);
        if after.trace == Trace::Quiet && traceless {
            self.list.retain(|job| job.id != id);
        }
        Some(after)
    }

    /// Lets a job leave no trace if it ends well: it turned out to have done nothing.
    pub fn hush(&mut self, id: JobId) {
        if let Some(job) = self.list.iter_mut().rev().find(|job| job.id == id) {
            job.trace = Trace::Quiet;
        }
    }

    /// Marks a job as asked to stop. False if it is over or unknown.
    pub fn cancelling(&mut self, id: JobId) -> bool {
        let job = self.list.iter_mut().find(|job| job.id == id && !job.status.is_over());
        job.map(|job| job.status = JobStatus::Cancelling).is_some()
    }
}

fn apply_progress(job: &mut Job, event: ProgressEvent, now: Now) {
    match event {
        ProgressEvent::Phase { index, count, name, cancellable } => {
            let phase = Phase { index, count, name: name.into(), cancellable, began: now };
            // A phase that is entered again, for the next table, goes on.
            if job.phases.last().is_none_or(|last| (last.index, &last.name) != (index, &phase.name)) {
                job.phases.push(phase);
                job.amount = None;
            }
        }
        ProgressEvent::Advanced { done, total, unit } => job.amount = Some(Amount { done, total, unit: unit.into() }),
        ProgressEvent::Message(text) => job.messages.push((now, text)),
        // The engine's enum is open; what this version does not know it does not show.
        _ => {}
    }
}
