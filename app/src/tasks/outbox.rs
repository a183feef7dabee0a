//! The way from a job to the loop: updates and replies in order, progress thinned out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stratigraph_engine::ProgressEvent;
use tokio::sync::mpsc;

use crate::effect::Reply;
use crate::event::Event;
use crate::job::{JobId, JobUpdate};
use crate::tasks::Pace;

/// Least time between two progress reports of one job.
const PACE: Duration = Duration::from_millis(100);

/// Sends what one job reports.
///
/// Counts are merged: at most ten a second leave, always the newest. Phases and messages are kept, and the last count goes
/// out before them and before the end, so the final number is the true one.
#[derive(Debug, Clone)]
pub struct Outbox {
    id: JobId,
    events: mpsc::Sender<Event>,
    progress: Arc<Mutex<Thinned>>,
    pace: Option<Pace>,
}

#[derive(Debug, Default)]
struct Thinned {
    sent: Option<Instant>,
    held: Vec<ProgressEvent>,
}

impl Outbox {
    /// An outbox for job `id`.
    #[must_use]
    pub fn new(id: JobId, events: mpsc::Sender<Event>) -> Self {
        Self { id, events, progress: Arc::default(), pace: None }
    }

    /// The same, of a job that stands still at its phases.
    #[must_use]
    pub fn paced(self, pace: Option<Pace>) -> Self {
        Self { pace, ..self }
    }

    /// Sends an update, after all progress held back. Waits while the loop is busy.
    pub async fn update(&self, update: JobUpdate) {
        self.flush().await;
        self.send(Event::Job(self.id, update)).await;
    }

    /// Sends a reply. Waits while the loop is busy, so a fast job cannot fill the memory.
    pub async fn reply(&self, reply: Reply) {
        self.send(Event::Reply(self.id, reply)).await;
    }

    /// Takes a progress report; never waits, unless the job keeps a pace. What cannot leave now is held for the next report.
    pub fn progress(&self, event: ProgressEvent) {
        if let Some(pace) = &self.pace {
            return self.report(event, pace);
        }
        let mut thinned = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = |event: &ProgressEvent| matches!(event, ProgressEvent::Advanced { .. });
        let is_count = counts(&event);
        if is_count && thinned.held.last().is_some_and(counts) {
            thinned.held.pop();
        }
        thinned.held.push(event);
        let now = Instant::now();
        // A phase may last, and say that there is no way back: it is told at once.
        if is_count && thinned.sent.is_some_and(|sent| now.duration_since(sent) < PACE) {
            return;
        }
        thinned.sent = Some(now);
        let mut held = std::mem::take(&mut thinned.held).into_iter();
        while let Some(event) = held.next() {
            if let Err(refused) = self.events.try_send(Event::Job(self.id, JobUpdate::Progress(event))) {
                if let mpsc::error::TrySendError::Full(Event::Job(_, JobUpdate::Progress(event))) = refused {
                    thinned.held.push(event);
                }
                thinned.held.extend(held);
                return;
            }
        }
    }

    /// Reports at the pace of a recording, which has a line for every phase.
    fn report(&self, event: ProgressEvent, pace: &Pace) {
        let is_phase = matches!(event, ProgressEvent::Phase { .. });
        // Its queue is longer than a job is talkative. A phase that is lost all the same is missed by the replay.
        drop(self.events.try_send(Event::Job(self.id, JobUpdate::Progress(event))));
        if is_phase {
            pace.stand(self.id);
        }
    }

    async fn flush(&self) {
        let held = std::mem::take(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner).held);
        for event in held {
            self.send(Event::Job(self.id, JobUpdate::Progress(event))).await;
        }
    }

    async fn send(&self, event: Event) {
        // The loop is gone when the program ends; then nobody needs the event.
        drop(self.events.send(event).await);
    }
}
