//! Screens, panes and their arrangement.

use crate::effect::Effect;
use crate::job::{JobId, Lifetime};
use crate::screen::{PaneId, ScreenId};
use crate::state::{Frame, State};
use crate::update::jobs;

/// Shows a screen; its reads of the former one are cancelled.
pub(super) fn show(state: &mut State, screen: ScreenId) -> Vec<Effect> {
    let from = state.shared.screen;
    if from == screen {
        state.shared.notice = Some(format!("this is the {} screen", screen.title()));
        return Vec::new();
    }
    state.shared.trail.retain(|past| *past != screen);
    state.shared.trail.push(from);
    enter(state, screen)
}

/// Goes back to the screen one came from. `None` if there is none.
pub(super) fn leave(state: &mut State) -> Option<Vec<Effect>> {
    let screen = state.shared.trail.pop()?;
    Some(enter(state, screen))
}

fn enter(state: &mut State, screen: ScreenId) -> Vec<Effect> {
    let mut effects = cancel_reads(state, state.shared.screen);
    state.shared.screen = screen;
    state.shared.clicked = None;
    effects.extend(jobs::show(state, screen));
    effects
}

fn cancel_reads(state: &mut State, screen: ScreenId) -> Vec<Effect> {
    let of_screen = |job: &&crate::job::Job| job.slot.screen == screen && job.lifetime == Lifetime::Screen;
    let reads: Vec<JobId> = state.shared.jobs.active().filter(of_screen).map(|job| job.id).collect();
    for id in &reads {
        state.shared.jobs.cancelling(*id);
    }
    reads.into_iter().map(Effect::Cancel).collect()
}

/// Moves the focus by `step` panes in tab order, around the end.
pub(super) fn step_focus(state: &mut State, step: usize) {
    let panes = state.screen().panes();
    let focus = state.focus();
    let at = panes.iter().position(|pane| pane.id == focus).unwrap_or(0);
    let next = panes.get((at + step) % panes.len().max(1)).map_or(focus, |pane| pane.id);
    if next == focus {
        state.shared.notice = Some("there is only one pane".to_owned());
    }
    set_focus(state, next);
}

/// Focuses a pane of the screen on view.
pub(super) fn set_focus(state: &mut State, pane: PaneId) {
    change(state, |frame| frame.focus = pane);
}

/// Changes the arrangement of the screen on view.
pub(super) fn change(state: &mut State, act: impl FnOnce(&mut Frame)) {
    let screen = state.shared.screen;
    let mut frame = state.shared.frame(screen);
    act(&mut frame);
    state.shared.frames.insert(screen, frame);
}
