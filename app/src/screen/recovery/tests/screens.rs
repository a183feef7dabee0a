//! The screen in three sizes and three looks. The dump tells styles apart, because no-color must show the same facts.

use stratigraph_engine::ErrorKind;
use stratigraph_engine::manifest::Migration;
use stratigraph_engine::recovery::{Decision, RecoveryStep, SidecarFile};

use super::super::request::{Observation, Reply};
use super::fixture::{
    audit, back, done, drift, forward, newer, observation, pending, refused, seen, three, unreadable, with,
};
use super::stage::Stage;
use crate::job::JobStatus;
use crate::message::Failure;

const SIZES: [(u16, u16); 3] = [(120, 30), (80, 24), (40, 12)];

fn at_sizes(name: &str, found: &[(SidecarFile, RecoveryStep)], prepare: impl Fn(&mut Stage)) {
    for size in SIZES {
        let mut stage = with(found, size);
        prepare(&mut stage);
        stage.snapshot(name);
    }
}

#[test]
fn nothing_is_known_yet() {
    for (columns, rows) in SIZES {
        Stage::new(columns, rows).snapshot("loading");
    }
}

#[test]
fn nothing_is_pending() {
    at_sizes("none", &[], |_| {});
}

#[test]
fn three_kinds_are_pending() {
    at_sizes("three", &three(), |stage| stage.keys("G"));
}

#[test]
fn one_of_them_in_full() {
    at_sizes("inspect", &three(), |stage| stage.keys("G enter"));
}

#[test]
fn one_is_refused() {
    at_sizes("refused", &[refused(), back()], |stage| stage.keys("enter"));
}

#[test]
fn files_that_cannot_be_read() {
    at_sizes("unreadable", &[unreadable(), newer(), forward()], |_| {});
    at_sizes("unreadable_inspect", &[unreadable(), newer(), forward()], |stage| stage.keys("enter"));
}

#[test]
fn nothing_can_be_predicted() {
    for (columns, rows) in SIZES {
        let mut stage = Stage::new(columns, rows);
        let failure = Failure::new(ErrorKind::Conflict, "what is staged of a schema change cannot be told");
        let seen = Observation { pending: Err(failure), ..observation(&[forward()]) };
        stage.answer("recovery plan", vec![Reply::Observed(Box::new(seen))]);
        let failure = Failure::new(ErrorKind::Unavailable, "cannot read __manifest");
        stage.fail("drift", failure);
        stage.snapshot("unpredicted");
    }
}

#[test]
fn tables_that_drifted() {
    let prepare = |stage: &mut Stage| {
        stage.keys("r");
        stage.answer("recovery plan", seen(&[back()]));
        stage.answer("drift", vec![Reply::Drift(drift())]);
        stage.keys("j");
    };
    at_sizes("drift", &[back()], prepare);
    at_sizes("drift_inspect", &[back()], |stage| {
        prepare(stage);
        stage.keys("enter");
    });
}

#[test]
fn what_was_recovered() {
    at_sizes("audit", &three(), |stage| {
        stage.keys("a");
        stage.answer("audit", vec![Reply::Audit(audit())]);
        stage.keys("j");
    });
}

#[test]
fn the_question_before_a_sweep() {
    at_sizes("sweep_dialog", &[forward(), back()], |stage| {
        stage.keys("r");
        let mut found = observation(&[forward(), back()]);
        let migration = Migration { from: 2, to: 3, legacy_branches: Vec::new() };
        found.pending.as_mut().expect("predicted").migration = Some(migration);
        stage.answer("recovery plan", vec![Reply::Observed(Box::new(found))]);
        stage.keys("S");
    });
}

#[test]
fn the_question_before_a_file_is_moved() {
    at_sizes("quarantine_dialog", &[unreadable()], |stage| {
        stage.keys("Q enter");
        stage.text("cr");
    });
}

#[test]
fn predicted_beside_actual() {
    at_sizes("outcome", &three(), |stage| {
        stage.keys("S");
        stage.text("crm");
        stage.keys("enter");
        let found = pending(&three()).recovery.steps.iter().map(done).collect();
        stage.answer("recovery", vec![Reply::Swept(found, None)]);
        stage.keys("j ctrl-g");
    });
}

#[test]
fn a_difference_from_the_prediction_is_an_error() {
    at_sizes("difference", &[back(), refused()], |stage| {
        stage.keys("S");
        stage.text("crm");
        stage.keys("enter");
        let mut found = done(&back().1);
        found.decision = Decision::RollForward;
        let failure = Failure::new(ErrorKind::Corrupt, "the head of node:Price is before its pin");
        stage.end("recovery", vec![Reply::Swept(vec![found], Some(failure.clone()))], JobStatus::Failed(failure));
        stage.keys("ctrl-g");
    });
}

#[test]
fn what_changed_since_it_was_agreed_to() {
    at_sizes("outdated", &three(), |stage| {
        stage.keys("S");
        stage.text("crm");
        stage.keys("enter");
        let mut changed = back();
        changed.1.decision = Decision::RollForward;
        let now = observation(&[forward(), changed, newer()]);
        stage.answer("recovery", vec![Reply::Outdated(Box::new(now))]);
        stage.keys("ctrl-g");
    });
}

#[test]
fn every_size_is_drawn_in_every_view() {
    for keys in ["g g", "enter", "a", "S", "Q"] {
        let mut stage = with(&[unreadable(), forward(), back()], (80, 24));
        stage.keys("r");
        stage.answer("drift", vec![Reply::Drift(drift())]);
        stage.keys(keys);
        for (columns, rows) in [(1, 1), (19, 4), (20, 5), (21, 6), (25, 8), (60, 16), (300, 3)] {
            stage.resize(columns, rows);
            stage.keys("j down k up");
            assert!(!stage.picture().is_empty(), "{keys} at {columns}x{rows}");
        }
    }
}
