//! What one branch is, line by line: its head, where it came from, the tables it holds, its last commits.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use stratigraph_engine::{Branch, TableEntry};
use stratigraph_widgets::width::{Align, escape, fit, width, wrap};

use super::request::{Details, DetailsKey, Facts};
use crate::config::TimeDisplay;
use crate::message::Failure;
use crate::summary::{Brief, Told};
use crate::theme::{Role, Theme};
use crate::view::{age, grouped, moment};
use crate::walk::Divergence;

/// Columns of a pane's upper border that its title does not get.
const TITLE_ROOM: usize = 2;

/// A line as pieces with their roles.
pub(super) type Line = Vec<(String, Role)>;

/// How a branch stands to main.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is main.
    Main,
    /// Being counted.
    Counting,
    /// So many commits apart.
    Known(Divergence),
    /// Cannot be told: a head is not known, or counting failed.
    Unknown,
}

/// What was read of branches so far, and how far the pane is scrolled.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    known: HashMap<DetailsKey, Result<Arc<Details>, Failure>>,
    /// What was asked for last.
    pub(super) asked: Option<DetailsKey>,
    /// First line on view.
    pub(super) offset: usize,
}

impl Shelf {
    /// What is known of one state of a branch.
    pub(super) fn of(&self, key: &DetailsKey) -> Option<&Result<Arc<Details>, Failure>> {
        self.known.get(key)
    }

    /// Keeps what was read.
    pub(super) fn keep(&mut self, key: DetailsKey, details: Result<Details, Failure>) {
        self.known.insert(key, details.map(Arc::new));
    }

    /// What was asked for last cannot be known.
    pub(super) fn give_up(&mut self, failure: Failure) {
        if let Some(key) = self.asked.take() {
            self.keep(key, Err(failure));
        }
    }

    /// Forgets failures, and what belongs to no branch as it is now.
    pub(super) fn tidy(&mut self, branches: &[Facts]) {
        let keys: HashSet<DetailsKey> = branches.iter().map(|facts| key(&facts.branch)).collect();
        self.known.retain(|key, details| details.is_ok() && keys.contains(key));
    }
}

/// The present state of a branch.
pub(super) fn key(branch: &Branch) -> DetailsKey {
    DetailsKey { branch: branch.name.clone(), version: branch.manifest_version, head: branch.head }
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

/// All lines of a branch.
pub(super) fn lines(
    facts: &Facts,
    standing: Standing,
    known: Option<&Result<Arc<Details>, Failure>>,
    style: &Style,
) -> Vec<Line> {
    let mut lines = head(facts, style);
    lines.extend(origin(facts, style));
    lines.extend(to_main(standing, style));
    lines.extend(pending(facts.pending));
    lines.push(style.rule());
    match known {
        None if facts.branch.broken.is_some() => {
            lines.push(vec![(
                "it can be deleted, and nothing else depends on what is wrong with it".to_owned(),
                Role::Dim,
            )]);
        }
        None => lines.push(vec![("reading its tables and commits".to_owned(), Role::Dim)]),
        Some(Err(failure)) => lines.extend(style.wrapped(&escape(&failure.sentence()), Role::Error)),
        Some(Ok(details)) => {
            lines.extend(tables(facts, details, style));
            lines.push(style.rule());
            lines.extend(commits(&details.recent, style));
        }
    }
    if let Some(head) = facts.branch.head {
        lines.push(style.rule());
        lines.push(field("id", head.to_string()));
    }
    lines
}

fn field(name: &str, text: String) -> Line {
    vec![(format!("{name:<8}"), Role::Dim), (text, Role::Text)]
}

fn head(facts: &Facts, style: &Style) -> Vec<Line> {
    let dot = style.theme.dot();
    let name = escape(facts.branch.name.as_str());
    // The title of the pane has it, unless it is cut there.
    let is_cut = width(&name) + TITLE_ROOM > style.columns;
    let mut lines = if is_cut { style.wrapped(&name, Role::Title) } else { Vec::new() };
    let version = facts.branch.manifest_version.map_or_else(|| "unknown".to_owned(), |version| version.to_string());
    if let Some(head) = &facts.head {
        lines.push(field("head", format!("{}{dot}manifest {version}", head.short_id)));
        lines.push(style.made_by(head));
    } else {
        lines.push(field("head", format!("unknown{dot}manifest {version}")));
    }
    match (&facts.branch.broken, &facts.head) {
        (Some(reason), _) => lines.extend(style.wrapped(&format!("! broken: {}", escape(reason)), Role::Error)),
        (None, None) => lines.extend(style.wrapped("! its commits cannot be read, History tells why", Role::Warning)),
        (None, Some(_)) => {}
    }
    lines
}

fn origin(facts: &Facts, style: &Style) -> Vec<Line> {
    let Some(parent) = &facts.branch.parent else {
        return vec![field("from", "the beginning".to_owned())];
    };
    let dot = style.theme.dot();
    let name = escape(parent.as_str());
    let at = match (&facts.fork, facts.branch.forked_at) {
        (Some(fork), _) => format!("{name} @ {}{dot}manifest {}", fork.short_id, fork.commit.manifest_version),
        (None, Some(version)) => format!("{name} @ v{version}"),
        (None, None) => name.into_owned(),
    };
    let mut lines = vec![field("from", at)];
    if let Some(made) = facts.branch.created_at_micros {
        let ago = age(made, style.now_micros);
        lines.push(field("made", format!("{} ({})", moment(made, style.time), ago.trim())));
    }
    lines
}

fn to_main(standing: Standing, style: &Style) -> Option<Line> {
    let text = match standing {
        Standing::Main => return None,
        Standing::Counting => style.theme.symbols().ellipsis.to_owned(),
        Standing::Unknown => "not known how far apart".to_owned(),
        Standing::Known(Divergence { ahead: 0, behind: 0 }) => "the same commits".to_owned(),
        Standing::Known(Divergence { ahead, behind }) => {
            format!("{} ahead, {} behind", grouped(ahead as u64), grouped(behind as u64))
        }
    };
    Some(field("to main", text))
}

fn pending(count: usize) -> Option<Line> {
    let text = match count {
        0 => return None,
        1 => "! 1 interrupted write is pending".to_owned(),
        count => format!("! {count} interrupted writes are pending"),
    };
    Some(vec![(text, Role::Warning)])
}

/// The tables the branch holds itself, and from whom it reads the others.
fn tables(facts: &Facts, details: &Details, style: &Style) -> Vec<Line> {
    let mut lines = Vec::new();
    if details.owned.is_empty() {
        lines.push(vec![("holds no table itself".to_owned(), Role::Dim)]);
    } else {
        let title = if facts.branch.name.is_main() { "table" } else { "own table" };
        lines.extend(table_rows(title, &details.owned, style));
    }
    for (holder, count) in &details.read_from {
        let tables = if *count == 1 { "table is" } else { "tables are" };
        let text = format!("{count} {tables} read from {}", escape(holder.as_str()));
        lines.extend(style.wrapped(&text, Role::Dim));
    }
    lines
}

fn table_rows(title: &str, tables: &[TableEntry], style: &Style) -> Vec<Line> {
    let cells = |entry: &TableEntry| {
        [escape(&entry.key.to_string()).into_owned(), entry.version.to_string(), grouped(entry.rows)]
    };
    let rows: Vec<[String; 3]> = tables.iter().map(cells).collect();
    let header = [title, "version", "rows"].map(str::to_owned);
    let mut widths = [0; 3];
    for row in rows.iter().chain([&header]) {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = width(cell).max(*wide);
        }
    }
    widths[0] = widths[0].min(style.columns.saturating_sub(widths[1] + widths[2] + 4).max(8));
    let ellipsis = style.theme.symbols().ellipsis;
    let line = |row: &[String; 3]| {
        let aligns = [Align::Left, Align::Right, Align::Right];
        let cells = row.iter().zip(widths).zip(aligns).map(|((cell, wide), align)| fit(cell, wide, align, ellipsis));
        cells.collect::<Vec<_>>().join("  ")
    };
    let header = vec![(line(&header), Role::Dim)];
    std::iter::once(header).chain(rows.iter().map(|row| vec![(line(row), Role::Text)])).collect()
}

