//! The screen's requests on a real graph: what is predicted is done, and what cannot be done leaves everything as it was.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::recovery::Decision;
use stratigraph_engine::write::StopAt;
use stratigraph_engine::{BranchName, CreateOptions, ErrorKind, Graph, OpenMode, Progress};
use tokio::sync::mpsc;

use super::super::observed::Observed;
use super::super::outcome::{Actual, Outcome};
use super::super::request::{Observation, Reply, Request};
use super::super::{OBSERVE, Standing};
use crate::effect::{self, Start};
use crate::event::Event;
use crate::job::{JobId, JobStatus, JobUpdate, Lifetime};
use crate::screen::ScreenRequest;
use crate::tasks::Tasks;
use crate::writing::Mode;

const SCHEMA: &str = "
node Person { name: String @key }
node City { name: String @key }
";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("stratigraph-recovery-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn graph(&self) -> PathBuf {
        self.0.join("crm")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Jobs on an open graph.
struct Worker {
    tasks: Tasks,
    events: mpsc::Receiver<Event>,
    finished: mpsc::UnboundedReceiver<(crate::job::Slot, JobId)>,
    last: u64,
}

impl Worker {
    async fn open(graph: &Path, mode: Mode) -> Self {
        let (sender, events) = mpsc::channel(1024);
        let (tasks, finished) = Tasks::new(tokio::runtime::Handle::current(), sender);
        let mut worker = Self { tasks, events, finished, last: 0 };
        let uri = graph.display().to_string();
        let (_, status) = worker.carry_out(effect::Request::Open { uri, mode }).await;
        assert_eq!(status, JobStatus::Succeeded);
        worker
    }

    async fn carry_out(&mut self, request: effect::Request) -> (Vec<effect::Reply>, JobStatus) {
        self.last += 1;
        let id = JobId(self.last);
        self.tasks.start(Start { id, slot: OBSERVE, lifetime: Lifetime::Write, request });
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

    /// The one reply to a request of the screen, if there was one, and how the job ended.
    async fn ask(&mut self, request: Request) -> (Option<Reply>, JobStatus) {
        let (mut replies, status) = self.carry_out(effect::Request::Screen(ScreenRequest::Recovery(request))).await;
        assert!(replies.len() < 2, "{replies:?}");
        let reply = replies.pop().map(|reply| match reply {
            effect::Reply::Recovery(reply) => reply,
            other => panic!("{other:?}"),
        });
        (reply, status)
    }

    async fn observe(&mut self) -> Observation {
        match self.ask(Request::Observe).await {
            (Some(Reply::Observed(seen)), JobStatus::Succeeded) => *seen,
            other => panic!("{other:?}"),
        }
    }
}

/// A graph with a person and a city.
async fn graph(folder: &Folder) -> Graph {
    let uri = folder.graph().display().to_string();
    let graph = Graph::create(&uri, SCHEMA, &CreateOptions::default()).await.expect("made");
    drop(graph);
    let graph = Graph::open(&uri, OpenMode::ReadWrite).await.expect("open");
    graph.load(request("Ada"), &Progress::none()).await.expect("loaded");
    graph
}

fn request(name: &str) -> LoadRequest {
    let record = |kind| serde_json::json!({"type": kind, "data": {"name": name}});
    let text = format!("{}\n{}\n", record("Person"), record("City"));
    let input = Input { name: "test".to_owned(), reader: Box::new(std::io::Cursor::new(text)) };
    let actor = Some("dana".into());
    LoadRequest { mode: LoadMode::Merge, branch: BranchName::main(), actor, inputs: vec![input] }
}

async fn interrupt(graph: &Graph, name: &str, stop_at: StopAt) -> String {
    graph.rehearse_load(request(name), stop_at, &Progress::none()).await.expect("rehearsed").expect("a sidecar")
}

fn sidecar(folder: &Folder, id: &str) -> PathBuf {
    folder.graph().join("__recovery").join(format!("{id}.json"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_does_what_was_predicted_on_a_graph_open_for_reading() {
    let folder = Folder::new();
    for (stop_at, decision) in [
        (StopAt::Armed, Decision::Discard),
        (StopAt::FirstTable, Decision::RollBack),
        (StopAt::Applied, Decision::RollForward),
        (StopAt::Published, Decision::StaleAfterSuccess),
    ] {
        let made = if folder.graph().exists() {
            Graph::open(&folder.graph().display().to_string(), OpenMode::ReadWrite).await.expect("open")
        } else {
            graph(&folder).await
        };
        let id = interrupt(&made, &format!("{decision:?}"), stop_at).await;
        drop(made);
        let mut worker = Worker::open(&folder.graph(), Mode::ReadOnly).await;
        let seen = worker.observe().await;
        let pending = seen.pending.clone().expect("predicted");
        let (reply, status) = worker.ask(Request::Sweep(Box::new(pending.clone()))).await;
        let Some(Reply::Swept(done, None)) = reply else { panic!("{reply:?} {status:?}") };
        let outcome = Outcome::of_sweep(&pending.recovery, &done, None, 0);
        let [row] = &outcome.rows[..] else { panic!("{outcome:?}") };
        assert_eq!((row.id.as_str(), row.predicted, &row.differs), (id.as_str(), decision, &None));
        assert_eq!(row.actual, Actual::Done(decision));
        assert!(worker.observe().await.files.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_is_out_of_date_is_not_begun() {
    let folder = Folder::new();
    let made = graph(&folder).await;
    interrupt(&made, "Grace", StopAt::Armed).await;
    let mut worker = Worker::open(&folder.graph(), Mode::ReadOnly).await;
    let agreed = worker.observe().await.pending.expect("predicted");
    // The second one comes after the first, whose step alone would still be as it was planned.
    let second = interrupt(&made, "Linus", StopAt::Armed).await;
    let (reply, status) = worker.ask(Request::Sweep(Box::new(agreed.clone()))).await;
    let Some(Reply::Outdated(now)) = reply else { panic!("{reply:?} {status:?}") };
    let observed = Observed::new(*now, Some(&agreed.recovery), 0);
    let changed: Vec<(&str, bool)> =
        observed.entries.iter().map(|entry| (entry.id.as_str(), entry.changed.is_some())).collect();
    assert_eq!(changed.len(), 2);
    assert_eq!(changed[1], (second.as_str(), true));
    assert!(!changed[0].1, "{observed:?}");
    assert_eq!(worker.observe().await.files.len(), 2, "nothing was settled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heal_settles_what_needs_no_restore() {
    let folder = Folder::new();
    let made = graph(&folder).await;
    let mut worker = Worker::open(&folder.graph(), Mode::Write).await;
    let forward = interrupt(&made, "Grace", StopAt::Applied).await;
    let plan = worker.observe().await.pending.expect("predicted").recovery;
    let (reply, status) = worker.ask(Request::Heal(Box::new(plan.clone()))).await;
    let Some(Reply::Healed(audit, left)) = reply else { panic!("{reply:?} {status:?}") };
    let outcome = Outcome::of_heal(&plan, &audit, &left, 0);
    assert_eq!(outcome.rows[0].id, forward);
    assert_eq!(outcome.rows[0].actual, Actual::Recorded("RolledForward".to_owned()), "{outcome:?}");
    let back = interrupt(&made, "Linus", StopAt::FirstTable).await;
    let plan = worker.observe().await.pending.expect("predicted").recovery;
    let (reply, _) = worker.ask(Request::Heal(Box::new(plan.clone()))).await;
    let Some(Reply::Healed(audit, left)) = reply else { panic!("{reply:?}") };
    assert_eq!(left, [back]);
    assert_eq!(Outcome::of_heal(&plan, &audit, &left, 0).rows[0].actual, Actual::Waits);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_what_no_sidecar_explains() {
    let folder = Folder::new();
    let made = graph(&folder).await;
    let mut worker = Worker::open(&folder.graph(), Mode::ReadOnly).await;
    let drift = async |worker: &mut Worker| match worker.ask(Request::Drift).await {
        (Some(Reply::Drift(found)), JobStatus::Succeeded) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(drift(&mut worker).await, []);
    let id = interrupt(&made, "Grace", StopAt::FirstTable).await;
    assert_eq!(drift(&mut worker).await, [], "its sidecar explains it");
    std::fs::remove_file(sidecar(&folder, &id)).expect("removed");
    let found = drift(&mut worker).await;
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((one.entry.key.to_string().as_str(), one.branch.is_main()), ("node:City", true));
    let Standing::Past { head, operations } = &one.standing else { panic!("{one:?}") };
    assert_eq!(*head, one.entry.version.get() + 1);
    assert_eq!(operations.iter().map(|of| of.version).collect::<Vec<_>>(), [*head]);
    assert!(operations[0].operation.is_some(), "{operations:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_moves_only_if_it_is_the_one_that_was_shown() {
    let folder = Folder::new();
    drop(graph(&folder).await);
    let file = sidecar(&folder, "01KQKZ1000AAAAAAAAAAAABRKN");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(&file, "{").expect("written");
    let mut worker = Worker::open(&folder.graph(), Mode::ReadOnly).await;
    let target = folder.0.join("kept.json");
    let quarantine = |text: &str| Request::Quarantine {
        id: "01KQKZ1000AAAAAAAAAAAABRKN".to_owned(),
        text: text.to_owned(),
        target: target.clone(),
    };
    let (reply, status) = worker.ask(quarantine("{}")).await;
    assert!(reply.is_none() && file.exists() && !target.exists(), "{reply:?}");
    assert!(matches!(&status, JobStatus::Failed(failure) if failure.kind == ErrorKind::Conflict), "{status:?}");
    let (reply, _) = worker.ask(quarantine("{")).await;
    assert!(matches!(reply, Some(Reply::Quarantined(..))), "{reply:?}");
    assert_eq!(std::fs::read_to_string(&target).expect("there"), "{");
    assert!(!file.exists());
    Graph::open(&folder.graph().display().to_string(), OpenMode::ReadWrite).await.expect("nothing blocks any more");
}
