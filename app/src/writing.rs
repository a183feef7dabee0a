//! Writing: the mode the graph is open in, and what opening it for writing does first, in words.

use stratigraph_engine::OpenMode;
use stratigraph_engine::graph::Pending;
use stratigraph_engine::recovery::{Decision, RecoveryPlan, RecoveryStep};

use crate::action::Action;
use crate::recovery::{decision_words, tail, why, writer_words};

/// What the graph is open for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Looking: nothing is written.
    #[default]
    ReadOnly,
    /// Looking and writing.
    Write,
}

impl Mode {
    /// The engine's word for it.
    #[must_use]
    pub fn of_engine(self) -> OpenMode {
        match self {
            Self::ReadOnly => OpenMode::ReadOnly,
            Self::Write => OpenMode::ReadWrite,
        }
    }

    /// As the title line has it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ReadOnly => "READ-ONLY",
            Self::Write => "WRITE",
        }
    }
}

/// What is known about writing.
#[derive(Debug, Default)]
pub struct Writing {
    /// What the graph is open for.
    pub mode: Mode,
    /// Who writes, once it is known.
    pub actor: Option<String>,
    /// What is done when the graph is open for writing.
    pub then: Option<Action>,
}

/// The dialog before the graph is opened for writing: what that does first, line by line.
#[must_use]
pub fn first_steps(pending: &Pending, short: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(migration) = &pending.migration {
        lines.push(format!("The format is brought from version {} to {}.", migration.from, migration.to));
    }
    let (refused, settled): (Vec<_>, Vec<_>) = pending.recovery.steps.iter().partition(|step| !step.decision.settles());
    match settled.len() {
        0 if !refused.is_empty() => {}
        0 => lines.push("No interrupted write is pending.".to_owned()),
        1 => lines.push("1 interrupted write is settled first:".to_owned()),
        count => lines.push(format!("{count} interrupted writes are settled first, in this order:")),
    }
    lines.extend(settled.into_iter().map(|step| step_line(step, short)));
    lines.extend(refused.into_iter().map(|step| {
        let waits = step.decision == Decision::Wait;
        let effect = if waits { "waits, and others are written" } else { "blocks writing" };
        format!("! {} {effect}: {}", tail(&step.id, short), why(step))
    }));
    if discards(pending) {
        lines.push(
            "What is rolled back is gone. Nothing keeps other programs from writing meanwhile, and a restore wins over their \
             commits: make sure that none is at work."
                .to_owned(),
        );
    }
    lines
}

/// `…9QX4 Load on main by dana: roll back`
fn step_line(step: &RecoveryStep, short: usize) -> String {
    format!("  {}  {}: {}", tail(&step.id, short), writer_words(step), decision_words(step.decision))
}

/// Whether opening discards work.
#[must_use]
pub fn discards(pending: &Pending) -> bool {
    pending.recovery.steps.iter().any(|step| matches!(step.decision, Decision::RollBack | Decision::OrphanedBranch))
}

/// The first step that keeps the graph from being opened for writing.
#[must_use]
pub fn refusal(plan: &RecoveryPlan) -> Option<&RecoveryStep> {
    plan.steps.iter().find(|step| step.decision == Decision::Refuse)
}

#[cfg(test)]
mod tests {
    use stratigraph_engine::schema::StagedSchema;

    use super::*;

    fn pending(steps: &[(&str, Decision)]) -> Pending {
        let step = |&(id, decision): &(&str, Decision)| RecoveryStep {
            id: id.to_owned(),
            sidecar: None,
            decision,
            tables: Vec::new(),
            blocked: (!decision.settles()).then(|| format!("{id} is not right")),
        };
        let steps = steps.iter().map(step).collect();
        Pending { migration: None, recovery: RecoveryPlan { staged_schema: StagedSchema::None, steps } }
    }

    #[test]
    fn what_is_not_settled_is_told_apart_from_what_is() {
        let all = pending(&[("AB1", Decision::Wait), ("AB2", Decision::Discard), ("AB3", Decision::Refuse)]);
        let expected = [
            "1 interrupted write is settled first:",
            "  B2  of an unknown writer: discard",
            "! B1 waits, and others are written: AB1 is not right",
            "! B3 blocks writing: AB3 is not right",
        ];
        assert_eq!(first_steps(&all, 2), expected);
        assert_eq!(first_steps(&pending(&[]), 2), ["No interrupted write is pending."]);
    }

    #[test]
    fn what_waits_keeps_nobody_from_writing() {
        let all = [("A", Decision::Wait), ("B", Decision::Refuse)];
        assert!(refusal(&pending(&all[..1]).recovery).is_none());
        assert_eq!(refusal(&pending(&all).recovery).map(|step| step.id.as_str()), Some("B"));
    }
}
