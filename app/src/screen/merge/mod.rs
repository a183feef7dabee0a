//! What merging a branch would do, what has to be decided, and the merge.
//!
//! Four steps in one screen: choose two branches, preview what merging them does, resolve the conflicts, and the result. Every way
//! back is free until the merge is confirmed. What is shown is bound to the heads it was made from.
//!
//! | file | answers |
//! |---|---|
//! | `action` | what can be asked for, and when |
//! | `request`, `run` | what is read and written, how, and what arrives |
//! | `draft` | decisions that outlive the program |
//! | `choose` | the two branches, and what lies between them |
//! | `deciding`, `tree`, `cells` | decisions with undo; the conflicts; one of them cell by cell |
//! | `update`, `reply` | going from step to step; what happens when something arrives |
//! | `resolve`, `edit`, `offer` | choices: by row and cell, with values of one's own, from a menu |
//! | `repeat`, `finish` | the same choice for several; the merge |
//! | `tables` | the table of tables |
//! | `pane` | what the frame asks for |
//! | `words`, `view` | choices and counts in words; drawing |

mod action;
mod cells;
mod choose;
mod copy;
mod deciding;
mod draft;
mod edit;
mod finish;
mod offer;
mod pane;
mod repeat;
mod reply;
mod request;
mod resolve;
mod run;
mod tables;
#[cfg(test)]
mod tests;
mod tree;
mod update;
mod view;
mod words;

pub use action::{Action, Reach, rows};
pub use draft::DraftKey;
pub use request::{Between, BranchLine, Done, End, Observed, Pair, Plan, Preview, Reply, Request};
pub use run::run;

use std::sync::Arc;

use stratigraph_engine::BranchName;
use stratigraph_engine::merge::{Conflict, ThreeRows};

use crate::cursor::Cursor;
use crate::event::{Heads, is_remade};
use crate::job::{JobStatus, Slot};
use crate::message::Failure;
use crate::screen::{PaneId, ScreenId};
use crate::state::{Context, Frame, Shared};
use choose::Choose;
use deciding::Deciding;
use tree::Tree;

/// The branches to merge.
pub const SOURCE: PaneId = PaneId("source");
/// The branches to merge into.
pub const TARGET: PaneId = PaneId("target");
/// What lies between the two.
pub const BETWEEN: PaneId = PaneId("between");
/// What the merge does to each table.
pub const TABLES: PaneId = PaneId("tables");
/// What the merge comes to.
pub const SUMMARY: PaneId = PaneId("summary");
/// The conflicts.
pub const CONFLICTS: PaneId = PaneId("conflicts");
/// The row of a conflict in three states.
pub const ROW: PaneId = PaneId("row");
/// The rows that a conflict is about besides.
pub const RELATED: PaneId = PaneId("related");
/// What became of the merge.
pub const RESULT: PaneId = PaneId("result");

/// Where one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Step {
    #[default]
    Choose,
    Preview,
    Resolve,
    Result,
}

impl Step {
    const ALL: [Self; 4] = [Self::Choose, Self::Preview, Self::Resolve, Self::Result];

    fn word(self) -> &'static str {
        match self {
            Self::Choose => "choose",
            Self::Preview => "preview",
            Self::Resolve => "resolve",
            Self::Result => "result",
        }
    }
}

/// The conflict on view with its rows.
#[derive(Debug, Default)]
struct RowView {
    /// The conflict whose rows are wanted.
    of: Option<Conflict>,
    /// Its rows, once they are read.
    rows: Option<Vec<ThreeRows>>,
    failure: Option<Failure>,
    /// The cell that is on.
    cursor: Cursor,
    /// Lines of the related rows that are scrolled away.
    related: Cursor,
}

/// A cell that is being written.
#[derive(Debug, Clone)]
struct Editing {
    conflict: Conflict,
    column: String,
}

