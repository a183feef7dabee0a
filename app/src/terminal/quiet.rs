//! A backend that writes nothing where nothing changed, and everything where it cannot be told what a change leaves behind.
//!
//! Ratatui resets colors and hides the cursor with every frame, also an empty one; a workbench that nobody touches should leave its
//! terminal alone.
//!
//! Terminals disagree about the width of some clusters ([`is_disputed`]): what is written behind one lands in another column than it
//! was meant for, and stays there when the row changes. A row that has or had such a cluster is written whole whenever one of its
//! cells changes: the clusters over blanks, and what stands beside them at columns that are set anew.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::{self, Write};

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType as Part, DisableLineWrap, EnableLineWrap};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use stratigraph_widgets::width::is_disputed;

use super::shown::{Placed, Shown, blank, columns};

/// What the terminal's cursor was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Unknown,
    Hidden,
    /// Shown, where it is.
    At(Position),
    /// Shown, and moved by what was drawn.
    Moved,
}

/// Draws through crossterm what changed.
#[derive(Debug)]
pub struct Quiet<W: Write> {
    terminal: CrosstermBackend<W>,
    cursor: Cursor,
    shown: Shown,
    /// Columns of the terminal, as it said last; none before it was asked.
    columns: std::cell::Cell<Option<u16>>,
}

impl<W: Write> Quiet<W> {
    /// Draws on a terminal of which nothing is known.
    pub fn new(terminal: W) -> Self {
        let terminal = CrosstermBackend::new(terminal);
        Self { terminal, cursor: Cursor::Unknown, shown: Shown::default(), columns: std::cell::Cell::new(None) }
    }

    /// What the terminal was told does not hold any more.
    fn forget(&mut self) {
        self.cursor = Cursor::Unknown;
    }

    /// Writes a row whole: disputed clusters over blanks, of which they may leave some; then everything else at its own columns, over
    /// what the clusters may have taken of them. None may go on in the next row.
    fn draw_row(&mut self, y: u16) -> io::Result<()> {
        let cells = self.shown.row(y);
        let (disputed, others): (Vec<_>, Vec<_>) = cells.iter().partition(|(_, cell)| is_disputed(cell.symbol()));
        queue!(self.terminal, DisableLineWrap)?;
        for (x, cell) in &disputed {
            let blank = blank(cell);
            self.terminal.draw((*x..end_of(*x, cell)).map(|x| (x, y, &blank)))?;
        }
        // Each draw sets the cursor anew.
        for (x, cell) in &disputed {
            self.terminal.draw(std::iter::once((*x, y, cell)))?;
        }
        self.terminal.draw(others.into_iter().map(|(x, cell)| (*x, y, cell)))?;
        self.clear_rest(&cells, y)?;
        queue!(self.terminal, EnableLineWrap)
    }

    /// Clears what clusters may have written behind the last cell.
    fn clear_rest(&mut self, cells: &[(u16, Cell)], y: u16) -> io::Result<()> {
        let end = cells.last().map_or(0, |(x, cell)| end_of(*x, cell));
        if self.columns.get().is_some_and(|columns| end < columns) {
            queue!(self.terminal, MoveTo(end, y), Clear(Part::UntilNewLine))?;
        }
        Ok(())
    }
}

/// The column behind a cell.
fn end_of(x: u16, cell: &Cell) -> u16 {
    x.saturating_add(u16::try_from(columns(cell)).unwrap_or(u16::MAX))
}

impl<W: Write> Backend for Quiet<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut changed: Vec<Placed<'a>> = content.collect();
        if changed.is_empty() {
            return Ok(());
        }
        if let Cursor::At(_) = self.cursor {
            self.cursor = Cursor::Moved;
        }
        let mut whole = BTreeSet::new();
        for (x, y, cell) in &changed {
            if self.shown.has_disputed(*y) || is_disputed(cell.symbol()) {
                whole.insert(*y);
            }
            self.shown.put((*x, *y, cell));
        }
        changed.retain(|(_, y, _)| !whole.contains(y));
        if !changed.is_empty() {
            self.terminal.draw(changed.into_iter())?;
        }
        whole.into_iter().try_for_each(|y| self.draw_row(y))
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor == Cursor::Hidden {
            return Ok(());
        }
        self.cursor = Cursor::Hidden;
        self.terminal.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if matches!(self.cursor, Cursor::At(_) | Cursor::Moved) {
            return Ok(());
        }
        self.cursor = Cursor::Moved;
        self.terminal.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.terminal.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        match self.cursor {
            Cursor::At(at) if at == position => return Ok(()),
            Cursor::At(_) | Cursor::Moved => self.cursor = Cursor::At(position),
            Cursor::Hidden | Cursor::Unknown => {}
        }
        self.terminal.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.forget();
        self.shown.clear();
        self.terminal.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.forget();
        if clear_type == ClearType::All {
            self.shown.clear();
        }
        self.terminal.clear_region(clear_type)
    }

    fn append_lines(&mut self, n: u16) -> io::Result<()> {
        self.forget();
        self.terminal.append_lines(n)
    }

    fn size(&self) -> io::Result<Size> {
        let size = self.terminal.size()?;
        self.columns.set(Some(size.width));
        Ok(size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.terminal.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.terminal)
    }
}
