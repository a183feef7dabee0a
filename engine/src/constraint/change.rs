//! A change as the rules see it: per table the new rows, the ids that go, and what becomes of the other stored rows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;

use super::deleted::DeletedIds;
use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::write::Spool;

/// 128 bits that stand for an id: two ids never have the same ones, as far as chance goes.
pub(crate) type Digest = u128;

/// Makes digests; those of two changes cannot be compared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digests([RandomState; 2]);

impl Digests {
    pub(crate) fn of(&self, id: &str) -> Digest {
        u128::from(self.0[0].hash_one(id)) << 64 | u128::from(self.0[1].hash_one(id))
    }
}

/// Where a row comes from: the input and the number of the record in it, from 1. A mutation is one input, its statements are
/// the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) input: u32,
    pub(crate) record: u64,
}

/// The new rows of one table, each complete and checked for itself.
#[derive(Debug)]
pub(crate) struct TableRows {
    pub(crate) spool: Spool,
    /// Every id with its last row and where that comes from.
    pub(crate) ids: HashMap<Digest, (u64, Place)>,
    /// Rows that a later one with the same id replaces.
    pub(crate) replaced: Vec<u64>,
    /// Whether some ids were given and not made.
    pub(crate) has_given_ids: bool,
}

impl TableRows {
    /// The rows that are left when later ones have replaced earlier ones.
    pub(super) fn last(&self) -> BoxStream<'static, Result<RecordBatch>> {
        self.spool.clone().without(self.replaced.clone()).batches()
    }

    /// Where the row with an id comes from.
    pub(super) fn place(&self, id: Digest) -> Option<Place> {
        self.ids.get(&id).map(|(_, place)| *place)
    }

    /// Number of rows that are left when later ones have replaced earlier ones.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

/// A node that edges lead to, or from, with one of these edges.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) id: Box<str>,
    pub(crate) place: Place,
    pub(crate) edge: Arc<str>,
    pub(crate) role: &'static str,
}

/// The nodes that the new edges need.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ends<'c> {
    /// Noted per node type while the rows were made. Of every node that is missing one edge is told.
    Noted(&'c BTreeMap<String, HashMap<Digest, End>>),
    /// To be read from the rows. Of every node that is missing all edges are told, by their ids.
    InRows,
}

/// What becomes of the stored rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// All stay; none may have the id of a new one.
    Stay,
    /// Those with the id of a new row go.
    Replaced,
    /// All go.
    Gone,
}

/// What happens to one table. A row that is new is not one that goes: their ids differ.
#[derive(Debug)]
pub(crate) struct TableChange<'c> {
    /// New rows.
    pub(crate) rows: Option<&'c TableRows>,
    /// Stored rows that go, whatever else is said.
    pub(crate) deleted: Option<&'c DeletedIds>,
    /// What becomes of the others.
    pub(crate) stored: Stored,
}

impl TableChange<'_> {
    /// Whether a stored row is not there any more afterwards, at least not as it was.
    pub(super) fn ends(&self, id: Digest) -> bool {
        let replaced = || self.rows.is_some_and(|rows| rows.ids.contains_key(&id));
        self.deletes(id)
            || match self.stored {
                Stored::Stay => false,
                Stored::Replaced => replaced(),
                Stored::Gone => true,
            }
    }

    pub(super) fn deletes(&self, id: Digest) -> bool {
        self.deleted.is_some_and(|deleted| deleted.has(id))
    }

    /// Whether some stored rows may not be there any more afterwards, or not as they were.
    pub(super) fn ends_some(&self) -> bool {
        let replaces = self.rows.is_some_and(|rows| rows.has_given_ids);
        self.deleted.is_some_and(|deleted| !deleted.is_empty())
            || match self.stored {
                Stored::Stay => false,
                Stored::Replaced => replaces,
                Stored::Gone => true,
            }
    }

    /// Whether there is a new row with an id.
    pub(super) fn has(&self, id: Digest) -> bool {
        self.rows.is_some_and(|rows| rows.ids.contains_key(&id))
    }

    /// What makes a stored row end.
    pub(super) fn place(&self, id: Digest) -> Option<Place> {
        let replaced = self.rows.and_then(|rows| rows.place(id));
        replaced.or_else(|| self.deleted.and_then(|deleted| deleted.place(id)))
    }
}

/// What happens to all tables.
#[derive(Debug)]
pub(crate) struct GraphChange<'c> {
    /// The tables that change.
    pub(crate) tables: BTreeMap<TableKey, TableChange<'c>>,
    /// The nodes that the new edges need.
    pub(crate) ends: Ends<'c>,
    /// Node types whose deleted nodes have lost their edges in this change already.
    pub(crate) cascaded: HashSet<String>,
    /// What the digests were made with.
    pub(crate) digests: &'c Digests,
}

impl GraphChange<'_> {
    pub(super) fn table(&self, kind: TableKind, name: &str) -> Option<&TableChange<'_>> {
        self.tables.get(&TableKey::new(kind, name))
    }

    /// The change of a node type, if nodes go that edges may still need.
    pub(super) fn lost_nodes(&self, node: &str) -> Option<&TableChange<'_>> {
        let change = self.table(TableKind::Node, node)?;
        let deletes = change.deleted.is_some_and(|deleted| !deleted.is_empty()) && !self.cascaded.contains(node);
        (change.stored == Stored::Gone || deletes).then_some(change)
    }
}
