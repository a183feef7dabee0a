//! What a commit did, in a few words derived from facts. The command line and the screens say the same.
//!
//! The format keeps no message, so the words come from the parents, the audit of recoveries and the list of tables that the
//! commit's version published ([`CommitGraph::changed_tables`]); no table and no second manifest is opened for it.

use std::collections::HashMap;

use stratigraph_engine::recovery::{AuditRow, WriterKind};
use stratigraph_engine::{BranchName, Commit, CommitGraph, Graph, Progress, TableKey, TableKind};
use stratigraph_widgets::width::escape;

use crate::config::TimeDisplay;
use crate::view::moment;

/// Who commits what a recovery settled.
pub const RECOVERY_ACTOR: &str = "omnigraph:recovery";

/// Up to this many tables are named, more are counted.
const NAMED_TABLES: usize = 2;

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Summary {
    /// It is the first one.
    Created,
    /// It joined another branch into its own.
    Merge {
        /// The branch of the merged parent; the end of its id if that commit is on no branch any more.
        from: String,
        /// The branch of the commit.
        into: BranchName,
    },
    /// It settled an interrupted write.
    Recovery(Option<Recovered>),
    /// It changed these tables, nodes first; never empty.
    Tables(Vec<TableKey>),
    /// It changed no table.
    Nothing,
    /// What it changed is not known: its branch is gone.
    Unknown,
}

/// What the audit says about a recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// `rolled forward`, `rolled back`, `discarded`; as stored if it is another word.
    pub outcome: String,
    /// `load`, `branch merge` …; as stored if it is another word.
    pub writer: String,
    /// Who had started the write.
    pub actor: Option<String>,
}

/// A commit with the shortest unique end of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// The commit.
    pub commit: Commit,
    /// The end of its id.
    pub short_id: String,
}

impl Brief {
    /// A commit of a history.
    #[must_use]
    pub fn of(commit: &Commit, history: &CommitGraph) -> Self {
        Self { commit: commit.clone(), short_id: history.short_id(commit.id) }
    }

    /// `by dana, 2026-05-02 09:14:03Z`
    pub(crate) fn made_by(&self, time: TimeDisplay) -> String {
        let actor = self.commit.actor.as_deref().map_or("nobody named".into(), escape);
        format!("by {actor}, {}", moment(self.commit.created_at_micros, time))
    }
}

/// A commit with what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The commit.
    pub brief: Brief,
    /// The change that it made.
    pub summary: Summary,
}

impl Told {
    /// Tells of commits of a history. An audit that cannot be read costs only the words for recoveries.
    pub async fn all(commits: &[&Commit], history: &CommitGraph, graph: &Graph, progress: &Progress) -> Vec<Self> {
        let recovered = |commit: &&Commit| commit.actor.as_deref() == Some(RECOVERY_ACTOR);
        let audit = if commits.iter().any(recovered) { graph.audit().await } else { Ok(Vec::new()) };
        let audit = audit.unwrap_or_else(|error| {
            progress.message(format!("recoveries cannot be described: {error}"));
            Vec::new()
        });
        let summaries = Summaries::new(history, &audit);
        let told = |commit: &&Commit| Self { brief: Brief::of(commit, history), summary: summaries.of(commit) };
        commits.iter().map(told).collect()
    }
}

/// Says of each commit of a history what it did.
#[derive(Debug, Clone)]
pub struct Summaries<'a> {
    history: &'a CommitGraph,
    audit: HashMap<&'a str, &'a AuditRow>,
}

impl<'a> Summaries<'a> {
    /// Prepares the summaries of a history; `audit` is all that was recovered, in any order.
    #[must_use]
    pub fn new(history: &'a CommitGraph, audit: &'a [AuditRow]) -> Self {
        Self { history, audit: audit.iter().map(|row| (row.graph_commit_id.as_str(), row)).collect() }
    }

    /// Returns what a commit of the history did.
    #[must_use]
    pub fn of(&self, commit: &Commit) -> Summary {
        if commit.actor.as_deref() == Some(RECOVERY_ACTOR) {
            let row = self.audit.get(commit.id.to_string().as_str()).copied();
            return Summary::Recovery(row.map(Recovered::from));
        }
        if let Some(merged) = commit.merged_parent {
            let from = self.history.get(merged).map(|parent| parent.branch.to_string());
            let from = from.unwrap_or_else(|| self.history.short_id(merged));
            return Summary::Merge { from, into: commit.branch.clone() };
        }
        if commit.parent.is_none() {
            return Summary::Created;
        }
        match self.history.changed_tables(commit) {
            None => Summary::Unknown,
            Some([]) => Summary::Nothing,
            Some(tables) => Summary::Tables(nodes_first(tables)),
        }
    }
}

