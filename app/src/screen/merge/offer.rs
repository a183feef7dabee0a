//! The menu of everything that can be chosen for a conflict.

use stratigraph_engine::TableKind;
use stratigraph_engine::merge::{Choice, Conflict, ConflictDetail, ConflictKind, Side};

use super::action::Action;
use super::deciding::Standing;
use super::resolve::from;
use super::{Merge, cells, words};
use crate::action::Action as Any;
use crate::overlay::{Item, Menu, Overlay};
use crate::screen::Answer;
use crate::state::Context;

impl Merge {
    /// Lists everything that can be chosen for the conflict under the cursor.
    pub(super) fn list_choices(&mut self, cx: &mut Context<'_>) -> Answer {
        let (Some(conflict), Some(deciding)) = (self.tree.conflict(), &self.deciding) else {
            return Answer::Nothing("select a conflict first".to_owned());
        };
        let from = from(cx);
        let mut items: Vec<Item> = Choice::fitting(conflict)
            .into_iter()
            .filter(|choice| !matches!(choice, Choice::Cells(_) | Choice::Edges { .. }))
            .map(|choice| Item {
                label: key_of(&choice).to_owned(),
                text: self.offer(conflict, &choice, from),
                action: Some(Ok(Any::Merge(Action::Decide(choice)))),
            })
            .collect();
        items.extend(elsewhere(conflict));
        if deciding.standing(conflict) == Standing::Partly || deciding.by_hand(conflict).is_some() {
            items.push(Item {
                label: "backspace".to_owned(),
                text: "decide nothing here".to_owned(),
                action: Some(Ok(Any::Merge(Action::Clear))),
            });
        }
        let (key, dot) = (&conflict.key, cx.shared.theme.dot());
        let title = format!("{} {}{dot}{}", key.table, key.id, words::kind(key.kind));
        cx.open(Overlay::Choose(Menu::new(title, items)));
        Answer::Done
    }

    /// A choice with what it makes of the row.
    fn offer(&self, conflict: &Conflict, choice: &Choice, from: &str) -> String {
        let pair = self.preview.as_ref().map(|preview| &preview.pair);
        let rows = self.selected().and_then(|(_, rows)| rows?.first().cloned());
        let row = |side| match rows.as_ref().map(|rows| cells::row(rows, side)) {
            Some(Some(row)) => match &conflict.detail {
                ConflictDetail::Row { columns, .. } => {
                    let cell = |column: &String| row.get(column).map(|value| format!("{column} {value}"));
                    columns.iter().filter_map(cell).collect::<Vec<_>>().join(", ")
                }
                ConflictDetail::Orphan { .. }
                | ConflictDetail::Unique { .. }
                | ConflictDetail::Cardinality { .. }
                | ConflictDetail::Value { .. } => String::new(),
            },
            Some(None) => "no row".to_owned(),
            None => String::new(),
        };
        match (choice, &conflict.detail) {
            (Choice::Take(side), _) => {
                let branch = pair.map(|pair| words::side(*side, pair).to_owned()).unwrap_or_default();
                let row = row(*side);
                let row = if row.is_empty() { row } else { format!(": {row}") };
                match side {
                    Side::Base => format!("as in the last common commit{row}"),
                    Side::Source | Side::Target => format!("as on {branch}{row}"),
                }
            }
            (Choice::RestoreEnd, ConflictDetail::Orphan { node, end, .. }) => format!("restore {node} {end}"),
            (Choice::Drop, ConflictDetail::Orphan { .. }) => "drop the edge".to_owned(),
            (Choice::Keep, _) if conflict.key.table.kind == TableKind::Node => {
                format!("{}; edges that went with it stay deleted", words::choice(choice, from))
            }
            (other, _) => words::choice(other, from),
        }
    }
}

/// What is chosen in the row and not in the menu.
fn elsewhere(conflict: &Conflict) -> Option<Item> {
    let text = match conflict.detail {
        ConflictDetail::Cardinality { .. } => {
            "to the edges: D drops the one the cursor is on, or restores one that is gone"
        }
        ConflictDetail::Orphan { .. } => return None,
        ConflictDetail::Row { .. } if conflict.key.kind == ConflictKind::DeleteVsUpdate => return None,
        ConflictDetail::Row { .. } | ConflictDetail::Unique { .. } | ConflictDetail::Value { .. } => {
            "to the cells: s t b take the cell of a side, i writes another value"
        }
    };
    Some(Item { label: "tab".to_owned(), text: text.to_owned(), action: None })
}

fn key_of(choice: &Choice) -> &'static str {
    match choice {
        Choice::Take(Side::Source) => "s",
        Choice::Take(Side::Target) => "t",
        Choice::Take(Side::Base) => "b",
        Choice::MergeCells => "m",
        Choice::Drop | Choice::Delete => "D",
        Choice::Cells(_) | Choice::Keep | Choice::RestoreEnd | Choice::KeepRow(_) | Choice::Edges { .. } => "",
    }
}
