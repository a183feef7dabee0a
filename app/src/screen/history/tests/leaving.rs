//! What leaving the screen, and moving on, does to layouts and searches that workers make.

use std::sync::Arc;

use super::fixture::Bench;
use super::large::{asked, bench, log};
use crate::event::Event;
use crate::job::{JobId, JobStatus, JobUpdate};
use crate::screen::history::chart::{Chart, ChartSpec, Folding};
use crate::screen::history::search::find;
use crate::screen::history::{INLINE, Reply, Request};
use crate::screen::{Screen, ScreenId};

/// Tells the screen that all it asked for was cancelled, as leaving it does.
fn cancelled(bench: &mut Bench) {
    let jobs: Vec<JobId> = bench.asked.drain(..).map(|start| start.id).collect();
    for job in jobs {
        bench.event(Event::Job(job, JobUpdate::Ended(JobStatus::Cancelled)));
    }
    bench.asked.clear();
}

/// Ways to leave the screen and to come back: before and after its jobs heard of it.
const LEAVE: [fn(&mut Bench); 2] = [
    |bench| {
        bench.press("3");
        bench.asked.clear();
        bench.press("1");
    },
    |bench| {
        bench.press("3");
        cancelled(bench);
        bench.press("1");
    },
];

#[test]
fn a_layout_that_leaving_the_screen_cancelled_is_made_on_coming_back() {
    for leave in LEAVE {
        let mut bench = bench(&log(INLINE + 10));
        bench.press("f");
        bench.type_text("kind:merge");
        bench.press("enter");
        leave(&mut bench);
        let (job, (log, spec)) = bench
            .newest(|request| match request {
                Request::Arrange(log, spec) => Some((log.clone(), spec.clone())),
                _ => None,
            })
            .expect("asked again");
        bench.reply(job, Reply::Arranged(Arc::new(Chart::new(log.0, spec))));
        let chart = bench.state.screens.history.list.chart().unwrap();
        assert_eq!(chart.spec().filter, "kind:merge");
        bench.asked.clear();
        bench.press("3 1");
        assert!(!asked(&mut bench).contains(&"arrange"), "it is as it is wanted");
    }
}

/// A list without folds, in which `merge` was typed but not found yet.
fn seeking() -> Bench {
    let log = log(INLINE + 10);
    let mut bench = bench(&log);
    let spec = bench.state.screens.history.list.chart().unwrap().spec().clone();
    bench.press("O");
    let job = bench.asked.last().expect("the layout is asked for").id;
    let spec = ChartSpec { folding: Folding::all(!spec.folding.closed), ..spec };
    bench.reply(job, Reply::Arranged(Arc::new(Chart::new(log, spec))));
    bench.asked.clear();
    bench.press("/");
    bench.type_text("merge");
    bench.press("enter");
    bench
}

/// Answers the newest search; whether there was one.
fn find_matches(bench: &mut Bench) -> bool {
    let newest = bench.newest(|request| match request {
        Request::Search(chart, term) => Some(find(&chart.0, term)),
        _ => None,
    });
    let Some((job, found)) = newest else { return false };
    bench.reply(job, Reply::Found(found));
    true
}

#[test]
fn a_search_that_leaving_the_screen_cancelled_is_made_on_coming_back_and_moves_nothing() {
    for leave in LEAVE {
        let mut bench = seeking();
        let row = bench.state.screens.history.list.cursor().row;
        leave(&mut bench);
        assert!(find_matches(&mut bench), "asked again");
        let list = &bench.state.screens.history.list;
        assert!(!list.found.rows.is_empty() && list.found.place(row) == 0);
        assert_eq!(list.cursor().row, row, "the user came back to where the cursor was");
        bench.asked.clear();
        bench.press("3 1");
        assert!(!find_matches(&mut bench), "the matches are known");
    }
}

#[test]
fn a_search_that_ends_without_matches_or_is_overtaken_by_a_motion_moves_nothing() {
    let failure = crate::message::Failure::new(stratigraph_engine::ErrorKind::Internal, "no memory");
    for end in [JobStatus::Cancelled, JobStatus::Failed(failure)] {
        let mut bench = seeking();
        let job = bench.asked.last().expect("a search").id;
        bench.event(Event::Job(job, JobUpdate::Ended(end)));
        bench.press("r");
        bench.load_log(&log(INLINE + 13));
        let row = bench.state.screens.history.list.cursor().row;
        assert!(find_matches(&mut bench), "the new history is searched");
        assert_eq!(bench.state.screens.history.list.cursor().row, row);
    }
    let mut bench = seeking();
    bench.press("j");
    let row = bench.state.screens.history.list.cursor().row;
    assert!(find_matches(&mut bench));
    assert_eq!(bench.state.screens.history.list.cursor().row, row);
}

#[test]
fn matches_of_another_layout_are_not_shown() {
    let mut bench = seeking();
    assert!(find_matches(&mut bench));
    bench.press("r");
    bench.load_log(&log(INLINE + 13));
    assert!(bench.state.screens.history.list.found.rows.is_empty(), "they are rows of the former one");
    assert!(find_matches(&mut bench));
    assert!(!bench.state.screens.history.list.found.rows.is_empty());
}

#[test]
fn the_branch_of_a_commit_is_merged_into_another_one() {
    let mut bench = Bench::team((120, 30));
    bench.press("@");
    bench.type_text("feature/hiring");
    bench.press("enter");
    bench.press("m");
    let picture = bench.draw().join("\n");
    assert!(picture.contains("feature/hiring → main") && picture.contains("feature/hiring → budget"), "{picture}");
    assert!(!picture.contains("→ feature/hiring"), "not into itself");
    bench.press("enter");
    assert_eq!(bench.state.shared.screen, ScreenId::Merge);
    let place = bench.state.screens.merge.place(&bench.state.shared).expect("a place");
    assert!(place.text.contains("[choose]") && place.text.contains("feature/hiring → main"), "{}", place.text);
}
