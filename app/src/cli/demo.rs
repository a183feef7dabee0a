//! `demo`: the bundled sample graph, unpacked where its paths point.
//!
//! Branch manifests hold the absolute path of the graph, so the sample can be read from one place only. It appears there whole,
//! by a rename, and what stands there already is never touched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use stratigraph_engine::ErrorKind;

use super::error::CliError;
use super::open::ScreenArgs;
use super::output::Out;

/// Written by OmniGraph; see `assets/README.md`.
const ARCHIVE: &[u8] = include_bytes!("../../../assets/team.tar.gz");
/// Where the paths inside the graph point, and where it is inside the archive.
const PLACE: &str = "/tmp/omnigraph-fixtures/team";

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Only unpack the sample graph and print where it is
    #[arg(long)]
    pub(super) path: bool,
    #[command(flatten)]
    pub(super) screen: ScreenArgs,
}

/// Why the sample graph could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    /// The place holds something that is not the whole sample graph.
    #[error(
        "{path} exists but is not the whole sample graph ({missing} is missing or differs in size); move it away, then try again"
    )]
    Occupied {
        /// The place.
        path: String,
        /// First file of the sample that is not there.
        missing: String,
    },
    /// The archive could not be unpacked or moved to its place.
    #[error("cannot unpack the sample graph to {path}")]
    Unpack {
        /// The place.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl DemoError {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Occupied { .. } => ErrorKind::Conflict,
            Self::Unpack { .. } => ErrorKind::Unavailable,
        }
    }
}

/// Unpacks the sample graph and prints where it is.
pub(super) fn print_path(out: &mut Out) -> Result<(), CliError> {
    let place = unpack()?.display().to_string();
    if out.is_json() { out.json(&serde_json::json!({ "path": place })) } else { out.line(&place) }
}

/// Makes sure that the sample graph is at its place and returns the place.
pub(super) fn unpack() -> Result<PathBuf, DemoError> {
    unpack_to(Path::new(PLACE))
}

fn unpack_to(place: &Path) -> Result<PathBuf, DemoError> {
    let path = || place.display().to_string();
    let failed = |source| DemoError::Unpack { path: path(), source };
    if fs::symlink_metadata(place).is_err() {
        place_whole(place).map_err(failed)?;
    }
    match first_missing(place).map_err(failed)? {
        None => Ok(place.to_owned()),
        Some(missing) => Err(DemoError::Occupied { path: path(), missing }),
    }
}

/// Unpacks beside the place, then renames. If somebody was faster, theirs stands.
fn place_whole(place: &Path) -> io::Result<()> {
    let parent = place.parent().unwrap_or(Path::new("/"));
    let staging = parent.join(format!(".stratigraph-demo-{}", std::process::id()));
    fs::create_dir_all(parent)?;
    fs::create_dir(&staging)?;
    let unpacked = tar::Archive::new(GzDecoder::new(ARCHIVE)).unpack(&staging);
    let renamed = unpacked.and_then(|()| fs::rename(staging.join(inside()), place));
    let removed = fs::remove_dir_all(&staging);
    match renamed {
        Err(_) if place.is_dir() => removed,
        renamed => renamed.and(removed),
    }
}

/// The graph inside the archive: its place without the leading slash.
fn inside() -> &'static str {
    PLACE.trim_start_matches('/')
}

/// The first file of the sample that is absent at the place or of another size.
fn first_missing(place: &Path) -> io::Result<Option<String>> {
    for entry in tar::Archive::new(GzDecoder::new(ARCHIVE)).entries()? {
        let entry = entry?;
        let path = entry.path()?;
        let Ok(relative) = path.strip_prefix(inside()) else { continue };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let found = fs::metadata(place.join(relative));
        if !found.is_ok_and(|found| found.is_file() && found.len() == entry.size()) {
            return Ok(Some(relative.display().to_string()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("stratigraph-{name}-{}", std::process::id()));
            drop(fs::remove_dir_all(&path));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn the_sample_appears_whole_and_is_left_alone_afterwards() {
        let scratch = Scratch::new("demo-whole");
        let place = scratch.0.join("below/team");
        assert_eq!(unpack_to(&place).unwrap(), place);
        assert!(place.join("_schema.pg").is_file());
        fs::write(place.join("mine.txt"), "kept").unwrap();
        unpack_to(&place).unwrap();
        assert_eq!(fs::read_to_string(place.join("mine.txt")).unwrap(), "kept");
        let beside: Vec<_> = fs::read_dir(place.parent().unwrap()).unwrap().collect();
        assert_eq!(beside.len(), 1, "nothing is left of the unpacking");
    }

    #[test]
    fn what_is_not_the_sample_is_never_touched() {
        let scratch = Scratch::new("demo-occupied");
        let place = scratch.0.join("team");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("mine.txt"), "kept").unwrap();
        assert!(matches!(unpack_to(&place), Err(DemoError::Occupied { .. })));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
        let file = scratch.0.join("file");
        fs::write(&file, "kept").unwrap();
        assert!(matches!(unpack_to(&file), Err(DemoError::Occupied { .. })));
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    }
}
