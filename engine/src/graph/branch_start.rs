//! Where a branch may start: at the head of another, or at any commit that is still readable.
//!
//! A branch is a lineage of `__manifest` and one of the commits (graph-format §8.2). Both may fork at an older version, as long as
//! they say the same: the manifest at the version that the commit published, the commits at the version whose newest row is that
//! very commit. The tables then are those the commit saw, and must still be there and fit the schema, which all branches share.

use super::Graph;
use super::branches::BranchError;
use crate::error::Result;
use crate::history::{At, Commit, Position, branch_names, read_newest};
use crate::id::BranchName;
use crate::manifest;
use crate::storage::{Storage, Table, names};
use crate::write::Writer;

/// One version of each of the two datasets, on the lineage of one branch.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) lineage: BranchName,
    pub(super) manifest: u64,
    pub(super) commits: u64,
}

/// What a position means as a start. A head is found again under the gates, as it moves.
#[derive(Debug)]
pub(super) enum Origin {
    Head(BranchName),
    Commit(Box<Commit>),
}

impl Origin {
    /// The branch whose lineages fork.
    pub(super) fn lineage(&self) -> &BranchName {
        match self {
            Self::Head(branch) => branch,
            Self::Commit(commit) => &commit.branch,
        }
    }
}

impl Graph {
    /// Finds what a position means.
    ///
    /// # Errors
    /// As [`Graph::resolve`]; [`BranchError::NoCommit`] for a version that no commit published.
    pub(super) async fn origin(&self, at: &At) -> Result<Origin> {
        match at {
            // Whether it exists is asked under the gates.
            At::Branch(branch) => return Ok(Origin::Head(branch.clone())),
            At::Name { name, .. } => {
                let branch = BranchName::from_stored(Some(name));
                if branch_names(self.storage()).await?.contains(&branch) {
                    return Ok(Origin::Head(branch));
                }
            }
            At::Commit(_) | At::Version { .. } | At::Time { .. } => {}
        }
        let Position { branch, version, commit, .. } = self.resolve(at).await?;
        let found = match commit {
            Some(id) => Some(self.commit(id).await?),
            None => None,
        };
        found
            .map(|commit| Origin::Commit(Box::new(commit)))
            .ok_or_else(|| BranchError::NoCommit { branch, version }.into())
    }

    /// The versions at which a branch from there forks. Nobody may publish on the lineage meanwhile.
    ///
    /// # Errors
    /// [`BranchError::NotAlone`] if no version of the commits ends with the commit, [`BranchError::OtherSchema`],
    /// [`crate::storage::StorageError::VersionGone`] for a table or a version that was cleaned up.
    pub(super) async fn start(&self, writer: &Writer, origin: &Origin) -> Result<Start> {
        let storage = &writer.storage;
        let lineage = origin.lineage().clone();
        match origin {
            Origin::Head(_) => Ok(Start {
                manifest: storage.open(names::MANIFEST, lineage.stored(), None).await?.version(),
                commits: storage.open(names::COMMITS, lineage.stored(), None).await?.version(),
                lineage,
            }),
            Origin::Commit(commit) => {
                let commits = version_ending_with(writer, commit).await?;
                check_tables(storage, commit).await?;
                Ok(Start { lineage, manifest: commit.manifest_version.get(), commits })
            }
        }
    }
}

/// The version of the commits in which a commit is the head. Heads only grow, so it is found by halving.
async fn version_ending_with(writer: &Writer, commit: &Commit) -> Result<u64> {
    let (storage, lineage) = (&writer.storage, commit.branch.stored());
    let made = match lineage {
        Some(name) => storage.read_ref(names::COMMITS, name).await?,
        None => None,
    };
    let newest = storage.open(names::COMMITS, lineage, None).await?.version();
    let (mut below, mut above) = (made.map_or(1, |made| made.parent_version.max(1)), newest);
    // The last version whose head is not after the commit.
    while below < above {
        let middle = below + (above - below).div_ceil(2);
        let commits = storage.open(names::COMMITS, lineage, Some(middle)).await?;
        match read_newest(&commits).await? {
            Some(head) if head <= commit.head_order() => below = middle,
            Some(_) => above = middle - 1,
            None => return Err(not_alone(commit)),
        }
    }
    let last = read_newest(&storage.open(names::COMMITS, lineage, Some(below)).await?).await?;
    if last.is_some_and(|(_, _, id)| id == commit.id) { Ok(below) } else { Err(not_alone(commit)) }
}

fn not_alone(commit: &Commit) -> crate::Error {
    BranchError::NotAlone { commit: commit.id, branch: commit.branch.clone() }.into()
}

/// All tables of the commit must still be readable, and have the columns of today: branches share one schema.
async fn check_tables(storage: &Storage, commit: &Commit) -> Result<()> {
    let then = manifest::open(storage, &commit.branch, Some(commit.manifest_version.get())).await?;
    manifest::check_old_stamp(manifest::stamp(&then))?;
    let then = manifest::read_state(&then).await?;
    let now = manifest::read_state(&manifest::open(storage, &BranchName::main(), None).await?).await?;
    let other =
        |table_key: &crate::TableKey| BranchError::OtherSchema { commit: commit.id, table_key: table_key.clone() };
    if let Some(missing) = now.keys().find(|key| !then.contains_key(key)) {
        return Err(other(missing).into());
    }
    for (key, entry) in &then {
        let Some(current) = now.get(key) else { return Err(other(key).into()) };
        let table = storage.open(&entry.path, entry.stored_lineage(), Some(entry.version.get())).await?;
        // A lineage that was deleted and made again has other rows under the same number.
        if table.count(None).await? != entry.rows {
            return Err(BranchError::Replaced { commit: commit.id, table_key: key.clone() }.into());
        }
        if current.same_state(entry) {
            continue;
        }
        let current = storage.open(&current.path, current.stored_lineage(), Some(current.version.get())).await?;
        if columns(&table) != columns(&current) {
            return Err(other(key).into());
        }
    }
    Ok(())
}

fn columns(table: &Table) -> Vec<(String, arrow_schema::DataType, bool)> {
    let schema = table.schema();
    schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable())).collect()
}
