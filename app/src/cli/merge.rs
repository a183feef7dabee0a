//! `merge`: one branch into another: what it would do, what has to be decided, and the commit it made.
//!
//! | file | answers |
//! |---|---|
//! | `merge.rs` | arguments; the steps of a preview and of a merge |
//! | `merge/given.rs` | decisions that were given: the file, `--take`, and how messages name one of them |
//! | `merge/found.rs` | plan and what is open of it; the file with the open conflicts |
//! | `merge/text.rs`, `merge/conflicts.rs` | plan and conflicts for people |
//! | `merge/facts.rs` | plan and conflicts as JSON lines |
//! | `merge/done.rs` | the commit it made, and the end of the source branch |

mod conflicts;
mod done;
mod facts;
mod found;
mod given;
mod text;

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use stratigraph_engine::graph::{BranchError, Pending};
use stratigraph_engine::merge::{MergeError, Merged};
use stratigraph_engine::{BranchName, Error, Graph, Progress};

use super::branch::check_unused;
use super::error::{CliError, note};
use super::meter::Meter;
use super::open_graph;
use super::output::Out;
use super::target::{announce_migration, announce_schema, branch_name, confirm, echo, open_to_write};
use super::work::Work;
use crate::writing::refusal;
use found::Found;
use given::{Given, Take, how_to_decide};

/// How often a merge is planned again because a branch moved.
const AGAIN: u32 = 10;

/// Arguments of `merge`.
#[derive(Debug, clap::Args)]
pub(super) struct MergeArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// Branch that is merged
    source: String,
    /// Branch it is merged into
    #[arg(long, value_name = "TARGET")]
    into: String,
    /// Who does it, for the history
    #[arg(long, value_name = "ACTOR", value_parser = NonEmptyStringValueParser::new())]
    actor: Option<String>,
    /// Only show what it would do; ends with 2 if conflicts are open
    #[arg(long)]
    preview: bool,
    /// Decisions about the conflicts, as --write-decisions writes them and you complete them
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Write the open conflicts to a file to decide them in; merges nothing
    #[arg(long, value_name = "FILE")]
    write_decisions: Option<PathBuf>,
    /// What rows get that both sides changed, where the file does not decide it
    #[arg(long, value_enum)]
    take: Option<Take>,
    /// Delete the source branch afterwards
    #[arg(long, conflicts_with_all = ["preview", "write_decisions"])]
    delete_source: bool,
    /// Do not ask before the source branch is deleted, or a file replaced
    #[arg(long)]
    yes: bool,
}

/// A merge that was asked for, with everything read that can be read before the graph.
struct Asked {
    source: BranchName,
    target: BranchName,
    given: Given,
}

/// Shows what a merge would do, or does it and prints the commit.
pub(super) async fn run(args: MergeArgs, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let (source, target) = (branch_name(&args.source)?, branch_name(&args.into)?);
    if args.delete_source && source.is_main() {
        return Err(Error::from(BranchError::Main { operation: "delete" }).into());
    }
    let asked = Asked { source, target, given: Given::read(args.decisions.as_deref(), args.take)? };
    if args.preview || args.write_decisions.is_some() {
        preview(&args, &asked, out, work).await
    } else {
        merge(args, asked, out, work).await
    }
}

async fn preview(args: &MergeArgs, asked: &Asked, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let graph = open_graph(&args.uri).await?;
    announce(&graph).await?;
    let found = find(&graph, asked, work).await?;
    show(&graph, &found, &asked.given, out).await?;
    if let Some(path) = &args.write_decisions {
        out.flush()?;
        found::write(&found, path, args.yes, out).await?;
    }
    if found.open.is_empty() {
        return Ok(());
    }
    out.flush()?;
    if args.write_decisions.is_none() {
        note(&how_to_decide(&found.open));
    }
    Err(CliError::OpenConflicts)
}

