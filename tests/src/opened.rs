//! Counts the files under a folder that are opened, and the folders that are listed, while something is done.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use anyhow::Result;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

/// How often the system's queue is emptied: it holds some ten thousand events, and loses what comes after.
const PAUSE: Duration = Duration::from_millis(1);

/// Watches every directory below a folder. Directories that are made later are not watched.
#[derive(Debug)]
pub struct Opened {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug)]
struct Queue {
    events: OwnedFd,
    folders: BTreeMap<i32, PathBuf>,
    files: BTreeSet<PathBuf>,
    listed: BTreeSet<PathBuf>,
    /// What was lost cannot be counted any more.
    is_lost: bool,
}

impl Opened {
    /// Begins to watch.
    ///
    /// # Errors
    /// If the system lets no more directories be watched.
    pub fn watch(root: &Path) -> Result<Self> {
        // Listing opens directories, so all of that is done before any is watched.
        let mut folders = vec![root.to_owned()];
        let mut next = 0;
        while let Some(folder) = folders.get(next).cloned() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                }
            }
            next += 1;
        }
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let mut queue =
            Queue { events, folders: BTreeMap::new(), files: BTreeSet::new(), listed: BTreeSet::new(), is_lost: false };
        for folder in folders {
            let watch = inotify::add_watch(&queue.events, &folder, WatchFlags::OPEN | WatchFlags::ONLYDIR)?;
            queue.folders.insert(watch, folder);
        }
        let queue = Arc::new(Mutex::new(queue));
        let watched = Arc::downgrade(&queue);
        std::thread::spawn(move || keep_empty(&watched));
        Ok(Self { queue })
    }

    /// Returns the files that were opened since the watch began or was asked last, each once: the system joins events that are alike.
    ///
    /// # Errors
    /// If the queue cannot be read, or lost events.
    pub fn take(&mut self) -> Result<BTreeSet<PathBuf>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.empty()?;
        Ok(std::mem::take(&mut queue.files))
    }

    /// Returns the folders that were listed since the watch began or was asked this last, each once.
    ///
    /// # Errors
    /// As [`Opened::take`].
    pub fn take_listed(&mut self) -> Result<BTreeSet<PathBuf>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.empty()?;
        Ok(std::mem::take(&mut queue.listed))
    }
}

/// Empties the queue again and again while somebody watches. What is lost is reported to whoever asks.
fn keep_empty(queue: &Weak<Mutex<Queue>>) {
    while let Some(queue) = queue.upgrade() {
        if queue.lock().unwrap_or_else(PoisonError::into_inner).empty().is_err() {
            return;
        }
        drop(queue);
        std::thread::sleep(PAUSE);
    }
}

impl Queue {
    fn empty(&mut self) -> Result<()> {
        anyhow::ensure!(!self.is_lost, "more files were opened than can be counted");
        let mut buffer = vec![MaybeUninit::uninit(); 1 << 16];
        let mut events = inotify::Reader::new(&self.events, &mut buffer);
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            self.is_lost |= event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            anyhow::ensure!(!self.is_lost, "more files were opened than can be counted");
            let Some(folder) = self.folders.get(&event.wd()) else { continue };
            if !event.events().contains(ReadFlags::OPEN) {
                continue;
            }
            match event.file_name().map(CStr::to_string_lossy) {
                // A folder that is opened is told by the watch on it, and with its name by that on the folder around it.
                None => self.listed.insert(folder.clone()),
                Some(name) => !event.events().contains(ReadFlags::ISDIR) && self.files.insert(folder.join(&*name)),
            };
        }
    }
}
