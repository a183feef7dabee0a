//! Where screens draw: the terminal's buffer with the theme, and a notebook of hit regions.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Clear, Widget};
use stratigraph_widgets::data_table::TableStyle;
use stratigraph_widgets::width::{truncate, width, wrap_line};

use crate::action::TermKind;
use crate::screen::PaneId;
use crate::state::{Arrangement, Shared, SizeClass};
use crate::theme::{Role, Theme};
use crate::view::region::{Regions, Target};

/// A frame to draw on.
#[derive(Debug)]
pub struct Canvas<'a, 'f> {
    frame: &'a mut Frame<'f>,
    shared: &'a Shared,
    regions: Regions,
    /// Where the terminal's cursor is.
    cursor: Option<Position>,
}

impl<'a, 'f> Canvas<'a, 'f> {
    /// A canvas over a frame.
    pub fn new(frame: &'a mut Frame<'f>, shared: &'a Shared) -> Self {
        Self { frame, shared, regions: Regions::default(), cursor: None }
    }

    /// Styles and glyphs.
    #[must_use]
    pub fn theme(&self) -> Theme {
        self.shared.theme
    }

    /// How a role looks.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.shared.theme.style(role)
    }

    /// How tables of rows look.
    #[must_use]
    pub fn table_style(&self, focused: bool) -> TableStyle {
        TableStyle {
            base: self.style(Role::Text),
            header: self.style(Role::Title),
            selected: self.style(if focused { Role::Selected } else { Role::SelectedElsewhere }),
            cell: if focused { Style::new().underlined() } else { Style::new() },
            changed: self.style(Role::Changed),
            nothing: self.style(Role::Dim),
            inserted: self.style(Role::Added),
            deleted: self.style(Role::Removed),
        }
    }

    /// The cells, for widgets and for drawing by hand.
    pub fn buffer(&mut self) -> &mut Buffer {
        self.frame.buffer_mut()
    }

    /// Draws a widget.
    pub fn render(&mut self, widget: impl Widget, area: Rect) {
        self.frame.render_widget(widget, area);
    }

    /// Makes an area clickable.
    pub fn hit(&mut self, area: Rect, target: Target) {
        self.regions.push(area, target);
    }

    /// Puts the terminal's cursor on a cell: where the focus is, also for screen readers.
    pub fn cursor(&mut self, column: u16, row: u16) {
        if self.frame.area().contains(Position { x: column, y: row }) {
            self.frame.set_cursor_position((column, row));
            self.cursor = Some(Position { x: column, y: row });
        }
    }

    /// The row of the terminal's cursor, if it was put somewhere.
    #[must_use]
    pub fn cursor_row(&self) -> Option<u16> {
        self.cursor.map(|cursor| cursor.y)
    }

    /// Writes one line of text, cut to the area's first line.
    pub fn line(&mut self, area: Rect, text: impl AsRef<str>, role: Role) {
        let line = Rect { height: area.height.min(1), ..area }.intersection(self.frame.area());
        if line.area() == 0 {
            return;
        }
        let columns = usize::from(line.width);
        let text = truncate(text.as_ref(), columns, self.theme().symbols().ellipsis);
        let style = self.style(role);
        // Only the cells of the text get the style, so that pieces of one line do not color each other.
        self.frame.buffer_mut().set_stringn(line.x, line.y, text, columns, style);
    }

    /// Draws border and title of a pane and returns the area inside; `None` if the pane is not on view.
    ///
    /// The title is followed by the pane's filter term, if one is in force.
    pub fn pane(&mut self, panes: &Arrangement, pane: PaneId, title: &str) -> Option<Rect> {
        let area = panes.area(pane)?.intersection(self.frame.area());
        let title = self.pane_title(pane, title);
        let focused = panes.focus == pane;
        let role = if focused { Role::FocusBorder } else { Role::Border };
        let symbols = self.theme().symbols();
        let borders = if panes.class <= SizeClass::Single { Borders::TOP } else { Borders::ALL };
        let room = usize::from(area.width).saturating_sub(4);
        let title = format!(" {} ", truncate(&title, room, symbols.ellipsis));
        let style = self.style(role);
        let title_style = if focused { self.style(Role::Title) } else { style };
        let block = Block::new().borders(borders).border_set(symbols.border).border_style(style);
        let inner = block.inner(area);
        let block = if room > 0 { block.title(Line::styled(title, title_style)) } else { block };
        self.render(block, area);
        self.hit(area, Target::Action(crate::action::Action::Global(crate::action::Global::Focus(pane))));
        self.hit(inner, Target::Pane(pane));
        Some(inner)
    }

    fn pane_title(&self, pane: PaneId, title: &str) -> String {
        let terms = &self.shared.terms;
        let mut text = title.to_owned();
        for (kind, word) in [(TermKind::Filter, "filter"), (TermKind::Search, "search")] {
            if let Some(term) = terms.of(self.shared.screen, pane, kind) {
                text = format!("{text}{}{word} {}", self.theme().dot(), term.text);
            }
        }
        text
    }

    /// Clears an area for an overlay, draws its border and title, and returns the area inside. The rest of the screen does
    /// not answer to the mouse while it is there.
    pub fn overlay(&mut self, area: Rect, title: &str) -> Rect {
        let whole = self.frame.area();
        self.hit(whole, Target::Overlay);
        self.boxed(area, title)
    }

    /// Clears an area, draws a border and a title over it, and returns the area inside.
    pub fn boxed(&mut self, area: Rect, title: &str) -> Rect {
        let area = area.intersection(self.frame.area());
        self.render(Clear, area);
        let style = self.style(Role::FocusBorder);
        let symbols = self.theme().symbols();
        let room = usize::from(area.width).saturating_sub(4);
        let title = format!(" {} ", truncate(title, room, symbols.ellipsis));
        let title = Line::styled(title, self.style(Role::Title));
        let block = Block::bordered().border_set(symbols.border).border_style(style).title(title);
        let inner = block.inner(area);
        self.render(block, area);
        inner
    }

    /// Writes pieces of text one after the other on one line and returns the columns used.
    pub fn pieces(&mut self, area: Rect, pieces: &[(String, Role)]) -> u16 {
        let mut rest = Rect { height: area.height.min(1), ..area };
        for (text, role) in pieces {
            if rest.width == 0 {
                break;
            }
            self.line(rest, text, *role);
            let used = u16::try_from(width(text)).unwrap_or(u16::MAX).min(rest.width);
            rest = Rect { x: rest.x + used, width: rest.width - used, ..rest };
        }
        area.width - rest.width
    }

    /// Writes lines from the top of an area, wrapping those that are too long, and returns how many rows were used.
    pub fn paragraph(&mut self, area: Rect, lines: impl IntoIterator<Item = (String, Role)>) -> u16 {
        let columns = usize::from(area.width);
        let mut rows = area.y..area.bottom();
        for (line, role) in lines {
            for part in wrap_line(&line, columns.max(1)) {
                let Some(y) = rows.next() else { return area.height };
                self.line(Rect { y, height: 1, ..area }, part, role);
            }
        }
        rows.start - area.y
    }

    /// Gives a row the look of the selected one: style, cursor glyph room is the caller's. Also moves the terminal's
    /// cursor there if the pane has the focus.
    pub fn select(&mut self, row: Rect, focused: bool) {
        let style = self.style(if focused { Role::Selected } else { Role::SelectedElsewhere });
        let row = row.intersection(self.frame.area());
        self.buffer().set_style(row, style);
        if focused && row.area() > 0 {
            self.cursor(row.x, row.y);
        }
    }

    /// Ends drawing.
    #[must_use]
    pub fn into_regions(self) -> Regions {
        self.regions
    }
}
