//! Branches of the graph: the lineages of `__manifest`.
//!
//! A branch is read from its own lineages alone. What keeps one from being read is its own affair: it is listed as broken, with the
//! reason, and the others are as they are.

use std::collections::HashSet;
use std::path::Path;

use futures::{StreamExt, TryStreamExt};

use super::HistoryError;
use super::error::chain;
use super::lineage::read_head;
use super::load::spawned;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{BranchName, CommitId, ManifestVersion, TableKey};
use crate::manifest;
use crate::storage::{LineageRef, Storage, Table, names};

/// Branches read at the same time.
const PARALLEL_READS: usize = 16;

/// One branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its name.
    pub name: BranchName,
    /// Its newest version; none if its manifest cannot be read.
    pub manifest_version: Option<ManifestVersion>,
    /// Its newest commit; none if its commits cannot be read.
    pub head: Option<CommitId>,
    /// Branch it was made from; none for main, and if that cannot be told.
    pub parent: Option<BranchName>,
    /// Version of the parent it was made at; none for main, and if that cannot be told.
    pub forked_at: Option<ManifestVersion>,
    /// When it was made, microseconds since the epoch; none for main, and if that cannot be told.
    pub created_at_micros: Option<i64>,
    /// Tables whose current version the branch itself holds, in key order. All of them for main's own lineage.
    pub owned_tables: Vec<TableKey>,
    /// Why it cannot be used; none if everything of it can be read.
    pub broken: Option<String>,
    /// Root of another graph whose files it reads: this one was moved or copied from there when it had the branch.
    pub reads_from: Option<String>,
}

/// The public branches with their references: main first, the others by name.
pub(crate) async fn branch_refs(storage: &Storage) -> Result<Vec<(BranchName, Option<LineageRef>)>> {
    let mut lineages = storage.lineage_refs(names::MANIFEST).await?;
    let hides_legacy = hides_legacy(storage, lineages.iter().map(|lineage| lineage.name.as_str())).await?;
    lineages.retain(|lineage| is_public(&lineage.name, hides_legacy));
    let named = lineages.into_iter().map(|lineage| (BranchName::from_stored(Some(&lineage.name)), Some(lineage)));
    Ok(std::iter::once((BranchName::main(), None)).chain(named).collect())
}

/// Lists the public branches without reading a reference: main first, the others by name, each with what tells it from another one
/// that had its name before.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(crate) async fn list_branch_refs(storage: &Storage) -> Result<Vec<(BranchName, Option<String>)>> {
    let mut refs = storage.list_refs(names::MANIFEST).await?;
    let hides_legacy = hides_legacy(storage, refs.iter().map(|found| found.name.as_str())).await?;
    refs.retain(|found| is_public(&found.name, hides_legacy));
    let named = refs.into_iter().map(|found| (BranchName::from_stored(Some(&found.name)), found.e_tag));
    Ok(std::iter::once((BranchName::main(), None)).chain(named).collect())
}

/// The names of the public branches: main first, the others sorted. Costs one listing.
pub(crate) async fn branch_names(storage: &Storage) -> Result<Vec<BranchName>> {
    Ok(list_branch_refs(storage).await?.into_iter().map(|(name, _)| name).collect())
}

/// Lists the names of branches that are gone and whose commits are still stored, sorted. Costs two listings.
///
/// # Errors
/// [`crate::storage::StorageError`].
pub(crate) async fn remains_of_branches(storage: &Storage) -> Result<Vec<BranchName>> {
    // A branch that is made meanwhile has its reference in the manifest first.
    let commits = storage.list_refs(names::COMMITS).await?;
    let branches: HashSet<String> = storage.list_refs(names::MANIFEST).await?.into_iter().map(|it| it.name).collect();
    let gone = commits.into_iter().filter(|it| !branches.contains(&it.name) && is_public(&it.name, true));
    Ok(gone.map(|it| BranchName::from_stored(Some(&it.name))).collect())
}

