//! The `stratigraph` program.

use std::path::PathBuf;

use clap::Parser;
use stratigraph::config::Flags;
use stratigraph::theme::ColorChoice;
use stratigraph::{WorkbenchOptions, run_workbench};

/// Terminal workbench for OmniGraph databases.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Location of the graph.
    uri: String,
    /// Settings file on top of the user's.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Colours.
    #[arg(long, value_enum)]
    color: Option<ColorChoice>,
    /// Draw with seven-bit signs only.
    #[arg(long)]
    ascii: bool,
    /// Nothing moves by itself.
    #[arg(long)]
    reduced_motion: bool,
    /// Leave the mouse to the terminal.
    #[arg(long)]
    no_mouse: bool,
    /// What goes to the log file.
    #[arg(long, env = "STRATIGRAPH_LOG")]
    log_level: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    run_workbench(WorkbenchOptions {
        uri: arguments.uri,
        config: arguments.config,
        flags: Flags {
            color: arguments.color,
            ascii: arguments.ascii,
            reduced_motion: arguments.reduced_motion,
            no_mouse: arguments.no_mouse,
        },
        log_level: arguments.log_level,
    })
}
