//! The rules of interaction on plain values.

use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use stratigraph_engine::{ErrorKind, ProgressEvent};

use super::*;
use crate::action::{Setting, TermKind};
use crate::config::Config;
use crate::effect::{GraphInfo, Reply};
use crate::job::{JobId, JobStatus, JobUpdate};
use crate::keymap::parse_keys;
use crate::overlay::Overlay;
use crate::run::new_state;
use crate::screen::{PaneId, jobs};
use crate::theme::{GlyphSet, Surroundings};

fn at(milliseconds: u64) -> Now {
    Now { utc_micros: 1_777_713_243_000_000, elapsed: Duration::from_millis(milliseconds) }
}

fn state() -> State {
    let around = Surroundings { locale: Some("C.UTF-8".to_owned()), ..Surroundings::default() };
    new_state("/data/crm".to_owned(), Config::default(), around, (120, 30), at(0))
}

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let keys = parse_keys(keys).expect("known keys");
    let now = state.shared.now;
    keys.iter().flat_map(|key| handle(state, Event::Key(key.event()), now)).collect()
}

/// A state on the Jobs screen with the job that opens the graph.
fn with_job() -> (State, JobId) {
    let mut state = state();
    let effects = open_graph(&mut state);
    let [Effect::Start(start)] = effects.as_slice() else { panic!("one job: {effects:?}") };
    let id = start.id;
    press(&mut state, "6");
    (state, id)
}

fn opened() -> Reply {
    Reply::Opened(
        GraphInfo { name: "crm".to_owned(), uri: "/data/crm".to_owned(), stamp: 3 },
        crate::writing::Mode::ReadOnly,
    )
}

#[test]
fn a_sequence_waits_and_an_unknown_key_says_so() {
    let (mut state, _) = with_job();
    press(&mut state, "g");
    assert!(state.shared.pending.is_some() && state.ticks());
    press(&mut state, "q");
    assert_eq!(state.shared.notice.as_deref(), Some("g q does nothing here (? lists the keys)"));
    assert!(state.shared.pending.is_none());
    press(&mut state, "g esc");
    assert_eq!((state.shared.notice.as_deref(), state.shared.pending.as_ref()), (None, None));
}

#[test]
fn a_disabled_action_says_why_not() {
    let mut state = state();
    press(&mut state, "x");
    assert_eq!(state.shared.notice.as_deref(), Some("no job is running"));
    press(&mut state, "j");
    assert_ne!(state.shared.notice.as_deref(), Some("no job is running"), "a notice lasts until the next key");
}

#[test]
fn q_goes_back_the_way_one_came_and_quits_at_the_top() {
    let mut state = state();
    press(&mut state, "3 6");
    assert_eq!(state.shared.screen, ScreenId::Jobs);
    assert_eq!(press(&mut state, "q"), []);
    assert_eq!(state.shared.screen, ScreenId::Tables);
    press(&mut state, "q");
    assert_eq!(state.shared.screen, ScreenId::History);
    assert_eq!(press(&mut state, "q"), [Effect::Quit]);
}

#[test]
fn quitting_with_a_running_job_asks_and_can_wait() {
    let (mut state, id) = with_job();
    press(&mut state, "1");
    assert_eq!(update(&mut state, Action::Global(Global::Quit)), []);
    assert!(matches!(state.shared.overlays.last(), Some(Overlay::Choose(_))));
    assert_eq!(press(&mut state, "j enter"), []);
    let effects = handle(&mut state, Event::Job(id, JobUpdate::Ended(JobStatus::Succeeded)), at(10));
    assert_eq!(effects, [Effect::Quit]);
}

#[test]
fn ctrl_c_asks_to_quit_inside_any_overlay_once() {
    for opener in ["?", ":", "!"] {
        let mut state = state();
        press(&mut state, opener);
        press(&mut state, "ctrl-c ctrl-c");
        assert_eq!(state.shared.overlays.len(), 2, "{opener}");
        assert_eq!(press(&mut state, "j enter"), [Effect::Quit]);
    }
}

