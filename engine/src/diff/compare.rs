//! Rows of one id on both sides → what changed. Pure.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::RowOp;
use crate::value::{Row, Value};

/// How one row changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change<R> {
    pub(super) op: RowOp,
    pub(super) before: Option<R>,
    pub(super) after: Option<R>,
    pub(super) columns: Vec<String>,
}

/// Compares the rows that carry one id.
///
/// Usually there is at most one on each side. Where ids repeat, equal rows cancel each other first and the rest is paired in
/// an order that depends on content alone, so that no row is lost and no read order shows.
pub(super) fn compare<R: Borrow<Row>>(before: Vec<R>, after: Vec<R>) -> Vec<Change<R>> {
    let (before, after) =
        if before.len() <= 1 && after.len() <= 1 { (before, after) } else { cancelled(before, after) };
    let (mut before, mut after) = (before.into_iter(), after.into_iter());
    let mut changes = Vec::new();
    loop {
        match (before.next(), after.next()) {
            (Some(old), Some(new)) => {
                let columns = changed_columns(old.borrow(), new.borrow());
                if !columns.is_empty() {
                    changes.push(Change { op: RowOp::Updated, before: Some(old), after: Some(new), columns });
                }
            }
            (Some(old), None) => {
                changes.push(Change { op: RowOp::Deleted, before: Some(old), after: None, columns: Vec::new() });
            }
            (None, Some(new)) => {
                changes.push(Change { op: RowOp::Inserted, before: None, after: Some(new), columns: Vec::new() });
            }
            (None, None) => return changes,
        }
    }
}

/// Columns whose cells differ, those of the newer row first. A column that only one side has differs where it holds a value.
pub(crate) fn changed_columns(before: &Row, after: &Row) -> Vec<String> {
    if before.columns() == after.columns() {
        let cells = before.iter().zip(after.values());
        return cells.filter(|((_, old), new)| old != new).map(|((name, _), _)| name.to_owned()).collect();
    }
    let null = Value::Null;
    let cell = |row: &Row, name: &str| row.get(name).unwrap_or(&null).clone();
    let mut seen = BTreeSet::new();
    let names: Vec<&Arc<str>> =
        after.columns().iter().chain(before.columns()).filter(|name| seen.insert(*name)).collect();
    let differing = names.into_iter().filter(|name| cell(before, name) != cell(after, name));
    differing.map(ToString::to_string).collect()
}

fn cancelled<R: Borrow<Row>>(before: Vec<R>, mut after: Vec<R>) -> (Vec<R>, Vec<R>) {
    let mut left = Vec::new();
    for old in before {
        match after.iter().position(|new| changed_columns(old.borrow(), new.borrow()).is_empty()) {
            Some(index) => {
                after.swap_remove(index);
            }
            None => left.push(old),
        }
    }
    left.sort_by_cached_key(content);
    after.sort_by_cached_key(content);
    (left, after)
}

fn content<R: Borrow<Row>>(row: &R) -> String {
    row.borrow().to_json().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, Value)]) -> Row {
        let columns = cells.iter().map(|(name, _)| Arc::from(*name)).collect();
        Row::new(columns, cells.iter().map(|(_, value)| value.clone()).collect())
    }

    fn ops(changes: &[Change<Row>]) -> Vec<RowOp> {
        changes.iter().map(|change| change.op).collect()
    }

    #[test]
    fn equal_rows_are_no_change_and_columns_are_named() {
        let old = row(&[("id", "a".into()), ("x", Value::Null), ("y", Value::Int(1))]);
        let new = row(&[("id", "a".into()), ("x", "".into()), ("y", Value::Int(1))]);
        assert_eq!(compare(vec![old.clone()], vec![old.clone()]), []);
        let changes = compare(vec![old], vec![new]);
        assert_eq!((changes[0].op, &changes[0].columns), (RowOp::Updated, &vec!["x".to_owned()]));
    }

    #[test]
    fn a_column_of_one_side_counts_where_it_holds_a_value() {
        let plain = row(&[("id", "a".into())]);
        let null = row(&[("id", "a".into()), ("x", Value::Null)]);
        let full = row(&[("id", "a".into()), ("x", Value::Int(1))]);
        assert_eq!(compare(vec![plain.clone()], vec![null]), []);
        assert_eq!(compare(vec![plain.clone()], vec![full.clone()])[0].columns, ["x"]);
        assert_eq!(compare(vec![full], vec![plain])[0].columns, ["x"]);
    }

    #[test]
    fn repeated_ids_lose_no_row() {
        let of = |x: i64| row(&[("id", "a".into()), ("x", Value::Int(x))]);
        assert_eq!(compare(vec![of(1), of(2)], vec![of(2), of(1)]), []);
        assert_eq!(ops(&compare(vec![of(1), of(1)], vec![of(1)])), [RowOp::Deleted]);
        assert_eq!(ops(&compare(vec![of(1)], vec![of(3), of(2), of(1)])), [RowOp::Inserted, RowOp::Inserted]);
        let (one, other) = (compare(vec![of(1), of(2)], vec![of(3)]), compare(vec![of(2), of(1)], vec![of(3)]));
        assert_eq!(one, other, "the order of reading does not show");
        assert_eq!(ops(&one), [RowOp::Updated, RowOp::Deleted]);
    }
}
