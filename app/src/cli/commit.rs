//! A commit as the command line shows it.

use serde::Serialize;
use stratigraph_engine::{BranchName, Commit, CommitGraph, CommitId, ManifestVersion};

use super::output::{Cell, Out};
use crate::natural;
use crate::summary::Summaries;
use crate::theme::Role;

/// Most branches that a headline names; the others are counted.
const LABELS: usize = 8;

/// The facts of one commit, with the field names of the JSON output.
#[derive(Debug, Serialize)]
pub(super) struct CommitFacts<'a> {
    pub(super) id: CommitId,
    /// First parent first.
    pub(super) parents: Vec<CommitId>,
    pub(super) branch: &'a BranchName,
    pub(super) manifest_version: ManifestVersion,
    pub(super) actor: Option<&'a str>,
    pub(super) created_at_micros: i64,
    /// Branches whose head it is.
    pub(super) heads: Vec<&'a BranchName>,
    pub(super) summary: String,
}

impl<'a> CommitFacts<'a> {
    pub(super) fn new(history: &'a CommitGraph, summaries: &Summaries<'_>, arrow: &str, commit: &'a Commit) -> Self {
        Self {
            id: commit.id,
            parents: commit.parents().collect(),
            branch: &commit.branch,
            manifest_version: commit.manifest_version,
            actor: commit.actor.as_deref(),
            created_at_micros: commit.created_at_micros,
            heads: heads(history, commit.id),
            summary: summaries.of(commit).text(arrow),
        }
    }

    /// The heads in brackets and the summary.
    pub(super) fn headline(&self, out: &Out) -> Cell {
        let mut labels = self.heads.iter().take(LABELS).map(|head| format!("[{head}]")).collect::<Vec<_>>().join(" ");
        if let more @ 1.. = self.heads.len().saturating_sub(LABELS) {
            labels.push_str(&format!(" +{more}"));
        }
        let (labels, summary) = (out.cell(Role::Title, &labels), out.cell(Role::Text, &self.summary));
        if labels.columns == 0 {
            return summary;
        }
        let columns = labels.columns + 1 + summary.columns;
        Cell::painted(format!("{} {}", labels.painted, summary.painted), columns)
    }
}

/// Branches whose head is a commit: main first, then in natural order.
fn heads(history: &CommitGraph, id: CommitId) -> Vec<&BranchName> {
    let mut heads = history.heads_at(id);
    heads.sort_by(|left, right| natural::branches(left, right));
    heads
}

/// The arrow of the summaries: text follows the glyphs of the terminal, JSON is always the same.
pub(super) fn arrow(out: &Out) -> &'static str {
    if out.is_json() { " → " } else { out.theme().arrow() }
}

/// A time for people: `2026-05-02 09:14:03Z`.
pub(super) fn moment(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros)
        .map_or_else(|| "?".to_owned(), |time| time.format("%Y-%m-%d %H:%M:%SZ").to_string())
}
