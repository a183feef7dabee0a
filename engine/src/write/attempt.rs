//! Planning and running a write until no other process comes first.

use std::time::Duration;

use futures::future::BoxFuture;

use super::error::WriteError;
use super::gate::Gate;
use super::plan::WritePlan;
use super::run::{Writer, Written, run};
use crate::error::{Error, Result};
use crate::id::BranchName;
use crate::manifest::PublishError;
use crate::progress::Progress;
use crate::recovery;

/// How often a write is planned anew because another process came first, and the pause between.
const ATTEMPTS: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// Runs what `plan` says of the branch as it is now; none if that changes nothing. The gates are held meanwhile, and no other
/// process writes. A plan that another program has overtaken is made anew.
///
/// # Errors
/// Those of the plan and of the run; [`PublishError::Contended`] if others keep coming first.
pub(crate) async fn plan_and_run<'p>(
    writer: &Writer,
    branch: &BranchName,
    gates: &[Gate],
    progress: &Progress,
    plan: impl Fn() -> BoxFuture<'p, Result<WritePlan>>,
) -> Result<Option<Written>> {
    let mut is_healed = false;
    for _ in 0..ATTEMPTS {
        let held = writer.gates.acquire(gates.iter().cloned()).await;
        // Also what is only checked must stay as it is: nodes that edges need are no part of the write.
        let alone = writer.gates.soon_alone().await.ok_or(WriteError::Excluded)?;
        // The process that wrote until now may have left something, and while it was at work nothing was healed.
        if !is_healed && recovery::is_something_left(writer).await? {
            drop((held, alone));
            recovery::heal(writer).await?;
            is_healed = true;
            continue;
        }
        let plan = plan().await?;
        match Box::pin(run(writer, plan, held, progress)).await {
            Err(Error::Write(WriteError::Stale { .. } | WriteError::Busy { .. } | WriteError::ForkRaced { .. })) => {
                drop(alone);
                progress.check()?;
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
    Err(PublishError::Contended { branch: branch.clone(), attempts: ATTEMPTS }.into())
}
