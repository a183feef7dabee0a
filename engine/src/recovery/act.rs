//! Carrying a decision out. Every step can be repeated: what was done already is found done.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::audit::{append_audit, is_audited};
use super::plan::RecoveryStep;
use super::{AuditRow, Decision, Fate, RecoveryError, Refusal, Sidecar, TableOutcome, TableStanding, delete_sidecar};
use crate::error::{Error, Result};
use crate::fail::fail_point;
use crate::history::{NewCommit, find_commit, find_merge, record_next, record_noted};
use crate::id::{BranchName, CommitId, TableKey};
use crate::manifest::{self, Publication, PublishError, TableUpdate};
use crate::storage::{MERGE, Storage};
use crate::write::{Gate, Writer, open_commits};

/// Who makes the commits of recovery.
pub(crate) const RECOVERY_ACTOR: &str = "omnigraph:recovery";

/// What was done about one sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The sidecar's operation.
    pub operation_id: String,
    /// What was decided and done.
    pub decision: Decision,
    /// The commit that records it.
    pub commit: CommitId,
    /// Per table, from and to.
    pub outcomes: Vec<TableOutcome>,
}

/// Carries a step out. The gates of its tables must be held, and for a roll-back nobody else may write.
pub(super) async fn act(writer: &Writer, step: &RecoveryStep) -> Result<Recovered> {
    let (Some(sidecar), None) = (&step.sidecar, &step.blocked) else { return Err(refusal(writer, step).into()) };
    let outcomes = match step.decision {
        Decision::Refuse | Decision::Wait => return Err(refusal(writer, step).into()),
        Decision::RollForward => roll_forward(writer, sidecar, &step.tables).await?,
        Decision::RollBack => roll_back(writer, sidecar, &step.tables).await?,
        Decision::StaleAfterSuccess => step.tables.iter().map(published_before).collect(),
        Decision::StaleAfterRollBack => step.tables.iter().filter_map(taken_back_before).collect(),
        Decision::Discard | Decision::OrphanedBranch => Vec::new(),
    };
    let commit = record(writer, step.decision, sidecar, &outcomes).await?;
    delete_sidecar(&writer.storage, &step.id).await?;
    Ok(Recovered { operation_id: sidecar.operation_id.clone(), decision: step.decision, commit, outcomes })
}

/// Why a step is refused.
pub(super) fn refusal(writer: &Writer, step: &RecoveryStep) -> RecoveryError {
    let (root, id) = (writer.storage.location().uri().to_owned(), step.id.clone());
    if let Some(reason) = &step.blocked {
        let refusals = vec![Refusal { id, reason: reason.clone() }];
        return if step.decision == Decision::Wait {
            RecoveryError::Waiting { refusals }
        } else {
            RecoveryError::Blocked { root, refusals }
        };
    }
    let lost = step.tables.iter().find(|table| table.head < table.pinned);
    RecoveryError::InvariantViolation {
        root,
        id,
        table_key: lost.map(|table| table.table_key.clone()).unwrap_or_default(),
        pinned: lost.map_or(0, |table| table.pinned),
        head: lost.map_or(0, |table| table.head),
    }
}

fn published_before(table: &TableStanding) -> TableOutcome {
    TableOutcome { table_key: table.table_key.clone(), from_version: table.expected, to_version: table.pinned }
}

fn taken_back_before(table: &TableStanding) -> Option<TableOutcome> {
    let Fate::TakenBack { head, to } = table.fate else { return None };
    Some(TableOutcome { table_key: table.table_key.clone(), from_version: head, to_version: to })
}

