//! Making and deleting branches: what is asked, what is written, what is said.

use stratigraph_engine::merge::Stranded;
use stratigraph_engine::{At, BranchName, ErrorKind};

use super::super::{Action, NewBranch, Reply, Request};
use super::refused;
use super::stage::{Stage, branch, brief, facts, loaded};
use crate::loss::{Doomed, Loss};
use crate::message::Failure;
use crate::summary::Summary;
use crate::summary::{Brief, Told};

#[test]
fn a_new_name_is_checked_before_anything_is_asked() {
    let mut stage = Stage::writing(120, 30);
    stage.keys("j B");
    assert!(stage.picture().contains("New branch, from the head of hiring"));
    for (text, reason) in [
        ("a b", "neither NAME nor NAME from POSITION"),
        ("reorg", "branch `reorg` exists already"),
        ("reorg/x", "would share a folder"),
        ("main", "cannot create branch main"),
        ("a~b", "only letters, digits"),
    ] {
        stage.keys("ctrl-u");
        stage.text(text);
        stage.keys("enter");
        let picture = stage.words();
        assert!(picture.contains(reason), "{text}: {picture}");
        assert!(picture.contains(&format!("> {text}")), "what was typed stays: {picture}");
    }
    let asked = ["make branch", "start of a branch"].map(|kind| stage.asked(kind).is_some());
    assert_eq!(asked, [false, false]);
}

#[test]
fn a_branch_is_made_at_the_head_after_a_question() {
    let mut stage = Stage::writing(120, 30);
    stage.keys("j B");
    stage.text("hiring-2");
    stage.keys("enter");
    let picture = stage.words();
    assert!(picture.contains("Make branch hiring-2?"), "{picture}");
    assert!(
        picture.contains("It starts at commit R22CH4, the head of hiring: by act-李 小 龍 , 2026-05-02 07:09:03Z.")
    );
    assert!(picture.contains("While it exists, hiring cannot be deleted."));
    stage.keys("enter");
    assert!(!stage.is_write("make branch"), "Cancel is chosen at first");
    stage.keys("B");
    stage.text("hiring-2");
    stage.keys("enter y");
    let Some(Request::Create(new)) = stage.asked("make branch").cloned() else { panic!("nothing is made") };
    assert!(stage.is_write("make branch"));
    assert_eq!((new.name.as_str(), &new.at), ("hiring-2", &At::Branch(branch("hiring"))));
    assert_eq!(new.start.short_id, "R22CH4");
    stage.answer("make branch", vec![Reply::Created(new)]);
    assert!(stage.picture().contains("made branch hiring-2 at R22CH4"));
    assert_eq!(stage.checks(), 1, "the other screens hear of it");
    let mut more = loaded();
    more.branches.insert(2, facts("hiring-2", Some(brief("R22CH4", "hiring", 54, 125)), 54, &[]));
    stage.answer("branches", vec![Reply::Loaded(Box::new(more))]);
    assert_eq!(stage.selected(), "hiring-2");
}

pub(super) fn started_at_a_commit() -> NewBranch {
    let start: Brief = brief("9GZ6N2", "reorg", 60, 400);
    NewBranch { name: branch("from-there"), at: At::Commit(start.commit.id), start, head_of: None }
}

#[test]
fn a_branch_is_made_from_a_commit_that_is_looked_up_first() {
    let mut stage = Stage::writing(120, 30);
    stage.keys("j B");
    stage.text("from-there from 9GZ6N2");
    stage.keys("enter");
    let expected = Request::Find { name: branch("from-there"), text: "9GZ6N2".to_owned(), on: branch("hiring") };
    assert_eq!(stage.asked("start of a branch"), Some(&expected));
    let gone = Failure::new(ErrorKind::NotFound, "no commit ends with 9GZ6N2");
    let typed = || "from-there from 9GZ6N2".to_owned();
    stage.answer("start of a branch", vec![Reply::Found(typed(), Err(gone))]);
    let picture = stage.words();
    assert!(
        picture.contains("no commit ends with 9GZ6N2") && picture.contains("> from-there from 9GZ6N2"),
        "{picture}"
    );
    stage.keys("enter");
    stage.answer("start of a branch", vec![Reply::Found(typed(), Ok(Box::new(started_at_a_commit())))]);
    let picture = stage.words();
    assert!(picture.contains("commit 9GZ6N2, which is not the head of reorg"), "{picture}");
    stage.keys("y");
    assert!(matches!(stage.asked("make branch"), Some(Request::Create(new)) if *new == started_at_a_commit()));
}

