//! The commit graph: order, lanes, characters.
//!
//! The way from commits to screen, each step a plain value:
//!
//! ```text
//! Dag ──order::topological──► Order ──Rows::all | filter::filter──► Rows ──fold──► Rows ──Layout::new──► Layout
//!                                                                          Layout::window(visible rows) ──► GraphRow
//! ```
//!
//! ```
//! use stratigraph_widgets::commit_dag::{Dag, Layout, Paint, Rows, UNICODE, order};
//!
//! let mut dag = Dag::new();
//! let root = dag.push(1, &[]);
//! let feature = dag.push(2, &[root]);
//! let main = dag.push(3, &[root]);
//! let merge = dag.push(4, &[main, feature]);
//!
//! let order = order::topological(&dag, |node| node);
//! let layout = Layout::new(Rows::all(&dag, &order), dag.first_parent_chain(merge));
//! let lines: Vec<String> = layout.window(0..4, &Paint::plain(&UNICODE)).iter().map(ToString::to_string).collect();
//! assert_eq!(lines, ["○─╮", "● │", "├─◉", "◉"]);
//! ```
//!
//! **Lossless** (must): a reader that sees only the characters, in either glyph set, recovers exactly the parent edges. The
//! property tests hold the drawing to it.
//!
//! Source: the lane rules are those of the workbench design, section 6 (one pass, pinned default branch, no sliding lanes);
//! they are written out in `lanes.rs`.

mod cells;
mod children;
mod dag;
pub mod filter;
pub mod fold;
mod glyph;
mod lanes;
mod layout;
pub mod order;
mod render;
mod rows;
pub mod synthetic;

#[cfg(test)]
mod reader;
#[cfg(test)]
mod tests;

pub use cells::{Cell, Emphasis, GraphRow, Paint};
pub use children::Children;
pub use dag::{Dag, EXTERNAL, NodeSet};
pub use glyph::{ASCII, Glyphs, UNICODE};
pub use layout::{CHECKPOINT_ROWS, Layout};
pub use order::Order;
pub use render::{GUTTER_WIDTH, GraphStyle, Viewport};
pub use rows::{Edge, FoldKind, RowItem, Rows};
