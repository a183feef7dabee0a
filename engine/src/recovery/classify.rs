//! Where one pinned table of an interrupted write stands → what happened to it (graph-format §10.4). Pure and total.
//!
//! With H the table's head, P the pin of the branch, E the pin before the write, Q the planned head and C the confirmed one:
//!
//! | | strict | loose | confirmed |
//! |---|---|---|---|
//! | H < P | invariant violation | = | = |
//! | H = P | no movement | = | = |
//! | H > P | E = P, H = P+1, Q = H: past expected | E = P: past expected | C absent: incomplete; C = H, E = P: past expected |
//! | otherwise, H = P+1 | unexpected at P+1 | = | unexpected, several steps |
//! | otherwise | unexpected, several steps | = | = |

use super::WriterKind;

/// How much a writer's kind lets be concluded from a head past its pin. The only place that asks for the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Exactly one commit for each table.
    Strict,
    /// Any number of commits, whose content is derived and can be published as far as it got.
    Loose,
    /// Any number of commits with content of their own: only a confirmed head is complete.
    Confirmed,
}

impl Mode {
    /// The mode of a sidecar, by writer and format: a merge of format 1 was written before heads were confirmed.
    pub(crate) fn of(kind: WriterKind, schema_version: u64) -> Self {
        match kind {
            WriterKind::Mutation | WriterKind::Load => Self::Strict,
            WriterKind::BranchMerge if schema_version >= 2 => Self::Confirmed,
            WriterKind::BranchMerge | WriterKind::SchemaApply | WriterKind::EnsureIndices | WriterKind::Optimize => {
                Self::Loose
            }
        }
    }
}

/// Versions of one pinned table, as the sidecar has them and as they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Pin before the write.
    pub(crate) expected: u64,
    /// Head the write planned to reach.
    pub(crate) planned: u64,
    /// Head the write said it reached.
    pub(crate) confirmed: Option<u64>,
    /// Pin of the branch now; 0 if the table is not visible.
    pub(crate) pinned: u64,
    /// Head of the lineage the write lands on.
    pub(crate) head: u64,
}

/// What happened to one pinned table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// The head is behind the pin: the table lost versions.
    InvariantViolation,
    /// The head is the pin: the write did not get here, or was published.
    NoMovement,
    /// The write is complete here.
    RolledPastExpected,
    /// One commit past the pin that is not the planned one.
    UnexpectedAtP1,
    /// Several commits past the pin that are not the planned ones.
    UnexpectedMultistep,
    /// The write did not confirm that it is complete.
    IncompletePhaseB,
}

/// Classifies one table.
pub(crate) fn classify(mode: Mode, table: Standing) -> Classification {
    let Standing { expected, planned, confirmed, pinned, head } = table;
    if head < pinned {
        return Classification::InvariantViolation;
    }
    if head == pinned {
        return Classification::NoMovement;
    }
    let as_planned = expected == pinned
        && match mode {
            Mode::Strict => head == pinned + 1 && planned == head,
            Mode::Loose => true,
            Mode::Confirmed => confirmed == Some(head),
        };
    match mode {
        _ if as_planned => Classification::RolledPastExpected,
        Mode::Confirmed if confirmed.is_none() => Classification::IncompletePhaseB,
        Mode::Strict | Mode::Loose if head == pinned + 1 => Classification::UnexpectedAtP1,
        Mode::Strict | Mode::Loose | Mode::Confirmed => Classification::UnexpectedMultistep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Classification::{
        IncompletePhaseB, InvariantViolation, NoMovement, RolledPastExpected, UnexpectedAtP1, UnexpectedMultistep,
    };

    fn standing(expected: u64, planned: u64, confirmed: Option<u64>, pinned: u64, head: u64) -> Standing {
        Standing { expected, planned, confirmed, pinned, head }
    }

    #[test]
    fn every_row_of_the_table() {
        let cases = [
            (standing(4, 5, None, 5, 4), [InvariantViolation; 3]),
            (standing(4, 5, None, 4, 4), [NoMovement; 3]),
            (standing(4, 5, Some(5), 5, 5), [NoMovement; 3]),
            (standing(4, 5, Some(5), 4, 5), [RolledPastExpected; 3]),
            (standing(4, 5, None, 4, 5), [RolledPastExpected, RolledPastExpected, IncompletePhaseB]),
            (standing(4, 7, None, 4, 5), [UnexpectedAtP1, RolledPastExpected, IncompletePhaseB]),
            (standing(4, 5, Some(7), 4, 7), [UnexpectedMultistep, RolledPastExpected, RolledPastExpected]),
            (standing(4, 5, Some(6), 4, 7), [UnexpectedMultistep, RolledPastExpected, UnexpectedMultistep]),
            (standing(4, 5, Some(6), 5, 6), [UnexpectedAtP1, UnexpectedAtP1, UnexpectedMultistep]),
            (standing(4, 5, None, 6, 9), [UnexpectedMultistep, UnexpectedMultistep, IncompletePhaseB]),
        ];
        for (table, expected) in cases {
            let found = [Mode::Strict, Mode::Loose, Mode::Confirmed].map(|mode| classify(mode, table));
            assert_eq!(found, expected, "{table:?}");
        }
    }

    #[test]
    fn the_mode_follows_writer_and_format() {
        use WriterKind::{BranchMerge, EnsureIndices, Load, Mutation, Optimize, SchemaApply};
        for version in [1, 2] {
            assert_eq!([Mutation, Load].map(|kind| Mode::of(kind, version)), [Mode::Strict; 2]);
            let derived = [SchemaApply, EnsureIndices, Optimize];
            assert_eq!(derived.map(|kind| Mode::of(kind, version)), [Mode::Loose; 3]);
        }
        assert_eq!([1, 2].map(|version| Mode::of(BranchMerge, version)), [Mode::Loose, Mode::Confirmed]);
    }
}
