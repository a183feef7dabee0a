//! The screen's rules, on plain values through the whole program.

mod chaos;
mod fixture;
mod pages;
mod real;
mod screens;
mod stage;

use stratigraph_engine::ErrorKind;
use stratigraph_engine::recovery::Decision;

use super::request::{Reply, Request};
use super::{Action, LIST, OUTCOME};
use crate::action::Action as Any;
use crate::event::Event;
use crate::export::Content;
use crate::job::{JobStatus, JobUpdate};
use crate::message::Failure;
use crate::screen::{Screen, ScreenId};
use crate::update::update;
use crate::writing::Mode;
use fixture::{
    BACK, audit, back, done, drift, forward, ids, load, newer, observation, orphan, pending, refused, seen, three,
    unreadable, with,
};
use stage::Stage;

const SIZE: (u16, u16) = (120, 30);

/// Agrees to the sweep of what is pending.
fn agree(stage: &mut Stage) {
    stage.keys("S");
    stage.text("crm");
    stage.keys("enter");
}

#[test]
fn the_first_look_finds_sidecars_and_drift_and_writes_nothing() {
    let stage = Stage::new(120, 30);
    assert_eq!(stage.asked("recovery plan"), Some(&Request::Observe));
    assert_eq!(stage.asked("drift"), Some(&Request::Drift));
    assert!(!stage.is_write("recovery plan") && !stage.is_write("drift"));
    assert!(stage.picture().contains("looking for interrupted writes"));
}

#[test]
fn the_list_has_the_order_of_the_sweep_and_says_what_is_predicted() {
    let stage = with(&[back(), orphan(), forward()], SIZE);
    let picture = stage.picture();
    let at = |text: &str| picture.find(text).unwrap_or_else(|| panic!("{text} is not in\n{picture}"));
    assert!(at("8BADGE") < at("8MJHW7") && at("8MJHW7") < at("8Q9QX4"), "{picture}");
    assert!(at("discard: its branch was deleted") < at("roll forward") && at("roll forward") < at("roll back"));
    assert!(picture.contains("observed 09:14:03") && picture.contains("5 Recovery!3"), "{picture}");
    let young = picture.lines().filter(|line| line.contains("may belong to a live writer")).count();
    assert_eq!(young, 1, "nine minutes are young, 16 and 32 are not\n{picture}");
}

#[test]
fn sidecars_that_share_a_table_are_linked() {
    let moved = stratigraph_engine::recovery::Classification::RolledPastExpected;
    let tables = [("node:Person", [23, 24, 24, 24], moved)];
    let second = load("01KQKZ9000G6CZJRSK998SECND", Some("hiring/q4"), "hr-sync", 12, Decision::Discard, &tables);
    let stage = with(&[forward(), back(), second], SIZE);
    let picture = stage.picture();
    assert_eq!(picture.matches("after 8Q9QX4").count(), 1, "{picture}");
    assert!(!picture.contains("after 8MJHW7"), "{picture}");
}

#[test]
fn the_reason_names_the_tables_it_hangs_on() {
    let mut stage = with(&three(), SIZE);
    stage.keys("G enter");
    let words = stage.words();
    assert!(words.contains(
        "edge:ReportsTo never moved, so the write is incomplete; node:Person returns to 22. Nothing of it was ever visible."
    ));
    assert!(words.contains("deferred: rolling back needs exclusive access"), "{words}");
    assert!(words.contains("predicted: ROLL BACK"), "{words}");
}

#[test]
fn the_selection_follows_the_write_while_others_come_and_go() {
    let mut stage = with(&[forward(), back()], SIZE);
    stage.keys("j");
    stage.event(Event::Interrupted(Ok(ids(&three()))));
    stage.answer("recovery plan", seen(&three()));
    assert!(stage.picture().contains("Interrupted write 8Q9QX4"));
    stage.event(Event::Interrupted(Ok(ids(&[back()]))));
    stage.answer("recovery plan", seen(&[back()]));
    assert!(stage.picture().contains("Interrupted write 8Q9QX4"));
    stage.event(Event::Interrupted(Ok(ids(&[back()]))));
    assert!(stage.asked("recovery plan").is_none(), "nothing changed, nothing is read");
    stage.event(Event::Interrupted(Ok(ids(&[forward()]))));
    assert_eq!(stage.asked("recovery plan"), Some(&Request::Observe), "as many as before, but another one");
}

