//! What is wrong with the data of a load.

use std::fmt;

use crate::error::ErrorKind;

/// Problems that are told one by one; more are counted.
pub(super) const TOLD: usize = 100;

/// Where a record stands: the input and the number of the record in it, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) input: u32,
    pub(super) record: u64,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadProblem {
    /// Name of the input; empty for what is wrong with no single record.
    pub input: String,
    /// Number of the record, from 1.
    pub record: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for LoadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.input.is_empty() {
            return f.write_str(&self.reason);
        }
        write!(f, "{}, record {}: {}", self.input, self.record, self.reason)
    }
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The data breaks rules; nothing of it is stored.
    #[error("{}", told(.problems, *.more))]
    Problems {
        /// The first of them, in the order of the input.
        problems: Vec<LoadProblem>,
        /// How many there are besides.
        more: u64,
    },
    /// The accepted schema has a rule that this program cannot apply.
    #[error("the schema has a rule that cannot be applied: {reason}")]
    Rule {
        /// Which, and why.
        reason: String,
    },
    /// The system's folder for temporary files cannot be used.
    #[error("cannot make a temporary folder")]
    NoFolder {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The computation of the load ended abnormally.
    #[error("BUG: reading the data failed: {reason}")]
    Reading {
        /// What is known of it.
        reason: String,
    },
}

/// There is no room for temporary files.
pub(super) fn no_folder(error: std::io::Error) -> LoadError {
    LoadError::NoFolder { source: error }
}

fn told(problems: &[LoadProblem], more: u64) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let rest = if more > 0 { format!("\nand {more} more problems") } else { String::new() };
    format!("nothing was loaded:\n{}{rest}", lines.join("\n"))
}

impl LoadError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Problems { .. } => ErrorKind::Invalid,
            Self::Rule { .. } => ErrorKind::Conflict,
            Self::NoFolder { .. } => ErrorKind::Unavailable,
            Self::Reading { .. } => ErrorKind::Internal,
        }
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<(Option<Place>, String)>,
    count: u64,
}

impl Problems {
    pub(super) fn at(&mut self, place: Place, reason: impl Into<String>) {
        self.add(Some(place), reason.into());
    }

    pub(super) fn of_the_whole(&mut self, reason: impl Into<String>) {
        self.add(None, reason.into());
    }

    fn add(&mut self, place: Option<Place>, reason: String) {
        self.count += 1;
        if self.found.len() < TOLD {
            self.found.push((place, reason));
        }
    }

    /// # Errors
    /// [`LoadError::Problems`] if there are any.
    pub(super) fn check(&mut self, inputs: &[String]) -> Result<(), LoadError> {
        if self.count == 0 {
            return Ok(());
        }
        let more = self.count - self.found.len() as u64;
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|(place, _)| *place);
        let problem = |(place, reason): (Option<Place>, String)| LoadProblem {
            input: place.map(|place| inputs[place.input as usize].clone()).unwrap_or_default(),
            record: place.map_or(0, |place| place.record),
            reason,
        };
        Err(LoadError::Problems { problems: found.into_iter().map(problem).collect(), more })
    }
}
