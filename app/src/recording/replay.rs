//! Doing again what a recording says: its keys and times on a new state, and a graph that is as the recorded one was.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use stratigraph_engine::clock::SetClock;
use stratigraph_engine::{BranchHead, ManifestVersion, ProgressEvent};
use tokio::sync::mpsc;

use super::line::{Click, Ended, Header, Line, Recording, SeenHead, What};
use super::recorder::ended;
use crate::effect::Effect;
use crate::event::{Event, Now};
use crate::job::{JobId, JobUpdate, Lifetime, Slot};
use crate::keymap::parse_keys;
use crate::run::new_state;
use crate::state::State;
use crate::tasks::{Again, Pace, Tasks};
use crate::update::{handle, open_graph};
use crate::view::view;

/// Events of jobs that may wait to be let in.
const QUEUE: usize = 1 << 16;
/// How long a job may take for the next thing that the recording has of it.
const PATIENCE: Duration = Duration::from_mins(4);
/// Why a recording cannot be done again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A job does not deliver what the recording has of it.
    #[error("line {line}: job {job} does not come to {what}")]
    Missing {
        /// Number of the line, from 1.
        line: usize,
        /// The job.
        job: u64,
        /// What it should come to.
        what: String,
    },
    /// A write ended in another way.
    #[error("line {line}: job {job} {found:?}, in the recording it {recorded:?}")]
    Other {
        /// Number of the line, from 1.
        line: usize,
        /// The job.
        job: u64,
        /// How it ended there.
        recorded: Ended,
        /// How it ended now.
        found: Ended,
    },
    /// A key or a branch of the recording has no such name.
    #[error("line {line}: {name:?} is no name of a key or branch")]
    Name {
        /// Number of the line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
}

/// A recording that is being done again.
#[derive(Debug)]
pub struct Replay {
    header: Header,
    lines: VecDeque<Line>,
    /// Number of the line that is next.
    number: usize,
    state: State,
    tasks: Tasks,
    events: mpsc::Receiver<Event>,
    finished: mpsc::UnboundedReceiver<(Slot, JobId)>,
    /// What jobs told that was not let in yet.
    waiting: HashMap<JobId, VecDeque<Event>>,
    /// Jobs that stand still.
    standing: BTreeSet<JobId>,
    pace: Pace,
    clock: Arc<SetClock>,
    done: bool,
}

impl Replay {
    /// Begins with the first line, on the graph at a location. Jobs run on `runtime`, which needs several threads: those that
    /// stand still keep one each.
    #[must_use]
    pub fn new(recording: Recording, location: String, runtime: tokio::runtime::Handle) -> Self {
        let Recording { header, lines } = recording;
        let (sender, events) = mpsc::channel(QUEUE);
        let (tasks, finished) = Tasks::new(runtime, sender);
        // The ids of what is written stay the same, and differ between recordings that are done again together.
        let seed = header.started_micros.unsigned_abs();
        let (pace, clock) = (Pace::default(), Arc::new(SetClock::new(header.started_micros, seed)));
        let tasks = tasks.again(Again { pace: Some(pace.clone()), clock: Some(clock.clone()) });
        let now = Now { utc_micros: header.started_micros, elapsed: Duration::ZERO };
        let mut state = new_state(location, header.config(), header.surroundings(), header.size, now);
        let effects = open_graph(&mut state);
        let mut replay = Self {
            header,
            lines: lines.into(),
            number: 2,
            state,
            tasks,
            events,
            finished,
            waiting: HashMap::new(),
            standing: BTreeSet::new(),
            pace,
            clock,
            done: false,
        };
        replay.carry_out(effects);
        replay
    }

    /// When the next line happened, microseconds since the epoch; none after the last. Recordings of several programs that were
    /// open at once are done again together in this order.
    #[must_use]
    pub fn next_micros(&self) -> Option<i64> {
        let line = self.lines.front().filter(|_| !self.done)?;
        Some(self.header.started_micros + i64::try_from(line.at).unwrap_or(i64::MAX))
    }

