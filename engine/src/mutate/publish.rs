//! From what the statements made to one write: the rules of the whole, the gates, the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::FutureExt;

use super::Mutated;
use super::problem::refuse;
use super::run::Made;
use crate::constraint::{self, Committed, DeletedIds, Ends, GraphChange, Problems, Stored, TableChange, TableRows};
use crate::error::Result;
use crate::id::{BranchName, TableKey};
use crate::manifest::{self, TableEntry};
use crate::progress::Progress;
use crate::recovery::WriterKind;
use crate::schema::Catalog;
use crate::write::{Change, Effect, Gate, WriteError, WritePlan, Writer, check_current, plan_and_run};

/// The changes of all tables, complete.
struct Changes {
    rows: BTreeMap<TableKey, TableRows>,
    deleted: BTreeMap<TableKey, Arc<DeletedIds>>,
    made: Made,
}

/// Publishes what the statements made; `labels` name them.
pub(super) async fn publish(
    writer: &Writer,
    catalog: &Catalog,
    (branch, actor): (BranchName, Option<Arc<str>>),
    pinned: &BTreeMap<TableKey, TableEntry>,
    made: Made,
    labels: &[String],
    progress: &Progress,
) -> Result<Mutated> {
    let changes = Changes::of(made).await?;
    let mut mutated = Mutated {
        written: None,
        affected_nodes: changes.made.affected_nodes,
        affected_edges: changes.made.affected_edges,
        rows: changes.counts(),
    };
    if mutated.rows.is_empty() {
        return Ok(mutated);
    }
    let gates = changes.gates(catalog, &branch);
    let plan = || changes.plan(writer, catalog, (&branch, &actor), pinned, labels, progress).boxed();
    mutated.written = Box::pin(plan_and_run(writer, &branch, &gates, progress, plan)).await?;
    Ok(mutated)
}

impl Changes {
    async fn of(mut made: Made) -> Result<Self> {
        let mut rows = BTreeMap::new();
        for (key, pending) in std::mem::take(&mut made.rows) {
            if let Some(finished) = pending.finish(&made.digests).await? {
                rows.insert(key, finished);
            }
        }
        let deleted = std::mem::take(&mut made.deleted);
        let deleted = deleted.into_iter().filter(|(_, ids)| !ids.is_empty());
        Ok(Self { rows, deleted: deleted.map(|(key, ids)| (key, Arc::new(ids))).collect(), made })
    }

    fn counts(&self) -> BTreeMap<TableKey, u64> {
        let rows = self.rows.iter().map(|(key, rows)| (key.clone(), rows.ids.len() as u64));
        rows.chain(self.deleted.iter().map(|(key, ids)| (key.clone(), ids.len() as u64))).collect()
    }

    /// A table gets rows or loses some: the statements were checked for that.
    fn as_rules_see_it(&self) -> GraphChange<'_> {
        let rows = self.rows.iter().map(|(key, rows)| {
            let stored = if rows.has_given_ids { Stored::Replaced } else { Stored::Stay };
            (key.clone(), TableChange { rows: Some(rows), deleted: None, stored })
        });
        let deleted = self
            .deleted
            .iter()
            .map(|(key, ids)| (key.clone(), TableChange { rows: None, deleted: Some(&**ids), stored: Stored::Stay }));
        GraphChange {
            tables: rows.chain(deleted).collect(),
            ends: Ends::Noted(&self.made.ends),
            cascaded: self.made.cascaded.clone(),
            digests: &self.made.digests,
        }
    }

    /// The tables that are written, that decided what is written, and that the checks rely on.
    fn gates(&self, catalog: &Catalog, branch: &BranchName) -> Vec<Gate> {
        let change = self.as_rules_see_it();
        let mut keys: BTreeSet<TableKey> = constraint::relied_on(catalog, &change);
        keys.extend(change.tables.into_keys());
        keys.extend(self.made.decisive.iter().cloned());
        keys.into_iter().map(|key| Gate::Table(key, branch.clone())).collect()
    }

    /// Checks the changes against the branch as it is now; the plan holds for exactly that.
    async fn plan(
        &self,
        writer: &Writer,
        catalog: &Catalog,
        (branch, actor): (&BranchName, &Option<Arc<str>>),
        pinned: &BTreeMap<TableKey, TableEntry>,
        labels: &[String],
        progress: &Progress,
    ) -> Result<WritePlan> {
        let entries = manifest::read_branch(&writer.storage, branch).await?;
        // Rows that statements chose from must be what they were.
        check_current(branch, &self.made.decisive, pinned, &entries)?;
        let committed = Committed { storage: &writer.storage, entries: &entries, progress };
        let mut problems = Problems::default();
        constraint::check(&committed, catalog, &self.as_rules_see_it(), &mut problems).await?;
        refuse(&mut problems, labels)?;
        let effects = self.effects(&entries, branch)?;
        Ok(WritePlan {
            kind: WriterKind::Mutation,
            branch: branch.clone(),
            actor: actor.clone(),
            effects,
            adoptions: Vec::new(),
            merged: None,
        })
    }

    fn effects(
        &self,
        entries: &BTreeMap<TableKey, TableEntry>,
        branch: &BranchName,
    ) -> Result<Vec<Effect>, WriteError> {
        let rows = self.rows.iter().map(|(key, rows)| {
            let spool = Box::new(rows.spool.clone());
            (key, if rows.has_given_ids { Change::Upsert(spool) } else { Change::Append(spool) })
        });
        let deleted = self.deleted.iter().map(|(key, ids)| (key, Change::Delete(ids.set(&self.made.digests))));
        let mut changes: Vec<_> = rows.chain(deleted).collect();
        changes.sort_by_key(|(key, _)| *key);
        let effect = |(key, change): (&TableKey, Change)| match entries.get(key) {
            Some(table) => Ok(Effect::of(table.clone(), change)),
            None => Err(WriteError::TableGone { branch: branch.clone(), table_key: key.clone() }),
        };
        changes.into_iter().map(effect).collect()
    }
}
