//! Event → state and effects. No input or output, no waiting, no clock: time arrives with the event.

#[cfg(test)]
mod chaos;
mod frame;
mod global;
mod input;
mod jobs;
mod settings;
#[cfg(test)]
mod tests;
mod writing;

pub use jobs::open_graph;
pub use settings::{apply_config, theme_of};

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::action::{Action, Availability, Global};
use crate::effect::Effect;
use crate::event::{Event, Heads, Now};
use crate::message::{Failure, Level};
use crate::screen::{self, ScreenId};
use crate::state::{Context, State};

/// Takes one event and returns what is to be done outside.
pub fn handle(state: &mut State, event: Event, now: Now) -> Vec<Effect> {
    state.shared.now = now;
    match event {
        Event::Key(key) => input::key(state, &key),
        Event::Paste(text) => input::paste(state, &text),
        Event::Mouse(mouse) => input::mouse(state, mouse),
        Event::Resize(columns, rows) => {
            state.shared.size = (columns, rows);
            Vec::new()
        }
        Event::Tick => {
            state.shared.messages.expire(now);
            Vec::new()
        }
        Event::Job(id, update) => jobs::job(state, id, update),
        Event::Reply(id, reply) => jobs::reply(state, id, reply),
        Event::Heads(heads) => heads_seen(state, heads),
        Event::Interrupted(ids) => interrupted(state, ids),
        Event::Config(config) => config_read(state, config),
        Event::Copied(result) => copied(state, result),
        Event::Resumed => vec![Effect::Redraw],
        Event::Terminate => vec![Effect::Quit],
    }
}

/// Performs an action and those it leads to.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    let (mut effects, mut queue) = (Vec::new(), vec![action]);
    while !queue.is_empty() {
        let action = queue.remove(0);
        let mut next = Vec::new();
        match action {
            Action::Global(action) => global::perform(state, action, &mut effects, &mut next),
            action @ (Action::History(_)
            | Action::Branches(_)
            | Action::Tables(_)
            | Action::Merge(_)
            | Action::Recovery(_)
            | Action::Jobs(_)) => {
                let mut cx = Context { shared: &mut state.shared, effects: &mut effects, next: &mut next };
                screen::update(&mut state.screens, action, &mut cx);
            }
        }
        // What an action leads to comes before what was asked for later.
        next.append(&mut queue);
        queue = next;
    }
    effects
}

/// Performs the action of a registry row, or says why it is not possible.
fn run_row(state: &mut State, row: usize) -> Vec<Effect> {
    let registry = std::rc::Rc::clone(&state.shared.registry);
    let Some(row) = registry.get(row) else { return Vec::new() };
    match (state.available(row), row.plain()) {
        (Availability::Ready, Some(action)) => update(state, action.clone()),
        (Availability::Ready, None) => update(state, Action::Global(Global::Palette)),
        (Availability::Disabled(reason), _) => {
            state.shared.notice = Some(reason.into_owned());
            Vec::new()
        }
    }
}

/// Lets screens do something with the shared state and collects what they ask for.
fn with_screens(state: &mut State, act: impl FnOnce(&mut screen::Screens, &mut Context<'_>)) -> Vec<Effect> {
    let (mut effects, mut next) = (Vec::new(), Vec::new());
    let mut cx = Context { shared: &mut state.shared, effects: &mut effects, next: &mut next };
    act(&mut state.screens, &mut cx);
    for action in next {
        effects.extend(update(state, action));
    }
    effects
}

fn heads_seen(state: &mut State, heads: Result<Heads, Failure>) -> Vec<Effect> {
    let heads = match heads {
        Ok(heads) => heads,
        Err(failure) => {
            tracing::warn!("cannot look at the branch heads: {}", failure.sentence());
            // Once is enough: the look is repeated every few seconds.
            let summary = "cannot look for new commits";
            let known = state.shared.messages.history().next().is_some_and(|last| last.text == summary);
            if !known {
                let now = state.shared.now;
                state.shared.messages.fail(now, &failure.during(summary));
            }
            return Vec::new();
        }
    };
    let moved = *state.shared.heads != heads;
    let first = state.shared.heads.is_empty();
    if !moved || state.shared.paused {
        return Vec::new();
    }
    state.shared.former_heads = std::mem::replace(&mut state.shared.heads, Arc::new(heads));
    if first {
        return Vec::new();
    }
    with_screens(state, |screens, cx| {
        for id in ScreenId::ALL {
            screens.get_mut(id).heads_moved(cx);
        }
    })
}

/// What is pending when the graph is opened is said once; after that the title counts. A sidecar may also be that of a writer
/// at work, which is no news each time.
fn interrupted(state: &mut State, ids: Result<BTreeSet<String>, Failure>) -> Vec<Effect> {
    let shared = &mut state.shared;
    match ids {
        Err(failure) => tracing::warn!("cannot look for interrupted writes: {}", failure.sentence()),
        Ok(_) if shared.paused && shared.interrupted.is_some() => {}
        Ok(ids) => {
            let text = pending_words(ids.len());
            let (is_some, is_known) = (!ids.is_empty(), shared.interrupted.as_ref() == Some(&ids));
            match shared.interrupted.replace(ids) {
                None if is_some => shared.messages.say(shared.now, Level::Warning, text),
                Some(before) if !is_known => {
                    shared.messages.take_back(&pending_words(before.len()));
                    return with_screens(state, |screens, cx| {
                        screens.recovery.counted(cx);
                        screens.branches.counted(cx);
                    });
                }
                None | Some(_) => {}
            }
        }
    }
    Vec::new()
}

fn pending_words(count: usize) -> String {
    let pending = if count == 1 { "write is" } else { "writes are" };
    let screen = ScreenId::Recovery;
    format!("{count} interrupted {pending} pending: {} shows {}", screen.digit(), screen.title())
}

fn config_read(state: &mut State, config: Result<Box<crate::config::Config>, Failure>) -> Vec<Effect> {
    let now = state.shared.now;
    match config {
        Ok(mut config) => {
            config.keep_session(&state.shared.config);
            let effects = apply_config(state, *config);
            let warnings = state.shared.config.warnings.len();
            let (level, text) = match warnings {
                0 => (Level::Info, "settings read again".to_owned()),
                count => (Level::Warning, format!("settings read again, {count} not understood (see :info)")),
            };
            state.shared.messages.say(now, level, text);
            effects
        }
        Err(failure) => {
            let failure = failure.during("the old settings stay in force");
            state.shared.messages.fail(now, &failure);
            Vec::new()
        }
    }
}

fn copied(state: &mut State, result: Result<usize, Failure>) -> Vec<Effect> {
    let now = state.shared.now;
    match result {
        Ok(size) => {
            let size = crate::clipboard::size_text(size);
            // The terminal does not say whether it took it.
            let mut text = format!("sent {size} to the terminal's clipboard");
            if let Some(copied) = state.shared.copied.take() {
                text = format!("{text}: {copied}");
            }
            state.shared.messages.say(now, Level::Info, text);
        }
        Err(failure) => state.shared.messages.fail(now, &failure),
    }
    Vec::new()
}