    /// Does the next line.
    ///
    /// # Errors
    /// [`ReplayError`] if the graph, or the program, does not behave as it did.
    pub async fn step(&mut self) -> Result<(), ReplayError> {
        let Some(line) = self.lines.pop_front() else { return Ok(()) };
        let utc_micros = self.header.started_micros + i64::try_from(line.at).unwrap_or(i64::MAX);
        self.clock.set(utc_micros);
        let now = Now { utc_micros, elapsed: Duration::from_micros(line.at) };
        match line.what {
            What::Began(job) => {
                self.wait(job, now, "its beginning", |event| matches!(event, Event::Job(_, JobUpdate::Started)))
                    .await?;
            }
            What::Phase { job, name } => {
                let found = |event: &Event| matches!(phase(event), Some(found) if found == name);
                self.wait(job, now, &format!("the phase {name:?}"), found).await?;
            }
            What::Reply(job) => self.wait(job, now, "an answer", |event| matches!(event, Event::Reply(..))).await?,
            What::Ended { job, how } => self.end_of(job, how, now).await?,
            other => {
                if let Some(event) = self.outside(other).await? {
                    self.take(event, now);
                }
            }
        }
        self.number += 1;
        Ok(())
    }

    /// Does all lines.
    ///
    /// # Errors
    /// As [`Replay::step`].
    pub async fn run(&mut self) -> Result<(), ReplayError> {
        while self.next_micros().is_some() {
            self.step().await?;
        }
        Ok(())
    }

    /// What the screen shows, row by row.
    #[must_use]
    pub fn screen(&mut self) -> String {
        let buffer = self.draw();
        let area = buffer.area;
        let row = |y| (0..area.width).filter_map(|x| Some(buffer.cell((x, y))?.symbol())).collect::<String>();
        (0..area.height).map(|y| row(y).trim_end().to_owned() + "\n").collect()
    }

    /// An event that no job sends.
    async fn outside(&self, what: What) -> Result<Option<Event>, ReplayError> {
        let unknown = |name: &str| ReplayError::Name { line: self.number, name: name.to_owned() };
        Ok(Some(match what {
            What::Key(name) => match parse_keys(&name).map_err(|_| unknown(&name))?.as_slice() {
                [key] => Event::Key(key.event()),
                _ => return Err(unknown(&name)),
            },
            What::Paste(text) => Event::Paste(text),
            What::Mouse { what, column, row } => Event::Mouse(mouse(what, column, row)),
            What::Resize(columns, rows) => Event::Resize(columns, rows),
            What::Tick => Event::Tick,
            What::Heads(heads) => {
                let head = |(name, seen): (String, SeenHead)| {
                    let (version, identity) = match seen {
                        SeenHead::Version(version) => (version, String::new()),
                        SeenHead::Named(version, identity) => (version, identity),
                    };
                    let version = ManifestVersion::new(version);
                    Ok((name.parse().map_err(|_| unknown(&name))?, BranchHead { version, identity }))
                };
                Event::Heads(Ok(heads.into_iter().map(head).collect::<Result<_, ReplayError>>()?))
            }
            What::Interrupted(ids) => Event::Interrupted(Ok(self.same_writes(ids).await)),
            What::Copied(size) => Event::Copied(Ok(size)),
            What::Resumed => Event::Resumed,
            What::Terminate => Event::Terminate,
            What::Unseen | What::Settings => return Ok(None),
            What::Began(_) | What::Phase { .. } | What::Reply(_) | What::Ended { .. } => return Ok(None),
        }))
    }

    /// The interrupted writes that stand here for those of the recording: writes have other ids each time.
    async fn same_writes(&self, recorded: BTreeSet<String>) -> BTreeSet<String> {
        let Some(graph) = self.tasks.graph().get() else { return recorded };
        let here: BTreeSet<String> =
            graph.sidecars().await.unwrap_or_default().into_iter().map(|file| file.id).collect();
        if here.len() == recorded.len() { here } else { recorded }
    }

