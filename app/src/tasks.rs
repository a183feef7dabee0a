//! Runs effects on tokio and sends events back.
//!
//! At most one job runs and one waits per [`Slot`]; a newer request replaces the waiting one and cancels the running one.
//! A cancelled job's future is dropped at its next await, so it is gone at once even if it never asks its progress. A
//! panic inside a job ends that job alone.

mod context;
mod holder;
mod outbox;
mod pace;
#[cfg(test)]
mod tests;

pub use context::TaskContext;
pub use holder::OpenGraph;
pub use outbox::Outbox;
pub use pace::Pace;

use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use stratigraph_engine::clock::Clock;
use stratigraph_engine::{Error, ErrorKind, Graph};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::effect::{GraphInfo, Reply, Request, Start};
use crate::event::Event;
use crate::export;
use crate::job::{JobId, JobStatus, JobUpdate, Lifetime, Slot};
use crate::message::Failure;
use crate::screen;
use crate::writing::Mode;

/// Runs work that only computes on a thread where it may take its time.
///
/// # Errors
/// [`Error::Cancelled`] if the runtime ends meanwhile.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::Cancelled),
    }
}

/// Starts jobs, keeps order in the slots, and owns the open graph.
#[derive(Debug)]
pub struct Tasks {
    runtime: tokio::runtime::Handle,
    events: mpsc::Sender<Event>,
    finished: mpsc::UnboundedSender<(Slot, JobId)>,
    graph: OpenGraph,
    lanes: HashMap<Slot, Lane>,
    again: Again,
}

/// What jobs that are done again get from elsewhere; nothing for those of a person.
#[derive(Debug, Clone, Default)]
pub struct Again {
    /// Where they stand still.
    pub pace: Option<Pace>,
    /// Where times and ids of what is written come from.
    pub clock: Option<Arc<dyn Clock>>,
}

#[derive(Debug)]
struct Lane {
    running: JobId,
    token: CancellationToken,
    waiting: Option<Start>,
}

impl Tasks {
    /// Jobs run on `runtime` and report to `events`; the second value tells when a job has left its slot, to be given to
    /// [`Tasks::left`].
    #[must_use]
    pub fn new(
        runtime: tokio::runtime::Handle,
        events: mpsc::Sender<Event>,
    ) -> (Self, mpsc::UnboundedReceiver<(Slot, JobId)>) {
        let (finished, receiver) = mpsc::unbounded_channel();
        let (graph, lanes, again) = (OpenGraph::default(), HashMap::new(), Again::default());
        (Self { runtime, events, finished, graph, lanes, again }, receiver)
    }

    /// The same, for jobs that are done again.
    #[must_use]
    pub fn again(self, again: Again) -> Self {
        Self { again, ..self }
    }

    /// The open graph, for the watch of its heads.
    #[must_use]
    pub fn graph(&self) -> OpenGraph {
        self.graph.clone()
    }

    /// Starts a job, or lets it wait for the one in its slot, which is cancelled.
    pub fn start(&mut self, start: Start) {
        let Some(lane) = self.lanes.get_mut(&start.slot) else {
            self.spawn(start);
            return;
        };
        if start.lifetime != Lifetime::Write {
            lane.token.cancel();
        }
        if let Some(replaced) = lane.waiting.replace(start) {
            self.never_begun(replaced);
        }
    }

    /// Cancels a job, running or waiting.
    pub fn cancel(&mut self, id: JobId) {
        let mut gone = None;
        for lane in self.lanes.values_mut() {
            if lane.running == id {
                lane.token.cancel();
            }
            if lane.waiting.as_ref().is_some_and(|start| start.id == id) {
                gone = lane.waiting.take();
            }
        }
        if let Some(start) = gone {
            self.never_begun(start);
        }
    }

