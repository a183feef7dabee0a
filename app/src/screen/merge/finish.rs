//! The merge itself: the plan as text before it, the job, and what can be done afterwards.

use std::sync::Arc;

use stratigraph_engine::merge::{MergeOutcome, Scope};
use stratigraph_widgets::width::width;

use super::action::Action;
use super::request::{Preview, Request};
use super::resolve::from_sign;
use super::tables::is_changed;
use super::update::subject;
use super::{DELETE_SLOT, Ending, MERGE_SLOT, Merge, Step, words};
use crate::action::{Action as Any, Availability};
use crate::message::Level;
use crate::overlay::{Confirm, Overlay};
use crate::screen::{ScreenId, ScreenRequest, history};
use crate::state::Context;
use crate::view::grouped;

/// Tables and rules that the question lists; the preview lists all.
const LISTED: usize = 8;

impl Merge {
    /// Asks whether to merge.
    pub(super) fn ask_merge(&mut self, cx: &mut Context<'_>) {
        if let Some(preview) = &self.preview {
            let title = format!("Merge {} into {}?", preview.pair.source, preview.pair.target);
            let plan = self.plan(preview, cx);
            cx.open(Overlay::Confirm(Confirm::new(title, plan, "Merge", Any::Merge(Action::Confirmed))));
        }
    }

    /// The plan as text.
    fn plan(&self, preview: &Preview, cx: &Context<'_>) -> Vec<String> {
        let [source, target, base] = &preview.short;
        let pair = &preview.pair;
        let mut plan = vec![
            format!("{} at {source} into {} at {target}, last common commit {base}.", pair.source, pair.target),
            match preview.outcome {
                MergeOutcome::FastForward => {
                    format!("A fast forward: {} has no commit of its own. One commit with two parents.", pair.target)
                }
                MergeOutcome::Merged | MergeOutcome::AlreadyUpToDate => {
                    format!("One commit on {} with two parents.", pair.target)
                }
            },
        ];
        let (changed, others): (Vec<_>, Vec<_>) = self.merged_tables().iter().partition(|table| is_changed(table));
        let listed = &changed[..changed.len().min(LISTED)];
        let names = listed.iter().map(|table| width(&table.key.to_string())).max().unwrap_or(0);
        for table in listed {
            let counts = format!("+{} ~{} -{}", grouped(table.appends), grouped(table.upserts), grouped(table.deletes));
            plan.push(format!("  {:<names$}  {:<7}  {counts}", table.key.to_string(), table.way));
        }
        if let Some(more) = changed.len().checked_sub(LISTED).filter(|more| *more > 0) {
            plan.push(format!("  and {}", words::count(more, "further table")));
        }
        if !others.is_empty() {
            plan.push(format!("  {} as before", words::count(others.len(), "table")));
        }
        plan.extend(self.plan_of_choices(cx));
        if !preview.first.is_empty() {
            let first = "Opening for writing settles interrupted writes first, with a question of its own; then this is \
                         previewed again.";
            plan.push(first.to_owned());
        }
        plan
    }

    /// How the conflicts were decided: counts, and each rule.
    fn plan_of_choices(&self, cx: &Context<'_>) -> Vec<String> {
        let Some(deciding) = &self.deciding else { return Vec::new() };
        let decided = &deciding.check().decided;
        if decided.is_empty() {
            return vec!["No conflict.".to_owned()];
        }
        let (from, arrow) = (from_sign(cx.shared.theme), cx.shared.theme.arrow());
        let of = |index: &usize| deciding.checked().get(*index);
        let by_hand =
            decided.iter().filter_map(|(_, index)| of(index)).filter(|by| super::resolve::is_by_hand(by)).count();
        let counts = words::counts(decided.iter().filter_map(|(_, index)| of(index)?.choice.as_ref()));
        let mut plan =
            vec![format!("{} decided, {by_hand} by hand: {counts}.", words::count(decided.len(), "conflict"))];
        let mut rules: Vec<usize> = decided.iter().map(|(_, index)| *index).collect();
        rules.sort_unstable();
        rules.dedup();
        let rules = rules.into_iter().filter_map(|index| deciding.checked().get(index));
        for decision in rules.filter(|decision| matches!(decision.on, Scope::Rule(_))).take(LISTED) {
            plan.push(format!("  {}", words::by(decision, None, arrow, from)));
        }
        plan
    }

    /// Merges: the graph is open for writing. What was confirmed is what was shown, or nothing is done.
    pub(super) fn run_merge(&mut self, cx: &mut Context<'_>) {
        if let Availability::Disabled(reason) = self.can_merge(cx.shared) {
            cx.shared.notice = Some(format!("not merged: {reason}"));
            return;
        }
        if self.preview.as_ref().is_some_and(|preview| !preview.first.is_empty()) {
            return self.preview_after_opening(cx);
        }
        let (Some(preview), Some(deciding)) = (&self.preview, &self.deciding) else { return };
        let request = Request::Merge {
            plan: preview.plan.clone(),
            decisions: Arc::clone(deciding.decisions()),
            actor: cx.shared.writing.actor.as_deref().map(Into::into),
            draft: preview.draft.clone(),
        };
        let subject = subject(&preview.pair, cx);
        (self.ending, self.deleted) = (Ending::Running, None);
        self.go(Step::Result, cx);
        cx.write(MERGE_SLOT, subject, ScreenRequest::Merge(request));
    }

    /// What opening settled may have changed what was confirmed.
    fn preview_after_opening(&mut self, cx: &mut Context<'_>) {
        self.go(Step::Preview, cx);
        self.read_preview(cx);
        cx.say(Level::Info, "interrupted writes were settled: this is the preview after that, C merges");
    }

    /// Shows the commit of the merge in the history.
    pub(super) fn show_commit(&mut self, cx: &mut Context<'_>) {
        let Ending::Done(done) = &self.ending else { return };
        let Some(written) = &done.merged.written else {
            cx.shared.notice = Some("no commit was made".to_owned());
            return;
        };
        cx.show(ScreenId::History);
        cx.then(Any::History(history::Action::Select(written.commit)));
    }

    /// Asks whether to delete the branch that was merged.
    pub(super) fn ask_delete(&mut self, cx: &mut Context<'_>) {
        let Some(preview) = &self.preview else { return };
        let source = &preview.pair.source;
        let plan = vec![
            format!("{source} is merged into {}, which needs it no more.", preview.pair.target),
            format!("It goes if it is still at {}; commits that it got since keep it.", preview.short[0]),
        ];
        let question = Confirm::new(format!("Delete {source}?"), plan, "Delete", Any::Merge(Action::DeleteConfirmed));
        cx.open(Overlay::Confirm(question.typed(source.to_string())));
    }

    /// Deletes it.
    pub(super) fn delete_source(&mut self, cx: &mut Context<'_>) {
        let Some(preview) = self.preview.as_ref().filter(|_| matches!(self.ending, Ending::Done(_))) else { return };
        let (branch, head) = (preview.pair.source.clone(), preview.heads.source);
        self.deleted = None;
        cx.write(DELETE_SLOT, branch.to_string(), ScreenRequest::Merge(Request::DeleteSource(branch, head)));
    }
}
