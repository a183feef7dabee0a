//! What a writer wants to do, as data. Writers differ in their plans and in nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::WriteError;
use super::spool::Spool;
use crate::id::{BranchName, TableKey};
use crate::manifest::TableEntry;
use crate::recovery::WriterKind;
use crate::storage::TextSet;

/// A write, ready to run: validated, nothing of it stored.
#[derive(Debug)]
pub(crate) struct WritePlan {
    /// Which kind of write it is.
    pub(crate) kind: WriterKind,
    /// Branch to publish on.
    pub(crate) branch: BranchName,
    /// Who does it.
    pub(crate) actor: Option<Arc<str>>,
    /// What happens to each table, at most one change for each.
    pub(crate) effects: Vec<Effect>,
}

/// The change of one table.
#[derive(Debug)]
pub(crate) struct Effect {
    /// The table as the plan was made for: it is carried out on this version or not at all.
    pub(crate) table: TableEntry,
    /// What happens to it.
    pub(crate) change: Change,
}

/// What happens to a table, in exactly one commit.
#[derive(Debug)]
pub(crate) enum Change {
    /// Rows are added.
    Append(Spool),
    /// Rows replace those with the same id, or are added.
    Upsert(Spool),
    /// Rows replace all there are.
    Overwrite(Spool),
    /// Rows with these ids are removed.
    Delete(TextSet),
}

/// Refuses if a table is not as it was when rows were read from it, or is gone.
///
/// # Errors
/// [`WriteError::Stale`] or [`WriteError::TableGone`].
pub(crate) fn check_current<'k>(
    branch: &BranchName,
    keys: impl IntoIterator<Item = &'k TableKey>,
    pinned: &BTreeMap<TableKey, TableEntry>,
    current: &BTreeMap<TableKey, TableEntry>,
) -> Result<(), WriteError> {
    for key in keys {
        let (Some(pinned), Some(current)) = (pinned.get(key), current.get(key)) else {
            return Err(WriteError::TableGone { branch: branch.clone(), table_key: key.clone() });
        };
        if !current.same_state(pinned) {
            let (expected, actual) = (pinned.version.get(), current.version.get());
            return Err(WriteError::Stale { table_key: key.clone(), expected, actual });
        }
    }
    Ok(())
}
