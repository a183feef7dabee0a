//! From lanes to characters: the cells of one row.
//!
//! Two columns per lane, lane cell and gap cell. Where a horizontal line crosses a vertical one the lane cell keeps the
//! vertical and only the gaps are horizontal.

use std::fmt;
use std::ops::Range;

use super::dag::EXTERNAL;
use super::glyph::Glyphs;
use super::lanes::{Lanes, Step};
use super::layout::Layout;
use super::rows::RowItem;

/// How many joined edges are looked at to decide the weight of a line.
const JOIN_LIMIT: usize = 256;

/// How strongly a commit or line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub enum Emphasis {
    /// Not in the highlighted ancestry.
    Dim,
    /// No highlight is on.
    #[default]
    Normal,
    /// In the highlighted ancestry.
    Strong,
}

/// How the caller wants the graph drawn; nodes are node numbers of the [`super::Dag`].
#[derive(Clone, Copy)]
pub struct Paint<'a> {
    /// The characters.
    pub glyphs: &'a Glyphs,
    /// Palette index of the branch a commit belongs to.
    pub color: &'a dyn Fn(u32) -> Option<u16>,
    /// Weight of a commit. A line is as strong as the strongest child it leads from.
    pub emphasis: &'a dyn Fn(u32) -> Emphasis,
}

impl fmt::Debug for Paint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paint").field("glyphs", &self.glyphs).finish_non_exhaustive()
    }
}

impl<'a> Paint<'a> {
    /// Draws with these characters, without color and emphasis.
    #[must_use]
    pub fn plain(glyphs: &'a Glyphs) -> Self {
        Self { glyphs, color: &|_| None, emphasis: &|_| Emphasis::Normal }
    }
}

/// One character of the graph column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The character; a space where nothing is drawn.
    pub glyph: char,
    /// Palette index of the line or commit.
    pub color: Option<u16>,
    /// Weight of the line or commit.
    pub emphasis: Emphasis,
}

impl Cell {
    /// A cell in which nothing is drawn.
    pub const EMPTY: Self = Self { glyph: ' ', color: None, emphasis: Emphasis::Normal };
}

/// The graph column of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphRow {
    /// What stands in the row.
    pub item: RowItem,
    /// Lane of the commit, 0 at the left.
    pub lane: usize,
    /// Lane and gap cells in turn, `2 × lanes - 1` of them: cell `2 × lane` is the lane's.
    pub cells: Vec<Cell>,
}

impl GraphRow {
    /// Returns the number of lanes drawn in this row, up to the last one in use.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.cells.len().div_ceil(2)
    }

    /// Returns whether anything is drawn in a lane.
    #[must_use]
    pub fn uses(&self, lane: usize) -> bool {
        self.cells.get(lane * 2).is_some_and(|cell| cell.glyph != ' ')
    }
}

/// The characters without trailing spaces.
impl fmt::Display for GraphRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.cells.iter().map(|cell| cell.glyph).collect();
        f.pad(text.trim_end())
    }
}

/// Builds the cells of `row` from the lanes above it, those of them that are seen, and what the row did to them.
pub(super) fn build(
    layout: &Layout,
    paint: &Paint<'_>,
    row: u32,
    (before, seen): (&Lanes, &Range<usize>),
    step: &Step,
) -> GraphRow {
    let item = layout.rows().item(row).expect("a window ends with the list");
    let brush = Brush { layout, paint };
    let lane = step.lane as usize;
    let mut bends = brush.bends(before, step);
    let leftmost = bends.iter().map(|bend| bend.lane).fold(lane, usize::min);
    let rightmost = bends.iter().map(|bend| bend.lane).fold(lane, usize::max);
    let passing = (0..before.waits.len()).rev().find(|&lane| before.line(lane).is_some());
    let mut cells = vec![Cell::EMPTY; rightmost.max(passing.unwrap_or(0)) * 2 + 1];
    bends.sort_by_key(|bend| std::cmp::Reverse(bend.lane.abs_diff(lane)));
    for bend in &bends {
        for cell in &mut cells[bend.lane.min(lane) * 2 + 1..bend.lane.max(lane) * 2] {
            *cell = Cell { glyph: paint.glyphs.horizontal, ..bend.cell };
        }
    }
    for passed in 0..before.waits.len() {
        if let Some(cell) = brush.passing(before, passed, seen.contains(&passed)) {
            cells[passed * 2] = cell;
        }
    }
    for bend in &bends {
        let side = match (bend.lane > leftmost, bend.lane < rightmost) {
            (true, true) => 2,
            (true, false) => 0,
            (false, true | false) => 1,
        };
        cells[bend.lane * 2] = Cell { glyph: bend.glyphs[side], ..bend.cell };
    }
    cells[lane * 2] = brush.commit(item, step);
    GraphRow { item, lane, cells }
}

