//! Taking the terminal over and giving it back.
//!
//! Everything that is switched on is undone in one function, [`restore`], which is called on return, error, panic of the
//! loop's thread, suspend and termination. It may be called twice.

mod guard;
mod quiet;
mod shown;
mod suspend;

pub use guard::{Guard, install_panic_hook, restore};
pub use suspend::stop_process;

use std::io::IsTerminal;

use crate::theme::Surroundings;

/// Why the workbench cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TerminalError {
    /// Input or output is a pipe or a file.
    #[error("this is not a terminal; `stratigraph log {uri}` prints the history without one")]
    NotATerminal {
        /// Location of the graph.
        uri: String,
    },
    /// The terminal cannot move its cursor.
    #[error("the terminal is dumb (TERM=dumb); `stratigraph log {uri}` prints the history without drawing")]
    Dumb {
        /// Location of the graph.
        uri: String,
    },
}

/// Checks that there is a terminal to draw on.
///
/// # Errors
/// [`TerminalError`] with the command line that shows the same.
pub fn check(uri: &str, around: &Surroundings) -> Result<(), TerminalError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(TerminalError::NotATerminal { uri: uri.to_owned() });
    }
    if around.is_dumb() {
        return Err(TerminalError::Dumb { uri: uri.to_owned() });
    }
    Ok(())
}
