//! Where things will stand when the steps that come first are done.

use std::collections::BTreeMap;

use super::plan::RecoveryStep;
use super::{Decision, Sidecar};
use crate::id::BranchName;
use crate::storage::Origin;

/// A table's folder and one of its lineages; none is the main one.
type Lineage = (String, Option<String>);

/// What the steps so far would have changed.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    pins: BTreeMap<(BranchName, String), Foreseen>,
    heads: BTreeMap<Lineage, u64>,
    restores: BTreeMap<Lineage, Vec<Origin>>,
}

/// What a branch will show of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreseen {
    /// The lineage; none for the main one.
    pub(super) lineage: Option<String>,
    /// Its version.
    pub(super) version: u64,
}

impl Outlook {
    /// What the branch will show of a table; none if that stays as it is.
    pub(super) fn shown(&self, branch: &BranchName, table_key: &str) -> Option<&Foreseen> {
        self.pins.get(&(branch.clone(), table_key.to_owned()))
    }

    /// The head a lineage will have; none if it stays as it is.
    pub(super) fn head(&self, path: &str, lineage: Option<&str>) -> Option<u64> {
        self.heads.get(&key(path, lineage)).copied()
    }

    /// The versions that will be added to a lineage, oldest first: all are restores.
    pub(super) fn restores(&self, path: &str, lineage: Option<&str>) -> &[Origin] {
        self.restores.get(&key(path, lineage)).map_or(&[], Vec::as_slice)
    }

    /// Adds what a step changes.
    pub(super) fn expect(&mut self, step: &RecoveryStep) {
        let Some(branch) = step.sidecar.as_ref().map(Sidecar::branch) else { return };
        for table in &step.tables {
            let version = match step.decision {
                Decision::RollForward => table.head,
                Decision::RollBack if table.head > table.pinned => {
                    let (lineage, version) = (key(&table.path, table.lineage.as_deref()), table.head + 1);
                    self.heads.insert(lineage.clone(), version);
                    let restore = Origin { version, restored: Some(table.pinned), notes: [].into() };
                    self.restores.entry(lineage).or_default().push(restore);
                    version
                }
                Decision::RollBack
                | Decision::Discard
                | Decision::StaleAfterSuccess
                | Decision::StaleAfterRollBack
                | Decision::OrphanedBranch
                | Decision::Refuse
                | Decision::Wait => continue,
            };
            let shown = Foreseen { lineage: table.lineage.clone(), version };
            self.pins.insert((branch.clone(), table.table_key.clone()), shown);
        }
    }
}

fn key(path: &str, lineage: Option<&str>) -> Lineage {
    (path.to_owned(), lineage.map(str::to_owned))
}
