//! What the program is doing and has done: running jobs first, then newest; details of the selected one.

use std::time::Duration;

use ratatui::layout::Rect;
use stratigraph_widgets::job_list::job_line;

use crate::action::{Action as Any, Availability, Motion, Row, Scope, TermKind};
use crate::cursor::Cursor;
use crate::job::{Job, JobId, JobStatus, Trace};
use crate::message::next_step;
use crate::screen::{Answer, CopyChoice, PaneId, PaneSpec, Screen, ScreenId, Spot, TermUse, Verb};
use crate::state::{Arrangement, Context, Counter, Shared, State};
use crate::theme::Role;
use crate::view::{Canvas, Target, duration_text, grouped, job_row, moment, spin};

/// The list of jobs.
pub const LIST: PaneId = PaneId("jobs");
/// The selected job in full.
pub const DETAILS: PaneId = PaneId("job details");

/// Age from which a quiet job is counted in the title.
const NOTICED: Duration = Duration::from_millis(500);

/// What the user can ask for on this screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Cancel the selected job.
    Cancel,
    /// Show the screen that the selected job belongs to.
    GoTo,
}

/// State of the screen. The selection follows the job, not the row.
#[derive(Debug, Default)]
pub struct JobsScreen {
    selected: Option<JobId>,
    cursor: Cursor,
    details: Cursor,
}

/// Its rows of the registry.
#[must_use]
pub fn rows() -> Vec<Row> {
    let scope = Scope::Screen(ScreenId::Jobs);
    vec![
        Row::new("jobs.cancel", "cancel the selected job", scope, Any::Jobs(Action::Cancel))
            .keys(&["x"])
            .hint("cancel")
            .available(|state| match selected(state) {
                Some(job) => Availability::when(!job.status.is_over(), "the job is over"),
                None => Availability::no("there is no job"),
            }),
        Row::new("jobs.go-to", "to the screen the job belongs to", scope, Any::Jobs(Action::GoTo))
            .keys(&["g s"])
            .hint("its screen")
            .available(|state| match selected(state) {
                Some(job) => Availability::when(job.slot.screen != ScreenId::Jobs, "the job belongs to this screen"),
                None => Availability::no("there is no job"),
            }),
    ]
}

fn selected(state: &State) -> Option<&Job> {
    state.screens.jobs.job(&state.shared)
}

impl JobsScreen {
    /// Performs an action.
    #[expect(clippy::needless_pass_by_value, reason = "all screens take their actions alike")]
    pub fn update(&mut self, action: Action, cx: &mut Context<'_>) {
        let Some(job) = self.job(cx.shared).cloned() else { return };
        match action {
            Action::Cancel => {
                cx.then(crate::action::Action::Global(crate::action::Global::Cancel(job.id)));
            }
            Action::GoTo => cx.show(job.slot.screen),
        }
    }

    /// Jobs that the filter leaves, in order.
    fn shown(shared: &Shared) -> Vec<&Job> {
        let matcher = shared.terms.matcher(ScreenId::Jobs, LIST, TermKind::Filter);
        let jobs = shared.jobs.in_order();
        jobs.into_iter().filter(|job| matcher.is_none_or(|matcher| matcher.accepts(&text(job)))).collect()
    }

    fn row(&self, jobs: &[&Job]) -> usize {
        let found = self.selected.and_then(|id| jobs.iter().position(|job| job.id == id));
        found.unwrap_or(self.cursor.row).min(jobs.len().saturating_sub(1))
    }

