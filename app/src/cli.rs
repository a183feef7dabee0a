//! The command line: every screen's data as text and as JSON, without a terminal.
//!
//! | file | answers |
//! |---|---|
//! | `cli.rs` | which commands there are, how one is run, which exit code it gives |
//! | `cli/<command>.rs` | arguments, JSON fields and text of one command |
//! | `cli/output.rs`, `text_table.rs`, `rows.rs` | how text, JSON, tables and rows are printed; nothing else prints |
//! | `cli/words.rs` | how a word of a command line is quoted |
//! | `cli/error.rs` | how a failure is said, and its exit code |
//! | `cli/target.rs` | what a command does before it writes to a graph: open, echo, ask |
//! | `cli/work.rs`, `meter.rs` | how a write is interrupted, and how far it is |
//! | `cli/made.rs` | the commit that a write made |
//!
//! Only `init`, `load`, `mutate`, `merge`, `branch create`, `branch delete`, `recovery run` and `demo` write to a graph.

mod audit;
mod branch;
mod branches;
mod commit;
mod completions;
mod demo;
mod diff;
mod draw;
mod error;
mod export;
mod history;
mod init;
mod load;
mod log;
mod made;
mod man;
mod merge;
mod meter;
mod mutate;
mod open;
mod output;
mod panics;
mod position;
mod read;
mod recovery;
mod rows;
#[cfg(test)]
mod sample;
mod schema;
mod show;
mod since;
mod sql;
mod tables;
mod target;
mod text_table;
mod words;
mod work;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use stratigraph_engine::{Graph, OpenMode};

use crate::theme::ColorChoice;
use error::{CliError, exit_code, exit_codes_help, report};
use output::{Form, Out};
#[cfg(test)]
pub(crate) use sample::sample;
pub(crate) use words::quoted;
use work::{Work, until_interrupted};

/// Terminal workbench for OmniGraph databases: walk the history, read any table at any commit
#[derive(Debug, Parser)]
#[command(name = "stratigraph", version, after_help = exit_codes_help(), arg_required_else_help = true)]
#[command(override_usage = "stratigraph [OPTIONS] URI\n       stratigraph [OPTIONS] COMMAND")]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, clap::Args)]
struct GlobalArgs {
    /// Print one JSON object a line
    #[arg(long, global = true)]
    json: bool,
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        help = "Colors: auto looks at the terminal and NO_COLOR"
    )]
    color: Option<ColorChoice>,
    /// Draw with seven-bit characters only
    #[arg(long, global = true)]
    ascii: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Commits of all branches, newest first
    Log(log::LogArgs),
    /// One commit and the tables it changed
    Show(show::ShowArgs),
    /// Branches, their heads and where they began
    Branches(branches::BranchesArgs),
    /// Tables at a position: versions, rows, drift
    Tables(tables::TablesArgs),
    /// Rows of a table at a position
    Read(read::ReadArgs),
    /// Rows that differ between two positions
    Diff(diff::DiffArgs),
    /// Commits that changed one row
    History(history::HistoryArgs),
    /// A query over the tables of a position
    Sql(sql::SqlArgs),
    /// The schema
    Schema(schema::SchemaArgs),
    /// Rows as JSON lines that `load` takes back
    Export(export::ExportArgs),
    /// Make a new graph
    Init(init::InitArgs),
    /// Load records into a branch: all of them or none
    Load(load::LoadArgs),
    /// Insert, update and delete by statements: all of them or none
    Mutate(mutate::MutateArgs),
    /// Merge a branch into another, or show what that would do
    Merge(merge::MergeArgs),
    /// Make, delete and list branches
    #[command(subcommand)]
    Branch(branch::BranchCommand),
    /// Interrupted writes, and their recovery
    #[command(subcommand)]
    Recovery(recovery::RecoveryCommand),
    /// What was done about interrupted writes
    Audit(audit::AuditArgs),
    /// Open the workbench (also: stratigraph URI)
    Open(open::OpenArgs),
    /// Make a sample graph and open the workbench on it
    Demo(demo::DemoArgs),
    /// Script that completes commands and flags in a shell
    Completions(completions::CompletionsArgs),
    /// Manual pages
    Man(man::ManArgs),
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let args = with_open(std::env::args_os().collect(), |word| Path::new(word).exists());
    panics::keep();
    let run = |args| {
        catch_unwind(AssertUnwindSafe(|| dispatch(Cli::parse_from(args))))
            .unwrap_or_else(|_| Err(CliError::Panicked { said: panics::last() }))
    };
    match args.and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_said() {
                report(&error);
            }
            ExitCode::from(exit_code(error.kind()))
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Open(args) => open::run(args, &cli.global),
        Command::Demo(args) if !args.keep => open::run_demo(args, &cli.global),
        command => {
            let form = if cli.global.json { Form::Json } else { Form::Text };
            let mut out = Out::stdout(form, cli.global.color.unwrap_or_default(), cli.global.ascii);
            let work = Work::default();
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let done = runtime.block_on(until_interrupted(&work, answer(command, &mut out, &work)));
            // Work of an interrupted command is not waited for.
            runtime.shutdown_background();
            done.and_then(|()| out.flush())
        }
    }
}

