//! Choices, rules and counts in words.

use stratigraph_engine::merge::{CellChoice, Choice, Conflict, ConflictKind, Decision, Rule, Scope, Side, Unfit};

use super::deciding::Deciding;
use super::draft::Kept;
use super::request::Pair;
use super::resolve::is_about_edges;
use crate::view::age;

/// Why a preview cannot be carried out any more, and what is next.
pub(super) const AGAIN: &str = "a branch moved: r previews again";

/// The branch of a side, or `base`.
pub(super) fn side(side: Side, pair: &Pair) -> &str {
    match side {
        Side::Base => "base",
        Side::Source => pair.source.as_str(),
        Side::Target => pair.target.as_str(),
    }
}

/// The side as the design names it.
pub(super) fn side_word(side: Side) -> &'static str {
    match side {
        Side::Base => "base",
        Side::Source => "source",
        Side::Target => "target",
    }
}

/// A choice in few words.
pub(super) fn choice(choice: &Choice, from: &str) -> String {
    match choice {
        Choice::Take(side) => side_word(*side).to_owned(),
        Choice::MergeCells => "each cell from the side that changed it".to_owned(),
        Choice::Cells(cells) => {
            let cells = cells.iter().map(|(column, cell)| format!("{column} {from} {}", cell_words(cell)));
            cells.collect::<Vec<_>>().join(", ")
        }
        Choice::Drop => "drop the row".to_owned(),
        Choice::Keep => "keep the changed row".to_owned(),
        Choice::Delete => "delete the row".to_owned(),
        Choice::RestoreEnd => "restore the node".to_owned(),
        Choice::KeepRow(id) => format!("keep {id}, drop the other row"),
        Choice::Edges { drop, restore } => {
            let part = |word, ids: &[String]| (!ids.is_empty()).then(|| format!("{word} {}", ids.join(", ")));
            [part("drop", drop), part("restore", restore)].into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
    }
}

/// What is said where kept decisions are continued.
pub(super) fn kept(kept: &Kept, now_micros: i64) -> String {
    let choices = count(kept.decisions.decisions.len(), "choice");
    let age = age(kept.at_micros, now_micros);
    let others = match kept.others {
        0 => String::new(),
        1 => "; another workbench keeps choices of its own".to_owned(),
        others => format!("; {others} other workbenches keep choices of their own"),
    };
    format!("{choices} kept {} ago, u does not take them back{others}", age.trim_start())
}

/// The keys that decide a conflict.
pub(super) fn keys(conflict: &Conflict) -> String {
    if is_about_edges(conflict) {
        return "open: tab to an edge, D drops it or brings it back".to_owned();
    }
    let fits = |choice: &Choice| choice.fits(conflict).is_ok();
    let sides = [(Side::Source, "s"), (Side::Target, "t"), (Side::Base, "b")];
    let sides: Vec<&str> =
        sides.into_iter().filter(|(side, _)| fits(&Choice::Take(*side))).map(|(_, key)| key).collect();
    let keys = match sides.is_empty() {
        false => format!("{} take a side", sides.join(" ")),
        true => "D drops it".to_owned(),
    };
    let cells = if fits(&Choice::MergeCells) { ", m merges the cells" } else { "" };
    format!("open: {keys}{cells}, enter lists all choices")
}

/// Why a choice is none for a conflict, and where to find those that are.
pub(super) fn unfit(of: &Choice, reason: &Unfit) -> String {
    format!("{}: {reason} (enter lists what fits)", choice(of, "from"))
}

fn cell_words(cell: &CellChoice) -> String {
    match cell {
        CellChoice::From(side) => side_word(*side).to_owned(),
        CellChoice::Value(value) => value.to_string(),
    }
}

/// What a rule is about: `all DivergentUpdate in node:Person`.
pub(super) fn rule(rule: &Rule) -> String {
    let kind = rule.kind.map_or_else(|| "conflicts".to_owned(), |kind: ConflictKind| kind.to_string());
    let table = rule.table.as_ref().map(|table| format!(" in {table}")).unwrap_or_default();
    let filter = rule.filter.as_ref().map(|filter| format!(" where {filter}")).unwrap_or_default();
    format!("all {kind}{table}{filter}")
}

/// Who decided and how: `by you`, `by dana`, `by rule all DivergentUpdate in node:Person → source`.
pub(super) fn by(decision: &Decision, actor: Option<&str>, arrow: &str, from: &str) -> String {
    match &decision.on {
        Scope::Conflict(_) => match decision.by.as_deref() {
            Some(by) if Some(by) != actor => format!("by {by}"),
            Some(_) | None => "by you".to_owned(),
        },
        Scope::Rule(of) => {
            let words = decision.choice.as_ref().map(|chosen| choice(chosen, from)).unwrap_or_default();
            format!("by rule {}{arrow}{words}", rule(of))
        }
    }
}

/// The decision that caused a conflict, in words.
pub(super) fn cause(deciding: &Deciding, conflict: &Conflict, from: &str) -> Option<String> {
    let decision = deciding.checked().get(conflict.caused_by?)?;
    let words = decision.choice.as_ref().map(|chosen| choice(chosen, from)).unwrap_or_default();
    Some(match &decision.on {
        Scope::Conflict(key) => format!("because of {words} for {} {}", key.table, key.id),
        Scope::Rule(of) => format!("because of the rule: {words} for {}", rule(of)),
    })
}

/// Decisions counted by what they do: `target 9, source 4, edited 1`; empty if there are none.
pub(super) fn counts<'d>(choices: impl Iterator<Item = &'d Choice>) -> String {
    let words = ["target", "source", "base", "cells", "edited", "dropped", "kept", "restored", "edges"];
    let mut counts = words.map(|word| (word, 0));
    for choice in choices {
        let at = match choice {
            Choice::Take(Side::Target) => 0,
            Choice::Take(Side::Source) => 1,
            Choice::Take(Side::Base) => 2,
            Choice::MergeCells => 3,
            Choice::Cells(cells) if cells.values().any(|cell| matches!(cell, CellChoice::Value(_))) => 4,
            Choice::Cells(_) => 3,
            Choice::Drop | Choice::Delete => 5,
            Choice::Keep | Choice::KeepRow(_) => 6,
            Choice::RestoreEnd => 7,
            Choice::Edges { .. } => 8,
        };
        counts[at].1 += 1;
    }
    let some = counts.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{word} {count}"));
    some.collect::<Vec<_>>().join(", ")
}

/// `3 of 17 open · decided: target 9, source 4, edited 1`.
pub(super) fn totals(deciding: &Deciding, dot: &str) -> String {
    let check = deciding.check();
    let all = check.open.len() + check.decided.len();
    let chosen = check.decided.iter().filter_map(|(_, index)| deciding.checked().get(*index)?.choice.as_ref());
    let counts = counts(chosen);
    let counts = if counts.is_empty() { counts } else { format!("{dot}decided: {counts}") };
    format!("{} of {all} open{counts}", check.open.len())
}

/// A number with its noun: `1 conflict`, `3 conflicts`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The names of the kinds as the design writes them: `divergent update`.
pub(super) fn kind(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::DivergentInsert => "divergent insert",
        ConflictKind::DivergentUpdate => "divergent update",
        ConflictKind::DeleteVsUpdate => "delete vs update",
        ConflictKind::OrphanEdge => "orphan edge",
        ConflictKind::UniqueViolation => "unique violation",
        ConflictKind::CardinalityViolation => "cardinality violation",
        ConflictKind::ValueConstraintViolation => "value constraint violation",
    }
}
