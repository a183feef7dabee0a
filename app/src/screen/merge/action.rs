//! What the user can ask for on this screen, and its part of the registry.

use stratigraph_engine::BranchName;
use stratigraph_engine::merge::{CellChoice, Choice, Side};

use super::resolve::is_about_edges;
use super::{CONFLICTS, Ending, Merge, RESULT, ROW, Step, words};
use crate::action::{self, Availability, Row, Scope};
use crate::screen::{PaneId, ScreenId};
use crate::state::{Shared, State};

/// Which conflicts get the same choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those that are marked.
    Marked,
    /// Those that the filter leaves.
    Filter,
    /// Those of the same kind in the same table.
    Kind,
    /// Those of the same table.
    Table,
    /// All.
    All,
}

/// What the user can ask for on this screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Choose these branches. Other screens send this, then show the screen.
    Choose {
        /// The branch that is merged.
        source: BranchName,
        /// The branch that is merged into.
        target: BranchName,
    },
    /// Exchange source and target.
    Swap,
    /// Take the row of a side; with the cursor on a cell, the cell.
    Take(Side),
    /// Take each cell from the side that changed it.
    TakeCells,
    /// Leave the row out; an edge of a node is dropped or restored.
    Drop,
    /// Ask for a value of the selected cell.
    Edit,
    /// Write this value into the cell that was asked for.
    Write(String),
    /// Decide the selected conflict.
    Decide(Choice),
    /// Take back what was decided for it.
    Clear,
    /// Ask whether the choice of the selected conflict shall hold for others.
    AskRepeat(Reach),
    /// Let it hold for them.
    Repeat {
        /// For which.
        reach: Reach,
        /// Also where another choice was made by hand.
        over_hand: bool,
    },
    /// Ask whether to merge.
    AskMerge,
    /// It was agreed to: merge as soon as the graph is open for writing.
    Confirmed,
    /// Merge.
    Run,
    /// Show the commit that was made in the history.
    ShowCommit,
    /// Ask whether to delete the branch that was merged.
    AskDelete,
    /// It was agreed to.
    DeleteConfirmed,
    /// Delete it.
    DeleteNow,
}

/// Its rows of the registry.
#[must_use]
pub fn rows() -> Vec<Row> {
    [choices(), repeats(), steps()].concat()
}

fn screen(name: &'static str, description: &'static str, action: Action) -> Row {
    Row::new(name, description, Scope::Screen(ScreenId::Merge), action::Action::Merge(action))
}

fn choices() -> Vec<Row> {
    let take =
        |name, description, key, side| screen(name, description, Action::Take(side)).keys(key).available(can_decide);
    vec![
        take("merge.source", "take source: the row, or the cell the cursor is on", &["s"], Side::Source)
            .hint("source")
            .available(|state| state.screens.merge.can_choose(state.focus(), &Choice::Take(Side::Source))),
        take("merge.target", "take target: the row, or the cell the cursor is on", &["t"], Side::Target)
            .hint("target")
            .available(|state| state.screens.merge.can_choose(state.focus(), &Choice::Take(Side::Target))),
        take("merge.base", "take base: the row, or the cell the cursor is on", &["b"], Side::Base)
            .hint("base")
            .available(|state| state.screens.merge.can_choose(state.focus(), &Choice::Take(Side::Base))),
        screen("merge.cells", "take each cell from the side that changed it", Action::TakeCells)
            .keys(&["m"])
            .hint("cells")
            .available(|state| state.screens.merge.can_choose(state.focus(), &Choice::MergeCells)),
        screen("merge.edit", "edit the cell the cursor is on", Action::Edit)
            .keys(&["i"])
            .hint("edit")
            .available(|state| state.screens.merge.can_edit(state.focus())),
        screen("merge.drop", "drop the row; of a node's edges, drop or restore the selected one", Action::Drop)
            .keys(&["D"])
            .hint("drop")
            .available(can_decide),
        screen("merge.clear", "take back what was decided for this conflict", Action::Clear)
            .keys(&["backspace"])
            .available(can_decide),
    ]
}

fn repeats() -> Vec<Row> {
    let row = |name, description, key, reach| {
        screen(name, description, Action::AskRepeat(reach)).keys(key).available(can_repeat)
    };
    vec![
        row("merge.repeat-kind", "same choice: all of this kind in this table", &["R k"], Reach::Kind).hint("repeat"),
        row("merge.repeat-table", "same choice: all in this table", &["R t"], Reach::Table),
        row("merge.repeat-all", "same choice: all conflicts", &["R a"], Reach::All),
        row("merge.repeat-marked", "same choice: all marked", &["R m"], Reach::Marked),
        row("merge.repeat-filter", "same choice: all that the filter leaves", &["R f"], Reach::Filter),
    ]
}

fn steps() -> Vec<Row> {
    vec![
        screen("merge.swap", "swap source and target", Action::Swap)
            .keys(&["X"])
            .hint("swap")
            .available(|state| state.screens.merge.can_swap()),
        screen("merge.confirm", "merge: shows the plan and asks", Action::AskMerge)
            .keys(&["C"])
            .hint("merge")
            .available(|state| state.screens.merge.can_merge(&state.shared)),
        screen("merge.commit", "the commit of the merge in the history", Action::ShowCommit)
            .keys(&["g c"])
            .hint("commit")
            .available(|state| state.screens.merge.can_show_commit()),
        Row::new(
            "merge.delete-source",
            "delete the branch that was merged",
            Scope::Pane(ScreenId::Merge, RESULT),
            action::Action::Merge(Action::AskDelete),
        )
        .keys(&["D"])
        .hint("delete source")
        .available(|state| state.screens.merge.can_delete(&state.shared)),
    ]
}

