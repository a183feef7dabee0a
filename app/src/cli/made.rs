//! The commit that a command made.

use std::collections::BTreeMap;

use serde::Serialize;
use stratigraph_engine::write::Written;
use stratigraph_engine::{BranchName, CommitId, ManifestVersion, Snapshot, TableKey};

use super::error::CliError;
use super::output::Out;
use super::text_table::{Align, TextTable};
use crate::theme::Role;

/// What a write made, with the field names of the JSON output.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    /// Null if there was nothing to do.
    pub(super) commit: Option<CommitId>,
    pub(super) branch: BranchName,
    /// Null if there was nothing to do.
    pub(super) manifest_version: Option<ManifestVersion>,
    pub(super) tables: Vec<MadeTable>,
}

/// One table of the commit.
#[derive(Debug, Serialize)]
pub(super) struct MadeTable {
    pub(super) table: TableKey,
    pub(super) version: u64,
    /// Rows it has now.
    pub(super) rows: u64,
    /// Records of the input that went into it; not there for a write without an input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) records: Option<u64>,
}

impl Made {
    /// The commit of a new graph.
    pub(super) fn genesis(snapshot: Snapshot) -> Self {
        let table = |(table, entry): (TableKey, stratigraph_engine::TableEntry)| MadeTable {
            table,
            version: entry.version.get(),
            rows: entry.rows,
            records: None,
        };
        Self {
            commit: snapshot.commit,
            branch: snapshot.branch,
            manifest_version: Some(snapshot.version),
            tables: snapshot.entries.into_iter().map(table).collect(),
        }
    }

    /// The commit of a write; none if it had nothing to do.
    pub(super) fn written(branch: BranchName, written: Option<Written>, records: &BTreeMap<TableKey, u64>) -> Self {
        let Some(written) = written else {
            return Self { commit: None, branch, manifest_version: None, tables: Vec::new() };
        };
        let tables = written.tables.into_iter().map(|table| MadeTable {
            records: Some(records.get(&table.key).copied().unwrap_or(0)),
            table: table.key,
            version: table.version,
            rows: table.rows,
        });
        Self {
            commit: Some(written.commit),
            branch: written.branch,
            manifest_version: Some(written.manifest_version),
            tables: tables.collect(),
        }
    }

    /// Prints the commit and its tables.
    pub(super) fn print(&self, out: &mut Out) -> Result<(), CliError> {
        if out.is_json() {
            return out.json(self);
        }
        let (Some(commit), Some(version)) = (self.commit, self.manifest_version) else {
            return out.line("there was nothing to write: no commit was made");
        };
        let id = out.cell(Role::Changed, &commit.to_string()).painted;
        let place = out.cell(Role::Text, &format!("{}@v{version}", self.branch)).painted;
        out.line(&format!("commit {id} is {place}"))?;
        let right = |title| (title, Align::Right);
        let mut table = TextTable::new(&[("table", Align::Left), right("version"), right("rows"), right("records")]);
        for made in &self.tables {
            let number = |number: u64| out.cell(Role::Text, &number.to_string());
            let key = out.cell(Role::Text, &made.table.to_string());
            table.row(vec![key, number(made.version), number(made.rows), made.records.map(number).unwrap_or_default()]);
        }
        table.write(out)
    }
}
