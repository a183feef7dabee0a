//! Which of our errors a Lance error is.

use std::sync::LazyLock;

use regex::Regex;

use super::fence::Stopped;
use crate::storage::StorageError;
use crate::storage::error::Cause;

/// Places in sources that messages of Lance carry: its own, and those that called it.
static SOURCE_PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r",? [^ ,:]+\.rs:\d+:\d+").expect("the expression is constant"));

/// What the system said, by its number.
static SYSTEM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\(os error (\d+)\)").expect("the expression is constant"));

/// What a library says when it may not have more memory, and when a store asks for patience.
const PATIENCE: [&str; 3] = ["Resources exhausted", "timed out", "Timeout"];

/// A Lance error as the cause of one of ours: its text, which includes that of its own causes.
pub(super) fn said(cause: &lance::Error) -> Cause {
    if let lance::Error::Wrapped { error, .. } = cause
        && let Some(stopped) = error.downcast_ref::<Stopped>()
    {
        return stopped.to_string().into();
    }
    without_places(&cause.to_string()).into()
}

/// With what the query engine begins to tell that it cannot compute a value.
const UNCOMPUTED: [&str; 7] = [
    "Cannot cast ",
    "Cast error: ",
    "Divide by zero",
    "Arithmetic overflow",
    "Parser error: Error parsing",
    "regex parse error:",
    "Regular expression did not compile",
];
/// With what a library ends the drawing of a wrong regular expression.
const DRAWN: &str = "\n~~~";
/// With what it tells that a regular expression, or the one that it makes of LIKE, is too large.
const TOO_LARGE: [&str; 2] =
    ["Regular expression did not compile: CompiledTooBig", "LIKE pattern: Compiled regex exceeds size limit"];

/// Why an expression could not be computed for some row, with which nothing needs to be the matter; none if it is another error.
pub(super) fn uncomputed(cause: &lance::Error) -> Option<String> {
    uncomputed_in(&cause.to_string())
}

/// As [`uncomputed`], of the text of an error.
pub(crate) fn uncomputed_in(text: &str) -> Option<String> {
    let text = without_places(text);
    if TOO_LARGE.iter().any(|said| text.contains(said)) {
        return Some("a pattern of LIKE or of a regular expression is too large: write a shorter one".to_owned());
    }
    let said = UNCOMPUTED.iter().find_map(|start| text.find(start)).map(|at| &text[at..])?;
    Some(said.split(DRAWN).next().unwrap_or_default().to_owned())
}

fn without_places(text: &str) -> String {
    SOURCE_PLACE.replace_all(text, "").into_owned()
}

/// Whether the error says that something does not exist.
pub(super) fn is_missing(cause: &lance::Error) -> bool {
    matches!(
        cause,
        lance::Error::DatasetNotFound { .. } | lance::Error::VersionNotFound { .. } | lance::Error::NotFound { .. }
    )
}

/// Why bytes could not be read, as far as the text of an error tells it: libraries pass on no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// The system refused, or was not quick enough.
    OutOfReach,
    /// There is no such file.
    Missing,
    /// They were read, and are wrong.
    Wrong,
}

impl Read {
    pub(super) fn of(text: &str) -> Self {
        // A place that cannot be in a file is refused by the system, too: as a wrong argument, or one that is too large.
        let (missing, wrong) = ([2, 20], [21, 22, 75]);
        let codes = SYSTEM.captures_iter(text).filter_map(|found| found[1].parse::<i32>().ok());
        let codes: Vec<i32> = codes.collect();
        if codes.iter().any(|code| !missing.contains(code) && !wrong.contains(code))
            || PATIENCE.iter().any(|word| text.contains(word))
        {
            Self::OutOfReach
        } else if codes.iter().any(|code| missing.contains(code)) || text.contains("ot found") {
            Self::Missing
        } else {
            Self::Wrong
        }
    }
}

/// An error met while reading a table.
pub(super) fn table_error(uri: &str, cause: lance::Error) -> StorageError {
    let path = uri.to_owned();
    match cause {
        cause @ (lance::Error::InvalidInput { .. }
        | lance::Error::SchemaMismatch { .. }
        | lance::Error::Schema { .. }
        | lance::Error::FieldNotFound { .. }
        | lance::Error::InvalidRef { .. }
        | lance::Error::RefNotFound { .. }) => StorageError::Request { path, source: said(&cause) },
        cause @ (lance::Error::CommitConflict { .. }
        | lance::Error::IncompatibleTransaction { .. }
        | lance::Error::RetryableCommitConflict { .. }
        | lance::Error::TooMuchWriteContention { .. }) => StorageError::Contended { path, source: said(&cause) },
        cause => {
            let corrupt = match &cause {
                lance::Error::CorruptFile { .. } | lance::Error::Arrow { .. } => true,
                lance::Error::Wrapped { error, .. } => error.is::<Stopped>(),
                _ => false,
            };
            StorageError::Table { path, corrupt, source: said(&cause) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_source_of_lance_are_dropped() {
        let text = "not found: a/b.manifest, /x/lance-io-14.0.2/src/local.rs:273:40: again, /x/y.rs:1:2";
        assert_eq!(without_places(text), "not found: a/b.manifest: again");
    }

    #[test]
    fn what_cannot_be_computed_is_told_without_who_said_it() {
        let said = |text: &str| uncomputed(&lance::Error::invalid_input(text.to_owned()));
        let cast = "Query Execution error: Arrow error: Cast error: Cannot cast string 'x' to value of Int32 type, /x/y.rs:1:2";
        assert_eq!(said(cast).as_deref(), Some("Cannot cast string 'x' to value of Int32 type"));
        assert_eq!(said("LanceError(Arrow): Divide by zero error").as_deref(), Some("Divide by zero error"));
        assert_eq!(said("a page cannot be decoded"), None);
        let syntax = "Compute error: Regular expression did not compile: Syntax(\n~~~~\nregex parse error:\n    (\n    ^\nerror: unclosed group\n~~~~\n), /x/y.rs:1:2";
        assert_eq!(said(syntax).as_deref(), Some("regex parse error:\n    (\n    ^\nerror: unclosed group"));
        for large in [
            "Regular expression did not compile: CompiledTooBig(1), /x/y.rs:1:2",
            "LIKE pattern: Compiled regex exceeds size limit of 1 bytes.",
        ] {
            let told = said(large).expect("it is about the pattern");
            assert!(told.starts_with("a pattern of LIKE") && !told.contains("/x/"), "{told}");
        }
    }

    #[test]
    fn what_the_system_refuses_is_not_taken_for_damage() {
        for (text, read) in [
            ("Permission denied (os error 13)", Read::OutOfReach),
            ("Too many open files (os error 24)", Read::OutOfReach),
            ("Resources exhausted: 192 MB", Read::OutOfReach),
            ("No such file or directory (os error 2)", Read::Missing),
            ("Not found: a/b.lance", Read::Missing),
            ("Invalid argument (os error 22)", Read::Wrong),
            ("failed to fill whole buffer", Read::Wrong),
        ] {
            assert_eq!(Read::of(text), read, "{text}");
        }
    }
}
