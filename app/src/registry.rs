//! The action registry: one row per action, the global ones here, the others from their screens.

use crate::action::{Action, Availability, Global, Motion, Row, Scope, Setting, TermKind};
use crate::screen::{self, ScreenId, TermUse, Verb};
use crate::state::{GraphState, State};
use crate::writing::Mode;

/// All rows: first the screens' own, then the global ones. Names are unique.
#[must_use]
pub fn registry() -> Vec<Row> {
    [screen::rows(), verbs(), motions(), terms(), screens(), frame(), program()].concat()
}

fn global(name: &'static str, description: &'static str, action: Global) -> Row {
    Row::new(name, description, Scope::Global, Action::Global(action))
}

fn supports(state: &State, verb: Verb) -> Availability {
    state.screen().supports(state.focus(), verb, &state.shared)
}

/// What each pane does in its own way.
fn verbs() -> Vec<Row> {
    let row = |name, description, verb| global(name, description, Global::Do(verb));
    vec![
        row("pane.enter", "go in", Verb::Enter).keys(&["enter"]).hint("open").available(|s| supports(s, Verb::Enter)),
        global("pane.back", "go back: search, filter, drill-down", Global::Back).keys(&["esc"]),
        row("pane.mark", "mark or unmark", Verb::Mark)
            .keys(&["space"])
            .hint("mark")
            .available(|s| supports(s, Verb::Mark)),
        row("pane.undo", "undo the last mark, choice or filter", Verb::Undo)
            .keys(&["u"])
            .available(|s| supports(s, Verb::Undo)),
        row("pane.refresh", "read again", Verb::Refresh).keys(&["r"]).available(|s| match s.shared.graph {
            GraphState::Failed(_) => Availability::Ready,
            GraphState::Opening | GraphState::Open(_) => supports(s, Verb::Refresh),
        }),
        row("pane.next-difference", "next difference or problem", Verb::NextDifference)
            .keys(&["]"])
            .available(|s| supports(s, Verb::NextDifference)),
        row("pane.previous-difference", "previous difference or problem", Verb::PreviousDifference)
            .keys(&["["])
            .available(|s| supports(s, Verb::PreviousDifference)),
    ]
}

fn motions() -> Vec<Row> {
    let row = |name, description, motion| global(name, description, Global::Move(motion));
    vec![
        row("move.down", "down", Motion::Down).keys(&["j", "down"]),
        row("move.up", "up", Motion::Up).keys(&["k", "up"]),
        row("move.first", "first row", Motion::First).keys(&["g g", "home"]),
        row("move.last", "last row", Motion::Last).keys(&["G", "end"]),
        row("move.half-down", "half a page down", Motion::HalfDown).keys(&["ctrl-d"]),
        row("move.half-up", "half a page up", Motion::HalfUp).keys(&["ctrl-u"]),
        row("move.page-down", "a page down", Motion::PageDown).keys(&["pagedown"]),
        row("move.page-up", "a page up", Motion::PageUp).keys(&["pageup"]),
        row("move.left", "a column to the left", Motion::Left).keys(&["h", "left"]),
        row("move.right", "a column to the right", Motion::Right).keys(&["l", "right"]),
        row("move.first-column", "first column", Motion::LeftEnd).keys(&["0"]),
        row("move.last-column", "last column", Motion::RightEnd).keys(&["$"]),
    ]
}

fn term_available(state: &State, kind: TermKind) -> Availability {
    match state.screen().term_use(state.focus(), kind) {
        TermUse::No(reason) => Availability::no(reason),
        TermUse::Text | TermUse::Expression(_) => Availability::Ready,
    }
}

fn searching(state: &State) -> Availability {
    let term = state.shared.terms.of(state.shared.screen, state.focus(), TermKind::Search);
    Availability::when(term.is_some(), "no search in this pane, start one with /")
}

fn terms() -> Vec<Row> {
    vec![
        global("pane.search", "search: mark what matches", Global::EditTerm(TermKind::Search))
            .keys(&["/"])
            .hint("search")
            .available(|s| term_available(s, TermKind::Search)),
        global("pane.next-match", "next match", Global::Do(Verb::NextMatch)).keys(&["n"]).available(searching),
        global("pane.previous-match", "previous match", Global::Do(Verb::PreviousMatch))
            .keys(&["N"])
            .available(searching),
        global("pane.filter", "filter: hide what does not match", Global::EditTerm(TermKind::Filter))
            .keys(&["f"])
            .hint("filter")
            .available(|s| term_available(s, TermKind::Filter)),
        global("pane.edit-filter", "edit the last filter", Global::EditLastFilter).keys(&["F"]).available(|s| {
            match term_available(s, TermKind::Filter) {
                Availability::Ready => {
                    Availability::when(s.shared.terms.last(TermKind::Filter).is_some(), "there was no filter yet")
                }
                refused @ Availability::Disabled(_) => refused,
            }
        }),
    ]
}

