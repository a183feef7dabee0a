//! The frame at three sizes and in three looks. The dump tells styles apart, because no-color must show the same facts.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use stratigraph_engine::{ErrorKind, ProgressEvent};

use super::*;
use crate::config::Config;
use crate::effect::Effect;
use crate::event::{Event, Now};
use crate::job::{JobId, JobStatus, JobUpdate};
use crate::keymap::parse_keys;
use crate::message::Failure;
use crate::run::new_state;
use crate::stage::{LOOKS, dump};
use crate::theme::{ColorChoice, Depth, GlyphSet, Surroundings, Theme};
use crate::update::{handle, open_graph};

fn at(seconds: u64) -> Now {
    Now { utc_micros: 1_777_713_243_000_000, elapsed: Duration::from_secs(seconds) }
}

fn state(columns: u16, rows: u16) -> State {
    let around = Surroundings { locale: Some("C.UTF-8".to_owned()), ..Surroundings::default() };
    let mut config = Config::default();
    config.color.value = ColorChoice::Always;
    new_state("/data/crm".to_owned(), config, around, (columns, rows), at(0))
}

fn press(state: &mut State, keys: &str) {
    for key in parse_keys(keys).expect("known keys") {
        let now = state.shared.now;
        handle(state, Event::Key(key.event()), now);
    }
}

/// The Jobs screen: one job that failed and one that runs.
fn jobs(columns: u16, rows: u16) -> State {
    let mut state = state(columns, rows);
    let mut ids: Vec<JobId> = Vec::new();
    for _ in 0..2 {
        for effect in open_graph(&mut state) {
            if let Effect::Start(start) = effect {
                ids.push(start.id);
            }
        }
    }
    let failure = Failure::new(ErrorKind::NotFound, "no manifest in /data/crm").caused_by("no such directory");
    let now = at(2);
    handle(&mut state, Event::Job(ids[0], JobUpdate::Started), at(1));
    handle(&mut state, Event::Job(ids[0], JobUpdate::Ended(JobStatus::Failed(failure))), now);
    handle(&mut state, Event::Job(ids[1], JobUpdate::Started), now);
    let phase = ProgressEvent::Phase { index: 2, count: 3, name: "read the manifest", cancellable: true };
    let amount = ProgressEvent::Advanced { done: 120, total: Some(310), unit: "rows" };
    handle(&mut state, Event::Job(ids[1], JobUpdate::Progress(phase)), now);
    handle(&mut state, Event::Job(ids[1], JobUpdate::Progress(amount)), at(10));
    press(&mut state, "6");
    state
}

fn draw(state: &State, columns: u16, rows: u16) -> (Buffer, Regions) {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
    let mut regions = Regions::default();
    terminal.draw(|frame| regions = view(state, frame)).expect("drawn");
    (terminal.backend().buffer().clone(), regions)
}

fn snapshot(name: &str, state: &mut State, columns: u16, rows: u16) {
    for (look, depth, glyphs) in LOOKS {
        state.shared.theme = Theme { depth, glyphs, ..state.shared.theme };
        let (buffer, _) = draw(state, columns, rows);
        let text = dump(&buffer);
        if depth == Depth::None {
            assert!(!text.lines().filter(|line| line.starts_with('~')).any(|line| line.contains(['c', 'R', 'B'])));
        }
        if glyphs == GlyphSet::Ascii {
            assert!(text.is_ascii(), "{name} {look} has other signs: {text}");
        }
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}_{look}"), text);
    }
}

#[test]
fn the_jobs_screen_at_three_sizes() {
    for (columns, rows) in [(120, 30), (80, 24), (40, 12)] {
        snapshot("jobs", &mut jobs(columns, rows), columns, rows);
    }
}

#[test]
fn help_lies_over_the_screen() {
    let mut state = jobs(80, 24);
    state.shared.messages.dismiss();
    press(&mut state, "?");
    snapshot("help", &mut state, 80, 24);
}

#[test]
fn the_palette_shows_what_fits_and_why_not() {
    let mut state = jobs(80, 24);
    state.shared.messages.dismiss();
    press(&mut state, ": c a n c e l");
    snapshot("palette", &mut state, 80, 24);
}

#[test]
fn a_started_sequence_shows_its_continuations_after_a_while() {
    let mut state = jobs(80, 24);
    press(&mut state, "g");
    let last = |state: &State| dump(&draw(state, 80, 24).0).lines().rev().nth(1).unwrap_or_default().to_owned();
    assert!(!last(&state).contains("first row"), "{}", last(&state));
    handle(&mut state, Event::Tick, at(11));
    assert!(last(&state).contains("first row"), "{}", last(&state));
}

/// What does not fit on the line stands above it, each way on by itself.
#[test]
fn a_started_sequence_with_many_ways_on_is_a_list() {
    let mut state = jobs(24, 12);
    state.shared.messages.dismiss();
    press(&mut state, "g");
    handle(&mut state, Event::Tick, at(11));
    let narrow = dump(&draw(&state, 24, 12).0);
    assert!(narrow.lines().any(|line| line.starts_with("│ g first row")), "{narrow}");
    assert!(narrow.lines().any(|line| line.starts_with("│ s ")), "{narrow}");
}

