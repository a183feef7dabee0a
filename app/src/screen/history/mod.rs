//! The History screen.

use crate::action::{Availability, Motion, Row};
use crate::screen::{Answer, PaneId, PaneSpec, Screen, ScreenId, Spot, Verb};
use crate::job::Slot;
use crate::state::{Arrangement, Context, Shared};
use crate::tasks::TaskContext;
use crate::view::Canvas;

/// The pane of the screen.
pub const MAIN: PaneId = PaneId("commits");

/// What the user can ask for on this screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {}

/// What its jobs do.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {}

/// What its jobs deliver.
#[derive(Debug)]
pub enum Reply {}

/// State of the screen.
#[derive(Debug, Default)]
pub struct History {}

impl History {
    /// Performs an action.
    pub fn update(&mut self, action: Action, _cx: &mut Context<'_>) {
        match action {}
    }

    /// Takes a reply.
    pub fn reply(&mut self, _slot: Slot, reply: Reply, _cx: &mut Context<'_>) {
        match reply {}
    }
}

/// Its rows of the registry.
#[must_use]
pub fn rows() -> Vec<Row> {
    Vec::new()
}

/// Carries out a request.
///
/// # Errors
/// Whatever the engine reports.
pub async fn run(request: Request, _cx: TaskContext) -> stratigraph_engine::Result<()> {
    match request {}
}

impl Screen for History {
    fn id(&self) -> ScreenId {
        ScreenId::History
    }

    fn panes(&self) -> Vec<PaneSpec> {
        vec![PaneSpec::main(MAIN)]
    }

    fn view(&self, _shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        canvas.pane(panes, MAIN, "History");
    }

    fn motion(&mut self, _pane: PaneId, _motion: Motion, _cx: &mut Context<'_>) -> Answer {
        Answer::Nothing("no rows".to_owned())
    }

    fn point(&mut self, _pane: PaneId, _spot: Spot, _cx: &mut Context<'_>) -> Answer {
        Answer::Nothing("no rows".to_owned())
    }

    fn supports(&self, _pane: PaneId, _verb: Verb, _shared: &Shared) -> Availability {
        Availability::no("no rows")
    }

    fn perform(&mut self, _pane: PaneId, _verb: Verb, _cx: &mut Context<'_>) -> Answer {
        Answer::Nothing("no rows".to_owned())
    }
}
