//! The filter of the commit list: words that a commit must all fit.
//!
//! | word | fits commits |
//! |---|---|
//! | `branch:x` | that a branch with `x` in its name published; with a `*` in `x`, one whose whole name fits (`branch:agent/*`) |
//! | `table:x` | that changed a table with `x` in `node:Type` or `edge:Type` |
//! | `actor:x` | by an actor with `x` in the name |
//! | `kind:merge` | of this kind: `merge`, `change`, `recovery`, `empty`, `first` (a beginning is enough) |
//! | `since:x`, `until:x` | made at or after, at or before: `30m`, `2h`, `2d`, `3w` ago, a day, or an RFC 3339 time |
//! | `id:x` | whose id ends with `x` |
//! | other words, taken together | with this text in summary, actor, labels or id; with a `*`, also those whose branch or label fits |
//!
//! Each `x` is a term as in search: smart case, `/re/` for expressions; `!` in front of the word or of `x` inverts.

use stratigraph_engine::history::parse_time;
use stratigraph_engine::{Commit, CommitId};

use super::log::CommitLog;
use crate::matcher::Matcher;
use crate::summary::{Summaries, Summary};

/// The words, for hints.
pub(super) const WORDS: &str = "branch: table: actor: kind: since: until: id: or text";

/// Which side of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Since,
    Until,
}

/// One condition.
#[derive(Debug, Clone)]
enum Test {
    Branch(Matcher),
    Table(Matcher),
    Actor(Matcher),
    Kind(String),
    Time(Bound, i64),
    Id(String),
    Text(Matcher),
}

/// A compiled filter: all conditions must hold, each as it is or inverted.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    tests: Vec<(bool, Test)>,
    /// What was not understood, to be shown; such words do not hide anything.
    problems: Vec<String>,
}

impl Filter {
    /// Compiles a text. Times ago are counted from `now_micros`.
    #[must_use]
    pub(super) fn new(text: &str, now_micros: i64) -> Self {
        let mut filter = Self::default();
        let mut rest: Vec<&str> = Vec::new();
        for word in text.split_whitespace() {
            let (inverted, bare) = word.strip_prefix('!').map_or((false, word), |bare| (true, bare));
            match bare.split_once(':') {
                Some((key, value)) if is_key(key) => filter.word(inverted, key, value, now_micros),
                Some(_) | None => rest.push(word),
            }
        }
        match Matcher::new(&rest.join(" ")) {
            Ok(Some(matcher)) => filter.tests.push((false, Test::Text(matcher))),
            Ok(None) => {}
            Err(error) => filter.problems.push(error.to_string()),
        }
        filter
    }

    fn word(&mut self, inverted: bool, key: &str, value: &str, now_micros: i64) {
        if value.is_empty() || value == "!" {
            return;
        }
        match test(key, value, now_micros) {
            Ok(Some(test)) => self.tests.push((inverted, test)),
            Ok(None) => {}
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Whether every commit fits.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// What was not understood.
    #[must_use]
    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Whether a commit fits.
    #[must_use]
    pub(super) fn accepts(&self, log: &CommitLog, summaries: &Summaries<'_>, commit: &Commit) -> bool {
        self.tests.iter().all(|(inverted, test)| holds(test, log, summaries, commit) != *inverted)
    }
}

fn is_key(key: &str) -> bool {
    matches!(key, "branch" | "table" | "actor" | "kind" | "since" | "until" | "id")
}

fn test(key: &str, value: &str, now_micros: i64) -> Result<Option<Test>, String> {
    let matcher = || Matcher::new(value).map_err(|error| error.to_string());
    Ok(match key {
        "branch" => matcher()?.map(Test::Branch),
        "table" => matcher()?.map(Test::Table),
        "actor" => matcher()?.map(Test::Actor),
        "kind" if KINDS.iter().any(|kind| kind.starts_with(value)) => Some(Test::Kind(value.to_owned())),
        "kind" => return Err(format!("kind:{value}: the kinds are {}", KINDS.join(", "))),
        "id" => Some(Test::Id(value.to_ascii_uppercase())),
        _ => {
            let bound = if key == "since" { Bound::Since } else { Bound::Until };
            let time = time(value, now_micros);
            let time =
                time.ok_or_else(|| format!("{key}:{value}: write 30m, 2h, 2d, 3w, a day or an RFC 3339 time"))?;
            Some(Test::Time(bound, time))
        }
    })
}

/// A time ago (`2d`) or a time, microseconds UTC.
fn time(text: &str, now_micros: i64) -> Option<i64> {
    if let Some(micros) = parse_time(text) {
        return Some(micros);
    }
    let unit = text.chars().last()?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().ok().filter(|number| *number >= 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    Some(now_micros.saturating_sub(number.saturating_mul(seconds).saturating_mul(1_000_000)))
}

const KINDS: [&str; 5] = ["merge", "change", "recovery", "empty", "first"];

/// The kind of a commit; none while it is not known.
fn kind(summary: &Summary) -> Option<&'static str> {
    match summary {
        Summary::Merge { .. } => Some("merge"),
        Summary::Tables(_) => Some("change"),
        Summary::Recovery(_) => Some("recovery"),
        Summary::Nothing => Some("empty"),
        Summary::Created => Some("first"),
        Summary::Unknown => None,
    }
}

fn holds(test: &Test, log: &CommitLog, summaries: &Summaries<'_>, commit: &Commit) -> bool {
    match test {
        Test::Branch(matcher) => matcher.accepts_name(commit.branch.as_str()),
        Test::Table(matcher) => {
            let tables: Vec<String> =
                log.graph().changed_tables(commit).unwrap_or_default().iter().map(ToString::to_string).collect();
            matcher.accepts_any(tables.iter().map(String::as_str))
        }
        Test::Actor(matcher) => matcher.accepts(commit.actor.as_deref().unwrap_or_default()),
        Test::Kind(wanted) => kind(&summaries.of(commit)).is_some_and(|kind| kind.starts_with(wanted.as_str())),
        Test::Time(Bound::Since, time) => commit.created_at_micros >= *time,
        Test::Time(Bound::Until, time) => commit.created_at_micros <= *time,
        Test::Id(end) => commit.id.to_string().ends_with(end.as_str()),
        Test::Text(matcher) => mentions(matcher, log, summaries, commit),
    }
}

/// Whether the text of a commit's row, or its whole id, matches.
pub(super) fn mentions(matcher: &Matcher, log: &CommitLog, summaries: &Summaries<'_>, commit: &Commit) -> bool {
    let summary = summaries.of(commit).text(" → ");
    let id = id_text(commit.id);
    let labels = || log.labels(commit.id).iter().map(stratigraph_engine::BranchName::as_str);
    let texts = [summary.as_str(), id.as_str()].into_iter().chain(commit.actor.as_deref()).chain(labels());
    matcher.accepts_any_or_name(texts, labels().chain([commit.branch.as_str()]))
}

fn id_text(id: CommitId) -> String {
    id.to_string()
}
