//! Which decision brought a conflict about. Pure.
//!
//! A conflict that the branches have anyway is their own, whatever is decided beside it: a decision is the cause only if it chose the
//! cells, rows or edges that break the rule.

use std::collections::HashMap;

use super::chosen::{ChosenRow, ChosenRows, RowChoice};
use super::conflict::{Conflict, ConflictDetail, ConflictKey, ConflictKind, Side};
use crate::id::TableKey;

/// Column that says whose edge an edge is.
const SRC: &str = "src";

/// What is known of a merge's rows and conflicts.
pub(super) struct Causes<'c> {
    chosen: &'c ChosenRows,
    /// The columns in which the sides of a row differ that both have.
    differing: HashMap<(&'c TableKey, &'c str), &'c [String]>,
    /// Conflicts about numbers of edges that were known before.
    counted: HashMap<&'c ConflictKey, Vec<u64>>,
}

impl<'c> Causes<'c> {
    /// Remembers what decisions made of rows, and the conflicts known so far.
    pub(super) fn new(chosen: &'c ChosenRows, known: &'c [Conflict]) -> Self {
        let (mut differing, mut counted) = (HashMap::new(), HashMap::<_, Vec<u64>>::new());
        for Conflict { key, detail, .. } in known {
            match detail {
                ConflictDetail::Row { columns, .. } if is_of_both(key.kind) => {
                    differing.insert((&key.table, key.id.as_str()), columns.as_slice());
                }
                ConflictDetail::Cardinality { count, min, max } => {
                    counted.entry(key).or_default().push(excess(*count, *min, *max));
                }
                ConflictDetail::Row { .. }
                | ConflictDetail::Orphan { .. }
                | ConflictDetail::Unique { .. }
                | ConflictDetail::Value { .. } => {}
            }
        }
        Self { chosen, differing, counted }
    }

    /// Index of the decision without which a conflict would not be there; none if it is the branches' own.
    pub(super) fn of(&self, conflict: &Conflict) -> Option<usize> {
        let ConflictKey { table, id, .. } = &conflict.key;
        match &conflict.detail {
            ConflictDetail::Row { .. } => self.row(table, id).map(|row| row.decision),
            ConflictDetail::Value { column, .. } => self.cell(table, id, column),
            ConflictDetail::Unique { columns, other } => {
                let of = |id: &str| columns.iter().filter_map(|column| self.cell(table, id, column)).max();
                of(id).or_else(|| of(other))
            }
            ConflictDetail::Orphan { role, node, end } => {
                let gone = || self.row(node, end).filter(|row| may_be_gone(row)).map(|row| row.decision);
                self.cell(table, id, role).or_else(gone)
            }
            ConflictDetail::Cardinality { count, min, max } => {
                let excess = excess(*count, *min, *max);
                let before = self.counted.get(&conflict.key).and_then(|counts| counts.iter().max());
                // What a decision left of it was there before.
                if before.is_some_and(|before| excess < *before) { None } else { self.edges(table) }
            }
        }
    }

    fn row(&self, table: &TableKey, id: &str) -> Option<&ChosenRow> {
        self.chosen.get(table)?.get(id)
    }

    /// The decision that chose a cell. None if both sides have it so.
    fn cell(&self, table: &TableKey, id: &str, column: &str) -> Option<usize> {
        let row = self.row(table, id)?;
        if let Some(decision) = row.names(column) {
            return Some(decision);
        }
        let differing = self.differing.get(&(table, id));
        let is_common = differing.is_some_and(|columns| columns.iter().all(|differing| differing != column));
        row.rest_by().filter(|_| !is_common)
    }

    /// The last decision that gave edges to a node of a table, or took some.
    fn edges(&self, table: &TableKey) -> Option<usize> {
        let edges = self.chosen.get(table)?.values();
        let decision = |row: &ChosenRow| match &row.row {
            RowChoice::From(Side::Target) => None,
            RowChoice::Cells(_) => row.names(SRC).or_else(|| row.rest_by()),
            RowChoice::From(Side::Source | Side::Base) | RowChoice::Absent | RowChoice::Restored => Some(row.decision),
        };
        edges.filter_map(decision).max()
    }
}

/// Whether both sides have the row of a conflict of this kind.
fn is_of_both(kind: ConflictKind) -> bool {
    matches!(kind, ConflictKind::DivergentInsert | ConflictKind::DivergentUpdate)
}

