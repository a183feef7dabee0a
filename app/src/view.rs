//! Draws the state. `view` reads and never changes it; besides the picture it returns what was drawn where.

mod canvas;
pub(crate) mod cell;
mod hints;
mod region;
mod strip;
#[cfg(test)]
mod tests;
mod text;
mod title;

pub use canvas::Canvas;
pub use region::{Region, Regions, Target};
pub(crate) use strip::{job_row, spin};
pub use text::{age, clock_text, duration_text, grouped, moment};

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::overlay;
use crate::state::{Arrangement, SizeClass, State, arrange};
use crate::theme::Role;

/// Draws everything and returns the hit regions.
pub fn view(state: &State, frame: &mut Frame<'_>) -> Regions {
    let area = frame.area();
    let mut canvas = Canvas::new(frame, &state.shared);
    let class = SizeClass::of(area.width, area.height);
    if class == SizeClass::Line {
        let name = state.shared.graph_info().map_or("stratigraph", |info| info.name.as_str());
        let text = format!("{name} {}", state.shared.screen.title());
        canvas.line(area, text, Role::Text);
        return canvas.into_regions();
    }
    let parts = Parts::of(state, class, area);
    title::draw(state, class, parts.header, &mut canvas);
    let screen = state.screen();
    let panes = arrangement(state, class, parts.body);
    screen.view(&state.shared, &panes, &mut canvas);
    strip::draw(state, parts.strip, &mut canvas);
    hints::draw(state, parts.hints, &mut canvas);
    overlay::draw(state, area, &mut canvas);
    strip::toasts(state, parts.body, &mut canvas);
    canvas.into_regions()
}

/// The panes of the screen on view, placed in `body`.
fn arrangement(state: &State, class: SizeClass, body: Rect) -> Arrangement {
    let frame = state.shared.frame(state.shared.screen);
    arrange(class, body, &state.screen().panes(), state.focus(), frame)
}

/// The horizontal bands of the frame.
struct Parts {
    header: Rect,
    body: Rect,
    strip: Rect,
    hints: Rect,
}

impl Parts {
    fn of(state: &State, class: SizeClass, area: Rect) -> Self {
        let header = if class == SizeClass::Single { 1 } else { 2 };
        let strip = u16::try_from(strip::lines(state, class)).unwrap_or(0);
        let body = area.height.saturating_sub(header + strip + 1);
        let band = |y: u16, height: u16| Rect { y: area.y + y, height, ..area }.intersection(area);
        Self {
            header: band(0, header),
            body: band(header, body),
            strip: band(header + body, strip),
            hints: band(header + body + strip, 1),
        }
    }
}
