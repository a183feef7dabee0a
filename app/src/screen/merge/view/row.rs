//! The row of a conflict in three states and as it is merged; and the rows it is about besides.

use ratatui::layout::Rect;
use stratigraph_engine::merge::{Choice, Conflict, ConflictDetail, ConflictKind, Side, ThreeRows};
use stratigraph_engine::{Row, Value};
use stratigraph_widgets::data_table::CellText;
use stratigraph_widgets::width::{Align, escape, width};

use super::{TextLine, column, failure_text, last_line, text, wrapped};
use crate::screen::first_line;
use crate::screen::merge::cells::{Line, Merged, SHOWN, row};
use crate::screen::merge::resolve::{from_sign, is_about_edges};
use crate::screen::merge::{Merge, Pair, RELATED, ROW, cells, words};
use crate::state::{Arrangement, Shared};
use crate::theme::{GlyphSet, Role, Theme};
use crate::view::cell::{cell, whole};
use crate::view::{Canvas, Target};

/// Lines of the pane that are no lines of the row: what is wrong, the titles, and what was decided.
pub(in crate::screen::merge) const FURNITURE: usize = 3;

/// Below this width only target and source are shown, and the rest of the selected cell below them.
const NARROW: u16 = 56;

pub(super) fn draw(screen: &Merge, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
    draw_row(screen, shared, panes, canvas);
    if let Some(inner) = canvas.pane(panes, RELATED, "Also concerned") {
        let lines = wrapped(related_lines(screen, shared.theme), usize::from(inner.width));
        text(&lines, screen.row.related, inner, canvas);
    }
}

fn draw_row(screen: &Merge, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
    let selected = screen.selected();
    let title = selected.map_or_else(|| "Conflict".to_owned(), |(conflict, _)| title(conflict, shared.theme));
    let Some(inner) = canvas.pane(panes, ROW, &title) else { return };
    let (Some((conflict, rows)), Some(preview)) = (selected, &screen.preview) else {
        canvas.line(inner, "select a conflict on the left, ] goes to the next open one", Role::Dim);
        return;
    };
    let (head, rest) = first_line(inner);
    let (body, foot) = last_line(rest);
    let (reason, role) = reason(screen, conflict, rows, &preview.pair, shared.theme);
    canvas.line(head, reason, role);
    draw_foot(screen, conflict, shared, foot, canvas);
    if let Some(failure) = &screen.row.failure {
        let lines = wrapped(vec![(failure_text(failure), Role::Error)], usize::from(body.width));
        text(&lines, crate::cursor::Cursor::default(), body, canvas);
    } else if rows.is_none() {
        canvas.line(body, "reading its rows", Role::Dim);
    } else {
        draw_lines(screen, conflict, &preview.pair, (shared, panes.focus == ROW), body, canvas);
    }
}

fn title(conflict: &Conflict, theme: Theme) -> String {
    let key = &conflict.key;
    format!("{} {}{}{}", key.table, escape(&key.id), theme.dot(), words::kind(key.kind))
}

/// What is wrong, and because of which choice.
fn reason(
    screen: &Merge,
    conflict: &Conflict,
    rows: Option<&[ThreeRows]>,
    pair: &Pair,
    theme: Theme,
) -> (String, Role) {
    let own = rows.and_then(<[ThreeRows]>::first);
    let text = match (conflict.key.kind, own) {
        (ConflictKind::DeleteVsUpdate, Some(own)) if own.source.is_none() => {
            format!("{} deleted it, {} changed it", pair.source, pair.target)
        }
        (ConflictKind::DeleteVsUpdate, Some(_)) => format!("{} deleted it, {} changed it", pair.target, pair.source),
        (
            ConflictKind::DeleteVsUpdate
            | ConflictKind::DivergentInsert
            | ConflictKind::DivergentUpdate
            | ConflictKind::OrphanEdge
            | ConflictKind::UniqueViolation
            | ConflictKind::CardinalityViolation
            | ConflictKind::ValueConstraintViolation,
            _,
        ) => conflict.detail.to_string(),
    };
    let cause = screen.deciding.as_ref().and_then(|deciding| words::cause(deciding, conflict, from_sign(theme)));
    match cause {
        Some(cause) => (format!("! {text}, {cause}"), Role::Warning),
        None => (text, Role::Text),
    }
}

/// What was decided and by whom, else what can be done.
fn draw_foot(screen: &Merge, conflict: &Conflict, shared: &Shared, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let Some(deciding) = &screen.deciding else { return };
    let (from, arrow) = (from_sign(shared.theme), shared.theme.arrow());
    let text = match (deciding.decision(conflict), deciding.partial(&conflict.key)) {
        (Some(decision), _) => {
            let by = words::by(decision, shared.writing.actor.as_deref(), arrow, from);
            match (&decision.on, &decision.choice) {
                (stratigraph_engine::merge::Scope::Conflict(_), Some(choice)) => {
                    (format!("{by}: {}", words::choice(choice, from)), Role::Changed)
                }
                (_, _) => (by, Role::Changed),
            }
        }
        (None, Some(cells)) => {
            let chosen = words::choice(&Choice::Cells(cells.clone()), from);
            (format!("chosen so far: {chosen}; the other cells that both changed are open"), Role::Warning)
        }
        (None, None) => (words::keys(conflict), Role::Dim),
    };
    canvas.line(area, text.0, text.1);
}

