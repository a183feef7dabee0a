//! Drawing of the screen's panes, and the lines around their content.

use ratatui::layout::Rect;
use stratigraph_engine::CommitId;
use stratigraph_widgets::commit_dag::RowItem;
use stratigraph_widgets::width::{escape, wrap};

use super::details::{self, Line, Style};
use super::diff::{Against, Stage, Target};
use super::log::Extent;
use super::{COMMITS, DETAILS, History, Load, ROWS, TABLES, filter, list_view};
use crate::action::TermKind;
use crate::screen::{Place, ScreenId};
use crate::state::{Arrangement, Shared};
use crate::theme::Role;
use crate::view::{Canvas, grouped, moment};

/// Problems of the history told below the list; the others are listed on request.
const TOLD: usize = 2;

impl History {
    /// Draws the panes on view.
    pub(super) fn draw(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        match &self.diff {
            None => {
                self.draw_list(shared, panes, canvas);
                self.draw_details(shared, panes, canvas);
            }
            Some(diff) => {
                let title = format!("Changed tables {}", self.target_text(&diff.target, shared));
                if let Some(area) = canvas.pane(panes, TABLES, &title) {
                    diff.draw_tree(TABLES, area, panes.focus == TABLES, canvas);
                }
                if let Some(area) = canvas.pane(panes, ROWS, &self.rows_title(shared)) {
                    diff.draw_rows(ROWS, area, panes.focus == ROWS, canvas);
                }
            }
        }
    }

    fn draw_list(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let Some(area) = canvas.pane(panes, COMMITS, &self.list_title(shared)) else { return };
        let notes = self.notes();
        let below = u16::try_from(notes.len()).unwrap_or(u16::MAX).min(area.height);
        let rows = Rect { height: area.height - below, ..area };
        if self.list.len() == 0 {
            for ((text, role), y) in self.instead_of_rows(shared, rows).into_iter().zip(rows.y..rows.bottom()) {
                canvas.line(Rect { y, height: 1, ..rows }, text, role);
            }
        } else {
            list_view::draw(&self.list, shared, COMMITS, rows, panes.focus == COMMITS, canvas);
        }
        for ((text, role), y) in notes.into_iter().zip(rows.bottom()..area.bottom()) {
            canvas.line(Rect { y, height: 1, ..area }, text, role);
        }
    }

    /// `Commits 3/41`, and what is special about the list.
    fn list_title(&self, shared: &Shared) -> String {
        let dot = shared.theme.dot();
        let mut title = "Commits".to_owned();
        if let Some(chart) = self.list.chart().filter(|chart| !chart.is_empty()) {
            let all = chart.log().len();
            title.push_str(&format!(" {}/{}", self.list.cursor().row + 1, chart.len()));
            if chart.commits_shown() < all {
                title.push_str(&format!("{dot}{} of {}", grouped(chart.commits_shown() as u64), grouped(all as u64)));
            } else if chart.len() < all {
                title.push_str(&format!("{dot}{} folded", grouped((all - chart.len()) as u64)));
            }
        }
        if self.load == Load::Reading && self.list.log().is_none_or(|log| log.extent() == Extent::Partial) {
            title.push_str(&format!("{dot}reading{}", spinner(shared)));
        }
        if self.list.fresh() > 0 {
            title.push_str(&format!("{dot}{} new", self.list.fresh()));
        }
        if let Some(words) = self.list.ancestry.words() {
            title.push_str(&format!("{dot}{words}"));
        }
        title
    }

    /// Why there are no rows.
    fn instead_of_rows(&self, shared: &Shared, area: Rect) -> Vec<(String, Role)> {
        let filtered = shared.terms.of(ScreenId::History, COMMITS, TermKind::Filter).is_some();
        let (text, role) = match (&self.load, self.list.log()) {
            (Load::Failed(failure), _) => (failure.sentence(), Role::Error),
            (Load::Stopped, None) => ("reading was stopped, r reads again".to_owned(), Role::Warning),
            (_, Some(log)) if !log.is_empty() && filtered => {
                (format!("no commit fits the filter; words: {}", filter::WORDS), Role::Dim)
            }
            (_, Some(log)) if !log.is_empty() => {
                ("no branch fits history.branches of the settings".to_owned(), Role::Dim)
            }
            (Load::Ready, _) => ("the history has no commit".to_owned(), Role::Dim),
            (Load::Never, _) => return Vec::new(),
            (Load::Reading | Load::Stopped, _) => (format!("reading the history{}", spinner(shared)), Role::Dim),
        };
        wrap(&text, usize::from(area.width).max(1)).into_iter().map(|line| (line, role)).collect()
    }

