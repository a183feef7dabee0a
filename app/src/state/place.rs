//! Where the panes go: size classes and arrangements. Pure geometry.

use ratatui::layout::Rect;

use crate::screen::{PaneId, PaneSpec, Side};
use crate::state::Frame;

/// How much fits on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SizeClass {
    /// Below 20×5: one line of text.
    Line,
    /// Narrower than 60 or lower than 16: one pane at a time.
    Single,
    /// 60–84 columns: panes one above the other.
    Stacked,
    /// 85–119 columns: list and details, side by side or (`v`) below.
    Medium,
    /// 120 columns and more: side by side.
    Wide,
}

impl SizeClass {
    /// The class of a terminal of this size.
    #[must_use]
    pub fn of(columns: u16, rows: u16) -> Self {
        match (columns, rows) {
            (..20, _) | (_, ..5) => Self::Line,
            (..60, _) | (_, ..16) => Self::Single,
            (..85, _) => Self::Stacked,
            (..120, _) => Self::Medium,
            _ => Self::Wide,
        }
    }

    /// Whether the two sides of a screen stand beside each other.
    #[must_use]
    pub fn beside(self, turned: bool) -> bool {
        match self {
            Self::Line | Self::Single => false,
            Self::Stacked => turned,
            Self::Medium | Self::Wide => !turned,
        }
    }
}

/// A pane and its area, border included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaneRect {
    /// The pane.
    pub id: PaneId,
    /// Its area.
    pub area: Rect,
}

/// The panes on view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrangement {
    /// Size class of the terminal.
    pub class: SizeClass,
    /// The pane that has the focus.
    pub focus: PaneId,
    /// Panes with their areas, in tab order. Panes that do not fit now are absent.
    pub panes: Vec<PaneRect>,
}

impl Arrangement {
    /// The area of a pane, if it is on view.
    #[must_use]
    pub fn area(&self, pane: PaneId) -> Option<Rect> {
        self.panes.iter().find(|place| place.id == pane).map(|place| place.area)
    }
}

/// Places `panes` in `body`.
///
/// All panes of a side stand one above the other in shares of their weights; the two sides are split at `frame.split`
/// percent. One pane at a time (small terminal, or zoomed) shows the focused one only.
#[must_use]
pub fn arrange(class: SizeClass, body: Rect, panes: &[PaneSpec], focus: PaneId, frame: Frame) -> Arrangement {
    if frame.zoomed || class <= SizeClass::Single {
        let one = panes.iter().find(|pane| pane.id == focus).or(panes.first());
        let panes = one.map(|pane| PaneRect { id: pane.id, area: body }).into_iter().collect();
        return Arrangement { class, focus, panes };
    }
    let (main, detail): (Vec<_>, Vec<_>) = panes.iter().partition(|pane| pane.side == Side::Main);
    let beside = class.beside(frame.turned);
    let (first, second) = match (main.is_empty(), detail.is_empty()) {
        (false, false) => split(body, beside, frame.split),
        _ => (body, body),
    };
    let mut placed = stack(first, &main);
    placed.extend(stack(second, &detail));
    placed.sort_by_key(|place| panes.iter().position(|pane| pane.id == place.id));
    Arrangement { class, focus, panes: placed }
}

fn split(body: Rect, beside: bool, percent: u16) -> (Rect, Rect) {
    let length = if beside { body.width } else { body.height };
    let first = share(length, u32::from(percent), 100);
    if beside {
        let left = Rect { width: first, ..body };
        (left, Rect { x: body.x + first, width: body.width - first, ..body })
    } else {
        let top = Rect { height: first, ..body };
        (top, Rect { y: body.y + first, height: body.height - first, ..body })
    }
}

fn stack(area: Rect, panes: &[&PaneSpec]) -> Vec<PaneRect> {
    let total: u32 = panes.iter().map(|pane| u32::from(pane.weight)).sum();
    let mut sum = 0;
    let mut top = 0;
    let mut placed = Vec::with_capacity(panes.len());
    for pane in panes {
        sum += u32::from(pane.weight);
        let bottom = share(area.height, sum, total);
        placed.push(PaneRect { id: pane.id, area: Rect { y: area.y + top, height: bottom - top, ..area } });
        top = bottom;
    }
    placed
}

/// `length * part / whole`, rounded to the nearest; never more than `length`.
fn share(length: u16, part: u32, whole: u32) -> u16 {
    let whole = whole.max(1);
    let cells = (u32::from(length) * part.min(whole) + whole / 2) / whole;
    u16::try_from(cells).unwrap_or(length).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: PaneId = PaneId("list");
    const TOP: PaneId = PaneId("top");
    const LOW: PaneId = PaneId("low");

    fn specs() -> Vec<PaneSpec> {
        vec![PaneSpec::main(LIST), PaneSpec::detail(TOP), PaneSpec::detail(LOW).weight(3)]
    }

    fn frame() -> Frame {
        Frame { focus: LIST, zoomed: false, turned: false, split: 40 }
    }

    #[test]
    fn sizes_fall_into_their_classes() {
        let cases = [
            (1, 1, SizeClass::Line),
            (300, 4, SizeClass::Line),
            (19, 40, SizeClass::Line),
            (20, 5, SizeClass::Single),
            (59, 40, SizeClass::Single),
            (200, 15, SizeClass::Single),
            (60, 16, SizeClass::Stacked),
            (84, 24, SizeClass::Stacked),
            (85, 24, SizeClass::Medium),
            (119, 24, SizeClass::Medium),
            (120, 30, SizeClass::Wide),
        ];
        for (columns, rows, class) in cases {
            assert_eq!(SizeClass::of(columns, rows), class, "{columns}x{rows}");
        }
    }

    #[test]
    fn wide_places_sides_beside_each_other_and_shares_by_weight() {
        let placed = arrange(SizeClass::Wide, Rect::new(0, 2, 100, 20), &specs(), LIST, frame());
        assert_eq!(placed.area(LIST), Some(Rect::new(0, 2, 40, 20)));
        assert_eq!(placed.area(TOP), Some(Rect::new(40, 2, 60, 5)));
        assert_eq!(placed.area(LOW), Some(Rect::new(40, 7, 60, 15)));
    }

    #[test]
    fn turning_stacks_and_zoom_or_a_small_terminal_shows_one() {
        let turned = Frame { turned: true, ..frame() };
        let placed = arrange(SizeClass::Medium, Rect::new(0, 2, 100, 20), &specs(), LIST, turned);
        assert_eq!(placed.area(LIST), Some(Rect::new(0, 2, 100, 8)));
        for (class, zoomed) in [(SizeClass::Wide, true), (SizeClass::Single, false)] {
            let placed = arrange(class, Rect::new(0, 1, 50, 10), &specs(), LOW, Frame { zoomed, ..frame() });
            assert_eq!(placed.panes, [PaneRect { id: LOW, area: Rect::new(0, 1, 50, 10) }]);
        }
    }

    #[test]
    fn nothing_fits_is_no_panic() {
        for class in [SizeClass::Single, SizeClass::Stacked, SizeClass::Wide] {
            let placed = arrange(class, Rect::new(0, 0, 0, 0), &specs(), LIST, frame());
            assert!(placed.panes.iter().all(|place| place.area.area() == 0));
        }
    }
}
