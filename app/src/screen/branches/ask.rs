//! What is asked before a branch is merged, made or deleted, and what is said afterwards.

use stratigraph_engine::graph::check_new_branch;
use stratigraph_engine::{At, BranchName};
use stratigraph_widgets::width::escape;

use super::action::Action;
use super::create::{self, Asked};
use super::request::{Facts, NewBranch, Request};
use super::update::{FIND, LOSS};
use super::{Branches, delete};
use crate::action::Action as Any;
use crate::effect::Effect;
use crate::loss::{Doomed, Loss};
use crate::message::{Failure, Level};
use crate::overlay::{Item, Menu, Overlay};
use crate::screen::{ScreenId, ScreenRequest};
use crate::state::Context;
use crate::view::grouped;

/// Menus of more branches than this are filtered by typing.
const FILTERED: usize = 12;

impl Branches {
    /// Asks into which branch to merge the selected one.
    pub(super) fn ask_merge(&self, cx: &mut Context<'_>) {
        let Ok(source) = self.mergeable() else { return };
        let others = self.list.branches().iter().filter(|facts| facts.branch.name != source);
        let item = |facts: &Facts| {
            let target = facts.branch.name.clone();
            let text =
                facts.head.as_ref().map_or_else(|| "head unknown".to_owned(), |head| format!("head {}", head.short_id));
            let label = escape(target.as_str()).into_owned();
            Item { label, text, action: Some(Ok(Any::Branches(Action::Merge { source: source.clone(), target }))) }
        };
        let items: Vec<Item> = others.map(item).collect();
        let title = format!("Merge {} into", escape(source.as_str()));
        let menu = if items.len() > FILTERED { Menu::filterable(title, items) } else { Menu::new(title, items) };
        cx.open(Overlay::Choose(menu));
    }

    /// Asks whether to make the branch that a text asks for; first, where it starts.
    pub(super) fn create(&mut self, text: &str, cx: &mut Context<'_>) {
        let Some(selected) = self.list.selected() else {
            cx.shared.notice = Some("no branch is selected".to_owned());
            return;
        };
        let on = selected.branch.name.clone();
        let Asked { name, from } = match create::parse(text) {
            Ok(asked) => asked,
            Err(reason) => return ask_again(&on, text, reason, cx),
        };
        let names: Vec<BranchName> = self.list.branches().iter().map(|facts| facts.branch.name.clone()).collect();
        if let Err(error) = check_new_branch(&name, &names) {
            return ask_again(&on, text, error.to_string(), cx);
        }
        match (from, selected.head.clone()) {
            (None, Some(start)) => {
                let new = NewBranch { name, at: At::Branch(on.clone()), start, head_of: Some(on) };
                ask_to_create(&new, cx);
            }
            (None, None) => ask_again(&on, text, format!("the commits of {on} cannot be read"), cx),
            (Some(position), _) => {
                let request = Request::Find { name, text: position, on };
                cx.peek(FIND, text, ScreenRequest::Branches(request));
            }
        }
    }

    /// The start of a new branch is known, or there is none: then the text is there to be changed.
    pub(super) fn found(&mut self, typed: &str, found: Result<NewBranch, Failure>, cx: &mut Context<'_>) {
        if !is_free(cx) {
            return;
        }
        match found {
            Ok(new) => ask_to_create(&new, cx),
            Err(failure) => {
                let Some(on) = self.list.selected().map(|facts| facts.branch.name.clone()) else { return };
                ask_again(&on, typed, failure.summary().to_owned(), cx);
            }
        }
    }

    /// Finds out what deleting the selected branch loses.
    pub(super) fn ask_delete(&mut self, cx: &mut Context<'_>) {
        if let Ok(name) = self.deletable() {
            let subject = name.to_string();
            cx.peek(LOSS, subject, ScreenRequest::Branches(Request::Loss(name)));
        }
    }

    /// What is lost is known: asks whether to delete the branch.
    pub(super) fn ask_to_lose(loss: &Loss, cx: &mut Context<'_>) {
        if !is_free(cx) {
            return;
        }
        if let Some(reason) = delete::refusal(&loss.doomed.name, &loss.dependents) {
            cx.say(Level::Warning, reason);
            return;
        }
        let question = delete::question(loss, cx.shared.theme, cx.shared.config.time.value);
        cx.open(Overlay::Confirm(question));
    }

    /// A write ended, well or not: what there is now is read again, here and on the other screens.
    pub(super) fn written(&mut self, cx: &mut Context<'_>) {
        cx.effects.push(Effect::CheckHeads);
        self.stale = true;
        if cx.shared.screen == ScreenId::Branches {
            self.start(cx);
        }
    }

    /// A branch was made: the cursor goes there as soon as it is listed.
    pub(super) fn created(&mut self, new: &NewBranch, cx: &mut Context<'_>) {
        let text = format!("made branch {} at {}", escape(new.name.as_str()), new.start.short_id);
        cx.say(Level::Info, text);
        self.list.want(new.name.clone(), self.list_height(cx.shared));
    }

    /// A branch was deleted.
    pub(super) fn deleted(doomed: &Doomed, cx: &mut Context<'_>) {
        let name = escape(doomed.name.as_str());
        let text = match doomed.lost {
            0 => format!("deleted branch {name}"),
            1 => format!("deleted branch {name} and 1 commit"),
            lost => format!("deleted branch {name} and {} commits", grouped(lost as u64)),
        };
        cx.say(Level::Info, text);
    }
}

/// Whether a question may be asked that someone waited for: the screen is on view and nothing else is open.
fn is_free(cx: &mut Context<'_>) -> bool {
    let free = cx.shared.screen == ScreenId::Branches && cx.shared.overlays.is_empty();
    if !free {
        cx.shared.notice = Some("the answer came too late: ask again".to_owned());
    }
    free
}

fn ask_again(selected: &BranchName, text: &str, reason: String, cx: &mut Context<'_>) {
    cx.open(Overlay::Prompt(create::prompt(selected, text).refused(reason)));
}

fn ask_to_create(new: &NewBranch, cx: &mut Context<'_>) {
    let question = create::question(new, cx.shared.config.time.value);
    cx.open(Overlay::Confirm(question));
}
