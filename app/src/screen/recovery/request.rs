//! What the screen asks of a worker thread, and what comes back.

use std::path::PathBuf;

use futures::FutureExt;
use stratigraph_engine::graph::Pending;
use stratigraph_engine::recovery::{AuditRow, Recovered, RecoveryError, RecoveryPlan, SidecarFile};
use stratigraph_engine::{Error, ErrorKind, Graph};

use super::drift::{self, Drifted};
use crate::effect;
use crate::message::Failure;
use crate::tasks::TaskContext;

/// What a worker does for the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// List the sidecars and predict what a recovery would do about them.
    Observe,
    /// Find the tables whose head is not their pin, and that no sidecar explains.
    Drift,
    /// Read what was done about interrupted writes.
    Audit,
    /// Carry this out, if everything still is as it says.
    Sweep(Box<Pending>),
    /// Settle what can be settled without restoring a table; this is what was predicted.
    Heal(Box<RecoveryPlan>),
    /// Move a sidecar out of the graph.
    Quarantine {
        /// Its file's name without `.json`.
        id: String,
        /// What it held when that was agreed to.
        text: String,
        /// Where to.
        target: PathBuf,
    },
}

/// What a worker delivers.
#[derive(Debug)]
pub enum Reply {
    /// The sidecars and the prediction.
    Observed(Box<Observation>),
    /// The tables that no sidecar explains.
    Drift(Vec<Drifted>),
    /// What was done about interrupted writes, newest first.
    Audit(Vec<AuditRow>),
    /// The plan is not what would be done now: nothing was.
    Outdated(Box<Observation>),
    /// What a sweep did, up to the failure that ended it, if one did.
    Swept(Vec<Recovered>, Option<Failure>),
    /// What is recorded after a heal, and the sidecars that are left.
    Healed(Vec<AuditRow>, Vec<String>),
    /// The sidecar of this name lies there now.
    Quarantined(String, PathBuf),
}

/// The sidecars as they are, and what a recovery would do about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The files in the order in which a sweep takes them.
    pub files: Vec<SidecarFile>,
    /// What opening for writing would do first, or why that cannot be told.
    pub pending: Result<Pending, Failure>,
}

/// Carries out a request.
///
/// # Errors
/// Whatever the engine reports. That nothing can be predicted is part of an observation.
pub async fn run(request: Request, cx: TaskContext) -> Result<(), Failure> {
    let graph = &cx.graph()?;
    match request {
        Request::Observe => deliver(&cx, Reply::Observed(Box::new(observe(graph).boxed().await?))).await,
        Request::Drift => deliver(&cx, Reply::Drift(drift::find(graph, cx.progress()).boxed().await?)).await,
        Request::Audit => deliver(&cx, Reply::Audit(graph.audit().await?)).await,
        Request::Sweep(plan) => return sweep(graph, &plan, &cx).boxed().await,
        Request::Heal(plan) => return heal(graph, &plan, &cx).boxed().await,
        Request::Quarantine { id, text, target } => {
            let files = graph.sidecars().await?;
            if files.iter().find(|file| file.id == id).is_none_or(|file| file.text != text) {
                return Err(Failure::new(ErrorKind::Conflict, "the file is not what was shown; nothing was moved"));
            }
            graph.quarantine_sidecar(&id, &target).await?;
            deliver(&cx, Reply::Quarantined(id, target)).await;
        }
    }
    Ok(())
}

async fn deliver(cx: &TaskContext, reply: Reply) {
    cx.reply(effect::Reply::Recovery(reply)).await;
}

async fn observe(graph: &Graph) -> Result<Observation, Failure> {
    let files = graph.sidecars().await?;
    let pending = graph.pending().await.map_err(Failure::from);
    Ok(Observation { files, pending })
}

/// Observes again before anything is done; the engine does so once more before each step.
async fn sweep(graph: &Graph, plan: &Pending, cx: &TaskContext) -> Result<(), Failure> {
    let progress = cx.progress();
    progress.phase(1, 2, "observe again");
    let now = observe(graph).await?;
    if now.pending.as_ref() != Ok(plan) {
        deliver(cx, Reply::Outdated(Box::new(now))).await;
        return Ok(());
    }
    progress.check()?;
    progress.phase(2, 2, "settle");
    let clock = cx.clock();
    match Box::pin(graph.recover(&plan.recovery, clock, progress)).await {
        Ok(done) => deliver(cx, Reply::Swept(done, None)).await,
        Err(Error::Recovery(RecoveryError::PlanOutdated { .. })) => {
            deliver(cx, Reply::Outdated(Box::new(observe(graph).boxed().await?))).await;
        }
        Err(Error::Recovery(RecoveryError::Incomplete { done, source })) => {
            let failure = Failure::from(*source);
            deliver(cx, Reply::Swept(done, Some(failure.clone()))).await;
            return Err(failure);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The engine heals without saying what it did: the audit and what is left tell.
async fn heal(graph: &Graph, plan: &RecoveryPlan, cx: &TaskContext) -> Result<(), Failure> {
    let progress = cx.progress();
    progress.phase(1, 2, "observe again");
    let now = observe(graph).await?;
    if now.pending.as_ref().map(|pending| &pending.recovery) != Ok(plan) {
        deliver(cx, Reply::Outdated(Box::new(now))).await;
        return Ok(());
    }
    progress.check()?;
    progress.phase(2, 2, "settle");
    let healed = Box::pin(graph.refresh()).await;
    let left = graph.sidecars().await?.into_iter().map(|file| file.id).collect();
    deliver(cx, Reply::Healed(graph.audit().await?, left)).await;
    healed.map(drop).map_err(Failure::from)
}
