//! Trees: a thin layer over `tui-tree-widget`.
//!
//! It fixes what every tree of the program has in common (signs, selection that shows without color) and builds items from
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
    /// Returns a style without colors: the selected row is reversed.
    #[must_use]
    pub fn no_color() -> Self {
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

/// A row of a tree of which only a part is on view.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldRow<'a, Id> {
    /// The row.
    pub row: TreeRow<'a, Id>,
    /// Whether it shows what is below it.
    pub fold: Fold,
}

/// Whether a row shows what is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// Nothing is below it.
    Leaf,
    /// The rows below it follow.
    Open,
    /// The rows below it are not among those given.
    Closed,
}

/// Draws the rows from `first` on, without those that do not fit in; the rows before are there because they are above some of these
/// in the tree. A caller with many rows gives those on view, and the rows they are under.
///
/// # Errors
/// [`DuplicateId`] if two siblings have the same identifier; nothing is drawn.
pub fn render_from<Id>(
    rows: Vec<FoldRow<'_, Id>>,
    first: usize,
    selected: Option<usize>,
    (area, buffer): (Rect, &mut Buffer),
    symbols: &Symbols,
    style: TreeStyle,
) -> Result<(), DuplicateId>
where
    Id: Clone + Eq + std::hash::Hash,
{
    let mut state = TreeState::default();
    let mut path: Vec<Id> = Vec::new();
    for (at, FoldRow { row, fold }) in rows.iter().enumerate() {
        path.truncate(row.depth);
        path.push(row.id.clone());
        if *fold == Fold::Open {
            state.open(path.clone());
        }
        if selected == Some(at) {
            state.select(path.clone());
        }
    }
    let items = items(with_placeholders(rows))?;
    // The widget learns how many rows there are when it draws; only then can it be scrolled.
    render(&items, area, &mut Buffer::empty(area), &mut state, symbols, style)?;
    let offset = state.get_offset();
    if offset > first {
        state.scroll_up(offset - first);
    } else {
        state.scroll_down(first - offset);
    }
    render(&items, area, buffer, &mut state, symbols, style)
}

/// A row without rows below it has no sign of something to open or close, so one is put there that is never on view: below a closed
/// row, and at the end.
fn with_placeholders<Id: Clone>(rows: Vec<FoldRow<'_, Id>>) -> Vec<TreeRow<'_, Id>> {
    let count = rows.len();
    let mut all = Vec::with_capacity(2 * count);
    for (at, FoldRow { row, fold }) in rows.into_iter().enumerate() {
        let below = TreeRow { depth: row.depth + 1, id: row.id.clone(), text: Line::default() };
        all.push(row);
        if fold == Fold::Closed || (fold == Fold::Open && at + 1 == count) {
            all.push(below);
        }
    }
    all
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

    /// What is drawn of rows in three lines.
    fn drawn(rows: &[(usize, &'static str, Fold)], first: usize, selected: usize) -> Vec<String> {
        let rows = rows.iter().map(|(depth, id, fold)| FoldRow { row: row(*depth, id), fold: *fold }).collect();
        let area = Rect::new(0, 0, 10, 3);
        let mut buffer = Buffer::empty(area);
        let (style, symbols) = (TreeStyle::no_color(), &symbol::ASCII);
        render_from(rows, first, Some(selected), (area, &mut buffer), symbols, style).unwrap();
        let line = |y| (0..10).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..3).map(line).collect()
    }

    #[test]
    fn rows_on_view_are_drawn_below_those_they_are_under() {
        use Fold::{Closed, Leaf, Open};
        let rows = [(0, "a", Open), (1, "b", Open), (2, "c", Leaf), (2, "d", Leaf), (1, "e", Closed), (0, "f", Open)];
        assert_eq!(drawn(&rows, 0, 1), [" - a", ">  - b", "       c"]);
        assert_eq!(drawn(&rows, 2, 3), ["       c", ">      d", "   + e"]);
        assert_eq!(drawn(&rows, 3, 5), ["       d", "   + e", ">- f"]);
    }

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
    fn the_selection_shows_without_color() {
        let items = items(vec![row(0, "nodes"), row(1, "Person"), row(0, "edges")]).unwrap();
        let mut state = TreeState::default();
        state.open(vec!["nodes"]);
        state.select(vec!["nodes", "Person"]);
        let area = Rect::new(0, 0, 12, 3);
        let mut buffer = Buffer::empty(area);
        render(&items, area, &mut buffer, &mut state, &symbol::ASCII, TreeStyle::no_color()).unwrap();
        let text: Vec<String> = (0..3)
            .map(|y| (0..12).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned())
            .collect();
        assert_eq!(text, [" - nodes", ">    Person", "   edges"]);
        assert!(buffer[(5, 1)].modifier.contains(Modifier::REVERSED));
        for size in [(0, 0), (1, 1), (2, 1)] {
            let area = Rect::new(0, 0, size.0, size.1);
            render(&items, area, &mut Buffer::empty(area), &mut state, &symbol::UNICODE, TreeStyle::no_color())
                .unwrap();
        }
    }
}
