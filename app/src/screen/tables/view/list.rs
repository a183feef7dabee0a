//! Drawing of the list of types.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stratigraph_engine::TableKind;
use stratigraph_widgets::tree::{self, Fold, FoldRow, TreeRow, TreeStyle};
use stratigraph_widgets::width::{Align, escape, fit, truncate, width};

use super::super::types::{Entry, Node, TypeRow};
use super::super::{TYPES, Tables, is_reading, kind, slot};
use super::draw_error;
use crate::action::TermKind;
use crate::screen::{ScreenId, first_line};
use crate::state::{Arrangement, Shared};
use crate::theme::{Role, Theme};
use crate::view::{Canvas, Target, grouped};

/// Columns before the text of a type: cursor, indent, fold sign.
const INDENT: u16 = 5;

/// Widths of the columns of a type.
#[derive(Debug, Clone, Copy)]
struct Widths {
    name: usize,
    version: usize,
    rows: usize,
    /// What is left for the lineage, or for the text of a detail after its name.
    rest: usize,
}

impl Widths {
    fn of(entries: &[Entry], columns: usize) -> Self {
        let types = || {
            entries.iter().filter_map(|entry| match &entry.node {
                Node::Type(row) => Some(row),
                Node::Group(..) | Node::Detail { .. } => None,
            })
        };
        let version = types().map(|row| width(&row.version())).max().unwrap_or(0).max(7);
        let rows = types().map(|row| grouped(row.entry.rows).len()).max().unwrap_or(0).max(4);
        let longest = types().map(|row| width(&escape(&row.entry.key.name))).max().unwrap_or(0).max(4);
        let name = longest.min(columns.saturating_sub(version + rows + 4).max(8));
        Self { name, version, rows, rest: columns.saturating_sub(name + version + rows + 3) }
    }
}

impl Tables {
    /// Draws the list of types.
    pub(super) fn draw_types(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let filter = shared.terms.matcher(ScreenId::Tables, TYPES, TermKind::Filter);
        let (left, all) = self.types.counts(filter);
        let title = if filter.is_some() { format!("Types {left} of {all}") } else { format!("Types {all}") };
        let title = if self.opened.is_some() { title } else { "Types".to_owned() };
        let Some(inner) = canvas.pane(panes, TYPES, &title) else { return };
        let inner = match (&self.refused, &self.opened) {
            (Some(failure), None) => draw_error(failure, false, inner, canvas),
            (Some(_), Some(_)) | (None, _) => inner,
        };
        if self.opened.is_none() {
            if is_reading(shared, slot(TYPES, kind::OPEN)) {
                let text = format!("reading{}", canvas.theme().symbols().ellipsis);
                canvas.line(inner, text, Role::Dim);
            }
            return;
        }
        let entries = self.types.entries(filter);
        if entries.is_empty() {
            let text = if filter.is_some() { "no type matches the filter" } else { "the graph has no tables here" };
            canvas.line(inner, text, Role::Dim);
            return;
        }
        let widths = Widths::of(&entries, usize::from(inner.width.saturating_sub(INDENT)));
        let (header, body) = first_line(inner);
        let text = format!(
            "{}{} {} {} lineage",
            " ".repeat(usize::from(INDENT)),
            fit("type", widths.name, Align::Left, ""),
            fit("version", widths.version, Align::Left, ""),
            fit("rows", widths.rows, Align::Right, ""),
        );
        canvas.line(header, text, Role::Title);
        self.draw_entries(&entries, widths, panes.focus == TYPES, body, canvas);
    }

    fn draw_entries(&self, entries: &[Entry], widths: Widths, focused: bool, body: Rect, canvas: &mut Canvas<'_, '_>) {
        let theme = canvas.theme();
        let rows = entries.iter().map(|entry| FoldRow {
            row: TreeRow { depth: entry.depth, id: entry.id.clone(), text: line(entry, widths, theme) },
            fold: match entry.node {
                Node::Detail { .. } => Fold::Leaf,
                Node::Group(..) | Node::Type(..) if self.types.is_open(entry) => Fold::Open,
                Node::Group(..) | Node::Type(..) => Fold::Closed,
            },
        });
        let window = self.types.cursor.window(entries.len(), usize::from(body.height));
        let style = TreeStyle {
            base: canvas.style(Role::Text),
            selected: canvas.style(if focused { Role::Selected } else { Role::SelectedElsewhere }),
        };
        let (rows, selected) = (rows.collect(), Some(self.types.cursor.row));
        let to = (body, canvas.buffer());
        let drawn = tree::render_from(rows, window.start, selected, to, theme.symbols(), style);
        debug_assert!(drawn.is_ok(), "BUG: two types have the same identifier");
        for (row, y) in window.zip(body.y..body.bottom()) {
            let line = Rect { y, height: 1, ..body };
            canvas.hit(line, Target::Row { pane: TYPES, index: row });
            if row == self.types.cursor.row && focused {
                canvas.cursor(line.x, y);
            }
        }
    }
}

fn line(entry: &Entry, widths: Widths, theme: Theme) -> Line<'static> {
    let ellipsis = theme.symbols().ellipsis;
    match &entry.node {
        Node::Group(kind, count) => {
            let name = match kind {
                TableKind::Node => "Nodes",
                TableKind::Edge => "Edges",
            };
            Line::from(Span::styled(format!("{name} {count}"), theme.style(Role::Title)))
        }
        Node::Type(row) => type_line(row, widths, theme),
        Node::Detail { name, text, .. } => {
            let name = fit(&escape(name), widths.name, Align::Left, ellipsis);
            // A detail stands one step further in than a type.
            let room = widths.version + widths.rows + widths.rest;
            Line::from(vec![
                Span::styled(format!("{name} "), theme.style(Role::Text)),
                Span::styled(truncate(&escape(text), room, ellipsis).into_owned(), theme.style(Role::Dim)),
            ])
        }
    }
}

fn type_line(row: &TypeRow, widths: Widths, theme: Theme) -> Line<'static> {
    let ellipsis = theme.symbols().ellipsis;
    let name = fit(&escape(&row.entry.key.name), widths.name, Align::Left, ellipsis);
    let version = fit(&row.version(), widths.version, Align::Left, ellipsis);
    let rows = fit(&grouped(row.entry.rows), widths.rows, Align::Right, ellipsis);
    let lineage = format!("[{}]", escape(&row.lineage()));
    let odd = if row.is_odd() { Role::Warning } else { Role::Text };
    Line::from(vec![
        Span::styled(format!("{name} "), theme.style(Role::Text)),
        Span::styled(format!("{version} "), theme.style(odd)),
        Span::styled(format!("{rows} "), theme.style(Role::Text)),
        Span::styled(truncate(&lineage, widths.rest, ellipsis).into_owned(), theme.style(Role::Dim)),
    ])
}