/// A lane in which a horizontal line ends.
struct Bend {
    lane: usize,
    glyphs: [char; 3],
    cell: Cell,
}

struct Brush<'a> {
    layout: &'a Layout,
    paint: &'a Paint<'a>,
}

impl Brush<'_> {
    fn bends(&self, before: &Lanes, step: &Step) -> Vec<Bend> {
        let glyphs = self.paint.glyphs;
        let ended = step.ended.iter().map(|&lane| Bend {
            lane: lane as usize,
            glyphs: glyphs.end,
            cell: self.line(before.last_edge[lane as usize]),
        });
        let edge_bend =
            |glyphs| move |&(lane, edge): &(u32, u32)| Bend { lane: lane as usize, glyphs, cell: self.edge(edge) };
        let started = step.started.iter().map(edge_bend(glyphs.start));
        let joined = step.joined.iter().map(edge_bend(glyphs.join));
        ended.chain(started).chain(joined).collect()
    }

    fn commit(&self, item: RowItem, step: &Step) -> Cell {
        let glyphs = self.paint.glyphs;
        let glyph = match (item, step.above, step.below) {
            (RowItem::Fold { .. }, _, _) => glyphs.fold,
            (RowItem::Commit(_), true, true) => glyphs.through,
            (RowItem::Commit(_), false, true) => glyphs.tip,
            (RowItem::Commit(_), true, false) => glyphs.root,
            (RowItem::Commit(_), false, false) => glyphs.alone,
        };
        let node = item.node();
        Cell { glyph, color: (self.paint.color)(node), emphasis: (self.paint.emphasis)(node) }
    }

    fn passing(&self, before: &Lanes, lane: usize, is_seen: bool) -> Option<Cell> {
        let edge = before.line(lane)?;
        let glyph = match (edge.target() == EXTERNAL, edge.is_elided()) {
            (true, _) => self.paint.glyphs.outside,
            (false, true) => self.paint.glyphs.elided,
            (false, false) => self.paint.glyphs.vertical,
        };
        let looks = if is_seen { self.line(before.last_edge[lane]) } else { Cell::EMPTY };
        Some(Cell { glyph, ..looks })
    }

    /// The look of a line in which `last` is the edge that joined last: color of the edge that opened it, weight of the strongest.
    fn line(&self, last: u32) -> Cell {
        let mut cell = self.edge(last);
        let mut edge = last;
        for _ in 0..JOIN_LIMIT {
            let Some(before) = self.layout.joined_before(edge) else {
                break;
            };
            let earlier = self.edge(before);
            cell = Cell { emphasis: cell.emphasis.max(earlier.emphasis), ..earlier };
            edge = before;
        }
        cell
    }

    /// The look of one edge: to a first parent the color of the child, to another parent that of the parent.
    fn edge(&self, number: u32) -> Cell {
        let rows = self.layout.rows();
        let child = rows.child_of(number);
        let index = number - rows.first_edge(child);
        let parent = rows.edges(child).get(index as usize).and_then(|edge| edge.row());
        let child = rows.item(child).map_or(0, RowItem::node);
        let owner = parent.filter(|_| index > 0).and_then(|row| rows.item(row)).map_or(child, RowItem::node);
        Cell { glyph: ' ', color: (self.paint.color)(owner), emphasis: (self.paint.emphasis)(child) }
    }
}
