//! The guard that owns the terminal, and the panic hook.

use std::io::{self, Stdout, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{execute, queue};
use ratatui::Terminal;
use stratigraph_engine::storage::is_fenced;

use super::quiet::Quiet;

/// Whether the terminal is ours now, for the panic hook.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Owns the terminal until it is dropped.
#[derive(Debug)]
pub struct Guard {
    /// Where frames are drawn.
    pub terminal: Terminal<Quiet<Stdout>>,
    mouse: bool,
}

impl Guard {
    /// Takes the terminal: raw mode, alternate screen, paste and focus reports, mouse if wanted.
    ///
    /// # Errors
    /// If the terminal refuses; it is given back first.
    pub fn take(mouse: bool) -> io::Result<Self> {
        // The theme alone decides about colors: crossterm's own switch writes sequences that reset reverse as well.
        crossterm::style::force_color_output(true);
        let terminal = Terminal::new(Quiet::new(io::stdout()))?;
        let mut guard = Self { terminal, mouse };
        guard.enter()?;
        Ok(guard)
    }

    /// Takes the terminal again after [`restore`].
    ///
    /// # Errors
    /// If the terminal refuses.
    pub fn enter(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        let mut out = io::stdout();
        execute!(out, EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange)?;
        if self.mouse {
            execute!(out, EnableMouseCapture)?;
        }
        self.redraw()
    }

    /// Makes the next frame draw every cell.
    ///
    /// [`Terminal::clear`] would ask the terminal where the cursor is and wait for an answer that not every terminal gives.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn redraw(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Captures the mouse, or leaves it to the terminal.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn capture_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        if on { execute!(io::stdout(), EnableMouseCapture) } else { execute!(io::stdout(), DisableMouseCapture) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back: undoes everything [`Guard::enter`] did, in reverse order. Does nothing if it is not taken.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // A terminal that is gone cannot be restored; there is nobody to tell either.
    drop(queue!(out, DisableMouseCapture, DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, Show));
    drop(out.flush());
    drop(disable_raw_mode());
}

/// Installs the hook that gives the terminal back before a panic is printed with the path of the log.
///
/// Only a panic of the calling thread (the loop) does so: one on a worker ends its job alone and goes to the log, and so does one
/// of a library that reads damaged bytes.
pub fn install_panic_hook(log_path: Option<PathBuf>) {
    let main = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        if is_fenced() {
            tracing::warn!("stored bytes are damaged: {panic}");
            return;
        }
        tracing::error!("panic: {panic}");
        if std::thread::current().id() != main {
            return;
        }
        restore();
        let mut err = io::stderr();
        drop(writeln!(err, "stratigraph stopped because of a defect: {panic}"));
        if let Some(path) = &log_path {
            drop(writeln!(err, "please report it with the log file {}", path.display()));
        }
    }));
}
