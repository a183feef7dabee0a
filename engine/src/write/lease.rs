//! The lock of a graph's folder between processes.
//!
//! The system keeps it on the folder itself, so nothing is written, and releases it when a process dies. Inside a process it
//! is counted: the process holds what the strongest of its holders needs.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

/// How much of the folder a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    None,
    Shared,
    Alone,
}

/// The lock as this process holds it.
#[derive(Debug)]
pub(super) struct Lease {
    root: PathBuf,
    file: Option<File>,
    level: Level,
    writers: usize,
    alone: usize,
}

impl Lease {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, file: None, level: Level::None, writers: 0, alone: 0 }
    }

    /// Counts one more writer; false if another process has the folder alone.
    pub(super) fn add_writer(&mut self) -> bool {
        let granted = self.level >= Level::Shared || self.take(Level::Shared);
        self.writers += usize::from(granted);
        granted
    }

    /// Counts one more that must be alone; false if another process writes.
    pub(super) fn add_alone(&mut self) -> bool {
        let granted = self.level == Level::Alone || self.take(Level::Alone);
        self.alone += usize::from(granted);
        granted
    }

    pub(super) fn remove_writer(&mut self) {
        self.writers -= 1;
        self.settle();
    }

    pub(super) fn remove_alone(&mut self) {
        self.alone -= 1;
        self.settle();
    }

    /// Gives back what nobody in this process needs any more.
    fn settle(&mut self) {
        let needed = match (self.alone, self.writers) {
            (1.., _) => Level::Alone,
            (0, 1..) => Level::Shared,
            (0, 0) => Level::None,
        };
        if needed < self.level && !self.take(needed) {
            // Another process came in between: it recovers what this process's writers then find changed, and refuse.
            self.level = Level::None;
        }
    }

    fn take(&mut self, level: Level) -> bool {
        let file = match &mut self.file {
            Some(file) => file,
            none => match File::open(&self.root) {
                Ok(file) => none.insert(file),
                Err(error) => return unfenced(&error),
            },
        };
        let taken = match level {
            Level::None => file.unlock().map_err(TryLockError::Error),
            Level::Shared => file.try_lock_shared(),
            Level::Alone => file.try_lock(),
        };
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return false,
            // Some file systems have no locks: then only this process is known to be careful.
            Err(TryLockError::Error(error)) => drop(unfenced(&error)),
        }
        self.level = level;
        true
    }
}

fn unfenced(error: &std::io::Error) -> bool {
    tracing::warn!("the folder of the graph cannot be locked against other processes: {error}");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_share_and_whoever_is_alone_excludes_them() {
        let folder = std::env::temp_dir().join(format!("stratigraph-lease-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // Two leases on two open files are to the system as two processes.
        let (mut ours, mut theirs) = (Lease::new(folder.clone()), Lease::new(folder.clone()));
        assert!(ours.add_writer() && ours.add_writer() && theirs.add_writer());
        assert!(!ours.add_alone(), "another process writes");
        theirs.remove_writer();
        assert!(ours.add_alone(), "only this process writes");
        assert!(!theirs.add_writer());
        ours.remove_alone();
        assert!(theirs.add_writer(), "our writers are left, which share");
        theirs.remove_writer();
        ours.remove_writer();
        assert!(!theirs.add_alone());
        ours.remove_writer();
        assert!(theirs.add_alone());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
