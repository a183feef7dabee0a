//! Where files of the program are, and reading the configuration file.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};
use stratigraph_engine::ErrorKind;

use crate::config::{FileSettings, parse};
use crate::message::Failure;

/// The user's configuration file, whether it exists or not; `None` without a home directory.
#[must_use]
pub fn user_file() -> Option<PathBuf> {
    choose_base_strategy().ok().map(|base| base.config_dir().join("stratigraph").join("config.toml"))
}

/// The directory of logs and drafts; `None` without a home directory.
#[must_use]
pub fn state_directory() -> Option<PathBuf> {
    let base = choose_base_strategy().ok()?;
    Some(base.state_dir().unwrap_or_else(|| base.data_dir()).join("stratigraph"))
}

/// Reads a configuration file.
///
/// # Errors
/// `NotFound` or `Unavailable` if it cannot be read, `Invalid` with line and column if it is no TOML.
pub fn read_file(path: &Path) -> Result<FileSettings, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let kind = if missing { ErrorKind::NotFound } else { ErrorKind::Unavailable };
        Failure::of(kind, &error).during(format!("cannot read {}", path.display()))
    })?;
    parse(&text).map_err(|reason| {
        Failure::new(ErrorKind::Invalid, format!("cannot understand {}", path.display())).caused_by(reason)
    })
}
