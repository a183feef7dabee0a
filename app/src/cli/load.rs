//! `load`: records into a branch, all of them or none.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, TypedValueParser};
use stratigraph_engine::graph::BranchError;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest, TableFile, TableFormat};
use stratigraph_engine::{BranchName, Error, Graph};

use super::error::{CliError, note};
use super::made::Made;
use super::meter::Meter;
use super::output::Out;
use super::target::{branch_name, echo, open_to_write};
use super::work::Work;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";
/// Ends of the names of files that hold the rows of one table.
const TABLE_EXTENSIONS: [&str; 6] = ["parquet", "pq", "arrow", "feather", "ipc", "arrows"];

/// Arguments of `load`.
#[derive(Debug, clap::Args)]
pub(super) struct LoadArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// Records as JSON lines, as `export` prints them (- is standard input), or the rows of one table as Parquet or Arrow IPC,
    /// in a file that is called like its type (Person.parquet) or given with it (Person=rows.parquet)
    #[arg(long, value_name = "[TYPE=]FILE", num_args = 1.., required = true, value_parser = OsStringValueParser::new().try_map(Data::parse))]
    data: Vec<Data>,
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
    let opened = open_inputs(&args.data)?;
    let meter = Meter::new("read", opened.iter().map(Opened::size_bytes).sum());
    let inputs = opened.into_iter().map(|opened| opened.input(&meter)).collect();
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
    let Some(from) = from else {
        graph.branch(branch).await?;
        return Ok(());
    };
    if graph.branch_list().await?.contains(branch) {
        return Ok(());
    }
    match work.writing(graph.create_branch(branch, from)).await {
        Ok(()) => note(&format!("made branch {branch} from {from}")),
        // Another program was faster.
        Err(Error::Branch(BranchError::Exists { .. })) => {
            note(&format!("branch {branch} was just made by another program"));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// What was given after `--data`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    StandardInput,
    /// A file, and the type that its rows are of if that was said.
    File {
        path: PathBuf,
        table: Option<String>,
    },
}

impl Data {
    fn parse(text: OsString) -> Result<Self, &'static str> {
        if text == STANDARD_INPUT {
            return Ok(Self::StandardInput);
        }
        let named = text.to_str().and_then(|text| text.split_once('=')).filter(|(table, _)| is_table(table));
        // A file that has the sign in its name goes first.
        match named.filter(|_| !Path::new(&text).exists()) {
            Some((_, STANDARD_INPUT)) => Err("standard input is read as JSON lines, which name their types themselves"),
            Some((table, path)) => Ok(Self::File { path: path.into(), table: Some(table.to_owned()) }),
            None => Ok(Self::File { path: text.into(), table: None }),
        }
    }
}

/// Whether a text can be the name of a table.
fn is_table(text: &str) -> bool {
    let name = text.strip_prefix("node:").or(text.strip_prefix("edge:")).unwrap_or(text);
    !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// What is to be read, open.
enum Opened {
    StandardInput,
    /// JSON records.
    Text {
        name: String,
        reader: BufReader<File>,
        size_bytes: Option<u64>,
    },
    /// Rows of one table.
    Table {
        name: String,
        file: TableFile,
    },
}

impl Opened {
    fn new(data: &Data) -> Result<Self, CliError> {
        match data {
            Data::StandardInput => Ok(Self::StandardInput),
            Data::File { path, table } => {
                let name = path.display().to_string();
                Self::file(path, table.as_deref(), name.clone()).map_err(|source| CliError::File { path: name, source })
            }
        }
    }

    fn file(path: &Path, table: Option<&str>, name: String) -> io::Result<Self> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut reader = BufReader::new(file);
        let format = TableFormat::of(reader.fill_buf()?);
        if format.is_none() && table.is_none() && !is_called_like_a_table_file(path) {
            return Ok(Self::Text { name, reader, size_bytes: about.is_file().then_some(about.len()) });
        }
        if !about.is_file() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "rows of a table can be read from a file only"));
        }
        reader.rewind()?;
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let table = table.map_or_else(stem, str::to_owned);
        Ok(Self::Table { name, file: TableFile::new(table, reader.into_inner()) })
    }

    /// Bytes of text that there are; none if that is not known.
    fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::Text { size_bytes, .. } => *size_bytes,
            Self::StandardInput | Self::Table { .. } => None,
        }
    }

    fn input(self, meter: &Meter) -> Input {
        match self {
            Self::StandardInput => {
                Input { name: "standard input".to_owned(), reader: Box::new(meter.count(io::stdin())) }
            }
            Self::Text { name, reader, .. } => Input { name, reader: Box::new(meter.count(reader)) },
            Self::Table { name, file } => Input { name, reader: Box::new(file) },
        }
    }
}

fn is_called_like_a_table_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| TABLE_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

/// All files are opened before anything happens, so that a wrong name costs nothing.
fn open_inputs(data: &[Data]) -> Result<Vec<Opened>, CliError> {
    if data.iter().filter(|data| **data == Data::StandardInput).count() > 1 {
        return Err(CliError::RepeatedInput);
    }
    data.iter().map(Opened::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_may_stand_before_a_file() {
        let file = |table: Option<&str>, path: &str| Data::File { path: path.into(), table: table.map(str::to_owned) };
        for (text, expected) in [
            ("-", Data::StandardInput),
            ("people.jsonl", file(None, "people.jsonl")),
            ("Person=a/b.parquet", file(Some("Person"), "a/b.parquet")),
            ("node:Person=b=c.arrow", file(Some("node:Person"), "b=c.arrow")),
            ("a/b=c.jsonl", file(None, "a/b=c.jsonl")),
            ("=x", file(None, "=x")),
        ] {
            assert_eq!(Data::parse(text.into()), Ok(expected), "{text}");
        }
        assert!(Data::parse("Person=-".into()).is_err());
    }

    #[test]
    fn tables_are_told_by_their_content_their_name_or_the_user() {
        let folder = std::env::temp_dir().join(format!("stratigraph-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let opened = |name: &str, content: &[u8], table: Option<&str>| {
            let path = folder.join(name);
            std::fs::write(&path, content).unwrap();
            match Opened::new(&Data::File { path, table: table.map(str::to_owned) }).unwrap() {
                Opened::Table { file, .. } => Some(file.table().to_owned()),
                Opened::Text { .. } | Opened::StandardInput => None,
            }
        };
        assert_eq!(opened("a.jsonl", b"{}", None), None);
        assert_eq!(opened("Person", b"PAR1...", None).as_deref(), Some("Person"));
        assert_eq!(opened("Person.data", b"ARROW1..", None).as_deref(), Some("Person"));
        assert_eq!(opened("rows", &[0xff; 9], Some("edge:Knows")).as_deref(), Some("edge:Knows"));
        assert_eq!(opened("Person.Parquet", b"", None).as_deref(), Some("Person"), "an empty one is a broken one");
        assert_eq!(opened("b.jsonl", b"{}", Some("Person")).as_deref(), Some("Person"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
