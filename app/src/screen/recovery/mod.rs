//! Interrupted writes: what happened, what recovery would do, and doing it.
//!
//! Left the sidecars in the order in which a sweep takes them, below them the tables that drifted without one; right everything
//! about the selected one. `a` shows what was recovered instead; after a sweep or a heal the predictions stand beside what was
//! done until `esc`.
//!
//! | file | answers |
//! |---|---|
//! | `action`, `update` | what can be asked for, and what it does |
//! | `request` | what is read and written, and what arrives |
//! | `observed` | the interrupted writes as last seen, and what changed since a plan was agreed to |
//! | `drift` | the tables whose head is not their pin without a sidecar |
//! | `words`, `dialog` | the lines about one of them; the questions before anything is written |
//! | `outcome` | predicted beside actual |
//! | `audit` | what was recovered |
//! | `picker` | lists whose rows take several lines |
//! | `input`, `copy`, `view` | movements and verbs; what can be taken out; drawing |
//!
//! **Rule:** looking is read-only; the workbench changes or deletes no sidecar by itself.

mod action;
mod audit;
mod copy;
mod dialog;
mod drift;
mod input;
mod observed;
mod outcome;
mod picker;
mod request;
#[cfg(test)]
mod tests;
mod update;
mod view;
mod words;

pub use action::{Action, rows};
pub use drift::{Drifted, Standing};
pub use request::{Observation, Reply, Request, run};

use stratigraph_engine::recovery::RecoveryPlan;

use crate::action::{Availability, Motion, TermKind};
use crate::export::Content;
use crate::job::Slot;
use crate::message::Failure;
use crate::screen::{Answer, CopyChoice, PaneId, PaneSpec, Screen, ScreenId, Spot, TermUse, Verb};
use crate::state::{Arrangement, Context, Counter, Shared};
use crate::view::Canvas;
use audit::Audit;
use observed::{Observed, Place};
use outcome::Outcome;
use picker::Picker;

/// The interrupted writes and the drifted tables.
pub const LIST: PaneId = PaneId("interrupted");
/// Everything about the selected one.
pub const INSPECT: PaneId = PaneId("write");
/// What was recovered.
pub const AUDIT: PaneId = PaneId("audit");
/// Everything about the selected recovery.
pub const RECORD: PaneId = PaneId("recovery");
/// Predicted beside actual.
pub const OUTCOME: PaneId = PaneId("outcome");

/// The jobs of the screen, as the job list names them.
const OBSERVE: Slot = Slot { screen: ScreenId::Recovery, pane: LIST, kind: "recovery plan" };
const DRIFT: Slot = Slot { screen: ScreenId::Recovery, pane: LIST, kind: "drift" };
const READ_AUDIT: Slot = Slot { screen: ScreenId::Recovery, pane: AUDIT, kind: "audit" };
const SWEEP: Slot = Slot { screen: ScreenId::Recovery, pane: LIST, kind: "recovery" };
const HEAL: Slot = Slot { screen: ScreenId::Recovery, pane: LIST, kind: "heal" };
const QUARANTINE: Slot = Slot { screen: ScreenId::Recovery, pane: LIST, kind: "quarantine" };

/// What a row of the list is.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    /// A sidecar, by the name of its file without `.json`.
    Sidecar(String),
    /// A drifted table.
    Drift(Place),
}

/// What is on view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Show {
    #[default]
    Pending,
    Audit,
    Outcome,
}

/// State of the screen.
#[derive(Debug, Default)]
pub struct Recovery {
    show: Show,
    observed: Option<Observed>,
    /// Why the last look at the sidecars failed.
    refused: Option<Failure>,
    /// A plan that was agreed to and is out of date: what differs from it is marked.
    agreed: Option<RecoveryPlan>,
    /// The tables that no sidecar explains; none before they were looked for.
    drift: Option<Result<Vec<Drifted>, Failure>>,
    /// Whether branches moved since.
    drift_due: bool,
    picker: Picker<Key>,
    /// First line of the details on view.
    offset: usize,
    audit: Audit,
    outcome: Option<Outcome>,
    /// The sidecar that is about to be moved out of the graph.
    quarantined: Option<String>,
}

impl Screen for Recovery {
    fn id(&self) -> ScreenId {
        ScreenId::Recovery
    }

    fn panes(&self) -> Vec<PaneSpec> {
        match self.show {
            Show::Pending => vec![PaneSpec::main(LIST), PaneSpec::detail(INSPECT)],
            Show::Audit => vec![PaneSpec::main(AUDIT), PaneSpec::detail(RECORD)],
            Show::Outcome => vec![PaneSpec::main(OUTCOME)],
        }
    }

    fn view(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        self.draw(shared, panes, canvas);
    }

    fn badge(&self, shared: &Shared) -> Option<String> {
        shared.interrupted.as_ref().filter(|ids| !ids.is_empty()).map(|ids| format!("!{}", ids.len()))
    }

    fn shown(&mut self, cx: &mut Context<'_>) {
        self.look(cx);
    }

    fn heads_moved(&mut self, cx: &mut Context<'_>) {
        self.moved(cx);
    }

    fn shows_failure(&self, slot: Slot) -> bool {
        [OBSERVE, DRIFT, READ_AUDIT].contains(&slot)
    }

    fn failed(&mut self, slot: Slot, failure: &Failure, cx: &mut Context<'_>) {
        self.job_failed(slot, failure, cx);
    }

    fn finished(&mut self, slot: Slot, cx: &mut Context<'_>) {
        self.written(slot, cx);
    }

    fn cancelled(&mut self, slot: Slot, cx: &mut Context<'_>) {
        self.written(slot, cx);
    }

    fn motion(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        self.moved_in(pane, motion, cx)
    }

    fn point(&mut self, pane: PaneId, spot: Spot, cx: &mut Context<'_>) -> Answer {
        match spot {
            Spot::Row(row) => self.select(pane, row, cx.shared),
            Spot::Header(_) => Answer::Nothing("nothing to select here".to_owned()),
        }
    }

    fn supports(&self, pane: PaneId, verb: Verb, shared: &Shared) -> Availability {
        self.can(pane, verb, shared)
    }

    fn perform(&mut self, pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        self.verb(pane, verb, cx)
    }

    fn term_use(&self, pane: PaneId, _kind: TermKind) -> TermUse {
        match pane {
            LIST | AUDIT => TermUse::Text,
            _ => TermUse::No("search and filter work in the lists"),
        }
    }

    fn counter(&self, pane: PaneId, kind: TermKind, shared: &Shared) -> Option<Counter> {
        self.count(pane, kind, shared)
    }

    fn copies(&self, pane: PaneId, shared: &Shared) -> Vec<CopyChoice> {
        self.copy_choices(pane, shared)
    }

    fn export(&self, pane: PaneId, shared: &Shared) -> Option<Content> {
        self.content(pane, shared)
    }

    fn command_line(&self, shared: &Shared) -> Option<String> {
        Some(self.command(shared))
    }
}
