//! A program in a pseudo-terminal: keys go in, the screen comes out.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a screen may take to show something before the test gives up; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_mins(4);

/// The program.
pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_stratigraph-under-test");

/// Clears a line that is typed.
pub(super) const CLEAR: &str = "\u{15}";

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("the sizes of these tests are not zero")
}

/// A running program and what its terminal shows.
pub(super) struct Session {
    pub(super) screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    input: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

/// Folders for settings and state that no other test has.
pub(super) fn shared_home() -> PathBuf {
    std::env::temp_dir().join("stratigraph-tests-home")
}

impl Session {
    /// Starts a program with these variables; its settings and its state are below `home`.
    pub(super) fn spawn(size: (u16, u16), line: &[&str], variables: &[(&str, &str)], home: &Path) -> Result<Self> {
        let (cols, rows) = size;
        let pair = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })?;
        let mut command = CommandBuilder::new(line[0]);
        command.args(&line[1..]);
        for (name, value) in variables {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("XDG_CONFIG_HOME", home.join("config"));
        let child = pair.slave.spawn_command(command)?;
        let mut reader = pair.master.try_clone_reader()?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(size @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..size].to_vec()).is_err() {
                    break;
                }
            }
        });
        let input = pair.master.take_writer()?;
        Ok(Self { screen: vt100::Parser::new(cells(rows), cells(cols), 0), output, input, child, master: pair.master })
    }

    /// What the screen shows, row by row.
    pub(super) fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen satisfies a condition.
    pub(super) fn wait(&mut self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self.screen.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => bail!("no {what} on the screen:\n{}", self.contents()),
            }
        }
        Ok(())
    }

    /// Waits for a text.
    pub(super) fn wait_for(&mut self, text: &str) -> Result<()> {
        self.wait(text, |screen| screen.contents().contains(text))
    }

    /// Waits until a text is gone.
    pub(super) fn wait_without(&mut self, text: &str) -> Result<()> {
        self.wait(&format!("screen without {text}"), |screen| !screen.contents().contains(text))
    }

    /// Types keys.
    pub(super) fn press(&mut self, keys: &str) -> Result<()> {
        self.input.write_all(keys.as_bytes())?;
        Ok(self.input.flush()?)
    }

    /// Types keys and waits for what they lead to.
    pub(super) fn see(&mut self, keys: &str, text: &str) -> Result<()> {
        self.press(keys)?;
        self.wait_for(text).with_context(|| format!("after {keys:?}"))
    }

    /// Changes the size of the terminal.
    pub(super) fn resize(&mut self, cols: u16, rows: u16) -> Result<()> {
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })?;
        self.screen.screen_mut().set_size(cells(rows), cells(cols));
        Ok(())
    }

    /// Waits for the end of the program and for all it wrote; returns its exit code.
    pub(super) fn end(&mut self) -> Result<u32> {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill()?;
                bail!("the program did not end:\n{}", self.contents());
            }
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.screen.process(&bytes);
            }
        };
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(300)) {
            self.screen.process(&bytes);
        }
        Ok(status.exit_code())
    }

    /// Ends the program as a system does that goes down; it gives the terminal back.
    pub(super) fn quit(&mut self) -> Result<()> {
        self.signal("TERM")?;
        self.end()?;
        self.assert_given_back();
        Ok(())
    }

    /// The terminal is as it was before the program.
    pub(super) fn assert_given_back(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is still captured");
    }

    /// Sends a signal to the program.
    pub(super) fn signal(&self, name: &str) -> Result<()> {
        let process = self.child.process_id().context("the program runs")?;
        let status = std::process::Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status()?;
        anyhow::ensure!(status.success(), "kill -{name}");
        Ok(())
    }
}

/// A program that a failed test leaves is ended.
impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}
