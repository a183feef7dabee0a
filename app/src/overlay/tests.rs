//! What the overlays make of keys.

use super::*;
use crate::action::{Global, TermKind};
use crate::keymap::parse_keys;

/// The steps that `keys` lead to, those that stay left out.
fn press(overlay: &mut Overlay, keys: &str) -> Vec<Step> {
    let keys = parse_keys(keys).expect("known keys");
    keys.into_iter().map(|key| overlay.key(key)).filter(|step| *step != Step::Stay).collect()
}

fn finish(action: Global) -> Vec<Step> {
    vec![Step::Finish(Action::Global(action))]
}

fn item(label: &str, action: Option<Result<Global, &str>>) -> Item {
    let action = action.map(|action| action.map(Action::Global).map_err(str::to_owned));
    Item { label: label.to_owned(), text: format!("does {label}"), action }
}

fn items() -> Vec<Item> {
    vec![
        item("heading", None),
        item("zoom", Some(Ok(Global::Zoom))),
        item("pause", Some(Err("nothing to pause"))),
        item("mouse", Some(Ok(Global::Mouse))),
    ]
}

#[test]
fn a_question_about_writing_starts_at_cancel() {
    let question = || {
        let yes = Action::Global(Global::QuitNow);
        Overlay::Confirm(Confirm::new("Merge?", vec!["2 tables change".to_owned()], "Merge", yes))
    };
    for keys in ["enter", "n", "esc", "q", "tab tab enter"] {
        assert_eq!(press(&mut question(), keys), [Step::Close], "{keys}");
    }
    for keys in ["y", "tab enter", "left enter", "l enter"] {
        assert_eq!(press(&mut question(), keys), finish(Global::QuitNow), "{keys}");
    }
}

#[test]
fn discarding_work_takes_the_typed_word() {
    let yes = Action::Global(Global::QuitNow);
    let mut question = Overlay::Confirm(Confirm::new("Delete?", Vec::new(), "Delete", yes).typed("dev"));
    assert_eq!(press(&mut question, "y enter backspace d e enter"), []);
    assert_eq!(press(&mut question, "v enter"), finish(Global::QuitNow));
    assert_eq!(press(&mut question, "esc"), [Step::Close]);
}

#[test]
fn a_plan_that_does_not_fit_is_scrolled_and_says_so() {
    use ratatui::{Terminal, backend::TestBackend};
    let plan: Vec<String> = (1..=12).map(|number| format!("step {number}")).collect();
    let question = Confirm::new("Settle?", plan, "Settle", Action::Global(Global::QuitNow)).typed("crm");
    let mut state = crate::run::new_state(
        "/data/crm".to_owned(),
        crate::config::Config::default(),
        crate::theme::Surroundings::default(),
        (40, 10),
        crate::event::Now::default(),
    );
    state.shared.overlays.push(Overlay::Confirm(question));
    let picture = |state: &crate::state::State| {
        let mut terminal = Terminal::new(TestBackend::new(40, 10)).expect("a test terminal");
        terminal.draw(|frame| drop(crate::view::view(state, frame))).expect("drawn");
        terminal.backend().to_string()
    };
    let first = picture(&state);
    assert!(first.contains("step 6") && !first.contains("step 7") && first.contains("6 more lines: down"), "{first}");
    press(state.shared.overlays.last_mut().expect("there"), "pagedown down pagedown pagedown");
    let last = picture(&state);
    assert!(last.contains("step 7") && last.contains("step 12") && last.contains("6 more lines: up"), "{last}");
    press(state.shared.overlays.last_mut().expect("there"), "c r enter");
    assert!(picture(&state).contains("that is not it, type crm to agree: cr"), "{}", picture(&state));
    press(state.shared.overlays.last_mut().expect("there"), "m");
    assert!(!picture(&state).contains("that is not it"), "{}", picture(&state));
}

