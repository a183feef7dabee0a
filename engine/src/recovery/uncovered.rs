//! Tables whose head is past their pin although no sidecar names them: what is past the pin is published where it changes no row, and
//! discarded where a person says so.
//!
//! Both are done as an interrupted write is settled, by a sidecar that is written for it: whatever stops them, any later recovery,
//! the reference's as well, finishes or undoes them, with the same commit and audit row.

use super::act::{Recovered, act};
use super::classify::{Mode, Standing, classify};
use super::plan::RecoveryStep;
use super::{Decision, Fate, NEWEST_FORMAT, Pin, Sidecar, TableStanding, WriterKind, write_sidecar};
use crate::error::Result;
use crate::id::BranchName;
use crate::manifest::TableEntry;
use crate::write::Writer;

/// Makes the head of a table what its branch shows, whose rows are those that the branch shows already. The gate of the table must be
/// held.
///
/// # Errors
/// [`crate::manifest::PublishError::Stale`] if the branch shows another version by now; [`crate::storage::StorageError`]. What is left
/// then is settled like any interrupted write.
pub(crate) async fn publish_head(
    writer: &Writer,
    branch: &BranchName,
    table: &TableEntry,
    head: u64,
) -> Result<Recovered> {
    // Its kind says that nothing but files may differ, so that any number of versions is published.
    settle(writer, branch, table, (WriterKind::Optimize, head, head), Decision::RollForward).await
}

/// Discards what is past the pin of a table: its rows are those of the pin again. The gate of the table must be held, and nobody else
/// may write.
///
/// # Errors
/// [`crate::manifest::PublishError::Stale`] if the branch shows another version by now; [`crate::storage::StorageError`]. What is left
/// then is settled like any interrupted write.
pub(crate) async fn discard_head(
    writer: &Writer,
    branch: &BranchName,
    table: &TableEntry,
    head: u64,
) -> Result<Recovered> {
    // A mutation that planned another head than the one there is was not completed.
    settle(writer, branch, table, (WriterKind::Mutation, head, head + 1), Decision::RollBack).await
}

async fn settle(
    writer: &Writer,
    branch: &BranchName,
    table: &TableEntry,
    (writer_kind, head, planned): (WriterKind, u64, u64),
    decision: Decision,
) -> Result<Recovered> {
    let sidecar = Sidecar {
        schema_version: NEWEST_FORMAT,
        operation_id: writer.clock.next_id().to_string(),
        started_at: writer.clock.now_micros().to_string(),
        branch: branch.stored().map(str::to_owned),
        actor_id: None,
        writer_kind,
        tables: vec![pin(writer, table, planned)],
        merge_source_commit_id: None,
        additional_registrations: Vec::new(),
        tombstones: Vec::new(),
        extra: serde_json::Map::new(),
    };
    let _live = writer.gates.live(&sidecar.operation_id);
    write_sidecar(&writer.storage, &sidecar).await?;
    let step = RecoveryStep {
        id: sidecar.operation_id.clone(),
        decision,
        tables: vec![standing(&sidecar, table, head, planned)],
        sidecar: Some(sidecar),
        blocked: None,
    };
    act(writer, &step).await
}

fn pin(writer: &Writer, table: &TableEntry, planned: u64) -> Pin {
    Pin {
        table_key: table.key.to_string(),
        table_path: writer.storage.location().table_uri(&table.path, None),
        expected_version: table.version.get(),
        post_commit_pin: planned,
        confirmed_version: None,
        table_branch: table.stored_lineage().map(str::to_owned),
        extra: serde_json::Map::new(),
    }
}

fn standing(sidecar: &Sidecar, table: &TableEntry, head: u64, planned: u64) -> TableStanding {
    let pinned = table.version.get();
    let mode = Mode::of(sidecar.writer_kind, sidecar.schema_version);
    TableStanding {
        table_key: table.key.to_string(),
        path: table.path.to_string(),
        lineage: table.stored_lineage().map(str::to_owned),
        expected: pinned,
        planned,
        pinned,
        head,
        classification: classify(mode, Standing { expected: pinned, planned, confirmed: None, pinned, head }),
        fate: Fate::Unpublished,
    }
}
