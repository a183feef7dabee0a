//! Putting settings in force.

use std::rc::Rc;

use crate::action::Setting;
use crate::config::{Config, FileSettings, GlyphChoice, Motion, Origin, key_warnings};
use crate::effect::Effect;
use crate::keymap::Keymap;
use crate::message::Level;
use crate::state::{GraphState, State};
use crate::theme::{GlyphSet, Surroundings, Theme, ascii_wanted, depth};

/// The theme that settings and surroundings ask for.
#[must_use]
pub fn theme_of(config: &Config, around: &Surroundings) -> Theme {
    let ascii = match config.glyphs.value {
        GlyphChoice::Auto => ascii_wanted(around),
        GlyphChoice::Unicode => false,
        GlyphChoice::Ascii => true,
    };
    Theme {
        depth: depth(config.color.value, around),
        palette: config.theme.value,
        glyphs: if ascii { GlyphSet::Ascii } else { GlyphSet::Unicode },
        motion: config.motion.value == Motion::Full,
    }
}

/// Puts merged settings in force: keys, theme, mouse, pace of the live updates.
pub fn apply_config(state: &mut State, mut config: Config) -> Vec<Effect> {
    let shared = &mut state.shared;
    config.warnings.extend(key_warnings(&shared.registry, &config.keys));
    shared.keymap = Rc::new(Keymap::new(&shared.registry, &config.keys));
    shared.theme = theme_of(&config, &shared.around);
    let mut effects = Vec::new();
    if shared.config.mouse.value != config.mouse.value {
        shared.mouse = config.mouse.value;
        effects.push(Effect::CaptureMouse(shared.mouse));
    }
    let watching = matches!(shared.graph, GraphState::Open(_));
    if watching && shared.config.refresh_seconds != config.refresh_seconds {
        effects.push(Effect::WatchHeads(config.refresh_seconds.value));
    }
    if let Some(actor) = &config.actor.value {
        shared.writing.actor = Some(actor.clone());
    }
    shared.config = Rc::new(config);
    effects
}

/// Changes one setting until the program ends.
pub(super) fn set(state: &mut State, setting: &Setting) -> Vec<Effect> {
    let mut typed = FileSettings::default();
    let now = state.shared.now;
    match typed.set_typed(&setting.name, &setting.value) {
        Err(reason) => {
            state.shared.messages.say(now, Level::Warning, reason);
            Vec::new()
        }
        Ok(path) => {
            let mut config = Config::clone(&state.shared.config);
            config.take(typed, Origin::Session);
            config.warnings.clear();
            state.shared.notice = Some(format!("{path} is {} until the program ends", setting.value));
            apply_config(state, config)
        }
    }
}
