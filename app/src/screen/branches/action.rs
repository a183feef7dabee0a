//! What the user can ask for on this screen, and its part of the registry.

use std::borrow::Cow;

use stratigraph_engine::{BranchName, CommitId};
use stratigraph_widgets::width::escape;

use super::request::NewBranch;
use super::{Branches, create};
use crate::action::{self, Availability, Row, Scope};
use crate::loss::Doomed;
use crate::screen::ScreenId;
use crate::state::State;

/// What the user can ask for on this screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Show the History screen at the head.
    GoToHead,
    /// Show the Tables screen at the head.
    ReadHere,
    /// Compare the head of the marked branch, or of main, with that of the selected one.
    Compare,
    /// Ask into which branch to merge the selected one.
    AskMerge,
    /// Show the Merge screen with these branches.
    Merge {
        /// The branch that is merged.
        source: BranchName,
        /// The branch that is merged into.
        target: BranchName,
    },
    /// Ask for the name of a new branch.
    AskCreate,
    /// Make the branch that a text asks for, after a question.
    Create(String),
    /// Make it: this was agreed to, and the graph is open for writing.
    CreateNow(NewBranch),
    /// Ask whether to delete the selected branch.
    AskDelete,
    /// Delete it: this was agreed to, and the graph is open for writing.
    DeleteNow(Doomed),
    /// Go to a branch in the list.
    Select(BranchName),
}

/// Its rows of the registry.
#[must_use]
pub fn rows() -> Vec<Row> {
    let scope = Scope::Screen(ScreenId::Branches);
    let row = |name, description, action| Row::new(name, description, scope, action::Action::Branches(action));
    vec![
        row("branches.compare", "compare its head with that of the marked branch, or of main", Action::Compare)
            .keys(&["c"])
            .hint("compare")
            .available(|state| ready(state.screens.branches.comparison())),
        row("branches.time-travel", "read the tables at its head", Action::ReadHere)
            .keys(&["t"])
            .hint("read here")
            .available(with_branch),
        row("branches.merge", "merge it into another branch", Action::AskMerge)
            .keys(&["m"])
            .hint("merge")
            .available(|state| ready(state.screens.branches.mergeable())),
        row("branches.create", "make a branch: at its head, or at any commit", Action::AskCreate)
            .keys(&["B"])
            .hint("make")
            .available(with_branch),
        row("branches.delete", "delete it; tells first which commits are lost", Action::AskDelete)
            .keys(&["D"])
            .hint("delete")
            .available(|state| ready(state.screens.branches.deletable())),
        row("branches.head", "to its head in the history", Action::GoToHead)
            .keys(&["g h"])
            .available(|state| ready(state.screens.branches.head())),
        Row::with_argument("branches.new", "make a branch", scope, "NAME [from POSITION]", |text| {
            create::parse(text).map(|_| action::Action::Branches(Action::Create(text.to_owned())))
        })
        .available(with_branch),
    ]
}

/// Why something cannot be done.
pub(super) type Reason = Cow<'static, str>;

/// Ready, or the reason why not.
pub(super) fn ready<T>(possible: Result<T, Reason>) -> Availability {
    possible.map_or_else(Availability::no, |_| Availability::Ready)
}

fn with_branch(state: &State) -> Availability {
    ready(state.screens.branches.name())
}

/// What actions work on, or why they cannot.
impl Branches {
    /// The selected branch.
    pub(super) fn name(&self) -> Result<BranchName, Reason> {
        let selected = self.list.selected().ok_or("no branch is selected")?;
        Ok(selected.branch.name.clone())
    }

    /// The head of the selected branch.
    pub(super) fn head(&self) -> Result<CommitId, Reason> {
        let selected = self.list.selected().ok_or("no branch is selected")?;
        selected.branch.head.ok_or_else(|| "its commits cannot be read".into())
    }

    /// The heads to compare: from that of the marked branch or main to that of the selected one.
    pub(super) fn comparison(&self) -> Result<(CommitId, CommitId), Reason> {
        let to = self.head()?;
        let other = self.list.counterpart().ok_or("mark another branch first (space)")?;
        let name = escape(other.branch.name.as_str());
        match other.branch.head {
            None => Err(format!("the commits of {name} cannot be read").into()),
            Some(from) if from == to => Err(format!("{name} has the same head").into()),
            Some(from) => Ok((from, to)),
        }
    }

    /// The selected branch, if there is another one to merge it into.
    pub(super) fn mergeable(&self) -> Result<BranchName, Reason> {
        let name = self.name()?;
        if self.list.branches().len() > 1 { Ok(name) } else { Err("there is no other branch".into()) }
    }

    /// The selected branch, if nothing that is known already forbids to delete it.
    pub(super) fn deletable(&self) -> Result<BranchName, Reason> {
        let name = self.name()?;
        if name.is_main() {
            return Err("main cannot be deleted: every graph has it".into());
        }
        let child = self.list.branches().iter().find(|facts| facts.branch.parent.as_ref() == Some(&name));
        match child {
            Some(child) => {
                Err(format!("{} was made from it: delete that first", escape(child.branch.name.as_str())).into())
            }
            None => Ok(name),
        }
    }
}
