//! Merging the branch of the selected commit: into which other one is asked, the Merge screen does the rest.

use stratigraph_engine::BranchName;

use super::History;
use crate::action::{Action, Availability};
use crate::natural;
use crate::overlay::{Item, Menu, Overlay};
use crate::screen::{ScreenId, merge};
use crate::state::Context;

/// Menus of more branches than this are filtered by typing.
const FILTERED: usize = 12;

impl History {
    /// The branches that the selected commit stands for: those whose head it is, else its own.
    fn sources(&self) -> &[BranchName] {
        let (Some(log), Some(commit)) = (self.list.log(), self.list.commit()) else { return &[] };
        let labels = log.labels(commit.id);
        let has_branch = log.graph().heads().contains_key(&commit.branch);
        if labels.is_empty() && has_branch { std::slice::from_ref(&commit.branch) } else { labels }
    }

    /// Whether there is something to merge, and something to merge it into.
    pub(super) fn can_merge(&self) -> Availability {
        let branches = self.list.log().map_or(0, |log| log.graph().heads().len());
        match self.in_list() {
            Availability::Ready if self.sources().is_empty() => {
                Availability::no("the branch of this commit is gone, or the history is not read yet")
            }
            Availability::Ready => Availability::when(branches > 1, "there is no other branch"),
            refused @ Availability::Disabled(_) => refused,
        }
    }

    /// Asks into which branch; first, of several that the commit is the head of, which one.
    pub(super) fn ask_merge(&self, cx: &mut Context<'_>) {
        match self.sources() {
            [] => {}
            [only] => self.ask_target(only, cx),
            several => {
                let item = |source: &BranchName| Item {
                    label: source.to_string(),
                    text: "merge it".to_owned(),
                    action: Some(Ok(Action::History(super::Action::MergeOf(source.clone())))),
                };
                cx.open(Overlay::Choose(menu("Merge which branch", several.iter().map(item).collect())));
            }
        }
    }

    /// Asks into which branch to merge one.
    pub(super) fn ask_target(&self, source: &BranchName, cx: &mut Context<'_>) {
        let Some(log) = self.list.log() else { return };
        let mut targets: Vec<&BranchName> = log.graph().heads().keys().filter(|target| *target != source).collect();
        targets.sort_by(|left, right| natural::branches(left, right));
        let arrow = cx.shared.theme.arrow();
        let item = |target: &BranchName| {
            let (source, target) = (source.clone(), target.clone());
            Item {
                label: target.to_string(),
                text: format!("{source}{arrow}{target}"),
                action: Some(Ok(Action::History(super::Action::Merge { source, target }))),
            }
        };
        cx.open(Overlay::Choose(menu("Merge this branch into", targets.into_iter().map(item).collect())));
    }

    /// Shows the Merge screen with both chosen.
    pub(super) fn merge(source: BranchName, target: BranchName, cx: &mut Context<'_>) {
        cx.then(Action::Merge(merge::Action::Choose { source, target }));
        cx.show(ScreenId::Merge);
    }
}

/// A menu of branches: of many, typing filters.
fn menu(title: &str, items: Vec<Item>) -> Menu {
    if items.len() > FILTERED { Menu::filterable(title, items) } else { Menu::new(title, items) }
}
