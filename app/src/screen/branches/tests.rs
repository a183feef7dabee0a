//! The screen's rules, on plain values through the whole program.

mod chaos;
mod pages;
mod real;
mod screens;
mod stage;
mod writing;

use stratigraph_engine::{At, ErrorKind};

use super::{Action, Loaded, Pending, Reply, Request};
use crate::action::Availability;
use crate::event::Event;
use crate::export::Content;
use crate::job::JobStatus;
use crate::message::Failure;
use crate::screen::{Screen, ScreenId, ScreenRequest, history, tables};
use crate::stage::words;
use stage::{Stage, branch, brief, facts, heads, loaded};

/// Why an action of the registry cannot be asked for now.
fn refused(stage: &Stage, name: &str) -> Option<String> {
    let row = stage.state.shared.registry.iter().find(|row| row.name == name).expect("a row");
    match stage.state.available(row) {
        Availability::Ready => None,
        Availability::Disabled(reason) => Some(reason.into_owned()),
    }
}

fn line_of(stage: &Stage, name: &str) -> String {
    let picture = stage.picture();
    let line = picture.lines().find(|line| line.contains(name) && !line.contains(" @ ")).expect("a line");
    words(line)
}

#[test]
fn branches_are_listed_and_what_is_not_known_yet_says_so() {
    let mut stage = Stage::new(120, 30);
    assert!(stage.is_here());
    assert_eq!(stage.asked("branches"), Some(&Request::Load));
    assert!(stage.picture().contains("reading the branches…"));
    stage.answer("branches", vec![Reply::Loaded(Box::new(loaded()))]);
    assert_eq!(stage.selected(), "main");
    assert!(line_of(&stage, "▸ main").starts_with("▸ main E5QXRC 2m 3"), "{}", line_of(&stage, "▸ main"));
    assert!(line_of(&stage, "hiring").starts_with("hiring R22CH4 2h … … 2 !2"), "{}", line_of(&stage, "hiring"));
    assert!(line_of(&stage, "old ").starts_with("old ? ? ? 0"), "{}", line_of(&stage, "old "));
    assert!(stage.picture().contains("! 1 interrupted write on trial/badges, which is no branch"));
    stage.count();
    assert!(line_of(&stage, "hiring").starts_with("hiring R22CH4 2h 1 0 2 !2"), "{}", line_of(&stage, "hiring"));
}

#[test]
fn counts_are_kept_for_a_pair_of_heads_and_made_anew_for_others() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("r");
    stage.answer("branches", vec![Reply::Loaded(Box::new(loaded()))]);
    assert_eq!(stage.asked("ahead and behind"), None, "the heads are the same");
    let mut moved = loaded();
    moved.branches[1] = facts("hiring", Some(brief("NEW111", "hiring", 55, 1)), 55, &[]);
    stage.keys("r");
    stage.answer("branches", vec![Reply::Loaded(Box::new(moved))]);
    let Some(Request::Count(pairs)) = stage.asked("ahead and behind") else { panic!("not counted") };
    let ends: Vec<String> = pairs.iter().map(|(head, _)| head.to_string()[20..].to_owned()).collect();
    assert_eq!(ends, ["NEW111"]);
    assert!(line_of(&stage, "hiring").contains("NEW111 1m … …"));
    stage.fail("ahead and behind", Failure::new(ErrorKind::Unavailable, "the disk went away"));
    assert!(line_of(&stage, "hiring").contains("NEW111 1m ? ?"), "{}", line_of(&stage, "hiring"));
    stage.keys("j k");
    assert_eq!(stage.asked("ahead and behind"), None, "not again by itself");
}

#[test]
fn new_branches_appear_by_themselves_and_the_cursor_stays_on_its_branch() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("j j j");
    stage.details();
    assert_eq!(stage.selected(), "reorg");
    stage.event(Event::Heads(Ok(heads(41))));
    assert_eq!(stage.asked("branches"), None, "nothing moved");
    stage.event(Event::Heads(Ok(heads(42))));
    let mut more = loaded();
    more.branches.insert(1, facts("budget", Some(brief("BVYNM1", "budget", 66, 9)), 66, &[]));
    stage.answer("branches", vec![Reply::Loaded(Box::new(more))]);
    assert_eq!(stage.selected(), "reorg");
    assert!(stage.picture().contains("Branches 5/6") && stage.picture().contains("budget"));
    let mut fewer = loaded();
    fewer.branches.remove(3);
    stage.event(Event::Heads(Ok(heads(43))));
    stage.answer("branches", vec![Reply::Loaded(Box::new(fewer))]);
    assert_eq!(stage.selected(), "reorg/trial", "its branch is gone: the last row there is");
}

