//! What a recording holds, and what it does not.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use stratigraph_engine::{ErrorKind, ProgressEvent};

use super::*;
use crate::config::{Config, Flags, merge};
use crate::event::{Event, Now};
use crate::job::{JobId, JobStatus, JobUpdate};
use crate::message::Failure;
use crate::theme::Surroundings;

fn header(uri: &str) -> Header {
    let around = Surroundings { locale: Some("C.UTF-8".to_owned()), ..Surroundings::default() };
    Header::new(uri, 1_777_713_243_000_000, (120, 30), &around, &Config::default())
}

fn at(milliseconds: u64) -> Now {
    Now { utc_micros: 0, elapsed: Duration::from_millis(milliseconds) }
}

fn recorded(uri: &str, events: &[(u64, Event)]) -> String {
    let mut text = Vec::new();
    let mut recorder = Recorder::begin(&mut text, &header(uri)).expect("memory can be written");
    for (when, event) in events {
        recorder.event(event, at(*when)).expect("memory can be written");
    }
    String::from_utf8(text).expect("it is text")
}

fn whats(text: &str) -> Vec<(u64, What)> {
    let recording = Recording::parse(text).expect("it was just written");
    recording.lines.into_iter().map(|line| (line.at / 1000, line.what)).collect()
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

#[test]
fn what_is_written_is_read_back() {
    let phase = ProgressEvent::Phase { index: 2, count: 4, name: "record the intent", cancellable: true };
    let name = |name: &str| name.parse().expect("a name");
    let heads = [(name("main"), crate::stage::seen(7)), (name("work"), crate::stage::life(5, "a1"))].into();
    let click =
        MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column: 3, row: 4, modifiers: KeyModifiers::NONE };
    let text = recorded(
        "/data/crm",
        &[
            (1, key(KeyCode::Char('G'), KeyModifiers::SHIFT)),
            (2, key(KeyCode::Char('d'), KeyModifiers::CONTROL)),
            (3, key(KeyCode::Char(' '), KeyModifiers::NONE)),
            (4, Event::Resize(80, 24)),
            (5, Event::Mouse(click)),
            (6, Event::Job(JobId(3), JobUpdate::Started)),
            (7, Event::Job(JobId(3), JobUpdate::Progress(phase))),
            (8, Event::Job(JobId(3), JobUpdate::Ended(JobStatus::Cancelled))),
            (9, Event::Heads(Ok(heads))),
            (10, Event::Interrupted(Ok(crate::stage::interrupted(2)))),
            (11, Event::Terminate),
        ],
    );
    let work = SeenHead::Named(5, "a1".to_owned());
    let expected = vec![
        (1, What::Key("G".to_owned())),
        (2, What::Key("ctrl-d".to_owned())),
        (3, What::Key("space".to_owned())),
        (4, What::Resize(80, 24)),
        (5, What::Mouse { what: Click::Left, column: 3, row: 4 }),
        (6, What::Began(3)),
        (7, What::Phase { job: 3, name: "record the intent".to_owned() }),
        (8, What::Ended { job: 3, how: Ended::Cancelled }),
        (9, What::Heads([("main".to_owned(), SeenHead::Version(7)), ("work".to_owned(), work)].into())),
        (10, What::Interrupted(crate::stage::interrupted(2))),
        (11, What::Terminate),
    ];
    assert_eq!(whats(&text), expected);
    assert!(text.contains(r#""heads":{"main":7,"work":[5,"a1"]}"#), "{text}");
}

#[test]
fn of_ticks_in_a_row_the_last_is_kept_and_what_means_nothing_is_not() {
    let drag =
        MouseEvent { kind: MouseEventKind::Drag(MouseButton::Left), column: 0, row: 0, modifiers: KeyModifiers::NONE };
    let count = ProgressEvent::Advanced { done: 1, total: None, unit: "rows" };
    let text = recorded(
        "/data/crm",
        &[
            (1, Event::Tick),
            (2, Event::Tick),
            (3, Event::Mouse(drag)),
            (4, Event::Job(JobId(1), JobUpdate::Progress(count))),
            (5, Event::Tick),
            (6, key(KeyCode::Char('j'), KeyModifiers::NONE)),
            (7, Event::Tick),
        ],
    );
    assert_eq!(whats(&text), [(5, What::Tick), (6, What::Key("j".to_owned()))]);
}

#[test]
fn what_is_found_again_is_recorded_after_something_else_only() {
    let found = |at, count| (at, Event::Interrupted(Ok(crate::stage::interrupted(count))));
    let key = (4, key(KeyCode::Char('p'), KeyModifiers::NONE));
    let text = recorded("/data/crm", &[found(1, 2), found(2, 2), found(3, 3), key, found(5, 3), found(6, 3)]);
    let times: Vec<u64> = whats(&text).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [1, 3, 4, 5]);
}

#[test]
fn no_secret_of_a_uri_is_recorded() {
    let failure = Failure::new(ErrorKind::Unavailable, "cannot reach s3://key:hidden@bucket/crm");
    let text = recorded(
        "s3://key:hidden@bucket/crm?sig=hidden",
        &[
            (1, Event::Paste("see s3://key:hidden@bucket\nand https://h/x?sig=hidden".to_owned())),
            (2, Event::Job(JobId(1), JobUpdate::Ended(JobStatus::Failed(failure.clone())))),
            (3, Event::Heads(Err(failure))),
        ],
    );
    assert!(!text.contains("hidden"), "{text}");
    assert!(text.contains("s3://key:***@bucket/crm"), "{text}");
    let pasted = "see s3://key:***@bucket\nand https://h/x?sig=***".to_owned();
    assert_eq!(whats(&text)[0], (1, What::Paste(pasted)));
}

#[test]
fn settings_come_back() {
    let flags = Flags { ascii: true, reduced_motion: true, actor: Some("dana".to_owned()), ..Flags::default() };
    let mut config = merge(Vec::new(), &flags);
    config.branches.offer(Some(vec!["main".to_owned(), "team/*".to_owned()]), crate::config::Origin::Flag);
    let header = Header::new("/data/crm", 0, (80, 24), &Surroundings::default(), &config);
    let again = header.config();
    assert_eq!((again.glyphs.value, again.motion.value), (config.glyphs.value, config.motion.value));
    assert_eq!((again.actor.value, again.branches.value), (config.actor.value, config.branches.value));
}

#[test]
fn a_line_that_was_cut_off_is_left_out_and_a_broken_one_is_told() {
    let text = recorded("/data/crm", &[(1, Event::Terminate)]);
    let cut = format!("{text}{{\"at\":20");
    assert_eq!(whats(&cut), [(1, What::Terminate)]);
    let broken = format!("{text}{{\"at\":20}}\n");
    assert!(matches!(Recording::parse(&broken), Err(RecordingError::Line { number: 3, .. })));
    assert!(matches!(Recording::parse(""), Err(RecordingError::Empty)));
    let newer = text.replace("\"recording\":2", "\"recording\":3");
    assert!(matches!(Recording::parse(&newer), Err(RecordingError::Form { found: 3 })));
}

#[test]
fn a_recording_never_replaces_a_file() {
    let folder = std::env::temp_dir().join(format!("stratigraph-recording-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let path = folder.join("one.jsonl");
    drop(Recorder::create(&path, &header("/data/crm")).expect("it is new"));
    let again = Recorder::create(&path, &header("/data/crm")).expect_err("it is there");
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    std::fs::remove_dir_all(&folder).expect("the folder was made here");
}
