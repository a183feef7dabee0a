//! The merge under way, and what became of it.

use stratigraph_engine::TableKey;
use stratigraph_engine::merge::{MergeOutcome, Merged, TableMerge};
use stratigraph_engine::write::Written;
use stratigraph_widgets::width::{Align, width};

use super::{TextLine, column, failure_text, is_running, text, wrapped};
use crate::job::{Job, JobStatus};
use crate::screen::merge::request::{Done, Observed, Pair};
use crate::screen::merge::{Ending, MERGE_SLOT, Merge, RESULT, words};
use crate::state::{Arrangement, Shared};
use crate::theme::{Role, Theme};
use crate::view::{Canvas, duration_text, grouped};

pub(super) fn draw(screen: &Merge, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
    let title = if is_running(screen) { "Merging" } else { "Result" };
    let Some(inner) = canvas.pane(panes, RESULT, title) else { return };
    let lines = wrapped(result_lines(screen, shared), usize::from(inner.width));
    text(&lines, screen.result, inner, canvas);
    if panes.focus == RESULT {
        canvas.cursor(inner.x, inner.y);
    }
}

/// What the pane says.
pub(in crate::screen::merge) fn result_lines(screen: &Merge, shared: &Shared) -> Vec<TextLine> {
    let Some(preview) = &screen.preview else { return Vec::new() };
    let pair = &preview.pair;
    let mut lines = match &screen.ending {
        Ending::None => Vec::new(),
        Ending::Running => running(shared),
        Ending::Done(done) => finished(done, pair, shared),
        Ending::Moved(moved) => {
            let mut lines = vec![("refused: nothing was written".to_owned(), Role::Warning)];
            lines.extend(moved.iter().map(|line| (format!("  {line}"), Role::Text)));
            let next = "r previews again: choices stay where their rows are unchanged";
            lines.push((next.to_owned(), Role::Text));
            lines
        }
        Ending::Failed(failure, observed) => {
            let mut lines = vec![(failure_text(failure), Role::Error), (String::new(), Role::Text)];
            lines.extend(outcome(observed.as_ref(), screen));
            lines.push(("r previews again".to_owned(), Role::Text));
            lines
        }
        Ending::Cancelled => vec![
            ("stopped: nothing was written".to_owned(), Role::Warning),
            ("r previews again, esc goes back".to_owned(), Role::Text),
        ],
    };
    match &screen.deleted {
        Some(Ok(branch)) => lines.push((format!("{branch} is deleted"), Role::Good)),
        Some(Err(failure)) => lines.push((failure_text(failure), Role::Error)),
        None => {}
    }
    lines
}

/// The phases so far, and the point from which the merge goes on to its end.
fn running(shared: &Shared) -> Vec<TextLine> {
    let job = shared.latest.get(&MERGE_SLOT).and_then(|id| shared.jobs.find(*id));
    let Some(job) = job else { return vec![("about to begin".to_owned(), Role::Dim)] };
    let symbols = shared.theme.symbols();
    let mut lines = Vec::new();
    let mut passed = false;
    for (at, phase) in job.phases.iter().enumerate() {
        if !phase.cancellable && !passed {
            passed = true;
            lines.push(("   from here on it goes on to its end".to_owned(), Role::Warning));
        }
        let is_last = at + 1 == job.phases.len();
        let sign = if is_last { symbols.cursor } else { symbols.good };
        let amount = if is_last { amount(job) } else { String::new() };
        let role = if is_last { Role::Title } else { Role::Text };
        lines.push((format!(" {sign} {}/{} {}{amount}", phase.index, phase.count, phase.name), role));
    }
    if lines.is_empty() {
        lines.push(("about to begin".to_owned(), Role::Dim));
    }
    lines.push((String::new(), Role::Text));
    let said = if job.is_past_return() {
        "past the point of no return: stopping now would leave an interrupted write, so it is not stopped"
    } else if job.status == JobStatus::Cancelling {
        "it stops as soon as it can, and then nothing of it stays"
    } else {
        "x stops it; until the point of no return that leaves nothing behind"
    };
    lines.push((said.to_owned(), Role::Dim));
    lines.push((format!("{} so far", duration_text(job.duration(shared.now))), Role::Dim));
    lines
}

