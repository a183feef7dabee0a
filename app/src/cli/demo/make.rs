//! The story, carried out by the engine: a graph like any other, whose times and ids come from the story.
//!
//! Branches do not wait for each other. Each is written through a handle with a clock of its own, so its ids do not depend on what
//! the others do meanwhile; where the story joins them, all are waited for.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Map;
use stratigraph_engine::clock::SetClock;
use stratigraph_engine::load::{Input, LoadRequest};
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{BranchName, CreateOptions, Error, Graph, Progress};
use tokio::task::JoinSet;

use super::story::{Change, SEED, Step, What, Write, beginning_micros, story};

/// The sample's schema.
const SCHEMA: &str = include_str!("../../../../assets/demo/company.pg");

/// Makes the sample graph in a folder. What is there after an error is not the sample.
///
/// # Errors
/// What the engine says; also if the work was asked to stop.
pub(super) async fn make(uri: &str, progress: &Progress) -> Result<(), Error> {
    let steps = story();
    progress.phase(1, 1, "make the sample graph");
    let clock = Arc::new(SetClock::new(beginning_micros(), SEED));
    Graph::create(uri, SCHEMA, &CreateOptions { clock: clock.clone(), ..CreateOptions::default() }).await?;
    let done = Arc::new(Done { steps: AtomicU64::new(0), total: steps.len() as u64, progress: progress.clone() });
    let mut maker = Maker { uri, hands: BTreeMap::new(), waiting: BTreeMap::new(), done };
    maker.hands.insert("main", Hand { graph: Graph::open_with_clock(uri, clock.clone()).await?, clock });
    let mut interrupted = false;
    for step in steps {
        match &step.what {
            // The first write after an interrupted one settles that, whose tables may be anybody's.
            What::Commit(write) if !interrupted => maker.waiting.entry(write.branch).or_default().push(step),
            what => {
                interrupted = match what {
                    What::Interrupt(..) => true,
                    What::Commit(_) | What::Reopen => false,
                    What::Fork { .. } | What::Delete { .. } => interrupted,
                };
                maker.catch_up().await?;
                Box::pin(maker.join(step)).await?;
            }
        }
    }
    maker.catch_up().await
}

/// How a branch is written to.
#[derive(Debug, Clone)]
struct Hand {
    graph: Graph,
    clock: Arc<SetClock>,
}

/// How far the whole is.
struct Done {
    steps: AtomicU64,
    total: u64,
    progress: Progress,
}

impl Done {
    fn one(&self) -> Result<(), Error> {
        let done = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        self.progress.advance(done, Some(self.total), "steps");
        self.progress.check()
    }
}

struct Maker<'a> {
    uri: &'a str,
    hands: BTreeMap<&'static str, Hand>,
    /// Commits of each branch that nobody has to wait for.
    waiting: BTreeMap<&'static str, Vec<Step>>,
    done: Arc<Done>,
}

impl Maker<'_> {
    fn hand(&self, branch: &str) -> Hand {
        self.hands.get(branch).cloned().expect("the story forks a branch before it writes to it")
    }

    /// Makes all commits that wait. Also after a failure nothing goes on in the background.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let mut running = JoinSet::new();
        for (branch, steps) in std::mem::take(&mut self.waiting) {
            let (hand, done) = (self.hand(branch), self.done.clone());
            running.spawn(async move {
                for step in steps {
                    Box::pin(take(&hand, step)).await?;
                    done.one()?;
                }
                Ok(())
            });
        }
        let mut result = Ok(());
        while let Some(finished) = running.join_next().await {
            result = result.and(finished.expect("a panic of the engine is one of the program"));
        }
        result
    }

    /// Takes a step that concerns more than one branch.
    async fn join(&mut self, step: Step) -> Result<(), Error> {
        match step.what {
            What::Fork { branch, from } => {
                self.hand(from).graph.create_branch(&name(branch), &name(from)).await?;
                let clock = Arc::new(SetClock::new(step.at_micros, SEED + self.hands.len() as u64));
                let graph = Graph::open_with_clock(self.uri, clock.clone()).await?;
                self.hands.insert(branch, Hand { graph, clock });
            }
            What::Delete { branch } => self.hand("main").graph.delete_branch(&name(branch)).await?,
            What::Reopen => {
                let Hand { clock, .. } = self.hand("main");
                clock.set(step.at_micros);
                drop(Graph::open_with_clock(self.uri, clock).await?);
            }
            What::Commit(Write { branch, .. }) | What::Interrupt(Write { branch, .. }, _) => {
                take(&self.hand(branch), step).await?;
            }
        }
        self.done.one()
    }
}

/// Writes to the branch of a hand.
async fn take(hand: &Hand, step: Step) -> Result<(), Error> {
    hand.clock.set(step.at_micros);
    let (write, stop_at) = match step.what {
        What::Commit(write) => (write, None),
        What::Interrupt(write, stop_at) => (write, Some(stop_at)),
        What::Fork { .. } | What::Delete { .. } | What::Reopen => return Ok(()),
    };
    let Write { branch, actor, change } = write;
    let (graph, branch, actor, silent) = (&hand.graph, name(branch), Some(actor.into()), Progress::none());
    match change {
        Change::Query(text) => {
            let request = MutateRequest { branch, actor, text: text.to_owned(), name: None, params: Map::new() };
            graph.mutate(request, &silent).await.map(drop)
        }
        Change::Load(mode, records) => {
            let input = Input { name: "the story".to_owned(), reader: Box::new(Cursor::new(records)) };
            let request = LoadRequest { mode, branch, actor, inputs: vec![input] };
            match stop_at {
                None => graph.load(request, &silent).await.map(drop),
                Some(stop_at) => graph.rehearse_load(request, stop_at, &silent).await.map(drop),
            }
        }
    }
}

fn name(branch: &str) -> BranchName {
    branch.parse().expect("the story names branches as branches may be named")
}
