//! A table over the visible slice of rows.
//!
//! The caller owns the data: it knows the total, asks [`TableState`] which rows are visible, and hands over only those as
//! borrowed cells. The first column stays in place while the others scroll sideways. The selection shows without color: a
//! cursor sign in the first column of the screen, and reversed style.
//!
//! `cell` holds one value and its kind, `state` the selection with pure movement, `layout` says which columns are where and what
//! lies under a point, `render` draws.

mod cell;
mod layout;
mod render;
mod state;

#[cfg(test)]
mod tests;

pub use cell::{CellKind, CellText};
pub use layout::{Column, Hit, Slot, Sort, TableLayout};
pub use render::{DataTable, GUTTER_WIDTH, Row, RowMark, TableStyle};
pub use state::{Movement, TableState};