#[test]
fn replies_of_an_older_job_are_dropped() {
    let (mut state, first) = with_job();
    open_graph(&mut state);
    assert_eq!(handle(&mut state, Event::Reply(first, opened()), at(1)), []);
    assert_eq!(state.shared.graph_info(), None);
    assert_eq!(handle(&mut state, Event::Reply(JobId(99), opened()), at(1)), []);
}

#[test]
fn an_opened_graph_is_watched() {
    let (mut state, id) = with_job();
    let effects = handle(&mut state, Event::Reply(id, opened()), at(1));
    assert_eq!(effects, [Effect::WatchHeads(5)]);
    assert_eq!(press(&mut state, "p"), [Effect::WatchHeads(0)]);
    assert!(state.shared.paused);
    assert_eq!(press(&mut state, "p"), [Effect::WatchHeads(5), Effect::CheckHeads]);
}

#[test]
fn a_failed_job_becomes_a_message_with_its_chain_and_the_state_of_the_graph() {
    let (mut state, id) = with_job();
    let failure = Failure::new(ErrorKind::NotFound, "no manifest").caused_by("no such directory");
    handle(&mut state, Event::Job(id, JobUpdate::Ended(JobStatus::Failed(failure.clone()))), at(1));
    let message = state.shared.messages.history().next().expect("a message");
    assert_eq!(message.text, "open graph /data/crm failed");
    assert_eq!(message.causes, ["no manifest", "no such directory"]);
    assert!(message.next.is_some());
    assert_eq!(state.shared.graph, crate::state::GraphState::Failed(failure));
    assert!(matches!(press(&mut state, "r").as_slice(), [Effect::Start(_)]), "r opens it again");
    assert_eq!(state.shared.graph, crate::state::GraphState::Opening);
}

#[test]
fn a_job_is_over_once() {
    let (mut state, id) = with_job();
    handle(&mut state, Event::Job(id, JobUpdate::Started), at(1000));
    let phase = ProgressEvent::Advanced { done: 120, total: Some(310), unit: "rows" };
    handle(&mut state, Event::Job(id, JobUpdate::Progress(phase)), at(7000));
    let job = state.shared.jobs.find(id).expect("known").clone();
    assert_eq!(job.rate(at(7000)), Some(20.0));
    assert_eq!(job.estimate(at(7000)), Some(Duration::from_millis(9500)));
    assert_eq!(job.estimate(at(5900)), None, "no estimate before five seconds");
    handle(&mut state, Event::Job(id, JobUpdate::Ended(JobStatus::Cancelled)), at(8000));
    handle(&mut state, Event::Job(id, JobUpdate::Ended(JobStatus::Succeeded)), at(9000));
    let job = state.shared.jobs.find(id).expect("known");
    assert_eq!((&job.status, job.duration(at(99_000))), (&JobStatus::Cancelled, Duration::from_secs(7)));
}

#[test]
fn x_cancels_the_newest_job_and_the_selected_one_on_the_jobs_screen() {
    let (mut state, id) = with_job();
    assert_eq!(press(&mut state, "x"), [Effect::Cancel(id)]);
    assert_eq!(state.shared.jobs.find(id).map(|job| &job.status), Some(&JobStatus::Cancelling));
    press(&mut state, "1");
    assert_eq!(press(&mut state, "x"), [Effect::Cancel(id)]);
}

#[test]
fn the_filter_is_live_and_escape_drops_it() {
    let (mut state, _) = with_job();
    let count = |state: &State| state.screen().counter(jobs::LIST, TermKind::Filter, &state.shared).map(|c| c.this);
    press(&mut state, "f z z");
    assert_eq!(count(&state), Some(0));
    press(&mut state, "backspace backspace o p");
    assert_eq!(count(&state), Some(1));
    press(&mut state, "enter");
    let term = |state: &State, kind| state.shared.terms.of(ScreenId::Jobs, jobs::LIST, kind).map(|t| t.text.clone());
    assert_eq!(term(&state, TermKind::Filter).as_deref(), Some("op"));
    press(&mut state, "esc");
    assert_eq!(term(&state, TermKind::Filter), None);
    press(&mut state, "F");
    assert_eq!(term(&state, TermKind::Filter).as_deref(), Some("op"), "F brings the last filter back");
    press(&mut state, "tab");
    assert_eq!((term(&state, TermKind::Filter), term(&state, TermKind::Search).as_deref()), (None, Some("op")));
    press(&mut state, "esc");
    assert_eq!(term(&state, TermKind::Search), None);
}