/// Which columns the table has, and how wide they are.
struct Widths {
    name: usize,
    value: usize,
    sides: Vec<usize>,
    merged: bool,
}

fn widths(lines: &[Line], area: Rect) -> Widths {
    let columns = usize::from(area.width);
    let merged = area.width >= NARROW;
    let sides = if merged { vec![0, 1, 2] } else { vec![1, 2] };
    let count = sides.len() + usize::from(merged);
    let longest = lines.iter().map(|line| width(&escape(&line.name))).max().unwrap_or(0).max(6);
    let name = longest.min((columns / 4).max(6));
    let value = (columns.saturating_sub(name + 2) / count).saturating_sub(1).max(1);
    Widths { name, value, sides, merged }
}

fn draw_lines(
    screen: &Merge,
    conflict: &Conflict,
    pair: &Pair,
    (shared, focused): (&Shared, bool),
    area: Rect,
    canvas: &mut Canvas<'_, '_>,
) {
    let lines = screen.lines();
    let (head, list) = first_line(area);
    let theme = shared.theme;
    let widths = widths(&lines, area);
    draw_titles(conflict, pair, &widths, theme, head, canvas);
    let cursor = screen.row.cursor;
    let window = cursor.window(lines.len(), usize::from(list.height));
    let used = u16::try_from(window.len()).unwrap_or(u16::MAX).min(list.height);
    for (at, y) in window.zip(list.y..list.bottom()) {
        let line = Rect { y, height: 1, ..list };
        draw_line(&lines[at], &widths, theme, line, canvas);
        canvas.hit(line, Target::Row { pane: ROW, index: at });
        if at == cursor.row {
            canvas.select(line, focused);
        }
    }
    let below = Rect { y: list.y + used, height: list.height - used, ..list };
    if let Some(line) = lines.get(cursor.row).filter(|_| below.height > 2) {
        let below = Rect { y: below.y + 1, height: below.height - 1, ..below };
        let lines = wrapped(values(line, pair, theme), usize::from(below.width));
        text(&lines, crate::cursor::Cursor::default(), below, canvas);
    }
}

fn draw_titles(
    conflict: &Conflict,
    pair: &Pair,
    widths: &Widths,
    theme: Theme,
    area: Rect,
    canvas: &mut Canvas<'_, '_>,
) {
    let first = if is_about_edges(conflict) { "edge" } else { "column" };
    let mut titles = format!("  {}", column(first, widths.name, Align::Left, theme));
    for at in &widths.sides {
        let title = match SHOWN[*at] {
            Side::Base => "base".to_owned(),
            side @ (Side::Source | Side::Target) => {
                let (word, branch) = (words::side_word(side), words::side(side, pair));
                let title = format!("{word} {branch}");
                // The letter is the key that takes it.
                if width(&title) <= widths.value { title } else { format!("{} {branch}", &word[..1]) }
            }
        };
        titles.push_str(&format!(" {}", column(&title, widths.value, Align::Left, theme)));
    }
    if widths.merged {
        titles.push_str(" merged");
    }
    canvas.line(area, titles, Role::Title);
}

fn draw_line(line: &Line, widths: &Widths, theme: Theme, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let name_role = if line.differs { Role::Text } else { Role::Dim };
    let name = column(&escape(&line.name), widths.name, Align::Left, theme);
    let mut pieces = vec![(format!("  {name}"), name_role)];
    for at in &widths.sides {
        let (value, role) = shown(line.cells[*at].as_ref(), theme);
        let taken = line.differs && !line.is_wrong && line.merged == Merged::From(SHOWN[*at]);
        let sign = if taken { taken_sign(theme) } else { "" };
        let room = widths.value.saturating_sub(width(sign));
        let value = column(&value, room, Align::Left, theme);
        let value = if taken { format!("{}{sign}", value.trim_end()) } else { value };
        let role = if !line.differs {
            Role::Dim
        } else if taken {
            Role::Changed
        } else {
            role
        };
        pieces.push((format!(" {}", column(&value, widths.value, Align::Left, theme)), role));
    }
    if widths.merged {
        let (value, role) = merged(line, theme);
        let value = if line.is_wrong { format!("! {value}") } else { value };
        let is_told = line.differs || matches!(line.merged, Merged::Written(_));
        let role = match (line.is_wrong, is_told) {
            (true, _) => Role::Warning,
            (false, true) => role,
            (false, false) => Role::Dim,
        };
        pieces.push((format!(" {}", column(&value, widths.value, Align::Left, theme)), role));
    }
    canvas.pieces(area, &pieces);
}

/// Marks the cell that is taken.
fn taken_sign(theme: Theme) -> &'static str {
    match theme.glyphs {
        GlyphSet::Unicode => " ◀",
        GlyphSet::Ascii => " <",
    }
}