/// Publishes the heads that were observed, whatever they are by now.
async fn roll_forward(writer: &Writer, sidecar: &Sidecar, tables: &[TableStanding]) -> Result<Vec<TableOutcome>> {
    let storage = &writer.storage;
    let branch = sidecar.branch();
    let note = sidecar.extra.get(MERGE).and_then(serde_json::Value::as_str);
    let mut publication = Publication { merge: note.map(str::to_owned), ..Publication::default() };
    let mut outcomes = Vec::new();
    for table in tables {
        let update = update(storage, table, table.head).await?;
        publication.expected.insert(update.key.clone(), table.expected);
        publication.updates.push(update);
        let (table_key, from_version, to_version) = (table.table_key.clone(), table.expected, table.head);
        outcomes.push(TableOutcome { table_key, from_version, to_version });
    }
    add_schema_changes(storage, sidecar, &mut publication, &mut outcomes).await?;
    fail_point!(crate::fail::RECOVERY_BEFORE_ROLL_FORWARD_PUBLISH);
    let _publishing = writer.gates.acquire([Gate::Publish(branch.clone())]).await;
    match manifest::publish(storage, &branch, &publication).await {
        Ok(_) => Ok(outcomes),
        Err(Error::Publish(PublishError::Stale { .. })) if has_reached(storage, &branch, &publication).await? => {
            Ok(outcomes)
        }
        Err(error) => Err(error),
    }
}

/// Tables that a schema change adds or drops, as far as the branch does not show that yet.
async fn add_schema_changes(
    storage: &Storage,
    sidecar: &Sidecar,
    publication: &mut Publication,
    outcomes: &mut Vec<TableOutcome>,
) -> Result<()> {
    let state = manifest::read_state(&manifest::open(storage, &sidecar.branch(), None).await?).await?;
    for added in &sidecar.additional_registrations {
        let key = parse(&added.table_key)?;
        if state.contains_key(&key) {
            continue;
        }
        let head = storage.head(&added.table_path, added.table_branch.as_deref()).await?;
        let standing = (added.table_path.as_str(), added.table_branch.as_deref());
        publication.expected.insert(key.clone(), 0);
        publication.registrations.push((key.clone(), added.table_path.clone()));
        publication.updates.push(describe(storage, key, standing, head).await?);
        let table_key = added.table_key.clone();
        outcomes.push(TableOutcome { table_key, from_version: 0, to_version: head });
    }
    for dropped in &sidecar.tombstones {
        let key = parse(&dropped.table_key)?;
        if state.contains_key(&key) {
            publication.expected.insert(key.clone(), dropped.tombstone_version.saturating_sub(1));
            publication.tombstones.push((key, dropped.tombstone_version));
        }
    }
    Ok(())
}

/// Restores every table that moved to its pin, and publishes that, so that pin and head agree again.
async fn roll_back(writer: &Writer, sidecar: &Sidecar, tables: &[TableStanding]) -> Result<Vec<TableOutcome>> {
    let storage = &writer.storage;
    let branch = sidecar.branch();
    let mut publication = Publication::default();
    let mut outcomes = Vec::new();
    for table in tables.iter().filter(|table| table.head > table.pinned) {
        let pinned = storage.open(&table.path, table.lineage.as_deref(), Some(table.pinned)).await?;
        let restored = pinned.restore(table.head).await?;
        let update = update(storage, table, restored.version()).await?;
        publication.expected.insert(update.key.clone(), table.pinned);
        publication.updates.push(update);
        let (table_key, from_version, to_version) = (table.table_key.clone(), table.head, table.pinned);
        outcomes.push(TableOutcome { table_key, from_version, to_version });
    }
    fail_point!(crate::fail::RECOVERY_AFTER_RESTORE);
    let _publishing = writer.gates.acquire([Gate::Publish(branch.clone())]).await;
    manifest::publish(storage, &branch, &publication).await?;
    Ok(outcomes)
}

async fn update(storage: &Storage, table: &TableStanding, version: u64) -> Result<TableUpdate> {
    let standing = (table.path.as_str(), table.lineage.as_deref());
    describe(storage, parse(&table.table_key)?, standing, version).await
}

async fn describe(
    storage: &Storage,
    key: TableKey,
    (path, lineage): (&str, Option<&str>),
    version: u64,
) -> Result<TableUpdate> {
    let rows = storage.open(path, lineage, Some(version)).await?.count(None).await?;
    let file = storage.version_file(path, lineage, version).await?;
    let lineage = lineage.map(|name| BranchName::from_stored(Some(name)));
    Ok(TableUpdate { key, version, lineage, rows, file })
}

fn parse(table_key: &str) -> Result<TableKey> {
    Ok(table_key.parse()?)
}

