//! Decisions that were given on the command line: a file, and a rule for what the file does not decide.

use std::path::Path;

use stratigraph_engine::Error;
use stratigraph_engine::merge::{
    Choice, Conflict, ConflictKind, Decision, DecisionError, MergeDecisions, MergeError, MergePlan, Rule, Side,
};

use crate::cli::error::CliError;

/// `--take`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Take {
    /// The row of the branch that is merged
    Source,
    /// The row of the branch that is merged into
    Target,
    /// Each cell from the side that changed it, where no cell was changed by both
    Cells,
}

impl Take {
    const ALL: [Self; 3] = [Self::Source, Self::Target, Self::Cells];

    /// Returns whether one of its rules decides a conflict.
    fn settles(self, conflict: &Conflict) -> bool {
        is_taken(conflict.key.kind) && self.choice().fits(conflict).is_ok()
    }

    fn choice(self) -> Choice {
        match self {
            Self::Source => Choice::Take(Side::Source),
            Self::Target => Choice::Take(Side::Target),
            Self::Cells => Choice::MergeCells,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
            Self::Cells => "cells",
        }
    }

    /// One rule for each kind of conflict between rows. Rules that a row breaks are not settled by the way.
    fn rules(self) -> Vec<Decision> {
        let kinds = ConflictKind::ALL.into_iter().filter(|kind| is_taken(*kind));
        let rule = |kind| Rule { kind: Some(kind), ..Rule::default() };
        kinds.map(|kind| Decision { by: Some(self.flag()), ..Decision::by_rule(rule(kind), self.choice()) }).collect()
    }

    fn flag(self) -> String {
        format!("--take {}", self.word())
    }
}

/// Returns whether `--take` is about conflicts of a kind.
fn is_taken(kind: ConflictKind) -> bool {
    kind.is_of_a_row()
}

/// Says what to do about open conflicts: `--take` is named with the words that settle at least one of them.
pub(super) fn how_to_decide(open: &[Conflict]) -> String {
    let settles = |take: &Take| open.iter().any(|conflict| take.settles(conflict));
    let words: Vec<&str> = Take::ALL.iter().filter(|take| settles(take)).map(|take| take.word()).collect();
    let take = match words.as_slice() {
        [] => String::new(),
        [only] => format!("--take {only}, or with "),
        [first @ .., last] => format!("--take {} or {last}, or with ", first.join(", ")),
    };
    format!("decide with {take}--decisions FILE, which --write-decisions FILE prepares")
}

/// What was given to decide conflicts with.
#[derive(Debug, Default)]
pub(super) struct Given {
    take: Option<Take>,
    file: Option<GivenFile>,
}

#[derive(Debug)]
struct GivenFile {
    name: String,
    decisions: MergeDecisions,
}

impl Given {
    /// Reads the file.
    pub(super) fn read(path: Option<&Path>, take: Option<Take>) -> Result<Self, CliError> {
        let file = path.map(GivenFile::read).transpose()?;
        Ok(Self { take, file })
    }

    /// Whether nothing was given.
    pub(super) fn is_empty(&self) -> bool {
        self.take.is_none() && self.file.is_none()
    }

    /// All of them for a plan. Of two that fit a conflict the later one holds, so the file comes after the rules.
    pub(super) fn decisions(&self, plan: &MergePlan) -> MergeDecisions {
        let mut all = match &self.file {
            Some(file) => file.decisions.clone(),
            None => MergeDecisions::none(plan.source(), plan.target(), plan.heads()),
        };
        all.decisions.splice(0..0, self.rules());
        all
    }

    fn rules(&self) -> Vec<Decision> {
        self.take.map(Take::rules).unwrap_or_default()
    }