fn shown(value: Option<&Value>, theme: Theme) -> (String, Role) {
    let symbols = theme.symbols();
    let Some(value) = value else { return (symbols.missing.to_owned(), Role::Dim) };
    let (text, kind) = cell(value);
    let cell = CellText { text: &text, kind, changed: false };
    let role = if cell.is_nothing() { Role::Dim } else { Role::Text };
    (cell.shown(symbols).into_owned(), role)
}

/// What stands in the merged row.
fn merged(line: &Line, theme: Theme) -> (String, Role) {
    let [base, target, source] = &line.cells;
    let of = |value: &Option<Value>| (shown(value.as_ref(), theme).0, Role::Changed);
    match &line.merged {
        Merged::Open => ("?".to_owned(), Role::Warning),
        Merged::NoRow => (theme.symbols().missing.to_owned(), Role::Removed),
        Merged::From(Side::Base) => of(base),
        Merged::From(Side::Target) => of(target),
        Merged::From(Side::Source) => of(source),
        Merged::Agreed => of(if target.is_some() { target } else { source }),
        Merged::Written(serde_json::Value::Null) => (theme.symbols().null.to_owned(), Role::Changed),
        Merged::Written(value) => (escape(&cells::typed(value)).into_owned(), Role::Changed),
    }
}

/// The selected cell in all states, whole.
fn values(line: &Line, pair: &Pair, theme: Theme) -> Vec<TextLine> {
    let mut lines = vec![(escape(&line.name).into_owned(), Role::Title)];
    for (side, value) in SHOWN.iter().zip(&line.cells) {
        let name = match side {
            Side::Base => "base".to_owned(),
            Side::Source | Side::Target => format!("{} {}", words::side_word(*side), words::side(*side, pair)),
        };
        let value = match value {
            Some(value) => {
                let (text, kind) = whole(value);
                CellText { text: &text, kind, changed: false }.shown(theme.symbols()).into_owned()
            }
            None => "no row".to_owned(),
        };
        lines.push((format!("  {name}: {value}"), Role::Text));
    }
    let (value, role) = match line.merged {
        Merged::Open => ("open".to_owned(), Role::Warning),
        Merged::NoRow => ("no row".to_owned(), Role::Removed),
        Merged::From(_) | Merged::Agreed | Merged::Written(_) => merged(line, theme),
    };
    lines.push(match line.is_wrong {
        true => (format!("  merged: {value}, which breaks the rule"), Role::Warning),
        false => (format!("  merged: {value}"), role),
    });
    lines
}

/// The rows that the conflict is about besides its own.
pub(in crate::screen::merge) fn related_lines(screen: &Merge, theme: Theme) -> Vec<TextLine> {
    let (Some((conflict, Some(rows))), Some(preview)) = (screen.selected(), &screen.preview) else {
        return Vec::new();
    };
    let (what, named) = match &conflict.detail {
        ConflictDetail::Orphan { role, .. } => (format!("the node of its {role}"), &[][..]),
        ConflictDetail::Unique { columns, .. } => {
            (format!("the row with the same {}", columns.join(", ")), columns.as_slice())
        }
        ConflictDetail::Row { .. } | ConflictDetail::Cardinality { .. } | ConflictDetail::Value { .. } => {
            (String::new(), &[][..])
        }
    };
    let mut lines = Vec::new();
    for related in rows.iter().skip(1) {
        lines.push((format!("{} {}{}{what}", related.table, escape(&related.id), theme.dot()), Role::Title));
        for (sides, row) in states(related) {
            let name = |side: &Side| match side {
                Side::Base => "base",
                Side::Source | Side::Target => words::side(*side, &preview.pair),
            };
            let sides = sides.iter().map(name).collect::<Vec<_>>().join(", ");
            let text = row.map_or_else(|| "no such row".to_owned(), |row| cells_text(row, named, theme));
            lines.push((format!("  {sides}: {text}"), Role::Text));
        }
    }
    lines
}

/// The states of a row, equal ones together, those without the row last: panes are low.
fn states(related: &ThreeRows) -> Vec<(Vec<Side>, Option<&Row>)> {
    let mut states: Vec<(Vec<Side>, Option<&Row>)> = Vec::new();
    for side in SHOWN {
        let row = row(related, side);
        match states.iter_mut().find(|(_, other)| *other == row) {
            Some((sides, _)) => sides.push(side),
            None => states.push((vec![side], row)),
        }
    }
    states.sort_by_key(|(_, row)| row.is_none());
    states
}

/// A row in a line, with some columns first.
fn cells_text(row: &Row, first: &[String], theme: Theme) -> String {
    let mut cells: Vec<(&str, &Value)> = row.iter().filter(|(name, _)| *name != cells::ID).collect();
    cells.sort_by_key(|(name, _)| !first.iter().any(|first| first == name));
    let cell = |(name, value): (&str, &Value)| format!("{name} {}", shown(Some(value), theme).0);
    cells.into_iter().map(cell).collect::<Vec<_>>().join(theme.dot())
}
