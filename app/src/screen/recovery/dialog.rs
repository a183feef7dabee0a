//! The questions before anything is written, as text.

use stratigraph_engine::graph::Pending;
use stratigraph_engine::recovery::{Decision, RecoveryStep, TableStanding};
use stratigraph_engine::schema::StagedSchema;

use super::action::Action;
use super::observed::{Entry, Observed};
use super::outcome::waits;
use super::words::tables;
use crate::action::Action as Any;
use crate::overlay::Confirm;
use crate::recovery::{decision_words, gone_words, writer_words};
use crate::writing::discards;

/// The question before a sweep: every decision, what becomes visible, what is discarded. `name` is that of the graph.
pub(super) fn sweep(observed: &Observed, pending: &Pending, name: &str, now_micros: i64) -> Confirm {
    let mut lines = Vec::new();
    if let Some(migration) = &pending.migration {
        lines.push(format!("First the format is brought from version {} to {}.", migration.from, migration.to));
    }
    match pending.recovery.staged_schema {
        StagedSchema::None => {}
        StagedSchema::Promote => lines.push("The files of an interrupted schema change are put in place.".to_owned()),
        StagedSchema::Discard => lines.push("The files of an interrupted schema change are removed.".to_owned()),
    }
    for entry in &observed.entries {
        let Some(step) = &entry.step else { continue };
        lines.push(heading(observed, entry, step, now_micros));
        lines.extend(effects(step).into_iter().map(|effect| format!("- {effect}")));
        match step.decision {
            Decision::Wait => {
                lines.push("- It waits until its tables can be read again; writing elsewhere goes on.".to_owned());
            }
            Decision::Refuse => {
                lines.push("- It stays where it is, and blocks writing until it is moved out (Q).".to_owned());
            }
            Decision::RollForward
            | Decision::RollBack
            | Decision::Discard
            | Decision::StaleAfterSuccess
            | Decision::StaleAfterRollBack
            | Decision::OrphanedBranch => {}
        }
    }
    if discards(pending) {
        lines.push(
            "What is rolled back is gone. Nothing keeps other programs from writing meanwhile, and a restore wins over their \
             commits: make sure that none is at work."
                .to_owned(),
        );
        Confirm::new("Settle the interrupted writes?", lines, "Settle", yes(pending)).typed(name)
    } else {
        lines.push("Make sure that no other program is writing: nothing keeps it from doing so.".to_owned());
        Confirm::new("Settle the interrupted writes?", lines, "Settle", yes(pending))
    }
}

fn yes(pending: &Pending) -> Any {
    Any::Recovery(Action::SweepNow(Box::new(pending.clone())))
}

fn heading(observed: &Observed, entry: &Entry, step: &RecoveryStep, now_micros: i64) -> String {
    let young = if entry.is_young(now_micros) { " (! may belong to a live writer)" } else { "" };
    let short = observed.short(&step.id);
    format!("{short} {}: {}{young}", writer_words(step), decision_words(step.decision).to_uppercase())
}

/// What a step makes visible and what it discards.
fn effects(step: &RecoveryStep) -> Vec<String> {
    let branch = step.sidecar.as_ref().map_or_else(|| "?".to_owned(), |sidecar| sidecar.branch().to_string());
    let listed = |does: &dyn Fn(&TableStanding) -> String| -> String {
        let moved = step.tables.iter().filter(|table| table.head > table.pinned);
        moved.map(does).collect::<Vec<_>>().join(", ")
    };
    match step.decision {
        Decision::RollForward => {
            let tables = listed(&|table| format!("{} {} to {}", table.table_key, table.pinned, table.head));
            vec![format!("becomes visible on {branch}: {tables}")]
        }
        Decision::RollBack => {
            let lost = listed(&|table| match table.head - table.pinned {
                1 => format!("{} version {}", table.table_key, table.head),
                _ => format!("{} versions {} to {}", table.table_key, table.pinned + 1, table.head),
            });
            let back = listed(&|table| format!("{} to {}", table.table_key, table.pinned));
            vec![format!("discarded: {lost}"), format!("returns: {back}")]
        }
        Decision::Discard => {
            vec!["nothing moved: a commit and an audit row tell of it, and its record goes".to_owned()]
        }
        Decision::StaleAfterSuccess => vec!["it is visible already: its record goes, nothing else".to_owned()],
        Decision::StaleAfterRollBack => vec!["it was taken back already: its record goes, nothing else".to_owned()],
        Decision::OrphanedBranch => vec![format!("discarded: its record; {}", gone_words(step))],
        Decision::Refuse | Decision::Wait => Vec::new(),
    }
}

/// The question before a heal.
pub(super) fn heal(observed: &Observed, now_micros: i64) -> Option<Confirm> {
    let plan = observed.plan()?;
    let mut lines = vec!["What needs no restore is settled; the rest waits for a sweep (S).".to_owned()];
    for entry in &observed.entries {
        let Some(step) = &entry.step else { continue };
        if waits(step.decision) {
            lines.push(format!("{} {}: waits", observed.short(&step.id), writer_words(step)));
        } else {
            lines.push(heading(observed, entry, step, now_micros));
            lines.extend(effects(step).into_iter().map(|effect| format!("- {effect}")));
        }
    }
    let yes = Any::Recovery(Action::HealNow(Box::new(plan.clone())));
    Some(Confirm::new("Settle what can be settled online?", lines, "Heal", yes))
}

/// The question before a file is moved out of the graph.
pub(super) fn quarantine(entry: &Entry, target: &str, name: &str) -> Confirm {
    let mut lines = vec![format!("__recovery/{}.json is moved to {target}.", entry.id)];
    lines.push("Recovery will not know of that write any more.".to_owned());
    let past = entry.step.iter().flat_map(|step| &step.tables).filter(|table| table.head != table.pinned);
    let past: Vec<&str> = past.map(|table| table.table_key.as_str()).collect();
    let is_known = entry.step.as_ref().is_some_and(|step| step.sidecar.is_some() && step.blocked.is_none());
    lines.push(match (past.as_slice(), is_known) {
        ([], false) => {
            "Which of its tables moved is not known. Those whose head is past their pin stay so, and writes to them are refused \
             until they are repaired."
                .to_owned()
        }
        ([], true) => format!("It names {}, all as the graph shows them.", tables(entry.tables())),
        (past, _) => format!(
            "The heads of {} are not their pins and stay so: writes to them are refused until they are repaired.",
            past.join(", ")
        ),
    });
    lines.push("Nothing is deleted: put the file back, and it blocks as before.".to_owned());
    let yes = Any::Recovery(Action::QuarantineNow(entry.id.clone(), entry.text().to_owned(), target.to_owned()));
    Confirm::new("Move the file out of the graph?", lines, "Move", yes).typed(name)
}
