//! Reading the commits of all branches.
//!
//! Every branch has a lineage of `_graph_commits.lance` that inherits its parent's rows, so each file of rows is read once, by
//! whichever branch claims it first. Main is read before the others and from its newest file on, so that a screen can show the top of a
//! long history at once; the others are read side by side.
//!
//! A history that was read before is brought up to date: only branches that moved are opened, and only their new files are read. What could
//! not be read is read again, so a branch counts as read only as a whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{Stream, StreamExt};
use tokio_util::task::AbortOnDropHandle;

use super::actors::{NewActors, read_new_actors};
use super::lineage::{CommitRows, Greatest};
use super::recent::unreadable_actors;
use super::seen::SeenFiles;
use super::stamp::{BranchStamp, HistoryStamp, read_stamp};
use super::unrecorded::still_unrecorded;
use super::{Commit, CommitGraph, HistoryProblem};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{BranchName, CommitId, ManifestVersion};
use crate::manifest::{self, ChangeLog};
use crate::progress::Progress;
use crate::storage::{Storage, Table, names};

/// Files of rows read in one go: few for the first, so that the top of the history shows early.
const FIRST_FILES: usize = 32;
/// Files of rows read in one go after the first.
const FILES: usize = 512;
/// Branches read at the same time.
const PARALLEL_BRANCHES: usize = 16;
/// Rounds that may follow the first because a branch merged commits that another branch got while both were read.
const MORE_ROUNDS: usize = 3;

/// Carries out reads of branches side by side, and gives each result when it is there.
fn in_parallel<F: Future>(reads: Vec<F>) -> impl Stream<Item = F::Output> {
    futures::stream::iter(reads).buffer_unordered(PARALLEL_BRANCHES)
}

/// Commits as they are read, newest first inside a branch; actors are not joined yet.
#[derive(Debug, Clone)]
pub struct HistoryBatch {
    /// The commits of this batch, each delivered once.
    pub commits: Vec<Commit>,
}

/// A history with what is needed to bring it up to date.
#[derive(Debug)]
pub(crate) struct LoadedHistory {
    pub(crate) graph: Arc<CommitGraph>,
    stamp: HistoryStamp,
    branches: BTreeMap<BranchName, KnownBranch>,
    actor_files: SeenFiles,
    /// Actors of commits that are not read yet: a row about a commit may be read before the commit.
    actors: HashMap<CommitId, Arc<str>>,
}

/// What was read of one branch.
#[derive(Debug, Clone, Default)]
struct KnownBranch {
    greatest: Greatest,
    commit_files: SeenFiles,
    own_manifest_files: SeenFiles,
    /// Ids, as stored, of rows that are no commits.
    unreadable_rows: Vec<String>,
    /// Why the rest could not be read.
    problem: Option<HistoryProblem>,
}

impl LoadedHistory {
    /// Returns whether it shows the graph as it is, as far as that could be read.
    pub(crate) fn is_current(&self, stamp: &HistoryStamp) -> bool {
        // What could not be read may be readable the next time, and then the stamp is the same.
        let may_pass = |problem: &HistoryProblem| {
            matches!(problem, HistoryProblem::UnreadableBranch { .. } | HistoryProblem::UnreadableActors { .. })
        };
        self.stamp == *stamp && !self.graph.problems().iter().any(may_pass)
    }

    /// Returns what is known of a branch that is still the same one.
    fn branch(&self, name: &BranchName, stamp: &HistoryStamp) -> Option<&KnownBranch> {
        let is_same =
            |now: &BranchStamp| self.stamp.branches.get(name).is_some_and(|then| then.identity == now.identity);
        stamp.branches.get(name).filter(|now| is_same(now)).and(self.branches.get(name))
    }

    /// Returns whether nothing of a branch moved, and all of it could be read.
    fn is_unmoved(&self, name: &BranchName, stamp: &HistoryStamp) -> bool {
        let is_whole = self.branches.get(name).is_some_and(|known| known.problem.is_none());
        is_whole && self.stamp.branches.get(name) == stamp.branches.get(name)
    }
}

