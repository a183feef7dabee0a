//! What recovery decides, in words: why, what it does to each table, and what was done.

use stratigraph_engine::CommitId;
use stratigraph_engine::recovery::{Classification, Decision, RecoveryStep, Sidecar, TableStanding};

/// Younger ones may belong to a writer at work.
const YOUNG_MICROS: i64 = 10 * 60 * 1_000_000;

/// When a write started, as its record says, else as the name of its file does.
pub(crate) fn started_micros(sidecar: Option<&Sidecar>, id: &str) -> Option<i64> {
    let by_name = || {
        let id: CommitId = id.parse().ok()?;
        i64::try_from(id.as_u128() >> 80).ok()?.checked_mul(1000)
    };
    sidecar.and_then(Sidecar::started_at_micros).or_else(by_name)
}

/// Whether a writer may still be at work on what started then.
pub(crate) fn is_young(started_micros: Option<i64>, now_micros: i64) -> bool {
    started_micros.is_some_and(|started| now_micros.saturating_sub(started) < YOUNG_MICROS)
}

/// Said of a young one.
pub(crate) const MAY_BE_LIVE: &str = "may belong to a live writer";

/// The last letters of an id, which tell it from others.
pub(crate) fn tail(id: &str, letters: usize) -> &str {
    let skip = id.chars().count().saturating_sub(letters);
    id.char_indices().nth(skip).map_or(id, |(at, _)| &id[at..])
}

/// Who was interrupted: `Load on main by act-l`; nothing is known of a record that cannot be read.
pub(crate) fn writer_words(step: &RecoveryStep) -> String {
    let Some(sidecar) = &step.sidecar else { return "of an unknown writer".to_owned() };
    let actor = sidecar.actor_id.as_deref().map(|actor| format!(" by {actor}")).unwrap_or_default();
    format!("{} on {}{actor}", sidecar.writer_kind, sidecar.branch())
}

/// A decision as the title of a step.
pub(crate) fn decision_words(decision: Decision) -> &'static str {
    match decision {
        Decision::RollForward => "roll forward",
        Decision::RollBack => "roll back",
        Decision::Discard => "discard",
        Decision::StaleAfterSuccess => "close: it was published",
        Decision::StaleAfterRollBack => "close: it was rolled back",
        Decision::OrphanedBranch => "discard: its branch was deleted",
        Decision::Refuse => "refuse",
        Decision::Wait => "wait",
    }
}

/// A decision that was carried out.
pub(crate) fn done_words(decision: Decision) -> &'static str {
    match decision {
        Decision::RollForward => "rolled forward",
        Decision::RollBack => "rolled back",
        // The audit has no kind of its own for what had moved nothing.
        Decision::Discard => "discarded, recorded as rolled back",
        Decision::StaleAfterSuccess => "closed, as it was published",
        Decision::StaleAfterRollBack => "closed, as it was rolled back",
        Decision::OrphanedBranch => "discarded, as its branch was deleted",
        Decision::Refuse => "refused",
        Decision::Wait => "waits",
    }
}

/// Why a step's decision is what it is.
pub(crate) fn why(step: &RecoveryStep) -> String {
    if let Some(blocked) = &step.blocked {
        return blocked.clone();
    }
    match step.decision {
        Decision::RollForward => "every table holds the whole write; only its publication is missing".to_owned(),
        Decision::RollBack => "not every table holds the whole write, so none keeps its part of it".to_owned(),
        Decision::Discard => "no table moved, so there is nothing to undo".to_owned(),
        Decision::StaleAfterSuccess => "the write was published; only its record was left".to_owned(),
        Decision::StaleAfterRollBack => "the write was rolled back; only its record was left".to_owned(),
        Decision::OrphanedBranch => gone_words(step),
        Decision::Wait => "its tables cannot be looked at".to_owned(),
        Decision::Refuse => "a table's head is before the version its branch pins: the table lost versions".to_owned(),
    }
}

/// Tells what became of the branch of a write that is discarded. Where a branch of that name is there, the step has its tables; of a write
/// that named no table it is not known.
pub(crate) fn gone_words(step: &RecoveryStep) -> String {
    let branch = step.sidecar.as_ref().map_or_else(|| "?".to_owned(), |sidecar| sidecar.branch().to_string());
    let had_tables = step.sidecar.as_ref().is_some_and(|sidecar| !sidecar.tables.is_empty());
    match (step.tables.is_empty(), had_tables) {
        (false, _) => {
            format!("the write was to an earlier branch {branch}, which was deleted; this one was made later")
        }
        (true, true) => format!("branch {branch} does not exist any more"),
        (true, false) => {
            format!(
                "branch {branch} was deleted since, though one of that name may be there again; the write named no table"
            )
        }
    }
}

/// What a step does besides its tables.
pub(crate) fn then(step: &RecoveryStep) -> &'static str {
    match step.decision {
        Decision::RollForward
        | Decision::RollBack
        | Decision::Discard
        | Decision::StaleAfterSuccess
        | Decision::StaleAfterRollBack
        | Decision::OrphanedBranch => "record a commit and an audit row, remove the sidecar",
        Decision::Wait => "nothing until its tables can be read again; writing elsewhere goes on",
        Decision::Refuse => "nothing; writing stays blocked until `recovery quarantine` moves it out, or it is mended",
    }
}

