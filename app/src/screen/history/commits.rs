//! The list of commits: what is selected, marked, folded and highlighted, and how it moves.

use std::sync::Arc;

use stratigraph_engine::{Commit, CommitId};
use stratigraph_widgets::commit_dag::{RowItem, Viewport};

use super::ancestry::{Ancestry, Related};
use super::chart::{Chart, Folding};
use super::log::{CommitLog, Extent};
use super::request::{Former, Same};
use super::search::Found;
use crate::action::Motion;
use crate::cursor::Cursor;
use crate::marks::Marks;
use crate::screen::Answer;

/// The list.
#[derive(Debug, Default)]
pub(super) struct Commits {
    chart: Option<Arc<Chart>>,
    cursor: Cursor,
    /// Commit the user chose last; while a filter hides it the cursor stands on the next older one.
    wanted: Option<CommitId>,
    pub(super) marks: Marks<CommitId>,
    /// Which folds are closed; `None` until the settings are known.
    pub(super) folding: Option<Folding>,
    /// What is highlighted.
    pub(super) ancestry: Ancestry,
    /// The highlighted commits.
    pub(super) related: Related,
    /// What the search found.
    pub(super) found: Found,
    /// First lane on view.
    first_lane: usize,
    /// Commits that arrived above the cursor since it was last at the top.
    fresh: usize,
    /// The history before commits arrived that `fresh` does not count yet.
    uncounted: Option<Arc<CommitLog>>,
    /// What is needed no more; see [`Commits::take_former`].
    former: Vec<Former>,
}

impl Commits {
    /// What is drawn, once something was read.
    pub(super) fn chart(&self) -> Option<&Arc<Chart>> {
        self.chart.as_ref()
    }

    /// The commits, once some were read.
    pub(super) fn log(&self) -> Option<&Arc<CommitLog>> {
        self.chart.as_ref().map(|chart| chart.log())
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.chart.as_ref().map_or(0, |chart| chart.len())
    }

    /// The cursor.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Commits that arrived above the cursor.
    pub(super) fn fresh(&self) -> usize {
        self.fresh
    }

    /// What stands in the selected row.
    pub(super) fn item(&self) -> Option<RowItem> {
        self.chart.as_ref()?.item(self.cursor.row)
    }

    /// The selected commit; `None` on a fold and in an empty list.
    pub(super) fn commit(&self) -> Option<&Commit> {
        match self.item()? {
            RowItem::Commit(node) => self.log()?.commit(node),
            RowItem::Fold { .. } => None,
        }
    }

    /// The selected commit, or the topmost of the selected fold.
    pub(super) fn id(&self) -> Option<CommitId> {
        self.chart.as_ref()?.id_at(self.cursor.row)
    }

    /// The marked commit to compare the selected one with: the last marked one that is another.
    pub(super) fn counterpart(&self) -> Option<CommitId> {
        let selected = self.commit()?.id;
        self.marks.other_than(&selected).copied()
    }

    /// Draws something else from now on. The cursor stays on its commit, at the same height of the pane; it stays on the
    /// top row if it was there and `grown`.
    pub(super) fn put(&mut self, chart: Arc<Chart>, grown: Grown, height: usize) {
        let top = self.cursor.row == 0;
        let row = match (self.wanted, grown) {
            (Some(_), Grown::Top) if top => 0,
            (Some(id), _) => chart.nearest_row(id),
            (None, _) => 0,
        };
        match grown {
            Grown::Top if top => self.saw_all(),
            Grown::Top => self.uncounted = self.uncounted.take().or_else(|| self.complete_log()),
            Grown::No => {}
        }
        self.cursor.offset = (self.cursor.offset + row).saturating_sub(self.cursor.row);
        self.cursor.select(row, chart.len(), height);
        // Until the commits to highlight are found in the new history, none is: the old numbers mean other commits there.
        if self.related.log().is_some_and(|log| !Arc::ptr_eq(log, chart.log())) {
            self.related = Related::default();
        }
        // Matches are rows, too.
        self.found = Found::default();
        self.former.extend(self.chart.replace(chart).map(|chart| Former::Chart(Same(chart))));
        if top && grown == Grown::Top || self.wanted.is_none() {
            self.wanted = self.id();
        }
    }

