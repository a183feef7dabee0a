//! `branch create`, `branch delete` and `branch list`.

use serde::Serialize;
use stratigraph_engine::graph::BranchError;
use stratigraph_engine::{Branch, BranchName, CommitId, Error, Graph, ManifestVersion, Progress};

use super::branches::{self, BranchesArgs};
use super::commit::arrow;
use super::error::{CliError, note};
use super::open_graph;
use super::output::Out;
use super::position;
use super::target::{branch_name, confirm, echo, open_to_write};
use super::work::Work;
use crate::config::TimeDisplay;
use crate::loss;
use crate::theme::Role;

/// Arguments of `branch`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum BranchCommand {
    /// Make a branch at the head of another, or at a commit
    Create {
        /// Folder or file:// URI of the graph
        uri: String,
        /// Name of the new branch
        name: String,
        /// Where it starts: a branch, a commit id or its end, v7 or feature@v7, or a time like 2026-05-02T09:14:03Z
        #[arg(long, value_name = "POSITION", default_value = "main")]
        from: String,
    },
    /// Delete a branch; its commits that no other branch has are lost
    Delete {
        /// Folder or file:// URI of the graph
        uri: String,
        /// Name of the branch
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// The same as `branches`
    List(BranchesArgs),
}

/// A branch that was made or deleted, with the field names of the JSON output.
#[derive(Debug, Serialize)]
struct BranchFacts<'a> {
    branch: &'a BranchName,
    done: Done,
    /// Branch it was made from.
    parent: Option<&'a BranchName>,
    /// The commit it is at, or was; branches themselves make none.
    head: Option<CommitId>,
    /// None if the branch cannot be read.
    manifest_version: Option<ManifestVersion>,
}

/// What was done to a branch.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Created,
    Deleted,
}

/// Does what is asked about a branch.
pub(super) async fn run(command: BranchCommand, out: &mut Out, work: &Work) -> Result<(), CliError> {
    match command {
        BranchCommand::Create { uri, name, from } => create(&uri, &name, &from, out, work).await,
        BranchCommand::Delete { uri, name, yes } => delete(&uri, &name, yes, out, work).await,
        BranchCommand::List(args) => branches::run(args, out).await,
    }
}

async fn create(uri: &str, name: &str, from: &str, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let (name, from) = (branch_name(name)?, position::parse(from)?);
    let graph = open_to_write(uri, work).await?;
    echo(graph.uri(), &name, None);
    let had_remains = graph.remains_of_branches().await?.contains(&name);
    Box::pin(work.writing(graph.create_branch_at(&name, &from))).await?;
    if had_remains {
        note(&format!("the commits of an earlier branch `{name}` were still stored; they were removed"));
    }
    print(out, &graph.branch(&name).await?, Done::Created)
}

async fn delete(uri: &str, name: &str, yes: bool, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let name = branch_name(name)?;
    let graph = open_graph(uri).await?;
    let branch = graph.branch(&name).await?;
    // The engine says why main cannot be deleted.
    if !name.is_main() {
        check_unused(&graph, &name).await?;
        if yes {
            warn_of_stranded(&graph, &branch).await;
        } else {
            let loss = loss::find(&graph, &name, &Progress::none()).await?;
            loss.lines(arrow(out), TimeDisplay::Utc).iter().for_each(|line| note(line));
            confirm(format!("delete branch {name} of {}?", graph.uri()), yes).await?;
        }
    }
    let graph = open_to_write(uri, work).await?;
    echo(graph.uri(), &name, None);
    if yes {
        Box::pin(work.writing(graph.delete_branch(&name))).await?;
    } else {
        // Commits that it got while the question stood were not part of it.
        Box::pin(work.writing(graph.delete_branch_at(&name, branch.head))).await?;
    }
    print(out, &branch, Done::Deleted)
}

/// Refuses a branch that cannot be deleted because others start on it, before anything is done.
pub(super) async fn check_unused(graph: &Graph, name: &BranchName) -> Result<(), CliError> {
    let dependents = graph.branches_from(name).await?;
    if dependents.is_empty() {
        return Ok(());
    }
    Err(Error::from(BranchError::InUse { name: name.clone(), dependents }).into())
}

/// Warns of merges that suffer when a branch is deleted. That they cannot be found out keeps nobody from deleting it.
pub(super) async fn warn_of_stranded(graph: &Graph, branch: &Branch) {
    let stranded = loss::find_stranded(graph, branch).await;
    for line in loss::stranded_lines(&branch.name, &stranded) {
        note(&line);
    }
}

fn print(out: &mut Out, branch: &Branch, done: Done) -> Result<(), CliError> {
    let &Branch { ref name, ref parent, head, manifest_version, .. } = branch;
    if out.is_json() {
        return out.json(&BranchFacts { branch: name, done, parent: parent.as_ref(), head, manifest_version });
    }
    let head = head.map_or_else(|| "?".to_owned(), |head| head.to_string());
    let (done, place) = match done {
        Done::Created => ("created", "at"),
        Done::Deleted => ("deleted", "which was at"),
    };
    let title = out.cell(Role::Title, name.as_str()).painted;
    let head = out.cell(Role::Changed, &head).painted;
    out.line(&format!("{done} branch {title} {place} commit {head}"))
}
