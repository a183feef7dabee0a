//! Which decisions do nothing, although nothing changed since they were made.

use super::{Assigned, Decision, MergeDecisions, Rule, Scope, StaleDecision};
use crate::id::TableKey;
use crate::merge::choice::Choice;
use crate::merge::conflict::Conflict;

/// Finds the decisions that have no part in the result: rules that describe no conflict they could settle, and decisions by hand of
/// which a later one took the place. Rules that others came before are how rules are meant, and are not among them.
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
                why(rule, choice, conflicts, has_table, &matches)
            }
        };
        Some(StaleDecision { decision: index, reason: reason? })
    };
    others.filter_map(reason).collect()
}

fn why(
    rule: &Rule,
    choice: &Choice,
    conflicts: &[Conflict],
    has_table: &dyn Fn(&TableKey) -> bool,
    matches: &dyn Fn(&Conflict) -> bool,
) -> Option<String> {
    if let Some(table) = rule.table.as_ref().filter(|table| !has_table(table)) {
        return Some(format!("there is no table {table}"));
    }
    let mut described = conflicts.iter().filter(|conflict| rule.names(&conflict.key) && matches(conflict)).peekable();
    if described.peek().is_none() {
        return Some("no conflict is as it describes".to_owned());
    }
    let settles_none = described.all(|conflict| choice.fits(conflict).is_err());
    settles_none.then(|| format!("{choice} settles none of the conflicts it describes"))
}
