//! What the tables of one graph share: open handles, and what was derived of their files.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lance::Dataset;

use super::summary::Summaries;

/// Handles kept, at most. Each holds the list of files of its version.
const MOST_HANDLES: usize = 256;

/// Shared by all tables of a graph.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) handles: Handles,
    pub(super) summaries: Summaries,
}

impl Memory {
    /// Forgets a lineage.
    pub(super) fn forget(&self, uri: &str) {
        self.handles.forget(uri);
        self.summaries.forget(uri);
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// One open handle per lineage that is written or watched, by its path. Bringing a handle up to date costs two look-ups if
/// nothing is new, while opening a version reads the list of its files.
#[derive(Default)]
pub(super) struct Handles(Mutex<HashMap<String, Dataset>>);

impl Handles {
    pub(super) fn get(&self, uri: &str) -> Option<Dataset> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(uri).cloned()
    }

    pub(super) fn keep(&self, uri: &str, newest: Dataset) {
        let mut handles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if handles.len() >= MOST_HANDLES && !handles.contains_key(uri) {
            handles.clear();
        }
        handles.insert(uri.to_owned(), newest);
    }

    pub(super) fn forget(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }
}