/// Reads commits, actors and per-version changes of every branch; `sink` sees the commits as they come. What is known of an earlier
/// state is kept as far as it still holds.
///
/// Whatever is missing or unreadable becomes a [`HistoryProblem`]; only being cancelled is an error.
pub(crate) async fn load_history(
    storage: &Storage,
    stamp: HistoryStamp,
    known: Option<Arc<LoadedHistory>>,
    progress: &Progress,
    mut sink: impl FnMut(HistoryBatch) + Send,
) -> Result<LoadedHistory> {
    let mut before = known.clone();
    let mut first_round = Loader::new(&stamp, known, &mut sink);
    first_round.show_known();
    let mut loaded = first_round.load(storage, stamp, progress).await?;
    for _ in 0..MORE_ROUNDS {
        if !has_new_gap(&loaded.graph, before.as_deref()) {
            break;
        }
        let Ok(stamp) = read_stamp(storage).await else { break };
        if stamp == loaded.stamp {
            break;
        }
        let earlier = Arc::new(loaded);
        loaded = Loader::new(&stamp, Some(earlier.clone()), &mut sink).load(storage, stamp, progress).await?;
        before = Some(earlier);
    }
    Ok(loaded)
}

/// Returns whether a parent is missing that was not missing before.
fn has_new_gap(graph: &CommitGraph, before: Option<&LoadedHistory>) -> bool {
    let known: HashSet<&HistoryProblem> = before.into_iter().flat_map(|before| before.graph.problems()).collect();
    let is_gap = |problem: &&HistoryProblem| matches!(problem, HistoryProblem::DanglingParent { .. });
    graph.problems().iter().filter(is_gap).any(|problem| !known.contains(problem))
}

/// Reads the whole history once, for a question that is about all of it.
///
/// # Errors
/// As [`load_history`].
pub(crate) async fn read_history(storage: &Storage) -> Result<Arc<CommitGraph>> {
    let stamp = read_stamp(storage).await?;
    Ok(load_history(storage, stamp, None, &Progress::none(), |_| ()).await?.graph)
}

/// A file of rows that one branch reads for all.
#[derive(Debug)]
enum Claim {
    /// The branch that reads it, or could not.
    Open(BranchName),
    /// Its greatest commit.
    Read(Greatest),
}

/// Files that somebody reads or has read.
type Claims = Arc<Mutex<HashMap<String, Claim>>>;

struct Loader<F> {
    known: Option<Arc<LoadedHistory>>,
    sink: F,
    commits: Vec<Commit>,
    ids: HashSet<CommitId>,
    /// Each branch name once, however many commits have it.
    names: HashSet<BranchName>,
    claims: Claims,
    /// Files of the branches that were read, in storage order.
    files: BTreeMap<BranchName, Vec<(u64, String)>>,
    branches: BTreeMap<BranchName, KnownBranch>,
    changes: BTreeMap<BranchName, ChangeLog>,
    actors: HashMap<CommitId, Arc<str>>,
    actor_problem: Option<HistoryProblem>,
}

impl<F: FnMut(HistoryBatch) + Send> Loader<F> {
    fn new(stamp: &HistoryStamp, known: Option<Arc<LoadedHistory>>, sink: F) -> Self {
        let mut loader = Self {
            known: known.clone(),
            sink,
            commits: Vec::new(),
            ids: HashSet::new(),
            names: HashSet::new(),
            claims: Claims::default(),
            files: BTreeMap::new(),
            branches: BTreeMap::new(),
            changes: BTreeMap::new(),
            actors: HashMap::new(),
            actor_problem: None,
        };
        let Some(known) = known else { return loader };
        for name in stamp.branches.keys() {
            if let Some(branch) = known.branch(name, stamp) {
                loader.branches.insert(name.clone(), KnownBranch { problem: None, ..branch.clone() });
                loader.changes.extend(known.graph.change_log(name).map(|log| (name.clone(), log.clone())));
            }
        }
        loader.commits = kept_commits(&known.graph, &loader.branches);
        loader.ids = loader.commits.iter().map(|commit| commit.id).collect();
        loader.names = loader.branches.keys().cloned().collect();
        loader.actors.clone_from(&known.actors);
        // A branch that cannot be read just now loses its commits, which come back when it can be read again.
        let gone = known.graph.commits().iter().filter(|commit| !loader.ids.contains(&commit.id));
        loader.actors.extend(gone.filter_map(|commit| Some((commit.id, commit.actor.clone()?))));
        loader
    }