/// What became of the merge.
#[derive(Debug, Default)]
enum Ending {
    /// It was not asked for.
    #[default]
    None,
    /// It is under way.
    Running,
    /// It is done.
    Done(Box<Done>),
    /// It was refused, because branches moved.
    Moved(Vec<String>),
    /// It failed, and the graph was seen like this afterwards.
    Failed(Failure, Option<Observed>),
    /// It was stopped before anything was written.
    Cancelled,
}

/// State of the screen.
#[derive(Debug, Default)]
pub struct Merge {
    step: Step,
    choose: Choose,
    preview: Option<Box<Preview>>,
    /// Which preview was asked for last.
    asked: Option<Pair>,
    /// The heads that were seen when it was asked for, and when the one that is there was.
    asked_at: Arc<Heads>,
    seen: Arc<Heads>,
    /// Why there is no preview.
    refused: Option<Failure>,
    /// The tables of the preview, and whether those that stay as they are, are listed.
    tables: Cursor,
    unfolded: bool,
    summary: Cursor,
    deciding: Option<Deciding>,
    /// Why decisions could not be checked.
    unchecked: Option<Failure>,
    tree: Tree,
    row: RowView,
    editing: Option<Editing>,
    /// What can be taken back, in order: marks and choices.
    steps: Vec<Undoable>,
    ending: Ending,
    /// The preview that was carried out.
    result: Cursor,
    /// What became of the source branch after the merge.
    deleted: Option<Result<BranchName, Failure>>,
}

/// One step that `u` takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Undoable {
    Mark,
    Choice,
}

impl Merge {
    /// The branches that the screen is about.
    fn pair(&self) -> Option<Pair> {
        match self.step {
            Step::Choose => self.choose.pair(),
            Step::Preview => self.asked.clone(),
            Step::Resolve | Step::Result => self.preview.as_ref().map(|preview| preview.pair.clone()),
        }
    }

    /// Branches of the preview that are not where they were when it was made.
    fn moved(&self, shared: &Shared) -> Vec<BranchName> {
        let Some(preview) = self.preview.as_ref().filter(|_| !shared.heads.is_empty()) else { return Vec::new() };
        let pair = [&preview.pair.source, &preview.pair.target];
        let moved = pair.into_iter().zip(preview.versions).filter(|(branch, version)| {
            // A look that is older than the preview says nothing; one at another branch of that name does, whatever its version.
            let newer = shared.heads.get(*branch).is_none_or(|seen| seen.version > *version);
            newer || is_remade(&self.seen, &shared.heads, branch)
        });
        moved.map(|(branch, _)| branch.clone()).collect()
    }
}

/// The place of a read.
const fn slot(pane: PaneId, kind: &'static str) -> Slot {
    Slot { screen: ScreenId::Merge, pane, kind }
}

const BRANCHES_SLOT: Slot = slot(SOURCE, "branches");
const BETWEEN_SLOT: Slot = slot(BETWEEN, "last common commit");
const PREVIEW_SLOT: Slot = slot(TABLES, "merge preview");
const CHECK_SLOT: Slot = slot(CONFLICTS, "check of choices");
const ROWS_SLOT: Slot = slot(ROW, "conflict rows");
const KEEP_SLOT: Slot = slot(CONFLICTS, "draft of choices");
const MERGE_SLOT: Slot = slot(RESULT, "merge");
const DELETE_SLOT: Slot = slot(RESULT, "delete branch");

/// Whether a read is under way.
fn is_reading(shared: &Shared, slot: Slot) -> bool {
    let job = shared.latest.get(&slot).and_then(|id| shared.jobs.find(*id));
    job.is_some_and(|job| matches!(job.status, JobStatus::Queued | JobStatus::Running))
}

/// Gives a pane of this screen the focus, whichever screen is on view.
fn focus(cx: &mut Context<'_>, pane: PaneId) {
    let frame = cx.shared.frame(ScreenId::Merge);
    cx.shared.frames.insert(ScreenId::Merge, Frame { focus: pane, ..frame });
}
