//! Opening for writing, and what is done about interrupted writes.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;

use super::{Graph, OpenError, check_has_manifest, check_has_source, check_schema};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::history::{is_lost, restart_history};
use crate::id::{BranchName, TableKey};
use crate::load::{self, LoadRequest, Loaded};
use crate::manifest::{self, Migration};
use crate::mutate::{self, MutateRequest, Mutated};
use crate::progress::Progress;
use crate::recovery::{self, Recovered, RecoveryPlan};
use crate::schema::StagedSchema;
use crate::storage::{Storage, StorageError};
use crate::write::{Gates, StopAt, WriteError, Writer, discard_drift};

/// What opening a graph for writing would do first.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The format is older and is brought up to date.
    pub migration: Option<Migration>,
    /// Interrupted writes are settled.
    pub recovery: RecoveryPlan,
}

impl Graph {
    /// As [`Graph::open`] for writing, with the time and ids of a clock.
    ///
    /// # Errors
    /// As [`Graph::open`]; also what keeps an interrupted write from being settled.
    pub async fn open_with_clock(uri: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        Box::pin(Self::open_for_writing(Storage::connect(uri)?, clock)).await
    }

    pub(super) async fn open_for_writing(storage: Storage, clock: Arc<dyn Clock>) -> Result<Self> {
        check_has_manifest(&storage).await?;
        let writer = new_writer(storage.clone(), clock);
        // The schema files are read after it is known that nobody was replacing them. The manifest need not wait for either.
        let files = async {
            let is_settled = is_settled(&storage).await?;
            Ok::<_, Error>((is_settled, recovery::accepted_texts(&storage).await?))
        };
        let (manifest, files) = futures::join!(manifest::migrate(&storage), files);
        let stamp = manifest::stamp(&manifest?);
        let (is_settled, mut texts) = files?;
        if !is_settled {
            settle(&writer).await?;
            texts = recovery::accepted_texts(&storage).await?;
        }
        check_has_source(&storage, &texts)?;
        if texts.ir.is_none() && texts.state.is_none() {
            recovery::write_derived(&writer, &check_schema(&storage, &texts).await?).await?;
            texts = recovery::accepted_texts(&storage).await?;
        }
        Self::assemble(storage, texts, stamp, Some(writer)).await
    }

    /// What writes need.
    ///
    /// # Errors
    /// [`OpenError::ReadOnly`] if the graph was opened for reading.
    pub(crate) fn writer(&self) -> Result<&Writer> {
        let path = || self.uri().to_owned();
        self.inner.writer.as_ref().ok_or_else(|| OpenError::ReadOnly { path: path() }.into())
    }

    /// What writes need, if the schema is still the one that this handle knows. Comments and white space of its source may
    /// change.
    ///
    /// # Errors
    /// As [`Graph::writer`]; [`OpenError::SchemaChanged`]; [`crate::schema::ContractError`] if the schema files disagree.
    pub(super) async fn ready_writer(&self) -> Result<&Writer> {
        let writer = self.writer()?;
        let texts = recovery::accepted_texts(self.storage()).await?;
        if texts != self.inner.texts && check_schema(self.storage(), &texts).await?.hash() != self.schema().hash() {
            return Err(OpenError::SchemaChanged { path: self.uri().to_owned() }.into());
        }
        Ok(writer)
    }

    /// Settles what other programs left as far as that needs no restore, and opens the graph anew: the result knows the schema
    /// as it is now. A graph that is only looked at is opened anew without settling anything.
    ///
    /// # Errors
    /// As [`Graph::open`]; also what keeps the sidecars from being read.
    pub async fn refresh(&self) -> Result<Self> {
        let Some(writer) = &self.inner.writer else { return Self::open_as_it_is(self.storage().clone(), None).await };
        recovery::heal(writer).await?;
        let writer = new_writer(writer.storage.clone(), writer.clock.clone());
        Self::open_as_it_is(self.storage().clone(), Some(writer)).await
    }

    /// Loads records into a branch: all of them, or none.
    ///
    /// # Errors
    /// [`crate::load::LoadError`] for data that breaks rules, [`crate::write::WriteError`], [`crate::manifest::PublishError`];
    /// nothing is stored unless the error says that the write was interrupted.
    pub async fn load(&self, request: LoadRequest, progress: &Progress) -> Result<Loaded> {
        let branch = request.branch.clone();
        let loaded = load::load(self.ready_writer().await?, self.schema().catalog(), request, progress).boxed().await;
        self.on_branch(&branch, loaded).await
    }

    /// Loads as [`Graph::load`] does, but stops after a step and leaves everything as a crash there would, for drills and
    /// demonstrations: the sidecar's operation, or none if the input had no record. Writes that were interrupted before stay as
    /// they are; the next real write or opening settles all of them.
    ///
    /// # Errors
    /// As [`Graph::load`].
    pub async fn rehearse_load(
        &self,
        request: LoadRequest,
        stop_at: StopAt,
        progress: &Progress,
    ) -> Result<Option<String>> {
        let Writer { storage, clock, .. } = self.ready_writer().await?;
        let writer = Writer { stop_at: Some(stop_at), ..new_writer(storage.clone(), clock.clone()) };
        match load::load(&writer, self.schema().catalog(), request, progress).boxed().await {
            Err(Error::Write(WriteError::Rehearsed { operation_id })) => Ok(Some(operation_id)),
            other => other.map(|_| None),
        }
    }

