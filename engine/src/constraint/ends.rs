//! An edge has both of its nodes.

use std::collections::HashMap;

use arrow::array::AsArray;

use super::change::{Digest, Digests, End, GraphChange, Stored, TableChange};
use super::problem::Problems;
use super::{Committed, ids};
use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::schema::Catalog;
use crate::storage::ID;

/// The nodes that new edges need are new as well, or stored and stay.
pub(super) async fn exist(committed: &Committed<'_>, change: &GraphChange<'_>, problems: &mut Problems) -> Result<()> {
    for (node, ends) in change.ends {
        let key = TableKey::new(TableKind::Node, node);
        let table = change.tables.get(&key);
        let is_new = |digest: &Digest| table.is_some_and(|table| table.has(*digest));
        let mut wanted: HashMap<Digest, &End> =
            ends.iter().filter(|(digest, _)| !is_new(digest)).map(|(digest, end)| (*digest, end)).collect();
        if table.is_none_or(|table| table.stored != Stored::Gone) {
            find(committed, &key, table, &mut wanted, change.digests).await?;
        }
        for end in wanted.into_values() {
            problems.add(Some(end.place), || format!("{}: {} `{}` not found in {node}", end.edge, end.role, end.id));
        }
    }
    Ok(())
}

/// Removes what is stored and stays from what is wanted.
async fn find(
    committed: &Committed<'_>,
    key: &TableKey,
    table: Option<&TableChange<'_>>,
    wanted: &mut HashMap<Digest, &End>,
    digests: &Digests,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let few = ids::one_of(ID, wanted.values().map(|end| &*end.id));
    committed
        .each(key, &[ID], few, |batch| {
            for id in batch[ID].as_string::<i32>().iter().flatten() {
                let digest = digests.of(id);
                if table.is_none_or(|table| !table.deletes(digest)) {
                    wanted.remove(&digest);
                }
            }
        })
        .await
}

/// Nodes that go may be needed by stored edges that stay.
pub(super) async fn are_kept(
    committed: &Committed<'_>,
    catalog: &Catalog,
    change: &GraphChange<'_>,
    problems: &mut Problems,
) -> Result<()> {
    for edge in catalog.edges() {
        let key = TableKey::new(TableKind::Edge, &edge.name);
        let edges = change.tables.get(&key);
        if edges.is_some_and(|edges| edges.stored == Stored::Gone) {
            continue;
        }
        for (column, node) in [("src", &edge.from_type), ("dst", &edge.to_type)] {
            let Some(nodes) = change.lost_nodes(node) else { continue };
            let is_lost = |id: Digest| (nodes.deletes(id) || nodes.stored == Stored::Gone) && !nodes.has(id);
            committed
                .each(&key, &[ID, column], None, |batch| {
                    let (ids, ends) = (batch[ID].as_string::<i32>(), batch[column].as_string::<i32>());
                    for (id, end) in ids.iter().flatten().zip(ends.iter().flatten()) {
                        let stays = || edges.is_none_or(|edges| !edges.ends(change.digests.of(id)));
                        if is_lost(change.digests.of(end)) && stays() {
                            let place = nodes.place(change.digests.of(end));
                            let among = if nodes.stored == Stored::Gone { "not among the new" } else { "deleted from" };
                            problems.add(place, || {
                                format!(
                                    "{}: the stored edge `{id}` would lose its {column} `{end}`, which is {among} {node}",
                                    edge.name
                                )
                            });
                        }
                    }
                })
                .await?;
        }
    }
    Ok(())
}
