//! `open` and `demo`: the workbench.

use std::path::PathBuf;

use super::GlobalArgs;
use super::demo::{self, DemoArgs, DemoError};
use super::error::CliError;
use super::work::{Work, until_interrupted};
use crate::config::Flags;
use crate::theme::Surroundings;
use crate::{WorkbenchOptions, run_workbench};

/// Arguments of `open`.
#[derive(Debug, clap::Args)]
pub(super) struct OpenArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// What the workbench can be told.
#[derive(Debug, clap::Args)]
pub(super) struct ScreenArgs {
    /// Settings file on top of your own
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Who writes, for the history; asked for before the first write if it is not given
    #[arg(long, value_name = "ACTOR", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    actor: Option<String>,
    /// No spinners, fewer updates
    #[arg(long)]
    reduced_motion: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    no_mouse: bool,
    /// What goes to the log file: error, warn, info, debug, or a filter like stratigraph=debug
    #[arg(long, value_name = "LEVEL", env = "STRATIGRAPH_LOG")]
    log_level: Option<String>,
    /// New file to write down what is done: keys, times and when answers came, no rows
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Runs the workbench on a graph.
pub(super) fn run(args: OpenArgs, global: &GlobalArgs) -> Result<(), CliError> {
    workbench(args.uri, args.screen, global)
}

/// Makes the sample graph and runs the workbench on it.
pub(super) fn run_demo(args: DemoArgs, global: &GlobalArgs) -> Result<(), CliError> {
    // Before the graph is made for nothing.
    crate::terminal::check("", &Surroundings::of_process()).map_err(|_| {
        let dir = args.dir.as_deref().map(|dir| format!(" {}", dir.display())).unwrap_or_default();
        DemoError::NoScreen { command: format!("demo{dir}") }
    })?;
    let work = Work::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut place = None;
    let made = async {
        place = Some(demo::make(&args, &work).await?);
        Ok(())
    };
    let done = runtime.block_on(until_interrupted(&work, made));
    runtime.shutdown_background();
    done?;
    let place = place.expect("it was made");
    workbench(place.uri(), args.screen, global)
}

fn workbench(uri: String, screen: ScreenArgs, global: &GlobalArgs) -> Result<(), CliError> {
    let flags = Flags {
        color: global.color,
        ascii: global.ascii,
        reduced_motion: screen.reduced_motion,
        no_mouse: screen.no_mouse,
        actor: screen.actor,
    };
    let options =
        WorkbenchOptions { uri, config: screen.config, flags, log_level: screen.log_level, record: screen.record };
    run_workbench(options).map_err(|error| CliError::Workbench(error.into()))
}
