//! The record of what was done about interrupted writes (graph-format §11).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::RecoveryError;
use crate::error::{ErrorKind, Result};
use crate::storage::{Rows, Scan, Storage, names};

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

/// Whether the recovery of an operation is recorded.
pub(super) async fn is_audited(storage: &Storage, operation_id: &str) -> Result<bool> {
    Ok(read_audit(storage).await?.iter().any(|row| row.operation_id == operation_id))
}

/// Adds a row, to a dataset that is made for the first one.
pub(super) async fn append_audit(storage: &Storage, row: &AuditRow) -> Result<()> {
    let batch = encode(row);
    let rows = Rows::batches(batch.schema(), vec![batch]);
    match storage.open(names::RECOVERIES, None, None).await {
        Ok(table) => drop(table.stage_append(rows).await?.commit().await?),
        Err(error) if error.kind() == ErrorKind::NotFound => drop(storage.create_table(names::RECOVERIES, rows).await?),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn encode(row: &AuditRow) -> RecordBatch {
    let field = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    let schema = Schema::new(vec![
        field("graph_commit_id", false),
        field("recovery_kind", false),
        field("recovery_for_actor", true),
        field("operation_id", false),
        field("sidecar_writer_kind", false),
        field("per_table_outcomes_json", false),
        Field::new("created_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
    ]);
    let cell = |value: Option<&str>| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let outcomes = serde_json::to_string(&row.outcomes).expect("texts and numbers can be written");
    let columns = vec![
        cell(Some(&row.graph_commit_id)),
        cell(Some(&row.recovery_kind)),
        cell(row.recovery_for_actor.as_deref()),
        cell(Some(&row.operation_id)),
        cell(Some(&row.sidecar_writer_kind)),
        cell(Some(&outcomes)),
        Arc::new(TimestampMicrosecondArray::from(vec![row.created_at_micros])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("the columns are those of the schema")
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
