//! Confirming, merging, and what is there afterwards.

use stratigraph_engine::merge::{ConflictKind, MergeOutcome, MergeWay, Merged};
use stratigraph_engine::write::{Written, WrittenTable};
use stratigraph_engine::{ErrorKind, ManifestVersion, ProgressEvent};

use super::super::request::{Done, Observed, Reply, Request};
use super::super::{Action, Ending, Step};
use super::stage::{Stage, branch, divergent, heads, id, key, preview, table};
use crate::effect::Effect;
use crate::event::Event;
use crate::job::{JobStatus, JobUpdate, Lifetime};
use crate::message::Failure;
use crate::overlay::Overlay;
use crate::screen::ScreenId;
use crate::writing::Mode;

pub(super) fn done() -> Done {
    let written = Written {
        commit: id("01M7ZTGDXYKVD9N873RVGQD10C"),
        branch: branch("main"),
        manifest_version: ManifestVersion::new(8),
        tables: vec![
            WrittenTable { key: key("edge:WorksOn"), version: 5, rows: 2406 },
            WrittenTable { key: key("node:Person"), version: 9, rows: 412 },
        ],
        sidecar_left: false,
    };
    let tables = vec![
        table("edge:WorksOn", MergeWay::Delta, [1204, 0, 3, 0]),
        table("node:Person", MergeWay::Rewrite, [1, 2, 0, 0]),
    ];
    Done {
        merged: Merged { outcome: MergeOutcome::Merged, written: Some(written), tables },
        short: Some("QD10C".to_owned()),
        before: vec![(key("edge:WorksOn"), 4), (key("node:Person"), 7), (key("node:Quiet"), 2)],
    }
}

#[test]
fn nothing_is_confirmed_while_a_conflict_is_open_or_unchecked() {
    let mut stage = Stage::with(120, 30, vec![divergent("bob", &["city"], true)]);
    stage.keys("C");
    assert_eq!(stage.state.shared.notice.as_deref(), Some("1 conflict is open"));
    stage.keys("tab enter");
    stage.rows();
    stage.keys("s C");
    assert_eq!(stage.state.shared.notice.as_deref(), Some("the choices are being checked"));
    assert!(stage.state.shared.overlays.is_empty());
    stage.checked();
    stage.keys("C");
    assert!(matches!(stage.state.shared.overlays.last(), Some(Overlay::Confirm(_))));
}

#[test]
fn the_plan_is_text_and_cancel_is_chosen() {
    let mut stage = Stage::with(120, 30, vec![divergent("bob", &["city"], true)]);
    stage.keys("tab enter");
    stage.rows();
    stage.keys("s");
    stage.checked();
    stage.keys("C");
    let words = stage.words();
    for part in [
        "Merge people into main?",
        "people at 2H3W3Z into main at 6HJ3M0, last common commit 7VXZ68",
        "edge:WorksOn delta +1,204 ~0 -3",
        "1 table as before",
        "1 conflict decided, 1 by hand: source 1",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    stage.keys("enter");
    assert!(stage.asked("merge").is_none(), "Cancel has the focus");
    assert_eq!(stage.state.screens.merge.step, Step::Resolve);
}

#[test]
fn agreeing_opens_for_writing_first_and_merges_then() {
    let mut stage = Stage::conflictless(120, 30);
    stage.state.shared.writing.actor = Some("dana".to_owned());
    stage.keys("C y");
    assert!(stage.asked("merge").is_none(), "the graph is open for reading only");
    let look = stage.starts.iter().find(|start| start.request == crate::effect::Request::LookAhead);
    let look = look.expect("what opening does is found out first").clone();
    stage.opened(&look, Mode::Write);
    let Some(Request::Merge { actor, .. }) = stage.asked("merge") else { panic!("not merged") };
    assert_eq!(actor.as_deref(), Some("dana"));
    let start = stage.starts.iter().find(|start| start.slot.kind == "merge").expect("there");
    assert_eq!(start.lifetime, Lifetime::Write);
}

#[test]
fn once_a_branch_moved_nothing_says_that_it_merges() {
    let mut resolved = Stage::with(120, 30, vec![divergent("ada", &["age"], false)]);
    resolved.keys("tab enter s");
    resolved.checked();
    for mut stage in [Stage::conflictless(120, 30), resolved] {
        assert!(stage.picture().contains("C merges"), "{}", stage.picture());
        stage.heads(&[("main", 8), ("people", 4)]);
        let picture = stage.picture();
        assert!(picture.contains("a branch moved: r previews again") && !picture.contains("C merges"), "{picture}");
        stage.keys("enter");
        assert!(!stage.picture().contains("C merges"), "{}", stage.picture());
    }
}

#[test]
fn a_branch_that_was_made_again_has_moved_whatever_its_version() {
    for version in [3, 4, 5] {
        let mut stage = Stage::choosing(120, 30);
        let looks = |version, identity: &str| {
            let heads = [("main", crate::stage::seen(7)), ("people", crate::stage::life(version, identity))];
            let heads = heads.map(|(name, head)| (super::stage::branch(name), head));
            crate::event::Event::Heads(Ok(heads.into()))
        };
        stage.event(looks(4, "first"));
        stage.keys("enter enter");
        stage.answer("merge preview", vec![Reply::Preview(Box::new(preview(Vec::new())))]);
        assert!(stage.picture().contains("C merges"), "{}", stage.picture());
        stage.event(looks(version, "second"));
        let picture = stage.picture();
        assert!(picture.contains("a branch moved: r previews again") && !picture.contains("C merges"), "{picture}");
        stage.keys("r");
        stage.answer("merge preview", vec![Reply::Preview(Box::new(preview(Vec::new())))]);
        assert_eq!(stage.picture().contains("C merges"), version <= 4, "it is the new branch that was compared");
    }
}

#[test]
fn a_head_that_moves_between_question_and_answer_is_caught() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.heads(&[("main", 7), ("people", 4)]);
    stage.keys("C");
    stage.heads(&[("main", 8), ("people", 4)]);
    stage.keys("y");
    assert!(stage.asked("merge").is_none());
    assert!(stage.state.shared.notice.as_deref().is_some_and(|it| it.starts_with("not merged: a branch moved")));
}

