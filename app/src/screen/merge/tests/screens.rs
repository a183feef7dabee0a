//! The screen in three sizes and three looks. The dump tells styles apart, because no-color must show the same facts.

use stratigraph_engine::merge::{ConflictKind, MergeOutcome};
use stratigraph_engine::{ErrorKind, ProgressEvent};

use super::super::request::{Observed, Preview, Reply};
use super::ending::done;
use super::stage::{Stage, between, divergent, heads, preview};
use crate::event::Event;
use crate::job::{JobStatus, JobUpdate};
use crate::message::Failure;

const SIZES: [(u16, u16); 3] = [(120, 30), (80, 24), (40, 12)];

const UPDATE: ConflictKind = ConflictKind::DivergentUpdate;

/// Makes a stage of a size.
type Make = fn(u16, u16) -> Stage;

fn at_sizes(name: &str, make: Make, prepare: impl Fn(&mut Stage)) {
    for (columns, rows) in SIZES {
        let mut stage = make(columns, rows);
        prepare(&mut stage);
        stage.snapshot(name);
    }
}

#[test]
fn nothing_is_read_yet() {
    at_sizes("loading", Stage::new, |_| {});
}

#[test]
fn two_branches_are_chosen() {
    at_sizes("choose", Stage::choosing, |_| {});
    at_sizes("choose_between", Stage::choosing, |stage| stage.keys("tab tab"));
}

#[test]
fn a_target_that_did_nothing_since() {
    at_sizes("choose_fast_forward", Stage::choosing, |stage| {
        stage.keys("j tab tab");
        let between = between("prices", "main", 3, 0);
        stage.answer("last common commit", vec![Reply::Between(Box::new(between))]);
    });
}

#[test]
fn the_branches_are_compared() {
    at_sizes("preview_loading", Stage::choosing, |stage| stage.keys("enter enter"));
}

#[test]
fn the_branches_cannot_be_merged() {
    at_sizes("preview_failed", Stage::choosing, |stage| {
        stage.keys("enter enter");
        let failure = "people and main have no common commit: there is nothing to merge by";
        stage.fail("merge preview", Failure::new(ErrorKind::Conflict, failure));
    });
}

#[test]
fn a_preview_of_tables_and_conflicts() {
    at_sizes("preview", Stage::previewed, |_| {});
    at_sizes("preview_summary", Stage::previewed, |stage| stage.keys("tab"));
}

#[test]
fn a_preview_with_interrupted_writes_and_a_head_that_moved() {
    at_sizes("preview_moved", Stage::choosing, |stage| {
        stage.keys("enter enter");
        let step = "  1K9QX4  Load on main by dana: roll back".to_owned();
        let first = vec!["1 interrupted write is settled first:".to_owned(), step];
        let short = ["9GZ6N2", "AAAAAA"].map(str::to_owned).to_vec();
        let pending = Preview { first, other_bases: short, ..preview(Vec::new()) };
        stage.answer("merge preview", vec![Reply::Preview(Box::new(pending))]);
        stage.heads(&[("main", 7)]);
        stage.heads(&[("main", 8), ("people", 4)]);
        stage.keys("tab");
    });
}

#[test]
fn a_preview_of_histories_of_which_a_part_is_gone() {
    at_sizes("preview_unknown", Stage::choosing, |stage| {
        stage.keys("enter enter");
        let unknown = vec!["4RZ6N2".to_owned()];
        stage.answer("merge preview", vec![Reply::Preview(Box::new(Preview { unknown, ..preview(Vec::new()) }))]);
        stage.keys("tab");
    });
}

#[test]
fn nothing_to_merge() {
    at_sizes("preview_up_to_date", Stage::choosing, |stage| {
        stage.keys("enter enter");
        let mut current = Preview { outcome: MergeOutcome::AlreadyUpToDate, ..preview(Vec::new()) };
        current.tables.retain(|table| table.key.name.as_ref() == "Quiet");
        stage.answer("merge preview", vec![Reply::Preview(Box::new(current))]);
    });
}

#[test]
fn conflicts_with_choices_by_hand_and_by_rule() {
    at_sizes("resolve", Stage::resolving, |stage| {
        stage.select(UPDATE, "bob");
        stage.keys("space t");
        stage.select(UPDATE, "ada");
        stage.keys("s R k enter");
        stage.checked();
    });
}

#[test]
fn a_row_in_three_states() {
    at_sizes("row", Stage::resolving, |stage| {
        stage.select(UPDATE, "ada");
        stage.keys("tab g g t");
    });
    at_sizes("row_decided", Stage::resolving, |stage| {
        stage.select(UPDATE, "ada");
        stage.keys("tab g g t j s");
        stage.checked();
    });
}

#[test]
fn a_row_that_one_side_deleted() {
    at_sizes("row_deleted", Stage::resolving, |stage| {
        stage.select(ConflictKind::DeleteVsUpdate, "linus");
        stage.keys("tab");
    });
}

