//! `load`: records into a branch, all of them or none.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::{At, BranchName, Graph};

use super::error::{CliError, note};
use super::made::Made;
use super::meter::Meter;
use super::output::Out;
use super::target::{branch_name, echo, open_to_write};
use super::work::Work;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Arguments of `load`.
#[derive(Debug, clap::Args)]
pub(super) struct LoadArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// Records as JSON lines, as `export` prints them; - is standard input
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    /// What happens to rows that are there
    #[arg(long, value_enum)]
    mode: ModeArg,
    /// Branch to load into
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    branch: String,
    /// Make the branch from this one first, if it does not exist
    #[arg(long, value_name = "BRANCH", requires = "branch")]
    from: Option<String>,
    /// Who does it, for the history
    #[arg(long, value_name = "ACTOR", value_parser = NonEmptyStringValueParser::new())]
    actor: Option<String>,
}

/// `--mode`.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ModeArg {
    /// Rows are added; an id that is there already is refused
    Append,
    /// Rows replace those with the same id, or are added
    Merge,
    /// Rows replace all rows of each table that occurs in the data
    Overwrite,
}

impl From<ModeArg> for LoadMode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Append => Self::Append,
            ModeArg::Merge => Self::Merge,
            ModeArg::Overwrite => Self::Overwrite,
        }
    }
}

/// Loads the records and prints the commit.
pub(super) async fn run(args: LoadArgs, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let branch = branch_name(&args.branch)?;
    let from = args.from.as_deref().map(branch_name).transpose()?;
    let meter = Meter::new("read", total_bytes(&args.data));
    let inputs = open_inputs(&args.data, &meter)?;
    let graph = open_to_write(&args.uri, work).await?;
    echo(graph.uri(), &branch, args.actor.as_deref());
    find_or_make(&graph, &branch, from.as_ref(), work).await?;
    let request =
        LoadRequest { mode: args.mode.into(), branch: branch.clone(), actor: args.actor.map(Into::into), inputs };
    let progress = work.progress({
        let meter = meter.clone();
        move |event| meter.report(&event)
    });
    let loaded = Box::pin(work.writing(graph.load(request, &progress))).await;
    drop((progress, meter));
    let loaded = loaded?;
    if loaded.written.as_ref().is_some_and(|written| written.sidecar_left) {
        note("the write is done, but its record could not be removed: the next write does that");
    }
    Made::written(branch, loaded.written, &loaded.records).print(out)
}

/// Makes the branch if it is missing and there is one to make it from.
async fn find_or_make(
    graph: &Graph,
    branch: &BranchName,
    from: Option<&BranchName>,
    work: &Work,
) -> Result<(), CliError> {
    match from {
        Some(from) if !graph.head_versions().await?.contains_key(branch) => {
            work.writing(graph.create_branch(branch, from)).await?;
            note(&format!("made branch {branch} from {from}"));
        }
        Some(_) | None => drop(graph.resolve(&At::Branch(branch.clone())).await?),
    }
    Ok(())
}

/// All files are opened before anything happens, so that a wrong name costs nothing.
fn open_inputs(paths: &[PathBuf], meter: &Meter) -> Result<Vec<Input>, CliError> {
    let is_standard_input = |path: &&PathBuf| path.as_path() == Path::new(STANDARD_INPUT);
    if paths.iter().filter(is_standard_input).count() > 1 {
        return Err(CliError::RepeatedInput);
    }
    paths.iter().map(|path| open_input(path, meter)).collect()
}

fn open_input(path: &Path, meter: &Meter) -> Result<Input, CliError> {
    if path == Path::new(STANDARD_INPUT) {
        return Ok(Input { name: "standard input".to_owned(), reader: meter.count(BufReader::new(io::stdin())) });
    }
    let name = path.display().to_string();
    let opened = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    let file = opened.map_err(|source| CliError::File { path: name.clone(), source })?;
    Ok(Input { name, reader: Box::new(BufReader::new(meter.count(file))) })
}

/// Bytes of all files; none if one of them has no size, like a pipe.
fn total_bytes(paths: &[PathBuf]) -> Option<u64> {
    let size = |path: &PathBuf| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
    paths.iter().map(size).sum()
}
