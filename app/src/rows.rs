//! Rows as they leave the program: the text of a cell, a line and a header, and Parquet columns.
//!
//! | module | answers |
//! |---|---|
//! | `text` | how a row looks as CSV, JSON or Markdown |
//! | `parquet` | which columns a Parquet file has |
//! | [`Counts`] | how many rows changed, and how |
//!
//! **Rule:** files, commands and copied text take their cells from here, so that a value reads the same wherever it went.

mod counts;
mod parquet;
mod text;

pub use counts::Counts;
pub(crate) use parquet::{readable, readable_schema};
pub(crate) use text::{TextForm, plain_json};