    /// The selected job, or the first one.
    fn job<'a>(&self, shared: &'a Shared) -> Option<&'a Job> {
        let jobs = Self::shown(shared);
        jobs.get(self.row(&jobs)).copied()
    }

    fn select(&mut self, row: usize, shared: &Shared) {
        let jobs = Self::shown(shared);
        self.cursor.select(row, jobs.len(), shared.pane_height(LIST));
        self.selected = jobs.get(self.cursor.row).map(|job| job.id);
        self.details = Cursor::default();
    }

    fn next_match(&mut self, forward: bool, cx: &mut Context<'_>) -> Answer {
        let jobs = Self::shown(cx.shared);
        let Some(matcher) = cx.matcher(ScreenId::Jobs, LIST, TermKind::Search) else {
            return Answer::Nothing("no search".to_owned());
        };
        let (len, row) = (jobs.len(), self.row(&jobs));
        let step = |distance: usize| if forward { (row + distance) % len } else { (row + len - distance) % len };
        let found = (1..=len).map(step).find(|row| matcher.accepts(&text(jobs[*row])));
        match found {
            Some(row) => {
                self.select(row, cx.shared);
                Answer::Done
            }
            None => Answer::Nothing("no match".to_owned()),
        }
    }

    fn draw_list(&self, shared: &Shared, inner: Rect, focused: bool, canvas: &mut Canvas<'_, '_>) {
        let jobs = Self::shown(shared);
        if jobs.is_empty() {
            canvas.line(inner, "no job has run yet", Role::Dim);
            return;
        }
        let symbols = shared.theme.symbols();
        let search = shared.terms.matcher(ScreenId::Jobs, LIST, TermKind::Search);
        let cursor = Cursor { row: self.row(&jobs), ..self.cursor };
        let window = cursor.window(jobs.len(), usize::from(inner.height));
        for (index, y) in window.zip(inner.y..inner.bottom()) {
            let (job, line) = (jobs[index], Rect { y, height: 1, ..inner });
            let chosen = index == cursor.row;
            let sign = if chosen { symbols.cursor } else { " " };
            let found = search.is_some_and(|matcher| matcher.accepts(&text(job)));
            let role = if found { Role::Match } else { role(&job.status) };
            canvas.line(line, format!("{sign}{}", job_line(&job_row(job, shared.now), symbols, spin(shared))), role);
            canvas.hit(line, Target::Row { pane: LIST, index });
            if chosen {
                canvas.select(line, focused);
            }
        }
    }

    fn draw_details(&self, shared: &Shared, inner: Rect, canvas: &mut Canvas<'_, '_>) {
        let Some(job) = self.job(shared) else { return };
        canvas.paragraph(inner, details(job, shared).into_iter().skip(self.details.row));
    }
}

fn text(job: &Job) -> String {
    format!("{} {} {}", job.slot.kind, job.subject, job.status.word())
}

fn role(status: &JobStatus) -> Role {
    match status {
        JobStatus::Queued | JobStatus::Cancelled => Role::Dim,
        JobStatus::Running | JobStatus::Cancelling => Role::Text,
        JobStatus::Succeeded => Role::Good,
        JobStatus::Failed(_) => Role::Error,
    }
}

/// Whether the title counts a job: one that leaves a trace at once, a quiet one when it takes long. Most quiet ones are over
/// before anyone could look, and a number that flickers with every step of the cursor tells nothing; but reading a large history
/// again or laying it out takes seconds.
fn is_noticed(job: &Job, shared: &Shared) -> bool {
    match job.trace {
        Trace::Kept => true,
        Trace::Quiet => shared.now.elapsed.saturating_sub(job.asked.elapsed) >= NOTICED,
    }
}

/// Everything known about a job.
fn details(job: &Job, shared: &Shared) -> Vec<(String, Role)> {
    let display = shared.config.time.value;
    let mut lines = vec![
        (format!("{} {}", job.slot.kind, job.subject), Role::Title),
        (format!("state    {}", job.status.word()), role(&job.status)),
        (format!("asked    {}", moment(job.asked.utc_micros, display)), Role::Text),
    ];
    if let Some(ended) = job.ended {
        lines.push((format!("ended    {}", moment(ended.utc_micros, display)), Role::Text));
    }
    if job.started.is_some() {
        lines.push((format!("worked   {}", duration_text(job.duration(shared.now))), Role::Text));
    }
    if let Some(amount) = &job.amount {
        let of = amount.total.map_or(String::new(), |total| format!(" of {}", grouped(total)));
        lines.push((format!("done     {}{of} {}", grouped(amount.done), amount.unit), Role::Text));
    }
    for (at, phase) in job.phases.iter().enumerate() {
        let end = job.phases.get(at + 1).map(|next| next.began).or(job.ended).unwrap_or(shared.now);
        let took = duration_text(end.elapsed.saturating_sub(phase.began.elapsed));
        lines.push((format!("phase    {}/{} {}  {took}", phase.index, phase.count, phase.name), Role::Text));
    }
    for (at, message) in &job.messages {
        lines.push((format!("{}  {message}", moment(at.utc_micros, display)), Role::Text));
    }
    if let JobStatus::Failed(failure) = &job.status {
        lines.push((failure.summary().to_owned(), Role::Error));
        lines.extend(failure.chain.iter().skip(1).map(|cause| (format!("because  {cause}"), Role::Text)));
        lines.extend(next_step(failure.kind).map(|step| (format!("next     {step}"), Role::Dim)));
    }
    lines
}

impl Screen for JobsScreen {
    fn id(&self) -> ScreenId {
        ScreenId::Jobs
    }

    fn panes(&self) -> Vec<PaneSpec> {
        vec![PaneSpec::main(LIST), PaneSpec::detail(DETAILS)]
    }

