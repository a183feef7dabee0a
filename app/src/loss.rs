//! What is lost with a branch: found out before it is deleted, and told to whoever decides.

use std::sync::Arc;

use stratigraph_engine::merge::Stranded;
use stratigraph_engine::recovery::SidecarFile;
use stratigraph_engine::{Branch, BranchName, Commit, CommitGraph, CommitId, Error, Graph, Progress};
use stratigraph_widgets::width::escape;

use crate::config::TimeDisplay;
use crate::message::chain;
use crate::summary::{Brief, Told};
use crate::tasks::blocking;
use crate::view::{grouped, moment};
use crate::walk::{merges_of, only_on};

/// Lost commits that are listed one by one.
const LISTED: usize = 10;

/// A branch to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// Its name.
    pub name: BranchName,
    /// Its head, as it was told.
    pub head: Option<CommitId>,
    /// Number of commits that are lost with it.
    pub lost: usize,
}

/// Everything that goes with a branch when it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The branch.
    pub doomed: Doomed,
    /// Its head.
    pub head: Option<Brief>,
    /// Branch it was made from.
    pub parent: Option<BranchName>,
    /// The first of the commits that are lost, newest first.
    pub lost: Vec<Told>,
    /// Commits of other branches that merged one of those.
    pub merges: usize,
    /// Tables it holds itself.
    pub owned: usize,
    /// Interrupted writes on it.
    pub pending: usize,
    /// Branches that were made from it, or from one of those, in an order in which they can be deleted: they forbid it.
    pub dependents: Vec<BranchName>,
    /// The merges that suffer, or why they cannot be found out.
    pub stranded: Result<Vec<Stranded>, String>,
    /// Why its commits cannot be read; none if they can.
    pub broken: Option<String>,
}

/// Finds out what deleting a branch loses.
///
/// # Errors
/// As [`Graph::branch`] and [`Graph::history`].
pub(crate) async fn find(graph: &Graph, name: &BranchName, progress: &Progress) -> Result<Loss, Error> {
    let branch = graph.branch(name).await?;
    let dependents = graph.branches_from(name).await?;
    let stranded = find_stranded(graph, &branch).await;
    let sidecars = graph.sidecars().await?;
    let history = graph.history(progress).await?;
    let lost = lost(name.clone(), Arc::clone(&history)).await?;
    let listed: Vec<&Commit> = lost.first.iter().collect();
    let on_it = |file: &&SidecarFile| file.readable().is_some_and(|sidecar| sidecar.branch() == *name);
    let head = branch.head.and_then(|head| history.get(head));
    Ok(Loss {
        doomed: Doomed { name: name.clone(), head: branch.head, lost: lost.count },
        head: head.map(|head| Brief::of(head, &history)),
        parent: branch.parent.clone(),
        merges: lost.merges,
        lost: Told::all(&listed, &history, graph, progress).await,
        owned: branch.owned_tables.len(),
        pending: sidecars.iter().filter(on_it).count(),
        dependents,
        stranded,
        broken: branch.broken,
    })
}

/// Finds out which merges suffer when a branch is deleted; the error says why they cannot be found out.
pub(crate) async fn find_stranded(graph: &Graph, branch: &Branch) -> Result<Vec<Stranded>, String> {
    if branch.broken.is_some() {
        return Err("it is broken".to_owned());
    }
    graph.stranded_by(&branch.name).await.map_err(|error| chain(&error).join(": "))
}

