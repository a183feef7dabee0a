//! An independent model of what the engine makes of choices: by hand beats rules, of several the last holds.

use stratigraph_engine::merge::{Conflict, MergeCheck, MergeDecisions, Scope, StaleDecision};

use super::stage::undecided;

pub(super) fn check(conflicts: &[Conflict], decisions: &MergeDecisions) -> MergeCheck {
    let mut check = undecided(conflicts);
    check.open.clear();
    for conflict in conflicts {
        let mut holds: Option<(bool, usize)> = None;
        for (index, decision) in decisions.decisions.iter().enumerate() {
            let Some(choice) = &decision.choice else { continue };
            let by_hand = match &decision.on {
                Scope::Conflict(key) => {
                    let same_rows = decision.rows.as_ref().is_none_or(|rows| *rows == conflict.rows);
                    if *key != conflict.key || !same_rows {
                        continue;
                    }
                    true
                }
                Scope::Rule(rule) => {
                    let table = rule.table.as_ref().is_none_or(|table| *table == conflict.key.table);
                    let kind = rule.kind.is_none_or(|kind| kind == conflict.key.kind);
                    if !table || !kind || choice.fits(conflict).is_err() {
                        continue;
                    }
                    false
                }
            };
            if holds.is_none_or(|(held_by_hand, _)| by_hand >= held_by_hand) {
                holds = Some((by_hand, index));
            }
        }
        // What was decided by hand for other rows is left to a person.
        let is_about =
            |index: &usize| matches!(&decisions.decisions[*index].on, Scope::Conflict(key) if *key == conflict.key);
        let is_left = (0..decisions.decisions.len()).filter(is_about).any(|index| {
            let decision = &decisions.decisions[index];
            let same_key = conflicts.iter().filter(|other| other.key == conflict.key);
            let rows = decision.rows.as_ref();
            decision.choice.is_some() && !same_key.into_iter().any(|other| rows.is_none_or(|rows| *rows == other.rows))
        });
        match holds.filter(|(by_hand, _)| *by_hand || !is_left) {
            Some((_, index)) => check.decided.push((conflict.clone(), index)),
            None => check.open.push(conflict.clone()),
        }
    }
    for (index, decision) in decisions.decisions.iter().enumerate() {
        let Scope::Conflict(key) = &decision.on else { continue };
        let same = |conflict: &&Conflict| conflict.key == *key;
        let reason = match conflicts.iter().find(same) {
            None => "there is no such conflict",
            Some(conflict) if decision.rows.as_ref().is_some_and(|rows| *rows != conflict.rows) => {
                "the rows have changed since"
            }
            Some(_) => continue,
        };
        check.stale.push(StaleDecision { decision: index, reason: reason.to_owned() });
    }
    for table in &mut check.tables {
        table.conflicts = check.open.iter().filter(|conflict| conflict.key.table == table.key).count() as u64;
    }
    check
}
