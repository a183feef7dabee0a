//! Which tables each version of the graph published, for a whole branch in one scan.
//!
//! A commit's exact changes come from two folds ([`super::changes`]). A list of thousands of commits cannot afford that, so
//! it reads the manifest once and asks each row in which version it was written. A row that was rewritten later (an
//! ownership hand-off) then speaks for the later version only, which is why this is a summary and not the truth.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use super::row::{self, Row};
use crate::error::Result;
use crate::id::{ManifestVersion, TableKey};
use crate::storage::{Scan, Table};

/// Lance's column that says in which version a row was last written.
const WRITTEN_IN: &str = "_row_last_updated_at_version";

/// Tables published by each version of one branch, inherited versions included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeLog {
    tables: BTreeMap<ManifestVersion, Vec<TableKey>>,
}

impl ChangeLog {
    /// Tables that a version published or dropped, sorted; empty if it changed none.
    #[must_use]
    pub fn tables(&self, version: ManifestVersion) -> &[TableKey] {
        self.tables.get(&version).map_or(&[], Vec::as_slice)
    }

    /// All versions that changed a table, ascending.
    pub fn versions(&self) -> impl Iterator<Item = ManifestVersion> + '_ {
        self.tables.keys().copied()
    }
}

/// Reads the log of a branch from its manifest, opened at the branch's head.
pub(crate) async fn read_log(manifest: &Table) -> Result<ChangeLog> {
    let columns = row::COLUMNS.iter().copied().chain([WRITTEN_IN]).map(str::to_owned).collect();
    let mut batches = manifest.scan(&Scan { columns: Some(columns), ..Scan::default() }).await?;
    let mut log = ChangeLog::default();
    while let Some(batch) = batches.try_next().await? {
        let written = row::number(&batch, WRITTEN_IN)?;
        for (index, row) in row::decode_indexed(&batch)? {
            let (Row::Version { key, .. } | Row::Tombstone { key, .. }) = row else { continue };
            if let Ok(key) = key.parse() {
                log.tables.entry(ManifestVersion::new(written.value(index))).or_default().push(key);
            }
        }
    }
    for tables in log.tables.values_mut() {
        tables.sort();
        tables.dedup();
    }
    Ok(log)
}
