//! One value of a table as text, and the kinds of nothing.

use std::borrow::Cow;

use crate::symbol::Symbols;
use crate::width::{self, Align};

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum CellKind {
    /// Text.
    #[default]
    Text,
    /// A number; aligned right.
    Number,
    /// The value is null.
    Null,
    /// The value is the empty string.
    Empty,
    /// The column does not exist for this row.
    Missing,
    /// The value is not loaded yet.
    NotLoaded,
}

/// A cell as the caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellText<'a> {
    /// The text of [`CellKind::Text`] and [`CellKind::Number`]; other kinds ignore it. Need not be escaped.
    pub text: &'a str,
    /// What the cell holds.
    pub kind: CellKind,
    /// Whether the value differs from the one compared with.
    pub changed: bool,
}

impl<'a> CellText<'a> {
    /// Returns a text cell; the empty text is [`CellKind::Empty`].
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self { text, kind: if text.is_empty() { CellKind::Empty } else { CellKind::Text }, changed: false }
    }

    /// Returns a number cell.
    #[must_use]
    pub fn number(text: &'a str) -> Self {
        Self { text, kind: CellKind::Number, changed: false }
    }

    /// Returns a cell without text: null, missing or not loaded.
    #[must_use]
    pub fn nothing(kind: CellKind) -> Self {
        Self { text: "", kind, changed: false }
    }

    /// Returns the same cell marked as changed.
    #[must_use]
    pub fn changed(self) -> Self {
        Self { changed: true, ..self }
    }

    /// Returns what is printed: escaped text or the sign of the kind, after the change mark if it is changed.
    #[must_use]
    pub fn shown(&self, symbols: &Symbols) -> Cow<'a, str> {
        let text = match self.kind {
            CellKind::Text | CellKind::Number => width::escape(self.text),
            CellKind::Null => Cow::Borrowed(symbols.null),
            CellKind::Empty => Cow::Borrowed(symbols.empty),
            CellKind::Missing => Cow::Borrowed(symbols.missing),
            CellKind::NotLoaded => Cow::Borrowed(symbols.not_loaded),
        };
        if self.changed { Cow::Owned(format!("{}{text}", symbols.changed)) } else { text }
    }

    /// Returns whether the cell stands for the lack of a value.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self.kind {
            CellKind::Null | CellKind::Empty | CellKind::Missing | CellKind::NotLoaded => true,
            CellKind::Text | CellKind::Number => false,
        }
    }

    /// Returns the side the cell keeps to in a column aligned like `column`.
    #[must_use]
    pub fn align(&self, column: Align) -> Align {
        if self.kind == CellKind::Number { Align::Right } else { column }
    }
}
