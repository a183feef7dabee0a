//! Making and deleting branches.
//!
//! The branch of `__manifest` is the authority: it is made first and deleted first, and what it does not confirm is garbage.

use std::collections::BTreeSet;

use super::Graph;
use super::branch_start::Start;
use super::resolve::unknown_branch;
use crate::error::{Error, ErrorKind, Result};
use crate::fail::fail_point;
use crate::history::{At, branch_names, branch_refs, descendants, remains_of_branches};
use crate::id::{BranchName, CommitId, LONGEST_BRANCH, ManifestVersion, TableKey};
use crate::manifest;
use crate::recovery;
use crate::storage::{Storage, StorageError, names};
use crate::write::{Gate, WriteError, Writer, complete_history, refuse_during_schema_apply};

/// Why a branch was not made or deleted. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BranchError {
    /// Main is there from the beginning and for ever.
    #[error("cannot {operation} branch main: every graph has it, and all others start on it")]
    Main {
        /// `create` or `delete`.
        operation: &'static str,
    },
    /// The name is kept for the program itself.
    #[error("`{name}` is a reserved name: choose another")]
    Reserved {
        /// The name.
        name: String,
    },
    /// The name would not fit where it is stored.
    #[error(
        "the branch name `{name}` is too long: files are named by it, where it takes {} bytes of at most {} (a letter or \
         digit of ASCII takes 1, a slash 5, any other character 10 or more); choose a shorter one",
        .name.file_bytes(), LONGEST_BRANCH
    )]
    TooLong {
        /// The name.
        name: BranchName,
    },
    /// A part of the name means a folder to the file system.
    #[error("`{name}` cannot be a branch: `.` alone is no part of a name")]
    Dot {
        /// The name.
        name: BranchName,
    },
    /// There is a branch of this name.
    #[error("branch `{name}` exists already")]
    Exists {
        /// The name.
        name: BranchName,
    },
    /// One name is a folder of the other, so deleting one would delete the other's files.
    #[error(
        "`{name}` and branch `{other}` would share a folder: choose a name that does not begin with the other and a slash"
    )]
    Overlaps {
        /// The name asked for.
        name: BranchName,
        /// The branch that exists.
        other: BranchName,
    },
    /// No commit published that version, so it has no history to start with.
    #[error("no branch can start at {branch}@v{version}: no commit published it; start at a commit, which `log` lists")]
    NoCommit {
        /// The branch.
        branch: BranchName,
        /// Its version.
        version: ManifestVersion,
    },
    /// The rows of commits were never stored so that this one was the newest.
    #[error(
        "no branch can start at commit {commit}: the commits of {branch} have no version that ends with it; start at another commit"
    )]
    NotAlone {
        /// The commit.
        commit: CommitId,
        /// Its branch.
        branch: BranchName,
    },
    /// The schema was another one, and all branches share today's.
    #[error(
        "no branch can start at commit {commit}: {table_key} is not the table that today's schema describes; start at a later commit"
    )]
    OtherSchema {
        /// The commit.
        commit: CommitId,
        /// A table that differs, or is on one side only.
        table_key: TableKey,
    },
    /// A table's files are not those that the commit published.
    #[error(
        "no branch can start at commit {commit}: the version of {table_key} that it published is not there any more; start at \
         another commit"
    )]
    Replaced {
        /// The commit.
        commit: CommitId,
        /// The table.
        table_key: TableKey,
    },
    /// A write to a branch of this name was interrupted, and would be taken for one to the new branch.
    #[error(
        "`{name}` had a write that was interrupted ({operation_id}): open the graph for writing again, which settles it, then retry"
    )]
    Interrupted {
        /// The name.
        name: BranchName,
        /// The write's operation.
        operation_id: String,
    },
    /// It is not what it was when deleting it was decided.
    #[error("cannot delete branch `{name}`: it was at {}, it is at {}; look at it again", place(*.shown), place(*.found))]
    Moved {
        /// The branch.
        name: BranchName,
        /// Its head then; none if it had no known commit.
        shown: Option<CommitId>,
        /// Its head now.
        found: Option<CommitId>,
    },
    /// Other branches start on it, or on one of those.
    #[error("cannot delete branch `{name}`: {}", in_use(.dependents))]
    InUse {
        /// The branch.
        name: BranchName,
        /// Those that depend on it, in an order in which they can be deleted.
        dependents: Vec<BranchName>,
    },
}

