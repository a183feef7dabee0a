//! Whether the rules of the schema hold after a merge: the one evaluator of all writers, fed with what the merge changes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use futures::TryStreamExt;

use super::conflict::{Conflict, ConflictDetail, ConflictKey, ConflictKind};
use super::delta::RowStep;
use super::error::MergeError;
use super::picked::TableRows;
use crate::constraint::{
    self, Committed, DeletedIds, Digests, Ends, GraphChange, OtherRow, Place, Problems, RowRules, Stored, TableChange,
    Violation,
};
use crate::error::Result;
use crate::id::TableKey;
use crate::manifest::TableEntry;
use crate::progress::Progress;
use crate::schema::{Catalog, Constraint, TableType};
use crate::storage::{ID, Storage};
use crate::write::SpoolWriter;

/// The state a merge is checked against: the target's.
pub(super) struct Target<'t> {
    pub(super) storage: &'t Storage,
    pub(super) catalog: &'t Catalog,
    pub(super) entries: &'t BTreeMap<TableKey, TableEntry>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Conflicts with the rules, without the fingerprint of their rows.
    pub(super) conflicts: Vec<Conflict>,
    /// Tables of the target that the checks rely on, besides those that change.
    pub(super) relied_on: BTreeSet<TableKey>,
}

/// The new rows of a table as far as rules look at them, and the ids that go.
struct Made {
    rows: Option<constraint::TableRows>,
    deleted: Option<DeletedIds>,
}

/// Where rows of a merge come from: nobody asks.
const NOWHERE: Place = Place { input: 0, record: 0 };

/// Checks the state after a merge. Edges that need a node which is still undecided are passed over.
pub(super) async fn validate(
    target: &Target<'_>,
    tables: &BTreeMap<TableKey, TableRows>,
    undecided: &HashSet<(TableKey, String)>,
    progress: &Progress,
) -> Result<Found> {
    let digests = Digests::default();
    let mut problems = Problems::keeping(usize::MAX);
    let mut made = BTreeMap::new();
    for (key, rows) in tables {
        progress.check()?;
        let kind = target.catalog.table(key).expect("a table of the schema");
        made.insert(key.clone(), make(kind, rows, &digests, &mut problems).await?);
    }
    let changes = made.iter().map(|(key, made)| {
        let (rows, deleted) = (made.rows.as_ref(), made.deleted.as_ref());
        (key.clone(), TableChange { rows, deleted, stored: Stored::Replaced })
    });
    let change =
        GraphChange { tables: changes.collect(), ends: Ends::InRows, cascaded: HashSet::new(), digests: &digests };
    let committed = Committed { storage: target.storage, entries: target.entries, progress };
    constraint::check(&committed, target.catalog, &change, &mut problems).await?;
    let relied_on = constraint::relied_on(target.catalog, &change);
    let found = problems.take().map(|found| found.problems).unwrap_or_default();
    let mut conflicts: Vec<Conflict> =
        found.into_iter().filter_map(|(_, violation)| conflict(violation, undecided)).collect();
    conflicts.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(Found { conflicts, relied_on })
}

/// Reads what rules look at, and checks the rules about single rows on the way.
async fn make(kind: TableType<'_>, rows: &TableRows, digests: &Digests, problems: &mut Problems) -> Result<Made> {
    let rules = RowRules::of(kind).map_err(|reason| MergeError::Rule { reason })?;
    let schema = looked_at(kind, !rows.settled.cell_rows().is_empty());
    let mut spool = SpoolWriter::create(schema.clone())?;
    let mut ids = HashMap::new();
    let mut batches = rows.rows(&[RowStep::Append, RowStep::Update], &schema);
    while let Some(batch) = batches.try_next().await? {
        for id in batch[ID].as_string::<i32>().iter().flatten() {
            ids.insert(digests.of(id), (ids.len() as u64, NOWHERE));
        }
        breaches(kind, &rules, &batch, problems);
        spool.write(&batch)?;
    }
    let mut deleted = DeletedIds::default();
    let mut entries = rows.entries();
    while let Some(entries) = entries.try_next().await? {
        for entry in entries.iter().filter(|entry| entry.step == RowStep::Delete) {
            deleted.add(&entry.id, NOWHERE, digests);
        }
    }
    let spool = spool.finish()?;
    // Rows that only come replace none.
    let has_given_ids = rows.counts().await?.updates > 0;
    let rows = constraint::TableRows { spool, ids, replaced: Vec::new(), has_given_ids };
    Ok(Made { rows: (!rows.ids.is_empty()).then_some(rows), deleted: (!deleted.is_empty()).then_some(deleted) })
}

