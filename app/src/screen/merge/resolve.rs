//! Deciding one conflict: by row, by cell, by edge; and taking that back.

use std::collections::BTreeMap;

use stratigraph_engine::merge::{
    CellChoice, Choice, Conflict, ConflictDetail, ConflictKind, Decision, Scope, Side, ThreeRows,
};

use super::cells::{self, Line, Merged};
use super::{CONFLICTS, Merge, ROW, Undoable, words};
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
        let has_cells = self.selected().is_some_and(|(conflict, _)| {
            !is_about_edges(conflict) && conflict.key.kind != ConflictKind::DeleteVsUpdate
        });
        if on_cell && has_cells {
            self.take_cell(CellChoice::From(side), cx);
        } else {
            self.decide_selected(&Choice::Take(side), cx);
        }
    }

    /// Decides the conflict under the cursor, or says why it cannot be decided so.
    pub(super) fn decide_selected(&mut self, choice: &Choice, cx: &mut Context<'_>) {
        let Some(conflict) = self.tree.conflict().cloned() else { return };
        self.decide(&conflict, choice, cx);
    }

    fn decide(&mut self, conflict: &Conflict, choice: &Choice, cx: &mut Context<'_>) -> bool {
        let from = from(cx);
        if let Err(reason) = choice.fits(conflict) {
            cx.shared.notice = Some(words::unfit(choice, &reason));
            return false;
        }
        let Some(deciding) = &mut self.deciding else { return false };
        let decided = deciding.by_hand(conflict).is_some_and(|decision| decision.choice.as_ref() == Some(choice));
        if decided {
            cx.shared.notice = Some(format!("it is decided so: {}", words::choice(choice, from)));
            return false;
        }
        let what = format!("{} for {}", words::choice(choice, from), conflict.key.id);
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

    pub(super) fn choose_cell(
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
                let disputed = cells::disputed(own, deciding.knows_changers(conflict));
                disputed.into_iter().filter(|name| !cells.contains_key(name)).collect()
            }
            ConflictDetail::Orphan { .. }
            | ConflictDetail::Unique { .. }
            | ConflictDetail::Cardinality { .. }
            | ConflictDetail::Value { .. } => Vec::new(),
        };
        if missing.is_empty() {
            return self.decide(conflict, &Choice::Cells(cells), cx);
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
        self.decide(&conflict, &choice, cx);
    }

    fn turn_edge(&mut self, conflict: &Conflict, cx: &mut Context<'_>) {
        if cx.shared.frame(ScreenId::Merge).focus != ROW {
            cx.shared.notice = Some("go to an edge first (tab): D drops it, or restores one that is gone".to_owned());
            return;
        }
        let edge = self.lines().into_iter().nth(self.row.cursor.row);
        let (Some(edge), Some(deciding)) = (edge, &self.deciding) else { return };
        match cells::turned(deciding.choice(conflict), &edge.name, edge.merged == Merged::NoRow) {
            Some(choice) => drop(self.decide(conflict, &choice, cx)),
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

/// Whether a decision is one made by hand.
pub(super) fn is_by_hand(decision: &Decision) -> bool {
    matches!(decision.on, Scope::Conflict(_))
}
