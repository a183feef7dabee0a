//! The filter of changed rows.
//!
//! | word | fits changes |
//! |---|---|
//! | `op:x` | of this operation: `inserted`, `updated`, `deleted` (a beginning is enough), or `+`, `~`, `-` |
//! | `id:x` | of rows with `x` in the id |
//! | `column:x` | of which a changed column has `x` in its name |
//! | other words, taken together | with this text in the id or a cell, before or after |
//!
//! Each `x` is a term as in search; `!` in front of a word inverts it.

use stratigraph_engine::diff::{RowChange, RowOp};

use crate::matcher::Matcher;

#[derive(Debug, Clone)]
enum Test {
    Op(&'static str),
    Id(Matcher),
    Column(Matcher),
    Text(Matcher),
    /// A word that fits nothing.
    Never,
}

/// A compiled filter; the empty one accepts everything.
#[derive(Debug, Clone, Default)]
pub(super) struct RowFilter {
    tests: Vec<(bool, Test)>,
}

impl RowFilter {
    /// Compiles a text.
    pub(super) fn new(text: &str) -> Self {
        let (mut tests, mut rest): (Vec<(bool, Test)>, Vec<&str>) = (Vec::new(), Vec::new());
        for word in text.split_whitespace() {
            let (inverted, bare) = word.strip_prefix('!').map_or((false, word), |bare| (true, bare));
            let matcher = |value: &str| Matcher::new(value).ok().flatten();
            match bare.split_once(':') {
                Some(("op" | "id" | "column", "")) => {}
                Some(("op", value)) => tests.push((inverted, op_word(value).map_or(Test::Never, Test::Op))),
                Some(("id", value)) => tests.extend(matcher(value).map(|matcher| (inverted, Test::Id(matcher)))),
                Some(("column", value)) => {
                    tests.extend(matcher(value).map(|matcher| (inverted, Test::Column(matcher))));
                }
                Some(_) | None => rest.push(word),
            }
        }
        let text = Matcher::new(&rest.join(" ")).ok().flatten();
        tests.extend(text.map(|matcher| (false, Test::Text(matcher))));
        Self { tests }
    }

    /// Whether a change fits.
    pub(super) fn accepts(&self, change: &RowChange) -> bool {
        self.tests.iter().all(|(inverted, test)| holds(test, change) != *inverted)
    }
}

fn op_word(value: &str) -> Option<&'static str> {
    match value {
        "+" => Some("inserted"),
        "~" => Some("updated"),
        "-" => Some("deleted"),
        _ => ["inserted", "updated", "deleted"].into_iter().find(|word| word.starts_with(value)),
    }
}

/// The word of an operation.
pub(in super::super) fn word(op: RowOp) -> &'static str {
    match op {
        RowOp::Inserted => "inserted",
        RowOp::Updated => "updated",
        RowOp::Deleted => "deleted",
    }
}

fn holds(test: &Test, change: &RowChange) -> bool {
    match test {
        Test::Op(wanted) => word(change.op) == *wanted,
        Test::Id(matcher) => matcher.accepts(&change.id),
        Test::Column(matcher) => matcher.accepts_any(change.columns.iter().map(String::as_str)),
        Test::Text(matcher) => {
            let rows = [&change.before, &change.after].into_iter().flatten();
            let cells: Vec<String> = rows.flat_map(|row| row.values().iter().map(ToString::to_string)).collect();
            matcher.accepts_any(cells.iter().map(String::as_str).chain([change.id.as_str()]))
        }
        Test::Never => false,
    }
}
