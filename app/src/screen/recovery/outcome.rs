//! What was predicted beside what was done.

use stratigraph_engine::recovery::{
    AuditRow, Decision, Fate, Recovered, RecoveryPlan, RecoveryStep, TableOutcome, WriterKind,
};
use stratigraph_widgets::width::escape;

use super::picker::{Item, Picker};
use super::words::{Line, Style, decision_role};
use crate::message::Failure;
use crate::recovery::{decision_words, done_words, tail, writer_words};
use crate::theme::Role;

/// Letters of an operation's end.
const SHORT: usize = 6;
/// Columns from which both fit on one line.
const BESIDE: usize = 88;

/// What a sweep or a heal did.
#[derive(Debug)]
pub(super) struct Outcome {
    /// When it ended.
    pub(super) at_micros: i64,
    /// What it was: `sweep`, `heal`.
    pub(super) what: &'static str,
    /// One for each step of the plan, in its order.
    pub(super) rows: Vec<Settled>,
    /// What ended it early.
    pub(super) failure: Option<Failure>,
    /// What is selected.
    pub(super) picker: Picker<String>,
}

/// One step of the plan and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    /// Name of its file without `.json`.
    pub(super) id: String,
    /// Who was interrupted.
    pub(super) writer: String,
    /// What was predicted.
    pub(super) predicted: Decision,
    /// What was done.
    pub(super) actual: Actual,
    /// The commit that records it, as stored.
    pub(super) commit: Option<String>,
    /// Per table, from and to.
    pub(super) tables: Vec<TableOutcome>,
    /// In what the prediction was wrong.
    pub(super) differs: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Actual {
    /// This.
    Done(Decision),
    /// What the audit says: `RolledForward` …
    Recorded(String),
    /// It waits for the graph to be opened for writing.
    Waits,
    /// It is refused until a person has looked at it, or until its tables can be read.
    Refused,
    /// Its writer was at work and has finished.
    Gone,
    /// What went before it failed.
    NotReached,
}

impl Outcome {
    /// What a sweep did.
    pub(super) fn of_sweep(plan: &RecoveryPlan, done: &[Recovered], failure: Option<Failure>, at_micros: i64) -> Self {
        let rows = plan.steps.iter().map(|step| match done.iter().find(|one| one.operation_id == step.id) {
            Some(one) => Settled {
                actual: Actual::Done(one.decision),
                commit: Some(one.commit.to_string()),
                tables: one.outcomes.clone(),
                differs: difference(step, one),
                ..untouched(step)
            },
            None if !step.decision.settles() => Settled { actual: Actual::Refused, ..untouched(step) },
            None => untouched(step),
        });
        Self { at_micros, what: "sweep", rows: rows.collect(), failure, picker: Picker::default() }
    }

    /// What a heal did, by the audit and by what is left.
    pub(super) fn of_heal(plan: &RecoveryPlan, audit: &[AuditRow], left: &[String], at_micros: i64) -> Self {
        let rows = plan.steps.iter().map(|step| {
            let row = audit.iter().find(|row| row.operation_id == step.id);
            match (left.contains(&step.id), row) {
                (true, _) => Settled { actual: Actual::Waits, ..untouched(step) },
                (false, None) => Settled { actual: Actual::Gone, ..untouched(step) },
                (false, Some(row)) => {
                    let kind = &row.recovery_kind;
                    let is_predicted = recorded_as(step.decision) == Some(kind.as_str());
                    Settled {
                        actual: Actual::Recorded(kind.clone()),
                        commit: Some(row.graph_commit_id.clone()),
                        tables: row.outcomes.clone(),
                        differs: (!is_predicted).then(|| format!("the audit says {kind}")),
                        ..untouched(step)
                    }
                }
            }
        });
        Self { at_micros, what: "heal", rows: rows.collect(), failure: None, picker: Picker::default() }
    }

    /// How many of the steps were settled.
    pub(super) fn settled(&self) -> usize {
        self.rows.iter().filter(|row| row.commit.is_some()).count()
    }

    /// Whether a prediction was wrong.
    pub(super) fn differs(&self) -> bool {
        self.rows.iter().any(|row| row.differs.is_some())
    }

    /// The rows of the list.
    pub(super) fn items(&self, style: &Style) -> Vec<Item<String>> {
        let mut items = Vec::new();
        if let Some(failure) = &self.failure {
            items.push(Item::told(&format!("! ended early: {}", failure.sentence()), Role::Error, style));
        }
        items.extend(self.rows.iter().map(|row| Item::row(row.id.clone(), row.lines(style))));
        if self.rows.is_empty() {
            items.push(Item::note("no interrupted write was pending; what else was due is done", Role::Good));
        }
        items
    }

    /// The selected row.
    pub(super) fn selected(&self, style: &Style) -> Option<&Settled> {
        let items = self.items(style);
        let key = self.picker.key(&items)?;
        self.rows.iter().find(|row| row.id == *key)
    }
}