#[test]
fn a_menu_starts_at_what_can_be_chosen_and_says_why_not() {
    let mut menu = Overlay::Choose(Menu::new("Menu", items()));
    assert_eq!(press(&mut menu, "enter"), finish(Global::Zoom));
    assert_eq!(press(&mut menu, "j enter"), [], "a disabled line stays");
    assert_eq!(press(&mut menu, "G enter"), finish(Global::Mouse));
    assert_eq!(press(&mut menu, "q"), [Step::Close]);
}

#[test]
fn typing_filters_a_long_menu_and_escape_clears_before_it_closes() {
    let mut menu = Menu::filterable("Help", items());
    let labels = |menu: &Menu| menu.shown().map(|item| item.label.clone()).collect::<Vec<_>>();
    for key in parse_keys("m o u").expect("known keys") {
        menu.key(key);
    }
    assert_eq!(labels(&menu), ["mouse"]);
    let escape = parse_keys("esc").expect("known")[0];
    assert_eq!(menu.key(escape), Step::Stay);
    assert_eq!(labels(&menu).len(), 4);
    assert_eq!(menu.key(escape), Step::Close);
}

#[test]
fn a_refused_line_stays_to_be_edited() {
    let prompt = Prompt::new("Write to", "", |path| Action::Global(Global::ExportTo(path)))
        .check(|path| if path.is_empty() { Err("type a name".to_owned()) } else { Ok(()) });
    let mut prompt = Overlay::Prompt(prompt);
    assert_eq!(press(&mut prompt, "enter"), []);
    assert_eq!(press(&mut prompt, "a space b enter"), finish(Global::ExportTo("a b".to_owned())));
}

#[test]
fn former_inputs_come_back_with_the_up_key() {
    let prompt = Prompt::new("SQL", "", |text| Action::Global(Global::ExportTo(text)));
    let mut prompt = Overlay::Prompt(prompt.recall(vec!["one".to_owned(), "two".to_owned()]));
    assert_eq!(press(&mut prompt, "up up enter"), finish(Global::ExportTo("one".to_owned())));
    assert_eq!(press(&mut prompt, "down enter"), finish(Global::ExportTo("two".to_owned())));
}

#[test]
fn a_term_is_live_and_an_expression_waits_for_enter() {
    let mut search = Overlay::Term(TermPrompt::new(TermKind::Search, None, ""));
    let changed = Global::TermChanged(TermKind::Search, "a".to_owned());
    assert_eq!(press(&mut search, "a"), [Step::Meanwhile(Action::Global(changed))]);
    assert_eq!(press(&mut search, "left"), [], "moving the cursor changes no term");
    let done = Global::TermDone(TermKind::Search, "a".to_owned());
    assert_eq!(press(&mut search, "enter"), finish(done));
    let mut filter = Overlay::Term(TermPrompt::new(TermKind::Filter, Some("SQL condition"), "age > "));
    assert_eq!(press(&mut filter, "3 tab"), []);
    assert_eq!(press(&mut filter, "enter"), finish(Global::TermDone(TermKind::Filter, "age > 3".to_owned())));
    assert_eq!(press(&mut filter, "esc"), finish(Global::TermDropped(TermKind::Filter)));
}

#[test]
fn pasted_line_breaks_and_tabs_are_blanks_and_other_control_characters_are_left_out() {
    for (pasted, typed) in [
        ("select name\nfrom", "select name from"),
        ("a\r\nb\rc\td", "a b c d"),
        ("a\n\nb\n\rc", "a  b  c"),
        ("a\u{b}b\u{c}c\u{85}d\u{2028}e\u{2029}f", "a b c d e f"),
        ("a\u{1b}[31mb\u{7}\u{0}c", "a[31mbc"),
        ("e\u{301} 👨‍👩‍👧", "e\u{301} 👨‍👩‍👧"),
    ] {
        let prompt = Prompt::new("Write to", "", |path| Action::Global(Global::ExportTo(path)));
        let mut prompt = Overlay::Prompt(prompt);
        assert_eq!(prompt.paste(pasted), Step::Stay);
        assert_eq!(press(&mut prompt, "enter"), finish(Global::ExportTo(typed.to_owned())), "{pasted:?}");
    }
    let mut menu = Overlay::Choose(Menu::new("Menu", items()));
    assert!(!menu.types());
    assert_eq!(menu.click(1), Step::Finish(Action::Global(Global::Zoom)), "the chosen row is clicked again");
}

