//! Carries out the screen's requests on a worker thread.

use std::sync::Arc;

use stratigraph_engine::graph::BranchError;
use stratigraph_engine::history::HistoryError;
use stratigraph_engine::recovery::SidecarFile;
use stratigraph_engine::{At, Branch, BranchName, Commit, CommitGraph, CommitId, Error, ErrorKind, Graph, Snapshot};

use super::request::{Details, DetailsKey, Facts, HeadPair, Loaded, NewBranch, Pending, Reply, Request};
use crate::effect;
use crate::loss::{self, Doomed, Loss};
use crate::message::Failure;
use crate::moved::Moved;
use crate::summary::{Brief, Told};
use crate::tasks::{TaskContext, blocking};
use crate::walk::divergence;

/// Last commits that the details show.
const RECENT: usize = 8;
/// Pairs of heads counted before something is delivered.
const PAIRS: usize = 32;

/// Carries out a request.
///
/// # Errors
/// Whatever the engine reports; `Conflict` if a branch moved since it was asked about.
pub async fn run(request: Request, cx: TaskContext) -> Result<(), Failure> {
    match request {
        Request::Load => {
            let loaded = load(&cx).await?;
            deliver(&cx, Reply::Loaded(Box::new(loaded))).await;
        }
        Request::Pending => {
            let sidecars = cx.graph()?.sidecars().await?;
            deliver(&cx, Reply::Pending(pending(&sidecars))).await;
        }
        Request::Count(pairs) => count(&pairs, &cx).await?,
        Request::Details(key) => {
            let details = details(&key, &cx).await?;
            deliver(&cx, Reply::Details(key, Box::new(details))).await;
        }
        Request::Find { name, text, on } => {
            let typed = format!("{name} from {text}");
            let found = find(name, &text, &on, &cx).await.map(Box::new);
            deliver(&cx, Reply::Found(typed, found)).await;
        }
        Request::Loss(branch) => {
            let loss = loss(&branch, &cx).await?;
            deliver(&cx, Reply::Loss(Box::new(loss))).await;
        }
        Request::Create(new) => {
            create(&new, &cx).await?;
            deliver(&cx, Reply::Created(new)).await;
        }
        Request::Delete(doomed) => {
            delete(&doomed, &cx).await?;
            deliver(&cx, Reply::Deleted(doomed)).await;
        }
    }
    Ok(())
}

async fn deliver(cx: &TaskContext, reply: Reply) {
    cx.reply(effect::Reply::Branches(reply)).await;
}

async fn load(cx: &TaskContext) -> Result<Loaded, Error> {
    let graph = &cx.graph()?;
    let branches = graph.branches().await?;
    // Read after the branches, so that it has their heads.
    let history = graph.history(cx.progress()).await?;
    let sidecars = graph.sidecars().await?;
    blocking(move || look(branches, &history, &sidecars)).await
}

/// Counts the interrupted writes of each branch.
fn pending(sidecars: &[SidecarFile]) -> Pending {
    let mut pending = Pending::default();
    for file in sidecars {
        match file.readable() {
            Some(sidecar) => *pending.on.entry(sidecar.branch()).or_default() += 1,
            None => pending.unreadable += 1,
        }
    }
    pending
}

/// Puts together what is known of each branch.
fn look(branches: Vec<Branch>, history: &CommitGraph, sidecars: &[SidecarFile]) -> Loaded {
    let Pending { mut on, unreadable } = pending(sidecars);
    let moved = Moved::of(&branches);
    let facts = branches.into_iter().map(|branch| Facts {
        head: branch.head.and_then(|head| brief(history, head)),
        fork: fork(&branch, history),
        pending: on.remove(&branch.name).unwrap_or(0),
        branch,
    });
    let branches = facts.collect();
    Loaded { branches, gone: on, unreadable, moved }
}

fn brief(history: &CommitGraph, id: CommitId) -> Option<Brief> {
    history.get(id).map(|commit| Brief::of(commit, history))
}

/// The commit a branch was made at: the newest of its chain that is not younger than the version it was made at.
fn fork(branch: &Branch, history: &CommitGraph) -> Option<Brief> {
    let (head, version) = branch.head.zip(branch.forked_at)?;
    let found = history.first_parents(head).find(|commit| commit.manifest_version <= version);
    found.map(|commit| Brief::of(commit, history))
}

