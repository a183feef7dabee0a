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
    let (mut items, mut names) = (Vec::new(), Vec::new());
    for (title, scope) in sections {
        let (lines, of_lines): (Vec<_>, Vec<_>) = lines(state, scope).unzip();
        if !lines.is_empty() {
            items.push(Item { label: String::new(), text: title, action: None });
            names.resize(items.len(), String::new());
            items.extend(lines);
            names.extend(of_lines);
        }
        if scope == Scope::Screen(screen) {
            let signs = legend(screen, focus, state.shared.theme.symbols());
            if !signs.is_empty() {
                items.push(Item { label: String::new(), text: "signs".to_owned(), action: None });
                items.extend(signs);
                names.resize(items.len(), String::new());
            }
        }
    }
    if let Some(path) = &state.shared.log_path {
        items.push(Item { label: String::new(), text: format!("log file: {}", path.display()), action: None });
    }
    let title = format!("Help: {} / {focus}", screen.title());
    Menu::filterable(title, items).asides(names).note("type to filter  enter run  esc close")
}

/// The lines of a scope, each with the name of its action.
fn lines(state: &State, scope: Scope) -> impl Iterator<Item = (Item, String)> {
    let shared = &state.shared;
    let rows = shared.registry.iter().enumerate().filter(move |(_, row)| row.scope == scope);
    rows.filter_map(|(index, row)| {
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
        Some((Item { label, text: row.description.to_owned(), action: Some(action) }, format!("({})", row.name)))
    })
}
