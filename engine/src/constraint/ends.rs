//! A new edge has both of its nodes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::AsArray;
use futures::TryStreamExt;

use super::change::{Digest, Digests, Ends, GraphChange, Stored, TableChange, TableRows};
use super::problem::Problems;
use super::violation::Violation;
use super::{Committed, FEW, ids};
use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::schema::{Catalog, EdgeType};
use crate::storage::ID;

/// The columns that name the nodes of an edge, each with the node type.
pub(super) fn roles(edge: &EdgeType) -> [(&'static str, &str); 2] {
    [("src", &edge.from_type), ("dst", &edge.to_type)]
}

/// The edge types that get new edges.
fn new_edges<'a>(
    catalog: &'a Catalog,
    change: &'a GraphChange<'_>,
) -> impl Iterator<Item = (&'a EdgeType, &'a TableRows)> {
    let rows = |edge: &EdgeType| change.table(TableKind::Edge, &edge.name)?.rows;
    catalog.edges().iter().filter_map(move |edge| Some((edge, rows(edge)?)))
}

/// The node types whose nodes the new edges need.
pub(super) fn needed<'a>(catalog: &'a Catalog, change: &'a GraphChange<'_>) -> BTreeSet<&'a str> {
    match change.ends {
        Ends::Noted(ends) => ends.keys().map(String::as_str).collect(),
        Ends::InRows => new_edges(catalog, change).flat_map(|(edge, _)| roles(edge)).map(|(_, node)| node).collect(),
    }
}

/// The nodes that new edges need are new as well, or stored and stay.
pub(super) async fn exist(
    committed: &Committed<'_>,
    catalog: &Catalog,
    change: &GraphChange<'_>,
    problems: &mut Problems,
) -> Result<()> {
    let Ends::Noted(ends) = change.ends else { return all_exist(committed, catalog, change, problems).await };
    for (node, ends) in ends {
        let mut wanted = Wanted::of(node, change);
        for (digest, end) in ends {
            wanted.add(*digest, &end.id);
        }
        for digest in wanted.missing(committed, change.digests).await? {
            let end = &ends[&digest];
            problems.add(Some(end.place), || Violation::MissingEnd {
                edge: TableKey { kind: TableKind::Edge, name: end.edge.clone() },
                edge_id: None,
                role: end.role,
                node: TableKey::new(TableKind::Node, node),
                end: end.id.clone(),
            });
        }
    }
    Ok(())
}

/// One pass over the new edges for the nodes they need, another one only if some of these are missing.
async fn all_exist(
    committed: &Committed<'_>,
    catalog: &Catalog,
    change: &GraphChange<'_>,
    problems: &mut Problems,
) -> Result<()> {
    let needed = needed(catalog, change).into_iter().map(|node| (node, Wanted::of(node, change)));
    let mut wanted: BTreeMap<&str, Wanted<'_>> = needed.collect();
    for (edge, rows) in new_edges(catalog, change) {
        let mut batches = rows.last();
        while let Some(batch) = batches.try_next().await? {
            committed.progress.check()?;
            for (role, node) in roles(edge) {
                let wanted = wanted.get_mut(node).expect("the types of all new edges' nodes are there");
                batch[role].as_string::<i32>().iter().flatten().for_each(|id| wanted.add(change.digests.of(id), id));
            }
        }
    }
    let mut missing = BTreeMap::new();
    for (node, wanted) in wanted {
        missing.insert(node, wanted.missing(committed, change.digests).await?);
    }
    for (edge, rows) in new_edges(catalog, change) {
        if roles(edge).iter().any(|(_, node)| !missing[node].is_empty()) {
            without(committed, (edge, rows), &missing, change.digests, problems).await?;
        }
    }
    Ok(())
}

/// Tells every new edge that needs one of the missing nodes.
async fn without(
    committed: &Committed<'_>,
    (edge, rows): (&EdgeType, &TableRows),
    missing: &BTreeMap<&str, HashSet<Digest>>,
    digests: &Digests,
    problems: &mut Problems,
) -> Result<()> {
    let key = TableKey::new(TableKind::Edge, &edge.name);
    let roles = roles(edge).map(|(role, node)| (role, TableKey::new(TableKind::Node, node), &missing[node]));
    let mut batches = rows.last();
    while let Some(batch) = batches.try_next().await? {
        committed.progress.check()?;
        let ids = batch[ID].as_string::<i32>();
        for (role, node, missing) in &roles {
            for (id, end) in ids.iter().flatten().zip(batch[*role].as_string::<i32>().iter().flatten()) {
                if missing.contains(&digests.of(end)) {
                    problems.add(rows.place(digests.of(id)), || Violation::MissingEnd {
                        edge: key.clone(),
                        edge_id: Some(id.into()),
                        role,
                        node: node.clone(),
                        end: end.into(),
                    });
                }
            }
        }
    }
    Ok(())
}

/// Nodes of one type that are needed and not new.
struct Wanted<'c> {
    key: TableKey,
    nodes: Option<&'c TableChange<'c>>,
    digests: HashSet<Digest>,
    /// The ids themselves, up to one more than can be asked for.
    few: Vec<String>,
}

impl<'c> Wanted<'c> {
    fn of(node: &str, change: &'c GraphChange<'_>) -> Self {
        let key = TableKey::new(TableKind::Node, node);
        Self { nodes: change.tables.get(&key), key, digests: HashSet::new(), few: Vec::new() }
    }

    fn add(&mut self, digest: Digest, id: &str) {
        let is_new = self.nodes.is_some_and(|nodes| nodes.has(digest));
        if !is_new && self.digests.insert(digest) && self.few.len() <= FEW {
            self.few.push(id.to_owned());
        }
    }

    /// Those that are not stored, or do not stay.
    async fn missing(self, committed: &Committed<'_>, digests: &Digests) -> Result<HashSet<Digest>> {
        let Self { key, nodes, digests: mut wanted, few } = self;
        if wanted.is_empty() || nodes.is_some_and(|nodes| nodes.stored == Stored::Gone) {
            return Ok(wanted);
        }
        let few = ids::one_of(ID, few.iter().map(String::as_str));
        committed
            .each(&key, &[ID], few, |batch| {
                for id in batch[ID].as_string::<i32>().iter().flatten() {
                    let digest = digests.of(id);
                    if nodes.is_none_or(|nodes| !nodes.deletes(digest)) {
                        wanted.remove(&digest);
                    }
                }
            })
            .await?;
        Ok(wanted)
    }
}
