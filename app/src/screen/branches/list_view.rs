//! Drawing of the list of branches: name, head, age, ahead, behind, tables, interrupted writes.

use ratatui::layout::Rect;
use stratigraph_widgets::width::{Align, escape, fit, width};

use super::details::Standing;
use super::list::List;
use super::request::Facts;
use super::{Branches, LIST};
use crate::action::TermKind;
use crate::matcher::Matcher;
use crate::screen::{ScreenId, first_line};
use crate::state::Shared;
use crate::theme::Role;
use crate::view::{Canvas, Target, age, grouped};
use crate::walk::Divergence;

/// Columns left of the name: cursor and mark.
const SIGNS: usize = 2;
/// Columns of an age.
const AGE: usize = 4;
/// A name gets at least this much before other columns are left to the details.
const NAME: usize = 16;

/// A column right of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Head,
    Age,
    Ahead,
    Behind,
    Tables,
    Pending,
}

impl Column {
    /// From left to right.
    const ALL: [Self; 6] = [Self::Head, Self::Age, Self::Ahead, Self::Behind, Self::Tables, Self::Pending];

    /// The order in which they give way in a narrow pane.
    const GIVE_WAY: [Self; 5] = [Self::Tables, Self::Head, Self::Age, Self::Behind, Self::Ahead];

    fn title(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Age => "age",
            Self::Ahead => "ahead",
            Self::Behind => "behind",
            Self::Tables => "tables",
            Self::Pending => "!",
        }
    }

    fn align(self) -> Align {
        match self {
            Self::Head => Align::Left,
            Self::Age | Self::Ahead | Self::Behind | Self::Tables | Self::Pending => Align::Right,
        }
    }

    fn text(self, facts: &Facts, standing: Standing, now_micros: i64, ellipsis: &str) -> String {
        let count = |pick: fn(Divergence) -> usize| match standing {
            Standing::Main => String::new(),
            Standing::Counting => ellipsis.to_owned(),
            Standing::Known(divergence) => grouped(pick(divergence) as u64),
            Standing::Unknown => "?".to_owned(),
        };
        match self {
            Self::Head if facts.branch.broken.is_some() => "broken".to_owned(),
            Self::Head => facts.head.as_ref().map_or_else(|| "?".to_owned(), |head| head.short_id.clone()),
            Self::Age => {
                facts.head.as_ref().map_or_else(String::new, |head| age(head.commit.created_at_micros, now_micros))
            }
            Self::Ahead => count(|divergence| divergence.ahead),
            Self::Behind => count(|divergence| divergence.behind),
            Self::Tables => facts.branch.owned_tables.len().to_string(),
            Self::Pending if facts.pending == 0 => String::new(),
            Self::Pending => format!("!{}", facts.pending),
        }
    }

    fn role(self, facts: &Facts, standing: Standing) -> Role {
        match (self, standing) {
            (Self::Head, _) if facts.branch.broken.is_some() => Role::Error,
            (Self::Head | Self::Age, _) => Role::Dim,
            (Self::Ahead | Self::Behind, Standing::Counting | Standing::Unknown) => Role::Dim,
            (Self::Ahead | Self::Behind, Standing::Main | Standing::Known(_)) | (Self::Tables, _) => Role::Text,
            (Self::Pending, _) => Role::Warning,
        }
    }
}

/// Where the columns are; a width of 0 leaves a column out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Columns {
    name: usize,
    others: Vec<(Column, usize)>,
}

impl Columns {
    /// Places the columns for these cells. Those that find no room beside the names are left out.
    fn new(pane: usize, names: usize, widths: impl Fn(Column) -> usize, pending: bool) -> Self {
        let mut others: Vec<(Column, usize)> = Column::ALL
            .into_iter()
            .filter(|column| pending || *column != Column::Pending)
            .map(|column| (column, widths(column).max(column.title().len())))
            .collect();
        let taken = |others: &[(Column, usize)]| SIGNS + others.iter().map(|(_, wide)| wide + 1).sum::<usize>();
        for column in Column::GIVE_WAY {
            if pane < taken(&others) + names.min(NAME) {
                others.retain(|(other, _)| *other != column);
            }
        }
        let room = pane.saturating_sub(taken(&others));
        Self { name: names.max(Branches::TITLE.len()).min(room), others }
    }
}

/// How wide the columns of the rows on view and off view are: known before a frame is drawn, because there may be many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Widths {
    names: usize,
    head: usize,
    ahead: usize,
    behind: usize,
    tables: usize,
    pending: usize,
}