/// Prints the answer of a command that needs no screen.
async fn answer(command: Command, out: &mut Out, work: &Work) -> Result<(), CliError> {
    match command {
        Command::Log(args) => log::run(args, out, now_micros()).await,
        Command::Show(args) => show::run(args, out).await,
        Command::Branches(args) => branches::run(args, out).await,
        Command::Tables(args) => tables::run(args, out).await,
        Command::Read(args) => read::run(args, out).await,
        Command::Diff(args) => diff::run(args, out).await,
        Command::History(args) => history::run(args, out).await,
        Command::Sql(args) => sql::run(args, out).await,
        Command::Schema(args) => schema::run(args, out).await,
        Command::Export(args) => export::run(args, out).await,
        Command::Init(args) => init::run(args, out, work).await,
        Command::Load(args) => load::run(args, out, work).await,
        Command::Mutate(args) => mutate::run(args, out, work).await,
        Command::Merge(args) => merge::run(args, out, work).await,
        Command::Branch(command) => branch::run(command, out, work).await,
        Command::Recovery(command) => recovery::run(command, out, work, now_micros()).await,
        Command::Audit(args) => audit::run(args, out).await,
        Command::Demo(args) => demo::print_place(&args, out, work).await,
        Command::Completions(args) => completions::run(&args, Cli::command(), out),
        Command::Man(args) => man::run(&args, Cli::command(), out),
        Command::Open(_) => unreachable!("BUG: the workbench is dispatched before"),
    }
}

/// Opens a graph for looking.
async fn open_graph(uri: &str) -> Result<Graph, CliError> {
    Ok(Graph::open(uri, OpenMode::ReadOnly).await?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one look at the clock of a command; everything below takes the time"
)]
fn now_micros() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

/// Puts `open` before a first word that is no command, so that `stratigraph URI` opens the workbench.
///
/// A word that is no place either is refused here: as a graph to open, a mistyped command would be called a wrong argument.
fn with_open(mut args: Vec<OsString>, exists: impl Fn(&str) -> bool) -> Result<Vec<OsString>, CliError> {
    let command = Cli::command();
    let known = || command.get_subcommands().map(clap::Command::get_name).chain(["help"]);
    let Some((at, word)) = first_word(&command, &args) else { return Ok(args) };
    if known().any(|name| name == word) {
        return Ok(args);
    }
    if !is_place(&word) && !exists(&word) {
        let near = words::meant(&word, known().collect::<Vec<_>>()).map(str::to_owned);
        return Err(CliError::UnknownCommand { word, near });
    }
    args.insert(at, "open".into());
    Ok(args)
}

/// The first word that is neither a flag nor the value of one, and where it is.
fn first_word(command: &clap::Command, args: &[OsString]) -> Option<(usize, String)> {
    let takes_value = |flag: &str| {
        let found = command.get_arguments().find(|arg| arg.get_long().is_some_and(|long| flag == format!("--{long}")));
        found.is_some_and(|arg| arg.get_action().takes_values())
    };
    let mut at = 1;
    loop {
        let word = args.get(at)?.to_string_lossy();
        if !word.starts_with('-') {
            return Some((at, word.into_owned()));
        }
        at += if takes_value(&word) { 2 } else { 1 };
    }
}

/// Whether a word is written like a path or a URI; no command is.
fn is_place(word: &str) -> bool {
    word.is_empty() || word.contains(['/', '\\', ':', '.', '~'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(line: &str) -> Result<String, CliError> {
        let args = line.split(' ').map(OsString::from).collect();
        let args = with_open(args, |word| word == "crm")?;
        Ok(args.join(&OsString::from(" ")).to_string_lossy().into_owned())
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_location_alone_opens_the_workbench() {
        let cases = [
            ("stratigraph /g --ascii", "stratigraph open /g --ascii"),
            ("stratigraph --color never /g", "stratigraph --color never open /g"),
            ("stratigraph --color=never /g", "stratigraph --color=never open /g"),
            ("stratigraph --json log /g", "stratigraph --json log /g"),
            ("stratigraph help log", "stratigraph help log"),
            ("stratigraph ./log", "stratigraph open ./log"),
            ("stratigraph ./x", "stratigraph open ./x"),
            ("stratigraph file:///g", "stratigraph open file:///g"),
            ("stratigraph crm", "stratigraph open crm"),
            ("stratigraph --version", "stratigraph --version"),
            ("stratigraph", "stratigraph"),
        ];
        for (line, expected) in cases {
            assert_eq!(opened(line).expect(line), expected);
        }
    }

    #[test]
    fn a_mistyped_command_is_not_taken_for_a_graph() {
        let cases = [("logs", Some("log")), ("Log", Some("log")), ("brnaches", Some("branches")), ("frobnicate", None)];
        for (typed, meant) in cases {
            match opened(&format!("stratigraph --json {typed} /g")) {
                Err(CliError::UnknownCommand { word, near }) => {
                    assert_eq!((word.as_str(), near.as_deref()), (typed, meant));
                }
                other => panic!("{typed}: {other:?}"),
            }
        }
    }
}
