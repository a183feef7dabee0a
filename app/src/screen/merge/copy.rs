//! What can be copied and exported, and the command line that shows the same.

use std::fmt::Write as _;

use stratigraph_engine::merge::{Conflict, MergeDecisions, Side};

use super::cells::row;
use super::tables::is_changed;
use super::{CONFLICTS, Ending, Merge, RELATED, ROW, SUMMARY, Step, TABLES, words};
use crate::cli::quoted;
use crate::export::Content;
use crate::screen::{CopyChoice, PaneId};
use crate::state::Shared;

/// What can be copied from a pane.
pub(super) fn choices(screen: &Merge, pane: PaneId) -> Vec<CopyChoice> {
    let mut choices = Vec::new();
    let mut add = |label: &str, text: String| choices.push(CopyChoice { label: label.to_owned(), text });
    if let (CONFLICTS | ROW | RELATED, Some((conflict, rows))) = (pane, screen.selected()) {
        add("id", conflict.key.id.clone());
        add("conflict", line(conflict));
        for (label, side) in [("source row", Side::Source), ("target row", Side::Target), ("base row", Side::Base)] {
            if let Some(row) = rows.and_then(|rows| row(rows.first()?, side)) {
                add(label, row.to_json().to_string());
            }
        }
    }
    if let (Step::Resolve, Some(deciding)) = (screen.step, &screen.deciding) {
        let decisions: &MergeDecisions = deciding.decisions();
        add("decisions", decisions.to_json());
    }
    if let Ending::Done(done) = &screen.ending
        && let (Step::Result, Some(written)) = (screen.step, &done.merged.written)
    {
        add("commit id", written.commit.to_string());
    }
    choices
}

/// The preview, or the conflicts, as Markdown.
pub(super) fn content(screen: &Merge, pane: PaneId) -> Option<Content> {
    let preview = screen.preview.as_ref()?;
    if ![TABLES, SUMMARY, CONFLICTS, ROW, RELATED].contains(&pane) {
        return None;
    }
    let pair = &preview.pair;
    let [source, target, base] = &preview.short;
    let mut text = format!("# Merge {} into {}\n\n", pair.source, pair.target);
    let facts = format!("{}: {source} into {target}, last common commit {base}", preview.outcome);
    text.push_str(&facts);
    text.push_str("\n\n| table | change | appends | upserts | deletes | conflicts |\n|---|---|---|---|---|---|\n");
    for table in screen.merged_tables().iter().filter(|table| is_changed(table)) {
        let counts = format!("{} | {} | {} | {}", table.appends, table.upserts, table.deletes, table.conflicts);
        writeln!(text, "| {} | {} | {counts} |", table.key, table.way).ok()?;
    }
    let deciding = screen.deciding.as_ref()?;
    if !screen.tree.conflicts().is_empty() {
        text.push_str("\n## Conflicts\n\n");
        for conflict in screen.tree.conflicts() {
            let choice = deciding.choice(conflict).map_or_else(|| "open".to_owned(), |it| words::choice(it, "from"));
            writeln!(text, "- {}: {choice}", line(conflict)).ok()?;
        }
    }
    let name = format!("merge-{}-{}", pair.source, pair.target).replace('/', "-");
    Some(Content::Text { name, text: text.into() })
}

fn line(conflict: &Conflict) -> String {
    let key = &conflict.key;
    format!("{} {} {}: {}", key.table, key.id, key.kind, conflict.detail)
}

/// The command line that shows the same.
pub(super) fn command_line(screen: &Merge, shared: &Shared) -> Option<String> {
    let pair = screen.pair()?;
    let (uri, source, target) = (quoted(&shared.uri), quoted(pair.source.as_str()), quoted(pair.target.as_str()));
    Some(format!("merge {uri} {source} --into {target} --preview"))
}