fn may_be_gone(row: &ChosenRow) -> bool {
    match &row.row {
        RowChoice::From(_) | RowChoice::Absent => true,
        RowChoice::Restored | RowChoice::Cells(_) => false,
    }
}

/// How far a number of edges is from those allowed.
fn excess(count: u64, min: u32, max: Option<u32>) -> u64 {
    let above = max.map_or(0, |max| count.saturating_sub(u64::from(max)));
    above.max(u64::from(min).saturating_sub(count))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::merge::choice::tests::conflict;
    use crate::merge::choice::{CellChoice, Choice};
    use crate::merge::chosen::chosen_rows;
    use crate::merge::decision::Decision;

    /// A choice of these cells.
    fn cells(names: &[&str]) -> Choice {
        let cell = |name: &&str| ((*name).to_owned(), CellChoice::Value(json!("new")));
        Choice::Cells(names.iter().map(cell).collect())
    }

    fn divergent(columns: &[&str]) -> Conflict {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let detail = ConflictDetail::Row { columns, is_cell_mergeable: false };
        Conflict { detail, ..conflict(ConflictKind::DivergentUpdate) }
    }

    fn value(column: &str) -> Conflict {
        let detail = ConflictDetail::Value { column: column.to_owned(), reason: "it is wrong".to_owned() };
        Conflict { detail, ..conflict(ConflictKind::ValueConstraintViolation) }
    }

    fn unique(columns: &[&str]) -> Conflict {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let detail = ConflictDetail::Unique { columns, other: "bob".to_owned() };
        Conflict { detail, ..conflict(ConflictKind::UniqueViolation) }
    }

    /// The cause of a conflict, if decisions by hand about others were made in this order.
    fn cause(decided: &[(Conflict, Choice)], found: &Conflict) -> Option<usize> {
        let decisions: Vec<Decision> =
            decided.iter().map(|(about, choice)| Decision::by_hand(about, Some(choice.clone()))).collect();
        let pairs =
            decided.iter().zip(&decisions).enumerate().map(|(at, ((about, _), decision))| (about, at, decision));
        let chosen = chosen_rows(pairs.collect());
        let known: Vec<Conflict> = decided.iter().map(|(about, _)| about.clone()).collect();
        Causes::new(&chosen, &known).of(found)
    }

    #[test]
    fn a_rule_of_one_column_is_not_broken_by_a_decision_about_another() {
        for about in [divergent(&["age", "mail"]), value("age"), unique(&["mail"])] {
            let decided = [(about, cells(&["age"]))];
            assert_eq!(cause(&decided, &value("age")), Some(0));
            assert_eq!(cause(&decided, &value("city")), None);
            assert_eq!(cause(&decided, &unique(&["city", "phone"])), None);
            assert_eq!(cause(&decided, &unique(&["city", "age"])), Some(0));
        }
    }

    #[test]
    fn each_cell_is_caused_by_the_decision_that_chose_it() {
        let decided = [
            (divergent(&["age", "mail"]), Choice::Take(Side::Source)),
            (value("age"), cells(&["age"])),
            (unique(&["city"]), cells(&["city"])),
        ];
        for (column, expected) in [("age", Some(1)), ("city", Some(2)), ("mail", Some(0)), ("phone", None)] {
            assert_eq!(cause(&decided, &value(column)), expected, "{column}");
        }
    }

    #[test]
    fn what_both_sides_have_comes_from_neither() {
        let taken = [(divergent(&["age"]), Choice::Take(Side::Source))];
        assert_eq!((cause(&taken, &value("age")), cause(&taken, &value("mail"))), (Some(0), None));
        assert_eq!(cause(&taken, &unique(&["mail"])), None);
        // Only one side has the row: with it, all its cells come.
        let kept = [(conflict(ConflictKind::DeleteVsUpdate), Choice::Keep)];
        assert_eq!(cause(&kept, &value("mail")), Some(0));
    }

    #[test]
    fn what_is_left_of_too_many_edges_was_there_before() {
        let edges = |count| {
            let detail = ConflictDetail::Cardinality { count, min: 1, max: Some(2) };
            Conflict { detail, ..conflict(ConflictKind::CardinalityViolation) }
        };
        let drop =
            |ids: &[&str]| Choice::Edges { drop: ids.iter().map(|id| (*id).to_owned()).collect(), restore: Vec::new() };
        assert_eq!(cause(&[(edges(5), drop(&["e1"]))], &edges(4)), None);
        assert_eq!(cause(&[(edges(3), drop(&["e1", "e2", "e3"]))], &edges(0)), Some(0), "as far off on the other side");
    }
}
