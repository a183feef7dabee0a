//! `docs/keys.md`: all keys, from the registry; those of dialogs from a list that is tried out here.

use std::fmt::Write as _;

use crate::action::{Action, Global, Row, Run, Scope, TermKind};
use crate::config::Config;
use crate::event::Now;
use crate::keymap::parse_keys;
use crate::overlay::{Confirm, Item, Menu, Overlay, Page, Palette, Prompt, Step, TermPrompt};
use crate::registry::registry;
use crate::run::new_state;
use crate::screen::ScreenId;
use crate::theme::{Role, Surroundings};

const HEAD: &str = "# Keys

This page is made from the table that the program takes its keys, its help and its palette from.

A key that can do nothing at the moment says why in the bottom line. `g g` is a sequence: after `g` the bottom line shows what can follow.
`?` shows the keys of the pane in focus and runs the chosen one. Every action can also be run by its name: `:` and some letters of it.
What writes asks first; what discards work wants a word typed.

Your settings file changes keys: `stratigraph/config.toml` in the folder for settings (on Linux `~/.config`), and on top of it what
`open --config FILE` names. `keys.history = { \"g d\" = \"history.diff\", \"ctrl-t\" = \"none\" }` puts the row diff on `g d`, too, and takes its
action from `ctrl-t`. Keys that work everywhere stand under `keys.global`.
";

/// A dialog with its keys and what they do.
struct Dialog {
    title: &'static str,
    /// The dialog in a state in which each of the keys does something.
    open: fn() -> Overlay,
    keys: &'static [(&'static [&'static str], &'static str)],
}

const MOVES: (&[&str], &str) = (&["j", "k", "down", "up", "g", "G", "home", "end", "pagedown", "pageup"], "move");
const TYPING: (&[&str], &str) =
    (&["left", "right", "home", "backspace", "ctrl-w", "ctrl-u", "ctrl-k"], "edit the line");

const DIALOGS: [Dialog; 8] = [
    Dialog {
        title: "A question before a write",
        open: || moved(Overlay::Confirm(question()), "down down tab"),
        keys: &[
            (&["y"], "agree"),
            (&["n", "esc", "q"], "cancel"),
            (&["tab", "left", "right", "h", "l"], "choose the other button; Cancel is chosen at first"),
            (&["enter"], "the chosen button"),
            (&["down", "up", "pagedown", "pageup"], "scroll a long plan"),
        ],
    },
    Dialog {
        title: "A question before work is discarded",
        open: || moved(Overlay::Confirm(question().typed("dev")), "down down d e v"),
        keys: &[
            (&["enter"], "agree, after the word was typed"),
            (&["esc"], "cancel"),
            (&["down", "up", "pagedown", "pageup"], "scroll a long plan"),
        ],
    },
    Dialog {
        title: "A list to choose from",
        open: || moved(Overlay::Choose(Menu::new("List", items())), "j j"),
        keys: &[MOVES, (&["enter"], "choose"), (&["esc", "q"], "close")],
    },
    Dialog {
        title: "A list in which letters filter: the help, columns",
        open: || moved(Overlay::Choose(Menu::filterable("List", items())), "down down"),
        keys: &[
            (&["down", "up", "ctrl-n", "ctrl-p", "home", "end", "pagedown", "pageup"], "move"),
            (&["enter"], "choose"),
            (&["esc"], "clear what was typed, then close"),
        ],
    },
    Dialog {
        title: "A line to type",
        open: || {
            let submit = |text| Action::Global(Global::Typed(text));
            let former = ["first", "second", "third"].map(str::to_owned).to_vec();
            moved(Overlay::Prompt(Prompt::new("Line", "two words", submit).recall(former)), "up up left")
        },
        keys: &[
            (&["enter"], "accept; what is refused stays, with the reason"),
            (&["esc"], "close"),
            (&["up", "down"], "former lines, where there are some"),
            TYPING,
        ],
    },
    Dialog {
        title: "A search or a filter",
        open: || moved(Overlay::Term(TermPrompt::new(TermKind::Search, None, "two words")), "left"),
        keys: &[
            (&["enter"], "keep it"),
            (&["esc"], "drop it"),
            (&["tab"], "turn the search into a filter, and back"),
            TYPING,
        ],
    },
    Dialog {
        title: "The palette",
        open: || {
            let around = Surroundings::default();
            let mut state = new_state("/data/crm".to_owned(), Config::default(), around, (120, 30), Now::default());
            state.shared.palette_history.push("app.info".to_owned());
            moved(Overlay::Palette(Palette::new(&state)), "down down")
        },
        keys: &[
            (&["enter"], "run the chosen action"),
            (&["tab"], "complete its name, to type an argument after it"),
            (&["down", "up", "ctrl-n", "ctrl-p", "pagedown", "pageup"], "move; up from the first line: former inputs"),
            (&["esc"], "close"),
        ],
    },
    Dialog {
        title: "A page of text: messages, facts",
        open: || {
            let lines = (0..40).map(|number| (number.to_string(), Role::Text)).collect();
            moved(Overlay::Page(Page::new("Page", lines)), "j j")
        },
        keys: &[MOVES, (&["esc", "enter", "q"], "close")],
    },
];

