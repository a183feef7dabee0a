//! Why a recovery record could not be read, settled or moved.

use std::io;
use std::path::PathBuf;

use super::Recovered;
use crate::error::ErrorKind;

/// Why a sidecar or the audit could not be read, or a sidecar not be settled or moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// No sidecar whose operation id is or ends with the text.
    #[error("no sidecar `{text}`; pending are: {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    UnknownSidecar {
        /// The id asked for.
        text: String,
        /// The ids there are.
        known: Vec<String>,
    },
    /// Several sidecars' ids end with the text.
    #[error("`{text}` fits several sidecars ({}); give more of the id", .candidates.join(", "))]
    AmbiguousSidecar {
        /// The text asked for.
        text: String,
        /// The ids it fits.
        candidates: Vec<String>,
    },
    /// Sidecars block all writing until a person has looked at them.
    #[error("{}; {}", blocking(.refusals), way_out(.root, .refusals.iter().map(|refusal| refusal.id.as_str())))]
    Blocked {
        /// Root of the graph.
        root: String,
        /// The sidecars, each with what is the matter with it; never empty.
        refusals: Vec<Refusal>,
    },
    /// Sidecars wait for tables that cannot be read.
    #[error("{}", waiting(.refusals))]
    Waiting {
        /// The sidecars, each with what is the matter with it; never empty.
        refusals: Vec<Refusal>,
    },
    /// A table lost versions that the graph shows.
    #[error(
        "sidecar {id} cannot be settled: the head of {table_key} is version {head}, before version {pinned} that the graph shows, an invariant violation; refusing to act, operator review is needed: put the lost files back from a backup; {}", way_out(.root, [.id.as_str()])
    )]
    InvariantViolation {
        /// Root of the graph.
        root: String,
        /// Name of the sidecar's file without `.json`.
        id: String,
        /// The table.
        table_key: String,
        /// Version the branch pins.
        pinned: u64,
        /// Newest version of the lineage.
        head: u64,
    },
    /// What was observed is not what the plan was made for.
    #[error("sidecar {id} changed since the plan was made: {what}; make the plan again")]
    PlanOutdated {
        /// Name of the sidecar's file without `.json`.
        id: String,
        /// What is different.
        what: String,
    },
    /// Some interrupted writes were settled, then one could not be.
    #[error("{} of the interrupted writes {} settled, the rest is not", .done.len(), if .done.len() == 1 { "is" } else { "are" })]
    Incomplete {
        /// What was done.
        done: Vec<Recovered>,
        /// What is the matter with the others.
        #[source]
        source: Box<crate::Error>,
    },
    /// Another process writes to the graph, so nothing may be restored.
    #[error("another program is writing to this graph: recovery needs it alone; stop the other program or retry")]
    NotAlone,
    /// This process works on the operation.
    #[error("sidecar {id} belongs to a write of this program that is under way: wait for its end")]
    AtWork {
        /// Name of the sidecar's file without `.json`.
        id: String,
    },
    /// A sidecar is to be moved to where the graph is.
    #[error("{} is inside the graph: give a path outside of it", .path.display())]
    QuarantineInside {
        /// The path.
        path: PathBuf,
    },
    /// A sidecar could not be copied to where it is to be moved; it stays where it is.
    #[error("sidecar {id} stays where it is: it cannot be copied to {}{}", .path.display(), taken(.source))]
    Quarantine {
        /// Name of the sidecar's file without `.json`.
        id: String,
        /// Where it was to be moved.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The audit dataset lacks a column.
    #[error("the recovery audit has no usable column `{column}`")]
    AuditColumn {
        /// The column.
        column: &'static str,
    },
}

/// A sidecar that is not settled, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the file without `.json`.
    pub id: String,
    /// What is the matter with it.
    pub reason: String,
}

fn waiting(refusals: &[Refusal]) -> String {
    let each = |refusal: &Refusal| format!("__recovery/{}.json waits: {}", refusal.id, refusal.reason);
    let each: Vec<String> = refusals.iter().map(each).collect();
    format!("{}; writing elsewhere goes on", each.join("; "))
}

fn blocking(refusals: &[Refusal]) -> String {
    let each = |refusal: &Refusal| format!("__recovery/{}.json: {}", refusal.id, refusal.reason);
    match refusals {
        [one] => format!("__recovery/{}.json blocks writing: {}", one.id, one.reason),
        several => {
            let each: Vec<String> = several.iter().map(each).collect();
            format!("{} sidecars block writing: {}", several.len(), each.join("; "))
        }
    }
}

/// How files are taken out of the way whose writes nobody settles.
fn way_out<'i>(root: &str, ids: impl IntoIterator<Item = &'i str>) -> String {
    let command = |id: &str| format!("`stratigraph recovery quarantine {} {}`", quoted(root), quoted(id));
    let commands: Vec<String> = ids.into_iter().map(command).collect();
    let verb = if commands.len() == 1 { "moves it" } else { "move them" };
    format!("once you know what it was, {} {verb} out of the graph", commands.join(" and "))
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ':' | '=' | '@' | '+');
    let plain = !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain);
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The next step where a name is taken.
fn taken(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::AlreadyExists { "; give another file, or a folder" } else { "" }
}

impl RecoveryError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownSidecar { .. } => ErrorKind::NotFound,
            Self::AmbiguousSidecar { .. } | Self::QuarantineInside { .. } => ErrorKind::Invalid,
            // A name that is taken, or a folder that is not there: another path helps.
            Self::Quarantine { source, .. } => match source.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    ErrorKind::Invalid
                }
                _ => ErrorKind::Unavailable,
            },
            Self::AuditColumn { .. } | Self::InvariantViolation { .. } => ErrorKind::Corrupt,
            Self::Blocked { .. } | Self::Waiting { .. } => ErrorKind::RecoveryNeeded,
            Self::PlanOutdated { .. } | Self::NotAlone | Self::AtWork { .. } => ErrorKind::Conflict,
            Self::Incomplete { source, .. } => source.kind(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_blocks_is_told_by_file_reason_and_the_command_that_frees_it() {
        let refusal = |id: &str| Refusal { id: id.to_owned(), reason: "it cannot be read".to_owned() };
        let blocked = |ids: &[&str]| {
            let refusals = ids.iter().map(|id| refusal(id)).collect();
            RecoveryError::Blocked { root: "/data/my graph".to_owned(), refusals }.to_string()
        };
        assert_eq!(
            blocked(&["A"]),
            "__recovery/A.json blocks writing: it cannot be read; once you know what it was, \
             `stratigraph recovery quarantine '/data/my graph' A` moves it out of the graph"
        );
        let two = blocked(&["A", r"b\xff"]);
        assert!(
            two.starts_with("2 sidecars block writing: __recovery/A.json: it cannot be read; __recovery/b"),
            "{two}"
        );
        assert!(two.contains(r"recovery quarantine '/data/my graph' 'b\xff'` move them out"), "{two}");
    }

    #[test]
    fn words_reach_a_command_as_they_are() {
        for (word, expected) in
            [("/data/g", "/data/g"), ("a b", "'a b'"), ("a'b", r"'a'\''b'"), ("", "''"), ("-x", "'-x'")]
        {
            assert_eq!(quoted(word), expected);
        }
    }
}