fn in_use(dependents: &[BranchName]) -> String {
    match dependents {
        [only] => format!("`{only}` still depends on it; delete that branch first"),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
            format!(
                "{} branches still depend on it; delete them first, in this order: {}",
                several.len(),
                names.join(", ")
            )
        }
    }
}

fn place(head: Option<CommitId>) -> String {
    head.map_or_else(|| "no known commit".to_owned(), |head| format!("commit {head}"))
}

impl BranchError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Main { .. }
            | Self::Reserved { .. }
            | Self::TooLong { .. }
            | Self::Dot { .. }
            | Self::Overlaps { .. } => ErrorKind::Invalid,
            Self::Exists { .. }
            | Self::InUse { .. }
            | Self::Moved { .. }
            | Self::Interrupted { .. }
            | Self::NoCommit { .. }
            | Self::NotAlone { .. }
            | Self::OtherSchema { .. }
            | Self::Replaced { .. } => ErrorKind::Conflict,
        }
    }
}

/// What a branch must be to be deleted.
#[derive(Debug, Clone, Copy)]
enum Expected {
    Anything,
    /// Its head; none: no known commit.
    Head(Option<CommitId>),
}

impl Graph {
    /// Makes a branch that starts at the head of another. Costs the same however large the graph is.
    ///
    /// # Errors
    /// [`BranchError`], [`crate::history::HistoryError::UnknownBranch`] for the source, [`crate::write::WriteError::SchemaApply`],
    /// [`StorageError`], after which the branch does not exist.
    pub async fn create_branch(&self, name: &BranchName, from: &BranchName) -> Result<()> {
        Box::pin(self.create_branch_at(name, &At::Branch(from.clone()))).await
    }

