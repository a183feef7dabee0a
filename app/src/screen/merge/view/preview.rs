//! What the merge does to each table, and what it comes to.

use std::collections::BTreeMap;

use ratatui::layout::Rect;
use stratigraph_engine::diff::Way;
use stratigraph_engine::merge::{ConflictKind, MergeOutcome, TableMerge};
use stratigraph_widgets::width::{Align, width};

use super::{TextLine, column, failure_text, text, wrapped};
use crate::screen::first_line;
use crate::screen::merge::tables::{TableLine, is_changed};
use crate::screen::merge::{Merge, PREVIEW_SLOT, Preview, SUMMARY, TABLES, is_reading, words};
use crate::state::{Arrangement, Shared};
use crate::theme::{Role, Theme};
use crate::view::{Canvas, Target, grouped};

/// Titles of the numbers: rows that come, change and go, and conflicts that are open.
const NUMBERS: [&str; 4] = ["append", "upsert", "delete", "open"];
/// The same where there is little room.
const SIGNS: [&str; 4] = ["+", "~", "-", "?"];
/// Columns of a number.
const WIDE: usize = 7;
/// Columns of a number where there is little room.
const NARROW: usize = 5;
/// Marks a table that was read whole.
const WHOLE: char = '*';

pub(super) fn draw(screen: &Merge, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
    let reading = is_reading(shared, PREVIEW_SLOT);
    let ellipsis = shared.theme.symbols().ellipsis;
    let again = if reading { format!("{}comparing{ellipsis}", shared.theme.dot()) } else { String::new() };
    if let Some(inner) = canvas.pane(panes, TABLES, &format!("Tables{again}")) {
        match (&screen.preview, &screen.refused) {
            (Some(_), _) => draw_tables(screen, shared, panes.focus == TABLES, inner, canvas),
            (None, Some(failure)) => {
                let lines = wrapped(vec![(failure_text(failure), Role::Error)], usize::from(inner.width));
                text(&lines, crate::cursor::Cursor::default(), inner, canvas);
            }
            (None, None) => canvas.line(inner, "comparing the branches, nothing is written", Role::Dim),
        }
    }
    if let Some(inner) = canvas.pane(panes, SUMMARY, "What it comes to") {
        let lines = wrapped(summary_lines(screen, shared), usize::from(inner.width));
        text(&lines, screen.summary, inner, canvas);
    }
}

fn draw_tables(screen: &Merge, shared: &Shared, focused: bool, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let lines = screen.table_lines();
    let (head, list) = first_line(area);
    let (number, titles) = if area.width < 56 { (NARROW, SIGNS) } else { (WIDE, NUMBERS) };
    let keys = screen.merged_tables().iter().map(|table| width(&table.key.to_string())).max().unwrap_or(0);
    let room = usize::from(area.width).saturating_sub(2 + 9 + 4 * (number + 1));
    let names = keys.max(5).min(room.max(8));
    let titles: Vec<String> = titles.iter().map(|title| column(title, number, Align::Right, shared.theme)).collect();
    let name = column("table", names, Align::Left, shared.theme);
    canvas.line(head, format!("  {name} {:<8} {}", "change", titles.join(" ")), Role::Title);
    let window = screen.tables.window(lines.len(), usize::from(list.height));
    for (row, y) in window.zip(list.y..list.bottom()) {
        let line = Rect { y, height: 1, ..list };
        match (lines[row], screen.table_at(lines[row])) {
            (TableLine::Table(_), Some(table)) => draw_table(table, (names, number), shared.theme, line, canvas),
            (TableLine::Table(_) | TableLine::Fold, _) => {
                let symbols = shared.theme.symbols();
                let sign = if screen.unfolded { symbols.open } else { symbols.closed };
                let count = screen.merged_tables().iter().filter(|table| !is_changed(table)).count();
                let stay = if count == 1 { "stays as it is" } else { "stay as they are" };
                canvas.line(line, format!("  {sign}{} {stay}", words::count(count, "table")), Role::Dim);
            }
        }
        canvas.hit(line, Target::Row { pane: TABLES, index: row });
        if row == screen.tables.row.min(lines.len().saturating_sub(1)) {
            canvas.select(line, focused);
        }
    }
}

fn draw_table(
    table: &TableMerge,
    (names, number): (usize, usize),
    theme: Theme,
    line: Rect,
    canvas: &mut Canvas<'_, '_>,
) {
    let name = column(&table.key.to_string(), names, Align::Left, theme);
    let count = |count: u64| {
        let text = if count == 0 { String::new() } else { grouped(count) };
        column(&text, number, Align::Right, theme)
    };
    let conflicts = (format!(" {}", count(table.conflicts)), Role::Warning);
    let whole = if table.compared == Some(Way::Walk) { WHOLE } else { ' ' };
    let counts = format!(" {} {} {}", count(table.appends), count(table.upserts), count(table.deletes));
    let pieces = [
        (format!("  {name} "), Role::Text),
        (format!("{:<7}{whole}", table.way.to_string()), Role::Changed),
        (counts, Role::Text),
        conflicts,
    ];
    canvas.pieces(line, &pieces);
}

