//! Slots, cancellation, panics and the order of reports.

use std::sync::Arc;
use std::time::Duration;

use stratigraph_engine::ProgressEvent;
use tokio::sync::mpsc;

use super::*;
use crate::effect::Request;
use crate::screen::{PaneId, ScreenId};

const SLOT: Slot = Slot { screen: ScreenId::History, pane: PaneId("p"), kind: "read" };

/// What a job ended as, after the events up to its end.
async fn end_of(events: &mut mpsc::Receiver<Event>, id: JobId) -> JobStatus {
    loop {
        match events.recv().await.expect("the job reports its end") {
            Event::Job(found, JobUpdate::Ended(status)) if found == id => return status,
            _ => {}
        }
    }
}

fn start(id: u64, uri: &str) -> Start {
    Start {
        id: JobId(id),
        slot: SLOT,
        lifetime: Lifetime::Screen,
        request: Request::Open { uri: uri.to_owned(), mode: Mode::ReadOnly },
    }
}

#[tokio::test]
async fn a_graph_that_is_not_there_is_a_failed_job() {
    let (sender, mut events) = mpsc::channel(64);
    let (mut tasks, mut finished) = Tasks::new(tokio::runtime::Handle::current(), sender);
    tasks.start(start(1, "/nowhere/at/all"));
    assert!(matches!(end_of(&mut events, JobId(1)).await, JobStatus::Failed(_)));
    assert_eq!(finished.recv().await, Some((SLOT, JobId(1))));
}

#[tokio::test]
async fn a_newer_request_cancels_the_running_and_replaces_the_waiting_one() {
    let (sender, mut events) = mpsc::channel(64);
    let (mut tasks, mut finished) = Tasks::new(tokio::runtime::Handle::current(), sender);
    for id in 1..=3 {
        tasks.start(start(id, "/nowhere"));
    }
    let mut ends = Vec::new();
    for _ in 0..2 {
        loop {
            if let Some(Event::Job(id, JobUpdate::Ended(status))) = events.recv().await {
                ends.push((id, status));
                break;
            }
        }
    }
    ends.sort_by_key(|(id, _)| *id);
    assert_eq!(ends, [(JobId(1), JobStatus::Cancelled), (JobId(2), JobStatus::Cancelled)]);
    let (slot, id) = finished.recv().await.expect("the first job left");
    tasks.left(slot, id);
    assert!(matches!(end_of(&mut events, JobId(3)).await, JobStatus::Failed(_)));
}

#[tokio::test]
async fn a_waiting_job_can_be_cancelled() {
    let (sender, mut events) = mpsc::channel(64);
    let (mut tasks, _finished) = Tasks::new(tokio::runtime::Handle::current(), sender);
    tasks.start(start(1, "/nowhere"));
    tasks.start(start(2, "/nowhere"));
    tasks.cancel(JobId(2));
    assert_eq!(end_of(&mut events, JobId(2)).await, JobStatus::Cancelled);
}

#[test]
fn the_request_of_a_job_that_never_began_is_freed_by_a_worker() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().expect("a runtime");
    // The only worker is busy, so what it is to free is still there.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    runtime.spawn_blocking(move || wait.recv());
    let large = |id| {
        let batches: Arc<[arrow::array::RecordBatch]> = Arc::new([]);
        let weak = Arc::downgrade(&batches);
        let content = export::Content::Rows { name: String::new(), batches };
        let request = Request::Export {
            content,
            format: export::Format::Csv,
            path: "/nowhere/at/all".into(),
            existing: export::Existing::Ask,
        };
        (Start { id: JobId(id), slot: SLOT, lifetime: Lifetime::Screen, request }, weak)
    };
    let (sender, _events) = mpsc::channel(64);
    let (mut tasks, _finished) = Tasks::new(runtime.handle().clone(), sender);
    tasks.start(start(1, "/nowhere"));
    let ((replaced, first), (cancelled, second)) = (large(2), large(3));
    tasks.start(replaced);
    tasks.start(cancelled);
    tasks.cancel(JobId(3));
    assert_eq!((first.strong_count(), second.strong_count()), (1, 1), "the loop frees nothing");
    go_on.send(()).expect("the worker waits");
    // Ends when the worker has nothing more to do.
    runtime.block_on(runtime.spawn_blocking(|| ())).expect("nothing to panic");
    assert_eq!((first.strong_count(), second.strong_count()), (0, 0));
}

#[test]
fn a_panic_is_a_failure_with_its_message() {
    let panic = std::panic::catch_unwind(|| panic!("row {} is odd", 7)).expect_err("it panics");
    let JobStatus::Failed(failure) = status_of(Err(panic)) else { panic!("not failed") };
    assert_eq!(failure.kind, ErrorKind::Internal);
    assert_eq!(failure.chain.last().map(String::as_str), Some("row 7 is odd"));
}

#[tokio::test]
async fn progress_is_thinned_and_the_last_count_arrives_before_the_end() {
    let (sender, mut events) = mpsc::channel(64);
    let outbox = Outbox::new(JobId(1), sender);
    for done in 1..=1000 {
        outbox.progress(ProgressEvent::Advanced { done, total: Some(1000), unit: "rows" });
    }
    outbox.update(JobUpdate::Ended(JobStatus::Succeeded)).await;
    drop(outbox);
    let mut counts = Vec::new();
    let mut ended = false;
    while let Some(event) = events.recv().await {
        match event {
            Event::Job(_, JobUpdate::Progress(ProgressEvent::Advanced { done, .. })) => {
                assert!(!ended);
                counts.push(done);
            }
            Event::Job(_, JobUpdate::Ended(_)) => ended = true,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(ended && counts.len() < 10, "{} reports", counts.len());
    assert_eq!(counts.last(), Some(&1000));
}

#[tokio::test]
async fn a_full_queue_never_blocks_progress() {
    let (sender, mut events) = mpsc::channel(1);
    let outbox = Outbox::new(JobId(1), sender);
    let work = tokio::time::timeout(Duration::from_secs(5), async {
        for index in 1..=3 {
            outbox.progress(ProgressEvent::Message(format!("message {index}")));
        }
    });
    work.await.expect("progress never waits");
    let sending = tokio::spawn(async move { outbox.update(JobUpdate::Ended(JobStatus::Cancelled)).await });
    let mut said = Vec::new();
    while let Some(event) = events.recv().await {
        if let Event::Job(_, JobUpdate::Progress(ProgressEvent::Message(text))) = event {
            said.push(text);
        }
    }
    sending.await.expect("sent");
    assert_eq!(said, ["message 1", "message 2", "message 3"]);
}

#[tokio::test]
async fn a_phase_is_told_at_once_with_what_came_before_it() {
    let (sender, mut events) = mpsc::channel(64);
    let outbox = Outbox::new(JobId(1), sender);
    let phase = |name| ProgressEvent::Phase { index: 1, count: 3, name, cancellable: true };
    outbox.progress(phase("stage"));
    outbox.progress(ProgressEvent::Advanced { done: 1, total: None, unit: "tables" });
    outbox.progress(ProgressEvent::Advanced { done: 2, total: None, unit: "tables" });
    outbox.progress(phase("commit"));
    let mut told = Vec::new();
    while let Ok(Event::Job(_, JobUpdate::Progress(event))) = events.try_recv() {
        told.push(match event {
            ProgressEvent::Phase { name, .. } => name.to_owned(),
            ProgressEvent::Advanced { done, .. } => done.to_string(),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(told, ["stage", "2", "commit"]);
}
