//! When interrupted writes are settled: all of them when a graph is opened for writing, those that can be published before a
//! write, and by a plan when an operator says so.

use super::act::{Recovered, act, refusal};
use super::plan::{RecoveryPlan, RecoveryStep, is_elsewhere, plan_now, plan_sound};
use super::soundness::record;
use super::{
    Decision, RecoveryError, Refusal, Sidecar, SidecarFile, list_sidecars, plan_schema_files, settle_schema_files,
};
use crate::error::Result;
use crate::id::TableKey;
use crate::progress::Progress;
use crate::schema::StagedSchema;
use crate::write::{Gate, Held, Writer};

/// Settles every sidecar, oldest first, each on the result of the former. Tables may be restored, so no other process may
/// write meanwhile. A sidecar whose tables cannot be looked at waits: whoever writes to them fails for the same reason.
///
/// # Errors
/// What is the matter with sidecars that are not to be settled, after all others were; what kept one from being settled;
/// [`RecoveryError::Incomplete`] if others were settled before.
pub(crate) async fn sweep(writer: &Writer, schema_promoted: bool, progress: &Progress) -> Result<Vec<Recovered>> {
    if list_sidecars(&writer.storage).await?.is_empty() {
        return Ok(Vec::new());
    }
    let _alone = writer.gates.soon_alone().await.ok_or(RecoveryError::NotAlone)?;
    // What another process had in flight is settled by now.
    let sidecars = list_sidecars(&writer.storage).await?;
    let mut done = Vec::with_capacity(sidecars.len());
    let settled = settle_all(writer, sidecars, schema_promoted, progress, &mut done).await;
    with_done(settled, done)
}

async fn settle_all(
    writer: &Writer,
    sidecars: Vec<SidecarFile>,
    schema_promoted: bool,
    progress: &Progress,
    done: &mut Vec<Recovered>,
) -> Result<()> {
    let total = sidecars.len() as u64;
    let mut refused = Refused::default();
    for (number, listed) in (0..).zip(sidecars) {
        progress.check()?;
        progress.advance(number, Some(total), "sidecars");
        // A write of this process that is at work is no interrupted one.
        if writer.gates.is_live(&listed.id) {
            continue;
        }
        let _held = hold(writer, &listed).await;
        // Its writer may have finished while its gates were waited for.
        let Some(file) = reread(writer, &listed.id).await? else { continue };
        let step = match plan_sound(&writer.storage, &file, schema_promoted).await {
            Err(error) if is_elsewhere(&error) => {
                waits(&file, &error);
                continue;
            }
            step => step?,
        };
        if step.decision.settles() {
            done.extend(act_or_wait(writer, &file, &step).await?);
        } else {
            refused.add(writer, &step);
        }
    }
    refused.told(writer)
}

/// Carries a step out; none if that fails by the branch or the tables of the write alone, which keeps nobody from writing elsewhere.
async fn act_or_wait(writer: &Writer, file: &SidecarFile, step: &RecoveryStep) -> Result<Option<Recovered>> {
    match act(writer, step).await {
        Err(error) if is_elsewhere(&error) => {
            waits(file, &error);
            Ok(None)
        }
        acted => acted.map(Some),
    }
}

fn waits(file: &SidecarFile, error: &crate::Error) {
    tracing::warn!("the interrupted write {} waits, because its branch or its tables cannot be used: {error}", file.id);
}

/// Sidecars that are not to be settled.
#[derive(Default)]
struct Refused {
    /// Those that block all writing.
    blocking: Vec<Refusal>,
    /// Those that wait for their own tables.
    waiting: Vec<Refusal>,
    /// Why the first of the others is not.
    other: Option<RecoveryError>,
}

impl Refused {
    fn add(&mut self, writer: &Writer, step: &RecoveryStep) {
        match refusal(writer, step) {
            RecoveryError::Blocked { refusals, .. } => self.blocking.extend(refusals),
            RecoveryError::Waiting { refusals } => self.waiting.extend(refusals),
            error if self.other.is_none() => self.other = Some(error),
            _ => {}
        }
    }

    fn told(self, writer: &Writer) -> Result<()> {
        if !self.blocking.is_empty() {
            let root = writer.storage.location().uri().to_owned();
            return Err(RecoveryError::Blocked { root, refusals: self.blocking }.into());
        }
        match self.other {
            Some(error) => Err(error.into()),
            None if self.waiting.is_empty() => Ok(()),
            None => Err(RecoveryError::Waiting { refusals: self.waiting }.into()),
        }
    }
}

/// What was done before a failure stays done, and is told with it.
fn with_done(settled: Result<()>, done: Vec<Recovered>) -> Result<Vec<Recovered>> {
    match settled {
        Ok(()) => Ok(done),
        Err(error) if done.is_empty() => Err(error),
        Err(error) => Err(RecoveryError::Incomplete { done, source: Box::new(error) }.into()),
    }
}

/// Whether there are sidecars that nobody of this process is at work with.
///
/// # Errors
/// If they cannot be listed.
pub(crate) async fn is_something_left(writer: &Writer) -> Result<bool> {
    if writer.stop_at.is_some() {
        return Ok(false);
    }
    Ok(list_sidecars(&writer.storage).await?.iter().any(|file| !writer.gates.is_live(&file.id)))
}

