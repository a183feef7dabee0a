//! Carrying a plan out: staged → armed → applied → published, each step consuming the former.
//!
//! | step | afterwards | a crash then leaves |
//! |---|---|---|
//! | stage | files are written that no version refers to | garbage |
//! | arm | the sidecar says what is going to move | a sidecar without movement, which is discarded |
//! | apply | every table has its new version | what recovery publishes, or restores |
//! | publish | the branch shows all of them, the commit is recorded | a sidecar of a finished write |
//! | settle | the sidecar is gone | nothing |
//!
//! Gates are held from before the first step until after the last. The point of no return is the first commit of a table.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::WriteError;
use super::fork::{Forked, fork};
use super::gate::{Alone, Gate, Gates, Held, Live};
use super::plan::{Change, Effect, WritePlan};
use super::rehearsal::StopAt;
use super::tidy::tidy;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::fail::fail_point;
use crate::history::{Commit, read_head, record_commit};
use crate::id::{BranchName, CommitId, ManifestVersion, TableKey};
use crate::manifest::{self, Publication, PublishError, TableEntry, TableUpdate};
use crate::progress::Progress;
use crate::recovery::{self, Pin, Sidecar, SidecarFile, WriterKind};
use crate::storage::{ID, StagedChange, Storage, StorageError, Table, names};

/// Phases of a write, as it reports them.
const PHASES: usize = 4;

/// What every writer of a graph shares.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) storage: Storage,
    pub(crate) gates: Arc<Gates>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where writes stop on purpose; none unless they are rehearsals.
    pub(crate) stop_at: Option<StopAt>,
}

impl Writer {
    /// Stops a rehearsal that got as far as it should.
    fn passed(&self, step: StopAt, operation_id: &str) -> Result<()> {
        if self.stop_at == Some(step) {
            return Err(WriteError::Rehearsed { operation_id: operation_id.to_owned() }.into());
        }
        Ok(())
    }
}

/// A write that is visible and recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The commit.
    pub commit: CommitId,
    /// Its branch.
    pub branch: BranchName,
    /// The version of the branch that shows it.
    pub manifest_version: ManifestVersion,
    /// The tables it moved, with their versions and numbers of rows.
    pub tables: Vec<WrittenTable>,
    /// The record of the write could not be removed: the next write or opening does it.
    pub sidecar_left: bool,
}

/// One table a write moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenTable {
    /// The table.
    pub key: TableKey,
    /// Its version.
    pub version: u64,
    /// Rows of that version.
    pub rows: u64,
}

/// Runs a plan; none if it changes nothing. The gates of its tables must be held since before the plan was made.
pub(crate) async fn run(writer: &Writer, plan: WritePlan, held: Held, progress: &Progress) -> Result<Option<Written>> {
    let Some(staged) = stage(writer, plan, held, progress).await? else { return Ok(None) };
    let armed = staged.arm(progress).await?;
    writer.passed(StopAt::Armed, &armed.sidecar.operation_id)?;
    let applied = Box::pin(armed.apply(progress)).await?;
    writer.passed(StopAt::Applied, &applied.sidecar.operation_id)?;
    let published = applied.publish(progress).await?;
    writer.passed(StopAt::Published, &published.sidecar.operation_id)?;
    Ok(Some(published.settle().await))
}

/// One table on its way.
struct Target {
    /// The table as the branch shows it now.
    table: TableEntry,
    /// Lineage the commit lands on.
    lineage: Option<BranchName>,
    change: Change,
    /// None if the lineage has to be made first.
    staged: Option<StagedChange>,
}

impl Target {
    fn planned(&self) -> u64 {
        self.table.version.get() + 1
    }
}

struct Staged<'w> {
    writer: &'w Writer,
    plan: Facts,
    targets: Vec<Target>,
    held: Held,
    lease: Alone,
}

/// What of the plan is not about single tables.
struct Facts {
    kind: WriterKind,
    branch: BranchName,
    actor: Option<Arc<str>>,
}

async fn stage<'w>(writer: &'w Writer, plan: WritePlan, held: Held, progress: &Progress) -> Result<Option<Staged<'w>>> {
    progress.phase(1, PHASES, "stage");
    progress.check()?;
    let lease = writer.gates.soon_alone().await.ok_or(WriteError::Excluded)?;
    let WritePlan { kind, branch, actor, effects } = plan;
    refuse_during_schema_apply(&writer.storage, "write").await?;
    check_commits(&writer.storage, &branch).await?;
    let current = manifest::read_state(&manifest::open(&writer.storage, &branch, None).await?).await?;
    let mut targets = Vec::with_capacity(effects.len());
    for (done, effect) in (0..).zip(effects) {
        progress.check()?;
        progress.advance(done, None, "tables");
        targets.push(stage_effect(writer, &branch, &current, effect).await?);
    }
    let plan = Facts { kind, branch, actor };
    Ok((!targets.is_empty()).then_some(Staged { writer, plan, targets, held, lease }))
}

