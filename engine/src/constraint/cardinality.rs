//! A node has as many edges as `@card` says, counted by the ids of edges.

use std::collections::HashMap;

use arrow::array::{AsArray, RecordBatch};
use futures::TryStreamExt;

use super::change::{Digest, GraphChange, Place, Stored, TableChange};
use super::problem::Problems;
use super::violation::Violation;
use super::{Committed, ids};
use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::schema::{Cardinality, EdgeType};
use crate::storage::ID;

/// Edges of one node.
#[derive(Default)]
struct Count {
    edges: u32,
    /// The node, and what changes its edges; none as long as nothing does.
    changed: Option<(Box<str>, Option<Place>)>,
}

/// Checks every node whose edges change: it has those that are new, and those stored that stay.
///
/// One pass over the stored edges, unless all of them go and there is no least number. If edges go and there is one, every node
/// with edges is kept in mind on the way, because it may turn out to be one that loses some.
pub(super) async fn edges(
    committed: &Committed<'_>,
    edge: &EdgeType,
    change: &GraphChange<'_>,
    problems: &mut Problems,
) -> Result<()> {
    let key = TableKey::new(TableKind::Edge, &edge.name);
    let Some(table) = change.tables.get(&key) else { return Ok(()) };
    let mut counts = new_edges(committed, change, table).await?;
    let may_lose = edge.cardinality.min > 0 && table.ends_some();
    let may_keep = table.stored != Stored::Gone && !counts.is_empty();
    if may_lose || may_keep {
        let few = if may_lose { None } else { ids::one_of("src", sources(&counts).into_iter()) };
        committed
            .each(&key, &[ID, "src"], few, |batch| {
                each_edge(batch, |id, src| {
                    let id = change.digests.of(id);
                    let src_digest = change.digests.of(src);
                    let count = if may_lose {
                        counts.entry(src_digest).or_default()
                    } else {
                        match counts.get_mut(&src_digest) {
                            Some(count) => count,
                            None => return,
                        }
                    };
                    if table.ends(id) {
                        count.changed.get_or_insert_with(|| (src.into(), table.place(id)));
                    } else {
                        count.edges += 1;
                    }
                });
            })
            .await?;
    }
    let nodes = change.table(TableKind::Node, &edge.from_type);
    for (src, count) in counts {
        let is_left = nodes.is_none_or(|nodes| !nodes.ends(src) || nodes.has(src));
        if let Some((name, place)) = count.changed
            && is_left
            && !allows(edge.cardinality, count.edges)
        {
            problems.add(place, || Violation::Cardinality {
                edge: key.clone(),
                src: name,
                edges: count.edges,
                allowed: edge.cardinality,
            });
        }
    }
    Ok(())
}

/// The new edges of every node that gets some.
async fn new_edges(
    committed: &Committed<'_>,
    change: &GraphChange<'_>,
    table: &TableChange<'_>,
) -> Result<HashMap<Digest, Count>> {
    let mut counts: HashMap<Digest, Count> = HashMap::new();
    let Some(rows) = table.rows else { return Ok(counts) };
    let mut batches = rows.last();
    while let Some(batch) = batches.try_next().await? {
        committed.progress.check()?;
        each_edge(&batch, |id, src| {
            let count = counts.entry(change.digests.of(src)).or_default();
            count.edges += 1;
            count.changed.get_or_insert_with(|| (src.into(), rows.place(change.digests.of(id))));
        });
    }
    Ok(counts)
}

fn each_edge(batch: &RecordBatch, mut see: impl FnMut(&str, &str)) {
    let (ids, sources) = (batch[ID].as_string::<i32>(), batch["src"].as_string::<i32>());
    for (id, src) in ids.iter().flatten().zip(sources.iter().flatten()) {
        see(id, src);
    }
}

fn sources(counts: &HashMap<Digest, Count>) -> Vec<&str> {
    counts.values().filter_map(|count| count.changed.as_ref().map(|(name, _)| &**name)).collect()
}

fn allows(Cardinality { min, max }: Cardinality, edges: u32) -> bool {
    edges >= min && max.is_none_or(|max| edges <= max)
}
