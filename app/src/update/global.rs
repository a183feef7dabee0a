//! Actions that work everywhere.

use std::path::PathBuf;

use crate::action::{Action, Availability, Global, Motion, TermKind};
use crate::clipboard;
use crate::effect::{Effect, Request};
use crate::export::{Content, Existing, Format};
use crate::job::{Lifetime, Slot};
use crate::overlay::{self, Item, Menu, Overlay, Palette, Prompt, TermPrompt};
use crate::screen::{Answer, PaneId, TermUse, Verb};
use crate::state::{Context, GraphState, Quitting, State};
use crate::update::{frame, jobs, settings, with_screens, writing};

/// Performs a global action.
pub(super) fn perform(state: &mut State, action: Global, effects: &mut Vec<Effect>, next: &mut Vec<Action>) {
    match action {
        Global::Move(motion) => effects.extend(moved(state, motion)),
        Global::Do(verb) => effects.extend(done(state, verb)),
        Global::Back => effects.extend(back(state)),
        Global::EditTerm(_)
        | Global::EditLastFilter
        | Global::TermChanged(..)
        | Global::TermDone(..)
        | Global::TermTurned { .. }
        | Global::TermDropped(_) => effects.extend(term(state, action)),
        Global::Show(screen) => effects.extend(frame::show(state, screen)),
        Global::NextPane => frame::step_focus(state, 1),
        Global::PreviousPane => {
            let panes = state.screen().panes().len();
            frame::step_focus(state, panes.saturating_sub(1));
        }
        Global::Focus(pane) => frame::set_focus(state, pane),
        Global::Zoom => frame::change(state, |frame| frame.zoomed = !frame.zoomed),
        Global::Arrange => frame::change(state, |frame| frame.turned = !frame.turned),
        Global::Split(by) => {
            frame::change(state, |frame| frame.split = frame.split.saturating_add_signed(by).clamp(15, 85));
        }
        Global::Help
        | Global::Palette
        | Global::Messages
        | Global::Info
        | Global::CopyMenu
        | Global::ExportMenu
        | Global::Open(_) => open(state, action),
        Global::Typed(text) => remember(state, text),
        Global::Copy(text) => copy(state, text, effects),
        Global::CopyToFile(text) => {
            let content = Content::Text { name: "copy".to_owned(), text: text.into() };
            state.shared.export = Some((content, Format::Markdown));
            ask_path(state, "copy.txt");
        }
        Global::ExportPath(format) => export_path(state, format),
        Global::ExportTo(path) => export(state, &PathBuf::from(path.trim()), Existing::Ask, effects, next),
        Global::ExportOver(path) => export(state, &path, Existing::Replace, effects, next),
        Global::Dismiss => {
            state.shared.messages.dismiss();
        }
        Global::Strip => state.shared.strip = !state.shared.strip,
        Global::CancelJob => cancel_newest(state, effects),
        Global::Cancel(id) => jobs::cancel(state, id, effects),
        Global::Set(setting) => effects.extend(settings::set(state, &setting)),
        Global::Pause => pause(state, effects),
        Global::Mouse => {
            state.shared.mouse = !state.shared.mouse;
            effects.push(Effect::CaptureMouse(state.shared.mouse));
        }
        Global::Redraw => effects.push(Effect::Redraw),
        Global::Suspend => effects.push(Effect::Suspend),
        Global::Leave => match frame::leave(state) {
            Some(more) => effects.extend(more),
            None => next.push(Action::Global(Global::Quit)),
        },
        Global::Write => writing::to_write(state, None, effects, next),
        Global::ToWrite(action) => writing::to_write(state, Some(*action), effects, next),
        Global::Actor(name) => writing::actor(state, name, effects, next),
        Global::OpenFor(mode) => writing::open(state, mode, effects, next),
        Global::Stay => state.shared.quitting = Quitting::No,
        Global::Quit | Global::AskQuit | Global::QuitWhenIdle | Global::QuitNow => quit(state, &action, effects),
    }
}

fn note(state: &mut State, answer: Answer) {
    if let Answer::Nothing(reason) = answer {
        state.shared.notice = Some(reason);
    }
}

fn moved(state: &mut State, motion: Motion) -> Vec<Effect> {
    let (screen, pane) = (state.shared.screen, state.focus());
    let mut answer = Answer::Done;
    let effects = with_screens(state, |screens, cx| answer = screens.get_mut(screen).motion(pane, motion, cx));
    note(state, answer);
    effects
}

fn done(state: &mut State, verb: Verb) -> Vec<Effect> {
    // What every screen waits for is read again first.
    if verb == Verb::Refresh && matches!(state.shared.graph, GraphState::Failed(_)) {
        return jobs::open_graph(state);
    }
    let (screen, pane) = (state.shared.screen, state.focus());
    if let Availability::Disabled(reason) = state.screen().supports(pane, verb, &state.shared) {
        state.shared.notice = Some(reason.into_owned());
        return Vec::new();
    }
    let mut answer = Answer::Done;
    let effects = with_screens(state, |screens, cx| answer = screens.get_mut(screen).perform(pane, verb, cx));
    note(state, answer);
    effects
}

