//! The real program in a real pseudo-terminal: it starts, answers, quits and gives the terminal back.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;

/// How long a screen may take to show something before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

const PROGRAM: &str = env!("CARGO_BIN_EXE_stratigraph-under-test");

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("the sizes of these tests are not zero")
}

struct Session {
    screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    input: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Session {
    fn start(rows: u16, cols: u16) -> Result<Self> {
        Self::spawn(rows, cols, &[PROGRAM, "open", &Fixture::Team.path()?.to_string_lossy()], &[])
    }

    fn spawn(rows: u16, cols: u16, line: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let pair = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })?;
        let mut command = CommandBuilder::new(line[0]);
        command.args(&line[1..]);
        for (name, value) in variables {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("XDG_STATE_HOME", std::env::temp_dir().join("stratigraph-tests-state"));
        command.env("XDG_CONFIG_HOME", std::env::temp_dir().join("stratigraph-tests-config"));
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

    fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen satisfies a condition.
    fn wait(&mut self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) -> Result<()> {
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

    fn wait_for(&mut self, text: &str) -> Result<()> {
        self.wait(text, |screen| screen.contents().contains(text))
    }

    /// Waits until the history is read and the title counts no job. What it does not count is small reads that began a
    /// moment ago; they belong to a screen, so `q` asks nothing about them.
    fn wait_until_idle(&mut self) -> Result<()> {
        self.wait("history and no job", |screen| {
            let contents = screen.contents();
            contents.contains("FP1ZND") && !contents.contains("Jobs:")
        })
    }

    fn press(&mut self, keys: &str) -> Result<()> {
        self.input.write_all(keys.as_bytes())?;
        Ok(self.input.flush()?)
    }

    /// Waits for the end of the program and for all it wrote; returns its exit code.
    fn end(&mut self) -> Result<u32> {
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

    fn assert_given_back(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is still captured");
    }

    fn signal(&self, name: &str) -> Result<()> {
        let process = self.child.process_id().context("the program runs")?;
        let status = std::process::Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status()?;
        anyhow::ensure!(status.success(), "kill -{name}");
        Ok(())
    }
}

#[test]
fn it_shows_the_history_quits_with_q_and_leaves_the_graph_as_it_was() -> Result<()> {
    let graph = tempfile::tempdir()?;
    folder::copy(&Fixture::Team.path()?, graph.path())?;
    let before = folder::digest(graph.path())?;
    let mut session = Session::spawn(30, 120, &[PROGRAM, "open", &graph.path().to_string_lossy()], &[])?;
    session.wait_until_idle()?;
    session.wait_for("READ-ONLY")?;
    assert!(session.screen.screen().alternate_screen());
    session.press("d")?;
    session.wait_for("Changed tables")?;
    session.wait_for("Linus")?;
    session.press("3")?;
    session.wait_for("embedding")?;
    session.wait("no job", |screen| !screen.contents().contains("Jobs:"))?;
    // Each leaves one view: the tables, the difference, the history.
    session.press("qqq")?;
    assert_eq!(session.end()?, 0);
    session.assert_given_back();
    assert_eq!(folder::digest(graph.path())?, before);
    Ok(())
}

#[test]
fn being_killed_gives_the_terminal_back() -> Result<()> {
    for signal in ["TERM", "HUP"] {
        let mut session = Session::start(24, 80)?;
        session.wait_for("READ-ONLY")?;
        session.signal(signal)?;
        session.end()?;
        session.assert_given_back();
    }
    Ok(())
}

#[test]
fn a_panic_gives_the_terminal_back_and_says_where_the_log_is() -> Result<()> {
    let graph = Fixture::Team.path()?;
    let line = [PROGRAM, "open", &graph.to_string_lossy()];
    let points = format!("{}=2*off->panic(no way to draw)", stratigraph::run::DRAW_POINT);
    let mut session = Session::spawn(24, 80, &line, &[("FAILPOINTS", &points)])?;
    assert_ne!(session.end()?, 0);
    session.assert_given_back();
    let contents = session.contents();
    assert!(contents.contains("stopped because of a defect"), "{contents}");
    assert!(contents.contains("no way to draw") && contents.contains("stratigraph.log"), "{contents}");
    Ok(())
}

/// A shell with job control: it sees its job stopped, waits for a key, and continues it.
const JOB_CONTROL: &str = r#"set -m; "$0" open "$1"; echo "stopped with $?"; read key; fg; echo "ended with $?""#;

#[test]
fn suspending_gives_the_terminal_back_and_continuing_takes_it_again() -> Result<()> {
    let graph = Fixture::Team.path()?;
    let line = ["sh", "-c", JOB_CONTROL, PROGRAM, &graph.to_string_lossy()];
    let mut session = Session::spawn(24, 80, &line, &[])?;
    session.wait_until_idle()?;
    session.press("\u{1a}")?;
    session.wait_for("stopped with 148")?;
    session.assert_given_back();
    session.press("\n")?;
    session.wait("alternate screen", vt100::Screen::alternate_screen)?;
    session.wait_for("READ-ONLY")?;
    session.press("q")?;
    assert_eq!(session.end()?, 0);
    session.assert_given_back();
    assert!(session.contents().contains("ended with 0"), "{}", session.contents());
    Ok(())
}

#[test]
fn a_storm_of_sizes_down_to_one_cell_does_not_end_it() -> Result<()> {
    let mut session = Session::start(30, 120)?;
    session.wait_for("READ-ONLY")?;
    for (rows, cols) in [(1, 1), (24, 80), (5, 20), (2, 200), (60, 10), (12, 40), (30, 120)] {
        session.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })?;
        session.screen.screen_mut().set_size(cells(rows), cells(cols));
        session.press("j")?;
    }
    session.press("\u{c}")?;
    session.wait_until_idle()?;
    session.press("q")?;
    assert_eq!(session.end()?, 0);
    session.assert_given_back();
    Ok(())
}
