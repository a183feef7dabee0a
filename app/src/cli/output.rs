//! Where answers go: standard output as text or as one JSON object a line.
//!
//! The only file of the command line that writes to standard output; [`Out::beside`] prints the same way to standard error. Text that comes from the graph is escaped here, so that
//! no control character and no bidirectional mark reaches the terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal, Write};

use ratatui::style::{Color, Modifier, Style};
use serde::Serialize;
use stratigraph_widgets::width::{escape, width, wrap};

use super::error::CliError;
use crate::theme::{ColorChoice, Depth, GlyphSet, Role, Surroundings, Theme, ascii_wanted, depth};

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Standard output with its form and its styles.
pub(super) struct Out {
    writer: BufWriter<Box<dyn Write>>,
    theme: Theme,
    form: Form,
    /// Columns of the terminal's line, if there is a terminal.
    columns: Option<usize>,
}

/// A piece of text with its style and the columns it takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) painted: String,
    pub(super) columns: usize,
    /// The escaped text without its style, and the style; none if it has several.
    plain: Option<(String, Style)>,
}

impl Cell {
    /// A cell of pieces with styles of their own.
    pub(super) fn painted(painted: String, columns: usize) -> Self {
        Self { painted, columns, plain: None }
    }

    /// Whether it can be broken into lines.
    pub(super) fn is_breakable(&self) -> bool {
        self.plain.is_some() || self.columns == 0
    }

    /// Columns of its longest word.
    pub(super) fn longest_word(&self) -> usize {
        let words = self.plain.iter().flat_map(|(text, _)| text.split_whitespace());
        words.map(width).max().unwrap_or(0)
    }
}

impl Out {
    /// Standard output; colors if the flag, the environment and the terminal allow them.
    pub(super) fn stdout(form: Form, color: ColorChoice, ascii: bool) -> Self {
        let stdout = io::stdout();
        let theme = theme(color, ascii, &Surroundings::of_process(), stdout.is_terminal());
        let columns = stdout.is_terminal().then(crossterm::terminal::size).and_then(Result::ok);
        let columns = columns.map(|(columns, _)| columns.into());
        Self { writer: BufWriter::new(Box::new(stdout)), theme, form, columns }
    }

    /// Standard error, for what people must see beside the answer. Always text.
    pub(super) fn beside(&self) -> Self {
        let stderr = io::stderr();
        let mut theme = self.theme;
        if !stderr.is_terminal() {
            theme.depth = Depth::None;
        }
        Self { writer: BufWriter::new(Box::new(stderr)), theme, form: Form::Text, columns: None }
    }

    #[cfg(test)]
    pub(super) fn plain(writer: impl Write + 'static) -> Self {
        let theme = Theme { depth: Depth::None, ..Theme::default() };
        Self { writer: BufWriter::new(Box::new(writer)), theme, form: Form::Text, columns: None }
    }

    #[cfg(test)]
    pub(super) fn with_columns(self, columns: Option<usize>) -> Self {
        Self { columns, ..self }
    }

    pub(super) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Columns of the terminal's line; none where the answer goes to a file or another program.
    pub(super) fn columns(&self) -> Option<usize> {
        self.columns
    }

    pub(super) fn theme(&self) -> &Theme {
        &self.theme
    }

    /// Writes a line as it is; its parts were escaped.
    pub(super) fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.writer.write_all(text.trim_end_matches(' ').as_bytes())?;
        self.writer.write_all(b"\n")?;
        Ok(())
    }

    /// Writes bytes as they are, for formats that have an escaping of their own.
    pub(super) fn verbatim(&mut self, text: &str) -> Result<(), CliError> {
        self.writer.write_all(text.as_bytes())?;
        Ok(())
    }

    /// Writes one JSON object as a line.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        serde_json::to_writer(&mut self.writer, value).map_err(io::Error::from)?;
        self.writer.write_all(b"\n")?;
        Ok(())
    }

    /// Writes what is buffered.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        self.writer.flush()?;
        Ok(())
    }

    /// Escapes and paints a text.
    pub(super) fn cell(&self, role: Role, text: &str) -> Cell {
        self.styled(escape(text).into_owned(), self.theme.style(role))
    }

    fn styled(&self, text: String, style: Style) -> Cell {
        Cell { columns: width(&text), painted: self.paint(style, text.as_str()), plain: Some((text, style)) }
    }

    /// A cell broken into lines of at most so many columns; one at least.
    pub(super) fn broken(&self, cell: &Cell, columns: usize) -> Vec<Cell> {
        match &cell.plain {
            Some((text, style)) if cell.columns > columns => {
                wrap(text, columns).into_iter().map(|line| self.styled(line, *style)).collect()
            }
            Some(_) | None => vec![cell.clone()],
        }
    }

    /// Puts a style around text that is escaped already.
    pub(super) fn paint(&self, style: Style, text: impl Into<String>) -> String {
        let text = text.into();
        let codes = if self.theme.depth == Depth::None { String::new() } else { sgr(style) };
        if codes.is_empty() || text.is_empty() { text } else { format!("\u{1b}[{codes}m{text}\u{1b}[0m") }
    }
}