    /// Makes a branch that starts at a position: the head of a branch, or a commit, whose state and history it then has.
    ///
    /// # Errors
    /// As [`Graph::create_branch`] and [`Graph::resolve`]; [`BranchError::NoCommit`], [`BranchError::NotAlone`] and
    /// [`BranchError::OtherSchema`] where the format has no such branch, [`StorageError::VersionGone`] if a table was cleaned up.
    pub async fn create_branch_at(&self, name: &BranchName, at: &At) -> Result<()> {
        check_name(name)?;
        let writer = self.ready_writer().await?;
        // Of writes to a branch of this name that is gone.
        Box::pin(recovery::heal(writer)).await?;
        let origin = self.origin(at).await?;
        // Both datasets fork at versions that belong together: nobody publishes in between.
        let gates = [Gate::Branches, Gate::Publish(origin.lineage().clone())];
        let _held = writer.gates.acquire(gates).await;
        let _alone = writer.gates.soon_alone().await.ok_or(WriteError::Excluded)?;
        refuse_during_schema_apply(self.storage(), "creating a branch").await?;
        let existing = branch_names(self.storage()).await?;
        check_new_branch(name, &existing)?;
        if !existing.contains(origin.lineage()) {
            return Err(unknown_branch(origin.lineage().as_str(), &existing).into());
        }
        if let Some(operation_id) = interrupted_on(writer, name).await? {
            return Err(BranchError::Interrupted { name: name.clone(), operation_id }.into());
        }
        let started = async {
            Box::pin(complete_history(writer, origin.lineage())).await?;
            self.start(writer, &origin).await
        };
        match started.await {
            Ok(start) => make(self.storage(), name, &start).await,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(self.unknown_or_broken(origin.lineage(), error).await)
            }
            Err(error) => Err(error),
        }
    }

    /// The branches that were made from this one, or from one of those, in an order in which they can be deleted before it.
    ///
    /// # Errors
    /// [`StorageError`] if the branches cannot be listed.
    pub async fn branches_from(&self, name: &BranchName) -> Result<Vec<BranchName>> {
        Ok(descendants(name, &branch_refs(self.storage()).await?))
    }

    /// Lists the names of branches that are gone and whose commits are still stored, sorted: deleting one was interrupted, or its reference
    /// in the manifest was lost. The next branch of the name removes them.
    ///
    /// # Errors
    /// [`StorageError`] if the branches cannot be listed.
    pub async fn remains_of_branches(&self) -> Result<Vec<BranchName>> {
        remains_of_branches(self.storage()).await
    }

    /// Deletes a branch. Its commits that no other branch has are lost.
    ///
    /// What cannot be removed besides the branch itself is garbage that the next use of the name takes away; it is logged.
    ///
    /// # Errors
    /// [`BranchError`], [`crate::history::HistoryError::UnknownBranch`], [`crate::write::WriteError::SchemaApply`], [`StorageError`].
    pub async fn delete_branch(&self, name: &BranchName) -> Result<()> {
        Box::pin(self.delete(name, Expected::Anything)).await
    }

    /// As [`Graph::delete_branch`], if its head is the one that was shown to whoever decided it (none: no known commit).
    ///
    /// # Errors
    /// As there; [`BranchError::Moved`] if it is another one.
    pub async fn delete_branch_at(&self, name: &BranchName, shown: Option<CommitId>) -> Result<()> {
        Box::pin(self.delete(name, Expected::Head(shown))).await
    }

    async fn delete(&self, name: &BranchName, expected: Expected) -> Result<()> {
        let writer = self.ready_writer().await?;
        // Nobody writes to the branch meanwhile: what such a write publishes could land on a new branch of the same name.
        let tables = self.schema().catalog().tables().map(|table| Gate::Table(table.key().clone(), name.clone()));
        let gates = tables.chain([Gate::Branches, Gate::Merge(name.clone()), Gate::Publish(name.clone())]);
        let held = writer.gates.acquire(gates).await;
        let alone = writer.gates.soon_alone().await.ok_or(WriteError::Excluded)?;
        refuse_during_schema_apply(self.storage(), "deleting a branch").await?;
        if name.is_main() {
            return Err(BranchError::Main { operation: "delete" }.into());
        }
        let refs = branch_refs(self.storage()).await?;
        if !refs.iter().any(|(existing, _)| existing == name) {
            let existing: Vec<BranchName> = refs.into_iter().map(|(name, _)| name).collect();
            return Err(unknown_branch(name.as_str(), &existing).into());
        }
        let dependents = descendants(name, &refs);
        if !dependents.is_empty() {
            return Err(BranchError::InUse { name: name.clone(), dependents }.into());
        }
        if let Expected::Head(shown) = expected {
            let found = self.shown_head(name, shown).await?;
            if found != shown {
                return Err(BranchError::Moved { name: name.clone(), shown, found }.into());
            }
        }
        remove(writer, name).await?;
        drop((held, alone));
        // What was interrupted on the branch is settled now; whoever takes its name before does it first.
        if let Err(error) = Box::pin(recovery::heal(writer)).await {
            tracing::warn!("branch {name} is deleted, what was interrupted on it is not settled: {error}");
        }
        Ok(())
    }

    /// The head of a branch as it is shown: what is published and belongs to no commit yet is no part of it. A branch that was shown
    /// without a head because it cannot be read still has none.
    async fn shown_head(&self, name: &BranchName, shown: Option<CommitId>) -> Result<Option<CommitId>> {
        match self.resolve(&At::Branch(name.clone())).await {
            Ok(position) => Ok(position.commit),
            Err(error) => match shown {
                Some(_) => Err(error),
                None => Ok(None),
            },
        }
    }
}