    /// Shows the commits that need not be read.
    fn show_known(&mut self) {
        if self.known.is_some() {
            (self.sink)(HistoryBatch { commits: self.commits.clone() });
        }
    }

    async fn load(mut self, storage: &Storage, stamp: HistoryStamp, progress: &Progress) -> Result<LoadedHistory> {
        progress.phase(1, 3, "read commits");
        let unmoved = |name: &BranchName| self.known.as_ref().is_some_and(|known| known.is_unmoved(name, &stamp));
        let moved: Vec<BranchName> = stamp.branches.keys().filter(|name| !unmoved(name)).cloned().collect();
        self.read_commits(storage, &moved, progress).await?;
        progress.phase(2, 3, "read actors");
        let actor_files = self.read_actors(storage).await;
        progress.phase(3, 3, "read changes");
        self.read_changes(storage, &moved, progress).await?;
        progress.check()?;
        self.finish(storage, stamp, actor_files).await
    }

    async fn read_commits(&mut self, storage: &Storage, moved: &[BranchName], progress: &Progress) -> Result<()> {
        let (main, others): (Vec<_>, Vec<_>) = moved.iter().cloned().partition(BranchName::is_main);
        for main in main {
            match open_commits(storage.clone(), main.clone(), self.seen(&main), self.claims.clone()).await {
                Ok(opened) => self.read_main(main, opened, progress).await?,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.lose(&main, HistoryProblem::MissingDataset { name: names::COMMITS });
                }
                Err(error) => self.lose(&main, HistoryProblem::unreadable_branch(main.clone(), &error)),
            }
        }
        let reads = others.into_iter().map(|branch| {
            let (storage, seen, claims) = (storage.clone(), self.seen(&branch), self.claims.clone());
            async move {
                let read = spawned(read_branch(storage, branch.clone(), seen, claims)).await;
                (branch, read)
            }
        });
        let mut reads = std::pin::pin!(in_parallel(reads.collect()));
        while let Some((branch, read)) = reads.next().await {
            progress.check()?;
            match read {
                Ok((files, rows)) => {
                    self.begin(&branch, &files);
                    self.take_rows(&branch, rows, progress);
                    self.files.insert(branch, files);
                }
                Err(error) => self.lose(&branch, HistoryProblem::unreadable_branch(branch.clone(), &error)),
            }
        }
        self.find_heads();
        Ok(())
    }

    /// Reads main from its newest files back, up to those that cannot be read.
    async fn read_main(&mut self, main: BranchName, mut opened: OpenedCommits, progress: &Progress) -> Result<()> {
        self.begin(&main, &opened.files);
        let mut group = FIRST_FILES;
        while !opened.unread.is_empty() {
            progress.check()?;
            let newest = opened.unread.split_off(opened.unread.len().saturating_sub(group));
            match read_rows(&opened.table, newest, &self.claims).await {
                Ok(rows) => self.take_rows(&main, rows, progress),
                Err(error) => {
                    self.lose(&main, HistoryProblem::unreadable_branch(main.clone(), &error));
                    return Ok(());
                }
            }
            group = FILES;
        }
        self.files.insert(main, opened.files);
        Ok(())
    }

    fn seen(&self, branch: &BranchName) -> SeenFiles {
        self.branches.get(branch).map(|known| known.commit_files).unwrap_or_default()
    }

    /// Forgets what was known of files that are no longer there.
    fn begin(&mut self, branch: &BranchName, files: &[(u64, String)]) {
        let known = self.branches.entry(branch.clone()).or_default();
        if !known.commit_files.is_kept_by(files) {
            known.greatest = Greatest::default();
            known.unreadable_rows.clear();
        }
    }

    /// Notes why commits of a branch are not read. It has no head, and all of its files are read the next time.
    fn lose(&mut self, branch: &BranchName, problem: HistoryProblem) {
        let known = self.branches.entry(branch.clone()).or_default();
        *known = KnownBranch {
            own_manifest_files: known.own_manifest_files,
            problem: known.problem.take().or(Some(problem)),
            ..KnownBranch::default()
        };
    }

    fn take_rows(&mut self, branch: &BranchName, rows: CommitRows, progress: &Progress) {
        let known = self.branches.entry(branch.clone()).or_default();
        known.unreadable_rows.extend(rows.unreadable.into_iter().map(|row| row.id));
        let mut fresh = rows.commits;
        fresh.retain(|commit| self.ids.insert(commit.id));
        fresh.sort_by_key(|commit| std::cmp::Reverse(commit.head_order()));
        for commit in &mut fresh {
            match self.names.get(&commit.branch) {
                Some(name) => commit.branch = name.clone(),
                None => drop(self.names.insert(commit.branch.clone())),
            }
        }
        self.commits.extend(fresh.iter().cloned());
        (self.sink)(HistoryBatch { commits: fresh });
        progress.advance(self.commits.len() as u64, None, "commits");
    }

    /// Finds the heads of the branches that were read, now that every file is. One whose files another branch could not read for it has
    /// none.
    fn find_heads(&mut self) {
        let claims = std::mem::take(&mut *self.claims.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, files) in std::mem::take(&mut self.files) {
            let unread = self.seen(&name).unread(&files);
            if let Some(reader) = files[unread].iter().find_map(|(_, file)| claims.get(file)?.failed()) {
                let problem = self.branches.get(reader).and_then(|reader| reader.problem.as_ref());
                let problem = problem.expect("BUG: who could not read a file has a problem").of(&name);
                self.lose(&name, problem);
                continue;
            }
            let known = self.branches.entry(name).or_default();
            let read = files.iter().filter_map(|(_, file)| claims.get(file)?.greatest());
            known.greatest = read.fold(known.greatest, Greatest::join);
            known.commit_files = SeenFiles::of(&files);
        }
    }

    async fn read_actors(&mut self, storage: &Storage) -> SeenFiles {
        let seen = self.known.as_ref().map(|known| known.actor_files).unwrap_or_default();
        let files = match read_new_actors(storage, &seen).await {
            Ok(NewActors { of, files }) => {
                self.actors.extend(of);
                files
            }
            Err(error) => {
                self.actor_problem = Some(unreadable_actors(&error));
                SeenFiles::default()
            }
        };
        for commit in &mut self.commits {
            if let Some(actor) = self.actors.remove(&commit.id) {
                commit.actor = Some(actor);
            }
        }
        files
    }

    async fn read_changes(&mut self, storage: &Storage, moved: &[BranchName], progress: &Progress) -> Result<()> {
        let reads = moved.iter().map(|name| {
            let seen = self.branches.get(name).map(|known| known.own_manifest_files).unwrap_or_default();
            let log = self.changes.get(name).cloned().unwrap_or_default();
            let (storage, name) = (storage.clone(), name.clone());
            async move {
                let read = spawned(read_change_log(storage, name.clone(), seen, log)).await;
                (name, read)
            }
        });
        let mut reads = std::pin::pin!(in_parallel(reads.collect()));
        while let Some((name, read)) = reads.next().await {
            progress.check()?;
            match read {
                Ok((log, files)) => {
                    self.changes.insert(name.clone(), log);
                    self.branches.entry(name).or_default().own_manifest_files = files;
                }
                Err(error) => self.unreadable(&name, &error),
            }
        }
        Ok(())
    }

    /// Notes why it is not known what the versions of a branch changed.
    fn unreadable(&mut self, branch: &BranchName, error: &Error) {
        let known = self.branches.entry(branch.clone()).or_default();
        known.problem.get_or_insert_with(|| HistoryProblem::unreadable_branch(branch.clone(), error));
    }

    async fn finish(self, storage: &Storage, stamp: HistoryStamp, actor_files: SeenFiles) -> Result<LoadedHistory> {
        let rows = self.branches.values().flat_map(|known| &known.unreadable_rows).cloned();
        let problems = rows.map(|id| HistoryProblem::UnreadableCommit { id });
        let problems = problems.chain(self.branches.values().filter_map(|known| known.problem.clone()));
        let problems = problems.chain(self.actor_problem).collect();
        let heads = self.branches.iter().filter_map(|(name, known)| Some((name.clone(), known.greatest.head()?.2)));
        let mut graph = CommitGraph::new(self.commits, heads.collect(), problems).with_changes(self.changes);
        let unrecorded = still_unrecorded(storage, graph.unrecorded_versions()).await;
        graph.add_problems(unrecorded);
        let (graph, branches, actors) = (Arc::new(graph), self.branches, self.actors);
        Ok(LoadedHistory { graph, stamp, branches, actor_files, actors })
    }
}

