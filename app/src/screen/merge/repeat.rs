//! The same choice for several conflicts: how many they are is shown first, and choices made by hand stay unless asked.

use stratigraph_engine::merge::{Choice, Conflict, ConflictKey, Decision, Rule};

use super::action::{Action, Reach};
use super::deciding::Deciding;
use super::resolve::from;
use super::{Merge, Undoable, words};
use crate::action::{Action as Any, TermKind};
use crate::overlay::{Item, Menu, Overlay};
use crate::screen::ScreenId;
use crate::state::Context;

/// The conflicts that a choice would reach.
struct Reached<'t> {
    /// Not decided, or decided by a rule: the choice is for them.
    free: Vec<&'t Conflict>,
    /// Of those, how many a rule decided.
    by_rule: usize,
    /// Decided by hand, otherwise.
    by_hand: Vec<&'t Conflict>,
    /// The choice is none for them.
    unfit: usize,
}

impl Merge {
    /// Asks for whom the choice of the selected conflict shall hold.
    pub(super) fn ask_repeat(&mut self, reach: Reach, cx: &mut Context<'_>) {
        let Some((conflict, choice)) = self.repeated() else { return };
        if let Some(reason) = self.not_repeatable(reach, &choice, cx) {
            cx.shared.notice = Some(reason);
            return;
        }
        let Some(reached) = self.reached(reach, &conflict, &choice) else { return };
        let (free, by_hand) = (reached.free.len(), reached.by_hand.len());
        if free + by_hand == 0 {
            cx.shared.notice =
                Some(format!("no other conflict {} can get that choice", Self::reach_words(reach, &conflict)));
            return;
        }
        let item = |label: String, text: &str, over_hand| Item {
            label,
            text: text.to_owned(),
            action: Some(Ok(Any::Merge(Action::Repeat { reach, over_hand }))),
        };
        let mut items = Vec::new();
        if free > 0 {
            let rules = match reached.by_rule {
                0 => String::new(),
                count => format!(", {count} of them decided by a rule so far"),
            };
            items.push(item(words::count(free, "conflict"), &format!("not decided by hand{rules}"), false));
        }
        if by_hand > 0 && free > 0 {
            let all = words::count(free + by_hand, "conflict");
            items.push(item(all, &format!("these, and {by_hand} that you decided otherwise by hand"), true));
        } else if by_hand > 0 {
            items.push(Item {
                label: words::count(0, "conflict"),
                text: "not decided by hand: nothing changes".to_owned(),
                action: Some(Err("all of them were decided by hand, the line below replaces that".to_owned())),
            });
            let text = "that you decided otherwise by hand: that choice is replaced";
            items.push(item(words::count(by_hand, "conflict"), text, true));
        }
        let said = |text: String| Item { label: "-".to_owned(), text, action: None };
        if by_hand > 0 && free > 0 {
            items.push(said("choices made by hand stay, unless the second line is chosen".to_owned()));
        }
        if reached.unfit > 0 {
            items.push(said(format!("{} stay: this is no choice for them", words::count(reached.unfit, "conflict"))));
        }
        let title = format!("{} for {}", words::choice(&choice, from(cx)), Self::reach_words(reach, &conflict));
        cx.open(Overlay::Choose(Menu::new(title, items)));
    }

    /// Lets the choice of the selected conflict hold for others.
    pub(super) fn repeat(&mut self, reach: Reach, over_hand: bool, cx: &mut Context<'_>) {
        let Some((conflict, choice)) = self.repeated() else { return };
        let Some(reached) = self.reached(reach, &conflict, &choice) else { return };
        let by_hand = if over_hand { reached.by_hand.clone() } else { Vec::new() };
        let count = reached.free.len() + by_hand.len();
        let what = format!("{} for {}", words::choice(&choice, from(cx)), words::count(count, "conflict"));
        let by = cx.shared.writing.actor.clone();
        let all: Vec<Conflict> = reached.free.iter().chain(&by_hand).map(|conflict| (*conflict).clone()).collect();
        let Some(deciding) = &mut self.deciding else { return };
        match rule(reach, &conflict.key) {
            Some(rule) => {
                // Of those that nobody decided by hand, choices made for other rows go.
                let over: Vec<&Conflict> = all.iter().collect();
                deciding.add_rule(Decision { by, ..Decision::by_rule(rule, choice) }, &over, what);
            }
            None => deciding.decide_each(&all.iter().collect::<Vec<_>>(), &choice, by.as_deref(), what),
        }
        self.steps.push(Undoable::Choice);
        self.decided(cx);
    }

