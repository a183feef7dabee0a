//! What decisions make of each row, where several of them speak of the same one. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::choice::{CellChoice, effects};
use super::conflict::{Conflict, Side};
use super::decision::{Decision, Scope};
use crate::id::TableKey;

/// What becomes of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChoice {
    /// The row as it is there; no row if there is none.
    From(Side),
    /// No row.
    Absent,
    /// The row of the side that has it: of source, else of target, else of base.
    Restored,
    /// These cells so; the others as [`ChosenRow::rest`] says.
    Cells(BTreeMap<String, CellChoice>),
}

/// What is chosen for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenRow {
    /// What becomes of it.
    pub row: RowChoice,
    /// Where cells come from that [`RowChoice::Cells`] does not name, if that side has the row; none is the side that changed them.
    pub rest: Option<Side>,
    /// Index of the last decision about it.
    pub decision: usize,
    /// Which decision named each of the cells of [`RowChoice::Cells`] last.
    named: BTreeMap<String, usize>,
    /// Which decision chose the side that the other cells come from.
    rest_by: Option<usize>,
}

impl ChosenRow {
    /// The decision that named a cell.
    pub(super) fn names(&self, column: &str) -> Option<usize> {
        self.named.get(column).copied()
    }

    /// The decision that chose where cells come from that none names.
    pub(super) fn rest_by(&self) -> Option<usize> {
        match &self.row {
            RowChoice::Cells(_) => self.rest_by,
            RowChoice::From(_) | RowChoice::Absent | RowChoice::Restored => Some(self.decision),
        }
    }

    /// Adds a later choice about the same row: cells are changed in what was chosen before, everything else replaces it.
    fn then(&mut self, later: Self) {
        match (&mut self.row, later.row) {
            (RowChoice::Cells(cells), RowChoice::Cells(more)) => {
                cells.extend(more);
                self.named.extend(later.named);
            }
            (RowChoice::From(side), RowChoice::Cells(cells)) => {
                (self.rest, self.rest_by) = (Some(*side), Some(self.decision));
                self.row = RowChoice::Cells(cells);
                self.named = later.named;
            }
            (row, later_row) => {
                *row = later_row;
                (self.rest, self.rest_by) = (None, None);
                self.named = later.named;
            }
        }
        self.decision = later.decision;
    }
}

/// A conflict with the decision about it and the index of that one.
pub type Decided<'d> = (&'d Conflict, usize, &'d Decision);

/// Rows by table and id.
pub(super) type ChosenRows = BTreeMap<TableKey, BTreeMap<String, ChosenRow>>;

/// What is chosen for every row that a decision speaks of.
pub(super) fn chosen_rows(decided: Vec<Decided<'_>>) -> ChosenRows {
    let mut all = ChosenRows::new();
    for (table, id, later) in in_order(decided) {
        match all.entry(table).or_default().entry(id) {
            Entry::Vacant(slot) => drop(slot.insert(later)),
            Entry::Occupied(mut earlier) => earlier.get_mut().then(later),
        }
    }
    all
}

/// What decisions about some conflicts make of one row; none if none of them speaks of it.
#[must_use]
pub fn chosen_row(decided: Vec<Decided<'_>>, table: &TableKey, id: &str) -> Option<ChosenRow> {
    let of_row = in_order(decided).filter(|(of_table, of, _)| of_table == table && of == id);
    of_row.map(|(.., chosen)| chosen).reduce(|mut earlier, later| {
        earlier.then(later);
        earlier
    })
}

