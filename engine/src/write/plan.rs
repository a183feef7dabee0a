//! What a writer wants to do, as data. Writers differ in their plans and in nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::WriteError;
use super::spool::Spool;
use crate::history::Merged;
use crate::id::{BranchName, TableKey};
use crate::manifest::TableEntry;
use crate::recovery::WriterKind;
use crate::storage::{Rows, TextSet};

/// A write, ready to run: validated, nothing of it stored.
#[derive(Debug)]
pub(crate) struct WritePlan {
    /// Which kind of write it is.
    pub(crate) kind: WriterKind,
    /// Branch to publish on.
    pub(crate) branch: BranchName,
    /// Who does it.
    pub(crate) actor: Option<Arc<str>>,
    /// What is committed to each table, at most one effect for each.
    pub(crate) effects: Vec<Effect>,
    /// States of tables that are taken over from another branch, none of them among the effects.
    pub(crate) adoptions: Vec<Adoption>,
    /// The commit that is merged in. Such a write is recorded even if it changes no table.
    pub(crate) merged: Option<Merged>,
}

/// The change of one table.
#[derive(Debug)]
pub(crate) struct Effect {
    /// The table as the plan was made for: it is carried out on this version or not at all.
    pub(crate) table: TableEntry,
    /// What happens to it, in order; each is one commit.
    pub(crate) steps: Vec<Step>,
}

/// One commit of a table.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it does.
    pub(crate) change: Change,
    /// The fail point that is passed when it is done.
    pub(crate) then: Option<&'static str>,
}

impl Effect {
    /// A table that is changed by one commit.
    pub(crate) fn of(table: TableEntry, change: Change) -> Self {
        Self { table, steps: vec![Step { change, then: None }] }
    }
}

/// Rows that can be read as often as they are needed.
pub(crate) trait RowSource: std::fmt::Debug + Send + Sync {
    /// The rows, from the start.
    fn to_rows(&self) -> Rows;
}

impl RowSource for Spool {
    fn to_rows(&self) -> Rows {
        Rows::stream(self.schema(), self.batches())
    }
}

/// What happens to a table, in exactly one commit.
#[derive(Debug)]
pub(crate) enum Change {
    /// Rows are added.
    Append(Box<dyn RowSource>),
    /// Rows replace those with the same id, or are added.
    Upsert(Box<dyn RowSource>),
    /// Rows replace those at some addresses.
    Update {
        /// The new rows.
        rows: Box<dyn RowSource>,
        /// Addresses of the others.
        at: Vec<u64>,
    },
    /// Rows replace all there are.
    Overwrite(Box<dyn RowSource>),
    /// Rows with these ids are removed.
    Delete(TextSet),
    /// Rows at these addresses are removed.
    DeleteAt(Vec<u64>),
}

impl Change {
    /// Whether it tells rows by where they are.
    pub(super) fn needs_places(&self) -> bool {
        match self {
            Self::Update { .. } | Self::DeleteAt(_) => true,
            Self::Append(_) | Self::Upsert(_) | Self::Overwrite(_) | Self::Delete(_) => false,
        }
    }
}

/// A table that the branch is to see as another one does. No table is committed to.
#[derive(Debug)]
pub(crate) struct Adoption {
    /// The table as the branch sees it, as the plan was made for.
    pub(crate) table: TableEntry,
    /// As it is to be: a version of the main lineage, or one that a lineage of the branch starts with.
    pub(crate) state: TableEntry,
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
