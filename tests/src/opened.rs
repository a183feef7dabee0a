//! Counts the files under a folder that are opened while something is done.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

/// Watches every directory below a folder; files in directories made later are counted once the directory is watched.
#[derive(Debug)]
pub struct Opened {
    queue: OwnedFd,
    folders: BTreeMap<i32, PathBuf>,
}

impl Opened {
    /// Begins to watch.
    ///
    /// # Errors
    /// If the system lets no more directories be watched.
    pub fn watch(root: &Path) -> Result<Self> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let mut watched = Self { queue, folders: BTreeMap::new() };
        watched.add(root)?;
        Ok(watched)
    }

    fn add(&mut self, folder: &Path) -> Result<()> {
        let watch = inotify::add_watch(&self.queue, folder, WatchFlags::OPEN | WatchFlags::ONLYDIR)?;
        self.folders.insert(watch, folder.to_owned());
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                self.add(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Returns the files that were opened since the watch began or was asked last, each as often as it was opened.
    ///
    /// # Errors
    /// If the queue cannot be read, or lost events.
    pub fn take(&mut self) -> Result<Vec<PathBuf>> {
        let mut buffer = vec![MaybeUninit::uninit(); 1 << 16];
        let mut events = inotify::Reader::new(&self.queue, &mut buffer);
        let mut files = Vec::new();
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => return Ok(files),
                Err(error) => return Err(error.into()),
            };
            anyhow::ensure!(
                !event.events().contains(ReadFlags::QUEUE_OVERFLOW),
                "more files were opened than can be counted"
            );
            let name = event.file_name().map(CStr::to_string_lossy);
            if let (Some(name), Some(folder)) = (name, self.folders.get(&event.wd()))
                && event.events().contains(ReadFlags::OPEN)
                && !event.events().contains(ReadFlags::ISDIR)
            {
                files.push(folder.join(&*name));
            }
        }
    }
}