/// What a step does to one of its tables.
pub(crate) fn action(decision: Decision, table: &TableStanding) -> String {
    match decision {
        Decision::RollForward => format!("publish version {}", table.head),
        Decision::RollBack if table.head > table.pinned => {
            format!("restore version {} as version {}, publish that", table.pinned, table.head + 1)
        }
        Decision::RollBack
        | Decision::Discard
        | Decision::StaleAfterSuccess
        | Decision::StaleAfterRollBack
        | Decision::OrphanedBranch
        | Decision::Refuse
        | Decision::Wait => "nothing".to_owned(),
    }
}

/// What became of a table, from the versions that the audit keeps. Before a table is added its version is 0.
pub(crate) fn outcome_words(decision: Decision, from: u64, to: u64) -> String {
    match (decision, from, to) {
        (Decision::RollBack | Decision::StaleAfterRollBack, ..) => {
            format!("back to the rows of version {to}; version {from} is discarded")
        }
        (_, 0, to) => format!("added with version {to}"),
        (_, from, to) if from == to => format!("version {to} as before"),
        (_, from, to) => format!("version {to} in place of version {from}"),
    }
}

/// What happened to a table, in words.
pub(crate) fn classification_words(classification: Classification) -> &'static str {
    match classification {
        Classification::InvariantViolation => "head behind its pin",
        Classification::NoMovement => "not moved",
        Classification::RolledPastExpected => "moved as planned",
        Classification::UnexpectedAtP1 => "moved by one commit that was not planned",
        Classification::UnexpectedMultistep => "moved by commits that were not planned",
        Classification::IncompletePhaseB => "moved, not confirmed",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stratigraph_engine::recovery::Fate;

    use super::*;

    fn table(pinned: u64, head: u64) -> TableStanding {
        TableStanding {
            table_key: "node:Person".to_owned(),
            path: "nodes/a".to_owned(),
            lineage: None,
            expected: pinned,
            planned: pinned + 1,
            pinned,
            head,
            classification: Classification::NoMovement,
            fate: Fate::Unpublished,
        }
    }

    #[test]
    fn each_table_is_told_what_happens_to_it() {
        use Decision::{Discard, OrphanedBranch, Refuse, RollBack, RollForward, StaleAfterSuccess};
        assert_eq!(action(RollForward, &table(5, 6)), "publish version 6");
        assert_eq!(action(RollBack, &table(5, 6)), "restore version 5 as version 7, publish that");
        for decision in [RollBack, Discard, StaleAfterSuccess, OrphanedBranch, Refuse] {
            assert_eq!(action(decision, &table(5, 5)), "nothing", "{decision:?}");
        }
    }

    #[test]
    fn the_versions_of_the_audit_are_told_as_what_they_are() {
        use Decision::{RollBack, RollForward, StaleAfterSuccess};
        assert_eq!(outcome_words(RollForward, 5, 6), "version 6 in place of version 5");
        assert_eq!(outcome_words(StaleAfterSuccess, 0, 3), "added with version 3");
        assert_eq!(outcome_words(StaleAfterSuccess, 4, 4), "version 4 as before");
        assert_eq!(outcome_words(RollBack, 21, 20), "back to the rows of version 20; version 21 is discarded");
    }

    #[test]
    fn a_branch_that_was_made_again_is_told_from_one_that_is_gone() {
        let pin = json!({
            "table_key": "node:Person", "table_path": "nodes/a", "expected_version": 5, "post_commit_pin": 6,
        });
        let step = |pins: &[&Value], tables: &[TableStanding]| RecoveryStep {
            id: "x".to_owned(),
            sidecar: Some(
                serde_json::from_value(json!({
                    "schema_version": 2, "operation_id": "x", "started_at": "1", "branch": "b", "actor_id": null,
                    "writer_kind": "Load", "tables": pins,
                }))
                .expect("it is a record"),
            ),
            decision: Decision::OrphanedBranch,
            tables: tables.to_vec(),
            blocked: None,
        };
        assert_eq!(why(&step(&[&pin], &[])), "branch b does not exist any more");
        assert!(why(&step(&[&pin], &[table(5, 5)])).contains("to an earlier branch b"));
        let named_none = why(&step(&[], &[]));
        assert!(named_none.contains("may be there again") && named_none.contains("named no table"), "{named_none}");
    }

    #[test]
    fn what_started_within_ten_minutes_may_be_live() {
        let minutes = |number: i64| number * 60 * 1_000_000;
        let id = "01KQKZ5000G6CZJRSK998Q9QX4";
        let started = started_micros(None, id).expect("the name tells it");
        for (after, expected) in [(-1, true), (0, true), (9, true), (10, false), (60, false)] {
            assert_eq!(is_young(Some(started), started + minutes(after)), expected, "{after}");
        }
        assert_eq!(started_micros(None, "copy"), None);
        assert!(!is_young(None, started), "nothing says that it is young");
    }

    #[test]
    fn a_file_that_blocks_says_why() {
        let step = RecoveryStep {
            id: "x".to_owned(),
            sidecar: None,
            decision: Decision::Refuse,
            tables: Vec::new(),
            blocked: Some("it cannot be read".to_owned()),
        };
        assert_eq!(why(&step), "it cannot be read");
        assert_eq!(writer_words(&step), "of an unknown writer");
        assert!(then(&step).starts_with("nothing; writing stays blocked"));
        assert!(then(&RecoveryStep { decision: Decision::Wait, ..step }).ends_with("writing elsewhere goes on"));
    }
}