/// Back drops one thing at a time: the search, the filter, then what the pane drilled into, then the toasts.
fn back(state: &mut State) -> Vec<Effect> {
    let (screen, pane) = (state.shared.screen, state.focus());
    for kind in [TermKind::Search, TermKind::Filter] {
        if state.shared.terms.drop_term(screen, pane, kind) {
            return with_screens(state, |screens, cx| screens.get_mut(screen).term_changed(pane, kind, cx));
        }
    }
    match state.screen().supports(pane, Verb::Back, &state.shared) {
        Availability::Ready => done(state, Verb::Back),
        Availability::Disabled(reason) => {
            if !state.shared.messages.dismiss() {
                state.shared.notice = Some(reason.into_owned());
            }
            Vec::new()
        }
    }
}

fn term(state: &mut State, action: Global) -> Vec<Effect> {
    match action {
        Global::EditTerm(kind) => edit_term(state, kind, None),
        Global::EditLastFilter => {
            let last = state.shared.terms.last(TermKind::Filter).map(str::to_owned);
            edit_term(state, TermKind::Filter, last)
        }
        Global::TermChanged(kind, text) | Global::TermDone(kind, text) => put_term(state, kind, &text),
        Global::TermDropped(kind) => put_term(state, kind, ""),
        Global::TermTurned { from, to, text } => {
            let mut effects = put_term(state, from, "");
            effects.extend(put_term(state, to, &text));
            effects
        }
        _ => Vec::new(),
    }
}

fn edit_term(state: &mut State, kind: TermKind, text: Option<String>) -> Vec<Effect> {
    let (screen, pane) = (state.shared.screen, state.focus());
    let expression = match state.screen().term_use(pane, kind) {
        TermUse::No(reason) => {
            state.shared.notice = Some(reason.to_owned());
            return Vec::new();
        }
        TermUse::Text => None,
        TermUse::Expression(syntax) => Some(syntax),
    };
    let present = state.shared.terms.of(screen, pane, kind).map(|term| term.text.clone());
    let text = text.or(present).unwrap_or_default();
    let prompt = TermPrompt::new(kind, expression, text.clone());
    state.shared.overlays.push(Overlay::Term(prompt));
    if expression.is_none() && !text.is_empty() { put_term(state, kind, &text) } else { Vec::new() }
}

fn put_term(state: &mut State, kind: TermKind, text: &str) -> Vec<Effect> {
    let (screen, pane) = (state.shared.screen, state.focus());
    let before = state.shared.terms.of(screen, pane, kind).map(|term| term.text.clone()).unwrap_or_default();
    state.shared.terms.put(screen, pane, kind, text);
    if before == text {
        return Vec::new();
    }
    with_screens(state, |screens, cx| screens.get_mut(screen).term_changed(pane, kind, cx))
}

fn open(state: &mut State, action: Global) {
    let overlay = match action {
        Global::Help => Overlay::Choose(overlay::help(state)),
        Global::Palette => Overlay::Palette(Palette::new(state)),
        Global::Messages => Overlay::Page(overlay::messages(state)),
        Global::Info => Overlay::Page(overlay::info(state)),
        Global::CopyMenu => Overlay::Choose(copy_menu(state)),
        Global::ExportMenu => match export_menu(state) {
            Some(menu) => Overlay::Choose(menu),
            None => return,
        },
        Global::Open(overlay) => *overlay,
        _ => return,
    };
    state.shared.overlays.push(overlay);
}

fn copy_menu(state: &State) -> Menu {
    let mut choices = state.screen().copies(state.focus(), &state.shared);
    if let Some(line) = state.screen().command_line(&state.shared) {
        let text = format!("stratigraph {line}");
        choices.push(crate::screen::CopyChoice { label: "command line".to_owned(), text });
    }
    let items = choices.into_iter().map(|choice| {
        let first = choice.text.lines().next().unwrap_or_default().to_owned();
        Item { label: choice.label, text: first, action: Some(Ok(Action::Global(Global::Copy(choice.text)))) }
    });
    Menu::new("Copy", items.collect())
}

fn copy(state: &mut State, text: String, effects: &mut Vec<Effect>) {
    if text.len() <= clipboard::LIMIT_BYTES {
        state.shared.copied = Some(clipboard::told(&text, state.shared.theme.symbols().ellipsis));
        effects.push(Effect::Copy(text));
        return;
    }
    let size = clipboard::size_text(text.len());
    let to_file = Item {
        label: "file".to_owned(),
        text: "write it to a file instead".to_owned(),
        action: Some(Ok(Action::Global(Global::CopyToFile(text)))),
    };
    let title = format!("{size} is too much for the terminal's clipboard");
    state.shared.overlays.push(Overlay::Choose(Menu::new(title, vec![to_file])));
}

