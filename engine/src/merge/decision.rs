//! Decisions about the conflicts of a merge: data that is kept in a file, edited by a person and checked against a plan.
//!
//! A decision is for one conflict, made by hand, or for all conflicts that a rule describes. Whoever made it is named with it.
//! It is bound to the branches by name and to the rows of its conflict by their fingerprint, so that it survives moved heads as long
//! as these rows are what they were.

mod assign;
mod idle;
mod json;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use super::choice::{Choice, Unfit};
use super::conflict::{Conflict, ConflictKey, ConflictKind, MergeHeads};
use crate::error::ErrorKind;
use crate::excerpt::Placed;
use crate::id::{BranchName, TableKey};

pub(crate) use assign::{Assigned, assign};
pub(crate) use idle::idle;

/// Decisions for merging one branch into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeDecisions {
    /// Branch that is merged.
    pub source: BranchName,
    /// Branch that is merged into.
    pub target: BranchName,
    /// States of the plan that was looked at. Decisions hold for other states, too, where their rows are the same.
    pub heads: MergeHeads,
    /// In the order in which they were made: of two that speak of the same conflict the later holds.
    pub decisions: Vec<Decision>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What it is about. A decision for one conflict beats every rule.
    pub on: Scope,
    /// What is to be done; none decides nothing.
    pub choice: Option<Choice>,
    /// Who made it.
    pub by: Option<String>,
    /// [`Conflict::rows`] of the conflict it was made for; none holds for any rows. Means nothing for a rule.
    pub rows: Option<String>,
}

/// What a decision is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One conflict.
    Conflict(ConflictKey),
    /// All conflicts of a description that the choice fits.
    Rule(Rule),
}

/// Describes conflicts; what is none does not matter, so that the default describes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Table of the conflict.
    pub table: Option<TableKey>,
    /// Kind of the conflict.
    pub kind: Option<ConflictKind>,
    /// SQL condition over the columns of the row.
    pub filter: Option<String>,
}

/// A decision that no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaleDecision {
    /// Index in [`MergeDecisions::decisions`], from 0.
    pub decision: usize,
    /// Why, as a sentence without its end.
    pub reason: String,
}

/// Why decisions cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecisionError {
    /// The text is not JSON, or not of decisions.
    #[error(transparent)]
    Text(Placed<DecisionProblem>),
    /// They were made for another merge.
    #[error(
        "the decisions are for merging {given_source} into {given_target} and not {plan_source} into {plan_target}: \
         use decisions of this merge"
    )]
    OtherBranches {
        /// Source the decisions name.
        given_source: BranchName,
        /// Target the decisions name.
        given_target: BranchName,
        /// Source of the merge.
        plan_source: BranchName,
        /// Target of the merge.
        plan_target: BranchName,
    },
    /// A decision for one conflict cannot settle it.
    #[error(transparent)]
    Unfit(Box<UnfitDecision>),
}

/// A decision for one conflict that cannot settle it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "decision {} cannot settle the {} of {} `{}` with {choice}: {reason}; choose one of {}",
    .decision + 1,
    .conflict.kind,
    .conflict.table,
    .conflict.id,
    listed(.fitting)
)]
pub struct UnfitDecision {
    /// Index of the decision, from 0 (the message counts from 1).
    pub decision: usize,
    /// The conflict it names.
    pub conflict: ConflictKey,
    /// What it chooses.
    pub choice: Choice,
    /// Why that does not do.
    pub reason: Unfit,
    /// Choices that do.
    pub fitting: Vec<Choice>,
}

/// What is wrong in a text of decisions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecisionProblem {
    /// A name or a value that cannot be there.
    #[error("{reason}; correct it there, or write a new template")]
    Json {
        /// What was found and what is expected.
        reason: String,
    },
}

impl DecisionError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Text(_) | Self::OtherBranches { .. } | Self::Unfit(_) => ErrorKind::Invalid,
        }
    }
}

impl MergeDecisions {
    /// Decides nothing.
    #[must_use]
    pub fn none(source: &BranchName, target: &BranchName, heads: MergeHeads) -> Self {
        Self { source: source.clone(), target: target.clone(), heads, decisions: Vec::new() }
    }

    /// Returns one decision per conflict with no choice yet, in the order of the conflicts.
    ///
    /// Conflicts of one key and the same rows (an edge without both its nodes, a row with two bad values) share a decision.
    #[must_use]
    pub fn template(source: &BranchName, target: &BranchName, heads: MergeHeads, conflicts: &[Conflict]) -> Self {
        let mut seen = BTreeSet::new();
        let first_of_rows = conflicts.iter().filter(|conflict| seen.insert((&conflict.key, &conflict.rows)));
        let decisions = first_of_rows.map(|conflict| Decision::by_hand(conflict, None)).collect();
        Self { decisions, ..Self::none(source, target, heads) }
    }

    /// Reads what [`Self::to_json`] and [`Self::to_annotated_json`] write, and what a person made of it.
    ///
    /// Names that are unknown or given twice are refused, `about` and `choices` of a decision are skipped.
    ///
    /// # Errors
    /// [`DecisionError::Text`] with line and column.
    pub fn from_json(text: &str) -> Result<Self, DecisionError> {
        json::read(text)
    }

    /// Returns the decisions as JSON with one block per decision, the same text for equal decisions; ends with a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::write(self, &[])
    }

    /// As [`Self::to_json`], and with each decision for one of these conflicts what it is about and what can be chosen.
    #[must_use]
    pub fn to_annotated_json(&self, conflicts: &[Conflict]) -> String {
        json::write(self, conflicts)
    }

    /// Checks that the decisions are for merging `source` into `target`. Other heads are no fault.
    ///
    /// # Errors
    /// [`DecisionError::OtherBranches`] if not.
    pub fn check_branches(&self, source: &BranchName, target: &BranchName) -> Result<(), DecisionError> {
        if (&self.source, &self.target) == (source, target) {
            return Ok(());
        }
        Err(DecisionError::OtherBranches {
            given_source: self.source.clone(),
            given_target: self.target.clone(),
            plan_source: source.clone(),
            plan_target: target.clone(),
        })
    }
}

impl Decision {
    /// Decides one conflict as long as its rows are what they are now.
    #[must_use]
    pub fn by_hand(conflict: &Conflict, choice: Option<Choice>) -> Self {
        Self { on: Scope::Conflict(conflict.key.clone()), choice, by: None, rows: Some(conflict.rows.clone()) }
    }

    /// Decides all conflicts that the rule describes and the choice fits.
    #[must_use]
    pub fn by_rule(rule: Rule, choice: Choice) -> Self {
        Self { on: Scope::Rule(rule), choice: Some(choice), by: None, rows: None }
    }
}

impl Rule {
    /// Whether table and kind are as described; the filter is for those who know the rows.
    #[must_use]
    pub fn names(&self, conflict: &ConflictKey) -> bool {
        self.table.as_ref().is_none_or(|table| *table == conflict.table)
            && self.kind.is_none_or(|kind| kind == conflict.kind)
    }
}

fn listed(choices: &[Choice]) -> String {
    choices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
