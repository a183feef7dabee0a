//! What can wake the loop.
//!
//! Every event is stamped with the moment it arrived ([`Now`]); nothing behind [`crate::update::handle`] reads a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};
use stratigraph_engine::{BranchHead, BranchName};

use crate::config::Config;
use crate::effect::Reply;
use crate::job::{JobId, JobUpdate};
use crate::message::Failure;

/// The moment at which an event arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, microseconds since 1970 UTC: shown to people, never used to measure.
    pub utc_micros: i64,
    /// Time since the program started: measures ages and lifetimes.
    pub elapsed: Duration,
}

/// Newest state of each branch, as one cheap look at storage found it.
pub type Heads = BTreeMap<BranchName, BranchHead>;

/// Returns whether a branch was deleted and made again between two looks: a number alone does not tell, because the new branch may
/// have as many versions. False if one of the looks did not find it.
#[must_use]
pub fn is_remade(before: &Heads, now: &Heads, branch: &BranchName) -> bool {
    let identity = |heads: &Heads| heads.get(branch).map(|head| head.identity.clone());
    identity(before).zip(identity(now)).is_some_and(|(before, now)| before != now)
}

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed or repeats.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// Time passed while something on screen depends on it.
    Tick,
    /// A job reports about itself.
    Job(JobId, JobUpdate),
    /// A job delivers (a part of) its result.
    Reply(JobId, Reply),
    /// The branch heads were looked at.
    Heads(Result<Heads, Failure>),
    /// The sidecars of interrupted writes, by their ids.
    Interrupted(Result<BTreeSet<String>, Failure>),
    /// The user's configuration file changed and was read again.
    Config(Result<Box<Config>, Failure>),
    /// Text was handed to the terminal's clipboard, or could not be.
    Copied(Result<usize, Failure>),
    /// The process was stopped and goes on.
    Resumed,
    /// The process is asked to end (`SIGTERM`, `SIGHUP`).
    Terminate,
}
