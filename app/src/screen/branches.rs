//! Which branches there are, and what is done with them.

use crate::action::{Availability, Motion, Row};
use crate::job::Slot;
use crate::message::Failure;
use crate::screen::{Answer, PaneId, PaneSpec, Screen, ScreenId, Spot, Verb};
use crate::state::{Arrangement, Context, Shared};
use crate::tasks::TaskContext;
use crate::view::Canvas;

const LIST: PaneId = PaneId("branches");

/// What the user can ask for here.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {}

/// What its jobs do.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {}

/// What they deliver.
#[derive(Debug)]
pub enum Reply {}

/// The screen.
#[derive(Debug, Default)]
pub struct Branches {}

/// Its rows of the registry.
#[must_use]
pub fn rows() -> Vec<Row> {
    Vec::new()
}

/// Carries out a request.
///
/// # Errors
/// Whatever the engine reports.
pub async fn run(request: Request, _cx: TaskContext) -> Result<(), Failure> {
    match request {}
}

impl Branches {
    /// Performs an action.
    pub fn update(&mut self, action: Action, _cx: &mut Context<'_>) {
        match action {}
    }

    /// Takes what a job delivers.
    pub fn reply(&mut self, _slot: Slot, reply: Reply, _cx: &mut Context<'_>) {
        match reply {}
    }
}

impl Screen for Branches {
    fn id(&self) -> ScreenId {
        ScreenId::Branches
    }

    fn panes(&self) -> Vec<PaneSpec> {
        vec![PaneSpec::main(LIST)]
    }

    fn view(&self, _shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        canvas.pane(panes, LIST, "Branches");
    }

    fn motion(&mut self, _pane: PaneId, _motion: Motion, _cx: &mut Context<'_>) -> Answer {
        Answer::Nothing("nothing there".to_owned())
    }

    fn point(&mut self, _pane: PaneId, _spot: Spot, _cx: &mut Context<'_>) -> Answer {
        Answer::Nothing("nothing to select here".to_owned())
    }

    fn supports(&self, _pane: PaneId, _verb: Verb, _shared: &Shared) -> Availability {
        Availability::no("nothing here")
    }

    fn perform(&mut self, _pane: PaneId, _verb: Verb, _cx: &mut Context<'_>) -> Answer {
        Answer::Nothing("nothing here".to_owned())
    }
}
