//! Drawing of a table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::StatefulWidget;

use super::cell::CellText;
use super::layout::{Column, Slot, Sort, TableLayout};
use super::state::TableState;
use crate::symbol::Symbols;
use crate::width::{self, Align};

/// Columns left of the first column: cursor and mark.
pub const GUTTER_WIDTH: u16 = 2;

/// How a table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableStyle {
    /// Style under everything.
    pub base: Style,
    /// Titles.
    pub header: Style,
    /// Selected row.
    pub selected: Style,
    /// Selected cell, over the row.
    pub cell: Style,
    /// Changed values.
    pub changed: Style,
    /// Null, empty, missing, not loaded.
    pub nothing: Style,
    /// Rows that were inserted.
    pub inserted: Style,
    /// Rows that were deleted.
    pub deleted: Style,
}

impl TableStyle {
    /// Returns a style without colors: reversed selection, bold changes.
    #[must_use]
    pub fn no_color() -> Self {
        let plain = Style::new();
        Self {
            base: plain,
            header: plain.add_modifier(Modifier::BOLD),
            selected: plain.add_modifier(Modifier::REVERSED),
            cell: plain.add_modifier(Modifier::UNDERLINED),
            changed: plain.add_modifier(Modifier::BOLD),
            nothing: plain.add_modifier(Modifier::DIM),
            inserted: plain,
            deleted: plain,
        }
    }
}

/// What the sign beside the cursor says about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum RowMark {
    /// Nothing.
    #[default]
    None,
    /// The user marked the row.
    Marked,
    /// The row was inserted.
    Inserted,
    /// The row was updated; in a diff, the row as it was.
    Updated,
    /// The row as it is after the update, below the row as it was.
    After,
    /// The row was deleted.
    Deleted,
}

impl RowMark {
    fn sign(self, symbols: &Symbols) -> &'static str {
        match self {
            Self::None => " ",
            Self::Marked => symbols.mark,
            Self::Inserted => "+",
            Self::Updated => "~",
            Self::After => symbols.tie,
            Self::Deleted => "-",
        }
    }
}

/// A row as the caller gives it: one cell per column; cells that are not there are drawn as not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row<'a> {
    /// Sign in front of the row.
    pub mark: RowMark,
    /// Cells in the order of the columns.
    pub cells: &'a [CellText<'a>],
}

/// The widget: columns and the visible rows, the first of which is row [`TableState::offset`].
#[derive(Debug, Clone, Copy)]
pub struct DataTable<'a> {
    /// All columns.
    pub columns: &'a [Column<'a>],
    /// The visible rows.
    pub rows: &'a [Row<'a>],
    /// Column the rows are sorted by.
    pub sort: Option<Sort>,
    /// Signs.
    pub symbols: &'a Symbols,
    /// Looks.
    pub style: &'a TableStyle,
}

impl StatefulWidget for &DataTable<'_> {
    type State = TableState;

    fn render(self, area: Rect, buffer: &mut Buffer, state: &mut TableState) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        buffer.set_style(area, self.style.base);
        let layout = TableLayout::new(area, self.columns, GUTTER_WIDTH, state);
        self.header(&layout, buffer);
        for (index, row) in self.rows.iter().take(layout.height()).enumerate() {
            let y = area.y + 1 + u16::try_from(index).unwrap_or(u16::MAX);
            self.row(&layout, buffer, y, row, (state.offset + index == state.row).then_some(state.column));
        }
    }
}

impl DataTable<'_> {
    fn header(&self, layout: &TableLayout, buffer: &mut Buffer) {
        let Rect { x, y, width, .. } = layout.area;
        buffer.set_style(Rect::new(x, y, width, 1), self.style.header);
        for slot in &layout.slots {
            let column = &self.columns[slot.column];
            let sign = match self.sort {
                Some(Sort::Ascending(by)) if by == slot.column => self.symbols.ascending,
                Some(Sort::Descending(by)) if by == slot.column => self.symbols.descending,
                Some(Sort::Ascending(_) | Sort::Descending(_)) | None => "",
            };
            let title = format!("{sign}{}", width::escape(column.title));
            self.put(buffer, slot, y, &title, column.align, self.style.header);
        }
        if layout.hidden_left {
            let after_sticky = layout.slots.first().map_or(x, |slot| slot.x + slot.width);
            buffer.set_stringn(
                after_sticky.min(layout.area.right() - 1),
                y,
                self.symbols.more_left,
                1,
                self.style.header,
            );
        }
        if layout.hidden_right {
            buffer.set_stringn(layout.area.right() - 1, y, self.symbols.more_right, 1, self.style.header);
        }
    }

    fn row(&self, layout: &TableLayout, buffer: &mut Buffer, y: u16, row: &Row<'_>, selected: Option<usize>) {
        let area = layout.area;
        let base = match row.mark {
            RowMark::None | RowMark::Marked | RowMark::Updated | RowMark::After => self.style.base,
            RowMark::Inserted => self.style.base.patch(self.style.inserted),
            RowMark::Deleted => self.style.base.patch(self.style.deleted),
        };
        let base = if selected.is_some() { base.patch(self.style.selected) } else { base };
        buffer.set_style(Rect::new(area.x, y, area.width, 1), base);
        for slot in &layout.slots {
            let cell = row.cells.get(slot.column).copied().unwrap_or(CellText::nothing(super::CellKind::NotLoaded));
            let mut style = base;
            if cell.is_nothing() {
                style = style.patch(self.style.nothing);
            }
            if cell.changed {
                style = style.patch(self.style.changed);
            }
            if selected == Some(slot.column) {
                style = style.patch(self.style.cell);
            }
            self.put(buffer, slot, y, &cell.shown(self.symbols), cell.align(self.columns[slot.column].align), style);
        }
        let cursor = if selected.is_some() { self.symbols.cursor } else { " " };
        let signs = format!("{cursor}{}", row.mark.sign(self.symbols));
        let room = layout.slots.first().map_or(area.width, |slot| slot.x - area.x);
        // In a single column the cursor is all there is room for.
        let room = if selected.is_some() { room.max(1) } else { room };
        buffer.set_stringn(area.x, y, signs, usize::from(room), base);
    }

    fn put(&self, buffer: &mut Buffer, slot: &Slot, y: u16, text: &str, align: Align, style: Style) {
        let text = width::fit(text, usize::from(slot.width), align, self.symbols.ellipsis);
        buffer.set_stringn(slot.x, y, text, usize::from(slot.width), style);
    }
}
