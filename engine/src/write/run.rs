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

use std::sync::Arc;

use super::drift::check_unclaimed;
use super::error::WriteError;
use super::fork::clear_way;
use super::gate::{Alone, Gate, Gates, Held, Live};
use super::plan::{Adoption, WritePlan};
use super::publish::{publish, record};
use super::rehearsal::StopAt;
use super::table::{self, Failed, Target, as_planned};
use super::tidy::tidy;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::history::Merged;
use crate::id::{BranchName, CommitId, ManifestVersion, TableKey};
use crate::manifest::{self, Publication, TableUpdate};
use crate::progress::Progress;
use crate::recovery::{self, Pin, Sidecar, WriterKind};
use crate::storage::{MERGE, Storage, StorageError, names};

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
    armed.intent.passed(writer, StopAt::Armed)?;
    let applied = Box::pin(armed.apply(progress)).await?;
    applied.intent.passed(writer, StopAt::Applied)?;
    let published = Box::pin(applied.publish(progress)).await?;
    published.intent.passed(writer, StopAt::Published)?;
    Ok(Some(published.settle().await))
}

struct Staged<'w> {
    writer: &'w Writer,
    plan: Facts,
    targets: Vec<Target>,
    adoptions: Vec<Adoption>,
    hold: Hold,
}

/// What of the plan is not about single tables.
pub(super) struct Facts {
    kind: WriterKind,
    pub(super) branch: BranchName,
    pub(super) actor: Option<Arc<str>>,
    pub(super) merged: Option<Merged>,
}

/// What is held until the write is over.
struct Hold {
    _gates: Held,
    _alone: Alone,
}

async fn stage<'w>(
    writer: &'w Writer,
    plan: WritePlan,
    gates: Held,
    progress: &Progress,
) -> Result<Option<Staged<'w>>> {
    progress.phase(1, PHASES, "stage");
    progress.check()?;
    let alone = writer.gates.soon_alone().await.ok_or(WriteError::Excluded)?;
    let WritePlan { kind, branch, actor, effects, adoptions, merged } = plan;
    if effects.is_empty() && adoptions.is_empty() && merged.is_none() {
        return Ok(None);
    }
    refuse_during_schema_apply(&writer.storage, "write").await?;
    check_commits(&writer.storage, &branch).await?;
    let current = manifest::read_state(&manifest::open(&writer.storage, &branch, None).await?).await?;
    for adoption in &adoptions {
        as_planned(&branch, &current, &adoption.table)?;
        check_unclaimed(writer, &branch, &adoption.table).await?;
        if adoption.state.lineage.is_some() {
            clear_way(&writer.storage, &branch, &adoption.table).await?;
        }
    }
    let mut targets = Vec::with_capacity(effects.len());
    for (done, effect) in (0..).zip(effects) {
        progress.check()?;
        progress.advance(done, None, "tables");
        targets.push(Box::pin(table::stage(writer, &branch, &current, effect)).await?);
    }
    let plan = Facts { kind, branch, actor, merged };
    let hold = Hold { _gates: gates, _alone: alone };
    Ok(Some(Staged { writer, plan, targets, adoptions, hold }))
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
    let is_locked = storage.read_ref(names::MANIFEST, names::SCHEMA_APPLY_LOCK).await?.is_some();
    if is_locked { Err(WriteError::SchemaApply { operation }.into()) } else { Ok(()) }
}

/// The record of what is going to move; none if no table moves, because then there is nothing to take back.
struct Intent {
    sidecar: Option<Sidecar>,
    /// Held while the operation is at work.
    live: Option<Live>,
}

