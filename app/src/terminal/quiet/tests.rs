//! What is written to the terminal, and what it shows then.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::{Terminal, TerminalOptions, Viewport};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

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

/// How a terminal counts the columns of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    /// As we do.
    Cluster,
    /// Each scalar for itself, marks as nothing.
    Scalars,
    /// Each scalar for itself, marks as one column.
    Marks,
    /// Every cluster that is disputed as one column, or as two.
    Narrow,
    Wide,
}

impl Count {
    const ALL: [Self; 5] = [Self::Cluster, Self::Scalars, Self::Marks, Self::Narrow, Self::Wide];

    fn columns(self, cluster: &str) -> usize {
        let scalars =
            |least: usize| cluster.chars().map(|scalar| scalar.width().unwrap_or(0).max(least)).sum::<usize>();
        match self {
            _ if !is_disputed(cluster) => cluster.width(),
            Self::Cluster => cluster.width(),
            Self::Scalars => scalars(0).max(1),
            Self::Marks => scalars(1),
            Self::Narrow => 1,
            Self::Wide => 2,
        }
    }
}

/// A terminal that counts in its own way. A wide cluster of which a column is written over leaves blanks.
struct Screen {
    count: Count,
    cells: Vec<Vec<String>>,
    at: (usize, usize),
    wraps: bool,
}

impl Screen {
    fn new(columns: u16, rows: u16, count: Count) -> Self {
        let row = vec![" ".to_owned(); usize::from(columns)];
        Self { count, cells: vec![row; usize::from(rows)], at: (0, 0), wraps: true }
    }

    fn take(&mut self, written: &str) {
        let mut rest = written;
        while let Some(at) = rest.find('\u{1b}') {
            self.print(&rest[..at]);
            let end = at + 2 + rest[at + 2..].find(|sign: char| sign.is_ascii_alphabetic()).expect("a whole sequence");
            self.sequence(&rest[at + 2..=end]);
            rest = &rest[end + 1..];
        }
        self.print(rest);
    }

    fn sequence(&mut self, sequence: &str) {
        match sequence {
            "?7l" => self.wraps = false,
            "?7h" => self.wraps = true,
            "K" => {
                let (x, y) = self.at;
                for x in x..self.cells[y].len() {
                    self.erase(x, y);
                }
            }
            to if to.ends_with('H') => {
                let (row, column) = to[..to.len() - 1].split_once(';').expect("row and column");
                self.at = (column.parse::<usize>().expect("a number") - 1, row.parse::<usize>().expect("a number") - 1);
            }
            looks => assert!(looks.ends_with('m') || looks.starts_with("?25"), "{looks}"),
        }
    }

    fn print(&mut self, text: &str) {
        for cluster in text.graphemes(true) {
            let columns = self.count.columns(cluster);
            let width = self.cells[0].len();
            if self.at.0 + columns > width {
                self.at = if self.wraps { (0, self.at.1 + 1) } else { (width.saturating_sub(columns), self.at.1) };
            }
            let (x, y) = self.at;
            if y >= self.cells.len() {
                return;
            }
            for x in x..x + columns {
                self.erase(x, y);
            }
            self.cells[y][x] = cluster.to_owned();
            self.cells[y][x + 1..x + columns].fill(String::new());
            self.at.0 += columns;
        }
    }

    /// Clears a column and whatever it was a part of.
    fn erase(&mut self, x: usize, y: usize) {
        let row = &mut self.cells[y];
        let first = (0..=x).rev().find(|x| !row[*x].is_empty()).unwrap_or(0);
        let end = (x + 1..row.len()).find(|x| !row[*x].is_empty()).unwrap_or(row.len());
        row[first..end].fill(" ".to_owned());
    }

    /// Where something else stands than is meant. Nobody can say what becomes of a disputed cluster itself.
    fn differs(&self, meant: &Buffer) -> Vec<(u16, u16, String, String)> {
        let mut differs = Vec::new();
        for y in 0..meant.area.height {
            let mut x = 0;
            while x < meant.area.width {
                let cell = &meant[(x, y)];
                let there = &self.cells[usize::from(y)][usize::from(x)];
                if !is_disputed(cell.symbol()) && there != cell.symbol() {
                    differs.push((x, y, cell.symbol().to_owned(), there.clone()));
                }
                x += u16::try_from(columns(cell)).expect("few");
            }
        }
        differs
    }
}

const COLUMNS: u16 = 14;
const ROWS: u16 = 4;

/// What stands in a frame: rows of texts, one of them selected.
fn frame(rows: &[String], selected: usize) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
    for (row, y) in rows.iter().zip(0..ROWS) {
        buffer.set_stringn(0, y, row, usize::from(COLUMNS), Style::new());
        if usize::from(y) == selected {
            buffer.set_style(Rect::new(0, y, COLUMNS, 1), Style::new().add_modifier(Modifier::REVERSED));
        }
    }
    buffer
}

