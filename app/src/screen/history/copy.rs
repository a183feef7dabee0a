//! What can be taken out of the screen: texts for the clipboard, rows for a file, the command line that shows the same.

use std::sync::Arc;

use stratigraph_engine::Row;
use stratigraph_widgets::width::escape;

use super::export::has_commits;
use super::{COMMITS, DETAILS, History, ROWS, TABLES};
use crate::cli::quoted;
use crate::export::{Content, Made, Source};
use crate::overlay::{Overlay, Page};
use crate::screen::{Answer, CopyChoice, PaneId};
use crate::state::{Context, Shared};
use crate::theme::Role;

impl History {
    pub(super) fn copy_choices(&self, pane: PaneId, shared: &Shared) -> Vec<CopyChoice> {
        let choice = |label: &str, text: String| CopyChoice { label: label.to_owned(), text };
        match (pane, &self.diff) {
            (COMMITS | DETAILS, None) => {
                let (Some(log), Some(commit)) = (self.list.log(), self.list.commit()) else { return Vec::new() };
                let log_line = format!("stratigraph log {} --graph", quoted(&shared.uri));
                vec![
                    choice("short id", log.graph().short_id(commit.id)),
                    choice("full id", commit.id.to_string()),
                    choice("history command", log_line),
                ]
            }
            (TABLES | ROWS, Some(diff)) => {
                let mut choices = Vec::new();
                if let Some(rows) = diff.table().map(|table| &table.rows).filter(|_| pane == ROWS) {
                    if let Some((_, text)) = rows.selected_cell() {
                        choices.push(choice("cell", text));
                    }
                    if let Some(change) = rows.selected() {
                        choices.push(choice("row id", change.id.clone()));
                        let json = |row: &Row| row.to_json().to_string();
                        choices.extend(change.before.as_ref().map(|row| choice("before as JSON", json(row))));
                        choices.extend(change.after.as_ref().map(|row| choice("after as JSON", json(row))));
                    }
                }
                choices.extend(diff.shown.as_ref().map(|key| choice("table", key.to_string())));
                choices.push(choice("commit id", diff.target.to.to_string()));
                choices
            }
            _ => Vec::new(),
        }
    }

    /// The command that shows the selected commit, or the same comparison.
    pub(super) fn command(&self, shared: &Shared) -> Option<String> {
        let uri = quoted(&shared.uri);
        match &self.diff {
            Some(diff) => Some(format!("diff {uri} {} {}", diff.target.from?, diff.target.to)),
            None => Some(format!("show {uri} {}", self.list.commit()?.id)),
        }
    }

    pub(super) fn content(&self, pane: PaneId) -> Option<Content> {
        match (pane, &self.diff) {
            (COMMITS | DETAILS, None) => {
                let chart = self.list.chart().filter(|chart| has_commits(chart))?;
                let source = Source::Made(Made::new(Arc::clone(chart)));
                Some(Content::Read { name: "commits".to_owned(), source })
            }
            (_, Some(diff)) => {
                let from = diff.target.from.map_or_else(|| "nothing".to_owned(), |from| self.short(from));
                diff.export(format!("diff-{from}-{}", self.short(diff.target.to)))
            }
            _ => None,
        }
    }

    /// Shows the selected row whole, before and after.
    pub(super) fn open_record(&self, cx: &mut Context<'_>) -> Answer {
        let table = self.diff.as_ref().and_then(|diff| diff.table());
        let Some(change) = table.and_then(|table| table.rows.selected()) else {
            return Answer::Nothing("no row is selected".to_owned());
        };
        let arrow = cx.shared.theme.arrow();
        let value = |row: &Option<Row>, name: &str| row.as_ref().and_then(|row| row.get(name)).map(ToString::to_string);
        let row = change.after.as_ref().or(change.before.as_ref());
        let names: Vec<String> =
            row.into_iter().flat_map(|row| row.columns().iter().map(ToString::to_string)).collect();
        let line = |name: &String| {
            let (before, after) = (value(&change.before, name), value(&change.after, name));
            let changed = change.columns.contains(name);
            let text = match (before, after) {
                (Some(before), Some(after)) if changed => format!("{before}{arrow}{after}"),
                (_, Some(value)) | (Some(value), None) => value,
                (None, None) => String::new(),
            };
            let sign = if changed { "~ " } else { "  " };
            (format!("{sign}{}: {}", escape(name), escape(&text)), if changed { Role::Changed } else { Role::Text })
        };
        let lines = names.iter().map(line).collect();
        let title = format!("{} {} {}", super::diff::word(change.op), change.table, change.id);
        cx.open(Overlay::Page(Page::new(escape(&title).into_owned(), lines)));
        Answer::Done
    }
}
