//! The commits of some branches, without those of the others.

use std::collections::BTreeMap;

use super::lineage::Lineage;
use super::{CommitGraph, HistoryProblem};
use crate::error::{Error, Result};
use crate::id::BranchName;
use crate::storage::Storage;

/// Reads the commits that some branches see, inherited ones included, without actors and changes. What cannot be read of one of them is
/// a problem of the result; a parent that none of them sees is one as well, although another branch may have it.
pub(crate) async fn read_lineages(storage: &Storage, branches: &[BranchName]) -> CommitGraph {
    let (mut commits, mut heads, mut problems) = (Vec::new(), BTreeMap::new(), Vec::new());
    for branch in branches {
        match read(storage, branch, &mut problems).await {
            Ok(mut lineage) => {
                let head = lineage.head().await.ok().flatten();
                heads.extend(head.map(|head| (branch.clone(), head.id)));
                commits.extend_from_slice(lineage.commits());
            }
            Err(error) => problems.push(unreadable(branch, &error)),
        }
    }
    CommitGraph::new(commits, heads, problems)
}

async fn read(storage: &Storage, branch: &BranchName, problems: &mut Vec<HistoryProblem>) -> Result<Lineage> {
    let mut lineage = Lineage::open(storage, branch).await?;
    lineage.read_all().await?;
    problems.extend(lineage.unreadable().iter().map(|row| HistoryProblem::UnreadableCommit { id: row.id.clone() }));
    Ok(lineage)
}

fn unreadable(branch: &BranchName, error: &Error) -> HistoryProblem {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let reason = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    HistoryProblem::UnreadableBranch { branch: branch.clone(), reason }
}
