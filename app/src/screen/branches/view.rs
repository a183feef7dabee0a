//! Drawing of the two panes, and the lines around their content.

use ratatui::layout::Rect;
use stratigraph_widgets::width::escape;

use super::details::{self, Line, Style};
use super::{Branches, DETAILS, LIST, Load, list_view};
use crate::action::TermKind;
use crate::screen::{Place, ScreenId};
use crate::state::{Arrangement, Shared};
use crate::theme::Role;
use crate::view::{Canvas, moment};

impl Branches {
    /// Title of the first column.
    pub(super) const TITLE: &'static str = "branch";

    /// Draws the panes on view.
    pub(super) fn draw(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        self.draw_list(shared, panes, canvas);
        self.draw_details(shared, panes, canvas);
    }

    fn draw_list(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let Some(area) = canvas.pane(panes, LIST, &self.list_title(shared)) else { return };
        let notes = self.notes();
        let below = u16::try_from(notes.len()).unwrap_or(u16::MAX).min(area.height.saturating_sub(2));
        let rows = Rect { height: area.height - below, ..area };
        if self.list.len() == 0 {
            canvas.paragraph(rows, self.instead_of_rows(shared));
        } else {
            list_view::draw(self, shared, rows, panes.focus == LIST, canvas);
        }
        for ((text, role), y) in notes.into_iter().zip(rows.bottom()..area.bottom()) {
            canvas.line(Rect { y, height: 1, ..area }, text, role);
        }
    }

    /// `Branches 3/14`, and what is special about the list.
    fn list_title(&self, shared: &Shared) -> String {
        let dot = shared.theme.dot();
        let mut title = "Branches".to_owned();
        let (shown, all) = (self.list.len(), self.list.branches().len());
        if shown > 0 {
            title.push_str(&format!(" {}/{shown}", self.list.cursor().row + 1));
        }
        if shown < all {
            title.push_str(&format!("{dot}{shown} of {all}"));
        }
        title
    }

    /// Why there are no rows.
    fn instead_of_rows(&self, shared: &Shared) -> Vec<(String, Role)> {
        let filtered = shared.terms.of(ScreenId::Branches, LIST, TermKind::Filter).is_some();
        let ellipsis = shared.theme.symbols().ellipsis;
        let (text, role) = match &self.load {
            _ if filtered && !self.list.branches().is_empty() => ("no branch fits the filter".to_owned(), Role::Dim),
            Load::Failed(failure) => (format!("! {}", escape(&failure.sentence())), Role::Error),
            Load::Stopped => ("reading was stopped, r reads again".to_owned(), Role::Warning),
            Load::Never => return Vec::new(),
            Load::Reading => (format!("reading the branches{ellipsis}"), Role::Dim),
            Load::Ready => ("the graph has no branch".to_owned(), Role::Dim),
        };
        vec![(text, role)]
    }

    /// Lines below the list: what went wrong, and interrupted writes that are on none of the branches.
    pub(super) fn notes(&self) -> Vec<(String, Role)> {
        let mut notes = Vec::new();
        match &self.load {
            Load::Failed(failure) if !self.list.branches().is_empty() => {
                notes.push((format!("! {}; these are the branches before", escape(failure.summary())), Role::Error));
            }
            Load::Stopped if !self.list.branches().is_empty() => {
                notes.push(("! reading was stopped, r reads again".to_owned(), Role::Warning));
            }
            Load::Failed(_) | Load::Stopped | Load::Never | Load::Reading | Load::Ready => {}
        }
        for (name, count) in &self.gone {
            let writes = if *count == 1 { "write" } else { "writes" };
            let name = escape(name.as_str());
            notes.push((format!("! {count} interrupted {writes} on {name}, which is no branch"), Role::Warning));
        }
        if self.unreadable > 0 {
            let records = if self.unreadable == 1 { "record" } else { "records" };
            let text = format!("! {} unreadable {records} of interrupted writes", self.unreadable);
            notes.push((text, Role::Warning));
        }
        notes.extend(self.moved.as_ref().map(|moved| (escape(&moved.short()).into_owned(), Role::Warning)));
        notes
    }

    fn draw_details(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let selected = self.list.selected();
        let title = selected.map_or("Details".into(), |facts| escape(facts.branch.name.as_str()));
        let Some(area) = canvas.pane(panes, DETAILS, &title) else { return };
        let lines = self.detail_lines(shared, usize::from(area.width));
        let offset = self.shelf.offset.min(lines.len().saturating_sub(usize::from(area.height)));
        for (line, y) in lines.iter().skip(offset).zip(area.y..area.bottom()) {
            canvas.pieces(Rect { y, height: 1, ..area }, line);
        }
        if panes.focus == DETAILS {
            canvas.cursor(area.x, area.y);
        }
    }

    /// The lines of the details in a pane of `columns`.
    pub(super) fn detail_lines(&self, shared: &Shared, columns: usize) -> Vec<Line> {
        let style =
            Style { theme: shared.theme, columns, now_micros: shared.now.utc_micros, time: shared.config.time.value };
        let Some(facts) = self.list.selected() else { return Vec::new() };
        let known = self.shelf.of(&details::key(&facts.branch));
        details::lines(facts, self.standing(facts), known, &style)
    }

    /// The selected branch and its head.
    pub(super) fn position(&self, shared: &Shared) -> Option<Place> {
        let facts = self.list.selected()?;
        let dot = shared.theme.dot();
        let name = escape(facts.branch.name.as_str());
        let version = facts.branch.manifest_version?;
        let text = match &facts.head {
            Some(head) => {
                let time = moment(head.commit.created_at_micros, shared.config.time.value);
                format!("{name} @ {} = head{dot}{time}{dot}manifest {version}", head.short_id)
            }
            None => format!("{name} @ v{version} = head"),
        };
        Some(Place { text, is_head: true })
    }
}
