//! Position → snapshot.

use std::collections::BTreeSet;

use futures::FutureExt;

use super::Graph;
use crate::error::{Error, ErrorKind, Result};
use crate::history::{
    At, Branch, Commit, HistoryError, Lineage, Position, Snapshot, branch_names, locate_commit, locate_commit_by_end,
    read_branch, time_text,
};
use crate::id::{BranchName, CommitId, ManifestVersion};
use crate::manifest;
use crate::storage::names;

impl Graph {
    /// The graph at a position.
    ///
    /// # Errors
    /// [`HistoryError`] naming what is unknown, ambiguous, deleted or out of range; a storage error if the manifest cannot be
    /// read.
    pub async fn snapshot(&self, at: &At) -> Result<Snapshot> {
        let position = self.resolve(at).await?;
        self.read_snapshot(position.branch, position.version, position.commit).await
    }

    /// The graph as a commit published it. Reads one manifest.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub async fn snapshot_of(&self, commit: &Commit) -> Result<Snapshot> {
        let read = self.read_snapshot(commit.branch.clone(), commit.manifest_version, Some(commit.id)).await;
        match read {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // The branch itself may be gone, which explains more than a missing version does.
                self.position_of(commit).await?;
                Err(error)
            }
            read => read,
        }
    }

    /// Finds which version of which branch a position means.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub async fn resolve(&self, at: &At) -> Result<Position> {
        match at {
            At::Branch(branch) => self.head_position(branch).await,
            At::Commit(id) => self.commit_position(*id).await,
            At::Name { name, on } => self.name_position(name, on).await,
            At::Version { branch, version } => self.version_position(branch, *version).await,
            At::Time { branch, micros } => self.time_position(branch, *micros).await,
        }
    }

    async fn read_snapshot(
        &self,
        branch: BranchName,
        version: ManifestVersion,
        commit: Option<CommitId>,
    ) -> Result<Snapshot> {
        let state = manifest::open(self.storage(), &branch, Some(version.get())).await?;
        manifest::check_old_stamp(manifest::stamp(&state))?;
        let entries = manifest::read_state(&state).await?;
        Ok(Snapshot { branch, version, commit, entries })
    }

    async fn name_position(&self, name: &str, on: &BranchName) -> Result<Position> {
        let branch = BranchName::from_stored(Some(name));
        if self.has_branch(&branch).await? {
            return self.head_position(&branch).await;
        }
        match At::unless_branch(name, on) {
            Some(At::Version { branch, version }) => return self.version_position(&branch, version).await,
            Some(At::Time { branch, micros }) => return self.time_position(&branch, micros).await,
            Some(At::Branch(_) | At::Commit(_) | At::Name { .. }) | None => {}
        }
        match locate_commit_by_end(self.storage(), name).await {
            Ok(commit) => self.position_of(&commit).await,
            Err(Error::History(HistoryError::UnknownCommit { .. })) => {
                let known = self.branch_names().await?.iter().map(ToString::to_string).collect();
                Err(HistoryError::UnknownName { name: name.to_owned(), known }.into())
            }
            Err(error) => Err(error),
        }
    }

    async fn head_position(&self, branch: &BranchName) -> Result<Position> {
        let version = self.newest_version(branch).await?;
        let commit = self.commit_of(branch, version).await?;
        Ok(Position { branch: branch.clone(), version, commit, is_head: true })
    }

    async fn commit_position(&self, id: CommitId) -> Result<Position> {
        self.position_of(&self.commit(id).await?).await
    }

    /// Finds a commit by its id, on whichever branch it is; its actor is not joined.
    ///
    /// Main is searched first, from its newest commit back, then the other branches.
    ///
    /// # Errors
    /// [`HistoryError::UnknownCommit`]; a storage error if commits cannot be read.
    pub async fn commit(&self, id: CommitId) -> Result<Commit> {
        let found = locate_commit(self.storage(), id).await?;
        found.ok_or_else(|| HistoryError::UnknownCommit { text: id.to_string() }.into())
    }

    /// Returns the newest commit of a branch; none if it has no commit that can be read.
    ///
    /// # Errors
    /// A storage error if its commits cannot be read.
    pub async fn head_commit(&self, branch: &BranchName) -> Result<Option<CommitId>> {
        let mut lineage = Lineage::open(self.storage(), branch).await?;
        Ok(lineage.head().await?.map(|head| head.id))
    }

    async fn position_of(&self, commit: &Commit) -> Result<Position> {
        if !self.has_branch(&commit.branch).await? {
            let branch = commit.branch.to_string();
            return Err(HistoryError::BranchGone { id: commit.id.to_string(), branch }.into());
        }
        let newest = self.newest_version(&commit.branch).await?;
        let is_head =
            newest == commit.manifest_version || self.commit_of(&commit.branch, newest).await? == Some(commit.id);
        let (branch, version) = (commit.branch.clone(), commit.manifest_version);
        Ok(Position { branch, version, commit: Some(commit.id), is_head })
    }

    async fn version_position(&self, branch: &BranchName, version: ManifestVersion) -> Result<Position> {
        let newest = self.newest_version(branch).await?;
        if version > newest || version.get() == 0 {
            let (branch, version, newest) = (branch.to_string(), version.get(), newest.get());
            return Err(HistoryError::UnknownVersion { branch, version, newest }.into());
        }
        let branch = self.holder(branch, version).await?;
        let commit = self.commit_of(&branch, version).await?;
        Ok(Position { commit, is_head: version == newest, branch, version })
    }

    /// The branch whose own folder holds a version: a branch inherits the versions before its fork from its parent.
    async fn holder(&self, branch: &BranchName, version: ManifestVersion) -> Result<BranchName> {
        let mut holder = branch.clone();
        let mut seen = BTreeSet::new();
        while let Some(name) = holder.stored().map(str::to_owned) {
            match self.storage().read_ref(names::MANIFEST, &name).await? {
                // Stored parents that form a circle are an end as well.
                Some(lineage) if version.get() < lineage.parent_version && seen.insert(name) => {
                    holder = BranchName::from_stored(lineage.parent.as_deref());
                }
                Some(_) | None => break,
            }
        }
        Ok(holder)
    }

    async fn time_position(&self, branch: &BranchName, micros: i64) -> Result<Position> {
        // A branch that does not exist is reported as such.
        self.newest_version(branch).await?;
        let mut lineage = Lineage::open(self.storage(), branch).await?;
        let Some(commit) = lineage.newest_at(micros).await? else {
            let time = time_text(micros);
            return Err(HistoryError::BeforeHistory { branch: branch.to_string(), time }.into());
        };
        let position = self.position_of(&commit).await?;
        Ok(Position { is_head: position.is_head && commit.branch == *branch, ..position })
    }

    /// Returns the commit whose state a version of a branch shows, the branch's inherited versions included. Mostly it published that
    /// version; putting files together makes versions that repeat the state before (graph-format §7.5). None if no commit row says so,
    /// or if they cannot be read: the state can be read all the same.
    async fn commit_of(&self, branch: &BranchName, version: ManifestVersion) -> Result<Option<CommitId>> {
        let newest = async {
            let mut lineage = Lineage::open(self.storage(), branch).await?;
            lineage.newest_until(version).await
        };
        let commit = match newest.await {
            Ok(Some(commit)) => commit,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::warn!("the commits of {branch} cannot be read: {error}");
                return Ok(None);
            }
        };
        if commit.manifest_version == version {
            return Ok(Some(commit.id));
        }
        let then = match manifest::open(self.storage(), &commit.branch, Some(commit.manifest_version.get())).await {
            Ok(then) => then,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let now = manifest::open(self.storage(), branch, Some(version.get())).await?;
        let is_repeated = manifest::read_state(&then).await? == manifest::read_state(&now).await?;
        Ok(is_repeated.then_some(commit.id))
    }

    /// Refuses a branch that does not exist.
    ///
    /// # Errors
    /// [`HistoryError::UnknownBranch`] listing those that do.
    pub(crate) async fn check_branch(&self, branch: &BranchName) -> Result<()> {
        if self.has_branch(branch).await? {
            return Ok(());
        }
        Err(unknown_branch(branch.as_str(), &self.branch_names().await?).into())
    }

    /// Returns whether there is a branch of this name, without looking at the others.
    async fn has_branch(&self, branch: &BranchName) -> Result<bool> {
        let Some(name) = branch.stored() else { return Ok(true) };
        if name == names::SCHEMA_APPLY_LOCK {
            return Ok(false);
        }
        if manifest::is_legacy(name) {
            return Ok(self.branch_names().await?.contains(branch));
        }
        Ok(self.storage().read_ref(names::MANIFEST, name).await?.is_some())
    }

    async fn newest_version(&self, branch: &BranchName) -> Result<ManifestVersion> {
        match self.storage().head(names::MANIFEST, branch.stored()).await {
            Ok(version) => Ok(ManifestVersion::new(version)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(self.unknown_or_broken(branch, error.into()).await)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the error for a branch whose manifest was not found: it is unknown or broken. For any other branch it is the error that was
    /// met.
    pub(super) async fn unknown_or_broken(&self, branch: &BranchName, met: Error) -> Error {
        match read_branch(self.storage(), branch).boxed().await {
            Ok(Branch { broken: Some(reason), .. }) => {
                HistoryError::BrokenBranch { branch: branch.to_string(), reason }.into()
            }
            Ok(_) => met,
            Err(unknown) => unknown,
        }
    }

    pub(super) async fn branch_names(&self) -> Result<Vec<BranchName>> {
        branch_names(self.storage()).await
    }
}

pub(super) fn unknown_branch(name: &str, known: &[BranchName]) -> HistoryError {
    HistoryError::UnknownBranch { name: name.to_owned(), known: known.iter().map(ToString::to_string).collect() }
}
