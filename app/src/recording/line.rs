//! What a recording holds: a header and one JSON object a line for everything that happened.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::config::{Config, FileSettings, Origin};
use crate::theme::Surroundings;

/// The form of the lines; another form gets another number.
const FORM: u32 = 2;

/// The setting that is a list.
const BRANCHES: &str = "history.branches";

/// The first line: what the workbench was told, and where it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The form of the lines.
    pub recording: u32,
    /// Version of the program.
    pub program: String,
    /// Location of the graph, without secrets.
    pub graph: String,
    /// When the program was started, microseconds since the epoch, UTC.
    pub started_micros: i64,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// `TERM`
    pub term: Option<String>,
    /// The locale, which decides about the glyphs.
    pub locale: Option<String>,
    /// Settings that are not the built-in ones. Keys that were bound anew are not among them.
    pub settings: BTreeMap<String, String>,
}

impl Header {
    /// The header of a program that starts now.
    #[must_use]
    pub fn new(uri: &str, started_micros: i64, size: (u16, u16), around: &Surroundings, config: &Config) -> Self {
        let settings = config.listing().into_iter().filter(|(_, _, origin)| *origin != Origin::Default);
        Self {
            recording: FORM,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            graph: crate::logging::mask_secrets(uri),
            started_micros,
            size,
            term: around.term.clone(),
            locale: around.locale.clone(),
            settings: settings.map(|(path, value, _)| (path.to_owned(), value)).collect(),
        }
    }

    /// The settings in force, as far as they are known to this version.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = Config::default();
        for (path, value) in &self.settings {
            let mut layer = FileSettings::default();
            // A list is typed as TOML has it, and shown as people read it.
            let list = (path == BRANCHES).then(|| format!("{:?}", value.split(", ").collect::<Vec<_>>()));
            if layer.set_typed(path, list.as_deref().unwrap_or(value)).is_ok() {
                config.take(layer, Origin::Flag);
            }
        }
        config
    }

    /// The terminal it ran in.
    #[must_use]
    pub fn surroundings(&self) -> Surroundings {
        Surroundings { term: self.term.clone(), locale: self.locale.clone(), ..Surroundings::default() }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Microseconds since the program was started.
    pub at: u64,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
}

/// The newest state of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SeenHead {
    /// Its version.
    Version(u64),
    /// Its version, and which branch of its name it is.
    Named(u64, String),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A key was pressed: its name.
    Key(String),
    /// Text was pasted, without secrets of URIs in it.
    Paste(String),
    /// The mouse did something.
    Mouse {
        /// What.
        what: Click,
        /// Column, from 0.
        column: u16,
        /// Row, from 0.
        row: u16,
    },
    /// The terminal got this many columns and rows.
    Resize(u16, u16),
    /// Time passed. Of ticks that follow each other only the last is kept: it does what all of them did.
    Tick,
    /// A job began.
    Began(u64),
    /// A job entered a phase.
    Phase {
        /// The job.
        job: u64,
        /// Its phase.
        name: String,
    },
    /// A job delivered.
    Reply(u64),
    /// A job was over.
    Ended {
        /// The job.
        job: u64,
        /// How it ended.
        how: Ended,
    },
    /// The newest state of each branch.
    Heads(BTreeMap<String, SeenHead>),
    /// The ids of interrupted writes.
    Interrupted(BTreeSet<String>),
    /// Heads or interrupted writes could not be looked for.
    Unseen,
    /// The settings were read again; the recording goes on with those it began with.
    Settings,
    /// This many bytes went to the clipboard.
    Copied(usize),
    /// The process was stopped and went on.
    Resumed,
    /// The process was asked to end.
    Terminate,
}

/// What the mouse did. What means nothing to the workbench is not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Click {
    /// The left button was pressed.
    Left,
    /// The wheel was turned up.
    Up,
    /// The wheel was turned down.
    Down,
    /// The wheel was turned to the left.
    Leftwards,
    /// The wheel was turned to the right.
    Rightwards,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Well.
    Succeeded,
    /// With an error, which is not recorded.
    Failed,
    /// Stopped on request.
    Cancelled,
}

/// A recording that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its first line.
    pub header: Header,
    /// All others, in order.
    pub lines: Vec<Line>,
}

/// Why a text is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is no header.
    #[error("the recording is empty")]
    Empty,
    /// It was written in another form.
    #[error("the recording has form {found}, this version reads form {FORM}")]
    Form {
        /// Its form.
        found: u32,
    },
    /// A line cannot be understood.
    #[error("line {number} of the recording cannot be understood")]
    Line {
        /// Number of the line, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl Recording {
    /// Reads a recording. A last line without an end is left out: the program was killed while it wrote it.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut lines = whole.lines().zip(1..);
        let (first, number) = lines.next().ok_or(RecordingError::Empty)?;
        let header: Header = serde_json::from_str(first).map_err(|source| RecordingError::Line { number, source })?;
        if header.recording != FORM {
            return Err(RecordingError::Form { found: header.recording });
        }
        let lines = lines
            .map(|(line, number)| serde_json::from_str(line).map_err(|source| RecordingError::Line { number, source }));
        Ok(Self { header, lines: lines.collect::<Result<_, _>>()? })
    }
}