/// What the preview says in words.
pub(in crate::screen::merge) fn summary_lines(screen: &Merge, shared: &Shared) -> Vec<TextLine> {
    let Some(preview) = &screen.preview else { return Vec::new() };
    let mut lines: Vec<TextLine> = Vec::new();
    if let Some(failure) = &screen.refused {
        lines.push((failure_text(failure), Role::Error));
    }
    for branch in screen.moved(shared) {
        lines.push((format!("! {branch} moved since: r previews again"), Role::Warning));
    }
    lines.push((outcome(preview), Role::Title));
    if !preview.unknown.is_empty() {
        let gone = preview.unknown.join(", ");
        lines.push((format!("! merged by one side and gone with their branches: {gone}"), Role::Warning));
        lines.push(("  rows that were deleted since may come back: look for them".to_owned(), Role::Warning));
    }
    lines.extend(conflicts(screen, shared));
    lines.push((String::new(), Role::Text));
    let [source, target, base] = &preview.short;
    let pair = &preview.pair;
    lines.push((format!("source  {} at {source}", pair.source), Role::Text));
    lines.push((format!("target  {} at {target}", pair.target), Role::Text));
    lines.push((format!("base    {base}, the last common commit"), Role::Text));
    if !preview.other_bases.is_empty() {
        let others = preview.other_bases.join(", ");
        lines.push((format!("        others, merged crosswise: {others}"), Role::Dim));
    }
    if !preview.first.is_empty() {
        lines.push((String::new(), Role::Text));
        let title = match preview.blocked_by {
            Some(_) => "the graph cannot be opened for writing now:",
            None => "opening for writing does this first:",
        };
        lines.push((title.to_owned(), Role::Warning));
        lines.extend(preview.first.iter().map(|line| (format!("  {line}"), Role::Text)));
        if preview.blocked_by.is_none() {
            lines.push(("  the merge is refused if that moves one of its branches".to_owned(), Role::Dim));
        }
    }
    let walked = screen.merged_tables().iter().filter(|table| table.compared == Some(Way::Walk)).count();
    if walked > 0 {
        let text = format!(
            "{WHOLE} {} read whole: stored versions could not tell which rows changed",
            words::count(walked, "table")
        );
        lines.push((text, Role::Dim));
    }
    lines
}

fn outcome(preview: &Preview) -> String {
    let pair = &preview.pair;
    match preview.outcome {
        MergeOutcome::AlreadyUpToDate => {
            format!("{}: {} has every commit of {}", preview.outcome, pair.target, pair.source)
        }
        MergeOutcome::FastForward => format!("{}: {} did nothing since", preview.outcome, pair.target),
        MergeOutcome::Merged => format!("{}: both did something since", preview.outcome),
    }
}

fn blocked(id: &str) -> String {
    format!("but {id} blocks writing: 5 says why")
}

/// What is next, and the conflicts by kind.
fn conflicts(screen: &Merge, shared: &Shared) -> Vec<TextLine> {
    let has_moved = !screen.moved(shared).is_empty();
    let Some((deciding, preview)) = screen.deciding.as_ref().zip(screen.preview.as_ref()) else { return Vec::new() };
    if preview.outcome == MergeOutcome::AlreadyUpToDate {
        return vec![("there is nothing to merge".to_owned(), Role::Text)];
    }
    if screen.tree.conflicts().is_empty() {
        return vec![match (has_moved, &preview.blocked_by) {
            (true, _) => (words::AGAIN.to_owned(), Role::Warning),
            (false, Some(id)) => (format!("no conflict, {}", blocked(id)), Role::Warning),
            (false, None) => ("no conflict: C merges".to_owned(), Role::Good),
        }];
    }
    let next = match (deciding.is_current(), deciding.is_settled(), &preview.blocked_by) {
        (false, ..) => ("the choices are being checked".to_owned(), Role::Dim),
        (true, true, _) if has_moved => (words::AGAIN.to_owned(), Role::Warning),
        (true, true, Some(id)) => (format!("all conflicts are decided, {}", blocked(id)), Role::Warning),
        (true, true, None) => ("all conflicts are decided: enter shows them, C merges".to_owned(), Role::Good),
        (true, false, _) => ("enter goes to the conflicts".to_owned(), Role::Warning),
    };
    let mut kinds: BTreeMap<ConflictKind, usize> = BTreeMap::new();
    for conflict in screen.tree.conflicts() {
        *kinds.entry(conflict.key.kind).or_default() += 1;
    }
    let mut lines = vec![next, (words::totals(deciding, shared.theme.dot()), Role::Text)];
    lines.extend(kinds.into_iter().map(|(kind, count)| (format!("{count:>6}  {}", words::kind(kind)), Role::Text)));
    lines
}