async fn count(pairs: &[HeadPair], cx: &TaskContext) -> Result<(), Error> {
    let history = cx.graph()?.history(cx.progress()).await?;
    for (done, some) in pairs.chunks(PAIRS).enumerate() {
        cx.progress().check()?;
        cx.progress().advance((done * PAIRS) as u64, Some(pairs.len() as u64), "branches");
        let (history, some) = (Arc::clone(&history), some.to_vec());
        let work = move || some.into_iter().map(|pair| (pair, divergence(&history, pair.0, pair.1))).collect();
        deliver(cx, Reply::Counted(blocking(work).await?)).await;
    }
    Ok(())
}

async fn details(key: &DetailsKey, cx: &TaskContext) -> Result<Details, Error> {
    let graph = &cx.graph()?;
    let at = match key.version {
        Some(version) => At::Version { branch: key.branch.clone(), version },
        None => At::Branch(key.branch.clone()),
    };
    let mut details = holdings(graph.snapshot(&at).await?, &key.branch);
    let history = graph.history(cx.progress()).await?;
    let recent: Vec<&Commit> = key.head.into_iter().flat_map(|head| history.first_parents(head)).take(RECENT).collect();
    details.recent = Told::all(&recent, &history, graph, cx.progress()).await;
    Ok(details)
}

/// Which tables of a snapshot the branch holds itself, and how many it reads from others.
fn holdings(snapshot: Snapshot, branch: &BranchName) -> Details {
    let mut details = Details::default();
    for entry in snapshot.entries.into_values() {
        let holder = entry.lineage.clone().unwrap_or_else(BranchName::main);
        if holder == *branch {
            details.owned.push(entry);
        } else {
            *details.read_from.entry(holder).or_default() += 1;
        }
    }
    details
}

async fn find(name: BranchName, text: &str, on: &BranchName, cx: &TaskContext) -> Result<NewBranch, Failure> {
    let graph = &cx.graph()?;
    let at = At::parse_on(text, on).map_err(Error::from)?;
    let position = graph.resolve(&at).await?;
    let history = graph.history(cx.progress()).await?;
    let (branch, version) = (position.branch, position.version);
    let start = position.commit.and_then(|id| brief(&history, id));
    let start = start.ok_or_else(|| Error::from(BranchError::NoCommit { branch: branch.clone(), version }))?;
    let named = match &at {
        At::Branch(_) => true,
        At::Name { name, .. } => *name == branch.as_str(),
        At::Commit(_) | At::Version { .. } | At::Time { .. } => false,
    };
    let at = if named { At::Branch(branch.clone()) } else { At::Commit(start.commit.id) };
    Ok(NewBranch { name, at, start, head_of: position.is_head.then_some(branch) })
}

async fn loss(name: &BranchName, cx: &TaskContext) -> Result<Loss, Failure> {
    loss::find(&cx.graph()?, name, cx.progress()).await.map_err(|error| match error {
        Error::History(HistoryError::UnknownBranch { .. }) => {
            Failure::new(ErrorKind::NotFound, format!("branch `{name}` is gone already"))
        }
        error => Failure::from(error),
    })
}

async fn create(new: &NewBranch, cx: &TaskContext) -> Result<(), Failure> {
    let graph = &cx.graph()?;
    if let At::Branch(branch) = &new.at {
        expect_head(graph, branch, Some(new.start.commit.id), cx).await?;
    }
    Ok(graph.create_branch_at(&new.name, &new.at).await?)
}

async fn delete(doomed: &Doomed, cx: &TaskContext) -> Result<(), Failure> {
    let graph = &cx.graph()?;
    match graph.delete_branch_at(&doomed.name, doomed.head).await {
        Err(Error::Branch(BranchError::Moved { name, shown, found })) => {
            Err(moved(graph, &name, (shown, found), cx).await?)
        }
        done => Ok(done?),
    }
}

/// What is confirmed is what was shown: a head that moved since then is refused.
async fn expect_head(
    graph: &Graph,
    branch: &BranchName,
    shown: Option<CommitId>,
    cx: &TaskContext,
) -> Result<(), Failure> {
    let now = graph.resolve(&At::Branch(branch.clone())).await?.commit;
    if now == shown { Ok(()) } else { Err(moved(graph, branch, (shown, now), cx).await?) }
}

async fn moved(
    graph: &Graph,
    branch: &BranchName,
    (shown, now): (Option<CommitId>, Option<CommitId>),
    cx: &TaskContext,
) -> Result<Failure, Error> {
    let history = graph.history(cx.progress()).await?;
    let short = |id: Option<CommitId>| id.map_or_else(|| "no known commit".to_owned(), |id| history.short_id(id));
    let text = format!(
        "branch `{branch}` moved since you were asked: it was at {}, it is at {}; nothing was changed",
        short(shown),
        short(now)
    );
    Ok(Failure::new(ErrorKind::Conflict, text))
}
