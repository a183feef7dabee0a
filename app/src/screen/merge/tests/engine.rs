//! The screen on a graph of its own, with the engine: from two branches to a commit, with several kinds of choices.

use std::path::PathBuf;
use std::time::Duration;

use futures::TryStreamExt;
use serde_json::json;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::merge::{ConflictKind, Side};
use stratigraph_engine::{At, CreateOptions, Graph, OpenMode, Progress, ReadOptions, Row};
use tokio::sync::mpsc;

use super::super::cells::Merged;
use super::super::{Ending, Step};
use super::stage::{branch, key};
use crate::config::Config;
use crate::effect::Effect;
use crate::event::{Event, Now};
use crate::job::{JobId, Slot};
use crate::keymap::parse_keys;
use crate::run::new_state;
use crate::state::State;
use crate::tasks::Tasks;
use crate::theme::Surroundings;
use crate::update::{handle, open_graph};

const SCHEMA: &str =
    "node Person { name: String @key  age: I32?  city: String?  @range(age, 0..150) }\nedge Knows: Person -> Person\n";

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stratigraph-merge-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn uri(&self) -> String {
        self.0.join("g").to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn person(name: &str, age: i64, city: &str) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\",\"age\":{age},\"city\":\"{city}\"}}}}\n")
}

async fn load(graph: &Graph, mode: LoadMode, to: &str, records: String) {
    let input = Input { name: "data.jsonl".to_owned(), reader: Box::new(std::io::Cursor::new(records)) };
    let request = LoadRequest { mode, branch: branch(to), actor: Some("act-test".into()), inputs: vec![input] };
    Box::pin(graph.load(request, &Progress::none())).await.expect("loaded");
}

/// Two branches that disagree about three persons.
async fn made(folder: &Folder) -> Graph {
    let uri = folder.uri();
    Box::pin(Graph::create(&uri, SCHEMA, &CreateOptions::default())).await.expect("created");
    let graph = Box::pin(Graph::open(&uri, OpenMode::ReadWrite)).await.expect("opened");
    let all = ["ada", "bob", "cyd", "dan"].map(|name| person(name, 30, "Oslo")).concat();
    load(&graph, LoadMode::Append, "main", all).await;
    Box::pin(graph.create_branch(&branch("review"), &branch("main"))).await.expect("made");
    let here = person("ada", 32, "Bergen") + &person("bob", 33, "Oslo") + &person("cyd", 34, "Oslo");
    load(&graph, LoadMode::Merge, "review", here).await;
    let there = person("ada", 31, "Oslo") + &person("bob", 30, "Rome") + &person("cyd", 35, "Oslo");
    load(&graph, LoadMode::Merge, "main", there).await;
    graph
}

/// The program with its tasks.
struct Bench {
    state: State,
    tasks: Tasks,
    events: mpsc::Receiver<Event>,
    left: mpsc::UnboundedReceiver<(Slot, JobId)>,
}