impl Summary {
    /// The words; `arrow` stands between the branches of a merge, spaces included.
    #[must_use]
    pub fn text(&self, arrow: &str) -> String {
        match self {
            Self::Created => "graph created".to_owned(),
            Self::Merge { from, into } => format!("merge {from}{arrow}{into}"),
            Self::Recovery(None) => "recovery".to_owned(),
            Self::Recovery(Some(Recovered { outcome, writer, actor })) => {
                let by = actor.as_ref().map_or_else(String::new, |actor| format!(" by {actor}"));
                format!("recovery: {outcome} {writer}{by}")
            }
            Self::Tables(tables) => table_names(tables),
            Self::Nothing => "changes no table".to_owned(),
            Self::Unknown => "changes unknown".to_owned(),
        }
    }
}

impl From<&AuditRow> for Recovered {
    fn from(row: &AuditRow) -> Self {
        let outcome = match row.recovery_kind.as_str() {
            "RolledForward" => "rolled forward",
            "RolledBack" => "rolled back",
            "OrphanedBranchDiscarded" => "discarded",
            other => other,
        };
        let stored = row.sidecar_writer_kind.as_str();
        let known = serde_json::from_value::<WriterKind>(stored.into());
        Self {
            outcome: outcome.to_owned(),
            writer: known.map_or_else(|_| stored.to_owned(), |kind| kind.to_string()),
            actor: row.recovery_for_actor.clone(),
        }
    }
}

fn nodes_first(tables: &[TableKey]) -> Vec<TableKey> {
    let mut tables = tables.to_vec();
    tables.sort_by_key(|table| match table.kind {
        TableKind::Node => 0,
        TableKind::Edge => 1,
    });
    tables
}

/// Type names where there are few; whole keys if a node and an edge type share the name.
fn table_names(tables: &[TableKey]) -> String {
    let mut names: Vec<&str> = tables.iter().map(|table| &*table.name).collect();
    names.dedup();
    if tables.len() > NAMED_TABLES {
        format!("{} tables", tables.len())
    } else if names.len() < tables.len() {
        tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stratigraph_engine::{CommitId, ManifestVersion};

    use super::*;

    fn commit(number: u128, parents: &[u128], branch: &str, actor: Option<&str>) -> Commit {
        Commit {
            id: CommitId::from_u128(number),
            parent: parents.first().copied().map(CommitId::from_u128),
            merged_parent: parents.get(1).copied().map(CommitId::from_u128),
            branch: branch.parse().unwrap(),
            manifest_version: ManifestVersion::new(3),
            created_at_micros: i64::try_from(number).unwrap(),
            actor: actor.map(Into::into),
        }
    }

    fn audit(number: u128, kind: &str, writer: &str, actor: Option<&str>) -> AuditRow {
        AuditRow {
            graph_commit_id: CommitId::from_u128(number).to_string(),
            recovery_kind: kind.into(),
            recovery_for_actor: actor.map(Into::into),
            operation_id: "01M7Y249A1EHFH4MJGAECB534F".into(),
            sidecar_writer_kind: writer.into(),
            outcomes: Vec::new(),
            created_at_micros: 0,
        }
    }

    fn tables(keys: &[&str]) -> Summary {
        let keys: Vec<TableKey> = keys.iter().map(|key| key.parse().unwrap()).collect();
        Summary::Tables(nodes_first(&keys))
    }

    #[test]
    fn commits_say_what_they_did() {
        let recovery = Some(RECOVERY_ACTOR);
        let commits = vec![
            commit(1, &[], "main", None),
            commit(2, &[1], "feature/x", None),
            commit(3, &[1, 2], "main", Some("act-dana")),
            commit(4, &[3, 99], "main", None),
            commit(5, &[4], "main", recovery),
            commit(6, &[5], "main", recovery),
            commit(7, &[6], "main", recovery),
            commit(8, &[7, 2], "main", recovery),
        ];
        let history = CommitGraph::new(commits.clone(), BTreeMap::new(), Vec::new());
        let audit = [
            audit(5, "RolledBack", "Load", Some("dana")),
            audit(6, "OrphanedBranchDiscarded", "EnsureIndices", None),
            audit(8, "Mended", "Rewrite", None),
        ];
        let summaries = Summaries::new(&history, &audit);
        let texts: Vec<String> = commits.iter().map(|commit| summaries.of(commit).text(" → ")).collect();
        let expected = [
            "graph created",
            "changes unknown",
            "merge feature/x → main",
            // Its commit is not in the history: the end of the id (99 in base 32) is all there is to say.
            "merge 000033 → main",
            "recovery: rolled back Load by dana",
            "recovery: discarded EnsureIndices",
            "recovery",
            "recovery: Mended Rewrite",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn few_tables_are_named_and_many_counted() {
        assert_eq!(tables(&["edge:Knows", "node:Person"]).text(" → "), "Person, Knows");
        assert_eq!(tables(&["node:Person"]).text(" → "), "Person");
        assert_eq!(tables(&["edge:A", "edge:B", "node:C"]).text(" → "), "3 tables");
        assert_eq!(tables(&["edge:Link", "node:Link"]).text(" → "), "node:Link, edge:Link");
        assert_eq!(Summary::Nothing.text(" → "), "changes no table");
    }
}
