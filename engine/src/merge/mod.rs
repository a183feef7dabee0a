//! Merging a branch into another: previewed exactly, decided where both disagree, paid for by what changed.
//!
//! | file | answers |
//! |---|---|
//! | `states` | which three states a merge is about |
//! | `classify` | what happens to a table as a whole |
//! | `rows` | which row is selected where both sides changed |
//! | `delta`, `picked` | what is written to a table: ids and places of rows, and the rows |
//! | `validate` | which rules of the schema the result would break |
//! | `plan` | all of that, without writing |
//! | `conflict` | what has to be decided |
//! | `choice`, `decision` | what was decided, as data |
//! | `chosen` | what becomes of a row that several decisions speak of |
//! | `lookup`, `show`, `settle`, `compose` | rows by their ids, those of conflicts, and what decisions make of them |
//! | `conditions` | which conflicts the conditions of rules select |
//! | `check` | a plan with decisions: what is left open |
//! | `run` | carrying it out |
//!
//! **Rule:** a plan is bound to two heads and their last common commit. It is carried out on exactly these or not at all.

mod bases;
mod cause;
mod check;
mod choice;
mod chosen;
mod classify;
mod compose;
mod conditions;
mod conflict;
mod decision;
mod delta;
mod error;
mod lookup;
mod past;
mod picked;
mod plan;
mod rows;
mod run;
mod settle;
mod show;
mod states;
mod stranded;
mod validate;

use std::fmt;

use serde::Serialize;

pub use check::MergeCheck;
pub use choice::{CellChoice, Choice, Unfit};
pub use chosen::{ChosenRow, Decided, RowChoice, chosen_row};
pub use conflict::{Conflict, ConflictDetail, ConflictKey, ConflictKind, MergeHeads, Side, ThreeRows};
pub use decision::{
    Decision, DecisionError, DecisionProblem, MergeDecisions, Rule, Scope, StaleDecision, UnfitDecision,
};
pub use error::MergeError;
pub use plan::MergePlan;
pub use settle::check_cell;
pub use stranded::Stranded;

pub(crate) use check::check;
pub(crate) use plan::plan;
pub(crate) use run::merge;
pub(crate) use show::conflict_rows;
pub(crate) use stranded::stranded;

use crate::diff::Way;
use crate::id::TableKey;
use crate::write::Written;

/// What a merge comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeOutcome {
    /// The target has everything already: nothing is done, and no commit is made.
    AlreadyUpToDate,
    /// The target has no commit that the source does not have.
    FastForward,
    /// Both sides have commits of their own.
    Merged,
}

impl fmt::Display for MergeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AlreadyUpToDate => "already up to date",
            Self::FastForward => "fast forward",
            Self::Merged => "merge",
        })
    }
}

/// What a merge does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeWay {
    /// Nothing: the target has what the merge would give it.
    Untouched,
    /// The target points to the version of the main lineage that the source sees.
    Pointer,
    /// The target gets a lineage of its own that starts as the source's.
    Fork,
    /// What only the source changed is written to the target's lineage.
    Delta,
    /// Both sides changed the table: row by row.
    Rewrite,
}

impl fmt::Display for MergeWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Untouched => "untouched",
            Self::Pointer => "pointer",
            Self::Fork => "fork",
            Self::Delta => "delta",
            Self::Rewrite => "rewrite",
        })
    }
}

/// One table of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMerge {
    /// Which table.
    pub key: TableKey,
    /// What happens to it.
    pub way: MergeWay,
    /// Rows that the target gets.
    pub appends: u64,
    /// Rows of the target that change.
    pub upserts: u64,
    /// Rows that the target loses.
    pub deletes: u64,
    /// How the rows were compared; none if they were not. A walk means that metadata could not prove which rows are equal.
    pub compared: Option<Way>,
    /// Conflicts of the table that are open.
    pub conflicts: u64,
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// What it came to.
    pub outcome: MergeOutcome,
    /// The commit; none if the target was up to date already.
    pub written: Option<Written>,
    /// What was done to each table that changed.
    pub tables: Vec<TableMerge>,
}
