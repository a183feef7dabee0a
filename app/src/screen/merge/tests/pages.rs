//! The pictures of this screen in the documentation.

use stratigraph_engine::merge::ConflictKind;

use super::super::request::{Done, Reply};
use super::ending::done;
use super::stage::Stage;
use crate::pages::show;

#[test]
fn two_branches() {
    show("merge-choose", &Stage::choosing(116, 16).shown());
}

#[test]
fn the_plan_of_a_merge() {
    show("merge-preview", &Stage::previewed(116, 18).shown());
}

#[test]
fn conflicts_and_one_of_them_in_three_states() {
    let mut stage = Stage::resolving(116, 22);
    stage.select(ConflictKind::DivergentUpdate, "bob");
    stage.keys("t");
    stage.checked();
    stage.select(ConflictKind::DivergentUpdate, "ada");
    stage.keys("tab g g t j s");
    stage.checked();
    show("merge-resolve", &stage.shown());
}

#[test]
fn a_merge_that_was_published() {
    let mut stage = Stage::conflictless(116, 16);
    stage.write();
    stage.keys("C y");
    let done = Done { short: Some("GQD10C".to_owned()), ..done() };
    stage.answer("merge", vec![Reply::Merged(Box::new(done))]);
    show("merge-result", &stage.shown());
}
