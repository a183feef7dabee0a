//! What recovery will do, before it does anything: one step for each sidecar, in their order, each on the result of the former.

use std::collections::BTreeMap;

use super::adoption::takes_over;
use super::classify::Mode;
use super::decide::{Circumstances, Judged, decide};
use super::outlook::Outlook;
use super::schema_files::{is_in_place, plan_schema_files};
use super::soundness::{misfit, record};
use super::standing::{Branch, Observed, TableStanding, observe_all};
use super::{Decision, Sidecar, SidecarFile, WriterKind};
use crate::error::{Error, ErrorKind, Result};
use crate::history::branch_refs;
use crate::id::{BranchName, TableKey};
use crate::manifest::{self, TableEntry};
use crate::schema::StagedSchema;
use crate::storage::{LineageRef, Storage};

type Entries = BTreeMap<TableKey, TableEntry>;

/// All steps a sweep would take now.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryPlan {
    /// What is done first about the files of an interrupted schema change.
    pub staged_schema: StagedSchema,
    /// One for each sidecar, in the order of their names.
    pub steps: Vec<RecoveryStep>,
}

/// What a sweep would do about one sidecar.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryStep {
    /// Name of the sidecar's file without `.json`.
    pub id: String,
    /// The record; none if it cannot be read, or is of a newer format.
    pub sidecar: Option<Sidecar>,
    /// What to do.
    pub decision: Decision,
    /// Why, table by table.
    pub tables: Vec<TableStanding>,
    /// Why nothing can be done, for a file that no writer can have left like this, or whose tables cannot be looked at.
    pub blocked: Option<String>,
}

/// Plans for all sidecars. Nothing is written.
pub(crate) async fn plan_recovery(storage: &Storage) -> Result<RecoveryPlan> {
    let staged_schema = plan_schema_files(storage).await?;
    let schema_promoted = staged_schema == StagedSchema::Promote;
    let mut outlook = Outlook::default();
    let mut steps = Vec::new();
    for file in super::list_sidecars(storage).await? {
        let step = named(&file, plan_step(storage, &file, schema_promoted, &outlook).await)?;
        outlook.expect(&step);
        steps.push(step);
    }
    Ok(RecoveryPlan { staged_schema, steps })
}

/// Plans for one sidecar as things stand now. One whose tables cannot be looked at waits.
pub(super) async fn plan_now(storage: &Storage, file: &SidecarFile, schema_promoted: bool) -> Result<RecoveryStep> {
    named(file, plan_sound(storage, file, schema_promoted).await)
}

/// As [`plan_now`].
///
/// # Errors
/// Those for which [`is_elsewhere`] holds if its tables cannot be looked at.
pub(super) async fn plan_sound(storage: &Storage, file: &SidecarFile, schema_promoted: bool) -> Result<RecoveryStep> {
    plan_step(storage, file, schema_promoted, &Outlook::default()).await
}

/// Whether the trouble is with the tables or the branch of one sidecar, and not with storage as a whole.
pub(super) fn is_elsewhere(error: &Error) -> bool {
    error.kind().is_lasting()
}

/// A step that cannot be planned because something is missing or broken waits, and says why.
fn named(file: &SidecarFile, planned: Result<RecoveryStep>) -> Result<RecoveryStep> {
    match planned {
        Err(error) if is_elsewhere(&error) => {
            let reason = format!("its tables cannot be looked at: {error}");
            Ok(RecoveryStep { decision: Decision::Wait, ..refused(file, reason) })
        }
        planned => planned,
    }
}

fn refused(file: &SidecarFile, reason: String) -> RecoveryStep {
    RecoveryStep {
        id: file.id.clone(),
        sidecar: file.readable().cloned(),
        decision: Decision::Refuse,
        tables: Vec::new(),
        blocked: Some(reason),
    }
}