/// Colors and glyphs of the output. Without a terminal only `always` gives colors.
fn theme(color: ColorChoice, ascii: bool, around: &Surroundings, is_terminal: bool) -> Theme {
    let depth = match color {
        ColorChoice::Auto if !is_terminal => Depth::None,
        ColorChoice::Auto | ColorChoice::Always | ColorChoice::Never => depth(color, around),
    };
    let glyphs = if ascii || ascii_wanted(around) { GlyphSet::Ascii } else { GlyphSet::Unicode };
    Theme { depth, glyphs, ..Theme::default() }
}

/// The parameters of the escape sequence that selects a style; empty for plain text.
fn sgr(style: Style) -> String {
    const MODIFIERS: [(Modifier, u8); 4] =
        [(Modifier::BOLD, 1), (Modifier::DIM, 2), (Modifier::UNDERLINED, 4), (Modifier::REVERSED, 7)];
    let mut codes: Vec<Cow<'static, str>> = MODIFIERS
        .iter()
        .filter(|(modifier, _)| style.add_modifier.contains(*modifier))
        .map(|(_, code)| code.to_string().into())
        .collect();
    codes.extend(style.fg.and_then(|color| color_code(color, 30)));
    codes.extend(style.bg.and_then(|color| color_code(color, 40)));
    codes.join(";")
}

/// `base` is 30 for the foreground and 40 for the background.
fn color_code(color: Color, base: u8) -> Option<Cow<'static, str>> {
    let named = |number: u8| Some((base + number).to_string().into());
    match color {
        Color::Reset => None,
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(60),
        Color::LightRed => named(61),
        Color::LightGreen => named(62),
        Color::LightYellow => named(63),
        Color::LightBlue => named(64),
        Color::LightMagenta => named(65),
        Color::LightCyan => named(66),
        Color::White => named(67),
        Color::Indexed(index) => Some(format!("{};5;{index}", base + 8).into()),
        Color::Rgb(red, green, blue) => Some(format!("{};2;{red};{green};{blue}", base + 8).into()),
    }
}

/// A line being put together from cells.
#[derive(Debug, Default)]
pub(super) struct LineBuilder {
    text: String,
}

impl LineBuilder {
    /// Adds a cell padded to `columns`, and two spaces before it unless it is the first.
    pub(super) fn push(&mut self, cell: &Cell, columns: usize, right: bool) {
        if !self.text.is_empty() {
            self.text.push_str("  ");
        }
        let padding = " ".repeat(columns.saturating_sub(cell.columns));
        let (before, after) = if right { (padding.as_str(), "") } else { ("", padding.as_str()) };
        write!(self.text, "{before}{}{after}", cell.painted).expect("writing to a string cannot fail");
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(no_color: &str) -> Surroundings {
        Surroundings {
            term: Some("xterm".into()),
            colorterm: None,
            no_color: (!no_color.is_empty()).then(|| no_color.to_owned()),
            locale: Some("C.UTF-8".into()),
            ssh_tty: None,
        }
    }

    #[test]
    fn colors_need_a_terminal_or_a_wish() {
        let depth = |color, no_color, is_terminal| theme(color, false, &around(no_color), is_terminal).depth;
        assert_eq!(depth(ColorChoice::Auto, "", true), Depth::Named);
        assert_eq!(depth(ColorChoice::Auto, "1", true), Depth::None);
        assert_eq!(depth(ColorChoice::Auto, "", false), Depth::None);
        assert_eq!(depth(ColorChoice::Always, "1", false), Depth::Named);
        assert_eq!(depth(ColorChoice::Never, "", true), Depth::None);
    }

    #[test]
    fn styles_become_escape_sequences() {
        let style = Style::new().fg(Color::LightBlue).bg(Color::Indexed(7)).add_modifier(Modifier::BOLD);
        assert_eq!(sgr(style), "1;94;48;5;7");
        assert_eq!(sgr(Style::new().fg(Color::Rgb(1, 2, 3))), "38;2;1;2;3");
        assert_eq!(sgr(Style::new()), "");
    }

    #[test]
    fn cells_are_escaped_and_measured_without_their_colors() {
        let mut out = Out::plain(io::sink());
        out.theme.depth = Depth::Named;
        let cell = out.cell(Role::Added, "日\n");
        assert_eq!((cell.columns, cell.painted.as_str()), (4, "\u{1b}[32m日\\n\u{1b}[0m"));
    }
}