/// Tells the merges that suffer when a branch is deleted, each in a line.
pub(crate) fn stranded_lines(name: &BranchName, stranded: &Result<Vec<Stranded>, String>) -> Vec<String> {
    let name = escape(name.as_str());
    let stranded = match stranded {
        Ok(stranded) => stranded,
        Err(reason) => {
            let reason = escape(reason);
            return vec![format!("Which merges become impossible without {name} cannot be found out: {reason}")];
        }
    };
    let line = |Stranded { branches, base, older }: &Stranded| {
        let [left, right] = branches.each_ref().map(|name| escape(name.as_str()));
        match older {
            None => format!(
                "Without {name}, {left} and {right} cannot be merged any more, neither way: their last common commit {base} goes with it. \
                 Merge them first."
            ),
            Some(older) => format!(
                "Without {name}, a merge of {left} and {right} starts at {older} instead of {base} and may bring deleted rows back. Merge \
                 them first."
            ),
        }
    };
    stranded.iter().map(line).collect()
}

/// The commits that one branch alone stores.
struct Lost {
    /// The newest of them.
    first: Vec<Commit>,
    count: usize,
    merges: usize,
}

async fn lost(name: BranchName, history: Arc<CommitGraph>) -> Result<Lost, Error> {
    let work = move || {
        let lost = only_on(&history, &name);
        let first = lost.iter().take(LISTED).map(|commit| (*commit).clone()).collect();
        Lost { first, count: lost.len(), merges: merges_of(&history, &lost) }
    };
    blocking(work).await
}

impl Loss {
    /// Tells it in lines, the commits that are lost first; `arrow` stands between the branches of a merge.
    pub(crate) fn lines(&self, arrow: &str, time: TimeDisplay) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.head.as_ref().map(|head| format!("Its head is {}, {}.", head.short_id, head.made_by(time))));
        lines.extend(self.lost_lines(arrow, time));
        lines.extend(match self.merges {
            0 => None,
            1 => Some("A commit elsewhere merged one of them: its merged parent will be missing.".to_owned()),
            count => {
                Some(format!("{count} commits elsewhere merged some of them: their merged parents will be missing."))
            }
        });
        lines.extend(match self.owned {
            0 => None,
            1 => Some("The versions of 1 table that it holds itself are removed.".to_owned()),
            count => Some(format!("The versions of {count} tables that it holds itself are removed.")),
        });
        lines.extend(match self.pending {
            0 => None,
            1 => Some(
                "1 interrupted write on it is pending: what it wrote goes with the branch unless it is settled first."
                    .to_owned(),
            ),
            count => Some(format!(
                "{count} interrupted writes on it are pending: what they wrote goes with the branch unless they are settled \
                 first."
            )),
        });
        let stranded = stranded_lines(&self.doomed.name, &self.stranded);
        lines.extend(stranded.into_iter().map(|line| format!("! {line}")));
        lines
    }

    /// Tells the number of commits that are lost, and lists the first of them.
    fn lost_lines(&self, arrow: &str, time: TimeDisplay) -> Vec<String> {
        let all = self.doomed.lost;
        if let (0, Some(reason)) = (all, &self.broken) {
            return vec![format!("Which commits are lost cannot be found out: {}", escape(reason))];
        }
        let first = match all {
            0 => return vec!["No commit is lost: it has none of its own.".to_owned()],
            1 => "1 commit is on no other branch and is lost:".to_owned(),
            count => format!("{} commits are on no other branch and are lost:", grouped(count as u64)),
        };
        let more = all.saturating_sub(self.lost.len());
        let more = (more > 0).then(|| format!("and {} more", grouped(more as u64)));
        std::iter::once(first).chain(self.lost.iter().map(|told| commit_line(told, arrow, time))).chain(more).collect()
    }
}

/// `E5QXRC Person, dana, 2026-05-02`
fn commit_line(told: &Told, arrow: &str, time: TimeDisplay) -> String {
    let commit = &told.brief.commit;
    let summary = told.summary.text(arrow);
    let actor = commit.actor.as_deref().map_or_else(String::new, |actor| format!("{}, ", escape(actor)));
    let day = moment(commit.created_at_micros, time);
    let day = day.split(' ').next().unwrap_or_default();
    format!("{} {}, {actor}{day}", told.brief.short_id, escape(&summary))
}
