//! Keys, pasted text and the mouse: who gets them, and what action they become.

use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use crate::action::{Action, Global, Motion};
use crate::effect::Effect;
use crate::keymap::{Key, Lookup, format_keys, parse_keys};
use crate::overlay::{Overlay, Step};
use crate::screen::{Answer, Spot, Verb};
use crate::state::{Pending, State};
use crate::update::{run_row, update, with_screens};
use crate::view::Target;

/// A key: the overlay on top first, then the keymap from the focused pane to the global keys.
pub(super) fn key(state: &mut State, event: &KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    state.shared.notice = None;
    let key = Key::of(event);
    if key.ctrl_letter() == Some('c') {
        state.shared.pending = None;
        return update(state, Action::Global(Global::AskQuit));
    }
    if state.shared.overlays.is_empty() { mapped(state, key) } else { overlay(state, |top| top.key(key)) }
}

/// Pasted text goes where there is a line to type.
pub(super) fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    match state.shared.overlays.last() {
        Some(top) if top.types() => overlay(state, |top| top.paste(text)),
        Some(_) | None => {
            state.shared.notice = Some("nothing to paste into here".to_owned());
            Vec::new()
        }
    }
}

/// Lets the overlay on top act and carries out what it made of it.
fn overlay(state: &mut State, act: impl FnOnce(&mut Overlay) -> Step) -> Vec<Effect> {
    let Some(mut top) = state.shared.overlays.pop() else { return Vec::new() };
    match act(&mut top) {
        Step::Stay => {
            state.shared.overlays.push(top);
            Vec::new()
        }
        Step::Meanwhile(action) => {
            state.shared.overlays.push(top);
            update(state, action)
        }
        Step::Close => Vec::new(),
        Step::Become(other, action) => {
            state.shared.overlays.push(*other);
            update(state, action)
        }
        Step::Finish(action) => {
            if let Overlay::Palette(palette) = &top {
                let typed = Global::Typed(palette.typed().trim().to_owned());
                drop(update(state, Action::Global(typed)));
            }
            update(state, action)
        }
    }
}

fn mapped(state: &mut State, key: Key) -> Vec<Effect> {
    let mut keys = state.shared.pending.take().map_or_else(Vec::new, |pending| pending.keys);
    let started = !keys.is_empty();
    keys.push(key);
    let escape = parse_keys("esc").is_ok_and(|escape| escape == [key]);
    match state.shared.keymap.lookup(&state.scopes(), &keys) {
        Lookup::Hit(row) => run_row(state, row),
        Lookup::Prefix(_) => {
            state.shared.pending = Some(Pending { keys, since: state.shared.now.elapsed });
            Vec::new()
        }
        // Escape gives up a started sequence without a word.
        Lookup::Miss if started && escape => Vec::new(),
        Lookup::Miss => {
            state.shared.notice = Some(format!("{} does nothing here (? lists the keys)", format_keys(&keys)));
            Vec::new()
        }
    }
}

/// The mouse: what was drawn where decides.
pub(super) fn mouse(state: &mut State, event: MouseEvent) -> Vec<Effect> {
    let target = state.shared.regions.at(event.column, event.row).cloned();
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            state.shared.notice = None;
            click(state, target)
        }
        MouseEventKind::ScrollDown => wheel(state, event, Motion::Down),
        MouseEventKind::ScrollUp => wheel(state, event, Motion::Up),
        MouseEventKind::ScrollLeft => wheel(state, event, Motion::Left),
        MouseEventKind::ScrollRight => wheel(state, event, Motion::Right),
        MouseEventKind::Down(_) | MouseEventKind::Up(_) | MouseEventKind::Drag(_) | MouseEventKind::Moved => Vec::new(),
    }
}

fn click(state: &mut State, target: Option<Target>) -> Vec<Effect> {
    match target {
        Some(Target::OverlayRow(index)) => overlay(state, |top| top.click(index)),
        Some(Target::Action(action)) if state.shared.overlays.is_empty() => update(state, action),
        Some(Target::Pane(pane)) => update(state, Action::Global(Global::Focus(pane))),
        Some(Target::Row { pane, index }) => point(state, pane, Spot::Row(index)),
        Some(Target::Header { pane, column }) => point(state, pane, Spot::Header(column)),
        Some(Target::Action(_) | Target::Overlay) | None => Vec::new(),
    }
}

/// Selects what was clicked; clicking the chosen row of the focused pane again goes in.
fn point(state: &mut State, pane: crate::screen::PaneId, spot: Spot) -> Vec<Effect> {
    let again = state.shared.clicked == Some((pane, spot)) && state.focus() == pane;
    state.shared.clicked = Some((pane, spot));
    let mut effects = update(state, Action::Global(Global::Focus(pane)));
    if again && matches!(spot, Spot::Row(_)) {
        effects.extend(update(state, Action::Global(Global::Do(Verb::Enter))));
        return effects;
    }
    let screen = state.shared.screen;
    effects.extend(with_screens(state, |screens, cx| {
        if let Answer::Nothing(reason) = screens.get_mut(screen).point(pane, spot, cx) {
            cx.shared.notice = Some(reason);
        }
    }));
    effects
}

/// Rows the wheel moves.
const WHEEL: usize = 3;

fn wheel(state: &mut State, event: MouseEvent, motion: Motion) -> Vec<Effect> {
    if !state.shared.overlays.is_empty() {
        let name = if motion == Motion::Up { "up" } else { "down" };
        let key = parse_keys(name).ok().and_then(|keys| keys.first().copied());
        return key.map_or_else(Vec::new, |key| overlay(state, |top| top.key(key)));
    }
    let Some(pane) = state.shared.regions.pane_at(event.column, event.row) else { return Vec::new() };
    let screen = state.shared.screen;
    with_screens(state, |screens, cx| {
        for _ in 0..WHEEL {
            screens.get_mut(screen).motion(pane, motion, cx);
        }
    })
}