#[test]
fn the_palette_runs_commands_with_arguments_and_remembers_them() {
    let mut state = state();
    press(&mut state, ": s e t space g l y p h s space a s c i i enter");
    assert_eq!(state.shared.theme.glyphs, GlyphSet::Ascii);
    assert_eq!(state.shared.palette_history, ["set glyphs ascii"]);
    press(&mut state, ": up enter");
    assert_eq!(state.shared.palette_history, ["set glyphs ascii"]);
    press(&mut state, ": s e t space t i m e space m a r s enter");
    assert_eq!(state.shared.overlays.len(), 1, "a refused argument stays to be edited");
}

#[test]
fn settings_can_be_changed_while_running() {
    let mut state = state();
    let set = |name: &str, value: &str| {
        Action::Global(Global::Set(Setting { name: name.to_owned(), value: value.to_owned() }))
    };
    assert_eq!(update(&mut state, set("mouse", "false")), [Effect::CaptureMouse(false)]);
    assert_eq!(update(&mut state, set("mouse", "false")), []);
    update(&mut state, set("time", "local"));
    assert_eq!(state.shared.config.time.value, crate::config::TimeDisplay::Local);
}

#[test]
fn a_broken_settings_file_keeps_the_old_settings() {
    let mut state = state();
    let before = state.shared.config.clone();
    let failure = Failure::new(ErrorKind::Invalid, "line 3: expected `=`");
    handle(&mut state, Event::Config(Err(failure)), at(1));
    assert_eq!(state.shared.config, before);
    assert_eq!(state.shared.messages.toasts().count(), 1);
}

#[test]
fn a_changed_file_takes_effect_and_leaves_what_was_set_by_hand() {
    let mut state = state();
    let setting = Setting { name: "time".to_owned(), value: "local".to_owned() };
    update(&mut state, Action::Global(Global::Set(setting)));
    let text = "ui = { time = \"utc\", glyphs = \"ascii\" }\nkeys.global = { \"ctrl-x\" = \"app.hlep\" }";
    let file = crate::config::parse(text).expect("valid");
    let files = vec![(file, crate::config::Origin::UserFile)];
    let config = crate::config::merge(files, &crate::config::Flags::default());
    handle(&mut state, Event::Config(Ok(Box::new(config))), at(1));
    assert_eq!(state.shared.config.time.value, crate::config::TimeDisplay::Local);
    assert_eq!(state.shared.theme.glyphs, GlyphSet::Ascii);
    let warnings = &state.shared.config.warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].text, "unknown action app.hlep, did you mean app.help?");
}

#[test]
fn copying_too_much_offers_a_file() {
    let mut state = state();
    let text = "x".repeat(crate::clipboard::LIMIT_BYTES);
    assert_eq!(update(&mut state, Action::Global(Global::Copy(text.clone()))), [Effect::Copy(text.clone())]);
    assert_eq!(update(&mut state, Action::Global(Global::Copy(text + "x"))), []);
    press(&mut state, "enter");
    assert!(matches!(state.shared.overlays.last(), Some(Overlay::Prompt(_))));
    let effects = press(&mut state, "enter");
    assert!(matches!(effects.as_slice(), [Effect::Start(_)]), "{effects:?}");
}

#[test]
fn an_existing_file_is_replaced_only_after_a_question() {
    let mut state = state();
    update(&mut state, Action::Global(Global::CopyToFile("text".to_owned())));
    let effects = press(&mut state, "enter");
    let [Effect::Start(start)] = effects.as_slice() else { panic!("{effects:?}") };
    handle(&mut state, Event::Reply(start.id, Reply::Exists("copy.txt".into())), at(1));
    assert!(matches!(state.shared.overlays.last(), Some(Overlay::Confirm(_))));
    assert_eq!(press(&mut state, "enter"), [], "Cancel is chosen at first");
    handle(&mut state, Event::Reply(start.id, Reply::Exists("copy.txt".into())), at(1));
    assert!(matches!(press(&mut state, "y").as_slice(), [Effect::Start(_)]));
}

