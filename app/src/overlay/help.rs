//! The help of the focused pane: what its keys do, made from the registry.

use crate::action::{Availability, Run, Scope};
use crate::overlay::legend::legend;
use crate::overlay::{Item, Menu};
use crate::state::State;

/// The help for where the user is: pane, screen, then everywhere. Typing filters, enter runs the line.
#[must_use]
pub fn help(state: &State) -> Menu {
    let screen = state.shared.screen;
    let focus = state.focus();
    let sections = [
        (format!("{focus} pane"), Scope::Pane(screen, focus)),
        (format!("{} screen", screen.title()), Scope::Screen(screen)),
        ("everywhere".to_owned(), Scope::Global),
    ];
    let mut items = Vec::new();
    for (title, scope) in sections {
        let lines = lines(state, scope);
        if !lines.is_empty() {
            items.push(Item { label: String::new(), text: title, action: None });
            items.extend(lines);
        }
        if scope == Scope::Screen(screen) {
            let signs = legend(screen, focus, state.shared.theme.symbols());
            if !signs.is_empty() {
                items.push(Item { label: String::new(), text: "signs".to_owned(), action: None });
                items.extend(signs);
            }
        }
    }
    if let Some(path) = &state.shared.log_path {
        items.push(Item { label: String::new(), text: format!("log file: {}", path.display()), action: None });
    }
    Menu::filterable(format!("Help: {} / {focus}", screen.title()), items).note("type to filter  enter run  esc close")
}

fn lines(state: &State, scope: Scope) -> Vec<Item> {
    let shared = &state.shared;
    let rows = shared.registry.iter().enumerate().filter(|(_, row)| row.scope == scope);
    let lines = rows.filter_map(|(index, row)| {
        let keys: Vec<String> =
            shared.keymap.of_row(index).map(|binding| crate::keymap::format_keys(&binding.keys)).collect();
        let (label, action) = match &row.run {
            Run::Plain(action) => (keys.join(", "), action.clone()),
            // Arguments are typed in the palette.
            Run::Argument { .. } => return None,
        };
        let action = match state.available(row) {
            Availability::Ready => Ok(action),
            Availability::Disabled(reason) => Err(reason.into_owned()),
        };
        let text = format!("{}  ({})", row.description, row.name);
        Some(Item { label, text, action: Some(action) })
    });
    lines.collect()
}
