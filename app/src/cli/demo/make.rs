//! The story, carried out by the engine: a graph like any other, whose times and ids come from the story.

use std::sync::Arc;

use stratigraph_engine::clock::SetClock;
use stratigraph_engine::load::{Input, LoadRequest};
use stratigraph_engine::{BranchName, CreateOptions, Error, Graph, Progress};

use super::story::{SEED, Step, What, Write, beginning_micros, story};

/// The sample's schema.
const SCHEMA: &str = include_str!("../../../../assets/demo/company.pg");

/// Makes the sample graph in a folder. What is there after an error is not the sample.
///
/// # Errors
/// What the engine says; also if the work was asked to stop.
pub(super) async fn make(uri: &str, progress: &Progress) -> Result<(), Error> {
    let steps = story();
    let clock = Arc::new(SetClock::new(beginning_micros(), SEED));
    progress.phase(1, 1, "make the sample graph");
    Graph::create(uri, SCHEMA, &CreateOptions { clock: clock.clone(), ..CreateOptions::default() }).await?;
    let mut graph = Graph::open_with_clock(uri, clock.clone()).await?;
    let total = steps.len() as u64;
    for (done, step) in (0..).zip(steps) {
        progress.check()?;
        progress.advance(done, Some(total), "steps");
        clock.set(step.at_micros);
        if step.what == What::Reopen {
            graph = Graph::open_with_clock(uri, clock.clone()).await?;
        }
        Box::pin(take(&graph, step)).await?;
    }
    progress.advance(total, Some(total), "steps");
    Ok(())
}

async fn take(graph: &Graph, step: Step) -> Result<(), Error> {
    match step.what {
        What::Fork { branch, from } => graph.create_branch(&name(branch), &name(from)).await,
        What::Delete { branch } => graph.delete_branch(&name(branch)).await,
        What::Commit(write) => graph.load(request(write), &Progress::none()).await.map(drop),
        What::Interrupt(write, stop_at) => {
            graph.rehearse_load(request(write), stop_at, &Progress::none()).await.map(drop)
        }
        What::Reopen => Ok(()),
    }
}

fn request(write: Write) -> LoadRequest {
    let Write { branch, actor, mode, records } = write;
    let input = Input { name: "the story".to_owned(), reader: Box::new(std::io::Cursor::new(records)) };
    LoadRequest { mode, branch: name(branch), actor: Some(actor.into()), inputs: vec![input] }
}

fn name(branch: &str) -> BranchName {
    branch.parse().expect("the story names branches as branches may be named")
}
