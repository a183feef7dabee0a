//! What `update` asks the world to do, and what comes back.
//!
//! An [`Effect`] is a plain value; [`crate::tasks`] and [`crate::run`] carry it out. A screen adds its requests and
//! replies to its own module ([`crate::screen::history`], …), they are joined here.

use std::path::PathBuf;

use stratigraph_engine::graph::Pending;

use crate::export;
use crate::job::{JobId, Lifetime, Slot};
use crate::screen::{ScreenRequest, branches, history, merge, recovery, tables};
use crate::writing::Mode;

/// Something to do outside the state.
#[expect(clippy::large_enum_variant, reason = "effects are few and short-lived")]
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start a job, or put it in the queue of its slot.
    Start(Start),
    /// Stop a job.
    Cancel(JobId),
    /// Hand text to the clipboard.
    Copy(String),
    /// Capture the mouse, or leave it to the terminal.
    CaptureMouse(bool),
    /// Watch the branch heads and the interrupted writes every this many seconds; 0 stops watching.
    WatchHeads(u64),
    /// Look at the branch heads and for interrupted writes now.
    CheckHeads,
    /// Clear the terminal and draw everything again.
    Redraw,
    /// Give the terminal back and stop the process until it is continued.
    Suspend,
    /// Cancel everything that runs and end the program.
    Quit,
}

/// A job to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Its number, given by [`crate::state::Context::read`] or [`crate::state::Context::work`].
    pub id: JobId,
    /// Where it belongs.
    pub slot: Slot,
    /// What leaving the screen and cancelling do to it.
    pub lifetime: Lifetime,
    /// What to do.
    pub request: Request,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Open the graph, in place of the handle there is.
    Open {
        /// Where it is.
        uri: String,
        /// For what.
        mode: Mode,
    },
    /// Find what opening the graph for writing would do first.
    LookAhead,
    /// Something for a screen.
    Screen(ScreenRequest),
    /// Write what a pane shows to a file.
    Export {
        /// The rows or the text.
        content: export::Content,
        /// Its form.
        format: export::Format,
        /// Where to write it.
        path: PathBuf,
        /// What to do with a file that is there already.
        existing: export::Existing,
    },
}

/// What a job delivers. A job may deliver many times.
#[derive(Debug)]
pub enum Reply {
    /// The graph is open.
    Opened(GraphInfo, Mode),
    /// What opening it for writing would do first.
    Pending(Box<Pending>),
    /// Something for the History screen.
    History(history::Reply),
    /// Something for the Branches screen.
    Branches(branches::Reply),
    /// Something for the Tables screen.
    Tables(tables::Reply),
    /// Something for the Merge screen.
    Merge(merge::Reply),
    /// Something for the Recovery screen.
    Recovery(recovery::Reply),
    /// The file is written.
    Exported(export::Written),
    /// A file of that name is there already; nothing was written.
    Exists(PathBuf),
}

/// Facts about the open graph that the frame shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphInfo {
    /// Last part of the location: `crm`.
    pub name: String,
    /// Location without secrets.
    pub uri: String,
    /// Internal schema version found in the manifest.
    pub stamp: u32,
}