    /// The selected conflict with the choice that holds for it.
    fn repeated(&self) -> Option<(Conflict, Choice)> {
        let conflict = self.tree.conflict()?;
        let choice = self.deciding.as_ref()?.choice(conflict)?;
        Some((conflict.clone(), choice.clone()))
    }

    fn not_repeatable(&self, reach: Reach, choice: &Choice, cx: &Context<'_>) -> Option<String> {
        let reason = match choice {
            Choice::Cells(_) => "cells chosen one by one are for this row alone: take a side, or m",
            Choice::KeepRow(_) => "which of two rows stays is said for each pair",
            Choice::Edges { .. } => "which edges go is said for each node",
            Choice::Take(_)
            | Choice::MergeCells
            | Choice::Drop
            | Choice::Keep
            | Choice::Delete
            | Choice::RestoreEnd => match reach {
                Reach::Marked if self.tree.marked().is_empty() => "mark conflicts first (space)",
                Reach::Filter if cx.matcher(ScreenId::Merge, super::CONFLICTS, TermKind::Filter).is_none() => {
                    "filter the conflicts first (f)"
                }
                Reach::Marked | Reach::Filter | Reach::Kind | Reach::Table | Reach::All => return None,
            },
        };
        Some(reason.to_owned())
    }

    fn reached(&self, reach: Reach, conflict: &Conflict, choice: &Choice) -> Option<Reached<'_>> {
        let deciding = self.deciding.as_ref()?;
        let within: Vec<&Conflict> = match (reach, rule(reach, &conflict.key)) {
            (_, Some(rule)) => self.tree.conflicts().iter().filter(|other| rule.names(&other.key)).collect(),
            (Reach::Marked, None) => self.tree.marked(),
            (Reach::Filter | Reach::Kind | Reach::Table | Reach::All, None) => self.tree.filtered(),
        };
        let others = within.into_iter().filter(|other| other.key != conflict.key).collect();
        Some(sort(others, choice, deciding))
    }

    /// Which conflicts, in words.
    fn reach_words(reach: Reach, conflict: &Conflict) -> String {
        match (reach, rule(reach, &conflict.key)) {
            (_, Some(rule)) => words::rule(&rule),
            (Reach::Marked, None) => "all that are marked".to_owned(),
            (Reach::Filter | Reach::Kind | Reach::Table | Reach::All, None) => "all that the filter leaves".to_owned(),
        }
    }
}

fn sort<'t>(others: Vec<&'t Conflict>, choice: &Choice, deciding: &Deciding) -> Reached<'t> {
    let mut reached = Reached { free: Vec::new(), by_rule: 0, by_hand: Vec::new(), unfit: 0 };
    for other in others {
        if choice.fits(other).is_err() {
            reached.unfit += 1;
        } else if deciding.by_hand(other).is_some() {
            if deciding.choice(other) != Some(choice) {
                reached.by_hand.push(other);
            }
        } else {
            reached.by_rule += usize::from(deciding.decision(other).is_some());
            reached.free.push(other);
        }
    }
    reached
}

/// The rule that describes these conflicts; none if no rule can.
fn rule(reach: Reach, key: &ConflictKey) -> Option<Rule> {
    let table = Some(key.table.clone());
    match reach {
        Reach::Kind => Some(Rule { table, kind: Some(key.kind), filter: None }),
        Reach::Table => Some(Rule { table, ..Rule::default() }),
        Reach::All => Some(Rule::default()),
        Reach::Marked | Reach::Filter => None,
    }
}
