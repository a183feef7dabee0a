//! What a commit is and what it changed: the facts kept, and the lines that say them.

use std::collections::HashMap;
use std::sync::Arc;

use stratigraph_engine::{BranchName, Commit, CommitId, TableChange, TableEntry};
use stratigraph_widgets::width::{Align, escape, fit, width, wrap};

use super::log::{Before, CommitLog, Extent};
use super::request::Facts;
use crate::config::TimeDisplay;
use crate::message::Failure;
use crate::theme::{Role, Theme};
use crate::view::{age, grouped, moment};

/// Commits whose facts are kept.
const KEPT: usize = 2000;

/// Columns of the name of a field.
const FIELD: usize = 8;
/// Lines for the names of the branches that a commit is the head of, and names that may be tried for them.
const HEADS_LINES: usize = 3;
const MOST_HEADS: usize = 40;

/// Of a commit whose first parent is gone; which one it was stands above.
const UNKNOWN: &str = "what it changed cannot be told: there is nothing left to compare it with; t reads its tables";

/// A line as pieces with their roles.
pub(super) type Line = Vec<(String, Role)>;

/// Facts read so far, and how far the pane is scrolled.
#[derive(Debug, Default)]
pub(super) struct Details {
    known: HashMap<CommitId, Result<Arc<Facts>, Failure>>,
    /// First line on view.
    pub(super) offset: usize,
}

impl Details {
    /// What is known about a commit.
    pub(super) fn of(&self, id: CommitId) -> Option<&Result<Arc<Facts>, Failure>> {
        self.known.get(&id)
    }

    /// Keeps what was read. A commit never changes, so facts stay true; failures are forgotten by [`Details::forget`].
    pub(super) fn keep(&mut self, id: CommitId, facts: Result<Facts, Failure>) {
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(id, facts.map(Arc::new));
    }

    /// Forgets failures, so that they are read again.
    pub(super) fn forget(&mut self) {
        self.known.retain(|_, facts| facts.is_ok());
    }
}

/// How lines are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Signs.
    pub(super) theme: Theme,
    /// Columns there are.
    pub(super) columns: usize,
    /// Present moment.
    pub(super) now_micros: i64,
    /// Zone of absolute times.
    pub(super) time: TimeDisplay,
}

/// All lines of a commit.
pub(super) fn lines(
    log: &CommitLog,
    commit: &Commit,
    facts: Option<&Result<Arc<Facts>, Failure>>,
    style: &Style,
) -> Vec<Line> {
    let mut lines = head(log, commit, style);
    lines.push(vec![(style.rule(), Role::Border)]);
    lines.extend(match (facts, log.before(commit), log.extent()) {
        (Some(Ok(facts)), ..) => changes(facts, style),
        (Some(Err(failure)), ..) => style.wrapped(&failure.sentence(), Role::Error),
        (None, Before::Gone(_), Extent::Complete) => style.wrapped(UNKNOWN, Role::Warning),
        (None, ..) => vec![vec![("reading what it changed".to_owned(), Role::Dim)]],
    });
    // Last, so that the changes are on view in a low pane.
    lines.push(vec![(style.rule(), Role::Border)]);
    lines.push(field("id", commit.id.to_string()));
    lines
}

fn head(log: &CommitLog, commit: &Commit, style: &Style) -> Vec<Line> {
    let theme = style.theme;
    let summaries = log.summaries();
    let words = |commit: &Commit| {
        let summary = log.summary(&summaries, commit);
        summary.map_or_else(|| theme.symbols().not_loaded.to_owned(), |summary| summary.text(theme.arrow()))
    };
    let mut lines = style.wrapped(&escape(&words(commit)), Role::Title);
    let actor = match (&commit.actor, log.extent()) {
        (Some(actor), _) => format!("by {}", escape(actor)),
        (None, Extent::Complete) => "by nobody named".to_owned(),
        (None, Extent::Partial) => "by ".to_owned() + theme.symbols().not_loaded,
    };
    let time = moment(commit.created_at_micros, style.time);
    let ago = age(commit.created_at_micros, style.now_micros);
    lines.push(vec![
        (actor, Role::Text),
        (theme.dot().to_owned(), Role::Dim),
        (time, Role::Text),
        (format!(" ({})", ago.trim()), Role::Dim),
    ]);
    let own = if log.labels(commit.id).contains(&commit.branch) { " = head" } else { "" };
    let others: Vec<&BranchName> = log.labels(commit.id).iter().filter(|name| **name != commit.branch).collect();
    let place = format!("{}{own}{}manifest {}", escape(commit.branch.as_str()), theme.dot(), commit.manifest_version);
    lines.push(field("branch", place));
    if !others.is_empty() {
        lines.extend(head_of(&others, style));
    }
    lines.extend(parents(log, commit, style));
    lines
}

/// Other branches that a commit is the head of: as many as a few lines hold, and how many more there are.
fn head_of(others: &[&BranchName], style: &Style) -> Vec<Line> {
    let room = style.columns.saturating_sub(FIELD).max(1);
    let line = |shown: usize| {
        let names: Vec<_> = others[..shown].iter().map(|name| escape(name.as_str())).collect();
        match others.len() - shown {
            0 => names.join(", "),
            more => format!("{} and {} more", names.join(", "), grouped(more as u64)),
        }
    };
    let fits = |shown: &usize| wrap(&line(*shown), room).len() <= HEADS_LINES;
    let shown = (1..=others.len().min(MOST_HEADS)).rev().find(fits).unwrap_or(1);
    let lines = wrap(&line(shown), room);
    let names = std::iter::once("head of").chain(std::iter::repeat(""));
    names.zip(lines).map(|(name, text)| field(name, text)).collect()
}