/// Returns the commits of a history that some branch still holds: those of branches that are still there, and what such branches
/// inherited. The others went with their branches, also where another branch took the name.
fn kept_commits(graph: &CommitGraph, branches: &BTreeMap<BranchName, KnownBranch>) -> Vec<Commit> {
    let heads = graph.heads().iter().filter(|(name, _)| branches.contains_key(*name));
    let mut inherited = HashSet::new();
    for (_, head) in heads {
        let chain = graph.first_parents(*head).take_while(|commit| inherited.insert(commit.id));
        chain.for_each(drop);
    }
    let is_kept = |commit: &&Commit| branches.contains_key(&commit.branch) || inherited.contains(&commit.id);
    graph.commits().iter().filter(is_kept).cloned().collect()
}

impl Claim {
    /// Returns the branch that could not read the file, once all have ended.
    fn failed(&self) -> Option<&BranchName> {
        match self {
            Self::Open(branch) => Some(branch),
            Self::Read(_) => None,
        }
    }

    fn greatest(&self) -> Option<Greatest> {
        match self {
            Self::Open(_) => None,
            Self::Read(greatest) => Some(*greatest),
        }
    }
}

/// The commits of a branch, opened.
struct OpenedCommits {
    table: Table,
    files: Vec<(u64, String)>,
    /// Positions of the files that nobody else reads, in storage order.
    unread: Vec<usize>,
}

