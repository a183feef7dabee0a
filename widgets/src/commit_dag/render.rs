//! Fitting a graph row into the columns it is given, with styles.
//!
//! The graph column has a constant width while its [`Viewport`] stays the same, so the text beside it starts at a constant
//! column. Lanes that do not fit are announced in a gutter (`+7`) at the right end of the column.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::cells::{Cell, Emphasis, GraphRow};

/// Columns of the gutter that counts hidden lanes: a sign and up to three digits.
pub const GUTTER_WIDTH: usize = 4;

/// Largest number of hidden lanes that the gutter has room for.
const MOST_COUNTED: usize = 999;

/// Which lanes are on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewport {
    /// First lane shown.
    pub first_lane: usize,
    /// Number of lanes shown.
    pub lanes: usize,
    /// Whether the gutter is there.
    pub gutter: bool,
}

impl Viewport {
    /// Fits up to `needed` lanes into a third of `pane_width` columns, but at least four, starting with lane `first_lane`.
    #[must_use]
    pub fn fit(needed: usize, first_lane: usize, pane_width: u16) -> Self {
        let budget = (usize::from(pane_width) / 3 / 2).max(4);
        let first_lane = first_lane.min(needed.saturating_sub(budget));
        Self { first_lane, lanes: needed.min(budget).max(1), gutter: needed > budget }
    }

    /// Shows `lanes` lanes from the left and no gutter.
    #[must_use]
    pub fn whole(lanes: usize) -> Self {
        Self { first_lane: 0, lanes: lanes.max(1), gutter: false }
    }

    /// Returns the width in columns: two per lane without the last gap, and the gutter.
    #[must_use]
    pub fn width(&self) -> usize {
        (self.lanes * 2).saturating_sub(1) + if self.gutter { GUTTER_WIDTH } else { 0 }
    }
}

/// How the graph looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GraphStyle {
    /// Styles by palette index, taken round and round; empty without color.
    pub palette: Vec<Style>,
    /// Style of what has no palette index.
    pub base: Style,
    /// Added to the highlighted ancestry.
    pub strong: Style,
    /// Added to what is not in the highlighted ancestry.
    pub dim: Style,
    /// Style of the count of hidden lanes.
    pub gutter: Style,
}

impl GraphStyle {
    /// Returns a style that uses no color: bold for the ancestry, dim for the rest.
    #[must_use]
    pub fn no_color() -> Self {
        Self {
            strong: Style::new().add_modifier(Modifier::BOLD),
            dim: Style::new().add_modifier(Modifier::DIM),
            gutter: Style::new().add_modifier(Modifier::BOLD),
            ..Self::default()
        }
    }

    fn of(&self, cell: &Cell) -> Style {
        let color = cell.color.filter(|_| !self.palette.is_empty());
        let style = color.map_or(self.base, |index| self.palette[usize::from(index) % self.palette.len()]);
        match cell.emphasis {
            Emphasis::Dim => style.patch(self.dim),
            Emphasis::Normal => style,
            Emphasis::Strong => style.patch(self.strong),
        }
    }
}

impl GraphRow {
    /// Returns the number of lanes in use that the viewport does not show.
    #[must_use]
    pub fn hidden_lanes(&self, viewport: Viewport) -> usize {
        let shown = viewport.first_lane..viewport.first_lane + viewport.lanes;
        (0..self.lanes()).filter(|lane| !shown.contains(lane) && self.uses(*lane)).count()
    }

    /// Returns the row as styled text of exactly [`Viewport::width`] columns.
    ///
    /// The gutter is reversed when the row's own commit is not among the lanes shown.
    #[must_use]
    pub fn to_line(&self, viewport: Viewport, style: &GraphStyle) -> Line<'static> {
        let mut spans: Vec<Span<'static>> = Vec::new();
        let first = viewport.first_lane * 2;
        for at in first..first + (viewport.lanes * 2).saturating_sub(1) {
            let cell = self.cells.get(at).copied().unwrap_or(Cell::EMPTY);
            let cell_style = if cell.glyph == ' ' { style.base } else { style.of(&cell) };
            match spans.last_mut() {
                Some(span) if span.style == cell_style => span.content.to_mut().push(cell.glyph),
                _ => spans.push(Span::styled(cell.glyph.to_string(), cell_style)),
            }
        }
        if viewport.gutter {
            spans.push(self.gutter(viewport, style));
        }
        Line::from(spans)
    }

    fn gutter(&self, viewport: Viewport, style: &GraphStyle) -> Span<'static> {
        let hidden = self.hidden_lanes(viewport);
        if hidden == 0 {
            return Span::styled(" ".repeat(GUTTER_WIDTH), style.base);
        }
        let shown = viewport.first_lane..viewport.first_lane + viewport.lanes;
        let looks =
            if shown.contains(&self.lane) { style.gutter } else { style.gutter.add_modifier(Modifier::REVERSED) };
        let count = if hidden > MOST_COUNTED { format!(">{MOST_COUNTED}") } else { format!("+{hidden}") };
        Span::styled(format!("{count:<GUTTER_WIDTH$}"), looks)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::RowItem;
    use super::*;

    fn row(text: &str, lane: usize) -> GraphRow {
        let cell = |glyph| Cell { glyph, ..Cell::EMPTY };
        GraphRow { item: RowItem::Commit(0), lane, cells: text.chars().map(cell).collect() }
    }

    fn text(row: &GraphRow, viewport: Viewport) -> String {
        row.to_line(viewport, &GraphStyle::no_color()).to_string()
    }

    #[test]
    fn the_column_has_a_constant_width() {
        let viewport = Viewport::fit(6, 0, 10);
        assert_eq!(viewport, Viewport { first_lane: 0, lanes: 4, gutter: true });
        assert_eq!(text(&row("●", 0), viewport), "●          ");
        assert_eq!(text(&row("│ │ │ │ │ ●", 5), viewport), "│ │ │ │+2  ");
        assert_eq!(viewport.width(), 11);
    }

    #[test]
    fn scrolling_sideways_counts_both_sides() {
        let viewport = Viewport { first_lane: 2, lanes: 2, gutter: true };
        assert_eq!(text(&row("●   │ │ │", 0), viewport), "│ │+2  ");
        let line = row("●   │ │ │", 0).to_line(viewport, &GraphStyle::no_color());
        assert!(line.spans.last().is_some_and(|gutter| gutter.style.add_modifier.contains(Modifier::REVERSED)));
    }

    #[test]
    fn more_lanes_than_the_gutter_has_digits_for_are_said_to_be_more() {
        for (lanes, gutter) in [(1003, "+999"), (1004, ">999"), (3000, ">999")] {
            let line = vec!["│"; lanes].join(" ");
            assert_eq!(text(&row(&line, 0), Viewport::fit(lanes, 0, 24)), format!("│ │ │ │{gutter}"));
        }
    }

    #[test]
    fn what_fits_has_no_gutter() {
        assert_eq!(Viewport::fit(0, 9, 0), Viewport { first_lane: 0, lanes: 1, gutter: false });
        assert_eq!(text(&row("● │", 0), Viewport::fit(2, 0, 80)), "● │");
    }
}