fn breaches(kind: TableType<'_>, rules: &RowRules, batch: &RecordBatch, problems: &mut Problems) {
    let ids = batch[ID].as_string::<i32>();
    for breach in rules.breaches(batch) {
        let id = Some(ids.value(breach.row).into());
        problems.add(Some(NOWHERE), || Violation::Value {
            table: kind.key(),
            id,
            property: breach.property,
            reason: breach.reason,
        });
    }
}

/// The columns that rules look at. What is required is stored already, except in rows that were made of cells.
fn looked_at(kind: TableType<'_>, with_required: bool) -> SchemaRef {
    let mut names: BTreeSet<&str> = BTreeSet::from([ID]);
    if let TableType::Edge(_) = kind {
        names.extend(["src", "dst"]);
    }
    for constraint in kind.constraints() {
        match constraint {
            Constraint::Unique(columns) | Constraint::Key(columns) => names.extend(columns.iter().map(String::as_str)),
            Constraint::Range { property, .. } | Constraint::Check { property, .. } => {
                names.insert(property);
            }
            Constraint::Index(_) => {}
        }
    }
    let of_value = kind
        .properties()
        .iter()
        .filter(|property| property.prop_type.enum_values.is_some() || (with_required && !property.prop_type.nullable));
    names.extend(of_value.map(|property| property.name.as_str()));
    let schema = kind.arrow_schema();
    let fields = schema.fields().iter().filter(|field| names.contains(field.name().as_str()));
    Arc::new(Schema::new(fields.map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>()))
}

/// A broken rule as a conflict of the merge; none if it depends on what is undecided.
fn conflict(violation: Violation, undecided: &HashSet<(TableKey, String)>) -> Option<Conflict> {
    let of = |table: TableKey, kind, id: Box<str>, detail| {
        let key = ConflictKey { table, kind, id: id.into_string() };
        Conflict { key, detail, rows: String::new(), caused_by: None }
    };
    let orphan = |edge, id, role: &str, node: TableKey, end: Box<str>| {
        let detail = ConflictDetail::Orphan { role: role.to_owned(), node, end: end.into_string() };
        of(edge, ConflictKind::OrphanEdge, id, detail)
    };
    Some(match violation {
        Violation::MissingEnd { edge, edge_id, role, node, end } => {
            if undecided.contains(&(node.clone(), end.to_string())) {
                return None;
            }
            orphan(edge, edge_id.unwrap_or_default(), role, node, end)
        }
        Violation::LostEnd { edge, edge_id, role, node, end, loss: _ } => orphan(edge, edge_id, role, node, end),
        Violation::Unique { table, rule: _, columns, values: _, id, other } => {
            let (OtherRow::New(other) | OtherRow::Stored(other)) = other;
            let detail = ConflictDetail::Unique { columns: columns.to_vec(), other: other.into_string() };
            of(table, ConflictKind::UniqueViolation, id, detail)
        }
        Violation::Cardinality { edge, src, edges, allowed } => {
            let detail = ConflictDetail::Cardinality { count: u64::from(edges), min: allowed.min, max: allowed.max };
            of(edge, ConflictKind::CardinalityViolation, src, detail)
        }
        Violation::Value { table, id, property, reason } => {
            let detail = ConflictDetail::Value { column: property, reason };
            of(table, ConflictKind::ValueConstraintViolation, id.unwrap_or_default(), detail)
        }
        Violation::StoredId { table, id } => {
            let detail = ConflictDetail::Value { column: ID.to_owned(), reason: "the id is there already".to_owned() };
            of(table, ConflictKind::ValueConstraintViolation, id, detail)
        }
        Violation::Input(reason) => unreachable!("BUG: a merge has no input that could be wrong: {reason}"),
    })
}
