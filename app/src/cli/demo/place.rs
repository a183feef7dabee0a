//! The folder of the sample graph.
//!
//! Branches hold the absolute path of their graph, so the graph is made where it will be. A folder of somebody else's is never
//! touched: the sample is made in one that is not there, or empty. What was begun and not finished is removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stratigraph_engine::ErrorKind;

/// Name of the graph's folder inside a temporary one; the workbench shows it.
const NAME: &str = "company";

/// Why the sample graph has no place.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum DemoError {
    /// There is something.
    #[error(
        "{path} is not empty: give a folder that does not exist yet; if the sample is there, `stratigraph open {path}` shows it"
    )]
    Occupied {
        /// The folder.
        path: String,
    },
    /// There is nothing to show it on.
    #[error(
        "the workbench needs a terminal: `stratigraph {command} --keep` makes the sample graph and prints where it is"
    )]
    NoScreen {
        /// What was asked for.
        command: String,
    },
    /// The folder cannot be read or made.
    #[error("cannot make a folder for the sample graph at {path}")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl DemoError {
    pub(in crate::cli) fn kind(&self) -> ErrorKind {
        match self {
            Self::Occupied { .. } => ErrorKind::Conflict,
            Self::NoScreen { .. } | Self::Folder { .. } => ErrorKind::Unavailable,
        }
    }
}

/// Where the graph is, and what is removed when this is dropped.
#[derive(Debug)]
pub(in crate::cli) struct Place {
    graph: PathBuf,
    /// None once the graph is to stay.
    removed: Option<PathBuf>,
    /// Whether the graph stays once it is made.
    stays: bool,
}

impl Place {
    /// Takes a folder that was asked for, or makes a temporary one.
    ///
    /// # Errors
    /// [`DemoError`], with nothing changed.
    pub(super) fn prepare(dir: Option<&Path>) -> Result<Self, DemoError> {
        let Some(dir) = dir else {
            let folder = temporary()?;
            return Ok(Self { graph: folder.join(NAME), removed: Some(folder), stays: false });
        };
        let failed = |source| DemoError::Folder { path: dir.display().to_string(), source };
        let graph = std::path::absolute(dir).map_err(failed)?;
        match fs::read_dir(&graph) {
            Ok(mut entries) => match entries.next() {
                None => {}
                Some(_) => return Err(DemoError::Occupied { path: dir.display().to_string() }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(failed(source)),
        }
        Ok(Self { removed: Some(graph.clone()), graph, stays: true })
    }

    /// The graph's folder, as the engine is told it.
    pub(in crate::cli) fn uri(&self) -> String {
        self.graph.to_string_lossy().into_owned()
    }

    /// The graph is whole: if its folder was asked for it stays.
    pub(super) fn made(mut self) -> Self {
        if self.stays {
            self.removed = None;
        }
        self
    }

    /// Leaves the graph where it is.
    pub(super) fn keep(mut self) -> String {
        self.removed = None;
        self.uri()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(folder) = &self.removed else { return };
        match fs::remove_dir_all(folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => super::super::error::note(&format!("cannot remove {}: {error}", folder.display())),
        }
    }
}

/// A new folder for this process.
fn temporary() -> Result<PathBuf, DemoError> {
    let parent = std::env::temp_dir();
    for attempt in 0.. {
        let folder = parent.join(format!("stratigraph-demo-{}-{attempt}", std::process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            // Left by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {}
            Err(source) => return Err(DemoError::Folder { path: folder.display().to_string(), source }),
        }
    }
    unreachable!("BUG: the last attempt returns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_place_goes_and_one_that_was_asked_for_stays_once_it_is_made() -> io::Result<()> {
        let place = Place::prepare(None).expect("there is room");
        let folder = place.graph.parent().expect("it is inside a folder").to_owned();
        assert!(folder.is_dir());
        drop(place.made());
        assert!(!folder.exists());

        let scratch = temporary().expect("there is room");
        let asked = scratch.join("sample");
        let place = Place::prepare(Some(&asked)).expect("it is free");
        fs::create_dir(&asked)?;
        fs::write(asked.join("half"), "made")?;
        drop(place);
        assert!(!asked.exists(), "what is not finished goes");

        let place = Place::prepare(Some(&asked)).expect("it is free");
        fs::create_dir(&asked)?;
        fs::write(asked.join("whole"), "made")?;
        drop(place.made());
        assert!(asked.exists());
        assert!(matches!(Place::prepare(Some(&asked)), Err(DemoError::Occupied { .. })));
        fs::remove_dir_all(scratch)
    }
}