impl Intent {
    /// Stops a rehearsal that got as far as it should.
    fn passed(&self, writer: &Writer, step: StopAt) -> Result<()> {
        match &self.sidecar {
            Some(sidecar) if writer.stop_at == Some(step) => {
                Err(WriteError::Rehearsed { operation_id: sidecar.operation_id.clone() }.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The error of a write that left something behind.
    fn interrupted(&self, error: Error) -> Error {
        match &self.sidecar {
            Some(sidecar) => {
                let operation_id = sidecar.operation_id.clone();
                WriteError::Interrupted { operation_id, source: Box::new(error) }.into()
            }
            None => error,
        }
    }

    /// Nothing moved: the record of the write says nothing any more. If it stays, recovery discards it.
    async fn abandon(&self, writer: &Writer) {
        let Some(Sidecar { operation_id, .. }) = &self.sidecar else { return };
        if let Err(error) = recovery::delete_sidecar(&writer.storage, operation_id).await {
            tracing::warn!("cannot remove the sidecar {operation_id} of a write that did nothing: {error}");
        }
    }

    /// Says that a merge is published that moved no head, and so had nothing to record before: if its commit row is not stored,
    /// recovery stores it.
    async fn note_published(&mut self, writer: &Writer, plan: &Facts) {
        let sidecar = sidecar(writer, plan, Vec::new());
        self.live = Some(writer.gates.live(&sidecar.operation_id));
        match recovery::write_sidecar(&writer.storage, &sidecar).await {
            Ok(()) => self.sidecar = Some(sidecar),
            Err(error) => tracing::warn!("cannot record that a merge is published: {error}"),
        }
    }

    /// Says what every table reached. Until then recovery takes a merge back, whatever its tables are (graph-format §10.3).
    async fn confirm(&mut self, writer: &Writer, updates: &[TableUpdate]) -> Result<()> {
        let Some(sidecar) = &mut self.sidecar else { return Ok(()) };
        for pin in &mut sidecar.tables {
            let reached = updates.iter().find(|update| update.key.to_string() == pin.table_key);
            pin.confirmed_version = Some(reached.expect("BUG: a pinned table was not committed").version);
        }
        recovery::write_sidecar(&writer.storage, sidecar).await
    }
}

struct Armed<'w> {
    staged: Staged<'w>,
    intent: Intent,
}

impl<'w> Staged<'w> {
    /// Writes the sidecar.
    async fn arm(self, progress: &Progress) -> Result<Armed<'w>> {
        progress.phase(2, PHASES, "record the intent");
        progress.check()?;
        if self.targets.is_empty() {
            return Ok(Armed { staged: self, intent: Intent { sidecar: None, live: None } });
        }
        let pins = self.targets.iter().map(|target| self.pin(target)).collect();
        let sidecar = sidecar(self.writer, &self.plan, pins);
        let live = self.writer.gates.live(&sidecar.operation_id);
        recovery::write_sidecar(&self.writer.storage, &sidecar).await?;
        Ok(Armed { staged: self, intent: Intent { sidecar: Some(sidecar), live: Some(live) } })
    }

    fn pin(&self, target: &Target) -> Pin {
        Pin {
            table_key: target.table.key.to_string(),
            table_path: self.writer.storage.location().table_uri(&target.table.path, None),
            expected_version: target.table.version.get(),
            post_commit_pin: target.planned(),
            confirmed_version: None,
            table_branch: target.lineage.as_ref().and_then(BranchName::stored).map(str::to_owned),
            extra: serde_json::Map::new(),
        }
    }
}

fn sidecar(writer: &Writer, plan: &Facts, tables: Vec<Pin>) -> Sidecar {
    Sidecar {
        schema_version: recovery::NEWEST_FORMAT,
        operation_id: writer.clock.next_id().to_string(),
        started_at: writer.clock.now_micros().to_string(),
        branch: plan.branch.stored().map(str::to_owned),
        actor_id: plan.actor.as_deref().map(str::to_owned),
        writer_kind: plan.kind,
        tables,
        merge_source_commit_id: plan.merged.as_ref().map(|merged| merged.commit.to_string()),
        additional_registrations: Vec::new(),
        tombstones: Vec::new(),
        extra: plan.merged.iter().map(|merged| (MERGE.to_owned(), merged.note(plan.actor.clone()).into())).collect(),
    }
}

struct Applied<'w> {
    writer: &'w Writer,
    plan: Facts,
    intent: Intent,
    publication: Publication,
    hold: Hold,
}

impl<'w> Armed<'w> {
    /// Commits every table, making the branch's own lineages first where there are none.
    async fn apply(self, progress: &Progress) -> Result<Applied<'w>> {
        let Self { staged: Staged { writer, plan, targets, adoptions, hold }, mut intent } = self;
        let tables = targets.iter().map(|target| &target.table).chain(adoptions.iter().map(|adoption| &adoption.table));
        let expected = tables.map(|table| (table.key.clone(), table.version.get())).collect();
        let adopted = match adopt_all(writer, &plan.branch, &adoptions, progress).await {
            Ok(adopted) => adopted,
            Err(error) => {
                intent.abandon(writer).await;
                return Err(error);
            }
        };
        let mut updates = commit_all(writer, &plan.branch, targets, &intent, progress).await?;
        // What is taken over is in no sidecar: a roll-forward would leave it out, so a write with such tables is not confirmed and
        // is taken back as a whole.
        if plan.kind == WriterKind::BranchMerge && adopted.is_empty() {
            intent.confirm(writer, &updates).await.map_err(|error| intent.interrupted(error))?;
        }
        updates.extend(adopted);
        let merge = plan.merged.as_ref().map(|merged| merged.note(plan.actor.clone()));
        let publication = Publication { updates, expected, merge, ..Publication::default() };
        Ok(Applied { writer, plan, intent, publication, hold })
    }
}