#[test]
fn another_screen_does_not_look_until_this_one_is_shown() {
    let mut stage = with(&[forward()], SIZE);
    stage.keys("1");
    stage.starts.clear();
    stage.event(Event::Interrupted(Ok(crate::stage::interrupted(2))));
    assert!(stage.asked("recovery plan").is_none());
    assert!(stage.picture().contains("5 Recovery!2"));
    stage.keys("5");
    assert_eq!(stage.asked("recovery plan"), Some(&Request::Observe));
    assert!(stage.asked("drift").is_none(), "no branch moved since it was looked for");
}

#[test]
fn moved_branches_are_looked_at_for_drift() {
    let mut stage = with(&[forward()], SIZE);
    let heads = |version| [(stratigraph_engine::BranchName::main(), crate::stage::seen(version))];
    stage.event(Event::Heads(Ok(heads(1).into())));
    assert!(stage.asked("drift").is_none(), "that was the first look at the heads");
    stage.event(Event::Heads(Ok(heads(2).into())));
    assert_eq!(stage.asked("drift"), Some(&Request::Drift));
}

#[test]
fn a_sweep_that_discards_work_is_agreed_to_by_the_name_of_the_graph() {
    // The dialog has the whole width there.
    let mut stage = with(&three(), (64, 40));
    stage.keys("S");
    let words = stage.words();
    for fact in [
        "8BADGE Load on badges by yuki: DISCARD",
        "becomes visible on main: node:Document 5 to 6, edge:Wrote 9 to 10",
        "discarded: node:Person version 23",
        "returns: node:Person to 22",
        "ROLL FORWARD (! may belong to a live writer)",
        "make sure that none is at work",
        "type crm to agree",
    ] {
        assert!(words.contains(fact), "{fact} is not in\n{words}");
    }
    stage.keys("y enter");
    assert!(stage.asked("recovery").is_none(), "a letter is no agreement");
    stage.keys("backspace");
    stage.text("crm");
    stage.keys("enter");
    assert_eq!(stage.asked("recovery"), Some(&Request::Sweep(Box::new(pending(&three())))));
    assert!(stage.is_write("recovery"), "it is never dropped in the middle");
    stage.keys("S");
    assert!(stage.bottom().contains("one write at a time"), "{}", stage.bottom());
}

#[test]
fn a_sweep_that_discards_nothing_asks_for_a_yes() {
    let mut stage = with(&[forward()], SIZE);
    stage.keys("S enter");
    assert!(stage.asked("recovery").is_none(), "cancel is chosen at first");
    stage.keys("S y");
    assert_eq!(stage.asked("recovery"), Some(&Request::Sweep(Box::new(pending(&[forward()])))));
}

#[test]
fn what_was_done_stands_beside_what_was_predicted() {
    let mut stage = with(&three(), SIZE);
    agree(&mut stage);
    let found = pending(&three()).recovery.steps.iter().map(done).collect();
    stage.answer("recovery", vec![Reply::Swept(found, None)]);
    let picture = stage.picture();
    assert!(picture.contains("3 of 3 settled, as predicted"), "{picture}");
    assert!(picture.contains("predicted roll back") && picture.contains("actual rolled back"), "{picture}");
    assert!(picture.contains("node:Person  23 → 22"), "{picture}");
    assert_eq!(stage.checks(), 1, "the other screens hear of it");
    stage.answer("recovery plan", seen(&[]));
    stage.keys("esc");
    assert!(stage.picture().contains("no interrupted write is pending"));
    assert!(!stage.picture().contains("Recovery!"), "nothing is counted any more");
}

#[test]
fn any_difference_is_an_error_to_report() {
    let wrong: [fn(&mut stratigraph_engine::recovery::Recovered); 3] = [
        |one| one.decision = Decision::RollForward,
        |one| one.outcomes[0].to_version = 21,
        |one| {
            one.outcomes.push(stratigraph_engine::recovery::TableOutcome {
                table_key: "edge:ReportsTo".to_owned(),
                from_version: 27,
                to_version: 26,
            });
        },
    ];
    for change in wrong {
        let mut stage = with(&[back()], SIZE);
        agree(&mut stage);
        let mut one = done(&back().1);
        change(&mut one);
        stage.answer("recovery", vec![Reply::Swept(vec![one], None)]);
        assert!(stage.picture().contains("not as predicted"), "{}", stage.picture());
        assert!(stage.toasts().iter().any(|text| text.contains("please report")), "{:?}", stage.toasts());
    }
}

