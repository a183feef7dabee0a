//! Deciding one conflict: by row, by cell, with a value of one's own; and taking that back.

use std::collections::BTreeMap;

use stratigraph_engine::merge::{
    CellChoice, Choice, Conflict, ConflictDetail, ConflictKind, Decision, Scope, Side, ThreeRows,
};
use stratigraph_engine::{TableKind, Value};

use super::action::Action;
use super::cells::{self, Line, Merged};
use super::deciding::{Problem, Standing};
use super::{CONFLICTS, Editing, Merge, ROW, Undoable, words};
use crate::action::Action as Any;
use crate::overlay::{Item, Menu, Overlay, Prompt};
use crate::screen::{Answer, ScreenId};
use crate::state::Context;

impl Merge {
    /// The conflict under the cursor with its rows, if they are read.
    pub(super) fn selected(&self) -> Option<(&Conflict, Option<&[ThreeRows]>)> {
        let conflict = self.tree.conflict()?;
        let of = self.row.of.as_ref().filter(|of| of.key == conflict.key && of.detail == conflict.detail);
        Some((conflict, of.and(self.row.rows.as_deref())))
    }

    /// The lines of the conflict on view.
    pub(super) fn lines(&self) -> Vec<Line> {
        match (self.selected(), &self.deciding) {
            (Some((conflict, Some(rows))), Some(deciding)) => cells::lines(conflict, rows, deciding),
            (Some((_, None)) | None, _) | (Some((_, Some(_))), None) => Vec::new(),
        }
    }

    /// Takes the row of a side, or its cell if the cursor is on one.
    pub(super) fn take(&mut self, side: Side, cx: &mut Context<'_>) {
        let on_cell = cx.shared.frame(ScreenId::Merge).focus == ROW;
        let edges = self.selected().is_some_and(|(conflict, _)| is_about_edges(conflict));
        if on_cell && !edges {
            self.take_cell(CellChoice::From(side), cx);
        } else {
            self.decide_selected(Choice::Take(side), cx);
        }
    }

    /// Decides the conflict under the cursor, or says why it cannot be decided so.
    pub(super) fn decide_selected(&mut self, choice: Choice, cx: &mut Context<'_>) {
        let Some(conflict) = self.tree.conflict().cloned() else { return };
        self.decide(&conflict, choice, cx);
    }

    fn decide(&mut self, conflict: &Conflict, choice: Choice, cx: &mut Context<'_>) -> bool {
        let from = from(cx);
        if let Err(reason) = choice.fits(conflict) {
            cx.shared.notice = Some(words::unfit(&choice, &reason));
            return false;
        }
        let Some(deciding) = &mut self.deciding else { return false };
        let decided = deciding.by_hand(conflict).is_some_and(|decision| decision.choice.as_ref() == Some(&choice));
        if decided {
            cx.shared.notice = Some(format!("it is decided so: {}", words::choice(&choice, from)));
            return false;
        }
        let what = format!("{} for {}", words::choice(&choice, from), conflict.key.id);
        deciding.decide(conflict, choice, cx.shared.writing.actor.as_deref(), what);
        self.steps.push(Undoable::Choice);
        self.decided(cx);
        true
    }

    /// Chooses where the cell under the cursor comes from.
    fn take_cell(&mut self, cell: CellChoice, cx: &mut Context<'_>) -> bool {
        let Some((conflict, rows)) =
            self.selected().map(|(conflict, rows)| (conflict.clone(), rows.map(<[_]>::to_vec)))
        else {
            return false;
        };
        let Some(own) = rows.and_then(|rows| rows.into_iter().next()) else {
            cx.shared.notice = Some("the row is being read".to_owned());
            return false;
        };
        let lines = self.lines();
        let Some(line) = lines.get(self.row.cursor.row) else { return false };
        if let CellChoice::From(side) = cell {
            if cells::row(&own, side).is_none() {
                cx.shared.notice = Some(format!("{} has no such row", words::side_word(side)));
                return false;
            }
            if !line.differs && !matches!(line.merged, Merged::Written(_)) {
                cx.shared.notice = Some(format!("{} is the same everywhere, i writes another value", line.name));
                return false;
            }
        }
        let column = line.name.clone();
        self.choose_cell(&conflict, &own, &column, cell, cx)
    }

