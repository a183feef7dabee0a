//! Positions in time: how one is written, and what it resolves to.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

use super::HistoryError;
use crate::id::{BranchName, CommitId, ManifestVersion};

/// A position as a person writes it. Parsing is lexical only; whether it exists is found when it is resolved.
///
/// | text | meaning |
/// |---|---|
/// | `main`, `feature/x` | head of a branch; if there is none of that name, the commit whose id ends so |
/// | `01M7Y2…RCKN`, `RCKN` | a commit, by its whole id or a unique end of it |
/// | `v7`, `feature/x@v7` | version 7 of a branch (main if none is named) |
/// | `2026-05-02T09:14:03Z`, `feature/x@2026-05-02` | the state at that time, UTC unless said otherwise |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The head of a branch, by name only.
    Branch(BranchName),
    /// A commit.
    Commit(CommitId),
    /// A branch name or the end of a commit id, whichever exists.
    Name(String),
    /// One version of a branch.
    Version {
        /// The branch.
        branch: BranchName,
        /// Its version.
        version: ManifestVersion,
    },
    /// The last commit of a branch at or before a time.
    Time {
        /// The branch.
        branch: BranchName,
        /// Microseconds since the epoch, UTC.
        micros: i64,
    },
}

/// What a position resolved to: one version of one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The branch whose manifest is read.
    pub branch: BranchName,
    /// Its version.
    pub version: ManifestVersion,
    /// The commit that published it; none if no commit row records it.
    pub commit: Option<CommitId>,
    /// Whether this is the newest version of the branch.
    pub is_head: bool,
}

impl FromStr for At {
    type Err = HistoryError;

    fn from_str(text: &str) -> Result<Self, HistoryError> {
        let trimmed = text.trim();
        let unknown = || HistoryError::Position { text: text.to_owned() };
        if let Some(micros) = parse_time(trimmed) {
            return Ok(Self::Time { branch: BranchName::main(), micros });
        }
        if let Some(version) = parse_version(trimmed) {
            return Ok(Self::Version { branch: BranchName::main(), version });
        }
        if let Some((branch, rest)) = trimmed.rsplit_once('@') {
            let branch = branch.parse().map_err(|_| unknown())?;
            return match (parse_version(rest), parse_time(rest)) {
                (Some(version), _) => Ok(Self::Version { branch, version }),
                (None, Some(micros)) => Ok(Self::Time { branch, micros }),
                (None, None) => Err(unknown()),
            };
        }
        if let Ok(id) = trimmed.parse() {
            return Ok(Self::Commit(id));
        }
        let name: BranchName = trimmed.parse().map_err(|_| unknown())?;
        Ok(if name.is_main() { Self::Branch(name) } else { Self::Name(trimmed.to_owned()) })
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name) => name.fmt(f),
            Self::Commit(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Version { branch, version } => write!(f, "{branch}@v{version}"),
            Self::Time { branch, micros } => write!(f, "{branch}@{}", time_text(*micros)),
        }
    }
}

/// A time as RFC 3339, UTC, microseconds only if there are any.
pub(crate) fn time_text(micros: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(micros)
        .map_or_else(|| format!("{micros} µs"), |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn parse_version(text: &str) -> Option<ManifestVersion> {
    text.strip_prefix('v').and_then(|number| number.parse().ok()).map(ManifestVersion::new)
}

/// RFC 3339; without a zone it is UTC; a day alone is its first instant.
fn parse_time(text: &str) -> Option<i64> {
    let zoned = DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros());
    let local = |format| NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc().timestamp_micros());
    let day = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
    };
    zoned.or_else(|| local("%Y-%m-%dT%H:%M:%S%.f")).or_else(|| local("%Y-%m-%d %H:%M:%S%.f")).or_else(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(name: &str) -> BranchName {
        name.parse().unwrap()
    }

    #[test]
    fn every_form_of_a_position_parses() {
        let version = ManifestVersion::new(7);
        let micros = 1_777_713_243_000_000;
        let cases = [
            ("main", At::Branch(BranchName::main())),
            ("01M7Y2AKA125T5VJJZZ1M5RCKN", At::Commit("01M7Y2AKA125T5VJJZZ1M5RCKN".parse().unwrap())),
            ("M5RCKN", At::Name("M5RCKN".into())),
            ("feature/hiring", At::Name("feature/hiring".into())),
            ("v7", At::Version { branch: BranchName::main(), version }),
            ("feature/hiring@v7", At::Version { branch: branch("feature/hiring"), version }),
            ("2026-05-02T09:14:03Z", At::Time { branch: BranchName::main(), micros }),
            ("2026-05-02T11:14:03+02:00", At::Time { branch: BranchName::main(), micros }),
            ("budget@2026-05-02 09:14:03", At::Time { branch: branch("budget"), micros }),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<At>().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_position_says_which_forms_there_are() {
        for bad in ["", "a b", "main@yesterday", "@v7", "main@v"] {
            let error = bad.parse::<At>().unwrap_err();
            assert!(matches!(&error, HistoryError::Position { text } if text == bad), "{bad}: {error}");
        }
    }

    #[test]
    fn positions_print_as_they_are_written() {
        for text in ["main", "M5RCKN", "feature/hiring@v7", "main@2026-05-02T09:14:03Z"] {
            assert_eq!(text.parse::<At>().unwrap().to_string(), text);
        }
    }
}
