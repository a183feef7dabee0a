//! Classifications of all tables of an interrupted write → one decision for all of them. Pure.

use super::classify::Mode;
use super::{Classification, Fate, WriterKind};

/// What recovery does about an interrupted write: all of its tables or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Publish what was written.
    RollForward,
    /// Restore what was written to its pins, and publish that.
    RollBack,
    /// Nothing moved: there is nothing to undo.
    Discard,
    /// It was published; only its record was left.
    StaleAfterSuccess,
    /// It was taken back; only its record was left.
    StaleAfterRollBack,
    /// Its branch does not exist any more; one of the same name was made later.
    OrphanedBranch,
    /// Do nothing, and let nobody write: a table lost versions, or the record cannot be right, which a person has to look at.
    Refuse,
    /// Do nothing until its branch and its tables can be looked at; it keeps nobody from writing elsewhere.
    Wait,
}

impl Decision {
    /// Returns whether it settles the write.
    #[must_use]
    pub fn settles(self) -> bool {
        !matches!(self, Self::Refuse | Self::Wait)
    }
}

/// What is known of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    /// What happened to it.
    pub(crate) classification: Classification,
    /// What became of the write in it.
    pub(crate) fate: Fate,
    /// Whether the branch pins a version before the one that the write started from. Pins never go back, so nothing of the write
    /// was ever published there.
    pub(crate) is_before: bool,
}

/// Facts about a write besides its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// Which writer it was.
    pub(crate) kind: WriterKind,
    /// How much its tables tell.
    pub(crate) mode: Mode,
    /// Schema changes: whether the new schema files took their places.
    pub(crate) schema_promoted: bool,
    /// Merges: whether tables were to be taken over that are not pinned.
    pub(crate) takes_over: bool,
}

/// Decides for all tables of one write together, whose branch exists.
pub(crate) fn decide(circumstances: Circumstances, tables: &[Judged]) -> Decision {
    use Classification::{InvariantViolation, NoMovement, RolledPastExpected};
    let all = |wanted: Classification| tables.iter().all(|table| table.classification == wanted);
    if tables.iter().any(|table| table.classification == InvariantViolation) {
        return Decision::Refuse;
    }
    if all(RolledPastExpected) {
        let blocked = circumstances.kind == WriterKind::SchemaApply && !circumstances.schema_promoted;
        return if blocked || circumstances.takes_over { Decision::RollBack } else { Decision::RollForward };
    }
    if !all(NoMovement) {
        return Decision::RollBack;
    }
    // Restored tables are published together: one tells for all.
    if tables.iter().any(|table| matches!(table.fate, Fate::TakenBack { .. })) {
        Decision::StaleAfterRollBack
    } else if is_published(circumstances.mode, tables) {
        Decision::StaleAfterSuccess
    } else {
        Decision::Discard
    }
}

/// Tables are published together. Where every one says so by itself, one that does not disproves the others.
fn is_published(mode: Mode, tables: &[Judged]) -> bool {
    if tables.iter().any(|table| table.is_before) {
        return false;
    }
    let mut published = tables.iter().map(|table| table.fate == Fate::Published);
    match mode {
        Mode::Confirmed => published.all(|it| it),
        Mode::Strict | Mode::Loose => published.any(|it| it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Classification::{
        IncompletePhaseB, InvariantViolation, NoMovement, RolledPastExpected, UnexpectedAtP1, UnexpectedMultistep,
    };

    const LOAD: Circumstances =
        Circumstances { kind: WriterKind::Load, mode: Mode::Strict, schema_promoted: false, takes_over: false };

    fn tables(classifications: &[Classification]) -> Vec<Judged> {
        let judged = |&classification| Judged { classification, fate: Fate::Unpublished, is_before: false };
        classifications.iter().map(judged).collect()
    }

    #[test]
    fn all_tables_go_one_way() {
        let cases: [(&[Classification], Decision); 9] = [
            (&[], Decision::RollForward),
            (&[RolledPastExpected, RolledPastExpected], Decision::RollForward),
            (&[RolledPastExpected, NoMovement], Decision::RollBack),
            (&[UnexpectedAtP1], Decision::RollBack),
            (&[UnexpectedMultistep, RolledPastExpected], Decision::RollBack),
            (&[IncompletePhaseB], Decision::RollBack),
            (&[NoMovement, NoMovement], Decision::Discard),
            (&[RolledPastExpected, InvariantViolation], Decision::Refuse),
            (&[NoMovement, InvariantViolation], Decision::Refuse),
        ];
        for (classifications, expected) in cases {
            assert_eq!(decide(LOAD, &tables(classifications)), expected, "{classifications:?}");
        }
    }

    #[test]
    fn a_finished_write_is_stale() {
        let still = |fate| Judged { classification: NoMovement, fate, is_before: false };
        let mut both = tables(&[NoMovement]);
        both.push(still(Fate::Published));
        assert_eq!(decide(LOAD, &both), Decision::StaleAfterSuccess);
        let merge = Circumstances { kind: WriterKind::BranchMerge, mode: Mode::Confirmed, ..LOAD };
        assert_eq!(decide(merge, &both), Decision::Discard, "one table of a merge says that it is not published");
        assert_eq!(decide(merge, &both[1..]), Decision::StaleAfterSuccess);
        let mixed = Circumstances { takes_over: true, ..merge };
        let complete = tables(&[RolledPastExpected]);
        assert_eq!([merge, mixed].map(|it| decide(it, &complete)), [Decision::RollForward, Decision::RollBack]);
        let before = Judged { is_before: true, ..still(Fate::Unpublished) };
        assert_eq!(decide(LOAD, &[both[1], before]), Decision::Discard, "a pin before the expected one disproves it");
        both.push(still(Fate::TakenBack { head: 5, to: 4 }));
        assert_eq!(decide(LOAD, &both), Decision::StaleAfterRollBack);
    }

    #[test]
    fn a_schema_change_rolls_forward_only_with_its_files() {
        let apply = Circumstances { kind: WriterKind::SchemaApply, mode: Mode::Loose, ..LOAD };
        let moved = tables(&[RolledPastExpected]);
        assert_eq!(decide(apply, &moved), Decision::RollBack);
        assert_eq!(decide(Circumstances { schema_promoted: true, ..apply }, &moved), Decision::RollForward);
    }
}