/// The parents, and which of them are gone.
fn parents(log: &CommitLog, commit: &Commit, style: &Style) -> Vec<Line> {
    let short = |id| log.graph().get(id).map_or_else(|| id.to_string(), |found| log.graph().short_id(found.id));
    let text = match (commit.parent.map(short), commit.merged_parent.map(short)) {
        (None, None) => "none, the first commit".to_owned(),
        (Some(parent), Some(merged)) => format!("{parent}{}merged {merged}", style.theme.dot()),
        (Some(only), None) | (None, Some(only)) => only,
    };
    let missing = log.problems().missing_parents(commit.id).iter();
    let gone = |parent| style.wrapped(&format!("! its parent {parent} is on no branch any more"), Role::Warning);
    std::iter::once(field("parent", text)).chain(missing.flat_map(gone)).collect()
}

fn field(name: &str, text: String) -> Line {
    vec![(format!("{name:<FIELD$}"), Role::Dim), (text, Role::Text)]
}

/// The table of changed tables.
fn changes(facts: &Facts, style: &Style) -> Vec<Line> {
    if facts.changes.is_empty() {
        let all = unchanged(facts.unchanged).map(|line| (line, Role::Dim));
        return [Some(("changes no table".to_owned(), Role::Text)), all]
            .into_iter()
            .flatten()
            .map(|piece| vec![piece])
            .collect();
    }
    let rows: Vec<[String; 4]> = facts.changes.iter().map(|change| cells(change, style.theme)).collect();
    let header = ["table", "version", "rows", "held by"].map(str::to_owned);
    let mut widths = [0; 4];
    for row in rows.iter().chain([&header]) {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = width(cell).max(*wide);
        }
    }
    // The lineage gives way first, then the name.
    let room = |others: usize| style.columns.saturating_sub(others + 6).max(8);
    widths[3] = widths[3].min(room(widths[0] + widths[1] + widths[2]));
    widths[0] = widths[0].min(room(widths[1] + widths[2] + widths[3]));
    let mut lines = vec![vec![(style.row(&header, widths), Role::Dim)]];
    lines.extend(rows.iter().zip(&facts.changes).map(|(row, change)| {
        let role = match (&change.from, &change.to) {
            (None, _) => Role::Added,
            (_, None) => Role::Removed,
            (Some(_), Some(_)) => Role::Text,
        };
        vec![(style.row(row, widths), role)]
    }));
    lines.extend(unchanged(facts.unchanged).map(|line| vec![(line, Role::Dim)]));
    lines
}

/// Name, versions, change in rows, lineage.
fn cells(change: &TableChange, theme: Theme) -> [String; 4] {
    let arrow = theme.arrow();
    let version = |entry: &Option<TableEntry>| entry.as_ref().map(|entry| entry.version.to_string());
    let versions = match (version(&change.from), version(&change.to)) {
        (Some(from), Some(to)) => format!("{from}{arrow}{to}"),
        (None, Some(to)) => format!("new{arrow}{to}"),
        (Some(from), None) => format!("{from}{arrow}gone"),
        (None, None) => String::new(),
    };
    let rows = |entry: &Option<TableEntry>| entry.as_ref().map_or(0, |entry| entry.rows);
    let (before, after) = (rows(&change.from), rows(&change.to));
    let sign = match after.cmp(&before) {
        std::cmp::Ordering::Less => "-",
        std::cmp::Ordering::Equal => "=",
        std::cmp::Ordering::Greater => "+",
    };
    let count =
        if sign == "=" { format!("={}", grouped(after)) } else { format!("{sign}{}", grouped(after.abs_diff(before))) };
    let holder = |entry: &TableEntry| entry.lineage.as_ref().map_or_else(|| "main".to_owned(), ToString::to_string);
    let holders: Vec<String> = [&change.from, &change.to].into_iter().flatten().map(holder).collect();
    let lineage = match holders.as_slice() {
        [from, to] if from != to => format!("{from}{arrow}{to}"),
        [.., last] => last.clone(),
        [] => String::new(),
    };
    [escape(&change.key.to_string()).into_owned(), versions, count, escape(&lineage).into_owned()]
}

impl Style {
    fn rule(&self) -> String {
        self.theme.symbols().border.horizontal_top.repeat(self.columns)
    }

    pub(super) fn wrapped(&self, text: &str, role: Role) -> Vec<Line> {
        wrap(text, self.columns.max(1)).into_iter().map(|line| vec![(line, role)]).collect()
    }

    fn row(&self, cells: &[String; 4], widths: [usize; 4]) -> String {
        let ellipsis = self.theme.symbols().ellipsis;
        let aligns = [Align::Left, Align::Right, Align::Right, Align::Left];
        let fitted = cells.iter().zip(widths).zip(aligns).map(|((cell, wide), align)| fit(cell, wide, align, ellipsis));
        fitted.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

fn unchanged(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 table unchanged".to_owned()),
        _ => Some(format!("{count} tables unchanged")),
    }
}