impl Settled {
    fn lines(&self, style: &Style) -> Vec<Line> {
        let mut lines = vec![vec![(format!("{}  {}", tail(&self.id, SHORT), escape(&self.writer)), Role::Text)]];
        let mut predicted = vec![
            ("       predicted ".to_owned(), Role::Dim),
            (format!("{:<29}", decision_words(self.predicted)), decision_role(self.predicted)),
        ];
        if style.columns < BESIDE {
            lines.push(predicted);
            lines.push(vec![("       actual    ".to_owned(), Role::Dim), self.words()]);
        } else {
            predicted.extend([("actual ".to_owned(), Role::Dim), self.words()]);
            lines.push(predicted);
        }
        for table in &self.tables {
            let arrow = style.theme.arrow();
            let text = format!("       {}  {}{arrow}{}", table.table_key, table.from_version, table.to_version);
            lines.push(vec![(text, Role::Text)]);
        }
        if let Some(commit) = &self.commit {
            let text = format!("       recorded by commit {} (g c goes there)", tail(commit, SHORT));
            lines.push(vec![(text, Role::Dim)]);
        }
        if let Some(differs) = &self.differs {
            lines.push(vec![(format!("       ! not as predicted: {differs}"), Role::Error)]);
            lines
                .push(vec![("       this is a defect: please report it, with the export (e)".to_owned(), Role::Error)]);
        }
        lines
    }

    /// What was done, in words.
    pub(super) fn words(&self) -> (String, Role) {
        let role = if self.differs.is_some() { Role::Error } else { Role::Good };
        match &self.actual {
            Actual::Done(decision) => (done_words(*decision).to_owned(), role),
            Actual::Recorded(kind) => (recorded_words(kind).to_owned(), role),
            Actual::Waits if waits(self.predicted) => ("waits, as foreseen".to_owned(), Role::Text),
            Actual::Waits => ("waits: another program may be writing".to_owned(), Role::Warning),
            Actual::Gone => ("gone: its writer has finished".to_owned(), Role::Text),
            Actual::Refused => ("refused, as foreseen".to_owned(), Role::Warning),
            Actual::NotReached => ("not reached".to_owned(), Role::Warning),
        }
    }
}

/// Whether healing leaves it alone.
pub(super) fn waits(decision: Decision) -> bool {
    match decision {
        Decision::RollBack | Decision::Refuse | Decision::Wait => true,
        Decision::RollForward
        | Decision::Discard
        | Decision::StaleAfterSuccess
        | Decision::StaleAfterRollBack
        | Decision::OrphanedBranch => false,
    }
}

/// The kind of recovery an audit row has, in words.
pub(super) fn recorded_words(kind: &str) -> &str {
    match kind {
        "RolledForward" => "rolled forward",
        "RolledBack" => "rolled back",
        "OrphanedBranchDiscarded" => "discarded, its branch was deleted",
        other => other,
    }
}

fn untouched(step: &RecoveryStep) -> Settled {
    Settled {
        id: step.id.clone(),
        writer: writer_words(step),
        predicted: step.decision,
        actual: Actual::NotReached,
        commit: None,
        tables: Vec::new(),
        differs: None,
    }
}

/// How the audit names what a decision leads to.
fn recorded_as(decision: Decision) -> Option<&'static str> {
    match decision {
        Decision::RollForward | Decision::StaleAfterSuccess => Some("RolledForward"),
        Decision::RollBack | Decision::StaleAfterRollBack | Decision::Discard => Some("RolledBack"),
        Decision::OrphanedBranch => Some("OrphanedBranchDiscarded"),
        Decision::Refuse | Decision::Wait => None,
    }
}

/// What a step leads to, table by table.
fn foreseen(step: &RecoveryStep) -> Vec<TableOutcome> {
    let tables = step.tables.iter().filter_map(|table| {
        let (from_version, to_version) = match (step.decision, table.fate) {
            (Decision::RollForward, _) => (table.expected, table.head),
            (Decision::RollBack, _) if table.head > table.pinned => (table.head, table.pinned),
            (Decision::StaleAfterSuccess, _) => (table.expected, table.pinned),
            (Decision::StaleAfterRollBack, Fate::TakenBack { head, to }) => (head, to),
            (
                Decision::RollBack
                | Decision::StaleAfterRollBack
                | Decision::Discard
                | Decision::OrphanedBranch
                | Decision::Refuse
                | Decision::Wait,
                _,
            ) => return None,
        };
        Some(TableOutcome { table_key: table.table_key.clone(), from_version, to_version })
    });
    tables.collect()
}

/// In what a step was carried out otherwise than it was planned.
fn difference(step: &RecoveryStep, done: &Recovered) -> Option<String> {
    if done.decision != step.decision {
        return Some(format!("{} was planned", decision_words(step.decision)));
    }
    let foreseen = foreseen(step);
    let missing = foreseen.iter().find(|table| !done.outcomes.contains(table));
    if let Some(table) = missing {
        return Some(format!("{} was to go from {} to {}", table.table_key, table.from_version, table.to_version));
    }
    // Tables that a schema change adds are not among those it moves.
    let may_add = step.sidecar.as_ref().is_some_and(|sidecar| sidecar.writer_kind == WriterKind::SchemaApply);
    let more = done.outcomes.iter().find(|table| !may_add && !foreseen.contains(table));
    more.map(|table| format!("nothing was to be done to {}", table.table_key))
}
