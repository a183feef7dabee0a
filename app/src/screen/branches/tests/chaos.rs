//! Random keys, replies in any order, heads that move and resizes: nothing panics and the cursor stays on a branch.

use proptest::prelude::*;
use stratigraph_engine::ErrorKind;

use super::super::{Loaded, Pending, Reply, Request};
use super::stage::{Stage, facts, heads, loaded, odd_names};
use super::writing::{loss, started_at_a_commit};
use crate::effect;
use crate::event::Event;
use crate::job::{JobId, JobStatus, JobUpdate};
use crate::message::Failure;
use crate::screen::ScreenRequest;

#[derive(Debug, Clone)]
enum Step {
    Keys(&'static str),
    Text(&'static str),
    Resize(u16, u16),
    Heads(u64),
    Interrupted(usize),
    /// What happens to one of the jobs asked for so far, over or not.
    Job(prop::sample::Index, u8),
}

const KEYS: [&str; 26] = [
    "j", "k", "G", "g g", "space", "u", "enter", "esc", "tab", "B", "D", "c", "t", "g h", "r", "n", "N", "y", "f", "/",
    "q", "2", "6", "e", "x", "z",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::sample::select(KEYS.as_slice()).prop_map(Step::Keys),
        2 => prop::sample::select(["hiring", "x from main", "new", "reorg"].as_slice()).prop_map(Step::Text),
        1 => (1u16..130, 1u16..40).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        1 => (40u64..44).prop_map(Step::Heads),
        1 => (0usize..5).prop_map(Step::Interrupted),
        8 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(job, kind)| Step::Job(job, kind)),
    ]
}

/// An answer to a request: of several, the one with this number.
fn reply_to(request: &Request, number: u8) -> Reply {
    match request {
        Request::Load => {
            let mut some = [loaded(), odd_names(), Loaded::default()][usize::from(number % 3)].clone();
            if number.is_multiple_of(2) {
                some.branches.push(facts("zz", None, 3, &[]));
            }
            Reply::Loaded(Box::new(some))
        }
        Request::Pending => Reply::Pending(Pending { on: [].into(), unreadable: usize::from(number) }),
        Request::Count(pairs) => Reply::Counted(pairs.iter().map(|pair| (*pair, None)).collect()),
        Request::Details(key) => Reply::Details(key.clone(), Box::default()),
        Request::Find { .. } if number.is_multiple_of(2) => {
            Reply::Found("x from y".to_owned(), Err(Failure::new(ErrorKind::NotFound, "no commit y")))
        }
        Request::Find { .. } => Reply::Found("x from y".to_owned(), Ok(Box::new(started_at_a_commit()))),
        Request::Loss(_) => Reply::Loss(Box::new(loss(usize::from(number)))),
        Request::Create(new) => Reply::Created(new.clone()),
        Request::Delete(doomed) => Reply::Deleted(doomed.clone()),
    }
}

fn job(stage: &mut Stage, id: JobId, number: u8) {
    let request = stage.starts.iter().find(|start| start.id == id).map(|start| start.request.clone());
    let failure = || Failure::new(ErrorKind::Unavailable, "the disk went away");
    match (number % 5, request) {
        (0, _) => stage.event(Event::Job(id, JobUpdate::Started)),
        (1, _) => stage.event(Event::Job(id, JobUpdate::Ended(JobStatus::Failed(failure())))),
        (2, _) => stage.event(Event::Job(id, JobUpdate::Ended(JobStatus::Cancelled))),
        (3, _) => stage.event(Event::Job(id, JobUpdate::Ended(JobStatus::Succeeded))),
        (_, Some(effect::Request::Screen(ScreenRequest::Branches(request)))) => {
            stage.event(Event::Reply(id, effect::Reply::Branches(reply_to(&request, number))));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_that_happens_panics_and_the_cursor_is_on_a_row(steps in prop::collection::vec(step(), 1..50)) {
        let mut stage = Stage::writing(100, 30);
        for step in steps {
            match step {
                Step::Keys(keys) => stage.keys(keys),
                Step::Text(text) => stage.text(text),
                Step::Resize(columns, rows) => stage.event(Event::Resize(columns, rows)),
                Step::Heads(version) => stage.event(Event::Heads(Ok(heads(version)))),
                Step::Interrupted(count) => stage.event(Event::Interrupted(Ok(crate::stage::interrupted(count)))),
                Step::Job(_, _) if stage.starts.is_empty() => {}
                Step::Job(index, number) => {
                    let id = index.get(&stage.starts).id;
                    job(&mut stage, id, number);
                }
            }
            let screen = &stage.state.screens.branches;
            prop_assert_eq!(screen.list.selected().is_some(), screen.list.len() > 0);
            let unknown = screen.list.marks.all().iter().find(|mark| screen.list.find(mark).is_none());
            prop_assert!(unknown.is_none(), "marks are branches: {:?}", unknown);
            let writes = stage.state.shared.jobs.active().filter(|job| job.lifetime == crate::job::Lifetime::Write);
            prop_assert!(writes.count() <= 1, "one write at a time");
        }
    }
}