/// What each decision says of each row. Choices about rules of the schema come after those about rows, because they speak of what
/// those made; of either, what a person chose for one conflict comes after what was chosen for many, and the later decision holds.
fn in_order(mut decided: Vec<Decided<'_>>) -> impl Iterator<Item = (TableKey, String, ChosenRow)> {
    decided.sort_by_key(|(conflict, index, decision)| {
        (!conflict.key.kind.is_of_a_row(), matches!(decision.on, Scope::Conflict(_)), *index)
    });
    decided.into_iter().flat_map(|(conflict, index, decision)| {
        let chosen = move |row| {
            let named = match &row {
                RowChoice::Cells(cells) => cells.keys().map(|column| (column.clone(), index)).collect(),
                RowChoice::From(_) | RowChoice::Absent | RowChoice::Restored => BTreeMap::new(),
            };
            ChosenRow { row, rest: None, decision: index, named, rest_by: None }
        };
        let effects = decision.choice.as_ref().map(|choice| effects(conflict, choice)).unwrap_or_default();
        effects.into_iter().map(move |(table, id, row)| (table, id, chosen(row)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::merge::choice::Choice;
    use crate::merge::choice::tests::conflict;
    use crate::merge::conflict::ConflictKind;
    use crate::merge::decision::Rule;

    fn value(text: &str) -> CellChoice {
        CellChoice::Value(json!(text))
    }

    fn cells(cells: &[(&str, CellChoice)]) -> BTreeMap<String, CellChoice> {
        cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect()
    }

    /// What decisions by hand about conflicts of these kinds make of the row `alice`, each with its index.
    fn alice(choices: &[(ConflictKind, usize, Choice)]) -> Option<ChosenRow> {
        let decisions = choices.iter().map(|(kind, at, choice)| {
            let conflict = conflict(*kind);
            let decision = Decision::by_hand(&conflict, Some(choice.clone()));
            (conflict, *at, decision)
        });
        of_alice(&decisions.collect::<Vec<_>>())
    }

    fn of_alice(decisions: &[(Conflict, usize, Decision)]) -> Option<ChosenRow> {
        let decided = decisions.iter().map(|(conflict, at, decision)| (conflict, *at, decision)).collect();
        chosen_row(decided, &"node:Person".parse().expect("a key"), "alice")
    }

    const UPDATE: ConflictKind = ConflictKind::DivergentUpdate;
    const VALUE: ConflictKind = ConflictKind::ValueConstraintViolation;
    const UNIQUE: ConflictKind = ConflictKind::UniqueViolation;

    #[test]
    fn cells_are_changed_in_the_row_that_was_chosen_before() {
        let mended = Choice::Cells(cells(&[("age", value("7"))]));
        let named = || cells(&[("age", value("7"))]);
        let before = Choice::Cells(cells(&[("age", value("900")), ("city", CellChoice::From(Side::Target))]));
        let both = cells(&[("age", value("7")), ("city", CellChoice::From(Side::Target))]);
        for (row, expected) in [
            (Choice::Take(Side::Source), (named(), Some(Side::Source))),
            (Choice::MergeCells, (named(), None)),
            (before, (both, None)),
        ] {
            // The decision about the row comes first, wherever it is in the list.
            for (of_row, of_rule) in [(0, 1), (1, 0)] {
                let chosen = alice(&[(VALUE, of_rule, mended.clone()), (UPDATE, of_row, row.clone())]).expect("chosen");
                assert_eq!((chosen.row, chosen.rest), (RowChoice::Cells(expected.0.clone()), expected.1));
                assert_eq!(chosen.decision, of_rule);
            }
        }
    }

    #[test]
    fn of_two_decisions_about_rules_the_later_one_holds() {
        let mended = Choice::Cells(cells(&[("age", value("7"))]));
        let other_row = Choice::KeepRow("bob".to_owned());
        let gone = alice(&[(VALUE, 0, mended.clone()), (UNIQUE, 1, other_row.clone())]).expect("chosen");
        assert_eq!(gone.row, RowChoice::Absent);
        let changed = alice(&[(VALUE, 1, mended), (UNIQUE, 0, other_row)]).expect("chosen");
        assert_eq!(changed.row, RowChoice::Cells(cells(&[("age", value("7"))])));
    }

    #[test]
    fn what_was_chosen_for_one_conflict_is_not_replaced_by_a_later_rule() {
        let value_by_hand = Choice::Cells(cells(&[("age", value("7"))]));
        let rule = Rule { table: None, kind: Some(UNIQUE), filter: None };
        let by_rule = Decision::by_rule(rule, Choice::Take(Side::Target));
        let by_hand = Decision::by_hand(&conflict(VALUE), Some(value_by_hand));
        let chosen = of_alice(&[(conflict(VALUE), 0, by_hand), (conflict(UNIQUE), 1, by_rule)]).expect("chosen");
        let expected = RowChoice::Cells(cells(&[("age", value("7"))]));
        assert_eq!((chosen.row, chosen.rest, chosen.decision), (expected, Some(Side::Target), 0));
    }

    #[test]
    fn a_row_that_no_decision_speaks_of_is_not_chosen() {
        assert_eq!(alice(&[]), None);
        assert_eq!(alice(&[(ConflictKind::OrphanEdge, 0, Choice::Drop)]), None);
        assert_eq!(alice(&[(UNIQUE, 0, Choice::KeepRow("alice".to_owned()))]), None, "it is bob that goes");
    }
}