/// Draws frames one after the other as a terminal that counts in this way shows them.
fn drawn(frames: &[Buffer], count: Count) -> Screen {
    let to = Written::default();
    let mut quiet = Quiet::new(to.clone());
    quiet.columns.set(Some(COLUMNS));
    let mut screen = Screen::new(COLUMNS, ROWS, count);
    let mut former = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
    for frame in frames {
        to.0.borrow_mut().clear();
        quiet.draw(former.diff(frame).into_iter()).unwrap();
        screen.take(&String::from_utf8(to.0.borrow().clone()).unwrap());
        former = frame.clone();
    }
    screen
}

const TEXTS: [&str; 12] = [
    "a⚡️ bolt",
    "⚡️⚡️⚡️x",
    "தமிழ் நி க்ஷ",
    "ภาษาไทย ที่ กำ",
    "हिन्दी क्षि",
    "👨‍👩‍👧 family 🇩🇪",
    "e\u{301}tude o\u{308}l",
    "日本語 plain",
    "plain letters!",
    "",
    "1️⃣2️⃣3️⃣ 🏴‍☠️👍🏽",
    "12345678901🇩🇪⚡️",
];

#[test]
fn rows_that_are_scrolled_leave_nothing_behind() {
    let rows = |from: usize| -> Vec<String> {
        (from..from + usize::from(ROWS)).map(|row| TEXTS[row % TEXTS.len()].to_owned()).collect()
    };
    for count in Count::ALL {
        let down = (0..TEXTS.len()).map(|from| frame(&rows(from), 1));
        let up = (0..TEXTS.len()).rev().map(|from| frame(&rows(from), 2));
        let frames: Vec<Buffer> = down.chain(up).collect();
        for length in 1..=frames.len() {
            let screen = drawn(&frames[..length], count);
            assert_eq!(screen.differs(&frames[length - 1]), [], "{count:?}, {length} frames");
        }
    }
}

#[test]
fn an_emulator_shows_what_stands_beside_the_clusters() {
    let frames: Vec<Buffer> = (0..TEXTS.len())
        .map(|from| frame(&[TEXTS[from], TEXTS[(from + 5) % TEXTS.len()]].map(str::to_owned), 0))
        .collect();
    let to = Written::default();
    let mut quiet = Quiet::new(to.clone());
    quiet.columns.set(Some(COLUMNS));
    let [rows, columns_there] = [ROWS, COLUMNS].map(|count| std::num::NonZero::new(count).expect("some"));
    let mut parser = vt100::Parser::new(rows, columns_there, 0);
    let mut former = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
    for frame in &frames {
        to.0.borrow_mut().clear();
        quiet.draw(former.diff(frame).into_iter()).unwrap();
        parser.process(&to.0.borrow());
        former = frame.clone();
        for y in 0..2 {
            let mut x = 0;
            while x < COLUMNS {
                let cell = &frame[(x, y)];
                let there = parser.screen().cell(y, x).map_or("", vt100::Cell::contents);
                let there = if there.is_empty() { " " } else { there };
                assert!(
                    is_disputed(cell.symbol()) || there == cell.symbol(),
                    "{x} {y}: {there:?} for {:?}",
                    cell.symbol()
                );
                x += u16::try_from(columns(cell)).expect("few");
            }
        }
    }
}

#[test]
fn a_row_without_such_clusters_is_written_where_it_changed_and_no_further() {
    let to = Written::default();
    let mut quiet = Quiet::new(to.clone());
    let rows = |second: &str| frame(&["plain 日本 text".to_owned(), second.to_owned()], 9);
    let blank = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
    let frames = [rows("a⚡️b"), rows("a⚡️c"), rows("a⚡️c")];
    let mut written = Vec::new();
    for (former, now) in std::iter::once(&blank).chain(&frames).zip(&frames) {
        to.0.borrow_mut().clear();
        quiet.draw(former.diff(now).into_iter()).unwrap();
        written.push(String::from_utf8(to.0.borrow().clone()).unwrap());
    }
    let moves = |text: &str, row: u16| text.matches(&format!("\u{1b}[{row};")).count();
    let plain = "\u{1b}[1;1Hplain\u{1b}[1;7H日\u{1b}[1;9H本\u{1b}[1;12Htex";
    assert!(written[0].starts_with(plain), "{:?}", written[0]);
    assert!(written[0].contains("\u{1b}[2;4Hb"), "what follows the cluster is placed: {:?}", written[0]);
    assert_eq!((moves(&written[1], 1), moves(&written[1], 2)), (0, 4), "{:?}", written[1]);
    assert_eq!(written[2], "");
}

proptest! {
    #[test]
    fn whatever_is_drawn_stands_where_it_was_meant(
        pictures in prop::collection::vec((prop::collection::vec(prop::sample::select(TEXTS.to_vec()), 4), 0usize..5, 0usize..6), 1..8),
        count in prop::sample::select(Count::ALL.to_vec()),
    ) {
        let frames: Vec<Buffer> = pictures
            .iter()
            .map(|(texts, selected, indent)| {
                let rows: Vec<String> = texts.iter().map(|text| format!("{}{text}", " ".repeat(*indent))).collect();
                frame(&rows, *selected)
            })
            .collect();
        let screen = drawn(&frames, count);
        prop_assert_eq!(screen.differs(frames.last().expect("one at least")), vec![]);
    }
}
