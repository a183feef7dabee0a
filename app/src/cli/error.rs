//! What can go wrong in a command, how it is said, and which exit code it gives.

use std::borrow::Cow;
use std::io::{self, Write};

use stratigraph_engine::history::HistoryError;
use stratigraph_engine::{BranchName, Error, ErrorKind, ManifestVersion, TableKey};
use stratigraph_widgets::width::escape;

use super::demo::DemoError;
use super::words::{meant, meant_table};
use crate::message::chain;

/// Exit codes and what they mean, for the help and the manual page; [`exit_code`] gives them.
pub(super) const EXIT_CODES: [(&str, &str); 9] = [
    ("0", "done"),
    ("1", "internal: a defect of this program"),
    ("2", "invalid: the request is wrong, or a merge has conflicts that nothing decides"),
    ("3", "not found: no such graph, branch, commit, table, row or file"),
    ("4", "conflict: the graph's state does not allow it"),
    ("5", "recovery needed: an interrupted write must be recovered first"),
    ("6", "unavailable: storage or terminal cannot be reached"),
    ("7", "corrupt: what is stored breaks the format"),
    ("130", "cancelled"),
];

/// Returns the section of the help that lists the exit codes.
pub(super) fn exit_codes_help() -> String {
    EXIT_CODES.iter().fold("Exit codes:".to_owned(), |help, (code, meaning)| help + &format!("\n  {code:<4} {meaning}"))
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The answer could not be written.
    #[error("cannot write the answer")]
    Output(#[from] io::Error),
    /// The first word is neither a command nor the place of a graph.
    #[error("no command `{word}`{}", near.as_ref().map_or(", and no such folder".to_owned(), |near| format!("; did you mean `{near}`?")))]
    UnknownCommand {
        /// The word.
        word: String,
        /// The command that was probably meant.
        near: Option<String>,
    },
    /// JSON was asked for, and another format as well.
    #[error("--json prints JSON lines and cannot go with --format {format}: leave one of them out")]
    TwoFormats {
        /// The other format.
        format: String,
    },
    /// The position is a version that no commit published.
    #[error("{branch}@v{version} was published by no commit; `tables --at {branch}@v{version}` shows what it holds")]
    NoCommit {
        /// The branch.
        branch: BranchName,
        /// The version.
        version: ManifestVersion,
    },
    /// The text after `--since` is no time.
    #[error(
        "`{text}` is not a time: give 2026-05-02T09:14:03Z, 2026-05-02, or how long ago, like 90s, 15m, 3h, 2d, 1w"
    )]
    Time {
        /// What was given.
        text: String,
    },
    /// A column was asked for twice.
    #[error("column `{column}` is asked for twice: name each column once")]
    RepeatedColumn {
        /// Its name.
        column: String,
    },
    /// There is nothing after `--where`.
    #[error("the condition after --where is empty: give one like \"age > 30\", or leave --where out")]
    EmptyCondition,
    /// No commit of the branch ever held the row.
    #[error("no commit of branch {branch} has a row `{id}` in {table}")]
    UnknownRow {
        /// Id of the row.
        id: String,
        /// The table looked at.
        table: TableKey,
        /// The branch followed.
        branch: BranchName,
    },
    /// A file that was named cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The schema of a new graph has a mistake.
    #[error("cannot read the schema in {file}: {rendered}")]
    SchemaSource {
        /// The file.
        file: String,
        /// The mistake with its line and a caret under its column.
        rendered: String,
    },
    /// The text of a query or of decisions has a mistake.
    #[error("cannot read {origin}: {rendered}")]
    QueryText {
        /// Where the text is.
        origin: String,
        /// The mistake with its line and a caret under its column.
        rendered: String,
    },
    /// What follows `--params` are no parameters.
    #[error("--params takes a JSON object like {{\"name\": \"Ada\"}}: {reason}")]
    Params {
        /// Why it is none.
        reason: String,
    },
    /// A preview said which conflicts are open.
    #[error("conflicts are open")]
    OpenConflicts,
    /// A merge has conflicts that nothing decides.
    #[error("nothing was merged: {}", open_conflicts(*open))]
    NotMerged {
        /// How many.
        open: usize,
        /// What decides them.
        how: String,
    },
    /// A file could not be written.
    #[error("cannot write {path}")]
    Unwritten {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The branch that was merged got more commits.
    #[error("branch {branch} got commits after it was merged, so it is not deleted: merge it again")]
    SourceMoved {
        /// The branch.
        branch: BranchName,
    },
    /// Standard input was named twice.
    #[error("- is named twice after --data: standard input can be read once only")]
    RepeatedInput,
    /// A question that only a person may answer, and no terminal.
    #[error("there is no terminal to ask on: {question} If so, repeat this with --yes")]
    NobodyToAsk {
        /// What would have been asked.
        question: String,
    },
    /// The user said no.
    #[error("nothing was changed")]
    Declined,
    /// The workbench could not start or stopped.
    #[error(transparent)]
    Workbench(Box<dyn std::error::Error + Send + Sync>),
    /// The sample graph has no place.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The user interrupted the command.
    #[error("interrupted")]
    Interrupted,
    /// A task or library panicked.
    #[error("the command stopped because of a defect{}", said.as_ref().map_or_else(String::new, |said| format!(": {said}")))]
    Panicked {
        /// Its message, unless that was printed already.
        said: Option<String>,
    },
}

