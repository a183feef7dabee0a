//! Position → snapshot.

use super::Graph;
use crate::error::{ErrorKind, Result};
use crate::history::{At, Commit, CommitGraph, HistoryError, Position, Snapshot, branch_refs, time_text};
use crate::id::{BranchName, CommitId, ManifestVersion};
use crate::manifest;
use crate::progress::Progress;
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
        let known = self.branch_names().await?;
        if known.contains(&branch) {
            return self.head_position(&branch).await;
        }
        match At::unless_branch(name, on) {
            Some(At::Version { branch, version }) => return self.version_position(&branch, version).await,
            Some(At::Time { branch, micros }) => return self.time_position(&branch, micros).await,
            Some(At::Branch(_) | At::Commit(_) | At::Name { .. }) | None => {}
        }
        let history = self.history(&Progress::none()).await?;
        match history.resolve_id(name) {
            Ok(id) => self.commit_position(id).await,
            Err(HistoryError::UnknownCommit { .. }) => {
                let known = known.iter().map(ToString::to_string).collect();
                Err(HistoryError::UnknownName { name: name.to_owned(), known }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn head_position(&self, branch: &BranchName) -> Result<Position> {
        let version = self.newest_version(branch).await?;
        let history = self.history(&Progress::none()).await?;
        let commit = self.commit_of(&history, branch, version).await?;
        Ok(Position { branch: branch.clone(), version, commit, is_head: true })
    }

    async fn commit_position(&self, id: CommitId) -> Result<Position> {
        let history = self.history(&Progress::none()).await?;
        let commit = history.get(id).ok_or_else(|| HistoryError::UnknownCommit { text: id.to_string() })?;
        self.position_of(commit).await
    }

    async fn position_of(&self, commit: &Commit) -> Result<Position> {
        if !self.branch_names().await?.contains(&commit.branch) {
            let branch = commit.branch.to_string();
            return Err(HistoryError::BranchGone { id: commit.id.to_string(), branch }.into());
        }
        let newest = self.newest_version(&commit.branch).await?;
        let is_head = newest == commit.manifest_version || {
            let history = self.history(&Progress::none()).await?;
            self.commit_of(&history, &commit.branch, newest).await? == Some(commit.id)
        };
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
        let history = self.history(&Progress::none()).await?;
        let commit = self.commit_of(&history, &branch, version).await?;
        Ok(Position { commit, is_head: version == newest, branch, version })
    }

    /// The branch whose own folder holds a version: a branch inherits the versions before its fork from its parent.
    async fn holder(&self, branch: &BranchName, version: ManifestVersion) -> Result<BranchName> {
        let refs = branch_refs(self.storage()).await?;
        let mut holder = branch.clone();
        // A chain of parents is no longer than the list of branches.
        for _ in 0..refs.len() {
            let lineage = refs.iter().find(|(name, _)| *name == holder).and_then(|(_, lineage)| lineage.as_ref());
            match lineage {
                Some(lineage) if version.get() < lineage.parent_version => {
                    holder = BranchName::from_stored(lineage.parent.as_deref());
                }
                Some(_) | None => break,
            }
        }
        Ok(holder)
    }

    async fn time_position(&self, branch: &BranchName, micros: i64) -> Result<Position> {
        // A branch that does not exist is told as such.
        self.newest_version(branch).await?;
        let history = self.history(&Progress::none()).await?;
        let head = history.heads().get(branch).copied();
        let mut chain = head.into_iter().flat_map(|head| history.first_parents(head));
        let Some(commit) = chain.find(|commit| commit.created_at_micros <= micros) else {
            let time = time_text(micros);
            return Err(HistoryError::BeforeHistory { branch: branch.to_string(), time }.into());
        };
        let position = self.position_of(commit).await?;
        Ok(Position { is_head: position.is_head && commit.branch == *branch, ..position })
    }

    /// The commit whose state a version of a branch shows, the branch's inherited versions included. Mostly it published that
    /// version; putting files together makes versions that repeat the state before (graph-format §7.5).
    async fn commit_of(
        &self,
        history: &CommitGraph,
        branch: &BranchName,
        version: ManifestVersion,
    ) -> Result<Option<CommitId>> {
        let Some(commit) = newest_until(history, branch, version) else { return Ok(None) };
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

    async fn newest_version(&self, branch: &BranchName) -> Result<ManifestVersion> {
        match self.storage().head(names::MANIFEST, branch.stored()).await {
            Ok(version) => Ok(ManifestVersion::new(version)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(unknown_branch(branch.as_str(), &self.branch_names().await?).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn branch_names(&self) -> Result<Vec<BranchName>> {
        Ok(branch_refs(self.storage()).await?.into_iter().map(|(name, _)| name).collect())
    }
}

pub(super) fn unknown_branch(name: &str, known: &[BranchName]) -> HistoryError {
    HistoryError::UnknownBranch { name: name.to_owned(), known: known.iter().map(ToString::to_string).collect() }
}

/// The newest commit of a branch, inherited ones included, that is not after a version. Merges that changed nothing repeat a
/// version: the newest counts.
fn newest_until<'h>(history: &'h CommitGraph, branch: &BranchName, version: ManifestVersion) -> Option<&'h Commit> {
    let head = *history.heads().get(branch)?;
    history.first_parents(head).find(|commit| commit.manifest_version <= version)
}
