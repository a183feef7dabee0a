//! Which decisions do nothing, although nothing changed since they were made.

use super::{Assigned, Decision, MergeDecisions, Rule, Scope, StaleDecision};
use crate::id::TableKey;
use crate::merge::choice::Choice;
use crate::merge::conflict::Conflict;

/// Finds the decisions that have no part in the result: rules that describe no conflict they could settle, rules of which later rules
/// took the place, and decisions by hand of which a later one did. A rule for what is not decided by hand is as rules are meant, even if
/// everything is.
pub(crate) fn idle(
    conflicts: &[Conflict],
    decisions: &MergeDecisions,
    assigned: &Assigned,
    has_table: &dyn Fn(&TableKey) -> bool,
    rule_matches: &dyn Fn(usize, &Conflict) -> bool,
) -> Vec<StaleDecision> {
    let mut takes_part = vec![false; decisions.decisions.len()];
    for index in assigned.chosen.iter().flatten() {
        takes_part[*index] = true;
    }
    for stale in assigned.stale.iter().chain(&assigned.unmatched) {
        takes_part[stale.decision] = true;
    }
    let others = decisions.decisions.iter().enumerate().filter(|(index, _)| !takes_part[*index]);
    let reason = |(index, decision): (usize, &Decision)| {
        let choice = decision.choice.as_ref()?;
        let reason = match &decision.on {
            Scope::Conflict(_) => Some("a later decision is about the same conflict".to_owned()),
            Scope::Rule(rule) => {
                let matches = |conflict: &Conflict| rule.filter.is_none() || rule_matches(index, conflict);
                let later = |at: usize| {
                    assigned.chosen[at].is_some_and(|chosen| chosen > index && is_rule(&decisions.decisions[chosen]))
                };
                why((rule, choice), conflicts, has_table, &matches, &later)
            }
        };
        Some(StaleDecision { decision: index, reason: reason? })
    };
    others.filter_map(reason).collect()
}

fn is_rule(decision: &Decision) -> bool {
    matches!(decision.on, Scope::Rule(_))
}

fn why(
    (rule, choice): (&Rule, &Choice),
    conflicts: &[Conflict],
    has_table: &dyn Fn(&TableKey) -> bool,
    matches: &dyn Fn(&Conflict) -> bool,
    follows_later: &dyn Fn(usize) -> bool,
) -> Option<String> {
    if let Some(table) = rule.table.as_ref().filter(|table| !has_table(table)) {
        return Some(format!("there is no table {table}"));
    }
    let is_described = |conflict: &Conflict| rule.names(&conflict.key) && matches(conflict);
    let mut described = conflicts.iter().enumerate().filter(|(_, conflict)| is_described(conflict)).peekable();
    if described.peek().is_none() {
        return Some("no conflict is as it describes".to_owned());
    }
    let mut settled = described.filter(|(_, conflict)| choice.fits(conflict).is_ok()).peekable();
    if settled.peek().is_none() {
        return Some(format!("{choice} settles none of the conflicts it describes"));
    }
    settled
        .all(|(at, _)| follows_later(at))
        .then(|| "later rules are about the same conflicts: of two rules the last holds".to_owned())
}
