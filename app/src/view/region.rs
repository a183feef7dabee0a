//! What was drawn where: the mouse and page-wise motions look it up.

use ratatui::layout::{Position, Rect};

use crate::action::Action;
use crate::screen::PaneId;

/// What a click on a region means.
#[expect(clippy::large_enum_variant, reason = "there are as many as places that can be clicked")]
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The content of a pane (without border).
    Pane(PaneId),
    /// A row of a pane.
    Row {
        /// The pane.
        pane: PaneId,
        /// Index of the row among all rows of the pane.
        index: usize,
    },
    /// A column header of a pane.
    Header {
        /// The pane.
        pane: PaneId,
        /// Index of the column.
        column: usize,
    },
    /// Something that performs an action: a screen's title, a key hint.
    Action(Action),
    /// The area of the overlay on top.
    Overlay,
    /// A row of the overlay on top.
    OverlayRow(usize),
}

/// An area with its meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// The area.
    pub area: Rect,
    /// Its meaning.
    pub target: Target,
}

/// All regions of a picture in drawing order; later ones lie on top.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Regions {
    list: Vec<Region>,
}

impl Regions {
    /// Adds a region on top of the others; an empty one is left out.
    pub fn push(&mut self, area: Rect, target: Target) {
        if area.area() > 0 {
            self.list.push(Region { area, target });
        }
    }

    /// The content area of a pane, if it was drawn.
    #[must_use]
    pub fn pane(&self, pane: PaneId) -> Option<Rect> {
        let region = self.list.iter().find(|region| region.target == Target::Pane(pane));
        region.map(|region| region.area)
    }

    /// What lies at a cell.
    #[must_use]
    pub fn at(&self, column: u16, row: u16) -> Option<&Target> {
        let cell = Position { x: column, y: row };
        let region = self.list.iter().rev().find(|region| region.area.contains(cell));
        region.map(|region| &region.target)
    }

    /// The pane at a cell.
    #[must_use]
    pub fn pane_at(&self, column: u16, row: u16) -> Option<PaneId> {
        match self.at(column, row)? {
            Target::Pane(pane) | Target::Row { pane, .. } | Target::Header { pane, .. } => Some(*pane),
            Target::Action(_) | Target::Overlay | Target::OverlayRow(_) => None,
        }
    }

    /// All regions in drawing order.
    #[must_use]
    pub fn list(&self) -> &[Region] {
        &self.list
    }
}