impl Bench {
    async fn new(uri: &str) -> Self {
        let now = Now { utc_micros: 1_777_713_243_000_000, elapsed: Duration::ZERO };
        let mut state = new_state(uri.to_owned(), Config::default(), Surroundings::default(), (120, 40), now);
        state.shared.writing.actor = Some("act-dana".to_owned());
        let (sender, events) = mpsc::channel(256);
        let (tasks, left) = Tasks::new(tokio::runtime::Handle::current(), sender);
        let effects = open_graph(&mut state);
        let mut bench = Self { state, tasks, events, left };
        bench.carry_out(effects);
        bench.settle().await;
        bench
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(start) => self.tasks.start(start),
                Effect::Cancel(id) => self.tasks.cancel(id),
                _ => {}
            }
        }
    }

    fn event(&mut self, event: Event) {
        let effects = handle(&mut self.state, event, Now::default());
        self.carry_out(effects);
        // No test writes drafts into the home of whoever runs it.
        if let Some(preview) = &mut self.state.screens.merge.preview {
            preview.draft.directory = None;
        }
    }

    /// Takes what the jobs say until none is left.
    async fn settle(&mut self) {
        while self.state.shared.jobs.active().next().is_some() {
            tokio::select! {
                Some(event) = self.events.recv() => self.event(event),
                Some((slot, id)) = self.left.recv() => self.tasks.left(slot, id),
            }
        }
    }

    async fn keys(&mut self, keys: &str) {
        for key in parse_keys(keys).expect("known keys") {
            self.event(Event::Key(key.event()));
            self.settle().await;
        }
    }

    async fn select(&mut self, id: &str) {
        self.select_of(id, ConflictKind::DivergentUpdate).await;
    }

    async fn select_of(&mut self, id: &str, kind: ConflictKind) {
        self.keys("g g").await;
        for _ in 0..20 {
            if self.state.screens.merge.tree.conflict().is_some_and(|it| it.key.id == id && it.key.kind == kind) {
                return;
            }
            self.keys("j").await;
        }
        panic!("no {kind} of {id}");
    }

    /// What is shown to become of the cells of the selected conflict's row.
    fn merged(&self) -> Vec<(String, Merged)> {
        self.state.screens.merge.lines().into_iter().map(|line| (line.name, line.merged)).collect()
    }
}

