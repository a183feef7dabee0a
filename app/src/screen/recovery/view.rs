//! Drawing of the screen.

use ratatui::layout::Rect;

use super::picker::count;
use super::words::Style;
use super::{AUDIT, INSPECT, Key, LIST, OUTCOME, RECORD, Recovery, Show};
use crate::action::TermKind;
use crate::screen::{PaneId, ScreenId, first_line};
use crate::state::{Arrangement, Shared, SizeClass};
use crate::theme::Role;
use crate::view::{Canvas, clock_text, moment};

impl Recovery {
    /// Draws the panes that are on view.
    pub(super) fn draw(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        match self.show {
            Show::Pending => self.draw_pending(shared, panes, canvas),
            Show::Audit => self.draw_audit(shared, panes, canvas),
            Show::Outcome => self.draw_outcome(shared, panes, canvas),
        }
    }

    fn draw_pending(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let items = self.items_in(&style_in(LIST, shared, panes), shared);
        let seen = self.observed.as_ref().map_or_else(String::new, |observed| {
            let time = clock_text(observed.at_micros, shared.config.time.value);
            format!("{}observed {time}", canvas.theme().dot())
        });
        let title = format!("Interrupted{}{seen}", place(self.picker.row(&items), count(&items)));
        if let Some(inner) = canvas.pane(panes, LIST, &title) {
            let search = shared.terms.matcher(ScreenId::Recovery, LIST, TermKind::Search);
            self.picker.draw(LIST, &items, search, panes.focus == LIST, inner, canvas);
        }
        let title = match self.picker.key(&items) {
            Some(Key::Drift((branch, table))) => format!("{table} on {branch}"),
            Some(Key::Sidecar(id)) => {
                let short = self.observed.as_ref().map_or(id.as_str(), |observed| observed.short(id));
                format!("Interrupted write {short}")
            }
            None => "Interrupted write".to_owned(),
        };
        self.draw_details(INSPECT, &title, shared, panes, canvas);
    }

    fn draw_audit(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let items = self.audit_items(shared);
        let title = format!("Audit{}", place(self.audit.picker.row(&items), count(&items)));
        if let Some(inner) = canvas.pane(panes, AUDIT, &title) {
            let search = shared.terms.matcher(ScreenId::Recovery, AUDIT, TermKind::Search);
            self.audit.picker.draw(AUDIT, &items, search, panes.focus == AUDIT, inner, canvas);
        }
        self.draw_details(RECORD, "Recovery", shared, panes, canvas);
    }

    fn draw_outcome(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let Some(outcome) = &self.outcome else {
            canvas.pane(panes, OUTCOME, "Predicted and actual");
            return;
        };
        let items = outcome.items(&style_in(OUTCOME, shared, panes));
        let title = format!("Predicted and actual{}{}", canvas.theme().dot(), outcome.what);
        let Some(inner) = canvas.pane(panes, OUTCOME, &title) else { return };
        let (header, body) = first_line(inner);
        let when = moment(outcome.at_micros, shared.config.time.value);
        let (sum, role) = match (outcome.differs(), &outcome.failure) {
            (true, _) => ("not as predicted", Role::Error),
            (false, Some(_)) => ("ended early", Role::Error),
            (false, None) => ("as predicted", Role::Good),
        };
        let text =
            format!("{} of {} settled, {sum}{}{when}", outcome.settled(), outcome.rows.len(), canvas.theme().dot());
        canvas.line(header, text, role);
        outcome.picker.draw(OUTCOME, &items, None, panes.focus == OUTCOME, body, canvas);
    }

    fn draw_details(
        &self,
        pane: PaneId,
        title: &str,
        shared: &Shared,
        panes: &Arrangement,
        canvas: &mut Canvas<'_, '_>,
    ) {
        let Some(inner) = canvas.pane(panes, pane, title) else { return };
        let lines = self.details(&style_in(pane, shared, panes), shared);
        let height = usize::from(inner.height);
        let first = self.offset.min(lines.len().saturating_sub(height));
        for (line, y) in lines.iter().skip(first).zip(inner.y..inner.bottom()) {
            canvas.pieces(Rect { y, height: 1, ..inner }, line);
        }
        if panes.focus == pane {
            canvas.cursor(inner.x, inner.y);
        }
    }
}

/// How lines of a pane are written in this frame; what is remembered is of the frame before.
fn style_in(pane: PaneId, shared: &Shared, panes: &Arrangement) -> Style {
    let border = if panes.class <= SizeClass::Single { 0 } else { 2 };
    let columns = panes.area(pane).map_or(0, |area| usize::from(area.width.saturating_sub(border)));
    Style { columns, ..Recovery::style(pane, shared) }
}

/// ` 1/3`, nothing for an empty list.
fn place(row: usize, rows: usize) -> String {
    if rows == 0 { String::new() } else { format!(" {}/{rows}", row + 1) }
}
