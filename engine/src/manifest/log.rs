//! Which tables each version of the graph published, for a whole branch in one pass over its files.
//!
//! A commit's exact changes come from two folds ([`super::changes`]). A list of thousands of commits cannot afford that, so
//! it reads the manifest once and asks each row in which version it was written. A row that was rewritten later (an
//! ownership hand-off) then speaks for the later version only, which is why this is a summary and not the truth.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;

use super::row;
use crate::error::Result;
use crate::id::{BranchName, ManifestVersion, TableKey};
use crate::storage::{Storage, Summary, Table, WRITTEN_IN};

/// Tables published by each version of one branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeLog {
    /// Ascending by version; the second number is the place of its tables in `sets`.
    versions: Vec<(ManifestVersion, u32)>,
    /// Sets of tables, each once: most commits change the same few tables.
    sets: Vec<Box<[TableKey]>>,
}

impl ChangeLog {
    /// Returns the tables that a version published or dropped, sorted; empty if it changed none.
    #[must_use]
    pub fn tables(&self, version: ManifestVersion) -> &[TableKey] {
        match self.versions.binary_search_by_key(&version, |(version, _)| *version) {
            Ok(at) => &self.sets[self.versions[at].1 as usize],
            Err(_) => &[],
        }
    }

    /// Returns all versions that changed a table, ascending.
    pub fn versions(&self) -> impl Iterator<Item = ManifestVersion> + '_ {
        self.versions.iter().map(|(version, _)| *version)
    }

    /// Adds what further files say.
    #[must_use]
    pub(crate) fn extended(&self, written: Written) -> Self {
        let known = self.versions.iter().map(|(version, set)| (*version, self.sets[*set as usize].to_vec()));
        let mut tables: BTreeMap<ManifestVersion, Vec<TableKey>> = known.collect();
        for (version, keys) in written.tables {
            tables.entry(version).or_default().extend(keys);
        }
        let mut log = Self::default();
        let mut places: BTreeMap<Box<[TableKey]>, u32> = BTreeMap::new();
        for (version, mut keys) in tables {
            keys.sort();
            keys.dedup();
            let place = *places.entry(keys.into_boxed_slice()).or_insert_with_key(|keys| {
                log.sets.push(keys.clone());
                u32::try_from(log.sets.len() - 1).expect("a graph has fewer than 2^32 sets of tables")
            });
            log.versions.push((version, place));
        }
        log
    }
}

/// What rows of `__manifest` say about the versions that wrote them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    tables: BTreeMap<ManifestVersion, Vec<TableKey>>,
}

impl Written {
    /// Adds the rows of another file.
    pub(crate) fn join(&mut self, other: &Self) {
        for (version, keys) in &other.tables {
            self.tables.entry(*version).or_default().extend_from_slice(keys);
        }
    }
}

impl Summary for Written {
    fn columns(&self) -> Vec<&str> {
        row::CHANGED_COLUMNS.to_vec()
    }

    fn wants_versions(&self) -> bool {
        true
    }

    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        let written = row::number(batch, WRITTEN_IN)?;
        for (index, key) in row::decode_changed(batch)? {
            if let Ok(key) = key.parse() {
                self.tables.entry(ManifestVersion::new(written.value(index))).or_default().push(key);
            }
        }
        Ok(())
    }

    fn merge(&mut self, _: usize, file: Option<&Self>) {
        if let Some(file) = file {
            self.join(file);
        }
    }
}

/// Reads what the files of a manifest at some positions say.
///
/// # Errors
/// [`super::ManifestError`], [`crate::storage::StorageError`].
pub(crate) async fn read_written(manifest: &Table, positions: Vec<usize>) -> Result<Written> {
    let mut written = Written::default();
    for (_, file) in manifest.read_files(&Written::default(), positions).await? {
        written.join(&file);
    }
    Ok(written)
}

/// Files read in the first step of a search back; each further step reads twice as many.
const FIRST_FILES: usize = 8;

/// Reads what a branch changed from a version on. Files are appended in the order of versions, so it reads them back from the newest.
///
/// # Errors
/// As [`read_written`]; [`crate::storage::StorageError`] if the branch cannot be opened.
pub(crate) async fn read_log_since(
    storage: &Storage,
    branch: &BranchName,
    since: ManifestVersion,
) -> Result<ChangeLog> {
    let manifest = super::open(storage, branch, None).await?;
    let own = manifest.own_files();
    let (mut unread, mut step, mut written) = (own.len(), FIRST_FILES, Written::default());
    while unread > 0 && written.tables.first_key_value().is_none_or(|(oldest, _)| *oldest > since) {
        let start = unread.saturating_sub(step);
        written.join(&read_written(&manifest, own[start..unread].to_vec()).await?);
        (unread, step) = (start, step * 2);
    }
    written.tables.retain(|version, _| *version >= since);
    Ok(ChangeLog::default().extended(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(versions: &[(u64, &[&str])]) -> Written {
        let keys = |keys: &[&str]| keys.iter().map(|key| key.parse().unwrap()).collect();
        Written { tables: versions.iter().map(|(version, of)| (ManifestVersion::new(*version), keys(of))).collect() }
    }

    #[test]
    fn files_read_later_add_to_the_versions_known() {
        let log = ChangeLog::default().extended(written(&[(3, &["node:B"]), (4, &["node:A", "node:A"])]));
        let log = log.extended(written(&[(3, &["node:A"]), (9, &["node:A", "node:B"])]));
        let tables =
            |version| log.tables(ManifestVersion::new(version)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            (tables(3), tables(4), tables(9)),
            (vec!["node:A".into(), "node:B".into()], vec!["node:A".into()], tables(3))
        );
        assert!(tables(5).is_empty());
        assert_eq!(log.versions().map(ManifestVersion::get).collect::<Vec<_>>(), [3, 4, 9]);
        assert_eq!(log.sets.len(), 2, "equal sets are kept once");
    }
}
