//! Trees: a thin layer over `tui-tree-widget`.
//!
//! It fixes what every tree of the program has in common (signs, selection that shows without colour) and builds items from
//! borrowed rows given in depth-first order. The state ([`TreeState`]) is the one of `tui-tree-widget`; identifiers must be
//! unique among siblings.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::StatefulWidget as _;
pub use tui_tree_widget::{TreeItem, TreeState};

use crate::symbol::Symbols;

/// How a tree looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeStyle {
    /// Style under everything.
    pub base: Style,
    /// Style of the selected row.
    pub selected: Style,
}

impl TreeStyle {
    /// Returns a style without colours: the selected row is reversed.
    #[must_use]
    pub fn no_colour() -> Self {
        Self { base: Style::new(), selected: Style::new().add_modifier(Modifier::REVERSED) }
    }
}

/// A row of a tree in depth-first order.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeRow<'a, Id> {
    /// Depth, 0 for the top rows. A row deeper than its predecessor's child is taken as its child.
    pub depth: usize,
    /// Identifies the row among its siblings.
    pub id: Id,
    /// What is shown.
    pub text: Line<'a>,
}

/// Two siblings carry the same identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateId;

impl std::fmt::Display for DuplicateId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("two rows of the tree under the same parent have the same identifier")
    }
}

impl std::error::Error for DuplicateId {}

/// Nests the rows into items.
///
/// # Errors
/// [`DuplicateId`] if two siblings have the same identifier.
pub fn items<Id>(rows: Vec<TreeRow<'_, Id>>) -> Result<Vec<TreeItem<'_, Id>>, DuplicateId>
where
    Id: Clone + Eq + std::hash::Hash,
{
    let mut done: Vec<TreeItem<'_, Id>> = Vec::new();
    let mut open: Vec<(usize, Id, Line<'_>, Vec<TreeItem<'_, Id>>)> = Vec::new();
    for row in rows {
        while open.last().is_some_and(|(depth, ..)| *depth >= row.depth) {
            close(&mut open, &mut done)?;
        }
        open.push((row.depth, row.id, row.text, Vec::new()));
    }
    while !open.is_empty() {
        close(&mut open, &mut done)?;
    }
    Ok(done)
}

type Open<'a, Id> = (usize, Id, Line<'a>, Vec<TreeItem<'a, Id>>);

fn close<'a, Id>(open: &mut Vec<Open<'a, Id>>, done: &mut Vec<TreeItem<'a, Id>>) -> Result<(), DuplicateId>
where
    Id: Clone + Eq + std::hash::Hash,
{
    let Some((_, id, text, children)) = open.pop() else {
        return Ok(());
    };
    let item = TreeItem::new(id, text, children).map_err(|_| DuplicateId)?;
    match open.last_mut() {
        Some((.., siblings)) => siblings.push(item),
        None => done.push(item),
    }
    Ok(())
}

/// Draws the items. The cursor sign and the style both mark the selection.
///
/// # Errors
/// [`DuplicateId`] if two top items have the same identifier; nothing is drawn.
pub fn render<Id>(
    items: &[TreeItem<'_, Id>],
    area: Rect,
    buffer: &mut Buffer,
    state: &mut TreeState<Id>,
    symbols: &Symbols,
    style: TreeStyle,
) -> Result<(), DuplicateId>
where
    Id: Clone + Eq + std::hash::Hash,
{
    let area = area.intersection(buffer.area);
    tui_tree_widget::Tree::new(items)
        .map_err(|_| DuplicateId)?
        .style(style.base)
        .highlight_style(style.selected)
        .highlight_symbol(symbols.cursor)
        .node_closed_symbol(symbols.closed)
        .node_open_symbol(symbols.open)
        .node_no_children_symbol(symbols.leaf)
        .render(area, buffer, state);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol;

    fn row(depth: usize, id: &'static str) -> TreeRow<'static, &'static str> {
        TreeRow { depth, id, text: Line::raw(id) }
    }

    #[test]
    fn rows_nest_by_depth() {
        let items =
            items(vec![row(0, "nodes"), row(1, "Person"), row(2, "name"), row(1, "Team"), row(0, "edges")]).unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].children().len(), 2);
        assert_eq!(items[0].children()[0].children()[0].identifier(), &"name");
    }

    #[test]
    fn equal_siblings_are_refused() {
        assert_eq!(items(vec![row(0, "a"), row(0, "b"), row(1, "c"), row(1, "c")]).unwrap_err(), DuplicateId);
    }

    #[test]
    fn the_selection_shows_without_colour() {
        let items = items(vec![row(0, "nodes"), row(1, "Person"), row(0, "edges")]).unwrap();
        let mut state = TreeState::default();
        state.open(vec!["nodes"]);
        state.select(vec!["nodes", "Person"]);
        let area = Rect::new(0, 0, 12, 3);
        let mut buffer = Buffer::empty(area);
        render(&items, area, &mut buffer, &mut state, &symbol::ASCII, TreeStyle::no_colour()).unwrap();
        let text: Vec<String> = (0..3)
            .map(|y| (0..12).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned())
            .collect();
        assert_eq!(text, [" - nodes", ">    Person", "   edges"]);
        assert!(buffer[(5, 1)].modifier.contains(Modifier::REVERSED));
        for size in [(0, 0), (1, 1), (2, 1)] {
            let area = Rect::new(0, 0, size.0, size.1);
            render(&items, area, &mut Buffer::empty(area), &mut state, &symbol::UNICODE, TreeStyle::no_colour())
                .unwrap();
        }
    }
}