impl Widths {
    /// Measures what the filter leaves.
    pub(super) fn of(screen: &Branches) -> Self {
        let mut widths = Self::default();
        for facts in screen.list.shown() {
            let known = match screen.standing(facts) {
                Standing::Known(divergence) => divergence,
                Standing::Main | Standing::Counting | Standing::Unknown => Divergence::default(),
            };
            let head = facts.head.as_ref().map_or(1, |head| width(&head.short_id));
            widths.names = widths.names.max(width(&escape(facts.branch.name.as_str())));
            widths.head = widths.head.max(head);
            // The largest number is the widest.
            widths.ahead = widths.ahead.max(known.ahead);
            widths.behind = widths.behind.max(known.behind);
            widths.tables = widths.tables.max(facts.branch.owned_tables.len());
            widths.pending = widths.pending.max(facts.pending);
        }
        let columns = |count: usize| grouped(count as u64).len();
        let (ahead, behind) = (columns(widths.ahead), columns(widths.behind));
        let pending = if widths.pending == 0 { 0 } else { 1 + widths.pending.to_string().len() };
        Self { ahead, behind, tables: widths.tables.to_string().len(), pending, ..widths }
    }

    fn column(self, column: Column) -> usize {
        match column {
            Column::Head => self.head,
            Column::Age => AGE,
            Column::Ahead => self.ahead,
            Column::Behind => self.behind,
            Column::Tables => self.tables,
            Column::Pending => self.pending,
        }
    }
}

/// One row's cells besides the name.
struct Cells<'a> {
    facts: &'a Facts,
    standing: Standing,
}

/// Draws header and rows and makes the rows clickable.
pub(super) fn draw(screen: &Branches, shared: &Shared, area: Rect, focused: bool, canvas: &mut Canvas<'_, '_>) {
    let list = &screen.list;
    let (header, body) = first_line(area);
    let now_micros = shared.now.utc_micros;
    let widths = screen.widths;
    let widest = |column| widths.column(column);
    let columns = Columns::new(usize::from(area.width), widths.names, widest, widths.pending > 0);
    draw_header(&columns, header, canvas);
    let search = shared.terms.matcher(ScreenId::Branches, LIST, TermKind::Search);
    let window = list.cursor().window(list.len(), usize::from(body.height));
    for (row, y) in window.zip(body.y..body.bottom()) {
        let Some(facts) = list.row(row) else { continue };
        let line = Rect { y, height: 1, ..body };
        let cells = Cells { facts, standing: screen.standing(facts) };
        let selected = row == list.cursor().row;
        draw_signs(list, facts, selected, line, canvas);
        draw_name(facts, columns.name, search, line, canvas);
        draw_cells(&cells, &columns, now_micros, line, canvas);
        canvas.hit(line, Target::Row { pane: LIST, index: row });
        if selected {
            canvas.select(line, focused);
        }
    }
}

fn draw_header(columns: &Columns, line: Rect, canvas: &mut Canvas<'_, '_>) {
    let mut text = format!("{}{}", " ".repeat(SIGNS), fit(Branches::TITLE, columns.name, Align::Left, ""));
    for (column, wide) in &columns.others {
        text = format!("{text} {}", fit(column.title(), *wide, column.align(), ""));
    }
    canvas.line(line, text, Role::Title);
}

fn draw_signs(list: &List, facts: &Facts, selected: bool, line: Rect, canvas: &mut Canvas<'_, '_>) {
    let symbols = canvas.theme().symbols();
    canvas.line(part(line, 0, 1), if selected { symbols.cursor } else { " " }, Role::Text);
    if list.marks.all().contains(&facts.branch.name) {
        canvas.line(part(line, 1, 1), symbols.mark, Role::Marked);
    }
}

fn draw_name(facts: &Facts, columns: usize, search: Option<&Matcher>, line: Rect, canvas: &mut Canvas<'_, '_>) {
    let role = if facts.branch.name.is_main() { Role::Title } else { Role::Text };
    let area = part(line, SIGNS, columns);
    let shown = fit(&escape(facts.branch.name.as_str()), columns, Align::Left, canvas.theme().symbols().ellipsis);
    canvas.line(area, &shown, role);
    let style = canvas.style(Role::Match);
    for range in search.map(|matcher| matcher.ranges(&shown)).unwrap_or_default() {
        let found = part(area, width(&shown[..range.start]), width(&shown[range]));
        canvas.buffer().set_style(found, style);
    }
}

fn draw_cells(cells: &Cells<'_>, columns: &Columns, now_micros: i64, line: Rect, canvas: &mut Canvas<'_, '_>) {
    let ellipsis = canvas.theme().symbols().ellipsis;
    let mut left = SIGNS + columns.name + 1;
    for (column, wide) in &columns.others {
        let text = column.text(cells.facts, cells.standing, now_micros, ellipsis);
        let text = fit(&text, *wide, column.align(), ellipsis);
        canvas.line(part(line, left, *wide), text, column.role(cells.facts, cells.standing));
        left += wide + 1;
    }
}

/// The part of a line that begins `left` columns in and is `columns` wide.
fn part(line: Rect, left: usize, columns: usize) -> Rect {
    let left = u16::try_from(left).unwrap_or(u16::MAX).min(line.width);
    let wide = u16::try_from(columns).unwrap_or(u16::MAX).min(line.width - left);
    Rect { x: line.x + left, width: wide, ..line }
}