#[test]
fn a_plan_that_is_out_of_date_does_nothing_and_marks_what_changed() {
    let mut stage = with(&three(), SIZE);
    agree(&mut stage);
    let mut changed = back();
    changed.1.tables[0].head = 24;
    let now = observation(&[forward(), changed.clone(), newer()]);
    stage.answer("recovery", vec![Reply::Outdated(Box::new(now.clone()))]);
    let picture = stage.picture();
    assert!(picture.contains("~ 8BADGE is gone since then"), "{picture}");
    assert!(picture.contains("~ head of node:Person was 23, is 24"), "{picture}");
    assert!(picture.contains("~ new since then"), "{picture}");
    assert!(stage.toasts().iter().any(|text| text.starts_with("nothing more was done")), "{:?}", stage.toasts());
    stage.answer("recovery plan", vec![Reply::Observed(Box::new(now.clone()))]);
    assert!(stage.picture().contains("~ new since then"), "the look after a write keeps the marks");
    stage.keys("ctrl-g r");
    stage.answer("recovery plan", vec![Reply::Observed(Box::new(now))]);
    assert!(!stage.picture().contains('~'), "a look that is asked for is a new start");
}

#[test]
fn what_a_failed_sweep_did_is_shown_with_the_failure() {
    let mut stage = with(&three(), SIZE);
    agree(&mut stage);
    let failure = Failure::new(ErrorKind::Unavailable, "the disk is full");
    let found = vec![done(&orphan().1)];
    stage.end("recovery", vec![Reply::Swept(found, Some(failure.clone()))], JobStatus::Failed(failure));
    let picture = stage.picture();
    assert!(picture.contains("1 of 3 settled, ended early") && picture.contains("the disk is full"), "{picture}");
    assert_eq!(picture.matches("not reached").count(), 2, "{picture}");
    assert_eq!(stage.asked("recovery plan"), Some(&Request::Observe), "what is pending is looked at again");
}

#[test]
fn healing_needs_the_graph_open_for_writing() {
    let mut stage = with(&[forward(), back()], SIZE);
    stage.keys("H");
    assert!(stage.bottom().contains("open for writing"), "{}", stage.bottom());
    stage.state.shared.writing.mode = Mode::Write;
    stage.keys("H");
    assert!(stage.picture().contains("8Q9QX4 Load on hiring/q4 by hr-sync: waits"), "{}", stage.picture());
    stage.keys("y");
    assert_eq!(stage.asked("heal"), Some(&Request::Heal(Box::new(pending(&[forward(), back()]).recovery))));
    stage.answer("heal", vec![Reply::Healed(audit(), vec![BACK.to_owned()])]);
    let picture = stage.picture();
    assert!(picture.contains("1 of 2 settled, as predicted"), "{picture}");
    assert!(picture.contains("waits, as foreseen"), "{picture}");
}

#[test]
fn nothing_is_healed_where_all_of_it_waits_or_is_refused() {
    for found in [vec![back()], vec![newer()]] {
        let mut stage = with(&found, SIZE);
        stage.state.shared.writing.mode = Mode::Write;
        stage.keys("H");
        assert!(stage.bottom().contains("needs no restore"), "{}", stage.bottom());
    }
    let mut stage = with(&[forward(), newer()], SIZE);
    stage.state.shared.writing.mode = Mode::Write;
    stage.keys("H");
    let picture = stage.picture();
    assert!(picture.contains("becomes visible") && picture.contains("AANEWR of an unknown writer: waits"), "{picture}");
}

