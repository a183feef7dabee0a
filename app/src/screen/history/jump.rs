//! Which commit a text means: a branch's head, an id or its end, a version of a branch, a time.

use stratigraph_engine::history::HistoryError;
use stratigraph_engine::{At, BranchName, Commit, CommitGraph, CommitId, ManifestVersion};

use crate::natural;

/// Finds the commit, or says why there is none. O(commits) for versions and times, which are looked for along the branch.
pub(super) fn resolve(graph: &CommitGraph, text: &str) -> Result<CommitId, String> {
    let at: At = text.parse().map_err(|error: HistoryError| error.to_string())?;
    match branch_first(graph, at) {
        At::Branch(branch) => graph.heads().get(&branch).copied().ok_or_else(|| unknown(graph, branch.as_str())),
        At::Commit(id) if graph.get(id).is_some() => Ok(id),
        At::Commit(id) => Err(format!("no commit {id} in the history")),
        At::Name { name, .. } => match head_named(graph, &name) {
            Some(head) => Ok(head),
            None => graph.resolve_id(&name).map_err(|error| match error {
                HistoryError::UnknownCommit { .. } => unknown(graph, &name),
                error => error.to_string(),
            }),
        },
        At::Version { branch, version } => version_of(graph, &branch, version),
        At::Time { branch, micros } => newest_at(graph, &branch, micros),
    }
}

/// A name that is no branch may mean something else.
fn branch_first(graph: &CommitGraph, at: At) -> At {
    match at {
        At::Name { name, on } if head_named(graph, &name).is_none() => {
            At::unless_branch(&name, &on).unwrap_or(At::Name { name, on })
        }
        at => at,
    }
}

/// Most branches that a message lists.
const LISTED: usize = 20;

/// Says what there is instead of a name that fits nothing.
fn unknown(graph: &CommitGraph, name: &str) -> String {
    let mut names: Vec<&BranchName> = graph.heads().keys().collect();
    names.sort_by(|left, right| natural::branches(left, right));
    let mut known: Vec<String> = names.into_iter().take(LISTED).map(ToString::to_string).collect();
    let more = graph.heads().len().saturating_sub(LISTED);
    known.extend((more > 0).then(|| format!("and {more} more")));
    HistoryError::UnknownName { name: name.to_owned(), known }.to_string()
}

fn head_named(graph: &CommitGraph, name: &str) -> Option<CommitId> {
    graph.heads().iter().find(|(branch, _)| branch.as_str() == name).map(|(_, head)| *head)
}

fn version_of(graph: &CommitGraph, branch: &BranchName, version: ManifestVersion) -> Result<CommitId, String> {
    let found = chain(graph, branch).find(|commit| commit.manifest_version == version);
    found.map(|commit| commit.id).ok_or_else(|| format!("no commit of {branch} published version {version}"))
}

fn newest_at(graph: &CommitGraph, branch: &BranchName, micros: i64) -> Result<CommitId, String> {
    let found = chain(graph, branch).find(|commit| commit.created_at_micros <= micros);
    found.map(|commit| commit.id).ok_or_else(|| format!("{branch} has no commit that old"))
}

/// The commits of a branch, newest first.
fn chain<'a>(graph: &'a CommitGraph, branch: &BranchName) -> impl Iterator<Item = &'a Commit> {
    graph.heads().get(branch).into_iter().flat_map(|head| graph.first_parents(*head))
}
