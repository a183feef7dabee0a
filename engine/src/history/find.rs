//! Finding one commit among the branches.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::branch::list_branch_refs;
use super::lineage::Lineage;
use super::{Commit, CommitGraph, HistoryError};
use crate::error::{ErrorKind, Result};
use crate::id::{BranchName, CommitId};
use crate::storage::Storage;

/// Branches searched at the same time.
const PARALLEL_BRANCHES: usize = 8;

/// Finds a commit by its id: on main from the newest commit back, then on the other branches. Its actor is not joined.
///
/// # Errors
/// A storage error if the commits of a branch cannot be read and no other branch has it.
pub(crate) async fn locate_commit(storage: &Storage, id: CommitId) -> Result<Option<Commit>> {
    if let Some(found) = find_on(storage, &BranchName::main(), id).await? {
        return Ok(Some(found));
    }
    let branches = list_branch_refs(storage).await?.into_iter().map(|(name, _)| name).filter(|name| !name.is_main());
    let searches = branches.map(|branch| async move { find_on(storage, &branch, id).await });
    let mut searches = futures::stream::iter(searches).buffer_unordered(PARALLEL_BRANCHES);
    let mut failed = None;
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

/// Finds the one commit whose id ends with a text. That no other one ends so takes the commits of all branches.
///
/// # Errors
/// [`HistoryError::UnknownCommit`], [`HistoryError::AmbiguousCommit`]; a storage error if the branches cannot be listed.
pub(crate) async fn locate_commit_by_end(storage: &Storage, end: &str) -> Result<Commit> {
    if end.is_empty() || end.len() > 26 || !end.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(HistoryError::UnknownCommit { text: end.to_owned() }.into());
    }
    let suffix = end.to_ascii_uppercase();
    let mut fitting: BTreeMap<CommitId, Commit> = BTreeMap::new();
    // Main first: the others find what they share with it in memory.
    let (main, others): (Vec<_>, Vec<_>) =
        list_branch_refs(storage).await?.into_iter().map(|(name, _)| name).partition(BranchName::is_main);
    for branches in [main, others] {
        let reads = branches.into_iter().map(|branch| async move { all_commits(storage, &branch).await });
        let mut reads = futures::stream::iter(reads).buffer_unordered(PARALLEL_BRANCHES);
        while let Some(read) = reads.next().await {
            // A branch that cannot be read hides its own commits, not those of the others.
            let found = read.unwrap_or_default().into_iter().filter(|commit| commit.id.to_string().ends_with(&suffix));
            fitting.extend(found.map(|commit| (commit.id, commit)));
        }
    }
    let found = CommitGraph::part(fitting.into_values().collect(), BTreeMap::new(), Vec::new());
    let id = found.resolve_id(end)?;
    Ok(found.get(id).cloned().expect("BUG: a resolved commit is in its graph"))
}

async fn all_commits(storage: &Storage, branch: &BranchName) -> Result<Vec<Commit>> {
    let mut lineage = Lineage::open(storage, branch).await?;
    lineage.read_all().await?;
    Ok(lineage.commits().to_vec())
}