#[test]
fn below_twenty_by_five_there_is_one_line_and_one_cell_is_no_panic() {
    let state = jobs(19, 4);
    assert_eq!(dump(&draw(&state, 19, 4).0).trim(), "stratigraph Jobs");
    for columns in 0..30 {
        for rows in 0..18 {
            if columns > 0 && rows > 0 {
                draw(&state, columns, rows);
            }
        }
    }
}

#[test]
fn screens_rows_and_hints_answer_to_the_mouse() {
    let mut state = jobs(120, 30);
    let (_, regions) = draw(&state, 120, 30);
    let rows = regions.list().iter().filter(|region| matches!(region.target, Target::Row { .. })).count();
    assert_eq!(rows, 2);
    let title = regions.list().iter().find(|region| {
        region.target
            == Target::Action(crate::action::Action::Global(crate::action::Global::Show(
                crate::screen::ScreenId::Tables,
            )))
    });
    assert!(title.is_some_and(|region| region.area.y == 0));
    state.shared.regions = regions;
    assert!(state.shared.pane_height(crate::screen::jobs::LIST) > 10);
}

#[test]
fn the_title_counts_interrupted_writes_at_every_size() {
    for (columns, rows) in [(120, 30), (80, 24), (60, 16), (40, 12)] {
        let mut state = jobs(columns, rows);
        for (count, shown) in [(0, false), (3, true)] {
            handle(&mut state, Event::Interrupted(Ok(crate::stage::interrupted(count))), at(11));
            let (buffer, _) = draw(&state, columns, rows);
            let title = dump(&buffer).lines().next().unwrap_or_default().to_owned();
            let sign = if columns >= 60 { "5 Recovery!3" } else { "3 interrupted" };
            assert_eq!(title.contains(sign), shown, "{title}");
            assert_eq!(title.contains("[6 Jobs"), columns >= 80, "{title}");
        }
    }
}

#[test]
fn the_title_says_at_every_size_with_a_list_of_screens_that_things_are_written() {
    for (columns, rows) in [(120, 30), (80, 24), (60, 16)] {
        let mut state = jobs(columns, rows);
        state.shared.writing.mode = crate::writing::Mode::Write;
        handle(&mut state, Event::Interrupted(Ok(crate::stage::interrupted(3))), at(11));
        let (buffer, _) = draw(&state, columns, rows);
        let title = dump(&buffer).lines().next().unwrap_or_default().to_owned();
        assert!(title.contains("WRITE") && title.contains("5 Recovery!3"), "{title}");
    }
}

#[test]
fn the_way_to_the_help_stays_on_the_bottom_line() {
    for (columns, cut) in [(20, true), (32, true), (80, false)] {
        let state = jobs(columns, 12);
        let (buffer, regions) = draw(&state, columns, 12);
        let line: String = (0..columns).map(|x| buffer[(x, 11)].symbol()).collect();
        assert!(line.trim_end().ends_with("? help"), "{line}");
        assert_eq!(line.contains('…'), cut, "{line}");
        let at = u16::try_from(line.trim_end().chars().count() - 1).expect("a column");
        let help = Target::Action(crate::action::Action::Global(crate::action::Global::Help));
        assert_eq!(regions.at(at, 11), Some(&help));
    }
}

#[test]
fn a_list_that_fits_nothing_says_so() {
    for (keys, said) in [(": n o s u c h", "no action has such a name"), ("? n o s u c h", "nothing fits")] {
        let mut state = jobs(80, 24);
        state.shared.messages.dismiss();
        press(&mut state, keys);
        let picture = dump(&draw(&state, 80, 24).0);
        assert!(picture.contains(said), "{picture}");
    }
}

/// The help and the palette at a narrow size, with the line chosen that `keys` lead to.
#[test]
fn what_is_cut_in_a_narrow_list_stands_below_it() {
    for (name, keys) in [("help_narrow", "? down"), ("palette_narrow", ": f i l t e r")] {
        let mut state = jobs(40, 12);
        state.shared.messages.dismiss();
        press(&mut state, keys);
        snapshot(name, &mut state, 40, 12);
    }
}

#[test]
fn the_help_of_each_screen_is_whole_at_eighty_columns() {
    for digit in 1..=6 {
        let mut state = jobs(80, 24);
        state.shared.messages.dismiss();
        press(&mut state, &format!("{digit} ?"));
        let rows: Vec<&'static str> = state.shared.registry.iter().map(|row| row.description).collect();
        let Some(crate::overlay::Overlay::Choose(menu)) = state.shared.overlays.last() else { panic!("no help") };
        let texts: Vec<String> = menu.shown().map(|item| item.text.clone()).collect();
        let described: Vec<&String> = texts.iter().filter(|text| rows.contains(&text.as_str())).collect();
        assert!(described.len() > 30, "{described:?}");
        let mut seen = String::new();
        for _ in &texts {
            let (buffer, _) = draw(&state, 80, 24);
            for y in 0..24 {
                seen.extend((0..80).map(|x| buffer[(x, y)].symbol()));
                seen.push('\n');
            }
            press(&mut state, "down");
        }
        for text in described {
            assert!(seen.contains(text.as_str()), "screen {digit}: {text}");
        }
    }
}