#[test]
fn an_edge_without_its_node() {
    at_sizes("orphan", Stage::resolving, |stage| {
        stage.select(ConflictKind::OrphanEdge, "w1");
        stage.keys("D");
        stage.checked();
    });
    at_sizes("orphan_related", Stage::resolving, |stage| {
        stage.select(ConflictKind::OrphanEdge, "w1");
        stage.keys("tab tab");
    });
}

#[test]
fn the_edges_of_a_node() {
    at_sizes("edges", Stage::resolving, |stage| {
        stage.select(ConflictKind::CardinalityViolation, "ada");
        stage.keys("tab g g D");
        stage.checked();
    });
}

#[test]
fn a_value_is_written_and_refused() {
    at_sizes("edit_refused", Stage::resolving, |stage| {
        stage.select(UPDATE, "bob");
        stage.keys("tab g g i ctrl-u");
        stage.text("many");
        stage.keys("enter");
    });
}

#[test]
fn all_choices_of_a_conflict() {
    at_sizes("choices", Stage::resolving, |stage| {
        stage.select(UPDATE, "ada");
        stage.keys("enter");
    });
}

#[test]
fn the_count_of_a_scope() {
    at_sizes("scope", Stage::resolving, |stage| {
        stage.select(UPDATE, "bob");
        stage.keys("t");
        stage.select(UPDATE, "ada");
        stage.keys("s R a");
    });
}

#[test]
fn a_filter_and_a_search() {
    at_sizes("resolve_filter", Stage::resolving, |stage| {
        stage.keys("f");
        stage.text("diver");
        stage.keys("enter /");
        stage.text("李");
        stage.keys("enter");
    });
}

#[test]
fn choices_that_hold_no_more() {
    at_sizes("stale", Stage::resolving, |stage| {
        stage.select(UPDATE, "bob");
        stage.keys("t r");
        let mut moved = preview(super::stage::conflicts());
        moved.conflicts[3].rows = "other rows".to_owned();
        stage.answer("merge preview", vec![Reply::Preview(Box::new(moved))]);
        stage.checked();
        stage.keys("G");
    });
}

#[test]
fn the_question_before_the_merge() {
    let settled = |columns, rows| Stage::with(columns, rows, vec![divergent("bob", &["city"], true)]);
    at_sizes("confirm", settled, |stage| {
        stage.keys("tab enter");
        stage.rows();
        stage.keys("m");
        stage.checked();
        stage.keys("C");
    });
}

#[test]
fn merging_past_the_point_of_no_return() {
    at_sizes("running", Stage::conflictless, |stage| {
        stage.write();
        stage.keys("C y");
        let start = stage.newest("merge");
        for (index, name, cancellable) in [(1, "stage", true), (2, "arm", false), (3, "apply tables", false)] {
            let phase = ProgressEvent::Phase { index, count: 5, name, cancellable };
            stage.event(Event::Job(start.id, JobUpdate::Progress(phase)));
        }
        let done = ProgressEvent::Advanced { done: 1, total: Some(2), unit: "tables" };
        stage.event(Event::Job(start.id, JobUpdate::Progress(done)));
    });
}

#[test]
fn the_merge_is_done() {
    at_sizes("result", Stage::conflictless, |stage| {
        stage.write();
        stage.keys("C y");
        stage.answer("merge", vec![Reply::Merged(Box::new(done()))]);
    });
}

#[test]
fn the_merge_was_refused() {
    at_sizes("refused", Stage::conflictless, |stage| {
        stage.write();
        stage.keys("C y");
        stage.answer("merge", vec![Reply::Moved(vec!["main moved from 6HJ3M0 to AAAAAA".to_owned()])]);
    });
}

#[test]
fn the_merge_failed() {
    at_sizes("failed", Stage::conflictless, |stage| {
        stage.write();
        stage.keys("C y");
        let start = stage.newest("merge");
        let observed = Observed { head: Ok(Some(heads().target)), sidecars: Ok(1) };
        stage.event(Event::Reply(start.id, crate::effect::Reply::Merge(Reply::Observed(observed))));
        let failure = Failure::new(ErrorKind::Unavailable, "the disk is full").caused_by("no space left");
        stage.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Failed(failure))));
    });
}

#[test]
fn every_size_is_drawn_in_every_step() {
    let steps: [(&str, Make); 4] = [
        ("choose", Stage::choosing),
        ("preview", Stage::previewed),
        ("resolve", Stage::resolving),
        ("empty", Stage::conflictless),
    ];
    for (name, make) in steps {
        let mut stage = make(80, 24);
        for (columns, rows) in [(1, 1), (19, 4), (20, 5), (21, 6), (25, 8), (60, 16), (300, 3)] {
            stage.resize(columns, rows);
            stage.keys("j l G h tab j k $ tab");
            assert!(!stage.picture().is_empty(), "{name} at {columns}x{rows}");
        }
    }
}
