//! Random keys, clicks, replies in random order and resizes down to 1×1: nothing panics and the state stays sound.

use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use stratigraph_engine::{ErrorKind, ProgressEvent};

use crate::config::Config;
use crate::effect::{Effect, GraphInfo, Reply};
use crate::event::{Event, Now};
use crate::job::{JobId, JobStatus, JobUpdate};
use crate::keymap::parse_keys;
use crate::message::{Failure, Messages};
use crate::run::new_state;
use crate::screen::ScreenId;
use crate::state::State;
use crate::theme::Surroundings;
use crate::update::{handle, open_graph};
use crate::view::view;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Key(usize),
    Letter(char),
    Click(u16, u16),
    Wheel(u16, u16),
    Resize(u16, u16),
    Job(prop::sample::Index, u8),
    Opened(prop::sample::Index),
    Heads(u64),
    Tick(u64),
    Paste(String),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<usize>().prop_map(Step::Key),
        2 => prop::char::range(' ', '~').prop_map(Step::Letter),
        2 => (0u16..130, 0u16..40).prop_map(|(x, y)| Step::Click(x, y)),
        1 => (0u16..130, 0u16..40).prop_map(|(x, y)| Step::Wheel(x, y)),
        2 => (1u16..130, 1u16..40).prop_map(|(x, y)| Step::Resize(x, y)),
        1 => Just(Step::Resize(1, 1)),
        3 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(job, kind)| Step::Job(job, kind)),
        1 => any::<prop::sample::Index>().prop_map(Step::Opened),
        1 => (0u64..9).prop_map(Step::Heads),
        1 => (0u64..20_000).prop_map(Step::Tick),
        1 => "\\PC{0,8}".prop_map(Step::Paste),
    ]
}

/// Every key the registry knows, and those of the overlays.
fn keys(state: &State) -> Vec<&'static str> {
    let mut keys: Vec<&str> = state.shared.registry.iter().flat_map(|row| row.keys.iter().copied()).collect();
    keys.extend(["enter", "esc", "tab", "y", "backspace", "up", "down"]);
    keys
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Event {
    Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

fn update_of(kind: u8) -> JobUpdate {
    let failure = || Failure::new(ErrorKind::Unavailable, "the disk went away").caused_by("no such device");
    match kind % 7 {
        0 => JobUpdate::Started,
        1 => JobUpdate::Progress(ProgressEvent::Advanced { done: u64::from(kind), total: Some(100), unit: "rows" }),
        2 => JobUpdate::Progress(ProgressEvent::Message("said".to_owned())),
        3 => JobUpdate::Progress(ProgressEvent::Phase { index: 1, count: 2, name: "walk", cancellable: true }),
        4 => JobUpdate::Ended(JobStatus::Failed(failure())),
        5 => JobUpdate::Ended(JobStatus::Cancelled),
        _ => JobUpdate::Ended(JobStatus::Succeeded),
    }
}

fn events(step: Step, state: &State, jobs: &[JobId]) -> Vec<Event> {
    let pick = |index: prop::sample::Index| if jobs.is_empty() { JobId(0) } else { *index.get(jobs) };
    match step {
        Step::Key(index) => {
            let keys = keys(state);
            let keys = parse_keys(keys[index % keys.len()]).expect("known keys");
            keys.into_iter().map(|key| Event::Key(key.event())).collect()
        }
        Step::Letter(letter) => {
            let code = crossterm::event::KeyCode::Char(letter);
            vec![Event::Key(crossterm::event::KeyEvent::new(code, KeyModifiers::NONE))]
        }
        Step::Click(x, y) => vec![mouse(MouseEventKind::Down(MouseButton::Left), x, y)],
        Step::Wheel(x, y) => vec![mouse(MouseEventKind::ScrollDown, x, y)],
        Step::Resize(columns, rows) => vec![Event::Resize(columns, rows)],
        Step::Job(index, kind) => vec![Event::Job(pick(index), update_of(kind))],
        Step::Opened(index) => {
            let info = GraphInfo { name: "crm".to_owned(), uri: "/data/crm".to_owned(), stamp: 3 };
            vec![Event::Reply(pick(index), Reply::Opened(info, crate::writing::Mode::ReadOnly))]
        }
        Step::Heads(version) => {
            let head = crate::stage::life(version / 2, if version % 2 == 0 { "first" } else { "second" });
            vec![Event::Heads(Ok([(stratigraph_engine::BranchName::main(), head)].into()))]
        }
        Step::Tick(_) => vec![Event::Tick],
        Step::Paste(text) => vec![Event::Paste(text)],
    }
}

fn sound(state: &State) -> Result<(), TestCaseError> {
    let panes = state.screen().panes();
    prop_assert!(panes.iter().any(|pane| pane.id == state.focus()), "the focus is on a pane");
    prop_assert!(state.shared.messages.toasts().count() <= Messages::TOASTS);
    prop_assert!(!state.shared.trail.contains(&state.shared.screen), "one never goes back to where one is");
    prop_assert!(state.shared.trail.len() < ScreenId::ALL.len());
    let split = state.shared.frame(state.shared.screen).split;
    prop_assert!((15..=85).contains(&split));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_the_user_or_the_jobs_do_panics(steps in prop::collection::vec(step(), 1..60)) {
        let around = Surroundings { locale: Some("C.UTF-8".to_owned()), ..Surroundings::default() };
        let mut now = Now { utc_micros: 1_777_713_243_000_000, elapsed: Duration::ZERO };
        let mut state = new_state("/data/crm".to_owned(), Config::default(), around, (100, 30), now);
        let mut jobs: Vec<JobId> = Vec::new();
        let note = |effects: Vec<Effect>, jobs: &mut Vec<JobId>| {
            jobs.extend(effects.into_iter().filter_map(|effect| match effect {
                Effect::Start(start) => Some(start.id),
                _ => None,
            }));
        };
        note(open_graph(&mut state), &mut jobs);
        let mut terminal = Terminal::new(TestBackend::new(100, 30)).expect("a test terminal");
        for step in steps {
            if let Step::Tick(milliseconds) = step {
                now.elapsed += Duration::from_millis(milliseconds);
            }
            for event in events(step, &state, &jobs) {
                if let Event::Resize(columns, rows) = event {
                    terminal.backend_mut().resize(columns, rows);
                }
                note(handle(&mut state, event, now), &mut jobs);
            }
            let mut regions = crate::view::Regions::default();
            terminal.draw(|frame| regions = view(&state, frame)).expect("drawn");
            state.shared.regions = regions;
            sound(&state)?;
        }
    }
}