    /// Keeps something that is not wanted (any more) until it is freed.
    pub(super) fn discard(&mut self, former: Former) {
        self.former.push(former);
    }

    /// What is needed no more. The list may be the last to hold it, so it must not just be dropped.
    pub(super) fn take_former(&mut self) -> Vec<Former> {
        std::mem::take(&mut self.former)
    }

    /// Moves the cursor, or the graph sideways.
    pub(super) fn motion(&mut self, motion: Motion, height: usize, width: usize) -> Answer {
        let lanes = self.chart.as_ref().map_or(0, |chart| chart.layout().lanes());
        let viewport = self.viewport(width);
        let last = lanes.saturating_sub(viewport.lanes);
        let lane = match motion {
            Motion::Left => viewport.first_lane.saturating_sub(1),
            Motion::Right => (viewport.first_lane + 1).min(last),
            Motion::LeftEnd => 0,
            Motion::RightEnd => last,
            _ => {
                let moved = self.cursor.motion(motion, self.len(), height);
                self.chosen();
                return Answer::when(moved, if self.len() == 0 { "there is no commit" } else { "no more commits" });
            }
        };
        let moved = std::mem::replace(&mut self.first_lane, lane) != lane;
        Answer::when(moved, "the graph has no more lanes there")
    }

    /// Selects a row.
    pub(super) fn select_row(&mut self, row: usize, height: usize) {
        self.cursor.select(row, self.len(), height);
        self.chosen();
    }

    /// The row under the cursor is the one the user wants.
    fn chosen(&mut self) {
        self.wanted = self.id().or(self.wanted);
        if self.cursor.row == 0 {
            self.saw_all();
        }
    }

    fn saw_all(&mut self) {
        self.fresh = 0;
        self.drop_uncounted();
    }

    fn drop_uncounted(&mut self) {
        self.former.extend(self.uncounted.take().map(|log| Former::Log(Same(log))));
    }

    fn complete_log(&self) -> Option<Arc<CommitLog>> {
        self.log().filter(|log| log.extent() == Extent::Complete).cloned()
    }

    /// The histories before and after commits arrived that are not counted yet.
    pub(super) fn uncounted(&self) -> Option<(Arc<CommitLog>, Arc<CommitLog>)> {
        self.uncounted.clone().zip(self.log().cloned())
    }

    /// So many commits arrived until there was the history on view.
    pub(super) fn counted(&mut self, commits: usize) {
        if self.uncounted.is_some() {
            self.fresh += commits;
            self.drop_uncounted();
        }
    }

    /// Wants a commit whether it is on view or not.
    pub(super) fn want(&mut self, id: CommitId) {
        self.wanted = Some(id);
    }

    /// Lanes on view in a pane of this width.
    pub(super) fn viewport(&self, width: usize) -> Viewport {
        let lanes = self.chart.as_ref().map_or(0, |chart| chart.layout().lanes());
        Viewport::fit(lanes, self.first_lane, u16::try_from(width).unwrap_or(u16::MAX))
    }

    /// Marks the selected commit, or takes the mark away.
    pub(super) fn mark(&mut self) -> Answer {
        let Some(id) = self.commit().map(|commit| commit.id) else {
            return Answer::Nothing("open the fold first (o)".to_owned());
        };
        self.marks.toggle(id);
        Answer::Done
    }

    /// The next row, in this direction, whose commit lacks a parent.
    pub(super) fn next_problem(&self, forward: bool) -> Option<usize> {
        self.chart.as_ref()?.next_broken(self.cursor.row, forward)
    }
}

/// Why there is something else to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grown {
    /// The same commits in another arrangement.
    No,
    /// Commits may have come on top.
    Top,
}