#[test]
fn every_line_to_type_takes_pasted_words_as_words() {
    let state = state_at(crate::screen::ScreenId::History);
    let yes = Action::Global(Global::QuitNow);
    let mut typed = Overlay::Confirm(Confirm::new("Delete?", Vec::new(), "Delete", yes).typed("a b"));
    typed.paste("a\tb");
    assert_eq!(press(&mut typed, "enter"), finish(Global::QuitNow));
    for kind in [TermKind::Search, TermKind::Filter] {
        let mut term = Overlay::Term(TermPrompt::new(kind, None, ""));
        term.paste("a\r\nb");
        assert_eq!(press(&mut term, "enter"), finish(Global::TermDone(kind, "a b".to_owned())));
        let mut expression = Overlay::Term(TermPrompt::new(kind, Some("SQL condition"), ""));
        expression.paste("age\n> 3");
        assert_eq!(press(&mut expression, "enter"), finish(Global::TermDone(kind, "age > 3".to_owned())));
        let mut expression = Overlay::Term(TermPrompt::new(kind, Some("SQL condition"), ""));
        expression.paste("age -- years\n> 3");
        assert_eq!(press(&mut expression, "enter"), finish(Global::TermDone(kind, "age /* years */ > 3".to_owned())));
    }
    let submit = |text| Action::Global(Global::ExportTo(text));
    let (mut sql, mut path) =
        (Overlay::Prompt(Prompt::new("SQL", "", submit).sql()), Overlay::Prompt(Prompt::new("Path", "", submit)));
    for (prompt, typed) in [(&mut sql, "select a /* b */ from t"), (&mut path, "select a -- b from t")] {
        prompt.paste("select a -- b\nfrom t");
        assert_eq!(press(prompt, "enter"), finish(Global::ExportTo(typed.to_owned())));
    }
    let mut palette = Overlay::Palette(Palette::new(&state));
    palette.paste("read\tthe\ntables");
    assert!(matches!(&palette, Overlay::Palette(palette) if palette.typed() == "read the tables"));
    let mut menu = Overlay::Choose(Menu::filterable("Help", items()));
    menu.paste("does\nmouse");
    assert!(matches!(&menu, Overlay::Choose(menu) if menu.shown().map(|item| item.label.as_str()).eq(["mouse"])));
}

#[test]
fn a_name_in_another_composition_is_the_same_name() {
    let question = |word: &str| {
        Overlay::Confirm(Confirm::new("Delete?", Vec::new(), "Delete", Action::Global(Global::QuitNow)).typed(word))
    };
    for (word, typed) in [
        ("café", "cafe\u{301}"),
        ("cafe\u{301}", "café"),
        ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
        ("Å", "\u{212b}"),
        ("dev", "dev\n"),
    ] {
        let mut question = question(word);
        question.paste(typed);
        assert_eq!(press(&mut question, "enter"), finish(Global::QuitNow), "{word:?} typed as {typed:?}");
    }
    for (word, typed) in [("café", "cafe"), ("ﬁx", "fix"), ("dev", "DEV"), ("é", "e\u{300}")] {
        let mut question = question(word);
        question.paste(typed);
        assert_eq!(press(&mut question, "enter"), [], "{word:?} typed as {typed:?}");
    }
}

