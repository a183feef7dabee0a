//! Stopping the process until the shell continues it.

use std::io;
use std::process::Command;

/// Stops this process as ctrl-z does outside raw mode; returns when it is continued.
///
/// The signal goes through `kill`, because the crate forbids the unsafe call. Where no shell could continue the process (a
/// terminal that runs nothing else), the system discards it and this returns at once.
///
/// # Errors
/// If `kill` cannot be run or refuses.
pub fn stop_process() -> io::Result<()> {
    let status = Command::new("kill").args(["-TSTP", "--", &std::process::id().to_string()]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill ended with {status}"))) }
}
