//! Large histories are freed by workers, whatever path they leave by.

use std::sync::{Arc, Weak};

use super::fixture::Bench;
use super::large::{asked, bench, id, log, unfiltered};
use crate::effect::Request as JobRequest;
use crate::job::JobId;
use crate::screen::ScreenRequest;
use crate::screen::history::ancestry::{Ancestry, Related};
use crate::screen::history::chart::{Chart, ChartSpec};
use crate::screen::history::log::CommitLog;
use crate::screen::history::{Former, INLINE, Reply, Request};

/// The screen after a refresh, cursor below the top, and its former history, which nothing in the test holds.
fn refreshed() -> (Bench, Weak<CommitLog>) {
    let former = log(INLINE + 10);
    let mut bench = bench(&former);
    bench.press("j j");
    asked(&mut bench);
    bench.press("r");
    bench.load_log(&log(INLINE + 13));
    let weak = Arc::downgrade(&former);
    (bench, weak)
}

/// Lets the workers finish what was asked: requests to free something take it along. Returns how many of them held `log`.
fn release(bench: &mut Bench, log: &Weak<CommitLog>) -> usize {
    let holds = |former: &Former| Arc::as_ptr(former.log()) == log.as_ptr();
    let releases = bench.requests().filter_map(|(_, request)| match request {
        Request::Release(former) => Some(former.iter().filter(|former| holds(former)).count()),
        _ => None,
    });
    let held = releases.sum();
    bench
        .asked
        .retain(|start| matches!(&start.request, JobRequest::Screen(ScreenRequest::History(Request::Release(_)))));
    assert_eq!(log.strong_count(), held, "nothing but requests to free it holds the history");
    bench.asked.clear();
    held
}

#[test]
fn a_history_that_was_replaced_and_counted_is_freed_by_a_worker() {
    let (mut bench, former) = refreshed();
    let (job, after) = bench
        .newest(|request| match request {
            Request::Count(_, after) => Some(Arc::clone(&after.0)),
            _ => None,
        })
        .expect("asked");
    bench.asked.clear();
    assert_eq!(former.strong_count(), 1, "it is kept until the new commits are counted");
    bench.reply(job, Reply::Counted(after, 3));
    assert_eq!(release(&mut bench, &former), 1);
}

#[test]
fn a_history_that_was_replaced_is_freed_by_a_worker_when_all_commits_were_seen() {
    for keys in ["g g", "ctrl-u"] {
        let (mut bench, former) = refreshed();
        bench.asked.clear();
        bench.press(keys);
        assert_eq!(release(&mut bench, &former), 1, "{keys}");
    }
}

#[test]
fn replies_that_come_too_late_are_freed_by_a_worker() {
    let replies: [fn(&Arc<CommitLog>, ChartSpec) -> Reply; 5] = [
        |log, spec| Reply::Partial(Arc::new(Chart::new(Arc::clone(log), spec))),
        |log, spec| Reply::Loaded(Arc::new(Chart::new(Arc::clone(log), spec))),
        |log, spec| Reply::Arranged(Arc::new(Chart::new(Arc::clone(log), spec))),
        |log, _| Reply::Counted(Arc::clone(log), 1),
        |log, _| Reply::Related(Related::new(log, Ancestry::Ancestors, id(1))),
    ];
    for (number, late) in replies.iter().enumerate() {
        let mut bench = bench(&log(INLINE + 10));
        bench.press("O");
        let job = bench.asked.last().expect("the layout is asked for").id;
        let other = log(INLINE + 5);
        let weak = Arc::downgrade(&other);
        let reply = late(&other, unfiltered());
        drop(other);
        // A whole history counts whichever read delivers it, so this one comes from a read that was replaced.
        let job = if matches!(reply, Reply::Loaded(_)) { JobId(job.0 + 1000) } else { job };
        bench.reply(job, reply);
        assert_eq!(release(&mut bench, &weak), 1, "reply {number}");
    }
}
