//! Background jobs: a list, and the single line of the strip.
//!
//! A bar reaches its end only when the work is done; without a total the count is shown instead. Elapsed and estimated times
//! come from the caller, the widget keeps no clock.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::StatefulWidget;

use crate::symbol::Symbols;
use crate::width::{self, Align};

/// Columns of the progress bar.
const BAR_WIDTH: usize = 10;

/// How far a job is, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Waits for its turn.
    Queued,
    /// Works.
    Running,
    /// Was asked to stop.
    Cancelling,
    /// Ended with its result.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Stopped before its end.
    Cancelled,
    /// Nobody knows whether its effect is there.
    Unknown,
}

impl JobState {
    /// Returns the word for the state.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    fn moves(self) -> bool {
        match self {
            Self::Running | Self::Cancelling => true,
            Self::Queued | Self::Succeeded | Self::Failed | Self::Cancelled | Self::Unknown => false,
        }
    }
}

/// A job as the caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRow<'a> {
    /// What is done, like `row diff`.
    pub name: &'a str,
    /// To what, like `E5QXRC · node:Price`.
    pub subject: &'a str,
    /// Number of the phase from 1, number of phases, name of the phase.
    pub phase: Option<(u16, u16, &'a str)>,
    /// Units done.
    pub done: u64,
    /// Units in all, if known.
    pub total: Option<u64>,
    /// Name of the units, like `rows`.
    pub unit: &'a str,
    /// Units a second, once it is steady.
    pub rate: Option<u64>,
    /// Seconds since the start.
    pub elapsed_seconds: u64,
    /// Seconds to go, once they can be told.
    pub left_seconds: Option<u64>,
    /// State.
    pub state: JobState,
}

/// How jobs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobStyle {
    /// Style under everything.
    pub base: Style,
    /// The selected job.
    pub selected: Style,
    /// Jobs that failed or whose outcome is unknown.
    pub bad: Style,
    /// Jobs that succeeded.
    pub good: Style,
}

impl JobStyle {
    /// Returns a style without colors.
    #[must_use]
    pub fn no_color() -> Self {
        let plain = Style::new();
        Self {
            base: plain,
            selected: plain.add_modifier(Modifier::REVERSED),
            bad: plain.add_modifier(Modifier::BOLD),
            good: plain,
        }
    }
}

/// The visible jobs; the first is number `offset` of the state.
#[derive(Debug, Clone, Copy)]
pub struct JobList<'a> {
    /// The visible jobs, one a row.
    pub jobs: &'a [JobRow<'a>],
    /// Signs.
    pub symbols: &'a Symbols,
    /// Looks.
    pub style: &'a JobStyle,
    /// Tick for the spinner; `None` writes "working" instead of moving signs.
    pub tick: Option<usize>,
}

/// Where the user is in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobListState {
    /// Selected job, counted over all.
    pub selected: usize,
    /// First visible job.
    pub offset: usize,
}

impl JobListState {
    /// Keeps the selection in the list and on screen.
    pub fn settle(&mut self, jobs: usize, height: usize) {
        let height = height.max(1);
        self.selected = self.selected.min(jobs.saturating_sub(1));
        self.offset = self.offset.min(jobs.saturating_sub(height)).min(self.selected);
        self.offset = self.offset.max((self.selected + 1).saturating_sub(height));
    }
}

impl StatefulWidget for &JobList<'_> {
    type State = JobListState;

    fn render(self, area: Rect, buffer: &mut Buffer, state: &mut JobListState) {
        let area = area.intersection(buffer.area);
        for ((y, job), index) in (area.y..area.bottom()).zip(self.jobs).zip(state.offset..) {
            let selected = index == state.selected;
            let outcome = match job.state {
                JobState::Failed | JobState::Unknown => self.style.bad,
                JobState::Succeeded => self.style.good,
                JobState::Queued | JobState::Running | JobState::Cancelling | JobState::Cancelled => Style::new(),
            };
            let style = self.style.base.patch(outcome);
            let style = if selected { style.patch(self.style.selected) } else { style };
            let cursor = if selected { self.symbols.cursor } else { " " };
            let text = format!("{cursor}{}", job_line(job, self.symbols, self.tick));
            let text = width::fit(&text, usize::from(area.width), Align::Left, self.symbols.ellipsis);
            buffer.set_stringn(area.x, y, text, usize::from(area.width), style);
        }
    }
}