    /// A job has left its slot: the next one starts.
    pub fn left(&mut self, slot: Slot, id: JobId) {
        if self.lanes.get(&slot).is_some_and(|lane| lane.running == id)
            && let Some(waiting) = self.lanes.remove(&slot).and_then(|lane| lane.waiting)
        {
            self.spawn(waiting);
        }
    }

    /// Cancels everything.
    pub fn stop(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.token.cancel();
            lane.waiting = None;
        }
    }

    /// Reports the end of a job that was cancelled while it waited. Its request may be the last to hold a large value, which
    /// takes longer to free than the loop may take, so a worker does.
    fn never_begun(&self, start: Start) {
        let (events, id) = (self.events.clone(), start.id);
        self.runtime.spawn_blocking(move || drop(start));
        self.runtime.spawn(async move {
            // The loop is gone when the program ends; then nobody needs the report.
            drop(events.send(Event::Job(id, JobUpdate::Ended(JobStatus::Cancelled))).await);
        });
    }

    fn spawn(&mut self, start: Start) {
        let token = CancellationToken::new();
        let lane = Lane { running: start.id, token: token.clone(), waiting: None };
        self.lanes.insert(start.slot, lane);
        let Again { pace, clock } = self.again.clone();
        let outbox = Outbox::new(start.id, self.events.clone()).paced(pace);
        let (graph, finished) = (self.graph.clone(), self.finished.clone());
        let (slot, id, is_write) = (start.slot, start.id, start.lifetime == Lifetime::Write);
        self.runtime.spawn(async move {
            outbox.update(JobUpdate::Started).await;
            let context = TaskContext::new(graph, outbox.clone(), token.clone(), clock);
            let work = AssertUnwindSafe(carry_out(start.request, context)).catch_unwind();
            let status = tokio::select! {
                // A job that was cancelled before its first step does nothing at all.
                biased;
                // A write stops itself where nothing is left behind, and is never dropped in the middle.
                () = token.cancelled(), if !is_write => JobStatus::Cancelled,
                result = work => status_of(result),
            };
            outbox.update(JobUpdate::Ended(status)).await;
            finished.send((slot, id)).ok();
        });
    }
}

fn status_of(result: Result<Result<(), Failure>, Box<dyn Any + Send>>) -> JobStatus {
    match result {
        Ok(Ok(())) => JobStatus::Succeeded,
        Ok(Err(failure)) if failure.kind == ErrorKind::Cancelled => JobStatus::Cancelled,
        Ok(Err(failure)) => JobStatus::Failed(failure),
        Err(panic) => JobStatus::Failed(panic_failure(panic.as_ref())),
    }
}

/// What a panic said, as a failure.
fn panic_failure(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let text = text.unwrap_or_else(|| "no message".to_owned());
    Failure::new(ErrorKind::Internal, "the job stopped because of a defect").caused_by(text)
}

async fn carry_out(request: Request, cx: TaskContext) -> Result<(), Failure> {
    match request {
        Request::Open { uri, mode } => open(&uri, mode, &cx).await,
        Request::LookAhead => {
            let pending = cx.graph()?.pending().await?;
            cx.reply(Reply::Pending(Box::new(pending))).await;
            Ok(())
        }
        Request::Screen(request) => screen::run(request, cx).await,
        Request::Export { content, format, path, existing } => {
            let reply = export::run(content, format, path, existing, &cx).await?;
            cx.reply(reply).await;
            Ok(())
        }
    }
}

async fn open(uri: &str, mode: Mode, cx: &TaskContext) -> Result<(), Failure> {
    let graph = match mode {
        Mode::Write => Box::pin(Graph::open_with_clock(uri, cx.clock())).await?,
        Mode::ReadOnly => Graph::open(uri, mode.of_engine()).await?,
    };
    let info = GraphInfo {
        name: graph.name().to_owned(),
        uri: crate::logging::mask_secrets(graph.uri()),
        stamp: graph.stamp(),
    };
    cx.put_graph(graph);
    cx.reply(Reply::Opened(info, mode)).await;
    Ok(())
}