/// Refuses a branch on which no commit could be recorded: its tables would move, and recovery would fail like the write.
async fn check_commits(storage: &Storage, branch: &BranchName) -> Result<()> {
    match storage.head(names::COMMITS, branch.stored()).await {
        Err(StorageError::TableMissing { .. }) => Err(WriteError::HalfMade { branch: branch.clone() }.into()),
        head => Ok(head.map(drop)?),
    }
}

/// Refuses while a schema is applied.
pub(crate) async fn refuse_during_schema_apply(storage: &Storage, operation: &'static str) -> Result<()> {
    let lineages = storage.lineages(names::MANIFEST).await?;
    let locked = lineages.iter().any(|lineage| lineage.name.trim_start_matches('/') == names::SCHEMA_APPLY_LOCK);
    if locked { Err(WriteError::SchemaApply { operation }.into()) } else { Ok(()) }
}

async fn stage_effect(
    writer: &Writer,
    branch: &BranchName,
    current: &BTreeMap<TableKey, TableEntry>,
    effect: Effect,
) -> Result<Target> {
    let Effect { table: planned, change } = effect;
    let Some(table) = current.get(&planned.key).cloned() else {
        return Err(WriteError::TableGone { branch: branch.clone(), table_key: planned.key }.into());
    };
    if !table.same_state(&planned) {
        let (expected, actual) = (planned.version.get(), table.version.get());
        return Err(WriteError::Stale { table_key: table.key, expected, actual }.into());
    }
    let lineage = (!branch.is_main()).then(|| branch.clone());
    if table.lineage != lineage {
        return Ok(Target { table, lineage, change, staged: None });
    }
    check_drift(writer, branch, &table).await?;
    let opened = writer.storage.open(&table.path, table.stored_lineage(), Some(table.version.get())).await?;
    let staged = stage_change(&opened, &change).await?;
    Ok(Target { table, lineage, change, staged: Some(staged) })
}

async fn stage_change(table: &Table, change: &Change) -> Result<StagedChange> {
    Ok(match change {
        Change::Append(rows) => table.stage_append(rows.to_rows()).await?,
        Change::Upsert(rows) => table.stage_upsert(ID, rows.to_rows()).await?,
        Change::Overwrite(rows) => table.stage_overwrite(rows.to_rows()).await?,
        Change::Delete(ids) => table.stage_delete(ID, ids).await?,
    })
}

/// A table whose head is not its pin must not be written to: what is past the pin would become visible with it.
async fn check_drift(writer: &Writer, branch: &BranchName, table: &TableEntry) -> Result<()> {
    if head_of(writer, table).await? == table.version.get() {
        return Ok(());
    }
    let busy = || WriteError::Busy { table_key: table.key.clone() };
    // The head may have moved with a publish that came after the pin was read.
    let current = manifest::read_state(&manifest::open(&writer.storage, branch, None).await?).await?;
    if current.get(&table.key) != Some(table) {
        return Err(busy().into());
    }
    let (head, pinned) = (head_of(writer, table).await?, table.version.get());
    let table_key = table.key.clone();
    match head.cmp(&pinned) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(WriteError::HeadBehindPin { table_key, pinned, head }.into()),
        Ordering::Greater => Err(drift(writer, branch, table, head).await.into()),
    }
}

async fn head_of(writer: &Writer, table: &TableEntry) -> Result<u64> {
    Ok(writer.storage.head(&table.path, table.stored_lineage()).await?)
}

/// Why a head is past its pin, and what to do about it.
async fn drift(writer: &Writer, branch: &BranchName, table: &TableEntry, head: u64) -> WriteError {
    let table_key = table.key.clone();
    let sidecars = match recovery::list_sidecars(&writer.storage).await {
        Ok(sidecars) => sidecars,
        Err(error) => return WriteError::UnclearDrift { table_key, reason: error.to_string() },
    };
    let key = table_key.to_string();
    let names_it = |pin: &Pin| pin.table_key == key && pin.table_branch.as_deref() == branch.stored();
    let mut readable = sidecars.iter().filter_map(SidecarFile::readable);
    match readable.find(|sidecar| sidecar.tables.iter().any(names_it)) {
        Some(sidecar) => WriteError::CoveredDrift { table_key, sidecar: sidecar.operation_id.clone() },
        None => WriteError::UncoveredDrift { table_key, pinned: table.version.get(), head },
    }
}

struct Armed<'w> {
    staged: Staged<'w>,
    sidecar: Sidecar,
    live: Live,
}

