//! Deleting a branch: what forbids it, and the question that is agreed to by typing its name.

use stratigraph_engine::BranchName;
use stratigraph_widgets::width::escape;

use super::action::Action;
use crate::action::{Action as Any, Global};
use crate::config::TimeDisplay;
use crate::loss::Loss;
use crate::overlay::Confirm;
use crate::theme::Theme;

/// Why a branch that others depend on cannot be deleted: all of them, in an order in which they can be.
pub(super) fn refusal(name: &BranchName, dependents: &[BranchName]) -> Option<String> {
    let names: Vec<_> = dependents.iter().map(|other| escape(other.as_str())).collect();
    let (verb, them) = if dependents.len() == 1 { ("depends", "that one") } else { ("depend", "those in this order") };
    (!dependents.is_empty()).then(|| {
        let name = escape(name.as_str());
        format!("branch {name} cannot be deleted: {} {verb} on it; delete {them} first", names.join(", "))
    })
}

/// Asks to type the name: the plan as text, the commits that are lost first.
pub(super) fn question(loss: &Loss, theme: Theme, time: TimeDisplay) -> Confirm {
    let name = escape(loss.doomed.name.as_str()).into_owned();
    let now = Any::Branches(Action::DeleteNow(loss.doomed.clone()));
    let yes = Any::Global(Global::ToWrite(Box::new(now)));
    Confirm::new(format!("Delete branch {name}?"), loss.lines(theme.arrow(), time), "Delete", yes)
        .typed(loss.doomed.name.as_str())
}
