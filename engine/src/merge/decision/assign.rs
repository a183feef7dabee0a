//! Which decision holds for which conflict.
//!
//! A decision by hand beats every rule; of several by hand, and of several rules, the last holds. A decision without a choice
//! takes no part. Rules pass over conflicts that their choice does not fit; by hand that is an error. Rules pass over conflicts
//! decided by hand, too, if the rows have changed since: they are open again.

use std::collections::{HashMap, HashSet};

use super::{Decision, DecisionError, MergeDecisions, Rule, Scope, StaleDecision, UnfitDecision};
use crate::merge::choice::Choice;
use crate::merge::conflict::{Conflict, ConflictKey};

/// Decisions, laid out over the conflicts of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assigned {
    /// For each conflict the index of the decision that holds.
    pub(crate) chosen: Vec<Option<usize>>,
    /// Decisions made for other rows, by index.
    pub(crate) stale: Vec<StaleDecision>,
    /// Decisions that name none of the conflicts, by index: stale unless another decision gives rise to the conflict.
    pub(crate) unmatched: Vec<StaleDecision>,
}

/// Finds the decision that holds for each conflict.
///
/// `rule_matches` says whether the row of a conflict meets the filter of the rule at that index of the decisions; it is asked only
/// about rules that have a filter and fit otherwise. Conflicts of one key and the same rows are decided together by hand, as soon as
/// the choice fits one of them; others of that key, which another decision gave rise to, are left to decisions of their own.
///
/// # Errors
/// [`DecisionError::Unfit`] if a decision by hand that is not stale cannot settle its conflict.
pub(crate) fn assign(
    conflicts: &[Conflict],
    decisions: &MergeDecisions,
    rule_matches: &dyn Fn(usize, &Conflict) -> bool,
) -> Result<Assigned, DecisionError> {
    let mut assigned = by_hand(conflicts, decisions)?;
    let rules: Vec<(usize, &Rule, &Choice)> = rules(decisions).rev().collect();
    // Who decided a row by hand wants to look at it again once it has changed: no rule does that for them.
    let stale: HashSet<&ConflictKey> =
        assigned.stale.iter().filter_map(|it| key(&decisions.decisions[it.decision])).collect();
    for (conflict, chosen) in conflicts.iter().zip(&mut assigned.chosen) {
        if chosen.is_none() && !stale.contains(&conflict.key) {
            *chosen = rules.iter().find(|rule| holds(rule, conflict, rule_matches)).map(|(index, ..)| *index);
        }
    }
    Ok(assigned)
}

fn by_hand(conflicts: &[Conflict], decisions: &MergeDecisions) -> Result<Assigned, DecisionError> {
    let mut places: HashMap<&ConflictKey, Vec<usize>> = HashMap::new();
    for (place, conflict) in conflicts.iter().enumerate() {
        places.entry(&conflict.key).or_default().push(place);
    }
    let mut assigned = Assigned { chosen: vec![None; conflicts.len()], stale: Vec::new(), unmatched: Vec::new() };
    for (decision, given) in decisions.decisions.iter().enumerate() {
        let (Scope::Conflict(key), Some(choice)) = (&given.on, &given.choice) else { continue };
        let Some(places) = places.get(key) else {
            let reason = "there is no such conflict".to_owned();
            assigned.unmatched.push(StaleDecision { decision, reason });
            continue;
        };
        let for_rows = |place: &&usize| is_for_rows(given, &conflicts[**place]);
        let places: Vec<usize> = places.iter().filter(for_rows).copied().collect();
        if places.is_empty() {
            assigned.stale.push(StaleDecision { decision, reason: "the rows have changed since".to_owned() });
            continue;
        }
        check_fit(decision, choice, places.iter().map(|place| &conflicts[*place]))?;
        for place in places {
            assigned.chosen[place] = Some(decision);
        }
    }
    Ok(assigned)
}

fn key(decision: &Decision) -> Option<&ConflictKey> {
    match &decision.on {
        Scope::Conflict(key) => Some(key),
        Scope::Rule(_) => None,
    }
}

fn is_for_rows(decision: &Decision, conflict: &Conflict) -> bool {
    decision.rows.as_ref().is_none_or(|rows| *rows == conflict.rows)
}

/// Checks that the choice fits one of the conflicts of a key; otherwise the first tells why.
fn check_fit<'c>(
    decision: usize,
    choice: &Choice,
    conflicts: impl Iterator<Item = &'c Conflict>,
) -> Result<(), DecisionError> {
    let mut first = Ok(());
    for conflict in conflicts {
        let Err(reason) = choice.fits(conflict) else { return Ok(()) };
        first = first.and_then(|()| {
            Err(DecisionError::Unfit(Box::new(UnfitDecision {
                decision,
                conflict: conflict.key.clone(),
                choice: choice.clone(),
                reason,
                fitting: Choice::fitting(conflict),
            })))
        });
    }
    first
}

fn rules(decisions: &MergeDecisions) -> impl DoubleEndedIterator<Item = (usize, &Rule, &Choice)> {
    decisions.decisions.iter().enumerate().filter_map(|(index, decision)| match (&decision.on, &decision.choice) {
        (Scope::Rule(rule), Some(choice)) => Some((index, rule, choice)),
        (Scope::Rule(_), None) | (Scope::Conflict(_), _) => None,
    })
}

fn holds(
    (index, rule, choice): &(usize, &Rule, &Choice),
    conflict: &Conflict,
    rule_matches: &dyn Fn(usize, &Conflict) -> bool,
) -> bool {
    rule.names(&conflict.key)
        && choice.fits(conflict).is_ok()
        && (rule.filter.is_none() || rule_matches(*index, conflict))
}
