//! The open graph, as jobs find it.

use std::sync::{Arc, Mutex, PoisonError};

use stratigraph_engine::Graph;

/// Holds the graph that is open. Opening it in another mode replaces it; jobs that began before go on with what they have.
#[derive(Debug, Clone, Default)]
pub struct OpenGraph(Arc<Mutex<Option<Graph>>>);

impl OpenGraph {
    /// The graph, if one is open.
    #[must_use]
    pub fn get(&self) -> Option<Graph> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a graph in place of the one before.
    pub(super) fn put(&self, graph: Graph) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(graph);
    }
}
