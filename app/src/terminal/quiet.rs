//! A backend that writes nothing where nothing changed. Ratatui resets colours and hides the cursor with every frame, also an empty
//! one; a workbench that nobody touches should leave its terminal alone.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

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
}

impl<W: Write> Quiet<W> {
    /// Draws on a terminal of which nothing is known.
    pub fn new(terminal: W) -> Self {
        Self { terminal: CrosstermBackend::new(terminal), cursor: Cursor::Unknown }
    }

    /// What the terminal was told does not hold any more.
    fn forget(&mut self) {
        self.cursor = Cursor::Unknown;
    }
}

impl<W: Write> Backend for Quiet<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        if let Cursor::At(_) = self.cursor {
            self.cursor = Cursor::Moved;
        }
        self.terminal.draw(content)
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
        self.terminal.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.forget();
        self.terminal.clear_region(clear_type)
    }

    fn append_lines(&mut self, n: u16) -> io::Result<()> {
        self.forget();
        self.terminal.append_lines(n)
    }

    fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.terminal.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.terminal)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ratatui::layout::Rect;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use super::*;

    /// A terminal that keeps what is written to it.
    #[derive(Clone, Default)]
    struct Written(Rc<RefCell<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What frames of a text, with the cursor at a column or hidden, write one after the other.
    fn written(frames: &[(&str, Option<u16>)]) -> Vec<String> {
        let to = Written::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 10, 1)) };
        let mut terminal = Terminal::with_options(Quiet::new(to.clone()), options).unwrap();
        let draw = |(text, cursor): &(&str, Option<u16>)| {
            to.0.borrow_mut().clear();
            let frame = |frame: &mut ratatui::Frame| {
                frame.render_widget(*text, frame.area());
                if let Some(column) = cursor {
                    frame.set_cursor_position((*column, 0));
                }
            };
            terminal.draw(frame).unwrap();
            String::from_utf8(to.0.borrow().clone()).unwrap()
        };
        frames.iter().map(draw).collect()
    }

    #[test]
    fn a_frame_that_changes_nothing_writes_nothing() {
        let frames = written(&[("one", None), ("one", None), ("two", None), ("two", Some(3)), ("two", Some(3))]);
        let is_empty: Vec<bool> = frames.iter().map(String::is_empty).collect();
        assert_eq!(is_empty, [false, true, false, false, true], "{frames:?}");
        assert!(frames[2].contains("tw") && !frames[2].contains("\u{1b}[?25"), "{frames:?}");
    }

    #[test]
    fn the_cursor_is_put_back_where_drawing_moved_it_from() {
        let frames = written(&[("one", Some(3)), ("two", Some(3)), ("two", Some(1)), ("two", None), ("two", Some(1))]);
        let at = |column: u16| format!("\u{1b}[1;{}H", column + 1);
        assert!(frames[0].contains("\u{1b}[?25h") && frames[0].ends_with(&at(3)), "{frames:?}");
        assert!(frames[1].ends_with(&at(3)), "{frames:?}");
        assert_eq!(frames[2..], [at(1), "\u{1b}[?25l".to_owned(), format!("\u{1b}[?25h{}", at(1))]);
    }
}