    /// Lets in what a job tells, up to what the recording has. A job that is over delivers no more: answers may come in other
    /// pieces than they did.
    async fn wait(
        &mut self,
        job: u64,
        now: Now,
        what: &str,
        found: impl Fn(&Event) -> bool,
    ) -> Result<(), ReplayError> {
        let id = JobId(job);
        loop {
            self.go_on(id);
            let event = self.next_of(id, what).await?;
            if matches!(event, Event::Job(_, JobUpdate::Ended(_))) {
                self.waiting.entry(id).or_default().push_front(event);
                return Ok(());
            }
            let (is_found, stands) = (found(&event), phase(&event).is_some());
            if stands {
                self.standing.insert(id);
            }
            self.take(event, now);
            if is_found {
                return Ok(());
            }
        }
    }

    /// Lets in everything that a job tells, up to its end.
    async fn end_of(&mut self, job: u64, recorded: Ended, now: Now) -> Result<(), ReplayError> {
        let id = JobId(job);
        let is_write = self.state.shared.jobs.find(id).is_some_and(|job| job.lifetime == Lifetime::Write);
        loop {
            self.go_on(id);
            let event = self.next_of(id, "its end").await?;
            let over = match &event {
                Event::Job(_, JobUpdate::Ended(status)) => ended(status),
                _ => None,
            };
            if phase(&event).is_some() {
                self.standing.insert(id);
            }
            self.take(event, now);
            match over {
                Some(found) if is_write && found != recorded => {
                    return Err(ReplayError::Other { line: self.number, job, recorded, found });
                }
                Some(_) => return Ok(()),
                None => {}
            }
        }
    }

    fn go_on(&mut self, job: JobId) {
        if self.standing.remove(&job) {
            self.pace.let_pass(job);
        }
    }

    /// The next thing that a job tells. What others tell meanwhile is kept.
    async fn next_of(&mut self, job: JobId, what: &str) -> Result<Event, ReplayError> {
        let missing = || ReplayError::Missing { line: self.number, job: job.0, what: what.to_owned() };
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            if let Some(event) = self.waiting.get_mut(&job).and_then(VecDeque::pop_front) {
                return Ok(event);
            }
            tokio::select! {
                Some(event) = self.events.recv() => {
                    if let Event::Job(of, _) | Event::Reply(of, _) = &event {
                        self.waiting.entry(*of).or_default().push_back(event);
                    }
                }
                Some((slot, id)) = self.finished.recv() => self.tasks.left(slot, id),
                () = &mut patience => return Err(missing()),
            }
        }
    }

    fn take(&mut self, event: Event, now: Now) {
        if matches!(event, Event::Mouse(_)) {
            // A click means what is drawn there.
            self.draw();
        }
        let effects = handle(&mut self.state, event, now);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(start) => self.tasks.start(start),
                Effect::Cancel(id) => self.tasks.cancel(id),
                Effect::Quit => self.done = true,
                // The recording has what came of these.
                Effect::Copy(_)
                | Effect::CaptureMouse(_)
                | Effect::WatchHeads(_)
                | Effect::CheckHeads
                | Effect::Redraw
                | Effect::Suspend => {}
            }
        }
    }

    fn draw(&mut self) -> Buffer {
        let (columns, rows) = self.state.shared.size;
        let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
        let mut regions = None;
        let Ok(_) = terminal.draw(|frame| regions = Some(view(&self.state, frame)));
        if let Some(regions) = regions {
            self.state.shared.regions = regions;
        }
        terminal.backend().buffer().clone()
    }
}

/// What still runs ends as if the process were killed.
impl Drop for Replay {
    fn drop(&mut self) {
        self.pace.end();
        self.tasks.stop();
    }
}

/// The phase that a job entered.
fn phase(event: &Event) -> Option<&str> {
    match event {
        Event::Job(_, JobUpdate::Progress(ProgressEvent::Phase { name, .. })) => Some(name),
        _ => None,
    }
}

fn mouse(what: Click, column: u16, row: u16) -> MouseEvent {
    let kind = match what {
        Click::Left => MouseEventKind::Down(MouseButton::Left),
        Click::Up => MouseEventKind::ScrollUp,
        Click::Down => MouseEventKind::ScrollDown,
        Click::Leftwards => MouseEventKind::ScrollLeft,
        Click::Rightwards => MouseEventKind::ScrollRight,
    };
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}