fn is_public(lineage: &str, hides_legacy: bool) -> bool {
    let is_lock = lineage.trim_start_matches('/') == names::SCHEMA_APPLY_LOCK;
    !(is_lock || (hides_legacy && manifest::is_legacy(lineage)))
}

/// Returns whether staging branches of an old format are among the lineages.
async fn hides_legacy(storage: &Storage, mut lineages: impl Iterator<Item = &str>) -> Result<bool> {
    Ok(lineages.any(manifest::is_legacy)
        && !manifest::is_newest(&manifest::open(storage, &BranchName::main(), None).await?))
}

/// The branches that were made from this one, or from one of those, in an order in which they can be deleted.
pub(crate) fn descendants(name: &BranchName, refs: &[(BranchName, Option<LineageRef>)]) -> Vec<BranchName> {
    let pairs = refs.iter().filter_map(|(child, lineage)| {
        let lineage = lineage.as_ref().filter(|lineage| lineage.unreadable.is_none())?;
        Some((child, BranchName::from_stored(lineage.parent.as_deref())))
    });
    let pairs: Vec<(&BranchName, BranchName)> = pairs.collect();
    let (mut found, mut open) = (Vec::new(), vec![name]);
    while let Some(parent) = open.pop() {
        // A stored cycle ends where it comes back.
        let children = pairs.iter().filter(|(child, of)| of == parent && *child != name && !found.contains(child));
        let children: Vec<&BranchName> = children.map(|(child, _)| *child).collect();
        open.extend(children.iter().copied());
        found.extend(children);
    }
    found.into_iter().rev().cloned().collect()
}

/// Reads every branch from its own lineages, main first, the others by name. One that cannot be read is told as broken.
///
/// # Errors
/// [`crate::storage::StorageError`] if the branches cannot be listed.
pub(crate) async fn list_branches(storage: &Storage) -> Result<Vec<Branch>> {
    let refs = branch_refs(storage).await?;
    let reads = refs.into_iter().map(|(name, lineage)| {
        let storage = storage.clone();
        spawned(async move { Ok(read(&storage, name, lineage).await) })
    });
    futures::stream::iter(reads).buffered(PARALLEL_READS).try_collect().await
}

/// Reads one branch, as [`list_branches`] does.
///
/// # Errors
/// [`HistoryError::UnknownBranch`].
pub(crate) async fn read_branch(storage: &Storage, name: &BranchName) -> Result<Branch> {
    let lineage = match name.stored() {
        None => None,
        Some(stored) => match storage.read_ref(names::MANIFEST, stored).await? {
            Some(lineage) if is_public(stored, false) => Some(lineage),
            Some(_) | None => {
                let known = branch_names(storage).await?.iter().map(ToString::to_string).collect();
                return Err(HistoryError::UnknownBranch { name: name.to_string(), known }.into());
            }
        },
    };
    Ok(read(storage, name.clone(), lineage).await)
}