#[test]
fn a_question_never_comes_over_another_screen_or_overlay() {
    let mut stage = Stage::writing(120, 30);
    stage.act(Action::Create("x from 9GZ6N2".to_owned()));
    stage.keys("?");
    stage.answer("start of a branch", vec![Reply::Found("x".to_owned(), Ok(Box::new(started_at_a_commit())))]);
    assert_eq!(stage.state.shared.overlays.len(), 1);
    assert_eq!(stage.state.shared.notice.as_deref(), Some("the answer came too late: ask again"));
}

#[test]
fn moving_on_drops_a_question_that_is_still_worked_out() {
    let mut stage = Stage::writing(120, 30);
    stage.keys("j D k");
    stage.answer("what is lost", vec![Reply::Loss(Box::new(loss(1)))]);
    assert!(stage.state.shared.overlays.is_empty());
}

#[test]
fn writing_in_a_graph_that_is_open_for_reading_is_prepared_first() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("B");
    stage.text("new");
    stage.keys("enter y");
    assert!(stage.picture().contains("Who writes?"));
    stage.text("dana");
    stage.keys("enter");
    assert!(!stage.is_write("make branch"), "not before the graph is open for writing");
    assert!(stage.starts.iter().any(|start| start.slot.kind == "look at what writing needs"));
}

pub(super) fn loss(lost: usize) -> Loss {
    let told = |at: usize| Told {
        brief: brief(&format!("7RW3N{at}"), "hiring", 54, 60 * (i64::try_from(at).expect("small") + 1)),
        summary: Summary::Tables(vec!["node:Person".parse().expect("a key")]),
    };
    let head = brief("R22CH4", "hiring", 54, 125);
    Loss {
        doomed: Doomed { name: branch("hiring"), head: Some(head.commit.id), lost },
        head: Some(head),
        parent: Some(BranchName::main()),
        lost: (0..lost.min(10)).map(told).collect(),
        merges: 1,
        owned: 2,
        pending: 2,
        dependents: Vec::new(),
        stranded: Ok(Vec::new()),
        broken: None,
    }
}

#[test]
fn deleting_tells_what_is_lost_and_wants_the_name() {
    let mut stage = Stage::writing(120, 30);
    stage.keys("j D");
    assert_eq!(stage.asked("what is lost"), Some(&Request::Loss(branch("hiring"))));
    stage.answer("what is lost", vec![Reply::Loss(Box::new(loss(14)))]);
    let picture = stage.words();
    for words in [
        "Delete branch hiring?",
        "14 commits are on no other branch and are lost:",
        "7RW3N0 Person, act-李 小 龍 , 2026-05-02",
        "and 4 more",
        "its merged parent will be missing",
        "2 tables that it holds itself",
        "2 interrupted writes on it are pending",
        "type hiring to agree:",
    ] {
        assert!(picture.contains(words), "{words} in {picture}");
    }
    stage.text("hirin");
    stage.keys("enter");
    assert!(!stage.is_write("delete branch"));
    stage.text("g");
    stage.keys("enter");
    assert!(stage.is_write("delete branch"));
    assert!(matches!(stage.asked("delete branch"), Some(Request::Delete(doomed)) if *doomed == loss(14).doomed));
    stage.answer("delete branch", vec![Reply::Deleted(loss(14).doomed)]);
    assert!(stage.picture().contains("deleted branch hiring and 14 commits"));
    assert_eq!(stage.checks(), 1);
    assert_eq!(stage.asked("branches"), Some(&Request::Load));
}