/// Returns a job as one line of text, not cut: sign, name, subject, phase, progress, rate, times, state.
#[must_use]
pub fn job_line(job: &JobRow<'_>, symbols: &Symbols, tick: Option<usize>) -> String {
    let sign = match (job.state.moves(), tick) {
        (true, Some(tick)) => symbols.spin(tick),
        (true, None) => "working",
        (false, _) => match job.state {
            JobState::Succeeded => symbols.good,
            JobState::Failed | JobState::Unknown => "!",
            JobState::Queued | JobState::Running | JobState::Cancelling | JobState::Cancelled => " ",
        },
    };
    let phase = job.phase.map(|(at, of, name)| format!("{at}/{of} {}", width::escape(name)));
    let times = match job.left_seconds.filter(|_| job.state.moves()) {
        Some(left) => format!("{} (~{} left)", duration(job.elapsed_seconds), duration(left)),
        None => duration(job.elapsed_seconds),
    };
    let rate = job.rate.filter(|_| job.state.moves()).map(|rate| format!("{rate} {}/s", job.unit));
    let words = [
        Some(format!("{sign} {}", width::escape(job.name))),
        Some(width::escape(job.subject).into_owned()).filter(|subject| !subject.is_empty()),
        phase,
        progress(job, symbols),
        rate,
        Some(times),
        Some(job.state.name().to_owned()),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

fn progress(job: &JobRow<'_>, symbols: &Symbols) -> Option<String> {
    match job.total {
        // Everything is read, but success is not verified: the bar must not look finished.
        Some(total) if total > 0 => {
            let shown = if job.state == JobState::Succeeded { total } else { job.done.min(total - 1) };
            Some(format!("{} {} / {total} {}", symbols.bar(shown, total, BAR_WIDTH), job.done.min(total), job.unit))
        }
        Some(_) | None if job.done > 0 => Some(format!("{} {}", job.done, job.unit)),
        Some(_) | None => None,
    }
}

/// Returns a duration as `7s`, `3m07s` or `2h05m`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol;

    const JOB: JobRow<'static> = JobRow {
        name: "row diff",
        subject: "E5QXRC node:Price",
        phase: Some((3, 6, "walk rows")),
        done: 120,
        total: Some(310),
        unit: "rows",
        rate: Some(40),
        elapsed_seconds: 3,
        left_seconds: Some(65),
        state: JobState::Running,
    };

    #[test]
    fn a_running_job_tells_everything() {
        assert_eq!(
            job_line(&JOB, &symbol::ASCII, Some(1)),
            "/ row diff  E5QXRC node:Price  3/6 walk rows  ###....... 120 / 310 rows  40 rows/s  3s (~1m05s left)  running"
        );
    }

    #[test]
    fn a_bar_is_full_only_after_success() {
        let all = JobRow { done: 310, ..JOB };
        assert!(job_line(&all, &symbol::ASCII, Some(0)).contains("#########. 310 / 310"));
        let done = JobRow { state: JobState::Succeeded, ..all };
        let line = job_line(&done, &symbol::ASCII, None);
        assert!(line.starts_with("+ row diff") && line.contains("########## 310") && !line.contains("left"));
        let counted = JobRow { total: None, phase: None, subject: "", ..JOB };
        assert_eq!(
            job_line(&counted, &symbol::ASCII, None),
            "working row diff  120 rows  40 rows/s  3s (~1m05s left)  running"
        );
    }

    #[test]
    fn every_size_is_drawn() {
        let style = JobStyle::no_color();
        let list = JobList { jobs: &[JOB, JOB], symbols: &symbol::UNICODE, style: &style, tick: Some(2) };
        for (width, height) in [(0, 0), (1, 1), (3, 5), (80, 1)] {
            let area = Rect::new(0, 0, width, height);
            let mut buffer = Buffer::empty(area);
            (&list).render(area, &mut buffer, &mut JobListState::default());
            if width == 80 {
                assert_eq!(buffer[(0, 0)].symbol(), "▸");
                assert!(buffer[(9, 0)].modifier.contains(Modifier::REVERSED));
            }
        }
        let mut state = JobListState { selected: 9, offset: 0 };
        state.settle(6, 2);
        assert_eq!(state, JobListState { selected: 5, offset: 4 });
    }
}