/// A write to a branch of this name that was interrupted.
async fn interrupted_on(writer: &Writer, name: &BranchName) -> Result<Option<String>> {
    let sidecars = recovery::list_sidecars(&writer.storage).await?;
    let mut readable = sidecars.iter().filter_map(recovery::SidecarFile::readable);
    Ok(readable.find(|sidecar| sidecar.branch() == *name).map(|sidecar| sidecar.operation_id.clone()))
}

/// Whether a name may become that of a branch, whatever branches there are.
fn check_name(name: &BranchName) -> Result<(), BranchError> {
    if name.is_main() {
        return Err(BranchError::Main { operation: "create" });
    }
    if name.as_str() == names::SCHEMA_APPLY_LOCK {
        return Err(BranchError::Reserved { name: name.to_string() });
    }
    if name.as_str().split('/').any(|segment| segment == ".") {
        return Err(BranchError::Dot { name: name.clone() });
    }
    if name.file_bytes() > LONGEST_BRANCH { Err(BranchError::TooLong { name: name.clone() }) } else { Ok(()) }
}

/// Whether a name may become that of a new branch, beside those that exist: names are prefix-disjoint (engine-behaviour §3).
///
/// # Errors
/// [`BranchError::Main`], [`BranchError::Reserved`], [`BranchError::TooLong`], [`BranchError::Dot`], [`BranchError::Exists`],
/// [`BranchError::Overlaps`].
pub fn check_new_branch(name: &BranchName, existing: &[BranchName]) -> Result<(), BranchError> {
    check_name(name)?;
    if existing.contains(name) {
        return Err(BranchError::Exists { name: name.clone() });
    }
    let inside = |inner: &BranchName, outer: &BranchName| {
        inner.as_str().strip_prefix(outer.as_str()).is_some_and(|rest| rest.starts_with('/'))
    };
    match existing.iter().find(|other| inside(name, other) || inside(other, name)) {
        Some(other) => Err(BranchError::Overlaps { name: name.clone(), other: other.clone() }),
        None => Ok(()),
    }
}

async fn make(storage: &Storage, name: &BranchName, start: &Start) -> Result<()> {
    if storage.has_lineage(names::COMMITS, name.as_str()).await? {
        // A branch that another program made since the name was checked belongs to that program.
        if branch_names(storage).await?.contains(name) {
            return Err(BranchError::Exists { name: name.clone() }.into());
        }
        // These commits are left from a branch that was deleted: the manifest, which says what branches there are, has none.
        tracing::warn!("an earlier branch {name} was deleted and its commits were still there; they are removed");
        storage.delete_lineage(names::COMMITS, name.as_str()).await?;
    }
    let made = match fork_manifest(storage, name, start).await {
        Ok(()) => fork_commits(storage, name, start).await,
        // A branch that another program made at the same moment belongs to that program.
        Err(
            error @ (Error::Branch(BranchError::Exists { .. }) | Error::Storage(StorageError::LineageExists { .. })),
        ) => {
            return Err(error);
        }
        Err(error) => Err(error),
    };
    if made.is_err() {
        for path in [names::MANIFEST, names::COMMITS] {
            if let Err(error) = storage.delete_lineage(path, name.as_str()).await {
                tracing::warn!("cannot take back the half-made branch {name} in {path}: {error}");
            }
        }
    }
    made
}

async fn fork_manifest(storage: &Storage, name: &BranchName, start: &Start) -> Result<()> {
    let (from, stored) = (start.lineage.stored(), name.as_str());
    match storage.fork(names::MANIFEST, from, start.manifest, stored).await {
        Err(StorageError::LineageExists { .. }) if branch_names(storage).await?.contains(name) => {
            return Err(BranchError::Exists { name: name.clone() }.into());
        }
        // Without a reference these are the files of an attempt that was interrupted.
        Err(StorageError::LineageExists { .. }) => {
            storage.delete_lineage(names::MANIFEST, stored).await?;
            storage.fork(names::MANIFEST, from, start.manifest, stored).await?;
        }
        forked => drop(forked?),
    }
    Ok(())
}

