//! Finding one commit among the branches.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::branch::list_branch_refs;
use super::lineage::Lineage;
use super::{Commit, CommitGraph, HistoryError};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{BranchName, CommitId};
use crate::storage::Storage;

/// Branches searched at the same time.
const PARALLEL_BRANCHES: usize = 8;

/// Finds a commit by its id: on main from the newest commit back, then on the other branches. Its actor is not joined.
///
/// # Errors
/// A storage error if the commits of a branch cannot be read and no other branch has it.
pub(crate) async fn locate_commit(storage: &Storage, id: CommitId) -> Result<Option<Commit>> {
    let mut failed = match find_on(storage, &BranchName::main(), id).await {
        Ok(Some(found)) => return Ok(Some(found)),
        Ok(None) => None,
        Err(error) => Some(error),
    };
    let branches = list_branch_refs(storage).await?.into_iter().map(|(name, _)| name).filter(|name| !name.is_main());
    let searches = branches.map(|branch| async move { find_on(storage, &branch, id).await });
    let mut searches = futures::stream::iter(searches).buffer_unordered(PARALLEL_BRANCHES);
    while let Some(search) = searches.next().await {
        match search {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(None), Err)
}

async fn find_on(storage: &Storage, branch: &BranchName, id: CommitId) -> Result<Option<Commit>> {
    match Lineage::open(storage, branch).await {
        Ok(mut lineage) => lineage.find(id).await,
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Finds the one commit whose id ends with a text. That no other one ends so takes the commits of all branches, as far as they can be read.
///
/// # Errors
/// [`HistoryError::UnknownCommit`], [`HistoryError::AmbiguousCommit`]; a storage error if the branches cannot be listed, or if commits
/// cannot be read and none of the others ends so.
pub(crate) async fn locate_commit_by_end(storage: &Storage, end: &str) -> Result<Commit> {
    if end.is_empty() || end.len() > 26 || !end.bytes().all(is_digit) {
        return Err(HistoryError::UnknownCommit { text: end.to_owned() }.into());
    }
    let suffix = end.to_ascii_uppercase();
    let mut fitting: BTreeMap<CommitId, Commit> = BTreeMap::new();
    let mut failed = None;
    // Main first: the others find what they share with it in memory.
    let (main, others): (Vec<_>, Vec<_>) =
        list_branch_refs(storage).await?.into_iter().map(|(name, _)| name).partition(BranchName::is_main);
    for branches in [main, others] {
        let reads = branches.into_iter().map(|branch| async move { all_commits(storage, &branch).await });
        let mut reads = futures::stream::iter(reads).buffer_unordered(PARALLEL_BRANCHES);
        while let Some((commits, error)) = reads.next().await {
            let found = commits.into_iter().filter(|commit| commit.id.to_string().ends_with(&suffix));
            fitting.extend(found.map(|commit| (commit.id, commit)));
            failed = failed.or(error);
        }
    }
    let found = CommitGraph::part(fitting.into_values().collect(), BTreeMap::new(), Vec::new());
    match (found.resolve_id(end), failed) {
        (Ok(id), _) => Ok(found.get(id).cloned().expect("BUG: a resolved commit is in its graph")),
        // It may be where nothing could be read.
        (Err(HistoryError::UnknownCommit { .. }), Some(failed)) => Err(failed),
        (Err(error), _) => Err(error.into()),
    }
}

/// Returns whether ids are written with this character, in either case: Crockford's base 32 leaves out letters that look like others.
fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() && !b"ILOU".contains(&byte.to_ascii_uppercase())
}

/// Reads the commits of a branch, from the newest back as far as that goes, and what ends it before the first.
async fn all_commits(storage: &Storage, branch: &BranchName) -> (Vec<Commit>, Option<Error>) {
    let mut lineage = match Lineage::open(storage, branch).await {
        Ok(lineage) => lineage,
        Err(error) => return (Vec::new(), Some(error).filter(|error| error.kind() != ErrorKind::NotFound)),
    };
    let failed = lineage.read_all().await.err();
    (lineage.commits().to_vec(), failed)
}
