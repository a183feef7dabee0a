//! What the user can ask for on the History screen.

use stratigraph_engine::{BranchName, CommitId};

use super::History;
use super::diff::Target;
use super::log::Extent;
use crate::action::{self, Availability, Row, Run, Scope};
use crate::screen::ScreenId;
use crate::state::State;

/// An action of the History screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Show the row changes of the selected commit; again, against the next parent.
    Diff,
    /// Compare the marked commit with the selected one.
    Compare,
    /// Compare in the other direction.
    Swap,
    /// Show the Tables screen at the selected commit.
    TimeTravel,
    /// Show the history of the row selected in the row diff.
    RowHistory,
    /// Go to the parent.
    Parent,
    /// Go to a child.
    Child,
    /// Ask where to go.
    AskJump,
    /// Go to a branch head, commit or time.
    Jump(String),
    /// Go to a commit, as soon as the history has it.
    Select(CommitId),
    /// Compare two commits, the first one with the second. Other screens send this after showing History.
    Between(CommitId, CommitId),
    /// Open or close the fold the selected row belongs to.
    Fold,
    /// Close all folds, or open all.
    FoldAll,
    /// Highlight something else.
    Ancestry,
    /// Ask into which branch the one of the selected commit shall be merged.
    AskMerge,
    /// Ask into which branch this one shall be merged.
    MergeOf(BranchName),
    /// Show the Merge screen with these branches chosen.
    Merge {
        /// The branch that is merged.
        source: BranchName,
        /// The branch that is merged into.
        target: BranchName,
    },
    /// List what is wrong with the history.
    Problems,
}

/// The rows of the registry.
#[must_use]
pub fn rows() -> Vec<Row> {
    let row = |name, description, action| {
        Row::new(name, description, Scope::Screen(ScreenId::History), action::Action::History(action))
    };
    vec![
        row("history.diff", "row changes; again: to the merged parent, what the merge decided", Action::Diff)
            .keys(&["d"])
            .hint("diff")
            .available(|state| state.screens.history.can_diff()),
        row("history.time-travel", "read the tables at this commit", Action::TimeTravel)
            .keys(&["t"])
            .hint("read here")
            .available(|state| state.screens.history.can_travel()),
        row("history.compare", "compare the marked commit with this one", Action::Compare)
            .keys(&["c"])
            .hint("compare")
            .available(|state| state.screens.history.can_compare()),
        row("history.swap", "compare in the other direction", Action::Swap)
            .keys(&["X"])
            .hint("swap")
            .available(|state| state.screens.history.can_swap()),
        row("history.row-history", "history of this row: the commits that changed it", Action::RowHistory)
            .keys(&["L"])
            .hint("row history")
            .available(|state| state.screens.history.can_row_history()),
        row("history.parent", "to the parent", Action::Parent).keys(&["J"]).available(listed),
        row("history.child", "to the child", Action::Child).keys(&["K"]).available(listed),
        row("history.jump", "to a branch head, commit or time", Action::AskJump)
            .keys(&["@"])
            .hint("go to")
            .available(listed),
        Row {
            run: Run::Argument {
                syntax: "BRANCH, ID OR TIME",
                parse: |text| Ok(action::Action::History(Action::Jump(text.to_owned()))),
            },
            ..row("history.go", "to a branch head, commit or time", Action::AskJump)
        }
        .available(listed),
        row("history.fold", "fold or unfold this run or side branch", Action::Fold)
            .keys(&["o"])
            .available(|state| state.screens.history.can_fold()),
        row("history.fold-all", "fold or unfold all runs and side branches", Action::FoldAll)
            .keys(&["O"])
            .available(|state| state.screens.history.can_fold_all()),
        row("history.ancestry", "highlight: ancestors, since main, off", Action::Ancestry)
            .keys(&["a"])
            .available(listed),
        row("history.merge", "merge this branch into another one", Action::AskMerge)
            .keys(&["m"])
            .available(|state| state.screens.history.can_merge()),
        row("history.problems", "what is wrong with the history", Action::Problems)
            .available(|state| state.screens.history.has_problems()),
    ]
}

/// Possible while the list of commits is on view.
fn listed(state: &State) -> Availability {
    state.screens.history.in_list()
}

impl History {
    /// Whether the list of commits is on view and has one.
    pub(super) fn in_list(&self) -> Availability {
        if self.diff.is_some() {
            return Availability::no("close the row diff first (esc)");
        }
        Availability::when(self.list.len() > 0, "there is no commit on view")
    }

    /// Whether the list is on view and a commit, no fold, is selected.
    fn on_commit(&self) -> Availability {
        match self.in_list() {
            Availability::Ready => Availability::when(self.list.commit().is_some(), "unfold these commits first (o)"),
            refused @ Availability::Disabled(_) => refused,
        }
    }

    /// Whether `d` has something to compare.
    pub(super) fn can_diff(&self) -> Availability {
        match (&self.diff, self.on_commit()) {
            (None, Availability::Ready) => self.readable(self.list.commit().map(Target::first_parent)),
            (None, refused @ Availability::Disabled(_)) => refused,
            (Some(diff), _) => {
                let next = self.list.log().and_then(|log| diff.target.next(log.graph().get(diff.target.to)?));
                if next.is_none() { Availability::no("no second parent") } else { self.readable(next) }
            }
        }
    }

    /// Whether all commits of a comparison are in the history, as far as that is known.
    fn readable(&self, target: Option<Target>) -> Availability {
        let Some((target, log)) = target.zip(self.list.log()) else { return Availability::no("there is no commit") };
        let here = log.extent() == Extent::Partial || target.commits().all(|id| log.node(id).is_some());
        Availability::when(here, "its parent is on no branch any more, there is nothing to compare it with")
    }

    fn can_row_history(&self) -> Availability {
        let row = self.diff.as_ref().and_then(|diff| diff.table()?.rows.selected());
        Availability::when(row.is_some(), "select a changed row first (d, then the rows)")
    }

    fn can_travel(&self) -> Availability {
        if self.diff.is_some() { Availability::Ready } else { self.on_commit() }
    }

    fn can_compare(&self) -> Availability {
        match self.on_commit() {
            Availability::Ready => {
                Availability::when(self.list.counterpart().is_some(), "mark another commit first (space)")
            }
            refused @ Availability::Disabled(_) => refused,
        }
    }

    fn can_swap(&self) -> Availability {
        let chosen = self.diff.as_ref().and_then(|diff| diff.target.swapped());
        Availability::when(chosen.is_some(), "only while two commits are compared")
    }

    fn can_fold(&self) -> Availability {
        match self.in_list() {
            Availability::Ready => Availability::when(
                self.list.id().zip(self.list.chart()).is_some_and(|(id, chart)| chart.fold_of(id).is_some()),
                "this commit is in no run or side branch that folds",
            ),
            refused @ Availability::Disabled(_) => refused,
        }
    }

    fn can_fold_all(&self) -> Availability {
        match self.in_list() {
            Availability::Ready => {
                let some = self.list.chart().is_some_and(|chart| chart.fold_count() > 0);
                Availability::when(some, "nothing here folds")
            }
            refused @ Availability::Disabled(_) => refused,
        }
    }

    fn has_problems(&self) -> Availability {
        let some = self.list.log().is_some_and(|log| !log.problems().all().is_empty());
        Availability::when(some, "nothing is wrong with the history")
    }
}