fn export_menu(state: &mut State) -> Option<Menu> {
    let content = state.screen().export(state.focus(), &state.shared);
    let Some(content) = content else {
        state.shared.notice = Some("nothing to export here".to_owned());
        return None;
    };
    let items = content.formats().iter().map(|format| Item {
        label: format.extension().to_owned(),
        text: format.title().to_owned(),
        action: Some(Ok(Action::Global(Global::ExportPath(*format)))),
    });
    let title = content.remark().map_or_else(|| "Export as".to_owned(), |remark| format!("Export as ({remark})"));
    let menu = Menu::new(title, items.collect());
    state.shared.export = Some((content, Format::Markdown));
    Some(menu)
}

fn export_path(state: &mut State, format: Format) {
    if let Some((content, chosen)) = &mut state.shared.export {
        *chosen = format;
        let name = format!("{}.{}", content.name(), format.extension());
        ask_path(state, &name);
    }
}

fn ask_path(state: &mut State, name: &str) {
    let prompt = Prompt::new("Write to", name, |path| Action::Global(Global::ExportTo(path)))
        .hint("a path; relative ones start where the program was started")
        .check(|path| if path.trim().is_empty() { Err("type a file name".to_owned()) } else { Ok(()) });
    state.shared.overlays.push(Overlay::Prompt(prompt));
}

fn export(
    state: &mut State,
    path: &std::path::Path,
    existing: Existing,
    effects: &mut Vec<Effect>,
    next: &mut Vec<Action>,
) {
    let Some((content, format)) = state.shared.export.clone() else { return };
    let slot = Slot { screen: state.shared.screen, pane: PaneId("file"), kind: "export" };
    let subject = path.display().to_string();
    let request = Request::Export { content, format, path: path.to_owned(), existing };
    Context { shared: &mut state.shared, effects, next }.work(slot, subject, request);
}

fn remember(state: &mut State, text: String) {
    let history = &mut state.shared.palette_history;
    if !text.is_empty() {
        history.retain(|former| *former != text);
        history.push(text);
    }
}

fn cancel_newest(state: &mut State, effects: &mut Vec<Effect>) {
    let newest = state.shared.jobs.active().next().map(|job| job.id);
    match newest {
        Some(id) => jobs::cancel(state, id, effects),
        None => state.shared.notice = Some("no job is running".to_owned()),
    }
}

fn pause(state: &mut State, effects: &mut Vec<Effect>) {
    state.shared.paused = !state.shared.paused;
    if state.shared.paused {
        effects.push(Effect::WatchHeads(0));
    } else {
        effects.push(Effect::WatchHeads(state.shared.config.refresh_seconds.value));
        effects.push(Effect::CheckHeads);
    }
}

fn quit(state: &mut State, action: &Global, effects: &mut Vec<Effect>) {
    let running = jobs::running(state);
    match action {
        Global::QuitNow => quit_now(state, effects),
        Global::Quit | Global::QuitWhenIdle if running == 0 => effects.push(Effect::Quit),
        Global::QuitWhenIdle => state.shared.quitting = Quitting::WhenIdle,
        _ => ask_quit(state, running),
    }
}

/// Cancels what runs and quits; a write that cannot be cancelled any more is waited for.
fn quit_now(state: &mut State, effects: &mut Vec<Effect>) {
    match state.shared.jobs.write().map(|job| job.id) {
        Some(write) => {
            jobs::cancel(state, write, effects);
            state.shared.quitting = Quitting::WhenIdle;
        }
        None => effects.push(Effect::Quit),
    }
}

fn ask_quit(state: &mut State, running: usize) {
    let title = match running {
        0 => "Quit?".to_owned(),
        1 => "Quit? 1 job is running".to_owned(),
        _ => format!("Quit? {running} jobs are running"),
    };
    let asked = |overlay: &Overlay| matches!(overlay, Overlay::Choose(menu) if menu.title().starts_with("Quit?"));
    if state.shared.overlays.iter().any(asked) {
        return;
    }
    let item = |label: &str, text: &str, action| Item {
        label: label.to_owned(),
        text: text.to_owned(),
        action: Some(Ok(Action::Global(action))),
    };
    let mut items = vec![item("stay", "go on", Global::Stay)];
    if running == 0 {
        items.push(item("quit", "end the program", Global::QuitNow));
    } else {
        items.push(item("wait", "quit when the jobs are done", Global::QuitWhenIdle));
        items.push(item("cancel", "cancel the jobs and quit", Global::QuitNow));
    }
    for job in state.shared.jobs.active().filter(|job| job.lifetime != Lifetime::Screen) {
        items.push(Item { label: String::new(), text: format!("  {} {}", job.slot.kind, job.subject), action: None });
    }
    state.shared.overlays.push(Overlay::Choose(Menu::new(title, items)));
}
