//! `recovery restore`: discards what is past the pin of a table without a sidecar that says whose it is.

use stratigraph_engine::recovery::{Decision, Recovered};
use stratigraph_engine::{At, Error, TableKey};

use crate::cli::error::CliError;
use crate::cli::open_graph;
use crate::cli::output::Out;
use crate::cli::target::{branch_name, confirm, echo, open_to_write};
use crate::cli::work::Work;
use crate::recovery::outcome_words;
use crate::theme::Role;

/// The commit of a table that was restored, with the field names of the JSON output.
#[derive(Debug, serde::Serialize)]
struct Restored<'a> {
    /// Null if nothing was past the pin.
    commit: Option<stratigraph_engine::CommitId>,
    table: &'a TableKey,
    /// The head that is discarded; null if nothing was past the pin.
    from_version: Option<u64>,
    /// The version whose rows the table has.
    to_version: Option<u64>,
}

/// Restores a table and says what was discarded.
pub(super) async fn run(
    uri: &str,
    table: &str,
    branch: &str,
    yes: bool,
    out: &mut Out,
    work: &Work,
) -> Result<(), CliError> {
    let branch = branch_name(branch)?;
    let graph = open_graph(uri).await?;
    let key = graph.snapshot(&At::Branch(branch.clone())).await?.table(table).map_err(Error::from)?.key.clone();
    let question = format!("discard what is past the version of {key} that {branch} of {} shows?", graph.uri());
    confirm(question, yes).await?;
    let graph = open_to_write(uri, work).await?;
    echo(graph.uri(), &branch, Some("omnigraph:recovery"));
    let restored = Box::pin(work.writing(graph.restore_table(&branch, &key))).await?;
    print(&key, restored.as_ref(), out)
}

fn print(key: &TableKey, restored: Option<&Recovered>, out: &mut Out) -> Result<(), CliError> {
    let outcome = restored.and_then(|restored| restored.outcomes.first());
    if out.is_json() {
        return out.json(&Restored {
            commit: restored.map(|restored| restored.commit),
            table: key,
            from_version: outcome.map(|outcome| outcome.from_version),
            to_version: outcome.map(|outcome| outcome.to_version),
        });
    }
    let (Some(Recovered { commit, .. }), Some(outcome)) = (restored, outcome) else {
        return out.line(&format!("nothing is past the version of {key} that is shown"));
    };
    let commit = out.cell(Role::Changed, &commit.to_string()).painted;
    let words = outcome_words(Decision::RollBack, outcome.from_version, outcome.to_version);
    out.line(&format!("{key}  {words}, recorded by commit {commit}"))
}
