//! What happens when something that was asked for arrives, or does not.

use std::sync::Arc;

use stratigraph_engine::ErrorKind;
use stratigraph_engine::merge::Conflict;

use super::deciding::{Deciding, Problem};
use super::request::{Preview, Reply, Request};
use super::{
    CHECK_SLOT, CONFLICTS, DELETE_SLOT, Ending, KEEP_SLOT, MERGE_SLOT, Merge, PREVIEW_SLOT, ROWS_SLOT, RowView, Step,
    TABLES, is_reading, words,
};
use crate::effect::{Effect, Request as Work};
use crate::job::Slot;
use crate::message::{Failure, Level};
use crate::screen::ScreenRequest;
use crate::state::Context;

impl Merge {
    /// Takes what a job delivers.
    pub fn reply(&mut self, _slot: Slot, reply: Reply, cx: &mut Context<'_>) {
        match reply {
            Reply::Branches(branches) => {
                self.choose.take(branches);
                if self.choose.known().is_none() || self.step == Step::Choose {
                    self.look_between(cx);
                }
            }
            Reply::Between(between) => self.choose.between = Some(*between),
            Reply::Preview(preview) => self.take_preview(*preview, cx),
            Reply::Checked(of, check) => {
                let taken = self.deciding.as_mut().is_some_and(|deciding| deciding.take(&of, *check));
                if taken {
                    self.unchecked = None;
                    self.show_tree(cx);
                }
            }
            Reply::Refused { of, decision, column, reason } => {
                if let Some(deciding) = self.deciding.as_mut().filter(|deciding| **deciding.decisions() == *of) {
                    deciding.problem = Some(Problem { decision, column, reason });
                    self.show_tree(cx);
                }
            }
            Reply::Rows(conflict, rows) => {
                if self.row.of.as_ref().is_some_and(|of| *of == *conflict) {
                    self.row.rows = Some(rows);
                    self.row.failure = None;
                }
            }
            Reply::Merged(done) => self.ending = Ending::Done(done),
            Reply::Moved(lines) => self.ending = Ending::Moved(lines),
            Reply::Observed(observed) => {
                self.ending = Ending::Failed(Failure::new(ErrorKind::Internal, "the merge failed"), Some(observed));
            }
            Reply::Deleted(branch) => {
                cx.say(Level::Info, format!("{branch} is deleted"));
                self.deleted = Some(Ok(branch));
            }
        }
    }

    fn take_preview(&mut self, mut preview: Preview, cx: &mut Context<'_>) {
        if self.asked.as_ref() != Some(&preview.pair) {
            return;
        }
        if let Some(text) = &preview.kept_failure {
            cx.say(Level::Warning, text.clone());
        }
        // What was decided a moment ago is newer than what was kept.
        let decided = self.deciding.as_ref().filter(|deciding| !deciding.list().is_empty());
        let before = decided.map(|deciding| Arc::clone(deciding.decisions()));
        let kept = preview.kept.as_ref().filter(|_| before.is_none());
        if let Some(kept) = kept.filter(|kept| !kept.decisions.decisions.is_empty()) {
            cx.say(Level::Info, words::kept(kept, cx.shared.now.utc_micros));
        }
        let deciding = Deciding::new(&preview, before.as_deref().or(kept.map(|kept| &kept.decisions)));
        if let Some(former) = self.preview.as_ref().filter(|_| before.is_some()) {
            preview.draft = preview.draft.after(&former.draft);
        }
        self.refused = None;
        self.deciding = Some(deciding);
        self.preview = Some(Box::new(preview));
        self.seen = Arc::clone(&self.asked_at);
        self.steps.clear();
        self.editing = None;
        let lines = self.table_lines().len();
        self.tables.select(self.tables.row, lines, cx.shared.pane_height(TABLES));
        self.show_tree(cx);
        if self.tree.conflicts().is_empty() && self.step == Step::Resolve {
            self.go(Step::Preview, cx);
        }
        if before.is_some() {
            self.keep_draft(cx);
        }
        self.check_if_needed(cx);
    }

    /// Shows the conflicts as they are decided now.
    pub(super) fn show_tree(&mut self, cx: &mut Context<'_>) {
        let height = cx.shared.pane_height(CONFLICTS);
        if let Some(deciding) = &self.deciding {
            self.tree.show(deciding, height);
        }
        self.follow(cx);
    }