    fn badge(&self, shared: &Shared) -> Option<String> {
        let active = shared.jobs.active().filter(|job| is_noticed(job, shared)).count();
        (active > 0).then(|| format!(":{active}"))
    }

    fn view(&self, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
        let jobs = Self::shown(shared);
        let title =
            if jobs.is_empty() { "Jobs".to_owned() } else { format!("Jobs {}/{}", self.row(&jobs) + 1, jobs.len()) };
        if let Some(inner) = canvas.pane(panes, LIST, &title) {
            self.draw_list(shared, inner, panes.focus == LIST, canvas);
        }
        if let Some(inner) = canvas.pane(panes, DETAILS, "Job") {
            self.draw_details(shared, inner, canvas);
        }
    }

    fn motion(&mut self, pane: PaneId, motion: Motion, cx: &mut Context<'_>) -> Answer {
        if pane == DETAILS {
            let lines = self.job(cx.shared).map_or(0, |job| details(job, cx.shared).len());
            return Answer::when(
                self.details.motion(motion, lines, cx.shared.pane_height(pane)),
                "no more lines there",
            );
        }
        let jobs = Self::shown(cx.shared);
        let mut cursor = Cursor { row: self.row(&jobs), ..self.cursor };
        let moved = cursor.motion(motion, jobs.len(), cx.shared.pane_height(LIST));
        let row = cursor.row;
        self.select(row, cx.shared);
        Answer::when(moved, "no more jobs there")
    }

    fn point(&mut self, pane: PaneId, spot: Spot, cx: &mut Context<'_>) -> Answer {
        match spot {
            Spot::Row(row) if pane == LIST => self.select(row, cx.shared),
            Spot::Row(_) | Spot::Header(_) => return Answer::Nothing("nothing to select here".to_owned()),
        }
        Answer::Done
    }

    fn supports(&self, pane: PaneId, verb: Verb, shared: &Shared) -> Availability {
        match verb {
            Verb::Enter if pane == LIST => Availability::when(self.job(shared).is_some(), "there is no job"),
            Verb::Back => Availability::when(pane == DETAILS, "nothing to go back from (q leaves the screen)"),
            Verb::NextMatch | Verb::PreviousMatch => Availability::when(pane == LIST, "search works in the list"),
            Verb::Enter => Availability::no("nothing to open here"),
            Verb::Mark => Availability::no("jobs cannot be marked"),
            Verb::Undo => Availability::no("nothing to undo"),
            Verb::Refresh => Availability::no("the list is always up to date"),
            Verb::NextDifference | Verb::PreviousDifference => Availability::no("no differences here"),
        }
    }

    fn perform(&mut self, _pane: PaneId, verb: Verb, cx: &mut Context<'_>) -> Answer {
        match verb {
            Verb::Enter => cx.focus(DETAILS),
            Verb::Back => cx.focus(LIST),
            Verb::NextMatch => return self.next_match(true, cx),
            Verb::PreviousMatch => return self.next_match(false, cx),
            Verb::Mark | Verb::Undo | Verb::Refresh | Verb::NextDifference | Verb::PreviousDifference => {}
        }
        Answer::Done
    }

    fn term_use(&self, pane: PaneId, _kind: TermKind) -> TermUse {
        if pane == LIST { TermUse::Text } else { TermUse::No("search and filter work in the list") }
    }

    fn counter(&self, pane: PaneId, kind: TermKind, shared: &Shared) -> Option<Counter> {
        let jobs = Self::shown(shared);
        match kind {
            TermKind::Filter => Some(Counter { this: jobs.len(), of: shared.jobs.in_order().len() }),
            TermKind::Search => {
                let matcher = shared.terms.matcher(ScreenId::Jobs, pane, kind)?;
                let found: Vec<bool> = jobs.iter().map(|job| matcher.accepts(&text(job))).collect();
                let upto = self.row(&jobs) + 1;
                let this = if found.get(upto - 1) == Some(&true) {
                    found[..upto].iter().filter(|hit| **hit).count()
                } else {
                    0
                };
                Some(Counter { this, of: found.iter().filter(|hit| **hit).count() })
            }
        }
    }

    fn copies(&self, _pane: PaneId, shared: &Shared) -> Vec<CopyChoice> {
        let Some(job) = self.job(shared) else { return Vec::new() };
        let lines: Vec<String> = details(job, shared).into_iter().map(|(line, _)| line).collect();
        vec![
            CopyChoice { label: "subject".to_owned(), text: job.subject.clone() },
            CopyChoice { label: "everything".to_owned(), text: lines.join("\n") },
        ]
    }
}
