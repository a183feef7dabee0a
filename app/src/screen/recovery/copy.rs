//! What can be taken out of the screen: texts for the clipboard, files, the command line that shows the same.

use std::fmt::Write as _;

use super::drift::Drifted;
use super::outcome::Outcome;
use super::words::{Line, Style};
use super::{AUDIT, INSPECT, Key, LIST, OUTCOME, RECORD, Recovery, Show, audit};
use crate::cli::quoted;
use crate::export::Content;
use crate::screen::{CopyChoice, PaneId};
use crate::state::Shared;

/// Columns of texts that leave the program.
const COLUMNS: usize = 120;

impl Recovery {
    pub(super) fn copy_choices(&self, pane: PaneId, shared: &Shared) -> Vec<CopyChoice> {
        let choice = |label: &str, text: String| CopyChoice { label: label.to_owned(), text };
        match pane {
            LIST | INSPECT => {
                let mut choices = Vec::new();
                if let Some(entry) = self.entry(shared) {
                    choices.push(choice("operation", entry.id.clone()));
                    choices.push(choice("file", format!("__recovery/{}.json", entry.id)));
                    if !entry.text().is_empty() {
                        choices.push(choice("the file's text", entry.text().to_owned()));
                    }
                }
                if let Some(drifted) = self.drifted(shared) {
                    choices.push(choice("table", drifted.entry.key.to_string()));
                    choices.push(choice("folder", drifted.entry.path.to_string()));
                }
                let lines = self.details(&plain(shared), shared);
                if !lines.is_empty() {
                    choices.push(choice("everything", text(&lines)));
                }
                choices
            }
            AUDIT | RECORD => {
                let items = self.audit_items(shared);
                let Some(row) = self.audit.selected(&items) else { return Vec::new() };
                let json = serde_json::to_string(row).expect("texts and numbers can be written");
                vec![
                    choice("operation", row.operation_id.clone()),
                    choice("commit id", row.graph_commit_id.clone()),
                    choice("row as JSON", json),
                ]
            }
            OUTCOME => self.outcome.iter().map(|outcome| choice("everything", outcome_text(outcome, shared))).collect(),
            _ => Vec::new(),
        }
    }

    /// The command that shows the same.
    pub(super) fn command(&self, shared: &Shared) -> String {
        let uri = quoted(&shared.uri);
        match self.show {
            Show::Pending => match self.entry(shared) {
                Some(entry) => format!("recovery show {uri} {}", quoted(&entry.id)),
                None => format!("recovery plan {uri}"),
            },
            Show::Audit | Show::Outcome => format!("audit {uri}"),
        }
    }

    /// What a pane shows, as a file: the selected write with its record, the rows of the audit, the outcome.
    pub(super) fn content(&self, pane: PaneId, shared: &Shared) -> Option<Content> {
        match pane {
            LIST | INSPECT => {
                let lines = self.details(&plain(shared), shared);
                if lines.is_empty() {
                    return None;
                }
                let entry = self.entry(shared);
                let mut document = format!("# Interrupted write\n\n{}", fenced("", &text(&lines)));
                if let Some(entry) = entry {
                    write!(document, "\n## The file as it is\n\n{}", fenced("json", entry.text())).expect("a string");
                } else {
                    document = document.replacen("Interrupted write", "Drifted table", 1);
                }
                let name = entry.map_or_else(|| "drift".to_owned(), |entry| format!("sidecar-{}", entry.id));
                Some(Content::Text { name, text: document.into() })
            }
            AUDIT | RECORD => {
                let items = self.audit_items(shared);
                let keys: Vec<&audit::Key> = items.iter().filter_map(|item| item.key.as_ref()).collect();
                let rows = self.audit.rows.iter().flatten();
                let is_shown = |row: &&stratigraph_engine::recovery::AuditRow| {
                    keys.iter().any(|(id, at)| *id == row.operation_id && *at == row.created_at_micros)
                };
                audit::content(&rows.filter(is_shown).collect::<Vec<_>>())
            }
            OUTCOME => {
                let outcome = self.outcome.as_ref()?;
                let document = format!("# Predicted and actual\n\n{}", fenced("", &outcome_text(outcome, shared)));
                Some(Content::Text { name: format!("recovery-{}", outcome.what), text: document.into() })
            }
            _ => None,
        }
    }

    fn drifted(&self, shared: &Shared) -> Option<&Drifted> {
        let items = self.items(shared);
        match self.picker.key(&items)? {
            Key::Drift((branch, key)) => {
                self.drift.iter().flatten().flatten().find(|one| one.branch == *branch && one.entry.key == *key)
            }
            Key::Sidecar(_) => None,
        }
    }
}

/// Lines for files: wide, with the signs of the screen.
fn plain(shared: &Shared) -> Style {
    Style { columns: COLUMNS, ..Recovery::style(INSPECT, shared) }
}

fn text(lines: &[Line]) -> String {
    let line = |line: &Line| line.iter().map(|(text, _)| text.as_str()).collect::<String>();
    lines.iter().map(line).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn outcome_text(outcome: &Outcome, shared: &Shared) -> String {
    let items = outcome.items(&plain(shared));
    items.iter().map(|item| text(&item.lines)).collect::<Vec<_>>().join("\n")
}

/// A block of text that keeps its lines, with a fence that is not in it.
fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}