    /// Lets the engine look at the choices, if it has not yet.
    pub(super) fn check_if_needed(&mut self, cx: &mut Context<'_>) {
        let (Some(preview), Some(deciding)) = (&self.preview, &self.deciding) else { return };
        if deciding.is_current() || deciding.problem.is_some() || is_reading(cx.shared, CHECK_SLOT) {
            return;
        }
        let request = Request::Check(preview.plan.clone(), Arc::clone(deciding.decisions()));
        cx.peek(CHECK_SLOT, "choices", ScreenRequest::Merge(request));
    }

    /// The choices are other ones: they are kept, shown and checked.
    pub(super) fn decided(&mut self, cx: &mut Context<'_>) {
        cx.cancel(CHECK_SLOT);
        self.unchecked = None;
        self.keep_draft(cx);
        self.check_if_needed(cx);
        self.show_tree(cx);
    }

    fn keep_draft(&self, cx: &mut Context<'_>) {
        let (Some(preview), Some(deciding)) = (&self.preview, &self.deciding) else { return };
        if preview.draft.directory.is_none() {
            return;
        }
        let request = Request::Keep(preview.draft.clone(), Arc::clone(deciding.decisions()));
        // Leaving the screen must not lose it; it leaves no trace unless it fails.
        let id = cx.work(KEEP_SLOT, "choices", Work::Screen(ScreenRequest::Merge(request)));
        cx.shared.jobs.hush(id);
    }

    /// Reads the rows of the conflict under the cursor.
    pub(super) fn follow(&mut self, cx: &mut Context<'_>) {
        let Some(conflict) = self.tree.conflict().cloned() else {
            return;
        };
        let same = |of: &Conflict| of.key == conflict.key && of.detail == conflict.detail;
        if self.row.of.as_ref().is_some_and(same) {
            if self.row.rows.is_some() || self.row.failure.is_some() || is_reading(cx.shared, ROWS_SLOT) {
                return;
            }
        } else {
            self.row = RowView::default();
        }
        let Some(preview) = self.preview.as_ref().filter(|_| self.step == Step::Resolve) else { return };
        let subject = format!("{} {}", conflict.key.table, conflict.key.id);
        let request = Request::Rows(preview.plan.clone(), Box::new(conflict.clone()));
        self.row.of = Some(conflict);
        cx.peek(ROWS_SLOT, subject, ScreenRequest::Merge(request));
    }

    /// A job failed.
    pub(super) fn job_failed(&mut self, slot: Slot, failure: &Failure, cx: &mut Context<'_>) {
        match slot {
            PREVIEW_SLOT => self.refused = Some(failure.clone()),
            CHECK_SLOT => self.unchecked = Some(failure.clone()),
            ROWS_SLOT => self.row.failure = Some(failure.clone()),
            MERGE_SLOT => {
                let observed = match std::mem::take(&mut self.ending) {
                    Ending::Failed(_, observed) => observed,
                    Ending::None | Ending::Running | Ending::Done(_) | Ending::Moved(_) | Ending::Cancelled => None,
                };
                self.ending = Ending::Failed(failure.clone(), observed);
                cx.effects.push(Effect::CheckHeads);
            }
            DELETE_SLOT => self.deleted = Some(Err(failure.clone())),
            _ => {}
        }
    }

    /// A job was stopped.
    pub(super) fn job_cancelled(&mut self, slot: Slot, cx: &mut Context<'_>) {
        match slot {
            PREVIEW_SLOT if self.preview.is_none() => {
                self.refused = Some(Failure::new(ErrorKind::Cancelled, "the preview was stopped, r makes it"));
            }
            MERGE_SLOT => {
                self.ending = Ending::Cancelled;
                cx.effects.push(Effect::CheckHeads);
            }
            _ => {}
        }
    }

    /// A job ended well.
    pub(super) fn job_finished(&mut self, slot: Slot, cx: &mut Context<'_>) {
        if slot == MERGE_SLOT || slot == DELETE_SLOT {
            cx.effects.push(Effect::CheckHeads);
        }
        if slot == DELETE_SLOT {
            self.choose.branches = None;
        }
    }
}