impl<'w> Staged<'w> {
    /// Writes the sidecar.
    async fn arm(self, progress: &Progress) -> Result<Armed<'w>> {
        progress.phase(2, PHASES, "record the intent");
        progress.check()?;
        let pin = |target: &Target| Pin {
            table_key: target.table.key.to_string(),
            table_path: self.writer.storage.location().table_uri(&target.table.path, None),
            expected_version: target.table.version.get(),
            post_commit_pin: target.planned(),
            confirmed_version: None,
            table_branch: target.lineage.as_ref().and_then(BranchName::stored).map(str::to_owned),
            extra: serde_json::Map::new(),
        };
        let sidecar = Sidecar {
            schema_version: recovery::NEWEST_FORMAT,
            operation_id: self.writer.clock.next_id().to_string(),
            started_at: self.writer.clock.now_micros().to_string(),
            branch: self.plan.branch.stored().map(str::to_owned),
            actor_id: self.plan.actor.as_deref().map(str::to_owned),
            writer_kind: self.plan.kind,
            tables: self.targets.iter().map(pin).collect(),
            merge_source_commit_id: None,
            additional_registrations: Vec::new(),
            tombstones: Vec::new(),
            extra: serde_json::Map::new(),
        };
        let live = self.writer.gates.live(&sidecar.operation_id);
        recovery::write_sidecar(&self.writer.storage, &sidecar).await?;
        Ok(Armed { staged: self, sidecar, live })
    }
}

struct Applied<'w> {
    writer: &'w Writer,
    plan: Facts,
    sidecar: Sidecar,
    updates: Vec<TableUpdate>,
    expected: BTreeMap<TableKey, u64>,
    hold: Hold,
}

/// What is held until the sidecar is gone.
struct Hold {
    _gates: Held,
    _lease: Alone,
    _live: Live,
}

impl<'w> Armed<'w> {
    /// Commits every table, making the branch's own lineages first where there are none.
    async fn apply(self, progress: &Progress) -> Result<Applied<'w>> {
        let Self { staged: Staged { writer, plan, targets, held, lease }, sidecar, live } = self;
        let operation_id = sidecar.operation_id.clone();
        let expected = targets.iter().map(|target| (target.table.key.clone(), target.table.version.get())).collect();
        let mut updates = Vec::with_capacity(targets.len());
        for (done, target) in (0..).zip(targets) {
            if updates.is_empty()
                && let Err(cancelled) = progress.check()
            {
                abandon(writer, &operation_id).await;
                return Err(cancelled);
            }
            progress.point_of_no_return(3, PHASES, "commit the tables");
            progress.advance(done, None, "tables");
            match Box::pin(commit(writer, &plan.branch, target)).await {
                Ok(update) => {
                    updates.push(update);
                    writer.passed(StopAt::FirstTable, &operation_id)?;
                }
                Err(Failed { moved: false, error }) if updates.is_empty() => {
                    abandon(writer, &operation_id).await;
                    return Err(error);
                }
                Err(Failed { error, .. }) => {
                    return Err(WriteError::Interrupted { operation_id, source: Box::new(error) }.into());
                }
            }
        }
        let hold = Hold { _gates: held, _lease: lease, _live: live };
        Ok(Applied { writer, plan, sidecar, updates, expected, hold })
    }
}

/// Nothing moved: the record of the write says nothing any more. If it stays, recovery discards it.
async fn abandon(writer: &Writer, operation_id: &str) {
    if let Err(error) = recovery::delete_sidecar(&writer.storage, operation_id).await {
        tracing::warn!("cannot remove the sidecar {operation_id} of a write that did nothing: {error}");
    }
}

/// The fail points of a commit, as functions: their errors have to be told from those of a table that moved.
fn before_commit() -> Result<()> {
    fail_point!(crate::fail::WRITE_BEFORE_TABLE_COMMIT);
    Ok(())
}

fn before_first_commit() -> Result<()> {
    fail_point!(crate::fail::FORK_BEFORE_FIRST_COMMIT);
    Ok(())
}

struct Failed {
    moved: bool,
    error: Error,
}

async fn commit(writer: &Writer, branch: &BranchName, target: Target) -> Result<TableUpdate, Failed> {
    let unmoved = |error: Error| Failed { moved: false, error };
    let planned = target.planned();
    let Target { table, lineage, change, staged } = target;
    before_commit().map_err(unmoved)?;
    let staged = if let Some(staged) = staged {
        staged
    } else {
        let Forked(opened) = fork(&writer.storage, branch, &table).await.map_err(unmoved)?;
        before_first_commit().map_err(unmoved)?;
        stage_change(&opened, &change).await.map_err(unmoved)?
    };
    let moved = |error: Error| Failed { moved: true, error };
    let committed = staged.commit().await.map_err(|error| moved(error.into()))?;
    if committed.version() != planned {
        let landed = committed.version();
        return Err(moved(WriteError::Landed { table_key: table.key, planned, landed }.into()));
    }
    let rows = committed.count(None).await.map_err(|error| moved(error.into()))?;
    let stored = lineage.as_ref().and_then(BranchName::stored);
    let file = writer.storage.version_file(&table.path, stored, planned).await.map_err(|error| moved(error.into()))?;
    Ok(TableUpdate { key: table.key, version: planned, lineage, rows, file })
}