#[test]
fn branches_stand_in_natural_order_and_a_glob_filters_by_prefix() {
    let names = ["b/10", "b/2", "agent/1", "main", "old/agent/3", "agent/10", "agent/2", "a"];
    let branches = names.map(|name| facts(name, Some(brief("AAAAAA", name, 5, 9)), 5, &[]));
    let mut stage = Stage::with(120, 30, Loaded { branches: branches.into(), ..Loaded::default() });
    let shown = |stage: &Stage| {
        let list = &stage.state.screens.branches.list;
        list.shown().map(|facts| facts.branch.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&stage), ["main", "a", "agent/1", "agent/2", "agent/10", "b/2", "b/10", "old/agent/3"]);
    stage.keys("f");
    stage.text("agent/*");
    assert_eq!(shown(&stage), ["agent/1", "agent/2", "agent/10"]);
    assert!(stage.picture().contains("3 of 8"), "{}", stage.picture());
    stage.keys("esc f");
    stage.text("!agent/*");
    assert_eq!(shown(&stage), ["main", "a", "b/2", "b/10", "old/agent/3"]);
    stage.keys("esc f");
    stage.text("agent/");
    assert_eq!(shown(&stage).len(), 4, "without a star it is a part of the name");
    stage.keys("esc /");
    stage.text("*/10");
    stage.keys("enter");
    assert_eq!(stage.selected(), "agent/10");
    stage.keys("n");
    assert_eq!(stage.selected(), "b/10");
}

#[test]
fn a_key_is_answered_in_time_whatever_the_number_of_branches() {
    let name = |number: usize| if number == 0 { "main".to_owned() } else { format!("agent/{number}") };
    let branches = (0..1_000).map(|number| {
        let name = name(number);
        facts(&name, Some(brief(&format!("{number:06}"), &name, 5, 9)), 5, &["node:Person"])
    });
    let mut stage = Stage::with(120, 30, Loaded { branches: branches.collect(), ..Loaded::default() });
    let shortest = |stage: &mut Stage, keys: &str| {
        let answered = |_| {
            let start = std::time::Instant::now();
            stage.keys(keys);
            drop(stage.picture());
            start.elapsed()
        };
        (0..12).map(answered).min().expect("tried")
    };
    let budget = std::time::Duration::from_millis(16);
    for keys in ["j", "k", "ctrl-d", "ctrl-u", "space", "u"] {
        let took = shortest(&mut stage, keys);
        assert!(took <= budget, "{keys} took {took:?}");
    }
    stage.keys("f");
    for keys in ["9", "backspace"] {
        let took = shortest(&mut stage, keys);
        assert!(took <= budget, "{keys} took {took:?}");
    }
}

#[test]
fn heads_that_move_elsewhere_are_read_when_the_screen_is_shown() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("6");
    stage.event(Event::Heads(Ok(heads(42))));
    assert_eq!(stage.asked("branches"), None);
    stage.keys("2");
    assert_eq!(stage.asked("branches"), Some(&Request::Load));
}

#[test]
fn a_failed_read_is_told_and_the_branches_before_stay() {
    let mut stage = Stage::new(80, 24);
    stage.fail("branches", Failure::new(ErrorKind::Corrupt, "manifest of hiring has no rows"));
    assert!(stage.picture().contains("! manifest of hiring has no rows"));
    assert_eq!(stage.state.shared.messages.toasts().count(), 0, "the pane says it, no toast does");
    stage.keys("r");
    stage.answer("branches", vec![Reply::Loaded(Box::new(loaded()))]);
    stage.keys("r");
    stage.fail("branches", Failure::new(ErrorKind::Unavailable, "the disk went away"));
    let picture = stage.picture();
    assert!(picture.contains("! the disk went away; these are the branches before"), "{picture}");
    assert!(picture.contains("hiring"));
}

