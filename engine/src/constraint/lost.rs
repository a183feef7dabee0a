//! A stored edge that stays keeps both of its nodes.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};

use super::change::{Digest, GraphChange, Stored, TableChange};
use super::ends::roles;
use super::problem::Problems;
use super::violation::{Loss, Violation};
use super::{Committed, ids};
use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::schema::Catalog;
use crate::storage::{Condition, ID};

/// Nodes that go may be needed by stored edges that stay.
pub(super) async fn ends(
    committed: &Committed<'_>,
    catalog: &Catalog,
    change: &GraphChange<'_>,
    problems: &mut Problems,
) -> Result<()> {
    for edge in catalog.edges() {
        let key = TableKey::new(TableKind::Edge, &edge.name);
        let edges = change.tables.get(&key);
        let losing: Vec<Losing<'_>> = roles(edge).into_iter().filter_map(|role| Losing::of(role, change)).collect();
        if losing.is_empty() || edges.is_some_and(|edges| edges.stored == Stored::Gone) {
            continue;
        }
        let stays = |id: &str| edges.is_none_or(|edges| !edges.ends(change.digests.of(id)));
        let columns: Vec<&str> = std::iter::once(ID).chain(losing.iter().map(|losing| losing.role)).collect();
        committed
            .each(&key, &columns, edges_of(&losing), |batch| {
                for losing in &losing {
                    each_end(batch, losing.role, |id, end| {
                        let node = change.digests.of(end);
                        if losing.is_lost(node) && stays(id) {
                            problems.add(losing.nodes.place(node), || losing.violation(&key, id, end));
                        }
                    });
                }
            })
            .await?;
    }
    Ok(())
}

fn each_end(batch: &RecordBatch, role: &str, mut see: impl FnMut(&str, &str)) {
    let (ids, ends) = (batch[ID].as_string::<i32>(), batch[role].as_string::<i32>());
    for (id, end) in ids.iter().flatten().zip(ends.iter().flatten()) {
        see(id, end);
    }
}

/// The edges that may lose nodes; none if too many nodes go to ask for their edges.
fn edges_of(losing: &[Losing<'_>]) -> Option<Condition> {
    let nodes: Vec<&[String]> = losing.iter().map(Losing::few).collect::<Option<_>>()?;
    let nodes: BTreeSet<&str> = nodes.into_iter().flatten().map(String::as_str).collect();
    ids::any_one_of(losing.iter().map(|losing| losing.role), nodes.into_iter())
}

/// A column of an edge table, and the change of its node type that may leave edges without nodes.
struct Losing<'c> {
    role: &'static str,
    node: TableKey,
    nodes: &'c TableChange<'c>,
    loss: Loss,
}

impl<'c> Losing<'c> {
    fn of((role, node): (&'static str, &str), change: &'c GraphChange<'_>) -> Option<Self> {
        let nodes = change.lost_nodes(node)?;
        let loss = if nodes.stored == Stored::Gone { Loss::NotAmongNew } else { Loss::Deleted };
        Some(Self { role, node: TableKey::new(TableKind::Node, node), nodes, loss })
    }

    fn is_lost(&self, id: Digest) -> bool {
        let goes = match self.loss {
            Loss::Deleted => self.nodes.deletes(id),
            Loss::NotAmongNew => true,
        };
        goes && !self.nodes.has(id)
    }

    /// The nodes that go, unless they are too many to be asked for.
    fn few(&self) -> Option<&[String]> {
        match self.loss {
            Loss::Deleted => self.nodes.deleted?.few(),
            Loss::NotAmongNew => None,
        }
    }

    fn violation(&self, edge: &TableKey, edge_id: &str, end: &str) -> Violation {
        Violation::LostEnd {
            edge: edge.clone(),
            edge_id: edge_id.into(),
            role: self.role,
            node: self.node.clone(),
            end: end.into(),
            loss: self.loss,
        }
    }
}
