//! The screen's rules, on plain values through the whole program.

mod chaos;
mod drafts;
mod ending;
mod engine;
mod model;
mod pages;
mod resolving;
mod screens;
mod stage;

use stratigraph_engine::ErrorKind;
use stratigraph_engine::merge::ConflictKind;

use super::request::{Reply, Request};
use super::{Action, Step, TABLES, TARGET};
use crate::event::Event;
use crate::message::Failure;
use crate::screen::{Screen, ScreenId};
use stage::{Stage, between, branch, branches, preview};

#[test]
fn the_first_look_lists_branches_and_what_lies_between_the_chosen() {
    let mut stage = Stage::new(120, 30);
    assert!(matches!(stage.asked("branches"), Some(Request::Branches)));
    stage.answer("branches", vec![Reply::Branches(branches())]);
    let Some(Request::Between(pair)) = stage.asked("last common commit") else { panic!("not asked") };
    assert_eq!((pair.source.as_str(), pair.target.as_str()), ("people", "main"));
    stage.answer("last common commit", vec![Reply::Between(Box::new(between("people", "main", 4, 2)))]);
    let picture = stage.picture();
    assert!(picture.contains("people → main"), "{picture}");
    assert!(picture.contains("4 commits of its own") && picture.contains("last common commit"), "{picture}");
}

#[test]
fn swapping_turns_the_sentence_and_reads_anew() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("X");
    let Some(Request::Between(pair)) = stage.asked("last common commit") else { panic!("not asked") };
    assert_eq!((pair.source.as_str(), pair.target.as_str()), ("main", "people"));
    assert!(stage.picture().contains("main → people"));
    // The answer for the former direction says nothing about this one.
    assert!(!stage.picture().contains("4 commits of its own"));
}

#[test]
fn one_branch_twice_is_no_merge() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("k k");
    assert!(stage.picture().contains("cannot be merged into itself"));
    stage.keys("tab enter");
    assert_eq!(stage.state.screens.merge.step, Step::Choose);
    assert!(stage.asked("merge preview").is_none());
}

#[test]
fn a_broken_branch_is_marked_not_chosen_by_itself_and_not_merged() {
    let mut stage = Stage::new(120, 30);
    let mut lines = branches();
    lines[1].broken = Some("its manifest has no versions".to_owned());
    stage.answer("branches", vec![Reply::Branches(lines)]);
    let Some(Request::Between(pair)) = stage.asked("last common commit") else { panic!("not asked") };
    assert_eq!((pair.source.as_str(), pair.target.as_str()), ("prices", "main"));
    stage.answer("last common commit", vec![Reply::Between(Box::new(between("prices", "main", 1, 2)))]);
    assert_eq!(stage.picture().matches("people  broken").count(), 2, "{}", stage.picture());

    stage.keys("k");
    let picture = stage.picture();
    assert!(picture.contains("! people is broken: its manifest has no versions"), "{picture}");
    assert!(stage.asked("last common commit").is_none());
    stage.keys("tab enter");
    assert!(stage.picture().contains("branch people is broken: choose another one"), "{}", stage.picture());
    assert_eq!(stage.state.screens.merge.step, Step::Choose);
    assert!(stage.asked("merge preview").is_none());
}

#[test]
fn where_only_one_branch_can_be_read_that_is_said() {
    let mut stage = Stage::new(120, 30);
    let mut lines = branches();
    for line in &mut lines[1..] {
        line.broken = Some("its manifest has no versions".to_owned());
    }
    stage.answer("branches", vec![Reply::Branches(lines)]);
    assert!(stage.picture().contains("there is no other branch that can be read"), "{}", stage.picture());
    stage.keys("tab enter");
    assert_eq!(stage.state.screens.merge.step, Step::Choose);
    assert!(stage.asked("merge preview").is_none());
}

#[test]
fn other_screens_choose_both_and_enter_previews() {
    let mut stage = Stage::choosing(120, 30);
    stage.act(Action::Choose { source: branch("prices"), target: branch("main") });
    assert_eq!(stage.state.shared.frame(ScreenId::Merge).focus, TARGET);
    stage.keys("enter");
    let Some(Request::Preview { pair, look_ahead }) = stage.asked("merge preview") else { panic!("not asked") };
    assert_eq!((pair.source.as_str(), *look_ahead), ("prices", true));
    assert_eq!(stage.state.screens.merge.step, Step::Preview);
}

