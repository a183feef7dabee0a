//! Pages about the program: facts and settings (`:info`), and the history of messages (`!`).

use crate::message::Level;
use crate::overlay::Page;
use crate::state::{GraphState, State};
use crate::theme::{Depth, GlyphSet, Role};
use crate::view::moment;

/// Facts about graph, terminal, files and settings.
#[must_use]
pub fn info(state: &State) -> Page {
    let shared = &state.shared;
    let mut lines = vec![heading("graph"), fact("location", &shared.uri)];
    match &shared.graph {
        GraphState::Opening => lines.push(fact("state", "opening")),
        GraphState::Failed(failure) => lines.push(fact("state", &failure.sentence())),
        GraphState::Open(info) => {
            lines.push(fact("state", "open, read-only"));
            lines.push(fact("internal schema", &info.stamp.to_string()));
            lines.push(fact("branches", &shared.heads.len().to_string()));
            let interrupted =
                shared.interrupted.as_ref().map_or("not counted yet".to_owned(), |ids| ids.len().to_string());
            lines.push(fact("interrupted writes", &interrupted));
        }
    }
    lines.push(heading("program"));
    lines.push(fact("version", env!("CARGO_PKG_VERSION")));
    let log = shared.log_path.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
    lines.push(fact("log file", &log));
    lines.push(heading("terminal"));
    lines.push(fact("size", &format!("{} x {}", shared.size.0, shared.size.1)));
    let colors = match shared.theme.depth {
        Depth::None => "none",
        Depth::Named => "16",
        Depth::Indexed => "256",
        Depth::True => "16 million",
    };
    lines.push(fact("colors", colors));
    let glyphs = match shared.theme.glyphs {
        GlyphSet::Unicode => "unicode (if lines look broken or doubled: `:set glyphs ascii`)",
        GlyphSet::Ascii => "ascii",
    };
    lines.push(fact("glyphs", glyphs));
    lines.push(fact("mouse", if shared.mouse { "captured" } else { "left to the terminal" }));
    lines.push(fact("copying", "OSC 52; tmux needs `set -g set-clipboard on`"));
    lines.push(heading("settings"));
    for (path, value, origin) in shared.config.listing() {
        lines.push(fact(path, &format!("{value}  ({origin})")));
    }
    for warning in &shared.config.warnings {
        lines.push((format!("  line {}: {}", warning.line, warning.text), Role::Warning));
    }
    Page::new("About", lines)
}

fn heading(text: &str) -> (String, Role) {
    (text.to_owned(), Role::Title)
}

fn fact(name: &str, value: &str) -> (String, Role) {
    (format!("  {name:<24} {value}"), Role::Text)
}

/// All messages of this run, newest first, with times, causes and next steps.
#[must_use]
pub fn messages(state: &State) -> Page {
    let display = state.shared.config.time.value;
    let mut lines = Vec::new();
    for message in state.shared.messages.history() {
        let (word, role) = match message.level {
            Level::Info => ("info", Role::Text),
            Level::Warning => ("warning", Role::Warning),
            Level::Error => ("error", Role::Error),
        };
        let time = moment(message.at.utc_micros, display);
        lines.push((format!("{time}  {word:<8} {}", message.text), role));
        for cause in &message.causes {
            lines.push((format!("    because: {cause}"), Role::Text));
        }
        if let Some(next) = message.next {
            lines.push((format!("    next: {next}"), Role::Dim));
        }
    }
    if lines.is_empty() {
        lines.push(("nothing was said so far".to_owned(), Role::Dim));
    }
    Page::new("Messages", lines)
}