async fn adopt_all(
    writer: &Writer,
    branch: &BranchName,
    adoptions: &[Adoption],
    progress: &Progress,
) -> Result<Vec<TableUpdate>> {
    let mut adopted = Vec::with_capacity(adoptions.len());
    for adoption in adoptions {
        progress.check()?;
        adopted.push(table::adopt(writer, branch, adoption).await?);
    }
    progress.check()?;
    Ok(adopted)
}

async fn commit_all(
    writer: &Writer,
    branch: &BranchName,
    targets: Vec<Target>,
    intent: &Intent,
    progress: &Progress,
) -> Result<Vec<TableUpdate>> {
    let mut updates = Vec::with_capacity(targets.len());
    let Some(Sidecar { operation_id, .. }) = &intent.sidecar else { return Ok(updates) };
    for (done, target) in (0..).zip(targets) {
        progress.point_of_no_return(3, PHASES, "commit the tables");
        progress.advance(done, None, "tables");
        match Box::pin(table::commit(writer, branch, target, operation_id)).await {
            Ok(update) => {
                updates.push(update);
                intent.passed(writer, StopAt::FirstTable)?;
            }
            Err(Failed { moved: false, error }) if updates.is_empty() => {
                intent.abandon(writer).await;
                return Err(error);
            }
            Err(Failed { error, .. }) => return Err(intent.interrupted(error)),
        }
    }
    Ok(updates)
}

struct Published<'w> {
    writer: &'w Writer,
    intent: Intent,
    written: Written,
    _hold: Hold,
}

impl<'w> Applied<'w> {
    /// Makes all tables visible at once and records the commit.
    async fn publish(self, progress: &Progress) -> Result<Published<'w>> {
        progress.point_of_no_return(4, PHASES, "publish");
        let Self { writer, plan, mut intent, publication, hold } = self;
        let tables = publication.updates.iter();
        let tables = tables
            .map(|update| WrittenTable { key: update.key.clone(), version: update.version, rows: update.rows })
            .collect();
        let _publishing = writer.gates.acquire([Gate::Publish(plan.branch.clone())]).await;
        let published = publish(writer, &plan, &publication).await.map_err(|error| intent.interrupted(error))?;
        if intent.sidecar.is_none() && !publication.updates.is_empty() {
            intent.note_published(writer, &plan).await;
        }
        let note = publication.merge.filter(|_| publication.updates.is_empty());
        let recorded = record(writer, &plan, published, note).await.map_err(|error| intent.interrupted(error))?;
        let written = Written {
            commit: recorded.id,
            branch: plan.branch,
            manifest_version: recorded.manifest_version,
            tables,
            sidecar_left: false,
        };
        Ok(Published { writer, intent, written, _hold: hold })
    }
}

impl Published<'_> {
    /// Removes the sidecar, and now and then puts files together. If that fails the write is a success all the same.
    async fn settle(self) -> Written {
        let deleted = match &self.intent.sidecar {
            Some(sidecar) => recovery::delete_sidecar(&self.writer.storage, &sidecar.operation_id).await,
            None => Ok(()),
        };
        if let Err(error) = &deleted {
            tracing::warn!("cannot remove the sidecar of a finished write: {error}");
        }
        let written = Written { sidecar_left: deleted.is_err(), ..self.written };
        tidy(&self.writer.storage, &self.writer.gates, &written.branch, written.manifest_version).await;
        written
    }
}