#[test]
fn a_preview_for_other_branches_is_ignored() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("enter enter");
    let late = stage.newest("merge preview");
    stage.keys("esc");
    stage.act(Action::Choose { source: branch("prices"), target: branch("main") });
    stage.keys("enter");
    stage.event(Event::Reply(late.id, crate::effect::Reply::Merge(Reply::Preview(Box::new(preview(Vec::new()))))));
    assert!(stage.state.screens.merge.preview.is_none());
    stage.answer("merge preview", vec![Reply::Preview(Box::new(preview(Vec::new())))]);
    assert!(stage.state.screens.merge.preview.is_none(), "it is of people, asked for is prices");
}

#[test]
fn a_preview_that_fails_is_told_in_its_pane_and_made_again() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("enter enter");
    stage.fail("merge preview", Failure::new(ErrorKind::Conflict, "people and main have no common commit"));
    assert!(stage.words().contains("! people and main have no common commit"), "{}", stage.picture());
    assert_eq!(stage.state.shared.messages.toasts().count(), 0, "the pane says it");
    stage.keys("r");
    assert!(stage.asked("merge preview").is_some());
}

#[test]
fn tables_that_stay_are_folded_and_counted() {
    let mut stage = Stage::previewed(120, 30);
    assert!(stage.picture().contains("1 table stays as it is"));
    assert!(!stage.picture().contains("node:Quiet"));
    stage.keys("G enter");
    assert!(stage.picture().contains("node:Quiet"));
    assert_eq!(stage.state.screens.merge.step, Step::Preview, "enter on the fold goes nowhere");
}

#[test]
fn enter_on_a_table_goes_to_its_conflicts_and_back_again() {
    let mut stage = Stage::previewed(120, 30);
    stage.keys("g g j enter");
    assert_eq!(stage.state.screens.merge.step, Step::Resolve);
    let conflict = stage.state.screens.merge.tree.conflict().expect("a conflict");
    assert_eq!(conflict.key.table.to_string(), "node:Person");
    stage.keys("esc");
    assert_eq!(stage.state.screens.merge.step, Step::Preview);
    assert_eq!(stage.state.focus(), TABLES);
    stage.keys("esc");
    assert_eq!(stage.state.screens.merge.step, Step::Choose);
    assert!(matches!(
        stage.state.screens.merge.supports(TARGET, crate::screen::Verb::Back, &stage.state.shared),
        crate::action::Availability::Disabled(_)
    ));
}

#[test]
fn a_head_that_moves_is_said_in_the_step_line_and_keeps_from_merging() {
    let mut stage = Stage::conflictless(120, 30);
    stage.heads(&[("main", 7), ("people", 4)]);
    stage.heads(&[("main", 7), ("people", 4), ("prices", 9)]);
    assert!(stage.state.screens.merge.place(&stage.state.shared).expect("a place").is_head, "another branch moved");
    stage.heads(&[("main", 8), ("people", 4)]);
    let place = stage.state.screens.merge.place(&stage.state.shared).expect("a place");
    assert!(!place.is_head && place.text.contains("main moved: r previews again"), "{}", place.text);
    stage.keys("C");
    assert!(stage.state.shared.overlays.is_empty(), "what is confirmed is what was shown");
    assert_eq!(stage.state.shared.notice.as_deref(), Some("a branch moved: r previews again"));
    stage.keys("r");
    assert!(stage.asked("merge preview").is_some());
}

#[test]
fn leaving_the_screen_keeps_where_one_is_and_starts_what_was_stopped() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(ConflictKind::DivergentUpdate, "ada");
    stage.keys("s");
    assert!(stage.asked("check of choices").is_some());
    stage.keys("1");
    stage.starts.clear();
    stage.cancel_all();
    stage.keys("4");
    assert_eq!(stage.state.screens.merge.step, Step::Resolve);
    assert!(stage.asked("check of choices").is_some(), "the check was stopped with the screen");
}

#[test]
fn a_filter_of_branches_chooses_among_what_is_left() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("f");
    stage.text("pri");
    stage.keys("enter");
    let Some(Request::Between(pair)) = stage.asked("last common commit") else { panic!("not asked") };
    assert_eq!(pair.source.as_str(), "prices");
}