#[test]
fn a_broken_branch_is_a_marked_line_that_can_be_deleted_and_the_others_are_as_ever() {
    let mut listed = loaded();
    let broken = &mut listed.branches[1];
    assert_eq!(broken.branch.name, branch("hiring"));
    (broken.branch.manifest_version, broken.branch.head, broken.head) = (None, None, None);
    broken.branch.broken = Some("its versions are missing".to_owned());
    let mut stage = Stage::with(120, 30, listed);
    stage.write();
    stage.keys("j");
    let words = stage.words();
    for expected in ["hiring broken", "! broken: its versions are missing", "main E5QXRC", "reorg 16BPKA"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    assert_eq!(stage.asked("branch"), None, "nothing more is read of it");
    stage.keys("D");
    let doomed = Doomed { name: branch("hiring"), head: None, lost: 0 };
    stage.answer("what is lost", vec![Reply::Loss(Box::new(Loss { doomed: doomed.clone(), head: None, ..loss(0) }))]);
    stage.text("hiring");
    stage.keys("enter");
    assert!(matches!(stage.asked("delete branch"), Some(Request::Delete(asked)) if *asked == doomed));
}

#[test]
fn merges_that_suffer_are_named() {
    let mut stage = Stage::writing(120, 30);
    stage.keys("j D");
    let base = brief("R22CH4", "hiring", 54, 125).commit.id;
    let pair = |other: &str, older| Stranded { branches: [branch("budget"), branch(other)], base, older };
    let suffer = Loss { stranded: Ok(vec![pair("main", None), pair("people", Some(base))]), ..loss(1) };
    stage.answer("what is lost", vec![Reply::Loss(Box::new(suffer))]);
    let picture = stage.words();
    assert!(picture.contains("! Without hiring, budget and main cannot be merged any more"), "{picture}");
    assert!(picture.contains("! Without hiring, a merge of budget and people starts at"), "{picture}");
}

#[test]
fn a_warning_that_cannot_be_made_is_said_and_forbids_nothing() {
    let mut stage = Stage::writing(120, 30);
    stage.keys("j D");
    let unknown = Loss { stranded: Err("no such file".to_owned()), ..loss(1) };
    stage.answer("what is lost", vec![Reply::Loss(Box::new(unknown))]);
    let picture = stage.words();
    assert!(
        picture.contains("Which merges become impossible without hiring cannot be found out: no such file"),
        "{picture}"
    );
    stage.text("hiring");
    stage.keys("enter");
    assert!(stage.is_write("delete branch"));
}

#[test]
fn of_a_broken_branch_it_is_not_claimed_that_nothing_is_lost() {
    let mut stage = Stage::writing(120, 30);
    stage.keys("j D");
    let broken = Some("its commits cannot be read".to_owned());
    stage.answer("what is lost", vec![Reply::Loss(Box::new(Loss { broken, ..loss(0) }))]);
    let picture = stage.words();
    assert!(picture.contains("Which commits are lost cannot be found out: its commits cannot be read"), "{picture}");
    assert!(!picture.contains("No commit is lost"), "{picture}");
}

#[test]
fn what_others_depend_on_is_not_deleted() {
    let mut stage = Stage::writing(120, 30);
    assert_eq!(refused(&stage, "branches.delete").as_deref(), Some("main cannot be deleted: every graph has it"));
    stage.keys("j j j");
    let reason = refused(&stage, "branches.delete");
    assert_eq!(reason.as_deref(), Some("reorg/trial was made from it: delete that first"));
    stage.keys("g g j D");
    let needed = Loss { dependents: vec![BranchName::main(), branch("budget")], ..loss(1) };
    stage.answer("what is lost", vec![Reply::Loss(Box::new(needed))]);
    assert!(stage.state.shared.overlays.is_empty(), "there is nothing to agree to");
    let toast = stage.state.shared.messages.toasts().next().expect("a message").text.clone();
    assert_eq!(toast, "branch hiring cannot be deleted: main, budget depend on it; delete those in this order first");
}

#[test]
fn a_write_that_fails_is_told_and_the_branches_are_read_again() {
    let mut stage = Stage::writing(120, 30);
    stage.act(Action::DeleteNow(loss(3).doomed));
    let moved = "branch `hiring` moved since you were asked: it was at R22CH4, it is at NEW111; nothing was changed";
    stage.fail("delete branch", Failure::new(ErrorKind::Conflict, moved));
    assert!(stage.state.shared.messages.toasts().any(|toast| toast.causes.iter().any(|cause| cause == moved)));
    assert_eq!(stage.asked("branches"), Some(&Request::Load));
    assert_eq!(stage.checks(), 1);
}

#[test]
fn a_write_that_ends_elsewhere_is_seen_on_return() {
    let mut stage = Stage::writing(120, 30);
    stage.act(Action::DeleteNow(loss(0).doomed));
    stage.keys("6");
    stage.answer("delete branch", vec![Reply::Deleted(loss(0).doomed)]);
    assert_eq!(stage.asked("branches"), None);
    stage.keys("2");
    assert_eq!(stage.asked("branches"), Some(&Request::Load));
}