#[test]
fn details_that_cannot_be_read_are_told_in_their_pane() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("j");
    assert!(stage.picture().contains("reading its tables and commits"));
    stage.fail("branch", Failure::new(ErrorKind::Corrupt, "manifest of hiring has no rows"));
    let words = stage.words();
    assert!(words.contains("manifest of hiring has no rows"), "{words}");
    assert_eq!(stage.state.shared.messages.toasts().count(), 0);
    stage.keys("k j");
    assert_eq!(stage.asked("branch"), None, "it is not asked for again by itself");
    stage.keys("r");
    assert!(matches!(stage.asked("branch"), Some(Request::Details(key)) if key.branch == branch("hiring")));
}

#[test]
fn a_filter_hides_and_a_search_marks() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("j f");
    stage.text("reorg");
    assert!(stage.picture().contains("2 of 5"), "{}", stage.picture());
    stage.keys("enter");
    assert_eq!(stage.selected(), "reorg/trial", "the cursor keeps its row while its branch is hidden");
    assert!(!stage.picture().contains("hiring"));
    stage.keys("esc");
    assert_eq!(stage.selected(), "hiring", "and returns to its branch");
    stage.keys("/");
    stage.text("reorg");
    assert_eq!(stage.selected(), "reorg");
    stage.keys("enter n");
    assert_eq!(stage.selected(), "reorg/trial");
    stage.keys("n");
    assert_eq!(stage.selected(), "reorg", "round the end");
    stage.keys("N");
    assert_eq!(stage.selected(), "reorg/trial");
    assert!(stage.picture().contains("hiring"), "a search keeps everything");
}

#[test]
fn enter_goes_to_the_head_in_the_history() {
    for keys in ["enter", "g h"] {
        let mut stage = Stage::ready(120, 30);
        stage.keys("j");
        stage.keys(keys);
        assert_eq!(stage.state.shared.screen, ScreenId::History);
        let read = stage.starts.iter().rev().find_map(|start| match &start.request {
            crate::effect::Request::Screen(ScreenRequest::History(history::Request::Load(..))) => Some(()),
            _ => None,
        });
        assert!(read.is_some(), "the history does not have it yet, so it is read");
        stage.keys("q");
        assert!(stage.is_here());
        assert_eq!(stage.selected(), "hiring");
    }
    let mut stage = Stage::ready(120, 30);
    stage.keys("j j enter");
    assert!(stage.is_here());
    assert_eq!(stage.state.shared.notice.as_deref(), Some("its commits cannot be read"));
}

#[test]
fn tables_are_read_at_the_branch() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("j t");
    assert_eq!(stage.state.shared.screen, ScreenId::Tables);
    let asked = stage.starts.iter().any(|start| match &start.request {
        crate::effect::Request::Screen(ScreenRequest::Tables(tables::Request::Open(at))) => {
            *at == At::Branch(branch("hiring"))
        }
        _ => false,
    });
    assert!(asked);
}

#[test]
fn a_branch_is_merged_into_one_that_is_chosen() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("j m");
    assert!(stage.picture().contains("Merge hiring into"));
    stage.keys("j");
    let overlay = stage.state.shared.overlays.last();
    let Some(crate::overlay::Overlay::Choose(menu)) = overlay else { panic!("no menu") };
    let labels: Vec<&str> = menu.shown().map(|item| item.label.as_str()).collect();
    assert_eq!(labels, ["main", "old", "reorg", "reorg/trial"], "all but itself");
    let chosen = menu.chosen().and_then(|item| item.action.clone());
    let expected = Action::Merge { source: branch("hiring"), target: branch("old") };
    assert_eq!(chosen, Some(Ok(crate::action::Action::Branches(expected))));
    stage.keys("enter");
    assert_eq!(stage.state.shared.screen, ScreenId::Merge);
    stage.keys("q");
    assert!(stage.is_here());
    let only = super::Loaded { branches: vec![loaded().branches.remove(0)], ..super::Loaded::default() };
    let stage = Stage::with(120, 30, only);
    assert_eq!(refused(&stage, "branches.merge").as_deref(), Some("there is no other branch"));
}

/// The two commits that History compares.
fn compared(stage: &Stage) -> Option<String> {
    let start = stage.starts.iter().rev().find(|start| start.slot.kind == "row diff")?;
    stage.state.shared.jobs.find(start.id).map(|job| job.subject.clone())
}

