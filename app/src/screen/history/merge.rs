//! Merging the branch of the selected commit: into which other one is asked, the Merge screen does the rest.

use stratigraph_engine::BranchName;

use super::History;
use crate::action::{Action, Availability};
use crate::overlay::{Item, Menu, Overlay};
use crate::screen::{ScreenId, merge};
use crate::state::Context;

impl History {
    /// The branches that the selected commit stands for: those whose head it is, else its own.
    fn sources(&self) -> Vec<BranchName> {
        let (Some(log), Some(commit)) = (self.list.log(), self.list.commit()) else { return Vec::new() };
        let heads = log.graph().heads();
        let labels: Vec<BranchName> =
            log.labels(commit.id).iter().filter(|name| heads.contains_key(name)).cloned().collect();
        if labels.is_empty() && heads.contains_key(&commit.branch) { vec![commit.branch.clone()] } else { labels }
    }

    /// Each of them with each other branch, main first.
    fn merges(&self) -> Vec<(BranchName, BranchName)> {
        let Some(log) = self.list.log() else { return Vec::new() };
        let mut targets: Vec<&BranchName> = log.graph().heads().keys().collect();
        targets.sort_by_key(|name| !name.is_main());
        let into = |source: BranchName| {
            let others = targets.iter().filter(|target| ***target != source).map(|target| (*target).clone());
            others.map(|target| (source.clone(), target)).collect::<Vec<_>>()
        };
        self.sources().into_iter().flat_map(into).collect()
    }

    /// Whether there is something to merge, and something to merge it into.
    pub(super) fn can_merge(&self) -> Availability {
        match self.in_list() {
            Availability::Ready if self.sources().is_empty() => {
                Availability::no("the branch of this commit is gone, or the history is not read yet")
            }
            Availability::Ready => Availability::when(!self.merges().is_empty(), "there is no other branch"),
            refused @ Availability::Disabled(_) => refused,
        }
    }

    /// Asks into which branch.
    pub(super) fn ask_merge(&self, cx: &mut Context<'_>) {
        let arrow = cx.shared.theme.arrow();
        let item = |(source, target): (BranchName, BranchName)| Item {
            label: target.to_string(),
            text: format!("{source}{arrow}{target}"),
            action: Some(Ok(Action::History(super::Action::Merge { source, target }))),
        };
        let items = self.merges().into_iter().map(item).collect();
        cx.open(Overlay::Choose(Menu::new("Merge this branch into", items)));
    }

    /// Shows the Merge screen with both chosen.
    pub(super) fn merge(source: BranchName, target: BranchName, cx: &mut Context<'_>) {
        cx.then(Action::Merge(merge::Action::Choose { source, target }));
        cx.show(ScreenId::Merge);
    }
}