fn screens() -> Vec<Row> {
    vec![
        global("screen.history", "the History screen", Global::Show(ScreenId::History)).keys(&["1"]),
        global("screen.branches", "the Branches screen", Global::Show(ScreenId::Branches)).keys(&["2"]),
        global("screen.tables", "the Tables screen", Global::Show(ScreenId::Tables)).keys(&["3"]),
        global("screen.merge", "the Merge screen", Global::Show(ScreenId::Merge)).keys(&["4"]),
        global("screen.recovery", "the Recovery screen", Global::Show(ScreenId::Recovery)).keys(&["5"]),
        global("screen.jobs", "the Jobs screen", Global::Show(ScreenId::Jobs)).keys(&["6"]),
        global("screen.leave", "leave the screen; at the first one: quit", Global::Leave).keys(&["q"]),
    ]
}

fn frame() -> Vec<Row> {
    vec![
        global("app.help", "help of this pane", Global::Help).keys(&["?"]).hint("help"),
        global("app.palette", "command palette", Global::Palette).keys(&[":"]),
        global("pane.next", "next pane", Global::NextPane).keys(&["tab"]),
        global("pane.previous", "previous pane", Global::PreviousPane).keys(&["shift-tab"]),
        global("pane.zoom", "give the pane the whole body, and back", Global::Zoom).keys(&["z"]),
        global("screen.arrange", "other arrangement of the panes", Global::Arrange).keys(&["v"]),
        global("screen.shrink", "move the split to the left or up", Global::Split(-5)).keys(&["<"]),
        global("screen.grow", "move the split to the right or down", Global::Split(5)).keys(&[">"]),
        global("pane.copy", "copy menu", Global::CopyMenu).keys(&["y"]).available(|s| {
            let some =
                !s.screen().copies(s.focus(), &s.shared).is_empty() || s.screen().command_line(&s.shared).is_some();
            Availability::when(some, "nothing to copy here")
        }),
        global("pane.export", "export what the pane shows", Global::ExportMenu).keys(&["e"]).available(|s| {
            Availability::when(s.screen().export(s.focus(), &s.shared).is_some(), "nothing to export here")
        }),
        global("app.messages", "message history", Global::Messages).keys(&["!"]),
        global("app.dismiss", "take the messages off the screen", Global::Dismiss)
            .keys(&["ctrl-g"])
            .available(|s| Availability::when(s.shared.messages.toasts().next().is_some(), "no message is on screen")),
        global("app.info", "about the graph, the program and the settings", Global::Info),
    ]
}

fn program() -> Vec<Row> {
    vec![
        global("app.pause", "freeze or thaw live updates", Global::Pause).keys(&["p"]),
        global("jobs.strip", "show or hide the job strip", Global::Strip).keys(&["w"]),
        global("jobs.cancel-newest", "cancel the newest job", Global::CancelJob)
            .keys(&["x"])
            .available(|s| Availability::when(s.shared.jobs.active().next().is_some(), "no job is running")),
        global("app.write", "open the graph for writing", Global::Write).available(|s| {
            Availability::when(s.shared.writing.mode == Mode::ReadOnly, "the graph is open for writing")
        }),
        global("app.read-only", "go back to reading only", Global::OpenFor(Mode::ReadOnly)).available(|s| {
            Availability::when(s.shared.writing.mode == Mode::Write, "the graph is open for reading only")
        }),
        global("app.redraw", "draw everything again", Global::Redraw).keys(&["ctrl-l"]),
        global("app.suspend", "suspend; `fg` continues", Global::Suspend).keys(&["ctrl-z"]),
        global("app.quit", "quit", Global::Quit),
        global("app.ask-quit", "ask to quit", Global::AskQuit).keys(&["ctrl-c"]),
        global("app.mouse", "capture the mouse, or leave it to the terminal", Global::Mouse),
        Row::with_argument("app.set", "change a setting", Scope::Global, "NAME VALUE", |text| {
            let (name, value) =
                text.split_once(char::is_whitespace).ok_or("app.set needs NAME VALUE, like `time local`")?;
            let mut probe = crate::config::FileSettings::default();
            probe.set_typed(name, value.trim())?;
            Ok(Action::Global(Global::Set(Setting { name: name.to_owned(), value: value.trim().to_owned() })))
        }),
    ]
}