    fn choose_cell(
        &mut self,
        conflict: &Conflict,
        own: &ThreeRows,
        column: &str,
        cell: CellChoice,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(deciding) = &mut self.deciding else { return false };
        let partial = deciding.partial(&conflict.key).cloned();
        let mut cells = partial.unwrap_or_else(|| cells::cells_of(deciding.choice(conflict), own));
        let says = BTreeMap::from([(column.to_owned(), cell.clone())]);
        if let Err(reason) = Choice::Cells(says).fits(conflict) {
            let kind = words::kind(conflict.key.kind);
            cx.shared.notice = Some(format!("a cell decides no {kind}: {reason} (enter lists what fits)"));
            return false;
        }
        if !cells::put(&mut cells, column, cell) {
            cx.shared.notice = Some(format!("{column} is chosen so"));
            return false;
        }
        let missing: Vec<String> = match conflict.detail {
            ConflictDetail::Row { .. } => {
                cells::disputed(own).into_iter().filter(|name| !cells.contains_key(name)).collect()
            }
            ConflictDetail::Orphan { .. }
            | ConflictDetail::Unique { .. }
            | ConflictDetail::Cardinality { .. }
            | ConflictDetail::Value { .. } => Vec::new(),
        };
        if missing.is_empty() {
            return self.decide(conflict, Choice::Cells(cells), cx);
        }
        deciding.begin(conflict, cells, format!("{column} of {}", conflict.key.id));
        self.steps.push(Undoable::Choice);
        cx.shared.notice = Some(format!("still to choose: {}", missing.join(", ")));
        self.decided(cx);
        true
    }

    /// Leaves the row out; on an edge of a node, turns that edge.
    pub(super) fn drop_selected(&mut self, cx: &mut Context<'_>) {
        let Some(conflict) = self.tree.conflict().cloned() else { return };
        if is_about_edges(&conflict) {
            self.turn_edge(&conflict, cx);
            return;
        }
        let choice = match conflict.key.kind {
            ConflictKind::DeleteVsUpdate => Choice::Delete,
            ConflictKind::DivergentInsert
            | ConflictKind::DivergentUpdate
            | ConflictKind::OrphanEdge
            | ConflictKind::UniqueViolation
            | ConflictKind::CardinalityViolation
            | ConflictKind::ValueConstraintViolation => Choice::Drop,
        };
        self.decide(&conflict, choice, cx);
    }

    fn turn_edge(&mut self, conflict: &Conflict, cx: &mut Context<'_>) {
        if cx.shared.frame(ScreenId::Merge).focus != ROW {
            cx.shared.notice = Some("go to an edge first (tab): D drops it, or restores one that is gone".to_owned());
            return;
        }
        let edge = self.row.rows.as_ref().and_then(|rows| rows.get(self.row.cursor.row)).cloned();
        let (Some(edge), Some(deciding)) = (edge, &self.deciding) else { return };
        match cells::turned(deciding.choice(conflict), &edge) {
            Some(choice) => drop(self.decide(conflict, choice, cx)),
            None => self.clear(cx),
        }
    }

    /// Takes back what was decided by hand for the conflict under the cursor.
    pub(super) fn clear(&mut self, cx: &mut Context<'_>) {
        let Some(conflict) = self.tree.conflict().cloned() else { return };
        if self.deciding.as_mut().is_some_and(|deciding| deciding.clear(&conflict)) {
            self.steps.push(Undoable::Choice);
            self.decided(cx);
        } else {
            cx.shared.notice = Some("nothing was decided by hand here".to_owned());
        }
    }

