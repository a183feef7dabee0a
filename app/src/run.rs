//! The loop: receive, update, start effects, draw once per batch of events.

mod start;
mod watch;

pub use start::{WorkbenchOptions, new_state, run_workbench};

use std::time::{Duration, Instant};

use crossterm::event::{Event as TerminalEvent, EventStream};
use futures::StreamExt;
use tokio::sync::mpsc;

use crate::clipboard;
use crate::effect::Effect;
use crate::event::{Event, Now};
use crate::job::{JobId, Slot};
use crate::message::Failure;
use crate::recording::Recorder;
use crate::state::State;
use crate::tasks::Tasks;
use crate::terminal::{Guard, restore, stop_process};
use crate::update::handle;
use crate::view::view;
use watch::{Signals, Watch};

/// Fail point just before a frame is drawn: the event is taken and its effects are started, the terminal still shows the former
/// frame. What fails here unwinds through the loop.
pub const DRAW_POINT: &str = "workbench.draw";

/// Least time between two frames.
const FRAME: Duration = Duration::from_millis(10);
/// Pace of the tick while something on screen depends on time: five a second, one with reduced motion.
const TICK: Duration = Duration::from_millis(200);
const SLOW_TICK: Duration = Duration::from_secs(1);
/// Most events taken before a frame is drawn.
const BATCH: usize = 256;

/// What the loop owns besides the state.
struct Loop {
    state: State,
    guard: Guard,
    tasks: Tasks,
    watch: Watch,
    recorder: Option<Recorder>,
    started: Instant,
    done: bool,
}

/// The wires into the loop.
struct Inputs {
    events: mpsc::Receiver<Event>,
    finished: mpsc::UnboundedReceiver<(Slot, JobId)>,
    terminal: EventStream,
}

impl Loop {
    fn now(&self) -> Now {
        Now { utc_micros: crate::clock::utc_micros(), elapsed: self.started.elapsed() }
    }

    fn handle(&mut self, event: Event) -> anyhow::Result<()> {
        let now = self.now();
        self.record(&event, now);
        for effect in handle(&mut self.state, event, now) {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    /// A recording that cannot go on ends here; the program does not.
    fn record(&mut self, event: &Event, now: Now) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Err(error) = recorder.event(event, now) {
            self.recorder = None;
            let failure = Failure::of(stratigraph_engine::ErrorKind::Unavailable, &error);
            self.state.shared.messages.fail(now, &failure.during("the recording ends here"));
        }
    }

    fn carry_out(&mut self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Start(start) => self.tasks.start(start),
            Effect::Cancel(id) => self.tasks.cancel(id),
            Effect::Copy(text) => {
                let result = clipboard::copy(&mut std::io::stdout(), &text);
                let result = result.map_err(|error| {
                    Failure::of(stratigraph_engine::ErrorKind::Unavailable, &error).during("cannot copy")
                });
                self.handle(Event::Copied(result))?;
            }
            Effect::CaptureMouse(on) => self.guard.capture_mouse(on)?,
            Effect::WatchHeads(seconds) => self.watch.heads_every(seconds, self.tasks.graph()),
            Effect::CheckHeads => self.watch.look_now(self.tasks.graph()),
            Effect::Redraw => self.guard.redraw()?,
            Effect::Suspend => {
                restore();
                let stopped = stop_process();
                self.guard.enter()?;
                if let Err(error) = stopped {
                    let now = self.now();
                    let failure = Failure::of(stratigraph_engine::ErrorKind::Unavailable, &error);
                    self.state.shared.messages.fail(now, &failure.during("cannot suspend"));
                }
                self.handle(Event::Resumed)?;
            }
            Effect::Quit => self.done = true,
        }
        Ok(())
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        fail::fail_point!(DRAW_POINT);
        self.state.shared.now = self.now();
        let mut regions = None;
        let state = &self.state;
        self.guard.terminal.draw(|frame| regions = Some(view(state, frame)))?;
        if let Some(regions) = regions {
            self.state.shared.regions = regions;
        }
        Ok(())
    }

    /// Runs until something asks to quit.
    async fn run(&mut self, inputs: &mut Inputs, mut signals: Signals) -> anyhow::Result<()> {
        let mut drawn = Instant::now();
        while !self.done {
            let pace = if self.state.shared.theme.motion { TICK } else { SLOW_TICK };
            let tick = tokio::time::sleep(pace);
            let event = tokio::select! {
                event = inputs.terminal.next() => match event {
                    Some(event) => translate(event?),
                    None => Some(Event::Terminate),
                },
                event = inputs.events.recv() => event,
                Some((slot, id)) = inputs.finished.recv() => {
                    self.tasks.left(slot, id);
                    None
                }
                () = signals.terminate() => Some(Event::Terminate),
                () = tick, if self.state.ticks() => Some(Event::Tick),
            };
            let Some(event) = event else { continue };
            self.handle(event)?;
            self.take_more(inputs, drawn + FRAME).await?;
            if !self.done {
                self.draw()?;
                drawn = Instant::now();
            }
        }
        Ok(())
    }

    /// Takes the events that are there already, and those that arrive before the next frame is due.
    async fn take_more(&mut self, inputs: &mut Inputs, due: Instant) -> anyhow::Result<()> {
        for _ in 0..BATCH {
            if self.done {
                return Ok(());
            }
            let event = tokio::select! {
                biased;
                event = inputs.terminal.next() => event.transpose()?.and_then(translate),
                event = inputs.events.recv() => event,
                Some((slot, id)) = inputs.finished.recv() => {
                    self.tasks.left(slot, id);
                    None
                }
                () = tokio::time::sleep_until(due.into()) => return Ok(()),
            };
            if let Some(event) = event {
                self.handle(event)?;
            }
        }
        Ok(())
    }
}

/// Events of the terminal that mean something to us.
fn translate(event: TerminalEvent) -> Option<Event> {
    match event {
        TerminalEvent::Key(key) => Some(Event::Key(key)),
        TerminalEvent::Mouse(mouse) => Some(Event::Mouse(mouse)),
        TerminalEvent::Paste(text) => Some(Event::Paste(text)),
        TerminalEvent::Resize(columns, rows) => Some(Event::Resize(columns, rows)),
        TerminalEvent::FocusGained | TerminalEvent::FocusLost => None,
    }
}
