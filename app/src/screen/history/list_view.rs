//! Drawing of the list of commits: graph, id, labels, summary, actor, age.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use stratigraph_engine::Commit;
use stratigraph_widgets::commit_dag::{Emphasis, FoldKind, GraphRow, GraphStyle, Paint, RowItem};
use stratigraph_widgets::width::{Align, escape, fit, width};

use super::chart::Chart;
use super::commits::Commits;
use super::log::PALETTE;
use crate::action::TermKind;
use crate::matcher::Matcher;
use crate::screen::{PaneId, ScreenId};
use crate::state::Shared;
use crate::summary::Summaries;
use crate::theme::{Depth, Role};
use crate::view::{Canvas, Target, age, grouped};

/// Columns left of the graph: cursor and mark.
const SIGNS: usize = 2;
/// Columns of an age.
const AGE: usize = 4;
/// Narrower panes leave the actor to the details.
const WITH_ACTOR: usize = 64;

/// Where the columns of a row are, from the left edge of the pane; a width of 0 leaves a column out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    graph: usize,
    id: usize,
    labels: usize,
    summary: usize,
    actor: usize,
}

impl Columns {
    fn new(pane: usize, graph: usize, id: usize, chart: &Chart) -> Self {
        let fixed = SIGNS + graph + 1 + id + 1 + AGE + 1;
        let rest = pane.saturating_sub(fixed);
        let actor = if pane >= WITH_ACTOR { chart.actor_width() } else { 0 };
        let rest = rest.saturating_sub(if actor > 0 { actor + 1 } else { 0 });
        // The details tell labels in full; the summary needs the room more.
        let labels = chart.label_width().min((rest * 3 / 10).max(8)).min(rest / 2);
        let summary = rest.saturating_sub(if labels > 0 { labels + 1 } else { 0 });
        Self { graph, id, labels, summary, actor }
    }
}

/// What all rows of a picture share.
struct Picture<'a> {
    list: &'a Commits,
    chart: &'a Chart,
    summaries: Summaries<'a>,
    columns: Columns,
    search: Option<&'a Matcher>,
    now_micros: i64,
}

/// Draws the rows and makes them clickable.
pub(super) fn draw(
    list: &Commits,
    shared: &Shared,
    pane: PaneId,
    area: Rect,
    focused: bool,
    canvas: &mut Canvas<'_, '_>,
) {
    let Some(chart) = list.chart() else { return };
    let window = list.cursor().window(chart.len(), usize::from(area.height));
    let log = chart.log();
    let symbols = canvas.theme().symbols();
    let colors = canvas.theme().depth != Depth::None;
    let color = |node: u32| log.commit(node).filter(|_| colors).map(|commit| log.color(&commit.branch));
    let emphasis = |node: u32| list.related.emphasis(node);
    let paint = Paint { glyphs: symbols.graph, color: &color, emphasis: &emphasis };
    let viewport = list.viewport(usize::from(area.width));
    let lanes = viewport.first_lane..viewport.first_lane + viewport.lanes;
    let graph = chart.layout().window_of(window.start as u32..window.end as u32, lanes, &paint);
    let ids: Vec<String> = graph.iter().map(|row| id_text(chart, row.item)).collect();
    let id = ids.iter().map(String::len).max().unwrap_or(0).max(6);
    let columns = Columns::new(usize::from(area.width), viewport.width(), id, chart);
    let search = shared.terms.matcher(ScreenId::History, pane, TermKind::Search);
    let now_micros = shared.now.utc_micros;
    let picture = Picture { list, chart, summaries: log.summaries(), columns, search, now_micros };
    let style = graph_style(canvas);
    for (((row, graph), id), y) in window.zip(&graph).zip(&ids).zip(area.y..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        let graph_line = graph.to_line(viewport, &style);
        canvas.render(graph_line, shifted(line, SIGNS, columns.graph));
        picture.row(row, graph, id, line, canvas);
        canvas.hit(line, Target::Row { pane, index: row });
        if row == list.cursor().row {
            canvas.select(line, focused);
        }
    }
}

fn graph_style(canvas: &Canvas<'_, '_>) -> GraphStyle {
    let theme = canvas.theme();
    let palette =
        if theme.depth == Depth::None { Vec::new() } else { (0..PALETTE).map(|lane| theme.lane(lane)).collect() };
    GraphStyle {
        palette,
        base: canvas.style(Role::Text),
        strong: Style::new().add_modifier(Modifier::BOLD),
        dim: canvas.style(Role::Dim),
        gutter: canvas.style(Role::Warning),
    }
}

fn id_text(chart: &Chart, item: RowItem) -> String {
    match item {
        RowItem::Commit(node) => {
            chart.log().commit(node).map_or_else(String::new, |commit| chart.log().graph().short_id(commit.id))
        }
        RowItem::Fold { .. } => String::new(),
    }
}

/// The part of a line that begins `left` columns in and is `columns` wide.
fn shifted(line: Rect, left: usize, columns: usize) -> Rect {
    let left = u16::try_from(left).unwrap_or(u16::MAX).min(line.width);
    let wide = u16::try_from(columns).unwrap_or(u16::MAX).min(line.width - left);
    Rect { x: line.x + left, width: wide, ..line }
}