async fn fork_commits(storage: &Storage, name: &BranchName, start: &Start) -> Result<()> {
    fail_point!(crate::fail::BRANCH_CREATE_AFTER_MANIFEST_BRANCH_CREATE);
    storage.fork(names::COMMITS, start.lineage.stored(), start.commits, name.as_str()).await?;
    Ok(())
}

async fn remove(writer: &Writer, name: &BranchName) -> Result<()> {
    let storage = &writer.storage;
    let owned = match owned_tables(storage, name).await {
        Ok(owned) => owned,
        // Nobody can tell which tables a branch holds that cannot be read: whichever has a lineage of its name, since no other branch
        // descends from it.
        Err(error) => {
            tracing::warn!("branch {name} cannot be read and is deleted as it is: {error}");
            tables_with_lineage(storage, name).await?
        }
    };
    storage.delete_lineage(names::MANIFEST, name.as_str()).await?;
    if let Err(error) = reclaim(storage, name, &owned).await {
        tracing::warn!("branch {name} is deleted, some of its files are not: {error}");
    }
    Ok(())
}

/// Paths of the tables whose current version the branch holds itself.
async fn owned_tables(storage: &Storage, name: &BranchName) -> Result<BTreeSet<String>> {
    let entries = manifest::read_branch(storage, name).await?;
    let owned = entries.values().filter(|entry| entry.lineage.as_ref() == Some(name));
    Ok(owned.map(|entry| entry.path.to_string()).collect())
}

async fn tables_with_lineage(storage: &Storage, name: &BranchName) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in manifest::read_branch(storage, &BranchName::main()).await?.values() {
        if storage.has_lineage(&entry.path, name.as_str()).await? {
            found.insert(entry.path.to_string());
        }
    }
    Ok(found)
}

async fn reclaim(storage: &Storage, name: &BranchName, owned: &BTreeSet<String>) -> Result<()> {
    fail_point!(crate::fail::BRANCH_DELETE_BEFORE_COMMIT_GRAPH_RECLAIM);
    storage.delete_lineage(names::COMMITS, name.as_str()).await?;
    fail_point!(crate::fail::BRANCH_DELETE_BEFORE_TABLE_CLEANUP);
    for path in owned {
        storage.delete_lineage(path, name.as_str()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<BranchName> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn names_are_new_and_share_no_folder() {
        let existing = names(&["main", "a/b", "work"]);
        let check = |text: &str| check_new_branch(&text.parse().unwrap(), &existing);
        assert_eq!(check("a/c"), Ok(()));
        assert_eq!(check("workers"), Ok(()));
        assert_eq!(check("__run__x"), Ok(()));
        assert!(matches!(check("main"), Err(BranchError::Main { .. })));
        assert!(matches!(check("__schema_apply_lock__"), Err(BranchError::Reserved { .. })));
        assert!(matches!(check("work"), Err(BranchError::Exists { .. })));
        for (text, fits) in
            [("a".repeat(211), true), ("a".repeat(212), false), ("功".repeat(14), true), ("功".repeat(15), false)]
        {
            let told = check(&text);
            assert_eq!(told.is_ok(), fits, "{told:?}");
            assert!(fits || matches!(told, Err(BranchError::TooLong { .. })));
        }
        assert!(matches!(check("a/./b"), Err(BranchError::Dot { .. })));
        for overlapping in ["a", "a/b/c", "work/1"] {
            assert!(matches!(check(overlapping), Err(BranchError::Overlaps { .. })), "{overlapping}");
        }
    }
}
