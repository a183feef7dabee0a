//! Jobs that are done again at the pace of a recording: each stands still at the beginning of a phase until the recording goes
//! on with that job, so that a key between two phases of a merge comes between them again.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::job::JobId;

/// Where jobs stand still. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Phases that each job may go through.
    passes: HashMap<JobId, usize>,
    /// Nothing goes on any more.
    ended: bool,
}

impl Pace {
    /// Lets a job go on from the next phase it stands at, or comes to.
    pub fn let_pass(&self, job: JobId) {
        *self.0.state.lock().unwrap_or_else(PoisonError::into_inner).passes.entry(job).or_default() += 1;
        self.0.changed.notify_all();
    }

    /// Ends the jobs that stand still, and those that come to a phase, as if their process were killed.
    pub fn end(&self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.0.changed.notify_all();
    }

    /// A job has entered a phase: returns when it may go on.
    ///
    /// # Panics
    /// If it is ended: nothing that an error would be answered with is done.
    pub(super) fn stand(&self, job: JobId) {
        // The worker's other tasks go on meanwhile.
        tokio::task::block_in_place(|| {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                assert!(!state.ended, "the replay ends in the middle of job {}", job.0);
                if let Some(passes) = state.passes.get_mut(&job).filter(|passes| **passes > 0) {
                    *passes -= 1;
                    return;
                }
                state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        });
    }
}
