//! The table of keys: no clash, everything reachable, and rebinding.

use std::collections::BTreeSet;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::registry::registry;
use crate::screen::{PaneId, ScreenId, Screens};

fn keys(text: &str) -> Vec<Key> {
    parse_keys(text).expect("a known key")
}

/// The scopes of every pane a screen shows at its start or has actions for.
fn all_scopes(rows: &[Row]) -> Vec<[Scope; 3]> {
    let screens = Screens::default();
    let mut panes: BTreeSet<(ScreenId, PaneId)> = BTreeSet::new();
    for id in ScreenId::ALL {
        panes.extend(screens.get(id).panes().iter().map(|pane| (id, pane.id)));
    }
    for row in rows {
        if let Scope::Pane(screen, pane) = row.scope {
            panes.insert((screen, pane));
        }
    }
    panes.into_iter().map(|(screen, pane)| [Scope::Pane(screen, pane), Scope::Screen(screen), Scope::Global]).collect()
}

#[test]
fn no_pane_has_two_actions_on_one_key_or_a_shadowed_sequence() {
    let rows = registry();
    let keymap = Keymap::new(&rows, &[]);
    for scopes in all_scopes(&rows) {
        let clashes = keymap.clashes(&scopes);
        let named: Vec<_> = clashes
            .iter()
            .map(|clash| {
                let name = |binding: &Binding| format!("{} {}", rows[binding.row].name, format_keys(&binding.keys));
                (name(&clash.first), name(&clash.second))
            })
            .collect();
        assert!(named.is_empty(), "{:?}: {named:?}", scopes[0]);
    }
}

#[test]
fn every_default_key_runs_its_action_in_its_scope() {
    let rows = registry();
    let keymap = Keymap::new(&rows, &[]);
    for (index, row) in rows.iter().enumerate() {
        for text in row.keys {
            let scopes = [row.scope, Scope::Global];
            assert_eq!(keymap.lookup(&scopes, &keys(text)), Lookup::Hit(index), "{} on {text}", row.name);
        }
    }
}

#[test]
fn names_are_unique_and_say_where_they_belong() {
    let rows = registry();
    let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len());
    for row in &rows {
        let (area, word) = row.name.split_once('.').expect("area.word");
        assert!(!area.is_empty() && !word.is_empty());
        if let Scope::Screen(screen) | Scope::Pane(screen, _) = row.scope {
            assert_eq!(area, screen.name(), "{}", row.name);
        }
        assert!(!row.description.is_empty() && !row.description.ends_with('.'));
    }
}

#[test]
fn no_default_key_needs_alt_or_a_function_key() {
    for row in registry() {
        for text in row.keys {
            for key in keys(text) {
                assert!(!key.to_string().contains("alt-"), "{}", row.name);
                assert!(!matches!(key.bare(), Some(KeyCode::F(_))), "{}", row.name);
            }
        }
    }
}

#[test]
fn a_sequence_shows_its_continuations_until_it_is_complete() {
    let rows = registry();
    let keymap = Keymap::new(&rows, &[]);
    let scopes = [Scope::Screen(ScreenId::Jobs), Scope::Global];
    let Lookup::Prefix(continuations) = keymap.lookup(&scopes, &keys("g")) else { panic!("g begins sequences") };
    let names: Vec<_> = continuations.iter().map(|(rest, row)| (format_keys(rest), rows[*row].name)).collect();
    assert_eq!(names, [("s".to_owned(), "jobs.go-to"), ("g".to_owned(), "move.first")]);
    assert_eq!(keymap.lookup(&scopes, &keys("g x")), Lookup::Miss);
}

#[test]
fn the_narrower_scope_wins() {
    let rows = registry();
    let keymap = Keymap::new(&rows, &[]);
    let name = |scopes: &[Scope]| match keymap.lookup(scopes, &keys("x")) {
        Lookup::Hit(row) => rows[row].name,
        Lookup::Prefix(_) | Lookup::Miss => "nothing",
    };
    assert_eq!(name(&[Scope::Screen(ScreenId::Jobs), Scope::Global]), "jobs.cancel");
    assert_eq!(name(&[Scope::Global]), "jobs.cancel-newest");
}

#[test]
fn a_rebound_key_runs_its_new_action_alone() {
    let rows = registry();
    let change = |text: &str, action: Option<&str>| Rebinding {
        keys: keys(text),
        action: action.map(str::to_owned),
        section: "global".to_owned(),
        line: 1,
    };
    let changes = [change("ctrl-t", Some("app.help")), change("j", Some("app.quit")), change("k", None)];
    let keymap = Keymap::new(&rows, &changes);
    let name = |text: &str| match keymap.lookup(&[Scope::Global], &keys(text)) {
        Lookup::Hit(row) => rows[row].name,
        Lookup::Prefix(_) => "more",
        Lookup::Miss => "nothing",
    };
    assert_eq!(
        ["ctrl-t", "?", "j", "down", "k", "up"].map(name),
        ["app.help", "app.help", "app.quit", "move.down", "nothing", "move.up"]
    );
    // A key that would hide a sequence takes the sequence away.
    let keymap = Keymap::new(&rows, &[change("g", Some("app.quit"))]);
    assert!(matches!(keymap.lookup(&[Scope::Global], &keys("g")), Lookup::Hit(row) if rows[row].name == "app.quit"));
    assert_eq!(keymap.clashes(&[Scope::Global]), []);
}

#[test]
fn keys_of_the_terminal_and_their_names_agree() {
    let event = |code, modifiers| Key::of(&KeyEvent::new(code, modifiers)).to_string();
    assert_eq!(event(KeyCode::Char('G'), KeyModifiers::SHIFT), "G");
    assert_eq!(event(KeyCode::Char('D'), KeyModifiers::CONTROL), "ctrl-d");
    assert_eq!(event(KeyCode::Tab, KeyModifiers::SHIFT), "shift-tab");
    assert_eq!(event(KeyCode::BackTab, KeyModifiers::SHIFT), "shift-tab");
    assert_eq!(event(KeyCode::Char(' '), KeyModifiers::NONE), "space");
    for text in ["g g", "ctrl-d", "shift-tab", "alt-x", "-", "ctrl--", "<", "space enter esc"] {
        assert_eq!(format_keys(&keys(text)), text);
    }
    assert_eq!(parse_keys(" "), Err(KeyError::Empty));
    assert!(parse_keys("g hyper").is_err());
}
