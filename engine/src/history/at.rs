//! Positions in time: how one is written, and what it resolves to.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

use super::HistoryError;
use crate::clock::has_whole_year;
use crate::id::{BranchName, CommitId, ManifestVersion};

/// A position as a person writes it. Parsing is lexical only; whether it exists is found when it is resolved.
///
/// | text | meaning |
/// |---|---|
/// | `main`, `feature/x` | head of a branch; if there is none of that name, what the other rows say |
/// | `01M7Y2…RCKN`, `RCKN` | a commit, by its whole id or a unique end of it |
/// | `v7`, `feature/x@v7` | version 7 of a branch (main if none is named) |
/// | `2026-05-02T09:14:03Z`, `feature/x@2026-05-02` | the state at that time, UTC unless said otherwise |
///
/// A branch may be called `v7` or `2026-05-02`: an existing branch wins, and `main@v7` is always the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The head of a branch, by name only.
    Branch(BranchName),
    /// A commit.
    Commit(CommitId),
    /// What could name a branch: that branch if it exists, else what [`At::unless_branch`] makes of it.
    Name {
        /// The text.
        name: String,
        /// Branch whose version or time the name means if it is one.
        on: BranchName,
    },
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
        match trimmed.parse::<BranchName>() {
            Ok(name) if name.is_main() => Ok(Self::Branch(name)),
            Ok(_) => Ok(Self::Name { name: trimmed.to_owned(), on: BranchName::main() }),
            Err(_) => {
                parse_time(trimmed).map(|micros| Self::Time { branch: BranchName::main(), micros }).ok_or_else(unknown)
            }
        }
    }
}

impl At {
    /// The same position to someone who reads `branch`: versions and times that name no branch are this branch's.
    ///
    /// # Errors
    /// [`HistoryError::Position`] if the text is no position.
    pub fn parse_on(text: &str, branch: &BranchName) -> Result<Self, HistoryError> {
        let on = branch.clone();
        Ok(match text.parse()? {
            Self::Name { name, .. } => Self::Name { name, on },
            Self::Time { micros, .. } if !text.contains('@') => Self::Time { branch: on, micros },
            other => other,
        })
    }

    /// What a name means where no branch is called so: a version or a time of `on`; none if only a commit id can end so.
    #[must_use]
    pub fn unless_branch(name: &str, on: &BranchName) -> Option<Self> {
        let version = parse_version(name).map(|version| Self::Version { branch: on.clone(), version });
        version.or_else(|| parse_time(name).map(|micros| Self::Time { branch: on.clone(), micros }))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name) => name.fmt(f),
            Self::Commit(id) => id.fmt(f),
            Self::Name { name, on } if !on.is_main() && Self::unless_branch(name, on).is_some() => {
                write!(f, "{name} (a branch, or else of {on})")
            }
            Self::Name { name, .. } => f.write_str(name),
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

/// A time as a person writes it, microseconds since the epoch: RFC 3339; without a zone it is UTC; a day alone is its first
/// instant.
#[must_use]
pub fn parse_time(text: &str) -> Option<i64> {
    if !has_whole_year(text) {
        return None;
    }
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
        let name = |name: &str| At::Name { name: name.into(), on: BranchName::main() };
        let version = ManifestVersion::new(7);
        let micros = 1_777_713_243_000_000;
        let cases = [
            ("main", At::Branch(BranchName::main())),
            ("01M7Y2AKA125T5VJJZZ1M5RCKN", At::Commit("01M7Y2AKA125T5VJJZZ1M5RCKN".parse().unwrap())),
            ("M5RCKN", name("M5RCKN")),
            ("feature/hiring", name("feature/hiring")),
            ("v7", name("v7")),
            ("2026-05-02", name("2026-05-02")),
            ("main@v7", At::Version { branch: BranchName::main(), version }),
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
    fn a_name_that_is_no_branch_is_a_version_or_a_time_of_the_branch_being_read() {
        let on = branch("feature/hiring");
        let version = ManifestVersion::new(7);
        assert_eq!(At::parse_on("v7", &on).unwrap(), At::Name { name: "v7".into(), on: on.clone() });
        assert_eq!(At::unless_branch("v7", &on), Some(At::Version { branch: on.clone(), version }));
        let midnight = At::Time { branch: on.clone(), micros: 1_777_680_000_000_000 };
        assert_eq!(At::unless_branch("2026-05-02", &on), Some(midnight.clone()));
        assert_eq!(At::parse_on("2026-05-02T00:00:00Z", &on).unwrap(), midnight);
        assert_eq!(At::unless_branch("M5RCKN", &on), None);
        let main = At::Version { branch: BranchName::main(), version };
        assert_eq!(At::parse_on("main@v7", &on).unwrap(), main, "a branch that is named stays");
    }

    #[test]
    fn what_is_no_position_says_which_forms_there_are() {
        for bad in ["", "a b", "main@yesterday", "main@24-01-01", "main@24-01-01T00:00:00", "@v7", "main@v"] {
            let error = bad.parse::<At>().unwrap_err();
            assert!(matches!(&error, HistoryError::Position { text } if text == bad), "{bad}: {error}");
        }
    }

    #[test]
    fn positions_print_as_they_are_written() {
        for text in ["main", "M5RCKN", "v7", "feature/hiring@v7", "main@2026-05-02T09:14:03Z"] {
            assert_eq!(text.parse::<At>().unwrap().to_string(), text);
        }
        let relative = At::parse_on("v7", &branch("feature/hiring")).unwrap();
        assert_eq!(relative.to_string(), "v7 (a branch, or else of feature/hiring)");
    }
}