#[test]
fn tab_zoom_and_split_work_on_the_screen_on_view() {
    let (mut state, _) = with_job();
    press(&mut state, "tab");
    assert_eq!(state.focus(), jobs::DETAILS);
    press(&mut state, "tab");
    assert_eq!(state.focus(), jobs::LIST);
    press(&mut state, "shift-tab z > >");
    let frame = state.shared.frame(ScreenId::Jobs);
    assert_eq!((frame.focus, frame.zoomed, frame.split), (jobs::DETAILS, true, 60));
    for _ in 0..30 {
        press(&mut state, "<");
    }
    assert_eq!(state.shared.frame(ScreenId::Jobs).split, 15);
    assert!(!state.shared.frame(ScreenId::History).zoomed);
}

#[test]
fn leaving_a_screen_cancels_its_reads_but_not_its_work() {
    let (mut state, work) = with_job();
    press(&mut state, "1");
    let (mut effects, mut next) = (Vec::new(), Vec::new());
    let slot = crate::job::Slot { screen: ScreenId::History, pane: PaneId("x"), kind: "read" };
    let mut cx = Context { shared: &mut state.shared, effects: &mut effects, next: &mut next };
    let read = cx.start_test_read(slot);
    let effects = press(&mut state, "6");
    assert_eq!(effects, [Effect::Cancel(read)]);
    assert_eq!(state.shared.jobs.find(work).map(|job| &job.status), Some(&JobStatus::Queued));
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let (mut state, _) = with_job();
    let row = crate::view::Target::Row { pane: jobs::LIST, index: 0 };
    state.shared.regions.push(ratatui::layout::Rect::new(0, 3, 40, 1), row);
    let kind = MouseEventKind::Down(MouseButton::Left);
    let click = MouseEvent { kind, column: 5, row: 3, modifiers: KeyModifiers::NONE };
    handle(&mut state, Event::Mouse(click), at(1));
    assert_eq!(state.focus(), jobs::LIST);
    handle(&mut state, Event::Mouse(click), at(2));
    assert_eq!(state.focus(), jobs::DETAILS);
}

#[test]
fn unchanged_heads_wake_nobody_and_pause_freezes_them() {
    let mut state = state();
    let heads =
        |number| Event::Heads(Ok([(stratigraph_engine::BranchName::main(), crate::stage::seen(number))].into()));
    handle(&mut state, heads(3), at(1));
    state.shared.paused = true;
    handle(&mut state, heads(4), at(2));
    assert_eq!(state.shared.heads.values().cloned().collect::<Vec<_>>(), [crate::stage::seen(3)]);
    state.shared.paused = false;
    handle(&mut state, heads(4), at(3));
    assert_eq!(state.shared.heads.values().cloned().collect::<Vec<_>>(), [crate::stage::seen(4)]);
}

#[test]
fn a_branch_that_was_made_again_has_moved_whatever_its_version() {
    let work: stratigraph_engine::BranchName = "work".parse().expect("valid");
    let looks = |identity: &str| {
        let heads = [
            (stratigraph_engine::BranchName::main(), crate::stage::seen(3)),
            (work.clone(), crate::stage::life(4, identity)),
        ];
        Event::Heads(Ok(heads.into()))
    };
    let mut state = state();
    for (look, identity) in [(1, "first"), (2, "first"), (3, "second")] {
        handle(&mut state, looks(identity), at(look));
    }
    let (before, now) = (&state.shared.former_heads, &state.shared.heads);
    assert!(crate::event::is_remade(before, now, &work));
    assert!(!crate::event::is_remade(before, now, &stratigraph_engine::BranchName::main()));
}

