//! What a running request can use.

use std::sync::Arc;

use stratigraph_engine::clock::{Clock, SystemClock};
use stratigraph_engine::{Error, Graph, Progress};
use tokio_util::sync::CancellationToken;

use crate::effect::Reply;
use crate::tasks::{OpenGraph, Outbox};

/// The graph, the progress sink, and the way back to the screen.
#[derive(Clone)]
pub struct TaskContext {
    graph: OpenGraph,
    outbox: Outbox,
    progress: Progress,
    clock: Option<Arc<dyn Clock>>,
}

impl std::fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskContext").field("outbox", &self.outbox).finish_non_exhaustive()
    }
}

impl TaskContext {
    pub(super) fn new(
        graph: OpenGraph,
        outbox: Outbox,
        token: CancellationToken,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        let sink = outbox.clone();
        let progress = Progress::new(move |event| sink.progress(event), token);
        Self { graph, outbox, progress, clock }
    }

    /// The open graph.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it is not open; screens ask for nothing before that.
    pub fn graph(&self) -> Result<Graph, Error> {
        self.graph.get().ok_or(Error::Cancelled)
    }

    /// Makes this the graph that jobs find from now on.
    pub(super) fn put_graph(&self, graph: Graph) {
        self.graph.put(graph);
    }

    /// Where times and ids of what is written come from.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock::default()))
    }

    /// Where the work reports to; it also says when to stop.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Delivers a (part of a) result. Waits while the loop is busy.
    pub async fn reply(&self, reply: Reply) {
        self.outbox.reply(reply).await;
    }
}
