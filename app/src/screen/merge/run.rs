//! Carries out the screen's requests on a worker thread.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use stratigraph_engine::graph::{BranchError, Pending};
use stratigraph_engine::merge::{MergeDecisions, MergeError, MergeHeads};
use stratigraph_engine::recovery::Decision;
use stratigraph_engine::{At, BranchName, CommitGraph, CommitId, Error, ErrorKind, Graph, Progress};

use super::draft::{self, DraftKey};
use super::request::{Between, BranchLine, Done, End, Observed, Pair, Plan, Preview, Reply, Request};
use crate::config::state_directory;
use crate::effect;
use crate::message::Failure;
use crate::recovery;
use crate::tasks::TaskContext;
use crate::writing::{first_steps, refusal};

/// Time in which further choices are waited for before decisions are checked.
const PAUSE: Duration = Duration::from_millis(60);

/// Letters of an operation that tell it from others.
const SHORT: usize = 6;

/// Carries out a request.
///
/// # Errors
/// Whatever the engine reports, and files that cannot be written.
pub async fn run(request: Request, cx: TaskContext) -> Result<(), Failure> {
    match request {
        Request::Branches => branches(&cx).await,
        Request::Between(pair) => between(pair, &cx).await,
        Request::Preview { pair, look_ahead } => preview(pair, look_ahead, &cx).await,
        Request::Check(plan, decisions) => check(&plan, decisions, &cx).await,
        Request::Rows(plan, conflict) => {
            let rows = cx.graph()?.conflict_rows(engine(&plan)?, &conflict).await?;
            deliver(&cx, Reply::Rows(conflict, rows)).await
        }
        Request::Keep(key, decisions) => draft::keep(&key, &decisions),
        Request::Merge { plan, decisions, actor, draft } => merge(&plan, &decisions, actor, &draft, &cx).await,
        Request::DeleteSource(branch, head) => delete(branch, head, &cx).await,
    }
}

async fn deliver(cx: &TaskContext, reply: Reply) -> Result<(), Failure> {
    cx.reply(effect::Reply::Merge(reply)).await;
    Ok(())
}

fn engine(plan: &Plan) -> Result<&stratigraph_engine::merge::MergePlan, Error> {
    plan.engine().ok_or(Error::Cancelled)
}

async fn branches(cx: &TaskContext) -> Result<(), Failure> {
    let graph = &cx.graph()?;
    let history = graph.history(cx.progress()).await?;
    let line = |branch: stratigraph_engine::Branch| {
        let commit = branch.head.and_then(|head| history.get(head));
        BranchLine {
            name: branch.name,
            head: branch.head.map(|head| history.short_id(head)),
            created_at_micros: commit.map(|commit| commit.created_at_micros),
            actor: commit.and_then(|commit| commit.actor.clone()),
            broken: branch.broken,
        }
    };
    let lines = graph.branches().await?.into_iter().map(line).collect();
    deliver(cx, Reply::Branches(lines)).await
}

async fn between(pair: Pair, cx: &TaskContext) -> Result<(), Failure> {
    let history = cx.graph()?.history(cx.progress()).await?;
    let head = |branch: &BranchName| history.heads().get(branch).copied();
    let (Some(source), Some(target)) = (head(&pair.source), head(&pair.target)) else {
        let gone = if head(&pair.source).is_none() { &pair.source } else { &pair.target };
        return Err(Failure::new(ErrorKind::NotFound, format!("branch {gone} has no commit")));
    };
    let (of_source, of_target) = (history.ancestors(source), history.ancestors(target));
    let end = |id: CommitId, own: &HashSet<CommitId>, other: &HashSet<CommitId>| End {
        head: history.short_id(id),
        own: own.difference(other).count(),
        created_at_micros: created(&history, id),
    };
    let bases = history.merge_bases(source, target);
    let between = Between {
        source: end(source, &of_source, &of_target),
        target: end(target, &of_target, &of_source),
        bases: bases.into_iter().map(|id| (history.short_id(id), created(&history, id))).collect(),
        pair,
    };
    deliver(cx, Reply::Between(Box::new(between))).await
}

fn created(history: &CommitGraph, id: CommitId) -> i64 {
    history.get(id).map_or(0, |commit| commit.created_at_micros)
}

