//! `completions`: a script by which a shell completes the commands and flags of the program.

use clap_complete::{Shell, generate};

use super::error::CliError;
use super::output::Out;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell that reads the script
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completion script of a shell for the given command line.
pub(super) fn run(args: &CompletionsArgs, mut program: clap::Command, out: &mut Out) -> Result<(), CliError> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    generate(args.shell, &mut program, name, &mut script);
    out.verbatim(&String::from_utf8_lossy(&script))
}