impl CliError {
    /// What the user can do about it.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Engine(error) => error.kind(),
            Self::Output(_) | Self::Workbench(_) => ErrorKind::Unavailable,
            Self::UnknownCommand { .. }
            | Self::TwoFormats { .. }
            | Self::Time { .. }
            | Self::RepeatedColumn { .. }
            | Self::EmptyCondition
            | Self::SchemaSource { .. }
            | Self::QueryText { .. }
            | Self::Params { .. }
            | Self::OpenConflicts
            | Self::NotMerged { .. }
            | Self::RepeatedInput
            | Self::NobodyToAsk { .. } => ErrorKind::Invalid,
            Self::SourceMoved { .. } => ErrorKind::Conflict,
            Self::NoCommit { .. } | Self::UnknownRow { .. } => ErrorKind::NotFound,
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::File { .. } | Self::Unwritten { .. } => ErrorKind::Unavailable,
            Self::Demo(error) => error.kind(),
            Self::Interrupted | Self::Declined => ErrorKind::Cancelled,
            Self::Panicked { .. } => ErrorKind::Internal,
        }
    }

    /// What to try next; none where the message says it already.
    fn next_step(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Engine(Error::History(HistoryError::UnknownTable { name, known, .. })) => {
                meant_table(name, known).map(|near| format!("did you mean {near}?").into())
            }
            Self::Engine(Error::History(
                HistoryError::UnknownBranch { name, known } | HistoryError::UnknownName { name, known },
            )) => meant(name, known.iter().map(String::as_str)).map(|near| format!("did you mean {near}?").into()),
            Self::Engine(error) if is_forbidden(error) => Some(
                "check that you may write there: who owns the folder, and whether its file system is read-only".into(),
            ),
            Self::Engine(error) => next_step(error.kind()).map(Cow::from),
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => Some("check the path".into()),
            Self::File { .. } => Some("give a file that can be read".into()),
            Self::Unwritten { .. } => Some("give a place that you may write to".into()),
            Self::UnknownCommand { near: None, .. } => Some("`stratigraph --help` lists the commands".into()),
            Self::Panicked { .. } => next_step(ErrorKind::Internal).map(Cow::from),
            Self::NotMerged { how, .. } => Some(how.clone().into()),
            Self::Output(_)
            | Self::UnknownCommand { near: Some(_), .. }
            | Self::TwoFormats { .. }
            | Self::NoCommit { .. }
            | Self::Time { .. }
            | Self::RepeatedColumn { .. }
            | Self::EmptyCondition
            | Self::UnknownRow { .. }
            | Self::SchemaSource { .. }
            | Self::QueryText { .. }
            | Self::Params { .. }
            | Self::OpenConflicts
            | Self::SourceMoved { .. }
            | Self::RepeatedInput
            | Self::NobodyToAsk { .. }
            | Self::Declined
            | Self::Workbench(_)
            | Self::Demo(_)
            | Self::Interrupted => None,
        }
    }

    /// Whether the answer said it already, so that only the exit code is left.
    pub(super) fn is_said(&self) -> bool {
        matches!(self, Self::OpenConflicts)
    }

    /// Whether the reader of the output went away, which is no failure (`| head`).
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Whether the system refused it. Storage below us passes on the system's words alone.
fn is_forbidden(error: &Error) -> bool {
    let words = ["(os error 13)", "(os error 30)"];
    chain(error).iter().any(|message| words.iter().any(|word| message.contains(word)))
}