/// The screen when the jobs on it have been at work for a while.
fn later(stage: &mut Stage) -> String {
    stage.state.shared.now.elapsed = crate::stage::NOW.elapsed + std::time::Duration::from_secs(2);
    stage.picture()
}

#[test]
fn phases_and_the_point_of_no_return_are_on_view() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.keys("C y");
    let start = stage.newest("merge");
    let phase =
        |index, name, cancellable| JobUpdate::Progress(ProgressEvent::Phase { index, count: 3, name, cancellable });
    stage.event(Event::Job(start.id, phase(1, "stage", true)));
    let picture = later(&mut stage);
    assert!(picture.contains("1/3 stage") && picture.contains("x stops it"), "{picture}");
    assert!(picture.contains("x cancel"), "{picture}");
    stage.keys("esc");
    assert_eq!(stage.state.screens.merge.step, Step::Result, "the way back is not free any more");
    stage.event(Event::Job(start.id, phase(2, "apply tables", false)));
    let picture = later(&mut stage);
    assert!(picture.contains("from here on it goes on to its end"), "{picture}");
    assert!(picture.contains("apply tables  2s") && !picture.contains("x cancel"), "{picture}");
    // It is entered again for each table, and is one phase all the same.
    stage.event(Event::Job(start.id, phase(2, "apply tables", false)));
    assert_eq!(later(&mut stage), picture);
    stage.keys("x");
    assert!(!stage.effects.contains(&Effect::Cancel(start.id)), "it is not stopped");
}

#[test]
fn a_merge_that_was_asked_to_stop_says_so_and_not_how() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.keys("C y");
    let start = stage.newest("merge");
    let phase = ProgressEvent::Phase { index: 1, count: 3, name: "stage", cancellable: true };
    stage.event(Event::Job(start.id, JobUpdate::Progress(phase)));
    stage.keys("x");
    assert!(stage.effects.contains(&Effect::Cancel(start.id)));
    let picture = later(&mut stage);
    assert!(picture.contains("it stops as soon as it can") && picture.contains("cancelling"), "{picture}");
    assert!(!picture.contains("x cancel") && !picture.contains("x stops it"), "{picture}");
}

#[test]
fn the_result_names_commit_and_versions_and_leads_to_the_history() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.keys("C y");
    stage.effects.clear();
    stage.answer("merge", vec![Reply::Merged(Box::new(done()))]);
    assert!(stage.effects.contains(&Effect::CheckHeads), "others see it at once");
    let words = stage.words();
    for part in ["merge: people → main", "01M7ZTGDXYKVD9N873RVGQD10C is main@v8", "4 → 5", "7 → 9", "1 table as before"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
    stage.keys("enter");
    assert_eq!(stage.state.shared.screen, ScreenId::History);
}

#[test]
fn a_merge_that_was_refused_says_what_moved_and_is_previewed_again() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.keys("C y");
    stage.answer("merge", vec![Reply::Moved(vec!["main moved from 6HJ3M0 to AAAAAA".to_owned()])]);
    let words = stage.words();
    assert!(words.contains("nothing was written") && words.contains("main moved from 6HJ3M0 to AAAAAA"), "{words}");
    stage.keys("r");
    assert_eq!(stage.state.screens.merge.step, Step::Preview);
    assert!(stage.asked("merge preview").is_some());
}

