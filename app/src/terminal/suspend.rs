//! Stopping the process until the shell continues it.

use std::io;
use std::process::Command;

/// Stops this process as ctrl-z does outside raw mode; returns when it is continued.
///
/// The signal goes through `kill`, because the crate forbids the unsafe call; the whole process group gets it, so that
/// the shell sees its job stopped.
///
/// # Errors
/// If `kill` cannot be run or refuses.
pub fn stop_process() -> io::Result<()> {
    let status = Command::new("kill").args(["-TSTP", "--", &std::process::id().to_string()]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill ended with {status}"))) }
}
