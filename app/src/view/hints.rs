//! The bottom line: keys of the focused pane, the continuations of a started sequence, or why a key did nothing.

use std::time::Duration;

use ratatui::layout::Rect;
use stratigraph_widgets::width::width;

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
    if let Some(started) = started(state) {
        draw_started(&started, area, canvas);
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

/// A sequence of keys that was started: what was pressed, and each way on with what it does.
struct Started {
    pressed: String,
    ways_on: Vec<(String, &'static str)>,
}

fn started(state: &State) -> Option<Started> {
    let shared = &state.shared;
    let pending = shared.pending.as_ref()?;
    if shared.now.elapsed.saturating_sub(pending.since) < PATIENCE {
        return None;
    }
    let Lookup::Prefix(continuations) = shared.keymap.lookup(&state.scopes(), &pending.keys) else {
        return None;
    };
    let told = continuations.iter().map(|(keys, row)| (format_keys(keys), shared.registry[*row].description));
    let ways_on = told.collect();
    Some(Started { pressed: format_keys(&pending.keys), ways_on })
}

/// Draws the ways on: on the line if they fit, else one below the other above it.
fn draw_started(started: &Started, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let title = (format!(" {} ", started.pressed), Role::Title);
    let way_on =
        |(keys, what): &(String, &'static str)| [(format!(" {keys} "), Role::Key), (format!("{what} "), Role::Text)];
    let mut pieces = vec![title.clone()];
    pieces.extend(started.ways_on.iter().flat_map(way_on));
    if pieces.iter().map(|(text, _)| width(text)).sum::<usize>() <= usize::from(area.width) {
        canvas.pieces(area, &pieces);
        return;
    }
    canvas.pieces(area, &[title]);
    let longest = started.ways_on.iter().flat_map(way_on).collect::<Vec<_>>();
    let longest = longest.chunks(2).map(|pair| width(&pair[0].0) + width(&pair[1].0)).max().unwrap_or(0);
    let wide = u16::try_from(longest + 2).unwrap_or(u16::MAX).min(area.width);
    let high = u16::try_from(started.ways_on.len() + 2).unwrap_or(u16::MAX).min(area.y);
    let inner = canvas.boxed(Rect { y: area.y - high, width: wide, height: high, ..area }, &started.pressed);
    for (way, y) in started.ways_on.iter().zip(inner.y..inner.bottom()) {
        canvas.pieces(Rect { y, height: 1, ..inner }, &way_on(way));
    }
}

/// The hint that stays when there is no room for all: it leads to the others.
const LAST: &str = "app.help";

/// A hint: the index of its action, its key and its word.
struct Hint {
    row: usize,
    key: String,
    word: &'static str,
}

impl Hint {
    /// Columns it takes with the gap behind it.
    fn columns(&self) -> u16 {
        let columns = width(&format!("{} {}", self.key, self.word));
        u16::try_from(columns).unwrap_or(u16::MAX).saturating_add(GAP)
    }
}

/// Hints of the pane's and screen's actions that are possible now, then of the global ones. What finds no room is left out, with
/// a sign that says so; the help stays.
fn keys(state: &State, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let mut rest = Rect { x: area.x + area.width.min(1), width: area.width.saturating_sub(1), ..area };
    let (last, others): (Vec<Hint>, Vec<Hint>) =
        possible(state).into_iter().partition(|hint| state.shared.registry[hint.row].name == LAST);
    let columns = |hints: &[Hint]| hints.iter().map(Hint::columns).fold(0, u16::saturating_add);
    let room = rest.width.saturating_add(GAP).saturating_sub(columns(&last));
    if columns(&others) <= room {
        for hint in others.iter().chain(&last) {
            rest = draw_hint(state, hint, rest, canvas);
        }
        return;
    }
    let sign = canvas.theme().symbols().ellipsis;
    let mut room = room.saturating_sub(u16::try_from(width(sign)).unwrap_or(0).saturating_add(GAP));
    for hint in &others {
        if let Some(left) = room.checked_sub(hint.columns()) {
            room = left;
            rest = draw_hint(state, hint, rest, canvas);
        }
    }
    let used = canvas.pieces(rest, &[(format!("{sign}  "), Role::Dim)]);
    rest = Rect { x: rest.x + used, width: rest.width - used, ..rest };
    for hint in &last {
        rest = draw_hint(state, hint, rest, canvas);
    }
}

/// Draws a hint and returns what is left of the line.
fn draw_hint(state: &State, hint: &Hint, rest: Rect, canvas: &mut Canvas<'_, '_>) -> Rect {
    let pieces = [(format!("{} ", hint.key), Role::Key), (hint.word.to_owned(), Role::Text)];
    let used = canvas.pieces(rest, &pieces);
    if let Run::Plain(action) = &state.shared.registry[hint.row].run {
        canvas.hit(Rect { width: used, ..rest }, Target::Action(action.clone()));
    }
    let step = used.saturating_add(GAP).min(rest.width);
    Rect { x: rest.x + step, width: rest.width - step, ..rest }
}

/// The hints of what can be done now, the nearest first.
fn possible(state: &State) -> Vec<Hint> {
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
    let hint = |(_, row): (u8, usize)| {
        let (key, word) = (state.shared.keymap.key_text(row)?, state.shared.registry[row].hint?);
        Some(Hint { row, key, word })
    };
    shown.into_iter().filter_map(hint).collect()
}