async fn preview(pair: Pair, look_ahead: bool, cx: &TaskContext) -> Result<(), Failure> {
    let graph = &cx.graph()?;
    // Before the plan: a head that moves meanwhile is then seen as moved, and not taken for the one that was planned for.
    let source_at = graph.resolve(&At::Branch(pair.source.clone())).await?;
    let target_at = graph.resolve(&At::Branch(pair.target.clone())).await?;
    let plan = graph.merge_plan(&pair.source, &pair.target, cx.progress()).await?;
    let pending = if look_ahead { Some(graph.pending().await?) } else { None };
    let history = graph.history(&Progress::none()).await?;
    let heads = plan.heads();
    let directory = state_directory().map(|directory| directory.join("drafts"));
    let mut key = DraftKey::new(directory, graph.uri().to_owned(), pair.clone(), heads);
    let merged = history.ancestors(heads.target);
    let is_done = |of: &MergeHeads| merged.contains(&of.source);
    let (kept, kept_failure) = match draft::find(&mut key, is_done) {
        Ok(kept) => (kept, None),
        Err(failure) => (None, Some(failure.sentence())),
    };
    let preview = Preview {
        outcome: plan.outcome(),
        heads,
        short: [heads.source, heads.target, heads.base].map(|id| history.short_id(id)),
        other_bases: plan.other_bases().iter().map(|id| history.short_id(*id)).collect(),
        unknown: plan.unknown_commits().iter().map(|id| history.short_id(*id)).collect(),
        versions: [source_at.version, target_at.version],
        tables: plan.tables().to_vec(),
        conflicts: plan.conflicts().to_vec(),
        first: pending.as_ref().map(first_lines).unwrap_or_default(),
        blocked_by: pending
            .as_ref()
            .and_then(|pending| refusal(&pending.recovery))
            .map(|step| recovery::tail(&step.id, SHORT).to_owned()),
        types: graph.schema().catalog().summaries().into(),
        catalog: Arc::new(graph.schema().catalog().clone()),
        draft: key,
        kept,
        kept_failure,
        pair,
        plan: Plan::new(plan),
    };
    deliver(cx, Reply::Preview(Box::new(preview))).await
}

/// What opening for writing does first; nothing if it only opens.
fn first_lines(pending: &Pending) -> Vec<String> {
    let is_nothing_done = pending.recovery.steps.iter().all(|step| step.decision == Decision::Wait);
    if is_nothing_done && pending.migration.is_none() {
        return Vec::new();
    }
    first_steps(pending, SHORT)
}

async fn check(plan: &Plan, decisions: Arc<MergeDecisions>, cx: &TaskContext) -> Result<(), Failure> {
    tokio::time::sleep(PAUSE).await;
    match cx.graph()?.merge_check(engine(plan)?, &decisions, cx.progress()).await {
        Ok(check) => deliver(cx, Reply::Checked(decisions, Box::new(check))).await,
        Err(Error::Merge(MergeError::Value { number, column, reason, .. })) => {
            let decision = number.saturating_sub(1);
            deliver(cx, Reply::Refused { of: decisions, decision, column, reason }).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn merge(
    plan: &Plan,
    decisions: &MergeDecisions,
    actor: Option<Arc<str>>,
    draft: &DraftKey,
    cx: &TaskContext,
) -> Result<(), Failure> {
    let graph = &cx.graph()?;
    let plan = engine(plan)?;
    let target = At::Branch(plan.target().clone());
    let before = graph.snapshot(&target).await?.entries;
    let before = before.into_values().map(|entry| (entry.key, entry.version.get())).collect();
    match Box::pin(graph.merge(plan, decisions, actor, cx.progress())).await {
        Ok(merged) => {
            let short = match &merged.written {
                Some(written) => {
                    let history = graph.history(&Progress::none()).await;
                    Some(history.map_or_else(|_| tail(written.commit), |history| history.short_id(written.commit)))
                }
                None => None,
            };
            deliver(cx, Reply::Merged(Box::new(Done { merged, short, before }))).await?;
            draft::forget(draft)
        }
        Err(Error::Merge(MergeError::Moved { what })) => {
            let lines = what.iter().map(|(branch, was, is)| moved_line(branch, *was, *is)).collect();
            deliver(cx, Reply::Moved(lines)).await
        }
        Err(error) => {
            let observed = observe(graph, &target).await;
            deliver(cx, Reply::Observed(observed)).await?;
            Err(error.into())
        }
    }
}

/// The end of an id, where the history cannot be asked for a unique one.
fn tail(id: CommitId) -> String {
    crate::recovery::tail(&id.to_string(), SHORT).to_owned()
}

fn moved_line(branch: &BranchName, was: CommitId, is: Option<CommitId>) -> String {
    match is {
        Some(is) if is == was => format!("{branch} shows another version than commit {} did", tail(was)),
        Some(is) => format!("{branch} moved from {} to {}", tail(was), tail(is)),
        None => format!("{branch}, which was at {}, is gone", tail(was)),
    }
}

async fn observe(graph: &Graph, target: &At) -> Observed {
    let words = |error: Error| Failure::from(error).sentence();
    Observed {
        head: graph.resolve(target).await.map(|position| position.commit).map_err(words),
        sidecars: graph.sidecars().await.map(|sidecars| sidecars.len()).map_err(words),
    }
}

/// Deletes the branch that was merged. Commits that it got meanwhile are not merged, so it stays with them.
async fn delete(branch: BranchName, head: CommitId, cx: &TaskContext) -> Result<(), Failure> {
    let graph = &cx.graph()?;
    match Box::pin(graph.delete_branch_at(&branch, Some(head))).await {
        Err(Error::Branch(BranchError::Moved { .. })) => {
            let what = format!("{branch} got commits after it was merged: it stays, merge it again");
            return Err(Failure::new(ErrorKind::Conflict, what));
        }
        done => done?,
    }
    deliver(cx, Reply::Deleted(branch)).await
}
