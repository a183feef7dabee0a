//! What recovery will do, before it does anything: one step for each sidecar, in their order, each on the result of the former.

use std::collections::BTreeMap;

use super::adoption::takes_over;
use super::classify::{Mode, Standing, classify};
use super::decide::{Circumstances, Judged, decide};
use super::fate::{Fate, fate};
use super::observe::relative;
use super::schema_files::{is_in_place, plan_schema_files};
use super::{Classification, Decision, Sidecar, SidecarFile, SidecarState, WriterKind};
use crate::error::{ErrorKind, Result};
use crate::history::branch_refs;
use crate::id::{BranchName, TableKey};
use crate::manifest::{self, TableEntry};
use crate::schema::StagedSchema;
use crate::storage::{Origin, Storage};

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
    /// Why nothing can be done, for a file that blocks all writing.
    pub blocked: Option<String>,
}

/// One pinned table of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStanding {
    /// The table, as the sidecar names it.
    pub table_key: String,
    /// Its folder under the root.
    pub path: String,
    /// Lineage the write lands on; none for the main one.
    pub lineage: Option<String>,
    /// Pin before the write.
    pub expected: u64,
    /// Head the write planned to reach.
    pub planned: u64,
    /// Pin of the branch; 0 if it does not show the table.
    pub pinned: u64,
    /// Head of the lineage; the pin if there is no such lineage.
    pub head: u64,
    /// What happened to it.
    pub classification: Classification,
    /// What became of the write in it, if it did not move.
    pub fate: Fate,
}

/// Where things stand, with what the steps so far would have changed.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    pins: BTreeMap<(BranchName, String), u64>,
    heads: BTreeMap<(String, Option<String>), u64>,
}

/// Plans for all sidecars. Nothing is written.
pub(crate) async fn plan_recovery(storage: &Storage) -> Result<RecoveryPlan> {
    let staged_schema = plan_schema_files(storage).await?;
    let schema_promoted = staged_schema == StagedSchema::Promote;
    let mut outlook = Outlook::default();
    let mut steps = Vec::new();
    for file in super::list_sidecars(storage).await? {
        let step = plan_step(storage, &file, schema_promoted, &outlook).await?;
        outlook.expect(&step);
        steps.push(step);
    }
    Ok(RecoveryPlan { staged_schema, steps })
}

/// Plans for one sidecar as things stand now.
pub(super) async fn plan_now(storage: &Storage, file: &SidecarFile, schema_promoted: bool) -> Result<RecoveryStep> {
    plan_step(storage, file, schema_promoted, &Outlook::default()).await
}

async fn plan_step(
    storage: &Storage,
    file: &SidecarFile,
    schema_promoted: bool,
    outlook: &Outlook,
) -> Result<RecoveryStep> {
    let blocked = |reason: String| RecoveryStep {
        id: file.id.clone(),
        sidecar: None,
        decision: Decision::Refuse,
        tables: Vec::new(),
        blocked: Some(reason),
    };
    let sidecar = match &file.state {
        SidecarState::Readable(sidecar) => sidecar,
        SidecarState::Newer { schema_version } => {
            return Ok(blocked(format!("it has format {schema_version}, newer than 2: upgrade this program")));
        }
        SidecarState::Unreadable { reason } => return Ok(blocked(format!("it cannot be read: {reason}"))),
    };
    let branch = sidecar.branch();
    let branch_exists = branch_refs(storage).await?.iter().any(|(name, _)| *name == branch);
    let entries = match branch_exists {
        true => manifest::read_state(&manifest::open(storage, &branch, None).await?).await?,
        false => BTreeMap::new(),
    };
    let tables = match branch_exists {
        true => standings(storage, sidecar, &branch, &entries, outlook).await?,
        false => Vec::new(),
    };
    let judged: Vec<Judged> =
        tables.iter().map(|table| Judged { classification: table.classification, fate: table.fate }).collect();
    let is_change = sidecar.writer_kind == WriterKind::SchemaApply;
    let schema_promoted =
        schema_promoted || (is_change && branch_exists && is_in_place(storage, sidecar, &tables).await?);
    let (kind, mode) = (sidecar.writer_kind, Mode::of(sidecar.writer_kind, sidecar.schema_version));
    let mut circumstances = Circumstances { kind, mode, branch_exists, schema_promoted, takes_over: false };
    let mut decision = decide(circumstances, &judged);
    if kind == WriterKind::BranchMerge && decision == Decision::RollForward {
        circumstances.takes_over = takes_over(storage, sidecar, &tables, &entries).await?;
        decision = decide(circumstances, &judged);
    }
    Ok(RecoveryStep { id: file.id.clone(), sidecar: Some((**sidecar).clone()), decision, tables, blocked: None })
}

