//! Deleting a branch: what forbids it, and the plan that is agreed to by typing its name.

use stratigraph_engine::BranchName;
use stratigraph_widgets::width::escape;

use super::action::Action;
use super::create::made_by;
use super::request::{Loss, Told};
use crate::action::{Action as Any, Global};
use crate::config::TimeDisplay;
use crate::overlay::Confirm;
use crate::theme::Theme;
use crate::view::{grouped, moment};

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
    Confirm::new(format!("Delete branch {name}?"), plan(loss, theme, time), "Delete", yes)
        .typed(loss.doomed.name.as_str())
}

fn plan(loss: &Loss, theme: Theme, time: TimeDisplay) -> Vec<String> {
    let mut plan = Vec::new();
    plan.extend(loss.head.as_ref().map(|head| format!("Its head is {}, {}.", head.short_id, made_by(head, time))));
    plan.extend(lost(loss, theme, time));
    plan.extend(match loss.merges {
        0 => None,
        1 => Some("A commit elsewhere merged one of them: its merged parent will be missing.".to_owned()),
        count => Some(format!("{count} commits elsewhere merged some of them: their merged parents will be missing.")),
    });
    plan.extend(match loss.owned {
        0 => None,
        1 => Some("The versions of 1 table that it holds itself are removed.".to_owned()),
        count => Some(format!("The versions of {count} tables that it holds itself are removed.")),
    });
    plan.extend(match loss.pending {
        0 => None,
        1 => Some("1 interrupted write on it is pending: settle it first, or what it wrote is discarded.".to_owned()),
        count => {
            Some(format!("{count} interrupted writes on it are pending: settle them first, or they are discarded."))
        }
    });
    match &loss.stranded {
        Ok(stranded) => plan.extend(stranded.iter().map(|stranded| {
            let [left, right] = stranded.branches.each_ref().map(|name| escape(name.as_str()));
            match stranded.older {
                None => {
                    format!("! {left} and {right} cannot be merged any more: what they last had in common is on it alone.")
                }
                Some(_) => format!(
                    "! A merge of {left} and {right} may bring deleted rows back: it would start at an older common commit."
                ),
            }
        })),
        Err(reason) => plan.push(format!("! Which merges become impossible cannot be found out: {}", escape(reason))),
    }
    plan
}

/// How many commits are lost, and the first of them.
fn lost(loss: &Loss, theme: Theme, time: TimeDisplay) -> Vec<String> {
    let all = loss.doomed.lost;
    let first = match all {
        0 => return vec!["No commit is lost: it has none of its own.".to_owned()],
        1 => "1 commit is on no other branch and is lost:".to_owned(),
        count => format!("{} commits are on no other branch and are lost:", grouped(count as u64)),
    };
    let more = all.saturating_sub(loss.lost.len());
    let more = (more > 0).then(|| format!("and {} more", grouped(more as u64)));
    std::iter::once(first).chain(loss.lost.iter().map(|told| line(told, theme, time))).chain(more).collect()
}

/// `E5QXRC load · 2 tables, dana, 2026-05-02 09:14Z`
fn line(told: &Told, theme: Theme, time: TimeDisplay) -> String {
    let commit = &told.brief.commit;
    let summary = told.summary.text(theme.arrow());
    let actor = commit.actor.as_deref().map_or_else(String::new, |actor| format!("{}, ", escape(actor)));
    let day = moment(commit.created_at_micros, time);
    let day = day.split(' ').next().unwrap_or_default();
    format!("{} {}, {actor}{day}", told.brief.short_id, escape(&summary))
}
