//! The title line (graph, mode, screens) and the position line (what every pane reads from).

use ratatui::layout::Rect;
use stratigraph_widgets::width::width;

use crate::action::{Action, Global};
use crate::screen::ScreenId;
use crate::state::{GraphState, SizeClass, State};
use crate::theme::Role;
use crate::view::{Canvas, Target};
use crate::writing::Mode;

/// Draws both lines, or the first one alone on a small terminal.
pub(super) fn draw(state: &State, class: SizeClass, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let first = Rect { height: area.height.min(1), ..area };
    if class == SizeClass::Single {
        draw_small(state, first, canvas);
        return;
    }
    draw_title(state, first, canvas);
    let second = Rect { y: area.y + first.height, height: area.height - first.height, ..area };
    let (text, role) = position(state);
    if role == Role::Past {
        let style = canvas.style(Role::Past);
        canvas.buffer().set_style(second, style);
    }
    canvas.line(second, format!(" {text}"), role);
}

fn draw_title(state: &State, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let mut pieces = vec![(format!(" {} ", name(state)), Role::Title)];
    pieces.push((format!("({}) ", state.shared.uri), Role::Dim));
    let mode = state.shared.writing.mode;
    let role = match mode {
        Mode::ReadOnly => Role::Text,
        Mode::Write => Role::Warning,
    };
    pieces.push((format!(" {} ", mode.title()), role));
    let wide = |pieces: &[(String, Role)]| pieces.iter().map(|(text, _)| width(text)).sum::<usize>();
    let screens: usize = ScreenId::ALL.iter().map(|id| width(&tab(state, *id)) + 1).sum();
    // The location goes first, then the usual mode, then the end of the name. The screens stay, with what is pending there, and
    // so does the mode in which things are written.
    if area.width < 85 || wide(&pieces) + screens > usize::from(area.width) {
        pieces.remove(1);
    }
    if wide(&pieces) + screens > usize::from(area.width) {
        match mode {
            Mode::ReadOnly => pieces.truncate(1),
            Mode::Write => pieces.rotate_left(1),
        }
    }
    let room = area.width.saturating_sub(u16::try_from(screens).unwrap_or(u16::MAX)).max(area.width / 8);
    let used = canvas.pieces(Rect { width: room, ..area }, &pieces);
    let mut rest = Rect { x: area.x + used, width: area.width - used, ..area };
    for id in ScreenId::ALL {
        let text = format!(" {}", tab(state, id));
        let role = if id == state.shared.screen { Role::Title } else { Role::Text };
        let used = canvas.pieces(rest, &[(text, role)]);
        let target = Target::Action(Action::Global(Global::Show(id)));
        canvas.hit(Rect { width: used, ..rest }, target);
        rest = Rect { x: rest.x + used, width: rest.width - used, ..rest };
    }
}

fn draw_small(state: &State, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let (text, role) = position(state);
    let mut pieces = vec![(format!("{} ", state.shared.screen.title()), Role::Title)];
    pieces.extend(interrupted(state).map(|text| (format!("{text} "), Role::Warning)));
    let used = canvas.pieces(area, &pieces);
    let rest = Rect { x: area.x + used, width: area.width - used, ..area };
    canvas.line(rest, text, role);
}

/// What is said of interrupted writes where the screens are not listed, if there are any.
fn interrupted(state: &State) -> Option<String> {
    state.shared.interrupted.as_ref().filter(|ids| !ids.is_empty()).map(|ids| format!("{} interrupted", ids.len()))
}

/// `1 History`, in brackets if on view, with what is pending there.
fn tab(state: &State, id: ScreenId) -> String {
    let badge = state.screens.get(id).badge(&state.shared).unwrap_or_default();
    if id == state.shared.screen {
        format!("[{} {}{badge}]", id.digit(), id.title())
    } else {
        format!("{} {}{badge}", id.digit(), id.title())
    }
}

fn name(state: &State) -> &str {
    let uri = state.shared.uri.trim_end_matches('/');
    let last = uri.rsplit('/').next().unwrap_or(uri);
    state.shared.graph_info().map_or(last, |info| info.name.as_str())
}

fn position(state: &State) -> (String, Role) {
    let shared = &state.shared;
    let dot = shared.theme.dot();
    let (mut text, role) = match &shared.graph {
        GraphState::Opening => (format!("opening {}", shared.uri), Role::Dim),
        GraphState::Failed(failure) => (failure.sentence(), Role::Error),
        GraphState::Open(info) => match state.screen().place(shared) {
            Some(place) if place.is_head => (place.text, Role::Text),
            Some(place) => (place.text, Role::Past),
            None => (format!("{}{dot}internal schema {}", info.uri, info.stamp), Role::Text),
        },
    };
    if shared.paused {
        text = format!("live updates paused (p){dot}{text}");
    }
    (text, role)
}