async fn read(storage: &Storage, name: BranchName, lineage: Option<LineageRef>) -> Branch {
    let manifest = manifest::open(storage, &name, None).await;
    let commits = storage.open(names::COMMITS, name.stored(), None).await.map_err(Error::from);
    let reads_from = [&manifest, &commits].into_iter().flatten().find_map(|table| other_root(storage, table));
    let (manifest_version, owned_tables, state) = match &manifest {
        Ok(manifest) => {
            let version = ManifestVersion::new(manifest.version());
            match owned_tables(manifest, &name).await {
                Ok(owned) => (Some(version), owned, None),
                Err(error) => (Some(version), Vec::new(), Some(told("its tables cannot be read", &error))),
            }
        }
        Err(error) => (None, Vec::new(), Some(told("its manifest cannot be read", error))),
    };
    let head = match commits {
        Ok(commits) => read_head(&commits).await,
        // A graph may have lost all commits, which is another matter.
        Err(error) if name.is_main() && error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let (head, commits) = match head {
        Ok(head) => (head, None),
        Err(error) => (None, Some(told("its commits cannot be read", &error))),
    };
    let damaged = lineage.as_ref().and_then(|lineage| lineage.unreadable.as_ref()).map(ToString::to_string);
    let is_elsewhere = reads_from.as_deref().filter(|root| !Path::new(root).is_dir());
    // What of such files is at hand from another branch does not make it whole.
    let elsewhere = is_elsewhere.map(|root| format!("it reads files of {root}, which is not there"));
    let reason = elsewhere.or(state).or(commits);
    let known = lineage.filter(|lineage| lineage.unreadable.is_none());
    Branch {
        manifest_version,
        head,
        parent: known.as_ref().map(|lineage| BranchName::from_stored(lineage.parent.as_deref())),
        forked_at: known.as_ref().map(|lineage| ManifestVersion::new(lineage.parent_version)),
        created_at_micros: known
            .and_then(|lineage| i64::try_from(lineage.created_at_seconds).ok())
            .map(|seconds| seconds.saturating_mul(1_000_000)),
        owned_tables,
        broken: reason.or(damaged),
        reads_from,
        name,
    }
}

async fn owned_tables(manifest: &Table, name: &BranchName) -> Result<Vec<TableKey>> {
    let entries = manifest::read_state(manifest).await?;
    let owned =
        entries.into_values().filter(|entry| entry.lineage.as_ref().map_or(name.is_main(), |held| held == name));
    Ok(owned.map(|entry| entry.key).collect())
}

fn told(what: &str, error: &Error) -> String {
    format!("{what}: {}", chain(error))
}

/// The root of another graph whose files a lineage reads. A lineage holds the full path of the one that it was branched off.
fn other_root(storage: &Storage, table: &Table) -> Option<String> {
    let root = storage.location().uri();
    let inside = |path: &str| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    table.bases().into_iter().filter(|base| !inside(base)).find_map(|base| {
        let at = [names::MANIFEST, names::COMMITS].iter().find_map(|name| base.rfind(&format!("/{name}")))?;
        let other = &base[..at];
        // Links may lead to the same folder by another path.
        let same = Path::new(other).canonicalize().ok().zip(Path::new(root).canonicalize().ok());
        same.is_none_or(|(a, b)| a != b).then(|| other.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(pairs: &[(&str, Option<&str>)]) -> Vec<(BranchName, Option<LineageRef>)> {
        let lineage = |(name, parent): &(&str, Option<&str>)| {
            let parent = parent.map(str::to_owned);
            let lineage = LineageRef {
                name: (*name).to_owned(),
                parent,
                parent_version: 3,
                created_at_seconds: 0,
                unreadable: None,
            };
            (BranchName::from_stored(Some(name)), Some(lineage))
        };
        std::iter::once((BranchName::main(), None)).chain(pairs.iter().map(lineage)).collect()
    }

    fn told(name: &str, refs: &[(BranchName, Option<LineageRef>)]) -> Vec<String> {
        descendants(&BranchName::from_stored(Some(name)), refs).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn descendants_come_in_an_order_in_which_they_can_be_deleted() {
        let chain = [("c1", None), ("c2", Some("c1")), ("c3", Some("c2")), ("c4", Some("c3")), ("x", None)];
        assert_eq!(told("c1", &refs(&chain)), ["c4", "c3", "c2"]);
        assert_eq!(told("c4", &refs(&chain)), [""; 0]);
        let tree = [("a", None), ("b", Some("a")), ("c", Some("a")), ("d", Some("b")), ("e", Some("b"))];
        let order = told("a", &refs(&tree));
        let place = |name: &str| order.iter().position(|it| it == name).unwrap();
        assert_eq!(order.len(), 4);
        assert!(place("d") < place("b") && place("e") < place("b"), "{order:?}");
    }

    #[test]
    fn a_stored_cycle_does_not_hang() {
        assert_eq!(told("a", &refs(&[("a", Some("b")), ("b", Some("a"))])), ["b"]);
    }
}