async fn open_commits(storage: Storage, branch: BranchName, seen: SeenFiles, claims: Claims) -> Result<OpenedCommits> {
    let table = storage.open(names::COMMITS, branch.stored(), None).await?;
    let files = table.fragment_files();
    let mut claims = claims.lock().unwrap_or_else(PoisonError::into_inner);
    let unread = seen.unread(&files).filter(|&at| match claims.entry(files[at].1.clone()) {
        std::collections::hash_map::Entry::Occupied(_) => false,
        std::collections::hash_map::Entry::Vacant(free) => {
            free.insert(Claim::Open(branch.clone()));
            true
        }
    });
    let unread = unread.collect();
    drop(claims);
    Ok(OpenedCommits { table, files, unread })
}

/// Reads the files at some positions and notes the greatest commit of each.
async fn read_rows(table: &Table, positions: Vec<usize>, claims: &Claims) -> Result<CommitRows> {
    let files = table.fragment_files();
    let mut rows = CommitRows::default();
    for (position, file) in table.read_files(&CommitRows::default(), positions).await? {
        let read = Claim::Read(file.greatest());
        claims.lock().unwrap_or_else(PoisonError::into_inner).insert(files[position].1.clone(), read);
        rows.commits.extend(file.commits);
        rows.unreadable.extend(file.unreadable);
    }
    Ok(rows)
}

async fn read_branch(
    storage: Storage,
    branch: BranchName,
    seen: SeenFiles,
    claims: Claims,
) -> Result<(Vec<(u64, String)>, CommitRows)> {
    let opened = open_commits(storage, branch, seen, claims.clone()).await?;
    let rows = read_rows(&opened.table, opened.unread, &claims).await?;
    Ok((opened.files, rows))
}

/// Reads which tables the versions of a branch changed, from the files that the branch holds itself.
async fn read_change_log(
    storage: Storage,
    branch: BranchName,
    seen: SeenFiles,
    known: ChangeLog,
) -> Result<(ChangeLog, SeenFiles)> {
    let manifest = manifest::open(&storage, &branch, None).await?;
    let all = manifest.fragment_files();
    let own = manifest.own_files();
    let files: Vec<(u64, String)> = own.iter().map(|&at| all[at].clone()).collect();
    let unread = seen.unread(&files).map(|at| own[at]).collect();
    let written = manifest::read_written(&manifest, unread).await?;
    let known = if seen.is_kept_by(&files) { known } else { ChangeLog::default() };
    Ok((known.extended(written), SeenFiles::of(&files)))
}

/// Runs work on the runtime's threads; it is stopped if nobody waits for it any more.
pub(super) async fn spawned<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    match AbortOnDropHandle::new(tokio::spawn(work)).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::Cancelled),
    }
}

/// Versions that changed tables and that no commit records, each with its branch.
pub(super) type UnrecordedVersions = Vec<(BranchName, ManifestVersion)>;
