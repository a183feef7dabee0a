//! What is wrong with the data of a load.

use std::fmt;

use crate::constraint::{Found, Place, Problems, Violation};
use crate::error::ErrorKind;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadProblem {
    /// Name of the input; empty for what is wrong with no single record.
    pub input: String,
    /// Number of the record, from 1; 0 for what is wrong with the input as a whole.
    pub record: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for LoadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.input.is_empty() {
            return f.write_str(&self.reason);
        }
        if self.record == 0 {
            return write!(f, "{}: {}", self.input, self.reason);
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
    /// The computation of the load ended abnormally.
    #[error("BUG: reading the data failed: {reason}")]
    Reading {
        /// What is known of it.
        reason: String,
    },
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
            Self::Reading { .. } => ErrorKind::Internal,
        }
    }
}

/// Refuses data in which something was found.
///
/// # Errors
/// [`LoadError::Problems`] if there was anything; `inputs` are the names of the inputs.
pub(super) fn refuse(problems: &mut Problems, inputs: &[String]) -> Result<(), LoadError> {
    let Some(Found { problems, more }) = problems.take() else { return Ok(()) };
    let problem = |(place, violation): (Option<Place>, Violation)| LoadProblem {
        input: place.map(|place| inputs[place.input as usize].clone()).unwrap_or_default(),
        record: place.map_or(0, |place| place.record),
        reason: violation.to_string(),
    };
    Err(LoadError::Problems { problems: problems.into_iter().map(problem).collect(), more })
}