/// The last commits: id, summary, actor, age.
fn commits(recent: &[Told], style: &Style) -> Vec<Line> {
    let ellipsis = style.theme.symbols().ellipsis;
    let id = recent.iter().map(|told| width(&told.brief.short_id)).max().unwrap_or(0);
    let actors = recent.iter().filter_map(|told| told.brief.commit.actor.as_deref());
    let actor = actors.map(|actor| width(&escape(actor))).max().unwrap_or(0).min(style.columns / 4);
    let summary = style.columns.saturating_sub(id + actor + 4 + 3);
    let line = |told: &Told| {
        let commit = &told.brief.commit;
        let words = told.summary.text(style.theme.arrow());
        let name = escape(commit.actor.as_deref().unwrap_or_default()).into_owned();
        vec![
            (format!("{} ", fit(&told.brief.short_id, id, Align::Left, ellipsis)), Role::Dim),
            (format!("{} ", fit(&escape(&words), summary, Align::Left, ellipsis)), Role::Text),
            (format!("{} ", fit(&name, actor, Align::Left, ellipsis)), Role::Dim),
            (age(commit.created_at_micros, style.now_micros), Role::Dim),
        ]
    };
    let title = if recent.is_empty() { "no commit is known" } else { "last commits" };
    std::iter::once(vec![(title.to_owned(), Role::Dim)]).chain(recent.iter().map(line)).collect()
}

impl Style {
    fn rule(&self) -> Line {
        vec![(self.theme.symbols().border.horizontal_top.repeat(self.columns), Role::Border)]
    }

    fn wrapped(&self, text: &str, role: Role) -> Vec<Line> {
        wrap(text, self.columns.max(1)).into_iter().map(|line| vec![(line, role)]).collect()
    }

    fn made_by(&self, brief: &Brief) -> Line {
        let actor = match &brief.commit.actor {
            Some(actor) => format!("by {}", escape(actor)),
            None => "by nobody named".to_owned(),
        };
        let time = moment(brief.commit.created_at_micros, self.time);
        let ago = age(brief.commit.created_at_micros, self.now_micros);
        vec![
            (actor, Role::Text),
            (self.theme.dot().to_owned(), Role::Dim),
            (time, Role::Text),
            (format!(" ({})", ago.trim()), Role::Dim),
        ]
    }
}
