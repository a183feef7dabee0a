//! From options to a running loop.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Context as _;
use crossterm::event::EventStream;
use tokio::sync::mpsc;

use crate::clock::utc_micros;
use crate::config::{Config, Flags, Origin, state_directory, user_file};
use crate::event::Now;
use crate::logging;
use crate::message::{Failure, Level};
use crate::recording::{Header, Recorder};
use crate::registry::registry;
use crate::run::watch::{Signals, Sources, Watch};
use crate::run::{Inputs, Loop};
use crate::state::State;
use crate::tasks::Tasks;
use crate::terminal::{self, Guard, install_panic_hook};
use crate::theme::Surroundings;
use crate::update::{apply_config, open_graph};

/// What the command line decides about the workbench.
#[derive(Debug, Clone, Default)]
pub struct WorkbenchOptions {
    /// Location of the graph.
    pub uri: String,
    /// Settings file on top of the user's.
    pub config: Option<PathBuf>,
    /// Flags that are settings.
    pub flags: Flags,
    /// Log filter; `None` logs warnings and errors.
    pub log_level: Option<String>,
    /// New file to record to what is done.
    pub record: Option<PathBuf>,
}

/// Jobs' events that may wait for the loop.
const QUEUE: usize = 1024;

/// Shows the workbench until the user quits.
///
/// The first frame is drawn before the graph is opened; opening is a job like any other.
///
/// # Errors
/// If there is no terminal, `--config` cannot be read, there is a file already to record to, or the terminal fails while drawing.
/// The terminal is given back.
pub fn run_workbench(options: WorkbenchOptions) -> anyhow::Result<()> {
    let started = Instant::now();
    let around = Surroundings::of_process();
    let shown = logging::mask_secrets(&options.uri);
    terminal::check(&shown, &around)?;
    let log = start_log(options.log_level.as_deref().unwrap_or("warn"));
    let (log, log_problem) = match log {
        Ok(log) => (log, None),
        Err(error) => (None, Some(error)),
    };
    let log_path = log.as_ref().map(|log| log.path.clone());
    install_panic_hook(log_path.clone());
    let sources = sources(&options);
    let (config, config_problem) = first_config(&sources)?;
    let recorder = recorder(&options, &around, &config)?;

    let background = Background::new()?;
    let runtime = background.runtime();
    let (sender, events) = mpsc::channel(QUEUE);
    let (tasks, finished) = Tasks::new(runtime.handle().clone(), sender.clone());
    // Before the terminal is taken: a signal from here on ends the program in the way that gives it back.
    let signals = {
        let _inside = runtime.enter();
        Signals::new()?
    };
    let guard = Guard::take(config.mouse.value).context("cannot draw on this terminal")?;
    let size = guard.terminal.size()?;
    let now = Now { utc_micros: utc_micros(), elapsed: started.elapsed() };
    let mut state = new_state(options.uri, config, around, (size.width, size.height), now);
    state.shared.log_path = log_path;
    for problem in config_problem.into_iter().chain(log_problem) {
        state.shared.messages.fail(now, &problem);
    }
    warn_about_settings(&mut state);

    let result = runtime.block_on(async {
        let watch = Watch::new(runtime.handle().clone(), sender, sources);
        let mut inputs = Inputs { events, finished, terminal: EventStream::new() };
        let mut main = Loop { state, guard, tasks, watch, recorder, started, done: false };
        main.draw()?;
        tracing::info!(milliseconds = started.elapsed().as_millis(), "first frame drawn");
        for effect in open_graph(&mut main.state) {
            main.carry_out(effect)?;
        }
        let result = main.run(&mut inputs, signals).await;
        main.tasks.stop();
        result
    });
    drop(log);
    result
}

fn recorder(options: &WorkbenchOptions, around: &Surroundings, config: &Config) -> anyhow::Result<Option<Recorder>> {
    let Some(path) = &options.record else { return Ok(None) };
    let size = crossterm::terminal::size()?;
    let header = Header::new(&options.uri, utc_micros(), size, around, config);
    let recorder = Recorder::create(path, &header);
    recorder.map(Some).with_context(|| format!("cannot record to {}", path.display()))
}

/// The workers. Cancelled ones may be inside a long call: neither a return nor a panic of the loop waits for them.
struct Background(Option<tokio::runtime::Runtime>);

impl Background {
    fn new() -> std::io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("stratigraph-worker").build()?;
        Ok(Self(Some(runtime)))
    }

    fn runtime(&self) -> &tokio::runtime::Runtime {
        self.0.as_ref().expect("it is taken by drop alone")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn start_log(level: &str) -> Result<Option<logging::Log>, Failure> {
    let Some(directory) = state_directory() else { return Ok(None) };
    let kind = stratigraph_engine::ErrorKind::Unavailable;
    logging::start(&directory, level).map(Some).map_err(|error| Failure::of(kind, error.as_ref()))
}

fn sources(options: &WorkbenchOptions) -> Sources {
    let user = user_file().map(|path| (path, Origin::UserFile));
    let given = options.config.clone().map(|path| (path, Origin::ConfigFile));
    Sources { files: user.into_iter().chain(given).collect(), flags: options.flags.clone() }
}

/// A broken user file does not keep the program from starting; a broken file named on the command line does.
fn first_config(sources: &Sources) -> anyhow::Result<(Config, Option<Failure>)> {
    match sources.read() {
        Ok(config) => Ok((config, None)),
        Err(failure) => {
            let mut rest = sources.clone();
            rest.files.retain(|(_, origin)| *origin != Origin::UserFile);
            match rest.read() {
                Ok(config) => Ok((config, Some(failure))),
                Err(failure) => Err(anyhow::anyhow!("{}", failure.chain.join(": "))),
            }
        }
    }
}

fn warn_about_settings(state: &mut State) {
    let now = state.shared.now;
    let config = Rc::clone(&state.shared.config);
    for warning in &config.warnings {
        let text = format!("settings, line {}: {}", warning.line, warning.text);
        state.shared.messages.say(now, Level::Warning, text);
    }
}

/// A state before anything is known, with the settings in force.
#[must_use]
pub fn new_state(location: String, config: Config, around: Surroundings, size: (u16, u16), now: Now) -> State {
    let mut state = State::new(location, around, size, now, registry());
    // Nothing is on yet that the settings could switch: the effects are for a running program.
    drop(apply_config(&mut state, config));
    state.shared.mouse = state.shared.config.mouse.value;
    state
}
