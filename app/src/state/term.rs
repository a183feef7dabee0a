//! Search and filter terms, per pane.

use std::collections::HashMap;

use crate::action::TermKind;
use crate::matcher::Matcher;
use crate::screen::{PaneId, ScreenId};

/// A term as it was typed, compiled where it is text (a filter that the engine runs is not).
#[derive(Debug, Clone)]
pub struct Term {
    /// What was typed.
    pub text: String,
    /// The compiled term; `None` while it is not valid or means nothing here.
    pub matcher: Option<Matcher>,
}

/// How many of how many: `3 of 41`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Position among the matches (search, from 1; 0 = on none) or number of rows left (filter).
    pub this: usize,
    /// Number of matches (search) or of all rows (filter).
    pub of: usize,
}

/// All terms in force.
#[derive(Debug, Default)]
pub struct Terms {
    now: HashMap<(ScreenId, PaneId, TermKind), Term>,
    /// The last term of a kind, kept to be edited again.
    last: HashMap<TermKind, String>,
}

impl Terms {
    /// The term in force in a pane.
    #[must_use]
    pub fn of(&self, screen: ScreenId, pane: PaneId, kind: TermKind) -> Option<&Term> {
        self.now.get(&(screen, pane, kind))
    }

    /// Its matcher, if there is a valid term.
    #[must_use]
    pub fn matcher(&self, screen: ScreenId, pane: PaneId, kind: TermKind) -> Option<&Matcher> {
        self.of(screen, pane, kind)?.matcher.as_ref()
    }

    /// Puts a term in force; an empty one is dropped.
    pub fn put(&mut self, screen: ScreenId, pane: PaneId, kind: TermKind, text: &str) {
        if text.is_empty() {
            self.now.remove(&(screen, pane, kind));
        } else {
            let matcher = Matcher::new(text).ok().flatten();
            self.now.insert((screen, pane, kind), Term { text: text.to_owned(), matcher });
            self.last.insert(kind, text.to_owned());
        }
    }

    /// Drops a term. True if there was one.
    pub fn drop_term(&mut self, screen: ScreenId, pane: PaneId, kind: TermKind) -> bool {
        self.now.remove(&(screen, pane, kind)).is_some()
    }

    /// The last text of a kind, anywhere.
    #[must_use]
    pub fn last(&self, kind: TermKind) -> Option<&str> {
        self.last.get(&kind).map(String::as_str)
    }
}
