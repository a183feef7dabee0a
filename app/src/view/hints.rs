//! The bottom line: keys of the focused pane, the continuations of a started sequence, or why a key did nothing.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::action::{Availability, Run, Scope};
use crate::keymap::{Lookup, format_keys};
use crate::state::{Quitting, State};
use crate::theme::Role;
use crate::view::{Canvas, Target};

/// How long a started sequence waits before its continuations are shown.
const PATIENCE: Duration = Duration::from_millis(300);

/// Columns between two hints.
const GAP: u16 = 2;

/// Draws the line.
pub(super) fn draw(state: &State, area: Rect, canvas: &mut Canvas<'_, '_>) {
    if let Some(pieces) = continuations(state) {
        canvas.pieces(area, &pieces);
        return;
    }
    if let Some(notice) = &state.shared.notice {
        canvas.line(area, format!(" {notice}"), Role::Warning);
        return;
    }
    if state.shared.quitting == Quitting::WhenIdle {
        canvas.line(area, " quitting when the running jobs are done (ctrl-c to change)", Role::Warning);
        return;
    }
    keys(state, area, canvas);
}

fn continuations(state: &State) -> Option<Vec<(String, Role)>> {
    let shared = &state.shared;
    let pending = shared.pending.as_ref()?;
    if shared.now.elapsed.saturating_sub(pending.since) < PATIENCE {
        return None;
    }
    let Lookup::Prefix(continuations) = shared.keymap.lookup(&state.scopes(), &pending.keys) else {
        return None;
    };
    let mut pieces = vec![(format!(" {} ", format_keys(&pending.keys)), Role::Title)];
    for (keys, row) in continuations {
        pieces.push((format!(" {} ", format_keys(&keys)), Role::Key));
        pieces.push((format!("{} ", shared.registry[row].description), Role::Text));
    }
    Some(pieces)
}

/// Hints of the pane's and screen's actions that are possible now, then of the global ones.
fn keys(state: &State, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let mut rest = Rect { x: area.x + area.width.min(1), width: area.width.saturating_sub(1), ..area };
    let mut shown: Vec<(u8, usize)> = Vec::new();
    for (index, row) in state.shared.registry.iter().enumerate() {
        let near = match row.scope {
            Scope::Pane(..) => 0,
            Scope::Screen(_) => 1,
            Scope::Global => 2,
        };
        if row.hint.is_some() && state.available(row) == Availability::Ready {
            shown.push((near, index));
        }
    }
    shown.sort_unstable();
    for (_, index) in shown {
        let row = &state.shared.registry[index];
        let (Some(hint), Some(key)) = (row.hint, state.shared.keymap.key_text(index)) else { continue };
        let pieces = [(format!("{key} "), Role::Key), (hint.to_owned(), Role::Text)];
        let needed = stratigraph_widgets::width::width(&format!("{key} {hint}"));
        if needed > usize::from(rest.width) {
            continue;
        }
        let used = canvas.pieces(rest, &pieces);
        if let Run::Plain(action) = &row.run {
            canvas.hit(Rect { width: used, ..rest }, Target::Action(action.clone()));
        }
        let step = used.saturating_add(GAP).min(rest.width);
        rest = Rect { x: rest.x + step, width: rest.width - step, ..rest };
    }
}
