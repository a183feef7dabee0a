//! The screen's requests on a real graph: what is told is what is there, and what moved is refused.

use std::path::PathBuf;

use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::{At, BranchName, CommitId, CreateOptions, ErrorKind, Graph, OpenMode, Progress};
use tokio::sync::mpsc;

use super::super::details::key;
use super::super::{Facts, Loaded, NewBranch, Reply, Request};
use super::stage::branch;
use crate::effect::{self, Start};
use crate::event::Event;
use crate::job::{JobId, JobStatus, JobUpdate, Lifetime, Slot};
use crate::loss::{Doomed, Loss};
use crate::screen::branches::LIST;
use crate::screen::history::chart::{ChartSpec, Folding};
use crate::screen::{ScreenId, ScreenRequest, history};
use crate::summary::Brief;
use crate::tasks::Tasks;
use crate::walk::Divergence;
use crate::writing::Mode;

const SLOT: Slot = Slot { screen: ScreenId::Branches, pane: LIST, kind: "test" };

/// A graph in a folder that goes with the test, and jobs on it.
struct Bench {
    folder: PathBuf,
    /// Another program at work on the same graph.
    other: Graph,
    tasks: Tasks,
    events: mpsc::Receiver<Event>,
    finished: mpsc::UnboundedReceiver<(Slot, JobId)>,
    last: u64,
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Bench {
    /// A graph whose main has a first commit and one more.
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("stratigraph-branches-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let uri = folder.join("crm").display().to_string();
        let schema = "node Person { name: String @key }\nnode City { name: String @key }\n";
        drop(Graph::create(&uri, schema, &CreateOptions::default()).await.expect("made"));
        let other = Graph::open(&uri, OpenMode::ReadWrite).await.expect("open");
        let (sender, events) = mpsc::channel(1024);
        let (tasks, finished) = Tasks::new(tokio::runtime::Handle::current(), sender);
        let mut bench = Self { folder, other, tasks, events, finished, last: 0 };
        bench.person("main", "Ada").await;
        let (_, status) = bench.carry_out(effect::Request::Open { uri, mode: Mode::Write }).await;
        assert_eq!(status, JobStatus::Succeeded);
        bench
    }

    /// The other program adds a person.
    async fn person(&mut self, on: &str, name: &str) {
        let text = format!("{}\n", serde_json::json!({"type": "Person", "data": {"name": name}}));
        let input = Input { name: "test".to_owned(), reader: Box::new(std::io::Cursor::new(text)) };
        let actor = Some("dana".into());
        let request = LoadRequest { mode: LoadMode::Append, branch: branch(on), actor, inputs: vec![input] };
        self.other.load(request, &Progress::none()).await.expect("loaded");
    }

    async fn carry_out(&mut self, request: effect::Request) -> (Vec<effect::Reply>, JobStatus) {
        self.last += 1;
        let id = JobId(self.last);
        self.tasks.start(Start { id, slot: SLOT, lifetime: Lifetime::Write, request });
        let mut replies = Vec::new();
        loop {
            match self.events.recv().await.expect("the job reports its end") {
                Event::Reply(found, reply) if found == id => replies.push(reply),
                Event::Job(found, JobUpdate::Ended(status)) if found == id => {
                    let (slot, id) = self.finished.recv().await.expect("it left");
                    self.tasks.left(slot, id);
                    return (replies, status);
                }
                _ => {}
            }
        }
    }

    /// The one reply to a request, or why there is none.
    async fn ask(&mut self, request: Request) -> Result<Reply, crate::message::Failure> {
        let request = effect::Request::Screen(ScreenRequest::Branches(request));
        match self.carry_out(request).await {
            (mut replies, JobStatus::Succeeded) => match (replies.pop(), replies.pop()) {
                (Some(effect::Reply::Branches(reply)), None) => Ok(reply),
                other => panic!("not one reply: {other:?}"),
            },
            (_, JobStatus::Failed(failure)) => Err(failure),
            (_, other) => panic!("{other:?}"),
        }
    }

    async fn load(&mut self) -> Loaded {
        match self.ask(Request::Load).await {
            Ok(Reply::Loaded(loaded)) => *loaded,
            other => panic!("{other:?}"),
        }
    }

    /// The commits that History labels with a branch.
    async fn labeled(&mut self, name: &str) -> Vec<CommitId> {
        let (filter, branches) = (String::new(), vec!["*".to_owned()]);
        let spec = ChartSpec { filter, now_micros: 0, branches, folding: Folding::all(false) };
        let request = ScreenRequest::History(history::Request::Load(spec, history::Preview::Nothing));
        let (mut replies, status) = self.carry_out(effect::Request::Screen(request)).await;
        assert_eq!(status, JobStatus::Succeeded);
        let Some(effect::Reply::History(history::Reply::Loaded(chart))) = replies.pop() else { panic!("no history") };
        let ids = chart.log().commits().iter().map(|commit| commit.id);
        ids.filter(|id| chart.log().labels(*id).contains(&branch(name))).collect()
    }

    async fn facts(&mut self, name: &str) -> Facts {
        let found = self.load().await.branches.into_iter().find(|facts| facts.branch.name.as_str() == name);
        found.expect("a branch")
    }

    async fn head(&mut self, name: &str) -> Brief {
        self.facts(name).await.head.expect("a head")
    }

    async fn loss(&mut self, name: &str) -> Loss {
        match self.ask(Request::Loss(branch(name))).await {
            Ok(Reply::Loss(loss)) => *loss,
            other => panic!("{other:?}"),
        }
    }

    /// Makes a branch at the head of another.
    async fn make(&mut self, name: &str, on: &str) {
        let start = self.head(on).await;
        let new = NewBranch { name: branch(name), at: At::Branch(branch(on)), start, head_of: Some(branch(on)) };
        assert!(matches!(self.ask(Request::Create(new.clone())).await, Ok(Reply::Created(made)) if made == new));
    }

    async fn names(&mut self) -> Vec<String> {
        self.load().await.branches.iter().map(|facts| facts.branch.name.to_string()).collect()
    }
}

#[tokio::test]
async fn branches_are_told_as_they_are() {
    let mut bench = Bench::new("told").await;
    bench.make("work", "main").await;
    let fork = bench.head("main").await;
    for (on, name) in [("work", "Bob"), ("work", "Cy"), ("main", "Dee")] {
        bench.person(on, name).await;
    }
    let (main, work) = (bench.facts("main").await, bench.facts("work").await);
    assert_eq!(work.fork.as_ref(), Some(&fork));
    assert_eq!((main.fork, work.pending), (None, 0));
    let heads = (work.branch.head.expect("a head"), main.branch.head.expect("a head"));
    let Ok(Reply::Counted(counted)) = bench.ask(Request::Count(vec![heads])).await else { panic!("not counted") };
    assert_eq!(counted, [(heads, Some(Divergence { ahead: 2, behind: 1 }))]);
    let Ok(Reply::Details(_, details)) = bench.ask(Request::Details(key(&work.branch))).await else {
        panic!("no details")
    };
    let owned: Vec<String> = details.owned.iter().map(|entry| format!("{} {}", entry.key, entry.rows)).collect();
    assert_eq!(owned, ["node:Person 3"]);
    assert_eq!(details.read_from, [(BranchName::main(), 1)].into());
    let recent: Vec<String> = details.recent.iter().map(|told| told.summary.text(" → ")).collect();
    assert_eq!(recent, ["Person", "Person", "Person", "graph created"]);
}

#[tokio::test]
async fn a_branch_starts_where_it_was_said() {
    let mut bench = Bench::new("starts").await;
    let first = bench.head("main").await;
    bench.person("main", "Bob").await;
    let find =
        |name: &str, text: &str| Request::Find { name: branch(name), text: text.to_owned(), on: BranchName::main() };
    let Ok(Reply::Found(typed, Ok(new))) = bench.ask(find("old", &first.short_id)).await else { panic!("not found") };
    assert_eq!(typed, format!("old from {}", first.short_id));
    assert_eq!((new.head_of.as_ref(), &new.at), (None, &At::Commit(first.commit.id)));
    assert!(bench.ask(Request::Create(*new)).await.is_ok());
    assert_eq!(bench.head("old").await, first);
    let Ok(Reply::Found(_, Ok(new))) = bench.ask(find("x", "old")).await else { panic!("not found") };
    assert_eq!((new.head_of, new.at), (Some(branch("old")), At::Branch(branch("old"))));
    let Ok(Reply::Found(_, Err(failure))) = bench.ask(find("x", "ZZZZZZ")).await else { panic!("found") };
    assert_eq!(failure.kind, ErrorKind::NotFound, "{failure:?}");
}

#[tokio::test]
async fn what_is_lost_is_told_and_nothing_else_goes() {
    let mut bench = Bench::new("lost").await;
    bench.make("work", "main").await;
    assert_eq!(bench.loss("work").await.doomed.lost, 0);
    for name in ["Bob", "Cy"] {
        bench.person("work", name).await;
    }
    bench.make("child", "work").await;
    assert_eq!(bench.loss("work").await.dependents, [branch("child")]);
    assert_eq!(bench.loss("child").await.doomed.lost, 0, "its commits are those of work");
    let child = bench.loss("child").await.doomed;
    assert!(bench.ask(Request::Delete(child)).await.is_ok());
    let loss = bench.loss("work").await;
    assert_eq!((loss.doomed.lost, loss.lost.len(), loss.merges, loss.owned), (2, 2, 0, 1));
    assert!(loss.dependents.is_empty());
    assert!(bench.ask(Request::Delete(loss.doomed.clone())).await.is_ok());
    assert_eq!(bench.names().await, ["main"]);
    let gone = bench.ask(Request::Delete(loss.doomed)).await.expect_err("it is gone");
    assert_eq!(gone.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn heads_that_moved_since_the_question_are_refused() {
    let mut bench = Bench::new("moved").await;
    bench.make("work", "main").await;
    let doomed = bench.loss("work").await.doomed;
    let start = bench.head("main").await;
    for on in ["work", "main"] {
        bench.person(on, "Bob").await;
    }
    let refused = bench.ask(Request::Delete(doomed.clone())).await.expect_err("it moved");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.summary().starts_with("branch `work` moved since you were asked: it was at "), "{refused:?}");
    let new = NewBranch { name: branch("new"), at: At::Branch(BranchName::main()), start, head_of: None };
    let refused = bench.ask(Request::Create(new)).await.expect_err("it moved");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(bench.names().await, ["main", "work"]);
    let head = bench.head("work").await.commit.id;
    assert!(bench.ask(Request::Delete(Doomed { head: Some(head), ..doomed })).await.is_ok());
}

/// Deleted and made again by another program within a moment: the numbers of its versions are the same again.
#[tokio::test]
async fn a_branch_that_was_made_again_is_told_as_the_new_one() {
    let mut bench = Bench::new("again").await;
    let mut seen = Vec::new();
    for name in ["Bob", "Cy"] {
        bench.other.create_branch(&branch("work"), &BranchName::main()).await.expect("made");
        bench.person("work", name).await;
        let facts = bench.facts("work").await;
        let Ok(Reply::Details(key, details)) = bench.ask(Request::Details(key(&facts.branch))).await else {
            panic!("no details")
        };
        let newest = details.recent.first().map(|told| told.brief.clone());
        assert_eq!(newest, facts.head, "the details are those of the branch that is there");
        let head = facts.branch.head.expect("it has a commit");
        assert_eq!(bench.labeled("work").await, [head], "History labels the commit that is there");
        seen.push((facts.branch.manifest_version, key, newest));
        bench.other.delete_branch(&branch("work")).await.expect("deleted");
    }
    let [(old_version, old_key, old_head), (version, key, head)] = seen.try_into().expect("two");
    assert_eq!(old_version, version, "the numbers do not tell the two apart");
    assert!(old_key != key && old_head != head, "{old_key:?} {key:?}");
}
