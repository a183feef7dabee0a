//! Positions as they are asked for and as the position line shows them.

use stratigraph_engine::{At, BranchName, TableKey};

use super::action::Action;
use super::request::{Opened, Tab};
use crate::action::Action as Any;
use crate::config::TimeDisplay;
use crate::message::Failure;
use crate::overlay::Prompt;
use crate::screen::Place;
use crate::theme::Theme;
use crate::view::moment;

/// What to type for a position.
pub(super) const HINT: &str = "branch, commit id or its end, v7, branch@v7, time like 2026-05-02T09:14";

/// A place one came from: what [`super::Action::Return`] restores.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Station {
    /// The position.
    pub(super) at: At,
    /// The table on view.
    pub(super) table: Option<TableKey>,
    /// Its tab.
    pub(super) tab: Tab,
    /// Id of the selected row.
    pub(super) row: Option<String>,
    /// Condition of the rows.
    pub(super) filter: Option<String>,
}

/// Asks for a position to read at.
pub(super) fn prompt(branch: &BranchName, text: &str) -> Prompt {
    Prompt::new(format!("Read at (now on {branch})"), text, |text| Any::Tables(Action::GoToText(text)))
        .hint(HINT)
        .check(check)
}

/// Why there is no such position, in one line.
pub(super) fn refusal(failure: &Failure) -> String {
    failure.chain.join(": ")
}

/// Whether a text can be a position.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(text: &str) -> Result<(), String> {
    text.parse::<At>().map(|_| ()).map_err(|error| error.to_string())
}

/// The position that a text means to someone who reads `branch`: versions and times without a branch are this branch's.
pub(super) fn relative(text: &str, branch: &BranchName) -> Option<At> {
    At::parse_on(text, branch).ok()
}

/// The line that says from where the screen reads.
pub(super) fn place(opened: &Opened, opening: Option<&At>, theme: Theme, time: TimeDisplay) -> Place {
    let snapshot = &opened.snapshot;
    let mut text = match &opened.short_id {
        Some(id) => format!("{} @ {id}", snapshot.branch),
        None => format!("{} @ v{}", snapshot.branch, snapshot.version),
    };
    text.push_str(if opened.is_head { " = head" } else { " (not the head)" });
    if let Some(micros) = opened.created_at_micros {
        text = format!("{text}{}{}", theme.dot(), moment(micros, time));
    }
    text = format!("{text}{}manifest {}", theme.dot(), snapshot.version);
    if let Some(at) = opening {
        text = format!("{text}{}going to {at}", theme.dot());
    }
    Place { text, is_head: opened.is_head }
}

/// A position as a command line takes it: a branch while its head is read, else the commit.
pub(super) fn argument(opened: &Opened) -> String {
    let snapshot = &opened.snapshot;
    match (opened.is_head, snapshot.commit) {
        (true, _) => snapshot.branch.to_string(),
        (false, Some(commit)) => commit.to_string(),
        (false, None) => format!("{}@v{}", snapshot.branch, snapshot.version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_times_are_those_of_the_branch_being_read() {
        let branch: BranchName = "feature/hiring".parse().expect("valid");
        let text = |text: &str| relative(text, &branch).map(|at| at.to_string());
        assert_eq!(relative("v7", &branch), Some(At::Name { name: "v7".to_owned(), on: branch.clone() }));
        assert_eq!(text("main@v7").as_deref(), Some("main@v7"));
        assert_eq!(text("2026-05-02T09:14:03Z").as_deref(), Some("feature/hiring@2026-05-02T09:14:03Z"));
        assert_eq!(text("main").as_deref(), Some("main"));
        assert_eq!(text("M5RCKN").as_deref(), Some("M5RCKN"));
        assert_eq!(text("a b"), None);
        assert!(check("a b").is_err_and(|reason| reason.contains("not a position")));
    }
}
