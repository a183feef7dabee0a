//! `mutate`: statements that insert, update and delete, all of them or none.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use serde_json::{Map, Value};
use stratigraph_engine::Error;
use stratigraph_engine::mutate::{MutateError, MutateRequest};

use super::error::{CliError, note};
use super::made::Made;
use super::meter::Meter;
use super::output::Out;
use super::target::{branch_name, echo, open_to_write};
use super::work::Work;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Arguments of `mutate`.
#[derive(Debug, clap::Args)]
pub(super) struct MutateArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    #[command(flatten)]
    text: TextArgs,
    /// Which query of the text; not needed if there is one only
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Parameters of the query as a JSON object, like {"name": "Ada", "age": 36}
    #[arg(long, value_name = "JSON")]
    params: Option<String>,
    /// Branch to change
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    branch: String,
    /// Who does it, for the history
    #[arg(long, value_name = "ACTOR", value_parser = NonEmptyStringValueParser::new())]
    actor: Option<String>,
}

/// Where the text is.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct TextArgs {
    /// Queries, in a file; - is standard input
    #[arg(long, value_name = "FILE")]
    query: Option<PathBuf>,
    /// Queries, here
    #[arg(short = 'e', value_name = "TEXT")]
    text: Option<String>,
}

/// What a mutation made, with the field names of the JSON output.
#[derive(Serialize)]
struct MadeByMutation {
    #[serde(flatten)]
    made: Made,
    affected_nodes: u64,
    affected_edges: u64,
}

/// Carries the query out and prints the commit.
pub(super) async fn run(args: MutateArgs, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let branch = branch_name(&args.branch)?;
    let params = params(args.params.as_deref())?;
    let (origin, text) = read(args.text)?;
    let graph = open_to_write(&args.uri, work).await?;
    echo(graph.uri(), &branch, args.actor.as_deref());
    let actor = args.actor.map(Into::into);
    let request = MutateRequest { branch: branch.clone(), actor, text: text.clone(), name: args.name, params };
    let meter = Meter::new("change", None);
    let progress = work.progress({
        let meter = meter.clone();
        move |event| meter.report(&event)
    });
    let mutated = Box::pin(work.writing(graph.mutate(request, &progress))).await;
    drop((progress, meter));
    let mutated = mutated.map_err(|error| match error {
        Error::Mutate(MutateError::Text(error)) => CliError::QueryText { origin, rendered: error.render(&text) },
        error => error.into(),
    })?;
    if mutated.written.as_ref().is_some_and(|written| written.sidecar_left) {
        note("the write is done, but its record could not be removed: the next write does that");
    }
    let answer = MadeByMutation {
        made: Made::written(branch, mutated.written, &mutated.rows),
        affected_nodes: mutated.affected_nodes,
        affected_edges: mutated.affected_edges,
    };
    if out.is_json() {
        return out.json(&answer);
    }
    answer.made.print(out)?;
    let count = |number, one, more| format!("{number} {}", if number == 1 { one } else { more });
    let nodes = count(answer.affected_nodes, "node", "nodes");
    let edges = count(answer.affected_edges, "edge", "edges");
    out.line(&format!("{nodes} and {edges} affected"))
}

/// The text, and how messages name it.
fn read(args: TextArgs) -> Result<(String, String), CliError> {
    let path = match args {
        TextArgs { text: Some(text), .. } => return Ok(("the text after -e".to_owned(), text)),
        TextArgs { query, text: None } => query.unwrap_or_else(|| STANDARD_INPUT.into()),
    };
    if path == Path::new(STANDARD_INPUT) {
        let mut text = String::new();
        let name = || "standard input".to_owned();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        return read.map(|_| (name(), text)).map_err(|source| CliError::File { path: name(), source });
    }
    let name = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((name, text)),
        Err(source) => Err(CliError::File { path: name, source }),
    }
}

fn params(text: Option<&str>) -> Result<Map<String, Value>, CliError> {
    let Some(text) = text else { return Ok(Map::new()) };
    serde_json::from_str(text).map_err(|error| CliError::Params { reason: error.to_string() })
}
