//! Writing a recording while the workbench runs.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use serde::Serialize;
use stratigraph_engine::{BranchHead, ProgressEvent};

use super::line::{Click, Ended, Header, Line, SeenHead, What};
use crate::event::{Event, Now};
use crate::job::{JobId, JobStatus, JobUpdate};
use crate::keymap::{Key, format_keys, parse_keys};
use crate::logging::mask_secrets;

/// Writes what happens to a file, line by line: what is written is there even if the program is killed.
#[derive(Debug)]
pub struct Recorder<W = File> {
    to: W,
    /// The last tick, which is written when something else happens.
    tick: Option<Line>,
    /// What looking at the graph found since anything else happened.
    seen: Vec<What>,
}

impl Recorder {
    /// Begins a recording in a new file.
    ///
    /// # Errors
    /// If the file is there already or cannot be written.
    pub fn create(path: &Path, header: &Header) -> io::Result<Self> {
        Self::begin(File::create_new(path)?, header)
    }
}

impl<W: Write> Recorder<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(to: W, header: &Header) -> io::Result<Self> {
        let mut recorder = Self { to, tick: None, seen: Vec::new() };
        recorder.write(header)?;
        Ok(recorder)
    }

    /// Notes an event.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn event(&mut self, event: &Event, now: Now) -> io::Result<()> {
        let Some(what) = what(event) else { return Ok(()) };
        let at = u64::try_from(now.elapsed.as_micros()).unwrap_or(u64::MAX);
        let line = Line { at, what };
        if line.what == What::Tick {
            self.tick = Some(line);
            return Ok(());
        }
        if matches!(line.what, What::Heads(_) | What::Interrupted(_)) {
            // Every few seconds the same is found again, which changes nothing unless something else did.
            if self.seen.contains(&line.what) {
                return Ok(());
            }
            self.seen.retain(|seen| std::mem::discriminant(seen) != std::mem::discriminant(&line.what));
            self.seen.push(line.what.clone());
        } else {
            self.seen.clear();
        }
        if let Some(tick) = self.tick.take() {
            self.write(&tick)?;
        }
        self.write(&line)
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.to.write_all(text.as_bytes())
    }
}

/// What of an event is recorded; nothing of what the workbench takes no notice of.
fn what(event: &Event) -> Option<What> {
    Some(match event {
        Event::Key(key) => What::Key(key_name(key)?),
        Event::Paste(text) => What::Paste(masked(text)),
        Event::Mouse(mouse) => What::Mouse { what: click(*mouse)?, column: mouse.column, row: mouse.row },
        Event::Resize(columns, rows) => What::Resize(*columns, *rows),
        Event::Tick => What::Tick,
        Event::Job(JobId(job), update) => of_job(*job, update)?,
        Event::Reply(JobId(job), _) => What::Reply(*job),
        Event::Heads(Ok(heads)) => {
            let head = |head: &BranchHead| match (head.version.get(), head.identity.as_str()) {
                (version, "") => SeenHead::Version(version),
                (version, identity) => SeenHead::Named(version, identity.to_owned()),
            };
            What::Heads(heads.iter().map(|(branch, seen)| (branch.to_string(), head(seen))).collect())
        }
        Event::Interrupted(Ok(ids)) => What::Interrupted(ids.clone()),
        Event::Heads(Err(_)) | Event::Interrupted(Err(_)) => What::Unseen,
        Event::Config(_) => What::Settings,
        Event::Copied(Ok(size)) => What::Copied(*size),
        Event::Copied(Err(_)) => return None,
        Event::Resumed => What::Resumed,
        Event::Terminate => What::Terminate,
    })
}

/// The name of a key that can be read back; keys without one do nothing.
fn key_name(event: &KeyEvent) -> Option<String> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let key = Key::of(event);
    let name = format_keys(&[key]);
    (parse_keys(&name).ok()? == [key]).then_some(name)
}

/// Text with the secrets of all URIs in it masked.
fn masked(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).map(mask_secrets).collect()
}

fn click(mouse: MouseEvent) -> Option<Click> {
    Some(match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Click::Left,
        MouseEventKind::ScrollUp => Click::Up,
        MouseEventKind::ScrollDown => Click::Down,
        MouseEventKind::ScrollLeft => Click::Leftwards,
        MouseEventKind::ScrollRight => Click::Rightwards,
        MouseEventKind::Down(_) | MouseEventKind::Up(_) | MouseEventKind::Drag(_) | MouseEventKind::Moved => {
            return None;
        }
    })
}

fn of_job(job: u64, update: &JobUpdate) -> Option<What> {
    Some(match update {
        JobUpdate::Started => What::Began(job),
        JobUpdate::Progress(ProgressEvent::Phase { name, .. }) => What::Phase { job, name: (*name).to_owned() },
        JobUpdate::Progress(_) => return None,
        JobUpdate::Ended(status) => What::Ended { job, how: ended(status)? },
    })
}

/// How a job ended; nothing while it has not.
pub(super) fn ended(status: &JobStatus) -> Option<Ended> {
    match status {
        JobStatus::Succeeded => Some(Ended::Succeeded),
        JobStatus::Failed(_) => Some(Ended::Failed),
        JobStatus::Cancelled => Some(Ended::Cancelled),
        JobStatus::Queued | JobStatus::Running | JobStatus::Cancelling => None,
    }
}
