//! How a command that writes is stopped: never in the middle, unless the user insists.
//!
//! The first interrupt asks the work to stop; it does so as long as nothing of it would be left behind, and goes on to its end
//! otherwise. The second one ends the program at once: what it leaves is settled by the next write.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use stratigraph_engine::{Progress, ProgressEvent};
use tokio_util::sync::CancellationToken;

use super::error::{CliError, note};

/// What a command does right now, as far as interrupting it goes.
#[derive(Debug, Default)]
pub(super) struct Work {
    writing: AtomicBool,
    stop: CancellationToken,
}

impl Work {
    /// Runs work that must not be dropped half-way.
    pub(super) async fn writing<T>(&self, work: impl Future<Output = T>) -> T {
        self.writing.store(true, Ordering::Relaxed);
        let done = work.await;
        self.writing.store(false, Ordering::Relaxed);
        done
    }

    /// Where the work reports to, and learns that it should stop.
    pub(super) fn progress(&self, sink: impl Fn(ProgressEvent) + Send + Sync + 'static) -> Progress {
        Progress::new(sink, self.stop.clone())
    }

    /// Takes an interrupt; whether the work is to be waited for.
    fn interrupt(&self) -> bool {
        let first = !self.stop.is_cancelled();
        self.stop.cancel();
        first && self.writing.load(Ordering::Relaxed)
    }
}

/// Runs a command until it is done, or interrupted.
pub(super) async fn until_interrupted(
    work: &Work,
    answer: impl Future<Output = Result<(), CliError>>,
) -> Result<(), CliError> {
    tokio::pin!(answer);
    loop {
        tokio::select! {
            done = &mut answer => return done,
            signal = tokio::signal::ctrl_c() => {
                signal?;
                if !work.interrupt() {
                    return Err(CliError::Interrupted);
                }
                if io::stderr().is_terminal() {
                    // After what the terminal shows of the interrupt itself.
                    drop(io::stderr().lock().write_all(b"\n"));
                }
                note("stopping as soon as nothing is left half-done; interrupt again to stop at once");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_is_waited_for_once() {
        let work = Work::default();
        let progress = work.progress(|_| {});
        let (first, second) = work.writing(async { (work.interrupt(), work.interrupt()) }).await;
        assert_eq!((first, second), (true, false));
        assert!(progress.check().is_err(), "it was asked to stop");
    }

    #[test]
    fn what_only_reads_is_not_waited_for() {
        assert!(!Work::default().interrupt());
    }
}