fn open_conflicts(open: usize) -> String {
    if open == 1 { "1 conflict is open".to_owned() } else { format!("{open} conflicts are open") }
}

/// The exit code of a kind of error.
pub(crate) fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Invalid => 2,
        ErrorKind::NotFound => 3,
        ErrorKind::Conflict => 4,
        ErrorKind::RecoveryNeeded => 5,
        ErrorKind::Unavailable => 6,
        ErrorKind::Corrupt => 7,
        ErrorKind::Cancelled => 130,
        // Internal; kinds added later are defects here until they get a code.
        _ => 1,
    }
}

fn next_step(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::RecoveryNeeded => {
            Some("`stratigraph recovery plan URI` shows the interrupted writes and what can be done")
        }
        ErrorKind::Unavailable => Some("check that it can be reached, then try again"),
        ErrorKind::Corrupt => Some("keep a copy of the graph as it is and have it looked at"),
        ErrorKind::Internal => Some("please report this with the command you ran"),
        _ => None,
    }
}

/// Prints an error with its causes and a next step to standard error.
pub(super) fn report(error: &CliError) {
    let mut lines: Vec<String> = Vec::new();
    for message in chain(error) {
        let label = if lines.is_empty() { "error" } else { "  caused by" };
        lines.push(format!("{label}: {}", printable(&message)));
    }
    if let Some(step) = error.next_step() {
        lines.push(format!("  next: {step}"));
    }
    to_stderr(&lines);
}

/// Prints a remark that does not belong to the answer to standard error.
pub(super) fn note(text: &str) {
    to_stderr(&[format!("note: {}", printable(text))]);
}

/// Several lines stay several lines, below the first one.
fn printable(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().map(escape).collect();
    lines.join("\n    ")
}

fn to_stderr(lines: &[String]) {
    let text = lines.join("\n") + "\n";
    // Nobody is left to be told when standard error is closed.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_is_in_the_help() {
        use ErrorKind::{Cancelled, Conflict, Corrupt, Internal, Invalid, NotFound, RecoveryNeeded, Unavailable};
        for kind in [Invalid, NotFound, Conflict, RecoveryNeeded, Unavailable, Corrupt, Cancelled, Internal] {
            let name = format!("{kind:?}").to_lowercase();
            let is_meant = |meaning: &str| meaning.split(':').next().unwrap_or_default().replace(' ', "") == name;
            let (code, _) = EXIT_CODES.iter().find(|(_, meaning)| is_meant(meaning)).expect("it is listed");
            assert_eq!(*code, exit_code(kind).to_string(), "{name}");
        }
    }

    #[test]
    fn what_the_system_forbids_is_not_a_matter_of_reaching_it() {
        let step = |code| {
            let source = io::Error::from_raw_os_error(code);
            let error = stratigraph_engine::storage::StorageError::MakeRoot { path: "graph".to_owned(), source };
            CliError::from(Error::from(error)).next_step().map(Cow::into_owned).unwrap_or_default()
        };
        for (code, expected) in
            [(13, "check that you may write"), (30, "check that you may write"), (5, "check that it can be")]
        {
            assert!(step(code).starts_with(expected), "{code}: {}", step(code));
        }
    }

    #[test]
    fn messages_cannot_speak_to_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\nb\n"), "a\\u{1b}[2J\n    b");
    }
}