impl Picture<'_> {
    fn row(&self, row: usize, graph: &GraphRow, id: &str, line: Rect, canvas: &mut Canvas<'_, '_>) {
        let symbols = canvas.theme().symbols();
        let node = graph.item.node();
        let Some(commit) = self.chart.log().commit(node) else { return };
        let cursor = if row == self.list.cursor().row { symbols.cursor } else { " " };
        canvas.line(shifted(line, 0, 1), cursor, Role::Text);
        let folded = matches!(graph.item, RowItem::Fold { .. });
        if !folded && self.list.marks.all().contains(&commit.id) {
            canvas.line(shifted(line, 1, 1), symbols.mark, Role::Marked);
        }
        let emphasis = self.list.related.emphasis(node);
        let mut left = SIGNS + self.columns.graph + 1;
        self.put(canvas, line, left, self.columns.id, id, Role::Dim, emphasis);
        left += self.columns.id + 1;
        if self.columns.labels > 0 {
            self.labels(canvas, shifted(line, left, self.columns.labels), commit, folded);
            left += self.columns.labels + 1;
        }
        let (text, role) = self.summary(graph.item, commit, canvas);
        self.put(canvas, line, left, self.columns.summary, &text, role, emphasis);
        left += self.columns.summary + 1;
        if self.columns.actor > 0 && !folded {
            let actor = commit.actor.as_deref().unwrap_or_default();
            self.put(canvas, line, left, self.columns.actor, actor, Role::Dim, emphasis);
        }
        left += if self.columns.actor > 0 { self.columns.actor + 1 } else { 0 };
        let age = age(commit.created_at_micros, self.now_micros);
        self.put(canvas, line, left, AGE, &age, Role::Dim, emphasis);
    }

    fn summary(&self, item: RowItem, commit: &Commit, canvas: &Canvas<'_, '_>) -> (String, Role) {
        let theme = canvas.theme();
        let missing = self.chart.log().problems().missing_parents(commit.id);
        let broken = if missing.is_empty() { "" } else { "! " };
        match item {
            RowItem::Fold { count, kind: FoldKind::Run, .. } => {
                (format!("{} commits", grouped(count.into())), Role::Dim)
            }
            RowItem::Fold { count, kind: FoldKind::Side, .. } => {
                (format!("{} commits of {}", grouped(count.into()), commit.branch), Role::Dim)
            }
            RowItem::Commit(_) => match self.chart.log().summary(&self.summaries, commit) {
                Some(summary) => (format!("{broken}{}", summary.text(theme.arrow())), Role::Text),
                None => (theme.symbols().not_loaded.to_owned(), Role::Dim),
            },
        }
    }

    /// The first label, cut inside its brackets, and how many more there are.
    fn labels(&self, canvas: &mut Canvas<'_, '_>, area: Rect, commit: &Commit, folded: bool) {
        let labels = self.chart.log().labels(commit.id);
        let Some(first) = labels.first().filter(|_| !folded) else { return };
        let more = if labels.len() > 1 { format!("+{}", labels.len() - 1) } else { String::new() };
        let room = usize::from(area.width).saturating_sub(2 + width(&more));
        let ellipsis = canvas.theme().symbols().ellipsis;
        let name = stratigraph_widgets::width::truncate(&escape(first.as_str()), room, ellipsis).into_owned();
        let style = match canvas.theme().depth {
            Depth::None => canvas.style(Role::Title),
            Depth::Named | Depth::Indexed | Depth::True => {
                canvas.theme().lane(usize::from(self.chart.log().color(first))).add_modifier(Modifier::BOLD)
            }
        };
        canvas.buffer().set_stringn(area.x, area.y, format!("[{name}]{more}"), usize::from(area.width), style);
    }

    #[expect(clippy::too_many_arguments, reason = "a cell is a place, a text and its looks")]
    fn put(
        &self,
        canvas: &mut Canvas<'_, '_>,
        line: Rect,
        left: usize,
        columns: usize,
        text: &str,
        role: Role,
        emphasis: Emphasis,
    ) {
        let area = shifted(line, left, columns);
        if area.area() == 0 {
            return;
        }
        let style = match emphasis {
            Emphasis::Normal => canvas.style(role),
            Emphasis::Dim => canvas.style(role).patch(canvas.style(Role::Dim)),
            Emphasis::Strong => canvas.style(Role::Text).add_modifier(Modifier::BOLD),
        };
        let shown = fit(&escape(text), usize::from(area.width), Align::Left, canvas.theme().symbols().ellipsis);
        let matches = canvas.style(Role::Match);
        canvas.buffer().set_stringn(area.x, area.y, &shown, usize::from(area.width), style);
        for range in self.search.map(|matcher| matcher.ranges(&shown)).unwrap_or_default() {
            let start = width(&shown[..range.start]);
            let found = shifted(area, start, width(&shown[range]));
            canvas.buffer().set_style(found, matches);
        }
    }
}