fn question() -> Confirm {
    let plan = (0..40).map(|number| format!("step {number}")).collect();
    Confirm::new("Merge?", plan, "Merge", Action::Global(Global::QuitNow))
}

fn items() -> Vec<Item> {
    let item = |number: i32| Item {
        label: String::new(),
        text: format!("line {number}"),
        action: Some(Ok(Action::Global(Global::Zoom))),
    };
    (0..40).map(item).collect()
}

fn moved(mut overlay: Overlay, keys: &str) -> Overlay {
    for key in parse_keys(keys).expect("known keys") {
        assert_eq!(overlay.key(key), Step::Stay);
    }
    overlay
}

fn names(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" ")
}

/// The row of a table about one action.
fn line(row: &Row) -> String {
    let (mut keys, mut does) = (names(row.keys), row.description.to_owned());
    if let Run::Argument { syntax, .. } = row.run {
        keys = format!("`:{} {syntax}`", row.name);
    } else if row.keys.is_empty() {
        keys = format!("`:{}`", row.name);
    }
    if let Scope::Pane(_, pane) = row.scope {
        does = format!("{does} (pane {pane})");
    }
    format!("| {keys} | {does} | `{}` |\n", row.name)
}

fn section(page: &mut String, title: &str, rows: &[&Row]) {
    if rows.is_empty() {
        return;
    }
    write!(page, "\n## {title}\n\n| key | does | name |\n|---|---|---|\n").expect("a string");
    for row in rows {
        *page += &line(row);
    }
}

fn page() -> String {
    let registry = registry();
    let of = |wanted: Option<ScreenId>| -> Vec<&Row> {
        let screen = |row: &&Row| match row.scope {
            Scope::Global => None,
            Scope::Screen(screen) | Scope::Pane(screen, _) => Some(screen),
        };
        registry.iter().filter(|row| screen(row) == wanted).collect()
    };
    let mut page = HEAD.to_owned();
    section(&mut page, "Everywhere", &of(None));
    for screen in ScreenId::ALL {
        section(&mut page, screen.title(), &of(Some(screen)));
    }
    page += "\n## Dialogs\n";
    for dialog in DIALOGS {
        write!(page, "\n**{}**\n\n| key | does |\n|---|---|\n", dialog.title).expect("a string");
        for (keys, does) in dialog.keys {
            writeln!(page, "| {} | {does} |", names(keys)).expect("a string");
        }
    }
    page
}

#[test]
fn the_reference_lists_the_keys_that_there_are() {
    super::compare("docs/keys.md", |_| page());
}

#[test]
fn each_key_of_a_dialog_does_something_there() {
    for dialog in DIALOGS {
        for key in dialog.keys.iter().flat_map(|(keys, _)| *keys) {
            let mut overlay = (dialog.open)();
            let before = format!("{overlay:?}");
            let step = overlay.key(parse_keys(key).expect("a key")[0]);
            assert!(step != Step::Stay || format!("{overlay:?}") != before, "{}: {key}", dialog.title);
        }
    }
}