async fn merge(args: MergeArgs, asked: Asked, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let graph = open_to_write(&args.uri, work).await?;
    echo(graph.uri(), &asked.target, args.actor.as_deref());
    if args.delete_source {
        check_unused(&graph, &asked.source).await?;
    }
    let (found, merged) = find_and_merge(&graph, &args, &asked, out, work).await?;
    if merged.written.as_ref().is_some_and(|written| written.sidecar_left) {
        note("the merge is done, but its record could not be removed: the next write does that");
    }
    let deleted = if args.delete_source { Some(done::delete_source(&graph, &found.plan, work).await) } else { None };
    done::print(&found, merged, deleted, out)
}

/// Plans the merge and carries it out, again if another program writes to one of the branches in between. Conflicts that this
/// brings are left to a person: no rule decides by the way what was not there when it was given.
async fn find_and_merge(
    graph: &Graph,
    args: &MergeArgs,
    asked: &Asked,
    out: &mut Out,
    work: &Work,
) -> Result<(Found, Merged), CliError> {
    let mut found = find_settled(graph, asked, out, work).await?;
    found.note_unused(&asked.given);
    if args.delete_source {
        let Asked { source, target, .. } = asked;
        let question = format!("merge {source} into {target} of {} and delete branch {source}?", graph.uri());
        confirm(question, args.yes).await?;
    }
    for _ in 0..AGAIN {
        match carry_out(graph, args, &found, work).await {
            Err(moved @ Error::Merge(MergeError::Moved { .. })) => {
                note("a branch moved while the merge was planned: it is planned again");
                let again = find_settled(graph, asked, out, work).await?;
                if !again.has_no_conflict_beyond(&found) {
                    return Err(moved.into());
                }
                found = again;
            }
            merged => return Ok((found, merged?)),
        }
    }
    let merged = carry_out(graph, args, &found, work).await?;
    Ok((found, merged))
}

/// Plans the merge; what is open is shown, and an error.
async fn find_settled(graph: &Graph, asked: &Asked, out: &mut Out, work: &Work) -> Result<Found, CliError> {
    let found = find(graph, asked, work).await?;
    if found.open.is_empty() {
        return Ok(found);
    }
    show(graph, &found, &asked.given, out).await?;
    out.flush()?;
    Err(CliError::NotMerged { open: found.open.len(), how: how_to_decide(&found.open) })
}

async fn carry_out(graph: &Graph, args: &MergeArgs, found: &Found, work: &Work) -> Result<Merged, Error> {
    let (meter, progress) = metered(work);
    let actor = args.actor.as_deref().map(Into::into);
    let merged = Box::pin(work.writing(graph.merge(&found.plan, &found.decisions, actor, &progress))).await;
    drop((progress, meter));
    merged
}

/// Says what opening the graph for writing does first.
async fn announce(graph: &Graph) -> Result<(), CliError> {
    let Pending { migration, recovery } = graph.pending().await?;
    announce_migration(migration.as_ref());
    announce_schema(recovery.staged_schema);
    let settled = recovery.steps.iter().filter(|step| step.decision.settles()).count();
    if settled > 0 {
        let writes = if settled == 1 { "write" } else { "writes" };
        note(&format!(
            "opening for writing recovers {settled} {writes} first, and the merge is planned after that: see `recovery plan`"
        ));
    }
    if refusal(&recovery).is_some() {
        note("an interrupted write blocks merging until a person has looked at it: see `recovery plan`");
    }
    Ok(())
}

/// Plans the merge and applies the decisions that were given.
async fn find(graph: &Graph, asked: &Asked, work: &Work) -> Result<Found, CliError> {
    let (meter, progress) = metered(work);
    let found = Box::pin(Found::find(graph, &asked.source, &asked.target, &asked.given, &progress)).await;
    drop((progress, meter));
    let found = found?;
    found.note_unknown();
    Ok(found)
}

/// A line on the terminal that says how far the work is; both must be dropped before the answer is printed.
fn metered(work: &Work) -> (Meter, Progress) {
    let meter = Meter::new("merge", None);
    let progress = work.progress({
        let meter = meter.clone();
        move |event| meter.report(&event)
    });
    (meter, progress)
}

async fn show(graph: &Graph, found: &Found, given: &Given, out: &mut Out) -> Result<(), CliError> {
    if out.is_json() {
        facts::print(graph, found, given, out).await
    } else {
        text::print(graph, found, given, out).await
    }
}
