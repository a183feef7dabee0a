//! One row with all its values, wrapped: the record view.

use std::borrow::Cow;

use stratigraph_engine::{Row, TableKey, Value};
use stratigraph_widgets::data_table::CellKind;
use stratigraph_widgets::width::{escape, head, width};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::cursor::Cursor;
use crate::view::cell::whole;

/// Columns between the names and the values.
const GAP: usize = 2;
/// Values have at least this much room, whatever the names are.
const VALUE_ROOM: usize = 12;

/// A row on view.
#[derive(Debug)]
pub(super) struct RecordView {
    /// Its table; none for the row of a query's result.
    pub(super) table: Option<TableKey>,
    /// The row; blobs get their digests when they are read.
    pub(super) row: Row,
    /// Whether blobs are being read.
    pub(super) reading: bool,
    /// The selected line.
    pub(super) cursor: Cursor,
}

/// A line of the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordLine {
    /// Index of the field.
    pub(super) field: usize,
    /// Whether it is the field's first line, which shows the name.
    pub(super) first: bool,
    /// A piece of the value.
    pub(super) text: String,
    /// What the value is.
    pub(super) kind: CellKind,
}

impl RecordView {
    /// A row of a table, or of a result.
    pub(super) fn new(table: Option<TableKey>, row: Row) -> Self {
        Self { table, row, reading: false, cursor: Cursor::default() }
    }

    /// Whether a stored blob's digest is unknown yet.
    pub(super) fn wants_digests(&self) -> bool {
        self.row
            .values()
            .iter()
            .any(|value| matches!(value, Value::Blob(blob) if blob.uri().is_none() && blob.digest_hex().is_none()))
    }

    /// Columns the names take in `columns`.
    pub(super) fn name_width(&self, columns: usize) -> usize {
        let longest = self.row.columns().iter().map(|name| width(&escape(name))).max().unwrap_or(0);
        longest.min(24).min(columns.saturating_sub(VALUE_ROOM + GAP)) + GAP
    }

    /// All lines for a pane of this width.
    pub(super) fn lines(&self, columns: usize) -> Vec<RecordLine> {
        let room = columns.saturating_sub(self.name_width(columns) + 1);
        let mut lines = Vec::new();
        for (field, (_, value)) in self.row.iter().enumerate() {
            let (text, kind) = whole(value);
            for (index, piece) in pieces(&text, room).into_iter().enumerate() {
                lines.push(RecordLine { field, first: index == 0, text: piece, kind });
            }
        }
        lines
    }

    /// Name and value of the selected line's field.
    pub(super) fn field(&self, columns: usize) -> Option<(&str, &Value)> {
        let line = self.lines(columns).into_iter().nth(self.cursor.row)?;
        self.row.iter().nth(line.field)
    }
}

/// The text in lines of at most `columns`; line feeds show as `\n` and end a line. At least one line.
fn pieces(text: &str, columns: usize) -> Vec<String> {
    let mut done = Vec::new();
    let mut parts = text.split('\n').peekable();
    while let Some(part) = parts.next() {
        let mut part: Cow<'_, str> = escape(part);
        if parts.peek().is_some() {
            part.to_mut().push_str("\\n");
        }
        let mut rest: &str = &part;
        loop {
            let mut piece = head(rest, columns);
            if piece.is_empty() {
                // Not even one sign fits: it takes a line of its own and is cut when it is drawn.
                piece = rest.graphemes(true).next().unwrap_or("");
            }
            done.push(piece.to_owned());
            rest = &rest[piece.len()..];
            if rest.is_empty() {
                break;
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn values_wrap_and_line_feeds_show() {
        assert_eq!(pieces("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(pieces("a\nb  c", 10), ["a\\n", "b  c"]);
        assert_eq!(pieces("", 4), [""]);
        assert_eq!(pieces("日本", 1), ["日", "本"]);
        assert_eq!(pieces("\u{1b}x", 20), ["\\u{1b}x"]);
    }

    #[test]
    fn the_selected_line_names_its_field() {
        let columns: Arc<[Arc<str>]> = ["id", "note"].map(Arc::from).into();
        let row = Row::new(columns, vec!["a".into(), "long long text".into()]);
        let mut view = RecordView::new(None, row);
        let lines = view.lines(20);
        assert_eq!(lines.len(), 3, "{lines:?}");
        view.cursor.row = 2;
        assert_eq!(view.field(20).map(|(name, _)| name), Some("note"));
        for columns in 0..30 {
            assert!(!view.lines(columns).is_empty());
        }
    }
}