fn state_at(screen: crate::screen::ScreenId) -> State {
    let around = crate::theme::Surroundings { locale: Some("C.UTF-8".to_owned()), ..Default::default() };
    let now = crate::event::Now::default();
    let mut state =
        crate::run::new_state("/data/crm".to_owned(), crate::config::Config::default(), around, (120, 30), now);
    state.shared.screen = screen;
    state
}

fn narrowed(overlay: &mut Overlay, text: &str) -> Vec<String> {
    overlay.paste(text);
    match overlay {
        Overlay::Palette(palette) => palette.names().map(str::to_owned).collect(),
        Overlay::Choose(menu) => menu.shown().map(|item| item.text.clone()).collect(),
        other => panic!("no list: {other:?}"),
    }
}

#[test]
fn strewn_letters_find_no_action() {
    let state = state_at(crate::screen::ScreenId::History);
    let found = |text: &str| narrowed(&mut Overlay::Palette(Palette::new(&state)), text);
    assert_eq!(found("nosuch"), [""; 0]);
    for (text, name) in [
        ("fold", "history.fold"),
        ("hisfold", "history.fold"),
        ("h.comp", "history.compare"),
        ("rowhis", "tables.row-history"),
        ("quit", "app.quit"),
        ("read the tables", "history.time-travel"),
        ("q", "app.quit"),
    ] {
        assert!(found(text).iter().any(|found| found == name), "{text}: {:?}", found(text));
    }
    let help = narrowed(&mut Overlay::Choose(help(&state)), "nosuch");
    assert_eq!(help, [""; 0]);
}

#[test]
fn the_ends_of_the_help_are_reached_by_keys() {
    let state = state_at(crate::screen::ScreenId::History);
    let mut menu = help(&state);
    let last = menu.shown().last().cloned();
    let go = |menu: &mut Menu, key: &str| {
        assert_eq!(menu.key(parse_keys(key).expect("known")[0]), Step::Stay);
        menu.chosen().cloned()
    };
    assert_eq!(go(&mut menu, "end"), last);
    assert_ne!(go(&mut menu, "pageup"), last);
    assert_eq!(go(&mut menu, "pagedown"), last);
    assert_eq!(go(&mut menu, "home"), help(&state).shown().next().cloned());
}

#[test]
fn the_help_explains_the_signs_of_the_pane_in_the_glyphs_on_screen() {
    use crate::screen::{ScreenId, history, tables};
    use crate::theme::GlyphSet;
    let signs = |state: &State| {
        let menu = help(state);
        menu.shown().filter(|item| item.action.is_none()).map(|item| item.label.clone()).collect::<Vec<_>>()
    };
    let has = |state: &State, all: &[&str]| {
        let signs = signs(state);
        all.iter().all(|sign| signs.iter().any(|one| one == sign))
    };
    let mut state = state_at(ScreenId::History);
    assert_eq!(state.focus(), history::COMMITS);
    assert!(has(&state, &["○", "●", "◉", "◌", "⋮", "~", "┊"]), "{:?}", signs(&state));
    state.shared.theme.glyphs = GlyphSet::Ascii;
    assert!(has(&state, &["o", "*", "@", "x", "#", "~", ":"]), "{:?}", signs(&state));
    assert!(signs(&state).iter().all(|sign| sign.is_ascii()));
    let mut state = state_at(ScreenId::Tables);
    let frame = crate::state::Frame { focus: tables::ROWS, ..state.shared.frame(ScreenId::Tables) };
    state.shared.frames.insert(ScreenId::Tables, frame);
    assert_eq!(state.focus(), tables::ROWS);
    assert!(has(&state, &["∅", "␣", "╌", "⋯"]), "{:?}", signs(&state));
    assert!(!has(&state, &["○"]));
}

#[test]
fn an_action_without_a_key_shows_none() {
    let menu = help(&state_at(crate::screen::ScreenId::History));
    let keys: Vec<_> =
        menu.shown().filter(|item| item.text.starts_with("about the graph")).map(|item| &item.label).collect();
    assert_eq!(keys, [""]);
}