async fn people(graph: &Graph) -> Vec<String> {
    let snapshot = graph.snapshot(&At::Branch(branch("main"))).await.expect("a snapshot");
    let mut batches = graph.read(&snapshot, &key("node:Person"), &ReadOptions::default()).await.expect("rows");
    let mut found = Vec::new();
    while let Some(batch) = batches.try_next().await.expect("rows") {
        let columns = Row::columns_of(&batch);
        for at in 0..batch.num_rows() {
            let row = Row::from_batch(&columns, &batch, at);
            let cell = |name| row.get(name).map(ToString::to_string).unwrap_or_default();
            found.push(format!("{} {} {}", cell("name"), cell("age"), cell("city")));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_are_merged_with_choices_by_cell_by_value_and_by_side() {
    let folder = Folder::new("choices");
    let graph = made(&folder).await;
    let mut bench = Bench::new(&folder.uri()).await;
    bench.keys("4 enter enter").await;
    let screen = &bench.state.screens.merge;
    assert!(screen.refused.is_none(), "{:?}", screen.refused);
    assert_eq!(screen.preview.as_ref().map(|preview| preview.conflicts.len()), Some(3));
    bench.keys("tab enter").await;
    assert_eq!(bench.state.screens.merge.step, Step::Resolve);
    // A cell from each side.
    bench.select("ada").await;
    bench.keys("tab g g t").await;
    assert!(!bench.state.screens.merge.deciding.as_ref().expect("choices").is_settled());
    bench.keys("j s esc").await;
    // Each cell from the side that changed it.
    bench.select("bob").await;
    bench.keys("m").await;
    // First a value that is none, then another one.
    bench.select("cyd").await;
    bench.keys("tab g g i ctrl-u x enter").await;
    assert_eq!(bench.state.shared.overlays.len(), 1, "the line is there again with the reason");
    bench.keys("ctrl-u 7 7 enter esc").await;
    let screen = &bench.state.screens.merge;
    let deciding = screen.deciding.as_ref().expect("choices");
    assert!(deciding.is_settled(), "{:?} {:?}", deciding.check().open, deciding.list());
    let kinds: Vec<ConflictKind> = deciding.check().decided.iter().map(|(it, _)| it.key.kind).collect();
    assert_eq!(kinds, [ConflictKind::DivergentUpdate; 3]);
    // Opened for reading: it is asked about opening, then about nothing more.
    bench.keys("C y y").await;
    let Ending::Done(done) = &bench.state.screens.merge.ending else {
        panic!("{:?}", bench.state.screens.merge.ending)
    };
    let written = done.merged.written.as_ref().expect("a commit");
    assert_eq!(people(&graph).await, ["ada 31 Bergen", "bob 33 Rome", "cyd 77 Oslo", "dan 30 Oslo"]);
    let history = graph.history(&Progress::none()).await.expect("a history");
    let commit = history.get(written.commit).expect("the commit");
    assert_eq!((commit.parents().count(), commit.actor.as_deref()), (2, Some("act-dana")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_choice_broke_is_mended_in_the_row_that_the_choice_made() {
    let folder = Folder::new("broken");
    let graph = made(&folder).await;
    let mut bench = Bench::new(&folder.uri()).await;
    bench.keys("4 enter enter tab enter").await;
    bench.select("bob").await;
    bench.keys("m").await;
    bench.select("cyd").await;
    bench.keys("s").await;
    // A value of the right type that the schema forbids, and the city of the other side.
    bench.select("ada").await;
    bench.keys("tab g g i ctrl-u 9 0 0 enter j s esc").await;
    bench.select_of("ada", ConflictKind::ValueConstraintViolation).await;
    let cell = |name: &str, merged| (name.to_owned(), merged);
    let name = cell("name", Merged::Agreed);
    let city = cell("city", Merged::From(Side::Source));
    assert_eq!(bench.merged(), [cell("age", Merged::Written(json!(900))), city.clone(), name.clone()]);
    assert!(bench.state.screens.merge.lines()[0].is_wrong);
    // The line begins with what is wrong.
    bench.keys("tab g g i backspace backspace backspace 7 7 enter esc").await;
    assert!(!bench.state.screens.merge.lines()[0].is_wrong);
    let expected = [cell("age", Merged::Written(json!(77))), city, name];
    assert_eq!(bench.merged(), expected);
    bench.select("ada").await;
    assert_eq!(bench.merged(), expected, "the row is the same one, whichever conflict shows it");
    assert!(bench.state.screens.merge.deciding.as_ref().expect("choices").is_settled());
    bench.keys("C y y").await;
    assert!(matches!(bench.state.screens.merge.ending, Ending::Done(_)), "{:?}", bench.state.screens.merge.ending);
    assert_eq!(people(&graph).await, ["ada 77 Bergen", "bob 33 Rome", "cyd 34 Oslo", "dan 30 Oslo"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_between_preview_and_confirmation_is_caught_and_choices_stay() {
    let folder = Folder::new("moved");
    let graph = made(&folder).await;
    let mut bench = Bench::new(&folder.uri()).await;
    bench.keys("4 enter enter tab enter").await;
    bench.select("ada").await;
    bench.keys("s R k enter").await;
    bench.select("cyd").await;
    bench.keys("t").await;
    assert!(bench.state.screens.merge.deciding.as_ref().expect("choices").is_settled());
    load(&graph, LoadMode::Merge, "main", person("cyd", 90, "Oslo")).await;
    bench.keys("C y y").await;
    assert!(matches!(bench.state.screens.merge.ending, Ending::Moved(_)), "{:?}", bench.state.screens.merge.ending);
    assert_eq!(people(&graph).await, ["ada 31 Oslo", "bob 30 Rome", "cyd 90 Oslo", "dan 30 Oslo"]);
    bench.keys("r").await;
    let deciding = bench.state.screens.merge.deciding.as_ref().expect("choices");
    assert_eq!(deciding.check().stale.len(), 1, "the choice made for the former row of cyd");
    let open: Vec<&str> = deciding.check().open.iter().map(|conflict| conflict.key.id.as_str()).collect();
    assert_eq!(open, ["cyd"], "no rule decides what was decided by hand");
    bench.keys("enter").await;
    bench.select("cyd").await;
    bench.keys("t").await;
    assert!(bench.state.screens.merge.deciding.as_ref().expect("choices").is_settled());
    bench.keys("C y").await;
    assert!(matches!(bench.state.screens.merge.ending, Ending::Done(_)), "{:?}", bench.state.screens.merge.ending);
    assert_eq!(people(&graph).await, ["ada 32 Bergen", "bob 33 Oslo", "cyd 90 Oslo", "dan 30 Oslo"]);
}