    /// Asks for a value of the cell under the cursor; `refused` is what was typed before, and why it cannot be.
    pub(super) fn ask_value(&mut self, refused: Option<(String, String)>, cx: &mut Context<'_>) {
        let conflict = match (&refused, &self.editing, self.tree.conflict()) {
            (Some(_), Some(editing), _) => editing.conflict.clone(),
            (_, _, Some(conflict)) => conflict.clone(),
            (_, _, None) => return,
        };
        let (column, text) = match (refused.as_ref(), &self.editing) {
            (Some((text, _)), Some(editing)) => (editing.column.clone(), text.clone()),
            _ => {
                let lines = self.lines();
                let Some(line) = lines.get(self.row.cursor.row).filter(|_| !is_about_edges(&conflict)) else {
                    cx.shared.notice = Some("there is no cell to edit".to_owned());
                    return;
                };
                (line.name.clone(), text_of(line))
            }
        };
        let example = BTreeMap::from([(column.clone(), CellChoice::Value(serde_json::Value::Null))]);
        if let Err(reason) = Choice::Cells(example).fits(&conflict) {
            let kind = words::kind(conflict.key.kind);
            cx.shared.notice = Some(format!("a cell decides no {kind}: {reason} (enter lists what fits)"));
            return;
        }
        let type_text = self.type_of(&conflict, &column).unwrap_or_else(|| "id of a node".to_owned());
        let title = format!("{} {}{}{column}", conflict.key.table, conflict.key.id, cx.shared.theme.dot());
        let prompt = Prompt::new(title, text, |text| Any::Merge(Action::Write(text)))
            .hint(format!("{type_text}; null is no value"));
        let prompt = match refused {
            Some((_, reason)) => prompt.refused(reason),
            None => prompt,
        };
        self.editing = Some(Editing { conflict, column, sent: None });
        cx.open(Overlay::Prompt(prompt));
    }

    /// The declared type of a column.
    fn type_of(&self, conflict: &Conflict, column: &str) -> Option<String> {
        use stratigraph_engine::schema::DeclarationKind;
        let kind = match conflict.key.table.kind {
            TableKind::Node => DeclarationKind::Node,
            TableKind::Edge => DeclarationKind::Edge,
        };
        let preview = self.preview.as_ref()?;
        let of = preview.types.iter().find(|of| of.kind == kind && of.name == *conflict.key.table.name)?;
        let property = of.properties.iter().find(|property| property.name == column)?;
        Some(property.type_text.clone())
    }

    /// Writes what was typed into the cell; the engine says whether it can be there.
    pub(super) fn write_value(&mut self, text: String, cx: &mut Context<'_>) {
        let Some(editing) = self.editing.clone() else { return };
        let value = cells::parsed(&text, self.type_of(&editing.conflict, &editing.column).as_deref());
        let own = match self.selected() {
            Some((conflict, Some(rows))) if conflict.key == editing.conflict.key => rows.first().cloned(),
            Some(_) | None => None,
        };
        let Some(own) = own else {
            cx.shared.notice = Some("the row is not on view any more: go to it and edit again".to_owned());
            return;
        };
        let done = self.choose_cell(&editing.conflict, &own, &editing.column, CellChoice::Value(value), cx);
        self.editing = done.then_some(Editing { sent: Some((text, self.steps.len())), ..editing });
    }