#[test]
fn an_export_that_was_refused_leaves_no_job() {
    for (answer, jobs) in [("n", 0), ("y", 1)] {
        let (mut state, opening) = with_job();
        handle(&mut state, Event::Job(opening, JobUpdate::Ended(JobStatus::Succeeded)), at(1));
        let content = crate::export::Content::Text { name: "copy".to_owned(), text: "text".into() };
        state.shared.export = Some((content, crate::export::Format::Markdown));
        let effects = update(&mut state, Action::Global(Global::ExportTo("copy.txt".to_owned())));
        let [Effect::Start(start)] = effects.as_slice() else { panic!("one job: {effects:?}") };
        let exists = Reply::Exists("copy.txt".into());
        handle(&mut state, Event::Reply(start.id, exists), at(2));
        handle(&mut state, Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)), at(2));
        for effect in press(&mut state, answer) {
            let Effect::Start(start) = effect else { panic!("a job: {effect:?}") };
            handle(&mut state, Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)), at(3));
        }
        let exports = state.shared.jobs.in_order().iter().filter(|job| job.slot.kind == "export").count();
        assert_eq!(exports, jobs, "{answer}");
    }
}

#[test]
fn copying_promises_no_more_than_the_terminal_does() {
    let mut state = state();
    handle(&mut state, Event::Copied(Ok(5)), at(1));
    let said: Vec<_> = state.shared.messages.toasts().map(|toast| toast.text.as_str()).collect();
    assert_eq!(said, ["sent 5 B to the terminal's clipboard"]);

    let mut state = self::state();
    update(&mut state, Action::Global(Global::Copy("Oslo\nBergen".to_owned())));
    handle(&mut state, Event::Copied(Ok(11)), at(1));
    let said: Vec<_> = state.shared.messages.toasts().map(|toast| toast.text.as_str()).collect();
    assert_eq!(said, ["sent 11 B to the terminal's clipboard: Oslo (2 lines)"]);
}

#[test]
fn a_job_has_the_same_state_in_the_list_and_in_the_details() {
    let (mut state, id) = with_job();
    for status in [JobStatus::Succeeded, JobStatus::Cancelled] {
        let shown = crate::view::job_row(state.shared.jobs.find(id).expect("there"), at(1)).state.name();
        assert_eq!(shown, state.shared.jobs.find(id).expect("there").status.word());
        handle(&mut state, Event::Job(id, JobUpdate::Ended(status)), at(1));
    }
    let job = state.shared.jobs.find(id).expect("there");
    assert_eq!((job.status.word(), crate::view::job_row(job, at(2)).state.name()), ("succeeded", "succeeded"));
}

#[test]
fn interrupted_writes_are_said_once_and_counted_on() {
    let (mut state, id) = with_job();
    handle(&mut state, Event::Reply(id, opened()), at(1));
    handle(&mut state, Event::Interrupted(Ok(crate::stage::interrupted(1))), at(2));
    assert_eq!(state.shared.messages.toasts().count(), 1);
    handle(&mut state, Event::Interrupted(Ok(crate::stage::interrupted(2))), at(3));
    let said: Vec<_> = state.shared.messages.history().map(|message| (message.level, message.text.as_str())).collect();
    let text = "1 interrupted write is pending: 5 shows Recovery";
    assert_eq!(
        (said, state.shared.interrupted.clone()),
        (vec![(Level::Warning, text)], Some(crate::stage::interrupted(2)))
    );
    assert_eq!(state.shared.messages.toasts().count(), 0, "it is not true any more");
    state.shared.paused = true;
    handle(&mut state, Event::Interrupted(Ok(crate::stage::interrupted(0))), at(4));
    assert_eq!(state.shared.interrupted, Some(crate::stage::interrupted(2)), "a frozen screen stays as it is");
}

#[test]
fn interrupted_writes_are_looked_for_even_if_nothing_is_watched() {
    let (mut state, id) = with_job();
    let config = std::rc::Rc::make_mut(&mut state.shared.config);
    config.refresh_seconds.value = 0;
    let effects = handle(&mut state, Event::Reply(id, opened()), at(1));
    assert_eq!(effects, [Effect::WatchHeads(0), Effect::CheckHeads]);
}
