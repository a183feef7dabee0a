//! `branches`: the branches with their heads and where they began.

use serde::Serialize;
use stratigraph_engine::{Branch, BranchName, CommitId, ManifestVersion, TableKey};

use super::error::{CliError, note};
use super::open_graph;
use super::output::Out;
use super::text_table::{Align, TextTable};
use crate::moved::Moved;
use crate::natural;
use crate::theme::Role;

/// Characters of the end of an id, at least.
const SHORT_ID: usize = 6;

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
    /// The reason that the branch cannot be used; left out if it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<&'a str>,
}

/// Prints the branches: main first, the others in natural order.
pub(super) async fn run(args: BranchesArgs, out: &mut Out) -> Result<(), CliError> {
    let graph = open_graph(&args.uri).await?;
    let mut branches = graph.branches().await?;
    branches.sort_by(|left, right| natural::branches(&left.name, &right.name));
    if let Some(moved) = Moved::of(&branches) {
        note(&moved.whole());
    }
    for name in graph.remains_of_branches().await? {
        note(&format!(
            "the commits of `{name}` are still stored, but there is no such branch: deleting it was interrupted, or its reference under \
             __manifest/_refs/branches was lost; a new branch of this name removes them"
        ));
    }
    if out.is_json() {
        return branches.iter().try_for_each(|branch| out.json(&facts(branch)));
    }
    let heads: Vec<String> = branches.iter().filter_map(|branch| branch.head).map(|head| head.to_string()).collect();
    let columns = ["branch", "head", "version", "parent", "fork", "own tables", "broken"];
    let mut table = TextTable::new(&columns.map(|title| (title, Align::Left)));
    for branch in &branches {
        let optional = |value: Option<String>| out.cell(Role::Text, &value.unwrap_or_default());
        let owned = branch.owned_tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        table.row(vec![
            out.cell(Role::Title, branch.name.as_str()),
            out.cell(
                Role::Changed,
                &branch.head.map_or("?".to_owned(), |head| end(&head.to_string(), &heads).to_owned()),
            ),
            out.cell(Role::Text, &branch.manifest_version.map_or("?".to_owned(), |version| format!("v{version}"))),
            optional(branch.parent.as_ref().map(ToString::to_string)),
            optional(branch.forked_at.map(|version| format!("v{version}"))),
            out.cell(
                Role::Text,
                &if branch.name.is_main() { format!("all {}", branch.owned_tables.len()) } else { owned },
            ),
            out.cell(Role::Error, &branch.broken.as_deref().map(one_line).unwrap_or_default()),
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
        broken: branch.broken.as_deref(),
    }
}

/// The shortest end of an id that no other of these ends with, at least six characters.
fn end<'i>(id: &'i str, ids: &[String]) -> &'i str {
    let shared = |other: &String| id.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
    let longest = ids.iter().filter(|other| *other != id).map(shared).max().unwrap_or(0);
    &id[id.len() - (longest + 1).clamp(SHORT_ID, id.len())..]
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
