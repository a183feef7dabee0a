//! What stands below a list: the whole text of the chosen line where lines are cut, and a note.

use ratatui::layout::Rect;
use stratigraph_widgets::width::{truncate, width, wrap};

use crate::theme::Role;
use crate::view::Canvas;

/// Most lines for the text of the chosen line.
const TEXT_LINES: usize = 4;
/// Narrower lists get two lines for the note.
const NARROW: usize = 60;

/// The lines that the longest of `texts` takes when it is wrapped; 0 if each fits into `room` columns of its own line. The number
/// is that of the whole list, so that the list keeps its height while one moves in it.
pub(super) fn text_lines<'a>(texts: impl Iterator<Item = &'a str>, room: usize, columns: usize) -> usize {
    let columns = columns.max(1);
    let mut most = 0;
    let mut cut = false;
    for text in texts {
        cut |= width(text) > room;
        most = most.max(wrap(&truncate(text, columns * TEXT_LINES, ""), columns).len());
    }
    if cut { most.min(TEXT_LINES) } else { 0 }
}

/// The area of the list, that of the text of the chosen line and that of the note. The list keeps half of the lines at least.
pub(super) fn split(inner: Rect, text_lines: usize) -> (Rect, Rect, Rect) {
    let note = if usize::from(inner.width) < NARROW && inner.height > 6 { 2 } else { 1 };
    let note = note.min(inner.height);
    let text = u16::try_from(text_lines).unwrap_or(u16::MAX).min((inner.height / 2).saturating_sub(note));
    let list = Rect { height: inner.height - note - text, ..inner };
    let text = Rect { y: list.bottom(), height: text, ..inner };
    (list, text, Rect { y: text.bottom(), height: note, ..inner })
}

/// Writes the text of the chosen line, empty unless it is cut there, and the note, each wrapped.
pub(super) fn draw(areas: (Rect, Rect), text: &str, note: (String, Role), canvas: &mut Canvas<'_, '_>) {
    let (above, below) = areas;
    let columns = usize::from(above.width).max(1) * TEXT_LINES;
    canvas.paragraph(above, [(truncate(text, columns, "").into_owned(), Role::Text)]);
    canvas.paragraph(below, [note]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_for_the_longest_text_if_any_is_cut() {
        let texts = ["short", "twelve signs"];
        assert_eq!(text_lines(texts.into_iter(), 12, 6), 0);
        assert_eq!(text_lines(texts.into_iter(), 11, 6), 2);
        assert_eq!(text_lines(texts.into_iter(), 11, 1), TEXT_LINES);
    }

    #[test]
    fn the_list_keeps_half_of_the_lines() {
        for height in 0..30 {
            let (list, text, note) = split(Rect::new(0, 0, 38, height), TEXT_LINES);
            assert_eq!(list.height + text.height + note.height, height);
            assert!(list.height + 1 >= height / 2 && note.height >= height.min(1), "{height}");
        }
    }
}