#[test]
fn heads_are_compared_with_the_marked_one_or_with_main() {
    let mut stage = Stage::ready(120, 30);
    assert_eq!(refused(&stage, "branches.compare").as_deref(), Some("mark another branch first (space)"));
    stage.keys("j c");
    assert_eq!(stage.state.shared.screen, ScreenId::History);
    let subject = compared(&stage).expect("a comparison");
    assert!(subject.contains("E5QXRC") && subject.ends_with("R22CH4"), "{subject}");

    let mut stage = Stage::ready(120, 30);
    stage.keys("j space G c");
    let subject = compared(&stage).expect("a comparison");
    assert!(subject.contains("R22CH4") && subject.ends_with("CP5G0X"), "{subject}");

    let mut stage = Stage::ready(120, 30);
    stage.keys("j space k c");
    let subject = compared(&stage).expect("a comparison");
    assert!(subject.contains("R22CH4") && subject.ends_with("E5QXRC"), "{subject}");
    stage.keys("q u");
    assert_eq!(refused(&stage, "branches.compare").as_deref(), Some("mark another branch first (space)"));
}

#[test]
fn heads_that_are_the_same_commit_are_not_compared() {
    let mut same = loaded();
    same.branches[1] = facts("hiring", Some(brief("E5QXRC", "main", 41, 2)), 41, &[]);
    let mut stage = Stage::with(120, 30, same);
    stage.keys("j");
    assert_eq!(refused(&stage, "branches.compare").as_deref(), Some("main has the same head"));
}

#[test]
fn reads_stopped_by_hand_say_so_and_those_stopped_by_leaving_go_on_later() {
    let mut stage = Stage::new(120, 30);
    stage.end("branches", Vec::new(), JobStatus::Cancelled);
    assert!(stage.picture().contains("reading was stopped, r reads again"));
    let mut stage = Stage::new(120, 30);
    stage.answer("branches", vec![Reply::Loaded(Box::new(loaded()))]);
    stage.keys("6");
    stage.end("ahead and behind", Vec::new(), JobStatus::Cancelled);
    stage.starts.clear();
    stage.keys("2");
    assert!(stage.asked("ahead and behind").is_some() && stage.asked("branch").is_some());
}

#[test]
fn interrupted_writes_are_counted_again_when_others_are_there() {
    let mut stage = Stage::ready(120, 30);
    stage.event(Event::Interrupted(Ok(crate::stage::interrupted(3))));
    assert_eq!(stage.asked("interrupted writes"), None, "they were counted with the branches");
    stage.event(Event::Interrupted(Ok(crate::stage::interrupted(2))));
    assert_eq!(stage.asked("interrupted writes"), Some(&Request::Pending));
    assert_eq!(stage.asked("branches"), None, "the branches are not read again for that");
    let pending = Pending { on: [(branch("reorg"), 1), (branch("budget"), 1)].into(), unreadable: 0 };
    stage.answer("interrupted writes", vec![Reply::Pending(pending)]);
    assert!(line_of(&stage, "reorg ").ends_with("1 !1") || line_of(&stage, "reorg ").contains("1 !1 "));
    assert!(!line_of(&stage, "hiring").contains("!2"), "{}", line_of(&stage, "hiring"));
    assert!(stage.picture().contains("! 1 interrupted write on budget, which is no branch"));
    stage.keys("6");
    stage.event(Event::Interrupted(Ok(crate::stage::interrupted(1))));
    assert_eq!(stage.asked("interrupted writes"), None);
    stage.keys("2");
    assert_eq!(stage.asked("interrupted writes"), Some(&Request::Pending));
}

#[test]
fn what_is_on_view_can_be_copied_and_exported() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("j");
    let screen = &stage.state.screens.branches;
    let copied: Vec<(String, String)> =
        screen.copies(super::LIST, &stage.state.shared).into_iter().map(|choice| (choice.label, choice.text)).collect();
    let expected = [("branch", "hiring"), ("short id", "R22CH4"), ("full id", "01M7Y249A1EHFH4MJGAER22CH4")];
    assert_eq!(copied, expected.map(|(label, text)| (label.to_owned(), text.to_owned())));
    assert_eq!(screen.command_line(&stage.state.shared).as_deref(), Some("branches /data/crm"));
    stage.keys("f");
    stage.text("reorg");
    stage.keys("enter");
    let content = stage.state.screens.branches.export(super::LIST, &stage.state.shared);
    let Some(Content::Rows { name, batches }) = content else { panic!("no rows") };
    assert_eq!((name.as_str(), batches[0].num_rows()), ("branches", 2));
    let ahead = batches[0].column_by_name("ahead").expect("a column");
    assert_eq!(arrow::array::AsArray::as_primitive::<arrow::datatypes::UInt64Type>(ahead).value(0), 2);
}
