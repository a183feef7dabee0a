//! What decisions make of each row, where several of them speak of the same one. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::choice::{CellChoice, Choice, effects};
use super::conflict::{Conflict, Side};
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
}

impl ChosenRow {
    /// Adds a later choice about the same row: cells are changed in what was chosen before, everything else replaces it.
    fn then(&mut self, later: Self) {
        match (&mut self.row, later.row) {
            (RowChoice::Cells(cells), RowChoice::Cells(more)) => cells.extend(more),
            (RowChoice::From(side), RowChoice::Cells(cells)) => {
                self.rest = Some(*side);
                self.row = RowChoice::Cells(cells);
            }
            (row, later_row) => {
                *row = later_row;
                self.rest = None;
            }
        }
        self.decision = later.decision;
    }
}

/// A conflict, the index of the decision about it, and what that one chooses.
pub type Decided<'d> = (&'d Conflict, usize, &'d Choice);

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

/// What each decision says of each row. Choices about rules come after those about rows, because they speak of what those made;
/// of either the later decision holds.
fn in_order(mut decided: Vec<Decided<'_>>) -> impl Iterator<Item = (TableKey, String, ChosenRow)> {
    decided.sort_by_key(|(conflict, decision, _)| (!conflict.key.kind.is_of_a_row(), *decision));
    decided.into_iter().flat_map(|(conflict, decision, choice)| {
        let chosen = move |row| ChosenRow { row, rest: None, decision };
        effects(conflict, choice).into_iter().map(move |(table, id, row)| (table, id, chosen(row)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::merge::choice::tests::conflict;
    use crate::merge::conflict::ConflictKind;

    fn value(text: &str) -> CellChoice {
        CellChoice::Value(json!(text))
    }

    fn cells(cells: &[(&str, CellChoice)]) -> BTreeMap<String, CellChoice> {
        cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect()
    }

    /// What choices about conflicts of these kinds make of the row `alice`, each with the index of its decision.
    fn alice(choices: &[(ConflictKind, usize, Choice)]) -> Option<ChosenRow> {
        let conflicts: Vec<Conflict> = choices.iter().map(|(kind, ..)| conflict(*kind)).collect();
        let decided = conflicts.iter().zip(choices).map(|(conflict, (_, at, choice))| (conflict, *at, choice));
        chosen_row(decided.collect(), &"node:Person".parse().expect("a key"), "alice")
    }

    const UPDATE: ConflictKind = ConflictKind::DivergentUpdate;
    const VALUE: ConflictKind = ConflictKind::ValueConstraintViolation;
    const UNIQUE: ConflictKind = ConflictKind::UniqueViolation;

    #[test]
    fn cells_are_changed_in_the_row_that_was_chosen_before() {
        let mended = Choice::Cells(cells(&[("age", value("7"))]));
        let with_rest = |rest| RowAnd { rest, cells: cells(&[("age", value("7"))]) };
        for (row, expected) in [
            (Choice::Take(Side::Source), with_rest(Some(Side::Source))),
            (Choice::MergeCells, with_rest(None)),
            (
                Choice::Cells(cells(&[("age", value("900")), ("city", CellChoice::From(Side::Target))])),
                RowAnd { rest: None, cells: cells(&[("age", value("7")), ("city", CellChoice::From(Side::Target))]) },
            ),
        ] {
            // The decision about the row comes first, wherever it is in the list.
            for (of_row, of_rule) in [(0, 1), (1, 0)] {
                let chosen = alice(&[(VALUE, of_rule, mended.clone()), (UPDATE, of_row, row.clone())]).expect("chosen");
                assert_eq!((chosen.row, chosen.rest), (RowChoice::Cells(expected.cells.clone()), expected.rest));
                assert_eq!(chosen.decision, of_rule);
            }
        }
    }

    struct RowAnd {
        rest: Option<Side>,
        cells: BTreeMap<String, CellChoice>,
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
    fn a_row_that_no_decision_speaks_of_is_not_chosen() {
        assert_eq!(alice(&[]), None);
        assert_eq!(alice(&[(ConflictKind::OrphanEdge, 0, Choice::Drop)]), None);
        assert_eq!(alice(&[(UNIQUE, 0, Choice::KeepRow("alice".to_owned()))]), None, "it is bob that goes");
    }
}