    /// The engine refused a value: the cell is as before, and the line is there to be changed.
    pub(super) fn value_refused(&mut self, problem: Problem, cx: &mut Context<'_>) {
        let Some(deciding) = &mut self.deciding else { return };
        let refused = deciding.list().get(problem.decision).map(|decision| decision.on.clone());
        let edited = self.editing.as_ref().filter(|editing| editing.column == problem.column);
        let edited = edited.and_then(|editing| Some((editing.conflict.clone(), editing.sent.clone()?)));
        match (refused, edited) {
            (Some(Scope::Conflict(key)), Some((of, (typed, step)))) if key == of.key => {
                let reason = format!("{}: {}", problem.column, problem.reason);
                if self.steps.len() == step {
                    deciding.undo();
                    self.steps.pop();
                } else {
                    // Other choices were made since: they stay.
                    deciding.clear(&of);
                    self.steps.push(Undoable::Choice);
                }
                self.decided(cx);
                if cx.shared.overlays.is_empty() {
                    self.ask_value(Some((typed, reason)), cx);
                } else {
                    cx.shared.notice = Some(reason);
                    self.editing = None;
                }
            }
            (Some(_), _) | (None, _) => {
                deciding.problem = Some(problem);
                self.show_tree(cx);
            }
        }
    }

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
        let explained = |label: &str, text: &str| Item { label: label.to_owned(), text: text.to_owned(), action: None };
        match conflict.detail {
            ConflictDetail::Cardinality { .. } => {
                items.push(explained(
                    "tab",
                    "to the edges: D drops the one the cursor is on, or restores one that is gone",
                ));
            }
            ConflictDetail::Orphan { .. } => {}
            ConflictDetail::Row { .. } | ConflictDetail::Unique { .. } | ConflictDetail::Value { .. } => {
                if conflict.key.kind != ConflictKind::DeleteVsUpdate {
                    items.push(explained("tab", "to the cells: s t b take the cell of a side, i writes another value"));
                }
            }
        }
        if deciding.standing(conflict) == Standing::Partly || deciding.by_hand(conflict).is_some() {
            items.push(Item {
                label: "backspace".to_owned(),
                text: "decide nothing here".to_owned(),
                action: Some(Ok(Any::Merge(Action::Clear))),
            });
        }
        let title = format!(
            "{} {}{}{}",
            conflict.key.table,
            conflict.key.id,
            cx.shared.theme.dot(),
            words::kind(conflict.key.kind)
        );
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
            (other, _) => words::choice(other, from),
        }
    }

    /// Marks the conflict or the group under the cursor.
    pub(super) fn mark(&mut self) -> Answer {
        let marked = self.tree.mark();
        if marked {
            self.steps.push(Undoable::Mark);
        }
        Answer::when(marked, "nothing to mark here")
    }

    /// Takes the last mark or choice back.
    pub(super) fn undo(&mut self, cx: &mut Context<'_>) -> Answer {
        match self.steps.pop() {
            Some(Undoable::Mark) => {
                self.tree.unmark();
                Answer::Done
            }
            Some(Undoable::Choice) => {
                let undone = self.deciding.as_mut().and_then(super::deciding::Deciding::undo);
                self.editing = None;
                self.decided(cx);
                if let Some(what) = undone {
                    cx.shared.notice = Some(format!("taken back: {what}"));
                }
                Answer::Done
            }
            None => Answer::Nothing("nothing to undo".to_owned()),
        }
    }

    /// Goes to the next or former open conflict.
    pub(super) fn next_open(&mut self, forward: bool, cx: &mut Context<'_>) -> Answer {
        let height = cx.shared.pane_height(CONFLICTS);
        let Some(deciding) = &self.deciding else { return Answer::Nothing("there is no preview yet".to_owned()) };
        let moved = self.tree.next_open(forward, deciding, height);
        self.follow(cx);
        Answer::when(moved, "no conflict is open")
    }
}

/// Whether the lines of a conflict are edges and no columns.
pub(super) fn is_about_edges(conflict: &Conflict) -> bool {
    matches!(conflict.detail, ConflictDetail::Cardinality { .. })
}

/// The sign between a cell and where it comes from.
pub(super) fn from(cx: &Context<'_>) -> &'static str {
    from_sign(cx.shared.theme)
}

/// The sign between a cell and where it comes from.
pub(super) fn from_sign(theme: crate::theme::Theme) -> &'static str {
    match theme.glyphs {
        crate::theme::GlyphSet::Unicode => "←",
        crate::theme::GlyphSet::Ascii => "<-",
    }
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

/// What is in a cell as it is typed: what it is to be, else what is on the target, else on the source.
fn text_of(line: &Line) -> String {
    let [base, target, source] = &line.cells;
    let value = match &line.merged {
        Merged::Written(value) => return cells::typed(value),
        Merged::From(Side::Base) => base,
        Merged::From(Side::Source) => source,
        Merged::From(Side::Target) | Merged::Agreed | Merged::NoRow | Merged::Open => target,
    };
    let value = value.as_ref().or(target.as_ref()).or(source.as_ref()).or(base.as_ref());
    value.map(Value::to_json).map(|json| cells::typed(&json)).unwrap_or_default()
}

/// Whether a decision is one made by hand.
pub(super) fn is_by_hand(decision: &Decision) -> bool {
    matches!(decision.on, Scope::Conflict(_))
}