#[test]
fn a_sweep_passes_over_what_is_refused_and_is_not_offered_where_that_is_all() {
    for found in [vec![refused()], vec![newer()], vec![refused(), unreadable()]] {
        let mut stage = with(&found, SIZE);
        stage.keys("S");
        assert!(stage.bottom().contains("cannot be settled: see what can be done"), "{}", stage.bottom());
    }
    let mut stage = with(&[refused(), forward()], SIZE);
    stage.keys("S");
    let picture = stage.picture();
    assert!(picture.contains("It stays where it is, and blocks writing until it is moved out (Q)."), "{picture}");
    assert!(picture.contains("becomes visible"), "{picture}");
}

#[test]
fn a_record_whose_tables_cannot_be_read_waits_and_says_that_others_go_on() {
    let (file, mut step) = back();
    (step.decision, step.tables) = (Decision::Wait, Vec::new());
    step.blocked = Some("its tables cannot be looked at: __manifest/_versions is missing".to_owned());
    let mut stage = with(&[(file, step), forward()], SIZE);
    stage.keys("S");
    let picture = stage.picture();
    assert!(picture.contains("- It waits until its tables can be read again; writing elsewhere goes"), "{picture}");
    stage.keys("esc j enter");
    let words = stage.words();
    for expected in ["cannot be looked at", "reading and writing elsewhere", "or delete the branch"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    assert!(!words.contains("all of the graph"), "{words}");
}

#[test]
fn a_record_that_cannot_be_right_says_what_it_blocks_and_that_it_can_be_moved_out() {
    let (file, mut step) = back();
    (step.decision, step.tables) = (Decision::Refuse, Vec::new());
    step.blocked = Some("it names node:Ghost, which main does not have".to_owned());
    let mut stage = with(&[(file, step)], SIZE);
    stage.keys("enter");
    let words = stage.words();
    for expected in ["node:Ghost, which main does not have", "all of the graph", "Q moves the file out of the graph"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    stage.keys("Q");
    stage.keys("ctrl-u");
    stage.text("/tmp/kept.json");
    stage.keys("enter");
    assert!(stage.picture().contains("Which of its tables moved is not known."), "{}", stage.picture());
}

#[test]
fn only_what_blocks_is_moved_out_and_the_question_says_what_that_means() {
    let mut stage = with(&[refused(), forward()], SIZE);
    stage.keys("j Q");
    assert!(stage.bottom().contains("only for what blocks"), "{}", stage.bottom());
    stage.keys("k Q");
    assert!(stage.picture().contains("/data/crm.01KQKZ0500AAAAAAAAAAAALOST.json"), "{}", stage.picture());
    stage.keys("ctrl-u");
    stage.text("/data/crm/kept.json");
    stage.keys("enter");
    let picture = stage.picture();
    assert!(picture.contains("/data/crm/kept.json is inside the graph: give a path outside of it"), "{picture}");
    stage.keys("ctrl-u");
    stage.text(" /tmp/kept.json ");
    stage.keys("enter");
    let picture = stage.picture();
    assert!(picture.contains("is moved to /tmp/kept.json."), "{picture}");
    assert!(picture.contains("Recovery will not know of that write any more."), "{picture}");
    assert!(picture.contains("The heads of node:Price are not their pins"), "{picture}");
    stage.text("crm");
    stage.keys("enter");
    let (file, _) = refused();
    let asked = Request::Quarantine { id: file.id.clone(), text: file.text, target: "/tmp/kept.json".into() };
    assert_eq!(stage.asked("quarantine"), Some(&asked));
    assert!(stage.is_write("quarantine"));
    stage.answer("quarantine", vec![Reply::Quarantined(file.id, "/tmp/kept.json".into())]);
    assert!(stage.toasts().iter().any(|text| text.contains("/tmp/kept.json")), "{:?}", stage.toasts());
    assert_eq!(stage.asked("drift"), Some(&Request::Drift), "what it named may be drift now");
}

#[test]
fn a_file_that_blocks_says_what_works_and_can_be_shown_copied_and_exported() {
    let mut stage = with(&[unreadable(), forward()], SIZE);
    let picture = stage.picture();
    assert!(picture.contains("Blocks") && picture.contains("Works") && picture.contains("reading"), "{picture}");
    let recovery = &stage.state.screens.recovery;
    let copies = recovery.copies(LIST, &stage.state.shared);
    assert!(copies.iter().any(|choice| choice.text == "{"), "{copies:?}");
    let Some(Content::Text { text, .. }) = recovery.export(LIST, &stage.state.shared) else {
        panic!("nothing to export")
    };
    assert!(text.contains("```json\n{\n```"), "{text}");
    stage.keys("i");
    assert!(stage.picture().contains("__recovery/01KQKZ1000AAAAAAAAAAAABRKN.json"), "{}", stage.picture());
}

#[test]
fn drift_says_what_was_done_past_the_pin() {
    let mut stage = with(&[forward()], SIZE);
    stage.keys("r");
    stage.answer("recovery plan", seen(&[forward()]));
    stage.answer("drift", vec![Reply::Drift(drift())]);
    stage.keys("]");
    let picture = stage.picture();
    assert!(picture.contains("node:Price on main"), "{picture}");
    assert!(picture.contains("head 14 is past its pin 12: Append, Delete"), "{picture}");
    stage.keys("i");
    assert!(stage.bottom().contains("no interrupted write is selected"), "{}", stage.bottom());
    stage.keys("enter");
    let words = stage.words();
    assert!(words.contains("`stratigraph recovery restore` discards it"), "{words}");
    assert!(words.contains("a new branch starts there"), "{words}");
}

#[test]
fn the_audit_leads_to_the_commit_is_filtered_and_exported() {
    let mut stage = with(&three(), SIZE);
    stage.keys("g c");
    assert!(stage.bottom().contains("only for what was recovered"), "{}", stage.bottom());
    stage.keys("a");
    assert_eq!(stage.asked("audit"), Some(&Request::Audit));
    stage.answer("audit", vec![Reply::Audit(audit())]);
    let picture = stage.picture();
    assert!(picture.find("rolled back") < picture.find("rolled forward"), "newest first\n{picture}");
    stage.keys("f");
    stage.text("forward");
    stage.keys("enter");
    let picture = stage.picture();
    assert!(!picture.contains("rolled back") && picture.contains("node:Document 4 → 5"), "{picture}");
    let content = stage.state.screens.recovery.export(super::AUDIT, &stage.state.shared);
    let Some(Content::Rows { batches, .. }) = content else { panic!("nothing to export") };
    assert_eq!(batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 1);
    stage.keys("g c");
    assert!(stage.is_on(ScreenId::History));
}

#[test]
fn a_failed_look_keeps_what_was_seen_and_says_so_in_the_pane() {
    let mut stage = with(&three(), SIZE);
    stage.keys("r");
    stage.fail("recovery plan", Failure::new(ErrorKind::Unavailable, "cannot read __recovery"));
    let picture = stage.picture();
    assert!(picture.contains("! could not look: cannot read __recovery") && picture.contains("8MJHW7"), "{picture}");
    assert_eq!(stage.toasts(), Vec::<String>::new());
}

#[test]
fn enter_shows_all_of_it_and_escape_comes_back() {
    let mut stage = with(&three(), SIZE);
    stage.keys("j enter");
    assert!(!stage.picture().contains("Interrupted 2/3"), "it has the whole body");
    stage.keys("esc");
    assert!(stage.picture().contains("Interrupted 2/3"));
    stage.keys("a esc");
    assert_eq!(stage.state.focus(), LIST);
}

#[test]
fn a_result_that_comes_when_another_screen_is_on_view_waits_here() {
    let mut stage = with(&[forward()], SIZE);
    stage.keys("S y 1");
    let start = stage.starts.iter().find(|start| start.slot.kind == "recovery").expect("it goes on").id;
    let swept = Reply::Swept(vec![done(&forward().1)], None);
    stage.event(Event::Reply(start, crate::effect::Reply::Recovery(swept)));
    stage.event(Event::Job(start, JobUpdate::Ended(JobStatus::Succeeded)));
    assert!(stage.is_on(ScreenId::History));
    stage.keys("5");
    assert_eq!(stage.state.focus(), OUTCOME);
    assert!(stage.picture().contains("1 of 1 settled"), "{}", stage.picture());
}

#[test]
fn what_is_agreed_to_late_waits_for_the_write_under_way() {
    let mut stage = with(&[forward()], SIZE);
    stage.keys("S y");
    let action = Action::SweepNow(Box::new(pending(&[forward()])));
    let effects = update(&mut stage.state, Any::Recovery(action));
    assert!(effects.is_empty(), "{effects:?}");
}