#[test]
fn a_merge_that_failed_says_how_the_graph_is() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.keys("C y");
    let start = stage.newest("merge");
    let observed = Observed { head: Ok(Some(heads().target)), sidecars: Ok(1) };
    stage.event(Event::Reply(start.id, crate::effect::Reply::Merge(Reply::Observed(observed))));
    let failure = Failure::new(ErrorKind::Unavailable, "the disk is full");
    stage.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Failed(failure))));
    let words = stage.words();
    for part in ["! the disk is full", "branch head: unchanged", "1 interrupted write pending"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn a_merge_that_was_stopped_wrote_nothing() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.keys("C y");
    let start = stage.newest("merge");
    stage.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Cancelled)));
    assert!(stage.picture().contains("stopped: nothing was written"));
    stage.keys("esc");
    assert_eq!(stage.state.screens.merge.step, Step::Preview);
}

#[test]
fn the_source_is_deleted_after_its_name_was_typed() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.keys("C y");
    stage.answer("merge", vec![Reply::Merged(Box::new(done()))]);
    stage.keys("D y enter");
    assert!(stage.asked("delete branch").is_none(), "y is typed and is not its name");
    stage.keys("backspace");
    stage.text("people");
    stage.keys("enter");
    let Some(Request::DeleteSource(name, head)) = stage.asked("delete branch") else { panic!("not asked") };
    assert_eq!((name.as_str(), *head), ("people", heads().source));
    stage.answer("delete branch", vec![Reply::Deleted(branch("people"))]);
    assert!(stage.picture().contains("people is deleted"));
    stage.keys("D");
    assert!(stage.state.shared.overlays.is_empty());
}

#[test]
fn a_target_that_has_everything_is_not_merged_into() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("enter enter");
    let current = super::super::Preview { outcome: MergeOutcome::AlreadyUpToDate, ..preview(Vec::new()) };
    stage.answer("merge preview", vec![Reply::Preview(Box::new(current))]);
    stage.keys("C");
    assert!(stage.state.shared.notice.as_deref().is_some_and(|it| it.contains("nothing to merge")));
    assert!(stage.words().contains("already up to date: main has every commit of people"));
}

#[test]
fn another_screen_does_not_take_the_branches_away_while_merging() {
    let mut stage = Stage::conflictless(120, 30);
    stage.write();
    stage.keys("C y");
    stage.act(Action::Choose { source: branch("prices"), target: branch("main") });
    assert!(matches!(stage.state.screens.merge.ending, Ending::Running));
    assert_eq!(stage.state.screens.merge.step, Step::Result);
}

#[test]
fn a_record_that_blocks_writing_is_named_in_place_of_the_key() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("enter enter");
    let first = vec!["! CB5A4F blocks writing: it names node:Ghost".to_owned()];
    let pending = super::super::Preview { first, blocked_by: Some("CB5A4F".to_owned()), ..preview(Vec::new()) };
    stage.answer("merge preview", vec![Reply::Preview(Box::new(pending))]);
    let words = stage.words();
    assert!(words.contains("no conflict, but CB5A4F blocks writing: 5 says why"), "{words}");
    assert!(words.contains("the graph cannot be opened for writing now: ! CB5A4F"), "{words}");
    assert!(!words.contains("C merges"), "{words}");
}

#[test]
fn what_opening_does_first_is_in_the_preview_and_the_preview_is_made_again_after_it() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("enter enter");
    let first =
        vec!["1 interrupted write is settled first:".to_owned(), "  ABC123  load on main: roll back".to_owned()];
    let pending = super::super::Preview { first, ..preview(Vec::new()) };
    stage.answer("merge preview", vec![Reply::Preview(Box::new(pending))]);
    assert!(stage.words().contains("opening for writing does this first: 1 interrupted write is settled first:"));
    stage.state.shared.writing.actor = Some("dana".to_owned());
    stage.keys("C");
    assert!(stage.words().contains("settles interrupted writes first, with a question of its own"));
    stage.keys("y");
    let look = stage.starts.iter().find(|start| start.request == crate::effect::Request::LookAhead);
    let look = look.expect("what opening does is found out first").clone();
    stage.opened(&look, Mode::Write);
    assert!(stage.asked("merge").is_none(), "what was settled may change what was confirmed");
    assert!(matches!(stage.asked("merge preview"), Some(Request::Preview { look_ahead: false, .. })));
    stage.answer("merge preview", vec![Reply::Preview(Box::new(preview(Vec::new())))]);
    stage.keys("C y");
    assert!(stage.asked("merge").is_some());
}

#[test]
fn kinds_of_conflicts_are_counted_in_the_preview() {
    let stage = Stage::previewed(120, 30);
    let words = stage.words();
    assert!(words.contains(&format!("3 {}", super::super::words::kind(ConflictKind::DivergentUpdate))), "{words}");
    assert!(words.contains("8 of 8 open") && words.contains("1 table read whole"), "{words}");
}
