//! The lock of a graph's folder between processes.
//!
//! The system keeps it on the folder itself, so nothing is written, and releases it when a process dies. Inside a process it
//! is counted: writers of one process keep out of each other's way by gates.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

/// The lock as this process holds it.
#[derive(Debug)]
pub(super) struct Lease {
    root: PathBuf,
    file: Option<File>,
    holders: usize,
}

impl Lease {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, file: None, holders: 0 }
    }

    /// Counts one more that needs the folder; false if another process has it.
    pub(super) fn add(&mut self) -> bool {
        let granted = self.holders > 0 || self.lock();
        self.holders += usize::from(granted);
        granted
    }

    pub(super) fn remove(&mut self) {
        self.holders -= 1;
        if self.holders == 0 {
            // Closing the file gives the lock back.
            self.file = None;
        }
    }

    fn lock(&mut self) -> bool {
        let locked =
            File::open(&self.root).map_err(TryLockError::Error).and_then(|file| file.try_lock().map(|()| file));
        match locked {
            Ok(file) => {
                self.file = Some(file);
                true
            }
            Err(TryLockError::WouldBlock) => false,
            // Some file systems have no locks: then only this process is known to be careful.
            Err(TryLockError::Error(error)) => {
                tracing::warn!("the folder of the graph cannot be locked against other processes: {error}");
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_has_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        // Two leases on two open files are to the system as two processes.
        let (mut ours, mut theirs) = (Lease::new(folder.path().to_owned()), Lease::new(folder.path().to_owned()));
        assert!(ours.add() && ours.add(), "a process may need it more than once");
        assert!(!theirs.add());
        ours.remove();
        assert!(!theirs.add());
        ours.remove();
        assert!(theirs.add());
        assert!(!ours.add());
    }
}