/// Whether the branch shows everything a publish wanted, or newer.
async fn has_reached(storage: &Storage, branch: &BranchName, publication: &Publication) -> Result<bool> {
    let state = manifest::read_state(&manifest::open(storage, branch, None).await?).await?;
    let reached =
        |update: &TableUpdate| state.get(&update.key).is_some_and(|entry| entry.version.get() >= update.version);
    Ok(publication.updates.iter().all(reached))
}

/// Records what was done, once: a commit by the recovery, then the audit row.
async fn record(writer: &Writer, decision: Decision, sidecar: &Sidecar, outcomes: &[TableOutcome]) -> Result<CommitId> {
    let storage = &writer.storage;
    let branch = if decision == Decision::OrphanedBranch { BranchName::main() } else { sidecar.branch() };
    let id = commit_id(&sidecar.operation_id);
    fail_point!(crate::fail::RECOVERY_BEFORE_RECORD);
    let _publishing = writer.gates.acquire([Gate::Publish(branch.clone())]).await;
    let version = manifest::open(storage, &branch, None).await?.version();
    let on = (&branch, open_commits(storage, &branch).await?);
    let merged = merged(decision, sidecar)?;
    let commits = record_noted(storage, writer.clock.as_ref(), on, version, merged).await?;
    if !find_commit(&commits, id).await? {
        // If the merge itself recorded that, it is one merge, not two.
        let merged_parent = match merged {
            Some(merged) if !find_merge(&commits, merged).await? => Some(merged),
            Some(_) | None => None,
        };
        let actor = Some(Arc::from(RECOVERY_ACTOR));
        let new = NewCommit { id, branch, version, merged: merged_parent, actor, note: None };
        record_next(storage, writer.clock.as_ref(), &commits, new).await?;
    }
    match decision {
        Decision::OrphanedBranch => fail_point!(crate::fail::RECOVERY_ORPHAN_DISCARD_AUDIT_APPEND),
        Decision::RollForward
        | Decision::RollBack
        | Decision::Discard
        | Decision::StaleAfterSuccess
        | Decision::StaleAfterRollBack
        | Decision::Refuse
        | Decision::Wait => fail_point!(crate::fail::RECOVERY_RECORD_AUDIT),
    }
    if !is_audited(storage, &sidecar.operation_id).await? {
        let row = AuditRow {
            graph_commit_id: id.to_string(),
            recovery_kind: kind(decision).to_owned(),
            recovery_for_actor: sidecar.actor_id.clone(),
            operation_id: sidecar.operation_id.clone(),
            sidecar_writer_kind: sidecar.writer_kind.to_string(),
            outcomes: outcomes.to_vec(),
            created_at_micros: writer.clock.now_micros(),
        };
        append_audit(storage, &row).await?;
    }
    Ok(id)
}

/// The commit that is merged by what was decided.
fn merged(decision: Decision, sidecar: &Sidecar) -> Result<Option<CommitId>> {
    match (decision, &sidecar.merge_source_commit_id) {
        (Decision::RollForward | Decision::StaleAfterSuccess, Some(merged)) => Ok(Some(merged.parse()?)),
        (
            Decision::RollForward
            | Decision::StaleAfterSuccess
            | Decision::RollBack
            | Decision::StaleAfterRollBack
            | Decision::Discard
            | Decision::OrphanedBranch
            | Decision::Refuse
            | Decision::Wait,
            _,
        ) => Ok(None),
    }
}

fn kind(decision: Decision) -> &'static str {
    match decision {
        Decision::RollForward | Decision::StaleAfterSuccess => "RolledForward",
        Decision::RollBack | Decision::StaleAfterRollBack | Decision::Discard | Decision::Refuse | Decision::Wait => {
            "RolledBack"
        }
        Decision::OrphanedBranch => "OrphanedBranchDiscarded",
    }
}

/// The id of the commit that records the recovery of an operation: the same however often it is tried. Its time is that of the
/// operation, if the operation's id is a ULID.
fn commit_id(operation_id: &str) -> CommitId {
    let digest = Sha256::digest(format!("recovery of {operation_id}"));
    let mut tail = [0; 16];
    tail[6..].copy_from_slice(&digest[..10]);
    let millis = operation_id.parse::<CommitId>().map_or(0, |id| id.as_u128() >> 80);
    CommitId::from_u128(millis << 80 | u128::from_be_bytes(tail))
}
