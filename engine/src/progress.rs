//! How long work reports what it does and learns that it should stop.

use std::fmt;
use std::sync::Arc;

pub use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// One report of a running operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgressEvent {
    /// A phase begins; phases count from 1.
    Phase {
        /// Number of this phase, from 1.
        index: usize,
        /// Number of phases.
        count: usize,
        /// What the phase does, a few lower-case words.
        name: &'static str,
        /// Whether stopping here leaves nothing behind.
        cancellable: bool,
    },
    /// Work went on inside the phase.
    Advanced {
        /// Units done so far.
        done: u64,
        /// Units in all, if known.
        total: Option<u64>,
        /// What is counted: `rows`, `tables`, `commits`.
        unit: &'static str,
    },
    /// Something worth keeping in the job's log.
    Message(String),
}

type Sink = dyn Fn(ProgressEvent) + Send + Sync;

/// Where an operation reports to, and whether it should go on. Cloning shares both.
#[derive(Clone)]
pub struct Progress {
    sink: Option<Arc<Sink>>,
    token: CancellationToken,
}

impl Progress {
    /// Reports to nobody and never stops.
    #[must_use]
    pub fn none() -> Self {
        Self { sink: None, token: CancellationToken::new() }
    }

    /// Reports to `sink`; stops when `token` is cancelled.
    pub fn new(sink: impl Fn(ProgressEvent) + Send + Sync + 'static, token: CancellationToken) -> Self {
        Self { sink: Some(Arc::new(sink)), token }
    }

    /// Says that phase `index` (from 1) of `count` begins.
    pub fn phase(&self, index: usize, count: usize, name: &'static str) {
        self.send(ProgressEvent::Phase { index, count, name, cancellable: true });
    }

    /// As [`Progress::phase`]; from here on stopping would leave something behind, so the operation goes on to its end.
    pub fn point_of_no_return(&self, index: usize, count: usize, name: &'static str) {
        self.send(ProgressEvent::Phase { index, count, name, cancellable: false });
    }

    /// Says how far the phase is.
    pub fn advance(&self, done: u64, total: Option<u64>, unit: &'static str) {
        self.send(ProgressEvent::Advanced { done, total, unit });
    }

    /// Adds a line to the log of the operation.
    pub fn message(&self, text: impl Into<String>) {
        self.send(ProgressEvent::Message(text.into()));
    }

    /// Called between units of work.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the operation was asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.token.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    fn send(&self, event: ProgressEvent) {
        if let Some(sink) = &self.sink {
            sink(event);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("cancelled", &self.token.is_cancelled()).finish_non_exhaustive()
    }
}
