//! Movement, geometry and pictures of the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::StatefulWidget as _;

use super::*;
use crate::symbol::{self, Symbols};
use crate::width::Align;

const COLUMNS: [Column<'static>; 3] = [
    Column { title: "id", width: 6, align: Align::Left },
    Column { title: "age", width: 4, align: Align::Right },
    Column { title: "city", width: 8, align: Align::Left },
];

fn draw(size: (u16, u16), state: &mut TableState, symbols: &Symbols) -> (Vec<String>, Buffer) {
    let first = [CellText::text("alice"), CellText::number("31").changed(), CellText::nothing(CellKind::Null)];
    let second = [CellText::text("bob\u{1b}"), CellText::nothing(CellKind::Missing), CellText::text("")];
    let rows = [
        Row { mark: RowMark::None, cells: &first },
        Row { mark: RowMark::Marked, cells: &second },
        Row { mark: RowMark::None, cells: &second[..1] },
    ];
    let style = TableStyle::no_color();
    let table = DataTable { columns: &COLUMNS, rows: &rows, sort: Some(Sort::Descending(1)), symbols, style: &style };
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    table.render(area, &mut buffer, state);
    let line = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    ((0..size.1).map(line).collect(), buffer)
}

#[test]
fn kinds_marks_and_selection_show_without_color() {
    let mut state = TableState { row: 1, ..TableState::default() };
    let (text, buffer) = draw((24, 4), &mut state, &symbol::UNICODE);
    assert_eq!(text, ["  id     ▼age city", "  alice   •31 ∅", "▸✓bob\\u…    ╌ ␣", "  bob\\u…    ⋯ ⋯",]);
    assert!(buffer[(3, 2)].modifier.contains(Modifier::REVERSED));
    assert!(!buffer[(3, 1)].modifier.contains(Modifier::REVERSED));
}

#[test]
fn every_size_is_drawn() {
    for width in 0..30 {
        for height in 0..6 {
            for column in 0..4 {
                let mut state = TableState { column, ..TableState::default() };
                let (text, _) = draw((width, height), &mut state, &symbol::ASCII);
                if width > 0 && height > 1 {
                    assert!(text[1].starts_with('>'), "{width}x{height}");
                }
            }
        }
    }
}

#[test]
fn the_first_column_stays_when_the_others_scroll() {
    let mut state = TableState { column: 2, ..TableState::default() };
    let (text, _) = draw((18, 2), &mut state, &symbol::ASCII);
    assert_eq!(state.column_offset, 2);
    assert_eq!(text, ["  id    <city", "> alice  (null)"]);
}

#[test]
fn movement_stays_in_the_table() {
    let mut state = TableState::default();
    assert!(!state.step(Movement::Up, 10, 3, 4));
    assert!(state.step(Movement::Last, 10, 3, 4));
    assert_eq!((state.row, state.offset), (9, 6));
    assert!(state.step(Movement::HalfPageUp, 10, 3, 4));
    assert_eq!(state.row, 7);
    assert!(state.step(Movement::LastColumn, 10, 3, 4));
    assert!(!state.step(Movement::Right, 10, 3, 4));
    assert_eq!(state.column, 2);
    state.settle(0, 0, 0);
    assert_eq!(state, TableState { row: 0, column: 0, offset: 0, column_offset: 0 });
    assert!(!state.step(Movement::PageDown, 0, 0, 0));
}

#[test]
fn visible_rows_follow_the_offset() {
    let mut state = TableState { row: 2, ..TableState::default() };
    state.scroll(3, 10, 4);
    assert_eq!((state.visible(10, 4), state.row), (3..7, 3));
    state.scroll(99, 10, 4);
    assert_eq!((state.visible(10, 4), state.row), (6..10, 6));
    state.scroll(-99, 10, 4);
    assert_eq!((state.visible(10, 4), state.row), (0..4, 3));
    state.scroll(1, 0, 0);
    assert_eq!(state.visible(0, 0), 0..0);
}

#[test]
fn points_hit_header_and_cells() {
    let mut state = TableState { row: 5, offset: 5, ..TableState::default() };
    let layout = TableLayout::new(Rect::new(10, 3, 24, 4), &COLUMNS, 2, &mut state);
    assert_eq!(layout.hit(10, 3), Some(Hit::Header { column: 0 }));
    assert_eq!(layout.hit(19, 3), Some(Hit::Header { column: 1 }));
    assert_eq!(layout.hit(25, 5), Some(Hit::Cell { row: 6, column: 2 }));
    assert_eq!((layout.hit(9, 4), layout.hit(12, 7)), (None, None));
}
