//! The commits of some branches, without those of the others.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::lineage::Lineage;
use super::load::spawned;
use super::{CommitGraph, HistoryProblem};
use crate::error::Result;
use crate::id::{BranchName, CommitId};
use crate::storage::Storage;

/// Branches read at the same time.
const PARALLEL_BRANCHES: usize = 8;

/// Reads the commits that some branches see, inherited ones included, without actors and changes. What cannot be read of one of them is
/// a problem of the result; a parent that none of them sees is one as well, although another branch may have it.
pub(crate) async fn read_lineages(storage: &Storage, branches: &[BranchName]) -> CommitGraph {
    let (mut commits, mut heads, mut problems) = (Vec::new(), BTreeMap::new(), Vec::new());
    let reads = branches.iter().map(|branch| {
        let read = spawned(read(storage.clone(), branch.clone()));
        async move { (branch, read.await) }
    });
    let mut reads = std::pin::pin!(futures::stream::iter(reads.collect::<Vec<_>>()).buffered(PARALLEL_BRANCHES));
    while let Some((branch, read)) = reads.next().await {
        match read {
            Ok((lineage, head)) => {
                heads.extend(head.map(|head| (branch.clone(), head)));
                commits.extend_from_slice(lineage.commits());
                let unreadable = lineage.unreadable().iter().map(|row| row.id.clone());
                problems.extend(unreadable.map(|id| HistoryProblem::UnreadableCommit { id }));
            }
            Err(error) => problems.push(HistoryProblem::unreadable_branch(branch.clone(), &error)),
        }
    }
    CommitGraph::new(commits, heads, problems)
}

async fn read(storage: Storage, branch: BranchName) -> Result<(Lineage, Option<CommitId>)> {
    let mut lineage = Lineage::open(&storage, &branch).await?;
    lineage.read_all().await?;
    let head = lineage.head().await.ok().flatten().map(|head| head.id);
    Ok((lineage, head))
}