async fn standings(
    storage: &Storage,
    sidecar: &Sidecar,
    branch: &BranchName,
    entries: &BTreeMap<TableKey, TableEntry>,
    outlook: &Outlook,
) -> Result<Vec<TableStanding>> {
    let mode = Mode::of(sidecar.writer_kind, sidecar.schema_version);
    let mut tables = Vec::with_capacity(sidecar.tables.len());
    for pin in &sidecar.tables {
        let entry = pin.table_key.parse::<TableKey>().ok().and_then(|key| entries.get(&key));
        let path = entry.map_or_else(|| relative(storage, &pin.table_path), |entry| entry.path.to_string());
        let pinned = entry.map_or(0, |entry| entry.version.get());
        let pinned = outlook.pins.get(&(branch.clone(), pin.table_key.clone())).copied().unwrap_or(pinned);
        let lineage = pin.table_branch.as_deref();
        let foreseen = outlook.heads.get(&(path.clone(), pin.table_branch.clone())).copied();
        let shown = entry.map(TableEntry::stored_lineage);
        let head = match foreseen {
            Some(head) => head,
            None if shown == Some(lineage) => storage.head(&path, lineage).await?,
            None => head_of_fork(storage, (&path, lineage), (shown.flatten(), pinned)).await?,
        };
        let (expected, planned, confirmed) = (pin.expected_version, pin.post_commit_pin, pin.confirmed_version);
        let standing = Standing { expected, planned, confirmed, pinned, head };
        let origins = match head == pinned && pinned > expected && shown == Some(lineage) {
            true => origins(storage, (&path, lineage), expected, pinned).await?,
            false => None,
        };
        tables.push(TableStanding {
            table_key: pin.table_key.clone(),
            path,
            lineage: pin.table_branch.clone(),
            expected,
            planned,
            pinned,
            head,
            classification: classify(mode, standing),
            fate: fate(mode, standing, origins.as_deref(), &sidecar.operation_id),
        });
    }
    Ok(tables)
}

/// The head of a lineage that the branch does not show: that of the fork which the write made off the state that the branch shows, or
/// the pin. Others of the name are left from what was there before, and say nothing of the write.
async fn head_of_fork(
    storage: &Storage,
    (path, lineage): (&str, Option<&str>),
    (shown, pinned): (Option<&str>, u64),
) -> Result<u64> {
    let Some(name) = lineage else { return Ok(storage.head(path, None).await?) };
    let lineages = storage.lineages(path).await?;
    let made = lineages.iter().find(|lineage| lineage.name == name);
    if !made.is_some_and(|made| made.parent.as_deref() == shown && made.parent_version == pinned) {
        return Ok(pinned);
    }
    match storage.head(path, lineage).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(pinned),
        head => Ok(head?),
    }
}

/// What made the versions from one to another; none if they are not there.
async fn origins(
    storage: &Storage,
    (path, lineage): (&str, Option<&str>),
    after: u64,
    to: u64,
) -> Result<Option<Vec<Origin>>> {
    match storage.open(path, lineage, Some(to)).await {
        Ok(table) => Ok(Some(table.origins(after).await?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Outlook {
    /// Adds what a step changes.
    fn expect(&mut self, step: &RecoveryStep) {
        let Some(branch) = step.sidecar.as_ref().map(Sidecar::branch) else { return };
        for table in &step.tables {
            let (pin, head) = ((branch.clone(), table.table_key.clone()), (table.path.clone(), table.lineage.clone()));
            match step.decision {
                Decision::RollForward => {
                    self.pins.insert(pin, table.head);
                }
                Decision::RollBack if table.head > table.pinned => {
                    self.pins.insert(pin, table.head + 1);
                    self.heads.insert(head, table.head + 1);
                }
                Decision::RollBack
                | Decision::Discard
                | Decision::StaleAfterSuccess
                | Decision::StaleAfterRollBack
                | Decision::OrphanedBranch
                | Decision::Refuse => {}
            }
        }
    }
}