/// Settles the sidecars that need no restore, before a write. The others wait for the next opening.
///
/// # Errors
/// If the sidecars cannot be listed; [`RecoveryError::Blocked`] after the others were settled if some cannot be right: writing
/// would be blind.
pub(crate) async fn heal(writer: &Writer) -> Result<Vec<Recovered>> {
    if writer.stop_at.is_some() {
        // A rehearsal leaves interrupted writes, and those before it stay.
        return Ok(Vec::new());
    }
    let mut sidecars = list_sidecars(&writer.storage).await?;
    sidecars.retain(|file| !writer.gates.is_live(&file.id));
    if sidecars.is_empty() {
        return Ok(Vec::new());
    }
    // Another process that writes has sidecars of its own in flight: they are not ours to settle.
    let Some(_alone) = writer.gates.alone() else { return blocked(writer, &sidecars).map(|()| Vec::new()) };
    let (mut done, mut refused) = (Vec::new(), Refused::default());
    for listed in sidecars {
        let _held = hold(writer, &listed).await;
        let Some(file) = reread(writer, &listed.id).await? else { continue };
        let step = match plan_sound(&writer.storage, &file, false).await {
            Err(error) if is_elsewhere(&error) => {
                waits(&file, &error);
                continue;
            }
            step => step?,
        };
        match step.decision {
            Decision::Refuse | Decision::Wait if step.blocked.is_some() => refused.add(writer, &step),
            Decision::RollForward
            | Decision::StaleAfterSuccess
            | Decision::StaleAfterRollBack
            | Decision::Discard
            | Decision::OrphanedBranch => done.extend(act_or_wait(writer, &file, &step).await?),
            Decision::RollBack | Decision::Refuse | Decision::Wait => {
                tracing::warn!("the interrupted write {} waits for the graph to be opened for writing", step.id);
            }
        }
    }
    refused.told(writer)?;
    Ok(done)
}

/// Carries a plan out, if everything is still as it was when it was made.
///
/// # Errors
/// [`RecoveryError::PlanOutdated`] before the first step that is not as planned; otherwise as [`sweep`]. Steps that are refused are
/// passed over, and told at the end.
pub(crate) async fn recover(writer: &Writer, plan: &RecoveryPlan, progress: &Progress) -> Result<Vec<Recovered>> {
    let _alone = writer.gates.soon_alone().await.ok_or(RecoveryError::NotAlone)?;
    let present = list_sidecars(&writer.storage).await?;
    if let Some(new) = present.iter().find(|file| plan.steps.iter().all(|step| step.id != file.id)) {
        return Err(outdated(&new.id, "it is not part of the plan").into());
    }
    if plan_schema_files(&writer.storage).await? != plan.staged_schema {
        return Err(outdated("of the schema change", "its files are not as they were").into());
    }
    let promoted = settle_schema_files(writer).await? == StagedSchema::Promote;
    let mut done = Vec::with_capacity(plan.steps.len());
    let settled = carry_out(writer, plan, &present, promoted, progress, &mut done).await;
    with_done(settled, done)
}

async fn carry_out(
    writer: &Writer,
    plan: &RecoveryPlan,
    present: &[SidecarFile],
    schema_promoted: bool,
    progress: &Progress,
    done: &mut Vec<Recovered>,
) -> Result<()> {
    let mut refused = Refused::default();
    for (number, planned) in (0..).zip(&plan.steps) {
        progress.check()?;
        progress.advance(number, Some(plan.steps.len() as u64), "sidecars");
        let gone = || outdated(&planned.id, "it is gone");
        let listed = present.iter().find(|file| file.id == planned.id).ok_or_else(gone)?;
        if writer.gates.is_live(&listed.id) {
            return Err(outdated(&planned.id, "its writer is at work").into());
        }
        let _held = hold(writer, listed).await;
        let file = reread(writer, &planned.id).await?.ok_or_else(gone)?;
        let step = plan_now(&writer.storage, &file, schema_promoted).await?;
        if !same(&step, planned) {
            let what = format!("{:?} was planned, now it is {:?}", planned.decision, step.decision);
            return Err(outdated(&planned.id, &what).into());
        }
        if !step.decision.settles() {
            refused.add(writer, &step);
            continue;
        }
        match act(writer, &step).await {
            Err(error) if is_elsewhere(&error) => {
                let reason = format!("its branch or its tables cannot be used: {error}");
                refused.waiting.push(Refusal { id: step.id, reason });
            }
            acted => done.push(acted?),
        }
    }
    refused.told(writer)
}

fn outdated(id: &str, what: &str) -> RecoveryError {
    RecoveryError::PlanOutdated { id: id.to_owned(), what: what.to_owned() }
}

fn same(step: &RecoveryStep, planned: &RecoveryStep) -> bool {
    step.decision == planned.decision && step.tables == planned.tables && step.sidecar == planned.sidecar
}

/// A file that is no record may speak of any table: nothing may be written until a person has looked at it.
fn blocked(writer: &Writer, sidecars: &[SidecarFile]) -> Result<()> {
    let mut refused = Refused::default();
    let refusal = |file: &SidecarFile| Some(Refusal { id: file.id.clone(), reason: record(file).err()? });
    refused.blocking.extend(sidecars.iter().filter_map(refusal));
    refused.told(writer)
}

async fn hold(writer: &Writer, file: &SidecarFile) -> Held {
    let gates = file.readable().map(gates).unwrap_or_default();
    writer.gates.acquire(gates).await
}

fn gates(sidecar: &Sidecar) -> Vec<Gate> {
    let branch = sidecar.branch();
    let keys = sidecar.tables.iter().filter_map(|pin| pin.table_key.parse::<TableKey>().ok());
    keys.map(|key| Gate::Table(key, branch.clone())).collect()
}

async fn reread(writer: &Writer, id: &str) -> Result<Option<SidecarFile>> {
    super::sidecar::read_sidecar(&writer.storage, id).await
}
