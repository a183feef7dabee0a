//! `init`: a new graph with a schema and no rows.

use std::path::PathBuf;

use stratigraph_engine::schema::ContractError;
use stratigraph_engine::{At, BranchName, CreateOptions, Error, Graph};

use super::error::CliError;
use super::made::Made;
use super::output::Out;
use super::target::echo;
use super::work::Work;

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// Folder or file:// URI of the new graph; the folder is made if there is none
    uri: String,
    /// The schema, in the language of `stratigraph schema`
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// Go on where an interrupted attempt left schema files; a graph that is there is never replaced
    #[arg(long)]
    force: bool,
}

/// Makes the graph and prints its first commit.
pub(super) async fn run(args: InitArgs, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let file = args.schema.display().to_string();
    let source = std::fs::read_to_string(&args.schema);
    let source = source.map_err(|source| CliError::File { path: file.clone(), source })?;
    let main = BranchName::main();
    echo(&args.uri, &main, None);
    let options = CreateOptions { force: args.force, ..CreateOptions::default() };
    let made = Box::pin(work.writing(Graph::create(&args.uri, &source, &options))).await;
    let graph = made.map_err(|error| match error {
        Error::Schema(ContractError::Source { rendered, .. }) => CliError::SchemaSource { file, rendered },
        error => error.into(),
    })?;
    Made::genesis(graph.snapshot(&At::Branch(main)).await?).print(out)
}
