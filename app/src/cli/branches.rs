//! `branches`: the branches with their heads and where they began.

use serde::Serialize;
use stratigraph_engine::{Branch, BranchName, CommitId, ManifestVersion, TableKey};

use super::error::CliError;
use super::log::read_history;
use super::open_graph;
use super::output::Out;
use super::text_table::{Align, TextTable};
use crate::theme::Role;

/// Arguments of `branches`.
#[derive(Debug, clap::Args)]
pub(super) struct BranchesArgs {
    /// Folder or file:// URI of the graph
    uri: String,
}

/// One branch, with the field names of the JSON output.
#[derive(Debug, Serialize)]
struct BranchFacts<'a> {
    name: &'a BranchName,
    head: Option<CommitId>,
    parent: Option<&'a BranchName>,
    forked_at: Option<ManifestVersion>,
    owned_tables: &'a [TableKey],
}

/// Prints the branches: main first, the others by name.
pub(super) async fn run(args: BranchesArgs, out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(&args.uri).await?;
    let history = read_history(&graph).await?;
    let branches = graph.branches().await?;
    if out.is_json() {
        return branches.iter().try_for_each(|branch| out.json(&facts(branch)));
    }
    let columns = ["branch", "head", "version", "parent", "fork", "own tables"];
    let mut table = TextTable::new(&columns.map(|title| (title, Align::Left)));
    for branch in &branches {
        let optional = |value: Option<String>| out.cell(Role::Text, &value.unwrap_or_default());
        let owned = branch.owned_tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        table.row(vec![
            out.cell(Role::Title, branch.name.as_str()),
            out.cell(Role::Changed, &branch.head.map_or_else(|| "?".to_owned(), |head| history.short_id(head))),
            out.cell(Role::Text, &format!("v{}", branch.manifest_version)),
            optional(branch.parent.as_ref().map(ToString::to_string)),
            optional(branch.forked_at.map(|version| format!("v{version}"))),
            out.cell(
                Role::Text,
                &if branch.name.is_main() { format!("all {}", branch.owned_tables.len()) } else { owned },
            ),
        ]);
    }
    table.write(out)
}

fn facts(branch: &Branch) -> BranchFacts<'_> {
    BranchFacts {
        name: &branch.name,
        head: branch.head,
        parent: branch.parent.as_ref(),
        forked_at: branch.forked_at,
        owned_tables: &branch.owned_tables,
    }
}
