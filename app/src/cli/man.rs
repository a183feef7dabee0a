//! `man`: manual pages made from the definition of the command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::error::{CliError, EXIT_CODES};
use super::output::Out;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Folder to write the pages of the program and of each command to; without one the program's page is printed
    dir: Option<PathBuf>,
}

const SECTION: &str = "1";

const ENVIRONMENT: [(&str, &str); 3] = [
    ("NO_COLOR", "If set and not empty, nothing is colored unless --color asks for it."),
    ("STRATIGRAPH_LOG", "What goes to the log of the workbench, as open --log-level sets it."),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME", "Folders that hold the files below instead of ~/.config and ~/.local/state."),
];

const FILES: [(&str, &str); 2] = [
    ("~/.config/stratigraph/config.toml", "Settings of the workbench."),
    ("~/.local/state/stratigraph/", "The log of the workbench, and drafts of merges."),
];

/// Prints the page of the program, or writes a page for it and for each of its commands.
pub(super) fn run(args: &ManArgs, program: clap::Command, out: &mut Out) -> Result<(), CliError> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    match &args.dir {
        None => out.verbatim(&String::from_utf8_lossy(&program_page(&program)?)),
        Some(dir) => {
            fs::create_dir_all(dir).map_err(unwritten(dir))?;
            write_page(dir, "stratigraph", &program_page(&program)?)?;
            program.get_subcommands().try_for_each(|command| write_command(dir, command))
        }
    }
}

fn write_command(dir: &Path, command: &clap::Command) -> Result<(), CliError> {
    command.get_subcommands().try_for_each(|command| write_command(dir, command))?;
    let mut page = Vec::new();
    Man::new(command.clone()).section(SECTION).render(&mut page)?;
    write_page(dir, command.get_display_name().unwrap_or_else(|| command.get_name()), &page)
}

fn write_page(dir: &Path, name: &str, page: &[u8]) -> Result<(), CliError> {
    let path = dir.join(format!("{name}.{SECTION}"));
    fs::write(&path, page).map_err(unwritten(&path))
}

fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> CliError {
    move |source| CliError::Unwritten { path: path.display().to_string(), source }
}

/// Renders the page of the program: what clap knows, and the sections of a manual page that it does not know.
fn program_page(program: &clap::Command) -> io::Result<Vec<u8>> {
    let man = Man::new(program.clone()).section(SECTION);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    man.render_subcommands_section(&mut page)?;
    let mut rest = Roff::new();
    define(&mut rest, "EXIT STATUS", EXIT_CODES);
    define(&mut rest, "ENVIRONMENT", ENVIRONMENT);
    define(&mut rest, "FILES", FILES);
    rest.to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// Adds a section that is a list of terms and their meanings.
fn define<'a>(page: &mut Roff, title: &str, terms: impl IntoIterator<Item = (&'a str, &'a str)>) {
    page.control("SH", [title]);
    for (term, meaning) in terms {
        page.control("TP", []).text([bold(term)]).text([roman(meaning)]);
    }
}