async fn plan_step(
    storage: &Storage,
    file: &SidecarFile,
    schema_promoted: bool,
    outlook: &Outlook,
) -> Result<RecoveryStep> {
    let sidecar = match record(file) {
        Ok(sidecar) => sidecar,
        Err(reason) => return Ok(refused(file, reason)),
    };
    let step = |decision, tables: Vec<Observed>| {
        let tables = tables.into_iter().map(|table| table.standing).collect();
        RecoveryStep { id: file.id.clone(), sidecar: Some(sidecar.clone()), decision, tables, blocked: None }
    };
    let name = sidecar.branch();
    let Some((_, made)) = branch_refs(storage).await?.into_iter().find(|(other, _)| *other == name) else {
        return Ok(step(Decision::OrphanedBranch, Vec::new()));
    };
    let manifest = manifest::open(storage, &name, None).await?;
    let entries = manifest::read_state(&manifest).await?;
    if let Some(reason) = misfit(sidecar, &entries) {
        return Ok(refused(file, reason));
    }
    let branch = Branch { name: &name, made: made.as_ref(), manifest: &manifest, entries: &entries };
    let mut tables = observe_all(storage, sidecar, &branch, outlook).await?;
    if let Some(reason) = beyond(&name, &tables) {
        return Ok(refused(file, reason));
    }
    let mut decision = judge(storage, sidecar, &entries, schema_promoted, &tables).await?;
    if let Some(life) = former(sidecar, made.as_ref(), decision, &tables) {
        tables = tables.into_iter().map(Observed::of_former_branch).collect();
        let is_still = tables.iter().all(|table| table.standing.head == table.standing.pinned);
        decision = match life {
            Former::Certain => Decision::OrphanedBranch,
            Former::ByClock if is_still => Decision::OrphanedBranch,
            // What is past a pin was never visible, whoever wrote it.
            Former::ByClock => Decision::RollBack,
        };
    }
    if decision == Decision::RollForward
        && let Some(reason) = unpublishable(storage, sidecar, &entries).await?
    {
        return Ok(refused(file, reason));
    }
    Ok(step(decision, tables))
}

/// What all tables together come to.
async fn judge(
    storage: &Storage,
    sidecar: &Sidecar,
    entries: &Entries,
    schema_promoted: bool,
    tables: &[Observed],
) -> Result<Decision> {
    let judged: Vec<Judged> = tables.iter().map(Observed::judged).collect();
    let (kind, mode) = (sidecar.writer_kind, Mode::of(sidecar.writer_kind, sidecar.schema_version));
    let standings: Vec<TableStanding> = tables.iter().map(|table| table.standing.clone()).collect();
    let is_change = kind == WriterKind::SchemaApply;
    let schema_promoted = schema_promoted || (is_change && is_in_place(storage, sidecar, &standings).await?);
    let mut circumstances = Circumstances { kind, mode, schema_promoted, takes_over: false };
    let decision = decide(circumstances, &judged);
    if kind == WriterKind::BranchMerge && decision == Decision::RollForward {
        circumstances.takes_over = takes_over(storage, sidecar, &standings, entries).await?;
        return Ok(decide(circumstances, &judged));
    }
    Ok(decision)
}

/// Why a version of a record is beyond all that main ever had; none if it is not. Of another branch it tells that it was made again.
fn beyond(branch: &BranchName, tables: &[Observed]) -> Option<String> {
    let before = tables.iter().map(|table| &table.standing).find(|table| table.pinned < table.expected)?;
    let TableStanding { table_key, expected, pinned, .. } = before;
    branch.is_main().then(|| format!("it expects version {expected} of {table_key}, of which main has only {pinned}"))
}

/// How it is known that a write was to an earlier branch of the same name.
enum Former {
    /// The branch pins a version before the one that the write started from, and pins never go back.
    Certain,
    /// The branch was made after the write began, by the clocks of those who did either.
    ByClock,
}

