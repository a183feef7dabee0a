//! The record of what was done about interrupted writes (graph-format §11).

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::TimestampMicrosecondType;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::RecoveryError;
use crate::error::{ErrorKind, Result};
use crate::storage::{Scan, Storage, names};

/// What recovery did to one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableOutcome {
    /// The table.
    pub table_key: String,
    /// Version before.
    pub from_version: u64,
    /// Version after.
    pub to_version: u64,
}

/// One recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// The recovery commit, as stored.
    pub graph_commit_id: String,
    /// `RolledForward`, `RolledBack` or `OrphanedBranchDiscarded`.
    pub recovery_kind: String,
    /// Who had started the write.
    pub recovery_for_actor: Option<String>,
    /// The sidecar's operation.
    pub operation_id: String,
    /// The sidecar's kind, as stored.
    pub sidecar_writer_kind: String,
    /// Per table, from and to; empty if the stored text cannot be read.
    pub outcomes: Vec<TableOutcome>,
    /// When, microseconds since the epoch.
    pub created_at_micros: i64,
}

/// All audit rows, newest first; none if nothing was ever recovered.
pub(crate) async fn read_audit(storage: &Storage) -> Result<Vec<AuditRow>> {
    let table = match storage.open(names::RECOVERIES, None, None).await {
        Ok(table) => table,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut batches = table.scan(&Scan::default()).await?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        decode(&batch, &mut rows)?;
    }
    rows.sort_by(|a, b| (b.created_at_micros, &b.operation_id).cmp(&(a.created_at_micros, &a.operation_id)));
    Ok(rows)
}

fn decode(batch: &RecordBatch, rows: &mut Vec<AuditRow>) -> Result<(), RecoveryError> {
    let commits = text(batch, "graph_commit_id")?;
    let kinds = text(batch, "recovery_kind")?;
    let actors = text(batch, "recovery_for_actor")?;
    let operations = text(batch, "operation_id")?;
    let writers = text(batch, "sidecar_writer_kind")?;
    let outcomes = text(batch, "per_table_outcomes_json")?;
    let times = batch
        .column_by_name("created_at")
        .and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or(RecoveryError::AuditColumn { column: "created_at" })?;
    rows.extend((0..batch.num_rows()).map(|row| AuditRow {
        graph_commit_id: commits.value(row).to_owned(),
        recovery_kind: kinds.value(row).to_owned(),
        recovery_for_actor: actors.is_valid(row).then(|| actors.value(row).to_owned()),
        operation_id: operations.value(row).to_owned(),
        sidecar_writer_kind: writers.value(row).to_owned(),
        outcomes: serde_json::from_str(outcomes.value(row)).unwrap_or_default(),
        created_at_micros: times.value(row),
    }));
    Ok(())
}

fn text<'a>(batch: &'a RecordBatch, column: &'static str) -> Result<&'a StringArray, RecoveryError> {
    let array = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>());
    array.ok_or(RecoveryError::AuditColumn { column })
}
