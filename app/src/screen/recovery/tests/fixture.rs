//! Interrupted writes as plain values: three as in the sample graph, and some that nobody settles.

use std::collections::BTreeSet;

use serde_json::json;
use stratigraph_engine::graph::Pending;
use stratigraph_engine::recovery::{
    AuditRow, Classification, Decision, Fate, Recovered, RecoveryPlan, RecoveryStep, Sidecar, SidecarFile,
    SidecarState, TableOutcome, TableStanding,
};
use stratigraph_engine::schema::StagedSchema;
use stratigraph_engine::storage::VersionInfo;
use stratigraph_engine::{TableEntry, TableVersion};

use super::super::request::{Observation, Reply};
use super::super::{Drifted, Standing};
use super::stage::Stage;
use crate::stage::NOW;

pub(super) const ORPHAN: &str = "01KQKZ0000G6CZJRSK998BADGE";
pub(super) const FORWARD: &str = "01KQKZ3000G6CZJRSK998MJHW7";
pub(super) const BACK: &str = "01KQKZ5000G6CZJRSK998Q9QX4";
pub(super) const COMMIT: &str = "01KQKZ3000EHFH4MJGAECB534F";

/// A table with its versions expected, planned, pinned and at the head, and what that means.
type Table = (&'static str, [u64; 4], Classification);

const MOVED: Classification = Classification::RolledPastExpected;
const STILL: Classification = Classification::NoMovement;

/// An interrupted load of so many minutes ago, and the decision about it.
pub(super) fn load(
    id: &str,
    branch: Option<&str>,
    actor: &str,
    minutes: i64,
    decision: Decision,
    tables: &[Table],
) -> (SidecarFile, RecoveryStep) {
    let pins: Vec<_> = tables
        .iter()
        .map(|(key, [expected, planned, ..], _)| {
            json!({
                "table_key": key, "table_path": format!("/data/crm/nodes/{}", key.len()),
                "expected_version": expected, "post_commit_pin": planned, "table_branch": branch,
            })
        })
        .collect();
    let record = json!({
        "schema_version": 2, "operation_id": id, "started_at": (NOW.utc_micros - minutes * 60_000_000).to_string(),
        "branch": branch, "actor_id": actor, "writer_kind": "Load", "tables": pins,
    });
    let sidecar: Sidecar = serde_json::from_value(record.clone()).expect("a record");
    let text = serde_json::to_string_pretty(&record).expect("JSON");
    let standing = |(key, [expected, planned, pinned, head], classification): &Table| TableStanding {
        table_key: (*key).to_owned(),
        path: format!("nodes/{}", key.len()),
        lineage: branch.map(str::to_owned),
        expected: *expected,
        planned: *planned,
        pinned: *pinned,
        head: *head,
        classification: *classification,
        fate: Fate::Unpublished,
    };
    let standings = if decision == Decision::OrphanedBranch { &[] } else { tables };
    let step = RecoveryStep {
        id: id.to_owned(),
        sidecar: Some(sidecar.clone()),
        decision,
        tables: standings.iter().map(standing).collect(),
        blocked: None,
    };
    (SidecarFile { id: id.to_owned(), text, state: SidecarState::Readable(Box::new(sidecar)) }, step)
}

/// A file that nobody settles.
pub(super) fn closed(id: &str, text: &str, state: SidecarState, reason: &str) -> (SidecarFile, RecoveryStep) {
    let step = RecoveryStep {
        id: id.to_owned(),
        sidecar: None,
        decision: Decision::Refuse,
        tables: Vec::new(),
        blocked: Some(reason.to_owned()),
    };
    (SidecarFile { id: id.to_owned(), text: text.to_owned(), state }, step)
}

pub(super) fn orphan() -> (SidecarFile, RecoveryStep) {
    load(ORPHAN, Some("badges"), "yuki", 32, Decision::OrphanedBranch, &[("node:Person", [21, 22, 0, 0], STILL)])
}

pub(super) fn forward() -> (SidecarFile, RecoveryStep) {
    let tables: [Table; 2] = [("node:Document", [5, 6, 5, 6], MOVED), ("edge:Wrote", [9, 10, 9, 10], MOVED)];
    load(FORWARD, None, "priya", 9, Decision::RollForward, &tables)
}

pub(super) fn back() -> (SidecarFile, RecoveryStep) {
    let tables: [Table; 2] = [("node:Person", [22, 23, 22, 23], MOVED), ("edge:ReportsTo", [26, 27, 26, 26], STILL)];
    load(BACK, Some("hiring/q4"), "hr-sync", 16, Decision::RollBack, &tables)
}

pub(super) fn unreadable() -> (SidecarFile, RecoveryStep) {
    let reason = "EOF while parsing an object at line 1 column 1".to_owned();
    let why = format!("it cannot be read: {reason}");
    closed("01KQKZ1000AAAAAAAAAAAABRKN", "{", SidecarState::Unreadable { reason }, &why)
}

pub(super) fn newer() -> (SidecarFile, RecoveryStep) {
    let state = SidecarState::Newer { schema_version: 9 };
    let why = "it has format 9, newer than 2: upgrade this program";
    closed("01KQKZ2000AAAAAAAAAAAANEWR", "{\"schema_version\": 9}", state, why)
}

pub(super) fn refused() -> (SidecarFile, RecoveryStep) {
    let table: Table = ("node:Price", [12, 13, 14, 11], Classification::InvariantViolation);
    load("01KQKZ0500AAAAAAAAAAAALOST", None, "dana", 45, Decision::Refuse, &[table])
}

/// What opening for writing would do about these.
pub(super) fn pending(found: &[(SidecarFile, RecoveryStep)]) -> Pending {
    let steps = found.iter().map(|(_, step)| step.clone()).collect();
    Pending { migration: None, recovery: RecoveryPlan { staged_schema: StagedSchema::None, steps } }
}

/// These as they are seen.
pub(super) fn observation(found: &[(SidecarFile, RecoveryStep)]) -> Observation {
    Observation { files: found.iter().map(|(file, _)| file.clone()).collect(), pending: Ok(pending(found)) }
}

pub(super) fn seen(found: &[(SidecarFile, RecoveryStep)]) -> Vec<Reply> {
    vec![Reply::Observed(Box::new(observation(found)))]
}

/// Their ids.
pub(super) fn ids(found: &[(SidecarFile, RecoveryStep)]) -> BTreeSet<String> {
    found.iter().map(|(file, _)| file.id.clone()).collect()
}

/// The screen with these pending, and no drift.
pub(super) fn with(found: &[(SidecarFile, RecoveryStep)], (columns, rows): (u16, u16)) -> Stage {
    let mut stage = Stage::new(columns, rows);
    stage.answer("recovery plan", seen(found));
    stage.answer("drift", vec![Reply::Drift(Vec::new())]);
    stage
}

/// The three of the sample graph.
pub(super) fn three() -> Vec<(SidecarFile, RecoveryStep)> {
    vec![orphan(), forward(), back()]
}

/// What was done about a step, as it was predicted.
pub(super) fn done(step: &RecoveryStep) -> Recovered {
    let outcome = |table: &TableStanding| match step.decision {
        Decision::RollForward => Some((table.expected, table.head)),
        Decision::RollBack if table.head > table.pinned => Some((table.head, table.pinned)),
        _ => None,
    };
    let outcomes = step.tables.iter().filter_map(|table| {
        let (from_version, to_version) = outcome(table)?;
        Some(TableOutcome { table_key: table.table_key.clone(), from_version, to_version })
    });
    Recovered {
        operation_id: step.id.clone(),
        decision: step.decision,
        commit: COMMIT.parse().expect("an id"),
        outcomes: outcomes.collect(),
    }
}

/// Two recoveries, newest first.
pub(super) fn audit() -> Vec<AuditRow> {
    let row = |id: &str, kind: &str, actor: Option<&str>, days: i64, tables: &[(&str, u64, u64)]| AuditRow {
        graph_commit_id: COMMIT.to_owned(),
        recovery_kind: kind.to_owned(),
        recovery_for_actor: actor.map(str::to_owned),
        operation_id: id.to_owned(),
        sidecar_writer_kind: "Load".to_owned(),
        outcomes: tables
            .iter()
            .map(|(key, from_version, to_version)| TableOutcome {
                table_key: (*key).to_owned(),
                from_version: *from_version,
                to_version: *to_version,
            })
            .collect(),
        created_at_micros: NOW.utc_micros - days * 86_400_000_000,
    };
    vec![
        row(BACK, "RolledBack", Some("tomas"), 1, &[("node:Person", 13, 12)]),
        row(FORWARD, "RolledForward", None, 3, &[("node:Document", 4, 5), ("edge:Wrote", 7, 8)]),
    ]
}

fn drifted(key: &str, branch: &str, pin: u64, standing: Standing) -> Drifted {
    let branch: stratigraph_engine::BranchName = branch.parse().expect("a branch");
    let lineage = (!branch.is_main()).then(|| branch.clone());
    let entry = TableEntry {
        key: key.parse().expect("a key"),
        path: "nodes/3f".into(),
        version: TableVersion::new(pin),
        lineage,
        rows: 7,
    };
    Drifted { branch, entry, standing }
}

/// A table that two operations went past, and one that lost a version.
pub(super) fn drift() -> Vec<Drifted> {
    let version = |version, operation: &str| VersionInfo {
        version,
        committed_at_micros: NOW.utc_micros - 3_600_000_000,
        operation: Some(operation.to_owned()),
    };
    let past = Standing::Past { head: 14, operations: vec![version(13, "Append"), version(14, "Delete")] };
    vec![
        drifted("node:Price", "main", 12, past),
        drifted("node:Person", "hiring/q4", 22, Standing::Behind { head: 21 }),
    ]
}