    /// Carries out a query that inserts, updates or deletes on a branch: all of its statements, or none. Rows that no statement
    /// matches make no commit.
    ///
    /// # Errors
    /// [`crate::mutate::MutateError`] for a text, parameters or rows that break rules; [`crate::write::WriteError::Stale`] if
    /// rows that statements chose from were changed meanwhile; else as [`Graph::load`].
    pub async fn mutate(&self, request: MutateRequest, progress: &Progress) -> Result<Mutated> {
        let branch = request.branch.clone();
        let done = mutate::mutate(self.ready_writer().await?, self.schema().catalog(), request, progress).boxed().await;
        self.on_branch(&branch, done).await
    }

    /// The result of a write, where a manifest that is missing is a branch that is missing.
    async fn on_branch<T>(&self, branch: &BranchName, result: Result<T>) -> Result<T> {
        match result {
            Err(error @ Error::Storage(StorageError::TableMissing { .. })) => {
                Err(self.unknown_or_broken(branch, error).await)
            }
            result => result,
        }
    }

    /// What opening this graph for writing would do first. Nothing is written.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`] if the manifest or the sidecars cannot be read.
    pub async fn pending(&self) -> Result<Pending> {
        let migration = manifest::plan_migration(self.storage()).await?;
        Ok(Pending { migration, recovery: self.recovery_plan().await? })
    }

    /// What recovery would do about every interrupted write, in order, each on the result of the former. Nothing is written.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`] if a manifest, a head or the sidecars cannot be read.
    pub async fn recovery_plan(&self) -> Result<RecoveryPlan> {
        recovery::plan_recovery(self.storage()).await
    }

    /// Carries a plan out on a graph, if everything is as it was when the plan was made. The graph need not be opened for
    /// writing: that would recover it without a plan.
    ///
    /// # Errors
    /// [`crate::recovery::RecoveryError::PlanOutdated`] with nothing done about that step, else what keeps a step from being
    /// carried out; [`crate::recovery::RecoveryError::Incomplete`] with what was done if it is not the first step.
    pub async fn recover(
        &self,
        plan: &RecoveryPlan,
        clock: Arc<dyn Clock>,
        progress: &Progress,
    ) -> Result<Vec<Recovered>> {
        manifest::migrate(self.storage()).await?;
        let writer = new_writer(self.storage().clone(), clock);
        recovery::recover(&writer, plan, progress).await
    }

    /// Moves the sidecar of this name (its file without `.json`) out of the graph, to a path that does not exist yet. Recovery does
    /// not know of that write any more; tables whose head is past their pin stay so. The graph need not be opened for writing:
    /// a sidecar that cannot be settled prevents that.
    ///
    /// # Errors
    /// [`crate::recovery::RecoveryError`] for a sidecar that is not there or of a write of this process that is under way, a path
    /// in the graph, or one that cannot be written; the sidecar is where it was then.
    pub async fn quarantine_sidecar(&self, name: &str, target: &Path) -> Result<()> {
        let writer = new_writer(self.storage().clone(), Arc::new(SystemClock::default()));
        recovery::quarantine(&writer, name, target).await
    }
}

impl Graph {
    /// Discards what is past the pin of a table without a sidecar that says whose it is: its rows are those that the branch shows,
    /// as a new version. None if nothing is past the pin. It is recorded by a commit and an audit row.
    ///
    /// # Errors
    /// [`OpenError::ReadOnly`]; [`crate::recovery::RecoveryError::NotAlone`]; [`WriteError::CoveredDrift`] if a sidecar says whose it
    /// is, [`WriteError::TableGone`] if the branch does not hold the table, [`WriteError::HeadBehindPin`].
    pub async fn restore_table(&self, branch: &BranchName, key: &TableKey) -> Result<Option<Recovered>> {
        let writer = self.ready_writer().await?;
        recovery::heal(writer).await?;
        let restored = Box::pin(discard_drift(writer, branch, key)).await;
        self.on_branch(branch, restored).await
    }
}

/// Whether nothing was left by whoever wrote before.
async fn is_settled(storage: &Storage) -> Result<bool> {
    let is_lost = is_lost(storage);
    let staged = async { Ok(recovery::staged_texts(storage).await?) };
    let (is_lost, staged, sidecars) = futures::try_join!(is_lost, staged, recovery::list_sidecars(storage))?;
    Ok(!is_lost && staged.is_empty() && sidecars.is_empty())
}

/// Settles what was left.
async fn settle(writer: &Writer) -> Result<()> {
    if is_lost(&writer.storage).await? {
        let _alone = writer.gates.soon_alone().await.ok_or(WriteError::Excluded)?;
        restart_history(&writer.storage, &*writer.clock).await?;
    }
    let staged = recovery::settle_schema_files(writer).await?;
    recovery::sweep(writer, staged == StagedSchema::Promote, &Progress::none()).await?;
    Ok(())
}

fn new_writer(storage: Storage, clock: Arc<dyn Clock>) -> Writer {
    let gates = Gates::of(storage.location().root());
    Writer { storage, gates, clock, stop_at: None }
}