    /// The error with the number that the decision has in the file: before the merge it is counted with the rules.
    pub(super) fn numbered(&self, error: Error) -> Error {
        let rules = self.rules().len();
        match error {
            Error::Merge(MergeError::Decisions(DecisionError::Unfit(mut unfit))) => {
                unfit.decision = unfit.decision.saturating_sub(rules);
                MergeError::from(DecisionError::Unfit(unfit)).into()
            }
            Error::Merge(MergeError::Value { number, table_key, id, column, reason }) => {
                MergeError::Value { number: number.saturating_sub(rules), table_key, id, column, reason }.into()
            }
            Error::Merge(MergeError::OtherEdge { number, table_key, edge, nodes, edges }) => {
                MergeError::OtherEdge { number: number.saturating_sub(rules), table_key, edge, nodes, edges }.into()
            }
            Error::Merge(MergeError::Filter { number, table_key, filter, source }) => {
                MergeError::Filter { number: number.saturating_sub(rules), table_key, filter, source }.into()
            }
            error => error,
        }
    }

    /// Whether the decision of this index is in the file.
    pub(super) fn is_in_file(&self, index: usize) -> bool {
        index >= self.rules().len()
    }

    /// How messages name the decision of this index: the flag, or its number in the file, counted from 1.
    pub(super) fn name(&self, index: usize) -> String {
        let rules = self.rules().len();
        match (&self.take, &self.file) {
            (Some(take), _) if index < rules => take.flag(),
            (_, Some(file)) => format!("decision {} of {}", index - rules + 1, file.name),
            (_, None) => format!("decision {}", index + 1),
        }
    }
}

impl GivenFile {
    fn read(path: &Path) -> Result<Self, CliError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| CliError::File { path: name.clone(), source })?;
        match MergeDecisions::from_json(&text) {
            Ok(decisions) => Ok(Self { name, decisions }),
            Err(DecisionError::Text(mistake)) => {
                Err(CliError::QueryText { origin: name, rendered: mistake.render(&text) })
            }
            Err(error) => Err(Error::from(MergeError::from(error)).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use stratigraph_engine::merge::{ConflictDetail, ConflictKey};

    use super::*;

    fn conflict(kind: ConflictKind, detail: ConflictDetail) -> Conflict {
        let key = ConflictKey { table: "node:Person".parse().expect("a key"), kind, id: "ada".to_owned() };
        Conflict { key, detail, rows: String::new(), caused_by: None }
    }

    fn row(kind: ConflictKind, is_cell_mergeable: bool) -> Conflict {
        conflict(kind, ConflictDetail::Row { columns: vec!["age".to_owned()], is_cell_mergeable })
    }

    #[test]
    fn only_what_settles_a_conflict_is_offered() {
        let node = "node:Person".parse().expect("a key");
        let orphan = ConflictDetail::Orphan { role: "src".to_owned(), node, end: "bob".to_owned() };
        let rules = [
            conflict(ConflictKind::OrphanEdge, orphan),
            conflict(
                ConflictKind::UniqueViolation,
                ConflictDetail::Unique { columns: vec!["mail".to_owned()], other: "bob".to_owned() },
            ),
            conflict(
                ConflictKind::CardinalityViolation,
                ConflictDetail::Cardinality { count: 2, min: 0, max: Some(1) },
            ),
            conflict(
                ConflictKind::ValueConstraintViolation,
                ConflictDetail::Value { column: "age".to_owned(), reason: "too old".to_owned() },
            ),
        ];
        let file = "--decisions FILE, which --write-decisions FILE prepares";
        assert_eq!(how_to_decide(&rules), format!("decide with {file}"));
        let sides = format!("decide with --take source or target, or with {file}");
        for kind in [ConflictKind::DivergentUpdate, ConflictKind::DivergentInsert] {
            let all = format!("decide with --take source, target or cells, or with {file}");
            assert_eq!(how_to_decide(&[row(kind, true)]), all);
            assert_eq!(how_to_decide(&[row(kind, false)]), sides, "{kind}");
        }
        assert_eq!(how_to_decide(&[row(ConflictKind::DeleteVsUpdate, true)]), sides);
        let mut mixed = rules.to_vec();
        mixed.push(row(ConflictKind::DivergentUpdate, false));
        assert_eq!(how_to_decide(&mixed), sides);
    }
}
