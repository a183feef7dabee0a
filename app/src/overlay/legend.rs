//! What the signs of a pane mean, for its help.

use stratigraph_widgets::symbol::Symbols;

use crate::overlay::Item;
use crate::screen::{PaneId, ScreenId, history, tables};

/// Which signs a pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signs {
    /// Values of rows.
    Cells,
    /// Values of rows beside former ones.
    Changes,
    /// The commit graph.
    Graph,
}

/// The lines of the legend of a pane, in the glyphs on screen; empty if it shows words alone.
pub(super) fn legend(screen: ScreenId, pane: PaneId, symbols: &Symbols) -> Vec<Item> {
    let signs = match signs(screen, pane) {
        None => return Vec::new(),
        Some(Signs::Cells) => cells(symbols).to_vec(),
        Some(Signs::Changes) => [cells(symbols).as_slice(), &changes(symbols)].concat(),
        Some(Signs::Graph) => graph(symbols),
    };
    let line = |(sign, meaning): (String, &str)| Item { label: sign, text: meaning.to_owned(), action: None };
    signs.into_iter().map(line).collect()
}

fn signs(screen: ScreenId, pane: PaneId) -> Option<Signs> {
    let cells = [tables::ROWS, tables::SCHEMA, tables::INDICES, tables::VERSIONS, tables::RECORD, tables::SQL];
    match screen {
        ScreenId::History if pane == history::COMMITS => Some(Signs::Graph),
        ScreenId::History if pane == history::ROWS => Some(Signs::Changes),
        ScreenId::Tables if [tables::COMPARE, tables::ROW_HISTORY].contains(&pane) => Some(Signs::Changes),
        ScreenId::Tables if cells.contains(&pane) => Some(Signs::Cells),
        ScreenId::Merge if pane == crate::screen::merge::ROW => Some(Signs::Cells),
        ScreenId::History
        | ScreenId::Branches
        | ScreenId::Tables
        | ScreenId::Merge
        | ScreenId::Recovery
        | ScreenId::Jobs => None,
    }
}

fn cells(symbols: &Symbols) -> [(String, &'static str); 4] {
    [
        (symbols.null.to_owned(), "null: there is no value"),
        (symbols.empty.to_owned(), "a text without letters"),
        (symbols.missing.to_owned(), "the table has no such column there"),
        (symbols.not_loaded.to_owned(), "not read yet"),
    ]
}

fn changes(symbols: &Symbols) -> [(String, &'static str); 2] {
    [("+ ~ -".to_owned(), "row inserted, updated, deleted"), (symbols.changed.to_owned(), "this cell changed")]
}

fn graph(symbols: &Symbols) -> Vec<(String, &'static str)> {
    let graph = symbols.graph;
    let bends = |sides: [char; 3]| {
        let [left, right, both] = sides;
        if left == right { left.to_string() } else { format!("{left} {right} {both}") }
    };
    vec![
        (graph.tip.to_string(), "newest commit of its line"),
        (graph.through.to_string(), "commit within its line"),
        (graph.root.to_string(), "oldest commit of its line"),
        (graph.alone.to_string(), "only commit of its line"),
        (graph.fold.to_string(), "several commits in one row; o unfolds them"),
        (graph.outside.to_string(), "the line ends: its parent is not in the list"),
        (graph.elided.to_string(), "the line passes commits that the filter hides"),
        ("+7".to_owned(), "so many lanes beside those on view; h and l go there"),
        (bends(graph.start), "a line goes down to a parent"),
        (bends(graph.end), "a line from above ends at its parent"),
        (bends(graph.join), "a line joins one that goes on"),
        (symbols.mark.to_owned(), "marked (space)"),
        ("!".to_owned(), "something is wrong with this commit; ] goes to the next"),
    ]
}
