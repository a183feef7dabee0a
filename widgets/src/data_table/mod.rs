//! A table over the visible slice of rows.
//!
//! The caller owns the data: it knows the total, asks [`TableState`] which rows are visible, and hands over only those as
//! borrowed cells. The first column stays in place while the others scroll sideways. The selection shows without colour: a
//! cursor sign in the first column of the screen, and reversed style.
//!
//! - [`cell`]: one value and what kind of value it is.
//! - [`state`]: selection and offsets, pure movement.
//! - [`layout`]: which columns are where; hit-testing.
//! - [`render`]: drawing.

pub mod cell;
pub mod layout;
pub mod render;
pub mod state;

#[cfg(test)]
mod tests;

pub use cell::{CellKind, CellText};
pub use layout::{Column, Hit, Sort, TableLayout};
pub use render::{DataTable, Row, RowMark, TableStyle};
pub use state::{Movement, TableState};