fn can_decide(state: &State) -> Availability {
    state.screens.merge.can_decide(state.focus())
}

fn can_repeat(state: &State) -> Availability {
    state.screens.merge.can_repeat()
}

impl Merge {
    fn in_conflict(&self) -> Availability {
        if self.step != Step::Resolve {
            return Availability::no("only while conflicts are resolved");
        }
        Availability::when(self.tree.conflict().is_some(), "select one conflict first")
    }

    fn can_decide(&self, pane: PaneId) -> Availability {
        match self.in_conflict() {
            Availability::Ready => {
                Availability::when(pane == CONFLICTS || pane == ROW, "go to the conflicts or the row first (tab)")
            }
            refused @ Availability::Disabled(_) => refused,
        }
    }

    /// Whether a choice is one for the selected conflict.
    fn can_choose(&self, pane: PaneId, choice: &Choice) -> Availability {
        let (Availability::Ready, Some(conflict)) = (self.can_decide(pane), self.tree.conflict()) else {
            return self.can_decide(pane);
        };
        match choice.fits(conflict) {
            Ok(()) => Availability::Ready,
            Err(reason) => Availability::no(words::unfit(choice, &reason)),
        }
    }

    fn can_edit(&self, pane: PaneId) -> Availability {
        let (Availability::Ready, Some(conflict)) = (self.in_conflict(), self.tree.conflict()) else {
            return self.in_conflict();
        };
        if pane != ROW {
            return Availability::no("go to a cell of the row first (tab)");
        }
        let example = Choice::Cells([(String::new(), CellChoice::Value(serde_json::Value::Null))].into());
        match example.fits(conflict) {
            Ok(()) => Availability::Ready,
            Err(_) if is_about_edges(conflict) => Availability::no("edges are not edited: D drops or restores one"),
            Err(reason) => Availability::no(format!("a value decides nothing here: {reason} (enter lists what fits)")),
        }
    }

    fn can_repeat(&self) -> Availability {
        match self.in_conflict() {
            Availability::Ready => {
                let choice = self.tree.conflict().zip(self.deciding.as_ref());
                let some = choice.is_some_and(|(conflict, deciding)| deciding.choice(conflict).is_some());
                Availability::when(some, "decide this conflict first: R gives others the same choice")
            }
            refused @ Availability::Disabled(_) => refused,
        }
    }

    fn can_swap(&self) -> Availability {
        if self.step != Step::Choose {
            return Availability::no("only while the branches are chosen (esc goes back)");
        }
        Availability::when(self.choose.pair().is_some(), "choose two branches first")
    }

    /// Whether everything is there that a merge needs.
    pub(super) fn can_merge(&self, shared: &Shared) -> Availability {
        use stratigraph_engine::merge::MergeOutcome;
        if !matches!(self.step, Step::Preview | Step::Resolve) {
            return Availability::no("preview a merge first");
        }
        let (Some(preview), Some(deciding)) = (&self.preview, &self.deciding) else {
            return Availability::no("the preview is not made yet");
        };
        if preview.outcome == MergeOutcome::AlreadyUpToDate {
            return Availability::no("there is nothing to merge: the target has every commit of the source");
        }
        if super::is_reading(shared, super::PREVIEW_SLOT) {
            return Availability::no("the preview is being made again");
        }
        if !self.moved(shared).is_empty() {
            return Availability::no(words::AGAIN);
        }
        if self.unchecked.is_some() {
            return Availability::no("the choices could not be checked: r tries again");
        }
        if !deciding.is_current() {
            return Availability::no("the choices are being checked");
        }
        match deciding.check().open.len() {
            0 if deciding.problem.is_some() => Availability::no("a value that was written cannot be: change it first"),
            0 => Availability::when(deciding.is_settled(), "cells of a row are still to be chosen"),
            1 => Availability::no("1 conflict is open"),
            open => Availability::no(format!("{open} conflicts are open")),
        }
    }

    fn can_show_commit(&self) -> Availability {
        match &self.ending {
            Ending::Done(done) if self.step == Step::Result => {
                Availability::when(done.merged.written.is_some(), "no commit was made")
            }
            Ending::Done(_)
            | Ending::None
            | Ending::Running
            | Ending::Moved(_)
            | Ending::Failed(..)
            | Ending::Cancelled => Availability::no("no merge was done yet"),
        }
    }

    fn can_delete(&self, shared: &Shared) -> Availability {
        if !matches!(self.ending, Ending::Done(_)) {
            return Availability::no("no merge was done yet");
        }
        if matches!(self.deleted, Some(Ok(_))) {
            return Availability::no("it is deleted");
        }
        if shared.jobs.write().is_some() {
            return Availability::no("a write is under way");
        }
        let is_main = self.preview.as_ref().is_none_or(|preview| preview.pair.source.is_main());
        Availability::when(!is_main, "main cannot be deleted: every graph has it")
    }
}
