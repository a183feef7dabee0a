//! The commit graph of `log --graph`: the same order, lanes and glyphs as on screen.

use stratigraph_engine::{BranchName, CommitGraph};
use stratigraph_widgets::commit_dag::{Dag, EXTERNAL, Emphasis, GraphRow, Layout, Paint, RowItem, Rows, filter, order};

use super::output::{Cell, Out};

/// Colors a branch can have; the first one is main's.
const LANE_COLORS: u32 = 8;

/// Draws the visible commits, newest first, at most `limit` of them: position in the history and graph column.
///
/// Commits left out between two visible ones become a dotted line.
pub(super) fn draw(
    out: &Out,
    history: &CommitGraph,
    visible: &dyn Fn(usize) -> bool,
    limit: usize,
) -> Vec<(usize, Cell)> {
    let commits = history.commits();
    let dag = dag_of(history);
    let order = order::topological(&dag, |node| commits[node as usize].id);
    let shows_all = (0..commits.len()).all(visible);
    let rows =
        if shows_all { Rows::all(&dag, &order) } else { filter::filter(&dag, &order, |node| visible(node as usize)) };
    let main = history.heads().get(&BranchName::main()).and_then(|head| history.position(*head));
    let chain = main.map_or_else(Default::default, |main| dag.first_parent_chain(node_number(main)));
    let glyphs = out.theme().symbols().graph;
    let color = |node: u32| Some(color_of(&commits[node as usize].branch));
    let paint = Paint { glyphs, color: &color, emphasis: &|_| Emphasis::Normal };
    let end = u32::try_from(limit).unwrap_or(u32::MAX);
    let window = Layout::new(rows, chain).window(0..end, &paint);
    window.iter().filter_map(|row| Some((commit_of(row)?, cell(out, row)))).collect()
}

fn dag_of(history: &CommitGraph) -> Dag {
    let mut dag = Dag::with_capacity(history.commits().len());
    for commit in history.commits() {
        let parent = |id| history.position(id).map_or(EXTERNAL, node_number);
        dag.push(commit.created_at_micros, &commit.parents().map(parent).collect::<Vec<_>>());
    }
    dag
}

fn node_number(position: usize) -> u32 {
    u32::try_from(position).expect("a history has fewer than 2^31 commits")
}

fn commit_of(row: &GraphRow) -> Option<usize> {
    match row.item {
        RowItem::Commit(node) => Some(node as usize),
        RowItem::Fold { .. } => None,
    }
}

/// The same branch has the same color in every run: FNV-1a of its name.
fn color_of(branch: &BranchName) -> u16 {
    if branch.is_main() {
        return 0;
    }
    let hash =
        branch.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    u16::try_from(1 + hash % (LANE_COLORS - 1)).expect("there are few colors")
}

fn cell(out: &Out, row: &GraphRow) -> Cell {
    let paint = |cell: &stratigraph_widgets::commit_dag::Cell| match cell.color {
        Some(color) if cell.glyph != ' ' => out.paint(out.theme().lane(color.into()), cell.glyph),
        Some(_) | None => cell.glyph.to_string(),
    };
    Cell::painted(row.cells.iter().map(paint).collect(), row.cells.len())
}