    /// Lines below the list: what was not understood, what is wrong with the history.
    pub(super) fn notes(&self) -> Vec<(String, Role)> {
        let mut notes: Vec<(String, Role)> = Vec::new();
        if let Some(chart) = self.list.chart() {
            notes.extend(chart.problems().iter().map(|problem| (format!("! {}", escape(problem)), Role::Warning)));
        }
        if let (Load::Failed(failure), true) = (&self.load, self.list.len() > 0) {
            notes.push((format!("! {}", failure.sentence()), Role::Error));
        }
        if self.load == Load::Stopped && self.list.len() > 0 {
            notes.push(("! reading was stopped, r reads again".to_owned(), Role::Warning));
        }
        // A missing parent is told at its commit.
        let general = self.list.log().map(|log| log.problems().general()).unwrap_or_default();
        notes.extend(
            general.iter().take(TOLD).map(|problem| (format!("! {}", escape(&problem.to_string())), Role::Warning)),
        );
        if general.len() > TOLD {
            notes.push((format!("! {} more (:history.problems)", general.len() - TOLD), Role::Warning));
        }
        notes
    }

    fn draw_details(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let id = self.list.commit().zip(self.list.log()).map(|(commit, log)| log.graph().short_id(commit.id));
        let Some(area) = canvas.pane(panes, DETAILS, &id.unwrap_or_else(|| "Details".to_owned())) else { return };
        let lines = self.detail_lines(shared, usize::from(area.width));
        let offset = self.details.offset.min(lines.len().saturating_sub(usize::from(area.height)));
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
        let Some(log) = self.list.log() else { return Vec::new() };
        match (self.list.commit(), self.list.item()) {
            (Some(commit), _) => details::lines(log, commit, self.details.of(commit.id), &style),
            (None, Some(RowItem::Fold { top, count, .. })) => {
                let branch =
                    log.commit(top).map_or_else(String::new, |commit| escape(commit.branch.as_str()).into_owned());
                let text =
                    format!("{} commits of {branch} are folded here; o or enter unfolds them", grouped(count.into()));
                style.wrapped(&text, Role::Dim)
            }
            (None, _) => Vec::new(),
        }
    }

    pub(super) fn short(&self, id: CommitId) -> String {
        self.list.log().map_or_else(|| id.to_string(), |log| log.graph().short_id(id))
    }

    /// `N1CMG → 8ZDAE`, and against what.
    pub(super) fn target_text(&self, target: &Target, shared: &Shared) -> String {
        let from = target.from.map_or_else(|| "nothing".to_owned(), |from| self.short(from));
        let arrow = shared.theme.arrow();
        let words = match target.against {
            Against::FirstParent | Against::Chosen => String::new(),
            Against::SecondParent => format!("{}merged parent", shared.theme.dot()),
            Against::BothParents(_) => format!("{}decided by the merge", shared.theme.dot()),
        };
        format!("{from}{arrow}{}{words}", self.short(target.to))
    }

    fn rows_title(&self, shared: &Shared) -> String {
        let Some(table) = self.diff.as_ref().and_then(|diff| diff.table()) else { return "Rows".to_owned() };
        let (left, total) = (table.rows.left() as u64, table.counts.total());
        let mut title = escape(&table.change.key.to_string()).into_owned();
        title.push_str(&format!(" {}/{}", grouped(table.rows.place() as u64), grouped(left)));
        if left < table.rows.len() as u64 || table.is_partial() {
            let more = if table.stage == Stage::Reading { "+" } else { "" };
            title.push_str(&format!(" of {}{more}", grouped(total)));
        }
        if let Some((column, _)) = table.rows.selected_cell() {
            title.push_str(&format!("{}{}", shared.theme.dot(), escape(&column)));
        }
        title
    }

    /// What the panes read from: the selected commit, or what is compared.
    pub(super) fn position(&self, shared: &Shared) -> Option<Place> {
        let log = self.list.log()?;
        let dot = shared.theme.dot();
        if let Some(diff) = &self.diff {
            let words = match diff.target.against {
                Against::Chosen => "compare ",
                Against::FirstParent | Against::SecondParent | Against::BothParents(_) => "changes ",
            };
            let text = format!("{words}{}", self.target_text(&diff.target, shared));
            return Some(Place { text, is_head: !log.labels(diff.target.to).is_empty() });
        }
        let commit = log.graph().get(self.list.id()?)?;
        let branch = escape(commit.branch.as_str());
        let is_head = log.extent() == Extent::Partial || !log.labels(commit.id).is_empty();
        let head = if log.labels(commit.id).contains(&commit.branch) { " = head" } else { "" };
        let time = moment(commit.created_at_micros, shared.config.time.value);
        let id = self.short(commit.id);
        let text = format!("{branch} @ {id}{head}{dot}{time}{dot}manifest {}", commit.manifest_version);
        Some(Place { text, is_head })
    }
}

/// A picture of the spinner, or a word where nothing may move.
fn spinner(shared: &Shared) -> String {
    if shared.theme.motion {
        let fifths = usize::try_from(shared.now.elapsed.as_millis() / 200 % 1000).unwrap_or(0);
        format!(" {}", shared.theme.symbols().spin(fifths))
    } else {
        String::new()
    }
}
