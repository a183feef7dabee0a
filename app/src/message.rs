//! Errors as people read them, toasts, and the history of messages.
//!
//! This is the one place where an error becomes text: what failed, its causes, and the next step, which depends on the
//! [`ErrorKind`] and never on the text of the error.

mod chain;

pub use chain::chain;

use std::time::Duration;

use stratigraph_engine::{Error, ErrorKind};

use crate::event::Now;

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something went as asked.
    Info,
    /// Something deserves a look.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    /// How long a toast stays; `None` until it is dismissed.
    #[must_use]
    pub fn lifetime(self) -> Option<Duration> {
        match self {
            Self::Info => Some(Duration::from_secs(5)),
            Self::Warning => Some(Duration::from_secs(10)),
            Self::Error => None,
        }
    }
}

/// An error reduced to what is shown and acted on: its kind and the messages of its chain, outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What can be done about it.
    pub kind: ErrorKind,
    /// The message and its causes; never empty.
    pub chain: Vec<String>,
}

impl Failure {
    /// A failure with a single message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, chain: vec![message.into()] }
    }

    /// The failure that `error` and its sources are. Messages that a source repeats are listed once.
    #[must_use]
    pub fn of(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { kind, chain: chain(error) }
    }

    /// The same failure, named by what was being done.
    #[must_use]
    pub fn during(mut self, what: impl Into<String>) -> Self {
        self.chain.insert(0, what.into());
        self
    }

    /// The same failure with one more cause at the end.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.chain.push(cause.into());
        self
    }

    /// The outermost message.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.chain.first().map_or("unknown failure", String::as_str)
    }

    /// Message, causes and next step in one line: `cannot open crm: no manifest (check the name …)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let chain = self.chain.join(": ");
        next_step(self.kind).map_or(chain.clone(), |step| format!("{chain} ({step})"))
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::of(error.kind(), error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// What the user can do about an error of this kind; `None` where there is nothing to do.
#[must_use]
pub fn next_step(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::NotFound => Some("press r to look again"),
        ErrorKind::Invalid => Some("change the request"),
        ErrorKind::Conflict => Some("press r to see the present state, then try again"),
        ErrorKind::RecoveryNeeded => Some("an interrupted write must be recovered first"),
        ErrorKind::Unavailable => Some("check the storage, then press r to try again"),
        ErrorKind::Corrupt => Some("keep a copy of the graph and have it looked at"),
        ErrorKind::Cancelled => None,
        ErrorKind::Internal => Some("this is a defect, please report it with the log file"),
        _ => Some("see the message history (!)"),
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When it was said.
    pub at: Now,
    /// How much it matters.
    pub level: Level,
    /// The thing and what happened to it.
    pub text: String,
    /// Causes, outermost first.
    pub causes: Vec<String>,
    /// What to do next.
    pub next: Option<&'static str>,
}

impl Message {
    fn of(at: Now, failure: &Failure) -> Self {
        let level = if failure.kind == ErrorKind::Cancelled { Level::Info } else { Level::Error };
        let mut chain = failure.chain.iter().cloned();
        let text = chain.next().unwrap_or_default();
        Self { at, level, text, causes: chain.collect(), next: next_step(failure.kind) }
    }
}

/// All messages of this run and those of them shown as toasts.
#[derive(Debug, Default)]
pub struct Messages {
    all: Vec<Message>,
    /// Indices into `all`, oldest first, at most [`Messages::TOASTS`].
    toasts: Vec<usize>,
}

impl Messages {
    /// Most toasts on screen at once.
    pub const TOASTS: usize = 3;
    /// Messages kept in the history.
    const KEPT: usize = 1000;

    /// Says something: it appears as a toast and stays in the history.
    pub fn say(&mut self, at: Now, level: Level, text: impl Into<String>) {
        self.push(Message { at, level, text: text.into(), causes: Vec::new(), next: None });
    }

    /// Reports a failure with its causes and next step.
    pub fn fail(&mut self, at: Now, failure: &Failure) {
        self.push(Message::of(at, failure));
    }

    /// Keeps a failure in the history alone: it is on screen where it belongs.
    pub fn record(&mut self, at: Now, failure: &Failure) {
        self.keep(Message::of(at, failure));
    }

    fn push(&mut self, message: Message) {
        self.keep(message);
        self.toasts.push(self.all.len() - 1);
        if self.toasts.len() > Self::TOASTS {
            // The least important goes first, the oldest among equals, so that errors are not pushed out by chatter.
            let least = (0..self.toasts.len() - 1).min_by_key(|slot| self.all[self.toasts[*slot]].level);
            self.toasts.remove(least.unwrap_or(0));
        }
    }

    fn keep(&mut self, message: Message) {
        if self.all.len() == Self::KEPT {
            self.all.remove(0);
            self.toasts = self.toasts.iter().filter_map(|index| index.checked_sub(1)).collect();
        }
        self.all.push(message);
    }

    /// Drops toasts whose lifetime is over. True if any was.
    pub fn expire(&mut self, now: Now) -> bool {
        let before = self.toasts.len();
        let all = &self.all;
        self.toasts.retain(|index| {
            let message = &all[*index];
            message.level.lifetime().is_none_or(|life| now.elapsed.saturating_sub(message.at.elapsed) < life)
        });
        before != self.toasts.len()
    }

    /// Takes a toast off the screen whose words are true no more; it stays in the history.
    pub fn take_back(&mut self, text: &str) {
        let all = &self.all;
        self.toasts.retain(|index| all[*index].text != text);
    }

    /// Takes all toasts off the screen. True if there were any.
    pub fn dismiss(&mut self) -> bool {
        !std::mem::take(&mut self.toasts).is_empty()
    }

    /// Toasts on screen, oldest first.
    pub fn toasts(&self) -> impl Iterator<Item = &Message> {
        self.toasts.iter().map(|index| &self.all[*index])
    }

    /// Whether a toast will end by itself.
    #[must_use]
    pub fn fading(&self) -> bool {
        self.toasts().any(|toast| toast.level.lifetime().is_some())
    }

    /// All messages, newest first.
    pub fn history(&self) -> impl Iterator<Item = &Message> {
        self.all.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now { utc_micros: 0, elapsed: Duration::from_secs(seconds) }
    }

    #[test]
    fn information_fades_after_five_seconds_and_errors_stay() {
        let mut messages = Messages::default();
        messages.say(at(0), Level::Info, "copied");
        messages.say(at(0), Level::Warning, "old file");
        messages.fail(at(0), &Failure::new(ErrorKind::NotFound, "no such table"));
        assert!(!messages.expire(at(4)));
        assert!(messages.expire(at(5)));
        assert_eq!(messages.toasts().count(), 2);
        assert!(messages.expire(at(10)));
        assert_eq!(messages.toasts().map(|toast| toast.text.as_str()).collect::<Vec<_>>(), ["no such table"]);
        assert!(!messages.expire(at(9999)));
        assert_eq!(messages.history().count(), 3);
    }

    #[test]
    fn three_toasts_at_most_and_errors_outlive_chatter() {
        let mut messages = Messages::default();
        messages.fail(at(0), &Failure::new(ErrorKind::Corrupt, "broken"));
        for text in ["a", "b", "c", "d"] {
            messages.say(at(1), Level::Info, text);
        }
        assert_eq!(messages.toasts().map(|toast| toast.text.as_str()).collect::<Vec<_>>(), ["broken", "c", "d"]);
        assert!(messages.dismiss());
        assert!(!messages.dismiss());
        assert_eq!(messages.history().count(), 5);
    }

    #[test]
    fn a_failure_keeps_its_chain_without_repetition() {
        #[derive(Debug, thiserror::Error)]
        #[error("disk is full")]
        struct Cause;
        #[derive(Debug, thiserror::Error)]
        #[error("cannot write file")]
        struct Middle(#[source] Cause);
        #[derive(Debug, thiserror::Error)]
        #[error(transparent)]
        struct Outer(Middle);
        let failure = Failure::of(ErrorKind::Unavailable, &Outer(Middle(Cause)));
        assert_eq!(failure.chain, ["cannot write file", "disk is full"]);
        assert!(failure.sentence().starts_with("cannot write file: disk is full (check the storage"));
    }
}