/// Whether the write was to an earlier branch of the same name. Clocks are asked only where versions alone would have the write
/// published, and never against a mark of the write on the branch's own versions.
fn former(sidecar: &Sidecar, made: Option<&LineageRef>, decision: Decision, tables: &[Observed]) -> Option<Former> {
    let made = made?;
    if decision == Decision::Refuse || tables.iter().any(|table| table.is_proved) {
        return None;
    }
    if tables.iter().any(|table| table.standing.pinned < table.standing.expected) {
        return Some(Former::Certain);
    }
    let is_forward = matches!(decision, Decision::RollForward | Decision::StaleAfterSuccess);
    let made_micros = i64::try_from(made.created_at_seconds).ok().and_then(|made| made.checked_mul(1_000_000));
    let is_later = sidecar.started_at_micros().zip(made_micros).is_some_and(|(started, made)| made > started);
    (is_forward && is_later).then_some(Former::ByClock)
}

/// Why the tables that a schema change adds or drops cannot be published; none if they can.
async fn unpublishable(storage: &Storage, sidecar: &Sidecar, entries: &Entries) -> Result<Option<String>> {
    let shown = |table_key: &str| table_key.parse::<TableKey>().ok().and_then(|key| entries.get(&key));
    for added in sidecar.additional_registrations.iter().filter(|added| shown(&added.table_key).is_none()) {
        match storage.head(&added.table_path, added.table_branch.as_deref()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Some(format!("it adds {}, and there is no table at {}", added.table_key, added.table_path)));
            }
            head => drop(head?),
        }
    }
    let drops_another = sidecar.tombstones.iter().find_map(|dropped| {
        let shown = shown(&dropped.table_key)?.version.get();
        (shown + 1 != dropped.tombstone_version).then_some((dropped, shown))
    });
    Ok(drops_another.map(|(dropped, shown)| {
        let (key, last) = (&dropped.table_key, dropped.tombstone_version - 1);
        format!("it drops {key} after version {last}, of which the branch has {shown}")
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Classification, Fate};
    use super::*;

    /// What is known of a write that expected version 4 and began at second 1000.
    fn known(made: Option<u64>, decision: Decision, pinned: u64, is_proved: bool) -> Option<Former> {
        let sidecar: Sidecar = serde_json::from_value(json!({
            "schema_version": 2, "operation_id": "x", "started_at": "1000000000", "branch": "b", "actor_id": null,
            "writer_kind": "Load", "tables": [],
        }))
        .expect("it is a record");
        let standing = TableStanding {
            table_key: "node:Person".to_owned(),
            path: "nodes/a".to_owned(),
            lineage: Some("b".to_owned()),
            expected: 4,
            planned: 5,
            pinned,
            head: pinned,
            classification: Classification::NoMovement,
            fate: Fate::Unpublished,
        };
        let made = made.map(|created_at_seconds| LineageRef {
            name: "b".to_owned(),
            parent: None,
            parent_version: 4,
            created_at_seconds,
            unreadable: None,
        });
        former(&sidecar, made.as_ref(), decision, &[Observed { standing, is_shown: true, is_proved }])
    }

    #[test]
    fn a_branch_that_was_made_later_is_another_one_unless_its_versions_say_otherwise() {
        use Decision::{Discard, Refuse, RollBack, RollForward, StaleAfterSuccess};
        let (before, after) = (Some(900), Some(1001));
        for decision in [RollForward, StaleAfterSuccess] {
            assert!(matches!(known(after, decision, 5, false), Some(Former::ByClock)), "{decision:?}");
            assert!(known(before, decision, 5, false).is_none(), "{decision:?}");
            assert!(known(Some(1000), decision, 5, false).is_none(), "the same second proves nothing");
            assert!(known(after, decision, 5, true).is_none(), "a mark outweighs clocks");
            assert!(known(None, decision, 5, false).is_none(), "main was never made again");
        }
        for decision in [Discard, RollBack] {
            assert!(known(after, decision, 5, false).is_none(), "{decision:?} publishes nothing");
            assert!(matches!(known(before, decision, 3, false), Some(Former::Certain)), "a pin never goes back");
        }
        assert!(known(after, Refuse, 3, false).is_none());
    }
}