struct Published<'w> {
    writer: &'w Writer,
    sidecar: Sidecar,
    written: Written,
    _hold: Hold,
}

impl<'w> Applied<'w> {
    /// Makes all tables visible at once and records the commit.
    async fn publish(self, progress: &Progress) -> Result<Published<'w>> {
        progress.point_of_no_return(4, PHASES, "publish");
        let Self { writer, plan, sidecar, updates, expected, hold } = self;
        let interrupted = |error: Error| -> Error {
            let operation_id = sidecar.operation_id.clone();
            WriteError::Interrupted { operation_id, source: Box::new(error) }.into()
        };
        let tables = updates
            .iter()
            .map(|update| WrittenTable { key: update.key.clone(), version: update.version, rows: update.rows })
            .collect();
        let publication = Publication { updates, expected, ..Publication::default() };
        let recorded = publish_and_record(writer, &plan, &publication).await.map_err(interrupted)?;
        let written = Written {
            commit: recorded.id,
            branch: plan.branch,
            manifest_version: recorded.manifest_version,
            tables,
            sidecar_left: false,
        };
        Ok(Published { writer, sidecar, written, _hold: hold })
    }
}

async fn publish_and_record(writer: &Writer, plan: &Facts, publication: &Publication) -> Result<Commit> {
    fail_point!(crate::fail::MUTATION_POST_FINALIZE_PRE_PUBLISHER);
    let _publishing = writer.gates.acquire([Gate::Publish(plan.branch.clone())]).await;
    let version = match manifest::publish(&writer.storage, &plan.branch, publication).await {
        Ok(version) => version,
        Err(stale @ Error::Publish(PublishError::Stale { .. })) => {
            // Another program may have taken this write for an interrupted one and rolled it forward.
            return healed(writer, plan, publication).await?.ok_or(stale);
        }
        Err(error) => return Err(error),
    };
    fail_point!(crate::fail::GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT);
    let commits = open_commits(&writer.storage, &plan.branch).await?;
    let commit = Commit {
        id: writer.clock.next_id(),
        parent: read_head(&commits).await?,
        merged_parent: None,
        branch: plan.branch.clone(),
        manifest_version: version,
        created_at_micros: writer.clock.now_micros(),
        actor: plan.actor.clone(),
    };
    fail_point!(crate::fail::GRAPH_PUBLISH_BEFORE_COMMIT_APPEND);
    record_commit(&writer.storage, &commits, &commit).await?;
    Ok(commit)
}

/// The commits a branch sees.
pub(crate) async fn open_commits(storage: &Storage, branch: &BranchName) -> Result<Table> {
    Ok(storage.open(names::COMMITS, branch.stored(), None).await?)
}

async fn is_published(writer: &Writer, plan: &Facts, publication: &Publication) -> Result<bool> {
    let current = manifest::read_state(&manifest::open(&writer.storage, &plan.branch, None).await?).await?;
    Ok(publication.updates.iter().all(|update| {
        let entry = current.get(&update.key);
        entry.is_some_and(|entry| entry.version.get() == update.version && entry.lineage == update.lineage)
    }))
}

/// The commit by which another program finished this write; none if the write is not published.
async fn healed(writer: &Writer, plan: &Facts, publication: &Publication) -> Result<Option<Commit>> {
    if !is_published(writer, plan, publication).await? {
        return Ok(None);
    }
    let id = read_head(&open_commits(&writer.storage, &plan.branch).await?).await?;
    let version = manifest::open(&writer.storage, &plan.branch, None).await?.version();
    Ok(id.map(|id| Commit {
        id,
        parent: None,
        merged_parent: None,
        branch: plan.branch.clone(),
        manifest_version: ManifestVersion::new(version),
        created_at_micros: writer.clock.now_micros(),
        actor: plan.actor.clone(),
    }))
}

impl Published<'_> {
    /// Removes the sidecar, and now and then puts files together. If that fails the write is a success all the same.
    async fn settle(self) -> Written {
        let deleted = recovery::delete_sidecar(&self.writer.storage, &self.sidecar.operation_id).await;
        if let Err(error) = &deleted {
            tracing::warn!("cannot remove the sidecar {} of a finished write: {error}", self.sidecar.operation_id);
        }
        let written = Written { sidecar_left: deleted.is_err(), ..self.written };
        tidy(&self.writer.storage, &self.writer.gates, &written.branch, written.manifest_version).await;
        written
    }
}