fn amount(job: &Job) -> String {
    let Some(amount) = &job.amount else { return String::new() };
    match amount.total {
        Some(total) => format!("  {} of {} {}", grouped(amount.done), grouped(total), amount.unit),
        None => format!("  {} {}", grouped(amount.done), amount.unit),
    }
}

/// The commit and the tables before and after.
fn finished(done: &Done, pair: &Pair, shared: &Shared) -> Vec<TextLine> {
    let theme = shared.theme;
    let Merged { outcome, written, .. } = &done.merged;
    let Some(written) = written else {
        let text = match outcome {
            MergeOutcome::AlreadyUpToDate => format!("{outcome}: {} had every commit of {}", pair.target, pair.source),
            MergeOutcome::FastForward | MergeOutcome::Merged => format!("{outcome}: no commit was needed"),
        };
        return vec![(text, Role::Good)];
    };
    let good = theme.symbols().good;
    let short = done.short.clone().unwrap_or_default();
    let mut lines = vec![
        (format!("{good} {outcome}: {}{}{}", pair.source, theme.arrow(), pair.target), Role::Good),
        (
            format!("commit {short}  {} is {}@v{}", written.commit, written.branch, written.manifest_version),
            Role::Title,
        ),
        ("enter shows it in the history".to_owned(), Role::Dim),
        (String::new(), Role::Text),
    ];
    lines.extend(table_lines(done, written, theme));
    let others = done.before.len().saturating_sub(written.tables.len());
    if others > 0 {
        lines.push((format!("{} as before", words::count(others, "table")), Role::Dim));
    }
    if written.sidecar_left {
        let text = "its record could not be removed: the next write or opening does that";
        lines.push((text.to_owned(), Role::Warning));
    }
    lines
}

/// The tables that were written, with their versions before and after and what the merge did to their rows.
fn table_lines(done: &Done, written: &Written, theme: Theme) -> Vec<TextLine> {
    let counts = |key: &TableKey| {
        let merged = done.merged.tables.iter().find(|merged| merged.key == *key);
        let count =
            |it: &TableMerge| format!("+{} ~{} -{}", grouped(it.appends), grouped(it.upserts), grouped(it.deletes));
        merged.map(count).unwrap_or_default()
    };
    let names = written.tables.iter().map(|table| width(&table.key.to_string())).max().unwrap_or(0).max(5);
    let changes = written.tables.iter().map(|table| counts(&table.key).len()).max().unwrap_or(0).max(7);
    let cell = |text: &str| column(text, names, Align::Left, theme);
    let title = format!("{}  {:<16}  {:>changes$}  rows then", cell("table"), "version", "changes");
    let lines = written.tables.iter().map(|table| {
        let before = done.before.iter().find(|(key, _)| *key == table.key).map(|(_, version)| version.to_string());
        let before = before.unwrap_or_else(|| theme.symbols().missing.to_owned());
        let version = format!("{before}{}{}", theme.arrow(), table.version);
        let (key, change) = (cell(&table.key.to_string()), counts(&table.key));
        (format!("{key}  {version:<16}  {change:>changes$}  {:>9}", grouped(table.rows)), Role::Text)
    });
    std::iter::once((title, Role::Title)).chain(lines).collect()
}

/// What is known of the graph after a failure, by dimension.
fn outcome(observed: Option<&Observed>, screen: &Merge) -> Vec<TextLine> {
    let Some(observed) = observed else {
        return vec![("how the graph is now was not seen".to_owned(), Role::Warning)];
    };
    let before = screen.preview.as_ref().map(|preview| preview.heads.target);
    let head = match &observed.head {
        Ok(head) if *head == before => "unchanged".to_owned(),
        Ok(Some(head)) => format!("moved to {head}"),
        Ok(None) => "unknown: no commit records it".to_owned(),
        Err(error) => format!("unknown: {error}"),
    };
    let sidecars = match &observed.sidecars {
        Ok(0) => "none".to_owned(),
        Ok(count) => {
            format!("{} pending: screen 5 shows what becomes of it", words::count(*count, "interrupted write"))
        }
        Err(error) => format!("unknown: {error}"),
    };
    vec![(format!("branch head: {head}"), Role::Text), (format!("interrupted writes: {sidecars}"), Role::Text)]
}
